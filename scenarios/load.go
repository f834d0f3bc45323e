// Package scenarios reads scenario files: strict YAML to a validated experiment.Scenario, with
// every error at once, each with its place and a way out. It also describes the language (JSON
// Schema, the reference) and holds the library of examples.
package scenarios

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/model/workload"
)

// Options say what stands around a scenario file.
type Options struct {
	// Set replaces settings, in order.
	Set []Override
	// Folder is where relative paths of the scenario begin; "" is the working directory.
	Folder string
	// Open opens a file that the scenario names, by the name that it has there; nil opens it from
	// disk.
	Open func(path string) (io.ReadCloser, error)
	// Profile returns a profile that the scenario names; nil reads it with Open.
	Profile func(path string) ([]byte, error)
	// Point says that this is one point of a space whose axes an earlier reading of the same document
	// has tried: the values of sweep and plan are not tried again.
	Point bool
}

// Load reads a scenario from its text; the name is how diagnostics call it. The scenario is nil
// where the diagnostics have an error.
func Load(name string, data []byte, opts Options) (*experiment.Scenario, Diagnostics) {
	doc, ds := Parse(name, data)
	if doc == nil {
		return nil, ds
	}
	return doc.Scenario(opts)
}

// LoadFile reads a scenario file, or standard input where the path is "-". Relative paths in it
// begin at its folder unless the options say otherwise.
func LoadFile(path string, stdin io.Reader, opts Options) (*experiment.Scenario, Diagnostics) {
	doc, ds := ParseFile(path, stdin)
	if doc == nil {
		return nil, ds
	}
	if opts.Folder == "" && path != "-" {
		opts.Folder = filepath.Dir(path)
	}
	return doc.Scenario(opts)
}

// ParseFile parses a scenario file, or standard input where the path is "-".
func ParseFile(path string, stdin io.Reader) (*Document, Diagnostics) {
	name, in := path, stdin
	if path == "-" {
		name = "<stdin>"
	} else {
		f, err := os.Open(path)
		if err != nil {
			return nil, (&source{name: path}).whole(readable(err), "")
		}
		defer f.Close()
		in = f
	}
	data, err := io.ReadAll(io.LimitReader(in, LargestFile+1))
	if err != nil {
		return nil, (&source{name: name}).whole(readable(err), "")
	}
	return Parse(name, data)
}

// readable is an error of the file system without the path, which stands before it.
func readable(err error) string {
	if e, ok := err.(*os.PathError); ok {
		return fmt.Sprintf("cannot read the file: %v", e.Err)
	}
	return err.Error()
}

// Scenario reads the document with the options. The scenario is nil where the diagnostics have an
// error; warnings alone leave it. It is safe to call it from several goroutines at once.
func (d *Document) Scenario(opts Options) (*experiment.Scenario, Diagnostics) {
	r := &reader{doc: d, opts: &opts, lang: theLanguage()}
	s := r.scenario()
	r.check(s)
	found := sortDiagnostics(r.found)
	if r.untold > 0 {
		found = append(found, Diagnostic{Severity: Error, File: d.text.name,
			Message: fmt.Sprintf("%d more errors are not shown", r.untold)})
	}
	if found.Failed() {
		return nil, found
	}
	return s, found
}

// scenario reads all that the file says.
func (r *reader) scenario() *experiment.Scenario {
	r.spots, r.sources, r.meant = map[string]spot{}, map[*yaml.Node]*source{}, map[string]bool{}
	r.profiles, r.tokens = map[string]*experiment.Profile{}, map[string][2]bool{}
	s := &experiment.Scenario{Seed: 1, Profiles: r.profiles, Model: model.NewConfig(model.PresetModal),
		Replications: experiment.Replications{Min: 1, Max: 1, Metric: defaultMetric}}
	root := r.override(r.opts.Set)
	r.lang.scenario.read(r, root, "", reflect.ValueOf(s).Elem())
	s.Synthetic = r.synthetic
	if s.Name == "" {
		s.Name = strings.TrimSuffix(filepath.Base(r.doc.text.name), filepath.Ext(r.doc.text.name))
	}
	return s
}

// check finds what is wrong with settings that are well formed one by one.
func (r *reader) check(s *experiment.Scenario) {
	r.checkEnds(s)
	for _, p := range s.Model.Validate() {
		r.problem(p)
	}
	r.checkTokens(s)
	r.checkTimeouts(s)
	r.checkReplications(s)
	r.checkObjectives(s)
	if at, ok := r.spots["carbon_intensity"]; ok && s.CarbonIntensity > mostCarbon {
		r.fail(at.value, "carbon_intensity", "", "at most %d g/kWh are possible", mostCarbon)
	}
	if !r.opts.Point {
		r.checkAxes("sweep", s.Sweep)
		r.checkAxes("plan.search", s.PlanSearch)
	}
}

