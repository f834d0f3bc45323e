package workload

import (
	"math/big"

	"github.com/simcap/simcap/sim"
)

// Constant arrivals: the n-th at n/rate, the first at 1/rate. The rate is taken for the decimal or
// the simple fraction that it stands for, so that 0.1 is 1/10 and 20/min is 1/3, and each instant is
// rounded once from the exact one: there is no drift.
type Constant struct {
	RatePerSec float64 `yaml:"rate" unit:"rate"`
}

// Validate implements Kind. A rate of 0 has no arrivals.
func (c Constant) Validate() error { return checkRate("rate", c.RatePerSec) }

// RatePerS implements Kind.
func (c Constant) RatePerS() float64 { return c.RatePerSec }

// Source implements Kind.
func (c Constant) Source(sim.Stream) Source {
	if c.RatePerSec == 0 {
		return none{}
	}
	gap := new(big.Rat).Quo(big.NewRat(int64(sim.Second), 1), exact(c.RatePerSec))
	whole, rest := new(big.Int).QuoRem(gap.Num(), gap.Denom(), new(big.Int))
	if !whole.IsInt64() || whole.Int64() >= int64(sim.Never) || !gap.Denom().IsInt64() {
		return none{} // the first arrival is past every run
	}
	return &constant{whole: sim.Time(whole.Int64()), rest: rest.Uint64(),
		den: gap.Denom().Uint64()}
}

// constant counts gaps of whole + rest/den nanoseconds, carrying the fraction as a whole number.
type constant struct {
	whole     sim.Time
	rest, den uint64
	at        sim.Time
	carried   uint64 // of den
}

// Next implements Source.
func (c *constant) Next(a *Arrival) bool {
	if c.whole >= sim.Never-1-c.at {
		return false
	}
	c.at += c.whole
	c.carried += c.rest
	if c.carried >= c.den {
		c.carried -= c.den
		c.at++
	}
	*a = arrivalAt(c.at)
	if c.carried >= c.den-c.carried {
		a.At++
	}
	return true
}
