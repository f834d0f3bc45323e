package experiment

import (
	"context"
	"fmt"
	"math"

	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/stats"
)

// Replication is what one replication said, in a form that can be joined with others.
type Replication struct{ trial *trial }

// Trial simulates one replication like Replicate, and gives it besides what it counted.
func Trial(ctx context.Context, s *Scenario, replication int, o Options) (*Replication, *model.Tally, error) {
	if replication < 1 {
		return nil, nil, fmt.Errorf("replications are numbered from 1, and this is %d", replication)
	}
	g := &gathering{progress: make([]float64, 1),
		options: Options{Audit: o.Audit, Version: o.Version, Workers: 1}}
	if err := g.prepare(ctx, s); err != nil {
		return nil, nil, err
	}
	t, tally, _, err := g.replicate(ctx, replication, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("replication %d: %w", replication, err)
	}
	return &Replication{t}, tally, nil
}

// Join is the result of some replications of one scenario, the same as Run's if they are the first
// ones. The scenario must have found its warm-up (Settled); of the options only Version counts.
func Join(s *Scenario, replications []*Replication, o Options) *Result {
	g := &gathering{scenario: s, layout: newLayout(s), options: Options{Version: o.Version}}
	for _, r := range replications {
		g.trials = append(g.trials, r.trial)
		g.inputs += r.trial.Inputs
		g.end = r.trial.End
	}
	return g.result()
}

// Mean is the mean of a measure's values, one for each replication, with its 95 % confidence interval
// by Student's t. Values that are NaN had nothing to average and are left out.
func Mean(values []float64) Estimate {
	kept := make([]float64, 0, len(values))
	for _, v := range values {
		if !math.IsNaN(v) {
			kept = append(kept, v)
		}
	}
	mean, half := stats.MeanInterval(kept, confidence)
	if len(kept) < 2 {
		half = math.NaN()
	}
	return estimateOf(stats.Interval{Value: mean, Low: mean - half, High: mean + half})
}

// Judge checks the objective against an estimate of its metric (SPEC sections 1 and 5): met when the
// whole interval keeps the bounds, not met when none of it does or there is no value, else undecided.
func (o *Objective) Judge(e Estimate) Verdict {
	v := Verdict{Metric: o.Metric, Function: o.Function, Workload: o.Workload, Value: e}
	if !math.IsNaN(o.Max) {
		most := o.Max
		v.Max = &most
	}
	if !math.IsNaN(o.Min) {
		least := o.Min
		v.Min = &least
	}
	v.Met = decide(e, v.Min, v.Max)
	return v
}
