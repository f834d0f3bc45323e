package model

import (
	"math"

	"github.com/simcap/simcap/sim"
)

// Items that share a container under a slow-down curve all progress at one speed v(k), so one number
// serves for all: the service that the container has given to each item since it was last empty. An
// item that begins when that number is a, with demand d, completes when it reaches a + d (its tag);
// nothing is re-dated when the speed changes but the container's next completion. This is virtual
// time as in processor-sharing and fair-queueing analyses (Kleinrock 1967; Parekh and Gallager 1993).

// slack is the work in nanoseconds below which an item counts as done (fine print of rule 6).
const slack = 0.001

// workError is more than the error of attained service in nanoseconds, whose speeds are float64: what
// is half a nanosecond but for it rounds up as a half does.
const workError = 1e-5

// wide is a number of about 106 significant bits, the unevaluated sum of two float64 (Dekker 1971):
// the attained service has to be right to a fraction of a thousandth of a nanosecond over days.
type wide struct{ hi, lo float64 }

// twoSum is a + b without error: s + e (Knuth, TAOCP 2, 4.2.2).
func twoSum(a, b float64) (s, e float64) {
	s = a + b
	t := s - a
	return s, (a - (s - t)) + (b - t)
}

// quickTwoSum is twoSum for |a| ≥ |b| (Dekker 1971).
func quickTwoSum(a, b float64) (s, e float64) {
	s = a + b
	return s, b - (s - a)
}

func (w wide) plus(x float64) wide {
	s, e := twoSum(w.hi, x)
	s, e = quickTwoSum(s, e+w.lo)
	return wide{s, e}
}

// add is w + x, wrong by at most 2^-105 of the larger of both.
func (w wide) add(x wide) wide {
	s, e := twoSum(w.hi, x.hi)
	s, e = quickTwoSum(s, e+(w.lo+x.lo))
	return wide{s, e}
}

func (w wide) minus(x wide) wide { return w.add(wide{-x.hi, -x.lo}) }

// times is w × x. The product of the high parts is exact by fused multiply-add.
func (w wide) times(x float64) wide {
	p := w.hi * x
	e := math.FMA(w.hi, x, -p)
	s, e := quickTwoSum(p, math.FMA(w.lo, x, e))
	return wide{s, e}
}

// by is w × x.
func (w wide) by(x wide) wide {
	p := w.hi * x.hi
	e := math.FMA(w.hi, x.hi, -p)
	e = math.FMA(w.hi, x.lo, math.FMA(w.lo, x.hi, e))
	s, e := quickTwoSum(p, e)
	return wide{s, e}
}

// over is w / x to about 100 bits.
func (w wide) over(x wide) wide {
	q := w.hi / x.hi
	r := w.minus(x.times(q))
	q2 := r.hi / x.hi
	r = r.minus(x.times(q2))
	s, e := twoSum(q, q2)
	return wide{s, e}.plus(r.hi / x.hi)
}

// wideOf is t, exactly.
func wideOf(t sim.Time) wide {
	hi := float64(t)
	return wide{hi, float64(t - sim.Time(hi))}
}

func (w wide) less(x wide) bool { return w.hi < x.hi || w.hi == x.hi && w.lo < x.lo }

func (w wide) float() float64 { return w.hi + w.lo }

// ceil is the smallest whole number not below w, at least 0.
func (w wide) ceil() sim.Time {
	if w.hi >= float64(sim.Never) {
		return sim.Never
	}
	floor := math.Floor(w.hi)
	rest := (w.hi - floor) + w.lo // in (-1, 2)
	return sim.Time(max(0, floor+math.Ceil(rest)))
}

func quotient(a, b float64) wide { return wide{a, 0}.over(wide{b, 0}) }

// share brings the container's attained service up to now.
func (m *machine) share(p *pool, c *container) {
	c.attained = m.attainedAt(p, c, m.now)
	c.workedTo = m.now
}

// attainedAt is the service attained at an instant, if nothing changes until then.
func (m *machine) attainedAt(p *pool, c *container, at sim.Time) wide {
	if c.active == 0 || at == c.workedTo {
		return c.attained
	}
	return c.attained.add(p.speed[c.active].times(float64(at - c.workedTo)))
}

// sharedEnd is the next completion or timeout on a container with sharing. It needs share first.
func (m *machine) sharedEnd(p *pool, c *container) sim.Time {
	wait := soonest(c.heap[0].tag, c.attained, p.slowness[c.active])
	return min(m.now+wait, m.inputs.At(c.firstItem).started+p.set.Timeout)
}

// soonest is the time in which the attained service reaches the tag but for the slack: their difference
// times the slowness, rounded up. What float64 says of it is wrong by less than 2^-50 of it, and of what
// the attained service is wrong by itself: more digits are wanted only where that leaves open what to
// round up to.
func soonest(tag, attained, slowness wide) sim.Time {
	x := ((tag.hi - attained.hi) + (tag.lo - attained.lo) - slack) * slowness.hi
	if wrong := x*0x1p-48 + 1e-9; x > 0 && x < 0x1p47 {
		floor := float64(int64(x))
		if rest := x - floor; rest > wrong && rest < 1-wrong {
			return sim.Time(floor) + 1
		}
	}
	left := tag.minus(attained).plus(-slack)
	if left.hi <= 0 {
		return 0
	}
	return left.by(slowness).ceil()
}

// dueShared is dueItem for a container with sharing. Of items due at one nanosecond the one that began
// first comes first, though their tags may differ by less than a nanosecond of work.
func (m *machine) dueShared(p *pool, c *container, at sim.Time) (ii int32, timedOut bool) {
	limit := m.attainedAt(p, c, at).plus(slack)
	if best := m.earliestDone(c.heap, 0, limit, none); best != none {
		return best, false
	}
	if oldest := c.firstItem; m.inputs.At(oldest).started+p.set.Timeout == at {
		return oldest, true
	}
	return none, false
}

// earliestDone is the item of the lowest order whose tag does not exceed the limit, in the heap from
// place i down.
func (m *machine) earliestDone(heap []inService, i int, limit wide, best int32) int32 {
	if i >= len(heap) || limit.less(heap[i].tag) {
		return best
	}
	if lead := heap[i].lead; best == none || m.inputs.At(lead).item.order < m.inputs.At(best).item.order {
		best = lead
	}
	best = m.earliestDone(heap, 2*i+1, limit, best)
	return m.earliestDone(heap, 2*i+2, limit, best)
}

// workTo brings the container's attained service up to now, where that is kept.
func (m *machine) workTo(p *pool, c *container) {
	if p.sharing {
		m.share(p, c)
	}
}

// workDone is the work done so far on the lead's item, which is in service, in whole nanoseconds. It
// needs workTo first.
func (m *machine) workDone(p *pool, lead *input) sim.Time {
	it := &lead.item
	if !p.sharing {
		return min(it.demand, m.now-lead.started)
	}
	left := it.tag.minus(m.containers.At(it.on).attained).float()
	return min(it.demand, sim.Round(float64(it.demand)-left+workError))
}
