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
			c.Set(s, p.dates[s])
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
