package trace

import (
	"encoding/csv"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/simcap/simcap/sim"
)

// fact is what is known of a file from its own text or its description.
type fact struct {
	file, format string
	records      int64
	arrivals     int     // exact; of rates within six standard deviations of a Poisson number
	span         float64 // s
	first        string  // instant of the first record
	function     string  // of the first row
	demand       float64 // of the first row, s; 0: not given
	prompt       float64 // of the first row; 0: not given
	output       float64
	status       int
	reordered    int64
}

// sampleFacts are read off the texts of the samples.
var sampleFacts = []fact{
	{file: "aiperf_mooncake_session.jsonl", format: "mooncake", records: 3, arrivals: 3, span: 2.5, first: "0.000 s",
		prompt: 9176, output: 142, reordered: 1},
	{file: "aiperf_profile_export.jsonl", format: "aiperf", records: 1, arrivals: 1,
		first: "2025-10-07 05:00:07.532", demand: 0.2975, prompt: 550, output: 9},
	{file: "aws_alb.log", format: "aws_alb", records: 1, arrivals: 1, first: "2025-05-17 10:05:01.541",
		function: "/v1/images", demand: 1.871, status: 200},
	{file: "azure_functions_2021.csv", format: "azure_functions_2021", records: 3, arrivals: 3,
		span: 5241.567729949951 - 42.356 - (5160.142570018768 - 0.134), first: "5160.009 s", function: "f1",
		demand: 0.134},
	{file: "azure_llm.csv", format: "azure_llm", records: 3, arrivals: 3, span: 4.541977,
		first: "2023-11-16 18:15:46.680", prompt: 374, output: 44},
	{file: "burstgpt_v1.csv", format: "burstgpt", records: 4, arrivals: 4, span: 115, first: "5.000 s",
		function: "ChatGPT", prompt: 472, output: 18},
	{file: "burstgpt_v3.csv", format: "burstgpt", records: 2, arrivals: 2, span: 40, first: "5.000 s",
		function: "ChatGPT", demand: 1.9, prompt: 472, output: 18},
	{file: "cloudwatch_get_metric_data.json", format: "cloudwatch", records: 3, arrivals: 102 + 97 + 131, span: 180,
		first: "2025-05-17 10:00:00.000", function: "RequestCount"},
	{file: "cloudwatch_get_metric_statistics.json", format: "cloudwatch", records: 3, arrivals: 102 + 97 + 131,
		span: 180, first: "2025-05-17 10:00:00.000", function: "RequestCount"},
	{file: "grafana_export.csv", format: "grafana", records: 6, arrivals: -366, span: 180,
		first: "2025-05-17 10:00:00.000"},
	{file: "guidellm_weka.jsonl", format: "weka", records: 2, arrivals: 2, span: 6.4, first: "0.000 s", prompt: 812,
		output: 120},
	{file: "har.json", format: "har", records: 1, arrivals: 1, first: "2025-05-17 10:05:03.412", function: "/v1/images",
		demand: 1.8732, status: 200},
	{file: "k6.csv", format: "k6_csv", records: 1, arrivals: 1, first: "2025-05-17 10:05:01.126",
		function: "http://localhost/v1/images", demand: 1.8732, status: 200},
	{file: "k6.jsonl", format: "k6_json", records: 1, arrivals: 1, first: "2025-05-17 10:05:01.538",
		function: "http://localhost/v1/images", demand: 1.8732, status: 200},
	{file: "mooncake.jsonl", format: "mooncake", records: 3, arrivals: 3, span: 3.052, first: "0.000 s", prompt: 6755,
		output: 500},
	{file: "nginx.jsonl", format: "nginx_json", records: 1, arrivals: 1, first: "2025-05-17 10:05:01.539",
		function: "/v1/images", demand: 1.871, status: 200},
	{file: "nginx_combined.log", format: "combined", records: 3, arrivals: 3, span: 1,
		first: "2025-05-17 10:05:03.000", function: "/v1/images", status: 200},
	{file: "nginx_timed.log", format: "nginx_timed", records: 1, arrivals: 1, first: "2025-05-17 10:05:01.539",
		function: "/v1/images", demand: 1.871, status: 200},
	{file: "per_minute.csv", format: "csv", records: 3, arrivals: 102 + 97 + 131, span: 180,
		first: "2025-05-17 10:00:00.000"},
	{file: "prometheus_counter_range.json", format: "prometheus", records: 3, arrivals: 102 + 33 + 107, span: 180,
		first: "2025-05-17 10:00:00.000", function: "render"},
	{file: "prometheus_query_range.json", format: "prometheus", records: 6, arrivals: -366, span: 180,
		first: "2025-05-17 10:00:00.000"},
	{file: "servegen_client.csv", format: "servegen", records: 3, arrivals: -11478, span: 1800, first: "0.000 s"},
	{file: "vegeta.csv", format: "vegeta_csv", records: 2, arrivals: 2, span: 0.1, first: "2025-05-17 10:05:03.412",
		function: "http://localhost/v1/images", demand: 1.873, status: 200},
	{file: "vegeta.jsonl", format: "vegeta_json", records: 1, arrivals: 1, first: "2025-05-17 10:05:03.412",
		function: "http://localhost/v1/images", demand: 1.873, status: 200},
	{file: "vidur.csv", format: "vidur", records: 2, arrivals: 2, span: 4.314579, first: "0.000 s", prompt: 374,
		output: 44},
	{file: "vllm_bench_serving.json", format: "vllm_bench", records: 3, arrivals: 3, span: -1, first: "0.000 s",
		demand: 0.278, prompt: 13, output: 30},
}

