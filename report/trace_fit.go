package report

import (
	"fmt"
	"io"
	"path/filepath"

	"github.com/simcap/simcap/report/quantity"
)

// TraceFit compares workloads that may stand for a traffic file with the file itself.
type TraceFit struct {
	File      string
	Judged    int64 // arrivals
	SpanS     float64
	Runs      int
	Functions []string
	Trace     TraceFitRow
	Rows      []TraceFitRow // the best first
	Arrivals  string        // of the best, as a scenario has them
	OutFile   string        // the scenario that was written; "": none
}

// TraceFitRow is a workload and what each function did under it: p50 and p99 latency (s) and cost (USD).
type TraceFitRow struct {
	Name    string
	What    string
	Numbers int
	Error   float64 // mean of |ln(under it / under the file)|
	Worst   float64
	By      [][3]float64
}

// TraceFitTerminal writes the comparison side by side, the best first.
func TraceFitTerminal(w io.Writer, f *TraceFit, o TerminalOptions) error {
	t := &traceText{paint: paint(o.Color), width: o.columns()}
	t.b.WriteString(t.in(bold, quantity.Cut(f.File, t.width)) + "\n")
	for _, l := range flow([]string{"judged by " + quantity.Plural(float64(f.Judged), "arrival") + " in " +
		duration(f.SpanS), quantity.Plural(float64(f.Runs), "run") + " of each function"}, t.width) {
		t.b.WriteString(t.in(dim, l) + "\n")
	}
	if len(f.Rows) == 0 {
		_, err := io.WriteString(w, t.b.String())
		return err
	}
	best := f.Rows[0]
	t.block("BEST")
	t.prose(fmt.Sprintf("%s: latency and cost are %s off on average, %s at the most", best.What,
		percent(best.Error),
		percent(best.Worst)), bold)
	if best.Error > 0.1 {
		t.prose("a rate in finer steps may be nearer: --points", dim)
	}
	t.block("WORKLOADS")
	rows := [][]string{{"workload", "numbers", "mean error", "worst"}}
	for _, r := range f.Rows {
		rows = append(rows, []string{r.Name, quantity.Format(quantity.Count, float64(r.Numbers)),
			percent(r.Error),
			percent(r.Worst)})
	}
	t.table(rows)
	for i, name := range f.Functions {
		t.block("UNDER THEM")
		t.line(t.in(bold, "function "+name))
		rows := [][]string{{"workload", "p50 latency", "p99 latency", "cost"}}
		for n, r := range append([]TraceFitRow{f.Trace}, f.Rows...) {
			if n > 5 {
				break
			}
			rows = append(rows, []string{r.Name, seconds(r.By[i][0]), seconds(r.By[i][1]),
				quantity.Format(quantity.USD, r.By[i][2])})
		}
		t.table(rows)
	}
	if f.OutFile != "" {
		t.block("SCENARIO")
		t.line(f.OutFile)
	} else {
		t.block("ARRIVALS")
		t.prose("arrivals: "+f.Arrivals, "")
		t.line(t.in(dim, "--file NAME writes a scenario with them"))
	}
	if o.OutDir != "" {
		t.block("REPORT")
		t.line(filepath.Join(o.OutDir, "report.html"))
	}
	_, err := io.WriteString(w, t.b.String())
	return err
}
