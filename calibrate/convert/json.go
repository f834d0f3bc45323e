package convert

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
)

// has says whether the text is a JSON object with all of the keys.
func has(data []byte, keys ...string) bool {
	var top map[string]json.RawMessage
	if json.Unmarshal(data, &top) != nil {
		return false
	}
	for _, k := range keys {
		if top[k] == nil {
			return false
		}
	}
	return true
}

func isVLLM(data []byte) bool { return has(data, "request_throughput", "mean_ttft_ms") }

// readVLLM reads one result of `vllm bench serve`: times in ms, tokens in total.
func readVLLM(f File, r *Result) error {
	var v struct {
		Date       string   `json:"date"`
		Model      string   `json:"model_id"`
		Completed  float64  `json:"completed"`
		Throughput float64  `json:"request_throughput"`
		Input      float64  `json:"total_input_tokens"`
		Output     float64  `json:"total_output_tokens"`
		TTFT       float64  `json:"mean_ttft_ms"`
		TPOT       float64  `json:"mean_tpot_ms"`
		E2EL       *float64 `json:"mean_e2el_ms"`
		P50        float64  `json:"median_e2el_ms"`
		P95        float64  `json:"p95_e2el_ms"`
		P99        float64  `json:"p99_e2el_ms"`
	}
	if err := decode(f.Data, &v); err != nil {
		return err
	}
	if v.Completed <= 0 {
		return errors.New("no request completed")
	}
	row := Row{Batch: 1, Throughput: v.Throughput, PromptTokens: v.Input / v.Completed,
		OutputTokens: v.Output / v.Completed, TTFT: v.TTFT / 1e3, TPOT: v.TPOT / 1e3,
		P50: v.P50 / 1e3, P95: v.P95 / 1e3, P99: v.P99 / 1e3}
	if v.E2EL != nil {
		row.Mean = *v.E2EL / 1e3
	} else { // left out unless it is asked for by --percentile-metrics
		row.Mean = row.TTFT + row.TPOT*math.Max(0, row.OutputTokens-1)
	}
	row.Concurrency = row.Throughput * row.Mean
	r.Rows, r.Model = append(r.Rows, row), v.Model
	if d := v.Date; len(d) >= 8 && !strings.Contains(d, "-") || len(d) > 8 && d[8] == '-' {
		r.Date = d[:4] + "-" + d[4:6] + "-" + d[6:8]
	}
	return nil
}

func isGuideLLM(data []byte) bool {
	return has(data, "benchmarks") && bytes.Contains(data, []byte(`"request_latency"`))
}

// distribution is a metric of GuideLLM.
type distribution struct {
	Successful struct {
		Mean        float64            `json:"mean"`
		Median      float64            `json:"median"`
		Percentiles map[string]float64 `json:"percentiles"`
	} `json:"successful"`
}

// readGuideLLM reads all benchmarks of a report: latency in seconds, tokens' times in ms.
func readGuideLLM(f File, r *Result) error {
	var v struct {
		Benchmarks []struct {
			Metrics struct {
				Rate        distribution `json:"requests_per_second"`
				Concurrency distribution `json:"request_concurrency"`
				Latency     distribution `json:"request_latency"`
				Prompt      distribution `json:"prompt_token_count"`
				Output      distribution `json:"output_token_count"`
				TTFT        distribution `json:"time_to_first_token_ms"`
				ITL         distribution `json:"inter_token_latency_ms"`
			} `json:"metrics"`
		} `json:"benchmarks"`
	}
	if err := decode(f.Data, &v); err != nil {
		return err
	}
	for _, b := range v.Benchmarks {
		m := &b.Metrics
		l := m.Latency.Successful
		row := Row{Batch: 1, Throughput: m.Rate.Successful.Mean, Concurrency: m.Concurrency.Successful.Mean,
			Mean: l.Mean, P50: l.Median, P95: l.Percentiles["p95"], P99: l.Percentiles["p99"],
			PromptTokens: m.Prompt.Successful.Mean, OutputTokens: m.Output.Successful.Mean,
			TTFT: m.TTFT.Successful.Mean / 1e3, TPOT: m.ITL.Successful.Mean / 1e3}
		if row.Mean <= 0 {
			continue // a load under which nothing succeeded
		}
		if row.Concurrency <= 0 {
			row.Concurrency = row.Throughput * row.Mean
		}
		r.Rows = append(r.Rows, row)
	}
	return nil
}

func isAIPerf(data []byte) bool {
	return has(data, "request_latency") || has(data, "records") && bytes.Contains(data, []byte(`"request_latency"`))
}

// metric is a metric of AIPerf, with its unit.
type metric struct {
	Unit string  `json:"unit"`
	Avg  float64 `json:"avg"`
	P50  float64 `json:"p50"`
	P95  float64 `json:"p95"`
	P99  float64 `json:"p99"`
}

func (m *metric) seconds() (unit float64) {
	switch m.Unit {
	case "ms", "":
		return 1e-3
	case "us", "µs":
		return 1e-6
	case "ns":
		return 1e-9
	}
	return 1
}

// aiperf is the metrics of one run.
type aiperf struct {
	Latency    metric  `json:"request_latency"`
	TTFT       metric  `json:"time_to_first_token"`
	ITL        metric  `json:"inter_token_latency"`
	Throughput metric  `json:"request_throughput"`
	Input      metric  `json:"input_sequence_length"`
	Output     metric  `json:"output_sequence_length"`
	Records    *aiperf `json:"records"`
	Config     struct {
		Endpoint struct {
			Models []string `json:"model_names"`
		} `json:"endpoint"`
	} `json:"input_config"`
}

// readAIPerf reads one run.
func readAIPerf(f File, r *Result) error {
	var v aiperf
	if err := decode(f.Data, &v); err != nil {
		return err
	}
	if len(v.Config.Endpoint.Models) > 0 {
		r.Model = v.Config.Endpoint.Models[0]
	}
	if v.Records != nil {
		v = *v.Records
	}
	u := v.Latency.seconds()
	row := Row{Batch: 1, Throughput: v.Throughput.Avg, Mean: v.Latency.Avg * u, P50: v.Latency.P50 * u,
		P95: v.Latency.P95 * u, P99: v.Latency.P99 * u, PromptTokens: v.Input.Avg, OutputTokens: v.Output.Avg,
		TTFT: v.TTFT.Avg * v.TTFT.seconds(), TPOT: v.ITL.Avg * v.ITL.seconds()}
	row.Concurrency = row.Throughput * row.Mean
	r.Rows = append(r.Rows, row)
	return nil
}

func decode(data []byte, into any) error {
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("not the JSON that was expected: %w", err)
	}
	return nil
}
