package plan_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/experiment/plan"
	"github.com/simcap/simcap/scenarios"
)

const bursty = `
simcap: 1
name: bursty
horizon: 10m
functions:
  f:
    gpu: L4
    max_containers: 12
    batched: {max_batch_size: 4, wait_ms: 20}
    service: {batch: {points: {1: 300ms, 4: 420ms, 16: 900ms, 32: 1700ms}}}
    cold_start: 20s
workloads:
  - {name: w, function: f, arrivals: {process: mmpp, states: [{rate: 2/s, mean_duration: 60s}, {rate: 12/s, mean_duration: 20s}]}}
`

func axis(setting string, values ...string) experiment.Axis {
	return experiment.Axis{Key: "functions.f." + setting, Values: values}
}

func span(t testing.TB, setting, from, to, step string) experiment.Axis {
	t.Helper()
	values, err := scenarios.Range(from, to, step)
	if err != nil {
		t.Fatal(err)
	}
	return axis(setting, values...)
}

func small() []experiment.Axis {
	return []experiment.Axis{axis("min_containers", "0", "1", "2", "3"), axis("scaledown_window", "10s", "60s"),
		axis("batched.max_batch_size", "1", "4", "16")}
}

const limit = "slo: [{metric: latency.p95, max: 700ms}, {metric: rejected_fraction, max: 1%}]\n"

