package calibrate

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/simcap/simcap/calibrate/fit"
	"github.com/simcap/simcap/calibrate/profile"
	"github.com/simcap/simcap/calibrate/steady"
)

// Profile fits a profile to what was measured; asLLM makes it one of an engine with continuous
// batching. Open loops are never looked at: they are there to test it. A measurement that was
// interrupted makes a profile if at least one load was finished.
func (m *Measurement) Profile(asLLM bool) (*profile.Profile, error) {
	p := &profile.Profile{Synthetic: m.Synthetic}
	p.Quality.Warnings = slices.Clone(m.Warnings)
	if asLLM {
		if err := m.engine(p); err != nil {
			return nil, err
		}
	} else if err := m.service(p); err != nil {
		return nil, err
	}
	m.coldStart(p)
	m.energy(p)
	m.provenance(p)
	for _, list := range [][]Point{m.Batches, m.Concurrency} {
		for i := range list {
			for _, w := range list[i].Windows {
				if w.Rejected != "" {
					p.Quality.RejectedWindows++
				} else if w.Counts {
					p.Quality.Windows++
				}
			}
		}
	}
	return p, nil
}

// service fits the time of a request: over its inputs, over how many there are at a time, and what
// varies.
func (m *Measurement) service(p *profile.Profile) error {
	points := pointsOf(m.Batches)
	if len(points) == 0 {
		return fmt.Errorf("nothing was measured to the end")
	}
	choice, err := fit.BatchCurve(points)
	if err != nil {
		return err
	}
	noise := fit.NewNoise(points, &choice.Curve)
	curve := choice.Curve.Scaled(noise.Mean) // the fit goes through medians; a run's factor has mean 1
	curve, p.Overhead = m.withoutFloor(curve)
	p.Service.Time = curve.At(1)
	p.Valid.BatchSize = [2]int{choice.Sizes[0], choice.Sizes[len(choice.Sizes)-1]}
	p.Quality.Fit, p.Quality.CVError, p.Quality.WorstError = choice.Curve.Kind, choice.CV, choice.Worst
	if len(choice.Sizes) > 1 {
		p.Service.Batch, p.Service.BatchSizes = &curve, choice.Sizes
	}
	p.Quality.BetweenRuns = betweenRuns(m.Batches)
	m.noise(p, &noise, &curve)
	p.Quality.Intervals = intervals(points, &choice, p.Overhead)
	return m.concurrency(p, &curve)
}

// intervals are those of the parameters that the profile has: the form that was chosen is fitted to samples
// that are drawn again.
func intervals(points []fit.Point, choice *fit.Choice, floor float64) []profile.Interval {
	names := []string{"time", profile.NoiseCV}
	var sizes []int
	switch {
	case len(choice.Sizes) < 2:
	case choice.Curve.Kind == fit.Affine:
		names = append(names, "batch.base", "batch.per_input")
	default:
		for _, k := range choice.Curve.Points(choice.Sizes) {
			sizes = append(sizes, k.N)
			names = append(names, fmt.Sprintf("batch.points.%d", k.N))
		}
	}
	all := fit.Bootstrap(points, func(again []fit.Point) ([]float64, bool) {
		c, ok := choice.Curve, true
		if len(choice.Sizes) > 1 {
			c, ok = choice.Curve.Refit(again)
		} else {
			c = fit.Curve{Kind: fit.Constant, Base: fit.Median(timesOf(again))}
		}
		cv, mean := fit.Variation(again, &c)
		c = c.Scaled(mean).Less(floor)
		out := []float64{c.At(1), cv}
		if len(names) > 2 && sizes == nil {
			out = append(out, c.Base, c.PerInput)
		}
		for _, n := range sizes {
			out = append(out, c.At(n))
		}
		return out, ok
	})
	var out []profile.Interval
	for i, one := range all {
		out = append(out, profile.Interval{Parameter: names[i], Low: one.Low, High: one.High})
	}
	return out
}

// timesOf are the times of all points.
func timesOf(points []fit.Point) []float64 {
	var out []float64
	for _, p := range points {
		out = append(out, p.Times...)
	}
	return out
}

