package trace

import (
	"math"

	"github.com/simcap/simcap/sim"
)

// record is what a format reads: one request, or a bucket of them.
type record struct {
	at     int64 // start, ns on the file's clock
	clock  int64 // the instant that the file shows, an end for example; 0: at
	length int64 // arrivals lie in [at, at+length), uniformly; 0: all at `at`
	count  float64
	// poisson: count is the mean of a Poisson number; otherwise it is whole and exact.
	poisson  bool
	gaps     gapLaw
	failed   bool
	status   int32
	line     int64
	seq      uint64 // number of the record in the file: the key of its luck
	function string
	size     float64
	demand   float64 // ns
	prompt   float64
	output   float64
}

// clear makes rec one arrival of which nothing is known.
func (rec *record) clear() {
	*rec = record{}
	nan := math.NaN()
	rec.count, rec.size, rec.demand, rec.prompt, rec.output = 1, nan, nan, nan, nan
}

// single says whether rec is one arrival at a known instant.
func (rec *record) single() bool { return rec.length == 0 && rec.count == 1 && !rec.poisson }

// weight is the expected number of arrivals.
func (rec *record) weight() float64 { return rec.count }

// fill writes rec's arrival at the given instant.
func (rec *record) fill(row *Row, at int64) {
	*row = Row{At: sim.Time(at), Function: rec.function, Size: rec.size, Demand: rec.demand,
		Prompt: rec.prompt, Output: rec.output, Status: int(rec.status), Failed: rec.failed,
		Line: rec.line}
}

// expansion holds the records that are open at the present instant and yields their arrivals in time
// order. The arrivals of a bucket of n are n independent uniform instants, in order: given that k are
// left and the last lay at share p of the bucket, the next lies at 1 - (1-p) U^(1/k), because the
// smallest of k uniforms on (p, 1) exceeds x with probability ((1-x)/(1-p))^k. A Poisson bucket of
// mean m has exponential gaps of mean 1/m of the bucket; other buckets have gaps of their own law. All
// take constant memory.
type expansion struct {
	stream sim.Stream
	open   []opened // a heap by next, then seq
}

// opened is a record with arrivals left.
type opened struct {
	rec  record
	luck sim.Luck
	left float64 // whole arrivals left, the next included; not used by Poisson buckets
	at   float64 // share of the bucket at which the next arrival lies
	next int64   // the same, as an instant
}

// add opens a record.
func (e *expansion) add(rec *record) {
	o := opened{rec: *rec, luck: e.stream.At(rec.seq), left: rec.count, next: rec.at}
	if o.advance() {
		e.open = append(e.open, o)
		e.up(len(e.open) - 1)
	}
}

// advance moves o to its next arrival, and reports false when there is none.
func (o *opened) advance() bool {
	if !(o.rec.count > 0) {
		return false
	}
	if o.rec.gaps.kind != gapUniform {
		o.next += int64(o.rec.gaps.draw(&o.luck))
		return o.next < o.rec.at+o.rec.length
	}
	if o.rec.poisson {
		o.at -= math.Log(o.luck.Open()) / o.rec.count
		if o.at >= 1 {
			return false
		}
	} else {
		if o.left < 1 {
			return false
		}
		if o.rec.length > 0 {
			o.at = 1 - (1-o.at)*math.Pow(o.luck.Open(), 1/o.left)
		}
		o.left--
	}
	o.next = o.rec.at + min(int64(o.at*float64(o.rec.length)), max(o.rec.length-1, 0))
	return true
}

// next yields the earliest arrival, if it lies at or before the given instant.
func (e *expansion) next(row *Row, until int64) bool {
	if len(e.open) == 0 || e.open[0].next > until {
		return false
	}
	o := &e.open[0]
	o.rec.fill(row, o.next)
	if !o.advance() {
		last := len(e.open) - 1
		e.open[0] = e.open[last]
		e.open = e.open[:last]
	}
	e.down(0)
	return true
}

func (e *expansion) less(i, j int) bool {
	a, b := &e.open[i], &e.open[j]
	return a.next < b.next || a.next == b.next && a.rec.seq < b.rec.seq
}

func (e *expansion) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !e.less(i, parent) {
			return
		}
		e.open[i], e.open[parent] = e.open[parent], e.open[i]
		i = parent
	}
}

func (e *expansion) down(i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(e.open); child++ {
			if e.less(child, least) {
				least = child
			}
		}
		if least == i {
			return
		}
		e.open[i], e.open[least] = e.open[least], e.open[i]
		i = least
	}
}
