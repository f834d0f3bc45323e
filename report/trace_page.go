package report

import (
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/simcap/simcap/report/chart"
	"github.com/simcap/simcap/report/figure"
	"github.com/simcap/simcap/report/page"
	"github.com/simcap/simcap/report/quantity"
	"github.com/simcap/simcap/trace/shape"
)

// WriteTrace writes what is to be seen of a trace into a folder, which it makes if need be: trace.json,
// report.html and pictures. Files of the same names are replaced, each at once.
func WriteTrace(dir string, s *shape.Shape, o Options) error {
	if err := o.Validate(); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	err := writeFile(filepath.Join(dir, shapeFile), func(w io.Writer) error { return TraceJSON(w, s) })
	if err != nil {
		return err
	}
	return draw(dir, traceDrawing(s), o)
}

// shapeFile is the file of what is to be seen of a trace in its folder.
const shapeFile = "trace.json"

func traceDrawing(s *shape.Shape) *drawing {
	d := &drawing{HTML: func(w io.Writer) error { return TraceHTML(w, s) },
		Pictures: map[string]figure.Picture{}}
	for _, c := range traceCharts(s) {
		d.Pictures[c.ID] = figure.Picture{Footer: filepath.Base(s.File) + " · " + s.Format,
			Charts: []chart.Chart{c}}
	}
	return d
}

// traceCharts are the pictures of a trace that have something to show.
func traceCharts(s *shape.Shape) []chart.Chart {
	var out []chart.Chart
	for _, make := range []func(*shape.Shape) (chart.Chart, bool){rateChart, dispersionChart,
		queueChart, hourChart,
		weekdayChart, correlationChart} {
		if c, ok := make(s); ok {
			out = append(out, c)
		}
	}
	return out
}

// rateChart draws the rate over time: the mean of each step, and the highest of its parts behind it.
func rateChart(s *shape.Shape) (chart.Chart, bool) {
	if len(s.Rate.PerS) < 2 {
		return chart.Chart{}, false
	}
	coarse := s.Rate.Coarser(s.SpanS / mostBins)
	for step := s.SpanS / mostBins; len(coarse.PerS) > mostBins && step < s.SpanS; step *= 2 {
		coarse = s.Rate.Coarser(step)
	}
	mean := chart.Series{Name: "rate", Role: chart.Arrivals, Mark: chart.Area, Width: coarse.StepS,
		Y: coarse.PerS}
	xy := &chart.XY{X: chart.Axis{Label: "time since the first row", Kind: quantity.Seconds,
		Scale: chart.Time,
		Min:   chart.At(0), Max: chart.At(s.SpanS)}, Y: chart.Axis{Label: "arrivals", Kind: quantity.PerS},
		Series: []chart.Series{mean}, Rules: []chart.Rule{{At: s.RatePerS, Role: chart.Muted}}}
	title := perSecond(s.RatePerS) + " arrive on average"
	if n := len(s.Peaks); n > 0 {
		p := s.Peaks[min(1, n-1)]
		title += fmt.Sprintf(", %s as many in the busiest %s", multiple(p.OverMean), windowName(p.WindowS))
	}
	for i, b := range s.Bursts {
		if i == 5 {
			break
		}
		xy.Regions = append(xy.Regions, chart.Region{XFrom: chart.At(b.StartS), XTo: chart.At(b.StartS +
			b.LengthS),
			Role: chart.Rejected})
	}
	caption := "What the containers have to keep up with."
	if len(xy.Regions) > 0 {
		caption = "Shaded: the largest bursts, in which at least three times the mean arrives."
	}
	return chart.Chart{ID: "rate", Title: title, Subtitle: "Arrivals per second, in steps of " +
		quantity.Span(coarse.StepS) + "; the dashed line is the mean",
		Caption: caption, Wide: true, XY: xy}, true
}

// windowName is a length of time as a noun.
func windowName(seconds float64) string {
	switch seconds {
	case 1:
		return "second"
	case 60:
		return "minute"
	}
	return quantity.Span(seconds)
}