// withoutFloor takes off what a request spends outside of the server's line: connections, parsing, the
// way there and back. Of requests that wait in a line these times overlap, so that the line's
// throughput at c requests tells the demand alone, slots / X(c), and the rest of what a lone request
// takes is overhead. With 61.5 ms alone and 16.67 per second in a line of one, 60 ms and 1.5 ms.
func (m *Measurement) withoutFloor(curve fit.Curve) (fit.Curve, float64) {
	const most = 0.3 // of the time of a lone request, beyond which something else is going on
	loads := m.loads()
	if len(loads) < 2 {
		return curve, 0
	}
	slow, err := fit.NewSlowdown(loads)
	if err != nil {
		return curve, 0
	}
	last := loads[len(loads)-1]
	name, slots := m.discipline(&slow, last.Concurrency)
	if name != "queue" || last.Concurrency <= slots {
		return curve, 0
	}
	floor := curve.At(1) - float64(slots)/last.ThroughputPerS
	if floor <= 0 || floor > most*curve.At(1) {
		return curve, 0
	}
	return curve.Less(floor), floor
}

// noise says what varies: a lognormal factor, or for requests of one size its quantiles as they are.
func (m *Measurement) noise(p *profile.Profile, n *fit.Noise, curve *fit.Curve) {
	warn := func(format string, args ...any) {
		p.Quality.Warnings = append(p.Quality.Warnings, fmt.Sprintf(format, args...))
	}
	p.Service.NoiseCV = n.CV
	if need := steady.MinQueries(0.99, 1, 0.99); n.Samples < need {
		warn("%d requests: p99 is not resolved, which needs %d", n.Samples, need)
	}
	if !n.Lognormal && p.Service.Batch == nil && n.Samples >= 200 {
		at := curve.At(1) / n.Mean
		for _, q := range []float64{0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999} {
			i := q * float64(len(n.Quantiles)-1)
			low := min(int(i), len(n.Quantiles)-2)
			r := n.Quantiles[low] + (n.Quantiles[low+1]-n.Quantiles[low])*(i-float64(low))
			p.Service.Quantiles = append(p.Service.Quantiles, profile.Quantile{P: q, Value: at * r})
		}
	} else if !n.Lognormal && math.Abs(n.P99Error) > 0.05 {
		warn("the times are not lognormal: the profile's p99 is %+.0f %% off", 100*n.P99Error)
	}
	if n.Lag1 > 0.2 {
		warn("a request is like the one before it (autocorrelation %.2f), and a run draws them "+
			"independently", n.Lag1)
	}
	if n.Spread > 1.5 {
		warn("some sizes vary %.1f times as much as others, and a run has one variation for all", n.Spread)
	}
}

// concurrency fits the slow-down, and says how the server treats several requests.
func (m *Measurement) concurrency(p *profile.Profile, curve *fit.Curve) error {
	loads := m.loads()
	if len(loads) < 2 {
		return nil
	}
	slow, err := fit.NewSlowdown(loads)
	if err != nil {
		p.Quality.Warnings = append(p.Quality.Warnings, "no curve over requests at a time: "+err.Error())
		return nil
	}
	last := loads[len(loads)-1].Concurrency
	p.Valid.Concurrent = [2]int{1, last}
	p.Server.Discipline, p.Server.Slots = m.discipline(&slow, last)
	if p.Server.Discipline == "batching" {
		return m.serverBatches(p)
	}
	if p.Server.Discipline == "parallel" {
		return nil
	}
	for _, k := range slow.Knots {
		factor := k.T
		if slow.Kind != fit.Measured {
			factor = slow.At(k.N)
		}
		p.Service.Concurrency = append(p.Service.Concurrency, fit.Knot{N: k.N, T: factor * curve.At(1)})
	}
	return nil
}

// throughput is the requests per second of a load: as counted, or of built-in workloads, which the GPU
// itself times, those at a time over how long each takes. That has no delays of this host in it.
func (m *Measurement) throughput(p *Point) float64 {
	if times := p.Times(); m.Kind == KindGPU && len(times) > 0 {
		return float64(p.Concurrency) / fit.Median(times)
	}
	return p.Throughput()
}

// loads are the mean throughputs over the concurrencies, in order.
func (m *Measurement) loads() []fit.Load {
	sums := map[int][]float64{}
	for i := range m.Concurrency {
		if x := m.throughput(&m.Concurrency[i]); x > 0 {
			sums[m.Concurrency[i].Concurrency] = append(sums[m.Concurrency[i].Concurrency], x)
		}
	}
	if len(sums[1]) == 0 {
		for i := range m.Batches {
			if x := m.throughput(&m.Batches[i]); m.Batches[i].Batch == 1 && x > 0 {
				sums[1] = append(sums[1], x)
			}
		}
	}
	var loads []fit.Load
	for c, list := range sums {
		loads = append(loads, fit.Load{Concurrency: c, ThroughputPerS: fit.Median(list)})
	}
	slices.SortFunc(loads, func(a, b fit.Load) int { return a.Concurrency - b.Concurrency })
	return loads
}

