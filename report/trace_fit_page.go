package report

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"

	"github.com/simcap/simcap/report/chart"
	"github.com/simcap/simcap/report/figure"
	"github.com/simcap/simcap/report/page"
	"github.com/simcap/simcap/report/quantity"
)

// FitFile is the file of a comparison of workloads in its folder.
const FitFile = "fit.json"

// FitResult is a comparison of workloads as fit.json has it.
type FitResult struct {
	File       string               `json:"file"`
	Arrivals   int64                `json:"judged_arrivals"`
	SpanS      float64              `json:"judged_span_s"`
	Runs       int                  `json:"runs"`
	Functions  []string             `json:"function_names"`
	Trace      map[string]FitServed `json:"trace"`
	Candidates []FitCandidate       `json:"candidates"` // the best first
	Columns    map[string]string    `json:"columns"`    // what rows say of their inputs, as distributions
}

// FitCandidate is a workload that was tried, with what the functions did under it.
type FitCandidate struct {
	Name     string               `json:"name"`
	What     string               `json:"what"`
	Numbers  int                  `json:"numbers"`
	Arrivals string               `json:"arrivals"`
	Error    float64              `json:"mean_error"`  // mean of |ln(under it / under the file)|
	Worst    float64              `json:"worst_error"` // the largest of them
	By       map[string]FitServed `json:"functions"`
}

// FitServed is what a function did under a workload.
type FitServed struct {
	P50S    float64 `json:"latency_p50_s"`
	P99S    float64 `json:"latency_p99_s"`
	CostUSD float64 `json:"cost_usd"`
}

// Parts are the figures that are compared.
func (o FitServed) Parts() [3]float64 { return [3]float64{o.P50S, o.P99S, o.CostUSD} }

// Table is the comparison as it is shown; the scenario that was written is outFile, "" for none.
func (r *FitResult) Table(outFile string) *TraceFit {
	t := &TraceFit{File: filepath.Base(r.File), Judged: r.Arrivals, SpanS: r.SpanS, Runs: r.Runs,
		OutFile: outFile, Functions: r.Functions, Trace: TraceFitRow{Name: "the file itself"}}
	by := func(served map[string]FitServed) [][3]float64 {
		var out [][3]float64
		for _, f := range r.Functions {
			out = append(out, served[f].Parts())
		}
		return out
	}
	t.Trace.By = by(r.Trace)
	for _, v := range r.Candidates {
		t.Rows = append(t.Rows, TraceFitRow{Name: v.Name, What: v.What, Numbers: v.Numbers,
			Error: v.Error, Worst: v.Worst, By: by(v.By)})
	}
	if len(r.Candidates) > 0 {
		t.Arrivals = r.Candidates[0].Arrivals
	}
	return t
}

// FitJSON writes the comparison as JSON.
func FitJSON(w io.Writer, r *FitResult) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(r)
}

// WriteTraceFit writes a comparison of workloads into a folder, which it makes if need be: fit.json,
// report.html and pictures. Files of the same names are replaced, each at once.
func WriteTraceFit(dir string, r *FitResult, o Options) error {
	if err := o.Validate(); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	err := writeFile(filepath.Join(dir, FitFile), func(w io.Writer) error { return FitJSON(w, r) })
	if err != nil {
		return err
	}
	return draw(dir, fitDrawing(r), o)
}

func fitDrawing(r *FitResult) *drawing {
	f := r.Table("")
	d := &drawing{HTML: func(w io.Writer) error { return writePage(w, f.page()) },
		Pictures: map[string]figure.Picture{}}
	for _, c := range f.charts() {
		d.Pictures[c.ID] = figure.Picture{Footer: f.File + " · trace fit", Charts: []chart.Chart{c}}
	}
	return d
}

// shownFits is how many workloads the pictures show; the tables have all.
const shownFits = 12

func (f *TraceFit) charts() []chart.Chart {
	if len(f.Rows) == 0 {
		return nil
	}
	return []chart.Chart{f.errorChart(), f.ratioChart()}
}

// errorChart draws how far each workload is from the file on average.
func (f *TraceFit) errorChart() chart.Chart {
	bars := &chart.Bars{Axis: chart.Axis{Label: "mean error", Kind: quantity.Fraction},
		Parts: []chart.Part{{Name: "mean error", Role: chart.Arrivals}}}
	for _, r := range f.Rows[:min(len(f.Rows), shownFits)] {
		bars.Rows = append(bars.Rows, chart.Bar{Label: r.Name, Values: chart.Values{r.Error},
			Note: "worst " + percent(r.Worst)})
	}
	return chart.Chart{ID: "errors", Wide: true, Title: fmt.Sprintf("Nearest is “%s”: %s off on average",
		f.Rows[0].Name, percent(f.Rows[0].Error)),
		Subtitle: "Mean of |ln(under the workload / under the file)| of p50 latency, p99 latency and cost",
		Caption:  "What the upper bars have in common is what matters about this traffic.", Bars: bars}
}

