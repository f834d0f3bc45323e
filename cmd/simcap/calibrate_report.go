package main

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/simcap/simcap/calibrate"
	"github.com/simcap/simcap/calibrate/profile"
	"github.com/simcap/simcap/report"
	"github.com/simcap/simcap/report/quantity"
)

// reportFolder is where page and pictures of a profile go: beside its file.
func reportFolder(out string) string { return strings.TrimSuffix(out, filepath.Ext(out)) + "-report" }

// calibrationOf is what the page of a calibration shows: the profile, and what it was fitted to.
func calibrationOf(p *profile.Profile, m *calibrate.Measurement) (*report.Calibration, error) {
	var text bytes.Buffer
	if err := p.Write(&text); err != nil {
		return nil, err
	}
	q := &p.Quality
	c := &report.Calibration{Name: p.Name, Description: p.Description, Simcap: m.Simcap,
		Synthetic:  p.Synthetic,
		Provenance: provenanceFacts(p, m), Profile: text.String(), Warnings: q.Warnings, Fits: []report.Fit{},
		Quality: report.Quality{CVError: known(q.CVError), WorstError: known(q.WorstError),
			BetweenRuns: known(q.BetweenRuns)}}
	if f, ok := batchFit(p, m); ok {
		c.Fits = append(c.Fits, f)
	}
	if f, ok := concurrencyFit(p, m); ok {
		c.Fits = append(c.Fits, f)
	}
	for _, s := range p.ColdStages {
		c.Cold = append(c.Cold, report.Sample{Name: s.Name, Times: s.Times})
	}
	for _, h := range q.Holdout {
		c.Holdout = append(c.Holdout, report.Holdout{RatePerS: h.Rate, MeasuredP50: h.MeasuredP50,
			PredictedP50: h.PredictedP50, MeasuredP95: h.MeasuredP95, PredictedP95: h.PredictedP95})
	}
	slices.SortStableFunc(c.Holdout, func(a, b report.Holdout) int { return order(a.RatePerS, b.RatePerS) })
	addWindows(c, m)
	return c, nil
}

// known is a number, or 0 where there is none.
func known(x float64) float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return 0
	}
	return x
}

// provenanceFacts are what the page says of where a profile comes from.
func provenanceFacts(p *profile.Profile, m *calibrate.Measurement) [][2]string {
	var out [][2]string
	add := func(name, value string) {
		if value != "" {
			out = append(out, [2]string{name, value})
		}
	}
	v := &p.Provenance
	gpu := v.GPU
	if v.GPUCount > 1 {
		gpu = fmt.Sprintf("%d × %s", v.GPUCount, gpu)
	}
	add("GPU", gpu)
	add("MIG", v.MIG)
	add("Driver", v.Driver)
	add("CUDA", v.CUDA)
	add("Model", v.Model)
	add("Engine", v.Engine)
	add("Measured", m.Subject)
	add("Host", v.Host)
	add("Date", v.Date)
	add("Command", m.Command)
	add("Notes", v.Notes)
	if p.Server.Discipline != "" {
		add("Server", fmt.Sprintf("%s, %s at a time", p.Server.Discipline, count(p.Server.Slots, "request")))
	}
	if p.Energy != nil {
		add("Energy", fmt.Sprintf("%.3g J per batch and %.3g J per input; idle %.3g W",
			p.Energy.JoulesPerBatch,
			p.Energy.JoulesPerInput, p.Energy.IdleWatts))
	}
	return out
}

// samplesBy gathers the times of points by what varied.
func samplesBy(points []calibrate.Point, of func(*calibrate.Point) int) []report.Sample {
	times := map[int][]float64{}
	for i := range points {
		n := of(&points[i])
		times[n] = append(times[n], points[i].Times()...)
	}
	var out []report.Sample
	for _, n := range slices.Sorted(maps.Keys(times)) {
		if len(times[n]) > 0 {
			out = append(out, report.Sample{X: float64(n), Times: thin(times[n])})
		}
	}
	return out
}

