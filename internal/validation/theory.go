package validation

import (
	"fmt"
	"hash/fnv"
)

// bench is the usual scenario of a case: one function f, one workload w, the bare platform.
type bench struct {
	platform     string  // entries of the platform's mapping beside the preset
	function     string  // entries of the function's mapping
	workload     string  // entries of the workload's mapping
	rate         float64 // of Poisson arrivals per second, where arrivals is ""
	arrivals     string
	horizon      float64 // seconds, warm-up included
	warmup       float64
	replications int // 0: 20
}

// runs is the number of replications.
func (b *bench) runs() int {
	if b.replications == 0 {
		return 20
	}
	return b.replications
}

// Scenario is the case as a scenario file. Each has a seed of its own, so that they err independently
// of each other.
func (c *Case) Scenario() string {
	b := c.System
	if b.arrivals == "" {
		b.arrivals = fmt.Sprintf("{process: poisson, rate: %g}", b.rate)
	}
	if b.platform != "" {
		b.platform = ", " + b.platform
	}
	if b.workload != "" {
		b.workload = ", " + b.workload
	}
	seed := fnv.New32a()
	seed.Write([]byte(c.Name))
	return fmt.Sprintf(`simcap: 1
name: %s
seed: %d
horizon: %.0fs
warmup: %.0fs
replications: %d
platform: {preset: none%s}
functions:
  f: {timeout: 365d, %s}
workloads:
  - {name: w, function: f, arrivals: %s%s}
`, c.Name, seed.Sum32(), b.horizon, b.warmup, b.runs(), b.platform, b.function, b.arrivals,
		b.workload)
}

// alwaysOn are a function's entries for c containers that never stop.
func alwaysOn(c int) string { return fmt.Sprintf("min_containers: %d, max_containers: %d, ", c, c) }

const exponential1 = "service: {time: {dist: exponential, mean: 1s}}"

// Family is a group of cases.
type Family struct {
	Name  string
	Cases []Case
}

// Theory are the cases whose answers are exact.
func Theory() []Family {
	return []Family{
		{"Queues in front of containers that are always on", append(manyServers(),
			singleServers()...)},
		{"Nobody waits: loss, and containers without number", append(losses(), withoutNumber()...)},
		{"Cold starts", setups()},
		{"Keep-alive", keepAlive()},
		{"Batches", batchQueues()},
		{"Inputs that share a container", sharing()},
		{"Impatience and rate limits", clients()},
	}
}

func manyServers() []Case {
	return []Case{
		mmcCase("mmc_1", mmc{0.7, 1, 1}, 1000, 300_000, 0.03),
		mmcCase("mmc_10", mmc{8, 1, 10}, 200, 30_000, 0.04),
		mmcCase("mmc_100", mmc{95, 1, 100}, 200, 8_000, 0.1),
	}
}

// mmcCase is M/M/c; waits of a queue that remembers for long are known to the given share.
func mmcCase(name string, q mmc, warmup, horizon, within float64) Case {
	checks := []Check{
		answer("P(wait > 0)", "", waits(0), q.waits(), 0.03),
		answer("mean wait", "s", metric("breakdown.queue"), q.meanWait(), within),
		answer("mean latency", "s", metric("latency.mean"), q.meanWait()+1/q.mu, within),
		answer("mean queue", "", metric("queue_mean"), q.lambda*q.meanWait(), within),
		answer("mean busy containers", "", metric("containers.busy_mean"), q.lambda/q.mu, 0),
	}
	for i, p := range []float64{50, 90, 95, 99} {
		if t := q.waitQuantile(p / 100); t > 0 {
			checks = append(checks, answer(fmt.Sprintf("P(wait > its p%g, %.5g s)", p, t), "",
				waits(t), 1-p/100, within*float64(1+2*i)))
		}
	}
	for _, p := range []float64{50, 95, 99} {
		checks = append(checks, answer(fmt.Sprintf("latency p%g", p), "s",
			quantile(fmt.Sprintf("latency.p%g", p)), q.sojournQuantile(p/100), 0.04))
	}
	return Case{Name: name,
		Title:  fmt.Sprintf("M/M/%d at a load of %g", q.c, q.lambda/q.mu/float64(q.c)),
		Source: "Erlang 1917",
		System: bench{rate: q.lambda, horizon: horizon, warmup: warmup,
			function: alwaysOn(q.c) + exponential1},
		Checks: checks}
}

