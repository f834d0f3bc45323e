package chart

import (
	"fmt"
	"math"
	"strings"

	"github.com/simcap/simcap/report/quantity"
)

// Tick is a marked value of an axis; a minor one has no label.
type Tick struct {
	At    float64
	Label string
}

// Ticks are the marks of an axis that shows [low, high], about as many as wanted.
func Ticks(a Axis, low, high float64, want int) []Tick {
	if !(high > low) {
		return nil
	}
	if len(a.Names) > 0 {
		var out []Tick
		for i, name := range a.Names {
			if at := float64(i); at >= low && at <= high {
				out = append(out, Tick{at, name})
			}
		}
		return out
	}
	switch a.Scale {
	case Log:
		return logTicks(a, low, high, want)
	case Time:
		return timeTicks(low, high, want)
	case Tail:
		return tailTicks(low, high)
	}
	if largest := math.Max(math.Abs(low), math.Abs(high)); high-low < 1e-9*largest {
		// All is one value as far as floats tell: steps between the ends would be lost in it.
		return []Tick{{low, quantity.Tick(a.Kind, low, largest)}}
	}
	// Steps are round in the unit in which the values are written, for example in minutes.
	unit := quantity.Unit(a.Kind, math.Max(math.Abs(low), math.Abs(high)))
	step := niceStep((high-low)/unit/float64(max(want, 1))) * unit
	if a.Kind == quantity.Count { // things are whole
		step = math.Max(1, math.Floor(step))
	}
	var out []Tick
	for n := math.Ceil(low/step-1e-9) + 0; n*step <= high+step*1e-9; n++ {
		out = append(out, Tick{n*step + 0, quantity.Tick(a.Kind, n*step+0,
			math.Max(math.Abs(low), math.Abs(high)))})
	}
	return out
}

// niceStep is the next of 1, 2, 2.5, 5 × 10^n that is not below v.
func niceStep(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, step := range []float64{1, 2, 2.5, 5} {
		if step*power >= v*(1-1e-9) {
			return step * power
		}
	}
	return 10 * power
}

// logTicks are 1, 2 and 5 of each decade, or whole decades when those are too many.
func logTicks(a Axis, low, high float64, want int) []Tick {
	if low <= 0 {
		return nil
	}
	if a.Kind == quantity.Seconds && high >= 120 {
		return longTicks(a, low, high, want)
	}
	decades := math.Log10(high / low)
	steps := []float64{1, 2, 5}
	if decades*3 > float64(want)*1.5 {
		steps = steps[:1]
	}
	skip := 1
	for decades/float64(skip) > float64(want)*1.5 {
		skip++
	}
	var out []Tick
	for n := int(math.Floor(math.Log10(low))); float64(n) <= math.Log10(high); n++ {
		if n%skip != 0 {
			continue
		}
		for _, s := range steps {
			v := s * math.Pow(10, float64(n))
			if v >= low*(1-1e-9) && v <= high*(1+1e-9) {
				out = append(out, Tick{v, quantity.Tick(a.Kind, v, v)})
			}
		}
	}
	if len(out) < 2 { // a narrow range: ordinary steps
		a.Scale = Linear
		return Ticks(a, low, high, want)
	}
	return out
}

// longMarks are the marks of logarithmic axes of times beyond a minute: round minutes, hours and days.
var longMarks = [...]float64{60, 120, 300, 600, 1200, 3600, 7200, 18000, 36000, 86400, 172800,
	432000, 864000, 1728000,
	4320000, 8640000, 17280000, 43200000, 86400000, 864000000, 8640000000, 86400000000, 864000000000}

// longTicks are 1, 2 and 5 of each decade below a minute and longMarks above, thinned evenly where
// those are too
// many.
func longTicks(a Axis, low, high float64, want int) []Tick {
	var at []float64
	for n := int(math.Floor(math.Log10(low))); n <= 1; n++ {
		for _, s := range []float64{1, 2, 5} {
			if v := s * math.Pow(10, float64(n)); v >= low*(1-1e-9) && v < 60 {
				at = append(at, v)
			}
		}
	}
	for _, v := range longMarks {
		if v >= low*(1-1e-9) && v <= high*(1+1e-9) {
			at = append(at, v)
		}
	}
	every := 1
	for 2*len(at) > 3*want*every {
		every++
	}
	var out []Tick
	for i := 0; i < len(at); i += every {
		out = append(out, Tick{at[i], quantity.Tick(a.Kind, at[i], at[i])})
	}
	if len(out) < 2 {
		a.Scale = Linear
		return Ticks(a, low, high, want)
	}
	return out
}

// timeSteps are the steps of time axes, in seconds.
var timeSteps = [...]float64{1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30,
	60, 120, 300,
	600, 900, 1800, 3600, 7200, 10800, 14400, 21600, 43200, 86400, 172800, 604800, 1209600, 2592000, 7776000}

func timeTicks(low, high float64, want int) []Tick {
	step := timeSteps[len(timeSteps)-1]
	for i := len(timeSteps) - 1; i >= 0 && (high-low)/timeSteps[i] <= float64(want); i-- {
		step = timeSteps[i]
	}
	for (high-low)/step > float64(2*want) {
		step *= 2
	}
	var out []Tick
	for n := math.Ceil(low/step-1e-9) + 0; n*step <= high+step*1e-9; n++ {
		out = append(out, Tick{n*step + 0, Clock(n*step, high)})
	}
	return out
}

// Clock writes an instant of a run whose picture ends at the given one: "06:00" and "2 d 06:00" when it
// is of hours, else "90 s", "12 min".
func Clock(seconds, end float64) string {
	switch {
	case end < 120:
		return trim(fmt.Sprintf("%.3f", seconds)) + " s"
	case end < 2*3600:
		return trim(fmt.Sprintf("%.2f", seconds/60)) + " min"
	}
	whole := math.Round(seconds)
	hours, minutes := math.Floor(whole/3600), math.Mod(math.Floor(whole/60), 60)
	if end <= 49*3600 {
		return fmt.Sprintf("%02.0f:%02.0f", hours, minutes)
	}
	days, hours := math.Floor(hours/24), math.Mod(hours, 24)
	if hours == 0 && minutes == 0 {
		return fmt.Sprintf("%.0f d", days)
	}
	return fmt.Sprintf("%.0f d %02.0f:%02.0f", days, hours, minutes)
}

func trim(number string) string {
	if !strings.Contains(number, ".") {
		return number
	}
	return strings.TrimRight(strings.TrimRight(number, "0"), ".")
}

// tailTicks are p50, p90, p99, ... within the range.
func tailTicks(low, high float64) []Tick {
	var out []Tick
	if low <= 0 {
		out = append(out, Tick{0, "min"})
	}
	for _, q := range []float64{0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999, 0.9999999} {
		if q >= low && q <= high*(1+1e-12) {
			out = append(out, Tick{q, "p" + trim(fmt.Sprintf("%.6f", 100*q))})
		}
	}
	return out
}

// Place maps a value to [0, 1] along an axis that shows [low, high]; values outside land outside.
func Place(s Scale, v, low, high float64) float64 {
	switch s {
	case Log:
		if v <= 0 || low <= 0 {
			return -1e3
		}
		return math.Log(v/low) / math.Log(high/low)
	case Tail:
		return (nines(v) - nines(low)) / (nines(high) - nines(low))
	}
	return (v - low) / (high - low)
}

// nines is −log10(1 − q), for q below 1 − 10⁻⁹.
func nines(q float64) float64 { return -math.Log10(math.Max(1e-9, 1-q)) }
