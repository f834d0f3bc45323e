package report

import (
	"fmt"
	"io"
	"math"
	"sort"
	"strings"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/report/chart"
	"github.com/simcap/simcap/report/figure"
	"github.com/simcap/simcap/report/page"
	"github.com/simcap/simcap/report/quantity"
)

// WriteCapacity writes what there is of a capacity search into a folder, which it makes if need be:
// capacity.json
// and its table, report.html and pictures.
func WriteCapacity(dir string, c *experiment.Capacity, o Options) error {
	data := func() error { return WriteCapacityData(dir, c) }
	return writeResult(dir, "capacity.json", capacityDrawing(c), data, o)
}

func capacityDrawing(c *experiment.Capacity) *drawing {
	v := newCapacityView(c)
	return &drawing{HTML: func(w io.Writer) error { return writePage(w, v.page()) }, Pictures: v.pictures()}
}

// capacityView is a capacity search as it is shown.
type capacityView struct {
	*experiment.Capacity
	short map[string]string
}

func newCapacityView(c *experiment.Capacity) *capacityView {
	seen := map[string]bool{}
	var keys []string
	for i := range c.Searches {
		for _, s := range c.Searches[i].Variant {
			if !seen[s.Key] {
				seen[s.Key] = true
				keys = append(keys, s.Key)
			}
		}
	}
	return &capacityView{c, shortKeys(keys)}
}

// name is a variant in words; "" for a lone file as it is.
func (v *capacityView) name(i int) string {
	if len(v.Searches) == 1 && len(v.Searches[i].Variant) == 0 {
		return ""
	}
	return settingsLabel(v.Searches[i].Variant, v.short)
}

// answer says how much one variant can take.
func (v *capacityView) answer(i int) string {
	s := &v.Searches[i]
	with := ""
	if name := v.name(i); name != "" {
		with = "With " + name + ": "
	}
	switch {
	case s.Error != "":
		return with + s.Error
	case s.Interrupted && has(s.RatePerS) && *s.RatePerS.Value > 0:
		return fmt.Sprintf("%s%s (%s, %s the scenario's own)", with, cutShort(s),
			text(quantity.PerS, s.RatePerS), factorText(valueOf(s.Factor)))
	case s.Interrupted:
		return with + cutShort(s)
	case !has(s.RatePerS) || *s.RatePerS.Value <= 0:
		why := ""
		if s.Limit != "" {
			why = ": " + s.Limit
		}
		return with + "no rate that was tried keeps the SLO" + why
	case !s.Bounded:
		return fmt.Sprintf("%sthe SLO is kept up to the highest rate tried, %s (%s the scenario's own)", with,
			text(quantity.PerS, s.RatePerS), factorText(valueOf(s.Factor)))
	}
	return fmt.Sprintf("%sthe SLO is kept up to %s, %s the scenario's own%s", with,
		text(quantity.PerS, s.RatePerS), factorText(valueOf(s.Factor)), because(s.Limit))
}

func because(limit string) string {
	if limit == "" {
		return ""
	}
	metric, of, found := strings.Cut(limit, " of ")
	if found {
		of = " of " + of
	}
	return "; beyond it " + labelOf(metric) + of + " is missed first"
}

// best is the search with the highest rate; -1 without any.
func (v *capacityView) best() int {
	best := -1
	for i := range v.Searches {
		if has(v.Searches[i].RatePerS) && (best < 0 ||
			*v.Searches[i].RatePerS.Value > *v.Searches[best].RatePerS.Value) {
			best = i
		}
	}
	return best
}

func (v *capacityView) provenance() []string {
	out := []string{"capacity"}
	steps := 0
	for i := range v.Searches {
		steps += len(v.Searches[i].Steps)
	}
	out = append(out, quantity.Plural(float64(steps), "rate")+" tried", fmt.Sprintf("seed %d", v.Seed))
	if len(v.Workloads) > 0 {
		out = append(out, "scaled: "+quantity.Cut(strings.Join(v.Workloads, ", "), 80))
	}
	if v.Simcap != "" {
		out = append(out, "simcap "+v.Simcap)
	}
	return out
}

