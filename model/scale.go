package model

import (
	"math"

	"github.com/simcap/simcap/model/dist"
	"github.com/simcap/simcap/sim"
)

// ceilSlack keeps ⌈x⌉ from rounding up what is whole but for a rounding error (fine print of rule 7).
const ceilSlack = 1e-9

// desired is how many live containers the pool should have (rule 7).
func (m *machine) desired(p *pool) int {
	if p.minContainers >= p.top {
		return p.top // a fixed fleet
	}
	need := int(p.outstanding)
	if !p.onePer {
		need = int(math.Ceil(p.perContainer*float64(p.outstanding) - ceilSlack))
	}
	need = max(need, p.busyLive)
	if p.buffer > 0 && m.active(p) {
		need += p.buffer
	}
	return min(max(need, p.minContainers), p.top)
}

// active says whether the pool works, or did within its scaledown window.
func (m *machine) active(p *pool) bool {
	return p.outstanding > 0 || p.everFell && m.now-p.fellAt < p.window
}

// evaluate starts and stops containers so that as many live as are desired (rules 7 and 8).
func (m *machine) evaluate(p *pool) { m.scaleTo(p, m.desired(p)) }

// scaleTo is evaluate where so many are desired.
func (m *machine) scaleTo(p *pool, want int) {
	if p.live == want && p.owed == 0 {
		return
	}
	if missing := min(want-p.live, m.workspaceRoom(p)); missing > 0 {
		m.create(p, missing)
	}
	if many := min(p.live-want, p.starting); many > 0 && m.cfg.Platform.Autoscaler.CancelStarting {
		m.cancel(p, many)
	}
	for p.live > want && p.expired > 0 {
		ci := m.firstExpired(p)
		m.leaveIdle(p, ci, m.containers.At(ci))
		m.stop(p, ci, "scaledown")
	}
	for p.owed > 0 && m.workspaceRoom(p) > 0 {
		p.owed--
		m.startReplacement(p)
	}
}

// evaluateAll lets every pool use the capacity that a stop has freed, until none stops.
func (m *machine) evaluateAll() {
	for m.freed {
		m.freed = false
		for i := range m.pools {
			m.evaluate(&m.pools[i])
		}
	}
}

// tick is the autoscaler's regular evaluation.
func (m *machine) tick(p *pool) {
	m.calendar.Add(m.poolSource(p, poolPaced), m.now+m.cfg.Platform.Autoscaler.Interval)
	m.ticked(p)
}

// ticked is what a tick asks for.
func (m *machine) ticked(p *pool) {
	if m.arrivalsLeft == 0 {
		m.idled()
	}
	live, want := p.live, m.desired(p)
	if p.express != nil && p.owed == 0 && (live == want || live > want && p.starting == 0 && p.expired == 0) {
		return // nothing to start or stop, and nothing has changed that an express pool could settle
	}
	m.scaleTo(p, want)
	if p.express == nil || p.live != live {
		m.settle(p)
	}
}

// outstandingFalls counts n inputs that are no longer outstanding.
func (m *machine) outstandingFalls(p *pool, n int64) {
	p.outstanding -= n
	p.fellAt, p.everFell = m.now, true
	if !p.lapses {
		return
	}
	p.fellOrder = m.order()
	if source := m.poolSource(p, poolPaced); m.calendar.Date(source) == sim.Never {
		m.calendar.Set(source, m.now+p.window)
	}
}

// lapsed is the instant at which the pool is no longer active. The source is dated no later than that:
// it may come early, when outstanding fell again since.
func (m *machine) lapsed(p *pool) {
	source := m.poolSource(p, poolPaced)
	if due := p.fellAt + p.window; due > m.now {
		m.calendar.Set(source, due)
		return
	}
	m.progressed = m.now
	m.settle(p)
}

// everBuffers says whether the function has buffer containers, now or by an update.
func (f *Function) everBuffers() bool {
	for i := range f.Updates {
		if f.Updates[i].BufferContainers != nil {
			return true
		}
	}
	return f.BufferContainers > 0
}

// workspaceRoom is for how many more containers of the pool the workspace has room: none if not positive.
func (m *machine) workspaceRoom(p *pool) int {
	room := math.MaxInt
	if !m.capped {
		return room
	}
	caps := &m.cfg.Workspace
	if caps.MaxContainers != None {
		room = caps.MaxContainers - m.alive
	}
	if caps.MaxGPUs != None && p.gpus > 0 {
		room = min(room, (caps.MaxGPUs-m.gpus)/p.gpus)
	}
	return room
}

