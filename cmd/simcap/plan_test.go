package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/simcap/simcap/report"
)

// The small scenario takes requests of 200 ms, two a second, and starts in 2 s: any of the settings keeps
// a median of 1 s, so that the cheapest are those that keep few containers for a short time.
func TestPlan(t *testing.T) {
	folder(t)
	args := []string{"plan", "small.yaml", "--budget", "20s", "--no-sensitivity",
		"--search", "functions.f.min_containers=0..2", "--search", "functions.f.scaledown_window=10s,60s"}
	o := simcap(t, "", args...)
	o.expect(t, exitDone, "per month keeps every SLO", "")
	for _, part := range []string{"@app.function(min_containers=", "COMPARED", "p50 latency ≤ 1 s", "ONE STEP",
		"min_containers 1 → 2", "scaledown_window 10s → 60s", filepath.Join("simcap-out", "small-plan", "report.html")} {
		if !strings.Contains(o.stdout, part) {
			t.Errorf("no %q in\n%s", part, o.stdout)
		}
	}
	for _, name := range []string{"plan.json", "plan.csv", "report.html"} {
		if _, err := os.Stat(filepath.Join("simcap-out", "small-plan", name)); err != nil {
			t.Error(err)
		}
	}
	// The same question again gives the same answer, and its folder is replaced.
	again := simcap(t, "", append(args, "--workers", "1")...)
	if again.code != exitDone || again.stdout != o.stdout {
		t.Errorf("exit code %d, and another answer:\n%s", again.code, again.stdout)
	}
}

func TestPlanJSON(t *testing.T) {
	folder(t)
	o := simcap(t, "", "plan", "small.yaml", "--json", "--budget", "10s", "--search", "functions.f.min_containers=0,1")
	r, err := report.ReadPlanJSON(strings.NewReader(o.stdout))
	if err != nil || o.code != exitDone || !r.Kept || len(r.Sensitivity) != 2 {
		t.Fatalf("exit code %d, %v, %+v\n%s", o.code, err, r, o.stderr)
	}
	var b bytes.Buffer
	if err := report.PlanJSON(&b, r); err != nil || b.String() != o.stdout {
		t.Errorf("a plan that is read and written again is another: %v", err)
	}
	if entries, err := os.ReadDir("."); err != nil || len(entries) != 1 {
		t.Errorf("--json has left files: %v, %v", entries, err)
	}
	var explored []struct{ Values []string }
	if err := json.Unmarshal([]byte(o.stdout[strings.Index(o.stdout, `"explored": `)+12:strings.LastIndex(o.stdout, `,
  "warnings"`)]), &explored); err != nil || len(explored) != 2 {
		t.Errorf("%d of 2 settings explored: %v", len(explored), err)
	}
}

// Nothing keeps a median of a millisecond: exit code 3, and the closest settings.
func TestPlanWithoutAnswer(t *testing.T) {
	folder(t)
	simcap(t, "", "plan", "small.yaml", "--budget", "5s", "--no-sensitivity", "--set", "slo.0.max=1ms",
		"--search", "functions.f.min_containers=0..1").expect(t, exitSLO, "no setting keeps the SLO", "")
}

func TestPlanRefuses(t *testing.T) {
	folder(t)
	const search = "--search=functions.f.min_containers=0..2"
	simcap(t, "", "plan", "small.yaml").expect(t, exitUsage, "", "--search functions.f.min_containers=0..4")
	simcap(t, "", "plan", "small.yaml", search, "--set", "slo=[]").expect(t, exitUsage, "", "no slo")
	simcap(t, "", "plan", "small.yaml", search, "--set", "platform=none").expect(t, exitUsage, "", "price")
	simcap(t, "", "plan", "small.yaml", search, search).expect(t, exitUsage, "", "is there twice")
	simcap(t, "", "plan", "small.yaml", "--search", "functions.f.min_contaners=0..2").
		expect(t, exitUsage, "", `did you mean "min_containers"?`)
	simcap(t, "", "plan", "small.yaml", "--search", "functions.f.min_containers").expect(t, exitUsage, "", "KEY=VALUES")
	simcap(t, "", "plan", "small.yaml", search, "--budget", "10ms").expect(t, exitUsage, "", "--budget")
	simcap(t, "", "plan", "small.yaml", search, "--workers", "-1").expect(t, exitUsage, "", "--workers")
	simcap(t, "", "plan", "small.yaml", search, "--replications", "4").expect(t, exitUsage, "", "as many as it needs")
	simcap(t, "", "plan", "small.yaml", search, "--out", ".").expect(t, exitUsage, "", "holds no plan of simcap")

	// A profile that was not measured is no ground for a plan, unless that is what one wants.
	profile := "simcap_profile: 1\nsynthetic: true\nservice: {time: 100ms}\n"
	if err := os.WriteFile("invented.yaml", []byte(profile), 0o644); err != nil {
		t.Fatal(err)
	}
	set := "--set=functions.f.service={profile: invented.yaml}"
	simcap(t, "", "plan", "small.yaml", search, set).expect(t, exitUsage, "", "was not measured")
	simcap(t, "", "plan", "small.yaml", search, set, "--force", "--json", "--no-sensitivity", "--budget", "5s").
		expect(t, exitDone, `"kept": true`, "")
}

// An interrupt gives what there is, marked, with exit code 130.
func TestPlanInterrupted(t *testing.T) {
	folder(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var stdout, stderr bytes.Buffer
	code := run(ctx, []string{"plan", "small.yaml", "--search", "functions.f.min_containers=0..2"}, strings.NewReader(""),
		&stdout, &stderr)
	if code != exitInterrupted || !strings.Contains(stderr.String(), "interrupted") {
		t.Errorf("exit code %d, want 130\n%s%s", code, stdout.String(), stderr.String())
	}
}
