package plan

import (
	"cmp"
	"context"
	"math"
	"slices"
)

// inhand is the cheapest setting that is sure to keep every objective, nil without one.
func (s *search) inhand() *record {
	var best *record
	for _, r := range s.order {
		s.believe(r)
		if r.at != nil && r.belief.keeps == Yes && r.belief.full >= sureFrom &&
			(best == nil || r.belief.cost < best.belief.cost) {
			best = r
		}
	}
	return best
}

// reference is the cost that others have to beat: that of the setting in hand, or while there is none
// a little above that of the cheapest which probably keeps the objectives.
func (s *search) reference(hand *record) float64 {
	if hand != nil {
		return hand.belief.cost * (1 - indifference/2)
	}
	likely, most := math.Inf(1), 0.0
	for _, r := range s.order {
		b := &r.belief
		if r.at == nil || b.count == 0 || math.IsInf(b.cost, 1) {
			continue
		}
		if b.chance > 0.9 {
			likely = min(likely, b.cost)
		}
		most = max(most, b.cost)
	}
	if math.IsInf(likely, 1) {
		likely = most
	}
	return likely * 1.05
}

// Bounds of the race.
const (
	runners   = 4     // settings that get replications in one round
	worthless = 0.003 // expected saving, as a fraction of cost, that is not worth a replication
)

// race gives replications to the settings that are worth them: those with the largest expected saving
//
//	P(every objective is kept) × E[max(0, cost to beat - cost)],
//
// the cost to beat being a little below that of the setting in hand,
// until none is worth it (expected improvement, which allocates as optimal computing budget
// allocation does: much to close rivals, nothing to what is clearly dearer or breaks an objective).
// All settings meet the same arrivals and demands in replication n.
func (s *search) race(ctx context.Context, p phase) error {
	for {
		s.learn()
		hand := s.inhand()
		picks := s.picks(hand)
		if len(picks) == 0 {
			return nil
		}
		var jobs []job
		for _, r := range picks {
			from := len(r.complete())
			for n := from + 1; n <= more(from); n++ {
				jobs = append(jobs, job{record: r, replication: n})
			}
		}
		if s.over(p, s.fullWork()*float64(len(jobs))) {
			return nil
		}
		if err := s.run(ctx, jobs); err != nil {
			return err
		}
	}
}

// more is up to which replication a setting goes next.
func more(have int) int {
	switch {
	case have < 2:
		return 2
	case have < 4:
		return 4
	case have < sureFrom:
		return sureFrom
	}
	return min(mostReplications, have+max(2, have/3))
}

// picks are the settings that are worth more replications, the worthiest first.
func (s *search) picks(hand *record) []*record {
	ref := s.reference(hand)
	type scored struct {
		record *record
		score  float64
	}
	var all []scored
	for _, r := range s.order {
		s.believe(r)
		b := &r.belief
		if r.at == nil || r == hand || b.count == 0 || b.keeps != Unsure || b.full >= mostReplications {
			continue
		}
		score := b.chance * saving(ref, b.cost, b.costDev)
		if score > worthless*ref || hand == nil && b.chance > 0.001 {
			all = append(all, scored{r, score})
		}
	}
	slices.SortStableFunc(all, func(x, y scored) int { return cmp.Compare(y.score, x.score) })
	var out []*record
	for i := range all {
		if r := all[i].record; len(out) < runners && !s.twin(r) {
			out = append(out, r)
		}
	}
	return out
}

// twin says whether a setting has run exactly like another one that has at least as many trials, for
// long enough not to be worth trials of its own for now.
func (s *search) twin(r *record) bool {
	own := r.complete()
	if len(own) < 4 {
		return false
	}
	for _, other := range s.order {
		n := len(other.complete())
		if other != r && other.at != nil && (n > len(own) || n == len(own) && other.number < r.number) &&
			same(r, other) {
			return true
		}
	}
	return false
}

// rescue is for a search without a setting that is sure to keep the objectives: it tries the cheapest
// that most probably does, and where there is none the most probable, until one has proved sure.
func (s *search) rescue(ctx context.Context, p phase) error {
	for s.inhand() == nil {
		var best *record
		for _, r := range s.order {
			b := &r.belief
			if r.at != nil && b.keeps == Unsure && b.count > 0 && b.full < 2*sureFrom && b.chance > 0.001 &&
				(best == nil || likelier(b, &best.belief)) {
				best = r
			}
		}
		if best == nil || s.over(p, s.fullWork()) {
			return nil
		}
		from := len(best.complete())
		var jobs []job
		for n := from + 1; n <= max(sureFrom, more(from)); n++ {
			jobs = append(jobs, job{record: best, replication: n})
		}
		if err := s.run(ctx, jobs); err != nil {
			return err
		}
	}
	return nil
}

// likelier says which setting to try first while none is sure.
func likelier(x, y *belief) bool {
	const probable = 0.9
	switch {
	case x.chance >= probable && y.chance >= probable:
		return x.cost < y.cost
	case x.chance >= probable || y.chance >= probable:
		return x.chance > y.chance
	case math.Abs(x.chance-y.chance) > 0.02:
		return x.chance > y.chance
	}
	return x.cost < y.cost
}

