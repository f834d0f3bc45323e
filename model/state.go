package model

import (
	"github.com/simcap/simcap/model/dist"
	"github.com/simcap/simcap/model/service"
	"github.com/simcap/simcap/model/workload"
	"github.com/simcap/simcap/sim"
)

// none is the index of nothing.
const none = int32(-1)

// inputState says where an input is.
type inputState uint8

const (
	waiting   inputState = iota // in the function's queue
	assigned                    // in a batch that has not begun service
	running                     // in service
	backedOff                   // rejected, its client waits to submit it again
	retrying                    // failed or timed out, waits to be tried again
)

// input is one unit of work, from its first submission until it leaves for good. What fills a slot is
// an item: a batch, or without batching a single input. An item is known by its lead, the input that
// opened it, which also holds what belongs to the item as a whole.
type input struct {
	submitted, admitted, assignedAt, started sim.Time
	since                                    sim.Time // when the present wait or attempt began
	demand                                   float64  // ns, before per_unit and noise
	size                                     float64
	overhead                                 sim.Time

	parts     [NumParts - 1]sim.Time // all but the overhead
	number    int64                  // of its call, within the workload
	serial    int64                  // order of first submission within the run
	container int64                  // number of the last one assigned, 0: none
	taken     uint64                 // order in which it was last taken from the queue

	workload                      int32
	place                         int32 // within its call, from 1
	next, prev                    int32 // in the queue, or in an item
	lead                          int32 // of its item
	batchSize                     int32 // of the last item begun, 0: not begun
	rejections, retries, attempts int32
	call                          int32 // none: a call of one input
	client                        int32 // of a closed workload, when it is a call of its own
	nextOfCall, prevOfCall        int32
	state                         inputState
	item                          item // if it is the lead
}

// item is what fills a slot, as its lead holds it.
type item struct {
	order      uint64 // of beginning service; of opening before that
	demand     sim.Time
	ends       sim.Time // without sharing: when it completes or times out
	tag        wide     // with sharing: the container's attained service at which it completes
	on         int32    // the container
	last       int32    // the last of its inputs
	count      int32    // its inputs
	next, prev int32    // items in service of the container, in order of beginning
	place      int32    // in the container's heap
	begun      bool     // in service
	expires    bool     // ends by timeout
}

// call is a call with many inputs.
type call struct {
	number              int64
	start               sim.Time
	total, sent, ended  int64 // inputs: in all, submitted so far, finished
	workload, client    int32
	firstLive, lastLive int32 // its unfinished inputs, in order
	broken, over        bool
	resumes, breaking   bool    // has an event to submit more; is being broken
	size, demand        float64 // of each input, from a trace; NaN: drawn
	prompt, output      float64 // tokens, likewise
}

type containerState uint8

const (
	starting containerState = iota
	ready
	draining
	stopped
)

// container is one container, from its creation until it stops. What the express lane uses comes first,
// so that it lies in few lines of the cache.
type container struct {
	lane                 *express // that its pool has, or nil
	seat                 int32    // within its pool
	count                int32    // inputs it holds, in the lane
	items                int32    // slots in use
	active               int32    // items in service
	idle, expired        bool     // in the list of idle ones; and past its window
	state                containerState
	caller               int32    // of the input that it serves, in a quick lane
	submitted            sim.Time // when that was
	demand, started      sim.Time // of what it serves, in the lane
	order                uint64   // of beginning that
	readyAt              sim.Time
	idleSince            sim.Time
	idleOrder            uint64
	busySince, busy      sim.Time // and the total so far
	inputs               int64    // assigned to it so far
	number               int64    // within the function, from 1
	created              sim.Time
	pool                 int32
	next, prev           int32 // among starting containers
	version              int32 // deploys before it was created
	used, served         bool  // single use spent; first input served
	initial, replacement bool  // made at time 0; stands in for an old one when ready
	snapshot             bool  // starts from a snapshot
	failing              bool  // its start will end as a failed one
	crashes              bool  // its crash date is that of a crash, not of a preemption
	billedFrom           sim.Time
	lastFall             uint64 // when its in-flight count last fell, or it became ready, see fall
	crashAt              sim.Time
	born                 uint64
	slots                int32
	firstItem, lastItem  int32       // in service, in order of beginning
	older, younger       int32       // among live and draining ones, by number
	heap                 []inService // more than one slot: the items in service
	engine               *engine     // of an LLM function; nil: none, or it has stopped
	attained             wide        // with sharing: service given to each item since it was last empty
	workedTo             sim.Time
}

