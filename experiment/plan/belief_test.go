package plan

import (
	"math"
	"testing"

	"github.com/simcap/simcap/experiment"
)

var nan = math.NaN()

func TestRatios(t *testing.T) {
	for _, c := range []struct {
		o        experiment.Objective
		v        float64
		ratio    float64 // of the logarithms, without what keeps them finite
		slack    float64
		accurate float64
	}{
		{experiment.Objective{Metric: "latency.p95", Max: 2, Min: nan}, 2, 0, 0, 1e-9},
		{experiment.Objective{Metric: "latency.p95", Max: 2, Min: nan}, 4, math.Log(2), -1, 0.01},
		{experiment.Objective{Metric: "latency.p95", Max: 2, Min: nan}, 1, -math.Log(2), 0.5, 0.01},
		{experiment.Objective{Metric: "throughput", Max: nan, Min: 10}, 5, math.Log(2), -0.5, 0.01},
		{experiment.Objective{Metric: "completed_fraction", Max: nan, Min: 0.99}, 0.98, math.Log(2), -0.0101, 0.02},
		{experiment.Objective{Metric: "rejected_fraction", Max: 0, Min: nan}, 0, 0, 0, 1e-9},
		{experiment.Objective{Metric: "latency.p95", Max: 2, Min: nan}, nan, 3, nan, 0},
	} {
		if got := ratioOf(&c.o, c.v); math.Abs(got-c.ratio) > c.accurate {
			t.Errorf("%v: ratio of %v is %v, want %v", c.o, c.v, got, c.ratio)
		}
		if got := slackOf(&c.o, c.v); math.Abs(got-c.slack) > 1e-3 || math.IsNaN(got) != math.IsNaN(c.slack) {
			t.Errorf("%v: slack of %v is %v, want %v", c.o, c.v, got, c.slack)
		}
	}
}

// E[max(0, ref - X)] of a normal X: where the mean is the reference it is σ/√(2π).
func TestExpectedSaving(t *testing.T) {
	for _, c := range [][4]float64{{10, 10, 2, 2 / math.Sqrt(2*math.Pi)}, {10, 8, 0, 2}, {10, 12, 0, 0},
		{10, 4, 1e-6, 6}} {
		if got := saving(c[0], c[1], c[2]); math.Abs(got-c[3]) > 1e-9 {
			t.Errorf("saving(%v, %v, %v) is %v, want %v", c[0], c[1], c[2], got, c[3])
		}
	}
}

// Student's t with 9 degrees of freedom is below 2.262157 with probability 0.975.
func TestChanceToKeep(t *testing.T) {
	o := &experiment.Objective{Metric: "latency.p95", Max: 2, Min: nan}
	for _, c := range [][3]float64{{2 - 2.262157*0.1, 0.1, 0.975}, {2, 0.1, 0.5}, {1.9, 0, 1}, {2.1, 0, 0}} {
		if got := chanceOf(o, c[0], c[1], 9); math.Abs(got-c[2]) > 1e-6 {
			t.Errorf("mean %v ± %v keeps 2 with chance %v, want %v", c[0], c[1], got, c[2])
		}
	}
	if chanceOf(o, nan, 0, 9) != 0 {
		t.Error("no value may keep the objective")
	}
}

func estimate(v, half float64) experiment.Estimate {
	low, high := v-half, v+half
	return experiment.Estimate{Value: &v, Low: &low, High: &high}
}

// The search is stricter than an interval of 95 %, and does not trust few replications.
func TestJudgement(t *testing.T) {
	o := &experiment.Objective{Metric: "cold_start_fraction", Max: 2, Min: nan}
	for _, c := range []struct {
		e        experiment.Estimate
		n, quiet int
		want     Keeps
	}{
		{estimate(1, 0.9), 30, 0, Unsure}, // ±0.9 at 95 % is ±1.2 at 99 %
		{estimate(1, 0.7), 30, 0, Yes},
		{estimate(1, 0.1), 5, 0, Unsure},
		{estimate(3, 0.1), 3, 0, No},
		{estimate(3, 0.1), 2, 0, Unsure},
		{estimate(0, 0), 8, 20, Unsure}, // events that were not seen yet
		{estimate(0, 0), 20, 20, Yes},
		{experiment.Estimate{}, 8, 0, No},
	} {
		if got := judge(o, c.e, c.n, c.quiet); got != c.want {
			t.Errorf("%v of %d replications, quiet %d: %s, want %s", c.e, c.n, c.quiet, got, c.want)
		}
	}
}

// An event that comes in a tenth of the replications, and then in 5 % of the inputs, is at a bound of
// 0.5 %; without it (1 - 0.1)ⁿ falls to 2.5 % at n = 36.
func TestRareEvents(t *testing.T) {
	s := &search{runner: runner{objectives: []experiment.Objective{{Metric: "cold_start_fraction", Max: 0.005, Min: nan}}}}
	r := &record{at: []int{0}}
	for n := range 20 {
		v := 0.0
		if n%10 == 0 {
			v = 0.05
		}
		r.full = append(r.full, &trial{slo: []float64{v}})
	}
	s.order = []*record{r}
	s.rare()
	if got := s.spread.quiet[0]; got != 36 {
		t.Errorf("%d replications without the event are enough, want 36", got)
	}
	s.objectives[0].Metric = "latency.p95"
	if s.rare(); s.spread.quiet[0] != 0 {
		t.Error("a latency is no event")
	}
}

// Five readings of Hahn and Meeker (Statistical Intervals, 4.2 and 4.7): 50.10 on average, and the next one
// lies between 46.1 and 54.1 with 95 %. An objective of 53 is kept by the readings, and unsure.
func TestLargestOfTheNextRun(t *testing.T) {
	var trials []*trial
	for _, v := range []float64{51.4, 49.5, 48.7, 49.3, 51.6} {
		trials = append(trials, &trial{slo: []float64{v}})
	}
	e := inNext(append(trials, &trial{slo: []float64{nan}}), 0)
	if *e.Value != 51.6 || math.Abs(*e.Low-46.1) > 0.05 || math.Abs(*e.High-54.1) > 0.05 {
		t.Errorf("%v from %v to %v, want 51.6 from 46.1 to 54.1", *e.Value, *e.Low, *e.High)
	}
	for limit, want := range map[float64]bool{53: false, 54.5: true} {
		o := &experiment.Objective{Metric: "makespan.max", Max: limit, Min: nan}
		if met := o.Judge(e).Met; !isLargest(o) || (met != nil) != want || met != nil && !*met {
			t.Errorf("a limit of %v is not judged as it should be", limit)
		}
	}
	if e := inNext(trials[:1], 0); e.Low != nil {
		t.Error("one run tells nothing of the next")
	}
	if e := inNext(nil, 0); e.Value != nil {
		t.Error("without a run there is no largest value")
	}
}
