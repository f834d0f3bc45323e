package report

import (
	"fmt"
	"io"
	"math"
	"sort"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/report/chart"
	"github.com/simcap/simcap/report/page"
	"github.com/simcap/simcap/report/quantity"
)

// WriteSweep writes what there is of a sweep into a folder, which it makes if need be: sweep.json, sweep.csv,
// sweep.parquet, report.html and pictures.
func WriteSweep(dir string, s *experiment.Sweep, o Options) error {
	return writeResult(dir, "sweep.json", sweepDrawing(s), func() error { return WriteSweepData(dir, s) }, o)
}

func sweepDrawing(s *experiment.Sweep) *drawing {
	v := newSweepView(s)
	return &drawing{HTML: func(w io.Writer) error { return writePage(w, v.page()) }, Pictures: v.pictures()}
}

// sweepView is a sweep with what its pictures share.
type sweepView struct {
	*experiment.Sweep
	cost, latency measure
	short         map[string]string
	chosen        int // the cheapest point that keeps the SLO, else that is undecided; -1: none
	sure          bool
	order         []int // axes, those that move latency and cost most first
}

func newSweepView(s *experiment.Sweep) *sweepView {
	v := &sweepView{Sweep: s, cost: measureOf(s.Cost), latency: measureOf(s.Latency),
		short: shortKeys(keysOf(s.Axes)), chosen: -1}
	for _, verdict := range []string{experiment.Kept, experiment.Undecided} {
		for i := range s.Points {
			c, ok := v.costAt(i)
			if s.Points[i].Verdict != verdict || !ok {
				continue
			}
			if best, any := v.costAt(v.chosen); !any || c < best {
				v.chosen, v.sure = i, verdict == experiment.Kept
			}
		}
		if v.chosen >= 0 {
			break
		}
	}
	for k := range s.Axes {
		if len(s.Axes[k].Values) > 1 {
			v.order = append(v.order, k)
		}
	}
	weight := func(k int) float64 {
		return math.Log(v.effect(k, &v.latency)) + math.Log(v.effect(k, &v.cost))
	}
	sort.SliceStable(v.order, func(a, b int) bool { return weight(v.order[a]) > weight(v.order[b]) })
	return v
}

func (v *sweepView) estimate(m *measure, i int) experiment.Estimate {
	if i < 0 || i >= len(v.Points) {
		return experiment.Estimate{}
	}
	function := v.Function
	if m == &v.cost {
		function = "" // what is paid is paid for all
	}
	return m.of(v.Points[i].Result, function, v.Workload)
}

func (v *sweepView) costAt(i int) (float64, bool) {
	e := v.estimate(&v.cost, i)
	return valueOf(e), has(e)
}

// place is the index of a point's value on an axis, or -1.
func (v *sweepView) place(i, axis int) int {
	for _, s := range v.Points[i].Point {
		if s.Key != v.Axes[axis].Key {
			continue
		}
		for n, value := range v.Axes[axis].Values {
			if value == s.Value {
				return n
			}
		}
	}
	return -1
}

// means are the means of a measure at each value of an axis, over all values of the others.
func (v *sweepView) means(axis int, m *measure) chart.Values {
	sums, counts := make(chart.Values, len(v.Axes[axis].Values)), make([]float64, len(v.Axes[axis].Values))
	for i := range v.Points {
		if n, e := v.place(i, axis), v.estimate(m, i); n >= 0 && has(e) {
			sums[n] += *e.Value
			counts[n]++
		}
	}
	for n := range sums {
		if counts[n] == 0 {
			sums[n] = math.NaN()
			continue
		}
		sums[n] /= counts[n]
	}
	return sums
}

// effect is by how much an axis multiplies the mean of a measure between its best and worst value.
func (v *sweepView) effect(axis int, m *measure) float64 {
	low, high := math.Inf(1), math.Inf(-1)
	for _, x := range v.means(axis, m) {
		if !math.IsNaN(x) {
			low, high = math.Min(low, x), math.Max(high, x)
		}
	}
	if !(low > 0) || math.IsInf(high, 0) {
		return 1
	}
	return high / low
}

