package fit

import (
	"math"
	"math/rand/v2"
	"testing"
)

var sizes = []int{1, 2, 4, 8, 16, 32, 64}

// measured makes noisy samples of a truth, seeded.
func measured(seed uint64, cv float64, count int, truth func(n int) float64) []Point {
	random := rand.New(rand.NewPCG(seed, 7))
	var points []Point
	for _, n := range sizes {
		p := Point{N: n}
		for range count {
			p.Times = append(p.Times, truth(n)*math.Exp(cv*random.NormFloat64()))
		}
		points = append(points, p)
	}
	return points
}

// Each form is found again in noisy samples of it, and a staircase, which no formula describes, gets
// a table: the guard against formulas that miss a measured size is what sees to that.
func TestBatchCurveFindsTheForm(t *testing.T) {
	truths := map[string]func(n int) float64{
		Affine: func(n int) float64 { return 0.004 + 0.0015*float64(n) },
		Hinge:  func(n int) float64 { return math.Max(0.020, 0.002+0.0022*float64(n)) },
		Table:  func(n int) float64 { return 0.010 * math.Ceil(float64(n)/12) },
	}
	for kind, truth := range truths {
		found, far := 0, 0.0
		const sets = 100
		for seed := range uint64(sets) {
			c, err := BatchCurve(measured(seed, 0.05, 60, truth))
			if err != nil {
				t.Fatal(err)
			}
			if c.Curve.Kind == kind {
				found++
			}
			for _, n := range sizes {
				far = math.Max(far, math.Abs(c.Curve.At(n)/truth(n)-1))
			}
		}
		if found < 85 {
			t.Errorf("%s: found in %d of %d sets", kind, found, sets)
		}
		if far > 0.05 {
			t.Errorf("%s: a curve is %.1f %% off", kind, 100*far)
		}
	}
}

func TestBatchCurveRecoversParameters(t *testing.T) {
	points := measured(1, 0.05, 200, func(n int) float64 { return 0.004 + 0.0015*float64(n) })
	for i := range points { // stragglers do not move it
		points[i].Times[3] *= 3
		points[i].Times[77] *= 3
	}
	c, err := BatchCurve(points)
	if err != nil || c.Curve.Kind != Affine {
		t.Fatal(c.Curve, err)
	}
	if a, b := c.Curve.Base/0.004, c.Curve.PerInput/0.0015; math.Abs(a-1) > 0.03 || math.Abs(b-1) > 0.02 {
		t.Errorf("base %.3f and slope %.3f of the truth", a, b)
	}
	both := Bootstrap(points, lineOf(&c.Curve))
	if len(both) != 2 || both[0].High-both[0].Low > 0.0005 {
		t.Errorf("intervals %v", both)
	}
	n := NewNoise(points, &c.Curve)
	if math.Abs(n.CV-0.05) > 0.005 || n.Spread > 1.5 || math.Abs(n.Lag1) > 0.1 {
		t.Errorf("%+v", n)
	}
}

// lineOf are base and slope of a curve that is fitted again.
func lineOf(c *Curve) func([]Point) ([]float64, bool) {
	return func(again []Point) ([]float64, bool) {
		one, ok := c.Refit(again)
		return []float64{one.Base, one.PerInput}, ok
	}
}

// Intervals of 95 % hold the truth about as often as they say: of 200 measurements, whose number of hits has a
// deviation of 3, between 85 % (medians of few samples make them a little narrow) and all.
func TestBootstrapCovers(t *testing.T) {
	hits := [2]int{}
	const measurements = 200
	for i := range measurements {
		points := measured(uint64(100+i), 0.05, 60, func(n int) float64 { return 0.004 + 0.0015*float64(n) })
		c := Curve{Kind: Affine}
		for k, one := range Bootstrap(points, lineOf(&c)) {
			if truth := []float64{0.004, 0.0015}[k]; one.Low <= truth && truth <= one.High {
				hits[k]++
			}
		}
	}
	for k, n := range hits {
		if n < measurements*85/100 {
			t.Errorf("parameter %d: %d of %d intervals hold the truth", k, n, measurements)
		}
	}
}

func TestCurveEdges(t *testing.T) {
	one, err := BatchCurve([]Point{{N: 4, Times: []float64{2, 4}}})
	if err != nil || one.Curve.Kind != Constant || one.Curve.At(9) != 3 {
		t.Error(one, err)
	}
	two, err := BatchCurve([]Point{{1, []float64{1}}, {3, []float64{2}}})
	if err != nil || math.Abs(two.Curve.At(2)-1.5) > 1e-9 || math.Abs(two.Curve.At(5)-3) > 1e-9 {
		t.Error(two.Curve, err)
	}
	for _, bad := range [][]Point{nil, {{1, nil}}, {{0, []float64{1}}}, {{1, []float64{-1}}}, {{1, []float64{math.NaN()}}}} {
		if _, err := BatchCurve(bad); err == nil {
			t.Errorf("%v was fitted", bad)
		}
	}
	falling, ok := table([]Knot{{1, 5}, {2, 3}, {4, 4}, {8, 9}})
	if !ok || falling.At(1) != 4 || falling.At(2) != 4 || falling.At(6) != 6.5 || falling.At(10) != 11.5 || falling.At(0) != 4 {
		t.Error(falling)
	}
	h := Curve{Kind: Hinge, Floor: 10, Base: 1, PerInput: 2}
	k := Curve{Kind: Table, Knots: h.Points([]int{1, 16})}
	for n := 1; n < 20; n++ {
		if math.Abs(k.At(n)-h.At(n)) > 1e-9 && n != 5 {
			t.Errorf("the points of a hinge give %v at %d, not %v", k.At(n), n, h.At(n))
		}
	}
}