func (v *capacityView) page() *page.Page {
	p := &page.Page{Kind: "capacity", Title: v.Scenario, Provenance: v.provenance(),
		Verdict: page.Verdict{State: string(missed), Word: "✗ No capacity",
			Headline: "No rate keeps the SLO."},
		Footer: "simcap simulates; it does not measure. Intervals are 95% confidence intervals " +
			"over independent " +
			"replications."}
	if best := v.best(); best >= 0 && *v.Searches[best].RatePerS.Value > 0 {
		p.Verdict = page.Verdict{State: string(kept), Word: "✓ Capacity",
			Headline: capital(v.answer(best)) + "."}
	}
	if last := len(v.Searches) - 1; last >= 0 && v.Searches[last].Interrupted && v.best() < 0 {
		p.Verdict = page.Verdict{State: string(undecided), Word: "? Interrupted",
			Headline: capital(v.answer(last)) + "."}
	}
	for i := range v.Searches {
		s := &v.Searches[i]
		if len(v.Searches) > 1 {
			p.Verdict.Sentences = append(p.Verdict.Sentences, capital(v.answer(i))+".")
		}
		if has(s.RatePerS) && len(p.Cards) < 8 {
			label := "Capacity"
			if name := v.name(i); name != "" {
				label += ": " + name
			}
			p.Cards = append(p.Cards, page.Card{Label: label, Value: text(quantity.PerS, s.RatePerS),
				Interval: interval(quantity.PerS, s.RatePerS),
				Note:     factorText(valueOf(s.Factor)) + " the scenario's own rate"})
		}
		if r := s.AtCapacity; r != nil && r.Total.CostUSD != nil && len(v.Searches) == 1 {
			p.Cards = append(p.Cards, systemCards("At capacity", r)...)
			p.Cards = append(p.Cards, page.Card{Label: "At capacity: cost per 1,000 inputs",
				Value:    text(quantity.USD, r.Total.CostUSD.Per1kInputs),
				Interval: interval(quantity.USD, r.Total.CostUSD.Per1kInputs)})
		}
	}
	var blocks []page.Block
	blocks = append(blocks, picture(v.variants())...)
	for i := range v.Searches {
		blocks = append(blocks, picture(v.steps(i))...)
	}
	if len(blocks) > 0 {
		p.Sections = append(p.Sections, page.Section{ID: "rates", Title: "How the SLO fails", Blocks: blocks})
	}
	p.Sections = append(p.Sections, page.Section{ID: "numbers", Title: "All rates that were tried",
		Blocks: []page.Block{{Table: v.table()}}})
	return p
}

// variants draws the capacities of several variants.
func (v *capacityView) variants() (chart.Chart, bool) {
	if len(v.Searches) < 2 {
		return chart.Chart{}, false
	}
	bars := &chart.Bars{Axis: chart.Axis{Kind: quantity.PerS}, Parts: []chart.Part{{Name: "capacity",
		Role: chart.Service}}}
	for i := range v.Searches {
		e := v.Searches[i].RatePerS
		note := text(quantity.PerS, e)
		if of := interval(quantity.PerS, e); of != "" {
			note += " (" + of + ")"
		}
		bars.Rows = append(bars.Rows, chart.Bar{Label: v.name(i), Values: chart.Values{valueOf(e)},
			Note: note})
	}
	title := "No variant keeps the SLO"
	if best := v.best(); best >= 0 {
		title = fmt.Sprintf("%s takes most: %s", v.name(best), text(quantity.PerS, v.Searches[best].RatePerS))
	}
	return chart.Chart{ID: "variants", Title: title, Subtitle: "Highest rate that keeps the SLO, by variant",
		Caption: "Where the same money buys more inputs a second is where to go.", Bars: bars}, true
}

