package main

import (
	"bytes"
	"context"
	"math"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/simcap/simcap/internal/standin"
	"github.com/simcap/simcap/scenarios"
)

// From a server to a scenario: a stand-in with a line, variation, a slow start and a slow first answer
// is started and measured; the profile gives its parameters back within 5 %, and what simcap predicts
// with it for two loads that the fit has not seen is within 10 % of what was measured. What this machine disturbs
// is measured again; TestCalibrateVirtually holds the same on a clock that nothing disturbs.
func TestCalibrateEndToEnd(t *testing.T) {
	t.Parallel()
	standin.Measure(t, func(busy *standin.Monitor) { calibrateEndToEnd(t, busy) })
}

func calibrateEndToEnd(t *testing.T, busy *standin.Monitor) {
	dir := t.TempDir()
	mine, file := filepath.Join(dir, "mine.yaml"), filepath.Join(dir, "s.yaml")
	c := standin.Config{Addr: "127.0.0.1:0", AddrFile: filepath.Join(dir, "addr"), Base: 0.025, PerInput: 0.005, CV: 0.05, Slots: 1,
		First: 0.15, Context: 0.1, Load: 0.1, Warm: 0.05, Seed: 3}
	model := standin.New(c)
	server := httptest.NewServer(model)
	defer server.Close()
	o := simcap(t, "", "calibrate", "http", server.URL+"/predict", "--body", `{"inputs": [{{repeat "x"}}]}`, "--force", "--null", server.URL+"/health",
		"--batches", "1,4", "--concurrency", "1,3", "--quick", "--open-seconds", "5", "--name", "mine", "--out", mine, "--watch", "none", "--valid-gpu", "L4")
	o.expect(t, exitDone, "wrote "+mine, "open loop")
	text, err := os.ReadFile(mine)
	if err != nil {
		t.Fatal(err)
	}
	p, ds := scenarios.ReadProfile(mine, text)
	if len(ds) > 0 {
		t.Fatal(ds)
	}
	for _, n := range []int{1, 4} {
		if got, truth := p.Service.Batch.At(n)/1e9, model.Took(n); math.Abs(got/truth-1) > 0.05 {
			busy.Errorf("B(%d) = %.2f ms, truth %.2f ms", n, 1e3*got, 1e3*truth)
		}
	}
	if p.Server.Discipline != "queue" || p.Server.Slots != 1 || p.Synthetic || len(p.Quality.Holdout) != 2 {
		busy.Errorf("%+v %+v", p.Server, p.Quality)
	}
	for _, h := range p.Quality.Holdout {
		for _, v := range [][2]float64{{h.PredictedP50, h.MeasuredP50}, {h.PredictedP95, h.MeasuredP95}} {
			if math.Abs(v[0]/v[1]-1) > 0.10 {
				busy.Errorf("at %.3g/s: predicted %.1f ms, measured %.1f ms", h.Rate, v[0]/1e6, v[1]/1e6)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "mine.samples.json")); err != nil || p.Samples.File != "mine.samples.json" {
		t.Error(err, p.Samples)
	}
	scenario := "simcap: 1\nname: s\nhorizon: 5m\nfunctions:\n  f: {gpu: L4, min_containers: 1, max_containers: 1, service: {profile: mine.yaml}}\n" +
		"workloads:\n  - {name: w, function: f, arrivals: {process: poisson, rate: 12/s}}\n"
	if err := os.WriteFile(file, []byte(scenario), 0o644); err != nil {
		t.Fatal(err)
	}
	simcap(t, "", "run", file, "--json").expect(t, exitDone, `"latency_s"`, "")
	o = simcap(t, "", "calibrate", "http", server.URL+"/predict", "--body", `{"inputs": [{{repeat "x"}}]}`, "--check", file, "--check-seconds", "4")
	o.expect(t, exitDone, "predicted     measured", "sending")
	simcap(t, "", "calibrate", "http", server.URL, "--out", mine).expect(t, exitUsage, "", "mine.yaml is there already")
}

// A command is started as often as asked, and an interrupt in the middle keeps what was finished and
// leaves no process.
func TestCalibrateExecInterrupted(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	port := freePort(t)
	c := standin.Config{Addr: port, Base: 0.01, PerInput: 0.002, Slots: 1, Seed: 3}
	name, value, _ := strings.Cut(c.Env(), "=")
	t.Setenv(name, value)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var stdout bytes.Buffer
	stderr := &trigger{on: "batch 1,", then: func() { time.AfterFunc(300*time.Millisecond, cancel) }}
	code := run(ctx, []string{"calibrate", "exec", "--url", "http://" + port + "/predict", "--body", `{"inputs": [{{repeat "x"}}]}`,
		"--batches", "1,2,4,8,16", "--cold", "1", "--warm", "0", "--watch", "none", "--min-requests", "10", "--warmup", "0.1", "--name", "part", "--quick",
		"--", os.Args[0]}, nil, &stdout, stderr)
	if code != exitInterrupted || !strings.Contains(stderr.String(), "interrupted; what was finished is in part.yaml") {
		t.Errorf("exit code %d\n%s\n%s", code, stderr.String(), stdout.String())
	}
	text, err := os.ReadFile("part.yaml")
	if err != nil || !strings.Contains(string(text), "the measurement was interrupted") || !strings.Contains(string(text), "name: init") {
		t.Errorf("%v\n%s", err, text)
	}
	if o := simcap(t, "", "calibrate", "http", "http://"+port+"/predict", "--name", "x", "--watch", "none"); !strings.Contains(o.stderr, "refused") {
		t.Errorf("the server still answers:\n%s", o.stderr)
	}
}

// trigger is a writer that does something at a text.
type trigger struct {
	bytes.Buffer
	on   string
	then func()
	done bool
}

func (w *trigger) Write(p []byte) (int, error) {
	if !w.done && bytes.Contains(p, []byte(w.on)) {
		w.done = true
		w.then()
	}
	return w.Buffer.Write(p)
}

// freePort is an address on this machine that nobody listens at.
func freePort(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(nil)
	defer s.Close()
	return strings.TrimPrefix(s.URL, "http://")
}

func TestCalibrateMistakes(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"http"}, exitUsage, "0 arguments given; usage: simcap calibrate http URL"},
		{[]string{"http", "127.0.0.1:8000"}, exitUsage, "is not an address"},
		{[]string{"http", "http://127.0.0.1:1/", "--watch", "none"}, exitFailed, "refused"},
		{[]string{"http", "http://127.0.0.1:1/", "--watch", "radar"}, exitUsage, "there is no way \"radar\""},
		{[]string{"http", "http://127.0.0.1:1/", "--watch", "recording:none"}, exitUsage, "no such file"},
		{[]string{"http", "http://127.0.0.1:1/", "--body", "@none"}, exitUsage, "no such file"},
		{[]string{"http", "http://127.0.0.1:1/", "--body", "{{bach}}"}, exitUsage, "{{batch}}, {{seq}} and {{repeat TEXT}} are known"},
		{[]string{"http", "http://127.0.0.1:1/", "--batches", "1,2"}, exitUsage, "requests of this body have one input"},
		{[]string{"http", "http://127.0.0.1:1/", "--api", "grpc"}, exitUsage, "json, openai or kserve"},
		{[]string{"http", "http://127.0.0.1:1/", "--as", "x"}, exitUsage, "requests or llm"},
		{[]string{"http", "http://127.0.0.1:1/", "--header", "x"}, exitUsage, "is not \"Name: value\""},
		{[]string{"http", "http://127.0.0.1:1/", "--hertz", "99"}, exitUsage, "1 to 50"},
		{[]string{"exec"}, exitUsage, "no command"},
		{[]string{"exec", "--ready", "soon", "--", "true"}, exitUsage, "an address, tcp:HOST:PORT"},
		{[]string{"exec", "--watch", "none", "--", "/nowhere/serve"}, exitFailed, "cannot start the command"},
		{[]string{"worker"}, exitUsage, "no command"},
		{[]string{"--check", "s.yaml"}, exitUsage, "needs the server"},
		{[]string{"http", "http://127.0.0.1:1/", "--check", "embeddings", "--function", "nobody"}, exitUsage, "has no function"},
	} {
		o := simcap(t, "", append([]string{"calibrate"}, c.args...)...)
		if o.code != c.code || !strings.Contains(o.stderr, c.want) {
			t.Errorf("%v: exit code %d, want %d and %q:\n%s", c.args, o.code, c.code, c.want, o.stderr)
		}
	}
	simcap(t, "", "calibrate", "worker", "--python").expect(t, exitDone, "def main()", "")
}

