package report

import (
	"fmt"
	"math"
	"sort"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/report/quantity"
)

// hint is advice with its weight: the heavier, the more is to be gained.
type hint struct {
	weight   float64
	text     string
	function string
	cold     bool // asks for more warm containers, where idle time asks for fewer
}

// balance settles the contradiction between cold starts, which ask for more warm containers, and idle time,
// which asks for fewer: what breaks an objective comes first, and where neither or both do, it is said that
// one is the price of the other.
func balance(r *experiment.Result, slow, idle hint) (hint, hint) {
	if !slow.cold || idle.text == "" || slow.function != idle.function {
		return slow, idle
	}
	late, dear := false, false
	for i := range r.SLO {
		if v := &r.SLO[i]; stateOf(v) == missed {
			dear = dear || kindOf(v.Metric) == quantity.USD
			late = late || kindOf(v.Metric) == quantity.Seconds || v.Metric == "cold_start_fraction"
		}
	}
	switch {
	case late && !dear:
		return slow, hint{}
	case dear && !late:
		return hint{}, idle
	}
	idle.text = fmt.Sprintf("%s pays for idle containers and still meets cold starts: sweep its "+
		"scaledown_window and min_containers to see what each second of latency costs.", slow.function)
	idle.weight = slow.weight - 1e-9
	return slow, idle
}

// hints are sentences on what to try next, the weightiest first: only when something is clearly off,
// and each kind of advice only for the function that needs it most.
func hints(r *experiment.Result) []string {
	var best [4]hint // refused, too small, slow, idle
	for _, name := range functionNames(r) {
		m := r.Functions[name]
		d := detailOf(r, name)
		small := growthHint(name, &d)
		if small.text == "" {
			small = capHint(name, &d)
		}
		slow := tailHint(r, name, &d)
		if small.text != "" {
			slow = hint{} // its tail is the queue's, and has been explained
		}
		for kind, h := range []hint{refusedHint(name, &m), small, slow, idleHint(r, name, &m, &d)} {
			if h.weight > best[kind].weight {
				best[kind] = h
			}
		}
	}
	best[2], best[3] = balance(r, best[2], best[3])
	all := best[:]
	sort.SliceStable(all, func(i, j int) bool { return all[i].weight > all[j].weight })
	var out []string
	for _, h := range all {
		if h.text != "" {
			out = append(out, h.text)
		}
	}
	if len(out) == 0 && overall(r.SLO) == kept {
		out = append(out, "Nothing is clearly off. `simcap plan` looks for cheaper settings that keep the SLO.")
	}
	return out
}

// refusedHint speaks up when more than 0.1 % of inputs are rejected.
func refusedHint(name string, m *experiment.Measures) hint {
	refused := valueOf(m.RejectedFraction)
	if refused < 0.001 {
		return hint{}
	}
	x := m.Inputs.Rejected
	cause, advice := "pending_limit", "let more containers start sooner (max_containers, "+
		"buffer_containers), or submit with spawn, whose limit is far higher"
	most := valueOf(x.PendingLimit)
	if v := valueOf(x.RateLimit); v > most {
		cause, most = "rate_limit", v
		advice = "spread the submissions, send several items per input, or ask for a higher rate"
	}
	if v := valueOf(x.TotalLimit); v > most {
		cause = "total_limit"
		advice = "fewer inputs must be in the system at one time: shorten their service, or submit with spawn"
	}
	return hint{weight: 4 + refused, function: name, text: fmt.Sprintf("%s refuses %s of its "+
		"inputs, most by the %s: %s.", name,
		quantity.Format(quantity.Fraction, refused), cause, advice)}
}

// growthHint speaks up when the queue keeps growing to the end of the window.
func growthHint(name string, d *experiment.FunctionDetail) hint {
	q := d.Series.Queue
	n := len(q)
	if n < 16 {
		return hint{}
	}
	early, middle, late := mean(q[n/4:n/2]), mean(q[n/2:n*3/4]), mean(q[n*3/4:])
	if late < 20 || late < 1.3*middle || middle < 1.3*early {
		return hint{}
	}
	advice := "more capacity per container (concurrent, batched) or a faster GPU"
	if d.Settings.MaxContainers > 0 && peak(d.Series.LiveMax) >= float64(d.Settings.MaxContainers) {
		advice = fmt.Sprintf("a higher max_containers (now %d), or ", d.Settings.MaxContainers) + advice
	}
	return hint{weight: 5 + late/(late+1000), function: name,
		text: fmt.Sprintf("The queue of %s grows to the end (%s inputs in "+
			"the second quarter, %s in the last): more arrives than is served. It needs %s.", name,
			quantity.Format(quantity.Count, math.Round(early)),
			quantity.Format(quantity.Count, math.Round(late)), advice)}
}

