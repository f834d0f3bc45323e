package experiment_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/simcap/simcap/experiment"
)

// queueText is an M/M/c queue as a scenario: exponential service of mean 100 ms.
func queueText(containers int, rate, horizonS, warmupS float64, replications string) string {
	return fmt.Sprintf(`simcap: 1
horizon: %gs
warmup: %gs
replications: %s
platform: none
functions:
  f:
    min_containers: %d
    max_containers: %d
    service: {time: {dist: exponential, mean: 100ms}}
workloads:
  - {name: w, function: f, arrivals: {process: poisson, rate: %g/s}}
`, horizonS, warmupS, replications, containers, containers, rate)
}

// mmc are the exact values of an M/M/c queue: mean time in system, share of time that a server is busy,
// mean number waiting, and quantiles of the time in system (Gross and Harris: Queueing Theory, 2.3).
type mmc struct{ lambda, mu, c, wait float64 }

func newMMC(containers int, lambda, mu float64) mmc {
	c, offered := float64(containers), lambda/mu
	blocking := 1.0 // Erlang B by its recursion
	for k := 1.0; k <= c; k++ {
		blocking = offered * blocking / (k + offered*blocking)
	}
	return mmc{lambda, mu, c, blocking / (1 - offered/c*(1-blocking))}
}

func (q mmc) mean() float64 { return 1/q.mu + q.wait/(q.c*q.mu-q.lambda) }

func (q mmc) waiting() float64 { return q.lambda * q.wait / (q.c*q.mu - q.lambda) }

func (q mmc) busy() float64 { return q.lambda / (q.c * q.mu) }

// beyond is the probability that an input takes longer than t: it waits with probability wait, then
// exponentially at rate cμ - λ, and is served at rate μ.
func (q mmc) beyond(t float64) float64 {
	theta := q.c*q.mu - q.lambda
	if q.c == 1 { // waiting and service together are exponential
		return math.Exp(-theta * t)
	}
	served := math.Exp(-q.mu * t)
	both := (theta*served - q.mu*math.Exp(-theta*t)) / (theta - q.mu)
	return (1-q.wait)*served + q.wait*both
}

func (q mmc) quantile(p float64) float64 {
	low, high := 0.0, 1e4
	for range 200 {
		if middle := (low + high) / 2; q.beyond(middle) > 1-p {
			low = middle
		} else {
			high = middle
		}
	}
	return low
}

// coverage counts how often intervals hold the truth.
type coverage struct {
	names       []string
	truth       map[string]float64
	hits, tries map[string]int
}

func (q mmc) coverage(metrics ...string) *coverage {
	all := map[string]float64{"latency.mean": q.mean(), "latency.p50": q.quantile(0.5),
		"latency.p90": q.quantile(0.9), "latency.p99": q.quantile(0.99), "utilization": q.busy(),
		"queue_mean": q.waiting(), "throughput": q.lambda}
	return &coverage{metrics, all, map[string]int{}, map[string]int{}}
}

// see takes the intervals of a result: over replications, or of the lone one.
func (c *coverage) see(t *testing.T, r *experiment.Result) {
	t.Helper()
	for _, name := range c.names {
		e, ok := r.Metric(name, "", "")
		low, high := e.Low, e.High
		if e.Within != nil {
			low, high = &e.Within.Low, &e.Within.High
		}
		if !ok || low == nil {
			t.Fatalf("%s has no interval", name)
		}
		c.tries[name]++
		if *low <= c.truth[name] && c.truth[name] <= *high {
			c.hits[name]++
		}
	}
}

// expect wants the share of hits within bounds.
func (c *coverage) expect(t *testing.T, least, most float64) {
	t.Helper()
	for _, name := range c.names {
		share := float64(c.hits[name]) / float64(c.tries[name])
		t.Logf("%s: %.1f %% of %d", name, 100*share, c.tries[name])
		if share < least || share > most {
			t.Errorf("the 95 %% interval of %s holds the true %.4g in %.1f %% of %d runs, want %.0f to %.0f %%", name,
				c.truth[name], 100*share, c.tries[name], 100*least, 100*most)
		}
	}
}

