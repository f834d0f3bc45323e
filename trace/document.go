package trace

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"sort"
	"strings"

	"github.com/simcap/simcap/sim"
)

// documentError explains an error of a JSON document.
func documentError(err error) error {
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the JSON document ends early: the file is truncated")
	}
	return fmt.Errorf("not the expected JSON document: %w", err)
}

// endOfDocument reads to the end of a document of which so many lists and objects are open and whose
// last element has been read: io.EOF if it is whole.
func endOfDocument(d *json.Decoder, open int) error {
	for {
		t, err := d.Token()
		switch {
		case err == io.EOF && open == 0:
			return io.EOF
		case err != nil:
			return documentError(err)
		case t == json.Delim('{'), t == json.Delim('['):
			open++
		case t == json.Delim('}'), t == json.Delim(']'):
			open--
		}
	}
}

// enter goes into the value of a path of keys, passing over what stands before.
func enter(d *json.Decoder, path ...string) error {
	for _, want := range path {
		if t, err := d.Token(); err != nil {
			return documentError(err)
		} else if t != json.Delim('{') {
			return fmt.Errorf("no %s in the JSON document", want)
		}
		if err := seek(d, want); err != nil {
			return err
		}
	}
	t, err := d.Token()
	if err != nil {
		return documentError(err)
	}
	if t != json.Delim('[') {
		return fmt.Errorf("%s is not a list", strings.Join(path, "."))
	}
	return nil
}

// seek passes over an object's members up to the key.
func seek(d *json.Decoder, key string) error {
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return documentError(err)
		}
		if t == key {
			return nil
		}
		if err := pass(d); err != nil {
			return err
		}
	}
	return fmt.Errorf("no %s in the JSON document", key)
}

