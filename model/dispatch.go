package model

import "github.com/simcap/simcap/sim"

// settle follows every event that touched the pool (rule 1): dispatch, then the autoscaler.
func (m *machine) settle(p *pool) {
	if x := p.express; x != nil {
		if p.queued > 0 {
			m.expressDispatch(x)
		}
		m.expressSettle(x)
		return
	}
	if p.queued > 0 {
		m.dispatch(p)
	}
	if p.open != none && p.set.Batched.Wait == 0 {
		m.beginService(p, p.open)
	}
	if p.llm != nil {
		m.beginIterations(p)
	}
	m.rescale(p)
}

// rescale lets the autoscaler decide where it decides after every event, or where inputs wait and no
// container lives.
func (m *machine) rescale(p *pool) {
	if m.everyEvent {
		if p.live != p.fixed {
			m.evaluate(p)
		}
		if m.freed && m.capped {
			m.evaluateAll()
		}
	} else if p.queuedNow && p.live == 0 {
		m.evaluate(p)
	}
	p.queuedNow = false
	m.freed = false
}

// dispatch hands pending inputs to containers, first come first served (rules 4 and 5).
func (m *machine) dispatch(p *pool) {
	for p.queued > 0 {
		ci := m.slot(p)
		if ci == none {
			return
		}
		i := p.first
		in := m.inputs.At(i)
		m.unqueue(p, i, in)
		m.assign(p, i, in, ci)
	}
}

// slot is the container that the next input goes to: that of the open batch, or the one that routing
// picks; none when there is none.
func (m *machine) slot(p *pool) int32 {
	if p.open != none {
		return m.inputs.At(p.open).item.on
	}
	return m.route(p)
}

// enqueue puts an input at the tail of the queue.
func (m *machine) enqueue(p *pool, i int32, in *input) {
	in.state = waiting
	in.since = m.now
	in.next, in.prev = none, p.last
	if p.last != none {
		m.inputs.At(p.last).next = i
	} else {
		p.first = i
	}
	p.last = i
	m.queueGrew(p, in)
}

// queueGrew counts an input that joined the queue.
func (m *machine) queueGrew(p *pool, in *input) {
	p.queuedNow = true
	m.queueCount(p, &m.callers[in.workload], 1)
}

// queueCount adds to the number of inputs of the workload that are in the pool's queue.
func (m *machine) queueCount(p *pool, w *caller, by int64) {
	p.queued += by
	p.queuedSync += by * w.sync
	w.book.queue.add(m.now, by)
}

// unqueue takes an input out of the queue, wherever it stands.
func (m *machine) unqueue(p *pool, i int32, in *input) {
	if in.prev != none {
		m.inputs.At(in.prev).next = in.next
	} else {
		p.first = in.next
	}
	if in.next != none {
		m.inputs.At(in.next).prev = in.prev
	} else {
		p.last = in.prev
	}
	w := &m.callers[in.workload]
	if w.impatient {
		m.disappoint(sim.Owner{Kind: ownInput, Index: i})
	}
	m.queueCount(p, w, -1)
}

// assign gives an input that is in no queue to a container: it joins the open batch, or opens an item
// in a free slot.
func (m *machine) assign(p *pool, i int32, in *input, ci int32) {
	c := m.containers.At(ci)
	if wait := m.now - in.since; wait > 0 {
		cold := max(0, min(m.now, c.readyAt)-max(in.since, c.created))
		in.parts[Cold] += cold
		in.parts[Queue] += wait - cold
		in.since = m.now
	}
	if !m.callers[in.workload].async {
		p.assignedSync++
	}
	in.state = assigned
	in.assignedAt, in.started = m.now, Unset
	in.container, in.batchSize = c.number, 0
	in.taken = m.order()
	in.next = none
	c.inputs++
	lead := p.open
	if lead == none {
		m.openItem(p, i, in, ci, c)
		if p.batchMax == 1 {
			m.beginService(p, i)
		}
		return
	}
	it := &m.inputs.At(lead).item
	in.lead = lead
	m.inputs.At(it.last).next = i
	it.last = i
	if it.count++; it.count == p.batchMax {
		m.beginService(p, lead)
	}
}

