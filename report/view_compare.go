package report

import (
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/report/chart"
	"github.com/simcap/simcap/report/figure"
	"github.com/simcap/simcap/report/page"
	"github.com/simcap/simcap/report/quantity"
)

// WriteCompare writes what there is of a comparison into a folder, which it makes if need be: compare.json
// and its table, report.html and pictures.
func WriteCompare(dir string, c *experiment.Comparison, o Options) error {
	data := func() error { return WriteComparisonData(dir, c) }
	return writeResult(dir, "compare.json", compareDrawing(c), data, o)
}

func compareDrawing(c *experiment.Comparison) *drawing {
	v := &compareView{c}
	return &drawing{HTML: func(w io.Writer) error { return writePage(w, v.page()) }, Pictures: v.pictures()}
}

// compareView is a comparison as it is shown.
type compareView struct{ *experiment.Comparison }

// row is the comparison of a metric over everything; nil when it was not compared.
func (v *compareView) row(metric string) *experiment.ComparisonRow {
	for i := range v.Rows {
		if r := &v.Rows[i]; r.Metric == metric && r.Function == "" && r.Workload == "" {
			return r
		}
	}
	return nil
}

// relativeOf is the difference of a system as a share of the first system's value. The interval is
// that of the
// absolute difference, which says whether it is noise, so that both always agree.
func relativeOf(r *experiment.ComparisonRow, i int) experiment.Estimate {
	if d := &r.Differences[i]; has(d.Absolute) && has(r.Values[0]) && *r.Values[0].Value != 0 {
		return times(d.Absolute, 1 / *r.Values[0].Value)
	}
	return r.Differences[i].Relative
}

// change says how a system's value differs from the first's: "costs 23% less (18–28%)", or that it cannot be
// told apart.
func change(r *experiment.ComparisonRow, i int, more, less string) string {
	d, e := &r.Differences[i], relativeOf(r, i)
	if !has(e) {
		return ""
	}
	word := more
	if *e.Value < 0 {
		word = less
	}
	switch {
	case d.Noise && e.Low != nil:
		return fmt.Sprintf("cannot be told apart (%s to %s)", relative(*e.Low), relative(*e.High))
	case d.Noise:
		return "one pair of runs cannot tell"
	case e.Low == nil:
		return fmt.Sprintf("%s %s", percent(math.Abs(*e.Value)), word)
	}
	low, high := math.Abs(*e.Low), math.Abs(*e.High)
	return fmt.Sprintf("%s %s (%s)", percent(math.Abs(*e.Value)), word,
		quantity.Range(quantity.Fraction, math.Min(low, high), math.Max(low, high)))
}

// relative writes a relative change with its sign: "+12%", "−3%".
func relative(f float64) string {
	if math.Abs(f) < 0.0005 {
		return "0%"
	}
	text := distance(math.Abs(f))
	if f < 0 {
		return "−" + text
	}
	return "+" + text
}

