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
	caller              int32
}

// cold is what the input has waited for the start of its container, which was not ready when it came.
func (in member) cold(c *container) sim.Time {
	return max(0, min(in.assigned, c.readyAt)-max(in.submitted, c.created))
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
	pool       *pool
	quick      bool    // see quick.go
	callers    int     // workloads
	sole       *caller // the workload of all inputs, or nil if there are several
	heavy      bool    // inputs have luggage
	limited    bool    // how many may be pending is limited
	waiting    []luggage
	held       []luggage // by members
	queue      []waiter  // ring, a power of two long
	head, tail int
	members    []member // batchMax for each seat
	timeout    sim.Time
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
	case s.FirstInput != nil || s.LLM != nil:
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
		x := &express{pool: p, queue: make([]waiter, 64), openOn: none, timeout: p.set.Timeout}
		p.express = x
		limits := &m.cfg.Platform.Limits
		x.limited = limits.PendingSync != None || limits.PendingAsync != None || limits.TotalSync != None
		s := &p.set.Service
		_, fixed := dist.IsConstant(p.set.Overhead)
		x.heavy = s.NoiseCV > 0 || p.batchNS != nil && s.PerUnit != 0 || p.set.Overhead != nil && !fixed
		if x.heavy {
			x.waiting = make([]luggage, len(x.queue))
		}
		for _, ns := range p.batchNS {
			x.batchTime = append(x.batchTime, sim.Round(ns))
		}
		if x.quick = x.takesQuick(); x.quick {
			p.standing = true
			x.members = make([]member, 1) // what a container serves, it holds itself
		}
	}
	for i := range m.callers {
		w := &m.callers[i]
		w.express = m.pools[w.pool].express
		if x := w.express; x != nil {
			w.book.makeBands()
			x.callers++
			x.sole = nil
			if x.callers == 1 {
				x.sole = w
			}
		}
	}
}

// expressArrivals are arrivals of the workload and all that containers and timers do between them, until
// something else comes. Meanwhile the calendar does not have the next arrival.
func (m *machine) expressArrivals(w *caller, x *express) {
	p, a := x.pool, w.ahead
	until := m.until()
	for {
		switch {
		case w.quick && x.openOn != none:
			until = min(until, m.quickJoins(w, x, until))
		default:
			m.expressArrival(w, x)
			until = 0
		}
		if p.restless || x.openOn != none && p.set.Batched.Wait == 0 {
			m.expressSettle(x)
			until = 0
		}
		if a == nil || a.used == a.of {
			m.arrivalsLeft--
			m.progressed = m.now
			m.awaitArrival(w)
			return
		}
		arrival := a.at[a.used%blockSize]
		a.used++
		m.openWork++
		if arrival >= until {
			if arrival >= m.book.mark || !m.expressUpTo(arrival) {
				m.calendar.Set(arrivalSource(w.index), arrival)
				return
			}
			until = m.until()
		}
		m.now = arrival
	}
}

// until is the instant up to which nothing but arrivals of an express lane comes, and no bin ends, as far
// as that is known without a search.
func (m *machine) until() sim.Time { return min(m.calendar.Earliest(), m.book.mark) }

// expressUpTo does what containers and timers do before the next arrival, and says whether that comes
// next.
func (m *machine) expressUpTo(arrival sim.Time) bool {
	for !m.rare {
		key, ok := m.calendar.Key(arrival)
		if !ok {
			return false
		}
		if _, ok := m.calendar.LastBefore(m.calendar.Limit(key)); ok {
			ci, at, ok := m.calendar.NextOf(groupContainers)
			if !ok {
				return false
			}
			m.now = at
			m.containerDue(ci, m.containers.At(ci))
			continue
		}
		if m.calendar.Earlier(key) {
			return true
		}
		if !m.timerBefore(key) {
			return false
		}
	}
	return false
}

// timerBefore does what a timer asks for, if one comes before the arrival with the key and all else.
func (m *machine) timerBefore(key uint64) bool {
	if !m.calendar.FirstEarlier(key) {
		return false
	}
	if p := int(m.calendar.First(groupTimers)) - m.firstTick; p >= 0 {
		at, ok := m.calendar.Postpone(groupTimers, m.cfg.Platform.Autoscaler.Interval)
		if ok {
			m.now = at
			m.ticked(&m.pools[p])
		}
		return ok
	}
	timer, at, ok := m.calendar.NextOf(groupTimers)
	if !ok {
		return false
	}
	m.now = at
	m.timer(timer)
	return true
}

