package stats

import "math"

// Level averages a quantity that holds its value between changes, such as the length of a queue,
// over time:
//
//	average over [a, b] = (1/(b - a)) ∫ level(t) dt.
//
// A queue of 2 for 3 s and of 0 for 1 s is 1.5 long on average. Instants are whole numbers of any one
// unit, and never decrease.
type Level struct {
	begin, since int64
	level, peak  float64
	area, lost   float64 // ∫ level dt, and what its additions have rounded off (Kahan 1965)
}

// NewLevel begins at an instant with a value.
func NewLevel(at int64, value float64) Level {
	return Level{begin: at, since: at, level: value, peak: value}
}

// Set changes the value at an instant.
func (l *Level) Set(at int64, value float64) {
	l.hold(at)
	l.level = value
	l.peak = max(l.peak, value)
}

// hold lets the present value last until an instant.
func (l *Level) hold(until int64) {
	if until <= l.since {
		return
	}
	y := l.level*float64(until-l.since) - l.lost
	sum := l.area + y
	l.lost = (sum - l.area) - y
	l.area = sum
	l.since = until
}

// Mean is the average from the beginning to an instant that is not before the last change; NaN over
// no time.
func (l *Level) Mean(until int64) float64 {
	if until <= l.begin {
		return math.NaN()
	}
	total := *l
	total.hold(until)
	return total.area / float64(until-l.begin)
}

// Peak is the largest value so far.
func (l *Level) Peak() float64 { return l.peak }