// checkTimeouts warns of functions all of whose inputs take longer than their timeout.
func (r *reader) checkTimeouts(s *experiment.Scenario) {
	for i := range s.Model.Functions {
		f := &s.Model.Functions[i]
		at := "functions." + f.Name
		batched := f.Batched.MaxBatchSize > 0 && f.Service.Batch != nil
		if f.Service.LLM != nil || batched || f.Service.NoiseCV > 0 || f.Service.Time == nil ||
			f.Service.Time.Validate() != nil || f.Timeout <= 0 || demandOfRows(s, f.Name) || r.misread(at) {
			continue
		}
		if share, _ := f.Service.Time.Within(0, float64(f.Timeout)+1); share > 0 {
			continue
		}
		n, path := r.head(r.doc.root, at), at+".service"
		for _, inner := range []string{path, path + ".time", at + ".timeout"} {
			if spot, ok := r.spots[inner]; ok {
				if n, path = spot.value, inner; n.Kind != yaml.ScalarNode {
					n = spot.key
				}
			}
		}
		r.add(Warning, n, path, "raise timeout, or lower service.time",
			"every input takes longer than the timeout of %v s, so that none can complete",
			f.Timeout.Seconds())
	}
}

// demandOfRows says whether rows of a trace tell how long inputs of a function take.
func demandOfRows(s *experiment.Scenario, function string) bool {
	return slices.ContainsFunc(s.Model.Workloads, func(w model.Workload) bool {
		kind, ok := w.Arrivals.Kind.(workload.Trace)
		return w.Function == function && ok &&
			(len(kind.Take) == 0 || slices.Contains(kind.Take, "demand"))
	})
}

// problem turns what the model objects to into a diagnostic at the setting, or at the nearest one
// around it that the file has. What was not read well is not judged a second time.
func (r *reader) problem(p model.Problem) {
	if p.Path == "functions" && !r.given(p.Path) {
		return // the key is missing, which has been told
	}
	for _, path := range append(p.Needs, p.Path) {
		if r.meant[path] || r.misread(r.named(path)) {
			return
		}
	}
	severity := Error
	if p.Warning {
		severity = Warning
	}
	at, text := r.refine(p.Path, p.Text)
	path := at
	s, ok := r.spots[at]
	for !ok && at != "" {
		at = parent(at)
		s, ok = r.spots[at]
	}
	if at != path && at != "" {
		text = strings.TrimPrefix(path[len(at):], ".") + ": " + text
	}
	help := p.Help
	if p.Got != "" {
		help = choose(p.Got, p.Choices)
		if p.Help != "" {
			help = strings.TrimSuffix(help, "?") + ", " + p.Help
		}
	}
	n := r.doc.root
	if ok {
		n = s.value
		if v := r.resolve(n, at); v != nil && v.Kind != yaml.ScalarNode {
			n = s.key
		}
	}
	r.add(severity, n, path, help, "%s", text)
}

// misread says whether an error was found at the path, around it or inside of it.
func (r *reader) misread(path string) bool {
	for _, d := range r.found {
		if d.Severity == Error && (within(d.Path, path) || within(path, d.Path)) {
			return true
		}
	}
	return false
}

// refine goes from a setting to the part of it that a message begins with: of `parts[2]: cv must
// ...` about service.time it makes service.time.parts[2].cv, where the file has these.
func (r *reader) refine(path, text string) (string, string) {
	for {
		first, rest, _ := strings.Cut(text, " ")
		inner := join(path, strings.TrimSuffix(first, ":"))
		if _, ok := r.spots[inner]; !ok || first == "" {
			return path, text
		}
		if !strings.HasSuffix(first, ":") {
			return inner, text
		}
		path, text = inner, rest
	}
}

