package experiment

import "math"

// judge checks an objective (docs/semantics.md, Results): met when the whole interval keeps the bounds,
// not met when none of it does or there is no value, else undecided.
func judge(o *Objective, r *Result) Verdict {
	v := Verdict{Metric: o.Metric, Function: o.Function, Workload: o.Workload}
	if !math.IsNaN(o.Max) {
		v.Max = &o.Max
	}
	if !math.IsNaN(o.Min) {
		v.Min = &o.Min
	}
	scope := r.Total
	switch {
	case o.Workload != "":
		scope = r.Workloads[o.Workload]
	case o.Function != "":
		scope = r.Functions[o.Function]
	}
	v.Value, _ = scope.Metric(o.Metric)
	v.Met = decide(v.Value, v.Min, v.Max)
	return v
}

// decide says whether an estimate keeps its bounds: nil means undecided.
func decide(e Estimate, least, most *float64) *bool {
	yes, no := true, false
	if e.Value == nil {
		return &no
	}
	low, high := *e.Value, *e.Value
	if e.Low != nil {
		low, high = *e.Low, *e.High
	}
	switch {
	case most != nil && low > *most, least != nil && high < *least:
		return &no
	case most != nil && high > *most, least != nil && low < *least:
		return nil
	}
	return &yes
}

// KeepsSLO sums the verdicts up: kept is false when one is not met, decided is false when one is
// undecided.
func (r *Result) KeepsSLO() (kept, decided bool) {
	kept, decided = true, true
	for i := range r.SLO {
		switch {
		case r.SLO[i].Met == nil:
			decided = false
		case !*r.SLO[i].Met:
			kept = false
		}
	}
	return kept, decided
}
