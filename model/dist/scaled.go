package dist

import "github.com/simcap/simcap/sim"

// Scaled multiplies what a distribution draws by a number above 0.
type Scaled struct {
	Of Dist
	By float64
}

// Times is the distribution whose every value is multiplied by a number above 0; nil stays nil.
func Times(d Dist, by float64) Dist {
	if d == nil {
		return nil
	}
	if value, ok := IsConstant(d); ok {
		return Constant{Value: value * by}
	}
	return Scaled{d, by}
}

// Validate implements Dist.
func (s Scaled) Validate() error { return s.Of.Validate() }

// Mean implements Dist.
func (s Scaled) Mean() float64 { return s.Of.Mean() * s.By }

// Bounds implements Dist.
func (s Scaled) Bounds() (low, high float64) {
	low, high = s.Of.Bounds()
	return low * s.By, high * s.By
}

// Within implements Dist.
func (s Scaled) Within(low, high float64) (share, moment float64) {
	share, moment = s.Of.Within(low/s.By, high/s.By)
	return share, moment * s.By
}

// Sampler implements Dist.
func (s Scaled) Sampler() Sampler { return scaledSampler{s.Of.Sampler(), s.By} }

type scaledSampler struct {
	of Sampler
	by float64
}

// Sample implements Sampler.
func (s scaledSampler) Sample(luck *sim.Luck) float64 { return s.of.Sample(luck) * s.by }
