package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/report/chart"
	"github.com/simcap/simcap/report/page"
	"github.com/simcap/simcap/report/quantity"
)

// HTML writes the page of a run: one file that opens without a network.
func HTML(w io.Writer, r *experiment.Result, o Options) error {
	return writePage(w, runPage(r, o))
}

// runPage is the page of a run as a description.
func runPage(r *experiment.Result, o Options) *page.Page {
	p := &page.Page{Kind: "run", Title: r.Scenario, Provenance: provenance(r), Verdict: verdictOf(r),
		Cards: cardsOf(r), Footer: "simcap simulates; it does not measure. Intervals are 95% " +
			"confidence intervals over " +
			"independent replications" + lone(r) + "."}
	if advice := hints(r); len(advice) > 0 {
		p.Notes = append(p.Notes, page.Note{Title: "What to try next", Kind: "advice", Items: advice})
	}
	warnings := r.Warnings
	if r.Detail != nil && r.Detail.Synthetic {
		warnings = append(warnings[:len(warnings):len(warnings)],
			"A profile of this scenario was not measured on hardware: take its times as examples.")
	}
	if len(warnings) > 0 {
		p.Notes = append(p.Notes, page.Note{Title: "Warnings", Kind: "warning", Items: warnings})
	}
	for _, s := range []page.Section{latencySection(r), timeSection(r), costSection(r), poolSection(r),
		numberSection(r), scenarioSection(r, o)} {
		if len(s.Blocks) > 0 {
			p.Sections = append(p.Sections, s)
		}
	}
	return p
}

// writePage writes a page none of whose rows has a hole.
func writePage(w io.Writer, p *page.Page) error {
	for i := range p.Sections {
		fillRows(p.Sections[i].Blocks)
	}
	return page.Write(w, p)
}

// fillRows lets a chart take the whole width that would stand alone in a row of two.
func fillRows(blocks []page.Block) {
	var lone *chart.Chart
	for i := range blocks {
		c := blocks[i].Chart
		switch {
		case c == nil || c.Wide || c.Grid != nil:
			if lone != nil {
				lone.Wide = true
			}
			lone = nil
			if t := blocks[i].Tabs; t != nil {
				for k := range t.Tabs {
					fillRows(t.Tabs[k].Blocks)
				}
			}
		case lone != nil:
			lone = nil
		default:
			lone = c
		}
	}
	if lone != nil {
		lone.Wide = true
	}
}

func lone(r *experiment.Result) string {
	if r.Replications > 1 {
		return ""
	}
	return "; this result is of one, and has none"
}

// verdictOf is the answer in words: the SLO, the cost, and what dominates both.
func verdictOf(r *experiment.Result) page.Verdict {
	st := overall(r.SLO)
	v := page.Verdict{State: string(st), Headline: headline(r.SLO)}
	v.Word = map[state]string{kept: "✓ SLO kept", missed: "✗ SLO missed", undecided: "? SLO undecided",
		unasked: "No SLO"}[st]
	if c := r.Total.CostUSD; c != nil && valueOf(c.Total) > 0 {
		bill, per := billOf(r, c)
		sentence := "It costs " + text(quantity.USD, bill) + " " + per
		if of := interval(quantity.USD, bill); of != "" {
			sentence += " (" + of + ")"
		}
		v.Sentences = append(v.Sentences, sentence+". "+costSentence(r))
	} else {
		v.Sentences = append(v.Sentences, "Nothing is billed.")
	}
	if s := tailSentence(r); s != "" {
		v.Sentences = append(v.Sentences, s)
	}
	return v
}

