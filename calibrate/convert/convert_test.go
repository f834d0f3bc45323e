package convert

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/simcap/simcap/calibrate/fit"
)

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9*math.Max(1, math.Abs(b)) }

const (
	vllm = `{"date":"20261126-120000","endpoint_type":"vllm","model_id":"meta-llama/Llama-3.1-8B","num_prompts":100,
"request_rate":"inf","max_concurrency":8,"duration":50.0,"completed":100,"total_input_tokens":102400,
"total_output_tokens":12800,"request_throughput":2.0,"mean_ttft_ms":100.0,"mean_tpot_ms":10.0,"p99_ttft_ms":200}`
	table = "batch,latency_ms,p99_ms\n1,2.0,2.1\n1,4.0,4.1\n8,10,11\n32,-1,\n"
	perf  = "Concurrency,Inferences/Second,Client Send,Network+Server Send/Recv,Server Queue,Server Compute Input,Server Compute " +
		"Infer,Server Compute Output,Client Recv,p50 latency,p90 latency,p95 latency,p99 latency\n" +
		"1,100,10,490,0,500,8900,90,10,9900,10200,10400,11000\n4,200,10,490,9900,500,8900,90,10,19900,20200,20400,22000\n"
)

// The loads of the files in testdata that are written as GuideLLM and AIPerf write: the structure is that of
// the writers of these versions, with all of their fields, and the values are the test's.
var (
	guideLoads = []Row{
		{Batch: 1, Concurrency: 1, Throughput: 1.9, Mean: 0.5, Std: 0.01, P50: 0.5, P90: 0.512816, P95: 0.51645,
			P99: 0.52326, PromptTokens: 256, OutputTokens: 64, TTFT: 0.02, TPOT: 0.0075},
		{Batch: 1, Concurrency: 8, Throughput: 10, Mean: 0.8, Std: 0.02, P50: 0.8, P90: 0.825632, P95: 0.8329,
			P99: 0.84652, PromptTokens: 256, OutputTokens: 64, TTFT: 0.05, TPOT: 0.0117},
		{Batch: 1, Concurrency: 15.1, Throughput: 14.5, Mean: 1.05, Std: 0.1, P50: 1.05, P90: 1.17816, P95: 1.2145,
			P99: 1.2826, PromptTokens: 256, OutputTokens: 64, TTFT: 0.08, TPOT: 0.0152}}
	aiperfLoad = Row{Batch: 1, Concurrency: 16, Throughput: 2.4, Mean: 6.4, Std: 0.1, P50: 6.4, P90: 6.52816, P95: 6.5645,
		P99: 6.6326, PromptTokens: 2048, OutputTokens: 511, TTFT: 0.28, TPOT: 0.012}
)

// asRate is a load whose file does not tell what it kept up: 15.36 requests at a time by Little's law.
func asRate(r Row) Row {
	r.Concurrency = r.Throughput * r.Mean
	return r
}

// without is a load whose file leaves something out, or rounds it.
func with(r Row, change func(*Row)) Row {
	change(&r)
	return r
}

