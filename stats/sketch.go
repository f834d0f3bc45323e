// Package stats holds the statistics of simulation: estimators that know no model. Standard library
// and gonum only.
package stats

import (
	"math"
	"slices"
)

// Sketch counts non-negative integers (nanoseconds, as the simulator uses it) in buckets of relative
// width 1/128, so that every quantile is within 0.4 % of the nearest-rank one, at 0.5 ns a record and
// in constant memory. Up to ExactValues values it also keeps them all, and is exact. Counts are whole
// numbers: sketches merge without error and in any order. The layout is that of HdrHistogram
// (G. Tene): values below 256 have a bucket each, then 128 buckets for each power of two.
type Sketch struct {
	counts []int64
	n      int64
	min    int64
	max    int64
	sum    float64
	exact  []int64 // all values while there are at most ExactValues
	sorted bool    // exact is in rising order
}

// ExactValues is how many values a sketch keeps as they are.
const ExactValues = 2048

const (
	sketchBits    = 7
	sketchBuckets = (64 - sketchBits) << sketchBits
)

// Bucket is the index of the bucket that holds v ≥ 0.
func Bucket(v int64) int {
	const linear = 2 << sketchBits
	if v < linear {
		return int(v)
	}
	// The exponent of a float64 and the first bits of its mantissa, in one; v &^ v>>53 is not rounded up.
	const one = (1023+sketchBits)<<sketchBits - linear/2
	return int(math.Float64bits(float64(v&^(v>>53)))>>(52-sketchBits)) - one
}

// BucketValue is the middle of a bucket.
func BucketValue(bucket int) int64 {
	if bucket < 2<<sketchBits {
		return int64(bucket)
	}
	e := bucket>>sketchBits - 1
	return int64(bucket-e<<sketchBits)<<e + 1<<e/2
}

// Record counts v; a negative v counts as 0.
func (s *Sketch) Record(v int64) {
	v = max(v, 0)
	if s.counts == nil {
		s.counts = make([]int64, sketchBuckets)
		s.min = math.MaxInt64
		s.exact = make([]int64, 0, ExactValues)
	}
	s.counts[Bucket(v)]++
	s.n++
	s.sum += float64(v)
	if v > s.max {
		s.max = v
	}
	if v < s.min {
		s.min = v
	}
	if s.n <= ExactValues {
		s.exact = append(s.exact, v)
		s.sorted = false
	}
}

// Merge counts all that other has counted.
func (s *Sketch) Merge(other *Sketch) {
	if other.n == 0 {
		return
	}
	if s.counts == nil {
		s.counts = make([]int64, sketchBuckets)
		s.min = math.MaxInt64
	}
	low, high := other.span()
	for i, n := range other.counts[low:high] {
		s.counts[low+i] += n
	}
	s.n += other.n
	s.sum += other.sum
	s.min, s.max = min(s.min, other.min), max(s.max, other.max)
	if s.n <= ExactValues {
		s.exact = append(s.exact, other.exact...)
		s.sorted = false
	}
}

// span is where the counts that are not 0 begin and end.
func (s *Sketch) span() (low, high int) {
	if s.n == 0 {
		return 0, 0
	}
	return Bucket(s.min), Bucket(s.max) + 1
}

// Count is the number of values.
func (s *Sketch) Count() int64 { return s.n }

// Mean is the mean value, NaN without values.
func (s *Sketch) Mean() float64 {
	if s.n == 0 {
		return math.NaN()
	}
	return s.sum / float64(s.n)
}

// Sum is the sum of all values.
func (s *Sketch) Sum() float64 { return s.sum }

// Max is the largest value, 0 without values.
func (s *Sketch) Max() int64 { return s.max }

// Quantile is the nearest-rank q-quantile: the smallest value that a share q of the values does not
// exceed; exact up to ExactValues values, else within 0.4 %. ok is false without values.
func (s *Sketch) Quantile(q float64) (v int64, ok bool) {
	if s.n == 0 {
		return 0, false
	}
	rank := min(max(1, int64(math.Ceil(q*float64(s.n)-1e-9))), s.n)
	if s.n <= ExactValues {
		if !s.sorted {
			slices.Sort(s.exact)
			s.sorted = true
		}
		return s.exact[rank-1], true
	}
	if rank == s.n {
		return s.max, true
	}
	low, high := s.span()
	for i, n := range s.counts[low:high] {
		if rank -= n; rank <= 0 {
			return min(max(BucketValue(low+i), s.min), s.max), true
		}
	}
	return s.max, true
}

// Share is the share of values that do not exceed v, up to the width of a bucket; NaN without values.
func (s *Sketch) Share(v int64) float64 {
	if s.n == 0 {
		return math.NaN()
	}
	below := int64(0)
	if s.n <= ExactValues {
		for _, x := range s.exact {
			if x <= v {
				below++
			}
		}
		return float64(below) / float64(s.n)
	}
	low, high := s.span()
	for i := low; i < min(Bucket(max(v, 0))+1, high); i++ {
		below += s.counts[i]
	}
	return float64(below) / float64(s.n)
}

// Each calls f for every bucket that holds values, in order, with its middle and its count.
func (s *Sketch) Each(f func(value, count int64)) {
	low, high := s.span()
	for i, n := range s.counts[low:high] {
		if n > 0 {
			f(BucketValue(low+i), n)
		}
	}
}
