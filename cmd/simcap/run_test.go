package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/simcap/simcap/internal/standin"
	"github.com/simcap/simcap/scenarios"
)

// TestMain lets the test's own program be simcap, or a stand-in for a model server, for tests that need
// a process.
func TestMain(m *testing.M) {
	if standin.Main() {
		return
	}
	if os.Getenv("SIMCAP_TEST_PROGRAM") == "1" {
		os.Exit(Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// program is simcap as a process of its own.
func program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), "SIMCAP_TEST_PROGRAM=1")
	return cmd
}

// figures are the parts of a run's JSON that the tests look at.
type figures struct {
	Replications int
	Total        struct {
		Inputs struct{ Submitted, Completed struct{ Value float64 } }
		// latency_s is the only one of these whose name has two words.
		LatencyS struct {
			P50 struct{ Value, Low, High *float64 }
		} `json:"latency_s"`
	}
	SLO []struct{ Met *bool }
}

func figuresOf(t *testing.T, text []byte) figures {
	t.Helper()
	var f figures
	if err := json.Unmarshal(text, &f); err != nil {
		t.Fatalf("%v in\n%.300s", err, text)
	}
	return f
}

func TestRunWritesItsFolder(t *testing.T) {
	folder(t)
	simcap(t, "", "run", "small.yaml").expect(t, exitDone, "simcap-out/small/report.html", "")
	text, err := os.ReadFile("simcap-out/small/results.json")
	if err != nil {
		t.Fatal(err)
	}
	f := figuresOf(t, text)
	// 2/s for 10 minutes are 1,200 inputs, give or take 4 standard deviations of the mean of two.
	if n := f.Total.Inputs.Submitted.Value; f.Replications != 2 || n < 1100 || n > 1300 || f.Total.Inputs.Completed.Value != n {
		t.Errorf("%+v", f)
	}
	for _, name := range []string{"report.html", "latency.png", "containers.png", "cost.png", "why.png"} {
		if info, err := os.Stat(filepath.Join("simcap-out/small", name)); err != nil || info.Size() < 1000 {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A second run takes the place of the first.
	simcap(t, "", "run", "small.yaml", "--seed", "2", "--quiet").expect(t, exitDone, "", "")
	again, _ := os.ReadFile("simcap-out/small/results.json")
	if bytes.Equal(text, again) {
		t.Error("another seed has the same results")
	}
}

func TestRunJSONWritesNothing(t *testing.T) {
	dir := folder(t)
	o := simcap(t, "", "run", "small.yaml", "--json")
	o.expect(t, exitDone, `"replications": 2`, "")
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("%v %v", entries, err)
	}
	for _, more := range [][]string{{"--workers", "1"}, {"--workers", "5"}, {"--quiet"}} {
		if again := simcap(t, "", append([]string{"run", "small.yaml", "--json"}, more...)...); again.stdout != o.stdout {
			t.Errorf("%v changes the result", more)
		}
	}
	if in := simcap(t, small, "run", "-", "--json"); in.stdout != o.stdout {
		t.Error("standard input gives another result than the file")
	}
	simcap(t, "", "run", "small.yaml", "--json", "--out", "results").expect(t, exitDone, `"replications": 2`, "")
	written, err := os.ReadFile("results/results.json")
	if err != nil || figuresOf(t, written).Total.Inputs != figuresOf(t, []byte(o.stdout)).Total.Inputs {
		t.Errorf("%v: the folder has other figures than standard output", err)
	}
}

func TestExitCodes(t *testing.T) {
	folder(t)
	slo := func(max string) string { return "slo=[{metric: latency.p50, max: " + max + "}]" }
	simcap(t, "", "run", "small.yaml", "--json", "--set", slo("10s")).expect(t, exitDone, "", "")
	simcap(t, "", "run", "small.yaml", "--json", "--set", slo("1ms")).expect(t, exitSLO, "", "")
	simcap(t, "", "run", "small.yaml", "--json", "--set", slo("10s"), "--set", "workloads.w.arrivals.rate=0").expect(t, exitSLO, "", "")
	// A limit within the interval is undecided.
	latency := "workloads.w.arrivals={process: renewal, interarrival: {dist: gamma, mean: 3s, cv: 4}}"
	cold := "functions.f.scaledown_window=4s"
	text := simcap(t, "", "run", "small.yaml", "--json", "--set", latency, "--set", cold).stdout
	var r struct {
		Total struct {
			LatencyS struct {
				Mean struct{ Value, Low, High float64 }
			} `json:"latency_s"`
		}
	}
	if err := json.Unmarshal([]byte(text), &r); err != nil || !(r.Total.LatencyS.Mean.High > r.Total.LatencyS.Mean.Value) {
		t.Fatal(err, r)
	}
	within := fmt.Sprintf("slo=[{metric: latency.mean, max: %.9f}]", r.Total.LatencyS.Mean.Value)
	simcap(t, "", "run", "small.yaml", "--json", "--set", latency, "--set", cold, "--set", within).expect(t, exitDone, "", "")
	simcap(t, "", "run", "small.yaml", "--json", "--set", latency, "--set", cold, "--set", within, "--strict").expect(t, exitSLO, "", "")
	// A run that cannot go on has failed.
	simcap(t, "", "run", "small.yaml", "--set", "platform={limits: {pending_sync: 0}}", "--set",
		"workloads.w.arrivals={process: closed, clients: 1, think: 0}").
		expect(t, exitFailed, "", "simcap: replication 1: workload w: client 1 has called 10000 times at one instant")
	if _, err := os.Stat("simcap-out"); err == nil {
		t.Error("a run that failed left a folder")
	}
	simcap(t, "", "run", "small.yaml", "--set", "functions.f.service.llm={max_num_seqs: 4}").expect(t, exitUsage, "", "llm")
	simcap(t, "", "run", "small.yaml", "--set", "functions.g.min_containers=4").expect(t, exitUsage, "", `there is no function "g"`)
	simcap(t, "", "run", "smal.yaml").expect(t, exitUsage, "", `did you mean "small.yaml"?`)
	simcap(t, "", "run", "small.yaml", "--seed", "").expect(t, exitUsage, "", "no value, where a whole number is expected")
	simcap(t, "", "run", "small.yaml", "--workers", "-1").expect(t, exitUsage, "", "--workers")
}

func TestRunWritesWhereItMay(t *testing.T) {
	folder(t)
	for name, text := range map[string]string{"mine/notes.txt": "mine", "file": "mine", "rows.csv": "mine"} {
		os.MkdirAll(filepath.Dir(name), 0o755)
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) outcome {
		return simcap(t, "", append([]string{"run", "small.yaml", "-q"}, args...)...)
	}
	run("--out", "mine").expect(t, exitUsage, "", "holds no results of simcap")
	run("--out", "file").expect(t, exitUsage, "", "file is not a folder that can be written")
	run("--out", "file/below").expect(t, exitUsage, "", "file/below is not a folder")
	run("--inputs", "rows.csv").expect(t, exitUsage, "", "rows.csv is there already and is no table of simcap")
	run("--inputs", "rows.txt").expect(t, exitUsage, "", "must end in .csv or .parquet")
	run("--inputs", "none/rows.csv").expect(t, exitUsage, "", "cannot write into none: no such file")
	run("--inputs", "a.csv", "--containers", "a.csv").expect(t, exitUsage, "", "the same file")
	if entries, _ := os.ReadDir("."); len(entries) != 4 {
		t.Errorf("something was left: %v", entries)
	}
	run("--out", "mine", "--force").expect(t, exitDone, "", "")
	if text, _ := os.ReadFile("mine/notes.txt"); string(text) != "mine" {
		t.Error("--force took away what was there")
	}
	run("--json", "--inputs", "rows.csv", "--force").expect(t, exitDone, "", "")
	for range 2 { // the tables of an earlier run are replaced
		run("--json", "--inputs", "rows.csv", "--containers", "c.parquet").expect(t, exitDone, "", "")
	}
	if info, err := os.Stat("c.parquet"); err != nil || info.Size() < 1000 {
		t.Error(err)
	}
}

func TestRows(t *testing.T) {
	folder(t)
	o := simcap(t, "", "run", "small.yaml", "--json", "--inputs", "i.csv", "--containers", "c.csv")
	o.expect(t, exitDone, "{", "")
	f := figuresOf(t, []byte(o.stdout))
	if n := lines(t, "i.csv", "replication,function,workload,call,input,size,submitted_s"); n != int(2*f.Total.Inputs.Submitted.Value) {
		t.Errorf("%d rows of inputs, %v submitted on average of 2 replications", n, f.Total.Inputs.Submitted.Value)
	}
	if n := lines(t, "c.csv", "replication,function,container,created_s,ready_s,stopped_s"); n < 2 {
		t.Errorf("%d rows of containers", n)
	}
}

// lines counts the rows of a table below its header.
func lines(t *testing.T, name, header string) int {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n, scan := 0, bufio.NewScanner(f)
	for ; scan.Scan(); n++ {
		if n == 0 && !strings.HasPrefix(scan.Text(), header) {
			t.Errorf("%s begins %q", name, scan.Text())
		}
	}
	return n - 1
}

// An output that takes nothing is an error of the run, whatever the command.
func TestFullOutput(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("this system has no /dev/full")
	}
	defer full.Close()
	folder(t)
	for _, args := range [][]string{{"run", "small.yaml"}, {"run", "small.yaml", "--json"}, {"check", "small.yaml"}, {"examples"},
		{"examples", "embeddings"}, {"explain", "wait_ms"}, {"explain"}, {"schema"}, {"version"}, {"init", "embeddings", "-f", "-"},
		{"--help"}, {"run", "--help"}, {"completion", "bash"}} {
		var stderr bytes.Buffer
		code := run(context.Background(), args, strings.NewReader(""), full, &stderr)
		if code != exitFailed || stderr.String() != "simcap: writing to standard output: no space left on device\n" {
			t.Errorf("%v: exit code %d: %s", args, code, stderr.String())
		}
	}
}

