package validation

import (
	"context"
	"embed"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/scenarios"
)

// The measured runs of vLLM 0.19 of LLMServingSim (github.com/casys-kaist/LLMServingSim at 5daddb2,
// bench/examples, MIT licence, Copyright (c) 2024 CASYS Lab at KAIST): for each of 300 requests when it
// came to the engine, its tokens, and when its first and its last output token came.
//
//go:embed vllm/*.csv
var vllmFiles embed.FS

// VLLMRun is one measured run of an engine with continuous batching.
type VLLMRun struct {
	Name     string // of the file
	GPU      string
	Profile  string // of the library, from kernels that the same authors measured apart from the run
	Requests [][5]float64
}

// VLLMRuns reads both of them.
func VLLMRuns() ([]VLLMRun, error) {
	runs := []VLLMRun{
		{Name: "llama31-8b-rtx4090", GPU: "RTX 4090", Profile: "llama31-8b-vllm-rtx4090"},
		{Name: "llama31-8b-rtx-pro-6000", GPU: "RTX PRO 6000", Profile: "llama31-8b-vllm-rtx-pro-6000"},
	}
	for i := range runs {
		f, err := vllmFiles.Open("vllm/" + runs[i].Name + ".csv")
		if err != nil {
			return nil, err
		}
		lines, err := csv.NewReader(f).ReadAll()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", runs[i].Name, err)
		}
		for _, line := range lines[1:] {
			var row [5]float64
			for k := range row {
				if row[k], err = strconv.ParseFloat(line[k], 64); err != nil {
					return nil, fmt.Errorf("%s: %w", runs[i].Name, err)
				}
			}
			runs[i].Requests = append(runs[i].Requests, row)
		}
	}
	return runs, nil
}

// TokenTimes are what clients of an engine see: mean, median and 95th percentile, in seconds.
type TokenTimes struct {
	TTFT, TPOT, Latency [3]float64
	Preempted           float64 // inputs; NaN: not known
}

// Measured are the times of the run itself.
func (r *VLLMRun) Measured() TokenTimes {
	var ttft, tpot, latency []float64
	for _, row := range r.Requests {
		ttft, latency = append(ttft, row[3]), append(latency, row[4])
		if row[2] > 1 {
			tpot = append(tpot, (row[4]-row[3])/(row[2]-1))
		}
	}
	return TokenTimes{TTFT: summary(ttft), TPOT: summary(tpot), Latency: summary(latency)}
}

// summary is mean, median and 95th percentile, nearest rank.
func summary(values []float64) [3]float64 {
	slices.Sort(values)
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	n := len(values)
	return [3]float64{sum / float64(n), values[(n+1)/2-1], values[(n*95+99)/100-1]}
}

// Predicted are the times of a simulation with the profile of the library: the same requests at the same
// instants, one container.
func (r *VLLMRun) Predicted(ctx context.Context) (TokenTimes, error) {
	var trace strings.Builder
	trace.WriteString("time,prompt_tokens,output_tokens\n")
	for _, row := range r.Requests {
		fmt.Fprintf(&trace, "%.6f,%.0f,%.0f\n", row[0], row[1], row[2])
	}
	open := func(string) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(trace.String())), nil
	}
	s, found := scenarios.Load("vllm.yaml", []byte(`simcap: 1
platform: none
functions:
  f:
    min_containers: 1
    max_containers: 1
    concurrent: {max_inputs: 1000}
    timeout: 1h
    service: {profile: `+r.Profile+`}
workloads:
  - {name: w, function: f, arrivals: {process: trace, file: requests.csv}}
`), scenarios.Options{Open: open, Profile: libraryProfile})
	if s == nil {
		return TokenTimes{}, found.Err()
	}
	var ttft, tpot, latency []float64
	rows := &model.Rows{Input: func(row *model.InputRow) error {
		ttft, latency = append(ttft, row.LLM.TTFT.Seconds()), append(latency, row.Latency.Seconds())
		if row.LLM.TPOT != model.Unset {
			tpot = append(tpot, row.LLM.TPOT.Seconds())
		}
		return nil
	}}
	result, err := experiment.Run(ctx, s, experiment.Options{Rows: rows})
	if err != nil {
		return TokenTimes{}, err
	}
	return TokenTimes{TTFT: summary(ttft), TPOT: summary(tpot), Latency: summary(latency),
		Preempted: value(*result.Total.Preempted)}, nil
}

// libraryProfile is the text of a profile that comes with simcap.
func libraryProfile(name string) ([]byte, error) {
	text, ok := scenarios.LibraryProfile(name)
	if !ok {
		return nil, fmt.Errorf("no profile %s", name)
	}
	return text, nil
}

// vllmTable compares measured and predicted times of both runs.
func vllmTable(ctx context.Context) (string, error) {
	runs, err := VLLMRuns()
	if err != nil {
		return "", err
	}
	var d strings.Builder
	d.WriteString("\n| run | | mean, measured | predicted | | p50, measured | predicted | | " +
		"p95, measured | predicted | |\n" + strings.Repeat("|---", 11) + "|\n")
	for i := range runs {
		measured := runs[i].Measured()
		predicted, err := runs[i].Predicted(ctx)
		if err != nil {
			return "", err
		}
		for k, what := range []string{"time to first token", "time per output token", "latency"} {
			m := [][3]float64{measured.TTFT, measured.TPOT, measured.Latency}[k]
			p := [][3]float64{predicted.TTFT, predicted.TPOT, predicted.Latency}[k]
			fmt.Fprintf(&d, "| %s | %s |", runs[i].GPU, what)
			for q := range 3 {
				fmt.Fprintf(&d, " %.4g s | %.4g s | %+.1f %% |", m[q], p[q], 100*(p[q]/m[q]-1))
			}
			d.WriteString("\n")
		}
	}
	return d.String(), nil
}
