package model

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/simcap/simcap/sim"
)

// exactly is w as a number without rounding.
func exactly(w wide) *big.Float {
	x := new(big.Float).SetPrec(400).SetFloat64(w.hi)
	return x.Add(x, big.NewFloat(w.lo))
}

// The time to the next completion is what exact arithmetic says, also where it comes within a rounding
// error of a whole nanosecond, or of none at all.
func TestSoonestAgainstExactArithmetic(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 9))
	short := 0
	for range 300_000 {
		k := 1 + 2*r.Float64()
		slowness := quotient(k*1e9, 1e9)
		attained := wide{}
		for range 1 + r.IntN(3) {
			attained = attained.plus(r.Float64() * math.Pow(10, float64(r.IntN(16))))
		}
		tag := attained.plus(r.Float64() * math.Pow(10, float64(r.IntN(13)-4)))
		if r.IntN(3) > 0 { // a whole number of nanoseconds, but for little
			whole := wide{float64(r.IntN(1000)), 0}.over(slowness)
			tag = attained.add(whole).plus(slack).plus((r.Float64() - 0.5) * math.Pow(10, -float64(r.IntN(12))))
		}
		left := new(big.Float).SetPrec(400).Sub(exactly(tag), exactly(attained))
		left.Sub(left, big.NewFloat(slack))
		left.Mul(left, exactly(slowness))
		want := sim.Time(0)
		if left.Sign() > 0 {
			n, accuracy := left.Int64()
			want = sim.Time(n)
			if accuracy != big.Exact {
				want++
			}
		}
		got := soonest(tag, attained, slowness)
		if got == want {
			continue
		}
		// Double-doubles have some 100 bits: closer to a whole number than that they cannot tell.
		near, _ := new(big.Float).Sub(left, big.NewFloat(math.Round(float64(want)))).Float64()
		beside, _ := new(big.Float).Sub(left, big.NewFloat(math.Round(float64(got)))).Float64()
		if math.Min(math.Abs(near), math.Abs(beside)) > 1e-12 {
			t.Fatalf("tag %v, attained %v, slowness %v: %d ns, exactly %v", tag, attained, slowness, got, left)
		}
		short++
	}
	if short > 300 {
		t.Errorf("%d of 300000 are undecided", short)
	}
}
