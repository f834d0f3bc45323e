// Package profile writes profile files: YAML that scenarios read and people can read and edit.
package profile

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/simcap/simcap/calibrate/fit"
)

// Profile is what a profile file says. Times in seconds. Zero values are left out of the file.
type Profile struct {
	Name, Description string
	Synthetic         bool
	Comment           []string // lines at the top of the file
	Service           Service
	ColdStages        []Stage
	Overhead          float64 // s, of each request, outside of the server's line
	Valid             Valid
	Energy            *Energy
	Server            Server
	Provenance        Provenance
	Quality           Quality
	Samples           Samples
}

// Service is how long work takes.
type Service struct {
	Time        float64    // mean demand of one input alone
	Quantiles   []Quantile // of the demand of one input, instead of Time and NoiseCV
	PerUnit     float64    // added for each unit of size
	FirstInput  []float64  // demands of first inputs, as measured
	Batch       *fit.Curve // nil: batches were not measured
	BatchSizes  []int      // that were measured
	NoiseCV     float64
	Concurrency []fit.Knot // L(k): mean time at k requests at a time
	LLM         *LLM
}

// Quantile is one quantile of a distribution: P of it lies below Value.
type Quantile struct{ P, Value float64 }

// LLM is the engine of continuous batching.
type LLM struct {
	Engine               fit.Engine
	Admit                float64 // s, outside the engine
	PerOutputToken       float64 // s, outside the engine
	MaxNumSeqs           int
	MaxNumBatchedTokens  int
	ChunkedPrefill       bool
	BlockSize, NumBlocks int
	NoiseCV              float64
}

// Stage is a stage of a cold start, as often as it was measured.
type Stage struct {
	Name  string
	Times []float64
}

// Valid is where the profile was measured; zero values: everywhere.
type Valid struct {
	BatchSize, Concurrent [2]int
	Size                  [2]float64
	PromptTokens          [2]float64 // of an LLM engine
	OutputTokens          [2]float64
	GPUs                  []string
}

// Energy is what the GPUs draw.
type Energy struct{ JoulesPerBatch, JoulesPerInput, IdleWatts float64 }

// Server is how the server treats several requests at a time: queue, sharing, parallel or batching,
// and how many it serves at a time.
type Server struct {
	Discipline string
	Slots      int
}

// Provenance is where the profile comes from. How is measured, published, converted or written.
type Provenance struct {
	How, Model, Engine, GPU      string
	GPUCount                     int
	GPUHash, MIG, Driver, CUDA   string
	SMClockMHz, PowerLimitWatts  float64
	Host, Command, Simcap, Date  string
	Source, Licence, Cite, Notes string
}

// Quality is how good fit and measurements are.
type Quality struct {
	Fit                              string
	CVError, WorstError, BetweenRuns float64
	Windows, RejectedWindows         int
	Intervals                        []Interval
	Holdout                          []Holdout
	Warnings                         []string
}

// NoiseCV is the parameter that has no unit.
const NoiseCV = "noise.cv"

// Interval is the 95 % interval of a fitted parameter, in seconds; of noise.cv without a unit.
type Interval struct {
	Parameter string // the key of service that it is of: time, batch.base, batch.points.8, noise.cv
	Low, High float64
}

// Holdout is a measurement that the fit did not see beside the simulator's prediction, in seconds.
type Holdout struct {
	Rate                                                 float64
	MeasuredP50, PredictedP50, MeasuredP95, PredictedP95 float64
	// Medians of an LLM engine; 0: none.
	MeasuredTTFT, PredictedTTFT, MeasuredTPOT, PredictedTPOT float64
}

// Error is the largest relative error of the predictions.
func (h *Holdout) Error() float64 {
	return math.Max(math.Abs(h.PredictedP50/h.MeasuredP50-1), math.Abs(h.PredictedP95/h.MeasuredP95-1))
}

// Samples names the file of raw measurements, beside the profile.
type Samples struct{ File, SHA256 string }

// Write writes the profile as YAML.
func (p *Profile) Write(w io.Writer) error {
	o := &out{}
	for _, line := range p.Comment {
		o.line(0, "# "+line)
	}
	o.line(0, "simcap_profile: 1")
	o.text(0, "name", p.Name)
	o.text(0, "description", p.Description)
	if p.Synthetic {
		o.line(0, "synthetic: true # not measured on hardware; `simcap plan` refuses it")
	}
	o.line(0, "service:")
	p.Service.write(o)
	o.coldStart(p.ColdStages)
	if p.Overhead > 0 {
		o.line(0, "overhead: "+Time(p.Overhead))
	}
	p.Valid.write(o)
	if e := p.Energy; e != nil {
		o.line(0, "energy:")
		o.line(1, "joules_per_batch: "+number(e.JoulesPerBatch))
		o.line(1, "joules_per_input: "+number(e.JoulesPerInput))
		o.line(1, "idle_watts: "+number(e.IdleWatts))
	}
	if p.Server.Discipline != "" {
		o.line(0, "server:")
		o.text(1, "discipline", p.Server.Discipline)
		o.count(1, "slots", p.Server.Slots)
	}
	p.Provenance.write(o)
	p.Quality.write(o)
	if p.Samples.File != "" {
		o.line(0, "samples:")
		o.text(1, "file", p.Samples.File)
		o.text(1, "sha256", p.Samples.SHA256)
	}
	_, err := io.WriteString(w, o.b.String())
	return err
}

