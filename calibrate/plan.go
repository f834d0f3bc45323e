package calibrate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/simcap/simcap/calibrate/child"
	"github.com/simcap/simcap/calibrate/load"
	"github.com/simcap/simcap/calibrate/steady"
	"github.com/simcap/simcap/calibrate/telemetry"
)

// Plan is what is measured, and how carefully.
type Plan struct {
	Batches       []int     // sizes of requests
	Concurrency   []int     // requests at a time, of one input each
	Prompts       []int     // tokens of prompts, each alone: of a server of language
	Burst         int       // requests of the burst probe; below 2: none
	OpenShares    []float64 // of the highest throughput: the rates of the open loops that test the fit
	OpenSeconds   float64
	ColdStarts    int // with empty caches
	WarmStarts    int
	Runs          int     // of the whole series, each of a fresh process
	WarmupSeconds float64 // of each point, with at least WarmupRequests
	LongestWindow float64 // s, after which a window ends with fewer requests than the rule asks for
	Rule          steady.Rule
	Pause         time.Duration // after a window that does not count, doubled each time
	Seed          uint64
	Shared        bool    // others may use the GPU
	Hertz         float64 // samples of the GPU per second
	// Clock is the clock of a series that began at an instant.
	Clock func(began time.Time) load.Clock
}

// WarmupRequests are thrown away before each point.
const WarmupRequests = 3

// DefaultPlan is what profiles are made with.
func DefaultPlan() Plan {
	return Plan{Batches: []int{1}, Concurrency: []int{1, 2, 4, 8, 16}, Burst: 6,
		OpenShares:  []float64{0.4, 0.7},
		OpenSeconds: 30, ColdStarts: 5, WarmStarts: 5, Runs: 3, WarmupSeconds: 2, LongestWindow: 120,
		Rule: steady.Default(), Pause: time.Second, Seed: 1, Hertz: 20,
		Clock: load.ClockFrom}
}

// Validate says what is wrong with a plan.
func (p *Plan) Validate() error {
	for _, list := range [][]int{p.Batches, p.Concurrency} {
		for _, n := range list {
			if n < 1 || n > 100_000 {
				return fmt.Errorf("a batch or concurrency of %d, where 1 to 100000 is expected", n)
			}
		}
	}
	for _, s := range p.OpenShares {
		if !(s > 0 && s < 1.5) {
			return fmt.Errorf("an open loop at %g of the capacity, where more than 0 and less than 1.5 "+
				"is expected", s)
		}
	}
	for _, n := range p.Prompts {
		if n < 1 || n > 1_000_000 {
			return fmt.Errorf("a prompt of %d tokens, where 1 to 1000000 is expected", n)
		}
	}
	switch {
	case len(p.Batches) == 0:
		return errors.New("no batch size")
	case p.Hertz < 1 || p.Hertz > 50:
		return fmt.Errorf("%g samples of the GPU per second, where 1 to 50 is expected", p.Hertz)
	case p.Clock == nil:
		return errors.New("no clock")
	case p.Runs < 1 || p.ColdStarts < 0 || p.WarmStarts < 0:
		return errors.New("a negative number of starts, or no run")
	case p.Rule.MinRequests < 2:
		return errors.New("a window has at least 2 requests")
	}
	return nil
}

// Subject is what is measured.
type Subject interface {
	// Start makes it ready for requests. Cold means with empty caches. A server that runs already is
	// ready at once, and its session has no process. Began is told the PID of a process as soon as it
	// runs.
	Start(ctx context.Context, cold bool, began func(pid int)) (*Session, error)
	// Restarts says whether Start makes a fresh process.
	Restarts() bool
	// Batches says whether a request can have several inputs.
	Batches() bool
}

// Session is a server that is ready.
type Session struct {
	Target  load.Target
	Process *child.Process // nil: it is not ours
	Began   time.Time      // of the process
	Ready   time.Time
	Null    bool // it knows requests that do no work
	// What the server itself tells of its start and of its GPU; nil: it does not.
	Stages []StageTime
	Device *telemetry.Info
	Close  func()
}
