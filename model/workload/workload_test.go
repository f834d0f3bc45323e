package workload_test

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/simcap/simcap/model/dist"
	"github.com/simcap/simcap/model/workload"
	"github.com/simcap/simcap/sim"
)

// instants reads up to n arrivals of a process before end.
func instants(t *testing.T, kind workload.Kind, stream sim.Stream, n int, end sim.Time) []sim.Time {
	t.Helper()
	if err := kind.Validate(); err != nil {
		t.Fatal(err)
	}
	source := kind.Source(stream)
	var out []sim.Time
	var a workload.Arrival
	for len(out) < n && source.Next(&a) && a.At < end {
		if len(out) > 0 && a.At < out[len(out)-1] {
			t.Fatalf("arrival %d at %d comes before the one at %d", len(out)+1, a.At, out[len(out)-1])
		}
		out = append(out, a.At)
	}
	return out
}

// distance is √n times the Kolmogorov-Smirnov distance of values from a continuous law. It exceeds 2.7
// by chance once in a million.
func distance(values []float64, cdf func(float64) float64) float64 {
	values = slices.Clone(values)
	slices.Sort(values)
	n := float64(len(values))
	worst := 0.0
	for i, x := range values {
		worst = max(worst, math.Abs(float64(i)/n-cdf(x)), math.Abs(float64(i+1)/n-cdf(x)))
	}
	return worst * math.Sqrt(n)
}

func exponential(x float64) float64 { return -math.Expm1(-x) }

// The n-th constant arrival is at n/rate, rounded once, halves up, also after years, where the rate is the
// fraction that it was written as.
func TestConstant(t *testing.T) {
	for _, c := range []struct {
		rate     float64
		num, den int64
	}{{3, 3, 1}, {0.1, 1, 10}, {20.0 / 60, 1, 3}, {7.0 / 3600, 7, 3600}, {1500, 1500, 1}, {0.7, 7, 10}, {333.333, 333333, 1000},
		{1e9, 1_000_000_000, 1}, {6e8, 600_000_000, 1}, {1.0 / 86400, 1, 86400}, {2e9 / 3, 2_000_000_000, 3}} {
		if c.rate > 1e9 {
			continue
		}
		source := workload.Constant{RatePerSec: c.rate}.Source(sim.Stream{})
		var a workload.Arrival
		for n := int64(1); n <= 200_000; n++ {
			if !source.Next(&a) {
				if past := float64(n) * float64(c.den) / float64(c.num) * 1e9; past < 0.99*float64(sim.Never) {
					t.Fatalf("rate %v: the arrivals end with the %d-th", c.rate, n)
				}
				break
			}
			if n > 2000 && n%997 != 0 {
				continue
			}
			// round(10⁹ n den / num), halves up: ⌊(2 × 10⁹ n den + num) / (2 num)⌋
			x := new(big.Int).Mul(big.NewInt(2_000_000_000), big.NewInt(n))
			x.Mul(x, big.NewInt(c.den)).Add(x, big.NewInt(c.num)).Quo(x, big.NewInt(2*c.num))
			if int64(a.At) != x.Int64() {
				t.Fatalf("rate %v: arrival %d is at %d, not %d", c.rate, n, a.At, x.Int64())
			}
		}
	}
}

