package experiment

import (
	"math"

	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/sim"
	"github.com/simcap/simcap/stats"
)

// confidence is the level of all intervals.
const confidence = 0.95

// trial is what one replication says, in a form that can be kept and joined with others later. It is
// a function of scenario, seed and number alone.
type trial struct {
	Replication int                `json:"replication"`
	Inputs      int64              `json:"inputs"`           // submitted in all
	End         sim.Time           `json:"end_ns"`           // of the run
	Amounts     [][]amount         `json:"amounts"`          // by scope, in the order of fill, without quantiles
	Latencies   []*stats.Histogram `json:"latencies"`        // ns, by workload
	Makespans   []*stats.Histogram `json:"makespans"`        // by workload; null: the same as latencies
	LLM         *llmTimes          `json:"llm,omitempty"`    // nil: no LLM function
	Functions   []diagnosis        `json:"functions"`        // by function
	Within      map[string]spreads `json:"within,omitempty"` // by scope: of a lone replication
}

// newTrial sums a replication up.
func newTrial(l *layout, replication int, t *model.Tally, views []view) *trial {
	out := &trial{Replication: replication, Inputs: t.Inputs, End: t.End,
		Amounts: make([][]amount, len(views)), Functions: diagnose(l, t),
		LLM: newLLMTimes(l, t)}
	for scope := range views {
		fill(l.kindOf(scope), func(get leaf) Estimate {
			if get.of != nil {
				out.Amounts[scope] = append(out.Amounts[scope], get.of(&views[scope]))
			}
			return Estimate{}
		})
	}
	for i := range t.Workloads {
		latency, makespan := t.Workloads[i].Latency.Histogram(), t.Workloads[i].Makespans.Histogram()
		if makespan.Equal(latency) {
			makespan = nil
		}
		out.Latencies = append(out.Latencies, latency)
		out.Makespans = append(out.Makespans, makespan)
	}
	return out
}

// fits says whether a kept trial has the shape that the scenario's trials have.
func (t *trial) fits(l *layout) bool {
	if len(t.Amounts) != l.scopes() || len(t.Latencies) != len(l.workloads) ||
		len(t.Makespans) != len(l.workloads) || len(t.Functions) != len(l.functions) ||
		!t.LLM.fits(l) {
		return false
	}
	for scope := range t.Amounts {
		n := 0
		fill(l.kindOf(scope), func(get leaf) Estimate {
			if get.of != nil {
				n++
			}
			return Estimate{}
		})
		if len(t.Amounts[scope]) != n {
			return false
		}
	}
	for i := range t.Latencies {
		if t.Latencies[i] == nil {
			return false
		}
	}
	return true
}

// times are the times of one workload.
func (t *trial) times(of times, workload int) *stats.Histogram {
	switch {
	case of > makespans:
		return t.LLM.of(of, workload)
	case of == makespans && t.Makespans[workload] != nil:
		return t.Makespans[workload]
	}
	return t.Latencies[workload]
}

// scopes is the number of scopes: functions, workloads, the total.
func (l *layout) scopes() int { return len(l.functions) + len(l.workloads) + 1 }

// hasPool says whether a scope has containers.
func (l *layout) hasPool(scope int) bool {
	return scope < len(l.functions) || scope == l.scopes()-1
}

// kindOf says what there is to measure in a scope.
func (l *layout) kindOf(scope int) scopeKind {
	k := scopeKind{pool: l.hasPool(scope)}
	for i, f := range l.functions {
		switch {
		case !l.engines[i]:
		case scope == i || scope == l.scopes()-1:
			k.llm = true
		case scope >= len(l.functions):
			k.llm = k.llm || l.scenario.Model.Workloads[scope-len(l.functions)].Function == f
		}
	}
	return k
}

// workloadsOf are the workloads whose inputs a scope counts.
func (l *layout) workloadsOf(scope int) []int {
	var all []int
	for i := range l.workloads {
		function := scope < len(l.functions)
		if function && l.scenario.Model.Workloads[i].Function == l.functions[scope] ||
			!function && (scope == len(l.functions)+i || scope == l.scopes()-1) {
			all = append(all, i)
		}
	}
	return all
}

