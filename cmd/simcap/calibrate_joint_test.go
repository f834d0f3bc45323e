//go:build linux && cgo && (amd64 || arm64) && !nogpu

package main

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/simcap/simcap/calibrate"
	"github.com/simcap/simcap/calibrate/cuda"
	"github.com/simcap/simcap/calibrate/fit"
	"github.com/simcap/simcap/calibrate/telemetry"
	"github.com/simcap/simcap/internal/standin"
	"github.com/simcap/simcap/scenarios"
)

// joint is a host with one virtual GPU that a built simcap works on through a fake libcuda, and watches
// through a fake libnvidia-ml: both have its state in one file.
type joint struct {
	t              *testing.T
	program, state string
}

// newJoint builds the program and both libraries, as a user would have them.
func newJoint(t *testing.T) *joint {
	t.Helper()
	dir := t.TempDir()
	j := &joint{t: t, program: filepath.Join(dir, "simcap"), state: filepath.Join(dir, "gpu")}
	build := exec.Command("go", "build", "-o", j.program, ".")
	build.Env = append(os.Environ(), "CGO_CFLAGS=-O2 -Wno-deprecated-declarations")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	t.Setenv(cuda.LibraryVariable, standin.BuildCUDA(t))
	t.Setenv(telemetry.LibraryVariable, standin.BuildNVML(t))
	t.Setenv("FAKEGPU_STATE", j.state)
	t.Setenv("FAKECUDA_FAIL", "")
	t.Chdir(dir)
	t.Cleanup(func() { noStray(t) })
	return j
}

// calibrate is a run of `simcap calibrate gpu` on the GPU as it is.
func (j *joint) calibrate(config string, g standin.GPU, args ...string) *exec.Cmd {
	j.t.Helper()
	if err := g.Write(j.state); err != nil {
		j.t.Fatal(err)
	}
	cmd := exec.Command(j.program, append([]string{"calibrate", "gpu", "--workload", "bert-large", "--quick",
		"--watch", "nvml"}, args...)...)
	cmd.Env = append(os.Environ(), "FAKECUDA_CONFIG="+config)
	return cmd
}

// run runs a command to its end.
func (j *joint) run(cmd *exec.Cmd) outcome {
	j.t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); cmd.ProcessState == nil {
		j.t.Fatal(err)
	}
	return outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// A user's calibration on a host with one GPU, whose parameters it finds again within 2 %: what a batch
// takes, several at a time, the stages of a start, power and energy.
func TestJointCalibration(t *testing.T) {
	j := newJoint(t)
	rest := standin.GPU{IdleWatts: 40, BusyWatts: 200, SMs: 0.9, Tensor: 0.5, Occupancy: 0.3, DRAM: 0.4, Clock: 1980, MaxClock: 1980}
	o := j.run(j.calibrate(virtual, rest, "--batches", "1,2,4", "--concurrency", "1,2", "--open", "0.3", "--open-seconds", "4",
		"--warm", "0", "--name", "block", "--force"))
	o.expect(t, exitDone, "wrote block.yaml", "f16 tensor cores")
	text, err := os.ReadFile("block.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p, ds := scenarios.ReadProfile("block.yaml", text)
	if len(ds) > 0 {
		t.Fatal(ds)
	}
	within := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got/want-1) > 0.02 {
			t.Errorf("%s: %.5g, truth %.5g", what, got, want)
		}
	}
	m := samples(t, "block.samples.json")
	for _, n := range []int{1, 2, 4} {
		within(fmt.Sprintf("B(%d)", n), p.Service.Batch.At(n)/1e9, truth(n))
	}
	if c := p.Service.Concurrency; len(c) != 2 {
		t.Errorf("no curve over requests at a time: %+v", c)
	} else {
		within("two at a time", c.At(2)/c.At(1), 2)
	}
	stages := map[string]float64{}
	for _, s := range p.ColdStart.Stages {
		stages[s.Name] = s.Time.Mean() / 1e9
	}
	for name, want := range map[string]float64{"driver": 0.1, "context": 0.3, "module": 0.2} {
		within(name, stages[name], want)
	}
	energies(t, m, p, rest, within)
	// The shares are those of a busy GPU times how much of the time it was busy, which the host decides.
	for i := range m.Batches {
		for _, w := range m.Batches[i].Windows {
			if g := w.GPU.GPM; g == nil {
				t.Error("a window without the counters of GPM")
			} else if g.SMActive <= 0 || g.SMActive > 0.91 || g.SMOccupancy <= 0 {
				t.Errorf("%+v", g)
			} else {
				within("tensor cores beside SMs", g.TensorActive/g.SMActive, rest.Tensor/rest.SMs)
				within("memory beside SMs", g.DRAMActive/g.SMActive, rest.DRAM/rest.SMs)
			}
		}
	}
	if len(p.Quality.Intervals) < 4 {
		t.Errorf("intervals %+v", p.Quality.Intervals)
	}
	simcap(t, "", "profiles", "show", "block.yaml").expect(t, exitDone, "95 % interval", "")
	v := &p.Provenance
	if !p.Synthetic || v.GPU != "SimCap Fake GPU" || v.Driver != "535.0.fake" || v.SMClock != 1980 || v.PowerCap != 300 ||
		v.UUID == "" || v.CUDA != "12.2" || !strings.Contains(v.Command, "simcap calibrate gpu") || v.Date == "" || v.Simcap == "" {
		t.Errorf("%+v", v)
	}
	refused(t)
}