// cardsOf are the numbers that matter most.
func cardsOf(r *experiment.Result) []page.Card {
	var out []page.Card
	m := &r.Total
	add := func(label string, kind quantity.Kind, e experiment.Estimate, note string) {
		if has(e) {
			out = append(out, page.Card{Label: label, Value: text(kind, e),
				Interval: interval(kind, e), Note: note})
		}
	}
	for i := range r.SLO {
		if i == 2 {
			break // the table has the rest
		}
		o := describe(&r.SLO[i])
		out = append(out, page.Card{Label: "SLO: " + o.Label + " " + unbroken(o.Limit), Value: o.Value,
			Interval: o.Interval,
			Note:     o.Margin, State: string(o.State)})
	}
	if c := m.CostUSD; c != nil && valueOf(c.Total) > 0 {
		busy, idle, cold := shares(c)
		bill, per := billOf(r, c)
		add("Cost "+per, quantity.USD, bill,
			fmt.Sprintf("busy %s, idle %s, cold starts %s", percent(busy),
				percent(idle), percent(cold)))
		add("Cost per 1,000 inputs", quantity.USD, c.Per1kInputs, text(quantity.USD, c.PerHour)+" per hour")
	}
	if energy := energyWords(m.Energy); energy != nil {
		out = append(out, page.Card{Label: "Energy", Value: energy[0], Note: strings.Join(energy[1:], ", ")})
	}
	out = append(out, tokenCards(m)...)
	add("p50 latency", quantity.Seconds, m.LatencyS.P50, "half of the inputs are faster")
	add("p99 latency", quantity.Seconds, m.LatencyS.P99, "one in a hundred is slower")
	if has(m.Inputs.Submitted) {
		add("Cold-started inputs", quantity.Fraction, fraction(m.Inputs.ColdStarted, m.Inputs.Submitted),
			text(quantity.Count, m.Inputs.ColdStarted)+" of "+text(quantity.Count, m.Inputs.Submitted))
	}
	if m.Utilization != nil && m.Containers != nil {
		add("Utilization", quantity.Fraction, *m.Utilization,
			fmt.Sprintf("%s containers live on average, %s at the peak",
				text(quantity.Count, m.Containers.LiveMean), text(quantity.Count, m.Containers.Peak)))
	}
	if valueOf(m.RejectedFraction) >= 0.0001 {
		add("Rejected inputs", quantity.Fraction, m.RejectedFraction, "")
	}
	return out
}

// fraction is a count as a share of another, with the count's interval.
func fraction(part, whole experiment.Estimate) experiment.Estimate {
	if valueOf(whole) == 0 {
		return experiment.Estimate{}
	}
	return times(part, 1/valueOf(whole))
}

func picture(c chart.Chart, ok bool) []page.Block {
	if !ok {
		return nil
	}
	return []page.Block{{Chart: &c}}
}

func latencySection(r *experiment.Result) page.Section {
	s := page.Section{ID: "latency", Title: "How slow, and why"}
	s.Blocks = append(s.Blocks, picture(latencyCurve(r))...)
	for _, c := range tokenCurves(r) {
		s.Blocks = append(s.Blocks, picture(c, true)...)
	}
	s.Blocks = append(s.Blocks, picture(whyBars(r))...)
	s.Blocks = append(s.Blocks, picture(makespanCurve(r))...)
	return s
}

// timeSection has the time lines: of the only function, or of all and each to choose from.
func timeSection(r *experiment.Result) page.Section {
	s := page.Section{ID: "time", Title: "What happened over time",
		Note: "All time charts show the first replication on one axis."}
	if r.Detail == nil {
		return s
	}
	names := functionNames(r)
	blocks := func(function string, t *timeline, makers ...func(*experiment.Result, string,
		*timeline) (chart.Chart,
		bool)) []page.Block {
		var out []page.Block
		for _, c := range present(r, function, t, makers...) {
			out = append(out, page.Block{Chart: &c})
		}
		return out
	}
	var tabs []page.Tab
	if len(names) > 1 {
		tabs = append(tabs, page.Tab{Name: "all functions",
			Blocks: blocks("", newTimeline(r, total(r.Detail)),
				containersOverTime, queueOverTime, arrivalsOverTime, costOverTime)})
	}
	for _, name := range names {
		tabs = append(tabs, page.Tab{Name: name, Blocks: blocks(name,
			newTimeline(r, detailOf(r, name).Series),
			latencyOverTime, containersOverTime, queueOverTime, arrivalsOverTime, costOverTime,
			containerLanes)})
	}
	kept := tabs[:0]
	for _, t := range tabs {
		if len(t.Blocks) > 0 {
			kept = append(kept, t)
		}
	}
	switch len(kept) {
	case 0:
	case 1:
		s.Blocks = kept[0].Blocks
	default:
		s.Blocks = []page.Block{{Tabs: &page.Tabs{ID: "functions", Label: "Function", Tabs: kept}}}
	}
	return s
}

