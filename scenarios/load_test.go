package scenarios

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/model/dist"
	"github.com/simcap/simcap/model/service"
	"github.com/simcap/simcap/model/workload"
	"github.com/simcap/simcap/sim"
)

// plainScenario is what most files look like.
const plainScenario = `simcap: 1
name: plain
horizon: 1h
platform: modal
functions:
  embed:
    gpu: L40S
    cpu: 2
    memory: 16GiB
    max_containers: 20
    service: {time: 30ms}
    cold_start: 8s
workloads:
  - name: web
    function: embed
    arrivals: {process: poisson, rate: 50/s}
slo:
  - {metric: latency.p99, function: embed, max: 2s}
`

// equal says how two scenarios differ, but for the functions that open their traces.
func equal(a, b *experiment.Scenario) string {
	return cmp.Diff(a, b, cmpopts.EquateNaNs(), cmpopts.EquateEmpty(), cmp.FilterPath(func(p cmp.Path) bool {
		return p.Last().String() == ".Open"
	}, cmp.Ignore()))
}

func mustLoad(t *testing.T, text string, opts Options) *experiment.Scenario {
	t.Helper()
	s, ds := Load("file.yaml", []byte(text), opts)
	if s == nil {
		t.Fatalf("not a scenario:\n%s", ds.Text(false))
	}
	return s
}

