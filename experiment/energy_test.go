package experiment_test

import (
	"context"
	"math"
	"testing"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/scenarios"
)

// The energy of a run without chance, by hand: 4 inputs at once every second for 100 s in batches of 4,
// 20 ms each, on one container. 100 batches × (2 J + 4 × 0.5 J) = 400 J, and 98 s idle at 30 W = 2,940 J;
// at 360 g/kWh that is 3,340 / 3.6e6 × 360 = 0.334 g.
func TestEnergy(t *testing.T) {
	profile := "simcap_profile: 1\nservice: {batch: {points: {1: 5ms, 4: 20ms}}}\nenergy: {joules_per_batch: 2, joules_per_input: 0.5, idle_watts: 30}\n"
	text := "simcap: 1\nname: e\nhorizon: 100s\nplatform: none\ncarbon_intensity: 360\nfunctions:\n  f: {min_containers: 1, max_containers: 1, " +
		"service: {profile: p}, batched: {max_batch_size: 4, wait_ms: 0}}\nworkloads:\n  - {name: w, function: f, " +
		"arrivals: {process: constant, rate: 1/s, group: 4}}\n"
	s, ds := scenarios.Load("e", []byte(text), scenarios.Options{Profile: func(string) ([]byte, error) { return []byte(profile), nil }})
	if s == nil {
		t.Fatal(ds)
	}
	r, err := experiment.Run(context.Background(), s, experiment.Options{})
	if err != nil {
		t.Fatal(err)
	}
	f := r.Functions["f"]
	n := *f.Inputs.Completed.Value
	batches := n / 4
	idle := 30 * (100 - 0.020*batches)
	want := batches*4 + idle
	e := f.Energy
	if e == nil || math.Abs(*e.Joules.Value-want) > 1e-6*want || math.Abs(*e.IdleJoules.Value-idle) > 1e-6*idle ||
		math.Abs(*e.JoulesPerInput.Value-want/n) > 1e-9*want || math.Abs(*e.CO2Grams.Value-want/3.6e6*360) > 1e-9 {
		t.Errorf("%+v, want %v J", e, want)
	}
	if r.Total.Energy == nil || *r.Total.Energy.Joules.Value != *e.Joules.Value {
		t.Errorf("%+v", r.Total.Energy)
	}
	if n < 390 || n > 400 {
		t.Errorf("%v inputs", n)
	}
}
