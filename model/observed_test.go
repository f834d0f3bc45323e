package model_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/model/dist"
	"github.com/simcap/simcap/model/service"
	"github.com/simcap/simcap/model/workload"
	"github.com/simcap/simcap/sim"
)

// closing are the features with which a run has to look at each input, whether anybody else does or not.
var closing = []string{"single use", "rolling", "recreate", "retries", "exponential retries", "failing", "crash",
	"preemption", "first input", "noise", "random overhead", "map", "map u", "map v", "map w", "spawn u", "spawn v",
	"spawn w", "closed u", "closed v", "closed w", "patience", "client retry", "group", "concurrent", "target"}

// A run counts the same whether its inputs are looked at one by one, with the laws checked, or not.
func TestLookingChangesNothing(t *testing.T) {
	compare := func(seed uint64, cfg *model.Config) string {
		trial := model.Trial{Seed: seed, Replication: 1}
		looked := runModel(cfg, trial)
		if looked.err != nil || looked.panicked != nil {
			return fmt.Sprint(looked.err, looked.panicked)
		}
		var containers []model.ContainerRow
		tally, err := model.Run(context.Background(), cfg, trial, model.Hooks{Rows: model.Rows{
			Container: func(r *model.ContainerRow) error { containers = append(containers, *r); return nil },
		}})
		if err != nil {
			return err.Error()
		}
		for i := range min(len(containers), len(looked.containers)) {
			if a, b := looked.containers[i], containers[i]; a != b {
				return fmt.Sprintf("\nlooked at %+v\nnot       %+v", a, b)
			}
		}
		if len(containers) != len(looked.containers) {
			return fmt.Sprintf("%d and %d containers", len(looked.containers), len(containers))
		}
		for i := range tally.Workloads {
			a, b := &looked.tally.Workloads[i], &tally.Workloads[i]
			if !reflect.DeepEqual(a, b) {
				return fmt.Sprintf("workload %d: %s", i, unlike(a, b))
			}
		}
		for i := range tally.Functions {
			a, b := &looked.tally.Functions[i], &tally.Functions[i]
			if !reflect.DeepEqual(a, b) {
				return fmt.Sprintf("function %d: %s", i, unlike(a, b))
			}
		}
		if !reflect.DeepEqual(looked.tally, tally) {
			return unlike(looked.tally, tally)
		}
		bare, err := model.Run(context.Background(), cfg, trial, model.Hooks{})
		if err != nil || !reflect.DeepEqual(bare, tally) {
			return fmt.Sprint("without any hooks: ", err)
		}
		return ""
	}
	t.Run("everything", func(t *testing.T) { each(t, 500, nil, compare) })
	t.Run("plain", func(t *testing.T) { each(t, 1500, closing, compare) })
	for name, system := range map[string]struct {
		make  func(r *rand.Rand) model.Config
		seeds uint64
	}{"busy": {busy, 60}, "ticks": {ticking, 200}, "ties": {tying, 300}} {
		t.Run(name, func(t *testing.T) {
			for seed := range system.seeds {
				cfg := system.make(rand.New(rand.NewPCG(seed, 9)))
				if d := compare(seed, &cfg); d != "" {
					t.Fatalf("seed %d: %s\n%+v\n%+v", seed, d, cfg.Functions, cfg.Workloads)
				}
			}
		})
	}
}

// ticking is a busy system whose inputs draw nothing but demands, on an autoscaler that ticks: at instants at
// which inputs come and end too, and alone.
func ticking(r *rand.Rand) model.Config {
	c := busy(r)
	c.Platform.Limits = model.NoLimits()
	c.Platform.Routing = model.MostRecent
	c.Platform.Autoscaler.Interval = pick(r, 125*sim.Millisecond, sim.Second, sim.Second, 1300*sim.Millisecond)
	c.Platform.Autoscaler.CancelStarting = r.IntN(4) > 0
	for i := range c.Functions {
		f := &c.Functions[i]
		f.Batched, f.Service.PerUnit = model.Batched{}, 0
		if f.Service.Batch != nil {
			f.Service = service.Config{Time: dist.Exponential{Average: 4e8}}
		}
	}
	for i := range c.Workloads {
		w := &c.Workloads[i]
		w.Size = nil
		if r.IntN(2) == 0 {
			w.Arrivals.Kind = workload.Constant{RatePerSec: pick(r, 2.0, 4, 16)}
		}
	}
	return c
}

