package model_test

import (
	"errors"
	"math"
	"math/big"
	"sort"

	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/model/service"
	"github.com/simcap/simcap/model/workload"
	"github.com/simcap/simcap/sim"
)

// twin is the platform once more, written from SPEC section 2 and 2.1 in the most obvious way: one
// list of events that is searched from end to end for the next one, containers and queues as plain
// slices, everything computed when it is asked for. It shares with the model the configuration, the
// random streams and the curves, and nothing else. Tests compare it with model.Run.
type twin struct {
	cfg     *model.Config
	trial   model.Trial
	now     sim.Time
	events  []*twinEvent
	pools   []*twinPool
	sources []*twinWorkload
	rates   [2]*twinBucket // sync, async
	inputs  []*twinInput   // in order of first submission
	created int            // containers of all functions
	counter int64          // orders of all kinds
	open    int            // calls that are not over
	lastEnd sim.Time       // when the last input of a call left
	stopped bool           // a container stopped during this event
	moved   sim.Time       // when something other than ticks, polls and re-submissions last happened
	see     func(model.View)
}

// errStuck is the end of a run that no longer moves (rule 13).
var errStuck = errors.New("twin: nothing happens any more")

// errLong is a run of more events than the twin has patience for.
var errLong = errors.New("twin: the run is long")

const mostTwinEvents = 5_000

// Classes of rule 1, and their sub-classes in the order of the fine print.
const (
	twinCompletion = 10
	twinTimeout    = 11
	twinCrash      = 12
	twinReady      = 20
	twinChange     = 30
	twinSubmission = 40
	twinBatchWait  = 50
	twinPatience   = 51
	twinIdle       = 60
	twinTick       = 70
	twinPoll       = 71
)

type twinEvent struct {
	at    sim.Time
	class int
	key   [3]int64
	pool  *twinPool
	can   func() bool // whether it can still happen; nil: always
	do    func()
}

func (e *twinEvent) before(o *twinEvent) bool {
	if e.at != o.at {
		return e.at < o.at
	}
	if e.class != o.class {
		return e.class < o.class
	}
	for i := range e.key {
		if e.key[i] != o.key[i] {
			return e.key[i] < o.key[i]
		}
	}
	return false
}

type twinBucket struct {
	full, credit, at sim.Time
	cost             sim.Time
}

func newTwinBucket(ratePerS float64, burst sim.Time) *twinBucket {
	if ratePerS == model.None {
		return nil
	}
	return &twinBucket{full: burst, credit: burst, cost: sim.Time(math.Floor(1e9 / ratePerS))}
}

func (b *twinBucket) fill(now sim.Time) {
	b.credit = min(b.full, b.credit+now-b.at)
	b.at = now
}

type twinPool struct {
	f          *model.Function
	index      int
	containers []*twinContainer // not stopped, in order of creation
	rows       []*twinContainer // all
	queue      []*twinInput
	openBatch  *twinItem
	created    int64
	version    int
	base       int64 // containers created before this version
	owed       int   // replacements that the workspace had no room for
	min, max   int
	buffer     int
	window     sim.Time
	fell       sim.Time // when outstanding last fell; -1: never
	lapse      int64    // order of the event at which the pool is no longer active
	put        bool     // an input was put into the queue during this event
	lastChosen int64    // round_robin
	drawn      uint64   // random
	cold       sim.Stream
	firsts     sim.Stream
	crash      sim.Stream
	preempt    sim.Stream
	routing    sim.Stream
	levels     twinLevels
}

// twinLevels are time integrals in ns, and counts, over the window of the statistics.
type twinLevels struct {
	live, starting, ready, busy, queue float64
	peak, items, itemInputs            int64
}

type twinContainer struct {
	p           *twinPool
	number      int64 // within the function
	global      int64 // of all
	version     int
	state       string // starting, ready, draining, stopped
	replacement bool
	initial     bool // made at time 0
	items       []*twinItem
	slots       int
	idleSince   sim.Time
	idleOrder   int64
	expired     bool
	lastFall    sim.Time // when the in-flight count last fell, or it became ready
	served      bool     // an item has begun service
	shared      sim.Time // remaining work is as of then
	billed      sim.Time // start of the first billed stage; sim.Never: bills from ready
	busySince   sim.Time
	row         model.ContainerRow
	engine      *twinEngine // of an LLM function
}

type twinItem struct {
	c      *twinContainer
	inputs []*twinInput
	order  int64 // in which service began
	active bool
	began  sim.Time
	demand sim.Time
	left   *big.Rat // work, ns
	due    sim.Time
}

type twinCall struct {
	w            *twinWorkload
	number       int64
	start        sim.Time
	inputs       []*twinInput
	total, ended int64
	broken       bool
	resume       sim.Time // of its event; -1: none
	client       int64    // 0: none
	span         sim.Time // makespan
	size, demand float64  // from a trace; NaN: none
	from         workload.Arrival
}

type twinInput struct {
	w          *twinWorkload
	call       *twinCall
	place      int64
	phase      string // outside, queued, batch, service, delay, gone
	since      sim.Time
	item       *twinItem
	demand     float64
	retries    int
	rejections int
	taken      int64
	row        model.InputRow
	llm        twinTokens
}

type twinWorkload struct {
	w        *model.Workload
	p        *twinPool
	index    int
	source   workload.Source
	next     workload.Arrival
	coming   bool // next will arrive
	calls    int64
	groups   uint64
	stop     sim.Time
	clients  []sim.Time // date of each client's next call; sim.Never: none
	thoughts []uint64
	many     bool
	streams  map[string]sim.Stream
	begun    []*twinCall
}

// order is the next number in the order in which things happen.
func (t *twin) order() int64 { t.counter++; return t.counter }

