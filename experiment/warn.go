package experiment

import (
	"fmt"
	"sort"

	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/sim"
)

// warnings say what weakens the results.
func (g *gathering) warnings(r *Result) []string {
	var out []string
	s := g.scenario
	for _, name := range sortedNames(r.Functions) {
		m := r.Functions[name]
		n := 0.0
		if v := m.Inputs.Completed.Value; v != nil {
			n = *v * float64(r.Replications)
		}
		switch {
		case n == 0:
			out = append(out, fmt.Sprintf("%s: no input completed in the window", name))
		case n < 1000:
			out = append(out, fmt.Sprintf("%s: %.0f inputs completed; p99 needs 1,000 and p99.9 "+
				"10,000 to mean much", name, n))
		case n < 10_000:
			out = append(out, fmt.Sprintf("%s: %.0f inputs completed; p99.9 needs 10,000 to mean much",
				name, n))
		}
	}
	for i := range s.Model.Functions {
		out = append(out, curveWarnings(&s.Model.Functions[i])...)
	}
	out = append(out, profileWarnings(s)...)
	if late := g.end - s.Model.Horizon; s.Model.Horizon > 0 && late > s.Model.Horizon/10 &&
		late > 10*sim.Second {
		out = append(out, fmt.Sprintf("the last input finished %s after the horizon: the arrivals may "+
			"exceed what the containers can serve", spell(late)))
	}
	return out
}

func spell(t sim.Time) string {
	switch {
	case t >= 2*sim.Hour:
		return fmt.Sprintf("%.1f h", t.Seconds()/3600)
	case t >= 2*sim.Minute:
		return fmt.Sprintf("%.1f min", t.Seconds()/60)
	default:
		return fmt.Sprintf("%.1f s", t.Seconds())
	}
}

// curveWarnings name curves that a run uses beyond the points that were measured.
func curveWarnings(f *model.Function) []string {
	var out []string
	s := &f.Service
	if s.Batch != nil && len(s.Batch.Points) > 0 {
		if last := s.Batch.Points[len(s.Batch.Points)-1].N; f.Batched.MaxBatchSize > last {
			out = append(out, fmt.Sprintf("%s: batches of up to %d inputs, but service.batch is given "+
				"up to %d: extrapolated", f.Name, f.Batched.MaxBatchSize, last))
		}
	}
	if n := len(s.Concurrency); n > 0 && f.Concurrent.MaxInputs > s.Concurrency[n-1].N {
		out = append(out, fmt.Sprintf("%s: up to %d inputs at a time, but service.concurrency is given "+
			"up to %d: extrapolated", f.Name, f.Concurrent.MaxInputs, s.Concurrency[n-1].N))
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

// assumptions are the settings of the platform model that Modal does not publish, as they were used.
func assumptions(c *model.Config) []Assumption {
	a := &c.Platform.Autoscaler
	return []Assumption{
		{"platform.autoscaler.interval", spell(a.Interval), "how often the autoscaler decides is not " +
			"published beyond \"quick and frequent\""},
		{"platform.autoscaler.gain", fmt.Sprint(a.Gain), "containers wanted per outstanding input; three " +
			"outside measurements fit 0.5 to 0.6 better than 1"},
		{"platform.autoscaler.cancel_starting", fmt.Sprint(a.CancelStarting), "whether starting containers " +
			"are stopped when demand falls"},
		{"platform.routing", string(c.Platform.Routing), "which idle container gets the next input"},
		{"platform.burst_poll", spell(c.Platform.BurstPoll), "read in the client's source; what the server " +
			"answers is not published"},
		{"cold start billing", "from the first billed stage", "which part of a start is billed is not published"},
	}
}
