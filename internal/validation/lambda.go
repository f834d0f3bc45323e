package validation

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/scenarios"
	"github.com/simcap/simcap/stats"
)

// LambdaRun is one measured run of AWS Lambda: what was asked when, and what was cold.
type LambdaRun struct {
	Name       string
	Requests   int
	RatePerS   float64
	Cold       int     // requests that started an instance
	OverheadS  float64 // mean time of a warm request outside its instance
	ColdStartS float64 // mean time that a cold request waits for its instance, beyond the overhead
	LatencyS   float64 // mean
	LongestS   float64 // the longest time that an instance was idle and then used again
	OldestS    float64 // the greatest age at which an instance was used
	arrivals   string  // seconds, one a line
	warm, cold string  // seconds in the instance, one a line
	endS       float64
}

// ColdFraction is the share of cold requests with its 95 % interval.
func (r *LambdaRun) ColdFraction() stats.Interval {
	return stats.WilsonInterval(int64(r.Cold), int64(r.Requests), 0.95)
}

// ReadLambda reads the runs of a folder, in order of their names: files with the columns t_s, is_cold,
// instance, client_elapsed_s and server_elapsed_ms (Mahmoudi and Khazaei, IEEE TCC 2020;
// github.com/pacslab/serverless-performance-modeling, MIT licence).
func ReadLambda(folder fs.FS) ([]LambdaRun, error) {
	names, err := fs.Glob(folder, "*.csv")
	if err != nil || len(names) == 0 {
		return nil, fmt.Errorf("validation: no runs of AWS Lambda: %w", fs.ErrNotExist)
	}
	var runs []LambdaRun
	for _, name := range names {
		f, err := folder.Open(name)
		if err != nil {
			return nil, err
		}
		run, err := readLambdaRun(f)
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("validation: %s: %w", name, err)
		}
		run.Name, _, _ = strings.Cut(name, "_")
		runs = append(runs, run)
	}
	return runs, nil
}

func readLambdaRun(in io.Reader) (LambdaRun, error) {
	rows, err := csv.NewReader(in).ReadAll()
	if err != nil {
		return LambdaRun{}, err
	}
	var r LambdaRun
	var arrivals, warm, cold strings.Builder
	var outsideWarm, outsideCold float64
	born, left := map[float64]float64{}, map[float64]float64{} // by instance
	for _, row := range rows[1:] {
		var v [5]float64
		for i := range v {
			if v[i], err = strconv.ParseFloat(row[i], 64); err != nil {
				return LambdaRun{}, err
			}
		}
		at, client, server := v[0], v[3], v[4]/1000
		fmt.Fprintln(&arrivals, row[0])
		r.Requests++
		r.endS = at
		r.LatencyS += client
		if from, seen := born[v[2]]; seen {
			r.LongestS, r.OldestS = max(r.LongestS, at-left[v[2]]), max(r.OldestS, at-from)
		} else {
			born[v[2]] = at
		}
		left[v[2]] = at + client
		if v[1] == 1 {
			r.Cold++
			outsideCold += client - server
			fmt.Fprintln(&cold, server)
		} else {
			outsideWarm += client - server
			fmt.Fprintln(&warm, server)
		}
	}
	n := float64(r.Requests)
	r.LatencyS /= n
	r.RatePerS = (n - 1) / r.endS
	r.OverheadS = outsideWarm / float64(r.Requests-r.Cold)
	r.ColdStartS = outsideCold/float64(r.Cold) - r.OverheadS
	r.arrivals, r.warm, r.cold = arrivals.String(), warm.String(), cold.String()
	return r, nil
}

// LambdaModel is how simcap is told what Lambda does.
type LambdaModel struct {
	WindowS  float64 // keep-alive
	Routing  string
	Recycled bool // containers live for two hours on average
}

// Replay predicts a run: its arrivals, its service times, a container for each request, and gives the
// share of requests that start a container and the mean latency. Like the measured run it counts
// without the first container, which was warm before the first request.
func (m LambdaModel) Replay(ctx context.Context, run *LambdaRun) (cold,
	latency experiment.Estimate, err error) {
	failures := ""
	if m.Recycled {
		failures = ", failures: {preempt_per_hour: 0.5}"
	}
	text := fmt.Sprintf(`simcap: 1
name: lambda
horizon: %gs
replications: 10
platform: {preset: none, routing: %s}
functions:
  f:
    {scaledown_window: %gs, cold_start: %.6fs, overhead: %.6fs%s,
    service: {time: {dist: empirical, file: warm}, first_input: {dist: empirical, file: cold}}}
workloads:
  - {name: w, function: f, arrivals: {process: trace, file: arrivals, format: seconds}}
`, run.endS+60, m.Routing, m.WindowS, run.ColdStartS, run.OverheadS, failures)
	open := func(name string) (io.ReadCloser, error) {
		files := map[string]string{"arrivals": run.arrivals, "warm": run.warm, "cold": run.cold}
		return io.NopCloser(strings.NewReader(files[name])), nil
	}
	s, found := scenarios.Load("lambda.yaml", []byte(text), scenarios.Options{Open: open})
	if found.Failed() {
		return cold, latency, fmt.Errorf("validation: lambda: %s", found[0].Message)
	}
	r, err := experiment.Run(ctx, s, experiment.Options{})
	if err != nil {
		return cold, latency, fmt.Errorf("validation: lambda: %w", err)
	}
	share := func(v *float64) *float64 {
		fraction := (*v - 1) / float64(run.Requests)
		return &fraction
	}
	started := r.Total.Containers.Started
	cold = experiment.Estimate{Value: share(started.Value), Low: share(started.Low),
		High: share(started.High)}
	return cold, r.Total.LatencyS.Mean, nil
}
