package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/report/chart"
	"github.com/simcap/simcap/report/quantity"
)

// timeLink ties the time axes of a run's pictures together.
const timeLink = "time"

// mostBins is how many values a series of a picture has at most.
const mostBins = 1440

// timeline are the series of one function, or of all of them, as pictures need them.
type timeline struct {
	experiment.Series
	bins   int
	joined int     // bins of the result that one of the picture stands for
	end    float64 // of the axis, in seconds of the run
}

func newTimeline(r *experiment.Result, s experiment.Series) *timeline {
	end := endOf(r, &s)
	n := max(len(s.Busy), len(s.ArrivalsPerS))
	if s.BinS > 0 {
		n = min(n, int(math.Ceil((end-s.StartS)/s.BinS-1e-9)))
	}
	joined := 1
	for (n+joined-1)/joined > mostBins {
		joined++
	}
	return &timeline{Series: s, bins: n, joined: joined, end: end}
}

// empty says that there is nothing to draw.
func (t *timeline) empty() bool { return t.bins == 0 || !(t.BinS > 0) }

// series is one of the timeline's series, joined to at most mostBins.
func (t *timeline) series(name string, role chart.Role, mark chart.Mark, values []float64,
	peaks bool) chart.Series {
	values = values[:min(len(values), t.bins)]
	y, _ := chart.Bins(values, (len(values)+t.joined-1)/t.joined, peaks)
	return chart.Series{Name: name, Role: role, Mark: mark, Start: t.StartS,
		Width: t.BinS * float64(t.joined), Y: y}
}

// fewestOfLine is how many inputs a bin has whose median is worth a line to that of the next bin.
const fewestOfLine = 30

// usualArrivals is the median number of arrivals in the bins of the picture that have some.
func (t *timeline) usualArrivals() float64 {
	var counts []float64
	for i := 0; i < len(t.ArrivalsPerS); i += t.joined {
		n := 0.0
		for _, rate := range t.ArrivalsPerS[i:min(i+t.joined, len(t.ArrivalsPerS))] {
			n += rate * t.BinS
		}
		if n > 0.5 {
			counts = append(counts, n)
		}
	}
	if len(counts) == 0 {
		return 0
	}
	slices.Sort(counts)
	return counts[len(counts)/2]
}

// gaps turns null into NaN.
func gaps(values []*float64) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = math.NaN()
		if v != nil {
			out[i] = *v
		}
	}
	return out
}

// about says what a timeline's values are: of which replication, in which bins.
func (t *timeline) about() string {
	return "replication 1, bins of " + quantity.Format(quantity.Seconds, t.BinS*float64(t.joined))
}

// timeAxis is the common axis of time.
func (t *timeline) timeAxis() chart.Axis {
	return chart.Axis{Label: "simulated time", Kind: quantity.Seconds, Scale: chart.Time,
		Min: chart.At(t.StartS),
		Max: chart.At(t.end)}
}

// identifier makes a name fit for elements and files: small letters, digits and '-'.
func identifier(parts ...string) string {
	var b strings.Builder
	for _, part := range parts {
		if b.Len() > 0 && part != "" {
			b.WriteByte('-')
		}
		for _, r := range strings.ToLower(part) {
			if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
				b.WriteRune(r)
			} else if !strings.HasSuffix(b.String(), "-") {
				b.WriteByte('-')
			}
		}
	}
	return strings.Trim(b.String(), "-")
}

// limits are the objectives on quantiles of a group ("latency") that hold for a function ("" for the
// total only).
func limits(r *experiment.Result, group, function string) []experiment.Verdict {
	var out []experiment.Verdict
	for i := range r.SLO {
		v := r.SLO[i]
		if !strings.HasPrefix(v.Metric, group+".") || v.Max == nil {
			continue
		}
		own := v.Function == function && v.Workload == ""
		all := v.Function == "" && v.Workload == "" && len(r.Functions) == 1
		if own || all {
			out = append(out, v)
		}
	}
	return out
}

// limitRule is an objective as a line across a picture.
func limitRule(v *experiment.Verdict, vertical bool) chart.Rule {
	name := strings.TrimPrefix(labelOf(v.Metric), "")
	name = strings.TrimSuffix(strings.TrimSuffix(name, " latency"), " makespan")
	return chart.Rule{At: *v.Max, Vertical: vertical, Role: chart.SLO,
		Label: fmt.Sprintf("SLO %s ≤ %s", name, quantity.Chosen(kindOf(v.Metric), *v.Max))}
}

