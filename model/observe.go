package model

import (
	"fmt"

	"github.com/simcap/simcap/sim"
	"github.com/simcap/simcap/stats"
)

// level is a whole number that changes over time: its time integral and its peak since the last
// flush. A value counts for the peak only if it lasted, so that a stop and a start at one instant do
// not add.
//
// The integral up to an instant is the level there times that instant, less the sum of all changes
// times theirs. Such a sum may pass what a whole number holds and wraps around; so does the product,
// and the difference between two flushes, which stays below, is right all the same.
type level struct {
	n       int64
	last    sim.Time
	moments int64 // sum of changes × instants, wrapping
	peak    int64
	before  int64    // integral up to the last flush, wrapping
	from    sim.Time // of the last flush
	over    bool     // the integral since may have been more than a whole number holds
}

// mostSum is how much the whole numbers of a bin may sum up to: half of what they hold.
const mostSum = 1 << 62

func (l *level) add(now sim.Time, d int64) {
	peak, lasted := l.peak, l.n
	if now == l.last {
		lasted = peak
	}
	l.peak = max(peak, lasted)
	l.last = now
	l.moments += d * int64(now)
	l.n += d
}

// flush yields what has gathered up to now and begins anew.
func (l *level) flush(now sim.Time) (area float64, peak int64) {
	l.add(now, 0)
	integral := l.n*int64(now) - l.moments
	area, peak = float64(integral-l.before), l.peak
	l.over = l.over || float64(peak)*float64(now-l.from) > mostSum
	l.from, l.before, l.peak = now, integral, 0
	return area, peak
}

// track is a level with what was flushed of it: for the window and for each bin.
type track struct {
	level
	window     float64 // ns × n
	windowPeak int64
	bin        float64
	binPeak    int64
	Bins       []float64 // ns × n
	Peaks      []int64
}

func (t *track) collect(now sim.Time, inWindow, binEnds bool) {
	area, peak := t.flush(now)
	t.bin += area
	t.binPeak = max(t.binPeak, peak)
	if inWindow {
		t.window += area
		t.windowPeak = max(t.windowPeak, peak)
	}
	if binEnds {
		t.Bins = append(t.Bins, t.bin)
		t.Peaks = append(t.Peaks, t.binPeak)
		t.bin, t.binPeak = 0, 0
	}
}

func (t *track) halve() {
	t.Bins = addPairs(t.Bins)
	for i := 0; i < len(t.Peaks); i += 2 {
		peak := t.Peaks[i]
		if i+1 < len(t.Peaks) {
			peak = max(peak, t.Peaks[i+1])
		}
		t.Peaks[i/2] = peak
	}
	t.Peaks = t.Peaks[:(len(t.Peaks)+1)/2]
}

func addPairs[T int64 | float64](bins []T) []T {
	for i := 0; i < len(bins); i += 2 {
		sum := bins[i]
		if i+1 < len(bins) {
			sum += bins[i+1]
		}
		bins[i/2] = sum
	}
	return bins[:(len(bins)+1)/2]
}

// book keeps the run's time line: the window of the statistics and the bins of the pictures.
type book struct {
	mark     sim.Time // next instant at which levels are flushed
	from, to sim.Time // the window; to is Never without a horizon
	binWidth sim.Time
	binEnd   sim.Time
	bins     int
	inWindow bool
	live     track // containers of all functions
}

// Bins of the pictures: a run with a horizon has wantBins of them; when there are maxBins, because
// there is no horizon or the run goes on after it, pairs are joined.
const (
	wantBins = 360
	maxBins  = 720
	firstBin = 100 * sim.Millisecond // without a horizon
)

func (b *book) init(m *machine) {
	b.from, b.to = m.cfg.Warmup, sim.Never
	b.binWidth = firstBin
	if m.cfg.Horizon > 0 {
		b.to = m.cfg.Horizon
		b.binWidth = max(sim.Millisecond, (m.cfg.Horizon+wantBins-1)/wantBins)
	}
	b.binEnd = b.binWidth
	b.inWindow = b.from == 0
	b.remark(0)
	for i := range m.callers {
		w := &m.callers[i]
		w.book.plain = w.extra.draw == nil && w.extra.value == 0 && (w.llm == nil || w.llm.free())
	}
	for i := range m.pools {
		m.pools[i].book.init(&m.pools[i])
	}
}

func (b *book) remark(now sim.Time) {
	b.mark = b.binEnd
	if b.from > now {
		b.mark = min(b.mark, b.from)
	}
	if b.to > now {
		b.mark = min(b.mark, b.to)
	}
}

// advance flushes at every mark up to and including the given instant, before the events there.
func (b *book) advance(m *machine, until sim.Time) {
	for b.mark <= until {
		b.flush(m, b.mark)
	}
}

