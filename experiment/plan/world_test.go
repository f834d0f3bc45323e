package plan

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/model"
)

func simulate(t *testing.T, b experiment.Builder, p experiment.Point) *experiment.Result {
	t.Helper()
	s, err := b(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range s.Model.Validate() {
		if !problem.Warning {
			t.Fatal(problem)
		}
	}
	r, err := experiment.Replicate(context.Background(), s, 1, experiment.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Every process has twice as many calls in a world of twice the traffic: given instants exactly, random
// ones within five standard deviations.
func TestTwiceTheTraffic(t *testing.T) {
	for process, exact := range map[string]bool{
		"{process: poisson, rate: 3/s}":                                                             false,
		"{process: constant, rate: 3/s}":                                                            true,
		"{process: renewal, interarrival: {dist: gamma, mean: 300ms, cv: 0.5}}":                     false,
		"{process: renewal, interarrival: 300ms}":                                                   true,
		"{process: diurnal, base: 1/s, peak: 5/s, period: 5m, peak_at: 1m}":                         false,
		"{process: piecewise, points: [[0s, 2/s], [5m, 4/s]]}":                                      false,
		"{process: at, times: [1s, 2s, 3s]}":                                                        true,
		"{process: once}":                                                                           true,
		"{process: constant, rate: 3/s, count: 50}":                                                 true,
		"{process: poisson, rate: 2/s, group: 2}":                                                   false,
		"{process: mmpp, states: [{rate: 4/s, mean_duration: 1s}, {rate: 2/s, mean_duration: 1s}]}": false,
	} {
		i, j := strings.Index(text, "{process:"), strings.Index(text, "}\nslo")
		b := build(t, text[:i]+process+text[j:])
		double := worlds()[0]
		once := *simulate(t, b, nil).Total.Inputs.Submitted.Value
		twice := *simulate(t, double.in(b), nil).Total.Inputs.Submitted.Value
		room := 0.0
		if !exact {
			room = 5 * math.Sqrt(6*once)
		}
		if math.Abs(twice-2*once) > room+1 { // one may fall on the horizon
			t.Errorf("%s: %v inputs become %v", process, once, twice)
		}
	}
}

// Closed clients are twice as many; today's scenario stays as it was.
func TestTwiceTheClients(t *testing.T) {
	i, j := strings.Index(text, "{process:"), strings.Index(text, "}\nslo")
	b := build(t, text[:i]+"{process: closed, clients: 3, think: 20s}"+text[j:])
	once := *simulate(t, b, nil).Total.Inputs.Submitted.Value
	twice := *simulate(t, worlds()[0].in(b), nil).Total.Inputs.Submitted.Value
	if twice < 1.7*once || twice > 2.1*once {
		t.Errorf("%v inputs become %v", once, twice)
	}
	if again := *simulate(t, b, nil).Total.Inputs.Submitted.Value; again != once {
		t.Errorf("today's %v inputs have become %v", once, again)
	}
}

func TestTwiceTheColdStart(t *testing.T) {
	b := build(t, text)
	today, err := b(nil)
	if err != nil {
		t.Fatal(err)
	}
	world, err := worlds()[1].in(b)(nil)
	if err != nil {
		t.Fatal(err)
	}
	mean := func(c *model.Config) float64 { return c.Functions[0].ColdStart.Stages[0].Time.Mean() }
	if got := mean(&world.Model) / mean(&today.Model); math.Abs(got-2) > 1e-12 {
		t.Errorf("cold starts become %v times as long", got)
	}
	if world.Model.Functions[0].StartupTimeout != 2*today.Model.Functions[0].StartupTimeout {
		t.Error("the limit of starts stays")
	}
}

// Screening is as long as its traffic needs: whole days, which may pass faster, enough calls of every
// workload, or all of it.
func TestScreening(t *testing.T) {
	for _, c := range []struct {
		process, horizon string
		horizonS         float64 // 0: the full horizon
		squeeze          float64
	}{
		{"{process: poisson, rate: 100/s}", "24h", 1200, 1}, // 20 windows of 60 s
		{"{process: poisson, rate: 1/s}", "24h", 20_000, 1}, // 20,000 inputs
		{"{process: constant, rate: 10/h}", "24h", 0, 1},    // which would take longer
		{"{process: diurnal, base: 1/s, peak: 9/s}", "7d", 10_800, 8},
		{"{process: diurnal, base: 1/s, peak: 2/s}", "1d", 14_400, 6}, // 20,000 inputs take 13,333 s
		{"{process: piecewise, points: [[0h, 9/s], [9h, 20/s]]}", "7d", 75_600, 8},
		{"{process: once}", "24h", 0, 1},
	} {
		i, j := strings.Index(text, "{process:"), strings.Index(text, "}\nslo")
		s, err := build(t, strings.Replace(text[:i]+c.process+text[j:], "horizon: 10m", "horizon: "+c.horizon, 1))(nil)
		if err != nil {
			t.Fatal(err)
		}
		got := newScreening(&s.Model, 0)
		if math.Abs(got.horizon.Seconds()-c.horizonS) > 1e-6*c.horizonS || got.squeeze != c.squeeze {
			t.Errorf("%s over %s is screened over %v s, %v times as fast; want %v and %v", c.process, c.horizon,
				got.horizon.Seconds(), got.squeeze, c.horizonS, c.squeeze)
		}
	}
}

// A day that passes faster has the same levels: a fraction of the inputs, in the same shape, at about the
// same cost per hour.
func TestFasterDays(t *testing.T) {
	for _, process := range []string{"{process: diurnal, base: 1/s, peak: 9/s}",
		"{process: piecewise, points: [[0h, 2/s], [9h, 9/s], [18h, 4/s]], interpolate: linear, repeat: 24h}"} {
		i, j := strings.Index(text, "{process:"), strings.Index(text, "}\nslo")
		b := build(t, strings.Replace(text[:i]+process+text[j:], "horizon: 10m", "horizon: 24h", 1))
		day := simulate(t, b, nil)
		quick := simulate(t, func(p experiment.Point) (*experiment.Scenario, error) {
			s, err := b(p)
			if err == nil {
				newScreening(&s.Model, 0).apply(&s.Model)
			}
			return s, err
		}, nil)
		inputs := *day.Total.Inputs.Submitted.Value / *quick.Total.Inputs.Submitted.Value
		if math.Abs(inputs-8) > 0.15 {
			t.Errorf("%s: %v times as many inputs, want 8", process, inputs)
		}
		if cost := *quick.Total.CostUSD.PerHour.Value / *day.Total.CostUSD.PerHour.Value; math.Abs(cost-1) > 0.05 {
			t.Errorf("%s: %v times the cost per hour", process, cost)
		}
		if p95 := *quick.Total.LatencyS.P95.Value / *day.Total.LatencyS.P95.Value; math.Abs(p95-1) > 0.15 {
			t.Errorf("%s: %v times the p95", process, p95)
		}
	}
}

func TestApply(t *testing.T) {
	b := build(t, `
simcap: 1
name: apply
horizon: 10m
functions:
  f:
    gpu: "H100:2"
    concurrent: {max_inputs: 8, target_inputs: 4}
    service: {time: 1s}
    updates: [{at: 8h30m, every: 24h, min_containers: 3, scaledown_window: 90s}]
  g: {gpu: L4, batched: {max_batch_size: 16, wait_ms: 20}, service: {batch: {base: 10ms, per_input: 1ms}}}
workloads:
  - {name: w, function: f, arrivals: {process: poisson, rate: 1/s}}
`)
	p := experiment.Point{
		{Key: "functions.f.min_containers", Value: "2"}, {Key: "functions.f.scaledown_window", Value: "2m"},
		{Key: "functions.f.max_containers", Value: "none"}, {Key: "functions.f.memory", Value: "16GiB"},
		{Key: "functions.f.gpu", Value: "H100:2"}, {Key: "functions.f.concurrent.max_inputs", Value: "10"},
		{Key: "functions.f.concurrent.target_inputs", Value: "6"}, {Key: "functions.f.updates.0.min_containers", Value: "4"},
		{Key: "functions.f.service.time", Value: "500ms"}, {Key: "functions.g.batched.max_batch_size", Value: "32"},
		{Key: "platform.routing", Value: "newest"},
	}
	s, err := b(p)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, sn := range apply(p, &s.Model) {
		got = append(got, sn.Function+": "+strings.Join(sn.Arguments, ", ")+" | "+strings.Join(sn.Decorators, " ")+" | "+
			strings.Join(sn.Calls, " "))
		for _, o := range sn.Other {
			got = append(got, o.Key)
		}
	}
	want := []string{
		`f: min_containers=2, scaledown_window=120, max_containers=None, memory=16384, gpu="H100:2" | ` +
			`@modal.concurrent(max_inputs=10, target_inputs=6) | ` +
			`f.update_autoscaler(min_containers=4, scaledown_window=90)  # at 8h30m, every 24h`,
		"functions.f.service.time",
		"g:  | @modal.batched(max_batch_size=32, wait_ms=20) | ", ":  |  | ", "platform.routing"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
