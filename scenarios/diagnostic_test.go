package scenarios

import (
	"fmt"
	"strings"
	"testing"
)

// change replaces one text of the plain scenario, which must be there.
func change(t *testing.T, pairs ...string) string {
	t.Helper()
	text := plainScenario
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("the plain scenario has no %q", pairs[i])
		}
		text = strings.Replace(text, pairs[i], pairs[i+1], 1)
	}
	return text
}

// mistake is a change of the plain scenario and what must be said about it: where the offending text
// stands, the key, the message and the help.
type mistake struct {
	name      string
	old, new  string
	at        string // the text at the place that the diagnostic points to; "" is the whole file
	path      string
	message   string
	help      string
	asWarning bool
}

func mistakes() []mistake {
	const service, arrivals = "service: {time: 30ms}", "arrivals: {process: poisson, rate: 50/s}"
	const slo = "{metric: latency.p99, function: embed, max: 2s}"
	return []mistake{
		{name: "misspelt key", old: "horizon:", new: "horizn:", at: "horizn", path: "horizn", message: `unknown key "horizn"`,
			help: `did you mean "horizon"?`},
		{name: "key of another section", old: "cpu: 2", new: "arrivals: 2", at: "arrivals", path: "functions.embed.arrivals",
			message: `unknown key "arrivals"`, help: "key of a workload"},
		{name: "misspelt key of another section", old: "cpu: 2", new: "arivals: 2", at: "arivals",
			path: "functions.embed.arivals", message: "unknown key", help: `"arrivals"? It is a key of a workload`},
		{name: "key that nothing resembles", old: "name: plain", new: "zzzzqqqq: 1", at: "zzzzqqqq", path: "zzzzqqqq",
			message: "unknown key", help: "the keys of a scenario are simcap, name, seed"},
		{name: "duplicate key", old: "cpu: 2", new: "cpu: 2\n    cpu: 3", at: "cpu: 3", path: "functions.embed.cpu",
			message: "there twice; first in line 8"},
		{name: "limits that are a word", old: "platform: modal", new: "platform: {preset: modal, limits: nun}", at: "nun", path: "platform.limits",
			message: "where none, or limits {pending_sync"},
		{name: "missing key", old: "    function: embed\n", new: "", at: "name: web", path: "workloads.web",
			message: `the key "function" is missing in`, help: "for example `function: embed`"},
		{name: "no version", old: "simcap: 1\n", new: "", at: "name: plain", path: "", message: `the key "simcap" is missing in`},
		{name: "another version", old: "simcap: 1", new: "simcap: 2", at: "2", path: "simcap", message: "schema version"},
		{name: "no value", old: "horizon: 1h", new: "horizon:", at: "", path: "horizon", message: "no value, where a time"},
		{name: "not a time", old: "horizon: 1h", new: "horizon: 1 fortnight", at: "1 fortnight", path: "horizon",
			message: `"1 fortnight" is not a time`, help: "1h30m"},
		{name: "negative time", old: "horizon: 1h", new: "horizon: -1h", at: "-1h", path: "horizon", message: "negative"},
		{name: "time of centuries", old: "horizon: 1h", new: "horizon: 1e6d", at: "1e6d", path: "horizon", message: "not a time"},
		{name: "time of many hours", old: "horizon: 1h", new: "horizon: 999999h", at: "999999h", path: "horizon",
			message: "longer than 100 years"},
		{name: "NaN", old: "cpu: 2", new: "cpu: .nan", at: ".nan", path: "functions.embed.cpu", message: "not a finite number"},
		{name: "infinity", old: "cpu: 2", new: "cpu: .inf", at: ".inf", path: "functions.embed.cpu", message: "not a finite"},
		{name: "huge number", old: "cpu: 2", new: "cpu: 1e300", at: "1e300", path: "functions.embed.cpu", message: "too large"},
		{name: "number that fills the memory", old: "cpu: 2", new: "cpu: 1e999999999", at: "1e999999999",
			path: "functions.embed.cpu", message: "power of ten"},
		{name: "list for a number", old: "cpu: 2", new: "cpu: [2]", at: "[2]", path: "functions.embed.cpu",
			message: "a list, where a number is expected"},
		{name: "fraction for a count", old: "max_containers: 20", new: "max_containers: 2.5", at: "2.5",
			path: "functions.embed.max_containers", message: "not a whole number"},
		{name: "text for a switch", old: "cpu: 2", new: "single_use_containers: yes", at: "yes",
			path: "functions.embed.single_use_containers", message: "where true or false is expected"},
		{name: "wrong memory", old: "memory: 16GiB", new: "memory: 16Gb", at: "16Gb", path: "functions.embed.memory",
			message: "not an amount of memory", help: "16GiB"},
		{name: "wrong rate", old: "rate: 50/s", new: "rate: 50/fortnight", at: "50/fortnight", path: "workloads.web.arrivals.rate",
			message: `"fortnight" is not a unit of time`, help: "3000/min"},
		{name: "unknown preset", old: "platform: modal", new: "platform: modl", at: "modl", path: "platform",
			message: `no preset "modl"`, help: `"modal"`},
		{name: "unknown routing", old: "platform: modal", new: "platform: {routing: oldst}", at: "oldst", path: "platform.routing",
			message: "no routing policy", help: `"oldest"`},
		{name: "unknown plan", old: "platform: modal", new: "workspace: {plan: gold}", at: "gold", path: "workspace.plan",
			message: `no plan "gold"`, help: "starter, team"},
		{name: "unknown GPU", old: "gpu: L40S", new: "gpu: L40X", at: "L40X", path: "functions.embed.gpu", message: "no price",
			help: `"L40S"`},
		{name: "too many GPUs", old: "gpu: L40S", new: "gpu: L40S:16", at: "L40S:16", path: "functions.embed.gpu",
			message: "between 1 and 8"},
		{name: "no count of GPUs", old: "gpu: L40S", new: "gpu: L40S:many", at: "L40S:many", path: "functions.embed.gpu",
			message: "is not a GPU", help: "H100:2"},
		{name: "name with a dot", old: "name: web", new: "name: we.b", at: "we.b", path: "workloads.we.b.name",
			message: "cannot be a name"},
		{name: "min above max", old: "max_containers: 20", new: "max_containers: 20\n    min_containers: 30", at: "30",
			path: "functions.embed.min_containers", message: "min_containers (30) is more than max_containers (20)"},
		{name: "min above the cap", old: "max_containers: 20", new: "min_containers: 5000", at: "5000",
			path: "functions.embed.min_containers", message: "more than the platform's cap of 4000"},
		{name: "target above max", old: "cpu: 2", new: "concurrent: {max_inputs: 2, target_inputs: 3}", at: "3}",
			path: "functions.embed.concurrent.target_inputs", message: "target_inputs (3) is more than max_inputs (2)"},
		{name: "no slot", old: "cpu: 2", new: "concurrent: {max_inputs: 0}", at: "0}", path: "functions.embed.concurrent.max_inputs",
			message: "must be between 1 and"},
		{name: "no time to execute", old: "cpu: 2", new: "timeout: 0", at: "0", path: "functions.embed.timeout",
			message: "must be more than 0"},
		{name: "start that takes too long", old: "cold_start: 8s", new: "cold_start: 8s\n    startup_timeout: 5s", at: "8s",
			path: "functions.embed.cold_start", message: "no container could ever start", help: "raise startup_timeout"},
		{name: "start that takes too long in stages", old: "cold_start: 8s",
			new: "cold_start: {stages: [{name: a, time: 3s}, {name: b, time: {dist: uniform, min: 3s, max: 9s}}]}\n    startup_timeout: 5s",
			at:  "cold_start", path: "functions.embed.cold_start", message: "at least 6 s"},
		{name: "list as a cold start", old: "cold_start: 8s", new: "cold_start: [8s]", at: "[8s]", path: "functions.embed.cold_start",
			message: "a list, where a time or a mapping is expected", help: "stages"},
		{name: "two stages of one name", old: "cold_start: 8s",
			new: "cold_start: {stages: [{name: boot, time: 1s}, {name: boot, time: 2s}]}", at: "boot, time: 2s",
			path: "functions.embed.cold_start.stages[1].name", message: `a second stage is named "boot"`},
		{name: "stage without a time", old: "cold_start: 8s", new: "cold_start: {stages: [{name: boot}]}", at: "{name: boot}",
			path: "functions.embed.cold_start.stages[0]", message: `the key "time" is missing in`},
		{name: "snapshot without stages", old: "cold_start: 8s", new: "cold_start: {stages: [], snapshot: {after: 3}}",
			at: "snapshot", path: "functions.embed.cold_start.snapshot", message: `the key "stages" is missing in`},
		{name: "update that contradicts", old: "cpu: 2",
			new: "updates: [{at: 30m, min_containers: 25}, {at: 40m, max_containers: 30}]", at: "{at: 30m",
			path: "functions.embed.updates[0]", message: "min_containers (25) more than max_containers (20)",
			help: "change both in one update"},
		{name: "update that contradicts another's", old: "cpu: 2",
			new: "updates: [{at: 10m, every: 20m, min_containers: 8}, {at: 40m, max_containers: 5}]", at: "{at: 40m",
			path: "functions.embed.updates[1]", message: "at 2400 s"},
		{name: "update without an instant", old: "cpu: 2", new: "updates: [{min_containers: 2}]", at: "{min_containers: 2}",
			path: "functions.embed.updates[0]", message: `the key "at" is missing in`},
		{name: "update that changes nothing", old: "cpu: 2", new: "updates: [{at: 30m}]", at: "{at: 30m}",
			path: "functions.embed.updates[0]", message: "changes nothing", asWarning: true},
		{name: "update beyond the platform's cap", old: "cpu: 2", new: "updates: [{at: 1m, min_containers: 4001}]", at: "4001",
			path: "functions.embed.updates[0].min_containers", message: "more than the platform's cap of 4000"},
		{name: "deploy after the end", old: "cpu: 2", new: "deploys: [{at: 61m}]", at: "61m",
			path: "functions.embed.deploys[0].at", message: "after the horizon", asWarning: true},
		{name: "unknown strategy", old: "cpu: 2", new: "deploys: [{at: 1m, strategy: roling}]", at: "roling",
			path: "functions.embed.deploys[0].strategy", message: "no strategy", help: `"rolling"`},
		{name: "workload of no function", old: "function: embed\n    arr", new: "function: embd\n    arr", at: "embd",
			path: "workloads.web.function", message: `no function "embd"`, help: `"embed"`},
		{name: "two workloads of one name", old: "workloads:\n", new: "workloads:\n  - {name: web, function: embed, arrivals: {process: once}}\n",
			at: "web\n", path: "workloads.web.name", message: "a second workload"},
		{name: "unknown method", old: "function: embed\n    arr", new: "function: embed\n    method: remot\n    arr", at: "remot",
			path: "workloads.web.method", message: "no method", help: `"remote"`},
		{name: "inputs of a single call", old: "function: embed\n    arr", new: "function: embed\n    inputs: 5\n    arr", at: "5",
			path: "workloads.web.inputs", message: "a call of method remote has one input", help: "map, starmap or spawn_map"},
		{name: "unknown process", old: arrivals, new: "arrivals: {process: possion, rate: 50/s}", at: "possion",
			path: "workloads.web.arrivals.process", message: `no arrival process "possion"`, help: `"poisson"`},
		{name: "no process", old: arrivals, new: "arrivals: {rate: 50/s}", at: "{rate", path: "workloads.web.arrivals",
			message: `the key "process" is missing in`, help: "poisson, constant"},
		{name: "arrivals that are no mapping", old: arrivals, new: "arrivals: 50/s", at: "50/s", path: "workloads.web.arrivals",
			message: "a mapping, for example"},
		{name: "key of another process", old: arrivals, new: "arrivals: {process: poisson, rate: 1, clients: 3}", at: "clients",
			path: "workloads.web.arrivals.clients", message: "unknown key", help: "arrivals of process closed"},
		{name: "rate left out", old: arrivals, new: "arrivals: {process: poisson}", at: "arrivals", path: "workloads.web.arrivals",
			message: `the key "rate" is missing in`},
		{name: "arrivals without an end", old: "horizon: 1h\n", new: "", at: "arrivals", path: "workloads.web.arrivals",
			message: "never end", help: "set horizon"},
		{name: "clients without an end", old: "horizon: 1h\n", new: "", at: "arrivals", path: "workloads.web.arrivals",
			message: "never end"},
		{name: "groups of a closed process", old: arrivals, new: "arrivals: {process: closed, clients: 2, think: 1s, group: 2}",
			at: "2}", path: "workloads.web.arrivals.group", message: "one call at a time"},
		{name: "process that stops before it starts", old: arrivals,
			new: "arrivals: {process: poisson, rate: 1, start: 30m, stop: 20m}", at: "20m", path: "workloads.web.arrivals.stop",
			message: "stops (1200 s) before it starts (1800 s)"},
		{name: "point that is no pair", old: arrivals, new: "arrivals: {process: piecewise, points: [[0s, 1/s, 2]]}",
			at: "[0s, 1/s, 2]", path: "workloads.web.arrivals.points[0]", message: "a pair [time, rate]"},
		{name: "trace that is not there", old: arrivals, new: "arrivals: {process: trace, file: nowhere.csv}", at: "nowhere.csv",
			path: "workloads.web.arrivals.file", message: "nowhere.csv"},
		{name: "unknown trace format", old: arrivals, new: "arrivals: {process: trace, file: a.csv, format: azure_lm}",
			at: "azure_lm", path: "workloads.web.arrivals.format", message: "no trace format", help: `"azure_llm"`},
		{name: "unknown distribution", old: service, new: "service: {time: {dist: lognorml, mean: 1, cv: 1}}", at: "lognorml",
			path: "functions.embed.service.time.dist", message: "no distribution", help: `"lognormal"`},
		{name: "distribution without a kind", old: service, new: "service: {time: {mean: 1s}}", at: "{mean: 1s}",
			path: "functions.embed.service.time", message: `the key "dist" is missing in`},
		{name: "key of another distribution", old: service, new: "service: {time: {dist: exponential, mean: 1s, cv: 1}}",
			at: "cv: 1", path: "functions.embed.service.time.cv", message: "unknown key"},
		{name: "parameters that cannot be", old: service, new: "service: {time: {dist: uniform, min: 3s, max: 2s}}",
			path: "functions.embed.service.time.min", at: "3s", message: "min"},
		{name: "quantiles that fall", old: service, new: "service: {time: {dist: quantiles, p50: 3s, p99: 2s}}",
			path: "functions.embed.service.time.p99", at: "2s}", message: "p99 is below p50"},
		{name: "no quantile", old: service, new: "service: {time: {dist: quantiles, p5x: 3s, p99: 2s}}", at: "p5x",
			path: "functions.embed.service.time.p5x", message: `"p5x" is not a quantile`},
		{name: "part without a weight", old: service,
			new: "service: {time: {dist: mixture, parts: [{dist: exponential, mean: 1s}]}}", at: "{dist: exponential",
			path: "functions.embed.service.time.parts[0]", message: `the key "weight" is missing in`},
		{name: "truncation that keeps nothing", old: service,
			new: "service: {time: {dist: exponential, mean: 1s, min: 1000s}}", at: "1000s",
			path: "functions.embed.service.time.min", message: "keep less than"},
		{name: "values and file", old: service, new: "service: {time: {dist: empirical, values: [1s], file: a.txt}}", at: "a.txt",
			path: "functions.embed.service.time.file", message: "not both"},
		{name: "curve without points", old: service, new: "service: {time: 1s, concurrency: {points: {}}}", at: "{}",
			path: "functions.embed.service.concurrency.points", message: "at least one point"},
		{name: "curve at half an input", old: service, new: "service: {time: 1s, concurrency: {points: {1.5: 1s}}}", at: "1.5",
			path: "functions.embed.service.concurrency.points.1.5", message: "not a whole number"},
		{name: "curve at zero", old: service, new: "service: {time: 1s, concurrency: {points: {0: 1s}}}", at: "concurrency",
			path: "functions.embed.service.concurrency", message: "must be at 1 or above"},
		{name: "batch curve that falls below zero", old: service,
			new: "batched: {max_batch_size: 8}\n    service: {batch: {points: {1: 40ms, 2: 30ms}}}", at: "batch:",
			path: "functions.embed.service.batch", message: "falls to -0.03 s at 8: add a point"},
		{name: "speed without end", old: service,
			new: "concurrent: {max_inputs: 8}\n    service: {time: 1s, concurrency: {points: {1: 4s, 2: 3s}}}", at: "concurrency",
			path: "functions.embed.service.concurrency", message: "falls to -3 s at 8: add a point"},
		{name: "batch without a curve", old: service, new: "batched: {max_batch_size: 8}\n    service: {batch: {units: sum}}",
			at: "batch", path: "functions.embed.service.batch", message: "needs points, or base and per_input"},
		{name: "two batch curves", old: service,
			new: "batched: {max_batch_size: 8}\n    service: {batch: {points: {1: 1s}, base: 1s}}", at: "batch",
			path: "functions.embed.service.batch", message: "points, or base and per_input, not both"},
		{name: "batch size left out", old: service, new: "batched: {wait_ms: 8}", at: "batched", path: "functions.embed.batched",
			message: `the key "max_batch_size" is missing in`},
		{name: "batch curve without batches", old: service, new: "service: {batch: {points: {1: 1s}}}", at: "batch",
			path: "functions.embed.service.batch", message: "no effect without batched", asWarning: true},
		{name: "concurrency of single use", old: "cpu: 2", new: "concurrent: {max_inputs: 2}\n    single_use_containers: true", at: "2}",
			path: "functions.embed.concurrent.max_inputs", message: "no effect", asWarning: true},
		{name: "profile that is not there", old: service, new: "service: {profile: nowhere.yaml}", at: "nowhere.yaml",
			path: "functions.embed.service.profile", message: "nowhere.yaml", help: "relative"},
		{name: "calls between functions", old: "cpu: 2", new: "calls: [{function: b}]", at: "calls", path: "functions.embed.calls",
			message: "not supported by this version"},
		{name: "bucket that lets nothing through", old: "platform: modal", new: "platform: {limits: {rate_sync: 1/h}}", at: "1/h",
			path: "platform.limits.rate_sync", message: "nothing could ever pass", help: "limits.burst"},
		{name: "gain of zero", old: "platform: modal", new: "platform: {autoscaler: {gain: 0}}", at: "0}",
			path: "platform.autoscaler.gain", message: "must be more than 0"},
		{name: "none where there is no limit", old: "cpu: 2", new: "cpu: none", at: "none", path: "functions.embed.cpu",
			message: `"none" is not a number`},
		{name: "retries that shrink", old: "cpu: 2", new: "retries: {max_retries: 3, backoff_coefficient: 0.5}", at: "0.5",
			path: "functions.embed.retries.backoff_coefficient", message: "between 1 and 1000"},
		{name: "no attempt", old: "function: embed\n    arr", new: "function: embed\n    client: {retry: {max_attempts: 0}}\n    arr",
			at: "0}", path: "workloads.web.client.retry.max_attempts", message: "at least 1"},
		{name: "failures of everything and more", old: "cpu: 2", new: "failures: {rate: 120%}", at: "120%",
			path: "functions.embed.failures.rate", message: "between 0 and 1"},
		{name: "warm-up beyond the horizon", old: "horizon: 1h", new: "horizon: 1h\nwarmup: 2h", at: "2h", path: "warmup",
			message: "reaches the horizon"},
		{name: "replications that end before they begin", old: "name: plain", new: "replications: {min: 5, max: 3}", at: "5",
			path: "replications.min", message: "min (5) is more than max (3)"},
		{name: "no call", old: "rate: 50/s", new: "rate: 50/s, count: 0", at: "0}", path: "workloads.web.arrivals.count",
			message: "more than 0", help: "leave the key out"},
		{name: "no time to call", old: "rate: 50/s", new: "rate: 50/s, stop: 0s", at: "0s}", path: "workloads.web.arrivals.stop",
			message: "more than 0", help: "leave the key out"},
		{name: "no time at all", old: "horizon: 1h", new: "horizon: 0s", at: "0s", path: "horizon", message: "more than 0"},
		{name: "no replication", old: "name: plain", new: "replications: 0", at: "0", path: "replications",
			message: "at least one replication"},
		{name: "unknown metric", old: slo, new: "{metric: latency.p98, max: 1s}", at: "latency.p98", path: "slo[0].metric",
			message: "no metric", help: "latency.p9"},
		{name: "objective in the wrong unit", old: slo, new: "{metric: latency.p99, max: 2 USD}", at: "2 USD", path: "slo[0].max",
			message: "not a time"},
		{name: "objective about nothing", old: slo, new: "{metric: latency.p99}", at: "{metric", path: "slo[0]",
			message: "needs max, min or both"},
		{name: "objective about an unknown function", old: slo, new: "{metric: latency.p99, function: embd, max: 1s}", at: "embd",
			path: "slo[0].function", message: "no function", help: `"embed"`},
		{name: "objective about an unknown workload", old: slo, new: "{metric: latency.p99, workload: wob, max: 1s}", at: "wob",
			path: "slo[0].workload", message: "no workload", help: `"web"`},
		{name: "cost of a workload", old: slo, new: "{metric: cost.total, workload: web, max: 1}", at: "cost.total",
			path: "slo[0].metric", message: "no cost of its own"},
		{name: "objective with crossed bounds", old: slo, new: "{metric: latency.p99, min: 3s, max: 1s}", at: "3s", path: "slo[0].min",
			message: "min is more than max"},
		{name: "axis with a wrong value", old: "slo:", new: "sweep: {functions.embed.min_containers: [1, x]}\nslo:", at: "x]",
			path: "sweep.functions.embed.min_containers", message: `with "x": "x" is not a number`},
		{name: "axis of an unknown key", old: "slo:", new: "sweep: {functions.embed.min_contaners: [1]}\nslo:", at: "min_contaners: [1",
			path: "sweep.functions.embed.min_contaners", message: `unknown key "min_contaners"`, help: `did you mean "min_containers"?`},
		{name: "axis of a key that is near none", old: "slo:", new: "sweep: {'functions.embed.nope': [1]}\nslo:", at: "nope'",
			path: "sweep.functions.embed.nope", message: `unknown key "nope"`, help: "choose one of gpu, cpu, memory"},
		{name: "axis of a section's unknown key", old: "slo:", new: "plan: {search: {platform.nme: [1]}}\nslo:", at: "nme:",
			path: "plan.search.platform.nme", message: `unknown key "nme"`, help: "choose one of preset"},
		{name: "axis of every function", old: "slo:", new: "sweep: {functions.*.min_containers: [1]}\nslo:", at: "*.min",
			path: "sweep.functions.*.min_containers", message: `no function "*"`, help: "* does not stand for all"},
		{name: "axis of every workload", old: "slo:", new: "sweep: {'workloads[*].arrivals.rate': [1]}\nslo:", at: "*].arr",
			path: "sweep.workloads[*].arrivals.rate", message: `no element "*"`, help: "choose one of web"},
		{name: "axis that goes backwards", old: "slo:", new: "sweep: {seed: {from: 5, to: 1}}\nslo:", at: "{from", path: "sweep.seed",
			message: "begins behind its end"},
		{name: "axis without values", old: "slo:", new: "plan: {search: {seed: []}}\nslo:", at: "[]", path: "plan.search.seed",
			message: "a list of values"},
		{name: "stage that is nearly one that is not billed", old: "cold_start: 8s", new: "cold_start: {stages: [{name: shedule, time: 1s}]}",
			at: "shedule", path: "functions.embed.cold_start.stages[0].name", message: "is billed", help: `did you mean "schedule"?`,
			asWarning: true},
		{name: "inputs that all take longer than the timeout", old: "service: {time: 30ms}", new: "timeout: 1s\n    startup_timeout: 1m\n    service: {time: {dist: uniform, min: 2s, max: 3s}}",
			at: "1s", path: "functions.embed.timeout", message: "longer than the timeout of 1 s", help: "raise timeout", asWarning: true},
		{name: "tabs", old: "  embed:\n", new: "\tembed:\n", at: "\tembed", message: "not YAML", help: "spaces, not with tabs"},
		{name: "open bracket", old: "rate: 50/s}", new: "rate: 50/s", at: ":\n", message: "not YAML"},
		{name: "function that is no mapping", old: "functions:\n  embed:", new: "functions:\n  other: 3\n  embed:", at: "3",
			path: "functions.other", message: "where a function {gpu, cpu, memory, region, ...} is expected"},
	}
}

