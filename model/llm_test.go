package model_test

import (
	"strings"
	"testing"

	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/model/dist"
	"github.com/simcap/simcap/model/service"
	"github.com/simcap/simcap/model/workload"
	"github.com/simcap/simcap/sim"
)

// chat is a function like an 8B model on an H100, and a workload that keeps it busy.
func chat(count int64) model.Config {
	c := model.NewConfig(model.PresetNone)
	f := model.NewFunction("f", &c.Platform)
	f.MinContainers, f.MaxContainers = 1, 1
	f.Concurrent = model.Concurrent{MaxInputs: 300, TargetInputs: 300}
	f.Timeout = sim.Hour
	l := service.NewLLM()
	l.Iteration = service.IterationTime{PerContextToken: 50, Base: service.Curve{{N: 1, NS: 6.4e6}, {N: 64, NS: 6.9e6},
		{N: 256, NS: 9e6}, {N: 2048, NS: 41e6}}}
	l.KV.NumBlocks = 20_000
	f.Service.LLM = &l
	w := model.NewWorkload("w", "f")
	w.PromptTokens = dist.Lognormal{Average: 800, CV: 1}
	w.OutputTokens = dist.Exponential{Average: 200}
	w.Arrivals.Kind = workload.Poisson{RatePerSec: 10}
	w.Arrivals.Count = count
	c.Functions, c.Workloads = []model.Function{f}, []model.Workload{w}
	return c
}

// Every token is computed once where nothing is preempted: those of prompts, and of outputs all but the last. The
// parts of latency, the times of tokens and the counts fit together.
func TestTokensAreConserved(t *testing.T) {
	cfg := chat(500)
	out := must(t, &cfg, model.Trial{Seed: 3, Replication: 1})
	e := out.tally.Functions[0].Engine
	want, outputs := int64(0), int64(0)
	for i := range out.inputs {
		r := &out.inputs[i]
		want += int64(r.LLM.Prompt + r.LLM.Output - 1)
		outputs += int64(r.LLM.Output)
		if r.Outcome != model.Completed || r.LLM.TTFT <= 0 || r.LLM.TTFT > r.Latency {
			t.Fatalf("%+v", r)
		}
		rest := r.Latency - r.LLM.TTFT - sim.Time(r.LLM.Output-1)*r.LLM.TPOT
		if r.LLM.Output > 1 && (rest > sim.Time(r.LLM.Output) || -rest > sim.Time(r.LLM.Output)) {
			t.Fatalf("latency is not TTFT + %d × TPOT by %d ns: %+v", r.LLM.Output-1, rest, r)
		}
	}
	if e.Preemptions != 0 || e.Tokens != want || out.tally.Workloads[0].LLM.Outputs != outputs {
		t.Errorf("%+v, want %d tokens", e, want)
	}
	cfg.Functions[0].Service.LLM.KV.NumBlocks = 600
	short := must(t, &cfg, model.Trial{Seed: 3, Replication: 1})
	least := int64(0)
	for i := range short.inputs {
		if r := &short.inputs[i]; r.Outcome == model.Completed {
			least += int64(r.LLM.Prompt + r.LLM.Output - 1)
		}
	}
	if e := short.tally.Functions[0].Engine; e.Preemptions == 0 || e.Tokens <= least {
		t.Errorf("short of memory: %+v, where %d tokens are made and some twice", e, least)
	}
}

// A sequence that is alone takes exactly what the closed form says, and has no interference; so does each of a
// closed loop of one client.
func TestLoneSequences(t *testing.T) {
	cfg := chat(40)
	cfg.Workloads[0].Arrivals.Kind = workload.Closed{Clients: 1, Think: dist.Constant{Value: 1e8}}
	l := cfg.Functions[0].Service.LLM
	table := service.NewTable(l)
	out := must(t, &cfg, model.Trial{Seed: 1, Replication: 1})
	for i := range out.inputs {
		r := &out.inputs[i]
		if want := table.Alone(l, r.LLM.Prompt, r.LLM.Output); r.Latency != want || r.Parts[model.Served] != want ||
			r.LLM.TTFT != table.Alone(l, r.LLM.Prompt, 1) {
			t.Errorf("%d + %d tokens take %d ns, alone %d: %+v", r.LLM.Prompt, r.LLM.Output, r.Latency, want, r)
		}
	}
	if len(out.inputs) != 40 {
		t.Errorf("%d inputs", len(out.inputs))
	}
}