// runTwin simulates like model.Run; see, if there is one, is shown the state after each event.
func runTwin(cfg *model.Config, trial model.Trial, see func(model.View)) (*twin, error) {
	t := &twin{cfg: cfg, trial: trial, see: see}
	l := &cfg.Platform.Limits
	t.rates = [2]*twinBucket{newTwinBucket(l.RateSync, l.Burst), newTwinBucket(l.RateAsync, l.Burst)}
	for i := range cfg.Functions {
		t.newPool(i)
	}
	for _, p := range t.pools {
		for range p.min {
			if t.roomFor(p) {
				c := t.newContainer(p)
				c.initial = true
				t.becomeReady(c)
			}
		}
	}
	for i := range cfg.Workloads {
		t.newWorkload(i)
	}
	for n := 0; ; n++ {
		if n > mostTwinEvents {
			return t, errLong
		}
		e := t.next()
		end, over := t.over(e)
		if over {
			t.advance(end)
			t.end()
			return t, nil
		}
		if e == nil || e.at-t.moved > 8*sim.Day {
			return t, errStuck
		}
		t.advance(e.at)
		if e.class < twinTick {
			t.moved = t.now
		}
		t.stopped = false
		for _, p := range t.pools {
			p.put = false
		}
		e.do()
		t.settle(e.pool)
		if t.see != nil {
			t.see(t.view())
		}
	}
}

func (t *twin) view() model.View {
	v := model.View{Now: t.now, Submitted: int64(len(t.inputs))}
	for i, in := range t.inputs {
		if in.phase == "gone" {
			continue
		}
		w := model.InputView{Serial: int64(i), State: in.phase, Taken: uint64(in.taken), Retries: in.retries,
			Rejections: in.rejections, Admitted: in.row.Admitted != model.Unset}
		if in.phase == "batch" || in.phase == "service" {
			w.Container = in.row.Container
		}
		v.Inputs = append(v.Inputs, w)
	}
	for _, p := range t.pools {
		v.Pools = append(v.Pools, model.PoolView{Min: p.min, Max: p.max, Buffer: p.buffer, Window: p.window, Version: p.version})
		for _, c := range p.containers {
			w := model.ContainerView{Pool: p.index, Number: c.number, State: c.state, Slots: c.slots, Version: c.version}
			if c.state == "ready" {
				w.State = "idle"
				if len(c.items) > 0 {
					w.State = "busy"
				} else if c.expired {
					w.State = "expired"
				}
			}
			v.Containers = append(v.Containers, w)
		}
	}
	return v
}

func (t *twin) stream(names ...string) sim.Stream {
	return sim.NewStream(t.trial.Seed, t.trial.Replication, names...)
}

func (t *twin) newPool(i int) {
	f := &t.cfg.Functions[i]
	p := &twinPool{f: f, index: i, fell: -1,
		cold: t.stream(f.Name, "cold start"), firsts: t.stream(f.Name, "first input"),
		crash: t.stream(f.Name, "crash"), preempt: t.stream(f.Name, "preemption"),
		routing: t.stream(f.Name, "routing")}
	p.revert()
	t.pools = append(t.pools, p)
	if every := t.cfg.Platform.Autoscaler.Interval; every > 0 {
		t.tickAt(p, every)
	}
	for j := range f.Updates {
		t.updateAt(p, j, f.Updates[j].At)
	}
	for j := range f.Deploys {
		d := &f.Deploys[j]
		t.add(&twinEvent{at: d.At, class: twinChange, pool: p,
			key: [3]int64{int64(i), int64(len(f.Updates) + j)}, do: func() { t.deploy(p, d.Strategy) }})
	}
}

func (p *twinPool) revert() {
	p.min, p.max, p.buffer, p.window = p.f.MinContainers, p.f.MaxContainers, p.f.BufferContainers, p.f.ScaledownWindow
}

func (t *twin) add(e *twinEvent) { t.events = append(t.events, e) }

// next takes the next event off the list, and with it all that can no longer happen.
func (t *twin) next() *twinEvent {
	keep := t.events[:0]
	var first *twinEvent
	for _, e := range t.events {
		if e.can != nil && !e.can() {
			continue
		}
		keep = append(keep, e)
		if first == nil || e.before(first) {
			first = e
		}
	}
	t.events = keep
	return first
}

func (t *twin) drop(e *twinEvent) {
	for i := range t.events {
		if t.events[i] == e {
			t.events = append(t.events[:i], t.events[i+1:]...)
			return
		}
	}
}

// over says whether the run ends before e, and when (rule 13).
func (t *twin) over(e *twinEvent) (sim.Time, bool) {
	idle := t.open == 0
	for _, w := range t.sources {
		idle = idle && !w.toCome()
	}
	if !idle {
		if e != nil {
			t.drop(e)
		}
		return 0, false
	}
	if t.cfg.Horizon > 0 {
		if end := max(t.cfg.Horizon, t.lastEnd); e == nil || e.at > end {
			return end, true
		}
	} else if e == nil || e.at > t.now {
		few := true
		for _, p := range t.pools {
			few = few && t.live(p) <= p.min
		}
		if few {
			return t.now, true
		}
	}
	if e != nil {
		t.drop(e)
	}
	return 0, false
}

// toCome says whether the workload may call again. A client that thinks while the others make the
// last of all calls has not noticed yet.
func (w *twinWorkload) toCome() bool {
	for _, at := range w.clients {
		if at < sim.Never {
			return true
		}
	}
	return w.coming
}

func (w *twinWorkload) full() bool { return w.w.Arrivals.Count > 0 && w.calls >= w.w.Arrivals.Count }

// advance moves the clock and adds to the integrals.
func (t *twin) advance(to sim.Time) {
	from, until := max(t.now, t.cfg.Warmup), to
	if t.cfg.Horizon > 0 {
		until = min(until, t.cfg.Horizon)
	}
	if d := float64(until - from); d > 0 {
		for _, p := range t.pools {
			p.levels.live += d * float64(t.live(p))
			p.levels.peak = max(p.levels.peak, int64(t.live(p)))
			p.levels.queue += d * float64(len(p.queue))
			for _, c := range p.containers {
				if c.state == "starting" {
					p.levels.starting += d
					continue
				}
				p.levels.ready += d
				if len(c.items) > 0 {
					p.levels.busy += d
				}
			}
		}
	}
	t.now = to
}

// end closes the rows of what is alive.
func (t *twin) end() {
	for _, p := range t.pools {
		for _, c := range append([]*twinContainer(nil), p.containers...) {
			t.close(c, "end")
			c.row.Stopped = model.Unset
		}
	}
}

// --- Containers (rules 2, 9, 13) ---

func (t *twin) live(p *twinPool) int {
	n := 0
	for _, c := range p.containers {
		if c.state == "ready" || c.state == "starting" && !c.replacement {
			n++
		}
	}
	return n
}