// steps draws every objective as a share of its limit against the rate.
func (v *capacityView) steps(i int) (chart.Chart, bool) {
	s := &v.Searches[i]
	xy := &chart.XY{X: chart.Axis{Label: "inputs per second", Kind: quantity.PerS},
		Y: chart.Axis{Label: "value / limit", Kind: quantity.Fraction}}
	series := map[string]*chart.Series{}
	var names []string
	order := make([]int, len(s.Steps))
	for k := range order {
		order[k] = k
	}
	sort.SliceStable(order, func(a,
		b int) bool {
		return s.Steps[order[a]].RatePerS < s.Steps[order[b]].RatePerS
	})
	for _, k := range order {
		step := &s.Steps[k]
		for n := range step.SLO {
			o := &step.SLO[n]
			if o.Max == nil || *o.Max <= 0 || !has(o.Value) {
				continue
			}
			d := describe(o)
			line := series[d.Label]
			if line == nil {
				line = &chart.Series{Name: d.Label + " " + d.Limit,
					Role: chart.Category(len(names)), Mark: chart.Line}
				series[d.Label] = line
				names = append(names, d.Label)
			}
			line.X, line.Y = append(line.X, step.RatePerS), append(line.Y, *o.Value.Value / *o.Max)
		}
	}
	if len(names) == 0 {
		return chart.Chart{}, false
	}
	most := 0.0
	for _, name := range names {
		dots := *series[name]
		dots.Mark, dots.Thin = chart.Dots, true
		xy.Series = append(xy.Series, *series[name], dots)
		for _, y := range dots.Y {
			most = math.Max(most, y)
		}
	}
	caption := "The first curve to cross the dashed line is what to improve for more capacity."
	if most > 3 { // far beyond the limit the exact place does not matter
		xy.Y.Max = chart.At(3)
		caption += " What is above 300% is drawn at the upper edge."
	}
	xy.Rules = []chart.Rule{{At: 1, Role: chart.SLO, Label: "limit"}}
	if has(s.RatePerS) {
		xy.Rules = append(xy.Rules, chart.Rule{At: *s.RatePerS.Value, Vertical: true, Role: chart.Good,
			Label: "capacity " + text(quantity.PerS, s.RatePerS)})
	}
	return chart.Chart{ID: identifier("rates", fmt.Sprint(i+1)), Title: capital(v.answer(i)),
		Subtitle: "Objectives as a share of their limits; each dot is a rate that was tried",
		Caption:  caption, XY: xy}, true
}

func (v *capacityView) table() *page.Table {
	t := &page.Table{ID: "steps", Caption: "Rates in the order in which they were tried",
		Columns: []page.Column{{Name: "variant"}, {Name: "rate", Number: true},
			{Name: "factor", Number: true},
			{Name: "SLO"}, {Name: "replications", Number: true}, {Name: "what decides"}}}
	for i := range v.Searches {
		name := v.name(i)
		if name == "" {
			name = "as in the file"
		}
		for k := range v.Searches[i].Steps {
			s := &v.Searches[i].Steps[k]
			replications := float64(s.Replications)
			nearest := ""
			if o := decisive(s.SLO); o != nil {
				d := describe(o)
				nearest = d.sentence()
			}
			t.Rows = append(t.Rows, page.Row{Cells: []page.Cell{{Text: name},
				{Text: quantity.Format(quantity.PerS, s.RatePerS), Key: &s.RatePerS},
				{Text: factorText(s.Factor), Key: &s.Factor}, {Text: s.Verdict, State: stateWord(s.Verdict)},
				{Text: fmt.Sprint(s.Replications), Key: &replications}, {Text: nearest}}})
		}
	}
	return t
}

// pictures are the pictures of a capacity search by the names of their files.
func (v *capacityView) pictures() map[string]figure.Picture {
	a := newAlbum(v.Scenario, v.provenance())
	a.take(v.variants())
	for i := range v.Searches {
		a.take(v.steps(i))
	}
	return a.pictures
}
