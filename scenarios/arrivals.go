package scenarios

import (
	"reflect"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/simcap/simcap/model/workload"
	"github.com/simcap/simcap/sim"
)

// processKind is a kind of arrival process and the values that its keys have when they are left
// out.
type processKind struct {
	name     string
	defaults any // a struct that implements workload.Kind, itself or its address
}

// processKinds are the kinds of arrivals in the order of the reference.
func processKinds() []processKind {
	return []processKind{
		{"poisson", workload.Poisson{}},
		{"constant", workload.Constant{}},
		{"renewal", workload.Renewal{}},
		{"mmpp", workload.MMPP{}},
		{"diurnal", workload.Diurnal{Period: sim.Day, PeakAt: 14 * sim.Hour}},
		{"piecewise", workload.Piecewise{Interpolate: "step", CV: 1}},
		{"trace", workload.Trace{Format: "auto", Speedup: 1, RateScale: 1, Fold: "none",
			Take: workload.Taken(), TimeUnit: "auto", Ties: "auto"}},
		{"closed", workload.Closed{}},
		{"at", workload.At{}},
		{"once", workload.Once{}},
	}
}

// addProcesses makes a section for every kind: its own keys, then those that all share.
func (l *language) addProcesses() {
	for _, k := range processKinds() {
		s := l.add(&section{name: "arrivals " + k.name, what: "arrivals of process " + k.name})
		s.fields = []field{{name: "process", form: word{"arrival process", processNames()},
			owner: ignored}}
		s.fields = append(s.fields, l.fields(reflect.TypeOf(k.defaults), 0)...)
		s.fields = append(s.fields, l.fields(reflect.TypeFor[workload.Process](), 1)...)
		l.processes = append(l.processes, s)
	}
}

// ignored is the owner of a key that has been read already: the kind of a union.
const ignored = 2

func processNames() []string {
	kinds := processKinds()
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.name
	}
	return names
}

// arrivals is the form of an arrival process: the key `process` says which keys there are.
type arrivals struct{ lang *language }

func (a arrivals) read(r *reader, n *yaml.Node, path string, into reflect.Value) {
	v := r.resolve(n, path)
	if v == nil {
		return
	}
	if v.Kind != yaml.MappingNode {
		r.expected(v, path, "a mapping, for example {process: poisson, rate: 50/s},")
		return
	}
	named := r.kindNode(v, "process", path)
	if named == nil {
		r.fail(v, path, "process is one of "+strings.Join(processNames(), ", "),
			`the key "process" is missing in arrivals`)
		return
	}
	for i, k := range processKinds() {
		if k.name != named.Value {
			continue
		}
		kind := reflect.New(reflect.TypeOf(k.defaults))
		kind.Elem().Set(reflect.ValueOf(k.defaults))
		var ignore string
		before := len(r.found)
		a.lang.processes[i].readInto(r, v, path, kind.Elem(), into, reflect.ValueOf(&ignore).Elem())
		if t, ok := kind.Interface().(*workload.Trace); ok && len(r.found) == before {
			r.trace(t, path)
		}
		process := into.Addr().Interface().(*workload.Process)
		process.Kind = asKind(kind)
		return
	}
	r.fail(named, path+".process", choose(named.Value, processNames()),
		"there is no arrival process %q", named.Value)
}

// asKind is the value that a pointer points to, or the pointer, whichever implements workload.Kind.
func asKind(pointer reflect.Value) workload.Kind {
	if k, ok := pointer.Elem().Interface().(workload.Kind); ok {
		return k
	}
	return pointer.Interface().(workload.Kind)
}

// kindNode is the text that says which alternative of a union a mapping is; nil where there is
// none.
func (r *reader) kindNode(v *yaml.Node, key, path string) *yaml.Node {
	n := entry(v, key)
	if n == nil {
		for i := 0; i+1 < len(v.Content); i += 2 {
			if v.Content[i].Tag == "!!merge" {
				for _, p := range r.merge(v.Content[i+1], path, "a mapping") {
					if p.key.Value == key {
						n = p.value
					}
				}
			}
		}
	}
	if n == nil {
		return nil
	}
	if n = r.resolve(n, path); n == nil || n.Kind != yaml.ScalarNode {
		return nil
	}
	return n
}

func (a arrivals) schema(b *schemas) schema {
	return b.union("arrivals", a.lang.processes,
		"process")
}

// ratePoint is the form of a point of a piecewise rate: a pair [time, rate].
type ratePoint struct{}

func (ratePoint) read(r *reader, n *yaml.Node, path string, into reflect.Value) {
	pair, ok := r.list(n, path, "a pair [time, rate]")
	if !ok {
		return
	}
	if len(pair) != 2 {
		r.fail(r.resolve(n, path), path, "write [1h, 50/s]",
			"a list of %d, where a pair [time, rate] is expected", len(pair))
		return
	}
	time, _ := quantity("time")
	perSec, _ := quantity("rate")
	p := into.Addr().Interface().(*workload.Point)
	time.read(r, pair[0], path+"[0]", reflect.ValueOf(&p.At).Elem())
	perSec.read(r, pair[1], path+"[1]", reflect.ValueOf(&p.RatePerSec).Elem())
}

func (ratePoint) schema(*schemas) schema {
	bound := schema{"type": []string{"number", "string"}}
	return schema{"type": "array", "prefixItems": []schema{bound, bound}, "minItems": 2,
		"maxItems": 2}
}
