package stats

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"
)

// Histogram is a sketch at rest: the buckets that hold values, and the values themselves while there
// are at most ExactValues. It takes little memory, never changes, and can be written as text. The
// zero Histogram is empty.
type Histogram struct {
	n, min, max int64
	buckets     []int   // that hold values, rising
	upTo        []int64 // element i: values in buckets[0] to buckets[i]
	exact       []int64 // all values, rising; nil where there are more than ExactValues
}

// Histogram is what the sketch has counted so far.
func (s *Sketch) Histogram() *Histogram {
	h := &Histogram{n: s.n}
	if s.n == 0 {
		return h
	}
	h.min, h.max = s.min, s.max
	if s.n <= ExactValues {
		h.exact = slices.Clone(s.exact)
		slices.Sort(h.exact)
	}
	total := int64(0)
	for bucket, n := range s.counts {
		if n > 0 {
			total += n
			h.buckets = append(h.buckets, bucket)
			h.upTo = append(h.upTo, total)
		}
	}
	return h
}

// Pool joins the values of several histograms; their order makes no difference.
func Pool(parts []*Histogram) *Histogram {
	pool := Sketch{counts: make([]int64, sketchBuckets), min: math.MaxInt64}
	for _, p := range parts {
		if p.n == 0 {
			continue
		}
		before := int64(0)
		for i, bucket := range p.buckets {
			pool.counts[bucket] += p.upTo[i] - before
			before = p.upTo[i]
		}
		pool.n += p.n
		pool.min, pool.max = min(pool.min, p.min), max(pool.max, p.max)
		if pool.n <= ExactValues {
			pool.exact = append(pool.exact, p.exact...)
		}
	}
	return pool.Histogram()
}

// Count is the number of values.
func (h *Histogram) Count() int64 { return h.n }

// Max is the largest value, 0 without values.
func (h *Histogram) Max() int64 { return h.max }

// Quantile is that of the sketch: nearest-rank, within 0.4 %. ok is false without values.
func (h *Histogram) Quantile(q float64) (v int64, ok bool) {
	if h.n == 0 {
		return 0, false
	}
	return h.at(int64(math.Ceil(q*float64(h.n) - 1e-9))), true
}

// at is the value of a rank; ranks beyond the ends are those of the ends.
func (h *Histogram) at(rank int64) int64 {
	rank = min(max(1, rank), h.n)
	switch {
	case h.exact != nil:
		return h.exact[rank-1]
	case rank == h.n:
		return h.max
	}
	i := sort.Search(len(h.upTo), func(i int) bool { return h.upTo[i] >= rank })
	return min(max(BucketValue(h.buckets[i]), h.min), h.max)
}

// upToBucket is the number of values in the buckets up to and including the given one.
func (h *Histogram) upToBucket(bucket int) int64 {
	i := sort.SearchInts(h.buckets, bucket+1)
	if i == 0 {
		return 0
	}
	return h.upTo[i-1]
}

// upToValue is the number of values that do not exceed v, of a histogram that has them all.
func (h *Histogram) upToValue(v int64) int64 {
	return int64(sort.Search(len(h.exact), func(i int) bool { return h.exact[i] > v }))
}

// Equal says whether the two hold the same.
func (h *Histogram) Equal(other *Histogram) bool {
	return h.n == other.n && h.min == other.min && h.max == other.max &&
		slices.Equal(h.buckets, other.buckets) && slices.Equal(h.upTo, other.upTo) &&
		slices.Equal(h.exact, other.exact)
}

// MarshalText writes the histogram in base64: the values, or the buckets with their counts, as
// differences in variable-length integers.
func (h *Histogram) MarshalText() ([]byte, error) {
	b := binary.AppendUvarint(nil, uint64(h.n))
	last := int64(0)
	switch {
	case h.n == 0:
	case h.n <= ExactValues:
		for _, v := range h.exact {
			b = binary.AppendUvarint(b, uint64(v-last))
			last = v
		}
	default:
		b = binary.AppendUvarint(b, uint64(h.min))
		b = binary.AppendUvarint(b, uint64(h.max))
		bucket := 0
		for i := range h.buckets {
			b = binary.AppendUvarint(b, uint64(h.buckets[i]-bucket))
			b = binary.AppendUvarint(b, uint64(h.upTo[i]-last))
			bucket, last = h.buckets[i], h.upTo[i]
		}
	}
	return base64.StdEncoding.AppendEncode(nil, b), nil
}

var errHistogram = errors.New("stats: not a histogram")

