package experiment

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/stats"
)

// layout names the scopes that are measured: each function, each workload, and the total.
type layout struct {
	scenario  *Scenario
	functions []string
	workloads []string
	engines   []bool // by function: it has an LLM engine
}

func newLayout(s *Scenario) *layout {
	l := &layout{scenario: s}
	for i := range s.Model.Functions {
		l.functions = append(l.functions, s.Model.Functions[i].Name)
		l.engines = append(l.engines, s.Model.Functions[i].Service.LLM != nil)
	}
	for i := range s.Model.Workloads {
		l.workloads = append(l.workloads, s.Model.Workloads[i].Name)
	}
	return l
}

// view is what one replication counted in one scope.
type view struct {
	seconds     float64 // length of the window
	outcomes    [model.NumOutcomes]int64
	retried     int64
	coldStarted int64
	calls       int64
	latency     *stats.Sketch
	makespans   *stats.Sketch
	parts       [model.NumParts]float64 // ns, over completed inputs
	queueNS     float64
	items       int64 // begun, and the inputs in them
	itemInputs  int64
	pool        bool // has containers: not a workload
	live        float64
	starting    float64
	ready       float64
	busy        float64
	peak        int64
	started     int64
	stopped     int64
	lifetime    float64
	costBusy    float64 // USD
	costIdle    float64
	costCold    float64
	llm         *llmView // nil: no input of an LLM function
}

// views sorts one replication's counts into scopes: functions, workloads, total.
func (l *layout) views(t *model.Tally) []view {
	views := make([]view, len(l.functions)+len(l.workloads)+1)
	for i := range views {
		v := &views[i]
		v.seconds = t.Window.Seconds()
		v.latency, v.makespans = &stats.Sketch{}, &stats.Sketch{}
		if l.kindOf(i).llm {
			v.llm = newLLMView()
		}
	}
	total := &views[len(views)-1]
	total.pool = true
	for i := range t.Functions {
		views[i].pool = true
		views[i].addFunction(&t.Functions[i])
		total.addFunction(&t.Functions[i])
	}
	total.peak = t.Peak
	for i := range t.Workloads {
		w := &t.Workloads[i]
		own := &views[len(l.functions)+i]
		for _, v := range []*view{own, &views[w.Function], total} {
			v.addWorkload(w)
		}
		own.items, own.itemInputs = views[w.Function].items, views[w.Function].itemInputs
	}
	return views
}

func (v *view) addWorkload(w *model.WorkloadTally) {
	for i, n := range w.Outcomes {
		v.outcomes[i] += n
	}
	v.retried += w.Retried
	v.coldStarted += w.ColdStarted
	v.calls += w.Calls
	v.latency.Merge(w.Latency)
	v.makespans.Merge(w.Makespans)
	for i := range w.Bands {
		for part, ns := range w.Bands[i].Parts {
			v.parts[part] += ns
		}
	}
	v.queueNS += w.QueueNS
	v.llm.addWorkload(w.LLM)
}

func (v *view) addFunction(f *model.FunctionTally) {
	v.items += f.Items
	v.itemInputs += f.ItemInputs
	v.live += f.LiveNS
	v.starting += f.StartingNS
	v.ready += f.ReadyNS
	v.busy += f.BusyNS
	v.peak += f.Peak
	v.started += f.Started
	v.stopped += f.Stopped
	v.lifetime += f.LifetimeNS
	perNS := f.PricePerS / 1e9
	v.costBusy += f.BusyNS * perNS
	v.costIdle += (f.ReadyNS - f.BusyNS) * perNS
	v.costCold += f.ColdNS * perNS
}

func (v *view) submitted() float64 {
	n := int64(0)
	for _, k := range v.outcomes {
		n += k
	}
	return float64(n)
}

func (v *view) completed() float64 { return float64(v.outcomes[model.Completed]) }

func (v *view) cold() float64 { return float64(v.coldStarted) }

func (v *view) cost() float64 { return v.costBusy + v.costIdle + v.costCold }

// latencyS is the sum of the latencies of completed inputs, in seconds.
func (v *view) latencyS() float64 {
	sum := 0.0
	for _, ns := range v.parts {
		sum += ns
	}
	return sum / 1e9
}

func (v *view) rejected() float64 {
	return float64(v.outcomes[model.RateLimit] + v.outcomes[model.PendingLimit] +
		v.outcomes[model.TotalLimit])
}

// ratio is a / b, NaN where b is 0: nothing to average.
func ratio(a, b float64) float64 {
	if b == 0 {
		return math.NaN()
	}
	return a / b
}

// amount is what one replication says of a measure: above / below, of which ratios keep both.
type amount struct{ above, below float64 }

// MarshalJSON writes a ratio as a pair, anything else as a number, and null for what is not there.
func (a amount) MarshalJSON() ([]byte, error) {
	switch {
	case math.IsNaN(a.above) || math.IsNaN(a.below):
		return []byte("null"), nil
	case a.below == 1:
		return json.Marshal(a.above)
	}
	return json.Marshal([2]float64{a.above, a.below})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (a *amount) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		*a = amount{math.NaN(), 1}
		return nil
	}
	var pair [2]float64
	if len(text) > 0 && text[0] == '[' {
		if err := json.Unmarshal(text, &pair); err != nil {
			return err
		}
		*a = amount{pair[0], pair[1]}
		return nil
	}
	a.below = 1
	if err := json.Unmarshal(text, &a.above); err != nil {
		return fmt.Errorf("a measure: %w", err)
	}
	return nil
}

// times are the times whose quantiles are measured.
type times int

const (
	latencies times = iota
	makespans
	ttfts  // to the first output token
	tpots  // of each further one
	speeds // output tokens by latency, in 1e-9 a second
	numTimes
)

