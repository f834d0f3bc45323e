package figure

import (
	"math"

	"github.com/simcap/simcap/report/chart"
)

// mostDirect is how many lines are named where they run; more are explained above the plot.
const mostDirect = 5

// direct says whether the lines of a picture are named beside themselves, which spares the way to a key and
// back: two to five lines and nothing else that needs a name.
func direct(c *chart.XY) bool {
	lines := 0
	for i := range c.Series {
		s := &c.Series[i]
		switch {
		case s.Thin || s.Name == "":
		case s.Mark != chart.Line || s.Len() < 2:
			return false
		default:
			lines++
		}
	}
	return lines >= 2 && lines <= mostDirect && len(c.Points) == 0
}

// lineNames writes the names of lines beside them, each behind a dash of its colour, where nothing else is.
func (p *pen) lineNames(f *frame, c *chart.XY, taken []box) []box {
	if !direct(c) {
		return nil
	}
	busy := append([]box(nil), taken...)
	for i := range c.Series {
		for _, run := range corners(f, &c.Series[i], c.Series[i].Y) {
			busy = append(busy, pieces(run)...)
		}
	}
	var own []box
	const dash = 16.0
	for i := range c.Series {
		s := &c.Series[i]
		if s.Thin || s.Name == "" {
			continue
		}
		l := letters{size: tickSize, bold: true, color: p.theme.ink}
		name := p.fit(l, s.Name, f.w*0.45)
		w := p.width(l, name) + dash + 5
		b := box{f.box.x + f.w - w - 4, f.box.y + 4 + float64(len(own))*tickSize*1.6, w, tickSize}
		for _, part := range []float64{0.5, 0.6, 0.4, 0.7, 0.3, 0.8, 0.2, 0.9, 0.1, 1} {
			k := int(part * float64(s.Len()-1))
			if math.IsNaN(s.Y[k]) {
				continue
			}
			if free, ok := spot(f.place(s.At(k), s.Y[k]), w, tickSize, f.box, busy); ok {
				b = free
				break
			}
		}
		own, busy = append(own, b), append(busy, b)
		p.label(box{b.x + dash + 5, b.y, b.w - dash - 5, b.h}, l, name)
		middle := b.y + b.h/2
		p.line(stroke{width: 3, color: p.role(s.Role)}, at{b.x, middle}, at{b.x + dash, middle})
	}
	return own
}

// pieces covers a line with boxes that are small even where it is steep and long.
func pieces(run []at) []box {
	var out []box
	for i := 1; i < len(run); i++ {
		a, b := run[i-1], run[i]
		n := int(math.Max(1, math.Hypot(b.x-a.x, b.y-a.y)/8))
		for k := range n {
			from, to := float64(k)/float64(n), float64(k+1)/float64(n)
			x0, x1 := a.x+(b.x-a.x)*from, a.x+(b.x-a.x)*to
			y0, y1 := a.y+(b.y-a.y)*from, a.y+(b.y-a.y)*to
			out = append(out, box{math.Min(x0, x1) - 1, math.Min(y0, y1) - 1, math.Abs(x0-x1) + 2,
				math.Abs(y0-y1) + 2})
		}
	}
	return out
}