func TestNoiseTellsDistributions(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	flat := &Curve{Kind: Constant, Base: 0.01}
	lognormal, bimodal, walk := Point{N: 1}, Point{N: 1}, Point{N: 1}
	level := 0.0
	for i := range 2000 {
		lognormal.Times = append(lognormal.Times, 0.01*math.Exp(0.2*random.NormFloat64()))
		slow := 1.0
		if i%10 == 0 {
			slow = 3
		}
		bimodal.Times = append(bimodal.Times, 0.01*slow*math.Exp(0.02*random.NormFloat64()))
		level = 0.9*level + 0.05*random.NormFloat64()
		walk.Times = append(walk.Times, 0.01*math.Exp(level))
	}
	if n := NewNoise([]Point{lognormal}, flat); !n.Lognormal || math.Abs(n.CV-0.2) > 0.02 || math.Abs(n.Mean-math.Exp(0.02)) > 0.02 {
		t.Errorf("lognormal: %+v", n)
	}
	if n := NewNoise([]Point{bimodal}, flat); n.Lognormal || len(n.Quantiles) != quantileCount {
		t.Errorf("bimodal: %+v", n)
	}
	if n := NewNoise([]Point{walk}, flat); n.Lag1 < 0.5 {
		t.Errorf("a walk: %+v", n)
	}
}

func TestSlowdownFindsTheForm(t *testing.T) {
	for kind, s := range map[string]func(c float64) float64{
		Overlap: func(float64) float64 { return 1 },
		Serial:  func(c float64) float64 { return c },
		Servers: func(c float64) float64 { return math.Max(1, c/3) },
		Linear:  func(c float64) float64 { return 1 + 0.3*(c-1) },
		USL:     func(c float64) float64 { return 1 + 0.1*(c-1) + 0.05*c*(c-1) },
	} {
		var loads []Load
		random := rand.New(rand.NewPCG(8, 9))
		for _, c := range []int{1, 2, 3, 4, 6, 8, 16} {
			x := float64(c)
			loads = append(loads, Load{c, 40 * x / s(x) * (1 + 0.003*random.NormFloat64())})
		}
		got, err := NewSlowdown(loads)
		if err != nil || got.Kind != kind || math.Abs(got.At(5)/s(5)-1) > 0.03 {
			t.Errorf("%s: %+v %v", kind, got, err)
		}
	}
	if _, err := NewSlowdown([]Load{{2, 5}}); err == nil {
		t.Error("a slow-down without one request alone")
	}
	steps, err := NewSlowdown([]Load{{1, 10}, {2, 20}, {3, 15}, {4, 20}, {8, 10}, {16, 18}})
	if err != nil || steps.Kind != Measured {
		t.Errorf("no formula fits, and %+v %v", steps, err)
	}
}

// The engine that made iterations is found again, also where the client saw only means.
func TestEngineIsRecovered(t *testing.T) {
	truth := Engine{Base: []Knot{{1, 0.0064}, {64, 0.0069}, {256, 0.009}, {2048, 0.041}},
		PerSequence: 4e-6, PerContext: 50e-9, PerAttention: 2e-11}
	random := rand.New(rand.NewPCG(10, 11))
	var all []Iteration
	for _, tokens := range []float64{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048} {
		for _, context := range []float64{128, 1024, 4096} {
			for _, chunk := range []float64{0, 0.5} {
				i := Iteration{Tokens: tokens, Sequences: tokens * (1 - chunk), Context: tokens * (1 - chunk) * context}
				i.Attention = tokens * chunk * (context + tokens*chunk/2)
				i.Time = truth.At(i) * math.Exp(0.01*random.NormFloat64())
				all = append(all, i)
			}
		}
	}
	e, err := NewEngine(all)
	if err != nil || e.MAPE > 0.02 || e.Worst > 0.06 || e.Holdout > 0.03 || math.Abs(e.PerContext/50e-9-1) > 0.1 {
		t.Errorf("%+v %v", e, err)
	}
	for k := 1; k < len(e.Base); k++ {
		if e.Base[k].T < e.Base[k-1].T {
			t.Errorf("the base falls: %v", e.Base)
		}
	}
	if _, err := NewEngine([]Iteration{{Tokens: 1, Time: -1}}); err == nil {
		t.Error("a negative time")
	}
	var rows []Streaming
	for _, c := range []float64{1, 2, 4, 8, 16, 32, 64} {
		for _, prompt := range []float64{128, 512, 2048} {
			s := Streaming{Concurrency: c, PromptTokens: prompt, OutputTokens: 200}
			for _, i := range Iterations([]Streaming{{c, prompt, 200, 1, 1}})[:1] {
				s.TPOT = truth.At(i)
			}
			if c == 1 {
				s.TTFT = truth.At(Iteration{Tokens: prompt, Sequences: 1, Attention: prompt * prompt / 2})
			}
			rows = append(rows, s)
		}
	}
	e, err = NewEngine(Iterations(rows))
	if err != nil || e.MAPE > 0.03 {
		t.Errorf("%+v %v", e, err)
	}
}

func TestNonNegative(t *testing.T) {
	a := [][]float64{{1, 0}, {1, 1}, {1, 2}}
	if x := NonNegative(a, []float64{1, 3, 5}); math.Abs(x[0]-1) > 1e-9 || math.Abs(x[1]-2) > 1e-9 {
		t.Error(x)
	}
	if x := NonNegative(a, []float64{5, 3, 1}); x[1] != 0 || math.Abs(x[0]-3) > 1e-9 {
		t.Error(x, "a falling line must become flat")
	}
	if x := NonNegative(a, []float64{-1, -1, -1}); x[0] != 0 || x[1] != 0 {
		t.Error(x)
	}
}
