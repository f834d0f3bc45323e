package plan

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/stats"
)

// hoursPerMonth turns a cost per hour into one per month: 365 × 24 / 12.
const hoursPerMonth = 730

// result writes the answer down. Best is nil when nothing was simulated.
func (p *planning) result(best *record, kept bool) *Result {
	s := p.search
	r := &Result{
		Simcap: p.options.Version, Scenario: s.scenario.Name, Seed: s.scenario.Seed, Goal: s.goal,
		Kept: kept, Apply: []Snippet{}, RunnersUp: []Setting{}, Steps: []Step{}, Sensitivity: []Variant{},
		Explored: []Sample{}, Warnings: []string{}, Space: p.spaceOf(),
	}
	if len(s.today.complete()) > 0 {
		r.Today = p.setting(s, s.today, best)
	}
	if best == nil {
		return r
	}
	r.Best = p.setting(s, best, best)
	if kept {
		r.Confidence = s.confidence(best)
		r.Saving = p.savingOf(best)
	}
	r.Binding = p.bindingOf(best)
	if built, err := p.build(p.space.point(best.at)); err == nil {
		r.Apply = apply(p.space.point(best.at), &built.Model)
	}
	for _, rival := range p.rivals(best) {
		if len(rival.complete()) > 0 {
			r.RunnersUp = append(r.RunnersUp, *p.setting(s, rival, best))
		}
	}
	r.Steps = p.steps(best)
	r.Explored = p.explored()
	r.Warnings = append(r.Warnings, p.warnings(best, kept)...)
	return r
}

// spaceOf is what was searched.
func (p *planning) spaceOf() Space {
	s := p.search
	out := Space{Axes: []Axis{}, Settings: p.space.total, Equivalent: s.alike.count(),
		Replications: s.trials + p.trials, Exhaustive: s.whole}
	for i := range p.space.axes {
		out.Axes = append(out.Axes, Axis{Key: p.space.axes[i].key, Values: p.space.axes[i].values})
	}
	for _, r := range s.order {
		switch {
		case r.at == nil:
		case r.invalid != nil:
			out.Invalid++
		case len(r.full)+len(r.short) > 0:
			out.Simulated++
		}
	}
	switch {
	case s.quick.horizon > 0:
		out.ScreenS = s.quick.horizon.Seconds()
	case s.scenario.Model.Horizon > 0:
		out.ScreenS = s.scenario.Model.Horizon.Seconds()
	}
	return out
}

// setting is a record as it is shown, compared with the best one.
func (p *planning) setting(s *search, r, best *record) *Setting {
	trials := r.complete()
	out := &Setting{Settings: experiment.Point{}, Replications: len(trials), SLO: []experiment.Verdict{},
		Functions: map[string]experiment.Quantiles{}, Keeps: Yes}
	if r.at != nil {
		out.Settings = p.space.point(r.at)
	}
	switch s.believe(r); {
	case len(trials) > 0:
		s.describe(out, trials)
	case r.belief.count > 0 && !math.IsInf(r.belief.cost, 1): // the screening alone
		cost := r.belief.cost
		out.Keeps, out.Cost = Unsure, experiment.Estimate{Value: &cost}
		out.PerMonth = s.perMonth(out.Cost)
	}
	if r.failed != nil {
		out.Keeps = No
	}
	if len(trials) >= sureFrom && out.Keeps == Yes {
		out.Keeps = r.belief.keeps // the search is stricter
	}
	if best != nil {
		out.More = pairs(best, r)
		if r != best {
			out.Chance = s.rival(r, best)
		}
	}
	return out
}

