package validation

import (
	"bufio"
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/scenarios"
	"github.com/simcap/simcap/sim"
)

// TestAzureTraces runs the traces of two LLM services as they are: every row becomes an input at its
// instant. What the files hold is counted here anew, line by line.
func TestAzureTraces(t *testing.T) {
	folder, err := filepath.Abs("../../../shared/data/traces/azure-llm-2023")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(folder); err != nil {
		t.Skip("../shared/data/traces/azure-llm-2023 is not beside the checkout")
	}
	for _, trace := range AzureTraces {
		t.Run(trace.File, func(t *testing.T) {
			want := azureArrivals(t, filepath.Join(folder, trace.File))
			if len(want) != trace.Rows {
				t.Fatalf("%d rows; %d were expected", len(want), trace.Rows)
			}
			s, found := scenarios.Load("azure.yaml", []byte(`simcap: 1
platform: none
functions:
  f: {concurrent: {max_inputs: 16}, cold_start: 20s, service: {time: 2s}}
workloads:
  - {name: w, function: f, arrivals: {process: trace, format: azure_llm, file: `+trace.File+`}}
`), scenarios.Options{Folder: folder})
			if found.Failed() {
				t.Fatal(found[0].Message)
			}
			var got []sim.Time
			rows := &model.Rows{Input: func(row *model.InputRow) error {
				got = append(got, row.Submitted)
				return nil
			}}
			r, err := experiment.Run(context.Background(), s, experiment.Options{Rows: rows})
			if err != nil {
				t.Fatal(err)
			}
			if n := *r.Total.Inputs.Completed.Value; n != float64(trace.Rows) {
				t.Errorf("%g inputs completed; %d were expected", n, trace.Rows)
			}
			if len(got) != len(want) {
				t.Fatalf("%d inputs; %d were expected", len(got), len(want))
			}
			for i := range want {
				if got[i] != want[i] {
					t.Fatalf("input %d came at %d ns; %d was expected", i+1, got[i], want[i])
				}
			}
			if span := got[len(got)-1].Seconds(); math.Abs(span-trace.SpanS) > 1e-9 {
				t.Errorf("a span of %.9f s; %.9f was expected", span, trace.SpanS)
			}
		})
	}
}

// azureArrivals are the instants of a trace's rows since the first.
func azureArrivals(t *testing.T, path string) []sim.Time {
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var first time.Time
	var out []sim.Time
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		stamp, _, _ := strings.Cut(lines.Text(), ",")
		if stamp == "TIMESTAMP" {
			continue
		}
		at, err := time.Parse("2006-01-02 15:04:05.9999999", stamp)
		if err != nil {
			t.Fatal(err)
		}
		if len(out) == 0 {
			first = at
		}
		out = append(out, sim.Time(at.Sub(first).Nanoseconds()))
	}
	return out
}
