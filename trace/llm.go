package trace

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/simcap/simcap/sim"
)

const maxSessions = 1 << 20 // sessions whose last request is remembered

// openMooncake reads Mooncake's lines and AIPerf's extension of them, in which the later turns of a
// session come a delay after the one before. The files do not tell how long a turn takes, so the delay
// counts from the arrival of the turn before; a first turn without a timestamp comes at 0.
func openMooncake(in *input, o *Options, r *Report) (parser, error) {
	p, err := newObjects(in, o, r, []column{
		{name: "timestamp", role: roleTime, unit: o.unit(unitMS)},
		{name: "delay", role: roleDelay, unit: unitMS}, {name: "session_id", role: roleSession},
		{name: "input_length", role: rolePrompt}, {name: "output_length", role: roleOutput}})
	if err != nil {
		return nil, err
	}
	last := map[string]int64{}
	c := p.cells
	said := false
	p.after = func(rec *record) string {
		if !c.has[roleTime] && c.has[roleSession] {
			if c.has[roleDelay] && !said {
				said = true
				r.note("a delay counts from the arrival of the session's turn before: the file does not " +
					"say how long a turn takes")
			}
			before, known := last[c.session]
			if !known && c.has[roleDelay] {
				return "a delay without an earlier turn of its session"
			}
			c.start, c.has[roleTime] = before+c.delay, true
			if !c.has[roleDelay] {
				c.start = before
			}
		}
		what := c.record(rec)
		if what == "" && c.has[roleSession] && (len(last) < maxSessions || last[c.session] != 0) {
			last[c.session] = rec.at
		}
		return what
	}
	return p, nil
}

// openAIPerf reads AIPerf's profile_export.jsonl: one finished request a line.
func openAIPerf(in *input, o *Options, r *Report) (parser, error) {
	return newObjects(in, o, r, []column{
		{name: "metadata.request_start_ns", role: roleTime, unit: unitNS},
		{name: "metadata.request_end_ns", role: roleEnd, unit: unitNS},
		{name: "metadata.was_cancelled", role: roleFailure},
		{name: "error", role: roleFailure}, {name: "error.message", role: roleFailure},
		{name: "metrics.request_latency.value", role: roleDuration, unit: unitMS},
		{name: "metrics.input_sequence_length.value", role: rolePrompt},
		{name: "metrics.output_sequence_length.value", role: roleOutput}})
}

// openNginxJSON reads access logs as JSON lines with nginx's variables as keys. They are written when
// the request ends: at msec, or at the coarser time_iso8601 or time_local.
func openNginxJSON(in *input, o *Options, r *Report) (parser, error) {
	text, err := in.peek()
	if err != nil {
		return nil, err
	}
	have := map[string]bool{}
	for _, name := range keys(text) {
		have[name] = true
	}
	layout := []column{{name: "request_time", role: roleDuration, unit: unitS},
		{name: "upstream_response_time", role: roleDemand, unit: unitS},
		{name: "status", role: roleStatus}}
	for _, name := range []string{"msec", "time_iso8601", "time", "time_local", "@timestamp",
		"timestamp"} {
		if have[name] {
			layout = append(layout, column{name: name, role: roleEnd, unit: o.unit(unitUnknown)})
			break
		}
	}
	for _, name := range []string{"uri", "path", "request_uri", "request"} {
		if have[name] {
			layout = append(layout, column{name: name, role: roleFunction})
			break
		}
	}
	p, err := newObjects(in, o, r, layout)
	if err != nil {
		return nil, err
	}
	c := p.cells
	p.after = func(rec *record) string {
		c.name = c.intern(requestPath([]byte(c.name)))
		return c.record(rec)
	}
	return p, nil
}

// sniffNginxJSON: a line with a request time and a status.
func sniffNginxJSON(h *head) bool {
	return hasKeys("request_time", "status")(h) && !hasKeys("input_length")(h)
}

// openK6JSON reads k6's JSON output; see openK6CSV.
func openK6JSON(in *input, o *Options, r *Report) (parser, error) {
	text, err := in.peek()
	if err != nil {
		return nil, err
	}
	layout := []column{{name: "type", role: roleOnly, want: "Point"},
		{name: "metric", role: roleOnly, want: "http_reqs"},
		{name: "data.time", role: roleEnd, unit: unitUnknown}, {name: "data.value"},
		{name: "data.tags.error", role: roleFailure},
		{name: "data.tags.name", role: roleFunction}, {name: "data.tags.status", role: roleStatus}}
	if hasMetric(text, "http_req_duration") {
		layout[1].want = "http_req_duration"
		layout[3] = column{name: "data.value", role: roleDuration, unit: unitMS}
	}
	return newObjects(in, o, r, layout)
}

// hasMetric says whether a file of k6 begins with points of a metric.
func hasMetric(text []byte, metric string) bool {
	h := newHead(text)
	for _, line := range h.lines {
		var v struct{ Metric string }
		if json.Unmarshal(line, &v) == nil && v.Metric == metric {
			return true
		}
	}
	return false
}

// weka reads GuideLLM's replay files: one conversation a line, whose requests have times since the
// conversation's start. When conversations start is not in the file: all start at 0.
type weka struct {
	in       *input
	requests []wekaRequest
	at       int
}

type wekaRequest struct {
	T   json.Number
	In  *float64
	Out *float64
}

func openWeka(in *input, _ *Options, r *Report) (parser, error) {
	r.note("times are relative to each conversation's start, and all conversations start at 0")
	return &weka{in: in}, nil
}

