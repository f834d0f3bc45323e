package experiment

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"sync"
)

// MostPoints is how many points a grid may have.
const MostPoints = 1_000_000

// CheckGrid says why the axes make no grid: one has no values, or there are too many points.
func CheckGrid(axes []Axis) error {
	_, err := gridSize(axes)
	return err
}

func gridSize(axes []Axis) (int, error) {
	n := 1
	for _, a := range axes {
		if len(a.Values) == 0 {
			return 0, fmt.Errorf("%s has no values", a.Key)
		}
		if n *= len(a.Values); n > MostPoints {
			return 0, fmt.Errorf("the grid has more than %d points", MostPoints)
		}
	}
	return n, nil
}

// Grid are the points of all combinations of the axes' values, the last axis fastest.
func Grid(axes []Axis) ([]Point, error) {
	n, err := gridSize(axes)
	if err != nil {
		return nil, err
	}
	points := make([]Point, n)
	for i := range points {
		points[i] = make(Point, len(axes))
		rest := i
		for k := len(axes) - 1; k >= 0; k-- {
			values := axes[k].Values
			points[i][k] = Setting{axes[k].Key, values[rest%len(values)]}
			rest /= len(values)
		}
	}
	return points, nil
}

// Shard is a share of a grid's points, for machines that work on one sweep side by side: every Count-th
// point, from the Index-th on, counted from 1. The zero Shard is all of them.
type Shard struct{ Index, Count int }

// String writes 3/16; "" for all.
func (s Shard) String() string {
	if s.Count == 0 {
		return ""
	}
	return fmt.Sprintf("%d/%d", s.Index, s.Count)
}

func (s Shard) has(point int) bool { return s.Count == 0 || point%s.Count == s.Index-1 }

// SweepOptions say how a sweep is run; but for Shard, Cost, Latency, Function and Workload they do not
// change its results.
type SweepOptions struct {
	Workers  int                 // trials at one time; 0: one per core
	Version  string              // of the program
	Journal  *Journal            // keeps finished trials and gives them back; nil: none
	Progress func(SweepProgress) // called now and then, from one goroutine at a time; nil: not
	Shard    Shard
	Cost     string // metric called cost; "": what suits the scenario, see CostMetric
	Latency  string // metric called latency; "": see LatencyMetric
	Function string // whose latency; "": that of the objective, or of all where it names none
	Workload string
}

// SweepProgress tells how far a sweep is.
type SweepProgress struct {
	Points, Of int   // finished, and in all
	Trials     int   // simulated by this run
	Kept       int   // taken from the journal
	Inputs     int64 // simulated by this run
}

// RunSweep simulates the scenario at every point of the grid, several trials at one time. The result
// depends on what the builder builds alone: not on the number of workers, nor on what the journal held.
// Points whose settings contradict each other are marked; it is an error when all do. When the context
// ends, the points that were finished make the result, which comes with the context's error.
func RunSweep(ctx context.Context, axes []Axis, build Builder, o SweepOptions) (*Sweep, error) {
	grid, err := Grid(axes)
	if err != nil {
		return nil, err
	}
	w := &sweeper{options: o, build: build}
	for i, p := range grid {
		if o.Shard.has(i) {
			w.points = append(w.points, SweepPoint{Index: i, Point: p})
		}
	}
	if err := w.describe(grid, axes); err != nil {
		return nil, err
	}
	err = w.run(ctx)
	s := w.sweep
	s.Planned = len(w.points)
	for i := range w.points {
		if w.points[i].Verdict != "" {
			s.Points = append(s.Points, w.points[i])
		}
	}
	s.Mark()
	return s, err
}

// sweeper is a sweep while it runs.
type sweeper struct {
	options SweepOptions
	build   Builder
	sweep   *Sweep
	points  []SweepPoint
	traces  traces
	turns   chan struct{}
	mutex   sync.Mutex // guards state
	state   SweepProgress
}

// describe fills in what holds for the sweep as a whole, from the first point of the grid that can be
// built, whether this share has it or not.
func (w *sweeper) describe(grid []Point, axes []Axis) error {
	o := &w.options
	w.sweep = &Sweep{Simcap: o.Version, Axes: axes, Shard: o.Shard.String(), Points: []SweepPoint{}}
	var failed error
	for _, p := range grid {
		s, err := w.build(p)
		if err != nil {
			failed = cmp.Or(failed, fmt.Errorf("%s: %w", p, err))
			continue
		}
		if w.sweep.Content, err = w.traces.question(s, o.Version); err != nil {
			return err
		}
		w.sweep.Scenario, w.sweep.Seed, w.sweep.Synthetic = s.Name, s.Seed, s.Synthetic
		w.sweep.Cost = cmp.Or(o.Cost, CostMetric(s, axes))
		w.sweep.Latency, w.sweep.Function, w.sweep.Workload = LatencyMetric(s)
		if o.Latency != "" {
			w.sweep.Latency = o.Latency
			w.sweep.Function, w.sweep.Workload = scopeOf(s, o.Latency)
		}
		if o.Function != "" || o.Workload != "" {
			w.sweep.Function, w.sweep.Workload = o.Function, o.Workload
		}
		return nil
	}
	return failed
}

