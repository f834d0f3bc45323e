package model_test

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/model/dist"
	"github.com/simcap/simcap/model/service"
	"github.com/simcap/simcap/model/workload"
	"github.com/simcap/simcap/sim"
)

// swarm makes random scenarios: each takes some features of the platform to extremes and leaves
// others off. What a feature draws does not depend on the other features, so that a scenario shrinks
// by switching them off.
type swarm struct {
	seed uint64
	off  map[string]bool
	used []string // features that were asked for and on, in order
	llm  bool     // functions have LLM engines
}

// on says whether the scenario has the feature; about as often as its taste for features says.
func (s *swarm) on(feature string) bool {
	if s.off[feature] {
		return false
	}
	taste := []float64{0.1, 0.2, 0.35, 0.6}[s.rand("taste").IntN(4)]
	r := s.rand(feature)
	if r.Float64() >= taste {
		return false
	}
	if !slices.Contains(s.used, feature) {
		s.used = append(s.used, feature)
	}
	return true
}

func (s *swarm) rand(name string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(name))
	return rand.New(rand.NewPCG(s.seed, h.Sum64()))
}

// of draws for a feature, past the draw that said whether it is on.
func (s *swarm) of(feature string) *rand.Rand {
	r := s.rand(feature)
	r.Float64()
	return r
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// grid is a time from low to high quarters of a second, so that dates coincide; with the feature odd
// some are not on the grid.
func (s *swarm) grid(r *rand.Rand, low, high int) sim.Time {
	t := sim.Time(low+r.IntN(high-low+1)) * sim.Second / 4
	if s.on("odd times") && r.Float64() < 0.3 {
		t += sim.Time(r.IntN(200_000_000))
	}
	return t
}

// law is a distribution of times: mostly a constant of the grid.
func (s *swarm) law(feature string, r *rand.Rand, low, high int) dist.Dist {
	t := float64(s.grid(r, low, high))
	if !s.on("random " + feature) {
		return dist.Constant{Value: t}
	}
	switch r.IntN(4) {
	case 0:
		return dist.Exponential{Average: t + 1e8}
	case 1: // a few dates, that coincide
		return dist.Empirical{Values: []float64{t, t + 5e8, t + 1e9, t + 3e9}}
	case 2:
		return dist.Lognormal{Average: t + 1e8, CV: 1.5}
	}
	return dist.Uniform{Low: t, High: t + 2e9}
}

// config makes the scenario.
func (s *swarm) config() model.Config {
	c := model.NewConfig(model.PresetNone)
	if s.on("modal") || s.on("modal too") {
		c = model.NewConfig(model.PresetModal)
		c.Platform.Limits = model.NoLimits()
	}
	s.platform(&c)
	functions := 1
	if s.on("functions") {
		functions = 2 + s.of("functions").IntN(2)
	}
	for i := range functions {
		c.Functions = append(c.Functions, s.function(&c, i))
	}
	workloads := 1
	if s.on("workloads") {
		workloads = 2 + s.of("workloads").IntN(2)
	}
	for i := range max(functions, workloads) {
		c.Workloads = append(c.Workloads, s.workload(&c, i))
	}
	if s.on("horizon") {
		c.Horizon = s.grid(s.of("horizon"), 4, 200)
		if s.on("warm-up") {
			c.Warmup = c.Horizon / 3
		}
	}
	return c
}

func (s *swarm) platform(c *model.Config) {
	p := &c.Platform
	if s.on("interval") {
		p.Autoscaler.Interval = pick(s.of("interval"), 0, sim.Second/2, sim.Second, 5*sim.Second/2)
	}
	if s.on("gain") {
		p.Autoscaler.Gain = pick(s.of("gain"), 0.25, 0.5, 0.55, 1.5, 3)
	}
	if s.on("cancel") {
		p.Autoscaler.CancelStarting = !p.Autoscaler.CancelStarting
	}
	if s.on("routing") {
		p.Routing = pick(s.of("routing"), model.Routings...)
	}
	p.Pack = s.on("pack")
	if s.on("burst poll") {
		p.BurstPoll = s.grid(s.of("burst poll"), 1, 16)
	}
	if s.on("hard cap") {
		p.HardCap = 1 + s.of("hard cap").IntN(4)
	}
	if s.on("limits") {
		r := s.of("limits")
		p.Limits.PendingSync, p.Limits.TotalSync = r.IntN(5), 1+r.IntN(8)
		p.Limits.PendingAsync = r.IntN(5)
	}
	if s.on("map concurrency") {
		p.Limits.MapConcurrency = 1 + s.of("map concurrency").IntN(5)
	}
	if s.on("rates") {
		r := s.of("rates")
		p.Limits.Burst = s.grid(r, 4, 20)
		p.Limits.RateSync = pick(r, 1.0, 2.0, 3.0, 4.0)
		p.Limits.RateAsync = pick(r, 1.0, 2.0, 3.0)
	}
	if s.on("workspace") {
		c.Workspace.MaxContainers = 1 + s.of("workspace").IntN(6)
	}
	if s.on("gpus") {
		c.Workspace.MaxGPUs = 2 + s.of("gpus").IntN(5)
	}
}

func (s *swarm) function(c *model.Config, i int) model.Function {
	n := string(rune('f' + i))
	f := model.NewFunction(n, &c.Platform)
	r := s.of("settings of " + n)
	if s.on("gpus") || s.on("workspace") {
		f.GPU, f.GPUs = pick(r, "", "T4", "H100"), 1+r.IntN(2)
		if f.GPU == "" {
			f.GPUs = 0
		}
	}
	if s.on("min") {
		f.MinContainers = 1 + r.IntN(3)
	}
	if s.on("max") {
		f.MaxContainers = max(f.MinContainers, 1+r.IntN(4))
	}
	if c.Platform.HardCap != model.None {
		f.MinContainers = min(f.MinContainers, c.Platform.HardCap)
	}
	if s.on("buffer") {
		f.BufferContainers = 1 + r.IntN(3)
	}
	if s.on("window") {
		f.ScaledownWindow = s.grid(r, 0, 40)
	}
	if s.on("concurrent") {
		f.Concurrent.MaxInputs = 2 + r.IntN(4)
		f.Concurrent.TargetInputs = f.Concurrent.MaxInputs
		if s.on("target") {
			f.Concurrent.TargetInputs = 1 + r.IntN(f.Concurrent.MaxInputs)
		}
	}
	if s.on("batched") {
		f.Batched.MaxBatchSize = 1 + r.IntN(5)
		if s.on("batch wait") {
			f.Batched.Wait = s.grid(r, 0, 12)
		}
	}
	f.SingleUse = s.on("single use")
	if s.on("retries") {
		f.Retries = model.FixedRetries(1 + r.IntN(3))
		if s.on("exponential retries") {
			f.Retries = model.Retries{Max: r.IntN(4), InitialDelay: s.grid(r, 0, 8),
				BackoffCoefficient: pick(r, 1, 1.5, 2, 3), MaxDelay: s.grid(r, 0, 20)}
		}
	}
	if s.on("overhead") {
		f.Overhead = s.law("overhead", r, 0, 4)
	}
	if s.llm {
		s.engine(&f, s.of("engine of "+n))
	} else {
		s.service(&f, r)
	}
	s.coldStart(&f, s.of("cold start of "+n))
	s.failures(&f, s.of("failures of "+n))
	s.changes(&f, s.of("changes of "+n), c)
	return f
}

func (s *swarm) service(f *model.Function, r *rand.Rand) {
	f.Service.Time = s.law("demand", r, 0, 16)
	if s.on("long service") {
		f.Service.Time = s.law("demand", r, 8, 60)
	}
	if s.on("per unit") {
		f.Service.PerUnit = float64(s.grid(r, 0, 4))
	}
	if s.on("first input") {
		f.Service.FirstInput = s.law("first input", r, 0, 20)
	}
	if f.Batched.MaxBatchSize > 0 && s.on("batch curve") {
		f.Service.Time = nil
		b := &service.Batch{Base: float64(s.grid(r, 0, 8)), PerInput: float64(s.grid(r, 0, 4))}
		if s.on("batch points") {
			b = &service.Batch{Points: service.Curve{{N: 1, NS: 1e9}, {N: 3, NS: 2e9}, {N: 4, NS: 2.25e9}}}
		}
		b.Units = pick(r, "", service.Sum, service.Max)
		f.Service.Batch = b
	}
	if s.on("noise") {
		f.Service.NoiseCV = pick(r, 0.05, 0.5, 2)
	}
	if s.on("slow-down") {
		f.Service.Concurrency = pick(r,
			service.Curve{{N: 1, NS: 1e9}, {N: 2, NS: 2e9}},
			service.Curve{{N: 1, NS: 1e9}, {N: 4, NS: 1.75e9}},
			service.Curve{{N: 1, NS: 1e9}, {N: 2, NS: 1.1e9}, {N: 5, NS: 3e9}},
			service.Curve{{N: 2, NS: 1e9}, {N: 3, NS: 1.25e9}})
	}
}

func (s *swarm) coldStart(f *model.Function, r *rand.Rand) {
	if s.on("cold start") {
		f.ColdStart.Stages = []model.Stage{{Name: "boot", Time: s.law("cold start", r, 0, 20), Billed: true}}
	}
	if s.on("stages") {
		f.ColdStart.Stages = nil
		for _, name := range []string{"schedule", "image", "boot", "init"}[r.IntN(3):] {
			f.ColdStart.Stages = append(f.ColdStart.Stages,
				model.Stage{Name: name, Time: s.law("cold start", r, 0, 8), Billed: r.IntN(2) == 0})
		}
	}
	if s.on("snapshot") {
		f.ColdStart.Snapshot = model.Snapshot{After: r.IntN(4),
			Stages: []model.Stage{{Name: "restore", Time: s.law("cold start", r, 0, 3), Billed: r.IntN(2) == 0}}}
	}
	if s.on("startup timeout") {
		f.StartupTimeout = s.grid(r, 8, 40)
	}
}

func (s *swarm) failures(f *model.Function, r *rand.Rand) {
	if s.on("timeout") {
		f.Timeout = s.grid(r, 1, 20)
	}
	if s.on("no kill") {
		f.TimeoutKills = false
	}
	if s.on("failing") {
		f.Failures.Rate = pick(r, 0.1, 0.5, 1)
	}
	if s.on("crash") {
		f.Failures.CrashPerHour = pick(r, 20.0, 200, 1000)
	}
	if s.on("preemption") {
		f.Failures.PreemptPerHour = pick(r, 20.0, 200, 1000)
	}
}

func (s *swarm) changes(f *model.Function, r *rand.Rand, c *model.Config) {
	if s.on("updates") {
		for range 1 + r.IntN(3) {
			u := model.Update{At: s.grid(r, 0, 120)}
			least, most := f.MinContainers, 6
			if f.MaxContainers != model.None {
				most = f.MaxContainers
			}
			if c.Platform.HardCap != model.None {
				most = min(most, c.Platform.HardCap)
			}
			if r.IntN(2) == 0 {
				n := r.IntN(most + 1)
				u.MinContainers = &n
			} else {
				n := max(1, least) + r.IntN(4)
				u.MaxContainers = &n
			}
			if r.IntN(2) == 0 {
				n := r.IntN(3)
				u.BufferContainers = &n
			}
			if r.IntN(2) == 0 {
				w := s.grid(r, 0, 40)
				u.ScaledownWindow = &w
			}
			if s.on("repeated updates") {
				u.Every = s.grid(r, 4, 60)
			}
			f.Updates = append(f.Updates, u)
		}
	}
	for _, strategy := range []string{"rolling", "recreate"} {
		if s.on(strategy) {
			for range 1 + r.IntN(3) {
				f.Deploys = append(f.Deploys, model.Deploy{At: s.grid(r, 0, 100), Strategy: strategy})
			}
		}
	}
}

func (s *swarm) workload(c *model.Config, i int) model.Workload {
	n := string(rune('u' + i))
	w := model.NewWorkload(n, c.Functions[i%len(c.Functions)].Name)
	r := s.of("workload " + n)
	switch {
	case s.on("map"):
		w.Method = pick(r, model.Map, model.Starmap, model.SpawnMap)
	case s.on("map " + n):
		w.Method = model.Map
	case s.on("spawn " + n):
		w.Method = pick(r, model.Spawn, model.SpawnMap)
	case s.on("web"):
		w.Method = model.Web
	}
	if w.Method.Many() {
		w.Inputs = dist.Constant{Value: float64(1 + r.IntN(12))}
		if s.on("random inputs") {
			w.Inputs = dist.Uniform{Low: 0, High: 15}
		}
		w.ReturnExceptions = s.on("return exceptions")
	}
	if s.on("size") {
		w.Size = pick[dist.Dist](r, dist.Constant{Value: 2}, dist.Empirical{Values: []float64{0.5, 1, 2, 5}})
		if s.on("random sizes") {
			w.Size = dist.Exponential{Average: 2}
		}
	}
	if s.on("client retry") {
		w.Client.Retry = model.Retries{Max: r.IntN(4), InitialDelay: s.grid(r, 0, 8),
			BackoffCoefficient: pick(r, 1, 1.5, 2), MaxDelay: s.grid(r, 0, 30)}
	}
	if s.on("patience") {
		w.Client.Patience = s.law("patience", r, 0, 12)
	}
	if s.llm {
		s.tokens(&w, s.of("tokens of "+n))
	}
	s.arrivals(&w, s.of("arrivals of "+n), n)
	return w
}

func (s *swarm) arrivals(w *model.Workload, r *rand.Rand, n string) {
	a := &w.Arrivals
	a.Count = int64(1 + r.IntN(pick(r, 5, 20, 60)))
	if w.Method.Many() {
		a.Count = int64(1 + r.IntN(6))
	}
	switch {
	case s.on("closed " + n):
		a.Kind = workload.Closed{Clients: 1 + r.IntN(6), Think: s.law("think", r, 1, 20)}
		return
	case s.on("poisson " + n):
		a.Kind = workload.Poisson{RatePerSec: pick(r, 0.1, 0.5, 2)}
	case s.on("constant " + n):
		a.Kind = workload.Constant{RatePerSec: pick(r, 0.25, 1, 2, 3, 4)}
	case s.on("trace " + n):
		a.Kind = workload.Trace{Speedup: pick(r, 1.0, 2), RateScale: 1, Open: func(uint64) (workload.Source, error) {
			return &rowSource{rand: s.of("rows of " + n)}, nil
		}}
	default:
		var times []sim.Time
		for range 1 + r.IntN(30) {
			times = append(times, s.grid(r, 0, pick(r, 4, 60, 200)))
		}
		a.Kind = workload.At{Times: times}
	}
	if s.on("group") {
		a.Group = pick[dist.Dist](r, dist.Constant{Value: 3}, dist.Uniform{Low: 0, High: 6})
	}
	if s.on("start") {
		a.Start = s.grid(r, 0, 40)
	}
	if s.on("stop") {
		a.Stop = a.Start + s.grid(r, 1, 80)
	}
}

// rowSource is a trace of random rows.
type rowSource struct {
	rand *rand.Rand
	at   sim.Time
	rows int
}

func (s *rowSource) Next(a *workload.Arrival) bool {
	s.rows++
	s.at += sim.Time(s.rand.IntN(8)) * sim.Second / 4
	*a = workload.Arrival{At: s.at, Size: float64(1 + s.rand.IntN(5)), Demand: float64(s.rand.IntN(16)) * 2.5e8,
		Prompt: math.NaN(), Output: math.NaN()}
	return s.rows <= 40
}
