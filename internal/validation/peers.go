package validation

import (
	"fmt"
	"math"
	"strings"

	"github.com/simcap/simcap/model"
)

// Peers are the cases that other simulators have answered. Their answers are estimates with intervals
// of their own.
func Peers() []Family {
	return []Family{
		{"SimFaaS", append(simfaas(), packed())},
		{"Event simulations of single rules", append(append(coldQueues(), routings()...), held(),
			retrials())},
	}
}

// estimated is a check against a peer's estimate: its value, its 95 % half-width and its runs.
func estimated(name, unit string, m Measure, value, half float64, runs int, within float64) Check {
	return Check{Name: name, Unit: unit, Measure: m, Within: within,
		Peer: &Peer{Value: value, Half: half, Runs: runs}}
}

// pair is an estimate: a mean over runs and its 95 % half-width.
type pair [2]float64

// simfaasCase is a run of SimFaaS's ServerlessSimulator: a container for each request, the newest idle
// one first, no queue; a cold request's response time has a law of its own. The answers are those of a
// replica of its rules (40 runs), which agrees with the program itself (10 runs, after its warm-up).
type simfaasCase struct {
	name, title, warm, cold     string
	rate, window                float64
	most                        int // maximum concurrency; 0: unlimited
	horizon, warmup             float64
	starts, live, busy          pair // cold starts per request, mean containers, mean running
	response, reject            pair
	itsStarts, itsLive, itsBusy pair // of SimFaaS itself
	published                   published
	within                      float64 // of the cold starts
}

// published are figures of one run of the given length in seconds, as a paper rounds them.
type published struct{ runS, starts, live float64 }

func (s *simfaasCase) comparison() Case {
	const replica, program = 40, 10
	function := fmt.Sprintf("scaledown_window: %gs, service: {time: %s, first_input: %s}",
		s.window, s.warm, s.cold)
	platform := "routing: newest"
	if s.most > 0 {
		function = fmt.Sprintf("max_containers: %d, ", s.most) + function
		platform += fmt.Sprintf(", limits: {total_sync: %d}", s.most)
	}
	c := Case{Name: "simfaas_" + s.name, Title: s.title, Source: "SimFaaS (Mahmoudi, Khazaei 2021)",
		System: bench{rate: s.rate, horizon: s.horizon, warmup: s.warmup, platform: platform,
			function: function}}
	add := func(name, unit string, m Measure, p pair, runs int, within float64) {
		if p[0] != 0 {
			c.Checks = append(c.Checks, estimated(name, unit, m, p[0], p[1], runs, within))
		}
	}
	live, busy := metric("containers.live_mean"), metric("containers.busy_mean")
	if s.published != (published{}) {
		once := func(name string, m Measure, value, rounding, within float64) {
			c.Checks = append(c.Checks, Check{Name: name, Measure: m, Within: within,
				Peer: &Peer{Value: value, RunS: s.published.runS, Half: rounding}})
		}
		once("cold starts per input, published", startsPerInput(s.rate), s.published.starts, 5e-5,
			0.15)
		once("mean live, published", live, s.published.live, 0.005, 0.02)
	}
	add("cold starts per input", "", startsPerInput(s.rate), s.starts, replica, s.within)
	add("cold starts per input, the program", "", startsPerInput(s.rate), s.itsStarts, program,
		2*s.within)
	add("mean live", "", live, s.live, replica, 0)
	add("mean live, the program", "", live, s.itsLive, program, 0)
	add("mean busy", "", busy, s.busy, replica, 0)
	add("mean busy, the program", "", busy, s.itsBusy, program, 0)
	add("mean latency", "s", metric("latency.mean"), s.response, replica, 0)
	add("rejected fraction", "", metric("rejected_fraction"), s.reject, replica, 0)
	return c
}

