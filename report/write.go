package report

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/report/chart"
	"github.com/simcap/simcap/report/figure"
)

// Options say which pictures are written and how large.
type Options struct {
	Width, Height float64 // of pictures in pixels of 1/96 inch; 0: 800 × 460
	Scale         float64 // device pixels per pixel in PNG files; 0: 2
	SVG           bool    // an SVG file beside each PNG
	Dark          bool    // pictures on dark ground; the page follows its reader
	NoPictures    bool    // no PNG and SVG files
}

func (o Options) figure() figure.Options {
	return figure.Options{Width: o.Width, Height: o.Height, Scale: o.Scale, Dark: o.Dark}
}

// The limits of Options.Scale.
const (
	LeastScale = figure.MinScale
	MostScale  = figure.MaxScale
)

// Validate says which option is out of range.
func (o Options) Validate() error {
	_, err := o.figure().Complete()
	return err
}

// WriteRun writes what is to be seen of a run into a folder, which it makes if need be: results.json
// with all detail, report.html, and pictures. Files of the same names are replaced, each at once.
func WriteRun(dir string, r *experiment.Result, o Options) error {
	d := &drawing{HTML: func(w io.Writer) error { return HTML(w, r, o) }, Pictures: RunPictures(r)}
	return writeResult(dir, resultsFile, d, func() error {
		return writeFile(filepath.Join(dir, resultsFile), func(w io.Writer) error { return JSON(w, r, true) })
	}, o)
}

// writeResult writes data, page and pictures into a folder, which it makes if need be; the data are or
// include the file of the given name.
func writeResult(dir, file string, d *drawing, data func() error, o Options) error {
	if err := o.Validate(); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Clean(dir), 0o755); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	d.before = drawn(filepath.Join(dir, file))
	if err := data(); err != nil {
		return err
	}
	return draw(dir, d, o)
}

// resultsFile is the name of results in their folder, pageFile that of their page.
const (
	resultsFile = "results.json"
	pageFile    = "report.html"
)

// drawing is what there is to be seen of a result.
type drawing struct {
	HTML     func(io.Writer) error
	Pictures map[string]figure.Picture
	before   map[string]figure.Picture // of the results that stood in the folder
}

// drawn are the pictures of earlier results in a file; none when it holds no results.
func drawn(path string) map[string]figure.Picture {
	in, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer in.Close()
	d, err := readDrawing(in, Options{})
	if err != nil {
		return nil
	}
	return d.Pictures
}

// draw writes page and pictures, and removes those pictures of earlier results that these do not have: what
// lies in a folder is of one result.
func draw(dir string, d *drawing, o Options) error {
	if err := writeFile(filepath.Join(dir, pageFile), d.HTML); err != nil {
		return err
	}
	for name := range d.before {
		if _, still := d.Pictures[name]; !still || o.NoPictures {
			_ = os.Remove(filepath.Join(dir, name+".png"))
		}
		if _, still := d.Pictures[name]; !still || o.NoPictures || !o.SVG {
			_ = os.Remove(filepath.Join(dir, name+".svg"))
		}
	}
	if o.NoPictures {
		return nil
	}
	return writePictures(dir, d.Pictures, o)
}

// UnreadableError says that what was to be drawn are no results of simcap.
type UnreadableError struct{ Err error }

func (e *UnreadableError) Error() string { return strings.TrimPrefix(e.Err.Error(), "report: ") }

func (e *UnreadableError) Unwrap() error { return e.Err }

// Redraw reads results, as a command wrote them, and draws their page and pictures into a folder, which it
// makes if need be; it returns the page's path. What cannot be read is an UnreadableError.
func Redraw(dir string, results io.Reader, o Options) (string, error) {
	if err := o.Validate(); err != nil {
		return "", err
	}
	d, err := readDrawing(results, o)
	if err != nil {
		return "", &UnreadableError{err}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("report: %w", err)
	}
	return filepath.Join(dir, pageFile), draw(dir, d, o)
}

