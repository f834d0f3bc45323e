package sim_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/simcap/simcap/sim"
)

// Draw i depends on the stream's address and on i alone.
func TestDrawsAreAddressed(t *testing.T) {
	s := sim.NewStream(7, 3, "web", "arrivals")
	var forwards, backwards [1000]uint64
	for i := range forwards {
		luck := s.At(uint64(i))
		forwards[i] = luck.Uint64()
		if s.First(uint64(i)) != forwards[i] {
			t.Fatalf("First(%d) is not the first word of draw %d", i, i)
		}
	}
	for i := len(backwards) - 1; i >= 0; i-- {
		luck := s.At(uint64(i))
		luck.Uint64()
		luck = s.At(uint64(i)) // what was drawn before does not matter
		backwards[i] = luck.Uint64()
	}
	if forwards != backwards {
		t.Error("draws depend on the order in which they are made")
	}
	if again := sim.NewStream(7, 3, "web", "arrivals"); again != s {
		t.Error("a stream's key is not a function of its address")
	}
}

// Streams of different addresses have no word in common among the first 500 draws, four words each.
// By chance that would happen once in 10^10 such tests.
func TestStreamsDoNotMeet(t *testing.T) {
	var streams []sim.Stream
	var names []string
	add := func(s sim.Stream, format string, args ...any) {
		streams = append(streams, s)
		names = append(names, fmt.Sprintf(format, args...))
	}
	for _, seed := range []uint64{0, 1, 2, math.MaxUint64, 0x9e3779b97f4a7c15} {
		for replication := 1; replication <= 4; replication++ {
			for _, path := range [][]string{{"a"}, {"b"}, {"a", "b"}, {"ab"}, {"b", "a"}, {"", "a"}, {"a", ""}, {"size"}, {"demand"}} {
				s := sim.NewStream(seed, replication, path...)
				add(s, "seed %d replication %d %q", seed, replication, path)
				if replication == 1 {
					for k := range uint64(3) {
						add(s.Sub(k), "seed %d %q sub %d", seed, path, k)
					}
				}
			}
		}
	}
	seen := map[uint64][3]int{}
	for i, s := range streams {
		for draw := range 500 {
			luck := s.At(uint64(draw))
			for word := range 4 {
				x := luck.Uint64()
				if other, twice := seen[x]; twice {
					t.Fatalf("%s draw %d word %d is %s draw %d word %d", names[i], draw, word, names[other[0]], other[1], other[2])
				}
				seen[x] = [3]int{i, draw, word}
			}
		}
	}
}

// Uniform draws are uniform, within a draw, along a stream and across replications: of n words with 64
// cells the chi-square statistic has mean 63 and variance 126; 63 + 6 sqrt(126) = 130 is passed by chance
// once in a million. Each bit is set in half of the words, within 5 standard deviations.
func TestUniformity(t *testing.T) {
	const n = 1 << 16
	for name, word := range map[string]func(i uint64) uint64{
		"along a stream": func(i uint64) uint64 { l := sim.NewStream(1, 1, "x").At(i); return l.Uint64() },
		"second words":   func(i uint64) uint64 { l := sim.NewStream(1, 1, "x").At(i); l.Uint64(); return l.Uint64() },
		"replications":   func(i uint64) uint64 { l := sim.NewStream(1, int(i), "x").At(0); return l.Uint64() },
		"seeds":          func(i uint64) uint64 { l := sim.NewStream(i, 1, "x").At(0); return l.Uint64() },
		"subs":           func(i uint64) uint64 { l := sim.NewStream(1, 1, "x").Sub(i).At(0); return l.Uint64() },
		"within a sub":   func(i uint64) uint64 { l := sim.NewStream(1, 1, "x").Sub(3).At(i); return l.Uint64() },
		"one long draw": func() func(uint64) uint64 {
			l := sim.NewStream(1, 1, "x").At(0)
			return func(uint64) uint64 { return l.Uint64() }
		}(),
		"neighbours differ": func(i uint64) uint64 {
			s := sim.NewStream(1, 1, "x")
			a, b := s.At(i), s.At(i+1)
			return a.Uint64() ^ b.Uint64()
		},
	} {
		var cells [64]float64
		var ones [64]int
		for i := range uint64(n) {
			x := word(i)
			cells[x>>58]++
			for b := range ones {
				ones[b] += int(x >> b & 1)
			}
		}
		chi := 0.0
		for _, k := range cells {
			chi += (k - n/64) * (k - n/64) / (n / 64)
		}
		if chi > 130 {
			t.Errorf("%s: chi-square %.1f with 63 degrees of freedom", name, chi)
		}
		for b, k := range ones {
			if z := (float64(k) - n/2) / math.Sqrt(n/4); math.Abs(z) > 5 {
				t.Errorf("%s: bit %d is set in %d of %d words", name, b, k, n)
			}
		}
	}
}

func TestUniformBounds(t *testing.T) {
	s := sim.NewStream(1, 1, "bounds")
	for i := range uint64(100_000) {
		luck := s.At(i)
		if u := luck.Float64(); u < 0 || u >= 1 || u*(1<<53) != math.Trunc(u*(1<<53)) {
			t.Fatal(u)
		}
		if u := luck.Open(); u <= 0 || u >= 1 || math.IsInf(math.Log(u), 0) {
			t.Fatal(u)
		}
	}
	// The extreme words of Open: (0 + 1/2) / 2^52 and (2^52 - 1/2) / 2^52 are floats other than 0 and 1.
	for _, word := range []uint64{0, 1<<52 - 1} {
		if u := (float64(word) + 0.5) * 0x1p-52; u <= 0 || u >= 1 {
			t.Fatal(u)
		}
	}
}

// Round takes the nearest nanosecond, halves up, and never leaves [0, Never].
func TestRound(t *testing.T) {
	for _, c := range []struct {
		ns   float64
		want sim.Time
	}{
		{0, 0}, {0.49, 0}, {0.5, 1}, {1.5, 2}, {2.5, 3}, {-0.4, 0}, {-7, 0}, {1e9, sim.Second}, {1e9 + 0.5, sim.Second + 1},
		{0.49999999999999994, 0}, {1<<52 + 1, 1<<52 + 1},
		{math.NaN(), sim.Never}, {math.Inf(1), sim.Never}, {math.Inf(-1), 0}, {1e30, sim.Never}, {float64(sim.Never), sim.Never},
		{1 << 61, 1 << 61}, {1<<53 - 1, 1<<53 - 1},
	} {
		if got := sim.Round(c.ns); got != c.want {
			t.Errorf("Round(%v) = %d, not %d", c.ns, got, c.want)
		}
	}
}

func TestAppendSeconds(t *testing.T) {
	for at, want := range map[sim.Time]string{
		0: "0.000000000", 1: "0.000000001", -1: "-0.000000001", sim.Second: "1.000000000", 1_500_000_000: "1.500000000",
		-sim.Minute - 1: "-60.000000001", sim.Day: "86400.000000000", 123_456_789: "0.123456789",
	} {
		if got := string(at.AppendSeconds(nil)); got != want {
			t.Errorf("%d ns are %q, not %q", int64(at), got, want)
		}
	}
	if sim.Never.Seconds() < 146*365*86400 {
		t.Error("Never is within 146 years")
	}
}
