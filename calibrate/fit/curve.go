// Package fit turns measured times into the models that a profile holds: curves over the batch size,
// the slow-down of requests that share a server, what varies from one to the next, and the time of an
// iteration of an LLM engine. Pure: no clock, no files. Times are in seconds.
package fit

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"
)

// Point is what was measured at one size: of a batch, or a number of requests at a time.
type Point struct {
	N     int
	Times []float64 // s
}

// Knot is a point of a table.
type Knot struct {
	N int     `json:"n"`
	T float64 `json:"t"` // s
}

// The forms of a curve, the simplest first.
const (
	Constant = "constant" // Base
	Affine   = "affine"   // Base + PerInput × n
	Hinge    = "hinge"    // max(Floor, Base + PerInput × n)
	Table    = "table"    // through Knots, monotone, linear between them
)

// Curve is the time of a batch of n inputs.
type Curve struct {
	Kind     string
	Base     float64 // s
	PerInput float64 // s
	Floor    float64 // s
	Knots    []Knot  // increasing in N, never falling in T
}

// At is the curve at n. A table is extended by its last segment, and is flat before its first knot.
func (c *Curve) At(n int) float64 {
	line := c.Base + c.PerInput*float64(n)
	switch c.Kind {
	case Constant:
		return c.Base
	case Affine:
		return line
	case Hinge:
		return math.Max(c.Floor, line)
	}
	k := c.Knots
	if len(k) == 1 || n <= k[0].N {
		return k[0].T
	}
	i := 0
	for i < len(k)-2 && n > k[i+1].N {
		i++
	}
	a, b := k[i], k[i+1]
	return a.T + (b.T-a.T)*float64(n-a.N)/float64(b.N-a.N)
}

// Scaled is the curve with all times multiplied.
func (c Curve) Scaled(by float64) Curve {
	c.Base, c.PerInput, c.Floor = c.Base*by, c.PerInput*by, c.Floor*by
	c.Knots = slices.Clone(c.Knots)
	for i := range c.Knots {
		c.Knots[i].T *= by
	}
	return c
}

// Less is the curve with a constant time taken off everywhere.
func (c Curve) Less(by float64) Curve {
	c.Base, c.Floor = c.Base-by, c.Floor-by
	c.Knots = slices.Clone(c.Knots)
	for i := range c.Knots {
		c.Knots[i].T -= by
	}
	return c
}

// Points are knots that give the curve back by straight lines, for the sizes that were measured: its
// corner, if it has one, included.
func (c *Curve) Points(sizes []int) []Knot {
	if c.Kind == Table {
		return slices.Clone(c.Knots)
	}
	all := slices.Clone(sizes)
	if c.Kind == Hinge && c.PerInput > 0 && len(sizes) > 0 {
		corner := int(math.Floor((c.Floor - c.Base) / c.PerInput))
		for _, n := range []int{corner, corner + 1} {
			if n > sizes[0] && n < sizes[len(sizes)-1] {
				all = append(all, n)
			}
		}
	}
	sort.Ints(all)
	var out []Knot
	for _, n := range slices.Compact(all) {
		out = append(out, Knot{n, c.At(n)})
	}
	return out
}

// Candidate is one form that was tried.
type Candidate struct {
	Kind  string
	CV    float64 // mean relative error at sizes that were left out of the fit once
	SE    float64 // standard error of CV
	Worst float64 // largest relative error at a measured size
	curve Curve
}

// Choice is the curve that was chosen and why.
type Choice struct {
	Curve      Curve
	CV         float64 // of the chosen form; NaN with fewer than four sizes
	Worst      float64
	Sizes      []int
	Candidates []Candidate
}

// Tolerated is the largest relative error at a measured size that a formula may have: a table has
// none, and takes its place.
const Tolerated = 0.05

// BatchCurve chooses the form of the time of a batch. Each size stands for its median, which a few
// stragglers do not move, with weight 1/median², so that relative errors count. Each form is fitted
// as often as there are inner sizes, each left out once; the simplest form whose error is within one
// standard error of the best wins, unless it misses a measured size by more than Tolerated.
func BatchCurve(points []Point) (Choice, error) {
	data, err := medians(points)
	if err != nil {
		return Choice{}, err
	}
	c := Choice{CV: math.NaN()}
	for _, k := range data {
		c.Sizes = append(c.Sizes, k.N)
	}
	if len(data) == 1 {
		c.Curve = Curve{Kind: Constant, Base: data[0].T}
		return c, nil
	}
	for _, form := range []struct {
		kind string
		fit  func([]Knot) (Curve, bool)
	}{{Affine, affine}, {Hinge, hinge}, {Table, table}} {
		curve, ok := form.fit(data)
		if !ok {
			continue
		}
		one := Candidate{Kind: form.kind, Worst: worst(curve, data), curve: curve}
		one.CV, one.SE = leaveOneOut(data, form.fit)
		c.Candidates = append(c.Candidates, one)
	}
	best := pick(c.Candidates, 1e-6)
	c.Curve, c.CV, c.Worst = best.curve, best.CV, best.Worst
	return c, nil
}

// pick is the simplest candidate within one standard error of the best, or within the given error of
// it, that no measurement refutes.
func pick(all []Candidate, same float64) Candidate {
	var left []Candidate
	for _, c := range all {
		if c.Worst <= Tolerated || c.Kind == Table {
			left = append(left, c)
		}
	}
	best := left[0]
	for _, c := range left[1:] {
		if c.CV < best.CV {
			best = c
		}
	}
	for _, c := range left {
		if math.IsNaN(c.CV) || c.CV <= best.CV+math.Max(best.SE, same) {
			return c
		}
	}
	return best
}

