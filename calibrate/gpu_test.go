//go:build linux && cgo

package calibrate

import (
	"context"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/simcap/simcap/calibrate/telemetry"
	"github.com/simcap/simcap/internal/standin"
)

// fakeGPU makes the virtual GPU the one of this process. A process can load one library only.
func fakeGPU(t *testing.T, g standin.GPU) string {
	t.Helper()
	state := filepath.Join(t.TempDir(), "gpu")
	if err := g.Write(state); err != nil {
		t.Fatal(err)
	}
	t.Setenv("FAKEGPU_STATE", state)
	return state
}

// On a virtual GPU, through the real go-nvml, the parameters of server and GPU are found again:
// service times and energy within 2 %, the stages of the start within the sampling interval and the
// delay of a busy machine. The profile says that it is synthetic.
func TestVirtualGPU(t *testing.T) {
	t.Setenv(telemetry.LibraryVariable, standin.BuildNVML(t))
	gpu := standin.GPU{IdleWatts: 40, Clock: 1900, MaxClock: 1980}
	state := fakeGPU(t, gpu)
	source, err := telemetry.Open("nvml", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	t.Run("stages", func(t *testing.T) { stages(t, state, source) })
	t.Run("recovery", func(t *testing.T) {
		standin.Measure(t, func(busy *standin.Monitor) { recoverGPU(t, busy, state, source, gpu.IdleWatts) })
	})
	t.Run("throttled", func(t *testing.T) { throttled(t, state, source) })
	t.Run("shared", func(t *testing.T) { shared(t, gpu, source) })
	if _, err := telemetry.Open("nvml", 3); err == nil || !strings.Contains(err.Error(), "there is no GPU 3; the host has 1") {
		t.Error(err)
	}
}

// instantly reads the GPU at the instant of the clock of a test.
type instantly struct {
	telemetry.Source
	state string
	began time.Time
}

func (s instantly) Sample() (telemetry.Sample, error) {
	// Not 0, which is the real clock.
	if err := standin.SetInstant(s.state, 1+time.Since(s.began).Nanoseconds()); err != nil {
		return telemetry.Sample{}, err
	}
	return s.Source.Sample()
}

// stages has a server start five times on a clock that stands still while anything runs: the means of the
// stages, and what the idle GPU draws, are found within 2 %, and each stage within one sampling interval.
func stages(t *testing.T, state string, source telemetry.Source) {
	defer standin.SetInstant(state, 0)
	const hertz, starts = 50, 5
	want := []float64{0.613, 0.87, 0.549}
	sums := make([]float64, len(want))
	for i := range starts {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			w := telemetry.NewWatch(instantly{source, state, began}, hertz, began, nil)
			defer w.Stop()
			time.Sleep(time.Duration(3+4*i) * time.Millisecond) // the samples are at other instants of each start
			from := time.Since(began).Seconds()
			s := standin.New(standin.Config{GPU: state, Context: want[0], Load: want[1], Warm: want[2]})
			s.Hide()
			s.Start()
			to := time.Since(began).Seconds()
			samples := w.Between(0, to)
			for k := range samples {
				samples[k].At -= from
			}
			got, ready, _, attributed := Stages(samples, to-from, func(pid int) bool { return pid == os.Getpid() })
			if len(got) != len(want) || ready != 2300 || !attributed {
				t.Fatalf("%+v, %v MiB, attributed %t", got, ready, attributed)
			}
			for k, one := range got {
				sums[k] += one.Seconds / starts
				if math.Abs(one.Seconds-want[k]) > 1.01/hertz {
					t.Errorf("%s took %.4f s, truth %.4f s", one.Name, one.Seconds, want[k])
				}
			}
			if got := telemetry.Energy(samples, 0.1, 1.1); math.Abs(got/40-1) > 0.02 {
				t.Errorf("a second of an idle GPU takes %.2f J, truth 40 J", got)
			}
			s.Hide()
		})
	}
	for k, got := range sums {
		if math.Abs(got/want[k]-1) > 0.02 {
			t.Errorf("stage %d took %.4f s, truth %.4f s", k, got, want[k])
		}
	}
}