func simfaas() []Case {
	exponential := func(mean float64) string { return fmt.Sprintf("{dist: exponential, mean: %gs}", mean) }
	cases := []simfaasCase{
		{name: "A_paper", title: "The system of SimFaaS's paper: 0.9/s, 1.991 s, cold 2.244 s, expiry 600 s",
			warm: exponential(1.991), cold: exponential(2.244), rate: 0.9, window: 600,
			horizon: 250_000, warmup: 3000, within: 0.05, published: published{1e6, 0.0014, 7.66},
			starts: pair{0.001329487, 7.5e-6}, itsStarts: pair{0.001328833, 1.8e-5},
			live: pair{7.694691, 0.0058}, itsLive: pair{7.699324, 0.012},
			busy: pair{1.792225, 0.00081}, itsBusy: pair{1.792191, 0.0011},
			response: pair{1.991324, 0.00064}},
		{name: "B_exp_same", title: "0.9/s, service of 2 s, cold or not, expiry 600 s",
			warm: exponential(2), cold: exponential(2), rate: 0.9, window: 600,
			horizon: 250_000, warmup: 3000, within: 0.05,
			starts: pair{0.001326278, 7.8e-6}, itsStarts: pair{0.001326388, 2.8e-5},
			live: pair{7.707917, 0.0061}, itsLive: pair{7.707315, 0.017},
			busy: pair{1.800021, 0.00081}, itsBusy: pair{1.799741, 0.0017},
			response: pair{1.999987, 0.00064}},
		{name: "D_gpu_const", title: "0.5/s, constant service of 3 s, cold 33 s, expiry 60 s",
			warm: "3s", cold: "33s", rate: 0.5, window: 60,
			horizon: 200_000, warmup: 1000, within: 0.02,
			starts: pair{0.03294586, 0.00015}, itsStarts: pair{0.03286895, 0.00029},
			live: pair{5.53141, 0.0064}, itsLive: pair{5.534115, 0.016},
			busy: pair{1.994485, 0.0026}, itsBusy: pair{1.993204, 0.0059},
			response: pair{3.988376, 0.0046}},
		{name: "F_reject", title: "5/s, service of 1 s, cold 6 s, expiry 10 s, at most 6 at a time",
			warm: exponential(1), cold: exponential(6), rate: 5, window: 10, most: 6,
			horizon: 40_000, warmup: 1000, within: 0.25,
			starts: pair{9.014749e-5, 3.2e-6}, itsStarts: pair{8.868297e-5, 6.6e-6},
			live: pair{5.9993, 3.3e-5}, itsLive: pair{5.999327, 6.1e-5},
			busy: pair{4.04196, 0.0015}, itsBusy: pair{4.04247, 0.0052},
			response: pair{1.00062, 0.0005}, reject: pair{0.1921916, 0.00027}},
		{name: "G_erlangB", title: "4/s, service of 1 s, expiry 60 s, at most 5 at a time: M/M/5/5",
			warm: exponential(1), cold: exponential(1), rate: 4, window: 60, most: 5,
			horizon: 30_000, warmup: 1000,
			busy: pair{3.204142, 0.0013}, itsBusy: pair{3.203357, 0.0032},
			response: pair{1.000055, 0.00039}, reject: pair{0.199228, 0.00032}},
		{name: "H_low", title: "0.002/s, nearly two in a quarter of an hour: 2 s, cold 2.5 s, expiry 600 s",
			warm: exponential(2), cold: exponential(2.5), rate: 0.002, window: 600,
			horizon: 20_000_000, warmup: 10_000, within: 0.015,
			starts: pair{0.3048403, 0.00077}, itsStarts: pair{0.3041361, 0.0021},
			live: pair{0.7050081, 0.0008}, itsLive: pair{0.7047455, 0.0014},
			busy: pair{0.004298953, 7.7e-6}, itsBusy: pair{0.004304547, 2.3e-5},
			response: pair{2.15175, 0.0033}},
		{name: "J_gauss", title: "0.9/s, Gaussian service of 2 ± 0.5 s, cold 5 ± 1 s, expiry 120 s",
			warm: gaussian(2, 0.5), cold: gaussian(5, 1), rate: 0.9, window: 120,
			horizon: 300_000, warmup: 2000, within: 0.03,
			starts: pair{0.007462365, 3.6e-5}, itsStarts: pair{0.00749642, 8.2e-5},
			live: pair{6.572817, 0.0047}, itsLive: pair{6.571345, 0.012},
			busy: pair{1.819932, 0.00081}, itsBusy: pair{1.81952, 0.0019},
			response: pair{2.022535, 0.00024}},
	}
	out := make([]Case, len(cases))
	for i := range cases {
		out[i] = cases[i].comparison()
	}
	return out
}

