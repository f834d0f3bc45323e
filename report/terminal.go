package report

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/report/quantity"
)

// TerminalOptions say how the summary is laid out.
type TerminalOptions struct {
	Width  int    // columns; 0: 100. At least 60 and at most 160 are used
	Color  bool   // ANSI colours; without them shades tell parts apart
	OutDir string // where WriteRun wrote its files; "": nowhere
}

// columns are how many columns are used.
func (o TerminalOptions) columns() int {
	if o.Width <= 0 {
		return usualWidth
	}
	return min(max(o.Width, narrowest), widest)
}

// The first columns hold a block's title, the rest its text.
const (
	margins     = 12
	narrowest   = 60
	widest      = 160
	usualWidth  = 100
	chartHeight = 7
)

// summary is the summary while it is being written.
type summary struct {
	paint
	b      strings.Builder
	r      *experiment.Result
	width  int
	titled bool // the title of the present block stands
	title  string
}

// Terminal writes the summary of a run: whether it keeps the SLO, what it costs, how slow it is and why,
// what the containers did, and what to try next.
func Terminal(w io.Writer, r *experiment.Result, o TerminalOptions) error {
	s := &summary{paint: paint(o.Color), r: r, width: o.columns()}
	s.head()
	s.objectives()
	s.cost()
	s.latency()
	s.functions()
	s.pool()
	s.advice()
	if o.OutDir != "" {
		s.block("REPORT")
		s.line(filepath.Join(o.OutDir, "report.html"))
	}
	_, err := io.WriteString(w, s.b.String())
	return err
}

// block begins a new block with an empty line before it.
func (s *summary) block(title string) {
	s.b.WriteByte('\n')
	s.title, s.titled = title, false
}

// line writes a line of the block, which may hold colours.
func (s *summary) line(text string) {
	title := ""
	if !s.titled {
		title, s.titled = s.title, true
	}
	s.b.WriteString(strings.TrimRight(s.in(bold, title)+strings.Repeat(" ", margins-width(title))+text, " "))
	s.b.WriteByte('\n')
}

// labelled writes a line whose margin holds a label instead of a title.
func (s *summary) labelled(label, text string) {
	s.b.WriteString(strings.TrimRight(s.in(dim, right(label, margins-2)+" ┤")+text, " ") + "\n")
}

// wrapped writes plain text over as many lines as it needs, the first after the bullet.
func (s *summary) wrapped(bullet, text, code string) {
	indent := width(bullet)
	for i, l := range wrap(text, s.room()-indent) {
		if i > 0 {
			bullet = strings.Repeat(" ", indent)
		}
		s.line(bullet + s.in(code, l))
	}
}

// room is the columns that a block's text has.
func (s *summary) room() int { return s.width - margins }

func (s *summary) head() {
	s.b.WriteString(s.in(bold, quantity.Cut(s.r.Scenario, s.width)) + "\n")
	for _, l := range flow(circumstances(s.r), s.width) {
		s.b.WriteString(s.in(dim, l) + "\n")
	}
}

// provenance says what was simulated, and by which version.
func provenance(r *experiment.Result) []string {
	parts := circumstances(r)
	if r.Simcap != "" {
		parts = append(parts, "simcap "+strings.TrimPrefix(r.Simcap, "simcap "))
	}
	return parts
}

// circumstances say what was simulated: time, inputs, replications, seed.
func circumstances(r *experiment.Result) []string {
	var parts []string
	if r.HorizonS != nil {
		text := quantity.Span(*r.HorizonS) + " simulated"
		if r.WarmupS > 0 {
			text += ", measured from " + quantity.Span(r.WarmupS) + " on"
		}
		parts = append(parts, text)
	} else if r.Detail != nil && r.Detail.WindowS[1] > 0 {
		length := quantity.Format(quantity.Seconds, r.Detail.WindowS[1])
		parts = append(parts, length+" simulated, to the last input")
	}
	if has(r.Total.Inputs.Submitted) {
		inputs := quantity.Plural(*r.Total.Inputs.Submitted.Value, "input")
		if r.Replications > 1 {
			inputs += " each"
		}
		parts = append(parts, inputs)
	}
	return append(parts, quantity.Plural(float64(r.Replications), "replication"),
		fmt.Sprintf("seed %d", r.Seed))
}

// mark is the word for a state, and its colour.
func mark(st state) (word, code string) {
	switch st {
	case kept:
		return "kept", green
	case missed:
		return "MISSED", red
	case undecided:
		return "unsure", yellow
	}
	return "none", grey
}

