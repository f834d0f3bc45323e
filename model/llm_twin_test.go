package model_test

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/model/dist"
	"github.com/simcap/simcap/model/service"
	"github.com/simcap/simcap/sim"
)

// twinEngine is the engine of SPEC 1.4 once more, token by token: a sequence is the list of its tokens, of
// which the first so many lie in blocks, and a block is the list of the tokens in it. Each iteration is an
// event, and all that it takes is counted when it begins.
type twinEngine struct {
	c        *twinContainer
	set      *service.LLM
	noise    sim.Stream
	running  []*twinSequence // in order of admission
	waiting  []*twinSequence
	busy     bool // an iteration is under way
	order    int64
	number   uint64
	iterated int64
	evicted  int64
	refused  int64
	most     int
}

type twinSequence struct {
	it     *twinItem
	prompt int
	tokens []int   // 0: of the prompt, 1: of the output
	blocks [][]int // the tokens that are computed
	chunk  int
	output int // tokens it is to have
	prefil bool
}

// twinTokens is what an LLM input carries.
type twinTokens struct {
	is               bool
	prompt, output   int
	admit            sim.Time
	first            sim.Time
	perToken         float64
	evicted          int
	overheadOfOthers sim.Time
}

func (t *twin) newEngine(c *twinContainer) *twinEngine {
	return &twinEngine{c: c, set: c.p.f.Service.LLM,
		noise: t.stream(c.p.f.Name, "iteration").Sub(uint64(c.number))}
}

// tokens draws the tokens of an LLM input.
func (t *twin) tokens(in *twinInput) {
	l := in.w.p.f.Service.LLM
	if l == nil {
		return
	}
	draw := func(d dist.Dist, given float64, name string) int {
		if math.IsNaN(given) {
			luck := in.luck(in.w.streams[name])
			given = d.Sampler().Sample(&luck)
		}
		return max(1, int(math.Floor(given+0.5)))
	}
	in.llm = twinTokens{is: true, first: model.Unset, perToken: l.Request.PerOutputToken,
		prompt: draw(in.w.w.PromptTokens, in.call.from.Prompt, "prompt tokens"),
		output: draw(in.w.w.OutputTokens, in.call.from.Output, "output tokens")}
	in.llm.overheadOfOthers = in.row.Parts[model.Overhead]
	in.llm.admit = sim.Round(l.Request.Admit + l.Request.PerOutputToken)
	in.row.Parts[model.Overhead] += sim.Round(l.Request.Admit + l.Request.PerOutputToken*float64(in.llm.output))
}

// tellTokens completes the row of an input that leaves.
func (in *twinInput) tellTokens() {
	k, r := &in.llm, &in.row
	if !k.is {
		return
	}
	r.LLM = model.LLMRow{Prompt: k.prompt, Output: k.output, TTFT: model.Unset, TPOT: model.Unset, Preemptions: k.evicted}
	if k.first == model.Unset {
		return
	}
	r.LLM.TTFT = k.first - r.Submitted + k.overheadOfOthers + k.admit
	if r.Outcome == model.Completed && k.output > 1 {
		r.LLM.TPOT = sim.Round(float64(r.Completed-k.first)/float64(k.output-1) + k.perToken)
	}
}

// blocksOf is how many blocks hold n tokens, found by filling them.
func (e *twinEngine) blocksOf(n int) int {
	blocks, room := 0, 0
	for range n {
		if room == 0 {
			blocks++
			room = e.set.KV.BlockSize
		}
		room--
	}
	return blocks
}

// enter hands an item to the engine, or finds that it can never fit.
func (t *twin) enter(it *twinItem) {
	e, in := it.c.engine, it.inputs[0]
	in.llm.first = model.Unset
	fits := e.set.KV.NumBlocks == 0 || e.blocksOf(in.llm.prompt+in.llm.output) <= e.set.KV.NumBlocks
	if !fits || !e.set.ChunkedPrefill && in.llm.prompt > e.set.MaxTokens {
		e.refused++
		it.demand = 0
		t.add(&twinEvent{at: t.now, class: twinCompletion, key: [3]int64{it.order}, pool: it.c.p,
			can: func() bool { return it.active }, do: func() {
				t.remove(it)
				it.c.p.fell = t.now
				t.attemptFailed(in, model.Failed)
				t.emptied(it.c)
				t.falls(it.c.p)
			}})
		return
	}
	it.demand = e.alone(in, in.llm.output)
	if !e.busy && len(e.running)+len(e.waiting) == 0 {
		e.order = it.order
	}
	e.waiting = append(e.waiting, &twinSequence{it: it, prompt: in.llm.prompt, tokens: make([]int, in.llm.prompt),
		output: in.llm.output, prefil: true})
}

