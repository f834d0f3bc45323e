package plan

import (
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/stats"
)

// belief is what a record's trials let one think of its setting.
type belief struct {
	count   int     // trials that it rests on; 0: none
	full    int     // of them over the full horizon
	cost    float64 // mean goal
	costDev float64 // standard error of it
	chance  float64 // that every objective is kept
	keeps   Keeps   // judged at searchLevel
	ratio   []float64
	values  []float64 // by objective, over all trials
	quiet   []int     // spread.quiet when it was judged
	worst   int       // objective with the largest ratio
}

const (
	// searchLevel is the level at which the search judges: stricter than the 95 % that are promised,
	// because the answer is the best of many settings, each looked at several times.
	searchLevel = 0.99
	// sureFrom is how many replications a setting needs before the search calls it sure to keep.
	sureFrom = 6
	// breakFrom is the same for calling it sure to break an objective.
	breakFrom = 3
	// priorFreedom is the weight, in replications, of the spread that other settings showed.
	priorFreedom = 3
	// indifference is the difference in cost, as a fraction, that is not worth a search.
	indifference = 0.01
)

// ratioOf is how far a value is from an objective's bound, as a logarithm: 0 at the bound, above 0
// where it is broken, between -2 and 3. Fractions that have to be large are compared by what is
// missing to 1.
func ratioOf(o *experiment.Objective, v float64) float64 {
	if math.IsNaN(v) {
		return 3
	}
	worst := math.Inf(-1)
	if !math.IsNaN(o.Max) {
		worst = logRatio(v, o.Max)
	}
	if !math.IsNaN(o.Min) {
		r := -logRatio(v, o.Min)
		if o.Min > 0.5 && o.Min <= 1 && v <= 1 {
			r = logRatio(1-v, 1-o.Min)
		}
		worst = max(worst, r)
	}
	return min(max(worst, -2), 3)
}

func logRatio(v, bound float64) float64 {
	small := 0.01*math.Abs(bound) + 1e-5
	return math.Log((max(v, 0) + small) / (max(bound, 0) + small))
}

// slackOf is the distance of a value to the nearest bound as a fraction of the bound, negative where
// it is broken; NaN without a value.
func slackOf(o *experiment.Objective, v float64) float64 {
	slack := math.Inf(1)
	if !math.IsNaN(o.Max) {
		slack = (o.Max - v) / scaleOf(o.Max)
	}
	if !math.IsNaN(o.Min) {
		slack = min(slack, (v-o.Min)/scaleOf(o.Min))
	}
	return slack
}

func scaleOf(bound float64) float64 {
	if bound == 0 {
		return 1
	}
	return math.Abs(bound)
}

// spread is how much replications of one setting differ, pooled over settings.
type spread struct {
	ratio []float64 // standard deviation of ratioOf, by objective
	cost  float64   // of the logarithm of the goal above that of the yardstick in the same replication
	quiet []int     // by objective: replications without any event that it takes to believe in few events
}

// learn pools the spread of all settings with at least two full trials, and chooses the yardstick.
func (s *search) learn() {
	for _, r := range s.order {
		if s.yardstick == nil || len(r.complete()) > len(s.yardstick.complete()) {
			s.yardstick = r
		}
	}
	n := len(s.objectives)
	sums, freedom, rivals := make([]float64, n+1), 0.0, 0.0
	for _, r := range s.order {
		trials := r.complete()
		if len(trials) < 2 {
			continue
		}
		freedom += float64(len(trials) - 1)
		for k := range n {
			var m stats.Moments
			for _, t := range trials {
				m.Add(ratioOf(&s.objectives[k], t.slo[k]))
			}
			sums[k] += m.Variance() * float64(len(trials)-1)
		}
		if of := s.logRatios(r); r != s.yardstick && len(of) > 1 {
			rivals += float64(len(of) - 1)
			sums[n] += variance(of) * float64(len(of)-1)
		}
	}
	s.spread.ratio = make([]float64, n)
	for k := range n {
		s.spread.ratio[k] = min(max(math.Sqrt(sums[k]/max(freedom, 1)), 0.03), 1)
	}
	s.rare()
	if rivals > 0 {
		s.spread.cost = min(max(math.Sqrt(sums[n]/rivals), 0.005), 1)
	}
}

