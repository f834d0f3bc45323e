package service

import (
	"errors"
	"fmt"

	"github.com/simcap/simcap/sim"
)

// LLM is an engine with continuous batching: it works in iterations, each of which takes one token of
// every sequence that generates, and prompts or chunks of prompts, up to a budget of tokens.
type LLM struct {
	Iteration      IterationTime `yaml:"iteration"`
	Request        RequestTime   `yaml:"request"`
	MaxSeqs        int           `yaml:"max_num_seqs"`           // sequences of an iteration at most
	MaxTokens      int           `yaml:"max_num_batched_tokens"` // tokens of an iteration at most: the budget
	ChunkedPrefill bool          `yaml:"chunked_prefill"`        // prompts may be computed in pieces
	KV             KV            `yaml:"kv"`
	NoiseCV        float64       `yaml:"-"` // noise: {cv}, of each iteration
}

// IterationTime is the time of an iteration, see NS.
type IterationTime struct {
	Base              Curve   `yaml:"base"`                            // by tokens scheduled
	PerSequence       float64 `yaml:"per_sequence" unit:"time"`        // ns
	PerContextToken   float64 `yaml:"per_context_token" unit:"time"`   // ns
	PerAttentionToken float64 `yaml:"per_attention_token" unit:"time"` // ns
}

// RequestTime is what a request spends outside of the engine. It is added to latency and moves no event.
type RequestTime struct {
	Admit          float64 `yaml:"admit" unit:"time"`            // ns, before the first token
	PerOutputToken float64 `yaml:"per_output_token" unit:"time"` // ns, of each output token
}

// KV is the engine's memory of keys and values, in blocks.
type KV struct {
	BlockSize int `yaml:"block_size"` // tokens of a block
	NumBlocks int `yaml:"num_blocks"` // 0: the memory is never short
}

// Bounds of the engine's settings.
const (
	MostTokens   = 10_000_000 // of a prompt, of an output, and of an iteration
	MostBlocks   = 1_000_000_000
	mostEngineNS = 36_525 * 86_400e9 // 100 years, in ns
)

// NewLLM is an engine with the defaults of docs/semantics.md, without iteration times.
func NewLLM() LLM {
	return LLM{MaxSeqs: 256, MaxTokens: 2048, ChunkedPrefill: true, KV: KV{BlockSize: 16}}
}

// Pass is what an iteration computes.
type Pass struct {
	Tokens    int   // scheduled: one of each sequence that generates, and chunks of prompts
	Sequences int   // that they belong to
	Context   int64 // Σ tokens computed before, of the sequences that generate
	Attention int64 // Σ chunk × (2 × context + chunk) of chunks of prompts: twice the tokens attended to
}

// NS is the time of an iteration in ns before noise:
//
//	base(tokens) + per_sequence × sequences + per_context_token × Σ context
//	  + per_attention_token × Σ chunk × (context + chunk/2)
//
// in this order. With base {1: 6.4 ms, 64: 6.9 ms} and 50 ns for a context token, 64 sequences of 1,000
// tokens take 6.9 ms + 3.2 ms = 10.1 ms. The form and its evidence: docs/decisions.md, docs/validation.md.
func (t *IterationTime) NS(p Pass) float64 {
	return t.over(t.Base.At(p.Tokens), p)
}

// over is NS with a base that is known.
func (t *IterationTime) over(base float64, p Pass) float64 {
	// Each product is rounded by itself, on every processor.
	ns := base + float64(t.PerSequence*float64(p.Sequences))
	ns += float64(t.PerContextToken * float64(p.Context))
	return ns + float64(t.PerAttentionToken*(float64(p.Attention)/2))
}

// Table is an iteration's time with the base of small passes looked up.
type Table struct {
	times *IterationTime
	base  []float64 // by tokens
}

// NewTable makes the table of an engine that is valid.
func NewTable(l *LLM) Table {
	const most = 4096
	t := Table{times: &l.Iteration, base: make([]float64, min(most, l.MaxTokens)+1)}
	for n := 1; n < len(t.base); n++ {
		t.base[n] = l.Iteration.Base.At(n)
	}
	return t
}

// NS is that of the engine's iterations.
func (t *Table) NS(p Pass) float64 {
	if p.Tokens < len(t.base) {
		return t.times.over(t.base[p.Tokens], p)
	}
	return t.times.NS(p)
}