func (t *twin) roomFor(p *twinPool) bool {
	containers, gpus := 0, 0
	for _, q := range t.pools {
		containers += len(q.containers)
		gpus += len(q.containers) * q.gpus()
	}
	w := &t.cfg.Workspace
	if w.MaxContainers != model.None && containers >= w.MaxContainers {
		return false
	}
	return w.MaxGPUs == model.None || p.gpus() == 0 || gpus+p.gpus() <= w.MaxGPUs
}

func (p *twinPool) gpus() int {
	if p.f.GPU == "" {
		return 0
	}
	return p.f.GPUs
}

func (t *twin) newContainer(p *twinPool) *twinContainer {
	t.created++
	p.created++
	c := &twinContainer{p: p, number: p.created, global: int64(t.created), version: p.version,
		state: "starting", billed: sim.Never, slots: p.f.Concurrent.MaxInputs}
	c.row = model.ContainerRow{Replication: t.trial.Replication, Function: p.f.Name, Container: c.number,
		Created: t.now, Ready: model.Unset, Stopped: model.Unset}
	if t.bursts(p) {
		c.slots = p.f.Concurrent.TargetInputs
	}
	if p.f.SingleUse {
		c.slots = 1
	}
	p.containers = append(p.containers, c)
	p.rows = append(p.rows, c)
	if p.f.Service.LLM != nil {
		c.engine = t.newEngine(c)
	}
	return c
}

func (t *twin) bursts(p *twinPool) bool {
	c := &p.f.Concurrent
	return c.TargetInputs < c.MaxInputs && t.cfg.Platform.BurstPoll > 0 && !p.f.SingleUse
}

// start sends a new container through its cold start.
func (t *twin) start(p *twinPool, replacement bool) {
	c := t.newContainer(p)
	c.replacement = replacement
	stages := p.f.ColdStart.Stages
	if s := &p.f.ColdStart.Snapshot; len(s.Stages) > 0 && c.number-p.base > int64(s.After) {
		stages = s.Stages
	}
	at, draws := t.now, p.cold.Sub(uint64(c.number))
	for i, s := range stages {
		if s.Billed && c.billed == sim.Never {
			c.billed = at
		}
		if s.Time != nil {
			luck := draws.At(uint64(i))
			at += sim.Round(s.Time.Sampler().Sample(&luck))
		}
	}
	starting := func() bool { return c.state == "starting" }
	if at-t.now > p.f.StartupTimeout {
		t.add(&twinEvent{at: t.now + p.f.StartupTimeout, class: twinReady, key: [3]int64{c.global}, pool: p,
			can: starting, do: func() { t.stop(c, "startup_timeout") }})
		return
	}
	t.add(&twinEvent{at: at, class: twinReady, key: [3]int64{c.global}, pool: p, can: starting,
		do: func() { t.becomeReady(c) }})
}

func (t *twin) becomeReady(c *twinContainer) {
	p := c.p
	if c.billed < t.now {
		c.row.Cold = t.now - c.billed
	}
	c.state, c.row.Ready, c.lastFall = "ready", t.now, t.now
	t.becomeIdle(c)
	t.dateCrash(c)
	if t.bursts(p) {
		t.pollAt(c, t.now+t.cfg.Platform.BurstPoll)
	}
	if c.replacement {
		t.replaceOne(p)
	}
}

func (t *twin) becomeIdle(c *twinContainer) {
	c.idleSince, c.idleOrder, c.expired = t.now, t.order(), false
	t.idleAt(c, t.now+c.p.window)
}

// idleAt dates the idle expiry of a container that is idle now.
func (t *twin) idleAt(c *twinContainer, at sim.Time) {
	order, window := c.idleOrder, c.p.window
	t.add(&twinEvent{at: at, class: twinIdle, key: [3]int64{order}, pool: c.p,
		can: func() bool {
			return c.state == "ready" && len(c.items) == 0 && c.idleOrder == order && !c.expired &&
				c.p.window == window
		},
		do: func() {
			if t.live(c.p) > t.desired(c.p) {
				t.stop(c, "scaledown")
				return
			}
			c.expired = true
		}})
}

func (t *twin) pollAt(c *twinContainer, at sim.Time) {
	p := c.p
	t.add(&twinEvent{at: at, class: twinPoll, key: [3]int64{int64(p.index), c.number}, pool: p,
		can: func() bool { return c.state == "ready" },
		do: func() {
			c.slots = p.f.Concurrent.TargetInputs
			if len(p.queue) > 0 {
				c.slots = p.f.Concurrent.MaxInputs
			}
			t.pollAt(c, t.now+t.cfg.Platform.BurstPoll)
		}})
}

// dateCrash draws the times to crash and preemption of a container that is ready now.
func (t *twin) dateCrash(c *twinContainer) {
	hazard := func(perHour float64, stream sim.Stream, reason string) {
		if perHour == 0 {
			return
		}
		luck := stream.At(uint64(c.number))
		at := t.now + sim.Round(-math.Log(luck.Open())*float64(sim.Hour)/perHour)
		t.add(&twinEvent{at: at, class: twinCrash, key: [3]int64{c.global}, pool: c.p,
			can: func() bool { return c.state == "ready" || c.state == "draining" },
			do: func() {
				back := t.takeBack(c)
				t.stop(c, reason)
				t.putBack(back)
			}})
	}
	hazard(c.p.f.Failures.CrashPerHour, c.p.crash, "crash")
	hazard(c.p.f.Failures.PreemptPerHour, c.p.preempt, "preempted")
}

// stop ends a container that holds no inputs.
func (t *twin) stop(c *twinContainer, reason string) {
	t.stopped = true
	t.close(c, reason)
}

func (t *twin) close(c *twinContainer, reason string) {
	r := &c.row
	if c.state == "starting" {
		r.Cold = max(0, t.now-c.billed)
	} else {
		if len(c.items) > 0 {
			r.Busy += t.now - c.busySince
		}
		r.Idle = t.now - r.Ready - r.Busy
	}
	r.Stopped, r.Reason = t.now, reason
	r.CostUSD = (r.Cold + r.Busy + r.Idle).Seconds() * c.p.f.PricePerS(&t.cfg.Platform.Prices)
	c.state = "stopped"
	for i, o := range c.p.containers {
		if o == c {
			c.p.containers = append(c.p.containers[:i:i], c.p.containers[i+1:]...)
			break
		}
	}
}

