package workload

import (
	"github.com/simcap/simcap/model/dist"
	"github.com/simcap/simcap/sim"
)

// Poisson arrivals at a constant rate: independent exponential gaps of mean 1/rate.
type Poisson struct {
	RatePerSec float64 `yaml:"rate" unit:"rate"`
}

// Validate implements Kind. A rate of 0 has no arrivals.
func (p Poisson) Validate() error { return checkRate("rate", p.RatePerSec) }

// RatePerS implements Kind.
func (p Poisson) RatePerS() float64 { return p.RatePerSec }

// Source implements Kind.
func (p Poisson) Source(arrivals sim.Stream) Source {
	if p.RatePerSec == 0 {
		return none{}
	}
	return &poisson{gapNS: float64(sim.Second) / p.RatePerSec, stream: arrivals}
}

type poisson struct {
	clock  clock
	gapNS  float64 // mean
	index  uint64
	stream sim.Stream
	gaps   [64]float64
}

// Next implements Source.
func (p *poisson) Next(a *Arrival) bool {
	luck := p.stream.At(p.index)
	p.index++
	p.clock.advance(float64(p.gapNS * dist.SampleExp(&luck))) // rounded before it is added, as in WalkExp
	*a = arrivalAt(p.clock.at())
	return !p.clock.over()
}

// Fill implements Instants.
func (p *poisson) Fill(at []sim.Time) int {
	gaps := p.gaps[:min(len(at), len(p.gaps))]
	if p.clock.whole < sim.Never/2 && p.gapNS < soon {
		dist.WalkExp(p.stream, p.index, p.gapNS, &p.clock.whole, &p.clock.part, at[:len(gaps)])
		p.index += uint64(len(gaps))
		return len(gaps)
	}
	dist.FillExp(p.stream, p.index, p.gapNS, gaps)
	p.index += uint64(len(gaps))
	for i, gap := range gaps {
		p.clock.advance(gap)
		if p.clock.over() {
			return i
		}
		at[i] = p.clock.at()
	}
	return len(gaps)
}

// soon is a mean in ns, 39 hours, of which 64 exponential gaps, each at most 45 means, are less than
// sim.Never/2.
const soon = 0x1p47
