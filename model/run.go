// Package model is the platform: functions with their pools of containers, inputs, limits, retries,
// the autoscaler and prices, as docs/semantics.md rules them, on the calendar of package sim. Run is a
// pure function of configuration, seed and replication.
package model

import (
	"context"
	"fmt"
	"math"

	"github.com/simcap/simcap/model/service"
	"github.com/simcap/simcap/sim"
)

// Trial addresses one run: the seed of the scenario and the replication, from 1.
type Trial struct {
	Seed        uint64
	Replication int
}

// Hooks are what a run reports while it goes on. All may be left out.
type Hooks struct {
	Rows     Rows
	Progress func(now sim.Time, inputs int64) // every few thousand inputs
	Audit    bool                             // check the laws after every event; a breach panics
	watch    func(*machine)                   // after every event: transcripts
}

// stall is how long a run may go on with nothing but ticks, polls and re-submissions after the last
// arrival before it is given up (rule 13).
const stall = 7 * sim.Day

// Classes of events at one instant (rule 1), in order; sub-classes follow the fine print.
const (
	classCompletion uint64 = 10 + iota
	classTimeout
	classCrash
)
const (
	classReady      uint64 = 20
	classChange     uint64 = 30
	classSubmission uint64 = 40
	classBatchWait  uint64 = 50
	classPatience   uint64 = 51
	classIdle       uint64 = 60
	classTick       uint64 = 70
	classPoll       uint64 = 71
)

// Owners of appointments in the agenda.
const (
	ownInput  uint8 = iota // patience, client back-off, retry delay
	ownCall                // further submissions of a call
	ownClient              // next call of a closed client: index within the machine's clients
	ownPoll                // a container's concurrency poll
	ownChange              // update or deploy: index within the machine's changes
	ownerKinds
)

// Groups of sources of the calendar: the timers, which are the agenda and three of each pool;
// the next arrival of each workload; the containers.
const (
	groupTimers int32 = iota
	groupArrivals
	groupContainers
)
const (
	poolBatchWait int32 = iota
	poolIdle
	poolPaced // its tick; where the autoscaler decides after every event, its lapse
	poolTimers
)

// agendaSource is the date of the agenda's first appointment.
var agendaSource = sim.Source{Group: groupTimers}

func arrivalSource(workload int32) sim.Source {
	return sim.Source{Group: groupArrivals, Index: workload}
}

func containerSource(ci int32) sim.Source { return sim.Source{Group: groupContainers, Index: ci} }

// poolSource is a timer of a pool. Those of one kind follow one another.
func (m *machine) poolSource(p *pool, timer int32) sim.Source {
	return sim.Source{Group: groupTimers, Index: 1 + timer*int32(len(m.pools)) + p.index}
}

// machine is the state of one run.
type machine struct {
	cfg         *Config
	trial       Trial
	hooks       Hooks
	now         sim.Time
	sequence    uint64   // order numbers given out
	falls       uint64   // see fall
	fellAt      sim.Time // when the last of them was
	calendar    *sim.Calendar
	agenda      *sim.Agenda
	agendaMoved bool // since its source was dated
	rare        bool // something is left to do after this event, see rarely

	pools      []pool
	callers    []caller
	inputs     sim.Slab[input]
	calls      sim.Slab[call]
	containers sim.Slab[container]
	tokens     []tokens // of LLM inputs, by their index
	links      []link   // of the lists of idle containers, by container
	clients    []client
	changes    []change
	sync       bucket
	async      bucket

	openWork     int64 // unfinished inputs, unsent inputs, arrivals to come
	arrivalsLeft int   // workloads and clients that may still call
	finished     int64 // inputs
	submitted    int64
	room         int  // of the calendar, for containers
	alive, gpus  int  // containers not stopped, and the GPUs they hold: workspace caps
	freed        bool // a container stopped during this event
	everyEvent   bool // the autoscaler decides after every event
	firstTick    int  // the timers from here on are ticks
	observed     bool // something looks at the state after every event
	luck         sim.Luck
	bag          luggage // of the input that arrives, see expressPacks
	undated      int32   // container that lost its date in this event and has no new one yet
	capped       bool    // the workspace has a cap
	progressed   sim.Time

	finishedBefore, lostInRow int64 // finished at the last crash of a busy container; such crashes since then

	rows    rowSorter
	audit   *audit // nil: off
	book    book
	failure error
}

