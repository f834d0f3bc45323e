package figure

import (
	"image/color"
	"math"
	"slices"

	"github.com/simcap/simcap/report/chart"
)

// frame maps values to places of a plot.
type frame struct {
	box
	e    chart.Extent
	x, y chart.Scale
}

func (f *frame) placeX(v float64) float64 {
	return f.box.x + f.w*chart.Place(f.x, v, f.e.XLow, f.e.XHigh)
}

func (f *frame) placeY(v float64) float64 {
	return f.box.y + f.h*(1-chart.Place(f.y, v, f.e.YLow, f.e.YHigh))
}

// held keeps a place within the plot.
func (f *frame) held(a at) at {
	return at{math.Min(math.Max(a.x, f.box.x), f.box.x+f.w), math.Min(math.Max(a.y, f.box.y), f.box.y+f.h)}
}

func (f *frame) place(x, y float64) at { return f.held(at{f.placeX(x), f.placeY(y)}) }

// yTicks are how many marks an axis of the given height has room for.
func yTicks(height float64) int { return int(math.Min(6, math.Max(3, height/32))) }

func (p *pen) marginXY(c *chart.XY) float64 {
	e := c.Extent()
	l := letters{size: tickSize}
	widest := 0.0
	for _, t := range chart.Ticks(c.Y, e.YLow, e.YHigh, 6) {
		widest = math.Max(widest, p.width(l, t.Label))
	}
	widest += 8
	if c.Y.Label != "" {
		widest += textSize * 1.6
	}
	return widest
}

func (p *pen) xy(c *chart.XY, plot box, axis bool) {
	f := &frame{plot, c.Extent(), c.X.Scale, c.Y.Scale}
	last := p.rightLabel(f, c)
	f.w -= last
	taken := p.regions(f, c.Regions, c.Points)
	p.yAxis(f, c.Y)
	p.xAxis(f, c.X, axis)
	p.areas(f, c.Series)
	for i := range c.Series {
		s := &c.Series[i]
		switch s.Mark {
		case chart.Band:
			p.band(f, s)
		case chart.Column:
			p.columns(f, s)
		}
	}
	for i := range c.Series {
		s := &c.Series[i]
		switch s.Mark {
		case chart.Line, chart.Step:
			p.trace(f, s)
		case chart.Dots:
			p.dots(f, s)
		}
	}
	taken = append(taken, p.rules(f, c.Rules, taken)...)
	taken = append(taken, p.lineNames(f, c, taken)...)
	p.points(f, c, taken)
}

// rightLabel is the room that the last label of the x axis needs beyond the plot.
func (p *pen) rightLabel(f *frame, c *chart.XY) float64 {
	ticks := chart.Ticks(c.X, f.e.XLow, f.e.XHigh, xTicks(f.w))
	if len(ticks) == 0 {
		return 0
	}
	last := ticks[len(ticks)-1]
	over := f.placeX(last.At) + p.width(letters{size: tickSize}, last.Label)/2 - (f.box.x + f.w)
	return math.Max(0, over)
}

func xTicks(width float64) int { return int(math.Min(10, math.Max(2, width/85))) }

// yAxis draws grid lines across the plot with their values on the left.
func (p *pen) yAxis(f *frame, y chart.Axis) {
	side := letters{size: tickSize, color: p.theme.soft, x: 1, y: 0.5}
	last := math.Inf(-1)
	ticks := chart.Ticks(y, f.e.YLow, f.e.YHigh, yTicks(f.h))
	slices.Reverse(ticks)
	for _, t := range ticks {
		h := f.placeY(t.At)
		p.line(stroke{width: 1, color: p.theme.grid}, at{f.box.x, h}, at{f.box.x + f.w, h})
		if h-last >= tickSize*1.2 {
			p.text(at{f.box.x - 8, h}, side, t.Label)
			last = h
		}
	}
	if y.Label != "" {
		l := letters{size: textSize, color: p.theme.soft}
		p.upward(at{f.box.x - p.sideWidth(f, y) - textSize*0.9, f.box.y + f.h/2}, l, p.fit(l, y.Label, f.h))
	}
}

