package figure

import (
	"fmt"
	"image/color"
	"io"
	"math"

	"github.com/simcap/simcap/report/chart"
)

// Options say how large a figure is and how it looks.
type Options struct {
	Width, Height float64 // in pixels of 1/96 inch; 0: 800 × 460
	Scale         float64 // device pixels per pixel in PNG files; 0: 2
	Dark          bool
	SVG           bool // SVG instead of PNG
}

// The limits of Options.
const (
	minSize, maxSize   = 200, 8000
	MinScale, MaxScale = 0.5, 8
)

// Complete fills defaults in and says what is out of range.
func (o Options) Complete() (Options, error) {
	if o.Width == 0 {
		o.Width = 800
	}
	if o.Height == 0 {
		o.Height = 460
	}
	if o.Scale == 0 {
		o.Scale = 2
	}
	for _, v := range []float64{o.Width, o.Height} {
		if !(v >= minSize && v <= maxSize) {
			return o, fmt.Errorf("figure: a side of %g pixels; from %d to %d were expected", v,
				minSize, maxSize)
		}
	}
	if !(o.Scale >= MinScale && o.Scale <= MaxScale) {
		return o, fmt.Errorf("figure: a scale of %g; from %g to %d were expected", o.Scale,
			MinScale, MaxScale)
	}
	return o, nil
}

// Bytes is about how much memory it takes to draw a PNG file; 1 if the options are out of range.
func (o Options) Bytes() int {
	o, err := o.Complete()
	if err != nil {
		return 1
	}
	return int(5 * o.Width * o.Height * o.Scale * o.Scale) // an image of 4 bytes a device pixel and one of 1
}

// Picture is one or more charts on one sheet. Several are drawn below each other with a common x axis,
// under the title of the first.
type Picture struct {
	Title    string // "": that of the first chart
	Subtitle string // "": that of the first chart
	Footer   string // scenario, seed, version
	Charts   []chart.Chart
}

// Margins and sizes of type, in pixels.
const (
	edge       = 22.0
	titleSize  = 18.0
	textSize   = 13.0
	tickSize   = 12.0
	footerSize = 10.0
)

// Draw writes the picture. The same picture gives the same bytes.
func Draw(w io.Writer, p Picture, o Options) error {
	fitted := o.Height == 0
	o, err := o.Complete()
	if err != nil {
		return err
	}
	if len(p.Charts) == 0 {
		return fmt.Errorf("figure: a picture without charts")
	}
	if fitted {
		o.Height = fittedHeight(p.Charts, o.Height)
	}
	pen, err := newPen(o)
	if err != nil {
		return err
	}
	rest := pen.header(&p, box{edge, edge, o.Width - 2*edge, o.Height - 2*edge})
	pen.panels(p.Charts, rest)
	return pen.writeTo(w)
}

// fittedHeight is the height that a few bars need; other pictures have the usual one.
func fittedHeight(charts []chart.Chart, usual float64) float64 {
	rows := 0
	for i := range charts {
		if charts[i].Bars == nil {
			return usual
		}
		rows += len(charts[i].Bars.Rows)
	}
	return math.Min(usual, 2*edge+150+64*float64(rows))
}

// header writes title, subtitle, key and footer, and returns the room that is left.
func (p *pen) header(f *Picture, room box) box {
	title, subtitle := f.Title, f.Subtitle
	if title == "" {
		title = f.Charts[0].Title
	}
	if subtitle == "" {
		subtitle = f.Charts[0].Subtitle
	}
	y := room.y
	big := letters{size: titleSize, bold: true, color: p.theme.ink, y: 1}
	for _, line := range p.lines(big, title, room.w) {
		p.text(at{room.x, y}, big, p.fit(big, line, room.w))
		y += titleSize * 1.3
	}
	small := letters{size: textSize, color: p.theme.soft, y: 1}
	for _, line := range p.lines(small, subtitle, room.w) {
		p.text(at{room.x, y + 1}, small, p.fit(small, line, room.w))
		y += textSize * 1.4
	}
	y = p.key(keyOf(f.Charts), room.x, y+6, room.w)
	bottom := room.y + room.h
	if f.Footer != "" {
		foot := letters{size: footerSize, color: p.theme.soft}
		p.text(at{room.x, bottom}, foot, p.fit(foot, f.Footer, room.w))
		bottom -= footerSize * 2
	}
	return box{room.x, y + 10, room.w, math.Max(20, bottom-y-10)}
}

// keyEntry explains one mark.
type keyEntry struct {
	name  string
	role  chart.Role
	line  bool
	alpha float64 // of a band; 0: solid
}

// keyOf gathers what needs explaining: more than one series or part, each once.
func keyOf(charts []chart.Chart) []keyEntry {
	var out []keyEntry
	seen := map[keyEntry]bool{}
	add := func(e keyEntry) {
		if e.name != "" && !seen[e] {
			seen[e] = true
			out = append(out, e)
		}
	}
	for i := range charts {
		c := &charts[i]
		switch {
		case c.XY != nil:
			for k := range c.XY.Series {
				if direct(c.XY) {
					break
				}
				s := &c.XY.Series[k]
				line := s.Mark == chart.Line || s.Mark == chart.Step
				if !s.Thin {
					add(keyEntry{s.Name, s.Role, line, alphaOf(s)})
				}
			}
		case c.Bars != nil:
			for _, part := range c.Bars.Parts {
				add(keyEntry{name: part.Name, role: part.Role})
			}
		case c.Lanes != nil:
			for _, part := range c.Lanes.Parts {
				add(keyEntry{name: part.Name, role: part.Role})
			}
		case c.Grid != nil:
			for _, e := range keyOf(c.Grid.Charts) {
				add(e)
			}
		}
	}
	if len(out) == 1 && len(charts) == 1 {
		return nil // the title says what it is
	}
	return out
}