// remove takes an item from its container, whose in-flight count falls.
func (t *twin) remove(it *twinItem) {
	c := it.c
	t.work(c)
	for i, o := range c.items {
		if o == it {
			c.items = append(c.items[:i:i], c.items[i+1:]...)
			break
		}
	}
	it.active = false
	if c.engine != nil {
		c.engine.drop(it)
	}
	if len(c.items) == 0 {
		c.row.Busy += t.now - c.busySince
	}
	c.lastFall = t.now
	t.redate(c)
}

// emptied follows the end of an item on a container that goes on.
func (t *twin) emptied(c *twinContainer) {
	switch {
	case len(c.items) > 0:
	case c.p.f.SingleUse:
		t.stop(c, "single_use")
	case c.state == "draining":
		t.stop(c, "deploy")
	default:
		t.becomeIdle(c)
	}
}

// takeBack cuts short all that a container holds and returns its inputs.
func (t *twin) takeBack(c *twinContainer) []*twinInput {
	var back []*twinInput
	t.work(c)
	for _, it := range append([]*twinItem(nil), c.items...) {
		for _, in := range it.inputs {
			t.cut(in, it)
			back = append(back, in)
		}
		t.remove(it)
		if c.p.openBatch == it {
			c.p.openBatch = nil
		}
	}
	return back
}

// cut accounts for an attempt that ends now before it completes; the work is up to date.
func (t *twin) cut(in *twinInput, it *twinItem) {
	if !it.active {
		in.row.Parts[model.BatchWait] += t.now - in.row.Assigned
		return
	}
	done := t.now - it.began
	if e := it.c.engine; e != nil {
		done = min(done, e.alone(in, e.outputs(it)))
	} else if len(in.w.p.f.Service.Concurrency) > 0 {
		done = it.demand - roundHalfDown(it.left)
	}
	in.row.Parts[model.Served] += done
	in.row.Parts[model.Interference] += t.now - it.began - done
}

// putBack returns inputs to the head of the queue, in the order in which they were last taken from it.
func (t *twin) putBack(back []*twinInput) {
	sort.Slice(back, func(i, j int) bool { return back[i].taken < back[j].taken })
	var stay []*twinInput
	for _, in := range back {
		in.item = nil
		in.w.p.put = true
		if in.call.broken {
			in.w.p.fell = t.now
			t.leave(in, model.Cancelled)
			continue
		}
		in.phase, in.since = "queued", t.now
		stay = append(stay, in)
	}
	if len(stay) > 0 {
		p := stay[0].w.p
		p.queue = append(stay, p.queue...)
	}
	for _, in := range back {
		t.falls(in.w.p)
	}
}

// falls dates the lapse of the pool's activity after outstanding fell.
func (t *twin) falls(p *twinPool) {
	if p.fell < 0 {
		return
	}
	lapse := t.order()
	p.lapse = lapse
	t.add(&twinEvent{at: max(t.now, p.fell+p.window), class: twinIdle, key: [3]int64{lapse}, pool: p,
		can: func() bool {
			return t.cfg.Platform.Autoscaler.Interval == 0 && p.lapse == lapse && p.outstanding() == 0
		}, do: func() {}})
}

// --- Autoscaler (rules 7, 8, 12) ---

func (p *twinPool) outstanding() int {
	n := len(p.queue)
	for _, c := range p.containers {
		for _, it := range c.items {
			n += len(it.inputs)
		}
	}
	return n
}

func (t *twin) desired(p *twinPool) int {
	per := p.f.Concurrent.TargetInputs
	if p.f.Batched.MaxBatchSize > 0 {
		per *= p.f.Batched.MaxBatchSize
	}
	out := p.outstanding()
	need := int(math.Ceil(t.cfg.Platform.Autoscaler.Gain*float64(out)/float64(per) - 1e-9))
	busy := 0
	for _, c := range p.containers {
		if c.state == "ready" && len(c.items) > 0 {
			busy++
		}
	}
	need = max(need, busy)
	if out > 0 || p.fell >= 0 && t.now-p.fell < p.window {
		need += p.buffer
	}
	need = max(need, p.min)
	for _, most := range []int{p.max, t.cfg.Platform.HardCap} {
		if most != model.None {
			need = min(need, most)
		}
	}
	return need
}

func (t *twin) evaluate(p *twinPool) {
	want := t.desired(p)
	for t.live(p) < want && t.roomFor(p) {
		t.start(p, false)
	}
	for t.live(p) > want {
		c := t.surplus(p)
		if c == nil {
			break
		}
		if c.state == "starting" {
			t.stop(c, "cancelled")
		} else {
			t.stop(c, "scaledown")
		}
	}
	t.startOwed(p)
}

// surplus is the next container to stop: starting ones, newest first, then expired ones.
func (t *twin) surplus(p *twinPool) *twinContainer {
	if t.cfg.Platform.Autoscaler.CancelStarting {
		for i := len(p.containers) - 1; i >= 0; i-- {
			if c := p.containers[i]; c.state == "starting" && !c.replacement {
				return c
			}
		}
	}
	var longest *twinContainer
	for _, c := range p.containers {
		if c.state == "ready" && len(c.items) == 0 && c.expired &&
			(longest == nil || c.idleSince < longest.idleSince) {
			longest = c
		}
	}
	return longest
}

func (t *twin) tickAt(p *twinPool, at sim.Time) {
	t.add(&twinEvent{at: at, class: twinTick, key: [3]int64{int64(p.index)}, pool: p, do: func() {
		t.tickAt(p, t.now+t.cfg.Platform.Autoscaler.Interval)
		t.evaluate(p)
	}})
}

// settle follows every event of a pool.
func (t *twin) settle(p *twinPool) {
	t.dispatch(p)
	if it := p.openBatch; it != nil && p.f.Batched.Wait == 0 {
		t.begin(it)
	}
	t.iterate(p)
	at := t.cfg.Platform.Autoscaler.Interval == 0
	if at || p.put && t.live(p) == 0 {
		t.evaluate(p)
	}
	w := &t.cfg.Workspace
	for at && t.stopped && (w.MaxContainers != model.None || w.MaxGPUs != model.None) {
		t.stopped = false
		for _, q := range t.pools {
			t.evaluate(q)
		}
	}
}

