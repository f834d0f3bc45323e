package model

import (
	"fmt"
	"math"

	"github.com/simcap/simcap/model/dist"
	"github.com/simcap/simcap/model/workload"
	"github.com/simcap/simcap/sim"
)

// bucket is a token bucket (rule 3a), kept as credit in nanoseconds: it grows by one each nanosecond
// up to its depth, and a token costs the nanoseconds in which one comes.
type bucket struct {
	cost, depth, credit, asOf sim.Time // cost 0: no limit
}

func newBucket(ratePerS float64, burst sim.Time) bucket {
	if ratePerS == None {
		return bucket{}
	}
	cost := sim.Time(math.Floor(1e9 / ratePerS))
	return bucket{cost: max(1, cost), depth: burst, credit: burst}
}

// has says whether a token is there.
func (b *bucket) has(now sim.Time) bool {
	b.credit = min(b.depth, b.credit+now-b.asOf)
	b.asOf = now
	return b.credit >= b.cost
}

func (b *bucket) take() { b.credit -= b.cost }

// nextAt is when a token will be there if nobody takes one before.
func (b *bucket) nextAt(now sim.Time) sim.Time { return now + b.cost - b.credit }

// bucketFor is the bucket that the workload's submissions draw from, or nil.
func (m *machine) bucketFor(w *caller) *bucket {
	b := &m.sync
	if w.async {
		b = &m.async
	}
	if b.cost == 0 {
		return nil
	}
	return b
}

// Retries of map's own re-submissions (rule 3).
var (
	mapRetry = Retries{Max: None, InitialDelay: sim.Second / 10, BackoffCoefficient: 2,
		MaxDelay: 15 * sim.Second}
	spawnMapRetry = Retries{Max: None, InitialDelay: sim.Second / 10, BackoffCoefficient: 2,
		MaxDelay: 30 * sim.Second}
)

func (m *machine) newCaller(index, pool int32) {
	set := &m.cfg.Workloads[index]
	w := &m.callers[index]
	name := set.Name
	*w = caller{
		set: set, index: index, pool: pool, many: set.Method.Many(), maps: set.Method.Maps(),
		async: set.Method.Async(), retry: set.Client.Retry, start: set.Arrivals.Start, stop: sim.Never,
		failure: m.stream(name, "failure"), noise: m.stream(name, "noise"),
	}
	w.bucket = m.bucketFor(w)
	if !w.async {
		w.sync = 1
	}
	_, w.closed = set.Arrivals.Kind.(workload.Closed)
	switch {
	case w.maps:
		w.retry = mapRetry
	case w.many:
		w.retry = spawnMapRetry
	}
	w.most = math.MaxInt64
	if set.Arrivals.Count > 0 {
		w.most = set.Arrivals.Count
	}
	if m.cfg.Horizon > 0 {
		w.stop = m.cfg.Horizon
	}
	if set.Arrivals.Stop > 0 {
		w.stop = min(w.stop, set.Arrivals.Stop)
	}
	f := m.pools[pool].set
	w.demand = newDrawn(f.Service.Time, 0, m.stream(name, "demand"))
	w.size = newDrawn(set.Size, 1, m.stream(name, "size"))
	w.extra = newDrawn(f.Overhead, 0, m.stream(name, "overhead"))
	w.overhead = sim.Round(w.extra.value)
	w.inputs = newDrawn(set.Inputs, 1, m.stream(name, "inputs"))
	w.single = set.Arrivals.Group == nil || set.Arrivals.Group == dist.Dist(dist.Constant{Value: 1})
	w.group = newDrawn(set.Arrivals.Group, 1, m.stream(name, "group"))
	w.patient = newDrawn(set.Client.Patience, 0, m.stream(name, "patience"))
	w.impatient = set.Client.Patience != nil
	w.llm = m.newLLMBook(set, &m.pools[pool])
	if f.Service.Time == nil && f.Service.Batch != nil && f.Batched.MaxBatchSize == 0 {
		w.demand = newDrawn(dist.Constant{Value: f.Service.Batch.At(1)}, 0, sim.Stream{})
	}
}

