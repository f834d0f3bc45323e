package model

import (
	"fmt"
	"math"

	"github.com/simcap/simcap/model/service"
	"github.com/simcap/simcap/sim"
)

// beginService starts an item: the open batch, full or waited for, or a single input (rules 5 and 6).
func (m *machine) beginService(p *pool, lead int32) {
	p.open = none
	in := m.inputs.At(lead)
	it := &in.item
	c := m.containers.At(it.on)
	it.order = m.order()
	it.begun = true
	it.demand = m.demandOf(p, in, c)
	c.served = true
	p.book.began(m, it.count)
	if it.count == 1 {
		m.begins(in, 1)
	} else {
		for i := lead; i != none; {
			member := m.inputs.At(i)
			m.begins(member, it.count)
			i = member.next
		}
	}
	if p.sharing {
		m.share(p, c)
		c.active++
		it.tag = c.attained.plus(float64(it.demand))
	} else {
		c.active++
		it.expires = it.demand > p.set.Timeout
		it.ends = m.now + min(it.demand, p.set.Timeout)
	}
	m.joinService(p, c, lead, it)
	m.dateContainer(p, it.on, c)
}

// begins notes that an input begins service with its item.
func (m *machine) begins(in *input, count int32) {
	in.state = running
	in.started = m.now
	in.batchSize = count
	in.attempts = in.retries + 1
	in.parts[BatchWait] += m.now - in.since
	in.since = m.now
}

// demandOf is the demand of the lead's item, rounded once (rule 6).
func (m *machine) demandOf(p *pool, lead *input, c *container) sim.Time {
	s := &p.set.Service
	var ns float64
	switch {
	case s.FirstInput != nil && !c.served:
		ns = m.at(&p.firstDemand, uint64(c.number))
	case p.batchNS != nil:
		ns = p.batchNS[lead.item.count]
		if s.PerUnit != 0 {
			ns += s.PerUnit * m.unitsOf(p, lead)
		}
	default:
		ns = lead.demand + s.PerUnit*lead.size
		for i := lead.next; i != none; {
			in := m.inputs.At(i)
			ns = max(ns, in.demand+s.PerUnit*in.size)
			i = in.next
		}
	}
	if s.NoiseCV > 0 {
		w := &m.callers[lead.workload]
		m.luck = luckOf(w.noise.Sub(uint64(lead.retries)), lead.number, lead.place, w.many)
		ns *= service.Noise(s.NoiseCV, &m.luck)
	}
	return sim.Round(ns)
}

// unitsOf combines the sizes of a batch.
func (m *machine) unitsOf(p *pool, lead *input) float64 {
	units := lead.size
	for i := lead.next; i != none; {
		in := m.inputs.At(i)
		if p.units == service.Max {
			units = max(units, in.size)
		} else {
			units += in.size
		}
		i = in.next
	}
	return units
}

// containerDue is what the container's date stands for: the end of its start, the end of an item's
// service or time, or a crash.
func (m *machine) containerDue(ci int32, c *container) {
	if x := c.lane; x != nil && c.active > 0 {
		if x.quick {
			m.quickDue(x, ci, c)
		} else {
			m.expressDue(x, ci, c)
		}
		return
	}
	p := &m.pools[c.pool]
	if c.state == starting {
		m.startEnds(p, ci, c)
		m.settle(p)
		return
	}
	m.itemDue(p, ci, c)
}

// itemDue is the end of an item's service or time on the container, or its crash.
func (m *machine) itemDue(p *pool, ci int32, c *container) {
	m.workTo(p, c)
	lead, timedOut := m.dueItem(p, c, m.now)
	switch {
	case lead == none:
		m.crashes(p, ci, c)
	case timedOut:
		m.timeOut(p, lead)
	case p.alone && c.state == ready:
		m.completeAlone(p, ci, c, lead)
	default:
		m.complete(p, lead)
	}
	m.settle(p)
}

// containerRank ranks what the container's date stands for.
func (m *machine) containerRank(ci int32) sim.Rank {
	c := m.containers.At(ci)
	if c.state == starting {
		return rank(classReady, 0, c.born)
	}
	p := &m.pools[c.pool]
	if p.express != nil {
		if c.demand > p.set.Timeout {
			return rank(classTimeout, 0, c.order)
		}
		return rank(classCompletion, 0, c.order)
	}
	lead, timedOut := m.dueItem(p, c, m.calendar.Date(containerSource(ci)))
	switch {
	case lead == none:
		return rank(classCrash, 0, c.born)
	case timedOut:
		return rank(classTimeout, 0, m.inputs.At(lead).item.order)
	default:
		return rank(classCompletion, 0, m.inputs.At(lead).item.order)
	}
}

