package dist_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/simcap/simcap/model/dist"
	"github.com/simcap/simcap/sim"
)

// law is a distribution with a distribution function that was not written for it.
type law struct {
	name string
	dist dist.Dist
	cdf  func(x float64) float64
	mean float64
	sd   float64 // NaN: infinite, or of no use for the test
}

func gammaLaw(mean, cv float64) law {
	g := distuv.Gamma{Alpha: 1 / (cv * cv), Beta: 1 / (cv * cv * mean)}
	return law{fmt.Sprintf("gamma %v %v", mean, cv), dist.Gamma{Average: mean, CV: cv}, g.CDF, mean, mean * cv}
}

func lognormalLaw(mean, cv float64) law {
	s := math.Sqrt(math.Log(1 + cv*cv))
	l := distuv.LogNormal{Mu: math.Log(mean) - s*s/2, Sigma: s}
	return law{fmt.Sprintf("lognormal %v %v", mean, cv), dist.Lognormal{Average: mean, CV: cv}, l.CDF, mean, mean * cv}
}

func weibullLaw(mean, shape float64) law {
	w := distuv.Weibull{K: shape, Lambda: mean / math.Gamma(1+1/shape)}
	return law{fmt.Sprintf("weibull %v %v", mean, shape), dist.Weibull{Average: mean, Shape: shape}, w.CDF, mean, w.StdDev()}
}

func paretoLaw(least, shape float64) law {
	p := distuv.Pareto{Xm: least, Alpha: shape}
	l := law{fmt.Sprintf("pareto %v %v", least, shape), dist.Pareto{Least: least, Shape: shape}, p.CDF, p.Mean(), math.NaN()}
	if shape > 2 {
		l.sd = p.StdDev()
	}
	return l
}

func laws() []law {
	nan := math.NaN()
	p50, p99 := 0.8, 7.0
	byQuantiles := distuv.LogNormal{Mu: math.Log(p50), Sigma: math.Log(p99/p50) / distuv.UnitNormal.Quantile(0.99)}
	exp := distuv.Exponential{Rate: 0.25}
	list := []law{
		{"exponential", dist.Exponential{Average: 4}, exp.CDF, 4, 4},
		{"lognormal by quantiles", dist.Lognormal{CV: nan, P50: p50, P99: p99}, byQuantiles.CDF, byQuantiles.Mean(), byQuantiles.StdDev()},
		{"uniform", dist.Uniform{Low: 2, High: 5}, distuv.Uniform{Min: 2, Max: 5}.CDF, 3.5, 3 / math.Sqrt(12)},
		{"mixture", dist.Mixture{Parts: []dist.Part{{Weight: 1, Dist: dist.Uniform{Low: 0, High: 1}}, {Weight: 3, Dist: dist.Exponential{Average: 4}}}},
			func(x float64) float64 { return 0.25*math.Min(math.Max(x, 0), 1) + 0.75*exp.CDF(x) }, 0.125 + 3, nan},
		{"truncated both", dist.Truncated{Dist: dist.Exponential{Average: 4}, Min: 1, Max: 6}, func(x float64) float64 {
			return (exp.CDF(math.Min(math.Max(x, 1), 6)) - exp.CDF(1)) / (exp.CDF(6) - exp.CDF(1))
		}, (5*math.Exp(-0.25) - 10*math.Exp(-1.5)) / (math.Exp(-0.25) - math.Exp(-1.5)), nan},
		// Without memory: at least 3 more than 3.
		{"truncated below", dist.Truncated{Dist: dist.Exponential{Average: 4}, Min: 3, Max: nan}, func(x float64) float64 { return exp.CDF(x - 3) }, 7, 4},
		{"truncated above", dist.Truncated{Dist: dist.Uniform{Low: 0, High: 10}, Min: nan, Max: 4}, distuv.Uniform{Min: 0, Max: 4}.CDF, 2, 4 / math.Sqrt(12)},
		// Half of the mass at 1, then straight to 3 at p90 and on to 5 at p100.
		{"quantiles", dist.Quantiles{Points: []dist.Quantile{{Q: 0.5, Value: 1}, {Q: 0.9, Value: 3}, {Q: 1, Value: 5}}}, func(x float64) float64 {
			switch {
			case x < 1:
				return 0
			case x < 3:
				return 0.5 + 0.4*(x-1)/2
			}
			return 0.9 + 0.1*math.Min(x-3, 2)/2
		}, 0.5*1 + 0.4*2 + 0.1*4, nan},
	}
	for _, cv := range []float64{0.05, 0.5, 1, 1.7, 4} {
		list = append(list, gammaLaw(3, cv), lognormalLaw(3, cv))
	}
	for _, shape := range []float64{0.6, 1, 2.5} {
		list = append(list, weibullLaw(2, shape))
	}
	for _, shape := range []float64{0.9, 1, 1.5, 3} {
		list = append(list, paretoLaw(0.5, shape))
	}
	return list
}