func (t *twin) updateAt(p *twinPool, index int, at sim.Time) {
	u := &p.f.Updates[index]
	t.add(&twinEvent{at: at, class: twinChange, key: [3]int64{int64(p.index), int64(index)}, pool: p, do: func() {
		for _, s := range []struct{ to, from *int }{{&p.min, u.MinContainers}, {&p.max, u.MaxContainers}, {&p.buffer, u.BufferContainers}} {
			if s.from != nil {
				*s.to = *s.from
			}
		}
		if u.ScaledownWindow != nil {
			t.windowIs(p, *u.ScaledownWindow)
		}
		if u.Every > 0 {
			t.updateAt(p, index, t.now+u.Every)
		}
	}})
}

// windowIs sets the scaledown window and re-dates what it dates.
func (t *twin) windowIs(p *twinPool, window sim.Time) {
	p.window = window
	p.lapse = 0
	for _, c := range p.containers {
		if c.state != "ready" || len(c.items) > 0 {
			continue
		}
		at := c.idleSince + window
		if c.expired && at <= t.now {
			continue
		}
		c.expired = false
		t.idleAt(c, max(t.now, at))
	}
	t.falls(p)
}

func (t *twin) deploy(p *twinPool, strategy string) {
	p.min, p.max, p.buffer = p.f.MinContainers, p.f.MaxContainers, p.f.BufferContainers
	if p.window != p.f.ScaledownWindow {
		t.windowIs(p, p.f.ScaledownWindow)
	}
	live := t.live(p)
	p.version++
	p.base = p.created
	if strategy == "rolling" {
		p.owed = live
		t.startOwed(p)
		return
	}
	var back []*twinInput
	for _, c := range append([]*twinContainer(nil), p.containers...) {
		back = append(back, t.takeBack(c)...)
		t.stop(c, "deploy")
	}
	t.putBack(back)
}

func (t *twin) startOwed(p *twinPool) {
	for p.owed > 0 && t.roomFor(p) {
		p.owed--
		t.start(p, true)
	}
}

// replaceOne lets one old container go for a replacement that has become ready: one that still
// starts if there is one, else the one with the lowest number.
func (t *twin) replaceOne(p *twinPool) {
	var old *twinContainer
	for _, c := range p.containers {
		if c.version == p.version || c.state == "draining" || c.state == "starting" && c.replacement {
			continue
		}
		if old == nil || c.state == "starting" && old.state != "starting" {
			old = c
		}
	}
	switch {
	case old == nil:
	case len(old.items) == 0:
		t.stop(old, "deploy")
	default:
		old.state = "draining"
		if it := p.openBatch; it != nil && it.c == old {
			t.begin(it)
		}
	}
}

// --- Submission (rules 3, 11) ---

func (t *twin) newWorkload(i int) {
	set := &t.cfg.Workloads[i]
	w := &twinWorkload{w: set, index: i, stop: sim.Never, streams: map[string]sim.Stream{}, many: set.Method.Many()}
	for _, p := range t.pools {
		if p.f.Name == set.Function {
			w.p = p
		}
	}
	for _, name := range []string{"arrivals", "failure", "noise", "demand", "size", "overhead", "inputs", "group", "patience",
		"prompt tokens", "output tokens"} {
		w.streams[name] = t.stream(set.Name, name)
	}
	if t.cfg.Horizon > 0 {
		w.stop = t.cfg.Horizon
	}
	if set.Arrivals.Stop > 0 {
		w.stop = min(w.stop, set.Arrivals.Stop)
	}
	t.sources = append(t.sources, w)
	closed, ok := set.Arrivals.Kind.(workload.Closed)
	if !ok {
		w.source = set.Arrivals.Kind.Source(w.streams["arrivals"])
		t.awaitArrival(w)
		return
	}
	w.clients = make([]sim.Time, closed.Clients)
	w.thoughts = make([]uint64, closed.Clients)
	for c := range w.clients {
		t.think(w, int64(c+1), set.Arrivals.Start)
	}
}

func (t *twin) awaitArrival(w *twinWorkload) {
	w.coming = w.source.Next(&w.next)
	at := w.w.Arrivals.Start + w.next.At
	if !w.coming || at >= w.stop || w.full() {
		w.coming = false
		return
	}
	t.add(&twinEvent{at: at, class: twinSubmission, key: [3]int64{int64(w.index), w.calls + 1, 0}, pool: w.p, do: func() {
		w.groups++
		n := int64(1)
		if g := w.w.Arrivals.Group; g != nil {
			luck := w.streams["group"].At(w.groups)
			n = max(1, int64(sim.Round(g.Sampler().Sample(&luck))))
		}
		for ; n > 0 && !w.full(); n-- {
			t.newCall(w, 0, w.next)
		}
		t.awaitArrival(w)
	}})
}

// think dates a closed client's next call.
func (t *twin) think(w *twinWorkload, client int64, from sim.Time) {
	w.thoughts[client-1]++
	at := from
	if d := w.w.Arrivals.Kind.(workload.Closed).Think; d != nil {
		luck := w.streams["arrivals"].Sub(uint64(client)).At(w.thoughts[client-1])
		at += sim.Round(d.Sampler().Sample(&luck))
	}
	w.clients[client-1] = sim.Never
	if at >= w.stop || w.full() {
		return
	}
	w.clients[client-1] = at
	t.add(&twinEvent{at: at, class: twinSubmission, key: [3]int64{int64(w.index), math.MaxInt64, client}, pool: w.p,
		do: func() {
			w.clients[client-1] = sim.Never
			if w.full() {
				return
			}
			t.newCall(w, client, workload.Arrival{Size: math.NaN(), Demand: math.NaN(), Prompt: math.NaN(), Output: math.NaN()})
		}})
}

func (t *twin) newCall(w *twinWorkload, client int64, from workload.Arrival) {
	w.calls++
	t.open++
	c := &twinCall{w: w, number: w.calls, start: t.now, total: 1, resume: -1, client: client, size: from.Size, demand: from.Demand, from: from}
	if w.many {
		luck := w.streams["inputs"].At(uint64(c.number))
		c.total = max(1, int64(sim.Round(w.w.Inputs.Sampler().Sample(&luck))))
	}
	w.begun = append(w.begun, c)
	t.submitMore(c)
}

// submitMore submits as many inputs of the call as it may now.
func (t *twin) submitMore(c *twinCall) {
	window := t.cfg.Platform.Limits.MapConcurrency
	for !c.broken && int64(len(c.inputs)) < c.total {
		sent := int64(len(c.inputs))
		if c.w.w.Method.Maps() && window != model.None && sent-c.ended >= int64(window) {
			return
		}
		if b := t.rates[1]; c.w.w.Method == model.SpawnMap && b != nil {
			if b.fill(t.now); b.credit < b.cost {
				t.resumeAt(c, t.now+b.cost-b.credit)
				return
			}
		}
		in := t.newInput(c)
		c.inputs = append(c.inputs, in)
		t.inputs = append(t.inputs, in)
		t.submit(in)
	}
}

