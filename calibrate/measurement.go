// Package calibrate measures a server, or a GPU, and makes a profile of it that scenarios use. This
// file says what a measurement is; how it comes about is up to who measures.
package calibrate

import (
	"encoding/json"
	"io"

	"github.com/simcap/simcap/calibrate/gpu"
	"github.com/simcap/simcap/calibrate/load"
	"github.com/simcap/simcap/calibrate/steady"
	"github.com/simcap/simcap/calibrate/telemetry"
)

// Measurement is all that was measured, as the file of samples keeps it. Times in seconds. Every list
// may be empty: an interrupted measurement has what was finished.
type Measurement struct {
	Version     int              `json:"simcap_samples"` // 1
	Kind        string           `json:"kind"`           // http, exec, worker, gpu
	Command     string           `json:"command"`        // that measured
	Subject     string           `json:"subject"`        // what was measured
	Date        string           `json:"date"`
	Host        string           `json:"host"`
	Simcap      string           `json:"simcap"`
	GPU         *telemetry.Info  `json:"gpu,omitempty"`
	Synthetic   bool             `json:"synthetic,omitempty"` // a fake GPU, or a recording
	Fingerprint *gpu.Fingerprint `json:"fingerprint,omitempty"`
	Idle        *telemetry.Stats `json:"idle,omitempty"` // the GPU with the server ready and no work
	ColdStarts  []ColdStart      `json:"cold_starts,omitempty"`
	Null        *Point           `json:"null,omitempty"` // requests without work: the floor of the interface
	Batches     []Point          `json:"batches,omitempty"`
	Concurrency []Point          `json:"concurrency,omitempty"` // of requests of one input
	Prompts     []Point          `json:"prompts,omitempty"`     // lone requests with prompts of several lengths
	Bursts      []Burst          `json:"bursts,omitempty"`
	Stagger     []Stagger        `json:"stagger,omitempty"`
	Open        []Point          `json:"open,omitempty"`        // never used by the fit: they test it
	LargestFit  int              `json:"largest_fit,omitempty"` // batch, where a larger one ran out of memory
	Warnings    []string         `json:"warnings,omitempty"`
}

// Point is a server under one load.
type Point struct {
	Run         int           `json:"run"` // of the whole series, from 1
	Batch       int           `json:"batch"`
	Concurrency int           `json:"concurrency,omitempty"` // of a closed loop
	RatePerS    float64       `json:"rate_per_s,omitempty"`  // of an open loop
	Windows     []Window      `json:"windows,omitempty"`
	Records     []load.Record `json:"records"` // of the windows that count
	State       steady.State  `json:"state,omitempty"`
	Why         string        `json:"why,omitempty"`
	Saturated   bool          `json:"saturated,omitempty"`
	Late        float64       `json:"late,omitempty"` // share of an open loop that was sent late
}

// Window is a stretch of a point.
type Window struct {
	Start    float64          `json:"start"`
	Length   float64          `json:"length"`
	Requests int              `json:"requests"`
	Failed   int              `json:"failed,omitempty"`
	Rejected string           `json:"rejected,omitempty"` // why it does not count
	Counts   bool             `json:"counts,omitempty"`   // it is one of those that agree
	GPU      *telemetry.Stats `json:"gpu,omitempty"`
}

// ColdStart is one start of the server, from its process to its first answers.
type ColdStart struct {
	Warm         bool        `json:"warm,omitempty"` // caches were left from a start before
	Stages       []StageTime `json:"stages"`
	Ready        float64     `json:"ready"` // from the start of the process
	FirstRequest float64     `json:"first_request"`
	WarmRequest  float64     `json:"warm_request"` // median of those after it
	Attributed   bool        `json:"attributed"`   // the GPU's memory was seen to be the server's
	ReadyMiB     float64     `json:"ready_mib,omitempty"`
	PeakMiB      float64     `json:"peak_mib,omitempty"`
}

// StageTime is one stage with how sure its end is.
type StageTime struct {
	Name    string  `json:"name"`
	Seconds float64 `json:"seconds"`
	Within  float64 `json:"within,omitempty"` // the interval between two samples
}

// Burst is requests sent at once.
type Burst struct {
	Count   int       `json:"count"`
	Answers []float64 `json:"answers"` // sorted, since they were sent
}

// Stagger is a request, and another one sent while it is served.
type Stagger struct {
	Delay  float64 `json:"delay"`
	First  float64 `json:"first"`
	Second float64 `json:"second"`
}

// Times are the service times of the point's good requests, in the order in which they ended: by the
// server's own clock where it tells.
func (p *Point) Times() []float64 {
	var out []float64
	for i := range p.Records {
		r := &p.Records[i]
		switch {
		case r.Err != "":
		case r.Server > 0:
			out = append(out, r.Server)
		default:
			out = append(out, r.Service())
		}
	}
	return out
}

// Latencies are from the intended instants of the point's good requests.
func (p *Point) Latencies() []float64 {
	var out []float64
	for i := range p.Records {
		if p.Records[i].Err == "" {
			out = append(out, p.Records[i].Latency())
		}
	}
	return out
}

// Throughput is good requests per second over the windows that count.
func (p *Point) Throughput() float64 {
	requests, length := 0, 0.0
	for _, w := range p.Windows {
		if w.Counts {
			requests, length = requests+w.Requests, length+w.Length
		}
	}
	if length == 0 {
		return 0
	}
	return float64(requests) / length
}

// energy is joules per request over the windows that count; 0 where it was not measured.
func (p *Point) energy() float64 {
	requests, joules := 0, 0.0
	for _, w := range p.Windows {
		if w.Counts && w.GPU != nil && w.GPU.EnergyJ > 0 {
			requests, joules = requests+w.Requests, joules+w.GPU.EnergyJ
		}
	}
	if requests == 0 {
		return 0
	}
	return joules / float64(requests)
}

// Write writes the file of samples.
func (m *Measurement) Write(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	return e.Encode(m)
}

// Read reads a file of samples.
func Read(r io.Reader) (*Measurement, error) {
	m := &Measurement{}
	if err := json.NewDecoder(r).Decode(m); err != nil {
		return nil, err
	}
	return m, nil
}
