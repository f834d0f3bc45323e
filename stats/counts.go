package stats

import "math"

// Buckets is the number of buckets of a Sketch and of Counts.
const Buckets = sketchBuckets

// Counts counts values by the buckets of a Sketch, at less cost than a Sketch, which it becomes in the
// end. The zero Counts is not ready: see NewCounts.
type Counts struct {
	buckets   [Buckets]uint32
	low, high int64    // of the values since the last call of Turn
	room      int      // for values that are kept as they are
	min, max  int64    // of the values before the last call of Turn
	held      int64    // values in buckets then, at most
	before    []uint64 // what was taken out of buckets before they could overflow; nil: nothing
	exact     []int64
}

// NewCounts is one that has counted nothing.
func NewCounts() *Counts {
	return &Counts{low: math.MaxInt64, high: -1, min: math.MaxInt64, max: -1, room: ExactValues,
		exact: make([]int64, 0, ExactValues)}
}

// Record counts v ≥ 0 and returns its bucket. While Keeps says so, v must also be given to Keep.
func (c *Counts) Record(v int64) (bucket int) {
	bucket = Bucket(v)
	c.buckets[bucket]++
	if v < c.low {
		c.low = v
	}
	if v > c.high {
		c.high = v
	}
	return bucket
}

// Keeps says whether values are kept as they are, because there are few as yet.
func (c *Counts) Keeps() bool { return c.room > 0 }

// Keep keeps a value as it is. Inlined it would be in the way of all later values.
//
//go:noinline
func (c *Counts) Keep(v int64) {
	c.room--
	c.exact = append(c.exact, v)
}

// Span is the range of buckets, both ends included, of the values since the last call of Turn;
// low > high: there were none.
func (c *Counts) Span() (low, high int) {
	if c.low > c.high {
		return 0, -1
	}
	return Bucket(c.low), Bucket(c.high)
}

// Turn begins a new span. It must be called at least every 2^31 values, with their number.
func (c *Counts) Turn(values int64) {
	c.min, c.max = min(c.min, c.low), max(c.max, c.high)
	c.low, c.high = math.MaxInt64, -1
	if c.held += values; c.held >= 1<<31 {
		c.empty()
	}
}

// empty empties the buckets.
func (c *Counts) empty() {
	if c.before == nil {
		c.before = make([]uint64, Buckets)
	}
	for i, n := range c.buckets {
		c.before[i] += uint64(n)
	}
	c.buckets = [Buckets]uint32{}
	c.held = 0
}

// Sketch is a sketch of all that was counted, the sum of which is given. c must not be used any more.
func (c *Counts) Sketch(sum float64) *Sketch {
	c.Turn(0)
	if c.max < 0 {
		return &Sketch{}
	}
	s := &Sketch{counts: make([]int64, Buckets), sum: sum, min: c.min, max: c.max, exact: c.exact}
	for i, n := range c.buckets {
		s.counts[i] = int64(n)
		if c.before != nil {
			s.counts[i] += int64(c.before[i])
		}
		s.n += s.counts[i]
	}
	return s
}
