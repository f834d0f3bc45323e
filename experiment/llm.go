package experiment

import (
	"fmt"
	"strings"

	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/report/quantity"
	"github.com/simcap/simcap/stats"
)

// Speed is how fast output tokens come: of the scope as a whole, and by input.
type Speed struct {
	Total Estimate `json:"total"` // output tokens of completed inputs by the length of the window
	Quantiles
}

// llmView is what one replication counted of the LLM inputs of a scope.
type llmView struct {
	ttft, tpot, speeds *stats.Sketch
	outputs, preempted int64
}

func newLLMView() *llmView {
	return &llmView{ttft: &stats.Sketch{}, tpot: &stats.Sketch{}, speeds: &stats.Sketch{}}
}

func (v *llmView) addWorkload(t *model.LLMTally) {
	if v == nil || t == nil {
		return
	}
	v.ttft.Merge(t.TTFT)
	v.tpot.Merge(t.TPOT)
	v.speeds.Merge(t.Speeds)
	v.outputs += t.Outputs
	v.preempted += t.Preempted
}

// fillLLM fills the measures of LLM inputs.
func fillLLM(m *Measures, next func(leaf) Estimate) {
	mean := func(of func(v *llmView) *stats.Sketch) leaf {
		return perEach(func(v *view) float64 { return of(v.llm).Sum() / 1e9 },
			func(v *view) float64 { return float64(of(v.llm).Count()) })
	}
	ttft := quantiles(next, ttfts, mean(func(v *llmView) *stats.Sketch { return v.ttft }))
	tpot := quantiles(next, tpots, mean(func(v *llmView) *stats.Sketch { return v.tpot }))
	m.TTFTS, m.TPOTS = &ttft, &tpot
	m.OutputTokensPerS = &Speed{
		Total: next(plain(func(v *view) float64 { return ratio(float64(v.llm.outputs), v.seconds) })),
		Quantiles: quantiles(next, speeds,
			mean(func(v *llmView) *stats.Sketch { return v.speeds }))}
	preempted := next(plain(func(v *view) float64 { return float64(v.llm.preempted) }))
	m.Preempted = &preempted
}

// llmTimes are the times of LLM inputs of one replication, by workload; null for others.
type llmTimes struct {
	TTFT   []*stats.Histogram `json:"ttft"`
	TPOT   []*stats.Histogram `json:"tpot"`
	Speeds []*stats.Histogram `json:"speeds"`
}

// newLLMTimes takes them from a tally; nil where there is no LLM function.
func newLLMTimes(l *layout, t *model.Tally) *llmTimes {
	if !l.scenario.HasLLM() {
		return nil
	}
	n := len(t.Workloads)
	out := &llmTimes{make([]*stats.Histogram, n), make([]*stats.Histogram, n), make([]*stats.Histogram, n)}
	for i := range t.Workloads {
		if w := t.Workloads[i].LLM; w != nil {
			out.TTFT[i], out.TPOT[i], out.Speeds[i] = w.TTFT.Histogram(), w.TPOT.Histogram(),
				w.Speeds.Histogram()
		}
	}
	return out
}

// fits says whether kept times have the shape that the scenario's have.
func (t *llmTimes) fits(l *layout) bool {
	if t == nil {
		return !l.scenario.HasLLM()
	}
	n := len(l.workloads)
	if len(t.TTFT) != n || len(t.TPOT) != n || len(t.Speeds) != n {
		return false
	}
	for i := range n {
		llm := l.kindOf(len(l.functions) + i).llm
		for _, h := range []*stats.Histogram{t.TTFT[i], t.TPOT[i], t.Speeds[i]} {
			if (h != nil) != llm {
				return false
			}
		}
	}
	return true
}

// of are the times of one workload: none for one of no LLM function.
func (t *llmTimes) of(of times, workload int) *stats.Histogram {
	h := map[times]*stats.Histogram{ttfts: t.TTFT[workload], tpots: t.TPOT[workload],
		speeds: t.Speeds[workload]}[of]
	if h == nil {
		return (&stats.Sketch{}).Histogram()
	}
	return h
}

