package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/simcap/simcap/experiment/plan"
	"github.com/simcap/simcap/report/chart"
	"github.com/simcap/simcap/report/figure"
	"github.com/simcap/simcap/report/page"
	"github.com/simcap/simcap/report/quantity"
)

// map2 draws the lowest cost that keeps every objective for each pair of values of the two longest axes.
func (v *planView) map2() (chart.Chart, bool) {
	x, y := -1, -1
	for k := range v.axes {
		n := len(v.axes[k].Values)
		switch {
		case n < 2:
		case x < 0 || n > len(v.axes[x].Values):
			x, y = k, x
		case y < 0 || n > len(v.axes[y].Values):
			y = k
		}
	}
	if y < 0 || len(v.axes[x].Values) > 40 || len(v.axes[y].Values) > 40 {
		return chart.Chart{}, false
	}
	h := &chart.Heat{XLabel: v.short[v.axes[x].Key], YLabel: v.short[v.axes[y].Key], Kind: quantity.USD,
		Columns: v.axes[x].Values, Rows: v.axes[y].Values}
	for range h.Rows {
		line := make(chart.Values, len(h.Columns))
		for k := range line {
			line[k] = math.NaN()
		}
		h.Values, h.Copies = append(h.Values, line), append(h.Copies, make([]string, len(h.Columns)))
	}
	filled := 0
	for i := range v.Explored {
		s := &v.Explored[i]
		if s.Keeps != plan.Yes || len(s.Values) != len(v.axes) {
			continue
		}
		a, b := slices.Index(h.Columns, s.Values[x]), slices.Index(h.Rows, s.Values[y])
		if a < 0 || b < 0 {
			continue
		}
		if cost := s.Cost * v.cost.factor; !(h.Values[b][a] <= cost) {
			if math.IsNaN(h.Values[b][a]) {
				filled++
			}
			h.Values[b][a], h.Copies[b][a] = cost, settingsFlags(v.pointOf(s))
		}
	}
	if filled < 2 {
		return chart.Chart{}, false
	}
	return chart.Chart{ID: "map", Title: "What the SLO costs with each pair of settings",
		Subtitle: fmt.Sprintf("Lowest %s among the settings tried that keep every objective, by %s "+
			"and %s", v.cost.label,
			h.XLabel, h.YLabel),
		Caption: "Where a cell is empty nothing that was tried keeps every objective. A click " +
			"copies the settings.",
		Heat: h}, true
}

// sensitivity draws what the answer costs in changed worlds, and what the best answer there would.
func (v *planView) sensitivity() (chart.Chart, bool) {
	xy := &chart.XY{X: chart.Axis{Label: v.cost.label, Kind: quantity.USD}}
	n := len(v.Sensitivity)
	broken := 0
	for i := range v.Sensitivity {
		s := &v.Sensitivity[n-1-i] // names go from the bottom up
		xy.Y.Names = append(xy.Y.Names, s.Name)
		add := func(q *plan.Setting, up float64, label string, role chart.Role) {
			e := v.bill(q)
			if q == nil || !has(e) {
				return
			}
			if q.Keeps != plan.Yes {
				role, label = chart.SLO, label+" (misses the SLO)"
			}
			xy.Points = append(xy.Points, chart.Point{X: *e.Value, XLow: e.Low, XHigh: e.High,
				Y:    float64(i) + up,
				Role: role, Label: label, Info: append(settingsInfo(q.Settings, v.short),
					[2]string{v.cost.label, text(quantity.USD, e)},
					[2]string{"keeps the SLO", string(q.Keeps)}),
				Copy: settingsFlags(q.Settings)})
		}
		if s.Same != nil && s.Same.Keeps == plan.No {
			broken++
		}
		add(s.Same, 0.18, "this answer", chart.Frontier)
		if s.Best != nil && (s.Same == nil || s.Best.Settings.String() != s.Same.Settings.String()) {
			add(s.Best, -0.18, "the best there", chart.Good)
		}
	}
	if len(xy.Points) == 0 {
		return chart.Chart{}, false
	}
	title := "The answer keeps the SLO in every changed world that was tried"
	if broken > 0 {
		title = fmt.Sprintf("The answer misses the SLO in %d of %d changed worlds", broken, n)
	}
	return chart.Chart{ID: "sensitivity", Title: title, Wide: true, Height: min(460, 70+56*n),
		Subtitle: "Cost of the same settings, and of the best ones, when the world is not as assumed",
		Caption: "Where the two dots lie apart, the answer depends on that assumption: measure " +
			"it.", XY: xy}, true
}

// variantTable says what changes in changed worlds.
func (v *planView) variantTable() []page.Block {
	if len(v.Sensitivity) == 0 {
		return nil
	}
	t := &page.Table{ID: "variants", Caption: "Changed worlds", Columns: []page.Column{{Name: "world"},
		{Name: "the answer costs", Number: true}, {Name: "and keeps the SLO"},
		{Name: "the best there costs", Number: true},
		{Name: "what it changes"}}}
	for i := range v.Sensitivity {
		s := &v.Sensitivity[i]
		row := page.Row{Cells: []page.Cell{{Text: s.Name}, cell(quantity.USD, v.bill(s.Same)),
			{Text: quantity.None},
			cell(quantity.USD, v.bill(s.Best)), {Text: "nothing"}}}
		if s.Same != nil {
			row.Cells[2] = keepsCell(s.Same.Keeps)
		}
		if s.Best != nil && len(s.Moved) > 0 {
			var moved []string
			for _, q := range s.Best.Settings {
				for _, key := range s.Moved {
					if q.Key == key {
						moved = append(moved, v.short[q.Key]+" "+q.Value)
					}
				}
			}
			row.Cells[4].Text = strings.Join(moved, " · ")
		}
		if s.Best != nil && !s.Kept {
			row.Cells[4].Text += " (and still misses the SLO)"
		}
		t.Rows = append(t.Rows, row)
	}
	return []page.Block{{Table: t}}
}

