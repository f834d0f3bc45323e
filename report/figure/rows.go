package figure

import (
	"fmt"
	"math"

	"github.com/simcap/simcap/report/chart"
	"github.com/simcap/simcap/report/quantity"
)

// widest is the width of the widest of some texts, at most the given.
func (p *pen) widest(l letters, texts []string, most float64) float64 {
	w := 0.0
	for _, t := range texts {
		w = math.Max(w, p.width(l, t))
	}
	return math.Min(w, most)
}

func (p *pen) marginBars(b *chart.Bars) float64 {
	var names []string
	for i := range b.Rows {
		names = append(names, b.Rows[i].Label)
	}
	return p.widest(letters{size: textSize}, names, 220) + 10
}

// bars draws stacked rows, with shares inside the parts that have room and notes at the ends.
func (p *pen) bars(b *chart.Bars, plot box) {
	if len(b.Rows) == 0 {
		return
	}
	var notes []string
	for i := range b.Rows {
		notes = append(notes, b.Rows[i].Note)
	}
	small := letters{size: textSize, color: p.theme.ink}
	reach := p.widest(small, notes, 200)
	if reach > 0 {
		reach += 10
	}
	most := 0.0
	for i := range b.Rows {
		most = math.Max(most, total(b.Rows[i].Values))
	}
	if b.Share {
		most = 1
	}
	f := &frame{box{plot.x, plot.y, plot.w - reach, plot.h},
		chart.Extent{XHigh: math.Max(most, 1e-12), YHigh: 1},
		chart.Linear, chart.Linear}
	axis := b.Axis
	if b.Share {
		axis.Kind = quantity.Fraction
	}
	p.xAxis(f, axis, true)
	pitch := plot.h / float64(len(b.Rows))
	height := math.Min(pitch*0.72, 44)
	size := math.Max(7, math.Min(textSize, pitch*0.75)) // many rows have smaller names
	room := math.Min(220, plot.x-10-edge/2)
	for i := range b.Rows {
		y := plot.y + pitch*(float64(i)+0.5)
		name := letters{size: size, color: p.theme.ink, x: 1, y: 0.5}
		p.text(at{plot.x - 10, y}, name, p.fit(name, b.Rows[i].Label, room))
		end := p.bar(f, b, &b.Rows[i], y, height)
		note := letters{size: size, bold: true, color: p.theme.ink, y: 0.5}
		p.text(at{end + 8, y}, note, p.fit(note, b.Rows[i].Note, 200))
	}
}

func total(values chart.Values) float64 {
	sum := 0.0
	for _, v := range values {
		if !math.IsNaN(v) {
			sum += v
		}
	}
	return sum
}

// bar draws one row and returns where it ends.
func (p *pen) bar(f *frame, b *chart.Bars, row *chart.Bar, y, height float64) float64 {
	whole := total(row.Values)
	scale := 1.0
	if b.Share && whole > 0 {
		scale = 1 / whole
	}
	from := 0.0
	for i := range min(len(b.Parts), len(row.Values)) {
		v := row.Values[i]
		if math.IsNaN(v) || v <= 0 {
			continue
		}
		x0, x1 := f.placeX(from), f.placeX(from+v*scale)
		from += v * scale
		col := p.role(b.Parts[i].Role)
		p.rect(box{x0, y - height/2, math.Max(0.5, x1-x0-0.8), height}, col)
		text := quantity.Format(b.Axis.Kind, v)
		if b.Share {
			text = fmt.Sprintf("%.0f%%", 100*v/whole)
		}
		l := letters{size: tickSize, color: inkOn(col), x: 0.5, y: 0.5}
		if p.width(l, text)+8 < x1-x0 && height > tickSize*1.2 {
			p.text(at{(x0 + x1) / 2, y}, l, text)
		}
	}
	return f.placeX(from)
}