// client is one client of a closed workload.
type client struct {
	caller   int32
	number   int32    // from 1 within the workload
	calledAt sim.Time // of its last call
	atOnce   int32    // calls of its own at that instant before it
}

// change is an update or deploy that comes.
type change struct {
	pool   int32
	index  int // within the function's updates, then deploys
	update *Update
	deploy *Deploy
}

// Run simulates the configuration once. The configuration must be valid. It stops early, with the
// context's error, when the context ends.
func Run(ctx context.Context, cfg *Config, trial Trial, hooks Hooks) (*Tally, error) {
	m := newMachine(cfg, trial, hooks)
	m.begin()
	err := m.loop(ctx)
	for i := range m.callers {
		if closing := m.closeSource(&m.callers[i]); err == nil {
			err = closing
		}
	}
	if err != nil {
		return nil, err
	}
	return m.finish()
}

func newMachine(cfg *Config, trial Trial, hooks Hooks) *machine {
	m := &machine{cfg: cfg, trial: trial, hooks: hooks, agenda: sim.NewAgenda(int(ownerKinds)),
		undated: none, observed: hooks.Audit || hooks.watch != nil}
	m.rare = m.observed
	if hooks.Audit {
		m.audit = &audit{}
	}
	m.calendar = sim.NewCalendar([sim.Groups]int{groupTimers: 1 + int(poolTimers)*len(cfg.Functions),
		groupArrivals: len(cfg.Workloads), groupContainers: fewestRoom}, m)
	m.room = fewestRoom
	m.everyEvent = cfg.Platform.Autoscaler.Interval == 0
	m.firstTick = math.MaxInt
	if !m.everyEvent {
		m.firstTick = 1 + int(poolPaced)*len(cfg.Functions)
	}
	m.capped = cfg.Workspace.MaxContainers != None || cfg.Workspace.MaxGPUs != None
	limits := cfg.Platform.Limits
	m.sync = newBucket(limits.RateSync, limits.Burst)
	m.async = newBucket(limits.RateAsync, limits.Burst)
	m.pools = make([]pool, len(cfg.Functions))
	byName := map[string]int32{}
	for i := range m.pools {
		m.newPool(int32(i))
		byName[cfg.Functions[i].Name] = int32(i)
	}
	m.callers = make([]caller, len(cfg.Workloads))
	for i := range m.callers {
		m.newCaller(int32(i), byName[cfg.Workloads[i].Function])
	}
	m.openExpress()
	m.book.init(m)
	m.rows.init(m)
	return m
}

