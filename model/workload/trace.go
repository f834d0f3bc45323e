package workload

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/simcap/simcap/sim"
)

// Trace replays rows of a file. The loader of scenarios opens the file and sets Open.
//
// Speedup divides the instants. RateScale multiplies the rate: below 1 each row is kept with that
// probability; above 1 copies of each row are added, each at a random instant between its row and
// the next instant of the file, so that the rate keeps its shape. Loop begins again one mean gap
// after the last row, so that the mean rate stays.
type Trace struct {
	File      string            `yaml:"file"`
	Format    string            `yaml:"format"` // default auto
	Speedup   float64           `yaml:"speedup"`
	RateScale float64           `yaml:"rate_scale"`
	Loop      bool              `yaml:"loop"`
	From      sim.Time          `yaml:"from"`      // part of the file that is replayed, on its clock
	To        sim.Time          `yaml:"to"`        // 0: to the end
	Fold      string            `yaml:"fold"`      // none, day or week
	Only      []string          `yaml:"only"`      // conditions on rows
	Take      []string          `yaml:"take"`      // of Taken: what rows say of their inputs
	Columns   map[string]string `yaml:"columns"`   // roles of columns
	TimeUnit  string            `yaml:"time_unit"` // of times that are numbers; auto
	Step      sim.Time          `yaml:"step"`      // of a series of rates; 0: found
	Ties      string            `yaml:"ties"`      // auto, keep or spread
	Truncated bool              `yaml:"truncated"` // the file may end in the middle of a line

	// Open is a fresh reader of the file's rows, in time order. What the file leaves open, such as
	// instants within a bucket, depends on the seed.
	Open func(seed uint64) (Source, error) `yaml:"-"`
}

// Taken are the things that rows can say of their inputs.
func Taken() []string { return []string{"size", "demand", "prompt_tokens", "output_tokens"} }

// Bounds of a trace's settings.
const (
	LeastSpeedup   = 0.001
	MostSpeedup    = 1e6
	LeastRateScale = 1e-6
	MostRateScale  = 1e4
)

// Validate implements Kind. With Loop it reads the file, up to the first row that moves time.
func (t Trace) Validate() error {
	if t.Open == nil {
		return errors.New("file is missing: the trace to replay")
	}
	if !(t.Speedup >= LeastSpeedup && t.Speedup <= MostSpeedup) {
		return fmt.Errorf("speedup: %v, where a number from %v to %v is expected", t.Speedup,
			LeastSpeedup, MostSpeedup)
	}
	if !(t.RateScale >= LeastRateScale && t.RateScale <= MostRateScale) {
		return fmt.Errorf("rate_scale: %v, where a number from %v to %v is expected", t.RateScale,
			LeastRateScale, MostRateScale)
	}
	if t.Loop {
		return t.validateLoop()
	}
	return nil
}

// validateLoop refuses a trace that would be repeated without time passing.
func (t Trace) validateLoop() error {
	s, err := t.Open(0)
	if err != nil {
		return err
	}
	var a Arrival
	rows := 0
	for s.Next(&a) {
		rows++
		if t.hasten().at(a.At) > 0 {
			return closeOnly(s)
		}
	}
	if err := Finish(s); err != nil {
		return err
	}
	if rows == 0 {
		return errors.New("loop: the trace has no rows to repeat")
	}
	return errors.New("loop: all rows of the trace are at time 0, so it would repeat for ever at " +
		"one instant")
}

func closeOnly(s Source) error {
	if open, ok := s.(interface{ Close() error }); ok {
		return open.Close()
	}
	return nil
}

// RatePerS implements Kind: a trace that is not repeated is finite, that of a loop is not known.
func (t Trace) RatePerS() float64 {
	if t.Loop {
		return math.NaN()
	}
	return 0
}

// Source implements Kind. A file that cannot be read makes a source that ends, which Finish tells.
func (t Trace) Source(arrivals sim.Stream) Source {
	r := &replay{open: t.Open, loop: t.Loop, speed: t.hasten(), seeds: arrivals.Sub(0)}
	r.rows, r.err = r.pass()
	switch {
	case t.RateScale < 1:
		return &thinned{replay: r, share: t.RateScale, stream: arrivals}
	case t.RateScale > 1:
		return &thickened{replay: r, scale: t.RateScale, stream: arrivals}
	}
	return r
}

// hastened divides instants by a number, exactly.
type hastened struct{ num, den uint64 }

