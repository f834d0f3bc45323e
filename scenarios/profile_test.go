package scenarios

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"
)

// Every key of a profile that the loader accepts is in the reference of profiles, with a meaning.
func TestProfileReferenceIsComplete(t *testing.T) {
	theLanguage()
	l := theLanguage().profiles
	for _, s := range l.sections {
		for _, key := range s.keys() {
			w, ok := l.words[wordKey{s.name, key}]
			if !ok {
				t.Errorf("%s: the key %q is not in profile.reference.yaml", s.name, key)
			} else if w.Text == "" {
				t.Errorf("%s: the key %q has no meaning", s.name, key)
			}
		}
	}
	p, ds := ReadProfile("profile.reference.yaml", ProfileReference())
	if len(ds) > 0 {
		t.Fatal(ds)
	}
	if p.Provenance.GPU != "NVIDIA L4" || p.Valid.BatchSize[1] != 32 || p.Energy.IdleWatts != 16 ||
		p.Server.Discipline != "queue" || len(p.ColdStart.Stages) != 2 || p.Quality.CVError != 0.007 {
		t.Errorf("%+v", p)
	}
}

// Every profile of the library reads without a word, says what it was measured on, where it comes
// from and under which licence, and makes a scenario that runs.
func TestLibraryProfiles(t *testing.T) {
	names := LibraryProfiles()
	if len(names) < 10 {
		t.Fatalf("only %d profiles", len(names))
	}
	for _, name := range names {
		text, _ := LibraryProfile(name)
		p, ds := ReadProfile(name, text)
		if len(ds) > 0 {
			t.Errorf("%s: %v", name, ds)
			continue
		}
		o := p.Provenance
		if p.Name != name || p.Description == "" || o.Source == "" || o.Licence == "" || o.Date == "" ||
			o.GPU == "" || o.Model == "" || o.Engine == "" || o.How != "published" || p.Synthetic {
			t.Errorf("%s does not say all of where it comes from: %+v", name, o)
		}
		if len(p.Valid.BatchSize) == 0 && len(p.Valid.Concurrent) == 0 {
			t.Errorf("%s does not say where it holds", name)
		}
		s := strings.Replace(plainScenario, "service: {time: 30ms}", "service: {profile: "+name+"}", 1)
		if p.Service.LLM != nil {
			s = withEngineProfile(name)
		}
		if _, ds := Load("x.yaml", []byte(s), Options{}); ds.Failed() {
			t.Errorf("%s: %v", name, ds)
		}
	}
}

func TestProfileOfTheLibrary(t *testing.T) {
	s := strings.Replace(plainScenario, "service: {time: 30ms}", "service: {profile: resnet50-trt-fp16-a10}", 1)
	_, ds := Load("x.yaml", []byte(s), Options{})
	if len(ds) != 1 || !strings.Contains(ds[0].Help, `did you mean "resnet50-trt-fp16-a`) {
		t.Error(ds)
	}
	// The engine that is not known is not missed elsewhere.
	s = strings.Replace(plainScenario, "service: {time: 30ms}", "service: {profile: llama-3.1-8b}", 1)
	s = strings.Replace(s, "function: embed\n", "function: embed\n    output_tokens: 100\n", 1)
	s = strings.Replace(s, "metric: latency.p99, function", "metric: ttft.p95, function", 1)
	_, ds = Load("x.yaml", []byte(s), Options{})
	if len(ds) != 1 || !strings.Contains(ds[0].Help, `did you mean "llama31-8b-vllm-`) {
		t.Error(ds)
	}
}

func TestReadProfileMistakes(t *testing.T) {
	for _, c := range []struct{ text, message, help string }{
		{"simcap: 1\n", "not a profile", "this is a scenario"},
		{"simcap_profile: 2\nservice: {}\n", "not a profile", ""},
		{"simcap_profile: 1\nservice: {time: -3s}\n", "negative", ""},
		{"simcap_profile: 1\nservice: {time: 3s}\nprovenance: {gppu: L4}\n", `unknown key "gppu"`, `did you mean "gpu"?`},
		{"simcap_profile: 1\nservice: {time: 3s}\nvalid: {concurrent: [8, 1]}\n", "ends (1) before", ""},
		{"simcap_profile: 1\nservice: {batch: {points: {1: 3ms}, base: 3ms}}\n", "not both", ""},
		{"", "empty", ""},
		{"simcap_profile: 1\nservice: {time: {dist: empirical, file: x.txt}}\n", "", ""},
	} {
		p, ds := ReadProfile("x", []byte(c.text))
		if p != nil || len(ds) == 0 || !strings.Contains(ds[0].Message, c.message) || !strings.Contains(ds[0].Help, c.help) {
			t.Errorf("%q: %v", c.text, ds)
		}
	}
}

// The schema of profiles takes the reference and the library, and refuses a misspelt key.
func TestProfileSchema(t *testing.T) {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(ProfileSchema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("profile.json", document); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("profile.json")
	if err != nil {
		t.Fatal(err)
	}
	valid := func(text []byte) error {
		var v any
		if err := yaml.Unmarshal(text, &v); err != nil {
			return err
		}
		b, err := json.Marshal(stringKeys(v))
		if err != nil {
			return err
		}
		instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
		if err != nil {
			return err
		}
		return compiled.Validate(instance)
	}
	if err := valid(ProfileReference()); err != nil {
		t.Errorf("the reference: %v", err)
	}
	for _, name := range LibraryProfiles() {
		text, _ := LibraryProfile(name)
		if err := valid(text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if valid([]byte("simcap_profile: 1\nservice: {time: 3s}\nenergy: {joules: 3}\n")) == nil {
		t.Error("the schema takes a misspelt key")
	}
}

// stringKeys turns the keys of mappings into texts, as JSON wants them.
func stringKeys(v any) any {
	switch v := v.(type) {
	case map[any]any:
		out := map[string]any{}
		for key, value := range v {
			out[fmt.Sprint(key)] = stringKeys(value)
		}
		return out
	case map[string]any:
		for key, value := range v {
			v[key] = stringKeys(value)
		}
	case []any:
		for i := range v {
			v[i] = stringKeys(v[i])
		}
	}
	return v
}