// rare finds out how many replications without a single event it takes to believe that an event of
// which an objective allows a small fraction (a cold start, a rejection) is rare enough. Where it comes
// in few replications, and then many times, those without any agree perfectly and their interval says
// nothing. If the replications that have it show a fraction m on average, a setting at the bound b has
// it in b/m of its replications, and shows none in n of them with probability (1 - b/m)ⁿ; n is where
// that falls to 2.5 %. Settings far beyond the bound are left out: there the event is not rare.
func (s *search) rare() {
	const near, most = 3, 40
	s.spread.quiet = make([]int, len(s.objectives))
	for k := range s.objectives {
		o := &s.objectives[k]
		bound, ok := eventBound(o)
		if !ok {
			continue
		}
		var sizes stats.Moments
		for _, r := range s.order {
			trials := r.full
			if len(trials) == 0 {
				trials = r.short
			}
			var own stats.Moments
			for _, t := range trials {
				if t != nil {
					own.Add(events(o, t.slo[k]))
				}
			}
			if !(own.Mean() <= near*bound) {
				continue
			}
			for _, t := range trials {
				if t != nil && events(o, t.slo[k]) > 0 {
					sizes.Add(events(o, t.slo[k]))
				}
			}
		}
		if share := bound / sizes.Mean(); share < 1 {
			s.spread.quiet[k] = min(most, int(math.Ceil(math.Log(0.025)/math.Log(1-share))))
		}
	}
}

// eventBound is the fraction of events that an objective allows; false where it is not about a
// fraction that is to be small.
func eventBound(o *experiment.Objective) (float64, bool) {
	switch {
	case !strings.HasSuffix(o.Metric, "_fraction"):
	case !math.IsNaN(o.Max) && o.Max > 0:
		return o.Max, true
	case !math.IsNaN(o.Min) && o.Min < 1:
		return 1 - o.Min, true
	}
	return 0, false
}

// events is the fraction of events that a value means.
func events(o *experiment.Objective, v float64) float64 {
	if math.IsNaN(o.Max) {
		return 1 - v
	}
	return v
}

// logRatios are the logarithms of the record's goal over the yardstick's, in the replications that both
// have.
func (s *search) logRatios(r *record) []float64 {
	x, y := s.yardstick.complete(), r.complete()
	out := make([]float64, min(len(x), len(y)))
	for i := range out {
		out[i] = math.Log(max(y[i].goal, tiny) / max(x[i].goal, tiny))
	}
	return out
}

func variance(values []float64) float64 {
	var m stats.Moments
	for _, v := range values {
		m.Add(v)
	}
	return m.Variance()
}

// costOf is the mean goal of a setting and its standard error, as far as settings are compared: the
// goal over that of the yardstick in the same replications, times the yardstick's mean over all that
// it has. Otherwise a setting seen on quiet days only would look cheap beside one seen on all.
func (s *search) costOf(trials, yardstick []*trial, shorter float64) (cost, dev float64) {
	n := min(len(trials), len(yardstick))
	if n == 0 {
		m := meanOf(trials, func(t *trial) float64 { return t.goal })
		return m, s.spread.cost * m
	}
	own, other := 0.0, 0.0
	of := make([]float64, n)
	for i := range n {
		own += trials[i].goal
		other += yardstick[i].goal
		of[i] = math.Log(max(trials[i].goal, tiny) / max(yardstick[i].goal, tiny))
	}
	all := meanOf(s.yardstick.complete(), func(t *trial) float64 { return t.goal })
	cost = own / max(other, tiny) * all
	prior, freedom := s.spread.cost*s.spread.cost*shorter, float64(n-1)
	mixed := prior
	if n > 1 {
		mixed = (variance(of)*freedom + prior*priorFreedom) / (freedom + priorFreedom)
	}
	return cost, cost * math.Sqrt(mixed/float64(n))
}

const tiny = 1e-12

