package convert

import (
	"encoding/json"
	"fmt"
	"strings"
)

// isAIPerf knows the summaries of AIPerf and of GenAI-Perf, which came before it and wrote the same.
func isAIPerf(s *source) bool {
	if o := s.one(); o != nil {
		return o.has("request_latency") || o.at("records", "request_latency") != nil
	}
	return s.sheet != nil && s.sheet.column("metric") == 0 && s.sheet.column("avg", "value") == 1
}

// metric is a metric of AIPerf, with its unit.
type metric struct {
	Unit string  `json:"unit"`
	Avg  float64 `json:"avg"`
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P95  float64 `json:"p95"`
	P99  float64 `json:"p99"`
	Std  float64 `json:"std"`
}

// times is the metric in seconds.
func (m *metric) times() (metric, error) {
	unit, known := map[string]float64{"": 1e-3, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9, "s": 1,
		"sec": 1, "seconds": 1}[m.Unit]
	if !known {
		return metric{}, fmt.Errorf("a time in %q, which is none of ns, us, ms and s", m.Unit)
	}
	return metric{Avg: m.Avg * unit, P50: m.P50 * unit, P90: m.P90 * unit, P95: m.P95 * unit,
		P99: m.P99 * unit, Std: m.Std * unit}, nil
}

// aiperf is the metrics of one run.
type aiperf struct {
	Latency    metric `json:"request_latency"`
	TTFT       metric `json:"time_to_first_token"`
	ITL        metric `json:"inter_token_latency"`
	Throughput metric `json:"request_throughput"`
	Count      metric `json:"request_count"`
	Errors     metric `json:"error_request_count"`
	Input      metric `json:"input_sequence_length"`
	Output     metric `json:"output_sequence_length"`
}

// readAIPerf reads one run.
func readAIPerf(s *source, r *Result) error {
	var v aiperf
	o := s.one()
	kept, batch := 0.0, max(1, s.Batch)
	if o == nil {
		if err := v.readSheet(s.sheet); err != nil {
			return err
		}
	} else {
		if major, _, _ := strings.Cut(o.text("schema_version"), "."); major != "" && major != "1" {
			return fmt.Errorf("a summary of schema version %s, where 1.x is known (AIPerf %s)",
				o.text("schema_version"), o.text("aiperf_version"))
		}
		metrics := o
		if raw := o["records"]; raw != nil && !o.has("request_latency") { // AIPerf 0.1
			if err := json.Unmarshal(raw, &metrics); err != nil {
				return fmt.Errorf("not the JSON that was expected: %w", err)
			}
		}
		if err := metrics.decode(&v); err != nil {
			return err
		}
		setup := aiperfSetup(o)
		kept = setup.concurrency
		if s.Batch == 0 && setup.batch > 1 {
			batch = setup.batch
		}
		r.Model, r.GPU = setup.model, setup.gpu
		if d := o.text("start_time"); len(d) >= 10 && d[4] == '-' {
			r.Date = d[:10]
		}
	}
	row := Row{Batch: batch, Throughput: v.Throughput.Avg, PromptTokens: v.Input.Avg,
		OutputTokens: v.Output.Avg}
	latency, err := v.Latency.times()
	if err != nil {
		return fmt.Errorf("request latency: %w", err)
	}
	row.Mean, row.P50, row.P90, row.P95 = latency.Avg, latency.P50, latency.P90, latency.P95
	row.P99, row.Std = latency.P99, latency.Std
	first, err := v.TTFT.times()
	if err != nil {
		return fmt.Errorf("time to first token: %w", err)
	}
	further, err := v.ITL.times()
	if err != nil {
		return fmt.Errorf("inter token latency: %w", err)
	}
	row.TTFT, row.TPOT = first.Avg, further.Avg
	row.Concurrency = keptUp(kept, row.Throughput*row.Mean)
	r.Rows = append(r.Rows, row)
	r.failures(s.Name, v.Errors.Avg, v.Count.Avg)
	return nil
}