// figureNames are the figures that are compared.
var figureNames = [3]string{"p50", "p99", "cost"}

// ratioChart shows each figure under each workload as a share of that under the file.
func (f *TraceFit) ratioChart() chart.Chart {
	heat := &chart.Heat{XLabel: "figure", YLabel: "workload", Kind: quantity.Fraction, Log: true}
	for _, name := range f.Functions {
		for _, figure := range figureNames {
			heat.Columns = append(heat.Columns, name+" "+figure)
		}
	}
	for i := min(len(f.Rows), shownFits) - 1; i >= 0; i-- { // rows are from the bottom up
		r := &f.Rows[i]
		heat.Rows = append(heat.Rows, r.Name)
		var values chart.Values
		for k := range f.Functions {
			for n := range figureNames {
				ratio := math.NaN()
				if own := f.Trace.By[k][n]; own > 0 && r.By[k][n] > 0 {
					ratio = r.By[k][n] / own
				}
				values = append(values, ratio)
			}
		}
		heat.Values = append(heat.Values, values)
	}
	return chart.Chart{ID: "ratios", Wide: true, Title: "Where each workload is off",
		Subtitle: "Latency and cost under the workload, as a share of that under the file; the best on top",
		Caption:  "100% is the file itself. A column that no workload meets is what these workloads lack.",
		Heat:     heat}
}

func (f *TraceFit) page() *page.Page {
	p := &page.Page{Kind: "trace fit", Title: filepath.Base(f.File), Provenance: []string{"fit",
		"judged by " + quantity.Plural(float64(f.Judged), "arrival") + " in " + duration(f.SpanS),
		quantity.Plural(float64(f.Runs), "run") + " of each function"},
		Footer: "simcap simulates; it does not measure. An error is the mean of |ln(a / b)|, the relative " +
			"error where it is small."}
	if len(f.Rows) == 0 {
		p.Verdict = page.Verdict{State: "none", Word: "No workload", Headline: "No workload could be fitted."}
		return p
	}
	best := &f.Rows[0]
	p.Verdict = page.Verdict{State: "none", Word: percent(best.Error) + " off",
		Headline: "“" + best.Name + "” is the workload nearest to the file.",
		Sentences: []string{fmt.Sprintf("%s: latency and cost are %s off on average, %s at the most.",
			upper(best.What), percent(best.Error), percent(best.Worst))}}
	p.Cards = []page.Card{
		{Label: "Mean error", Value: percent(best.Error), Note: "of p50, p99 and cost"},
		{Label: "Largest error", Value: percent(best.Worst), Note: "of any one of them"},
		{Label: "Numbers", Value: quantity.Format(quantity.Count, float64(best.Numbers)),
			Note: "that describe the workload"}}
	if worst := &f.Rows[len(f.Rows)-1]; len(f.Rows) > 1 {
		p.Cards = append(p.Cards, page.Card{Label: "The farthest: " + worst.Name, Value: percent(worst.Error),
			Note: "off on average"})
	}
	paste := page.Section{ID: "paste", Title: "What to paste", Blocks: []page.Block{
		{Code: &page.Code{Title: "The best workload's arrivals", Text: "arrivals: " + f.Arrivals}}}}
	tried := page.Section{ID: "tried", Title: "What was tried"}
	for _, c := range f.charts() {
		tried.Blocks = append(tried.Blocks, page.Block{Chart: &c})
	}
	p.Sections = []page.Section{paste, tried, {ID: "numbers", Title: "All numbers", Blocks: f.tables()}}
	return p
}

// tables are the workloads, and what each function did under them.
func (f *TraceFit) tables() []page.Block {
	all := &page.Table{ID: "workloads", Caption: "Workloads, the nearest first",
		Columns: []page.Column{{Name: "workload"}, {Name: "numbers", Number: true},
			{Name: "mean error", Number: true}, {Name: "worst", Number: true}, {Name: "what it is"}}}
	for _, r := range f.Rows {
		all.Rows = append(all.Rows, page.Row{Cells: []page.Cell{{Text: r.Name},
			keyed(quantity.Format(quantity.Count, float64(r.Numbers)), float64(r.Numbers)),
			keyed(percent(r.Error), r.Error), keyed(percent(r.Worst), r.Worst), {Text: r.What}}})
	}
	out := []page.Block{{Table: all}}
	for i, name := range f.Functions {
		t := &page.Table{ID: identifier("function", name), Caption: "Function " + name,
			Columns: []page.Column{{Name: "workload"}, {Name: "p50 latency", Number: true},
				{Name: "p99 latency", Number: true}, {Name: "cost", Number: true}}}
		for _, r := range append([]TraceFitRow{f.Trace}, f.Rows...) {
			by := r.By[i]
			t.Rows = append(t.Rows, page.Row{Cells: []page.Cell{{Text: r.Name}, keyed(seconds(by[0]), by[0]),
				keyed(seconds(by[1]), by[1]), keyed(quantity.Format(quantity.USD, by[2]), by[2])}})
		}
		out = append(out, page.Block{Table: t})
	}
	return out
}
