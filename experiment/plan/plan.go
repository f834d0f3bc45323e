package plan

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/sim"
)

// Options say how a plan is made. Only Budget and Sensitivity change its result.
type Options struct {
	Budget     time.Duration  // how long it may take; 0: 60 s. It also sets how much is simulated
	NoVariants bool           // no sensitivity
	Workers    int            // trials at one time; 0: one per core
	Progress   func(Progress) // called after each batch of trials; nil: not
	Version    string         // of the program, for Result.Simcap
	Begun      time.Time      // when the budget began to run; zero: now
}

// Progress tells how far a plan is.
type Progress struct {
	Done         float64 // share of what is to be simulated at most
	Settings     int     // simulated at least once
	Replications int     // in all
	Phase        string  // what it does
}

// WorkPerS is how much is simulated for each second of the budget, in inputs: what one core does in about
// three quarters of that time. The bound on work, which is the same on every machine, then ends the search
// before the clock does, whatever the number of cores.
const WorkPerS = 1.5e6

// Shares of the work after which the phases of a search end.
const (
	screenShare = 0.40
	raceShare   = 0.75
	finishShare = 0.85
)

// DefaultBudget is how long a plan may take unless it is told.
const DefaultBudget = 60 * time.Second

// Find finds the cheapest settings of the space that keep every objective of the scenario. Build makes
// the scenario of a point; of the empty point it makes today's. An error says that the question makes
// no sense. When the context ends, or the budget on the wall clock, the result is the best so far and
// Result.Stopped says so.
func Find(ctx context.Context, axes []experiment.Axis, build experiment.Builder, o Options) (*Result, error) {
	today, err := build(nil)
	if err != nil {
		return nil, err
	}
	space, err := newSpace(axes)
	if err != nil {
		return nil, err
	}
	if err := sensible(today, space); err != nil {
		return nil, err
	}
	if o.Budget <= 0 {
		o.Budget = DefaultBudget
	}
	if o.Begun.IsZero() {
		o.Begun = time.Now()
	}
	p := &planning{options: o, build: build, space: space, outer: ctx,
		work: o.Budget.Seconds() * WorkPerS}
	// What is left at the end is for writing the answer down.
	reserve := max(o.Budget/20, min(time.Second, o.Budget/5))
	timed, cancel := context.WithDeadline(ctx, o.Begun.Add(o.Budget-reserve))
	defer cancel()
	if today, err = experiment.Settled(timed, today, experiment.Options{Workers: o.Workers}); err != nil {
		return nil, err
	}
	p.search = newSearch(space, today, build, o)
	p.search.today = p.search.recordOfToday()
	p.search.told = p.tell
	return p.find(timed)
}

// QuestionError says why a scenario, or a space, is no question for a plan.
type QuestionError struct{ text string }

func (e *QuestionError) Error() string { return e.text }

func questionf(format string, args ...any) error { return &QuestionError{fmt.Sprintf(format, args...)} }

// recordOfToday is the record of today's settings: that of the point which they are, or one outside of
// the space.
func (s *search) recordOfToday() *record {
	at := s.space.where(&s.scenario.Model)
	built, err := s.build(s.space.point(s.alike.canonical(at)))
	if err == nil && reflect.DeepEqual(s.settled(built, false).Model, s.scenario.Model) {
		return s.recordAt(at)
	}
	r := &record{}
	s.order = append(s.order, r)
	return r
}

// sensible says why the scenario cannot be planned.
func sensible(s *experiment.Scenario, space *space) error {
	if len(s.SLO) == 0 {
		return questionf("the scenario has no slo: without one the cheapest settings are those that do " +
			"nothing; write for example slo: [{metric: latency.p95, max: 2s}]")
	}
	if len(space.axes) == 0 {
		return questionf("there is nothing to search: name the keys and their values in plan.search")
	}
	priced := false
	for i := range s.Model.Functions {
		priced = priced || s.Model.Functions[i].PricePerS(&s.Model.Platform.Prices) > 0
	}
	if !priced {
		return questionf("nothing has a price (platform.prices), so no setting is cheaper than another")
	}
	return nil
}

