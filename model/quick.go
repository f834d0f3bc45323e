package model

import "github.com/simcap/simcap/sim"

// The quick lane is the express lane where a slot holds one input, nothing is drawn but demands, and
// the most recent container is the next: what most simulations spend most of their time on. It does
// what express.go does, in one place for each of the two events: there is more to a call than to most
// of what is called. Whatever is rare goes to express.go.

// takesQuick says whether the express lane of the pool is a quick one.
func (x *express) takesQuick() bool {
	p := x.pool
	return p.alone && p.recent && !x.heavy && x.batchTime == nil && !p.lapses
}

// quickCaller says whether the workload's arrivals bring nothing that is drawn but demands, which are
// drawn ahead.
func (w *caller) quickCaller() bool {
	return w.express != nil && w.bucket == nil && w.ahead != nil && w.ahead.demands
}

// quickJoins is an arrival whose input joins the open batch. None waits while a batch is open.
func (m *machine) quickJoins(w *caller, x *express, demand sim.Time) {
	p, ci := x.pool, x.openOn
	w.calls++
	p.outstanding++
	p.assignedSync += w.sync
	c := m.containers.At(ci)
	x.members[c.seat*p.batchMax+c.count] = member{submitted: m.now, assigned: m.now, caller: w.index}
	c.inputs++
	c.demand = max(c.demand, demand)
	if c.count++; c.count == p.batchMax {
		m.expressBegins(x, ci, c)
	}
}

// quickArrival is an arrival with its input. No input waits while a container is idle.
func (m *machine) quickArrival(w *caller, x *express, demand sim.Time) {
	now, p := m.now, x.pool
	w.calls++
	ci := m.links[p.idle].prev
	if ci == p.idle {
		m.expressQueues(x, w, &waiter{submitted: now, demand: demand, caller: w.index}, nil)
		return
	}
	c := m.containers.At(ci)
	c.idle = false
	before := m.links[ci].prev
	m.links[p.idle].prev = before
	m.links[before].next = p.idle
	if p.expired > 0 {
		m.leavesExpired(p, ci, c, p.idle)
	}
	c.busySince = now
	p.busyLive++
	p.book.busy.add(now, 1)
	p.outstanding++
	p.assignedSync += w.sync
	in := &x.members[c.seat]
	in.submitted, in.assigned, in.cold, in.caller = now, now, 0, w.index
	c.count, c.items, c.active = 1, 1, 1
	c.inputs++
	c.demand, c.started, c.order = demand, now, m.order()
	if m.book.covered(now) {
		p.book.batchSizes[0]++
	}
	m.calendar.Set(containerSource(ci), now+min(demand, x.timeout))
}

// quickDue is expressDue.
func (m *machine) quickDue(x *express, ci int32, c *container) {
	served := c.demand
	if served > x.timeout {
		m.expressDue(x, ci, c)
		return
	}
	now, p := m.now, x.pool
	in := &x.members[c.seat]
	w := x.sole
	if w == nil {
		w = &m.callers[in.caller]
	}
	if m.book.covers(in.submitted) {
		b := &w.book
		if in.cold > 0 {
			b.coldStarted++
		}
		latency := int64(now - in.submitted + w.overhead)
		bucket := b.latency.Record(latency)
		if b.latency.Keeps() {
			b.latency.Keep(latency)
		}
		b.recent.counts[bucket>>coarseShift]++
		at := &b.recent.bands[bucket>>bandShift]
		at[Cold] += int64(in.cold)
		at[Queue] += int64(in.assigned - in.submitted - in.cold)
		at[Served] += int64(served)
		if !b.plain {
			at[Overhead] += int64(w.overhead)
			b.makespans.Record(int64(now - in.submitted))
		}
	}
	m.finished++
	m.openWork--
	p.outstanding--
	p.fellAt, p.everFell = now, true
	if p.queued > 0 {
		at := &x.queue[x.head&(len(x.queue)-1)]
		x.head++
		next := x.sole
		if next == nil {
			next = &m.callers[at.caller]
		}
		m.queueCount(p, next, -1)
		p.assignedSync += next.sync - w.sync
		in.submitted, in.assigned, in.cold, in.caller = at.submitted, now, 0, at.caller
		if at.submitted < c.readyAt {
			in.cold = max(0, c.readyAt-max(at.submitted, c.created))
		}
		c.inputs++
		c.demand, c.started, c.order = at.demand, now, m.order()
		if m.book.covered(now) {
			p.book.batchSizes[0]++
		}
		m.calendar.Set(containerSource(ci), now+min(at.demand, x.timeout))
	} else {
		p.assignedSync -= w.sync
		c.items, c.active, c.count, c.demand = 0, 0, 0, 0
		m.becomesFree(p, c)
		m.becomeIdle(p, ci, c)
	}
	if m.everyEvent && p.live != p.fixed {
		m.rescale(p)
	}
}

// quickBooks books inputs of one workload that complete together and have no luggage.
func (m *machine) quickBooks(w *caller, members []member, started sim.Time) {
	now, from, to := m.now, m.book.from, m.book.to
	b, overhead := &w.book, w.overhead
	counts, recent := b.latency, b.recent
	for i := range members {
		in := &members[i]
		if in.submitted < from || in.submitted >= to {
			continue
		}
		latency := int64(now - in.submitted + overhead)
		bucket := counts.Record(latency)
		if counts.Keeps() {
			counts.Keep(latency)
		}
		recent.counts[bucket>>coarseShift]++
		at := &recent.bands[bucket>>bandShift]
		at[Queue] += int64(in.assigned - in.submitted - in.cold)
		at[BatchWait] += int64(started - in.assigned)
		at[Served] += int64(now - started)
		if in.cold > 0 {
			b.coldStarted++
			at[Cold] += int64(in.cold)
		}
		if !b.plain {
			at[Overhead] += int64(overhead)
			b.makespans.Record(latency - int64(overhead))
		}
	}
}
