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

// quickCaller says whether the workload's arrivals can take the quick lane.
func (w *caller) quickCaller() bool {
	return w.express != nil && w.express.quick && w.bucket == nil && w.ahead != nil && w.ahead.demands
}

// quickArrival is expressArrival. No input waits while a container is idle.
func (m *machine) quickArrival(w *caller, x *express) {
	now, p := m.now, x.pool
	w.calls++
	a := w.ahead
	demand := a.demand[(a.used-1)%blockSize]
	if ci := m.links[p.idle].prev; ci != p.idle {
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
		x.members[c.seat] = member{submitted: now, assigned: now, caller: w.index}
		m.quickBegins(x, ci, c, demand)
	} else {
		m.expressQueues(x, w, &waiter{submitted: now, demand: demand, caller: w.index}, nil)
	}
	if a.used < a.of {
		m.openWork++
		m.calendar.Set(arrivalSource(w.index), a.at[a.used%blockSize])
		a.used++
	} else {
		m.arrivalsLeft--
		m.awaitArrival(w)
	}
	if p.live == 0 || m.everyEvent && p.live != p.fixed {
		m.rescale(p)
	}
}

// quickBegins is the rest of expressAssign and expressBegins.
func (m *machine) quickBegins(x *express, ci int32, c *container, demand sim.Time) {
	now := m.now
	m.sequence++
	c.count, c.items, c.active = 1, 1, 1
	c.inputs++
	c.demand, c.started, c.order = demand, now, m.sequence
	if m.book.covered(now) {
		x.pool.book.batchSizes[0]++
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
	w := &m.callers[in.caller]
	if m.book.covers(in.submitted) {
		b := &w.book
		if in.cold > 0 {
			b.coldStarted++
		}
		bucket := b.latency.Record(int64(now - in.submitted + w.overhead))
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
		next := &m.callers[at.caller]
		m.queueCount(p, next, -1)
		p.assignedSync += next.sync - w.sync
		*in = member{submitted: at.submitted, assigned: now, caller: at.caller}
		if at.submitted < c.readyAt {
			in.cold = max(0, c.readyAt-max(at.submitted, c.created))
		}
		m.quickBegins(x, ci, c, at.demand)
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