// UnmarshalText reads what MarshalText wrote, and refuses anything else.
func (h *Histogram) UnmarshalText(text []byte) error {
	b, err := base64.StdEncoding.AppendDecode(nil, text)
	if err != nil {
		return fmt.Errorf("%w: %w", errHistogram, err)
	}
	failed := false
	next := func() int64 {
		v, n := binary.Uvarint(b)
		if n <= 0 || v > math.MaxInt64 {
			failed = true
			return 0
		}
		b = b[n:]
		return int64(v)
	}
	var s Sketch
	n := next()
	switch {
	case n <= ExactValues:
		last := int64(0)
		for i := int64(0); i < n && !failed; i++ {
			last += next()
			failed = failed || last < 0
			s.Record(last)
		}
	default:
		s = Sketch{counts: make([]int64, sketchBuckets), n: n, min: next(), max: next()}
		first, total, bucket := int64(Bucket(s.min)), int64(0), int64(0)
		for total < n && !failed {
			more := next()
			bucket += more
			rises := total > 0 && more > 0 || total == 0 && bucket == first
			if failed = failed || !rises || bucket < 0 || bucket >= sketchBuckets; failed {
				break
			}
			s.counts[bucket] = next()
			total += s.counts[bucket]
			failed = failed || s.counts[bucket] <= 0 || total < 0
		}
		failed = failed || total != n || s.min > s.max || int64(Bucket(s.max)) != bucket
	}
	if failed || len(b) > 0 {
		return errHistogram
	}
	*h = *s.Histogram()
	return nil
}

// PooledQuantile is the q-quantile of all values of several independent replications, whose pool is
// given too, and its confidence interval. The mean of the replications' own quantiles would be biased: at
// p99 of an M/M/1 queue of utilisation 0.9, with 10,000 inputs each, by -9 %, where pooling leaves -0.5 %.
// The interval is the wider, at either end, of two, both Student's t over R replications:
//
//	[Q(q - h), Q(q + h)]   h: half-width of the jackknifed share of values up to Q(q), see RatioInterval
//	Q(q) exp(± t s/√R)     s² = Σ (ln q(i) - ln Q(q))² / (R - 1), q(i) the quantile of replication i
//
// Q is the pooled quantile function. The first is free of bias, since shares average without any
// (Woodruff: JASA 47, 1952, for clusters of values); the second is sectioning (Asmussen and Glynn:
// Stochastic Simulation, III.5), on logarithms because waiting times have long tails. h is at least
// that of independent values, z √(q(1 - q)/n), so that replications that agree by chance do not make
// a quantile sure, and q ± h goes at most an eighth of the way that is left to 0 and 1: farther out few
// replications would name the largest value of all. Replications that are equal give an interval
// without width, one replication none (NaN).
func PooledQuantile(pool *Histogram, parts []*Histogram, q, level float64) Interval {
	v, ok := pool.Quantile(q)
	if !ok {
		return Interval{math.NaN(), math.NaN(), math.NaN()}
	}
	x := float64(v)
	out := Interval{x, math.NaN(), math.NaN()}
	if len(parts) < 2 {
		return out
	}
	if !slices.ContainsFunc(parts, func(p *Histogram) bool { return !p.Equal(parts[0]) }) {
		return Interval{x, x, x}
	}
	n := float64(pool.n)
	h := NormalQuantile((1+level)/2) * math.Sqrt(q*(1-q)/n)
	h = max(h, shareHalf(parts, pool, v, false, level), shareHalf(parts, pool, v, true, level))
	const beyond = 8
	low, _ := pool.Quantile(max(q-h, q/beyond))
	high, _ := pool.Quantile(min(q+h, 1-(1-q)/beyond))
	factor := math.Exp(sectionHalf(parts, x, q, level))
	return Interval{x, min(float64(low), x/factor), max(float64(high), x*factor)}
}

// sectionHalf is t s/√R of PooledQuantile, of replications that have values; 0 where the quantile is 0.
func sectionHalf(parts []*Histogram, x, q, level float64) float64 {
	sum, n := 0.0, 0.0
	for _, p := range parts {
		own, ok := p.Quantile(q)
		if !ok {
			continue
		}
		n++
		d := math.Log(max(float64(own), 1) / max(x, 1))
		sum += d * d
	}
	if n < 2 || x == 0 {
		return 0
	}
	return StudentQuantile((1+level)/2, n-1) * math.Sqrt(sum/(n-1)/n)
}

// shareHalf is the half-width of the interval of the share of values that do not exceed v, or that lie
// below it, which is another matter where many values are equal.
func shareHalf(parts []*Histogram, pool *Histogram, v int64, below bool, level float64) float64 {
	bucket := Bucket(max(v, 0))
	if below {
		v, bucket = v-1, bucket-1
	}
	hits, all := make([]float64, len(parts)), make([]float64, len(parts))
	for i, p := range parts {
		all[i] = float64(p.n)
		if pool.exact != nil {
			hits[i] = float64(p.upToValue(v))
		} else {
			hits[i] = float64(p.upToBucket(bucket))
		}
	}
	r := RatioInterval(hits, all, level)
	if math.IsNaN(r.Low) {
		return 1
	}
	return (r.High - r.Low) / 2
}
