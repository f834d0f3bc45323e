package model_test

import (
	"testing"

	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/model/dist"
	"github.com/simcap/simcap/model/service"
	"github.com/simcap/simcap/model/workload"
	"github.com/simcap/simcap/sim"
)

// A run allocates for what is inside at one time and for the bins of its series, never for each input:
// ten times the inputs that take a tenth of the time, over the same horizon, need hardly more.
func TestAllocationsDoNotGrow(t *testing.T) {
	base := func(speed float64) (model.Config, *model.Function, *model.Workload) {
		c := model.NewConfig(model.PresetModal)
		c.Platform.Limits = model.NoLimits()
		f := model.NewFunction("f", &c.Platform)
		f.MinContainers, f.MaxContainers = 4, 40
		f.ScaledownWindow = 5 * sim.Second
		f.Service.Time = dist.Lognormal{Average: 2e9 / speed, CV: 1}
		f.ColdStart.Stages = []model.Stage{{Name: "boot", Time: dist.Lognormal{Average: 2e9, CV: 0.5}, Billed: true}}
		w := model.NewWorkload("w", "f")
		w.Arrivals.Kind = workload.Poisson{RatePerSec: 6 * speed}
		c.Functions, c.Workloads = []model.Function{f}, []model.Workload{w}
		return c, &c.Functions[0], &c.Workloads[0]
	}
	for _, c := range []struct {
		name string
		make func(c *model.Config, f *model.Function, w *model.Workload, speed float64)
	}{
		{"single inputs", func(*model.Config, *model.Function, *model.Workload, float64) {}},
		{"batches", func(_ *model.Config, f *model.Function, _ *model.Workload, speed float64) {
			f.Batched = model.Batched{MaxBatchSize: 8, Wait: 500 * sim.Millisecond / sim.Time(speed)}
		}},
		{"sharing", func(_ *model.Config, f *model.Function, _ *model.Workload, _ float64) {
			f.Concurrent = model.Concurrent{MaxInputs: 10, TargetInputs: 5}
			f.Service.Concurrency = service.Curve{{N: 1, NS: 1e9}, {N: 10, NS: 3e9}}
		}},
		{"maps", func(_ *model.Config, _ *model.Function, w *model.Workload, speed float64) {
			w.Method, w.Inputs = model.Map, dist.Uniform{Low: 1, High: 19}
			w.Arrivals.Kind = workload.Poisson{RatePerSec: 0.6 * speed}
		}},
		{"failures, retries, patience", func(_ *model.Config, f *model.Function, w *model.Workload, speed float64) {
			f.Failures = model.Failures{Rate: 0.1, CrashPerHour: 10}
			f.Retries = model.FixedRetries(2)
			f.Timeout = 10 * sim.Second / sim.Time(speed)
			f.StartupTimeout = sim.Minute
			w.Client.Patience = dist.Exponential{Average: 20e9 / speed}
		}},
		{"rejections", func(c *model.Config, _ *model.Function, w *model.Workload, speed float64) {
			c.Platform.Limits.RateSync = 5 * speed
			w.Client.Retry = model.Retries{Max: 3, InitialDelay: sim.Second, BackoffCoefficient: 2, MaxDelay: sim.Minute}
		}},
		{"LLM engines", func(_ *model.Config, f *model.Function, w *model.Workload, speed float64) {
			f.Concurrent = model.Concurrent{MaxInputs: 20, TargetInputs: 10}
			l := service.NewLLM()
			l.Iteration = service.IterationTime{PerContextToken: 50 / speed, Base: service.Curve{{N: 1, NS: 6e6 / speed},
				{N: 2048, NS: 41e6 / speed}}}
			l.KV.NumBlocks, l.NoiseCV = 150, 0.05
			f.Service = service.Config{LLM: &l}
			w.PromptTokens, w.OutputTokens = dist.Lognormal{Average: 300, CV: 1}, dist.Exponential{Average: 200}
		}},
		{"mmpp", func(_ *model.Config, _ *model.Function, w *model.Workload, speed float64) {
			w.Arrivals.Kind = workload.MMPP{States: []workload.State{{RatePerSec: 2 * speed, MeanDuration: 10 * sim.Second},
				{RatePerSec: 9 * speed, MeanDuration: 10 * sim.Second}}}
		}},
		{"closed", func(_ *model.Config, _ *model.Function, w *model.Workload, speed float64) {
			w.Arrivals.Kind = workload.Closed{Clients: 20, Think: dist.Exponential{Average: 1e9 / speed}}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			allocs := func(speed float64) (float64, int64) {
				cfg, f, w := base(speed)
				c.make(&cfg, f, w, speed)
				cfg.Horizon = 500 * sim.Second
				if faulty(&cfg) {
					t.Fatal(cfg.Validate())
				}
				var inputs int64
				n := testing.AllocsPerRun(1, func() {
					tally, err := model.Run(t.Context(), &cfg, model.Trial{Seed: 1, Replication: 1}, model.Hooks{})
					if err != nil {
						t.Fatal(err)
					}
					inputs = tally.Inputs
				})
				return n, inputs
			}
			few, short := allocs(10)
			many, long := allocs(100)
			if long < 5*short || short < 1000 {
				t.Fatalf("%d and %d inputs", short, long)
			}
			if perInput := (many - few) / float64(long-short); perInput > 0.003 {
				t.Errorf("%.0f allocations for %d inputs, %.0f for %d: %.3f an input", few, short, many, long, perInput)
			}
			t.Logf("%.0f allocations for %d inputs, %.0f for %d", few, short, many, long)
		})
	}
}
