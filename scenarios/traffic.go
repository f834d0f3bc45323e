package scenarios

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/model/dist"
	"github.com/simcap/simcap/model/workload"
	"github.com/simcap/simcap/sim"
	"github.com/simcap/simcap/trace"
)

// traceFile is what a first reading of a trace found out.
type traceFile struct {
	rows     int64
	demands  bool // its rows have durations
	prompts  bool // all of them say how many tokens their prompt has
	outputs  bool // and their output
	unsorted bool // it has to be sorted as a whole
	warnings []string
	err      error
}

// trace checks a trace by reading it once from end to end, and sets how a run opens it.
func (r *reader) trace(t *workload.Trace, path string) {
	at := r.spots[path+".file"].value
	if t.Format != "auto" && !contains(traceFormats(), t.Format) {
		n := r.spots[path+".format"].value
		r.fail(n, path+".format", choose(t.Format, traceFormats()), "there is no trace format %q",
			t.Format)
		return
	}
	file := tracePath{name: t.File, open: r.opener(t.File), take: t.Take}
	if !r.traceOptions(t, path, &file.options) {
		return
	}
	known := r.doc.traceFile(file)
	file.options.Sort = known.unsorted
	switch {
	case known.err != nil:
		r.fail(at, path+".file", "", "%s", strings.TrimPrefix(known.err.Error(), "trace: "))
	case known.rows == 0 && len(t.Only) > 0:
		r.fail(at, path+".file", "", "%s has no arrivals that meet the conditions", t.File)
	case known.rows == 0:
		r.fail(at, path+".file", "", "%s has no arrivals", t.File)
	default:
		for _, w := range known.warnings {
			r.warnOnce(at, path+".file", "", t.File+": "+w)
		}
	}
	if known.demands && slices.Contains(t.Take, "demand") && r.spots[path+".take"].value == nil {
		r.warnOnce(at, path+".file", "write take: [demand] to keep them, or leave demand out of take to "+
			"use the function's service", "the rows of "+t.File+" have measured durations, which are taken "+
			"as service times")
	}
	r.tokens[strings.TrimSuffix(path, ".arrivals")] = [2]bool{known.prompts, known.outputs}
	t.Open = func(seed uint64) (workload.Source, error) { return file.source(seed) }
}

// warnOnce adds a warning unless it stands there already: several workloads may replay one file.
func (r *reader) warnOnce(n *yaml.Node, path, help, message string) {
	for i := range r.found {
		if r.found[i].Message == message {
			return
		}
	}
	r.add(Warning, n, path, help, "%s", message)
}

// traceOptions are the options of reading a trace; false if one of them is wrong.
func (r *reader) traceOptions(t *workload.Trace, path string, o *trace.Options) bool {
	*o = trace.Options{Format: t.Format, Columns: t.Columns, Step: t.Step, Ties: trace.Ties(t.Ties),
		From: t.From, To: t.To, Truncated: t.Truncated}
	if t.TimeUnit != "auto" {
		o.TimeUnit = t.TimeUnit
	}
	if t.Fold != "none" {
		o.Fold = trace.Fold(t.Fold)
	}
	for i, text := range t.Only {
		c, err := trace.ParseCondition(text)
		if err != nil {
			at := element(path+".only", i)
			r.fail(r.spots[at].value, at, "", "%v", err)
			return false
		}
		o.Only = append(o.Only, c)
	}
	if err := o.Check(); err != nil {
		r.fail(r.spots[path+".file"].value, path, "", "%v", err)
		return false
	}
	return true
}

func traceFormats() []string {
	formats := trace.Formats()
	names := make([]string, 0, len(formats)+1)
	names = append(names, "auto")
	for _, f := range formats {
		names = append(names, f.Name)
	}
	return names
}

// relative is a path of the scenario as seen from here: relative paths begin at the scenario's
// folder.
func (r *reader) relative(path string) string {
	if filepath.IsAbs(path) || r.opts.Folder == "" {
		return path
	}
	return filepath.Join(r.opts.Folder, path)
}

// open opens a file that the scenario names.
func (r *reader) open(path string) (io.ReadCloser, error) { return r.opener(path)() }

// opener opens it whenever it is called, also when the reader is gone.
func (r *reader) opener(path string) func() (io.ReadCloser, error) {
	if open := r.opts.Open; open != nil {
		return func() (io.ReadCloser, error) { return open(path) }
	}
	path = r.relative(path)
	return func() (io.ReadCloser, error) { return os.Open(path) }
}

// traceFile reads a trace at the first call for it.
func (d *Document) traceFile(file tracePath) *traceFile {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	// Maps print in the order of their keys.
	key := fmt.Sprintf("%q %q %+v", file.name, file.take, file.options)
	if d.traces[key] == nil {
		d.traces[key] = file.read()
	}
	return d.traces[key]
}

