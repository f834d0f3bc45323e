package trace

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/simcap/simcap/sim"
)

// fuzzSeeds are small files of all formats, in their own words or beside the checkout.
func fuzzSeeds() map[string][]string {
	seeds := map[string][]string{
		"seconds":   {"arrival\n0.5\n1e3\n", "-1\n"},
		"instants":  {"2025-05-17T10:00:00Z\n1747476000\n"},
		"azure_llm": {"TIMESTAMP,ContextTokens,GeneratedTokens\r\n2023-11-16 18:15:46.6805900,374,44"},
		"burstgpt":  {"Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n5,ChatGPT,472,0,490,x\n"},
		"servegen":  {"0,8.34,1.35,Gamma,0.54,0.2\n600,10,0.8,Weibull,1.3,0.07\n1200,0,0,,0,0\n"},
		"mooncake": {`{"session_id":"c","input_length":9,"output_length":1}` + "\n" + `{"session_id":"c","delay":2500,"output_length":1}`,
			`{"timestamp": 0, "input_length": 6755, "output_length": 500, "hash_ids": [0, 1]}`},
		"aiperf": {`{"metadata":{"request_start_ns":1759813207532900363},"metrics":{"request_latency":{"value":2.5}}}`},
		"weka":   {`{"id":"c","requests":[{"t":0.0,"in":812,"out":120},{"t":6.4}]}`},
		"vllm_bench": {`{"request_throughput":1,"request_rate":16.0,"input_lens":[13,25],"output_lens":[3],"ttfts":[0.1],` +
			`"itls":[[0.06]],"errors":["x"]}`},
		"azure_functions_2019": {"HashOwner,HashApp,HashFunction,Trigger,1,2,3\na,b,c,http,0,2,1\n"},
		"azure_functions_2021": {"app,func,end_timestamp,duration\na1,f1,5160.142570018768,0.134\n"},
		"faasrail":             {"avg,mapped_wreq,1-288,289-576\n5.5,\"{\"\"bench\"\": \"\"x\"\"}\",3,0\n"},
		"combined":             {`1.2.3.4 - - [17/May/2025:10:05:03 +0000] "POST /v1 HTTP/1.1" 200 2 "-" "c\"x"` + "\n"},
		"nginx_timed":          {`1.2.3.4 - - [17/May/2025:10:05:03 +0000] "GET / HTTP/1.1" 200 2 "-" "c" rt=1.5 urt=0.1, 0.2 msec=1747476303.412`},
		"nginx_json":           {`{"msec":1747476303.412,"uri":"/v1","status":200,"request_time":1.8,"upstream_response_time":"-"}`},
		"aws_alb":              {`https 2025-05-17T10:05:03.4Z a c t 0.001 1.871 -1 200 200 1 2 "POST https://h:443/v1 HTTP/1.1" "c" E T`},
		"cloudwatch": {`{"MetricDataResults":[{"Id":"m","Label":"R","Timestamps":["2025-05-17T10:02:00+00:00"],"Values":[3.5]}]}`,
			`{"Label":"R","Datapoints":[{"Timestamp":"2025-05-17T10:00:00+00:00","Sum":2.0}]}`},
		"prometheus": {`{"data":{"resultType":"matrix","result":[{"metric":{"__name__":"a_total"},"values":[[1,"5"],[61,"NaN"],[121,"2"]]}]}}`},
		"grafana":    {"\"Time\",\"a\",\"b\"\n2025-05-17 10:00:00,1.70 req/s,\n2025-05-17 10:01:00,1.2 K req/s,0.4\n"},
		"vegeta_csv": {"1747476303412345678,200,1873000000,512,2033,,e30=,a,0,POST,http://h/v1,Q29=\n"},
		"vegeta_json": {`{"attack":"a","seq":0,"code":200,"timestamp":"2025-05-17T10:05:03.412345678Z","latency":18,"error":"",` +
			`"url":"http://h/v1"}`},
		"k6_csv":  {"metric_name,timestamp,metric_value,error,name,status\nhttp_req_duration,1747476303,1873.2,,http://h,200\n"},
		"k6_json": {`{"metric":"http_req_duration","type":"Point","data":{"time":"2025-05-17T10:05:03.4Z","value":1.2,"tags":{"status":"200"}}}`},
		"har":     {`{"log":{"entries":[{"startedDateTime":"2025-05-17T10:05:03.412Z","time":1.2,"request":{"url":"http://h/x?y"},"response":{"status":200}}],"creator":{}}}`},
		"vidur":   {"arrived_at,num_prefill_tokens,num_decode_tokens\n0.0,374,44\n"},
		"csv":     {"timestamp,requests\n2025-05-17T10:00:00Z,102\n\"2025-05-17T10:01:00Z\",97\n", "t_s;rate\n0;1.5\n1;2\n"},
		"jsonl":   {`{"a":{"time":1.5},"b":["]"],"latency_ms":"3"}` + "\n", `[{"time":"2025-05-17T10:00:00Z"},{"time":0}]`},
		"parquet": {"PAR1\x00\x00\x00\x00\x04\x00\x00\x00PAR1"},
	}
	files, _ := filepath.Glob(filepath.Join("..", "..", "shared", "data", "formats", "*"))
	for _, path := range files {
		if b, err := os.ReadFile(path); err == nil && len(b) < 5000 {
			for name := range seeds {
				if f := recognise(b); f != nil && f.Name == name {
					seeds[name] = append(seeds[name], string(b))
				}
			}
		}
	}
	return seeds
}