// Every key of docs/semantics.md becomes the value that the model expects.
func TestEverySettingArrives(t *testing.T) {
	const text = `
simcap: 1
name: embeddings on L40S
seed: 7
horizon: 24h
warmup: 30m
replications: {min: 5, max: 40, precision: 2%, metric: latency.p95}
platform: {preset: modal, routing: longest_idle, pack: true, burst_poll: 1s, hard_cap: none,
  autoscaler: {interval: 500ms, gain: 0.55, cancel_starting: false},
  limits: {pending_sync: none, rate_sync: 3000/min, burst: 2.5},
  prices: {gpu: {L40S: $1.80/h}, cpu: 0.00001, regions: {us: 2}}}
workspace: {plan: starter, max_gpus: 20}
functions:
  embed:
    gpu: "L40S:2"
    cpu: 2
    memory: 512MiB
    region: us
    min_containers: 1
    max_containers: 20
    buffer_containers: 3
    scaledown_window: 2m
    concurrent: {max_inputs: 4, target_inputs: 2}
    batched: {max_batch_size: 32, wait_ms: 0.5}
    timeout: 60s
    startup_timeout: 10m
    timeout_kills_container: false
    retries: {max_retries: 3, max_delay: 10s}
    single_use_containers: false
    service:
      per_unit: 0.25ns
      first_input: 2s
      batch: {points: {8: 31ms, 1: 12ms}, units: max}
      noise: {cv: 5%}
      concurrency: {points: {1: 1.0s, 4: 1.4s}}
    cold_start:
      stages: [{name: schedule, time: 1s}, {name: init, time: {dist: lognormal, mean: 4s, cv: 0.5}}, {name: image, time: 2, billed: true}]
      snapshot: {after: 3, stages: [{name: boot, time: 1s}]}
    failures: {rate: 0.1%, crash_per_hour: 0.5, preempt_per_hour: 0.25}
    overhead: 20ms
    updates: [{at: 8h, every: 24h, min_containers: 10, max_containers: none, scaledown_window: 90s}]
    deploys: [{at: 12h}]
workloads:
  - name: web
    function: embed
    method: map
    arrivals: {process: mmpp, states: [{rate: 2/h, mean_duration: 1h}], start: 1m, stop: 20h, count: 5, group: 2}
    inputs: {dist: uniform, min: 1, max: 9}
    order_outputs: false
    return_exceptions: true
    size: {dist: exponential, mean: 3, max: 20}
    client: {patience: 30s}
  - function: embed
    arrivals: {process: diurnal, base: 1/s, peak: 9/s}
    client: {retry: {max_attempts: 4}, patience: none}
slo:
  - {metric: latency.p99, function: embed, max: 2s}
  - {metric: rejected_fraction, workload: web, max: 0.1%, min: 0}
sweep:
  functions.embed.scaledown_window: [10s, 60s]
  functions.embed.concurrent: [{max_inputs: 2}]
plan:
  search:
    functions.embed.buffer_containers: {from: 0, to: 6, step: 3}
`
	got := mustLoad(t, text, Options{})
	ten, window := 10, 90*sim.Second
	none := model.None
	want := &experiment.Scenario{
		Name: "embeddings on L40S", Seed: 7,
		Replications: experiment.Replications{Min: 5, Max: 40, Precision: 0.02, Metric: "latency.p95"},
		SLO: []experiment.Objective{
			{Metric: "latency.p99", Function: "embed", Max: 2, Min: math.NaN()},
			{Metric: "rejected_fraction", Workload: "web", Max: 0.001, Min: 0},
		},
		Sweep: []experiment.Axis{{Key: "functions.embed.scaledown_window", Values: []string{"10s", "60s"}},
			{Key: "functions.embed.concurrent", Values: []string{"{max_inputs: 2}"}}},
		PlanSearch: []experiment.Axis{{Key: "functions.embed.buffer_containers", Values: []string{"0", "3", "6"}}},
	}
	c := model.NewConfig(model.PresetModal)
	c.Horizon, c.Warmup = 24*sim.Hour, 30*sim.Minute
	p := &c.Platform
	p.Routing, p.Pack, p.BurstPoll, p.HardCap = model.LongestIdle, true, sim.Second, model.None
	p.Autoscaler = model.Autoscaler{Policy: "modal", Interval: sim.Second / 2, Gain: 0.55}
	p.Limits.PendingSync, p.Limits.RateSync, p.Limits.Burst = model.None, 50, 5*sim.Second/2
	p.Prices.GPU["L40S"], p.Prices.CPU, p.Prices.Regions["us"] = 0.0005, 0.00001, 2
	c.Workspace = model.Workspace{Plan: "starter", MaxContainers: 100, MaxGPUs: 20}
	c.Functions = []model.Function{{
		Name: "embed", GPU: "L40S", GPUs: 2, CPU: 2, MemoryGiB: 0.5, Region: "us", MinContainers: 1, MaxContainers: 20,
		BufferContainers: 3, ScaledownWindow: 2 * sim.Minute,
		Concurrent: model.Concurrent{MaxInputs: 4, TargetInputs: 2},
		Batched:    model.Batched{MaxBatchSize: 32, Wait: sim.Millisecond / 2},
		Timeout:    sim.Minute, StartupTimeout: 10 * sim.Minute,
		Retries: model.Retries{Max: 3, InitialDelay: sim.Second, BackoffCoefficient: 2, MaxDelay: 10 * sim.Second},
		Service: service.Config{
			PerUnit: 0.25, FirstInput: dist.Constant{Value: 2e9}, NoiseCV: 0.05,
			Batch:       &service.Batch{Points: service.Curve{{N: 1, NS: 12e6}, {N: 8, NS: 31e6}}, Units: service.Max},
			Concurrency: service.Curve{{N: 1, NS: 1e9}, {N: 4, NS: 1.4e9}},
		},
		ColdStart: model.ColdStart{
			Stages: []model.Stage{{Name: "schedule", Time: dist.Constant{Value: 1e9}},
				{Name: "init", Time: dist.Lognormal{Average: 4e9, CV: 0.5}, Billed: true},
				{Name: "image", Time: dist.Constant{Value: 2e9}, Billed: true}},
			Snapshot: model.Snapshot{After: 3, Stages: []model.Stage{{Name: "boot", Time: dist.Constant{Value: 1e9}, Billed: true}}},
		},
		Failures: model.Failures{Rate: 0.001, CrashPerHour: 0.5, PreemptPerHour: 0.25},
		Overhead: dist.Constant{Value: 20e6},
		Updates: []model.Update{{At: 8 * sim.Hour, Every: 24 * sim.Hour, MinContainers: &ten, MaxContainers: &none,
			ScaledownWindow: &window}},
		Deploys: []model.Deploy{{At: 12 * sim.Hour, Strategy: "rolling"}},
	}}
	c.Workloads = []model.Workload{
		{Name: "web", Function: "embed", Method: model.Map, Inputs: dist.Uniform{Low: 1, High: 9}, ReturnExceptions: true,
			Arrivals: workload.Process{Kind: workload.MMPP{States: []workload.State{{RatePerSec: 2.0 / 3600, MeanDuration: sim.Hour}}},
				Start: sim.Minute, Stop: 20 * sim.Hour, Count: 5, Group: dist.Constant{Value: 2}},
			Size:   dist.Truncated{Dist: dist.Exponential{Average: 3}, Min: math.NaN(), Max: 20},
			Client: model.Client{Patience: dist.Constant{Value: 30e9}}},
		{Name: "workload2", Function: "embed", Method: model.Remote, Inputs: dist.Constant{Value: 1}, OrderOutputs: true,
			Arrivals: workload.Process{Kind: workload.Diurnal{BasePerSec: 1, PeakPerSec: 9, Period: 24 * sim.Hour, PeakAt: 14 * sim.Hour},
				Group: dist.Constant{Value: 1}},
			Size: dist.Constant{Value: 1},
			Client: model.Client{Retry: model.Retries{Max: 3, InitialDelay: sim.Second, BackoffCoefficient: 2,
				MaxDelay: sim.Minute}}},
	}
	want.Model = c
	if diff := equal(want, got); diff != "" {
		t.Error(diff)
	}
}

