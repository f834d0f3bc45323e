package validation

import (
	"context"
	"testing"
)

// TestVLLM holds what docs/validation.md says in words about the measured runs of vLLM: with a memory that is
// short, on the RTX 4090, means are right within 3 %; on the RTX PRO 6000, TPOT and latency are predicted low, by
// less than 12 %.
func TestVLLM(t *testing.T) {
	runs, err := VLLMRuns()
	if err != nil {
		t.Fatal(err)
	}
	for i := range runs {
		r := &runs[i]
		if len(r.Requests) != 300 {
			t.Fatalf("%s: %d requests", r.Name, len(r.Requests))
		}
		measured := r.Measured()
		predicted, err := r.Predicted(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		off := [3]float64{predicted.TTFT[0]/measured.TTFT[0] - 1, predicted.TPOT[0]/measured.TPOT[0] - 1,
			predicted.Latency[0]/measured.Latency[0] - 1}
		t.Logf("%s: TTFT %+.3f, TPOT %+.3f, latency %+.3f; %v preempted; %+v %+v", r.Name, off[0], off[1], off[2],
			predicted.Preempted, measured, predicted)
		low, high := [3]float64{-0.03, -0.03, -0.03}, [3]float64{0.03, 0.03, 0.03}
		if r.GPU == "RTX PRO 6000" {
			low, high = [3]float64{-0.22, -0.09, -0.12}, [3]float64{}
		}
		for k := range off {
			if off[k] < low[k] || off[k] > high[k] {
				t.Errorf("%s: figure %d is off by %.1f %%, and the document says %v to %v", r.Name, k, 100*off[k], low[k], high[k])
			}
		}
		if (predicted.Preempted > 50) != (r.GPU == "RTX 4090") {
			t.Errorf("%s: %v inputs preempted", r.Name, predicted.Preempted)
		}
	}
}
