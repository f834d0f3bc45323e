package convert

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// isGuideLLM knows the reports of GuideLLM since 0.2, as JSON, YAML or CSV.
func isGuideLLM(s *source) bool {
	if s.sheet != nil {
		return s.sheet.column("successful request latency mean") >= 0 ||
			slices.Contains(s.sheet.header, "run info") && slices.Contains(s.sheet.header, "request latency")
	}
	var list []object
	return json.Unmarshal(s.one()["benchmarks"], &list) == nil && len(list) > 0 && list[0].has("metrics")
}

// distribution is a metric of GuideLLM, of the requests that succeeded.
type distribution struct {
	Successful struct {
		Mean        float64            `json:"mean"`
		Median      float64            `json:"median"`
		Std         float64            `json:"std_dev"`
		Percentiles map[string]float64 `json:"percentiles"`
	} `json:"successful"`
}

// guideLLM is one benchmark of a report: latencies in s, tokens' times in ms.
type guideLLM struct {
	Metrics struct {
		Totals struct {
			Successful float64 `json:"successful"`
			Errored    float64 `json:"errored"`
		} `json:"request_totals"` // since 0.4
		Rate        distribution `json:"requests_per_second"`
		Concurrency distribution `json:"request_concurrency"`
		Latency     distribution `json:"request_latency"`
		Prompt      distribution `json:"prompt_token_count"`
		Output      distribution `json:"output_token_count"`
		TTFT        distribution `json:"time_to_first_token_ms"`
		ITL         distribution `json:"inter_token_latency_ms"`
	} `json:"metrics"`
}

// newestGuideLLM is the newest schema version of reports that is known: 0.2 to 0.4 write none, 0.5 and
// 0.6 write 1, 0.7 writes 2.
const newestGuideLLM = 2

// readGuideLLM reads all benchmarks of a report.
func readGuideLLM(s *source, r *Result) error {
	if s.sheet != nil {
		return readGuideLLMSheet(s, r)
	}
	o := s.one()
	if v := o.number("metadata", "version"); v > newestGuideLLM {
		return fmt.Errorf("a report of schema version %v (GuideLLM %s), where versions up to %d are known", v,
			o.text("metadata", "guidellm_version"), newestGuideLLM)
	}
	var benchmarks []object
	if err := json.Unmarshal(o["benchmarks"], &benchmarks); err != nil {
		return fmt.Errorf("not the report that was expected: %w", err)
	}
	r.Model = firstText(o, []string{"config", "backend", "model"}, []string{"args", "model"})
	for i, b := range benchmarks {
		var v guideLLM
		if err := b.decode(&v); err != nil {
			return fmt.Errorf("benchmark %d: %w", i+1, err)
		}
		if model := firstText(b, []string{"worker", "backend_model"},
			[]string{"config", "backend", "model"}); model != "" {
			r.Model = model
		}
		if start := b.number("start_time"); start > 1e9 && start < 1e11 {
			r.Date = time.Unix(int64(start), 0).UTC().Format(time.DateOnly)
		}
		m := &v.Metrics
		row := guideLLMRow(s, m.Latency)
		row.Throughput, row.Concurrency = m.Rate.Successful.Mean, m.Concurrency.Successful.Mean
		row.PromptTokens, row.OutputTokens = m.Prompt.Successful.Mean, m.Output.Successful.Mean
		row.TTFT, row.TPOT = m.TTFT.Successful.Mean/1e3, m.ITL.Successful.Mean/1e3
		errored := max(m.Totals.Errored, b.number("request_totals", "errored"))
		good := max(m.Totals.Successful, b.number("request_totals", "successful"))
		strategy := b.at("args", "strategy")
		if strategy == nil {
			strategy = b.at("config", "strategy")
		}
		r.addGuideLLM(s, row, streams(strategy), errored, good)
	}
	return nil
}

// firstText is the first text that is there.
func firstText(o object, paths ...[]string) string {
	for _, path := range paths {
		if text := o.text(path...); text != "" {
			return text
		}
	}
	return ""
}

// streams are the requests at a time that a strategy keeps up; 0: it keeps up a rate, or none.
func streams(strategy json.RawMessage) float64 {
	var o object
	if json.Unmarshal(strategy, &o) != nil {
		return 0
	}
	if o.text("type_") == "synchronous" {
		return 1
	}
	return o.number("streams")
}

func guideLLMRow(s *source, latency distribution) Row {
	l := latency.Successful
	return Row{Batch: max(1, s.Batch), Mean: l.Mean, P50: l.Median, Std: l.Std, P90: l.Percentiles["p90"],
		P95: l.Percentiles["p95"], P99: l.Percentiles["p99"]}
}