// capHint speaks up when max_containers holds while inputs wait, in more than 1 % of the time.
func capHint(name string, d *experiment.FunctionDetail) hint {
	cap := float64(d.Settings.MaxContainers)
	if cap <= 0 {
		return hint{}
	}
	s := &d.Series
	n, full := min(len(s.LiveMax), len(s.Queue)), 0
	for i := range n {
		if s.LiveMax[i] >= cap && s.Queue[i] >= 1 {
			full++
		}
	}
	at := share(float64(full), float64(n))
	if at < 0.01 {
		return hint{}
	}
	return hint{weight: 3 + at, function: name, text: fmt.Sprintf("%s is at its max_containers of "+
		"%d with inputs waiting in %s "+
		"of the time: try a higher one, or more work per container (batched, concurrent).", name,
		d.Settings.MaxContainers, percent(at))}
}

// tailHint speaks up when one thing other than service takes half of the slowest inputs' time.
func tailHint(r *experiment.Result, name string, d *experiment.FunctionDetail) hint {
	tail, whose := tailOf(r, name)
	parts := tail.order(0.5)
	if len(parts) == 0 || parts[0] == partService {
		return hint{}
	}
	set := &d.Settings
	share := percent(tail.share(parts[0]))
	switch parts[0] {
	case partCold:
		advice := fmt.Sprintf("min_containers=%d or buffer_containers=%d, a longer "+
			"scaledown_window (now %s), or memory snapshots", set.MinContainers+1, set.BufferContainers+1,
			quantity.Span(set.ScaledownWindowS))
		if r.Detail == nil {
			advice = "min_containers, buffer_containers, a longer scaledown_window, or memory snapshots"
		}
		return hint{weight: 2 + tail.share(partCold), function: name, cold: true,
			text: fmt.Sprintf("Cold starts are %s of the latency of %s "+
				"of %s: try %s.", share, whose, name, advice)}
	case partQueue:
		return hint{weight: 2 + tail.share(partQueue)/2, function: name,
			text: fmt.Sprintf("Queueing is %s of the latency of %s "+
				"of %s: try %s.", share, whose, name, queueAdvice(set))}
	case partBatchWait:
		return hint{weight: 1.5, function: name, text: fmt.Sprintf("Waiting for batches to fill is "+
			"%s of the latency of %s of "+
			"%s: try a shorter wait_ms (now %s).", share, whose, name,
			quantity.Format(quantity.Seconds, set.BatchWaitS))}
	case partInterference:
		if h := preemptedHint(r, name, set); h.text != "" {
			return h
		}
		return hint{weight: 1.5, function: name, text: fmt.Sprintf("Sharing the container is %s of "+
			"the latency of %s of %s: try "+
			"fewer inputs per container (max_inputs is %d).", share, whose, name, set.MaxInputs)}
	}
	return hint{}
}

// queueAdvice is what shortens a queue under the given settings.
func queueAdvice(set *experiment.PoolSettings) string {
	advice := fmt.Sprintf("buffer_containers=%d", set.BufferContainers+1)
	if set.MaxContainers > 0 {
		advice += fmt.Sprintf(", a higher max_containers (now %d)", set.MaxContainers)
	}
	return advice + ", or more inputs per container (concurrent, batched)"
}

// idleHint speaks up when more than half of a function's cost is idle.
func idleHint(r *experiment.Result, name string, m *experiment.Measures, d *experiment.FunctionDetail) hint {
	if m.CostUSD == nil || valueOf(m.CostUSD.Total) == 0 {
		return hint{}
	}
	_, idle, _ := shares(m.CostUSD)
	if idle <= 0.5 {
		return hint{}
	}
	set := &d.Settings
	advice := "a shorter scaledown_window or fewer min_containers"
	switch {
	case r.Detail == nil:
	case set.MinContainers > 0 && set.BufferContainers > 0:
		advice = fmt.Sprintf("fewer min_containers (now %d) or buffer_containers (now %d)", set.MinContainers,
			set.BufferContainers)
	case set.MinContainers > 0:
		advice = fmt.Sprintf("fewer min_containers (now %d), or a smaller GPU", set.MinContainers)
	case set.BufferContainers > 0:
		advice = fmt.Sprintf("fewer buffer_containers (now %d) or a shorter scaledown_window (now %s)",
			set.BufferContainers, quantity.Span(set.ScaledownWindowS))
	case set.ScaledownWindowS > 0:
		advice = fmt.Sprintf("a shorter scaledown_window (now %s), or more inputs per container",
			quantity.Span(set.ScaledownWindowS))
	}
	bill, per := billOf(r, m.CostUSD)
	wasted := valueOf(bill) * idle
	part := share(valueOf(m.CostUSD.Total), valueOf(totalCost(r)))
	return hint{weight: 1 + part, function: name, text: fmt.Sprintf("%s of what %s costs is idle "+
		"time (%s %s): try %s.",
		percent(idle), name, quantity.Format(quantity.USD, wasted), per, advice)}
}

func totalCost(r *experiment.Result) experiment.Estimate {
	if r.Total.CostUSD == nil {
		return experiment.Estimate{}
	}
	return r.Total.CostUSD.Total
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return share(sum, float64(len(values)))
}

func peak(values []float64) float64 {
	most := 0.0
	for _, v := range values {
		most = math.Max(most, v)
	}
	return most
}
