package stats

import "math"

// Moments accumulates count, mean and variance of a stream of values in one pass, by the update of
// Welford (Technometrics 4(3), 1962), which does not cancel as Σx² - (Σx)²/n does:
//
//	mean += (x - mean)/n,  m2 += (x - oldMean)(x - mean),  variance = m2/(n - 1).
//
// Of 2, 4, 9 the mean is 5 and the variance 13. The zero Moments is empty.
type Moments struct {
	n        int64
	mean, m2 float64
}

// Add takes a value.
func (m *Moments) Add(x float64) {
	m.n++
	d := x - m.mean
	m.mean += d / float64(m.n)
	m.m2 += d * (x - m.mean)
}

// Merge takes all values of other (Chan, Golub, LeVeque: The American Statistician 37(3), 1983).
func (m *Moments) Merge(other Moments) {
	if other.n == 0 {
		return
	}
	a, b := float64(m.n), float64(other.n)
	d := other.mean - m.mean
	m.n += other.n
	m.mean += d * b / (a + b)
	m.m2 += other.m2 + d*d*a*b/(a+b)
}

// Count is the number of values.
func (m *Moments) Count() int64 { return m.n }

// Mean is the mean value, NaN without values.
func (m *Moments) Mean() float64 {
	if m.n == 0 {
		return math.NaN()
	}
	return m.mean
}

// Variance is the unbiased sample variance, NaN with fewer than two values.
func (m *Moments) Variance() float64 {
	if m.n < 2 {
		return math.NaN()
	}
	return m.m2 / float64(m.n-1)
}

// Deviation is the standard deviation, the root of Variance.
func (m *Moments) Deviation() float64 { return math.Sqrt(m.Variance()) }

// momentsOf are the moments of a list.
func momentsOf(values []float64) Moments {
	var m Moments
	for _, x := range values {
		m.Add(x)
	}
	return m
}
