// Package service says how long work holds its slot: demands of single inputs, batch curves, and the
// slow-down of inputs that share a container. Pure.
package service

import (
	"github.com/simcap/simcap/model/dist"
)

// Config is SPEC section 1.2, as data.
type Config struct {
	Time        dist.Dist `yaml:"time" unit:"time"`        // demand of one input alone; nil: 0
	PerUnit     float64   `yaml:"per_unit" unit:"time"`    // ns added per unit of size
	FirstInput  dist.Dist `yaml:"first_input" unit:"time"` // nil: none
	Batch       *Batch    `yaml:"batch"`
	NoiseCV     float64   `yaml:"-"`           // noise: {cv}
	Concurrency Curve     `yaml:"concurrency"` // L(k) in ns; empty: no slow-down
	Profile     string    `yaml:"profile"`     // file that the other settings were read from, for reports
}

// Batch is the time of a batch of n inputs: B(n).
type Batch struct {
	Points   Curve   `yaml:"points"`                // B(n) in ns; empty: Base + PerInput × n
	Base     float64 `yaml:"base" unit:"time"`      // ns
	PerInput float64 `yaml:"per_input" unit:"time"` // ns
	Units    Units   `yaml:"units"`                 // how sizes combine with PerUnit
}

// Units says how the sizes of a batch's inputs combine.
type Units string

// Sum adds the sizes of a batch; Max takes the largest.
const (
	Sum Units = "sum"
	Max Units = "max"
)

// Curve is a piecewise linear function through points of increasing N, extended by its first and
// last segments; one point is a constant. Times in nanoseconds.
type Curve []CurvePoint

// CurvePoint is one point of a Curve.
type CurvePoint struct {
	N  int
	NS float64
}