// Draws follow the exact distribution: the Kolmogorov-Smirnov distance of n draws, times √n, exceeds
// 2.7 by chance once in a million (Kolmogorov: P(K > x) ≈ 2 exp(-2x²)); ties at a step of the law are
// judged by the distance on either side.
func TestDrawsFollowTheLaw(t *testing.T) {
	const n = 200_000
	for _, l := range laws() {
		if err := l.dist.Validate(); err != nil {
			t.Errorf("%s: %v", l.name, err)
			continue
		}
		s := l.dist.Sampler()
		stream := sim.NewStream(1, 1, l.name)
		draws := make([]float64, n)
		sum := 0.0
		low, high := l.dist.Bounds()
		for i := range draws {
			luck := stream.At(uint64(i))
			draws[i] = s.Sample(&luck)
			sum += draws[i]
			if !(draws[i] >= low && draws[i] <= high) {
				t.Fatalf("%s: drew %v, outside of [%v, %v]", l.name, draws[i], low, high)
			}
		}
		slices.Sort(draws)
		worst := 0.0
		for i := 0; i < n; {
			k := i
			for k < n && draws[k] == draws[i] {
				k++
			}
			below := l.cdf(math.Nextafter(draws[i], math.Inf(-1)))
			worst = max(worst, math.Abs(float64(k)/n-l.cdf(draws[i])), math.Abs(float64(i)/n-below))
			i = k
		}
		if k := worst * math.Sqrt(n); k > 2.7 {
			t.Errorf("%s: Kolmogorov-Smirnov √n D = %.2f", l.name, k)
		}
		if z := (sum/n - l.mean) / (l.sd / math.Sqrt(n)); !math.IsNaN(l.sd) && math.Abs(z) > 5 {
			t.Errorf("%s: mean %v, not %v (%.1f standard errors)", l.name, sum/n, l.mean, z)
		}
		if m := l.dist.Mean(); math.Abs(m-l.mean) > 1e-9*l.mean && m != l.mean {
			t.Errorf("%s: Mean() is %v, not %v", l.name, m, l.mean)
		}
	}
}

// Within is the share and the part of the mean between two bounds: E[X; a < X ≤ b] is b F(b) - a F(a) -
// ∫ F, here by Simpson's rule.
func TestWithin(t *testing.T) {
	for _, l := range laws() {
		if l.name == "quantiles" {
			continue // its step at 1 is no integral
		}
		for _, c := range [][2]float64{{0, 1}, {0.7, 2.2}, {2, 6}, {0, 30}} {
			a, b := c[0], c[1]
			share, moment := l.dist.Within(a, b)
			const steps = 200_000
			h := (b - a) / steps
			integral := l.cdf(a) + l.cdf(b)
			for i := 1; i < steps; i++ {
				integral += float64(2+2*(i%2)) * l.cdf(a+float64(i)*h)
			}
			integral *= h / 3
			wantShare := l.cdf(b) - l.cdf(a)
			wantMoment := b*l.cdf(b) - a*l.cdf(a) - integral
			if math.Abs(share-wantShare) > 1e-9 || math.Abs(moment-wantMoment) > 1e-4 {
				t.Errorf("%s: Within(%v, %v) is %v, %v, not %v, %v", l.name, a, b, share, moment, wantShare, wantMoment)
			}
		}
		if share, moment := l.dist.Within(math.Inf(-1), math.Inf(1)); math.Abs(share-1) > 1e-9 ||
			math.Abs(moment-l.mean) > 1e-9*l.mean && moment != l.mean {
			t.Errorf("%s: in all %v with mean %v", l.name, share, moment)
		}
	}
}