// believe brings the record's belief up to date.
func (s *search) believe(r *record) {
	full := r.complete()
	switch {
	case r.invalid != nil || r.failed != nil:
		r.belief = belief{count: 1, keeps: No, cost: math.Inf(1), ratio: make([]float64, len(s.objectives))}
	case len(full) > 1:
		if r.belief.full != len(full) || !slices.Equal(r.belief.quiet, s.spread.quiet) {
			r.belief = s.measured(full)
		}
		r.belief.cost, r.belief.costDev = s.costOf(full, s.yardstick.complete(), 1)
	case len(full) == 1:
		r.belief = s.guessed(full[0], 1)
		r.belief.full = 1
		r.belief.cost, r.belief.costDev = s.costOf(full, s.yardstick.complete(), 1)
	case len(r.short) > 0 && r.short[0] != nil:
		r.belief = s.guessed(r.short[0], s.shortening)
		var yardstick []*trial
		if s.yardstick.short != nil {
			yardstick = s.yardstick.short[:1]
		}
		b := &r.belief
		b.cost, b.costDev = s.costOf(r.short[:1], yardstick, s.shortening)
		b.costDev = math.Hypot(b.costDev, 0.03*b.cost)
	default:
		r.belief = belief{keeps: Unsure}
	}
}

// isLargest says whether an objective is about the largest value of all: latency.max, makespan.max.
func isLargest(o *experiment.Objective) bool { return strings.HasSuffix(o.Metric, ".max") }

// maxima are mean and standard deviation of the largest values of the trials, and the greatest of them.
func maxima(trials []*trial, k int) (mean, deviation, greatest float64) {
	var m stats.Moments
	greatest = math.Inf(-1)
	for _, t := range trials {
		if v := t.slo[k]; !math.IsNaN(v) {
			m.Add(v)
			greatest = max(greatest, v)
		}
	}
	return m.Mean(), m.Deviation(), greatest
}

// inNext is the largest value of n trials with the interval in which that of one further trial lies with
// 95 %, stretched to hold it: mean ± t(0.975; n - 1) s √(1 + 1/n) of the trials' largest values (Hahn and
// Meeker: Statistical Intervals, 4.7). More trials only make the largest value of all larger: no
// interval about it tells what the next run will do, and an objective on it is about every run.
func inNext(trials []*trial, k int) experiment.Estimate {
	mean, deviation, greatest := maxima(trials, k)
	if math.IsInf(greatest, -1) {
		return experiment.Estimate{}
	}
	n := 0.0
	for _, t := range trials {
		if !math.IsNaN(t.slo[k]) {
			n++
		}
	}
	e := experiment.Estimate{Value: &greatest}
	if n > 1 {
		half := stats.StudentQuantile(0.975, n-1) * deviation * math.Sqrt(1+1/n)
		low, high := max(0, mean-half), max(mean+half, greatest)
		e.Low, e.High = &low, &high
	}
	return e
}

// guessed is the belief after one trial, which may be shorter by a factor than the full horizon.
func (s *search) guessed(t *trial, shorter float64) belief {
	b := belief{count: 1, keeps: Unsure, chance: 1, ratio: make([]float64, len(t.slo))}
	for k, v := range t.slo {
		b.ratio[k] = ratioOf(&s.objectives[k], v)
		dev := math.Hypot(s.spread.ratio[k]*math.Sqrt(shorter), 0.05)
		if shorter > 1 {
			dev = math.Hypot(dev, 0.1) // a shorter run has more of its beginning in it
		}
		b.chance = min(b.chance, distuv.UnitNormal.CDF(-b.ratio[k]/dev))
	}
	b.worst = largest(b.ratio)
	return b
}

// joined is the result of full trials.
func (s *search) joined(trials []*trial) *experiment.Result {
	whole := make([]*experiment.Replication, len(trials))
	for i, t := range trials {
		whole[i] = t.whole
	}
	return experiment.Join(s.scenario, whole, experiment.Options{Version: s.version})
}

