package model

import (
	"github.com/simcap/simcap/model/dist"
	"github.com/simcap/simcap/model/service"
	"github.com/simcap/simcap/sim"
)

// Most functions ask little of the rules that follow an input: one slot a container, plain or batched,
// single calls, no retries and failures, no patience. The inputs of such a pool take the express lane:
// no record of their own in the slab, but 24 bytes in a ring while they wait and a place at their
// container while it holds them; what few of them carry besides goes apart, as luggage. Containers,
// autoscaler, calendar and books are those of all pools, and the results are the same bytes as without
// the lane; what looks at inputs one by one (rows, the audit, transcripts) closes it.

// waiter is an input of an express pool in the queue.
type waiter struct {
	submitted sim.Time
	demand    sim.Time // alone, rounded
	caller    int32
}

// member is an input of an express pool that is assigned to a container.
type member struct {
	submitted, assigned sim.Time
	cold                sim.Time
	caller              int32
}

// luggage is what an input carries besides where demands have noise or batches have units, or where the
// overhead is drawn.
type luggage struct {
	demand   float64 // ns, before per_unit and noise
	size     float64
	overhead sim.Time
	number   int64 // of its call
}

// express is the lane of one pool.
type express struct {
	heavy      bool // inputs have luggage
	waiting    []luggage
	held       []luggage // by members
	queue      []waiter  // ring, a power of two long
	head, tail int
	members    []member   // batchMax for each seat
	batchTime  []sim.Time // B(n) rounded; nil: the largest of the inputs' own demands
	openOn     int32      // container of the batch that takes inputs, or none
	openOrder  uint64     // when it was opened, among all things
}

// takesExpress says whether the pool's inputs can take the express lane.
func (m *machine) takesExpress(p *pool) bool {
	f := p.set
	s := &f.Service
	switch {
	case m.observed || m.hooks.Rows.Input != nil:
		return false
	case !p.byList || f.SingleUse || len(f.Deploys) > 0:
		return false
	case f.Retries.Max != 0 || f.Failures != (Failures{}):
		return false
	case s.FirstInput != nil:
		return false
	}
	for i := range m.callers {
		w := &m.callers[i]
		if w.pool == p.index && (w.many || w.closed || w.impatient || !w.single || w.retry.Max != 0) {
			return false
		}
	}
	return true
}

// openExpress opens the lane of every pool that can have one.
func (m *machine) openExpress() {
	for i := range m.pools {
		p := &m.pools[i]
		if !m.takesExpress(p) {
			continue
		}
		x := &express{queue: make([]waiter, 64), openOn: none}
		p.express = x
		s := &p.set.Service
		_, fixed := dist.IsConstant(p.set.Overhead)
		x.heavy = s.NoiseCV > 0 || p.batchNS != nil && s.PerUnit != 0 || p.set.Overhead != nil && !fixed
		if x.heavy {
			x.waiting = make([]luggage, len(x.queue))
		}
		for _, ns := range p.batchNS {
			x.batchTime = append(x.batchTime, sim.Round(ns))
		}
	}
}

// expressArrival is an arrival of one call with one input (rule 3). The place that the arrival had in
// the open work goes to its input.
func (m *machine) expressArrival(p *pool, w *caller) {
	m.arrivalsLeft--
	m.submitted++
	w.calls++
	w.book.binArrived++
	if m.book.covers(m.now) {
		w.book.calls++
	}
	in := waiter{submitted: m.now, caller: w.index}
	var bag *luggage
	switch a := w.ahead; {
	case p.express.heavy:
		bag = m.expressPacks(w)
	case a != nil && a.demands:
		in.demand = a.demand[(a.used-1)%blockSize]
	default:
		in.demand = m.expressDemand(p, w)
	}
	if reason := m.expressSubmit(p, w, in, bag); reason != Completed {
		m.expressRejects(w, reason)
	}
	m.awaitArrival(w)
	m.expressSettle(p)
}

// expressSettle is settle after an event that has dispatched all it could.
func (m *machine) expressSettle(p *pool) {
	if ci := p.express.openOn; ci != none && p.set.Batched.Wait == 0 {
		m.expressBegins(p, ci, m.containers.At(ci))
	}
	m.rescale(p)
}

// expressDemand is the demand of the workload's present input alone, rounded once.
func (m *machine) expressDemand(p *pool, w *caller) sim.Time {
	ns := m.inTurn(&w.demand, uint64(w.calls))
	perUnit := p.set.Service.PerUnit
	size := m.inTurn(&w.size, uint64(w.calls))
	w.attributes(&size, &ns)
	return sim.Round(ns + perUnit*size)
}