// By the time-rescaling theorem the expected numbers of arrivals between the arrivals of a Poisson process
// of any rate are exponential of mean 1 and independent; the expectation is integrated here by itself.
func TestRatesOverTime(t *testing.T) {
	pieces := []workload.Point{{At: 10 * sim.Second, RatePerSec: 5}, {At: 30 * sim.Second, RatePerSec: 0}, {At: 40 * sim.Second, RatePerSec: 40}, {At: 41 * sim.Second, RatePerSec: 2}}
	jump := []workload.Point{{At: 0, RatePerSec: 1}, {At: 20 * sim.Second, RatePerSec: 30}, {At: 20 * sim.Second, RatePerSec: 2}, {At: 50 * sim.Second, RatePerSec: 0}}
	for _, c := range []struct {
		name string
		kind workload.Kind
		rate func(s float64) float64 // per second
	}{
		{"poisson", workload.Poisson{RatePerSec: 7}, func(float64) float64 { return 7 }},
		{"diurnal", workload.Diurnal{BasePerSec: 0, PeakPerSec: 20, Period: 100 * sim.Second, PeakAt: 30 * sim.Second},
			func(s float64) float64 { return 10 + 10*math.Cos(2*math.Pi*(s-30)/100) }},
		{"diurnal with a base", workload.Diurnal{BasePerSec: 3, PeakPerSec: 9, Period: 40 * sim.Second, PeakAt: 90 * sim.Second},
			func(s float64) float64 { return 6 + 3*math.Cos(2*math.Pi*(s-90)/40) }},
		{"step", workload.Piecewise{Points: pieces, Repeat: 60 * sim.Second}, func(s float64) float64 {
			switch s = math.Mod(s, 60); {
			case s < 10, s >= 30 && s < 40:
				return 0
			case s < 30:
				return 5
			case s < 41:
				return 40
			}
			return 2
		}},
		{"linear", workload.Piecewise{Points: pieces, Interpolate: "linear", Repeat: 60 * sim.Second}, func(s float64) float64 {
			switch s = math.Mod(s, 60); {
			case s < 10:
				return 5
			case s < 30:
				return 5 - 5*(s-10)/20
			case s < 40:
				return 4 * (s - 30)
			case s < 41:
				return 40 - 38*(s-40)
			}
			return 2
		}},
		{"linear with a jump", workload.Piecewise{Points: jump, Interpolate: "linear", Repeat: 50 * sim.Second}, func(s float64) float64 {
			if s = math.Mod(s, 50); s < 20 {
				return 1 + 29*s/20
			}
			return 2 - 2*(s-20)/30
		}},
		{"step that stays", workload.Piecewise{Points: []workload.Point{{At: 5 * sim.Second, RatePerSec: 2}, {At: 9 * sim.Second, RatePerSec: 11}}},
			func(s float64) float64 {
				switch {
				case s < 5:
					return 0
				case s < 9:
					return 2
				}
				return 11
			}},
	} {
		at := instants(t, c.kind, sim.NewStream(1, 1, c.name), 20_000, sim.Never)
		// Λ by the trapezoid rule on a grid of 1 ms that includes every jump, linear within a cell.
		const cell = 1e-3
		var gaps []float64
		last, sum, k := 0.0, 0.0, 0
		for _, ns := range at {
			s := ns.Seconds()
			for float64(k+1)*cell <= s {
				sum += cell * c.rate((float64(k)+0.5)*cell)
				k++
			}
			expected := sum + (s-float64(k)*cell)*c.rate(float64(k)*cell+(s-float64(k)*cell)/2)
			gaps = append(gaps, expected-last)
			last = expected
		}
		if d := distance(gaps, exponential); d > 2.7 {
			t.Errorf("%s: rescaled gaps are not exponential: √n D = %.2f", c.name, d)
		}
		dependence := 0.0
		for i := 1; i < len(gaps); i++ {
			dependence += (gaps[i] - 1) * (gaps[i-1] - 1)
		}
		if z := dependence / math.Sqrt(float64(len(gaps))); math.Abs(z) > 5 {
			t.Errorf("%s: neighbouring gaps depend on each other: %.1f standard errors", c.name, z)
		}
	}
}

// An interrupted Poisson process (rate λ while on, mean stays 1/a on and 1/b off) has independent gaps of a
// hyperexponential law (Kuczura 1973): rates μ1, μ2 = (λ + a + b ± √((λ + a + b)² - 4 λ b)) / 2, the first with
// probability (λ - μ2) / (μ1 - μ2).
func TestInterruptedPoisson(t *testing.T) {
	const lambda, a, b = 20.0, 0.5, 0.25
	kind := workload.MMPP{States: []workload.State{{RatePerSec: lambda, MeanDuration: 2 * sim.Second}, {RatePerSec: 0, MeanDuration: 4 * sim.Second}}}
	at := instants(t, kind, sim.NewStream(1, 1, "ipp"), 40_000, sim.Never)
	var gaps []float64
	for i := 1; i < len(at); i++ {
		gaps = append(gaps, (at[i] - at[i-1]).Seconds())
	}
	root := math.Sqrt((lambda+a+b)*(lambda+a+b) - 4*lambda*b)
	fast, slow := (lambda+a+b+root)/2, (lambda+a+b-root)/2
	p := (lambda - slow) / (fast - slow)
	if d := distance(gaps, func(x float64) float64 { return p*exponential(fast*x) + (1-p)*exponential(slow*x) }); d > 2.7 {
		t.Errorf("√n D = %.2f", d)
	}
	if r := kind.RatePerS(); math.Abs(r-lambda/3) > 1e-12 {
		t.Errorf("mean rate %v", r)
	}
	// The states come in order: with three of them the first stay is the first's.
	order := workload.MMPP{States: []workload.State{{RatePerSec: 0, MeanDuration: sim.Hour}, {RatePerSec: 1000, MeanDuration: sim.Hour}, {RatePerSec: 0, MeanDuration: sim.Hour}}}
	firsts := 0.0
	for seed := range uint64(400) {
		firsts += instants(t, order, sim.NewStream(seed, 1, "order"), 1, sim.Never)[0].Seconds() / 3600 / 400
	}
	if math.Abs(firsts-1) > 5.0/20 { // mean 1 h, standard error 1/20 h
		t.Errorf("the first arrival comes after %.2f h on average", firsts)
	}
}

