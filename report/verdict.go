package report

import (
	"fmt"
	"strings"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/report/quantity"
)

// state is how an objective, or all of them, came out.
type state string

const (
	kept      state = "kept"
	missed    state = "missed"
	undecided state = "undecided"
	unasked   state = "none" // no objective was given
)

// stateOf is how one objective came out.
func stateOf(v *experiment.Verdict) state {
	switch {
	case v.Met == nil:
		return undecided
	case *v.Met:
		return kept
	}
	return missed
}

// overall is missed when one objective is, else undecided when one is.
func overall(verdicts []experiment.Verdict) state {
	if len(verdicts) == 0 {
		return unasked
	}
	all := kept
	for i := range verdicts {
		switch stateOf(&verdicts[i]) {
		case missed:
			return missed
		case undecided:
			all = undecided
		}
	}
	return all
}

// objective is a verdict in words.
type objective struct {
	State    state
	Label    string // "p99 latency of embed"
	Value    string
	Interval string // "" with one replication
	Limit    string // "≤ 2 s"
	Margin   string // "38% below the limit", "2.1× the limit", "the interval spans the limit"
	bound    string // the limit without its sign
}

// sentence says how far the value is from the limit: "p99 latency is 1.24 s, 38% below the limit of 2 s".
func (o *objective) sentence() string {
	return fmt.Sprintf("%s is %s, %s of %s", o.Label, o.Value, o.Margin, o.bound)
}

func describe(v *experiment.Verdict) objective {
	kind := kindOf(v.Metric)
	o := objective{State: stateOf(v), Label: labelOf(v.Metric), Value: text(kind, v.Value),
		Interval: interval(kind, v.Value)}
	switch {
	case v.Workload != "":
		o.Label += " of " + v.Workload
	case v.Function != "":
		o.Label += " of " + v.Function
	}
	bound := limitOf(v)
	switch {
	case v.Max != nil && v.Min != nil:
		o.Limit = quantity.Range(kind, *v.Min, *v.Max)
	case v.Max != nil:
		o.Limit = "≤ " + quantity.Chosen(kind, *v.Max)
	case v.Min != nil:
		o.Limit = "≥ " + quantity.Chosen(kind, *v.Min)
	}
	switch {
	case v.Value.Value == nil:
		o.Margin = "no input to measure"
	case o.State == undecided:
		o.Margin = "the interval spans the limit"
	case bound != nil:
		o.Margin = margin(*v.Value.Value, *bound)
	}
	if bound != nil {
		o.bound = quantity.Chosen(kind, *bound)
	}
	return o
}

// unbroken is text whose words stay on one line, as a number and its unit should.
func unbroken(text string) string { return strings.ReplaceAll(text, " ", "\u00a0") }

// limitOf is the bound that counts: the one that is broken, or the nearer one; nil without any.
func limitOf(v *experiment.Verdict) *float64 {
	if v.Max == nil || v.Min == nil || v.Value.Value == nil {
		if v.Max != nil {
			return v.Max
		}
		return v.Min
	}
	if *v.Max-*v.Value.Value < *v.Value.Value-*v.Min {
		return v.Max
	}
	return v.Min
}

// margin says how far a value is from a limit, on either side.
func margin(value, limit float64) string {
	switch {
	case value == limit:
		return "at the limit"
	case limit == 0:
		return "away from the limit"
	case value == 0:
		return "below the limit"
	case value >= 2*limit:
		return fmt.Sprintf("%s× the limit", times3(value/limit))
	case value > limit:
		return distance(value/limit-1) + " above the limit"
	}
	return distance(1-value/limit) + " below the limit"
}

// times3 writes a factor with one decimal below ten.
func times3(f float64) string {
	if f < 9.95 {
		return quantity.Grouped(f, 1)
	}
	return quantity.Grouped(f, 0)
}

// distance writes a share in whole per cents, or with one decimal when it is small.
func distance(f float64) string {
	switch {
	case f < 0.0005:
		return "<0.1%"
	case f < 0.0995:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", 100*f), ".0") + "%"
	}
	return fmt.Sprintf("%.0f%%", 100*f)
}

// headline says in one sentence whether the objectives are kept, and by how much or where not.
func headline(verdicts []experiment.Verdict) string {
	switch overall(verdicts) {
	case unasked:
		return "No SLO was given."
	case missed:
		n, first := 0, -1
		for i := range verdicts {
			if stateOf(&verdicts[i]) == missed {
				n++
				if first < 0 {
					first = i
				}
			}
		}
		o := describe(&verdicts[first])
		sentence := "The SLO is missed: " + o.sentence()
		if verdicts[first].Value.Value == nil {
			sentence = fmt.Sprintf("The SLO is missed: %s has no input to measure", o.Label)
		}
		if n > 1 {
			sentence += fmt.Sprintf("; %d of %d objectives are missed", n, len(verdicts))
		}
		return sentence + "."
	case undecided:
		for i := range verdicts {
			if stateOf(&verdicts[i]) == undecided {
				o := describe(&verdicts[i])
				return fmt.Sprintf("The SLO is undecided: the interval of %s, %s, spans the limit "+
					"of %s.", o.Label,
					o.Interval, o.bound)
			}
		}
	}
	return "The SLO is kept: " + tightest(verdicts) + "."
}

// tightest names the objective that is kept with the least to spare.
func tightest(verdicts []experiment.Verdict) string {
	best, room := 0, 0.0
	for i := range verdicts {
		limit := limitOf(&verdicts[i])
		if limit == nil || *limit == 0 || verdicts[i].Value.Value == nil {
			continue
		}
		near := 1 - *verdicts[i].Value.Value / *limit
		if v := &verdicts[i]; limit == v.Min && kindOf(v.Metric) == quantity.Fraction && *limit < 1 {
			near = (*v.Value.Value - *limit) / (1 - *limit) // of what was left to a whole
		}
		if near < 0 {
			near = -near
		}
		if room == 0 || near < room {
			best, room = i, near
		}
	}
	o := describe(&verdicts[best])
	return o.sentence()
}
