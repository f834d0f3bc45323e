package trace

import (
	"math"

	"github.com/simcap/simcap/sim"
)

// gapKind is how the arrivals of a record lie in it.
type gapKind uint8

const (
	gapUniform gapKind = iota // independently uniform: a Poisson process given its count
	gapGamma                  // a renewal process with gamma gaps
	gapWeibull                // a renewal process with Weibull gaps
)

// gapLaw is the distribution of the gaps of a renewal process, its scale in seconds.
type gapLaw struct {
	kind         gapKind
	shape, scale float64
}

// Bounds of gap laws: what is fitted to traffic lies far inside, and what lies outside would draw gaps
// of 0 almost for ever.
const (
	leastShape, mostShape = 0.05, 1e4
	leastScale, mostScale = 1e-6, 1e9 // s
)

// possible says whether the law lies within the bounds.
func (g gapLaw) possible() bool {
	return g.shape >= leastShape && g.shape <= mostShape && g.scale >= leastScale && g.scale <= mostScale
}

// draw is one gap in ns.
func (g gapLaw) draw(luck *sim.Luck) float64 {
	var v float64
	if g.kind == gapWeibull {
		v = math.Pow(-math.Log(luck.Open()), 1/g.shape)
	} else {
		v = gamma(g.shape, luck)
	}
	return v * g.scale * float64(nsPerSecond)
}

// gamma draws from the gamma distribution of the given shape and scale 1 (Marsaglia and Tsang, "A
// simple method for generating gamma variables", 2000; for shapes below 1 the draw of shape + 1 times
// U^(1/shape)).
func gamma(shape float64, luck *sim.Luck) float64 {
	if shape < 1 {
		return gamma(shape+1, luck) * math.Pow(luck.Open(), 1/shape)
	}
	d := shape - 1.0/3
	c := 1 / math.Sqrt(9*d)
	for {
		// Box and Muller's normal number.
		x := math.Sqrt(-2*math.Log(luck.Open())) * math.Cos(2*math.Pi*luck.Float64())
		v := 1 + c*x
		if v <= 0 {
			continue
		}
		v *= v * v
		if math.Log(luck.Open()) < 0.5*x*x+d-d*v+d*math.Log(v) {
			return d * v
		}
	}
}
