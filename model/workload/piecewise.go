package workload

import (
	"errors"
	"fmt"
	"math"

	"github.com/simcap/simcap/model/dist"
	"github.com/simcap/simcap/sim"
)

// Piecewise is a Poisson process of a rate given by points, or with CV a renewal process with gamma
// gaps on the clock of expected arrivals: CV is the variation of the gaps where the rate is constant
// for long. With `step` a rate holds from its point
// to the next, and is 0 before the first point; with `linear` it goes straight from point to point,
// and is the first point's before it. The last rate holds for ever, or to the end of each repetition.
type Piecewise struct {
	Points      []Point  `yaml:"points"`
	Interpolate string   `yaml:"interpolate"` // step (default) or linear
	Repeat      sim.Time `yaml:"repeat"`      // 0: the last rate holds for ever
	CV          float64  `yaml:"cv"`          // of the gaps; 0 and 1: a Poisson process
}

// Point of a Piecewise rate; in a file a pair [time, rate]. Two points at one instant make a jump.
type Point struct {
	At         sim.Time
	RatePerSec float64
}

// Bounds of the variation of the gaps of a Piecewise rate.
const (
	LeastGapCV = 0.01
	MostGapCV  = 100
)

// Validate implements Kind.
func (p Piecewise) Validate() error {
	if len(p.Points) == 0 {
		return errors.New("points is empty: at least one pair [time, rate] is expected")
	}
	if p.Interpolate != "" && p.Interpolate != "step" && p.Interpolate != "linear" {
		return fmt.Errorf("interpolate: %q, where step or linear is expected", p.Interpolate)
	}
	for i, point := range p.Points {
		if err := checkRate(fmt.Sprintf("points[%d]", i), point.RatePerSec); err != nil {
			return err
		}
		if point.At < 0 {
			return fmt.Errorf("points[%d]: lies before the process begins", i)
		}
		if i > 0 && point.At < p.Points[i-1].At {
			return fmt.Errorf("points[%d]: %v s comes after %v s: times must rise", i,
				point.At.Seconds(), p.Points[i-1].At.Seconds())
		}
	}
	if p.CV != 0 && !(p.CV >= LeastGapCV && p.CV <= MostGapCV) {
		return fmt.Errorf("cv: %v, where a number from %v to %v is expected", p.CV, LeastGapCV, MostGapCV)
	}
	if p.Repeat < 0 {
		return errors.New("repeat: a time of at least 0 is expected")
	}
	if last := p.Points[len(p.Points)-1].At; p.Repeat > 0 && last > p.Repeat {
		return fmt.Errorf("repeat: the pattern starts again after %v s, before its last point at %v s",
			p.Repeat.Seconds(), last.Seconds())
	}
	return nil
}

// RatePerS implements Kind: the mean over one repetition, or without repetition the last rate.
func (p Piecewise) RatePerS() float64 {
	if p.Repeat == 0 {
		return p.Points[len(p.Points)-1].RatePerSec
	}
	return total(p.pieces()) / p.Repeat.Seconds()
}

// Source implements Kind.
func (p Piecewise) Source(arrivals sim.Stream) Source {
	s := &piecewise{pieces: p.pieces(), repeat: p.Repeat, stream: arrivals,
		gaps: dist.Exponential{Average: 1}.Sampler()}
	if p.CV != 0 && p.CV != 1 {
		s.gaps = dist.Gamma{Average: 1, CV: p.CV}.Sampler()
	}
	s.perCycle = total(s.pieces)
	if p.Repeat == 0 {
		s.repeat = sim.Never
	}
	if s.perCycle == 0 {
		return none{}
	}
	return s
}

// piece is a stretch of time, from the end of the piece before it, in which the rate goes straight
// from one value to another, both per ns.
type piece struct {
	end      sim.Time
	from, to float64
}

