package scenarios

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// Override replaces one setting of a scenario: `--set functions.embed.min_containers=2`, or one
// coordinate of a sweep's point.
type Override struct {
	Key    string // dotted: functions by name, workloads by name or index
	Value  string // as it would stand in the file
	Source string // how diagnostics call it; "" is --set
}

// ParseOverride splits KEY=VALUE.
func ParseOverride(text string) (Override, error) {
	key, value, ok := strings.Cut(text, "=")
	if !ok || strings.TrimSpace(key) == "" {
		return Override{},
			fmt.Errorf("%q is not KEY=VALUE, for example functions.embed.min_containers=2", text)
	}
	return Override{Key: strings.TrimSpace(key), Value: value}, nil
}

// tree is a scenario's nodes under change. What is changed is copied first, so that the document
// stays as it was.
type tree struct {
	r    *reader
	root *yaml.Node
	own  map[*yaml.Node]bool // copied already
}

// override applies the overrides in order and returns the root of the changed tree.
func (r *reader) override(overrides []Override) *yaml.Node {
	t := &tree{r: r, root: r.doc.root, own: map[*yaml.Node]bool{}}
	for _, o := range overrides {
		t.apply(o)
	}
	return t.root
}

// step is one part of a dotted key and the column at which it stands.
type step struct {
	name   string
	column int
}

// steps splits a key at dots; `workloads[0]` is `workloads.0`.
func steps(key string) []step {
	var all []step
	column := 1
	for _, part := range strings.Split(key, ".") {
		name, rest, bracket := strings.Cut(part, "[")
		if name != "" || !bracket {
			all = append(all, step{name, column})
		}
		for bracket {
			index, after, _ := strings.Cut(rest, "]")
			all = append(all, step{index, column +
				utf8.RuneCountInString(part) - utf8.RuneCountInString(rest)})
			_, rest, bracket = strings.Cut(after, "[")
		}
		column += utf8.RuneCountInString(part) + 1
	}
	return all
}

func (t *tree) apply(o Override) {
	name := o.Source
	if name == "" {
		name = "--set"
	}
	line := strings.ReplaceAll(o.Key+"="+o.Value, "\n", " ")
	text := &source{name: name, lines: []string{line}}
	value, ok := t.value(o, text)
	if !ok {
		return
	}
	parts := steps(o.Key)
	t.root = t.writable(t.root)
	at := t.root
	for i, part := range parts {
		key := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: part.name, Line: 1,
			Column: part.column}
		t.r.sources[key] = text
		last := i == len(parts)-1
		var next **yaml.Node
		switch at.Kind {
		case yaml.SequenceNode:
			next = t.elementOf(at, part, key, o.Key)
		default:
			next = t.entryOf(at, part, key, o.Key, last)
		}
		if next == nil {
			return
		}
		if last {
			*next = value
			return
		}
		*next = t.writable(t.inside(*next, part, key))
		at = *next
	}
}

// value is the override's value as a node.
func (t *tree) value(o Override, text *source) (*yaml.Node, bool) {
	column := utf8.RuneCountInString(o.Key) + 1
	var top yaml.Node
	if strings.TrimSpace(o.Value) == "" {
		top.Content = []*yaml.Node{{Kind: yaml.ScalarNode, Tag: "!!null", Line: 1}}
	} else if err := yaml.Load([]byte(o.Value), &top); err != nil || len(top.Content) == 0 {
		t.r.found = append(t.r.found, Diagnostic{Severity: Error, File: text.name, Line: 1,
			Column: column + 1,
			Path:   o.Key, Message: fmt.Sprintf("%s is not YAML", shorten(o.Value)),
			excerpt: text.excerpt(1, utf8.RuneCountInString(o.Value))})
		return nil, false
	}
	value := top.Content[0]
	t.shift(value, column, text, map[*yaml.Node]bool{})
	return value, true
}

// shift moves a value's nodes to where they stand behind the key.
func (t *tree) shift(n *yaml.Node, by int, text *source, seen map[*yaml.Node]bool) {
	if seen[n] {
		return
	}
	seen[n] = true
	t.r.sources[n] = text
	if n.Line == 1 {
		n.Column += by
	}
	n.Line = 1
	for _, c := range n.Content {
		t.shift(c, by, text, seen)
	}
	if n.Alias != nil {
		t.shift(n.Alias, by, text, seen)
	}
}

// writable is a copy of the node, with an alias replaced by what it stands for, or the node itself
// where it has been copied already.
func (t *tree) writable(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode && n.Alias != nil {
		n = n.Alias
	}
	if t.own[n] {
		return n
	}
	c := *n
	c.Content = append([]*yaml.Node(nil), n.Content...)
	if from := t.r.sources[n]; from != nil {
		t.r.sources[&c] = from
	}
	t.own[&c] = true
	return &c
}