// finished counts the points by verdict.
func (v *sweepView) count(verdict string) int {
	n := 0
	for i := range v.Points {
		if v.Points[i].Verdict == verdict {
			n++
		}
	}
	return n
}

// answer says which setting is the cheapest that keeps the SLO.
func (v *sweepView) answer() string {
	switch {
	case len(v.Points) == 0:
		return "No point was finished."
	case v.count(experiment.NoSLO) == len(v.Points):
		return fmt.Sprintf("%s, no SLO: the frontier shows what each second of %s costs.",
			quantity.Plural(float64(len(v.Points)), "setting"), v.latency.label)
	case v.chosen < 0:
		return fmt.Sprintf("None of %s keeps the SLO.", quantity.Plural(float64(len(v.Points)), "setting"))
	}
	doubt := "keeps the SLO"
	if !v.sure {
		doubt = "may keep the SLO (none surely does)"
	}
	return fmt.Sprintf("The cheapest setting that %s is %s: %s, %s%s %s.", doubt,
		settingsLabel(v.Points[v.chosen].Point, v.short), v.costText(v.chosen), v.latency.label,
		scope(v.Function, v.Workload), text(v.latency.kind, v.estimate(&v.latency, v.chosen)))
}

// costText is a point's cost in a sentence.
func (v *sweepView) costText(i int) string {
	amount := text(v.cost.kind, v.estimate(&v.cost, i))
	if v.cost.metric == "cost.per_hour" {
		return amount + " per month"
	}
	return v.cost.label + " " + amount
}

// movers says which axes move latency and cost most.
func (v *sweepView) movers() string {
	if len(v.order) == 0 {
		return ""
	}
	name := func(m *measure) (string, float64) {
		best, most := "", 0.0
		for _, k := range v.order {
			if f := v.effect(k, m); f > most {
				best, most = v.short[v.Axes[k].Key], f
			}
		}
		return best, most
	}
	slow, by := name(&v.latency)
	dear, times := name(&v.cost)
	if slow == dear {
		return fmt.Sprintf("Of the settings, %s moves both most: %s %s, %s %s.", slow,
			v.latency.label, effectText(by), v.cost.label, effectText(times))
	}
	return fmt.Sprintf("Of the settings, %s moves %s most (%s), %s moves %s most (%s).", slow,
		v.latency.label, effectText(by), dear, v.cost.label, effectText(times))
}

func (v *sweepView) provenance() []string {
	points := quantity.Plural(float64(len(v.Points)), "point")
	if v.Planned > len(v.Points) {
		points = fmt.Sprintf("%d of %d points", len(v.Points), v.Planned)
	}
	out := []string{"sweep", points}
	if v.Shard != "" {
		out = append(out, "shard "+v.Shard)
	}
	for i := range v.Points {
		if r := v.Points[i].Result; r != nil {
			out = append(out, quantity.Plural(float64(r.Replications), "replication")+" each")
			break
		}
	}
	out = append(out, fmt.Sprintf("seed %d", v.Seed))
	if v.Simcap != "" {
		out = append(out, "simcap "+v.Simcap)
	}
	return out
}

func (v *sweepView) page() *page.Page {
	p := &page.Page{Kind: "sweep", Title: v.Scenario, Provenance: v.provenance(), Verdict: v.verdict(),
		Cards: v.cards(), Footer: "simcap simulates; it does not measure. Intervals are 95% confidence " +
			"intervals over independent replications; all points meet the same inputs."}
	var warnings []string
	if v.Planned > len(v.Points) {
		warnings = append(warnings, fmt.Sprintf("Only %d of %d points are finished: a better one may be "+
			"missing.", len(v.Points), v.Planned))
	}
	if v.Synthetic {
		warnings = append(warnings, syntheticWarning)
	}
	if len(warnings) > 0 {
		p.Notes = append(p.Notes, page.Note{Title: "Warnings", Kind: "warning", Items: warnings})
	}
	trade := page.Section{ID: "trade", Title: "Cost against latency"}
	if c, ok := v.scatter(); ok {
		trade.Blocks = append(trade.Blocks, page.Block{Chart: &c})
	}
	maps := page.Section{ID: "maps", Title: "Maps", Blocks: v.heatBlocks()}
	if v.count(experiment.Kept) > 0 {
		maps.Title = "Where the SLO is kept"
	}
	effects := page.Section{ID: "effects", Title: "What each setting does"}
	for _, m := range []*measure{&v.latency, &v.cost} {
		if c, ok := v.effects(m); ok {
			effects.Blocks = append(effects.Blocks, page.Block{Chart: &c})
		}
	}
	numbers := page.Section{ID: "numbers", Title: "All points", Blocks: []page.Block{{Table: v.table()}}}
	if v.chosen >= 0 {
		numbers.Blocks = append([]page.Block{{Code: &page.Code{Title: v.which() +
			", as arguments of simcap run", Text: settingsFlags(v.Points[v.chosen].Point)}}},
			numbers.Blocks...)
	}
	for _, s := range []page.Section{trade, maps, effects, numbers} {
		if len(s.Blocks) > 0 {
			p.Sections = append(p.Sections, s)
		}
	}
	return p
}

