// Package fit makes compact arrival processes that behave like a trace, as the text of a scenario's
// `arrivals`. Which of them is best is for a simulation to tell: candidates are made here, not judged.
package fit

import (
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"

	"github.com/simcap/simcap/stats"
	"github.com/simcap/simcap/trace"
	"github.com/simcap/simcap/trace/shape"
)

// Candidate is an arrival process that may stand for a trace.
type Candidate struct {
	Name     string // short, for tables
	What     string // in words
	Arrivals string // the value of a scenario's key `arrivals`, in YAML's flow style
	Numbers  int    // how many numbers it is made of
}

// UsualPoints is how many points a rate over time has at most, unless more are asked for.
const UsualPoints = 240

// Candidates are the processes that may stand for the trace, their rates over time of at most so many
// points. The trace is read once more, for the bursts that remain when its rate is known.
func Candidates(f *shape.File, s *shape.Shape, points int) ([]Candidate, error) {
	if s.Arrivals < 2 || !(s.RatePerS > 0) {
		return nil, fmt.Errorf("%s: %d arrivals are too few to fit anything to", s.File, s.Arrivals)
	}
	rates := ratesOf(s, points)
	left := make([]*residue, len(rates))
	for i := range rates {
		left[i] = newResidue(rates[i].rates)
	}
	if _, err := f.Each(func(row *trace.Row) bool {
		for _, r := range left {
			r.add(row.At.Seconds())
		}
		return false
	}); err != nil {
		return nil, err
	}
	out := []Candidate{}
	for i := range rates {
		out = append(out, rates[i].candidates(left[i])...)
	}
	return append(out, modulated(s)...), nil
}

// rates is a rate over time: constant, in steps, or of a typical day or week.
type rates struct {
	name, what string
	rates      shape.Series
	repeat     float64 // s; 0: the rate is constant
}

// ratesOf are the rates that are tried: constant, in steps of two lengths, and periodic where the trace
// has two periods or more.
func ratesOf(s *shape.Shape, points int) []rates {
	out := []rates{{name: "constant", what: "a constant rate",
		rates: shape.Series{StepS: s.SpanS, PerS: []float64{s.RatePerS}}}}
	fine := s.Rate
	for len(fine.PerS) > points {
		next := fine.Coarser(fine.StepS * 1.5)
		if next.StepS == fine.StepS {
			break
		}
		fine = next
	}
	coarse := fine.Coarser(fine.StepS * 4)
	for _, r := range []shape.Series{fine, coarse} {
		if len(r.PerS) >= 4 && r.StepS != out[len(out)-1].rates.StepS {
			out = append(out, rates{name: "steps of " + step(r.StepS), what: "a rate in steps of " +
				step(r.StepS),
				rates: r, repeat: float64(len(r.PerS)) * r.StepS})
		}
	}
	if day := typical(s.Rate, 86400, 3600); day != nil {
		out = append(out, rates{"typical day", "the typical day's rate by hour", *day, 86400})
	}
	if week := typical(s.Rate, 7*86400, 3600); week != nil {
		out = append(out, rates{"typical week", "the typical week's rate by hour", *week, 7 * 86400})
	}
	return out
}

// typical is the mean of the periods of a rate in steps; nil if it has fewer than two.
func typical(r shape.Series, period, stepS float64) *shape.Series {
	if span := float64(len(r.PerS)) * r.StepS; span < 2*period || r.StepS > stepS {
		return nil
	}
	hours := r.Coarser(stepS)
	if hours.StepS != stepS {
		return nil
	}
	out := shape.Series{StepS: stepS, PerS: make([]float64, int(period/stepS))}
	n := make([]float64, len(out.PerS))
	for i, v := range hours.PerS {
		out.PerS[i%len(n)] += v
		n[i%len(n)]++
	}
	for i := range n {
		out.PerS[i] /= n[i]
	}
	return &out
}

// residue is what is left of a trace's bursts when its rate over time is taken out: the arrivals on the
// clock of expected arrivals, on which a Poisson process has gaps that vary by 1 and counts whose
// variance is their mean.
type residue struct {
	rates shape.Series
	at    int     // the present step
	past  float64 // expected arrivals before it
	last  float64
	gaps  stats.Moments

	window  float64 // number of the present ten expected arrivals
	n       float64
	windows stats.Moments

	tight    float64 // expected arrivals up to which neighbours are one cluster
	cluster  float64 // arrivals of the present one
	clusters []float64
	sum      float64
}

// windowArrivals is the length of the windows of a residue, in expected arrivals.
const windowArrivals = 10

// mostClusters is how many cluster sizes are kept: enough for their quantiles.
const mostClusters = 1 << 16

func newResidue(r shape.Series) *residue { return &residue{rates: r, tight: 0.1} }

// clock is the number of arrivals that are expected up to an instant. A rate that is periodic begins
// again.
func (r *residue) clock(at float64) float64 {
	for at >= float64(r.at+1)*r.rates.StepS {
		r.past += r.rates.PerS[r.at%len(r.rates.PerS)] * r.rates.StepS
		r.at++
	}
	return r.past + (at-float64(r.at)*r.rates.StepS)*r.rates.PerS[r.at%len(r.rates.PerS)]
}

func (r *residue) add(at float64) {
	x := r.clock(at)
	for now := math.Floor(x / windowArrivals); r.window < now; r.window++ {
		r.windows.Add(r.n)
		r.n = 0
	}
	r.n++
	if r.cluster > 0 {
		gap := x - r.last
		r.gaps.Add(gap)
		if gap > r.tight {
			r.endCluster()
		}
	}
	r.cluster++
	r.last = x
}

func (r *residue) endCluster() {
	if len(r.clusters) < mostClusters {
		r.clusters = append(r.clusters, r.cluster)
	}
	r.sum += r.cluster
	r.cluster = 0
}

