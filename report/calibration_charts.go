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
		Y: chart.Axis{Label: "mean of the window", Kind: quantity.Seconds}}
	for i := range v.Windows {
		w := &v.Windows[i]
		q := chart.Point{X: w.AtS, Y: w.MeanS, Role: chart.Good, Info: [][2]string{
			{"at", quantity.Format(quantity.Seconds, w.AtS)},
			{"mean", quantity.Format(quantity.Seconds, w.MeanS)},
			{"", "accepted"}}}
		if !w.Accepted {
			q.Role, q.Info[2][1] = chart.SLO, "left out: "+w.Why
			if v.rejected() <= 4 {
				q.Label = quantity.Cut(w.Why, 40)
			}
		}
		xy.Points = append(xy.Points, q)
	}
	title := "All windows were stable"
	if n := v.rejected(); n > 0 {
		title = fmt.Sprintf("%d of %d windows were not stable and were left out", n, len(v.Windows))
	}
	return chart.Chart{ID: "windows", Title: title, Subtitle: "Mean time of each window of measurement",
		Caption: "A trend means that the server had not warmed up, or that the GPU was slowing " +
			"down.", XY: xy}, true
}

// deviceLink ties the time axes of what the GPU did together.
const deviceLink = "device"

// clock draws the GPU's clock, and where it was throttled.
func (v *calibrationView) clock() (chart.Chart, bool) {
	d := v.Device
	if d == nil || len(d.ClockMHz) == 0 || !(d.EveryS > 0) {
		return chart.Chart{}, false
	}
	xy := &chart.XY{X: d.axis(), Y: chart.Axis{Label: "SM clock in MHz", Kind: quantity.Number},
		Link:   deviceLink,
		Series: []chart.Series{d.series("SM clock", chart.C1, d.ClockMHz)}, Regions: d.throttling()}
	slow := 0.0
	for _, r := range xy.Regions {
		slow += *r.XTo - *r.XFrom
	}
	title := "The GPU was never throttled"
	if slow > 0 {
		title = fmt.Sprintf("The GPU was throttled for %s of %s", duration(slow), duration(d.length()))
	}
	return chart.Chart{ID: "clock", Title: title, Height: 140, Subtitle: "Clock of the GPU's processors",
		Caption: "Times that were measured while the clock was low are those of a slower GPU.", XY: xy}, true
}

// device draws clock, power and temperature.
func (v *calibrationView) device() []page.Block {
	out := picture(v.clock())
	d := v.Device
	if d == nil || !(d.EveryS > 0) {
		return out
	}
	for _, part := range []struct {
		id, name, unit string
		role           chart.Role
		values         []float64
	}{{"power", "Power", "power in W", chart.C2, d.PowerW},
		{"temperature", "Temperature", "temperature in °C", chart.C5,
			d.TempC}} {
		if len(part.values) == 0 {
			continue
		}
		most := peak(part.values)
		c := chart.Chart{ID: part.id, Height: 140, Title: fmt.Sprintf("%s: %s on average, %s at "+
			"most", part.name,
			quantity.Format(quantity.Count, math.Round(mean(part.values))),
			quantity.Format(quantity.Count, math.Round(most))),
			Subtitle: capital(part.unit), Caption: "Drag to zoom all of these pictures.",
			XY: &chart.XY{X: d.axis(),
				Y: chart.Axis{Label: part.unit, Kind: quantity.Number}, Link: deviceLink,
				Series: []chart.Series{d.series(part.name, part.role, part.values)}, Regions: d.throttling()}}
		out = append(out, page.Block{Chart: &c})
	}
	return out
}

func (d *Device) length() float64 { return d.EveryS * float64(len(d.ClockMHz)) }

func (d *Device) axis() chart.Axis {
	return chart.Axis{Label: "time since the beginning", Kind: quantity.Seconds, Scale: chart.Time,
		Min: chart.At(0),
		Max: chart.At(d.length())}
}

func (d *Device) series(name string, role chart.Role, values []float64) chart.Series {
	y, joined := chart.Bins(values, mostBins, false)
	return chart.Series{Name: name, Role: role, Mark: chart.Step, Width: d.EveryS * float64(joined), Y: y}
}

// throttling are the stretches in which the GPU was throttled.
func (d *Device) throttling() []chart.Region {
	var out []chart.Region
	for i := 0; i < len(d.Throttled); {
		if !d.Throttled[i] {
			i++
			continue
		}
		from := i
		for i < len(d.Throttled) && d.Throttled[i] {
			i++
		}
		out = append(out, chart.Region{XFrom: chart.At(float64(from) * d.EveryS),
			XTo:  chart.At(float64(i) * d.EveryS),
			Role: chart.SLO, Label: "throttled"})
	}
	return out
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
