package scenarios

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v4"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/model/dist"
	"github.com/simcap/simcap/model/service"
)

// ProfileVersion is the schema version of profile files.
const ProfileVersion = 1

// Profile is a profile file: how long a server's work takes, where that holds, and where it comes
// from. `simcap calibrate` writes such files; people may edit them.
type Profile struct {
	Name        string             `yaml:"name"`
	Description string             `yaml:"description"`
	Synthetic   bool               `yaml:"synthetic"`
	Service     service.Config     `yaml:"service"`
	ColdStart   model.ColdStart    `yaml:"cold_start"`
	Overhead    dist.Dist          `yaml:"overhead"`
	Valid       experiment.Valid   `yaml:"valid"`
	Energy      *experiment.Energy `yaml:"energy"`
	Server      experiment.Server  `yaml:"server"`
	Provenance  Provenance         `yaml:"provenance"`
	Quality     ProfileQuality     `yaml:"quality"`
	Samples     ProfileSamples     `yaml:"samples"`
}

// Provenance is where a profile comes from. All of it is for people, and nothing of it changes a run.
type Provenance struct {
	How      string  `yaml:"how"` // one of ProfileOrigins
	Model    string  `yaml:"model"`
	Engine   string  `yaml:"engine"`
	GPU      string  `yaml:"gpu"`
	GPUs     int     `yaml:"gpu_count"`
	UUID     string  `yaml:"gpu_uuid_hash"`
	MIG      string  `yaml:"mig"`
	Driver   string  `yaml:"driver"`
	CUDA     string  `yaml:"cuda"`
	SMClock  float64 `yaml:"sm_clock_mhz"`
	PowerCap float64 `yaml:"power_limit_watts"`
	Host     string  `yaml:"host"`
	Command  string  `yaml:"command"`
	Simcap   string  `yaml:"simcap"`
	Date     string  `yaml:"date"`
	Source   string  `yaml:"source"`
	Licence  string  `yaml:"licence"`
	Cite     string  `yaml:"cite"`
	Notes    string  `yaml:"notes"`
}

// ProfileOrigins are the ways in which a profile comes about.
var ProfileOrigins = []string{"measured", "published", "converted", "written"}

// ProfileQuality is how good the fit and the measurements are.
type ProfileQuality struct {
	Fit             string     `yaml:"fit"`
	CVError         float64    `yaml:"cv_error" unit:"fraction"`
	WorstError      float64    `yaml:"worst_error" unit:"fraction"`
	BetweenRuns     float64    `yaml:"between_runs" unit:"fraction"`
	Windows         int        `yaml:"windows"`
	RejectedWindows int        `yaml:"rejected_windows"`
	Intervals       []Interval `yaml:"intervals"`
	Holdout         []Holdout  `yaml:"holdout"`
	Warnings        []string   `yaml:"warnings"`
}

// Interval is the 95 % interval of a parameter of service, by a bootstrap over runs and requests: times in
// ns, or shares for a parameter that has no unit.
type Interval struct {
	Parameter string  `yaml:"parameter"`
	Low       float64 `yaml:"low" unit:"time"`
	High      float64 `yaml:"high" unit:"time"`
	LowShare  float64 `yaml:"low_share" unit:"fraction"`
	HighShare float64 `yaml:"high_share" unit:"fraction"`
}

// Holdout compares the simulator with measurements that the fit did not see. Times in ns.
type Holdout struct {
	Rate         float64 `yaml:"rate" unit:"rate"`
	MeasuredP50  float64 `yaml:"measured_p50" unit:"time"`
	PredictedP50 float64 `yaml:"predicted_p50" unit:"time"`
	MeasuredP95  float64 `yaml:"measured_p95" unit:"time"`
	PredictedP95 float64 `yaml:"predicted_p95" unit:"time"`

	MeasuredTTFT  float64 `yaml:"measured_ttft" unit:"time"`
	PredictedTTFT float64 `yaml:"predicted_ttft" unit:"time"`
	MeasuredTPOT  float64 `yaml:"measured_tpot" unit:"time"`
	PredictedTPOT float64 `yaml:"predicted_tpot" unit:"time"`
}

