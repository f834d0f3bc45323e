package workload

import (
	"errors"
	"fmt"

	"github.com/simcap/simcap/model/dist"
	"github.com/simcap/simcap/sim"
)

// MMPP is a Markov-modulated Poisson process: states visited in order, cyclically, for exponential
// stays.
type MMPP struct {
	States []State `yaml:"states"`
}

// State of an MMPP.
type State struct {
	RatePerSec   float64  `yaml:"rate" unit:"rate"`
	MeanDuration sim.Time `yaml:"mean_duration"`
}

// mostStays bounds the changes of state between two arrivals: each is simulated.
const mostStays = 1e6

// Validate implements Kind.
func (p MMPP) Validate() error {
	if len(p.States) == 0 {
		return errors.New("states is empty: at least one {rate, mean_duration} is expected")
	}
	arrivals := 0.0
	for i, s := range p.States {
		if err := checkRate(fmt.Sprintf("states[%d].rate", i), s.RatePerSec); err != nil {
			return err
		}
		if s.MeanDuration <= 0 {
			return fmt.Errorf("states[%d].mean_duration: a time above 0 is expected", i)
		}
		arrivals += s.RatePerSec * s.MeanDuration.Seconds()
	}
	if arrivals > 0 && arrivals*mostStays < float64(len(p.States)) {
		return fmt.Errorf("the states change more than %.0f times between arrivals: poisson with "+
			"rate %.3g/s says the same", mostStays, p.RatePerS())
	}
	return nil
}

// RatePerS implements Kind: Σ rate × mean_duration / Σ mean_duration.
func (p MMPP) RatePerS() float64 {
	arrivals, seconds := 0.0, 0.0
	for _, s := range p.States {
		arrivals += s.RatePerSec * s.MeanDuration.Seconds()
		seconds += s.MeanDuration.Seconds()
	}
	return arrivals / seconds
}

// Source implements Kind.
func (p MMPP) Source(arrivals sim.Stream) Source {
	if p.RatePerS() == 0 {
		return none{}
	}
	m := &mmpp{states: p.States, stream: arrivals, stays: arrivals.Sub(0)}
	m.enter()
	return m
}

// mmpp spends one exponential of mean 1 on each arrival, at the state's rate for as long as the state
// stays: the arrivals are those of a Poisson process of rate 1 on the clock of expected arrivals.
type mmpp struct {
	clock  clock
	states []State
	stay   uint64  // number of stays begun
	perNS  float64 // rate in this stay
	left   float64 // of this stay, ns
	index  uint64
	stream sim.Stream
	stays  sim.Stream
}

// enter begins the next stay.
func (m *mmpp) enter() {
	s := &m.states[m.stay%uint64(len(m.states))]
	luck := m.stays.At(m.stay)
	m.stay++
	m.perNS = s.RatePerSec / float64(sim.Second)
	m.left = float64(s.MeanDuration) * dist.SampleExp(&luck)
}

// Next implements Source.
func (m *mmpp) Next(a *Arrival) bool {
	luck := m.stream.At(m.index)
	m.index++
	need := dist.SampleExp(&luck)
	for need > m.perNS*m.left {
		need -= m.perNS * m.left
		m.clock.advance(m.left)
		if m.clock.over() {
			return false
		}
		m.enter()
	}
	step := 0.0
	if need > 0 {
		step = min(need/m.perNS, m.left)
	}
	m.left -= step
	m.clock.advance(step)
	*a = arrivalAt(m.clock.at())
	return !m.clock.over()
}