// Each format is recognised by its text, and its units, loads and batches are understood, in the versions
// of the tools that wrote it.
func TestRead(t *testing.T) {
	guideMeasured := []Row{guideLoads[0], with(guideLoads[1], func(r *Row) { r.Concurrency = 7.6 }), guideLoads[2]}
	for _, c := range []struct {
		file, format string
		want         []Row
	}{
		// benchmark_serving.py of vLLM 0.3: no latency of requests, no limit of concurrency.
		{"vllm-0.3.json", "vllm", []Row{{Batch: 1, Concurrency: 5 * (0.25 + 127*0.02), Throughput: 5, Mean: 0.25 + 127*0.02,
			PromptTokens: 512, OutputTokens: 128, TTFT: 0.25, TPOT: 0.02}}},
		// vllm bench serve 0.11 with all metrics; Infinity as Python writes it.
		{"vllm-0.11.json", "vllm", []Row{{Batch: 1, Concurrency: 8, Throughput: 1.975, Mean: 3.925, Std: 0.12, P50: 3.92,
			P90: 4.08, P95: 4.13, P99: 4.2, PromptTokens: 1024, OutputTokens: 256, TTFT: 0.1, TPOT: 0.015}}},
		// --append-result --save-detailed: lines; the latencies are those of the first token and the gaps.
		{"vllm-append-detailed.jsonl", "vllm", []Row{
			{Batch: 1, Concurrency: 0.5 * 0.144, Throughput: 0.5, Mean: 0.144, Std: math.Sqrt(60./9) / 1e3, P50: 0.144,
				P90: 0.1472, P95: 0.1476, P99: 0.14792, PromptTokens: 100, OutputTokens: 10, TTFT: 0.054, TPOT: 0.01},
			{Batch: 1, Concurrency: 2 * 0.164, Throughput: 2, Mean: 0.164, Std: math.Sqrt(60./9) / 1e3, P50: 0.164, P90: 0.1672,
				P95: 0.1676, P99: 0.16792, PromptTokens: 100, OutputTokens: 10, TTFT: 0.074, TPOT: 0.01}}},
		// Pooling models have no tokens but those that go in.
		{"vllm-embeddings.json", "vllm", []Row{{Batch: 1, Concurrency: 1, Throughput: 50, Mean: 0.0198, Std: 0.001, P50: 0.0195,
			P99: 0.023, PromptTokens: 512}}},
		{"sglang.jsonl", "vllm", []Row{{Batch: 1, Concurrency: 16, Throughput: 8, Mean: 1.9, Std: 0.05, P50: 1.89, P99: 2,
			PromptTokens: 1024, OutputTokens: 128, TTFT: 0.122, TPOT: 0.014}}},
		{"guidellm-0.3.json", "guidellm", guideLoads},
		{"guidellm-0.7.json", "guidellm", guideLoads},
		{"guidellm-0.6.yaml", "guidellm", guideLoads[1:2]},
		{"guidellm-0.3.csv", "guidellm", guideLoads},
		{"guidellm-0.7.csv", "guidellm", guideMeasured},
		{"aiperf-0.10.json", "aiperf", []Row{aiperfLoad}},
		{"aiperf-0.2.json", "aiperf", []Row{aiperfLoad}},
		{"aiperf-0.1.json", "aiperf", []Row{asRate(aiperfLoad)}},
		{"aiperf-0.10.csv", "aiperf", []Row{asRate(with(aiperfLoad, func(r *Row) { r.P90, r.P95, r.P99 = 6.52816, 6.5645, 6.6326 }))}},
		{"genai-perf.json", "aiperf", []Row{aiperfLoad}},
		{"genai-perf.csv", "aiperf", []Row{asRate(with(aiperfLoad, func(r *Row) { r.Std = 0 }))}},
		// perf_client of Triton 1.x has one column of computing.
		{"perf_client-1.csv", "perf_analyzer", []Row{
			{Batch: 1, Concurrency: 1, Throughput: 400, Mean: 0.01, P50: 0.0099, P90: 0.0102, P95: 0.0104, P99: 0.011},
			{Batch: 1, Concurrency: 4, Throughput: 800, Mean: 0.02, P50: 0.0199, P90: 0.0203, P95: 0.0205, P99: 0.022}}},
		// Rates, a response cache, --verbose-csv and GPUs' metrics.
		{"perf_analyzer-rate.csv", "perf_analyzer", []Row{
			{Batch: 1, Concurrency: 80 * 0.01002, Throughput: 80, Mean: 0.01002, P50: 0.0099, P90: 0.0103, P95: 0.0105, P99: 0.011},
			{Batch: 1, Concurrency: 320 * 0.012, Throughput: 320, Mean: 0.012, P50: 0.0119, P90: 0.0133, P95: 0.0145, P99: 0.016}}},
		// Servers other than Triton tell nothing of themselves: sending and receiving alone are no latency.
		{"perf_analyzer-openai.csv", "perf_analyzer", []Row{{Batch: 1, Concurrency: 1, Throughput: 0.5, P50: 1.99, P90: 2.01,
			P95: 2.03, P99: 2.1}}},
	} {
		r, err := Read("auto", []File{testdata(t, c.file)})
		if err != nil || r.Format != c.format || len(r.Rows) != len(c.want) {
			t.Errorf("%s: %+v %v", c.file, r, err)
			continue
		}
		for i := range c.want {
			if g, w := r.Rows[i], c.want[i]; !same(g, w) {
				t.Errorf("%s, row %d:\n%+v, want\n%+v", c.file, i, g, w)
			}
		}
	}
}

func testdata(t testing.TB, name string) File {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return File{Name: name, Data: data}
}

// same compares what is measured; the files have six digits, their CSV two behind the point.
func same(a, b Row) bool {
	x := []float64{a.Concurrency, a.Throughput, a.Mean, a.Std, a.P50, a.P90, a.P95, a.P99, a.PromptTokens, a.OutputTokens,
		a.TTFT, a.TPOT}
	y := []float64{b.Concurrency, b.Throughput, b.Mean, b.Std, b.P50, b.P90, b.P95, b.P99, b.PromptTokens, b.OutputTokens,
		b.TTFT, b.TPOT}
	for i := range x {
		if math.Abs(x[i]-y[i]) > 2e-5*math.Max(0.1, math.Abs(y[i])) {
			return false
		}
	}
	return a.Batch == b.Batch
}

