// Package dist holds probability distributions as data: the struct that a scenario's
// `{dist: lognormal, mean: 2s, cv: 0.5}` decodes into, checks itself and makes the sampler that draws
// from it. Values are float64: nanoseconds where a scenario wants a time, plain numbers elsewhere.
package dist

import "github.com/simcap/simcap/sim"

// Dist is a distribution of non-negative values, as data.
type Dist interface {
	// Validate says what is wrong with the parameters, in the words of a scenario file.
	Validate() error
	// Mean is the expected value; +Inf where there is none.
	Mean() float64
	// Sampler prepares the distribution for drawing. Validate must have passed.
	Sampler() Sampler
}

// Sampler draws from a prepared distribution. It is safe for concurrent use: all that varies is in luck.
type Sampler interface {
	Sample(luck *sim.Luck) float64
}

// Constant is always Value.
type Constant struct{ Value float64 }