// medians are the sizes in order with the median of each.
func medians(points []Point) ([]Knot, error) {
	all := map[int][]float64{}
	for _, p := range points {
		if p.N < 1 {
			return nil, fmt.Errorf("a size of %d, where at least 1 is expected", p.N)
		}
		for _, t := range p.Times {
			if !(t > 0) || math.IsInf(t, 0) {
				return nil, fmt.Errorf("a time of %v s at size %d", t, p.N)
			}
		}
		if len(p.Times) > 0 {
			all[p.N] = append(all[p.N], p.Times...)
		}
	}
	if len(all) == 0 {
		return nil, errors.New("nothing was measured")
	}
	out := make([]Knot, 0, len(all))
	for n, times := range all {
		out = append(out, Knot{n, Median(times)})
	}
	slices.SortFunc(out, func(a, b Knot) int { return a.N - b.N })
	return out, nil
}

// Median is the middle value, or the mean of the two middle ones; NaN for none.
func Median(values []float64) float64 {
	n := len(values)
	if n == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

func worst(c Curve, data []Knot) float64 {
	most := 0.0
	for _, k := range data {
		most = math.Max(most, math.Abs(c.At(k.N)/k.T-1))
	}
	return most
}

// leaveOneOut is the mean relative error at inner sizes that the fit did not see, and its standard
// error; NaN with fewer than two inner sizes.
func leaveOneOut(data []Knot, fit func([]Knot) (Curve, bool)) (mean, se float64) {
	var errs []float64
	for i := 1; i < len(data)-1; i++ {
		rest := append(slices.Clone(data[:i]), data[i+1:]...)
		if c, ok := fit(rest); ok {
			errs = append(errs, math.Abs(c.At(data[i].N)/data[i].T-1))
		}
	}
	if len(errs) < 2 {
		return math.NaN(), 0
	}
	n := float64(len(errs))
	for _, e := range errs {
		mean += e / n
	}
	for _, e := range errs {
		se += (e - mean) * (e - mean) / (n - 1) / n
	}
	return mean, math.Sqrt(se)
}

// affine minimises Σ ((a + b n)/t - 1)² with a, b ≥ 0.
func affine(data []Knot) (Curve, bool) {
	if len(data) < 2 {
		return Curve{}, false
	}
	rows, ones := make([][]float64, len(data)), make([]float64, len(data))
	for i, k := range data {
		rows[i], ones[i] = []float64{1 / k.T, float64(k.N) / k.T}, 1
	}
	x := NonNegative(rows, ones)
	return Curve{Kind: Affine, Base: x[0], PerInput: x[1]}, true
}

// hinge is flat up to some size and then affine: every place of the corner is tried.
func hinge(data []Knot) (Curve, bool) {
	best, least := Curve{}, math.Inf(1)
	for k := 1; k <= len(data)-2; k++ {
		weight, floor := 0.0, 0.0
		for _, d := range data[:k] {
			weight, floor = weight+1/d.T, floor+1
		}
		line, _ := line(data[k:])
		c := Curve{Kind: Hinge, Floor: floor / weight, Base: line[0], PerInput: line[1]}
		if c.PerInput <= 0 {
			continue
		}
		loss := 0.0
		for _, d := range data {
			loss += math.Pow(c.At(d.N)/d.T-1, 2)
		}
		if loss < least {
			best, least = c, loss
		}
	}
	return best, !math.IsInf(least, 1)
}

// line is a + b n by relative least squares, with any sign.
func line(data []Knot) ([2]float64, bool) {
	var w, wn, wnn, wt, wnt float64
	for _, k := range data {
		n, q := float64(k.N), 1/(k.T*k.T)
		w, wn, wnn, wt, wnt = w+q, wn+q*n, wnn+q*n*n, wt+q*k.T, wnt+q*n*k.T
	}
	det := w*wnn - wn*wn
	if !(math.Abs(det) > 0) {
		return [2]float64{}, false
	}
	return [2]float64{(wt*wnn - wnt*wn) / det, (w*wnt - wn*wt) / det}, true
}

// table joins neighbours that fall until none does (pool adjacent violators), each pool at its mean.
func table(data []Knot) (Curve, bool) {
	type pool struct {
		sum   float64
		count int
	}
	var pools []pool
	for _, k := range data {
		pools = append(pools, pool{k.T, 1})
		for n := len(pools); n > 1 && pools[n-2].sum/float64(pools[n-2].count) >
			pools[n-1].sum/float64(pools[n-1].count); n = len(pools) {
			pools[n-2].sum += pools[n-1].sum
			pools[n-2].count += pools[n-1].count
			pools = pools[:n-1]
		}
	}
	c := Curve{Kind: Table}
	for _, p := range pools {
		for range p.count {
			c.Knots = append(c.Knots, Knot{data[len(c.Knots)].N, p.sum / float64(p.count)})
		}
	}
	return c, len(c.Knots) > 0
}

// Monotone is the knots without falls: neighbours that fall are pooled at their mean.
func Monotone(knots []Knot) []Knot {
	c, _ := table(knots)
	return c.Knots
}

// Line is base and slope of the affine form, neither negative; false for fewer than two sizes.
func Line(points []Point) (base, slope float64, ok bool) {
	data, err := medians(points)
	if err != nil {
		return 0, 0, false
	}
	c, ok := affine(data)
	return c.Base, c.PerInput, ok
}
