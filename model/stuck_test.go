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

// A run that can never end is given up after a week in which nothing but ticks, polls, re-submissions and
// updates that repeat has happened, and says which pool cannot move and why (rule 13).
func TestStuck(t *testing.T) {
	n := 3
	for _, c := range []struct {
		name, why string
		spoil     func(*model.Config, *model.Function, *model.Workload)
	}{
		{"max_containers 0", "", func(_ *model.Config, f *model.Function, _ *model.Workload) {
			zero := 0
			f.Updates = []model.Update{{At: sim.Second, MaxContainers: &zero}}
		}},
		{"a workspace that others fill", "workspace", func(c *model.Config, _ *model.Function, _ *model.Workload) {
			hog := model.NewFunction("hog", &c.Platform)
			hog.MinContainers = 2
			c.Functions = append([]model.Function{hog}, c.Functions...)
			c.Workspace.MaxContainers = 2
		}},
		{"the same, and updates for ever", "workspace", func(c *model.Config, f *model.Function, _ *model.Workload) {
			hog := model.NewFunction("hog", &c.Platform)
			hog.MinContainers = 2
			hog.Updates = []model.Update{{At: sim.Second, Every: sim.Hour, BufferContainers: &n}}
			c.Functions = append([]model.Function{hog}, c.Functions...)
			c.Workspace.MaxContainers = 2
		}},
		{"a client that retries for ever", "", func(c *model.Config, f *model.Function, w *model.Workload) {
			c.Platform.Limits.PendingSync = 0
			w.Client.Retry = model.Retries{Max: model.None, InitialDelay: sim.Second, BackoffCoefficient: 1, MaxDelay: sim.Second}
		}},
	} {
		for _, interval := range []sim.Time{0, sim.Second} {
			cfg := model.NewConfig(model.PresetNone)
			cfg.Platform.Autoscaler.Interval = interval
			f := model.NewFunction("f", &cfg.Platform)
			f.Service.Time = dist.Constant{Value: 1e9}
			if c.name == "a client that retries for ever" {
				f.StartupTimeout = sim.Second // and no start is ever in time, by its drawn part
				f.ColdStart.Stages = []model.Stage{{Name: "boot", Time: dist.Quantiles{Points: []dist.Quantile{{Q: 0, Value: 1e9 + 1}, {Q: 1, Value: 2e9}}}, Billed: true}}
			}
			w := model.NewWorkload("w", "f")
			w.Arrivals.Kind = workload.At{Times: []sim.Time{2 * sim.Second}}
			cfg.Functions, cfg.Workloads = []model.Function{f}, []model.Workload{w}
			c.spoil(&cfg, &cfg.Functions[0], &cfg.Workloads[0])
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
			_, err := model.Run(ctx, &cfg, model.Trial{Seed: 1, Replication: 1}, model.Hooks{})
			cancel()
			if err == nil || ctx.Err() == context.DeadlineExceeded || !strings.Contains(err.Error(), "function f") || !strings.Contains(err.Error(), c.why) {
				t.Errorf("%s, interval %v s: %v", c.name, interval.Seconds(), err)
			} else {
				t.Log(err)
			}
		}
	}
}