// xAxis draws the lower edge of the plot, with marks, and with values where asked.
func (p *pen) xAxis(f *frame, x chart.Axis, values bool) {
	tick := letters{size: tickSize, color: p.theme.soft, x: 0.5, y: 1}
	bottom, end := f.box.y+f.h, math.Inf(-1)
	for _, t := range chart.Ticks(x, f.e.XLow, f.e.XHigh, xTicks(f.w)) {
		at0 := f.placeX(t.At)
		if x.Scale != chart.Time {
			p.line(stroke{width: 1, color: p.theme.grid}, at{at0, f.box.y}, at{at0, bottom})
		}
		p.line(stroke{width: 1, color: p.theme.axis}, at{at0, bottom}, at{at0, bottom + 4})
		half := p.width(tick, t.Label) / 2
		if values && at0-half > end+6 {
			p.text(at{at0, bottom + 8}, tick, t.Label)
			end = at0 + half
		}
	}
	p.line(stroke{width: 1.3, color: p.theme.axis}, at{f.box.x, bottom}, at{f.box.x + f.w, bottom})
	if values && x.Label != "" {
		l := letters{size: textSize, color: p.theme.soft, x: 0.5, y: 1}
		p.text(at{f.box.x + f.w/2, bottom + 10 + tickSize*1.5}, l, x.Label)
	}
}

// sideWidth is how far the labels of the y axis reach to the left of the plot.
func (p *pen) sideWidth(f *frame, y chart.Axis) float64 {
	widest := 0.0
	for _, t := range chart.Ticks(y, f.e.YLow, f.e.YHigh, yTicks(f.h)) {
		widest = math.Max(widest, p.width(letters{size: tickSize}, t.Label))
	}
	return widest + 8
}

// corners are the places of a series: both ends of its intervals when it is regular, else its points.
// Gaps split it.
func corners(f *frame, s *chart.Series, values chart.Values) [][]at {
	var out [][]at
	var run []at
	stepped := len(s.X) == 0 && s.Width > 0
	for i := range min(s.Len(), len(values)) {
		v := values[i]
		if math.IsNaN(v) {
			if len(run) > 0 {
				out, run = append(out, run), nil
			}
			continue
		}
		x := s.At(i)
		if stepped && s.Mark != chart.Line && s.Mark != chart.Band {
			run = append(run, f.place(x, v), f.place(x+s.Width, v))
			continue
		}
		if s.Mark == chart.Step && len(run) > 0 {
			run = append(run, at{f.place(x, v).x, run[len(run)-1].y})
		}
		run = append(run, f.place(x, v))
	}
	if len(run) > 0 {
		out = append(out, run)
	}
	return out
}

// areas paints running totals from the top down, which leaves no seams between neighbours.
func (p *pen) areas(f *frame, series []chart.Series) {
	var own []*chart.Series
	for i := range series {
		if series[i].Mark == chart.Area {
			own = append(own, &series[i])
		}
	}
	tops := chart.Stack(series)
	base := f.placeY(math.Max(0, f.e.YLow))
	for k := len(tops) - 1; k >= 0; k-- {
		for _, run := range corners(f, own[k], tops[k]) {
			closed := append(append([]at{{run[0].x, base}}, run...), at{run[len(run)-1].x, base})
			p.fill(p.role(own[k].Role), closed...)
		}
	}
}

func (p *pen) band(f *frame, s *chart.Series) {
	alpha := alphaOf(s)
	var upper, lower []at
	paint := func() {
		for i := len(lower) - 1; i >= 0; i-- {
			upper = append(upper, lower[i])
		}
		p.fill(fade(p.role(s.Role), alpha), upper...)
		upper, lower = nil, nil
	}
	for i := range min(s.Len(), len(s.Low)) {
		if math.IsNaN(s.Y[i]) || math.IsNaN(s.Low[i]) {
			paint()
			continue
		}
		x := middle(s, i)
		upper, lower = append(upper, f.place(x, s.Y[i])), append(lower, f.place(x, s.Low[i]))
	}
	paint()
}

// middle is the x at which a line or band shows the i-th value: the middle of its interval.
func middle(s *chart.Series, i int) float64 {
	if len(s.X) == 0 {
		return s.At(i) + s.Width/2
	}
	return s.At(i)
}

func (p *pen) trace(f *frame, s *chart.Series) {
	pen := stroke{width: 2.4, color: p.role(s.Role)}
	if s.Thin {
		pen.width, pen.color = 1.2, fade(pen.color, 0.6)
	}
	if s.Dashed {
		pen.dash = 6
	}
	moved := *s
	if len(s.X) == 0 && s.Mark == chart.Line {
		moved.Start += s.Width / 2
	}
	for _, run := range corners(f, &moved, s.Y) {
		if len(run) == 1 {
			p.dot(run[0], 1.6, pen.color)
			continue
		}
		p.line(pen, run...)
	}
}

func (p *pen) dots(f *frame, s *chart.Series) {
	for i := range s.Len() {
		if !math.IsNaN(s.Y[i]) {
			p.dot(f.place(middle(s, i), s.Y[i]), 3.2, p.role(s.Role))
		}
	}
}

