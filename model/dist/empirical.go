package dist

import (
	"errors"
	"fmt"
	"math"
	"slices"
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
		return errors.New("values is empty: at least one value is expected")
	}
	for i, v := range e.Values {
		if err := amount(fmt.Sprintf("values[%d]", i), v); err != nil {
			return err
		}
	}
	return nil
}

// Mean implements Dist.
func (e Empirical) Mean() float64 {
	_, mean := e.Within(math.Inf(-1), math.Inf(1))
	return mean
}

// Bounds implements Dist.
func (e Empirical) Bounds() (low, high float64) { return slices.Min(e.Values), slices.Max(e.Values) }

// Within implements Dist.
func (e Empirical) Within(low, high float64) (share, moment float64) {
	count := 0
	for _, v := range e.Values {
		if low <= v && v <= high {
			count++
			moment += v
		}
	}
	n := float64(len(e.Values))
	return float64(count) / n, moment / n
}

// Sampler implements Dist.
func (e Empirical) Sampler() Sampler { return empirical(e.Values) }

type empirical []float64

// Sample implements Sampler.
func (e empirical) Sample(luck *sim.Luck) float64 {
	return e[int(luck.Float64()*float64(len(e)))]
}

// Quantiles is a distribution through given quantiles. Its quantile function is linear between the
// points, and constant below the first and above the last: with p50: 1s and p90: 3s half of the
// values are 1 s, a tenth 3 s, and the others spread evenly between. Give p0 and p100 where the
// extremes are known.
type Quantiles struct {
	Points []Quantile // by rising Q
}

// Quantile says that a share Q of values, from 0 to 1, does not exceed Value. In a file: p50, p99.9.
type Quantile struct {
	Q     float64
	Value float64
}

// Validate implements Dist.
func (q Quantiles) Validate() error {
	if len(q.Points) == 0 {
		return errors.New("the quantiles are missing: at least one is expected, for example p50")
	}
	for i, p := range q.Points {
		name := fmt.Sprintf("p%.12g", p.Q*100)
		if !(p.Q >= 0 && p.Q <= 1) {
			return fmt.Errorf("%s: quantiles lie between p0 and p100", name)
		}
		if err := amount(name, p.Value); err != nil {
			return err
		}
		if i == 0 {
			continue
		}
		before := q.Points[i-1]
		if p.Q <= before.Q {
			return fmt.Errorf("%s comes after p%.12g, or is given twice", name, before.Q*100)
		}
		if p.Value < before.Value {
			return fmt.Errorf("%s is below p%.12g: quantiles rise", name, before.Q*100)
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
	return a.Value + (b.Value-a.Value)*((u-a.Q)/(b.Q-a.Q))
}

// Mean implements Dist.
func (q Quantiles) Mean() float64 {
	_, mean := q.Within(math.Inf(-1), math.Inf(1))
	return mean
}

// Bounds implements Dist.
func (q Quantiles) Bounds() (low, high float64) {
	return q.Points[0].Value, q.Points[len(q.Points)-1].Value
}

// Within implements Dist: a value at each end, and uniform stretches between the points.
func (q Quantiles) Within(low, high float64) (share, moment float64) {
	before := Quantile{0, q.Points[0].Value}
	add := func(to Quantile) {
		s, m := Uniform{before.Value, to.Value}.Within(low, high)
		share += (to.Q - before.Q) * s
		moment += (to.Q - before.Q) * m
		before = to
	}
	for _, p := range q.Points {
		add(p)
	}
	add(Quantile{1, before.Value})
	return share, moment
}

// Sampler implements Dist.
func (q Quantiles) Sampler() Sampler { return q }

// Sample implements Sampler.
func (q Quantiles) Sample(luck *sim.Luck) float64 { return q.At(luck.Float64()) }
