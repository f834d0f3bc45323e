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

// quickJoins is an arrival whose input joins the open batch, and those after it that do and come before
// the given instant, up to which nothing else does. It says when the batch ends if it now begins, or
// Never. No input waits while a batch is open.
func (m *machine) quickJoins(w *caller, x *express, until sim.Time) (ends sim.Time) {
	p, ci, a := x.pool, x.openOn, w.ahead
	c := m.containers.At(ci)
	members := x.members[c.seat*p.batchMax : (c.seat+1)*p.batchMax]
	many := p.set.Batched.Wait > 0 && !p.restless // each needs nothing after it
	first, now := a.used, m.now
	for {
		in := &members[c.count]
		in.submitted, in.assigned, in.caller = now, now, w.index
		c.count++
		c.demand = max(c.demand, a.demand[(a.used-1)%blockSize])
		if !many || c.count == p.batchMax || a.used == a.of || a.at[a.used%blockSize] >= until {
			break
		}
		now = a.at[a.used%blockSize]
		a.used++
	}
	m.now = now
	n := int64(a.used - first)
	m.openWork += n // for the arrivals that have come since
	w.calls += n + 1
	p.outstanding += n + 1
	p.assignedSync += (n + 1) * w.sync
	c.inputs += n + 1
	if c.count == p.batchMax {
		return m.expressBegins(x, ci, c)
	}
	return sim.Never
}

// quickLane is expressArrivals for workloads and lanes that are quick. The calendar does not have the
// pool's next tick either, once one has come.
func (m *machine) quickLane(w *caller, x *express) {
	p, a, calendar := x.pool, w.ahead, m.calendar
	tick := sim.Never
	for m.quickArrival(w, x); a.used < a.of; m.quickArrival(w, x) {
		if p.restless {
			m.rescale(p)
		}
		arrival := a.at[a.used%blockSize]
		a.used++
		m.openWork++
	before:
		for {
			next := min(arrival, tick)
			key, ok := calendar.Key(next)
			if !ok || m.rare || next >= m.book.mark {
				m.quickLeaves(w, p, arrival, tick)
				return
			}
			limit := calendar.Limit(key)
			for {
				ci, ok := calendar.LastBefore(limit)
				if !ok {
					break
				}
				_, at, ok := calendar.NextOf(groupContainers)
				if !ok {
					m.quickLeaves(w, p, arrival, tick)
					return
				}
				m.now = at
				c := m.containers.At(ci)
				if c.lane != x || c.active == 0 {
					m.containerDue(ci, c)
					continue before
				}
				if m.quickDue(x, ci, c) {
					continue before // with a new key, as the calendar may have grown
				}
			}
			if calendar.Earlier(key) {
				if tick >= arrival {
					break
				}
				m.now = tick
				tick += m.cfg.Platform.Autoscaler.Interval
				m.ticked(p)
				continue
			}
			if ok = calendar.FirstEarlier(key); ok {
				tick, ok = m.quickTimer(p, tick)
			}
			if !ok {
				m.quickLeaves(w, p, arrival, tick)
				return
			}
		}
		m.now = arrival
	}
	if p.restless {
		m.rescale(p)
	}
	m.arrivalsLeft--
	m.progressed = m.now
	m.restoreTick(p, tick)
	m.awaitArrival(w)
}

// quickLeaves gives the calendar back the arrival and the tick that it did not have meanwhile.
func (m *machine) quickLeaves(w *caller, p *pool, arrival, tick sim.Time) {
	m.calendar.Set(arrivalSource(w.index), arrival)
	m.restoreTick(p, tick)
}

// restoreTick gives the calendar back the tick that a quick lane has kept, if it has.
func (m *machine) restoreTick(p *pool, tick sim.Time) {
	if tick < sim.Never {
		m.calendar.Add(m.poolSource(p, poolPaced), tick)
	}
}

// quickTimer is the timer that comes first, or yields the pool's tick if that does. It says no, and has
// done nothing, where it takes a search to know which timer comes first.
func (m *machine) quickTimer(p *pool, tick sim.Time) (sim.Time, bool) {
	own := int(m.calendar.First(groupTimers)) == m.firstTick+int(p.index)
	timer, at, ok := m.calendar.NextOf(groupTimers)
	switch {
	case !ok:
	case own:
		return at, true
	default:
		m.now = at
		m.timer(timer)
	}
	return tick, ok
}

