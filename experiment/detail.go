package experiment

import (
	"math"

	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/sim"
	"github.com/simcap/simcap/stats"
)

// detailer gathers what pictures are drawn from: series and timelines of the first replication,
// distributions of all.
type detailer struct {
	scenario *Scenario
	layout   *layout
	first    *model.Tally
	latency  []*stats.Sketch      // by function
	spans    []*stats.Sketch      // makespans, by workload
	bands    [][]model.BandTally  // by function, pooled, by rising latency
	stages   [][]model.StageTally // by function
	batches  [][]int64
	tokens   []*llmView // by function; nil: no LLM function
}

func newDetailer(s *Scenario, l *layout) *detailer {
	n := len(l.functions)
	d := &detailer{scenario: s, layout: l, latency: make([]*stats.Sketch, n),
		bands: make([][]model.BandTally, n), stages: make([][]model.StageTally, n),
		batches: make([][]int64, n)}
	for i := range d.latency {
		d.latency[i] = &stats.Sketch{}
	}
	d.tokens = make([]*llmView, n)
	for range l.workloads {
		d.spans = append(d.spans, &stats.Sketch{})
	}
	return d
}

func (d *detailer) take(t *model.Tally, views []view) {
	if d.first == nil {
		d.first = t
	}
	for i := range t.Functions {
		d.latency[i].Merge(views[i].latency)
		d.takeTokens(i, &views[i])
		f := &t.Functions[i]
		if d.stages[i] == nil {
			d.stages[i] = make([]model.StageTally, len(f.Stages))
			d.batches[i] = make([]int64, len(f.BatchSizes))
		}
		for k := range f.Stages {
			sum := &d.stages[i][k]
			sum.Name, sum.Billed = f.Stages[k].Name, f.Stages[k].Billed
			sum.Count += f.Stages[k].Count
			sum.TotalNS += f.Stages[k].TotalNS
		}
		for k, n := range f.BatchSizes {
			d.batches[i][k] += n
		}
	}
	for i := range t.Workloads {
		w := &t.Workloads[i]
		if d.scenario.Model.Workloads[i].Method.Many() {
			d.spans[i].Merge(w.Makespans)
		}
		d.bands[w.Function] = joinBands(d.bands[w.Function], w.Bands)
	}
}

// joinBands merges two lists of bands by latency.
func joinBands(x, y []model.BandTally) []model.BandTally {
	out := make([]model.BandTally, 0, len(x)+len(y))
	for len(x) > 0 && len(y) > 0 {
		switch {
		case x[0].Bucket < y[0].Bucket:
			out, x = append(out, x[0]), x[1:]
		case x[0].Bucket > y[0].Bucket:
			out, y = append(out, y[0]), y[1:]
		default:
			sum := x[0]
			sum.Inputs += y[0].Inputs
			for part := range sum.Parts {
				sum.Parts[part] += y[0].Parts[part]
			}
			out, x, y = append(out, sum), x[1:], y[1:]
		}
	}
	return append(append(out, x...), y...)
}

