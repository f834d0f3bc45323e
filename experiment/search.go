package experiment

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/simcap/simcap/report/quantity"
)

// CapacityOptions say how a capacity is searched for.
type CapacityOptions struct {
	Workers   int
	Version   string
	Workloads []string // whose rates are scaled; nil: all that can be
	Ignore    []string // metrics of objectives that do not count, such as cost.per_hour
	Precision float64  // relative width at which the bisection ends; 0: 2 %
	Progress  func(CapacityProgress)
}

// CapacityProgress tells how far a search is.
type CapacityProgress struct {
	Factor float64 // that is being tried
	Steps  int     // that were tried
	Within Progress
}

// Bounds of a search.
const (
	leastFactor  = 1.0 / 1024
	mostFactor   = 1024.0
	moreTrials   = 4 // times as many replications where an objective is undecided
	usualWidth   = 0.02
	mostEdges    = 3 // steps that narrow either end of the interval
	mostBisected = 24
)

// FindCapacity searches for the highest arrival rate at which the scenario keeps its objectives: the
// rates of its workloads are doubled, or halved, until one is missed and one is kept, and bisected from
// there. A rate is judged by the values of its metrics; where intervals leave an objective undecided it
// gets up to four times the replications. The interval of the answer reaches from the highest rate that
// is sure to keep the objectives to the lowest above it that is sure to miss one. All rates meet the same
// random numbers. A search whose simulation fails has an Error. When the context ends, the rates that were
// tried make a search that is marked as interrupted, which comes with the context's error.
func FindCapacity(ctx context.Context, s *Scenario, o CapacityOptions) (CapacitySearch, error) {
	f := &finder{ctx: ctx, scenario: s, options: o, tried: map[float64]*tried{}}
	if f.options.Workloads == nil {
		f.options.Workloads = Scalable(s)
	}
	if err := f.check(); err != nil {
		return CapacitySearch{}, err
	}
	search := CapacitySearch{}
	err := f.search(&search)
	switch {
	case err != nil && ctx.Err() != nil:
		f.soFar(&search)
	case err != nil:
		search.Error = err.Error()
	}
	for _, t := range f.order {
		search.Steps = append(search.Steps, t.step)
	}
	if search.Interrupted {
		return search, ctx.Err()
	}
	return search, nil
}

// finder is a search while it runs.
type finder struct {
	ctx      context.Context
	scenario *Scenario
	options  CapacityOptions
	tried    map[float64]*tried // by factor
	order    []*tried
}

// tried is a rate with what became of it.
type tried struct {
	step   CapacityStep
	keeps  bool // by the values alone
	result *Result
}

// check says what makes a search pointless.
func (f *finder) check() error {
	objectives := slices.Clone(f.scenario.SLO)
	objectives = slices.DeleteFunc(objectives, func(o Objective) bool {
		return slices.Contains(f.options.Ignore, o.Metric)
	})
	if len(objectives) == 0 {
		return errors.New("a capacity needs an `slo:` that tells when it is exceeded, for example " +
			"slo: [{metric: latency.p99, max: 2s}]")
	}
	own := *f.scenario
	own.SLO = objectives
	f.scenario = &own
	scalable := Scalable(f.scenario)
	if len(scalable) == 0 {
		return errors.New("no workload has a rate that could be raised: all come at given instants")
	}
	for _, name := range f.options.Workloads {
		if !slices.Contains(scalable, name) {
			return fmt.Errorf("there is no workload %q whose rate could be raised; there are %s", name,
				strings.Join(scalable, ", "))
		}
	}
	return nil
}