// discipline tells a line from sharing, which means alone cannot: of requests sent at once, a server
// with a line answers the first long before the last; one that shares its speed, or joins requests
// into a batch, answers all together. A request that comes half-way through another one takes as long
// as that one where speed is shared, and half a service longer where it has to wait.
func (m *Measurement) discipline(slow *fit.Slowdown, last int) (name string, slots int) {
	const noticed, together, waits = 1.2, 0.7, 0.25
	most := slow.At(last)
	if most < noticed {
		return "parallel", 0
	}
	slots = max(1, int(math.Round(float64(last)/most)))
	if slow.Kind == fit.Servers {
		slots = int(slow.A)
	}
	var ratios, behind []float64
	for _, b := range m.Bursts {
		if len(b.Answers) == b.Count && b.Count > slots {
			// Of a line, the last of the first round is answered when the first is.
			ratios = append(ratios, b.Answers[0]/b.Answers[len(b.Answers)-1])
		}
	}
	for _, s := range m.Stagger {
		behind = append(behind, (s.Second-s.First)/(2*s.Delay))
	}
	if len(ratios) == 0 {
		return "", 0
	}
	if fit.Median(ratios) < together {
		return "queue", slots
	}
	if len(behind) > 0 && fit.Median(behind) > waits { // sharing makes it 1 + (s(2) - 1)/2
		return "batching", 1
	}
	return "sharing", 0
}

// serverBatches makes a batch curve of bursts for a server that joins requests by itself.
func (m *Measurement) serverBatches(p *profile.Profile) error {
	var points []fit.Point
	for _, l := range m.loads() { // in a closed loop all requests are of one batch after the other
		points = append(points, fit.Point{N: l.Concurrency,
			Times: []float64{float64(l.Concurrency) / l.ThroughputPerS}})
	}
	choice, err := fit.BatchCurve(points)
	if err != nil {
		return err
	}
	p.Service.Batch, p.Service.BatchSizes = &choice.Curve, choice.Sizes
	p.Valid.BatchSize = [2]int{1, choice.Sizes[len(choice.Sizes)-1]}
	p.Quality.Fit, p.Quality.CVError, p.Quality.WorstError = choice.Curve.Kind, choice.CV, choice.Worst
	p.Quality.Warnings = append(p.Quality.Warnings,
		"the server joins requests into batches by itself: a scenario "+
			"has `batched` with its largest batch, and wait_ms: 0, since its own waiting is part of the times")
	return nil
}

// engine fits the iterations of an LLM engine to streams under several loads.
func (m *Measurement) engine(p *profile.Profile) error {
	samples := m.engineSamples()
	if len(samples) == 0 {
		return errors.New("no answer came token by token: --as llm needs a server that streams " +
			"(--api openai)")
	}
	e, err := fit.NewEngineOf(samples)
	if err != nil {
		return fmt.Errorf("the streams do not make a model of the engine: %w", err)
	}
	p.Service.LLM = &profile.LLM{Engine: e, Admit: e.Admit, ChunkedPrefill: true}
	p.Quality.Fit, p.Quality.WorstError, p.Quality.CVError = "llm", e.Worst, e.Holdout
	p.Quality.Warnings = append(p.Quality.Warnings,
		"kv, max_num_seqs and max_num_batched_tokens are the engine's "+
			"settings, which a client cannot see: set them as the engine reports them")
	p.Valid.PromptTokens, p.Valid.OutputTokens = m.tokensSeen()
	if loads := m.loads(); len(loads) > 0 {
		p.Valid.Concurrent = [2]int{1, loads[len(loads)-1].Concurrency}
	}
	p.Quality.BetweenRuns = betweenRuns(m.Batches)
	return nil
}

