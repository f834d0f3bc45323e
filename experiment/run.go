package experiment

import (
	"context"
	"errors"
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
	g := &gathering{options: o}
	if err := g.prepare(ctx, s); err != nil {
		return nil, err
	}
	err := g.run(ctx)
	if len(g.trials) == 0 {
		return nil, err
	}
	return g.result(), err
}

// gathering collects the replications of one scenario in order.
type gathering struct {
	scenario   *Scenario
	options    Options
	layout     *layout
	trials     []*trial
	inputs     int64
	end        sim.Time // of the last replication
	detail     *detailer
	known      map[int]*trial     // replications that need no simulation, by number
	turns      chan struct{}      // as many as may simulate at one time; nil: no bound
	finished   func(*trial) error // told of every new trial at once, from several goroutines; nil: nobody
	mu         sync.Mutex
	progress   []float64 // of each replication of the present batch
	batchStart int
}

// prepare finds the warm-up where it is to be found.
func (g *gathering) prepare(ctx context.Context, s *Scenario) error {
	g.scenario, g.layout = s, newLayout(s)
	if !s.WarmupAuto || s.WarmupFound {
		return nil
	}
	tallies := make([]*model.Tally, pilotsOf(s))
	err := parallel(ctx, g.options.Workers, len(tallies), func(ctx context.Context, i int) (err error) {
		release, err := g.enter(ctx)
		if err != nil {
			return err
		}
		defer release()
		trial := model.Trial{Seed: s.Seed, Replication: -i}
		tallies[i], err = model.Run(ctx, &s.Model, trial, model.Hooks{Audit: g.options.Audit})
		return err
	})
	if err != nil {
		return fmt.Errorf("looking for the warm-up: %w", err)
	}
	warmup, settled := g.layout.settle(tallies)
	g.settled(warmup, !settled)
	return nil
}

// pilotsOf is the number of runs that look for the warm-up.
func pilotsOf(s *Scenario) int {
	return min(4, (max(1, s.Replications.Min, s.Replications.Max)+4)/5)
}

// settled goes on with a scenario whose warm-up is found.
func (g *gathering) settled(warmup sim.Time, unsettled bool) {
	own := *g.scenario
	own.Model.Warmup, own.WarmupFound, own.Unsettled = warmup, true, unsettled
	g.scenario, g.layout = &own, newLayout(&own)
}

