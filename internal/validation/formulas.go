package validation

import "math"

// erlangB is the share of arrivals that find all c servers busy where nobody waits, for an offered
// load of a: B(0) = 1, B(c) = aB(c-1)/(c + aB(c-1)) (Erlang, 1917). It holds for any law of service
// times. For c = 5, a = 4 it is 0.19906687.
func erlangB(c int, a float64) float64 {
	b := 1.0
	for k := 1; k <= c; k++ {
		b = a * b / (float64(k) + a*b)
	}
	return b
}

// mmc is the queue with Poisson arrivals at rate lambda, c servers of rate mu each, first come first
// served.
type mmc struct {
	lambda, mu float64
	c          int
}

// waits is the probability of a wait (Erlang C).
func (q mmc) waits() float64 {
	a := q.lambda / q.mu
	b := erlangB(q.c, a)
	rho := a / float64(q.c)
	return b / (1 - rho*(1-b))
}

// drain is cμ - λ: a wait, if there is one, is exponential at this rate.
func (q mmc) drain() float64 { return float64(q.c)*q.mu - q.lambda }

func (q mmc) meanWait() float64 { return q.waits() / q.drain() }

// waitQuantile is the wait that a share p of arrivals does not exceed.
func (q mmc) waitQuantile(p float64) float64 {
	return math.Max(0, math.Log(q.waits()/(1-p))/q.drain())
}

// sojournTail is P(wait + service > t): a mixture of the service time and of the sum of two
// exponentials of rates η = cμ - λ and μ.
func (q mmc) sojournTail(t float64) float64 {
	eta, mu := q.drain(), q.mu
	sum := (eta*math.Exp(-mu*t) - mu*math.Exp(-eta*t)) / (eta - mu)
	return (1-q.waits())*math.Exp(-mu*t) + q.waits()*sum
}

func (q mmc) sojournQuantile(p float64) float64 {
	return bisect(0, 1000/q.mu, func(t float64) bool { return q.sojournTail(t) <= 1-p })
}

// bisect is the least t in [low, high] for which reached is true.
func bisect(low, high float64, reached func(float64) bool) float64 {
	for range 200 {
		middle := low + (high-low)/2
		if reached(middle) {
			high = middle
		} else {
			low = middle
		}
	}
	return high
}

// meanWaitMG1 is the formula of Pollaczek and Khinchine: λE[S²]/(2(1 - ρ)).
func meanWaitMG1(lambda, mean, second float64) float64 {
	return lambda * second / (2 * (1 - lambda*mean))
}

// waitSquareMG1 is the second moment of the wait: 2W² + λE[S³]/(3(1 - ρ)).
func waitSquareMG1(lambda, mean, second, third float64) float64 {
	w := meanWaitMG1(lambda, mean, second)
	return 2*w*w + lambda*third/(3*(1-lambda*mean))
}

// workloadMD1 is, up to a factor, the probability that the unfinished work of M/D/1 is at most t
// services, for r arrivals per service (Erlang, 1909):
//
//	Σ over k = 0 … ⌊t⌋ of (r(k - t))^k/k! · e^(-r(k - t)).
//
// It holds for r ≥ 1 too, where only the part of the queue below a limit is meant. Its terms alternate:
// t up to 30 or so.
func workloadMD1(r, t float64) float64 {
	sum := 0.0
	for k := 0; float64(k) <= t; k++ {
		x := r * (float64(k) - t)
		term := math.Exp(-x)
		for i := 1; i <= k; i++ {
			term *= x / float64(i)
		}
		sum += term
	}
	return sum
}

// waitQuantileMD1 is a quantile of the wait of M/D/1 with services of length 1: P(W ≤ t) is
// (1 - ρ) workloadMD1.
func waitQuantileMD1(rho, p float64) float64 {
	return bisect(0, 30, func(t float64) bool { return (1-rho)*workloadMD1(rho, t) >= p })
}

// tokenBucketAccepts is the share of Poisson arrivals that a token bucket lets pass, for r arrivals per
// token and a depth of b tokens. What the bucket lacks is the work of an M/D/1 queue that refuses whoever
// finds more than b - 1 services of work: with G = workloadMD1(r, b - 1), P = G/(1 + rG). For r = 1 and
// b beyond 20, G is 2(b - 1) + 2/3 to ten digits, by the renewal theorem's second term.
func tokenBucketAccepts(r float64, b int) float64 {
	g := 2*float64(b-1) + 2.0/3
	if r != 1 || b <= 20 {
		g = workloadMD1(r, float64(b-1))
	}
	return g / (1 + r*g)
}

// window is a single server that stops after an idle time and needs a set-up then: M/G/1 with an
// exceptional delay X before the first input of a busy period, X = setup with probability
// p = e^(-λ window), else 0 (Welch, 1964; the rest by renewal over cycles).
type window struct {
	lambda, mean, second float64 // arrivals, and moments of service
	setup, window        float64
}

// p is the chance that an idle period outlasts the window.
func (w window) p() float64 { return math.Exp(-w.lambda * w.window) }

// cycle is the mean time from one end of a busy period to the next: (1/λ + E[X])/(1 - ρ).
func (w window) cycle() float64 {
	return (1/w.lambda + w.p()*w.setup) / (1 - w.lambda*w.mean)
}

// meanWait is λE[S²]/(2(1 - ρ)) + (2E[X] + λE[X²])/(2(1 + λE[X])).
func (w window) meanWait() float64 {
	x, xx := w.p()*w.setup, w.p()*w.setup*w.setup
	return meanWaitMG1(w.lambda, w.mean, w.second) + (2*x+w.lambda*xx)/(2*(1+w.lambda*x))
}

