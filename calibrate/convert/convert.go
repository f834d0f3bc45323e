// Package convert makes profiles of what other tools measured: perf_analyzer, `vllm bench serve`,
// GuideLLM, AIPerf, and plain tables of batch and latency.
package convert

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/simcap/simcap/calibrate/fit"
	"github.com/simcap/simcap/calibrate/profile"
)

// File is a file of results.
type File struct {
	Name  string
	Data  []byte
	Batch int // inputs of a request, where the file does not say; 0: 1
}

// Row is one measured load. Times in seconds; what a file does not say is 0.
type Row struct {
	Batch                      int
	Concurrency                float64 // requests at a time
	Throughput                 float64 // requests per second
	Mean, Std                  float64 // latency of a request
	P50, P90, P95, P99         float64
	PromptTokens, OutputTokens float64 // means of a request
	TTFT, TPOT                 float64 // means
	repeats                    int
	summed                     bool // Mean is of TTFT and TPOT, since the file has no latency
}

// Result is what the files say.
type Result struct {
	Format   string // of the files
	Rows     []Row
	Model    string
	Engine   string // the server, where a file names it
	GPU      string
	Date     string
	Warnings []string
}

// format reads files of one kind.
type format struct {
	name, tool, what string
	fits             func(s *source) bool
	read             func(s *source, r *Result) error
}

var formats = []format{
	{"vllm", "vllm bench serve", "JSON of `vllm bench serve --save-result`, or sglang's",
		isVLLM, readVLLM},
	{"guidellm", "GuideLLM", "benchmarks.json, .yaml or .csv of GuideLLM", isGuideLLM, readGuideLLM},
	{"aiperf", "AIPerf", "profile_export_aiperf.json or .csv of AIPerf; GenAI-Perf's", isAIPerf,
		readAIPerf},
	{"perf_analyzer", "perf_analyzer", "CSV of perf_analyzer -f, for batches of more than 1 as N=FILE",
		isPerfAnalyzer, readPerfAnalyzer},
	{"csv", "a table of batch and latency", "a table: batch, latency (latency_ms, p50_ms, ...), concurrency",
		isTable, readTable},
}

// Formats are the names of the formats with what they are.
func Formats() [][2]string {
	out := [][2]string{{"auto", "find out which of these it is"}}
	for _, f := range formats {
		out = append(out, [2]string{f.name, f.what})
	}
	return out
}

// Read reads files of one format, or of the one that they look like ("auto" or "").
func Read(name string, files []File) (*Result, error) {
	r := &Result{}
	for _, file := range files {
		s := newSource(file)
		f, err := find(name, s)
		if err != nil {
			return nil, err
		}
		if r.Format != "" && r.Format != f.name {
			return nil, fmt.Errorf("%s looks like %s, and the files before it are %s", file.Name,
				f.name, r.Format)
		}
		r.Format = f.name
		before := len(r.Rows)
		if err := f.read(s, r); err != nil {
			return nil, fmt.Errorf("%s: %w", file.Name, err)
		}
		if len(r.Rows) == before {
			return nil, fmt.Errorf("%s: no measurements", file.Name)
		}
		for _, row := range r.Rows[before:] {
			if err := row.check(); err != nil {
				return nil, fmt.Errorf("%s: %w", file.Name, err)
			}
		}
	}
	if len(r.Rows) == 0 {
		return nil, fmt.Errorf("no files")
	}
	return r, nil
}

// find is the format of a file: the one that is named, or the first that fits.
func find(name string, s *source) (*format, error) {
	var names []string
	for i := range formats {
		f := &formats[i]
		names = append(names, f.name)
		auto := name == "" || name == "auto"
		if auto && f.fits(s) {
			return f, nil
		}
		if f.name != name {
			continue
		}
		switch {
		case s.objects == nil && s.sheet == nil && s.damage != nil:
			return nil, fmt.Errorf("%s: %w", s.Name, s.damage)
		case f.name == "csv" && s.sheet != nil || f.fits(s):
			return f, nil
		}
		return nil, fmt.Errorf("%s is not of %s: %s", s.Name, f.tool, s.unknown())
	}
	if name != "" && name != "auto" {
		return nil, fmt.Errorf("there is no format %q; choose one of %s", name, strings.Join(names, ", "))
	}
	if s.damage != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, s.damage)
	}
	return nil, fmt.Errorf("%s is none of %s: %s", s.Name, strings.Join(names, ", "), s.unknown())
}

