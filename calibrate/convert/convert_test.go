package convert

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/simcap/simcap/calibrate/fit"
)

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9*math.Max(1, math.Abs(b)) }

const perf = `Concurrency,Inferences/Second,Client Send,Network+Server Send/Recv,Server Queue,Server Compute Input,Server Compute Infer,Server Compute Output,Client Recv,p50 latency,p90 latency,p95 latency,p99 latency
1,100,10,490,0,500,8900,90,10,9900,10200,10400,11000
4,200,10,490,9900,500,8900,90,10,19900,20200,20400,22000
`

const vllm = `{"date":"20261126-120000","endpoint_type":"vllm","model_id":"meta-llama/Llama-3.1-8B","num_prompts":100,
"request_rate":"inf","max_concurrency":8,"duration":50.0,"completed":100,"total_input_tokens":102400,
"total_output_tokens":12800,"request_throughput":2.0,"mean_ttft_ms":100.0,"mean_tpot_ms":10.0,"p99_ttft_ms":200}`

const guide = `{"benchmarks":[{"metrics":{"requests_per_second":{"successful":{"mean":2}},
"request_concurrency":{"successful":{"mean":1.0}},"request_latency":{"successful":{"mean":0.5,"median":0.49,"percentiles":{"p95":0.6,"p99":0.7}}},
"prompt_token_count":{"successful":{"mean":512}},"output_token_count":{"successful":{"mean":64}},
"time_to_first_token_ms":{"successful":{"mean":40}},"inter_token_latency_ms":{"successful":{"mean":7}}}},
{"metrics":{"requests_per_second":{"successful":{"mean":8}},"request_concurrency":{"successful":{"mean":8}},
"request_latency":{"successful":{"mean":1.0,"median":1.0,"percentiles":{"p95":1.1}}}}},
{"metrics":{"requests_per_second":{"successful":{"mean":0}},"request_latency":{"successful":{"mean":0}}}}]}`

const aiperfRun = `{"request_latency":{"unit":"ms","avg":1276,"p50":1270,"p95":1300,"p99":1400},
"time_to_first_token":{"unit":"ms","avg":36},"inter_token_latency":{"unit":"ms","avg":10},
"request_throughput":{"unit":"requests/sec","avg":6.27},"input_sequence_length":{"unit":"tokens","avg":550},
"output_sequence_length":{"unit":"tokens","avg":125},"input_config":{"endpoint":{"model_names":["Qwen/Qwen3-0.6B"]}}}`

const table = "batch,latency_ms,p99_ms\n1,2.0,2.1\n1,4.0,4.1\n8,10,11\n32,-1,\n"

// Each format is recognised by its text, and its units and batches are understood.
func TestRead(t *testing.T) {
	for _, c := range []struct {
		format string
		files  []File
		want   []Row
	}{
		{"perf_analyzer", []File{{"b1.csv", []byte(perf), 0}, {"b8.csv", []byte(perf), 8}}, []Row{
			{Batch: 1, Concurrency: 1, Throughput: 100, Mean: 0.010, P50: 0.0099},
			{Batch: 1, Concurrency: 4, Throughput: 200, Mean: 0.0199},
			{Batch: 8, Concurrency: 1, Throughput: 12.5, Mean: 0.010},
			{Batch: 8, Concurrency: 4, Throughput: 25, Mean: 0.0199}}},
		{"vllm", []File{{"v.json", []byte(vllm), 0}}, []Row{{Batch: 1, Throughput: 2, Mean: 1.37, Concurrency: 2.74,
			PromptTokens: 1024, OutputTokens: 128, TTFT: 0.1, TPOT: 0.01}}},
		{"guidellm", []File{{"g.json", []byte(guide), 0}}, []Row{{Batch: 1, Concurrency: 1, Throughput: 2, Mean: 0.5,
			PromptTokens: 512, OutputTokens: 64, TTFT: 0.04, TPOT: 0.007}, {Batch: 1, Concurrency: 8, Throughput: 8, Mean: 1}}},
		{"aiperf", []File{{"a.json", []byte(aiperfRun), 0}}, []Row{{Batch: 1, Throughput: 6.27, Mean: 1.276,
			Concurrency: 6.27 * 1.276, PromptTokens: 550, OutputTokens: 125, TTFT: 0.036, TPOT: 0.01}}},
		{"csv", []File{{"t.csv", []byte(table), 0}}, []Row{{Batch: 1, Concurrency: 1, Mean: 0.003}, {Batch: 8,
			Concurrency: 1, Mean: 0.010}}},
	} {
		r, err := Read("auto", c.files)
		if err != nil || r.Format != c.format || len(r.Rows) != len(c.want) {
			t.Errorf("%s: %+v %v", c.format, r, err)
			continue
		}
		for i, w := range c.want {
			g := r.Rows[i]
			if g.Batch != w.Batch || !near(g.Concurrency, w.Concurrency) || !near(g.Throughput, w.Throughput) ||
				!near(g.Mean, w.Mean) || w.PromptTokens > 0 && (!near(g.PromptTokens, w.PromptTokens) ||
				!near(g.OutputTokens, w.OutputTokens) || !near(g.TTFT, w.TTFT) || !near(g.TPOT, w.TPOT)) {
				t.Errorf("%s, row %d: %+v, want %+v", c.format, i, g, w)
			}
		}
	}
	r, _ := Read("", []File{{"v.json", []byte(vllm), 0}})
	if r.Model != "meta-llama/Llama-3.1-8B" || r.Date != "2026-11-26" {
		t.Errorf("%+v", r)
	}
}

