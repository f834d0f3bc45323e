package dist

import (
	"errors"
	"fmt"
	"math"
	"sort"

	"github.com/simcap/simcap/sim"
)

// Empirical draws one of Values, each with the same chance. The loader of scenarios reads File into
// Values.
type Empirical struct {
	Values []float64 `yaml:"values" unit:"value"`
	File   string    `yaml:"file"`
}

// Validate implements Dist.
func (e Empirical) Validate() error {
	if len(e.Values) == 0 {
		return errors.New("needs at least one value")
	}
	for _, v := range e.Values {
		if !(v >= 0) || math.IsInf(v, 0) {
			return errors.New("every value must be a number of at least 0")
		}
	}
	return nil
}

// Mean implements Dist.
func (e Empirical) Mean() float64 {
	sum := 0.0
	for _, v := range e.Values {
		sum += v / float64(len(e.Values))
	}
	return sum
}

// Sampler implements Dist.
func (e Empirical) Sampler() Sampler { return e }

// Sample implements Sampler.
func (e Empirical) Sample(luck *sim.Luck) float64 {
	return e.Values[int(luck.Float64()*float64(len(e.Values)))]
}

// Quantiles is a distribution through given quantiles: the quantile function is linear between the
// points, and constant below the first and above the last.
type Quantiles struct {
	Points []Quantile // by rising Q
}

// Quantile says that a share Q of values does not exceed Value. In a file: p50, p99.9, ...
type Quantile struct {
	Q     float64
	Value float64
}

// Validate implements Dist.
func (q Quantiles) Validate() error {
	if len(q.Points) == 0 {
		return errors.New("needs at least one quantile, for example p50")
	}
	for i, p := range q.Points {
		if !(p.Q >= 0 && p.Q <= 1) || !(p.Value >= 0) || math.IsInf(p.Value, 0) {
			return errors.New("quantiles lie between p0 and p100, values are numbers of at least 0")
		}
		if i > 0 && (p.Q <= q.Points[i-1].Q || p.Value < q.Points[i-1].Value) {
			return fmt.Errorf("p%g is below p%g", p.Q*100, q.Points[i-1].Q*100)
		}
	}
	return nil
}

// At is the quantile function at u in [0, 1].
func (q Quantiles) At(u float64) float64 {
	i := sort.Search(len(q.Points), func(i int) bool { return q.Points[i].Q >= u })
	if i == 0 {
		return q.Points[0].Value
	}
	if i == len(q.Points) {
		return q.Points[i-1].Value
	}
	a, b := q.Points[i-1], q.Points[i]
	return a.Value + (b.Value-a.Value)*(u-a.Q)/(b.Q-a.Q)
}

// Mean implements Dist.
func (q Quantiles) Mean() float64 {
	first, last := q.Points[0], q.Points[len(q.Points)-1]
	mean := first.Q*first.Value + (1-last.Q)*last.Value
	for i := 1; i < len(q.Points); i++ {
		a, b := q.Points[i-1], q.Points[i]
		mean += (b.Q - a.Q) * (a.Value + b.Value) / 2
	}
	return mean
}

// Sampler implements Dist.
func (q Quantiles) Sampler() Sampler { return q }

// Sample implements Sampler.
func (q Quantiles) Sample(luck *sim.Luck) float64 { return q.At(luck.Float64()) }

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
		return errors.New("needs at least one part")
	}
	for i, p := range m.Parts {
		if err := positive(fmt.Sprintf("parts[%d].weight", i), p.Weight); err != nil {
			return err
		}
		if p.Dist == nil {
			return fmt.Errorf("parts[%d] has no distribution", i)
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

// Sampler implements Dist.
func (m Mixture) Sampler() Sampler {
	var s mixture
	sum, total := 0.0, m.total()
	for _, p := range m.Parts {
		sum += p.Weight
		s.upTo = append(s.upTo, sum/total)
		s.parts = append(s.parts, p.Dist.Sampler())
	}
	return s
}

type mixture struct {
	upTo  []float64
	parts []Sampler
}

// Sample implements Sampler.
func (m mixture) Sample(luck *sim.Luck) float64 {
	u := luck.Float64()
	last := len(m.parts) - 1
	for i := range last {
		if u < m.upTo[i] {
			return m.parts[i].Sample(luck)
		}
	}
	return m.parts[last].Sample(luck)
}

// Truncated is the conditional law of Dist given that it lies in [Min, Max]; NaN: no bound.
type Truncated struct {
	Dist     Dist
	Min, Max float64
}

// leastMass is the share of the law that a truncation has to keep: draws outside are drawn again.
const leastMass = 0.01

// Validate implements Dist.
func (t Truncated) Validate() error {
	if err := t.Dist.Validate(); err != nil {
		return err
	}
	if t.Max < t.Min {
		return errors.New("max must be at least min")
	}
	const draws = 4000
	s, kept := t.Dist.Sampler(), 0
	stream := sim.NewStream(1, 0, "truncation")
	for i := range uint64(draws) {
		luck := stream.At(i)
		if t.keeps(s.Sample(&luck)) {
			kept++
		}
	}
	if float64(kept) < leastMass*draws {
		return fmt.Errorf("min and max keep less than %.0f %% of the distribution", leastMass*100)
	}
	return nil
}

func (t Truncated) keeps(x float64) bool { return !(x < t.Min) && !(x > t.Max) }

// Mean implements Dist, by a fixed sample of 10,000 draws: there is no general closed form.
func (t Truncated) Mean() float64 {
	const draws = 10_000
	s, sum := t.Sampler(), 0.0
	stream := sim.NewStream(1, 0, "mean of a truncation")
	for i := range uint64(draws) {
		luck := stream.At(i)
		sum += s.Sample(&luck) / draws
	}
	return sum
}

// Sampler implements Dist.
func (t Truncated) Sampler() Sampler { return truncated{t, t.Dist.Sampler()} }

type truncated struct {
	bounds Truncated
	whole  Sampler
}

// Sample implements Sampler. Validate keeps the chance of as many misses below 1e-17.
func (t truncated) Sample(luck *sim.Luck) float64 {
	for range 4000 {
		if x := t.whole.Sample(luck); t.bounds.keeps(x) {
			return x
		}
	}
	if math.IsNaN(t.bounds.Min) {
		return t.bounds.Max
	}
	return t.bounds.Min
}