// variations are the variations of gamma gaps that the residue may have: the gaps' own, and the one
// whose counts in windows of ten expected arrivals are as dispersed (for a renewal process that is its
// square, in long windows). What is near 1 is a Poisson process.
func (r *residue) variations() []float64 {
	var out []float64
	add := func(cv float64) {
		cv = math.Min(math.Max(cv, 0.05), 100)
		if math.IsNaN(cv) || math.Abs(cv-1) < 0.08 {
			return
		}
		for _, known := range out {
			if math.Abs(known-cv) < 0.1*cv {
				return
			}
		}
		out = append(out, cv)
	}
	if r.gaps.Count() >= 50 {
		add(r.gaps.Deviation() / r.gaps.Mean())
	}
	if r.windows.Count() >= 10 && r.windows.Mean() > 0 {
		add(math.Sqrt(r.windows.Variance() / r.windows.Mean()))
	}
	return out
}

// candidates are the processes of one rate over time: Poisson, gamma gaps, and clusters.
func (r *rates) candidates(left *residue) []Candidate {
	points := r.points(1)
	n := 2 * len(r.rates.PerS)
	if r.repeat == 0 {
		n = 1
	}
	out := []Candidate{{Name: r.name, What: r.what + ", Poisson", Numbers: n,
		Arrivals: "{process: piecewise, " + points + "}"}}
	if r.repeat == 0 {
		out[0].Name, out[0].Arrivals = "poisson", "{process: poisson, rate: "+short(r.rates.PerS[0])+"/s}"
	}
	for _, cv := range left.variations() {
		out = append(out, Candidate{Name: r.name + ", gaps " + short2(cv), Numbers: n + 1,
			What:     r.what + ", gamma gaps of variation " + short2(cv),
			Arrivals: "{process: piecewise, " + points + ", cv: " + short(cv) + "}"})
	}
	if sizes := left.sizes(); sizes != nil {
		mean := 0.0
		texts := make([]string, len(sizes))
		for i, v := range sizes {
			mean += v / float64(len(sizes))
			texts[i] = short(v)
		}
		out = append(out, Candidate{Name: r.name + ", groups", Numbers: n + len(sizes),
			What: r.what + fmt.Sprintf(", in groups of %s on average", short2(mean)),
			Arrivals: "{process: piecewise, " + r.points(1/mean) + ", group: {dist: empirical, values: [" +
				strings.Join(texts, ", ") + "]}}"})
	}
	return out
}

// sizes are 40 typical sizes of clusters; nil if arrivals do not come in clusters.
func (r *residue) sizes() []float64 {
	if len(r.clusters) < 50 || r.sum/float64(len(r.clusters)) < 1.3 {
		return nil
	}
	sorted := append([]float64(nil), r.clusters...)
	sort.Float64s(sorted)
	const parts = 40
	out := make([]float64, parts)
	for i := range out { // the mean of each fortieth, so that the mean of all is kept
		from, to := i*len(sorted)/parts, (i+1)*len(sorted)/parts
		for _, v := range sorted[from:to] {
			out[i] += v
		}
		out[i] = math.Max(1, math.Round(out[i]/float64(to-from)))
	}
	return out
}

// points are the keys of a piecewise rate, times a factor. Neighbours of the same rate are one point.
func (r *rates) points(factor float64) string {
	var b strings.Builder
	b.WriteString("points: [")
	before := ""
	for i, v := range r.rates.PerS {
		text := short(v*factor) + "/s"
		if text == before {
			continue
		}
		if before != "" {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "[%s, %s]", step(float64(i)*r.rates.StepS), text)
		before = text
	}
	b.WriteString("]")
	if r.repeat > 0 {
		b.WriteString(", repeat: " + step(r.repeat))
	}
	return b.String()
}

// step is a time of whole seconds in the largest unit that it is whole in.
func step(seconds float64) string {
	s := int64(math.Round(seconds))
	switch {
	case s > 0 && s%86400 == 0:
		return strconv.FormatInt(s/86400, 10) + "d"
	case s > 0 && s%3600 == 0:
		return strconv.FormatInt(s/3600, 10) + "h"
	case s > 0 && s%60 == 0:
		return strconv.FormatInt(s/60, 10) + "m"
	}
	return strconv.FormatInt(s, 10) + "s"
}

// short is v with four significant digits, without an exponent.
func short(v float64) string {
	if v == 0 || math.Abs(v) < 1e-9 {
		return "0"
	}
	digits := 3 - int(math.Floor(math.Log10(math.Abs(v))))
	power := math.Pow(10, float64(min(max(digits, 0), 12)))
	return strconv.FormatFloat(math.Round(v*power)/power, 'f', -1, 64)
}

// short2 is v with two significant digits, for names.
func short2(v float64) string {
	if v >= 100 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 2, 64)
}

// Quantiles are a column's values as a distribution in YAML's flow style; "" without values. Times are
// in seconds.
func Quantiles(c *shape.Column) string {
	names := make([]string, 0, len(c.Quantiles))
	for name := range c.Quantiles {
		names = append(names, name)
	}
	sort.Slice(names, func(i, j int) bool { return percentile(names[i]) < percentile(names[j]) })
	parts := []string{}
	before := 0.0
	for _, name := range names {
		v := math.Max(c.Quantiles[name], before)
		before = v
		parts = append(parts, name+": "+short(v))
	}
	if len(parts) == 0 {
		return ""
	}
	return "{dist: quantiles, " + strings.Join(parts, ", ") + "}"
}

func percentile(name string) float64 {
	v, err := strconv.ParseFloat(strings.TrimPrefix(name, "p"), 64)
	if err != nil {
		return 0
	}
	return v
}