// addGuideLLM adds a benchmark, unless nothing succeeded in it.
func (r *Result) addGuideLLM(s *source, row Row, kept, errored, good float64) {
	if row.Mean <= 0 {
		return
	}
	if row.Concurrency <= 0 {
		row.Concurrency = row.Throughput * row.Mean
	}
	row.Concurrency = keptUp(kept, row.Concurrency)
	r.Rows = append(r.Rows, row)
	r.failures(s.Name, errored, good)
}

// readGuideLLMSheet reads the CSV: of 0.2 and 0.3 with one header, "Successful Request latency mean"; since
// 0.4 with three lines of it, group, name and statistic.
func readGuideLLMSheet(s *source, r *Result) error {
	names, rows := s.sheet.header, s.sheet.rows
	old := s.sheet.column("successful request latency mean") >= 0
	if !old {
		if len(rows) < 2 || len(rows[0]) != len(names) || len(rows[1]) != len(names) {
			return fmt.Errorf("its header has no three lines of the same length")
		}
		names = slices.Clone(names)
		for i := range names {
			names[i] += "|" + strings.ToLower(rows[0][i]) + "|" + strings.ToLower(rows[1][i])
		}
		rows = rows[2:]
	}
	for i, cells := range rows {
		if len(cells) != len(names) {
			return fmt.Errorf("benchmark %d has %d fields, and the header has %d, as GuideLLM before 0.7 "+
				"writes where benchmarks differ in what they measured; convert benchmarks.json", i+1,
				len(cells), len(names))
		}
		g := guideLLMCells{names: names, cells: cells, old: old}
		row := guideLLMRow(s, g.distribution("request latency", "request latency|successful sec"))
		row.Throughput = g.distribution("requests per second",
			"server throughput|successful requests/sec").Successful.Mean
		row.Concurrency = g.distribution("request concurrency",
			"server throughput|successful concurrency").Successful.Mean
		row.PromptTokens = g.distribution("prompt token count",
			"token metrics|successful input tokens").Successful.Mean
		row.OutputTokens = g.distribution("output token count",
			"token metrics|successful output tokens").Successful.Mean
		row.TTFT = g.distribution("time to first token ms",
			"time to first token|successful ms").Successful.Mean / 1e3
		row.TPOT = g.distribution("inter token latency ms",
			"inter token latency|successful ms").Successful.Mean / 1e3
		errored, good := g.number("errored requests", "request counts|errored|"),
			g.number("successful requests", "request counts|successful|")
		if g.failed != nil {
			return fmt.Errorf("benchmark %d: %w", i+1, g.failed)
		}
		if d := g.text("start time", "timings|start time|"); len(d) >= 10 {
			r.Date = d[:10]
		}
		var backend object
		if json.Unmarshal([]byte(g.text("worker", "run info|backend|")), &backend) == nil {
			r.Model = firstText(backend, []string{"backend_model"}, []string{"model"})
		}
		r.addGuideLLM(s, row, g.kept(), errored, good)
	}
	return nil
}

// guideLLMCells is a row of the CSV, by the names that both kinds have for a thing.
type guideLLMCells struct {
	names, cells []string
	old          bool
	failed       error
}

func (g *guideLLMCells) text(old, name string) string {
	if g.old {
		name = old
	}
	if i := slices.Index(g.names, name); i >= 0 {
		return strings.TrimSpace(g.cells[i])
	}
	return ""
}

func (g *guideLLMCells) number(old, name string) float64 {
	text := g.text(old, name)
	if text == "" {
		return 0
	}
	x, err := parseNumber(text)
	if err != nil && g.failed == nil {
		g.failed = fmt.Errorf("column %s: %w", name, err)
	}
	return x
}

// distribution is a metric; its quantiles are a list: min, 0.1, 1, 5, 10, 25, 75, 90, 95, 99, max.
func (g *guideLLMCells) distribution(old, name string) distribution {
	var d distribution
	d.Successful.Mean = g.number("successful "+old+" mean", name+"|mean")
	d.Successful.Median = g.number("successful "+old+" median", name+"|median")
	d.Successful.Std = g.number("successful "+old+" std dev", name+"|std dev")
	var q []float64
	list := g.text("successful "+old+" [min, 0.1, 1, 5, 10, 25, 75, 90, 95, 99, max]", name+"|percentiles")
	if json.Unmarshal([]byte(list), &q) == nil && len(q) == 11 {
		d.Successful.Percentiles = map[string]float64{"p90": q[7], "p95": q[8], "p99": q[9]}
	}
	return d
}

// kept are the requests at a time that the benchmark kept up, as far as its name tells.
func (g *guideLLMCells) kept() float64 {
	name := strings.ToLower(g.text("name", "benchmark|strategy|"))
	if name == "synchronous" {
		return 1
	}
	if of, ok := strings.CutPrefix(name, "concurrent@"); ok {
		if n, err := strconv.ParseFloat(of, 64); err == nil {
			return n
		}
	}
	return 0
}