func (w window) starting() float64 { return w.p() * w.setup / w.cycle() }
func (w window) stopped() float64  { return w.p() / w.lambda / w.cycle() }

// starts is set-ups per input.
func (w window) starts() float64 { return w.p() / (w.cycle() * w.lambda) }

// birthDeath is the stationary law of a chain on 0 … n that goes up at rate up(i) and down at down(i).
func birthDeath(n int, up, down func(i int) float64) []float64 {
	law := make([]float64, n+1)
	law[0] = 1
	sum := 1.0
	for i := 1; i <= n; i++ {
		law[i] = law[i-1] * up(i-1) / down(i)
		sum += law[i]
	}
	for i := range law {
		law[i] /= sum
	}
	return law
}

// poisson gives the probabilities of 0 … n.
func poisson(mean float64, n int) []float64 {
	law := make([]float64, n+1)
	for k := range law {
		lg, _ := math.Lgamma(float64(k) + 1)
		law[k] = math.Exp(float64(k)*math.Log(mean) - mean - lg)
	}
	return law
}

// batchQueue is one server that takes up to most waiting inputs at a time and needs fixed + each·n for
// n of them; who arrives at an idle server starts alone.
type batchQueue struct {
	lambda, fixed, each float64
	most                int // states of the chain are 0 … 4·most + 200 waiting inputs
}

// batchAnswers are time averages of a batch queue.
type batchAnswers struct {
	latency, batch, seen, busy float64 // seen: mean batch as inputs see it; busy: utilization
}

// solve finds the stationary law of the number left behind at the end of a batch, and averages over
// one cycle: with s inputs present at a batch's start and length D, the inputs present add up to
// sD + λD²/2 over it (Neuts, 1967).
func (q batchQueue) solve() batchAnswers {
	size := min(4*q.most, 200) + 200
	arrivals := map[int][]float64{}
	law, next := make([]float64, size), make([]float64, size)
	law[0] = 1
	for change := 1.0; change > 1e-14; {
		clear(next)
		for n, p := range law {
			if p < 1e-18 {
				continue
			}
			b := min(max(n, 1), q.most)
			if arrivals[b] == nil {
				arrivals[b] = poisson(q.lambda*q.length(b), size)
			}
			left := max(n, 1) - b
			for k := 0; left+k < size; k++ {
				next[left+k] += p * arrivals[b][k]
			}
		}
		change = 0
		for i := range law {
			change += math.Abs(law[i] - next[i])
		}
		law, next = next, law
	}
	var cycle, present, batch, square, busy float64
	for n, p := range law {
		if n == 0 {
			cycle += p / q.lambda
		}
		b := min(max(n, 1), q.most)
		d := q.length(b)
		cycle += p * d
		busy += p * d
		present += p * (float64(max(n, 1))*d + q.lambda*d*d/2)
		batch += p * float64(b)
		square += p * float64(b*b)
	}
	return batchAnswers{present / cycle / q.lambda, batch, square / batch, busy / cycle}
}

func (q batchQueue) length(n int) float64 { return q.fixed + q.each*float64(n) }

// batchWindow is a batch that leaves when it has most inputs or wait after its first; there is always
// room for the next.
type batchWindow struct {
	lambda, wait float64
	most         int
}

// law is the law of the size of a batch: 1 + the Poisson arrivals of the window, cut at most.
func (w batchWindow) law() []float64 {
	law := make([]float64, w.most+1)
	rest := 1.0
	for k, p := range poisson(w.lambda*w.wait, w.most-2) {
		law[k+1] = p
		rest -= p
	}
	law[w.most] = rest
	return law
}

// mean is the mean size of a batch, and the mean delay of an input until its batch leaves. The delays of
// a batch's inputs add up to the integral of the number in it while it is open: at a time t after the
// first, 1 + k with Poisson probability of k arrivals, as long as that is less than most. Simpson's rule
// does the integral.
func (w batchWindow) mean() (size, delay float64) {
	for n, p := range w.law() {
		size += float64(n) * p
	}
	const steps = 2000
	sum := 0.0
	for i := 0; i <= steps; i++ {
		t := w.wait * float64(i) / steps
		present := 0.0
		if t == 0 {
			present = 1
		} else {
			for k, p := range poisson(w.lambda*t, w.most-2) {
				present += float64(k+1) * p
			}
		}
		factor := 2.0
		switch {
		case i == 0 || i == steps:
			factor = 1
		case i%2 == 1:
			factor = 4
		}
		sum += factor * present
	}
	return size, sum * w.wait / steps / 3 / size
}

// sinusoid is the mean number in service where unlimited servers meet arrivals at rate
// λ(1 + A sin(2πt/period)): λE[S] + swing·sin(2π(t - lag)/period) (Eick, Massey, Whitt, 1993).
type sinusoid struct{ mean, swing, lag float64 }

// exponentialService is that for exponential service times of the given mean m: with ω = 2π/period,
// the swing is λAm/√(1 + ω²m²), the lag atan(ωm)/ω.
func exponentialService(lambda, amplitude, period, m float64) sinusoid {
	w := 2 * math.Pi / period
	return sinusoid{lambda * m, lambda * amplitude * m / math.Hypot(1, w*m), math.Atan(w*m) / w}
}

// constantService is that for service times that all last d: the integral of the rate over (t - d, t].
func constantService(lambda, amplitude, period, d float64) sinusoid {
	w := 2 * math.Pi / period
	return sinusoid{lambda * d, lambda * amplitude * 2 / w * math.Sin(w*d/2), d / 2}
}