func (s *summary) objectives() {
	s.block("SLO")
	if len(s.r.SLO) == 0 {
		s.wrapped("", "none given; an `slo:` in the scenario is checked in every run", dim)
		return
	}
	var rows []objective
	var label, value, limit, last int
	for i := range s.r.SLO {
		o := describe(&s.r.SLO[i])
		if o.Interval != "" {
			o.Value += " (" + o.Interval + ")"
		}
		rows = append(rows, o)
		label, value = max(label, width(o.Label)), max(value, width(o.Value))
		limit, last = max(limit, width(o.Limit)), max(last, width(o.Margin))
	}
	wide := 8+label+2+value+2+limit+2+last <= s.room()
	for _, o := range rows {
		word, code := mark(o.State)
		word = s.in(code+";"+bold, left(word, 6)) + "  "
		if wide {
			s.line(word + left(o.Label, label) + "  " + left(o.Value, value) + "  " +
				left(o.Limit, limit) + "  " +
				s.in(code, o.Margin))
			continue
		}
		name := quantity.Cut(o.Label, s.room()-8-2-width(o.Value))
		s.line(word + name + ": " + o.Value)
		s.line(strings.Repeat(" ", 8) + s.in(code, quantity.Cut(o.Limit+": "+o.Margin, s.room()-8)))
	}
}

// items writes short texts in a row with dots between them, on as many lines as they need.
func (s *summary) items(texts []string, code string) {
	for _, l := range flow(texts, s.room()) {
		s.line(s.in(code, l))
	}
}

// withInterval is an estimate with its interval in brackets.
func withInterval(kind quantity.Kind, e experiment.Estimate) string {
	if of := interval(kind, e); of != "" {
		return text(kind, e) + " (" + of + ")"
	}
	return text(kind, e)
}

func (s *summary) cost() {
	s.block("COST")
	c := s.r.Total.CostUSD
	if c == nil || !has(c.Total) || *c.Total.Value == 0 {
		s.wrapped("", "nothing is billed: no prices, or no container ran", dim)
		return
	}
	bill, per := billOf(s.r, c)
	s.items([]string{withInterval(quantity.USD, bill) + " " + per}, bold)
	s.items([]string{withInterval(quantity.USD, c.PerHour) + " per hour",
		withInterval(quantity.USD, c.Per1kInputs) + " per 1,000 inputs"}, "")
	busy, idle, cold := shares(c)
	words := fmt.Sprintf("busy %s, idle %s, cold starts %s", percent(busy), percent(idle), percent(cold))
	bar := s.bar([]float64{busy, idle, cold}, costShades, s.room()-2-width(words))
	s.line(bar + "  " + words)
	if energy := energyWords(s.r.Total.Energy); energy != nil {
		s.items(append([]string{"energy " + energy[0]}, energy[1:]...), "")
	}
}

// shade is how a part is drawn: its character, and its colour where there are colours.
type shade struct{ glyph, code string }

var (
	costShades = []shade{{"█", blue}, {"░", grey}, {"▓", yellow}} // busy, idle, cold
	partShades = []shade{{"·", grey}, {"▓", yellow}, {"▒", magenta}, {"░", cyan}, {"█", blue},
		{"▚", red}, {"-", grey}}
	// busy, idle, starting, draining
	poolShades = []shade{{"█", blue}, {"░", grey}, {"▓", yellow}, {"╱", magenta}}
)

// bar draws shares of a whole over the given columns.
func (s *summary) bar(shares []float64, shades []shade, columns int) string {
	out := ""
	for i, n := range cells(shares, max(columns, 1)) {
		out += s.in(shades[i].code, strings.Repeat(shades[i].glyph, n))
	}
	return out
}

func (s *summary) latency() {
	s.block("LATENCY")
	q := &s.r.Total.LatencyS
	if !has(q.P50) {
		s.line(s.in(dim, "no input completed"))
		return
	}
	shown := quantileColumns(q, s.room())
	column := s.room() / len(shown)
	head, values, ranges := "", "", ""
	for _, c := range shown {
		head += left(c.name, column)
		values += left(text(quantity.Seconds, c.of), column)
		ranges += left(interval(quantity.Seconds, c.of), column)
	}
	s.line(s.in(dim, strings.TrimRight(head, " ")))
	s.line(s.in(bold, strings.TrimRight(values, " ")))
	if strings.TrimSpace(ranges) != "" {
		s.line(s.in(dim, strings.TrimRight(ranges, " ")))
	}
	s.tokens()
	s.why()
}

// quantileColumn is a quantile of the table of latencies.
type quantileColumn struct {
	name string
	of   experiment.Estimate
	rank int // the higher, the sooner it is left out
}

// quantileColumns are the quantiles that fit beside each other.
func quantileColumns(q *experiment.Quantiles, room int) []quantileColumn {
	shown := []quantileColumn{{"mean", q.Mean, 5}, {"p50", q.P50, 0}, {"p90", q.P90, 6}, {"p95", q.P95, 2},
		{"p99", q.P99, 1}, {"p99.9", q.P999, 4}, {"max", q.Max, 3}}
	for {
		widest, last := 0, 0
		for i, c := range shown {
			widest = max(widest, width(text(quantity.Seconds, c.of)), width(interval(quantity.Seconds, c.of)))
			if c.rank > shown[last].rank {
				last = i
			}
		}
		if (widest+2)*len(shown) <= room || len(shown) == 1 {
			return shown
		}
		shown = append(shown[:last], shown[last+1:]...)
	}
}

