// Package quantity writes numbers for people: one unit that fits, as many digits as mean something,
// and the interval in the same unit.
package quantity

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Kind is what a number measures; it decides how the number is written.
type Kind string

// The kinds. Values are seconds, USD, fractions (0.02 is 2%), events per second, whole things, bytes,
// or bare numbers.
const (
	Seconds  Kind = "s"
	USD      Kind = "usd"
	Fraction Kind = "fraction"
	PerS     Kind = "per_s"
	Count    Kind = "count"
	Number   Kind = "number"
)

// None stands where there is no value.
const None = "–"

// scale is a unit that a value is written in: value / size, between prefix and suffix.
type scale struct {
	size           float64
	prefix, suffix string
}

var secondScales = []scale{ // by rising size; the first whose successor is too large is used
	{1e-9, "", " ns"}, {1e-6, "", " µs"}, {1e-3, "", " ms"}, {1, "", " s"}, {60, "", " min"},
	{3600, "", " h"}, {86400, "", " d"},
}

// from is the value in seconds from which each of secondScales is used.
var secondFrom = []float64{0, 1e-6, 1e-3, 1, 120, 7200, 172800}

var bigScales = []scale{{1, "", ""}, {1e6, "", " M"}, {1e9, "", " G"}, {1e12, "", " T"}}

// scaleFor is the unit in which a value of the kind is best written.
func scaleFor(kind Kind, v float64) scale {
	v = math.Abs(v)
	switch kind {
	case Seconds:
		if v == 0 {
			return scale{1, "", " s"}
		}
		at := 0
		for i, from := range secondFrom {
			if v >= from*0.9995 {
				at = i
			}
		}
		return secondScales[at]
	case USD:
		return withPrefix(big(v), "$")
	case Fraction:
		return scale{0.01, "", "%"}
	case PerS:
		s := big(v)
		s.suffix += "/s"
		return s
	}
	return big(v)
}

// Unit is the size of the unit in which a value is written, for example 60 for minutes.
func Unit(kind Kind, v float64) float64 {
	if kind != Seconds {
		return 1
	}
	return scaleFor(kind, v).size
}

func withPrefix(s scale, prefix string) scale {
	s.prefix, s.suffix = prefix, strings.TrimPrefix(s.suffix, " ")
	return s
}

func big(v float64) scale {
	at := 0
	for i := 1; i < len(bigScales) && v >= 10*bigScales[i].size; i++ {
		at = i
	}
	return bigScales[at]
}

// Format writes a value, for example "1.24 s", "$2,214", "1.9%", "50/s"; None where it is not finite.
func Format(kind Kind, v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return None
	}
	s := scaleFor(kind, v)
	if kind == Fraction && v > 0 && v < 1e-5 {
		return "<0.001%"
	}
	return s.write(v, decimals(kind, v/s.size))
}

// Plain writes a bare number.
func Plain(v float64) string { return Format(Number, v) }

// Chosen writes a value that someone chose, such as a limit, without digits that say nothing: "0.1%",
// "$2.50", "8 s".
func Chosen(kind Kind, v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return None
	}
	s := scaleFor(kind, v)
	scaled := v / s.size
	for places := range 4 {
		if kind == USD && places == 1 {
			continue // cents come in pairs
		}
		power := math.Pow(10, float64(places))
		if math.Abs(math.Round(scaled*power)/power-scaled) <= 1e-4*math.Abs(scaled) {
			return s.write(v, places)
		}
	}
	return Format(kind, v)
}

func (s scale) write(v float64, places int) string {
	text := Grouped(v/s.size, places)
	if rest, negative := strings.CutPrefix(text, "-"); negative {
		return "-" + s.prefix + rest + s.suffix
	}
	return s.prefix + text + s.suffix
}

// decimals is how many decimals leave three significant digits; money has two from a dollar on, and
// whole things have none.
func decimals(kind Kind, scaled float64) int {
	v := math.Abs(scaled)
	whole := math.Abs(v-math.Round(v)) <= 1e-9*v
	switch {
	case v == 0:
		return 0
	case kind == Count && (whole || v >= 100):
		return 0
	case kind == USD && v >= 1000:
		return 0
	case kind == USD && v >= 0.995:
		return 2
	case whole && v < 1000:
		return 0
	case v >= 99.95:
		return 0
	case v >= 9.995:
		return 1
	case v >= 0.9995:
		return 2
	}
	return min(12, 2-int(math.Floor(math.Log10(v)+1e-12)))
}