// OfLLM says whether a metric is one that only LLM functions and their workloads have.
func OfLLM(metric string) bool {
	group, _, _ := strings.Cut(metric, ".")
	return group == "ttft" || group == "tpot" || group == "output_tokens"
}

// engineWarnings say where a function's engines left what is known of them.
func (g *gathering) engineWarnings(function int) []string {
	f := &g.scenario.Model.Functions[function]
	if f.Service.LLM == nil {
		return nil
	}
	var out []string
	share, most, refused := 0.0, 0, int64(0)
	for _, t := range g.trials {
		e := t.Functions[function].Engine
		if e == nil {
			continue
		}
		share += e.Beyond / float64(len(g.trials))
		most = max(most, e.MostTokens)
		refused += e.Refused
	}
	if share > 0 {
		base := f.Service.LLM.Iteration.Base
		out = append(out, fmt.Sprintf("%s: %s of the engine's iterations, of up to %d tokens, lie above the "+
			"range that service.llm.iteration.base was measured in (up to %d): extrapolated", f.Name,
			percentText(share), most, base[len(base)-1].N))
	}
	if refused > 0 {
		kv := f.Service.LLM.KV
		text := fmt.Sprintf("%s: %d attempts failed because they could never fit: ", f.Name, refused)
		if kv.NumBlocks > 0 {
			text += fmt.Sprintf("prompt and output together can have %d tokens (kv.num_blocks × block_size)",
				kv.NumBlocks*kv.BlockSize)
		}
		if !f.Service.LLM.ChunkedPrefill {
			if kv.NumBlocks > 0 {
				text += ", and "
			}
			text += fmt.Sprintf("a prompt %d (max_num_batched_tokens without chunked_prefill)",
				f.Service.LLM.MaxTokens)
		}
		out = append(out, text)
	}
	return out
}

// engineDiagnosis is what one replication shows of a function's engines.
type engineDiagnosis struct {
	Beyond     float64 `json:"beyond"` // share of iterations of more tokens than base was measured at
	MostTokens int     `json:"most_tokens"`
	Refused    int64   `json:"refused"`
}

func diagnoseEngine(t *model.EngineTally) *engineDiagnosis {
	if t == nil {
		return nil
	}
	return &engineDiagnosis{Beyond: float64(t.Beyond) / max(1, float64(t.Iterations)),
		MostTokens: t.MostTokens, Refused: t.Refused}
}

// tokenWarnings name workloads whose prompts or outputs leave the profile of their function on average.
func tokenWarnings(s *Scenario, f *model.Function, p *Profile) []string {
	var out []string
	for i := range s.Model.Workloads {
		w := &s.Model.Workloads[i]
		if w.Function != f.Name || f.Service.LLM == nil {
			continue
		}
		if d, v := w.PromptTokens, p.Valid.PromptTokens; d != nil && len(v) == 2 {
			out = append(out, outside(f.Name, w.Name, p.Name, "prompts", d.Mean(), v)...)
		}
		if d, v := w.OutputTokens, p.Valid.OutputTokens; d != nil && len(v) == 2 {
			out = append(out, outside(f.Name, w.Name, p.Name, "outputs", d.Mean(), v)...)
		}
	}
	return out
}

// outside says that a mean leaves a range; nothing where it does not.
func outside(function, workload, profile, what string, mean float64, valid []float64) []string {
	if mean >= valid[0] && mean <= valid[1] {
		return nil
	}
	return []string{fmt.Sprintf("%s: the %s of %s have %s tokens on average, and the profile %s was "+
		"measured with %s to %s: extrapolated", function, what, workload, quantity.Plain(mean), profile,
		quantity.Plain(valid[0]), quantity.Plain(valid[1]))}
}

// takeTokens adds the times of a function's LLM inputs.
func (d *detailer) takeTokens(function int, v *view) {
	if v.llm == nil {
		return
	}
	if d.tokens[function] == nil {
		d.tokens[function] = newLLMView()
	}
	d.tokens[function].ttft.Merge(v.llm.ttft)
	d.tokens[function].tpot.Merge(v.llm.tpot)
}
