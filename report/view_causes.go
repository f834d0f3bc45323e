package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/report/chart"
	"github.com/simcap/simcap/report/quantity"
)

// quantileCurve is a distribution as a line: latencies along x, quantiles along y.
func quantileCurve(name string, role chart.Role, d *experiment.Distribution) chart.Series {
	s := chart.Series{Name: name, Role: role, Mark: chart.Line}
	n := min(len(d.Q), len(d.AtS))
	for i := range n {
		q := d.Q[i]
		if q >= 1 && i > 0 { // the last value stands at the quantile that its rank has
			q = 1 - (1-d.Q[i-1])/2
		}
		s.X, s.Y = append(s.X, d.AtS[i]), append(s.Y, q)
		if d.AtS[i] >= d.AtS[max(0, n-2)] && d.AtS[i] > d.AtS[0] {
			break // what lies beyond is the maximum again: there are no more inputs
		}
	}
	return s
}

// tailTop is the highest quantile that curves reach.
func tailTop(curves []chart.Series) float64 {
	top := 0.9
	for i := range curves {
		for _, q := range curves[i].Y {
			top = math.Max(top, q)
		}
	}
	return top
}

// latencyCurve draws the distributions of all functions on stretched axes.
func latencyCurve(r *experiment.Result) (chart.Chart, bool) {
	var curves []chart.Series
	xy := &chart.XY{X: chart.Axis{Label: "latency (log scale)", Kind: quantity.Seconds, Scale: chart.Log}}
	for i, name := range functionNames(r) {
		d := detailOf(r, name).Latency
		if len(d.Q) > 0 {
			curves = append(curves, quantileCurve(name, chart.Category(i), &d))
		}
		slo := limits(r, "latency", name)
		for k := range slo {
			xy.Rules = append(xy.Rules, limitRule(&slo[k], true))
		}
	}
	if len(curves) == 0 {
		return chart.Chart{}, false
	}
	xy.Series = curves
	xy.Y = chart.Axis{Label: "share of inputs", Scale: chart.Tail, Min: chart.At(0),
		Max: chart.At(tailTop(curves))}
	return chart.Chart{ID: "latency-cdf", Title: curveFinding(r), Subtitle: "Distribution of latency, all " +
		"replications; the axis of shares is stretched towards the tail",
		Caption: "Each further gridline is ten times rarer. A flat stretch means two kinds of " +
			"inputs, for example " +
			"those that meet a cold start and those that do not.", XY: xy}, true
}

// curveFinding compares the middle and the tail.
func curveFinding(r *experiment.Result) string {
	name := focus(r)
	m := r.Functions[name]
	if !has(m.LatencyS.P50) || !has(m.LatencyS.P99) {
		return "Latency"
	}
	of := ""
	if len(r.Functions) > 1 {
		of = " of " + name
	}
	return fmt.Sprintf("Half of the inputs%s take up to %s, one in a hundred more than %s", of,
		text(quantity.Seconds, m.LatencyS.P50), text(quantity.Seconds, m.LatencyS.P99))
}

// whyBars draws what inputs spend their time on, by percentile band: all bands of a lone function, the
// lower half and the slowest of several.
func whyBars(r *experiment.Result) (chart.Chart, bool) {
	names := functionNames(r)
	bars := &chart.Bars{Axis: chart.Axis{Kind: quantity.Seconds}, Share: true}
	used := [len(partKeys)]bool{}
	var rows []split
	add := func(label string, s split) {
		if s.total() <= 0 {
			return
		}
		rows = append(rows, s)
		bars.Rows = append(bars.Rows, chart.Bar{Label: label,
			Note: quantity.Format(quantity.Seconds, s.total())})
		for p, v := range s.Parts {
			used[p] = used[p] || v > 0
		}
	}
	for _, name := range names {
		bands := detailOf(r, name).Bands
		if len(names) > 1 {
			add(quantity.Cut(name, 24)+" · "+bandName(0, 0.5), join(bands, 0, 0.5))
			add(bandName(0.99, 1), join(bands, 0.99, 1))
			continue
		}
		for i := range bands {
			add(bandName(bands[i].From, bands[i].To), join(bands[i:i+1], 0, 1))
		}
	}
	if len(rows) == 0 {
		return chart.Chart{}, false
	}
	for p, key := range partKeys {
		if used[p] {
			bars.Parts = append(bars.Parts, chart.Part{Name: partNames[p], Role: chart.Role(key)})
			for i := range rows {
				bars.Rows[i].Values = append(bars.Rows[i].Values, rows[i].Parts[p])
			}
		}
	}
	return chart.Chart{ID: "why", Title: unstopped(tailSentence(r)),
		Subtitle: "What inputs spend their time on, by how " +
			"slow they are; the mean latency of each group is at its bar's end",
		Caption: "Compare the bars: what grows from top to bottom is what makes slow inputs slow.",
		Bars:    bars}, true
}