// Grouped writes v with the given number of decimals and commas between thousands.
func Grouped(v float64, places int) string {
	text := strconv.FormatFloat(v, 'f', places, 64)
	sign := ""
	if strings.HasPrefix(text, "-") {
		sign, text = "-", text[1:]
		if strings.Trim(text, "0.") == "" {
			sign = ""
		}
	}
	whole, rest := text, ""
	if dot := strings.IndexByte(text, '.'); dot >= 0 {
		whole, rest = text[:dot], text[dot:]
	}
	for at := len(whole) - 3; at > 0; at -= 3 {
		whole = whole[:at] + "," + whole[at:]
	}
	return sign + whole + rest
}

// Range writes an interval in the unit that suits its end, with as many digits as its half-width makes
// meaningful: "1.20–1.28 s".
func Range(kind Kind, low, high float64) string {
	if math.IsNaN(low+high) || math.IsInf(low, 0) || math.IsInf(high, 0) {
		return None
	}
	s := scaleFor(kind, math.Max(math.Abs(low), math.Abs(high)))
	places := rangeDecimals(kind, s, low, high)
	from, to := s.write(low, places), s.write(high, places)
	if from == to {
		return to
	}
	return strings.TrimSuffix(from, s.suffix) + "–" + strings.TrimPrefix(to, s.prefix)
}

// rangeDecimals leaves one digit of the half-width, two where it begins with a 1; never more than twelve
// decimals.
func rangeDecimals(kind Kind, s scale, low, high float64) int {
	half := (high - low) / 2 / s.size
	most := decimals(kind, math.Max(math.Abs(low), math.Abs(high))/s.size)
	if half <= 0 {
		return most
	}
	power := math.Floor(math.Log10(half))
	places := -int(power)
	if half < 2*math.Pow(10, power) {
		places++
	}
	if kind == USD && places < 2 && most == 2 {
		places = 2 // cents come in pairs
	}
	return min(max(places, 0), max(most, 2)+2, 12)
}

// Span writes a length of time that someone chose, in the largest unit that it is whole in: "24 h",
// "90 s", "7 d".
func Span(seconds float64) string {
	units := []scale{{86400, "", " d"}, {3600, "", " h"}, {60, "", " min"}, {1, "", " s"}}
	for _, u := range units {
		n := seconds / u.size
		if n >= 1 && n == math.Trunc(n) && (u.size < 86400 || n > 2) {
			return u.write(seconds, 0)
		}
	}
	return Format(Seconds, seconds)
}

// Plural writes a count with its noun: "1 input", "2,000 inputs".
func Plural(n float64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return Format(Count, n) + " " + noun + "s"
}

// Cut shortens text to the given number of characters, with an ellipsis in its middle.
func Cut(text string, width int) string {
	n := utf8.RuneCountInString(text)
	if n <= width {
		return text
	}
	if width <= 1 {
		return "…"[:min(len("…"), max(0, width)*len("…"))]
	}
	runes := []rune(text)
	head := width / 2
	return string(runes[:head]) + "…" + string(runes[n-(width-1-head):])
}

// Tick writes a value of an axis whose largest value is given: in the unit that suits that, without
// zeros that say nothing, and large counts in thousands.
func Tick(kind Kind, v, most float64) string {
	s := scaleFor(kind, most)
	if kind != Seconds && kind != Fraction && most >= 10_000 {
		for _, k := range []scale{{1e3, "", "k"}, {1e6, "", "M"}, {1e9, "", "G"}, {1e12, "", "T"}} {
			if most >= k.size {
				s = scale{k.size, s.prefix, k.suffix}
			}
		}
		if kind == PerS {
			s.suffix += "/s"
		}
	}
	if v == 0 {
		return s.prefix + "0"
	}
	text := strconv.FormatFloat(v/s.size, 'f', 6, 64)
	if math.Abs(v/s.size) < 0.001 {
		text = strconv.FormatFloat(v/s.size, 'g', 3, 64)
	} else {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return s.prefix + text + s.suffix
}

var (
	beforeUnit = regexp.MustCompile(`(\d) (ns|µs|ms|s|min|h|d|M|G|T|[KMGT]?i?B)\b`)
	afterKey   = regexp.MustCompile(`([a-z]_[a-z]+) (\d)`)
)

// Glue keeps numbers and their units, and keys and their numbers, on one line wherever the text is broken:
// by no-break spaces.
func Glue(text string) string {
	return afterKey.ReplaceAllString(beforeUnit.ReplaceAllString(text, "$1\u00a0$2"), "$1\u00a0$2")
}
