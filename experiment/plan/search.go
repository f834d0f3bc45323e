package plan

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/sim"
)

// search looks for the cheapest setting of a space that keeps every objective.
type search struct {
	runner
	records    map[int64]*record
	order      []*record // as they came up, the scenario's own settings first if they take part
	today      *record   // nil in another world than today's
	scenario   *experiment.Scenario
	spread     spread
	yardstick  *record // the setting with the most trials, which costs are compared with
	shortening float64 // full horizon / screening horizon
	luck       sim.Stream
	draws      uint64
	whole      bool // every valid setting has been simulated
	late       bool // a deadline has cut a phase short
}

// recordAt is the record of a point's canonical point.
func (s *search) recordAt(at []int) *record {
	at = s.alike.canonical(at)
	n := s.space.number(at)
	if r := s.records[n]; r != nil {
		return r
	}
	r := &record{at: at, number: n}
	s.records[n] = r
	s.order = append(s.order, r)
	return r
}

// known says whether the point, or one that it runs like, has come up before.
func (s *search) known(at []int) bool {
	return s.records[s.space.number(s.alike.canonical(at))] != nil
}

// phase bounds a part of the search: by work, and by the wall clock where that is slower than it
// should be.
type phase struct {
	work  float64   // in all, when it is over
	until time.Time // zero: no bound
}

// over says whether the phase has no room for another trial of about the given work.
func (s *search) over(p phase, next float64) bool {
	if !p.until.IsZero() && time.Now().After(p.until) {
		s.late = true
		return true
	}
	return s.work+next > p.work
}

// fullWork is the work of a trial over the full horizon, of the settings tried last.
func (s *search) fullWork() float64 { return s.meanWork(func(r *record) []*trial { return r.full }) }

func (s *search) meanWork(of func(*record) []*trial) float64 {
	sum, n := 0.0, 0.0
	for i := len(s.order) - 1; i >= 0 && n < 32; i-- {
		for _, t := range of(s.order[i]) {
			if t != nil {
				sum += t.work
				n++
			}
		}
	}
	if n == 0 {
		return trialWork
	}
	return sum / n
}

// screenWork is the work of a screening trial.
func (s *search) screenWork() float64 {
	if s.shortening > 1 {
		return s.fullWork() / s.shortening
	}
	return s.fullWork()
}

// batch is how many settings are screened between two looks: the same on any number of cores.
const batch = 12

// screened makes the screening trial of each record.
func (s *search) screened(ctx context.Context, records []*record) error {
	jobs := make([]job, len(records))
	for i, r := range records {
		jobs[i] = job{record: r, replication: 1, short: s.shortening > 1}
	}
	err := s.run(ctx, jobs)
	for _, r := range records {
		s.believe(r)
	}
	return err
}

// screen simulates all settings once if the phase has room for that, and otherwise goes where a
// surrogate of cost and objectives expects the answer.
func (s *search) screen(ctx context.Context, p phase, first [][]int) error {
	room := int64((p.work - s.work) / s.screenWork())
	const most = 20_000
	if n := s.alike.count(); n <= min(room, most) && s.space.total <= 10*most {
		return s.screenAll(ctx, p)
	}
	return s.explore(ctx, p, first)
}

// screenAll simulates every setting once.
func (s *search) screenAll(ctx context.Context, p phase) error {
	var todo []*record
	for n := range s.space.total {
		at := s.space.at(n)
		if slices.Equal(s.alike.canonical(at), at) {
			todo = append(todo, s.recordAt(at))
		}
	}
	for len(todo) > 0 {
		if !p.until.IsZero() && time.Now().After(p.until) {
			s.late = true
			return nil
		}
		n := min(len(todo), 4*batch)
		if err := s.screened(ctx, todo[:n]); err != nil {
			return err
		}
		todo = todo[n:]
	}
	s.whole = true
	return nil
}

