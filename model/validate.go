package model

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/simcap/simcap/model/dist"
	"github.com/simcap/simcap/model/service"
	"github.com/simcap/simcap/model/workload"
	"github.com/simcap/simcap/sim"
)

// Problem is one thing that is wrong with a configuration.
type Problem struct {
	Path    string // the setting, nested as in a file: functions.embed.cpu, workloads[0].size
	Text    string // what is wrong
	Help    string // what to do about it; may be empty
	Got     string // the text that is none of Choices; "" where that is not what is wrong
	Choices []string
	Needs   []string // other settings that the judgement rests on
	Warning bool     // the run can go on: something has no effect or a surprising one
}

func (p Problem) String() string { return p.Path + ": " + p.Text }

// The ranges of settings that would otherwise only be bounded by the memory of the machine.
const (
	MostContainers = 1_000_000        // a function or workspace
	MostInputs     = 1_000_000        // of a container or a batch
	MostOfGroup    = 10_000_000       // calls that arrive together
	MostOfCall     = 100_000_000      // inputs of one call
	LongestTime    = 36_525 * sim.Day // any time: 100 years
)

// Validate checks every setting and the ways in which settings contradict each other, and returns
// all that is wrong, in the order of the configuration. A run may only begin when no Problem is
// left that is not a warning.
func (c *Config) Validate() []Problem {
	v := &validator{}
	v.time("horizon", c.Horizon)
	v.time("warmup", c.Warmup)
	if c.Horizon > 0 && c.Warmup >= c.Horizon {
		v.wrong("warmup", "the warm-up reaches the horizon, which leaves nothing to measure")
	}
	v.platform(&c.Platform)
	v.countOrNone("workspace.max_containers", c.Workspace.MaxContainers, 1, MostContainers)
	v.countOrNone("workspace.max_gpus", c.Workspace.MaxGPUs, 0, MostContainers)
	for i := range c.Functions {
		v.function(c, &c.Functions[i])
	}
	if len(c.Functions) == 0 {
		v.wrong("functions", "there is no function")
	}
	names := map[string]bool{}
	for i := range c.Workloads {
		w := &c.Workloads[i]
		at := fmt.Sprintf("workloads[%d]", i)
		if names[w.Name] {
			v.wrong(at+".name", "a second workload is named %q", w.Name)
		}
		names[w.Name] = true
		v.workload(c, w, at)
	}
	return v.problems
}

// validator collects problems.
type validator struct{ problems []Problem }

func (v *validator) wrong(path, format string, args ...any) *Problem {
	v.problems = append(v.problems, Problem{Path: path, Text: fmt.Sprintf(format, args...)})
	return &v.problems[len(v.problems)-1]
}

func (v *validator) warn(path, format string, args ...any) {
	v.wrong(path, format, args...).Warning = true
}

func (v *validator) time(path string, t sim.Time) {
	switch {
	case t < 0:
		v.wrong(path, "must not be negative")
	case t > LongestTime:
		v.wrong(path, "must be at most 100 years")
	}
}

func (v *validator) positive(path string, t sim.Time) {
	if t == 0 {
		v.wrong(path, "must be more than 0")
	}
	v.time(path, t)
}

func (v *validator) count(path string, n, least, most int) {
	if n < least || n > most {
		v.wrong(path, "must be between %d and %d, is %d", least, most, n)
	}
}

func (v *validator) countOrNone(path string, n, least, most int) {
	if n != None {
		v.count(path, n, least, most)
	}
}

// number checks that least <= x <= most; NaN is in no range.
func (v *validator) number(path string, x, least, most float64) {
	switch {
	case x >= least && x <= most:
	case math.IsInf(most, 1):
		v.wrong(path, "must be at least %v, is %v", least, x)
	default:
		v.wrong(path, "must be between %v and %v, is %v", least, most, x)
	}
}

func (v *validator) oneOf(path, what, name string, names []string) {
	if !slices.Contains(names, name) {
		p := v.wrong(path, "there is no %s %q", what, name)
		p.Got, p.Choices = name, names
	}
}

func (v *validator) dist(path string, d dist.Dist) {
	if d == nil {
		return
	}
	if err := d.Validate(); err != nil {
		v.wrong(path, "%v", err)
	}
}

func texts[T ~string](names []T) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = string(name)
	}
	return out
}

// Policies are the autoscalers, in the order in which the documentation names them.
var Policies = []string{"modal"}