// keepsCell is whether the objectives are kept.
func keepsCell(k plan.Keeps) page.Cell {
	switch k {
	case plan.Yes:
		return page.Cell{Text: "kept", State: string(kept)}
	case plan.No:
		return page.Cell{Text: "missed", State: string(missed)}
	}
	return page.Cell{Text: "undecided", State: string(undecided)}
}

// tables are the answer beside today's settings and the runners-up, and its neighbours.
func (v *planView) tables() []page.Block {
	t := &page.Table{ID: "settings", Caption: "The answer, today's settings, and the runners-up",
		Columns: []page.Column{{Name: "which"}}}
	for i := range v.axes {
		t.Columns = append(t.Columns, page.Column{Name: v.short[v.axes[i].Key], Title: v.axes[i].Key})
	}
	t.Columns = append(t.Columns, page.Column{Name: v.cost.label, Number: true}, page.Column{Name: "SLO"},
		page.Column{Name: "p50 latency", Number: true}, page.Column{Name: "p99 latency", Number: true},
		page.Column{Name: "replications", Number: true})
	add := func(which, class string, s *plan.Setting) {
		if s == nil {
			return
		}
		row := page.Row{Class: class, Copy: settingsFlags(s.Settings), Cells: []page.Cell{{Text: which}}}
		for i := range v.axes {
			c := page.Cell{Text: "(file)"}
			for _, q := range s.Settings {
				if q.Key == v.axes[i].Key {
					c.Text = q.Value
				}
			}
			row.Cells = append(row.Cells, c)
		}
		n := float64(s.Replications)
		row.Cells = append(row.Cells, cell(quantity.USD, v.bill(s)), keepsCell(s.Keeps),
			cell(quantity.Seconds, s.LatencyS.P50), cell(quantity.Seconds, s.LatencyS.P99),
			page.Cell{Text: fmt.Sprint(s.Replications), Key: &n})
		t.Rows = append(t.Rows, row)
	}
	add("answer", "chosen", v.Best)
	add("today", "", v.Today)
	for i := range v.RunnersUp {
		add(fmt.Sprintf("runner-up %d", i+1), "", &v.RunnersUp[i])
	}
	var out []page.Block
	if len(t.Rows) > 0 {
		out = append(out, page.Block{Table: t})
	}
	if len(v.Steps) > 0 {
		out = append(out, page.Block{Table: v.stepTable()})
	}
	return out
}

// stepTable says what one step from the answer along each setting does.
func (v *planView) stepTable() *page.Table {
	t := &page.Table{ID: "steps", Caption: "One step away from the answer",
		Columns: []page.Column{{Name: "setting"},
			{Name: "step"}, {Name: v.cost.label, Number: true}, {Name: "SLO"}, {Name: "objectives not met"}}}
	for i := range v.Steps {
		s := &v.Steps[i]
		var broken []string
		for _, k := range s.Breaks {
			if k >= 0 && k < len(s.Setting.SLO) {
				o := describe(&s.Setting.SLO[k])
				broken = append(broken, o.sentence())
			}
		}
		t.Rows = append(t.Rows, page.Row{Cells: []page.Cell{{Text: v.short[s.Key]},
			{Text: s.From + " → " + s.To},
			cell(quantity.USD, v.bill(&s.Setting)), keepsCell(s.Setting.Keeps),
			{Text: strings.Join(broken, "; ")}}})
	}
	return t
}

// facts say what was searched and how thoroughly.
func (v *planView) facts() []page.Fact {
	how := "by screening and racing"
	if v.Space.Exhaustive {
		how = "all of them, or ones that provably run alike"
	}
	out := []page.Fact{{Name: "Settings", Value: spaceSize(v.Space.Settings)},
		{Name: "that run differently", Value: spaceSize(v.Space.Equivalent)},
		{Name: "simulated", Value: fmt.Sprintf("%d, %s", v.Space.Simulated, how)},
		{Name: "Replications", Value: fmt.Sprint(v.Space.Replications)},
		{Name: "Seed", Value: fmt.Sprint(v.Seed)}}
	for i := range v.axes {
		out = append(out, page.Fact{Name: v.short[v.axes[i].Key],
			Value: quantity.Cut(strings.Join(v.axes[i].Values, ", "), 160)})
	}
	return out
}

// pictures are the pictures of a plan by the names of their files.
func (v *planView) pictures() map[string]figure.Picture {
	a := newAlbum(v.Scenario, v.provenance())
	for _, make := range []func() (chart.Chart, bool){v.explored, v.map2, v.sensitivity} {
		a.take(make())
	}
	return a.pictures
}