// drop takes an item out of the engine.
func (e *twinEngine) drop(it *twinItem) {
	not := func(s *twinSequence) bool { return s.it == it }
	e.running = slices.DeleteFunc(e.running, not)
	e.waiting = slices.DeleteFunc(e.waiting, not)
}

// outputs counts the output tokens of an item.
func (e *twinEngine) outputs(it *twinItem) int {
	n := 0
	for _, s := range append(slices.Clone(e.running), e.waiting...) {
		if s.it == it {
			for _, token := range s.tokens {
				n += token
			}
		}
	}
	return n
}

func (s *twinSequence) computed() int {
	n := 0
	for _, b := range s.blocks {
		n += len(b)
	}
	return n
}

func (e *twinEngine) used() int {
	n := 0
	for _, s := range e.running {
		n += len(s.blocks)
	}
	return n
}

// pass is the time in ns of an iteration that computes the chunks of the sequences.
func (e *twinEngine) pass(all []*twinSequence) float64 {
	i := &e.set.Iteration
	tokens, sequences, context, attention := 0, 0, 0, new(big.Rat)
	for _, s := range all {
		if s.chunk == 0 {
			continue
		}
		tokens += s.chunk
		sequences++
		if !s.prefil {
			context += s.computed()
			continue
		}
		half := new(big.Rat).Add(big.NewRat(int64(s.computed()), 1), big.NewRat(int64(s.chunk), 2))
		attention.Add(attention, half.Mul(half, big.NewRat(int64(s.chunk), 1)))
	}
	e.most = max(e.most, tokens)
	exact := func(x float64) *big.Rat { return new(big.Rat).SetFloat64(x) }
	sum := exactAt(i.Base, tokens)
	for _, term := range []struct {
		each  float64
		times *big.Rat
	}{{i.PerSequence, big.NewRat(int64(sequences), 1)}, {i.PerContextToken, big.NewRat(int64(context), 1)},
		{i.PerAttentionToken, attention}} {
		sum.Add(sum, new(big.Rat).Mul(exact(term.each), term.times))
	}
	ns, _ := sum.Float64()
	return ns
}

// schedule plans the next iteration.
func (e *twinEngine) schedule() {
	budget, evicted := e.set.MaxTokens, false
	for i := 0; i < len(e.running); i++ {
		s := e.running[i]
		s.chunk = min(len(s.tokens)-s.computed(), budget)
		for short := true; short; {
			short = e.set.KV.NumBlocks > 0 && e.used()-len(s.blocks)+e.blocksOf(s.computed()+s.chunk) > e.set.KV.NumBlocks
			if !short {
				break
			}
			evicted = true
			last := e.running[len(e.running)-1]
			e.running = e.running[:len(e.running)-1]
			last.blocks, last.chunk, last.prefil = nil, 0, true
			last.it.inputs[0].llm.evicted++
			e.evicted++
			e.waiting = append([]*twinSequence{last}, e.waiting...)
			if last == s {
				return
			}
		}
		e.fill(s)
		budget -= s.chunk
	}
	for !evicted && len(e.waiting) > 0 && budget > 0 && len(e.running) < e.set.MaxSeqs {
		s := e.waiting[0]
		s.chunk = min(len(s.tokens), budget)
		if !e.set.ChunkedPrefill && s.chunk < len(s.tokens) {
			if longer := len(s.tokens) > e.set.MaxTokens; !longer || budget < e.set.MaxTokens {
				return
			}
		}
		if e.set.KV.NumBlocks > 0 && e.used()+e.blocksOf(s.chunk) > e.set.KV.NumBlocks {
			return
		}
		e.waiting = e.waiting[1:]
		e.running = append(e.running, s)
		e.fill(s)
		budget -= s.chunk
	}
}