// unstopped is a sentence as a title.
func unstopped(s string) string {
	if n := len(s); n > 0 && s[n-1] == '.' {
		return s[:n-1]
	}
	return s
}

// costBars draws what a month costs, by function and by what containers do.
func costBars(r *experiment.Result) (chart.Chart, bool) {
	c := r.Total.CostUSD
	if c == nil || valueOf(c.Total) == 0 {
		return chart.Chart{}, false
	}
	bars := &chart.Bars{Axis: chart.Axis{Kind: quantity.USD}, Parts: []chart.Part{
		{Name: "busy", Role: chart.Busy}, {Name: "idle", Role: chart.Idle},
		{Name: "cold start", Role: chart.Starting}}}
	for _, name := range functionNames(r) {
		m := r.Functions[name]
		if m.CostUSD == nil || valueOf(m.CostUSD.Total) == 0 {
			continue
		}
		bill, _ := billOf(r, m.CostUSD)
		busy, idle, cold := shares(m.CostUSD)
		v := valueOf(bill)
		bars.Rows = append(bars.Rows, chart.Bar{Label: name,
			Values: chart.Values{v * busy, v * idle, v * cold},
			Note:   text(quantity.USD, bill)})
	}
	bill, per := billOf(r, c)
	subtitle := "Cost per month (730 h) at the rate of the measured window, by function"
	if r.HorizonS == nil {
		subtitle = "Cost of the run, by function"
	}
	return chart.Chart{ID: "cost", Title: fmt.Sprintf("%s %s: %s", text(quantity.USD, bill), per,
		unstopped(costSentence(r))), Subtitle: subtitle,
		Caption: "Idle and cold-start money buys no work: it is the price of answering soon.",
		Bars:    bars}, true
}

// coldBars draws the stages of cold starts.
func coldBars(r *experiment.Result) (chart.Chart, bool) {
	bars := &chart.Bars{Axis: chart.Axis{Kind: quantity.Seconds}}
	place := map[string]int{}
	longest, worst, stage := 0.0, "", ""
	for _, name := range functionNames(r) {
		stages := detailOf(r, name).ColdStages
		for _, s := range stages {
			if _, ok := place[s.Name]; !ok {
				place[s.Name] = len(bars.Parts)
				bars.Parts = append(bars.Parts, chart.Part{Name: s.Name,
					Role: chart.Category(len(bars.Parts))})
			}
			if s.MeanS > longest {
				longest, worst, stage = s.MeanS, name, s.Name
			}
		}
	}
	for _, name := range functionNames(r) {
		stages := detailOf(r, name).ColdStages
		if len(stages) == 0 {
			continue
		}
		row := chart.Bar{Label: name, Values: make(chart.Values, len(bars.Parts))}
		count, all := int64(0), 0.0
		for _, s := range stages {
			row.Values[place[s.Name]] = s.MeanS
			count, all = max(count, s.Count), all+s.MeanS
		}
		row.Note = fmt.Sprintf("%s × %s", quantity.Format(quantity.Seconds, all),
			quantity.Plural(float64(count), "start"))
		bars.Rows = append(bars.Rows, row)
	}
	if longest == 0 {
		return chart.Chart{}, false
	}
	title := fmt.Sprintf("The stage %s is the longest of a cold start: %s", stage,
		quantity.Format(quantity.Seconds, longest))
	if len(bars.Rows) > 1 {
		title += " in " + worst
	}
	return chart.Chart{ID: "cold-starts", Title: title,
		Subtitle: "Mean time of each stage of a container's start, all replications",
		Caption:  "The longest part is where a faster start is to be won.", Bars: bars}, true
}

// batchColumns draws how large batches are.
func batchColumns(r *experiment.Result, function string) (chart.Chart, bool) {
	d := detailOf(r, function)
	sum, inputs := 0.0, 0.0
	s := chart.Series{Name: "batches", Role: chart.Service, Mark: chart.Column}
	for i, n := range d.BatchSizes {
		sum, inputs = sum+float64(n), inputs+float64(n)*float64(i+1)
		s.X, s.Y = append(s.X, float64(i+1)), append(s.Y, float64(n))
	}
	if sum == 0 || d.Settings.MaxBatchSize <= 1 {
		return chart.Chart{}, false
	}
	top := float64(max(d.Settings.MaxBatchSize, len(d.BatchSizes)))
	full := share(float64(d.BatchSizes[len(d.BatchSizes)-1]), sum)
	if len(d.BatchSizes) < d.Settings.MaxBatchSize {
		full = 0
	}
	return chart.Chart{ID: identifier("batches", function),
		Title: fmt.Sprintf("A batch holds %s inputs on average; %s "+
			"of the batches are full", quantity.Format(quantity.Count, round3(inputs/sum)), percent(full)),
		Subtitle: "Batches by their size, " + function + ", all replications",
		Caption: "Columns on the left are batches that left early, because wait_ms was over or " +
			"inputs were few.",
		XY: &chart.XY{X: chart.Axis{Label: "inputs in the batch", Kind: quantity.Count, Min: chart.At(0.4),
			Max: chart.At(top + 0.6)}, Y: chart.Axis{Label: "batches", Kind: quantity.Count},
			Series: []chart.Series{s}}}, true
}

