package report

import (
	"fmt"
	"sort"
	"strings"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/report/quantity"
)

// The parts of latency, in the order of the results, with their names for people.
var (
	partKeys  = [...]string{"backoff", "cold", "queue", "batch_wait", "service", "interference", "overhead"}
	partNames = [...]string{"back-off", "cold start", "queue", "batch wait", "service", "sharing", "overhead"}
)

// Places of parts in partKeys that sentences name.
const (
	partCold         = 1
	partQueue        = 2
	partBatchWait    = 3
	partService      = 4
	partInterference = 5
)

// split is how inputs spent their time on average, in seconds by part.
type split struct {
	Parts  [len(partKeys)]float64
	Inputs float64
}

func (s *split) total() float64 {
	sum := 0.0
	for _, v := range s.Parts {
		sum += v
	}
	return sum
}

// share of a part in the whole, 0 to 1.
func (s *split) share(part int) float64 { return share(s.Parts[part], s.total()) }

// order lists the parts by falling share, those below the given share left out.
func (s *split) order(least float64) []int {
	var parts []int
	for i := range s.Parts {
		if s.Parts[i] > 0 && s.share(i) >= least {
			parts = append(parts, i)
		}
	}
	sort.SliceStable(parts, func(a, b int) bool { return s.Parts[parts[a]] > s.Parts[parts[b]] })
	return parts
}

// words lists the largest parts with their shares: "cold start 71%, service 20%".
func (s *split) words(most int) string {
	parts := s.order(0.01)
	var out []string
	for _, p := range parts[:min(most, len(parts))] {
		out = append(out, fmt.Sprintf("%s %s", partNames[p], percent(s.share(p))))
	}
	return strings.Join(out, ", ")
}

// percent writes a share as a whole per cent.
func percent(f float64) string {
	if f > 0 && f < 0.005 {
		return "<1%"
	}
	if f >= 0.995 && f < 1-1e-9 { // but for rounding errors of sums
		return ">99%"
	}
	return fmt.Sprintf("%.0f%%", 100*f)
}

// splitOf is the mean breakdown of all completed inputs.
func splitOf(b *experiment.Breakdown) split {
	s := split{Inputs: 1}
	for i, e := range []experiment.Estimate{b.Backoff, b.Cold, b.Queue, b.BatchWait, b.Service,
		b.Interference,
		b.Overhead} {
		s.Parts[i] = valueOf(e)
	}
	return s
}

// join averages the bands whose quantiles lie within [from, to].
func join(bands []experiment.Band, from, to float64) split {
	var s split
	for i := range bands {
		b := &bands[i]
		if b.From < from-1e-9 || b.To > to+1e-9 || b.Inputs <= 0 {
			continue
		}
		n := float64(b.Inputs)
		for p, key := range partKeys {
			s.Parts[p] += n * b.PartsMean[key]
		}
		s.Inputs += n
	}
	for p := range s.Parts {
		s.Parts[p] = share(s.Parts[p], s.Inputs)
	}
	return s
}

// functionNames are the functions of a result, sorted.
func functionNames(r *experiment.Result) []string {
	names := make([]string, 0, len(r.Functions))
	for name := range r.Functions {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// workloadNames are the workloads of a result, sorted.
func workloadNames(r *experiment.Result) []string {
	names := make([]string, 0, len(r.Workloads))
	for name := range r.Workloads {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// detailOf is the detail of a function, empty where the result has none.
func detailOf(r *experiment.Result, name string) experiment.FunctionDetail {
	if r.Detail == nil {
		return experiment.FunctionDetail{}
	}
	return r.Detail.Functions[name]
}

// tailOf is how the slowest 1 % of a function's inputs spent their time, or all of them when there is
// no detail; whose says which.
func tailOf(r *experiment.Result, name string) (tail split, whose string) {
	d := detailOf(r, name)
	if tail = join(d.Bands, 0.99, 1); tail.Inputs > 0 {
		return tail, "the slowest 1%"
	}
	m := r.Functions[name]
	return splitOf(&m.BreakdownS), "all inputs"
}

// slowest is the function with the highest p99 latency; "" without any.
func slowest(r *experiment.Result) string {
	worst, name := -1.0, ""
	for _, f := range functionNames(r) {
		m := r.Functions[f]
		if has(m.LatencyS.P99) && *m.LatencyS.P99.Value > worst {
			worst, name = *m.LatencyS.P99.Value, f
		}
	}
	return name
}

// focus is the function whose tail matters most: that of the first objective on latency which is missed,
// else undecided, else kept; without one, the slowest. "" when no input completed.
func focus(r *experiment.Result) string {
	for _, st := range []state{missed, undecided, kept} {
		for i := range r.SLO {
			v := &r.SLO[i]
			m, ok := r.Functions[v.Function]
			if ok && stateOf(v) == st && strings.HasPrefix(v.Metric, "latency.") && has(m.LatencyS.P99) {
				return v.Function
			}
		}
	}
	return slowest(r)
}

// tailSentence says what dominates the tail: "Cold starts are 71% of what the slowest 1% wait for."
func tailSentence(r *experiment.Result) string {
	name := focus(r)
	if name == "" {
		return "No input completed, so there is no latency to explain."
	}
	tail, whose := tailOf(r, name)
	parts := tail.order(0)
	if len(parts) == 0 {
		return ""
	}
	of := ""
	if len(r.Functions) > 1 {
		of = " of " + name
	}
	verb := "takes"
	if parts[0] == partCold {
		verb = "take"
	}
	subject := [...]string{"Back-off", "Cold starts", "Waiting in the queue", "Waiting for the batch to fill",
		"Service itself", "Sharing the container", "Routing and network"}[parts[0]]
	return fmt.Sprintf("%s %s %s of the latency of %s%s (%s on average).", subject, verb,
		percent(tail.share(parts[0])), whose, of, quantity.Format(quantity.Seconds, tail.total()))
}

// costSentence says what dominates the cost.
func costSentence(r *experiment.Result) string {
	c := r.Total.CostUSD
	if c == nil || valueOf(c.Total) == 0 {
		return "Nothing is billed."
	}
	busy, idle, cold := shares(c)
	what, most := "busy containers", busy
	if idle > most {
		what, most = "idle containers", idle
	}
	if cold > most {
		what, most = "cold starts", cold
	}
	out := fmt.Sprintf("%s of it is for %s", percent(most), what)
	if len(r.Functions) > 1 {
		top, name := 0.0, ""
		for _, f := range functionNames(r) {
			if m := r.Functions[f]; m.CostUSD != nil && valueOf(m.CostUSD.Total) > top {
				top, name = valueOf(m.CostUSD.Total), f
			}
		}
		out += fmt.Sprintf("; the function %s takes %s", name, percent(share(top, valueOf(c.Total))))
	}
	return out + "."
}

// shares are the parts of the cost that are busy, idle and cold, 0 to 1.
func shares(c *experiment.Cost) (busy, idle, cold float64) {
	total := valueOf(c.Busy) + valueOf(c.Idle) + valueOf(c.Cold)
	return share(valueOf(c.Busy), total), share(valueOf(c.Idle), total), share(valueOf(c.Cold), total)
}

// detailNames are the functions that a detail has pictures of, sorted.
func detailNames(d *experiment.Detail) []string {
	names := make([]string, 0, len(d.Functions))
	for name := range d.Functions {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
