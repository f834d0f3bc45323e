package experiment

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"

	"github.com/simcap/simcap/stats"
)

// Contender is a system that takes part in a comparison.
type Contender struct {
	Name     string // unique
	Point    Point  // what was set, for the results
	Scenario *Scenario
}

// Compare simulates the systems and takes the differences of all others to the first, pair by pair. All
// get the seed and the number of replications of the first, and the longest warm-up where it is found
// by simulation, so that replication n of each is about the same arrivals in the same window. Options.Rows
// and YAML are not used. When the context ends, the replications that all systems have finished make
// the result, which comes with the context's error; with none it is nil.
func Compare(ctx context.Context, contenders []Contender, o Options) (*Comparison, error) {
	if len(contenders) < 2 {
		return nil, errors.New("a comparison needs at least two systems")
	}
	workers := o.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	c := &comparing{options: Options{Version: o.Version, Audit: o.Audit, Workers: workers,
		Detail: o.Detail},
		turns: make(chan struct{}, workers), gatherings: make([]*gathering, len(contenders))}
	if o.Progress != nil {
		c.shares = make([]Progress, len(contenders))
		c.progress = o.Progress
	}
	out := &Comparison{Simcap: o.Version, Seed: contenders[0].Scenario.Seed, Warnings: c.warn(contenders)}
	if err := c.prepare(ctx, contenders); err != nil {
		return nil, err
	}
	err := c.run(ctx, contenders)
	if err != nil && ctx.Err() == nil {
		return nil, err
	}
	out.Replications = len(c.gatherings[0].trials)
	for _, g := range c.gatherings {
		out.Replications = min(out.Replications, len(g.trials))
	}
	if out.Replications == 0 {
		return nil, err
	}
	for i, g := range c.gatherings {
		g.trials = g.trials[:out.Replications]
		out.Systems = append(out.Systems, System{contenders[i].Name, contenders[i].Point, g.result()})
	}
	out.Rows = c.rows()
	return out, err
}

// run makes the replications of all systems, side by side. Where a precision decides how many there are,
// the first system does.
func (c *comparing) run(ctx context.Context, contenders []Contender) error {
	from := 0
	n := max(1, c.gatherings[0].scenario.Replications.Min, c.gatherings[0].scenario.Replications.Max)
	if c.gatherings[0].scenario.Replications.Precision > 0 {
		if err := c.gatherings[0].run(ctx); err != nil {
			return fmt.Errorf("%s: %w", contenders[0].Name, err)
		}
		from, n = 1, len(c.gatherings[0].trials)
	}
	rest := c.gatherings[from:]
	return parallel(ctx, len(rest), len(rest), func(ctx context.Context, i int) error {
		if err := rest[i].batch(ctx, n); err != nil {
			return fmt.Errorf("%s: %w", contenders[from+i].Name, err)
		}
		return nil
	})
}

// comparing is a comparison while it runs.
type comparing struct {
	options    Options
	turns      chan struct{}
	gatherings []*gathering
	progress   func(Progress)
	mutex      sync.Mutex // guards shares; taken while a gathering holds its own
	shares     []Progress
}

// warn names what makes pairs less alike than they could be.
func (c *comparing) warn(contenders []Contender) []string {
	out := []string{}
	first := contenders[0].Scenario
	for _, other := range contenders[1:] {
		s := other.Scenario
		if s.Seed != first.Seed {
			out = append(out, fmt.Sprintf("%s has seed %d: it was run with %d, that of %s, so that both "+
				"meet the same arrivals", other.Name, s.Seed, first.Seed, contenders[0].Name))
		}
		if s.Model.Horizon != first.Model.Horizon || s.Model.Warmup != first.Model.Warmup {
			out = append(out, fmt.Sprintf("%s measures another stretch of time than %s: totals and counts "+
				"cannot be compared, and pairs do not match", other.Name, contenders[0].Name))
		}
		shared := false
		for i := range s.Model.Workloads {
			shared = shared || slices.Contains(newLayout(first).workloads, s.Model.Workloads[i].Name)
		}
		if !shared {
			out = append(out, fmt.Sprintf("%s has no workload in common with %s: the two meet different "+
				"arrivals", other.Name, contenders[0].Name))
		}
	}
	return out
}

// prepare gives all systems one seed and one warm-up.
func (c *comparing) prepare(ctx context.Context, contenders []Contender) error {
	for i, contender := range contenders {
		own := *contender.Scenario
		own.Seed, own.Replications = contenders[0].Scenario.Seed, contenders[0].Scenario.Replications
		g := &gathering{options: c.options, turns: c.turns}
		if c.progress != nil {
			g.options.Progress = func(p Progress) { c.tell(i, p) }
		}
		if err := g.prepare(ctx, &own); err != nil {
			return fmt.Errorf("%s: %w", contender.Name, err)
		}
		c.gatherings[i] = g
	}
	longest := c.gatherings[0].scenario.Model.Warmup
	for _, g := range c.gatherings {
		if g.scenario.WarmupFound {
			longest = max(longest, g.scenario.Model.Warmup)
		}
	}
	for _, g := range c.gatherings {
		if g.scenario.WarmupFound {
			g.settled(longest, g.scenario.Unsettled)
		}
	}
	return nil
}

