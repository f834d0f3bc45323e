package report

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/report/quantity"
)

// CapacityJSON writes a capacity in its canonical form.
func CapacityJSON(w io.Writer, c *experiment.Capacity) error { return writeJSON(w, c) }

// CapacityCSV writes a line for each rate that was tried, by variant in the order of rates.
func CapacityCSV(w io.Writer, c *experiment.Capacity) error {
	out := csv.NewWriter(w)
	metrics := capacityMetrics(c)
	head := []string{"variant", "factor", "rate_per_s", "verdict", "replications"}
	for _, m := range metrics {
		head = append(head, m, m+".low", m+".high")
	}
	if err := out.Write(head); err != nil {
		return err
	}
	for i := range c.Searches {
		for _, s := range byRate(&c.Searches[i]) {
			line := []string{c.Searches[i].Variant.String(), field(&s.Factor), field(&s.RatePerS), s.Verdict,
				strconv.Itoa(s.Replications)}
			for _, m := range metrics {
				e := experiment.Estimate{}
				for k := range s.SLO {
					if objectiveName(&s.SLO[k]) == m {
						e = s.SLO[k].Value
					}
				}
				line = append(line, field(e.Value), field(e.Low), field(e.High))
			}
			if err := out.Write(line); err != nil {
				return err
			}
		}
	}
	out.Flush()
	return out.Error()
}

// objectiveName is the metric of an objective with its scope.
func objectiveName(v *experiment.Verdict) string {
	switch {
	case v.Workload != "":
		return "workloads." + v.Workload + "." + v.Metric
	case v.Function != "":
		return "functions." + v.Function + "." + v.Metric
	}
	return v.Metric
}

// capacityMetrics are the metrics of all objectives, each once.
func capacityMetrics(c *experiment.Capacity) []string {
	var names []string
	for i := range c.Searches {
		for k := range c.Searches[i].Steps {
			for n := range c.Searches[i].Steps[k].SLO {
				name := objectiveName(&c.Searches[i].Steps[k].SLO[n])
				if !slices.Contains(names, name) {
					names = append(names, name)
				}
			}
		}
	}
	return names
}

// byRate are the steps of a search by rising rate.
func byRate(s *experiment.CapacitySearch) []experiment.CapacityStep {
	steps := slices.Clone(s.Steps)
	slices.SortStableFunc(steps, func(a, b experiment.CapacityStep) int {
		return cmp.Compare(a.Factor, b.Factor)
	})
	return steps
}

// WriteCapacityData writes capacity.json and capacity.csv into a folder, which it makes if need be.
func WriteCapacityData(dir string, c *experiment.Capacity) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	err := writeFile(filepath.Join(dir, "capacity.json"),
		func(w io.Writer) error { return CapacityJSON(w, c) })
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, "capacity.csv"), func(w io.Writer) error { return CapacityCSV(w, c) })
}

// capacitySummary is a capacity's summary while it is being written.
type capacitySummary struct {
	summary
	c *experiment.Capacity
}

// CapacityTerminal writes the highest rate of each variant, what is missed beyond it, and the rates that
// were tried.
func CapacityTerminal(w io.Writer, c *experiment.Capacity, o TerminalOptions) error {
	t := &capacitySummary{c: c}
	t.paint, t.width = paint(o.Color), o.columns()
	t.b.WriteString(t.in(bold, quantity.Cut(c.Scenario, t.width)) + "\n")
	parts := []string{"arrivals of " + strings.Join(c.Workloads, ", ") + " scaled",
		fmt.Sprintf("seed %d", c.Seed)}
	if c.Simcap != "" {
		parts = append(parts, "simcap "+strings.TrimPrefix(c.Simcap, "simcap "))
	}
	for _, l := range flow(parts, t.width) {
		t.b.WriteString(t.in(dim, l) + "\n")
	}
	if len(c.Searches) > 1 {
		t.overview()
	}
	for i := range c.Searches {
		t.search(&c.Searches[i])
	}
	if t.onlyGPUs() {
		t.block("NOTE")
		t.wrapped("• ", "service times are the same for every GPU here: only prices differ. Give each its "+
			"own with --variant 'functions.NAME.gpu=...; functions.NAME.service.profile=...'", yellow)
	}
	if o.OutDir != "" {
		t.block("REPORT")
		t.line(filepath.Join(o.OutDir, pageFile))
	}
	_, err := io.WriteString(w, t.b.String())
	return err
}

func variantName(s *experiment.CapacitySearch) string {
	if len(s.Variant) == 0 {
		return "as it is"
	}
	parts := make([]string, len(s.Variant))
	for i, setting := range s.Variant {
		parts[i] = strings.TrimPrefix(setting.Key, "functions.") + "=" + setting.Value
	}
	return strings.Join(parts, "; ")
}