func TestProfileOfRows(t *testing.T) {
	text := "batch,concurrency,p50_ms,p95_ms\n"
	for _, row := range []string{"1,1,10,12", "2,1,12,14", "4,1,16,19", "8,1,24,28", "16,1,40,47", "1,4,20,30", "1,8,19,30", "1,16,60,70"} {
		text += row + "\n"
	}
	r, err := Read("csv", []File{{"x", []byte(text), 0}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := r.Profile()
	if err != nil {
		t.Fatal(err)
	}
	c := p.Service.Batch
	if c.Kind != fit.Affine || math.Abs(c.Base-0.008) > 1e-6 || math.Abs(c.PerInput-0.002) > 1e-6 {
		t.Errorf("%+v", c)
	}
	if k := p.Service.Concurrency; len(k) != 4 || k[1].T != k[2].T || !near(k[1].T, 0.0195) {
		t.Errorf("falls are not pooled: %v", k)
	}
	if p.Valid.BatchSize != [2]int{1, 16} || p.Valid.Concurrent != [2]int{1, 16} || math.Abs(p.Service.NoiseCV-0.1) > 0.02 {
		t.Errorf("%+v", p)
	}
	var b bytes.Buffer
	if err := p.Write(&b); err != nil || !strings.Contains(b.String(), "batch: {base: 8ms, per_input: 2ms}") {
		t.Error(b.String(), err)
	}
}

func TestReadMistakes(t *testing.T) {
	for _, c := range []struct{ format, text, message string }{
		{"auto", "hello", "is none of vllm"},
		{"auto", "{}", "is none of"},
		{"xml", "", "no format \"xml\""},
		{"vllm", "[", "not the JSON"},
		{"vllm", `{"completed":0}`, "no request completed"},
		{"csv", "batch,latency_ms\n1,two\n", `row 2, column latency_ms: "two" is not a number`},
		{"csv", "batch,latency_ms\n0,2\n", "a batch of 0"},
		{"csv", "batch,speed\n1,2\n", "no column of latencies"},
		{"csv", "gpu,latency_ms\nx,2\n", "no column batch"},
		{"csv", "batch,latency_ms\n", "no measurements"},
		{"perf_analyzer", "a,b\n1,2\n", "Inferences/Second"},
	} {
		if _, err := Read(c.format, []File{{"f", []byte(c.text), 0}}); err == nil || !strings.Contains(err.Error(), c.message) {
			t.Errorf("%q: %v", c.text, err)
		}
	}
	if _, err := Read("", []File{{"a", []byte(vllm), 0}, {"b", []byte(table), 0}}); err == nil ||
		!strings.Contains(err.Error(), "looks like csv") {
		t.Error(err)
	}
}

// Results of any kind are read or refused, and never end the program.
func FuzzRead(f *testing.F) {
	for _, text := range []string{perf, vllm, guide, aiperfRun, table, "batch;p50\n1;2\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, format := range formats {
			if r, err := Read(format.name, []File{{"f", []byte(text), 0}}); err == nil {
				if p, err := r.Profile(); err == nil {
					_ = p.Write(&bytes.Buffer{})
				}
			}
		}
	})
}