// beginCaller makes the workload's source of arrivals and dates the first.
func (m *machine) beginCaller(w *caller) {
	arrivals := m.stream(w.set.Name, "arrivals")
	closed, ok := w.set.Arrivals.Kind.(workload.Closed)
	if !ok {
		m.openSource(w, arrivals)
		m.awaitArrival(w)
		return
	}
	w.think = newDrawn(closed.Think, 0, arrivals)
	w.thoughts = make([]int64, closed.Clients+1)
	for n := 1; n <= closed.Clients; n++ {
		m.clients = append(m.clients, client{caller: w.index, number: int32(n)})
		m.clientThinks(int32(len(m.clients)-1), w.start)
	}
}

// tooLate says whether the workload makes no call at the given instant any more.
func (w *caller) tooLate(at sim.Time) bool {
	return at >= w.stop || w.calls >= w.most
}

// openSource makes the workload's source of arrivals.
func (m *machine) openSource(w *caller, arrivals sim.Stream) {
	w.source = w.set.Arrivals.Kind.Source(arrivals)
	w.sourceOpen = true
	if instants, ok := w.source.(workload.Instants); ok {
		p := &m.pools[w.pool]
		w.ahead = &readAhead{source: instants,
			demands: w.express != nil && !w.express.heavy && p.set.Service.PerUnit == 0}
		w.next = bareArrival
		w.quick = w.quickCaller()
	}
}

// bareArrival says nothing of its input.
var bareArrival = workload.Arrival{Size: math.NaN(), Demand: math.NaN(), Prompt: math.NaN(),
	Output: math.NaN()}

// advance makes the next arrival of the source the workload's next; false when there is none.
func (m *machine) advance(w *caller) bool {
	a := w.ahead
	if a == nil {
		more := w.source.Next(&w.next)
		w.next.At += w.start
		return more
	}
	if a.used == a.of && !m.readAhead(w, a) {
		return false
	}
	w.next.At = a.at[a.used]
	a.used++
	return true
}

// readAhead reads the next block of arrivals, and of demands if they go in step.
func (m *machine) readAhead(w *caller, a *readAhead) bool {
	if a.ended {
		return false
	}
	a.used, a.of = 0, uint(a.source.Fill(a.at[:]))
	if w.start != 0 {
		for i := range a.at[:a.of] {
			a.at[i] += w.start
		}
	}
	if w.express != nil {
		w.cutShort(a)
	}
	if a.demands && a.of > 0 {
		m.drawDemands(w, a.demand[:a.of])
	}
	return a.of > 0
}

// cutShort leaves out the arrivals of a block that come too late, where each is one call.
func (w *caller) cutShort(a *readAhead) {
	before := a.of
	a.of = uint(min(int64(a.of), w.most-w.calls))
	for a.of > 0 && a.at[a.of-1] >= w.stop {
		a.of--
	}
	a.ended = a.of < before
}

// drawDemands draws the demands of the calls that come next, rounded.
func (m *machine) drawDemands(w *caller, into []sim.Time) {
	if w.demand.draw == nil {
		for i := range into {
			into[i] = sim.Round(w.demand.value)
		}
		return
	}
	dist.FillTimes(w.demand.draw, w.demand.stream, uint64(w.calls)+1, into, &m.luck)
}

// closeSource ends reading from the workload's source, once; the error says why it ended too early.
func (m *machine) closeSource(w *caller) error {
	if !w.sourceOpen {
		return nil
	}
	w.sourceOpen = false
	if err := workload.Finish(w.source); err != nil {
		return fmt.Errorf("workload %s: %w", w.set.Name, err)
	}
	return nil
}

// awaitArrival dates the workload's next arrival, if there is one.
func (m *machine) awaitArrival(w *caller) {
	if !m.advance(w) || w.tooLate(w.next.At) {
		m.fail(m.closeSource(w))
		return
	}
	m.openWork++
	m.arrivalsLeft++
	m.calendar.Set(arrivalSource(w.index), w.next.At)
}

// arrive is an arrival: a group of calls, submitted in order (rule 1, class 4).
func (m *machine) arrive(w *caller) {
	m.openWork--
	m.arrivalsLeft--
	w.groups++
	n := m.atMost(MostOfGroup, "calls of a group", w, m.count(&w.group, uint64(w.groups)))
	for ; n > 0; n-- {
		if w.calls >= w.most {
			break
		}
		m.newCall(w, none)
	}
	m.awaitArrival(w)
	m.settle(&m.pools[w.pool])
}

// atMost is the number n of something of a workload, or the run fails because there can only be so
// many.
func (m *machine) atMost(most int64, what string, w *caller, n int64) int64 {
	if n > most {
		m.fail(fmt.Errorf("workload %s: %d %s were drawn, and at most %d are possible", w.set.Name, n,
			what, most))
		return 1
	}
	return n
}