// sentence compares one system with the first.
func (v *compareView) sentence(i int) string {
	var parts []string
	for _, m := range []struct{ metric, what, more, less string }{
		{"cost.per_hour", "cost", "more", "less"}, {"latency.p99", "p99 latency", "longer", "shorter"},
		{"latency.p50", "p50 latency", "longer", "shorter"}} {
		if r := v.row(m.metric); r != nil && i < len(r.Differences) {
			if s := change(r, i, m.more, m.less); s != "" {
				parts = append(parts, m.what+" "+s)
			}
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return fmt.Sprintf("%s against %s: %s.", v.Systems[i].Name, v.Systems[0].Name, strings.Join(parts, "; "))
}

// headline says which systems keep the SLO and which of those is the cheapest.
func (v *compareView) headline() (state, string) {
	best, least := -1, math.Inf(1)
	given := false
	for i := range v.Systems {
		r := v.Systems[i].Result
		if r == nil {
			continue
		}
		given = given || len(r.SLO) > 0
		if r.SLOVerdict() != experiment.Kept || r.Total.CostUSD == nil {
			continue
		}
		if c := valueOf(r.Total.CostUSD.PerHour); c < least {
			best, least = i, c
		}
	}
	switch {
	case len(v.Systems) == 0:
		return unasked, "Nothing was compared."
	case !given:
		return unasked, fmt.Sprintf("%s side by side; no SLO was given.",
			quantity.Plural(float64(len(v.Systems)),
				"system"))
	case best < 0:
		return missed, "None of the systems surely keeps the SLO."
	}
	bill, per := billOf(v.Systems[best].Result, v.Systems[best].Result.Total.CostUSD)
	return kept, fmt.Sprintf("The cheapest system that keeps the SLO is %s: %s %s.", v.Systems[best].Name,
		text(quantity.USD, bill), per)
}

func (v *compareView) provenance() []string {
	out := []string{"comparison", quantity.Plural(float64(v.Replications), "pair") + " of replications",
		fmt.Sprintf("seed %d", v.Seed)}
	if v.Simcap != "" {
		out = append(out, "simcap "+v.Simcap)
	}
	return out
}

func (v *compareView) title() string {
	var names []string
	for i := range v.Systems {
		names = append(names, v.Systems[i].Name)
	}
	return quantity.Cut(strings.Join(names, " · "), 120)
}

func (v *compareView) page() *page.Page {
	st, headline := v.headline()
	p := &page.Page{Kind: "comparison", Title: v.title(), Provenance: v.provenance(), Verdict: page.Verdict{
		State: string(st), Headline: headline, Word: map[state]string{kept: "✓ SLO can be kept",
			missed: "✗ SLO not kept", unasked: "No SLO"}[st]},
		Footer: "simcap simulates; it does not measure. Differences are taken pair by pair: each " +
			"system meets the " +
			"same inputs. Intervals are 95% confidence intervals; ~ marks what cannot be told apart."}
	for i := 1; i < len(v.Systems); i++ {
		if s := v.sentence(i); s != "" {
			p.Verdict.Sentences = append(p.Verdict.Sentences, s)
		}
	}
	for i := range v.Systems {
		if r := v.Systems[i].Result; r != nil && len(p.Cards) < 8 {
			p.Cards = append(p.Cards, systemCards(v.Systems[i].Name, r)...)
		}
	}
	if len(v.Warnings) > 0 {
		p.Notes = append(p.Notes, page.Note{Title: "Warnings", Kind: "warning", Items: v.Warnings})
	}
	add := func(id, title string, blocks []page.Block) {
		if len(blocks) > 0 {
			p.Sections = append(p.Sections, page.Section{ID: id, Title: title, Blocks: blocks})
		}
	}
	add("differences", "What differs", picture(v.differences()))
	add("latency", "How slow, and why", append(picture(v.curves()), picture(v.why())...))
	add("cost", "What it costs", picture(v.costs()))
	add("numbers", "All numbers", []page.Block{{Table: v.table()}})
	add("systems", "The systems", v.settings())
	return p
}

// systemCards are the two numbers of a system that matter most.
func systemCards(name string, r *experiment.Result) []page.Card {
	var out []page.Card
	if c := r.Total.CostUSD; c != nil && has(c.Total) {
		bill, per := billOf(r, c)
		out = append(out, page.Card{Label: name + ": cost " + per, Value: text(quantity.USD, bill),
			Interval: interval(quantity.USD, bill), Note: "SLO " + r.SLOVerdict(),
			State: stateWord(r.SLOVerdict())})
	}
	if has(r.Total.LatencyS.P99) {
		out = append(out, page.Card{Label: name + ": p99 latency",
			Value:    text(quantity.Seconds, r.Total.LatencyS.P99),
			Interval: interval(quantity.Seconds, r.Total.LatencyS.P99)})
	}
	return out
}

// compared are the metrics whose differences are drawn, if they were compared.
var compared = []string{"cost.per_hour", "latency.p50", "latency.p90", "latency.p95", "latency.p99",
	"latency.p999", "ttft.p50", "ttft.p99", "tpot.p50", "tpot.p99",
	"cold_start_fraction", "utilization", "makespan.mean"}

// differences draws the relative differences from the first system with their intervals.
func (v *compareView) differences() (chart.Chart, bool) {
	xy := &chart.XY{X: chart.Axis{Label: "difference", Kind: quantity.Fraction},
		Rules: []chart.Rule{{At: 0, Vertical: true, Role: chart.Muted, Label: "no difference"}}}
	var names []string
	var rows []*experiment.ComparisonRow
	for _, metric := range compared {
		if r := v.row(metric); r != nil {
			rows, names = append(rows, r), append(names, labelOf(metric))
		}
	}
	clear, total := 0, 0
	n := len(rows)
	for k, r := range rows {
		for i := 1; i < len(r.Differences) && i < len(v.Systems); i++ {
			d, e := &r.Differences[i], relativeOf(r, i)
			if !has(e) {
				continue
			}
			total++
			role, told := chart.Category(i-1), "differs"
			if d.Noise {
				role, told = chart.Muted, "cannot be told apart"
			} else {
				clear++
			}
			// From the top down, systems of one metric a little apart.
			y := float64(n-1-k) - 0.5*(float64(i-1)-float64(len(v.Systems)-2)/2)/math.Max(1,
				float64(len(v.Systems)-1))
			q := chart.Point{X: *e.Value, XLow: e.Low, XHigh: e.High,
				Y: y, Role: role,
				Bold: !d.Noise, Info: [][2]string{{"metric", names[k]},
					{"difference", relative(*e.Value)},
					{v.Systems[0].Name, text(kindOf(r.Metric), r.Values[0])},
					{v.Systems[i].Name, text(kindOf(r.Metric), r.Values[i])}, {"", told}}}
			if len(v.Systems) > 2 {
				q.Label = v.Systems[i].Name
			}
			xy.Points = append(xy.Points, q)
		}
	}
	if total == 0 {
		return chart.Chart{}, false
	}
	for i := n - 1; i >= 0; i-- {
		xy.Y.Names = append(xy.Y.Names, names[i])
	}
	return chart.Chart{ID: "differences", Wide: true, Height: min(420, 60+40*n),
		Title: fmt.Sprintf("%d of %d differences from %s are more than noise", clear, total,
			v.Systems[0].Name),
		Subtitle: "Relative difference, pair by pair, with its 95% interval; to the left is less",
		Caption:  "A line that crosses the dashed one is no difference that these runs can tell.",
		XY:       xy}, true
}

// curves overlays the distributions of latency of all systems that have them.
func (v *compareView) curves() (chart.Chart, bool) {
	xy := &chart.XY{X: chart.Axis{Label: "latency (log scale)", Kind: quantity.Seconds, Scale: chart.Log}}
	function := ""
	for i := range v.Systems {
		r := v.Systems[i].Result
		if r == nil || r.Detail == nil {
			continue
		}
		if function == "" {
			function = focus(r)
		}
		d := r.Detail.Functions[function].Latency
		if len(d.Q) > 0 {
			xy.Series = append(xy.Series, quantileCurve(v.Systems[i].Name, chart.Category(i), &d))
		}
		if i == 0 {
			slo := limits(r, "latency", function)
			for k := range slo {
				xy.Rules = append(xy.Rules, limitRule(&slo[k], true))
			}
		}
	}
	if len(xy.Series) == 0 {
		return chart.Chart{}, false
	}
	xy.Y = chart.Axis{Label: "share of inputs", Scale: chart.Tail, Min: chart.At(0),
		Max: chart.At(tailTop(xy.Series))}
	return chart.Chart{ID: "latency-cdf", Title: "Latency of " + function + " under each system",
		Subtitle: "Distribution of latency, all replications; the axis of shares is stretched " +
			"towards the tail",
		Caption: "The curve further to the left is the faster system; curves that cross trade the " +
			"middle for the tail.",
		XY: xy}, true
}

// why draws what inputs spend their time on in each system.
func (v *compareView) why() (chart.Chart, bool) {
	bars := &chart.Bars{Axis: chart.Axis{Kind: quantity.Seconds}}
	var rows []split
	used := [len(partKeys)]bool{}
	for i := range v.Systems {
		r := v.Systems[i].Result
		if r == nil {
			continue
		}
		s := splitOf(&r.Total.BreakdownS)
		if s.total() <= 0 {
			continue
		}
		for p, x := range s.Parts {
			used[p] = used[p] || x > 0
		}
		rows = append(rows, s)
		bars.Rows = append(bars.Rows, chart.Bar{Label: v.Systems[i].Name,
			Note: quantity.Format(quantity.Seconds, s.total())})
	}
	if len(rows) == 0 {
		return chart.Chart{}, false
	}
	for p, key := range partKeys {
		if !used[p] {
			continue
		}
		bars.Parts = append(bars.Parts, chart.Part{Name: partNames[p], Role: chart.Role(key)})
		for i := range rows {
			bars.Rows[i].Values = append(bars.Rows[i].Values, rows[i].Parts[p])
		}
	}
	return chart.Chart{ID: "why", Title: "What inputs spend their time on",
		Subtitle: "Mean latency of all inputs, by part",
		Caption:  "The part that shrinks or grows is what the change did.", Bars: bars}, true
}

// costs draws what each system costs, and for what.
func (v *compareView) costs() (chart.Chart, bool) {
	bars := &chart.Bars{Axis: chart.Axis{Kind: quantity.USD},
		Parts: []chart.Part{{Name: "busy", Role: chart.Busy},
			{Name: "idle", Role: chart.Idle}, {Name: "cold start", Role: chart.Starting}}}
	per := ""
	for i := range v.Systems {
		r := v.Systems[i].Result
		if r == nil || r.Total.CostUSD == nil || valueOf(r.Total.CostUSD.Total) == 0 {
			continue
		}
		var bill experiment.Estimate
		bill, per = billOf(r, r.Total.CostUSD)
		busy, idle, cold := shares(r.Total.CostUSD)
		x := valueOf(bill)
		bars.Rows = append(bars.Rows, chart.Bar{Label: v.Systems[i].Name,
			Values: chart.Values{x * busy, x * idle, x * cold}, Note: text(quantity.USD, bill)})
	}
	if len(bars.Rows) == 0 {
		return chart.Chart{}, false
	}
	return chart.Chart{ID: "cost", Title: "What each system costs " + per, Subtitle: "By what containers do",
		Caption: "Idle and cold-start money buys no work: it is the price of answering soon.",
		Bars:    bars}, true
}

func (v *compareView) table() *page.Table {
	t := &page.Table{ID: "comparison", Caption: "Measures, with differences from the first system",
		Columns: []page.Column{{Name: "measure"}, {Name: "of"}}}
	for i := range v.Systems {
		t.Columns = append(t.Columns, page.Column{Name: v.Systems[i].Name, Number: true})
		if i > 0 {
			t.Columns = append(t.Columns, page.Column{Name: "difference", Number: true,
				Title: v.Systems[i].Name + " minus " + v.Systems[0].Name})
		}
	}
	for k := range v.Rows {
		r := &v.Rows[k]
		of := "all"
		if s := scope(r.Function, r.Workload); s != "" {
			of = strings.TrimPrefix(s, " of ")
		}
		row := page.Row{Cells: []page.Cell{{Text: labelOf(r.Metric)}, {Text: of}}}
		for i := range v.Systems {
			if i >= len(r.Values) {
				break
			}
			row.Cells = append(row.Cells, cell(kindOf(r.Metric), r.Values[i]))
			if i > 0 && i < len(r.Differences) {
				row.Cells = append(row.Cells, differenceCell(r, i))
			}
		}
		if len(row.Cells) == len(t.Columns) {
			t.Rows = append(t.Rows, row)
		}
	}
	return t
}

// differenceCell writes a relative difference; ~ stands where it is noise.
func differenceCell(r *experiment.ComparisonRow, i int) page.Cell {
	d, e := &r.Differences[i], relativeOf(r, i)
	if !has(e) {
		return page.Cell{Text: quantity.None}
	}
	c := page.Cell{Text: relative(*e.Value), Key: e.Value}
	if d.Noise {
		c.Text = "~ " + c.Text
	}
	if e.Low != nil && e.High != nil {
		c.Interval = relative(*e.Low) + " to " + relative(*e.High)
	}
	return c
}

// settings are what was set in each system, to copy.
func (v *compareView) settings() []page.Block {
	var out []page.Block
	for i := range v.Systems {
		text := settingsFlags(v.Systems[i].Point)
		if text == "" {
			text = "(the file as it is)"
		}
		out = append(out, page.Block{Code: &page.Code{Title: v.Systems[i].Name, Text: text}})
	}
	return out
}

// pictures are the pictures of a comparison by the names of their files.
func (v *compareView) pictures() map[string]figure.Picture {
	a := newAlbum(v.title(), v.provenance())
	for _, make := range []func() (chart.Chart, bool){v.differences, v.curves, v.why, v.costs} {
		a.take(make())
	}
	return a.pictures
}