// expressPacks draws the luggage of the workload's present input. It is good until the next one's.
func (m *machine) expressPacks(w *caller) *luggage {
	number := uint64(w.calls)
	bag := &m.bag
	bag.number = w.calls
	bag.demand = m.inTurn(&w.demand, number)
	bag.size = m.inTurn(&w.size, number)
	bag.overhead = sim.Round(m.inTurn(&w.extra, number))
	if w.ahead == nil {
		w.attributes(&bag.size, &bag.demand)
	}
	return bag
}

// expressSubmit admits the input, or says why not.
func (m *machine) expressSubmit(p *pool, w *caller, in waiter, bag *luggage) Outcome {
	if b := m.bucketOf(w); b != nil {
		if !b.has(m.now) {
			return RateLimit
		}
		b.take()
	}
	if p.queued == 0 {
		if ci := p.expressSlot(m); ci != none {
			p.outstanding++
			m.expressAssign(p, w, ci, m.containers.At(ci), &in, bag)
			return Completed
		}
	}
	if reason := m.overLimit(p, w); reason != Completed {
		return reason
	}
	p.outstanding++
	p.queuedNow = true
	m.queueCount(p, w, 1)
	x := p.express
	if x.tail-x.head == len(x.queue) {
		x.widen()
	}
	at := x.tail & (len(x.queue) - 1)
	x.queue[at] = in
	if x.heavy {
		x.waiting[at] = *bag
	}
	x.tail++
	return Completed
}

// widen doubles the rings.
func (x *express) widen() {
	x.queue = twice(x.queue, x.head, x.tail)
	if x.heavy {
		x.waiting = twice(x.waiting, x.head, x.tail)
	}
}

// twice is a ring of twice the length with the same contents.
func twice[T any](ring []T, head, tail int) []T {
	wider := make([]T, 2*len(ring))
	for i := head; i < tail; i++ {
		wider[i&(len(wider)-1)] = ring[i&(len(ring)-1)]
	}
	return wider
}

// expressRejects books an input that is lost.
func (m *machine) expressRejects(w *caller, reason Outcome) {
	m.finished++
	m.openWork--
	w.book.binRejected++
	if m.book.covers(m.now) {
		w.book.outcomes[reason]++
		w.book.makespans.Record(0)
	}
}

// expressSlot is slot for an express pool.
func (p *pool) expressSlot(m *machine) int32 {
	if open := p.express.openOn; open != none {
		return open
	}
	if p.recent {
		return p.idleLast
	}
	return m.lastOfTie(p.idleFirst)
}

// expressDispatch is dispatch for an express pool.
func (m *machine) expressDispatch(p *pool) {
	for p.queued > 0 {
		ci := p.expressSlot(m)
		if ci == none {
			return
		}
		m.expressNext(p, ci, m.containers.At(ci))
	}
}

// expressNext gives the head of the queue to the container.
func (m *machine) expressNext(p *pool, ci int32, c *container) {
	x := p.express
	at := x.head & (len(x.queue) - 1)
	x.head++
	in := &x.queue[at]
	var bag *luggage
	if x.heavy {
		bag = &x.waiting[at]
	}
	w := &m.callers[in.caller]
	m.queueCount(p, w, -1)
	m.expressAssign(p, w, ci, c, in, bag)
}

// expressAssign gives an input to the container of the open batch, or to one with a free slot.
func (m *machine) expressAssign(p *pool, w *caller, ci int32, c *container, in *waiter, bag *luggage) {
	if !w.async {
		p.assignedSync++
	}
	if c.idle {
		m.leaveIdle(p, ci, c)
		m.becomesBusy(p, c)
	}
	x := p.express
	place := c.seat*p.batchMax + c.count
	at := &x.members[place]
	at.submitted, at.assigned, at.caller, at.cold = in.submitted, m.now, in.caller, 0
	if m.now > in.submitted {
		at.cold = max(0, min(m.now, c.readyAt)-max(in.submitted, c.created))
	}
	if x.heavy {
		x.held[place] = *bag
	}
	c.inputs++
	c.demand = max(c.demand, in.demand)
	c.count++
	if c.count == p.batchMax {
		m.expressBegins(p, ci, c)
		return
	}
	if c.count == 1 {
		m.expressOpens(p, ci, c)
	}
}

// expressOpens opens a batch on the container.
func (m *machine) expressOpens(p *pool, ci int32, c *container) {
	c.items = 1
	x := p.express
	x.openOn, x.openOrder = ci, m.order()
	if wait := p.set.Batched.Wait; wait > 0 {
		if source := poolSource(p.index, poolBatchWait); m.calendar.Date(source) == sim.Never {
			m.calendar.Set(source, m.now+wait)
		}
	}
}

