package experiment

import (
	"math"

	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/sim"
	"github.com/simcap/simcap/stats"
)

// diagnosis is what one replication shows of the health of a function: what warnings are made of.
type diagnosis struct {
	ArrivedPerS  float64    `json:"arrived_per_s"` // over the window
	GrowthPerS   float64    `json:"growth_per_s"`  // of the queue over the window, inputs a second
	Tau          float64    `json:"tau"`           // trend of the queue, see stats.Trend
	P            float64    `json:"p"`             // its significance
	Queue        [3]float64 `json:"queue"`         // mean of each third of the window
	QueuePeak    float64    `json:"queue_peak"`
	Latency      [3]float64 `json:"latency_s"` // mean over inputs completed in each third; 0: none
	Rate         [3]float64 `json:"rate_per_s"`
	BeyondCurve  float64    `json:"beyond_curve"`  // share of items whose batch size the curve was not given for
	LargestBatch int        `json:"largest_batch"` // of those

	Engine *engineDiagnosis `json:"engine,omitempty"` // nil: no LLM function
}

// diagnose looks at the series of every function.
func diagnose(l *layout, t *model.Tally) []diagnosis {
	out := make([]diagnosis, len(t.Functions))
	from, to := windowBins(l.scenario, t)
	for i := range t.Functions {
		d := &out[i]
		d.Engine = diagnoseEngine(t.Functions[i].Engine)
		d.beyond(&l.scenario.Model.Functions[i], t.Functions[i].BatchSizes)
		queue, arrived := make([]float64, to-from), make([]float64, to-from)
		var sums, counts [3]float64
		for w := range t.Workloads {
			work := &t.Workloads[w]
			if work.Function != i {
				continue
			}
			for k := range queue {
				queue[k] += work.QueueBins[from+k] / float64(t.BinWidth)
				arrived[k] += float64(work.Arrived[from+k]) / t.BinWidth.Seconds()
				d.QueuePeak = max(d.QueuePeak, float64(work.QueuePeak[from+k]))
				third := 3 * k / len(queue)
				for _, b := range work.Latencies[from+k] {
					counts[third] += float64(b.Count)
					sums[third] += float64(b.Count) * model.CoarseValue(b.Bucket) / 1e9
				}
			}
		}
		for third := range 3 {
			d.Queue[third] = meanOf(cut(queue, third))
			d.Rate[third] = meanOf(cut(arrived, third))
			if counts[third] > 0 {
				d.Latency[third] = sums[third] / counts[third]
			}
		}
		d.ArrivedPerS = meanOf(arrived)
		d.GrowthPerS = slope(queue) / t.BinWidth.Seconds()
		d.Tau, d.P = stats.Trend(queue)
	}
	return out
}

// windowBins are the first bin and the one behind the last that lie in the window of the statistics
// as a whole.
func windowBins(s *Scenario, t *model.Tally) (from, to int) {
	from = int((s.Model.Warmup + t.BinWidth - 1) / t.BinWidth)
	to = min(t.Bins, int(t.WindowEnd/t.BinWidth))
	for i := range t.Workloads {
		w := &t.Workloads[i]
		to = min(to, len(w.QueueBins), len(w.QueuePeak), len(w.Arrived), len(w.Rejected), len(w.Latencies))
	}
	return min(from, to), to
}

// cut is one third of a series.
func cut(series []float64, third int) []float64 {
	n := len(series)
	return series[(n*third+2)/3 : (n*(third+1)+2)/3]
}

// meanOf is the mean of a series, 0 of none.
func meanOf(series []float64) float64 {
	sum := 0.0
	for _, x := range series {
		sum += x
	}
	return sum / math.Max(1, float64(len(series)))
}

// slope is that of the line through a series by least squares, per element: Σ(i - ī)x(i) / Σ(i - ī)².
func slope(series []float64) float64 {
	middle := float64(len(series)-1) / 2
	above, below := 0.0, 0.0
	for i, x := range series {
		d := float64(i) - middle
		above += d * x
		below += d * d
	}
	if below == 0 {
		return 0
	}
	return above / below
}

// beyond looks for batches larger or smaller than the measured ones.
func (d *diagnosis) beyond(f *model.Function, sizes []int64) {
	if f.Service.Batch == nil || len(f.Service.Batch.Points) == 0 {
		return
	}
	all, outside := int64(0), int64(0)
	for i, n := range sizes {
		all += n
		if n > 0 && f.Service.Batch.Points.Beyond(i+1) {
			outside += n
			d.LargestBatch = i + 1
		}
	}
	if outside > 0 {
		d.BeyondCurve = float64(outside) / float64(all)
	}
}

// pilots simulate the scenario without a warm-up and find how long it takes to settle, by MSER-5. The
// warm-up is the same for all replications, and independent of them: pilots are replications of their
// own, numbered 0, -1 and so on, one for every five that will be made, at most four; their series are
// averaged bin by bin. Of every function the mean latency and the number of live containers count; the
// slowest decides. settled is false when some series has no steady state that MSER-5 could find.
func (l *layout) settle(tallies []*model.Tally) (warmup sim.Time, settled bool) {
	settled = true
	bins := tallies[0].Bins
	for _, t := range tallies {
		_, to := windowBins(l.scenario, t)
		bins = min(bins, to)
	}
	for f := range l.functions {
		live, latency := make([]float64, bins), make([]float64, bins)
		counts := make([]float64, bins)
		for _, t := range tallies {
			for i := range min(bins, len(t.Functions[f].LiveBins)) {
				live[i] += t.Functions[f].LiveBins[i] / float64(t.BinWidth) / float64(len(tallies))
			}
			for w := range t.Workloads {
				if t.Workloads[w].Function != f {
					continue
				}
				for i := range bins {
					for _, b := range t.Workloads[w].Latencies[i] {
						counts[i] += float64(b.Count)
						latency[i] += float64(b.Count) * model.CoarseValue(b.Bucket) / 1e9
					}
				}
			}
		}
		for _, series := range [][]float64{live, gaps(latency, counts)} {
			cut, ok := stats.WarmUp(series)
			warmup = max(warmup, sim.Time(cut)*tallies[0].BinWidth)
			settled = settled && ok
		}
	}
	return warmup, settled
}

// gaps divides sums by counts and fills bins without any by the value before, so that a quiet bin says
// nothing new.
func gaps(sums, counts []float64) []float64 {
	var out []float64
	last := math.NaN()
	for i := range sums {
		if counts[i] > 0 {
			last = sums[i] / counts[i]
			for len(out) < i { // before the first value
				out = append(out, last)
			}
		}
		if !math.IsNaN(last) {
			out = append(out, last)
		}
	}
	return out
}
