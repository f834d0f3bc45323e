package workload

import (
	"errors"
	"math"

	"github.com/simcap/simcap/model/dist"
	"github.com/simcap/simcap/sim"
)

// Diurnal is a Poisson process whose rate is a sinusoid between Base and Peak:
//
//	r(t) = m + h cos(2π (t - PeakAt) / Period), m = (Base + Peak)/2, h = (Peak - Base)/2.
type Diurnal struct {
	BasePerSec float64  `yaml:"base" unit:"rate"`
	PeakPerSec float64  `yaml:"peak" unit:"rate"`
	Period     sim.Time `yaml:"period"`  // default 24h
	PeakAt     sim.Time `yaml:"peak_at"` // default 14h
}

// Validate implements Kind.
func (d Diurnal) Validate() error {
	if err := checkRate("base", d.BasePerSec); err != nil {
		return err
	}
	if err := checkRate("peak", d.PeakPerSec); err != nil {
		return err
	}
	if d.PeakPerSec < d.BasePerSec {
		return errors.New("peak is below base")
	}
	if d.Period <= 0 {
		return errors.New("period: a time above 0 is expected, for example 24h")
	}
	if d.PeakAt < 0 {
		return errors.New("peak_at: a time of at least 0 is expected, for example 14h")
	}
	return nil
}

// RatePerS implements Kind.
func (d Diurnal) RatePerS() float64 { return (d.BasePerSec + d.PeakPerSec) / 2 }

// Source implements Kind.
func (d Diurnal) Source(arrivals sim.Stream) Source {
	if d.RatePerS() == 0 {
		return none{}
	}
	return &diurnal{
		mean:   d.RatePerS() / float64(sim.Second),
		swing:  (d.PeakPerSec - d.BasePerSec) / 2 / float64(sim.Second),
		omega:  2 * math.Pi / float64(d.Period),
		period: d.Period, peakAt: d.PeakAt % d.Period, stream: arrivals,
	}
}

type diurnal struct {
	clock       clock
	mean, swing float64 // m and h, per ns
	omega       float64 // 2π / Period, per ns
	period      sim.Time
	peakAt      sim.Time // within the first period
	index       uint64
	stream      sim.Stream
}

// Next implements Source: the next arrival is where the expected number of arrivals since the last
// one reaches an exponential of mean 1.
func (d *diurnal) Next(a *Arrival) bool {
	luck := d.stream.At(d.index)
	d.index++
	need := dist.SampleExp(&luck)
	perPeriod := d.mean * float64(d.period)
	if cycles := math.Floor(need / perPeriod); cycles > 0 {
		need = max(0, need-cycles*perPeriod)
		d.clock.skip(cycles, d.period)
		if d.clock.over() {
			return false
		}
	}
	phase := d.omega * (float64((d.clock.whole-d.peakAt)%d.period) + d.clock.part)
	d.clock.advance(d.step(phase, need))
	*a = arrivalAt(d.clock.at())
	return !d.clock.over()
}

// tolerance is the error in ns below which a step counts as found.
const tolerance = 1e-3

// step solves for x in [0, Period] the expected arrivals in x ns from the given phase on,
//
//	m x + (2h/ω) cos(phase + ωx/2) sin(ωx/2) = need,
//
// by Newton's method, kept within a bracket that shrinks (Press et al.: Numerical Recipes, 9.4). The
// product form of sin(phase + ωx) - sin(phase) loses no digits when x is small.
func (d *diurnal) step(phase, need float64) float64 {
	low, high := need/(d.mean+d.swing), float64(d.period)
	sinPhase, cosPhase := math.Sincos(phase)
	x := min(high, max(low, need/(d.mean+d.swing*cosPhase)))
	for range 200 {
		sin, cos := math.Sincos(d.omega * x / 2)
		middle := cosPhase*cos - sinPhase*sin // cos(phase + ωx/2)
		excess := d.mean*x + 2*d.swing/d.omega*middle*sin - need
		if excess > 0 {
			high = min(high, x)
		} else {
			low = max(low, x)
		}
		rate := d.mean + d.swing*(middle*cos-(sinPhase*cos+cosPhase*sin)*sin)
		next := x - excess/rate
		if !(next >= low && next <= high) {
			next = low + (high-low)/2
		}
		if math.Abs(next-x) <= tolerance || high-low <= tolerance {
			return next
		}
		x = next
	}
	return x
}
