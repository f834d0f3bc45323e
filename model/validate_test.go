package model_test

import (
	"math"
	"strings"
	"testing"

	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/model/dist"
	"github.com/simcap/simcap/model/service"
	"github.com/simcap/simcap/model/workload"
	"github.com/simcap/simcap/sim"
)

// goodConfig is a system that has a little of everything and no fault.
func goodConfig() model.Config {
	c := model.NewConfig(model.PresetModal)
	c.Horizon = sim.Hour
	f := model.NewFunction("f", &c.Platform)
	f.GPU, f.GPUs, f.MaxContainers = "L40S", 1, 10
	f.Service.Time = dist.Exponential{Average: 1e9}
	f.ColdStart.Stages = []model.Stage{{Name: "boot", Time: dist.Constant{Value: 2e9}, Billed: true}}
	w := model.NewWorkload("w", "f")
	w.Arrivals.Kind = workload.Poisson{RatePerSec: 3}
	c.Functions, c.Workloads = []model.Function{f}, []model.Workload{w}
	return c
}

func TestPresetsAreValid(t *testing.T) {
	for _, name := range model.Presets {
		p, ok := model.NewPlatform(name)
		if !ok {
			t.Fatal(name)
		}
		c := goodConfig()
		c.Platform = p
		for _, problem := range c.Validate() {
			t.Errorf("%s: %v", name, problem)
		}
	}
	for _, plan := range append(model.Plans, "") {
		if _, ok := model.NewWorkspace(plan); !ok {
			t.Errorf("no plan %q", plan)
		}
	}
}

// A program that builds a configuration by hand is told what a file would be told.
func TestValidateFindsFaults(t *testing.T) {
	for _, c := range []struct {
		path, text string
		spoil      func(c *model.Config, f *model.Function, w *model.Workload)
	}{
		{"functions", "no function", func(c *model.Config, _ *model.Function, _ *model.Workload) { c.Functions, c.Workloads = nil, nil }},
		{"workloads[0].function", `no function "g"`, func(_ *model.Config, _ *model.Function, w *model.Workload) { w.Function = "g" }},
		{"workloads[0].arrivals", "no arrival process", func(_ *model.Config, _ *model.Function, w *model.Workload) { w.Arrivals.Kind = nil }},
		{"workloads[0].method", "no method", func(_ *model.Config, _ *model.Function, w *model.Workload) { w.Method = "" }},
		{"workloads[0].size", "", func(_ *model.Config, _ *model.Function, w *model.Workload) { w.Size = dist.Constant{Value: math.NaN()} }},
		{"functions.f.cpu", "between", func(_ *model.Config, f *model.Function, _ *model.Workload) { f.CPU = math.Inf(1) }},
		{"functions.f.timeout", "more than 0", func(_ *model.Config, f *model.Function, _ *model.Workload) { f.Timeout, f.StartupTimeout = 0, sim.Hour }},
		{"functions.f.startup_timeout", "negative", func(_ *model.Config, f *model.Function, _ *model.Workload) { f.StartupTimeout = -1 }},
		{"functions.f.cold_start", "could ever start", func(_ *model.Config, f *model.Function, _ *model.Workload) { f.StartupTimeout = sim.Second }},
		{"functions.f.concurrent.max_inputs", "between 1", func(_ *model.Config, f *model.Function, _ *model.Workload) { f.Concurrent = model.Concurrent{} }},
		{"functions.f.gpu", "no price", func(_ *model.Config, f *model.Function, _ *model.Workload) { f.GPU = "TPU" }},
		{"functions.f.gpu", "the workspace has 0", func(c *model.Config, _ *model.Function, _ *model.Workload) { c.Workspace.MaxGPUs = 0 }},
		{"platform.limits.rate_async", "more than 0", func(c *model.Config, _ *model.Function, _ *model.Workload) { c.Platform.Limits.RateAsync = math.NaN() }},
		{"platform.autoscaler.policy", "no autoscaler", func(c *model.Config, _ *model.Function, _ *model.Workload) { c.Platform.Autoscaler.Policy = "x" }},
		{"functions.f.service.batch", "must rise", func(_ *model.Config, f *model.Function, _ *model.Workload) {
			f.Batched.MaxBatchSize, f.Service.Time = 4, nil
			f.Service.Batch = &service.Batch{Points: service.Curve{{N: 2, NS: 1}, {N: 2, NS: 2}}}
		}},
	} {
		config := goodConfig()
		c.spoil(&config, &config.Functions[0], &config.Workloads[0])
		found := config.Validate()
		if len(found) != 1 || found[0].Path != c.path || !strings.Contains(found[0].Text, c.text) {
			t.Errorf("want %s: %s, got %v", c.path, c.text, found)
		}
	}
}

// Updates are judged in the order in which they will happen, deploys between them.
func TestTimelineOfUpdates(t *testing.T) {
	n := func(n int) *int { return &n }
	for _, c := range []struct {
		name    string
		updates []model.Update
		deploys []model.Deploy
		good    bool
	}{
		{"day and night", []model.Update{{At: sim.Hour, Every: 24 * sim.Hour, MinContainers: n(20), MaxContainers: n(50)},
			{At: 13 * sim.Hour, Every: 24 * sim.Hour, MinContainers: n(0), MaxContainers: n(5)}}, nil, true},
		{"night forgets the minimum", []model.Update{{At: sim.Hour, Every: 24 * sim.Hour, MinContainers: n(20), MaxContainers: n(50)},
			{At: 13 * sim.Hour, Every: 24 * sim.Hour, MaxContainers: n(5)}}, nil, false},
		{"a deploy between restores the file's", []model.Update{{At: sim.Hour, MinContainers: n(8)}, {At: 3 * sim.Hour, MaxContainers: n(5)}},
			[]model.Deploy{{At: 2 * sim.Hour, Strategy: "rolling"}}, true},
		{"a deploy after does not", []model.Update{{At: sim.Hour, MinContainers: n(8)}, {At: 3 * sim.Hour, MaxContainers: n(5)}},
			[]model.Deploy{{At: 4 * sim.Hour, Strategy: "rolling"}}, false},
		{"beyond the horizon nothing happens", []model.Update{{At: sim.Hour, MinContainers: n(8)}, {At: 90 * sim.Hour, MaxContainers: n(5)}}, nil, true},
		{"unlimited", []model.Update{{At: sim.Hour, MinContainers: n(8), MaxContainers: n(model.None)}}, nil, true},
	} {
		config := goodConfig()
		config.Horizon = 72 * sim.Hour
		config.Functions[0].Updates, config.Functions[0].Deploys = c.updates, c.deploys
		bad := 0
		for _, p := range config.Validate() {
			if !p.Warning {
				bad++
			}
		}
		if (bad == 0) != c.good {
			t.Errorf("%s: %v", c.name, config.Validate())
		}
	}
}
