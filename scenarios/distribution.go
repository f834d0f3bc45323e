package scenarios

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"math/big"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/simcap/simcap/model/dist"
)

// distribution is the form of a distribution: a quantity, which is a constant, or a mapping whose
// key `dist` says which keys there are.
type distribution struct {
	lang *language
	unit string // of its values: time or number
}

// truncation is the bounds that every distribution can have beside its own keys.
type truncation struct {
	Min float64 `yaml:"min" unit:"value"`
	Max float64 `yaml:"max" unit:"value"`
}

// constantKind is the name of a distribution that is always the same value, for parts of mixtures.
const constantKind = "constant"

func distributionNames() []string {
	names := []string{constantKind}
	for _, k := range dist.Kinds() {
		names = append(names, k.Name)
	}
	return names
}

// newDistribution is a distribution of the kind, nothing set.
func newDistribution(kind string) dist.Dist {
	for _, k := range dist.Kinds() {
		if k.Name == kind {
			return k.New()
		}
	}
	return dist.Constant{}
}

// addDistributions makes a section for every kind of distribution, with values of the unit.
func (l *language) addDistributions(unit string) {
	for _, kind := range distributionNames() {
		s := &section{name: "distribution " + kind, what: "a distribution of kind " + kind}
		s.fields = []field{{name: "dist", form: word{"distribution", distributionNames()},
			owner: ignored}}
		s.fields = append(s.fields, l.valueFields(reflect.TypeOf(newDistribution(kind)), unit,
			0)...)
		if kind != constantKind {
			for _, f := range l.valueFields(reflect.TypeFor[truncation](), unit, 1) {
				if s.field(f.name) == nil {
					s.fields = append(s.fields, f)
				}
			}
		}
		l.distributions[unit] = append(l.distributions[unit], s)
		if unit == "time" {
			l.add(s)
		}
	}
	if unit == "time" {
		l.add(&section{name: "part", what: "a part of a mixture",
			fields: []field{{name: "weight", form: plainNumber()}}})
	}
}

func plainNumber() scalar { return scalar{what: "a number", parse: number} }

// valueFields are the fields of a distribution's struct; those of unit `value` have the
// distribution's.
func (l *language) valueFields(t reflect.Type, unit string, owner int) []field {
	switch t {
	case reflect.TypeFor[dist.Constant]():
		q, _ := quantity(unit)
		return []field{{name: "value", form: q, index: []int{0}, owner: owner}}
	case reflect.TypeFor[dist.Quantiles]():
		return []field{{name: anyQuantile, form: quantiles{unit}, owner: owner}}
	}
	q, _ := quantity(unit)
	fields := l.fields(t, owner)
	for i := range fields {
		f := t.FieldByIndex(fields[i].index)
		switch {
		case f.Type == reflect.TypeFor[[]dist.Part]():
			fields[i].form = list{part{distribution{l, unit}}, "a list of parts"}
		case f.Tag.Get("unit") != "value":
		case f.Type.Kind() == reflect.Slice:
			fields[i].form = list{q, "a list of values"}
		default:
			fields[i].form = q
		}
	}
	return fields
}

func (d distribution) read(r *reader, n *yaml.Node, path string, into reflect.Value) {
	v := r.resolve(n, path)
	if v == nil {
		return
	}
	q, _ := quantity(d.unit)
	if v.Kind == yaml.ScalarNode && !isNull(v) {
		value := math.NaN()
		q.read(r, v, path, reflect.ValueOf(&value).Elem())
		if value >= 0 {
			into.Set(reflect.ValueOf(dist.Constant{Value: value}))
		}
		return
	}
	if v.Kind != yaml.MappingNode {
		r.expected(v, path, q.what+" or a distribution")
		return
	}
	if strings.Count(path, ".parts[") > deepest {
		r.fail(v, path, "", "mixtures are nested more than %d deep", deepest)
		return
	}
	named := r.kindNode(v, "dist", path)
	if named == nil {
		r.fail(v, path, "dist is one of "+strings.Join(distributionNames(), ", "),
			`the key "dist" is missing in a distribution`)
		return
	}
	i := slices.Index(distributionNames(), named.Value)
	if i < 0 {
		r.fail(named, path+".dist", choose(named.Value, distributionNames()),
			"there is no distribution %q", named.Value)
		return
	}
	if law, ok := d.law(r, d.lang.distributions[d.unit][i], v, path); ok {
		into.Set(reflect.ValueOf(law))
	}
}