func (m *machine) newPool(index int32) {
	f := &m.cfg.Functions[index]
	p := &m.pools[index]
	*p = pool{
		set: f, index: index, first: none, last: none, open: none,
		batchMax: int32(max(1, f.Batched.MaxBatchSize)), gpus: f.GPUs,
		price:   f.PricePerS(&m.cfg.Platform.Prices),
		sharing: len(f.Service.Concurrency) > 0 && f.Concurrent.MaxInputs > 1 && !f.SingleUse,
	}
	m.newIdle(p)
	p.hardMax = int32(unlimited(m.cfg.Platform.HardCap))
	m.revert(p)
	name := f.Name
	p.cold = m.stream(name, "cold start")
	p.crash = m.stream(name, "crash")
	p.preempt = m.stream(name, "preemption")
	p.routeStream = m.stream(name, "routing")
	p.firstDemand = newDrawn(f.Service.FirstInput, 0, m.stream(name, "first input"))
	p.slotsMax = int32(max(1, f.Concurrent.MaxInputs))
	p.target = int32(max(1, f.Concurrent.TargetInputs))
	if f.SingleUse {
		p.slotsMax = 1
	}
	p.polls = !f.SingleUse && p.target < p.slotsMax && m.cfg.Platform.BurstPoll > 0
	target := float64(max(1, f.Concurrent.TargetInputs)) * float64(p.batchMax)
	p.perContainer = m.cfg.Platform.Autoscaler.Gain / target
	p.onePer = p.perContainer == 1
	routing := m.cfg.Platform.Routing
	p.byList = p.slotsMax == 1 && (routing == MostRecent || routing == LongestIdle)
	p.recent = routing == MostRecent
	p.llm = m.newLLMPool(f)
	p.alone = p.byList && p.batchMax == 1 && !f.SingleUse && p.llm == nil
	p.stages = newStages(f.ColdStart.Stages)
	p.snapStages = newStages(f.ColdStart.Snapshot.Stages)
	p.prepareService()
	p.lapses = m.cfg.Platform.Autoscaler.Interval == 0 && f.everBuffers()
}

// prepareService tabulates the curves.
func (p *pool) prepareService() {
	s := &p.set.Service
	if p.set.Batched.MaxBatchSize > 0 && s.Batch != nil {
		p.batchNS = make([]float64, p.batchMax+1)
		for n := 1; n <= int(p.batchMax); n++ {
			p.batchNS[n] = s.Batch.At(n)
		}
	}
	p.units = service.Sum
	if s.Batch != nil && s.Batch.Units != "" {
		p.units = s.Batch.Units
	}
	if p.sharing {
		p.speed = make([]wide, p.slotsMax+1)
		p.slowness = make([]wide, p.slotsMax+1)
		for k := 1; k <= int(p.slotsMax); k++ {
			p.speed[k] = quotient(s.Concurrency.At(1), s.Concurrency.At(k))
			p.slowness[k] = quotient(s.Concurrency.At(k), s.Concurrency.At(1))
		}
	}
}

func unlimited(n int) int {
	if n == None {
		return 1 << 30
	}
	return n
}

func (m *machine) stream(names ...string) sim.Stream {
	return sim.NewStream(m.trial.Seed, m.trial.Replication, names...)
}

// fall numbers the present instant among those at which the in-flight count of a container fell, or one
// became ready: in that order, and one number for one instant.
func (m *machine) fall() uint64 {
	if m.fellAt != m.now {
		m.fellAt = m.now
		m.falls++
	}
	return m.falls
}

// order gives out the next order number.
func (m *machine) order() uint64 {
	m.sequence++
	return m.sequence
}

// begin sets up time 0: the containers that the functions start with, the changes, the ticks and the
// first arrivals.
func (m *machine) begin() {
	for i := range m.pools {
		p := &m.pools[i]
		for range p.minContainers {
			if m.workspaceRoom(p) > 0 {
				m.createReady(p)
			}
		}
	}
	for i := range m.pools {
		m.scheduleChanges(&m.pools[i])
		if interval := m.cfg.Platform.Autoscaler.Interval; interval > 0 {
			m.calendar.Set(m.poolSource(&m.pools[i], poolPaced), interval)
		}
	}
	for i := range m.callers {
		m.beginCaller(&m.callers[i])
	}
	m.rarely()
}

