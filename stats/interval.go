package stats

import (
	"math"
	"sort"

	"gonum.org/v1/gonum/stat/distuv"
)

// Interval is an estimate with its confidence interval. Low and High are NaN where the data do not
// say how sure the value is.
type Interval struct{ Value, Low, High float64 }

// Contains says whether x lies in the interval.
func (i Interval) Contains(x float64) bool { return i.Low <= x && x <= i.High }

// StudentQuantile is the p-quantile of Student's t with the given degrees of freedom: 2.262157 for
// 0.975 and 9.
func StudentQuantile(p, freedom float64) float64 {
	return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: freedom}.Quantile(p)
}

// NormalQuantile is the p-quantile of the standard normal distribution: 1.959964 for 0.975.
func NormalQuantile(p float64) float64 { return distuv.UnitNormal.Quantile(p) }

// MeanInterval is the mean of independent values, one for each replication, and the half-width of
// its confidence interval by Student's t:
//
//	half = t(1 - (1 - level)/2; n - 1) s/√n,
//
// s the standard deviation of the n values (Law: Simulation Modeling and Analysis, 4.5). For 1.20,
// 1.50, 1.68, 1.89, 0.95, 1.49, 1.58, 1.55, 0.50, 1.09 and level 0.90 it is 1.34 ± 0.24. With one
// value the half-width is +Inf, without any both are NaN. It serves for quantiles too: for the
// quantiles of replications that are long enough for the bias of each to be small.
func MeanInterval(values []float64, level float64) (mean, half float64) {
	m := momentsOf(values)
	switch m.Count() {
	case 0:
		return math.NaN(), math.NaN()
	case 1:
		return m.Mean(), math.Inf(1)
	}
	n := float64(m.Count())
	return m.Mean(), StudentQuantile((1+level)/2, n-1) * m.Deviation() / math.Sqrt(n)
}

// PairedInterval is the mean difference second - first of paired values, replications under common
// random numbers for example, with its interval by Student's t on the differences.
func PairedInterval(first, second []float64, level float64) (mean, half float64) {
	differences := make([]float64, min(len(first), len(second)))
	for i := range differences {
		differences[i] = second[i] - first[i]
	}
	return MeanInterval(differences, level)
}

// RatioInterval estimates Σ numerators / Σ denominators over replications, such as cost per input,
// and its confidence interval by the jackknife (Miller: Biometrika 61(1), 1974). With R the ratio of
// all n replications and R(-i) that without the i-th, the pseudo-values
//
//	p(i) = n R - (n - 1) R(-i)
//
// are treated as independent: their mean, whose bias is of order 1/n², with Student's t. The plain
// mean of the n ratios would be biased, and undefined where a denominator is 0.
func RatioInterval(numerators, denominators []float64, level float64) Interval {
	n := min(len(numerators), len(denominators))
	above, below := 0.0, 0.0
	for i := range n {
		above += numerators[i]
		below += denominators[i]
	}
	if n < 2 {
		return Interval{above / below, math.NaN(), math.NaN()}
	}
	pseudo := make([]float64, n)
	for i := range pseudo {
		without := (above - numerators[i]) / (below - denominators[i])
		pseudo[i] = float64(n)*(above/below) - float64(n-1)*without
	}
	mean, half := MeanInterval(pseudo, level)
	if math.IsNaN(mean) || math.IsInf(mean, 0) {
		return Interval{above / below, math.NaN(), math.NaN()}
	}
	return Interval{mean, mean - half, mean + half}
}

// QuantileInterval is the nearest-rank q-quantile of independent values, sorted upwards, and its
// distribution-free confidence interval between two order statistics: the number of values below
// the true quantile is binomial, so
//
//	P(x(l) ≤ quantile ≤ x(u)) ≥ P(l ≤ B ≤ u - 1), B ~ Binomial(n, q)
//
// (David and Nagaraja: Order Statistics, 7.1; ranks from 1). The ranks are the two with at most
// (1 - level)/2 beyond each. For the median of 10 values and level 0.95 they are 2 and 9. Low or High
// is NaN where even the least or greatest value does not reach the level. Values that follow each
// other in time are not independent: pool one value in many, or use replications.
func QuantileInterval(sorted []float64, q, level float64) Interval {
	n := len(sorted)
	if n == 0 {
		return Interval{math.NaN(), math.NaN(), math.NaN()}
	}
	rank := min(max(1, int(math.Ceil(q*float64(n)-1e-9))), n)
	out := Interval{Value: sorted[rank-1], Low: math.NaN(), High: math.NaN()}
	below := distuv.Binomial{N: float64(n), P: q}
	tail := (1 - level) / 2
	// l is the largest rank with P(B < l) ≤ tail, u the least with P(B ≥ u) ≤ tail.
	l := sort.Search(n, func(k int) bool { return below.CDF(float64(k)) > tail })
	u := 1 + sort.Search(n, func(k int) bool { return 1-below.CDF(float64(k)) <= tail })
	if l >= 1 {
		out.Low = sorted[l-1]
	}
	if u <= n {
		out.High = sorted[u-1]
	}
	return out
}

// WilsonInterval is the share of successes among n independent trials and its score interval
//
//	(p + z²/2n ± z √(p(1 - p)/n + z²/4n²)) / (1 + z²/n), p = successes/n,
//
// with z the normal quantile of the level (Wilson: JASA 22, 1927). Unlike p ± z√(p(1-p)/n) it holds
// near 0 and 1: 0 of 20 gives 0 to 0.161. For rejections of a queue, which come in clusters, give
// replications to RatioInterval instead.
func WilsonInterval(successes, n int64, level float64) Interval {
	if n <= 0 {
		return Interval{math.NaN(), math.NaN(), math.NaN()}
	}
	size := float64(n)
	p, z := float64(successes)/size, NormalQuantile((1+level)/2)
	scale := 1 / (1 + z*z/size)
	middle := (p + z*z/(2*size)) * scale
	half := z * math.Sqrt(p*(1-p)/size+z*z/(4*size*size)) * scale
	out := Interval{p, max(0, middle-half), min(1, middle+half)}
	switch successes { // where rounding must not keep the end away
	case 0:
		out.Low = 0
	case n:
		out.High = 1
	}
	return out
}