func (v *validator) platform(p *Platform) {
	a := &p.Autoscaler
	v.oneOf("platform.autoscaler.policy", "autoscaler", a.Policy, Policies)
	v.time("platform.autoscaler.interval", a.Interval)
	if a.Gain <= 0 {
		v.wrong("platform.autoscaler.gain", "must be more than 0, is %v", a.Gain)
	} else {
		v.number("platform.autoscaler.gain", a.Gain, 0, 1000)
	}
	v.oneOf("platform.routing", "routing policy", string(p.Routing), texts(Routings))
	v.time("platform.burst_poll", p.BurstPoll)
	v.countOrNone("platform.hard_cap", p.HardCap, 1, MostContainers)
	v.limits(&p.Limits)
	v.prices(&p.Prices)
}

func (v *validator) limits(l *Limits) {
	const at = "platform.limits."
	v.countOrNone(at+"pending_sync", l.PendingSync, 0, math.MaxInt32)
	v.countOrNone(at+"total_sync", l.TotalSync, 0, math.MaxInt32)
	v.countOrNone(at+"pending_async", l.PendingAsync, 0, math.MaxInt32)
	v.countOrNone(at+"map_concurrency", l.MapConcurrency, 1, math.MaxInt32)
	v.time(at+"burst", l.Burst)
	v.bucket(at+"rate_sync", l.RateSync, l.Burst)
	v.bucket(at+"rate_async", l.RateAsync, l.Burst)
}

// bucket checks a rate limit: with less than one token in a full bucket, nothing could ever pass.
func (v *validator) bucket(path string, ratePerSec float64, burst sim.Time) {
	if ratePerSec == None {
		return
	}
	if !(ratePerSec > 0 && ratePerSec <= 1e9) {
		v.wrong(path, "must be more than 0 and at most 1e9 per second, is %v", ratePerSec)
		return
	}
	// A token costs the whole nanoseconds of 1/rate, as the run counts them.
	if math.Floor(1e9/ratePerSec) > float64(burst) {
		const text = "%v per second times a burst of %v s is less than one input: nothing could ever pass"
		v.wrong(path, text, ratePerSec, burst.Seconds()).Help =
			"raise the rate or limits.burst, or lift the limit: none"
	}
}

func (v *validator) prices(p *Prices) {
	for _, name := range p.Names() {
		v.number("platform.prices.gpu."+name, p.GPU[name], 0, 1e6)
	}
	v.number("platform.prices.cpu", p.CPU, 0, 1e6)
	v.number("platform.prices.memory", p.Memory, 0, 1e6)
	for _, name := range slices.Sorted(keys(p.Regions)) {
		v.number("platform.prices.regions."+name, p.Regions[name], 0, 1000)
	}
	v.number("platform.prices.narrow_region", p.NarrowRegion, 0, 1000)
}

func keys[V any](m map[string]V) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func (v *validator) function(c *Config, f *Function) {
	at := "functions." + f.Name + "."
	v.gpu(at+"gpu", f, &c.Platform.Prices)
	v.number(at+"cpu", f.CPU, 0, 1024)
	v.number(at+"memory", f.MemoryGiB, 0, 65536)
	v.count(at+"min_containers", f.MinContainers, 0, MostContainers)
	v.countOrNone(at+"max_containers", f.MaxContainers, 1, MostContainers)
	v.count(at+"buffer_containers", f.BufferContainers, 0, MostContainers)
	v.time(at+"scaledown_window", f.ScaledownWindow)
	v.count(at+"concurrent.max_inputs", f.Concurrent.MaxInputs, 1, MostInputs)
	if f.Concurrent.TargetInputs != f.Concurrent.MaxInputs {
		v.count(at+"concurrent.target_inputs", f.Concurrent.TargetInputs, 1, MostInputs)
	}
	v.count(at+"batched.max_batch_size", f.Batched.MaxBatchSize, 0, MostInputs)
	v.time(at+"batched.wait_ms", f.Batched.Wait)
	v.positive(at+"timeout", f.Timeout)
	if f.StartupTimeout != f.Timeout {
		v.positive(at+"startup_timeout", f.StartupTimeout)
	}
	v.retries(at+"retries", &f.Retries)
	v.number(at+"failures.rate", f.Failures.Rate, 0, 1)
	v.number(at+"failures.crash_per_hour", f.Failures.CrashPerHour, 0, 1e6)
	v.number(at+"failures.preempt_per_hour", f.Failures.PreemptPerHour, 0, 1e6)
	v.survives(at+"failures", f)
	v.dist(at+"overhead", f.Overhead)
	v.service(at+"service", f)
	v.coldStart(at+"cold_start", f)
	v.scaling(c, f, at)
	v.changes(c, f, at)
}

// mostGPUs is how many GPUs a container of Modal's can have (modal.com/docs/guide/gpu).
func mostGPUs(name string) int {
	if name == "A10" || name == "A10G" {
		return 4
	}
	return 8
}