// measures builds the results of a scope from trials.
func (l *layout) measures(trials []*trial, scope int) Measures {
	at := 0
	var pools [numTimes]*pooled
	return fill(l.kindOf(scope), func(get leaf) Estimate {
		if get.of == nil {
			if pools[get.times] == nil {
				pools[get.times] = l.pool(trials, scope, get.times)
			}
			return pools[get.times].quantile(get.q)
		}
		amounts := make([]amount, len(trials))
		for i := range trials {
			amounts[i] = trials[i].Amounts[scope][at]
		}
		at++
		return get.estimate(amounts)
	})
}

// pooled are the times of all trials in one scope.
type pooled struct {
	parts []*stats.Histogram // by trial
	all   *stats.Histogram
}

func (l *layout) pool(trials []*trial, scope int, of times) *pooled {
	workloads := l.workloadsOf(scope)
	p := &pooled{parts: make([]*stats.Histogram, len(trials))}
	for i, t := range trials {
		if len(workloads) == 1 {
			p.parts[i] = t.times(of, workloads[0])
			continue
		}
		own := make([]*stats.Histogram, len(workloads))
		for k, w := range workloads {
			own[k] = t.times(of, w)
		}
		p.parts[i] = stats.Pool(own)
	}
	p.all = p.parts[0]
	if len(p.parts) > 1 {
		p.all = stats.Pool(p.parts)
	}
	return p
}

// quantile is the nearest-rank quantile over the inputs of all trials, in seconds. The largest value is
// that of all trials too; its interval is that of the mean of the trials' largest, up to the value.
func (p *pooled) quantile(q float64) Estimate {
	i := stats.PooledQuantile(p.all, p.parts, q, confidence)
	if q >= 1 && len(p.parts) > 1 && p.all.Count() > 0 {
		var largest []float64
		for _, part := range p.parts {
			if part.Count() > 0 {
				largest = append(largest, float64(part.Max()))
			}
		}
		mean, half := stats.MeanInterval(largest, confidence)
		i.Low, i.High = math.NaN(), math.NaN()
		if len(largest) > 1 {
			i.Low, i.High = max(0, min(mean-half, i.Value)), max(mean+half, i.Value)
		}
	}
	i.Value, i.Low, i.High = i.Value/1e9, i.Low/1e9, i.High/1e9
	return estimateOf(i)
}

// estimate is the mean over replications with its confidence interval: Student's t, or that of the
// ratio of sums. Values that are not there had nothing to average and are left out.
func (get *leaf) estimate(amounts []amount) Estimate {
	var values, above, below []float64
	for _, a := range amounts {
		above, below = append(above, a.above), append(below, a.below)
		if v := ratio(a.above, a.below); !math.IsNaN(v) {
			values = append(values, v)
		}
	}
	mean, half := stats.MeanInterval(values, confidence)
	if len(values) < 2 {
		return estimateOf(stats.Interval{Value: mean, Low: math.NaN(), High: math.NaN()})
	}
	i := stats.Interval{Value: mean, Low: mean - half, High: mean + half}
	if get.ratio {
		if r := stats.RatioInterval(above, below, confidence); !math.IsNaN(r.Low) {
			i.Low, i.High = min(r.Low, mean), max(r.High, mean)
		}
	}
	i.Low, i.High = max(0, i.Low), min(get.most, i.High)
	return estimateOf(i)
}

// estimateOf is an interval as it stands in results: null where there is none.
func estimateOf(i stats.Interval) Estimate {
	if math.IsNaN(i.Value) {
		return Estimate{}
	}
	e := Estimate{Value: &i.Value}
	if !math.IsNaN(i.Low) && !math.IsNaN(i.High) {
		e.Low, e.High = &i.Low, &i.High
	}
	return e
}
