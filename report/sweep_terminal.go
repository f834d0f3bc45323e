package report

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/report/quantity"
)

// Rows of the table of a sweep: when there are more points, the frontier and the cheapest are shown.
const sweepRows = 40

// sweepSummary is a sweep's summary while it is being written.
type sweepSummary struct {
	summary
	s      *experiment.Sweep
	labels []string // of the axes
}

// SweepTerminal writes the summary of a sweep: a table from the cheapest point to the dearest, with the
// frontier and the SLO marked, the cheapest point that keeps the SLO, and for two keys a map.
func SweepTerminal(w io.Writer, s *experiment.Sweep, o TerminalOptions) error {
	t := &sweepSummary{s: s, labels: axisLabels(s.Axes)}
	t.paint, t.width = paint(o.Color), o.columns()
	t.sweepHead()
	t.table()
	t.heat()
	t.choice()
	t.weak()
	if o.OutDir != "" {
		t.block("REPORT")
		t.line(filepath.Join(o.OutDir, pageFile))
	}
	_, err := io.WriteString(w, t.b.String())
	return err
}

// axisLabels are the shortest ends of the keys that tell them apart.
func axisLabels(axes []experiment.Axis) []string {
	labels := make([]string, len(axes))
	for i, a := range axes {
		parts := strings.Split(a.Key, ".")
		for n := 1; n <= len(parts); n++ {
			labels[i] = strings.Join(parts[len(parts)-n:], ".")
			same := 0
			for _, other := range axes {
				if other.Key == labels[i] || strings.HasSuffix(other.Key, "."+labels[i]) {
					same++
				}
			}
			if same == 1 {
				break
			}
		}
	}
	return labels
}

func (t *sweepSummary) sweepHead() {
	s := t.s
	t.b.WriteString(t.in(bold, quantity.Cut(s.Scenario, t.width)) + "\n")
	parts := []string{quantity.Plural(float64(len(s.Points)), "point")}
	if len(s.Points) < s.Planned {
		parts[0] = fmt.Sprintf("%d of %s", len(s.Points), quantity.Plural(float64(s.Planned), "point"))
	}
	if s.Shard != "" {
		parts = append(parts, "share "+s.Shard)
	}
	least, most := 0, 0
	for i := range s.Points {
		if r := s.Points[i].Result; r != nil {
			if least == 0 || r.Replications < least {
				least = r.Replications
			}
			most = max(most, r.Replications)
		}
	}
	switch {
	case most == 0:
	case least == most:
		parts = append(parts, quantity.Plural(float64(most), "replication")+" each")
	default:
		parts = append(parts, fmt.Sprintf("%d to %d replications each", least, most))
	}
	parts = append(parts, fmt.Sprintf("seed %d", s.Seed))
	if s.Simcap != "" {
		parts = append(parts, "simcap "+strings.TrimPrefix(s.Simcap, "simcap "))
	}
	for _, l := range flow(parts, t.width) {
		t.b.WriteString(t.in(dim, l) + "\n")
	}
}

// verdictWord is how a point's verdict is written, and its colour.
func verdictWord(verdict string) (word, code string) {
	switch verdict {
	case experiment.Kept:
		return mark(kept)
	case experiment.Missed:
		return mark(missed)
	case experiment.Undecided:
		return mark(undecided)
	case experiment.NoSLO:
		return "", grey
	}
	return verdict, red
}

// tableRow is a row before it is laid out: settings, cost and latency with their intervals, the SLO.
type tableRow struct {
	settings []string
	values   [2]string
	ranges   [2]string
	slo      string
	point    *experiment.SweepPoint
}

func (t *sweepSummary) table() {
	shown, left := t.shownPoints()
	var rows []tableRow
	var before *experiment.Estimate
	noise := false
	for _, p := range shown {
		row := tableRow{point: p}
		for _, setting := range p.Point {
			row.settings = append(row.settings, quantity.Cut(setting.Value, 20))
		}
		cost, latency, ok := t.s.Values(p)
		costKind, latencyKind := kindOf(t.s.Cost), kindOf(t.s.Latency)
		row.values = [2]string{text(costKind, cost), text(latencyKind, latency)}
		row.ranges = [2]string{interval(costKind, cost), interval(latencyKind, latency)}
		if p.Frontier && ok {
			if before != nil && overlap(*before, latency) {
				row.values[1] = "~ " + row.values[1]
				noise = true
			}
			before = &latency
		}
		row.slo, _ = verdictWord(p.Verdict)
		if m := missing(p.Result); m != "" {
			row.slo += " " + m
		}
		rows = append(rows, row)
	}
	t.b.WriteByte('\n')
	t.lay(rows)
	notes := []string{"● on the frontier: no other point is cheaper and as fast"}
	if noise {
		notes = append(notes, "~ not told apart from the frontier point above")
	}
	if left > 0 {
		notes = append(notes, quantity.Plural(float64(left), "dearer point")+" not shown")
	}
	for _, l := range flow(notes, t.width-2) {
		t.b.WriteString(t.in(dim, "  "+l) + "\n")
	}
}

