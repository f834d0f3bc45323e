//go:build linux && (amd64 || arm64) && !nogpu

package gpu

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/simcap/simcap/calibrate/cuda"
	"github.com/simcap/simcap/internal/standin"
)

// Calls that come at once are served on several lanes, each once; what a lane cannot do is told in its
// answer, and the others go on.
func TestServeOnLanes(t *testing.T) {
	t.Setenv(cuda.LibraryVariable, standin.BuildCUDA(t))
	t.Setenv("FAKECUDA_CONFIG", "mem=300e6")
	t.Setenv("FAKECUDA_FAIL", "")
	var in strings.Builder
	const calls = 40
	for i := 1; i <= calls; i++ {
		n := 1 + i%3
		if i == 7 {
			n = 5000 // more than fits into memory
		}
		fmt.Fprintf(&in, "{\"id\":%d,\"op\":\"call\",\"n\":%d}\n", i, n)
	}
	var out bytes.Buffer
	spec := Spec{Kind: "transformer", Layers: 2, Hidden: 128, Tokens: 32, Precision: "auto"}
	if err := Serve(strings.NewReader(in.String()), &out, 0, spec, 4); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	var hello Hello
	if err := json.Unmarshal([]byte(lines[0]), &hello); err != nil || !hello.Ready || hello.GPU == nil || len(hello.Stages) != 5 {
		t.Errorf("%s %v", lines[0], err)
	}
	seen := map[int]bool{}
	for _, line := range lines[1:] {
		var a answer
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatal(err)
		}
		if good := a.ID != 7; seen[a.ID] || (a.Error == "") != good || (a.FnNS > 0) != good {
			t.Errorf("%+v", a)
		}
		seen[a.ID] = true
	}
	if len(seen) != calls {
		t.Errorf("%d of %d calls are answered", len(seen), calls)
	}
	// What does not start says why in its hello.
	t.Setenv("FAKECUDA_CONFIG", "mem=1000")
	t.Setenv(cuda.LibraryVariable, standin.BuildCUDA(t))
	out.Reset()
	err := Serve(strings.NewReader(""), &out, 0, spec, 4)
	if err == nil || !strings.Contains(out.String(), `"ready":false`) || !strings.Contains(out.String(), "out of memory on the GPU") {
		t.Errorf("%v %s", err, out.String())
	}
}

func TestSpecs(t *testing.T) {
	for _, name := range PresetNames() {
		s, err := Preset(name)
		s.Precision = "auto"
		if err != nil || s.Validate() != nil {
			t.Errorf("%s: %v %v", name, err, s.Validate())
		}
	}
	good := Spec{Kind: "mlp", Layers: 1, Hidden: 64, Tokens: 1, Precision: "f16"}
	for _, change := range []func(*Spec){func(s *Spec) { s.Kind = "cnn" }, func(s *Spec) { s.Layers = 0 },
		func(s *Spec) { s.Hidden = 65 }, func(s *Spec) { s.Tokens = -1 }, func(s *Spec) { s.Precision = "f8" }} {
		s := good
		change(&s)
		if good.Validate() != nil || s.Validate() == nil {
			t.Errorf("%+v", s)
		}
	}
	if _, err := Preset("gpt"); err == nil {
		t.Error("no error")
	}
}