// A batch of 8 has an eighth of the requests that its throughput has inputs, and tables join repeats.
func TestReadBatches(t *testing.T) {
	r, err := Read("auto", []File{{"b1.csv", []byte(perf), 0}, {"b8.csv", []byte(perf), 8}})
	if err != nil || len(r.Rows) != 4 || r.Rows[0].Throughput != 100 || r.Rows[2].Batch != 8 || r.Rows[2].Throughput != 12.5 ||
		!near(r.Rows[3].Mean, 0.0199) {
		t.Errorf("%+v %v", r, err)
	}
	r, err = Read("auto", []File{{"t.csv", []byte(table), 0}})
	if err != nil || len(r.Rows) != 2 || !near(r.Rows[0].Mean, 0.003) || r.Rows[1].Batch != 8 || r.Rows[1].Mean != 0.01 {
		t.Errorf("%+v %v", r, err)
	}
	e := testdata(t, "vllm-embeddings.json")
	e.Batch = 4
	if r, err = Read("auto", []File{e}); err != nil || r.Rows[0].Batch != 4 {
		t.Errorf("%+v %v", r, err)
	}
}

// What files say of the server, the day and of failures is kept.
func TestReadProvenance(t *testing.T) {
	for _, c := range []struct{ file, model, engine, gpu, date, warning string }{
		{"vllm-0.3.json", "meta-llama/Llama-2-7b-hf", "vllm", "", "2024-03-21", ""},
		{"vllm-0.11.json", "Qwen/Qwen3-8B", "", "", "2025-12-03", "1 of 80 requests failed"},
		{"sglang.jsonl", "", "sglang", "", "", ""},
		{"guidellm-0.3.json", "Qwen/Qwen3-1.7B", "", "", "2025-05-23", "20 of 300 requests failed"},
		{"guidellm-0.7.json", "Qwen/Qwen3-1.7B", "", "", "2026-08-06", "20 of 300 requests failed"},
		{"guidellm-0.6.yaml", "Qwen/Qwen3-1.7B", "", "", "2026-08-06", ""},
		{"guidellm-0.3.csv", "Qwen/Qwen3-1.7B", "", "", "2025-05-23", "20 of 300 requests failed"},
		{"guidellm-0.7.csv", "Qwen/Qwen3-1.7B", "", "", "2026-08-06", "20 of 300 requests failed"},
		{"aiperf-0.10.json", "Qwen/Qwen3-8B", "", "NVIDIA GeForce RTX 5090", "2026-07-03", "4 of 100 requests failed"},
		{"aiperf-0.2.json", "Qwen/Qwen3-8B", "", "", "2025-10-10", ""},
		{"genai-perf.json", "Qwen/Qwen3-8B", "", "", "", ""},
	} {
		r, err := Read("auto", []File{testdata(t, c.file)})
		if err != nil {
			t.Error(err)
			continue
		}
		if r.Model != c.model || r.Engine != c.engine || r.GPU != c.gpu || r.Date != c.date ||
			!strings.Contains(strings.Join(r.Warnings, "\n"), c.warning) {
			t.Errorf("%s: %q %q %q %q %q", c.file, r.Model, r.Engine, r.GPU, r.Date, r.Warnings)
		}
		p, err := r.Profile(false)
		if err != nil {
			t.Error(err)
			continue
		}
		var b bytes.Buffer
		if err := p.Write(&b); err != nil || !strings.Contains(b.String(), "notes: Converted from results of ") {
			t.Errorf("%s: %v\n%s", c.file, err, b.String())
		}
	}
}