func singleServers() []Case {
	constant := Case{Name: "md1", Title: "M/D/1 at a load of 0.8",
		Source: "Pollaczek, Khinchine; Erlang 1909",
		System: bench{rate: 0.8, horizon: 250_000, warmup: 1000,
			function: alwaysOn(1) + "service: {time: 1s}"},
		Checks: []Check{
			answer("P(wait > 0)", "", waits(0), 0.8, 0),
			answer("mean wait", "s", metric("breakdown.queue"), meanWaitMG1(0.8, 1, 1), 0.02),
			answer("mean square of the wait", "s²", waitSquare(), waitSquareMG1(0.8, 1, 1, 1),
				0.05),
			answer("mean latency", "s", metric("latency.mean"), meanWaitMG1(0.8, 1, 1)+1, 0),
		}}
	for _, p := range []float64{50, 90, 95, 99} {
		t := waitQuantileMD1(0.8, p/100)
		constant.Checks = append(constant.Checks, answer(fmt.Sprintf("P(wait > its p%g, %.5g s)",
			p, t), "", waits(t), 1-p/100, 0.12))
	}
	// A lognormal of mean 1 and coefficient of variation c has E[S²] = 1 + c² and E[S³] = (1 + c²)³.
	const second = 1 + 2.0*2.0
	return []Case{constant, {
		Name: "mg1_lognormal", Title: "M/G/1, lognormal service of CV 2, at a load of 0.6",
		Source: "Pollaczek, Khinchine",
		System: bench{rate: 0.6, horizon: 600_000, warmup: 1000,
			function: alwaysOn(1) + "service: {time: {dist: lognormal, mean: 1s, cv: 2}}"},
		Checks: []Check{
			answer("P(wait > 0)", "", metric("utilization"), 0.6, 0),
			answer("mean wait", "s", metric("breakdown.queue"), meanWaitMG1(0.6, 1, second), 0.05),
			answer("mean latency", "s", metric("latency.mean"), meanWaitMG1(0.6, 1, second)+1,
				0.04),
		}}}
}

func losses() []Case {
	loss := func(name, law, service string) Case {
		return Case{Name: name, Title: "M/G/5/5 with " + law + " service, 4 erlangs offered",
			Source: "Erlang 1917",
			System: bench{rate: 4, horizon: 25_000, warmup: 100,
				platform: "limits: {total_sync: 5}",
				function: alwaysOn(5) + "service: {time: " + service + "}"},
			Checks: []Check{
				answer("rejected fraction", "", metric("rejected_fraction"), erlangB(5, 4), 0),
				answer("mean busy containers", "", metric("containers.busy_mean"), 4*(1-erlangB(5,
					4)), 0),
			}}
	}
	return []Case{
		loss("erlang_b_exponential", "exponential", "{dist: exponential, mean: 1s}"),
		loss("erlang_b_constant", "constant", "1s"),
		loss("erlang_b_lognormal", "lognormal", "{dist: lognormal, mean: 1s, cv: 2}"),
	}
}

// withoutNumber are systems with as many containers as it takes, which start in no time.
func withoutNumber() []Case {
	wave := func(name, law, service string, w sinusoid) Case {
		return Case{Name: name, Source: "Eick, Massey, Whitt 1993",
			Title: "Mt/G/∞, " + law + ", 10/s ± 80 % over an hour",
			System: bench{horizon: 10 * 3600, replications: 12,
				function: "service: {time: " + service + "}",
				arrivals: "{process: diurnal, base: 2/s, peak: 18/s, period: 1h, peak_at: 15m}"},
			Checks: []Check{
				answer("busy containers, mean over time", "", Measure{wave: waveMean}, w.mean, 0),
				answer("swing of busy containers", "", Measure{wave: waveSwing}, w.swing, 0),
				answer("lag behind the arrivals", "s", Measure{wave: waveLag}, w.lag, 0.05),
			}}
	}
	return []Case{
		{Name: "mg_inf", Title: "M/G/∞, lognormal service of CV 2, 60 erlangs",
			Source: "Little 1961",
			System: bench{rate: 20, horizon: 4000, warmup: 200,
				function: "service: {time: {dist: lognormal, mean: 3s, cv: 2}}"},
			Checks: []Check{
				answer("mean busy containers", "", metric("containers.busy_mean"), 60, 0),
				answer("mean latency", "s", metric("latency.mean"), 3, 0),
			}},
		wave("mt_m_inf", "exponential service of 60 s", "{dist: exponential, mean: 60s}",
			exponentialService(10, 0.8, 3600, 60)),
		wave("mt_d_inf", "constant service of 600 s", "600s", constantService(10, 0.8, 3600, 600)),
	}
}