// The shortest scenario gets the defaults of docs/semantics.md.
func TestDefaults(t *testing.T) {
	const text = `{simcap: 1, functions: {f: {}}, workloads: [{function: f, arrivals: {process: once}}]}`
	got := mustLoad(t, text, Options{})
	c := model.NewConfig(model.PresetModal)
	c.Functions = []model.Function{model.NewFunction("f", &c.Platform)}
	w := model.NewWorkload("workload1", "f")
	w.Arrivals.Kind = workload.Once{}
	c.Workloads = []model.Workload{w}
	want := &experiment.Scenario{Name: "file", Seed: 1, Model: c,
		Replications: experiment.Replications{Min: 1, Max: 1, Metric: "latency.p99"}}
	if diff := equal(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestPresetNone(t *testing.T) {
	s := mustLoad(t, change(t, "platform: modal", "platform: {preset: none, timeout_kills_container: false}"), Options{})
	p := s.Model.Platform
	if p.Limits != model.NoLimits() || p.HardCap != model.None || p.Autoscaler.Interval != 0 || p.Autoscaler.CancelStarting {
		t.Errorf("%+v", p)
	}
	f := &s.Model.Functions[0]
	if price := f.PricePerS(&p.Prices); price != 0 {
		t.Errorf("a container costs %v a second", price)
	}
	if f.TimeoutKills {
		t.Error("the function does not follow the platform")
	}
}

func TestAnchorsAndMerges(t *testing.T) {
	text := change(t, "  embed:\n    gpu: L40S", "  embed: &embed\n    gpu: L40S",
		"workloads:", "  other:\n    <<: *embed\n    gpu: T4\nworkloads:")
	s := mustLoad(t, text, Options{})
	embed, other := s.Model.Functions[0], s.Model.Functions[1]
	if other.GPU != "T4" || other.MaxContainers != 20 || embed.GPU != "L40S" {
		t.Errorf("%+v", other)
	}
	s = mustLoad(t, text, Options{Set: []Override{{Key: "functions.other.max_containers", Value: "3"}}})
	if n := s.Model.Functions[0].MaxContainers; n != 20 || s.Model.Functions[1].MaxContainers != 3 {
		t.Errorf("the override reached the anchor: %d", n)
	}
}

func TestOverrides(t *testing.T) {
	for _, c := range []struct {
		set  string
		same string // the text that it stands for, as a change of the plain scenario: old=>new
	}{
		{"functions.embed.max_containers=3", "max_containers: 20=>max_containers: 3"},
		{"functions.embed.min_containers=3", "cpu: 2=>cpu: 2\n    min_containers: 3"},
		{"workloads.web.arrivals.rate=3000/min", "rate: 50/s=>rate: 3000/min"},
		{"workloads.0.arrivals.rate=7", "rate: 50/s=>rate: 7"},
		{"workloads[0].arrivals.rate=7", "rate: 50/s=>rate: 7"},
		{"slo.0.max=100ms", "max: 2s=>max: 100ms"},
		{"platform.routing=oldest", "platform: modal=>platform: {preset: modal, routing: oldest}"},
		{"platform.autoscaler.gain=0.5", "platform: modal=>platform: {autoscaler: {gain: 0.5}}"},
		{"platform=none", "platform: modal=>platform: none"},
		{"functions.embed.batched.max_batch_size=4", "cpu: 2=>cpu: 2\n    batched: {max_batch_size: 4}"},
		{"functions.embed.cold_start={stages: [{name: boot, time: 2s}]}", "cold_start: 8s=>cold_start: {stages: [{name: boot, time: 2s}]}"},
		{"functions.embed.service.time={dist: exponential, mean: 1s}", "time: 30ms=>time: {dist: exponential, mean: 1s}"},
		{"workloads.web.arrivals={process: once}", "{process: poisson, rate: 50/s}=>{process: once}"},
		{"seed=9", "name: plain=>name: plain\nseed: 9"},
	} {
		o, err := ParseOverride(c.set)
		if err != nil {
			t.Fatal(err)
		}
		before, after, _ := strings.Cut(c.same, "=>")
		want := mustLoad(t, change(t, before, after), Options{})
		got := mustLoad(t, plainScenario, Options{Set: []Override{o}})
		if diff := equal(want, got); diff != "" {
			t.Errorf("%s:\n%s", c.set, diff)
		}
		// What the document says it is, with the override, loads to the same.
		doc, _ := Parse("file.yaml", []byte(plainScenario))
		if diff := equal(want, mustLoad(t, doc.Text([]Override{o}), Options{})); diff != "" {
			t.Errorf("text of %s:\n%s", c.set, diff)
		}
	}
}

func TestOverridesThatAreWrong(t *testing.T) {
	for _, c := range []struct{ set, at, message, help string }{
		{"functions.embed.min_contaners=2", "min_contaners", "unknown key", `"min_containers"`},
		{"functions.embed.min_containers=two", "two", "not a number", ""},
		{"functions.embed.min_containers=30", "30", "more than max_containers", ""},
		{"functions.emed.min_containers=2", "emed", `there is no function "emed"`, `"embed"`},
		{"workloads.wob.method=map", "wob", `no element "wob"`, `"web"`},
		{"workloads.3.method=map", "3", `no element "3"`, `web`},
		{"functions.embed.service.time={dist: gama, mean: 1}", "gama", "no distribution", `"gamma"`},
		{"functions.embed.cpu=[", "[", "is not YAML", ""},
		{"functions.embed.cpu=", "", "no value", ""},
	} {
		o, err := ParseOverride(c.set)
		if err != nil {
			t.Fatal(err)
		}
		_, ds := Load("file.yaml", []byte(plainScenario), Options{Set: []Override{o}})
		if len(ds) != 1 {
			t.Fatalf("%s: %d diagnostics:\n%s", c.set, len(ds), ds.Text(false))
		}
		d := ds[0]
		if d.File != "--set" || !strings.Contains(d.Message, c.message) || !strings.Contains(d.Help, c.help) ||
			!strings.HasPrefix(textAt(c.set, d.Line, d.Column), c.at) {
			t.Errorf("%s:\n%s", c.set, ds.Text(false))
		}
	}
	for _, text := range []string{"", "=", "=3", "seed"} {
		if _, err := ParseOverride(text); err == nil {
			t.Errorf("%q is taken for KEY=VALUE", text)
		}
	}
}

// A document can be read by many goroutines at once, each with its own settings.
func TestDocumentIsShared(t *testing.T) {
	doc, ds := Parse("file.yaml", []byte(plainScenario))
	if doc == nil {
		t.Fatal(ds)
	}
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for range 20 {
				value := string(rune('1' + i))
				s, ds := doc.Scenario(Options{Set: []Override{{Key: "functions.embed.min_containers", Value: value}}})
				if s == nil || s.Model.Functions[0].MinContainers != i+1 {
					t.Errorf("%d: %v", i, ds)
				}
			}
		})
	}
	group.Wait()
	if s, _ := doc.Scenario(Options{}); s.Model.Functions[0].MinContainers != 0 {
		t.Error("an override changed the document")
	}
}