// quickArrival is an arrival with its input. No input waits while a container is idle.
func (m *machine) quickArrival(w *caller, x *express) {
	p, a, now, links := x.pool, w.ahead, m.now, m.links
	end := &links[p.end]
	w.calls++
	demand := a.demand[(a.used-1)%blockSize]
	ci := end.prev
	if ci == p.end {
		if at := m.expressTail(x, w); at >= 0 {
			x.queue[at] = waiter{submitted: now, demand: demand, caller: w.index}
		}
		return
	}
	c := m.containers.At(ci)
	c.idle = false
	before := links[ci].prev
	end.prev = before
	links[before].next = p.end
	if p.expired > 0 {
		m.leavesExpired(p, ci, c, p.end)
	}
	c.busySince = now
	p.busyLive++
	p.book.busy.add(now, 1)
	p.outstanding++
	p.assignedSync += w.sync
	c.submitted, c.caller = now, w.index
	c.count, c.items, c.active = 1, 1, 1
	c.inputs++
	c.demand, c.started, c.order = demand, now, m.order()
	if m.book.covered(now) {
		p.book.batchSizes[0]++
	}
	m.calendar.Add(containerSource(ci), now+min(demand, x.timeout))
}

// member is what the container of a quick lane serves.
func (c *container) member() member { return member{c.submitted, c.started, c.caller} }

// quickDue is expressDue, and says whether it may have dated anything but the container.
func (m *machine) quickDue(x *express, ci int32, c *container) (more bool) {
	served := c.demand
	if served > x.timeout {
		x.members[c.seat] = c.member()
		m.expressDue(x, ci, c)
		return true
	}
	now, p := m.now, x.pool
	w := x.sole
	if w == nil {
		w = &m.callers[c.caller]
	}
	if m.book.covers(c.submitted) {
		b := &w.book
		latency := int64(now - c.submitted + w.overhead)
		bucket := b.latency.Record(latency)
		if b.latency.Keeps() {
			b.latency.Keep(latency)
		}
		at := &b.recent[bucket>>bandShift]
		at.counts[uint(bucket)>>coarseShift%uint(len(at.counts))]++
		at.parts[Queue] += int64(c.started - c.submitted)
		at.parts[Served] += int64(served)
		if c.submitted < c.readyAt {
			b.waitedForStart(at, c.member().cold(c))
		}
		if !b.plain {
			at.parts[Overhead] += int64(w.overhead)
			b.makespans.Record(int64(now - c.submitted))
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
		c.submitted, c.caller = at.submitted, at.caller
		c.inputs++
		c.demand, c.started, c.order = at.demand, now, m.order()
		if m.book.covered(now) {
			p.book.batchSizes[0]++
		}
		m.calendar.Add(containerSource(ci), now+min(at.demand, x.timeout))
	} else {
		p.assignedSync -= w.sync
		c.items, c.active, c.count, c.demand = 0, 0, 0, 0
		m.becomesFree(p, c)
		more = !p.expiryDated
		m.becomeIdle(p, ci, c)
	}
	if p.restless {
		m.rescale(p)
		more = true
	}
	return more
}

// quickBooks books inputs of one workload that complete together on a container and have no luggage.
func (m *machine) quickBooks(w *caller, c *container, members []member) {
	now, started, from, to := m.now, c.started, m.book.from, m.book.to
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
		at := &recent[bucket>>bandShift]
		at.counts[uint(bucket)>>coarseShift%uint(len(at.counts))]++
		at.parts[Queue] += int64(in.assigned - in.submitted)
		at.parts[BatchWait] += int64(started - in.assigned)
		at.parts[Served] += int64(now - started)
		if in.submitted < c.readyAt {
			b.waitedForStart(at, in.cold(c))
		}
		if !b.plain {
			at.parts[Overhead] += int64(overhead)
			b.makespans.Record(latency - int64(overhead))
		}
	}
}