func TestRenewal(t *testing.T) {
	kind := workload.Renewal{Interarrival: dist.Gamma{Average: 1e8, CV: 2}}
	at := instants(t, kind, sim.NewStream(1, 1, "renewal"), 40_000, sim.Never)
	var gaps []float64
	last := sim.Time(0)
	for _, x := range at {
		gaps = append(gaps, float64(x-last))
		last = x
	}
	// Gaps are whole nanoseconds: those of 0, which the law has often with this shape, are spread over half of one.
	law := distuv.Gamma{Alpha: 0.25, Beta: 0.25 / 1e8}
	worst := 0.0
	slices.Sort(gaps)
	for i, x := range gaps {
		worst = max(worst, math.Abs(float64(i+1)/40_000-law.CDF(x+0.5)))
	}
	if d := worst * 200; d > 2.7+200*law.CDF(0.5) {
		t.Errorf("√n D = %.2f", d)
	}
	every := instants(t, workload.Renewal{Interarrival: dist.Constant{Value: 2.5e8}}, sim.Stream{}, 4, sim.Never)
	if want := []sim.Time{250_000_000, 500_000_000, 750_000_000, sim.Second}; !slices.Equal(every, want) {
		t.Error(every)
	}
}

// rows is a trace in memory.
type rows struct {
	list []workload.Arrival
	next int
}

func (r *rows) Next(a *workload.Arrival) bool {
	if r.next == len(r.list) {
		return false
	}
	*a = r.list[r.next]
	r.next++
	return true
}

func traceOf(at ...sim.Time) workload.Trace {
	list := make([]workload.Arrival, len(at))
	for i, x := range at {
		list[i] = workload.Arrival{At: x, Size: float64(i + 1), Demand: math.NaN()}
	}
	return workload.Trace{Speedup: 1, RateScale: 1, Open: func(uint64) (workload.Source, error) { return &rows{list: list}, nil }}
}

func TestTrace(t *testing.T) {
	base := []sim.Time{0, 3, 10, 10, 25}
	plain := traceOf(base...)
	if got := instants(t, plain, sim.Stream{}, 99, sim.Never); !slices.Equal(got, base) {
		t.Error("plain", got)
	}
	fast := plain
	fast.Speedup = 2
	// Instants are divided exactly and rounded once, halves up: 1.5 is 2, 12.5 is 13.
	if got := instants(t, fast, sim.Stream{}, 99, sim.Never); !slices.Equal(got, []sim.Time{0, 2, 5, 5, 13}) {
		t.Error("at twice the speed", got)
	}
	slow := plain
	slow.Speedup = 0.1
	if got := instants(t, slow, sim.Stream{}, 99, sim.Never); !slices.Equal(got, []sim.Time{0, 30, 100, 100, 250}) {
		t.Error("at a tenth of the speed", got)
	}
	// A loop begins again one mean gap (25/4 ns, whole ones) after the last row.
	loop := plain
	loop.Loop = true
	if got := instants(t, loop, sim.Stream{}, 12, sim.Never); !slices.Equal(got, []sim.Time{0, 3, 10, 10, 25, 31, 34, 41, 41, 56, 62, 65}) {
		t.Error("in a loop", got)
	}
	fast.Loop = true // 31/2 a pass
	if got := instants(t, fast, sim.Stream{}, 8, sim.Never); !slices.Equal(got, []sim.Time{0, 2, 5, 5, 13, 16, 18, 21}) {
		t.Error("in a loop at twice the speed", got)
	}
}

