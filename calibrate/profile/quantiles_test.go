package profile_test

import (
	"bytes"
	"testing"

	"github.com/simcap/simcap/calibrate/profile"
	"github.com/simcap/simcap/scenarios"
)

// Quantiles are read back as the shares that they were written from: p5 and p50 are not the same.
func TestQuantilesAreReadBack(t *testing.T) {
	shares := []float64{0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999}
	p := &profile.Profile{Name: "q"}
	for i, q := range shares {
		p.Service.Quantiles = append(p.Service.Quantiles, profile.Quantile{P: q, Value: 0.001 * float64(i+1)})
	}
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	if _, ds := scenarios.ReadProfile("q.yaml", b.Bytes()); len(ds) > 0 {
		t.Fatalf("%v\n%s", ds, b.String())
	}
	for _, want := range []string{"p1: 1ms, p5: 2ms, p10: 3ms", "p50: 5ms, p75: 6ms", "p99: 9ms, p99.9: 10ms"} {
		if !bytes.Contains(b.Bytes(), []byte(want)) {
			t.Errorf("%q is not in\n%s", want, b.String())
		}
	}
}

// Intervals are read back as they were written, times as times and the variation as a share.
func TestIntervalsAreReadBack(t *testing.T) {
	p := &profile.Profile{Name: "q"}
	p.Service.Time, p.Quality.Fit = 0.025, "affine"
	p.Quality.Intervals = []profile.Interval{{Parameter: "time", Low: 0.0249, High: 0.0251},
		{Parameter: profile.NoiseCV, Low: 0.031, High: 0.035}}
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	got, ds := scenarios.ReadProfile("q.yaml", b.Bytes())
	if len(ds) > 0 {
		t.Fatalf("%v\n%s", ds, b.String())
	}
	want := []scenarios.Interval{{Parameter: "time", Low: 24.9e6, High: 25.1e6},
		{Parameter: "noise.cv", LowShare: 0.031, HighShare: 0.035}}
	if len(got.Quality.Intervals) != 2 || got.Quality.Intervals[0] != want[0] || got.Quality.Intervals[1] != want[1] {
		t.Errorf("%+v, want %+v", got.Quality.Intervals, want)
	}
	swapped := bytes.Replace(b.Bytes(), []byte("low: 24.9ms"), []byte("low: 29ms"), 1)
	if _, ds := scenarios.ReadProfile("q.yaml", swapped); len(ds) != 1 {
		t.Errorf("an interval that ends before it begins: %v", ds)
	}
}
