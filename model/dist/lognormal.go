package dist

import (
	"errors"
	"math"

	"github.com/simcap/simcap/sim"
)

// Lognormal is exp(μ + σZ), Z standard normal; given by mean and coefficient of variation, or by
// median and 99th percentile: σ² = ln(1 + cv²) and μ = ln(mean) - σ²/2, or μ = ln(p50) and
// σ = ln(p99/p50)/2.3263. With mean 2 s and cv 0.5 σ is 0.4724, the median 1.789 s, p99 5.37 s.
type Lognormal struct {
	Average float64 `yaml:"mean" unit:"value"`
	CV      float64 `yaml:"cv" unit:"fraction"`
	P50     float64 `yaml:"p50" unit:"value"`
	P99     float64 `yaml:"p99" unit:"value"`
}

const (
	z99     = 2.3263478740408408 // Φ(z99) = 0.99
	mostCV  = 100
	mostP99 = 1e6 // times p50
)

// Validate implements Dist.
func (l Lognormal) Validate() error {
	byMean, byQuantiles := l.Average != 0 || l.CV > 0, l.P50 != 0 || l.P99 != 0
	switch {
	case byMean && byQuantiles:
		return errors.New("give mean and cv, or p50 and p99, not both")
	case !byMean && !byQuantiles:
		return errors.New("mean and cv are missing, or p50 and p99")
	case byQuantiles:
		if err := positive("p50", l.P50); err != nil {
			return err
		}
		if !(l.P99 >= l.P50 && l.P99 <= mostP99*l.P50) {
			return errors.New("p99: a value from p50 to 1e6 × p50 is expected")
		}
		return amount("p99", l.P99)
	}
	if err := positive("mean", l.Average); err != nil {
		return err
	}
	return between("cv", l.CV, 0, mostCV)
}

func (l Lognormal) parameters() (mu, sigma float64) {
	if l.P50 > 0 {
		return math.Log(l.P50), math.Log(l.P99/l.P50) / z99
	}
	variance := math.Log1p(l.CV * l.CV)
	return math.Log(l.Average) - variance/2, math.Sqrt(variance)
}

// Mean implements Dist.
func (l Lognormal) Mean() float64 {
	if l.P50 == 0 {
		return l.Average
	}
	_, sigma := l.parameters()
	return l.P50 * math.Exp(sigma*sigma/2)
}

// Bounds implements Dist.
func (l Lognormal) Bounds() (low, high float64) {
	if _, sigma := l.parameters(); sigma == 0 {
		return l.Mean(), l.Mean()
	}
	return 0, math.Inf(1)
}

// Within implements Dist: Φ(z(b)) - Φ(z(a)) with z(x) = (ln x - μ)/σ, and mean × the same at z - σ.
func (l Lognormal) Within(low, high float64) (share, moment float64) {
	mu, sigma := l.parameters()
	if sigma == 0 {
		return Constant{l.Mean()}.Within(low, high)
	}
	if !(high >= low) || high <= 0 {
		return 0, 0
	}
	a, b := (math.Log(max(low, 0))-mu)/sigma, (math.Log(high)-mu)/sigma
	return normalShare(b) - normalShare(a), l.Mean() * (normalShare(b-sigma) - normalShare(a-sigma))
}

// normalShare is Φ(z), the share of a standard normal law below z.
func normalShare(z float64) float64 { return math.Erfc(-z/math.Sqrt2) / 2 }

// Sampler implements Dist.
func (l Lognormal) Sampler() Sampler {
	mu, sigma := l.parameters()
	if sigma == 0 {
		return Constant{l.Mean()}
	}
	return lognormal{mu, sigma}
}

type lognormal struct{ mu, sigma float64 }

// Sample implements Sampler.
func (l lognormal) Sample(luck *sim.Luck) float64 {
	return math.Exp(l.mu + l.sigma*SampleNormal(luck))
}
