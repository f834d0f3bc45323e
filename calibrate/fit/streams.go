package fit

import (
	"math"
	"slices"
)

// Stream is an answer that came token by token. Times in seconds on one clock.
type Stream struct {
	Sent, First, Done float64 // when it was asked for; its first and its last token
	Prompt, Output    int     // tokens
}

// each is the mean time of each token after the first; 0 with one.
func (s *Stream) each() float64 {
	if s.Output < 2 {
		return 0
	}
	return (s.Done - s.First) / float64(s.Output-1)
}

// mostGroups is how many samples the streams of one load make: their means differ by chance alone, and
// that the fit can see.
const mostGroups = 5

// Passes are the iterations that streams under one load tell of. Between its first and its last token a
// stream of n tokens has seen n - 1 iterations. Which others had tokens meanwhile, and whose first token
// came, that is whose prompt was computed, is known from their own times; tokens of one iteration come
// within half of its length. Streams at the edges, whose neighbours may have been left out, are not used
// unless there are no others.
func Passes(streams []Stream) []Sample {
	var good []Stream
	for _, s := range streams {
		if s.Output >= 2 && s.Done > s.First && s.First > s.Sent {
			good = append(good, s)
		}
	}
	inner := inner(good)
	if len(inner) < 10 {
		inner = good
	}
	var out []Sample
	groups := min(mostGroups, len(inner))
	for g := range groups {
		var sum Sample
		own := inner[g*len(inner)/groups : (g+1)*len(inner)/groups]
		for i := range own {
			for _, p := range parts(&own[i], good) {
				p.Share /= float64(len(own))
				sum.Parts = append(sum.Parts, p)
			}
			sum.Time += own[i].each() / float64(len(own))
		}
		out = append(out, sum)
	}
	return out
}

// inner are the streams that lie within the time from which no stream is missing: all that overlap with them
// have ended before the last did.
func inner(all []Stream) []Stream {
	begin, end, longest := math.Inf(1), math.Inf(-1), 0.0
	for _, s := range all {
		begin, end = min(begin, s.Done), max(end, s.Done)
		longest = max(longest, s.Done-s.Sent)
	}
	var out []Stream
	for _, s := range all {
		if s.First >= begin && s.Done <= end-longest {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b Stream) int { return int(math.Copysign(1, a.Done-b.Done)) })
	return out
}

// parts are the iterations that a stream has seen while it generated: those in which others' prompts were
// computed, and the rest, as their mean.
func parts(s *Stream, all []Stream) []Part {
	n, half := float64(s.Output-1), s.each()/2
	tokens, context := n, n*(float64(s.Prompt)+n/2)
	var firsts []Stream
	for i := range all {
		o := &all[i]
		if *o == *s {
			continue
		}
		if o.First > s.First+half && o.First <= s.Done+half {
			firsts = append(firsts, *o)
		}
		if shared := min(s.Done, o.Done) - max(s.First, o.First); shared > 0 && o.each() > 0 {
			made := shared / o.each()
			tokens += made
			behind := float64(o.Prompt) + (max(s.First, o.First)-o.First)/o.each() + made/2
			context += made * behind
		}
	}
	decode := Iteration{Tokens: tokens / n, Sequences: tokens / n, Context: context / n}
	slices.SortFunc(firsts, func(a, b Stream) int { return int(math.Copysign(1, a.First-b.First)) })
	var out []Part
	for i := 0; i < len(firsts); {
		mixed, began := decode, firsts[i].First
		for ; i < len(firsts) && firsts[i].First-began <= half; i++ {
			prompt := float64(firsts[i].Prompt)
			mixed.Tokens += prompt
			mixed.Sequences++
			mixed.Attention += prompt * prompt / 2
		}
		out = append(out, Part{1 / n, mixed})
	}
	if rest := n - float64(len(out)); rest > 0 {
		return append(out, Part{rest / n, decode})
	}
	for i := range out { // more prompts than iterations: times that a busy machine has blurred
		out[i].Share = 1 / float64(len(out))
	}
	return out
}

// LonePrompt is the sample of requests that were alone: the iteration over a prompt, and what is around it.
func LonePrompt(prompt int, ttft float64) Sample {
	p := float64(prompt)
	return Sample{Lone: true, Time: ttft,
		Parts: []Part{{1, Iteration{Tokens: p, Sequences: 1, Attention: p * p / 2}}}}
}