// ProfileSamples names the file of raw measurements.
type ProfileSamples struct {
	File   string `yaml:"file"`
	SHA256 string `yaml:"sha256"`
}

// profileForm reads the name of a profile: a file, or a profile of the library. Its owner is the
// service; what the scenario says beside `profile` replaces what the profile says.
type profileForm struct{ lang *language }

func (p profileForm) schema(*schemas) schema { return schema{"type": "string", "minLength": 1} }

func (p profileForm) read(r *reader, n *yaml.Node, path string, into reflect.Value) {
	name, ok := r.scalar(n, path, "a profile: the path of its file, or a name of the library")
	if !ok {
		return
	}
	data, err := r.profile(name)
	if err != nil {
		r.fail(n, path, profileHelp(name), "%s: %s", name, readable(err))
		return
	}
	text := &source{name: name}
	root, ds := text.parse(data, "a profile")
	if ds.Failed() {
		r.found = append(r.found, ds...)
		return
	}
	r.adopt(root, text, map[*yaml.Node]bool{})
	profile, ok := r.profileFile(root, path, name)
	if !ok {
		return
	}
	config := into.Addr().Interface().(*service.Config)
	*config = profile.Service
	config.Profile = name
	r.synthetic = r.synthetic || profile.Synthetic
	if entry(root, "cold_start") != nil {
		r.cold = &profile.ColdStart
	}
	r.overhead = profile.Overhead
	r.facts = &experiment.Profile{Name: name, Synthetic: profile.Synthetic, Valid: profile.Valid,
		Energy: profile.Energy, Server: profile.Server}
}

// profileFile reads a profile whose nodes are known to the reader. False, with diagnostics, where it
// is none.
func (r *reader) profileFile(root *yaml.Node, path, name string) (*Profile, bool) {
	if version := entry(root, "simcap_profile"); version == nil || version.Value != "1" {
		help := "its first key is simcap_profile: 1"
		if entry(root, "simcap") != nil {
			help += "; this is a scenario"
		}
		r.fail(root, path, help, "%s is not a profile", name)
		return nil, false
	}
	body := entry(root, "service")
	if body == nil || entry(body, "profile") != nil {
		r.fail(root, path, "", "the profile %s has no service section of its own", name)
		return nil, false
	}
	inner := *r
	inner.spots, inner.seen = map[string]spot{}, nil
	profile := &Profile{}
	before := len(r.found)
	r.lang.profiles.scenario.read(&inner, root, path, reflect.ValueOf(profile).Elem())
	inner.checkProfile(profile, root, path)
	r.found, r.aliases, r.untold = inner.found, inner.aliases, inner.untold
	return profile, len(r.found) == before || !r.found[before:].Failed()
}

// checkProfile finds ranges that are none.
func (r *reader) checkProfile(p *Profile, root *yaml.Node, path string) {
	at := func(key string) *yaml.Node {
		if s, ok := r.spots[join(path, key)]; ok {
			return s.value
		}
		return root
	}
	span := func(key string, n int, low, high float64) {
		at := at("valid." + key)
		switch {
		case n == 0:
		case n != 2:
			r.fail(at, path, "write [1, 32]", "a range is two numbers, and this is %d", n)
		case low > high:
			r.fail(at, path, "", "the range ends (%v) before it begins (%v)", high, low)
		}
	}
	ends := func(v []int) (low, high float64) {
		if len(v) != 2 {
			return 0, 0
		}
		return float64(v[0]), float64(v[1])
	}
	low, high := ends(p.Valid.BatchSize)
	span("batch_size", len(p.Valid.BatchSize), low, high)
	low, high = ends(p.Valid.Concurrent)
	span("concurrent", len(p.Valid.Concurrent), low, high)
	for _, r := range []struct {
		key  string
		ends []float64
	}{{"size", p.Valid.Size}, {"prompt_tokens", p.Valid.PromptTokens},
		{"output_tokens", p.Valid.OutputTokens}} {
		low, high = 0, 0
		if len(r.ends) == 2 {
			low, high = r.ends[0], r.ends[1]
		}
		span(r.key, len(r.ends), low, high)
	}
	for i, one := range p.Quality.Intervals {
		if one.Low > one.High || one.LowShare > one.HighShare {
			r.fail(at(fmt.Sprintf("quality.intervals[%d]", i)), path, "",
				"the interval of %s ends before it begins", one.Parameter)
		}
	}
	if err := p.Service.Validate(1, 1); err != nil {
		r.fail(at("service"), path, "", "service.%v", err)
	}
}