// The Python side of the worker protocol, run by Python.
func TestCalibrateWorker(t *testing.T) {
	python := ""
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		if _, err := os.Stat(name); err == nil || name == "python3" {
			python = name
		}
	}
	t.Parallel()
	standin.Measure(t, func(busy *standin.Monitor) { calibrateWorker(t, busy, python) })
}

func calibrateWorker(t *testing.T, busy *standin.Monitor, python string) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write := func(name, text string) {
		if err := os.WriteFile(at(name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("simcap_worker.py", simcap(t, "", "calibrate", "worker", "--python").stdout)
	write("model.py", "import time\ndef setup():\n    print('loading')\n    time.sleep(0.2)\ndef predict(inputs):\n    print('predicting')\n    time.sleep(0.02 + 0.005*len(inputs))\n")
	write("broken.py", "def predict(inputs):\n    raise ValueError('no weights')\n")
	o := simcap(t, "", "calibrate", "worker", "--quick", "--batches", "1,4", "--concurrency", "1,2", "--open", "0.5", "--open-seconds", "3",
		"--name", "w", "--out", at("w.yaml"), "--force", "--watch", "none", "--", python, at("simcap_worker.py"), "model:predict")
	if strings.Contains(o.stderr, "executable file not found") {
		t.Skip("no Python here")
	}
	o.expect(t, exitDone, "wrote "+at("w.yaml"), "an empty request takes")
	text, _ := os.ReadFile(at("w.yaml"))
	p, ds := scenarios.ReadProfile(at("w.yaml"), text)
	if len(ds) > 0 {
		t.Fatal(ds)
	}
	for n, truth := range map[int]float64{1: 0.025, 4: 0.040} {
		if got := p.Service.Batch.At(n) / 1e9; got < 0.99*truth || got > 1.1*truth {
			busy.Errorf("B(%d) = %v, truth %v", n, got, truth)
		}
	}
	if p.Server.Discipline != "queue" || p.ColdStart.Stages == nil {
		busy.Errorf("%+v", p)
	}
	simcap(t, "", "calibrate", "worker", "--quick", "--out", at("b.yaml"), "--watch", "none", "--", python, at("simcap_worker.py"), "broken:predict").
		expect(t, exitFailed, "", "ValueError: no weights")
	simcap(t, "", "calibrate", "worker", "--quick", "--out", at("b.yaml"), "--watch", "none", "--", python, at("simcap_worker.py"), "nowhere:predict").
		expect(t, exitFailed, "", "No module named 'nowhere'")
	simcap(t, "", "calibrate", "worker", "--quick", "--out", at("b.yaml"), "--watch", "none", "--", python, "-c", "print('hello')").
		expect(t, exitFailed, "", "a line that is not of the protocol")
}
