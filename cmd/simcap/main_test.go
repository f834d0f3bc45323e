package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/simcap/simcap/scenarios"
)

// outcome is what a run of the program left.
type outcome struct {
	code           int
	stdout, stderr string
}

// simcap runs the program in this process.
func simcap(t *testing.T, stdin string, args ...string) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(context.Background(), args, strings.NewReader(stdin), &stdout, &stderr)
	return outcome{code, stdout.String(), stderr.String()}
}

// expect checks an outcome: the exit code, and texts that must be there.
func (o outcome) expect(t *testing.T, code int, stdout, stderr string) {
	t.Helper()
	if o.code != code || !strings.Contains(o.stdout, stdout) || !strings.Contains(o.stderr, stderr) {
		t.Errorf("exit code %d, want %d\nstdout:\n%s\nstderr:\n%s\nwant %q and %q", o.code, code, o.stdout, o.stderr, stdout, stderr)
	}
	if code == exitDone && o.stderr != "" && stderr == "" {
		t.Errorf("standard error of a good run:\n%s", o.stderr)
	}
	if strings.Contains(o.stdout+o.stderr, "\x1b[") {
		t.Error("colours where there is no terminal")
	}
}

const small = `simcap: 1
name: small
horizon: 10m
replications: 2
functions:
  f:
    gpu: T4
    service: {time: 200ms}
    cold_start: 2s
workloads:
  - {name: w, function: f, arrivals: {process: poisson, rate: 2/s}}
slo:
  - {metric: latency.p50, max: 1s}
`

// folder is a new folder with the small scenario, and the working directory of the test.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.WriteFile("small.yaml", []byte(small), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Help fits a terminal of 80 columns, for every command.
func TestHelpFits(t *testing.T) {
	var walk func(path []string, c *cobra.Command)
	walk = func(path []string, c *cobra.Command) {
		o := simcap(t, "", append(path, "--help")...)
		o.expect(t, exitDone, "Usage:", "")
		for _, line := range strings.Split(o.stdout, "\n") {
			if n := utf8.RuneCountInString(line); n > helpWidth {
				t.Errorf("simcap %s --help: %d columns: %s", strings.Join(path, " "), n, line)
			}
		}
		for _, sub := range c.Commands() {
			walk(append(slices.Clone(path), sub.Name()), sub)
		}
	}
	walk(nil, newRootCommand())
}

func TestCheck(t *testing.T) {
	folder(t)
	simcap(t, "", "check", "small.yaml").expect(t, exitDone, "small: good: 1 function, 1 workload, 1 objective\n", "")
	simcap(t, small, "check", "-").expect(t, exitDone, "small: good", "")
	simcap(t, "", "check", "embeddings").expect(t, exitDone, "embeddings: good", "")
	simcap(t, "", "check", "embedings").expect(t, exitUsage, "", `did you mean the example "embeddings"?`)
	simcap(t, "", "check", "nowhere.yaml").expect(t, exitUsage, "", "nowhere.yaml: error: cannot read the file: no such file")
	simcap(t, "", "check", ".").expect(t, exitUsage, "", "cannot read the file")
	simcap(t, "", "check", "small.yaml", "--set", "functions.f.cpu=many").expect(t, exitUsage, "", `"many" is not a number`)
	simcap(t, "", "check", "small.yaml", "--set", "nonsense").expect(t, exitUsage, "", "is not KEY=VALUE")
	simcap(t, "", "check", "small.yaml", "--seed", "-1").expect(t, exitUsage, "", "--seed:1:6")
	simcap(t, "", "check", "small.yaml", "--replications", "two").expect(t, exitUsage, "", "not a whole number")
	simcap(t, "simcap: 1\nfuncions: {}\n", "check", "-").expect(t, exitUsage, "", "<stdin>:2:1: error: unknown key")
	simcap(t, "", "check", "-").expect(t, exitUsage, "", "the file is empty")
	simcap(t, strings.Replace(small, "cold_start: 2s", "updates: [{at: 1m}]", 1), "check", "-").
		expect(t, exitDone, "good", "warning: changes nothing")
}