func (d *detailer) finish(yaml string, end sim.Time) *Detail {
	t := d.first
	platform := &d.scenario.Model.Platform
	out := &Detail{
		ScenarioYAML: yaml, Assumptions: assumptions(&d.scenario.Model),
		WindowS:   [2]float64{d.scenario.Model.Warmup.Seconds(), t.WindowEnd.Seconds()},
		Functions: map[string]FunctionDetail{}, Workloads: map[string]WorkloadDetail{},
		Platform: platform.Preset, Synthetic: d.scenario.Synthetic,
	}
	if platform.Preset == model.PresetModal {
		out.PriceSource = model.PricesSource + ", " + model.PricesAsOf
	}
	for i, name := range d.layout.workloads {
		w := &d.scenario.Model.Workloads[i]
		out.Workloads[name] = WorkloadDetail{Function: w.Function, Method: string(w.Method),
			Makespan: distribution(d.spans[i])}
	}
	for i, name := range d.layout.functions {
		f := &d.scenario.Model.Functions[i]
		detail := FunctionDetail{
			PricePerS: t.Functions[i].PricePerS, Series: d.series(i), Settings: poolSettings(f),
			Latency: distribution(d.latency[i]), Bands: splitBands(d.bands[i]),
			ColdStages: coldStages(d.stages[i]), BatchSizes: d.batches[i],
			Gantt:        ganttRows(&t.Functions[i]),
			GanttSampled: t.Functions[i].EveryReady*t.Functions[i].EveryUnready > 1,
		}
		if f.GPUs > 0 {
			detail.GPU = f.GPU
			if f.GPUs > 1 {
				detail.GPU += ":" + string(rune('0'+f.GPUs%10))
			}
		}
		if v := d.tokens[i]; v != nil {
			ttft, tpot := distribution(v.ttft), distribution(v.tpot)
			detail.TTFT, detail.TPOT = &ttft, &tpot
		}
		out.Functions[name] = detail
	}
	return out
}

// poolSettings are the settings as the scenario gives them, before any update.
func poolSettings(f *model.Function) PoolSettings {
	return PoolSettings{MinContainers: f.MinContainers, MaxContainers: max(0, f.MaxContainers),
		BufferContainers: f.BufferContainers, ScaledownWindowS: f.ScaledownWindow.Seconds(),
		MaxInputs: f.Concurrent.MaxInputs, MaxBatchSize: f.Batched.MaxBatchSize,
		BatchWaitS: f.Batched.Wait.Seconds()}
}

// series turns a function's bins into averages and rates.
func (d *detailer) series(function int) Series {
	t := d.first
	f := &t.Functions[function]
	width := float64(t.BinWidth)
	s := Series{StartS: 0, BinS: t.BinWidth.Seconds()}
	length := func(bin int) float64 { // the last bin ends with the run
		return math.Max(1, math.Min(width, float64(t.End)-float64(bin)*width))
	}
	level := func(bins []float64) []float64 {
		out := make([]float64, t.Bins)
		for i := range min(len(bins), t.Bins) {
			out[i] = bins[i] / length(i)
		}
		return out
	}
	s.Starting, s.Busy, s.Draining = level(f.StartingBins), level(f.BusyBins), level(f.DrainingBins)
	s.Idle = make([]float64, t.Bins)
	s.CostPerHour = make([]float64, t.Bins)
	s.LiveMax = make([]float64, t.Bins)
	readyLevel, cold := level(f.ReadyBins), level(f.ColdBins)
	for i := range t.Bins {
		s.Idle[i] = math.Max(0, readyLevel[i]-s.Busy[i])
		s.CostPerHour[i] = (readyLevel[i] + cold[i]) * f.PricePerS * 3600
		s.LiveMax[i] = float64(f.LivePeak[i])
	}
	s.Queue, s.QueueMax = make([]float64, t.Bins), make([]float64, t.Bins)
	s.ArrivalsPerS, s.RejectedPerS = make([]float64, t.Bins), make([]float64, t.Bins)
	latencies := make([][]model.Bin, t.Bins)
	for k := range t.Workloads {
		w := &t.Workloads[k]
		if w.Function != function {
			continue
		}
		for i := range t.Bins {
			s.Queue[i] += w.QueueBins[i] / length(i)
			s.QueueMax[i] += float64(w.QueuePeak[i])
			s.ArrivalsPerS[i] += float64(w.Arrived[i]) * 1e9 / length(i)
			s.RejectedPerS[i] += float64(w.Rejected[i]) * 1e9 / length(i)
			latencies[i] = model.JoinBins(latencies[i], w.Latencies[i])
		}
	}
	for i := range t.Bins {
		s.LatencyP50S = append(s.LatencyP50S, binQuantile(latencies[i], 0.5))
		s.LatencyP90S = append(s.LatencyP90S, binQuantile(latencies[i], 0.9))
		s.LatencyP99S = append(s.LatencyP99S, binQuantile(latencies[i], 0.99))
	}
	return s
}

