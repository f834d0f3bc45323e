package dist

import (
	"errors"
	"fmt"
	"math"

	"github.com/simcap/simcap/sim"
)

// Truncated is the conditional law of Dist given that it lies in [Min, Max]; NaN: no bound. In a file
// the bounds stand beside the keys of the distribution.
type Truncated struct {
	Dist     Dist
	Min, Max float64
}

// leastShare is the share of the law that a truncation has to keep: draws outside are drawn again.
const leastShare = 0.01

// mostDraws bounds how often that happens. 0.99^4096 is 1e-18.
const mostDraws = 4096

// Validate implements Dist.
func (t Truncated) Validate() error {
	if t.Dist == nil {
		return errors.New("there is no distribution between min and max")
	}
	if err := t.Dist.Validate(); err != nil {
		return err
	}
	if t.Max < t.Min {
		return errors.New("min is above max")
	}
	if share, _ := t.Dist.Within(t.limits()); !(share >= leastShare) {
		bounds := "min and max keep"
		if math.IsNaN(t.Min) {
			bounds = "max keeps"
		}
		return fmt.Errorf("%s less than %.0f %% of the distribution (%.2g %%)", bounds,
			leastShare*100, share*100)
	}
	return nil
}

func (t Truncated) limits() (low, high float64) {
	low, high = math.Inf(-1), math.Inf(1)
	if !math.IsNaN(t.Min) {
		low = t.Min
	}
	if !math.IsNaN(t.Max) {
		high = t.Max
	}
	return low, high
}

// Mean implements Dist.
func (t Truncated) Mean() float64 {
	share, moment := t.Dist.Within(t.limits())
	return moment / share
}

// Bounds implements Dist.
func (t Truncated) Bounds() (low, high float64) {
	low, high = t.Dist.Bounds()
	least, most := t.limits()
	return max(low, least), min(high, most)
}

// Within implements Dist.
func (t Truncated) Within(low, high float64) (share, moment float64) {
	least, most := t.limits()
	all, _ := t.Dist.Within(least, most)
	share, moment = t.Dist.Within(max(low, least), min(high, most))
	return share / all, moment / all
}

// Sampler implements Dist.
func (t Truncated) Sampler() Sampler {
	low, high := t.limits()
	return &truncated{t.Dist.Sampler(), low, high}
}

type truncated struct {
	whole     Sampler
	low, high float64
}

// Sample implements Sampler.
func (t *truncated) Sample(luck *sim.Luck) float64 {
	x := t.whole.Sample(luck)
	for range mostDraws {
		if t.low <= x && x <= t.high {
			return x
		}
		x = t.whole.Sample(luck)
	}
	return min(max(x, t.low), t.high)
}