func costSection(r *experiment.Result) page.Section {
	s := page.Section{ID: "cost", Title: "What it costs"}
	s.Blocks = append(s.Blocks, picture(costBars(r))...)
	if r.Detail != nil && r.Detail.PriceSource != "" && len(s.Blocks) > 0 {
		s.Note = "Prices: " + r.Detail.PriceSource
	}
	return s
}

func poolSection(r *experiment.Result) page.Section {
	s := page.Section{ID: "pool", Title: "Cold starts, batches, rejections"}
	s.Blocks = append(s.Blocks, picture(coldBars(r))...)
	for _, name := range functionNames(r) {
		s.Blocks = append(s.Blocks, picture(batchColumns(r, name))...)
	}
	s.Blocks = append(s.Blocks, picture(rejectedBars(r))...)
	return s
}

func cell(kind quantity.Kind, e experiment.Estimate) page.Cell {
	return page.Cell{Text: text(kind, e), Interval: interval(kind, e), Key: e.Value}
}

func numberSection(r *experiment.Result) page.Section {
	s := page.Section{ID: "numbers", Title: "All numbers",
		Note: "Small print below a value is its 95% confidence " +
			"interval. A click on a heading sorts."}
	if len(r.SLO) > 0 {
		s.Blocks = append(s.Blocks, page.Block{Table: objectiveTable(r)})
	}
	if len(r.Functions) > 0 {
		s.Blocks = append(s.Blocks, page.Block{Table: functionTable(r)}, page.Block{Table: latencyTable(r)})
		if t := tokenTable(r); t != nil {
			s.Blocks = append(s.Blocks, page.Block{Table: t})
		}
	}
	if len(r.Workloads) > 0 {
		s.Blocks = append(s.Blocks, page.Block{Table: workloadTable(r)})
	}
	return s
}

func objectiveTable(r *experiment.Result) *page.Table {
	t := &page.Table{ID: "slo-table", Caption: "Objectives", Columns: []page.Column{{Name: "objective"},
		{Name: "limit"}, {Name: "value", Number: true}, {Name: "verdict"}, {Name: "margin"}}}
	for i := range r.SLO {
		v := &r.SLO[i]
		o := describe(v)
		t.Rows = append(t.Rows, page.Row{Cells: []page.Cell{{Text: o.Label}, {Text: o.Limit},
			cell(kindOf(v.Metric), v.Value), {Text: string(o.State), State: string(o.State)},
			{Text: o.Margin}}})
	}
	return t
}

// costHead is the heading of what functions cost.
func costHead(r *experiment.Result) string {
	_, per := billOf(r, &experiment.Cost{})
	return "cost " + per
}