func TestMistakes(t *testing.T) {
	for _, m := range mistakes() {
		t.Run(m.name, func(t *testing.T) {
			text := change(t, m.old, m.new)
			if m.name == "clients without an end" {
				text = strings.Replace(text, "process: poisson, rate: 50/s", "process: closed, clients: 2, think: 1s", 1)
			}
			s, ds := Load("file.yaml", []byte(text), Options{})
			if (s == nil) == m.asWarning {
				t.Errorf("scenario %v, warning %v", s != nil, m.asWarning)
			}
			if len(ds) != 1 {
				t.Fatalf("%d diagnostics, want 1:\n%s", len(ds), ds.Text(false))
			}
			d := ds[0]
			if d.Path != m.path || !strings.Contains(d.Message, m.message) || !strings.Contains(d.Help, m.help) {
				t.Errorf("want path %q, message %q, help %q, got\n%s", m.path, m.message, m.help, ds.Text(false))
			}
			if d.Severity == Warning != m.asWarning {
				t.Errorf("severity %s", d.Severity)
			}
			if m.at != "" && !strings.HasPrefix(textAt(text, d.Line, d.Column), m.at) {
				t.Errorf("points to %.20q, want %q:\n%s", textAt(text, d.Line, d.Column), m.at, ds.Text(false))
			}
		})
	}
}

