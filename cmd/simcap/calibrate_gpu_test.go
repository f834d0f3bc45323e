//go:build linux && (amd64 || arm64) && !nogpu

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/simcap/simcap/calibrate"
	"github.com/simcap/simcap/calibrate/cuda"
	"github.com/simcap/simcap/calibrate/fit"
	"github.com/simcap/simcap/internal/standin"
	"github.com/simcap/simcap/scenarios"
)

// virtualGPU makes the driver of this test's programs the fake library, whose GPU is as config says, and the
// working directory a new one.
func virtualGPU(t *testing.T, library, config, fail string) {
	t.Helper()
	t.Setenv(cuda.LibraryVariable, library)
	t.Setenv("FAKECUDA_CONFIG", config)
	t.Setenv("FAKECUDA_FAIL", fail)
	t.Setenv("SIMCAP_TEST_PROGRAM", "1")
	t.Chdir(t.TempDir())
	t.Cleanup(func() { noStray(t) })
}

// noStray checks that no process that worked on the GPU is left.
func noStray(t *testing.T) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	library := []byte(cuda.LibraryVariable + "=" + os.Getenv(cuda.LibraryVariable))
	for _, path := range all {
		text, err := os.ReadFile(path)
		if err == nil && bytes.Contains(text, library) && !strings.Contains(path, fmt.Sprintf("/%d/", os.Getpid())) {
			line, _ := os.ReadFile(filepath.Dir(path) + "/cmdline")
			t.Errorf("left: %s %q", path, line)
		}
	}
}

