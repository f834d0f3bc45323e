package dist

import (
	"math"

	"github.com/simcap/simcap/sim"
)

// Exponential has density exp(-x/m)/m, with m the mean.
type Exponential struct {
	Average float64 `yaml:"mean" unit:"value"`
}

// Validate implements Dist.
func (e Exponential) Validate() error { return positive("mean", e.Average) }

// Mean implements Dist.
func (e Exponential) Mean() float64 { return e.Average }

// Bounds implements Dist.
func (e Exponential) Bounds() (low, high float64) { return 0, math.Inf(1) }

// Within implements Dist: e^(-a/m) - e^(-b/m), and (a + m) e^(-a/m) - (b + m) e^(-b/m).
func (e Exponential) Within(low, high float64) (share, moment float64) {
	low = max(low, 0)
	if !(high >= low) || math.IsInf(low, 1) {
		return 0, 0
	}
	m := e.Average
	above := math.Exp(-low / m)
	share, moment = above, above*(low+m)
	if rest := math.Exp(-high / m); rest > 0 {
		share -= rest
		moment -= rest * (high + m)
	}
	return share, moment
}

// Sampler implements Dist.
func (e Exponential) Sampler() Sampler { return e }

// Sample implements Sampler.
func (e Exponential) Sample(luck *sim.Luck) float64 { return e.Average * SampleExp(luck) }
