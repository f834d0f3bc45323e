package main

import (
	"math"
	"math/bits"
)

// The loops' own random draws: xoshiro256++ (Blackman and Vigna 2019) and a 256-layer ziggurat for
// the exponential (Marsaglia and Tsang 2000), in blocks, as fast as they can be had in Go.

type xoshiro struct{ s [4]uint64 }

func newXoshiro(seed uint64) *xoshiro {
	x := &xoshiro{}
	for i := range x.s {
		seed += 0x9e3779b97f4a7c15
		z := (seed ^ seed>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		x.s[i] = z ^ z>>31
	}
	return x
}

func (x *xoshiro) next() uint64 {
	s := &x.s
	r := bits.RotateLeft64(s[0]+s[3], 23) + s[0]
	t := s[1] << 17
	s[2] ^= s[0]
	s[3] ^= s[1]
	s[1] ^= s[2]
	s[0] ^= s[3]
	s[2] ^= t
	s[3] = bits.RotateLeft64(s[3], 45)
	return r
}

// ziggurat tables: layer i covers [0, x[i]) below f(x[i]).
type ziggurat struct {
	k [256]uint64
	w [256]float64
	f [256]float64
}

var zig = newZiggurat()

func newZiggurat() *ziggurat {
	const r, v = 7.697117470131487, 3.949659822581572e-3
	z := &ziggurat{}
	d, t := r, r
	q := v / math.Exp(-d)
	const m = 1 << 53
	z.k[0], z.k[1] = uint64(d/q*m), 0
	z.w[0], z.w[255] = q/m, d/m
	z.f[0], z.f[255] = 1, math.Exp(-d)
	for i := 254; i >= 1; i-- {
		d = -math.Log(v/d + math.Exp(-d))
		z.k[i+1] = uint64(d / t * m)
		t = d
		z.f[i] = math.Exp(-d)
		z.w[i] = d / m
	}
	return z
}

// exponentials yields draws of a mean in whole nanoseconds.
type exponentials struct {
	rng   *xoshiro
	mean  float64
	block [512]int64
	at    int
}

func newExponentials(seed uint64, meanS float64) *exponentials {
	return &exponentials{rng: newXoshiro(seed), mean: meanS * 1e9, at: 512}
}

func (e *exponentials) next() int64 {
	if e.at == len(e.block) {
		e.fill()
	}
	v := e.block[e.at]
	e.at++
	return v
}

func (e *exponentials) fill() {
	for i := range e.block {
		u := e.rng.next()
		layer, j := u&255, u>>11
		x := float64(j) * zig.w[layer]
		if j >= zig.k[layer] {
			x = e.slow(layer, x)
		}
		e.block[i] = int64(x*e.mean + 0.5)
	}
	e.at = 0
}

func (e *exponentials) slow(layer uint64, x float64) float64 {
	for {
		u := float64(e.rng.next()>>11) * 0x1p-53
		if layer == 0 {
			return 7.697117470131487 - math.Log(1-u)
		}
		if zig.f[layer]+u*(zig.f[layer-1]-zig.f[layer]) < math.Exp(-x) {
			return x
		}
		w := e.rng.next()
		layer = w & 255
		x = float64(w>>11) * zig.w[layer]
		if w>>11 < zig.k[layer] {
			return x
		}
	}
}
