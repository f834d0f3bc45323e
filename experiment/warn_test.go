package experiment

import "testing"

func TestDigits(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 1: "1", 1024: "1024", 12345678: "12345678", 0.0009765625: "0.000977",
		99.96: "100", 12.345: "12.3", 1.5: "1.5"} {
		if got := digits(v); got != want {
			t.Errorf("%v is written %s, want %s", v, got, want)
		}
	}
}