func (b *book) flush(m *machine, at sim.Time) {
	binEnds := at == b.binEnd
	for i := range m.pools {
		m.pools[i].book.collect(at, b.inWindow, binEnds)
	}
	for i := range m.callers {
		m.callers[i].collect(at, b.inWindow, binEnds)
	}
	b.live.collect(at, b.inWindow, binEnds)
	if at == b.from {
		b.inWindow = true
	}
	if at == b.to {
		b.inWindow = false
	}
	if binEnds {
		m.makeSmaller()
		b.bins++
		b.binEnd += b.binWidth
		if b.bins == maxBins {
			b.halve(m)
		}
	}
	b.remark(at)
}

// tooMuch says whose sums of a bin were more than a whole number holds, or nothing.
func (m *machine) tooMuch() error {
	for i := range m.callers {
		if w := &m.callers[i]; w.book.queue.over {
			return fmt.Errorf("workload %s: its inputs spend too much time to be summed up, over %d years "+
				"within one bin of the time line: give it fewer inputs, or the run a shorter horizon",
				w.set.Name, mostSum/int64(365*sim.Day))
		}
	}
	for i := range m.pools {
		b := &m.pools[i].book
		for _, t := range []*track{&b.live, &b.starting, &b.ready, &b.busy, &b.draining} {
			if t.over {
				return fmt.Errorf("function %s: its containers live too long to be summed up: set a "+
					"lower max_containers, or a shorter horizon", m.pools[i].set.Name)
			}
		}
	}
	return nil
}

// halve joins the bins in pairs.
func (b *book) halve(m *machine) {
	for i := range m.pools {
		m.pools[i].book.halve(b.binWidth)
	}
	for i := range m.callers {
		m.callers[i].book.halve()
	}
	b.live.halve()
	b.bins /= 2
	b.binEnd += b.binWidth
	b.binWidth *= 2
}

// covers says whether an input first submitted, or a call begun, at an instant is in the window.
func (b *book) covers(at sim.Time) bool { return at >= b.from && at < b.to }

// covered says whether something that happens to a container at an instant is in the window.
func (b *book) covered(at sim.Time) bool { return at >= b.from && at <= b.to }

// overlap is the part of [from, to] within the window.
func (b *book) overlap(from, to sim.Time) sim.Time {
	return max(0, min(to, b.to)-max(from, b.from))
}

// called counts a call of the workload.
func (b *book) called(m *machine, w *caller) {
	if b.covers(m.now) {
		w.book.calls++
	}
}

// callEnded records the makespan of a call that began at the given instant.
func (b *book) callEnded(m *machine, w *caller, began sim.Time) {
	if b.covers(began) {
		w.book.makespans.Record(int64(m.now - began))
	}
}

// liveChanges counts containers that become live, or no longer are.
func (m *machine) liveChanges(p *pool, by int) {
	p.live += by
	m.watchFleet(p)
	p.book.live.add(m.now, int64(by))
	m.book.live.add(m.now, int64(by))
}

// callerBook counts what becomes of a workload's inputs.
type callerBook struct {
	plain       bool // no overhead: the makespan of a completed call of one input is its latency
	calls       int64
	outcomes    [NumOutcomes]int64
	retried     int64
	coldStarted int64
	latency     *stats.Counts // of completed inputs; nil: there are none yet
	latencySum  float64       // up to this bin
	recent      *[bands]band  // what was counted in this bin
	bands       []BandTally   // of the bins before
	makespans   stats.Sketch  // but those that are latencies
	queue       track
	callsBooked int64 // calls of the express lane that calls and binArrived have
	binArrived  int64
	binRejected int64
	arrivals    []int64
	rejected    []int64
	latencies   [][]Bin
}

// band sums the parts of inputs of about one latency that completed in a bin, and counts them by coarse
// bucket: a line of the cache.
type band struct {
	parts  [NumParts]int64
	counts [1 << (bandShift - coarseShift)]uint32
}

// Bin is a count of a coarse bucket.
type Bin struct {
	Bucket uint16
	Count  uint32
}

// Coarse buckets: bands join 16 buckets of the sketch (8 to an octave), latencies over time 8.
const (
	bandShift   = 4
	coarseShift = 3
	bands       = stats.Buckets >> bandShift
)

// record books an input that leaves.
func (m *machine) record(i int32, in *input, w *caller, outcome Outcome) {
	b := &w.book
	if m.audit != nil {
		m.audit.leaves(m, in)
	}
	if m.book.covers(in.submitted) {
		if outcome != Completed {
			b.outcomes[outcome]++ // the completed are counted by latency
		}
		if in.retries > 0 {
			b.retried++
		}
		if in.parts[Cold] > 0 {
			b.coldStarted++
		}
		if outcome == Completed {
			b.completed(in, m.now)
		}
		if w.llm != nil {
			w.llm.record(m, in, &m.tokens[i], outcome)
		}
		if !w.many && (outcome != Completed || !b.plain) {
			b.makespans.Record(int64(m.now - in.submitted))
		}
	}
	if outcome >= RateLimit {
		b.binRejected++
	}
	if m.hooks.Rows.Input != nil {
		m.rows.input(m, i, in, w, outcome)
	}
}

