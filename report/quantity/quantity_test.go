package quantity

import (
	"math"
	"strings"
	"testing"
)

func TestFormat(t *testing.T) {
	tests := []struct {
		kind Kind
		v    float64
		want string
	}{
		{Seconds, 0, "0 s"}, {Seconds, 4.2e-9, "4.20 ns"}, {Seconds, 0.00085, "850 µs"},
		{Seconds, 0.0123, "12.3 ms"}, {Seconds, 0.9999, "1.00 s"}, {Seconds, 0.99999, "1.00 s"},
		{Seconds, 1.244, "1.24 s"}, {Seconds, 99.96, "100 s"}, {Seconds, 119, "119 s"},
		{Seconds, 150, "2.50 min"}, {Seconds, 86400, "24 h"}, {Seconds, 259200, "3 d"},
		{USD, 0, "$0"}, {USD, 0.001234, "$0.00123"}, {USD, 0.5, "$0.500"}, {USD, 1, "$1.00"},
		{USD, 12.345, "$12.35"}, {USD, 2214.4, "$2,214"}, {USD, 1.5e9, "$1,500M"}, {USD, -3, "-$3.00"},
		{Fraction, 0.019, "1.90%"}, {Fraction, 1, "100%"}, {Fraction, 0.4567, "45.7%"},
		{Fraction, 0.0000123, "0.00123%"},
		{Count, 1204311, "1,204,311"}, {Count, 1.2e8, "120 M"}, {Count, 3.4, "3.40"},
		{Count, 0.1, "0.100"}, {PerS, 50, "50/s"}, {PerS, 0.002, "0.00200/s"},
		{Number, math.NaN(), None}, {Number, math.Inf(1), None},
	}
	for _, test := range tests {
		if got := Format(test.kind, test.v); got != test.want {
			t.Errorf("Format(%s, %v) = %q, want %q", test.kind, test.v, got, test.want)
		}
	}
}

func TestRange(t *testing.T) {
	tests := []struct {
		kind      Kind
		low, high float64
		want      string
	}{
		{Seconds, 1.2, 1.28, "1.20–1.28 s"}, {Seconds, 0.95, 1.05, "0.95–1.05 s"},
		{USD, 2180, 2248, "$2,180–2,248"}, {Fraction, 0.001, 0.0012, "0.100–0.120%"},
		{Seconds, 2, 2, "2 s"}, {Count, 100000, 100400, "100,000–100,400"},
		{Seconds, math.NaN(), 1, None}, {USD, 4.1, 8.2, "$4.10–8.20"},
	}
	for _, test := range tests {
		if got := Range(test.kind, test.low, test.high); got != test.want {
			t.Errorf("Range(%s, %v, %v) = %q, want %q", test.kind, test.low, test.high, got, test.want)
		}
	}
}

func TestChosen(t *testing.T) {
	tests := []struct {
		kind Kind
		v    float64
		want string
	}{{Fraction, 0.001, "0.1%"}, {Fraction, 0.2, "20%"}, {USD, 2.5, "$2.50"}, {USD, 5, "$5"},
		{USD, 0.5, "$0.50"}, {Seconds, 0.15, "150 ms"}, {Seconds, 8, "8 s"}, {Seconds, 1.25, "1.25 s"},
		{Count, 4, "4"}, {Number, 1. / 3, "0.333"}, {Number, math.NaN(), None}}
	for _, test := range tests {
		if got := Chosen(test.kind, test.v); got != test.want {
			t.Errorf("Chosen(%s, %v) = %q, want %q", test.kind, test.v, got, test.want)
		}
	}
}

func TestSpan(t *testing.T) {
	for seconds, want := range map[float64]string{86400: "24 h", 90: "90 s", 604800: "7 d", 1800: "30 min",
		0.5: "500 ms", 5400: "90 min", 0: "0 s", 172800: "48 h"} {
		if got := Span(seconds); got != want {
			t.Errorf("Span(%v) = %q, want %q", seconds, got, want)
		}
	}
}

// What is written says the value to three digits, whatever its size.
func TestFormatKeepsThreeDigits(t *testing.T) {
	for _, v := range []float64{1.0049e-7, 9.994e-4, 0.09996, 0.1234, 1.006, 10.04, 999.4, 123456} {
		s := scaleFor(Number, v)
		places := decimals(Number, v/s.size)
		step := math.Pow(10, -float64(places))
		if step > v*0.0101 {
			t.Errorf("%v is written in steps of %v", v, step)
		}
	}
}

func TestCut(t *testing.T) {
	for _, test := range []struct {
		text  string
		width int
		want  string
	}{{"short", 10, "short"}, {"abcdefghij", 5, "ab…ij"}, {"äöüäöü", 3, "ä…ü"}, {"ab", 1, "…"},
		{"ab", 0, ""}} {
		if got := Cut(test.text, test.width); got != test.want {
			t.Errorf("Cut(%q, %d) = %q, want %q", test.text, test.width, got, test.want)
		}
	}
}

func TestGlue(t *testing.T) {
	for text, want := range map[string]string{
		"takes 48.1 ms on average":                       "takes 48.1~ms on average",
		"1 h of 24 h, 3 M inputs, 12 GiB":                "1~h of 24~h, 3~M inputs, 12~GiB",
		"scaledown_window 2m · buffer_containers 0: $5":  "scaledown_window~2m · buffer_containers~0: $5",
		"5 starts, 7 hosts and 2 Ms of 3 containers_max": "5 starts, 7 hosts and 2 Ms of 3 containers_max",
	} {
		if got := strings.ReplaceAll(Glue(text), "\u00a0", "~"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