// descend looks around the setting in hand, or the closest one while there is none, and races what
// it finds there, until nothing around it is cheaper.
func (s *search) descend(ctx context.Context, p phase) error {
	if err := s.rescue(ctx, s.half(p)); err != nil {
		return err
	}
	if err := s.race(ctx, s.half(p)); err != nil {
		return err
	}
	if err := s.nearest(ctx, p); err != nil {
		return err
	}
	for !s.whole {
		centre := s.inhand()
		if centre == nil {
			centre = s.closest(0)
		}
		if centre == nil {
			return nil
		}
		around := s.around(centre)
		if len(around) == 0 {
			return nil
		}
		for len(around) > 0 {
			n := min(batch, len(around))
			if s.over(p, s.fullWork()*float64(n)) {
				return nil
			}
			jobs := make([]job, n)
			for i, r := range around[:n] {
				jobs[i] = job{record: r, replication: 1}
			}
			if err := s.run(ctx, jobs); err != nil {
				return err
			}
			around = around[n:]
		}
		if err := s.race(ctx, s.half(p)); err != nil {
			return err
		}
		if err := s.nearest(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// half is the phase with half of the work that it has left: one race must not use up what others need.
func (s *search) half(p phase) phase {
	if s.whole {
		return p
	}
	return phase{s.work + (p.work-s.work)/2, p.until}
}

// nearest makes sure, while nothing keeps the objectives, that what looks closest to it rests on some
// replications.
func (s *search) nearest(ctx context.Context, p phase) error {
	for s.inhand() == nil {
		r := s.closest(0)
		if r == nil || len(r.complete()) >= sureFrom || s.over(p, s.fullWork()*2) {
			return nil
		}
		var jobs []job
		for n := len(r.complete()) + 1; n <= sureFrom; n++ {
			jobs = append(jobs, job{record: r, replication: n})
		}
		if err := s.run(ctx, jobs); err != nil {
			return err
		}
	}
	return nil
}

// around are the neighbours of a setting that nothing is known of yet and that the surrogate does not
// rule out.
func (s *search) around(centre *record) []*record {
	known := s.usable()
	slices.SortStableFunc(known, func(x, y *record) int {
		return cmp.Compare(s.distance(x, centre), s.distance(y, centre))
	})
	model := s.fit(known[:min(len(known), mostPlaces)])
	cost := math.Log(max(centre.belief.cost, tiny))
	out := make([]float64, 1+len(s.objectives))
	var found []*record
	try := func(at []int, margin, ratio float64) {
		if s.known(at) {
			return
		}
		if model != nil {
			model.at(s.space.place(at), out)
			if out[0] > cost+margin || slices.Max(append(out[1:], 0)) > ratio {
				return
			}
		}
		found = append(found, s.recordAt(at))
	}
	for _, at := range s.space.neighbours(centre.at) {
		try(at, 0.05, 1)
	}
	for _, at := range s.space.exchanges(centre.at) {
		try(at, 0.01, 0.3)
	}
	return found
}

func (s *search) distance(x, y *record) float64 {
	return cube(s.space.place(x.at), s.space.place(y.at))
}

// nearestOfAll is the closest setting among those that rest on the most replications.
func (s *search) nearestOfAll() *record {
	for _, least := range []int{sureFrom, 2, 0} {
		if r := s.closest(least); r != nil {
			return r
		}
	}
	return nil
}

// closest is the setting with so many full trials at least that most probably keeps the objectives, or
// breaks them least; cheapest on a draw.
func (s *search) closest(least int) *record {
	var best *record
	for _, r := range s.order {
		s.believe(r)
		if r.at == nil || r.belief.count == 0 || math.IsInf(r.belief.cost, 1) || r.belief.full < least {
			continue
		}
		if best == nil || closer(&r.belief, &best.belief) {
			best = r
		}
	}
	return best
}

func closer(x, y *belief) bool {
	if d := x.chance - y.chance; math.Abs(d) > 0.01 {
		return d > 0
	}
	a, b := slices.Max(append(x.ratio, -2)), slices.Max(append(y.ratio, -2))
	if x.chance < 0.01 && math.Abs(a-b) > 0.01 {
		return a < b
	}
	return x.cost < y.cost
}

// plainest is the setting that changes least of today's among those that ran exactly like the given
// one: limits that were never reached, windows in which nothing happened.
func (s *search) plainest(best *record) *record {
	own := s.space.where(&s.scenario.Model)
	for _, i := range s.alike.tops { // these need no run
		at := slices.Clone(best.at)
		at[i] = own[i]
		if r := s.recordAt(at); len(r.complete()) == 0 {
			for n := range best.complete() {
				s.echoed(job{record: r, replication: n + 1})
			}
		}
	}
	changes := func(r *record) (n int) {
		for i := range own {
			if r.at[i] != own[i] {
				n++
			}
		}
		return n
	}
	out := best
	for _, r := range s.order {
		s.believe(r)
		if r.at != nil && r.belief.keeps != No && same(r, best) && changes(r) < changes(out) &&
			len(r.complete()) >= min(4, len(best.complete())) {
			out = r
		}
	}
	return out
}

// same says whether two settings ran exactly alike, as far as both were run.
func same(x, y *record) bool {
	a, b := x.complete(), y.complete()
	n := min(len(a), len(b))
	for i := range n {
		if a[i].goal != b[i].goal || !slices.Equal(a[i].slo, b[i].slo) {
			return false
		}
	}
	return n > 0
}