func TestInterruptBeforeAnythingIsFinished(t *testing.T) {
	folder(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var stdout, stderr bytes.Buffer
	code := run(ctx, []string{"run", "small.yaml", "--inputs", "i.csv", "--set", "horizon=1000d"}, strings.NewReader(""), &stdout, &stderr)
	if code != exitInterrupted || stdout.Len() > 0 || !strings.Contains(stderr.String(), "before anything was finished") {
		t.Errorf("exit code %d, %s %s", code, stdout.String(), stderr.String())
	}
	if _, err := os.Stat("simcap-out"); err == nil {
		t.Error("an empty folder was left")
	}
}

// An interrupt in the middle of a long run keeps the replications that were finished, in all that is
// written.
func TestInterruptKeepsWhatIsFinished(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows cannot send a process an interrupt")
	}
	folder(t)
	cmd := program(t, "run", "small.yaml", "--replications", "1000000", "--out", "kept", "--inputs", "i.csv")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for begun := time.Now(); time.Since(begun) < time.Minute && size(".simcap-*") < 1<<20; {
		time.Sleep(5 * time.Millisecond)
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	err := cmd.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitInterrupted {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	text, err := os.ReadFile("kept/results.json")
	if err != nil {
		t.Fatal(err)
	}
	n := figuresOf(t, text).Replications
	want := fmt.Sprintf("simcap: interrupted after %d replications of 1000000; what was finished is kept\n", n)
	if n < 2 || n >= 1000000 || stderr.String() != want {
		t.Errorf("%d replications; standard error %q", n, stderr.String())
	}
	if !strings.Contains(stdout.String(), fmt.Sprintf("%d replications", n)) {
		t.Errorf("the summary does not say that there are %d replications:\n%s", n, stdout.String())
	}
	if rows := lines(t, "i.csv", "replication,"); rows < n*1000 {
		t.Errorf("%d rows of %d replications", rows, n)
	}
	if size(".simcap-*") != 0 {
		t.Error("a temporary file was left")
	}
	// The same replications come out of a run that was asked for no more.
	again := simcap(t, "", "run", "small.yaml", "--replications", fmt.Sprint(n), "--json")
	if got, want := figuresOf(t, text).Total, figuresOf(t, []byte(again.stdout)).Total; *got.LatencyS.P50.Value != *want.LatencyS.P50.Value ||
		got.Inputs != want.Inputs {
		t.Errorf("kept %+v, asked for %+v", got, want)
	}
}

// size is how large the files of the pattern are together.
func size(pattern string) (total int64) {
	names, _ := filepath.Glob(pattern)
	for _, name := range names {
		if info, err := os.Stat(name); err == nil {
			total += info.Size()
		}
	}
	return total
}

// Colours and progress are for terminals alone.
func TestNoColourWithoutTerminal(t *testing.T) {
	folder(t)
	t.Setenv("CLICOLOR_FORCE", "1")
	if o := simcap(t, "", "run", "small.yaml"); !strings.Contains(o.stdout, "\x1b[") {
		t.Error("CLICOLOR_FORCE gives no colours")
	}
	for _, no := range []string{"--no-color", "--no-color=true"} {
		simcap(t, "", "run", "small.yaml", no).expect(t, exitDone, "COST", "")
	}
	t.Setenv("NO_COLOR", "1")
	simcap(t, "", "run", "small.yaml").expect(t, exitDone, "COST", "")
	simcap(t, "", "check", "none.yaml").expect(t, exitUsage, "", "none.yaml: error")
}

// Every example answers its question: it runs, without warnings about the file, and its objectives
// are judged. What an example misses, it misses on purpose.
func TestExamplesRun(t *testing.T) {
	folder(t)
	missed := map[string]bool{"low-traffic": true} // which needs a longer scaledown_window
	for _, e := range scenarios.Examples() {
		o := simcap(t, "", "run", e.Name, "--json")
		want := exitDone
		if missed[e.Name] {
			want = exitSLO
		}
		if o.code != want || o.stderr != "" {
			t.Errorf("%s: exit code %d, want %d: %s", e.Name, o.code, want, o.stderr)
		}
		if f := figuresOf(t, []byte(o.stdout)); f.Total.Inputs.Completed.Value < 1000 || len(f.SLO) < 2 {
			t.Errorf("%s: %+v", e.Name, f)
		}
	}
}
