// Package dist holds probability distributions as data: the struct that a scenario's
// `{dist: lognormal, mean: 2s, cv: 0.5}` decodes into, checks itself and makes the sampler that
// draws from it. Values are float64: nanoseconds where a scenario wants a time, plain numbers
// elsewhere. In struct tags, unit `value` stands for the unit of what is drawn.
package dist

import (
	"fmt"
	"math"

	"github.com/simcap/simcap/sim"
)

// Dist is a distribution of non-negative values, as data.
type Dist interface {
	// Validate says what is wrong with the parameters, in the words of a scenario file. The other
	// methods need valid parameters.
	Validate() error
	// Mean is the expected value; +Inf where there is none.
	Mean() float64
	// Bounds are the least and the greatest value that can be drawn; high may be +Inf.
	Bounds() (low, high float64)
	// Within is P(low ≤ X ≤ high), and the part of the mean that comes from there,
	// E[X; low ≤ X ≤ high]. The bounds may be infinite.
	Within(low, high float64) (share, moment float64)
	// Sampler prepares the distribution for drawing.
	Sampler() Sampler
}

// Sampler draws from a prepared distribution. It is safe for concurrent use: all that varies is in
// luck.
type Sampler interface {
	Sample(luck *sim.Luck) float64
}

// Fill makes draws first, first+1, ... of the stream, as many as out has room for. It uses the
// caller's luck, as one of its own would escape to the heap through the sampler's interface.
func Fill(sampler Sampler, stream sim.Stream, first uint64, out []float64, luck *sim.Luck) {
	if e, ok := sampler.(Exponential); ok {
		FillExp(stream, first, e.Average, out)
		return
	}
	for i := range out {
		*luck = stream.At(first + uint64(i))
		out[i] = sampler.Sample(luck)
	}
}

// FillTimes makes draws first, first+1, ... of a distribution of nanoseconds, as many as out has room for,
// rounded by sim.Round.
func FillTimes(sampler Sampler, stream sim.Stream, first uint64, out []sim.Time, luck *sim.Luck) {
	if e, ok := sampler.(Exponential); ok {
		FillExpTimes(stream, first, e.Average, out)
		return
	}
	for i := range out {
		*luck = stream.At(first + uint64(i))
		out[i] = sim.Round(sampler.Sample(luck))
	}
}

// Named is a distribution's name in a scenario (`dist: NAME`), and how to make an empty one, in which
// NaN stands for a key that has no value to mean "not given".
type Named struct {
	Name string
	New  func() Dist
}

// Kinds lists the distributions that have a name, in the order in which the documentation does.
func Kinds() []Named {
	nan := math.NaN()
	return []Named{
		{"exponential", func() Dist { return Exponential{} }},
		{"lognormal", func() Dist { return Lognormal{CV: nan} }},
		{"gamma", func() Dist { return Gamma{} }},
		{"weibull", func() Dist { return Weibull{} }},
		{"uniform", func() Dist { return Uniform{} }},
		{"pareto", func() Dist { return Pareto{} }},
		{"empirical", func() Dist { return Empirical{} }},
		{"quantiles", func() Dist { return Quantiles{} }},
		{"mixture", func() Dist { return Mixture{} }},
	}
}

// IsConstant says whether d is always one value, and which.
func IsConstant(d Dist) (value float64, ok bool) {
	c, ok := d.(Constant)
	return c.Value, ok
}

// Largest bounds all values and parameters, so that sums and products of several stay finite.
const Largest = 1e30

// amount checks a parameter that may be 0.
func amount(key string, v float64) error {
	if !(v >= 0 && v <= Largest) {
		return fmt.Errorf("%s: a number from 0 to %g is expected%s", key, float64(Largest), found(v))
	}
	return nil
}

// positive checks a parameter that may not be 0.
func positive(key string, v float64) error {
	if !(v > 0 && v <= Largest) {
		return fmt.Errorf("%s: a number above 0 is expected%s", key, found(v))
	}
	return nil
}

// between checks a parameter that has no unit.
func between(key string, v, low, high float64) error {
	if !(v >= low && v <= high) {
		return fmt.Errorf("%s: a number from %v to %v is expected%s", key, low, high, found(v))
	}
	return nil
}

// found says what stands there; NaN is what was not given.
func found(v float64) string {
	if math.IsNaN(v) {
		return ", and none is given"
	}
	return ""
}

// Constant is always Value.
type Constant struct{ Value float64 }

// Validate implements Dist.
func (c Constant) Validate() error { return amount("value", c.Value) }

// Mean implements Dist.
func (c Constant) Mean() float64 { return c.Value }

// Bounds implements Dist.
func (c Constant) Bounds() (low, high float64) { return c.Value, c.Value }

// Within implements Dist.
func (c Constant) Within(low, high float64) (share, moment float64) {
	if low <= c.Value && c.Value <= high {
		return 1, c.Value
	}
	return 0, 0
}

// Sampler implements Dist.
func (c Constant) Sampler() Sampler { return c }

// Sample implements Sampler.
func (c Constant) Sample(*sim.Luck) float64 { return c.Value }
