package model

import "github.com/simcap/simcap/sim"

// revert puts the file's settings in force.
func (m *machine) revert(p *pool) {
	f := p.set
	p.minContainers = f.MinContainers
	p.maxContainers = unlimited(f.MaxContainers)
	p.buffer = f.BufferContainers
	p.window = f.ScaledownWindow
	m.bound(p)
}

// bound follows a change of the settings that bound the fleet.
func (m *machine) bound(p *pool) {
	p.top = min(p.maxContainers, int(p.hardMax))
	p.fixed = -1
	if p.minContainers >= p.top && len(p.set.Deploys) == 0 {
		p.fixed = p.top
	}
	m.watchFleet(p)
}

// watchFleet notes whether events of the pool may ask for the autoscaler's decision at once.
func (m *machine) watchFleet(p *pool) {
	p.restless = p.live == 0 || m.everyEvent && p.live != p.fixed
}

// scheduleChanges dates the first of each of the function's updates and deploys.
func (m *machine) scheduleChanges(p *pool) {
	f := p.set
	for i := range f.Updates {
		m.changes = append(m.changes, change{pool: p.index, index: i, update: &f.Updates[i]})
		m.dateChange(int32(len(m.changes)-1), f.Updates[i].At)
	}
	for i := range f.Deploys {
		m.changes = append(m.changes, change{
			pool: p.index, index: len(f.Updates) + i, deploy: &f.Deploys[i]})
		m.dateChange(int32(len(m.changes)-1), f.Deploys[i].At)
	}
}

func (m *machine) dateChange(index int32, at sim.Time) {
	c := &m.changes[index]
	m.appoint(sim.Owner{Kind: ownChange, Index: index}, at,
		rank(classChange, uint64(c.pool), uint64(c.index)))
}

// changeDue makes an update or a deploy (rule 12).
func (m *machine) changeDue(index int32) {
	c := &m.changes[index]
	p := &m.pools[c.pool]
	if c.deploy != nil {
		m.deploy(p, c.deploy)
		m.settle(p)
		return
	}
	u := c.update
	if u.MinContainers != nil {
		p.minContainers = *u.MinContainers
	}
	if u.MaxContainers != nil {
		p.maxContainers = unlimited(*u.MaxContainers)
	}
	m.bound(p)
	if u.BufferContainers != nil {
		p.buffer = *u.BufferContainers
	}
	if u.ScaledownWindow != nil {
		p.window = *u.ScaledownWindow
		m.windowChanged(p)
		m.redateLapse(p)
	}
	if u.Every > 0 {
		m.dateChange(index, m.now+u.Every)
	}
	m.settle(p)
}

// redateLapse follows a change of the window: the hold of `active` follows its present value.
func (m *machine) redateLapse(p *pool) {
	if p.lapses && p.everFell {
		p.fellOrder = m.order()
		m.calendar.Set(m.poolSource(p, poolPaced), max(m.now, p.fellAt+p.window))
	}
}

// deploy puts a new version of the function in force: the file's settings, new containers.
func (m *machine) deploy(p *pool, d *Deploy) {
	window := p.window
	m.revert(p)
	p.version++
	p.versionBase = p.created
	if d.Strategy == "recreate" {
		m.recreate(p)
	} else {
		p.owed = p.live
		for p.owed > 0 && m.workspaceRoom(p) > 0 {
			p.owed--
			m.startReplacement(p)
		}
	}
	if p.window != window {
		m.windowChanged(p)
		m.redateLapse(p)
	}
}

// recreate stops all containers of older versions at once.
func (m *machine) recreate(p *pool) {
	var back []int32
	for ci := m.oldest(p); ci != p.end; {
		c := m.containers.At(ci)
		next := c.younger
		if c.version < p.version {
			switch {
			case c.items > 0:
				back = append(back, m.takeBack(p, ci)...)
			case c.state == ready:
				m.leaveIdle(p, ci, c)
			}
			m.stop(p, ci, "deploy")
		}
		ci = next
	}
	m.requeue(p, back)
}

// startReplacement starts a container of the new version that will stand in for an old one. Until it
// is ready it is not live: the autoscaler counts the old one.
func (m *machine) startReplacement(p *pool) {
	ci, c := m.newContainer(p)
	c.replacement = true
	p.book.startingUp(m, 1)
	m.start(p, ci, c)
}

// replaceOldest lets an old container drain for a replacement that is ready: one that still starts
// if there is one, else the one with the lowest number.
func (m *machine) replaceOldest(p *pool) {
	m.liveChanges(p, 1)
	old := none
	for ci := m.oldest(p); ci != p.end; ci = m.containers.At(ci).younger {
		c := m.containers.At(ci)
		if c.version == p.version || c.state == draining || c.replacement && c.state == starting {
			continue
		}
		if c.state == starting {
			m.stop(p, ci, "deploy")
			return
		}
		if old == none {
			old = ci
		}
	}
	if old != none {
		m.drain(p, old)
	}
}

// drain lets a container take no new input; it stops when empty.
func (m *machine) drain(p *pool, ci int32) {
	c := m.containers.At(ci)
	if c.items == 0 {
		m.leaveIdle(p, ci, c)
		m.stop(p, ci, "deploy")
		return
	}
	if p.open != none && m.inputs.At(p.open).item.on == ci {
		m.beginService(p, p.open)
		c = m.containers.At(ci)
	}
	c.state = draining
	p.busyLive--
	m.liveChanges(p, -1)
	p.book.draining.add(m.now, 1)
	if p.polls {
		m.disappoint(sim.Owner{Kind: ownPoll, Index: ci})
	}
	m.reroute(p, ci, c)
}
