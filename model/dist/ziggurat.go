package dist

import (
	"math"

	"github.com/simcap/simcap/sim"
)

// The ziggurat method covers a density by layers of equal area; all but one or two draws in a hundred
// need one random word, one table look-up and one multiplication. Marsaglia and Tsang, "The ziggurat
// method for generating random variables" (J. Statistical Software 5(8), 2000); constants r and v for
// 256 layers are theirs.

// ziggurat holds the layers of one density, scaled to 53-bit uniforms.
type ziggurat struct {
	width [256]float64 // x of a layer's edge / 2^53
	inner [256]uint64  // 53-bit values below this lie under the curve for sure
	y     [256]float64 // density at the layer's edge
}

const (
	expR, expV       = 7.697117470131487, 3.949659822581572e-3
	normalR, normalV = 3.6541528853610088, 4.92867323399e-3
	scale53          = 1 << 53
)

var (
	expLayers = newZiggurat(expR, expV, func(x float64) float64 { return math.Exp(-x) },
		func(y float64) float64 { return -math.Log(y) })
	normalLayers = newZiggurat(normalR, normalV, func(x float64) float64 { return math.Exp(-x * x / 2) },
		func(y float64) float64 { return math.Sqrt(-2 * math.Log(y)) })
)

// newZiggurat builds the layers of density f with inverse g, tail edge r and layer area v.
func newZiggurat(r, v float64, f, g func(float64) float64) *ziggurat {
	z := &ziggurat{}
	edge, above := r, r
	base := v / f(r)
	z.inner[0] = uint64(r / base * scale53)
	z.width[0], z.width[255] = base/scale53, r/scale53
	z.y[0], z.y[255] = 1, f(r)
	for i := 254; i >= 1; i-- {
		edge = g(v/edge + f(edge))
		z.inner[i+1] = uint64(edge / above * scale53)
		above = edge
		z.y[i] = f(edge)
		z.width[i] = edge / scale53
	}
	return z
}

// SampleExp is exponential with mean 1.
func SampleExp(luck *sim.Luck) float64 {
	word := luck.Uint64()
	layer, j := word&255, word>>11
	x := float64(j) * expLayers.width[layer]
	if j < expLayers.inner[layer] {
		return x
	}
	return slowExp(luck, layer, x)
}

// FillExp makes draws first, first+1, ... of an exponential with the given mean, as many as out has
// room for: those that SampleExp makes one by one.
func FillExp(stream sim.Stream, first uint64, mean float64, out []float64) {
	z := expLayers
	for i := range out {
		word := stream.First(first + uint64(i))
		layer, j := word&255, word>>11
		x := float64(int64(j)) * z.width[layer] // int64: what is unsigned takes longer to convert
		if j >= z.inner[layer] {
			luck := stream.At(first + uint64(i))
			luck.Uint64()
			x = slowExp(&luck, layer, x)
		}
		out[i] = mean * x
	}
}

// FillExpTimes is FillExp with the draws rounded to whole nanoseconds, as sim.Round does.
func FillExpTimes(stream sim.Stream, first uint64, mean float64, out []sim.Time) {
	if !(mean < 0x1p50) { // 13 days: some draw may be past sim.Never
		for i := range out {
			luck := stream.At(first + uint64(i))
			out[i] = sim.Round(mean * SampleExp(&luck))
		}
		return
	}
	z := expLayers
	for i := range out {
		word := stream.First(first + uint64(i))
		layer, j := word&255, word>>11
		x := float64(int64(j)) * z.width[layer]
		if j >= z.inner[layer] {
			luck := stream.At(first + uint64(i))
			luck.Uint64()
			x = slowExp(&luck, layer, x)
		}
		ns := float64(mean * x) // rounded here on every machine
		t := sim.Time(ns)
		out[i] = t + sim.Time(2*(ns-float64(t)))
	}
}

// WalkExp moves an instant, in whole nanoseconds and a part of one, by the draws of FillExp, one after
// the other, and notes in at where it then is, rounded to nearest, halves up. The instant must stay
// below sim.Never. A processor makes the next draws while it waits for the sum of those before.
func WalkExp(stream sim.Stream, first uint64, mean float64, whole *sim.Time, part *float64, at []sim.Time) {
	z, now, rest := expLayers, *whole, *part
	for i := range at {
		word := stream.First(first + uint64(i))
		layer, j := word&255, word>>11
		x := float64(int64(j)) * z.width[layer]
		if j >= z.inner[layer] {
			luck := stream.At(first + uint64(i))
			luck.Uint64()
			x = slowExp(&luck, layer, x)
		}
		step := rest + float64(mean*x) // rounded twice on every machine
		n := sim.Time(step)
		now += n
		rest = step - float64(n)
		at[i] = now + sim.Time(2*rest)
	}
	*whole, *part = now, rest
}

func slowExp(luck *sim.Luck, layer uint64, x float64) float64 {
	z := expLayers
	for {
		if layer == 0 {
			return expR - math.Log(luck.Open())
		}
		if z.y[layer]+luck.Float64()*(z.y[layer-1]-z.y[layer]) < math.Exp(-x) {
			return x
		}
		word := luck.Uint64()
		layer = word & 255
		x = float64(word>>11) * z.width[layer]
		if word>>11 < z.inner[layer] {
			return x
		}
	}
}

// SampleNormal is standard normal.
func SampleNormal(luck *sim.Luck) float64 {
	z := normalLayers
	for {
		word := luck.Uint64()
		layer, sign, j := word&255, word>>8&1, word>>11
		x := float64(j) * z.width[layer]
		if j >= z.inner[layer] {
			switch {
			case layer == 0:
				x = normalTail(luck)
			case z.y[layer]+luck.Float64()*(z.y[layer-1]-z.y[layer]) >= math.Exp(-x*x/2):
				continue
			}
		}
		if sign == 1 {
			return -x
		}
		return x
	}
}

// normalTail is |Z| given that it exceeds normalR (Marsaglia 1964).
func normalTail(luck *sim.Luck) float64 {
	for {
		x := -math.Log(luck.Open()) / normalR
		y := -math.Log(luck.Open())
		if y+y >= x*x {
			return normalR + x
		}
	}
}
