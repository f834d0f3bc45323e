package experiment

import (
	"fmt"
	"math"
	"sort"

	"github.com/simcap/simcap/model/workload"
	"github.com/simcap/simcap/report/quantity"
	"github.com/simcap/simcap/sim"
	"github.com/simcap/simcap/stats"
)

// warnings say what weakens the results.
func (g *gathering) warnings(r *Result) []string {
	var out []string
	for _, name := range sortedNames(r.Functions) {
		m := r.Functions[name]
		out = append(out, fewInputs(name, &m, r.Replications)...)
	}
	if g.scenario.Unsettled {
		out = append(out, fmt.Sprintf("warmup: auto found no steady state within the horizon: the first %s "+
			"are left out, and what follows still changes", spell(g.scenario.Model.Warmup)))
	}
	overloaded := false
	for i, name := range g.layout.functions {
		text := g.overload(i, name, r)
		overloaded = overloaded || text != ""
		if text == "" {
			text = g.trend(i, name)
		}
		if text != "" {
			out = append(out, text)
		}
		out = append(out, g.beyondCurves(i)...)
		out = append(out, g.engineWarnings(i)...)
	}
	out = append(out, g.cycles()...)
	out = append(out, profileWarnings(g.scenario)...)
	horizon := g.scenario.Model.Horizon
	if late := g.end - horizon; !overloaded && horizon > 0 && late > horizon/10 && late > 10*sim.Second {
		out = append(out, fmt.Sprintf("the last input finished %s after the horizon: the arrivals may "+
			"exceed what the containers can serve", spell(late)))
	}
	return out
}

// fewInputs says which quantiles rest on too few inputs: fewer than ten beyond them.
func fewInputs(name string, m *Measures, replications int) []string {
	n := 0.0
	if v := m.Inputs.Completed.Value; v != nil {
		n = math.Round(*v * float64(replications))
	}
	switch {
	case n == 0:
		return []string{name + ": no input completed in the window"}
	case n == 1:
		return []string{name + ": 1 input completed; p99 needs 1,000 and p99.9 10,000 to mean much"}
	case n < 1000:
		return []string{fmt.Sprintf("%s: %.0f inputs completed; p99 needs 1,000 and p99.9 "+
			"10,000 to mean much", name, n)}
	case n < 10_000:
		return []string{fmt.Sprintf("%s: %.0f inputs completed; p99.9 needs 10,000 to mean much",
			name, n)}
	}
	return nil
}

// Bounds beyond which a queue counts as growing without end.
const (
	growthTau    = 0.5   // trend of the queue, in every replication
	growthP      = 1e-3  // its significance
	growthShare  = 0.005 // of the arrivals that pile up
	growthInputs = 20    // that pile up over the window
	lostShare    = 0.02  // of the inputs that limits reject where the queue cannot grow
)

// overload says by how much the arrivals of a function exceed what it can serve, where they do: its
// queue grows all through the window, in every replication, or stands at the limit that rejects the
// rest.
func (g *gathering) overload(function int, name string, r *Result) string {
	seconds := g.windowS()
	if g.scenario.Model.Horizon == 0 {
		return "" // every workload ends: a queue that grows until then is what was asked about
	}
	growing, full := true, true
	growth, arrived := 0.0, 0.0
	for _, t := range g.trials {
		d := &t.Functions[function]
		growing = growing && d.Tau > growthTau && d.P < growthP && d.Queue[2] > 1.5*d.Queue[0] &&
			d.GrowthPerS > growthShare*d.ArrivedPerS && d.GrowthPerS*seconds > growthInputs
		full = full && d.QueuePeak >= growthInputs && min(d.Queue[1], d.Queue[2]) > d.QueuePeak/2
		growth += d.GrowthPerS / float64(len(g.trials))
		arrived += d.ArrivedPerS / float64(len(g.trials))
	}
	if growing && growth < arrived {
		return fmt.Sprintf("%s: arrivals exceed capacity by %s: %s inputs come and %s leave a second, "+
			"so the queue grows for as long as they come, and latencies tell how long that was", name,
			percentText(growth/(arrived-growth)), quantity.Plain(arrived), quantity.Plain(arrived-growth))
	}
	m := r.Functions[name]
	lost := sumOf(m.Inputs.Rejected.PendingLimit, m.Inputs.Rejected.TotalLimit)
	submitted, completed := sumOf(m.Inputs.Submitted), sumOf(m.Inputs.Completed)
	if full && lost > lostShare*submitted && completed > 0 {
		return fmt.Sprintf("%s: arrivals exceed capacity by %s: the queue stands at its limit, which "+
			"rejects %s of the inputs", name, percentText(submitted/completed-1), percentText(lost/submitted))
	}
	return ""
}

func sumOf(es ...Estimate) float64 {
	sum := 0.0
	for _, e := range es {
		if e.Value != nil {
			sum += *e.Value
		}
	}
	return sum
}

func percentText(share float64) string {
	if share < 0.1 {
		return fmt.Sprintf("%.1f %%", 100*share)
	}
	return fmt.Sprintf("%.0f %%", 100*share)
}

func (g *gathering) windowS() float64 {
	m := &g.scenario.Model
	return (m.Horizon - m.Warmup).Seconds()
}

// trendShare is how much a mean latency must change over the window to be called a trend.
const trendShare = 0.05