// latencyOverTime draws p50, p90 and p99 of what completed in each bin.
func latencyOverTime(r *experiment.Result, function string, t *timeline) (chart.Chart, bool) {
	p50, p90, p99 := gaps(t.LatencyP50S), gaps(t.LatencyP90S), gaps(t.LatencyP99S)
	if t.empty() || len(p99) == 0 {
		return chart.Chart{}, false
	}
	low := t.series("p50", chart.Latency, chart.Line, p50, true)
	if t.usualArrivals() < fewestOfLine { // a line would jump from chance to chance
		low.Mark = chart.Dots
	}
	middle := t.series("p50–p90", chart.Latency, chart.Band, p90, true)
	middle.Low = low.Y
	high := t.series("p90–p99", chart.Latency, chart.Band, p99, true)
	high.Low, high.Faint = middle.Y, true
	xy := &chart.XY{X: t.timeAxis(), Y: chart.Axis{Label: "latency", Kind: quantity.Seconds}, Link: timeLink,
		Series: []chart.Series{high, middle, low}}
	caption := "Bands that widen mean that a few inputs wait much longer than most."
	tail := false
	slo := limits(r, "latency", function)
	for i := range slo {
		xy.Rules = append(xy.Rules, limitRule(&slo[i], false))
		tail = tail || slo[i].Metric == "latency.p99"
	}
	if tail {
		caption = "Where the upper band crosses the dashed line, the slowest inputs of that moment " +
			"miss the SLO."
	}
	xy.Regions = warmup(r)
	return chart.Chart{ID: identifier("latency-over-time", function), Wide: true,
		Title:    latencyFinding(slo, p99, t),
		Subtitle: "Latency of inputs by instant of completion; " + t.about(), Caption: caption, XY: xy}, true
}

// warmup shades what statistics leave out.
func warmup(r *experiment.Result) []chart.Region {
	if r.Detail == nil || !(r.Detail.WindowS[0] > 0) {
		return nil
	}
	return []chart.Region{{XTo: chart.At(r.Detail.WindowS[0]), Role: chart.Muted, Label: "warm-up"}}
}

// latencyFinding says for how long p99 is above its limit, or when it is highest.
func latencyFinding(slo []experiment.Verdict, p99 []float64, t *timeline) string {
	for i := range slo {
		if slo[i].Metric != "latency.p99" {
			continue
		}
		above := 0.0
		for _, v := range p99 {
			if v > *slo[i].Max {
				above += t.BinS
			}
		}
		limit := quantity.Format(quantity.Seconds, *slo[i].Max)
		if above == 0 {
			return "p99 latency stays below the SLO of " + limit + " all the time"
		}
		return fmt.Sprintf("p99 latency is above the SLO of %s for %s of the %s", limit, duration(above),
			duration(t.end-t.StartS))
	}
	at, most := 0, math.Inf(-1)
	for i, v := range p99 {
		if v > most {
			at, most = i, v
		}
	}
	if math.IsInf(most, -1) {
		return "No input completed"
	}
	return fmt.Sprintf("p99 latency peaks at %s, at %s", quantity.Format(quantity.Seconds, most),
		chart.Clock(t.StartS+float64(at)*t.BinS, t.end))
}

// duration writes a span in words that fit a sentence: "2 h 40 min", "35 s".
func duration(seconds float64) string {
	switch {
	case seconds >= 2*86400:
		return quantity.Format(quantity.Seconds, seconds)
	case seconds >= 3600:
		h := math.Floor(seconds / 3600)
		m := math.Round((seconds - h*3600) / 60)
		if m == 60 {
			h, m = h+1, 0
		}
		if m == 0 {
			return fmt.Sprintf("%.0f h", h)
		}
		return fmt.Sprintf("%.0f h %.0f min", h, m)
	case seconds >= 120:
		return fmt.Sprintf("%.0f min", seconds/60)
	}
	return quantity.Format(quantity.Seconds, seconds)
}

// arrivalsOverTime draws what comes in and what is refused.
func arrivalsOverTime(r *experiment.Result, function string, t *timeline) (chart.Chart, bool) {
	if t.empty() || len(t.ArrivalsPerS) == 0 {
		return chart.Chart{}, false
	}
	area := t.series("arrivals", chart.Arrivals, chart.Area, t.ArrivalsPerS, false)
	xy := &chart.XY{X: t.timeAxis(), Y: chart.Axis{Label: "inputs", Kind: quantity.PerS}, Link: timeLink,
		Series: []chart.Series{area}, Regions: warmup(r)}
	caption := "What the containers have to keep up with."
	if mean(t.RejectedPerS) > 0.0005*mean(t.ArrivalsPerS) {
		xy.Series = append(xy.Series, t.series("rejected", chart.Rejected, chart.Step, t.RejectedPerS, false))
		caption = "Where the line leaves zero, the platform refuses inputs."
	}
	return chart.Chart{ID: identifier("arrivals", function), Height: 140,
		Title: fmt.Sprintf("%s arrive at the peak, %s on average",
			quantity.Format(quantity.PerS, peak(t.ArrivalsPerS)),
			quantity.Format(quantity.PerS, mean(t.ArrivalsPerS))),
		Subtitle: "Inputs per second; " + t.about(), Caption: caption, XY: xy}, true
}

