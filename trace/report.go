package trace

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/simcap/simcap/sim"
)

// Report says how a file was read.
type Report struct {
	Format      string   // name of the format
	Compression string   // gzip, zstd or ""
	Records     int64    // rows or buckets that were read
	Arrivals    int64    // rows that Next has yielded
	Filtered    int64    // arrivals that Only has left out
	Outside     int64    // arrivals outside From and To
	Bad         int64    // rows that could not be read
	BadRows     []BadRow // the first of them
	Reordered   int64    // rows that were earlier than a row before them
	Expected    float64  // arrivals the records stand for: whole but for series of rates
	// First and Last are the instants of the earliest and latest record as the file's clock shows
	// them, in ns since 1970 UTC if Dated, else since the file's own zero. End is Last, or the end
	// of the last bucket.
	First, Last, End int64
	Dated            bool
	Own              bool     // times of rows are the file's own numbers, not since its first row
	Resolution       sim.Time // greatest common divisor of the gaps between instants, 0 if unknown
	Tick             sim.Time // over which rows were spread, 0 if not
	Step             sim.Time // of the buckets, 0 if the file has none
	Notes            []string // what was guessed
	Warnings         []string // what the user should know
}

// BadRow is a row that could not be read.
type BadRow struct {
	Line   int64
	Reason string
	Text   string // the beginning of the row
}

const keptBadRows = 20

// Span is the time from the first record to the last, or to the end of the last bucket.
func (r *Report) Span() sim.Time { return sim.Time(r.End - r.First) }

// badRow is the error of a row that cannot be read.
type badRow BadRow

func (b *badRow) Error() string {
	return fmt.Sprintf("line %d: %s: %s", b.Line, b.Reason, strconv.Quote(b.Text))
}

// newBad is a bad row with the beginning of its text.
func newBad(line int64, text []byte, format string, args ...any) error {
	const shown = 80
	s := string(text[:min(len(text), shown)])
	if len(text) > shown {
		s += "…"
	}
	return &badRow{Line: line, Reason: fmt.Sprintf(format, args...), Text: s}
}

// count counts a record that was read.
func (r *Report) count(rec *record) error {
	if r.Records == 0 || rec.at < r.First {
		r.First = rec.at
	}
	if r.Records == 0 || rec.at > r.Last {
		r.Last, r.End = rec.at, max(r.End, rec.at)
		if r.Records == 0 {
			r.End = rec.at
		}
	}
	r.Records++
	if rec.length == 0 {
		r.Expected += rec.count
	} else if rec.length > 0 {
		r.until(rec)
	}
	return nil
}

// until counts the arrivals of a bucket whose length is known, and its end.
func (r *Report) until(rec *record) {
	if rec.length == int64(r.Tick) {
		return // spread rows are counted, and end at their instant
	}
	r.Expected += rec.count
	r.End = max(r.End, rec.at+rec.length)
}

// bad counts a row that could not be read, and gives up on a file that is mostly such.
func (r *Report) bad(b *badRow) error {
	r.Bad++
	if len(r.BadRows) < keptBadRows {
		r.BadRows = append(r.BadRows, BadRow(*b))
	}
	if r.Bad >= 100 && r.Bad > r.Records {
		return r.unreadable()
	}
	return nil
}

// end judges the file as a whole.
func (r *Report) end() error {
	switch {
	case r.Bad > 0 && r.Bad >= r.Records:
		return r.unreadable()
	case r.Records == 0:
		return fmt.Errorf("no rows of format %s in it", r.Format)
	}
	return io.EOF
}

func (r *Report) unreadable() error {
	first := r.BadRows[0]
	hint := "force another format, or map its columns"
	if other := recognise([]byte(first.Text)); other != nil && other.Name != r.Format {
		hint = "that line looks like format " + other.Name + ": is the file a mixture?"
	}
	return fmt.Errorf("not a file of format %s: %d of %d rows cannot be read, the first is line %d: "+
		"%s: %q (%s)", r.Format, r.Bad, r.Bad+r.Records, first.Line, first.Reason, first.Text, hint)
}

func (r *Report) warn(s string) { r.Warnings = append(r.Warnings, s) }
func (r *Report) note(s string) { r.Notes = append(r.Notes, s) }

// soFar is the report with the warnings that need the counts.
func (r *Report) soFar() *Report {
	now := *r
	now.Warnings = slices.Clone(r.Warnings)
	now.judge()
	return &now
}

// judge adds the warnings that need the counts.
func (r *Report) judge() {
	if r.Bad > 0 {
		r.warn(fmt.Sprintf("%d of %d rows could not be read, the first is line %d: %s: %q",
			r.Bad, r.Bad+r.Records, r.BadRows[0].Line, r.BadRows[0].Reason, r.BadRows[0].Text))
	}
	if r.Reordered > 0 {
		r.warn(fmt.Sprintf("%d rows were earlier than a row before them and have been put in order",
			r.Reordered))
	}
}

// outOfOrder is what strict reading says of a row that is earlier than one before it.
func outOfOrder(rec *record, newest int64) error {
	return fmt.Errorf("line %d is %s earlier than a row before it, and strict reading takes rows in "+
		"time order only", rec.line, span(newest-rec.at))
}

// tooLate says that a row belongs before rows that are already handed on.
func tooLate(rec *record, emitted int64, window int) error {
	return fmt.Errorf("line %d is %s earlier than rows that were read more than %d rows before: %w",
		rec.line, span(emitted-rec.at), window, ErrUnsorted)
}

// ErrUnsorted is wrapped by the error of a file whose rows are further out of order than Window:
// Options.Sort reads it.
var ErrUnsorted = errors.New("the file is far out of order, have it sorted as a whole (sort)")

// span is a length of time for people: 3.05 s, 57.3 min, 14 d.
func span(ns int64) string {
	v := math.Abs(float64(ns))
	switch {
	case v < 1e3:
		return short(v) + " ns"
	case v < 1e6:
		return short(v/1e3) + " µs"
	case v < 1e9:
		return short(v/1e6) + " ms"
	case v < 120e9:
		return short(v/1e9) + " s"
	case v < 120*60e9:
		return short(v/60e9) + " min"
	case v < 48*3600e9:
		return short(v/3600e9) + " h"
	}
	return short(v/float64(nsPerDay)) + " d"
}

// short is v with three significant digits, without an exponent.
func short(v float64) string {
	if v >= 100 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	s := strconv.FormatFloat(v, 'g', 3, 64)
	if strings.ContainsRune(s, 'e') {
		s = strconv.FormatFloat(v, 'f', -1, 64)
	}
	return s
}

// Clock is an instant of the file's clock for people: a date in UTC, or seconds.
func (r *Report) Clock(ns int64) string {
	if r.Dated {
		return time.Unix(0, ns).UTC().Format("2006-01-02 15:04:05.000")
	}
	return strconv.FormatFloat(float64(ns)/1e9, 'f', 3, 64) + " s"
}