// What an input carries does not depend on the engine's settings (rule 14).
func TestTokensAreTheInputs(t *testing.T) {
	a, b := chat(200), chat(200)
	l := b.Functions[0].Service.LLM
	l.MaxSeqs, l.MaxTokens, l.NoiseCV, l.KV.NumBlocks = 3, 64, 0.5, 700
	b.Functions[0].Concurrent = model.Concurrent{MaxInputs: 5, TargetInputs: 5}
	x, y := must(t, &a, model.Trial{Seed: 5, Replication: 2}), must(t, &b, model.Trial{Seed: 5, Replication: 2})
	for i := range x.inputs {
		p, q := &x.inputs[i].LLM, &y.inputs[i].LLM
		if p.Prompt != q.Prompt || p.Output != q.Output || x.inputs[i].Submitted != y.inputs[i].Submitted {
			t.Fatalf("input %d: %+v, %+v", i, p, q)
		}
	}
}

// Tokens that nobody gives end a run with an error that says whose; so do more than are possible.
func TestTokensThatAreMissing(t *testing.T) {
	cfg := chat(3)
	cfg.Workloads[0].PromptTokens = nil
	cfg.Workloads[0].Arrivals.Kind = workload.Trace{Speedup: 1, RateScale: 1, Open: func(uint64) (workload.Source, error) {
		return workload.At{Times: []sim.Time{0, sim.Second}}.Source(sim.Stream{}), nil
	}}
	if out := runModel(&cfg, model.Trial{Seed: 1, Replication: 1}); out.err == nil ||
		!strings.Contains(out.err.Error(), "workload w: its trace does not say the prompt_tokens of call 1") {
		t.Errorf("%v %v", out.err, out.panicked)
	}
	cfg = chat(30)
	cfg.Workloads[0].OutputTokens = dist.Exponential{Average: 1e8}
	if out := runModel(&cfg, model.Trial{Seed: 1, Replication: 1}); out.err == nil ||
		!strings.Contains(out.err.Error(), "output_tokens, and at most 10000000 are possible") {
		t.Errorf("%v %v", out.err, out.panicked)
	}
}

// Where all iterations that only generate follow each other, the next token still comes one by one: a first input
// that takes ten million tokens and others that come while it does.
func TestLongSpans(t *testing.T) {
	cfg := chat(1)
	cfg.Functions[0].Timeout = 1000 * sim.Day
	cfg.Functions[0].Service.LLM.KV.NumBlocks = 0
	cfg.Workloads[0].OutputTokens = dist.Constant{Value: service.MostTokens}
	cfg.Workloads[0].PromptTokens = dist.Constant{Value: 1}
	other := model.NewWorkload("x", "f")
	other.PromptTokens, other.OutputTokens = dist.Constant{Value: 100}, dist.Constant{Value: 2}
	other.Arrivals.Kind = workload.At{Times: []sim.Time{sim.Hour + 1, 30 * sim.Hour, 50 * sim.Hour}}
	cfg.Workloads = append(cfg.Workloads, other)
	out := must(t, &cfg, model.Trial{Seed: 1, Replication: 1})
	for i := range out.inputs {
		if out.inputs[i].Outcome != model.Completed {
			t.Errorf("%+v", out.inputs[i])
		}
	}
	if e := out.tally.Functions[0].Engine; e.Tokens != service.MostTokens+3*101 {
		t.Errorf("%+v", e)
	}
}
