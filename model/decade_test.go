package model_test

import (
	"math"
	"strings"
	"testing"

	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/model/dist"
	"github.com/simcap/simcap/model/workload"
	"github.com/simcap/simcap/sim"
)

const decade = 3650 * sim.Day

// near says whether a sum of float64 terms is the exact one.
func near(got, want float64) bool { return math.Abs(got-want) <= 1e-9*math.Abs(want) }

// Ten years of a clockwork: a call an hour, which takes 36 s of a container that is always there.
func TestTenYearsOfClockwork(t *testing.T) {
	c := model.NewConfig(model.PresetNone)
	f := model.NewFunction("f", &c.Platform)
	f.MinContainers, f.MaxContainers = 1, 1
	f.Service.Time = dist.Constant{Value: 36e9}
	w := model.NewWorkload("w", "f")
	w.Arrivals.Kind = workload.Constant{RatePerSec: 1.0 / 3600}
	c.Functions, c.Workloads = []model.Function{f}, []model.Workload{w}
	c.Horizon = decade
	tally, err := model.Run(t.Context(), &c, model.Trial{Seed: 1, Replication: 1}, model.Hooks{Audit: true})
	if err != nil {
		t.Fatal(err)
	}
	const calls = 3650*24 - 1 // the first after an hour, none at the horizon
	fn, load := &tally.Functions[0], &tally.Workloads[0]
	if n := load.Outcomes[model.Completed]; n != calls {
		t.Errorf("%d calls, want %d", n, calls)
	}
	if fn.LiveNS != float64(decade) || !near(fn.BusyNS, calls*36e9) {
		t.Errorf("live for %g ns, busy for %g", fn.LiveNS, fn.BusyNS)
	}
	if mean := load.Latency.Mean(); mean != 36e9 {
		t.Errorf("mean latency %g ns", mean)
	}
	if tally.BinWidth != decade/360 || tally.Bins != 361 && tally.Bins != 360 {
		t.Errorf("%d bins of %d ns", tally.Bins, tally.BinWidth)
	}
	for i, busy := range fn.BusyBins[:360] {
		if want := 36e9 * 24 * 3650 / 360.; math.Abs(busy-want) > 36e9 {
			t.Errorf("busy for %g ns in bin %d, want %g", busy, i, want)
		}
	}
}

// Ten years in which very much waits: 50,000 inputs for a hundred containers, which take the ten years to
// start. Their waits sum up to more than 64 bits hold: the run says so, and gives no wrong number.
func TestTenYearsOfWaiting(t *testing.T) {
	for inputs, fails := range map[float64]bool{10: false, 50_000: true} {
		c := model.NewConfig(model.PresetModal)
		c.Platform.Limits = model.NoLimits()
		c.Platform.Autoscaler.Interval = sim.Day
		f := model.NewFunction("f", &c.Platform)
		f.MaxContainers = 100
		f.Timeout, f.StartupTimeout = 36_000*sim.Day, 36_000*sim.Day
		f.Service.Time = dist.Constant{Value: 1e9}
		f.ColdStart.Stages = []model.Stage{{Name: "boot", Time: dist.Constant{Value: float64(decade)}}}
		w := model.NewWorkload("w", "f")
		w.Method, w.Inputs, w.Arrivals.Kind = model.SpawnMap, dist.Constant{Value: inputs}, workload.Once{}
		// A run ends when nothing moves for a week and nothing will come: another call comes late.
		other, late := model.NewFunction("other", &c.Platform), model.NewWorkload("late", "other")
		other.Service.Time = dist.Constant{Value: 1e9}
		late.Arrivals.Kind, late.Arrivals.Start = workload.Once{}, decade-sim.Day
		c.Functions, c.Workloads = []model.Function{f, other}, []model.Workload{w, late}
		c.Horizon = decade
		tally, err := model.Run(t.Context(), &c, model.Trial{Seed: 1, Replication: 1}, model.Hooks{})
		if fails {
			if err == nil || !strings.Contains(err.Error(), "workload w: its inputs spend too much time") {
				t.Errorf("%v inputs: %v", inputs, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if want := inputs * float64(decade); !near(tally.Workloads[0].QueueNS, want) {
			t.Errorf("the queue's integral is %g, want %g", tally.Workloads[0].QueueNS, want)
		}
	}
}
