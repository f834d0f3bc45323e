package trace

import (
	"fmt"
	"slices"

	"github.com/simcap/simcap/sim"
)

// oneStep is the length of a bucket whose step is still to be found.
const oneStep = -1

// tuning finds what a file does not say of its clock: the tick that makes its rows coincide, or the
// step of its buckets.
type tuning struct {
	format *Format
	opts   *Options
	report *Report
	tick   int64 // arrivals are spread over it; 0: they stay where they are
	step   int64
}

// apply gives a record the tick or the step.
func (t *tuning) apply(rec *record) {
	switch {
	case rec.length == 0 && t.tick > 0:
		rec.length = t.tick
	case rec.length == oneStep:
		rec.length = t.step
		if rec.poisson { // a rate per second
			rec.count *= float64(t.step) / float64(nsPerSecond)
		}
	default:
		return
	}
	t.report.until(rec)
}

// decide looks at the first records of a file.
func (t *tuning) decide(prefix []record) error {
	if len(prefix) == 0 {
		return nil
	}
	at := make([]int64, 0, len(prefix))
	series := false
	for i := range prefix {
		instant := prefix[i].at
		if prefix[i].clock != 0 {
			instant = prefix[i].clock
		}
		at = append(at, instant)
		series = series || prefix[i].length == oneStep
	}
	slices.Sort(at)
	gaps := make([]int64, 0, len(at))
	zeros := 0
	for i := 1; i < len(at); i++ {
		if gap := at[i] - at[i-1]; gap > 0 {
			gaps = append(gaps, gap)
		} else {
			zeros++
		}
	}
	t.report.Resolution = sim.Time(resolution(gaps))
	if series {
		t.decideStep(gaps)
		return nil
	}
	if prefix[0].length == 0 {
		t.warnOfSamples(gaps, zeros)
		t.decideTick(gaps, zeros)
	}
	return nil
}

// fewestSamples is how many rows at even distances are no chance.
const fewestSamples = 20

// warnOfSamples says that rows of a general format may be the samples of a meter: such a file has
// a row every second, whatever arrives.
func (t *tuning) warnOfSamples(gaps []int64, zeros int) {
	switch t.format.Name {
	case "csv", "jsonl", "parquet":
	default:
		return
	}
	if zeros > 0 || len(gaps) < fewestSamples || slices.Min(gaps) != slices.Max(gaps) {
		return
	}
	t.report.warn(fmt.Sprintf("the rows are exactly %s apart, as samples of a meter are, and each is taken "+
		"for one arrival: if a column holds counts or rates, name it (column count=NAME or rate=NAME)",
		span(gaps[0])))
}

// resolution is the greatest common divisor of the gaps between instants; 0 without gaps.
func resolution(gaps []int64) int64 {
	var g int64
	for _, gap := range gaps {
		for gap != 0 {
			g, gap = gap, g%gap
		}
	}
	return g
}

// decideStep takes the most frequent gap for the step: buckets may be missing, and clocks may jump.
func (t *tuning) decideStep(gaps []int64) {
	t.step = int64(t.opts.Step)
	if t.step > 0 {
		t.report.Step = t.opts.Step
		return
	}
	t.step = usual(gaps)
	if t.step == 0 {
		t.step = int64(sim.Minute)
		t.report.warn("one bucket does not tell its length: taken for 60 s, set the step to change it")
	}
	t.report.Step = sim.Time(t.step)
}

// usual is the most frequent gap, the shortest of several such; 0 without gaps. It sorts gaps.
func usual(gaps []int64) int64 {
	slices.Sort(gaps)
	best, most := int64(0), 0
	for i := 0; i < len(gaps); {
		j := i
		for j < len(gaps) && gaps[j] == gaps[i] {
			j++
		}
		if j-i > most {
			most, best = j-i, gaps[i]
		}
		i = j
	}
	return best
}

const (
	coarsest     = int64(10 * sim.Second) // longest tick that irregular ticks are taken for
	manyInstants = 30                     // distinct instants that show a tick beyond doubt
)

// decideTick finds the tick of a coarse clock: rows share instants, and the instants lie on a grid of
// a millisecond or more, or, as in traces that were written in rounds, nearly evenly apart.
func (t *tuning) decideTick(gaps []int64, zeros int) {
	ties := t.opts.Ties
	if ties == TiesAuto && t.format.fine {
		ties = TiesKeep
	}
	if ties == TiesKeep || zeros == 0 || len(gaps) == 0 {
		if zeros > 0 && t.format.tick > 0 && ties != TiesKeep {
			t.spread(t.format.tick)
		}
		return
	}
	g := resolution(gaps)
	slices.Sort(gaps)
	low, median := gaps[len(gaps)/20], gaps[len(gaps)/2]
	switch {
	case t.format.tick > 0:
		t.spread(t.format.tick)
	case len(gaps) >= manyInstants && zeros > len(gaps) && float64(low) >= 0.8*float64(median) &&
		median <= coarsest && median > g:
		t.spread(median)
	case len(gaps) >= manyInstants && g%int64(sim.Minute) == 0:
		t.spread(int64(sim.Minute))
	default:
		for tick := nsPerSecond; tick >= int64(sim.Millisecond); tick /= 10 {
			if g%tick == 0 {
				t.spread(tick)
				return
			}
		}
		if ties == TiesSpread {
			t.spread(g)
		}
	}
}

// spread sets the tick and says so.
func (t *tuning) spread(tick int64) {
	t.tick = tick
	t.report.Tick = sim.Time(tick)
	say := t.report.warn
	if tick <= int64(sim.Millisecond) {
		say = t.report.note
	}
	say(fmt.Sprintf("the file's clock is coarse: several rows share an instant, so rows are spread at "+
		"random over its tick of %s (ties: keep leaves them)", span(tick)))
}