func TestFilesBesideTheScenario(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("arrivals.txt", "0.5\n1.25\n9\n")
	write("values.txt", "# seconds\n1\n250ms\n")
	write("gpu.profile.yaml", "simcap_profile: 1\nsynthetic: true\nvalid: {}\nservice: {time: 3s, noise: {cv: 0.1}}\ncold_start: 4s\n")
	write("scenario.yaml", strings.NewReplacer("process: poisson, rate: 50/s", "process: trace, file: arrivals.txt",
		"service: {time: 30ms}", "service: {profile: gpu.profile.yaml, noise: {cv: 0.2}}\n    overhead: {dist: empirical, file: values.txt}",
		"    cold_start: 8s\n", "").Replace(plainScenario))
	s, ds := LoadFile(filepath.Join(folder, "scenario.yaml"), nil, Options{})
	if s == nil {
		t.Fatal(ds)
	}
	f := s.Model.Functions[0]
	want := service.Config{Time: dist.Constant{Value: 3e9}, NoiseCV: 0.2, Profile: "gpu.profile.yaml"}
	if diff := cmp.Diff(want, f.Service); diff != "" {
		t.Error(diff)
	}
	if !s.Synthetic {
		t.Error("the scenario does not know that its profile is synthetic")
	}
	stages := []model.Stage{{Name: "boot", Time: dist.Constant{Value: 4e9}, Billed: true}}
	if diff := cmp.Diff(stages, f.ColdStart.Stages); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]float64{1e9, 250e6}, f.Overhead.(dist.Empirical).Values); diff != "" {
		t.Error(diff)
	}
	replay, err := s.Model.Workloads[0].Arrivals.Kind.(workload.Trace).Open(0)
	if err != nil {
		t.Fatal(err)
	}
	var times []sim.Time
	for a := (workload.Arrival{}); replay.Next(&a); {
		times = append(times, a.At)
	}
	if diff := cmp.Diff([]sim.Time{sim.Second / 2, 5 * sim.Second / 4, 9 * sim.Second}, times); diff != "" {
		t.Error(diff)
	}
}

