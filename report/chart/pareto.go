package chart

import (
	"math"
	"sort"
)

// Pareto are the indices of the points that no other point beats in both x and y (smaller is
// better), by rising x. Points that are not finite are not on it; of equal points the first is.
func Pareto(x, y []float64) []int {
	var order []int
	for i := range min(len(x), len(y)) {
		if !math.IsNaN(x[i]+y[i]) && !math.IsInf(x[i]+y[i], 0) {
			order = append(order, i)
		}
	}
	sort.SliceStable(order, func(a, b int) bool {
		if x[order[a]] != x[order[b]] {
			return x[order[a]] < x[order[b]]
		}
		return y[order[a]] < y[order[b]]
	})
	var out []int
	best := math.Inf(1)
	for _, i := range order {
		if y[i] < best {
			out = append(out, i)
			best = y[i]
		}
	}
	return out
}