// queueOverTime draws how many inputs wait, on average and at the most.
func queueOverTime(r *experiment.Result, function string, t *timeline) (chart.Chart, bool) {
	if t.empty() || len(t.Queue) == 0 {
		return chart.Chart{}, false
	}
	most := t.series("longest queue", chart.Queue, chart.Band, t.QueueMax, true)
	level := t.series("average queue", chart.Queue, chart.Step, t.Queue, false)
	most.Low = level.Y
	if len(most.Low) != len(most.Y) {
		most.Low = make(chart.Values, len(most.Y))
	}
	xy := &chart.XY{X: t.timeAxis(), Y: chart.Axis{Label: "inputs waiting", Kind: quantity.Count},
		Link:   timeLink,
		Series: []chart.Series{most, level}, Regions: warmup(r)}
	title := fmt.Sprintf("Up to %s wait for a container", quantity.Plural(peak(t.QueueMax), "input"))
	if peak(t.QueueMax) == 0 {
		title = "No input waits for a container"
	}
	return chart.Chart{ID: identifier("queue", function), Height: 140, Title: title,
		Subtitle: "Inputs in the queue; " + t.about(),
		Caption:  "A queue that does not come back to zero means that more arrives than is served.",
		XY:       xy}, true
}

// containersOverTime stacks containers by state.
func containersOverTime(r *experiment.Result, function string, t *timeline) (chart.Chart, bool) {
	if t.empty() || len(t.Busy) == 0 {
		return chart.Chart{}, false
	}
	xy := &chart.XY{X: t.timeAxis(), Y: chart.Axis{Label: "containers", Kind: quantity.Count}, Link: timeLink,
		Regions: warmup(r), Series: []chart.Series{t.series("busy", chart.Busy, chart.Area, t.Busy, false),
			t.series("idle", chart.Idle, chart.Area, t.Idle, false),
			t.series("starting", chart.Starting, chart.Area, t.Starting, false)}}
	if peak(t.Draining) > 0 {
		xy.Series = append(xy.Series, t.series("draining", chart.Draining, chart.Area, t.Draining, false))
	}
	if set := detailOf(r, function).Settings; function != "" && set.MaxContainers > 0 {
		xy.Rules = append(xy.Rules, chart.Rule{At: float64(set.MaxContainers), Role: chart.Muted,
			Label: fmt.Sprintf("max_containers %d", set.MaxContainers)})
	}
	busy, idle, starting := mean(t.Busy), mean(t.Idle), mean(t.Starting)
	pool := r.Total.Containers
	if function != "" {
		pool = r.Functions[function].Containers
	}
	if pool != nil && has(pool.BusyMean) && has(pool.IdleMean) && has(pool.StartingMean) {
		busy, idle, starting = *pool.BusyMean.Value, *pool.IdleMean.Value, *pool.StartingMean.Value
	}
	title := fmt.Sprintf("%s containers on average: %s busy, %s idle, %s starting",
		quantity.Format(quantity.Count, round3(busy+idle+starting)), percent(share(busy, busy+idle+starting)),
		percent(share(idle, busy+idle+starting)), percent(share(starting, busy+idle+starting)))
	if busy+idle+starting == 0 {
		title = "No container ran"
	}
	return chart.Chart{ID: identifier("containers", function), Title: title,
		Subtitle: "Containers by state; " + t.about(),
		Caption:  "The pale part is paid for and does nothing; the amber part is cold starts.", XY: xy}, true
}

// round3 keeps three significant digits.
func round3(v float64) float64 {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return v
	}
	power := math.Pow(10, 2-math.Floor(math.Log10(math.Abs(v))))
	return math.Round(v*power) / power
}

// costOverTime draws the rate at which money is spent.
func costOverTime(r *experiment.Result, function string, t *timeline) (chart.Chart, bool) {
	if t.empty() || peak(t.CostPerHour) == 0 {
		return chart.Chart{}, false
	}
	xy := &chart.XY{X: t.timeAxis(), Y: chart.Axis{Label: "per hour", Kind: quantity.USD}, Link: timeLink,
		Series:  []chart.Series{t.series("cost", chart.Cost, chart.Area, t.CostPerHour, false)},
		Regions: warmup(r)}
	return chart.Chart{ID: identifier("cost-over-time", function), Height: 140,
		Title: fmt.Sprintf("%s an hour on average, %s at the peak",
			quantity.Format(quantity.USD, mean(t.CostPerHour)),
			quantity.Format(quantity.USD, peak(t.CostPerHour))),
		Subtitle: "Cost per hour; " + t.about(),
		Caption:  "Cost follows the containers that run, not the inputs that arrive.", XY: xy}, true
}
