package convert

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// isVLLM knows results of `vllm bench serve`, of benchmark_serving.py before it, whose first versions
// wrote request_inthroughput, and of sglang.bench_serving, which began as a copy. A list is the
// summary.json of `vllm bench sweep serve`, several lines those of --append-result.
func isVLLM(s *source) bool {
	return s.all(func(o object) bool {
		return o.has("completed", "duration") &&
			(o.has("request_throughput") || o.has("request_inthroughput"))
	})
}

// vllmRun is one result. Times are in ms in the means and in s in the lists of --save-detailed; which
// of ttft, tpot, itl and e2el there are is told by --percentile-metrics.
type vllmRun struct {
	Date        string          `json:"date"` // 20261126-120000
	Model       string          `json:"model_id"`
	Backend     string          `json:"backend"`
	Endpoint    string          `json:"endpoint_type"` // backend, before 0.11
	Completed   float64         `json:"completed"`
	Failed      float64         `json:"failed"` // since 0.11
	Prompts     float64         `json:"num_prompts"`
	Duration    float64         `json:"duration"` // s
	Rate        json.RawMessage `json:"request_rate"`
	Most        float64         `json:"max_concurrency"` // since 0.6.4
	Input       float64         `json:"total_input_tokens"`
	Output      float64         `json:"total_output_tokens"`
	TTFT        float64         `json:"mean_ttft_ms"`
	TPOT        float64         `json:"mean_tpot_ms"`
	Mean        float64         `json:"mean_e2el_ms"`
	Std         float64         `json:"std_e2el_ms"`
	P50         float64         `json:"median_e2el_ms"`
	P90         float64         `json:"p90_e2el_ms"`
	P95         float64         `json:"p95_e2el_ms"`
	P99         float64         `json:"p99_e2el_ms"`
	SGLangMean  float64         `json:"mean_e2e_latency_ms"`
	SGLangStd   float64         `json:"std_e2e_latency_ms"`
	SGLangP50   float64         `json:"median_e2e_latency_ms"`
	SGLangP90   float64         `json:"p90_e2e_latency_ms"`
	SGLangP95   float64         `json:"p95_e2e_latency_ms"`
	SGLangP99   float64         `json:"p99_e2e_latency_ms"`
	Concurrency float64         `json:"concurrency"` // mean of requests at a time, of sglang
}

// servers are the backends that are named after what serves; the others are interfaces.
var servers = []string{"vllm", "tgi", "lmdeploy", "tensorrt-llm", "deepspeed-mii", "sglang", "trt",
	"sglang-native", "scalellm", "gserver", "llama.cpp"}

// readVLLM reads results of `vllm bench serve`.
func readVLLM(s *source, r *Result) error {
	for i, o := range s.objects {
		row, run, err := vllmRow(s, o)
		if err != nil {
			if len(s.objects) > 1 {
				err = fmt.Errorf("result %d of the file: %w", i+1, err)
			}
			return err
		}
		r.Rows, r.Model = append(r.Rows, row), run.Model
		if slices.Contains(servers, run.Backend) {
			r.Engine = run.Backend
		}
		if d, _, _ := strings.Cut(run.Date, "-"); len(d) == 8 {
			r.Date = d[:4] + "-" + d[4:6] + "-" + d[6:]
		}
		failed := run.Failed
		if failed == 0 {
			failed = math.Max(0, run.Prompts-run.Completed)
		}
		r.failures(s.Name, failed, run.Completed)
	}
	return nil
}

func vllmRow(s *source, o object) (Row, *vllmRun, error) {
	v := &vllmRun{}
	if err := o.decode(v); err != nil {
		return Row{}, nil, err
	}
	if v.Completed <= 0 {
		return Row{}, nil, errors.New("no request completed")
	}
	if v.Backend == "" {
		v.Backend = v.Endpoint
	}
	row := Row{Batch: max(1, s.Batch), PromptTokens: v.Input / v.Completed,
		OutputTokens: v.Output / v.Completed, TTFT: v.TTFT / 1e3, TPOT: v.TPOT / 1e3}
	row.Throughput = o.number("request_throughput")
	if row.Throughput == 0 {
		row.Throughput = o.number("request_inthroughput")
	}
	row.Mean, row.Std, row.P50 = (v.Mean+v.SGLangMean)/1e3, (v.Std+v.SGLangStd)/1e3, (v.P50+v.SGLangP50)/1e3
	row.P90, row.P95, row.P99 = (v.P90+v.SGLangP90)/1e3, (v.P95+v.SGLangP95)/1e3, (v.P99+v.SGLangP99)/1e3
	latencies := vllmLatencies(o)
	if row.Mean == 0 && len(latencies) > 0 {
		row.of(latencies)
	}
	if row.Mean == 0 && row.TTFT > 0 {
		row.Mean = row.TTFT + row.TPOT*math.Max(0, row.OutputTokens-1)
		row.summed = true
	}
	row.Concurrency = v.Concurrency
	if row.Concurrency == 0 {
		row.Concurrency = row.Throughput * row.Mean
	}
	var rate float64
	if json.Unmarshal(v.Rate, &rate) != nil || rate == 0 { // "inf": all requests are sent as slots are free
		row.Concurrency = keptUp(v.Most, row.Concurrency)
	}
	return row, v, nil
}

// vllmLatencies are the latencies of the requests that succeeded, in s, of the lists of
// --save-detailed: the first token and the gaps between the others. Nil without the lists.
func vllmLatencies(o object) []float64 {
	var first []float64
	var gaps [][]float64
	var errs []*string
	if json.Unmarshal(o["ttfts"], &first) != nil || json.Unmarshal(o["itls"], &gaps) != nil ||
		len(gaps) != len(first) {
		return nil
	}
	if json.Unmarshal(o["errors"], &errs) != nil || len(errs) != len(first) {
		errs = make([]*string, len(first))
	}
	var out []float64
	for i, t := range first {
		if errs[i] != nil && *errs[i] != "" || t <= 0 {
			continue
		}
		for _, gap := range gaps[i] {
			t += gap
		}
		out = append(out, t)
	}
	return out
}
