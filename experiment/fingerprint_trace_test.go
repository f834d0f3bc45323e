package experiment

import (
	"testing"

	"github.com/simcap/simcap/model/workload"
	"github.com/simcap/simcap/sim"
)

// TestRowsOfOneFileReadInTwoWays: a file that is read with other conditions has other rows, and what was
// found of the first reading is not taken for the second.
func TestRowsOfOneFileReadInTwoWays(t *testing.T) {
	rows := func(at ...sim.Time) func(uint64) (workload.Source, error) {
		return func(uint64) (workload.Source, error) {
			return workload.At{Times: at}.Source(sim.Stream{}), nil
		}
	}
	var known traces
	hashes := map[string]bool{}
	for _, trace := range []workload.Trace{
		{File: "x", Format: "csv", Open: rows(1, 2, 3)},
		{File: "x", Format: "csv", Only: []string{"function=a"}, Open: rows(1, 2)},
		{File: "x", Format: "csv", From: 2, Open: rows(0, 1)},
	} {
		hash, err := known.rows(trace)
		if err != nil {
			t.Fatal(err)
		}
		again, err := known.rows(trace)
		if err != nil || again != hash {
			t.Errorf("a second reading gives %s, not %s: %v", again, hash, err)
		}
		hashes[hash] = true
	}
	if len(hashes) != 3 {
		t.Errorf("%d different hashes of 3 readings", len(hashes))
	}
}