// ReadProfile reads a profile file; the name is how diagnostics call it. The profile is nil where the
// diagnostics have an error.
func ReadProfile(name string, data []byte) (*Profile, Diagnostics) {
	doc := &Document{text: source{name: name}, traces: map[string]*traceFile{}}
	root, ds := doc.text.parse(data, "a profile")
	if ds.Failed() {
		return nil, ds
	}
	doc.root = root
	r := &reader{doc: doc, opts: &Options{}, lang: theLanguage(), spots: map[string]spot{},
		sources: map[*yaml.Node]*source{}, meant: map[string]bool{}}
	profile, _ := r.profileFile(root, "", name)
	found := sortDiagnostics(r.found)
	if found.Failed() {
		return nil, found
	}
	if profile.Name == "" {
		profile.Name = strings.TrimSuffix(name[strings.LastIndexByte(name, '/')+1:], ".yaml")
	}
	return profile, found
}

// profile is the bytes of a profile: of a file, else of the library.
func (r *reader) profile(name string) ([]byte, error) {
	if r.opts.Profile != nil {
		return r.opts.Profile(name)
	}
	f, err := r.open(name)
	if err != nil {
		if text, ok := LibraryProfile(name); ok && errors.Is(err, fs.ErrNotExist) {
			return text, nil
		}
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, LargestFile+1))
}

// lettersOf are the letters and digits of a name, as people agree on them.
func lettersOf(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}

// profileHelp says what may have been meant by a name that is neither a file nor in the library.
func profileHelp(name string) string {
	all, text := LibraryProfiles(), lettersOf(name)
	near := Nearest(name, all)
	if near == "" && len(text) > 3 {
		part := func(other string) bool { return strings.Contains(lettersOf(other), text) }
		if i := slices.IndexFunc(all, part); i >= 0 {
			near = all[i]
		}
	}
	if near != "" {
		return fmt.Sprintf("did you mean %q? `simcap profiles` lists the library", near)
	}
	return "a path is relative to the scenario's file; `simcap profiles` lists those that come with simcap"
}

// adopt notes that the node and all below it stand in another text than the scenario's.
func (r *reader) adopt(n *yaml.Node, text *source, seen map[*yaml.Node]bool) {
	if seen[n] {
		return
	}
	seen[n] = true
	r.sources[n] = text
	for _, c := range n.Content {
		r.adopt(c, text, seen)
	}
	if n.Alias != nil {
		r.adopt(n.Alias, text, seen)
	}
}

