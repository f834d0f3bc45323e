package sim_test

import (
	"math/rand/v2"
	"testing"

	"github.com/simcap/simcap/sim"
)

// plain is a calendar in the most obvious way: a table of dates and ranks, searched from end to end.
type plain struct {
	dates map[sim.Source]sim.Time
	ranks map[sim.Source]sim.Rank
}

func (p *plain) Rank(s sim.Source) sim.Rank { return p.ranks[s] }

func (p *plain) next() (first sim.Source, ok bool) {
	for s, at := range p.dates {
		if at == sim.Never {
			continue
		}
		if !ok || at < p.dates[first] || at == p.dates[first] && p.ranks[s].Less(p.ranks[first]) {
			first, ok = s, true
		}
	}
	return first, ok
}

// short takes the short ways with what comes before an instant: a source of the last group is yielded, one of
// the first is postponed. What they say must be what a search says, and where they leave it open, two must meet.
// It yields what time it then is.
func (p *plain) short(t *testing.T, c *sim.Calendar, now, at, delay sim.Time) sim.Time {
	key, ok := c.Key(at)
	if !ok {
		return now
	}
	want, some := p.next()
	if c.Earlier(key) && some && p.dates[want] <= at {
		t.Fatalf("%d is said to come before all, and %v is dated %d", at, want, p.dates[want])
	}
	index, last := c.LastBefore(c.Limit(key))
	first := c.FirstEarlier(key)
	switch {
	case last && p.dates[sim.Source{Group: sim.Groups - 1, Index: index}] >= at, first && p.dates[want] >= at,
		last && want.Group != sim.Groups-1, first && want.Group != 0:
		t.Fatalf("%v at %d comes first, before %d: %v and %v", want, p.dates[want], at, last, first)
	case last:
		var due sim.Time
		if index, due, ok = c.NextOf(sim.Groups - 1); ok {
			p.yields(t, want, sim.Source{Group: sim.Groups - 1, Index: index}, due)
			p.dates[want] = sim.Never
			return due
		}
	case first:
		index = c.First(0)
		var due sim.Time
		if due, ok = c.Postpone(0, delay); ok {
			p.yields(t, want, sim.Source{Index: index}, due)
			p.dates[want] = due + delay
			return due
		}
	default:
		return now
	}
	for s, at := range p.dates {
		if s != want && at == p.dates[want] {
			return now
		}
	}
	t.Fatalf("%v alone is dated %d and is not yielded", want, p.dates[want])
	return now
}

func (p *plain) yields(t *testing.T, want, got sim.Source, at sim.Time) {
	if got != want || at != p.dates[want] {
		t.Fatalf("the short way yields %v at %d, the search %v at %d", got, at, want, p.dates[want])
	}
	for s, other := range p.dates {
		if s != got && other == at {
			t.Fatalf("the short way yields %v, and %v has the same date %d", got, s, at)
		}
	}
}

// The calendar yields what a search of all dates finds, whatever is dated, re-dated and cleared in
// between, also for and during the present instant, when it grows, and when dates are too far from
// each other to be packed.
func TestCalendarAgainstSearch(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		size := [sim.Groups]int{}
		p := &plain{map[sim.Source]sim.Time{}, map[sim.Source]sim.Rank{}}
		for g := range size {
			size[g] = r.IntN(1 + int(seed)%20)
		}
		c := sim.NewCalendar(size, p)
		reach := []int64{1, 4, 1000, 1e12, 1 << 58}[r.IntN(5)] // small ones make ties
		now := sim.Time(0)
		set := func(s sim.Source) {
			at := now + sim.Time(r.Int64N(reach))
			switch r.IntN(8) {
			case 0:
				at = now
			case 1:
				at = now + 1<<56
			}
			p.dates[s] = min(at, 1<<61) // 73 years
			p.dates[s] = max(p.dates[s], now)
			p.ranks[s] = sim.Rank{Hi: r.Uint64N(3), Lo: uint64(s.Group)<<32 | uint64(s.Index)}
			if c.Date(s) == sim.Never && r.IntN(2) == 0 {
				c.Add(s, p.dates[s])
			} else {
				c.Set(s, p.dates[s])
			}
		}
		any := func() (sim.Source, bool) {
			g := r.IntN(sim.Groups)
			if size[g] == 0 {
				return sim.Source{}, false
			}
			return sim.Source{Group: int32(g), Index: int32(r.IntN(size[g]))}, true
		}
		for range 400 {
			switch r.IntN(10) {
			case 0:
				g := r.IntN(sim.Groups)
				if half := c.Room(int32(g)) / 2; half > 0 && r.IntN(3) == 0 {
					for i := half; i < size[g]; i++ {
						s := sim.Source{Group: int32(g), Index: int32(i)}
						p.dates[s] = sim.Never
						c.Clear(s)
					}
					c.Shrink(int32(g))
					size[g] = min(size[g], c.Room(int32(g)))
				}
				size[g] += r.IntN(4)
				c.Grow(int32(g), size[g])
			case 1:
				if s, ok := any(); ok {
					p.dates[s] = sim.Never
					c.Clear(s)
				}
			case 2, 3, 4:
				if s, ok := any(); ok {
					set(s)
				}
			case 5, 6:
				now = p.short(t, c, now, now+sim.Time(r.Int64N(reach)), 1+sim.Time(r.Int64N(reach)))
			default:
				want, some := p.next()
				got, at, ok := c.Next()
				if ok != some || ok && (got != want || at != p.dates[want] || c.Date(got) != sim.Never) {
					t.Fatalf("seed %d: the calendar yields %v at %d (%v), the search %v at %d (%v)", seed, got, at, ok,
						want, p.dates[want], some)
				}
				if !ok {
					continue
				}
				now = at
				p.dates[got] = sim.Never
				switch {
				case r.IntN(4) == 0:
					c.Clear(got)
				case r.IntN(3) > 0 && now < 1<<61:
					set(got)
				}
			}
		}
	}
}

// A source whose first event has changed while it waited for its turn is yielded by its new rank.
func TestCalendarAsksForRanksAnew(t *testing.T) {
	p := &plain{map[sim.Source]sim.Time{}, map[sim.Source]sim.Rank{}}
	c := sim.NewCalendar([sim.Groups]int{3, 0, 0}, p)
	source := func(i int32) sim.Source { return sim.Source{Index: i} }
	for i := range int32(3) {
		p.ranks[source(i)] = sim.Rank{Hi: uint64(i)}
		c.Set(source(i), 7)
	}
	if s, _, _ := c.Next(); s != source(0) {
		t.Fatal(s)
	}
	p.ranks[source(1)] = sim.Rank{Hi: 9}
	for _, want := range []int32{2, 1} {
		s, at, ok := c.Next()
		if s != source(want) || at != 7 || !ok {
			t.Fatalf("%v at %d, where source %d is next", s, at, want)
		}
	}
	if s, _, ok := c.Next(); ok {
		t.Fatal(s)
	}
}