// resumeAt gives the call one event of its own.
func (t *twin) resumeAt(c *twinCall, at sim.Time) {
	if c.resume == at {
		return
	}
	c.resume = at
	t.add(&twinEvent{at: at, class: twinSubmission, key: [3]int64{int64(c.w.index), c.number, 0}, pool: c.w.p,
		can: func() bool { return !c.broken && c.resume == at },
		do:  func() { c.resume = -1; t.submitMore(c) }})
}

func (in *twinInput) name() string {
	return in.w.w.Name + "." + itoa(in.call.number) + "." + itoa(in.place)
}

// luck of an input for one of its attributes.
func (in *twinInput) luck(s sim.Stream) sim.Luck {
	if in.w.many {
		return s.Sub(uint64(in.call.number)).At(uint64(in.place))
	}
	return s.At(uint64(in.call.number))
}

func (t *twin) newInput(c *twinCall) *twinInput {
	w := c.w
	in := &twinInput{w: w, call: c, place: int64(len(c.inputs) + 1), phase: "outside", since: t.now}
	in.row = model.InputRow{Replication: t.trial.Replication, Function: w.w.Function, Workload: w.w.Name,
		Call: c.number, Input: int(in.place), Size: 1, Submitted: t.now, Admitted: model.Unset,
		Assigned: model.Unset, Started: model.Unset, Completed: model.Unset}
	if w.w.Size != nil {
		luck := in.luck(w.streams["size"])
		in.row.Size = w.w.Size.Sampler().Sample(&luck)
	}
	if d := w.p.f.Service.Time; d != nil {
		luck := in.luck(w.streams["demand"])
		in.demand = d.Sampler().Sample(&luck)
	}
	if d := w.p.f.Overhead; d != nil {
		luck := in.luck(w.streams["overhead"])
		in.row.Parts[model.Overhead] = sim.Round(d.Sampler().Sample(&luck))
	}
	if !math.IsNaN(c.size) {
		in.row.Size = c.size
	}
	if !math.IsNaN(c.demand) {
		in.demand = c.demand
	}
	t.tokens(in)
	return in
}

// submit is one submission or re-submission of an input (rule 3).
func (t *twin) submit(in *twinInput) {
	p := in.w.p
	if reason, ok := t.refusal(in); ok {
		t.refused(in, reason)
		return
	}
	in.row.Admitted = t.now
	in.row.Parts[model.Backoff] += t.now - in.since
	t.enqueue(in)
	if d := in.w.w.Client.Patience; d != nil {
		luck := in.luck(in.w.streams["patience"])
		t.add(&twinEvent{at: t.now + sim.Round(d.Sampler().Sample(&luck)), class: twinPatience, key: [3]int64{t.order()}, pool: p,
			can: func() bool { return in.phase == "queued" && in.row.Assigned == model.Unset },
			do: func() {
				p.unqueue(in)
				p.fell = t.now
				t.waited(in, nil)
				t.leave(in, model.Abandoned)
				t.falls(p)
			}})
	}
	t.dispatch(p)
}

// enqueue puts the input at the tail of the queue.
func (t *twin) enqueue(in *twinInput) {
	p := in.w.p
	in.phase, in.since = "queued", t.now
	p.put = true
	p.queue = append(p.queue, in)
}

func (p *twinPool) unqueue(in *twinInput) {
	for i := range p.queue {
		if p.queue[i] == in {
			p.queue = append(p.queue[:i:i], p.queue[i+1:]...)
			return
		}
	}
}

// refusal is why a submission is rejected, if it is.
func (t *twin) refusal(in *twinInput) (model.Outcome, bool) {
	async := in.w.w.Method.Async()
	b := t.rates[0]
	if async {
		b = t.rates[1]
	}
	if b != nil {
		if b.fill(t.now); b.credit < b.cost {
			return model.RateLimit, true
		}
		b.credit -= b.cost
	}
	p, l := in.w.p, &t.cfg.Platform.Limits
	if len(p.queue) == 0 && (p.openBatch != nil || len(p.free()) > 0) {
		return 0, false
	}
	pending, assigned := 0, 0
	for _, q := range p.queue {
		if q.w.w.Method.Async() == async {
			pending++
		}
	}
	for _, c := range p.containers {
		for _, it := range c.items {
			for _, other := range it.inputs {
				if other.w.w.Method.Async() == async {
					assigned++
				}
			}
		}
	}
	switch {
	case async && l.PendingAsync != model.None && pending >= l.PendingAsync:
		return model.PendingLimit, true
	case !async && l.PendingSync != model.None && pending >= l.PendingSync:
		return model.PendingLimit, true
	case !async && l.TotalSync != model.None && pending+assigned >= l.TotalSync:
		return model.TotalLimit, true
	}
	return 0, false
}

// backoff is delay n of a policy.
func backoff(r model.Retries, n int) sim.Time {
	return min(r.MaxDelay, sim.Round(float64(r.InitialDelay)*math.Pow(r.BackoffCoefficient, float64(n-1))))
}

// refused follows a rejection: back-off, or the input is lost.
func (t *twin) refused(in *twinInput, reason model.Outcome) {
	r := in.w.w.Client.Retry
	if in.w.many {
		r = model.Retries{Max: model.None, InitialDelay: sim.Second / 10, BackoffCoefficient: 2, MaxDelay: 15 * sim.Second}
		if in.w.w.Method == model.SpawnMap {
			r.MaxDelay = 30 * sim.Second
		}
	}
	in.rejections++
	if r.Max != model.None && in.rejections > r.Max {
		in.row.Parts[model.Backoff] += t.now - in.since
		t.leave(in, reason)
		return
	}
	moved := t.moved
	at := t.now + backoff(r, in.rejections)
	t.add(&twinEvent{at: at, class: twinSubmission, key: [3]int64{int64(in.w.index), in.call.number, in.place},
		pool: in.w.p, can: func() bool { return in.phase == "outside" },
		do: func() { t.moved = moved; t.submit(in) }})
}

