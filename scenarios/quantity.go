package scenarios

import (
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/simcap/simcap/sim"
)

// Quantities are read as exact decimals and rounded once, when they become a float64 or a whole
// number of nanoseconds: 0.1 is one tenth, and 3 times 0.1s is 300 ms.

// longestNumber bounds the characters of a number and largestExponent its power of ten, so that
// nobody can ask for a number that fills the memory.
const (
	longestNumber   = 400
	largestExponent = 330
)

// longestTime is the longest time that a scenario may name: 100 years.
const longestTime = 36_525 * sim.Day

// quantityError says what is wrong with a quantity, and how to write it.
type quantityError struct{ text, help string }

func (e quantityError) Error() string { return e.text }

func wrong(help, format string, args ...any) error {
	return quantityError{fmt.Sprintf(format, args...), help}
}

var errNotANumber = errors.New("not a number")

// decimal is the exact value of a decimal number: digits with a point and a power of ten, each
// optional, a sign before it.
func decimal(text string) (*big.Rat, error) {
	if len(text) > longestNumber {
		return nil, fmt.Errorf("a number of %d characters", len(text))
	}
	mantissa, exponent, power := strings.Cut(strings.ToLower(text), "e")
	digits := strings.TrimLeft(mantissa, "+-")
	if len(mantissa)-len(digits) > 1 || !isDecimal(digits) {
		return nil, errNotANumber
	}
	if power {
		size := strings.TrimLeft(strings.TrimLeft(exponent, "+-"), "0")
		if len(exponent) == 0 || !isDigits(strings.TrimLeft(exponent, "+-")) {
			return nil, errNotANumber
		}
		if len(size) > 3 || len(size) == 3 && size > fmt.Sprint(largestExponent) {
			return nil, errors.New("a power of ten that no quantity has")
		}
	}
	x, ok := new(big.Rat).SetString(text)
	if !ok {
		return nil, errNotANumber
	}
	return x, nil
}

// isDecimal says whether the text is digits with at most one point, and at least one digit.
func isDecimal(text string) bool {
	whole, rest, _ := strings.Cut(text, ".")
	return whole+rest != "" && (whole == "" || isDigits(whole)) && (rest == "" || isDigits(rest))
}

func isDigits(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}

// number reads a plain number.
func number(text string) (*big.Rat, error) {
	const help = "write a plain number, for example 2, 0.5 or 1e6"
	x, err := decimal(text)
	switch {
	case errors.Is(err, errNotANumber):
		if notFinite(text) {
			return nil, wrong(help, "%q is not a finite number", text)
		}
		return nil, wrong(help, "%q is not a number", text)
	case err != nil:
		return nil, wrong(help, "%s is %v", shorten(text), err)
	}
	return x, nil
}

func notFinite(text string) bool {
	switch strings.TrimLeft(strings.ToLower(text), "+-.") {
	case "inf", "infinity", "nan":
		return true
	}
	return false
}

// shorten is the text in quotes, cut where nobody would read on.
func shorten(text string) string {
	const most = 40
	if len(text) > most {
		return fmt.Sprintf("%.*q…", most, text)
	}
	return fmt.Sprintf("%q", text)
}

// unit is a name and how many base units it has.
type unit struct {
	name  string
	value *big.Rat
}

func whole(n int64) *big.Rat { return new(big.Rat).SetInt64(n) }

// timeUnits have ns as base unit. Longer names first, so that "ms" is not read as "m".
func timeUnits() []unit {
	return []unit{
		{"min", whole(int64(sim.Minute))}, {"ns", whole(1)}, {"us", whole(int64(sim.Microsecond))},
		{"µs", whole(int64(sim.Microsecond))}, {"μs", whole(int64(sim.Microsecond))},
		{"ms", whole(int64(sim.Millisecond))}, {"s", whole(int64(sim.Second))},
		{"m", whole(int64(sim.Minute))}, {"h", whole(int64(sim.Hour))}, {"d",
			whole(int64(sim.Day))},
	}
}

// notDecimal says whether a number without sign and exponent ends at the character.
func notDecimal(r rune) bool { return !strings.ContainsRune("0123456789.", r) }

const timeHelp = "write seconds or a number with a unit (ns, us, ms, s, m, h, d): 250ms, 90s, 1h30m"

// duration reads a time in ns: a bare number is seconds, else numbers with units that add up.
func duration(text string) (*big.Rat, error) {
	if x, err := decimal(text); err == nil {
		return x.Mul(x, whole(int64(sim.Second))), nil
	} else if !errors.Is(err, errNotANumber) {
		return nil, wrong(timeHelp, "%s is %v", shorten(text), err)
	}
	rest := strings.TrimSpace(text)
	sign := 1
	if strings.HasPrefix(rest, "-") {
		sign, rest = -1, rest[1:]
	}
	sum, units := new(big.Rat), timeUnits()
	for first := true; rest != "" || first; first = false {
		end := strings.IndexFunc(rest, notDecimal)
		if end <= 0 {
			return nil, notATime(text)
		}
		x, err := decimal(rest[:end])
		if err != nil {
			return nil, notATime(text)
		}
		rest = strings.TrimLeft(rest[end:], " ")
		u, ok := leadingUnit(rest, units)
		if !ok {
			return nil, notATime(text)
		}
		sum.Add(sum, x.Mul(x, u.value))
		rest = strings.TrimLeft(rest[len(u.name):], " ")
	}
	if sign < 0 {
		sum.Neg(sum)
	}
	return sum, nil
}

