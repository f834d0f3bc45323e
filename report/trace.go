package report

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/simcap/simcap/report/quantity"
	"github.com/simcap/simcap/trace/shape"
)

// TraceJSON writes what a trace is like as one JSON object.
func TraceJSON(w io.Writer, s *shape.Shape) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(s)
}

// traceText is the summary of a trace while it is being written.
type traceText struct {
	paint
	b     strings.Builder
	s     *shape.Shape
	width int
	title string // of the block, until its first line
}

// TraceTerminal writes what a trace is like: its rate, bursts, distance from a Poisson process and what
// that does to a queue.
func TraceTerminal(w io.Writer, s *shape.Shape, o TerminalOptions) error {
	t := &traceText{paint: paint(o.Color), s: s, width: o.columns()}
	t.head()
	t.traffic()
	t.burstiness()
	t.queues()
	t.profile()
	t.bursts()
	t.inputs()
	t.functions()
	t.messages()
	if o.OutDir != "" {
		t.block("REPORT")
		t.line(filepath.Join(o.OutDir, "report.html"))
		t.block("NEXT")
		for _, command := range []string{"init --from-trace", "trace fit"} {
			t.prose("simcap "+command+" "+s.File, dim)
		}
	}
	_, err := io.WriteString(w, t.b.String())
	return err
}

func (t *traceText) block(title string) {
	t.b.WriteByte('\n')
	t.title = title
}

func (t *traceText) line(text string) {
	margin := t.in(bold, t.title) + strings.Repeat(" ", max(0, margins-width(t.title)))
	t.title = ""
	t.b.WriteString(strings.TrimRight(margin+text, " ") + "\n")
}

func (t *traceText) room() int { return t.width - margins }

func (t *traceText) items(texts ...string) {
	for _, l := range flow(texts, t.room()) {
		t.line(l)
	}
}

func (t *traceText) prose(text, code string) {
	for _, l := range wrap(text, t.room()) {
		t.line(t.in(code, l))
	}
}

// traceFacts say what was read, in short.
func traceFacts(s *shape.Shape) []string {
	format := s.Format
	if s.Compression != "" {
		format += ", " + s.Compression
	}
	facts := []string{format,
		strings.TrimSuffix(s.First, ".000") + " to " + strings.TrimSuffix(s.Last, ".000"),
		quantity.Plural(float64(s.Arrivals), "arrival") + " in " +
			duration(s.SpanS)}
	if s.Failed > 0 {
		facts = append(facts, quantity.Format(quantity.Count, float64(s.Failed))+" failed")
	}
	if s.Filtered > 0 {
		facts = append(facts, quantity.Format(quantity.Count, float64(s.Filtered))+" filtered out")
	}
	if s.Bad > 0 {
		facts = append(facts, quantity.Plural(float64(s.Bad), "bad row"))
	}
	return facts
}

func (t *traceText) head() {
	t.b.WriteString(t.in(bold, quantity.Cut(filepath.Base(t.s.File), t.width)) + "\n")
	for _, l := range flow(traceFacts(t.s), t.width) {
		t.b.WriteString(t.in(dim, l) + "\n")
	}
}

// multiple writes a factor: 26×, 1.4×.
func multiple(v float64) string {
	if v >= 10 {
		return quantity.Grouped(v, 0) + "×"
	}
	return quantity.Grouped(v, 1) + "×"
}

func perSecond(v float64) string { return quantity.Format(quantity.PerS, v) }

func seconds(v float64) string { return quantity.Format(quantity.Seconds, v) }

func (t *traceText) traffic() {
	t.block("TRAFFIC")
	t.line(t.in(bold, perSecond(t.s.RatePerS)+" on average"))
	var peaks []string
	for _, p := range t.s.Peaks {
		peaks = append(peaks, fmt.Sprintf("peak %s over %s (%s)", perSecond(p.RatePerS),
			quantity.Span(p.WindowS),
			multiple(p.OverMean)))
	}
	if len(peaks) > 0 {
		t.items(peaks...)
	}
	t.chart()
}

// eighths are columns of one to eight eighths of a character.
var eighths = [...]rune{' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'}

