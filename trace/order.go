package trace

import (
	"errors"
	"fmt"
	"io"
	"math"
)

const (
	prefixRecords = 4096    // records looked at before the first row: ticks and steps show in them
	windowRecords = 1 << 16 // records that may wait to be put in order
	mostInBucket  = 1e9     // requests that one record may stand for
	nearby        = 32      // a record at most so many places late is moved; further ones call for a heap
)

// order yields a format's records in time order. While the file is in order, records pass through a
// ring; the first one that comes far too late turns the ring's contents into a heap.
type order struct {
	p         parser
	in        *input
	report    *Report
	strict    bool // bad rows are errors
	truncated bool // a last line that is cut short is no error
	whole     bool // the format's rows are in no order
	sorted    bool // rows out of order are errors
	limit     int
	tune      tuning
	prefix    []record // read, to be handed on first
	taken     int
	short     bool      // the file ended within the prefix
	full      *fullSort // nil: within the window only
	spare     record    // is read into where there is no place
	ended     error     // io.EOF or what went wrong, after the waiting records

	slots   []record // a ring while heap is nil, else addressed by heap
	head, n int
	heap    []int32
	free    []int32

	seq     uint64
	newest  int64 // latest instant read
	emitted int64 // latest instant handed on
}

func newOrder(p parser, in *input, f *Format, o *Options, r *Report) *order {
	limit := o.Window
	if limit <= 0 {
		limit = windowRecords
	}
	s := &order{p: p, in: in, report: r, strict: o.Strict, truncated: o.Truncated,
		sorted: o.Strict && !f.unsorted && !f.whole && !o.Sort, limit: limit,
		newest: math.MinInt64, emitted: math.MinInt64, slots: make([]record, 64), whole: f.whole}
	s.tune = tuning{format: f, opts: o, report: r}
	if o.Sort || f.whole {
		s.full = &fullSort{}
	}
	return s
}

// peek is the earliest record, valid until the next call; io.EOF when none is left.
func (s *order) peek() (*record, error) {
	for s.n < s.limit && s.ended == nil {
		s.ended = s.read()
	}
	if s.ended != nil && s.ended != io.EOF {
		return nil, s.ended
	}
	switch {
	case s.n == 0:
		return nil, io.EOF
	case s.heap != nil:
		return &s.slots[s.heap[0]], nil
	}
	return &s.slots[s.head], nil
}

// pop removes the record that peek has shown.
func (s *order) pop() {
	s.n--
	if s.heap == nil {
		s.emitted = s.slots[s.head].at
		s.head = (s.head + 1) & (len(s.slots) - 1)
		return
	}
	top := s.heap[0]
	s.emitted = s.slots[top].at
	s.free = append(s.free, top)
	last := len(s.heap) - 1
	s.heap[0] = s.heap[last]
	s.heap = s.heap[:last]
	s.down(0)
}

// read takes one more record from the file.
func (s *order) read() error {
	if s.prefix == nil {
		if err := s.begin(); err != nil {
			return err
		}
	}
	if s.taken < len(s.prefix) {
		s.taken++
		return s.push(&s.prefix[s.taken-1])
	}
	if s.short {
		return io.EOF
	}
	rec := s.place()
	if s.full != nil {
		if err := s.full.next(rec); err != nil {
			return err
		}
		return s.push(rec)
	}
	if err := s.parse(rec); err != nil {
		return err
	}
	s.tune.apply(rec)
	return s.push(rec)
}

// place is where the next record is read into: where it belongs if it comes in order.
func (s *order) place() *record {
	if s.heap != nil {
		return &s.spare
	}
	if s.n == len(s.slots) {
		s.grow()
	}
	return &s.slots[(s.head+s.n)&(len(s.slots)-1)]
}

// begin reads the prefix, finds the clock's tick or the series' step in it, and in a file that is to
// be sorted as a whole reads on to the end.
func (s *order) begin() error {
	s.prefix = make([]record, 0, 64)
	var err error
	for len(s.prefix) < prefixRecords && err == nil {
		if err = s.parse(&s.spare); err == nil {
			s.prefix = append(s.prefix, s.spare)
		}
	}
	if err != nil && err != io.EOF {
		return err
	}
	if err := s.tune.decide(s.prefix); err != nil {
		return err
	}
	for i := range s.prefix {
		s.tune.apply(&s.prefix[i])
	}
	if s.full == nil {
		s.short = err == io.EOF
		return nil
	}
	return s.sortAll(err)
}

// sortAll hands everything to the full sort; err is how the prefix ended.
func (s *order) sortAll(err error) error {
	for i := range s.prefix {
		if err := s.full.add(&s.prefix[i]); err != nil {
			return err
		}
	}
	s.prefix = s.prefix[:0]
	for err == nil {
		if err = s.parse(&s.spare); err == nil {
			s.tune.apply(&s.spare)
			err = s.full.add(&s.spare)
		}
	}
	if err != io.EOF {
		return err
	}
	return s.full.begin()
}

