package specimen

import (
	"fmt"
	"math"

	"github.com/simcap/simcap/experiment"
)

// Result is a small result of the given cost per hour in USD and p99 latency in seconds, with objectives of
// 8 s and the given cost, each known to the given relative half-width; 0: without intervals.
func Result(costPerHour, p99, limit, spread float64) *experiment.Result {
	estimate := func(v float64) experiment.Estimate {
		e := experiment.Estimate{Value: &v}
		if spread > 0 {
			low, high := v*(1-spread), v*(1+spread)
			e.Low, e.High = &low, &high
		}
		return e
	}
	busy, hours := estimate(0.4), 24.0
	horizon := hours * 3600
	m := experiment.Measures{
		LatencyS: experiment.Quantiles{Mean: estimate(p99 / 6), P50: estimate(p99 / 8),
			P90: estimate(p99 / 3),
			P95: estimate(p99 / 2), P99: estimate(p99), P999: estimate(p99 * 2), Max: estimate(p99 * 3)},
		ThroughputPerS: estimate(10), RejectedFraction: estimate(0), ColdStartFraction: estimate(p99 / 1000),
		CompletedFraction: estimate(1), Utilization: &busy,
		Inputs: experiment.InputCounts{Submitted: estimate(864_000), Completed: estimate(864_000)},
		BreakdownS: experiment.Breakdown{Cold: estimate(p99 / 12), Queue: estimate(p99 / 24),
			Service: estimate(p99 / 24), Backoff: estimate(0), BatchWait: estimate(0),
			Interference: estimate(0),
			Overhead:     estimate(0)},
		Containers: &experiment.ContainerCounts{LiveMean: estimate(4), BusyMean: estimate(2),
			IdleMean:     estimate(1.6),
			StartingMean: estimate(0.4), Peak: estimate(9), Started: estimate(40)},
		CostUSD: &experiment.Cost{Total: estimate(costPerHour * hours),
			Busy: estimate(costPerHour * hours * 0.5),
			Idle: estimate(costPerHour * hours * 0.4), Cold: estimate(costPerHour * hours * 0.1),
			PerHour: estimate(costPerHour), Per1kInputs: estimate(costPerHour / 36)},
	}
	r := &experiment.Result{Simcap: "v0.1.0", Scenario: "embeddings", Seed: 1, Replications: 8,
		HorizonS:  &horizon,
		Functions: map[string]experiment.Measures{"embed": m},
		Workloads: map[string]experiment.Measures{}, Total: m,
		Warnings: []string{}}
	for _, o := range []experiment.Objective{{Metric: "latency.p99", Max: 8, Min: math.NaN()},
		{Metric: "cost.per_hour", Max: limit, Min: math.NaN()}} {
		e, _ := r.Metric(o.Metric, o.Function, o.Workload)
		r.SLO = append(r.SLO, o.Judge(e))
	}
	return r
}

// Sweep is a sweep over the given numbers of values of three axes; 1 leaves an axis constant. Cost rises and
// latency falls along the first two.
func Sweep(windows, warm, batches int) *experiment.Sweep {
	s := &experiment.Sweep{Simcap: "v0.1.0", Scenario: "embeddings on L40S", Seed: 1, Cost: "cost.per_hour",
		Latency: "latency.p99", Planned: windows * warm * batches}
	axis := func(key string, n int, value func(i int) string) {
		a := experiment.Axis{Key: key}
		for i := range n {
			a.Values = append(a.Values, value(i))
		}
		s.Axes = append(s.Axes, a)
	}
	axis("functions.embed.scaledown_window", windows, func(i int) string { return fmt.Sprintf("%ds", 30<<i) })
	axis("functions.embed.min_containers", warm, func(i int) string { return fmt.Sprint(i) })
	axis("functions.embed.batched.max_batch_size", batches, func(i int) string { return fmt.Sprint(1 << i) })
	index := 0
	for i := range windows {
		for k := range warm {
			for b := range batches {
				cost := 1.2 + 0.85*float64(k) + 0.12*float64(i) + 0.3/float64(1+b)
				p99 := 48*math.Exp(-0.5*float64(k)-0.25*float64(i)) + 1.5 + 0.4*float64(b)
				q := experiment.SweepPoint{Index: index, Result: Result(cost, p99, 4, 0.04),
					Point: experiment.Point{
						{Key: s.Axes[0].Key, Value: s.Axes[0].Values[i]},
						{Key: s.Axes[1].Key, Value: s.Axes[1].Values[k]},
						{Key: s.Axes[2].Key, Value: s.Axes[2].Values[b]}}}
				q.Verdict = q.Result.SLOVerdict()
				if k == warm-1 && i == 0 && warm > 2 {
					q.Verdict, q.Error, q.Result = experiment.Impossible,
						"min_containers is above max_containers", nil
				}
				s.Points = append(s.Points, q)
				index++
			}
		}
	}
	markFrontier(s.Points)
	return s
}

// markFrontier marks the points that no other beats in cost and latency.
func markFrontier(points []experiment.SweepPoint) {
	at := func(i int) (cost, late float64, ok bool) {
		r := points[i].Result
		if r == nil {
			return 0, 0, false
		}
		return *r.Total.CostUSD.PerHour.Value, *r.Total.LatencyS.P99.Value, true
	}
	for i := range points {
		cost, late, ok := at(i)
		points[i].Frontier = ok
		for k := range points {
			c, l, any := at(k)
			if any && (c < cost && l <= late || c <= cost && l < late) {
				points[i].Frontier = false
			}
		}
	}
}