// completed counts a completed input by its latency, and adds its parts to those of its band.
func (b *callerBook) completed(in *input, now sim.Time) {
	at := b.count(int64(now - in.submitted + in.overhead))
	at.parts[Backoff] += int64(in.parts[Backoff])
	at.parts[Cold] += int64(in.parts[Cold])
	at.parts[Queue] += int64(in.parts[Queue])
	at.parts[BatchWait] += int64(in.parts[BatchWait])
	at.parts[Served] += int64(in.parts[Served])
	at.parts[Interference] += int64(in.parts[Interference])
	at.parts[Overhead] += int64(in.overhead)
}

// waitedForStart takes what an input of the band waited for the start of a container out of what it waited.
func (b *callerBook) waitedForStart(at *band, cold sim.Time) {
	if cold > 0 {
		b.coldStarted++
		at.parts[Cold] += int64(cold)
		at.parts[Queue] -= int64(cold)
	}
}

// count counts a completed input by its latency and yields its band. What it counts gets to where it
// belongs at the end of the bin.
func (b *callerBook) count(latency int64) *band {
	if b.latency == nil {
		b.makeBands()
	}
	bucket := b.latency.Record(latency)
	if b.latency.Keeps() {
		b.latency.Keep(latency)
	}
	at := &b.recent[bucket>>bandShift]
	at.counts[bucket>>coarseShift%len(at.counts)]++
	return at
}

func (b *callerBook) makeBands() {
	b.latency = stats.NewCounts()
	b.recent = &[bands]band{}
	b.bands = make([]BandTally, bands)
}

// collect flushes what has gathered up to now.
func (w *caller) collect(now sim.Time, inWindow, binEnds bool) {
	b := &w.book
	b.queue.collect(now, inWindow, binEnds)
	if w.express != nil {
		calls := w.calls - b.callsBooked
		b.callsBooked = w.calls
		b.binArrived += calls
		if inWindow {
			b.calls += calls
		}
	}
	if !binEnds {
		return
	}
	b.arrivals = append(b.arrivals, b.binArrived)
	b.rejected = append(b.rejected, b.binRejected)
	b.binArrived, b.binRejected = 0, 0
	b.latencies = append(b.latencies, b.takeRecent())
}

// takeRecent moves what was counted of the inputs completed in a bin over to what came before, and
// yields their latencies by coarse bucket.
func (b *callerBook) takeRecent() (bins []Bin) {
	if b.latency == nil {
		return nil
	}
	low, high := b.latency.Span()
	longest := float64(stats.BucketValue(high + 1))
	total := int64(0)
	for i := low >> bandShift; i <= high>>bandShift; i++ {
		at := &b.recent[i]
		inputs := int64(0)
		for k, n := range at.counts {
			if n > 0 {
				bins = append(bins, Bin{uint16(i*len(at.counts) + k), n})
				inputs += int64(n)
				at.counts[k] = 0
			}
		}
		if inputs > 0 {
			total += inputs
			b.bands[i].Inputs += inputs
			b.latencySum += b.bands[i].take(&at.parts)
		}
	}
	b.outcomes[Completed] += total
	b.queue.over = b.queue.over || float64(total)*longest > mostSum
	b.latency.Turn(total)
	return bins
}

// take moves the sums of a bin over, whole numbers that could overflow over a long run, and yields
// their sum.
func (t *BandTally) take(parts *[NumParts]int64) (sum float64) {
	for i, part := range parts {
		if part != 0 { // most kinds of time are rare
			t.Parts[i] += float64(part)
			sum += float64(part)
			parts[i] = 0
		}
	}
	return sum
}

func (b *callerBook) halve() {
	b.queue.halve()
	b.arrivals, b.rejected = addPairs(b.arrivals), addPairs(b.rejected)
	for i := 0; i < len(b.latencies); i += 2 {
		joined := b.latencies[i]
		if i+1 < len(b.latencies) {
			joined = JoinBins(joined, b.latencies[i+1])
		}
		b.latencies[i/2] = joined
	}
	b.latencies = b.latencies[:(len(b.latencies)+1)/2]
}