// leave ends an input.
func (t *twin) leave(in *twinInput, outcome model.Outcome) {
	c, r := in.call, &in.row
	in.phase, in.item = "gone", nil
	r.Completed, r.Outcome = t.now, outcome
	r.Latency = t.now - r.Submitted + r.Parts[model.Overhead]
	in.tellTokens()
	c.ended++
	t.lastEnd = t.now
	bad := outcome == model.Failed || outcome == model.TimedOut || outcome == model.Abandoned
	switch {
	case c.broken:
	case bad && c.w.w.Method.Maps() && !c.w.w.ReturnExceptions:
		t.breakCall(c)
	case c.ended == c.total:
		t.callOver(c)
	case c.w.w.Method.Maps() && int64(len(c.inputs)) < c.total:
		t.resumeAt(c, t.now)
	}
	if c.ended == c.total {
		t.open--
	}
}

func (t *twin) callOver(c *twinCall) {
	c.span = t.now - c.start
	if c.client > 0 {
		t.think(c.w, c.client, t.now)
	}
}

// breakCall ends a map at its first final failure.
func (t *twin) breakCall(c *twinCall) {
	c.broken = true
	c.total = int64(len(c.inputs))
	t.callOver(c)
	p := c.w.p
	for _, in := range c.inputs {
		switch in.phase {
		case "queued":
			p.unqueue(in)
			p.fell = t.now
			t.waited(in, nil)
		case "outside", "delay":
			in.row.Parts[model.Backoff] += t.now - in.since
		default:
			continue
		}
		if in.phase == "gone" {
			continue
		}
		// leave would count the call over when its last input is cancelled.
		in.phase = "gone"
		in.row.Completed, in.row.Outcome = t.now, model.Cancelled
		in.row.Latency = t.now - in.row.Submitted + in.row.Parts[model.Overhead]
		in.tellTokens()
		c.ended++
	}
	t.falls(p)
}

// --- Dispatch and service (rules 4, 5, 6, 10) ---

// free lists the ready containers with a free slot.
func (p *twinPool) free() []*twinContainer {
	var free []*twinContainer
	for _, c := range p.containers {
		if c.state == "ready" && len(c.items) < c.slots {
			free = append(free, c)
		}
	}
	return free
}

// route chooses one of the containers with a free slot.
func (t *twin) route(p *twinPool) *twinContainer {
	free := p.free()
	pl := &t.cfg.Platform
	better := func(a, b *twinContainer) bool { return false } // lists are in order of number
	idleFirst := func(a, b *twinContainer) (bool, bool) {
		if x, y := len(a.items) == 0, len(b.items) == 0; !pl.Pack && x != y {
			return x, true
		}
		return false, false
	}
	switch pl.Routing {
	case model.MostRecent:
		better = func(a, b *twinContainer) bool {
			if r, ok := idleFirst(a, b); ok {
				return r
			}
			return a.lastFall > b.lastFall
		}
	case model.LongestIdle:
		better = func(a, b *twinContainer) bool {
			if r, ok := idleFirst(a, b); ok {
				return r
			}
			return a.lastFall < b.lastFall
		}
	case model.LeastLoaded:
		better = func(a, b *twinContainer) bool { return len(a.items) < len(b.items) }
	case model.MostLoaded:
		better = func(a, b *twinContainer) bool { return len(a.items) > len(b.items) }
	case model.Newest:
		better = func(a, b *twinContainer) bool { return a.number > b.number }
	case model.RoundRobin:
		for _, c := range free {
			if c.number > p.lastChosen {
				p.lastChosen = c.number
				return c
			}
		}
		p.lastChosen = free[0].number
		return free[0]
	case model.Random:
		p.drawn++
		luck := p.routing.At(p.drawn)
		return free[luck.Uint64()%uint64(len(free))]
	}
	best := free[0]
	for _, c := range free {
		if better(c, best) {
			best = c
		}
	}
	return best
}

func (t *twin) dispatch(p *twinPool) {
	for len(p.queue) > 0 && (p.openBatch != nil || len(p.free()) > 0) {
		in := p.queue[0]
		p.queue = p.queue[1:]
		it := p.openBatch
		if it == nil {
			it = t.newItem(p)
		}
		c := it.c
		t.waited(in, c)
		in.phase, in.item, in.taken = "batch", it, t.order()
		in.row.Assigned, in.row.Started, in.row.Container = t.now, model.Unset, c.number
		it.inputs = append(it.inputs, in)
		in.row.BatchSize = 0
		c.row.Inputs++
		if n := p.f.Batched.MaxBatchSize; n == 0 || len(it.inputs) == n {
			t.begin(it)
		}
	}
}

// newItem takes a free slot.
func (t *twin) newItem(p *twinPool) *twinItem {
	c := t.route(p)
	it := &twinItem{c: c}
	if len(c.items) == 0 {
		c.expired = false
		c.busySince = t.now
	}
	c.items = append(c.items, it)
	if p.f.Batched.MaxBatchSize > 0 {
		p.openBatch = it
		if wait := p.f.Batched.Wait; wait > 0 {
			t.add(&twinEvent{at: t.now + wait, class: twinBatchWait, key: [3]int64{t.order()}, pool: p,
				can: func() bool { return p.openBatch == it }, do: func() { t.begin(it) }})
		}
	}
	return it
}

// waited ends a wait in the queue, with the container that ended it or none.
func (t *twin) waited(in *twinInput, c *twinContainer) {
	cold := sim.Time(0)
	if c != nil {
		cold = max(0, c.row.Ready-max(in.since, c.row.Created))
	}
	in.row.Parts[model.Cold] += cold
	in.row.Parts[model.Queue] += t.now - in.since - cold
}

// begin starts the service of an item.
func (t *twin) begin(it *twinItem) {
	c := it.c
	p := c.p
	if p.openBatch == it {
		p.openBatch = nil
	}
	t.work(c)
	it.order, it.began, it.active = t.order(), t.now, true
	if c.engine != nil {
		t.enter(it)
	} else {
		it.demand = t.demand(it)
	}
	it.left = ns(it.demand)
	it.due = -1
	c.served = true
	if t.now >= t.cfg.Warmup && (t.cfg.Horizon == 0 || t.now <= t.cfg.Horizon) {
		p.levels.items++
		p.levels.itemInputs += int64(len(it.inputs))
	}
	for _, in := range it.inputs {
		in.phase = "service"
		in.row.Started = t.now
		in.row.Attempts = in.retries + 1
		in.row.BatchSize = len(it.inputs)
		in.row.Parts[model.BatchWait] += t.now - in.row.Assigned
	}
	t.redate(c)
	t.add(&twinEvent{at: t.now + p.f.Timeout, class: twinTimeout, key: [3]int64{it.order}, pool: p,
		can: func() bool { return it.active }, do: func() { t.timeout(it) }})
}