// functionTable has cost and containers of each function, and of all.
func functionTable(r *experiment.Result) *page.Table {
	t := &page.Table{ID: "function-table", Caption: "Cost and containers by function", Columns: []page.Column{
		{Name: "function"}, {Name: costHead(r), Number: true},
		{Name: "per 1,000 inputs", Number: true},
		{Name: "busy", Number: true, Title: "share of the cost"},
		{Name: "idle", Number: true, Title: "share of the cost"},
		{Name: "cold", Number: true, Title: "share of the cost"},
		{Name: "live", Number: true, Title: "containers, mean"},
		{Name: "peak", Number: true, Title: "containers"}, {Name: "started", Number: true},
		{Name: "lifetime", Number: true, Title: "mean of those stopped"},
		{Name: "utilization", Number: true, Title: "busy / ready container time"}}}
	row := func(name string, m *experiment.Measures, class string) {
		var c experiment.Cost
		var n experiment.ContainerCounts
		var u experiment.Estimate
		if m.CostUSD != nil {
			c = *m.CostUSD
		}
		if m.Containers != nil {
			n = *m.Containers
		}
		if m.Utilization != nil {
			u = *m.Utilization
		}
		bill, _ := billOf(r, &c)
		all := valueOf(c.Busy) + valueOf(c.Idle) + valueOf(c.Cold)
		part := func(e experiment.Estimate) page.Cell {
			if all == 0 {
				return page.Cell{Text: quantity.None}
			}
			v := valueOf(e) / all
			return page.Cell{Text: percent(v), Key: &v}
		}
		t.Rows = append(t.Rows, page.Row{Class: class, Cells: []page.Cell{{Text: name},
			cell(quantity.USD, bill), cell(quantity.USD, c.Per1kInputs), part(c.Busy),
			part(c.Idle), part(c.Cold),
			cell(quantity.Count, n.LiveMean), cell(quantity.Count, n.Peak), cell(quantity.Count, n.Started),
			cell(quantity.Seconds, n.LifetimeMeanS), cell(quantity.Fraction, u)}})
	}
	for _, name := range functionNames(r) {
		m := r.Functions[name]
		row(name, &m, "")
	}
	if len(r.Functions) > 1 {
		row("total", &r.Total, "total")
	}
	return t
}

func latencyTable(r *experiment.Result) *page.Table {
	t := &page.Table{ID: "latency-table", Caption: "Latency by function",
		Columns: []page.Column{{Name: "function"},
			{Name: "mean", Number: true}, {Name: "p50", Number: true}, {Name: "p90", Number: true},
			{Name: "p95", Number: true},
			{Name: "p99", Number: true}, {Name: "p99.9", Number: true}, {Name: "max", Number: true},
			{Name: "mean queue", Number: true, Title: "inputs waiting"},
			{Name: "batch size", Number: true, Title: "mean"}}}
	row := func(name string, m *experiment.Measures, class string) {
		q := &m.LatencyS
		cells := []page.Cell{{Text: name}}
		for _, e := range []experiment.Estimate{q.Mean, q.P50, q.P90, q.P95, q.P99, q.P999, q.Max} {
			cells = append(cells, cell(quantity.Seconds, e))
		}
		t.Rows = append(t.Rows, page.Row{Class: class, Cells: append(cells, cell(quantity.Count, m.QueueMean),
			cell(quantity.Count, m.BatchSizeMean))})
	}
	for _, name := range functionNames(r) {
		m := r.Functions[name]
		row(name, &m, "")
	}
	if len(r.Functions) > 1 {
		row("total", &r.Total, "total")
	}
	return t
}

// workloadTable has what became of inputs, by workload. Columns without any input are left out.
func workloadTable(r *experiment.Result) *page.Table {
	t := &page.Table{ID: "workload-table", Caption: "Inputs by workload",
		Columns: []page.Column{{Name: "workload"}}}
	columns := []struct {
		name   string
		kind   quantity.Kind
		always bool
		of     func(*experiment.Measures) experiment.Estimate
	}{
		{"submitted", quantity.Count, true,
			func(m *experiment.Measures) experiment.Estimate { return m.Inputs.Submitted }},
		{"completed", quantity.Count, true,
			func(m *experiment.Measures) experiment.Estimate { return m.Inputs.Completed }},
		{"cold started", quantity.Count, true,
			func(m *experiment.Measures) experiment.Estimate { return m.Inputs.ColdStarted }},
		{"failed", quantity.Count, false,
			func(m *experiment.Measures) experiment.Estimate { return m.Inputs.Failed }},
		{"timed out", quantity.Count, false,
			func(m *experiment.Measures) experiment.Estimate { return m.Inputs.TimedOut }},
		{"abandoned", quantity.Count, false,
			func(m *experiment.Measures) experiment.Estimate { return m.Inputs.Abandoned }},
		{"cancelled", quantity.Count, false,
			func(m *experiment.Measures) experiment.Estimate { return m.Inputs.Cancelled }},
		{"rejected", quantity.Fraction, false,
			func(m *experiment.Measures) experiment.Estimate { return m.RejectedFraction }},
		{"retried", quantity.Count, false,
			func(m *experiment.Measures) experiment.Estimate { return m.Inputs.Retried }},
		{"p50 latency", quantity.Seconds, true,
			func(m *experiment.Measures) experiment.Estimate { return m.LatencyS.P50 }},
		{"p99 latency", quantity.Seconds, true,
			func(m *experiment.Measures) experiment.Estimate { return m.LatencyS.P99 }},
		{"throughput", quantity.PerS, true,
			func(m *experiment.Measures) experiment.Estimate { return m.ThroughputPerS }},
	}
	names := workloadNames(r)
	for _, name := range names {
		t.Rows = append(t.Rows, page.Row{Cells: []page.Cell{{Text: name}}})
	}
	for _, c := range columns {
		any := c.always
		var cells []page.Cell
		for _, name := range names {
			m := r.Workloads[name]
			e := c.of(&m)
			any = any || valueOf(e) != 0
			cells = append(cells, cell(c.kind, e))
		}
		if !any {
			continue
		}
		t.Columns = append(t.Columns, page.Column{Name: c.name, Number: true})
		for i := range cells {
			t.Rows[i].Cells = append(t.Rows[i].Cells, cells[i])
		}
	}
	return t
}