// samples reads what was measured.
func samples(t *testing.T, file string) *calibrate.Measurement {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := calibrate.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// virtual is a GPU on which a workload of transformer blocks takes what it takes in truth.
const virtual = "pace=1;f16=20e12;f32=15e12;bw=1e12;fixed=1e-6;h2d=20e9;d2h=10e9;copylat=10e-6;copyhost=2e-6;init=0.1;context=0.3;jit=0.2;slots=1"

// truth is the time of a batch of n on it: 24 layers of 1024, 128 rows an input.
func truth(n int) float64 {
	rows, h := 128*float64(n), 1024.0
	layer := 0.0
	for _, p := range [][2]float64{{3, 1}, {1, 1}, {4, 1}, {1, 4}} {
		layer += max(2*rows*h*h*p[0]*p[1]/20e12, 2*(rows*h*(p[0]+p[1])+h*h*p[0]*p[1])/1e12)
	}
	layer += 6*rows*h*(1+3+1+4+1)/1e12 + 9*1e-6
	return 24*layer + 2*rows*h*(1/20e9+1/10e9) + 20e-6 + 2e-6
}

// From a virtual GPU to a profile: the service curve is found within 2 %, the stages of a start are those of
// the driver, several streams share one GPU, and the profile says that it is synthetic.
func TestCalibrateGPU(t *testing.T) {
	virtualGPU(t, standin.BuildCUDA(t), virtual, "")
	o := simcap(t, "", "calibrate", "gpu", "--workload", "bert-large", "--quick", "--batches", "1,2,4", "--concurrency", "1,3",
		"--open", "0.3", "--open-seconds", "3", "--watch", "none", "--name", "block", "--force")
	o.expect(t, exitDone, "wrote block.yaml", "f16 tensor cores")
	text, err := os.ReadFile("block.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p, ds := scenarios.ReadProfile("block.yaml", text)
	if len(ds) > 0 {
		t.Fatal(ds)
	}
	m := samples(t, "block.samples.json")
	for i := range m.Batches {
		n := m.Batches[i].Batch
		if got := fit.Median(m.Batches[i].Times()); math.Abs(got/truth(n)-1) > 0.02 {
			t.Errorf("B(%d) = %.3f ms, truth %.3f ms", n, 1e3*got, 1e3*truth(n))
		}
	}
	for _, n := range []int{1, 4} {
		if got := p.Service.Batch.At(n) / 1e9; math.Abs(got/truth(n)-1) > 0.02 {
			t.Errorf("B(%d) = %.3f ms, truth %.3f ms", n, 1e3*got, 1e3*truth(n))
		}
	}
	if !p.Synthetic || p.Provenance.GPU != "SimCap Fake GPU" || m.Kind != "gpu" || m.Fingerprint == nil {
		t.Errorf("%+v", p.Provenance)
	}
	for _, s := range m.ColdStarts {
		want := map[string]float64{"driver": 0.1, "context": 0.3, "module": 0.2}
		names := ""
		for _, one := range s.Stages {
			names += one.Name + " "
			if w := want[one.Name]; w > 0 && math.Abs(one.Seconds/w-1) > 0.02 {
				t.Errorf("%s took %.3f s, truth %.3f s", one.Name, one.Seconds, w)
			}
		}
		if names != "init driver context module weights warmup " || !s.Attributed {
			t.Errorf("stages %s", names)
		}
	}
	// Three requests at a time take three times as long, on the one GPU.
	var at [4]float64
	for i := range m.Concurrency {
		at[m.Concurrency[i].Concurrency] = fit.Median(m.Concurrency[i].Times())
	}
	if ratio := at[3] / at[1]; math.Abs(ratio/3-1) > 0.02 {
		t.Errorf("three at a time take %.2f times as long", ratio)
	}
	scenario := "simcap: 1\nname: s\nhorizon: 5m\nfunctions:\n  f: {gpu: L4, service: {profile: block.yaml}}\n" +
		"workloads:\n  - {name: w, function: f, arrivals: {process: poisson, rate: 2/s}}\nslo:\n  - {metric: latency.p95, max: 2s}\n"
	if err := os.WriteFile("s.yaml", []byte(scenario), 0o644); err != nil {
		t.Fatal(err)
	}
	if o := simcap(t, "", "plan", "s.yaml", "--search", "functions.f.min_containers=0..2"); o.code == exitDone || !strings.Contains(o.stderr, "was not measured on hardware") {
		t.Errorf("plan: %d %s", o.code, o.stderr)
	}
}

// Of a divided GPU the profile says which part was measured.
func TestCalibrateGPUInstance(t *testing.T) {
	virtualGPU(t, standin.BuildCUDA(t), "mig=1;mem=5e9;pace=0.1", "")
	o := simcap(t, "", "calibrate", "gpu", "--kind", "mlp", "--layers", "1", "--hidden", "256", "--tokens", "1", "--quick", "--batches", "1",
		"--concurrency", "1", "--open", "0.01", "--open-seconds", "1", "--watch", "none", "--name", "part", "--force", "--cold", "0", "--warm", "0", "--quiet")
	o.expect(t, exitDone, "wrote part.yaml", "")
	text, err := os.ReadFile("part.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p, ds := scenarios.ReadProfile("part.yaml", text)
	if len(ds) > 0 {
		t.Fatal(ds)
	}
	if p.Provenance.MIG != "1g.5gb, 14 SMs, 4768 MiB" || len(p.Valid.GPUs) > 0 ||
		!strings.Contains(string(text), "the profile holds for this part of it, 1g.5gb") {
		t.Errorf("%s", text)
	}
}

// Several processes serve side by side, each with a context of its own; on a virtual GPU that is not shared
// between processes nobody waits.
func TestCalibrateGPUProcesses(t *testing.T) {
	virtualGPU(t, standin.BuildCUDA(t), virtual, "")
	o := simcap(t, "", "calibrate", "gpu", "--kind", "mlp", "--layers", "8", "--hidden", "2048", "--tokens", "128", "--quick",
		"--batches", "1", "--concurrency", "1,2", "--open", "0.01", "--open-seconds", "1", "--watch", "none", "--name", "p", "--force", "--cold", "0",
		"--warm", "0", "--by", "processes", "--quiet")
	o.expect(t, exitDone, "wrote p.yaml", "")
	m := samples(t, "p.samples.json")
	var at [3]float64
	for i := range m.Concurrency {
		at[m.Concurrency[i].Concurrency] = fit.Quantile(m.Concurrency[i].Times(), 0.25)
	}
	if ratio := at[2] / at[1]; ratio < 0.7 || ratio > 1.4 {
		t.Errorf("two at a time take %.2f times as long", ratio)
	}
}

// What goes wrong is said in words, and what was finished is kept.
func TestCalibrateGPUFaults(t *testing.T) {
	library := standin.BuildCUDA(t)
	measure := []string{"calibrate", "gpu", "--quick", "--batches", "1,64", "--concurrency", "1", "--open", "0.01", "--open-seconds", "1",
		"--watch", "none", "--cold", "1", "--warm", "0", "--kind", "mlp", "--layers", "4", "--hidden", "1024", "--tokens", "256", "--force"}
	for _, c := range []struct {
		name, config, fail string
		flags, args        []string
		code               int
		stderr             string
		kept               bool
	}{
		{"no GPU", "", "cuInit:1:100", nil, measure, exitFailed, "no GPU: the driver sees none", false},
		{"old driver", "", "", []string{"-DOLD_DRIVER"}, measure, exitFailed, "has no cuMemHostAlloc", false},
		{"weights too large", "mem=20e6;pace=0.1", "", nil, measure, exitFailed, "weights: 8 MiB are wanted", true},
		{"batch too large", "mem=400e6;pace=0.1", "", nil, measure, exitDone, "out of memory; larger batches are left out", true},
		{"fault in mid-sweep", "pace=0.1", "cuMemcpyDtoHAsync_v2:200:719", nil, measure, exitFailed, "CUDA_ERROR_LAUNCH_FAILED (719)", true},
		{"wrong results", "wrong=1", "", nil, []string{"calibrate", "gpu", "--self-test"}, exitFailed, "2 bad findings", false},
		{"no such GPU", "", "", nil, []string{"calibrate", "gpu", "--fingerprint", "--gpu", "2"}, exitFailed, "there is no GPU 2", false},
		{"f16 on an old GPU", "cc=75;pace=0.1", "", nil, append(measure, "--precision", "f16"), exitFailed, "take --precision f32", true},
		{"preset", "", "", nil, []string{"calibrate", "gpu", "--workload", "gpt"}, exitUsage, `no preset "gpt": there are mlp, bert-base`, false},
		{"columns", "", "", nil, []string{"calibrate", "gpu", "--hidden", "100"}, exitUsage, "a multiple of 64", false},
		{"llm", "", "", nil, []string{"calibrate", "gpu", "--as", "llm"}, exitUsage, "no engine with continuous batching", false},
		{"lanes", "", "", nil, []string{"calibrate", "gpu", "--concurrency", "1,64"}, exitUsage, "64 at a time on 32 streams: raise --lanes", false},
		{"by", "", "", nil, []string{"calibrate", "gpu", "--by", "threads"}, exitUsage, "streams or processes", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			library := library
			if c.flags != nil {
				library = standin.BuildCUDA(t, c.flags...)
			}
			virtualGPU(t, library, c.config, c.fail)
			o := simcap(t, "", c.args...)
			if o.code != c.code || !strings.Contains(o.stderr, c.stderr) {
				t.Errorf("exit code %d, want %d; %q in:\n%s\n%s", o.code, c.code, c.stderr, o.stderr, o.stdout)
			}
			if _, err := os.Stat("profile.samples.json"); (err == nil) != c.kept {
				t.Errorf("kept: %v", err)
			}
		})
	}
	t.Run("no driver", func(t *testing.T) {
		t.Setenv("SIMCAP_TEST_PROGRAM", "1")
		t.Setenv(cuda.LibraryVariable, "/nowhere/libcuda.so.1")
		t.Chdir(t.TempDir())
		o := simcap(t, "", measure...)
		if o.code != exitFailed || !strings.Contains(o.stderr, "no NVIDIA driver is installed here") {
			t.Errorf("%d %s", o.code, o.stderr)
		}
	})
}

// An interrupt keeps what was finished and leaves no process.
func TestCalibrateGPUInterrupt(t *testing.T) {
	virtualGPU(t, standin.BuildCUDA(t), virtual, "")
	cmd := program(t, "calibrate", "gpu", "--workload", "bert-large", "--quick", "--batches", "1,2,4,8,16,32", "--cold", "1", "--warm", "0",
		"--watch", "none", "--name", "x")
	log, err := os.Create("stderr.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd.Stderr = log
	said := func() string {
		text, _ := os.ReadFile("stderr.txt")
		return string(text)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for began := time.Now(); !strings.Contains(said(), "batch 1, 1 at a time: median"); time.Sleep(10 * time.Millisecond) {
		if time.Since(began) > time.Minute {
			cmd.Process.Kill()
			t.Fatal(said())
		}
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != exitInterrupted || !strings.Contains(said(), "what was finished is in x.yaml") {
		t.Errorf("%d %s", code, said())
	}
	if m := samples(t, "x.samples.json"); len(m.Batches) < 1 || !m.Synthetic {
		t.Errorf("%d batches", len(m.Batches))
	}
}

// The hidden side of the command: a worker that others could drive too.
func TestCalibrateGPUServe(t *testing.T) {
	virtualGPU(t, standin.BuildCUDA(t), "", "")
	o := simcap(t, "{\"id\":1,\"op\":\"null\"}\nnonsense\n{\"id\":2,\"op\":\"call\",\"n\":4}\n{\"id\":3,\"op\":\"call\",\"n\":0}\n{\"id\":4,\"op\":\"exit\"}\n",
		"calibrate", "gpu", "--child", "serve", "--kind", "mlp", "--hidden", "256", "--layers", "1", "--tokens", "1", "--lanes", "1")
	if o.code != exitDone {
		t.Fatal(o)
	}
	seen := map[int]string{}
	for _, line := range strings.Split(strings.TrimSpace(o.stdout), "\n") {
		var a struct {
			ID    int
			FnNS  int64 `json:"fn_ns"`
			Error string
		}
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatal(err)
		}
		seen[a.ID] += fmt.Sprintf("%t %s", a.FnNS > 0, a.Error)
	}
	if seen[1] != "false " || seen[2] != "true " || !strings.Contains(seen[3], "out of the range") || !strings.Contains(seen[0], "not a call") {
		t.Errorf("%v", seen)
	}
}