// describe fills in what the trials say together.
func (s *search) describe(out *Setting, trials []*trial) {
	result := s.joined(trials)
	out.Cost, _ = result.Total.Metric(s.goal)
	out.PerMonth = s.perMonth(out.Cost)
	out.LatencyS = result.Total.LatencyS
	for name, m := range result.Functions {
		out.Functions[name] = m.LatencyS
	}
	for k, v := range result.SLO {
		if o := &s.objectives[k]; isLargest(o) && v.Met != nil && o.Judge(inNext(trials, k)).Met == nil {
			v.Met = nil // the next run may break it
		}
		if len(trials) < 2 && v.Met != nil { // one replication decides nothing
			v.Met = nil
		}
		out.SLO = append(out.SLO, v)
		switch {
		case v.Met == nil:
			out.Keeps = worse(out.Keeps, Unsure)
		case !*v.Met:
			out.Keeps = No
		}
	}
}

// pairs is what the second costs more than the first in the replications that both have.
func pairs(first, second *record) experiment.Estimate {
	x, y := first.complete(), second.complete()
	differences := make([]float64, min(len(x), len(y)))
	for i := range differences {
		differences[i] = y[i].goal - x[i].goal
	}
	return experiment.Mean(differences)
}

func (s *search) perMonth(e experiment.Estimate) experiment.Estimate {
	if s.goal != "cost.per_hour" {
		return experiment.Estimate{}
	}
	month := func(p *float64) *float64 {
		if p == nil {
			return nil
		}
		v := *p * hoursPerMonth
		return &v
	}
	return experiment.Estimate{Value: month(e.Value), Low: month(e.Low), High: month(e.High)}
}

// rival is the chance that a setting keeps every objective and costs less than 99 % of the best one.
func (s *search) rival(r, best *record) float64 {
	s.believe(r)
	b := &r.belief
	if b.count == 0 || math.IsInf(b.cost, 1) {
		return 0
	}
	limit := (1 - indifference) * best.belief.cost
	x, y := best.complete(), r.complete()
	n := min(len(x), len(y))
	if n < 2 {
		if b.costDev <= 0 {
			return b.chance * step(limit-b.cost)
		}
		return b.chance * distuv.UnitNormal.CDF((limit-b.cost)/b.costDev)
	}
	var m stats.Moments
	for i := range n {
		m.Add(y[i].goal - (1-indifference)*x[i].goal)
	}
	// The spread of a few differences is itself unsure.
	prior, freedom := s.spread.cost*b.cost, float64(n-1)
	mixed := (m.Variance()*freedom + prior*prior*priorFreedom) / (freedom + priorFreedom)
	dev := math.Sqrt(mixed / float64(n))
	t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(n-1) + priorFreedom}
	return b.chance * t.CDF(-m.Mean()/dev)
}

func step(x float64) float64 {
	if x > 0 {
		return 1
	}
	return 0
}

// confidence is the chance that no rival is better: the product over them, as if they were independent.
// Settings that meet the same traffic fail together rather than one by one, so that the true chance is
// larger (Slepian: Bell System Technical Journal 41, 1962).
func (s *search) confidence(best *record) float64 {
	sure := 1.0
	var counted []*record
	for _, r := range s.order {
		if r.at == nil || r == best {
			continue
		}
		chance := s.rival(r, best)
		if chance < 1e-4 {
			sure *= 1 - chance
			continue
		}
		if !slices.ContainsFunc(counted, func(c *record) bool { return same(r, c) }) {
			sure *= 1 - chance // those that ran alike are one rival
			counted = append(counted, r)
		}
	}
	return sure
}

// savingOf is what the best setting saves against today's.
func (p *planning) savingOf(best *record) *Saving {
	s := p.search
	if len(s.today.complete()) == 0 {
		return nil
	}
	out := &Saving{Cost: pairs(best, s.today)}
	out.PerMonth = s.perMonth(out.Cost)
	sum, n := 0.0, min(len(s.today.complete()), len(best.complete()))
	for _, t := range s.today.complete()[:n] {
		sum += t.goal
	}
	if sum > 0 {
		out.Fraction = number(out.Cost.Value) * float64(n) / sum
	}
	return out
}

