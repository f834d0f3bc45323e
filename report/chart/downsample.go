package chart

import "math"

// Bins joins neighbouring values of a regular series so that at most the given number are left, and
// says how many were joined into one. Levels are averaged, peaks and quantiles keep their maximum: a
// picture of a long run stays small without losing its peaks. Gaps stay out of both.
func Bins(values []float64, most int, peaks bool) (out Values, joined int) {
	joined = 1
	for (len(values)+joined-1)/joined > max(most, 1) {
		joined++
	}
	for from := 0; from < len(values); from += joined {
		out = append(out, joinBin(values[from:min(from+joined, len(values))], peaks))
	}
	return out, joined
}

func joinBin(values []float64, peaks bool) float64 {
	sum, n, top := 0.0, 0.0, math.Inf(-1)
	for _, v := range values {
		if math.IsNaN(v) {
			continue
		}
		sum, n, top = sum+v, n+1, math.Max(top, v)
	}
	switch {
	case n == 0:
		return math.NaN()
	case peaks:
		return top
	}
	return sum / n
}
