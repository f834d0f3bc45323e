package scenarios

import (
	"reflect"
	"strings"
	"sync"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/model/dist"
	"github.com/simcap/simcap/model/service"
	"github.com/simcap/simcap/model/workload"
	"github.com/simcap/simcap/trace"
)

// language is the scenario language: its sections with their keys, which come from the structs that
// they are read into, and the words of reference.yaml about each key. It is made once.
type language struct {
	scenario      *section
	sections      []*section                // all, in the order of the reference
	byType        map[reflect.Type]*section // of structs
	processes     []*section                // by kind of arrivals, in the order of the reference
	distributions map[string][]*section     // of each unit, by kind
	words         map[wordKey]Word
	profiles      *language // of profile files
}

// theLanguage makes the language at its first use.
func theLanguage() *language { return madeOnce() }

var madeOnce = sync.OnceValue(func() *language {
	l := newLanguage()
	l.profiles = newProfileLanguage(l)
	l.learnWords()
	l.profiles.learnProfileWords(l)
	return l
})

func newLanguage() *language {
	l := &language{byType: map[reflect.Type]*section{}, distributions: map[string][]*section{},
		words: map[wordKey]Word{}}
	l.scenario = l.scenarioSection()
	l.addProcesses()
	for _, unit := range []string{"time", "number"} {
		l.addDistributions(unit)
	}
	return l
}

// sectionWith is the first section that has the key.
func (l *language) sectionWith(key string) *section {
	for _, s := range l.sections {
		if f := s.field(key); f != nil {
			return s
		}
	}
	return nil
}

// nearestAnywhere is the key of any section that is nearest to the text, and its section.
func (l *language) nearestAnywhere(text string) (string, *section) {
	var all []string
	for _, s := range l.sections {
		all = append(all, s.keys()...)
	}
	near := nearestWithin(max(1, len([]rune(text))/4), text, all) // so many keys that some is like any word
	if near == "" {
		return "", nil
	}
	return near, l.sectionWith(near)
}

// add takes a section into the language.
func (l *language) add(s *section) *section {
	l.sections = append(l.sections, s)
	return s
}

// of is the section of a struct type: its tagged fields, in their order.
func (l *language) of(t reflect.Type, name, what string) *section {
	if s := l.byType[t]; s != nil {
		return s
	}
	s := l.add(&section{name: name, what: what})
	l.byType[t] = s
	s.fields = l.fields(t, 0)
	return s
}

// fields are the tagged fields of a struct type.
func (l *language) fields(t reflect.Type, owner int) []field {
	var fields []field
	for i := range t.NumField() {
		f := t.Field(i)
		name := f.Tag.Get("yaml")
		if name == "" || name == "-" {
			continue
		}
		fields = append(fields, field{name: name, form: l.form(t, f), index: f.Index, owner: owner})
	}
	return fields
}

// form is how a struct's field is written.
func (l *language) form(in reflect.Type, f reflect.StructField) form {
	if special := l.special(in, f); special != nil {
		return special
	}
	t, unit := f.Type, f.Tag.Get("unit")
	if unit == "value" {
		unit = "number" // the distribution's own unit takes its place
	}
	if t.Kind() == reflect.Pointer {
		return optional{l.plain(t.Elem(), f)}
	}
	if t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.String {
		return list{of: wordOf(t.Elem(), f.Name), what: "a list of texts"}
	}
	if t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Struct {
		return list{of: l.scalar(t.Elem(), unit, false), what: "a list"}
	}
	if t.Kind() == reflect.Slice {
		name := strings.ToLower(t.Elem().Name())
		return list{of: l.of(t.Elem(), name, withArticle(name)), what: "a list"}
	}
	return l.plain(t, f)
}

// plain is the form of a type that needs no special treatment.
func (l *language) plain(t reflect.Type, f reflect.StructField) form {
	unit, none := f.Tag.Get("unit"), f.Tag.Get("none") != ""
	if unit == "value" {
		unit = "number"
	}
	switch {
	case t == reflect.TypeFor[dist.Dist]():
		return distribution{lang: l, unit: unit}
	case t.Kind() == reflect.Struct:
		name := strings.ToLower(t.Name())
		return l.of(t, name, withArticle(name))
	case t.Kind() == reflect.Bool:
		return flag{}
	case t.Kind() == reflect.Map && t.Elem().Kind() == reflect.String:
		return table{of: word{}, what: "a mapping of roles to columns"}
	case t.Kind() == reflect.Map:
		return table{of: l.scalar(t.Elem(), unit, none), what: "a mapping of names to numbers"}
	case t.Kind() == reflect.String:
		return wordOf(t, f.Name)
	}
	return l.scalar(t, unit, none)
}

