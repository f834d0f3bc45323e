package report

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTraceFitPage: the page says which workload is nearest and how near, sets every figure beside that of
// the file, and a figure that is nothing under the file is a gap, not an infinity.
func TestTraceFitPage(t *testing.T) {
	served := func(p50, p99, usd float64) map[string]FitServed {
		return map[string]FitServed{"short": {p50, p99, usd}}
	}
	r := &FitResult{File: "a/<log>.csv", Arrivals: 1000, SpanS: 60, Runs: 2, Functions: []string{"short"},
		Trace: served(1, 4, 0), Candidates: []FitCandidate{
			{Name: "steps", What: "a rate in steps", Numbers: 3, Error: 0.1, Worst: 0.2, By: served(1, 2, 5),
				Arrivals: "{process: poisson}"},
			{Name: "poisson", What: "a constant rate", Numbers: 1, Error: 0.5, Worst: 1.5, By: served(2, 12, 5)}}}
	f := r.Table("")
	heat := f.ratioChart().Heat
	if heat.Rows[1] != "steps" || heat.Values[1][1] != 0.5 || heat.Values[0][1] != 3 ||
		heat.Values[0][2] == heat.Values[0][2] {
		t.Errorf("%v: %v", heat.Rows, heat.Values)
	}
	dir := filepath.Join(t.TempDir(), "new")
	if err := WriteTraceFit(dir, r, Options{SVG: true}); err != nil {
		t.Fatal(err)
	}
	html, err := os.ReadFile(filepath.Join(dir, "report.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"10% off", "“steps” is the workload nearest", "arrivals: {process: poisson}",
		"&lt;log&gt;.csv"} {
		if !strings.Contains(string(html), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, name := range []string{FitFile, "errors.png", "errors.svg", "ratios.png", "ratios.svg"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	r.Candidates = nil
	if err := WriteTraceFit(dir, r, Options{}); err != nil {
		t.Errorf("without workloads: %v", err)
	}
}