func TestCheckJSON(t *testing.T) {
	o := simcap(t, "simcap: 1\nfuncions: {}\n", "check", "--json", "-")
	var ds scenarios.Diagnostics
	if err := json.Unmarshal([]byte(o.stdout), &ds); err != nil || o.code != exitUsage || o.stderr != "" {
		t.Fatalf("%v, exit code %d, stderr %q\n%s", err, o.code, o.stderr, o.stdout)
	}
	if len(ds) != 2 || ds[1].Line != 2 || ds[1].Path != "funcions" || ds[1].Severity != scenarios.Error {
		t.Errorf("%+v", ds)
	}
	simcap(t, small, "check", "--json", "-").expect(t, exitDone, "[]\n", "")
}

func TestExamplesAndInit(t *testing.T) {
	dir := folder(t)
	o := simcap(t, "", "examples")
	o.expect(t, exitDone, "embeddings", "")
	for _, e := range scenarios.Examples() {
		if !strings.Contains(o.stdout, e.Name) || !strings.Contains(o.stdout, e.Question) {
			t.Errorf("examples do not list %s with its question", e.Name)
		}
	}
	simcap(t, "", "examples", "embeddings").expect(t, exitDone, "simcap: 1", "")
	simcap(t, "", "examples", "embedings").expect(t, exitUsage, "", `did you mean the example "embeddings"?`)
	simcap(t, "", "init", "embeddings").expect(t, exitDone, "wrote embeddings.yaml", "")
	simcap(t, "", "check", "embeddings.yaml").expect(t, exitDone, "good", "")
	if err := os.WriteFile(filepath.Join(dir, "embeddings.yaml"), []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	simcap(t, "", "init", "embeddings").expect(t, exitUsage, "", "not overwritten")
	if text, _ := os.ReadFile(filepath.Join(dir, "embeddings.yaml")); string(text) != "mine" {
		t.Error("init wrote over a file")
	}
	o = simcap(t, "", "init", "low-traffic", "--file", "-")
	o.expect(t, exitDone, "yaml-language-server: $schema=", "")
	if !strings.HasPrefix(o.stdout, "# How long should") {
		t.Errorf("begins with %.60q", o.stdout)
	}
	simcap(t, "", "init", "low-traffic", "--file", "none/such.yaml").expect(t, exitFailed, "", "no such file")
}

func TestSchemaAndExplain(t *testing.T) {
	var schema map[string]any
	if err := json.Unmarshal([]byte(simcap(t, "", "schema").stdout), &schema); err != nil || schema["$defs"] == nil {
		t.Fatal(err)
	}
	simcap(t, "", "explain", "scaledown_window").expect(t, exitDone, "default: 60s", "")
	simcap(t, "", "explain", "functions.embed.batched.wait_ms").expect(t, exitDone, "functions.NAME.batched.wait_ms", "")
	simcap(t, "", "explain", "scaledwn_window").expect(t, exitUsage, "", `did you mean "scaledown_window"?`)
	simcap(t, "", "explain", "xyzzy").expect(t, exitUsage, "", "there is no key")
	simcap(t, "", "explain").expect(t, exitDone, "simcap: 1", "")
}

func TestCommandLine(t *testing.T) {
	simcap(t, "").expect(t, exitDone, "Scenarios:", "")
	simcap(t, "", "--help").expect(t, exitDone, "--no-color ", "")
	simcap(t, "", "version").expect(t, exitDone, "simcap ", "")
	simcap(t, "", "rum").expect(t, exitUsage, "", "run")
	simcap(t, "", "run").expect(t, exitUsage, "", "0 arguments given; usage: simcap run FILE|EXAMPLE|-")
	simcap(t, "", "run", "a", "b").expect(t, exitUsage, "", "2 arguments given; usage: simcap run")
	simcap(t, "", "run", "embeddings", "--relications=3").expect(t, exitUsage, "", "did you mean --replications?")
	simcap(t, "", "run", "embeddings", "--zzz").expect(t, exitUsage, "", "--help")
	simcap(t, "", "run", "embeddings", "-Z").expect(t, exitUsage, "", "unknown shorthand flag")
	simcap(t, "", "run", "embeddings", "--workers=x").expect(t, exitUsage, "", "invalid argument")
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		simcap(t, "", "completion", shell).expect(t, exitDone, "simcap", "")
	}
	simcap(t, "", "__complete", "run", "emb").expect(t, exitDone, "embeddings\tDoes batching pay", "Completion")
	simcap(t, "", "__complete", "run", "embeddings", "--set", "functions.embed.batched.").
		expect(t, exitDone, "functions.embed.batched.wait_ms=", "Completion")
}
