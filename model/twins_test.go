package model_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/sim"
)

var (
	swarmFrom = flag.Uint64("swarm.from", 1, "first seed of the swarm of random scenarios")
	swarmTell = flag.Bool("swarm.tell", false, "print the scenario on which model and twin disagree, and what happens in the twin")
	swarmRuns = flag.Uint64("swarm.runs", 1500, "number of random scenarios")
)

// modelRun is what model.Run says of a scenario.
type modelRun struct {
	tally      *model.Tally
	inputs     []model.InputRow
	containers []model.ContainerRow
	err        error
	panicked   any
}

func runModel(cfg *model.Config, trial model.Trial) (out modelRun) {
	defer func() { out.panicked = recover() }()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	out.tally, out.err = model.Run(ctx, cfg, trial, model.Hooks{Audit: true, Rows: model.Rows{
		Input:     func(r *model.InputRow) error { out.inputs = append(out.inputs, *r); return nil },
		Container: func(r *model.ContainerRow) error { out.containers = append(out.containers, *r); return nil },
	}})
	return out
}

// faulty says whether a configuration would be refused at the door.
func faulty(cfg *model.Config) bool {
	return slices.ContainsFunc(cfg.Validate(), func(p model.Problem) bool { return !p.Warning })
}

// difference is the first difference between model and twin in order of time; "" when they agree.
func difference(cfg *model.Config, trial model.Trial) string {
	t, err := runTwin(cfg, trial, nil)
	if errors.Is(err, errLong) {
		return ""
	}
	m := runModel(cfg, trial)
	if m.panicked != nil {
		return fmt.Sprintf("panic: %v", m.panicked)
	}
	if errors.Is(err, errStuck) != (m.err != nil) {
		return fmt.Sprintf("the model says %v, the twin %v", m.err, err)
	}
	if err != nil {
		return ""
	}
	if d := differentRows(&m, t); d != "" {
		return d
	}
	return differentTallies(cfg, m.tally, t)
}

func differentRows(m *modelRun, t *twin) string {
	var found []finding
	for i, in := range t.inputs {
		if i >= len(m.inputs) {
			found = append(found, finding{in.row.Submitted, fmt.Sprintf("missing input\ntwin  %+v", in.row)})
			break
		}
		a, b := m.inputs[i], in.row
		if a != b {
			found = append(found, finding{firstApart(&a, &b), fmt.Sprintf("input %s\nmodel %+v\ntwin  %+v", in.name(), a, b)})
		}
	}
	if len(m.inputs) > len(t.inputs) {
		r := m.inputs[len(t.inputs)]
		found = append(found, finding{r.Submitted, fmt.Sprintf("superfluous input\nmodel %+v", r)})
	}
	var rows []model.ContainerRow
	for _, p := range t.pools {
		for _, c := range p.rows {
			rows = append(rows, c.row)
		}
	}
	for i, b := range rows {
		if i >= len(m.containers) {
			found = append(found, finding{b.Created, fmt.Sprintf("missing container\ntwin  %+v", b)})
			break
		}
		a := m.containers[i]
		if math.Abs(a.CostUSD-b.CostUSD) <= 1e-12*math.Abs(b.CostUSD) {
			a.CostUSD = b.CostUSD
		}
		if a != b {
			found = append(found, finding{firstApartContainer(&a, &b), fmt.Sprintf("container %s/%d\nmodel %+v\ntwin  %+v", b.Function, b.Container, a, b)})
		}
	}
	if len(m.containers) > len(rows) {
		r := m.containers[len(rows)]
		found = append(found, finding{r.Created, fmt.Sprintf("superfluous container\nmodel %+v", r)})
	}
	if len(found) == 0 {
		return ""
	}
	slices.SortStableFunc(found, func(x, y finding) int { return int(max(-1, min(1, x.at-y.at))) })
	return found[0].text
}

// finding is a difference and the instant at which it began.
type finding struct {
	at   sim.Time
	text string
}

// firstApart is the earliest instant on which two rows disagree.
func firstApart(a, b *model.InputRow) sim.Time {
	return earliest(
		[2]sim.Time{a.Submitted, b.Submitted}, [2]sim.Time{a.Admitted, b.Admitted}, [2]sim.Time{a.Assigned, b.Assigned},
		[2]sim.Time{a.Started, b.Started}, [2]sim.Time{a.Completed, b.Completed})
}

func firstApartContainer(a, b *model.ContainerRow) sim.Time {
	return earliest([2]sim.Time{a.Created, b.Created}, [2]sim.Time{a.Ready, b.Ready}, [2]sim.Time{a.Stopped, b.Stopped})
}

func earliest(pairs ...[2]sim.Time) sim.Time {
	first := sim.Never
	for _, p := range pairs {
		if p[0] == p[1] {
			continue
		}
		for _, at := range p {
			if at != model.Unset {
				first = min(first, at)
			}
		}
	}
	return first
}