// mostTimes bounds the measurements of one place that the page keeps; quantiles hardly move.
const mostTimes = 400

// thin keeps every n-th of the sorted times, so that no more than mostTimes are left, both ends among them.
func thin(times []float64) []float64 {
	slices.Sort(times)
	if len(times) <= mostTimes {
		return times
	}
	out := make([]float64, mostTimes)
	for i := range out {
		out[i] = times[i*(len(times)-1)/(mostTimes-1)]
	}
	return out
}

// batchFit is the time of a request over its inputs.
func batchFit(p *profile.Profile, m *calibrate.Measurement) (report.Fit, bool) {
	f := report.Fit{Name: "batch", XLabel: "inputs of a request", YLabel: "time of a request",
		Measured: samplesBy(m.Batches, func(p *calibrate.Point) int { return p.Batch })}
	if len(f.Measured) == 0 {
		return f, false
	}
	curve := p.Service.Batch
	if curve == nil {
		if p.Service.Time > 0 {
			f.Curve = [][2]float64{{1, p.Service.Time}}
			f.Formula = quantity.Format(quantity.Seconds, p.Service.Time)
		}
		return f, true
	}
	last := int(f.Measured[len(f.Measured)-1].X)
	for n := 1; n <= last; n++ {
		f.Curve = append(f.Curve, [2]float64{float64(n), curve.At(n)})
	}
	f.LogX = last >= 16
	if curve.PerInput > 0 {
		f.Formula = fmt.Sprintf("%s + %s × n (%s)", quantity.Format(quantity.Seconds, curve.Base),
			quantity.Format(quantity.Seconds, curve.PerInput), curve.Kind)
	} else {
		f.Formula = "a " + curve.Kind + " curve"
	}
	return f, true
}

// concurrencyFit is the time of a request over how many there are at a time.
func concurrencyFit(p *profile.Profile, m *calibrate.Measurement) (report.Fit, bool) {
	f := report.Fit{Name: "concurrency", XLabel: "requests at a time", YLabel: "latency at that many",
		Measured: samplesBy(m.Concurrency, func(p *calibrate.Point) int { return p.Concurrency })}
	for _, k := range p.Service.Concurrency {
		f.Curve = append(f.Curve, [2]float64{float64(k.N), k.T})
	}
	return f, len(f.Measured) > 0
}

// addWindows adds the windows of all points in the order of time, each against the median of its load, and
// what the GPU did in them.
func addWindows(c *report.Calibration, m *calibrate.Measurement) {
	for _, list := range [][]calibrate.Point{m.Batches, m.Concurrency} {
		for i := range list {
			point := &list[i]
			name := fmt.Sprintf("%s of %s", count(max(1, point.Concurrency), "request"),
				count(max(1, point.Batch), "input"))
			var paces []float64
			for _, w := range point.Windows {
				if w.Requests > 0 {
					paces = append(paces, w.Length/float64(w.Requests))
				}
			}
			slices.Sort(paces)
			for _, w := range point.Windows {
				if w.Requests == 0 || !w.Counts && w.Rejected == "" {
					continue
				}
				median := paces[len(paces)/2]
				c.Windows = append(c.Windows, report.Window{AtS: w.Start, Of: name, Accepted: w.Counts,
					Deviation: w.Length/float64(w.Requests)/median - 1, Why: w.Rejected})
				if g := w.GPU; g != nil {
					c.Device = append(c.Device, report.Device{FromS: w.Start, ToS: w.Start + w.Length,
						ClockMHz: g.SMClockMHz, PowerW: g.PowerWatts,
						Throttled: math.Max(g.Hard, g.Thermal) > 0})
				}
			}
		}
	}
	slices.SortStableFunc(c.Windows, func(a, b report.Window) int { return order(a.AtS, b.AtS) })
	slices.SortStableFunc(c.Device, func(a, b report.Device) int { return order(a.FromS, b.FromS) })
}

func order(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
