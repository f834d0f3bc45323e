package calibrate

import (
	"fmt"

	"github.com/simcap/simcap/calibrate/fit"
	"github.com/simcap/simcap/calibrate/load"
)

// promptOutput is how many tokens the answers to prompts of several lengths have: enough for a time of a
// further one.
const promptOutput = 4

// prompts measures lone requests with prompts of several lengths: what an iteration takes by its tokens,
// beyond what generating sequences show.
func (r *runner) prompts(s *Session, run int) error {
	for _, n := range r.plan.Prompts {
		p, err := r.load(s, run, 1, load.Request{Batch: r.plan.Batches[0], PromptTokens: n,
			OutputTokens: promptOutput}, fmt.Sprintf("a prompt of %d tokens", n))
		if err != nil {
			return err
		}
		if p != nil {
			r.m.Prompts = append(r.m.Prompts, *p)
		}
	}
	return nil
}

// streams are the good answers of a point that came token by token.
func (p *Point) streams() []fit.Stream {
	var out []fit.Stream
	for i := range p.Records {
		r := &p.Records[i]
		if r.Err == "" && r.FirstByte > 0 && r.OutputTokens > 0 {
			out = append(out, fit.Stream{Sent: r.Sent, First: r.Sent + r.FirstByte, Done: r.Done,
				Prompt: r.PromptTokens, Output: r.OutputTokens})
		}
	}
	return out
}

// TokenTimes are the times to the first token and the times of each further one, of a point's streams.
func (p *Point) TokenTimes() (ttft, tpot []float64) {
	for _, s := range p.streams() {
		ttft = append(ttft, s.First-s.Sent)
		if s.Output > 1 {
			tpot = append(tpot, (s.Done-s.First)/float64(s.Output-1))
		}
	}
	return ttft, tpot
}

// engineSamples are what all loads tell of the engine's iterations.
func (m *Measurement) engineSamples() []fit.Sample {
	var out []fit.Sample
	for _, list := range [][]Point{m.Batches, m.Concurrency} {
		for i := range list {
			out = append(out, fit.Passes(list[i].streams())...)
		}
	}
	lone := func(p *Point) {
		streams := p.streams()
		ttft, _ := p.TokenTimes()
		if len(streams) > 0 && streams[0].Prompt > 0 {
			out = append(out, fit.LonePrompt(streams[0].Prompt, fit.Median(ttft)))
		}
	}
	for i := range m.Prompts {
		lone(&m.Prompts[i])
	}
	for i := range m.Batches {
		lone(&m.Batches[i])
	}
	return out
}

// tokensSeen are the least and the most tokens of prompts and outputs of the loads that count.
func (m *Measurement) tokensSeen() (prompt, output [2]float64) {
	widen := func(span *[2]float64, n float64) {
		if *span == [2]float64{} {
			*span = [2]float64{n, n}
		}
		span[0], span[1] = min(span[0], n), max(span[1], n)
	}
	for _, list := range [][]Point{m.Batches, m.Prompts, m.Concurrency} {
		for i := range list {
			for _, s := range list[i].streams() {
				if s.Prompt > 0 {
					widen(&prompt, float64(s.Prompt))
				}
				widen(&output, float64(s.Output))
			}
		}
	}
	return prompt, output
}
