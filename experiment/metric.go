package experiment

// metric names a measure for objectives and for the precision of replications.
type metric struct {
	name string
	of   func(m *Measures) *Estimate
}

// metrics are all names, in the order in which the documentation lists them. Those of containers and
// cost have no value for a workload, and the last group none where there is no LLM function.
var metrics = []metric{
	{"latency.mean", func(m *Measures) *Estimate { return &m.LatencyS.Mean }},
	{"latency.p50", func(m *Measures) *Estimate { return &m.LatencyS.P50 }},
	{"latency.p90", func(m *Measures) *Estimate { return &m.LatencyS.P90 }},
	{"latency.p95", func(m *Measures) *Estimate { return &m.LatencyS.P95 }},
	{"latency.p99", func(m *Measures) *Estimate { return &m.LatencyS.P99 }},
	{"latency.p999", func(m *Measures) *Estimate { return &m.LatencyS.P999 }},
	{"latency.max", func(m *Measures) *Estimate { return &m.LatencyS.Max }},
	{"breakdown.backoff", func(m *Measures) *Estimate { return &m.BreakdownS.Backoff }},
	{"breakdown.cold", func(m *Measures) *Estimate { return &m.BreakdownS.Cold }},
	{"breakdown.queue", func(m *Measures) *Estimate { return &m.BreakdownS.Queue }},
	{"breakdown.batch_wait", func(m *Measures) *Estimate { return &m.BreakdownS.BatchWait }},
	{"breakdown.service", func(m *Measures) *Estimate { return &m.BreakdownS.Service }},
	{"breakdown.interference", func(m *Measures) *Estimate { return &m.BreakdownS.Interference }},
	{"breakdown.overhead", func(m *Measures) *Estimate { return &m.BreakdownS.Overhead }},
	{"makespan.mean", func(m *Measures) *Estimate { return &m.Calls.MakespanS.Mean }},
	{"makespan.p50", func(m *Measures) *Estimate { return &m.Calls.MakespanS.P50 }},
	{"makespan.p90", func(m *Measures) *Estimate { return &m.Calls.MakespanS.P90 }},
	{"makespan.p95", func(m *Measures) *Estimate { return &m.Calls.MakespanS.P95 }},
	{"makespan.p99", func(m *Measures) *Estimate { return &m.Calls.MakespanS.P99 }},
	{"makespan.max", func(m *Measures) *Estimate { return &m.Calls.MakespanS.Max }},
	{"rejected_fraction", func(m *Measures) *Estimate { return &m.RejectedFraction }},
	{"cold_start_fraction", func(m *Measures) *Estimate { return &m.ColdStartFraction }},
	{"completed_fraction", func(m *Measures) *Estimate { return &m.CompletedFraction }},
	{"throughput", func(m *Measures) *Estimate { return &m.ThroughputPerS }},
	{"queue_mean", func(m *Measures) *Estimate { return &m.QueueMean }},
	{"batch_size_mean", func(m *Measures) *Estimate { return &m.BatchSizeMean }},
	{"utilization", func(m *Measures) *Estimate { return m.Utilization }},
	{"containers.live_mean", func(m *Measures) *Estimate { return ofPool(m, &poolOf(m).LiveMean) }},
	{"containers.starting_mean", func(m *Measures) *Estimate { return ofPool(m, &poolOf(m).StartingMean) }},
	{"containers.busy_mean", func(m *Measures) *Estimate { return ofPool(m, &poolOf(m).BusyMean) }},
	{"containers.idle_mean", func(m *Measures) *Estimate { return ofPool(m, &poolOf(m).IdleMean) }},
	{"containers.peak", func(m *Measures) *Estimate { return ofPool(m, &poolOf(m).Peak) }},
	{"containers.started", func(m *Measures) *Estimate { return ofPool(m, &poolOf(m).Started) }},
	{"cost.total", func(m *Measures) *Estimate { return ofPool(m, &costOf(m).Total) }},
	{"cost.busy", func(m *Measures) *Estimate { return ofPool(m, &costOf(m).Busy) }},
	{"cost.idle", func(m *Measures) *Estimate { return ofPool(m, &costOf(m).Idle) }},
	{"cost.cold", func(m *Measures) *Estimate { return ofPool(m, &costOf(m).Cold) }},
	{"cost.per_hour", func(m *Measures) *Estimate { return ofPool(m, &costOf(m).PerHour) }},
	{"cost.per_1k_inputs", func(m *Measures) *Estimate { return ofPool(m, &costOf(m).Per1kInputs) }},
	{"ttft.mean", func(m *Measures) *Estimate { return ofLLM(m.TTFTS, quantileMean) }},
	{"ttft.p50", func(m *Measures) *Estimate { return ofLLM(m.TTFTS, quantileP50) }},
	{"ttft.p90", func(m *Measures) *Estimate { return ofLLM(m.TTFTS, quantileP90) }},
	{"ttft.p95", func(m *Measures) *Estimate { return ofLLM(m.TTFTS, quantileP95) }},
	{"ttft.p99", func(m *Measures) *Estimate { return ofLLM(m.TTFTS, quantileP99) }},
	{"ttft.p999", func(m *Measures) *Estimate { return ofLLM(m.TTFTS, quantileP999) }},
	{"ttft.max", func(m *Measures) *Estimate { return ofLLM(m.TTFTS, quantileMax) }},
	{"tpot.mean", func(m *Measures) *Estimate { return ofLLM(m.TPOTS, quantileMean) }},
	{"tpot.p50", func(m *Measures) *Estimate { return ofLLM(m.TPOTS, quantileP50) }},
	{"tpot.p90", func(m *Measures) *Estimate { return ofLLM(m.TPOTS, quantileP90) }},
	{"tpot.p95", func(m *Measures) *Estimate { return ofLLM(m.TPOTS, quantileP95) }},
	{"tpot.p99", func(m *Measures) *Estimate { return ofLLM(m.TPOTS, quantileP99) }},
	{"tpot.p999", func(m *Measures) *Estimate { return ofLLM(m.TPOTS, quantileP999) }},
	{"tpot.max", func(m *Measures) *Estimate { return ofLLM(m.TPOTS, quantileMax) }},
	{"output_tokens", func(m *Measures) *Estimate {
		if m.OutputTokensPerS == nil {
			return nil
		}
		return &m.OutputTokensPerS.Total
	}},
}