// explore begins with a design that covers the space and then screens where the surrogate expects a
// cheaper setting that keeps the objectives, in turn near the best ones and far from all (Regis and
// Shoemaker: Engineering Optimization 45, 2013).
func (s *search) explore(ctx context.Context, p phase, first [][]int) error {
	room := max(0, int((p.work-s.work)/s.screenWork()))
	var todo []*record
	add := func(at []int) {
		if !s.known(at) {
			todo = append(todo, s.recordAt(at))
		}
	}
	for _, at := range first {
		add(at)
	}
	for _, at := range s.design(min(max(room/4, 2*len(s.space.axes)+2), 60)) {
		add(at)
	}
	for len(todo) > 0 && !s.over(p, s.screenWork()) {
		n := min(batch, len(todo))
		if err := s.screened(ctx, todo[:n]); err != nil {
			return err
		}
		todo = todo[n:]
	}
	best, idle := math.Inf(1), 0
	for round := 0; !s.over(p, s.screenWork()); round++ {
		next := s.proposals(round)
		if len(next) == 0 {
			s.whole = int64(len(s.usable())) >= s.alike.count()
			return nil
		}
		if err := s.screened(ctx, next); err != nil {
			return err
		}
		idle++
		for _, r := range s.order {
			if m := merit(&r.belief, hardPenalty); r.at != nil && m < best-0.003 {
				best, idle = m, 0
			}
		}
		if idle > 12+2*len(s.space.axes) {
			return nil
		}
	}
	return nil
}

// design is the corners of all least and all largest values, and points that fill the space evenly:
// the additive recurrence of the generalized golden ratio.
func (s *search) design(n int) [][]int {
	d := len(s.space.axes)
	low, high := make([]int, d), make([]int, d)
	for i := range high {
		high[i] = len(s.space.axes[i].values) - 1
	}
	out := [][]int{low, high}
	ratio := 2.0 // the root of x^(d+1) = x + 1
	for range 60 {
		ratio = math.Pow(1+ratio, 1/float64(d+1))
	}
	for k := 1; len(out) < n; k++ {
		at := make([]int, d)
		step := 1.0
		for i := range at {
			step /= ratio
			x := math.Mod(0.5+float64(k)*step, 1)
			x *= (1 + x) / 2 // more where values are small
			at[i] = min(int(x*float64(len(s.space.axes[i].values))), len(s.space.axes[i].values)-1)
		}
		out = append(out, at)
		if k > 4*n {
			break
		}
	}
	return out
}

// Penalties on broken objectives, in logarithms of cost for each of ratioOf. The soft one looks at
// both sides of the border of what keeps them, the hard one from its safe side.
const (
	softPenalty = 3
	hardPenalty = 30
)

// merit is what a search for good settings makes small.
func merit(b *belief, penalty float64) float64 {
	if b.count == 0 || math.IsInf(b.cost, 1) {
		return math.Inf(1)
	}
	return meritOf(math.Log(max(b.cost, tiny)), b.ratio, penalty)
}

func meritOf(logCost float64, ratio []float64, penalty float64) float64 {
	for _, r := range ratio {
		logCost += penalty * max(0, r)
	}
	return logCost
}

// mostPlaces bounds the settings that the surrogate is fitted to.
const mostPlaces = 250

// proposals are the next settings to screen.
func (s *search) proposals(round int) []*record {
	known := s.usable()
	if len(known) == 0 {
		return nil
	}
	slices.SortStableFunc(known, func(x, y *record) int {
		return cmp.Compare(merit(&x.belief, softPenalty), merit(&y.belief, softPenalty))
	})
	fitted := known
	if len(fitted) > mostPlaces { // the best, and every so many of the others
		fitted = slices.Clone(known[:mostPlaces*2/3])
		rest := known[mostPlaces*2/3:]
		for i := range mostPlaces / 3 {
			fitted = append(fitted, rest[i*len(rest)/(mostPlaces/3)])
		}
	}
	model := s.fit(fitted)
	candidates := s.candidates(known)
	if len(candidates) == 0 {
		return nil
	}
	return s.choose(model, candidates, round)
}

// usable are the settings of the space that have been simulated.
func (s *search) usable() []*record {
	var out []*record
	for _, r := range s.order {
		if r.at != nil && r.belief.count > 0 && !math.IsInf(r.belief.cost, 1) {
			out = append(out, r)
		}
	}
	return out
}

// fit is the surrogate of the logarithm of cost and of the ratio of each objective.
func (s *search) fit(known []*record) *surrogate {
	places := make([][]float64, len(known))
	values := make([][]float64, 1+len(s.objectives))
	for i, r := range known {
		places[i] = s.space.place(r.at)
		values[0] = append(values[0], math.Log(max(r.belief.cost, tiny)))
		for k, v := range r.belief.ratio {
			values[1+k] = append(values[1+k], v)
		}
	}
	return newSurrogate(places, values)
}

