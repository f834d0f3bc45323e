package validation

import (
	"context"
	"sync"
	"testing"
)

// remembered runs each case once for all tests: the document shows what they compare.
var remembered = &runs{found: map[string]func() ([]Finding, error){}}

type runs struct {
	mu    sync.Mutex
	found map[string]func() ([]Finding, error)
}

func (r *runs) run(ctx context.Context, c *Case) ([]Finding, error) {
	r.mu.Lock()
	f, ok := r.found[c.Name]
	if !ok {
		f = sync.OnceValues(func() ([]Finding, error) { return Run(ctx, c) })
		r.found[c.Name] = f
	}
	r.mu.Unlock()
	return f()
}

// compareAll makes a test of each case.
func compareAll(t *testing.T, families []Family) {
	for _, family := range families {
		for i := range family.Cases {
			c := &family.Cases[i]
			t.Run(c.Name, func(t *testing.T) {
				t.Parallel()
				compare(t, c)
			})
		}
	}
}

// compare runs a case: every answer lies in simcap's interval, and every interval is narrow enough for
// that to mean something.
func compare(t *testing.T, c *Case) {
	t.Helper()
	findings, err := remembered.run(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	for i := range findings {
		f := &findings[i]
		half := (f.High - f.Low) / 2
		t.Logf("%-40s %12.7g ± %.2g (%.2f %%) against %.7g: %+.2f half-widths", f.Check.Name, f.Value, half,
			100*half/f.Answer(), f.Answer(), (f.Value-f.Answer())/half)
		if !f.Agrees() {
			t.Errorf("%s: %.7g in %.7g … %.7g was expected to hold %.7g", f.Check.Name, f.Value, f.Low, f.High,
				f.Answer())
		}
		if !f.Sharp() {
			t.Errorf("%s: the interval %.7g … %.7g is too wide around %.7g", f.Check.Name, f.Low, f.High, f.Answer())
		}
	}
}

func TestTheory(t *testing.T) { compareAll(t, Theory()) }

func TestPeers(t *testing.T) { compareAll(t, Peers()) }

// TestNames: cases are told apart by their names, which also seed them.
func TestNames(t *testing.T) {
	seen := map[string]bool{}
	for _, family := range append(Theory(), Peers()...) {
		for _, c := range family.Cases {
			if seen[c.Name] {
				t.Errorf("two cases are called %s", c.Name)
			}
			seen[c.Name] = true
		}
	}
}
