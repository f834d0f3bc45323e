package model_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/model/dist"
	"github.com/simcap/simcap/model/service"
	"github.com/simcap/simcap/model/workload"
	"github.com/simcap/simcap/report"
	"github.com/simcap/simcap/scenarios"
	"github.com/simcap/simcap/sim"
)

// drawn are the features of the swarm that draw instants, round them, or count on times that do not
// scale (the token cost of ⌊10⁹/rate⌋ ns, the back-off of map).
var drawn = []string{"odd times", "rates", "limits", "slow-down", "noise", "crash", "preemption", "random sizes", "exponential retries",
	"random demand", "random first input", "random cold start", "random overhead", "random patience", "random think",
	"poisson u", "poisson v", "poisson w", "constant u", "constant v", "constant w", "trace u", "trace v", "trace w"}

// each runs a law on n valid scenarios of the swarm, and ends at the first that breaks it.
func each(t *testing.T, n int, without []string, law func(seed uint64, cfg *model.Config) string) {
	t.Helper()
	ends := func(cfg *model.Config, trial model.Trial) bool {
		_, err := runTwin(cfg, trial, nil)
		return !faulty(cfg) && err == nil // else it never ends, or only after too many events
	}
	tried := 0
	for seed := uint64(1); tried < n; seed++ {
		s := &swarm{seed: seed, off: map[string]bool{}}
		for _, f := range without {
			s.off[f] = true
		}
		cfg := s.config()
		if !ends(&cfg, model.Trial{Seed: seed, Replication: 1}) {
			continue
		}
		tried++
		if law(seed, &cfg) != "" {
			t.Fatal(shrink(s, func(cfg *model.Config, trial model.Trial) string {
				if !ends(cfg, trial) {
					return ""
				}
				return law(seed, cfg)
			}))
		}
	}
}

func must(t *testing.T, cfg *model.Config, trial model.Trial) modelRun {
	t.Helper()
	out := runModel(cfg, trial)
	if out.err != nil || out.panicked != nil {
		t.Fatal(out.err, out.panicked)
	}
	return out
}

// Where every time is twice as long, everything takes exactly twice as long.
func TestTwiceTheTimes(t *testing.T) {
	each(t, 400, drawn, func(seed uint64, cfg *model.Config) string {
		trial := model.Trial{Seed: seed, Replication: 1}
		once := must(t, cfg, trial)
		slow := slowed(cfg)
		twice := must(t, &slow, trial)
		if len(once.inputs) != len(twice.inputs) || len(once.containers) != len(twice.containers) {
			return fmt.Sprintf("%d and %d inputs, %d and %d containers", len(once.inputs), len(twice.inputs),
				len(once.containers), len(twice.containers))
		}
		for i := range once.inputs {
			a := once.inputs[i]
			for _, at := range []*sim.Time{&a.Submitted, &a.Admitted, &a.Assigned, &a.Started, &a.Completed, &a.Latency} {
				stretch(at)
			}
			for p := range a.Parts {
				a.Parts[p] *= 2
			}
			if b := twice.inputs[i]; a != b {
				return fmt.Sprintf("\nonce x 2 %+v\ntwice    %+v", a, b)
			}
		}
		for i := range once.containers {
			a := once.containers[i]
			for _, at := range []*sim.Time{&a.Created, &a.Ready, &a.Stopped, &a.Cold, &a.Busy, &a.Idle} {
				stretch(at)
			}
			a.CostUSD *= 2
			if b := twice.containers[i]; a != b {
				return fmt.Sprintf("\nonce x 2 %+v\ntwice    %+v", a, b)
			}
		}
		return ""
	})
}

func stretch(t *sim.Time) {
	if *t != model.Unset {
		*t *= 2
	}
}