// dueItem is the lead of the item whose service or time ends at the given instant, and whether it times
// out; none if there is none. Completions come before timeouts, each in the order in which service began.
func (m *machine) dueItem(p *pool, c *container, at sim.Time) (lead int32, timedOut bool) {
	if c.active == 0 {
		return none, false
	}
	if p.sharing {
		return m.dueShared(p, c, at)
	}
	lead = c.firstItem
	if c.active > 1 {
		lead = c.heap[0].lead
	}
	it := &m.inputs.At(lead).item
	if it.ends != at {
		return none, false
	}
	return lead, it.expires
}

// completeAlone is complete where a slot holds one input and a container has one slot: while inputs
// wait no other container is free, so the next of them takes the slot at once.
func (m *machine) completeAlone(p *pool, ci int32, c *container, i int32) {
	in := m.inputs.At(i)
	in.parts[Served] += in.item.demand
	in.since = m.now
	c.lastFall = m.fall()
	c.active, c.firstItem, c.lastItem = 0, none, none
	w := &m.callers[in.workload]
	if !w.async {
		p.assignedSync--
	}
	m.endAttempt(p, i, m.drawOutcome(p, in, w))
	c.items = 0
	if p.queued == 0 {
		m.becomesFree(p, c)
		m.becomeIdle(p, ci, c)
		if p.lapses {
			p.fellOrder = m.order() // the lapse comes after the expiry, as after complete
		}
		m.calendar.Set(containerSource(ci), c.crashAt)
		return
	}
	next := p.first
	in = m.inputs.At(next)
	m.unqueue(p, next, in)
	m.assign(p, next, in, ci)
}

// drawOutcome says whether an attempt that completes has failed (rule 10).
func (m *machine) drawOutcome(p *pool, in *input, w *caller) Outcome {
	rate := p.set.Failures.Rate
	if rate == 0 {
		return Completed
	}
	luck := luckOf(w.failure.Sub(uint64(in.attempts)), in.number, in.place, w.many)
	if luck.Float64() < rate {
		return Failed
	}
	return Completed
}

// complete is the end of an item's service.
func (m *machine) complete(p *pool, lead int32) {
	in := m.inputs.At(lead)
	ci, demand := in.item.on, in.item.demand
	m.vacate(p, lead)
	m.fell(p, ci)
	for i := lead; i != none; {
		in = m.inputs.At(i)
		next := in.next
		in.parts[Served] += demand
		in.parts[Interference] += m.now - in.since - demand
		in.since = m.now
		m.endAttempt(p, i, m.drawOutcome(p, in, &m.callers[in.workload]))
		i = next
	}
}

// timeOut ends an attempt that took too long, with its whole batch (rule 10).
func (m *machine) timeOut(p *pool, lead int32) {
	in := m.inputs.At(lead)
	ci := in.item.on
	m.workTo(p, m.containers.At(ci))
	done := m.workDone(p, in)
	m.vacate(p, lead)
	if p.set.TimeoutKills {
		m.giveBack(p, ci)
		m.stop(p, ci, "timeout")
	} else {
		m.fell(p, ci)
	}
	for i := lead; i != none; {
		in = m.inputs.At(i)
		next := in.next
		m.cutShort(in, done)
		m.endAttempt(p, i, TimedOut)
		i = next
	}
}

// cutShort books an attempt that ended before its work did.
func (m *machine) cutShort(in *input, done sim.Time) {
	in.parts[Served] += done
	in.parts[Interference] += m.now - in.since - done
	in.since = m.now
}

// vacate takes an item that is in service off its container.
func (m *machine) vacate(p *pool, lead int32) {
	it := &m.inputs.At(lead).item
	c := m.containers.At(it.on)
	if p.sharing {
		m.share(p, c)
	}
	m.leaveService(p, c, it)
	c.active--
	if p.sharing && c.active == 0 {
		c.attained = wide{}
	}
	m.itemGone(p, lead, c)
	m.dateContainer(p, it.on, c)
}

// itemGone counts an item that is off its container, in service or open.
func (m *machine) itemGone(p *pool, lead int32, c *container) {
	c.items--
	c.lastFall = m.fall()
	for i := lead; i != none; {
		in := m.inputs.At(i)
		if !m.callers[in.workload].async {
			p.assignedSync--
		}
		i = in.next
	}
	if c.items == 0 {
		m.becomesFree(p, c)
	}
}

