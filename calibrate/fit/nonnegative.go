package fit

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// NonNegative is x ≥ 0 that minimises |A x - b|, by the active-set method of Lawson and Hanson
// (Solving Least Squares Problems, 1974, chapter 23). A has a row for each observation.
func NonNegative(a [][]float64, b []float64) []float64 {
	n := len(a[0])
	x := make([]float64, n)
	free := make([]bool, n)
	for range 10*n + 10 {
		next, most := -1, 0.0
		gradient := gradientOf(a, b, x)
		for j, g := range gradient {
			if !free[j] && g > most*(1+1e-12) && g > 1e-10 {
				next, most = j, g
			}
		}
		if next < 0 {
			return x
		}
		free[next] = true
		for {
			z, ok := leastSquares(a, b, free)
			if !ok {
				free[next] = false
				return x
			}
			step, feasible := 1.0, true
			for j := range z {
				if free[j] && z[j] <= 0 {
					feasible = false
					step = math.Min(step, x[j]/(x[j]-z[j]))
				}
			}
			if feasible {
				x = z
				break
			}
			for j := range x {
				x[j] += step * (z[j] - x[j])
				if free[j] && x[j] <= 1e-15 {
					x[j], free[j] = 0, false
				}
			}
		}
	}
	return x
}

// gradientOf is Aᵀ(b - A x), relative to the length of each column.
func gradientOf(a [][]float64, b, x []float64) []float64 {
	g, length := make([]float64, len(x)), make([]float64, len(x))
	for i, row := range a {
		r := b[i]
		for j, v := range row {
			r -= v * x[j]
		}
		for j, v := range row {
			g[j] += v * r
			length[j] += v * v
		}
	}
	for j := range g {
		if length[j] > 0 {
			g[j] /= math.Sqrt(length[j])
		}
	}
	return g
}

// leastSquares solves for the free columns alone; the others are 0.
func leastSquares(a [][]float64, b []float64, free []bool) ([]float64, bool) {
	var columns []int
	for j, ok := range free {
		if ok {
			columns = append(columns, j)
		}
	}
	rows := len(a)
	if rows < len(columns) {
		return nil, false
	}
	m, scale := mat.NewDense(rows, len(columns), nil), make([]float64, len(columns))
	for k, j := range columns {
		for i := range a {
			scale[k] += a[i][j] * a[i][j]
		}
		scale[k] = math.Sqrt(scale[k])
		for i := range a {
			m.Set(i, k, a[i][j]/scale[k])
		}
	}
	var x mat.VecDense
	if err := x.SolveVec(m, mat.NewVecDense(rows, append([]float64(nil), b...))); err != nil {
		return nil, false
	}
	out := make([]float64, len(free))
	for k, j := range columns {
		out[j] = x.AtVec(k) / scale[k]
	}
	return out, true
}