// syntheticWarning is said of results whose service times nobody measured.
const syntheticWarning = "A profile of this scenario was not measured on hardware: take its times " +
	"as examples."

func (v *sweepView) verdict() page.Verdict {
	out := page.Verdict{State: string(unasked), Word: "No SLO", Headline: v.answer()}
	switch {
	case v.chosen >= 0 && v.sure:
		out.State, out.Word = string(kept), "✓ SLO can be kept"
	case v.chosen >= 0:
		out.State, out.Word = string(undecided), "? SLO undecided"
	case v.count(experiment.Missed) > 0:
		out.State, out.Word = string(missed), "✗ SLO missed"
	}
	if out.State != string(unasked) {
		out.Sentences = append(out.Sentences, fmt.Sprintf("%d of %d settings keep the SLO, %d are undecided.",
			v.count(experiment.Kept), len(v.Points), v.count(experiment.Undecided)))
	}
	if s := v.movers(); s != "" {
		out.Sentences = append(out.Sentences, s)
	}
	return out
}

// which says what the chosen point is.
func (v *sweepView) which() string {
	if v.sure {
		return "The cheapest that keeps the SLO"
	}
	return "The cheapest that may keep the SLO"
}

func (v *sweepView) cards() []page.Card {
	var out []page.Card
	add := func(label string, i int, m *measure, state string) {
		e := v.estimate(m, i)
		if has(e) {
			out = append(out, page.Card{Label: label, Value: text(m.kind, e), Interval: interval(m.kind, e),
				Note: settingsLabel(v.Points[i].Point, v.short), State: state})
		}
	}
	least := func(m *measure) int {
		best := -1
		for i := range v.Points {
			e := v.estimate(m, i)
			if has(e) && (best < 0 || *e.Value < valueOf(v.estimate(m, best))) {
				best = i
			}
		}
		return best
	}
	if v.chosen >= 0 {
		state := string(kept)
		if !v.sure {
			state = string(undecided)
		}
		add(v.which()+": "+v.cost.label, v.chosen, &v.cost, state)
		add("its "+v.latency.label+scope(v.Function, v.Workload), v.chosen, &v.latency, "")
	}
	add("Cheapest of all: "+v.cost.label, least(&v.cost), &v.cost, "")
	add("Fastest of all: "+v.latency.label+scope(v.Function, v.Workload), least(&v.latency), &v.latency, "")
	return out
}

// limits are the bounds on latency and cost; NaN where there is none.
func (v *sweepView) limits() (latency, cost float64) {
	for i := range v.Points {
		if r := v.Points[i].Result; r != nil {
			return v.latency.limit(r.SLO, v.Function, v.Workload), v.cost.limit(r.SLO, "", "")
		}
	}
	return math.NaN(), math.NaN()
}

// mostNames is how many points of the frontier are named; mostDots is how many points a sweep can have before
// those off the frontier become plain dots without values to point at.
const (
	mostNames = 12
	mostDots  = 600
)