// out collects the lines of a file.
type out struct{ b strings.Builder }

func (o *out) line(depth int, text string) {
	o.b.WriteString(strings.Repeat("  ", depth))
	o.b.WriteString(text)
	o.b.WriteByte('\n')
}

func (o *out) text(depth int, key, value string) {
	if value != "" {
		o.line(depth, key+": "+scalar(value))
	}
}

func (o *out) count(depth int, key string, value int) {
	if value != 0 {
		o.line(depth, fmt.Sprintf("%s: %d", key, value))
	}
}

func (o *out) amount(depth int, key string, value float64) {
	if value != 0 && !math.IsNaN(value) {
		o.line(depth, key+": "+number(value))
	}
}

func (o *out) percent(depth int, key string, value float64) {
	if value != 0 && !math.IsNaN(value) && !math.IsInf(value, 0) {
		o.line(depth, key+": "+number(100*value)+"%")
	}
}

// scalar is a text as YAML writes it on one line.
func scalar(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if b, err := yaml.Marshal(text); err == nil {
		if s := strings.TrimSpace(string(b)); !strings.Contains(s, "\n") {
			return s
		}
	}
	return strconv.Quote(text)
}

// number has six significant digits and never an exponent that YAML would misread.
func number(x float64) string {
	return strconv.FormatFloat(rounded(x, 6), 'f', -1, 64)
}

func rounded(x float64, digits int) float64 {
	v, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', digits, 64), 64)
	if err != nil {
		return x
	}
	return v
}

// Time is a time in seconds as profiles write it: 3.21ms.
func Time(s float64) string {
	for _, u := range []struct {
		name string
		s    float64
	}{{"s", 1}, {"ms", 1e-3}, {"us", 1e-6}} {
		if math.Abs(s) >= u.s {
			return number(s/u.s) + u.name
		}
	}
	if s == 0 {
		return "0s"
	}
	return number(s/1e-9) + "ns"
}