// relatives are files that the tools write beside those that are read, or wrote in other versions.
var relatives = []struct {
	such func(o object) bool
	what string
}{
	{func(o object) bool { return o.has("experiments") },
		"it is the raw export of perf_analyzer (--profile-export-file); convert the CSV of -f, or " +
			"profile_export_genai_perf.json"},
	{func(o object) bool { return o.has("metrics", "metadata", "schema_version") },
		"it is AIPerf's summary of several runs; convert the profile_export_aiperf.json of each"},
	{func(o object) bool { return o.has("metrics", "metadata") },
		"it is AIPerf's records of single requests; convert profile_export_aiperf.json"},
	{func(o object) bool { return o.has("timeslices") },
		"it is AIPerf's summary of slices of time; convert profile_export_aiperf.json"},
	{func(o object) bool { return o.has("benchmark", "metric") },
		"it is in the form of PyTorch's benchmarks; convert the .json that vLLM writes beside it"},
	{func(o object) bool { return o.has("elapsed_time", "num_requests") },
		"it is of `vllm bench throughput`, which measures no latencies; `vllm bench serve` does"},
	{func(o object) bool { return o.has("avg_latency", "latencies") },
		"it is of `vllm bench latency`, which does not say its batch; write batch and latency as a table"},
	{func(o object) bool { return o.has("benchmarks") },
		"it is a report of GuideLLM, or of something else, without the metrics that GuideLLM has " +
			"written since 0.2"},
}

// unknown says what a file is that is not read.
func (s *source) unknown() string {
	switch {
	case s.objects == nil && s.sheet == nil:
		return "it is empty"
	case s.sheet != nil && len(s.sheet.header) > 0:
		header := strings.Join(s.sheet.header[:min(8, len(s.sheet.header))], ", ")
		if len(s.sheet.header) > 8 {
			header += ", ..."
		}
		return "its columns are " + header + "; --from says what it is"
	case len(s.objects) == 0:
		return "it is empty"
	}
	for _, r := range relatives {
		if s.all(r.such) {
			return r.what
		}
	}
	var keys []string
	for k := range s.objects[0] {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	if len(keys) > 8 {
		keys = append(keys[:8], "...")
	}
	if len(keys) == 0 {
		return "it says nothing"
	}
	return "its keys are " + strings.Join(keys, ", ")
}

// failures warns of requests that failed: they load the server, and their times are not in the means.
func (r *Result) failures(name string, failed, good float64) {
	if failed > 0.01*(failed+good) {
		r.Warnings = append(r.Warnings, fmt.Sprintf("%s: %.0f of %.0f requests failed, and their times do "+
			"not count", name, failed, failed+good))
	}
}

// keptUp are the requests at a time of a load that keeps up a number of them. What was achieved is the
// mean over the whole of it, a little less where it began and ended; far less, there were too few
// requests, and that counts.
func keptUp(told, achieved float64) float64 {
	if told > 0 && achieved > 0.75*told && achieved < 1.25*told {
		return told
	}
	return achieved
}

// of sets mean, deviation and quantiles of the latencies.
func (r *Row) of(latencies []float64) {
	n, sum, squares := float64(len(latencies)), 0.0, 0.0
	for _, l := range latencies {
		sum += l
	}
	for _, l := range latencies {
		squares += (l - sum/n) * (l - sum/n)
	}
	r.Mean, r.Std = sum/n, math.Sqrt(squares/n)
	r.P50, r.P90 = fit.Quantile(latencies, 0.5), fit.Quantile(latencies, 0.9)
	r.P95, r.P99 = fit.Quantile(latencies, 0.95), fit.Quantile(latencies, 0.99)
}

func (r *Row) check() error {
	for _, v := range []float64{
		r.Concurrency, r.Throughput, r.Mean, r.Std, r.P50, r.P90, r.P95, r.P99, r.TTFT,
		r.TPOT, r.PromptTokens, r.OutputTokens} {
		if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
			return fmt.Errorf("a measurement of %v", v)
		}
	}
	if r.latency() <= 0 {
		return fmt.Errorf("a load without a latency of its requests")
	}
	return nil
}

