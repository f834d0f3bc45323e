package report

import (
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/experiment/plan"
	"github.com/simcap/simcap/report/chart"
	"github.com/simcap/simcap/report/page"
	"github.com/simcap/simcap/report/quantity"
)

// WritePlan writes plan.json, plan.csv, page and pictures of a plan into a folder, which it makes if need
// be.
func WritePlan(dir string, r *plan.Result, o Options) error {
	return writeResult(dir, "plan.json", planDrawing(r), func() error { return WritePlanData(dir, r) }, o)
}

func planDrawing(r *plan.Result) *drawing {
	v := newPlanView(r)
	return &drawing{HTML: func(w io.Writer) error { return writePage(w, v.page()) }, Pictures: v.pictures()}
}

// planView is a plan as it is shown.
type planView struct {
	*plan.Result
	cost  measure
	axes  []experiment.Axis
	short map[string]string
}

func newPlanView(r *plan.Result) *planView {
	v := &planView{Result: r, cost: measureOf(r.Goal)}
	for _, a := range r.Space.Axes {
		v.axes = append(v.axes, experiment.Axis{Key: a.Key, Values: a.Values})
	}
	v.short = shortKeys(keysOf(v.axes))
	return v
}

// bill is what a setting costs, as it is shown: per month, or for the run.
func (v *planView) bill(s *plan.Setting) experiment.Estimate {
	if s == nil {
		return experiment.Estimate{}
	}
	return times(s.Cost, v.cost.factor)
}

// amount writes a setting's cost with what it is for.
func (v *planView) amount(s *plan.Setting) string {
	if v.cost.metric == "cost.per_hour" {
		return text(quantity.USD, v.bill(s)) + " per month"
	}
	return text(quantity.USD, v.bill(s)) + " for the run"
}

func (v *planView) answer() string {
	switch {
	case v.Best == nil:
		return "Nothing was simulated, so there is no answer."
	case v.Kept:
		return fmt.Sprintf("The cheapest settings that keep every objective cost %s: %s.", v.amount(v.Best),
			settingsLabel(v.Best.Settings, v.short))
	}
	return fmt.Sprintf("No settings that were tried surely keep every objective; the closest are %s, at %s.",
		settingsLabel(v.Best.Settings, v.short), v.amount(v.Best))
}

// savingSentence compares the answer with the scenario's own settings.
func (v *planView) savingSentence() string {
	s := v.Saving
	if s == nil || v.Today == nil || !has(s.Cost) {
		return ""
	}
	saved := times(s.Cost, v.cost.factor)
	word := "less"
	if *saved.Value < 0 {
		word, saved = "more", negated(saved)
	}
	sentence := fmt.Sprintf("That is %s %s than the scenario's own settings, which cost %s",
		text(quantity.USD, saved),
		word, v.amount(v.Today))
	if of := interval(quantity.USD, saved); of != "" {
		sentence = fmt.Sprintf("That is %s (%s) %s than the scenario's own settings, which cost %s",
			text(quantity.USD, saved), of, word, v.amount(v.Today))
	}
	switch v.Today.Keeps {
	case plan.No:
		sentence += " and miss an objective"
	case plan.Unsure:
		sentence += " and are unsure to keep every objective"
	}
	if text := uneven(v.Result); text != "" {
		sentence += ". " + capital(text)
	}
	return sentence + "."
}

// negated is the estimate of the opposite.
func negated(e experiment.Estimate) experiment.Estimate {
	e = times(e, -1)
	e.Low, e.High = e.High, e.Low
	return e
}

// bindingSentence names the objective that keeps cheaper settings out.
func (v *planView) bindingSentence() string {
	b := v.Binding
	if b == nil || v.Best == nil || b.Objective < 0 || b.Objective >= len(v.Best.SLO) {
		return ""
	}
	o := describe(&v.Best.SLO[b.Objective])
	sentence := fmt.Sprintf("What stands in the way of cheaper settings is the objective %s %s: "+
		"here it is %s, %s to spare",
		o.Label, o.Limit, o.Value, distance(math.Abs(b.Slack)))
	if b.Slack < 0 {
		sentence = fmt.Sprintf("The objective %s %s is missed by %s", o.Label, o.Limit, distance(-b.Slack))
	}
	if b.Cheaper > 0 {
		sentence += fmt.Sprintf("; %d of %d cheaper settings break it", b.Breaks, b.Cheaper)
	}
	return sentence + "."
}

