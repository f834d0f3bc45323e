package model

import (
	"fmt"

	"github.com/simcap/simcap/sim"
)

// audit checks the laws that hold in every run, whatever the configuration: after every event for
// the state, at the leaving of every input for its times, and at the end for the whole. It recounts
// from the containers and inputs themselves what the machine keeps as running counts.
type audit struct {
	last    sim.Time
	waits   float64 // ns that inputs waited in queues, by their own records
	queueNS float64 // the same by the queue's length over time (Little's law)
	queueAt sim.Time
	queued  int64
}

// breach is the panic of a law that does not hold: a bug of the simulator.
type breach struct{ law string }

func (b breach) Error() string { return "model: a law is broken: " + b.law }

func (a *audit) require(holds bool, format string, args ...any) {
	if !holds {
		panic(breach{fmt.Sprintf(format, args...)})
	}
}

// event checks the state after an event.
func (a *audit) event(m *machine) {
	a.require(m.now >= a.last, "time runs back from %d to %d", a.last, m.now)
	a.last = m.now
	inside := int64(m.inputs.Len()) - int64(m.inputs.FreeLen())
	a.require(m.submitted == m.finished+inside, "submitted %d, finished %d, inside %d",
		m.submitted, m.finished, inside)
	queued, alive, gpus := int64(0), 0, 0
	for i := range m.pools {
		p := &m.pools[i]
		queued += p.queued
		n := a.pool(m, p)
		alive += n
		gpus += n * p.gpus
	}
	a.require(alive == m.alive && gpus == m.gpus, "containers %d, counted %d", alive, m.alive)
	caps := &m.cfg.Workspace
	a.require(caps.MaxContainers == None || alive <= caps.MaxContainers, "%d containers", alive)
	a.require(caps.MaxGPUs == None || gpus <= caps.MaxGPUs, "%d GPUs", gpus)
	a.queueNS += float64(a.queued) * float64(m.now-a.queueAt)
	a.queueAt, a.queued = m.now, queued
}

// pool recounts one pool and returns the number of its containers.
func (a *audit) pool(m *machine, p *pool) int {
	name := p.set.Name
	n, live, startingNow, busy, idle := 0, 0, 0, 0, 0
	held := int64(0)
	number := int64(0)
	for ci := m.oldest(p); ci != p.end; ci = m.containers.At(ci).younger {
		c := m.containers.At(ci)
		n++
		a.require(c.number > number, "%s: container %d after %d", name, c.number, number)
		number = c.number
		a.require(c.items >= 0 && c.items <= p.slotsMax, "%s: container %d holds %d items", name,
			c.number, c.items)
		a.require(!p.set.SingleUse || c.inputs <= int64(p.batchMax), "%s: single use", name)
		held += a.container(m, p, ci, c)
		switch {
		case c.state == starting:
			a.require(c.items == 0, "%s: starting container %d holds inputs", name, c.number)
			if !c.replacement {
				live++
				startingNow++
			}
		case c.state == ready:
			live++
			if c.items > 0 {
				busy++
			} else {
				idle++
			}
		}
		a.require(p.queued == 0 || !m.isFree(c), "%s: inputs wait while container %d is free", name,
			c.number)
	}
	a.require(live == p.live && startingNow == p.starting && busy == p.busyLive,
		"%s: live %d/%d, starting %d/%d, busy %d/%d", name, live, p.live, startingNow, p.starting,
		busy, p.busyLive)
	a.require(idle == a.idleList(m, p), "%s: idle list does not match", name)
	a.require(p.outstanding == p.queued+held, "%s: outstanding %d, queued %d, held %d", name,
		p.outstanding, p.queued, held)
	a.require(p.live <= int(p.hardMax) || p.version > 0, "%s: %d live containers", name, p.live)
	return n
}

