// Package figure draws descriptions of pictures as PNG and SVG with gonum/plot: one theme, an embedded
// typeface, the same bytes for the same picture.
package figure

import (
	"image/color"
	"math"
	"strconv"
	"strings"

	"github.com/simcap/simcap/report/chart"
	"github.com/simcap/simcap/report/palette"
)

// theme are the colours of a figure.
type theme struct {
	ground, ink, soft, grid, axis color.NRGBA
	roles                         map[chart.Role]color.NRGBA
}

// rgb reads a colour of the palette, #rrggbb.
func rgb(hex string) color.NRGBA {
	v, _ := strconv.ParseUint(strings.TrimPrefix(hex, "#"), 16, 32)
	return color.NRGBA{R: uint8(v >> 16), G: uint8(v >> 8), B: uint8(v), A: 0xff}
}

// fade is a colour with a share of its strength.
func fade(c color.NRGBA, alpha float64) color.NRGBA {
	c.A = uint8(alpha*255 + 0.5)
	return c
}

func themeOf(dark bool) *theme {
	of := palette.Light()
	if dark {
		of = palette.Dark()
	}
	t := &theme{ground: rgb(of.Ground), ink: rgb(of.Ink), soft: rgb(of.Soft), grid: rgb(of.Grid),
		axis: rgb(of.Axis), roles: map[chart.Role]color.NRGBA{}}
	for role, hex := range of.Roles {
		t.roles[role] = rgb(hex)
	}
	return t
}

// heat maps [0, 1] to the scale of heat maps.
func heat(v float64) color.NRGBA {
	var anchors []color.NRGBA
	for _, hex := range palette.Heat() {
		anchors = append(anchors, rgb(hex))
	}
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
		return rgb("#000000")
	}
	return rgb("#ffffff")
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
