package chart

import (
	"math"
	"strings"
	"testing"

	"github.com/simcap/simcap/report/quantity"
)

func labels(ticks []Tick) string {
	var out []string
	for _, t := range ticks {
		out = append(out, t.Label)
	}
	return strings.Join(out, " | ")
}

func TestTicks(t *testing.T) {
	tests := []struct {
		axis      Axis
		low, high float64
		want      string
	}{
		{Axis{Kind: quantity.Seconds}, 0, 15.2, "0 | 5 s | 10 s | 15 s"},
		{Axis{Kind: quantity.Seconds}, 0, 0.0042, "0 | 1 ms | 2 ms | 3 ms | 4 ms"},
		{Axis{Kind: quantity.USD}, 1000, 4000, "$1000 | $2000 | $3000 | $4000"},
		{Axis{Kind: quantity.USD}, 0, 40000, "$0 | $10k | $20k | $30k | $40k"},
		{Axis{Kind: quantity.Count}, 0, 2.5, "0 | 1 | 2"},
		{Axis{Kind: quantity.Fraction}, 0, 1, "0 | 20% | 40% | 60% | 80% | 100%"},
		{Axis{Kind: quantity.Number}, -1, 1, "-1 | -0.5 | 0 | 0.5 | 1"},
		{Axis{Kind: quantity.Seconds, Scale: Log}, 0.1, 5, "100 ms | 200 ms | 500 ms | 1 s | 2 s | 5 s"},
		{Axis{Kind: quantity.Seconds, Scale: Log}, 0.001, 100, "1 ms | 10 ms | 100 ms | 1 s | 10 s | 100 s"},
		{Axis{Kind: quantity.Seconds, Scale: Log}, 20, 800, "20 s | 50 s | 60 s | 2 min | 5 min | 10 min"},
		{Axis{Kind: quantity.Seconds, Scale: Log}, 1, 86400, "1 s | 10 s | 60 s | 10 min | 2 h | 24 h"},
		{Axis{Scale: Time}, 0, 86400, "00:00 | 06:00 | 12:00 | 18:00 | 24:00"},
		{Axis{Scale: Time}, 0, 604800, "0 d | 2 d | 4 d | 6 d"},
		{Axis{Scale: Time}, 0, 60, "0 s | 15 s | 30 s | 45 s | 60 s"},
		{Axis{Scale: Tail}, 0, 0.9995, "min | p50 | p90 | p99 | p99.9"},
		{Axis{}, 1, 1, ""},
	}
	for _, test := range tests {
		if got := labels(Ticks(test.axis, test.low, test.high, 5)); got != test.want {
			t.Errorf("%v from %v to %v: got %s, want %s", test.axis, test.low, test.high, got, test.want)
		}
	}
}

// Whatever the range, ticks lie in it, rise, are few, and are told apart by their labels.
func TestTicksAlwaysServe(t *testing.T) {
	for _, scale := range []Scale{Linear, Log, Time} {
		for _, kind := range []quantity.Kind{quantity.Seconds, quantity.USD, quantity.Number,
			quantity.Fraction} {
			for low := 1e-6; low < 1e9; low *= 7.3 {
				for _, factor := range []float64{1.001, 1.7, 30, 1e5} {
					checkTicks(t, Axis{Scale: scale, Kind: kind}, low, low*factor)
				}
			}
		}
	}
}

func checkTicks(t *testing.T, a Axis, low, high float64) {
	t.Helper()
	ticks := Ticks(a, low, high, 5)
	if len(ticks) > 16 || len(ticks) < 2 && a.Scale != Time {
		t.Errorf("%v: %d ticks from %v to %v", a, len(ticks), low, high)
	}
	seen := map[string]bool{}
	for i, tick := range ticks {
		if tick.At < low*(1-1e-6) || tick.At > high*(1+1e-6) || i > 0 && tick.At <= ticks[i-1].At {
			t.Errorf("%v: tick %v from %v to %v", a, tick.At, low, high)
		}
		if seen[tick.Label] && high/low > 1.01 && a.Scale != Time {
			t.Errorf("%v: two ticks are labelled %s, from %v to %v", a, tick.Label, low, high)
		}
		seen[tick.Label] = true
	}
}

func TestPlace(t *testing.T) {
	for _, test := range []struct {
		scale        Scale
		v, low, high float64
		want         float64
	}{{Linear, 5, 0, 10, 0.5}, {Log, 10, 1, 100, 0.5}, {Tail, 0.9, 0, 0.99, 0.5},
		{Tail, 0.999, 0, 0.999, 1}} {
		if got := Place(test.scale, test.v, test.low, test.high); math.Abs(got-test.want) > 1e-12 {
			t.Errorf("%s %v: got %v, want %v", test.scale, test.v, got, test.want)
		}
	}
}

// Ends that differ by the last digit of a float make one tick, and no endless many.
func TestTicksOfOneValue(t *testing.T) {
	for _, low := range []float64{0.3, -586.7, 586.7, 1e300} {
		got := Ticks(Axis{Kind: quantity.Number}, low, math.Nextafter(low, math.Inf(1)), 5)
		if len(got) != 1 {
			t.Errorf("at %v: %v", low, got)
		}
	}
}