func (p *pen) columns(f *frame, s *chart.Series) {
	base := f.place(f.e.XLow, math.Max(0, f.e.YLow)).y
	for i := range s.Len() {
		if math.IsNaN(s.Y[i]) {
			continue
		}
		from, to := f.place(s.At(i)-0.42, 0).x, f.place(s.At(i)+0.42, 0).x
		top := f.place(s.At(i), s.Y[i]).y
		p.rect(box{from, top, math.Max(1, to-from), base - top}, p.role(s.Role))
	}
}

// regions shades parts of the plot, with their labels in a corner without dots if there is one, and
// returns the
// labels' places.
func (p *pen) regions(f *frame, regions []chart.Region, points []chart.Point) []box {
	var dots []box
	for i := range points {
		d := f.place(points[i].X, points[i].Y)
		dots = append(dots, box{d.x - 6, d.y - 6, 12, 12})
	}
	var taken []box
	or := func(v *float64, otherwise float64) float64 {
		if v == nil {
			return otherwise
		}
		return *v
	}
	for i := range regions {
		r := &regions[i]
		a := f.place(or(r.XFrom, f.e.XLow), or(r.YTo, f.e.YHigh))
		b := f.place(or(r.XTo, f.e.XHigh), or(r.YFrom, f.e.YLow))
		p.rect(box{a.x, a.y, b.x - a.x, b.y - a.y}, fade(p.role(r.Role), 0.1))
		l := letters{size: tickSize, bold: true, color: p.role(r.Role), x: 1}
		w := p.width(l, r.Label)
		if r.Label == "" || b.x-a.x <= w+12 || b.y-a.y <= tickSize*1.6 {
			continue
		}
		name := box{b.x - 6 - w, b.y - 6 - tickSize, w, tickSize}
		for _, corner := range []at{{name.x, name.y}, {name.x, a.y + 6}, {a.x + 6, a.y + 6},
			{a.x + 6, name.y}} {
			if free(box{corner.x, corner.y, w, tickSize}, dots) {
				name.x, name.y = corner.x, corner.y
				break
			}
		}
		p.text(at{name.x + w, name.y + tickSize}, l, r.Label)
		taken = append(taken, name)
	}
	return taken
}

// rules draws limits with their names on a ground of their own, so that data does not hide them, and
// returns the places of both.
func (p *pen) rules(f *frame, rules []chart.Rule, regions []box) []box {
	var shown []*chart.Rule
	var taken []box
	for i := range rules {
		r := &rules[i]
		line := box{f.box.x, f.placeY(r.At) - 1, f.w, 2}
		from, to := at{f.box.x, line.y + 1}, at{f.box.x + f.w, line.y + 1}
		if r.Vertical {
			line = box{f.placeX(r.At) - 1, f.box.y, 2, f.h}
			from, to = at{line.x + 1, f.box.y}, at{line.x + 1, f.box.y + f.h}
		}
		if line.x < f.box.x-2 || line.x > f.box.x+f.w || line.y < f.box.y-2 || line.y > f.box.y+f.h {
			continue
		}
		p.line(stroke{width: 1.6, color: p.role(r.Role), dash: 6}, from, to)
		shown, taken = append(shown, r), append(taken, line)
	}
	for i, r := range shown {
		l := letters{size: tickSize, bold: true, color: p.role(r.Role)}
		b, ok := ruleName(f, taken[i], r.Vertical, p.width(l, r.Label), append(taken, regions...))
		if ok && r.Label != "" {
			taken = append(taken, b)
			p.label(b, l, r.Label)
		}
	}
	return taken
}

// ruleName is a place for the name of a limit, beside its line and on nothing; false where there is none.
func ruleName(f *frame, line box, vertical bool, w float64, taken []box) (box, bool) {
	var places []box
	for row := range 5 {
		down := float64(row) * tickSize * 1.5
		if vertical {
			right := box{line.x + 6, f.box.y + down, w, tickSize}
			left := box{line.x - 4 - w, f.box.y + down, w, tickSize}
			places = append(places, right, left)
			continue
		}
		end := f.box.x + f.w - w - 4 - float64(row)*(w+12)
		places = append(places, box{end, line.y - tickSize - 3, w, tickSize},
			box{end, line.y + 6, w, tickSize})
	}
	for _, b := range places {
		inside := b.x >= f.box.x && b.x+b.w <= f.box.x+f.w && b.y >= f.box.y-2 && b.y+b.h <= f.box.y+f.h
		if inside && free(box{b.x + 1, b.y + 2, b.w - 2, b.h - 4}, taken) {
			return b, true
		}
	}
	return box{}, false
}

// label writes text into a box on a veil of the ground.
func (p *pen) label(b box, l letters, text string) {
	p.rect(box{b.x - 3, b.y - 2, b.w + 6, b.h + 4}, fade(p.theme.ground, 0.8))
	l.x, l.y = 0, 1
	p.text(at{b.x, b.y + (b.h-l.size*capitals)/2}, l, text)
}