// law reads a distribution of one kind, with its truncation.
func (d distribution) law(r *reader, s *section, v *yaml.Node, path string) (dist.Dist, bool) {
	law := reflect.New(reflect.TypeOf(newDistribution(s.kind())))
	bounds := truncation{math.NaN(), math.NaN()}
	var ignore string
	before := len(r.found)
	s.readInto(r, v, path, law.Elem(), reflect.ValueOf(&bounds).Elem(),
		reflect.ValueOf(&ignore).Elem())
	if e, ok := law.Interface().(*dist.Empirical); ok && e.File != "" {
		d.values(r, e, path)
	}
	if len(r.found) > before {
		return nil, false
	}
	out := law.Elem().Interface().(dist.Dist)
	if !math.IsNaN(bounds.Min) || !math.IsNaN(bounds.Max) {
		return dist.Truncated{Dist: out, Min: bounds.Min, Max: bounds.Max}, true
	}
	return out, true
}

// values reads the file of an empirical distribution: one value a line; empty lines and those that
// begin with # say nothing.
func (d distribution) values(r *reader, e *dist.Empirical, path string) {
	at := r.spots[path+".file"].value
	if len(e.Values) > 0 {
		r.fail(at, path+".file", "", "give values or file, not both")
		return
	}
	f, err := r.open(e.File)
	if err != nil {
		r.fail(at, path+".file", "a path is relative to the scenario's file", "%s: %s", e.File,
			readable(err))
		return
	}
	defer f.Close()
	q, _ := quantity(d.unit)
	lines := bufio.NewScanner(io.LimitReader(f, 8*LargestFile))
	for number := 1; lines.Scan(); number++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" || text[0] == '#' {
			continue
		}
		var value float64
		x, err := q.parse(text)
		if err == nil {
			err = q.store(x, text, reflect.ValueOf(&value).Elem())
		}
		if err != nil {
			r.fail(at, path+".file", "the file has one value a line", "%s:%d: %v", e.File, number,
				err)
			return
		}
		e.Values = append(e.Values, value)
	}
	if err := lines.Err(); err != nil {
		r.fail(at, path+".file", "the file has one value a line", "%s: %v", e.File, err)
	} else if len(e.Values) == 0 {
		r.fail(at, path+".file", "", "%s has no values", e.File)
	}
}

func (d distribution) schema(b *schemas) schema {
	q, _ := quantity(d.unit)
	return b.define(d.unit+"_or_distribution", func() schema {
		var refs []schema
		for _, s := range d.lang.distributions[d.unit] {
			refs = append(refs, b.define(d.unit+" "+s.name, func() schema { return b.object(s) }))
		}
		return anyOf(q.schema(b), schema{"type": "object", "required": []string{"dist"},
			"oneOf": refs})
	})
}

// part is a distribution with a weight beside it.
type part struct{ of distribution }

