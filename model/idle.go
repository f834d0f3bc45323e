package model

import "github.com/simcap/simcap/sim"

// The idle containers of a pool form a list by the instant at which they became idle; those of one
// instant stand by falling number, so that the last of the list is what `most_recent` routing wants.
// All wait for one window, so they also expire in the order of the list: no timer each, one source of
// the calendar for the first that has not expired. The list is a ring that is closed by a place of the
// slab without a container, so that no end of it is a special case: how many containers are idle is
// as good as random, and a processor guesses such cases wrong.

// link is a container's place in the list. Links lie apart from the containers, close together.
type link struct{ next, prev int32 }

// newIdle makes the empty lists of the pool.
func (m *machine) newIdle(p *pool) {
	p.end = m.containers.New()
	*m.containers.At(p.end) = container{pool: p.index, state: stopped, idleSince: -1, readyAt: sim.Never,
		next: p.end, prev: p.end, older: p.end, younger: p.end}
	m.links = append(m.links, link{p.end, p.end})
	p.tieFront, p.idledAt = p.end, -1
}

// firstIdle and lastIdle are the ends of the list; p.end, which is no container, if it is empty.
func (m *machine) firstIdle(p *pool) int32 { return m.links[p.end].next }
func (m *machine) lastIdle(p *pool) int32  { return m.links[p.end].prev }

// oldest is the live or draining container with the lowest number; p.end if there is none. The list of
// these and that of starting ones are closed as that of idle ones is.
func (m *machine) oldest(p *pool) int32 { return m.containers.At(p.end).younger }

// becomeIdle puts a ready container without inputs at the end of the list.
func (m *machine) becomeIdle(p *pool, ci int32, c *container) {
	now, order := m.now, m.order()
	c.idle, c.expired, c.idleSince, c.idleOrder = true, false, now, order
	end := &m.links[p.end]
	after, next := end.prev, p.end
	if p.idledAt == now { // others of the list may have become so at this instant
		after = m.idlePlace(p, c)
		next = m.links[after].next
		m.links[next].prev = ci
		if m.containers.At(after).idleSince != now {
			p.tieFront, p.tieOrder = ci, order
		}
	} else {
		end.prev = ci
		p.idledAt, p.tieFront, p.tieOrder = now, ci, order
	}
	m.links[ci] = link{next, after}
	m.links[after].next = ci
	if p.expired > 0 {
		u := m.containers.At(p.unexpired)
		if p.unexpired == p.end || u.idleSince == m.now && u.number < c.number {
			p.unexpired = ci
		}
	}
	if !p.expiryDated {
		p.expiryDated = true
		m.calendar.Set(m.poolSource(p, poolIdle), m.now+p.window)
	}
}

// idlePlace is the place of the list after which c belongs, where others became idle at this instant.
func (m *machine) idlePlace(p *pool, c *container) int32 {
	if front := m.containers.At(p.tieFront); front.idle && front.idleOrder == p.tieOrder &&
		front.idleSince == m.now && front.number < c.number {
		return m.links[p.tieFront].prev
	}
	after := m.lastIdle(p)
	for {
		a := m.containers.At(after)
		if a.idleSince != m.now || a.number > c.number {
			return after
		}
		after = m.links[after].prev
	}
}

// leaveIdle takes a container out of the list.
func (m *machine) leaveIdle(p *pool, ci int32, c *container) {
	l := m.links[ci]
	m.links[l.prev].next = l.next
	m.links[l.next].prev = l.prev
	if l.next != p.end && p.tieFront == ci {
		if next := m.containers.At(l.next); next.idleSince == c.idleSince {
			p.tieFront, p.tieOrder = l.next, next.idleOrder
		}
	}
	if p.expired > 0 {
		m.leavesExpired(p, ci, c, l.next)
	}
	c.idle = false
}

// leavesExpired counts a container that leaves a list in which some have expired.
func (m *machine) leavesExpired(p *pool, ci int32, c *container, next int32) {
	if p.unexpired == ci {
		p.unexpired = m.firstUnexpired(p, next)
	}
	if c.expired {
		p.expired--
	}
}

