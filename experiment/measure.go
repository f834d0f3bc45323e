package experiment

import (
	"math"

	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/stats"
)

// layout names the scopes that are measured: each function, each workload, and the total.
type layout struct {
	scenario  *Scenario
	functions []string
	workloads []string
}

func newLayout(s *Scenario) *layout {
	l := &layout{scenario: s}
	for i := range s.Model.Functions {
		l.functions = append(l.functions, s.Model.Functions[i].Name)
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
}

// views sorts one replication's counts into scopes: functions, workloads, total.
func (l *layout) views(t *model.Tally) []view {
	views := make([]view, len(l.functions)+len(l.workloads)+1)
	for i := range views {
		v := &views[i]
		v.seconds = t.Window.Seconds()
		v.latency, v.makespans = &stats.Sketch{}, &stats.Sketch{}
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

// leaf is one measure of a scope as a function of what a replication counted there.
type leaf func(v *view) float64

// fill walks all measures in one fixed order and lets next turn each into an estimate. The same walk
// collects the values of a replication and builds the results, so that neither can go astray.
func fill(pool bool, next func(leaf) Estimate) Measures {
	var m Measures
	outcome := func(o model.Outcome) Estimate {
		return next(func(v *view) float64 { return float64(v.outcomes[o]) })
	}
	m.Inputs = InputCounts{
		Submitted: next((*view).submitted), Completed: outcome(model.Completed),
		Failed: outcome(model.Failed), TimedOut: outcome(model.TimedOut),
		Abandoned: outcome(model.Abandoned), Cancelled: outcome(model.Cancelled),
		Rejected: Rejections{RateLimit: outcome(model.RateLimit),
			PendingLimit: outcome(model.PendingLimit), TotalLimit: outcome(model.TotalLimit)},
		Retried:     next(func(v *view) float64 { return float64(v.retried) }),
		ColdStarted: next(func(v *view) float64 { return float64(v.coldStarted) }),
	}
	completed := func(v *view) float64 { return float64(v.outcomes[model.Completed]) }
	part := func(p model.Part) Estimate {
		return next(func(v *view) float64 { return ratio(v.parts[p]/1e9, completed(v)) })
	}
	m.LatencyS = quantiles(next, func(v *view) *stats.Sketch { return v.latency }, func(v *view) float64 {
		sum := 0.0
		for _, ns := range v.parts {
			sum += ns
		}
		return ratio(sum/1e9, completed(v))
	})
	m.BreakdownS = Breakdown{Backoff: part(model.Backoff), Cold: part(model.Cold),
		Queue: part(model.Queue), BatchWait: part(model.BatchWait), Service: part(model.Served),
		Interference: part(model.Interference), Overhead: part(model.Overhead)}
	m.ThroughputPerS = next(func(v *view) float64 { return ratio(completed(v), v.seconds) })
	m.RejectedFraction = next(func(v *view) float64 { return ratio(v.rejected(), v.submitted()) })
	m.ColdStartFraction = next(func(v *view) float64 {
		return ratio(float64(v.coldStarted), v.submitted())
	})
	m.CompletedFraction = next(func(v *view) float64 { return ratio(completed(v), v.submitted()) })
	m.QueueMean = next(func(v *view) float64 { return ratio(v.queueNS/1e9, v.seconds) })
	m.BatchSizeMean = next(func(v *view) float64 {
		return ratio(float64(v.itemInputs), float64(v.items))
	})
	m.Calls = CallCounts{Count: next(func(v *view) float64 { return float64(v.calls) }),
		MakespanS: quantiles(next, func(v *view) *stats.Sketch { return v.makespans }, meanMakespan)}
	if pool {
		fillPool(&m, next)
	}
	return m
}

func meanMakespan(v *view) float64 { return v.makespans.Mean() / 1e9 }

func quantiles(next func(leaf) Estimate, of func(*view) *stats.Sketch, mean leaf) Quantiles {
	at := func(q float64) Estimate {
		return next(func(v *view) float64 {
			ns, ok := of(v).Quantile(q)
			if !ok {
				return math.NaN()
			}
			return float64(ns) / 1e9
		})
	}
	return Quantiles{Mean: next(mean), P50: at(0.5), P90: at(0.9), P95: at(0.95), P99: at(0.99),
		P999: at(0.999), Max: at(1)}
}

// fillPool fills the measures of containers and cost.
func fillPool(m *Measures, next func(leaf) Estimate) {
	mean := func(of func(*view) float64) Estimate {
		return next(func(v *view) float64 { return ratio(of(v)/1e9, v.seconds) })
	}
	m.Containers = &ContainerCounts{
		LiveMean:     mean(func(v *view) float64 { return v.live }),
		StartingMean: mean(func(v *view) float64 { return v.starting }),
		BusyMean:     mean(func(v *view) float64 { return v.busy }),
		IdleMean:     mean(func(v *view) float64 { return v.ready - v.busy }),
		Peak:         next(func(v *view) float64 { return float64(v.peak) }),
		Started:      next(func(v *view) float64 { return float64(v.started) }),
		Stopped:      next(func(v *view) float64 { return float64(v.stopped) }),
		LifetimeMeanS: next(func(v *view) float64 {
			return ratio(v.lifetime/1e9, float64(v.stopped))
		}),
	}
	utilization := next(func(v *view) float64 { return ratio(v.busy, v.ready) })
	m.Utilization = &utilization
	total := func(v *view) float64 { return v.costBusy + v.costIdle + v.costCold }
	m.CostUSD = &Cost{
		Total:   next(total),
		Busy:    next(func(v *view) float64 { return v.costBusy }),
		Idle:    next(func(v *view) float64 { return v.costIdle }),
		Cold:    next(func(v *view) float64 { return v.costCold }),
		PerHour: next(func(v *view) float64 { return ratio(total(v)*3600, v.seconds) }),
		Per1kInputs: next(func(v *view) float64 {
			return ratio(total(v)*1000, float64(v.outcomes[model.Completed]))
		}),
	}
}

// leavesOf is the value of every measure of a scope in one replication, in the order of fill.
func leavesOf(v *view) []float64 {
	var values []float64
	fill(v.pool, func(get leaf) Estimate {
		values = append(values, get(v))
		return Estimate{}
	})
	return values
}

// measures builds the results of a scope from the values of all replications.
func (g *gathering) measures(scope int) Measures {
	pool := scope < len(g.layout.functions) || scope == len(g.columns)-1
	at := 0
	return fill(pool, func(leaf) Estimate {
		e := estimate(g.columns[scope][at])
		at++
		return e
	})
}

// estimate is the mean over replications with its 95 % confidence interval by Student's t; values
// that are NaN had nothing to average and are left out.
func estimate(values []float64) Estimate {
	var kept []float64
	for _, v := range values {
		if !math.IsNaN(v) {
			kept = append(kept, v)
		}
	}
	if len(kept) == 0 {
		return Estimate{}
	}
	mean, half := stats.MeanInterval(kept, 0.95)
	e := Estimate{Value: &mean}
	if len(kept) > 1 {
		low, high := mean-half, mean+half
		e.Low, e.High = &low, &high
	}
	return e
}
