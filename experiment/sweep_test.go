package experiment_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/scenarios"
)

const gridText = `simcap: 1
name: grid
horizon: 10m
warmup: 1m
replications: 3
functions:
  f:
    gpu: T4
    max_containers: 4
    service: {time: {dist: exponential, mean: 300ms}}
    cold_start: 2s
workloads:
  - {name: w, function: f, arrivals: {process: poisson, rate: 3/s}}
slo:
  - {metric: latency.p99, max: 3s}
`

// builderOf makes scenarios of a text with a point's settings.
func builderOf(t *testing.T, text string) experiment.Builder {
	t.Helper()
	document, ds := scenarios.Parse("test", []byte(text))
	if document == nil {
		t.Fatal(ds)
	}
	return func(p experiment.Point) (*experiment.Scenario, error) {
		var o scenarios.Options
		for _, s := range p {
			o.Set = append(o.Set, scenarios.Override{Key: s.Key, Value: s.Value})
		}
		s, ds := document.Scenario(o)
		if s == nil {
			return nil, errors.New(ds[0].Message)
		}
		return s, nil
	}
}

// load is a scenario of a text.
func load(t *testing.T, text string) *experiment.Scenario {
	t.Helper()
	s, err := builderOf(t, text)(nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// run simulates a text.
func run(t *testing.T, text string, o experiment.Options) *experiment.Result {
	t.Helper()
	r, err := experiment.Run(context.Background(), load(t, text), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var axes = []experiment.Axis{
	{Key: "functions.f.min_containers", Values: []string{"0", "2", "5"}},
	{Key: "workloads.w.arrivals.rate", Values: []string{"1/s", "3/s"}},
}

func sweep(t *testing.T, build experiment.Builder, o experiment.SweepOptions) *experiment.Sweep {
	t.Helper()
	s, err := experiment.RunSweep(context.Background(), axes, build, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSweepIsWhatRunsSay: every point is what Run says of its scenario, on any number of workers, and
// settings that contradict each other are told.
func TestSweepIsWhatRunsSay(t *testing.T) {
	build := builderOf(t, gridText)
	one := sweep(t, build, experiment.SweepOptions{Workers: 1})
	for _, workers := range []int{2, 7} {
		if many := sweep(t, build, experiment.SweepOptions{Workers: workers}); asJSON(t, many) != asJSON(t, one) {
			t.Errorf("%d workers say otherwise than one", workers)
		}
	}
	if len(one.Points) != 6 || one.Cost != "cost.per_1k_inputs" || one.Latency != "latency.p99" {
		t.Fatalf("%d points, %s, %s", len(one.Points), one.Cost, one.Latency)
	}
	for _, p := range one.Points {
		if p.Point[0].Value == "5" {
			if p.Verdict != experiment.Impossible || !strings.Contains(p.Error, "max_containers") {
				t.Errorf("%s: %s %q", p.Point, p.Verdict, p.Error)
			}
			continue
		}
		s, err := build(p.Point)
		if err != nil {
			t.Fatal(err)
		}
		r, err := experiment.Run(context.Background(), s, experiment.Options{})
		if err != nil || asJSON(t, r) != asJSON(t, p.Result) {
			t.Errorf("%s: a run says otherwise (%v)", p.Point, err)
		}
	}
}

// TestSweepTakesTheScopeOfTheObjective: a metric that is named alone is that of what the scenario's
// objective names.
func TestSweepTakesTheScopeOfTheObjective(t *testing.T) {
	for _, c := range []struct{ slo, latency, function, workload string }{
		{"{metric: latency.p99, max: 3s, function: f}", "latency.p50", "f", ""},
		{"{metric: latency.p99, max: 3s, workload: w}", "latency.p50", "", "w"},
		{"{metric: latency.p99, max: 3s, workload: w}", "containers.peak", "", ""},
		{"{metric: latency.p99, max: 3s}", "latency.p50", "", ""},
		{"{metric: latency.p50, max: 1s, function: f}, {metric: latency.p99, max: 3s}", "latency.p50", "f", ""},
	} {
		text := strings.Replace(gridText, "slo:\n  - {metric: latency.p99, max: 3s}", "slo: ["+c.slo+"]", 1)
		s := sweep(t, builderOf(t, text), experiment.SweepOptions{Latency: c.latency})
		if s.Latency != c.latency || s.Function != c.function || s.Workload != c.workload {
			t.Errorf("%s of %s: %s of %q, %q", c.latency, c.slo, s.Latency, s.Function, s.Workload)
		}
	}
	text := strings.Replace(gridText, "max: 3s}", "max: 3s, workload: w}", 1)
	s := sweep(t, builderOf(t, text), experiment.SweepOptions{Latency: "latency.p50", Function: "f"})
	if s.Function != "f" || s.Workload != "" {
		t.Errorf("with a function named, it is %q, %q", s.Function, s.Workload)
	}
}

// TestFrontier compares the marks with the definition, point by point.
func TestFrontier(t *testing.T) {
	luck := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		s := &experiment.Sweep{Cost: "cost.per_hour", Latency: "latency.p99"}
		for i := range 1 + luck.IntN(12) {
			cost, latency := float64(luck.IntN(5)), float64(luck.IntN(5))
			r := &experiment.Result{}
			r.Total.Containers = &experiment.ContainerCounts{}
			r.Total.CostUSD = &experiment.Cost{PerHour: experiment.Estimate{Value: &cost}}
			r.Total.LatencyS.P99 = experiment.Estimate{Value: &latency}
			s.Points = append(s.Points, experiment.SweepPoint{Index: i, Result: r})
		}
		s.Mark()
		for i := range s.Points {
			cost, latency, _ := s.Values(&s.Points[i])
			beaten := false
			for k := range s.Points {
				c, l, _ := s.Values(&s.Points[k])
				beaten = beaten || *c.Value <= *cost.Value && *l.Value <= *latency.Value &&
					(*c.Value < *cost.Value || *l.Value < *latency.Value)
			}
			if s.Points[i].Frontier == beaten {
				t.Fatalf("point %v/%v: frontier %v, beaten %v", *cost.Value, *latency.Value, !beaten, beaten)
			}
		}
	}
}

// journalLines are the trials that a journal holds, by key and replication.
func journalLines(t *testing.T, name string) map[string]int {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, line := range bytes.Split(bytes.TrimSpace(text), []byte("\n")) {
		var e struct {
			Key   string
			Trial *struct{ Replication int }
		}
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatalf("%v: %.80q", err, line)
		}
		if e.Trial != nil {
			count[fmt.Sprint(e.Key, " ", e.Trial.Replication)]++
		}
	}
	return count
}

// TestResume interrupts a sweep at random moments, and once in the middle of a line, until it is done:
// the result is that of one go, and no replication was simulated twice.
func TestResume(t *testing.T) {
	for _, warmup := range []string{"warmup: 1m", "warmup: auto"} {
		build := builderOf(t, strings.Replace(gridText, "warmup: 1m", warmup, 1))
		want := asJSON(t, sweep(t, build, experiment.SweepOptions{}))
		name := filepath.Join(t.TempDir(), "results.jsonl")
		luck := rand.New(rand.NewPCG(2, 2))
		simulated, goes := 0, 0
		for done := false; !done; goes++ {
			journal, err := experiment.OpenJournal(name, goes > 0)
			if err != nil {
				t.Fatal(err)
			}
			if journal.Found() != simulated {
				t.Errorf("the journal has %d trials of %d", journal.Found(), simulated)
			}
			ctx, cancel := context.WithCancel(context.Background())
			left := 1 + luck.IntN(4)
			trials := 0
			s, err := experiment.RunSweep(ctx, axes, build, experiment.SweepOptions{Workers: 2, Journal: journal,
				Progress: func(p experiment.SweepProgress) {
					if trials = p.Trials; trials >= left {
						cancel()
					}
				}})
			cancel()
			if closing := journal.Close(); closing != nil {
				t.Fatal(closing)
			}
			if done = err == nil; done && asJSON(t, s) != want {
				t.Error("the resumed sweep says otherwise")
			}
			if !done && !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			simulated = len(journalLines(t, name))
			if goes == 1 { // a killed process may leave the beginning of a line
				appendText(t, name, `{"key":"0123`)
			}
			if goes > 100 {
				t.Fatal("it never ends")
			}
		}
		lines := journalLines(t, name)
		if len(lines) != 12 {
			t.Errorf("%d trials are kept, want 4 points × 3", len(lines))
		}
		for of, n := range lines {
			if n != 1 {
				t.Errorf("%s was simulated %d times", of, n)
			}
		}
		if goes < 3 {
			t.Errorf("it was interrupted only %d times", goes-1)
		}
	}
}

func appendText(t *testing.T, name, text string) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestJournalKnowsByContent: what changes results makes other trials; what does not, does not.
func TestJournalKnowsByContent(t *testing.T) {
	name := filepath.Join(t.TempDir(), "results.jsonl")
	kept := func(text, version string) (kept, simulated int) {
		journal, err := experiment.OpenJournal(name, true)
		if err != nil {
			t.Fatal(err)
		}
		defer journal.Close()
		var last experiment.SweepProgress
		sweep(t, builderOf(t, text), experiment.SweepOptions{Journal: journal, Version: version,
			Progress: func(p experiment.SweepProgress) { last = p }})
		return last.Kept, last.Trials
	}
	if k, n := kept(gridText, "v1"); k != 0 || n != 12 {
		t.Errorf("at first: %d kept, %d simulated", k, n)
	}
	same := "# a comment\n" + strings.Replace(strings.Replace(gridText, "name: grid", "name: other", 1),
		"max: 3s", "max: 4s", 1)
	if k, n := kept(same, "v1"); k != 12 || n != 0 {
		t.Errorf("with another comment, name and objective: %d kept, %d simulated", k, n)
	}
	more := strings.Replace(gridText, "replications: 3", "replications: 5", 1)
	if k, n := kept(more, "v1"); k != 12 || n != 8 {
		t.Errorf("with two replications more: %d kept, %d simulated", k, n)
	}
	for what, text := range map[string]string{
		"seed":    "seed: 2\n" + gridText,
		"service": strings.Replace(gridText, "mean: 300ms", "mean: 301ms", 1),
		"law":     strings.Replace(gridText, "{dist: exponential, mean: 300ms}", "300ms", 1),
		"horizon": strings.Replace(gridText, "horizon: 10m", "horizon: 11m", 1),
	} {
		if k, n := kept(text, "v1"); k != 0 || n != 12 {
			t.Errorf("with another %s: %d kept, %d simulated", what, k, n)
		}
	}
	if k, n := kept(gridText, "v2"); k != 0 || n != 12 {
		t.Errorf("with another version: %d kept, %d simulated", k, n)
	}
}

// TestJournalIsGuarded: two processes do not share one, and other files are not taken for one.
func TestJournalIsGuarded(t *testing.T) {
	name := filepath.Join(t.TempDir(), "results.jsonl")
	first, err := experiment.OpenJournal(name, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := experiment.OpenJournal(name, true); err == nil {
		t.Error("opened twice")
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := experiment.OpenJournal(name, false); !errors.Is(err, os.ErrExist) {
		t.Errorf("an old journal is begun anew: %v", err)
	}
	appendText(t, name, "something else\n")
	if _, err := experiment.OpenJournal(name, true); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("a file of something else: %v", err)
	}
}

// TestShardsMergeToTheWhole: shares of any number join to what one go says, in any order.
func TestShardsMergeToTheWhole(t *testing.T) {
	build := builderOf(t, gridText)
	whole := asJSON(t, sweep(t, build, experiment.SweepOptions{}))
	for _, n := range []int{1, 2, 4} {
		var shares []*experiment.Sweep
		for i := n; i >= 1; i-- {
			shares = append(shares, sweep(t, build, experiment.SweepOptions{Shard: experiment.Shard{Index: i, Count: n}}))
		}
		merged, missing, err := experiment.Merge(shares)
		if err != nil || len(missing) > 0 || asJSON(t, merged) != whole {
			t.Errorf("%d shares join to something else (%v, %v missing)", n, err, missing)
		}
		if _, missing, _ := experiment.Merge(shares[:n-1]); n > 1 && len(missing) == 0 {
			t.Errorf("%d of %d shares are whole", n-1, n)
		}
	}
	other := sweep(t, builderOf(t, "seed: 9\n"+gridText), experiment.SweepOptions{})
	if _, _, err := experiment.Merge([]*experiment.Sweep{sweep(t, build, experiment.SweepOptions{}), other}); err == nil {
		t.Error("sweeps of two seeds are one")
	}
	other = sweep(t, builderOf(t, strings.Replace(gridText, "300ms", "310ms", 1)), experiment.SweepOptions{})
	if _, _, err := experiment.Merge([]*experiment.Sweep{sweep(t, build, experiment.SweepOptions{}), other}); err == nil {
		t.Error("sweeps of two services are one")
	}
}