// candidates are settings that have not been tried: around the best ones, near and farther away, and
// anywhere.
func (s *search) candidates(known []*record) [][]int {
	seen := map[int64]bool{}
	var out [][]int
	add := func(at []int) {
		at = s.alike.canonical(at)
		if n := s.space.number(at); !seen[n] && s.records[n] == nil {
			seen[n] = true
			out = append(out, at)
		}
	}
	hard := slices.Clone(known)
	slices.SortStableFunc(hard, func(x, y *record) int {
		return cmp.Compare(merit(&x.belief, hardPenalty), merit(&y.belief, hardPenalty))
	})
	const centres, around, anywhere = 4, 120, 150
	for i := range min(centres, len(known)) {
		for _, centre := range [][]int{known[i].at, hard[i].at} {
			for _, at := range s.space.neighbours(centre) {
				add(at)
			}
			for _, at := range s.space.exchanges(centre) {
				add(at)
			}
			for range around {
				add(s.moved(centre))
			}
		}
	}
	for range anywhere {
		at := make([]int, len(s.space.axes))
		for i := range at {
			at[i] = s.below(len(s.space.axes[i].values))
		}
		add(at)
	}
	return out
}

// below is a random number from 0 to n-1.
func (s *search) below(n int) int {
	luck := s.luck.At(s.draws)
	s.draws++
	return min(int(luck.Float64()*float64(n)), n-1)
}

// moved changes some coordinates of a point, by small steps rather than large ones.
func (s *search) moved(centre []int) []int {
	at := slices.Clone(centre)
	for i := range at {
		n := len(s.space.axes[i].values)
		if n == 1 || s.below(5) >= 2 {
			continue
		}
		if s.space.axes[i].numbers == nil {
			at[i] = s.below(n)
			continue
		}
		reach := 1 + s.below(max(1, n/(1+s.below(6))))
		step := 1 + s.below(reach)
		if s.below(2) == 0 {
			step = -step
		}
		at[i] = min(max(at[i]+step, 0), n-1)
	}
	return at
}

// choose takes a batch of the candidates: each by another mixture of what the surrogate promises and
// of the distance to what is known.
func (s *search) choose(model *surrogate, candidates [][]int, round int) []*record {
	n := len(candidates)
	soft, hard, far := make([]float64, n), make([]float64, n), make([]float64, n)
	places := make([][]float64, n)
	out := make([]float64, 1+len(s.objectives))
	for i, at := range candidates {
		places[i] = s.space.place(at)
		if model == nil {
			far[i] = float64(s.below(1 << 20))
			continue
		}
		far[i] = model.at(places[i], out)
		soft[i] = meritOf(out[0], out[1:], softPenalty)
		hard[i] = meritOf(out[0], out[1:], hardPenalty)
	}
	weights := []float64{1, 0.95, 0.8, 1, 0.95, 0.5}
	var chosen []*record
	for k := range min(batch, n) {
		promise := soft
		if k%2 == 0 {
			promise = hard
		}
		w := weights[(k/2+round)%len(weights)]
		best, score := -1, math.Inf(1)
		lowP, highP := bounds(promise, candidates)
		lowD, highD := bounds(far, candidates)
		for i, at := range candidates {
			if at == nil {
				continue
			}
			v := w*share(promise[i], lowP, highP) + (1-w)*(1-share(far[i], lowD, highD))
			if v < score {
				best, score = i, v
			}
		}
		chosen = append(chosen, s.recordAt(candidates[best]))
		candidates[best] = nil
		for i := range candidates { // the next one should not lie beside it
			if candidates[i] != nil {
				far[i] = min(far[i], math.Cbrt(cube(places[i], places[best])))
			}
		}
	}
	return chosen
}

func bounds(x []float64, of [][]int) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for i, v := range x {
		if of[i] != nil {
			low, high = min(low, v), max(high, v)
		}
	}
	return low, high
}

func share(x, low, high float64) float64 {
	if high <= low {
		return 0
	}
	return (x - low) / (high - low)
}