func recoverGPU(t *testing.T, busy *standin.Monitor, state string, source telemetry.Source, idle float64) {
	plan := quick()
	plan.Batches, plan.ColdStarts, plan.Hertz = []int{1, 8}, 2, 50
	plan.Rule.MinRequests = 20
	c := standin.Config{Base: 0.025, PerInput: 0.005, Slots: 1, Context: 0.3, Load: 0.4, Warm: 0.25, First: 0.2, GPU: state,
		Joules: 3, JoulesEach: 2}
	m := &Measurement{}
	if err := Run(context.Background(), spawned(t, c), plan, source, m, silent); err != nil {
		t.Fatal(err)
	}
	p, err := m.Profile(false)
	if err != nil {
		t.Fatal(err)
	}
	if !p.Synthetic || p.Provenance.GPU != "SimCap Fake GPU" || p.Provenance.Driver != "535.0.fake" ||
		p.Provenance.SMClockMHz != 1900 || p.Provenance.CUDA != "12.2" || p.Provenance.GPUHash == "" ||
		strings.Contains(p.Provenance.GPUHash, "GPU-fake") {
		t.Errorf("%+v", p.Provenance)
	}
	for _, n := range []float64{1, 8} {
		// While a batch is served the counter also rises by what the idle GPU draws.
		served := p.Service.Batch.At(int(n))
		truth := c.Joules + c.JoulesEach*n + idle*served
		got := p.Energy.JoulesPerBatch + p.Energy.JoulesPerInput*n
		if math.Abs(got/truth-1) > 0.02 {
			busy.Errorf("a batch of %v takes %.3f J, truth %.3f J", n, got, truth)
		}
	}
	if math.Abs(p.Energy.IdleWatts/idle-1) > 0.02 {
		t.Errorf("idle %v W", p.Energy.IdleWatts)
	}
	for _, s := range m.ColdStarts {
		if len(s.Stages) != 3 || !s.Attributed || s.ReadyMiB != 2300 {
			busy.Errorf("%+v", s)
			continue
		}
		// The process itself takes a while until it sleeps; the later stages are what was asked for.
		for i, want := range []float64{c.Context, c.Load, c.Warm} {
			if got := s.Stages[i].Seconds; got < want-0.08 || got > want+0.35 {
				busy.Errorf("%s took %.3f s, truth %.3f s", s.Stages[i].Name, got, want)
			}
		}
	}
}

// throttled has a GPU whose clock falls below three quarters: every window is refused.
func throttled(t *testing.T, state string, source telemetry.Source) {
	if err := standin.Set(state, 900, telemetry.ThrottleHWThermal); err != nil {
		t.Fatal(err)
	}
	defer standin.Set(state, 1900, 0)
	m := &Measurement{}
	err := Run(context.Background(), spawned(t, standin.Config{Base: 0.005, Slots: 1, GPU: state}), quick(), source, m, silent)
	if err == nil || !strings.Contains(err.Error(), "the GPU's clock is 900 of 1980 MHz") ||
		!strings.Contains(err.Error(), "throttles") {
		t.Errorf("%v", err)
	}
	// It recovers in time for the last tries: these windows count, and the refused ones are told.
	m = &Measurement{}
	plan := quick()
	plan.Pause = 100 * time.Millisecond
	time.AfterFunc(1500*time.Millisecond, func() { standin.Set(state, 1900, 0) })
	plan.Rule.Rejections = 100
	if err := Run(context.Background(), spawned(t, standin.Config{Base: 0.005, Slots: 1, GPU: state}), plan, source, m, silent); err != nil {
		t.Fatal(err)
	}
	p, err := m.Profile(false)
	if err != nil || p.Quality.Windows < 3 {
		t.Errorf("%+v %v", p, err)
	}
}

// shared has somebody else on the GPU.
func shared(t *testing.T, gpu standin.GPU, source telemetry.Source) {
	other := exec.Command("sleep", "30")
	if err := other.Start(); err != nil {
		t.Skip("no program sleep here")
	}
	defer func() {
		other.Process.Kill()
		other.Wait()
	}()
	gpu.OtherPID = other.Process.Pid
	state := os.Getenv("FAKEGPU_STATE")
	if err := gpu.Write(state); err != nil {
		t.Fatal(err)
	}
	s := spawned(t, standin.Config{Base: 0.005, Slots: 1, GPU: state})
	err := Run(context.Background(), s, quick(), source, &Measurement{}, silent)
	if err == nil || !strings.Contains(err.Error(), "another process uses the GPU (PID") {
		t.Errorf("%v", err)
	}
	plan, m := quick(), &Measurement{}
	plan.Shared = true
	if err := Run(context.Background(), s, plan, source, m, silent); err != nil || len(m.Warnings) == 0 {
		t.Errorf("%v %v", err, m.Warnings)
	}
}
