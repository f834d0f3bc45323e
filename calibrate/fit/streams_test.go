package fit

import (
	"math"
	"math/rand/v2"
	"testing"
)

// played is what clients see of an engine that batches continuously: so many of them at a time, each of whom asks
// again as soon as it has its answer, a little later by chance. Admit is before the engine.
func played(e *Engine, clients, prompt, output, requests int, seed uint64) []Stream {
	random := rand.New(rand.NewPCG(seed, 1))
	type sequence struct {
		Stream
		comes float64
		made  int
	}
	var out []Stream
	var running, coming []*sequence
	ask := func(now float64) {
		coming = append(coming, &sequence{Stream: Stream{Sent: now, Prompt: prompt, Output: output}, comes: now + e.Admit})
	}
	for range clients {
		ask(random.Float64() * 0.3)
	}
	now := 0.0
	for len(out) < requests {
		var i Iteration
		var kept []*sequence
		for _, s := range running {
			i.Tokens++
			i.Sequences++
			i.Context += float64(s.Prompt + s.made)
		}
		for _, s := range coming {
			if s.comes > now {
				kept = append(kept, s)
				continue
			}
			running = append(running, s)
			i.Tokens += float64(s.Prompt)
			i.Sequences++
			i.Attention += float64(s.Prompt*s.Prompt) / 2
		}
		if coming = kept; len(running) == 0 {
			now += 0.0001
			continue
		}
		now += e.At(i)
		var left []*sequence
		for _, s := range running {
			if s.made++; s.made == 1 {
				s.First = now
			}
			if s.made < s.Output {
				left = append(left, s)
				continue
			}
			s.Done = now
			out = append(out, s.Stream)
			ask(now + random.Float64()*0.004)
		}
		running = left
	}
	return out
}

// From what clients see under a few loads the engine's iterations are found again, though prompts come in the
// middle of others' answers: within 3 %, also at numbers of tokens that no load had on average.
func TestEngineOfStreams(t *testing.T) {
	truth := Engine{Base: []Knot{{1, 0.0062}, {16, 0.0066}, {128, 0.009}, {1024, 0.024}}, PerContext: 8e-8, PerAttention: 2e-9, Admit: 0.003}
	var all []Sample
	for k, clients := range []int{1, 2, 4, 8, 16} {
		all = append(all, Passes(played(&truth, clients, 200, 64, 40*clients, uint64(k)))...)
	}
	for _, prompt := range []int{16, 64, 200, 512, 1024} {
		alone := played(&truth, 1, prompt, 4, 20, 9)
		all = append(all, LonePrompt(prompt, alone[10].First-alone[10].Sent))
	}
	e, err := NewEngineOf(all)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(e.Admit-truth.Admit) > 0.0005 {
		t.Errorf("a request spends %.2f ms before the engine, truth %.2f ms", 1e3*e.Admit, 1e3*truth.Admit)
	}
	for _, i := range []Iteration{{Tokens: 1, Sequences: 1, Context: 230}, {Tokens: 12, Sequences: 12, Context: 12 * 230},
		{Tokens: 16, Sequences: 16, Context: 16 * 230}, {Tokens: 215, Sequences: 16, Context: 15 * 230, Attention: 200 * 200 / 2},
		{Tokens: 512, Sequences: 1, Attention: 512 * 512 / 2}, {Tokens: 1024, Sequences: 1, Attention: 1024 * 1024 / 2}} {
		if got, want := e.At(i), truth.At(i); math.Abs(got/want-1) > 0.03 {
			t.Errorf("%+v takes %.3f ms, truth %.3f ms", i, 1e3*got, 1e3*want)
		}
	}
	if e.MAPE > 0.02 || !(e.Holdout < 0.03) {
		t.Errorf("errors %+v", e)
	}
}

// What cannot be an answer is left out, and nothing makes no sample.
func TestPassesOfNothing(t *testing.T) {
	if all := Passes(nil); len(all) != 0 {
		t.Error(all)
	}
	if all := Passes([]Stream{{Sent: 1, First: 2, Done: 2, Output: 1}, {Sent: 1, First: 1, Done: 0, Output: 9}}); len(all) != 0 {
		t.Error(all)
	}
	for _, s := range Passes([]Stream{{0, 1, 3, 10, 3}, {0, 1, 3, 10, 3}, {0.5, 2, 3, 10, 2}}) {
		sum := 0.0
		for _, p := range s.Parts {
			sum += p.Share
		}
		if math.Abs(sum-1) > 1e-9 || !(s.Time > 0) {
			t.Errorf("%+v", s)
		}
	}
}