// inside is the node that the next part of a key goes into: what is there if that has parts, else a
// new mapping. A preset's name becomes the preset of a mapping.
func (t *tree) inside(n *yaml.Node, part step, key *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode && n.Alias != nil {
		n = n.Alias
	}
	if n.Kind == yaml.MappingNode || n.Kind == yaml.SequenceNode {
		return n
	}
	fresh := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Style: yaml.FlowStyle,
		Line: key.Line, Column: key.Column}
	t.r.sources[fresh] = t.r.sources[key]
	if part.name == "platform" && !isNull(n) {
		preset := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: "preset", Line: n.Line,
			Column: n.Column}
		fresh.Content = []*yaml.Node{preset, n}
	}
	return fresh
}

// functions is the mapping of functions as it is now; nil where there is none.
func (t *tree) functions() *yaml.Node {
	n := entry(t.root, "functions")
	for n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// keysOf is the keys of a mapping.
func keysOf(n *yaml.Node) []string {
	var names []string
	for i := 0; i+1 < len(n.Content); i += 2 {
		names = append(names, n.Content[i].Value)
	}
	return names
}

// entryOf is where a mapping keeps the value of a key. A new key is added; a new function only as a
// whole, for one that is half said is most likely a misspelt one.
func (t *tree) entryOf(at *yaml.Node, part step, key *yaml.Node, path string, last bool) **yaml.Node {
	for i := 0; i+1 < len(at.Content); i += 2 {
		if at.Content[i].Kind == yaml.ScalarNode && at.Content[i].Value == part.name {
			return &at.Content[i+1]
		}
	}
	empty := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Line: key.Line, Column: key.Column}
	for i := 0; i+1 < len(at.Content); i += 2 {
		if at.Content[i].Tag != "!!merge" {
			continue
		}
		for _, p := range t.r.merge(at.Content[i+1], "", "a mapping") {
			if p.key.Value == part.name {
				empty = p.value
				break
			}
		}
	}
	if empty.Kind == yaml.ScalarNode && !last && at == t.functions() {
		t.r.fail(key, path, chooseOne(part.name, keysOf(at)), "there is no function %q", part.name)
		return nil
	}
	at.Content = append(at.Content, key, empty)
	return &at.Content[len(at.Content)-1]
}

// chooseOne is the help for a name that there is not.
func chooseOne(name string, names []string) string {
	if name == "*" {
		return "a key names one of them, * does not stand for all: " + choose(name, names)
	}
	return choose(name, names)
}

// elementOf is where a list keeps an element: by index from 0, or by its name.
func (t *tree) elementOf(at *yaml.Node, part step, key *yaml.Node, path string) **yaml.Node {
	if i, err := strconv.Atoi(part.name); err == nil && i >= 0 && i < len(at.Content) {
		return &at.Content[i]
	}
	var names []string
	for i, e := range at.Content {
		for e.Kind == yaml.AliasNode && e.Alias != nil {
			e = e.Alias
		}
		if name := entry(e, "name"); name != nil {
			if name.Value == part.name {
				return &at.Content[i]
			}
			names = append(names, name.Value)
		}
	}
	help := fmt.Sprintf("the list has %d elements, counted from 0", len(at.Content))
	if len(names) > 0 {
		help = chooseOne(part.name, names)
	}
	t.r.fail(key, path, help, "the list has no element %q", part.name)
	return nil
}

// Text is the scenario as it is with the overrides: the file's own text where there are none, else
// its YAML with the values in place, and the overrides in a comment before it.
func (d *Document) Text(overrides []Override) string {
	if len(overrides) == 0 {
		return strings.Join(d.text.lines, "\n")
	}
	r := &reader{doc: d, opts: &Options{}, lang: theLanguage(), spots: map[string]spot{},
		sources: map[*yaml.Node]*source{}}
	text, err := yaml.Dump(r.override(overrides))
	if err != nil {
		return strings.Join(d.text.lines, "\n")
	}
	var b strings.Builder
	for _, o := range overrides {
		fmt.Fprintf(&b, "# %s\n", strings.ReplaceAll("with "+o.Key+"="+o.Value, "\n", " "))
	}
	b.Write(text)
	return b.String()
}

// Keys are the dotted keys of all settings that the file has, lists by number or name.
func (d *Document) Keys() []string {
	var keys []string
	d.walk(d.root, "", 0, &keys)
	return keys
}

func (d *Document) walk(n *yaml.Node, path string, depth int, keys *[]string) {
	const deep = 12
	switch {
	case depth > deep || n.Kind == yaml.AliasNode:
	case n.Kind == yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			d.walk(n.Content[i+1], join(path, n.Content[i].Value), depth+1, keys)
		}
	case n.Kind == yaml.SequenceNode && len(n.Content) > 0 && n.Content[0].Kind == yaml.MappingNode:
		for i, e := range n.Content {
			name := strconv.Itoa(i)
			if own := entry(e, "name"); own != nil {
				name = own.Value
			}
			d.walk(e, join(path, name), depth+1, keys)
		}
	default:
		*keys = append(*keys, path)
	}
}
