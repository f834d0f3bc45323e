package stats

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"testing"
)

// Counts become the sketch that counts the same values one by one, also when their buckets were emptied
// in between.
func TestCountsAreASketch(t *testing.T) {
	for _, values := range []int{0, 1, ExactValues, ExactValues + 1, 50_000} {
		r := rand.New(rand.NewPCG(uint64(values), 3))
		var want Sketch
		c, sum, since := NewCounts(), 0.0, 0
		low, high := int64(1<<62), int64(-1)
		for i := range values {
			v := r.Int64N(1 << r.IntN(50))
			want.Record(v)
			if bucket := c.Record(v); bucket != Bucket(v) {
				t.Fatalf("%d is in bucket %d", v, bucket)
			}
			if c.Keeps() {
				c.Keep(v)
			}
			sum += float64(v)
			since++
			low, high = min(low, v), max(high, v)
			if i%1000 == 999 {
				if from, to := c.Span(); from != Bucket(low) || to != Bucket(high) {
					t.Fatalf("values from %d to %d span %d to %d", low, high, from, to)
				}
				c.Turn(int64(since))
				since, low, high = 0, 1<<62, -1
			}
			if i == 30_000 {
				c.empty()
			}
		}
		got := c.Sketch(sum)
		if !got.Histogram().Equal(want.Histogram()) || got.Sum() != want.Sum() || got.Max() != want.Max() {
			t.Errorf("%d values: the sketch is another", values)
		}
		for _, q := range []float64{0, 0.1, 0.5, 0.99, 1} {
			x, ok := got.Quantile(q)
			y, known := want.Quantile(q)
			if x != y || ok != known {
				t.Errorf("%d values: quantile %g is %d, want %d", values, q, x, y)
			}
		}
	}
}

// A bucket is what HdrHistogram's layout says, computed with whole numbers.
func TestBucketByWholeNumbers(t *testing.T) {
	want := func(v int64) int {
		e := max(0, bits.Len64(uint64(v))-sketchBits-1)
		return e<<sketchBits + int(uint64(v)>>e)
	}
	check := func(v int64) {
		if v >= 0 && Bucket(v) != want(v) {
			t.Fatalf("%d is in bucket %d, want %d", v, Bucket(v), want(v))
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for e := range 63 {
		for _, near := range []int64{1 << e, 1<<e + 1<<e/128, 1<<e | 1<<e>>1, math.MaxInt64 >> e} {
			for d := range int64(300) {
				check(near + d)
				check(near - d)
			}
		}
		for range 10_000 {
			check(r.Int64N(1 << e))
		}
	}
}
