package experiment

// judge checks an objective against the results.
func judge(o *Objective, r *Result) Verdict {
	e, _ := r.Metric(o.Metric, o.Function, o.Workload)
	return o.Judge(e)
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
