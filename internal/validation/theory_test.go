package validation

import (
	"context"
	"testing"
)

func TestTheory(t *testing.T) {
	for _, family := range Theory() {
		for i := range family.Cases {
			c := &family.Cases[i]
			t.Run(c.Name, func(t *testing.T) { compare(t, c) })
		}
	}
}

// compare runs a case: every answer lies in simcap's interval, and every interval is narrow enough for
// that to mean something.
func compare(t *testing.T, c *Case) {
	t.Helper()
	findings, err := Run(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	for i := range findings {
		f := &findings[i]
		half := (f.High - f.Low) / 2
		t.Logf("%-40s %12.7g ± %.2g (%.2f %%) against %.7g: %+.2f half-widths", f.Check.Name,
			f.Value, half,
			100*half/f.Answer(), f.Answer(), (f.Value-f.Answer())/half)
		if !f.Agrees() {
			t.Errorf("%s: %.7g in %.7g … %.7g was expected to hold %.7g", f.Check.Name, f.Value,
				f.Low, f.High,
				f.Answer())
		}
		if !f.Sharp() {
			t.Errorf("%s: the interval %.7g … %.7g is too wide around %.7g", f.Check.Name, f.Low,
				f.High, f.Answer())
		}
	}
}