// busy is a system of plain functions under thousands of inputs, with queues, limits, updates and caps.
func busy(r *rand.Rand) model.Config {
	c := model.NewConfig(pick(r, model.Presets...))
	c.Horizon = 60 * sim.Second
	if r.IntN(2) == 0 {
		c.Warmup = 7 * sim.Second
	}
	c.Platform.Autoscaler.Gain = pick(r, 0.55, 1, 1.3)
	c.Platform.Routing = pick(r, model.MostRecent, model.MostRecent, model.LongestIdle)
	if r.IntN(3) == 0 {
		c.Workspace.MaxContainers = 10 + r.IntN(20) // every function's minimum fits
	}
	if r.IntN(2) == 0 {
		c.Platform.Limits.PendingSync, c.Platform.Limits.TotalSync = r.IntN(50), 1+r.IntN(80)
	}
	for i := range 1 + r.IntN(3) {
		f := model.NewFunction(string(rune('f'+i)), &c.Platform)
		f.MinContainers = r.IntN(4)
		f.MaxContainers = pick(r, model.None, 4, 20)
		f.BufferContainers = r.IntN(3)
		f.ScaledownWindow = sim.Time(r.IntN(8)) * sim.Second
		f.Service.Time = pick[dist.Dist](r, dist.Constant{Value: 25e7}, dist.Exponential{Average: 2e8}, dist.Lognormal{Average: 3e8, CV: 2})
		if r.IntN(2) == 0 {
			f.Batched = model.Batched{MaxBatchSize: 2 + r.IntN(8), Wait: sim.Time(r.IntN(4)) * 125 * sim.Millisecond}
			if r.IntN(2) == 0 {
				f.Service.Time, f.Service.Batch = nil, &service.Batch{Base: 1e8, PerInput: 5e7}
			}
		}
		f.ColdStart.Stages = []model.Stage{{Name: "boot", Time: pick[dist.Dist](r, dist.Constant{}, dist.Constant{Value: 1e9}, dist.Uniform{Low: 5e8, High: 4e9}), Billed: true}}
		if r.IntN(3) == 0 {
			f.Timeout = sim.Second
			f.StartupTimeout = 20 * sim.Second
			f.TimeoutKills = r.IntN(2) == 0
		}
		if r.IntN(3) == 0 {
			buffer, window := r.IntN(4), sim.Time(r.IntN(5))*sim.Second
			f.Updates = []model.Update{{At: 20 * sim.Second, BufferContainers: &buffer}, {At: 35 * sim.Second, ScaledownWindow: &window, Every: 9 * sim.Second}}
		}
		c.Functions = append(c.Functions, f)
		for k := range 1 + r.IntN(2) {
			w := model.NewWorkload(f.Name+string(rune('u'+k)), f.Name)
			w.Method = pick(r, model.Remote, model.Web, model.Spawn)
			w.Arrivals.Kind = pick[workload.Kind](r, workload.Poisson{RatePerSec: 15}, workload.Constant{RatePerSec: 16},
				workload.MMPP{States: []workload.State{{RatePerSec: 1, MeanDuration: 4 * sim.Second}, {RatePerSec: 60, MeanDuration: 2 * sim.Second}}})
			if r.IntN(4) == 0 {
				w.Size = dist.Exponential{Average: 2}
				c.Functions[i].Service.PerUnit = 5e7
			}
			c.Workloads = append(c.Workloads, w)
		}
	}
	return c
}

// tying is a small system whose times are a few ns, so that things meet at one instant all the time.
func tying(r *rand.Rand) model.Config {
	c := model.NewConfig(model.PresetModal)
	c.Platform.Limits = model.NoLimits()
	c.Platform.Autoscaler.Interval = 1 + sim.Time(r.IntN(40))
	c.Platform.Autoscaler.CancelStarting = r.IntN(4) > 0
	c.Horizon = 3000
	short := func(most int) dist.Dist { // ns
		return pick[dist.Dist](r, dist.Exponential{Average: 1 + float64(r.IntN(most))}, dist.Constant{Value: float64(r.IntN(most))})
	}
	for i := range 1 + r.IntN(2) {
		f := model.NewFunction(string(rune('f'+i)), &c.Platform)
		f.MinContainers, f.MaxContainers, f.BufferContainers = r.IntN(3), 3+r.IntN(8), r.IntN(2)
		f.ScaledownWindow = sim.Time(r.IntN(60))
		f.Service.Time = dist.Exponential{Average: 1 + float64(r.IntN(30))}
		f.ColdStart.Stages = []model.Stage{{Name: "boot", Time: short(40), Billed: true}}
		c.Functions = append(c.Functions, f)
		w := model.NewWorkload(f.Name+"u", f.Name)
		w.Arrivals.Kind = workload.Poisson{RatePerSec: 1e9 / float64(2+r.IntN(20))}
		c.Workloads = append(c.Workloads, w)
	}
	return c
}

// unlike names the first field of two structures that differs.
func unlike(a, b any) string {
	x, y := reflect.ValueOf(a).Elem(), reflect.ValueOf(b).Elem()
	for i := range x.NumField() {
		p, q := x.Field(i).Interface(), y.Field(i).Interface()
		if !reflect.DeepEqual(p, q) {
			return fmt.Sprintf("%s\nlooked at %+v\nnot       %+v", x.Type().Field(i).Name, p, q)
		}
	}
	return "(nothing)"
}

// Rows come in the promised order: inputs by first submission, containers by function and number.
func TestOrderOfRows(t *testing.T) {
	each(t, 200, nil, func(seed uint64, cfg *model.Config) string {
		out := must(t, cfg, model.Trial{Seed: seed, Replication: 1})
		if !slices.IsSortedFunc(out.inputs, func(a, b model.InputRow) int { return int(min(1, max(-1, a.Submitted-b.Submitted))) }) {
			return "inputs are not in order of submission"
		}
		function, number := -1, int64(0)
		for i := range out.containers {
			r := &out.containers[i]
			if function < 0 || cfg.Functions[function].Name != r.Function {
				function, number = function+1, 0
			}
			for function < len(cfg.Functions) && cfg.Functions[function].Name != r.Function {
				function++
			}
			if number++; function >= len(cfg.Functions) || r.Container != number {
				return fmt.Sprintf("row %d is of %s/%d", i, r.Function, r.Container)
			}
		}
		return ""
	})
}