// latency is the mean, or the median where that is all there is.
func (r *Row) latency() float64 {
	if r.Mean > 0 {
		return r.Mean
	}
	return r.P50
}

// noise is the coefficient of variation of a lognormal with the row's quantiles, else that of its
// deviation, NaN without both.
func (r *Row) noise() float64 {
	for _, q := range []struct{ high, z float64 }{{r.P99, 2.3263}, {r.P95, 1.6449}, {r.P90, 1.2816}} {
		low := r.P50
		if low <= 0 {
			low = r.Mean
		}
		if q.high > low && low > 0 {
			sigma := math.Log(q.high/low) / q.z
			return math.Sqrt(math.Expm1(sigma * sigma))
		}
	}
	if r.Std > 0 && r.Mean > 0 {
		return r.Std / r.Mean
	}
	return math.NaN()
}

// Profile makes a profile of the rows. Of whole requests it has the time of a batch over its size at the
// least load, and the time of a request over how many there are at a time; asLLM, it has an engine with
// continuous batching, of first and further tokens. Warnings say what the rows leave open.
func (r *Result) Profile(asLLM bool) (*profile.Profile, error) {
	p := &profile.Profile{}
	p.Provenance = profile.Provenance{
		How: "converted", Model: r.Model, Engine: r.Engine, GPU: r.GPU, Date: r.Date}
	for _, f := range formats {
		if f.name == r.Format && f.name != "csv" {
			p.Provenance.Notes = "Converted from results of " + f.tool + "."
		}
	}
	p.Quality.Warnings = slices.Clone(r.Warnings)
	if asLLM {
		return p, r.engine(p)
	}
	alone := r.alone()
	if err := batchOf(p, alone); err != nil {
		return nil, err
	}
	r.concurrencyOf(p)
	r.tokens(p)
	var noise []float64
	for i := range alone {
		if cv := alone[i].noise(); !math.IsNaN(cv) {
			noise = append(noise, cv)
		}
	}
	if len(noise) > 0 {
		p.Service.NoiseCV = fit.Median(noise)
	} else {
		p.Quality.Warnings = append(p.Quality.Warnings, "no quantiles were measured: the times do not vary")
	}
	return p, nil
}

// tokens warns that the times of whole requests are those of their lengths.
func (r *Result) tokens(p *profile.Profile) {
	var lengths [2][]float64
	summed := false
	for _, row := range r.Rows {
		if row.OutputTokens > 0 && row.TTFT > 0 {
			lengths[0] = append(lengths[0], row.PromptTokens)
			lengths[1] = append(lengths[1], row.OutputTokens)
		}
		summed = summed || row.summed
	}
	warn := func(format string, args ...any) {
		p.Quality.Warnings = append(p.Quality.Warnings, fmt.Sprintf(format, args...))
	}
	if summed {
		warn("the files have no latencies of requests: they are the first token's time and the others', " +
			"and do not vary; `--percentile-metrics ttft,tpot,itl,e2el` makes vLLM write them")
	}
	if len(lengths[0]) == 0 {
		return
	}
	warn("the times are of whole requests, of about %.0f prompt and %.0f output tokens, and hold for "+
		"such alone", fit.Median(lengths[0]), fit.Median(lengths[1]))
	for _, l := range lengths {
		if slices.Max(l) > 1.1*slices.Min(l) {
			warn("some loads have longer requests than others: their times are of the lengths, too")
			return
		}
	}
}

