package shape

import (
	"errors"
	"fmt"
	"math"

	"github.com/simcap/simcap/sim"
	"github.com/simcap/simcap/trace"
)

// services are the mean services of the queues in seconds, beside the one that the trace has measured.
var services = [...]float64{0.1, 1, 10}

// fewestArrivals is how many arrivals tell anything of queues and of being a Poisson process.
const fewestArrivals = 100

// File is a trace that can be opened more than once.
type File struct {
	Name    string
	Options trace.Options
	// Open opens it anew; nil opens the file of that name.
	Open func(o trace.Options) (*trace.Reader, error)
	// Progress is called now and then with the number of arrivals of this reading so far; an error
	// of it ends the reading. nil: not called.
	Progress func(arrivals int64) error
}

// progressArrivals is after how many arrivals progress is told.
const progressArrivals = 1 << 16

// told tells the progress when it is time.
func (f *File) told(n int64) error {
	if f.Progress == nil || n%progressArrivals != 0 {
		return nil
	}
	return f.Progress(n)
}

// open opens the file from its beginning.
func (f *File) open() (*trace.Reader, error) {
	if f.Open != nil {
		return f.Open(f.Options)
	}
	return trace.Open(f.Name, f.Options)
}

// Each reads the file from end to end and hands every row on; stop ends it early without an error. It
// returns how the file was read. The error of a file that is far out of order is trace.ErrUnsorted:
// with Options.Sort it can be read.
func (f *File) Each(visit func(row *trace.Row) (stop bool)) (*trace.Report, error) {
	r, err := f.open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var row trace.Row
	for n := int64(0); ; n++ {
		ok, err := r.Next(&row)
		if err != nil {
			return nil, err
		}
		if !ok || visit(&row) {
			return r.Report(), nil
		}
		if err := f.told(n); err != nil {
			return nil, err
		}
	}
}

// Measure reads the file twice: for its shape, and then, with its rate known, for its queues.
func Measure(f *File) (*Shape, error) {
	s, err := measure(f)
	if errors.Is(err, trace.ErrUnsorted) {
		f.Options.Sort = true
		s, err = measure(f)
	}
	if err != nil {
		return nil, err
	}
	if s.Arrivals == 0 {
		return nil, fmt.Errorf("%s: no arrivals are left of %d rows: the filter or the window leaves all out",
			f.Name, s.Records)
	}
	if s.Arrivals < fewestArrivals {
		return s, nil
	}
	known := services[:]
	for _, c := range s.Columns {
		if c.Name == "demand" && c.Mean > 0 {
			known = append([]float64{c.Mean}, known...)
		}
	}
	q := NewQueues(s.RatePerS, known)
	if _, err := f.Each(func(row *trace.Row) bool {
		q.Add(row)
		return false
	}); err != nil {
		return nil, err
	}
	s.Queues = q.Result(s.RatePerS)
	return s, nil
}

func measure(f *File) (*Shape, error) {
	var m *Meter
	r, err := f.open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var row trace.Row
	for {
		ok, err := r.Next(&row)
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		if m == nil {
			m = NewMeter(epoch(f, r))
		}
		m.Add(&row)
		if err := f.told(m.n); err != nil {
			return nil, err
		}
	}
	report := r.Report()
	if m == nil {
		m = NewMeter(0)
	}
	s := m.Shape(f.span(report))
	s.fill(f, report)
	return s, nil
}

// epoch is how long after a Monday's midnight (UTC) the rows begin. 1970-01-01 was a Thursday.
func epoch(f *File, r *trace.Reader) sim.Time {
	report := r.Report()
	if !report.Dated || f.Options.Fold != trace.FoldNone {
		return 0
	}
	at := sim.Time(report.First) + f.Options.From + 3*sim.Day
	return (at%(7*sim.Day) + 7*sim.Day) % (7 * sim.Day)
}

// span is how long the selected part of the file is; 0: to its last arrival.
func (f *File) span(r *trace.Report) sim.Time {
	switch f.Options.Fold {
	case trace.FoldDay:
		return sim.Day
	case trace.FoldWeek:
		return 7 * sim.Day
	}
	end := r.Span()
	if r.Own {
		end = sim.Time(r.End)
	}
	if f.Options.To > 0 {
		end = min(end, f.Options.To)
	}
	return end - f.Options.From
}

// fill takes over what reading the file has found.
func (s *Shape) fill(f *File, r *trace.Report) {
	s.File, s.Format, s.Compression = f.Name, r.Format, r.Compression
	s.First, s.Last, s.Dated = r.Clock(r.First), r.Clock(r.Last), r.Dated
	s.Records, s.Bad, s.Filtered = r.Records, r.Bad, r.Filtered
	s.StepS, s.TickS = r.Step.Seconds(), r.Tick.Seconds()
	s.Notes = append(s.Notes, r.Notes...)
	if r.Step > 0 {
		s.Notes = append(s.Notes,
			fmt.Sprintf("the file has rates in steps of %s: arrivals within a step are drawn at "+
				"random, and what is shown of shorter times is theirs", length(r.Step.Seconds())))
	}
	s.Warnings = append(s.Warnings, r.Warnings...)
	for _, b := range r.BadRows {
		s.BadRows = append(s.BadRows, fmt.Sprintf("line %d: %s: %q", b.Line, b.Reason, b.Text))
	}
	if math.IsNaN(s.RatePerS) {
		s.RatePerS = 0
	}
}
