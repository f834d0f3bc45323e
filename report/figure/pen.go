package figure

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"io"
	"math"
	"strings"
	"sync"

	"codeberg.org/go-fonts/liberation/liberationsansbold"
	"codeberg.org/go-fonts/liberation/liberationsansregular"
	"git.sr.ht/~sbinet/gg"
	xfont "golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/simcap/simcap/report/quantity"
)

// pen draws on a canvas in pixels of 1/96 inch, with y downwards from the top.
type pen struct {
	c      vg.CanvasSizer
	height float64
	fonts  *font.Cache
	theme  *theme
	cuts   map[cut]xfont.Face // for images
}

// cut is a size of a typeface.
type cut struct {
	size float64
	bold bool
}

const pixel = vg.Inch / 96

// at is a place in pixels.
type at struct{ x, y float64 }

// box is a rectangle.
type box struct{ x, y, w, h float64 }

func (b box) overlaps(o box) bool {
	return b.x < o.x+o.w && o.x < b.x+b.w && b.y < o.y+o.h && o.y < b.y+b.h
}

// fontCache holds the two faces of the theme.
func fontCache() (*font.Cache, error) {
	var faces font.Collection
	for _, f := range []struct {
		weight xfont.Weight
		ttf    []byte
	}{{xfont.WeightNormal, liberationsansregular.TTF}, {xfont.WeightBold, liberationsansbold.TTF}} {
		parsed, err := opentype.Parse(f.ttf)
		if err != nil {
			return nil, fmt.Errorf("figure: embedded typeface: %w", err)
		}
		faces = append(faces, font.Face{Font: typeface(f.weight), Face: parsed})
	}
	return font.NewCache(faces), nil
}

func typeface(weight xfont.Weight) font.Font {
	return font.Font{Typeface: "Liberation", Variant: "Sans", Weight: weight}
}

// newPen makes a canvas of the given size in pixels and fills its ground.
func newPen(o Options) (*pen, error) {
	fonts, err := fontCache()
	if err != nil {
		return nil, err
	}
	p := &pen{height: o.Height, fonts: fonts, theme: themeOf(o.Dark), cuts: map[cut]xfont.Face{}}
	w, h := vg.Length(o.Width)*pixel, vg.Length(o.Height)*pixel
	if o.SVG {
		p.c = vgsvg.NewWith(vgsvg.UseWH(w, h))
		p.rect(box{0, 0, o.Width, o.Height}, p.theme.ground)
	} else {
		p.c = p.onImage(o)
	}
	return p, nil
}

// images are used again for the next picture: their memory takes a third of the time that a picture takes.
var images sync.Pool

// onImage is a canvas on an image of the ground's colour.
func (p *pen) onImage(o Options) *vgimg.Canvas {
	dpi := int(96*o.Scale + 0.5)
	size := image.Rect(0, 0, int(o.Width*float64(dpi)/96+0.5), int(o.Height*float64(dpi)/96+0.5))
	img, ok := images.Get().(*image.RGBA)
	if !ok || img.Rect != size {
		img = image.NewRGBA(size)
	}
	ctx := gg.NewContextForRGBA(img)
	ctx.SetLineCapButt()
	ctx.InvertY()
	c := vgimg.NewWith(vgimg.UseImageWithContext(img, ctx), vgimg.UseDPI(dpi))
	draw.Draw(img, size, image.NewUniform(p.theme.ground), image.Point{}, draw.Src)
	return c
}

// writeTo writes the finished figure.
func (p *pen) writeTo(w io.Writer) error {
	var err error
	switch c := p.c.(type) {
	case *vgsvg.Canvas:
		_, err = c.WriteTo(w)
	case *vgimg.Canvas:
		img := c.Image().(*image.RGBA) // of onImage
		err = writePNG(w, img)
		images.Put(img)
	}
	if err != nil {
		return fmt.Errorf("figure: %w", err)
	}
	return nil
}

func (p *pen) point(a at) vg.Point {
	return vg.Point{X: vg.Length(a.x) * pixel, Y: vg.Length(p.height-a.y) * pixel}
}

func (p *pen) path(places []at, closed bool) vg.Path {
	var path vg.Path
	for i, a := range places {
		if i == 0 {
			path.Move(p.point(a))
		} else {
			path.Line(p.point(a))
		}
	}
	if closed {
		path.Close()
	}
	return path
}

// fill fills a polygon.
func (p *pen) fill(c color.NRGBA, places ...at) {
	if len(places) < 3 || c.A == 0 {
		return
	}
	p.c.SetColor(c)
	p.c.Fill(p.path(places, true))
}

func (p *pen) rect(b box, c color.NRGBA) {
	if b.w > 0 && b.h > 0 {
		p.fill(c, at{b.x, b.y}, at{b.x + b.w, b.y}, at{b.x + b.w, b.y + b.h}, at{b.x, b.y + b.h})
	}
}

