package fit

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Noise is what varies from one request to the next: the distribution of r = time / curve.
type Noise struct {
	CV        float64 // of the lognormal factor: √(exp(σ²) - 1), σ the deviation of ln r
	Mean      float64 // of r; the curve goes through medians, so that it is about exp(σ²/2)
	Lognormal bool    // r is lognormal as far as the samples can tell
	Quantiles []float64
	P99Error  float64 // relative error of the lognormal's p99
	Lag1      float64 // autocorrelation of consecutive requests; the simulator assumes 0
	Spread    float64 // largest ratio of the quartile ranges of two sizes
	Samples   int
}

// Variation is the CV and the Mean of the noise around the curve, without the rest of NewNoise.
func Variation(points []Point, c *Curve) (cv, mean float64) {
	var ratios, logs []float64
	for _, p := range points {
		at := c.At(p.N)
		for _, t := range p.Times {
			ratios, logs = append(ratios, t/at), append(logs, math.Log(t/at))
		}
	}
	if len(ratios) < 2 {
		return 0, 1
	}
	_, sigma := normalOf(logs)
	mean, _ = meanDeviation(ratios)
	return math.Sqrt(math.Expm1(sigma * sigma)), mean
}

// quantileCount is how many quantiles of r are kept, ends included.
const quantileCount = 33

// NewNoise compares the samples with the curve. Samples are in the order in which they were taken.
func NewNoise(points []Point, c *Curve) Noise {
	var ratios, logs, ranges []float64
	lag, lags := 0.0, 0.0
	for _, p := range points {
		at := c.At(p.N)
		one := make([]float64, 0, len(p.Times))
		for _, t := range p.Times {
			one = append(one, t/at)
			logs = append(logs, math.Log(t/at))
		}
		ratios = append(ratios, one...)
		if len(one) >= 20 {
			lag += autocorrelation(one) * float64(len(one))
			lags += float64(len(one))
			sorted := slices.Sorted(slices.Values(one))
			ranges = append(ranges, quantile(sorted, 0.75)-quantile(sorted, 0.25))
		}
	}
	n := Noise{Samples: len(ratios), Mean: 1}
	if len(ratios) < 2 {
		return n
	}
	mean, sigma := normalOf(logs)
	n.CV = math.Sqrt(math.Expm1(sigma * sigma))
	n.Mean, _ = meanDeviation(ratios)
	sorted := slices.Sorted(slices.Values(ratios))
	for i := range quantileCount {
		n.Quantiles = append(n.Quantiles, quantile(sorted, float64(i)/(quantileCount-1)))
	}
	if lags > 0 {
		n.Lag1 = lag / lags
	}
	if len(ranges) > 1 && slices.Min(ranges) > 0 {
		n.Spread = slices.Max(ranges) / slices.Min(ranges)
	}
	p99 := math.Exp(mean + 2.3263*sigma)
	n.P99Error = p99/quantile(sorted, 0.99) - 1
	n.Lognormal = math.Abs(n.P99Error) <= 0.05 && looksNormal(logs, mean, sigma)
	return n
}

// normalOf is the mean and the deviation of a normal distribution: of many values the median and half
// the span of the middle 68 %, which a few stragglers do not move.
func normalOf(values []float64) (mean, sigma float64) {
	if len(values) < 50 {
		return meanDeviation(values)
	}
	sorted := slices.Sorted(slices.Values(values))
	return quantile(sorted, 0.5), (quantile(sorted, 0.8413) - quantile(sorted, 0.1587)) / 2
}

func meanDeviation(values []float64) (mean, deviation float64) {
	n := float64(len(values))
	for _, v := range values {
		mean += v / n
	}
	for _, v := range values {
		deviation += (v - mean) * (v - mean)
	}
	return mean, math.Sqrt(deviation / math.Max(1, n-1))
}

// quantile is linear between order statistics.
func quantile(sorted []float64, p float64) float64 {
	at := p * float64(len(sorted)-1)
	i := min(int(at), len(sorted)-1)
	j := min(i+1, len(sorted)-1)
	return sorted[i] + (sorted[j]-sorted[i])*(at-float64(i))
}