// overview lists the capacities of several variants.
func (t *capacitySummary) overview() {
	t.block("CAPACITY")
	label := 8
	for i := range t.c.Searches {
		label = max(label, width(variantName(&t.c.Searches[i])))
	}
	label = min(label, t.room()-50)
	t.line(t.in(dim, left("variant", label)+"  "+right("rate", 10)+"  "+left("95% interval", 16)+"  "+
		right("a month", 10)+"  "+right("per 1,000", 10)))
	for i := range t.c.Searches {
		s := &t.c.Searches[i]
		cost := experiment.Cost{}
		if s.AtCapacity != nil && s.AtCapacity.Total.CostUSD != nil {
			cost = *s.AtCapacity.Total.CostUSD
		}
		t.line(left(quantity.Cut(variantName(s), label), label) + "  " +
			t.in(bold, right(text(quantity.PerS, s.RatePerS), 10)) + "  " +
			t.in(dim, left(interval(quantity.PerS, s.RatePerS), 16)) + "  " +
			right(text(quantity.USD, perMonth(&cost)), 10) + "  " +
			right(text(quantity.USD, cost.Per1kInputs), 10))
	}
}

// cutShort says how far a search came that was interrupted.
func cutShort(s *experiment.CapacitySearch) string {
	tried := "interrupted after " + quantity.Plural(float64(len(s.Steps)), "rate")
	switch {
	case s.RatePerS.Value == nil:
		return tried + ", none of which keeps the SLO; lower ones may"
	case !s.Bounded:
		return tried + ": the highest of them keeps the SLO, and higher ones may too"
	}
	return tried + ": the highest that keeps the SLO so far, and the search would have come closer"
}

// search writes one search: its answer, and its steps.
func (t *capacitySummary) search(s *experiment.CapacitySearch) {
	t.block(map[bool]string{true: "CAPACITY", false: "VARIANT"}[len(t.c.Searches) == 1])
	if len(t.c.Searches) > 1 {
		t.line(t.in(bold, quantity.Cut(variantName(s), t.room())))
	}
	if s.Error != "" {
		t.wrapped("", s.Error, red)
	}
	if s.Interrupted {
		t.wrapped("", cutShort(s), yellow)
	}
	switch {
	case s.RatePerS.Value == nil && s.Interrupted:
	case s.RatePerS.Value == nil && s.Error == "":
		t.wrapped("", s.Limit, red)
	case s.RatePerS.Value != nil:
		line := t.in(bold, withInterval(quantity.PerS, s.RatePerS)+" inputs") +
			", " + quantity.Plain(*s.Factor.Value) + " times the scenario's rate"
		t.line(line)
		switch {
		case s.Bounded:
			t.line("beyond it " + s.Limit + " is missed first")
		case !s.Interrupted:
			t.wrapped("", s.Limit, yellow)
		}
		if r := s.AtCapacity; r != nil && r.Total.CostUSD != nil {
			t.line("there it costs " + text(quantity.USD, perMonth(r.Total.CostUSD)) + " a month, " +
				text(quantity.USD, r.Total.CostUSD.Per1kInputs) + " per 1,000 inputs, p99 latency " +
				text(quantity.Seconds, r.Total.LatencyS.P99))
		}
	}
	if len(t.c.Searches) == 1 && len(s.Steps) > 0 {
		t.steps(s)
	}
}

// onlyGPUs says whether the variants differ in the type of GPU alone.
func (t *capacitySummary) onlyGPUs() bool {
	for i := range t.c.Searches {
		for _, setting := range t.c.Searches[i].Variant {
			if !strings.HasSuffix(setting.Key, ".gpu") {
				return false
			}
		}
	}
	return len(t.c.Searches) > 1
}

// steps lists the rates that were tried, with the objectives that decided.
func (t *capacitySummary) steps(s *experiment.CapacitySearch) {
	steps := byRate(s)
	rates, factors := make([]string, len(steps)), make([]string, len(steps))
	wide, wideFactor := len("inputs"), len("factor")
	for i, step := range steps {
		rates[i] = quantity.Format(quantity.PerS, step.RatePerS)
		factors[i] = strconv.FormatFloat(step.Factor, 'g', 4, 64)
		wide, wideFactor = max(wide, len(rates[i])), max(wideFactor, len(factors[i]))
	}
	t.line(t.in(dim, right("inputs", wide)+"  "+right("factor", wideFactor)+"  "+left("SLO", 8)+
		"what decides"))
	for i, step := range steps {
		word, code := verdictWord(step.Verdict)
		text := ""
		if v := decisive(step.SLO); v != nil {
			o := describe(v)
			text = o.Label + " " + o.Value
			if o.Interval != "" {
				text += " (" + o.Interval + ")"
			}
			text += " " + o.Limit
		}
		t.line(right(rates[i], wide) + "  " + right(factors[i], wideFactor) + "  " +
			t.in(code, left(word, 8)) + t.in(dim, cutEnd(text, t.room()-wide-wideFactor-12)))
	}
}

// decisive is the objective that is farthest beyond its bound, or nearest to it.
func decisive(verdicts []experiment.Verdict) *experiment.Verdict {
	var worst *experiment.Verdict
	most := math.Inf(-1)
	for i := range verdicts {
		v := &verdicts[i]
		use := math.Inf(1) // of the bound; a metric without a value is beyond any
		if x := v.Value.Value; x != nil {
			use = math.Inf(-1)
			if v.Max != nil {
				use = *x / *v.Max
			}
			if v.Min != nil && *x > 0 {
				use = max(use, *v.Min / *x)
			}
		}
		if worst == nil || use > most {
			worst, most = v, use
		}
	}
	return worst
}