func (p part) read(r *reader, n *yaml.Node, path string, into reflect.Value) {
	v := r.resolve(n, path)
	if v == nil {
		return
	}
	pairs, ok := r.mapping(v, path, "a distribution with a weight")
	if !ok {
		return
	}
	rest := *v
	rest.Content = nil
	weighted := false
	to := into.Addr().Interface().(*dist.Part)
	for _, e := range pairs {
		if e.key.Value != "weight" {
			rest.Content = append(rest.Content, e.key, e.value)
			continue
		}
		weighted = true
		at := path + ".weight"
		r.spots[at] = spot(e)
		if r.seen != nil {
			r.seen(wordKey{"part", "weight"}, at, e.key, e.value)
		}
		plainNumber().read(r, e.value, at, reflect.ValueOf(&to.Weight).Elem())
	}
	if from := r.sources[v]; from != nil {
		r.sources[&rest] = from
	}
	if !weighted {
		r.fail(v, path, "", `the key "weight" is missing in a part of a mixture`)
	}
	p.of.read(r, &rest, path, into.FieldByName("Dist"))
}

func (p part) schema(b *schemas) schema {
	weight := plainNumber().schema(b)
	b.lang.words[wordKey{"part", "weight"}].describe(weight)
	return b.define(p.of.unit+"_part", func() schema {
		var refs []schema
		for _, s := range p.of.lang.distributions[p.of.unit] {
			refs = append(refs, b.define(p.of.unit+" part "+s.kind(), func() schema {
				o := b.object(s)
				o["properties"].(schema)["weight"] = weight
				required, _ := o["required"].([]string)
				o["required"] = append(slices.Clone(required), "weight")
				return o
			}))
		}
		return schema{"type": "object", "required": []string{"weight", "dist"}, "oneOf": refs}
	})
}

// anyQuantile is the name of a field that stands for the keys p50, p90, p99, ... of a distribution
// by quantiles.
const anyQuantile = "pNN"

// quantilePattern is what such keys look like: p, the percentage, and further digits as decimals.
const quantilePattern = `^p[0-9]{1,2}(\.?[0-9]+)?$`

// quantiles is the form of one such key; its owner is the distribution.
type quantiles struct{ unit string }

func (q quantiles) schema(b *schemas) schema {
	s, _ := quantity(q.unit)
	return s.schema(b)
}

func (q quantiles) read(r *reader, n *yaml.Node, path string, into reflect.Value) {
	d := into.Addr().Interface().(*dist.Quantiles)
	key := path[strings.LastIndexByte(path, '.')+1:]
	if i := strings.LastIndex(path, ".p"); i >= 0 {
		key = path[i+1:] // p99.9 has a dot of its own
	}
	share, err := quantileShare(key)
	if err != nil {
		r.failed(r.spots[path].key, path, err)
		return
	}
	value := math.NaN()
	s, _ := quantity(q.unit)
	s.read(r, n, path, reflect.ValueOf(&value).Elem())
	if math.IsNaN(value) {
		return
	}
	d.Points = append(d.Points, dist.Quantile{Q: share, Value: value})
	slices.SortStableFunc(d.Points, func(a, b dist.Quantile) int {
		switch {
		case a.Q < b.Q:
			return -1
		case a.Q > b.Q:
			return 1
		}
		return 0
	})
}

// quantileShare is the share of values below a quantile's name: p50 is 0.5, p999 and p99.9 are
// 0.999.
func quantileShare(key string) (float64, error) {
	digits := strings.TrimPrefix(key, "p")
	whole, decimals, dotted := strings.Cut(digits, ".")
	if !dotted && len(whole) > 2 && whole != "100" {
		whole, decimals = whole[:2], whole[2:]
	}
	if !strings.HasPrefix(key, "p") || !isDigits(whole) || len(whole) > 3 || len(decimals) > 12 ||
		decimals != "" && !isDigits(decimals) {
		return 0, wrong("write p and a percentage: p50, p99, p99.9", "%q is not a quantile", key)
	}
	x, ok := new(big.Rat).SetString(whole + "." + decimals + "0")
	if !ok {
		return 0, wrong("write p and a percentage: p50, p99, p99.9", "%q is not a quantile", key)
	}
	share, _ := toFloat(x.Quo(x, big.NewRat(100, 1)))
	if share > 1 {
		return 0, wrong("", "%s", fmt.Sprintf("%q is more than all", key))
	}
	return share, nil
}