// container counts the inputs that a container holds.
func (a *audit) container(m *machine, p *pool, ci int32, c *container) int64 {
	held, active := int64(0), int32(0)
	for lead := c.firstItem; lead != none; lead = m.inputs.At(lead).item.next {
		it := &m.inputs.At(lead).item
		active++
		held += int64(it.count)
		a.require(it.count >= 1 && it.count <= p.batchMax, "a batch of %d", it.count)
	}
	a.require(active == c.active, "%s: container %d serves %d, counted %d", p.set.Name, c.number,
		active, c.active)
	if p.llm != nil {
		a.engine(m, p, c)
	}
	if p.open != none && m.inputs.At(p.open).item.on == ci {
		held += int64(m.inputs.At(p.open).item.count)
		active++
	}
	a.require(active == c.items, "%s: container %d has %d slots in use, counted %d", p.set.Name,
		c.number, active, c.items)
	return held
}

// engine recounts the sequences and blocks of a container's engine.
func (a *audit) engine(m *machine, p *pool, c *container) {
	e, set, name := c.engine, p.llm.set, p.set.Name
	waiting := e.waiting[e.head:]
	a.require(len(e.running)+len(waiting)+len(e.refused) == int(c.active), "%s: the engine of container %d "+
		"holds %d + %d + %d sequences of %d", name, c.number, len(e.running), len(waiting), len(e.refused),
		c.active)
	a.require(len(e.running) <= set.MaxSeqs, "%s: %d sequences run", name, len(e.running))
	a.require(e.steps == 0 || e.pass.Tokens <= set.MaxTokens, "%s: an iteration of %d tokens", name,
		e.pass.Tokens)
	a.require(e.steps > 0 || e.empty(), "%s: the engine of container %d stands still", name, c.number)
	blocks := 0
	for i := range e.running {
		q, t := &e.running[i], &m.tokens[e.running[i].input]
		blocks += int(q.blocks)
		a.require(q.blocks >= 0 && int(q.blocks) >= set.KV.Blocks(int(q.computed)),
			"%s: %d tokens in %d blocks", name, q.computed, q.blocks)
		a.tokens(q, t)
	}
	for i := range waiting {
		a.require(waiting[i].blocks == 0 && waiting[i].computed == 0, "%s: a waiting sequence has blocks",
			name)
		a.tokens(&waiting[i], &m.tokens[waiting[i].input])
	}
	a.require(blocks+e.free == set.KV.NumBlocks && e.free >= 0, "%s: %d blocks used, %d free", name, blocks,
		e.free)
}

// tokens checks that no token of a sequence is lost or made twice.
func (a *audit) tokens(q *sequence, t *tokens) {
	made := q.made()
	a.require(q.prompt == t.prompt && made+int(q.left) == int(t.output) && q.left > 0,
		"%d of %d output tokens made, %d to come", made, t.output, q.left)
	a.require((made > 0) == (t.first != Unset), "%d output tokens, the first at %d", made, t.first)
	a.require(!q.decoding || q.computed == q.goal-1, "%d of %d tokens computed", q.computed, q.goal)
}

// idleList checks the order of the idle list and counts it.
func (a *audit) idleList(m *machine, p *pool) int {
	n, expired := 0, 0
	since, number := sim.Time(-1), int64(0)
	for ci := m.firstIdle(p); ci != p.end; ci = m.links[ci].next {
		c := m.containers.At(ci)
		n++
		if c.expired {
			expired++
		}
		a.require(c.idleSince > since || c.idleSince == since && c.number < number,
			"%s: the idle list is out of order", p.set.Name)
		since, number = c.idleSince, c.number
	}
	a.require(expired == p.expired, "%s: expired %d, counted %d", p.set.Name, expired, p.expired)
	return n
}

// leaves checks the times of an input that leaves: the parts are its latency, to the nanosecond.
func (a *audit) leaves(m *machine, in *input) {
	sum := sim.Time(0)
	for part, t := range in.parts {
		a.require(t >= 0, "input %d of call %d: %s is %d ns", in.place, in.number, PartNames[part], t)
		sum += t
	}
	a.require(sum == m.now-in.submitted, "input %d of call %d: parts are %d ns of %d", in.place,
		in.number, sum, m.now-in.submitted)
	a.waits += float64(in.parts[Cold] + in.parts[Queue])
}

// end checks the whole run: the time that inputs waited is the integral of the queue's length.
func (a *audit) end(m *machine) {
	diff := a.waits - a.queueNS
	a.require(diff <= 1e-9*a.waits+1 && -diff <= 1e-9*a.waits+1,
		"inputs waited %g ns, the queue says %g ns", a.waits, a.queueNS)
}