// Below 1 rate_scale keeps each row with that probability, and a larger share keeps all that a smaller one
// does; above 1 it adds scale - 1 copies of a row on average, between it and the next instant.
func TestRateScale(t *testing.T) {
	const n = 20_000
	at := make([]sim.Time, n)
	for i := range at {
		at[i] = sim.Time(i) * sim.Second
	}
	stream := sim.NewStream(1, 1, "scale")
	kept := map[float64]map[sim.Time]bool{}
	for _, scale := range []float64{0.1, 0.5, 0.9} {
		trace := traceOf(at...)
		trace.RateScale = scale
		got := instants(t, trace, stream, 10*n, sim.Never)
		if z := (float64(len(got)) - scale*n) / math.Sqrt(n*scale*(1-scale)); math.Abs(z) > 5 {
			t.Errorf("a share of %v keeps %d of %d rows", scale, len(got), n)
		}
		kept[scale] = map[sim.Time]bool{}
		for _, x := range got {
			kept[scale][x] = true
		}
	}
	for x := range kept[0.1] {
		if !kept[0.5][x] || !kept[0.9][x] {
			t.Fatalf("the row at %v is kept by a smaller share only", x)
		}
	}
	for _, scale := range []float64{1.3, 2, 3.75} {
		trace := traceOf(at...)
		trace.RateScale = scale
		source := trace.Source(stream)
		var a workload.Arrival
		count, originals := 0, 0
		var within []float64
		last := sim.Time(-1)
		for source.Next(&a) {
			if a.At < last {
				t.Fatal("time runs back")
			}
			last = a.At
			count++
			row := sim.Time(a.Size-1) * sim.Second
			if a.At == row {
				originals++
				continue
			}
			if a.At < row || a.At >= row+sim.Second {
				t.Fatalf("a copy of the row at %v stands at %v", row, a.At)
			}
			within = append(within, float64(a.At-row)/1e9)
		}
		part := scale - math.Floor(scale)
		if sd := math.Sqrt(n * part * (1 - part)); math.Abs(float64(count)-scale*n) > 5*sd+0.5 {
			t.Errorf("a scale of %v makes %d rows of %d", scale, count, n)
		}
		if originals < n {
			t.Errorf("a scale of %v keeps %d of %d rows", scale, originals, n)
		}
		if d := distance(within, func(x float64) float64 { return x }); d > 2.7 {
			t.Errorf("copies do not spread evenly: √n D = %.2f", d)
		}
	}
}

// What arrival i draws depends on the stream and on i alone: a source read one by one, or by the block,
// gives the same.
func TestBlocks(t *testing.T) {
	source := workload.Poisson{RatePerSec: 100}.Source(sim.NewStream(2, 1, "blocks"))
	blocks, ok := source.(workload.Instants)
	if !ok {
		t.Fatal("poisson arrivals do not come by the block")
	}
	one := workload.Poisson{RatePerSec: 100}.Source(sim.NewStream(2, 1, "blocks"))
	var a workload.Arrival
	for _, size := range []int{1, 64, 3, 100} {
		at := make([]sim.Time, size)
		for _, x := range at[:blocks.Fill(at)] {
			if one.Next(&a); a.At != x {
				t.Fatalf("%d by the block, %d one by one", x, a.At)
			}
		}
	}
}

// Arrivals of ten years are not coarser than a nanosecond: gaps at the end follow the same law.
func TestLateArrivals(t *testing.T) {
	for name, kind := range map[string]workload.Kind{
		"poisson": workload.Piecewise{Points: []workload.Point{{At: 0, RatePerSec: 0}, {At: 3650 * sim.Day, RatePerSec: 1e6}}},
	} {
		at := instants(t, kind, sim.NewStream(1, 1, name), 20_000, sim.Never)
		var gaps []float64
		odd := 0
		for i := 1; i < len(at); i++ {
			gaps = append(gaps, (float64(at[i]-at[i-1])+0.5)/1000)
			odd += int(at[i] & 1)
		}
		if d := distance(gaps, exponential); d > 2.8 {
			t.Errorf("%s: √n D = %.2f", name, d)
		}
		if math.Abs(float64(odd)-10_000) > 5*71 {
			t.Errorf("%s: %d of %d instants are odd", name, odd, len(at))
		}
	}
}

// Processes that could never be simulated, or say nothing, are refused.
func TestFaults(t *testing.T) {
	for i, kind := range []workload.Kind{
		workload.Poisson{RatePerSec: -1}, workload.Poisson{RatePerSec: math.NaN()}, workload.Poisson{RatePerSec: 2e9},
		workload.Constant{RatePerSec: math.Inf(1)}, workload.Renewal{}, workload.Renewal{Interarrival: dist.Constant{}},
		workload.MMPP{}, workload.MMPP{States: []workload.State{{RatePerSec: 1}}},
		workload.Diurnal{BasePerSec: 2, PeakPerSec: 1, Period: 1}, workload.Diurnal{PeakPerSec: 1}, workload.At{}, workload.At{Times: []sim.Time{-1}},
		workload.Piecewise{}, workload.Piecewise{Points: []workload.Point{{At: 2}, {At: 1}}}, workload.Piecewise{Points: []workload.Point{{At: 2}}, Repeat: 1},
		workload.Closed{}, workload.Trace{}, workload.Trace{Open: traceOf(0).Open, Speedup: 0, RateScale: 1},
		func() workload.Kind { l := traceOf(0, 0); l.Loop = true; return l }(),
	} {
		if kind.Validate() == nil {
			t.Errorf("fault %d: %s is let pass", i, fmt.Sprintf("%+v", kind))
		}
	}
}