func TestMistakesInOtherFiles(t *testing.T) {
	for _, c := range []struct{ name, file, old, new, place, message string }{
		{"profile with a misspelt key", "simcap_profile: 1\nservice:\n  tme: 3s\n", "time: 30ms", "profile: x", "x:3:3", `unknown key "tme"`},
		{"profile with a misspelt section", "simcap_profile: 1\ncold_strat: 4s\nservice: {time: 3s}\n", "time: 30ms", "profile: x", "x:2:1", `unknown key "cold_strat"`},
		{"profile with a range of three", "simcap_profile: 1\nvalid: {batch_size: [1, 2, 3]}\nservice: {time: 3s}\n", "time: 30ms", "profile: x", "x:2:21", "a range is two numbers"},
		{"profile with a discipline of its own", "simcap_profile: 1\nserver: {discipline: queu}\nservice: {time: 3s}\n", "time: 30ms", "profile: x", "x:2:22", "there is no discipline"},
		{"profile of another kind", "name: 3\n", "time: 30ms", "profile: x", "x:1:1", "is not a profile"},
		{"profile without a service", "simcap_profile: 1\n", "time: 30ms", "profile: x", "x:1:1", "no service section"},
		{"profile that is empty", "", "time: 30ms", "profile: x", "x", "the file is empty"},
		{"profile of a profile", "simcap_profile: 1\nservice: {profile: x}\n", "time: 30ms", "profile: x", "x:1:1", "of its own"},
		{"values with a text", "1\ntwo\n", "30ms", "{dist: empirical, file: x}", "file.yaml:11:45", `x:2: "two" is not a time`},
		{"values without a value", "# none\n", "30ms", "{dist: empirical, file: x}", "file.yaml:11:45", "x has no values"},
		{"trace with a text", "1\ntwo\n", "poisson, rate: 50/s", "trace, file: x, format: seconds", "file.yaml:16:38", "two"},
		{"trace that is empty", "", "poisson, rate: 50/s", "trace, file: x, format: seconds", "file.yaml:16:38", "x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			folder := t.TempDir()
			if err := os.WriteFile(filepath.Join(folder, "x"), []byte(c.file), 0o644); err != nil {
				t.Fatal(err)
			}
			_, ds := Load("file.yaml", []byte(change(t, c.old, c.new)), Options{Folder: folder})
			if len(ds) != 1 || !strings.Contains(ds[0].Message, c.message) || ds[0].Place() != c.place {
				t.Errorf("want %s: %s, got\n%s", c.place, c.message, ds.Text(false))
			}
		})
	}
}