// missing names the first objective that a point misses, or may miss, and how many more.
func missing(r *experiment.Result) string {
	if r == nil {
		return ""
	}
	worst, first, more := r.SLOVerdict(), "", 0
	for i := range r.SLO {
		v := &r.SLO[i]
		if v.Met != nil && *v.Met || v.Met == nil && worst == experiment.Missed {
			continue
		}
		if first == "" {
			first = labelOf(v.Metric)
			if of := v.Function + v.Workload; of != "" && len(r.Functions) > 1 {
				first += " of " + of
			}
			continue
		}
		more++
	}
	if more > 0 {
		first += fmt.Sprintf(" +%d", more)
	}
	return first
}

// latencyLabel says what latency is meant.
func (t *sweepSummary) latencyLabel() string {
	label := labelOf(t.s.Latency)
	of := t.s.Function + t.s.Workload
	for i := range t.s.Points {
		if r := t.s.Points[i].Result; r != nil && len(r.Functions)+len(r.Workloads) <= 2 {
			return label // there is no other
		}
	}
	if of != "" {
		label += " of " + of
	}
	return label
}

// shownPoints are the points of the table from the cheapest to the dearest, and how many are left out.
func (t *sweepSummary) shownPoints() (shown []*experiment.SweepPoint, left int) {
	all := t.s.ByCost()
	if len(all) <= sweepRows {
		return all, 0
	}
	frontier := 0
	for _, p := range all {
		if p.Frontier {
			frontier++
		}
	}
	room := max(0, sweepRows-frontier)
	for _, p := range all {
		switch {
		case p.Frontier:
			shown = append(shown, p)
		case room > 0:
			shown = append(shown, p)
			room--
		}
	}
	return shown, len(all) - len(shown)
}

// overlap says whether two estimates are not told apart by their intervals.
func overlap(a, b experiment.Estimate) bool {
	if a.Low == nil || b.Low == nil {
		return false
	}
	return *a.Low <= *b.High && *b.Low <= *a.High
}

// columnsOf are the texts of a table's columns: heads, then a line for each row. Without ranges the
// intervals are left out.
func (t *sweepSummary) columnsOf(rows []tableRow, ranges bool) (heads []string, cells [][]string) {
	heads = append(append(heads, t.labels...), labelOf(t.s.Cost), t.latencyLabel(), "SLO")
	var widest [2]int
	for i := range rows {
		for k, v := range rows[i].values {
			widest[k] = max(widest[k], width(v))
		}
	}
	for i := range rows {
		r := &rows[i]
		line := append([]string{}, r.settings...)
		for k, v := range r.values {
			v = right(v, widest[k])
			if ranges && r.ranges[k] != "" {
				v += " (" + r.ranges[k] + ")"
			}
			line = append(line, v)
		}
		cells = append(cells, append(line, r.slo))
	}
	return heads, cells
}

// lay writes the table, settings to the right. Intervals give way where the room is short, then the
// names of the keys.
func (t *sweepSummary) lay(rows []tableRow) {
	axes := len(t.labels)
	heads, cells := t.columnsOf(rows, true)
	if t.tableWidth(heads, cells) > t.width {
		heads, cells = t.columnsOf(rows, false)
	}
	for i := 0; i < axes && t.tableWidth(heads, cells) > t.width; i++ {
		heads[i] = quantity.Cut(heads[i], max(6, width(heads[i])-(t.tableWidth(heads, cells)-t.width)))
	}
	widths := columnWidths(heads, cells)
	line := func(mark string, texts []string, code func(int) string) {
		out := mark + " "
		for i, c := range texts {
			if i < axes {
				c = right(c, widths[i])
			} else if i < len(texts)-1 {
				c = left(c, widths[i])
			} else {
				room := max(10, t.width-width(plainText(out)))
				if word, _, more := strings.Cut(c, " "); more && width(c) > room && room < 16 {
					c = word
				}
				c = cutEnd(c, room)
			}
			out += t.in(code(i), c) + "  "
		}
		t.b.WriteString(strings.TrimRight(out, " ") + "\n")
	}
	line(" ", heads, func(int) string { return dim })
	for k := range rows {
		mark, p := " ", rows[k].point
		if p.Frontier {
			mark = t.in(green, "●")
		}
		_, verdict := verdictWord(p.Verdict)
		line(mark, cells[k], func(i int) string {
			switch {
			case i == len(heads)-1:
				return verdict
			case p.Frontier:
				return bold
			}
			return ""
		})
		if p.Error != "" {
			t.b.WriteString("    " + t.in(dim, quantity.Cut(p.Error, t.width-4)) + "\n")
		}
	}
}

// columnWidths are the widths of the columns of a table.
func columnWidths(heads []string, cells [][]string) []int {
	widths := make([]int, len(heads))
	for i := range heads {
		widths[i] = width(heads[i])
		for _, line := range cells {
			widths[i] = max(widths[i], width(line[i]))
		}
	}
	return widths
}

// tableWidth is the width of the table without its last column, whose texts can be cut, but for ten
// characters of that.
func (t *sweepSummary) tableWidth(heads []string, cells [][]string) int {
	sum := 2 + 10
	for _, w := range columnWidths(heads, cells)[:len(heads)-1] {
		sum += w + 2
	}
	return sum
}

