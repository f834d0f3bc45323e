// Package service says how long work holds its slot: demands of single inputs, batch curves, and the
// slow-down of inputs that share a container. Pure.
package service

import (
	"fmt"
	"math"

	"github.com/simcap/simcap/model/dist"
	"github.com/simcap/simcap/sim"
)

// Config is how long an input or batch holds its slot, as data.
type Config struct {
	Time        dist.Dist `yaml:"time" unit:"time"`        // demand of one input alone; nil: 0
	PerUnit     float64   `yaml:"per_unit" unit:"time"`    // ns added per unit of size
	FirstInput  dist.Dist `yaml:"first_input" unit:"time"` // nil: none
	Batch       *Batch    `yaml:"batch"`
	NoiseCV     float64   `yaml:"-"`           // noise: {cv}
	Concurrency Curve     `yaml:"concurrency"` // L(k) in ns; empty: no slow-down
	Profile     string    `yaml:"profile"`     // file that the settings were read from, for reports
	LLM         *LLM      `yaml:"-"`           // llm: continuous batching instead of the above; nil: none
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

// MostNoise is the largest coefficient of variation of the noise factor.
const MostNoise = 10

// Noise draws the factor of a demand: lognormal with mean 1 and coefficient of variation cv,
// exp(σZ - σ²/2) with σ² = ln(1 + cv²) and Z standard normal. With cv 0 it is 1.
func Noise(cv float64, luck *sim.Luck) float64 {
	variance := math.Log1p(cv * cv)
	return math.Exp(math.Sqrt(variance)*dist.SampleNormal(luck) - variance/2)
}

// Validate checks the settings for batches of up to maxBatch inputs and up to maxConcurrency items
// in service together. Errors begin with the key that is wrong.
func (c *Config) Validate(maxBatch, maxConcurrency int) error {
	for _, d := range []struct {
		key string
		law dist.Dist
	}{{"time", c.Time}, {"first_input", c.FirstInput}} {
		if d.law == nil {
			continue
		}
		if err := d.law.Validate(); err != nil {
			return fmt.Errorf("%s: %w", d.key, err)
		}
	}
	if err := span("per_unit", c.PerUnit); err != nil {
		return err
	}
	if !(c.NoiseCV >= 0 && c.NoiseCV <= MostNoise) {
		return fmt.Errorf("noise.cv: %v, where a number from 0 to %d is expected", c.NoiseCV,
			MostNoise)
	}
	if c.Batch != nil {
		if err := c.Batch.validate(max(1, maxBatch)); err != nil {
			return fmt.Errorf("batch: %w", err)
		}
	}
	if err := c.Concurrency.validate(max(1, maxConcurrency), false); err != nil {
		return fmt.Errorf("concurrency: %w", err)
	}
	if c.LLM != nil {
		if err := c.LLM.Validate(); err != nil {
			return fmt.Errorf("llm.%w", err)
		}
	}
	return nil
}

// span checks a time in ns.
func span(key string, ns float64) error {
	if !(ns >= 0) || math.IsInf(ns, 0) {
		return fmt.Errorf("%s: a time of at least 0 is expected", key)
	}
	return nil
}
