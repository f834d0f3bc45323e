package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/report/quantity"
)

// ComparisonJSON writes a comparison in its canonical form, without the detail that pictures are drawn from.
func ComparisonJSON(w io.Writer, c *experiment.Comparison) error {
	shown := *c
	shown.Systems = nil
	for _, s := range c.Systems {
		if s.Result != nil {
			plain := *s.Result
			plain.Detail = nil
			s.Result = &plain
		}
		shown.Systems = append(shown.Systems, s)
	}
	return writeJSON(w, &shown)
}

// ComparisonCSV writes a line for each measure, scope and system: its value and the difference to the
// first system, each with its interval. What is missing is empty.
func ComparisonCSV(w io.Writer, c *experiment.Comparison) error {
	out := csv.NewWriter(w)
	head := "metric,function,workload,system,value,low,high,difference,difference_low,difference_high," +
		"relative,relative_low,relative_high,noise"
	if err := out.Write(strings.Split(head, ",")); err != nil {
		return err
	}
	for i := range c.Rows {
		row := &c.Rows[i]
		for k := range row.Values {
			line := []string{row.Metric, row.Function, row.Workload, c.Systems[k].Name}
			for _, e := range []experiment.Estimate{row.Values[k], row.Differences[k].Absolute,
				row.Differences[k].Relative} {
				line = append(line, field(e.Value), field(e.Low), field(e.High))
			}
			noise := ""
			if k > 0 {
				noise = strconv.FormatBool(row.Differences[k].Noise)
			}
			if err := out.Write(append(line, noise)); err != nil {
				return err
			}
		}
	}
	out.Flush()
	return out.Error()
}

// field is a number in a CSV file, empty where there is none.
func field(v *float64) string {
	if v == nil {
		return ""
	}
	return strconv.FormatFloat(*v, 'g', -1, 64)
}

// WriteComparisonData writes compare.json, with detail, and compare.csv into a folder, which it
// makes if need be.
func WriteComparisonData(dir string, c *experiment.Comparison) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	err := writeFile(filepath.Join(dir, "compare.json"),
		func(w io.Writer) error { return writeJSON(w, c) })
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, "compare.csv"),
		func(w io.Writer) error { return ComparisonCSV(w, c) })
}

// comparisonGroups are the measures of the table, in blocks.
var comparisonGroups = []struct {
	title   string
	metrics []string
}{
	{"COST", []string{"cost.per_hour", "cost.per_1k_inputs", "cost.busy", "cost.idle", "cost.cold"}},
	{"LATENCY", []string{"latency.mean", "latency.p50", "latency.p90", "latency.p95", "latency.p99",
		"latency.p999", "makespan.p50", "makespan.p99"}},
	{"TOKENS", []string{"ttft.mean", "ttft.p50", "ttft.p95", "ttft.p99", "tpot.mean", "tpot.p50", "tpot.p95",
		"tpot.p99", "output_tokens"}},
	{"WHY", []string{"breakdown.backoff", "breakdown.cold", "breakdown.queue", "breakdown.batch_wait",
		"breakdown.service", "breakdown.interference", "breakdown.overhead"}},
	{"SERVICE", []string{"cold_start_fraction", "rejected_fraction", "completed_fraction", "throughput",
		"utilization", "containers.live_mean", "containers.peak", "batch_size_mean"}},
}

// comparisonTable is a comparison's summary while it is being written.
type comparisonTable struct {
	summary
	c *experiment.Comparison
}