// planning is a plan in the making.
type planning struct {
	options    Options
	build      experiment.Builder
	space      *space
	search     *search
	outer      context.Context // without the budget: its end is an interrupt
	work       float64         // bound on the work of everything
	phase      string
	spent      float64 // work of finished variants
	trials     int     // and their trials
	variantNow *search // the variant that is being searched
}

// newSearch is a search of the space in the world that build makes.
func newSearch(space *space, today *experiment.Scenario, build experiment.Builder, o Options) *search {
	s := &search{
		runner: runner{build: build, objectives: today.SLO, goal: "cost.per_hour", space: space,
			workers: o.Workers, version: o.Version, warmup: today.Model.Warmup,
			alike: newAlike(space, today, build), echoes: map[int64][]*echo{},
			shortEchoes: map[int64][]*echo{}},
		records: map[int64]*record{}, scenario: today, shortening: 1, yardstick: &record{},
		luck: sim.NewStream(today.Seed, 1, "plan"),
	}
	if today.Model.Horizon == 0 {
		s.goal = "cost.total" // a slow run lasts longer, which makes its hours cheap
	} else if s.quick = newScreening(&today.Model, space.longestWindow()); s.quick.horizon > 0 {
		s.shortening = float64(today.Model.Horizon) / float64(s.quick.horizon)
	}
	for i := range today.Model.Functions {
		s.gpus = append(s.gpus, today.Model.Functions[i].GPUs)
	}
	n := len(s.objectives)
	s.spread = spread{ratio: slices.Repeat([]float64{0.2}, n), cost: 0.05, quiet: make([]int, n)}
	return s
}

// until is the instant at which a share of the budget is spent.
func (p *planning) until(share float64) time.Time {
	return p.options.Begun.Add(time.Duration(float64(p.options.Budget) * share))
}

func (p *planning) tell() {
	if p.options.Progress == nil {
		return
	}
	settings := 0
	for _, r := range p.search.order {
		if len(r.full)+len(r.short) > 0 {
			settings++
		}
	}
	work, trials := p.search.work+p.spent, p.search.trials+p.trials
	if v := p.variantNow; v != nil {
		work, trials = work+v.work, trials+v.trials
	}
	p.options.Progress(Progress{Done: min(1, work/p.work), Settings: settings, Replications: trials,
		Phase: p.phase})
}

// find goes through the phases. The context's end at any point leaves what was finished.
func (p *planning) find(ctx context.Context) (*Result, error) {
	s := p.search
	err := p.answer(ctx)
	best := s.inhand()
	kept := best != nil
	if best == nil {
		best = s.nearestOfAll()
	}
	var variants []Variant
	if err == nil && best != nil {
		best, err = p.plain(ctx, best)
	}
	if err == nil && best != nil {
		best, err = p.settle(ctx, best, kept)
		kept = s.sure(best) // further replications may have shown it, or put it into doubt
		if err == nil && !p.options.NoVariants {
			variants, err = p.variants(ctx, best)
		}
	}
	if err != nil && ctx.Err() == nil {
		return nil, err
	}
	if failed := s.today.failed; best == nil && failed != nil {
		return nil, fmt.Errorf("today's settings cannot be simulated: %w", failed)
	}
	r := p.result(best, kept)
	r.Sensitivity = append(r.Sensitivity, variants...)
	switch {
	case p.outer.Err() != nil:
		r.Stopped = Interrupted
	case ctx.Err() != nil || s.late:
		r.Stopped = OverBudget
	}
	return r, nil
}

