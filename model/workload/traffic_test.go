package workload

import (
	"math"
	"testing"

	"github.com/simcap/simcap/sim"
)

// TestPiecewiseWithGammaGaps: the rate of each piece holds, and the gaps have the variation asked for.
func TestPiecewiseWithGammaGaps(t *testing.T) {
	for _, cv := range []float64{0.3, 1, 3} {
		p := Piecewise{Interpolate: "step", Repeat: 2000 * sim.Second, CV: cv,
			Points: []Point{{0, 5}, {1000 * sim.Second, 20}}}
		if err := p.Validate(); err != nil {
			t.Fatal(err)
		}
		s := p.Source(sim.NewStream(1, 1, "test"))
		var a Arrival
		var count [2]float64
		gaps, sum, squares, last := 0.0, 0.0, 0.0, sim.Time(0)
		const cycles = 20
		for s.Next(&a) && a.At < cycles*p.Repeat {
			half := a.At % p.Repeat / (1000 * sim.Second)
			count[half]++
			if half == 0 && a.At/p.Repeat == last/p.Repeat && last > 0 {
				gap := (a.At - last).Seconds()
				gaps, sum, squares = gaps+1, sum+gap, squares+gap*gap
			}
			last = a.At
		}
		for half, rate := range []float64{5, 20} {
			n := rate * 1000 * cycles
			if math.Abs(count[half]-n) > 6*max(cv, 1)*math.Sqrt(n) {
				t.Errorf("cv %v: %v arrivals at rate %v, want about %v", cv, count[half], rate, n)
			}
		}
		mean := sum / gaps
		got := math.Sqrt(squares/gaps-mean*mean) / mean
		if math.Abs(got-cv) > 0.1*cv+0.02 {
			t.Errorf("the gaps vary by %v, want %v", got, cv)
		}
	}
	for _, wrong := range []float64{-1, 0.001, 101, math.NaN()} {
		if err := (Piecewise{Points: []Point{{0, 1}}, CV: wrong}).Validate(); err == nil {
			t.Errorf("a variation of %v was accepted", wrong)
		}
	}
}

// TestPassesOfATraceHaveTheirOwnLuck: each replication and each repetition opens the file with a seed
// of its own.
func TestPassesOfATraceHaveTheirOwnLuck(t *testing.T) {
	var seeds []uint64
	p := Trace{Format: "auto", Speedup: 1, RateScale: 1, Loop: true, Open: func(seed uint64) (Source, error) {
		seeds = append(seeds, seed)
		return At{Times: []sim.Time{0, sim.Second}}.Source(sim.Stream{}), nil
	}}
	for replication := range 2 {
		s := p.Source(sim.NewStream(1, replication, "test"))
		var a Arrival
		for range 5 {
			s.Next(&a)
		}
		if a.At != 4*sim.Second {
			t.Errorf("the fifth arrival at %v", a.At)
		}
	}
	known := map[uint64]bool{}
	for _, seed := range seeds {
		known[seed] = true
	}
	if len(seeds) != 6 || len(known) != 6 {
		t.Errorf("seeds %v", seeds)
	}
}
