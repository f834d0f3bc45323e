package shape

import (
	"math"

	"github.com/simcap/simcap/sim"
	"github.com/simcap/simcap/stats"
)

// counter counts arrivals in windows of one length, one after the other from the first row's instant.
type counter struct {
	length  sim.Time
	window  sim.Time // number of the present one
	n       int64    // arrivals in it
	peak    int64
	peakAt  sim.Time
	moments stats.Moments // of the windows that have passed and are not empty
}

func (c *counter) add(at sim.Time) {
	if now := at / c.length; now != c.window {
		c.close()
		c.window = now
	}
	c.n++
}

// close takes the present window into account. Windows without arrivals are added at the end, all at
// once: the order of values does not matter to their moments.
func (c *counter) close() {
	if c.n > c.peak {
		c.peak, c.peakAt = c.n, c.window*c.length
	}
	if c.n > 0 {
		c.moments.Add(float64(c.n))
	}
	c.n = 0
}

// fewestWindows is how many windows tell a variance.
const fewestWindows = 10

// describe adds the window's peak and index of dispersion. A window that the end of the trace cuts is
// left out; a trace of less than two windows has no peak, which would say no more than its mean.
func (c *counter) describe(s *Shape, span sim.Time, peak bool) {
	whole := int64(span / c.length)
	if c.window < sim.Time(whole) {
		c.close()
	} else if c.n > c.peak {
		c.peak, c.peakAt = c.n, c.window*c.length
	}
	seconds := c.length.Seconds()
	if peak && s.RatePerS > 0 && span >= 2*c.length {
		rate := float64(c.peak) / seconds
		s.Peaks = append(s.Peaks, Peak{WindowS: seconds, RatePerS: rate, OverMean: rate / s.RatePerS,
			AtS: c.peakAt.Seconds()})
	}
	if whole < fewestWindows {
		return
	}
	// With e empty windows beside k counts of mean m and sum of squares q about it, the mean is
	// mk/(k+e) and the sum of squares q + m²ke/(k+e) (Chan, Golub, LeVeque, as in stats.Moments).
	k, m := float64(c.moments.Count()), c.moments.Mean()
	if k == 0 {
		return
	}
	squares := 0.0
	if k > 1 {
		squares = c.moments.Variance() * (k - 1)
	}
	e := float64(whole) - k
	n := k + e
	mean := m * k / n
	variance := (squares + m*m*k*e/n) / (n - 1)
	s.Dispersion = append(s.Dispersion, Dispersion{WindowS: seconds, Windows: whole, IDC: variance / mean})
}

// correlator correlates the counts of minutes with those of earlier minutes:
//
//	r(k) = Σ (x_i - m)(x_{i+k} - m) / Σ (x_i - m)²
//
// with the products Σ x_i x_{i+k} and the first and last k counts, which are all that is left of the
// means when the sum is multiplied out.
type correlator struct {
	minute   sim.Time
	n        float64
	ring     []float64 // the counts of the last minutes, by their number
	first    []float64 // the counts of the first minutes
	products [len(lags)]float64
	sum      float64
	squares  float64
}

func newCorrelator() correlator {
	return correlator{ring: make([]float64, lags[len(lags)-1]+1)}
}

func (c *correlator) add(at sim.Time) {
	now := at / sim.Minute
	for c.minute < now {
		c.close()
		if now-c.minute > sim.Time(2*len(c.ring)) && c.idle() {
			c.minute = now - sim.Time(len(c.ring)) // nothing but zeros lies between
		}
	}
	c.n++
}

// idle says whether the last minutes had no arrivals.
func (c *correlator) idle() bool {
	for _, v := range c.ring {
		if v != 0 {
			return false
		}
	}
	return true
}

func (c *correlator) close() {
	x := c.n
	at := int(c.minute) % len(c.ring)
	c.ring[at] = x
	for i, lag := range lags {
		if int(c.minute) >= lag {
			c.products[i] += x * c.ring[(at-lag+len(c.ring))%len(c.ring)]
		}
	}
	if len(c.first) < len(c.ring) && int(c.minute) == len(c.first) {
		c.first = append(c.first, x)
	}
	c.sum += x
	c.squares += x * x
	c.minute++
	c.n = 0
}

// lags are the correlations at lags of which the trace has at least three times the length.
func (c *correlator) lags(span sim.Time) []Lag {
	whole := span / sim.Minute
	for c.minute < whole {
		c.close()
	}
	out := []Lag{}
	n := float64(whole)
	if n < 10 {
		return out
	}
	mean := c.sum / n
	all := c.squares - n*mean*mean
	if !(all > 0) {
		return out
	}
	for i, lag := range lags {
		if int(whole) < 3*lag {
			break
		}
		head, tail := 0.0, 0.0
		for j := range lag {
			head += c.first[j]
			tail += c.ring[(int(whole)-1-j)%len(c.ring)]
		}
		// Σ over pairs of (x - m)(y - m) = Σ xy - m (Σx + Σy) + (n - k) m².
		pairs := c.products[i] - mean*(2*c.sum-head-tail) + (n-float64(lag))*mean*mean
		out = append(out, Lag{LagS: float64(lag) * 60, Correlation: pairs / all})
	}
	return out
}

// steps are the lengths of a series' steps in seconds: each is a multiple of the one before.
var steps = [...]int64{1, 5, 10, 30, 60, 300, 600, 1800, 3600, 3 * 3600, 6 * 3600, 86400, 7 * 86400,
	70 * 86400}

// mostSteps is how many steps a series has at most; then they are joined to longer ones.
const mostSteps = 20_000

// series counts arrivals in steps that grow with the trace.
type series struct {
	size   int // index of the present length
	counts []float64
}

func newSeries() series { return series{} }

func (s *series) step() sim.Time { return sim.Time(steps[s.size]) * sim.Second }

func (s *series) add(at sim.Time) {
	for at/s.step() >= mostSteps && s.size+1 < len(steps) {
		s.counts = join(s.counts, int(steps[s.size+1]/steps[s.size]))
		s.size++
	}
	i := int(min(at/s.step(), 10*mostSteps))
	for len(s.counts) <= i {
		s.counts = append(s.counts, 0)
	}
	s.counts[i]++
}

// join sums up so many values each.
func join(values []float64, k int) []float64 {
	out := values[:0:0]
	for i, v := range values {
		if i%k == 0 {
			out = append(out, 0)
		}
		out[len(out)-1] += v
	}
	return out
}

// rates are the rates of the steps; the last one may be cut by the end.
func (s *series) rates(span sim.Time) Series {
	out := Series{StepS: s.step().Seconds()}
	for i, n := range s.counts {
		length := min(s.step(), span-sim.Time(i)*s.step())
		if length <= 0 {
			break
		}
		out.PerS = append(out.PerS, n/math.Max(length.Seconds(), 1e-3))
	}
	for sim.Time(len(out.PerS))*s.step() < span && len(out.PerS) < mostSteps {
		out.PerS = append(out.PerS, 0)
	}
	return out
}

// Coarser is the series in steps of at least the given length, as long as it has such steps.
func (s Series) Coarser(stepS float64) Series {
	for _, next := range steps {
		k := int(math.Round(float64(next) / s.StepS))
		if k > 1 && s.StepS < stepS && float64(next) >= stepS &&
			math.Abs(float64(k)*s.StepS-float64(next)) < 1e-9 {
			joined := join(s.PerS, k)
			for i := range joined {
				joined[i] /= float64(min(k, len(s.PerS)-i*k))
			}
			return Series{StepS: float64(next), PerS: joined}
		}
	}
	return s
}