// parse reads the next record that can be read, counting the bad rows before it.
func (s *order) parse(rec *record) error {
	for {
		rec.clear()
		err := s.p.next(rec)
		if err == nil {
			return s.count(rec)
		}
		var bad *badRow
		switch {
		case err == io.EOF:
			return s.report.end()
		case !errors.As(err, &bad):
			return err
		case s.in.cut && !s.truncated:
			return fmt.Errorf("the file ends in the middle of line %d (%s): it is truncated, or still "+
				"being written (option truncated reads the rest)", bad.Line, bad.Reason)
		case s.strict:
			return bad
		}
		if err := s.report.bad(bad); err != nil {
			return err
		}
	}
}

// count numbers a record that was read and looks at its place in time.
func (s *order) count(rec *record) error {
	if rec.count > mostInBucket {
		return fmt.Errorf("line %d stands for %.3g requests, where at most %.0e are expected: is its "+
			"column of counts the right one?", rec.line, rec.count, mostInBucket)
	}
	s.seq++
	rec.seq = s.seq
	if rec.at < s.newest {
		if s.sorted {
			return outOfOrder(rec, s.newest)
		}
		if !s.whole {
			s.report.Reordered++
		}
	} else {
		s.newest = rec.at
	}
	return s.report.count(rec)
}

// push puts a record where it belongs. It may be the one at place.
func (s *order) push(rec *record) error {
	if rec.at < s.emitted {
		return tooLate(rec, s.emitted, s.limit)
	}
	if s.heap != nil {
		s.pushHeap(rec)
		return nil
	}
	slot := s.place()
	if s.n == 0 || s.slots[(s.head+s.n-1)&(len(s.slots)-1)].at <= rec.at {
		if slot != rec {
			*slot = *rec
		}
		s.n++
		return nil
	}
	s.insert(*rec)
	return nil
}

// insert puts a record before those that are later: it comes out of order.
func (s *order) insert(rec record) {
	mask := len(s.slots) - 1
	i := s.n
	for i > 0 && s.n-i < nearby && s.slots[(s.head+i-1)&mask].at > rec.at {
		s.slots[(s.head+i)&mask] = s.slots[(s.head+i-1)&mask]
		i--
	}
	if i == 0 || s.slots[(s.head+i-1)&mask].at <= rec.at {
		s.slots[(s.head+i)&mask] = rec
		s.n++
		return
	}
	for ; i < s.n; i++ { // too far: put back what was moved
		s.slots[(s.head+i)&mask] = s.slots[(s.head+i+1)&mask]
	}
	s.toHeap()
	s.pushHeap(&rec)
}

// grow doubles the ring.
func (s *order) grow() {
	larger := make([]record, 2*len(s.slots))
	k := copy(larger, s.slots[s.head:])
	copy(larger[k:], s.slots[:s.head])
	s.slots, s.head = larger, 0
}

// toHeap addresses the ring's records by a heap: sorted positions are one.
func (s *order) toHeap() {
	s.heap = make([]int32, s.n, s.limit)
	taken := make([]bool, len(s.slots))
	for i := range s.heap {
		at := (s.head + i) & (len(s.slots) - 1)
		s.heap[i] = int32(at)
		taken[at] = true
	}
	for i, t := range taken {
		if !t {
			s.free = append(s.free, int32(i))
		}
	}
}

func (s *order) pushHeap(rec *record) {
	s.n++
	var slot int32
	if last := len(s.free) - 1; last >= 0 {
		slot = s.free[last]
		s.free = s.free[:last]
		s.slots[slot] = *rec
	} else {
		slot = int32(len(s.slots))
		s.slots = append(s.slots, *rec)
	}
	s.heap = append(s.heap, slot)
	for i := len(s.heap) - 1; i > 0 && s.before(i, (i-1)/2); i = (i - 1) / 2 {
		s.heap[i], s.heap[(i-1)/2] = s.heap[(i-1)/2], s.heap[i]
	}
}

func (s *order) down(i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(s.heap); child++ {
			if s.before(child, least) {
				least = child
			}
		}
		if least == i {
			return
		}
		s.heap[i], s.heap[least] = s.heap[least], s.heap[i]
		i = least
	}
}

// before orders the heap's i-th record before its j-th: by time, then as in the file.
func (s *order) before(i, j int) bool {
	a, b := &s.slots[s.heap[i]], &s.slots[s.heap[j]]
	return a.at < b.at || a.at == b.at && a.seq < b.seq
}

// close removes temporary files.
func (s *order) close() error {
	var err error
	if p, ok := s.p.(interface{ close() error }); ok {
		err = p.close()
	}
	if s.full != nil {
		err = errors.Join(err, s.full.close())
	}
	return err
}