// gaussian stands in for a law that scenarios do not have: two hundred values, each the middle of an
// equal share of it.
func gaussian(mean, deviation float64) string {
	const n = 200
	var values []string
	for i := range n {
		p := (float64(i) + 0.5) / n
		values = append(values, fmt.Sprintf("%.6fs", mean+deviation*math.Sqrt2*math.Erfinv(2*p-1)))
	}
	return "{dist: empirical, values: [" + strings.Join(values, ", ") + "]}"
}

// packed is SimFaaS's ParServerlessSimulator where all of its containers run always: the newest with a
// free slot first. That program refuses requests while all containers are busy, free slots or not, so
// the answers are those of its replica without that.
func packed() Case {
	return Case{Name: "simfaas_PR_conc4_max3",
		Title:  "3 containers of 4 slots, the newest first, 5/s, service of 2 s",
		Source: "replica of SimFaaS's ParServerlessSimulator; Erlang 1917",
		System: bench{rate: 5, horizon: 30_000, warmup: 100,
			platform: "routing: newest, limits: {total_sync: 12}",
			function: alwaysOn(3) + "concurrent: {max_inputs: 4}, " +
				"service: {time: {dist: exponential, mean: 2s}}"},
		Checks: []Check{
			answer("rejected fraction, Erlang B", "", metric("rejected_fraction"),
				erlangB(12, 10), 0.02),
			estimated("rejected fraction", "", metric("rejected_fraction"), 0.1196534,
				0.00027, 40, 0.02),
			estimated("mean busy containers", "", metric("containers.busy_mean"), 2.84484,
				0.00072, 40, 0),
			estimated("mean latency", "s", metric("latency.mean"), 1.999745, 0.0011, 40, 0),
		}}
}

// coldQueues are pools whose cold starts are never cancelled and whose inputs wait in one line: for a
// container that starts, or for one that becomes free.
func coldQueues() []Case {
	const runs = 20
	immediate := share(func(row *model.InputRow) bool { return waitOf(row) == 0 })
	idle, starting := metric("containers.idle_mean"), metric("containers.starting_mean")
	return []Case{
		{Name: "gpu_nocancel_8",
			Title:  "2/s, service of 1 s, cold starts of 30 s, window of 60 s, at most 8",
			Source: "event simulation",
			System: bench{rate: 2, horizon: 100_000, warmup: 1000,
				function: "max_containers: 8, cold_start: 30s, " +
					"scaledown_window: 60s, " + exponential1},
			Checks: []Check{
				estimated("mean latency", "s", metric("latency.mean"), 1.0042261, 0.00052, runs, 0),
				estimated("P(no wait)", "", immediate, 0.98349298, 0.0001, runs, 0),
				estimated("cold starts per input", "", startsPerInput(2), 0.0059266657, 2e-5, runs,
					0.02),
				estimated("mean idle", "", idle, 4.5547586, 0.0035, runs, 0),
				estimated("mean starting", "", starting, 0.35563541, 0.0011, runs, 0.02),
			}},
		{Name: "gpu_nocancel_4",
			Title:  "0.05/s, service of 10 s, cold starts of 45 s, window of 60 s, at most 4",
			Source: "event simulation",
			System: bench{rate: 0.05, horizon: 1_000_000, warmup: 5000,
				function: "max_containers: 4, cold_start: 45s, " +
					"scaledown_window: 60s, service: {time: {dist: exponential, mean: 10s}}"},
			Checks: []Check{
				estimated("mean latency", "s", metric("latency.mean"), 15.416045, 0.024, runs, 0),
				estimated("P(no wait)", "", immediate, 0.68507533, 0.00059, runs, 0),
				estimated("cold starts per input", "", startsPerInput(0.05), 0.20896885, 0.00029, runs,
					0.015),
				estimated("mean idle", "", idle, 1.2021021, 0.00086, runs, 0),
				estimated("mean starting", "", starting, 0.47022382, 0.00078, runs, 0.015),
			}},
	}
}

