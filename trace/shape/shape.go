// Package shape says what a trace of arrivals is like: how its rate moves, how bursty it is in windows
// of all lengths, how far it is from a Poisson process, and what that does to a queue. All of it is
// measured while the rows stream by; memory depends on the span of the trace (a few numbers for every
// ten minutes), not on its rows.
package shape

import (
	"math"
	"sort"

	"github.com/simcap/simcap/sim"
	"github.com/simcap/simcap/stats"
	"github.com/simcap/simcap/trace"
)

// Shape is what a trace is like. Rates are arrivals per second, times seconds since the first row.
// Numbers that the trace is too short for are null.
type Shape struct {
	File         string       `json:"file"`
	Format       string       `json:"format"`
	Compression  string       `json:"compression,omitempty"`
	First        string       `json:"first"` // instants on the file's clock
	Last         string       `json:"last"`
	Dated        bool         `json:"dated"`
	Records      int64        `json:"records"` // rows or buckets read
	Arrivals     int64        `json:"arrivals"`
	SpanS        float64      `json:"span_s"`
	RatePerS     float64      `json:"rate_per_s"`
	Bad          int64        `json:"bad_rows"`
	BadRows      []string     `json:"bad_row_examples,omitempty"`
	Filtered     int64        `json:"filtered"`
	Failed       int64        `json:"failed"`
	StepS        float64      `json:"step_s,omitempty"` // of a file of rates
	TickS        float64      `json:"tick_s,omitempty"` // of a coarse clock
	Notes        []string     `json:"notes"`
	Warnings     []string     `json:"warnings"`
	Peaks        []Peak       `json:"peaks"`
	CV           *float64     `json:"interarrival_cv"`
	CVWithin     *float64     `json:"interarrival_cv_within_10_min"` // median over windows
	Dispersion   []Dispersion `json:"dispersion"`
	Correlations []Lag        `json:"autocorrelation"`
	Hours        []float64    `json:"hour_of_day_per_s,omitempty"` // 24, null hours are NaN and left out
	Weekdays     []float64    `json:"weekday_per_s,omitempty"`     // 7, from Monday
	Rate         Series       `json:"rate"`
	Bursts       []Burst      `json:"bursts"`
	Functions    []Function   `json:"functions"`
	Columns      []Column     `json:"columns"`
	Queues       []Queue      `json:"queues"`
	Verdict      Verdict      `json:"verdict"`
}

// Peak is the busiest window of a length.
type Peak struct {
	WindowS  float64 `json:"window_s"`
	RatePerS float64 `json:"rate_per_s"`
	OverMean float64 `json:"over_mean"`
	AtS      float64 `json:"at_s"`
}

// Dispersion is the index of dispersion of counts in windows of a length: their variance over their
// mean, 1 for a Poisson process.
type Dispersion struct {
	WindowS float64 `json:"window_s"`
	Windows int64   `json:"windows"`
	IDC     float64 `json:"idc"`
}

// Lag is the correlation of the counts of minutes that are a lag apart.
type Lag struct {
	LagS        float64 `json:"lag_s"`
	Correlation float64 `json:"correlation"`
}

// Series is the rate in steps of one length.
type Series struct {
	StepS float64   `json:"step_s"`
	PerS  []float64 `json:"per_s"`
}

// Burst is a time in which the rate lies far above the mean.
type Burst struct {
	StartS   float64 `json:"start_s"`
	LengthS  float64 `json:"length_s"`
	Arrivals float64 `json:"arrivals"`
	PeakPerS float64 `json:"peak_per_s"`
	OverMean float64 `json:"over_mean"` // of its own mean rate
}

// Function is one that the trace names.
type Function struct {
	Name     string `json:"name"`
	Arrivals int64  `json:"arrivals"`
	Failed   int64  `json:"failed"`
}

// Column is what rows say of their inputs: size, demand (s), prompt_tokens or output_tokens.
type Column struct {
	Name      string             `json:"name"`
	Count     int64              `json:"count"`
	Mean      float64            `json:"mean"`
	Quantiles map[string]float64 `json:"quantiles"` // p1, p10, p50, p90, p99, p100
}

// Verdict says how far the trace is from a Poisson process.
type Verdict struct {
	Poisson bool   `json:"poisson"`
	Text    string `json:"text"`
}

// Windows are the lengths in which counts are looked at, in seconds.
var windows = [...]float64{1, 10, 60, 600, 3600}

// lags are those of autocorrelations, in minutes.
var lags = [...]int{1, 5, 10, 30, 60, 360, 1440}

// mostFunctions is how many names are counted; further ones are counted together.
const mostFunctions = 10_000

// Meter takes the rows of a trace.
type Meter struct {
	n         int64
	failed    int64
	last      sim.Time
	gaps      stats.Moments
	within    stats.Moments // gaps of the present ten minutes
	tenth     sim.Time      // number of the present ten minutes
	variation []float64     // of the gaps, by ten minutes
	counts    [len(windows)]counter
	minutes   correlator
	series    series
	functions map[string]*Function
	columns   [4]sums
	weight    [24]float64
	weekday   [7]float64
	epoch     sim.Time // of the first row since a Monday's midnight, if the file has dates
}

// sums are of one column.
type sums struct {
	moments stats.Moments
	sketch  stats.Sketch
}

// columnNames and the scale that makes whole numbers of their values for the sketch.
var (
	columnNames  = [...]string{"size", "demand", "prompt_tokens", "output_tokens"}
	columnScales = [...]float64{1e6, 1, 1, 1}
)

// NewMeter is a meter for a trace whose rows begin so long after a Monday's midnight.
func NewMeter(epoch sim.Time) *Meter {
	m := &Meter{functions: map[string]*Function{}, epoch: epoch, series: newSeries()}
	for i, w := range windows {
		m.counts[i].length = sim.Time(w * float64(sim.Second))
	}
	m.minutes = newCorrelator()
	return m
}