// scalar is the form of a quantity.
func (l *language) scalar(t reflect.Type, unit string, none bool) form {
	if t == timeType && unit == "" {
		unit = "time"
	}
	s, ok := quantity(unit)
	if !ok {
		panic("scenarios: no unit " + unit)
	}
	if unit == "" && !t.ConvertibleTo(timeType) || t.Kind() == reflect.Float64 {
		s.whole = false
	} else if t != timeType {
		s.whole, s.what = true, "a whole number"
	}
	s.none = none
	return s
}

// wordOf is the form of a text type: one of the values that the model knows, or any.
func wordOf(t reflect.Type, name string) form {
	switch t {
	case reflect.TypeFor[model.Routing]():
		return word{"routing policy", names(model.Routings)}
	case reflect.TypeFor[model.Method]():
		return word{"method", names(model.Methods)}
	case reflect.TypeFor[service.Units]():
		return word{"way to combine units", []string{string(service.Sum), string(service.Max)}}
	}
	switch name {
	case "Policy":
		return word{"autoscaler", model.Policies}
	case "Strategy":
		return word{"strategy", model.Strategies}
	case "Interpolate":
		return word{"interpolation", []string{"step", "linear"}}
	case "Fold":
		return word{"way to fold", []string{"none", string(trace.FoldDay), string(trace.FoldWeek)}}
	case "Take":
		return word{"thing that rows say of inputs", workload.Taken()}
	case "TimeUnit":
		return word{"unit of time", []string{"auto", "s", "ms", "us", "ns"}}
	case "Ties":
		return word{"treatment of ties", []string{"auto", string(trace.TiesKeep), string(trace.TiesSpread)}}
	}
	return word{}
}

func names[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return out
}

func withArticle(name string) string {
	switch name {
	case "batched":
		return "a batching rule"
	case "concurrent":
		return "a concurrency rule"
	case "failures", "limits", "prices":
		return "a mapping of " + name
	}
	if strings.ContainsRune("aeiou", rune(name[0])) {
		return "an " + name
	}
	return "a " + name
}

// scenarioSection is the top of a file; its owner is an experiment.Scenario. Platform comes before
// functions, whose defaults depend on it.
func (l *language) scenarioSection() *section {
	s := l.add(&section{name: "scenario", what: "a scenario"})
	top, config := reflect.TypeFor[experiment.Scenario](), reflect.TypeFor[model.Config]()
	own := func(name string) []int { return []int{fieldIndex(top, name)} }
	at := func(name string) []int { return append(own("Model"), fieldIndex(config, name)) }
	s.fields = []field{
		{name: "simcap", form: version()},
		{name: "name", form: word{}, index: own("Name")},
		{name: "seed", form: wholeNumber(), index: own("Seed")},
		{name: "horizon", form: l.scalar(timeType, "", false), index: at("Horizon")},
		{name: "warmup", form: warmup()},
		{name: "replications", form: l.replications(), index: own("Replications")},
		{name: "platform", form: l.platform(), index: at("Platform")},
		{name: "workspace", form: l.workspace(), index: at("Workspace")},
		{name: "carbon_intensity", form: l.scalar(reflect.TypeFor[float64](), "", false),
			index: own("CarbonIntensity")},
		{name: "functions", form: l.functions(), index: own("Model")},
		{name: "workloads", form: l.workloads(), index: at("Workloads")},
		{name: "slo", form: l.objectives(), index: own("SLO")},
		{name: "sweep", form: axes(), index: own("Sweep")},
		{name: "plan", form: l.plan()},
	}
	return s
}

func fieldIndex(t reflect.Type, name string) int {
	f, ok := t.FieldByName(name)
	if !ok {
		panic("scenarios: " + t.Name() + " has no field " + name)
	}
	return f.Index[0]
}

func wholeNumber() scalar { return scalar{what: "a whole number", parse: number, whole: true} }
