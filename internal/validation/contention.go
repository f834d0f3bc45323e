package validation

import "fmt"

// batchQueues are single containers that take what waits as one batch, and batches that form without a
// container to wait for.
func batchQueues() []Case {
	// P(latency > its quantile) of the cases without a limit: all that arrive during a batch make the next,
	// which gives the law of latency in closed form, solved numerically.
	tails := func(p50, p95, p99 float64) []Check {
		return []Check{
			answer(fmt.Sprintf("P(latency > its p50, %g s)", p50), "", latencies(p50), 0.5, 0),
			answer(fmt.Sprintf("P(latency > its p95, %g s)", p95), "", latencies(p95), 0.05, 0.03),
			answer(fmt.Sprintf("P(latency > its p99, %g s)", p99), "", latencies(p99), 0.01, 0.07),
		}
	}
	return []Case{
		batchCase("batch_inf_50", batchQueue{50, 0.02, 0.002, 1000},
			tails(0.032568934, 0.046461465, 0.050122684)),
		batchCase("batch_inf_100", batchQueue{100, 0.02, 0.002, 1000},
			tails(0.039225386, 0.053780638, 0.059339107)),
		batchCase("batch_8_60", batchQueue{60, 0.05, 0.002, 8}, nil),
		batchCase("batch_32_250", batchQueue{250, 0.05, 0.002, 32}, nil),
		formingCase(batchWindow{100, 0.1, 8}),
	}
}

func batchCase(name string, q batchQueue, more []Check) Case {
	a := q.solve()
	limit := "without a limit"
	if q.most < 1000 {
		limit = fmt.Sprintf("of at most %d", q.most)
	}
	return Case{
		Name: name,
		Title: fmt.Sprintf("M/D/1 in batches %s, %g/s, %g s + %g s per input", limit,
			q.lambda, q.fixed, q.each),
		Source: "Neuts 1967, Inoue 2021; embedded chain, solved numerically",
		System: bench{rate: q.lambda, horizon: 120_000/q.lambda + 20, warmup: 20,
			function: alwaysOn(1) + fmt.Sprintf("batched: {max_batch_size: %d, wait_ms: 0}, "+
				"service: {batch: {base: %gs, per_input: %gs}}", q.most, q.fixed, q.each)},
		Checks: append([]Check{
			answer("mean latency", "s", metric("latency.mean"), a.latency, 0),
			answer("mean batch", "", metric("batch_size_mean"), a.batch, 0),
			answer("mean batch as inputs see it", "", batchAsSeen(), a.seen, 0),
			answer("utilization", "", metric("utilization"), a.busy, 0),
		}, more...)}
}

func formingCase(w batchWindow) Case {
	size, delay := w.mean()
	return Case{
		Name:   "batch_window_100_8",
		Title:  "Batches that leave with 8 inputs or after 100 ms, 100/s",
		Source: "Poisson counts",
		System: bench{rate: w.lambda, horizon: 2020, warmup: 20,
			function: alwaysOn(40) + "batched: {max_batch_size: 8, wait_ms: 100}, " +
				"service: {batch: {base: 10ms, per_input: 0s}}"},
		Checks: []Check{
			answer("mean batch", "", metric("batch_size_mean"), size, 0),
			answer("mean wait for the batch to leave", "s", metric("breakdown.batch_wait"), delay,
				0),
			answer("full batches", "", batchesOf(w.most), w.law()[w.most], 0),
		}}
}

