package stats

import "math"

// Bounds of the number of batches that BatchMeans settles on.
const (
	mostBatches  = 256
	leastBatches = 16
)

// Batching says how BatchMeans cut a run.
type Batching struct {
	Batches     int
	Size        int     // values in a batch
	Correlation float64 // lag-1 autocorrelation of the batch means
	Independent bool    // the batch means pass for uncorrelated; else the run is too short
}

// BatchMeans estimates the mean of one long run of correlated values after its warm-up, and its
// confidence interval, by batch means (Schmeiser: Operations Research 30(3), 1982; Law: Simulation
// Modeling and Analysis, 9.5.3). The run is cut into at most 256 batches; while von Neumann's test finds
// their means correlated (one-sided, 10 %), neighbours are joined, down to at least 16 batches. The
// interval is Student's t over the k batch means, its variance widened for the correlation r that is
// left as for a first-order autoregressive series (Tafazzoli, Wilson, Lada, Steiger: INFORMS J. on
// Computing 23(1), 2011, equation 6):
//
//	half = t(1 - (1 - level)/2; k - 1) s √((1 + r)/(1 - r) / k), with r at least 0.
//
// Values that do not fill a batch are left out at the beginning, where a rest of the warm-up may be.
// Fewer than 32 values have no interval.
func BatchMeans(values []float64, level float64) (Interval, Batching) {
	n := len(values)
	if n < 2*leastBatches {
		m := momentsOf(values)
		return Interval{m.Mean(), math.NaN(), math.NaN()}, Batching{Batches: n, Size: 1}
	}
	size := (n + mostBatches - 1) / mostBatches
	means := batchMeans(values[n%size:], size)
	for {
		r, independent := vonNeumann(means)
		if independent || len(means) < 2*leastBatches {
			m := momentsOf(means)
			k := float64(len(means))
			lasting := min(max(r, 0), 0.99)
			half := StudentQuantile((1+level)/2, k-1) * m.Deviation() *
				math.Sqrt((1+lasting)/(1-lasting)/k)
			return Interval{m.Mean(), m.Mean() - half, m.Mean() + half},
				Batching{len(means), size, r, independent}
		}
		means = batchMeans(means[len(means)%2:], 2)
		size *= 2
	}
}

// BatchRatio is BatchMeans of a ratio Σ above / Σ below of one run, such as the mean latency of the
// inputs of many short stretches of time, each given by a sum and a count. By the delta method the
// error of the ratio R is the mean of
//
//	z(i) = (above(i) - R below(i)) / mean(below)
//
// to first order, whose interval is that of BatchMeans, about R. Both lists have one length.
func BatchRatio(above, below []float64, level float64) (Interval, Batching) {
	sumAbove, sumBelow := 0.0, 0.0
	for i := range above {
		sumAbove += above[i]
		sumBelow += below[i]
	}
	r := sumAbove / sumBelow
	errors := make([]float64, len(above))
	for i := range errors {
		errors[i] = (above[i] - r*below[i]) / (sumBelow / float64(len(below)))
	}
	e, batching := BatchMeans(errors, level)
	half := (e.High - e.Low) / 2
	return Interval{r, r - half, r + half}, batching
}

// vonNeumann estimates the lag-1 autocorrelation of a series of k values from the ratio of the mean
// square successive difference to the variance (von Neumann: Annals of Math. Stat. 12(4), 1941),
//
//	r = 1 - Σ (x(i+1) - x(i))² / (2 Σ (x(i) - mean)²) + ((x(1) - mean)² + (x(k) - mean)²) / (2 Σ …),
//
// and says whether it is small enough for a series without correlation: r √((k² - 1)/(k - 2)) is
// then nearly standard normal (Fishman and Yarberry: INFORMS J. on Computing 9(3), 1997), and 1.2816
// is its 90 % quantile.
func vonNeumann(series []float64) (r float64, independent bool) {
	m := momentsOf(series)
	if !(m.m2 > 0) {
		return 0, true
	}
	k := len(series)
	successive := 0.0
	for i := 1; i < k; i++ {
		d := series[i] - series[i-1]
		successive += d * d
	}
	first, last := series[0]-m.mean, series[k-1]-m.mean
	c := 1 - successive/(2*m.m2)
	r = c + (first*first+last*last)/(2*m.m2)
	return r, c*math.Sqrt((float64(k)*float64(k)-1)/float64(k-2)) <= 1.2816
}