// binQuantile is the nearest-rank quantile of coarse counts, in seconds; nil without counts.
func binQuantile(bins []model.Bin, q float64) *float64 {
	n := 0.0
	for _, b := range bins {
		n += float64(b.Count)
	}
	rank := math.Max(1, math.Ceil(q*n))
	for _, b := range bins {
		if rank -= float64(b.Count); rank <= 0 {
			v := model.CoarseValue(b.Bucket) / 1e9
			return &v
		}
	}
	return nil
}

// distribution samples the quantile function, densely towards the tail.
func distribution(s *stats.Sketch) Distribution {
	var d Distribution
	if s.Count() == 0 {
		return Distribution{Q: []float64{}, AtS: []float64{}}
	}
	var qs []float64
	for i := range 100 {
		qs = append(qs, float64(i)/100)
	}
	for tail := 0.01; tail > 1e-7 && tail*float64(s.Count()) >= 1; tail /= 10 {
		for k := 100.0; k > 10; k -= 4 {
			qs = append(qs, 1-tail*k/100)
		}
	}
	for _, q := range append(qs, 1) {
		ns, _ := s.Quantile(q)
		d.Q = append(d.Q, q)
		d.AtS = append(d.AtS, float64(ns)/1e9)
	}
	return d
}

// bandEdges are the quantiles between which the breakdown is shown.
var bandEdges = []float64{0, 0.5, 0.9, 0.95, 0.99, 0.999, 1}

// splitBands cuts the inputs, which come in narrow ranges of latency, at the band edges. A range that
// holds an edge goes to both sides in proportion.
func splitBands(ranges []model.BandTally) []Band {
	total := 0.0
	for i := range ranges {
		total += float64(ranges[i].Inputs)
	}
	var out []Band
	for b := range len(bandEdges) - 1 {
		from, to := bandEdges[b]*total, bandEdges[b+1]*total
		var parts [model.NumParts]float64
		count, below := 0.0, 0.0
		for i := range ranges {
			n := float64(ranges[i].Inputs)
			share := math.Max(0, math.Min(to, below+n)-math.Max(from, below)) / n
			below += n
			count += share * n
			for p := range parts {
				parts[p] += share * ranges[i].Parts[p]
			}
		}
		if count < 0.5 {
			continue
		}
		band := Band{From: bandEdges[b], To: bandEdges[b+1], Inputs: int64(count + 0.5),
			PartsMean: map[string]float64{}}
		for p, ns := range parts {
			band.PartsMean[model.PartNames[p]] = ns / count / 1e9
			band.MeanS += ns / count / 1e9
		}
		out = append(out, band)
	}
	return out
}

func coldStages(sums []model.StageTally) []Stage {
	out := []Stage{}
	for _, s := range sums {
		if s.Count > 0 {
			out = append(out, Stage{Name: s.Name, MeanS: s.TotalNS / float64(s.Count) / 1e9,
				Count: s.Count, Billed: s.Billed})
		}
	}
	return out
}

func ganttRows(f *model.FunctionTally) []ContainerRow {
	out := []ContainerRow{}
	for i := range f.Gantt {
		r := &f.Gantt[i]
		row := ContainerRow{Number: int(r.Container), CreatedS: r.Created.Seconds(), Inputs: r.Inputs,
			BusyS: r.Busy.Seconds(), Reason: r.Reason, StandsFor: f.EveryUnready}
		if r.Ready != model.Unset {
			at := r.Ready.Seconds()
			row.ReadyS, row.StandsFor = &at, f.EveryReady
		}
		if r.Stopped != model.Unset {
			at := r.Stopped.Seconds()
			row.StoppedS = &at
		}
		out = append(out, row)
	}
	return out
}
