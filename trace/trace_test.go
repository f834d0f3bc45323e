package trace

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/simcap/simcap/sim"
)

// shared is the folder of data beside the checkout; the test is skipped where it is absent.
func shared(t *testing.T, path string) string {
	t.Helper()
	full := filepath.Join("..", "..", "shared", "data", path)
	if _, err := os.Stat(full); err != nil {
		t.Skipf("%s is not beside this checkout", path)
	}
	return full
}

// readAll reads all rows and fails the test on an error or on rows out of order.
func readAll(t *testing.T, r *Reader) []Row {
	t.Helper()
	defer r.Close()
	var rows []Row
	for {
		var row Row
		ok, err := r.Next(&row)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return rows
		}
		if n := len(rows); n > 0 && row.At < rows[n-1].At {
			t.Fatalf("row %d at %d comes after one at %d", n, row.At, rows[n-1].At)
		}
		rows = append(rows, row)
	}
}

// readText reads a file of this text.
func readText(t *testing.T, text string, o Options) ([]Row, *Report) {
	t.Helper()
	r, err := NewReader(strings.NewReader(text), "text", o)
	if err != nil {
		t.Fatal(err)
	}
	rows := readAll(t, r)
	return rows, r.Report()
}

// failText is the error of reading this text.
func failText(t *testing.T, text string, o Options) string {
	t.Helper()
	r, err := NewReader(strings.NewReader(text), "text", o)
	for err == nil {
		var row Row
		ok := false
		if ok, err = r.Next(&row); err == nil && !ok {
			t.Fatalf("no error for %.60q", text)
		}
	}
	return err.Error()
}

func timesOf(rows []Row) []sim.Time {
	at := make([]sim.Time, len(rows))
	for i := range rows {
		at[i] = rows[i].At
	}
	return at
}

func sameTimes(a, b []sim.Time) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestSecondsAreExactAndOnTheProcessClock(t *testing.T) {
	rows, r := readText(t, "arrival\n0.5\n1.0000000005\r\n1.1\n\n1.1\n3600", Options{})
	want := []sim.Time{500000000, 1000000001, 1100000000, 1100000000, 3600000000000}
	if r.Format != "seconds" || !sameTimes(timesOf(rows), want) {
		t.Errorf("format %s: %v, want %v", r.Format, timesOf(rows), want)
	}
	if r.Records != 5 || r.Tick != 0 || len(r.Warnings) != 0 {
		t.Errorf("report %+v", r)
	}
}

func TestUnsortedSecondsAreSorted(t *testing.T) {
	rows, r := readText(t, "3\n1\n2\n0\n", Options{Format: "seconds"})
	want := []sim.Time{0, sim.Second, 2 * sim.Second, 3 * sim.Second}
	if !sameTimes(timesOf(rows), want) || r.Reordered != 3 || len(r.Warnings) != 1 {
		t.Errorf("%v, %d reordered, warnings %q", timesOf(rows), r.Reordered, r.Warnings)
	}
	if msg := failText(t, "3\n1\n", Options{Strict: true}); !strings.Contains(msg, "line 2") {
		t.Errorf("strict: %s", msg)
	}
}

func TestAzureLLM(t *testing.T) {
	for file, want := range map[string]struct {
		rows             int
		span             float64 // seconds
		prompt, output   float64 // means
		prompt0, output0 float64
	}{
		"AzureLLMInferenceTrace_code.csv": {8819, 3435.95, 2048, 28, 4808, 10},
		"AzureLLMInferenceTrace_conv.csv": {19366, 3501.72, 1155, 211, 374, 44},
	} {
		r, err := Open(shared(t, "traces/azure-llm-2023/"+file), Options{})
		if err != nil {
			t.Fatal(err)
		}
		rows := readAll(t, r)
		rep := r.Report()
		if rep.Format != "azure_llm" || len(rows) != want.rows || rep.Bad != 0 {
			t.Errorf("%s: format %s, %d rows, %d bad", file, rep.Format, len(rows), rep.Bad)
		}
		if got := rep.Span().Seconds(); math.Abs(got-want.span) > 0.1 {
			t.Errorf("%s: span %v s, want %v", file, got, want.span)
		}
		prompt, output := 0.0, 0.0
		for i := range rows {
			prompt += rows[i].Prompt / float64(len(rows))
			output += rows[i].Output / float64(len(rows))
		}
		if math.Abs(prompt-want.prompt) > 0.5 || math.Abs(output-want.output) > 0.5 {
			t.Errorf("%s: mean tokens %v and %v", file, prompt, output)
		}
		if rows[0].At != 0 || rows[0].Prompt != want.prompt0 || rows[0].Output != want.output0 {
			t.Errorf("%s: first row %+v", file, rows[0])
		}
	}
}