// expressBegins begins the service of what the container holds.
func (m *machine) expressBegins(p *pool, ci int32, c *container) {
	x := p.express
	x.openOn = none
	switch {
	case x.heavy:
		c.demand = m.expressHeavy(p, c)
	case x.batchTime != nil:
		c.demand = x.batchTime[c.count]
	}
	c.items, c.active = 1, 1
	c.order = m.order()
	c.started = m.now
	c.ends = m.now + min(c.demand, p.set.Timeout)
	p.book.began(m, c.count)
	m.calendar.Set(containerSource(ci), c.ends)
}

// expressHeavy is demandOf where inputs have luggage.
func (m *machine) expressHeavy(p *pool, c *container) sim.Time {
	s := &p.set.Service
	first := c.seat * p.batchMax
	bags := p.express.held[first : first+c.count]
	ns, units := bags[0].demand+s.PerUnit*bags[0].size, bags[0].size
	for i := range bags[1:] {
		bag := &bags[1+i]
		ns = max(ns, bag.demand+s.PerUnit*bag.size)
		if p.units == service.Max {
			units = max(units, bag.size)
		} else {
			units += bag.size
		}
	}
	if p.batchNS != nil {
		ns = p.batchNS[c.count]
		if s.PerUnit != 0 {
			ns += s.PerUnit * units
		}
	}
	if s.NoiseCV > 0 {
		w := &m.callers[p.express.members[first].caller]
		m.luck = w.noise.Sub(0).At(uint64(bags[0].number))
		ns *= service.Noise(s.NoiseCV, &m.luck)
	}
	return sim.Round(ns)
}

// expressWaited is the end of an open batch's wait.
func (m *machine) expressWaited(p *pool) {
	source := poolSource(p.index, poolBatchWait)
	ci := p.express.openOn
	if ci == none {
		return
	}
	c := m.containers.At(ci)
	if due := p.express.members[c.seat*p.batchMax].assigned + p.set.Batched.Wait; due > m.now {
		m.calendar.Set(source, due)
		return
	}
	m.progressed = m.now
	m.expressBegins(p, ci, c)
	m.settle(p)
}

// expressDue is the end of service on the container, or of the time that it may take.
func (m *machine) expressDue(p *pool, ci int32, c *container) {
	outcome, served := Completed, c.demand
	if c.demand > p.set.Timeout {
		outcome, served = TimedOut, m.now-c.started
	}
	first := c.seat * p.batchMax
	members := p.express.members[first : first+c.count]
	for i := range members {
		overhead := m.callers[members[i].caller].overhead
		if p.express.heavy {
			overhead = p.express.held[int(first)+i].overhead
		}
		m.expressLeaves(p, &members[i], c.started, served, overhead, outcome)
	}
	n := int64(c.count)
	m.finished += n
	m.openWork -= n
	m.outstandingFalls(p, n)
	c.items, c.active, c.count, c.demand = 0, 0, 0, 0
	c.lastFall = m.now
	switch {
	case outcome == TimedOut && p.set.TimeoutKills:
		m.becomesFree(p, c)
		m.stop(p, ci, "timeout")
	case p.queued == 0:
		m.becomesFree(p, c)
		m.becomeIdle(p, ci, c)
		if p.lapses {
			p.fellOrder = m.order() // the lapse comes after the expiry, as after complete
		}
	default:
		for p.queued > 0 && c.count < p.batchMax && c.active == 0 {
			m.expressNext(p, ci, c)
		}
	}
	m.expressSettle(p)
}

// expressLeaves books an input that ends.
func (m *machine) expressLeaves(p *pool, in *member, started, served, overhead sim.Time, outcome Outcome) {
	w := &m.callers[in.caller]
	if !w.async {
		p.assignedSync--
	}
	if !m.book.covers(in.submitted) {
		return
	}
	b := &w.book
	b.outcomes[outcome]++
	if in.cold > 0 {
		b.coldStarted++
	}
	if outcome != Completed {
		b.makespans.Record(int64(m.now - in.submitted))
		return
	}
	at := b.count(int64(m.now - in.submitted + overhead))
	at.inputs++
	at.parts[Cold] += int64(in.cold)
	at.parts[Queue] += int64(in.assigned - in.submitted - in.cold)
	at.parts[BatchWait] += int64(started - in.assigned)
	at.parts[Served] += int64(served)
	if !b.plain {
		at.parts[Overhead] += int64(overhead)
		b.makespans.Record(int64(m.now - in.submitted))
	}
}