// textAt is the text that begins at a line and column, both from 1.
func textAt(text string, line, column int) string {
	lines := strings.SplitAfter(text, "\n")
	if line < 1 || line > len(lines) || column < 1 {
		return ""
	}
	rest := []rune(strings.Join(lines[line-1:], ""))
	return string(rest[min(column-1, len(rest)):])
}

func TestThePlainScenarioIsGood(t *testing.T) {
	if _, ds := Load("plain.yaml", []byte(plainScenario), Options{}); len(ds) > 0 {
		t.Error(ds.Text(false))
	}
}

// All errors of a file come at once, in its order, with excerpt and caret.
func TestDiagnosticsAreReadable(t *testing.T) {
	text := change(t, "horizon: 1h", "horizn: 1h", "cpu: 2", "cpu: two", "rate: 50/s", "rate: -1", "max: 2s", "max: 2 miles")
	_, ds := Load("file.yaml", []byte(text), Options{})
	want := `file.yaml:3:1: error: unknown key "horizn"
  2 | name: plain
  3 | horizn: 1h
    | ^^^^^^
  help: did you mean "horizon"?
  in:   horizn
file.yaml:8:10: error: "two" is not a number
  7 |     gpu: L40S
  8 |     cpu: two
    |          ^^^
  help: write a plain number, for example 2, 0.5 or 1e6
  in:   functions.embed.cpu
file.yaml:16:40: error: "-1" is negative, where a rate of 0 or more is expected
  15 |     function: embed
  16 |     arrivals: {process: poisson, rate: -1}
     |                                        ^^
  in:   workloads.web.arrivals.rate
file.yaml:18:49: error: "2 miles" is not a time
  17 | slo:
  18 |   - {metric: latency.p99, function: embed, max: 2 miles}
     |                                                 ^^^^^^^
  help: write seconds or a number with a unit (ns, us, ms, s, m, h, d): 250ms, 90s, 1h30m
  in:   slo[0].max
`
	if got := ds.Text(false); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if colored := ds.Text(true); !strings.Contains(colored, "\x1b[") || !strings.Contains(colored, plain) {
		t.Error("no colours where they were asked for")
	}
}