// clientThinks dates the next call of a closed client, who thinks from the given instant on.
func (m *machine) clientThinks(index int32, from sim.Time) {
	c := &m.clients[index]
	w := &m.callers[c.caller]
	w.thoughts[c.number]++
	think := m.of(&w.think, int64(c.number), int32(w.thoughts[c.number]), true)
	at := from + sim.Round(think)
	if w.tooLate(at) {
		return
	}
	m.openWork++
	m.arrivalsLeft++
	m.appoint(sim.Owner{Kind: ownClient, Index: index}, at, submissionRank(w.index, nextCalls, c.number))
}

// mostAtOnce is how often one client of a closed workload may call at one instant.
const mostAtOnce = 10_000

// clientCalls is the next call of a closed client.
func (m *machine) clientCalls(index int32) {
	c := &m.clients[index]
	w := &m.callers[c.caller]
	m.openWork--
	m.arrivalsLeft--
	if c.calledAt == m.now {
		c.atOnce++
	} else {
		c.calledAt, c.atOnce = m.now, 0
	}
	if c.atOnce == mostAtOnce {
		m.fail(fmt.Errorf("workload %s: client %d has called %d times at one instant, %v s, and "+
			"would do so for ever: it does not think, and its calls take no time or are rejected at once; "+
			"give it a think time, or its client.retry a delay", w.set.Name, c.number, mostAtOnce,
			m.now.Seconds()))
	}
	if !w.tooLate(m.now) {
		w.next = bareArrival
		m.newCall(w, index)
	}
	m.settle(&m.pools[w.pool])
}

// newCall is a call of the workload, by a closed client or by none.
func (m *machine) newCall(w *caller, client int32) {
	w.calls++
	m.book.called(m, w)
	if !w.many {
		m.openWork++
		m.submit(m.newInput(w, none, 1, client))
		return
	}
	index := m.calls.New()
	total := m.atMost(MostOfCall, "inputs of a call", w, m.count(&w.inputs, uint64(w.calls)))
	*m.calls.At(index) = call{
		number: w.calls, start: m.now, total: total, workload: w.index,
		client: client, firstLive: none, lastLive: none,
		size: w.next.Size, demand: w.next.Demand, prompt: w.next.Prompt, output: w.next.Output,
	}
	m.openWork += m.calls.At(index).total
	m.submitMore(index)
}

// newInput draws what an input carries with it.
func (m *machine) newInput(w *caller, of int32, place int32, client int32) int32 {
	index := m.inputs.New()
	in := m.inputs.At(index)
	number, size, demand := w.calls, w.next.Size, w.next.Demand
	if of == none {
		in.size = m.inTurn(&w.size, uint64(number))
		in.demand = m.inTurn(&w.demand, uint64(number))
		in.overhead = sim.Round(m.inTurn(&w.extra, uint64(number)))
	} else {
		c := m.calls.At(of)
		number, size, demand = c.number, c.size, c.demand
		in.size = m.of(&w.size, number, place, true)
		in.demand = m.of(&w.demand, number, place, true)
		in.overhead = sim.Round(m.of(&w.extra, number, place, true))
	}
	if w.ahead == nil {
		known(&in.size, size)
		known(&in.demand, demand)
	}
	in.submitted, in.since = m.now, m.now
	in.admitted, in.assignedAt, in.started = Unset, Unset, Unset
	in.parts = [NumParts - 1]sim.Time{}
	in.number, in.serial, in.container = number, m.submitted, 0
	in.workload, in.place, in.call, in.client = w.index, place, of, client
	in.batchSize, in.rejections, in.retries, in.attempts = 0, 0, 0, 0
	m.submitted++
	w.book.binArrived++
	if w.llm != nil {
		prompt, output := w.next.Prompt, w.next.Output
		if of != none {
			prompt, output = m.calls.At(of).prompt, m.calls.At(of).output
		}
		m.drawTokens(w, index, in, prompt, output)
	}
	return index
}

// attributes puts what the arrival knows of its inputs in place of what was drawn.
func (w *caller) attributes(size, demand *float64) {
	known(size, w.next.Size)
	known(demand, w.next.Demand)
}

// known puts what a trace gives, if it does, in place of what was drawn.
func known(drawn *float64, given float64) {
	if !math.IsNaN(given) {
		*drawn = given
	}
}

