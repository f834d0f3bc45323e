package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s is %v, want %v ± %v", what, got, want, tolerance)
	}
}

func TestMoments(t *testing.T) {
	m := momentsOf([]float64{2, 4, 9})
	near(t, "mean", m.Mean(), 5, 1e-12)
	near(t, "variance", m.Variance(), 13, 1e-12)
	// A large offset must not cancel, and merging must say what one pass says.
	r := rand.New(rand.NewPCG(1, 2))
	var all, left, right Moments
	for i := range 10_000 {
		x := 1e9 + r.NormFloat64()
		all.Add(x)
		if i%3 == 0 {
			left.Add(x)
		} else {
			right.Add(x)
		}
	}
	near(t, "variance about 1e9", all.Variance(), 1, 0.05)
	left.Merge(right)
	near(t, "merged variance", left.Variance(), all.Variance(), 1e-6)
	near(t, "merged mean", left.Mean(), all.Mean(), 1e-5)
	var none Moments
	if !math.IsNaN(none.Mean()) || !math.IsNaN(none.Variance()) {
		t.Error("moments of nothing are numbers")
	}
}

func TestLevel(t *testing.T) {
	l := NewLevel(10, 2)
	l.Set(13, 0)
	near(t, "mean of 2 for 3 and 0 for 1", l.Mean(14), 1.5, 1e-12)
	l.Set(14, 5)
	near(t, "mean at the change", l.Mean(14), 1.5, 1e-12)
	near(t, "peak", l.Peak(), 5, 0)
	if !math.IsNaN(l.Mean(10)) {
		t.Error("a mean over no time is a number")
	}
}

// TestMeanInterval has the worked example of Law, Simulation Modeling and Analysis, 4.5: 1.34 ± 0.24.
func TestMeanInterval(t *testing.T) {
	values := []float64{1.20, 1.50, 1.68, 1.89, 0.95, 1.49, 1.58, 1.55, 0.50, 1.09}
	mean, half := MeanInterval(values, 0.90)
	near(t, "mean", mean, 1.34, 0.005)
	near(t, "half-width", half, 0.24, 0.005)
	near(t, "t quantile", StudentQuantile(0.975, 9), 2.262157, 1e-6)
	near(t, "normal quantile", NormalQuantile(0.975), 1.959964, 1e-6)
	shifted := make([]float64, len(values))
	for i, v := range values {
		shifted[i] = v + 0.25
	}
	mean, half = PairedInterval(values, shifted, 0.95)
	near(t, "difference of pairs", mean, 0.25, 1e-12)
	near(t, "its half-width", half, 0, 1e-12)
}

func TestWilsonInterval(t *testing.T) {
	i := WilsonInterval(0, 20, 0.95)
	near(t, "low of 0 in 20", i.Low, 0, 0)
	near(t, "high of 0 in 20", i.High, 0.1611, 5e-4)
	i = WilsonInterval(15, 50, 0.95) // Agresti and Coull: 0.191 to 0.438
	near(t, "low of 15 in 50", i.Low, 0.191, 1e-3)
	near(t, "high of 15 in 50", i.High, 0.438, 1e-3)
}

func TestQuantileInterval(t *testing.T) {
	sorted := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	i := QuantileInterval(sorted, 0.5, 0.95) // David and Nagaraja: ranks 2 and 9, level 0.979
	if i != (Interval{5, 2, 9}) {
		t.Errorf("median of ten: %+v", i)
	}
	if i = QuantileInterval(sorted, 0.99, 0.95); !math.IsNaN(i.High) {
		t.Errorf("ten values bound their p99 by %v", i.High)
	}
}

// TestSketchAgainstSorted compares quantiles with those of the sorted values.
func TestSketchAgainstSorted(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{1, 2, 100, ExactValues, ExactValues + 1, 100_000} {
		var s Sketch
		values := make([]int64, n)
		for i := range values {
			values[i] = int64(math.Exp(r.NormFloat64()*3 + 18))
			s.Record(values[i])
		}
		slices.Sort(values)
		h := s.Histogram()
		for _, q := range []float64{0, 0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 1} {
			want := values[max(1, int(math.Ceil(q*float64(n)-1e-9)))-1]
			got, _ := s.Quantile(q)
			tolerance := 0.004 * float64(want)
			if n <= ExactValues {
				tolerance = 0
			}
			near(t, "quantile", float64(got), float64(want), tolerance)
			if rest, _ := h.Quantile(q); rest != got {
				t.Errorf("n %d, q %v: the histogram says %d, the sketch %d", n, q, rest, got)
			}
		}
	}
}