// chart draws the rate over time, the highest of each column's steps.
func (t *traceText) chart() {
	rates := t.s.Rate.PerS
	if len(rates) < 2 {
		return
	}
	columns := min(t.room(), len(rates))
	heights := make([]float64, columns)
	top := 0.0
	series := t.s.Rate.Coarser(t.s.SpanS / float64(columns) / 2)
	columns = min(columns, len(series.PerS))
	heights = heights[:columns]
	for i, v := range series.PerS {
		x := i * columns / len(series.PerS)
		heights[x] = math.Max(heights[x], v)
		top = math.Max(top, v)
	}
	if top == 0 {
		return
	}
	const rows = 5
	for row := rows - 1; row >= 0; row-- {
		var line strings.Builder
		for _, h := range heights {
			part := h/top*rows*8 - float64(row*8)
			line.WriteRune(eighths[int(math.Ceil(math.Min(math.Max(part, 0), 8)))])
		}
		label := ""
		if row == rows-1 {
			label = perSecond(top)
		}
		t.b.WriteString(t.in(dim, right(label, margins-2)+" ┤") + t.in(blue,
			strings.TrimRight(line.String(), " ")) + "\n")
	}
	end := duration(t.s.SpanS)
	axis := "0" + right(end, max(columns-1, width(end)+2))
	t.b.WriteString(strings.Repeat(" ", margins) + t.in(dim, axis) + "\n")
}

// table writes lines of columns, the first of which are words. Where there is no room for all, the
// columns after the first go first.
func (t *traceText) table(rows [][]string) {
	widths := traceColumnWidths(rows)
	for len(widths) > 2 && sum(widths)+2*len(widths)-2 > t.room() {
		for i := range rows {
			rows[i] = slices.Delete(slices.Clone(rows[i]), 1, 2)
		}
		widths = traceColumnWidths(rows)
	}
	for n, row := range rows {
		line := ""
		for i, cell := range row {
			if i == 0 {
				line += left(cell, widths[i])
			} else {
				line += "  " + right(cell, widths[i])
			}
		}
		if n == 0 {
			line = t.in(dim, line)
		}
		t.line(line)
	}
}

// traceColumnWidths are the widths of the columns of a table.
func traceColumnWidths(rows [][]string) []int {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], width(cell))
		}
	}
	return widths
}

func sum(values []int) int {
	total := 0
	for _, v := range values {
		total += v
	}
	return total
}

// figures writes v with two or three digits.
func figures(v float64) string {
	switch {
	case math.Abs(v) >= 100:
		return quantity.Grouped(v, 0)
	case math.Abs(v) >= 10:
		return quantity.Grouped(v, 1)
	}
	return quantity.Grouped(v, 2)
}

func (t *traceText) burstiness() {
	t.block("BURSTINESS")
	t.prose(t.s.Verdict.Text, bold)
	if t.s.CV != nil {
		text := "variation of the gaps " + figures(*t.s.CV)
		if t.s.CVWithin != nil {
			text += ", within ten minutes " + figures(*t.s.CVWithin)
		}
		t.prose(text+" (Poisson: 1)", "")
	}
	if len(t.s.Dispersion) > 0 {
		head, values := []string{"window"}, []string{"dispersion (Poisson: 1)"}
		for _, d := range t.s.Dispersion {
			head, values = append(head, quantity.Span(d.WindowS)), append(values, figures(d.IDC))
		}
		t.table([][]string{head, values})
	}
	if len(t.s.Correlations) > 0 {
		head, values := []string{"lag"}, []string{"correlation of minutes"}
		for _, l := range t.s.Correlations {
			head, values = append(head, quantity.Span(l.LagS)), append(values,
				quantity.Grouped(l.Correlation, 2))
		}
		t.table([][]string{head, values})
	}
}

func (t *traceText) queues() {
	if len(t.s.Queues) == 0 {
		return
	}
	t.block("QUEUE")
	t.prose("waits for servers that are busy for at most 70 % of the time, first come first served", "")
	rows := [][]string{{"mean service", "servers", "busy", "p50 wait", "p99 wait", "p99 if Poisson", "times"}}
	for _, q := range t.s.Queues {
		rows = append(rows, []string{seconds(q.ServiceS), quantity.Format(quantity.Count, float64(q.Servers)),
			percent(q.Utilization), seconds(q.WaitP50S), seconds(q.WaitP99S), seconds(q.PoissonP99S),
			timesWorse(q.WaitP99S, q.PoissonP99S)})
	}
	t.table(rows)
}

// timesWorse is how many times a wait is longer than another; where that is 0, how much longer.
func timesWorse(wait, poisson float64) string {
	switch {
	case wait <= 0:
		return "–"
	case poisson <= wait/1000:
		return "> 1,000×"
	}
	return multiple(wait / poisson)
}