// tell adds the progress of all systems up.
func (c *comparing) tell(system int, p Progress) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.shares[system] = p
	sum := Progress{}
	for _, s := range c.shares {
		sum.Done += s.Done
		sum.Total += p.Total
		sum.Replications += s.Replications
		sum.Inputs += s.Inputs
	}
	c.progress(sum)
}

// scopePair is a scope that all systems have.
type scopePair struct {
	function, workload string
	at                 []int // by system
}

// scopes are the scopes that all systems have: the total, functions where there are several, and
// workloads where a function has several.
func (c *comparing) scopes() []scopePair {
	first := c.gatherings[0].layout
	total := scopePair{at: make([]int, len(c.gatherings))}
	for i, g := range c.gatherings {
		total.at[i] = g.layout.scopes() - 1
	}
	out := []scopePair{total}
	common := func(names func(*layout) []string, name string, base func(*layout) int) []int {
		var at []int
		for _, g := range c.gatherings {
			i := slices.Index(names(g.layout), name)
			if i < 0 {
				return nil
			}
			at = append(at, base(g.layout)+i)
		}
		return at
	}
	functions := func(l *layout) []string { return l.functions }
	workloads := func(l *layout) []string { return l.workloads }
	if len(first.functions) > 1 {
		for _, name := range first.functions {
			if at := common(functions, name, func(*layout) int { return 0 }); at != nil {
				out = append(out, scopePair{function: name, at: at})
			}
		}
	}
	if len(first.workloads) > len(first.functions) {
		for _, name := range first.workloads {
			at := common(workloads, name, func(l *layout) int { return len(l.functions) })
			if at != nil {
				out = append(out, scopePair{workload: name, at: at})
			}
		}
	}
	return out
}

// rows compares every measure of every scope that has a value somewhere.
func (c *comparing) rows() []ComparisonRow {
	var rows []ComparisonRow
	for _, scope := range c.scopes() {
		all := make([]Measures, len(c.gatherings))
		each := make([][]Measures, len(c.gatherings)) // by system and replication
		for i, g := range c.gatherings {
			all[i] = g.layout.measures(g.trials, scope.at[i])
			for _, t := range g.trials {
				each[i] = append(each[i], g.layout.measures([]*trial{t}, scope.at[i]))
			}
		}
		for k := range metrics {
			row := ComparisonRow{Metric: metrics[k].name, Function: scope.function, Workload: scope.workload}
			some := false
			for i := range all {
				e := estimateIn(k, &all[i])
				some = some || e.Value != nil
				row.Values = append(row.Values, e)
				if i == 0 {
					row.Differences = append(row.Differences, Difference{})
					continue
				}
				row.Differences = append(row.Differences, difference(row.Values[0], e,
					valuesIn(k, each[0]), valuesIn(k, each[i])))
			}
			if some {
				rows = append(rows, row)
			}
		}
	}
	return rows
}

func estimateIn(metric int, m *Measures) Estimate {
	if e := metrics[metric].of(m); e != nil {
		return *e
	}
	return Estimate{}
}

// valuesIn are the values of a metric in all replications, NaN where there is none.
func valuesIn(metric int, each []Measures) []float64 {
	out := make([]float64, len(each))
	for i := range each {
		out[i] = math.NaN()
		if e := estimateIn(metric, &each[i]); e.Value != nil {
			out[i] = *e.Value
		}
	}
	return out
}

// difference is that of two systems. With a(i), b(i) their values in replication i of n, D the
// difference of their values and r the quotient, the intervals are Student's t with n - 1 degrees of
// freedom about D and r - 1 of
//
//	b(i) - a(i) - D   and   (b(i) - r a(i)) / mean(a):
//
// the paired t interval of means, sectioning of quantiles (whose D pools all replications), and the delta
// method of the quotient.
func difference(first, second Estimate, a, b []float64) Difference {
	d := Difference{Noise: true}
	if first.Value == nil || second.Value == nil {
		return d
	}
	by := *second.Value - *first.Value
	d.Absolute.Value = &by
	var off []float64
	meanA := stats.Moments{}
	for i := range a {
		if !math.IsNaN(a[i]) && !math.IsNaN(b[i]) {
			off = append(off, b[i]-a[i]-by)
			meanA.Add(a[i])
		}
	}
	if low, high, ok := spreadAbout(by, off); ok {
		d.Absolute.Low, d.Absolute.High = &low, &high
		d.Noise = low <= 0 && 0 <= high
	}
	if *first.Value == 0 || meanA.Mean() == 0 {
		return d
	}
	quotient := *second.Value / *first.Value
	relative := quotient - 1
	d.Relative.Value = &relative
	off = off[:0]
	for i := range a {
		if !math.IsNaN(a[i]) && !math.IsNaN(b[i]) {
			off = append(off, (b[i]-quotient*a[i])/meanA.Mean())
		}
	}
	if low, high, ok := spreadAbout(relative, off); ok {
		d.Relative.Low, d.Relative.High = &low, &high
	}
	return d
}

// spreadAbout is the interval about a value of deviations from it.
func spreadAbout(value float64, deviations []float64) (low, high float64, ok bool) {
	n := float64(len(deviations))
	if n < 2 {
		return 0, 0, false
	}
	sum := 0.0
	for _, d := range deviations {
		sum += d * d
	}
	half := stats.StudentQuantile((1+confidence)/2, n-1) * math.Sqrt(sum/(n-1)/n)
	return value - half, value + half, true
}
