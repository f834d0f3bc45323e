package experiment

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/sim"
)

// Run simulates the scenario as often as it asks for and joins the replications. Its result depends
// on the scenario alone, never on the options. When the context ends, the replications that were
// finished make the result, which comes with the context's error; with none finished it is nil.
func Run(ctx context.Context, s *Scenario, o Options) (*Result, error) {
	g := &gathering{scenario: s, options: o, layout: newLayout(s)}
	err := g.run(ctx)
	if g.done == 0 {
		return nil, err
	}
	r := g.result()
	return r, err
}

// gathering collects the replications of one scenario in order.
type gathering struct {
	scenario   *Scenario
	options    Options
	layout     *layout
	columns    [][][]float64 // by scope, then leaf: a value for each replication, NaN: none
	done       int
	inputs     int64
	end        sim.Time // of the last replication
	detail     *detailer
	mu         sync.Mutex
	progress   []float64 // of each replication of the present batch
	batchStart int
}

// run makes batches of replications until there are enough: all that were asked for, or as many as
// the precision needs.
func (g *gathering) run(ctx context.Context) error {
	reps := g.scenario.Replications
	least := max(1, reps.Min)
	most := max(least, reps.Max)
	if reps.Precision <= 0 {
		least = most
	}
	for g.done < most {
		next := least
		if g.done >= least {
			if g.precise() {
				return nil
			}
			// The same steps whatever the number of workers, so that the result is the same.
			next = min(most, g.done+max(1, g.done/4))
		}
		if err := g.batch(ctx, next); err != nil {
			return err
		}
	}
	return nil
}

// batch runs replications done+1 to upTo, several at a time, and takes them in order.
func (g *gathering) batch(ctx context.Context, upTo int) error {
	workers := g.options.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	if g.options.Rows != nil {
		workers = 1 // rows come out replication by replication
	}
	first := g.done + 1
	type outcome struct {
		tally *model.Tally
		err   error
	}
	results := make([]chan outcome, upTo-first+1)
	for i := range results {
		results[i] = make(chan outcome, 1)
	}
	g.progress = make([]float64, len(results))
	g.batchStart = g.done
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	turn := make(chan int)
	go func() {
		defer close(turn)
		for i := range results {
			select {
			case turn <- i:
			case <-ctx.Done():
				return
			}
		}
	}()
	var group sync.WaitGroup
	defer group.Wait()
	for range min(workers, len(results)) {
		group.Add(1)
		go func() {
			defer group.Done()
			for i := range turn {
				tally, err := g.replicate(ctx, first+i, i)
				results[i] <- outcome{tally, err}
			}
		}()
	}
	for i := range results {
		select {
		case r := <-results[i]:
			if r.err != nil {
				cancel()
				return fmt.Errorf("replication %d: %w", first+i, r.err)
			}
			g.take(r.tally)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// replicate runs one replication.
func (g *gathering) replicate(ctx context.Context, number, place int) (*model.Tally, error) {
	hooks := model.Hooks{Audit: g.options.Audit}
	if g.options.Rows != nil {
		hooks.Rows = *g.options.Rows
	}
	if g.options.Progress != nil {
		horizon := g.scenario.Model.Horizon
		hooks.Progress = func(now sim.Time, inputs int64) {
			share := 0.0
			if horizon > 0 {
				share = min(1, float64(now)/float64(horizon))
			}
			g.report(place, share, inputs)
		}
	}
	trial := model.Trial{Seed: g.scenario.Seed, Replication: number}
	return model.Run(ctx, &g.scenario.Model, trial, hooks)
}

// report tells the progress of the replication at the given place of the batch.
func (g *gathering) report(place int, share float64, inputs int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.progress[place] = share
	done := float64(g.batchStart)
	for i := range g.progress {
		done += g.progress[i]
	}
	total := float64(max(g.scenario.Replications.Min, g.scenario.Replications.Max, 1))
	g.options.Progress(Progress{Done: min(done, total), Total: total, Replications: g.done,
		Inputs: g.inputs + inputs})
}

// take adds a finished replication.
func (g *gathering) take(t *model.Tally) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inputs += t.Inputs
	g.progress[g.done-g.batchStart] = 1
	g.end = t.End
	views := g.layout.views(t)
	if g.columns == nil {
		g.columns = make([][][]float64, len(views))
	}
	for scope := range views {
		values := leavesOf(&views[scope])
		if g.columns[scope] == nil {
			g.columns[scope] = make([][]float64, len(values))
		}
		for leaf, v := range values {
			g.columns[scope][leaf] = append(g.columns[scope][leaf], v)
		}
	}
	if g.options.Detail {
		if g.detail == nil {
			g.detail = newDetailer(g.scenario, g.layout)
		}
		g.detail.take(t, views)
	}
	g.done++
}

// precise says whether the interval of the scenario's metric is as narrow as asked for.
func (g *gathering) precise() bool {
	metric := g.scenario.Replications.Metric
	if metric == "" {
		metric = "latency.p99"
	}
	total := g.measures(len(g.columns) - 1)
	e, ok := total.Metric(metric)
	if !ok || e.Value == nil || e.Low == nil {
		return false
	}
	return (*e.High-*e.Low)/2 <= g.scenario.Replications.Precision*abs(*e.Value)
}

func abs(x float64) float64 {
	if x < 0 {
		return -x
	}
	return x
}

// result joins what was gathered.
func (g *gathering) result() *Result {
	s := g.scenario
	r := &Result{
		Simcap: g.options.Version, Scenario: s.Name, Seed: s.Seed, Replications: g.done,
		WarmupS: s.Model.Warmup.Seconds(), Functions: map[string]Measures{},
		Workloads: map[string]Measures{}, SLO: []Verdict{}, Warnings: []string{},
	}
	if s.Model.Horizon > 0 {
		horizon := s.Model.Horizon.Seconds()
		r.HorizonS = &horizon
	}
	for scope, name := range g.layout.functions {
		r.Functions[name] = g.measures(scope)
	}
	for i, name := range g.layout.workloads {
		r.Workloads[name] = g.measures(len(g.layout.functions) + i)
	}
	r.Total = g.measures(len(g.columns) - 1)
	g.energy(r)
	for i := range s.SLO {
		r.SLO = append(r.SLO, judge(&s.SLO[i], r))
	}
	r.Warnings = append(r.Warnings, g.warnings(r)...)
	if g.detail != nil {
		r.Detail = g.detail.finish(g.options.YAML, g.end)
	}
	return r
}
