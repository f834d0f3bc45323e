package scenarios

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"
)

// Every key that the loader accepts is in the reference, with a meaning.
func TestReferenceIsComplete(t *testing.T) {
	l := theLanguage()
	for _, s := range l.sections {
		for _, key := range s.keys() {
			w, ok := l.words[wordKey{s.name, key}]
			if !ok {
				t.Errorf("%s: the key %q is not in reference.yaml", s.name, key)
			} else if w.Text == "" {
				t.Errorf("%s: the key %q (%s) has no meaning", s.name, key, w.Path)
			}
		}
	}
}

func TestReferenceLoads(t *testing.T) {
	s, ds := Load("reference.yaml", Reference(), ExampleOptions())
	for _, d := range ds {
		if d.Severity == Error || !strings.Contains(d.Message, "no effect") {
			t.Errorf("%s", d.Message)
		}
	}
	if s == nil {
		t.Fatal("the reference is not a scenario")
	}
}

// A default that the reference names changes nothing where it is written out.
func TestReferenceDefaults(t *testing.T) {
	words := Words()
	tested := 0
	for _, w := range words {
		if w.Default == "" || strings.ContainsAny(w.Default, " '") || w.Default == "max_inputs" {
			continue
		}
		value := strings.TrimSuffix(w.Default, ",")
		doc := lightReference(t)
		remove(t, doc, w.place)
		without, ds := doc.Scenario(ExampleOptions())
		opts := ExampleOptions()
		opts.Set = []Override{{Key: w.place, Value: value}}
		with, more := doc.Scenario(opts)
		if without == nil || with == nil {
			t.Errorf("%s: %s %s", w.Path, ds.Text(false), more.Text(false))
			continue
		}
		tested++
		if diff := equal(without, with); diff != "" {
			t.Errorf("%s is not %s by default:\n%s", w.Path, value, diff)
		}
	}
	if tested < 50 {
		t.Errorf("only %d defaults were tested", tested)
	}
}

// lightReference is the reference without the axes, whose values would all be tried at every reading.
func lightReference(t *testing.T) *Document {
	t.Helper()
	doc, ds := Parse("reference.yaml", Reference())
	if doc == nil {
		t.Fatal(ds)
	}
	remove(t, doc, "sweep")
	remove(t, doc, "plan")
	return doc
}

// remove takes a key out of the document.
func remove(t *testing.T, doc *Document, path string) {
	t.Helper()
	parts := steps(path)
	n := doc.root
	for i, part := range parts {
		if n.Kind == yaml.SequenceNode {
			index, err := strconv.Atoi(part.name)
			if err != nil {
				t.Fatal(path)
			}
			n = n.Content[index]
			continue
		}
		for j := 0; j < len(n.Content); j += 2 {
			if n.Content[j].Value != part.name {
				continue
			}
			if i == len(parts)-1 {
				n.Content = slices.Delete(n.Content, j, j+2)
				return
			}
			n = n.Content[j+1]
			break
		}
	}
	t.Fatalf("the reference has no %s", path)
}

// The range that the reference names is the range that the loader holds: its ends are in, and what
// lies beyond is an error at the key.
func TestReferenceRanges(t *testing.T) {
	tested := 0
	doc := lightReference(t)
	for _, w := range Words() {
		for _, probe := range probesOf(w.Range) {
			opts := ExampleOptions()
			opts.Set = []Override{{Key: w.place, Value: probe.value}}
			_, ds := doc.Scenario(opts)
			objected := slices.ContainsFunc(ds, func(d Diagnostic) bool {
				return d.Severity == Error && d.File == "--set" && isAboutRange(d.Message)
			})
			if objected == probe.good {
				t.Errorf("%s: %s, of range %s: in it %v, objected to %v\n%s", w.Path, probe.value, w.Range, probe.good,
					objected, ds.Text(false))
			}
			tested++
		}
	}
	if tested < 150 {
		t.Errorf("only %d values were tested", tested)
	}
}

// isAboutRange tells an objection to a value from one to what it does together with others.
func isAboutRange(message string) bool {
	for _, part := range []string{"must ", "negative", "100 years", "too large", "no ", "at least", "at most", "longer than",
		"whole number", "not known", "expected"} {
		if strings.Contains(message, part) && !strings.Contains(message, "no container could") {
			return true
		}
	}
	return false
}

type rangeProbe struct {
	value string
	good  bool
}

