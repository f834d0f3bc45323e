package main

import (
	"encoding/json"
	"math"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/simcap/simcap/calibrate"
	"github.com/simcap/simcap/calibrate/fit"
	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/internal/standin"
	"github.com/simcap/simcap/model/service"
	"github.com/simcap/simcap/scenarios"
)

// From an engine to a scenario: a server of language with continuous batching is measured, the profile gives
// the times of its iterations back, and a run with it predicts the times of tokens of loads that the fit has
// not seen within 10 %; so does a check of a scenario against the server.
func TestCalibrateEngineEndToEnd(t *testing.T) {
	t.Parallel()
	standin.Measure(t, func(busy *standin.Monitor) { calibrateEngine(t, busy) })
}

func calibrateEngine(t *testing.T, busy *standin.Monitor) {
	dir := t.TempDir()
	mine, file := filepath.Join(dir, "mine.yaml"), filepath.Join(dir, "s.yaml")
	engine := &standin.Engine{Base: 0.008, PerToken: 40e-6, PerContext: 3e-6, MaxTokens: 2048, MaxSequences: 64, Template: 8}
	server := httptest.NewServer(engine)
	defer server.Close()
	simcap(t, "", "calibrate", "http", server.URL, "--api", "openai", "--as", "llm", "--model", "m", "--prompt-tokens", "120",
		"--output-tokens", "8", "--prompts", "8,240,480", "--concurrency", "3,8", "--quick", "--warmup", "0.3", "--open-seconds", "5",
		"--name", "mine", "--out", mine, "--watch", "none", "--valid-gpu", "H100", "--force").expect(t, exitDone, "wrote "+mine, "a prompt of 480 tokens")
	text, err := os.ReadFile(mine)
	if err != nil {
		t.Fatal(err)
	}
	p, ds := scenarios.ReadProfile(mine, text)
	if len(ds) > 0 || p.Service.LLM == nil {
		t.Fatalf("%v\n%s", ds, text)
	}
	for _, tokens := range []int{1, 8, 128, 480} {
		n := int64(tokens)
		got := p.Service.LLM.Iteration.NS(service.Pass{Tokens: tokens, Sequences: 1, Attention: n * n}) / 1e9
		truth := engine.Base + engine.PerToken*float64(tokens) + engine.Late()
		if math.Abs(got/truth-1) > 0.10 {
			busy.Errorf("an iteration of %d tokens takes %.2f ms, truth %.2f ms", tokens, 1e3*got, 1e3*truth)
		}
	}
	if v := p.Valid; len(v.PromptTokens) != 2 || v.PromptTokens[1] != 488 || v.OutputTokens[1] != 8 || len(p.Quality.Holdout) != 2 {
		t.Errorf("%+v %+v", v, p.Quality.Holdout)
	}
	for _, h := range p.Quality.Holdout {
		for what, v := range map[string][2]float64{"latency": {h.PredictedP50, h.MeasuredP50}, "p95 latency": {h.PredictedP95, h.MeasuredP95},
			"TTFT": {h.PredictedTTFT, h.MeasuredTTFT}, "TPOT": {h.PredictedTPOT, h.MeasuredTPOT}} {
			if !(math.Abs(v[0]/v[1]-1) < 0.10) {
				busy.Errorf("%s at %.3g/s: predicted %.1f ms, measured %.1f ms", what, h.Rate, v[0]/1e6, v[1]/1e6)
			}
		}
	}
	rate := p.Quality.Holdout[1].Rate
	scenario := "simcap: 1\nname: s\nhorizon: 5m\nfunctions:\n  f: {gpu: H100, min_containers: 1, max_containers: 1, concurrent: {max_inputs: 64}, " +
		"service: {profile: mine.yaml, llm: {kv: {num_blocks: 9999}}}}\nworkloads:\n  - {name: w, function: f, prompt_tokens: 128, output_tokens: 8, " +
		"arrivals: {process: poisson, rate: " + strconv.FormatFloat(rate, 'f', 3, 64) + "/s}}\n"
	if err := os.WriteFile(file, []byte(scenario), 0o644); err != nil {
		t.Fatal(err)
	}
	compareTokens(t, busy, simcap(t, "", "run", file, "--json").stdout, filepath.Join(dir, "mine.samples.json"))
	o := simcap(t, "", "calibrate", "http", server.URL, "--api", "openai", "--model", "m", "--check", file, "--check-seconds", "8")
	o.expect(t, exitDone, "predicted     measured", "sending")
	for _, group := range []string{"TTFT", "TPOT"} {
		m := regexp.MustCompile(group + ` .*\n(?:.*\n)?p50 .* ([+-][0-9.]+)%`).FindStringSubmatch(o.stdout)
		if m == nil {
			t.Fatalf("no %s:\n%s", group, o.stdout)
		}
		if off, err := strconv.ParseFloat(m[1], 64); err != nil || math.Abs(off) > 10 {
			busy.Errorf("%s is %s %% off:\n%s", group, m[1], o.stdout)
		}
	}
}

// compareTokens compares the medians of a run with those of the second open loop.
func compareTokens(t *testing.T, busy *standin.Monitor, result, samples string) {
	t.Helper()
	var r experiment.Result
	if err := json.Unmarshal([]byte(result), &r); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(samples)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := calibrate.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	ttft, tpot := m.Open[1].TokenTimes()
	for what, v := range map[string][2]float64{"TTFT": {*r.Total.TTFTS.P50.Value, fit.Median(ttft)},
		"TPOT": {*r.Total.TPOTS.P50.Value, fit.Median(tpot)}, "mean TPOT": {*r.Total.TPOTS.Mean.Value, mean(tpot)}} {
		if !(math.Abs(v[0]/v[1]-1) < 0.10) {
			busy.Errorf("%s of the run is %.2f ms, measured %.2f ms", what, 1e3*v[0], 1e3*v[1])
		}
	}
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// What --as llm cannot do is said before anything is measured.
func TestCalibrateEngineMistakes(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"http", "http://127.0.0.1:1/", "--as", "llm", "--watch", "none"}, "--as llm needs answers that come token by token: --api openai"},
		{[]string{"exec", "--as", "llm", "--watch", "none", "--", "true"}, "--api openai"},
		{[]string{"worker", "--as", "llm", "--", "true"}, "--api openai"},
		{[]string{"http", "http://127.0.0.1:1/", "--prompts", "8"}, "--prompts is for --as llm"},
		{[]string{"http", "http://127.0.0.1:1/", "--api", "openai", "--as", "llm", "--prompts", "0"}, "a prompt of 0 tokens"},
	} {
		o := simcap(t, "", append([]string{"calibrate"}, c.args...)...)
		if o.code != exitUsage || !strings.Contains(o.stderr, c.want) {
			t.Errorf("%v: exit code %d\n%s", c.args, o.code, o.stderr)
		}
	}
}