// rejectedBars draws refused inputs by reason.
func rejectedBars(r *experiment.Result) (chart.Chart, bool) {
	bars := &chart.Bars{Axis: chart.Axis{Kind: quantity.Count}, Parts: []chart.Part{
		{Name: "rate_limit", Role: chart.C2}, {Name: "pending_limit", Role: chart.C5},
		{Name: "total_limit", Role: chart.C6}}}
	for _, name := range functionNames(r) {
		m := r.Functions[name]
		x := m.Inputs.Rejected
		values := chart.Values{valueOf(x.RateLimit), valueOf(x.PendingLimit), valueOf(x.TotalLimit)}
		if values[0]+values[1]+values[2] > 0 {
			bars.Rows = append(bars.Rows, chart.Bar{Label: name, Values: values,
				Note: text(quantity.Fraction, m.RejectedFraction) + " of its inputs"})
		}
	}
	if len(bars.Rows) == 0 {
		return chart.Chart{}, false
	}
	return chart.Chart{ID: "rejected", Title: text(quantity.Fraction, r.Total.RejectedFraction) +
		" of the inputs are refused",
		Subtitle: "Rejected inputs by reason, mean of the replications",
		Caption: "rate_limit: submitted too fast. pending_limit: too many wait. total_limit: too " +
			"many wait or run.",
		Bars: bars}, true
}

// makespanCurve draws how long calls take.
func makespanCurve(r *experiment.Result) (chart.Chart, bool) {
	if r.Detail == nil {
		return chart.Chart{}, false
	}
	xy := &chart.XY{X: chart.Axis{Label: "makespan (log scale)", Kind: quantity.Seconds, Scale: chart.Log}}
	var finding string
	for i, name := range workloadNames(r) {
		w, ok := r.Detail.Workloads[name]
		if !ok || len(w.Makespan.Q) == 0 {
			continue
		}
		xy.Series = append(xy.Series, quantileCurve(name, chart.Category(i), &w.Makespan))
		m := r.Workloads[name]
		if finding == "" && has(m.Calls.MakespanS.P50) {
			finding = fmt.Sprintf("Half of the calls of %s are over after %s", name,
				text(quantity.Seconds, m.Calls.MakespanS.P50))
		}
	}
	if len(xy.Series) == 0 {
		return chart.Chart{}, false
	}
	if finding == "" {
		finding = "Makespans of calls"
	}
	xy.Y = chart.Axis{Label: "share of calls", Scale: chart.Tail, Min: chart.At(0),
		Max: chart.At(tailTop(xy.Series))}
	return chart.Chart{ID: "makespans", Title: finding,
		Subtitle: "From a call's start to its last output, all replications",
		Caption:  "Each further gridline is ten times rarer.", XY: xy}, true
}

// mostLanes is how many rows a picture of containers' lives has at most.
const mostLanes = 160

// containerLanes draws the lives of containers: each on the first row that is free when it is created, so
// that as many rows are taken as there are containers at one time.
func containerLanes(r *experiment.Result, function string, t *timeline) (chart.Chart, bool) {
	d := detailOf(r, function)
	if len(d.Gantt) == 0 || t.empty() {
		return chart.Chart{}, false
	}
	lanes := &chart.Lanes{X: t.timeAxis(), Link: timeLink, Label: "containers at one time",
		Parts: []chart.Part{{Name: "starting", Role: chart.Starting}, {Name: "ready", Role: chart.Idle},
			{Name: "share of its ready time that it is busy", Role: chart.Busy}}}
	var free []float64 // by row: when its last container ends
	for i := range d.Gantt {
		c := &d.Gantt[i]
		row := 0
		for row < len(free) && free[row] > c.CreatedS {
			row++
		}
		if row == len(free) {
			free = append(free, 0)
			lanes.Rows = append(lanes.Rows, chart.Lane{Label: fmt.Sprint(row + 1)})
		}
		stop := stopOf(c, t.end)
		free[row] = math.Max(stop, c.CreatedS+(t.end-t.StartS)/1000)
		lanes.Rows[row].Spans = append(lanes.Rows[row].Spans, life(c, stop)...)
	}
	subtitle := "From creation to stop, each on the first row that is free; replication 1"
	subtitle += ofMany(d.Gantt)
	if len(lanes.Rows) > mostLanes {
		subtitle += fmt.Sprintf(", %d of %d rows", mostLanes, len(lanes.Rows))
		lanes.Rows = lanes.Rows[:mostLanes]
	}
	return chart.Chart{ID: identifier("lives", function), Title: livesFinding(function, d.Gantt),
		Subtitle: subtitle, Wide: true, Height: min(320, max(90, 22*len(lanes.Rows))),
		Caption: "Many short lives mean that containers are stopped and started again: a longer " +
			"scaledown_window saves cold starts. Long pale ones are paid for and idle.", Lanes: lanes}, true
}