// The tails, which a ziggurat makes by another way than the rest, have their exact share: counts are
// binomial, within 5 standard deviations.
func TestTails(t *testing.T) {
	const n = 4_000_000
	stream := sim.NewStream(3, 1, "tails")
	beyond := map[float64]int{}
	normal := map[float64]int{}
	exps, normals := []float64{0.001, 1, 7, 7.697117470131487, 9, 11}, []float64{0.001, 1, 3, 3.6541528853610088, 4, 4.5}
	negative := 0
	for i := range uint64(n) {
		luck := stream.At(i)
		x := dist.SampleExp(&luck)
		z := dist.SampleNormal(&luck)
		for _, r := range exps {
			if x > r {
				beyond[r]++
			}
		}
		for _, r := range normals {
			if math.Abs(z) > r {
				normal[r]++
			}
		}
		if z < 0 {
			negative++
		}
	}
	check := func(what string, count int, p float64) {
		if sd := math.Sqrt(n * p * (1 - p)); math.Abs(float64(count)-n*p) > 5*sd+1 {
			t.Errorf("%s: %d of %d, where %.0f are expected", what, count, n, n*p)
		}
	}
	for _, r := range exps {
		check(fmt.Sprint("exponential beyond ", r), beyond[r], math.Exp(-r))
	}
	for _, r := range normals {
		check(fmt.Sprint("|normal| beyond ", r), normal[r], math.Erfc(r/math.Sqrt2))
	}
	check("negative normals", negative, 0.5)
}

// Values of an empirical law come up alike: the chi-square statistic with 6 degrees of freedom exceeds
// 38 by chance once in a million.
func TestEmpirical(t *testing.T) {
	values := []float64{1, 2, 3, 5, 8, 13, 21}
	e := dist.Empirical{Values: values}
	counts := map[float64]float64{}
	const n = 70_000
	stream := sim.NewStream(1, 1, "empirical")
	for i := range uint64(n) {
		luck := stream.At(i)
		counts[e.Sampler().Sample(&luck)]++
	}
	chi := 0.0
	for _, v := range values {
		chi += (counts[v] - n/7) * (counts[v] - n/7) / (n / 7)
	}
	if chi > 38 || len(counts) != len(values) || math.Abs(e.Mean()-53.0/7) > 1e-12 {
		t.Errorf("chi-square %.1f, %d values, mean %v", chi, len(counts), e.Mean())
	}
}

// Quantiles: p50 of the law is what the file says, and half of the draws are at it or below.
func TestQuantilesAt(t *testing.T) {
	q := dist.Quantiles{Points: []dist.Quantile{{Q: 0, Value: 1}, {Q: 0.5, Value: 2}, {Q: 0.99, Value: 10}}}
	for u, want := range map[float64]float64{0: 1, 0.25: 1.5, 0.5: 2, 0.745: 6, 0.99: 10, 0.995: 10, 1: 10} {
		if got := q.At(u); math.Abs(got-want) > 1e-9 {
			t.Errorf("quantile %v is %v, not %v", u, got, want)
		}
	}
}

// A block of draws holds what single draws give.
func TestFill(t *testing.T) {
	for _, l := range laws() {
		stream := sim.NewStream(5, 2, l.name)
		var block [64]float64
		var luck sim.Luck
		for _, first := range []uint64{1, 65, 1 << 40} {
			dist.Fill(l.dist.Sampler(), stream, first, block[:], &luck)
			for i, x := range block {
				luck = stream.At(first + uint64(i))
				if want := l.dist.Sampler().Sample(&luck); x != want {
					t.Fatalf("%s: draw %d is %v in a block, %v alone", l.name, first+uint64(i), x, want)
				}
			}
		}
	}
}

// A block of rounded draws holds what single draws give, rounded, also where they reach past sim.Never.
func TestFillTimes(t *testing.T) {
	dists := []dist.Dist{dist.Exponential{Average: 1e-3}, dist.Exponential{Average: 0.7}, dist.Exponential{Average: 3e9},
		dist.Exponential{Average: 9e14}, dist.Exponential{Average: 2e15}, dist.Exponential{Average: 3e18},
		dist.Uniform{Low: 0, High: 9}}
	for _, d := range dists {
		var block [50]sim.Time
		var luck sim.Luck
		for first := uint64(1); first < 20_000; first += uint64(len(block)) {
			stream := sim.NewStream(3, 1, "times")
			dist.FillTimes(d.Sampler(), stream, first, block[:], &luck)
			for i, got := range block {
				luck = stream.At(first + uint64(i))
				if want := sim.Round(d.Sampler().Sample(&luck)); got != want {
					t.Fatalf("%v: draw %d is %d in a block, %d alone", d, first+uint64(i), got, want)
				}
			}
		}
	}
}
