package report

import (
	"math"
	"strings"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/report/quantity"
)

// kindOf is what a metric of docs/semantics.md measures.
func kindOf(metric string) quantity.Kind {
	group, _, _ := strings.Cut(metric, ".")
	switch group {
	case "latency", "makespan", "breakdown", "ttft", "tpot":
		return quantity.Seconds
	case "cost":
		return quantity.USD
	case "throughput", "output_tokens":
		return quantity.PerS
	case "utilization":
		return quantity.Fraction
	}
	if strings.HasSuffix(metric, "_fraction") {
		return quantity.Fraction
	}
	return quantity.Count
}

// labelOf is a metric in words: "p99 latency", "cost per hour".
func labelOf(metric string) string {
	group, rest, found := strings.Cut(metric, ".")
	words := strings.ReplaceAll(rest, "_", " ")
	switch {
	case !found:
		return strings.ReplaceAll(group, "_", " ")
	case group == "ttft" || group == "tpot":
		return strings.Replace(words, "p999", "p99.9", 1) + " " + strings.ToUpper(group)
	case group == "latency" || group == "makespan":
		if words == "p999" {
			words = "p99.9"
		}
		return words + " " + group
	case group == "breakdown":
		return "mean " + words + " time"
	case group == "cost" && !strings.HasPrefix(words, "per "):
		return words + " cost"
	case group == "cost" && strings.HasPrefix(words, "per 1k"):
		return "cost per 1,000 inputs"
	}
	return group + " " + words
}

// has says whether an estimate has a value.
func has(e experiment.Estimate) bool { return e.Value != nil }

// valueOf is the value of an estimate, 0 without one.
func valueOf(e experiment.Estimate) float64 {
	if e.Value == nil {
		return 0
	}
	return *e.Value
}

// text writes the value of an estimate.
func text(kind quantity.Kind, e experiment.Estimate) string {
	if e.Value == nil {
		return quantity.None
	}
	return quantity.Format(kind, *e.Value)
}

// interval writes the 95 % interval of an estimate, of replications or of a lone one, "" without
// one. No measure can be negative, so
// neither is what is shown of its interval.
func interval(kind quantity.Kind, e experiment.Estimate) string {
	if e.Within != nil && e.Low == nil {
		return quantity.Range(kind, e.Within.Low, e.Within.High)
	}
	switch {
	case e.Value == nil || e.Low == nil || e.High == nil:
		return ""
	case *e.Low == *e.High && kind == quantity.Seconds && *e.Low != 0:
		return "±<0.5%" // quantiles are known to that precision
	case *e.Low == *e.High:
		return "±0"
	case *e.Value >= 0:
		return quantity.Range(kind, math.Max(0, *e.Low), *e.High)
	}
	return quantity.Range(kind, *e.Low, *e.High)
}

// times multiplies an estimate and its interval.
func times(e experiment.Estimate, factor float64) experiment.Estimate {
	scaled := func(p *float64) *float64 {
		if p == nil {
			return nil
		}
		v := *p * factor
		return &v
	}
	out := experiment.Estimate{Value: scaled(e.Value), Low: scaled(e.Low), High: scaled(e.High)}
	if e.Within != nil {
		within := *e.Within
		within.Low, within.High = within.Low*factor, within.High*factor
		out.Within = &within
	}
	return out
}

// hoursPerMonth turns a cost per hour into one per month: 365 × 24 / 12.
const hoursPerMonth = 730

// perMonth is the cost per month at the rate of the window.
func perMonth(c *experiment.Cost) experiment.Estimate { return times(c.PerHour, hoursPerMonth) }

// billOf is what a scope's containers cost and the words for it: a month at the rate of the window, or the
// run itself when it had no horizon, for such work does not go on for a month.
func billOf(r *experiment.Result, c *experiment.Cost) (bill experiment.Estimate, per string) {
	if r.HorizonS == nil {
		return c.Total, "for the run"
	}
	return perMonth(c), "per month"
}

// share is a / b, 0 where b is 0.
func share(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}
