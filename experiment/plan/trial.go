package plan

import (
	"context"
	"errors"
	"math"
	"runtime"
	"sync"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/sim"
)

// trial is what one replication of one setting said.
type trial struct {
	goal  float64
	slo   []float64               // by objective; NaN: no value
	whole *experiment.Replication // nil for a short one
	peaks []float64               // by function: most live containers at any time of the run
	work  float64
	err   error // the run failed
}

// record is a setting with its trials.
type record struct {
	at      []int // nil: the scenario's own settings
	number  int64
	invalid error    // the settings contradict each other
	failed  error    // a run of them failed
	short   []*trial // by replication, over the screening horizon
	full    []*trial
	belief  belief
}

// job is one trial to make.
type job struct {
	record      *record
	replication int
	short       bool
}

// Work of a trial, which does not depend on the machine: an input is 1, about a third of a microsecond
// of one core; a tick of an autoscaler is tickWork, and a trial as such trialWork. It is what the search
// is bounded by, so that its result does not depend on how fast it runs.
const (
	tickWork  = 0.3
	trialWork = 3000
)

// runner makes trials.
type runner struct {
	build       experiment.Builder
	objectives  []experiment.Objective
	goal        string
	space       *space
	alike       *alike
	gpus        []int
	quick       screening // what short trials are
	warmup      sim.Time  // of all trials where it is to be found
	workers     int
	version     string
	work        float64 // done
	trials      int
	echoes      map[int64][]*echo // of full trials, by room and replication
	shortEchoes map[int64][]*echo
	told        func()
}

// run makes the trials that are missing, several at a time, and books them in the order of the jobs.
// It ends early with the context's error; what was finished by then is kept.
func (r *runner) run(ctx context.Context, jobs []job) error {
	todo := make([]job, 0, len(jobs))
	for _, j := range jobs {
		if j.record.invalid == nil && j.record.failed == nil && !j.record.has(j) && !r.echoed(j) {
			todo = append(todo, j)
		}
	}
	done := make([]*trial, len(todo))
	invalid := make([]error, len(todo))
	next := make(chan int)
	var group sync.WaitGroup
	workers := r.workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	for range min(workers, len(todo)) {
		group.Add(1)
		go func() {
			defer group.Done()
			for i := range next {
				done[i], invalid[i] = r.try(ctx, todo[i])
			}
		}()
	}
	for i := range todo {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	group.Wait()
	for i, j := range todo {
		switch {
		case invalid[i] != nil:
			j.record.invalid = invalid[i]
		case done[i] != nil:
			r.book(j, done[i])
		}
	}
	if r.told != nil {
		r.told()
	}
	return ctx.Err()
}

// has says whether the record has the trial.
func (r *record) has(j job) bool {
	list := r.full
	if j.short {
		list = r.short
	}
	return j.replication <= len(list) && list[j.replication-1] != nil
}

// book adds a finished trial to its record.
func (r *runner) book(j job, t *trial) {
	r.work += t.work
	r.trials++
	if t.err != nil {
		j.record.failed = t.err
		return
	}
	j.record.put(j, t)
	if j.record.at == nil {
		return
	}
	if e := r.alike.echoOf(j.record.at, t, r.gpus); e != nil {
		key := r.key(j)
		if j.short {
			r.shortEchoes[key] = append(r.shortEchoes[key], e)
		} else {
			r.echoes[key] = append(r.echoes[key], e)
		}
	}
}

func (r *record) put(j job, t *trial) {
	list := &r.full
	if j.short {
		list = &r.short
	}
	for len(*list) < j.replication {
		*list = append(*list, nil)
	}
	(*list)[j.replication-1] = t
}

// mostReplications bounds the replications of one setting.
const mostReplications = 200

// key addresses the echoes that may answer for a job.
func (r *runner) key(j job) int64 {
	return r.alike.room(j.record.at)*(mostReplications+1) + int64(j.replication)
}

// echoed takes the trial from a setting that provably runs alike.
func (r *runner) echoed(j job) bool {
	if j.record.at == nil || len(r.alike.tops) == 0 {
		return false
	}
	all := r.echoes
	if j.short {
		all = r.shortEchoes
	}
	for _, e := range all[r.key(j)] {
		if r.alike.answers(e, j.record.at) {
			j.record.put(j, e.trial)
			return true
		}
	}
	return false
}

// try makes one trial. It gives neither trial nor error when the context ended.
func (r *runner) try(ctx context.Context, j job) (*trial, error) {
	var point experiment.Point
	if j.record.at != nil {
		point = r.space.point(j.record.at)
	}
	s, err := r.build(point)
	if err != nil {
		return nil, err
	}
	s = r.settled(s, j.short)
	replication, tally, err := experiment.Trial(ctx, s, j.replication, experiment.Options{})
	if err != nil {
		if ctx.Err() != nil {
			return nil, nil
		}
		return &trial{err: err, work: trialWork}, nil
	}
	t := r.measure(s, experiment.Join(s, []*experiment.Replication{replication}, experiment.Options{}), tally)
	if math.IsNaN(t.goal) {
		t.err = errors.New("the window of its statistics is empty")
	}
	if !j.short {
		t.whole = replication
	}
	return t, nil
}

// settled is a scenario with the warm-up and the horizon that all settings are compared over.
func (r *runner) settled(s *experiment.Scenario, short bool) *experiment.Scenario {
	changed := *s
	if s.WarmupAuto {
		changed.Model.Warmup, changed.WarmupFound = r.warmup, true
	}
	changed.Replications = experiment.Replications{Min: 2, Max: 2} // a lone run would look into itself
	if short && r.quick.horizon > 0 {
		r.quick.apply(&changed.Model)
	}
	return &changed
}

// measure takes what the plan needs from a result.
func (r *runner) measure(s *experiment.Scenario, result *experiment.Result, tally *model.Tally) *trial {
	t := &trial{goal: value(result, r.goal, "", ""), work: trialWork + float64(tally.Inputs)}
	for i := range r.objectives {
		o := &r.objectives[i]
		t.slo = append(t.slo, value(result, o.Metric, o.Function, o.Workload))
	}
	if every := s.Model.Platform.Autoscaler.Interval; every > 0 {
		ticks := float64(tally.End) / float64(every)
		t.work += tickWork * ticks * float64(len(tally.Functions))
	}
	for i := range tally.Functions {
		peak := int64(0)
		for _, n := range tally.Functions[i].LivePeak {
			peak = max(peak, n)
		}
		t.peaks = append(t.peaks, float64(peak))
	}
	return t
}

// value is a metric's value, NaN where there is none.
func value(r *experiment.Result, metric, function, workload string) float64 {
	e, _ := r.Metric(metric, function, workload)
	return number(e.Value)
}

func number(p *float64) float64 {
	if p == nil {
		return math.NaN()
	}
	return *p
}

// complete are the trials of the full horizon without gaps: replications 1 to n. An interrupted batch may
// leave gaps.
func (r *record) complete() []*trial {
	for i, t := range r.full {
		if t == nil {
			return r.full[:i]
		}
	}
	return r.full
}
