package main

import (
	"bytes"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/simcap/simcap/calibrate/fit"
	"github.com/simcap/simcap/calibrate/profile"
	"github.com/simcap/simcap/report"
	"github.com/simcap/simcap/scenarios"
)

func TestProfilesListAndShow(t *testing.T) {
	o := simcap(t, "", "profiles")
	o.expect(t, exitDone, "resnet50-trt-fp16-a100", "")
	for _, name := range scenarios.LibraryProfiles() {
		if !strings.Contains(o.stdout, name) {
			t.Errorf("%s is not in the list", name)
		}
		simcap(t, "", "profiles", "show", name).expect(t, exitDone, "licence", "")
	}
	simcap(t, "", "profiles", "list", "--json").expect(t, exitDone, `"licence": "MIT"`, "")
	simcap(t, "", "profiles", "format").expect(t, exitDone, "simcap_profile: 1", "")
	simcap(t, "", "profiles", "show", "resnet50-trt-fp16-a101").expect(t, exitUsage, "", `did you mean "resnet50-trt-fp16-a100"?`)
	simcap(t, "", "profiles", "compare", "resnet50-trt-fp16-t4", "resnet50-trt-fp16-a100").expect(t, exitDone, "0.48×", "")
	simcap(t, "", "profiles", "compare", "resnet50-trt-fp16-t4", "llama3-8b-vllm-h100-204in-62out").
		expect(t, exitDone, "They share no curve", "")
	simcap(t, "", "profiles", "show", "llama31-8b-vllm-rtx4090").expect(t, exitDone, "tokens per second", "")
	dir := t.TempDir()
	simcap(t, "", "profiles", "show", "llama31-8b-vllm-rtx4090", "-o", filepath.Join(dir, "llm")).expect(t, exitDone, "profile.html", "")
	if _, err := os.Stat(filepath.Join(dir, "llm", "iteration-time.png")); err != nil {
		t.Error(err)
	}
	simcap(t, "", "profiles", "show", "resnet50-trt-fp16-a100", "-o", filepath.Join(dir, "p")).expect(t, exitDone, "profile.html", "")
	for _, name := range []string{"batch-time.png", "batch-rate.png"} {
		data, err := os.ReadFile(filepath.Join(dir, "p", name))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := png.Decode(bytes.NewReader(data)); err != nil {
			t.Error(err)
		}
	}
	simcap(t, "", "profiles", "show", "resnet50-trt-fp16-a100", "-o", filepath.Dir(dir)).expect(t, exitUsage, "", "holds no profile's page")
}

