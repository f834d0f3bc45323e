package model

import (
	"math"
	"slices"

	"github.com/simcap/simcap/model/service"
	"github.com/simcap/simcap/sim"
)

// engine is the LLM engine of one container: it schedules sequences into iterations, as rule 15 says. It
// knows inputs by their index and nothing of the platform around it.
//
// Where an iteration only generates, the next ones are the same until a sequence ends, memory becomes
// short or an input comes: nothing that could be admitted was left out, and nothing becomes free. Such a
// span of iterations is one event. Its end is found by adding up the iterations one by one, and catchUp
// makes all that has passed of it true when something looks at the engine meanwhile, so that the result
// is that of single steps to the nanosecond.
type engine struct {
	set     *service.LLM
	table   *service.Table
	noise   sim.Stream // of the container: iteration n's factor is draw n
	order   uint64     // of the moment at which it went from idle to busy
	running []sequence // in order of admission
	waiting []sequence // first come first served, from head on; preempted ones before all others
	head    int
	refused []int32 // inputs that can never fit, in order; they fail at this very instant
	free    int     // KV blocks
	pass    service.Pass
	began   sim.Time // of the iteration or span under way
	ends    sim.Time
	steps   int      // iterations of it; 0: none is under way
	number  uint64   // iterations that have ended
	first   float64  // ns that the first iteration takes; NaN: its own time
	luck    sim.Luck // kept here: one on the stack would escape
	count   engineCount
}

// engineCount sums up what an engine did.
type engineCount struct {
	iterations, beyond int64 // beyond: above the points that the base was measured at
	tokens             int64
	mostTokens         int
	mostContext        int64
	preemptions        int64
}

// sequence is an input in the engine.
type sequence struct {
	input    int32
	prompt   int32
	goal     int32 // tokens to compute for the next output token: the prompt and the output so far
	computed int32 // of them
	left     int32 // output tokens to come
	blocks   int32 // that it holds
	chunk    int32 // tokens that the iteration under way computes
	decoding bool  // its prompt is computed: it takes one token an iteration
}

// made is how many output tokens there are.
func (q *sequence) made() int { return int(q.goal - q.prompt) }

// longestSpan ends a span: what happens is told at least that often.
const longestSpan = sim.Day

// reset makes the engine that of a new container. Its first iteration takes the given ns; NaN: its own time.
func (e *engine) reset(set *service.LLM, table *service.Table, noise sim.Stream, first float64) {
	*e = engine{set: set, table: table, noise: noise, free: set.KV.NumBlocks, first: first,
		ends: sim.Never, running: e.running[:0], waiting: e.waiting[:0], refused: e.refused[:0]}
}

// empty says whether no sequence is in the engine.
func (e *engine) empty() bool { return len(e.running) == 0 && e.head == len(e.waiting) }

// idle says whether the engine has nothing to do.
func (e *engine) idle() bool { return e.steps == 0 && e.empty() }

// take hands an input to the engine at the given instant; the next iteration that begins may admit it.
func (e *engine) take(now sim.Time, input int32, prompt, output int32) {
	e.interrupt(now)
	e.push(sequence{input: input, prompt: prompt, goal: prompt, left: output})
}

// push puts a sequence at the end of the waiting line.
func (e *engine) push(q sequence) {
	if e.head > 64 && e.head > len(e.waiting)/2 {
		n := copy(e.waiting, e.waiting[e.head:])
		e.waiting, e.head = e.waiting[:n], 0
	}
	e.waiting = append(e.waiting, q)
}

// pushFront puts a preempted sequence before all that wait.
func (e *engine) pushFront(q sequence) {
	if e.head == 0 {
		const room = 16
		e.waiting = slices.Insert(e.waiting, 0, make([]sequence, room)...)
		e.head = room
	}
	e.head--
	e.waiting[e.head] = q
}

// lose takes an input out of the engine, wherever it is. An iteration that is under way goes on to its end.
func (e *engine) lose(now sim.Time, input int32) {
	e.interrupt(now)
	if i := find(e.running, input); i >= 0 {
		e.free += int(e.running[i].blocks)
		e.running = slices.Delete(e.running, i, i+1)
		return
	}
	if i := find(e.waiting[e.head:], input); i >= 0 {
		e.waiting = slices.Delete(e.waiting, e.head+i, e.head+i+1)
		return
	}
	i := slices.Index(e.refused, input)
	e.refused = slices.Delete(e.refused, i, i+1) // panics where the engine does not hold it
}

