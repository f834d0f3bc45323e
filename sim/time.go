// Package sim is the engine: a clock in whole nanoseconds, a calendar that pops events in one
// total order, and random streams that are addressed by what they are for. It knows nothing of
// containers or functions, and imports only the standard library.
package sim

import "strconv"

// Time is an instant since the start of the run, or a span, in nanoseconds.
type Time int64

// Spans in nanoseconds.
const (
	Nanosecond  Time = 1
	Microsecond      = 1000 * Nanosecond
	Millisecond      = 1000 * Microsecond
	Second           = 1000 * Millisecond
	Minute           = 60 * Second
	Hour             = 60 * Minute
	Day              = 24 * Hour
)

// Never is later than every instant a run can reach (146 years): the date of what is not scheduled.
const Never Time = 1 << 62

// Round turns a computed time in nanoseconds into a whole one: nearest, halves up, never negative.
// What is not finite or reaches past Never becomes Never.
func Round(ns float64) Time {
	if !(ns < float64(Never)) {
		return Never
	}
	if ns <= 0 {
		return 0
	}
	t := Time(ns)
	return t + Time(2*(ns-float64(t))) // exact; ns + 0.5 would not be past 2^52 ns, 52 days
}

// Seconds is t in seconds.
func (t Time) Seconds() float64 { return float64(t) / float64(Second) }

// AppendSeconds appends t in seconds with nine decimals, as the result files write it.
func (t Time) AppendSeconds(b []byte) []byte {
	if t < 0 {
		b = append(b, '-')
		t = -t
	}
	b = strconv.AppendInt(b, int64(t/Second), 10)
	b = append(b, '.')
	rest := int64(t % Second)
	for div := int64(Second / 10); div > 0; div /= 10 {
		b = append(b, byte('0'+rest/div%10))
	}
	return b
}