// slowed is the scenario with all its times twice as long.
func slowed(cfg *model.Config) model.Config {
	c := *cfg
	c.Horizon *= 2
	c.Warmup *= 2
	p := &c.Platform
	p.Autoscaler.Interval *= 2
	p.BurstPoll *= 2
	c.Functions = slices.Clone(c.Functions)
	for i := range c.Functions {
		f := &c.Functions[i]
		for _, at := range []*sim.Time{&f.ScaledownWindow, &f.Batched.Wait, &f.Timeout, &f.StartupTimeout,
			&f.Retries.InitialDelay, &f.Retries.MaxDelay} {
			*at *= 2
		}
		s := &f.Service
		s.PerUnit *= 2
		s.Time, s.FirstInput, f.Overhead = twiceLong(s.Time), twiceLong(s.FirstInput), twiceLong(f.Overhead)
		if s.Batch != nil {
			b := *s.Batch
			b.Base *= 2
			b.PerInput *= 2
			b.Points = slices.Clone(b.Points)
			for k := range b.Points {
				b.Points[k].NS *= 2
			}
			s.Batch = &b
		}
		f.ColdStart.Stages = slowStages(f.ColdStart.Stages)
		f.ColdStart.Snapshot.Stages = slowStages(f.ColdStart.Snapshot.Stages)
		f.Updates = slices.Clone(f.Updates)
		for k := range f.Updates {
			u := &f.Updates[k]
			u.At *= 2
			u.Every *= 2
			if u.ScaledownWindow != nil {
				w := 2 * *u.ScaledownWindow
				u.ScaledownWindow = &w
			}
		}
		f.Deploys = slices.Clone(f.Deploys)
		for k := range f.Deploys {
			f.Deploys[k].At *= 2
		}
	}
	c.Workloads = slices.Clone(c.Workloads)
	for i := range c.Workloads {
		w := &c.Workloads[i]
		a := &w.Arrivals
		a.Start *= 2
		a.Stop *= 2
		w.Client.Patience = twiceLong(w.Client.Patience)
		switch kind := a.Kind.(type) {
		case workload.At:
			kind.Times = slices.Clone(kind.Times)
			for k := range kind.Times {
				kind.Times[k] *= 2
			}
			a.Kind = kind
		case workload.Closed:
			kind.Think = twiceLong(kind.Think)
			a.Kind = kind
		}
	}
	return c
}

func twiceLong(d dist.Dist) dist.Dist {
	if v, ok := dist.IsConstant(d); ok {
		return dist.Constant{Value: 2 * v}
	}
	return d
}

func slowStages(stages []model.Stage) []model.Stage {
	stages = slices.Clone(stages)
	for i := range stages {
		stages[i].Time = twiceLong(stages[i].Time)
	}
	return stages
}

// Where every price is twice as high, everything costs exactly twice as much, and nothing else changes.
func TestTwiceThePrices(t *testing.T) {
	each(t, 100, nil, func(seed uint64, cfg *model.Config) string {
		trial := model.Trial{Seed: seed, Replication: 1}
		cheap := *cfg
		cheap.Platform.Prices = model.Prices{CPU: 1e-5, Memory: 2e-6, GPU: map[string]float64{"T4": 1e-4, "H100": 1e-3}}
		dear := cheap
		dear.Platform.Prices = model.Prices{CPU: 2e-5, Memory: 4e-6, GPU: map[string]float64{"T4": 2e-4, "H100": 2e-3}}
		a, b := must(t, &cheap, trial), must(t, &dear, trial)
		if !slices.Equal(a.inputs, b.inputs) {
			return "prices change what happens"
		}
		for i := range a.containers {
			r := a.containers[i]
			r.CostUSD *= 2
			if r != b.containers[i] {
				return fmt.Sprintf("\nonce x 2 %+v\ntwice    %+v", r, b.containers[i])
			}
		}
		return ""
	})
}

// Functions that share no workspace cap and no token bucket do not know of each other: each does in
// company what it does alone.
func TestFunctionsAreIndependent(t *testing.T) {
	shared := []string{"workspace", "gpus", "rates"}
	compared := 0
	each(t, 400, shared, func(seed uint64, cfg *model.Config) string {
		if len(cfg.Functions) < 2 {
			return ""
		}
		compared++
		trial := model.Trial{Seed: seed, Replication: 1}
		together := must(t, cfg, trial)
		for _, f := range cfg.Functions {
			alone := *cfg
			alone.Functions = []model.Function{f}
			alone.Workloads = nil
			for _, w := range cfg.Workloads {
				if w.Function == f.Name {
					alone.Workloads = append(alone.Workloads, w)
				}
			}
			own := must(t, &alone, trial)
			other := func(r model.InputRow) bool { return r.Function != f.Name }
			if rows := slices.DeleteFunc(slices.Clone(together.inputs), other); !slices.Equal(rows, own.inputs) {
				return fmt.Sprintf("function %s: inputs\nin company %+v\nalone      %+v", f.Name, rows, own.inputs)
			}
		}
		return ""
	})
	if compared < 50 {
		t.Errorf("only %d scenarios with several functions", compared)
	}
}