// firstUnexpired is the first container that has not expired, from the given one of the list on.
func (m *machine) firstUnexpired(p *pool, ci int32) int32 {
	for ci != p.end && m.containers.At(ci).expired {
		ci = m.links[ci].next
	}
	return ci
}

// lastOfTie is the last container of the list that became idle when the given one did: of these, the
// one with the lowest number.
func (m *machine) lastOfTie(ci int32) int32 {
	since := m.containers.At(ci).idleSince
	for {
		next := m.links[ci].next
		if next == ci || m.containers.At(next).idleSince != since {
			return ci
		}
		ci = next
	}
}

// firstUnexpiredOf is the first container of the pool's list that has not expired; p.end if there is none.
func (m *machine) firstUnexpiredOf(p *pool) int32 {
	if p.expired > 0 {
		return p.unexpired
	}
	return m.firstIdle(p)
}

// nextToExpire is the container that expires next: of those that became idle first and have not
// expired, the one that did so earliest in order; p.end if there is none.
func (m *machine) nextToExpire(p *pool) int32 {
	best := m.firstUnexpiredOf(p)
	since := m.containers.At(best).idleSince
	for ci := m.links[best].next; ci != p.end; ci = m.links[ci].next {
		c := m.containers.At(ci)
		if c.idleSince != since {
			break
		}
		if !c.expired && c.idleOrder < m.containers.At(best).idleOrder {
			best = ci
		}
	}
	return best
}

func (m *machine) nextExpiryOrder(p *pool) uint64 {
	return m.containers.At(m.nextToExpire(p)).idleOrder // 0 of the end of the list
}

// idleDue is the expiry of an idle container (rule 8). The source is dated no later than the next
// expiry: it may come early, when the container that it was dated for has been used since.
func (m *machine) idleDue(p *pool) {
	ci := m.firstUnexpiredOf(p)
	if ci == p.end {
		p.expiryDated = false
		return
	}
	if due := m.containers.At(ci).idleSince + p.window; due > m.now {
		m.calendar.Add(m.poolSource(p, poolIdle), due)
		return
	}
	ci = m.nextToExpire(p)
	c := m.containers.At(ci)
	m.progressed = m.now
	if p.live > m.desired(p) {
		m.leaveIdle(p, ci, c)
		m.stop(p, ci, "scaledown")
	} else {
		c.expired = true
		if p.expired++; p.expired == 1 {
			p.unexpired = m.firstIdle(p)
		}
		p.unexpired = m.firstUnexpired(p, p.unexpired)
	}
	m.dateExpiry(p)
	if p.queued > 0 || m.everyEvent || m.capped {
		m.settle(p)
	}
}

// dateExpiry dates the pool's next expiry, at once if it is past.
func (m *machine) dateExpiry(p *pool) {
	first := m.firstUnexpiredOf(p)
	p.expiryDated = first != p.end
	if p.expiryDated {
		at := max(m.now, m.containers.At(first).idleSince+p.window)
		m.calendar.Set(m.poolSource(p, poolIdle), at)
	}
}

// windowChanged re-dates all expiries after the window was updated: an expired container is unexpired
// if the new window has not passed.
func (m *machine) windowChanged(p *pool) {
	for ci := m.firstIdle(p); ci != p.end; {
		c := m.containers.At(ci)
		if c.expired && c.idleSince+p.window > m.now {
			c.expired = false
			p.expired--
		}
		ci = m.links[ci].next
	}
	p.unexpired = m.firstUnexpired(p, m.firstIdle(p))
	m.calendar.Clear(m.poolSource(p, poolIdle))
	m.dateExpiry(p)
}

// firstExpired is the expired container to stop first: longest idle, then lowest number. There is one.
// Those that became idle at one instant expire one after the other, before any that did so later.
func (m *machine) firstExpired(p *pool) int32 {
	ci := m.lastOfTie(m.firstIdle(p))
	for !m.containers.At(ci).expired {
		ci = m.links[ci].prev
	}
	return ci
}