// fill takes the blocks that a sequence's chunk needs; its tokens come into them when the iteration ends.
func (e *twinEngine) fill(s *twinSequence) {
	for n := e.blocksOf(s.computed() + s.chunk); len(s.blocks) < n; {
		s.blocks = append(s.blocks, nil)
	}
}

// iterate lets the engines of a pool begin iterations.
func (t *twin) iterate(p *twinPool) {
	for _, c := range p.containers {
		e := c.engine
		if e == nil || e.busy || len(e.running)+len(e.waiting) == 0 {
			continue
		}
		e.schedule()
		e.busy = true
		e.number++
		ns := e.pass(e.running)
		if f := p.f.Service.FirstInput; f != nil && e.number == 1 {
			luck := p.firsts.At(uint64(c.number))
			ns = f.Sampler().Sample(&luck)
		}
		if e.set.NoiseCV > 0 {
			luck := e.noise.At(e.number)
			ns *= service.Noise(e.set.NoiseCV, &luck)
		}
		t.add(&twinEvent{at: t.now + sim.Round(ns), class: twinCompletion, key: [3]int64{e.order}, pool: p,
			can: func() bool { return c.state != "stopped" }, do: func() { t.iterated(e) }})
	}
}

// iterated is the end of an iteration.
func (t *twin) iterated(e *twinEngine) {
	e.busy = false
	e.iterated++
	var over []*twinItem
	for _, s := range e.running {
		for range s.chunk {
			token := s.tokens[s.computed()]
			for i := range s.blocks {
				if len(s.blocks[i]) < e.set.KV.BlockSize || e.set.KV.NumBlocks == 0 {
					s.blocks[i] = append(s.blocks[i], token)
					break
				}
			}
		}
		if s.chunk == 0 || s.computed() < len(s.tokens) {
			continue
		}
		s.prefil = false
		s.tokens = append(s.tokens, 1)
		if in := s.it.inputs[0]; in.llm.first == model.Unset {
			in.llm.first = t.now
		}
		if len(s.tokens) == s.prompt+s.output {
			over = append(over, s.it)
		}
	}
	for _, it := range over {
		t.complete(it)
	}
}

// alone is how long an input takes that is alone in an engine until it has n output tokens, found by such an
// engine.
func (e *twinEngine) alone(in *twinInput, n int) sim.Time {
	lone := &twinEngine{set: e.set}
	s := &twinSequence{tokens: make([]int, in.llm.prompt), prefil: true}
	total := sim.Time(0)
	for len(s.tokens) < in.llm.prompt+n {
		s.chunk = min(len(s.tokens)-s.computed(), e.set.MaxTokens)
		total += sim.Round(lone.pass([]*twinSequence{s}))
		s.blocks = append(s.blocks, make([]int, s.chunk))
		if s.computed() == len(s.tokens) {
			s.tokens, s.prefil = append(s.tokens, 1), false
		}
	}
	return total
}

// differentEngines compares what the engines of a function counted.
func differentEngines(f *model.FunctionTally, p *twinPool) string {
	if p.f.Service.LLM == nil {
		return ""
	}
	var iterated, evicted, refused int64
	for _, c := range p.rows {
		iterated += c.engine.iterated
		evicted += c.engine.evicted
		refused += c.engine.refused
	}
	// Of a span that a container's end cuts, the iterations that passed are not counted one by one.
	if g := f.Engine; g.Preemptions != evicted || g.Refused != refused || g.Iterations != iterated {
		return fmt.Sprintf("engines of %s: the model counts %+v, the twin %d iterations, %d preemptions, %d refused",
			p.f.Name, *g, iterated, evicted, refused)
	}
	return ""
}

