package report

import (
	"fmt"
	"math"

	"github.com/simcap/simcap/report/chart"
	"github.com/simcap/simcap/report/page"
	"github.com/simcap/simcap/report/quantity"
)

// xAxis is the axis of what was varied, from zero on when it is linear.
func (f *Fit) xAxis() chart.Axis {
	a := chart.Axis{Label: f.XLabel, Kind: quantity.Number}
	most := 0.0
	for i := range f.Measured {
		most = math.Max(most, f.Measured[i].X)
	}
	for _, p := range f.Curve {
		most = math.Max(most, p[0])
	}
	if f.LogX && most > 0 {
		a.Scale, a.Label = chart.Log, f.XLabel+" (log scale)"
		least := most
		for i := range f.Measured {
			if x := f.Measured[i].X; x > 0 {
				least = math.Min(least, x)
			}
		}
		a.Min, a.Max = chart.At(least*0.8), chart.At(most*1.2)
		return a
	}
	if most > 0 {
		a.Min, a.Max = chart.At(0), chart.At(most*1.05)
	}
	return a
}

// curve draws what was measured with its spread, and the fitted curve.
func (v *calibrationView) curve(f *Fit) (chart.Chart, bool) {
	xy := &chart.XY{X: f.xAxis(), Y: chart.Axis{Label: f.YLabel, Kind: quantity.Seconds}}
	line := chart.Series{Name: "fitted", Role: chart.Frontier, Mark: chart.Line}
	for i, p := range f.Curve {
		const pieces = 12 // a straight line is bent on a logarithmic axis
		for k := 1; i > 0 && f.LogX && k < pieces; k++ {
			part := float64(k) / pieces
			a := f.Curve[i-1]
			line.X = append(line.X, a[0]+(p[0]-a[0])*part)
			line.Y = append(line.Y, a[1]+(p[1]-a[1])*part)
		}
		line.X, line.Y = append(line.X, p[0]), append(line.Y, p[1])
	}
	n := 0
	for i := range f.Measured {
		m := &f.Measured[i]
		low, middle, high := spread(m.Times)
		if math.IsNaN(middle) {
			continue
		}
		n += len(m.Times)
		q := chart.Point{X: m.X, Y: middle, Role: chart.C2, Info: [][2]string{
			{f.XLabel, quantity.Chosen(quantity.Number, m.X)},
			{"median", quantity.Format(quantity.Seconds, middle)},
			{"measurements", fmt.Sprint(len(m.Times))}}}
		if low < high {
			q.YLow, q.YHigh = chart.At(low), chart.At(high)
			q.Info = append(q.Info, [2]string{"p5 to p95", quantity.Range(quantity.Seconds, low, high)})
		}
		if at := f.at(m.X); at > 0 {
			q.Info = append(q.Info, [2]string{"fitted", quantity.Format(quantity.Seconds, at)},
				[2]string{"deviation", relative(middle/at - 1)})
		}
		xy.Points = append(xy.Points, q)
	}
	if len(xy.Points) == 0 {
		return chart.Chart{}, false
	}
	if line.Len() > 0 {
		xy.Series = []chart.Series{line}
	}
	title := capital(f.YLabel)
	if f.Formula != "" {
		title += ": " + f.Formula
	}
	return chart.Chart{ID: identifier("fit", f.Name), Title: title,
		Subtitle: fmt.Sprintf("Medians of %s with their 5th to 95th percentiles, and the fitted curve",
			quantity.Plural(float64(n), "measurement")),
		Caption: "Dots off the curve are times that the profile gets wrong.", XY: xy}, true
}

// residuals draws by how much medians deviate from the curve.
func (v *calibrationView) residuals(f *Fit) (chart.Chart, bool) {
	xy := &chart.XY{X: f.xAxis(), Y: chart.Axis{Label: "deviation", Kind: quantity.Fraction},
		Rules: []chart.Rule{{At: 0, Role: chart.Muted}}}
	most := 0.01
	for i := range f.Measured {
		m := &f.Measured[i]
		low, middle, high := spread(m.Times)
		at := f.at(m.X)
		if math.IsNaN(middle) || !(at > 0) {
			continue
		}
		q := chart.Point{X: m.X, Y: middle/at - 1, Role: chart.C2, Info: [][2]string{
			{f.XLabel, quantity.Chosen(quantity.Number, m.X)}, {"deviation", relative(middle/at - 1)}}}
		if low < high {
			q.YLow, q.YHigh = chart.At(low/at-1), chart.At(high/at-1)
			most = math.Max(most, math.Max(math.Abs(*q.YLow), math.Abs(*q.YHigh)))
		}
		most = math.Max(most, math.Abs(q.Y))
		xy.Points = append(xy.Points, q)
	}
	if len(xy.Points) < 2 {
		return chart.Chart{}, false
	}
	xy.Y.Min, xy.Y.Max = chart.At(-most*1.15), chart.At(most*1.15)
	x, worst := f.worst()
	title := fmt.Sprintf("Largest deviation from the curve: %s, at %s", relative(worst),
		quantity.Chosen(quantity.Number, x))
	return chart.Chart{ID: identifier("residuals", f.Name), Title: title,
		Subtitle: "Measured median over fitted time, with the 5th to 95th percentiles",
		Caption: "A pattern, for example a bow, means that the curve has the wrong form; noise " +
			"has none.", XY: xy}, true
}

