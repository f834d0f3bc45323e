package model

import "github.com/simcap/simcap/sim"

// settle follows every event that touched the pool (rule 1): dispatch, then the autoscaler.
func (m *machine) settle(p *pool) {
	if p.queued > 0 {
		m.dispatch(p)
	}
	if p.open != none && p.set.Batched.Wait == 0 {
		m.beginService(p, p.open)
	}
	if m.cfg.Platform.Autoscaler.Interval == 0 {
		m.evaluate(p)
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
		it := p.open
		if it == none {
			c := m.route(p)
			if c == none {
				return
			}
			it = m.openItem(p, c)
		}
		m.assign(p, p.first, it)
		if m.items.At(it).count == p.batchMax {
			m.beginService(p, it)
		}
	}
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
	p.queued++
	p.outstanding++
	p.queuedNow = true
	w := &m.callers[in.workload]
	if w.async {
		p.queuedAsync++
	} else {
		p.queuedSync++
	}
	w.book.queue.add(m.now, 1)
}

// unqueue takes an input out of the queue, wherever it stands; outstanding is the caller's affair.
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
	in.next, in.prev = none, none
	p.queued--
	w := &m.callers[in.workload]
	if w.async {
		p.queuedAsync--
	} else {
		p.queuedSync--
	}
	w.book.queue.add(m.now, -1)
}

// openItem takes a free slot of the container for a new item.
func (m *machine) openItem(p *pool, ci int32) int32 {
	i := m.items.New()
	it := m.items.At(i)
	it.container, it.first, it.last, it.count = ci, none, none, 0
	it.begun, it.order, it.next, it.prev = false, m.order(), none, none
	c := m.containers.At(ci)
	p.lastChosen = c.number
	if c.items == 0 {
		m.leaveIdle(p, ci, c)
		m.becomesBusy(p, c)
	}
	c.items++
	c.used = true
	m.reroute(p, ci, c)
	p.open = i
	if p.batchMax > 1 && p.set.Batched.Wait > 0 {
		it.opened = m.now
		if source := m.poolSource(p.index, poolBatchWait); m.calendar.Date(source) == sim.Never {
			m.calendar.Set(source, m.now+p.set.Batched.Wait)
		}
	}
	return i
}

// assign moves an input from the queue into an open item.
func (m *machine) assign(p *pool, i, ii int32) {
	in := m.inputs.At(i)
	it := m.items.At(ii)
	c := m.containers.At(it.container)
	m.unqueue(p, i, in)
	wait := m.now - in.since
	if wait > 0 {
		cold := max(0, min(m.now, c.readyAt)-max(in.since, c.created))
		in.parts[Cold] += cold
		in.parts[Queue] += wait - cold
	}
	if w := &m.callers[in.workload]; !w.async {
		p.assignedSync++
	}
	if m.callers[in.workload].impatient {
		m.agenda.Cancel(sim.Owner{Kind: ownInput, Index: i})
	}
	in.state = assigned
	in.since, in.assignedAt, in.started = m.now, m.now, Unset
	in.container, in.batchSize, in.item = c.number, 0, ii
	in.taken = m.order()
	c.inputs++
	in.prev = it.last
	if it.last != none {
		m.inputs.At(it.last).next = i
	} else {
		it.first = i
	}
	it.last = i
	it.count++
}

// batchWaited is the end of an open batch's wait. The source is dated no later than that: it may come
// early, when the batch that it was dated for has begun since.
func (m *machine) batchWaited(p *pool) {
	source := m.poolSource(p.index, poolBatchWait)
	m.calendar.Clear(source)
	if p.open == none {
		return
	}
	if due := m.items.At(p.open).opened + p.set.Batched.Wait; due > m.now {
		m.calendar.Set(source, due)
		return
	}
	m.progressed = m.now
	m.beginService(p, p.open)
	m.settle(p)
}

// hasFree says whether a ready container has a free slot.
func (m *machine) hasFree(p *pool) bool {
	if p.byList {
		return p.idleFirst != none
	}
	_, ok := p.routes.Min()
	return ok
}

// route is the container that takes the head of the queue (rule 4), or none.
func (m *machine) route(p *pool) int32 {
	routing := m.cfg.Platform.Routing
	if p.byList {
		if routing == MostRecent {
			return p.idleLast // of equally recent ones the list has the lowest number last
		}
		return m.lastOfTie(p.idleFirst)
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

// nextInRound is the free container with the lowest number above the one chosen last, or none.
func (m *machine) nextInRound(p *pool) int32 {
	for ci := p.oldest; ci != none; {
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
	for ci := p.oldest; ci != none; ci = m.containers.At(ci).younger {
		if m.isFree(m.containers.At(ci)) {
			n++
		}
	}
	p.routed++
	luck := p.routeStream.At(uint64(p.routed))
	pick := luck.Uint64() % n
	for ci := p.oldest; ; ci = m.containers.At(ci).younger {
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
		p.routes.Set(c.seat, sim.Out)
		return
	}
	busy := uint64(0)
	if c.items > 0 && !m.cfg.Platform.Pack {
		busy = 1 << 63
	}
	r := sim.Rank{Lo: uint64(c.number)}
	switch m.cfg.Platform.Routing {
	case MostRecent:
		r.Hi = busy | uint64(sim.Never-c.lastFall)
	case LongestIdle:
		r.Hi = busy | uint64(c.lastFall)
	case LeastLoaded:
		r.Hi = uint64(c.items)
	case MostLoaded:
		r.Hi = 1<<32 - uint64(c.items)
	case Newest:
		r.Lo = 1<<62 - uint64(c.number)
	}
	p.routes.Set(c.seat, r)
}
