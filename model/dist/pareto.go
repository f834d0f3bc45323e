package dist

import (
	"math"

	"github.com/simcap/simcap/sim"
)

// Pareto exceeds x with probability (Least/x)^Shape.
type Pareto struct {
	Least float64 `yaml:"min" unit:"value"`
	Shape float64 `yaml:"shape"`
}

// Validate implements Dist.
func (p Pareto) Validate() error {
	if err := positive("min", p.Least); err != nil {
		return err
	}
	return positive("shape", p.Shape)
}

// Mean implements Dist; it is infinite for shapes of at most 1.
func (p Pareto) Mean() float64 {
	if p.Shape <= 1 {
		return math.Inf(1)
	}
	return p.Least * p.Shape / (p.Shape - 1)
}

// Bounds implements Dist.
func (p Pareto) Bounds() (low, high float64) { return p.Least, math.Inf(1) }

// Within implements Dist. With m the least value and s the shape, the part of the mean is
// s m^s ∫ x^(-s) dx.
func (p Pareto) Within(low, high float64) (share, moment float64) {
	low = max(low, p.Least)
	if !(high >= low) || math.IsInf(low, 1) {
		return 0, 0
	}
	above := math.Pow(p.Least/low, p.Shape)
	share = above - math.Pow(p.Least/high, p.Shape)
	stretch := math.Log(high / low)
	switch d := 1 - p.Shape; {
	case d == 0:
		moment = stretch
	case math.IsInf(high, 1) && d > 0:
		moment = math.Inf(1)
	default:
		moment = math.Expm1(d*stretch) / d
	}
	return share, p.Shape * above * low * moment
}

// Sampler implements Dist.
func (p Pareto) Sampler() Sampler { return p }

// Sample implements Sampler: Least e^(E/Shape) with E exponential of mean 1. It may be +Inf.
func (p Pareto) Sample(luck *sim.Luck) float64 {
	return p.Least * math.Exp(SampleExp(luck)/p.Shape)
}
