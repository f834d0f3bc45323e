package experiment

import (
	"context"
	"fmt"
	"math"

	"github.com/simcap/simcap/model"
)

// Trial simulates one replication like Replicate, and gives besides its result what it counted.
func Trial(ctx context.Context, s *Scenario, replication int, o Options) (*Result, *model.Tally, error) {
	if replication < 1 {
		return nil, nil, fmt.Errorf("replications are numbered from 1, and this is %d", replication)
	}
	g := &gathering{progress: make([]float64, 1),
		options: Options{Audit: o.Audit, Version: o.Version, Workers: 1}}
	if err := g.prepare(ctx, s); err != nil {
		return nil, nil, err
	}
	t, tally, views, err := g.replicate(ctx, replication, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("replication %d: %w", replication, err)
	}
	g.take(t, tally, views)
	return g.result(), tally, nil
}

// Join is the mean of a measure's values, one for each replication, with its 95 % confidence interval
// by Student's t. Values that are NaN had nothing to average and are left out.
func Join(values []float64) Estimate {
	l := plain(nil)
	amounts := make([]amount, len(values))
	for i, v := range values {
		amounts[i] = amount{v, 1}
	}
	return l.estimate(amounts)
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
