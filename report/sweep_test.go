package report

import (
	"bytes"
	"encoding/csv"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/internal/specimen"
)

// aSweep is a sweep of two keys over results that look real; one point is impossible.
func aSweep() *experiment.Sweep {
	s := &experiment.Sweep{Simcap: "test", Scenario: "embeddings", Seed: 1, Cost: "cost.per_hour",
		Latency: "latency.p99", Axes: []experiment.Axis{
			{Key: "functions.embed.min_containers", Values: []string{"0", "2"}},
			{Key: "functions.embed.scaledown_window", Values: []string{"10s", "60s"}}}, Planned: 4}
	grid, err := experiment.Grid(s.Axes)
	if err != nil {
		panic(err)
	}
	for i, p := range grid {
		point := experiment.SweepPoint{Index: i, Point: p}
		if i == 3 {
			point.Verdict, point.Error = experiment.Impossible, "min_containers (2) is more than max_containers (1)"
		} else {
			kind := specimen.Day()
			kind.RatePerS += float64(10 * i)
			kind.ColdS /= float64(i + 1)
			point.Result = specimen.Make(kind)
			point.Verdict = point.Result.SLOVerdict()
		}
		s.Points = append(s.Points, point)
	}
	s.Mark()
	return s
}

// TestSweepTables: CSV and Parquet hold the same numbers as the results, and the same bytes each time.
func TestSweepTables(t *testing.T) {
	s := aSweep()
	var text, binary, again bytes.Buffer
	if err := SweepCSV(&text, s); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(&text).ReadAll()
	if err != nil || len(lines) != 5 {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	if err := SweepParquet(&binary, s); err != nil {
		t.Fatal(err)
	}
	if err := SweepParquet(&again, s); err != nil || !bytes.Equal(binary.Bytes(), again.Bytes()) {
		t.Errorf("a second time the bytes are others (%v)", err)
	}
	file, err := parquet.OpenFile(bytes.NewReader(binary.Bytes()), int64(binary.Len()))
	if err != nil {
		t.Fatal(err)
	}
	rows := make([]parquet.Row, 5)
	n, _ := parquet.NewReader(file).ReadRows(rows)
	if n != 4 {
		t.Fatalf("%d rows", n)
	}
	columns := file.Schema().Columns()
	for i := range 4 {
		for k, path := range columns {
			at := indexOf(lines[0], path[0])
			if at < 0 {
				t.Fatalf("no column %s in the CSV", path[0])
			}
			cell, value := lines[i+1][at], rows[i][k]
			switch {
			case value.IsNull():
				if cell != "" {
					t.Errorf("%s of point %d: null against %q", path[0], i, cell)
				}
			case value.Kind() == parquet.ByteArray:
				if string(value.ByteArray()) != cell {
					t.Errorf("%s of point %d: %q against %q", path[0], i, value.ByteArray(), cell)
				}
			default:
				if got := parse(t, cell); got != value.Double() {
					t.Errorf("%s of point %d: %v against %q", path[0], i, value.Double(), cell)
				}
			}
		}
	}
	p99 := parse(t, lines[2][indexOf(lines[0], "latency.p99")])
	if p99 != *s.Points[1].Result.Total.LatencyS.P99.Value {
		t.Errorf("p99 of the second point is %v", p99)
	}
}

func indexOf(names []string, name string) int {
	for i := range names {
		if names[i] == name {
			return i
		}
	}
	return -1
}

func parse(t *testing.T, text string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestSweepJSON: what is written reads back as the same bytes.
func TestSweepJSON(t *testing.T) {
	var first, second bytes.Buffer
	if err := SweepJSON(&first, aSweep()); err != nil {
		t.Fatal(err)
	}
	back, err := ReadSweepJSON(bytes.NewReader(first.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if err := SweepJSON(&second, back); err != nil || !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Errorf("read back otherwise (%v)", err)
	}
	for _, wrong := range []string{"", "[]", "{}", `{"axes": [{"key": "a", "values": ["1"]}]}`} {
		if _, err := ReadSweepJSON(strings.NewReader(wrong)); err == nil {
			t.Errorf("%q is read as a sweep", wrong)
		}
	}
}

// TestSweepTerminal: every width from 60 to 160 holds its lines, in the order of cost, with the marks.
func TestSweepTerminal(t *testing.T) {
	s := aSweep()
	for _, columns := range []int{60, 80, 100, 160} {
		var b strings.Builder
		if err := SweepTerminal(&b, s, TerminalOptions{Width: columns}); err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(b.String(), "\n") {
			if width(line) > columns {
				t.Errorf("%d columns: %q has %d", columns, line, width(line))
			}
		}
		for _, want := range []string{"min_containers", "impossible", "min_containers (2)", "cost per hour"} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%d columns: no %q in\n%s", columns, want, b.String())
			}
		}
	}
	last := math.Inf(-1)
	marks := 0
	for _, p := range s.ByCost() {
		cost, _, ok := s.Values(p)
		if p.Frontier {
			marks++
		}
		if !ok {
			last = math.Inf(1)
			continue
		}
		if *cost.Value < last {
			t.Error("not in the order of cost")
		}
		last = *cost.Value
	}
	if marks == 0 {
		t.Error("a sweep without a frontier")
	}
}
