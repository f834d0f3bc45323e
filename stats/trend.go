package stats

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// trendBatches is how many batch means a trend is looked for in.
const trendBatches = 20

// Trend tests whether a series rises or falls, as it does when the warm-up was too short or the
// system is overloaded: the test of Mann and Kendall on the means of 20 batches (Mann: Econometrica
// 13(3), 1945; Kendall: Rank Correlation Methods). Over all pairs i < j of n means
//
//	S = Σ sign(x(j) - x(i)),  Var S = (n(n-1)(2n+5) - Σ g(g-1)(2g+5)) / 18
//
// with g the sizes of groups of equal values. tau = S/(n(n-1)/2) tells the direction, from -1 to 1;
// p is the probability of as large an |S| without trend, from the normal law with continuity
// correction. Batches should be long against the memory of the series, else p is too small. With
// fewer than 20 values each stands for itself; with fewer than 4 p is 1.
func Trend(values []float64) (tau, p float64) {
	means := values
	if len(values) >= 2*trendBatches {
		means = batchMeans(values, len(values)/trendBatches)[:trendBatches]
	}
	n := len(means)
	if n < 4 {
		return 0, 1
	}
	s := 0
	for j := range means {
		for i := range j {
			switch {
			case means[j] > means[i]:
				s++
			case means[j] < means[i]:
				s--
			}
		}
	}
	tau = float64(s) / (float64(n) * float64(n-1) / 2)
	variance := kendallVariance(means)
	if variance == 0 || s == 0 {
		return tau, 1
	}
	z := (math.Abs(float64(s)) - 1) / math.Sqrt(variance)
	return tau, 2 * distuv.UnitNormal.Survival(z)
}

// kendallVariance is the variance of S.
func kendallVariance(values []float64) float64 {
	term := func(g int) float64 { return float64(g) * float64(g-1) * float64(2*g+5) }
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	sum := term(len(sorted))
	for i := 0; i < len(sorted); {
		j := i
		for j < len(sorted) && sorted[j] == sorted[i] {
			j++
		}
		sum -= term(j - i)
		i = j
	}
	return sum / 18
}