// enter waits for a turn to simulate where several gatherings share the cores.
func (g *gathering) enter(ctx context.Context) (release func(), err error) {
	if g.turns == nil {
		return func() {}, nil
	}
	select {
	case g.turns <- struct{}{}:
		return func() { <-g.turns }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// parallel calls f for 0 to n - 1, several at one time, and gives the error of the lowest number.
func parallel(ctx context.Context, workers, n int, f func(context.Context, int) error) error {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	errs := make([]error, n)
	next := make(chan int)
	var group sync.WaitGroup
	for range min(workers, n) {
		group.Go(func() {
			for i := range next {
				if errs[i] = f(ctx, i); errs[i] != nil {
					cancel()
				}
			}
		})
	}
	for i := range n {
		select {
		case next <- i:
			continue
		case <-ctx.Done():
			errs[i] = ctx.Err()
		}
		break
	}
	close(next)
	group.Wait()
	for _, err := range errs {
		if err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
	}
	return errors.Join(errs...)
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
	for done := 0; done < most; done = len(g.trials) {
		next := least
		if done >= least {
			if g.precise() {
				return nil
			}
			// The same steps whatever the number of workers, so that the result is the same.
			next = min(most, done+max(1, done/4))
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
	first := len(g.trials) + 1
	type outcome struct {
		trial *trial
		tally *model.Tally
		views []view
		err   error
	}
	results := make([]chan outcome, upTo-first+1)
	for i := range results {
		results[i] = make(chan outcome, 1)
	}
	g.progress = make([]float64, len(results))
	g.batchStart = len(g.trials)
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
				trial, tally, views, err := g.replicate(ctx, first+i, i)
				results[i] <- outcome{trial, tally, views, err}
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
			g.take(r.trial, r.tally, r.views)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// replicate runs one replication.
func (g *gathering) replicate(ctx context.Context, number, place int) (*trial, *model.Tally, []view,
	error) {
	if t := g.known[number]; t != nil {
		return t, nil, nil, nil
	}
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
	release, err := g.enter(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	defer release()
	address := model.Trial{Seed: g.scenario.Seed, Replication: number}
	tally, err := model.Run(ctx, &g.scenario.Model, address, hooks)
	if err != nil {
		return nil, nil, nil, err
	}
	views := g.layout.views(tally)
	t := newTrial(g.layout, number, tally, views)
	if max(g.scenario.Replications.Min, g.scenario.Replications.Max) <= 1 {
		t.Within = within(g.layout, tally, views)
	}
	if g.finished != nil {
		if err := g.finished(t); err != nil {
			return nil, nil, nil, err
		}
	}
	return t, tally, views, nil
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
	g.options.Progress(Progress{Done: min(done, total), Total: total, Replications: len(g.trials),
		Inputs: g.inputs + inputs})
}

// take adds a finished replication.
func (g *gathering) take(t *trial, tally *model.Tally, views []view) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inputs += t.Inputs
	g.progress[len(g.trials)-g.batchStart] = 1
	g.end = t.End
	if g.options.Detail {
		if g.detail == nil {
			g.detail = newDetailer(g.scenario, g.layout)
		}
		g.detail.take(tally, views)
	}
	g.trials = append(g.trials, t)
}

// precise says whether the interval of the scenario's metric is as narrow as asked for.
func (g *gathering) precise() bool {
	metric := g.precisionMetric()
	total := g.layout.measures(g.trials, g.layout.scopes()-1)
	e, ok := total.Metric(metric)
	if !ok || e.Value == nil || e.Low == nil {
		return false
	}
	return (*e.High-*e.Low)/2 <= g.scenario.Replications.Precision*abs(*e.Value)
}

// precisionMetric is the metric whose interval decides how many replications there are.
func (g *gathering) precisionMetric() string {
	if m := g.scenario.Replications.Metric; m != "" {
		return m
	}
	return "latency.p99"
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
		Simcap: g.options.Version, Scenario: s.Name, Seed: s.Seed, Replications: len(g.trials),
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
	r.Total = g.measures(g.layout.scopes() - 1)
	g.energy(r)
	for i := range s.SLO {
		r.SLO = append(r.SLO, judge(&s.SLO[i], r))
	}
	r.Warnings = append(r.Warnings, g.warnings(r)...)
	r.Notes = g.notes()
	if g.detail != nil {
		r.Detail = g.detail.finish(g.options.YAML, g.end)
		if r.Detail.Notes = r.Notes; g.method() != "" {
			r.Detail.Notes = append([]string{g.method()}, r.Notes...)
		}
		r.Detail.Within = g.within()
	}
	return r
}

// measures are those of a scope, with the intervals that a lone replication gives of itself.
func (g *gathering) measures(scope int) Measures {
	m := g.layout.measures(g.trials, scope)
	if len(g.trials) == 1 {
		g.trials[0].Within[g.layout.scopeName(scope)].attach(&m)
	}
	return m
}

// within are the intervals of a lone replication as results.json has them.
func (g *gathering) within() map[string]map[string]Bounds {
	if len(g.trials) != 1 || g.trials[0].Within == nil {
		return nil
	}
	out := map[string]map[string]Bounds{}
	for scope := range g.layout.scopes() {
		m, name := g.measures(scope), g.layout.scopeName(scope)
		out[name] = map[string]Bounds{}
		for i := range metrics {
			if e := metrics[i].of(&m); e != nil && e.Within != nil {
				out[name][metrics[i].name] = *e.Within
			}
		}
	}
	return out
}
