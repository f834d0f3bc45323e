package report

import (
	"fmt"
	"io"
	"math"
	"path/filepath"
	"sort"

	"github.com/simcap/simcap/report/chart"
	"github.com/simcap/simcap/report/figure"
	"github.com/simcap/simcap/report/page"
	"github.com/simcap/simcap/report/quantity"
)

// Calibration is what was measured on a server, what was fitted to it, and how good that is: the page of a
// profile. Times are in seconds; parts that are empty are not shown.
type Calibration struct {
	Name        string      `json:"name"`
	Description string      `json:"description"`
	Simcap      string      `json:"simcap"` // version of the program
	Synthetic   bool        `json:"synthetic,omitempty"`
	Provenance  [][2]string `json:"provenance"` // GPU, engine, driver, command, date, ...
	Quality     Quality     `json:"quality"`
	Fits        []Fit       `json:"fits"`
	Cold        []Sample    `json:"cold,omitempty"`     // stages of a cold start, in their order
	Windows     []Window    `json:"windows,omitempty"`  // of stability, in the order of time
	Device      []Device    `json:"device,omitempty"`   // what the GPU did, in the order of time
	Holdout     []Holdout   `json:"holdout,omitempty"`  // what the fit did not see
	Profile     string      `json:"profile,omitempty"`  // the profile file as it was written
	Warnings    []string    `json:"warnings,omitempty"` // what weakens it
}

// Quality is how good fit and measurements are, as fractions: 0.02 is 2%. Zero: not known.
type Quality struct {
	CVError     float64 `json:"cv_error"`     // of points that the fit did not see, mean
	WorstError  float64 `json:"worst_error"`  // of any point
	BetweenRuns float64 `json:"between_runs"` // from one run of the server to the next
}

// Fit is one curve: what was measured at each x, and the fitted curve through it.
type Fit struct {
	Name     string       `json:"name"`    // batch, concurrency, iteration, ...
	XLabel   string       `json:"x_label"` // for example "inputs in the batch"
	YLabel   string       `json:"y_label"` // for example "time of a batch"
	Formula  string       `json:"formula"` // for example "10.0 ms + 2.60 ms × n"
	Measured []Sample     `json:"measured"`
	Curve    [][2]float64 `json:"curve"` // x, seconds; by rising x
	LogX     bool         `json:"log_x,omitempty"`
}

// Sample is what was measured at one place, as often as it was.
type Sample struct {
	X     float64   `json:"x,omitempty"`
	Name  string    `json:"name,omitempty"`
	Times []float64 `json:"times"` // s
}

// Window is a stretch of measurement that was judged as a whole.
type Window struct {
	AtS       float64 `json:"at_s"`      // since the beginning
	Of        string  `json:"of"`        // the load that it is of
	Deviation float64 `json:"deviation"` // of its time per request from the median of its load, 0.02: 2% slower
	Accepted  bool    `json:"accepted"`
	Why       string  `json:"why,omitempty"` // why it was rejected
}

// Device is what the GPU did over a stretch of time; zero: not known.
type Device struct {
	FromS     float64 `json:"from_s"` // since the beginning
	ToS       float64 `json:"to_s"`
	ClockMHz  float64 `json:"clock_mhz"`
	PowerW    float64 `json:"power_w"`
	Throttled bool    `json:"throttled,omitempty"`
}

// Holdout is a measurement under load beside what simcap predicts of it, in seconds.
type Holdout struct {
	RatePerS     float64 `json:"rate_per_s"`
	MeasuredP50  float64 `json:"measured_p50_s"`
	PredictedP50 float64 `json:"predicted_p50_s"`
	MeasuredP95  float64 `json:"measured_p95_s"`
	PredictedP95 float64 `json:"predicted_p95_s"`
}

// calibrationFile is the name of a calibration's data in its folder.
const calibrationFile = "calibration.json"

// WriteCalibration writes calibration.json, report.html and pictures into a folder, which it makes
// if need be.
func WriteCalibration(dir string, c *Calibration, o Options) error {
	path := filepath.Join(dir, calibrationFile)
	data := func() error { return writeFile(path, func(w io.Writer) error { return writeJSON(w, c) }) }
	return writeResult(dir, calibrationFile, calibrationDrawing(c), data, o)
}