func notATime(text string) error {
	if notFinite(text) {
		return wrong(timeHelp, "%q is not a finite time", text)
	}
	return wrong(timeHelp, "%s is not a time", shorten(text))
}

// leadingUnit is the unit that the text begins with, if the unit's name ends there.
func leadingUnit(text string, units []unit) (unit, bool) {
	for _, u := range units {
		rest, ok := strings.CutPrefix(text, u.name)
		if ok && (rest == "" || strings.ContainsRune("0123456789. ", rune(rest[0]))) {
			return u, true
		}
	}
	return unit{}, false
}

// rate reads a rate per second: a bare number, or a number per unit of time.
func rate(text string) (*big.Rat, error) {
	const help = "write a number per second, or a number and a unit of time: 50, 50/s, 3000/min, 2/h"
	amount, per, slash := strings.Cut(text, "/")
	x, err := decimal(strings.TrimSpace(amount))
	switch {
	case errors.Is(err, errNotANumber) && notFinite(text):
		return nil, wrong(help, "%q is not a finite rate", text)
	case errors.Is(err, errNotANumber):
		return nil, wrong(help, "%s is not a rate", shorten(text))
	case err != nil:
		return nil, wrong(help, "%s is %v", shorten(text), err)
	case !slash:
		return x, nil
	}
	per = strings.TrimSpace(per)
	for _, u := range timeUnits() {
		if per == u.name {
			x.Mul(x, whole(int64(sim.Second)))
			return x.Quo(x, u.value), nil
		}
	}
	return nil, wrong(help, "%s is not a rate: %q is not a unit of time", shorten(text), per)
}

// memory reads an amount of memory in GiB. A bare number is MiB, as in Modal's own settings.
func memory(text string) (*big.Rat, error) {
	const help = "write a number with a unit: 128MiB, 16GiB (of 1024), 16GB (of 1000); " +
		"a bare number is MiB"
	end := strings.IndexFunc(text, func(r rune) bool {
		return notDecimal(r) && r != '+' && r != '-'
	})
	if end < 0 {
		end = len(text)
	}
	x, err := decimal(text[:end])
	if err != nil {
		return nil, wrong(help, "%s is not an amount of memory", shorten(text))
	}
	scale, ok := memoryUnit(strings.TrimSpace(text[end:]))
	if !ok {
		return nil, wrong(help, "%s is not an amount of memory", shorten(text))
	}
	return x.Mul(x, scale), nil
}

// memoryUnit is a unit of memory in GiB.
func memoryUnit(name string) (*big.Rat, bool) {
	const ki, k = 1 << 10, 1000
	bytes := map[string]int64{
		"": ki * ki, "B": 1, "KiB": ki, "MiB": ki * ki, "GiB": ki * ki * ki,
		"TiB": ki * ki * ki * ki,
		"KB":  k, "MB": k * k, "GB": k * k * k, "TB": k * k * k * k,
	}
	n, ok := bytes[name]
	return big.NewRat(n, ki*ki*ki), ok
}

// fraction reads a share: a number, or a percentage.
func fraction(text string) (*big.Rat, error) {
	const help = "write a number or a percentage: 0.02 or 2%"
	amount, percent := strings.CutSuffix(text, "%")
	x, err := decimal(strings.TrimSpace(amount))
	switch {
	case errors.Is(err, errNotANumber) && notFinite(text):
		return nil, wrong(help, "%q is not a finite number", text)
	case errors.Is(err, errNotANumber):
		return nil, wrong(help, "%s is not a fraction", shorten(text))
	case err != nil:
		return nil, wrong(help, "%s is %v", shorten(text), err)
	case percent:
		x.Quo(x, whole(100))
	}
	return x, nil
}

// money reads an amount in USD: a number, with or without a dollar sign before it.
func money(text string) (*big.Rat, error) {
	const help = "write an amount in USD: 2.50 or $2.50"
	x, err := decimal(strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(text), "$")))
	if err != nil {
		return nil, wrong(help, "%s is not an amount of money", shorten(text))
	}
	return x, nil
}

// price reads a price in USD per second: a bare number, or an amount per unit of time.
func price(text string) (*big.Rat, error) {
	const help = "write USD per second, or an amount per unit of time: 0.000542 or $1.95/h"
	x, err := rate(strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(text), "$")))
	if err != nil {
		return nil, wrong(help, "%s is not a price", shorten(text))
	}
	return x, nil
}

// toFloat rounds once to the nearest float64; false where that is not finite.
func toFloat(x *big.Rat) (float64, bool) {
	f, _ := x.Float64()
	return f, f-f == 0
}

// toTime rounds once to whole nanoseconds, halves up.
func toTime(ns *big.Rat) (sim.Time, bool) {
	twice := new(big.Int).Mul(ns.Num(), big.NewInt(2))
	twice.Add(twice, ns.Denom())
	n := twice.Div(twice, new(big.Int).Mul(ns.Denom(), big.NewInt(2))) // floor(ns + 1/2)
	if !n.IsInt64() {
		return 0, false
	}
	return sim.Time(n.Int64()), true
}
