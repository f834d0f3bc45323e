package scenarios

import (
	_ "embed" // the reference scenario
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

//go:embed reference.yaml
var referenceText []byte

// Reference is the scenario that names every key, with its meaning, default and range.
func Reference() []byte { return slices.Clone(referenceText) }

// Word is what the reference says about one key.
type Word struct {
	Path     string // where the key stands, functions as NAME and elements of lists as []
	Section  string // what it is a key of
	Key      string
	Text     string // its meaning
	Default  string // as it would be written; "" where there is none to write
	Range    string // in words; "" where any value is good
	Required bool
	Example  string // the value that the reference has
	place    string // the path within the reference
}

// wordKey addresses a key: the section's name, and its own.
type wordKey struct{ section, key string }

// learnWords reads the reference and keeps what its comments say about each key.
func (l *language) learnWords() {
	doc, ds := Parse("reference.yaml", referenceText)
	if doc == nil {
		panic("scenarios: " + ds.Error())
	}
	words := map[wordKey]Word{}
	r := &reader{doc: doc, opts: &Options{Open: openExample}, lang: l}
	r.seen = func(k wordKey, path string, key, value *yaml.Node) {
		if _, known := words[k]; known {
			return
		}
		w := parseWord(doc.text.comment(key.Line))
		w.Section, w.Key, w.place, w.Path = k.section, k.key, path, pattern(path)
		if text := inFlow(value); len(text) <= longestExample {
			w.Example = text
		}
		words[k] = w
	}
	r.scenario()
	l.words = words
	l.shareWords(l.processes)
	l.shareWords(l.distributions["time"])
}

// longestExample is how long a value may be, in bytes, that is shown as an example.
const longestExample = 60

// inFlow is a value on one line.
func inFlow(n *yaml.Node) string {
	var parts []string
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			parts = append(parts, n.Content[i].Value+": "+inFlow(n.Content[i+1]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case yaml.SequenceNode:
		for _, v := range n.Content {
			parts = append(parts, inFlow(v))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case yaml.AliasNode:
		return inFlow(n.Alias)
	}
	return n.Value
}

// like is how the key is written, for example; "" where there is no short way.
func (w Word) like() string {
	if w.Example == "" {
		return ""
	}
	return w.place[strings.LastIndexByte(w.place, '.')+1:] + ": " + w.Example
}

// shareWords gives the words about keys that all alternatives of a union have to those at which the
// reference does not repeat them.
func (l *language) shareWords(union []*section) {
	first := map[string]Word{}
	for _, s := range union {
		for i := range s.fields {
			f := &s.fields[i]
			if w, ok := l.words[wordKey{s.name, f.name}]; ok && f.owner != 0 && w.Text != "" &&
				first[f.name].Text == "" {
				first[f.name] = w
			}
		}
	}
	for _, s := range union {
		for i := range s.fields {
			f := &s.fields[i]
			key := wordKey{s.name, f.name}
			if w, ok := first[f.name]; ok && f.owner != 0 && l.words[key].Text == "" {
				w.Section = s.name
				if f.owner == ignored {
					w.Example = s.kind()
				}
				l.words[key] = w
			}
		}
	}
}

// comment is the comment lines directly above a line.
func (s *source) comment(line int) string {
	var block []string
	for i := line - 2; i >= 0; i-- {
		text, ok := strings.CutPrefix(strings.TrimLeft(s.lines[i], " -"), "#")
		if !ok {
			break
		}
		block = append(block, strings.TrimSpace(text))
	}
	slices.Reverse(block)
	return strings.Join(block, " ")
}

// parseWord takes a comment apart: sentences that begin with Default:, Range: or are Required say
// just that, and the others are the meaning.
func parseWord(comment string) Word {
	var w Word
	var text []string
	for _, sentence := range strings.SplitAfter(comment, ". ") {
		sentence = strings.TrimSpace(sentence)
		bare := strings.TrimSuffix(sentence, ".")
		if value, ok := strings.CutPrefix(bare, "Default: "); ok {
			w.Default = value
		} else if value, ok := strings.CutPrefix(bare, "Range: "); ok {
			w.Range = value
		} else if bare == "Required" {
			w.Required = true
		} else if sentence != "" {
			text = append(text, sentence)
		}
	}
	w.Text = strings.Join(text, " ")
	return w
}

// pattern is a path with the names of functions and the numbers of elements left out.
func pattern(path string) string {
	parts := strings.Split(path, ".")
	if parts[0] == "functions" && len(parts) > 1 {
		parts[1] = "NAME"
	}
	for i, p := range parts {
		name, rest, ok := strings.Cut(p, "[")
		if ok {
			index, after, _ := strings.Cut(rest, "]")
			if _, err := strconv.Atoi(index); err == nil {
				parts[i] = name + "[]" + after
			}
		}
	}
	return strings.Join(parts, ".")
}

// describe writes what the word says into a JSON Schema.
func (w Word) describe(s schema) {
	if w.Text != "" {
		text := w.Text
		if w.Range != "" {
			text += " Range: " + w.Range + "."
		}
		s["description"] = text
	}
	if w.Default != "" {
		s["default"] = plainValue(w.Default)
	}
	if s["type"] == nil {
		return
	}
	if low, high, ok := w.Bounds(); ok {
		if x, err := strconv.ParseFloat(low, 64); err == nil {
			s["minimum"] = x
		}
		if x, err := strconv.ParseFloat(high, 64); err == nil {
			s["maximum"] = x
		}
	}
}

// plainValue is a default as JSON: a number or a truth value where it is one.
func plainValue(text string) any {
	if x, err := strconv.ParseFloat(text, 64); err == nil {
		return x
	}
	if text == "true" || text == "false" {
		return text == "true"
	}
	return text
}

// Bounds takes a range "A to B" apart; high is "" for "A or more".
func (w Word) Bounds() (low, high string, ok bool) {
	if low, ok := strings.CutSuffix(w.Range, " or more"); ok {
		return low, "", true
	}
	low, high, ok = strings.Cut(w.Range, " to ")
	high, _, _ = strings.Cut(high, ",")
	return low, high, ok
}

// Words are all keys, in the order of the language.
func Words() []Word {
	l := theLanguage()
	var all []Word
	for _, s := range l.sections {
		for _, key := range s.keys() {
			if w, ok := l.words[wordKey{s.name, key}]; ok {
				all = append(all, w)
			}
		}
	}
	return all
}

// Explain finds the keys that the text names: a dotted key of a scenario, the end of one, a section
// or a kind of arrivals or distribution. The suggestion is the nearest name where there is none.
func Explain(text string) (found []Word, suggestion string) {
	all := Words()
	want := pattern(strings.TrimSpace(text))
	if want == "functions.NAME" {
		text = "function"
	}
	tests := []func(w Word) bool{
		func(w Word) bool {
			return w.Path == want || w.Path == namedAs(w.Path, want) || w.Section == text ||
				strings.HasSuffix(w.Section, " "+text)
		},
		func(w Word) bool { return strings.HasSuffix("."+w.Path, "."+want) },
	}
	for _, test := range tests {
		for _, w := range all {
			if test(w) {
				found = append(found, w)
			}
		}
		if len(found) > 0 {
			return found, ""
		}
	}
	names := make([]string, 0, 2*len(all))
	for _, w := range all {
		names = append(names, w.Key, w.Path, w.Section[strings.LastIndexByte(w.Section, ' ')+1:])
	}
	if near := Nearest(text, names); near != "" || len(text) < 3 {
		return nil, near
	}
	for _, w := range all { // a part of a key
		if strings.Contains(w.Key, text) {
			return nil, w.Key
		}
	}
	return nil, ""
}

// namedAs is the pattern of a path as someone writes it who names workloads, or counts with a dot.
func namedAs(path, want string) string {
	rest, ok := strings.CutPrefix(want, "workloads.")
	if !ok {
		return path + " "
	}
	_, rest, _ = strings.Cut(rest, ".")
	return "workloads[]." + rest
}

// inner is the keys that can stand inside of the key's value.
func (w Word) inner() []string {
	var keys []string
	for _, other := range Words() {
		rest, ok := strings.CutPrefix(other.Path, w.Path)
		if !ok || rest == "" {
			continue
		}
		rest = strings.TrimPrefix(rest, "[]")
		rest, ok = strings.CutPrefix(rest, ".")
		rest = strings.TrimPrefix(rest, "NAME.")
		if key, _, _ := strings.Cut(rest, "."); ok && key == other.Key && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// String is the word as `simcap explain` prints it.
func (w Word) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", w.Path)
	if kind, ok := strings.CutPrefix(w.Section, "arrivals "); ok && w.Key != "process" {
		fmt.Fprintf(&b, "  of process: %s\n", kind)
	} else if kind, ok := strings.CutPrefix(w.Section, "distribution "); ok && w.Key != "dist" {
		fmt.Fprintf(&b, "  of dist: %s\n", kind)
	}
	for _, line := range wrapped(w.Text, 94) {
		fmt.Fprintf(&b, "  %s\n", line)
	}
	if w.Required {
		b.WriteString("  required\n")
	}
	if w.Default != "" {
		fmt.Fprintf(&b, "  default: %s\n", w.Default)
	}
	if w.Range != "" {
		fmt.Fprintf(&b, "  range:   %s\n", w.Range)
	}
	if inner := w.inner(); len(inner) > 0 {
		for i, line := range wrapped(strings.Join(inner, ", "), 85) {
			fmt.Fprintf(&b, "  %-8s %s\n", []string{"keys:", ""}[min(i, 1)], line)
		}
	}
	if like := w.like(); like != "" && w.Example != w.Default {
		fmt.Fprintf(&b, "  example: %s\n", like)
	}
	return b.String()
}

// wrapped breaks a text into lines of at most so many characters, between words.
func wrapped(text string, most int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > most {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