// bandName is a percentile band in words.
func bandName(from, to float64) string {
	write := func(q float64) string { return strings.TrimSuffix(fmt.Sprintf("%.1f", 100*q), ".0") }
	switch {
	case from <= 0 && to >= 1:
		return "all"
	case to >= 1:
		return "above p" + write(from)
	case from <= 0:
		return "up to p" + write(to)
	}
	return "p" + write(from) + "–p" + write(to)
}

// why draws what inputs spend their time on, by percentile band: all bands of a lone function, the
// lower half and the slowest of several.
func (s *summary) why() {
	names := functionNames(s.r)
	s.block("WHY")
	s.line(s.in(dim, left("inputs", bandColumn)+right("mean", meanColumn)+"  where their time goes"))
	for _, name := range names {
		bands := detailOf(s.r, name).Bands
		if len(names) > 1 {
			s.line(s.in(bold, quantity.Cut(name, s.room())))
		}
		switch {
		case len(bands) == 0:
			m := s.r.Functions[name]
			s.whyRow("all", splitOf(&m.BreakdownS))
		case len(names) > 1:
			s.whyRow(bandName(0, 0.5), join(bands, 0, 0.5))
			s.whyRow(bandName(0.99, 1), join(bands, 0.99, 1))
		default:
			for i := range bands {
				s.whyRow(bandName(bands[i].From, bands[i].To), join(bands[i:i+1], 0, 1))
			}
		}
	}
}

// Columns of the rows of why.
const (
	bandColumn = 12
	meanColumn = 9
)

func (s *summary) whyRow(label string, parts split) {
	if parts.total() <= 0 {
		return
	}
	rest := s.room() - bandColumn - meanColumn - 4
	most := min(max(rest*11/20, 30), 48, rest-4)
	words := parts.words(3)
	if width(words) > most {
		words = parts.words(2)
	}
	if width(words) > most {
		words = parts.words(1)
	}
	bar := max(rest-most, 1)
	s.line(left(label, bandColumn) + right(quantity.Format(quantity.Seconds, parts.total()),
		meanColumn) + "  " +
		s.bar(parts.Parts[:], partShades, bar) + "  " + quantity.Cut(words, most))
}

func (s *summary) functions() {
	names := functionNames(s.r)
	if len(names) < 2 {
		return
	}
	s.block("FUNCTIONS")
	cost := "a month"
	if s.r.HorizonS == nil {
		cost = "cost"
	}
	heads := []string{"inputs", "p50", "p99", "live", "peak", "busy", cost}
	widths := []int{11, 9, 9, 7, 7, 6, 10}
	if s.room() < 80 {
		heads, widths = append(heads[:3:3], heads[5:]...), append(widths[:3:3], widths[5:]...)
	}
	rest := s.room()
	for _, w := range widths {
		rest -= w
	}
	row := func(name string, m *experiment.Measures) string {
		line := left(quantity.Cut(name, rest-1), rest)
		for i, v := range functionCells(s.r, m, heads) {
			line += right(v, widths[i])
		}
		return line
	}
	header := left("", rest)
	for i, h := range heads {
		header += right(h, widths[i])
	}
	s.line(s.in(dim, header))
	for _, name := range names {
		m := s.r.Functions[name]
		s.line(row(name, &m))
	}
	s.line(s.in(bold, row("total", &s.r.Total)))
}

// functionCells are a function's values under the given heads.
func functionCells(r *experiment.Result, m *experiment.Measures, heads []string) []string {
	var pool experiment.ContainerCounts
	var cost experiment.Cost
	busy := experiment.Estimate{}
	if m.Containers != nil {
		pool = *m.Containers
	}
	if m.CostUSD != nil {
		cost = *m.CostUSD
	}
	if m.Utilization != nil {
		busy = *m.Utilization
	}
	bill, _ := billOf(r, &cost)
	all := map[string]string{
		"inputs": text(quantity.Count, m.Inputs.Submitted), "p50": text(quantity.Seconds, m.LatencyS.P50),
		"p99": text(quantity.Seconds, m.LatencyS.P99), "live": text(quantity.Count, pool.LiveMean),
		"peak": text(quantity.Count, pool.Peak), "busy": quantity.None,
		"a month": text(quantity.USD, bill), "cost": text(quantity.USD, bill),
	}
	if has(busy) {
		all["busy"] = percent(*busy.Value)
	}
	out := make([]string, len(heads))
	for i, h := range heads {
		out[i] = all[h]
	}
	return out
}

func (s *summary) advice() {
	const most = 2
	all := hints(s.r)
	if len(all) > 0 {
		s.block("NEXT")
		for _, h := range all[:min(most, len(all))] {
			s.wrapped("• ", h, "")
		}
	}
	if len(s.r.Warnings) > 0 {
		s.block("WARNINGS")
		for _, w := range s.r.Warnings {
			s.wrapped("• ", w, yellow)
		}
	}
	if len(s.r.Notes) > 0 {
		s.block("INTERVALS")
		for _, n := range s.r.Notes {
			s.wrapped("", n, dim)
		}
	}
	if s.r.Detail != nil && s.r.Detail.Synthetic {
		s.block("NOTE")
		s.wrapped("• ", "a profile of this scenario was not measured on hardware: take its times "+
			"as examples", yellow)
	}
}
