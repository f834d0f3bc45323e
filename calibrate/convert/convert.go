// Package convert makes profiles of what other tools measured: perf_analyzer, `vllm bench serve`,
// GuideLLM, AIPerf, and plain tables of batch and latency.
package convert

import (
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
	Mean, P50, P95, P99        float64 // latency of a request
	PromptTokens, OutputTokens float64
	TTFT, TPOT                 float64 // means
	repeats                    int
}

// Result is what the files say.
type Result struct {
	Format string
	Rows   []Row
	Model  string
	Date   string
}

// format reads files of one kind.
type format struct {
	name, what string
	fits       func(data []byte) bool
	read       func(f File, r *Result) error
}

var formats = []format{
	{"vllm", "JSON of `vllm bench serve --save-result`, a file for each load", isVLLM, readVLLM},
	{"guidellm", "benchmarks.json of GuideLLM", isGuideLLM, readGuideLLM},
	{"aiperf", "profile_export_aiperf.json of AIPerf, a file for each load",
		isAIPerf, readAIPerf},
	{"perf_analyzer", "CSV of perf_analyzer -f, for batches of more than 1 as N=FILE",
		isPerfAnalyzer, readPerfAnalyzer},
	{"csv", "a table: batch, latency (latency_ms, p50_ms, ...), concurrency", isTable, readTable},
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
		f, err := find(name, file)
		if err != nil {
			return nil, err
		}
		if r.Format != "" && r.Format != f.name {
			return nil, fmt.Errorf("%s looks like %s, and the files before it are %s", file.Name,
				f.name, r.Format)
		}
		r.Format = f.name
		before := len(r.Rows)
		if err := f.read(file, r); err != nil {
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

func find(name string, file File) (*format, error) {
	for i := range formats {
		if formats[i].name == name || (name == "" || name == "auto") && formats[i].fits(file.Data) {
			return &formats[i], nil
		}
	}
	var names []string
	for _, f := range formats {
		names = append(names, f.name)
	}
	if name != "" && name != "auto" {
		return nil, fmt.Errorf("there is no format %q; choose one of %s", name, strings.Join(names, ", "))
	}
	return nil, fmt.Errorf("%s is none of %s as far as its text tells; --from says what it is", file.Name,
		strings.Join(names, ", "))
}

func (r *Row) check() error {
	for _, v := range []float64{r.Concurrency, r.Throughput, r.Mean, r.P50, r.P95, r.P99, r.TTFT, r.TPOT} {
		if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
			return fmt.Errorf("a measurement of %v", v)
		}
	}
	if r.latency() <= 0 {
		return fmt.Errorf("a load without a latency")
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

// noise is the coefficient of variation of a lognormal with the row's quantiles, NaN without.
func (r *Row) noise() float64 {
	for _, q := range []struct{ high, z float64 }{{r.P99, 2.3263}, {r.P95, 1.6449}} {
		low := r.P50
		if low <= 0 {
			low = r.Mean
		}
		if q.high > low && low > 0 {
			sigma := math.Log(q.high/low) / q.z
			return math.Sqrt(math.Expm1(sigma * sigma))
		}
	}
	return math.NaN()
}

// Profile makes a profile of the rows: the time of a batch over its size at the least load, and the
// time of a request over how many there are at a time. Warnings say what the rows leave open.
func (r *Result) Profile() (*profile.Profile, error) {
	p := &profile.Profile{}
	p.Provenance = profile.Provenance{How: "converted", Model: r.Model, Date: r.Date, Engine: r.Format}
	alone := r.alone()
	if err := batchOf(p, alone); err != nil {
		return nil, err
	}
	r.concurrencyOf(p)
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
		k := int(math.Round(row.Concurrency))
		if row.Batch != smallest || k < 1 {
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