// Quantile is linear between order statistics of unsorted values; NaN for none.
func Quantile(values []float64, p float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	return quantile(slices.Sorted(slices.Values(values)), p)
}

func autocorrelation(values []float64) float64 {
	mean, deviation := meanDeviation(values)
	if deviation == 0 {
		return 0
	}
	sum := 0.0
	for i := 1; i < len(values); i++ {
		sum += (values[i] - mean) * (values[i-1] - mean)
	}
	return sum / (deviation * deviation) / float64(len(values)-1)
}

// looksNormal is the test of Kolmogorov and Smirnov at 5 %. The mean and the deviation were fitted,
// so its critical value comes from samples of a normal distribution that are treated alike (a
// parametric bootstrap, seeded).
func looksNormal(values []float64, mean, sigma float64) bool {
	const most, resamples = 500, 200
	if sigma == 0 {
		return true
	}
	if len(values) > most {
		step := float64(len(values)) / most
		thin := make([]float64, most)
		for i := range thin {
			thin[i] = values[int(float64(i)*step)]
		}
		values = thin
		mean, sigma = normalOf(values)
	}
	observed := distance(values, mean, sigma)
	random := rand.New(rand.NewPCG(1, 2))
	larger := 0
	for range resamples {
		sample := make([]float64, len(values))
		for i := range sample {
			sample[i] = random.NormFloat64()
		}
		m, s := normalOf(sample)
		if distance(sample, m, s) >= observed {
			larger++
		}
	}
	return float64(larger)/resamples > 0.05
}

// distance is the largest between the empirical distribution and a normal one.
func distance(values []float64, mean, sigma float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	most, n := 0.0, float64(len(sorted))
	for i, v := range sorted {
		f := 0.5 * math.Erfc(-(v-mean)/sigma/math.Sqrt2)
		most = math.Max(most, math.Max(f-float64(i)/n, float64(i+1)/n-f))
	}
	return most
}

// Interval is a 95 % interval of a parameter.
type Interval struct{ Low, High float64 }

// Bootstrap is the 95 % intervals of what calculate makes of the points, one for each of its results: the
// runs of each size are drawn again with replacement, and of each drawn run its samples, 200 times, with a
// fixed seed. Each Point is the samples of one run. Results that cannot be calculated are left out by a
// false; nil where fewer than half could.
func Bootstrap(points []Point, calculate func([]Point) ([]float64, bool)) []Interval {
	const resamples = 200
	random := rand.New(rand.NewPCG(3, 4))
	bySize := map[int][]int{}
	for i, p := range points {
		bySize[p.N] = append(bySize[p.N], i)
	}
	var results [][]float64
	count := 0
	for range resamples {
		again := make([]Point, len(points))
		for i, p := range points {
			runs := bySize[p.N]
			from := points[runs[random.IntN(len(runs))]].Times
			again[i] = Point{N: p.N, Times: make([]float64, len(from))}
			for j := range from {
				again[i].Times[j] = from[random.IntN(len(from))]
			}
		}
		values, ok := calculate(again)
		if !ok || results != nil && len(values) != len(results) {
			continue
		}
		if results == nil {
			results = make([][]float64, len(values))
		}
		for i, v := range values {
			results[i] = append(results[i], v)
		}
		count++
	}
	if count < resamples/2 {
		return nil
	}
	out := make([]Interval, len(results))
	for i, all := range results {
		out[i] = Interval{Quantile(all, 0.025), Quantile(all, 0.975)}
	}
	return out
}

// Refit fits the same form of curve to other times of the same sizes; false where it cannot be.
func (c *Curve) Refit(points []Point) (Curve, bool) {
	data, err := medians(points)
	if err != nil {
		return Curve{}, false
	}
	switch c.Kind {
	case Affine:
		return affine(data)
	case Hinge:
		return hinge(data)
	}
	return table(data)
}
