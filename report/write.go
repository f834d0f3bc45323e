package report

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"

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
	Command       string  // the command line that gives this result again, for the page; "": not said
}

func (o Options) figure() figure.Options {
	return figure.Options{Width: o.Width, Height: o.Height, Scale: o.Scale, Dark: o.Dark}
}

// Validate says which option is out of range.
func (o Options) Validate() error {
	_, err := o.figure().Complete()
	return err
}

// WriteRun writes what is to be seen of a run into a folder, which it makes if need be: results.json
// with all detail, report.html, and pictures. Files of the same names are replaced, each at once.
func WriteRun(dir string, r *experiment.Result, o Options) error {
	if err := o.Validate(); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	err := writeFile(filepath.Join(dir, "results.json"), func(w io.Writer) error { return JSON(w, r, true) })
	if err != nil {
		return err
	}
	err = writeFile(filepath.Join(dir, "report.html"), func(w io.Writer) error { return HTML(w, r, o) })
	if err != nil {
		return err
	}
	if o.NoPictures {
		return nil
	}
	return writePictures(dir, RunPictures(r), o)
}

// writePictures writes each picture as PNG, and as SVG if asked, under its name.
func writePictures(dir string, pictures map[string]figure.Picture, o Options) error {
	names := make([]string, 0, len(pictures))
	for name := range pictures {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		for _, svg := range []bool{false, true} {
			if svg && !o.SVG {
				continue
			}
			fo := o.figure()
			fo.SVG = svg
			ending := ".png"
			if svg {
				ending = ".svg"
			}
			err := writeFile(filepath.Join(dir, name+ending), func(w io.Writer) error {
				return figure.Draw(w, pictures[name], fo)
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
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

// RunPictures are the pictures of a run, by the names of their files: distribution and breakdown of
// latency, cost, and what happened over time, in all and for each function.
func RunPictures(r *experiment.Result) map[string]figure.Picture {
	out := map[string]figure.Picture{}
	footer := footerOf(r)
	add := func(name string, charts ...chart.Chart) {
		if len(charts) > 0 {
			out[name] = figure.Picture{Footer: footer, Charts: charts}
		}
	}
	for _, make := range []func(*experiment.Result) (chart.Chart, bool){latencyCurve, whyBars,
		costBars, coldBars,
		rejectedBars, makespanCurve} {
		if c, ok := make(r); ok {
			add(c.ID, c)
		}
	}
	if r.Detail == nil {
		return out
	}
	names := functionNames(r)
	if len(names) > 1 {
		t := newTimeline(r, total(r.Detail))
		add("containers", present(r, "", t, containersOverTime, queueOverTime)...)
		add("traffic", present(r, "", t, arrivalsOverTime, costOverTime)...)
	}
	for _, name := range names {
		t := newTimeline(r, detailOf(r, name).Series)
		suffix := name
		if len(names) == 1 {
			suffix = ""
		}
		add(identifier("latency", suffix), present(r, name, t, latencyOverTime, arrivalsOverTime)...)
		add(identifier("containers", suffix), present(r, name, t, containersOverTime, queueOverTime)...)
		if c, ok := containerLanes(r, name, t); ok {
			add(identifier("lives", suffix), c)
		}
		if c, ok := batchColumns(r, name); ok {
			add(identifier("batches", suffix), c)
		}
	}
	return out
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

// footerOf says under every picture where it comes from.
func footerOf(r *experiment.Result) string {
	text := r.Scenario
	for _, p := range provenance(r) {
		text += " · " + p
	}
	return text
}