func (v *validator) gpu(path string, f *Function, p *Prices) {
	if f.GPU == "" {
		return
	}
	v.count(path, f.GPUs, 1, mostGPUs(f.GPU))
	if _, priced := p.GPU[f.GPU]; !priced && len(p.GPU) > 0 {
		problem := v.wrong(path, "the platform has no price for GPU %q", f.GPU)
		problem.Got, problem.Choices = f.GPU, p.Names()
		problem.Help = "or set platform.prices.gpu." + f.GPU
	}
}

func (v *validator) retries(path string, r *Retries) {
	v.countOrNone(path+".max_retries", r.Max, 0, 1_000_000)
	if r.Max == 0 {
		return
	}
	v.time(path+".initial_delay", r.InitialDelay)
	v.number(path+".backoff_coefficient", r.BackoffCoefficient, 1, 1000)
	v.time(path+".max_delay", r.MaxDelay)
	if r.Max == None && min(r.InitialDelay, r.MaxDelay) == 0 {
		v.wrong(path+".initial_delay", "retries for ever need a delay")
	}
}

// withinCap checks min_containers against the cap that the platform sets to every function.
func (v *validator) withinCap(path string, least int, c *Config) {
	if hard := c.Platform.HardCap; hard != None && least > hard {
		v.wrong(path, "min_containers (%d) is more than the platform's cap of %d containers", least, hard)
	}
}

// scaling checks the settings that the autoscaler reads, against each other.
func (v *validator) scaling(c *Config, f *Function, at string) {
	if f.MaxContainers != None && f.MinContainers > f.MaxContainers {
		v.wrong(at+"min_containers", "min_containers (%d) is more than max_containers (%d)",
			f.MinContainers, f.MaxContainers)
	}
	v.withinCap(at+"min_containers", f.MinContainers, c)
	if f.Concurrent.TargetInputs > f.Concurrent.MaxInputs {
		v.wrong(at+"concurrent.target_inputs", "target_inputs (%d) is more than max_inputs (%d)",
			f.Concurrent.TargetInputs, f.Concurrent.MaxInputs)
	}
	if w := c.Workspace.MaxGPUs; w != None && f.GPUs > w {
		v.wrong(at+"gpu", "a container needs %s, and the workspace has %d", gpus(f.GPUs), w)
	}
	if f.SingleUse && f.Concurrent.MaxInputs > 1 {
		v.warn(at+"concurrent.max_inputs",
			"has no effect: a single-use container takes one input or batch")
	}
	if f.SingleUse && f.MinContainers > 0 {
		v.warn(at+"min_containers", "each of these containers stops after its first input or batch")
	}
}

func gpus(n int) string {
	if n == 1 {
		return "1 GPU"
	}
	return fmt.Sprintf("%d GPUs", n)
}

// service checks each setting by itself, so that all that is wrong is found, and not only the first.
func (v *validator) service(at string, f *Function) {
	s := &f.Service
	if s.LLM != nil {
		v.engine(at, f)
		return
	}
	for _, part := range []service.Config{{Time: s.Time}, {PerUnit: s.PerUnit}, {FirstInput: s.FirstInput},
		{NoiseCV: s.NoiseCV}, {Batch: s.Batch}, {Concurrency: s.Concurrency}} {
		most := min(f.Batched.MaxBatchSize, MostInputs)
		if err := part.Validate(most, min(f.Concurrent.MaxInputs, MostInputs)); err != nil {
			key, text, _ := strings.Cut(err.Error(), ": ")
			v.wrong(at+"."+key, "%s", text)
		}
	}
	switch {
	case s.Batch == nil || s.Profile != "": // a profile knows both ways of service, a function uses one
	case f.Batched.MaxBatchSize == 0:
		v.warn(at+".batch", "has no effect without batched")
	case s.Time != nil:
		v.warn(at+".time", "has no effect: service.batch says how long a batch takes")
	}
}

func (v *validator) coldStart(at string, f *Function) {
	cold := &f.ColdStart
	least := v.stages(at+".stages", cold.Stages)
	v.count(at+".snapshot.after", cold.Snapshot.After, 0, math.MaxInt32)
	if len(cold.Snapshot.Stages) > 0 {
		least = min(least, v.stages(at+".snapshot.stages", cold.Snapshot.Stages))
	}
	if f.StartupTimeout > 0 && least > float64(f.StartupTimeout) {
		const text = "a cold start takes at least %.9g s, longer than the startup_timeout of %v s: " +
			"no container could ever start"
		v.wrong(at, text, least/float64(sim.Second), f.StartupTimeout.Seconds()).Help =
			"raise startup_timeout (it is the timeout unless set)"
		return
	}
	inTime := v.inTime(cold.Stages, f.StartupTimeout)
	if len(cold.Snapshot.Stages) > 0 {
		inTime = max(inTime, v.inTime(cold.Snapshot.Stages, f.StartupTimeout))
	}
	if f.StartupTimeout > 0 && inTime < rarest {
		const text = "fewer than one start in a million ends within the startup_timeout of %v s"
		v.wrong(at, text, f.StartupTimeout.Seconds()).Help =
			"raise startup_timeout (it is the timeout unless set)"
	}
}