func (w *weka) next(rec *record) error {
	for w.at == len(w.requests) {
		line, err := w.in.next()
		if err != nil {
			return err
		}
		var v struct{ Requests []wekaRequest }
		if err := json.Unmarshal(line, &v); err != nil {
			return newBad(w.in.line, line, "not a conversation: %v", err)
		}
		w.requests, w.at = v.Requests, 0
	}
	q := w.requests[w.at]
	w.at++
	at, ok := scaled([]byte(q.T), unitS)
	if !ok {
		return newBad(w.in.line, []byte(q.T), "request %d has no time t in seconds", w.at)
	}
	rec.at, rec.line = at, w.in.line
	if q.In != nil {
		rec.prompt = *q.In
	}
	if q.Out != nil {
		rec.output = *q.Out
	}
	return nil
}

// bench holds the requests of a result of `vllm bench serve`, which has no arrival times: they are
// drawn as the benchmark draws them, a Poisson process of its request rate.
type bench struct {
	Rate   json.RawMessage `json:"request_rate"`
	Input  []float64       `json:"input_lens"`
	Output []float64       `json:"output_lens"`
	TTFT   []float64       `json:"ttfts"`
	ITL    [][]float64     `json:"itls"`
	Errors []string        `json:"errors"`

	rate float64 // per second; 0: all at once
	n    int
	at   float64 // ns
	gaps sim.Stream
}

func openBench(in *input, o *Options, r *Report) (parser, error) {
	b := &bench{gaps: sim.NewStream(o.Seed, 0, "trace", "bench")}
	if err := json.NewDecoder(in.r).Decode(b); err != nil {
		return nil, documentError(err)
	}
	if len(b.Input) == 0 {
		return nil, errors.New("a vLLM result without input_lens: run the benchmark with " +
			"--save-detailed")
	}
	rate, ok := float(b.Rate)
	switch {
	case ok && rate > 0 && !math.IsInf(rate, 0):
		b.rate = rate
		r.warn(fmt.Sprintf("the file has no arrival times: they are drawn as a Poisson process of its "+
			"request_rate, %s/s", short(rate)))
	default:
		r.warn("the file has no arrival times and no finite request_rate: all requests arrive at 0")
	}
	return b, nil
}

func (b *bench) next(rec *record) error {
	i := b.n
	if i == len(b.Input) {
		return io.EOF
	}
	if i > 0 && b.rate > 0 {
		luck := b.gaps.At(uint64(i))
		b.at -= math.Log(luck.Open()) / b.rate * float64(nsPerSecond)
	}
	b.n++
	rec.at, rec.line, rec.prompt = int64(b.at), int64(i+1), b.Input[i]
	if i < len(b.Output) {
		rec.output = b.Output[i]
	}
	if i < len(b.TTFT) && i < len(b.ITL) {
		s := b.TTFT[i]
		for _, gap := range b.ITL[i] {
			s += gap
		}
		rec.demand = math.Round(s * float64(nsPerSecond))
	}
	rec.failed = i < len(b.Errors) && b.Errors[i] != ""
	return nil
}

// openServeGen reads a client file of ServeGen: per window of 600 s the rate, the variation of the
// gaps, and the family, shape and scale (seconds) that fit them.
func openServeGen(in *input, _ *Options, r *Report) (parser, error) {
	r.Step = 600 * sim.Second
	return &serveGen{in: in}, nil
}

// serveGen reads the lines of a client.
type serveGen struct{ in *input }

func sniffServeGen(h *head) bool {
	cells := splitHeader(h.first(), ',')
	if len(cells) != 6 {
		return false
	}
	if family := cells[3]; family != "Gamma" && family != "Weibull" && family != "" {
		return false
	}
	for _, i := range []int{0, 1, 2, 4, 5} {
		if _, ok := amount([]byte(cells[i])); !ok {
			return false
		}
	}
	return true
}

func (s *serveGen) next(rec *record) error {
	line, err := s.in.next()
	if err != nil {
		return err
	}
	rec.line = s.in.line
	cells := splitHeader(line, ',')
	if len(cells) != 6 {
		return newBad(s.in.line, line, "%d cells, expected window_start, rate, cv, family, shape, scale",
			len(cells))
	}
	at, ok := scaled([]byte(cells[0]), unitS)
	rate, ok1 := amount([]byte(cells[1]))
	shape, ok2 := amount([]byte(cells[4]))
	scale, ok3 := amount([]byte(cells[5]))
	if !(ok && ok1 && ok2 && ok3) {
		return newBad(s.in.line, line, "a cell that should be a number is none")
	}
	rec.at, rec.length = at, 600*nsPerSecond
	rec.count = rate * 600
	rec.poisson = true
	if rate == 0 {
		return nil
	}
	switch cells[3] {
	case "Gamma":
		rec.gaps = gapLaw{kind: gapGamma, shape: shape, scale: scale}
	case "Weibull":
		rec.gaps = gapLaw{kind: gapWeibull, shape: shape, scale: scale}
	case "":
	default:
		return newBad(s.in.line, line, "unknown family %q, expected Gamma or Weibull", cells[3])
	}
	if rec.gaps.kind != gapUniform && !rec.gaps.possible() {
		return newBad(s.in.line, line, "a shape from %g to %g and a scale from %g to %g s are expected",
			leastShape, mostShape, leastScale, mostScale)
	}
	return nil
}

func sniffMooncake(h *head) bool {
	return hasKeys("output_length")(h) && (hasKeys("input_length")(h) || hasKeys("text_input")(h))
}

func sniffBench(h *head) bool {
	return h.json() && bytes.Contains(h.text, []byte(`"request_throughput"`)) &&
		bytes.Contains(h.text, []byte(`"request_rate"`))
}

func sniffK6JSON(h *head) bool {
	first := h.first()
	return h.json() && bytes.Contains(first, []byte(`"metric"`)) &&
		(bytes.Contains(first, []byte(`"Metric"`)) || bytes.Contains(first, []byte(`"Point"`)))
}