func (p *pen) marginLanes(c *chart.Lanes) float64 {
	var names []string
	for i := range c.Rows {
		names = append(names, c.Rows[i].Label)
	}
	margin := p.widest(letters{size: tickSize}, names, 160) + 10
	if c.Label != "" {
		margin += textSize * 1.6
	}
	return margin
}

// lanes draws rows of spans over time; where rows are dense, only some are named.
func (p *pen) lanes(c *chart.Lanes, plot box, last bool) {
	e := chart.Extent{YHigh: 1, XHigh: 1}
	if c.X.Min != nil {
		e.XLow = *c.X.Min
	}
	e.XHigh = e.XLow + 1
	for i := range c.Rows {
		for _, s := range c.Rows[i].Spans {
			e.XHigh = math.Max(e.XHigh, s.To)
		}
	}
	if c.X.Max != nil {
		e.XHigh = math.Max(*c.X.Max, e.XLow+1e-9)
	}
	f := &frame{plot, e, c.X.Scale, chart.Linear}
	p.xAxis(f, c.X, last)
	if len(c.Rows) == 0 {
		return
	}
	if c.Label != "" {
		l := letters{size: textSize, color: p.theme.soft}
		p.upward(at{plot.x - p.marginLanes(c) + textSize, plot.y + plot.h/2}, l, p.fit(l, c.Label, plot.h))
	}
	pitch := plot.h / float64(len(c.Rows))
	every := int(math.Max(1, math.Ceil(tickSize*1.2/pitch)))
	for i := range c.Rows {
		y := plot.y + pitch*float64(i)
		if i%every == 0 {
			l := letters{size: tickSize, color: p.theme.soft, x: 1, y: 0.5}
			p.text(at{plot.x - 8, y + pitch/2}, l, p.fit(l, c.Rows[i].Label, 160))
		}
		for _, s := range c.Rows[i].Spans {
			x0, x1 := f.place(s.From, 0).x, f.place(s.To, 0).x
			high := pitch * 0.84
			if s.High > 0 {
				high *= math.Min(1, s.High)
			}
			p.rect(box{x0, y + pitch*0.92 - high, math.Max(0.8, x1-x0-0.6), high}, p.role(s.Role))
		}
	}
}

func (p *pen) marginHeat(h *chart.Heat) float64 {
	return p.widest(letters{size: tickSize}, h.Rows, 160) + 10 + textSize*1.6
}

// heat draws a table of colours with its values, and a border around the cells that keep the SLO.
func (p *pen) heat(h *chart.Heat, plot box) {
	columns, rows := len(h.Columns), len(h.Rows)
	if columns == 0 || rows == 0 {
		return
	}
	const bar = 84.0
	plot.w -= bar
	low, high := heatRange(h)
	cw, ch := plot.w/float64(columns), plot.h/float64(rows)
	tick := letters{size: tickSize, color: p.theme.soft, x: 1, y: 0.5}
	every := int(math.Max(1, math.Ceil(tickSize*1.3/ch)))
	for y, name := range h.Rows {
		top := plot.y + ch*float64(rows-1-y)
		if y%every == 0 {
			p.text(at{plot.x - 8, top + ch/2}, tick, p.fit(tick, name, 160))
		}
		for x := range columns {
			p.cell(h, x, y, box{plot.x + cw*float64(x), top, cw, ch}, low, high)
		}
	}
	p.heatNames(h, plot, cw)
	p.border(h, plot, cw, ch)
	p.scaleBar(h, box{plot.x + plot.w + 22, plot.y, 14, plot.h}, low, high)
}

func heatRange(h *chart.Heat) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, row := range h.Values {
		for _, v := range row {
			if !math.IsNaN(v) && !math.IsInf(v, 0) && (!h.Log || v > 0) {
				low, high = math.Min(low, v), math.Max(high, v)
			}
		}
	}
	if !(high >= low) {
		return 0, 1
	}
	return low, high
}