// answer finds the cheapest setting.
func (p *planning) answer(ctx context.Context) error {
	s := p.search
	p.phase = "today's settings"
	jobs := make([]job, sureFrom) // where today keeps the objectives, that is an answer already
	for i := range jobs {
		jobs[i] = job{record: s.today, replication: i + 1}
	}
	if s.shortening > 1 {
		jobs = append(jobs, job{record: s.today, replication: 1, short: true})
	}
	if err := s.run(ctx, jobs); err != nil {
		return err
	}
	s.learn()
	p.phase = "screening"
	first := [][]int{s.space.where(&s.scenario.Model)}
	if err := s.screen(ctx, phase{screenShare * p.work, p.until(0.45)}, first); err != nil {
		return err
	}
	p.phase = "comparing"
	if err := s.descend(ctx, phase{raceShare * p.work, p.until(0.75)}); err != nil {
		return err
	}
	return s.rescue(ctx, phase{finishShare * p.work, p.until(0.85)})
}

// plain is a setting that ran exactly like the best one in all its replications and changes less of
// today's; else the best one.
func (p *planning) plain(ctx context.Context, best *record) (*record, error) {
	plainest := p.search.plainest(best)
	if plainest == best {
		return best, nil
	}
	bound := phase{finishShare * p.work, p.until(0.85)}
	if err := p.upTo(ctx, bound, plainest, len(best.complete())); err != nil {
		return best, err
	}
	if len(plainest.complete()) < len(best.complete()) || !same(plainest, best) {
		return best, nil
	}
	return plainest, nil
}

// sure says whether a setting is sure to keep every objective, by its own trials or those of one that ran
// alike.
func (s *search) sure(r *record) bool {
	hand := s.inhand()
	return hand != nil && (hand == r || r.belief.keeps == Yes || same(hand, r))
}

// settle finishes the plan for the best setting, and for another one if that turns out to be better
// meanwhile.
func (p *planning) settle(ctx context.Context, best *record, kept bool) (*record, error) {
	for range 3 {
		if err := p.finish(ctx, best, kept); err != nil {
			return best, err
		}
		better := p.search.inhand()
		if better == nil || better == best || same(better, best) {
			break
		}
		best = better
	}
	return best, nil
}

// finish gives the settings that the result speaks of the replications that they need: the best and
// today's, the neighbours and the runners-up.
func (p *planning) finish(ctx context.Context, best *record, kept bool) error {
	s := p.search
	p.phase = "neighbours"
	const reps = 8
	bound := phase{finishShare * p.work, p.until(0.85)}
	n := max(reps, len(best.complete()))
	if err := p.upTo(ctx, bound, best, n); err != nil {
		return err
	}
	if err := p.upTo(ctx, bound, s.today, min(n, 24)); err != nil {
		return err
	}
	for _, r := range p.aroundBest(best) {
		if err := p.upTo(ctx, bound, r, sureFrom); err != nil {
			return err
		}
	}
	if !kept {
		return nil
	}
	if err := p.makeSure(ctx, bound, best); err != nil {
		return err
	}
	for range 3 { // what comes to light may change who they are
		for _, r := range p.rivals(best) {
			if err := p.upTo(ctx, bound, r, reps); err != nil {
				return err
			}
		}
	}
	return nil
}

// aroundBest are the neighbours of the best setting, the cheaper ones first.
func (p *planning) aroundBest(best *record) []*record {
	var out []*record
	for _, at := range p.search.space.neighbours(best.at) {
		r := p.search.recordAt(at)
		p.search.believe(r)
		out = append(out, r)
	}
	rank := func(r *record) int {
		switch {
		case r.belief.count == 0:
			return 1
		case r.belief.cost < best.belief.cost:
			return 0
		}
		return 2
	}
	slices.SortStableFunc(out, func(x, y *record) int { return rank(x) - rank(y) })
	return out
}

// makeSure gives replications to the rival that is most likely to be better than the best setting, as
// long as they all together leave a doubt.
func (p *planning) makeSure(ctx context.Context, bound phase, best *record) error {
	s := p.search
	const doubt = 0.02
	for {
		var worst *record
		sum, most := 0.0, 0.0
		for _, r := range s.order {
			if r.at == nil || r == best {
				continue
			}
			chance := s.rival(r, best)
			sum += chance
			if n := len(r.complete()); chance > most && n < mostReplications {
				worst, most = r, chance
			}
		}
		if sum <= doubt || most < doubt/20 || s.over(bound, s.fullWork()*4) {
			return nil
		}
		n := len(worst.complete()) + 1 + len(worst.complete())/2
		if err := p.upTo(ctx, bound, best, n); err != nil {
			return err
		}
		before := len(worst.complete())
		if err := p.upTo(ctx, bound, worst, n); err != nil {
			return err
		}
		if len(worst.complete()) == before {
			return nil
		}
	}
}