// TestHistogramText writes and reads histograms, and pools them as the sketches merge.
func TestHistogramText(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, n := range []int{0, 1, 700, ExactValues, ExactValues + 1, 5000} {
		var parts []*Histogram
		var whole Sketch
		for range 3 {
			var s Sketch
			for range n {
				s.Record(r.Int64N(1_000_000))
			}
			whole.Merge(&s)
			parts = append(parts, s.Histogram())
		}
		if !Pool(parts).Equal(whole.Histogram()) {
			t.Errorf("n %d: the pool is not what one sketch counts", n)
		}
		text, err := parts[0].MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var back Histogram
		if err := back.UnmarshalText(text); err != nil || !back.Equal(parts[0]) {
			t.Errorf("n %d: read back otherwise (%v)", n, err)
		}
		if n > 0 && back.UnmarshalText(text[:len(text)/8*4]) == nil {
			t.Errorf("n %d: half of it is a histogram", n)
		}
	}
}

func FuzzHistogramText(f *testing.F) {
	var s Sketch
	for i := range int64(3000) {
		s.Record(i * i)
	}
	text, _ := s.Histogram().MarshalText()
	f.Add(text)
	f.Add([]byte("AA=="))
	f.Fuzz(func(t *testing.T, text []byte) {
		var h Histogram
		if h.UnmarshalText(text) != nil {
			return
		}
		again, _ := h.MarshalText()
		var back Histogram
		if err := back.UnmarshalText(again); err != nil || !back.Equal(&h) {
			t.Errorf("%q is read as what reads back otherwise (%v)", text, err)
		}
	})
}

// TestWarmUp: MSER-5 cuts a transient that it can see, keeps a steady series nearly whole, and owns up
// to a series that never settles.
func TestWarmUp(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	steady, transient, trend := make([]float64, 1000), make([]float64, 1000), make([]float64, 1000)
	for i := range steady {
		steady[i] = 10 + r.NormFloat64()
		transient[i] = 10 + 40*math.Exp(-float64(i)/30) + r.NormFloat64()
		trend[i] = float64(i) + r.NormFloat64()
	}
	if cut, ok := WarmUp(transient); !ok || cut < 75 || cut > 300 {
		t.Errorf("a transient of time constant 30 is cut at %d (%v)", cut, ok)
	}
	if cut, ok := WarmUp(steady); !ok || cut > 250 {
		t.Errorf("a steady series is cut at %d (%v)", cut, ok)
	}
	if _, ok := WarmUp(trend); ok {
		t.Error("a line has a steady state")
	}
	if _, ok := WarmUp(steady[:40]); ok {
		t.Error("eight batches are enough")
	}
	if cut, _ := WarmUp(make([]float64, 100)); cut != 0 {
		t.Errorf("a constant is cut at %d", cut)
	}
}

func TestTrend(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	alarms := 0
	for range 1000 {
		noise := make([]float64, 200)
		for i := range noise {
			noise[i] = r.NormFloat64()
		}
		if _, p := Trend(noise); p < 0.05 {
			alarms++
		}
	}
	if alarms < 30 || alarms > 70 {
		t.Errorf("%d of 1000 series without trend have p < 0.05", alarms)
	}
	line := make([]float64, 200)
	for i := range line {
		line[i] = 3 - float64(i)
	}
	if tau, p := Trend(line); tau != -1 || p > 1e-6 {
		t.Errorf("a falling line has tau %v, p %v", tau, p)
	}
	// Kendall, n = 5, without ties: S = 8 of 10 pairs, Var S = 50/3, z = 7/4.0825.
	tau, p := Trend([]float64{1, 2, 4, 3, 5})
	near(t, "tau", tau, 0.8, 1e-12)
	near(t, "p", p, 0.0864, 1e-3)
}