// newContainer takes a place for a container that is created now.
func (m *machine) newContainer(p *pool) (int32, *container) {
	ci := m.containers.New()
	c := m.containers.At(ci)
	heap := c.heap[:0]
	p.created++
	*c = container{} // in place: the value of a literal with fields would be made elsewhere and copied
	c.lane, c.pool, c.heap = p.express, p.index, heap
	c.number, c.version, c.born, c.created = p.created, p.version, m.order(), m.now
	c.readyAt, c.billedFrom, c.crashAt = sim.Never, sim.Never, sim.Never
	c.firstItem, c.lastItem = none, none
	if p.llm != nil {
		m.newEngine(p, c)
	}
	if !p.standing {
		m.newSeat(p, ci, c)
	}
	end := m.containers.At(p.end)
	c.older, c.younger = end.older, p.end
	m.containers.At(c.older).younger = ci
	end.older = ci
	m.alive++
	m.gpus += p.gpus
	for len(m.links) <= int(ci) {
		m.links = append(m.links, link{})
	}
	if int(ci) >= m.room {
		m.calendar.Grow(groupContainers, int(ci)+1)
		m.room = m.calendar.Room(groupContainers)
	}
	return ci, c
}

// fewestRoom is for how many containers the calendar has room at least.
const fewestRoom = 16

// makeSmaller lets the calendar have less room where most containers of a peak have stopped: what comes
// next is then found sooner.
func (m *machine) makeSmaller() {
	half := m.room / 2
	if half < fewestRoom || m.alive+len(m.pools) > half {
		return
	}
	for ci := half; ci < m.containers.Len(); ci++ {
		if m.containers.At(int32(ci)).state != stopped {
			return
		}
	}
	m.containers.Tidy()
	m.calendar.Shrink(groupContainers)
	m.room = m.calendar.Room(groupContainers)
}

// newSeat gives a container a seat in its pool.
func (m *machine) newSeat(p *pool, ci int32, c *container) {
	c.seat = p.seats.New()
	*p.seats.At(c.seat) = ci
	if x := p.express; x != nil {
		for len(x.members) < p.seats.Len()*int(p.batchMax) {
			x.members = append(x.members, member{})
			if x.heavy {
				x.held = append(x.held, luggage{})
			}
		}
	}
}

// createReady makes a container that is ready at once.
func (m *machine) createReady(p *pool) {
	ci, c := m.newContainer(p)
	m.liveChanges(p, 1)
	c.initial = true
	c.billedFrom = m.now
	m.becomeReady(p, ci, c)
}

// create starts n containers.
func (m *machine) create(p *pool, n int) {
	m.liveChanges(p, n)
	p.book.startingUp(m, n)
	p.starting += n
	for range n {
		ci, c := m.newContainer(p)
		end := m.containers.At(p.end)
		c.prev, c.next = end.prev, p.end
		m.containers.At(c.prev).next = ci
		end.prev = ci
		m.start(p, ci, c)
	}
}

// cancel stops the n containers that began to start last.
func (m *machine) cancel(p *pool, n int) {
	m.liveChanges(p, -n)
	p.book.starting.add(m.now, -int64(n))
	p.starting -= n
	end := m.containers.At(p.end)
	for range n {
		ci := end.prev
		c := m.containers.At(ci)
		end.prev = c.prev
		m.containers.At(c.prev).next = p.end
		m.calendar.Clear(containerSource(ci))
		m.gone(p, ci, c, "cancelled")
	}
}

// start draws the stages of a cold start and dates its end.
func (m *machine) start(p *pool, ci int32, c *container) {
	stages := p.stages
	if len(p.snapStages) > 0 && c.number-p.versionBase > int64(p.set.ColdStart.Snapshot.After) {
		stages = p.snapStages
		c.snapshot = true
	}
	at, first := m.now, 0
	if c.snapshot {
		first = len(p.stages)
	}
	draws := p.cold.Sub(uint64(c.number))
	for i := range stages {
		s := &stages[i]
		if s.billed && c.billedFrom == sim.Never {
			c.billedFrom = at
		}
		length := m.stageLength(s, draws, i)
		p.book.staged(m, first+i, length)
		at += length
	}
	c.billedFrom = min(c.billedFrom, at)
	if limit := m.now + p.set.StartupTimeout; at > limit {
		c.failing = true
		at = limit
	}
	m.calendar.Set(containerSource(ci), at)
}

// startEnds is the end of a container's start.
func (m *machine) startEnds(p *pool, ci int32, c *container) {
	if c.failing {
		m.stop(p, ci, "startup_timeout")
		return
	}
	m.leaveStarting(p, c)
	m.becomeReady(p, ci, c)
	if c.replacement {
		m.replaceOldest(p)
	}
}

