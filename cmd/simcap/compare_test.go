package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/simcap/simcap/experiment"
)

func TestCompare(t *testing.T) {
	folder(t)
	o := simcap(t, "", "compare", "small.yaml", "--set", "functions.f.min_containers=3", "--set",
		"functions.f.gpu=A10; functions.f.min_containers=1", "--out", "c")
	o.expect(t, exitDone, "A  small", "")
	for _, want := range []string{"B  f.min_containers=3", "C  f.gpu=A10; f.min_containers=1", "COST", "LATENCY", "WHY",
		"cost per hour", "p99 latency", "mean cold time", "same", "%", "over 2 replications"} {
		if !strings.Contains(o.stdout, want) {
			t.Errorf("no %q in\n%s", want, o.stdout)
		}
	}
	for _, name := range []string{"c/compare.json", "c/compare.csv"} {
		if _, err := os.Stat(name); err != nil {
			t.Error(err)
		}
	}
	if err := os.WriteFile("other.yaml", []byte(strings.Replace(small, "T4", "L4", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	o = simcap(t, "", "compare", "small.yaml", "other.yaml", "--json", "--replications", "3")
	var c experiment.Comparison
	if err := json.Unmarshal([]byte(o.stdout), &c); err != nil || o.code != exitDone || o.stderr != "" {
		t.Fatalf("%v, exit code %d, stderr %q", err, o.code, o.stderr)
	}
	if len(c.Systems) != 2 || c.Systems[1].Name != "small (other.yaml)" || c.Replications != 3 {
		t.Errorf("%d systems, the second is %q, %d replications", len(c.Systems), c.Systems[1].Name, c.Replications)
	}
	if _, err := os.Stat("simcap-out"); err == nil {
		t.Error("--json has written a folder")
	}
	alone := strings.Replace(small, "replications: 2", "replications: 1", 1)
	o = simcap(t, alone, "compare", "-", "--json", "--set", "functions.f.cpu=1")
	o.expect(t, exitDone, `"replications": 8`, "")
	simcap(t, "", "compare", "small.yaml").expect(t, exitUsage, "", "name some, for example --set")
	simcap(t, "", "compare", "small.yaml", "--set", "functions.f.gpo=L4").expect(t, exitUsage, "", `did you mean "gpu"?`)
	simcap(t, "", "compare", "small.yaml", "--set", ";").expect(t, exitUsage, "", "sets nothing")
	simcap(t, "", "compare", "small.yaml", "--set", "seed=1", "--set", "seed=1").expect(t, exitUsage, "", "is there twice")
	simcap(t, "", "compare", "small.yaml", "nowhere.yaml").expect(t, exitUsage, "", "nowhere.yaml")
}

func TestCapacity(t *testing.T) {
	folder(t)
	tight := strings.Replace(small, "max: 1s", "max: 205ms", 1)
	tight = strings.Replace(tight, "cold_start: 2s", "cold_start: 2s\n    min_containers: 2\n    max_containers: 2", 1)
	if err := os.WriteFile("tight.yaml", []byte(tight), 0o644); err != nil {
		t.Fatal(err)
	}
	o := simcap(t, "", "capacity", "tight.yaml", "--precision", "5%", "--out", "c")
	o.expect(t, exitDone, "times the scenario's rate", "")
	for _, want := range []string{"beyond it latency.p50 is missed first", "there it costs $", "MISSED", "kept", "≤ 205 ms"} {
		if !strings.Contains(o.stdout, want) {
			t.Errorf("no %q in\n%s", want, o.stdout)
		}
	}
	o = simcap(t, "", "capacity", "tight.yaml", "--gpu", "T4,L4", "--json", "--precision", "0.1")
	var c experiment.Capacity
	if err := json.Unmarshal([]byte(o.stdout), &c); err != nil || len(c.Searches) != 2 {
		t.Fatalf("%v, %d searches\n%s", err, len(c.Searches), o.stderr)
	}
	if c.Searches[0].Variant.String() != "functions.f.gpu=T4" || *c.Searches[0].RatePerS.Value != *c.Searches[1].RatePerS.Value {
		t.Errorf("%s: %v, %s: %v", c.Searches[0].Variant, *c.Searches[0].RatePerS.Value, c.Searches[1].Variant,
			*c.Searches[1].RatePerS.Value)
	}
	never := strings.Replace(tight, "max: 205ms", "max: 1ms", 1)
	simcap(t, never, "capacity", "-", "--quiet", "--out", "d").expect(t, exitSLO, "", "")
	simcap(t, "", "capacity", "tight.yaml", "--precision", "0").expect(t, exitUsage, "", "is not a share")
	simcap(t, "", "capacity", "tight.yaml", "--workload", "v").expect(t, exitUsage, "", `no workload "v"`)
	simcap(t, "", "capacity", "tight.yaml", "--ignore", "latency.p51").expect(t, exitUsage, "", "did you mean")
	simcap(t, "", "capacity", "tight.yaml", "--ignore", "latency.p50").expect(t, exitUsage, "", "slo")
	simcap(t, "", "capacity", "tight.yaml", "--gpu", "T5").expect(t, exitUsage, "", "T5")
}

// TestCapacityIsInterrupted keeps and reports the replications of the first rate, with exit code 130.
func TestCapacityIsInterrupted(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows cannot send a process an interrupt")
	}
	folder(t)
	cmd := program(t, "capacity", "small.yaml", "--replications", "1000000", "--out", "c")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second)
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != exitInterrupted ||
		!strings.Contains(stderr.String(), "interrupted after 1 rate; what was finished is kept") ||
		!strings.Contains(stdout.String(), "interrupted after 1 rate: the highest of them keeps the SLO") {
		t.Errorf("exit code %d\n%s%s", code, stdout.String(), stderr.String())
	}
	for _, name := range []string{"capacity.json", "report.html"} {
		if _, err := os.Stat(filepath.Join("c", name)); err != nil {
			t.Error(err)
		}
	}
}