// submitMore submits as many inputs of a call as it may now (rule 11).
func (m *machine) submitMore(index int32) {
	c := m.calls.At(index)
	w := &m.callers[c.workload]
	window := int64(unlimited(m.cfg.Platform.Limits.MapConcurrency))
	for !c.broken && c.sent < c.total {
		if w.maps && c.sent-c.ended >= window {
			return
		}
		if b := w.bucket; b != nil && !w.maps && !b.has(m.now) {
			m.resumeAt(index, b.nextAt(m.now))
			return
		}
		c.sent++
		i := m.newInput(w, index, int32(c.sent), none)
		m.joinCall(c, i)
		m.submit(i)
		c = m.calls.At(index) // submit can grow the slab
	}
}

// resumeAt gives the call an event in which it submits more, unless it has one.
func (m *machine) resumeAt(index int32, at sim.Time) {
	c := m.calls.At(index)
	if c.resumes || c.broken || c.sent == c.total {
		return
	}
	c.resumes = true
	m.appoint(sim.Owner{Kind: ownCall, Index: index}, at, submissionRank(c.workload, c.number, 0))
}

// resume is the call's own event.
func (m *machine) resume(index int32) {
	m.progressed = m.now
	c := m.calls.At(index)
	c.resumes = false
	pool := m.callers[c.workload].pool
	m.submitMore(index)
	m.settle(&m.pools[pool])
}

func (m *machine) joinCall(c *call, i int32) {
	in := m.inputs.At(i)
	in.nextOfCall, in.prevOfCall = none, c.lastLive
	if c.lastLive != none {
		m.inputs.At(c.lastLive).nextOfCall = i
	} else {
		c.firstLive = i
	}
	c.lastLive = i
}

func (m *machine) leaveCall(c *call, in *input) {
	if in.prevOfCall != none {
		m.inputs.At(in.prevOfCall).nextOfCall = in.nextOfCall
	} else {
		c.firstLive = in.nextOfCall
	}
	if in.nextOfCall != none {
		m.inputs.At(in.nextOfCall).prevOfCall = in.prevOfCall
	} else {
		c.lastLive = in.prevOfCall
	}
}

// submit is rule 3: the input is admitted, or rejected and perhaps submitted again later.
func (m *machine) submit(i int32) {
	in := m.inputs.At(i)
	w := &m.callers[in.workload]
	p := &m.pools[w.pool]
	if b := w.bucket; b != nil {
		if !b.has(m.now) {
			m.reject(i, in, w, RateLimit)
			return
		}
		b.take()
	}
	if p.queued == 0 {
		if ci := m.slot(p); ci != none {
			m.admit(p, in)
			m.assign(p, i, in, ci)
			return
		}
	}
	if reason := m.overLimit(p, w); reason != Completed {
		m.reject(i, in, w, reason)
		return
	}
	m.admit(p, in)
	m.enqueue(p, i, in)
	if w.impatient {
		patience := sim.Round(m.of(&w.patient, in.number, in.place, w.many))
		m.appoint(sim.Owner{Kind: ownInput, Index: i}, m.now+patience, rank(classPatience, 0, m.order()))
	}
	m.dispatch(p)
}

// admit counts an input that is let in.
func (m *machine) admit(p *pool, in *input) {
	in.admitted = m.now
	if in.since != m.now {
		in.parts[Backoff] += m.now - in.since
		in.since = m.now
	}
	p.outstanding++
}

// reject turns a submission away: the client submits it again later, or the input is lost.
func (m *machine) reject(i int32, in *input, w *caller, reason Outcome) {
	m.pools[w.pool].refused = reason
	if w.retry.Max != None && int(in.rejections) >= w.retry.Max {
		in.parts[Backoff] += m.now - in.since
		m.leave(i, reason)
		return
	}
	in.rejections++
	in.state = backedOff
	m.appoint(sim.Owner{Kind: ownInput, Index: i}, m.now+w.retry.Delay(int(in.rejections)),
		submissionRank(in.workload, in.number, in.place))
}

// overLimit is the limit that keeps an input out that cannot be dispatched at once, or Completed when
// none does (rule 3c).
func (m *machine) overLimit(p *pool, w *caller) Outcome {
	limits := &m.cfg.Platform.Limits
	switch {
	case w.async:
		if limits.PendingAsync != None && p.queued-p.queuedSync >= int64(limits.PendingAsync) {
			return PendingLimit
		}
	case limits.PendingSync != None && p.queuedSync >= int64(limits.PendingSync):
		return PendingLimit
	case limits.TotalSync != None && p.queuedSync+p.assignedSync >= int64(limits.TotalSync):
		return TotalLimit
	}
	return Completed
}

