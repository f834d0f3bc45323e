package model

import (
	"cmp"
	"slices"

	"github.com/simcap/simcap/sim"
	"github.com/simcap/simcap/stats"
)

// Tally is what one run counted, before any estimate is made of it.
type Tally struct {
	End       sim.Time // the run's end
	WindowEnd sim.Time // of the statistics: the horizon, or the end without one
	Window    sim.Time // its length
	BinWidth  sim.Time // of the series
	Bins      int
	Inputs    int64 // submitted in all, the window or not
	Peak      int64 // live containers of all functions, over the window
	Functions []FunctionTally
	Workloads []WorkloadTally
}

// WorkloadTally counts the inputs of one workload that were first submitted in the window.
type WorkloadTally struct {
	Function    int // index
	Outcomes    [NumOutcomes]int64
	Retried     int64
	ColdStarted int64
	Latency     *stats.Sketch // ns, of completed inputs
	Makespans   *stats.Sketch // ns, of calls that are over
	Calls       int64
	Bands       []BandTally // of completed inputs, by rising latency
	QueueNS     float64     // time integral of the queue over the window
	LLM         *LLMTally   // nil: it calls no LLM function
	// Series by bin.
	Arrived   []int64
	Rejected  []int64
	QueueBins []float64 // time integral, ns
	QueuePeak []int64
	Latencies [][]Bin // completions by coarse bucket, see CoarseValue
}

// LLMTally counts the tokens of one workload's inputs that were first submitted in the window.
type LLMTally struct {
	Prompts, Outputs int64         // tokens, of completed inputs
	Preempted        int64         // inputs that an engine preempted, completed or not
	TTFT, TPOT       *stats.Sketch // ns, of completed inputs; TPOT of those with more than one output token
	Speeds           *stats.Sketch // output tokens by latency, in 1e-9 per second
}

// EngineTally counts what the LLM engines of one function did over the whole run.
type EngineTally struct {
	Iterations, Tokens int64
	Beyond             int64 // iterations of more tokens than the base was measured at
	MostTokens         int   // of an iteration
	MostContext        int64 // tokens that the sequences of an iteration had behind them
	Preemptions        int64
	Refused            int64 // attempts that could never fit
}

// BandTally sums the parts of completed inputs whose latencies share one narrow range.
type BandTally struct {
	Bucket int // rises with latency
	Inputs int64
	Parts  [NumParts]float64 // ns
}

// CoarseValue is the middle in nanoseconds of a coarse bucket of WorkloadTally.Latencies.
func CoarseValue(bucket uint16) float64 {
	low := stats.BucketValue(int(bucket) << coarseShift)
	high := stats.BucketValue((int(bucket)+1)<<coarseShift - 1)
	return float64(low)/2 + float64(high)/2
}

// FunctionTally counts the containers of one function over the window. Times are integrals in
// nanoseconds: container-time.
type FunctionTally struct {
	LiveNS, StartingNS, ReadyNS, BusyNS float64
	ColdNS                              float64 // billed starting time
	Peak, Started, Stopped              int64
	LifetimeNS                          float64 // sum over those stopped in the window
	Items, ItemInputs                   int64   // begun in the window
	BatchSizes                          []int64 // element n-1: items of n inputs
	PricePerS                           float64
	Stages                              []StageTally
	Engine                              *EngineTally // nil: no LLM function
	Gantt                               []ContainerRow
	// EveryReady and EveryUnready are how many containers a row of Gantt stands for: one that became ready
	// and one that did not.
	EveryReady, EveryUnready int64
	// Series by bin: time integrals in nanoseconds.
	LiveBins, StartingBins, ReadyBins, BusyBins, DrainingBins, ColdBins []float64
	LivePeak                                                            []int64
}

// StageTally sums a cold-start stage over the containers that began to start in the window.
type StageTally struct {
	Name    string
	Billed  bool
	Count   int64
	TotalNS float64
}