// eachSeed runs the text with the seeds 1 to n.
func (c *coverage) eachSeed(t *testing.T, text string, n int) {
	t.Helper()
	s := load(t, text)
	for seed := range n {
		own := *s
		own.Seed = uint64(seed + 1)
		r, err := experiment.Run(context.Background(), &own, experiment.Options{})
		if err != nil {
			t.Fatal(err)
		}
		c.see(t, r)
	}
}

// long says whether tests may take minutes.
func long() bool { return os.Getenv("SIMCAP_LONG_TESTS") != "" }

// TestCoverage: over 1,000 seeds the 95 % intervals of an M/M/3 queue of utilisation 0.7 hold the exact
// values in 93 to 97 % of the cases.
func TestCoverage(t *testing.T) {
	if testing.Short() {
		t.Skip("simulates 18 million inputs")
	}
	c := newMMC(3, 21, 10).coverage("latency.mean", "latency.p50", "latency.p90", "latency.p99", "utilization",
		"queue_mean", "throughput")
	c.eachSeed(t, queueText(3, 21, 170, 20, "5"), 1000)
	c.expect(t, 0.93, 0.97)
}

// TestCoverageUnderLoad is about an M/M/1 queue of utilisation 0.9. By default it takes 100 seeds, which
// tell 95 % from 89 %; with SIMCAP_LONG_TESTS=1 a thousand. Package stats has the same queue, and the
// thousand seeds, without the simulator.
func TestCoverageUnderLoad(t *testing.T) {
	if testing.Short() {
		t.Skip("simulates 25 million inputs")
	}
	seeds, least, most := 100, 0.89, 1.0
	if long() {
		seeds, least, most = 1000, 0.93, 0.97
	}
	c := newMMC(1, 9, 10).coverage("latency.mean", "latency.p50", "latency.p99", "utilization", "queue_mean")
	c.eachSeed(t, queueText(1, 9, 3600, 220, "8"), seeds)
	c.expect(t, least, most)
}

// TestCoverageOfOneRun: the batch-means intervals of a lone replication hold as well.
func TestCoverageOfOneRun(t *testing.T) {
	if testing.Short() {
		t.Skip("simulates 15 million inputs")
	}
	c := newMMC(2, 14, 10).coverage("latency.mean", "latency.p50", "latency.p99", "utilization", "queue_mean")
	c.eachSeed(t, queueText(2, 14, 2100, 60, "1"), 500)
	c.expect(t, 0.93, 0.97)
}

// TestOneRunHasNoBounds: one replication has null bounds in the JSON, intervals of its own beside them, and
// a note that says so.
func TestOneRunHasNoBounds(t *testing.T) {
	r := run(t, queueText(2, 14, 2000, 60, "1"), experiment.Options{Detail: true})
	p99 := r.Total.LatencyS.P99
	if p99.Low != nil || p99.High != nil || p99.Within == nil {
		t.Fatalf("p99 is %+v", p99)
	}
	if p99.Within.Low > *p99.Value || p99.Within.High < *p99.Value || p99.Within.Batches < 16 {
		t.Errorf("p99 is %v within %+v", *p99.Value, *p99.Within)
	}
	if kept := r.Detail.Within["functions.f"]["latency.p99"]; kept != *p99.Within {
		t.Errorf("the detail says %+v, the estimate %+v", kept, *p99.Within)
	}
	if !strings.Contains(asJSON(t, r.Total.LatencyS.P99), `"low":null,"high":null}`) {
		t.Errorf("p99 is written as %s", asJSON(t, r.Total.LatencyS.P99))
	}
	if len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "batch means") {
		t.Errorf("notes: %q", r.Notes)
	}
	several := run(t, queueText(2, 14, 1000, 60, "2"), experiment.Options{Detail: true})
	if several.Total.LatencyS.P99.Within != nil || several.Detail.Within != nil {
		t.Error("several replications have intervals of one")
	}
}