func TestFilesThatAreNoScenarios(t *testing.T) {
	bomb := "a: &a [1,1,1,1,1,1,1,1,1]\n"
	for i := range 12 {
		bomb += fmt.Sprintf("%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c]\n", 'b'+i, 'b'+i, 'a'+i, 'a'+i, 'a'+i, 'a'+i, 'a'+i, 'a'+i)
	}
	mixtures := "x: &x0 {dist: exponential, mean: 1s, weight: 1}\n"
	for i := range 12 {
		mixtures += fmt.Sprintf("y%d: &x%d {dist: mixture, weight: 1, parts: [*x%d, *x%d, *x%d, *x%d]}\n", i, i+1, i, i, i, i)
	}
	mixtures += strings.Replace(plainScenario, "time: 30ms", "time: *x12", 1)
	for _, c := range []struct{ name, text, message string }{
		{"empty", "", "the file is empty"},
		{"blank", " \n\n", "the file is empty"},
		{"a comment", "# nothing\n", "the file is empty"},
		{"null", "~\n", "a scenario is a mapping"},
		{"a number", "3\n", "a scenario is a mapping"},
		{"a list", "- a\n", "a scenario is a mapping"},
		{"binary", "\x7fELF\x00\x01", "not a text file"},
		{"latin-1", "name: caf\xe9\n", "not a text file"},
		{"two documents", "simcap: 1\n---\nsimcap: 1\n", "several YAML documents"},
		{"large", strings.Repeat("# comment\n", LargestFile/8), "MB"},
		{"deep", strings.Repeat("[", 100_000), "not YAML"},
		{"a bomb", bomb, "unknown key"},
		{"a bomb of mixtures", mixtures, "aliases"},
		{"a cycle", strings.Replace(plainScenario, "service: {time: 30ms}", "service: &s {time: *s}", 1), ""},
		{"a mixture of itself", strings.Replace(plainScenario, "{time: 30ms}",
			"{time: &m {dist: mixture, parts: [{weight: 1, dist: exponential, mean: 1}, *m]}}", 1), ""},
		{"a merge of itself", "simcap: 1\nfunctions: &f\n  <<: *f\n", ""},
		{"an unknown alias", "simcap: *nothing\n", "unknown anchor"},
		{"key that is a list", "[a, b]: 3\n", "where a key is expected"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, ds := Load("file.yaml", []byte(c.text), Options{})
			if s != nil || !ds.Failed() {
				t.Fatal("taken for a scenario")
			}
			if !strings.Contains(ds.Text(false), c.message) {
				t.Errorf("want %q in\n%.2000s", c.message, ds.Text(false))
			}
			if n := len(ds.Text(false)); n > 1<<20 {
				t.Errorf("%d bytes of diagnostics", n)
			}
		})
	}
}