// leaveStarting takes a container out of the list of starting ones. Replacements are not in it.
func (m *machine) leaveStarting(p *pool, c *container) {
	p.book.starting.add(m.now, -1)
	if c.replacement {
		return
	}
	p.starting--
	m.containers.At(c.prev).next = c.next
	m.containers.At(c.next).prev = c.prev
}

func (m *machine) becomeReady(p *pool, ci int32, c *container) {
	c.state = ready
	c.readyAt, c.lastFall = m.now, m.fall()
	p.book.readied(m, p, c)
	c.slots = p.slotsMax
	if p.polls {
		c.slots = p.target
		m.appoint(sim.Owner{Kind: ownPoll, Index: ci}, m.now+m.cfg.Platform.BurstPoll,
			rank(classPoll, uint64(p.index), uint64(c.number)))
	}
	m.dateCrash(p, c)
	if c.crashAt < sim.Never {
		m.calendar.Set(containerSource(ci), c.crashAt)
	}
	m.becomeIdle(p, ci, c)
	m.reroute(p, ci, c)
}

// poll is the concurrency poll of rule 4: slots above the target only while inputs are pending.
func (m *machine) poll(ci int32) {
	c := m.containers.At(ci)
	p := &m.pools[c.pool]
	m.idled()
	c.slots = p.target
	if p.queued > 0 {
		c.slots = p.slotsMax
	}
	m.appoint(sim.Owner{Kind: ownPoll, Index: ci}, m.now+m.cfg.Platform.BurstPoll,
		rank(classPoll, uint64(p.index), uint64(c.number)))
	m.reroute(p, ci, c)
	m.settle(p)
}

// becomesBusy and becomesFree count containers that hold an input.
func (m *machine) becomesBusy(p *pool, c *container) {
	c.busySince = m.now
	p.busyLive++
	p.book.busy.add(m.now, 1)
}

func (m *machine) becomesFree(p *pool, c *container) {
	c.busy += m.now - c.busySince
	if c.state != draining {
		p.busyLive--
	}
	p.book.busy.add(m.now, -1)
}

// stop ends a container that holds no input and is in no list of idle ones.
func (m *machine) stop(p *pool, ci int32, reason string) {
	c := m.containers.At(ci)
	switch c.state {
	case starting:
		m.leaveStarting(p, c)
	case draining:
		p.book.draining.add(m.now, -1)
	}
	if c.state != draining && !(c.state == starting && c.replacement) {
		m.liveChanges(p, -1)
	}
	if source := containerSource(ci); m.calendar.Date(source) < sim.Never {
		m.calendar.Clear(source)
	}
	m.gone(p, ci, c, reason)
}

// gone is the end of a container that no longer counts as anything and has no date.
func (m *machine) gone(p *pool, ci int32, c *container, reason string) {
	p.book.stopped(m, p, c)
	m.containerEnds(p, c, m.now, reason)
	c.state = stopped
	m.containers.At(c.older).younger = c.younger
	m.containers.At(c.younger).older = c.older
	if !p.standing {
		if !p.byList {
			p.routes.Out(c.seat)
		}
		p.seats.Free(c.seat)
	}
	if p.polls {
		m.disappoint(sim.Owner{Kind: ownPoll, Index: ci})
	}
	if p.llm != nil {
		p.llm.freeEngine(c)
	}
	if m.undated == ci {
		m.undated = none
	}
	m.containers.Free(ci)
	m.alive--
	m.gpus -= p.gpus
	m.freed = true
}

// newStages prepares cold-start stages for drawing.
func newStages(set []Stage) []stage {
	stages := make([]stage, len(set))
	for i := range set {
		d := newDrawn(set[i].Time, 0, sim.Stream{})
		stages[i] = stage{fixed: sim.Round(d.value), draw: d.draw, billed: set[i].Billed}
		if e, ok := d.draw.(dist.Exponential); ok {
			stages[i].mean = e.Average
		}
	}
	return stages
}

// stageLength is the stage's time for the container that the draws belong to.
func (m *machine) stageLength(s *stage, draws sim.Stream, i int) sim.Time {
	if s.draw == nil {
		return s.fixed
	}
	if s.mean > 0 { // without the detour by an interface, for which the luck has to be kept elsewhere
		luck := draws.At(uint64(i))
		return sim.Round(s.mean * dist.SampleExp(&luck))
	}
	m.luck = draws.At(uint64(i))
	return sim.Round(s.draw.Sample(&m.luck))
}

// neverStarts says whether fixed stages alone take longer than startup_timeout.
func (p *pool) neverStarts() bool {
	total := sim.Time(0)
	for i := range p.stages {
		total += p.stages[i].fixed
	}
	return len(p.stages) > 0 && total > p.set.StartupTimeout
}