// energies compares power and energy with the GPU's own. While a batch is served, the counter also rises by
// what the idle GPU draws, for as long as the host lets a batch take.
func energies(t *testing.T, m *calibrate.Measurement, p *scenarios.Profile, g standin.GPU, within func(string, float64, float64)) {
	t.Helper()
	within("idle power", p.Energy.IdleWatts, g.IdleWatts)
	for i := range m.Batches {
		b := &m.Batches[i]
		requests, length, joules := 0.0, 0.0, 0.0
		for _, w := range b.Windows {
			if w.Counts {
				requests, length, joules = requests+float64(w.Requests), length+w.Length, joules+w.GPU.EnergyJ
			}
		}
		copies := 2*128*1024*float64(b.Batch)*(1/20e9+1/10e9) + 22e-6
		within(fmt.Sprintf("energy of a batch of %d", b.Batch), (joules-g.IdleWatts*length)/requests,
			g.BusyWatts*(truth(b.Batch)-copies))
		within(fmt.Sprintf("fitted energy of a batch of %d", b.Batch),
			p.Energy.JoulesPerBatch+p.Energy.JoulesPerInput*float64(b.Batch), joules/requests)
	}
}

// refused has a plan refuse the profile of a GPU that is none, and take it where it is told to.
func refused(t *testing.T) {
	t.Helper()
	scenario := "simcap: 1\nname: s\nhorizon: 5m\nfunctions:\n  f: {gpu: L4, service: {profile: block.yaml}}\n" +
		"workloads:\n  - {name: w, function: f, arrivals: {process: poisson, rate: 2/s}}\nslo:\n  - {metric: latency.p95, max: 2s}\n"
	if err := os.WriteFile("s.yaml", []byte(scenario), 0o644); err != nil {
		t.Fatal(err)
	}
	args := []string{"plan", "s.yaml", "--search", "functions.f.min_containers=0..2"}
	if o := simcap(t, "", args...); o.code == exitDone || !strings.Contains(o.stderr, "was not measured on hardware") {
		t.Errorf("plan: %d %s", o.code, o.stderr)
	}
	if o := simcap(t, "", append(args, "--force")...); o.code != exitDone {
		t.Errorf("plan, forced: %d %s", o.code, o.stderr)
	}
}

// A host that is throttled, shared or unstable is refused or flagged, by what is wrong with it.
func TestJointDisturbed(t *testing.T) {
	j := newJoint(t)
	other := exec.Command("sleep", "300")
	if err := other.Start(); err != nil {
		t.Skip("no program sleep here")
	}
	defer func() {
		other.Process.Kill()
		other.Wait()
	}()
	good := standin.GPU{IdleWatts: 40, BusyWatts: 200, Clock: 1980, MaxClock: 1980}
	slow, hot, shared := good, good, good
	slow.Clock = 900
	hot.Throttle = telemetry.ThrottleHWThermal
	shared.OtherPID = other.Process.Pid
	for _, c := range []struct {
		name, config string
		gpu          standin.GPU
		args         []string
		code         int
		want         []string
	}{
		{"slow", "", slow, nil, exitFailed, []string{"the GPU's clock is 900 of 1980 MHz"}},
		{"throttled", "", hot, nil, exitFailed, []string{"the GPU throttles (hardware slowdown)"}},
		{"shared", "", shared, nil, exitFailed, []string{"another process uses the GPU (PID", "--shared"}},
		{"shared, on purpose", "", shared, []string{"--shared"}, exitDone, []string{"another process used the GPU while it was measured"}},
		{"unstable", "wander=0.6;", good, nil, exitDone, []string{"between windows"}},
	} {
		name := strings.ReplaceAll(strings.ReplaceAll(c.name, " ", "-"), ",", "")
		args := append([]string{"--batches", "1", "--concurrency", "1", "--open", "0.05", "--open-seconds", "1", "--cold", "0", "--warm", "0",
			"--force", "--name", name}, c.args...)
		o := j.run(j.calibrate(c.config+virtual, c.gpu, args...))
		if o.code != c.code {
			t.Errorf("%s: exit code %d\n%s", c.name, o.code, o.stderr)
		}
		for _, w := range c.want {
			if !strings.Contains(o.stderr, w) {
				t.Errorf("%s: %q is not in\n%s", c.name, w, o.stderr)
			}
		}
		if text, err := os.ReadFile(name + ".yaml"); c.code == exitDone && (err != nil || !strings.Contains(string(text), c.want[0])) {
			t.Errorf("%s: the profile does not say so: %v\n%s", c.name, err, text)
		}
	}
}

// An interrupt in the middle keeps what was finished, of both sides, and leaves no process.
func TestJointInterrupt(t *testing.T) {
	j := newJoint(t)
	cmd := j.calibrate(virtual, standin.GPU{IdleWatts: 40, BusyWatts: 200, Clock: 1980, MaxClock: 1980},
		"--batches", "1,2,4,8,16,32", "--cold", "1", "--warm", "0", "--name", "x")
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
		if time.Since(began) > 2*time.Minute {
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
	m := samples(t, "x.samples.json")
	if len(m.Batches) < 1 || !m.Synthetic || m.Idle == nil || m.Batches[0].Windows[0].GPU == nil || len(m.ColdStarts) != 1 {
		t.Errorf("%d batches, idle %v, %d starts", len(m.Batches), m.Idle, len(m.ColdStarts))
	}
	if got := fit.Median(m.Batches[0].Times()); math.Abs(got/truth(m.Batches[0].Batch)-1) > 0.02 {
		t.Errorf("a batch took %v", got)
	}
}