func knots(all []fit.Knot) string {
	parts := make([]string, len(all))
	for i, k := range all {
		parts[i] = fmt.Sprintf("%d: %s", k.N, Time(k.T))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// values is a distribution of what was measured: a constant where it was measured once.
func values(times []float64) string {
	if len(times) == 1 {
		return Time(times[0])
	}
	parts := make([]string, len(times))
	for i, t := range slices.Sorted(slices.Values(times)) {
		parts[i] = Time(t)
	}
	return "{dist: empirical, values: [" + strings.Join(parts, ", ") + "]}"
}

func (s *Service) write(o *out) {
	switch {
	case len(s.Quantiles) > 0:
		var parts []string
		for _, q := range s.Quantiles {
			parts = append(parts, "p"+number(100*q.P)+": "+Time(q.Value))
		}
		o.line(1, "time: {dist: quantiles, "+strings.Join(parts, ", ")+"}")
	case s.Time > 0:
		o.line(1, "time: "+Time(s.Time))
	}
	if s.PerUnit > 0 {
		o.line(1, "per_unit: "+Time(s.PerUnit))
	}
	if len(s.FirstInput) > 0 {
		o.line(1, "first_input: "+values(s.FirstInput))
	}
	switch c := s.Batch; {
	case c == nil:
	case c.Kind == fit.Affine:
		o.line(1, fmt.Sprintf("batch: {base: %s, per_input: %s}", Time(c.Base), Time(c.PerInput)))
	default:
		o.line(1, "batch:")
		o.line(2, "points: "+knots(c.Points(s.BatchSizes)))
	}
	if s.NoiseCV > 0 && len(s.Quantiles) == 0 {
		o.line(1, "noise: {cv: "+number(rounded(s.NoiseCV, 3))+"}")
	}
	if len(s.Concurrency) > 0 {
		o.line(1, "concurrency:")
		o.line(2, "points: "+knots(s.Concurrency))
	}
	if s.LLM != nil {
		s.LLM.write(o)
	}
}

func (l *LLM) write(o *out) {
	e := &l.Engine
	o.line(1, "llm:")
	o.line(2, "iteration:")
	o.line(3, "base: "+knots(e.Base))
	o.line(3, "per_sequence: "+Time(e.PerSequence))
	o.line(3, "per_context_token: "+Time(e.PerContext))
	o.line(3, "per_attention_token: "+Time(e.PerAttention))
	if l.Admit > 0 || l.PerOutputToken > 0 {
		o.line(2, fmt.Sprintf("request: {admit: %s, per_output_token: %s}", Time(l.Admit),
			Time(l.PerOutputToken)))
	}
	o.count(2, "max_num_seqs", l.MaxNumSeqs)
	o.count(2, "max_num_batched_tokens", l.MaxNumBatchedTokens)
	o.line(2, fmt.Sprintf("chunked_prefill: %t", l.ChunkedPrefill))
	if l.NumBlocks > 0 {
		o.line(2, fmt.Sprintf("kv: {block_size: %d, num_blocks: %d}", l.BlockSize, l.NumBlocks))
	}
	if l.NoiseCV > 0 {
		o.line(2, "noise: {cv: "+number(rounded(l.NoiseCV, 3))+"}")
	}
}

func (o *out) coldStart(stages []Stage) {
	if len(stages) == 0 {
		return
	}
	o.line(0, "cold_start:")
	o.line(1, "stages:")
	for _, s := range stages {
		o.line(2, fmt.Sprintf("- {name: %s, time: %s}", s.Name, values(s.Times)))
	}
}

func (v *Valid) write(o *out) {
	spans := []struct {
		key  string
		span [2]float64
	}{{"size", v.Size}, {"prompt_tokens", v.PromptTokens}, {"output_tokens", v.OutputTokens}}
	empty := v.BatchSize == [2]int{} && v.Concurrent == [2]int{} && len(v.GPUs) == 0
	for _, s := range spans {
		empty = empty && s.span == [2]float64{}
	}
	if empty {
		return
	}
	o.line(0, "valid:")
	for _, r := range []struct {
		key  string
		span [2]int
	}{{"batch_size", v.BatchSize}, {"concurrent", v.Concurrent}} {
		if r.span != [2]int{} {
			o.line(1, fmt.Sprintf("%s: [%d, %d]", r.key, r.span[0], r.span[1]))
		}
	}
	for _, s := range spans {
		if s.span != [2]float64{} {
			o.line(1, fmt.Sprintf("%s: [%s, %s]", s.key, number(s.span[0]), number(s.span[1])))
		}
	}
	if len(v.GPUs) > 0 {
		o.line(1, "gpus: ["+strings.Join(v.GPUs, ", ")+"]")
	}
}

func (p *Provenance) write(o *out) {
	if *p == (Provenance{}) {
		return
	}
	o.line(0, "provenance:")
	o.text(1, "how", p.How)
	o.text(1, "model", p.Model)
	o.text(1, "engine", p.Engine)
	o.text(1, "gpu", p.GPU)
	o.count(1, "gpu_count", p.GPUCount)
	o.text(1, "gpu_uuid_hash", p.GPUHash)
	o.text(1, "mig", p.MIG)
	o.text(1, "driver", p.Driver)
	o.text(1, "cuda", p.CUDA)
	o.amount(1, "sm_clock_mhz", p.SMClockMHz)
	o.amount(1, "power_limit_watts", p.PowerLimitWatts)
	o.text(1, "host", p.Host)
	o.text(1, "command", p.Command)
	o.text(1, "simcap", p.Simcap)
	o.text(1, "date", p.Date)
	o.text(1, "source", p.Source)
	o.text(1, "licence", p.Licence)
	o.text(1, "cite", p.Cite)
	o.text(1, "notes", p.Notes)
}

func (q *Quality) write(o *out) {
	if q.Fit == "" && q.Windows == 0 && len(q.Holdout) == 0 && len(q.Warnings) == 0 {
		return
	}
	o.line(0, "quality:")
	o.text(1, "fit", q.Fit)
	o.percent(1, "cv_error", rounded(q.CVError, 3))
	o.percent(1, "worst_error", rounded(q.WorstError, 3))
	o.percent(1, "between_runs", rounded(q.BetweenRuns, 3))
	o.count(1, "windows", q.Windows)
	o.count(1, "rejected_windows", q.RejectedWindows)
	if len(q.Intervals) > 0 {
		o.line(1, "intervals:")
		for _, i := range q.Intervals {
			if i.Parameter == NoiseCV {
				o.line(2, fmt.Sprintf("- {parameter: %s, low_share: %s%%, high_share: %s%%}", i.Parameter,
					number(rounded(100*i.Low, 4)), number(rounded(100*i.High, 4))))
			} else {
				o.line(2, fmt.Sprintf("- {parameter: %s, low: %s, high: %s}", i.Parameter, Time(i.Low),
					Time(i.High)))
			}
		}
	}
	if len(q.Holdout) > 0 {
		o.line(1, "holdout:")
		for _, h := range q.Holdout {
			o.line(2, "- rate: "+number(rounded(h.Rate, 4))+"/s")
			o.line(3, "measured_p50: "+Time(h.MeasuredP50))
			o.line(3, "predicted_p50: "+Time(h.PredictedP50))
			o.line(3, "measured_p95: "+Time(h.MeasuredP95))
			o.line(3, "predicted_p95: "+Time(h.PredictedP95))
			if h.MeasuredTTFT > 0 {
				o.line(3, "measured_ttft: "+Time(h.MeasuredTTFT))
				o.line(3, "predicted_ttft: "+Time(h.PredictedTTFT))
				o.line(3, "measured_tpot: "+Time(h.MeasuredTPOT))
				o.line(3, "predicted_tpot: "+Time(h.PredictedTPOT))
			}
		}
	}
	if len(q.Warnings) > 0 {
		o.line(1, "warnings:")
		for _, w := range q.Warnings {
			o.line(2, "- "+scalar(w))
		}
	}
}
