package experiment

import "context"

// Replicate simulates one replication of the scenario, numbered from 1, and gives what it alone says:
// values without intervals, verdicts on the values, no detail. It is what Run joins: the same number
// gives the same values, whatever the others were. Of the options only Audit and Version
// count. A scenario with `warmup: auto` pays for finding it at every call: see Settled.
func Replicate(ctx context.Context, s *Scenario, replication int, o Options) (*Result, error) {
	settled, err := Settled(ctx, s, Options{Audit: o.Audit, Workers: 1})
	if err != nil {
		return nil, err
	}
	r, _, err := Trial(ctx, settled, replication, o)
	if err != nil {
		return nil, err
	}
	return Join(settled, []*Replication{r}, o), nil
}

// Settled is the scenario with its warm-up found, where it asks for `warmup: auto`: Run and Replicate
// then simulate no pilots, and say the same. Other scenarios come back as they are.
func Settled(ctx context.Context, s *Scenario, o Options) (*Scenario, error) {
	g := &gathering{options: o}
	if err := g.prepare(ctx, s); err != nil {
		return nil, err
	}
	return g.scenario, nil
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
