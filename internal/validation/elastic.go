package validation

// setups are pools whose containers take time to start.
func setups() []Case {
	cancelling := "autoscaler: {cancel_starting: true}"
	coldExponential := "scaledown_window: 0s, cold_start: {dist: exponential, mean: 10s}, " + exponential1
	w := window{lambda: 0.02, mean: 3, second: 9 * 1.25, setup: 30, window: 60}
	return []Case{
		{Name: "mm1_setup", Title: "M/M/1 with exponential cold starts of 10 s, stopped at once",
			Source: "Welch 1964",
			System: bench{rate: 0.5, horizon: 150_000, warmup: 1000, platform: cancelling,
				function: "max_containers: 1, " + coldExponential},
			Checks: []Check{
				// 1/(μ - λ) + 1/α; a cycle of idle, cold, busy has idle 1/λ and cold 1/α in 1 - ρ of it.
				answer("mean latency", "s", metric("latency.mean"), 1/(1-0.5)+10, 0.03),
				answer("mean starting", "", metric("containers.starting_mean"), 0.5*10/(2+10), 0),
				answer("mean busy", "", metric("containers.busy_mean"), 0.5, 0),
			}},
		{Name: "mm4_setup_cancel",
			Title:  "M/M/4 with exponential cold starts of 10 s, cancelled and stopped at once",
			Source: "Gandhi, Doroudi, Harchol-Balter, Scheller-Wolf 2013, solved numerically",
			System: bench{rate: 2, horizon: 60_000, warmup: 500, platform: cancelling,
				function: "max_containers: 4, " + coldExponential},
			Checks: []Check{
				answer("mean latency", "s", metric("latency.mean"), 4.4621367, 0.025),
				answer("mean starting", "", metric("containers.starting_mean"), 1.6057764, 0),
				answer("mean live", "", metric("containers.live_mean"), 3.6057764, 0),
			}},
		{Name: "mg1_window",
			Title:  "M/G/1, lognormal service, cold starts of 30 s, scaledown window of 60 s",
			Source: "Welch 1964, renewal over cycles",
			System: bench{rate: w.lambda, horizon: 2_000_000, warmup: 2000,
				function: "max_containers: 1, scaledown_window: 60s, cold_start: 30s, " +
					"service: {time: {dist: lognormal, mean: 3s, cv: 0.5}}"},
			Checks: []Check{
				answer("mean wait", "s", metric("latency.mean").plus(-w.mean), w.meanWait(), 0),
				answer("cold starts per input", "", startsPerInput(w.lambda), w.starts(), 0),
				answer("mean starting", "", metric("containers.starting_mean"), w.starting(), 0),
				answer("mean busy", "", metric("containers.busy_mean"), w.lambda*w.mean, 0),
				answer("mean idle", "", metric("containers.idle_mean"),
					1-w.stopped()-w.starting()-w.lambda*w.mean, 0),
				answer("mean live", "", metric("containers.live_mean"), 1-w.stopped(), 0),
			}},
	}
}

// keepAlive are pools that start a container in no time for whoever finds none idle, and stop one after
// a constant time of idleness. The most recently idled container is taken, so the number of containers
// is the largest number busy within the last window.
func keepAlive() []Case {
	const source = "time reversal of M/M/∞ and M/M/c/c, by matrix exponentials"
	return []Case{
		{Name: "mru_0.9",
			Title:  "Exponential service of 2 s, 0.9/s, window of 600 s, most recent first",
			Source: source,
			System: bench{rate: 0.9, horizon: 250_000, warmup: 3000,
				function: "scaledown_window: 600s, service: {time: {dist: exponential, mean: 2s}}"},
			Checks: []Check{
				answer("cold starts per input", "", startsPerInput(0.9), 0.0013313503, 0.04),
				answer("mean live", "", metric("containers.live_mean"), 7.7080344, 0),
				answer("mean busy", "", metric("containers.busy_mean"), 1.8, 0),
				answer("mean idle", "", metric("containers.idle_mean"), 5.9080344, 0),
				answer("mean life", "s", lifetime(), 6432.9295, 0.05),
			}},
		{Name: "mru_loss_5",
			Title:  "Exponential service of 1 s, 4/s, window of 3 s, most recent first, at most 5",
			Source: source,
			System: bench{rate: 4, horizon: 60_000, warmup: 100,
				platform: "limits: {total_sync: 5}",
				function: "max_containers: 5, scaledown_window: 3s, " + exponential1},
			Checks: []Check{
				answer("rejected fraction", "", metric("rejected_fraction"), erlangB(5, 4), 0),
				answer("cold starts per input", "", startsPerInput(4), 0.022756841, 0),
				answer("mean live", "", metric("containers.live_mean"), 4.8721001, 0),
				answer("mean busy", "", metric("containers.busy_mean"), 4*(1-erlangB(5, 4)), 0),
				answer("mean idle", "", metric("containers.idle_mean"), 1.6683676, 0),
				answer("mean life", "s", lifetime(), 53.523468, 0),
			}},
	}
}