// made is how many output tokens an input has at the given instant.
func (e *engine) made(now sim.Time, input int32) int {
	e.catchUp(now)
	if i := find(e.running, input); i >= 0 {
		return e.running[i].made()
	}
	if i := find(e.waiting[e.head:], input); i >= 0 {
		return e.waiting[e.head+i].made()
	}
	return 0
}

// find is the place of an input's sequence; -1: it is not there.
func find(all []sequence, input int32) int {
	for i := range all {
		if all[i].input == input {
			return i
		}
	}
	return -1
}

// schedule chooses what the next iteration computes, and notes it in the sequences and in pass. Sequences
// that are preempted are put to the front of the waiting line; it returns how many were.
func (e *engine) schedule() (preempted int) {
	budget := e.set.MaxTokens
	e.pass = service.Pass{}
	for i := 0; i < len(e.running); i++ {
		q := &e.running[i]
		chunk := 1
		if !q.decoding {
			chunk = int(q.goal - q.computed)
		}
		chunk = min(chunk, budget)
		need := e.set.KV.Blocks(int(q.computed)+chunk) - int(q.blocks)
		for need > e.free {
			preempted++
			last := len(e.running) - 1
			victim := e.running[last]
			e.running = e.running[:last]
			e.free += int(victim.blocks)
			victim.computed, victim.blocks, victim.chunk, victim.decoding = 0, 0, 0, false
			e.pushFront(victim)
			if last == i {
				return preempted // it was the last one
			}
		}
		e.plan(q, chunk, need)
		budget -= chunk
	}
	if preempted > 0 {
		return preempted
	}
	for e.head < len(e.waiting) && budget > 0 && len(e.running) < e.set.MaxSeqs {
		q := &e.waiting[e.head]
		chunk := min(int(q.goal), budget)
		if whole := chunk == int(q.goal); !whole && !e.set.ChunkedPrefill &&
			(int(q.goal) <= e.set.MaxTokens || budget < e.set.MaxTokens) {
			return 0
		}
		need := e.set.KV.Blocks(chunk)
		if need > e.free {
			return 0
		}
		e.head++
		e.running = append(e.running, *q)
		e.plan(&e.running[len(e.running)-1], chunk, need)
		budget -= chunk
	}
	return 0
}

// plan puts a sequence's tokens into the iteration and gives it the blocks that these need.
func (e *engine) plan(q *sequence, chunk, need int) {
	q.chunk = int32(chunk)
	q.blocks += int32(need)
	e.free -= need
	if chunk == 0 {
		return
	}
	e.pass.Tokens += chunk
	e.pass.Sequences++
	if q.decoding {
		e.pass.Context += int64(q.computed)
	} else {
		e.pass.Attention += int64(chunk) * int64(2*q.computed+q.chunk)
	}
}

// begin starts the next iteration, or span of iterations, at the given instant. Something is in the engine.
// The sequences that it preempted are the first of the waiting line.
func (e *engine) begin(now sim.Time) (preempted int) {
	preempted = e.schedule()
	e.count.preemptions += int64(preempted)
	e.began, e.steps = now, 1
	if preempted == 0 && e.pass.Tokens == len(e.running) && e.pass.Attention == 0 {
		e.steps = e.spanLength()
	}
	e.count.mostTokens = max(e.count.mostTokens, e.pass.Tokens)
	e.walk()
	return preempted
}

// spanLength is how many iterations follow each other that only generate: until the first sequence ends
// or blocks are short.
func (e *engine) spanLength() int {
	least := e.running[0].left
	for i := range e.running {
		least = min(least, e.running[i].left)
	}
	steps := int(least)
	for steps > 1 && !e.room(steps) {
		steps /= 2
	}
	return steps
}

// room says whether there are blocks for so many iterations that only generate.
func (e *engine) room(steps int) bool {
	if e.set.KV.NumBlocks == 0 {
		return true
	}
	need := 0
	for i := range e.running {
		q := &e.running[i]
		need += e.set.KV.Blocks(int(q.computed)+steps) - int(q.blocks)
	}
	return need <= e.free
}