func calibrationDrawing(c *Calibration) *drawing {
	v := &calibrationView{c}
	return &drawing{HTML: func(w io.Writer) error { return writePage(w, v.page()) }, Pictures: v.pictures()}
}

// calibrationView is a calibration as it is shown.
type calibrationView struct{ *Calibration }

// at is the fitted curve at x, by straight lines; NaN beyond it.
func (f *Fit) at(x float64) float64 {
	n := len(f.Curve)
	k := sort.Search(n, func(i int) bool { return f.Curve[i][0] >= x-1e-12 })
	switch {
	case k == n || k == 0 && f.Curve[0][0] > x+1e-9:
		return math.NaN()
	case k == 0 || math.Abs(f.Curve[k][0]-x) < 1e-9:
		return f.Curve[k][1]
	}
	a, b := f.Curve[k-1], f.Curve[k]
	return a[1] + (b[1]-a[1])*(x-a[0])/(b[0]-a[0])
}

// spread is the median and the 5th and 95th percentile of times, by nearest rank.
func spread(times []float64) (low, middle, high float64) {
	sorted := append([]float64(nil), times...)
	sort.Float64s(sorted)
	n := len(sorted)
	if n == 0 {
		return math.NaN(), math.NaN(), math.NaN()
	}
	rank := func(q float64) float64 { return sorted[min(n-1, max(0, int(math.Ceil(q*float64(n)))-1))] }
	return rank(0.05), rank(0.5), rank(0.95)
}

// worst is the residual of the fit that is largest, as a fraction of the curve, and where.
func (f *Fit) worst() (x, residual float64) {
	for i := range f.Measured {
		_, y, _ := spread(f.Measured[i].Times)
		r := y/f.at(f.Measured[i].X) - 1
		if math.Abs(r) > math.Abs(residual) {
			x, residual = f.Measured[i].X, r
		}
	}
	return x, residual
}

func (v *calibrationView) page() *page.Page {
	p := &page.Page{Kind: "calibration", Title: v.Name, Provenance: v.provenance(),
		Verdict: v.verdict(), Cards: v.cards(),
		Footer: "What a profile does not say was not measured: outside of its points simcap " +
			"extends the last segment, " +
			"and warns."}
	warnings := append([]string(nil), v.Warnings...)
	if v.Synthetic {
		warnings = append(warnings, "This profile was not measured on hardware: take its times as examples.")
	}
	if len(warnings) > 0 {
		p.Notes = append(p.Notes, page.Note{Title: "Warnings", Kind: "warning", Items: warnings})
	}
	add := func(id, title string, blocks []page.Block) {
		if len(blocks) > 0 {
			p.Sections = append(p.Sections, page.Section{ID: id, Title: title, Blocks: blocks})
		}
	}
	var fits []page.Block
	for i := range v.Fits {
		fits = append(fits, picture(v.curve(&v.Fits[i]))...)
		fits = append(fits, picture(v.residuals(&v.Fits[i]))...)
	}
	add("fits", "Measured and fitted", fits)
	add("holdout", "Predicted and measured under load", picture(v.holdout()))
	add("stability", "Was it stable?", append(append(picture(v.windows()), picture(v.clock())...),
		picture(v.power())...))
	add("cold", "Cold start", picture(v.cold()))
	add("numbers", "All numbers", []page.Block{{Table: v.table()}})
	var facts []page.Fact
	for _, f := range v.Provenance {
		facts = append(facts, page.Fact{Name: f[0], Value: f[1]})
	}
	last := []page.Block{}
	if len(facts) > 0 {
		last = append(last, page.Block{Facts: facts})
	}
	if v.Profile != "" {
		last = append(last, page.Block{Code: &page.Code{Title: "The profile", Text: v.Profile}})
	}
	add("profile", "Where it comes from", last)
	return p
}

func (v *calibrationView) provenance() []string {
	out := []string{"calibration"}
	if v.Description != "" {
		out = append(out, quantity.Cut(v.Description, 160))
	}
	if v.Simcap != "" {
		out = append(out, "simcap "+v.Simcap)
	}
	return out
}

// The errors up to which a profile is called good and fair.
const (
	goodError = 0.05
	fairError = 0.15
)