// engine gives a function an LLM engine.
func (s *swarm) engine(f *model.Function, r *rand.Rand) {
	f.Batched = model.Batched{}
	l := service.NewLLM()
	l.Iteration.Base = pick(r,
		service.Curve{{N: 1, NS: 2.5e8}},
		service.Curve{{N: 1, NS: 2.5e8}, {N: 33, NS: 2.5e8 + 32*12_500_000}},
		service.Curve{{N: 1, NS: 1e6}, {N: 9, NS: 1e6}, {N: 73, NS: 1e6 + 64*250_000}},
		service.Curve{{N: 2, NS: 5e8}, {N: 10, NS: 1e9}})
	if s.on("per sequence") {
		l.Iteration.PerSequence = pick(r, 1e6, 62_500_000, 0.25)
	}
	if s.on("per context") {
		l.Iteration.PerContextToken = pick(r, 1000, 1e6, 0.75)
	}
	if s.on("per attention") {
		l.Iteration.PerAttentionToken = pick(r, 50_000, 1e6, 0.5)
	}
	l.MaxTokens = pick(r, 8, 16, 64, 2048)
	if s.on("few sequences") {
		l.MaxSeqs = 1 + r.IntN(4)
	}
	l.ChunkedPrefill = !s.on("whole prompts")
	if s.on("memory") || s.on("memory too") {
		l.KV = service.KV{BlockSize: pick(r, 1, 2, 4, 7, 16), NumBlocks: 4 + r.IntN(24)}
	}
	if s.on("request") {
		l.Request = service.RequestTime{Admit: pick(r, 0, 2.5e8, 1234567), PerOutputToken: pick(r, 0, 1e6, 333.5)}
	}
	if s.on("iteration noise") {
		l.NoiseCV = pick(r, 0.05, 0.5)
	}
	if s.on("first input") {
		f.Service.FirstInput = s.law("first input", r, 0, 20)
	}
	f.Service.LLM = &l
	if s.on("many inputs") {
		f.Concurrent.MaxInputs = 2 + r.IntN(20)
		f.Concurrent.TargetInputs = f.Concurrent.MaxInputs
		if s.on("target") {
			f.Concurrent.TargetInputs = 1 + r.IntN(f.Concurrent.MaxInputs)
		}
	}
}

// tokens gives a workload tokens.
func (s *swarm) tokens(w *model.Workload, r *rand.Rand) {
	w.PromptTokens = dist.Constant{Value: float64(1 + r.IntN(30))}
	w.OutputTokens = dist.Constant{Value: float64(1 + r.IntN(12))}
	if s.on("random tokens") || s.on("random tokens too") {
		w.PromptTokens = dist.Uniform{Low: 0, High: float64(2 + r.IntN(60))}
		w.OutputTokens = dist.Exponential{Average: float64(1 + r.IntN(12))}
	}
}

// TestTwinLLM compares functions with LLM engines with the twin, row by row to the nanosecond.
func TestTwinLLM(t *testing.T) {
	failures, stuck := 0, 0
	seen := map[string]int{}
	for seed := *swarmFrom; seed < *swarmFrom+*swarmRuns && failures < 5; seed++ {
		s := &swarm{seed: seed, off: map[string]bool{}, llm: true}
		cfg := s.config()
		if faulty(&cfg) {
			stuck++
			continue
		}
		trial := model.Trial{Seed: seed, Replication: 1}
		if difference(&cfg, trial, func(m *modelRun) { sightEngine(seen, m) }) == "" {
			continue
		}
		failures++
		t.Error(shrink(s, func(cfg *model.Config, trial model.Trial) string { return difference(cfg, trial, nil) }))
	}
	if *swarmRuns >= 1000 {
		for _, what := range []string{"completed", "failed", "timed_out", "abandoned", "cancelled", "preempted sequences", "refused",
			"timeout", "crash", "deploy", "retried", "together", "several tokens"} {
			if seen[what] < 10 {
				t.Errorf("%s was seen in %d scenarios only", what, seen[what])
			}
		}
	}
	t.Logf("%d of %d scenarios were not valid; seen: %v", stuck, *swarmRuns, seen)
	if uint64(stuck) > *swarmRuns/4 {
		t.Errorf("%d of %d scenarios are not valid", stuck, *swarmRuns)
	}
}

// sightEngine counts, by scenario, what happened in engines.
func sightEngine(seen map[string]int, out *modelRun) {
	sight(seen, out)
	if out.tally == nil {
		return
	}
	sum := model.EngineTally{}
	together := false
	for i := range out.tally.Functions {
		if e := out.tally.Functions[i].Engine; e != nil {
			sum.Preemptions += e.Preemptions
			sum.Refused += e.Refused
			together = together || e.Tokens > e.Iterations
		}
	}
	several := slices.ContainsFunc(out.inputs, func(r model.InputRow) bool { return r.LLM.TPOT > 0 })
	for what, is := range map[string]bool{"preempted sequences": sum.Preemptions > 0, "refused": sum.Refused > 0,
		"together": together, "several tokens": several} {
		if is {
			seen[what]++
		}
	}
}
