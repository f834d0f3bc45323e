package shape

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/simcap/simcap/sim"
	"github.com/simcap/simcap/trace"
)

// measureShared measures a file of the data beside the checkout.
func measureShared(t *testing.T, path string, o trace.Options) *Shape {
	t.Helper()
	full := filepath.Join("..", "..", "..", "shared", "data", "traces", path)
	if _, err := os.Stat(full); err != nil {
		t.Skipf("../shared/data/traces/%s is not beside the checkout", path)
	}
	s, err := Measure(&File{Name: full, Options: o})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func (s *Shape) idc(window float64) float64 {
	for _, d := range s.Dispersion {
		if d.WindowS == window {
			return d.IDC
		}
	}
	return math.NaN()
}

func (s *Shape) peak(window float64) float64 {
	for _, p := range s.Peaks {
		if p.WindowS == window {
			return p.RatePerS
		}
	}
	return math.NaN()
}

// TestAgainstDescriptions compares with the figures that describe the real traces, which were computed
// by other means: two digits are given there.
func TestAgainstDescriptions(t *testing.T) {
	for _, c := range []struct {
		file                         string
		n                            int64
		spanMin, rate, peak1, peak60 float64
		over60, cv, cvWithin         float64
		idc1, idc10, idc60, ac1      float64
	}{
		{"azure-llm-2023/AzureLLMInferenceTrace_code.csv", 8819, 57.3, 2.57, 67, 10.5, 4.1, 13.2, 12.1,
			13.2, 71.6, 164, 0.16},
		{"azure-llm-2023/AzureLLMInferenceTrace_conv.csv", 19366, 58.4, 5.53, 16, 8.45, 1.53, 1.09,
			1.04, 1.39, 3.9, 16.1, 0.83},
		{"azure-functions-samples/invitro_Azure2021_200.csv", 199, 20, 0.166, 22, 0.70, 4.2, 1.86, 1.85,
			8.3, 8.4, 10.2, -0.13},
	} {
		s := measureShared(t, c.file, trace.Options{})
		if s.Arrivals != c.n {
			t.Errorf("%s: %d arrivals, want %d", c.file, s.Arrivals, c.n)
		}
		near(t, c.file+" span", s.SpanS/60, c.spanMin, 0.06)
		near(t, c.file+" rate", s.RatePerS, c.rate, 0.006)
		near(t, c.file+" peak 1 s", s.peak(1), c.peak1, 1)
		near(t, c.file+" peak 1 min", s.peak(60), c.peak60, 0.02*c.peak60)
		near(t, c.file+" peak 1 min over mean", s.Peaks[1].OverMean, c.over60, 0.07*c.over60)
		near(t, c.file+" cv", *s.CV, c.cv, 0.02*c.cv)
		near(t, c.file+" cv within", *s.CVWithin, c.cvWithin, 0.06*c.cvWithin)
		near(t, c.file+" idc 1 s", s.idc(1), c.idc1, 0.03*c.idc1)
		near(t, c.file+" idc 10 s", s.idc(10), c.idc10, 0.03*c.idc10)
		// Twenty minutes are few: whether a cut one at the end counts changes the last two figures.
		near(t, c.file+" idc 60 s", s.idc(60), c.idc60, (0.03+1/c.spanMin)*c.idc60)
		near(t, c.file+" ac1", s.Correlations[0].Correlation, c.ac1, 0.01+1/c.spanMin)
		if s.Verdict.Poisson {
			t.Errorf("%s is taken for a Poisson process", c.file)
		}
	}
}

// TestLambdaRunsArePoisson: they were sent as such.
func TestLambdaRunsArePoisson(t *testing.T) {
	for _, file := range []string{"2020-04-24_17-53-33", "2020-05-17_04-13-06", "2020-06-13_23-39-35"} {
		s := measureShared(t, "aws-lambda-pacs/"+file+".csv", trace.Options{})
		if *s.CV < 0.93 || *s.CV > 1.1 || !s.Verdict.Poisson {
			t.Errorf("%s: variation %v, %s", file, *s.CV, s.Verdict.Text)
		}
	}
}

func TestRateSeriesOfElasticLoadBalancer(t *testing.T) {
	s := measureShared(t, "nab-rates/elb_request_count_8c0756.csv", trace.Options{})
	near(t, "mean per 5 min", s.RatePerS*300, 61.8*4032/4040, 0.2)
	bins := s.Rate.Coarser(300)
	most := 0.0
	for _, r := range bins.PerS {
		most = math.Max(most, r)
	}
	near(t, "peak over mean", most/s.RatePerS, 10.6, 0.1)
	busiest, quietest := 0.0, math.Inf(1)
	at := 0
	for h, r := range s.Hours {
		if r > busiest {
			busiest, at = r, h
		}
		quietest = math.Min(quietest, r)
	}
	near(t, "busiest hour over mean", busiest/s.RatePerS, 1.53, 0.02)
	near(t, "quietest hour over mean", quietest/s.RatePerS, 0.68, 0.02)
	if at != 17 {
		t.Errorf("busiest at %d h", at)
	}
}

// process feeds a meter with a Poisson process whose rate is given.
func process(rate func(s float64) float64, most, span float64, extra func(*Meter, sim.Time)) *Shape {
	random := rand.New(rand.NewPCG(1, 2))
	m := NewMeter(0)
	nan := math.NaN()
	for at := 0.0; ; {
		at += random.ExpFloat64() / most
		if at >= span {
			break
		}
		if random.Float64()*most < rate(at) {
			m.Add(&trace.Row{At: sim.Time(at * 1e9), Size: nan, Demand: nan, Prompt: nan, Output: nan})
			if extra != nil {
				extra(m, sim.Time(at*1e9))
			}
		}
	}
	return m.Shape(sim.Time(span * 1e9))
}

func TestPoissonProcess(t *testing.T) {
	s := process(func(float64) float64 { return 2 }, 2, 2*86400, nil)
	near(t, "cv", *s.CV, 1, 0.01)
	near(t, "cv within", *s.CVWithin, 1, 0.02)
	for _, d := range s.Dispersion {
		near(t, "idc", d.IDC, 1, 4*math.Sqrt(2/float64(d.Windows)))
	}
	for _, l := range s.Correlations {
		near(t, "correlation", l.Correlation, 0, 0.08)
	}
	if !s.Verdict.Poisson || len(s.Bursts) != 0 || len(s.Hours) != 24 {
		t.Errorf("%+v, %d bursts, %d hours", s.Verdict, len(s.Bursts), len(s.Hours))
	}
	for h, r := range s.Hours {
		near(t, "hour", r, 2, 0.15)
		_ = h
	}
}

func TestDailyCurveAndBurst(t *testing.T) {
	s := process(func(at float64) float64 {
		if at > 50_000 && at < 50_060 {
			return 20
		}
		return 1 - math.Cos(2*math.Pi*at/86400)
	}, 20, 3*86400, nil)
	near(t, "noon", s.Hours[12], 2, 0.15)
	near(t, "midnight", s.Hours[0], 0, 0.05)
	if len(s.Bursts) == 0 || math.Abs(s.Bursts[0].StartS-50_000) > 30 ||
		math.Abs(s.Bursts[0].LengthS-60) > 31 {
		t.Errorf("bursts %+v", s.Bursts)
	}
	day := s.Correlations[len(s.Correlations)-1]
	if day.LagS != 86400 || day.Correlation < 0.2 {
		t.Errorf("correlation with the day before %+v", day)
	}
	if s.Verdict.Poisson {
		t.Error(s.Verdict.Text)
	}
}

// TestCorrelationAgainstDefinition compares the one-pass sums with the definition, with stretches of
// silence longer than all that the sums remember.
func TestCorrelationAgainstDefinition(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	counts := make([]float64, 9000)
	c := newCorrelator()
	for minute := range counts {
		if minute > 2000 && minute < 7000 {
			continue
		}
		n := random.IntN(5) * (minute / 100 % 2)
		for range n {
			c.add(sim.Time(minute) * sim.Minute)
		}
		counts[minute] = float64(n)
	}
	mean, all := 0.0, 0.0
	for _, x := range counts {
		mean += x / float64(len(counts))
	}
	for _, x := range counts {
		all += (x - mean) * (x - mean)
	}
	got := c.lags(sim.Time(len(counts)) * sim.Minute)
	if len(got) != len(lags) {
		t.Fatalf("%d lags", len(got))
	}
	for i, lag := range lags {
		want := 0.0
		for j := 0; j+lag < len(counts); j++ {
			want += (counts[j] - mean) * (counts[j+lag] - mean)
		}
		near(t, "lag", got[i].Correlation, want/all, 1e-9)
	}
}

// TestQueueOfPoissonProcess: the simulated queue of a Poisson process waits as Erlang's formula says.
func TestQueueOfPoissonProcess(t *testing.T) {
	q := NewQueues(2, []float64{0.1, 1, 10})
	random := rand.New(rand.NewPCG(1, 2))
	for at := 0.0; at < 400_000; {
		at += random.ExpFloat64() / 2
		q.Add(&trace.Row{At: sim.Time(at * 1e9)})
	}
	for _, r := range q.Result(2) {
		near(t, "mean wait", r.WaitMeanS, r.PoissonMeanS, 0.05*r.PoissonMeanS)
		near(t, "p99 wait", r.WaitP99S, r.PoissonP99S, 0.05*r.PoissonP99S)
		if r.Utilization > 0.7+1e-9 {
			t.Errorf("utilization %v", r.Utilization)
		}
	}
	// M/M/1 at 0.5: half of the arrivals wait; M/M/2 with a load of 1: a third.
	near(t, "C(1, 0.5)", ErlangC(1, 0.5), 0.5, 1e-12)
	near(t, "C(2, 1)", ErlangC(2, 1), 1.0/3, 1e-12)
}

func TestLongSeriesAreJoined(t *testing.T) {
	s := newSeries()
	for at := sim.Time(0); at < 30*sim.Day; at += 10 * sim.Minute {
		s.add(at)
	}
	r := s.rates(30 * sim.Day)
	total := 0.0
	for _, v := range r.PerS {
		total += v * r.StepS
	}
	near(t, "arrivals", total, 30*144, 1e-6)
	if len(r.PerS) > mostSteps || r.StepS != 300 {
		t.Errorf("%d steps of %v s", len(r.PerS), r.StepS)
	}
	hours := r.Coarser(3600)
	if len(hours.PerS) != 720 || hours.StepS != 3600 {
		t.Errorf("%d steps of %v s", len(hours.PerS), hours.StepS)
	}
	near(t, "rate", hours.PerS[100], 6.0/3600, 1e-9)
}