// routings are one keep-alive pool under five rules of routing.
func routings() []Case {
	// Containers that outlive the run are missing from the mean life: it is compared where lives are short.
	rule := func(routing string, starts, live, life pair, within float64) Case {
		c := Case{Name: "routing_" + routing,
			Title:  "5/s, service of 1 s, window of 5 s, " + routing,
			Source: "event simulation",
			System: bench{rate: 5, horizon: 25_000, warmup: 1000, platform: "routing: " + routing,
				function: "scaledown_window: 5s, " + exponential1},
			Checks: []Check{
				estimated("cold starts per input", "", startsPerInput(5), starts[0], starts[1],
					20, within),
				estimated("mean live", "", metric("containers.live_mean"), live[0], live[1], 20, 0),
			}}
		if life[0] > 0 {
			c.Checks = append(c.Checks, estimated("mean life", "s", lifetime(), life[0], life[1],
				20, within))
		}
		return c
	}
	return []Case{
		rule("newest", pair{0.052478209, 8.7e-5}, pair{9.2041549, 0.0047}, pair{35.077078, 0.051},
			0.02),
		rule("most_recent", pair{0.058245866, 9.3e-5}, pair{9.0821914, 0.0046}, pair{31.184808, 0.044},
			0.02),
		rule("oldest", pair{0.052480286, 9e-5}, pair{9.2042584, 0.0047}, pair{}, 0.02),
		rule("longest_idle", pair{0.00049701093, 1.3e-5}, pair{14.545976, 0.019}, pair{}, 0.25),
		rule("random", pair{0.016973413, 6.2e-5}, pair{10.554177, 0.005}, pair{124.30405, 0.43},
			0.03),
	}
}

// held is one container whose batches are held open for 250 ms after their first input, counted also
// while the batch before is in service: its second slot is where they form.
func held() Case {
	w := batchWindow{10, 0.25, 8}
	size, delay := w.mean()
	serviceOf := 0.05
	for n, p := range w.law() { // an input sees the batches in proportion to their sizes
		serviceOf += 0.002 * float64(n*n) * p / size
	}
	return Case{Name: "batch_8_10_wait250",
		Title:  "Batches of at most 8 held for 250 ms, 10/s, 50 ms + 2 ms per input",
		Source: "event simulation; Poisson counts",
		System: bench{rate: 10, horizon: 15_000, warmup: 20,
			function: alwaysOn(1) + "concurrent: {max_inputs: 2}, " +
				"batched: {max_batch_size: 8, wait_ms: 250}, service: {batch: {base: 50ms, per_input: 2ms}}"},
		Checks: []Check{
			estimated("mean latency", "s", metric("latency.mean"), 0.21799217, 3.3e-5, 20, 0),
			answer("mean latency, exact", "s", metric("latency.mean"), delay+serviceOf, 0),
			estimated("mean batch", "", metric("batch_size_mean"), 3.4956071, 0.0014, 20, 0),
			answer("mean batch, exact", "", metric("batch_size_mean"), size, 0),
			estimated("P(latency > 0.3 s)", "", latencies(0.3), 0.30708862, 0.00014, 20, 0),
		}}
}
