package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/simcap/simcap/report"
	"github.com/simcap/simcap/trace"
	"github.com/simcap/simcap/trace/shape"
)

// accessLog writes a log of two functions and a health check whose rate moves.
func accessLog(t *testing.T, name string, n int) {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	at := 0.0
	for i := range n {
		at += random.ExpFloat64() / (3 + 2*math.Sin(at/300))
		path, status := "/v1/images", 200
		switch {
		case i%10 == 0:
			path = "/healthz"
		case i%4 == 0:
			path = "/v1/upscale"
		}
		if i%50 == 7 {
			status = 503
		}
		fmt.Fprintf(&b, "198.51.100.7 - - [%s] \"POST %s HTTP/1.1\" %d 2033 \"-\" \"curl\" rt=0.%03d\n",
			time.Unix(1747476000+int64(at), 0).UTC().Format("02/Jan/2006:15:04:05 -0700"), path, status, 100+i%300)
	}
	if err := os.WriteFile(name, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestTraceFormats(t *testing.T) {
	o := simcap(t, "", "trace", "--formats")
	o.expect(t, exitDone, "gzip or zstd", "")
	for _, f := range trace.Formats() {
		if !strings.Contains(o.stdout, f.Name+" ") {
			t.Errorf("%s is not listed", f.Name)
		}
	}
}

func TestTrace(t *testing.T) {
	folder(t)
	accessLog(t, "access.log", 2000)
	o := simcap(t, "", "trace", "access.log", "--only", "function!=/healthz")
	for _, want := range []string{"1,800 arrivals", "200 filtered out", "nginx_timed", "TRAFFIC", "BURSTINESS", "QUEUE",
		"/v1/upscale", "the file's clock is coarse", "demand", "simcap-out/access.log-trace/report.html"} {
		o.expect(t, exitDone, want, "")
	}
	for _, file := range []string{"report.html", "trace.json", "rate.png", "queue.png", "dispersion.png"} {
		if info, err := os.Stat("simcap-out/access.log-trace/" + file); err != nil || info.Size() < 1000 {
			t.Errorf("%s: %v", file, err)
		}
	}
	var s shape.Shape
	if err := json.Unmarshal([]byte(simcap(t, "", "trace", "access.log", "--json").stdout), &s); err != nil ||
		s.Arrivals != 2000 || s.Failed != 40 || len(s.Functions) != 3 {
		t.Errorf("%v: %d arrivals, %d failed, %d functions", err, s.Arrivals, s.Failed, len(s.Functions))
	}
	text, _ := os.ReadFile("access.log")
	simcap(t, string(text), "trace", "-", "--json").expect(t, exitDone, `"arrivals": 2000`, "")
	simcap(t, "", "trace", "access.log", "-q", "--out", ".").expect(t, exitUsage, "", "holds no findings of simcap")
	simcap(t, "", "trace", "access.log", "-q").expect(t, exitDone, "", "")
}

func TestMistakesWithTraces(t *testing.T) {
	folder(t)
	accessLog(t, "access.log", 100)
	os.WriteFile("table.csv", []byte("wann,x\n1,2\nnie,3\n5,4\n"), 0o644)
	for _, c := range []struct{ args, stderr string }{
		{"trace nowhere.log", "no such file"},
		{"trace small.yaml", "not recognised"},
		{"trace .", "is a folder"},
		{"trace", "0 arguments given; usage: simcap trace FILE"},
		{"trace access.log --format apache", "unknown trace format"},
		{"trace access.log --format combine", `did you mean "combined"`},
		{"trace access.log --only path=/x", "unknown field"},
		{"trace access.log --from soon", "--from"},
		{"trace access.log --from 2h --to 1h", "empty"},
		{"trace access.log --only function=/x", "leaves all out"},
		{"trace access.log --column tiem=x", `did you mean "time"`},
		{"trace access.log --column time", "ROLE=COLUMN"},
		{"trace access.log --anonymize", "is for --export"},
		{"trace access.log --fold month", "expected day or week"},
		{"trace table.csv", "not recognised"},
		{"trace table.csv --column time=wan", `did you mean "wann"`},
		{"trace table.csv --column time=wann --strict", "line 3"},
		{"trace fit -", "name it"},
		{"trace fit access.log --judge-runs 0", "--judge-runs"},
		{"trace fit access.log --workload web", "is for --scenario"},
		{"trace fit access.log --scenario small.yaml --workload ww", `did you mean "w"`},
		{"init --from-trace nowhere.log", "no such file"},
		{"init --from-trace - ", "name it"},
		{"init --from-trace access.log small", "1 argument given; usage: simcap init"},
	} {
		o := simcap(t, "", strings.Fields(c.args)...)
		o.expect(t, exitUsage, "", c.stderr)
		if o.stdout != "" {
			t.Errorf("%s: printed %q", c.args, o.stdout)
		}
	}
	simcap(t, "", "trace", "table.csv", "--column", "time=wann").expect(t, exitDone, "1 of 3 rows could not be read", "")
}

// TestExportedTracesAreReadAgain: the same arrivals, without names and dates.
func TestExportedTracesAreReadAgain(t *testing.T) {
	folder(t)
	accessLog(t, "access.log", 500)
	simcap(t, "", "trace", "access.log", "--export", "shared.csv", "--anonymize").expect(t, exitDone, "", "wrote shared.csv")
	text, _ := os.ReadFile("shared.csv")
	if s := string(text); !strings.HasPrefix(s, "arrival_s,function,demand_s,status\n0.") || strings.Contains(s, "images") ||
		strings.Contains(s, "2025-") {
		t.Errorf("%.200s", s)
	}
	simcap(t, "", "trace", "access.log", "--export", "shared.csv").expect(t, exitUsage, "", "is there already")
	var before, after shape.Shape
	for name, into := range map[string]*shape.Shape{"access.log": &before, "shared.csv": &after} {
		if err := json.Unmarshal([]byte(simcap(t, "", "trace", name, "--json").stdout), into); err != nil {
			t.Fatal(err)
		}
	}
	if after.Format != "csv" || after.Arrivals != before.Arrivals || after.Failed != before.Failed ||
		math.Abs(*after.CV-*before.CV) > 1e-6 || after.Functions[0].Name != "f1" ||
		after.Functions[0].Arrivals != before.Functions[0].Arrivals {
		t.Errorf("%+v\n%+v", before.Functions, after.Functions)
	}
}

// TestInitFromTrace: the scenario runs as it is, and its inputs are the rows of the file.
func TestInitFromTrace(t *testing.T) {
	folder(t)
	accessLog(t, "access.log", 500)
	simcap(t, "", "init", "--from-trace", "access.log", "--only", "function!=/healthz").
		expect(t, exitDone, "wrote access.yaml", "")
	text, _ := os.ReadFile("access.yaml")
	for _, want := range []string{"v1-images: # /v1/images", "v1-upscale:", `only: ["function!=/healthz", "function=/v1/upscale"]`,
		"take: [demand]", "# a guess"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	o := simcap(t, "", "run", "access.yaml", "--json", "-q", "--replications", "1", "--set", "platform=none")
	var r struct {
		Total struct {
			Inputs struct{ Submitted struct{ Value float64 } }
		}
	}
	if err := json.Unmarshal([]byte(o.stdout), &r); err != nil || r.Total.Inputs.Submitted.Value != 450 {
		t.Errorf("%v: %v inputs\n%s", err, r.Total.Inputs.Submitted.Value, o.stderr)
	}
	simcap(t, "", "init", "--from-trace", "access.log").expect(t, exitUsage, "", "not overwritten")
}

// TestTraceFit: the best of the workloads is near the file, and better than a constant rate.
func TestTraceFit(t *testing.T) {
	folder(t)
	accessLog(t, "access.log", 4000)
	o := simcap(t, "", "trace", "fit", "access.log", "--json", "--judge-runs", "2", "--file", "fitted.yaml")
	o.expect(t, exitDone, "steps of", "wrote fitted.yaml")
	var r report.FitResult
	if err := json.Unmarshal([]byte(o.stdout), &r); err != nil {
		t.Fatal(err)
	}
	best, constant := r.Candidates[0], 0.0
	for _, c := range r.Candidates {
		if c.Name == "poisson" {
			constant = c.Error
		}
	}
	if best.Error > 0.08 || constant < 1.5*best.Error || len(r.Trace) != 3 {
		t.Errorf("%s is %v off, a constant rate %v", best.Name, best.Error, constant)
	}
	simcap(t, "", "check", "fitted.yaml").expect(t, exitDone, "good", "")
	o = simcap(t, "", "trace", "fit", "access.log", "--scenario", "small.yaml", "--judge-runs", "1")
	for _, want := range []string{"BEST", "function f", "the file itself", "p99 latency", "arrivals: {process:"} {
		o.expect(t, exitDone, want, "")
	}
	again := simcap(t, "", "trace", "fit", "access.log", "--scenario", "small.yaml", "--judge-runs", "1")
	if again.stdout != o.stdout {
		t.Error("the same fit differs the second time")
	}
	simcap(t, "", "trace", "access.log", "-q").expect(t, exitDone, "", "")
	for _, dir := range []string{"access.log-trace", "access.log-fit"} {
		page := filepath.Join("simcap-out", dir, "report.html")
		before, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		os.Remove(page)
		simcap(t, "", "report", filepath.Join("simcap-out", dir)).expect(t, exitDone, page, "")
		if after, err := os.ReadFile(page); err != nil || !bytes.Equal(before, after) {
			t.Errorf("%s: drawn again, the page is another (%v)", dir, err)
		}
	}
}

// TestInterruptedTrace: an interrupt ends the reading of a long file, with its own exit code.
func TestInterruptedTrace(t *testing.T) {
	folder(t)
	accessLog(t, "access.log", 70_000)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, args := range [][]string{{"trace", "access.log"}, {"trace", "fit", "access.log"}, {"init", "--from-trace", "access.log"},
		{"trace", "access.log", "--export", "x.csv"}} {
		var stdout, stderr strings.Builder
		if code := run(ctx, args, strings.NewReader(""), &stdout, &stderr); code != exitInterrupted ||
			!strings.Contains(stderr.String(), "interrupted") {
			t.Errorf("%v: exit code %d, %s", args, code, stderr.String())
		}
	}
	if _, err := os.Stat("x.csv"); err == nil {
		t.Error("half a file was left")
	}
}