// Streams under several loads make an engine: its iterations under each load take the time of a further
// token, and the prompt alone that of the first.
func TestEngineOfRows(t *testing.T) {
	r, err := Read("auto", []File{testdata(t, "guidellm-0.7.json")})
	if err != nil {
		t.Fatal(err)
	}
	p, err := r.Profile(true)
	if err != nil {
		t.Fatal(err)
	}
	if e := &p.Service.LLM.Engine; e.Worst > 0.1 || p.Valid.Concurrent != [2]int{1, 15} {
		t.Errorf("%+v %v", e, p.Valid)
	}
	for _, i := range fit.Iterations(r.Streaming()) {
		if got := p.Service.LLM.Engine.At(i); math.Abs(got/i.Time-1) > 0.1 {
			t.Errorf("%+v: %v", i, got)
		}
	}
	q, err := r.Profile(false)
	if err != nil || !strings.Contains(strings.Join(q.Quality.Warnings, "\n"), "about 256 prompt and 64 output tokens") {
		t.Errorf("%v %v", q, err)
	}
	if r, err = Read("auto", []File{testdata(t, "perf_client-1.csv")}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Profile(true); err == nil || !strings.Contains(err.Error(), "say nothing of tokens") {
		t.Error(err)
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
	p, err := r.Profile(false)
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
		{"auto", "hello", "is none of vllm, guidellm, aiperf, perf_analyzer, csv: its columns are hello"},
		{"auto", "{}", "it says nothing"},
		{"auto", "", "it is empty"},
		{"auto", "[]", "it is empty"},
		{"auto", "[1]", "something in it is no object"},
		{"auto", `{"completed":`, "not the JSON that was expected: it ends in the middle"},
		{"auto", `{"a":1,"b":2}`, "its keys are a, b"},
		{"xml", "", "no format \"xml\""},
		{"vllm", "[", "not the JSON"},
		{"vllm", table, "is not of vllm bench serve: its columns are batch, latency_ms, p99_ms"},
		{"vllm", `{"completed":0,"duration":1,"request_throughput":0}`, "no request completed"},
		{"vllm", `{"completed":5,"duration":1,"request_throughput":5}`, "without a latency"},
		{"vllm", vllm + vllm[:40] + "}", "not the JSON"},
		{"vllm", `{"completed":[],"duration":1,"request_throughput":5}`, "not the JSON that was expected"},
		{"csv", "batch,latency_ms\n1,two\n", `row 2, column latency_ms: "two" is not a number`},
		{"csv", "batch,latency_ms\n0,2\n", "a batch of 0"},
		{"csv", "batch,speed\n1,2\n", "no column of latencies"},
		{"csv", "gpu,latency_ms\nx,2\n", "no column batch"},
		{"csv", "batch,latency_ms\n", "no measurements"},
		{"perf_analyzer", "a,b\n1,2\n", "is not of perf_analyzer: its columns are a, b"},
		// Files that stand beside those that are read, or are of other versions.
		{"auto", `{"experiments":[],"version":"1"}`, "the raw export of perf_analyzer"},
		{"auto", `{"metadata":{},"metrics":{},"error":null}` + "\n" + `{"metadata":{},"metrics":null,"error":{}}`,
			"records of single requests; convert profile_export_aiperf.json"},
		{"auto", `{"schema_version":"1.0","aiperf_version":"0.10.0","metadata":{},"metrics":{}}`, "summary of several runs"},
		{"auto", `{"timeslices":[]}`, "slices of time"},
		{"auto", `[{"benchmark":{},"model":{},"metric":{}}]`, "PyTorch's benchmarks"},
		{"auto", `{"elapsed_time":1,"num_requests":2,"total_num_tokens":3,"requests_per_second":2}`, "vllm bench throughput"},
		{"auto", `{"avg_latency":1,"latencies":[1],"percentiles":{"99":1}}`, "vllm bench latency"},
		{"auto", `{"benchmarks":[{"benchmarks":[{"mode":"synchronous","results":[]}]}]}`, "written since 0.2"},
		{"auto", `{"metadata":{"version":3,"guidellm_version":"1.2.0"},"benchmarks":[{"metrics":{}}]}`,
			"a report of schema version 3 (GuideLLM 1.2.0), where versions up to 2 are known"},
		{"auto", `{"schema_version":"2.0","aiperf_version":"1.4","request_latency":{}}`,
			"a summary of schema version 2.0, where 1.x is known (AIPerf 1.4)"},
		{"auto", `{"request_latency":{"unit":"h","avg":1}}`, `request latency: a time in "h"`},
		{"auto", "benchmarks: &a\n- metrics: *a\n", "not the YAML"},
		{"auto", "metric,avg\nRequest Latency (ms),1x\n", `"1x" is not a number`},
		{"guidellm", "Run Info,Request Latency\nRun ID,Successful Sec\n,Mean\nr,1,2\n", "benchmark 1 has 3 fields, and the header has 2"},
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
	for _, text := range []string{perf, vllm, table, "batch;p50\n1;2\n"} {
		f.Add(text)
	}
	files, err := os.ReadDir("testdata")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		if !file.IsDir() {
			f.Add(string(testdata(f, file.Name()).Data))
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, name := range []string{"auto", "vllm", "guidellm", "aiperf", "perf_analyzer", "csv"} {
			r, err := Read(name, []File{{"f", []byte(text), 0}})
			if err != nil {
				continue
			}
			for _, asLLM := range []bool{false, true} {
				if p, err := r.Profile(asLLM); err == nil {
					_ = p.Write(&bytes.Buffer{})
				}
			}
		}
	})
}