// finish ends the run and sums it up.
func (m *machine) finish() (*Tally, error) {
	if m.audit != nil {
		m.audit.end(m)
	}
	end := max(m.now, m.cfg.Horizon)
	m.book.advance(m, end)
	m.book.flushLast(m, end)
	for i := range m.pools {
		p := &m.pools[i]
		for ci := m.oldest(p); ci != p.end; ci = m.containers.At(ci).younger {
			c := m.containers.At(ci)
			if c.items > 0 {
				c.busy += end - c.busySince
			}
			if c.readyAt == sim.Never {
				p.book.billCold(m, c, end)
			}
			if p.llm != nil {
				p.llm.count.add(&c.engine.count)
			}
			m.containerEnds(p, c, end, "end")
		}
	}
	m.rows.writeContainers(m, true)
	m.fail(m.tooMuch())
	if m.failure != nil {
		return nil, m.failure
	}
	for i := range m.callers {
		if w := &m.callers[i]; w.express != nil {
			m.submitted += w.calls
		}
	}
	t := &Tally{End: end, WindowEnd: end, BinWidth: m.book.binWidth, Inputs: m.submitted,
		Peak: m.book.live.windowPeak}
	if m.cfg.Horizon > 0 {
		t.WindowEnd = m.cfg.Horizon
	}
	t.Window = max(0, t.WindowEnd-m.cfg.Warmup)
	for i := range m.pools {
		t.Functions = append(t.Functions, m.pools[i].tally())
	}
	for i := range m.callers {
		t.Workloads = append(t.Workloads, m.callers[i].tally())
	}
	if len(t.Functions) > 0 {
		t.Bins = len(t.Functions[0].LiveBins)
	}
	return t, nil
}

// flushLast flushes at the end of the run, in the middle of a bin.
func (b *book) flushLast(m *machine, end sim.Time) {
	b.live.collect(end, b.inWindow, true)
	for i := range m.pools {
		m.pools[i].book.collect(end, b.inWindow, true)
	}
	for i := range m.callers {
		m.callers[i].collect(end, b.inWindow, true)
	}
}

func (w *caller) tally() WorkloadTally {
	b := &w.book
	latency := &stats.Sketch{}
	if b.latency != nil {
		latency = b.latency.Sketch(b.latencySum)
	}
	t := WorkloadTally{
		Function: int(w.pool), Outcomes: b.outcomes, Retried: b.retried, ColdStarted: b.coldStarted,
		Latency: latency, Makespans: &b.makespans, Calls: b.calls, QueueNS: b.queue.window,
		Arrived: b.arrivals, Rejected: b.rejected, QueueBins: b.queue.Bins, QueuePeak: b.queue.Peaks,
		Latencies: b.latencies,
	}
	if l := w.llm; l != nil {
		t.LLM = &LLMTally{Prompts: l.prompts, Outputs: l.outputs, Preempted: l.preempted, TTFT: &l.ttft,
			TPOT: &l.tpot, Speeds: &l.speeds}
	}
	if !w.many && b.plain {
		t.Makespans = &stats.Sketch{}
		t.Makespans.Merge(&b.makespans)
		t.Makespans.Merge(latency)
	}
	for i := range b.bands {
		if b.bands[i].Inputs == 0 {
			continue
		}
		b.bands[i].Bucket = i
		t.Bands = append(t.Bands, b.bands[i])
	}
	return t
}

func (p *pool) tally() FunctionTally {
	b := &p.book
	t := FunctionTally{
		LiveNS: b.live.window, StartingNS: b.starting.window, ReadyNS: b.ready.window,
		BusyNS: b.busy.window, ColdNS: float64(b.cold), Peak: b.live.windowPeak, Started: b.started,
		Stopped: b.stops, LifetimeNS: b.lifetime, BatchSizes: b.batchSizes, PricePerS: p.price,
		Gantt:      slices.Concat(b.lived.rows, b.unready.rows),
		EveryReady: b.lived.every, EveryUnready: b.unready.every,
		LiveBins: b.live.Bins, StartingBins: b.starting.Bins, ReadyBins: b.ready.Bins,
		BusyBins: b.busy.Bins, DrainingBins: b.draining.Bins, ColdBins: b.coldBins,
		LivePeak: b.live.Peaks,
	}
	if l := p.llm; l != nil {
		n := &l.count
		t.Engine = &EngineTally{Iterations: n.iterations, Tokens: n.tokens, Beyond: n.beyond,
			MostTokens: n.mostTokens, MostContext: n.mostContext, Preemptions: n.preemptions,
			Refused: l.refused}
	}
	for i, n := range t.BatchSizes {
		t.Items += n
		t.ItemInputs += n * int64(i+1)
	}
	slices.SortFunc(t.Gantt, func(x, y ContainerRow) int { return cmp.Compare(x.Container, y.Container) })
	for i, sum := range b.stages {
		set := p.set.ColdStart.Stages
		prefix := ""
		if i >= len(set) {
			i -= len(set)
			set, prefix = p.set.ColdStart.Snapshot.Stages, "snapshot "
		}
		t.Stages = append(t.Stages, StageTally{
			Name: prefix + set[i].Name, Billed: set[i].Billed, Count: sum.count, TotalNS: sum.total})
	}
	return t
}
