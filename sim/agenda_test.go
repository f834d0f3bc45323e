package sim_test

import (
	"math/rand/v2"
	"testing"

	"github.com/simcap/simcap/sim"
)

// The agenda's head is what a search of all appointments finds.
func TestAgendaAgainstSearch(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 2))
		a := sim.NewAgenda(3)
		all := map[sim.Owner]sim.Appointment{}
		for range 500 {
			owner := sim.Owner{Kind: uint8(r.IntN(3)), Index: int32(r.IntN(1 + int(seed)%40))}
			if r.IntN(3) == 0 {
				a.Cancel(owner)
				delete(all, owner)
			} else {
				x := sim.Appointment{At: sim.Time(r.IntN(10)), Owner: owner,
					Rank: sim.Rank{Hi: r.Uint64N(3), Lo: uint64(owner.Kind)<<32 | uint64(owner.Index)}}
				a.Set(owner, x.At, x.Rank)
				all[owner] = x
			}
			want := sim.Appointment{At: sim.Never}
			for _, x := range all {
				if x.At < want.At || x.At == want.At && x.Rank.Less(want.Rank) {
					want = x
				}
			}
			if a.Head() != want || a.First != want.At || a.Len() != len(all) {
				t.Fatalf("seed %d: head %+v of %d, first %d; the search finds %+v of %d", seed, a.Head(), a.Len(),
					a.First, want, len(all))
			}
		}
	}
}

// The selector's minimum is what a search of all seats finds.
func TestSelectorAgainstSearch(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 3))
		var s sim.Selector
		if _, ok := s.Min(); ok {
			t.Fatal("an empty selector has a minimum")
		}
		ranks := map[int32]sim.Rank{}
		high := uint64(sim.HighestRank) * (seed % 2)
		for range 300 {
			seat := int32(r.IntN(1 + int(seed)))
			if r.IntN(3) == 0 {
				s.Out(seat)
				delete(ranks, seat)
			} else {
				rank := sim.Rank{Hi: max(high, 4) - r.Uint64N(4), Lo: r.Uint64N(1<<40)<<8 | uint64(seat)}
				s.Set(seat, rank)
				ranks[seat] = rank
			}
			best, some := int32(0), false
			for k, v := range ranks {
				if !some || v.Less(ranks[best]) {
					best, some = k, true
				}
			}
			if got, ok := s.Min(); ok != some || ok && got != best {
				t.Fatalf("seed %d: seat %d (%v), the search finds %d (%v)", seed, got, ok, best, some)
			}
		}
	}
}

// A slab hands no place out twice, keeps what stands in the others, and grows with what is alive only.
func TestSlab(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 4))
	var s sim.Slab[int]
	alive := map[int32]int{}
	most := 0
	for i := range 20_000 {
		if len(alive) < 50 && r.IntN(2) == 0 {
			k := s.New()
			if _, twice := alive[k]; twice {
				t.Fatalf("place %d is handed out twice", k)
			}
			*s.At(k) = i
			alive[k] = i
			most = max(most, len(alive))
		} else {
			for k := range alive {
				s.Free(k)
				delete(alive, k)
				break
			}
		}
		for k, v := range alive {
			if *s.At(k) != v {
				t.Fatalf("place %d holds %d, not %d", k, *s.At(k), v)
			}
		}
		if s.Len()-s.FreeLen() != len(alive) {
			t.Fatalf("%d of %d places are free with %d alive", s.FreeLen(), s.Len(), len(alive))
		}
	}
	if s.Len() != most {
		t.Errorf("%d places for at most %d alive", s.Len(), most)
	}
}
