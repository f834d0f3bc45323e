// Package validation compares simcap with what is known: the exact answers of queueing theory, other
// simulators, and measurements of real platforms. The same cases are tests, the command `simcap
// validate` and docs/validation.md.
package validation

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/scenarios"
	"github.com/simcap/simcap/stats"
)

// Level is the level of all confidence intervals here: with fixed seeds and some hundred comparisons
// none of a correct simulator's is expected to miss, and at the widths that are asked for an error of
// one or two percent is found.
const Level = 0.999

// Case is one system with the answers that are known of it.
type Case struct {
	Name   string // of small letters, digits and _
	Title  string // the system in the words of its field
	Source string // whose answers these are
	System bench
	Checks []Check
}

// Check is one measure of a case and what it should be. Where Exact is 0 and Peer is set, the answer
// is itself an estimate.
type Check struct {
	Name    string
	Unit    string // "s", "1/s" or none
	Measure Measure
	Exact   float64
	Peer    *Peer
	Within  float64 // half-width of the interval relative to the answer, at most; 0: 1.5 %
}

// Peer is what another simulator estimates: the mean over runs and its 95 % half-width; or where RunS is
// set, the figure of one run of so many seconds, and the most that it was rounded by.
type Peer struct {
	Value, Half float64
	Runs        int
	RunS        float64
}

// Measure is how a check reads a run.
type Measure struct {
	metric string // one of experiment.MetricNames
	of     func(*experiment.Measures) experiment.Estimate
	row    func(*model.InputRow) float64 // mean over the inputs of the window
	weight func(*model.InputRow) float64 // of an input in that mean; nil: 1
	scale  float64                       // factor; 0: 1
	perS   bool                          // divided by the window's length
	offset float64                       // added last
	sketch bool                          // a quantile, which simcap knows to 0.5 %
	wave   wave                          // a measure of the busy containers over time
}

// Finding is what became of a check.
type Finding struct {
	Case  *Case
	Check *Check
	// Value is simcap's estimate, Low and High its interval. Against a peer the interval is that of the
	// difference, laid around simcap's value.
	Value, Low, High float64
}

// Answer is what the value should be.
func (f *Finding) Answer() float64 {
	if f.Check.Peer != nil {
		return f.Check.Peer.Value
	}
	return f.Check.Exact
}

// Agrees says whether the answer lies in the interval, but for the last digits of its arithmetic: an
// interval may have no width, where all replications say the same.
func (f *Finding) Agrees() bool {
	slack := 1e-9 * math.Abs(f.Answer())
	return f.Low-slack <= f.Answer() && f.Answer() <= f.High+slack
}

// Sharp says whether the interval is narrow enough for agreement to mean something.
func (f *Finding) Sharp() bool {
	most := f.Check.Within
	if most == 0 {
		most = defaultWithin
	}
	return (f.High-f.Low)/2 <= most*math.Abs(f.Answer())
}

const defaultWithin = 0.015

// sketchError is the largest relative error of the quantiles in results.
const sketchError = 0.005

// Run simulates the case and compares. Its findings depend on the case alone.
func Run(ctx context.Context, c *Case) ([]Finding, error) {
	s, found := scenarios.Load(c.Name+".yaml", []byte(c.Scenario()), scenarios.Options{})
	if found.Failed() {
		return nil, fmt.Errorf("validation: %s: %s", c.Name, found[0].Message)
	}
	estimate := estimates
	if c.Checks[0].Measure.wave != 0 {
		estimate = waves
	}
	means, halves, err := estimate(ctx, c, s)
	if err != nil {
		return nil, fmt.Errorf("validation: %s: %w", c.Name, err)
	}
	findings := make([]Finding, len(c.Checks))
	for i := range c.Checks {
		findings[i] = judge(c, &c.Checks[i], means[i], halves[i])
	}
	return findings, nil
}

// estimates are the means and half-widths of a case's checks.
func estimates(ctx context.Context, c *Case, s *experiment.Scenario) (means, halves []float64,
	err error) {
	gather := newRowMeans(c, s)
	options := experiment.Options{}
	if gather != nil {
		options.Rows = &model.Rows{Input: gather.take}
	}
	r, err := experiment.Run(ctx, s, options)
	if err != nil {
		return nil, nil, err
	}
	for i := range c.Checks {
		var mean, half float64
		if m := &c.Checks[i].Measure; m.row != nil {
			mean, half = stats.MeanInterval(gather.means(i), Level)
		} else if mean, half, err = m.read(r); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", c.Checks[i].Name, err)
		}
		means, halves = append(means, mean), append(halves, half)
	}
	return means, halves, nil
}

