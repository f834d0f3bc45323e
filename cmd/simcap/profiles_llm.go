package main

import (
	"fmt"

	"github.com/simcap/simcap/model/service"
	"github.com/simcap/simcap/report/page"
	"github.com/simcap/simcap/report/quantity"
	"github.com/simcap/simcap/scenarios"
)

// engineView is the time of an LLM engine's iteration by its tokens, without contexts; without sizes where
// the profile has no engine.
func engineView(p *scenarios.Profile) curveView {
	v := curveView{name: "tokens", of: "tokens"}
	l := p.Service.LLM
	if l == nil {
		return v
	}
	for _, point := range l.Iteration.Base {
		v.sizes = append(v.sizes, point.N)
	}
	v.at = func(n int) float64 { return l.Iteration.NS(service.Pass{Tokens: n, Sequences: 1}) / 1e9 }
	return v
}

// engineFacts are what else an iteration takes, and the engine's limits.
func engineFacts(p *scenarios.Profile) []page.Fact {
	l := p.Service.LLM
	if l == nil {
		return nil
	}
	var facts []page.Fact
	add := func(name string, ns float64) {
		if ns > 0 {
			facts = append(facts, page.Fact{Name: name, Value: fmt.Sprintf("%.4g ns", ns)})
		}
	}
	t := &l.Iteration
	add("a sequence", t.PerSequence)
	add("1 context token", t.PerContextToken)
	add("1 token attended to", t.PerAttentionToken)
	if l.Request.Admit > 0 {
		facts = append(facts, page.Fact{Name: "before the engine",
			Value: quantity.Format(quantity.Seconds, l.Request.Admit/1e9)})
	}
	limits := fmt.Sprintf("%d sequences and %d tokens an iteration", l.MaxSeqs, l.MaxTokens)
	if l.KV.NumBlocks > 0 {
		limits += fmt.Sprintf(", %d blocks of %d tokens", l.KV.NumBlocks, l.KV.BlockSize)
	}
	return append(facts, page.Fact{Name: "engine's limits", Value: limits})
}

// tokensHeldOut adds the times of tokens of a hold-out load; "" where there are none.
func tokensHeldOut(h *scenarios.Holdout) string {
	if h.MeasuredTTFT <= 0 {
		return ""
	}
	of := func(ns float64) string { return quantity.Format(quantity.Seconds, ns/1e9) }
	return fmt.Sprintf("; first token after %s, predicted %s; then one every %s, predicted %s",
		of(h.MeasuredTTFT), of(h.PredictedTTFT), of(h.MeasuredTPOT), of(h.PredictedTPOT))
}