// within says whether the path is the other one or lies inside of it.
func within(path, other string) bool {
	rest, ok := strings.CutPrefix(path, other)
	return ok && other != "" && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// parent is the path without its last part; "" at the top.
func parent(path string) string {
	return path[:max(0, strings.LastIndexAny(path, ".["))]
}

// fitReplications moves a default out of the way of what the file says: {max: 3} makes 3.
func (r *reader) fitReplications(rule *experiment.Replications) {
	_, least := r.spots["replications.min"]
	_, most := r.spots["replications.max"]
	switch {
	case !least && most && rule.Max >= 1:
		rule.Min = min(rule.Min, rule.Max)
	case least && !most:
		rule.Max = max(rule.Max, rule.Min)
	}
}

// checkEnds refuses ends of 0, which inside mean that there is none: a workload that is to make no call
// must not make calls without end.
func (r *reader) checkEnds(s *experiment.Scenario) {
	zero := func(path, help string) {
		if at, ok := r.spots[path]; ok && !r.misread(path) {
			r.fail(at.value, path, help, "must be more than 0")
		}
	}
	if s.Model.Horizon == 0 {
		zero("horizon", "leave the key out where every workload ends by itself")
	}
	for i := range s.Model.Workloads {
		at := element("workloads", i) + ".arrivals"
		if s.Model.Workloads[i].Arrivals.Stop == 0 {
			zero(at+".stop", "leave the key out for no bound but the horizon")
		}
		if s.Model.Workloads[i].Arrivals.Count == 0 {
			zero(at+".count", "leave the key out for any number of calls, and the workload for none")
		}
	}
}

// mostCarbon bounds the carbon intensity in g/kWh; coal has about 1,000.
const mostCarbon = 10_000

// checkReplications checks the rule for replications.
func (r *reader) checkReplications(s *experiment.Scenario) {
	const most = 1_000_000
	at, ok := r.spots["replications"]
	if !ok {
		return
	}
	rule := &s.Replications
	r.fitReplications(rule)
	place := func(key string) (*yaml.Node, string) {
		if s, ok := r.spots["replications."+key]; ok {
			return s.value, "replications." + key
		}
		return at.value, "replications"
	}
	before := len(r.found)
	for _, bound := range []struct {
		key   string
		value int
	}{{"min", rule.Min}, {"max", rule.Max}} {
		n, path := place(bound.key)
		switch {
		case r.misread(path):
		case bound.value < 1:
			r.fail(n, path, "", "at least one replication is needed")
		case bound.value > most:
			r.fail(n, path, "", "at most %d replications are possible", most)
		}
	}
	if n, path := place("min"); len(r.found) == before && rule.Min > rule.Max {
		r.fail(n, path, "", "min (%d) is more than max (%d)", rule.Min, rule.Max)
	}
	if n, path := place("metric"); !r.misread(path) {
		r.checkLLMMetric(n, path, rule.Metric, s, "", "")
	}
	if n, path := place("precision"); rule.Precision > 1 {
		r.fail(n, path, "", "the precision is a relative half-width, at most 100%%")
	}
}

// checkAxes reads the scenario once with each value of each axis: the values are well formed where
// that finds nothing new.
func (r *reader) checkAxes(path string, axes []experiment.Axis) {
	for _, axis := range axes {
		at := join(path, axis.Key)
		for i, value := range probes(axis.Values) {
			opts := Options{Set: append(append([]Override(nil), r.opts.Set...),
				Override{Key: axis.Key, Value: value, Source: axisSource}),
				Folder: r.opts.Folder, Open: r.opts.Open, Profile: r.opts.Profile}
			probe := &reader{doc: r.doc, opts: &opts, lang: r.lang, axis: true}
			probe.scenario()
			if wrong, ok := r.news(probe.found); ok {
				n := r.spots[at].key
				if part := r.partOf(n, axis.Key, wrong); part != nil { // the key is wrong, whatever the value
					r.fail(part, at, wrong.Help, "%s", wrong.Message)
					break
				}
				if e, ok := r.spots[element(at, i)]; ok &&
					len(probes(axis.Values)) == len(axis.Values) {
					n = e.value
				}
				r.fail(n, at, wrong.Help, "with %s: %s", shorten(value), wrong.Message)
				break
			}
		}
	}
}

// axisSource is how the probes of an axis are called among the sources of overrides.
const axisSource = "axis"

// partOf is the part of an axis's key that a probe found wrong; nil where it is not the key.
func (r *reader) partOf(n *yaml.Node, key string, wrong Diagnostic) *yaml.Node {
	if wrong.File != axisSource || wrong.Column < 1 || wrong.Column > utf8.RuneCountInString(key) {
		return nil
	}
	part := *n
	if n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0 {
		part.Column++
	}
	part.Column += wrong.Column - 1
	part.Value = string([]rune(key)[wrong.Column-1:])
	if end := strings.IndexAny(part.Value, ".]"); end >= 0 {
		part.Value = part.Value[:end]
	}
	part.Style = 0
	if from := r.sources[n]; from != nil {
		r.sources[&part] = from
	}
	return &part
}

// probes are the values of an axis that are tried: all of a few, both ends of many.
func probes(values []string) []string {
	const most = 100
	if len(values) <= most {
		return values
	}
	return []string{values[0], values[len(values)-1]}
}

// news is the first error that comes from an override and that this reader has not found itself.
func (r *reader) news(found Diagnostics) (Diagnostic, bool) {
	for _, d := range found {
		if d.Severity == Error && (d.File == "--set" || d.File == axisSource) && !r.hasFound(d) {
			return d, true
		}
	}
	return Diagnostic{}, false
}

func (r *reader) hasFound(d Diagnostic) bool {
	for _, f := range r.found {
		if f.Path == d.Path && f.Message == d.Message {
			return true
		}
	}
	return false
}
