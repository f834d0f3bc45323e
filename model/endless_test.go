package model_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/model/dist"
	"github.com/simcap/simcap/model/workload"
	"github.com/simcap/simcap/sim"
)

// What would go on for ever, or ask for more than a machine has, is refused before the run.
func TestEndlessConfigurationsAreRefused(t *testing.T) {
	for _, c := range []struct {
		path, text string
		spoil      func(c *model.Config, f *model.Function, w *model.Workload)
	}{
		{"workloads[0].arrivals.think", "for ever at one instant", func(_ *model.Config, f *model.Function, w *model.Workload) {
			f.Service.Time, w.Arrivals.Kind = dist.Constant{}, workload.Closed{Clients: 1, Think: dist.Constant{}}
		}},
		{"workloads[0].arrivals.group", "at most 10000000 calls", func(_ *model.Config, _ *model.Function, w *model.Workload) {
			w.Arrivals.Group = dist.Constant{Value: 1e12}
		}},
		{"workloads[0].inputs", "at most 100000000 inputs", func(_ *model.Config, _ *model.Function, w *model.Workload) {
			w.Method, w.Inputs = model.Map, dist.Constant{Value: 1e12}
		}},
		{"functions.f.cold_start", "one start in a million", func(_ *model.Config, f *model.Function, _ *model.Workload) {
			f.StartupTimeout = 1
			f.ColdStart.Stages[0].Time = dist.Exponential{Average: 1e9}
		}},
		{"functions.f.failures", "an input takes at least 14 s, and a container crashes or is preempted after 1 s on average", func(_ *model.Config, f *model.Function, _ *model.Workload) {
			f.Service.Time = dist.Constant{Value: 14e9}
			f.Failures.CrashPerHour, f.Failures.PreemptPerHour = 3000, 600
		}},
		{"functions.f.gpu", "a container needs 1 GPU, and", func(c *model.Config, _ *model.Function, _ *model.Workload) { c.Workspace.MaxGPUs = 0 }},
	} {
		config := goodConfig()
		c.spoil(&config, &config.Functions[0], &config.Workloads[0])
		found := config.Validate()
		if len(found) != 1 || found[0].Path != c.path || found[0].Warning || !strings.Contains(found[0].Text, c.text) {
			t.Errorf("want %s: %s, got %v", c.path, c.text, found)
		}
	}
	config := goodConfig()
	config.Horizon = 30_000 * sim.Day
	config.Workloads[0].Arrivals.Kind = workload.Poisson{RatePerSec: 1000}
	found := config.Validate()
	if len(found) != 1 || !found[0].Warning || !strings.Contains(found[0].Text, "about 3e+12 calls") {
		t.Errorf("a run of hours: %v", found)
	}
}

// What cannot be seen before ends the run with a message that names who cannot go on, and why.
func TestEndlessRunsEnd(t *testing.T) {
	for _, c := range []struct {
		text  string
		spoil func(c *model.Config, f *model.Function, w *model.Workload)
	}{
		{"workload w: client 1 has called 10000 times at one instant", func(c *model.Config, _ *model.Function, w *model.Workload) {
			c.Platform.Limits.PendingSync = 0
			w.Arrivals.Kind = workload.Closed{Clients: 1, Think: dist.Constant{}}
		}},
		{"calls of a group were drawn", func(_ *model.Config, _ *model.Function, w *model.Workload) {
			w.Arrivals.Group = dist.Pareto{Least: 2, Shape: 0.001}
		}},
		{"inputs of a call were drawn", func(_ *model.Config, _ *model.Function, w *model.Workload) {
			w.Method, w.Inputs = model.Map, dist.Pareto{Least: 2, Shape: 0.001}
		}},
		{"function f cannot go on: 10 inputs are submitted again and again, and rejected: pending_limit", func(c *model.Config, f *model.Function, w *model.Workload) {
			c.Platform.Limits.PendingSync = 0
			w.Method, w.Inputs, w.Arrivals.Kind = model.Map, dist.Constant{Value: 10}, workload.Once{}
		}},
		{"0 inputs are pending and 1 container is busy with work that does not end for days", func(c *model.Config, f *model.Function, w *model.Workload) {
			f.Service.Time, f.Timeout = dist.Constant{Value: float64(30 * sim.Day)}, 60*sim.Day
			w.Arrivals.Kind = workload.Once{}
		}},
		{"crashed or were preempted 100000 times in a row", func(_ *model.Config, f *model.Function, w *model.Workload) {
			f.Service.Time, f.Timeout = dist.Exponential{Average: float64(sim.Day) * 1e4}, 30_000*sim.Day
			f.Failures.CrashPerHour, f.Failures.PreemptPerHour = 3000, 60
			w.Arrivals.Kind = workload.Once{}
		}},
	} {
		config := goodConfig()
		c.spoil(&config, &config.Functions[0], &config.Workloads[0])
		for _, p := range config.Validate() {
			t.Errorf("%s: %v", c.text, p)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		_, err := model.Run(ctx, &config, model.Trial{Seed: 1, Replication: 1}, model.Hooks{Audit: true})
		cancel()
		if err == nil || !strings.Contains(err.Error(), c.text) {
			t.Errorf("want %q, got %v", c.text, err)
		}
	}
}

// A client may come back at once as often as a busy instant asks for: only for ever is too often.
func TestClientsWhoDoNotThink(t *testing.T) {
	config := goodConfig()
	config.Horizon = sim.Minute
	config.Workloads[0].Arrivals.Kind = workload.Closed{Clients: 50, Think: dist.Constant{}}
	if found := config.Validate(); len(found) > 0 {
		t.Fatal(found)
	}
	tally, err := model.Run(context.Background(), &config, model.Trial{Seed: 1, Replication: 1}, model.Hooks{Audit: true})
	if err != nil || tally.Inputs < 100 {
		t.Errorf("%v, %v", tally, err)
	}
}

// A delay of 0 stays 0, and a long series of tries costs no more than a short one.
func TestDelays(t *testing.T) {
	r := model.Retries{InitialDelay: 0, BackoffCoefficient: 2, MaxDelay: sim.Minute}
	if d := r.Delay(1 << 30); d != 0 {
		t.Errorf("0 doubled is %v", d)
	}
	r.InitialDelay = sim.Second
	for n, want := range map[int]sim.Time{1: sim.Second, 2: 2 * sim.Second, 3: 4 * sim.Second, 7: sim.Minute, 1 << 30: sim.Minute} {
		if d := r.Delay(n); d != want {
			t.Errorf("delay %d is %v, want %v", n, d, want)
		}
	}
}
