package fit

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/simcap/simcap/trace"
	"github.com/simcap/simcap/trace/shape"
)

// fileOf is a trace with these instants in seconds.
func fileOf(at []float64) *shape.File {
	var b strings.Builder
	for _, t := range at {
		b.WriteString(strconv.FormatFloat(t, 'f', 6, 64) + "\n")
	}
	return &shape.File{Name: "x", Open: func(o trace.Options) (*trace.Reader, error) {
		o.Format = "seconds"
		return trace.NewReader(strings.NewReader(b.String()), "x", o)
	}}
}

func candidates(t *testing.T, f *shape.File) ([]Candidate, *shape.Shape) {
	t.Helper()
	s, err := shape.Measure(f)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Candidates(f, s, UsualPoints)
	if err != nil {
		t.Fatal(err)
	}
	return c, s
}

// TestDispersionOfModulatedProcess: the times and rates of a process of two states are found again from
// its dispersion.
func TestDispersionOfModulatedProcess(t *testing.T) {
	const low, high, stayLow, stayHigh = 1.0, 30.0, 60.0, 20.0
	tau := 1 / (1/stayLow + 1/stayHigh)
	p := stayHigh / (stayLow + stayHigh)
	rate := low + p*(high-low)
	amplitude := 2 * tau * p * (1 - p) * (high - low) * (high - low) / rate
	var d []shape.Dispersion
	for _, w := range []float64{1, 10, 60, 600} {
		u := w / tau
		d = append(d, shape.Dispersion{WindowS: w, IDC: 1 + amplitude*(1-(1-math.Exp(-u))/u)})
	}
	a, found, ok := dispersionFit(d)
	if !ok || math.Abs(math.Log(found/tau)) > 0.13 || math.Abs(math.Log(a/amplitude)) > 0.13 {
		t.Errorf("τ = %v, want %v; A = %v, want %v", found, tau, a, amplitude)
	}
	if _, _, ok := dispersionFit([]shape.Dispersion{{WindowS: 1, IDC: 1}, {WindowS: 10, IDC: 1.1}}); ok {
		t.Error("a Poisson process was taken for a modulated one")
	}
}

// TestModulatedCandidatesKeepTheRate: whatever their states, their mean is the trace's.
func TestModulatedCandidatesKeepTheRate(t *testing.T) {
	s := &shape.Shape{RatePerS: 2, Dispersion: []shape.Dispersion{{WindowS: 1, IDC: 5}, {WindowS: 60, IDC: 40}}}
	found := modulated(s)
	if len(found) != 3 {
		t.Fatalf("%d candidates", len(found))
	}
	for _, c := range found {
		r := strings.NewReplacer("{process: mmpp, states: [{rate: ", "", "/s, mean_duration: ", " ", "s}, {rate: ", " ",
			"s}]}", "")
		var v [4]float64
		for i, text := range strings.Fields(r.Replace(c.Arrivals)) {
			v[i] = number(t, text)
		}
		if mean := (v[0]*v[1] + v[2]*v[3]) / (v[1] + v[3]); math.Abs(mean-2) > 0.01 {
			t.Errorf("%s has a mean of %v/s", c.Arrivals, mean)
		}
	}
}

func number(t *testing.T, text string) float64 {
	t.Helper()
	return percentile(text)
}

// TestPoissonProcessNeedsNoMore: at a constant rate there is nothing left for bursty gaps or groups.
func TestPoissonProcessNeedsNoMore(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var at []float64
	for x := 0.0; x < 20_000; x += random.ExpFloat64() {
		at = append(at, x)
	}
	found, s := candidates(t, fileOf(at))
	for _, c := range found {
		if strings.Contains(c.Name, "gaps") && strings.HasPrefix(c.Name, "constant") || strings.Contains(c.Name, "groups") ||
			strings.HasPrefix(c.Name, "mmpp") {
			t.Errorf("%s: %s", c.Name, c.Arrivals)
		}
	}
	if found[0].Arrivals != "{process: poisson, rate: "+short(s.RatePerS)+"/s}" {
		t.Error(found[0].Arrivals)
	}
}

// TestGroupsAndGaps: arrivals in threes are found as such, and their mean rate is kept.
func TestGroupsAndGaps(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var at []float64
	for x := 0.0; x < 20_000; x += random.ExpFloat64() * 5 {
		at = append(at, x, x+0.001, x+0.002)
	}
	found, s := candidates(t, fileOf(at))
	groups := ""
	for _, c := range found {
		if c.Name == "constant, groups" {
			groups = c.Arrivals
		}
	}
	if !strings.Contains(groups, "values: [3, 3,") {
		t.Fatalf("groups: %q", groups)
	}
	_, rest, _ := strings.Cut(groups, "points: [[0s, ")
	text, _, _ := strings.Cut(rest, "/s")
	// Neighbours that come within a tenth of the mean gap make larger groups: the mean is above 3.
	if mean := s.RatePerS / number(t, text); mean < 3 || mean > 3.5 {
		t.Errorf("groups of %v on average: %s", mean, groups)
	}
}

// TestTypicalDay: two days with a busy noon are one typical day.
func TestTypicalDay(t *testing.T) {
	r := shape.Series{StepS: 3600, PerS: make([]float64, 60)}
	for i := range r.PerS {
		r.PerS[i] = float64(i % 24)
	}
	day := typical(r, 86400, 3600)
	if day == nil || len(day.PerS) != 24 || day.PerS[13] != 13 {
		t.Errorf("%+v", day)
	}
	if typical(shape.Series{StepS: 3600, PerS: make([]float64, 47)}, 86400, 3600) != nil {
		t.Error("less than two days made a typical one")
	}
}

func TestNumbersAndTimes(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 1234567: "1234567", 12.3456: "12.35", 0.000123456: "0.0001235",
		999.96: "1000"} {
		if got := short(v); got != want {
			t.Errorf("%v is %s, want %s", v, got, want)
		}
	}
	for v, want := range map[float64]string{0: "0s", 90: "90s", 120: "2m", 7200: "2h", 172800: "2d"} {
		if got := step(v); got != want {
			t.Errorf("%v is %s, want %s", v, got, want)
		}
	}
	c := shape.Column{Quantiles: map[string]float64{"p50": 2, "p1": 1, "p100": 9.5}}
	if got := Quantiles(&c); got != "{dist: quantiles, p1: 1, p50: 2, p100: 9.5}" {
		t.Error(got)
	}
}