// engine fits the iterations of an engine to the rows' first and further tokens.
func (r *Result) engine(p *profile.Profile) error {
	rows := r.Streaming()
	if len(rows) == 0 {
		return errors.New("the files say nothing of tokens: --as llm needs the times of first and " +
			"further ones")
	}
	e, err := fit.NewEngine(fit.Iterations(rows))
	if err != nil {
		return fmt.Errorf("%d loads do not make a model of the engine: %w", len(rows), err)
	}
	p.Service.LLM = &profile.LLM{Engine: e, ChunkedPrefill: true}
	p.Quality.Fit, p.Quality.WorstError, p.Quality.CVError = "llm", e.Worst, e.Holdout
	p.Quality.Warnings = append(p.Quality.Warnings, "kv, max_num_seqs and max_num_batched_tokens are the "+
		"engine's settings, which a client cannot see: set them as the engine reports them")
	most := 1.0
	for _, row := range rows {
		most = max(most, row.Concurrency)
	}
	p.Valid.Concurrent = [2]int{1, int(math.Round(most))}
	return nil
}

// alone are the rows of the least concurrency of each batch size.
func (r *Result) alone() []Row {
	var out []Row
	for _, row := range r.Rows {
		at := slices.IndexFunc(out, func(o Row) bool { return o.Batch == row.Batch })
		switch {
		case at < 0:
			out = append(out, row)
		case row.Concurrency < out[at].Concurrency:
			out[at] = row
		}
	}
	slices.SortFunc(out, func(a, b Row) int { return a.Batch - b.Batch })
	return out
}

// batchOf fits the time of a batch.
func batchOf(p *profile.Profile, alone []Row) error {
	var points []fit.Point
	for i := range alone {
		points = append(points, fit.Point{N: alone[i].Batch, Times: []float64{alone[i].latency()}})
		if c := alone[i].Concurrency; c > 1.5 {
			p.Quality.Warnings = append(p.Quality.Warnings, fmt.Sprintf("the least load measured has %.3g "+
				"requests at a time: the time of one alone is not known", c))
		}
	}
	choice, err := fit.BatchCurve(points)
	if err != nil {
		return err
	}
	p.Service.Time = choice.Curve.At(alone[0].Batch)
	if alone[0].Batch > 1 {
		p.Service.Time = choice.Curve.At(1)
	}
	if len(points) > 1 {
		curve := choice.Curve
		p.Service.Batch, p.Service.BatchSizes = &curve, choice.Sizes
		p.Quality.Fit, p.Quality.CVError, p.Quality.WorstError = curve.Kind, choice.CV, choice.Worst
	}
	p.Valid.BatchSize = [2]int{alone[0].Batch, alone[len(alone)-1].Batch}
	return nil
}

// concurrencyOf sets L(k) from the rows of the smallest batch. A row without a concurrency has that of
// Little's law, throughput × latency.
func (r *Result) concurrencyOf(p *profile.Profile) {
	smallest := p.Valid.BatchSize[0]
	sum, count := map[int]float64{}, map[int]int{}
	for _, row := range r.Rows {
		k := max(1, int(math.Round(row.Concurrency))) // less than one at a time is one, now and then
		if row.Batch != smallest {
			continue
		}
		sum[k] += row.latency()
		count[k]++
	}
	if len(sum) < 2 {
		return
	}
	var knots []fit.Knot
	for k, s := range sum {
		knots = append(knots, fit.Knot{N: k, T: s / float64(count[k])})
	}
	slices.SortFunc(knots, func(a, b fit.Knot) int { return a.N - b.N })
	p.Service.Concurrency = fit.Monotone(knots)
	p.Valid.Concurrent = [2]int{1, knots[len(knots)-1].N}
	if knots[0].N == 1 {
		p.Service.Time = p.Service.Concurrency[0].T
	}
}

// Streaming are the rows as a client of an LLM sees them; empty where the files say nothing of tokens.
func (r *Result) Streaming() []fit.Streaming {
	var out []fit.Streaming
	for _, row := range r.Rows {
		if row.TPOT > 0 && row.OutputTokens > 1 {
			out = append(out, fit.Streaming{Concurrency: row.Concurrency, PromptTokens: row.PromptTokens,
				OutputTokens: row.OutputTokens, TTFT: row.TTFT, TPOT: row.TPOT})
		}
	}
	return out
}