// key draws the explanation in rows and returns where it ends.
func (p *pen) key(entries []keyEntry, x, y, width float64) float64 {
	l := letters{size: textSize, color: p.theme.ink, y: 0.5}
	left := x
	const swatch, gap = 22.0, 20.0
	for _, e := range entries {
		need := swatch + 7 + p.width(l, e.name) + gap
		if left > x && left+need-gap > x+width {
			left, y = x, y+textSize*1.6
		}
		p.swatch(at{left, y + textSize/2}, e, swatch)
		p.text(at{left + swatch + 7, y + textSize/2}, l, e.name)
		left += need
	}
	if len(entries) > 0 {
		y += textSize * 1.6
	}
	return y
}

func (p *pen) swatch(middle at, e keyEntry, width float64) {
	c := p.role(e.role)
	if e.line {
		p.line(stroke{width: 3, color: c}, at{middle.x, middle.y}, at{middle.x + width, middle.y})
		return
	}
	if e.alpha > 0 {
		c = fade(c, e.alpha)
	}
	p.rect(box{middle.x, middle.y - 6, width, 12}, c)
}

// Strengths of bands.
const (
	faint  = 0.22
	strong = 0.45
)

// alphaOf is the strength of a band, 0 for what is solid.
func alphaOf(s *chart.Series) float64 {
	switch {
	case s.Mark != chart.Band:
		return 0
	case s.Faint:
		return faint
	}
	return strong
}

func (p *pen) role(r chart.Role) color.NRGBA {
	if c, ok := p.theme.roles[r]; ok {
		return c
	}
	return p.theme.roles[chart.Muted]
}

// panels draws charts below each other; those with an x axis share its place and the last writes it.
func (p *pen) panels(charts []chart.Chart, room box) {
	weights, sum := make([]float64, len(charts)), 0.0
	for i := range charts {
		weights[i] = math.Max(1, float64(charts[i].Height))
		if charts[i].Height == 0 {
			weights[i] = 220
		}
		sum += weights[i]
	}
	margin := 0.0
	for i := range charts {
		margin = math.Max(margin, p.margin(&charts[i]))
	}
	margin = math.Min(margin, room.w*0.4)
	const gap = 16.0
	axis := p.axisHeight(&charts[len(charts)-1])
	free := room.h - gap*float64(len(charts)-1) - axis
	y := room.y
	for i := range charts {
		h := free * weights[i] / sum
		last := i == len(charts)-1
		p.panel(&charts[i], box{room.x + margin, y, room.w - margin, h}, last)
		y += h + gap
	}
}

// margin is the room that a chart's labels need on the left of its plot.
func (p *pen) margin(c *chart.Chart) float64 {
	switch {
	case c.XY != nil:
		return p.marginXY(c.XY)
	case c.Bars != nil:
		return p.marginBars(c.Bars)
	case c.Heat != nil:
		return p.marginHeat(c.Heat)
	case c.Lanes != nil:
		return p.marginLanes(c.Lanes)
	}
	return 0
}

// axisHeight is the room that a chart's x axis needs below its plot.
func (p *pen) axisHeight(c *chart.Chart) float64 {
	switch {
	case c.XY != nil && c.XY.X.Label == "", c.Lanes != nil && c.Lanes.X.Label == "", c.Bars != nil:
		return tickSize * 1.8
	case c.Grid != nil:
		return 0
	}
	return tickSize*1.8 + textSize*1.5
}

func (p *pen) panel(c *chart.Chart, plot box, last bool) {
	switch {
	case c.XY != nil:
		p.xy(c.XY, plot, last)
	case c.Bars != nil:
		p.bars(c.Bars, plot)
	case c.Heat != nil:
		p.heat(c.Heat, plot)
	case c.Lanes != nil:
		p.lanes(c.Lanes, plot, last)
	case c.Grid != nil:
		p.grid(c.Grid, plot)
	}
}

// grid draws small multiples, each under its own short title.
func (p *pen) grid(g *chart.Grid, room box) {
	n := len(g.Charts)
	if n == 0 {
		return
	}
	columns := min(max(g.Columns, 1), n)
	rows := (n + columns - 1) / columns
	const gap = 18.0
	w := (room.w - gap*float64(columns-1)) / float64(columns)
	h := (room.h - gap*float64(rows-1)) / float64(rows)
	head := letters{size: textSize, bold: true, color: p.theme.ink, y: 1}
	for i := range g.Charts {
		c := &g.Charts[i]
		x := room.x + float64(i%columns)*(w+gap)
		y := room.y + float64(i/columns)*(h+gap)
		p.text(at{x, y}, head, p.fit(head, c.Title, w))
		top := textSize * 1.5
		p.panels([]chart.Chart{*c}, box{x, y + top, w, h - top})
	}
}