// ComparisonTerminal writes the systems side by side: values, and how they differ from the first
// system, `~` where that is noise.
func ComparisonTerminal(w io.Writer, c *experiment.Comparison, o TerminalOptions) error {
	t := &comparisonTable{c: c}
	t.paint, t.width = paint(o.Color), o.columns()
	t.systems()
	t.rowsOf("", "", comparisonGroups[0].title)
	for _, g := range comparisonGroups[1:] {
		t.rowsOf("", "", g.title)
	}
	seen := map[string]bool{}
	for i := range c.Rows {
		scope := c.Rows[i].Function + c.Rows[i].Workload
		if scope == "" || seen[scope] {
			continue
		}
		seen[scope] = true
		t.scope(c.Rows[i].Function, c.Rows[i].Workload)
	}
	t.b.WriteByte('\n')
	notes := []string{"differences to A, pair by pair over " +
		quantity.Plural(float64(c.Replications), "replication") + " that meet the same arrivals",
		"~ within noise: the 95% interval holds 0"}
	if n, _ := t.shownSystems(); n < len(c.Systems)-1 {
		notes = append(notes, fmt.Sprintf("%d more in the files, and on a wider terminal",
			len(c.Systems)-1-n))
	}
	for _, note := range notes {
		for _, l := range wrap(note, t.width-2) {
			t.b.WriteString(t.in(dim, "  "+l) + "\n")
		}
	}
	if len(c.Warnings) > 0 {
		t.block("WARNINGS")
		for _, text := range c.Warnings {
			t.wrapped("• ", text, yellow)
		}
	}
	if o.OutDir != "" {
		t.block("REPORT")
		t.line(filepath.Join(o.OutDir, pageFile))
	}
	_, err := io.WriteString(w, t.b.String())
	return err
}

// letter is the short name of a system.
func letter(i int) string { return string(rune('A' + i%26)) }

// systems lists the systems with what became of their objectives.
func (t *comparisonTable) systems() {
	for i := range t.c.Systems {
		s := &t.c.Systems[i]
		word, code := verdictWord(s.Result.SLOVerdict())
		text := quantity.Cut(s.Name, t.width-20)
		if word != "" {
			text += "  " + t.in(code, "SLO "+word)
			if m := missing(s.Result); m != "" {
				text += t.in(dim, ": "+m)
			}
		}
		t.b.WriteString(t.in(bold, letter(i)) + "  " + text + "\n")
	}
}

// Columns of the table: the name of a measure, and the first system's value.
const (
	labelColumn = 24
	firstColumn = 12
)

// row writes a measure of the first system and of n others, with their differences.
func (t *comparisonTable) row(row *experiment.ComparisonRow, n, column int) {
	kind := kindOf(row.Metric)
	line := "  " + left(quantity.Cut(labelOf(row.Metric), labelColumn-3), labelColumn-2) +
		right(text(kind, row.Values[0]), firstColumn)
	for k := 1; k <= n; k++ {
		line += right(text(kind, row.Values[k]), 11) + "  " +
			t.change(row.Metric, &row.Differences[k], column-13)
	}
	t.b.WriteString(strings.TrimRight(line, " ") + "\n")
}

// shownSystems is how many systems fit beside each other, and the width of a column.
func (t *comparisonTable) shownSystems() (n, column int) {
	room := t.width - labelColumn - firstColumn
	n = len(t.c.Systems) - 1
	for n > 1 && room/n < 20 {
		n--
	}
	return n, min(room/n, 38)
}

// rowsOf writes the measures of a block that some system has, and that are not 0 everywhere.
func (t *comparisonTable) rowsOf(function, workload, title string) {
	n, column := t.shownSystems()
	var group []string
	for _, g := range comparisonGroups {
		if g.title == title {
			group = g.metrics
		}
	}
	head := left(title, labelColumn) + right(letter(0), firstColumn)
	for k := 1; k <= n; k++ {
		head += right(letter(k), 11) + strings.Repeat(" ", column-11)
	}
	written := false
	for _, metric := range group {
		row := t.find(metric, function, workload)
		if row == nil || nothing(row) || strings.HasPrefix(metric, "makespan.") && !t.manyInputs() {
			continue
		}
		if !written {
			t.b.WriteString("\n" + t.in(bold, strings.TrimRight(head, " ")) + "\n")
			written = true
		}
		t.row(row, n, column)
	}
}