func TestSamples(t *testing.T) {
	for _, want := range sampleFacts {
		t.Run(want.file, func(t *testing.T) { want.check(t, "formats/") })
	}
}

// traceFacts are those of the descriptions of the real traces.
var traceFacts = []fact{
	{file: "aws-lambda-pacs/2020-04-24_17-53-33.csv", format: "csv", records: 10116, arrivals: 10116, span: 100779.67,
		first: "0.000 s", demand: 1.8475},
	{file: "aws-lambda-pacs/2020-05-17_04-13-06.csv", format: "csv", records: 5050, arrivals: 5050, span: 100758.23,
		first: "0.000 s", demand: 1.8617},
	{file: "aws-lambda-pacs/2020-05-28_01-57-40.csv", format: "csv", records: 186, arrivals: 186, span: 99831.64,
		first: "0.000 s", demand: 1.8373},
	{file: "aws-lambda-pacs/2020-06-09_01-04-58.csv", format: "csv", records: 348, arrivals: 348, span: 100768.37,
		first: "0.000 s", demand: 1.8496},
	{file: "aws-lambda-pacs/2020-06-13_23-39-35.csv", format: "csv", records: 577, arrivals: 577, span: 100789.97,
		first: "0.000 s", demand: 1.8269},
	{file: "azure-functions-samples/invitro_Azure2021_200.csv", format: "azure_functions_2021", records: 199,
		arrivals: 199, span: 1200.01, first: "0.001 s", demand: 0.078,
		function: "e3cdb48830f66eb8689cc0223514569a69812b77e6611e3d59814fac0747bd2f"},
	{file: "azure-functions-samples/invitro_Azure2021_30.csv", format: "azure_functions_2021", records: 29,
		arrivals: 29, span: 122.5, first: "1.000 s", demand: 9,
		function: "11111f8758c8c2a20082c161e955405e950439f0503522fe129e709a5dc0e58f"},
	{file: "nab-rates/Twitter_volume_GOOG.csv", format: "csv", records: 15842, arrivals: 328506, span: 55.007 * 86400,
		first: "2015-02-26 21:42:53.000"},
	{file: "nab-rates/elb_request_count_8c0756.csv", format: "csv", records: 4032, arrivals: 249327, span: 4040 * 300,
		first: "2014-04-10 00:04:00.000"},
	{file: "vllm-measured-runs/RTX4090_Llama-3.1-8B/requests.jsonl", format: "jsonl", records: 300, arrivals: 300,
		span: 29.1, first: "2026-08-20 23:19:40.082", prompt: 2358, output: 531},
	{file: "vllm-measured-runs/RTXPRO6000_Qwen3-32B/requests.jsonl", format: "jsonl", records: 300, arrivals: 300,
		span: 29.12, first: "2026-04-25 18:49:44.578", prompt: 2361, output: 532},
}