// holdout draws what was measured under load beside what simcap predicts.
func (v *calibrationView) holdout() (chart.Chart, bool) {
	if len(v.Holdout) == 0 {
		return chart.Chart{}, false
	}
	predicted := [2]chart.Series{{Name: "p50 predicted", Role: chart.C1, Mark: chart.Line},
		{Name: "p95 predicted", Role: chart.C5, Mark: chart.Line}}
	xy := &chart.XY{X: chart.Axis{Label: "requests per second", Kind: quantity.PerS},
		Y: chart.Axis{Label: "latency", Kind: quantity.Seconds}}
	worst := 0.0
	for i := range v.Holdout {
		h := &v.Holdout[i]
		worst = math.Max(worst, h.err())
		for k, pair := range [2][2]float64{{h.MeasuredP50, h.PredictedP50}, {h.MeasuredP95, h.PredictedP95}} {
			predicted[k].X, predicted[k].Y = append(predicted[k].X, h.RatePerS),
				append(predicted[k].Y, pair[1])
			xy.Points = append(xy.Points, chart.Point{X: h.RatePerS, Y: pair[0], Role: predicted[k].Role,
				Info: [][2]string{{"rate", quantity.Format(quantity.PerS, h.RatePerS)},
					{"measured", quantity.Format(quantity.Seconds, pair[0])},
					{"predicted", quantity.Format(quantity.Seconds, pair[1])},
					{"error", relative(share(pair[1], pair[0]) - 1)}}})
		}
	}
	xy.Series = predicted[:]
	return chart.Chart{ID: "holdout", Wide: true, Height: 280,
		Title:    fmt.Sprintf("Under load the predictions are at most %s off", distance(worst)),
		Subtitle: "Latency at rates that the fit did not see: dots are measured, lines are simulated",
		Caption: "This is the test that counts: the curve above says how the profile fits, this " +
			"one whether it predicts.",
		XY: xy}, true
}

// windows draws the stretches of measurement, and which of them were left out.
func (v *calibrationView) windows() (chart.Chart, bool) {
	if len(v.Windows) == 0 {
		return chart.Chart{}, false
	}
	xy := &chart.XY{X: chart.Axis{Label: "time since the beginning", Kind: quantity.Seconds},
		Y:     chart.Axis{Label: "against the median of its load", Kind: quantity.Fraction},
		Rules: []chart.Rule{{At: 0, Role: chart.Muted}}}
	most := 0.02
	for i := range v.Windows {
		w := &v.Windows[i]
		most = math.Max(most, math.Abs(w.Deviation))
		q := chart.Point{X: w.AtS, Y: w.Deviation, Role: chart.Good, Info: [][2]string{{"load", w.Of},
			{"at", quantity.Format(quantity.Seconds, w.AtS)}, {"deviation", relative(w.Deviation)},
			{"", "counts"}}}
		if !w.Accepted {
			q.Role, q.Info[3][1] = chart.SLO, "left out: "+w.Why
			if v.rejected() <= 4 {
				q.Label = quantity.Cut(w.Why, 40)
			}
		}
		xy.Points = append(xy.Points, q)
	}
	xy.Y.Min, xy.Y.Max = chart.At(-most*1.15), chart.At(most*1.15)
	title := fmt.Sprintf("All of %s were stable", quantity.Plural(float64(len(v.Windows)), "window"))
	if n := v.rejected(); n > 0 {
		title = fmt.Sprintf("%d of %d windows were not stable and were left out", n, len(v.Windows))
	}
	return chart.Chart{ID: "windows", Title: title, Wide: true,
		Subtitle: "Time per request of each window of measurement",
		Caption: "A trend means that the server had not warmed up, or that the GPU was slowing " +
			"down.", XY: xy}, true
}

// deviceLink ties the time axes of what the GPU did together.
const deviceLink = "device"

// deviceLine is a value of the GPU over time; false where it is not known.
func (v *calibrationView) deviceLine(label string, role chart.Role,
	of func(*Device) float64) (*chart.XY, bool) {
	line := chart.Series{Name: label, Role: role, Mark: chart.Step}
	xy := &chart.XY{X: chart.Axis{Label: "time since the beginning", Kind: quantity.Seconds,
		Scale: chart.Time},
		Y: chart.Axis{Label: label, Kind: quantity.Number, Min: chart.At(0)}, Link: deviceLink}
	most := 0.0
	for i := range v.Device {
		d := &v.Device[i]
		if i > 0 && d.FromS > v.Device[i-1].ToS+1e-9 {
			line.X, line.Y = append(line.X, v.Device[i-1].ToS), append(line.Y, math.NaN())
		}
		line.X, line.Y = append(line.X, d.FromS), append(line.Y, of(d))
		most = math.Max(most, of(d))
		if d.Throttled {
			xy.Regions = append(xy.Regions, chart.Region{XFrom: chart.At(d.FromS),
				XTo: chart.At(d.ToS), Role: chart.SLO})
		}
	}
	if most == 0 {
		return nil, false
	}
	last := &v.Device[len(v.Device)-1]
	line.X, line.Y = append(line.X, last.ToS), append(line.Y, of(last))
	xy.X.Min, xy.X.Max, xy.Y.Max = chart.At(v.Device[0].FromS), chart.At(last.ToS), chart.At(most*1.08)
	xy.Series = []chart.Series{line}
	return xy, true
}

