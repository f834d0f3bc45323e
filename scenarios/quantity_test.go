package scenarios

import (
	"math/big"
	"strings"
	"testing"
)

func TestQuantitiesAreExact(t *testing.T) {
	for _, c := range []struct {
		parse func(string) (*big.Rat, error)
		text  string
		want  string // exact, as a fraction
	}{
		{duration, "1", "1000000000"},
		{duration, "0.1", "100000000"},
		{duration, "0.1ns", "1/10"},
		{duration, "250ms", "250000000"},
		{duration, "1h30m", "5400000000000"},
		{duration, "1h 30m", "5400000000000"},
		{duration, "1.5h", "5400000000000"},
		{duration, "7d", "604800000000000"},
		{duration, "5 min", "300000000000"},
		{duration, "2.6ms", "2600000"},
		{duration, "3µs", "3000"},
		{duration, "3us", "3000"},
		{duration, "1e-9", "1"},
		{duration, "-3s", "-3000000000"},
		{rate, "50", "50"},
		{rate, "50/s", "50"},
		{rate, "3000/min", "50"},
		{rate, "3000/m", "50"},
		{rate, "2/h", "1/1800"},
		{rate, "8 / d", "1/10800"},
		{rate, "0.1/s", "1/10"},
		{memory, "16GiB", "16"},
		{memory, "128MiB", "1/8"},
		{memory, "128", "1/8"},
		{memory, "1 TiB", "1024"},
		{memory, "16GB", "15625000/1048576"},
		{fraction, "2%", "1/50"},
		{fraction, "0.1 %", "1/1000"},
		{fraction, "0.02", "1/50"},
		{money, "$2.50", "5/2"},
		{price, "$3.60/h", "1/1000"},
		{price, "0.000542", "271/500000"},
		{number, "1e6", "1000000"},
		{number, ".5", "1/2"},
		{number, "017", "17"},
		{milliseconds, "100", "100000000"},
		{milliseconds, "2s", "2000000000"},
	} {
		want, ok := new(big.Rat).SetString(c.want)
		if !ok {
			t.Fatal(c.want)
		}
		if got, err := c.parse(c.text); err != nil || got.Cmp(want) != 0 {
			t.Errorf("%q is %v (%v), want %v", c.text, got, err, want)
		}
	}
}

func TestTextsThatAreNoQuantities(t *testing.T) {
	parsers := map[string]func(string) (*big.Rat, error){
		"duration": duration, "rate": rate, "memory": memory, "fraction": fraction, "money": money, "price": price,
		"number": number, "milliseconds": milliseconds,
	}
	texts := []string{"", " ", "abc", "1 2", "1..2", "--1", "0x10", "1_000", "nan", ".inf", "-.inf", "inf", "1e999999999",
		"1e-999999999", strings.Repeat("9", 1000), "1h30", "5 parsecs", "1s2", "/s", "5/", "5/fortnight", "%", "$", "1e",
		"1e+", "e5", "١٢"}
	for name, parse := range parsers {
		for _, text := range texts {
			if x, err := parse(text); err == nil {
				t.Errorf("%s %q is %v", name, text, x)
			} else if len(err.Error()) > 200 {
				t.Errorf("%s %.20q…: a message of %d characters", name, text, len(err.Error()))
			}
		}
	}
}

// A time is rounded once, halves up, and a sum of decimals has no error of binary fractions.
func TestTimesAreRoundedOnce(t *testing.T) {
	for _, c := range []struct {
		text string
		want int64
	}{{"0.5ns", 1}, {"0.49999999999999999999ns", 0}, {"1.5ns", 2}, {"0.1s", 100_000_000}, {"0.7", 700_000_000},
		{"1.000000000499999", 1_000_000_000}, {"36525d", 36525 * 86_400 * 1_000_000_000}} {
		x, err := duration(c.text)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := toTime(x); !ok || int64(got) != c.want {
			t.Errorf("%s is %d ns, want %d", c.text, got, c.want)
		}
	}
}
