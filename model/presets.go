package model

import (
	"maps"
	"slices"

	"github.com/simcap/simcap/model/dist"
	"github.com/simcap/simcap/model/workload"
	"github.com/simcap/simcap/sim"
)

// The presets of a platform.
const (
	PresetModal = "modal" // the documented platform, with prices and limits
	PresetNone  = "none"  // the bare queueing system, to compare with theory
)

// Presets lists them in the order in which the documentation names them.
var Presets = []string{PresetModal, PresetNone}

// PricesAsOf is the day on which the prices of preset modal were last seen as they are here.
const PricesAsOf = "2026-10"

// PricesSource says where the prices of preset modal come from.
const PricesSource = "modal.com/pricing, modal.com/docs/guide/region-selection"

// NewPlatform is a preset of the platform; false when there is none of that name.
func NewPlatform(preset string) (Platform, bool) {
	switch preset {
	case PresetModal:
		return modalPlatform(), true
	case PresetNone:
		return barePlatform(), true
	}
	return Platform{}, false
}

// modalPlatform is Modal as documented (modal.com/docs, 2026-10). What Modal does not publish is an
// assumption: the autoscaler's interval, gain and cancelling, the routing, and the burst of the
// token buckets of asynchronous inputs.
func modalPlatform() Platform {
	return Platform{
		Preset: PresetModal,
		Autoscaler: Autoscaler{Policy: "modal", Interval: sim.Second, Gain: 1,
			CancelStarting: true},
		Routing:             MostRecent,
		BurstPoll:           3 * sim.Second,
		HardCap:             4000,
		TimeoutKillsContain: true,
		Limits: Limits{
			PendingSync: 2000, TotalSync: 25_000, PendingAsync: 1_000_000, MapConcurrency: 1000,
			RateSync: 200, RateAsync: 1500, Burst: 5 * sim.Second,
		},
		Prices: modalPrices(),
	}
}

// barePlatform has no limits, no prices and no delays of its own.
func barePlatform() Platform {
	return Platform{
		Preset:              PresetNone,
		Autoscaler:          Autoscaler{Policy: "modal", Gain: 1},
		Routing:             MostRecent,
		HardCap:             None,
		TimeoutKillsContain: true,
		Limits:              NoLimits(),
	}
}

// NoLimits lifts every limit on submissions.
func NoLimits() Limits {
	return Limits{
		PendingSync: None, TotalSync: None, PendingAsync: None, MapConcurrency: None,
		RateSync: None, RateAsync: None, Burst: 5 * sim.Second,
	}
}

// modalPrices are Modal's list prices in USD per second, seen between 2026-06-27 and 2026-10
// (modal.com/pricing). A100 without a size is billed as the 40 GB card; H100! and B200+ say which
// hardware may stand in and cost the same. Regions: 1.5 times for a broad one, 1.75 times for any
// narrower one (modal.com/docs/guide/region-selection).
func modalPrices() Prices {
	broad := []string{"us", "eu", "ap", "uk", "ca", "me", "sa", "af", "mx", "jp", "au"}
	regions := make(map[string]float64, len(broad))
	for _, name := range broad {
		regions[name] = 1.5
	}
	return Prices{
		GPU: map[string]float64{
			"B300": 0.001972, "B200": 0.001736, "B200+": 0.001736, "H200": 0.001261,
			"H100": 0.001097, "H100!": 0.001097, "RTX-PRO-6000": 0.000842,
			"A100-80GB": 0.000694, "A100-40GB": 0.000583, "A100": 0.000583,
			"L40S": 0.000542, "A10": 0.000306, "A10G": 0.000306, "L4": 0.000222, "T4": 0.000164,
		},
		CPU:          0.0000131,
		Memory:       0.00000222,
		Regions:      regions,
		NarrowRegion: 1.75,
	}
}

// Names are the GPUs that have a price, in alphabetical order.
func (p *Prices) Names() []string { return slices.Sorted(maps.Keys(p.GPU)) }

// Plans of a workspace, in the order in which the documentation names them.
var Plans = []string{"starter", "team"}

// NewWorkspace is the caps of a plan (modal.com/pricing, 2026-10); "" has none. False when there is
// no such plan.
func NewWorkspace(plan string) (Workspace, bool) {
	switch plan {
	case "":
		return Workspace{MaxContainers: None, MaxGPUs: None}, true
	case "starter":
		return Workspace{Plan: plan, MaxContainers: 100, MaxGPUs: 10}, true
	case "team":
		return Workspace{Plan: plan, MaxContainers: 5000, MaxGPUs: 50}, true
	}
	return Workspace{}, false
}

// NewConfig is a system of the given preset without functions and workloads. An unknown preset is a
// bug of the caller.
func NewConfig(preset string) Config {
	platform, ok := NewPlatform(preset)
	if !ok {
		panic("model: no preset " + preset)
	}
	workspace, _ := NewWorkspace("")
	return Config{Platform: platform, Workspace: workspace}
}

// NewFunction is a function with the defaults of docs/semantics.md: nothing to do and no cold start.
func NewFunction(name string, platform *Platform) Function {
	return Function{
		Name:            name,
		CPU:             0.125,
		MemoryGiB:       0.125,
		MaxContainers:   None,
		ScaledownWindow: sim.Minute,
		Concurrent:      Concurrent{MaxInputs: 1, TargetInputs: 1},
		Timeout:         5 * sim.Minute,
		StartupTimeout:  5 * sim.Minute,
		TimeoutKills:    platform.TimeoutKillsContain,
		Retries:         FixedRetries(0),
		Overhead:        dist.Constant{},
	}
}

// FixedRetries is at most n retries, each after one second.
func FixedRetries(n int) Retries {
	return Retries{Max: n, InitialDelay: sim.Second, BackoffCoefficient: 1, MaxDelay: sim.Minute}
}

// NewWorkload is a workload of single calls with the defaults of docs/semantics.md, without arrivals.
func NewWorkload(name, function string) Workload {
	return Workload{
		Name:         name,
		Function:     function,
		Method:       Remote,
		Arrivals:     workload.Process{Group: dist.Constant{Value: 1}},
		Inputs:       dist.Constant{Value: 1},
		OrderOutputs: true,
		Size:         dist.Constant{Value: 1},
	}
}

// BackoffRetries is the defaults of a retry policy that names its parts; no retries yet.
func BackoffRetries() Retries {
	return Retries{InitialDelay: sim.Second, BackoffCoefficient: 2, MaxDelay: sim.Minute}
}
