package dist

import (
	"errors"
	"fmt"
	"math"

	"github.com/simcap/simcap/sim"
)

// Mixture draws from one of its parts, chosen by weight.
type Mixture struct {
	Parts []Part `yaml:"parts"`
}

// Part of a Mixture. In a file its distribution stands beside the weight.
type Part struct {
	Weight float64
	Dist   Dist
}

// Validate implements Dist.
func (m Mixture) Validate() error {
	if len(m.Parts) == 0 {
		return errors.New("parts is empty: at least one {weight, ...} is expected")
	}
	for i, p := range m.Parts {
		if err := positive(fmt.Sprintf("parts[%d].weight", i), p.Weight); err != nil {
			return err
		}
		if p.Dist == nil {
			return fmt.Errorf("parts[%d]: a distribution is expected beside the weight", i)
		}
		if err := p.Dist.Validate(); err != nil {
			return fmt.Errorf("parts[%d]: %w", i, err)
		}
	}
	return nil
}

func (m Mixture) total() float64 {
	sum := 0.0
	for _, p := range m.Parts {
		sum += p.Weight
	}
	return sum
}

// Mean implements Dist.
func (m Mixture) Mean() float64 {
	mean, total := 0.0, m.total()
	for _, p := range m.Parts {
		mean += p.Weight / total * p.Dist.Mean()
	}
	return mean
}

// Bounds implements Dist.
func (m Mixture) Bounds() (low, high float64) {
	low = math.Inf(1)
	for _, p := range m.Parts {
		a, b := p.Dist.Bounds()
		low, high = min(low, a), max(high, b)
	}
	return low, high
}

// Within implements Dist.
func (m Mixture) Within(low, high float64) (share, moment float64) {
	total := m.total()
	for _, p := range m.Parts {
		s, part := p.Dist.Within(low, high)
		share += p.Weight / total * s
		moment += p.Weight / total * part
	}
	return share, moment
}

// Sampler implements Dist.
func (m Mixture) Sampler() Sampler {
	var s mixture
	sum, total := 0.0, m.total()
	for _, p := range m.Parts {
		sum += p.Weight
		s.upTo = append(s.upTo, sum/total)
		s.parts = append(s.parts, p.Dist.Sampler())
	}
	return &s
}

type mixture struct {
	upTo  []float64 // sums of the weights, the last is 1
	parts []Sampler
}

// Sample implements Sampler.
func (m *mixture) Sample(luck *sim.Luck) float64 {
	u := luck.Float64()
	last := len(m.parts) - 1
	for i := range last {
		if u < m.upTo[i] {
			return m.parts[i].Sample(luck)
		}
	}
	return m.parts[last].Sample(luck)
}
