package report

import (
	"fmt"
	"math"
	"strings"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/report/quantity"
)

// shortKeys are the last parts of keys, with as many parts before them as tell them apart:
// functions.embed.min_containers is min_containers where no other function's is among them.
func shortKeys(keys []string) map[string]string {
	out := map[string]string{}
	for depth := 1; len(out) < len(keys) && depth < 8; depth++ {
		count := map[string]int{}
		for _, key := range keys {
			count[lastParts(key, depth)]++
		}
		for _, key := range keys {
			if short := lastParts(key, depth); out[key] == "" && count[short] == 1 {
				out[key] = short
			}
		}
	}
	for _, key := range keys {
		if out[key] == "" {
			out[key] = key
		}
	}
	return out
}

// lastParts are the last parts of a dotted path.
func lastParts(key string, n int) string {
	parts := strings.Split(key, ".")
	if len(parts) <= n {
		return key
	}
	return strings.Join(parts[len(parts)-n:], ".")
}

// keysOf are the keys of axes.
func keysOf(axes []experiment.Axis) []string {
	keys := make([]string, len(axes))
	for i := range axes {
		keys[i] = axes[i].Key
	}
	return keys
}

// settingsLabel writes a point for people: "min_containers 2 · scaledown_window 5m".
func settingsLabel(p experiment.Point, short map[string]string) string {
	var parts []string
	for _, s := range p {
		name := short[s.Key]
		if name == "" {
			name = lastParts(s.Key, 1)
		}
		parts = append(parts, name+" "+s.Value)
	}
	if len(parts) == 0 {
		return "as in the file"
	}
	return strings.Join(parts, " · ")
}

// valuesLabel writes the values of a point alone, those of axes that vary: "2 · 5m".
func valuesLabel(p experiment.Point, axes []experiment.Axis) string {
	var parts []string
	for i := range axes {
		for _, s := range p {
			if s.Key == axes[i].Key && len(axes[i].Values) > 1 {
				parts = append(parts, s.Value)
			}
		}
	}
	return strings.Join(parts, " · ")
}

// axesLabel names the axes that vary, in the order of valuesLabel.
func axesLabel(axes []experiment.Axis, short map[string]string) string {
	var parts []string
	for i := range axes {
		if len(axes[i].Values) > 1 {
			parts = append(parts, short[axes[i].Key])
		}
	}
	return strings.Join(parts, " · ")
}

// effectText says by how much a setting moves a measure.
func effectText(f float64) string {
	if f < 1.05 {
		return "hardly"
	}
	return "up to " + factorText(f)
}

// settingsFlags writes a point as arguments of the command line, quoted for a shell where need be.
func settingsFlags(p experiment.Point) string {
	var out []string
	for _, s := range p {
		text := s.Key + "=" + s.Value
		if strings.ContainsAny(text, " {}[]()*?!$&|;<>\"'`\\#~") {
			text = "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
		}
		out = append(out, "--set "+text)
	}
	return strings.Join(out, " ")
}

// settingsInfo lists a point for a tip.
func settingsInfo(p experiment.Point, short map[string]string) [][2]string {
	var out [][2]string
	for _, s := range p {
		out = append(out, [2]string{short[s.Key], s.Value})
	}
	return out
}

// measure is a metric as pictures show it: costs per hour become costs per month.
type measure struct {
	metric string
	label  string
	kind   quantity.Kind
	factor float64
}

func measureOf(metric string) measure {
	if metric == "cost.per_hour" {
		return measure{metric, "cost per month", quantity.USD, hoursPerMonth}
	}
	return measure{metric, labelOf(metric), kindOf(metric), 1}
}

// of is the measure's estimate in a scope of a result.
func (m *measure) of(r *experiment.Result, function, workload string) experiment.Estimate {
	if r == nil {
		return experiment.Estimate{}
	}
	if kindOf(m.metric) == quantity.USD && workload != "" {
		function, workload = "", "" // a workload has no containers of its own
	}
	e, _ := r.Metric(m.metric, function, workload)
	return times(e, m.factor)
}

// limit is the least upper bound on the measure among verdicts of the same scope; NaN without any.
func (m *measure) limit(verdicts []experiment.Verdict, function, workload string) float64 {
	least := math.NaN()
	for i := range verdicts {
		v := &verdicts[i]
		if v.Metric == m.metric && v.Function == function && v.Workload == workload && v.Max != nil {
			if at := *v.Max * m.factor; math.IsNaN(least) || at < least {
				least = at
			}
		}
	}
	return least
}

// scope names a function or a workload in a sentence: " of embed"; "" for all.
func scope(function, workload string) string {
	switch {
	case workload != "":
		return " of " + workload
	case function != "":
		return " of " + function
	}
	return ""
}

// factorText says by how much something is multiplied: "12×", "1.3×".
func factorText(f float64) string { return fmt.Sprintf("%s×", times3(f)) }
