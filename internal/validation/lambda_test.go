package validation

import (
	"context"
	"math"
	"os"
	"testing"
)

const lambdaFolder = "../../../shared/data/traces/aws-lambda-pacs"

// lambdaSays is what docs/validation.md says in words: cold requests measured and predicted, the longest
// idleness that an instance survived, in seconds.
var lambdaSays = map[string]struct {
	measured  int
	predicted float64
	longest   float64
}{
	"2020-04-24": {56, 69, 1454}, // "23 % more", "24 minutes"
	"2020-05-17": {37, 52, 1282}, // "39 % more", "21 minutes"
	"2020-05-28": {59, 61, 633},
	"2020-06-09": {35, 35, 654},
	"2020-06-13": {28, 21, 648},
}

// TestLambda holds what docs/validation.md says about the measured runs of AWS Lambda.
func TestLambda(t *testing.T) {
	runs, err := ReadLambda(os.DirFS(lambdaFolder))
	if err != nil {
		t.Skip("../shared/data/traces/aws-lambda-pacs is not beside the checkout")
	}
	for i := range runs {
		r, err := replay(context.Background(), &runs[i])
		if err != nil {
			t.Fatal(err)
		}
		measured, predicted := r.run.ColdFraction(), r.byPolicy[0]
		off := predicted/measured.Value - 1
		t.Logf("%s: %.4f measured (%.4f … %.4f), %.4f predicted (%+.0f %%)", r.run.Name,
			measured.Value, measured.Low,
			measured.High, predicted, 100*off)
		if d := r.latency/r.run.LatencyS - 1; math.Abs(d) > 0.004 {
			t.Errorf("%s: latency is off by %.2f %%", r.run.Name, 100*d)
		}
		if says, ok := lambdaSays[r.run.Name]; ok {
			if r.run.Cold != says.measured || math.Abs(r.run.LongestS-says.longest) > 1 ||
				math.Abs(predicted*float64(r.run.Requests)-says.predicted) > 0.6 {
				t.Errorf("%s: %d cold measured, %.1f predicted, idle for up to %.0f s: the document says %v", r.run.Name,
					r.run.Cold, predicted*float64(r.run.Requests), r.run.LongestS, says)
			}
		}
		if r.run.OldestS > 7400 {
			t.Errorf("%s: an instance of %.0f s; no more than about two hours were expected", r.run.Name, r.run.OldestS)
		}
		longest := r.byPolicy[len(policies)-1]
		if r.run.RatePerS < 0.01 {
			if !measured.Contains(predicted) {
				t.Errorf("%s: the interval of the measurement does not hold the prediction",
					r.run.Name)
			}
			if math.Abs(longest-predicted)*float64(r.run.Requests) > 1 {
				t.Errorf("%s: routing matters with one instance", r.run.Name)
			}
			continue
		}
		if off < 0.15 || off > 0.45 {
			t.Errorf("%s: predicted %.0f %% more than measured; 15 to 45 were expected",
				r.run.Name, 100*off)
		}
		if longest > measured.Value/10 {
			t.Errorf("%s: longest_idle predicts %.5f: no longer wrong by a factor of ten",
				r.run.Name, longest)
		}
		if last := r.byWindow[len(windows)-1]; last >= r.byWindow[0] {
			t.Errorf("%s: a longer window gives no fewer cold starts", r.run.Name)
		}
	}
}
