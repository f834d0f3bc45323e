package experiment

import (
	"math"

	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/stats"
)

// Bounds are a 95 % confidence interval that one run gives of itself, by batch means.
type Bounds struct {
	Low     float64 `json:"low"`
	High    float64 `json:"high"`
	Batches int     `json:"batches"` // that the window was cut into
	Trusted bool    `json:"trusted"` // batches pass for independent; else the run is too short for its memory
}

// spread is how far bounds lie from their value.
type spread struct {
	Below   float64 `json:"below"`
	Above   float64 `json:"above"`
	Batches int     `json:"batches"`
	Trusted bool    `json:"trusted"`
}

// spreads are intervals by the name of their metric.
type spreads map[string]spread

// strip is what happened in one bin of time in one scope.
type strip struct {
	seconds, completed, latencyS float64
	arrived, rejected, queue     float64
	live, starting, busy, ready  float64 // container-seconds
	costBusy, costIdle, costCold float64 // USD
	latencies                    []model.Bin
}

// within gives the intervals of a run that stands alone, by scope. Only runs with a horizon have any:
// one that ends by itself has no steady state to take batches of.
func within(l *layout, t *model.Tally, views []view) map[string]spreads {
	if l.scenario.Model.Horizon == 0 {
		return nil
	}
	out := map[string]spreads{}
	for scope := range views {
		strips := l.strips(t, scope)
		s := spreads{}
		s.times(strips, views[scope].latency)
		s.rates(strips, l.hasPool(scope), views[scope].seconds)
		if len(s) > 0 {
			out[l.scopeName(scope)] = s
		}
	}
	return out
}

// scopeName is how a scope is called in Detail.Within.
func (l *layout) scopeName(scope int) string {
	switch {
	case scope < len(l.functions):
		return "functions." + l.functions[scope]
	case scope < l.scopes()-1:
		return "workloads." + l.workloads[scope-len(l.functions)]
	}
	return "total"
}

// strips cuts the window of a scope into bins.
func (l *layout) strips(t *model.Tally, scope int) []strip {
	from, to := windowBins(l.scenario, t)
	out := make([]strip, to-from)
	at := func(bins []float64, i int) float64 {
		if from+i >= len(bins) {
			return 0
		}
		return bins[from+i] / 1e9
	}
	for i := range out {
		s := &out[i]
		s.seconds = t.BinWidth.Seconds()
		for _, w := range l.workloadsOf(scope) {
			work := &t.Workloads[w]
			s.arrived += float64(work.Arrived[from+i])
			s.rejected += float64(work.Rejected[from+i])
			s.queue += at(work.QueueBins, i)
			s.latencies = model.JoinBins(s.latencies, work.Latencies[from+i])
		}
		for _, b := range s.latencies {
			s.completed += float64(b.Count)
			s.latencyS += float64(b.Count) * model.CoarseValue(b.Bucket) / 1e9
		}
		for f := range t.Functions {
			if scope != f && scope != l.scopes()-1 {
				continue
			}
			of := &t.Functions[f]
			busy, ready, cold := at(of.BusyBins, i), at(of.ReadyBins, i), at(of.ColdBins, i)
			s.live += at(of.LiveBins, i)
			s.starting += at(of.StartingBins, i)
			s.busy += busy
			s.ready += ready
			s.costBusy += busy * of.PricePerS
			s.costIdle += (ready - busy) * of.PricePerS
			s.costCold += cold * of.PricePerS
		}
	}
	return out
}

// put adds the interval of Σ above / Σ below, multiplied by scale.
func (s spreads) put(metric string, strips []strip, above, below func(*strip) float64, scale float64) {
	x, y := make([]float64, len(strips)), make([]float64, len(strips))
	for i := range strips {
		x[i], y[i] = above(&strips[i]), below(&strips[i])
	}
	i, batching := stats.BatchRatio(x, y, confidence)
	if math.IsNaN(i.Low) || math.IsInf(i.High, 0) || math.IsNaN(i.High) {
		return
	}
	s[metric] = spread{(i.Value - i.Low) * scale, (i.High - i.Value) * scale, batching.Batches,
		batching.Independent}
}