func TestRange(t *testing.T) {
	for _, c := range []struct{ from, to, step, want string }{
		{"0", "8", "2", "0 2 4 6 8"}, {"0", "1", "0.1", "0 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9 1"}, {"1", "4", "", "1 2 3 4"},
		{"10s", "1m", "25s", "10s 35s 60s"}, {"1/s", "3/s", "1/s", "1/s 2/s 3/s"}, {"60/min", "120/min", "30/min", "1/s 1.5/s 2/s"},
		{"1GiB", "3GiB", "1GiB", "1GiB 2GiB 3GiB"}, {"0%", "4%", "2%", "0 0.02 0.04"}, {"3", "3", "1", "3"}, {"0", "5", "3", "0 3"},
	} {
		got, err := Range(c.from, c.to, c.step)
		if err != nil || strings.Join(got, " ") != c.want {
			t.Errorf("%s..%s step %s: %v (%v), want %s", c.from, c.to, c.step, got, err, c.want)
		}
	}
	for _, c := range [][3]string{{"5", "1", ""}, {"", "1", ""}, {"0", "1", "0"}, {"0", "1", "-1"}, {"0", "1e9", "1"},
		{"1s", "5/s", "1"}, {"a", "b", ""}} {
		if got, err := Range(c[0], c[1], c[2]); err == nil {
			t.Errorf("%v is %v", c, got)
		}
	}
}

// FuzzOverride looks for keys and values that make the loader panic or hang, or change the document.
func FuzzOverride(f *testing.F) {
	for _, text := range []string{"functions.embed.cpu=3", "workloads[0].arrivals={process: once}", "a.b.c=d", "=", "platform.x=1",
		"slo[9]=3", "slo.0=[1", "...=3", "functions[=]", "simcap.a=1", "functions.embed.service.time.parts[0].weight=*x"} {
		key, value, _ := strings.Cut(text, "=")
		f.Add(key, value)
	}
	doc, _ := Parse("file.yaml", []byte(plainScenario))
	before, _ := doc.Scenario(Options{})
	f.Fuzz(func(t *testing.T, key, value string) {
		set := []Override{{Key: key, Value: value}}
		s, ds := doc.Scenario(Options{Set: set, Open: openExample})
		if (s == nil) != ds.Failed() {
			t.Fatalf("scenario %v, diagnostics\n%s", s != nil, ds.Text(false))
		}
		_ = doc.Text(set)
		if after, _ := doc.Scenario(Options{}); equal(before, after) != "" {
			t.Fatal("the document has changed")
		}
	})
}

// A file that is no scenario at all is not told of line by line.
func TestErrorsHaveAnEnd(t *testing.T) {
	var text strings.Builder
	text.WriteString("simcap: 1\n")
	for i := range 5 * mostErrors {
		fmt.Fprintf(&text, "k%d: 1\n", i)
	}
	s, ds := Load("file.yaml", []byte(text.String()), Options{})
	last := ds[len(ds)-1]
	// The others are those about the two keys that are missing, functions and workloads.
	if s != nil || len(ds) != mostErrors+1 || last.Message != fmt.Sprintf("%d more errors are not shown", 4*mostErrors+2) {
		t.Errorf("%d diagnostics, the last: %+v", len(ds), last)
	}
}

func TestFunctionWithoutService(t *testing.T) {
	const text = "simcap: 1\nhorizon: 1h\nfunctions:\n  f: {cpu: 1}\nworkloads:\n  - {function: f, arrivals: {process: once}}\n"
	s, ds := Load("file.yaml", []byte(text), Options{})
	if s == nil || len(ds) != 1 || ds[0].Severity != Warning || ds[0].Line != 4 || !strings.Contains(ds[0].Message, "has no service") {
		t.Errorf("%v", ds)
	}
}

// A bound of a rule for replications that the file does not give makes room for the one that it gives.
func TestReplicationBounds(t *testing.T) {
	for text, want := range map[string][2]int{"{max: 3}": {3, 3}, "{min: 60}": {60, 60}, "{max: 20}": {5, 20}, "{min: 2}": {2, 50},
		"{precision: 1%}": {5, 50}, "{min: 3, max: 8}": {3, 8}, "7": {7, 7}} {
		s := mustLoad(t, strings.Replace(plainScenario, "name: plain", "replications: "+text, 1), Options{})
		if got := [2]int{s.Replications.Min, s.Replications.Max}; got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
}
