package report

import (
	"fmt"
	"math"
	"sort"
	"strings"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/report/chart"
	"github.com/simcap/simcap/report/figure"
	"github.com/simcap/simcap/report/page"
	"github.com/simcap/simcap/report/quantity"
)

// mostMaps is how many combinations of the other axes get heat maps of their own.
const mostMaps = 8

// slice is one combination of the values of the axes that a map does not show.
type slice struct {
	name   string
	points []int
}

// slices are the combinations of the other axes, that of the chosen point first; only that one where there
// are many.
func (v *sweepView) slices() []slice {
	if len(v.order) < 2 {
		return nil
	}
	shown := map[string]bool{v.Axes[v.order[0]].Key: true, v.Axes[v.order[1]].Key: true}
	var out []slice
	at := map[string]int{}
	for i := range v.Points {
		var parts []string
		for _, s := range v.Points[i].Point {
			if !shown[s.Key] {
				parts = append(parts, v.short[s.Key]+" "+s.Value)
			}
		}
		name := strings.Join(parts, " · ")
		k, ok := at[name]
		if !ok {
			k, at[name] = len(out), len(out)
			out = append(out, slice{name: name})
		}
		out[k].points = append(out[k].points, i)
		if i == v.chosen {
			out[0], out[k] = out[k], out[0]
			at[out[0].name], at[out[k].name] = 0, k
		}
	}
	if len(out) > mostMaps {
		out = out[:1]
	}
	return out
}

// heat draws a measure over the two axes that matter most.
func (v *sweepView) heat(m *measure, s *slice) (chart.Chart, bool) {
	x, y := v.order[0], v.order[1]
	if len(v.Axes[x].Values) < len(v.Axes[y].Values) {
		x, y = y, x
	}
	columns, rows := v.Axes[x].Values, v.Axes[y].Values
	h := &chart.Heat{XLabel: v.short[v.Axes[x].Key], YLabel: v.short[v.Axes[y].Key], Kind: m.kind,
		Columns: columns,
		Rows:    rows}
	for range rows {
		line := make(chart.Values, len(columns))
		for k := range line {
			line[k] = math.NaN()
		}
		h.Values = append(h.Values, line)
		h.Meets = append(h.Meets, make([]bool, len(columns)))
		h.Copies = append(h.Copies, make([]string, len(columns)))
	}
	var values []float64
	keeps := 0
	for _, i := range s.points {
		a, b, e := v.place(i, x), v.place(i, y), v.estimate(m, i)
		if a < 0 || b < 0 || !has(e) {
			continue
		}
		h.Values[b][a] = *e.Value
		h.Meets[b][a] = v.Points[i].Verdict == experiment.Kept
		h.Copies[b][a] = settingsFlags(v.Points[i].Point)
		values = append(values, *e.Value)
		if h.Meets[b][a] {
			keeps++
		}
	}
	if len(values) < 2 {
		return chart.Chart{}, false
	}
	low, high := span(values)
	h.Log = low > 0 && high/low > 8
	title := fmt.Sprintf("%s runs from %s to %s", capital(m.label), quantity.Format(m.kind, low),
		quantity.Format(m.kind, high))
	if keeps > 0 && m == &v.latency {
		title = fmt.Sprintf("%d of these %d settings keep the SLO", keeps, len(values))
	}
	subtitle := capital(m.label) + " by " + h.XLabel + " and " + h.YLabel
	if m == &v.latency {
		subtitle = capital(m.label) + scope(v.Function, v.Workload) + " by " + h.XLabel + " and " + h.YLabel
	}
	if s.name != "" {
		subtitle += ", at " + s.name
	}
	caption := "A click copies a cell's settings."
	if keeps > 0 {
		caption = "Cells inside the border keep the SLO (bold). " + caption
	}
	return chart.Chart{ID: identifier("map", m.metric, s.name), Title: title, Subtitle: subtitle,
		Caption: caption,
		Heat:    h}, true
}

