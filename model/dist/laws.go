package dist

import (
	"errors"
	"fmt"
	"math"

	"github.com/simcap/simcap/sim"
)

// Kind is a distribution's name in a scenario (`dist: NAME`) and a function that makes an empty one.
type Kind struct {
	Name string
	New  func() Dist
}

// Kinds lists the distributions that have a name, in the order in which the documentation does.
func Kinds() []Kind {
	return []Kind{
		{"exponential", func() Dist { return Exponential{} }},
		{"lognormal", func() Dist { return Lognormal{} }},
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

func positive(name string, v float64) error {
	if !(v > 0) || math.IsInf(v, 0) {
		return fmt.Errorf("%s must be a number above 0", name)
	}
	return nil
}

// Validate implements Dist.
func (c Constant) Validate() error {
	if !(c.Value >= 0) || math.IsInf(c.Value, 0) {
		return errors.New("the value must be a number of at least 0")
	}
	return nil
}

// Mean implements Dist.
func (c Constant) Mean() float64 { return c.Value }

// Sampler implements Dist.
func (c Constant) Sampler() Sampler { return c }

// Sample implements Sampler.
func (c Constant) Sample(*sim.Luck) float64 { return c.Value }

// Exponential has density exp(-x/Average)/Average.
type Exponential struct {
	Average float64 `yaml:"mean" unit:"value"`
}

// Validate implements Dist.
func (e Exponential) Validate() error { return positive("mean", e.Average) }

// Mean implements Dist.
func (e Exponential) Mean() float64 { return e.Average }

// Sampler implements Dist.
func (e Exponential) Sampler() Sampler { return e }

// Sample implements Sampler.
func (e Exponential) Sample(luck *sim.Luck) float64 { return e.Average * SampleExp(luck) }

// Lognormal is exp(μ + σZ), Z standard normal; given by mean and coefficient of variation, or by the
// median P50 and P99. σ² = ln(1 + cv²), μ = ln(mean) - σ²/2; or μ = ln(p50), σ = ln(p99/p50)/2.3263.
type Lognormal struct {
	Average float64 `yaml:"mean" unit:"value"`
	CV      float64 `yaml:"cv" unit:"fraction"`
	P50     float64 `yaml:"p50" unit:"value"`
	P99     float64 `yaml:"p99" unit:"value"`
}

const z99 = 2.3263478740408408 // Φ(z99) = 0.99

// Validate implements Dist.
func (l Lognormal) Validate() error {
	byMean, byQuantiles := l.Average != 0 || l.CV != 0, l.P50 != 0 || l.P99 != 0
	switch {
	case byMean && byQuantiles:
		return errors.New("give mean and cv, or p50 and p99, not both")
	case byQuantiles:
		if err := positive("p50", l.P50); err != nil {
			return err
		}
		if !(l.P99 >= l.P50) || math.IsInf(l.P99, 0) {
			return errors.New("p99 must be at least p50")
		}
	default:
		if err := positive("mean", l.Average); err != nil {
			return err
		}
		if !(l.CV >= 0) || l.CV > 100 {
			return errors.New("cv must lie between 0 and 100")
		}
	}
	return nil
}

func (l Lognormal) parameters() (mu, sigma float64) {
	if l.P50 > 0 {
		return math.Log(l.P50), math.Log(l.P99/l.P50) / z99
	}
	s2 := math.Log1p(l.CV * l.CV)
	return math.Log(l.Average) - s2/2, math.Sqrt(s2)
}

// Mean implements Dist.
func (l Lognormal) Mean() float64 {
	mu, sigma := l.parameters()
	return math.Exp(mu + sigma*sigma/2)
}

// Sampler implements Dist.
func (l Lognormal) Sampler() Sampler {
	mu, sigma := l.parameters()
	return lognormal{mu, sigma}
}

type lognormal struct{ mu, sigma float64 }

// Sample implements Sampler.
func (l lognormal) Sample(luck *sim.Luck) float64 {
	return math.Exp(l.mu + l.sigma*SampleNormal(luck))
}

// Gamma has shape 1/cv² and scale mean × cv².
type Gamma struct {
	Average float64 `yaml:"mean" unit:"value"`
	CV      float64 `yaml:"cv" unit:"fraction"`
}

// Validate implements Dist.
func (g Gamma) Validate() error {
	if err := positive("mean", g.Average); err != nil {
		return err
	}
	if !(g.CV > 0) || g.CV > 100 {
		return errors.New("cv must lie above 0 and be at most 100")
	}
	return nil
}

// Mean implements Dist.
func (g Gamma) Mean() float64 { return g.Average }

// Sampler implements Dist.
func (g Gamma) Sampler() Sampler {
	shape := 1 / (g.CV * g.CV)
	return gamma{shape, g.Average * g.CV * g.CV}
}

type gamma struct{ shape, scale float64 }

// Sample implements Sampler by the squeeze of Marsaglia and Tsang, "A simple method for generating
// gamma variables" (ACM TOMS 26, 2000); a shape below 1 is that of shape + 1 times u^(1/shape).
func (g gamma) Sample(luck *sim.Luck) float64 {
	shape, boost := g.shape, 1.0
	if shape < 1 {
		boost = math.Pow(luck.Open(), 1/shape)
		shape++
	}
	d := shape - 1.0/3
	c := 1 / math.Sqrt(9*d)
	for {
		x := SampleNormal(luck)
		v := 1 + c*x
		if v <= 0 {
			continue
		}
		v = v * v * v
		u := luck.Open()
		if math.Log(u) < 0.5*x*x+d-d*v+d*math.Log(v) {
			return d * v * boost * g.scale
		}
	}
}

// Weibull has distribution function 1 - exp(-(x/λ)^Shape), with λ such that the mean is Average.
type Weibull struct {
	Average float64 `yaml:"mean" unit:"value"`
	Shape   float64 `yaml:"shape"`
}

// Validate implements Dist.
func (w Weibull) Validate() error {
	if err := positive("mean", w.Average); err != nil {
		return err
	}
	if !(w.Shape >= 0.05) || w.Shape > 1000 {
		return errors.New("shape must lie between 0.05 and 1000")
	}
	return nil
}

// Mean implements Dist.
func (w Weibull) Mean() float64 { return w.Average }

// Sampler implements Dist.
func (w Weibull) Sampler() Sampler {
	return weibull{w.Average / math.Gamma(1+1/w.Shape), 1 / w.Shape}
}

type weibull struct{ scale, power float64 }

// Sample implements Sampler.
func (w weibull) Sample(luck *sim.Luck) float64 { return w.scale * math.Pow(SampleExp(luck), w.power) }

// Uniform lies between Low and High.
type Uniform struct {
	Low  float64 `yaml:"min" unit:"value"`
	High float64 `yaml:"max" unit:"value"`
}

// Validate implements Dist.
func (u Uniform) Validate() error {
	if !(u.Low >= 0) || !(u.High >= u.Low) || math.IsInf(u.High, 0) {
		return errors.New("min must be at least 0 and max at least min")
	}
	return nil
}

// Mean implements Dist.
func (u Uniform) Mean() float64 { return u.Low + (u.High-u.Low)/2 }

// Sampler implements Dist.
func (u Uniform) Sampler() Sampler { return u }

// Sample implements Sampler.
func (u Uniform) Sample(luck *sim.Luck) float64 { return u.Low + (u.High-u.Low)*luck.Float64() }

// Pareto exceeds x with probability (Least/x)^Shape.
type Pareto struct {
	Least float64 `yaml:"min" unit:"value"`
	Shape float64 `yaml:"shape"`
}

// Validate implements Dist.
func (p Pareto) Validate() error {
	if err := positive("min", p.Least); err != nil {
		return err
	}
	return positive("shape", p.Shape)
}

// Mean implements Dist; it is infinite for shapes of at most 1.
func (p Pareto) Mean() float64 {
	if p.Shape <= 1 {
		return math.Inf(1)
	}
	return p.Least * p.Shape / (p.Shape - 1)
}

// Sampler implements Dist.
func (p Pareto) Sampler() Sampler { return p }

// Sample implements Sampler.
func (p Pareto) Sample(luck *sim.Luck) float64 { return p.Least * math.Exp(SampleExp(luck)/p.Shape) }
