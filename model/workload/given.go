package workload

import (
	"errors"
	"fmt"
	"slices"

	"github.com/simcap/simcap/sim"
)

// At gives the instants one by one, in any order.
type At struct {
	Times []sim.Time `yaml:"times"`
}

// Validate implements Kind.
func (p At) Validate() error {
	if len(p.Times) == 0 {
		return errors.New("times is empty: at least one instant is expected, for example [0s, 1.5s]")
	}
	for i, t := range p.Times {
		if t < 0 {
			return fmt.Errorf("times[%d]: %v s lies before the process begins", i, t.Seconds())
		}
	}
	return nil
}

// RatePerS implements Kind.
func (p At) RatePerS() float64 { return 0 }

// Source implements Kind.
func (p At) Source(sim.Stream) Source {
	times := slices.Clone(p.Times)
	slices.Sort(times)
	return &instants{times}
}

// Once is a single call at the process's start.
type Once struct{}

// Validate implements Kind.
func (Once) Validate() error { return nil }

// RatePerS implements Kind.
func (Once) RatePerS() float64 { return 0 }

// Source implements Kind.
func (Once) Source(sim.Stream) Source { return &instants{[]sim.Time{0}} }

type instants struct{ left []sim.Time }

// Next implements Source.
func (s *instants) Next(a *Arrival) bool {
	if len(s.left) == 0 {
		return false
	}
	*a = arrivalAt(s.left[0])
	s.left = s.left[1:]
	return true
}
