package plan

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/scenarios"
)

const text = `
simcap: 1
name: plan
horizon: 10m
workspace: {max_containers: 40}
functions:
  f:
    gpu: L4
    max_containers: 20
    batched: {max_batch_size: 4, wait_ms: 50}
    service: {batch: {points: {1: 500ms, 4: 700ms}}, noise: {cv: 0.1}}
    cold_start: {dist: lognormal, mean: 10s, cv: 0.4}
workloads:
  - {name: w, function: f, arrivals: {process: mmpp, states: [{rate: 1/s, mean_duration: 60s}, {rate: 9/s, mean_duration: 20s}]}}
slo:
  - {metric: latency.p95, max: 4s}
`

func build(t testing.TB, text string) experiment.Builder {
	t.Helper()
	doc, ds := scenarios.Parse("plan", []byte(text))
	if doc == nil {
		t.Fatal(ds)
	}
	return func(p experiment.Point) (*experiment.Scenario, error) {
		o := scenarios.Options{Point: true}
		for _, s := range p {
			o.Set = append(o.Set, scenarios.Override{Key: s.Key, Value: s.Value})
		}
		s, ds := doc.Scenario(o)
		if s == nil {
			return nil, ds
		}
		return s, nil
	}
}

func axis1(setting string, values ...string) experiment.Axis {
	return experiment.Axis{Key: "functions.f." + setting, Values: values}
}

// searchOf is a search of the axes with nothing simulated.
func searchOf(t testing.TB, text string, axes ...experiment.Axis) *search {
	t.Helper()
	b := build(t, text)
	today, err := b(nil)
	if err != nil {
		t.Fatal(err)
	}
	sp, err := newSpace(axes)
	if err != nil {
		t.Fatal(err)
	}
	return newSearch(sp, today, b, Options{})
}

// runs simulates a point without asking what it runs like.
func (s *search) runs(t testing.TB, values ...string) *trial {
	t.Helper()
	at := make([]int, len(values))
	for i, v := range values {
		if at[i] = slices.Index(s.space.axes[i].values, v); at[i] < 0 {
			t.Fatalf("%s has no value %s", s.space.axes[i].key, v)
		}
	}
	got, err := s.try(context.Background(), job{record: &record{at: at}, replication: 1})
	if err != nil || got.err != nil {
		t.Fatal(err, got)
	}
	return got
}

func (s *search) canonical(values ...string) string {
	at := make([]int, len(values))
	for i, v := range values {
		at[i] = slices.Index(s.space.axes[i].values, v)
	}
	return fmt.Sprint(s.alike.canonical(at))
}

func equal(x, y *trial) bool { return x.goal == y.goal && slices.Equal(x.slo, y.slo) }

// Settings that are held to run alike do, to the last digit, and others are not held to.
func TestSettingsThatRunAlike(t *testing.T) {
	s := searchOf(t, text, axis1("min_containers", "1", "3"), axis1("max_containers", "3", "6"),
		axis1("buffer_containers", "0", "2"), axis1("scaledown_window", "10s", "60s"))
	if !equal(s.runs(t, "3", "3", "0", "10s"), s.runs(t, "3", "3", "2", "60s")) {
		t.Error("a pool of fixed size feels buffer and window")
	}
	if s.canonical("3", "3", "0", "10s") != s.canonical("3", "3", "2", "60s") {
		t.Error("a pool of fixed size is not known to feel neither")
	}
	if equal(s.runs(t, "1", "6", "0", "10s"), s.runs(t, "1", "6", "2", "60s")) ||
		s.canonical("1", "6", "0", "10s") == s.canonical("1", "6", "2", "60s") {
		t.Error("a pool that scales is held to be fixed")
	}

	s = searchOf(t, text, axis1("batched.max_batch_size", "1", "4"), axis1("batched.wait_ms", "0", "200"))
	if !equal(s.runs(t, "1", "0"), s.runs(t, "1", "200")) || s.canonical("1", "0") != s.canonical("1", "200") {
		t.Error("a batch of one waits")
	}
	if equal(s.runs(t, "4", "0"), s.runs(t, "4", "200")) || s.canonical("4", "0") == s.canonical("4", "200") {
		t.Error("a batch of four does not wait")
	}
	if n := s.alike.count(); n != 3 {
		t.Errorf("%d settings are left of 4, where two run alike", n)
	}
}

// What changes the price alone takes its cheapest value, and changes nothing else.
func TestPricesAlone(t *testing.T) {
	s := searchOf(t, text, axis1("memory", "32GiB", "1GiB", "8GiB"), axis1("min_containers", "0", "1"))
	small, large := s.runs(t, "1GiB", "1"), s.runs(t, "32GiB", "1")
	if !slices.Equal(small.slo, large.slo) || small.goal >= large.goal {
		t.Errorf("memory: %v and %v", small, large)
	}
	if s.canonical("32GiB", "1") != s.canonical("1GiB", "1") || s.canonical("32GiB", "1") != "[0 1]" {
		t.Error("the cheapest memory is not taken")
	}
	s = searchOf(t, text+"  - {metric: cost.per_hour, min: 1}\n", axis1("memory", "32GiB", "1GiB"))
	if s.canonical("32GiB") == s.canonical("1GiB") {
		t.Error("an objective wants the cost to be high, and the cheapest memory is taken")
	}
	s = searchOf(t, text, axis1("memory", "32GiB", "1GiB"), experiment.Axis{Key: "platform", Values: []string{"modal", "none"}})
	if s.canonical("32GiB", "modal") == s.canonical("1GiB", "modal") {
		t.Error("prices vary, and the cheapest memory at today's is taken")
	}
}

// A limit that a run never reached answers for all limits down to the peak, and for no other.
func TestLimitsOutOfReach(t *testing.T) {
	var values []string
	for n := 1; n <= 40; n++ {
		values = append(values, fmt.Sprint(n))
	}
	s := searchOf(t, text, axis1("max_containers", values...), axis1("buffer_containers", "0", "1"))
	ctx := context.Background()
	top := s.recordAt([]int{39, 1})
	if err := s.run(ctx, []job{{record: top, replication: 1}}); err != nil {
		t.Fatal(err)
	}
	peak := int(top.full[0].peaks[0])
	if peak < 3 || peak > 38 {
		t.Fatalf("the peak is %d: the test needs one between", peak)
	}
	before := s.trials
	for limit := peak - 2; limit <= 40; limit += 1 + limit/peak*5 {
		r := s.recordAt([]int{limit - 1, 1})
		if err := s.run(ctx, []job{{record: r, replication: 1}}); err != nil {
			t.Fatal(err)
		}
		if !equal(r.full[0], s.runs(t, fmt.Sprint(limit), "1")) {
			t.Errorf("limit %d: not what a run gives", limit)
		}
	}
	if made := s.trials - before; made != 2 {
		t.Errorf("%d trials were made for the 2 limits below the peak of %d", made, peak)
	}
}