// mostFuzzed is how many rows of a fuzzed file are looked at: counts can ask for any number.
const mostFuzzed = 20_000

// drain reads rows until the end, an error or mostFuzzed of them, and checks that they are in order.
func drain(t *testing.T, text string, o Options) (rows int, sum sim.Time, message string) {
	r, err := NewReader(strings.NewReader(text), "x", o)
	if err != nil {
		return 0, 0, err.Error()
	}
	defer r.Close()
	last := sim.Time(0)
	for rows < mostFuzzed {
		var row Row
		ok, err := r.Next(&row)
		if err != nil {
			return rows, sum, err.Error()
		}
		if !ok {
			break
		}
		if row.At < last || row.At < 0 {
			t.Fatalf("row %d at %d comes after one at %d", rows, row.At, last)
		}
		rows, last, sum = rows+1, row.At, sum+row.At
	}
	r.Report()
	return rows, sum, ""
}

// FuzzFormats reads any text as each format: no panic, no endless loop, rows in order, the same rows
// each time.
func FuzzFormats(f *testing.F) {
	formats := Formats()
	seeds := fuzzSeeds()
	for i := range formats {
		if len(seeds[formats[i].Name]) == 0 {
			f.Errorf("format %s has no seed", formats[i].Name)
		}
		for _, text := range seeds[formats[i].Name] {
			f.Add(uint8(i), text)
		}
	}
	f.Fuzz(func(t *testing.T, format uint8, text string) {
		o := Options{Format: formats[int(format)%len(formats)].Name}
		rows, sum, message := drain(t, text, o)
		if r, s, m := drain(t, text, o); r != rows || s != sum || m != message {
			t.Fatalf("a second reading differs: %d rows, %d, %s; %d rows, %d, %s", rows, sum, message, r, s, m)
		}
		drain(t, text, Options{})
		drain(t, text, Options{Format: o.Format, Sort: true, Ties: TiesSpread, Window: 3})
	})
}

// TestSeedsAreRecognised: each format's files are taken for it and no other.
func TestSeedsAreRecognised(t *testing.T) {
	for name, texts := range fuzzSeeds() {
		for i, text := range texts {
			f := recognise([]byte(text))
			if name == "instants" || name == "seconds" && i > 0 {
				continue // a mixture of dates and numbers, and negative seconds
			}
			if f == nil || f.Name != name {
				t.Errorf("%.60q is taken for %+v, want %s", text, f, name)
			}
		}
	}
}