// leaf is one measure of a scope.
type leaf struct {
	of    func(v *view) amount // what a replication counted; nil: a quantile
	ratio bool                 // the interval is that of a ratio of sums
	most  float64              // the largest value that there can be
	times times                // of a quantile
	q     float64
}

// plain is a measure of a replication as a whole: a count, a level, a rate.
func plain(of func(v *view) float64) leaf {
	return leaf{of: func(v *view) amount { return amount{of(v), 1} }, most: math.Inf(1)}
}

// perEach is a mean over things that were counted: inputs, items, seconds of container time.
func perEach(above, below func(v *view) float64) leaf {
	return leaf{ratio: true, most: math.Inf(1),
		of: func(v *view) amount { return amount{above(v), below(v)} }}
}

// fraction is perEach of what cannot exceed 1.
func fraction(above, below func(v *view) float64) leaf {
	l := perEach(above, below)
	l.most = 1
	return l
}

// fill walks all measures in one fixed order and lets next turn each into an estimate. The same walk
// collects the values of a replication and builds the results, so that neither can go astray.
func fill(kind scopeKind, next func(leaf) Estimate) Measures {
	var m Measures
	outcome := func(o model.Outcome) Estimate {
		return next(plain(func(v *view) float64 { return float64(v.outcomes[o]) }))
	}
	m.Inputs = InputCounts{
		Submitted: next(plain((*view).submitted)), Completed: outcome(model.Completed),
		Failed: outcome(model.Failed), TimedOut: outcome(model.TimedOut),
		Abandoned: outcome(model.Abandoned), Cancelled: outcome(model.Cancelled),
		Rejected: Rejections{RateLimit: outcome(model.RateLimit),
			PendingLimit: outcome(model.PendingLimit), TotalLimit: outcome(model.TotalLimit)},
		Retried:     next(plain(func(v *view) float64 { return float64(v.retried) })),
		ColdStarted: next(plain((*view).cold)),
	}
	part := func(p model.Part) Estimate {
		return next(perEach(func(v *view) float64 { return v.parts[p] / 1e9 }, (*view).completed))
	}
	m.LatencyS = quantiles(next, latencies, perEach((*view).latencyS, (*view).completed))
	m.BreakdownS = Breakdown{Backoff: part(model.Backoff), Cold: part(model.Cold),
		Queue: part(model.Queue), BatchWait: part(model.BatchWait), Service: part(model.Served),
		Interference: part(model.Interference), Overhead: part(model.Overhead)}
	m.ThroughputPerS = next(plain(func(v *view) float64 { return ratio(v.completed(), v.seconds) }))
	m.RejectedFraction = next(fraction((*view).rejected, (*view).submitted))
	m.ColdStartFraction = next(fraction((*view).cold, (*view).submitted))
	m.CompletedFraction = next(fraction((*view).completed, (*view).submitted))
	m.QueueMean = next(plain(func(v *view) float64 { return ratio(v.queueNS/1e9, v.seconds) }))
	m.BatchSizeMean = next(perEach(func(v *view) float64 { return float64(v.itemInputs) },
		func(v *view) float64 { return float64(v.items) }))
	m.Calls = CallCounts{Count: next(plain(func(v *view) float64 { return float64(v.calls) })),
		MakespanS: quantiles(next, makespans, perEach(
			func(v *view) float64 { return v.makespans.Sum() / 1e9 },
			func(v *view) float64 { return float64(v.makespans.Count()) }))}
	if kind.pool {
		fillPool(&m, next)
	}
	if kind.llm {
		fillLLM(&m, next)
	}
	return m
}

// scopeKind says what there is to measure in a scope.
type scopeKind struct {
	pool bool // it has containers
	llm  bool // it has inputs of LLM functions
}

func quantiles(next func(leaf) Estimate, of times, mean leaf) Quantiles {
	at := func(q float64) Estimate { return next(leaf{times: of, q: q}) }
	return Quantiles{Mean: next(mean), P50: at(0.5), P90: at(0.9), P95: at(0.95), P99: at(0.99),
		P999: at(0.999), Max: at(1)}
}

// fillPool fills the measures of containers and cost.
func fillPool(m *Measures, next func(leaf) Estimate) {
	mean := func(of func(*view) float64) Estimate {
		return next(plain(func(v *view) float64 { return ratio(of(v)/1e9, v.seconds) }))
	}
	stopped := func(v *view) float64 { return float64(v.stopped) }
	m.Containers = &ContainerCounts{
		LiveMean:      mean(func(v *view) float64 { return v.live }),
		StartingMean:  mean(func(v *view) float64 { return v.starting }),
		BusyMean:      mean(func(v *view) float64 { return v.busy }),
		IdleMean:      mean(func(v *view) float64 { return v.ready - v.busy }),
		Peak:          next(plain(func(v *view) float64 { return float64(v.peak) })),
		Started:       next(plain(func(v *view) float64 { return float64(v.started) })),
		Stopped:       next(plain(stopped)),
		LifetimeMeanS: next(perEach(func(v *view) float64 { return v.lifetime / 1e9 }, stopped)),
	}
	utilization := next(fraction(func(v *view) float64 { return v.busy },
		func(v *view) float64 { return v.ready }))
	m.Utilization = &utilization
	m.CostUSD = &Cost{
		Total:   next(plain((*view).cost)),
		Busy:    next(plain(func(v *view) float64 { return v.costBusy })),
		Idle:    next(plain(func(v *view) float64 { return v.costIdle })),
		Cold:    next(plain(func(v *view) float64 { return v.costCold })),
		PerHour: next(plain(func(v *view) float64 { return ratio(v.cost()*3600, v.seconds) })),
		Per1kInputs: next(perEach(func(v *view) float64 { return v.cost() * 1000 },
			(*view).completed)),
	}
}
