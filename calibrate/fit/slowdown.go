package fit

import (
	"errors"
	"math"
	"slices"
)

// Load is a server under a number of requests at a time, each sent when another one is answered.
type Load struct {
	Concurrency    int
	ThroughputPerS float64
}

// The forms of a slow-down s(c), the simplest first. s(c) = c X(1) / X(c) is the mean time of a
// request among c of them relative to one alone, by Little's law.
const (
	Overlap  = "overlap"  // 1: the requests do not notice each other
	Serial   = "serial"   // c: one at a time
	Servers  = "servers"  // max(1, c / A): A at a time
	Linear   = "linear"   // 1 + A (c - 1)
	USL      = "usl"      // 1 + A (c - 1) + B c (c - 1): the universal scalability law
	Measured = "measured" // through Knots
)

// Slowdown is how requests that share a server slow each other down.
type Slowdown struct {
	Kind  string
	A, B  float64
	Knots []Knot // s(c) as measured, never falling, from 1 at c = 1; T has no unit
	CV    float64
	Worst float64
}

// At is s(c).
func (s *Slowdown) At(c int) float64 {
	x := float64(c)
	switch s.Kind {
	case Overlap:
		return 1
	case Serial:
		return x
	case Servers:
		return math.Max(1, x/s.A)
	case Linear:
		return 1 + s.A*(x-1)
	case USL:
		return 1 + s.A*(x-1) + s.B*x*(x-1)
	}
	curve := Curve{Kind: Table, Knots: s.Knots}
	return curve.At(c)
}

// throughputError is a relative error that throughputs have in common: all are compared with that of
// one request alone.
const throughputError = 0.01

// NewSlowdown chooses the form of the slow-down from throughputs at several concurrencies, the way
// BatchCurve chooses. It needs the one of a single request.
func NewSlowdown(loads []Load) (Slowdown, error) {
	alone := 0.0
	for _, l := range loads {
		if l.Concurrency == 1 {
			alone = l.ThroughputPerS
		}
	}
	if !(alone > 0) {
		return Slowdown{}, errors.New("the throughput of one request at a time is missing")
	}
	var data []Knot
	for _, l := range loads {
		if !(l.ThroughputPerS > 0) {
			return Slowdown{}, errors.New("a throughput of 0")
		}
		data = append(data, Knot{l.Concurrency, float64(l.Concurrency) * alone / l.ThroughputPerS})
	}
	slices.SortFunc(data, func(a, b Knot) int { return a.N - b.N })
	monotone, _ := table(data)
	best := Slowdown{Kind: Measured, Knots: monotone.Knots, CV: math.NaN()}
	if len(data) < 3 {
		return best, nil
	}
	var all []Slowdown
	var candidates []Candidate
	for _, kind := range []string{Overlap, Serial, Servers, Linear, USL, Measured} {
		one := slowdownOf(kind, data)
		as := func(rest []Knot) (Curve, bool) {
			again := slowdownOf(kind, rest)
			var c Curve
			c.Kind = Table
			for _, k := range data {
				c.Knots = append(c.Knots, Knot{k.N, again.At(k.N)})
			}
			return c, true
		}
		curve, _ := as(data)
		c := Candidate{Kind: kind, Worst: worst(curve, data)}
		c.CV, c.SE = leaveOneOut(data, as)
		if kind == Measured {
			c.Kind = Table
		}
		one.CV, one.Worst, one.Knots = c.CV, c.Worst, monotone.Knots
		all, candidates = append(all, one), append(candidates, c)
	}
	chosen := pick(candidates, throughputError)
	for i := range candidates {
		if candidates[i].Kind == chosen.Kind {
			best = all[i]
		}
	}
	return best, nil
}

// slowdownOf fits one form by relative least squares.
func slowdownOf(kind string, data []Knot) Slowdown {
	s := Slowdown{Kind: kind}
	var rows [][]float64
	var rest []float64
	for _, k := range data {
		c := float64(k.N)
		row := []float64{(c - 1) / k.T}
		if kind == USL {
			row = append(row, c*(c-1)/k.T)
		}
		rows, rest = append(rows, row), append(rest, 1-1/k.T)
	}
	switch kind {
	case Linear:
		s.A = NonNegative(rows, rest)[0]
	case USL:
		x := NonNegative(rows, rest)
		s.A, s.B = x[0], x[1]
	case Servers:
		least := math.Inf(1)
		for k := 1; k <= data[len(data)-1].N; k++ {
			try, loss := Slowdown{Kind: Servers, A: float64(k)}, 0.0
			for _, d := range data {
				loss += math.Pow(try.At(d.N)/d.T-1, 2)
			}
			if loss < least {
				s.A, least = float64(k), loss
			}
		}
	case Measured:
		monotone, _ := table(data)
		s.Knots = monotone.Knots
	}
	return s
}