// measured is the belief after several full trials. The spread of few trials says little, so that it
// is mixed with the spread of the other settings as priorFreedom further replications would.
func (s *search) measured(trials []*trial) belief {
	n := float64(len(trials))
	b := belief{count: len(trials), full: len(trials), chance: 1, keeps: Yes, quiet: s.spread.quiet,
		ratio: make([]float64, len(s.objectives))}
	result := s.joined(trials)
	for k := range s.objectives {
		o := &s.objectives[k]
		e, _ := result.Metric(o.Metric, o.Function, o.Workload)
		mean, dev := number(e.Value), 0.0
		if e.Low != nil {
			dev = (*e.High - *e.Low) / 2 / stats.StudentQuantile(0.975, n-1) * math.Sqrt(n)
		}
		prior := s.spread.ratio[k] * max(math.Abs(mean), 0.1*scaleOf(boundOf(o)))
		b.ratio[k], b.values = ratioOf(o, mean), append(b.values, mean)
		part := 1 / math.Sqrt(n)
		if isLargest(o) {
			center, deviation, _ := maxima(trials, k)
			mean, dev, part = center, deviation, math.Sqrt(1+1/n)
			if next := inNext(trials, k); o.Judge(next).Met == nil {
				b.keeps = worse(b.keeps, Unsure)
			}
		}
		mixed := math.Sqrt((dev*dev*(n-1) + prior*prior*priorFreedom) / (n - 1 + priorFreedom))
		b.chance = min(b.chance, chanceOf(o, mean, mixed*part, n-1+priorFreedom))
		b.keeps = worse(b.keeps, judge(o, e, len(trials), s.spread.quiet[k]))
	}
	b.worst = largest(b.ratio)
	return b
}

func boundOf(o *experiment.Objective) float64 {
	if math.IsNaN(o.Max) {
		return o.Min
	}
	return o.Max
}

// chanceOf is the chance that the true mean keeps the objective, given the mean of some replications
// and its standard error.
func chanceOf(o *experiment.Objective, mean, dev, freedom float64) float64 {
	if math.IsNaN(mean) {
		return 0
	}
	t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: freedom}
	chance := 1.0
	at := func(distance float64) float64 {
		switch {
		case dev > 0:
			return t.CDF(distance / dev)
		case distance >= 0:
			return 1
		}
		return 0
	}
	if !math.IsNaN(o.Max) {
		chance = min(chance, at(o.Max-mean))
	}
	if !math.IsNaN(o.Min) {
		chance = min(chance, at(mean-o.Min))
	}
	return chance
}

// judge says at searchLevel whether an estimate from n replications, whose interval is one of 95 %,
// keeps an objective. Replications that agree perfectly have to be more than the given number.
func judge(o *experiment.Objective, e experiment.Estimate, n, quiet int) Keeps {
	if e.Value == nil {
		return No
	}
	same := e.Low == nil || *e.Low == *e.High
	if e.Low != nil && n > 1 {
		freedom := float64(n - 1)
		wider := stats.StudentQuantile((1+searchLevel)/2, freedom) / stats.StudentQuantile(0.975, freedom)
		low := *e.Value - (*e.Value-*e.Low)*wider
		high := *e.Value + (*e.High-*e.Value)*wider
		e.Low, e.High = &low, &high
	}
	v := o.Judge(e)
	switch {
	case v.Met == nil:
		return Unsure
	case *v.Met && same && n < quiet:
		return Unsure
	case *v.Met && n >= sureFrom:
		return Yes
	case !*v.Met && n >= breakFrom:
		return No
	}
	return Unsure
}

// worse is the worse of two verdicts: no before unsure before yes.
func worse(x, y Keeps) Keeps {
	if x == No || y == No {
		return No
	}
	if x == Unsure || y == Unsure {
		return Unsure
	}
	return Yes
}

func largest(x []float64) int {
	if len(x) == 0 {
		return -1
	}
	return slices.Index(x, slices.Max(x))
}

// saving is the expected value of max(0, ref - cost) for a normally distributed cost.
func saving(ref, cost, dev float64) float64 {
	if dev <= 0 {
		return max(0, ref-cost)
	}
	z := (ref - cost) / dev
	n := distuv.UnitNormal
	return (ref-cost)*n.CDF(z) + dev*n.Prob(z)
}