func TestRealTraces(t *testing.T) {
	for _, want := range traceFacts {
		t.Run(want.file, func(t *testing.T) { want.check(t, "traces/") })
	}
}

// check reads the file and compares it with what is known.
func (f fact) check(t *testing.T, folder string) {
	r, err := Open(shared(t, folder+f.file), Options{})
	if err != nil {
		t.Fatal(err)
	}
	rows := readAll(t, r)
	rep := r.Report()
	if rep.Format != f.format || rep.Records != f.records || rep.Bad != 0 || rep.Reordered != f.reordered {
		t.Errorf("format %s, %d records, %d bad, %d reordered", rep.Format, rep.Records, rep.Bad, rep.Reordered)
	}
	if expected := float64(-f.arrivals); f.arrivals < 0 {
		if n := float64(len(rows)); math.Abs(n-expected) > 6*math.Sqrt(expected) || math.Abs(rep.Expected-expected) > 1e-6 {
			t.Errorf("%v rows of %v expected ones, want %v", n, rep.Expected, expected)
		}
	} else if len(rows) != f.arrivals || rep.Expected != float64(f.arrivals) {
		t.Errorf("%d rows, %v expected ones, want %d", len(rows), rep.Expected, f.arrivals)
	}
	if got := rep.Span().Seconds(); f.span >= 0 && math.Abs(got-f.span) > 0.01+2e-6*f.span {
		t.Errorf("span %v s, want %v s", got, f.span)
	}
	if got := rep.Clock(rep.First); got != f.first {
		t.Errorf("begins at %s, want %s", got, f.first)
	}
	row := rows[0]
	if f.function != "" && row.Function != f.function || row.Status != f.status ||
		!same(row.Demand, f.demand*1e9) || !same(row.Prompt, f.prompt) || !same(row.Output, f.output) {
		t.Errorf("first row %+v", row)
	}
}

// same compares a value of a row, NaN if not given, with one that is 0 if not given.
func same(have, want float64) bool {
	return want == 0 && math.IsNaN(have) || math.Abs(have-want) < 1e-6*(1+want)
}