// inputDue is the appointment of one input: patience, re-submission or retry, by its state.
func (m *machine) inputDue(i int32) {
	in := m.inputs.At(i)
	p := &m.pools[m.callers[in.workload].pool]
	switch in.state {
	case waiting:
		m.progressed = m.now
		m.dropPending(p, i, Abandoned)
	case backedOff:
		m.idled()
		m.submit(i)
	case retrying:
		m.progressed = m.now
		in.parts[Backoff] += m.now - in.since
		p.outstanding++
		m.enqueue(p, i, in)
	}
	m.settle(p)
}

// dropPending takes an input out of the queue for good.
func (m *machine) dropPending(p *pool, i int32, outcome Outcome) {
	in := m.inputs.At(i)
	m.unqueue(p, i, in)
	in.parts[Queue] += m.now - in.since
	m.disappoint(sim.Owner{Kind: ownInput, Index: i})
	m.outstandingFalls(p, 1)
	m.leave(i, outcome)
}

// endAttempt ends an attempt of an input that is no longer on a container: it is tried again, or leaves.
func (m *machine) endAttempt(p *pool, i int32, outcome Outcome) {
	m.outstandingFalls(p, 1)
	in := m.inputs.At(i)
	retries := &p.set.Retries
	again := outcome != Completed && (retries.Max == None || int(in.retries) < retries.Max)
	if !again || in.call != none && m.calls.At(in.call).broken {
		m.leave(i, outcome)
		return
	}
	in.retries++
	in.state = retrying
	m.appoint(sim.Owner{Kind: ownInput, Index: i}, m.now+retries.Delay(int(in.retries)),
		submissionRank(in.workload, in.number, in.place))
}

// leave is the end of an input, and perhaps of its call (rule 11).
func (m *machine) leave(i int32, outcome Outcome) {
	in := m.inputs.At(i)
	w := &m.callers[in.workload]
	m.finished++
	m.openWork--
	m.record(i, in, w, outcome)
	of, client := in.call, in.client
	if of == none {
		m.inputs.Free(i)
		if client != none {
			m.clientThinks(client, m.now)
		}
		return
	}
	c := m.calls.At(of)
	m.leaveCall(c, in)
	m.inputs.Free(i)
	c.ended++
	if !c.over && w.maps && !w.set.ReturnExceptions && outcome != Completed && outcome != Cancelled {
		m.breakCall(of)
		c = m.calls.At(of)
	}
	switch {
	case !c.over && c.ended == c.total:
		m.callOver(of)
	case w.maps:
		m.resumeAt(of, m.now)
	}
	if c = m.calls.At(of); c.over && !c.breaking && c.firstLive == none {
		m.disappoint(sim.Owner{Kind: ownCall, Index: of})
		m.calls.Free(of)
	}
}

// breakCall ends a map at its first failure: what is not assigned leaves.
func (m *machine) breakCall(of int32) {
	c := m.calls.At(of)
	c.broken, c.breaking = true, true
	m.openWork -= c.total - c.sent
	m.callOver(of)
	p := &m.pools[m.callers[c.workload].pool]
	for i := c.firstLive; i != none; {
		in := m.inputs.At(i)
		next := in.nextOfCall
		switch in.state {
		case waiting:
			m.dropPending(p, i, Cancelled)
		case backedOff, retrying:
			m.disappoint(sim.Owner{Kind: ownInput, Index: i})
			in.parts[Backoff] += m.now - in.since
			m.leave(i, Cancelled)
		}
		i = next
	}
	m.calls.At(of).breaking = false
}

// callOver books the end of a call with many inputs.
func (m *machine) callOver(of int32) {
	c := m.calls.At(of)
	c.over = true
	m.book.callEnded(m, &m.callers[c.workload], c.start)
	if c.client != none {
		m.clientThinks(c.client, m.now)
	}
}

// Delay is the wait before try n+1 after n failures or rejections, n from 1.
func (r *Retries) Delay(n int) sim.Time {
	delay := float64(r.InitialDelay)
	for ; n > 1 && delay > 0 && delay < float64(r.MaxDelay) && r.BackoffCoefficient != 1; n-- {
		delay *= r.BackoffCoefficient
	}
	return min(sim.Round(delay), r.MaxDelay)
}
