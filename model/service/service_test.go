package service_test

import (
	"math"
	"testing"

	"github.com/simcap/simcap/model/service"
	"github.com/simcap/simcap/sim"
)

// Curves are linear between their points, and go on beyond them as their first and last segments do; one
// point is a constant.
func TestCurve(t *testing.T) {
	c := service.Curve{{N: 2, NS: 12e6}, {N: 8, NS: 30e6}, {N: 32, NS: 96e6}}
	for n, want := range map[int]float64{1: 9e6, 2: 12e6, 5: 21e6, 8: 30e6, 20: 63e6, 32: 96e6, 40: 118e6} {
		if got := c.At(n); math.Abs(got-want) > 1e-6 {
			t.Errorf("at %d the curve is %v, not %v", n, got, want)
		}
	}
	for n, beyond := range map[int]bool{1: true, 2: false, 32: false, 33: true} {
		if c.Beyond(n) != beyond {
			t.Errorf("Beyond(%d) is not %v", n, beyond)
		}
	}
	one := service.Curve{{N: 4, NS: 7}}
	if one.At(1) != 7 || one.At(99) != 7 || one.Beyond(99) {
		t.Error("one point is not a constant")
	}
	l := service.Curve{{N: 1, NS: 1e9}, {N: 4, NS: 1.4e9}, {N: 10, NS: 3e9}}
	for k, want := range map[int]float64{1: 1, 4: 1 / 1.4, 10: 1.0 / 3, 7: 1 / 2.2} {
		if got := l.Speed(k); math.Abs(got-want) > 1e-12 {
			t.Errorf("speed of %d is %v, not %v", k, got, want)
		}
	}
	if (service.Curve)(nil).Speed(5) != 1 {
		t.Error("without a curve there is no slow-down")
	}
	b := service.Batch{Base: 10e6, PerInput: 2.6e6}
	if got := b.At(8); math.Abs(got-30.8e6) > 1e-6 {
		t.Errorf("B(8) is %v", got)
	}
}

// Noise has mean 1 and the coefficient of variation asked for, within 5 standard errors; its logarithm is
// normal, of which a share of 0.158655 lies more than σ below the median.
func TestNoise(t *testing.T) {
	const n = 400_000
	for _, cv := range []float64{0.05, 0.3, 1} {
		stream := sim.NewStream(1, 1, "noise")
		sum, squares, low := 0.0, 0.0, 0
		sigma := math.Sqrt(math.Log(1 + cv*cv))
		for i := range uint64(n) {
			luck := stream.At(i)
			x := service.Noise(cv, &luck)
			sum += x
			squares += (x - 1) * (x - 1)
			if math.Log(x) < -sigma*sigma/2-sigma {
				low++
			}
		}
		if z := (sum/n - 1) / (cv / math.Sqrt(n)); math.Abs(z) > 5 {
			t.Errorf("cv %v: mean %v", cv, sum/n)
		}
		// Var((X-1)²) of a lognormal of mean 1: w = 1 + cv², μ4 = cv⁴ (w⁴ + 2 w³ + 3 w² - 3).
		w := 1 + cv*cv
		sd := cv * cv * math.Sqrt(w*w*w*w+2*w*w*w+3*w*w-4)
		if z := (squares/n - cv*cv) / (sd / math.Sqrt(n)); math.Abs(z) > 5 {
			t.Errorf("cv %v: variance %v (%.1f standard errors)", cv, squares/n, z)
		}
		if z := (float64(low) - 0.158655*n) / math.Sqrt(n*0.158655*0.841345); math.Abs(z) > 5 {
			t.Errorf("cv %v: %d of %d below -σ", cv, low, n)
		}
	}
	luck := sim.NewStream(1, 1, "none").At(0)
	if service.Noise(0, &luck) != 1 {
		t.Error("no noise is not 1")
	}
}

func TestFaults(t *testing.T) {
	for i, c := range []service.Config{
		{PerUnit: -1}, {PerUnit: math.Inf(1)}, {NoiseCV: -0.1}, {NoiseCV: math.NaN()}, {NoiseCV: 11},
		{Concurrency: service.Curve{{N: 0, NS: 1}}}, {Concurrency: service.Curve{{N: 1, NS: 0}}},
		{Concurrency: service.Curve{{N: 1, NS: 3e9}, {N: 2, NS: 2e9}}}, // falls below 0 at 10
		{Batch: &service.Batch{Points: service.Curve{{N: 2, NS: 1}, {N: 2, NS: 2}}}},
		{Batch: &service.Batch{Points: service.Curve{{N: 1, NS: 1}}, Base: 1}}, {Batch: &service.Batch{Units: "mean"}},
		{Batch: &service.Batch{Points: service.Curve{{N: 4, NS: 1e9}, {N: 5, NS: 9e9}}}}, // falls below 0 at 1
	} {
		if c.Validate(10, 10) == nil {
			t.Errorf("fault %d: %+v is let pass", i, c)
		}
	}
	good := service.Config{Batch: &service.Batch{Base: 1e9, Units: service.Max}, Concurrency: service.Curve{{N: 1, NS: 1}, {N: 9, NS: 3}}}
	if err := good.Validate(10, 10); err != nil {
		t.Error(err)
	}
}
