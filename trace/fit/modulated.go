package fit

import (
	"fmt"
	"math"

	"github.com/simcap/simcap/trace/shape"
)

// modulated are Markov-modulated Poisson processes of two states whose dispersion in windows of all
// lengths is nearest to the trace's. With rates l and h, stays of means a and b, a share p = b/(a+b)
// of the time in the second state, τ = 1/(1/a + 1/b) and V = p (1-p) (h-l)²,
//
//	IDC(t) = 1 + 2 τ V / λ × (1 - (1 - exp(-t/τ)) τ/t)
//
// (Fischer and Meier-Hellstern, "The Markov-modulated Poisson process (MMPP) cookbook", 1993, for two
// states). That leaves p free: the largest with l ≥ 0, which makes the first state silent, and a half and a
// tenth of it, which make bursts rarer and higher.
func modulated(s *shape.Shape) []Candidate {
	amplitude, tau, ok := dispersionFit(s.Dispersion)
	if !ok {
		return nil
	}
	variance := amplitude * s.RatePerS / (2 * tau)
	most := s.RatePerS * s.RatePerS / (variance + s.RatePerS*s.RatePerS)
	var out []Candidate
	for _, part := range [...]struct {
		share float64
		name  string
	}{{1, "on and off"}, {0.5, "two states"}, {0.1, "rare bursts"}} {
		p := most * part.share
		d := math.Sqrt(variance / (p * (1 - p)))
		low := math.Max(0, s.RatePerS-p*d)
		stayLow, stayHigh := tau/p, tau/(1-p)
		if !(p > 1e-6 && p < 0.99 && stayHigh > 1e-3 && stayLow < 1e7) {
			continue
		}
		out = append(out, Candidate{Name: "mmpp, " + part.name, Numbers: 4,
			What: fmt.Sprintf("%s/s for %s s on average, then %s/s for %s s", short2(low),
				short2(stayLow), short2(low+d),
				short2(stayHigh)),
			Arrivals: fmt.Sprintf("{process: mmpp, states: [{rate: %s/s, mean_duration: %ss}, {rate: %s/s, "+
				"mean_duration: %ss}]}", short(low), short(stayLow), short(low+d), short(stayHigh))})
	}
	return out
}

// dispersionFit finds the amplitude A and the time τ (s) with which 1 + A (1 - (1 - exp(-t/τ)) τ/t) has the
// least squared error of its logarithm. ok is false if the trace is not dispersed.
func dispersionFit(d []shape.Dispersion) (amplitude, tau float64, ok bool) {
	most := 0.0
	for _, x := range d {
		most = math.Max(most, x.IDC)
	}
	if len(d) < 2 || most < 1.3 {
		return 0, 0, false
	}
	best := math.Inf(1)
	for logTau := -1.0; logTau <= 5; logTau += 0.1 {
		for logA := -1.0; logA <= 5; logA += 0.05 {
			t, a := math.Pow(10, logTau), math.Pow(10, logA)
			e := 0.0
			for _, x := range d {
				u := x.WindowS / t
				e += math.Pow(math.Log(math.Max(x.IDC, 0.1))-math.Log(1+a*(1-(1-math.Exp(-u))/u)), 2)
			}
			if e < best {
				best, amplitude, tau = e, a, t
			}
		}
	}
	return amplitude, tau, true
}