// bindingOf is the objective that most of the cheaper settings break; without cheaper ones the
// objective with the least slack.
func (p *planning) bindingOf(best *record) *Binding {
	s := p.search
	if len(s.objectives) == 0 || len(best.complete()) == 0 {
		return nil
	}
	out := &Binding{Slack: math.Inf(1)}
	breaks := make([]int, len(s.objectives))
	for _, r := range s.order {
		if r.at == nil || r == best || r.belief.count == 0 || !(r.belief.cost < best.belief.cost) {
			continue
		}
		out.Cheaper++
		for k, ratio := range r.belief.ratio {
			if ratio > 0 {
				breaks[k]++
			}
		}
	}
	out.Objective = slices.Index(breaks, slices.Max(breaks))
	slacks := make([]float64, len(s.objectives))
	for k := range s.objectives {
		slacks[k] = slackOf(&s.objectives[k], valueOf(best, k))
	}
	if best.belief.keeps != Yes || breaks[out.Objective] == 0 {
		for k, slack := range slacks {
			if math.IsNaN(slack) || slack < slacks[out.Objective] {
				out.Objective = k
			}
		}
	}
	out.Breaks = breaks[out.Objective]
	if out.Slack = slacks[out.Objective]; math.IsNaN(out.Slack) {
		out.Slack = -1
	}
	return out
}

// valueOf is an objective's value over all replications of a setting, as it is judged.
func valueOf(r *record, k int) float64 {
	switch {
	case len(r.belief.values) > 0:
		return r.belief.values[k]
	case len(r.full) > 0 && r.full[0] != nil:
		return r.full[0].slo[k]
	case len(r.short) > 0 && r.short[0] != nil:
		return r.short[0].slo[k]
	}
	return math.NaN()
}

// meanOf is the mean over the trials that have a value, NaN without any.
func meanOf(trials []*trial, of func(*trial) float64) float64 {
	var m stats.Moments
	for _, t := range trials {
		if v := of(t); !math.IsNaN(v) {
			m.Add(v)
		}
	}
	return m.Mean()
}

// mostRivals bounds the runners-up.
const mostRivals = 5

// rivals are the next cheapest settings that keep the objectives, as far as is known.
func (p *planning) rivals(best *record) []*record {
	s := p.search
	var all []*record
	for _, r := range s.order {
		s.believe(r)
		b := &r.belief
		if r.at != nil && r != best && !same(r, best) && b.count > 0 && b.keeps != No && b.chance > 0.5 {
			all = append(all, r)
		}
	}
	slices.SortStableFunc(all, func(x, y *record) int { return cmp.Compare(x.belief.cost, y.belief.cost) })
	var out []*record
	for _, r := range all {
		if len(out) < mostRivals && !slices.ContainsFunc(out, func(c *record) bool { return same(r, c) }) {
			out = append(out, r)
		}
	}
	return out
}

// steps are the neighbours of the best setting.
func (p *planning) steps(best *record) []Step {
	s := p.search
	out := []Step{}
	for i := range p.space.axes {
		for _, k := range p.space.steps(i, best.at[i]) {
			at := slices.Clone(best.at)
			at[i] = k
			r := s.records[p.space.number(s.alike.canonical(at))]
			if r == nil || r == best || len(r.complete()) == 0 {
				continue
			}
			a := &p.space.axes[i]
			step := Step{Key: a.key, From: a.values[best.at[i]], To: a.values[k], Breaks: []int{},
				Setting: *p.setting(s, r, best)}
			step.Cheaper = number(step.Setting.More.Value) < 0
			for j := range step.Setting.SLO {
				if met := step.Setting.SLO[j].Met; met == nil || !*met {
					step.Breaks = append(step.Breaks, j)
				}
			}
			out = append(out, step)
		}
	}
	return out
}