// A table of measurements becomes a profile, a scenario runs with it, and what a batch costs in the
// run is what the table says.
func TestProfilesConvertAndRun(t *testing.T) {
	t.Chdir(t.TempDir())
	write := func(name, text string) {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("m.csv", "batch,latency_ms\n1,10\n2,12\n4,16\n8,24\n")
	simcap(t, "", "profiles", "convert", "m.csv", "--gpu", "NVIDIA L4", "--valid-gpu", "L4").expect(t, exitDone, "wrote m.yaml", "")
	simcap(t, "", "profiles", "convert", "m.csv").expect(t, exitUsage, "", "m.yaml is there already")
	simcap(t, "", "profiles", "convert", "none.csv").expect(t, exitUsage, "", "no such file")
	simcap(t, "", "profiles", "convert", "m.csv", "--from", "xml").expect(t, exitUsage, "", "no format")
	write("s.yaml", "simcap: 1\nname: s\nhorizon: 10m\nfunctions:\n  f:\n    gpu: L4\n    min_containers: 1\n    service: {profile: m.yaml}\n"+
		"    batched: {max_batch_size: 4, wait_ms: 0}\nworkloads:\n  - {name: w, function: f, arrivals: {process: constant, rate: 2/s, group: 4}}\n")
	o := simcap(t, "", "run", "s.yaml", "--json")
	o.expect(t, exitDone, `"p50":`, "")
	r, err := report.ReadJSON(strings.NewReader(o.stdout))
	if err != nil {
		t.Fatal(err)
	}
	if p50 := *r.Total.LatencyS.P50.Value; math.Abs(p50-0.016) > 0.0001 {
		t.Errorf("a batch of 4 takes %v s, not 16 ms", p50)
	}
	o = simcap(t, "", "run", "s.yaml", "--json", "--set", "functions.f.batched.max_batch_size=32", "--set", "functions.f.gpu=A100")
	for _, want := range []string{"measured with batches of up to 8, and batches of up to 32", "was measured on L4, and the function runs on A100"} {
		if !strings.Contains(o.stdout, want) {
			t.Errorf("no warning %q in\n%s", want, o.stdout)
		}
	}
	simcap(t, "", "run", "s.yaml", "--json", "--set", "functions.f.service.profile=resnet50-trt-fp16-t4").expect(t, exitDone, "measured on T4", "")
}

// What calibration writes is what scenarios read.
func TestProfileRoundTrip(t *testing.T) {
	p := profile.Profile{Name: "x: y", Description: "a # b", Synthetic: true, Comment: []string{"hello"},
		Service: profile.Service{Time: 0.0123, PerUnit: 1e-6, FirstInput: []float64{0.2, 0.1}, NoiseCV: 0.05,
			Batch: &fit.Curve{Kind: fit.Hinge, Floor: 0.02, Base: 0.002, PerInput: 0.0022}, BatchSizes: []int{1, 4, 16, 64},
			Concurrency: []fit.Knot{{N: 1, T: 0.0123}, {N: 4, T: 0.05}}},
		ColdStages: []profile.Stage{{Name: "init", Times: []float64{3, 2, 4}}, {Name: "weights", Times: []float64{1.5}}},
		Valid:      profile.Valid{BatchSize: [2]int{1, 64}, Concurrent: [2]int{1, 4}, Size: [2]float64{1, 512}, GPUs: []string{"L4"}},
		Energy:     &profile.Energy{JoulesPerBatch: 0.8, JoulesPerInput: 0.35, IdleWatts: 16},
		Server:     profile.Server{Discipline: "queue", Slots: 1},
		Provenance: profile.Provenance{How: "measured", GPU: "NVIDIA L4", GPUCount: 1, Driver: "550.54", Command: "simcap calibrate exec -- python 'x y'", Date: "2026-11-26"},
		Quality: profile.Quality{Fit: "hinge", CVError: 0.0123, WorstError: 0.03, Windows: 7, Warnings: []string{"one: two"},
			Holdout: []profile.Holdout{{Rate: 12, MeasuredP50: 0.02, PredictedP50: 0.021, MeasuredP95: 0.05, PredictedP95: 0.048}}},
		Samples: profile.Samples{File: "x.json", SHA256: "ab"}}
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	got, ds := scenarios.ReadProfile("x", b.Bytes())
	if len(ds) > 0 {
		t.Fatalf("%v\n%s", ds, b.String())
	}
	for _, n := range []int{1, 3, 8, 9, 20, 64} {
		if a, b := got.Service.Batch.At(n)/1e9, p.Service.Batch.At(n); a/b > 1.06 || a/b < 1-1e-6 {
			t.Errorf("B(%d) = %v, want %v", n, a, b)
		}
	}
	if got.Name != "x: y" || got.Description != "a # b" || !got.Synthetic || got.Energy.IdleWatts != 16 ||
		got.Server.Slots != 1 || got.Valid.Size[1] != 512 || got.Quality.CVError != 0.0123 ||
		got.Quality.Holdout[0].PredictedP95 != 48e6 || got.ColdStart.Stages[0].Time.Mean() != 3e9 ||
		got.Provenance.Command != p.Provenance.Command || got.Service.Time.Mean() != 12.3e6 ||
		got.Service.FirstInput.Mean() != 0.15e9 || got.Quality.Warnings[0] != "one: two" || got.Samples.File != "x.json" {
		t.Errorf("%+v\n%s", got, b.String())
	}
}

// A profile that was not measured on hardware is told in a run and refused by a plan, unless forced.
func TestSyntheticProfile(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("fake.yaml", []byte("simcap_profile: 1\nsynthetic: true\nservice: {time: 100ms}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	scenario := strings.Replace(small, "service: {time: 200ms}", "service: {profile: fake.yaml}", 1) +
		"plan:\n  search:\n    functions.f.min_containers: [0, 1]\n"
	if err := os.WriteFile("s.yaml", []byte(scenario), 0o644); err != nil {
		t.Fatal(err)
	}
	simcap(t, "", "run", "s.yaml", "--json").expect(t, exitDone, "is synthetic: it was not measured on hardware", "")
	if o := simcap(t, "", "plan", "s.yaml", "--json"); o.code != exitUsage || !strings.Contains(o.stderr, "--force") {
		t.Errorf("exit code %d\n%s", o.code, o.stderr)
	}
	if o := simcap(t, "", "plan", "s.yaml", "--json", "--force", "-q"); o.code != exitDone {
		t.Errorf("exit code %d\n%s", o.code, o.stderr)
	}
}