// TestWorkersDoNotMatter: one core and many give the same bytes, with a fixed number of replications, with
// a precision, and with a warm-up that is found.
func TestWorkersDoNotMatter(t *testing.T) {
	for _, text := range []string{
		queueText(2, 14, 300, 30, "7"),
		queueText(2, 14, 300, 30, "{min: 3, max: 40, precision: 10%, metric: latency.mean}"),
		strings.Replace(queueText(2, 14, 300, 30, "7"), "warmup: 30s", "warmup: auto", 1),
	} {
		want := asJSON(t, run(t, text, experiment.Options{Workers: 1, Detail: true}))
		for _, workers := range []int{2, 5} {
			if asJSON(t, run(t, text, experiment.Options{Workers: workers, Detail: true})) != want {
				t.Errorf("%d workers say otherwise than one", workers)
			}
		}
	}
}

// TestPrecision stops as soon as the interval is narrow enough, and says where it could not.
func TestPrecision(t *testing.T) {
	r := run(t, queueText(2, 16, 300, 30, "{min: 3, max: 200, precision: 4%, metric: latency.mean}"),
		experiment.Options{})
	e := r.Total.LatencyS.Mean
	half := (*e.High - *e.Low) / 2 / *e.Value
	if half > 0.04 || half < 0.02 || r.Replications <= 3 || r.Replications == 200 {
		t.Errorf("±%.3f after %d replications", half, r.Replications)
	}
	if !strings.Contains(strings.Join(r.Notes, "; "), "was reached") {
		t.Errorf("notes: %q", r.Notes)
	}
	r = run(t, queueText(2, 16, 300, 30, "{min: 3, max: 6, precision: 0.1%}"), experiment.Options{})
	if r.Replications != 6 || !strings.Contains(strings.Join(r.Notes, "; "), "was not reached") {
		t.Errorf("%d replications, notes %q", r.Replications, r.Notes)
	}
}

// TestReplicateIsWhatRunJoins: replications on their own have the values that the interval is made of.
func TestReplicateIsWhatRunJoins(t *testing.T) {
	s := load(t, strings.Replace(queueText(2, 14, 300, 30, "3"), "warmup: 30s", "warmup: auto", 1))
	joined, err := experiment.Run(context.Background(), s, experiment.Options{})
	if err != nil {
		t.Fatal(err)
	}
	settled, err := experiment.Settled(context.Background(), s, experiment.Options{})
	if err != nil || settled.Model.Warmup.Seconds() != joined.WarmupS {
		t.Fatalf("warm-up %v (%v), want %v s", settled.Model.Warmup, err, joined.WarmupS)
	}
	sum := 0.0
	for n := 1; n <= 3; n++ {
		of := s
		if n > 1 {
			of = settled
		}
		r, err := experiment.Replicate(context.Background(), of, n, experiment.Options{})
		if err != nil {
			t.Fatal(err)
		}
		e, _ := r.Metric("utilization", "f", "")
		sum += *e.Value / 3
	}
	if got := *joined.Functions["f"].Utilization.Value; math.Abs(got-sum) > 1e-12 {
		t.Errorf("the mean is %v, of the replications %v", got, sum)
	}
	if _, err := experiment.Replicate(context.Background(), s, 0, experiment.Options{}); err == nil {
		t.Error("there is a replication 0")
	}
}

// TestAutomaticWarmUp leaves out the time in which a backlog of cold starts is worked off, two minutes and
// then one more, and owns up to a queue that has no steady state.
func TestAutomaticWarmUp(t *testing.T) {
	cold := strings.Replace(queueText(3, 10, 6000, 1, "4"), "warmup: 1s", "warmup: auto", 1)
	cold = strings.Replace(cold, "min_containers: 3", "min_containers: 0\n    cold_start: 120s\n    scaledown_window: 1h", 1)
	r := run(t, cold, experiment.Options{})
	if r.WarmupS < 120 || r.WarmupS > 1000 {
		t.Errorf("the warm-up is %v s", r.WarmupS)
	}
	if mean := *r.Total.LatencyS.Mean.Value; mean > 0.15 {
		t.Errorf("the mean latency is %v s: the backlog is in it", mean)
	}
	if notes := strings.Join(r.Notes, "; "); !strings.Contains(notes, "MSER-5") {
		t.Errorf("notes: %q", notes)
	}
	overloaded := strings.Replace(queueText(1, 13, 1000, 1, "2"), "warmup: 1s", "warmup: auto", 1)
	if w := warnings(run(t, overloaded, experiment.Options{})); !strings.Contains(w, "found no steady state") {
		t.Errorf("warnings: %s", w)
	}
}