// capital writes the first letter large.
func capital(s string) string {
	if s == "" || s[0] < 'a' || s[0] > 'z' || len(s) > 1 && s[1] >= '0' && s[1] <= '9' {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func (v *sweepView) heatBlocks() []page.Block {
	all := v.slices()
	blocks := func(s *slice) []page.Block {
		var out []page.Block
		for _, m := range []*measure{&v.latency, &v.cost} {
			if c, ok := v.heat(m, s); ok {
				out = append(out, page.Block{Chart: &c})
			}
		}
		return out
	}
	if len(all) == 1 {
		return blocks(&all[0])
	}
	var tabs []page.Tab
	for i := range all {
		if b := blocks(&all[i]); len(b) > 0 {
			tabs = append(tabs, page.Tab{Name: all[i].name, Blocks: b})
		}
	}
	if len(tabs) == 0 {
		return nil
	}
	return []page.Block{{Tabs: &page.Tabs{ID: "slices", Label: "Other settings", Tabs: tabs}}}
}

// Bounds of small multiples.
const (
	mostEffects = 6
	mostThreads = 40
)

// effects draws a measure against each axis: a thin line for each combination of the others, and their mean.
func (v *sweepView) effects(m *measure) (chart.Chart, bool) {
	grid := &chart.Grid{Columns: min(3, max(1, len(v.order)))}
	top := math.Inf(-1)
	strongest, most := "", 0.0
	for _, k := range v.order[:min(len(v.order), mostEffects)] {
		mean := chart.Series{Name: "mean over the other settings", Role: chart.Latency, Mark: chart.Line}
		if m == &v.cost {
			mean.Role = chart.Cost
		}
		for n, x := range v.means(k, m) {
			mean.X, mean.Y = append(mean.X, float64(n)), append(mean.Y, x)
			if x > top {
				top = x
			}
		}
		threads := v.threads(k, m)
		for i := range threads {
			for _, y := range threads[i].Y {
				if y > top { // never NaN
					top = y
				}
			}
		}
		effect := v.effect(k, m)
		if name := v.short[v.Axes[k].Key]; effect > most {
			strongest, most = name, effect
		}
		dots := mean
		dots.Mark, dots.Thin = chart.Dots, true
		grid.Charts = append(grid.Charts, chart.Chart{ID: identifier("effect", m.metric, v.Axes[k].Key),
			Title: v.short[v.Axes[k].Key] + ": " + effectText(effect),
			XY: &chart.XY{X: chart.Axis{Names: v.Axes[k].Values}, Y: chart.Axis{Kind: m.kind},
				Series: append(threads, mean, dots)}})
	}
	if len(grid.Charts) == 0 || math.IsInf(top, 0) {
		return chart.Chart{}, false
	}
	for i := range grid.Charts {
		grid.Charts[i].XY.Y.Min, grid.Charts[i].XY.Y.Max = chart.At(0), chart.At(top*1.06)
	}
	title := fmt.Sprintf("%s moves %s most: %s", strongest, m.label, effectText(most))
	return chart.Chart{ID: identifier("effects", m.metric), Title: title, Wide: true,
		Subtitle: capital(m.label) + ", a picture for each setting; thin lines are single " +
			"combinations of the others",
		Caption: "A steep line is a setting that matters. Lines that cross mean that two settings " +
			"work together.",
		Grid: grid}, true
}

// threads are the lines of all combinations of the other axes; none where there are many, or no other axis.
func (v *sweepView) threads(axis int, m *measure) []chart.Series {
	var out []chart.Series
	at := map[string]int{}
	for i := range v.Points {
		rest := ""
		for _, s := range v.Points[i].Point {
			if s.Key != v.Axes[axis].Key {
				rest += s.Key + "=" + s.Value + " "
			}
		}
		n, e := v.place(i, axis), v.estimate(m, i)
		if n < 0 || rest == "" {
			continue
		}
		k, ok := at[rest]
		if !ok {
			k, at[rest] = len(out), len(out)
			s := chart.Series{Name: "single combinations", Role: chart.Muted, Mark: chart.Line, Thin: true}
			for x := range v.Axes[axis].Values {
				s.X, s.Y = append(s.X, float64(x)), append(s.Y, math.NaN())
			}
			out = append(out, s)
		}
		if has(e) {
			out[k].Y[n] = *e.Value
		}
	}
	if len(out) > mostThreads {
		return nil
	}
	return out
}

// mostRows bounds the table of points.
const mostRows = 300

// listed are the points that the table shows, in grid order: all, or of many the chosen one, the
// frontier, and
// the cheapest of those that keep the SLO and then of the others.
func (v *sweepView) listed() []int {
	order := make([]int, len(v.Points))
	for i := range order {
		order[i] = i
	}
	if len(order) <= mostRows {
		return order
	}
	rank := func(i int) int {
		switch {
		case i == v.chosen:
			return 0
		case v.Points[i].Frontier:
			return 1
		case v.Points[i].Verdict == experiment.Kept:
			return 2
		case v.Points[i].Result != nil:
			return 3
		}
		return 4
	}
	sort.SliceStable(order, func(a, b int) bool {
		x, y := order[a], order[b]
		if rank(x) != rank(y) {
			return rank(x) < rank(y)
		}
		return valueOf(v.estimate(&v.cost, x)) < valueOf(v.estimate(&v.cost, y))
	})
	order = order[:mostRows]
	sort.Ints(order)
	return order
}

// table lists the points.
func (v *sweepView) table() *page.Table {
	t := &page.Table{ID: "points", Caption: "Points, with 95% intervals"}
	for _, a := range v.Axes {
		t.Columns = append(t.Columns, page.Column{Name: v.short[a.Key], Title: a.Key})
	}
	t.Columns = append(t.Columns, page.Column{Name: v.cost.label, Number: true},
		page.Column{Name: v.latency.label + scope(v.Function, v.Workload), Number: true},
		page.Column{Name: "SLO"}, page.Column{Name: "frontier"},
		page.Column{Name: "cold-started", Number: true}, page.Column{Name: "rejected", Number: true},
		page.Column{Name: "utilization", Number: true})
	listed := v.listed()
	if len(listed) < len(v.Points) {
		t.Caption = fmt.Sprintf("The %d best of %d points, with 95%% intervals; the rest are in the sweep's "+
			"table of points", len(listed), len(v.Points))
	}
	for _, i := range listed {
		q := &v.Points[i]
		row := page.Row{Copy: settingsFlags(q.Point)}
		if i == v.chosen {
			row.Class = "chosen"
		}
		for k := range v.Axes {
			c := page.Cell{Text: quantity.None}
			if n := v.place(i, k); n >= 0 {
				at := float64(n)
				c.Text, c.Key = v.Axes[k].Values[n], &at
			}
			row.Cells = append(row.Cells, c)
		}
		frontier := ""
		if q.Frontier {
			frontier = "yes"
		}
		verdict := page.Cell{Text: q.Verdict, State: stateWord(q.Verdict)}
		if q.Error != "" {
			verdict.Interval = q.Error
		}
		row.Cells = append(row.Cells, cell(v.cost.kind, v.estimate(&v.cost, i)),
			cell(v.latency.kind, v.estimate(&v.latency, i)), verdict, page.Cell{Text: frontier})
		for _, name := range []string{"cold_start_fraction", "rejected_fraction", "utilization"} {
			m := measureOf(name)
			row.Cells = append(row.Cells, cell(m.kind, m.of(q.Result, "", "")))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// stateWord is the state that a verdict of a point is coloured by.
func stateWord(verdict string) string {
	switch verdict {
	case experiment.Kept, experiment.Missed, experiment.Undecided:
		return verdict
	}
	return ""
}

// pictures are the pictures of a sweep by the names of their files.
func (v *sweepView) pictures() map[string]figure.Picture {
	a := newAlbum(v.Scenario, v.provenance())
	a.take(v.scatter())
	if all := v.slices(); len(all) > 0 {
		for _, m := range []*measure{&v.latency, &v.cost} {
			c, ok := v.heat(m, &all[0])
			c.ID = identifier("map", m.metric)
			a.take(c, ok)
		}
	}
	a.take(v.effects(&v.latency))
	a.take(v.effects(&v.cost))
	return a.pictures
}