// clock draws the GPU's clock, and where it was throttled.
func (v *calibrationView) clock() (chart.Chart, bool) {
	xy, ok := v.deviceLine("SM clock in MHz", chart.C1, func(d *Device) float64 { return d.ClockMHz })
	if !ok {
		return chart.Chart{}, false
	}
	slow, all := 0.0, 0.0
	for i := range v.Device {
		d := &v.Device[i]
		all += d.ToS - d.FromS
		if d.Throttled {
			slow += d.ToS - d.FromS
		}
	}
	title := "The GPU was never throttled"
	if slow > 0 {
		title = fmt.Sprintf("The GPU was throttled for %s of %s of measurement", duration(slow),
			duration(all))
	}
	return chart.Chart{ID: "clock", Title: title, Height: 140,
		Subtitle: "Median clock of the GPU in each window; shaded where throttled",
		Caption:  "Times that were measured while the clock was low are those of a slower GPU.", XY: xy}, true
}

// power draws what the GPU drew.
func (v *calibrationView) power() (chart.Chart, bool) {
	xy, ok := v.deviceLine("power in W", chart.C2, func(d *Device) float64 { return d.PowerW })
	if !ok {
		return chart.Chart{}, false
	}
	sum, time, most := 0.0, 0.0, 0.0
	for i := range v.Device {
		d := &v.Device[i]
		sum, time, most = sum+d.PowerW*(d.ToS-d.FromS), time+d.ToS-d.FromS, math.Max(most, d.PowerW)
	}
	return chart.Chart{ID: "power", Title: fmt.Sprintf("%.0f W on average, %.0f W at most",
		share(sum, time), most), Height: 140,
		Subtitle: "Mean power of the GPU in each window; shaded where throttled",
		Caption:  "Drag across a picture to zoom both.", XY: xy}, true
}

// cold draws the stages of the cold starts that were measured.
func (v *calibrationView) cold() (chart.Chart, bool) {
	bars := &chart.Bars{Axis: chart.Axis{Kind: quantity.Seconds}}
	row := chart.Bar{Label: "cold start"}
	total, longest, name := 0.0, 0.0, ""
	for i := range v.Cold {
		m := mean(v.Cold[i].Times)
		bars.Parts = append(bars.Parts, chart.Part{Name: v.Cold[i].Name, Role: chart.Category(i)})
		row.Values = append(row.Values, m)
		total += m
		if m > longest {
			longest, name = m, v.Cold[i].Name
		}
	}
	if total == 0 {
		return chart.Chart{}, false
	}
	row.Note = quantity.Format(quantity.Seconds, total)
	bars.Rows = []chart.Bar{row}
	return chart.Chart{ID: "cold", Title: fmt.Sprintf("A cold start takes %s, of which %s is %s", row.Note,
		quantity.Format(quantity.Seconds, longest), name), Subtitle: "Mean time of each stage",
		Caption: "The longest part is where a faster start is to be won.", Bars: bars}, true
}

// table lists what was measured beside what was fitted.
func (v *calibrationView) table() *page.Table {
	t := &page.Table{ID: "measurements", Caption: "Measured and fitted",
		Columns: []page.Column{{Name: "curve"},
			{Name: "at", Number: true}, {Name: "measurements", Number: true}, {Name: "median", Number: true},
			{Name: "fitted", Number: true}, {Name: "deviation", Number: true}}}
	for k := range v.Fits {
		f := &v.Fits[k]
		for i := range f.Measured {
			m := &f.Measured[i]
			low, middle, high := spread(m.Times)
			n := float64(len(m.Times))
			row := page.Row{Cells: []page.Cell{{Text: f.Name},
				{Text: quantity.Chosen(quantity.Number, m.X), Key: &m.X},
				{Text: fmt.Sprint(len(m.Times)), Key: &n},
				{Text: quantity.Format(quantity.Seconds, middle), Key: finite(middle)}, {Text: quantity.None},
				{Text: quantity.None}}}
			if low < high {
				row.Cells[3].Interval = quantity.Range(quantity.Seconds, low, high)
			}
			if at := f.at(m.X); at > 0 {
				r := middle/at - 1
				row.Cells[4] = page.Cell{Text: quantity.Format(quantity.Seconds, at), Key: finite(at)}
				row.Cells[5] = page.Cell{Text: relative(r), Key: finite(r)}
			}
			t.Rows = append(t.Rows, row)
		}
	}
	return t
}

// finite is what a cell sorts by; nil for what is no number.
func finite(x float64) *float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return &x
}
