// Package workload says when calls arrive: arrival processes as data, each of which makes the source
// that a run reads its arrivals from. Pure: no clock, no files beyond the rows it is given.
package workload

import (
	"fmt"
	"math"

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
	// Validate says what is wrong with the parameters, in the words of a scenario file.
	Validate() error
	// Source makes the arrivals of one replication. Validate must have passed. What arrival i draws
	// depends on the stream and on i alone.
	Source(arrivals sim.Stream) Source
	// RatePerS is the long-run mean rate of groups per second: NaN when unknown, 0 when finite.
	RatePerS() float64
}

// Source yields arrivals in time order. A source that reads a file may also have the methods
// `Err() error`, why it ended early, and `Close() error`: see Finish.
type Source interface {
	// Next fills a and reports true, or reports false when no arrival is left.
	Next(a *Arrival) bool
}

// Instants is a source whose arrivals are instants and nothing else, and that can yield many at once.
type Instants interface {
	Source
	// Fill fills at with the next instants and returns how many there were: fewer only at the end.
	Fill(at []sim.Time) int
}

// Arrival is one arrival: an instant, and what a trace knows of its inputs (NaN: not given).
type Arrival struct {
	At     sim.Time
	Size   float64
	Demand float64 // ns
	Prompt float64 // tokens
	Output float64 // tokens
}

// arrivalAt is an arrival of which only the instant is known.
func arrivalAt(t sim.Time) Arrival {
	nan := math.NaN()
	return Arrival{At: t, Size: nan, Demand: nan, Prompt: nan, Output: nan}
}

// Finish closes what a source holds open, and says why it ended before its last arrival: nil when
// it did not. A run calls it once when it needs no more arrivals.
func Finish(s Source) error {
	var err error
	if failing, ok := s.(interface{ Err() error }); ok {
		err = failing.Err()
	}
	if open, ok := s.(interface{ Close() error }); ok {
		if failed := open.Close(); err == nil {
			err = failed
		}
	}
	return err
}

// none is a source without arrivals.
type none struct{}

func (none) Next(*Arrival) bool { return false }

// MostPerSec is the highest rate of arrivals that a process can have: one in each nanosecond.
const MostPerSec = 1e9

// checkRate checks a rate per second.
func checkRate(key string, perSec float64) error {
	if !(perSec >= 0 && perSec <= MostPerSec) {
		return fmt.Errorf("%s: %g/s, where a rate from 0 to 1e9/s is expected", key, perSec)
	}
	return nil
}