// stroke is how a line is drawn, in pixels.
type stroke struct {
	width float64
	color color.NRGBA
	dash  float64 // length of dashes; 0: solid
}

func (p *pen) line(s stroke, places ...at) {
	if len(places) < 2 || s.width <= 0 {
		return
	}
	p.c.SetColor(s.color)
	p.c.SetLineWidth(vg.Length(s.width) * pixel)
	if s.dash > 0 {
		d := vg.Length(s.dash) * pixel
		p.c.SetLineDash([]vg.Length{d, d * 0.7}, 0)
	} else {
		p.c.SetLineDash(nil, 0)
	}
	p.c.Stroke(p.path(places, false))
}

// dot draws a disc with a rim in the colour of the ground, which keeps neighbours apart.
func (p *pen) dot(center at, radius float64, c color.NRGBA) {
	for _, d := range []struct {
		r float64
		c color.NRGBA
	}{{radius + 1.2, p.theme.ground}, {radius, c}} {
		var path vg.Path
		middle := p.point(center)
		r := vg.Length(d.r) * pixel
		path.Move(vg.Point{X: middle.X + r, Y: middle.Y})
		path.Arc(middle, r, 0, 2*math.Pi)
		path.Close()
		p.c.SetColor(d.c)
		p.c.Fill(path)
	}
}

// letters is how text is drawn.
type letters struct {
	size  float64 // pixels
	bold  bool
	color color.NRGBA
	x     float64 // which part of the text stands at the place: 0 its left end, 0.5 its middle, 1 its end
	y     float64 // 0: the baseline, 0.5: the middle of small letters' height, 1: the top
}

func (p *pen) face(l letters) font.Face {
	weight := xfont.WeightNormal
	if l.bold {
		weight = xfont.WeightBold
	}
	return p.fonts.Lookup(typeface(weight), vg.Length(l.size)*pixel)
}

// width is how wide a text is, in pixels.
func (p *pen) width(l letters, s string) float64 {
	face := p.face(l)
	return float64(face.Width(s) / pixel)
}

// capitals is the height of capitals as a share of the size, in Liberation Sans.
const capitals = 0.72

func (p *pen) text(a at, l letters, s string) {
	if s == "" {
		return
	}
	a.x -= l.x * p.width(l, s)
	a.y += l.y * capitals * l.size
	if c, ok := p.c.(*vgimg.Canvas); ok {
		p.write(c, a, l, s)
		return
	}
	p.c.SetColor(l.color)
	p.c.FillString(p.face(l), p.point(a), s)
}

// write is text on an image: the same pixels as FillString makes, without its detour by a transformation
// of each letter, which takes a third of the time that a picture takes.
func (p *pen) write(c *vgimg.Canvas, a at, l letters, s string) {
	k := cut{l.size, l.bold}
	if p.cuts[k] == nil {
		face := p.face(l)
		p.cuts[k] = face.FontFace(c.DPI())
	}
	in64ths := func(x float64) fixed.Int26_6 { return fixed.Int26_6(math.Round(64 * x * c.DPI() / 96)) }
	d := xfont.Drawer{Dst: c.Image(), Src: image.NewUniform(l.color), Face: p.cuts[k],
		Dot: fixed.Point26_6{X: in64ths(a.x), Y: in64ths(a.y)}}
	d.DrawString(s)
}

// upward writes text that reads from bottom to top, its middle at the given place.
func (p *pen) upward(a at, l letters, s string) {
	if s == "" {
		return
	}
	middle, face := p.point(a), p.face(l)
	p.c.Push()
	p.c.Translate(middle)
	p.c.Rotate(math.Pi / 2)
	p.c.SetColor(l.color)
	p.c.FillString(face, vg.Point{X: -face.Width(s) / 2, Y: -vg.Length(l.size*capitals/2) * pixel}, s)
	p.c.Pop()
}

// lines breaks text so that no line is wider than given; a word that is wider stands alone.
func (p *pen) lines(l letters, s string, width float64) []string {
	var out []string
	line := ""
	for _, word := range strings.FieldsFunc(quantity.Glue(s), func(r rune) bool { return r == ' ' }) {
		if line != "" && p.width(l, line+" "+word) > width {
			out, line = append(out, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	if line != "" {
		out = append(out, line)
	}
	return out
}

// fit cuts text in its middle until it is not wider than given.
func (p *pen) fit(l letters, s string, width float64) string {
	runes := []rune(s)
	for n := len(runes); n > 1 && p.width(l, s) > width; {
		n--
		s = string(runes[:(n+1)/2]) + "…" + string(runes[len(runes)-n/2:])
	}
	return s
}