// search fills in the answer.
func (f *finder) search(out *CapacitySearch) error {
	kept, missed, err := f.bracket()
	if err != nil {
		return err
	}
	if kept == nil {
		first := f.tried[1]
		out.Bounded, out.Limit = true, fmt.Sprintf("no rate from %s to %s times the scenario's keeps "+
			"the SLO: at its own %s is missed", quantity.Plain(leastFactor), quantity.Plain(mostFactor),
			firstMissed(first))
		return nil
	}
	width := f.options.Precision
	if width <= 0 {
		width = usualWidth
	}
	for n := 0; missed != nil && missed.step.Factor > kept.step.Factor*(1+width) && n < mostBisected; n++ {
		t, err := f.try(math.Sqrt(kept.step.Factor * missed.step.Factor))
		if err != nil {
			return err
		}
		if t.keeps {
			kept = t
		} else {
			missed = t
		}
	}
	if err := f.edges(kept, missed, width); err != nil {
		return err
	}
	f.answer(out, kept, missed)
	if missed == nil {
		out.Limit = fmt.Sprintf("the SLO is kept even at %.0f times the scenario's rate", mostFactor)
	} else {
		out.Limit = firstMissed(missed)
	}
	return nil
}

// answer fills in the rate of an answer and its interval.
func (f *finder) answer(out *CapacitySearch, kept, missed *tried) {
	out.AtCapacity, out.Bounded = kept.result, missed != nil
	rate, factor := kept.step.RatePerS, kept.step.Factor
	out.RatePerS.Value, out.Factor.Value = &rate, &factor
	if low, high := f.sure(kept, missed); low != nil && high != nil {
		out.RatePerS.Low, out.Factor.Low = &low.step.RatePerS, &low.step.Factor
		out.RatePerS.High, out.Factor.High = &high.step.RatePerS, &high.step.Factor
	}
}

// soFar fills in what the rates tried before an interrupt say: the highest that keeps the objectives,
// and the lowest beyond it that misses one.
func (f *finder) soFar(out *CapacitySearch) {
	out.Interrupted = true
	var kept, missed *tried
	for _, t := range f.order {
		if t.keeps && (kept == nil || t.step.Factor > kept.step.Factor) {
			kept = t
		}
	}
	for _, t := range f.order {
		if !t.keeps && (kept == nil || t.step.Factor > kept.step.Factor) &&
			(missed == nil || t.step.Factor < missed.step.Factor) {
			missed = t
		}
	}
	if missed != nil {
		out.Bounded, out.Limit = true, firstMissed(missed)
	}
	if kept != nil {
		f.answer(out, kept, missed)
	}
}

// bracket doubles or halves until a rate is kept and the next one is missed. Where the scenario's own
// rate is missed and no lower one is kept, a higher one may be: few inputs can mean many cold starts.
func (f *finder) bracket() (kept, missed *tried, err error) {
	first, err := f.try(1)
	if err != nil {
		return nil, nil, err
	}
	if first.keeps {
		return f.double(first)
	}
	missed = first
	for factor := 0.5; factor >= leastFactor; factor /= 2 {
		t, err := f.try(factor)
		if err != nil {
			return nil, nil, err
		}
		if t.keeps {
			return t, missed, nil
		}
		missed = t
		if t.step.RatePerS == 0 {
			break
		}
	}
	for factor := 2.0; factor <= 16; factor *= 2 {
		t, err := f.try(factor)
		if err != nil {
			return nil, nil, err
		}
		if t.keeps {
			return f.double(t)
		}
	}
	return nil, missed, nil
}

// double raises the rate from one that is kept.
func (f *finder) double(kept *tried) (_, missed *tried, err error) {
	for factor := 2 * kept.step.Factor; factor <= mostFactor; factor *= 2 {
		t, err := f.try(factor)
		if err != nil {
			return nil, nil, err
		}
		if !t.keeps {
			return kept, t, nil
		}
		kept = t
	}
	return kept, nil, nil
}

// sure are the highest rate up to the answer that surely keeps the objectives, and the lowest from
// missed on that surely misses one.
func (f *finder) sure(kept, missed *tried) (low, high *tried) {
	for _, t := range f.order {
		factor := t.step.Factor
		if t.step.Verdict == Kept && factor <= kept.step.Factor && (low == nil || factor > low.step.Factor) {
			low = t
		}
		if missed != nil && t.step.Verdict == Missed && factor >= missed.step.Factor &&
			(high == nil || factor < high.step.Factor) {
			high = t
		}
	}
	return low, high
}