// trend says that a function's latency has not settled: between the first and the last third of the
// window it changes by more than chance would have it, while the arrivals do not. With five or more
// replications chance is what they differ by (Student's t, 99 %); fewer must agree on a change four
// times as large.
func (g *gathering) trend(function int, name string) string {
	if g.scenario.Model.Horizon == 0 {
		return ""
	}
	var change, level, rates []float64
	agree := 0
	for _, t := range g.trials {
		d := &t.Functions[function]
		if d.Latency[0] == 0 || d.Latency[2] == 0 || d.Rate[0] == 0 {
			return ""
		}
		change = append(change, d.Latency[2]-d.Latency[0])
		level = append(level, d.Latency[0])
		rates = append(rates, d.Rate[2]/d.Rate[0]-1)
		if d.Latency[2] > d.Latency[0] {
			agree++
		}
	}
	rate, _ := stats.MeanInterval(rates, 0.99)
	start, _ := stats.MeanInterval(level, 0.99)
	by, half := stats.MeanInterval(change, 0.99)
	n := len(change)
	real := math.Abs(by) > half && math.Abs(by) > trendShare*start
	if n < 5 {
		real = (agree == 0 || agree == n) && math.Abs(by) > 4*trendShare*start && g.longMemory(function)
	}
	if !real || math.Abs(rate) > trendShare {
		return ""
	}
	direction := "rises"
	if by < 0 {
		direction = "falls"
	}
	return fmt.Sprintf("%s: the mean latency %s by %s from the first to the last third of the window, at "+
		"the same rate of arrivals: the warm-up is too short, or the horizon", name, direction,
		percentText(math.Abs(by)/start))
}

// longMemory says whether the queue's trend is significant in every replication.
func (g *gathering) longMemory(function int) bool {
	for _, t := range g.trials {
		if t.Functions[function].P > 0.01 {
			return false
		}
	}
	return true
}

// beyondCurves names curves that were used beyond the points that were measured.
func (g *gathering) beyondCurves(function int) []string {
	var out []string
	f := &g.scenario.Model.Functions[function]
	share, largest := 0.0, 0
	for _, t := range g.trials {
		d := &t.Functions[function]
		share += d.BeyondCurve / float64(len(g.trials))
		largest = max(largest, d.LargestBatch)
	}
	if share > 0 {
		points := f.Service.Batch.Points
		out = append(out, fmt.Sprintf("%s: %s of the batches, of up to %d inputs, lie outside the range "+
			"that service.batch was measured in (%d to %d): extrapolated", f.Name, percentText(share),
			largest, points[0].N, points[len(points)-1].N))
	}
	if c := f.Service.Concurrency; c.Beyond(f.Concurrent.MaxInputs) {
		out = append(out, fmt.Sprintf("%s: up to %d inputs at a time, but service.concurrency is given "+
			"up to %d: extrapolated", f.Name, f.Concurrent.MaxInputs, c[len(c)-1].N))
	}
	return out
}

// cycles names what takes longer to repeat than the horizon, so that no mean is one over whole cycles.
func (g *gathering) cycles() []string {
	if g.scenario.Model.Horizon == 0 {
		return nil
	}
	horizon := g.scenario.Model.Horizon
	var out []string
	add := func(what string, cycle sim.Time) {
		if cycle > horizon {
			out = append(out, fmt.Sprintf("the horizon of %s is shorter than %s (%s): the results are "+
				"those of the hours that it holds, not of the long run", spell(horizon), what, spell(cycle)))
		}
	}
	m := &g.scenario.Model
	for i := range m.Workloads {
		w := &m.Workloads[i]
		add("a cycle of "+w.Name+"'s arrivals", cycleOf(w.Arrivals.Kind))
	}
	for i := range m.Functions {
		slowest := sim.Time(0)
		for _, u := range m.Functions[i].Updates {
			slowest = max(slowest, u.Every)
		}
		add("the time in which "+m.Functions[i].Name+"'s updates repeat", slowest)
		add(m.Functions[i].Name+"'s scaledown_window", m.Functions[i].ScaledownWindow)
	}
	return out
}

// cycleOf is how long arrivals take to repeat: their period, or the mean round of an MMPP; 0 where
// they have none.
func cycleOf(kind workload.Kind) sim.Time {
	switch k := kind.(type) {
	case workload.Diurnal:
		if k.BasePerSec != k.PeakPerSec {
			return k.Period
		}
	case workload.Piecewise:
		return k.Repeat
	case workload.MMPP:
		round := sim.Time(0)
		for _, s := range k.States {
			round += s.MeanDuration
		}
		return round
	}
	return 0
}

// method says how the intervals over replications were made; "" with one.
func (g *gathering) method() string {
	if n := len(g.trials); n > 1 {
		return fmt.Sprintf("95 %% intervals over %d replications: Student's t, jackknifed for ratios; "+
			"quantiles pool the inputs of all replications", n)
	}
	return ""
}

// notes say what is special about the intervals and the warm-up.
func (g *gathering) notes() []string {
	var out []string
	if len(g.trials) > 1 {
		if p := g.scenario.Replications.Precision; p > 0 {
			word := "was reached"
			if !g.precise() {
				word = "was not reached within the most replications that were allowed"
			}
			out = append(out, fmt.Sprintf("the precision asked for, %s of %s, %s", percentText(p),
				g.precisionMetric(), word))
		}
	} else if g.trials[0].Within != nil {
		out = append(out, "95 % intervals of this one replication by batch means; replications would say "+
			"more")
	}
	if g.scenario.WarmupFound {
		out = append(out, "warm-up of "+spell(g.scenario.Model.Warmup)+
			" found by MSER-5, in runs made for that")
	}
	return out
}

func sortedNames(m map[string]Measures) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