// coldStart takes the stages of cold starts, or of warm ones where there are no others, and the first
// answers.
func (m *Measurement) coldStart(p *profile.Profile) {
	var names []string
	times := map[string][]float64{}
	var first, warmReady []float64
	cold := slices.ContainsFunc(m.ColdStarts, func(c ColdStart) bool { return !c.Warm })
	attributed, count := true, 0
	for _, c := range m.ColdStarts {
		if c.Warm {
			warmReady = append(warmReady, c.Ready)
		}
		if c.Warm == cold {
			continue
		}
		count++
		attributed = attributed && (c.Attributed || len(c.Stages) == 1)
		first = append(first, c.FirstRequest)
		for _, s := range c.Stages {
			if times[s.Name] == nil {
				names = append(names, s.Name)
			}
			times[s.Name] = append(times[s.Name], s.Seconds)
		}
	}
	if count == 0 {
		return
	}
	for _, name := range []string{"init", "driver", "context", "module", "weights", "warmup"} {
		if slices.Contains(names, name) {
			p.ColdStages = append(p.ColdStages, profile.Stage{Name: name, Times: times[name]})
		}
	}
	warn := func(text string) { p.Quality.Warnings = append(p.Quality.Warnings, text) }
	if fit.Median(first) > 1.2*p.Service.Time && p.Service.LLM == nil {
		p.Service.FirstInput = first
	}
	if count < 5 {
		warn(fmt.Sprintf("few cold starts were measured (%d of the usual 5)", count))
	}
	if !attributed {
		warn("the GPU's memory could not be told to be the server's own: stages follow the whole GPU")
	}
	if cold && len(warmReady) > 0 {
		warn(fmt.Sprintf("cold starts are with empty caches; with the caches of a start before, it is "+
			"ready after "+
			"%.3g s. Files may have been in the page cache", fit.Median(warmReady)))
	}
}

// energy fits the energy of a batch.
func (m *Measurement) energy(p *profile.Profile) {
	var points []fit.Point
	for i := range m.Batches {
		if j := m.Batches[i].energy(); j > 0 {
			points = append(points, fit.Point{N: m.Batches[i].Batch, Times: []float64{j}})
		}
	}
	if len(points) == 0 || m.Idle == nil {
		return
	}
	e := profile.Energy{IdleWatts: m.Idle.PowerWatts}
	if base, slope, ok := fit.Line(points); ok {
		e.JoulesPerBatch, e.JoulesPerInput = base, slope
	} else {
		e.JoulesPerBatch = points[0].Times[0]
	}
	p.Energy = &e
}

// provenance says where the profile comes from.
func (m *Measurement) provenance(p *profile.Profile) {
	o := &p.Provenance
	*o = profile.Provenance{How: "measured", Host: m.Host, Command: m.Command, Simcap: m.Simcap, Date: m.Date}
	g := m.GPU
	if g == nil {
		return
	}
	o.GPU, o.GPUCount, o.Driver, o.CUDA, o.PowerLimitWatts = g.Name, 1, g.Driver, g.CUDA, g.PowerLimit
	if g.MIG {
		o.MIG = "enabled"
		what := "which part was measured is not known: name it by --notes"
		if g.Instance != "" {
			o.MIG, what = g.Instance, "the profile holds for this part of it, "+g.Instance
		}
		p.Quality.Warnings = append(p.Quality.Warnings, "the GPU is divided (MIG): "+what)
	}
	o.GPUHash = hash(g.UUID)
	var clocks []float64
	for i := range m.Batches {
		for _, w := range m.Batches[i].Windows {
			if w.Counts && w.GPU != nil && w.GPU.SMClockMHz > 0 {
				clocks = append(clocks, w.GPU.SMClockMHz)
			}
		}
	}
	if len(clocks) > 0 {
		o.SMClockMHz = fit.Median(clocks)
	}
	if name := PlatformGPU(g.Name, g.MemoryMiB); name != "" && !g.MIG {
		p.Valid.GPUs = []string{name}
	}
}

// pointsOf are the service times of points by batch size.
func pointsOf(points []Point) []fit.Point {
	var out []fit.Point
	for i := range points {
		if t := points[i].Times(); len(t) > 0 {
			out = append(out, fit.Point{N: points[i].Batch, Times: t})
		}
	}
	return out
}

// betweenRuns is the largest relative spread of medians over runs: what intervals within one run do
// not show.
func betweenRuns(points []Point) float64 {
	medians := map[int][]float64{}
	for i := range points {
		if t := points[i].Times(); len(t) > 0 {
			medians[points[i].Batch] = append(medians[points[i].Batch], fit.Median(t))
		}
	}
	most := 0.0
	for _, list := range medians {
		if len(list) > 1 {
			most = math.Max(most, slices.Max(list)/slices.Min(list)-1)
		}
	}
	return most
}