// differentTallies compares what the model counted over the window with sums over the twin's rows.
func differentTallies(cfg *model.Config, tally *model.Tally, t *twin) string {
	from, to := cfg.Warmup, tally.End
	if tally.End != t.now {
		return fmt.Sprintf("the model ends at %v, the twin at %v", tally.End, t.now)
	}
	until := to + 1
	if cfg.Horizon > 0 {
		to, until = cfg.Horizon, cfg.Horizon
	}
	for i := range cfg.Workloads {
		var outcomes [model.NumOutcomes]int64
		var retried, cold int64
		for _, in := range t.inputs {
			r := &in.row
			if in.w.index != i || r.Submitted < from || r.Submitted >= until {
				continue
			}
			outcomes[r.Outcome]++
			if in.retries > 0 {
				retried++
			}
			if r.Parts[model.Cold] > 0 {
				cold++
			}
		}
		w := &tally.Workloads[i]
		if outcomes != w.Outcomes || retried != w.Retried || cold != w.ColdStarted {
			return fmt.Sprintf("workload %d: the model counts %v, retried %d, cold %d, the twin %v, %d, %d",
				i, w.Outcomes, w.Retried, w.ColdStarted, outcomes, retried, cold)
		}
	}
	for i := range cfg.Functions {
		f, l := &tally.Functions[i], &t.pools[i].levels
		for _, x := range []struct {
			name    string
			is, own float64
		}{{"live", f.LiveNS, l.live}, {"starting", f.StartingNS, l.starting}, {"busy", f.BusyNS, l.busy}, {"ready", f.ReadyNS, l.ready}} {
			if math.Abs(x.is-x.own) > 1+1e-9*x.own && len(cfg.Functions[i].Deploys) == 0 {
				return fmt.Sprintf("function %d: the model has %s %v ns, the twin %v", i, x.name, x.is, x.own)
			}
		}
	}
	return ""
}

// TestTwin compares the model with the twin on random scenarios, row by row to the nanosecond.
func TestTwin(t *testing.T) {
	failures, stuck := 0, 0
	for seed := *swarmFrom; seed < *swarmFrom+*swarmRuns && failures < 5; seed++ {
		s := &swarm{seed: seed, off: map[string]bool{}}
		cfg := s.config()
		if faulty(&cfg) {
			stuck++
			continue
		}
		trial := model.Trial{Seed: seed, Replication: 1}
		if difference(&cfg, trial) == "" {
			continue
		}
		failures++
		t.Error(shrink(s))
	}
	t.Logf("%d of %d scenarios were not valid", stuck, *swarmRuns)
	if uint64(stuck) > *swarmRuns/4 {
		t.Errorf("%d of %d scenarios are not valid", stuck, *swarmRuns)
	}
}

// shrink switches features off for as long as model and twin disagree, and tells what is left.
func shrink(s *swarm) string {
	off := map[string]bool{}
	trial := model.Trial{Seed: s.seed, Replication: 1}
	for again := true; again; {
		again = false
		try := &swarm{seed: s.seed, off: off}
		try.config()
		for _, feature := range try.used {
			off[feature] = true
			less := &swarm{seed: s.seed, off: off}
			cfg := less.config()
			if !faulty(&cfg) && difference(&cfg, trial) != "" {
				again = true
			} else {
				delete(off, feature)
			}
		}
	}
	least := &swarm{seed: s.seed, off: off}
	cfg := least.config()
	if *swarmTell {
		tellScenario(&cfg, trial)
	}
	return fmt.Sprintf("-swarm.from=%d -swarm.runs=1: with %s:\n%s", s.seed, strings.Join(least.used, ", "), difference(&cfg, trial))
}

// tellScenario prints what a scenario is and how it goes, after SPEC.
func tellScenario(cfg *model.Config, trial model.Trial) {
	for i := range cfg.Functions {
		f := &cfg.Functions[i]
		fmt.Printf("%+v\n", *f)
		for _, u := range f.Updates {
			fmt.Printf("  update at %v every %v:", u.At.Seconds(), u.Every.Seconds())
			for _, n := range []*int{u.MinContainers, u.MaxContainers, u.BufferContainers} {
				if n == nil {
					fmt.Print(" -")
					continue
				}
				fmt.Print(" ", *n)
			}
			if u.ScaledownWindow != nil {
				fmt.Print(" window ", u.ScaledownWindow.Seconds())
			}
			fmt.Println()
		}
	}
	fmt.Printf("%+v\n%+v\n%+v\n", cfg.Workloads, cfg.Platform, cfg.Workspace)
	runTwin(cfg, trial, func(at sim.Time, who, what string) { fmt.Printf("%12.9f %-8s %s\n", at.Seconds(), who, what) })
}
