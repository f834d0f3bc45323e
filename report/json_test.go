package report

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/simcap/simcap/internal/specimen"
)

// What is written is read back the same, and written again it is the same bytes.
func TestJSONRoundTrip(t *testing.T) {
	for name, r := range specimens() {
		var first, second bytes.Buffer
		if err := JSON(&first, r, true); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		back, err := ReadJSON(bytes.NewReader(first.Bytes()))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := JSON(&second, back, true); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(first.Bytes(), second.Bytes()) {
			t.Errorf("%s: the bytes differ after a round trip", name)
		}
		if name == "day" && !cmp.Equal(r, back) {
			t.Errorf("%s", cmp.Diff(r, back))
		}
	}
}

// The document of docs/semantics.md has its keys and no others.
func TestJSONKeys(t *testing.T) {
	var b bytes.Buffer
	if err := JSON(&b, specimen.Make(specimen.Day()), false); err != nil {
		t.Fatal(err)
	}
	var document map[string]any
	if err := json.Unmarshal(b.Bytes(), &document); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"simcap", "scenario", "seed", "replications", "warmup_s",
		"horizon_s", "functions",
		"workloads", "total", "slo", "warnings"} {
		if _, ok := document[key]; !ok {
			t.Errorf("%s is missing", key)
		}
		delete(document, key)
	}
	if len(document) > 0 {
		t.Errorf("more than docs/semantics.md says: %v", document)
	}
	if !bytes.Contains(b.Bytes(), []byte("\n  \"scenario\": \"embeddings on L40S\",\n")) {
		t.Errorf("not indented by two: %.200s", b.Bytes())
	}
}

func TestJSONRefusesWhatIsNotFinite(t *testing.T) {
	r := specimen.Make(specimen.Once())
	nan := math.NaN()
	r.Total.LatencyS.P99.Value = &nan
	if err := JSON(&bytes.Buffer{}, r, false); err == nil {
		t.Error("NaN was written")
	}
}

func TestReadJSONErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                     "not JSON",
		"{\n\"scenario\": 1}":  "line 2",
		"[1,2]":                "not JSON of simcap",
		`{"a": 1}`:             "no results",
		"simcap: 1\nname: x\n": "not JSON",
		`{"scenario":"x","replications":1,"total":{"queue_mean":"much"}}`: "damaged",
	} {
		_, err := ReadJSON(strings.NewReader(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}
