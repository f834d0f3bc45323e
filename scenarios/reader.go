package scenarios

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/model/dist"
)

// reader turns the nodes of a scenario into values. It never stops at an error: what it cannot read
// stays as it was and becomes a diagnostic.
type reader struct {
	doc     *Document
	opts    *Options
	lang    *language
	found   Diagnostics
	spots   map[string]spot        // where settings stand, by path
	sources map[*yaml.Node]*source // of nodes that are not in the file: from overrides and profiles
	meant   map[string]bool        // settings that a misspelt key was probably meant to be
	aliases int                    // followed so far
	untold  int                    // errors beyond the most that are told
	// seen is told of every key that is read; nil: nobody is.
	seen      func(w wordKey, path string, key, value *yaml.Node)
	cold      *model.ColdStart               // of the profile of the function that is being read
	overhead  dist.Dist                      // of the same profile
	facts     *experiment.Profile            // of the same profile
	profiles  map[string]*experiment.Profile // by function
	axis      bool                           // it tries a value of an axis
	synthetic bool                           // a profile says that it was not measured
	tokens    map[string][2]bool             // by workload: all rows of its trace say prompt, output
}

// spot is where a setting stands.
type spot struct{ key, value *yaml.Node }

// mostAliases bounds how many YAML aliases may be followed: far more than people write, far fewer
// than a file made to explode asks for.
const mostAliases = 10_000

// deepest is how deep distributions may be nested.
const deepest = 16

// mostErrors bounds how many errors are told: nobody reads more, and a file that is no scenario at all
// may have any number.
const mostErrors = 1000

// full says whether no more errors are told.
func (r *reader) full() bool {
	return len(r.found) >= mostErrors && r.found[mostErrors-1].Severity == Error
}

func (r *reader) add(severity Severity, n *yaml.Node, path, help, format string, args ...any) {
	if severity == Error && r.full() {
		r.untold++
		return
	}
	s := &r.doc.text
	if other := r.sources[n]; other != nil {
		s = other
	}
	d := s.at(n, r.named(path), fmt.Sprintf(format, args...))
	d.Severity, d.Help = severity, help
	r.found = append(r.found, d)
}

func (r *reader) fail(n *yaml.Node, path, help, format string, args ...any) {
	r.add(Error, n, path, help, format, args...)
}

// failed reports the error that reading a quantity gave.
func (r *reader) failed(n *yaml.Node, path string, err error) {
	help := ""
	if q, ok := err.(quantityError); ok {
		help = q.help
	}
	r.fail(n, path, help, "%v", err)
}

// expected reports a value of the wrong type.
func (r *reader) expected(n *yaml.Node, path, what string) {
	if isNull(n) {
		r.fail(n, path, "write "+what+", or leave the key out", "no value, where %s is expected",
			what)
		return
	}
	r.fail(n, path, "", "%s, where %s is expected", describe(n), what)
}

// named is the path with workloads by name instead of by index.
func (r *reader) named(path string) string {
	rest, ok := strings.CutPrefix(path, "workloads[")
	if !ok {
		return path
	}
	index, rest, _ := strings.Cut(rest, "]")
	s, ok := r.spots["workloads["+index+"].name"]
	if !ok || s.value.Kind != yaml.ScalarNode || s.value.Value == "" {
		return path
	}
	return "workloads." + s.value.Value + rest
}

// resolve follows an alias; nil where there are too many.
func (r *reader) resolve(n *yaml.Node, path string) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		if r.aliases++; r.aliases > mostAliases || n.Alias == nil {
			if r.aliases == mostAliases+1 {
				r.fail(n, path, "", "the file follows more than %d YAML aliases", mostAliases)
			}
			return nil
		}
		n = n.Alias
	}
	return n
}

// scalar is the text of a scalar; false, with a diagnostic, for anything else.
func (r *reader) scalar(n *yaml.Node, path, what string) (string, bool) {
	v := r.resolve(n, path)
	if v == nil {
		return "", false
	}
	if v.Kind != yaml.ScalarNode || isNull(v) {
		r.expected(v, path, what)
		return "", false
	}
	return strings.TrimSpace(v.Value), true
}

// list is the elements of a list.
func (r *reader) list(n *yaml.Node, path, what string) ([]*yaml.Node, bool) {
	v := r.resolve(n, path)
	if v == nil {
		return nil, false
	}
	if v.Kind != yaml.SequenceNode {
		r.expected(v, path, what)
		return nil, false
	}
	return v.Content, true
}

// pair is one entry of a mapping.
type pair struct{ key, value *yaml.Node }

// mapping is the entries of a mapping in order, with those that `<<` merges behind, and without
// duplicates.
func (r *reader) mapping(n *yaml.Node, path, what string) ([]pair, bool) {
	v := r.resolve(n, path)
	if v == nil {
		return nil, false
	}
	if v.Kind != yaml.MappingNode {
		r.expected(v, path, what)
		return nil, false
	}
	first := map[string]*yaml.Node{}
	var pairs, merged []pair
	for i := 0; i+1 < len(v.Content); i += 2 {
		key, value := r.resolve(v.Content[i], path), v.Content[i+1]
		switch {
		case key == nil:
		case key.Kind != yaml.ScalarNode:
			r.fail(key, path, "", "%s, where a key is expected", describe(key))
		case key.Tag == "!!merge":
			merged = append(merged, r.merge(value, path, what)...)
		case first[key.Value] != nil:
			r.fail(key, join(path, key.Value), "", "the key %q is there twice; first in line %d",
				key.Value, first[key.Value].Line)
		default:
			first[key.Value] = key
			pairs = append(pairs, pair{key, value})
		}
	}
	for _, p := range merged {
		if first[p.key.Value] == nil {
			first[p.key.Value] = p.key
			pairs = append(pairs, p)
		}
	}
	return pairs, true
}