// fell follows a fall of the container's in-flight count.
func (m *machine) fell(p *pool, ci int32) {
	c := m.containers.At(ci)
	if c.items == 0 {
		switch {
		case p.set.SingleUse:
			m.stop(p, ci, "single_use")
			return
		case c.state == draining:
			m.stop(p, ci, "deploy")
			return
		}
		m.becomeIdle(p, ci, c)
	}
	m.reroute(p, ci, c)
}

// giveBack returns all inputs of a container to the head of the queue, in the order in which they were
// last taken from it, uncounted (rule 10).
func (m *machine) giveBack(p *pool, ci int32) { m.requeue(p, m.takeBack(p, ci)) }

// takeBack takes all inputs off a container, in service or not.
func (m *machine) takeBack(p *pool, ci int32) []int32 {
	c := m.containers.At(ci)
	m.workTo(p, c)
	var back []int32 // by order taken: only when a container dies with work on it
	for c.firstItem != none {
		lead := c.firstItem
		done := m.workDone(p, m.inputs.At(lead))
		m.vacate(p, lead)
		for i := lead; i != none; i = m.inputs.At(i).next {
			m.cutShort(m.inputs.At(i), done)
			back = append(back, i)
		}
	}
	if p.open != none && m.inputs.At(p.open).item.on == ci {
		m.itemGone(p, p.open, c)
		for i := p.open; i != none; i = m.inputs.At(i).next {
			in := m.inputs.At(i)
			in.parts[BatchWait] += m.now - in.since
			in.since = m.now
			back = append(back, i)
		}
		p.open = none
	}
	return back
}

// requeue puts inputs at the head of the queue by the order in which they were taken from it.
func (m *machine) requeue(p *pool, back []int32) {
	sortByTaken(m, back)
	for n := len(back) - 1; n >= 0; n-- {
		i := back[n]
		in := m.inputs.At(i)
		in.state = waiting
		in.next, in.prev = p.first, none
		if p.first != none {
			m.inputs.At(p.first).prev = i
		} else {
			p.last = i
		}
		p.first = i
		m.queueGrew(p, in)
	}
	for _, i := range back {
		in := m.inputs.At(i)
		if in.call != none && m.calls.At(in.call).broken {
			m.dropPending(p, i, Cancelled)
		}
	}
}

func sortByTaken(m *machine, back []int32) {
	for n := 1; n < len(back); n++ {
		for k := n; k > 0 && m.inputs.At(back[k]).taken < m.inputs.At(back[k-1]).taken; k-- {
			back[k], back[k-1] = back[k-1], back[k]
		}
	}
}

// joinService adds an item to those in service of the container: to the list by order, and where
// several can be, to the heap by what ends first.
func (m *machine) joinService(p *pool, c *container, lead int32, it *item) {
	if p.slotsMax == 1 {
		c.firstItem, c.lastItem = lead, lead
		it.next, it.prev = none, none
		return
	}
	it.next, it.prev = none, c.lastItem
	if c.lastItem != none {
		m.inputs.At(c.lastItem).item.next = lead
	} else {
		c.firstItem = lead
	}
	c.lastItem = lead
	if !p.sharing {
		it.tag = wideOf(it.ends)
	}
	c.heap = append(c.heap, inService{it.tag, lead})
	m.heapUp(p, c.heap, len(c.heap)-1)
}

func (m *machine) leaveService(p *pool, c *container, it *item) {
	if p.slotsMax == 1 {
		c.firstItem, c.lastItem = none, none
		return
	}
	if it.prev != none {
		m.inputs.At(it.prev).item.next = it.next
	} else {
		c.firstItem = it.next
	}
	if it.next != none {
		m.inputs.At(it.next).item.prev = it.prev
	} else {
		c.lastItem = it.prev
	}
	last := len(c.heap) - 1
	at := int(it.place)
	moved := c.heap[last]
	c.heap = c.heap[:last]
	if at == last {
		return
	}
	c.heap[at] = moved
	m.heapDown(p, c.heap, m.heapUp(p, c.heap, at))
}

// inService is an item in the heap of its container, by what ends first.
type inService struct {
	tag  wide // with sharing that of the item; else when it ends
	lead int32
}

