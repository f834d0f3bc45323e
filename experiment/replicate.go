package experiment

import (
	"context"
	"fmt"
)

// Replicate simulates one replication of the scenario, numbered from 1, and gives what it alone says:
// values without intervals, verdicts on the values, no detail. It is what Run joins: the same number
// gives the same values, whatever the others were. Options.Rows, Detail and Progress are not used.
func Replicate(ctx context.Context, s *Scenario, replication int, o Options) (*Result, error) {
	if replication < 1 {
		return nil, fmt.Errorf("replications are numbered from 1, and this is %d", replication)
	}
	g := &gathering{layout: newLayout(s), scenario: s, progress: make([]float64, 1),
		options: Options{Audit: o.Audit, Version: o.Version}}
	tally, err := g.replicate(ctx, replication, 0)
	if err != nil {
		return nil, fmt.Errorf("replication %d: %w", replication, err)
	}
	g.take(tally)
	return g.result(), nil
}

// Metric is the estimate of a metric (MetricNames) of a function, a workload, or of all where both
// are "". It is false when there is no such scope or metric, or the scope has no such measure: a
// workload has no containers and no cost.
func (r *Result) Metric(name, function, workload string) (Estimate, bool) {
	scope, ok := r.Total, true
	switch {
	case workload != "":
		scope, ok = r.Workloads[workload]
	case function != "":
		scope, ok = r.Functions[function]
	}
	if !ok {
		return Estimate{}, false
	}
	return scope.Metric(name)
}