// Add takes the next row.
func (m *Meter) Add(row *trace.Row) {
	at := row.At
	if m.n > 0 {
		gap := (at - m.last).Seconds()
		m.gaps.Add(gap)
		m.gapWithin(at, gap)
	} else {
		m.tenth = at / (10 * sim.Minute)
	}
	m.n, m.last = m.n+1, at
	for i := range m.counts {
		m.counts[i].add(at)
	}
	m.minutes.add(at)
	m.series.add(at)
	hours := (m.epoch + at) / sim.Hour
	m.weight[hours%24]++
	m.weekday[hours/24%7]++
	if row.Failed {
		m.failed++
	}
	m.function(row)
	for i, v := range [...]float64{row.Size, row.Demand, row.Prompt, row.Output} {
		if !math.IsNaN(v) {
			m.columns[i].moments.Add(v)
			m.columns[i].sketch.Record(int64(math.Min(v*columnScales[i], math.MaxInt64/2)))
		}
	}
}

// gapWithin counts a gap to the ten minutes in which it ends, if it began in them.
func (m *Meter) gapWithin(at sim.Time, gap float64) {
	if now := at / (10 * sim.Minute); now != m.tenth {
		m.closeWithin()
		m.tenth = now
		return
	}
	m.within.Add(gap)
}

// enoughGaps is how many gaps tell a variation.
const enoughGaps = 20

func (m *Meter) closeWithin() {
	if m.within.Count() >= enoughGaps && m.within.Mean() > 0 {
		m.variation = append(m.variation, m.within.Deviation()/m.within.Mean())
	}
	m.within = stats.Moments{}
}

func (m *Meter) function(row *trace.Row) {
	if row.Function == "" {
		return
	}
	f := m.functions[row.Function]
	if f == nil {
		name := row.Function
		if len(m.functions) >= mostFunctions {
			name = Others
			f = m.functions[name]
		}
		if f == nil {
			f = &Function{Name: name}
			m.functions[name] = f
		}
	}
	f.Arrivals++
	if row.Failed {
		f.Failed++
	}
}

// Others is the name under which functions are counted beyond the first 10,000.
const Others = "(others)"

// Shape is what the rows so far are like, over a span; 0 stands for the time of the last row.
func (m *Meter) Shape(span sim.Time) *Shape {
	if span <= 0 {
		span = m.last
	}
	s := &Shape{Arrivals: m.n, SpanS: span.Seconds(), Failed: m.failed, Notes: []string{},
		Warnings: []string{},
		Bursts:   []Burst{}, Functions: []Function{}, Columns: []Column{}, Queues: []Queue{}}
	if s.SpanS > 0 {
		s.RatePerS = float64(m.n) / s.SpanS
	}
	m.closeWithin()
	if m.gaps.Count() >= enoughGaps && m.gaps.Mean() > 0 {
		cv := m.gaps.Deviation() / m.gaps.Mean()
		s.CV = &cv
	}
	if len(m.variation) > 0 {
		sorted := append([]float64(nil), m.variation...)
		sort.Float64s(sorted)
		s.CVWithin = &sorted[len(sorted)/2]
	}
	for i := range m.counts {
		m.counts[i].describe(s, span, i < 4 && i != 1)
	}
	s.Correlations = m.minutes.lags(span)
	s.Rate = m.series.rates(span)
	s.Bursts = bursts(s)
	m.profile(s, span)
	for _, f := range m.functions {
		s.Functions = append(s.Functions, *f)
	}
	sort.Slice(s.Functions, func(i, j int) bool {
		a, b := &s.Functions[i], &s.Functions[j]
		return a.Arrivals > b.Arrivals || a.Arrivals == b.Arrivals && a.Name < b.Name
	})
	m.describeColumns(s)
	s.Verdict = judge(s)
	return s
}

func (m *Meter) describeColumns(s *Shape) {
	for i := range m.columns {
		c := &m.columns[i]
		if c.moments.Count() == 0 {
			continue
		}
		scale := 1.0
		if columnNames[i] == "demand" {
			scale = 1e-9
		}
		column := Column{Name: columnNames[i], Count: c.moments.Count(), Mean: c.moments.Mean() * scale,
			Quantiles: map[string]float64{}}
		for name, q := range map[string]float64{"p1": 0.01, "p10": 0.1, "p25": 0.25, "p50": 0.5, "p75": 0.75,
			"p90": 0.9, "p95": 0.95, "p99": 0.99, "p100": 1} {
			v, _ := c.sketch.Quantile(q)
			column.Quantiles[name] = float64(v) / columnScales[i] * scale
		}
		s.Columns = append(s.Columns, column)
	}
}

// profile divides the arrivals of each hour of the day and each weekday by the time that the trace
// spent in it.
func (m *Meter) profile(s *Shape, span sim.Time) {
	if span >= 6*sim.Hour {
		s.Hours = m.shares(m.weight[:], span, sim.Hour)
	}
	if span >= 7*sim.Day {
		s.Weekdays = m.shares(m.weekday[:], span, sim.Day)
	}
}

func (m *Meter) shares(weights []float64, span, slot sim.Time) []float64 {
	out := make([]float64, len(weights))
	spent := make([]float64, len(weights))
	for at := sim.Time(0); at < span; {
		now := m.epoch + at
		end := min(span, (now/slot+1)*slot-m.epoch)
		spent[int(now/slot)%len(weights)] += (end - at).Seconds()
		at = end
	}
	for i := range out {
		if spent[i] > 0 {
			out[i] = weights[i] / spent[i]
		}
	}
	return out
}
