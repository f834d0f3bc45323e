package scenarios

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// LargestFile is how large a scenario file may be, in bytes. Traffic belongs into traces.
const LargestFile = 16 << 20

// Document is a scenario file that was parsed once. It can be read many times, each time with other
// settings, and is never changed by it, but remembers the traces that were found good.
type Document struct {
	text   source
	root   *yaml.Node // the top mapping
	mutex  sync.Mutex
	traces map[string]*traceFile // guarded by mutex
}

// source is a text that diagnostics point into.
type source struct {
	name  string
	lines []string
}

// Parse reads the YAML of a scenario file; the name is how diagnostics call it. Whether it is a
// scenario is found out by Document.Scenario. The document is nil where the diagnostics have an
// error.
func Parse(name string, data []byte) (*Document, Diagnostics) {
	doc := &Document{text: source{name: name}, traces: map[string]*traceFile{}}
	root, ds := doc.text.parse(data, "a scenario")
	doc.root = root
	if ds.Failed() {
		return nil, ds
	}
	return doc, nil
}

// parse reads one YAML document whose top is a mapping and keeps its lines for excerpts.
func (s *source) parse(data []byte, what string) (*yaml.Node, Diagnostics) {
	switch {
	case len(data) > LargestFile:
		return nil, s.whole(fmt.Sprintf("the file is larger than %d MB, the most that %s may have",
			LargestFile>>20, what),
			"put traffic into a trace file, and name that: arrivals: {process: trace, file: ...}")
	case bytes.IndexByte(data, 0) >= 0 || !utf8.Valid(data):
		return nil, s.whole("this is not a text file in UTF-8", "")
	case len(bytes.TrimSpace(data)) == 0:
		return nil, s.whole("the file is empty", startHelp(what))
	}
	s.lines = splitLines(strings.TrimPrefix(string(data), "\ufeff"))
	var top yaml.Node
	if err := yaml.Load(data, &top); err != nil {
		return nil, s.syntax(err, what)
	}
	if len(top.Content) == 0 {
		return nil, s.whole("the file is empty", startHelp(what))
	}
	root := top.Content[0]
	if root.Kind != yaml.MappingNode {
		d := s.at(root, "", fmt.Sprintf("%s is a mapping of keys to values, and this is %s", what,
			describe(root)))
		d.Help = startHelp(what)
		return nil, Diagnostics{d}
	}
	return root, nil
}

// splitLines splits a text where YAML 1.1 begins a new line.
func splitLines(text string) []string {
	breaks := strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n")
	return strings.Split(breaks.Replace(text), "\n")
}

func startHelp(what string) string {
	if what != "a scenario" {
		return ""
	}
	return "`simcap init embeddings` writes an example to start from"
}

// whole is an error about the text as a whole.
func (s *source) whole(message, help string) Diagnostics {
	return Diagnostics{{Severity: Error, File: s.name, Message: message, Help: help}}
}

// syntax turns what the YAML parser says into diagnostics.
func (s *source) syntax(err error, what string) Diagnostics {
	var failed *yaml.LoadError
	if !errors.As(err, &failed) {
		return s.whole("not YAML: "+err.Error(), "")
	}
	message := strings.TrimPrefix(failed.Message, "yaml: ")
	switch {
	case strings.Contains(message, "no documents"):
		return s.whole("the file is empty", startHelp(what))
	case strings.Contains(message, "found multiple"):
		return s.whole("the file holds several YAML documents, and "+what+" is one",
			"remove the lines of `---`")
	}
	d := Diagnostic{Severity: Error, File: s.name, Message: "not YAML: " + message,
		Line: failed.Mark.Line, Column: failed.Mark.Column}
	if failed.ContextMsg != "" {
		d.Message += " " + failed.ContextMsg
	}
	if d.Line < 1 || d.Line > len(s.lines) {
		d.Line, d.Column = 0, 0
	}
	if d.Line > 0 && strings.HasPrefix(strings.TrimLeft(s.lines[d.Line-1], " "), "\t") {
		d.Help = "YAML is indented with spaces, not with tabs"
	}
	d.excerpt = s.excerpt(d.Line, 1)
	return Diagnostics{d}
}

// at is an error at a node.
func (s *source) at(n *yaml.Node, path, message string) Diagnostic {
	return Diagnostic{Severity: Error, File: s.name, Line: n.Line, Column: n.Column, Path: path,
		Message: message,
		excerpt: s.excerpt(n.Line, nodeWidth(n))}
}

func (s *source) excerpt(line, width int) excerpt {
	if line < 1 || line > len(s.lines) {
		return excerpt{}
	}
	e := excerpt{line: s.lines[line-1], width: width}
	if line > 1 {
		e.before = s.lines[line-2]
	}
	return e
}

// nodeWidth is how many characters of the line the node takes, as far as the node knows.
func nodeWidth(n *yaml.Node) int {
	switch {
	case n.Kind == yaml.AliasNode:
		return utf8.RuneCountInString(n.Value) + 1
	case n.Kind == yaml.MappingNode && n.Style&yaml.FlowStyle == 0 && len(n.Content) > 0:
		return nodeWidth(n.Content[0])
	case n.Kind != yaml.ScalarNode || n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return 1
	case n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		return utf8.RuneCountInString(n.Value) + 2
	}
	return utf8.RuneCountInString(n.Value)
}

// describe says what a node is, for messages.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	}
	if isNull(n) {
		return "nothing"
	}
	return shorten(n.Value)
}

// isNull says whether the node has no value.
func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }
