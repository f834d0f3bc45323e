package stats

import "math"

// mserBatch is how many values MSER-5 averages at a time.
const mserBatch = 5

// WarmUp is the number of first values to leave out of a simulation's output so that the rest looks
// like its steady state, by MSER-5 (White, Cobb, Spratt: Proc. Winter Simulation Conference 2000).
// With Z(1..k) the means of batches of 5 values, it is 5 d for the d that minimises the marginal
// standard error of what is left,
//
//	MSER(d) = Σ_{j>d} (Z(j) - mean_{j>d})² / (k - d)².
//
// ok is false when the least error is found in the last half of the run, which then is too short to
// tell, or has no steady state; cut is then the best place in the first half. The last 5 batches are
// no candidates: the variance of so few says nothing (Hoad, Robinson, Davies: J. Oper. Res. Soc. 61,
// 2010). Fewer than 10 batches are never ok.
func WarmUp(values []float64) (cut int, ok bool) {
	means := batchMeans(values, mserBatch)
	k := len(means)
	if k < 2*mserBatch {
		return 0, false
	}
	var tail Moments
	bestHalf, bestAll := math.Inf(1), math.Inf(1)
	half, all := 0, 0
	for d := k - 1; d >= 0; d-- {
		tail.Add(means[d])
		left := k - d
		if left <= mserBatch {
			continue
		}
		mser := tail.m2 / (float64(left) * float64(left))
		if mser <= bestAll {
			bestAll, all = mser, d
		}
		if d <= k/2 && mser <= bestHalf {
			bestHalf, half = mser, d
		}
	}
	return half * mserBatch, all <= k/2
}

// batchMeans are the means of runs of size values; a remainder is left out.
func batchMeans(values []float64, size int) []float64 {
	means := make([]float64, len(values)/size)
	for i := range means {
		sum := 0.0
		for _, x := range values[i*size : (i+1)*size] {
			sum += x
		}
		means[i] = sum / float64(size)
	}
	return means
}
