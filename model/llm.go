package model

import (
	"fmt"
	"math"

	"github.com/simcap/simcap/model/service"
	"github.com/simcap/simcap/sim"
	"github.com/simcap/simcap/stats"
)

// Functions with an LLM engine (rule 15). An input begins service when its container takes it, and is handed
// to the container's engine; the iterations of the engine (engine.go) are events of the container.

// llmPool is what the engines of a pool's containers have in common.
type llmPool struct {
	set     *service.LLM
	table   service.Table
	noise   sim.Stream
	spare   []*engine // of containers that have stopped
	wake    []int32   // containers whose engine may begin an iteration when this event is settled
	ended   []int32   // inputs that an iteration has finished
	count   engineCount
	refused int64
}

// tokens is what an LLM input carries, and how its present attempt went.
type tokens struct {
	prompt, output int32
	preempted      int32    // times, over all attempts
	first          sim.Time // when the first output token came; Unset: not yet
}

// llmBook counts the tokens of a workload's completed inputs. Speeds are in billionths of a token a second.
type llmBook struct {
	prompts, outputs   int64
	preempted          int64 // inputs, completed or not
	ttft, tpot, speeds stats.Sketch
	coming, made       drawn    // tokens of prompts and outputs
	admit              sim.Time // outside of the engine, up to the first token
	request            service.RequestTime
}

// newLLMPool makes what a pool with engines needs; nil for one without.
func (m *machine) newLLMPool(f *Function) *llmPool {
	if f.Service.LLM == nil {
		return nil
	}
	return &llmPool{set: f.Service.LLM, table: service.NewTable(f.Service.LLM),
		noise: m.stream(f.Name, "iteration")}
}

// newLLMBook makes what a workload of an LLM function needs; nil for others.
func (m *machine) newLLMBook(set *Workload, p *pool) *llmBook {
	if p.llm == nil {
		return nil
	}
	unknown := math.NaN()
	request := p.llm.set.Request
	return &llmBook{request: request,
		coming: newDrawn(set.PromptTokens, unknown, m.stream(set.Name, "prompt tokens")),
		made:   newDrawn(set.OutputTokens, unknown, m.stream(set.Name, "output tokens")),
		admit:  sim.Round(request.Admit + request.PerOutputToken)}
}

// drawTokens draws what an LLM input carries. Given are what a trace knows; NaN: nothing.
func (m *machine) drawTokens(w *caller, i int32, in *input, prompt, output float64) {
	for len(m.tokens) <= int(i) {
		m.tokens = append(m.tokens, tokens{})
	}
	t := &m.tokens[i]
	b := w.llm
	*t = tokens{first: Unset,
		prompt: m.wholeTokens(w, &b.coming, in, prompt, "prompt_tokens"),
		output: m.wholeTokens(w, &b.made, in, output, "output_tokens")}
	in.overhead += sim.Round(b.request.Admit + float64(b.request.PerOutputToken*float64(t.output)))
}

// wholeTokens is a number of tokens: the given one, else a draw, rounded to nearest, at least 1.
func (m *machine) wholeTokens(w *caller, d *drawn, in *input, given float64, key string) int32 {
	if math.IsNaN(given) {
		given = m.of(d, in.number, in.place, w.many)
	}
	if !(given <= service.MostTokens) {
		switch {
		case m.failure != nil:
		case math.IsNaN(given):
			m.failure = fmt.Errorf("workload %s: its trace does not say the %s of call %d, and the workload "+
				"has no %s", w.set.Name, key, in.number, key)
		default:
			m.failure = fmt.Errorf("workload %s: call %d has %.4g %s, and at most %d are possible",
				w.set.Name, in.number, given, key, int64(service.MostTokens))
		}
		return 1
	}
	return int32(max(1, sim.Round(given)))
}

// newEngine gives a new container its engine.
func (m *machine) newEngine(p *pool, c *container) {
	l := p.llm
	if n := len(l.spare); n > 0 {
		c.engine, l.spare = l.spare[n-1], l.spare[:n-1]
	} else {
		c.engine = &engine{}
	}
	first := math.NaN()
	if p.set.Service.FirstInput != nil {
		first = m.at(&p.firstDemand, uint64(c.number))
	}
	c.engine.reset(l.set, &l.table, l.noise.Sub(uint64(c.number)), first)
}

// freeEngine takes the engine of a container that stops.
func (l *llmPool) freeEngine(c *container) {
	l.count.add(&c.engine.count)
	l.spare = append(l.spare, c.engine)
	c.engine = nil
}

// enterEngine hands an input that begins service to its container's engine.
func (m *machine) enterEngine(p *pool, lead int32, it *item, c *container) {
	l, e, t := p.llm, c.engine, &m.tokens[lead]
	t.first = Unset
	if !l.set.Fits(int(t.prompt), int(t.output)) {
		l.refused++
		it.demand = 0
		e.refused = append(e.refused, lead)
		return
	}
	it.demand = l.table.Alone(l.set, int(t.prompt), int(t.output))
	if e.idle() {
		e.order = it.order
	}
	e.take(m.now, lead, t.prompt, t.output)
	if e.steps == 0 {
		l.wake = append(l.wake, it.on)
	}
}

// beginIterations follows an event of the pool, after dispatch: engines that have work and no iteration
// under way begin one.
func (m *machine) beginIterations(p *pool) {
	l := p.llm
	for _, ci := range l.wake {
		c := m.containers.At(ci)
		e := c.engine
		if e == nil || c.pool != p.index || e.steps > 0 || e.empty() {
			continue // it has stopped, or begun
		}
		n := e.begin(m.now)
		for _, q := range e.waiting[e.head : e.head+n] {
			m.tokens[q.input].preempted++
		}
		m.dateContainer(p, ci, c)
	}
	l.wake = l.wake[:0]
}

