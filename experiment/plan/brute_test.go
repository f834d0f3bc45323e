package plan_test

import (
	"context"
	"flag"
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/experiment/plan"
	"github.com/simcap/simcap/scenarios"
	"github.com/simcap/simcap/sim"
)

var many = flag.Int("scenarios", 12, "scenarios that the plan is compared with brute force in")

// question is a scenario with a space of settings, drawn at random, and all that brute force knows.
type question struct {
	text    string
	axes    []experiment.Axis
	points  []experiment.Point
	results []*experiment.Result // by point; nil: its settings contradict each other
}

func builder(t testing.TB, text string) experiment.Builder {
	t.Helper()
	doc, ds := scenarios.Parse("question", []byte(text))
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

// draw makes a question: traffic, service, cold starts and searched keys vary.
func draw(t testing.TB, n uint64) *question {
	t.Helper()
	luck := sim.NewStream(20, 1, "questions").At(n)
	pick := func(options ...string) string {
		return options[min(int(luck.Float64()*float64(len(options))), len(options)-1)]
	}
	traffic := pick(
		"{process: poisson, rate: 1.5/s}",
		"{process: poisson, rate: 4/s}",
		"{process: mmpp, states: [{rate: 0.8/s, mean_duration: 80s}, {rate: 6/s, mean_duration: 20s}]}",
		"{process: diurnal, base: 0.3/s, peak: 4/s, period: 10m, peak_at: 5m}",
		"{process: renewal, interarrival: {dist: gamma, mean: 400ms, cv: 3}}")
	service := pick("time: 600ms", "time: {dist: lognormal, mean: 700ms, cv: 1}", "time: 1.2s, noise: {cv: 0.3}")
	cold := pick("4s", "{dist: lognormal, mean: 12s, cv: 0.4}", "30s")
	q := &question{}
	extra := ""
	kind := pick("plain", "batched", "concurrent")
	switch kind {
	case "batched":
		service = "batch: {points: {1: 500ms, 4: 700ms, 16: 1500ms}}, noise: {cv: 0.1}"
		extra = "\n    batched: {max_batch_size: 4, wait_ms: 50}"
		q.axes = append(q.axes, experiment.Axis{Key: "functions.f.batched.max_batch_size", Values: []string{"1", "2", "4", "8"}})
	case "concurrent":
		service = "time: {dist: lognormal, mean: 500ms, cv: 0.5}, concurrency: {points: {1: 500ms, 2: 600ms, 4: 950ms}}"
		extra = "\n    concurrent: {max_inputs: 2, target_inputs: 2}"
		q.axes = append(q.axes, experiment.Axis{Key: "functions.f.concurrent",
			Values: []string{"{max_inputs: 1}", "{max_inputs: 2}", "{max_inputs: 4, target_inputs: 2}", "{max_inputs: 4}"}})
	}
	q.text = fmt.Sprintf(`
simcap: 1
name: question
horizon: 10m
workspace: {max_containers: 40}
functions:
  f:
    gpu: L4
    max_containers: 10%s
    service: {%s}
    cold_start: %s
workloads:
  - {name: w, function: f, arrivals: %s}
`, extra, service, cold, traffic)
	q.axes = append(q.axes,
		experiment.Axis{Key: "functions.f.min_containers", Values: []string{"0", "1", "2", "3", "4"}},
		experiment.Axis{Key: "functions.f.scaledown_window", Values: []string{"10s", "60s"}})
	if kind == "plain" {
		q.axes = append(q.axes, experiment.Axis{Key: "functions.f.buffer_containers", Values: []string{"0", "1", "2"}})
	}
	return q
}

// grid are all points of the axes.
func grid(axes []experiment.Axis) []experiment.Point {
	points := []experiment.Point{nil}
	for _, a := range axes {
		var next []experiment.Point
		for _, p := range points {
			for _, v := range a.Values {
				next = append(next, append(slices.Clone(p), experiment.Setting{Key: a.Key, Value: v}))
			}
		}
		points = next
	}
	return points
}

// enumerate simulates every setting many times.
func (q *question) enumerate(t testing.TB, replications int) {
	t.Helper()
	q.points = grid(q.axes)
	q.results = make([]*experiment.Result, len(q.points))
	build := builder(t, q.text)
	next := make(chan int)
	var group sync.WaitGroup
	for range 2 {
		group.Add(1)
		go func() {
			defer group.Done()
			for i := range next {
				s, err := build(q.points[i])
				if err != nil {
					continue // the settings contradict each other
				}
				s.Replications = experiment.Replications{Min: replications, Max: replications}
				all := make([]*experiment.Replication, replications)
				for n := range all {
					if all[n], _, err = experiment.Trial(context.Background(), s, n+1, experiment.Options{}); err != nil {
						t.Error(err)
						return
					}
				}
				q.results[i] = experiment.Join(s, all, experiment.Options{})
			}
		}()
	}
	for i := range q.points {
		next <- i
	}
	close(next)
	group.Wait()
}

func (q *question) estimate(i int, metric string) experiment.Estimate {
	e, _ := q.results[i].Metric(metric, "", "")
	return e
}

// limits draws a bound for p95, and sometimes one for the share of cold starts, so that some settings
// keep them and others do not.
func (q *question) limits(n uint64) (slo string, keeps func(i int, sure bool) bool) {
	luck := sim.NewStream(20, 1, "limits").At(n)
	bound := func(metric string, factor float64) float64 {
		var all []float64
		for i := range q.points {
			if q.results[i] != nil {
				all = append(all, *q.estimate(i, metric).Value)
			}
		}
		slices.Sort(all)
		return all[int((0.2+0.6*luck.Float64())*float64(len(all)))] * factor
	}
	const p95, cold = "latency.p95", "cold_start_fraction"
	limit95 := bound(p95, 1.03)
	slo = fmt.Sprintf("slo:\n  - {metric: latency.p95, max: %.6f}\n", limit95)
	limitCold := math.Inf(1)
	if luck.Float64() < 0.4 {
		limitCold = max(bound(cold, 1.05), 0.002)
		slo += fmt.Sprintf("  - {metric: cold_start_fraction, max: %.6f}\n", limitCold)
	}
	return slo, func(i int, sure bool) bool {
		a, b := q.estimate(i, p95), q.estimate(i, cold)
		if sure {
			return *a.High <= limit95 && *b.High <= limitCold
		}
		return *a.Value <= limit95 && *b.Value <= limitCold
	}
}

// The plan finds what brute force finds with far more work: in at least 95 % of many scenarios the
// objectives are kept, and the cost is within 1 % of the cheapest setting that brute force is 95 %
// sure of.
func TestFindsWhatBruteForceFinds(t *testing.T) {
	const replications = 32
	kept, near, asked := 0, 0, 0
	for n := range uint64(*many) {
		q := draw(t, n)
		q.enumerate(t, replications)
		slo, keeps := q.limits(n)
		cost := func(i int) float64 { return *q.estimate(i, "cost.per_hour").Value }
		best := -1
		for i := range q.points {
			if q.results[i] != nil && keeps(i, true) && (best < 0 || cost(i) < cost(best)) {
				best = i
			}
		}
		r, err := plan.Find(context.Background(), q.axes, builder(t, q.text+slo), plan.Options{NoVariants: true})
		if err != nil {
			t.Fatal(err)
		}
		if best < 0 {
			if r.Kept {
				t.Logf("scenario %d: the plan found %v, brute force nothing", n, r.Best.Settings)
			}
			continue
		}
		asked++
		if !r.Kept {
			t.Logf("scenario %d: brute force found %v, the plan nothing", n, q.points[best])
			continue
		}
		found := slices.IndexFunc(q.points, func(p experiment.Point) bool { return same(p, r.Best.Settings) })
		if keeps(found, false) {
			kept++
		} else {
			t.Logf("scenario %d: %v does not keep the objectives:\n%s%s", n, r.Best.Settings, q.text, slo)
		}
		if cost(found) <= 1.01*cost(best) {
			near++
		} else {
			t.Logf("scenario %d: %v costs %.4f, %v %.4f:\n%s", n, r.Best.Settings, cost(found), q.points[best], cost(best), slo)
		}
	}
	t.Logf("of %d scenarios with an answer the objectives are kept in %d, the cost is within 1 %% in %d", asked, kept, near)
	if asked < *many/2 {
		t.Errorf("only %d of %d scenarios have an answer", asked, *many)
	}
	if float64(kept) < 0.95*float64(asked) || float64(near) < 0.95*float64(asked) {
		t.Errorf("of %d scenarios the objectives are kept in %d, and the cost is within 1 %% in %d", asked, kept, near)
	}
}

func same(p, q experiment.Point) bool {
	if len(p) != len(q) {
		return false
	}
	for _, s := range p {
		if !slices.Contains(q, s) {
			return false
		}
	}
	return true
}
