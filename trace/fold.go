package trace

import (
	"cmp"
	"slices"

	"github.com/simcap/simcap/sim"
)

// folder makes one typical day or week of a file: it superposes its n periods and keeps each arrival
// with probability 1/n (independent, keyed by its number), which keeps the mean rate at each time of
// day. Where the first or last period is cut, n counts the periods that cover that time of day.
// Periods begin at midnight UTC, weeks on Monday, if the file has dates, and else at its first row.
//
// Folding sees the whole file before the first row. It holds the arrivals that may be kept: about as
// many as the file has in one or two periods.
type folder struct {
	period int64
	luck   sim.Stream
	rows   []Row
	loaded bool
	at     int
}

func newFolder(o *Options) *folder {
	f := &folder{luck: sim.NewStream(o.Seed, 0, "trace", "fold")}
	switch o.Fold {
	case FoldDay:
		f.period = nsPerDay
	case FoldWeek:
		f.period = 7 * nsPerDay
	default:
		return nil
	}
	return f
}

// next yields the folded arrivals in order.
func (f *folder) next(row *Row, t *Reader) (bool, error) {
	if !f.loaded {
		if err := f.load(t); err != nil {
			return false, err
		}
	}
	if f.at == len(f.rows) {
		return false, nil
	}
	*row = f.rows[f.at]
	f.at++
	return true, nil
}

// candidate is an arrival with the uniform number that decides whether it is kept.
type candidate struct {
	row  Row
	luck float64
}

// load reads all arrivals. How many periods there are is known at the end only: until then arrivals
// are kept by a lower bound, which falls with each period that begins.
func (f *folder) load(t *Reader) error {
	f.loaded = true
	var kept []candidate
	var row Row
	bound, offset, last := int64(1), int64(0), int64(0)
	for i := uint64(0); ; i++ {
		ok, err := t.arrival(&row)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		if i == 0 {
			offset = f.offset(t)
		}
		last = int64(row.At) + offset
		if n := last/f.period - 1; n > bound {
			bound = n
			kept = slices.DeleteFunc(kept, func(c candidate) bool { return c.luck*float64(n) >= 1 })
		}
		luck := f.luck.At(i)
		if u := luck.Float64(); u*float64(bound) < 1 {
			row.At = sim.Time(last % f.period)
			kept = append(kept, candidate{row, u})
		}
	}
	last = max(last, t.report.End-t.origin+offset)
	for i := range kept {
		if kept[i].luck*float64(f.covering(int64(kept[i].row.At), offset, last)) < 1 {
			f.rows = append(f.rows, kept[i].row)
		}
	}
	slices.SortStableFunc(f.rows, func(a, b Row) int { return cmp.Compare(a.At, b.At) })
	return nil
}

// offset is where in a period the file begins. 1970-01-01 was a Thursday, three days after a Monday.
func (f *folder) offset(t *Reader) int64 {
	if !t.report.Dated || t.own {
		return 0
	}
	return (t.origin + 3*nsPerDay) % f.period
}

// covering counts the periods k whose instant at + k × period lies within the file.
func (f *folder) covering(at, offset, last int64) int64 {
	n := (last-at)/f.period + 1
	if at < offset {
		n--
	}
	return max(n, 1)
}