// engineDue is what the date of a container with an engine stands for (rule 1): the end of an iteration, an
// input that can never fit, a timeout, or a crash.
func (m *machine) engineDue(p *pool, ci int32, c *container) {
	e := c.engine
	switch {
	case m.iterationDue(e, m.now):
		m.iterationEnds(p, ci, c)
	case len(e.refused) > 0:
		lead := e.refused[0]
		m.vacate(p, lead)
		m.fell(p, ci)
		m.cutShort(m.inputs.At(lead), 0)
		m.endAttempt(p, lead, Failed)
	case c.firstItem != none && m.inputs.At(c.firstItem).started+p.set.Timeout == m.now:
		m.timeOut(p, c.firstItem)
	default:
		m.crashes(p, ci, c)
	}
	m.settle(p)
}

// iterationDue says whether an iteration ends at the instant, before any input that was refused: an iteration
// that takes no time can have begun after that.
func (m *machine) iterationDue(e *engine, at sim.Time) bool {
	return e.steps > 0 && e.ends == at &&
		(len(e.refused) == 0 || e.order < m.inputs.At(e.refused[0]).item.order)
}

// engineRank ranks what the container's date stands for.
func (m *machine) engineRank(p *pool, ci int32, c *container) sim.Rank {
	e, at := c.engine, m.calendar.Date(containerSource(ci))
	switch {
	case m.iterationDue(e, at):
		return rank(classCompletion, 0, e.order)
	case len(e.refused) > 0:
		return rank(classCompletion, 0, m.inputs.At(e.refused[0]).item.order)
	case c.firstItem != none && m.inputs.At(c.firstItem).started+p.set.Timeout == at:
		return rank(classTimeout, 0, m.inputs.At(c.firstItem).item.order)
	}
	return rank(classCrash, 0, c.born)
}

// engineEnd is the next date of a container with an engine.
func (m *machine) engineEnd(p *pool, c *container) sim.Time {
	e, at := c.engine, c.crashAt
	if e.steps > 0 {
		at = min(at, e.ends)
	}
	if len(e.refused) > 0 {
		at = min(at, m.now)
	}
	if c.firstItem != none {
		at = min(at, later(m.inputs.At(c.firstItem).started, p.set.Timeout))
	}
	return at
}

// iterationEnds is the end of an iteration: sequences have their next token, and those that have all leave,
// in the order in which the engine admitted them.
func (m *machine) iterationEnds(p *pool, ci int32, c *container) {
	l, e := p.llm, c.engine
	e.done(e.steps, func(q *sequence) {
		if t := &m.tokens[q.input]; t.first == Unset {
			t.first = m.now
		}
	})
	l.ended = e.finished(l.ended[:0])
	l.wake = append(l.wake, ci)
	m.dateContainer(p, ci, c)
	for _, lead := range l.ended {
		in := m.inputs.At(lead)
		alone := min(in.item.demand, m.now-in.since)
		m.vacate(p, lead)
		m.fell(p, ci)
		m.cutShort(in, alone)
		m.endAttempt(p, lead, m.drawOutcome(p, in, &m.callers[in.workload]))
	}
}

// aloneSoFar is the work done on an input that leaves before its output is complete: what it would have taken
// alone to its present output token.
func (m *machine) aloneSoFar(p *pool, lead *input) sim.Time {
	l, t := p.llm, &m.tokens[lead.lead]
	made := m.containers.At(lead.item.on).engine.made(m.now, lead.lead)
	return min(l.table.Alone(l.set, int(t.prompt), made), m.now-lead.started)
}

// free says whether requests spend no time outside of the engine.
func (b *llmBook) free() bool { return b.request == service.RequestTime{} }

// times are the time to the first token and the time of each further one.
func (b *llmBook) times(now sim.Time, in *input, t *tokens, outcome Outcome) (ttft, tpot sim.Time) {
	ttft, tpot = Unset, Unset
	if t.first == Unset {
		return ttft, tpot
	}
	outside := in.overhead - sim.Round(b.request.Admit+float64(b.request.PerOutputToken*float64(t.output)))
	ttft = t.first - in.submitted + outside + b.admit
	if outcome == Completed && t.output > 1 {
		tpot = sim.Round(float64(now-t.first)/float64(t.output-1) + b.request.PerOutputToken)
	}
	return ttft, tpot
}

// row is what the row of an input says of its tokens.
func (b *llmBook) row(m *machine, in *input, t *tokens, outcome Outcome) LLMRow {
	ttft, tpot := b.times(m.now, in, t, outcome)
	return LLMRow{Prompt: int(t.prompt), Output: int(t.output), TTFT: ttft, TPOT: tpot,
		Preemptions: int(t.preempted)}
}

// record counts an input that leaves.
func (b *llmBook) record(m *machine, in *input, t *tokens, outcome Outcome) {
	if t.preempted > 0 {
		b.preempted++
	}
	if outcome != Completed {
		return
	}
	b.prompts += int64(t.prompt)
	b.outputs += int64(t.output)
	ttft, tpot := b.times(m.now, in, t, outcome)
	b.ttft.Record(int64(ttft))
	if tpot != Unset {
		b.tpot.Record(int64(tpot))
	}
	if latency := m.now - in.submitted + in.overhead; latency > 0 {
		b.speeds.Record(int64(sim.Round(float64(t.output) * 1e18 / float64(latency))))
	}
}