// endsBefore orders the items of one container by what ends first.
func (m *machine) endsBefore(p *pool, x, y *inService) bool {
	if x.tag != y.tag {
		return x.tag.less(y.tag)
	}
	if p.sharing {
		return false
	}
	a, b := &m.inputs.At(x.lead).item, &m.inputs.At(y.lead).item
	if a.expires != b.expires {
		return b.expires
	}
	return a.order < b.order
}

// heapUp moves what is at place i up to where it belongs, and returns that place.
func (m *machine) heapUp(p *pool, heap []inService, i int) int {
	x := heap[i]
	for i > 0 {
		parent := (i - 1) / 2
		if !m.endsBefore(p, &x, &heap[parent]) {
			break
		}
		m.heapPut(heap, i, heap[parent])
		i = parent
	}
	m.heapPut(heap, i, x)
	return i
}

// heapDown moves what is at place i down to where it belongs.
func (m *machine) heapDown(p *pool, heap []inService, i int) {
	x := heap[i]
	for {
		child := 2*i + 1
		if child >= len(heap) {
			break
		}
		if child+1 < len(heap) && m.endsBefore(p, &heap[child+1], &heap[child]) {
			child++
		}
		if !m.endsBefore(p, &heap[child], &x) {
			break
		}
		m.heapPut(heap, i, heap[child])
		i = child
	}
	m.heapPut(heap, i, x)
}

func (m *machine) heapPut(heap []inService, i int, x inService) {
	heap[i] = x
	m.inputs.At(x.lead).item.place = int32(i)
}

// dateContainer dates the container by what comes first: the end of an item, or a crash. That often
// changes again in this very event, so one container may wait for its date until the event is over.
func (m *machine) dateContainer(p *pool, ci int32, c *container) {
	if p.sharing || c.active == 0 && c.crashAt == sim.Never {
		if m.undated == none || m.undated == ci {
			m.undated, m.rare = ci, true
			return
		}
	}
	if m.undated == ci {
		m.undated = none
	}
	m.calendar.Set(containerSource(ci), m.nextEnd(p, c))
}

// nextEnd is the next end of an item in service of the container, or its crash; Never if there is none.
func (m *machine) nextEnd(p *pool, c *container) sim.Time {
	switch {
	case c.active == 0:
		return c.crashAt
	case p.sharing:
		return min(c.crashAt, m.sharedEnd(p, c))
	case c.active == 1:
		return min(c.crashAt, m.inputs.At(c.firstItem).item.ends)
	default:
		return min(c.crashAt, m.inputs.At(c.heap[0].lead).item.ends)
	}
}

// crashes is the end of a container by crash or preemption.
func (m *machine) crashes(p *pool, ci int32, c *container) {
	reason := "preempted"
	if c.crashes {
		reason = "crash"
	}
	if c.items > 0 {
		m.giveBack(p, ci)
		m.lost(p)
	} else {
		m.leaveIdle(p, ci, c)
	}
	m.stop(p, ci, reason)
}

// mostLost is how many busy containers may crash or be preempted in a row, without one input of the run
// that leaves, before the run counts as one that cannot end.
const mostLost = 100_000

// lost counts a busy container that crashed. Work that takes far longer than containers live would be
// begun for ever: crashes do not count as attempts.
func (m *machine) lost(p *pool) {
	if m.finished != m.finishedBefore {
		m.finishedBefore, m.lostInRow = m.finished, 0
	}
	if m.lostInRow++; m.lostInRow > mostLost && m.failure == nil {
		m.fail(fmt.Errorf("function %s cannot go on: containers crashed or were preempted %d times "+
			"in a row before an input was done: lower crash_per_hour and preempt_per_hour, or the time "+
			"that an input takes", p.set.Name, mostLost))
	}
}

// dateCrash draws when a container that becomes ready will crash or be preempted.
func (m *machine) dateCrash(p *pool, c *container) {
	c.crashAt = sim.Never
	f := &p.set.Failures
	for _, hazard := range []struct {
		perHour float64
		stream  sim.Stream
		crash   bool
	}{{f.CrashPerHour, p.crash, true}, {f.PreemptPerHour, p.preempt, false}} {
		if hazard.perHour <= 0 {
			continue
		}
		luck := hazard.stream.At(uint64(c.number))
		wait := -math.Log(luck.Open()) * float64(sim.Hour) / hazard.perHour
		if at := m.now + sim.Round(wait); at < c.crashAt && at > 0 {
			c.crashAt, c.crashes = at, hazard.crash
		}
	}
}