// pool is a function's containers, queue and settings in force.
type pool struct {
	set   *Function
	index int32
	// Settings that updates change.
	minContainers, maxContainers, buffer int
	window                               sim.Time
	top, fixed                           int // most live containers; how many there always are, -1: it varies

	first, last                 int32 // queue
	queued                      int64
	open                        int32 // batch that takes inputs, or none
	outstanding                 int64 // queued + assigned
	assignedSync                int64
	queuedSync                  int64
	fellAt                      sim.Time // when outstanding last fell
	everFell                    bool
	fellOrder                   uint64
	queuedNow                   bool    // an input entered the queue during this event
	refused                     Outcome // why it last rejected a submission, or Completed if it never did
	end                         int32   // closes the lists of idle, starting and all containers, see idle.go
	tieFront                    int32   // first idle container as recent as the last, if its idleOrder is
	tieOrder                    uint64
	idledAt                     sim.Time // when a container last became idle
	unexpired                   int32    // first idle container that has not expired, if any has
	expired                     int      // idle containers past their window
	expiryDated                 bool     // the timer of expiries has a date
	starting, live, busyLive    int      // live = starting + ready; busyLive: live ones that hold an input
	restless                    bool     // an event may ask for the autoscaler's decision at once
	created                     int64
	version                     int32
	versionBase                 int64           // containers created before the present version
	owed                        int             // replacements of a rolling deploy that had no room yet
	seats                       sim.Slab[int32] // container by seat
	standing                    bool            // its containers share one seat, which holds nothing for long
	routes                      sim.Selector    // containers with a free slot, by seat
	lastChosen, routed          int64
	byList                      bool     // routing reads the list of idle containers
	express                     *express // nil: inputs are in the slab
	llm                         *llmPool // nil: no LLM function
	recent                      bool     // routing takes the most recent
	alone                       bool     // byList, and a slot holds one input: the common case has short cuts
	sharing, polls, lapses      bool
	slotsMax, target, batchMax  int32
	hardMax                     int32   // the platform's hard cap
	perContainer                float64 // gain / inputs a container is meant to hold
	onePer                      bool    // which is 1
	batchNS                     []float64
	speed, slowness             []wide // v(k) and 1/v(k), by number of items in service
	units                       service.Units
	firstDemand                 drawn
	price                       float64 // USD per container and second
	gpus                        int
	cold                        sim.Stream
	crash, preempt, routeStream sim.Stream
	stages, snapStages          []stage
	book                        poolBook
}

// stage is a cold-start stage ready for drawing.
type stage struct {
	fixed  sim.Time
	draw   dist.Sampler // nil: fixed
	mean   float64      // of an exponential, which most starts are drawn from; else 0
	billed bool
}

// caller is a workload in the run.
type caller struct {
	set            *Workload
	index          int32
	pool           int32
	many           bool
	maps           bool
	async          bool
	closed         bool
	single         bool     // arrivals are one call each
	express        *express // lane of its pool, or nil
	quick          bool     // and it can take the quick lane
	sync           int64    // 1, or 0 if the method is asynchronous
	bucket         *bucket  // that its submissions draw from, or nil
	retry          Retries
	source         workload.Source
	sourceOpen     bool
	ahead          *readAhead       // nil: the source knows more of its arrivals than instants
	next           workload.Arrival // the arrival that comes next
	calls          int64            // made so far
	groups         int64
	start          sim.Time
	stop           sim.Time
	most           int64 // calls at most
	think          drawn
	demand         drawn
	size           drawn
	extra          drawn    // overhead
	overhead       sim.Time // where it is constant
	inputs         drawn
	group          drawn
	patient        drawn
	impatient      bool // patience is set
	failure, noise sim.Stream
	llm            *llmBook // nil: it calls no LLM function
	thoughts       []int64  // times each client has thought
	book           callerBook
}

// readAhead holds instants of arrivals that a source gave in one go.
type readAhead struct {
	source   workload.Instants
	used, of uint // of the block
	ended    bool // nothing comes after this block
	demands  bool // demand holds what the inputs of these arrivals bring, rounded: one call each, in step
	at       [blockSize]sim.Time
	demand   [blockSize]sim.Time
}

// blockSize is how many arrivals or draws are made in one go. Draw i of a stream depends on i alone,
// so that making some early changes nothing.
const blockSize = 64

// drawn is a random attribute: a constant, or a sampler and the stream it draws from.
type drawn struct {
	value  float64
	draw   dist.Sampler // nil: constant
	stream sim.Stream
	block  *[blockSize]float64 // draws from index first on; nil: none yet
	first  uint64
}

func newDrawn(d dist.Dist, fallback float64, stream sim.Stream) drawn {
	if d == nil {
		return drawn{value: fallback}
	}
	if v, ok := dist.IsConstant(d); ok {
		return drawn{value: v}
	}
	return drawn{draw: d.Sampler(), stream: stream}
}

// at is draw i. The luck is kept in the machine: one on the stack would escape to the heap through
// the sampler's interface.
func (m *machine) at(d *drawn, i uint64) float64 {
	if d.draw == nil {
		return d.value
	}
	m.luck = d.stream.At(i)
	return d.draw.Sample(&m.luck)
}

// inTurn is draw i of an attribute whose draws are wanted in rising order.
func (m *machine) inTurn(d *drawn, i uint64) float64 {
	if d.draw == nil {
		return d.value
	}
	if d.block == nil || i-d.first >= blockSize {
		if d.block == nil {
			d.block = new([blockSize]float64)
		}
		d.first = i
		dist.Fill(d.draw, d.stream, i, d.block[:], &m.luck)
	}
	return d.block[i-d.first]
}

// of is the draw of one input, addressed by its call and its place in it, so that it does not depend
// on the order in which inputs of different calls are submitted.
func (m *machine) of(d *drawn, call int64, place int32, many bool) float64 {
	if d.draw == nil {
		return d.value
	}
	m.luck = luckOf(d.stream, call, place, many)
	return d.draw.Sample(&m.luck)
}

func luckOf(s sim.Stream, call int64, place int32, many bool) sim.Luck {
	if many {
		return s.Sub(uint64(call)).At(uint64(place))
	}
	return s.At(uint64(call))
}

// count is a draw rounded to nearest, at least 1.
func (m *machine) count(d *drawn, i uint64) int64 {
	if d.draw == nil && d.value == 1 {
		return 1
	}
	return max(1, int64(sim.Round(m.at(d, i))))
}