// scatter draws cost against latency with the Pareto frontier and the part that keeps the SLO.
func (v *sweepView) scatter() (chart.Chart, bool) {
	xy := &chart.XY{X: chart.Axis{Label: v.cost.label, Kind: v.cost.kind},
		Y: chart.Axis{Label: v.latency.label + scope(v.Function, v.Workload), Kind: v.latency.kind}}
	var costs, delays []float64
	var index []int
	rest := chart.Series{Name: "other settings", Role: chart.Dominated, Mark: chart.Dots}
	for i := range v.Points {
		c, l := v.estimate(&v.cost, i), v.estimate(&v.latency, i)
		if !has(c) || !has(l) {
			continue
		}
		if len(v.Points) > mostDots && !v.Points[i].Frontier && i != v.chosen {
			rest.X, rest.Y = append(rest.X, *c.Value), append(rest.Y, *l.Value)
			continue
		}
		q := chart.Point{X: *c.Value, Y: *l.Value, XLow: c.Low, XHigh: c.High, YLow: l.Low, YHigh: l.High,
			Role: chart.Dominated, Copy: settingsFlags(v.Points[i].Point)}
		q.Info = append(settingsInfo(v.Points[i].Point, v.short),
			[2]string{v.cost.label, text(v.cost.kind, c)},
			[2]string{v.latency.label, text(v.latency.kind, l)}, [2]string{"SLO", v.Points[i].Verdict})
		costs, delays, index = append(costs, q.X), append(delays, q.Y), append(index, i)
		xy.Points = append(xy.Points, q)
	}
	if len(xy.Points) == 0 {
		return chart.Chart{}, false
	}
	best := chart.Pareto(costs, delays)
	step := chart.Series{Name: "Pareto frontier", Role: chart.Frontier, Mark: chart.Step}
	every := (len(best) + mostNames - 1) / mostNames
	for n, k := range best {
		step.X, step.Y = append(step.X, costs[k]), append(step.Y, delays[k])
		xy.Points[k].Role = chart.Frontier
		if n%every == 0 || n == len(best)-1 {
			xy.Points[k].Label = quantity.Cut(valuesLabel(v.Points[index[k]].Point, v.Axes), 40)
		}
	}
	for k, i := range index {
		if i == v.chosen {
			xy.Points[k].Role, xy.Points[k].Bold = chart.Chosen, true
			xy.Points[k].Label = quantity.Cut(valuesLabel(v.Points[i].Point, v.Axes), 40)
		}
	}
	if low, high := span(append(append([]float64(nil), delays...), rest.Y...)); low > 0 && high/low > 30 {
		xy.Y.Scale = chart.Log
	}
	xy.Series = []chart.Series{step}
	if len(rest.X) > 0 {
		xy.Series = append(xy.Series, rest)
	}
	v.bounds(xy)
	return chart.Chart{ID: "frontier", Title: unstopped(v.answer()), Wide: true, Height: 380,
		Subtitle: fmt.Sprintf("%s, each with its intervals; labels are %s",
			quantity.Plural(float64(len(xy.Points)+len(rest.X)), "setting"), axesLabel(v.Axes, v.short)),
		Caption: "Settings on the stepped line are the only ones worth choosing: every other one " +
			"has a neighbour " +
			"that is no dearer and no slower. A click copies the settings.", XY: xy}, true
}

// span is the least and the greatest of values.
func span(values []float64) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, x := range values {
		low, high = math.Min(low, x), math.Max(high, x)
	}
	return low, high
}

// bounds shades what keeps the objectives on latency and cost, and draws their limits.
func (v *sweepView) bounds(xy *chart.XY) {
	slow, dear := v.limits()
	if math.IsNaN(slow) && math.IsNaN(dear) {
		return
	}
	region := chart.Region{Role: chart.Good, Label: "keeps the SLO"}
	if !math.IsNaN(slow) {
		region.YTo = chart.At(slow)
		xy.Rules = append(xy.Rules, chart.Rule{At: slow, Role: chart.SLO,
			Label: "SLO ≤ " + quantity.Chosen(v.latency.kind, slow)})
	}
	if !math.IsNaN(dear) {
		region.XTo = chart.At(dear)
		xy.Rules = append(xy.Rules, chart.Rule{At: dear, Vertical: true, Role: chart.SLO,
			Label: "SLO ≤ " + quantity.Format(v.cost.kind, dear)})
	}
	xy.Regions = []chart.Region{region}
}
