package model_test

import (
	"testing"

	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/model/dist"
	"github.com/simcap/simcap/model/workload"
	"github.com/simcap/simcap/sim"
)

// modalConfig is one function of preset modal, with one long input a container, called by one workload.
func modalConfig(method model.Method, kind workload.Kind) model.Config {
	c := model.NewConfig(model.PresetModal)
	f := model.NewFunction("f", &c.Platform)
	f.Service.Time = dist.Constant{Value: float64(sim.Minute)}
	w := model.NewWorkload("w", "f")
	w.Method, w.Arrivals.Kind = method, kind
	c.Functions, c.Workloads = []model.Function{f}, []model.Workload{w}
	return c
}

// outcomes counts them without the audit, which recounts all that is inside after every event.
func outcomes(t *testing.T, c *model.Config) [model.NumOutcomes]int64 {
	t.Helper()
	tally, err := model.Run(t.Context(), c, model.Trial{Seed: 1, Replication: 1}, model.Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	return tally.Workloads[0].Outcomes
}

// 200 synchronous submissions a second and 1,500 asynchronous ones pass, and 5 s of these at once from
// a full bucket (modal.com/docs/guide/webhooks: 200/s with a 5 s burst multiplier;
// modal.com/docs/guide/function-invocation-methods: 1,500/s).
func TestModalRates(t *testing.T) {
	for _, c := range []struct {
		method model.Method
		burst  int64
	}{{model.Web, 1000}, {model.Remote, 1000}, {model.Spawn, 7500}} {
		cfg := modalConfig(c.method, workload.Once{})
		cfg.Platform.Limits.PendingSync, cfg.Platform.Limits.TotalSync = model.None, model.None
		cfg.Functions[0].MaxContainers = 1
		cfg.Functions[0].Service.Time = dist.Constant{Value: 1}
		cfg.Workloads[0].Arrivals.Group = dist.Constant{Value: 10_000}
		n := outcomes(t, &cfg)
		// ⌊10⁹/1500⌋ ns a token make 7,500 tokens of 5 s, and 0.6 of another one.
		if n[model.Completed] != c.burst || n[model.RateLimit] != 10_000-c.burst {
			t.Errorf("%s: of a burst of 10000 %d pass", c.method, n[model.Completed])
		}
		// Once the burst is spent, 10 s at twice the rate let through 10 s at the rate.
		rate := float64(c.burst) / 5
		cfg.Workloads[0].Arrivals.Kind = workload.Constant{RatePerSec: 2 * rate}
		cfg.Workloads[0].Arrivals.Group = dist.Constant{Value: 1}
		cfg.Horizon = 15 * sim.Second
		n = outcomes(t, &cfg)
		want := c.burst + 15*c.burst/5
		if got := n[model.Completed]; got < want-2 || got > want+2 {
			t.Errorf("%s: in 15 s at twice the rate %d pass, not %d", c.method, got, want)
		}
	}
}

// At most 2,000 synchronous inputs wait, 25,000 wait or run, and 1,000,000 asynchronous ones wait
// (modal.com/docs/guide/function-invocation-methods).
func TestModalLimits(t *testing.T) {
	cfg := modalConfig(model.Remote, workload.Once{})
	cfg.Platform.Limits.RateSync = model.None
	cfg.Functions[0].MaxContainers = 1
	cfg.Functions[0].MinContainers = 1
	cfg.Functions[0].Service.Time = dist.Constant{Value: 1}
	cfg.Workloads[0].Arrivals.Group = dist.Constant{Value: 3000}
	n := outcomes(t, &cfg)
	if n[model.Completed] != 2001 || n[model.PendingLimit] != 999 {
		t.Errorf("with one container, of 3000 inputs %d pass", n[model.Completed])
	}

	cfg.Functions[0].Concurrent = model.Concurrent{MaxInputs: 24_500, TargetInputs: 24_500}
	cfg.Workloads[0].Arrivals.Group = dist.Constant{Value: 30_000}
	n = outcomes(t, &cfg)
	if n[model.Completed] != 25_000 || n[model.TotalLimit] != 5000 {
		t.Errorf("with 24500 slots, of 30000 inputs %d pass", n[model.Completed])
	}

	cfg = modalConfig(model.Spawn, workload.Once{})
	cfg.Platform.Limits.RateAsync = model.None
	cfg.Functions[0].MinContainers, cfg.Functions[0].MaxContainers = 1, 1
	cfg.Functions[0].Service.Time = dist.Constant{Value: 1}
	cfg.Functions[0].Concurrent = model.Concurrent{MaxInputs: 10, TargetInputs: 10}
	cfg.Workloads[0].Arrivals.Group = dist.Constant{Value: 1_000_030}
	n = outcomes(t, &cfg)
	if n[model.Completed] != 1_000_010 || n[model.PendingLimit] != 20 {
		t.Errorf("of 1000030 spawned inputs %d pass", n[model.Completed])
	}
}

// One map call has at most 1,000 inputs outstanding (modal.com/docs/guide/function-invocation-methods),
// a function at most 4,000 containers (modal.com/docs/guide/scale), a starter workspace 100 containers
// and 10 GPUs (modal.com/pricing).
func TestModalCaps(t *testing.T) {
	cfg := modalConfig(model.Map, workload.Once{})
	cfg.Platform.Limits.RateSync = model.None
	cfg.Workloads[0].Inputs = dist.Constant{Value: 2500}
	rows := must(t, &cfg, model.Trial{Seed: 1, Replication: 1}).inputs
	for i, want := range map[int]sim.Time{0: 0, 999: 0, 1000: sim.Minute, 1999: sim.Minute, 2000: 2 * sim.Minute} {
		// The first container starts at once, the others at the tick of 1 s: all but one input of each
		// thousand run from there on.
		if at := rows[i].Submitted; at < want || at > want+2*sim.Second {
			t.Errorf("input %d of a map is submitted at %v s, not %v s", i+1, at.Seconds(), want.Seconds())
		}
	}

	for _, c := range []struct {
		plan string
		gpu  string
		want int64
	}{{"", "", 4000}, {"starter", "", 100}, {"starter", "T4", 10}, {"team", "T4", 50}, {"team", "", 4000}} {
		cfg := modalConfig(model.Spawn, workload.Once{})
		cfg.Platform.Limits.RateAsync = model.None
		cfg.Workspace, _ = model.NewWorkspace(c.plan)
		if c.gpu != "" {
			cfg.Functions[0].GPU, cfg.Functions[0].GPUs = c.gpu, 1
		}
		cfg.Workloads[0].Arrivals.Group = dist.Constant{Value: 4500}
		tally, err := model.Run(t.Context(), &cfg, model.Trial{Seed: 1, Replication: 1}, model.Hooks{})
		if err != nil {
			t.Fatal(err)
		}
		if tally.Peak != c.want {
			t.Errorf("plan %q, GPU %q: %d containers live, not %d", c.plan, c.gpu, tally.Peak, c.want)
		}
	}
}