func (p *pen) whisker(f *frame, low, high *float64, fixed float64, vertical bool, c color.NRGBA) {
	if low == nil || high == nil {
		return
	}
	a, b := f.place(*low, fixed), f.place(*high, fixed)
	if vertical {
		a, b = f.place(fixed, *low), f.place(fixed, *high)
	}
	p.line(stroke{width: 1.2, color: fade(c, 0.55)}, a, b)
}

// points draws dots with their intervals, the important ones last, and labels where there is room.
func (p *pen) points(f *frame, c *chart.XY, taken []box) {
	for pass := range 2 {
		for i := range c.Points {
			q := &c.Points[i]
			if (q.Label != "" || q.Bold) != (pass == 1) {
				continue
			}
			col := p.role(q.Role)
			p.whisker(f, q.XLow, q.XHigh, q.Y, false, col)
			p.whisker(f, q.YLow, q.YHigh, q.X, true, col)
			radius := 4.0
			if pass == 1 {
				radius = 5
			}
			if q.Bold {
				radius = 7
			}
			p.dot(f.place(q.X, q.Y), radius, col)
		}
	}
	p.pointLabels(f, c, taken)
}

// pointLabels places names beside their dots, the bold ones first, so that none covers a dot, a step of
// the frontier, or another name. One that finds no place is left out.
func (p *pen) pointLabels(f *frame, c *chart.XY, taken []box) {
	for i := range c.Points {
		q := &c.Points[i]
		a := f.place(q.X, q.Y)
		taken = append(taken, box{a.x - 6, a.y - 6, 12, 12})
		if q.XLow != nil && q.XHigh != nil {
			from, to := f.place(*q.XLow, q.Y).x, f.place(*q.XHigh, q.Y).x
			taken = append(taken, box{from, a.y - 1, to - from, 2})
		}
		if q.YLow != nil && q.YHigh != nil {
			from, to := f.place(q.X, *q.YHigh).y, f.place(q.X, *q.YLow).y
			taken = append(taken, box{a.x - 1, from, 2, to - from})
		}
	}
	for i := range c.Series {
		if s := &c.Series[i]; s.Mark == chart.Step || s.Mark == chart.Line {
			for _, run := range corners(f, s, s.Y) {
				taken = append(taken, along(run)...)
			}
		}
	}
	type named struct {
		box
		letters
		text string
	}
	var names []named
	for _, bold := range []bool{true, false} {
		for i := range c.Points {
			q := &c.Points[i]
			if q.Label == "" || q.Bold != bold {
				continue
			}
			l := letters{size: tickSize, bold: bold, color: p.theme.ink}
			from := f.place(q.X, q.Y)
			b, ok := spot(from, p.width(l, q.Label), tickSize, f.box, taken)
			if !ok {
				continue
			}
			taken = append(taken, b)
			names = append(names, named{b, l, q.Label})
			if math.Abs(b.y+b.h/2-from.y) > 22 {
				p.line(stroke{width: 0.8, color: p.theme.axis}, from,
					at{math.Min(math.Max(from.x, b.x), b.x+b.w),
						math.Min(math.Max(from.y, b.y), b.y+b.h)})
			}
		}
	}
	for i := range names {
		p.label(names[i].box, names[i].letters, names[i].text)
	}
}

// along covers a line with small boxes.
func along(run []at) []box {
	var out []box
	for i := 1; i < len(run); i++ {
		a, b := run[i-1], run[i]
		out = append(out, box{math.Min(a.x, b.x) - 1, math.Min(a.y, b.y) - 1, math.Abs(a.x-b.x) + 2,
			math.Abs(a.y-b.y) + 2})
	}
	return out
}

// spot finds a free place for a label of the given size near a dot: first beside it, then around it in
// growing circles.
func spot(from at, w, h float64, room box, taken []box) (box, bool) {
	for radius := 11.0; radius < 80; radius += 9 {
		for k := range 16 {
			angle := -math.Pi/5 + float64(k)*math.Pi/8
			x, y := from.x+radius*math.Cos(angle), from.y+radius*math.Sin(angle)
			b := box{x, y - h/2, w, h}
			if math.Cos(angle) < -0.3 {
				b.x = x - w
			} else if math.Cos(angle) < 0.3 {
				b.x = x - w/2
			}
			if b.x < room.x || b.y < room.y || b.x+b.w > room.x+room.w || b.y+b.h > room.y+room.h {
				continue
			}
			if free(b, taken) {
				return b, true
			}
		}
	}
	return box{}, false
}

func free(b box, taken []box) bool {
	wide := box{b.x - 3, b.y - 3, b.w + 6, b.h + 6}
	for _, t := range taken {
		if wide.overlaps(t) {
			return false
		}
	}
	return true
}
