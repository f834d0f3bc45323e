package dist

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mathext"

	"github.com/simcap/simcap/sim"
)

// Gamma has density proportional to x^(k-1) exp(-x/θ), with shape k = 1/cv² and scale θ = mean × cv².
type Gamma struct {
	Average float64 `yaml:"mean" unit:"value"`
	CV      float64 `yaml:"cv" unit:"fraction"`
}

// leastCV is the variation below which a gamma law is its mean: it would be within a millionth.
const leastCV = 1e-7

// Validate implements Dist.
func (g Gamma) Validate() error {
	if err := positive("mean", g.Average); err != nil {
		return err
	}
	if !(g.CV > 0 && g.CV <= mostCV) {
		return fmt.Errorf("cv: a number above 0 and up to %d is expected%s", mostCV, found(g.CV))
	}
	return nil
}

// Mean implements Dist.
func (g Gamma) Mean() float64 { return g.Average }

// Bounds implements Dist.
func (g Gamma) Bounds() (low, high float64) {
	if g.CV < leastCV {
		return g.Average, g.Average
	}
	return 0, math.Inf(1)
}

// Within implements Dist: P(k, b/θ) - P(k, a/θ), and mean × the same at k + 1, with P the
// regularised incomplete gamma function.
func (g Gamma) Within(low, high float64) (share, moment float64) {
	if g.CV < leastCV {
		return Constant{g.Average}.Within(low, high)
	}
	if !(high >= low) {
		return 0, 0
	}
	shape, scale := 1/(g.CV*g.CV), g.Average*g.CV*g.CV
	a, b := low/scale, high/scale
	return gammaShare(shape, b) - gammaShare(shape, a),
		g.Average * (gammaShare(shape+1, b) - gammaShare(shape+1, a))
}

// gammaShare is P(k, x), the share of a gamma law of shape k and scale 1 below x.
func gammaShare(k, x float64) float64 {
	switch {
	case x <= 0:
		return 0
	case math.IsInf(x, 1):
		return 1
	}
	return mathext.GammaIncReg(k, x)
}

// Sampler implements Dist.
func (g Gamma) Sampler() Sampler {
	if g.CV < leastCV {
		return Constant{g.Average}
	}
	shape, scale := 1/(g.CV*g.CV), g.Average*g.CV*g.CV
	s := gamma{scale: scale}
	if shape < 1 {
		s.boost = 1 / shape
		shape++
	}
	s.d = shape - 1.0/3
	s.c = 1 / math.Sqrt(9*s.d)
	return s
}

type gamma struct {
	scale float64
	boost float64 // 1/k for shapes below 1, else 0
	d, c  float64
}

// Sample implements Sampler by the squeeze of Marsaglia and Tsang, "A simple method for generating
// gamma variables" (ACM TOMS 26(3), 2000): more than 95 of 100 draws need one normal and one
// uniform. A shape k below 1 is that of k + 1 times U^(1/k).
func (g gamma) Sample(luck *sim.Luck) float64 {
	scale := g.scale
	if g.boost > 0 {
		scale *= math.Exp(-SampleExp(luck) * g.boost)
	}
	for {
		x := SampleNormal(luck)
		v := 1 + g.c*x
		if v <= 0 {
			continue
		}
		v = v * v * v
		u, square := luck.Open(), x*x
		if u < 1-0.0331*square*square ||
			math.Log(u) < 0.5*square+g.d-g.d*v+g.d*math.Log(v) {
			return g.d * v * scale
		}
	}
}