// scenarioSection has what was asked and assumed, and how to ask again.
func scenarioSection(r *experiment.Result, o Options) page.Section {
	s := page.Section{ID: "scenario", Title: "Scenario and assumptions"}
	facts := []page.Fact{{Name: "Replications", Value: fmt.Sprint(r.Replications)},
		{Name: "Seed", Value: fmt.Sprint(r.Seed)},
		{Name: "Version", Value: r.Simcap}}
	if r.HorizonS != nil {
		facts = append(facts, page.Fact{Name: "Horizon", Value: quantity.Span(*r.HorizonS)})
	}
	facts = append(facts, page.Fact{Name: "Warm-up left out", Value: quantity.Span(r.WarmupS)})
	d := r.Detail
	if d == nil {
		s.Blocks = []page.Block{{Facts: facts}}
		return s
	}
	for _, f := range []page.Fact{{Name: "Platform", Value: d.Platform},
		{Name: "Prices", Value: d.PriceSource}} {
		if f.Value != "" {
			facts = append(facts, f)
		}
	}
	for _, name := range detailNames(d) {
		if f := d.Functions[name]; f.PricePerS > 0 {
			facts = append(facts, page.Fact{Name: "A container of " + name,
				Value: strings.TrimSpace(f.GPU + " " + quantity.Format(quantity.USD,
					f.PricePerS*3600) + " an hour")})
		}
	}
	s.Blocks = append(s.Blocks, page.Block{Facts: facts})
	if len(d.Assumptions) > 0 {
		s.Blocks = append(s.Blocks, page.Block{Table: assumptionTable(d)})
	}
	if d.ScenarioYAML != "" {
		s.Blocks = append(s.Blocks, page.Block{Code: &page.Code{Title: "This result again, with " +
			"the scenario " +
			"below as scenario.yaml", Text: fmt.Sprintf("simcap run scenario.yaml --seed %d "+
			"--replications %d",
			r.Seed, r.Replications)}},
			page.Block{Code: &page.Code{Title: "Scenario as it was run", Text: d.ScenarioYAML}})
	}
	return s
}

func assumptionTable(d *experiment.Detail) *page.Table {
	t := &page.Table{ID: "assumption-table", Caption: "Assumptions: settings that the platform " +
		"does not publish",
		Columns: []page.Column{{Name: "setting"}, {Name: "value"}, {Name: "why it is an assumption"}}}
	swept := len(d.Sensitivity) > 0
	if swept {
		t.Columns = append(t.Columns, page.Column{Name: "what a sweep of it showed"})
	}
	for _, a := range d.Assumptions {
		row := page.Row{Cells: []page.Cell{{Text: a.Key}, {Text: a.Value}, {Text: a.Why}}}
		if swept {
			row.Cells = append(row.Cells, page.Cell{Text: d.Sensitivity[a.Key]})
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}