// sharing are containers that serve many inputs at a time, each the slower the more there are.
func sharing() []Case {
	const processorSharing = "concurrent: {max_inputs: 10000}, "
	const curve = "concurrency: {points: {1: 1s, 2: 2s}}"
	// An input among n progresses at speed 1/(1 + 0.1 (n - 1)).
	speed := func(n int) float64 { return float64(n) / (1 + 0.1*float64(n-1)) }
	law := birthDeath(8, func(int) float64 { return 3 }, speed)
	present := 0.0
	for n, p := range law {
		present += float64(n) * p
	}
	return []Case{
		{Name: "mm1_ps", Title: "M/M/1, processor sharing, at a load of 0.8",
			Source: "Coffman, Muntz, Trotter 1970",
			System: bench{rate: 0.8, horizon: 120_000, warmup: 1000,
				function: alwaysOn(1) + processorSharing +
					"service: {time: {dist: exponential, mean: 1s}, " + curve + "}"},
			Checks: []Check{
				answer("mean latency", "s", metric("latency.mean"), 1/(1-0.8), 0.03),
				// The variance is W²(2 + ρ)/(2 - ρ).
				answer("mean square of latency", "s²", latencySquare(), 25*(2+0.8)/(2-0.8)+25, 0.1),
				answer("utilization", "", metric("utilization"), 0.8, 0),
			}},
		{Name: "mg1_ps",
			Title:  "M/G/1, processor sharing, lognormal service of CV 1.5, at a load of 0.7",
			Source: "insensitivity: as M/M/1",
			System: bench{rate: 0.7, horizon: 120_000, warmup: 1000,
				function: alwaysOn(1) + processorSharing +
					"service: {time: {dist: lognormal, mean: 1s, cv: 1.5}, " + curve + "}"},
			Checks: []Check{
				answer("mean latency", "s", metric("latency.mean"), 1/(1-0.7), 0.03),
				answer("mean interference", "s", metric("breakdown.interference"), 1/(1-0.7)-1,
					0.03),
			}},
		{Name: "ps_loss_8",
			Title:  "At most 8 inputs at a time, each further one adds 10 %; lognormal, CV 1.5, 3/s",
			Source: "birth and death, insensitivity",
			System: bench{rate: 3, horizon: 40_000, warmup: 100,
				platform: "limits: {total_sync: 8}",
				function: alwaysOn(1) + "concurrent: {max_inputs: 8}, service: {time: {dist: lognormal, " +
					"mean: 1s, cv: 1.5}, concurrency: {points: {1: 1s, 2: 1.1s}}}"},
			Checks: []Check{
				answer("rejected fraction", "", metric("rejected_fraction"), law[8], 0.03),
				answer("mean latency", "s", metric("latency.mean"), present/3/(1-law[8]), 0),
				answer("utilization", "", metric("utilization"), 1-law[0], 0),
			}},
	}
}

// clients are callers who give up, and a limit on their rate.
func clients() []Case {
	const lambda, c, leaving = 12.0, 10, 0.5
	law := birthDeath(400, func(int) float64 { return lambda }, func(n int) float64 {
		return float64(min(n, c)) + leaving*float64(max(n-c, 0))
	})
	var queue, waits0 float64
	for n, p := range law {
		if n >= c {
			queue += float64(n-c) * p
			waits0 += p
		}
	}
	bucket := func(depth int, horizon, within float64) Case {
		return Case{Name: fmt.Sprintf("token_bucket_%d", depth),
			Source: "Erlang 1909, the work of M/D/1 below a limit",
			Title:  fmt.Sprintf("Token bucket of 200/s and %d tokens, 200/s offered", depth),
			System: bench{rate: 200, horizon: horizon, warmup: 500,
				platform: fmt.Sprintf("limits: {rate_sync: 200/s, burst: %gs}", float64(depth)/200),
				function: alwaysOn(1) + "concurrent: {max_inputs: 100000}, service: {time: 1ms}"},
			Checks: []Check{
				answer("rejected fraction", "", metric("rejected_fraction"),
					1-tokenBucketAccepts(1, depth), within),
				answer("throughput", "1/s", metric("throughput"),
					200*tokenBucketAccepts(1, depth), 0),
			}}
	}
	return []Case{
		{Name: "erlang_a", Title: "M/M/10+M: 12/s for 10 containers, patience of 2 s on average",
			Source: "Palm 1943",
			System: bench{rate: lambda, horizon: 10_000, warmup: 100,
				function: alwaysOn(c) + exponential1,
				workload: "client: {patience: {dist: exponential, mean: 2s}}"},
			Checks: []Check{
				answer("P(wait > 0)", "", waits(0), waits0, 0),
				answer("abandoned fraction", "", metric("completed_fraction").complement(),
					leaving*queue/lambda, 0),
				answer("mean queue", "", metric("queue_mean"), queue, 0.02),
				answer("mean busy containers", "", metric("containers.busy_mean"),
					lambda-leaving*queue, 0),
			}},
		bucket(10, 2000, 0.03),
		bucket(200, 2500, 0.4),
	}
}
