package report

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/internal/specimen"
)

func specimens() map[string]*experiment.Result {
	return map[string]*experiment.Result{
		"day": specimen.Make(specimen.Day()), "five": specimen.Make(specimen.Five()),
		"once": specimen.Make(specimen.Once()), "huge": specimen.Make(specimen.Huge()),
		"chat":  specimen.Make(specimen.Chat()),
		"empty": specimen.Empty(), "zero": {},
	}
}

// No line is wider than asked for, and none ends in a blank.
func TestTerminalKeepsItsWidth(t *testing.T) {
	for name, r := range specimens() {
		for _, columns := range []int{60, 80, 100, 120, 160} {
			var b strings.Builder
			if err := Terminal(&b, r, TerminalOptions{Width: columns}); err != nil {
				t.Fatal(err)
			}
			for n, line := range strings.Split(b.String(), "\n") {
				if width(line) > columns || strings.TrimRight(line, " ") != line {
					t.Errorf("%s at %d columns, line %d has %d: %q", name, columns, n+1, width(line), line)
				}
			}
		}
	}
}

// The summary answers in the order of the questions: SLO, cost, latency, reason, containers, advice.
func TestTerminalOrder(t *testing.T) {
	var b strings.Builder
	if err := Terminal(&b, specimen.Make(specimen.Day()),
		TerminalOptions{Width: 100, OutDir: "out"}); err != nil {
		t.Fatal(err)
	}
	at := 0
	for _, word := range []string{"\nSLO ", "MISSED", "kept", "unsure", "\nCOST ", "per month",
		"idle 34%", "\nLATENCY ",
		"\nWHY ", "above p99.9", "cold start 85%", "\nCONTAINERS ", "24 h", "\nNEXT ", "min_containers=1",
		"\nWARNINGS ", "\nREPORT ", "report.html"} {
		next := strings.Index(b.String()[at:], word)
		if next < 0 {
			t.Fatalf("%q is missing after %q", word, b.String()[:at])
		}
		at += next
	}
}

// Colours change nothing but colours.
func TestTerminalColours(t *testing.T) {
	for name, r := range specimens() {
		var plain, coloured strings.Builder
		if err := Terminal(&plain, r, TerminalOptions{Width: 90}); err != nil {
			t.Fatal(err)
		}
		if err := Terminal(&coloured, r, TerminalOptions{Width: 90, Color: true}); err != nil {
			t.Fatal(err)
		}
		stripped := regexp.MustCompile("\x1b\\[[0-9;]*m").ReplaceAllString(coloured.String(), "")
		stripped = regexp.MustCompile(" +\n").ReplaceAllString(stripped, "\n")
		if stripped != plain.String() {
			t.Errorf("%s: colours move text", name)
		}
		if !strings.Contains(coloured.String(), "\x1b[") || strings.Contains(plain.String(), "\x1b") {
			t.Errorf("%s: colours where there should be none, or none where there should be", name)
		}
	}
}

// What is refused, too small, slow and idle is said, each once and with the settings in force.
func TestHints(t *testing.T) {
	five := hints(specimen.Make(specimen.Five()))
	text := strings.Join(five, "\n")
	for _, want := range []string{"grows to the end", "max_containers (now 8)", "pending_limit"} {
		if strings.Count(text, want) != 1 {
			t.Errorf("%q is not said once in:\n%s", want, text)
		}
	}
	day := specimen.Make(specimen.Day())
	if text := strings.Join(hints(day), "\n"); !strings.Contains(text, "scaledown_window (now 2 min)") {
		t.Errorf("the cold-start hint does not name the window:\n%s", text)
	}
	idle, busy := 90.0, 5.0
	for _, name := range functionNames(day) {
		day.Functions[name].CostUSD.Idle.Value, day.Functions[name].CostUSD.Busy.Value = &idle, &busy
	}
	// A missed latency asks for warm containers, a missed cost for fewer, both for a sweep.
	yes, no := true, false
	for _, test := range []struct {
		late, dear *bool
		want, not  string
	}{{&no, &yes, "Cold starts are", "idle time"}, {&yes, &no, "is idle time", "Cold starts are"},
		{&no, &no, "sweep its scaledown_window", "is idle time"},
		{&yes, &yes, "sweep its scaledown_window", "is idle time"}} {
		day.SLO[0].Met, day.SLO[2].Met = test.late, test.dear
		text := strings.Join(hints(day), "\n")
		if !strings.Contains(text, test.want) || strings.Contains(text, test.not) {
			t.Errorf("latency kept %v, cost kept %v:\n%s", *test.late, *test.dear, text)
		}
	}
	if got := hints(&experiment.Result{}); len(got) != 0 {
		t.Errorf("advice about nothing: %v", got)
	}
}

func TestHeadline(t *testing.T) {
	value, limit, yes, no := 1.24, 2.0, true, false
	verdict := experiment.Verdict{Metric: "latency.p99", Function: "embed", Max: &limit, Met: &yes,
		Value: experiment.Estimate{Value: &value}}
	want := "The SLO is kept: p99 latency of embed is 1.24 s, 38% below the limit of 2 s."
	if got := headline([]experiment.Verdict{verdict}); got != want {
		t.Errorf("got %q", got)
	}
	five := 5.0
	verdict.Value.Value, verdict.Met = &five, &no
	want = "The SLO is missed: p99 latency of embed is 5 s, 2.5× the limit of 2 s."
	if got := headline([]experiment.Verdict{verdict}); got != want {
		t.Errorf("got %q", got)
	}
	low, high := 1.9, 2.2
	verdict.Value, verdict.Met = experiment.Estimate{Value: &value, Low: &low, High: &high}, nil
	want = "The SLO is undecided: the interval of p99 latency of embed, 1.90–2.20 s, spans the limit of 2 s."
	if got := headline([]experiment.Verdict{verdict}); got != want {
		t.Errorf("got %q", got)
	}
}

func TestCells(t *testing.T) {
	for _, test := range []struct {
		shares []float64
		total  int
		want   []int
	}{{[]float64{1, 1, 1}, 10, []int{4, 3, 3}}, {[]float64{0, 0}, 5, []int{0, 0}},
		{[]float64{0.99, 0.01}, 10, []int{10, 0}},
		{[]float64{3, 1}, 4, []int{3, 1}}} {
		if got := cells(test.shares, test.total); !slices.Equal(got, test.want) {
			t.Errorf("cells(%v, %d) = %v", test.shares, test.total, got)
		}
	}
}