// expected is the mean number of arrivals in the rest of the piece, x ns long, at the end of which
// its rate is to and at the beginning rate.
func expected(rate, to, x float64) float64 {
	if rate == 0 && to == 0 {
		return 0
	}
	return (rate + to) / 2 * x
}

// pieces cuts time from 0 to the end of the repetition, or to sim.Never.
func (p Piecewise) pieces() []piece {
	end := p.Repeat
	if end == 0 {
		end = sim.Never
	}
	var out []piece
	add := func(upTo sim.Time, from, to float64) {
		begin := sim.Time(0)
		if len(out) > 0 {
			begin = out[len(out)-1].end
		}
		if upTo > begin {
			out = append(out, piece{upTo, from / float64(sim.Second), to / float64(sim.Second)})
		}
	}
	linear := p.Interpolate == "linear"
	before := 0.0
	if linear {
		before = p.Points[0].RatePerSec
	}
	for _, point := range p.Points {
		if linear {
			add(point.At, before, point.RatePerSec)
		} else {
			add(point.At, before, before)
		}
		before = point.RatePerSec
	}
	add(end, before, before)
	return out
}

// total is the mean number of arrivals in all pieces.
func total(pieces []piece) float64 {
	sum, begin := 0.0, sim.Time(0)
	for _, p := range pieces {
		sum += expected(p.from, p.to, float64(p.end-begin))
		begin = p.end
	}
	return sum
}

// piecewise finds each arrival where the expected number of arrivals since the last one reaches a gap
// of mean 1.
type piecewise struct {
	clock    clock
	pieces   []piece
	repeat   sim.Time
	perCycle float64  // expected arrivals
	cycle    sim.Time // when the present repetition began
	at       int      // the present piece
	index    uint64
	stream   sim.Stream
	gaps     dist.Sampler // of mean 1
}

// Next implements Source.
func (s *piecewise) Next(a *Arrival) bool {
	luck := s.stream.At(s.index)
	s.index++
	need := s.gaps.Sample(&luck)
	for !s.within(&need) {
		if !s.leave(&need) {
			return false
		}
	}
	*a = arrivalAt(s.clock.at())
	return !s.clock.over()
}

// within moves to the arrival and reports true if it comes in the present piece; else it takes the
// piece's share off the need.
func (s *piecewise) within(need *float64) bool {
	p := &s.pieces[s.at]
	end := s.cycle + min(p.end, sim.Never-s.cycle)
	left := max(0, s.clock.until(end))
	rate := p.from
	if p.to != p.from {
		length := float64(p.end - s.begin())
		rate = p.to + (p.from-p.to)*(left/length)
	}
	share := expected(rate, p.to, left)
	if *need > share || share == 0 {
		*need -= share
		return false
	}
	if *need > 0 {
		slope := 0.0
		if p.to != rate {
			slope = (p.to - rate) / left
		}
		// rate × x + slope × x² / 2 = need, in the form that does not cancel.
		root := math.Sqrt(max(0, rate*rate+2*slope**need))
		s.clock.advance(min(left, 2**need/(rate+root)))
	}
	return true
}

// begin is the start of the present piece within its repetition.
func (s *piecewise) begin() sim.Time {
	if s.at == 0 {
		return 0
	}
	return s.pieces[s.at-1].end
}

// leave goes on to the next piece, and over whole repetitions in which nothing arrives; false when
// no time is left.
func (s *piecewise) leave(need *float64) bool {
	end := s.pieces[s.at].end
	if end >= sim.Never-s.cycle {
		return false
	}
	s.clock = clock{whole: s.cycle + end}
	if s.at++; s.at < len(s.pieces) {
		return true
	}
	s.at = 0
	s.cycle += s.repeat
	if cycles := math.Floor(*need / s.perCycle); cycles > 0 {
		*need = max(0, *need-cycles*s.perCycle)
		s.clock.skip(cycles, s.repeat)
		s.cycle = s.clock.whole
	}
	return !s.clock.over()
}