// openItem takes a free slot of the container for a new item with the input as its lead.
func (m *machine) openItem(p *pool, i int32, in *input, ci int32, c *container) {
	in.lead = i
	it := &in.item
	it.on, it.last, it.count = ci, i, 1
	it.begun, it.order = false, in.taken
	p.lastChosen = c.number
	if c.idle {
		m.leaveIdle(p, ci, c)
		m.becomesBusy(p, c)
	}
	c.items++
	c.used = true
	if !p.byList {
		m.reroute(p, ci, c)
	}
	if p.batchMax == 1 {
		return
	}
	p.open = i
	if p.set.Batched.Wait > 0 {
		if source := m.poolSource(p, poolBatchWait); m.calendar.Date(source) == sim.Never {
			m.calendar.Set(source, m.now+p.set.Batched.Wait)
		}
	}
}

// batchWaited is the end of an open batch's wait. The source is dated no later than that: it may come
// early, when the batch that it was dated for has begun since.
func (m *machine) batchWaited(p *pool) {
	if p.express != nil {
		m.expressWaited(p.express)
		return
	}
	source := m.poolSource(p, poolBatchWait)
	if p.open == none {
		return
	}
	if due := m.inputs.At(p.open).assignedAt + p.set.Batched.Wait; due > m.now {
		m.calendar.Set(source, due)
		return
	}
	m.progressed = m.now
	m.beginService(p, p.open)
	m.settle(p)
}

// route is the container that takes the head of the queue (rule 4), or none.
func (m *machine) route(p *pool) int32 {
	routing := m.cfg.Platform.Routing
	if p.byList {
		return m.fromIdle(p)
	}
	seat, ok := p.routes.Min()
	if !ok {
		return none
	}
	switch routing {
	case RoundRobin:
		if c := m.nextInRound(p); c != none {
			return c
		}
	case Random:
		return m.anyFree(p)
	}
	return *p.seats.At(seat)
}

// fromIdle is the idle container that routing picks where it reads the list, or none.
func (m *machine) fromIdle(p *pool) int32 {
	ci := m.lastIdle(p) // of equally recent ones the list has the lowest number last
	if !p.recent {
		ci = m.lastOfTie(m.firstIdle(p))
	}
	if ci == p.end {
		return none
	}
	return ci
}

// nextInRound is the free container with the lowest number above the one chosen last, or none.
func (m *machine) nextInRound(p *pool) int32 {
	for ci := m.oldest(p); ci != p.end; {
		c := m.containers.At(ci)
		if c.number > p.lastChosen && m.isFree(c) {
			return ci
		}
		ci = c.younger
	}
	return none
}

// anyFree is one of the free containers, each with the same chance.
func (m *machine) anyFree(p *pool) int32 {
	n := uint64(0)
	for ci := m.oldest(p); ci != p.end; ci = m.containers.At(ci).younger {
		if m.isFree(m.containers.At(ci)) {
			n++
		}
	}
	p.routed++
	luck := p.routeStream.At(uint64(p.routed))
	pick := luck.Uint64() % n
	for ci := m.oldest(p); ; ci = m.containers.At(ci).younger {
		if !m.isFree(m.containers.At(ci)) {
			continue
		}
		if pick == 0 {
			return ci
		}
		pick--
	}
}

// isFree says whether the container is ready and has a free slot.
func (m *machine) isFree(c *container) bool {
	if c.state != ready {
		return false
	}
	if m.pools[c.pool].set.SingleUse {
		return !c.used
	}
	return c.items < c.slots
}

// reroute ranks the container for routing, after anything that the rank depends on has changed.
func (m *machine) reroute(p *pool, ci int32, c *container) {
	if p.byList {
		return
	}
	if !m.isFree(c) {
		p.routes.Out(c.seat)
		return
	}
	const last = sim.HighestRank >> 1
	busy := uint64(0)
	if c.items > 0 && !m.cfg.Platform.Pack {
		busy = last + 1
	}
	r := sim.Rank{Lo: uint64(c.number)}
	switch m.cfg.Platform.Routing {
	case MostRecent:
		r.Hi = busy | (last - c.lastFall)
	case LongestIdle:
		r.Hi = busy | c.lastFall
	case LeastLoaded:
		r.Hi = uint64(c.items)
	case MostLoaded:
		r.Hi = 1<<32 - uint64(c.items)
	case Newest:
		r.Lo = 1<<62 - uint64(c.number)
	}
	p.routes.Set(c.seat, r)
}
