// Package trace reads the traffic files that people have — request logs, load test results, published
// traces, exported metrics — as one stream of arrivals in time order. Reading is streaming: memory
// depends on the reader's windows, not on the length of the file.
//
// A file passes four stages: decompression and lines (input), a format that turns lines into records
// (one file each), an order that sorts them by time (order), and an expansion that turns records that
// stand for many arrivals, or for one at a coarse clock, into single arrivals (expand).
package trace

import (
	"fmt"
	"io"
	"math"
	"os"

	"github.com/simcap/simcap/sim"
)

// Row is one arrival. What the file does not give is NaN, "" or 0.
type Row struct {
	// At is the arrival in nanoseconds since the file's first row, in arrival order; for format
	// `seconds` it is the file's number itself, on the process's own clock.
	At       sim.Time
	Function string  // function, model or path that was asked
	Size     float64 // units of work
	Demand   float64 // measured duration, ns
	Prompt   float64 // tokens
	Output   float64 // tokens
	Status   int     // HTTP status code
	Failed   bool    // the file says that the request failed
	Line     int64   // line of the file, from 1; of a document without lines, number of the item
}

// Ties says what becomes of rows that share an instant because the file's clock is coarse.
type Ties string

// The ways to treat ties.
const (
	// TiesAuto spreads them over the clock's tick where the format's clock is known to be coarse or
	// the rows show it; rows of formats `seconds` and `azure_llm` are kept.
	TiesAuto   Ties = ""
	TiesKeep   Ties = "keep"   // leave them at one instant
	TiesSpread Ties = "spread" // spread them whatever the format
)

// Options say how to read a file. The zero Options reads what can be recognised.
type Options struct {
	// Format is a name that Formats lists, or "auto" or "" to recognise the file.
	Format string
	// Columns maps roles (time, end, duration, function, size, demand, prompt, output, status,
	// count, rate) to names of columns, for the formats that have columns or keys.
	Columns map[string]string
	// TimeUnit of times that are numbers: s, ms, us or ns; "" is guessed, and said in Report.Notes.
	TimeUnit string
	// Step is the length of a bucket of a rate series; 0 is found from the rows.
	Step sim.Time
	Ties Ties
	// Only keeps the rows that meet all conditions.
	Only []Condition
	// From and To select the arrivals in [From, To) and make From time 0. To 0: to the end.
	From, To sim.Time
	// Fold makes one typical day ("day") or week ("week") of the file.
	Fold Fold
	// Strict refuses what is otherwise counted or mended: bad rows, rows out of order.
	Strict bool
	// Truncated accepts a file whose last line is cut short.
	Truncated bool
	// Seed of the streams that place arrivals within a bucket or tick.
	Seed uint64
	// Window is how many records may wait to be put in order; 0: 65,536. Files whose rows are
	// further out of order need Sort.
	Window int
	// Sort sorts the whole file before the first row, in runs on disk where it is large.
	Sort bool
}

// Reader yields the arrivals of a file in time order.
type Reader struct {
	name    string
	opts    Options
	closers []io.Closer
	order   *order
	expand  expansion
	fold    *folder
	origin  int64 // instant of the first record, ns on the file's clock
	own     bool  // times stay on the file's own clock
	started bool
	err     error
	report  *Report
}

// Open opens a file: plain, gzip or zstd. Errors name the file and say what was expected.
func Open(path string, o Options) (*Reader, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("trace: %w", err)
	}
	if info, err := f.Stat(); err == nil && info.IsDir() {
		f.Close()
		return nil, fmt.Errorf("trace: %s is a folder, expected a file", path)
	}
	r, err := NewReader(f, path, o)
	if err != nil {
		f.Close()
		return nil, err
	}
	r.CloseWith(f)
	return r, nil
}

// NewReader reads from r; name stands for it in messages.
func NewReader(r io.Reader, name string, o Options) (*Reader, error) {
	if err := o.Check(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	t := &Reader{name: name, opts: o, report: &Report{Format: o.Format}}
	in, closer, err := decompress(r, t.report)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if closer != nil {
		t.closers = append(t.closers, closer)
	}
	p, format, err := choose(in, &t.opts, t.report)
	if err != nil {
		t.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	t.report.Format, t.report.Own, t.own = format.Name, format.own, format.own
	t.order = newOrder(p, in, format, &t.opts, t.report)
	t.expand.stream = sim.NewStream(o.Seed, 0, "trace")
	t.fold = newFolder(&t.opts)
	return t, nil
}

// Next fills row with the next arrival and reports true; false at the end of the file or on an
// error, which stays. The error names the file and the line.
func (t *Reader) Next(row *Row) (bool, error) {
	if t.err != nil {
		return false, t.err
	}
	for {
		ok, err := t.step(row)
		if err != nil {
			t.err = fmt.Errorf("%s: %w", t.name, err)
			return false, t.err
		}
		if !ok {
			return false, nil
		}
		at := row.At - t.opts.From
		if at < 0 {
			t.report.Outside++
			continue
		}
		if t.opts.To > 0 && row.At >= t.opts.To {
			t.report.Outside++
			if t.fold == nil {
				return false, nil
			}
			continue
		}
		row.At = at
		t.report.Arrivals++
		return true, nil
	}
}

// step yields the next arrival before the selection of a window.
func (t *Reader) step(row *Row) (bool, error) {
	if t.fold != nil {
		return t.fold.next(row, t)
	}
	return t.arrival(row)
}

// arrival yields the next arrival of the file: the earliest of those that open records hold, once no
// record that is still to come can begin before it.
func (t *Reader) arrival(row *Row) (bool, error) {
	for {
		head, err := t.order.peek()
		if err != nil && err != io.EOF {
			return false, err
		}
		if err == io.EOF {
			return t.expand.next(row, math.MaxInt64), nil
		}
		if !t.started {
			t.started = true
			if !t.own {
				t.origin = head.at
			}
		}
		if t.expand.next(row, head.at-t.origin) {
			return true, nil
		}
		rec := *head
		t.order.pop()
		rec.at -= t.origin
		if !meets(t.opts.Only, &rec) {
			t.report.Filtered += int64(rec.weight())
			continue
		}
		if rec.single() {
			rec.fill(row, rec.at)
			return true, nil
		}
		t.expand.add(&rec)
	}
}

// Report says what has been read so far; it is complete after Next has reported false.
func (t *Reader) Report() *Report { return t.report.soFar() }

// CloseWith has Close close c as well: what the reader reads from.
func (t *Reader) CloseWith(c io.Closer) { t.closers = append([]io.Closer{c}, t.closers...) }

// Close closes the file and removes what was written to sort it.
func (t *Reader) Close() error {
	var first error
	if t.order != nil {
		first = t.order.close()
	}
	for i := len(t.closers) - 1; i >= 0; i-- {
		if err := t.closers[i].Close(); err != nil && first == nil {
			first = err
		}
	}
	t.closers = nil
	return first
}
