package report

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"

	"github.com/simcap/simcap/experiment"
)

func number(v float64) *float64 { return &v }

// aComparison has three systems: the second dearer and faster beyond doubt, the third within noise.
func aComparison() *experiment.Comparison {
	e := func(v, half float64) experiment.Estimate {
		return experiment.Estimate{Value: number(v), Low: number(v - half), High: number(v + half)}
	}
	c := &experiment.Comparison{Simcap: "test", Replications: 8, Warnings: []string{"a and b do not match"}}
	for _, name := range []string{"as it is", "functions.embed.min_containers=2; functions.embed.scaledown_window=10s", "c"} {
		c.Systems = append(c.Systems, experiment.System{Name: name, Result: &experiment.Result{}})
	}
	c.Rows = []experiment.ComparisonRow{
		{Metric: "cost.per_hour", Values: []experiment.Estimate{e(3, 0.1), e(4, 0.1), e(3.01, 0.1)},
			Differences: []experiment.Difference{{}, {Absolute: e(1, 0.2), Relative: e(1.0/3, 0.07)},
				{Absolute: e(0.01, 0.05), Relative: e(0.003, 0.02), Noise: true}}},
		{Metric: "latency.p99", Values: []experiment.Estimate{e(2, 0.1), e(1, 0.1), e(2, 0.1)},
			Differences: []experiment.Difference{{}, {Absolute: e(-1, 0.2), Relative: e(-0.5, 0.1)},
				{Absolute: e(0, 0), Relative: e(0, 0), Noise: true}}},
		{Metric: "rejected_fraction", Values: []experiment.Estimate{e(0, 0), e(0.01, 0.001), {}},
			Differences: []experiment.Difference{{}, {Absolute: e(0.01, 0.001)}, {Noise: true}}},
		{Metric: "breakdown.queue", Values: []experiment.Estimate{e(0, 0), e(0, 0), e(0, 0)},
			Differences: make([]experiment.Difference, 3)},
	}
	return c
}

// TestComparisonTerminal: sure differences with their sign and interval, noise as ~, equals as same, and no
// rows of nothing.
func TestComparisonTerminal(t *testing.T) {
	var b strings.Builder
	if err := ComparisonTerminal(&b, aComparison(), TerminalOptions{Width: 160}); err != nil {
		t.Fatal(err)
	}
	lines := map[string]string{}
	for _, line := range strings.Split(b.String(), "\n") {
		if len(line) > 26 && line[:2] == "  " {
			lines[strings.TrimSpace(line[2:24])] = line
		}
	}
	for _, c := range []struct {
		label string
		want  []string
	}{
		{"cost per hour", []string{"$3.00", "$4.00", "+33% (+26% to +40%)", "~"}},
		{"p99 latency", []string{"2 s", "1 s", "-50% (-60% to -40%)", "same"}},
		{"rejected fraction", []string{"0%", "1%", "+1%"}},
	} {
		for _, want := range c.want {
			if !strings.Contains(lines[c.label], want) {
				t.Errorf("%s: no %q in %q", c.label, want, lines[c.label])
			}
		}
	}
	if strings.Contains(b.String(), "queue") {
		t.Error("a row of nothing")
	}
	for _, columns := range []int{60, 80, 100} {
		b.Reset()
		if err := ComparisonTerminal(&b, aComparison(), TerminalOptions{Width: columns}); err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(b.String(), "\n") {
			if width(line) > columns {
				t.Errorf("%d columns: %q has %d", columns, line, width(line))
			}
		}
	}
}

func TestComparisonCSV(t *testing.T) {
	var b bytes.Buffer
	if err := ComparisonCSV(&b, aComparison()); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(&b).ReadAll()
	if err != nil || len(lines) != 13 {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	want := "latency.p99,,,functions.embed.min_containers=2; functions.embed.scaledown_window=10s,1,0.9,1.1,-1,-1.2,-0.8,-0.5,-0.6,-0.4,false"
	if got := strings.Join(lines[5], ","); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// TestCapacityTerminal: the answer with its interval, what comes first beyond it, and the rates in order.
func TestCapacityTerminal(t *testing.T) {
	step := func(factor float64, verdict string, met *bool) experiment.CapacityStep {
		return experiment.CapacityStep{Factor: factor, RatePerS: 10 * factor, Verdict: verdict, Replications: 8,
			SLO: []experiment.Verdict{{Metric: "latency.p99", Max: number(2), Met: met,
				Value: experiment.Estimate{Value: number(factor), Low: number(factor - 0.1), High: number(factor + 0.1)}}}}
	}
	yes, no := true, false
	c := &experiment.Capacity{Scenario: "embeddings", Seed: 1, Workloads: []string{"web"},
		Searches: []experiment.CapacitySearch{{Variant: experiment.Point{}, Bounded: true, Limit: "latency.p99",
			RatePerS: experiment.Estimate{Value: number(20), Low: number(19), High: number(21)},
			Factor:   experiment.Estimate{Value: number(2)},
			Steps:    []experiment.CapacityStep{step(4, "missed", &no), step(1, "kept", &yes), step(2, "undecided", nil)}}}}
	var b strings.Builder
	if err := CapacityTerminal(&b, c, TerminalOptions{}); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	last := -1
	for _, want := range []string{"20/s (19.0–21.0/s) inputs, 2 times", "beyond it latency.p99", "10/s", "kept",
		"unsure", "MISSED", "≤ 2 s"} {
		at := strings.Index(text[max(0, last):], want)
		if at < 0 {
			t.Fatalf("no %q behind the others in\n%s", want, text)
		}
		last = max(0, last) + at
	}
	var table bytes.Buffer
	if err := CapacityCSV(&table, c); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(&table).ReadAll()
	if err != nil || len(lines) != 4 || strings.Join(lines[1], ",") != ",1,10,kept,8,1,0.9,1.1" {
		t.Errorf("%v, %q", err, lines)
	}
}

// A rate that was missed is listed with what it missed, not with what was kept by the least.
func TestCapacityPageNamesWhatIsMissed(t *testing.T) {
	no, yes := false, true
	c := &experiment.Capacity{Scenario: "x", Searches: []experiment.CapacitySearch{{Bounded: true,
		Limit:    "rejected_fraction of web",
		RatePerS: experiment.Estimate{Value: number(20)}, Factor: experiment.Estimate{Value: number(2)},
		Steps: []experiment.CapacityStep{{Factor: 2, RatePerS: 20, Verdict: "missed", SLO: []experiment.Verdict{
			{Metric: "latency.p50", Max: number(1), Met: &yes, Value: experiment.Estimate{Value: number(0.9)}},
			{Metric: "rejected_fraction", Max: number(0.001), Met: &no,
				Value: experiment.Estimate{Value: number(0.1)}}}}}}}}
	v := newCapacityView(c)
	cells := v.table().Rows[0].Cells
	if text := cells[len(cells)-1].Text; !strings.HasPrefix(text, "rejected fraction") {
		t.Errorf("the table says that %q decides", text)
	}
	if text := v.answer(0); !strings.HasSuffix(text, "; beyond it rejected fraction of web is missed first") {
		t.Errorf("the answer is %q", text)
	}
}
