package figure

import (
	"cmp"
	"encoding/binary"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"slices"
	"sync"
)

// A chart has few colours, and shades of them where edges are smoothed. A PNG file with a palette of 256
// is half as large as one of true colours, and written in a fifth of the time.

const (
	// mostColors is how many a palette of PNG holds.
	mostColors = 256
	// mostShades is how many colours of an image are not yet too many for a palette to be tried.
	mostShades = 1 << 14
	// closeEnough is how far, as a distance in RGB of 0 to 255 each, a shade may be from that of the
	// palette which stands for it: nobody sees that in a pixel of an edge.
	closeEnough = 12
)

// shade is a colour of an opaque image, its bytes in the order of the image, and how many pixels have it.
type shade struct {
	rgba  uint32
	count int
}

func (s shade) parts() (r, g, b int) {
	return int(s.rgba & 0xff), int(s.rgba >> 8 & 0xff), int(s.rgba >> 16 & 0xff)
}

// distance is the square of that between two colours.
func (s shade) distance(o shade) int {
	r, g, b := s.parts()
	x, y, z := o.parts()
	return (r-x)*(r-x) + (g-y)*(g-y) + (b-z)*(b-z)
}

// encoders holds what an encoder needs besides the image, to be used again.
var encoders encoderPool

type encoderPool struct{ sync.Pool }

// Get and Put implement png.EncoderBufferPool.
func (p *encoderPool) Get() *png.EncoderBuffer {
	b, _ := p.Pool.Get().(*png.EncoderBuffer)
	return b
}

func (p *encoderPool) Put(b *png.EncoderBuffer) { p.Pool.Put(b) }

// writePNG writes an opaque image: with a palette where that looks the same, else in true colours.
func writePNG(w io.Writer, img *image.RGBA) error {
	e := png.Encoder{CompressionLevel: png.BestSpeed, BufferPool: &encoders}
	all := shades(img)
	places, palette, ok := reduce(all)
	if !ok {
		return e.Encode(w, img)
	}
	return e.Encode(w, indexed(img, places, palette))
}

// pixels calls f for every run of pixels of one colour: where it begins, where the next one does.
func pixels(pix []uint8, f func(rgba uint32, from, to int)) {
	if len(pix) < 4 {
		return
	}
	from, last := 0, binary.LittleEndian.Uint32(pix)
	for i := 4; i+4 <= len(pix); i += 4 {
		for twice := uint64(last)<<32 | uint64(last); i+8 <= len(pix); i += 8 {
			if binary.LittleEndian.Uint64(pix[i:]) != twice {
				break
			}
		}
		if i+4 > len(pix) {
			break
		}
		if v := binary.LittleEndian.Uint32(pix[i:]); v != last {
			f(last, from/4, i/4)
			from, last = i, v
		}
	}
	f(last, from/4, len(pix)/4)
}

// shades are the colours of the image, the most frequent first.
func shades(img *image.RGBA) []shade {
	counts := map[uint32]int{}
	pixels(img.Pix, func(rgba uint32, from, to int) { counts[rgba] += to - from })
	all := make([]shade, 0, len(counts))
	for rgba, n := range counts {
		all = append(all, shade{rgba, n})
	}
	slices.SortFunc(all, func(x, y shade) int {
		return cmp.Or(cmp.Compare(y.count, x.count), cmp.Compare(x.rgba, y.rgba))
	})
	return all
}

// reduce chooses a palette for the colours and each one's place in it. One colour after the other is
// taken, always that which its nearest one in the palette stands for worst: by the sixth power of the
// distance, so that frequent colours are exact and rare ones not far off. It says no where one is.
func reduce(all []shade) (places map[uint32]uint8, palette color.Palette, ok bool) {
	if len(all) > mostShades {
		return nil, nil, false
	}
	nearest := make([]uint8, len(all))
	off := make([]int, len(all)) // distance to the nearest one
	for i := range off {
		off[i] = math.MaxInt32
	}
	for next := 0; len(palette) < min(mostColors, len(all)); {
		taken, worst := all[next], -1.0
		r, g, b := taken.parts()
		palette = append(palette, color.RGBA{uint8(r), uint8(g), uint8(b), 255})
		for i := range all {
			if d := taken.distance(all[i]); d < off[i] {
				off[i], nearest[i] = d, uint8(len(palette)-1)
			}
			d := float64(off[i])
			if bad := d * d * d * float64(all[i].count); bad > worst {
				next, worst = i, bad
			}
		}
	}
	places = make(map[uint32]uint8, len(all))
	for i := range all {
		if off[i] > closeEnough*closeEnough {
			return nil, nil, false
		}
		places[all[i].rgba] = nearest[i]
	}
	return places, palette, true
}

// indexed is the image with the palette.
func indexed(img *image.RGBA, places map[uint32]uint8, palette color.Palette) *image.Paletted {
	out := image.NewPaletted(img.Rect, palette)
	pixels(img.Pix, func(rgba uint32, from, to int) {
		if place := places[rgba]; place != 0 {
			for i := from; i < to; i++ {
				out.Pix[i] = place
			}
		}
	})
	return out
}
