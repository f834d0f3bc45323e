package service_test

import (
	"math"
	"strings"
	"testing"

	"github.com/simcap/simcap/model/service"
	"github.com/simcap/simcap/sim"
)

func engine() service.LLM {
	l := service.NewLLM()
	l.Iteration = service.IterationTime{Base: service.Curve{{N: 1, NS: 6.4e6}, {N: 64, NS: 6.9e6}, {N: 2048, NS: 41e6}},
		PerContextToken: 50}
	return l
}

// The example of the formula: 64 sequences of 1,000 tokens each take 6.9 + 3.2 ms. The table is the formula.
func TestIterationTime(t *testing.T) {
	l := engine()
	decode := service.Pass{Tokens: 64, Sequences: 64, Context: 64_000}
	if got := l.Iteration.NS(decode); math.Abs(got-10.1e6) > 1e-3 {
		t.Errorf("%v", got)
	}
	l.Iteration.PerSequence, l.Iteration.PerAttentionToken = 1000, 0.5
	mixed := service.Pass{Tokens: 108, Sequences: 9, Context: 7000, Attention: 100 * (2*50 + 100)}
	base := 6.9e6 + 34.1e6*(108-64)/(2048-64.0)
	if got, want := l.Iteration.NS(mixed), base+9000+350_000+0.5*100*(50+100.0/2); math.Abs(got-want) > 1e-3 {
		t.Errorf("%v, not %v", got, want)
	}
	l.MaxTokens = 20_000
	table := service.NewTable(&l)
	for _, n := range []int{1, 2, 63, 64, 65, 2048, 2049, 4096, 4097, 19_999} {
		p := service.Pass{Tokens: n, Sequences: 1, Attention: int64(n) * int64(n)}
		if table.NS(p) != l.Iteration.NS(p) {
			t.Errorf("of %d tokens the table says %v, the formula %v", n, table.NS(p), l.Iteration.NS(p))
		}
	}
	if !l.Iteration.Beyond(2049) || l.Iteration.Beyond(2048) {
		t.Error("the base is known up to 2048")
	}
}

// A request alone takes the closed form: its chunks, then an iteration with one more token behind it each time.
func TestAlone(t *testing.T) {
	l := engine()
	l.Iteration.PerAttentionToken = 2
	table := service.NewTable(&l)
	const prompt, output = 5000, 300
	chunks := 2*l.Iteration.Base.At(2048) + l.Iteration.Base.At(5000-4096) + 2*prompt*prompt/2.0 // Σ chunk (before + chunk/2) = prompt²/2
	decode := 0.0
	for k := range output - 1 {
		decode += l.Iteration.Base.At(1) + 50*float64(prompt+k)
	}
	if got, want := float64(table.Alone(&l, prompt, output)), chunks+decode; math.Abs(got-want) > 2 {
		t.Errorf("%v, not %v", got, want)
	}
	if first := float64(table.Alone(&l, prompt, 1)); math.Abs(first-chunks) > 2 {
		t.Errorf("the first token comes after %v, not %v", first, chunks)
	}
	if table.Alone(&l, prompt, 0) != 0 {
		t.Error("what has not begun takes no time")
	}
	l.Iteration.PerContextToken = 0
	if got, want := table.Alone(&l, 1, 1001), 1001*sim.Round(l.Iteration.Base.At(1))+1; got != want { // 1 × 1 / 2 × 2 ns
		t.Errorf("%v, not %v", got, want)
	}
}

func TestFits(t *testing.T) {
	l := engine()
	if !l.Fits(9_000_000, 9_000_000) {
		t.Error("memory that is never short holds anything")
	}
	l.KV = service.KV{BlockSize: 16, NumBlocks: 4}
	if !l.Fits(60, 4) || l.Fits(60, 5) || l.KV.Blocks(0) != 0 || l.KV.Blocks(16) != 1 || l.KV.Blocks(17) != 2 {
		t.Error("64 tokens fit into 4 blocks of 16")
	}
	l.ChunkedPrefill, l.MaxTokens = false, 50
	if !l.Fits(50, 14) || l.Fits(51, 1) {
		t.Error("a whole prompt fits into the budget")
	}
}

func TestEngineFaults(t *testing.T) {
	good := engine()
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for key, spoil := range map[string]func(l *service.LLM){
		"iteration.base: is missing":      func(l *service.LLM) { l.Iteration.Base = nil },
		"iteration.base: falls from":      func(l *service.LLM) { l.Iteration.Base = service.Curve{{N: 1, NS: 2}, {N: 2, NS: 1}} },
		"iteration.base: the curve":       func(l *service.LLM) { l.Iteration.Base = service.Curve{{N: 5, NS: 1e6}, {N: 6, NS: 9e6}} },
		"iteration.base: a point":         func(l *service.LLM) { l.Iteration.Base = service.Curve{{N: 0, NS: 1}} },
		"iteration.base: an iteration of": func(l *service.LLM) { l.Iteration.Base = service.Curve{{N: 1, NS: 1}, {N: 2, NS: 3e18}} },
		"iteration.per_sequence":          func(l *service.LLM) { l.Iteration.PerSequence = -1 },
		"iteration.per_context_token":     func(l *service.LLM) { l.Iteration.PerContextToken = math.NaN() },
		"iteration.per_attention_token":   func(l *service.LLM) { l.Iteration.PerAttentionToken = 1e30 },
		"request.admit":                   func(l *service.LLM) { l.Request.Admit = math.Inf(1) },
		"request.per_output_token":        func(l *service.LLM) { l.Request.PerOutputToken = -1 },
		"max_num_seqs":                    func(l *service.LLM) { l.MaxSeqs = 0 },
		"max_num_batched_tokens":          func(l *service.LLM) { l.MaxTokens = service.MostTokens + 1 },
		"kv.block_size":                   func(l *service.LLM) { l.KV.BlockSize = 0 },
		"kv.num_blocks":                   func(l *service.LLM) { l.KV.NumBlocks = -1 },
		"noise.cv":                        func(l *service.LLM) { l.NoiseCV = 11 },
	} {
		l := engine()
		spoil(&l)
		c := service.Config{LLM: &l}
		if err := c.Validate(1, 1); err == nil || !strings.HasPrefix(err.Error(), "llm."+key) {
			t.Errorf("%s: %v", key, err)
		}
	}
}
