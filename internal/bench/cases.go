package main

import (
	"context"
	"fmt"

	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/model/dist"
	"github.com/simcap/simcap/model/service"
	"github.com/simcap/simcap/model/workload"
	"github.com/simcap/simcap/sim"
)

// exponential has the given mean in seconds.
func exponential(meanS float64) dist.Dist {
	return dist.Exponential{Average: meanS * float64(sim.Second)}
}

// function is a function with the preset's defaults and exponential demands.
func function(c *model.Config, name string, meanS float64) *model.Function {
	f := model.NewFunction(name, &c.Platform)
	f.Timeout, f.StartupTimeout = 100*sim.Day, 100*sim.Day
	f.Service = service.Config{Time: exponential(meanS)}
	c.Functions = append(c.Functions, f)
	return &c.Functions[len(c.Functions)-1]
}

// calls adds Poisson calls of the function.
func calls(c *model.Config, function string, ratePerS float64, inputs int) {
	w := model.NewWorkload(function+" calls", function)
	w.Arrivals.Kind = workload.Poisson{RatePerSec: ratePerS}
	w.Arrivals.Count = int64(inputs)
	c.Workloads = append(c.Workloads, w)
}

// queue is M/M/c: preset none, a fleet that is always there.
func queue(servers int, ratePerS float64, inputs int) *model.Config {
	c := model.NewConfig(model.PresetNone)
	f := function(&c, "f", 1)
	f.MinContainers, f.MaxContainers = servers, servers
	calls(&c, "f", ratePerS, inputs)
	return &c
}

// pool is a function on preset modal without limits on submissions.
func pool(edit func(f *model.Function), meanS, ratePerS float64, inputs int) *model.Config {
	c := model.NewConfig(model.PresetModal)
	c.Platform.Limits = model.NoLimits()
	f := function(&c, "f", meanS)
	f.MaxContainers = 100
	f.ColdStart.Stages = []model.Stage{{Name: "boot", Billed: true, Time: exponential(5)}}
	edit(f)
	calls(&c, "f", ratePerS, inputs)
	return &c
}

// simulate runs a configuration and returns what it counted.
func simulate(c *model.Config) *model.Tally {
	t, err := model.Run(context.Background(), c, model.Trial{Seed: 1, Replication: 1}, model.Hooks{})
	if err != nil {
		panic("bench: " + err.Error())
	}
	return t
}

// benchmark is one row of the table: a system, the loop that does the same, and how many times the
// loop's time simcap may take.
type benchmark struct {
	name   string
	system func(inputs int) *model.Config
	loop   func(inputs int) *histogram
	target float64
}

// slowDown is L(16) = 2 L(1), linear between: the curve of the case with shared containers.
var slowDown = service.Curve{{N: 1, NS: 1e9}, {N: 16, NS: 2e9}}

func slowDownSpeeds() *[17]float64 {
	var speed [17]float64
	for k := 1; k <= 16; k++ {
		speed[k] = 1 / (1 + float64(k-1)/15)
	}
	return &speed
}

// benchmarks are all rows.
func benchmarks() []benchmark {
	minute := int64(sim.Minute)
	var all []benchmark
	for _, servers := range []int{10, 100, 1000} {
		rate := 0.8 * float64(servers)
		all = append(all, benchmark{fmt.Sprintf("M/M/%d", servers),
			func(n int) *model.Config { return queue(servers, rate, n) },
			func(n int) *histogram { return loopMMc(servers, rate, n) }, 2})
	}
	return append(all,
		benchmark{"pool of 100", func(n int) *model.Config {
			return pool(func(*model.Function) {}, 0.5, 150, n)
		}, func(n int) *histogram { return loopPool(100, 150, 0.5, 5, minute, n) }, 2},
		benchmark{"batches of 8", func(n int) *model.Config {
			return pool(func(f *model.Function) {
				f.Batched = model.Batched{MaxBatchSize: 8, Wait: 50 * sim.Millisecond}
				f.Service = service.Config{Batch: &service.Batch{Base: 1e8, PerInput: 1.25e7}}
			}, 1, 1600, n)
		}, func(n int) *histogram {
			return loopBatched(100, 8, int64(50*sim.Millisecond), 1600, 0.1, 0.0125, 5, minute, n)
		}, 2},
		benchmark{"16 at a time", func(n int) *model.Config {
			return pool(func(f *model.Function) {
				f.Concurrent = model.Concurrent{MaxInputs: 16, TargetInputs: 16}
				f.Service.Concurrency = slowDown
				f.MinContainers, f.MaxContainers = 50, 50
			}, 1, 300, n)
		}, func(n int) *histogram { return loopShared(50, slowDownSpeeds(), 300, 1, n) }, 2},
		benchmark{"many cold starts", func(n int) *model.Config {
			return pool(func(f *model.Function) { f.ScaledownWindow = 2 * sim.Second }, 0.5, 2, n)
		}, func(n int) *histogram { return loopPool(100, 2, 0.5, 5, int64(2*sim.Second), n) }, 2},
		benchmark{"ten functions", func(n int) *model.Config {
			return tenFunctions(n)
		}, func(n int) *histogram { return loopPools(10, 100, 150, 0.5, 5, minute, n) }, 2},
	)
}

// tenFunctions share a workspace whose cap they do not reach.
func tenFunctions(inputs int) *model.Config {
	c := model.NewConfig(model.PresetModal)
	c.Platform.Limits = model.NoLimits()
	c.Workspace, _ = model.NewWorkspace("team")
	for i := range 10 {
		f := function(&c, fmt.Sprint("f", i), 0.5)
		f.MaxContainers = 100
		f.ColdStart.Stages = []model.Stage{{Name: "boot", Billed: true, Time: exponential(5)}}
		calls(&c, f.Name, 150, inputs/10)
	}
	return &c
}
