package experiment_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/model/workload"
)

func compare(t *testing.T, o experiment.Options, texts ...string) *experiment.Comparison {
	t.Helper()
	var contenders []experiment.Contender
	for i, text := range texts {
		contenders = append(contenders, experiment.Contender{Name: string(rune('a' + i)), Scenario: load(t, text)})
	}
	c, err := experiment.Compare(context.Background(), contenders, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func row(t *testing.T, c *experiment.Comparison, metric string) *experiment.ComparisonRow {
	t.Helper()
	for i := range c.Rows {
		if c.Rows[i].Metric == metric && c.Rows[i].Function+c.Rows[i].Workload == "" {
			return &c.Rows[i]
		}
	}
	t.Fatalf("no row of %s", metric)
	return nil
}

// TestComparisonOfEquals: a system does not differ from itself, on any number of workers.
func TestComparisonOfEquals(t *testing.T) {
	text := queueText(2, 14, 300, 30, "4")
	c := compare(t, experiment.Options{}, text, text)
	for i := range c.Rows {
		d := &c.Rows[i].Differences[1]
		if d.Absolute.Value == nil {
			continue
		}
		if *d.Absolute.Value != 0 || *d.Absolute.Low != 0 || *d.Absolute.High != 0 || !d.Noise {
			t.Errorf("%s differs by %v (%v to %v)", c.Rows[i].Metric, *d.Absolute.Value, *d.Absolute.Low, *d.Absolute.High)
		}
	}
	one := compare(t, experiment.Options{Workers: 1}, text, queueText(3, 14, 300, 30, "4"))
	two := compare(t, experiment.Options{Workers: 4}, text, queueText(3, 14, 300, 30, "4"))
	if asJSON(t, one) != asJSON(t, two) {
		t.Error("four workers say otherwise than one")
	}
}

// TestInterruptedComparison: what all systems have finished when the context ends is the comparison of so
// many replications.
func TestInterruptedComparison(t *testing.T) {
	text, other := queueText(2, 14, 20_000, 30, "40"), queueText(3, 14, 20_000, 30, "40")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	contenders := []experiment.Contender{{Name: "a", Scenario: load(t, text)}, {Name: "b", Scenario: load(t, other)}}
	c, err := experiment.Compare(ctx, contenders, experiment.Options{Workers: 2,
		Progress: func(p experiment.Progress) {
			if p.Replications >= 10 {
				cancel()
			}
		}})
	if c == nil || !errors.Is(err, context.Canceled) {
		t.Fatalf("%v, %v", c, err)
	}
	n := c.Replications
	if n < 1 || n >= 40 {
		t.Fatalf("%d replications of 40 are kept", n)
	}
	few := strconv.Itoa(n)
	whole := compare(t, experiment.Options{}, queueText(2, 14, 20_000, 30, few), queueText(3, 14, 20_000, 30, few))
	if got, want := fmt.Sprint(asJSON(t, &experiment.Comparison{Rows: c.Rows})),
		fmt.Sprint(asJSON(t, &experiment.Comparison{Rows: whole.Rows})); got != want {
		t.Errorf("%d replications kept do not say what %[1]d replications say", n)
	}
	cancel()
	if c, err := experiment.Compare(ctx, contenders, experiment.Options{}); c != nil || err == nil {
		t.Errorf("without any replication: %v, %v", c, err)
	}
}

// TestComparisonHoldsTheTruth: the interval of the difference between queues with two and three
// containers holds the exact one as often as it should, and pairing makes it narrower.
func TestComparisonHoldsTheTruth(t *testing.T) {
	if testing.Short() {
		t.Skip("simulates 12 million inputs")
	}
	two, three := newMMC(2, 14, 10), newMMC(3, 14, 10)
	s2, s3 := load(t, queueText(2, 14, 450, 50, "5")), load(t, queueText(3, 14, 450, 50, "5"))
	absolute, relative, tail := 0, 0, 0
	narrower := 0.0
	const seeds = 300
	for seed := range uint64(seeds) {
		a, b := *s2, *s3
		a.Seed, b.Seed = seed, seed
		c, err := experiment.Compare(context.Background(), []experiment.Contender{{Name: "a", Scenario: &a},
			{Name: "b", Scenario: &b}}, experiment.Options{})
		if err != nil {
			t.Fatal(err)
		}
		holds := func(e experiment.Estimate, truth float64) int {
			if *e.Low <= truth && truth <= *e.High {
				return 1
			}
			return 0
		}
		mean := row(t, c, "latency.mean")
		absolute += holds(mean.Differences[1].Absolute, three.mean()-two.mean())
		relative += holds(mean.Differences[1].Relative, three.mean()/two.mean()-1)
		tail += holds(row(t, c, "latency.p90").Differences[1].Absolute, three.quantile(0.9)-two.quantile(0.9))
		apart := math.Hypot(*mean.Values[0].High-*mean.Values[0].Low, *mean.Values[1].High-*mean.Values[1].Low)
		narrower += (*mean.Differences[1].Absolute.High - *mean.Differences[1].Absolute.Low) / apart / seeds
	}
	t.Logf("absolute %d, relative %d, p90 %d of %d; paired intervals are %.2f as wide", absolute, relative, tail, seeds, narrower)
	for what, n := range map[string]int{"absolute": absolute, "relative": relative, "p90": tail} {
		if share := float64(n) / seeds; share < 0.91 || share > 0.985 {
			t.Errorf("the interval of the %s difference holds the truth in %.1f %%", what, 100*share)
		}
	}
	if narrower > 0.95 {
		t.Errorf("pairing leaves %.2f of the width", narrower)
	}
}

// TestComparisonTellsWhatDoesNotMatch warns of systems that cannot meet the same arrivals.
func TestComparisonTellsWhatDoesNotMatch(t *testing.T) {
	base := queueText(2, 14, 300, 30, "2")
	for _, c := range []struct{ other, want string }{
		{"seed: 5\n" + base, "has seed 5"},
		{queueText(2, 14, 400, 30, "2"), "another stretch of time"},
		{strings.Replace(base, "name: w", "name: v", 1), "no workload in common"},
		{base, ""},
	} {
		got := compare(t, experiment.Options{}, base, c.other)
		text := strings.Join(got.Warnings, "\n")
		if !strings.Contains(text, c.want) || c.want == "" && text != "" {
			t.Errorf("warnings %q, want %q", text, c.want)
		}
		if got.Systems[1].Result.Seed != 1 || got.Systems[1].Result.Replications != 2 {
			t.Error("the second system was not run with the first one's seed and replications")
		}
	}
}

// TestCapacityOfAQueue: an M/M/1 queue keeps p99 ≤ x up to the rate μ - ln 100 / x.
func TestCapacityOfAQueue(t *testing.T) {
	for _, c := range []struct{ rate, limit float64 }{{1, 2}, {3, 1}, {30, 1.5}} {
		text := queueText(1, c.rate, 2500, 200, "8") + "slo:\n  - {metric: latency.p99, max: " + fmt.Sprint(c.limit) + "s}\n"
		truth := 10 - math.Log(100)/c.limit
		s := load(t, text)
		s.Model.Warmup = s.Model.Horizon / 10
		found, err := experiment.FindCapacity(context.Background(), s, experiment.CapacityOptions{})
		if err != nil || found.Error != "" || !found.Bounded || found.Limit != "latency.p99" {
			t.Fatalf("%v, %+v", err, found)
		}
		rate := found.RatePerS
		if math.Abs(*rate.Value/truth-1) > 0.04 {
			t.Errorf("the capacity is %.4g/s, want %.4g/s", *rate.Value, truth)
		}
		if rate.Low == nil || *rate.Low > truth || *rate.High < truth || *rate.High > 1.25**rate.Low {
			t.Errorf("the interval of %.4g/s is %v to %v", truth, *rate.Low, *rate.High)
		}
		if f := *found.Factor.Value; math.Abs(f*c.rate / *rate.Value - 1) > 0.02 {
			t.Errorf("the factor is %v of %v/s", f, c.rate)
		}
	}
}

// TestCapacityHasItsEnds: what cannot be searched is an error that says why, what is never kept or never
// missed is told.
func TestCapacityHasItsEnds(t *testing.T) {
	find := func(text string, o experiment.CapacityOptions) (experiment.CapacitySearch, error) {
		return experiment.FindCapacity(context.Background(), load(t, text), o)
	}
	plain := queueText(1, 5, 100, 10, "2")
	slo := func(objective string) string { return plain + "slo:\n  - {metric: " + objective + "}\n" }
	if _, err := find(plain, experiment.CapacityOptions{}); err == nil || !strings.Contains(err.Error(), "slo") {
		t.Errorf("without an slo: %v", err)
	}
	ignore := experiment.CapacityOptions{Ignore: []string{"latency.p50"}}
	if _, err := find(slo("latency.p50, max: 1s"), ignore); err == nil {
		t.Error("all objectives are ignored, and it goes on")
	}
	once := strings.Replace(slo("latency.p50, max: 1s"), "{process: poisson, rate: 5/s}", "{process: at, times: [1s, 2s]}", 1)
	if _, err := find(once, experiment.CapacityOptions{}); err == nil || !strings.Contains(err.Error(), "instants") {
		t.Errorf("arrivals at given instants: %v", err)
	}
	if _, err := find(slo("latency.p50, max: 1s"), experiment.CapacityOptions{Workloads: []string{"x"}}); err == nil {
		t.Error("a workload that is not there is scaled")
	}
	never, err := find(slo("latency.mean, max: 1ms"), experiment.CapacityOptions{})
	if err != nil || never.RatePerS.Value != nil || !strings.Contains(never.Limit, "latency.mean is missed") {
		t.Errorf("an slo that no rate keeps: %v, %+v", err, never.Limit)
	}
	quiet := strings.Replace(slo("completed_fraction, min: 50%"), "horizon: 100s", "horizon: 11s", 1)
	always, err := find(quiet, experiment.CapacityOptions{})
	if err != nil || always.Bounded || !strings.Contains(always.Limit, "even at 1024 times") {
		t.Errorf("an slo that every rate keeps: %v, %+v", err, always.Limit)
	}
}

// TestScaleArrivals: the mean rate of every process grows by the factor, in the model and in a run.
func TestScaleArrivals(t *testing.T) {
	for _, arrivals := range []string{
		"{process: poisson, rate: 5/s}", "{process: constant, rate: 5/s}",
		"{process: renewal, interarrival: {dist: gamma, mean: 200ms, cv: 2}}",
		"{process: mmpp, states: [{rate: 2/s, mean_duration: 20s}, {rate: 9/s, mean_duration: 10s}]}",
		"{process: diurnal, base: 2/s, peak: 8/s, period: 100s}",
		"{process: piecewise, points: [[0s, 2/s], [100s, 8/s]], repeat: 200s}",
		"{process: poisson, rate: 5/s, count: 1000}",
	} {
		s := load(t, strings.Replace(queueText(9, 5, 1000, 0, "2"), "{process: poisson, rate: 5/s}", arrivals, 1))
		scaled := experiment.ScaleArrivals(s, []string{"w"}, 3)
		before, after := s.Model.Workloads[0].Arrivals.Kind.RatePerS(), scaled.Model.Workloads[0].Arrivals.Kind.RatePerS()
		if math.Abs(after/before-3) > 1e-9 {
			t.Errorf("%s: the rate grows from %v to %v", arrivals, before, after)
		}
		submitted := func(s *experiment.Scenario) float64 {
			r, err := experiment.Run(context.Background(), s, experiment.Options{})
			if err != nil {
				t.Fatal(err)
			}
			return *r.Total.Inputs.Submitted.Value
		}
		if ratio := submitted(scaled) / submitted(s); math.Abs(ratio-3) > 0.25 {
			t.Errorf("%s: %.2f times as many inputs", arrivals, ratio)
		}
		if other := experiment.ScaleArrivals(s, nil, 3); asJSON(t, other.Model.Workloads) != asJSON(t, s.Model.Workloads) {
			t.Errorf("%s: scaled without being named", arrivals)
		}
	}
	s := load(t, strings.Replace(queueText(9, 5, 100, 0, "1"), "{process: poisson, rate: 5/s}", "{process: closed, clients: 4, think: 1s}", 1))
	clients := experiment.ScaleArrivals(s, []string{"w"}, 0.1).Model.Workloads[0].Arrivals.Kind.(workload.Closed).Clients
	if clients != 1 {
		t.Errorf("a tenth of four clients are %d", clients)
	}
}

// TestInterruptedCapacity: an interrupt keeps the rates that were tried, and of the one that is being
// tried the replications that were finished.
func TestInterruptedCapacity(t *testing.T) {
	s := load(t, strings.Replace(gridText, "horizon: 10m", "horizon: 20h", 1))
	s.Replications.Min, s.Replications.Max = 8, 8
	for _, at := range []int{0, 1} {
		ctx, cancel := context.WithCancel(context.Background())
		found, err := experiment.FindCapacity(ctx, s, experiment.CapacityOptions{Workers: 1,
			Progress: func(p experiment.CapacityProgress) {
				if p.Steps == at && p.Within.Replications > 0 {
					cancel()
				}
			}})
		cancel()
		if err == nil || !found.Interrupted || len(found.Steps) != at+1 {
			t.Fatalf("interrupted at rate %d: %v, %+v", at+1, err, found)
		}
		if n := found.Steps[at].Replications; n < 1 || n >= 8 {
			t.Errorf("the last rate has %d replications, want those of 8 that were finished", n)
		}
		if found.RatePerS.Value == nil || found.AtCapacity == nil {
			t.Errorf("interrupted at rate %d, the best so far is not told: %+v", at+1, found)
		}
	}
}