// dispersionChart draws the index of dispersion by window.
func dispersionChart(s *shape.Shape) (chart.Chart, bool) {
	if len(s.Dispersion) < 2 {
		return chart.Chart{}, false
	}
	line := chart.Series{Name: "this trace", Role: chart.Arrivals, Mark: chart.Line}
	xy := &chart.XY{X: chart.Axis{Label: "length of the window in seconds (log scale)",
		Kind: quantity.Number, Scale: chart.Log},
		Y:     chart.Axis{Label: "variance / mean of the counts", Kind: quantity.Number, Scale: chart.Log},
		Rules: []chart.Rule{{At: 1, Role: chart.Muted, Label: "Poisson process"}}}
	for _, d := range s.Dispersion {
		line.X, line.Y = append(line.X, d.WindowS), append(line.Y, math.Max(d.IDC, 1e-3))
		xy.Points = append(xy.Points, chart.Point{X: d.WindowS, Y: math.Max(d.IDC, 1e-3),
			Role:  chart.Arrivals,
			Label: figures(d.IDC)})
	}
	xy.Series = []chart.Series{line}
	last := s.Dispersion[len(s.Dispersion)-1]
	title := "At all lengths the counts vary like those of a Poisson process"
	if !s.Verdict.Poisson {
		title = fmt.Sprintf("Counts of %s vary %s as much as those of a Poisson process",
			quantity.Span(last.WindowS),
			multiple(last.IDC))
	}
	return chart.Chart{ID: "dispersion", Title: title,
		Subtitle: "Index of dispersion of the counts in windows of each length",
		Caption:  "High on the left: bursts. A line that rises to the right: a rate that moves.",
		XY:       xy}, true
}

// queueChart compares waits under the trace with those under a Poisson process.
func queueChart(s *shape.Shape) (chart.Chart, bool) {
	if len(s.Queues) == 0 {
		return chart.Chart{}, false
	}
	bars := &chart.Bars{Axis: chart.Axis{Label: "p99 wait", Kind: quantity.Seconds},
		Parts: []chart.Part{{Name: "this trace", Role: chart.Queue}, {Name: "Poisson process",
			Role: chart.Muted}}}
	longest := 0.0
	for _, q := range s.Queues {
		longest = math.Max(longest, math.Max(q.WaitP99S, q.PoissonP99S))
	}
	note := func(wait float64) string { // of bars that are too short to hold their number
		if wait > longest/10 {
			return ""
		}
		return seconds(wait)
	}
	for _, q := range s.Queues {
		name := fmt.Sprintf("%s of service, %s", seconds(q.ServiceS),
			quantity.Plural(float64(q.Servers), "server"))
		bars.Rows = append(bars.Rows,
			chart.Bar{Label: name, Values: chart.Values{q.WaitP99S, 0}, Note: note(q.WaitP99S)},
			chart.Bar{Label: "  if Poisson", Values: chart.Values{0, q.PoissonP99S},
				Note: note(q.PoissonP99S)})
	}
	title := "Queues are as long as under a Poisson process"
	if worst := worstQueue(s.Queues); worst != nil {
		title = fmt.Sprintf("p99 wait is %s for %s of service; a Poisson process of this rate would "+
			"make it %s",
			seconds(worst.WaitP99S), seconds(worst.ServiceS), seconds(worst.PoissonP99S))
	}
	return chart.Chart{ID: "queue", Title: title,
		Subtitle: "p99 wait for servers that are busy for at most 70 % of the time",
		Caption:  "The difference is what a plan for Poisson traffic would miss.", Bars: bars}, true
}

// worstQueue is the queue whose p99 wait is most services longer than under a Poisson process; nil if
// none is half as long again.
func worstQueue(queues []shape.Queue) *shape.Queue {
	var worst *shape.Queue
	most := 0.0
	for i := range queues {
		q := &queues[i]
		excess := (q.WaitP99S - q.PoissonP99S) / q.ServiceS
		if excess > most && excess > 0.1 && q.WaitP99S > 1.5*q.PoissonP99S {
			worst, most = q, excess
		}
	}
	return worst
}

func hourChart(s *shape.Shape) (chart.Chart, bool) {
	where := "UTC"
	if !s.Dated {
		where = "since the first row"
	}
	return profileChart(s, s.Hours, "hours", chart.Axis{Label: "hour of the day (" + where + ")",
		Kind: quantity.Count}, "Mean rate by hour of the day")
}

