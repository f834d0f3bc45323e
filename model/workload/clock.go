package workload

import (
	"math"

	"github.com/simcap/simcap/sim"
)

// clock is an instant kept as whole nanoseconds and a fraction in [0, 1). A float64 of nanoseconds
// would be 40 ns coarse after ten years; this sum stays exact to 2^-52 of each step.
type clock struct {
	whole sim.Time
	part  float64
}

// advance moves the clock by ns ≥ 0. From sim.Never on it stays there.
func (c *clock) advance(ns float64) {
	x := c.part + ns
	if !(x < float64(sim.Never-c.whole)) {
		c.whole, c.part = sim.Never, 0
		return
	}
	n := sim.Time(x)
	c.whole += n
	c.part = x - float64(n)
}

// skip moves the clock by a whole number of periods, exactly.
func (c *clock) skip(periods float64, period sim.Time) {
	if !(periods < float64(sim.Never-c.whole)/float64(period)-1) {
		c.whole, c.part = sim.Never, 0
		return
	}
	c.whole += sim.Time(periods) * period
}

// at is the instant rounded once: nearest, halves up.
func (c *clock) at() sim.Time {
	return c.whole + sim.Time(2*c.part) // twice a fraction below 1: exact, and without a branch
}

// over says whether the clock has run out.
func (c *clock) over() bool { return c.whole >= sim.Never }

// until is the time left to the end, which is not before the clock, in ns; +Inf to sim.Never.
func (c *clock) until(end sim.Time) float64 {
	if end >= sim.Never {
		return math.Inf(1)
	}
	return float64(end-c.whole) - c.part
}
