package report

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/experiment/plan"
)

func value(v, half float64) experiment.Estimate {
	low, high := v-half, v+half
	return experiment.Estimate{Value: &v, Low: &low, High: &high}
}

// planned is a plan of two keys, with every part filled in.
func planned() *plan.Result {
	limit, slack := 2.0, 0.25
	verdict := func(v float64, met bool) []experiment.Verdict {
		return []experiment.Verdict{{Metric: "latency.p95", Max: &limit, Value: value(v, 0.1), Met: &met}}
	}
	setting := func(least, window string, cost, p95 float64, keeps plan.Keeps) plan.Setting {
		return plan.Setting{Settings: experiment.Point{{Key: "functions.f.min_containers", Value: least},
			{Key: "functions.f.scaledown_window", Value: window}}, Replications: 8, Keeps: keeps,
			Cost: value(cost, 0.01), PerMonth: value(730*cost, 7.3), More: value(cost-2, 0.01),
			SLO: verdict(p95, keeps == plan.Yes)}
	}
	best := setting("1", "60s", 2, 1.5, plan.Yes)
	today := setting("3", "60s", 3, 1.2, plan.Yes)
	today.Settings = experiment.Point{}
	worse := setting("0", "60s", 1.5, 2.8, plan.No)
	same := setting("1", "60s", 4, 2.5, plan.No)
	other := setting("2", "60s", 4.5, 1.9, plan.Yes)
	return &plan.Result{
		Simcap: "test", Scenario: "planned", Seed: 1, Goal: "cost.per_hour", Kept: true, Best: &best, Today: &today,
		Space: plan.Space{Axes: []plan.Axis{{Key: "functions.f.min_containers", Values: []string{"0", "1", "2"}},
			{Key: "functions.f.scaledown_window", Values: []string{"60s"}}}, Settings: 3, Simulated: 3, Replications: 30,
			Exhaustive: true},
		Confidence: 0.993, Saving: &plan.Saving{Cost: value(1, 0.02), PerMonth: value(730, 14.6), Fraction: 1.0 / 3},
		Binding:   &plan.Binding{Objective: 0, Slack: 0.25, Breaks: 1, Cheaper: 1},
		Apply:     []plan.Snippet{{Function: "f", Arguments: []string{"min_containers=1", "scaledown_window=60"}}},
		RunnersUp: []plan.Setting{setting("2", "60s", 2.6, 1.1, plan.Yes)},
		Steps: []plan.Step{{Key: "functions.f.min_containers", From: "1", To: "0", Cheaper: true, Breaks: []int{0},
			Setting: worse}},
		Sensitivity: []plan.Variant{{Name: "traffic ×2", Same: &same, Best: &other, Kept: true,
			Moved: []string{"functions.f.min_containers"}}},
		Explored: []plan.Sample{{Values: []string{"0", "60s"}, Replications: 8, Cost: 1.5, Keeps: plan.No},
			{Values: []string{"1", "60s"}, Replications: 8, Cost: 2, Slack: &slack, Keeps: plan.Yes}},
		Warnings: []string{"take care"},
	}
}

func TestPlanTerminal(t *testing.T) {
	for _, columns := range []int{0, 60, 80, 160} {
		var b bytes.Buffer
		if err := PlanTerminal(&b, planned(), TerminalOptions{Width: columns, OutDir: "out"}); err != nil {
			t.Fatal(err)
		}
		text := strings.Join(strings.Fields(b.String()), " ")
		for _, part := range []string{"$1,460 per month keeps every SLO, $730.00 (33%) less than today's $2,190",
			"99% sure", "@app.function(min_containers=1, scaledown_window=60)", "p95 latency is 1.50 s, the limit 2 s",
			"−$365.00/month", "breaks p95 latency 2.80 s, limit 2 s", "traffic ×2:", "cheapest then: min_containers=2",
			"take care"} {
			if !strings.Contains(text, part) && columns != 60 {
				t.Errorf("%d columns: no %q in\n%s", columns, part, b.String())
			}
		}
		most := columns
		if most == 0 {
			most = usualWidth
		}
		for _, line := range strings.Split(b.String(), "\n") {
			if width(line) > most {
				t.Errorf("%d columns: %d in %q", columns, width(line), line)
			}
		}
	}
}

// Where today's settings and the answer have different numbers of replications, both are named.
func TestPlanSaysUnevenReplications(t *testing.T) {
	r := planned()
	r.Today.Replications, r.Best.Replications = 12, 40
	const want = "today's cost is the mean of 12 replications, the answer's that of 40; the difference is that of the 12 that both have"
	for _, both := range []bool{true, false} {
		var text bytes.Buffer
		if err := PlanTerminal(&text, r, TerminalOptions{}); err != nil {
			t.Fatal(err)
		}
		page := newPlanView(r).savingSentence()
		if strings.Contains(strings.Join(strings.Fields(text.String()), " "), want) != both ||
			strings.Contains(page, want[1:]) != both {
			t.Errorf("told: %v, want %v\n%s%s", !both, both, text.String(), page)
		}
		r.Today.Replications = 40
	}
}

// A plan without an answer names the closest settings and does not say what to paste.
func TestPlanTerminalWithoutAnswer(t *testing.T) {
	r := planned()
	r.Kept, r.Best, r.Saving, r.Stopped = false, &r.Steps[0].Setting, nil, plan.OverBudget
	var b bytes.Buffer
	if err := PlanTerminal(&b, r, TerminalOptions{}); err != nil {
		t.Fatal(err)
	}
	for part, there := range map[string]bool{"no setting that is sure to keep the SLO was found yet": true,
		"functions.f.min_containers=0": true, "cut short by --budget": true, "PASTE": false, "keeps every SLO": false} {
		if strings.Contains(b.String(), part) != there {
			t.Errorf("%q there: %v, in\n%s", part, !there, b.String())
		}
	}
	var empty bytes.Buffer
	if err := PlanTerminal(&empty, &plan.Result{Scenario: "x"}, TerminalOptions{}); err != nil ||
		!strings.Contains(empty.String(), "nothing was simulated") {
		t.Errorf("%v\n%s", err, empty.String())
	}
}

func TestPlanCSV(t *testing.T) {
	var b bytes.Buffer
	if err := PlanCSV(&b, planned()); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil || len(rows) != 3 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	want := "1,60s,yes,2,0.25,latency.p95,8,false"
	if got := strings.Join(rows[2], ","); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if rows[1][4] != "" {
		t.Errorf("no slack is written as %q", rows[1][4])
	}
}