// ofMany says which containers are drawn where there are too many.
func ofMany(rows []experiment.ContainerRow) string {
	ready, unready := int64(1), int64(1)
	for i := range rows {
		if rows[i].ReadyS == nil {
			unready = max(unready, rows[i].StandsFor)
		} else {
			ready = max(ready, rows[i].StandsFor)
		}
	}
	switch {
	case ready > 1 && unready > 1:
		return fmt.Sprintf(", one in %s of those that became ready, one in %s of the others",
			quantity.Plain(float64(ready)), quantity.Plain(float64(unready)))
	case ready > 1:
		return fmt.Sprintf(", one in %s of those that became ready", quantity.Plain(float64(ready)))
	case unready > 1:
		return fmt.Sprintf(", one in %s of those that were never ready", quantity.Plain(float64(unready)))
	}
	return ""
}

// livesFinding says how long containers live.
func livesFinding(function string, rows []experiment.ContainerRow) string {
	type age struct {
		s  float64
		of int64 // containers
	}
	var ages []age
	never, stopped, all := int64(0), int64(0), int64(0)
	for i := range rows {
		n := max(1, rows[i].StandsFor)
		all += n
		if rows[i].ReadyS == nil {
			never += n
		}
		if rows[i].StoppedS != nil {
			stopped += n
			ages = append(ages, age{*rows[i].StoppedS - rows[i].CreatedS, n})
		}
	}
	slices.SortFunc(ages, func(x, y age) int { return cmp.Compare(x.s, y.s) })
	switch {
	case never > 3 && 5*never > all:
		part := strings.Replace(percent(share(float64(never), float64(all))), ">", "Over ", 1)
		return fmt.Sprintf("%s of the containers of %s are stopped before they are ready", part, function)
	case stopped == 0:
		return fmt.Sprintf("No container of %s is stopped", function)
	case stopped < 3:
		return fmt.Sprintf("%s of %s, stopped after %s", quantity.Plural(float64(stopped), "container"),
			function, duration(ages[len(ages)-1].s))
	}
	middle, before := 0, ages[0].of
	for before <= stopped/2 {
		middle++
		before += ages[middle].of
	}
	return fmt.Sprintf("Half of the containers of %s live less than %s, the longest %s", function,
		duration(ages[middle].s), duration(ages[len(ages)-1].s))
}

// stopOf is when a container's life ends in a picture.
func stopOf(c *experiment.ContainerRow, end float64) float64 {
	if c.StoppedS != nil {
		return math.Max(*c.StoppedS, c.CreatedS)
	}
	return math.Max(end, c.CreatedS)
}

// life is a container's start, its readiness, and within that the share that it is busy.
func life(c *experiment.ContainerRow, stop float64) []chart.Span {
	name := fmt.Sprintf("container %d", c.Number)
	ready := stop
	note := name + ": never ready, ended by " + c.Reason
	busy := 0.0
	if c.ReadyS != nil {
		ready = math.Min(math.Max(*c.ReadyS, c.CreatedS), stop)
		busy = math.Min(1, share(c.BusyS, stop-*c.ReadyS))
		note = fmt.Sprintf("%s: %s, lives %s, busy %s of its ready time, ended by %s", name,
			quantity.Plural(float64(c.Inputs), "input"), duration(stop-c.CreatedS), percent(busy), c.Reason)
	}
	var spans []chart.Span
	if ready > c.CreatedS {
		spans = append(spans, chart.Span{From: c.CreatedS, To: ready, Role: chart.Starting, Note: note})
	}
	if stop > ready {
		spans = append(spans, chart.Span{From: ready, To: stop, Role: chart.Idle, Note: note})
		if busy > 0.005 {
			spans = append(spans, chart.Span{From: ready, To: stop, Role: chart.Busy, High: busy})
		}
	}
	return spans
}
