package service

import (
	"errors"
	"fmt"
	"math"
)

// Curve is a piecewise linear function through points of increasing N, extended by its first and
// last segments; one point is a constant. Times in nanoseconds.
type Curve []CurvePoint

// CurvePoint is one point of a Curve.
type CurvePoint struct {
	N  int
	NS float64
}

// At is the curve at n, in nanoseconds, for a curve of at least one point: between the points
// (n0, t0) and (n1, t1) it is t0 + (t1 - t0)(n - n0)/(n1 - n0). With 12 ms at 1 and 31 ms at 8 it
// is 22.857143 ms at 5.
func (c Curve) At(n int) float64 {
	if len(c) == 1 {
		return c[0].NS
	}
	i := 0
	for i < len(c)-2 && n > c[i+1].N {
		i++
	}
	a, b := c[i], c[i+1]
	return a.NS + (b.NS-a.NS)*float64(n-a.N)/float64(b.N-a.N)
}

// Speed is the speed v(k) = L(1)/L(k) at which each of k concurrent items progresses, relative to
// one alone, where L is the curve; 1 for an empty curve.
func (c Curve) Speed(k int) float64 {
	if len(c) == 0 {
		return 1
	}
	return c.At(1) / c.At(k)
}

// Beyond says whether n lies outside the points that were measured, so that At extrapolates.
// A single point speaks for every n.
func (c Curve) Beyond(n int) bool {
	return len(c) > 1 && (n < c[0].N || n > c[len(c)-1].N)
}

// validate checks the points, and that the curve is a time for every n from 1 to most: above 0
// (or at least 0, where zero is allowed) and finite. A straight line cannot leave and return, so
// each segment is looked at once at either end of its range.
func (c Curve) validate(most int, zero bool) error {
	for i, p := range c {
		if p.N < 1 {
			return fmt.Errorf("a point stands at %d, and must be at 1 or above", p.N)
		}
		if i > 0 && p.N <= c[i-1].N {
			return fmt.Errorf("the points must rise: %d comes after %d", p.N, c[i-1].N)
		}
		if math.IsNaN(p.NS) || math.IsInf(p.NS, 0) || p.NS < 0 || p.NS == 0 && !zero {
			return fmt.Errorf("the time at %d is not a time above 0", p.N)
		}
	}
	if len(c) == 0 {
		return nil
	}
	for _, n := range []int{1, most} {
		if t := c.At(n); !(t > 0 || zero && t == 0) || math.IsInf(t, 0) {
			return fmt.Errorf("the curve, extended by its nearest segment, falls to %.3g s at %d: "+
				"add a point there", t/1e9, n)
		}
	}
	return nil
}

// At is B(n), the time of a batch of n inputs in nanoseconds: the curve through Points, or without
// points Base + PerInput × n.
func (b *Batch) At(n int) float64 {
	if len(b.Points) > 0 {
		return b.Points.At(n)
	}
	return b.Base + b.PerInput*float64(n)
}

func (b *Batch) validate(most int) error {
	if len(b.Points) > 0 && (b.Base != 0 || b.PerInput != 0) {
		return errors.New("give points, or base and per_input, not both")
	}
	if b.Units != "" && b.Units != Sum && b.Units != Max {
		return fmt.Errorf("units: %q, where sum or max is expected", b.Units)
	}
	if err := span("base", b.Base); err != nil {
		return err
	}
	if err := span("per_input", b.PerInput); err != nil {
		return err
	}
	if math.IsInf(b.Base+b.PerInput*float64(most), 0) {
		return errors.New("base and per_input are too large")
	}
	return b.Points.validate(most, true)
}