func (v *planView) provenance() []string {
	out := []string{"plan", fmt.Sprintf("%d of %s settings simulated", v.Space.Simulated,
		spaceSize(v.Space.Settings)),
		quantity.Plural(float64(v.Space.Replications), "replication"), fmt.Sprintf("seed %d", v.Seed)}
	if v.Simcap != "" {
		out = append(out, "simcap "+v.Simcap)
	}
	return out
}

// spaceSize writes how many settings there are.
func spaceSize(n int64) string {
	if n == math.MaxInt64 {
		return "countless"
	}
	return quantity.Format(quantity.Count, float64(n))
}

func (v *planView) page() *page.Page {
	p := &page.Page{Kind: "plan", Title: v.Scenario, Provenance: v.provenance(), Cards: v.cards(),
		Verdict: page.Verdict{State: string(missed), Word: "✗ SLO not kept", Headline: v.answer()},
		Footer: "simcap simulates; it does not measure. Intervals are 95% confidence intervals " +
			"over independent " +
			"replications; all settings meet the same inputs."}
	if v.Kept {
		p.Verdict.State, p.Verdict.Word = string(kept), "✓ SLO kept"
	}
	for _, s := range []string{v.savingSentence(), v.bindingSentence(), v.confidenceSentence()} {
		if s != "" {
			p.Verdict.Sentences = append(p.Verdict.Sentences, s)
		}
	}
	warnings := append([]string(nil), v.Warnings...)
	if v.Stopped != "" {
		warnings = append(warnings, "The search was cut short ("+v.Stopped+"): this is the best so far.")
	}
	if len(warnings) > 0 {
		p.Notes = append(p.Notes, page.Note{Title: "Warnings", Kind: "warning", Items: warnings})
	}
	add := func(id, title string, blocks []page.Block) {
		if len(blocks) > 0 {
			p.Sections = append(p.Sections, page.Section{ID: id, Title: title, Blocks: blocks})
		}
	}
	add("apply", "What to paste", v.snippets())
	add("explored", "What was tried", append(picture(v.explored()), picture(v.map2())...))
	add("sensitivity", "How the answer moves", append(picture(v.sensitivity()), v.variantTable()...))
	add("numbers", "Numbers", v.tables())
	add("space", "What was searched", []page.Block{{Facts: v.facts()}})
	return p
}

func (v *planView) confidenceSentence() string {
	if v.Best == nil || !v.Kept || v.Confidence <= 0 {
		return ""
	}
	return fmt.Sprintf("The chance that none of the settings tried is both good and cheaper by "+
		"more than 1%% is %s.",
		sureness(v.Confidence))
}

func (v *planView) cards() []page.Card {
	var out []page.Card
	if v.Best != nil {
		state := string(kept)
		if !v.Kept {
			state = string(missed)
		}
		out = append(out, page.Card{Label: capital(v.cost.label), Value: text(quantity.USD, v.bill(v.Best)),
			Interval: interval(quantity.USD, v.bill(v.Best)), State: state,
			Note: settingsLabel(v.Best.Settings, v.short)})
		for i := range v.Best.SLO {
			if i == 3 {
				break // the tables have the rest
			}
			o := describe(&v.Best.SLO[i])
			out = append(out, page.Card{Label: "SLO: " + o.Label + " " + unbroken(o.Limit), Value: o.Value,
				Interval: o.Interval,
				Note:     o.Margin, State: string(o.State)})
		}
	}
	if v.Saving != nil && has(v.Saving.Cost) {
		e, label := times(v.Saving.Cost, v.cost.factor), "Saved against today"
		if *e.Value < 0 {
			e, label = negated(e), "More than today"
		}
		out = append(out, page.Card{Label: label, Value: text(quantity.USD, e),
			Interval: interval(quantity.USD, e),
			Note:     percent(math.Abs(v.Saving.Fraction)) + " of today's cost"})
	}
	return out
}

