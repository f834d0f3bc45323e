package scenarios

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/simcap/simcap/model/workload"
	"github.com/simcap/simcap/trace"
)

// traceFile is what a first reading of a trace found out.
type traceFile struct {
	rows int64
	err  error
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
	file := tracePath{name: t.File, open: r.opener(t.File),
		options: trace.Options{Format: t.Format}}
	known := r.doc.traceFile(file)
	switch {
	case known.err != nil:
		r.fail(at, path+".file", "", "%s", strings.TrimPrefix(known.err.Error(), "trace: "))
	case known.rows == 0:
		r.fail(at, path+".file", "", "%s has no arrivals", t.File)
	}
	t.Open = func() (workload.Source, error) { return file.source() }
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
	key := file.options.Format + "\x00" + file.name
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
}

// source opens the file from its beginning.
func (p tracePath) source() (*traceSource, error) {
	f, err := p.open()
	if err != nil {
		return nil, fmt.Errorf("%s: %s", p.name, readable(err))
	}
	reader, err := trace.NewReader(f, p.name, p.options)
	if err != nil {
		f.Close()
		return nil, err
	}
	return &traceSource{file: f, reader: reader}, nil
}

// read reads the file from end to end, to count its rows and find what is wrong with them.
func (p tracePath) read() *traceFile {
	s, err := p.source()
	if err != nil {
		return &traceFile{err: err}
	}
	defer s.close()
	var row trace.Row
	found := &traceFile{}
	for {
		ok, err := s.reader.Next(&row)
		if err != nil || !ok {
			found.err = err
			return found
		}
		found.rows++
	}
}

// traceSource replays a trace's rows as arrivals.
type traceSource struct {
	file   io.Closer
	reader *trace.Reader // nil: at the end
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
