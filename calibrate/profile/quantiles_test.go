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
