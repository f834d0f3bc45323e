// Package steady decides when measurements have settled: pure rules over windows of requests, those of
// perf_analyzer and of MLPerf's LoadGen, with a test for drift and a gate for the GPU.
package steady

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mathext"
)

// Rule says when windows agree. Times in seconds.
type Rule struct {
	Windows     int     // that must agree, one after the other
	Ratio       float64 // largest over smallest of throughput, median and p95
	Most        int     // windows before a point is given up as unstable
	MinRequests int     // of a window
	MinLength   float64 // of a window
	Medians     float64 // a window lasts at least so many medians of latency
	Drift       float64 // relative rise or fall of latency over the windows that agree
	MaxErrors   float64 // share of requests that may fail
	Rejections  int     // windows in a row that the gate may refuse
}

// Default is the rule that profiles are made with.
func Default() Rule {
	return Rule{Windows: 3, Ratio: 1.10, Most: 10, MinRequests: 50, MinLength: 1, Medians: 20, Drift: 0.05,
		MaxErrors: 0.01, Rejections: 5}
}

// Window is a stretch of one load.
type Window struct {
	Start, Length float64
	Latencies     []float64 // of requests that succeeded, in the order in which they ended
	Failed        int
	Rejected      string // why the gate refused it; "": it counts
}

// Throughput is requests per second.
func (w *Window) Throughput() float64 {
	if w.Length <= 0 {
		return 0
	}
	return float64(len(w.Latencies)) / w.Length
}

// Full says whether a window that has lasted so long, with so many requests of such a median, is long
// enough.
func (r *Rule) Full(length float64, requests int, median float64) bool {
	return requests >= r.MinRequests && length >= math.Max(r.MinLength, r.Medians*median)
}

// State is how a point stands.
type State string

// The states of a point.
const (
	More     State = "more"     // measure another window
	Stable   State = "stable"   // the last windows count
	Unstable State = "unstable" // they do not agree, and it was tried often enough
	Drifting State = "drifting" // they agree, but latency rises or falls through them
	Broken   State = "broken"   // too many requests failed, or the GPU was never undisturbed
)

// Verdict is a state and why.
type Verdict struct {
	State State
	Why   string
}

// Judge looks at the windows of a point so far. Windows that the gate refused are passed over.
func (r *Rule) Judge(all []Window) Verdict {
	var good []*Window
	refused := 0
	for i := range all {
		w := &all[i]
		if w.Rejected != "" {
			if refused++; refused >= r.Rejections {
				return Verdict{Broken, fmt.Sprintf("%d windows in a row were disturbed: %s",
					refused, w.Rejected)}
			}
			continue
		}
		refused = 0
		good = append(good, w)
		if total := w.Failed + len(w.Latencies); total > 0 && float64(w.Failed) > r.MaxErrors*float64(total) {
			return Verdict{Broken, fmt.Sprintf("%d of %d requests failed", w.Failed, total)}
		}
	}
	why := ""
	if len(good) >= r.Windows {
		last := good[len(good)-r.Windows:]
		if why = r.disagree(last); why == "" {
			if d := r.drift(last); math.Abs(d) <= r.Drift {
				return Verdict{State: Stable}
			} else if len(good) >= r.Most {
				return Verdict{Drifting, fmt.Sprintf("latency changes by %+.1f %% over the last "+
					"windows", 100*d)}
			}
		}
	}
	if len(good) >= r.Most {
		return Verdict{Unstable, why}
	}
	return Verdict{State: More}
}

// The p95 of a window is compared where the window has so many requests.
const (
	tailName     = "p95 latency"
	leastForTail = 40
)

// disagree says in what the windows differ; "" where they agree.
func (r *Rule) disagree(windows []*Window) string {
	for _, m := range []struct {
		name string
		of   func(*Window) float64
	}{
		{"throughput", (*Window).Throughput},
		{"median latency", func(w *Window) float64 { return Quantile(w.Latencies, 0.5) }},
		{tailName, func(w *Window) float64 { return Quantile(w.Latencies, 0.95) }},
	} {
		low, high := math.Inf(1), 0.0
		for _, w := range windows {
			if m.name == tailName && len(w.Latencies) < leastForTail {
				low, high = 1, 1 // it would be the largest but one of a few
				break
			}
			v := m.of(w)
			low, high = math.Min(low, v), math.Max(high, v)
		}
		if !(low > 0) {
			return "a window without requests"
		}
		if high/low > r.Ratio {
			return fmt.Sprintf("%s differs by a factor of %.2f between windows", m.name, high/low)
		}
	}
	return ""
}

// drift is the relative change of latency from the first to the last request of the windows, by the
// slope of Theil and Sen.
func (r *Rule) drift(windows []*Window) float64 {
	var all []float64
	for _, w := range windows {
		all = append(all, w.Latencies...)
	}
	if len(all) < 10 {
		return 0
	}
	return Slope(thin(all, 300)) * float64(min(len(all), 300)-1) / Quantile(all, 0.5)
}

// thin keeps at most n values, evenly.
func thin(values []float64, n int) []float64 {
	if len(values) <= n {
		return values
	}
	out := make([]float64, n)
	for i := range out {
		out[i] = values[i*len(values)/n]
	}
	return out
}

// Slope is the median of the slopes of all pairs (Theil, Sen): the change per step of a series.
func Slope(y []float64) float64 {
	var slopes []float64
	for i := range y {
		for j := i + 1; j < len(y); j++ {
			slopes = append(slopes, (y[j]-y[i])/float64(j-i))
		}
	}
	if len(slopes) == 0 {
		return 0
	}
	slices.Sort(slopes)
	return slopes[len(slopes)/2]
}

// Quantile is the nearest rank of unsorted values; 0 for none.
func Quantile(values []float64, p float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[max(0, int(math.Ceil(p*float64(len(sorted))))-1)]
}

// MinQueries is how many requests tell, with the confidence, that the percentile p is below what was
// seen when at most t of them may lie above it: the early stopping of MLPerf's LoadGen. It is the
// least n = h + t + 1 with I_p(h, t+1) ≤ 1 - confidence, I the regularised incomplete beta function.
// With t = 1 and 0.99: 130 for p95, 662 for p99.
func MinQueries(p float64, t int, confidence float64) int {
	for h := 1; h < 1_000_000; h++ {
		if mathext.RegIncBeta(float64(h), float64(t+1), p) <= 1-confidence {
			return h + t
		}
	}
	return math.MaxInt
}

// Saturated says whether a server falls behind: over the run both latency and the number of requests
// in flight rise, by more than chance would (the sign of the slope of Theil and Sen in both halves,
// and a rise by half over the run).
func Saturated(latencies, inFlight []float64) bool {
	rises := func(v []float64) bool {
		v = thin(v, 200)
		if len(v) < 20 {
			return false
		}
		half := len(v) / 2
		first, last := Quantile(v[:len(v)/4], 0.5), Quantile(v[len(v)-len(v)/4:], 0.5)
		return Slope(v[:half]) > 0 && Slope(v[half:]) > 0 && last > 1.5*first
	}
	return rises(latencies) && rises(inFlight)
}