// manyInputs says whether calls have several inputs somewhere, so that makespans tell something new.
func (t *comparisonTable) manyInputs() bool {
	for i := range t.c.Systems {
		total := &t.c.Systems[i].Result.Total
		if valueOf(total.Calls.Count) != valueOf(total.Inputs.Submitted) {
			return true
		}
	}
	return false
}

func (t *comparisonTable) find(metric, function, workload string) *experiment.ComparisonRow {
	for i := range t.c.Rows {
		r := &t.c.Rows[i]
		if r.Metric == metric && r.Function == function && r.Workload == workload {
			return r
		}
	}
	return nil
}

// nothing says whether a measure is 0 or missing in every system.
func nothing(row *experiment.ComparisonRow) bool {
	for _, e := range row.Values {
		if e.Value != nil && *e.Value != 0 {
			return false
		}
	}
	return true
}

// change writes a difference relative to the first system, or in the metric's unit where that has 0,
// with its interval as far as there is room.
func (t *comparisonTable) change(metric string, d *experiment.Difference, columns int) string {
	switch {
	case d.Absolute.Value == nil:
		return left("", columns)
	case *d.Absolute.Value == 0 && (d.Absolute.Low == nil || *d.Absolute.Low == 0 && *d.Absolute.High == 0):
		return t.in(dim, left("same", columns))
	case d.Absolute.Low != nil && d.Noise:
		return t.in(dim, left("~", columns))
	}
	value, interval := "", ""
	if d.Relative.Value != nil && math.Abs(*d.Relative.Value) < 10 {
		value = signedPercent(*d.Relative.Value)
		if d.Relative.Low != nil {
			interval = " (" + signedPercent(*d.Relative.Low) + " to " + signedPercent(*d.Relative.High) + ")"
		}
	} else {
		value = inUnit(kindOf(metric), *d.Absolute.Value)
		if d.Absolute.Low != nil {
			interval = " (" + inUnit(kindOf(metric), *d.Absolute.Low) + " to " +
				inUnit(kindOf(metric), *d.Absolute.High) + ")"
		}
	}
	if width(value+interval) > columns-1 {
		interval = ""
	}
	code := ""
	if better := betterWhen(metric) * *d.Absolute.Value; d.Absolute.Low == nil {
		code = dim
	} else if better > 0 {
		code = green
	} else if better < 0 {
		code = red
	}
	return t.in(code, value) + t.in(dim, left(interval, columns-width(value)))
}

// betterWhen is 1 where more of a metric is better, -1 where less is, 0 where neither.
func betterWhen(metric string) float64 {
	switch metric {
	case "throughput", "completed_fraction":
		return 1
	case "utilization", "batch_size_mean", "containers.live_mean", "containers.peak", "cost.busy",
		"breakdown.service", "breakdown.overhead":
		return 0
	}
	return -1
}

// signedPercent writes a change as a share: "+12%".
func signedPercent(v float64) string {
	if math.Abs(v) >= 0.0995 || v == 0 {
		return fmt.Sprintf("%+.0f%%", 100*v)
	}
	return fmt.Sprintf("%+.1f%%", 100*v)
}

// inUnit writes a change in its unit: "+1.20 s".
func inUnit(kind quantity.Kind, v float64) string {
	if v < 0 {
		return "-" + quantity.Format(kind, -v)
	}
	return "+" + quantity.Format(kind, v)
}

// scope writes a few measures of a function or workload.
func (t *comparisonTable) scope(function, workload string) {
	n, column := t.shownSystems()
	t.b.WriteString("\n" + t.in(bold, quantity.Cut(function+workload, t.width)) + "\n")
	for _, metric := range []string{"cost.per_hour", "latency.p50", "latency.p99", "cold_start_fraction",
		"rejected_fraction", "utilization"} {
		row := t.find(metric, function, workload)
		if row == nil || nothing(row) {
			continue
		}
		t.row(row, n, column)
	}
}
