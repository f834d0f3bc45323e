package scenarios

import (
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/simcap/simcap/model/dist"
	"github.com/simcap/simcap/model/service"
)

// engineScenario is an LLM function as most files have it.
const engineScenario = `simcap: 1
horizon: 10m
functions:
  chat:
    gpu: H100
    concurrent: {max_inputs: 64}
    service:
      llm:
        iteration: {base: {1: 6.4ms, 64: 6.9ms, 2048: 41ms}, per_context_token: 50ns}
        kv: {block_size: 16, num_blocks: 20000}
workloads:
  - name: web
    function: chat
    prompt_tokens: {dist: lognormal, p50: 200, p99: 2000}
    output_tokens: 150
    arrivals: {process: poisson, rate: 2/s}
`

// Every key of an engine arrives, and what is left out has its default.
func TestEngineLoads(t *testing.T) {
	s := mustLoad(t, engineScenario, Options{})
	got := s.Model.Functions[0].Service.LLM
	want := &service.LLM{MaxSeqs: 256, MaxTokens: 2048, ChunkedPrefill: true, KV: service.KV{BlockSize: 16, NumBlocks: 20000},
		Iteration: service.IterationTime{Base: service.Curve{{N: 1, NS: 6.4e6}, {N: 64, NS: 6.9e6}, {N: 2048, NS: 41e6}},
			PerContextToken: 50}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	w := &s.Model.Workloads[0]
	if w.OutputTokens != dist.Dist(dist.Constant{Value: 150}) || w.PromptTokens.Mean() < 200 {
		t.Errorf("tokens %v, %v", w.PromptTokens, w.OutputTokens)
	}
	all := strings.Replace(engineScenario, "kv: {block", "max_num_seqs: 3\n        max_num_batched_tokens: 99\n        chunked_prefill: "+
		"false\n        noise: {cv: 5%}\n        request: {admit: 3ms, per_output_token: 2us}\n        kv: {block", 1)
	all = strings.Replace(all, "50ns", "50ns, per_sequence: 1us, per_attention_token: 0.25ns", 1)
	got = mustLoad(t, all, Options{}).Model.Functions[0].Service.LLM
	want.MaxSeqs, want.MaxTokens, want.ChunkedPrefill, want.NoiseCV = 3, 99, false, 0.05
	want.Request = service.RequestTime{Admit: 3e6, PerOutputToken: 2e3}
	want.Iteration.PerSequence, want.Iteration.PerAttentionToken = 1e3, 0.25
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// withEngineProfile is engineScenario with a profile in place of its engine.
func withEngineProfile(name string) string {
	return strings.Replace(engineScenario, "      llm:\n        iteration: {base: {1: 6.4ms, 64: 6.9ms, 2048: 41ms}, "+
		"per_context_token: 50ns}\n        kv: {block_size: 16, num_blocks: 20000}\n", "      profile: "+name+"\n", 1)
}

// What stands beside a profile replaces its settings one by one, also within llm.
func TestEngineOfAProfile(t *testing.T) {
	const profile = "simcap_profile: 1\nservice:\n  llm: {iteration: {base: {1: 5ms, 512: 20ms}}, max_num_seqs: 12, " +
		"kv: {num_blocks: 77}}\nvalid: {prompt_tokens: [10, 900], output_tokens: [1, 300]}\n"
	text := strings.Replace(withEngineProfile("p.yaml"), "p.yaml\n",
		"p.yaml\n      llm: {max_num_batched_tokens: 4096, kv: {block_size: 32}}\n", 1)
	s := mustLoad(t, text, Options{Profile: func(string) ([]byte, error) { return []byte(profile), nil }})
	got := s.Model.Functions[0].Service.LLM
	want := &service.LLM{MaxSeqs: 12, MaxTokens: 4096, ChunkedPrefill: true, KV: service.KV{BlockSize: 32, NumBlocks: 77},
		Iteration: service.IterationTime{Base: service.Curve{{N: 1, NS: 5e6}, {N: 512, NS: 20e6}}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if v := s.Profiles["chat"].Valid; len(v.PromptTokens) != 2 || v.PromptTokens[1] != 900 || v.OutputTokens[0] != 1 {
		t.Errorf("valid %+v", v)
	}
}

func engineMistakes() []mistake {
	const base, kv = "{1: 6.4ms, 64: 6.9ms, 2048: 41ms}", "kv: {block_size: 16, num_blocks: 20000}"
	return []mistake{
		{name: "no times", old: "iteration: {base: " + base + ", per_context_token: 50ns}", new: "max_num_seqs: 256", at: "llm",
			path: "functions.chat.service.llm.iteration.base", message: "iteration.base: is missing"},
		{name: "a base that falls", old: base, new: "{1: 6ms, 8: 5ms}", at: "base",
			path: "functions.chat.service.llm.iteration.base", message: "falls from 1 to 8 tokens"},
		{name: "a base of texts", old: base, new: "{one: 6ms}", at: "one", path: "functions.chat.service.llm.iteration.base.one",
			message: `"one" is not a number`},
		{name: "a base that is a time", old: base, new: "6ms", at: "6ms", path: "functions.chat.service.llm.iteration.base",
			message: "a mapping of tokens to times"},
		{name: "a misspelt limit", old: kv, new: kv + "\n        max_num_seq: 4", at: "max_num_seq:",
			path: "functions.chat.service.llm.max_num_seq", message: "unknown key", help: `"max_num_seqs"`},
		{name: "a misspelt cost", old: "per_context_token", new: "per_contxt_token", at: "per_contxt_token",
			path: "functions.chat.service.llm.iteration.per_contxt_token", message: "unknown key", help: `"per_context_token"`},
		{name: "beside a time", old: "service:", new: "service:\n      time: 1s", at: "1s", path: "functions.chat.service.time",
			message: "has no meaning beside llm"},
		{name: "beside units", old: "service:", new: "service:\n      per_unit: 1s", at: "1s", path: "functions.chat.service.per_unit",
			message: "has no meaning beside llm"},
		{name: "beside a noise", old: "service:", new: "service:\n      noise: {cv: 1}", at: "noise", path: "functions.chat.service.noise",
			message: "llm.noise is that of an iteration"},
		{name: "beside a slow-down", old: "service:", new: "service:\n      concurrency: {points: {1: 1s}}", at: "concurrency",
			path: "functions.chat.service.concurrency", message: "has no meaning beside llm"},
		{name: "in batches", old: "gpu: H100", new: "batched: {max_batch_size: 4}", at: "batched", path: "functions.chat.batched",
			message: "takes no batches", help: "concurrent"},
		{name: "no prompts", old: "    prompt_tokens: {dist: lognormal, p50: 200, p99: 2000}\n", new: "", at: "name",
			path: "workloads.web.prompt_tokens", message: "prompt_tokens: is missing: function chat has an LLM engine", help: "prompt_tokens: {dist"},
		{name: "no outputs", old: "    output_tokens: 150\n", new: "", at: "name",
			path: "workloads.web.output_tokens", message: "output_tokens: is missing"},
		{name: "outputs without end", old: "output_tokens: 150", new: "output_tokens: 1e9", at: "1e9",
			path: "workloads.web.output_tokens", message: "at most 10000000 tokens are possible"},
		{name: "a negative prompt", old: "output_tokens: 150", new: "output_tokens: -1", at: "-1", path: "workloads.web.output_tokens",
			message: "negative"},
		{name: "no sequence", old: kv, new: kv + "\n        max_num_seqs: 0", at: "0", path: "functions.chat.service.llm.max_num_seqs",
			message: "from 1 to 10000000"},
		{name: "no tokens", old: kv, new: kv + "\n        max_num_batched_tokens: 0", at: "0",
			path: "functions.chat.service.llm.max_num_batched_tokens", message: "from 1 to 10000000"},
		{name: "blocks of nothing", old: "block_size: 16", new: "block_size: 0", at: "0",
			path: "functions.chat.service.llm.kv.block_size", message: "from 1 to 10000000"},
		{name: "too much noise", old: kv, new: kv + "\n        noise: {cv: 11}", at: "11", path: "functions.chat.service.llm.noise.cv",
			message: "from 0 to 10"},
		{name: "one input at a time", old: "max_inputs: 64", new: "max_inputs: 1", at: "llm", path: "functions.chat.service.llm",
			message: "one input at a time", asWarning: true},
		{name: "memory without end", old: "        " + kv + "\n", new: "", at: "llm", path: "functions.chat.service.llm",
			message: "memory is never short", asWarning: true},
		{name: "tokens for nobody", old: "      llm:\n        iteration: {base: " + base + ", per_context_token: 50ns}\n        " + kv + "\n",
			new: "      time: 1s\n", at: "150", path: "workloads.web.output_tokens", message: "has no service.llm", asWarning: true},
	}
}

func TestEngineMistakes(t *testing.T) {
	for _, m := range engineMistakes() {
		t.Run(m.name, func(t *testing.T) {
			if !strings.Contains(engineScenario, m.old) {
				t.Fatalf("the scenario has no %q", m.old)
			}
			text := strings.Replace(engineScenario, m.old, m.new, 1)
			if m.name == "tokens for nobody" {
				text = strings.Replace(text, "    prompt_tokens: {dist: lognormal, p50: 200, p99: 2000}\n", "", 1)
			}
			s, ds := Load("file.yaml", []byte(text), Options{})
			if (s == nil) == m.asWarning || len(ds) != 1 {
				t.Fatalf("scenario %v, %d diagnostics, want 1:\n%s", s != nil, len(ds), ds.Text(false))
			}
			d := ds[0]
			if d.Path != m.path || !strings.Contains(d.Message, m.message) || !strings.Contains(d.Help, m.help) ||
				d.Severity == Warning != m.asWarning {
				t.Errorf("want path %q, message %q, help %q, got\n%s", m.path, m.message, m.help, ds.Text(false))
			}
			if !strings.HasPrefix(textAt(text, d.Line, d.Column), m.at) {
				t.Errorf("points to %.20q, want %q:\n%s", textAt(text, d.Line, d.Column), m.at, ds.Text(false))
			}
		})
	}
}

// A trace says how many tokens its inputs have; where one row does not, or is not to, the workload has to.
func TestTokensOfATrace(t *testing.T) {
	files := map[string]string{
		"full.csv": "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.97,374,44\n2023-11-16 18:17:04.03,396,109\n",
		"bare.txt": "0\n1\n2\n",
	}
	opts := Options{Open: func(name string) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(files[name])), nil
	}}
	const own = "    prompt_tokens: {dist: lognormal, p50: 200, p99: 2000}\n    output_tokens: 150\n"
	for _, c := range []struct{ arrivals, tokens, wrong string }{
		{"file: full.csv", "", ""},
		{"file: full.csv", own, ""},
		{"file: full.csv, take: [prompt_tokens]", "    output_tokens: 3\n", ""},
		{"file: full.csv, take: [prompt_tokens]", "", "not every row of full.csv says the output_tokens"},
		{"file: bare.txt", own, ""},
		{"file: bare.txt", "    output_tokens: 3\n", "not every row of bare.txt says the prompt_tokens"},
	} {
		text := strings.Replace(engineScenario, own, c.tokens, 1)
		text = strings.Replace(text, "process: poisson, rate: 2/s", "process: trace, "+c.arrivals, 1)
		s, ds := Load("file.yaml", []byte(text), opts)
		switch {
		case c.wrong == "" && s == nil:
			t.Errorf("%+v:\n%s", c, ds.Text(false))
		case c.wrong != "" && (len(ds) != 1 || !strings.Contains(ds[0].Message, c.wrong) || ds[0].Help == ""):
			t.Errorf("%+v:\n%s", c, ds.Text(false))
		}
	}
}