// pass passes over one value.
func pass(d *json.Decoder) error {
	for depth := 0; ; {
		t, err := d.Token()
		if err != nil {
			return documentError(err)
		}
		switch t {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}

// series reads documents that hold several series one after the other.
type series struct {
	d      *json.Decoder
	report *Report
	step   int64 // forced; 0: found for each series
	name   string
	points []point
	rate   bool // values are requests per second, else requests per step
	length int64
	at     int
	number int64
	load   func(s *series) error // reads the next series; io.EOF after the last
}

// point is one value of a series.
type point struct {
	at    int64
	value float64 // NaN: a gap
}

const maxPoints = 1 << 22 // of one series; monitoring systems hand out thousands

// next hands out the points of one series after the other.
func (s *series) next(rec *record) error {
	for s.at == len(s.points) {
		s.points, s.at = s.points[:0], 0
		if err := s.load(s); err != nil {
			return err
		}
		if len(s.points) > maxPoints {
			return fmt.Errorf("series %q has more than %d points", s.name, maxPoints)
		}
		s.settle()
	}
	p := s.points[s.at]
	s.at++
	s.number++
	rec.at, rec.length, rec.line, rec.function = p.at, s.length, s.number, s.name
	rec.count = 0
	if p.value > 0 && !math.IsInf(p.value, 0) {
		rec.count = p.value
	}
	if s.rate {
		rec.count *= float64(s.length) / float64(nsPerSecond)
	}
	rec.poisson = s.rate || rec.count != math.Trunc(rec.count)
	return nil
}

// settle sorts a series and finds its step: the most frequent gap between its points.
func (s *series) settle() {
	sort.SliceStable(s.points, func(i, j int) bool { return s.points[i].at < s.points[j].at })
	s.length = s.step
	if s.length == 0 {
		var gaps []int64
		for i := 1; i < len(s.points); i++ {
			if gap := s.points[i].at - s.points[i-1].at; gap > 0 {
				gaps = append(gaps, gap)
			}
		}
		s.length = usual(gaps)
	}
	if s.length == 0 {
		s.length = int64(sim.Minute)
		if len(s.points) > 0 {
			s.report.warn("one bucket does not tell its length: taken for 60 s, set the step to " +
				"change it")
		}
	}
	s.report.Dated = true
	s.report.Step = sim.Time(s.length)
}

// openPrometheus reads the result of a range query. Series of raw counters (they have a __name__ and
// never fall but when they start again) are requests per step; others are rates per second.
func openPrometheus(in *input, o *Options, r *Report) (parser, error) {
	s := &series{d: json.NewDecoder(in.r), report: r, step: int64(o.Step), load: loadPrometheus}
	return s, enter(s.d, "data", "result")
}

func loadPrometheus(s *series) error {
	if !s.d.More() {
		return endOfDocument(s.d, 3)
	}
	var v struct {
		Metric map[string]string
		Values [][2]json.RawMessage
		Value  json.RawMessage
	}
	if err := s.d.Decode(&v); err != nil {
		return documentError(err)
	}
	if v.Value != nil {
		return errors.New("the result of an instant query has one value; export a range query")
	}
	s.name, s.rate = seriesName(v.Metric), true
	for i, pair := range v.Values {
		at, ok := scaled(pair[0], unitS)
		var text string
		if !ok || json.Unmarshal(pair[1], &text) != nil {
			return fmt.Errorf("value %d of series %q is not a pair of time and text", i+1, s.name)
		}
		value, ok := float([]byte(text))
		if !ok {
			return fmt.Errorf("value %d of series %q is %q, not a number", i+1, s.name, text)
		}
		s.points = append(s.points, point{at, value})
	}
	if name := v.Metric["__name__"]; name != "" && counts(name, s.points) {
		s.increments()
		s.rate = false
		s.report.note(fmt.Sprintf("series %s of %s is a counter: its increases are read as requests",
			s.name, name))
	} else {
		s.report.note(fmt.Sprintf("series %s is read as requests per second", s.name))
		if name != "" {
			s.report.warn(fmt.Sprintf("series %s is the metric %s as it is, and no counter: if its "+
				"values are "+
				"not requests per second, export rate() or increase() of a counter", s.name, name))
		}
	}
	return nil
}

// counts says whether a raw series is a counter: by its name, or because it seldom falls and has
// nothing but whole numbers.
func counts(name string, points []point) bool {
	if strings.HasSuffix(name, "_total") || strings.HasSuffix(name, "_count") ||
		strings.Contains(name, "total_inputs") {
		return true
	}
	falls := 0
	for i := range points {
		if points[i].value != math.Trunc(points[i].value) {
			return false
		}
		if i > 0 && points[i].value < points[i-1].value {
			falls++
		}
	}
	return len(points) >= 10 && falls*10 < len(points)
}

// increments turns the values of a counter into its increases, each at the start of its interval. A
// counter that falls has started again from 0; over a gap the increase counts for the step before the
// value that follows it.
func (s *series) increments() {
	last := math.NaN()
	n := 0
	for i, p := range s.points {
		if math.IsNaN(p.value) || math.IsInf(p.value, 0) {
			continue
		}
		if !math.IsNaN(last) {
			rise := p.value - last
			if rise < 0 {
				rise = p.value
			}
			s.points[n] = point{s.points[i-1].at, rise}
			n++
		}
		last = p.value
	}
	s.points = s.points[:n]
}

// seriesName is the label that names a function, or all labels.
func seriesName(labels map[string]string) string {
	for _, key := range []string{"function_name", "function", "handler", "endpoint", "route", "path",
		"model_name", "model", "app_name", "service", "job"} {
		if v := labels[key]; v != "" {
			return v
		}
	}
	var keys []string
	for key := range labels {
		if key != "__name__" {
			keys = append(keys, key)
		}
	}
	sort.Strings(keys)
	for i, key := range keys {
		keys[i] = key + "=" + labels[key]
	}
	return strings.Join(keys, ",")
}

// openCloudWatch reads the results of get-metric-data and get-metric-statistics: requests per period.
// Periods without requests are missing, points are in any order, and the period is not in the file.
func openCloudWatch(in *input, o *Options, r *Report) (parser, error) {
	text, err := in.peek()
	if err != nil {
		return nil, err
	}
	s := &series{d: json.NewDecoder(in.r), report: r, step: int64(o.Step)}
	if strings.Contains(string(text), `"MetricDataResults"`) {
		s.load = loadMetricData
		return s, enter(s.d, "MetricDataResults")
	}
	s.load = loadMetricStatistics
	return s, nil
}

func loadMetricData(s *series) error {
	if !s.d.More() {
		return endOfDocument(s.d, 2)
	}
	var v struct {
		ID, Label  string
		Timestamps []string
		Values     []float64
	}
	if err := s.d.Decode(&v); err != nil {
		return documentError(err)
	}
	if len(v.Timestamps) != len(v.Values) {
		return fmt.Errorf("result %q has %d timestamps and %d values", v.Label, len(v.Timestamps),
			len(v.Values))
	}
	s.name = v.Label
	for i, text := range v.Timestamps {
		if err := s.dated(text, v.Values[i]); err != nil {
			return err
		}
	}
	return nil
}

// dated adds a point whose time is a date or a number of seconds.
func (s *series) dated(text string, value float64) error {
	at, _, ok := int64(0), false, false
	if b := []byte(text); len(b) >= 10 && b[4] == '-' {
		at, _, ok = instant(b)
	} else {
		at, ok = scaled(b, unitS)
	}
	if !ok {
		return fmt.Errorf("timestamp %q of %s is not a time", text, s.name)
	}
	s.points = append(s.points, point{at, value})
	return nil
}

func loadMetricStatistics(s *series) error {
	var v struct {
		Label      string
		Datapoints []struct {
			Timestamp        string
			Sum, SampleCount *float64
		}
	}
	if err := s.d.Decode(&v); err == io.EOF {
		return io.EOF
	} else if err != nil {
		return documentError(err)
	}
	s.name = v.Label
	for _, p := range v.Datapoints {
		value := p.Sum
		if value == nil {
			value = p.SampleCount
		}
		if value == nil {
			return errors.New("datapoints have neither Sum nor SampleCount: ask for the statistic Sum")
		}
		if err := s.dated(p.Timestamp, *value); err != nil {
			return err
		}
	}
	return nil
}

// har reads the entries of an HTTP archive.
type har struct {
	d *json.Decoder
	n int64
}

func openHAR(in *input, _ *Options, r *Report) (parser, error) {
	h := &har{d: json.NewDecoder(in.r)}
	r.Dated = true
	return h, enter(h.d, "log", "entries")
}

func (h *har) next(rec *record) error {
	if !h.d.More() {
		return endOfDocument(h.d, 3)
	}
	var v struct {
		StartedDateTime string
		Time            float64
		Request         struct{ URL string }
		Response        struct{ Status int }
	}
	if err := h.d.Decode(&v); err != nil {
		return documentError(err)
	}
	h.n++
	at, _, ok := instant([]byte(v.StartedDateTime))
	if !ok {
		return newBad(h.n, []byte(v.StartedDateTime), "startedDateTime is not a time")
	}
	rec.at, rec.line, rec.status = at, h.n, int32(v.Response.Status)
	rec.function = string(pathOf([]byte(v.Request.URL)))
	rec.failed = v.Response.Status >= 400
	if v.Time >= 0 {
		rec.demand = math.Round(v.Time * float64(sim.Millisecond))
	}
	return nil
}

func sniffPrometheus(h *head) bool {
	return h.json() && bytes.Contains(h.text, []byte(`"resultType"`))
}

func sniffCloudWatch(h *head) bool {
	return h.json() && (bytes.Contains(h.text, []byte(`"MetricDataResults"`)) ||
		bytes.Contains(h.text, []byte(`"Datapoints"`)))
}

func sniffHAR(h *head) bool {
	return h.json() && bytes.Contains(h.text, []byte(`"log"`)) &&
		(bytes.Contains(h.text, []byte(`"entries"`)) || bytes.Contains(h.text, []byte(`"creator"`)))
}
