package validation

import (
	"context"
	"fmt"
)

// What the document says of coverage: so many results of so many seconds.
const (
	coverageTimes   = 400
	coverageHorizon = 50_000
	coverageRuns    = 5 // replications of each, where Student's t differs most from the normal law
	coverageCase    = "mg1_window"
	coverageCheck   = "mean wait"
)

// Coverage runs a case again and again, much shorter and each time with other seeds, and counts how
// often simcap's 95 % interval holds the exact value of the check of the given name.
func Coverage(ctx context.Context, name, check string, horizonS float64, times int) (held int, err error) {
	c := *findCase(name)
	c.System.horizon, c.System.replications = horizonS, coverageRuns
	at := -1
	for i := range c.Checks {
		if c.Checks[i].Name == check {
			at = i
		}
	}
	if at < 0 {
		panic("validation: no check " + check)
	}
	for i := range times {
		c.Name = fmt.Sprintf("%s_%d", name, i)
		findings, err := Run(ctx, &c)
		if err != nil {
			return 0, err
		}
		f := &findings[at]
		narrow := (f.High - f.Low) / 2 * studentRatio(0.95, c.System.runs())
		if f.Value-narrow <= f.Answer() && f.Answer() <= f.Value+narrow {
			held++
		}
	}
	return held, nil
}