// merge is the entries that a `<<` brings in: of a mapping, or of a list of mappings.
func (r *reader) merge(n *yaml.Node, path, what string) []pair {
	v := r.resolve(n, path)
	if v == nil {
		return nil
	}
	if v.Kind != yaml.SequenceNode {
		pairs, _ := r.mapping(v, path, what)
		return pairs
	}
	var all []pair
	for _, element := range v.Content {
		if e := r.resolve(element, path); e != nil {
			pairs, _ := r.mapping(e, path, what)
			all = append(all, pairs...)
		}
	}
	return all
}

// join appends a key to a path.
func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func element(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

// given says whether the file sets the path.
func (r *reader) given(path string) bool {
	_, ok := r.spots[path]
	return ok
}

// field is one key of a section.
type field struct {
	name  string
	form  form
	index []int // of the Go field within its owner; nil: the owner itself
	owner int   // which of the values that the section is read into
}

// section is a mapping with known keys.
type section struct {
	name   string  // as the reference calls it
	what   string  // for messages: "a function", "a batch curve"
	fields []field // in the order in which they are read and documented
}

func (s *section) field(name string) *field {
	for i := range s.fields {
		if s.fields[i].name == name {
			return &s.fields[i]
		}
	}
	return nil
}

func (s *section) keys() []string {
	names := make([]string, 0, len(s.fields))
	for i := range s.fields {
		if _, hidden := s.fields[i].form.(unsupported); !hidden {
			names = append(names, s.fields[i].name)
		}
	}
	return names
}

// variable are the keys that can take one value after another, as those of a sweep do: not those that
// say what something is called, and not the questions themselves.
func (s *section) variable() []string {
	return slices.DeleteFunc(s.keys(), func(key string) bool {
		return key == "name" || key == "simcap" || key == "sweep" || key == "plan"
	})
}

// shape is what the section is called where something else stands in its place.
func (s *section) shape() string {
	const most = 4
	keys := s.keys()
	if len(keys) > most {
		keys = append(keys[:most:most], "...")
	}
	return s.what + " {" + strings.Join(keys, ", ") + "}"
}

// readInto reads a mapping of the section into its owners.
func (s *section) readInto(r *reader, n *yaml.Node, path string, owners ...reflect.Value) bool {
	pairs, ok := r.mapping(n, path, s.shape())
	if !ok {
		return false
	}
	given := make(map[string]pair, len(pairs))
	var more []pair // entries of the field that stands for many
	for _, p := range pairs {
		at := join(path, p.key.Value)
		r.spots[at] = spot(p)
		switch {
		case s.field(p.key.Value) != nil:
			given[p.key.Value] = p
		case s.field(anyQuantile) != nil && looksLikeQuantile(p.key.Value):
			more = append(more, p)
		default:
			r.unknown(s, p.key, at)
		}
	}
	for i := range s.fields {
		f := &s.fields[i]
		key := wordKey{s.name, f.name}
		if f.name == anyQuantile {
			for _, p := range more {
				r.entry(f, key, p, join(path, p.key.Value), owners)
			}
			continue
		}
		p, ok := given[f.name]
		if !ok {
			if w := r.lang.words[key]; w.Required && !r.meant[join(path, f.name)] {
				help := ""
				if like := w.like(); like != "" {
					help = "for example `" + like + "`"
				}
				r.fail(r.head(n, path), path, help, "the key %q is missing in %s", f.name, s.what)
			}
			continue
		}
		r.entry(f, key, p, join(path, f.name), owners)
	}
	return true
}

// entry reads the value of one key into its owner.
func (r *reader) entry(f *field, key wordKey, p pair, path string, owners []reflect.Value) {
	if r.seen != nil {
		r.seen(key, path, p.key, p.value)
	}
	into := owners[f.owner]
	if f.index != nil {
		into = into.FieldByIndex(f.index)
	}
	f.form.read(r, p.value, path, into)
}

// looksLikeQuantile says whether a key is p and a number.
func looksLikeQuantile(key string) bool {
	return len(key) > 1 && key[0] == 'p' && strings.ContainsRune("0123456789", rune(key[1]))
}

// head is where a section begins: its key where it has one.
func (r *reader) head(n *yaml.Node, path string) *yaml.Node {
	if s, ok := r.spots[path]; ok {
		return s.key
	}
	return r.resolve(n, path)
}

// unknown reports a key that the section does not have, and what may have been meant.
func (r *reader) unknown(s *section, key *yaml.Node, path string) {
	help := ""
	if r.full() {
		r.untold++
		return
	}
	if r.axis {
		help = choose(key.Value, s.variable())
	} else if near := Nearest(key.Value, s.keys()); near != "" {
		help = fmt.Sprintf("did you mean %q?", near)
		r.meant[join(parent(path), near)] = true
	} else if other := r.lang.sectionWith(key.Value); other != nil {
		help = fmt.Sprintf("%q is a key of %s", key.Value, other.what)
	} else if name, near := r.lang.nearestAnywhere(key.Value); near != nil {
		help = fmt.Sprintf("did you mean %q? It is a key of %s", name, near.what)
	} else {
		help = "the keys of " + s.what + " are " + strings.Join(s.keys(), ", ")
	}
	r.fail(key, path, help, "unknown key %q", key.Value)
}