// cutEnd shortens a text by its end.
func cutEnd(s string, columns int) string {
	if runes := []rune(s); len(runes) > columns {
		return string(runes[:columns-1]) + "…"
	}
	return s
}

// plainText is a text without its colours.
func plainText(s string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, "\x1b[")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		_, s, _ = strings.Cut(rest, "m")
	}
}

// heat draws the map of a sweep of two keys: the latency at every combination, coloured and marked by
// what became of the SLO.
func (t *sweepSummary) heat() {
	if len(t.s.Axes) != 2 || len(t.s.Points) < 4 {
		return
	}
	down, across := t.s.Axes[0], t.s.Axes[1]
	at := map[[2]string]*experiment.SweepPoint{}
	for i := range t.s.Points {
		p := &t.s.Points[i]
		at[[2]string{p.Point[0].Value, p.Point[1].Value}] = p
	}
	cell := func(p *experiment.SweepPoint) string {
		if p == nil {
			return ""
		}
		sign := map[string]string{experiment.Missed: "✗", experiment.Undecided: "?"}[p.Verdict]
		_, latency, _ := t.s.Values(p)
		return strings.TrimSpace(text(kindOf(t.s.Latency), latency) + " " + sign)
	}
	margin, column := width(t.labels[0]), 0
	for _, v := range down.Values {
		margin = max(margin, width(v))
	}
	for _, v := range across.Values {
		column = max(column, width(v)+2)
		for _, d := range down.Values {
			column = max(column, width(cell(at[[2]string{d, v}]))+2)
		}
	}
	if 2+margin+column*len(across.Values) > t.width || len(down.Values) > sweepRows {
		return
	}
	t.b.WriteString("\n  " + t.in(dim, cutEnd(t.latencyLabel()+" by "+t.labels[0]+" (down) and "+
		t.labels[1]+" (across)", t.width-2)) + "\n")
	head := "  " + strings.Repeat(" ", margin)
	for _, v := range across.Values {
		head += right(v, column)
	}
	t.b.WriteString(t.in(dim, head) + "\n")
	for _, d := range down.Values {
		row := "  " + t.in(dim, right(d, margin))
		for _, v := range across.Values {
			p := at[[2]string{d, v}]
			code := ""
			if p != nil {
				_, code = verdictWord(p.Verdict)
			}
			row += t.in(code, right(cell(p), column))
		}
		t.b.WriteString(strings.TrimRight(row, " ") + "\n")
	}
	t.b.WriteString(t.in(dim, "  ✗ misses the SLO   ? not decided") + "\n")
}

// choice names the cheapest point that keeps the SLO.
func (t *sweepSummary) choice() {
	t.block("CHEAPEST")
	asked := false
	var unsure *experiment.SweepPoint
	for _, p := range t.s.ByCost() {
		asked = asked || p.Result != nil && len(p.Result.SLO) > 0
		if p.Verdict == experiment.Undecided && unsure == nil {
			unsure = p
		}
		if p.Verdict != experiment.Kept && p.Verdict != experiment.NoSLO {
			continue
		}
		cost, latency, ok := t.s.Values(p)
		if !ok {
			continue
		}
		what := " that keeps the SLO"
		if p.Verdict == experiment.NoSLO {
			what = " (no slo is given)"
		}
		t.line(t.in(bold, withInterval(kindOf(t.s.Cost), cost)+" "+labelOf(t.s.Cost)) + what + ", " +
			t.latencyLabel() + " " + withInterval(kindOf(t.s.Latency), latency))
		for _, setting := range p.Point {
			t.line("--set " + setting.Key + "=" + setting.Value)
		}
		return
	}
	switch {
	case asked && unsure != nil:
		t.line(t.in(yellow+";"+bold, "no point is sure to keep the SLO") +
			"; more replications would tell of")
		for _, setting := range unsure.Point {
			t.line("--set " + setting.Key + "=" + setting.Value)
		}
	case asked:
		t.line(t.in(red+";"+bold, "no point keeps the SLO"))
	default:
		t.line(t.in(dim, "no point has both cost and latency"))
	}
}

// weak gathers the warnings of all points: how many have one of a kind, and the first.
func (t *sweepSummary) weak() {
	points, first := 0, ""
	for i := range t.s.Points {
		p := &t.s.Points[i]
		if p.Result != nil && len(p.Result.Warnings) > 0 {
			points++
			if first == "" {
				first = p.Point.String() + ": " + p.Result.Warnings[0]
			}
		}
	}
	if points > 0 {
		t.block("WARNINGS")
		t.wrapped("• ", fmt.Sprintf("%s warnings, in sweep.json; the first: %s",
			map[bool]string{true: "1 point has", false: fmt.Sprintf("%d points have", points)}[points == 1],
			first), yellow)
	}
	if t.s.Synthetic {
		t.block("NOTE")
		t.wrapped("• ", "a profile of this scenario was not measured on hardware: take its times as examples",
			yellow)
	}
}