// tracePath is a trace file and how to read it.
type tracePath struct {
	name    string
	open    func() (io.ReadCloser, error)
	options trace.Options
	take    []string
}

// source opens the file from its beginning.
func (p tracePath) source(seed uint64) (*traceSource, error) {
	f, err := p.open()
	if err != nil {
		return nil, fmt.Errorf("%s: %s", p.name, readable(err))
	}
	p.options.Seed = seed
	reader, err := trace.NewReader(f, p.name, p.options)
	if err != nil {
		f.Close()
		return nil, err
	}
	s := &traceSource{file: f, reader: reader}
	for i, what := range workload.Taken() {
		s.take[i] = slices.Contains(p.take, what)
	}
	return s, nil
}

// read reads the file from end to end, to count its rows and find what is wrong with them. A file
// that is far out of order is read again, sorted.
func (p tracePath) read() *traceFile {
	found := p.once()
	if errors.Is(found.err, trace.ErrUnsorted) {
		p.options.Sort = true
		found = p.once()
		found.unsorted = true
	}
	return found
}

func (p tracePath) once() *traceFile {
	s, err := p.source(0)
	if err != nil {
		return &traceFile{err: err}
	}
	defer s.close()
	var row trace.Row
	found := &traceFile{prompts: p.takes("prompt_tokens"), outputs: p.takes("output_tokens")}
	for {
		ok, err := s.reader.Next(&row)
		if err != nil {
			found.err = err
			return found
		}
		if !ok {
			found.warnings = s.reader.Report().Warnings
			return found
		}
		found.demands = found.demands || !math.IsNaN(row.Demand)
		found.prompts = found.prompts && !math.IsNaN(row.Prompt)
		found.outputs = found.outputs && !math.IsNaN(row.Output)
		found.rows++
	}
}

// takes says whether what rows say of the thing is taken.
func (p tracePath) takes(what string) bool { return slices.Contains(p.take, what) }

// checkTokens refuses workloads of LLM functions that do not know their tokens: neither they nor all rows
// of their trace.
func (r *reader) checkTokens(s *experiment.Scenario) {
	engines := map[string]bool{}
	for i := range s.Model.Functions {
		engines[s.Model.Functions[i].Name] = s.Model.Functions[i].Service.LLM != nil
	}
	for i := range s.Model.Workloads {
		w, at := &s.Model.Workloads[i], element("workloads", i)
		t, traced := w.Arrivals.Kind.(workload.Trace)
		if !engines[w.Function] || !traced || r.misread(r.named(at)+".arrivals") {
			continue
		}
		for k, key := range []string{"prompt_tokens", "output_tokens"} {
			if []dist.Dist{w.PromptTokens, w.OutputTokens}[k] != nil || r.tokens[at][k] {
				continue
			}
			help := "give the workload " + key + ": a number or a distribution"
			r.fail(r.spots[at+".arrivals"].key, at+"."+key, help, "function %s has an LLM engine, and not "+
				"every row of %s says the %s", w.Function, t.File, key)
		}
	}
}

// traceSource replays a trace's rows as arrivals.
type traceSource struct {
	file   io.Closer
	reader *trace.Reader // nil: at the end
	take   [4]bool       // which of workload.Taken
	row    trace.Row
	err    error
}

func (s *traceSource) close() {
	s.reader.Close()
	s.file.Close()
	s.reader = nil
}

// Next yields the next arrival; at the end, or at an error, which Err tells, the file is closed.
func (s *traceSource) Next(a *workload.Arrival) bool {
	if s.reader == nil {
		return false
	}
	ok, err := s.reader.Next(&s.row)
	if !ok {
		s.err = err
		s.close()
		return false
	}
	*a = workload.Arrival{At: s.row.At, Size: s.row.Size, Demand: s.row.Demand,
		Prompt: s.row.Prompt, Output: s.row.Output}
	for i, value := range [...]*float64{&a.Size, &a.Demand, &a.Prompt, &a.Output} {
		if !s.take[i] {
			*value = math.NaN()
		}
	}
	return true
}

// Close closes the file of a source that is not read to its end.
func (s *traceSource) Close() error {
	if s.reader != nil {
		s.close()
	}
	return nil
}

// Err is why the file could not be read to its end; nil if it could.
func (s *traceSource) Err() error { return s.err }

// ParseTime reads a time as scenarios write it: a number of seconds, or 250ms, 90s, 1h30m, 7d.
func ParseTime(text string) (sim.Time, error) {
	var t sim.Time
	x, err := duration(text)
	if err == nil {
		s, _ := quantity("time")
		err = s.store(x, text, reflect.ValueOf(&t).Elem())
	}
	var q quantityError
	if errors.As(err, &q) && q.help != "" {
		return 0, fmt.Errorf("%w: %s", err, q.help)
	}
	return t, err
}