func (t *traceText) profile() {
	if len(t.s.Hours) == 0 {
		return
	}
	t.block("DAY")
	clock := "hours UTC"
	if !t.s.Dated {
		clock = "hours since the first row"
	}
	t.sparkline(t.s.Hours, clock)
	if len(t.s.Weekdays) > 0 {
		days := "Monday to Sunday"
		if !t.s.Dated {
			days = "days since the first row, of seven"
		}
		t.sparkline(t.s.Weekdays, days)
	}
}

// sparkline draws rates as one row of columns, three characters for each, and names the extremes.
func (t *traceText) sparkline(rates []float64, what string) {
	top, low, at, lowAt := 0.0, math.Inf(1), 0, 0
	for i, r := range rates {
		if r > top {
			top, at = r, i
		}
		if r < low {
			low, lowAt = r, i
		}
	}
	if top == 0 {
		return
	}
	var b strings.Builder
	for _, r := range rates {
		b.WriteRune(eighths[int(math.Ceil(r/top*8))])
		b.WriteRune(eighths[int(math.Ceil(r/top*8))])
	}
	name := func(i int) string {
		if len(rates) == 7 && !t.s.Dated {
			return fmt.Sprintf("day %d", i+1)
		}
		if len(rates) == 7 {
			return [...]string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
				"Sunday"}[i]
		}
		return fmt.Sprintf("%02d h", i)
	}
	t.line(t.in(blue, b.String()))
	t.prose(fmt.Sprintf("%s: %s at %s, %s at %s", what, multiple(top/t.s.RatePerS), name(at),
		multiple(low/t.s.RatePerS), name(lowAt)), "")
}

func (t *traceText) bursts() {
	if len(t.s.Bursts) == 0 {
		return
	}
	t.block("BURSTS")
	rows := [][]string{{"begins after", "lasts", "arrivals", "mean rate", "over mean"}}
	for i, b := range t.s.Bursts {
		if i == 5 {
			break
		}
		rows = append(rows, []string{duration(b.StartS), duration(b.LengthS), quantity.Format(quantity.Count,
			math.Round(b.Arrivals)), perSecond(b.Arrivals / b.LengthS), multiple(b.OverMean)})
	}
	t.table(rows)
}

// columnKind is how values of a column are written.
func columnKind(name string) quantity.Kind {
	if name == "demand" {
		return quantity.Seconds
	}
	return quantity.Number
}

// shownQuantiles are those of tables of columns.
var shownQuantiles = [...]string{"p10", "p50", "p90", "p99", "p100"}

func (t *traceText) inputs() {
	if len(t.s.Columns) == 0 {
		return
	}
	t.block("INPUTS")
	rows := [][]string{{"column", "rows", "mean", "p10", "p50", "p90", "p99", "max"}}
	for _, c := range t.s.Columns {
		kind := columnKind(c.Name)
		row := []string{c.Name, quantity.Format(quantity.Count, float64(c.Count)), quantity.Format(kind,
			c.Mean)}
		for _, q := range shownQuantiles {
			row = append(row, quantity.Format(kind, c.Quantiles[q]))
		}
		rows = append(rows, row)
	}
	t.table(rows)
}

func (t *traceText) functions() {
	if len(t.s.Functions) == 0 {
		return
	}
	t.block("FUNCTIONS")
	rows := [][]string{{"function", "arrivals", "share", "failed"}}
	for i, f := range t.s.Functions {
		if i == 8 {
			break
		}
		rows = append(rows, []string{quantity.Cut(f.Name, t.room()-40), quantity.Format(quantity.Count,
			float64(f.Arrivals)),
			percent(float64(f.Arrivals) / float64(t.s.Arrivals)), quantity.Format(quantity.Count,
				float64(f.Failed))})
	}
	t.table(rows)
	if more := len(t.s.Functions) - 8; more > 0 {
		t.line(t.in(dim, "and "+quantity.Plural(float64(more), "other")))
	}
}

func (t *traceText) messages() {
	if len(t.s.Notes) > 0 {
		t.block("READ AS")
		for _, n := range t.s.Notes {
			t.prose(n, dim)
		}
	}
	if len(t.s.Warnings) > 0 {
		t.block("WARNINGS")
		for _, w := range t.s.Warnings {
			t.prose(w, yellow)
		}
		for i, b := range t.s.BadRows {
			if i == 5 {
				break
			}
			t.prose(b, dim)
		}
	}
}
