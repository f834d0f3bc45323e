package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/simcap/simcap/trace"
	"github.com/simcap/simcap/trace/shape"
)

// shapeOf measures a trace of this text.
func shapeOf(t *testing.T, text string) *shape.Shape {
	t.Helper()
	s, err := shape.Measure(&shape.File{Name: "folder/requests <of> a day & more.csv",
		Open: func(o trace.Options) (*trace.Reader, error) {
			return trace.NewReader(strings.NewReader(text), "x", o)
		}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// longTrace has two weeks of requests to functions with awkward names.
func longTrace() string {
	random := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	b.WriteString("arrival_s,function,prompt_tokens,demand_s,status\n")
	for at := 0.0; at < 15*86400; at += random.ExpFloat64() * 100 {
		name := []string{"/v1/images", "<script>alert(1)</script>", strings.Repeat("long/", 40), "übergröße"}[random.IntN(4)]
		b.WriteString(strings.Join([]string{numeral(at), name, numeral(float64(random.IntN(9000))), numeral(random.Float64()),
			[]string{"200", "500"}[random.IntN(2)]}, ",") + "\n")
	}
	return b.String()
}

func numeral(v float64) string {
	b, _ := json.Marshal(v)
	return string(b)
}

// TestTraceReports: every report of every trace is whole: the text fits its columns, the page runs
// nothing of the file's, the pictures can be drawn.
func TestTraceReports(t *testing.T) {
	for name, text := range map[string]string{"one row": "5\n", "ties": "1\n1\n1\n", "a few": "0\n1\n2.5\n9\n",
		"long": longTrace(), "silence": "time\n2025-05-17T10:00:00Z\n2025-08-17T10:00:00Z\n",
		"rates": "time,rate\n0,100\n60,0\n120,250\n", "bad": "time,x\n1,2\nnever,3\n2,1\n3,1\n"} {
		t.Run(name, func(t *testing.T) {
			s := shapeOf(t, text)
			for _, columns := range []int{60, 100, 160} {
				var b bytes.Buffer
				if err := TraceTerminal(&b, s, TerminalOptions{Width: columns}); err != nil {
					t.Fatal(err)
				}
				for _, line := range strings.Split(b.String(), "\n") {
					if utf8.RuneCountInString(line) > columns || strings.Contains(line, "NaN") ||
						strings.Contains(line, "%!") {
						t.Errorf("%d columns: %q", columns, line)
					}
				}
			}
			dir := filepath.Join(t.TempDir(), "out")
			if err := WriteTrace(dir, s, Options{}); err != nil {
				t.Fatal(err)
			}
			page, err := os.ReadFile(filepath.Join(dir, "report.html"))
			if err != nil || bytes.Contains(page, []byte("<script>alert")) || bytes.Contains(page, []byte("<of>")) {
				t.Errorf("the page holds names as they are: %v", err)
			}
			var back shape.Shape
			if text, err := os.ReadFile(filepath.Join(dir, "trace.json")); err != nil || json.Unmarshal(text, &back) != nil ||
				back.Arrivals != s.Arrivals {
				t.Errorf("trace.json: %v", err)
			}
		})
	}
}

func TestFitReport(t *testing.T) {
	f := &TraceFit{File: "x.csv", Judged: 100, SpanS: 60, Runs: 2, Functions: []string{"short"},
		Trace: TraceFitRow{Name: "the file itself", By: [][3]float64{{0.1, 0.5, 2}}}, Arrivals: "{process: poisson, rate: 1/s}",
		Rows: []TraceFitRow{{Name: "poisson", What: "a constant rate, Poisson", Numbers: 1, Error: 0.05, Worst: 0.12,
			By: [][3]float64{{0.1, 0.6, 2.1}}}}}
	var b bytes.Buffer
	if err := TraceFitTerminal(&b, f, TerminalOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"a constant rate, Poisson: latency and cost are 5% off on average, 12% at the most",
		"the file itself", "600 ms", "arrivals: {process: poisson, rate: 1/s}"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}

// A file of a few rows is neither like a Poisson process nor unlike it.
func TestShortTraceHasNoVerdict(t *testing.T) {
	s := &shape.Shape{File: "x.csv", Arrivals: 3, SpanS: 2, RatePerS: 1.5,
		Verdict: shape.Verdict{Text: "too short to tell: at least 100 arrivals in ten windows are needed"}}
	if word := tracePage(s).Verdict.Word; word != "Too short to tell" {
		t.Errorf("the page says %q", word)
	}
}

// TestWeekdaysHaveNames: the week of a file with dates begins on Monday, and its days have names.
func TestWeekdaysHaveNames(t *testing.T) {
	var b strings.Builder
	b.WriteString("time\n")
	for day := 1; day <= 15; day++ { // 2025-09-01 is a Monday
		for hour := range 24 {
			at := fmt.Sprintf("2025-09-%02dT%02d:00:00Z\n", day, hour)
			b.WriteString(at)
			if day%7 == 3 { // Wednesdays are busy
				b.WriteString(strings.Replace(at, ":00:00Z", ":20:00Z", 1))
			}
		}
	}
	c, ok := weekdayChart(shapeOf(t, b.String()))
	if !ok {
		t.Fatal("there is no chart of weekdays")
	}
	busiest := 0
	for i, y := range c.XY.Series[0].Y {
		if y > c.XY.Series[0].Y[busiest] {
			busiest = i
		}
	}
	if names := c.XY.X.Names; len(names) != 7 || names[busiest] != "Wed" {
		t.Errorf("day %d of %v is the busiest, want Wed", busiest, names)
	}
}

// TestTracePageHasNoHole: a chart that would stand alone in a row of two takes all of it.
func TestTracePageHasNoHole(t *testing.T) {
	p := tracePage(shapeOf(t, longTrace()))
	if err := writePage(io.Discard, p); err != nil {
		t.Fatal(err)
	}
	charts, column := 0, 0
	for _, s := range p.Sections {
		for _, b := range s.Blocks {
			switch c := b.Chart; {
			case c == nil || c.Wide || c.Grid != nil:
				if column == 1 {
					t.Errorf("section %s: a hole before block %d", s.ID, charts)
				}
				column = 0
			default:
				column = 1 - column
			}
			charts++
		}
		if column == 1 {
			t.Errorf("section %s ends with a hole", s.ID)
		}
	}
}
