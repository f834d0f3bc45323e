package plan

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/simcap/simcap/experiment"
)

func TestQuantities(t *testing.T) {
	for text, want := range map[string]float64{"4": 4, "2.5": 2.5, "250ms": 0.25, "1h30m": 5400, "7d": 604800,
		"16GiB": 16, "512MiB": 0.5, "2%": 0.02, "30/min": 0.5, "none": math.Inf(1)} {
		if got, ok := quantity(text); !ok || math.Abs(got-want) > 1e-12 && got != want {
			t.Errorf("%s is %v, want %v", text, got, want)
		}
	}
	for _, text := range []string{"H100", "rolling", "{max_inputs: 4}", ""} {
		if got, ok := quantity(text); ok {
			t.Errorf("%q is %v", text, got)
		}
	}
}

func TestSpaceOrdersItsAxes(t *testing.T) {
	s, err := newSpace([]experiment.Axis{
		{Key: "functions.f.scaledown_window", Values: []string{"5m", "10s", "1m", "10s"}},
		{Key: "functions.f.gpu", Values: []string{"L4", "A10", "T4"}},
		{Key: "functions.f.max_containers", Values: []string{"none", "3", "12"}}})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(s.axes[0].values, s.axes[1].values, s.axes[2].values); got !=
		"[10s 1m 5m] [L4 A10 T4] [3 12 none]" {
		t.Error(got)
	}
	seen := map[string]bool{}
	for n := range s.total {
		at := s.at(n)
		if s.number(at) != n {
			t.Fatalf("point %v has number %d, not %d", at, s.number(at), n)
		}
		seen[s.point(at).String()] = true
	}
	if len(seen) != 27 {
		t.Errorf("%d of 27 points", len(seen))
	}
	// One step along an ordered axis, any value of one without order.
	if got := fmt.Sprint(s.neighbours([]int{0, 1, 1})); got != "[[1 1 1] [0 0 1] [0 2 1] [0 1 0] [0 1 2]]" {
		t.Error(got)
	}
	for _, at := range s.exchanges([]int{0, 1, 1}) {
		changed := 0
		for i, k := range []int{0, 1, 1} {
			if at[i] != k {
				changed++
			}
		}
		if changed != 2 {
			t.Errorf("%v is no exchange", at)
		}
	}
}

func TestSpacesThatAreNone(t *testing.T) {
	many := make([]string, 100_000)
	for i := range many {
		many[i] = fmt.Sprint(i)
	}
	for _, axes := range [][]experiment.Axis{
		{{Key: "a"}},
		{{Key: "a", Values: []string{"1"}}, {Key: "a", Values: []string{"2"}}},
		{{Key: "a", Values: many}, {Key: "b", Values: many}, {Key: "c", Values: many}, {Key: "d", Values: many}},
	} {
		if _, err := newSpace(axes); err == nil {
			t.Errorf("%v is a space", axes[0].Key)
		}
	}
}

func TestWhereTodayLies(t *testing.T) {
	s := searchOf(t, text, axis1("max_containers", "5", "10", "15", "25"), axis1("batched.wait_ms", "0", "40", "90"),
		axis1("scaledown_window", "10s", "50s", "5m"))
	if got := s.space.where(&s.scenario.Model); !slices.Equal(got, []int{2, 1, 1}) {
		t.Errorf("20, 50 ms and 60 s are nearest to %v", s.space.point(got))
	}
}

// A linear function is reproduced everywhere, any function where it is known.
func TestSurrogate(t *testing.T) {
	linear := func(x []float64) float64 { return 3 + 2*x[0] - x[1] }
	curved := func(x []float64) float64 { return math.Exp(x[0]) * (1 + x[1]*x[1]) }
	var places [][]float64
	values := make([][]float64, 2)
	for i := range 25 {
		x := []float64{float64(i%5) / 4, float64(i/5) / 4}
		places = append(places, x)
		values[0], values[1] = append(values[0], linear(x)), append(values[1], curved(x))
	}
	s := newSurrogate(places, values)
	out := make([]float64, 2)
	for _, x := range [][]float64{{0.1, 0.9}, {0.37, 0.42}, {0.5, 0.5}, {0.99, 0.6}} {
		s.at(x, out)
		if math.Abs(out[0]-linear(x)) > 1e-6 {
			t.Errorf("linear at %v: %v, want %v", x, out[0], linear(x))
		}
		if math.Abs(out[1]-curved(x)) > 0.02*curved(x) {
			t.Errorf("curved at %v: %v, want %v", x, out[1], curved(x))
		}
	}
	if d := s.at([]float64{0.25, 0.30}, out); math.Abs(d-0.05) > 1e-9 {
		t.Errorf("the nearest known place is %v away, not 0.05", d)
	}
	s.at(places[7], out)
	if math.Abs(out[1]-values[1][7]) > 1e-3 {
		t.Errorf("at a known place %v, want %v", out[1], values[1][7])
	}
}