// upTo makes the replications of a record up to the n-th, as far as the phase allows.
func (p *planning) upTo(ctx context.Context, bound phase, r *record, n int) error {
	s := p.search
	for from := len(r.complete()); from < n; from = len(r.complete()) {
		if r.invalid != nil || r.failed != nil || s.over(bound, s.fullWork()*2) {
			return nil
		}
		var jobs []job
		for k := from + 1; k <= min(n, from+4); k++ {
			jobs = append(jobs, job{record: r, replication: k})
		}
		if err := s.run(ctx, jobs); err != nil {
			return err
		}
	}
	s.believe(r)
	return nil
}

// variants asks what becomes of the answer in other worlds.
func (p *planning) variants(ctx context.Context, best *record) ([]Variant, error) {
	var out []Variant
	all := worlds()
	for i, w := range all {
		p.phase = w.name
		v, err := p.variant(ctx, w, best, float64(len(all)-i), 0.85+0.10*float64(i+1)/float64(len(all)))
		if v != nil {
			out = append(out, *v)
		}
		if err != nil {
			return out, err
		}
	}
	return out, nil
}

// variant searches another world from the answer on, with an even share of the work that is left.
func (p *planning) variant(ctx context.Context, w world, best *record, left, until float64) (*Variant,
	error) {
	base := p.search
	build := w.in(p.build)
	today, err := build(nil)
	if err != nil {
		return nil, err
	}
	s := newSearch(p.space, base.settled(today, false), build, p.options)
	s.spread, s.told, p.variantNow = base.spread, p.tell, s
	room := (p.work - base.work - p.spent) / left
	defer func() {
		p.spent += s.work
		p.trials += s.trials
		p.variantNow = nil
	}()
	bound := phase{room, p.until(until)}
	same := s.recordAt(best.at)
	jobs := make([]job, sureFrom)
	for i := range jobs {
		jobs[i] = job{record: same, replication: i + 1}
	}
	if err := s.run(ctx, jobs); err != nil {
		return nil, err
	}
	if s.shortening > 1 {
		if err := s.run(ctx, []job{{record: same, replication: 1, short: true}}); err != nil {
			return nil, err
		}
	}
	s.learn()
	v := &Variant{Name: w.name, Moved: []string{}}
	first := p.seeds(best)
	err = s.screen(ctx, phase{room * 0.5, p.until(until - 0.025)}, first)
	if err == nil {
		err = s.descend(ctx, phase{room * 0.9, bound.until})
	}
	if err == nil {
		err = s.rescue(ctx, bound)
	}
	base.late = base.late || s.late
	answer := s.inhand()
	v.Kept = answer != nil
	if answer == nil {
		answer = s.nearestOfAll()
	}
	v.Same = p.setting(s, same, answer)
	if answer != nil {
		v.Best = p.setting(s, answer, answer)
		for i, k := range answer.at {
			if k != best.at[i] {
				v.Moved = append(v.Moved, p.space.axes[i].key)
			}
		}
	}
	return v, err
}

// seeds are where the search of another world begins: the answer, what lies around it, and the best
// of what was seen.
func (p *planning) seeds(best *record) [][]int {
	out := append([][]int{best.at}, p.space.neighbours(best.at)...)
	for i := range p.space.axes { // far along each axis
		for _, share := range []float64{0.5, 1} {
			at := slices.Clone(best.at)
			top := len(p.space.axes[i].values) - 1
			at[i] += int(share * float64(top-at[i]))
			out = append(out, at)
		}
	}
	return out
}