// ofLLM is one of the quantiles of LLM inputs, where there are such.
func ofLLM(q *Quantiles, at func(*Quantiles) *Estimate) *Estimate {
	if q == nil {
		return nil
	}
	return at(q)
}

func poolOf(m *Measures) *ContainerCounts {
	if m.Containers == nil {
		return &ContainerCounts{}
	}
	return m.Containers
}

func costOf(m *Measures) *Cost {
	if m.CostUSD == nil {
		return &Cost{}
	}
	return m.CostUSD
}

func ofPool(m *Measures, e *Estimate) *Estimate {
	if m.Containers == nil {
		return nil
	}
	return e
}

// MetricNames are the names that an objective's `metric` can have.
func MetricNames() []string {
	names := make([]string, len(metrics))
	for i := range metrics {
		names[i] = metrics[i].name
	}
	return names
}

// Metric is the estimate of the named metric; false when there is no such name, or the scope has no
// such measure.
func (m *Measures) Metric(name string) (Estimate, bool) {
	for i := range metrics {
		if metrics[i].name == name {
			if e := metrics[i].of(m); e != nil {
				return *e, true
			}
			return Estimate{}, false
		}
	}
	return Estimate{}, false
}

func quantileMean(q *Quantiles) *Estimate { return &q.Mean }
func quantileP50(q *Quantiles) *Estimate  { return &q.P50 }
func quantileP90(q *Quantiles) *Estimate  { return &q.P90 }
func quantileP95(q *Quantiles) *Estimate  { return &q.P95 }
func quantileP99(q *Quantiles) *Estimate  { return &q.P99 }
func quantileP999(q *Quantiles) *Estimate { return &q.P999 }
func quantileMax(q *Quantiles) *Estimate  { return &q.Max }
