package figure

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"testing"
)

// An image comes back from its file: exactly where a palette holds its colours, or cannot come near to them;
// where it can come near, frequent colours exactly and every other one nearly.
func TestWritePNG(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	ink := func() color.RGBA {
		return color.RGBA{uint8(r.UintN(256)), uint8(r.UintN(256)), uint8(r.UintN(256)), 255}
	}
	paint := func(at func(x, y int) color.RGBA) *image.RGBA {
		img := image.NewRGBA(image.Rect(0, 0, 160, 90))
		for y := range 90 {
			for x := range 160 {
				img.SetRGBA(x, y, at(x, y))
			}
		}
		return img
	}
	full := make([]color.RGBA, 256)
	for i := range full {
		full[i] = color.RGBA{uint8(i), uint8(255 - i), uint8(i ^ 0x55), 255}
	}
	shaded := func(x, y int) color.RGBA { // two colours, with shades of one into the other at an edge
		switch {
		case x < 80:
			return color.RGBA{10, 20, 30, 255}
		case x > 84:
			return color.RGBA{210, 120, 230, 255}
		}
		share := r.Float64()
		return color.RGBA{uint8(10 + 200*share), uint8(20 + 100*share), uint8(30 + 200*r.Float64()), 255}
	}
	for _, c := range []struct {
		name    string
		img     *image.RGBA
		palette bool
		off     int // at most, of a colour part
	}{
		{"one colour", paint(func(x, y int) color.RGBA { return full[7] }), true, 0},
		{"256 colours", paint(func(x, y int) color.RGBA { return full[(x+y*160)%256] }), true, 0},
		{"shades", paint(shaded), true, closeEnough},
		{"noise", paint(func(x, y int) color.RGBA { return ink() }), false, 0},
	} {
		var b bytes.Buffer
		if err := writePNG(&b, c.img); err != nil {
			t.Fatal(err)
		}
		back, err := png.Decode(&b)
		if err != nil {
			t.Fatal(err)
		}
		if _, paletted := back.(*image.Paletted); paletted != c.palette {
			t.Errorf("%s: a palette: %v, want %v", c.name, paletted, c.palette)
		}
		for y := range 90 {
			for x := range 160 {
				want, got := c.img.RGBAAt(x, y), color.RGBAModel.Convert(back.At(x, y)).(color.RGBA)
				most := c.off
				if x < 80 || x > 84 {
					most = 0
				}
				if apart(want.R, got.R) > most || apart(want.G, got.G) > most || apart(want.B, got.B) > most || got.A != 255 {
					t.Fatalf("%s: (%d, %d) is %v, want %v", c.name, x, y, got, want)
				}
			}
		}
	}
}

func apart(x, y uint8) int { return max(int(x)-int(y), int(y)-int(x)) }