func weekdayChart(s *shape.Shape) (chart.Chart, bool) {
	axis := chart.Axis{Label: "day of the week (UTC)",
		Names: []string{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"}}
	if !s.Dated {
		axis = chart.Axis{Label: "day since the first row, of seven",
			Names: []string{"1", "2", "3", "4", "5", "6", "7"}}
	}
	return profileChart(s, s.Weekdays, "weekdays", axis, "Mean rate by day of the week")
}

// profileChart draws mean rates of hours or days as columns.
func profileChart(s *shape.Shape, rates []float64, id string, axis chart.Axis,
	subtitle string) (chart.Chart, bool) {
	if len(rates) == 0 || !(s.RatePerS > 0) {
		return chart.Chart{}, false
	}
	top, low := 0.0, math.Inf(1)
	column := chart.Series{Name: "rate", Role: chart.Arrivals, Mark: chart.Column}
	for i, r := range rates {
		top, low = math.Max(top, r), math.Min(low, r)
		column.X, column.Y = append(column.X, float64(i)), append(column.Y, r)
	}
	axis.Min, axis.Max = chart.At(-0.6), chart.At(float64(len(rates))-0.4)
	xy := &chart.XY{X: axis, Y: chart.Axis{Label: "arrivals", Kind: quantity.PerS},
		Series: []chart.Series{column}, Rules: []chart.Rule{{At: s.RatePerS, Role: chart.Muted,
			Label: "mean"}}}
	return chart.Chart{ID: id, Title: fmt.Sprintf("Between %s and %s the mean rate", multiple(low/s.RatePerS),
		multiple(top/s.RatePerS)), Subtitle: subtitle,
		Caption: "What a schedule of min_containers can follow.", XY: xy}, true
}

// correlationChart draws how far counts of minutes tell later ones.
func correlationChart(s *shape.Shape) (chart.Chart, bool) {
	if len(s.Correlations) < 2 {
		return chart.Chart{}, false
	}
	line := chart.Series{Name: "correlation", Role: chart.C2, Mark: chart.Line}
	xy := &chart.XY{X: chart.Axis{Label: "lag in minutes (log scale)", Kind: quantity.Number,
		Scale: chart.Log},
		Y: chart.Axis{Label: "correlation", Kind: quantity.Number}, Rules: []chart.Rule{{At: 0,
			Role: chart.Muted, Label: ""}}}
	for _, l := range s.Correlations {
		line.X, line.Y = append(line.X, l.LagS/60), append(line.Y, l.Correlation)
		xy.Points = append(xy.Points, chart.Point{X: l.LagS / 60, Y: l.Correlation, Role: chart.C2,
			Label: quantity.Span(l.LagS)})
	}
	xy.Series = []chart.Series{line}
	first := s.Correlations[0]
	word := "little"
	switch {
	case first.Correlation > 0.7:
		word = "much"
	case first.Correlation > 0.3:
		word = "something"
	}
	return chart.Chart{ID: "correlation",
		Title: fmt.Sprintf("One minute tells %s of the next (correlation %s)", word,
			quantity.Grouped(first.Correlation, 2)), Subtitle: "Autocorrelation of the counts of minutes",
		Caption: "Where it is high, an autoscaler that follows the load is in time.", XY: xy}, true
}

// TraceHTML writes the page of a trace: one file that opens without a network.
func TraceHTML(w io.Writer, s *shape.Shape) error {
	return writePage(w, tracePage(s))
}

func tracePage(s *shape.Shape) *page.Page {
	p := &page.Page{Kind: "trace", Title: filepath.Base(s.File), Provenance: traceFacts(s),
		Verdict: page.Verdict{State: "none", Word: traceWord(s), Headline: perSecond(s.RatePerS) +
			" on average",
			Sentences: []string{upper(s.Verdict.Text) + "."}},
		Footer: "Times are those of the file's clock, dates in UTC. The index of dispersion of a " +
			"Poisson process is 1 at all lengths."}
	for _, k := range s.Peaks {
		p.Cards = append(p.Cards, page.Card{Label: "Peak over " + quantity.Span(k.WindowS),
			Value: perSecond(k.RatePerS),
			Note:  multiple(k.OverMean) + " the mean"})
	}
	if s.CV != nil {
		note := "a Poisson process has 1"
		if s.CVWithin != nil {
			note = figures(*s.CVWithin) + " within ten minutes; " + note
		}
		p.Cards = append(p.Cards, page.Card{Label: "Variation of the gaps", Value: figures(*s.CV),
			Note: note})
	}
	if len(s.Warnings) > 0 {
		p.Notes = append(p.Notes, page.Note{Title: "Warnings", Kind: "warning",
			Items: append(append([]string{},
				s.Warnings...), s.BadRows...)})
	}
	if len(s.Notes) > 0 {
		p.Notes = append(p.Notes, page.Note{Title: "How it was read", Kind: "advice", Items: s.Notes})
	}
	traffic := page.Section{ID: "traffic", Title: "What arrives"}
	for _, c := range traceCharts(s) {
		traffic.Blocks = append(traffic.Blocks, page.Block{Chart: &c})
	}
	numbers := page.Section{ID: "numbers", Title: "All numbers", Blocks: traceTables(s)}
	for _, section := range []page.Section{traffic, numbers} {
		if len(section.Blocks) > 0 {
			p.Sections = append(p.Sections, section)
		}
	}
	return p
}

func traceWord(s *shape.Shape) string {
	switch {
	case s.Verdict.Poisson:
		return "Like a Poisson process"
	case strings.HasPrefix(s.Verdict.Text, "too short"):
		return "Too short to tell"
	}
	return "Not a Poisson process"
}

// upper writes a sentence's first letter as a capital.
func upper(text string) string {
	if text == "" || text[0] < 'a' || text[0] > 'z' {
		return text
	}
	return string(text[0]-'a'+'A') + text[1:]
}

// keyed is a cell that sorts by its number.
func keyed(text string, v float64) page.Cell { return page.Cell{Text: text, Key: &v} }

func traceTables(s *shape.Shape) []page.Block {
	var out []page.Block
	add := func(t *page.Table) {
		if len(t.Rows) > 0 {
			out = append(out, page.Block{Table: t})
		}
	}
	queues := &page.Table{ID: "queue-table", Caption: "Queues",
		Columns: []page.Column{{Name: "mean service", Number: true},
			{Name: "servers", Number: true}, {Name: "busy", Number: true}, {Name: "p50 wait", Number: true},
			{Name: "p99 wait", Number: true}, {Name: "p50 if Poisson", Number: true},
			{Name: "p99 if Poisson", Number: true}}}
	for _, q := range s.Queues {
		queues.Rows = append(queues.Rows, page.Row{Cells: []page.Cell{keyed(seconds(q.ServiceS), q.ServiceS),
			keyed(quantity.Format(quantity.Count, float64(q.Servers)), float64(q.Servers)),
			keyed(percent(q.Utilization), q.Utilization), keyed(seconds(q.WaitP50S), q.WaitP50S),
			keyed(seconds(q.WaitP99S), q.WaitP99S), keyed(seconds(q.PoissonP50S), q.PoissonP50S),
			keyed(seconds(q.PoissonP99S), q.PoissonP99S)}})
	}
	add(queues)
	bursts := &page.Table{ID: "burst-table", Caption: "Largest bursts",
		Columns: []page.Column{{Name: "begins after", Number: true},
			{Name: "lasts", Number: true}, {Name: "arrivals", Number: true},
			{Name: "over mean", Number: true}}}
	for _, b := range s.Bursts {
		bursts.Rows = append(bursts.Rows, page.Row{Cells: []page.Cell{keyed(duration(b.StartS), b.StartS),
			keyed(duration(b.LengthS), b.LengthS), keyed(quantity.Format(quantity.Count,
				math.Round(b.Arrivals)), b.Arrivals),
			keyed(multiple(b.OverMean), b.OverMean)}})
	}
	add(bursts)
	inputs := &page.Table{ID: "input-table", Caption: "What rows say of their inputs",
		Columns: []page.Column{{Name: "column"},
			{Name: "rows", Number: true}, {Name: "mean", Number: true}}}
	for _, q := range shownQuantiles {
		inputs.Columns = append(inputs.Columns, page.Column{Name: q, Number: true})
	}
	for _, c := range s.Columns {
		kind := columnKind(c.Name)
		cells := []page.Cell{{Text: c.Name}, keyed(quantity.Format(quantity.Count, float64(c.Count)),
			float64(c.Count)),
			keyed(quantity.Format(kind, c.Mean), c.Mean)}
		for _, q := range shownQuantiles {
			cells = append(cells, keyed(quantity.Format(kind, c.Quantiles[q]), c.Quantiles[q]))
		}
		inputs.Rows = append(inputs.Rows, page.Row{Cells: cells})
	}
	add(inputs)
	functions := &page.Table{ID: "function-table", Caption: "Functions",
		Columns: []page.Column{{Name: "function"},
			{Name: "arrivals", Number: true}, {Name: "share", Number: true}, {Name: "failed", Number: true}}}
	for i, f := range s.Functions {
		if i == 200 {
			break
		}
		share := float64(f.Arrivals) / float64(s.Arrivals)
		functions.Rows = append(functions.Rows, page.Row{Cells: []page.Cell{{Text: f.Name},
			keyed(quantity.Format(quantity.Count, float64(f.Arrivals)), float64(f.Arrivals)),
			keyed(percent(share), share),
			keyed(quantity.Format(quantity.Count, float64(f.Failed)), float64(f.Failed))}})
	}
	add(functions)
	return out
}