// A setting of the platform or of the function changes neither when its callers call nor what they
// bring: two variants meet the same customers (common random numbers).
func TestCommonRandomNumbers(t *testing.T) {
	feedback := []string{"map", "map u", "map v", "map w", "closed u", "closed v", "closed w", "spawn u", "spawn v", "spawn w"}
	compared := 0
	each(t, 300, feedback, func(seed uint64, cfg *model.Config) string {
		trial := model.Trial{Seed: seed, Replication: 1}
		plain := must(t, cfg, trial)
		other := *cfg
		other.Functions = slices.Clone(cfg.Functions)
		other.Platform.Routing = model.Newest
		other.Platform.Autoscaler.Gain *= 0.75
		for i := range other.Functions {
			f := &other.Functions[i]
			f.ScaledownWindow += 7 * sim.Second
			f.BufferContainers++
			f.Concurrent = model.Concurrent{MaxInputs: 3, TargetInputs: 3}
			f.ColdStart = model.ColdStart{Stages: []model.Stage{{Name: "boot", Time: dist.Exponential{Average: 2e9}, Billed: true}}}
		}
		if faulty(&other) {
			return ""
		}
		varied := must(t, &other, trial)
		if len(plain.inputs) != len(varied.inputs) {
			return fmt.Sprintf("%d and %d inputs", len(plain.inputs), len(varied.inputs))
		}
		for i := range plain.inputs {
			a, b := &plain.inputs[i], &varied.inputs[i]
			same := a.Workload == b.Workload && a.Call == b.Call && a.Submitted == b.Submitted && a.Size == b.Size &&
				a.Parts[model.Overhead] == b.Parts[model.Overhead]
			alone := cfg.Functions[0].Batched.MaxBatchSize == 0 && cfg.Functions[0].Service.FirstInput == nil &&
				len(cfg.Functions) == 1 && a.Attempts == 1 && b.Attempts == 1 &&
				cfg.Functions[0].Failures == model.Failures{} && cfg.Functions[0].Deploys == nil
			if alone && a.Outcome == model.Completed && b.Outcome == model.Completed &&
				cfg.Functions[0].Timeout > sim.Minute {
				compared++
				same = same && a.Parts[model.Served] == b.Parts[model.Served]
			}
			if !same {
				return fmt.Sprintf("\none   %+v\nother %+v", *a, *b)
			}
		}
		return ""
	})
	if compared < 500 {
		t.Errorf("only %d demands were compared", compared)
	}
}

// Twice the same seed gives the same rows; another seed or replication gives other draws.
func TestSeeds(t *testing.T) {
	each(t, 50, nil, func(seed uint64, cfg *model.Config) string {
		trial := model.Trial{Seed: seed, Replication: 1}
		a, b := must(t, cfg, trial), must(t, cfg, trial)
		if !slices.Equal(a.inputs, b.inputs) || !slices.Equal(a.containers, b.containers) {
			return "two runs of one seed differ"
		}
		return ""
	})
	cfg := goodConfig()
	seen := map[sim.Time]model.Trial{}
	for seed := range uint64(20) {
		for replication := 1; replication <= 20; replication++ {
			trial := model.Trial{Seed: seed, Replication: replication}
			cfg.Workloads[0].Arrivals.Count = 1
			first := must(t, &cfg, trial).inputs[0].Submitted
			if other, twice := seen[first]; twice {
				t.Fatalf("%+v and %+v begin alike", trial, other)
			}
			seen[first] = trial
		}
	}
}

// Results are the same bytes on one worker and on several, and again.
func TestWorkersDoNotMatter(t *testing.T) {
	for _, example := range scenarios.Examples() {
		scenario, found := scenarios.Load(example.Name, example.Text, scenarios.ExampleOptions())
		if found.Failed() {
			t.Fatal(found.Text(false))
		}
		scenario.Model.Horizon = min(max(scenario.Model.Horizon, sim.Minute), 20*sim.Minute)
		scenario.Model.Warmup = 0
		scenario.Replications = experiment.Replications{Min: 3, Max: 3}
		var texts [][]byte
		for _, workers := range []int{1, 2, 3, 1} {
			result, err := experiment.Run(context.Background(), scenario, experiment.Options{Workers: workers, Detail: true})
			if err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			if err := report.JSON(&b, result, true); err != nil {
				t.Fatal(err)
			}
			texts = append(texts, b.Bytes())
		}
		for _, text := range texts[1:] {
			if !bytes.Equal(text, texts[0]) {
				t.Errorf("%s: the number of workers changes the result", example.Name)
			}
		}
	}
}

// At L(k) = k × L(1) a container is a processor-sharing queue: k equal inputs that begin together all
// take k times as long, whatever k.
func TestEqualSharing(t *testing.T) {
	for k := 1; k <= 40; k++ {
		cfg := model.NewConfig(model.PresetNone)
		f := model.NewFunction("f", &cfg.Platform)
		f.MinContainers, f.MaxContainers = 1, 1
		f.Concurrent = model.Concurrent{MaxInputs: 40, TargetInputs: 40}
		f.Service = service.Config{Time: dist.Constant{Value: 1_234_567_891}, Concurrency: service.Curve{{N: 1, NS: 1e9}, {N: 40, NS: 40e9}}}
		w := model.NewWorkload("w", "f")
		w.Arrivals.Kind = workload.Once{}
		w.Arrivals.Group = dist.Constant{Value: float64(k)}
		cfg.Functions, cfg.Workloads = []model.Function{f}, []model.Workload{w}
		for _, r := range must(t, &cfg, model.Trial{Seed: 1, Replication: 1}).inputs {
			if want := sim.Time(k) * 1_234_567_891; r.Latency != want {
				t.Errorf("%d inputs together take %v ns, not %v", k, r.Latency, want)
			}
		}
	}
}