// explored is every setting that was simulated.
func (p *planning) explored() []Sample {
	s := p.search
	all := s.usable()
	slices.SortFunc(all, func(x, y *record) int { return cmp.Compare(x.number, y.number) })
	out := make([]Sample, 0, len(all))
	for _, r := range all {
		trials := r.complete()
		one := Sample{Values: []string{}, Replications: len(trials), Keeps: r.belief.keeps,
			Binding: r.belief.worst}
		if len(trials) == 0 {
			trials, one.Screened = r.short[:1], true
			one.Replications = 1
		}
		for i, k := range r.at {
			one.Values = append(one.Values, p.space.axes[i].values[k])
		}
		one.Cost = meanOf(trials, func(t *trial) float64 { return t.goal })
		least := math.Inf(1)
		for k := range s.objectives {
			slack := slackOf(&s.objectives[k], valueOf(r, k))
			if math.IsNaN(slack) {
				least = math.NaN()
				break
			}
			least = min(least, slack)
		}
		if !math.IsNaN(least) && !math.IsInf(least, 0) {
			one.Slack = &least
		}
		out = append(out, one)
	}
	return out
}

// warnings say what weakens the answer.
func (p *planning) warnings(best *record, kept bool) []string {
	s := p.search
	var out []string
	failures := 0
	for _, r := range s.order {
		if r.failed != nil && r.at != nil {
			failures++
		}
	}
	if failures > 0 {
		out = append(out, fmt.Sprintf("%d of the settings could not be simulated to their end and "+
			"count as not keeping the slo", failures))
	}
	if s.today.failed != nil {
		out = append(out, fmt.Sprintf("today's settings cannot be simulated: %v", s.today.failed))
	}
	for i := range p.space.axes {
		if a := &p.space.axes[i]; kept && p.outward(i, best) {
			out = append(out, fmt.Sprintf("%s=%s lies at the edge of what was searched, and costs fell "+
				"towards it: cheaper settings may lie beyond", a.key, a.values[best.at[i]]))
		}
	}
	if s.scenario.Synthetic {
		out = append(out, "a profile of this scenario was not measured on hardware: take the answer as "+
			"an example")
	}
	if today := s.today; kept && s.today.belief.keeps == Yes && today.belief.cost < 0.99*best.belief.cost {
		out = append(out, "today's settings keep every objective and cost less than any that were searched")
	}
	if kept && len(best.complete()) < sureFrom {
		out = append(out, "the answer rests on few replications")
	}
	for i := range s.scenario.Model.Functions {
		f := &s.scenario.Model.Functions[i]
		if g := p.space.find(f.Name, "gpu"); g >= 0 && !p.serves(f) {
			out = append(out, fmt.Sprintf("%s.gpu varies and its service times do not: GPUs are compared by "+
				"price alone; vary functions.%s.service.profile with it", f.Name, f.Name))
		}
	}
	return out
}

// outward says whether the best setting has an axis' least or greatest value, though there may be
// others beyond it, and costs less than its neighbour on the inside.
func (p *planning) outward(i int, best *record) bool {
	a := &p.space.axes[i]
	top := len(a.values) - 1
	inside := 1
	switch {
	case a.numbers == nil || top == 0 || p.search.alike.cheapest[i] >= 0:
		return false
	case best.at[i] == top && !math.IsInf(a.numbers[top], 1):
		inside = top - 1
	case best.at[i] != 0 || a.numbers[0] <= 0 || a.numbers[0] == 1 && a.role.setting != "scaledown_window":
		return false // nothing lies beyond 0, or beyond 1 input or container
	}
	at := slices.Clone(best.at)
	at[i] = inside
	r := p.search.records[p.space.number(p.search.alike.canonical(at))]
	return r != nil && r.belief.count > 0 && r.belief.cost > 1.003*best.belief.cost
}

// serves says whether a key of the function's service is searched.
func (p *planning) serves(f *model.Function) bool {
	for i := range p.space.axes {
		r := p.space.axes[i].role
		if r.function == f.Name && len(r.setting) >= 7 && r.setting[:7] == "service" {
			return true
		}
	}
	return false
}
