package specimen

import (
	"fmt"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/experiment/plan"
)

// Comparison compares the given number of systems: each further one costs less and is slower in the
// tail. With
// detail the distributions of latency are there to be overlaid; with one replication nothing is sure.
func Comparison(systems int, detail bool, replications int) *experiment.Comparison {
	spread := 0.05
	if replications < 2 {
		spread = 0
	}
	c := &experiment.Comparison{Simcap: "v0.1.0", Seed: 1, Replications: replications,
		Warnings: []string{"p99.9 of 8 pairs means little"}}
	for i := range systems {
		r := Result(3.6-0.5*float64(i), 4*(1+0.5*float64(i)), 4, spread)
		if detail {
			k := Day()
			k.ColdS *= 1 + 0.5*float64(i)
			r.Detail = Make(k).Detail
		}
		name := "today"
		var point experiment.Point
		if i > 0 {
			name = fmt.Sprintf("window of %d s", 300/(i*i))
			point = experiment.Point{{Key: "functions.embed.scaledown_window",
				Value: fmt.Sprintf("%ds", 300/(i*i))}}
		}
		c.Systems = append(c.Systems, experiment.System{Name: name, Point: point, Result: r})
	}
	for _, name := range []string{"cost.per_hour", "latency.p50", "latency.p99", "cold_start_fraction",
		"utilization", "latency.max"} {
		row := experiment.ComparisonRow{Metric: name}
		for i := range c.Systems {
			e, _ := c.Systems[i].Result.Metric(name, "", "")
			row.Values = append(row.Values, e)
			d := experiment.Difference{}
			if i > 0 {
				first := *row.Values[0].Value
				absolute, relative := *e.Value-first, *e.Value/first-1
				d.Absolute.Value, d.Relative.Value = &absolute, &relative
				d.Noise = name == "utilization" || spread == 0
				if spread > 0 {
					low, high := relative-0.06, relative+0.06
					d.Relative.Low, d.Relative.High = &low, &high
					least, most := low*first, high*first
					d.Absolute.Low, d.Absolute.High = &least, &most
				}
			}
			row.Differences = append(row.Differences, d)
		}
		c.Rows = append(c.Rows, row)
	}
	return c
}

// Capacity is a search over the given GPUs; none is the file as it is.
func Capacity(gpus ...string) *experiment.Capacity {
	c := &experiment.Capacity{Simcap: "v0.1.0", Scenario: "embeddings on L40S", Seed: 1,
		Workloads: []string{"web"}}
	if len(gpus) == 0 {
		gpus = []string{""}
	}
	for i, gpu := range gpus {
		s := experiment.CapacitySearch{Bounded: true, Limit: "p99 latency is 9.2 s, 15% above the " +
			"limit of 8 s"}
		if gpu != "" {
			s.Variant = experiment.Point{{Key: "functions.embed.gpu", Value: gpu}}
		}
		rate, low, high := 60*float64(i+1), 57*float64(i+1), 63*float64(i+1)
		factor, below, above := rate/40, low/40, high/40
		s.RatePerS = experiment.Estimate{Value: &rate, Low: &low, High: &high}
		s.Factor = experiment.Estimate{Value: &factor, Low: &below, High: &above}
		s.AtCapacity = Result(3, 7.8, 4, 0.04)
		for _, share := range []float64{0.5, 1, 2, 1.5, 1.2, 0.9, 1.05} {
			r := Result(2+share, 7.8*share*share, 4, 0.04)
			s.Steps = append(s.Steps, experiment.CapacityStep{RatePerS: rate * share, Factor: factor * share,
				Verdict: r.SLOVerdict(), Replications: 8, SLO: r.SLO})
		}
		c.Searches = append(c.Searches, s)
	}
	return c
}

// Plan is the plan over a sweep's grid; kept says that some setting keeps the SLO.
func Plan(windows, warm, batches int, kept bool) *plan.Result {
	s := Sweep(windows, warm, batches)
	r := &plan.Result{Simcap: s.Simcap, Scenario: s.Scenario, Seed: 1, Goal: "cost.per_hour", Kept: kept,
		Confidence: 0.97, Warnings: []string{}, Space: plan.Space{Settings: int64(len(s.Points)),
			Equivalent: int64(len(s.Points)), Simulated: len(s.Points), Replications: 8 * len(s.Points),
			Exhaustive: true, ScreenS: 3600}}
	for _, a := range s.Axes {
		r.Space.Axes = append(r.Space.Axes, plan.Axis{Key: a.Key, Values: a.Values})
	}
	setting := func(q *experiment.SweepPoint, keeps plan.Keeps) plan.Setting {
		return plan.Setting{Settings: q.Point, Replications: 8, Keeps: keeps,
			Cost: q.Result.Total.CostUSD.PerHour,
			SLO:  q.Result.SLO, LatencyS: q.Result.Total.LatencyS, Chance: 0.02,
			Functions: map[string]experiment.Quantiles{"embed": q.Result.Total.LatencyS}}
	}
	words := map[string]plan.Keeps{experiment.Kept: plan.Yes, experiment.Missed: plan.No,
		experiment.Undecided: plan.Unsure}
	for i := range s.Points {
		q := &s.Points[i]
		if q.Result == nil {
			r.Space.Invalid++
			continue
		}
		keeps := words[q.Verdict]
		if !kept && keeps == plan.Yes {
			keeps = plan.No
		}
		slack := 1 - *q.Result.Total.LatencyS.P99.Value/8
		sample := plan.Sample{Replications: 8, Cost: *q.Result.Total.CostUSD.PerHour.Value,
			Slack: &slack, Keeps: keeps}
		for _, v := range q.Point {
			sample.Values = append(sample.Values, v.Value)
		}
		r.Explored = append(r.Explored, sample)
		now := setting(q, keeps)
		switch {
		case r.Today == nil:
			r.Today = &now
		case (keeps == plan.Yes || !kept) && (r.Best == nil || sample.Cost < *r.Best.Cost.Value):
			if r.Best != nil {
				r.RunnersUp = append(r.RunnersUp, *r.Best)
			}
			r.Best = &now
		}
	}
	if r.Best == nil {
		return r
	}
	saved, low, high := *r.Today.Cost.Value-*r.Best.Cost.Value, *r.Today.Cost.Value-*r.Best.Cost.Value-0.1,
		*r.Today.Cost.Value-*r.Best.Cost.Value+0.1
	r.Saving = &plan.Saving{Cost: experiment.Estimate{Value: &saved, Low: &low, High: &high},
		Fraction: saved / *r.Today.Cost.Value}
	r.Binding = &plan.Binding{Objective: 0, Slack: 0.08, Breaks: 30, Cheaper: 31}
	r.Apply = []plan.Snippet{{Function: "embed", Arguments: []string{"min_containers=2",
		"scaledown_window=960"},
		Decorators: []string{"@modal.batched(max_batch_size=4, wait_ms=100)"}}}
	r.Steps = []plan.Step{{Key: s.Axes[1].Key, From: "2", To: "1", Cheaper: true, Breaks: []int{0},
		Setting: *r.Today}}
	for i, name := range []string{"traffic ×2", "traffic ÷2", "cold starts ×2", "autoscaler gain 0.5"} {
		same, best := *r.Best, *r.Today
		if i == 0 {
			same.Keeps = plan.No
		}
		v := plan.Variant{Name: name, Same: &same, Best: &best, Kept: true, Moved: []string{s.Axes[1].Key}}
		if i == 2 {
			v.Best, v.Moved = &same, nil
		}
		r.Sensitivity = append(r.Sensitivity, v)
	}
	return r
}
