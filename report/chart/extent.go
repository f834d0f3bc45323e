package chart

import (
	"math"
)

// Extent is the range of values that a picture shows.
type Extent struct{ XLow, XHigh, YLow, YHigh float64 }

// span gathers the range of finite values.
type span struct{ low, high float64 }

func newSpan() span { return span{math.Inf(1), math.Inf(-1)} }

func (s *span) add(v float64) {
	if !math.IsNaN(v) && !math.IsInf(v, 0) {
		s.low, s.high = math.Min(s.low, v), math.Max(s.high, v)
	}
}

func (s *span) addPointer(v *float64) {
	if v != nil {
		s.add(*v)
	}
}

// Stack are the running totals of the areas of a picture: element k is the top of the k-th area.
func Stack(series []Series) []Values {
	var out []Values
	var sum Values
	for i := range series {
		if series[i].Mark != Area {
			continue
		}
		top := make(Values, max(len(sum), series[i].Len()))
		copy(top, sum)
		for k := range series[i].Len() {
			if v := series[i].Y[k]; !math.IsNaN(v) {
				top[k] += v
			}
		}
		sum = top
		out = append(out, top)
	}
	return out
}

// Extent is the range that the picture shows: that of its data, with zero on linear axes of values that
// are never negative, with limits that are near, and the bounds that its axes ask for.
func (p *XY) Extent() Extent {
	x, y := newSpan(), newSpan()
	for i := range p.Series {
		s := &p.Series[i]
		for k := range s.Len() {
			x.add(s.At(k))
			if s.Mark != Area {
				y.add(s.Y[k])
			}
			if k < len(s.Low) {
				y.add(s.Low[k])
			}
		}
		if n := s.Len(); n > 0 && len(s.X) == 0 {
			x.add(s.At(n-1) + s.Width)
		}
	}
	for _, top := range Stack(p.Series) {
		for _, v := range top {
			y.add(v)
		}
	}
	for i := range p.Points {
		q := &p.Points[i]
		for _, v := range []*float64{&q.X, q.XLow, q.XHigh} {
			x.addPointer(v)
		}
		for _, v := range []*float64{&q.Y, q.YLow, q.YHigh} {
			y.addPointer(v)
		}
	}
	p.addRules(&x, &y)
	e := Extent{}
	e.XLow, e.XHigh = bounds(&p.X, x, len(p.Points) > 0)
	e.YLow, e.YHigh = bounds(&p.Y, y, len(p.Points) > 0)
	return e
}

// near is how far beyond the data a limit may lie and still be shown.
const near = 2.0

func (p *XY) addRules(x, y *span) {
	for i := range p.Rules {
		r := &p.Rules[i]
		of := y
		if r.Vertical {
			of = x
		}
		if of.high >= of.low && r.At <= of.high*near && r.At >= of.low/near {
			of.add(r.At)
		}
	}
}

// bounds turns a range of data into that of an axis.
func bounds(a *Axis, s span, padded bool) (low, high float64) {
	if n := len(a.Names); n > 0 {
		return -0.5, float64(n) - 0.5
	}
	if !(s.high >= s.low) {
		s.low, s.high = 0, 1
		if a.Scale == Log {
			s.low = 0.1
		}
	}
	switch a.Scale {
	case Log:
		s.high = math.Max(s.high, 1e-12)
		s.low = math.Max(s.low, s.high*1e-9)
		if s.high < s.low*1.05 {
			s.low, s.high = s.low/2, s.high*2
		} else if padded {
			r := math.Pow(s.high/s.low, 0.06)
			s.low, s.high = s.low/r, s.high*r
		}
	case Linear, "":
		if s.low > 0 && (!padded || s.low < 0.7*s.high) {
			s.low = 0
		}
		room := (s.high - s.low) * 0.06
		if padded && s.low != 0 {
			s.low -= room
			if s.low < 0 && s.low+room >= 0 {
				s.low = 0
			}
		}
		s.high += room
	}
	if s.high <= s.low {
		s.high = s.low + 1
	}
	if a.Min != nil {
		s.low = *a.Min
	}
	if a.Max != nil {
		s.high = *a.Max
	}
	if s.high <= s.low {
		s.high = s.low + 1
	}
	return s.low, s.high
}
