package model

import (
	"strings"

	"github.com/simcap/simcap/model/dist"
	"github.com/simcap/simcap/model/service"
	"github.com/simcap/simcap/model/workload"
)

// engine checks an LLM function: the engine takes the place of all other ways of service.
func (v *validator) engine(at string, f *Function) {
	s := &f.Service
	if err := s.LLM.Validate(); err != nil {
		key, text, _ := strings.Cut(err.Error(), ": ")
		v.wrong(at+".llm."+key, "%s", text)
	}
	v.dist(at+".first_input", s.FirstInput)
	const text = "has no meaning beside llm: "
	for _, other := range []struct {
		key, why string
		is       bool
	}{{"time", "the engine's iterations say how long an input takes", s.Time != nil},
		{"per_unit", "prompt_tokens and output_tokens are the size of an input", s.PerUnit != 0},
		{"batch", "the engine makes its batches itself, of up to max_num_seqs", s.Batch != nil},
		{"concurrency", "the engine's iterations say how its inputs slow each other down",
			len(s.Concurrency) > 0},
		{"noise", "llm.noise is that of an iteration", s.NoiseCV != 0}} {
		if other.is {
			v.wrong(at+"."+other.key, text+"%s", other.why).Help = "leave one of both out"
		}
	}
	base := strings.TrimSuffix(at, ".service")
	if f.Batched.MaxBatchSize > 0 {
		v.wrong(base+".batched", "a function with service.llm takes no batches: its engine joins inputs at "+
			"every iteration").Help = "say how many inputs a container takes: concurrent: {max_inputs: 256}"
	}
	if f.Concurrent.MaxInputs == 1 && !f.SingleUse {
		v.warn(at+".llm", "a container takes one input at a time (concurrent.max_inputs), so that the "+
			"engine never has a second one")
	}
	if s.LLM.KV.NumBlocks == 0 {
		v.warn(at+".llm", "kv.num_blocks is not given, so that the engine's memory is never short")
	}
}

// tokens checks that a workload of an LLM function says how long its prompts and outputs are, and that no
// other does.
func (v *validator) tokens(c *Config, w *Workload, at string) {
	var f *Function
	for i := range c.Functions {
		if c.Functions[i].Name == w.Function {
			f = &c.Functions[i]
		}
	}
	_, traced := w.Arrivals.Kind.(workload.Trace)
	for _, own := range []struct {
		key  string
		dist dist.Dist
	}{{"prompt_tokens", w.PromptTokens}, {"output_tokens", w.OutputTokens}} {
		path := at + "." + own.key
		v.dist(path, own.dist)
		v.atMost(path, own.dist, service.MostTokens, "tokens")
		switch {
		case f == nil:
		case own.dist != nil && f.Service.LLM == nil:
			p := v.wrong(path, "has no effect: function %s has no service.llm", w.Function)
			p.Warning, p.Needs = true, []string{"functions." + w.Function + ".service"}
		case own.dist == nil && f.Service.LLM != nil && !traced:
			v.wrong(path, "is missing: function %s has an LLM engine", w.Function).Help =
				"write a number or a distribution, " + own.key + ": {dist: lognormal, p50: 200, p99: 2000}"
		}
	}
}
