package report

import (
	"fmt"
	"strings"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/report/chart"
	"github.com/simcap/simcap/report/page"
	"github.com/simcap/simcap/report/quantity"
)

// tokens writes how fast output tokens come, where there are LLM functions: the time to the first, the time
// of each further one, and how many a second.
func (s *summary) tokens() {
	m := &s.r.Total
	if m.TTFTS == nil || !has(m.TTFTS.P50) {
		return
	}
	s.block("TOKENS")
	const label = 6
	shown := quantileColumns(m.TTFTS, s.room()-label)
	column := (s.room() - label) / len(shown)
	head := left("", label)
	for _, c := range shown {
		head += left(c.name, column)
	}
	s.line(s.in(dim, head))
	for _, row := range []struct {
		name string
		of   *experiment.Quantiles
	}{{"TTFT", m.TTFTS}, {"TPOT", m.TPOTS}} {
		values, ranges := left(row.name, label), left("", label)
		for _, c := range shown {
			e := quantileNamed(row.of, c.name)
			values += left(text(quantity.Seconds, e), column)
			ranges += left(quantity.Cut(interval(quantity.Seconds, e), column-1), column)
		}
		s.line(s.in(bold, values))
		if strings.TrimSpace(ranges) != "" {
			s.line(s.in(dim, ranges))
		}
	}
	words := []string{withInterval(quantity.PerS, m.OutputTokensPerS.Total) + " output tokens in all",
		text(quantity.PerS, m.OutputTokensPerS.P50) + " by the median input"}
	if valueOf(*m.Preempted) > 0 {
		words = append(words, text(quantity.Count, *m.Preempted)+" inputs preempted")
	}
	s.items(words, "")
}

// quantileNamed is the quantile of a column of the table of latencies.
func quantileNamed(q *experiment.Quantiles, name string) experiment.Estimate {
	return map[string]experiment.Estimate{"mean": q.Mean, "p50": q.P50, "p90": q.P90, "p95": q.P95,
		"p99": q.P99, "p99.9": q.P999, "max": q.Max}[name]
}

// tokenCurves draw the distributions of the time to the first token and of the time of each further one.
func tokenCurves(r *experiment.Result) []chart.Chart {
	var out []chart.Chart
	for _, c := range []struct {
		id, axis, subtitle string
		finding            string
		of                 func(*experiment.FunctionDetail) *experiment.Distribution
		total              *experiment.Quantiles
	}{{"ttft", "time to first token (log scale)", "From first submission to the first output token",
		"Half of the inputs have their first token after %s, one in a hundred waits more than %s",
		func(d *experiment.FunctionDetail) *experiment.Distribution { return d.TTFT }, r.Total.TTFTS},
		{"tpot", "time per output token (log scale)", "Time of each output token after the first, by input",
			"Half of the inputs get a token every %s, one in a hundred less often than every %s",
			func(d *experiment.FunctionDetail) *experiment.Distribution { return d.TPOT }, r.Total.TPOTS}} {
		xy := &chart.XY{X: chart.Axis{Label: c.axis, Kind: quantity.Seconds, Scale: chart.Log}}
		for i, name := range functionNames(r) {
			f := detailOf(r, name)
			if d := c.of(&f); d != nil && len(d.Q) > 0 {
				xy.Series = append(xy.Series, quantileCurve(name, chart.Category(i), d))
			}
			slo := limits(r, c.id, name)
			for k := range slo {
				xy.Rules = append(xy.Rules, limitRule(&slo[k], true))
			}
		}
		if len(xy.Series) == 0 || c.total == nil {
			continue
		}
		xy.Y = chart.Axis{Label: "share of inputs", Scale: chart.Tail, Min: chart.At(0),
			Max: chart.At(tailTop(xy.Series))}
		out = append(out, chart.Chart{ID: c.id + "-cdf", Title: fmt.Sprintf(c.finding,
			text(quantity.Seconds, c.total.P50), text(quantity.Seconds, c.total.P99)),
			Subtitle: c.subtitle + ", all replications; the axis of shares is stretched towards the tail",
			Caption:  "Each further gridline is ten times rarer.", XY: xy})
	}
	return out
}

// tokenCards are the numbers of LLM functions that matter most.
func tokenCards(m *experiment.Measures) []page.Card {
	if m.TTFTS == nil || !has(m.TTFTS.P50) {
		return nil
	}
	card := func(label string, kind quantity.Kind, e experiment.Estimate, note string) page.Card {
		return page.Card{Label: label, Value: text(kind, e), Interval: interval(kind, e), Note: note}
	}
	return []page.Card{
		card("p99 time to first token", quantity.Seconds, m.TTFTS.P99,
			"median "+text(quantity.Seconds, m.TTFTS.P50)),
		card("p99 time per output token", quantity.Seconds, m.TPOTS.P99,
			"median "+text(quantity.Seconds, m.TPOTS.P50)),
		card("Output tokens", quantity.PerS, m.OutputTokensPerS.Total,
			text(quantity.PerS, m.OutputTokensPerS.P50)+" by the median input"),
	}
}

// tokenTable has the times of LLM inputs, by function.
func tokenTable(r *experiment.Result) *page.Table {
	if r.Total.TTFTS == nil {
		return nil
	}
	t := &page.Table{ID: "token-table", Caption: "Tokens by function",
		Columns: []page.Column{{Name: "function"}}}
	for _, group := range []string{"TTFT", "TPOT"} {
		for _, q := range []string{"mean", "p50", "p95", "p99"} {
			t.Columns = append(t.Columns, page.Column{Name: group + " " + q, Number: true})
		}
	}
	t.Columns = append(t.Columns, page.Column{Name: "output tokens", Number: true,
		Title: "a second, of all inputs"}, page.Column{Name: "preempted", Number: true, Title: "inputs"})
	row := func(name string, m *experiment.Measures, class string) {
		if m.TTFTS == nil {
			return
		}
		cells := []page.Cell{{Text: name}}
		for _, q := range []*experiment.Quantiles{m.TTFTS, m.TPOTS} {
			for _, e := range []experiment.Estimate{q.Mean, q.P50, q.P95, q.P99} {
				cells = append(cells, cell(quantity.Seconds, e))
			}
		}
		t.Rows = append(t.Rows, page.Row{Class: class, Cells: append(cells,
			cell(quantity.PerS, m.OutputTokensPerS.Total), cell(quantity.Count, *m.Preempted))})
	}
	for _, name := range functionNames(r) {
		m := r.Functions[name]
		row(name, &m, "")
	}
	if len(t.Rows) > 1 {
		row("total", &r.Total, "total")
	}
	return t
}

// manyPreempted is the share of preempted inputs from which an engine is said to be short of memory.
const manyPreempted = 0.05

// preemptedHint says that an engine's memory is short, where it preempts many inputs.
func preemptedHint(r *experiment.Result, name string, set *experiment.PoolSettings) hint {
	m := r.Functions[name]
	if m.Preempted == nil || valueOf(*m.Preempted) < manyPreempted*valueOf(m.Inputs.Completed) {
		return hint{}
	}
	return hint{weight: 1.6, function: name, text: fmt.Sprintf("The engine of %s preempts %s of the inputs, "+
		"because its memory is short: try fewer inputs per container (max_inputs is %d) and more containers.",
		name, percent(share(valueOf(*m.Preempted), valueOf(m.Inputs.Completed))), set.MaxInputs)}
}