func warnings(r *experiment.Result) string { return strings.Join(r.Warnings, "\n") }

// TestOverloadIsMeasured: the excess over capacity is said, and right.
func TestOverloadIsMeasured(t *testing.T) {
	for _, excess := range []float64{0.05, 0.25, 2} {
		text := queueText(4, 40*(1+excess), 1000, 50, "2")
		check := func(what, text string, tolerance float64) {
			t.Helper()
			w := warnings(run(t, text, experiment.Options{}))
			_, after, ok := strings.Cut(w, "exceed capacity by ")
			number, _, _ := strings.Cut(after, " ")
			percent, err := strconv.ParseFloat(number, 64)
			if !ok || err != nil || math.Abs(percent/100-excess) > tolerance*(1+excess) {
				t.Errorf("%s, %.0f %% too much: %s", what, 100*excess, w)
			}
		}
		check("endless queue", text, 0.02)
		limited := strings.Replace(text, "platform: none", "platform: {preset: none, limits: {pending_sync: 50}}", 1)
		if excess > 0.1 {
			check("bounded queue", limited, 0.03)
		}
	}
	for _, rate := range []float64{20, 36, 38} {
		if w := warnings(run(t, queueText(4, rate, 1000, 50, "4"), experiment.Options{})); strings.Contains(w, "exceed") {
			t.Errorf("at %v/s of 40: %s", rate, w)
		}
	}
}

// TestTrend: a queue whose measurement begins before it has filled is told of; steady ones are not, but
// for a few false alarms in two hundred.
func TestTrend(t *testing.T) {
	if w := warnings(run(t, queueText(1, 9.9, 300, 0, "60"), experiment.Options{})); !strings.Contains(w, "f: the mean latency rises") {
		t.Errorf("a queue that fills: %q", w)
	}
	alarms := 0
	s := load(t, queueText(1, 8, 600, 60, "6"))
	for seed := range uint64(200) {
		own := *s
		own.Seed = seed
		r, err := experiment.Run(context.Background(), &own, experiment.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if w := warnings(r); strings.Contains(w, "rises") || strings.Contains(w, "falls") || strings.Contains(w, "exceed") {
			alarms++
		}
	}
	t.Logf("%d false alarms of 200", alarms)
	if alarms > 6 {
		t.Errorf("%d of 200 steady queues are said not to be", alarms)
	}
}

// TestWarnings: what else weakens results is told.
func TestWarnings(t *testing.T) {
	day := strings.Replace(queueText(2, 5, 600, 0, "2"), "{process: poisson, rate: 5/s}", "{process: diurnal, base: 1/s, peak: 9/s}", 1)
	curve := strings.Replace(queueText(1, 40, 600, 0, "2"), "service: {time: {dist: exponential, mean: 100ms}}",
		"batched: {max_batch_size: 8, wait_ms: 50}\n    service: {batch: {points: {1: 50ms, 4: 120ms}}}", 1)
	unused := strings.Replace(curve, "rate: 40/s", "rate: 1/s", 1)
	for _, c := range []struct{ text, want, not string }{
		{queueText(2, 5, 60, 0, "2"), "p99 needs 1,000", ""},
		{queueText(2, 5, 600, 0, "1"), "p99.9 needs 10,000", "p99 needs"},
		{queueText(3, 25, 600, 0, "1"), "", "needs"},
		{day, "shorter than a cycle of w's arrivals (24.0 h)", ""},
		{curve, "outside the range that service.batch was measured in (1 to 4)", ""},
		{unused, "", "outside the range"},
		{strings.Replace(queueText(2, 5, 50, 0, "2"), "min_containers: 2", "min_containers: 1", 1), "f's scaledown_window (60.0 s)", ""},
	} {
		w := warnings(run(t, c.text, experiment.Options{}))
		if !strings.Contains(w, c.want) || c.not != "" && strings.Contains(w, c.not) {
			t.Errorf("warnings %q, want %q and not %q, of\n%s", w, c.want, c.not, c.text)
		}
	}
}
