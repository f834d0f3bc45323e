// Package figure draws descriptions of pictures as PNG and SVG with gonum/plot: one theme, an embedded
// typeface, the same bytes for the same picture.
package figure

import (
	"image/color"
	"math"

	"github.com/simcap/simcap/report/chart"
)

// theme are the colours of a figure. The categorical ones are those of Okabe and Ito (2008), which
// people with any of the usual kinds of colour blindness tell apart; on dark grounds they are lighter.
type theme struct {
	ground, ink, soft, grid, axis color.NRGBA
	roles                         map[chart.Role]color.NRGBA
}

func rgb(hex uint32) color.NRGBA {
	return color.NRGBA{R: uint8(hex >> 16), G: uint8(hex >> 8), B: uint8(hex), A: 0xff}
}

// fade is a colour with a share of its strength.
func fade(c color.NRGBA, alpha float64) color.NRGBA {
	c.A = uint8(alpha*255 + 0.5)
	return c
}

// Colors are the colours of the roles as #rrggbb, on light or dark ground. The page uses the same.
func Colors(dark bool) map[chart.Role]string {
	const hex = "0123456789abcdef"
	out := map[chart.Role]string{}
	for role, c := range themeOf(dark).roles {
		b := []byte{'#'}
		for _, v := range []uint8{c.R, c.G, c.B} {
			b = append(b, hex[v>>4], hex[v&15])
		}
		out[role] = string(b)
	}
	return out
}

func themeOf(dark bool) *theme {
	blue, sky, green, amber := rgb(0x0072b2), rgb(0x56b4e9), rgb(0x008060), rgb(0xe69f00)
	red, pink, violet, pale, grey := rgb(0xc44e00), rgb(0xcc79a7), rgb(0x7a5fb5), rgb(0xc3cad3), rgb(0x7b8592)
	t := &theme{ground: rgb(0xffffff), ink: rgb(0x1b1f24), soft: rgb(0x59636e), grid: rgb(0xe6e9ed),
		axis: rgb(0xb4bcc6)}
	if dark {
		blue, sky, green, amber = rgb(0x4aa3e0), rgb(0x9fd3f5), rgb(0x3cc79d), rgb(0xf0b436)
		red, pink, violet, pale, grey = rgb(0xff8a4c), rgb(0xe6a3c8), rgb(0xb29ae6), rgb(0x4c5763), rgb(0x9aa5b1)
		t = &theme{ground: rgb(0x14181d), ink: rgb(0xe8ebef), soft: rgb(0xa3adb8), grid: rgb(0x2a3038),
			axis: rgb(0x4a535e)}
	}
	t.roles = map[chart.Role]color.NRGBA{
		chart.Busy: blue, chart.Idle: pale, chart.Starting: amber, chart.Draining: pink,
		chart.Backoff: pink, chart.Cold: amber, chart.Queue: violet, chart.BatchWait: sky, chart.Service: blue,
		chart.Interference: red, chart.Overhead: grey, chart.Latency: blue, chart.Arrivals: green,
		chart.Rejected: red, chart.Cost: green, chart.SLO: red, chart.Good: green, chart.Frontier: blue,
		chart.Dominated: grey, chart.Chosen: red, chart.Muted: grey, chart.C1: blue, chart.C2: amber,
		chart.C3: green, chart.C4: pink, chart.C5: red, chart.C6: violet, chart.C7: sky,
	}
	return t
}

// heat maps [0, 1] to a scale that is even in lightness and reads without colour: the anchors are of
// cividis (Nuñez, Anderton, Renslow 2018).
func heat(v float64) color.NRGBA {
	anchors := []color.NRGBA{rgb(0x00204d), rgb(0x31446b), rgb(0x666870), rgb(0x958f78), rgb(0xcbba69), rgb(0xffea46)}
	if !(v > 0) {
		return anchors[0]
	}
	if v >= 1 {
		return anchors[len(anchors)-1]
	}
	at := v * float64(len(anchors)-1)
	i := int(at)
	mix := func(a, b uint8) uint8 { return uint8(float64(a) + (float64(b)-float64(a))*(at-float64(i)) + 0.5) }
	a, b := anchors[i], anchors[i+1]
	return color.NRGBA{mix(a.R, b.R), mix(a.G, b.G), mix(a.B, b.B), 0xff}
}

// inkOn is black or white, whichever is easier to read on a colour: always a contrast of at least 4.5.
func inkOn(c color.NRGBA) color.NRGBA {
	if luminance(c) > 0.179 {
		return rgb(0x000000)
	}
	return rgb(0xffffff)
}

// luminance is the relative luminance of a colour as WCAG 2 defines it, 0 to 1.
func luminance(c color.NRGBA) float64 {
	part := func(v uint8) float64 {
		s := float64(v) / 255
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return 0.2126*part(c.R) + 0.7152*part(c.G) + 0.0722*part(c.B)
}