// demand is how long the item takes when alone.
func (t *twin) demand(it *twinItem) sim.Time {
	s := &it.c.p.f.Service
	ns := 0.0
	switch {
	case s.FirstInput != nil && !it.c.served:
		luck := it.c.p.firsts.At(uint64(it.c.number))
		ns = s.FirstInput.Sampler().Sample(&luck)
	case it.c.p.f.Batched.MaxBatchSize > 0 && s.Batch != nil:
		units := 0.0
		for _, in := range it.inputs {
			if s.Batch.Units == service.Max {
				units = max(units, in.row.Size)
			} else {
				units += in.row.Size
			}
		}
		ns = s.Batch.At(len(it.inputs)) + s.PerUnit*units
	default:
		for _, in := range it.inputs {
			ns = max(ns, in.demand+s.PerUnit*in.row.Size)
		}
	}
	if s.NoiseCV > 0 {
		lead := it.inputs[0]
		luck := lead.luck(lead.w.streams["noise"].Sub(uint64(lead.retries)))
		ns *= service.Noise(s.NoiseCV, &luck)
	}
	return sim.Round(ns)
}

// ns is a time as an exact number.
func ns(t sim.Time) *big.Rat { return new(big.Rat).SetInt64(int64(t)) }

func floor(x *big.Rat) sim.Time {
	return sim.Time(new(big.Int).Div(x.Num(), x.Denom()).Int64())
}

func ceil(x *big.Rat) sim.Time { return -floor(new(big.Rat).Neg(x)) }

// roundHalfDown rounds remaining work, so that the work done is rounded with halves up.
func roundHalfDown(x *big.Rat) sim.Time { return ceil(new(big.Rat).Sub(x, big.NewRat(1, 2))) }

// exactAt is a curve at n: linear between its points, extended by its first and last segments.
func exactAt(c service.Curve, n int) *big.Rat {
	at := func(i int) *big.Rat { return new(big.Rat).SetFloat64(c[i].NS) }
	if len(c) == 1 {
		return at(0)
	}
	i := 0
	for i+2 < len(c) && c[i+1].N < n {
		i++
	}
	slope := new(big.Rat).Sub(at(i+1), at(i))
	slope.Quo(slope, big.NewRat(int64(c[i+1].N-c[i].N), 1))
	return at(i).Add(at(i), slope.Mul(slope, big.NewRat(int64(n-c[i].N), 1)))
}

// speed is v(k) = L(1)/L(k) for what is in service on the container now.
func (c *twinContainer) speed() *big.Rat {
	k := 0
	for _, it := range c.items {
		if it.active {
			k++
		}
	}
	curve := c.p.f.Service.Concurrency
	if len(curve) == 0 || k == 0 {
		return big.NewRat(1, 1)
	}
	return new(big.Rat).Quo(exactAt(curve, 1), exactAt(curve, k))
}

// work brings the remaining work of a container up to now.
func (t *twin) work(c *twinContainer) {
	v := c.speed()
	for _, it := range c.items {
		if it.active {
			it.left.Sub(it.left, new(big.Rat).Mul(v, ns(t.now-max(c.shared, it.began))))
		}
	}
	c.shared = t.now
}

// redate dates the completions of a container anew: at the first whole ns at which at most 0.001 ns
// of work remains.
func (t *twin) redate(c *twinContainer) {
	v := c.speed()
	for _, it := range c.items {
		if c.engine != nil || !it.active || it.due == t.now {
			continue
		}
		left := new(big.Rat).Sub(it.left, big.NewRat(1, 1000))
		due := t.now + max(0, ceil(left.Quo(left, v)))
		if due == it.due {
			continue
		}
		it.due = due
		t.add(&twinEvent{at: due, class: twinCompletion, key: [3]int64{it.order}, pool: c.p,
			can: func() bool { return it.active && it.due == due }, do: func() { t.complete(it) }})
	}
}

func (t *twin) complete(it *twinItem) {
	p, c := it.c.p, it.c
	t.remove(it)
	p.fell = t.now
	for _, in := range it.inputs {
		served := it.demand
		if c.engine != nil {
			served = min(served, t.now-it.began)
		}
		in.row.Parts[model.Served] += served
		in.row.Parts[model.Interference] += t.now - it.began - served
		failed := false
		if rate := p.f.Failures.Rate; rate > 0 {
			luck := in.luck(in.w.streams["failure"].Sub(uint64(in.row.Attempts)))
			failed = luck.Float64() < rate
		}
		if failed {
			t.attemptFailed(in, model.Failed)
		} else {
			t.leave(in, model.Completed)
		}
	}
	t.emptied(c)
	t.falls(p)
}

// attemptFailed retries the input or ends it.
func (t *twin) attemptFailed(in *twinInput, outcome model.Outcome) {
	p := in.w.p
	r := p.f.Retries
	in.item = nil
	if in.call.broken || r.Max != model.None && in.retries >= r.Max {
		t.leave(in, outcome)
		return
	}
	in.retries++
	in.phase, in.since = "delay", t.now
	t.add(&twinEvent{at: t.now + backoff(r, in.retries), class: twinSubmission,
		key: [3]int64{int64(in.w.index), in.call.number, in.place}, pool: p,
		can: func() bool { return in.phase == "delay" },
		do: func() {
			in.row.Parts[model.Backoff] += t.now - in.since
			t.enqueue(in)
		}})
}

func (t *twin) timeout(it *twinItem) {
	p, c := it.c.p, it.c
	t.work(c)
	for _, in := range it.inputs {
		t.cut(in, it)
	}
	t.remove(it)
	p.fell = t.now
	for _, in := range it.inputs {
		t.attemptFailed(in, model.TimedOut)
	}
	if p.f.TimeoutKills {
		back := t.takeBack(c)
		t.putBack(back)
		t.stop(c, "timeout")
	} else {
		t.emptied(c)
	}
	t.falls(p)
}

func itoa(n int64) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + string(rune('0'+n%10))
}
