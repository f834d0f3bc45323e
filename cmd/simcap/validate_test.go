package main

import (
	"context"
	"strings"
	"testing"
)

func TestValidate(t *testing.T) {
	o := simcap(t, "", "validate", "mg1_window", "mg_inf")
	o.expect(t, exitDone, "8 of 8 comparisons agree\n", "")
	for _, want := range []string{"  mg1_window  6 of 6 agree", "cold starts per input", "exactly 0.23978877",
		"  mg_inf  2 of 2 agree"} {
		if !strings.Contains(o.stdout, want) {
			t.Errorf("%q is not in\n%s", want, o.stdout)
		}
	}
	simcap(t, "", "validate", "mg1_windw").expect(t, exitUsage, "", `there is no case "mg1_windw"; did you mean "mg1_window"?`)
	simcap(t, "", "validate", "--scenario").expect(t, exitUsage, "", "name a case")
}

// TestValidateScenario: what --scenario prints is a scenario.
func TestValidateScenario(t *testing.T) {
	o := simcap(t, "", "validate", "--scenario", "erlang_a")
	o.expect(t, exitDone, "# M/M/10+M", "")
	simcap(t, o.stdout, "check", "-").expect(t, exitDone, "erlang_a: good", "")
}

func TestValidateInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var out, errs strings.Builder
	if code := run(ctx, []string{"validate"}, strings.NewReader(""), &out, &errs); code != exitInterrupted {
		t.Errorf("exit code %d; %d was expected\n%s", code, exitInterrupted, errs.String())
	}
}
