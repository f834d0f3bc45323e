package dist

import (
	"errors"

	"github.com/simcap/simcap/sim"
)

// Uniform lies between Low and High.
type Uniform struct {
	Low  float64 `yaml:"min" unit:"value"`
	High float64 `yaml:"max" unit:"value"`
}

// Validate implements Dist.
func (u Uniform) Validate() error {
	if err := amount("min", u.Low); err != nil {
		return err
	}
	if err := amount("max", u.High); err != nil {
		return err
	}
	if u.High < u.Low {
		return errors.New("min is above max")
	}
	return nil
}

// Mean implements Dist.
func (u Uniform) Mean() float64 { return u.Low + (u.High-u.Low)/2 }

// Bounds implements Dist.
func (u Uniform) Bounds() (low, high float64) { return u.Low, u.High }

// Within implements Dist.
func (u Uniform) Within(low, high float64) (share, moment float64) {
	if u.Low == u.High {
		return Constant{u.Low}.Within(low, high)
	}
	low, high = max(low, u.Low), min(high, u.High)
	if !(high >= low) {
		return 0, 0
	}
	share = (high - low) / (u.High - u.Low)
	return share, share * (low + (high-low)/2)
}

// Sampler implements Dist.
func (u Uniform) Sampler() Sampler { return u }

// Sample implements Sampler.
func (u Uniform) Sample(luck *sim.Luck) float64 { return u.Low + (u.High-u.Low)*luck.Float64() }
