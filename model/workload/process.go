// Package workload says when calls arrive: arrival processes as data, each of which makes the source
// that a run reads its arrivals from. Pure: no clock, no files beyond the rows it is given.
package workload

import (
	"github.com/simcap/simcap/model/dist"
	"github.com/simcap/simcap/sim"
)

// Process is an arrival process with the bounds that all processes share.
type Process struct {
	Kind  Kind      // the process itself
	Start sim.Time  `yaml:"start"` // where the process's own clock begins, on the run's clock
	Stop  sim.Time  `yaml:"stop"`  // no arrival at or after it, on the run's clock; 0: none
	Count int64     `yaml:"count"` // calls at most; 0: no bound
	Group dist.Dist `yaml:"group" unit:"number"`
}

// Kind is one arrival process. Its source yields instants on the process's own clock.
type Kind interface {
	Validate() error
	Source(arrivals sim.Stream) Source
	// RatePerS is the long-run mean rate of groups per second: NaN when unknown, 0 when finite.
	RatePerS() float64
}

// Source yields arrivals in time order.
type Source interface {
	// Next fills a and reports true, or reports false when no arrival is left.
	Next(a *Arrival) bool
}

// Arrival is one arrival: an instant, and what a trace knows of its inputs (NaN: not given).
type Arrival struct {
	At     sim.Time
	Size   float64
	Demand float64 // ns
	Prompt float64 // tokens
	Output float64 // tokens
}

// Poisson arrivals at a constant rate.
type Poisson struct {
	RatePerSec float64 `yaml:"rate" unit:"rate"`
}

// Constant arrivals: the n-th at n/rate.
type Constant struct {
	RatePerSec float64 `yaml:"rate" unit:"rate"`
}

// Renewal arrivals: independent gaps.
type Renewal struct {
	Interarrival dist.Dist `yaml:"interarrival" unit:"time"`
}

// MMPP is a Markov-modulated Poisson process: states visited in order, cyclically, for exponential stays.
type MMPP struct {
	States []State `yaml:"states"`
}

// State of an MMPP.
type State struct {
	RatePerSec   float64  `yaml:"rate" unit:"rate"`
	MeanDuration sim.Time `yaml:"mean_duration"`
}

// Diurnal is a Poisson process whose rate is a sinusoid between Base and Peak.
type Diurnal struct {
	BasePerSec float64  `yaml:"base" unit:"rate"`
	PeakPerSec float64  `yaml:"peak" unit:"rate"`
	Period     sim.Time `yaml:"period"`  // default 24h
	PeakAt     sim.Time `yaml:"peak_at"` // default 14h
}

// Piecewise is a Poisson process of a rate given by points.
type Piecewise struct {
	Points      []Point  `yaml:"points"`
	Interpolate string   `yaml:"interpolate"` // step (default) or linear
	Repeat      sim.Time `yaml:"repeat"`      // 0: the last rate holds for ever
}

// Point of a Piecewise rate; in a file a pair [time, rate].
type Point struct {
	At         sim.Time
	RatePerSec float64
}

// Trace replays rows of a file. The loader of scenarios opens the file and sets Open.
type Trace struct {
	File      string                 `yaml:"file"`
	Format    string                 `yaml:"format"` // default auto
	Speedup   float64                `yaml:"speedup"`
	RateScale float64                `yaml:"rate_scale"`
	Loop      bool                   `yaml:"loop"`
	Open      func() (Source, error) `yaml:"-"` // a fresh reader of the file's rows, in time order
}

// Closed is a fixed population of clients that think, call, and think again.
type Closed struct {
	Clients int       `yaml:"clients"`
	Think   dist.Dist `yaml:"think" unit:"time"`
}

// At gives the instants one by one.
type At struct {
	Times []sim.Time `yaml:"times"`
}

// Once is a single call at the process's start.
type Once struct{}