// Blocks is how many blocks hold so many tokens; 0 where memory is never short.
func (k *KV) Blocks(tokens int) int {
	if k.NumBlocks == 0 {
		return 0
	}
	return (tokens + k.BlockSize - 1) / k.BlockSize
}

// Fits says whether a request could ever be served: its prompt and output fit into the blocks, and
// without chunked prefill the prompt into an iteration.
func (l *LLM) Fits(prompt, output int) bool {
	return l.KV.Blocks(prompt+output) <= l.KV.NumBlocks && (l.ChunkedPrefill || prompt <= l.MaxTokens)
}

// Alone is how long a request takes that is alone in the engine until it has its n-th output token: the
// chunks of its prompt, then n - 1 iterations of one token, each rounded to ns, without noise. With n 0
// it has not begun.
func (t *Table) Alone(l *LLM, prompt, n int) sim.Time {
	if n == 0 {
		return 0
	}
	total := sim.Time(0)
	for done := 0; done < prompt; {
		chunk := min(prompt-done, l.MaxTokens)
		total += sim.Round(t.NS(Pass{Tokens: chunk, Sequences: 1,
			Attention: int64(chunk) * int64(2*done+chunk)}))
		done += chunk
	}
	if t.times.PerContextToken == 0 {
		return total + sim.Time(n-1)*sim.Round(t.NS(Pass{Tokens: 1, Sequences: 1}))
	}
	for k := range n - 1 {
		total += sim.Round(t.NS(Pass{Tokens: 1, Sequences: 1, Context: int64(prompt + k)}))
	}
	return total
}

// Validate checks the engine. Errors begin with the key that is wrong.
func (l *LLM) Validate() error {
	t := &l.Iteration
	if len(t.Base) == 0 {
		return errors.New("iteration.base: is missing: the time of an iteration by its tokens, " +
			"{1: 6.4ms, 2048: 41ms}")
	}
	if err := count("max_num_seqs", l.MaxSeqs, 1, MostTokens); err != nil {
		return err
	}
	if err := count("max_num_batched_tokens", l.MaxTokens, 1, MostTokens); err != nil {
		return err
	}
	if err := t.validate(l.MaxTokens); err != nil {
		return fmt.Errorf("iteration.%w", err)
	}
	for _, s := range []struct {
		key string
		ns  float64
	}{{"request.admit", l.Request.Admit}, {"request.per_output_token", l.Request.PerOutputToken}} {
		if err := span(s.key, s.ns); err != nil {
			return err
		}
	}
	if err := count("kv.block_size", l.KV.BlockSize, 1, MostTokens); err != nil {
		return err
	}
	if err := count("kv.num_blocks", l.KV.NumBlocks, 0, MostBlocks); err != nil {
		return err
	}
	if !(l.NoiseCV >= 0 && l.NoiseCV <= MostNoise) {
		return fmt.Errorf("noise.cv: %v, where a number from 0 to %d is expected", l.NoiseCV, MostNoise)
	}
	return nil
}

// validate checks the times of passes of up to most tokens.
func (t *IterationTime) validate(most int) error {
	for i := 1; i < len(t.Base); i++ {
		if t.Base[i].NS < t.Base[i-1].NS {
			return fmt.Errorf("base: falls from %d to %d tokens: more tokens never take less time",
				t.Base[i-1].N, t.Base[i].N)
		}
	}
	if err := t.Base.validate(most, false); err != nil {
		return fmt.Errorf("base: %w", err)
	}
	if t.Base.At(most) > mostEngineNS {
		return fmt.Errorf("base: an iteration of %d tokens would take more than 100 years", most)
	}
	for _, s := range []struct {
		key string
		ns  float64
	}{{"per_sequence", t.PerSequence}, {"per_context_token", t.PerContextToken},
		{"per_attention_token", t.PerAttentionToken}} {
		if err := span(s.key, s.ns); err != nil {
			return err
		}
		if s.ns > mostEngineNS {
			return fmt.Errorf("%s: is longer than 100 years", s.key)
		}
	}
	return nil
}

// count checks a whole number.
func count(key string, n, least, most int) error {
	if n < least || n > most {
		return fmt.Errorf("%s: %d, where a number from %d to %d is expected", key, n, least, most)
	}
	return nil
}

// Beyond says whether a pass of so many tokens lies above the points that the base was measured at.
func (t *IterationTime) Beyond(tokens int) bool {
	return len(t.Base) > 1 && tokens > t.Base[len(t.Base)-1].N
}