func heatPlace(h *chart.Heat, v, low, high float64) float64 {
	if !(high > low) {
		return 0.5
	}
	if h.Log {
		return chart.Place(chart.Log, v, low, high)
	}
	return (v - low) / (high - low)
}

func (p *pen) cell(h *chart.Heat, x, y int, b box, low, high float64) {
	inner := box{b.x + 0.8, b.y + 0.8, b.w - 1.6, b.h - 1.6}
	if y >= len(h.Values) || x >= len(h.Values[y]) || math.IsNaN(h.Values[y][x]) {
		p.rect(inner, p.theme.grid)
		return
	}
	v := h.Values[y][x]
	c := heat(heatPlace(h, v, low, high))
	p.rect(inner, c)
	l := letters{size: tickSize, bold: meets(h, x, y), color: inkOn(c), x: 0.5, y: 0.5}
	text := quantity.Format(h.Kind, v)
	if p.width(l, text)+6 < b.w && b.h > tickSize*1.3 {
		p.text(at{b.x + b.w/2, b.y + b.h/2}, l, text)
	}
}

func meets(h *chart.Heat, x, y int) bool {
	return x >= 0 && y >= 0 && y < len(h.Meets) && x < len(h.Meets[y]) && h.Meets[y][x]
}

func (p *pen) heatNames(h *chart.Heat, plot box, cw float64) {
	tick := letters{size: tickSize, color: p.theme.soft, x: 0.5, y: 1}
	bottom := plot.y + plot.h
	end := math.Inf(-1)
	for x, name := range h.Columns {
		at0 := plot.x + cw*(float64(x)+0.5)
		if half := p.width(tick, name) / 2; at0-half > end+4 {
			p.text(at{at0, bottom + 6}, tick, name)
			end = at0 + half
		}
	}
	l := letters{size: textSize, color: p.theme.soft, x: 0.5, y: 1}
	p.text(at{plot.x + plot.w/2, bottom + 9 + tickSize*1.5}, l, h.XLabel)
	side := p.widest(tick, h.Rows, 160) + 8 + textSize*0.9
	p.upward(at{plot.x - side, plot.y + plot.h/2}, l, p.fit(l, h.YLabel, plot.h))
}

// border draws the exact edges between cells that keep the SLO and those that do not.
func (p *pen) border(h *chart.Heat, plot box, cw, ch float64) {
	pen := stroke{width: 3, color: p.role(chart.SLO)}
	rows := len(h.Rows)
	for y := range rows {
		for x := range h.Columns {
			if !meets(h, x, y) {
				continue
			}
			left, top := plot.x+cw*float64(x), plot.y+ch*float64(rows-1-y)
			if x > 0 && !meets(h, x-1, y) {
				p.line(pen, at{left, top}, at{left, top + ch})
			}
			if x+1 < len(h.Columns) && !meets(h, x+1, y) {
				p.line(pen, at{left + cw, top}, at{left + cw, top + ch})
			}
			if y > 0 && !meets(h, x, y-1) {
				p.line(pen, at{left, top + ch}, at{left + cw, top + ch})
			}
			if y+1 < rows && !meets(h, x, y+1) {
				p.line(pen, at{left, top}, at{left + cw, top})
			}
		}
	}
}

func (p *pen) scaleBar(h *chart.Heat, b box, low, high float64) {
	const steps = 60
	for i := range steps {
		v := (float64(i) + 0.5) / steps
		p.rect(box{b.x, b.y + b.h*(1-float64(i+1)/steps), b.w, b.h/steps + 0.6}, heat(v))
	}
	axis := chart.Axis{Kind: h.Kind}
	if h.Log {
		axis.Scale = chart.Log
	}
	l := letters{size: tickSize, color: p.theme.soft, y: 0.5}
	for _, t := range chart.Ticks(axis, low, high, 4) {
		p.text(at{b.x + b.w + 6, b.y + b.h*(1-heatPlace(h, t.At, low, high))}, l, t.Label)
	}
}