// probesOf are values at both ends of a range and just beyond them.
func probesOf(text string) []rangeProbe {
	if choices := strings.Split(text, ", "); len(choices) > 1 && !strings.Contains(text, "more than") {
		all := []rangeProbe{{"zzz", false}}
		for _, c := range choices {
			all = append(all, rangeProbe{c, true})
		}
		return all
	}
	open := strings.HasPrefix(text, "more than ")
	text = strings.Replace(strings.TrimPrefix(text, "more than "), ", up to ", " to ", 1)
	low, high, closed := strings.Cut(text, " to ")
	low = strings.TrimSuffix(low, " or more")
	if text == "" || low == "" {
		return nil
	}
	all := []rangeProbe{{low, !open}, {"-1", false}}
	if closed && strings.HasSuffix(high, "years") {
		all = append(all, rangeProbe{"36525d", true}, rangeProbe{"36526d", false})
	} else if closed {
		all = append(all, rangeProbe{high, true})
		if n, err := strconv.Atoi(high); err == nil {
			all = append(all, rangeProbe{strconv.Itoa(n + 1), false})
		}
	}
	if n, err := strconv.Atoi(low); err == nil && n > 0 && !open {
		all = append(all, rangeProbe{strconv.Itoa(n - 1), false})
	}
	return all
}

func TestExplain(t *testing.T) {
	for text, want := range map[string]string{
		"functions.embed.batched.wait_ms":       "functions.NAME.batched.wait_ms",
		"functions.anything.service.batch.base": "functions.NAME.service.batch.base",
		"scaledown_window":                      "functions.NAME.scaledown_window",
		"workloads.web.client.retry":            "workloads[].client.retry",
		"workloads[3].method":                   "workloads[].method",
		"mmpp":                                  "workloads[].arrivals.states",
		"pareto":                                "functions.NAME.service.time.parts[].shape",
		"platform.limits.rate_sync":             "platform.limits.rate_sync",
		"slo":                                   "slo[].metric",
	} {
		words, _ := Explain(text)
		if !slices.ContainsFunc(words, func(w Word) bool { return w.Path == want }) {
			t.Errorf("%s: %d words, none of %s", text, len(words), want)
		}
	}
	if words, near := Explain("scaledown_windw"); len(words) > 0 || near != "scaledown_window" {
		t.Errorf("%v, %q", words, near)
	}
}

// validator is the JSON Schema, ready to judge.
func validator(t *testing.T) func(text string) error {
	t.Helper()
	var document any
	if err := json.Unmarshal(Schema(), &document); err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("simcap.schema.json", document); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("simcap.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return func(text string) error {
		var value any
		if err := yaml.Load([]byte(text), &value); err != nil {
			return err
		}
		return s.Validate(asJSON(value))
	}
}

// asJSON is a YAML value with texts as keys.
func asJSON(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for k := range v {
			v[k] = asJSON(v[k])
		}
	case map[any]any:
		out := map[string]any{}
		for k, e := range v {
			key, _ := json.Marshal(k)
			out[strings.Trim(string(key), `"`)] = asJSON(e)
		}
		return out
	case []any:
		for i := range v {
			v[i] = asJSON(v[i])
		}
	}
	return value
}

// The examples are good by both routes: the loader and the schema.
func TestExamples(t *testing.T) {
	valid := validator(t)
	examples := Examples()
	if len(examples) < 6 {
		t.Errorf("%d examples", len(examples))
	}
	reference, _ := FindExample("reference")
	for _, e := range append(examples, reference) {
		s, ds := Load(e.Name, e.Text, ExampleOptions())
		if s == nil {
			t.Errorf("%s:\n%s", e.Name, ds.Text(false))
			continue
		}
		if len(ds) > 0 && e.Name != "reference" {
			t.Errorf("%s:\n%s", e.Name, ds.Text(false))
		}
		if err := valid(string(e.Text)); err != nil {
			t.Errorf("%s: %v", e.Name, err)
		}
		if !strings.HasSuffix(e.Question, "?") && e.Name != "reference" || s.Name != e.Name || len(s.SLO) == 0 {
			t.Errorf("%s: question %q, name %q, %d objectives", e.Name, e.Question, s.Name, len(s.SLO))
		}
	}
}

// What the schema can see, it sees as the loader does.
func TestSchemaSeesMistakes(t *testing.T) {
	valid := validator(t)
	if err := valid(plainScenario); err != nil {
		t.Fatal(err)
	}
	// Contradictions, references to names, and files are beyond a schema.
	for _, m := range mistakes() {
		text := change(t, m.old, m.new)
		seen := valid(text) != nil
		if shape := strings.Contains(m.message, "unknown key") || strings.Contains(m.message, "is missing in") ||
			strings.Contains(m.message, "where a") || strings.Contains(m.message, "there is no metric"); shape &&
			!strings.HasPrefix(m.name, "axis") && !seen {
			t.Errorf("%s: the schema does not see it", m.name)
		}
		if m.asWarning && seen && m.name != "update that changes nothing" {
			t.Errorf("%s: only a warning, and the schema refuses it: %v", m.name, valid(text))
		}
	}
}