// RunAll runs the cases of all families, several at a time, and gives the findings in their order. Run
// is the function Run or one that remembers what it did.
func RunAll(ctx context.Context, families []Family,
	run func(context.Context, *Case) ([]Finding, error)) ([]Compared, error) {
	out := make([]Compared, len(families))
	errs := make([][]error, len(families))
	free := make(chan struct{}, runtime.GOMAXPROCS(0))
	var group sync.WaitGroup
	for i := range families {
		out[i] = Compared{Name: families[i].Name, Cases: make([]ComparedCase, len(families[i].Cases))}
		errs[i] = make([]error, len(families[i].Cases))
		for k := range families[i].Cases {
			free <- struct{}{}
			group.Go(func() {
				c := &families[i].Cases[k]
				out[i].Cases[k].Case = *c
				out[i].Cases[k].Findings, errs[i][k] = run(ctx, c)
				<-free
			})
		}
	}
	group.Wait()
	for i := range errs {
		if err := errors.Join(errs[i]...); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func judge(c *Case, check *Check, mean, half float64) Finding {
	if check.Measure.sketch {
		half += sketchError * math.Abs(mean)
	}
	if p := check.Peer; p != nil && p.RunS > 0 {
		// The variance of a mean over time is inverse to that time.
		ours := float64(c.System.runs()) * (c.System.horizon - c.System.warmup)
		half = half*math.Sqrt(1+ours/p.RunS) + p.Half
	} else if p != nil {
		half = math.Hypot(half, p.Half/studentRatio(0.95, p.Runs))
	}
	return Finding{c, check, mean, mean - half, mean + half}
}

// studentRatio is the half-width of an interval of the given level relative to that of one at Level, for
// the mean of n runs.
func studentRatio(level float64, n int) float64 {
	freedom := float64(n - 1)
	return stats.StudentQuantile((1+level)/2, freedom) / stats.StudentQuantile((1+Level)/2, freedom)
}

// read is the mean of a measure in results, and its half-width at Level: results have that at 95 %,
// and both are multiples of one standard error.
func (m *Measure) read(r *experiment.Result) (mean, half float64, err error) {
	var e experiment.Estimate
	if m.of != nil {
		e = m.of(&r.Total)
	} else {
		var known bool
		if e, known = r.Total.Metric(m.metric); !known {
			return 0, 0, fmt.Errorf("no metric %s", m.metric)
		}
	}
	if e.Value == nil || e.Low == nil {
		return 0, 0, fmt.Errorf("no value of %s", m.metric)
	}
	half = (*e.High - *e.Value) / studentRatio(0.95, r.Replications)
	factor := 1.0
	if m.scale != 0 {
		factor = m.scale
	}
	if m.perS {
		factor /= *r.HorizonS - r.WarmupS
	}
	return *e.Value*factor + m.offset, half * math.Abs(factor), nil
}

// rowMeans averages functions of inputs over the window of each replication.
type rowMeans struct {
	checks   []Check
	scenario *experiment.Scenario
	sums     [][]float64 // by check, then replication
	weights  [][]float64
}

// newRowMeans is nil where no check looks at inputs.
func newRowMeans(c *Case, s *experiment.Scenario) *rowMeans {
	g := &rowMeans{checks: c.Checks, scenario: s,
		sums: make([][]float64, len(c.Checks)), weights: make([][]float64, len(c.Checks))}
	any := false
	for i := range c.Checks {
		if c.Checks[i].Measure.row != nil {
			any = true
			g.sums[i] = make([]float64, s.Replications.Max)
			g.weights[i] = make([]float64, s.Replications.Max)
		}
	}
	if !any {
		return nil
	}
	return g
}

func (g *rowMeans) take(row *model.InputRow) error {
	if row.Submitted < g.scenario.Model.Warmup || row.Submitted >= g.scenario.Model.Horizon {
		return nil
	}
	for i := range g.checks {
		m := &g.checks[i].Measure
		if m.row == nil {
			continue
		}
		weight := 1.0
		if m.weight != nil {
			weight = m.weight(row)
		}
		g.sums[i][row.Replication-1] += weight * m.row(row)
		g.weights[i][row.Replication-1] += weight
	}
	return nil
}

// means are the averages of the replications for a check.
func (g *rowMeans) means(check int) []float64 {
	out := make([]float64, len(g.sums[check]))
	for r := range out {
		out[r] = g.sums[check][r] / g.weights[check][r]
	}
	return out
}