// expressArrival is an arrival of one call with one input (rule 3). The place that the arrival had in
// the open work goes to its input.
func (m *machine) expressArrival(w *caller, x *express) {
	p := x.pool
	w.calls++
	in := waiter{submitted: m.now, caller: w.index}
	a := w.ahead
	var bag *luggage
	switch {
	case x.heavy:
		bag = m.expressPacks(w)
	case a != nil && a.demands:
		in.demand = a.demand[(a.used-1)%blockSize]
	default:
		in.demand = m.expressDemand(p, w)
	}
	reason := Completed
	if b := w.bucket; b != nil {
		if b.has(m.now) {
			b.take()
		} else {
			reason = RateLimit
		}
	}
	ci := none
	if p.queued == 0 {
		ci = x.slot(m)
	}
	switch {
	case reason != Completed:
		m.expressRejects(w, reason)
	case ci != none:
		p.outstanding++
		m.expressAssign(x, w, ci, m.containers.At(ci), &in, bag)
	default:
		m.expressQueues(x, w, &in, bag)
	}
}

// expressSettle is settle after an event that has dispatched all it could.
func (m *machine) expressSettle(x *express) {
	if ci := x.openOn; ci != none && x.pool.set.Batched.Wait == 0 {
		m.expressBegins(x, ci, m.containers.At(ci))
	}
	m.rescale(x.pool)
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

// expressQueues puts the input at the tail of the queue, if the limits allow.
func (m *machine) expressQueues(x *express, w *caller, in *waiter, bag *luggage) {
	at := m.expressTail(x, w)
	if at < 0 {
		return
	}
	x.queue[at] = *in
	if x.heavy {
		x.waiting[at] = *bag
	}
}

// expressTail makes a place at the tail of the queue for an input of the workload, or rejects the input and
// yields a negative number.
func (m *machine) expressTail(x *express, w *caller) int {
	p := x.pool
	if x.limited {
		if reason := m.overLimit(p, w); reason != Completed {
			m.expressRejects(w, reason)
			return -1
		}
	}
	p.outstanding++
	p.queuedNow = p.live == 0 // nothing else can ask for the autoscaler's decision at once
	m.queueCount(p, w, 1)
	if x.tail-x.head == len(x.queue) {
		x.widen()
	}
	at := x.tail & (len(x.queue) - 1)
	x.tail++
	return at
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

// slot is the container that the next input goes to, or none.
func (x *express) slot(m *machine) int32 {
	if x.openOn != none {
		return x.openOn
	}
	return m.fromIdle(x.pool)
}

// expressDispatch is dispatch for an express pool.
func (m *machine) expressDispatch(x *express) {
	for x.pool.queued > 0 {
		ci := x.slot(m)
		if ci == none {
			return
		}
		m.expressNext(x, ci, m.containers.At(ci))
	}
}

// expressNext gives the head of the queue to the container.
func (m *machine) expressNext(x *express, ci int32, c *container) {
	at := x.head & (len(x.queue) - 1)
	x.head++
	in := &x.queue[at]
	var bag *luggage
	if x.heavy {
		bag = &x.waiting[at]
	}
	w := &m.callers[in.caller]
	m.queueCount(x.pool, w, -1)
	m.expressAssign(x, w, ci, c, in, bag)
}

// expressAssign gives an input to the container of the open batch, or to one with a free slot.
func (m *machine) expressAssign(x *express, w *caller, ci int32, c *container, in *waiter, bag *luggage) {
	p := x.pool
	p.assignedSync += w.sync
	if c.idle {
		m.leaveIdle(p, ci, c)
		m.becomesBusy(p, c)
	}
	place := c.seat*p.batchMax + c.count
	at := &x.members[place]
	at.submitted, at.assigned, at.caller = in.submitted, m.now, in.caller
	if x.heavy {
		x.held[place] = *bag
	}
	c.inputs++
	c.submitted, c.caller = in.submitted, in.caller
	c.demand = max(c.demand, in.demand)
	if c.count++; c.count == p.batchMax {
		m.expressBegins(x, ci, c)
		return
	}
	if c.count == 1 {
		m.expressOpens(x, ci, c)
	}
}

// expressOpens opens a batch on the container.
func (m *machine) expressOpens(x *express, ci int32, c *container) {
	c.items = 1
	x.openOn, x.openOrder = ci, m.order()
	p := x.pool
	if wait := p.set.Batched.Wait; wait > 0 {
		if source := m.poolSource(p, poolBatchWait); m.calendar.Date(source) == sim.Never {
			m.calendar.Set(source, m.now+wait)
		}
	}
}

// expressBegins begins the service of what the container holds, and says when it ends.
func (m *machine) expressBegins(x *express, ci int32, c *container) (ends sim.Time) {
	x.openOn = none
	switch {
	case x.heavy:
		c.demand = m.expressHeavy(x.pool, c)
	case x.batchTime != nil:
		c.demand = x.batchTime[c.count]
	}
	c.items, c.active = 1, 1
	c.order = m.order()
	c.started = m.now
	if m.book.covered(m.now) {
		x.pool.book.batchSizes[c.count-1]++
	}
	ends = m.now + min(c.demand, x.timeout)
	m.calendar.Set(containerSource(ci), ends)
	return ends
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
func (m *machine) expressWaited(x *express) {
	ci := x.openOn
	if ci == none {
		return
	}
	p := x.pool
	c := m.containers.At(ci)
	if due := x.members[c.seat*p.batchMax].assigned + p.set.Batched.Wait; due > m.now {
		m.calendar.Set(m.poolSource(p, poolBatchWait), due)
		return
	}
	m.progressed = m.now
	m.expressBegins(x, ci, c)
	m.settle(p)
}

// expressDue is the end of service on the container, or of the time that it may take.
func (m *machine) expressDue(x *express, ci int32, c *container) {
	p := x.pool
	m.expressLeave(x, c)
	n := int64(c.count)
	m.finished += n
	m.openWork -= n
	m.outstandingFalls(p, n)
	killed := c.demand > x.timeout && p.set.TimeoutKills
	c.items, c.active, c.count, c.demand = 0, 0, 0, 0
	switch {
	case killed:
		m.becomesFree(p, c)
		m.stop(p, ci, "timeout")
		m.expressSettle(x)
		return
	case p.queued == 0:
		m.becomesFree(p, c)
		m.becomeIdle(p, ci, c)
		if p.lapses {
			p.fellOrder = m.order() // the lapse comes after the expiry, as after complete
		}
	default:
		for p.queued > 0 && c.count < p.batchMax && c.active == 0 {
			m.expressNext(x, ci, c)
		}
	}
	if p.restless || x.openOn != none && p.set.Batched.Wait == 0 {
		m.expressSettle(x)
	}
}

// expressLeave books the inputs of a container that end together.
func (m *machine) expressLeave(x *express, c *container) {
	first := c.seat * x.pool.batchMax
	members := x.members[first : first+c.count]
	if c.demand > x.timeout {
		m.expressTimeOut(x, c, members)
		return
	}
	if x.sole != nil && !x.heavy {
		x.pool.assignedSync -= int64(len(members)) * x.sole.sync
		m.quickBooks(x.sole, c, members)
		return
	}
	now, started, from, to := m.now, c.started, m.book.from, m.book.to
	for i := range members {
		in := &members[i]
		w := &m.callers[in.caller]
		x.pool.assignedSync -= w.sync
		if in.submitted < from || in.submitted >= to {
			continue
		}
		overhead := w.overhead
		if x.heavy {
			overhead = x.held[int(first)+i].overhead
		}
		b := &w.book
		at := b.count(int64(now - in.submitted + overhead))
		at.parts[Queue] += int64(in.assigned - in.submitted)
		at.parts[BatchWait] += int64(started - in.assigned)
		at.parts[Served] += int64(now - started)
		if in.submitted < c.readyAt {
			b.waitedForStart(at, in.cold(c))
		}
		if !b.plain {
			at.parts[Overhead] += int64(overhead)
			b.makespans.Record(int64(now - in.submitted))
		}
	}
}

// expressTimeOut books the inputs of a container that have taken longer than they may.
func (m *machine) expressTimeOut(x *express, c *container, members []member) {
	for i := range members {
		in := &members[i]
		w := &m.callers[in.caller]
		x.pool.assignedSync -= w.sync
		if !m.book.covers(in.submitted) {
			continue
		}
		if in.submitted < c.readyAt && in.cold(c) > 0 {
			w.book.coldStarted++
		}
		w.book.outcomes[TimedOut]++
		w.book.makespans.Record(int64(m.now - in.submitted))
	}
}