// walk goes through the iterations of the span and dates its end.
func (e *engine) walk() {
	at, pass := e.began, e.pass
	for n := 0; n < e.steps; n++ {
		at = later(at, e.duration(pass, e.number+uint64(n)+1))
		e.count.mostContext = max(e.count.mostContext, pass.Context)
		pass.Context += int64(pass.Sequences)
		if at-e.began > longestSpan {
			e.steps = n + 1
		}
	}
	e.ends = at
}

// passed is how many iterations of the span have ended at an instant, all but the last at most, and when
// the next one began.
func (e *engine) passed(now sim.Time) (steps int, began sim.Time) {
	at, pass := e.began, e.pass
	for n := 0; n < e.steps-1; n++ {
		next := later(at, e.duration(pass, e.number+uint64(n)+1))
		if next > now {
			return n, at
		}
		at = next
		pass.Context += int64(pass.Sequences)
	}
	return e.steps - 1, at
}

// later is an instant after another, at most Never.
func later(at, by sim.Time) sim.Time {
	if by >= sim.Never-at {
		return sim.Never
	}
	return at + by
}

// duration is how long iteration n takes, from 1.
func (e *engine) duration(pass service.Pass, n uint64) sim.Time {
	ns := e.table.NS(pass)
	if n == 1 && !math.IsNaN(e.first) {
		ns = e.first
	}
	if e.set.NoiseCV > 0 {
		e.luck = e.noise.At(n)
		ns *= service.Noise(e.set.NoiseCV, &e.luck)
	}
	return sim.Round(ns)
}

// catchUp makes true what has passed of a span up to and including the given instant: the iteration that is
// under way then is the first of the span that is left.
func (e *engine) catchUp(now sim.Time) {
	if e.steps <= 1 {
		return
	}
	passed, began := e.passed(now)
	if passed == 0 {
		return
	}
	steps, ends := e.steps-passed, e.ends
	e.pass.Context += int64(passed) * int64(e.pass.Sequences)
	e.done(passed, nil)
	e.began, e.steps, e.ends = began, steps, ends
	for i := range e.running { // blocks of the iteration under way
		e.grow(&e.running[i], 1)
	}
}

// interrupt ends a span with the iteration that is under way at the given instant.
func (e *engine) interrupt(now sim.Time) {
	if e.steps > 1 {
		e.catchUp(now)
		e.steps = 1
		e.walk()
	}
}

// grow gives a sequence the blocks for further tokens.
func (e *engine) grow(q *sequence, tokens int) {
	need := e.set.KV.Blocks(int(q.computed)+tokens) - int(q.blocks)
	q.blocks += int32(need)
	e.free -= need
}

// done is the end of so many iterations of the same kind. Emitted, unless nil, is told of each sequence that
// has a new output token.
func (e *engine) done(steps int, emitted func(q *sequence)) {
	e.number += uint64(steps)
	e.count.iterations += int64(steps)
	e.count.tokens += int64(steps) * int64(e.pass.Tokens)
	if e.set.Iteration.Beyond(e.pass.Tokens) {
		e.count.beyond += int64(steps)
	}
	e.steps, e.ends = 0, sim.Never
	for i := range e.running {
		q := &e.running[i]
		n := q.chunk
		if n == 0 {
			continue
		}
		if q.decoding {
			n *= int32(steps)
			q.computed += n
			q.goal += n
			q.left -= n
			e.grow(q, 0)
		} else if q.computed += n; q.computed == q.goal {
			q.decoding = true
			q.goal++
			q.left--
		} else {
			continue
		}
		if emitted != nil {
			emitted(q)
		}
	}
}

// finished lists the inputs whose output is complete, in order of admission.
func (e *engine) finished(into []int32) []int32 {
	for i := range e.running {
		if q := &e.running[i]; q.left == 0 && q.decoding {
			into = append(into, q.input)
		}
	}
	return into
}

// add adds what another engine did.
func (c *engineCount) add(o *engineCount) {
	c.iterations += o.iterations
	c.beyond += o.beyond
	c.tokens += o.tokens
	c.preemptions += o.preemptions
	c.mostTokens = max(c.mostTokens, o.mostTokens)
	c.mostContext = max(c.mostContext, o.mostContext)
}
