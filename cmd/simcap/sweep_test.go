package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/simcap/simcap/experiment"
)

const swept = small + `sweep:
  functions.f.min_containers: [0, 1, 3]
  functions.f.scaledown_window: [2s, 1m]
`

func sweptFolder(t *testing.T) {
	t.Helper()
	folder(t)
	if err := os.WriteFile("swept.yaml", []byte(swept), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestSweep(t *testing.T) {
	sweptFolder(t)
	o := simcap(t, "", "sweep", "swept.yaml", "--out", "s")
	o.expect(t, exitDone, "6 points · 2 replications each", "")
	for _, want := range []string{"min_containers", "scaledown_window", "●", "CHEAPEST", "--set functions.f.", "kept"} {
		if !strings.Contains(o.stdout, want) {
			t.Errorf("no %q in\n%s", want, o.stdout)
		}
	}
	for _, name := range []string{"results.jsonl", "sweep.json", "sweep.csv", "sweep.parquet"} {
		if _, err := os.Stat(filepath.Join("s", name)); err != nil {
			t.Error(err)
		}
	}
	simcap(t, "", "sweep", "swept.yaml", "--out", "s").expect(t, exitUsage, "", "--resume goes on with it")
	again := simcap(t, "", "sweep", "swept.yaml", "--out", "s", "--resume")
	if again.stdout != o.stdout {
		t.Error("resumed, it prints something else")
	}
	again.expect(t, exitDone, "", "12 replications in s were used, 0 more simulated")
	simcap(t, "", "sweep", "swept.yaml", "--out", "s", "--resume", "--seed", "7").
		expect(t, exitDone, "", "none of the 12 replications in s is of this scenario")
	simcap(t, "", "sweep", "swept.yaml", "--out", "s", "--force", "-q").expect(t, exitDone, "", "")
	if err := os.Mkdir("mine", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("mine/thesis.txt", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	simcap(t, "", "sweep", "swept.yaml", "--out", "mine").expect(t, exitUsage, "", "holds no sweep of simcap")
}

// A sweep of which nothing could run leaves no folder: the corrected command would be told that it holds
// a sweep.
func TestSweepThatCannotRunLeavesNothing(t *testing.T) {
	sweptFolder(t)
	for _, wrong := range [][]string{
		{"--vary", "functions.f.min_containers=8,9", "--set", "functions.f.max_containers=2"},
		{"--vary", "functions.f.min_containers=0..2000", "--vary", "functions.f.max_containers=2000..4000"},
	} {
		o := simcap(t, "", append([]string{"sweep", "small.yaml", "--out", "s"}, wrong...)...)
		o.expect(t, exitUsage, "", "simcap: ")
		if _, err := os.Stat("s"); !os.IsNotExist(err) {
			t.Errorf("%v leaves a folder: %v", wrong, err)
		}
	}
}

func TestSweepVary(t *testing.T) {
	sweptFolder(t)
	o := simcap(t, "", "sweep", "small.yaml", "--json", "--vary", "functions.f.max_containers=1..5,step=2",
		"--vary", "workloads.w.arrivals.rate=1/s, 2/s", "--vary", "platform.routing=[most_recent, oldest]")
	o.expect(t, exitDone, `"cost.per_1k_inputs"`, "")
	var s experiment.Sweep
	if err := json.Unmarshal([]byte(o.stdout), &s); err != nil || len(s.Points) != 12 {
		t.Fatalf("%d points, %v", len(s.Points), err)
	}
	if got := s.Points[11].Point.String(); got !=
		"functions.f.max_containers=5 workloads.w.arrivals.rate=2/s platform.routing=oldest" {
		t.Errorf("the last point is %s", got)
	}
	for _, wrong := range []struct{ vary, stderr string }{
		{"functions.f.min_contaners=0,1", `did you mean "min_containers"?`},
		{"functions.f.min_containers", "is not KEY=VALUES"},
		{"functions.f.min_containers=", "has no values"},
		{"functions.f.min_containers=0..4,stop=2", "`step=` is expected"},
		{"functions.f.min_containers=0..many", "many"},
		{"functions.f.max_containers=0,-1", "max_containers"},
	} {
		simcap(t, "", "sweep", "small.yaml", "--vary", wrong.vary).expect(t, exitUsage, "", wrong.stderr)
	}
	simcap(t, "", "sweep", "small.yaml").expect(t, exitUsage, "", "no `sweep:`")
	simcap(t, "", "sweep", "swept.yaml", "--cost", "cost.per_huor").expect(t, exitUsage, "", `did you mean "cost.per_hour"?`)
	simcap(t, "", "sweep", "swept.yaml", "--function", "g").expect(t, exitUsage, "", `no function "g"`)
	simcap(t, "", "sweep", "swept.yaml", "--shard", "0/3").expect(t, exitUsage, "", "not a share")
	simcap(t, "", "sweep", "swept.yaml", "--json", "--set", "slo.0.max=1ms").expect(t, exitSLO, `"missed"`, "")
}

func TestMerge(t *testing.T) {
	sweptFolder(t)
	simcap(t, "", "sweep", "swept.yaml", "--out", "whole", "-q").expect(t, exitDone, "", "")
	for _, share := range []string{"1", "2", "3", "4"} {
		simcap(t, "", "sweep", "swept.yaml", "--shard", share+"/4", "--out", "s"+share, "-q").expect(t, exitDone, "", "")
	}
	simcap(t, "", "merge", "s1", "s3", "--out", "m").expect(t, exitFailed, "", "points of 6 are missing")
	simcap(t, "", "merge", "s1", "s3", "--out", "m", "--partial").expect(t, exitDone, "3 of 6 points", "")
	simcap(t, "", "sweep", "swept.yaml", "--out", "m", "--resume", "-q").expect(t, exitDone, "", "")
	simcap(t, "", "merge", "s4", "s1", "s3", "s2", "--out", "n").expect(t, exitDone, "6 points", "")
	for _, name := range []string{"sweep.json", "sweep.csv", "sweep.parquet"} {
		want, err := os.ReadFile(filepath.Join("whole", name))
		if err != nil {
			t.Fatal(err)
		}
		for _, joined := range []string{"m", "n"} {
			if got, err := os.ReadFile(filepath.Join(joined, name)); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s/%s is not that of the whole sweep (%v)", joined, name, err)
			}
		}
	}
	simcap(t, "", "merge", "s1").expect(t, exitUsage, "", "--out FOLDER")
	simcap(t, "", "merge", "nowhere", "--out", "o").expect(t, exitUsage, "", "no sweep.json")
	simcap(t, "", "merge", "s1", "--out", "s1").expect(t, exitUsage, "", "one of the folders")
}

// TestSweepIsInterrupted keeps what was finished, and says so with exit code 130.
func TestSweepIsInterrupted(t *testing.T) {
	sweptFolder(t)
	busy := strings.Replace(strings.Replace(swept, "rate: 2/s", "rate: 50/s", 1), "horizon: 10m", "horizon: 2h", 1)
	if err := os.WriteFile("busy.yaml", []byte(busy), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() { // interrupt when the first replication has been kept
		for {
			if info, err := os.Stat("b/results.jsonl"); err == nil && info.Size() > 0 {
				cancel()
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	var stdout, stderr bytes.Buffer
	code := run(ctx, []string{"sweep", "busy.yaml", "--out", "b", "--workers", "1"}, strings.NewReader(""), &stdout, &stderr)
	if code != exitInterrupted || !strings.Contains(stderr.String(), "--resume goes on with it") {
		t.Errorf("exit code %d\n%s", code, stderr.String())
	}
	o := simcap(t, "", "sweep", "busy.yaml", "--out", "b", "--resume")
	o.expect(t, exitDone, "6 points", "in b were used")
}

// TestSweepIsInterruptedAtOnce: without a finished point there is a sentence, no empty table, and a
// folder is left only where it has replications to go on with.
func TestSweepIsInterruptedAtOnce(t *testing.T) {
	sweptFolder(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, args := range [][]string{{"--out", "b"}, {"--json"}} {
		var stdout, stderr bytes.Buffer
		code := run(ctx, append([]string{"sweep", "swept.yaml"}, args...), strings.NewReader(""), &stdout, &stderr)
		if code != exitInterrupted || stdout.Len() > 0 || !strings.Contains(stderr.String(), "before any point was finished; there is nothing") {
			t.Errorf("%v: exit code %d\n%s%s", args, code, stdout.String(), stderr.String())
		}
	}
	simcap(t, "", "sweep", "swept.yaml", "--out", "b").expect(t, exitDone, "6 points", "")
}

// lineCount counts the lines of a file; none where there is no file.
func lineCount(name string) int {
	text, _ := os.ReadFile(name)
	return bytes.Count(text, []byte("\n"))
}

// journalGrows waits until the journal has so many lines; false when the program ended before.
func journalGrows(name string, enough int, ended <-chan error) bool {
	for lineCount(name) < enough {
		select {
		case <-ended:
			return false
		case <-time.After(time.Millisecond):
		}
	}
	return true
}

// TestSweepIsKilled kills the program at random moments, in earnest, and resumes it until it is done:
// the files are those of one go, and the journal has every replication once.
func TestSweepIsKilled(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("processes are not killed the same way on Windows")
	}
	sweptFolder(t)
	busy := strings.Replace(strings.Replace(swept, "rate: 2/s", "rate: 60/s", 1), "horizon: 10m", "horizon: 3h", 1)
	busy = strings.Replace(busy, "replications: 2", "replications: 3", 1)
	if err := os.WriteFile("busy.yaml", []byte(busy), 0o644); err != nil {
		t.Fatal(err)
	}
	simcap(t, "", "sweep", "busy.yaml", "--out", "want", "-q")
	luck := rand.New(rand.NewPCG(3, uint64(time.Now().UnixNano())))
	kills := 0
	for goes := 0; ; goes++ {
		cmd := program(t, "sweep", "busy.yaml", "--out", "got", "--resume", "-q")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		enough := lineCount("got/results.jsonl") + 1 + luck.IntN(3)
		if goes >= 12 {
			enough = math.MaxInt // on a slow machine, let it end
		}
		if !journalGrows("got/results.jsonl", enough, ended) {
			break
		}
		time.Sleep(time.Duration(luck.IntN(50)) * time.Millisecond)
		if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Fatal(err)
		}
		<-ended
		kills++
	}
	t.Logf("killed %d times", kills)
	if kills == 0 {
		t.Error("it was done before it was killed once")
	}
	for _, name := range []string{"sweep.json", "sweep.csv", "sweep.parquet"} {
		want, err := os.ReadFile(filepath.Join("want", name))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join("got", name)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is another than that of one go (%v)", name, err)
		}
	}
	text, err := os.ReadFile("got/results.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(text, []byte("\n")); n != 18 {
		t.Errorf("the journal has %d lines, want 6 points × 3 replications", n)
	}
}