// TestEverySharedFile makes sure that each file of the folders of data has a fact, is refused with a
// reason, or is looked at by another test: none is read by chance.
func TestEverySharedFile(t *testing.T) {
	known := map[string]bool{}
	for _, f := range sampleFacts {
		known["formats/"+f.file] = true
	}
	for _, f := range traceFacts {
		known["traces/"+f.file] = true
	}
	for _, elsewhere := range []string{"formats/azure_functions_2019_invocations.csv",
		"traces/azure-functions-samples/invitro_invocations.csv", "traces/faasrail-azure2019-spec/azure_spec_15rps_5min.csv",
		"traces/azure-llm-2023/AzureLLMInferenceTrace_code.csv", "traces/azure-llm-2023/AzureLLMInferenceTrace_conv.csv",
		"traces/servegen/total_rate_10min.csv"} {
		known[elsewhere] = true
	}
	refused := map[string]string{"formats/perf_analyzer.csv": "latency profile", "formats/modal_billing.json": "billing",
		"traces/azure-functions-samples/invitro_durations.csv": "no arrivals",
		"traces/azure-functions-samples/invitro_memory.csv":    "no arrivals",
		"traces/servegen/token_quantiles.csv":                  "not recognised"}
	root := shared(t, "formats")
	root = filepath.Dir(root)
	for _, folder := range []string{"formats", "traces"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			relative, _ := filepath.Rel(root, path)
			relative = filepath.ToSlash(relative)
			base := filepath.Base(path)
			if known[relative] || base == "README.md" || base == "LICENSE.upstream" || base == "meta.json" ||
				base == "summary.txt" || base == "timeseries.csv" {
				return nil
			}
			reason, ok := refused[relative]
			if !ok {
				t.Errorf("%s: nothing is known of it", relative)
				return nil
			}
			if _, err := Open(path, Options{}); err == nil || !strings.Contains(err.Error(), reason) {
				t.Errorf("%s: error %v, want one about %q", relative, err, reason)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestWideTables compares tables with a column per minute with a plain reading of their cells.
func TestWideTables(t *testing.T) {
	for _, c := range []struct {
		file, format    string
		minutes         int
		function, first int
		rows            int
	}{
		{"formats/azure_functions_2019_invocations.csv", "azure_functions_2019", 1440, 2, 4, -1},
		{"traces/azure-functions-samples/invitro_invocations.csv", "azure_functions_2019", 1440, 2, 4, 4},
		{"traces/faasrail-azure2019-spec/azure_spec_15rps_5min.csv", "faasrail", 5, 1, 2, 244},
	} {
		t.Run(c.file, func(t *testing.T) {
			path := shared(t, c.file)
			want, lines := plainCounts(t, path, c.first)
			r, err := Open(path, Options{})
			if err != nil {
				t.Fatal(err)
			}
			have := make([]int, c.minutes)
			functions := map[string]bool{}
			for _, row := range readAll(t, r) {
				have[row.At/sim.Minute]++
				functions[row.Function] = true
			}
			if rep := r.Report(); rep.Format != c.format || rep.Span() != sim.Time(c.minutes)*sim.Minute || rep.Bad != 0 {
				t.Errorf("format %s, span %v, %d bad", rep.Format, rep.Span(), rep.Bad)
			}
			if fmt.Sprint(have) != fmt.Sprint(want) {
				t.Errorf("requests per minute differ: %v, want %v", have, want)
			}
			if c.rows >= 0 && lines != c.rows || len(functions) > lines {
				t.Errorf("%d rows and %d functions", lines, len(functions))
			}
		})
	}
}

// plainCounts sums a table's columns of minutes.
func plainCounts(t *testing.T, path string, first int) (minutes []int, rows int) {
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	minutes = make([]int, len(all[0])-first)
	for _, line := range all[1:] {
		for i, cell := range line[first:] {
			n, err := strconv.Atoi(cell)
			if err != nil {
				t.Fatal(err)
			}
			minutes[i] += n
		}
	}
	return minutes, len(all) - 1
}

// TestServeGenTotals: mean rates of the models, as described, from the series of one of them each.
func TestServeGenTotals(t *testing.T) {
	path := shared(t, "traces/servegen/total_rate_10min.csv")
	for model, rate := range map[string]float64{"deepseek-r1": 16.0, "mm-image": 9.47} {
		only, err := ParseCondition("function=" + model)
		if err != nil {
			t.Fatal(err)
		}
		r, err := Open(path, Options{Only: []Condition{only}})
		if err != nil {
			t.Fatal(err)
		}
		n, last := 0, sim.Time(0)
		var row Row
		for {
			ok, err := r.Next(&row)
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				break
			}
			n, last = n+1, row.At
		}
		r.Close()
		if got := float64(n) / 86400; math.Abs(got-rate) > 0.01*rate || last > sim.Day {
			t.Errorf("%s: %v requests per second until %v, want %v in a day", model, got, last, rate)
		}
		if r.Report().Records != 6336 {
			t.Errorf("%d records", r.Report().Records)
		}
	}
}
