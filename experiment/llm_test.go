package experiment_test

import (
	"bytes"
	"context"
	"math"
	"strings"
	"testing"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/report"
	"github.com/simcap/simcap/scenarios"
)

const chatScenario = `simcap: 1
name: chat
platform: none
functions:
  chat:
    min_containers: 1
    max_containers: 1
    concurrent: {max_inputs: 8}
    overhead: 1ms
    service:
      llm:
        iteration: {base: {1: 10ms, 4: 10ms, 8: 20ms}}
        request: {admit: 2ms, per_output_token: 500us}
        kv: {block_size: 4, num_blocks: 10}
  plain: {min_containers: 1, max_containers: 1, service: {time: 1s}}
workloads:
  - {name: a, function: chat, prompt_tokens: 4, output_tokens: 3, arrivals: {process: at, times: [0s, 1s]}}
  - {name: b, function: chat, prompt_tokens: 8, output_tokens: 1, arrivals: {process: at, times: [2s]}}
  - {name: c, function: plain, arrivals: {process: at, times: [0s]}}
`

func runScenario(t *testing.T, text string) *experiment.Result {
	t.Helper()
	s, ds := scenarios.Load("chat", []byte(text), scenarios.Options{})
	if s == nil {
		t.Fatal(ds.Text(false))
	}
	r, err := experiment.Run(context.Background(), s, experiment.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Times of tokens by hand. An input of a: its prompt in 10 ms, two further tokens in 10 ms each; 1 ms overhead, 2 ms
// before and 0.5 ms for each token. One of b: 8 tokens of prompt in 20 ms, no further token.
func TestTokenTimes(t *testing.T) {
	r := runScenario(t, chatScenario)
	is := func(name string, e experiment.Estimate, want float64) {
		t.Helper()
		if e.Value == nil || math.Abs(*e.Value-want) > 1e-9*want {
			t.Errorf("%s is %v, not %v", name, e.Value, want)
		}
	}
	a, b, all := r.Workloads["a"], r.Workloads["b"], r.Total
	is("latency of a", a.LatencyS.Mean, 0.030+0.001+0.002+3*0.0005)
	is("ttft of a", a.TTFTS.Mean, 0.010+0.001+0.002+0.0005)
	is("tpot of a", a.TPOTS.P99, 0.010+0.0005)
	is("ttft of b", b.TTFTS.P50, 0.020+0.001+0.002+0.0005)
	is("ttft of all", all.TTFTS.Mean, (2*0.0135+0.0235)/3)
	is("speed of a", a.OutputTokensPerS.P50, 3/0.0345)
	is("output tokens of all", all.OutputTokensPerS.Total, 7/2.020)
	is("output tokens of the function", r.Functions["chat"].OutputTokensPerS.Total, 7/2.020)
	if b.TPOTS.P50.Value != nil {
		t.Errorf("one token has no time of a further one: %v", *b.TPOTS.P50.Value)
	}
	if c := r.Workloads["c"]; c.TTFTS != nil || r.Functions["plain"].OutputTokensPerS != nil {
		t.Error("an input without tokens has times of tokens")
	}
	if e, ok := r.Metric("ttft.mean", "chat", ""); !ok || e.Value == nil {
		t.Error("no metric ttft.mean")
	}
	if _, ok := r.Metric("ttft.mean", "plain", ""); ok {
		t.Error("a metric of tokens where there are none")
	}
}

// Without an LLM function the document has none of its keys.
func TestNoTokensNoKeys(t *testing.T) {
	text := strings.ReplaceAll(chatScenario, "function: chat, prompt_tokens: 4, output_tokens: 3,", "function: plain,")
	text = strings.ReplaceAll(text, "function: chat, prompt_tokens: 8, output_tokens: 1,", "function: plain,")
	i, j := strings.Index(text, "  chat:\n"), strings.Index(text, "  plain:")
	var b bytes.Buffer
	if err := report.JSON(&b, runScenario(t, text[:i]+text[j:]), true); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"ttft", "tpot", "output_tokens", "preempted\"", "engine"} {
		if strings.Contains(b.String(), `"`+key) {
			t.Errorf("the document has %q", key)
		}
	}
}

// What leaves the range that is known of an engine is told.
func TestEngineWarnings(t *testing.T) {
	r := runScenario(t, strings.Replace(chatScenario, "prompt_tokens: 8, output_tokens: 1", "prompt_tokens: 12, output_tokens: 1", 1))
	beyond := "chat: 14 % of the engine's iterations, of up to 12 tokens, lie above the range that service.llm.iteration.base was " +
		"measured in (up to 8): extrapolated"
	if !strings.Contains(strings.Join(r.Warnings, "\n"), beyond) {
		t.Errorf("%q", r.Warnings)
	}
	r = runScenario(t, strings.Replace(chatScenario, "prompt_tokens: 8, output_tokens: 1", "prompt_tokens: 8, output_tokens: 33", 1))
	const never = "chat: 1 attempts failed because they could never fit: prompt and output together can have 40 tokens"
	if !strings.Contains(strings.Join(r.Warnings, "\n"), never) {
		t.Errorf("%q", r.Warnings)
	}
	if n := r.Workloads["b"].Inputs.Failed.Value; n == nil || *n != 1 {
		t.Errorf("failed: %v", n)
	}
	for tokens, warned := range map[string]bool{"valid: {prompt_tokens: [2, 10], output_tokens: [1, 4]}": false,
		"valid: {prompt_tokens: [5, 10]}": true, "valid: {output_tokens: [2, 9]}": true} {
		profile := "simcap_profile: 1\nservice: {llm: {iteration: {base: {1: 10ms, 9: 20ms}}, kv: {num_blocks: 100}}}\n" + tokens + "\n"
		i, j := strings.Index(chatScenario, "      llm:"), strings.Index(chatScenario, "  plain:")
		s, ds := scenarios.Load("chat", []byte(chatScenario[:i]+"      profile: p\n"+chatScenario[j:]),
			scenarios.Options{Profile: func(string) ([]byte, error) { return []byte(profile), nil }})
		if s == nil {
			t.Fatal(ds.Text(false))
		}
		r, err := experiment.Run(context.Background(), s, experiment.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(strings.Join(r.Warnings, "\n"), "tokens on average, and the profile p was measured with"); got != warned {
			t.Errorf("%s: %q", tokens, r.Warnings)
		}
	}
}

// A metric of tokens is refused where no input has any.
func TestTokenMetricsAreRefused(t *testing.T) {
	for slo, wrong := range map[string]bool{"{metric: ttft.p99, max: 1s}": false, "{metric: tpot.mean, function: chat, max: 20ms}": false,
		"{metric: output_tokens, workload: a, min: 1/s}": false, "{metric: ttft.p99, function: plain, max: 1s}": true,
		"{metric: tpot.p50, workload: c, max: 1s}": true} {
		_, ds := scenarios.Load("chat", []byte(chatScenario+"slo: ["+slo+"]\n"), scenarios.Options{})
		if told := strings.Contains(ds.Text(false), "only functions with service.llm"); told != wrong || ds.Failed() != wrong {
			t.Errorf("%s:\n%s", slo, ds.Text(false))
		}
	}
}

// Sweeps, and trials that are kept and read again, know the times of tokens.
func TestTokensOfReplications(t *testing.T) {
	text := strings.Replace(chatScenario, "prompt_tokens: 4", "prompt_tokens: {dist: uniform, min: 1, max: 9}", 1)
	text = strings.Replace(text, "process: at, times: [0s, 1s]", "process: poisson, rate: 20/s, count: 400", 1)
	r := runScenario(t, text+"replications: 4\n")
	a := r.Workloads["a"]
	for name, e := range map[string]experiment.Estimate{"ttft": a.TTFTS.P90, "mean": a.TTFTS.Mean, "tpot": a.TPOTS.P50,
		"speed": a.OutputTokensPerS.Mean, "total": a.OutputTokensPerS.Total} {
		if e.Value == nil || e.Low == nil || *e.Low > *e.Value || *e.High < *e.Value {
			t.Errorf("%s: %+v", name, e)
		}
	}
}