// readDrawing reads results of any kind.
func readDrawing(results io.Reader, o Options) (*drawing, error) {
	data, err := readAll(results)
	if err != nil {
		return nil, err
	}
	var probe struct {
		Points, Systems, Searches, Space, Fits json.RawMessage

		Autocorrelation, Candidates json.RawMessage
	}
	if err := json.Unmarshal(data, &probe); err != nil {
		return nil, fmt.Errorf("report: not JSON of simcap: %w", at(err, data))
	}
	switch {
	case probe.Points != nil:
		return decoded(data, sweepDrawing)
	case probe.Systems != nil:
		return decoded(data, compareDrawing)
	case probe.Searches != nil:
		return decoded(data, capacityDrawing)
	case probe.Space != nil:
		return decoded(data, planDrawing)
	case probe.Fits != nil:
		return decoded(data, calibrationDrawing)
	case probe.Autocorrelation != nil:
		return decoded(data, traceDrawing)
	case probe.Candidates != nil:
		return decoded(data, fitDrawing)
	}
	r, err := ReadJSON(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return &drawing{HTML: func(w io.Writer) error { return HTML(w, r, o) }, Pictures: RunPictures(r)}, nil
}

// decoded draws results of one kind.
func decoded[T any](data []byte, draw func(*T) *drawing) (*drawing, error) {
	var result T
	if err := json.Unmarshal(data, &result); err != nil {
		return nil, fmt.Errorf("report: results of simcap are damaged: %w", at(err, data))
	}
	return draw(&result), nil
}

// ResultFiles are the names that results have in their folders.
var ResultFiles = [...]string{resultsFile, "sweep.json", "plan.json", "compare.json", "comparison.json",
	"capacity.json", calibrationFile, shapeFile, FitFile}

// writePictures writes each picture as PNG, and as SVG if asked, under its name, several at one time.
func writePictures(dir string, pictures map[string]figure.Picture, o Options) error {
	names := slices.Sorted(maps.Keys(pictures))
	failed := make([]error, len(names))
	busy := make(chan struct{}, max(1, min(runtime.GOMAXPROCS(0), mostDrawn/o.figure().Bytes())))
	var group sync.WaitGroup
	for i, name := range names {
		busy <- struct{}{}
		group.Go(func() {
			failed[i] = writePicture(filepath.Join(dir, name), pictures[name], o)
			<-busy
		})
	}
	group.Wait()
	return cmp.Or(failed...)
}

// mostDrawn is how many bytes of pictures are in the making at one time, unless one alone has more.
const mostDrawn = 256 << 20

func writePicture(path string, p figure.Picture, o Options) error {
	fo := o.figure()
	err := writeFile(path+".png", func(w io.Writer) error { return figure.Draw(w, p, fo) })
	if err != nil || !o.SVG {
		return err
	}
	fo.SVG = true
	return writeFile(path+".svg", func(w io.Writer) error { return figure.Draw(w, p, fo) })
}

// writeFile writes a file under a temporary name and then gives it its own, so that a reader never sees
// half of it.
func writeFile(path string, write func(io.Writer) error) error {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return err
	}
	temporary := path + ".part"
	if err := os.WriteFile(temporary, b.Bytes(), 0o644); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if err := os.Rename(temporary, path); err != nil {
		_ = os.Remove(temporary)
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

// album gathers pictures by the names of their files.
type album struct {
	pictures map[string]figure.Picture
	footer   string
}

func newAlbum(title string, provenance []string) *album {
	return &album{map[string]figure.Picture{}, title + " · " + strings.Join(provenance, " · ")}
}

// add takes charts that stand on one sheet, if there are any.
func (a *album) add(name string, charts ...chart.Chart) {
	if len(charts) > 0 {
		a.pictures[name] = figure.Picture{Footer: a.footer, Charts: charts}
	}
}

// take takes a chart, if there is one.
func (a *album) take(c chart.Chart, ok bool) {
	if ok {
		a.add(c.ID, c)
	}
}

// RunPictures are the pictures of a run, by the names of their files: distribution and breakdown of
// latency, cost, and what happened over time, in all and for each function.
func RunPictures(r *experiment.Result) map[string]figure.Picture {
	a := newAlbum(r.Scenario, provenance(r))
	for _, make := range []func(*experiment.Result) (chart.Chart, bool){latencyCurve, whyBars,
		costBars, coldBars,
		rejectedBars, makespanCurve} {
		a.take(make(r))
	}
	for _, c := range tokenCurves(r) {
		a.add(c.ID, c)
	}
	if r.Detail == nil {
		return a.pictures
	}
	names := functionNames(r)
	if len(names) > 1 {
		t := newTimeline(r, total(r.Detail))
		a.add("containers", present(r, "", t, containersOverTime, queueOverTime)...)
		a.add("traffic", present(r, "", t, arrivalsOverTime, costOverTime)...)
	}
	for _, name := range names {
		t := newTimeline(r, detailOf(r, name).Series)
		suffix := name
		if len(names) == 1 {
			suffix = ""
		}
		a.add(identifier("latency", suffix), present(r, name, t, latencyOverTime, arrivalsOverTime)...)
		a.add(identifier("containers", suffix), present(r, name, t, containersOverTime, queueOverTime)...)
		if c, ok := containerLanes(r, name, t); ok {
			a.add(identifier("lives", suffix), c)
		}
		if c, ok := batchColumns(r, name); ok {
			a.add(identifier("batches", suffix), c)
		}
	}
	return a.pictures
}

// present are the charts of a timeline that have something to show.
func present(r *experiment.Result, function string, t *timeline,
	makers ...func(*experiment.Result, string, *timeline) (chart.Chart, bool)) []chart.Chart {
	var out []chart.Chart
	for _, make := range makers {
		if c, ok := make(r, function, t); ok {
			out = append(out, c)
		}
	}
	return out
}