// rarest is how rarely a start may end in time: a pool whose starts all but always fail would start
// containers for ever.
const rarest = 1e-6

// inTime bounds the probability that the stages end in time together: each has to do so alone.
func (v *validator) inTime(stages []Stage, limit sim.Time) float64 {
	p := 1.0
	for _, s := range stages {
		if s.Time == nil || s.Time.Validate() != nil {
			continue
		}
		share, _ := s.Time.Within(0, float64(limit)+1)
		p *= share
	}
	return p
}

// stages checks stages and returns the least time in ns that they can take together.
func (v *validator) stages(at string, stages []Stage) float64 {
	sum := 0.0
	names := map[string]bool{}
	for i, s := range stages {
		path := fmt.Sprintf("%s[%d]", at, i)
		v.dist(path+".time", s.Time)
		if names[s.Name] {
			v.wrong(path+".name", "a second stage is named %q", s.Name)
		}
		names[s.Name] = true
		if s.Time != nil && s.Time.Validate() == nil {
			sum += least(s.Time)
		}
	}
	return sum
}

func (v *validator) workload(c *Config, w *Workload, at string) {
	names := make([]string, len(c.Functions))
	for i := range c.Functions {
		names[i] = c.Functions[i].Name
	}
	v.oneOf(at+".function", "function", w.Function, names)
	v.oneOf(at+".method", "method", string(w.Method), texts(Methods))
	v.dist(at+".inputs", w.Inputs)
	v.atMost(at+".inputs", w.Inputs, MostOfCall, "inputs of a call")
	v.dist(at+".size", w.Size)
	v.tokens(c, w, at)
	v.dist(at+".client.patience", w.Client.Patience)
	v.clientRetry(at+".client.retry", &w.Client.Retry)
	if w.Method.Many() {
		if w.Client.Retry.Max != 0 {
			v.warn(at+".client.retry", "has no effect: %s retries for ever by itself", w.Method)
		}
	} else if w.Inputs != (dist.Constant{Value: 1}) {
		v.wrong(at+".inputs", "a call of method %s has one input", w.Method).Help =
			"use map, starmap or spawn_map for calls with many inputs"
	}
	v.process(c, &w.Arrivals, at+".arrivals")
	v.atOnce(c, w, at+".arrivals")
}

// atMost checks a number of things that a distribution draws, as far as its least value tells.
func (v *validator) atMost(path string, d dist.Dist, most int, what string) {
	if d != nil && d.Validate() == nil && least(d) > float64(most) {
		v.wrong(path, "at most %d %s are possible", most, what)
	}
}

func (v *validator) clientRetry(path string, r *Retries) {
	before := len(v.problems)
	v.retries(path, r)
	for i := before; i < len(v.problems); i++ {
		p := &v.problems[i]
		if p.Path == path+".max_retries" {
			p.Path, p.Text = path+".max_attempts",
				fmt.Sprintf("must be between 1 and 1000001, is %d", r.Max+1)
		}
	}
}

func (v *validator) process(c *Config, p *workload.Process, at string) {
	v.time(at+".start", p.Start)
	v.time(at+".stop", p.Stop)
	if p.Count < 0 {
		v.wrong(at+".count", "must not be negative")
	}
	v.dist(at+".group", p.Group)
	v.atMost(at+".group", p.Group, MostOfGroup, "calls of a group")
	if p.Kind == nil {
		v.wrong(at, "there is no arrival process")
		return
	}
	if err := p.Kind.Validate(); err != nil {
		v.wrong(at, "%v", err)
		return
	}
	if p.Stop > 0 && p.Stop <= p.Start {
		v.wrong(at+".stop",
			"the process stops (%v s) before it starts (%v s): both are on the run's clock",
			p.Stop.Seconds(), p.Start.Seconds())
	}
	if c.Horizon == 0 && p.Stop == 0 && p.Count == 0 && endless(p.Kind) {
		problem := v.wrong(at, "these arrivals never end, and the scenario has no horizon")
		problem.Help = "set horizon, or stop or count for this process"
		problem.Needs = []string{"horizon", at + ".stop", at + ".count"}
	}
	v.expected(c, p, at)
	if c.Horizon > 0 && p.Start >= c.Horizon {
		v.warn(at+".start", "lies at or after the horizon: this workload never calls")
	}
	if _, closed := any(p.Kind).(workload.Closed); closed && p.Group != nil &&
		p.Group != (dist.Constant{Value: 1}) {
		v.wrong(at+".group", "a client of a closed process makes one call at a time")
	}
}
