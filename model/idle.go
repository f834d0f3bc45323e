package model

import "github.com/simcap/simcap/sim"

// The idle containers of a pool form a list by the instant at which they became idle; those of one
// instant stand by falling number, so that the last of the list is what `most_recent` routing wants.
// All wait for one window, so they also expire in the order of the list: no timer each, one source of
// the calendar for the first that has not expired.

// becomeIdle puts a ready container without inputs at the end of the list.
func (m *machine) becomeIdle(p *pool, ci int32, c *container) {
	c.idle, c.idleSince, c.idleOrder, c.expired = true, m.now, m.order(), false
	after := m.idlePlace(p, c)
	c.prev = after
	if after != none {
		a := m.containers.At(after)
		c.next = a.next
		a.next = ci
	} else {
		c.next = p.idleFirst
		p.idleFirst = ci
	}
	if c.next != none {
		m.containers.At(c.next).prev = ci
	} else {
		p.idleLast = ci
	}
	if c.prev == none || m.containers.At(c.prev).idleSince != m.now {
		p.tieFront = ci
	}
	if u := p.unexpired; u == none ||
		m.containers.At(u).idleSince == m.now && m.containers.At(u).number < c.number {
		p.unexpired = ci
	}
	if !p.expiryDated {
		p.expiryDated = true
		m.calendar.Set(poolSource(p.index, poolIdle), m.now+p.window)
	}
}

// idlePlace is the idle container after which c belongs, or none for the front.
func (m *machine) idlePlace(p *pool, c *container) int32 {
	after := p.idleLast
	if after == none || m.containers.At(after).idleSince != m.now {
		return after
	}
	if p.tieFront != none {
		if front := m.containers.At(p.tieFront); front.number < c.number {
			return front.prev
		}
	}
	for after != none {
		a := m.containers.At(after)
		if a.idleSince != m.now || a.number > c.number {
			break
		}
		after = a.prev
	}
	return after
}

// leaveIdle takes a container out of the list.
func (m *machine) leaveIdle(p *pool, ci int32, c *container) {
	if c.prev != none {
		m.containers.At(c.prev).next = c.next
	} else {
		p.idleFirst = c.next
	}
	if c.next != none {
		m.containers.At(c.next).prev = c.prev
	} else {
		p.idleLast = c.prev
	}
	if p.tieFront == ci {
		p.tieFront = none
		if c.next != none {
			p.tieFront = c.next // of the same instant, for c was in the last group
		}
	}
	if p.unexpired == ci {
		p.unexpired = m.firstUnexpired(c.next)
	}
	c.next, c.prev, c.idle = none, none, false
	if c.expired {
		p.expired--
		c.expired = false
	}
}

// firstUnexpired is the first container that has not expired, from the given one of the list on.
func (m *machine) firstUnexpired(ci int32) int32 {
	for ci != none && m.containers.At(ci).expired {
		ci = m.containers.At(ci).next
	}
	return ci
}

// lastOfTie is the last container of the list that became idle when the given one did: of these, the
// one with the lowest number.
func (m *machine) lastOfTie(ci int32) int32 {
	if ci == none {
		return none
	}
	since := m.containers.At(ci).idleSince
	for {
		next := m.containers.At(ci).next
		if next == none || m.containers.At(next).idleSince != since {
			return ci
		}
		ci = next
	}
}

// nextToExpire is the container that expires next: of those that became idle first and have not
// expired, the one that did so earliest in order.
func (m *machine) nextToExpire(p *pool) int32 {
	best := p.unexpired
	if best == none {
		return none
	}
	since := m.containers.At(best).idleSince
	for ci := best; ci != none; {
		c := m.containers.At(ci)
		if c.idleSince != since {
			break
		}
		if !c.expired && c.idleOrder < m.containers.At(best).idleOrder {
			best = ci
		}
		ci = c.next
	}
	return best
}

func (m *machine) nextExpiryOrder(p *pool) uint64 {
	ci := m.nextToExpire(p)
	if ci == none {
		return 0
	}
	return m.containers.At(ci).idleOrder
}

// idleDue is the expiry of an idle container (rule 8). The source is dated no later than the next
// expiry: it may come early, when the container that it was dated for has been used since.
func (m *machine) idleDue(p *pool) {
	source := poolSource(p.index, poolIdle)
	ci := m.nextToExpire(p)
	if ci == none {
		p.expiryDated = false
		return
	}
	c := m.containers.At(ci)
	if due := c.idleSince + p.window; due > m.now {
		m.calendar.Set(source, due)
		return
	}
	m.progressed = m.now
	c.expired = true
	p.expired++
	p.unexpired = m.firstUnexpired(p.unexpired)
	if p.live > m.desired(p) {
		m.leaveIdle(p, ci, c)
		m.stop(p, ci, "scaledown")
	}
	m.dateExpiry(p)
	m.settle(p)
}

// dateExpiry dates the pool's next expiry, at once if it is past.
func (m *machine) dateExpiry(p *pool) {
	at := sim.Never
	if p.unexpired != none {
		at = max(m.now, m.containers.At(p.unexpired).idleSince+p.window)
	}
	p.expiryDated = at < sim.Never
	m.calendar.Set(poolSource(p.index, poolIdle), at)
}

// windowChanged re-dates all expiries after the window was updated: an expired container is unexpired
// if the new window has not passed.
func (m *machine) windowChanged(p *pool) {
	for ci := p.idleFirst; ci != none; {
		c := m.containers.At(ci)
		if c.expired && c.idleSince+p.window > m.now {
			c.expired = false
			p.expired--
		}
		ci = c.next
	}
	p.unexpired = m.firstUnexpired(p.idleFirst)
	m.dateExpiry(p)
}

// firstExpired is the expired container to stop first: longest idle, then lowest number; or none.
// Those that became idle at one instant expire one after the other, before any that did so later.
func (m *machine) firstExpired(p *pool) int32 {
	if p.expired == 0 {
		return none
	}
	for ci := m.lastOfTie(p.idleFirst); ci != none; ci = m.containers.At(ci).prev {
		if m.containers.At(ci).expired {
			return ci
		}
	}
	return none
}
