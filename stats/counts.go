package stats

import "math"

// Counts counts values by the buckets of a Sketch, at less cost than a Sketch, which it becomes in the
// end. The zero Counts is not ready: see NewCounts.
type Counts struct {
	buckets   []int64
	low, high int64 // of the values since the last call of Span
	min, max  int64 // of those before
	room      int   // for values that are kept as they are
	exact     []int64
}

// NewCounts is one that has counted nothing.
func NewCounts() *Counts {
	return &Counts{buckets: make([]int64, sketchBuckets), low: math.MaxInt64, high: -1, min: math.MaxInt64,
		room: ExactValues, exact: make([]int64, 0, ExactValues)}
}

// Record counts v ≥ 0 and returns its bucket.
func (c *Counts) Record(v int64) (bucket int) {
	bucket = Bucket(v)
	c.buckets[bucket]++
	if v < c.low {
		c.low = v
	}
	if v > c.high {
		c.high = v
	}
	if c.room > 0 {
		c.room--
		c.exact = append(c.exact, v)
	}
	return bucket
}

// Span is the range of buckets, both ends included, of the values since the last call; low > high: there
// were none.
func (c *Counts) Span() (low, high int) {
	if c.low > c.high {
		return 0, -1
	}
	low, high = Bucket(c.low), Bucket(c.high)
	c.min, c.max = min(c.min, c.low), max(c.max, c.high)
	c.low, c.high = math.MaxInt64, -1
	return low, high
}

// Sketch is a sketch of all that was counted, the sum of which is given. It takes the memory of c, which
// must not be used any more.
func (c *Counts) Sketch(sum float64) *Sketch {
	c.Span()
	s := &Sketch{counts: c.buckets, sum: sum, min: c.min, max: c.max, exact: c.exact}
	low, high := 0, len(c.buckets)
	if c.min <= c.max {
		low, high = Bucket(c.min), Bucket(c.max)+1
	}
	for _, n := range c.buckets[low:high] {
		s.n += n
	}
	return s
}