func (t Trace) hasten() hastened {
	r := exact(t.Speedup) // 15 digits within the bounds of speed-ups: both terms are below 2^63
	return hastened{r.Denom().Uint64(), r.Num().Uint64()}
}

func (h hastened) at(t sim.Time) sim.Time {
	if h.num == h.den {
		return t
	}
	return scaled(max(0, t), h.num, h.den)
}

// replay yields the rows of a file, again and again with loop.
type replay struct {
	open        func(seed uint64) (Source, error)
	seeds       sim.Stream // one for each pass
	passes      uint64     // begun
	loop        bool
	speed       hastened
	rows        Source // nil when open failed
	err         error
	begin       sim.Time // of this pass
	count       int64    // rows of this pass
	first, last sim.Time // of this pass, on the file's clock
}

// Next implements Source.
func (r *replay) Next(a *Arrival) bool {
	for r.rows != nil {
		if r.rows.Next(a) {
			if r.count == 0 {
				r.first = a.At
			}
			r.count++
			r.last = a.At
			at := r.speed.at(a.At)
			if at >= sim.Never-r.begin {
				return false
			}
			a.At = r.begin + at
			return true
		}
		if !r.again() {
			return false
		}
	}
	return false
}

// again begins the next pass; false when there is none.
func (r *replay) again() bool {
	err := Finish(r.rows)
	r.rows = nil
	span := r.last + r.meanGap()
	if err != nil || !r.loop || r.count == 0 || span <= 0 {
		r.err = err
		return false
	}
	step := r.speed.at(span)
	if step <= 0 || step >= sim.Never-r.begin {
		return false
	}
	r.begin += step
	r.count = 0
	r.rows, r.err = r.pass()
	return r.err == nil
}

// pass opens the file once more.
func (r *replay) pass() (Source, error) {
	luck := r.seeds.At(r.passes)
	r.passes++
	return r.open(luck.Uint64())
}

// meanGap is the mean time between rows of the file, as far as it was read.
func (r *replay) meanGap() sim.Time {
	if r.count < 2 {
		return 0
	}
	return (r.last - r.first) / sim.Time(r.count-1)
}

// Err is why the file could not be opened or read to its end; nil if it could.
func (r *replay) Err() error { return r.err }

// Close closes the file.
func (r *replay) Close() error {
	if r.rows == nil {
		return nil
	}
	rows := r.rows
	r.rows = nil
	return Finish(rows)
}

// thinned keeps each row with probability share: row i is kept when the i-th uniform is below it, so
// that a larger share keeps all that a smaller one does.
type thinned struct {
	*replay
	share  float64
	stream sim.Stream
	index  uint64
}

// Next implements Source.
func (t *thinned) Next(a *Arrival) bool {
	for t.replay.Next(a) {
		luck := t.stream.At(t.index)
		t.index++
		if luck.Float64() < t.share {
			return true
		}
	}
	return false
}

// thickened adds scale - 1 copies of each row on average.
type thickened struct {
	*replay
	scale   float64
	stream  sim.Stream
	index   uint64
	ready   []Arrival // rows of one instant and their copies, in order, from next on
	next    int
	ahead   Arrival // the row after them
	started bool
	more    bool // ahead is valid
}

// Next implements Source.
func (t *thickened) Next(a *Arrival) bool {
	if !t.started {
		t.started = true
		t.more = t.replay.Next(&t.ahead)
	}
	for t.next == len(t.ready) {
		if !t.more {
			return false
		}
		t.gather()
	}
	*a = t.ready[t.next]
	t.next++
	return true
}

// gather takes the rows of the next instant, and spreads their copies up to the one after it. Copies
// of the last rows of a file are spread over its mean gap.
func (t *thickened) gather() {
	t.ready, t.next = t.ready[:0], 0
	at := t.ahead.At
	for t.more && t.ahead.At == at {
		t.ready = append(t.ready, t.ahead)
		t.more = t.replay.Next(&t.ahead)
	}
	gap := t.speed.at(t.meanGap())
	if t.more {
		gap = t.ahead.At - at
	}
	for _, row := range t.ready {
		luck := t.stream.At(t.index)
		t.index++
		extra := t.scale - 1
		for ; extra >= 1 || extra > 0 && luck.Float64() < extra; extra-- {
			row.At = min(at+sim.Time(luck.Float64()*float64(gap)), sim.Never-1)
			t.ready = append(t.ready, row)
		}
	}
	slices.SortStableFunc(t.ready, func(a, b Arrival) int { return int(min(max(a.At-b.At, -1), 1)) })
}
