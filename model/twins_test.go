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
	swarmRuns = flag.Uint64("swarm.runs", 2500, "number of random scenarios")
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
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
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

// difference is the first difference between model and twin in order of time; "" when they agree, or
// when the run is too long for the twin.
func difference(cfg *model.Config, trial model.Trial, see func(*modelRun)) string {
	t, err := runTwin(cfg, trial, nil)
	if errors.Is(err, errLong) {
		return ""
	}
	m := runModel(cfg, trial)
	if see != nil {
		see(&m)
	}
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
	if tally.End != t.now {
		return fmt.Sprintf("the model ends at %v, the twin at %v", tally.End, t.now)
	}
	until := t.now + 1 // submissions before it are in the window
	if cfg.Horizon > 0 {
		until = cfg.Horizon
	}
	for i := range cfg.Workloads {
		w, got := t.sources[i], &tally.Workloads[i]
		var own, is [model.NumOutcomes + 6]float64
		for _, in := range t.inputs {
			r := &in.row
			if in.w != w || r.Submitted < cfg.Warmup || r.Submitted >= until {
				continue
			}
			own[r.Outcome]++
			if in.retries > 0 {
				own[model.NumOutcomes]++
			}
			if r.Parts[model.Cold] > 0 {
				own[model.NumOutcomes+1]++
			}
			if r.Outcome == model.Completed {
				own[model.NumOutcomes+2] += float64(r.Latency)
			}
		}
		for _, c := range w.begun {
			if c.start >= cfg.Warmup && c.start < until {
				own[model.NumOutcomes+3]++
				own[model.NumOutcomes+4] = max(own[model.NumOutcomes+4], float64(c.span))
				own[model.NumOutcomes+5] += float64(c.span)
			}
		}
		for k, n := range got.Outcomes {
			is[k] = float64(n)
		}
		copy(is[model.NumOutcomes:], []float64{float64(got.Retried), float64(got.ColdStarted),
			got.Latency.Mean() * float64(got.Latency.Count()), float64(got.Calls),
			float64(got.Makespans.Max()), got.Makespans.Mean() * float64(got.Makespans.Count())})
		for k := range is {
			if math.Abs(is[k]-own[k]) > 1+1e-9*own[k] || k < int(model.NumOutcomes)+2 && is[k] != own[k] {
				return fmt.Sprintf("workload %d, figure %d: the model counts %v, the twin %v", i, k, is, own)
			}
		}
	}
	for i, p := range t.pools {
		if d := differentEngines(&tally.Functions[i], p); d != "" {
			return d
		}
		if d := differentFunctions(cfg, &tally.Functions[i], p); d != "" {
			return d
		}
	}
	return ""
}

func differentFunctions(cfg *model.Config, f *model.FunctionTally, p *twinPool) string {
	within := func(at sim.Time) bool {
		return at >= cfg.Warmup && (cfg.Horizon == 0 || at <= cfg.Horizon)
	}
	var started, stopped, lifetime, cold float64
	for _, c := range p.rows {
		r := &c.row
		if within(r.Created) && !c.initial {
			started++
		}
		if r.Stopped != model.Unset && within(r.Stopped) {
			stopped++
			lifetime += float64(r.Stopped - r.Created)
		}
		if cfg.Horizon == 0 && cfg.Warmup == 0 {
			cold += float64(r.Cold)
		}
	}
	if cfg.Horizon > 0 || cfg.Warmup > 0 {
		cold = f.ColdNS // rows are not clipped
	}
	l := &p.levels
	for _, x := range []struct {
		name    string
		is, own float64
	}{{"live", f.LiveNS, l.live}, {"starting", f.StartingNS, l.starting}, {"busy", f.BusyNS, l.busy},
		{"ready", f.ReadyNS, l.ready}, {"peak", float64(f.Peak), float64(l.peak)}, {"items", float64(f.Items), float64(l.items)},
		{"inputs of items", float64(f.ItemInputs), float64(l.itemInputs)}, {"started", float64(f.Started), started},
		{"stopped", float64(f.Stopped), stopped}, {"lifetimes", f.LifetimeNS, lifetime}, {"cold", f.ColdNS, cold}} {
		if math.Abs(x.is-x.own) > 0.5+1e-9*x.own {
			return fmt.Sprintf("function %s: the model has %s %v, the twin %v", p.f.Name, x.name, x.is, x.own)
		}
	}
	return ""
}

