package model_test

import (
	"testing"

	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/model/dist"
	"github.com/simcap/simcap/model/service"
	"github.com/simcap/simcap/model/workload"
	"github.com/simcap/simcap/sim"
)

// However many containers there are, the chart of their lives has rows of some, each as it is among all rows:
// every n-th of those that became ready, and of those that did not, n the smallest power of two that is enough.
func TestLivesAreSampled(t *testing.T) {
	for _, inputs := range []int64{10, 600, 30_000} {
		c := model.NewConfig(model.PresetModal)
		f := model.NewFunction("f", &c.Platform)
		f.ScaledownWindow = 2 * sim.Second
		f.Service = service.Config{Time: dist.Exponential{Average: 0.5e9}}
		f.ColdStart.Stages = []model.Stage{{Name: "boot", Billed: true, Time: dist.Exponential{Average: 5e9}}}
		c.Functions = append(c.Functions, f)
		w := model.NewWorkload("w", "f")
		w.Arrivals.Kind = workload.Poisson{RatePerSec: 2}
		w.Arrivals.Count = inputs
		c.Workloads = append(c.Workloads, w)
		trial := model.Trial{Seed: 3, Replication: 1}
		all := map[int64]model.ContainerRow{}
		counts := map[bool]int64{}
		_, err := model.Run(t.Context(), &c, trial, model.Hooks{Rows: model.Rows{Container: func(r *model.ContainerRow) error {
			all[r.Container] = *r
			counts[r.Ready != model.Unset]++
			return nil
		}}})
		if err != nil {
			t.Fatal(err)
		}
		tally, err := model.Run(t.Context(), &c, trial, model.Hooks{})
		if err != nil {
			t.Fatal(err)
		}
		ft := &tally.Functions[0]
		rows := map[bool]int64{}
		for _, r := range ft.Gantt {
			if r != all[r.Container] {
				t.Fatalf("%+v is %+v among all rows", r, all[r.Container])
			}
			rows[r.Ready != model.Unset]++
		}
		for ready, k := range map[bool]struct{ every, most int64 }{true: {ft.EveryReady, 300}, false: {ft.EveryUnready, 100}} {
			every := int64(1)
			for (counts[ready]+every-1)/every > k.most {
				every *= 2
			}
			if k.every != every || rows[ready] != (counts[ready]+every-1)/every {
				t.Errorf("ready %v: %d rows of %d containers, each for %d; want each for %d", ready, rows[ready], counts[ready],
					k.every, every)
			}
		}
		if inputs > 1000 && (ft.EveryReady < 4 || ft.EveryUnready < 4) {
			t.Errorf("few containers: %v", counts)
		}
	}
}