// verdict says how far the profile can be trusted.
func (v *calibrationView) verdict() page.Verdict {
	worst := math.Max(v.Quality.CVError, v.Quality.WorstError)
	for i := range v.Fits {
		_, r := v.Fits[i].worst()
		worst = math.Max(worst, math.Abs(r))
	}
	for _, h := range v.Holdout {
		worst = math.Max(worst, h.err())
	}
	out := page.Verdict{State: string(kept), Word: "✓ Good fit"}
	switch {
	case len(v.Fits) == 0 && len(v.Holdout) == 0:
		out.State, out.Word, out.Headline = string(unasked), "No curve",
			"This profile has no curve: only single times."
		return out
	case worst > fairError:
		out.State, out.Word = string(missed), "✗ Poor fit"
	case worst > goodError:
		out.State, out.Word = string(undecided), "? Fair fit"
	}
	out.Headline = fmt.Sprintf("The profile is at most %s off what was measured.", distance(worst))
	if worst > goodError {
		out.Headline = fmt.Sprintf("The profile is up to %s off what was measured.", distance(worst))
	}
	if v.Synthetic {
		out.State, out.Word = string(undecided), "? Not measured"
	}
	for i := range v.Fits {
		f := &v.Fits[i]
		x, r := f.worst()
		sentence := capital(f.YLabel)
		if f.Formula != "" {
			sentence += ": " + f.Formula
		}
		if r != 0 {
			sentence += fmt.Sprintf(" (largest deviation %s, at %s %s)", relative(r),
				quantity.Chosen(quantity.Number, x),
				f.XLabel)
		}
		out.Sentences = append(out.Sentences, sentence+".")
	}
	if rejected := v.rejected(); rejected > 0 {
		out.Sentences = append(out.Sentences, fmt.Sprintf("%d of %d windows were not stable and "+
			"were left out.", rejected,
			len(v.Windows)))
	}
	return out
}

func (v *calibrationView) rejected() int {
	n := 0
	for _, w := range v.Windows {
		if !w.Accepted {
			n++
		}
	}
	return n
}

// err is the largest relative error of a prediction.
func (h *Holdout) err() float64 {
	return math.Max(math.Abs(share(h.PredictedP50, h.MeasuredP50)-1),
		math.Abs(share(h.PredictedP95, h.MeasuredP95)-1))
}

func (v *calibrationView) cards() []page.Card {
	var out []page.Card
	add := func(label string, f float64, note string) {
		if f > 0 {
			out = append(out, page.Card{Label: label, Value: quantity.Format(quantity.Fraction, f),
				Note: note})
		}
	}
	add("Error of points left out", v.Quality.CVError, "mean over all points, each predicted by the others")
	add("Largest error of a point", v.Quality.WorstError, "")
	add("From run to run", v.Quality.BetweenRuns, "how much the server's own times differ")
	for i := range v.Fits {
		if f := &v.Fits[i]; len(f.Measured) > 0 {
			low, middle, high := spread(f.Measured[0].Times)
			c := page.Card{Label: fmt.Sprintf("%s at %s", capital(f.YLabel),
				quantity.Chosen(quantity.Number, f.Measured[0].X)),
				Value: quantity.Format(quantity.Seconds, middle),
				Note: quantity.Plural(float64(len(f.Measured[0].Times)),
					"measurement")}
			if low < high {
				c.Interval = quantity.Range(quantity.Seconds, low, high) + " (p5–p95)"
			}
			out = append(out, c)
		}
	}
	return out
}

// pictures are the pictures of a calibration by the names of their files.
func (v *calibrationView) pictures() map[string]figure.Picture {
	a := newAlbum(v.Name, v.provenance())
	for i := range v.Fits {
		f := &v.Fits[i]
		var charts []chart.Chart
		if c, ok := v.curve(f); ok {
			c.Height = 260
			charts = append(charts, c)
		}
		if c, ok := v.residuals(f); ok && len(charts) > 0 {
			c.Height = 110
			charts = append(charts, c)
		}
		a.add(identifier("fit", f.Name), charts...)
	}
	for _, make := range []func() (chart.Chart, bool){v.holdout, v.windows, v.cold, v.clock, v.power} {
		a.take(make())
	}
	return a.pictures
}