// newProfileLanguage is the language of profile files: what service and cold_start say there is what
// they say in a scenario.
func newProfileLanguage(base *language) *language {
	l := &language{byType: map[reflect.Type]*section{}, words: map[wordKey]Word{},
		distributions: base.distributions}
	texts := list{word{}, "a list of texts"}
	number := list{wholeNumber(), "a range of two whole numbers"}
	valid := l.part(reflect.TypeFor[experiment.Valid](), "valid", "a range of validity")
	valid.field("gpus").form = texts
	valid.field("batch_size").form, valid.field("concurrent").form = number, number
	server := l.part(reflect.TypeFor[experiment.Server](), "server", "a server's behaviour")
	server.field("discipline").form = word{"discipline", experiment.Disciplines}
	l.part(reflect.TypeFor[Provenance](), "provenance", "a provenance").field("how").form =
		word{"origin", ProfileOrigins}
	l.part(reflect.TypeFor[Interval](), "interval", "an interval")
	l.part(reflect.TypeFor[Holdout](), "holdout", "a hold-out comparison")
	l.part(reflect.TypeFor[ProfileQuality](), "quality", "a quality").field("warnings").form = texts
	l.part(reflect.TypeFor[experiment.Energy](), "energy", "an energy")
	l.part(reflect.TypeFor[ProfileSamples](), "samples", "a file of samples")
	t := reflect.TypeFor[Profile]()
	l.scenario = &section{name: "profile", what: "a profile"}
	l.scenario.fields = []field{{name: "simcap_profile", form: version()}}
	for i := range t.NumField() {
		f := t.Field(i)
		form := form(word{})
		switch name := f.Tag.Get("yaml"); {
		case name == "service":
			form = base.service()
		case name == "cold_start":
			form = base.coldStart()
		case name == "overhead":
			form = distribution{lang: base, unit: "time"}
		case name == "synthetic":
			form = flag{}
		case f.Type.Kind() == reflect.Pointer:
			form = optional{l.byType[f.Type.Elem()]}
		case f.Type.Kind() == reflect.Struct:
			form = l.byType[f.Type]
		}
		l.scenario.fields = append(l.scenario.fields, field{name: f.Tag.Get("yaml"), form: form,
			index: f.Index})
	}
	l.sections = append(l.sections, l.scenario)
	return l
}

// part is a section of a profile.
func (l *language) part(t reflect.Type, name, what string) *section {
	s := l.add(&section{name: "profile " + name, what: what})
	l.byType[t] = s
	for i := range t.NumField() {
		f := t.Field(i)
		at := field{name: f.Tag.Get("yaml"), index: f.Index}
		switch {
		case f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.Struct:
			at.form = list{l.byType[f.Type.Elem()], "a list"}
		case f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.Float64:
			at.form = list{l.scalar(f.Type.Elem(), "", false), "a range of two numbers"}
		case f.Type.Kind() == reflect.String || f.Type.Kind() == reflect.Slice:
			at.form = word{}
		default:
			at.form = l.scalar(f.Type, f.Tag.Get("unit"), false)
		}
		s.fields = append(s.fields, at)
	}
	return s
}

// learnProfileWords keeps what the comments of the reference profile say about each key.
func (l *language) learnProfileWords(base *language) {
	doc, ds := Parse("profile.reference.yaml", profileReference)
	if doc == nil {
		panic("scenarios: " + ds.Error())
	}
	r := &reader{doc: doc, opts: &Options{Open: openExample}, lang: base,
		spots: map[string]spot{}, sources: map[*yaml.Node]*source{}, meant: map[string]bool{}}
	r.seen = func(k wordKey, path string, key, value *yaml.Node) {
		if !strings.HasPrefix(k.section, "profile") {
			return
		}
		if _, known := l.words[k]; known {
			return
		}
		w := parseWord(doc.text.comment(key.Line))
		w.Section, w.Key, w.place, w.Path = k.section, k.key, path, pattern(path)
		l.words[k] = w
	}
	l.scenario.read(r, doc.root, "", reflect.ValueOf(&Profile{}).Elem())
}

// ProfileSchema is the JSON Schema (2020-12) of profile files.
func ProfileSchema() []byte {
	base := theLanguage()
	words := maps.Clone(base.words)
	maps.Copy(words, base.profiles.words)
	b := &schemas{lang: &language{words: words}, defs: schema{}}
	top := b.object(base.profiles.scenario)
	top["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	top["title"] = "simcap profile"
	top["$defs"] = b.defs
	text, err := json.MarshalIndent(top, "", "  ")
	if err != nil {
		panic("scenarios: schema: " + err.Error())
	}
	return append(text, '\n')
}

// ProfileReference is the profile that names every key, with its meaning.
func ProfileReference() []byte { return slices.Clone(profileReference) }