// edges narrows the interval where sure rates are far from the answer.
func (f *finder) edges(kept, missed *tried, width float64) error {
	if missed == nil {
		return nil
	}
	for range mostEdges {
		low, high := f.sure(kept, missed)
		if low != nil && kept.step.Factor > low.step.Factor*(1+2*width) {
			if _, err := f.try(math.Sqrt(low.step.Factor * kept.step.Factor)); err != nil {
				return err
			}
		} else if low == nil {
			if _, err := f.try(kept.step.Factor / (1 + 4*width)); err != nil {
				return err
			}
		}
		if high != nil && high.step.Factor > missed.step.Factor*(1+2*width) {
			if _, err := f.try(math.Sqrt(high.step.Factor * missed.step.Factor)); err != nil {
				return err
			}
		}
	}
	return nil
}

// firstMissed names the first objective that a rate misses.
func firstMissed(t *tried) string {
	for i := range t.step.SLO {
		if v := &t.step.SLO[i]; !holds(v) {
			if of := v.Function + v.Workload; of != "" {
				return v.Metric + " of " + of
			}
			return v.Metric
		}
	}
	return ""
}

// holds says whether the value of an objective's metric keeps its bounds, whatever the interval.
func holds(v *Verdict) bool {
	return v.Value.Value != nil && (v.Max == nil || *v.Value.Value <= *v.Max) &&
		(v.Min == nil || *v.Value.Value >= *v.Min)
}

// try simulates the scenario with its rates multiplied.
func (f *finder) try(factor float64) (*tried, error) {
	if t := f.tried[factor]; t != nil {
		return t, nil
	}
	s := ScaleArrivals(f.scenario, f.options.Workloads, factor)
	if err := valid(s); err != nil {
		return nil, fmt.Errorf("at %.4g times the rate: %w", factor, err)
	}
	g := &gathering{options: Options{Workers: f.options.Workers, Version: f.options.Version}}
	if tell := f.options.Progress; tell != nil {
		g.options.Progress = func(p Progress) { tell(CapacityProgress{factor, len(f.order), p}) }
	}
	err := g.prepare(f.ctx, s)
	if err == nil {
		err = g.run(f.ctx)
	}
	if err != nil {
		if f.ctx.Err() != nil && len(g.trials) > 0 {
			f.keep(g, factor)
		}
		return nil, fmt.Errorf("at %.4g times the rate: %w", factor, err)
	}
	for n := len(g.trials); n > 1 && g.result().SLOVerdict() == Undecided && len(g.trials) < moreTrials*n; {
		if err := g.batch(f.ctx, 2*len(g.trials)); err != nil {
			if f.ctx.Err() != nil {
				f.keep(g, factor)
			}
			return nil, fmt.Errorf("at %.4g times the rate: %w", factor, err)
		}
	}
	return f.keep(g, factor), nil
}

// keep takes what was gathered at a rate among those that were tried.
func (f *finder) keep(g *gathering, factor float64) *tried {
	r := g.result()
	t := &tried{result: r, keeps: true, step: CapacityStep{Factor: factor, Verdict: r.SLOVerdict(),
		Replications: r.Replications, SLO: r.SLO}}
	for i := range r.SLO {
		t.keeps = t.keeps && holds(&r.SLO[i])
	}
	if n, seconds := r.Total.Inputs.Submitted.Value, g.windowS(); n != nil && seconds > 0 {
		t.step.RatePerS = *n / seconds
	} else if n != nil && g.end > 0 {
		t.step.RatePerS = *n / (g.end - g.scenario.Model.Warmup).Seconds()
	}
	f.tried[factor] = t
	f.order = append(f.order, t)
	return t
}