// TestTwin compares the model with the twin on random scenarios, row by row to the nanosecond. More of
// them: go test ./model -run TestTwin -swarm.from=100000 -swarm.runs=50000. One that disagrees, told
// in full: -swarm.from=SEED -swarm.runs=1 -swarm.tell.
func TestTwin(t *testing.T) {
	failures, stuck := 0, 0
	seen := map[string]int{}
	for seed := *swarmFrom; seed < *swarmFrom+*swarmRuns && failures < 5; seed++ {
		s := &swarm{seed: seed, off: map[string]bool{}}
		cfg := s.config()
		if faulty(&cfg) {
			stuck++
			continue
		}
		trial := model.Trial{Seed: seed, Replication: 1}
		if difference(&cfg, trial, func(m *modelRun) { sight(seen, m) }) == "" {
			continue
		}
		failures++
		t.Error(shrink(s, func(cfg *model.Config, trial model.Trial) string { return difference(cfg, trial, nil) }))
	}
	if *swarmRuns >= 1000 {
		for _, what := range append(append(slices.Clone(model.OutcomeNames[:]), model.PartNames[:]...), "scaledown", "cancelled",
			"single_use", "timeout", "startup_timeout", "crash", "preempted", "deploy", "end", "retried", "batched") {
			if seen[what] < 10 {
				t.Errorf("%s was seen in %d scenarios only", what, seen[what])
			}
		}
	}
	t.Logf("%d of %d scenarios were not valid", stuck, *swarmRuns)
	if uint64(stuck) > *swarmRuns/4 {
		t.Errorf("%d of %d scenarios are not valid", stuck, *swarmRuns)
	}
}

// sight counts, by scenario, what the rows show.
func sight(seen map[string]int, out *modelRun) {
	what := map[string]bool{}
	for i := range out.inputs {
		r := &out.inputs[i]
		what[r.Outcome.String()] = true
		for k, part := range r.Parts {
			what[model.PartNames[k]] = what[model.PartNames[k]] || part != 0
		}
		what["retried"] = what["retried"] || r.Attempts > 1
		what["batched"] = what["batched"] || r.BatchSize > 1
	}
	for i := range out.containers {
		what[out.containers[i].Reason] = true
	}
	for name, is := range what {
		if is {
			seen[name]++
		}
	}
}

// shrink switches features off for as long as the check finds something, and tells what is left.
func shrink(s *swarm, check func(*model.Config, model.Trial) string) string {
	off := map[string]bool{}
	for feature := range s.off {
		off[feature] = true
	}
	trial := model.Trial{Seed: s.seed, Replication: 1}
	for again := true; again; {
		again = false
		try := &swarm{seed: s.seed, off: off, llm: s.llm}
		try.config()
		for _, feature := range try.used {
			off[feature] = true
			less := &swarm{seed: s.seed, off: off, llm: s.llm}
			cfg := less.config()
			if !faulty(&cfg) && check(&cfg, trial) != "" {
				again = true
			} else {
				delete(off, feature)
			}
		}
	}
	least := &swarm{seed: s.seed, off: off, llm: s.llm}
	cfg := least.config()
	if *swarmTell {
		tellScenario(&cfg, trial)
	}
	return fmt.Sprintf("-swarm.from=%d -swarm.runs=1: with %s:\n%s", s.seed, strings.Join(least.used, ", "), check(&cfg, trial))
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
	text, err := twinStory(cfg, trial)
	fmt.Println(text, err)
}