// A key that is missing is told once, and not also for what it would have held.
func TestMissingKeysAreToldOnce(t *testing.T) {
	for text, want := range map[string]int{"simcap: 1\n": 2, "simcap: 1\nworkloads: []\n": 1, "simcap: 1\nfunctions: {}\nworkloads: []\n": 1} {
		if _, ds := Load("file.yaml", []byte(text), Options{}); len(ds) != want {
			t.Errorf("%q: %d diagnostics, want %d\n%s", text, len(ds), want, ds.Text(false))
		}
	}
}

// FuzzLoad looks for texts that make the loader panic or hang, and holds every diagnostic against the
// text: the place exists, and the message is not empty.
func FuzzLoad(f *testing.F) {
	f.Add([]byte(plainScenario))
	f.Add(Reference())
	f.Add([]byte(strings.Replace(plainScenario, "\n    service", "\n\r\r\u2028\r\n    tme", 1)))
	for _, e := range Examples() {
		f.Add(e.Text)
	}
	for _, m := range mistakes() {
		f.Add([]byte(strings.Replace(plainScenario, m.old, m.new, 1)))
	}
	for _, m := range engineMistakes() {
		f.Add([]byte(strings.Replace(engineScenario, m.old, m.new, 1)))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s, ds := Load("file.yaml", text, ExampleOptions())
		if (s == nil) != ds.Failed() {
			t.Fatalf("scenario %v, diagnostics\n%s", s != nil, ds.Text(false))
		}
		lines := len(splitLines(string(text)))
		for _, d := range ds {
			if d.Message == "" || d.File == "file.yaml" && (d.Line > lines || d.Line > 0 && d.Column < 1) {
				t.Fatalf("diagnostic %+v", d)
			}
		}
	})
}
