package plan

import "math"

// surrogate interpolates values known at some places by cubic radial basis functions with a linear
// tail,
//
//	f(x) = Σ w(i) |x - x(i)|³ + c(0) + Σ c(k) x(k),
//
// whose weights solve [Φ + λI, P; Pᵀ, 0] [w; c] = [y; 0] (Gutmann: J. Global Optimization 19, 2001).
// λ smooths a little: the values come from simulations. One factorization serves all values.
type surrogate struct {
	places  [][]float64
	weights [][]float64 // by value: one for each place, then constant and slopes
}

const smoothing = 1e-4

// newSurrogate fits values[k][i], value k at place i. It is nil where the places do not determine it.
func newSurrogate(places [][]float64, values [][]float64) *surrogate {
	n, d := len(places), len(places[0])
	size := n + d + 1
	m := make([][]float64, size)
	for i := range m {
		m[i] = make([]float64, size+len(values))
	}
	for i, x := range places {
		for j, y := range places {
			m[i][j] = cube(x, y)
		}
		m[i][i] += smoothing
		m[i][n], m[n][i] = 1, 1
		for k, v := range x {
			m[i][n+1+k], m[n+1+k][i] = v, v
		}
		for k := range values {
			m[i][size+k] = values[k][i]
		}
	}
	for k := range d { // a place coordinate that never varies has no slope
		m[n+1+k][n+1+k] = -1e-9
	}
	if !eliminate(m, size) {
		return nil
	}
	s := &surrogate{places: places, weights: make([][]float64, len(values))}
	for k := range values {
		s.weights[k] = make([]float64, size)
		for i := range size {
			s.weights[k][i] = m[i][size+k]
		}
	}
	return s
}

// eliminate solves the first n columns of m for the others by Gauss and Jordan with row pivots; false
// when they are singular.
func eliminate(m [][]float64, n int) bool {
	for c := range n {
		p := c
		for i := c + 1; i < n; i++ {
			if math.Abs(m[i][c]) > math.Abs(m[p][c]) {
				p = i
			}
		}
		m[c], m[p] = m[p], m[c]
		if math.Abs(m[c][c]) < 1e-14 {
			return false
		}
		pivot := m[c]
		for i := c + 1; i < n; i++ {
			f := m[i][c] / pivot[c]
			if f == 0 {
				continue
			}
			row := m[i]
			for j := c + 1; j < len(row); j++ {
				row[j] -= f * pivot[j]
			}
		}
	}
	for c := n - 1; c >= 0; c-- {
		for j := n; j < len(m[c]); j++ {
			m[c][j] /= m[c][c]
			for i := range c {
				m[i][j] -= m[i][c] * m[c][j]
			}
		}
	}
	return true
}

func cube(x, y []float64) float64 {
	square := 0.0
	for k := range x {
		square += (x[k] - y[k]) * (x[k] - y[k])
	}
	return square * math.Sqrt(square)
}

// at fills out with the values at a place, and gives the distance to the nearest known place.
func (s *surrogate) at(x []float64, out []float64) float64 {
	n := len(s.places)
	for k, w := range s.weights {
		out[k] = w[n]
		for i, v := range x {
			out[k] += w[n+1+i] * v
		}
	}
	nearest := math.Inf(1)
	for i, y := range s.places {
		c := cube(x, y)
		nearest = min(nearest, c)
		for k, w := range s.weights {
			out[k] += w[i] * c
		}
	}
	return math.Cbrt(nearest)
}
