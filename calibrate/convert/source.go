package convert

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"go.yaml.in/yaml/v4"
)

// source is a file as far as it can be understood before its format is known.
type source struct {
	File
	objects []object // of JSON, a list or lines of it, or YAML of GuideLLM; nil: it is none of these
	sheet   *sheet   // of CSV; nil: it is none
	damage  error    // why a text that begins like JSON is none
}

// object is a JSON object: the text of each value.
type object map[string]json.RawMessage

// has says whether the object has all of the keys.
func (o object) has(keys ...string) bool {
	for _, k := range keys {
		if o[k] == nil {
			return false
		}
	}
	return true
}

// at is what lies at the end of a path of keys, nil without.
func (o object) at(path ...string) json.RawMessage {
	for i, key := range path {
		raw := o[key]
		if raw == nil || i == len(path)-1 {
			return raw
		}
		var next object
		if json.Unmarshal(raw, &next) != nil {
			return nil
		}
		o = next
	}
	return nil
}

// number is a number at the end of a path, 0 without.
func (o object) number(path ...string) float64 {
	var x float64
	if json.Unmarshal(o.at(path...), &x) != nil {
		return 0
	}
	return x
}

// text is a text at the end of a path, "" without.
func (o object) text(path ...string) string {
	var s string
	if json.Unmarshal(o.at(path...), &s) != nil {
		return ""
	}
	return s
}

func newSource(f File) *source {
	s := &source{File: f}
	text := bytes.TrimSpace(bytes.TrimPrefix(f.Data, []byte("\ufeff")))
	switch {
	case len(text) == 0:
	case text[0] == '{' || text[0] == '[':
		s.objects, s.damage = objectsOf(finite(text))
	case bytes.HasPrefix(text, []byte("benchmarks:")) || bytes.Contains(text, []byte("\nbenchmarks:")):
		if o, err := yamlObject(text); err != nil {
			s.damage = err
		} else {
			s.objects = []object{o}
		}
	default:
		if sheet, err := newSheet(text); err == nil {
			s.sheet = sheet
		} else {
			s.damage = err
		}
	}
	return s
}

// one is the object of a file that has one, else an empty one.
func (s *source) one() object {
	if len(s.objects) == 1 {
		return s.objects[0]
	}
	return nil
}

// all says whether the file has objects and all of them are such.
func (s *source) all(such func(object) bool) bool {
	for _, o := range s.objects {
		if !such(o) {
			return false
		}
	}
	return len(s.objects) > 0
}

// objectsOf are the objects of a JSON text: one, a list of them, or one a line.
func objectsOf(text []byte) ([]object, error) {
	var out []object
	d := json.NewDecoder(bytes.NewReader(text))
	for {
		var raw json.RawMessage
		err := d.Decode(&raw)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		var broken *json.SyntaxError
		switch {
		case errors.Is(err, io.ErrUnexpectedEOF):
			return nil, errors.New("not the JSON that was expected: it ends in the middle")
		case errors.As(err, &broken):
			return nil, fmt.Errorf("not the JSON that was expected: byte %d: %w", broken.Offset, err)
		case err != nil:
			return nil, err
		}
		list := []json.RawMessage{raw}
		if raw[0] == '[' {
			if err := json.Unmarshal(raw, &list); err != nil {
				return nil, err
			}
		}
		for _, one := range list {
			var o object
			if json.Unmarshal(one, &o) != nil || o == nil {
				return nil, errors.New("not the JSON that was expected: something in it is no object")
			}
			out = append(out, o)
		}
	}
}

// finite writes null for the NaN and Infinity that Python's json writes and JSON does not know.
func finite(text []byte) []byte {
	words := [][]byte{[]byte("-Infinity"), []byte("Infinity"), []byte("NaN")}
	if !bytes.Contains(text, words[1]) && !bytes.Contains(text, words[2]) {
		return text
	}
	out := make([]byte, 0, len(text))
	quoted := false
next:
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\' && i+1 < len(text):
			out = append(out, c)
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && (c == '-' || c == 'I' || c == 'N'):
			for _, w := range words {
				if bytes.HasPrefix(text[i:], w) {
					out = append(out, "null"...)
					i += len(w) - 1
					continue next
				}
			}
		}
		out = append(out, text[i])
	}
	return out
}

// The largest YAML that is followed: aliases can make a short text endless.
const (
	mostYAMLNodes = 2_000_000
	mostYAMLDepth = 100
)

// yamlObject is YAML as the JSON that says the same. The requests of a report are left out: they are
// most of its text, and nothing of them is used.
func yamlObject(text []byte) (object, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		return nil, fmt.Errorf("not the YAML that was expected: %w", err)
	}
	if len(root.Content) != 1 {
		return nil, errors.New("not the YAML that was expected: it is empty")
	}
	left := mostYAMLNodes
	value, err := yamlValue(root.Content[0], &left, 0)
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	var o object
	if err := json.Unmarshal(raw, &o); err != nil || o == nil {
		return nil, errors.New("not the YAML that was expected: it has no keys")
	}
	return o, nil
}

func yamlValue(n *yaml.Node, left *int, depth int) (any, error) {
	if *left--; *left < 0 || depth > mostYAMLDepth {
		return nil, errors.New("not the YAML that was expected: it is too deep or too large")
	}
	switch n.Kind {
	case yaml.AliasNode:
		return yamlValue(n.Alias, left, depth+1)
	case yaml.MappingNode:
		out := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i].Value
			if key == "requests" {
				continue
			}
			v, err := yamlValue(n.Content[i+1], left, depth+1)
			if err != nil {
				return nil, err
			}
			out[key] = v
		}
		return out, nil
	case yaml.SequenceNode:
		out := []any{}
		for _, c := range n.Content {
			v, err := yamlValue(c, left, depth+1)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		return out, nil
	}
	var x float64
	switch n.ShortTag() {
	case "!!null":
		return nil, nil
	case "!!int", "!!float":
		if n.Decode(&x) != nil || math.IsNaN(x) || math.IsInf(x, 0) {
			return nil, nil
		}
		return x, nil
	}
	return strings.TrimSpace(n.Value), nil
}

// decode reads one of the file's objects.
func (o object) decode(into any) error {
	raw, err := json.Marshal(o)
	if err == nil {
		err = json.Unmarshal(raw, into)
	}
	if err != nil {
		return fmt.Errorf("not the JSON that was expected: %w", err)
	}
	return nil
}
