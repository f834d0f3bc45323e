package chart

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestValuesJSON(t *testing.T) {
	v := Values{0, 1, -2.5, 1.23456789, 123456789, 1e-7, math.NaN(), math.Inf(1), 1e300, 0.00012344}
	got, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if want := `[0,1,-2.5,1.235,123500000,1e-07,null,null,1e+300,0.0001234]`; string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
	var back []*float64
	if err := json.Unmarshal(got, &back); err != nil {
		t.Fatal(err)
	}
}

// The frontier holds exactly the points that no other point beats.
func TestPareto(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		n := 1 + random.IntN(30)
		x, y := make([]float64, n), make([]float64, n)
		for i := range x {
			x[i], y[i] = float64(random.IntN(12)), float64(random.IntN(12))
		}
		x[0] = math.NaN()
		var want []int
		for i := range x {
			beaten := math.IsNaN(x[i])
			for j := range x {
				better := x[j] <= x[i] && y[j] <= y[i] && (x[j] < x[i] || y[j] < y[i])
				beaten = beaten || better || j < i && x[j] == x[i] && y[j] == y[i]
			}
			if !beaten {
				want = append(want, i)
			}
		}
		got := Pareto(x, y)
		if !slices.IsSortedFunc(got, func(a, b int) int { return int(x[a] - x[b]) }) {
			t.Fatalf("not by rising x: %v of %v", got, x)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v of\n%v\n%v", got, want, x, y)
		}
	}
}

// Downsampling keeps every peak, and the mean of levels where bins are whole.
func TestBins(t *testing.T) {
	values := make([]float64, 1000)
	for i := range values {
		values[i] = float64(i % 7)
	}
	values[777] = 1e6
	values[3] = math.NaN()
	top, joined := Bins(values, 150, true)
	if joined != 7 || len(top) != 143 || slices.Max(top) != 1e6 || top[0] != 6 {
		t.Errorf("joined %d into %d, peak %v", joined, len(top), slices.Max(top))
	}
	level, _ := Bins([]float64{1, 3, math.NaN(), 5, math.NaN(), math.NaN()}, 3, false)
	if level[0] != 2 || level[1] != 5 || !math.IsNaN(level[2]) {
		t.Errorf("levels are %v", level)
	}
	if same, joined := Bins([]float64{1, 2}, 10, false); joined != 1 || !slices.Equal(same, Values{1, 2}) {
		t.Errorf("short series changed: %v", same)
	}
}
