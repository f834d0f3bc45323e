package workload

import (
	"errors"
	"fmt"
	"math"

	"github.com/simcap/simcap/model/dist"
	"github.com/simcap/simcap/sim"
)

// Renewal arrivals: independent gaps of one distribution, each rounded to a nanosecond; the first
// arrival comes after the first gap.
type Renewal struct {
	Interarrival dist.Dist `yaml:"interarrival" unit:"time"`
}

// Validate implements Kind.
func (r Renewal) Validate() error {
	if r.Interarrival == nil {
		return errors.New("interarrival is missing: the time between arrivals, " +
			"for example {dist: gamma, mean: 100ms, cv: 2}")
	}
	if err := r.Interarrival.Validate(); err != nil {
		return fmt.Errorf("interarrival: %w", err)
	}
	if r.Interarrival.Mean() < 1 {
		return errors.New("interarrival: the mean is below 1 ns: arrivals would repeat for ever at " +
			"one instant")
	}
	return nil
}

// RatePerS implements Kind.
func (r Renewal) RatePerS() float64 {
	mean := r.Interarrival.Mean()
	if math.IsInf(mean, 1) {
		return math.NaN()
	}
	return float64(sim.Second) / mean
}

// Source implements Kind.
func (r Renewal) Source(arrivals sim.Stream) Source {
	return &renewal{gap: r.Interarrival.Sampler(), stream: arrivals}
}

type renewal struct {
	at     sim.Time
	gap    dist.Sampler
	stream sim.Stream
	index  uint64
	luck   sim.Luck // kept here, as one on the stack would escape through the interface
}

// Next implements Source.
func (r *renewal) Next(a *Arrival) bool {
	r.luck = r.stream.At(r.index)
	r.index++
	gap := sim.Round(r.gap.Sample(&r.luck))
	if gap >= sim.Never-r.at {
		return false
	}
	r.at += gap
	*a = arrivalAt(r.at)
	return true
}