// setup is what a run was told to do.
type setup struct {
	concurrency float64 // requests at a time that it kept up; 0: it kept up a rate
	batch       int
	model, gpu  string
}

// aiperfSetup reads input_config, which changed: AIPerf has phases since 0.10, and loadgen before;
// GenAI-Perf has a stimulus of perf_analyzer, and at first its arguments as they were.
func aiperfSetup(o object) setup {
	var s setup
	var models []struct{ Name string }
	var names []string
	for _, path := range [][]string{{"endpoint", "model_names"}, {"model_names"}, {"model"}} {
		raw := o.at(append([]string{"input_config"}, path...)...)
		if json.Unmarshal(raw, &names) == nil && len(names) > 0 {
			s.model = names[0]
		}
	}
	if json.Unmarshal(o.at("input_config", "models", "items"), &models) == nil && len(models) > 0 {
		s.model = models[0].Name
	}
	var phases []struct {
		Type        string
		Excluded    bool `json:"exclude_from_results"`
		Concurrency float64
	}
	if json.Unmarshal(o.at("input_config", "phases"), &phases) == nil {
		for _, p := range phases {
			if p.Type == "concurrency" && !p.Excluded {
				s.concurrency = p.Concurrency
			}
		}
	}
	for _, path := range [][]string{{"loadgen"}, {"perf_analyzer", "stimulus"}, {}} {
		path = append([]string{"input_config"}, path...)
		if o.number(append(path, "request_rate")...) == 0 && s.concurrency == 0 {
			s.concurrency = o.number(append(path, "concurrency")...)
		}
	}
	for _, path := range [][]string{{"input", "prompt", "batch_size"}, {"input", "batch_size"},
		{"batch_size"}} {
		s.batch = max(s.batch, int(min(o.number(append([]string{"input_config"}, path...)...), 1e6)))
	}
	var endpoints map[string]struct {
		GPUs map[string]struct {
			Name string `json:"gpu_name"`
		}
	}
	if json.Unmarshal(o.at("telemetry_data", "endpoints"), &endpoints) == nil {
		for _, e := range endpoints {
			for _, g := range e.GPUs {
				s.gpu = max(s.gpu, g.Name) // of several kinds the same one each time
			}
		}
	}
	return s
}

// readSheet reads the CSV: metrics with quantiles, then those of one value, each part with a header;
// after them what the GPUs did. GenAI-Perf writes thousands with commas, and N/A where there is nothing.
func (v *aiperf) readSheet(s *sheet) error {
	into := map[string]*metric{"request latency": &v.Latency, "time to first token": &v.TTFT,
		"inter token latency": &v.ITL, "request throughput": &v.Throughput, "request count": &v.Count,
		"error request count": &v.Errors, "input sequence length": &v.Input,
		"output sequence length": &v.Output}
	header := s.header
	for i, row := range s.rows {
		if len(row) == 0 {
			continue
		}
		if strings.EqualFold(row[0], "metric") {
			header = nil
			for _, name := range row {
				header = append(header, strings.ToLower(strings.TrimSpace(name)))
			}
			continue
		}
		if strings.EqualFold(row[0], "endpoint") {
			break
		}
		name, unit, _ := strings.Cut(strings.ToLower(row[0]), " (")
		m := into[name]
		if m == nil {
			continue
		}
		m.Unit = strings.TrimSuffix(unit, ")")
		fields := map[string]*float64{"avg": &m.Avg, "value": &m.Avg, "p50": &m.P50, "p90": &m.P90,
			"p95": &m.P95, "p99": &m.P99, "std": &m.Std}
		for k := 1; k < len(row) && k < len(header); k++ {
			x := fields[header[k]]
			text := strings.ReplaceAll(strings.TrimSpace(row[k]), ",", "")
			if x == nil || text == "" || text == "N/A" {
				continue
			}
			value, err := parseNumber(text)
			if err != nil {
				return fmt.Errorf("row %d, column %s: %w", i+2, header[k], err)
			}
			*x = value
		}
	}
	return nil
}
