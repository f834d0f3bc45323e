package dist

import (
	"math"

	"github.com/simcap/simcap/sim"
)

// Weibull exceeds x with probability exp(-(x/λ)^k), with k its Shape and λ = mean / Γ(1 + 1/k).
type Weibull struct {
	Average float64 `yaml:"mean" unit:"value"`
	Shape   float64 `yaml:"shape"`
}

// Validate implements Dist.
func (w Weibull) Validate() error {
	if err := positive("mean", w.Average); err != nil {
		return err
	}
	return between("shape", w.Shape, 0.05, 1000)
}

// Mean implements Dist.
func (w Weibull) Mean() float64 { return w.Average }

// Bounds implements Dist.
func (w Weibull) Bounds() (low, high float64) { return 0, math.Inf(1) }

// Within implements Dist: (X/λ)^k is exponential of mean 1, and the part of the mean below x is the
// mean times P(1 + 1/k, (x/λ)^k), with P the regularised incomplete gamma function.
func (w Weibull) Within(low, high float64) (share, moment float64) {
	low = max(low, 0)
	if !(high >= low) {
		return 0, 0
	}
	scale := w.Average / math.Gamma(1+1/w.Shape)
	a, b := math.Pow(low/scale, w.Shape), math.Pow(high/scale, w.Shape)
	order := 1 + 1/w.Shape
	return math.Exp(-a) - math.Exp(-b), w.Average * (gammaShare(order, b) - gammaShare(order, a))
}

// Sampler implements Dist.
func (w Weibull) Sampler() Sampler {
	return weibull{w.Average / math.Gamma(1+1/w.Shape), 1 / w.Shape}
}

type weibull struct{ scale, power float64 }

// Sample implements Sampler: λ E^(1/k) with E exponential of mean 1.
func (w weibull) Sample(luck *sim.Luck) float64 {
	return w.scale * math.Pow(SampleExp(luck), w.power)
}
