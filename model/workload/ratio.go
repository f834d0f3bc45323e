package workload

import (
	"math"
	"math/big"
	"math/bits"
	"strconv"

	"github.com/simcap/simcap/sim"
)

// exact is the fraction that a positive float64 most likely stands for. Scenario files hold 0.1,
// 120/min or 20/min; their float64 is off by up to one part in 2^53, which n/rate would grow to
// nanoseconds within months. A number whose shortest decimal has at most 15 digits is that decimal:
// every such decimal survives the way through float64. Another one (a third, say) is the fraction of
// smallest denominator that rounds to it.
func exact(x float64) *big.Rat {
	text := strconv.FormatFloat(x, 'e', -1, 64)
	digits := 0
	for _, c := range text {
		if c == 'e' {
			break
		}
		if c >= '0' && c <= '9' {
			digits++
		}
	}
	if digits <= 15 {
		if r, ok := new(big.Rat).SetString(text); ok {
			return r
		}
	}
	return simplest(x)
}

// simplest is the fraction of smallest denominator between the midpoints from x to its neighbours,
// by continued fractions (Graham, Knuth, Patashnik: Concrete Mathematics, 6.7).
func simplest(x float64) *big.Rat {
	middle := func(y float64) *big.Rat {
		r := new(big.Rat).SetFloat64(x)
		r.Add(r, new(big.Rat).SetFloat64(y))
		return r.Quo(r, big.NewRat(2, 1))
	}
	low, high := middle(math.Nextafter(x, 0)), middle(math.Nextafter(x, math.Inf(1)))
	return between(low, high)
}

// between is the simplest fraction in [low, high], for 0 <= low <= high.
func between(low, high *big.Rat) *big.Rat {
	floor := new(big.Int).Quo(low.Num(), low.Denom())
	whole := new(big.Rat).SetInt(floor)
	if whole.Cmp(low) == 0 {
		return whole
	}
	next := new(big.Rat).Add(whole, big.NewRat(1, 1))
	if next.Cmp(high) <= 0 {
		return next
	}
	a, b := new(big.Rat).Sub(low, whole), new(big.Rat).Sub(high, whole)
	return whole.Add(whole, new(big.Rat).Inv(between(b.Inv(b), a.Inv(a))))
}

// scaled is round(t × num / den), halves up, without a rounding error on the way; sim.Never where
// that is past it. An odd den has no exact halves, so that its floored half rounds alike.
func scaled(t sim.Time, num, den uint64) sim.Time {
	hi, lo := bits.Mul64(uint64(t), num)
	lo, carry := bits.Add64(lo, den/2, 0)
	hi += carry
	if hi >= den {
		return sim.Never
	}
	q, _ := bits.Div64(hi, lo, den)
	if q >= uint64(sim.Never) {
		return sim.Never
	}
	return sim.Time(q)
}