// JoinBins adds two lists of counts, each by rising bucket.
func JoinBins(x, y []Bin) []Bin {
	out := make([]Bin, 0, len(x)+len(y))
	for len(x) > 0 && len(y) > 0 {
		switch {
		case x[0].Bucket < y[0].Bucket:
			out, x = append(out, x[0]), x[1:]
		case x[0].Bucket > y[0].Bucket:
			out, y = append(out, y[0]), y[1:]
		default:
			out = append(out, Bin{x[0].Bucket, x[0].Count + y[0].Count})
			x, y = x[1:], y[1:]
		}
	}
	return append(append(out, x...), y...)
}

// poolBook counts what becomes of a function's containers.
type poolBook struct {
	live, starting, ready, busy, draining track
	started, stops                        int64
	lifetime                              float64 // ns, of those stopped in the window
	cold                                  sim.Time
	coldBins                              []float64  // ns of billed starting by bin
	batchSizes                            []int64    // items begun in the window, by inputs - 1
	stages                                []stageSum // of the cold start, then of the snapshot
	lived, unready                        lives      // rows of the Gantt chart
}

type stageSum struct {
	count int64
	total float64 // ns
}

func (b *poolBook) init(p *pool) {
	b.batchSizes = make([]int64, p.batchMax)
	b.stages = make([]stageSum, len(p.stages)+len(p.snapStages))
	b.lived = lives{most: mostReady, every: 1}
	b.unready = lives{most: mostUnready, every: 1}
}

func (b *poolBook) collect(now sim.Time, inWindow, binEnds bool) {
	for _, t := range []*track{&b.live, &b.starting, &b.ready, &b.busy, &b.draining} {
		t.collect(now, inWindow, binEnds)
	}
}

func (b *poolBook) halve(width sim.Time) {
	for _, t := range []*track{&b.live, &b.starting, &b.ready, &b.busy, &b.draining} {
		t.halve()
	}
	b.coldBins = addPairs(b.coldBins)
}

// began counts an item that begins service.
func (b *poolBook) began(m *machine, inputs int32) {
	if m.book.covered(m.now) {
		b.batchSizes[inputs-1]++
	}
}

// startingUp counts n containers that begin to start.
func (b *poolBook) startingUp(m *machine, n int) {
	b.starting.add(m.now, int64(n))
	if m.book.covered(m.now) {
		b.started += int64(n)
	}
}

// staged counts one stage of a cold start that begins now.
func (b *poolBook) staged(m *machine, stage int, length sim.Time) {
	if m.book.covered(m.now) {
		b.stages[stage].count++
		b.stages[stage].total += float64(length)
	}
}

func (b *poolBook) readied(m *machine, p *pool, c *container) {
	b.ready.add(m.now, 1)
	b.billCold(m, c, m.now)
}

func (b *poolBook) stopped(m *machine, p *pool, c *container) {
	if c.readyAt == sim.Never {
		b.billCold(m, c, m.now)
	} else {
		b.ready.add(m.now, -1)
	}
	if m.book.covered(m.now) {
		b.stops++
		b.lifetime += float64(m.now - c.created)
	}
}

// billCold books the billed part of a start that ends now.
func (b *poolBook) billCold(m *machine, c *container, now sim.Time) {
	if c.billedFrom >= now {
		return
	}
	b.cold += m.book.overlap(c.billedFrom, now)
	width := m.book.binWidth
	if c.billedFrom >= m.book.binEnd-width && len(b.coldBins) > m.book.bins { // all in the present bin
		b.coldBins[m.book.bins] += float64(now - c.billedFrom)
		return
	}
	for from := c.billedFrom; from < now; {
		bin := int(from / width)
		to := min(now, sim.Time(bin+1)*width)
		for len(b.coldBins) <= bin {
			b.coldBins = append(b.coldBins, 0)
		}
		b.coldBins[bin] += float64(to - from)
		from = to
	}
}

// Rows of the Gantt chart at most: of containers that became ready, and of those that never did.
const (
	mostReady   = 300
	mostUnready = 100
)

// lives are rows of containers for the Gantt chart: of all, in the order in which they ended, or of every
// n-th where there are many.
type lives struct {
	rows  []ContainerRow
	most  int   // rows
	every int64 // a power of two
	ended int64
}

// livesOf is where the container belongs.
func (b *poolBook) livesOf(c *container) *lives {
	if c.readyAt == sim.Never {
		return &b.unready
	}
	return &b.lived
}

// next says whether the row of the container that ends next is wanted.
func (l *lives) next() bool {
	l.ended++
	return (l.ended-1)&(l.every-1) == 0
}

// keep takes a row that is wanted.
func (l *lives) keep(row *ContainerRow) {
	if len(l.rows) == l.most {
		for i := 0; 2*i < l.most; i++ {
			l.rows[i] = l.rows[2*i]
		}
		l.rows = l.rows[:(l.most+1)/2]
		if l.every *= 2; (l.ended-1)&(l.every-1) != 0 {
			return
		}
	}
	l.rows = append(l.rows, *row)
}