// CostMetric is the metric by which a sweep's points are dear or cheap: cost.per_hour; per 1,000 inputs
// where the traffic varies along an axis, in all where runs have no horizon.
func CostMetric(s *Scenario, axes []Axis) string {
	for _, a := range axes {
		if strings.HasPrefix(a.Key, "workloads.") || strings.HasPrefix(a.Key, "workloads[") {
			return "cost.per_1k_inputs"
		}
	}
	if s.Model.Horizon == 0 {
		return "cost.total"
	}
	return "cost.per_hour"
}

// LatencyMetric is the metric by which a sweep's points are slow or fast, and whose: that of the last
// objective on latency or makespan, else latency.p99 of all inputs.
func LatencyMetric(s *Scenario) (metric, function, workload string) {
	for i := len(s.SLO) - 1; i >= 0; i-- {
		o := &s.SLO[i]
		for _, group := range []string{"latency.", "makespan.", "ttft.", "tpot."} {
			if strings.HasPrefix(o.Metric, group) && !math.IsNaN(o.Max) {
				return o.Metric, o.Function, o.Workload
			}
		}
	}
	return "latency.p99", "", ""
}

// scopeOf is the function or the workload that the last objective on the metric names; where there is
// none on it, that of LatencyMetric. A workload has no containers and no cost of its own.
func scopeOf(s *Scenario, metric string) (function, workload string) {
	_, function, workload = LatencyMetric(s)
	for i := len(s.SLO) - 1; i >= 0; i-- {
		if o := &s.SLO[i]; o.Metric == metric {
			return o.Function, o.Workload
		}
	}
	var ofWorkload Measures
	if _, ok := ofWorkload.Metric(metric); !ok && !OfLLM(metric) {
		workload = ""
	}
	return function, workload
}

// run works on as many points at one time as keep all workers busy.
func (w *sweeper) run(ctx context.Context) error {
	workers := w.options.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	w.turns = make(chan struct{}, workers)
	w.state.Of = len(w.points)
	err := parallel(ctx, workers+1, len(w.points), func(ctx context.Context, i int) error {
		return w.point(ctx, &w.points[i])
	})
	if err == nil && !w.any() {
		return fmt.Errorf("no point of the grid can be simulated; %s: %s", w.points[0].Point,
			w.points[0].Error)
	}
	return err
}

// any says whether a point has a result.
func (w *sweeper) any() bool {
	for i := range w.points {
		if w.points[i].Result != nil {
			return true
		}
	}
	return len(w.points) == 0
}

// point simulates one point. Only an end of the context, and a journal that cannot be written, are
// errors of the sweep.
func (w *sweeper) point(ctx context.Context, p *SweepPoint) error {
	defer w.tell(func(state *SweepProgress) { state.Points++ })
	s, err := w.build(p.Point)
	if err != nil {
		p.Verdict, p.Error = Impossible, err.Error()
		return nil
	}
	r, err := w.simulate(ctx, s)
	var unkept *journalError
	switch {
	case err != nil && (ctx.Err() != nil || errors.As(err, &unkept)):
		return err
	case err != nil:
		p.Verdict, p.Error = Failed, err.Error()
	default:
		p.hold(r)
	}
	return nil
}

// simulate runs what the journal does not know of a scenario.
func (w *sweeper) simulate(ctx context.Context, s *Scenario) (*Result, error) {
	key, err := w.traces.fingerprint(s, w.options.Version)
	if err != nil {
		return nil, err
	}
	g := &gathering{turns: w.turns, options: Options{Version: w.options.Version, Workers: cap(w.turns)}}
	g.scenario, g.layout = s, newLayout(s)
	journal := w.options.Journal
	warmup, settled := settling{}, false
	if journal != nil {
		g.known, warmup, settled = journal.find(key, g.layout)
	}
	w.tell(func(state *SweepProgress) { state.Kept += len(g.known) })
	g.finished = func(t *trial) error {
		w.tell(func(state *SweepProgress) {
			state.Trials++
			state.Inputs += t.Inputs
		})
		return journal.keep(&entry{Key: key, Trial: t})
	}
	if settled {
		g.settled(warmup.Warmup, warmup.Unsettled)
	} else if err := g.prepare(ctx, s); err != nil {
		return nil, err
	} else if s.WarmupAuto && !s.WarmupFound {
		found := settling{g.scenario.Model.Warmup, g.scenario.Unsettled}
		if err := journal.keep(&entry{Key: key, Settling: &found}); err != nil {
			return nil, err
		}
	}
	if err := g.run(ctx); err != nil {
		return nil, err
	}
	return g.result(), nil
}

// tell changes the progress and reports it.
func (w *sweeper) tell(change func(*SweepProgress)) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	change(&w.state)
	if w.options.Progress != nil {
		w.options.Progress(w.state)
	}
}