// loop runs event after event until the run is over. It is the table of contents of all that can happen.
func (m *machine) loop(ctx context.Context) error {
	for m.failure == nil {
		for range 1 << 12 {
			source, at, ok := m.calendar.Next()
			if (at >= m.book.mark || m.openWork == 0) && at > m.now && !m.passes(at, ok) {
				return m.failure
			}
			m.now = at
			switch source.Group {
			case groupContainers:
				m.progressed = at
				m.containerDue(source.Index, m.containers.At(source.Index))
			case groupArrivals:
				m.progressed = at
				m.arrival(&m.callers[source.Index])
			default:
				m.timer(source.Index)
			}
			if m.rare {
				if m.rarely(); m.failure != nil {
					return m.failure
				}
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if m.hooks.Progress != nil {
			m.hooks.Progress(m.now, m.finished)
		}
	}
	return m.failure
}

// passes lets time pass up to the next event, if the run goes on; ok is false when there is none.
func (m *machine) passes(at sim.Time, ok bool) bool {
	switch {
	case m.openWork == 0 && m.over(at):
		return false
	case !ok:
		m.fail(m.stuck())
		return false
	}
	m.book.advance(m, at)
	return true
}

// fail ends the run with the error, if it is one and the first, after the present event.
func (m *machine) fail(err error) {
	if err != nil && m.failure == nil {
		m.failure = err
		m.rare = true
	}
}

// rarely does what few events ask for: it dates a container whose next end has
// changed, and the agenda, and lets the audit and the watch look at the state.
func (m *machine) rarely() {
	m.rare = m.observed
	if ci := m.undated; ci != none {
		m.undated = none
		c := m.containers.At(ci)
		m.calendar.Set(containerSource(ci), m.nextEnd(&m.pools[c.pool], c))
	}
	if m.agendaMoved {
		m.agendaMoved = false
		m.calendar.Set(agendaSource, m.agenda.First)
	}
	if m.observed {
		m.observe()
	}
}

// observe lets the audit and the watch look at the state after an event.
func (m *machine) observe() {
	if m.audit != nil {
		m.audit.event(m)
	}
	if m.hooks.watch != nil {
		m.hooks.watch(m)
	}
}

// arrival is the next arrival of a workload.
func (m *machine) arrival(w *caller) {
	switch x := w.express; {
	case x != nil && x.quick && w.quick:
		m.quickLane(w, x)
	case x != nil:
		m.expressArrivals(w, x)
	default:
		m.arrive(w)
	}
}

// timer handles the agenda, or one of a pool's timers.
func (m *machine) timer(index int32) {
	if index == agendaSource.Index {
		m.appointment()
		return
	}
	pools := int32(len(m.pools))
	switch index--; {
	case index < pools:
		m.batchWaited(&m.pools[index])
	case index < 2*pools:
		m.idleDue(&m.pools[index-pools])
	case m.everyEvent:
		m.lapsed(&m.pools[index-2*pools])
	default:
		m.tick(&m.pools[index-2*pools])
	}
}

// appoint makes or moves an appointment of the agenda.
func (m *machine) appoint(owner sim.Owner, at sim.Time, rank sim.Rank) {
	m.agenda.Set(owner, at, rank)
	m.rare, m.agendaMoved = true, true
}

// disappoint cancels an appointment, if there is one.
func (m *machine) disappoint(owner sim.Owner) {
	m.agenda.Cancel(owner)
	m.rare, m.agendaMoved = true, true
}

// appointment keeps the first one of the agenda.
func (m *machine) appointment() {
	head := m.agenda.Head()
	m.disappoint(head.Owner)
	switch head.Owner.Kind {
	case ownInput:
		m.inputDue(head.Owner.Index)
	case ownCall:
		m.resume(head.Owner.Index)
	case ownClient:
		m.progressed = m.now
		m.clientCalls(head.Owner.Index)
	case ownPoll:
		m.poll(head.Owner.Index)
	case ownChange:
		m.idled()
		if u := m.changes[head.Owner.Index].update; u == nil || u.Every == 0 {
			m.progressed = m.now // what repeats for ever is no sign that the run can go on
		}
		m.changeDue(head.Owner.Index)
	}
}

// Rank implements sim.Ranker by rule 1 and its fine print.
func (m *machine) Rank(source sim.Source) sim.Rank {
	switch {
	case source.Group == groupContainers:
		return m.containerRank(source.Index)
	case source.Group == groupArrivals:
		w := &m.callers[source.Index]
		return submissionRank(w.index, w.calls+1, 0)
	case source == agendaSource:
		return m.agenda.Head().Rank
	}
	pools := int32(len(m.pools))
	switch index := source.Index - 1; {
	case index < pools:
		return m.batchWaitRank(&m.pools[index])
	case index < 2*pools:
		return rank(classIdle, 0, m.nextExpiryOrder(&m.pools[index-pools]))
	case m.everyEvent:
		return rank(classIdle, 0, m.pools[index-2*pools].fellOrder)
	default:
		return rank(classTick, uint64(index-2*pools), 0)
	}
}

// batchWaitRank ranks the end of an open batch's wait.
func (m *machine) batchWaitRank(p *pool) sim.Rank {
	switch {
	case p.express != nil:
		return rank(classBatchWait, 0, p.express.openOrder)
	case p.open == none:
		return rank(classBatchWait, 0, 0)
	}
	return rank(classBatchWait, 0, m.inputs.At(p.open).item.order)
}

func rank(class, major, minor uint64) sim.Rank { return sim.Rank{Hi: class<<56 | major, Lo: minor} }

// submissionRank orders class 4: workload, call, input; place 0 is the call's own event.
func submissionRank(workload int32, call int64, place int32) sim.Rank {
	return rank(classSubmission, uint64(workload), uint64(call)<<28|uint64(place))
}

// nextCalls ranks a closed client's next call after all existing calls.
const nextCalls = 1<<36 - 1

// over says whether the run has ended before the next event, which comes at the given instant.
// Nothing is open or to come.
func (m *machine) over(next sim.Time) bool {
	if m.cfg.Horizon > 0 {
		return next > m.cfg.Horizon
	}
	for i := range m.pools {
		if m.pools[i].live > m.pools[i].minContainers {
			return false
		}
	}
	return true
}

// idled is called by events that are no progress; it gives the run up after a long stall.
func (m *machine) idled() {
	if m.arrivalsLeft == 0 && m.openWork > 0 && m.now-m.progressed > stall {
		m.fail(m.stuck())
	}
}

// stuck explains why the run cannot end.
func (m *machine) stuck() error {
	for i := range m.pools {
		p := &m.pools[i]
		if p.outstanding == 0 && p.live <= p.minContainers {
			continue
		}
		why := m.whyStuck(p)
		pending := are(p.queued, "input")
		return fmt.Errorf("function %s cannot go on: %s pending and %s", p.set.Name, pending, why)
	}
	for i := range m.pools {
		if p := &m.pools[i]; p.refused != Completed {
			return fmt.Errorf("function %s cannot go on: %s submitted again and again, and "+
				"rejected: %s", p.set.Name, are(m.openWork, "input"), p.refused)
		}
	}
	return fmt.Errorf("the run cannot go on: %d inputs, retries or calls are open and nothing can happen "+
		"any more", m.openWork)
}

func (m *machine) whyStuck(p *pool) string {
	switch {
	case p.neverStarts():
		return "no container can start within startup_timeout"
	case p.maxContainers == 0:
		return "max_containers is 0"
	case m.capped && m.workspaceRoom(p) <= 0:
		return "the workspace has no room for another container"
	case p.live == 0:
		return "no container is started for them"
	case p.busyLive > 0:
		return are(int64(p.busyLive), "container") + " busy with work that does not end for days"
	case p.live == 1:
		return "1 container is live but takes none"
	default:
		return fmt.Sprintf("%d containers are live but take none", p.live)
	}
}

// are begins a sentence about n things: "1 input is", "2 inputs are".
func are(n int64, thing string) string {
	if n == 1 {
		return "1 " + thing + " is"
	}
	return fmt.Sprintf("%d %ss are", n, thing)
}