// snippets are what to write into the code, function by function.
func (v *planView) snippets() []page.Block {
	var out []page.Block
	for i := range v.Apply {
		s := &v.Apply[i]
		var lines []string
		if len(s.Arguments) > 0 {
			lines = append(lines, "@app.function(\n    "+strings.Join(s.Arguments, ",\n    ")+",\n)")
		}
		lines = append(lines, s.Decorators...)
		lines = append(lines, s.Calls...)
		for _, o := range s.Other {
			lines = append(lines, "# "+o.Key+": "+o.Value)
		}
		title := "Function " + s.Function
		if s.Function == "" {
			title = "Other settings"
		}
		if len(lines) > 0 {
			out = append(out, page.Block{Code: &page.Code{Title: title, Text: strings.Join(lines, "\n")}})
		}
	}
	if v.Best != nil && len(v.Best.Settings) > 0 {
		out = append(out, page.Block{Code: &page.Code{Title: "As arguments of simcap run",
			Text: settingsFlags(v.Best.Settings)}})
	}
	return out
}

// pointOf is a sample's settings.
func (v *planView) pointOf(s *plan.Sample) experiment.Point {
	var p experiment.Point
	for k := range min(len(s.Values), len(v.axes)) {
		p = append(p, experiment.Setting{Key: v.axes[k].Key, Value: s.Values[k]})
	}
	return p
}

// leastSlack is where the picture of what was tried ends: how far below the limit does not matter.
const leastSlack = -1.0

// explored draws every setting that was simulated: its cost, and how far it is from breaking an objective.
func (v *planView) explored() (chart.Chart, bool) {
	xy := &chart.XY{X: chart.Axis{Label: v.cost.label, Kind: quantity.USD},
		Y:     chart.Axis{Label: "distance to the nearest limit", Kind: quantity.Fraction},
		Rules: []chart.Rule{{At: 0, Role: chart.SLO, Label: "limit"}},
		Regions: []chart.Region{{YFrom: chart.At(0), Role: chart.Good,
			Label: "keeps every objective"}}}
	rest := chart.Series{Name: "other settings", Role: chart.Dominated, Mark: chart.Dots}
	low, high, good := 0.0, 0.0, 0
	for i := range v.Explored {
		s := &v.Explored[i]
		if s.Slack == nil {
			continue
		}
		slack := math.Max(leastSlack, *s.Slack)
		low, high = math.Min(low, slack), math.Max(high, slack)
		if s.Keeps == plan.Yes {
			good++
		}
		cost := s.Cost * v.cost.factor
		point := v.pointOf(s)
		best := v.Best != nil && point.String() == v.Best.Settings.String()
		if len(v.Explored) > mostDots && s.Keeps != plan.Yes && !best {
			rest.X, rest.Y = append(rest.X, cost), append(rest.Y, slack)
			continue
		}
		q := chart.Point{X: cost, Y: slack, Role: chart.Dominated, Copy: settingsFlags(point)}
		if s.Keeps == plan.Yes {
			q.Role = chart.Frontier
		}
		if best {
			q.Role, q.Bold, q.Label = chart.Chosen, true, quantity.Cut(valuesLabel(point, v.axes), 40)
		}
		q.Info = append(settingsInfo(point, v.short), [2]string{v.cost.label,
			quantity.Format(quantity.USD, cost)},
			[2]string{"distance", relative(*s.Slack)}, [2]string{"keeps the SLO", string(s.Keeps)})
		xy.Points = append(xy.Points, q)
	}
	if len(xy.Points)+len(rest.X) == 0 {
		return chart.Chart{}, false
	}
	xy.Y.Min, xy.Y.Max = chart.At(low-0.06*(high-low)-0.01), chart.At(high+0.06*(high-low)+0.01)
	if len(rest.X) > 0 {
		xy.Series = []chart.Series{rest}
	}
	return chart.Chart{ID: "explored", Wide: true, Height: 340,
		Title: fmt.Sprintf("%d of the %d settings tried keep every objective", good,
			len(xy.Points)+len(rest.X)),
		Subtitle: "Cost, and the distance to the objective nearest to its limit; labels are " +
			axesLabel(v.axes, v.short),
		Caption: "The answer is the dot furthest to the left above the dashed line. Short " +
			"screening runs may lie a " +
			"little off. A click copies the settings.", XY: xy}, true
}