// Equal questions have equal answers, byte for byte, on one core and on several.
func TestSameBytesOnAnyNumberOfCores(t *testing.T) {
	var texts []string
	for _, workers := range []int{1, 2, 5} {
		r, err := plan.Find(context.Background(), small(), builder(t, bursty+limit),
			plan.Options{Workers: workers, Budget: 10 * time.Second, Begun: time.Now().Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	if texts[0] != texts[1] || texts[0] != texts[2] {
		t.Error("the answers differ")
	}
	texts = nil
	for _, workers := range []int{1, 3} {
		r, err := plan.Find(context.Background(), large(t), builder(t, bursty+limit), plan.Options{Workers: workers,
			Budget: 2 * time.Second, Begun: time.Now().Add(time.Hour), NoVariants: true})
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	if texts[0] != texts[1] {
		t.Error("the answers of a large space differ")
	}
}

// The parts of an answer agree with each other.
func TestAnswer(t *testing.T) {
	r, err := plan.Find(context.Background(), small(), builder(t, bursty+limit),
		plan.Options{Budget: 15 * time.Second, Begun: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	if !r.Kept || r.Best.Keeps != plan.Yes || r.Stopped != "" || !r.Space.Exhaustive {
		t.Fatalf("kept %v, best %s, stopped %q, all %v", r.Kept, r.Best.Keeps, r.Stopped, r.Space.Exhaustive)
	}
	for _, v := range r.Best.SLO {
		if v.Met == nil || !*v.Met {
			t.Errorf("the answer does not keep %s", v.Metric)
		}
	}
	if r.Confidence < 0.5 || r.Confidence > 1 {
		t.Errorf("confidence %v", r.Confidence)
	}
	saved := *r.Today.Cost.Value - *r.Best.Cost.Value
	if r.Today.Replications == r.Best.Replications && abs(saved-*r.Saving.Cost.Value) > 1e-9 {
		t.Errorf("today's cost less the answer's is %v, and the saving %v", saved, *r.Saving.Cost.Value)
	}
	for i := range r.RunnersUp {
		if u := &r.RunnersUp[i]; u.Keeps == plan.Yes && *u.More.Value < 0 && *u.More.High < 0 {
			t.Errorf("a runner-up keeps the objectives and costs less: %v", u.Settings)
		}
	}
	cheaper := 0
	for i := range r.Steps {
		s := &r.Steps[i]
		if s.Cheaper && len(s.Breaks) == 0 && *s.Setting.More.High < 0 && s.Setting.Keeps == plan.Yes {
			t.Errorf("a step to %s=%s is cheaper and breaks nothing", s.Key, s.To)
		}
		if s.Cheaper {
			cheaper++
		}
	}
	if len(r.Steps) < 3 || cheaper == 0 || r.Binding == nil || r.Binding.Breaks == 0 {
		t.Errorf("%d steps, %d cheaper, binding %v: the space holds cheaper settings", len(r.Steps), cheaper, r.Binding)
	}
	if len(r.Sensitivity) != 2 || r.Sensitivity[0].Same.Replications < 2 {
		t.Fatalf("sensitivity: %v", r.Sensitivity)
	}
	if more := &r.Sensitivity[0]; *more.Same.Cost.Value <= *r.Best.Cost.Value {
		t.Errorf("twice the traffic costs %v, once %v", *more.Same.Cost.Value, *r.Best.Cost.Value)
	}
	args := strings.Join(r.Apply[0].Arguments, " ")
	for _, s := range r.Best.Settings {
		if key := strings.TrimPrefix(s.Key, "functions.f."); key == "min_containers" && !strings.Contains(args, key+"="+s.Value) {
			t.Errorf("%s is not in %s", s, args)
		}
	}
	verify(t, r)
}

func abs(x float64) float64 { return max(x, -x) }

// verify asks whether `simcap run` with the answer's settings says what the plan says.
func verify(t *testing.T, r *plan.Result) {
	t.Helper()
	s, err := builder(t, bursty+limit)(r.Best.Settings)
	if err != nil {
		t.Fatal(err)
	}
	s.Replications = experiment.Replications{Min: r.Best.Replications, Max: r.Best.Replications}
	run, err := experiment.Run(context.Background(), s, experiment.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := *run.Total.LatencyS.P95.Value, *r.Best.LatencyS.P95.Value; got != want {
		t.Errorf("a run has a p95 of %v, the plan one of %v", got, want)
	}
	if got, want := *run.Total.CostUSD.PerHour.Value, *r.Best.Cost.Value; got != want {
		t.Errorf("a run costs %v, the plan says %v", got, want)
	}
}

// large is a space of ten million settings.
func large(t testing.TB) []experiment.Axis {
	return []experiment.Axis{span(t, "min_containers", "0", "20", "1"), span(t, "buffer_containers", "0", "10", "1"),
		span(t, "scaledown_window", "2s", "300s", "5s"), span(t, "batched.max_batch_size", "1", "32", "1"),
		span(t, "batched.wait_ms", "0", "500", "20")}
}

// Ten million settings are searched by some hundreds of them, and the answer is at least as cheap as the
// cheapest of a coarse grid.
func TestLargeSpace(t *testing.T) {
	b := builder(t, bursty+"slo: [{metric: latency.p95, max: 900ms}]\n")
	r, err := plan.Find(context.Background(), large(t), b,
		plan.Options{Budget: 12 * time.Second, Begun: time.Now().Add(time.Hour), NoVariants: true})
	if err != nil {
		t.Fatal(err)
	}
	if !r.Kept || r.Space.Settings < 10_000_000 || r.Space.Simulated > 2000 || r.Space.Exhaustive {
		t.Fatalf("kept %v, %d settings, %d simulated", r.Kept, r.Space.Settings, r.Space.Simulated)
	}
	for _, p := range grid([]experiment.Axis{axis("min_containers", "0", "1", "2", "3"), axis("buffer_containers", "0", "1"),
		axis("scaledown_window", "7s", "62s"), axis("batched.max_batch_size", "4", "16"), axis("batched.wait_ms", "0", "100")}) {
		s, err := b(p)
		if err != nil {
			t.Fatal(err)
		}
		s.Replications = experiment.Replications{Min: 6, Max: 6}
		run, err := experiment.Run(context.Background(), s, experiment.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if cost := *run.Total.CostUSD.PerHour.Low; *run.SLO[0].Value.High <= 0.85 && cost < 0.99**r.Best.Cost.Value {
			t.Errorf("%v costs at least %v, the answer %v: %v", p, cost, *r.Best.Cost.Value, r.Best.Settings)
		}
	}
}

// An interrupt leaves the best so far.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r, err := plan.Find(ctx, small(), builder(t, bursty+limit), plan.Options{Progress: func(p plan.Progress) {
		if p.Replications > 60 {
			cancel()
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if r.Stopped != plan.Interrupted || r.Best == nil || len(r.Explored) == 0 || r.Space.Replications < 60 {
		t.Errorf("stopped %q, best %v, %d explored", r.Stopped, r.Best, len(r.Explored))
	}
}

// The budget holds on the wall clock too, also within a run that would take far longer.
func TestBudget(t *testing.T) {
	heavy := strings.Replace(strings.Replace(bursty, "horizon: 10m", "horizon: 20d", 1), "12/s", "300/s", 1)
	begun := time.Now()
	r, err := plan.Find(context.Background(), small(), builder(t, heavy+limit), plan.Options{Budget: time.Second})
	if took := time.Since(begun); took > 3*time.Second {
		t.Errorf("a budget of a second took %v", took)
	}
	if err == nil && r.Stopped != plan.OverBudget || err != nil && !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("result %v, error %v", r, err)
	}
}

// Where nothing keeps the objectives, the closest is named.
func TestNothingKeepsTheObjectives(t *testing.T) {
	r, err := plan.Find(context.Background(), small(), builder(t, bursty+"slo: [{metric: latency.p50, max: 10ms}]\n"),
		plan.Options{Budget: 5 * time.Second, Begun: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	if r.Kept || r.Best == nil || r.Best.Keeps != plan.No || r.Binding == nil || r.Binding.Objective != 0 ||
		r.Binding.Slack >= 0 || r.Confidence != 0 || r.Saving != nil {
		t.Errorf("%+v", r)
	}
}

// Without a horizon it is the cost of the whole job that counts: a slow job is not cheap by the hour.
func TestJobsAreCountedWhole(t *testing.T) {
	const job = `
simcap: 1
name: job
functions:
  f: {gpu: L4, max_containers: 4, service: {time: 2s}, cold_start: 30s, scaledown_window: 30s}
workloads:
  - {name: w, function: f, method: spawn_map, arrivals: {process: once}, inputs: 300}
slo: [{metric: makespan.max, max: 10m}]
`
	r, err := plan.Find(context.Background(), []experiment.Axis{axis("max_containers", "1", "2", "4", "8", "16"),
		axis("scaledown_window", "2s", "30s")}, builder(t, job), plan.Options{Budget: 3 * time.Second,
		Begun: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	// 300 inputs of 2 s take 630 s on one container, with its start, and 330 s on two.
	if got := fmt.Sprint(r.Best.Settings); r.Goal != "cost.total" || !r.Kept ||
		got != "functions.f.max_containers=2 functions.f.scaledown_window=2s" {
		t.Errorf("%s: %s", r.Goal, got)
	}
}

// Questions that make no sense are refused with a reason.
func TestQuestionsThatAreNone(t *testing.T) {
	for _, c := range []struct {
		text string
		axes []experiment.Axis
		says string
	}{
		{bursty, small(), "no slo"},
		{bursty + limit, nil, "nothing to search"},
		{bursty + limit + "platform: none\n", small(), "price"},
		{bursty + limit, append(small(), small()[0]), "twice"},
	} {
		_, err := plan.Find(context.Background(), c.axes, builder(t, c.text), plan.Options{})
		var question *plan.QuestionError
		if !errors.As(err, &question) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v, where %q is to be told", err, c.says)
		}
	}
}

// Settings that contradict each other are left out and counted.
func TestContradictions(t *testing.T) {
	r, err := plan.Find(context.Background(), []experiment.Axis{axis("min_containers", "0", "2", "4"),
		axis("max_containers", "3", "6")}, builder(t, bursty+"slo: [{metric: latency.p95, max: 3s}]\n"),
		plan.Options{Budget: 5 * time.Second, Begun: time.Now().Add(time.Hour), NoVariants: true})
	if err != nil {
		t.Fatal(err)
	}
	if r.Space.Invalid != 1 || !r.Kept {
		t.Errorf("%d contradictions, want that of 4 and 3; kept %v", r.Space.Invalid, r.Kept)
	}
}
