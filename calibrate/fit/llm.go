package fit

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Iteration is one pass of an LLM engine, or the mean of passes under a steady load.
type Iteration struct {
	Tokens    float64 // scheduled in the pass: one for each decoding sequence, and prompt chunks
	Sequences float64
	Context   float64 // Σ tokens that decoding sequences have behind them
	Attention float64 // Σ chunk × (context + chunk/2) of prompt chunks
	Time      float64 // s
}

// Engine is the time of an iteration: base(Tokens) + PerSequence × Sequences + PerContext × Context
// + PerAttention × Attention, with base monotone and linear between its knots.
type Engine struct {
	Base         []Knot
	PerSequence  float64 // s
	PerContext   float64 // s
	PerAttention float64 // s
	Admit        float64 // s that a lone request spends outside of its first iteration
	MAPE         float64 // mean relative error of the fit
	P90          float64 // its 90th percentile
	Worst        float64
	Holdout      float64 // MAPE at the iterations that were left out, one in five; NaN: too few
}

// Sample is a time that was measured and what it is the mean of: iterations with their shares, which sum to
// 1. Lone samples are the time to the first token of a request alone, which has Engine.Admit in it.
type Sample struct {
	Parts []Part
	Lone  bool
	Time  float64 // s
}

// Part is the share of iterations of one kind.
type Part struct {
	Share float64
	Iteration
}

// At is the time of an iteration in seconds.
func (e *Engine) At(i Iteration) float64 { return e.of(single(i)) }

// single is a sample of one iteration.
func single(i Iteration) Sample { return Sample{Parts: []Part{{1, i}}, Time: i.Time} }

// of is the time that a sample should have.
func (e *Engine) of(s Sample) float64 {
	row, coefficients := e.features(s), e.coefficients()
	sum := 0.0
	for k := range row {
		sum += row[k] * coefficients[k]
	}
	return sum
}

// features are the means of the rows of a sample's parts, and whether Admit counts.
func (e *Engine) features(s Sample) []float64 {
	sum := make([]float64, len(e.Base)+4)
	for _, p := range s.Parts {
		for k, v := range e.row(p.Iteration) {
			sum[k] += p.Share * v
		}
	}
	if s.Lone {
		sum[len(sum)-1] = 1
	}
	return sum
}

// row is the features of an iteration: base as a first value and its rises, which are not negative,
// so that it is monotone; then the three terms.
func (e *Engine) row(i Iteration) []float64 {
	row := make([]float64, len(e.Base), len(e.Base)+3)
	row[0] = 1
	for k := 1; k < len(e.Base); k++ {
		low, high := float64(e.Base[k-1].N), float64(e.Base[k].N)
		share := (i.Tokens - low) / (high - low)
		if k < len(e.Base)-1 {
			share = math.Min(share, 1)
		}
		row[k] = math.Max(0, share)
	}
	return append(row, i.Sequences, i.Context, i.Attention)
}

func (e *Engine) coefficients() []float64 {
	var out []float64
	last := 0.0
	for _, k := range e.Base {
		out = append(out, k.T-last)
		last = k.T
	}
	return append(out, e.PerSequence, e.PerContext, e.PerAttention, e.Admit)
}

// NewEngine fits the time of an iteration by relative least squares without negative terms. Knots of
// the base stand at numbers of tokens that were measured, at most about one per factor of two: a knot
// without a measurement would be free to go anywhere.
func NewEngine(all []Iteration) (Engine, error) {
	samples := make([]Sample, len(all))
	for k, i := range all {
		samples[k] = single(i)
	}
	return NewEngineOf(samples)
}

// NewEngineOf is NewEngine for means of several iterations.
func NewEngineOf(all []Sample) (Engine, error) {
	for _, s := range all {
		for _, p := range s.Parts {
			if !(s.Time > 0) || !(p.Tokens >= 1) {
				return Engine{}, fmt.Errorf("an iteration of %v tokens in %v s", p.Tokens, s.Time)
			}
		}
	}
	if len(all) < 3 {
		return Engine{}, errors.New("at least 3 iterations are needed")
	}
	e := solveEngine(all)
	e.judge(all)
	e.Holdout = math.NaN()
	if len(all) >= 15 {
		var seen, unseen []Sample
		for k, i := range all {
			if k%5 == 2 {
				unseen = append(unseen, i)
			} else {
				seen = append(seen, i)
			}
		}
		half := solveEngine(seen)
		half.judge(unseen)
		e.Holdout = half.MAPE
	}
	return e, nil
}

func solveEngine(all []Sample) Engine {
	var e Engine
	var tokens []float64
	for _, s := range all {
		for _, p := range s.Parts {
			tokens = append(tokens, math.Round(p.Tokens))
		}
	}
	slices.Sort(tokens)
	for k, t := range tokens {
		last := k == len(tokens)-1
		if n := len(e.Base); n == 0 || t >= 2*float64(e.Base[n-1].N) || last && t > float64(e.Base[n-1].N) {
			e.Base = append(e.Base, Knot{N: int(t)})
		}
	}
	most := max(1, len(all)/2) // knots, so that the fit is no mere interpolation
	for len(e.Base) > most && len(e.Base) > 2 {
		e.Base = slices.Delete(e.Base, len(e.Base)/2, len(e.Base)/2+1)
	}
	rows, ones := make([][]float64, len(all)), make([]float64, len(all))
	for k, i := range all {
		rows[k], ones[k] = e.features(i), 1
		for j := range rows[k] {
			rows[k][j] /= i.Time
		}
	}
	x := NonNegative(rows, ones)
	sum := 0.0
	for k := range e.Base {
		sum += x[k]
		e.Base[k].T = sum
	}
	n := len(e.Base)
	e.PerSequence, e.PerContext, e.PerAttention, e.Admit = x[n], x[n+1], x[n+2], x[n+3]
	return e
}

// judge sets the errors at the iterations.
func (e *Engine) judge(all []Sample) {
	errs := make([]float64, len(all))
	for k, i := range all {
		errs[k] = math.Abs(e.of(i)/i.Time - 1)
	}
	e.MAPE, _ = meanDeviation(errs)
	e.P90 = Quantile(errs, 0.9)
	e.Worst = slices.Max(errs)
}

// Streaming is what a client saw of an LLM server under a steady load.
type Streaming struct {
	Concurrency  float64 // requests at a time
	PromptTokens float64 // mean of a request
	OutputTokens float64
	TTFT         float64 // s, mean time to the first token
	TPOT         float64 // s, mean time of each further token
}

// Iterations are the passes that the measurements tell of. Under c requests a pass takes TPOT: it
// decodes a token of each and carries the prompt tokens that arrive meanwhile, c × prompt / output of
// them. One request alone gives the pass over its prompt, its TTFT.
func Iterations(all []Streaming) []Iteration {
	var out []Iteration
	for _, s := range all {
		if s.TPOT > 0 && s.OutputTokens > 1 {
			chunk := s.PromptTokens / s.OutputTokens
			out = append(out, Iteration{Tokens: s.Concurrency * (1 + chunk), Sequences: s.Concurrency,
				Context:   s.Concurrency * (s.PromptTokens + s.OutputTokens/2),
				Attention: s.Concurrency * chunk * s.PromptTokens / 2, Time: s.TPOT})
		}
		if s.Concurrency == 1 && s.TTFT > 0 && s.PromptTokens >= 1 {
			out = append(out, Iteration{Tokens: s.PromptTokens, Sequences: 1,
				Attention: s.PromptTokens * s.PromptTokens / 2, Time: s.TTFT})
		}
	}
	return out
}