// times adds mean and quantiles of latency.
func (s spreads) times(strips []strip, latency *stats.Sketch) {
	completed := func(b *strip) float64 { return b.completed }
	s.put("latency.mean", strips, func(b *strip) float64 { return b.latencyS }, completed, 1)
	all := latency.Histogram()
	for _, quantile := range []struct {
		metric string
		q      float64
	}{{"latency.p50", 0.5}, {"latency.p90", 0.9}, {"latency.p95", 0.95}, {"latency.p99", 0.99},
		{"latency.p999", 0.999}} {
		// Ten inputs beyond the quantile in each of the fewest batches that there can be.
		if (1-quantile.q)*float64(all.Count()) < 160 {
			continue
		}
		share := s.share(strips, quantile.q)
		s.put(quantile.metric, strips, share, completed, 1)
		b, ok := s[quantile.metric]
		if !ok {
			continue
		}
		value, _ := all.Quantile(quantile.q)
		low, _ := all.Quantile(quantile.q - b.Below)
		high, _ := all.Quantile(min(1, quantile.q+b.Above))
		b.Below, b.Above = float64(value-low)/1e9, float64(high-value)/1e9
		s[quantile.metric] = b
	}
}

// share counts a strip's inputs in the coarse buckets below the one that holds the q-quantile of all: a
// share that is a little less than q, whose spread is a little more, which the few inputs beyond a high
// quantile need for their interval to hold.
func (s spreads) share(strips []strip, q float64) func(*strip) float64 {
	var all []model.Bin
	total := 0.0
	for i := range strips {
		all = model.JoinBins(all, strips[i].latencies)
		total += strips[i].completed
	}
	left, at := q*total, uint16(0)
	for _, b := range all {
		at = b.Bucket
		if left -= float64(b.Count); left <= 0 {
			break
		}
	}
	return func(s *strip) float64 {
		n := 0.0
		for _, b := range s.latencies {
			if b.Bucket < at {
				n += float64(b.Count)
			}
		}
		return n
	}
}

// rates adds what is measured by time, and cost. seconds is the length of the window.
func (s spreads) rates(strips []strip, pool bool, seconds float64) {
	time := func(b *strip) float64 { return b.seconds }
	completed := func(b *strip) float64 { return b.completed }
	s.put("throughput", strips, completed, time, 1)
	s.put("queue_mean", strips, func(b *strip) float64 { return b.queue }, time, 1)
	s.put("rejected_fraction", strips, func(b *strip) float64 { return b.rejected },
		func(b *strip) float64 { return b.arrived }, 1)
	if !pool {
		return
	}
	busy := func(b *strip) float64 { return b.busy }
	s.put("utilization", strips, busy, func(b *strip) float64 { return b.ready }, 1)
	s.put("containers.live_mean", strips, func(b *strip) float64 { return b.live }, time, 1)
	s.put("containers.starting_mean", strips, func(b *strip) float64 { return b.starting }, time, 1)
	s.put("containers.busy_mean", strips, busy, time, 1)
	s.put("containers.idle_mean", strips, func(b *strip) float64 { return b.ready - b.busy }, time, 1)
	cost := func(b *strip) float64 { return b.costBusy + b.costIdle + b.costCold }
	s.put("cost.total", strips, cost, time, seconds)
	s.put("cost.busy", strips, func(b *strip) float64 { return b.costBusy }, time, seconds)
	s.put("cost.idle", strips, func(b *strip) float64 { return b.costIdle }, time, seconds)
	s.put("cost.cold", strips, func(b *strip) float64 { return b.costCold }, time, seconds)
	s.put("cost.per_hour", strips, cost, time, 3600)
	s.put("cost.per_1k_inputs", strips, cost, completed, 1000)
}

// attach hands the intervals to the estimates of a scope.
func (s spreads) attach(m *Measures) {
	for i := range metrics {
		b, ok := s[metrics[i].name]
		if !ok {
			continue
		}
		if e := metrics[i].of(m); e != nil && e.Value != nil {
			e.Within = &Bounds{max(0, *e.Value-b.Below), *e.Value + b.Above, b.Batches, b.Trusted}
		}
	}
}
