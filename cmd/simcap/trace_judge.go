package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/simcap/simcap/scenarios"
	"github.com/simcap/simcap/sim"
	"github.com/simcap/simcap/trace"
	"github.com/simcap/simcap/trace/shape"
)

// judgeScenario is a scenario of one function to judge workloads by. Its limits are lifted, because what
// a limit cuts off no two workloads share.
const judgeScenario = `simcap: 1
name: %[1]s
replications: %[2]d
horizon: 1h
platform: {preset: modal, limits: none}
functions:
  %[1]s: %[3]s
workloads:
  - {name: judged, function: %[1]s, arrivals: {process: poisson, rate: 1/s}}
`

// judgeFunctions are a short, a medium and a long function: from milliseconds on a CPU to many seconds on
// a large GPU that takes a minute to start.
var judgeFunctions = [...]struct{ name, settings string }{
	{"short",
		"{cpu: 1, cold_start: 2s, scaledown_window: 60s, service: {time: {dist: lognormal, mean: " +
			"100ms, cv: 1}}}"},
	{"medium",
		"{gpu: L4, cold_start: 15s, scaledown_window: 60s, timeout: 1h, service: {time: {dist: " +
			"lognormal, mean: 2s, cv: 0.5}}}"},
	{"long", "{gpu: A100, cold_start: 60s, scaledown_window: 5m, timeout: 1h, service: {time: {dist: " +
		"lognormal, mean: 20s, cv: 0.5}}}"},
}

// judge prepares the functions, and the file's first part as arrivals.
func (c *fitCommand) judge(cmd *cobra.Command, file *shape.File, s *shape.Shape) (*judge, error) {
	j := &judge{arrivals: s.Arrivals, spanS: s.SpanS}
	o := file.Options
	if s.Arrivals > c.most {
		at, err := instantOf(file, c.most)
		if err != nil {
			return nil, err
		}
		j.arrivals, j.spanS = c.most, at.Seconds()
		o.To = o.From + at
	}
	path, err := filepath.Abs(file.Name)
	if err != nil {
		return nil, failed(err)
	}
	j.trace = traceArrivals(path, o, nil)
	if c.scenario != "" {
		k, err := c.ownCase(cmd)
		if err != nil {
			return nil, err
		}
		j.cases = []judgeCase{*k}
		return j, nil
	}
	for _, f := range judgeFunctions {
		document, ds := scenarios.Parse(f.name, []byte(fmt.Sprintf(judgeScenario, f.name, c.runs,
			f.settings)))
		if document == nil {
			return nil, failed(ds)
		}
		j.cases = append(j.cases, judgeCase{name: f.name, document: document,
			key:      "workloads.judged.arrivals",
			function: f.name, horizon: true})
	}
	return j, nil
}

// instantOf is the instant of the n-th arrival.
func instantOf(file *shape.File, n int64) (sim.Time, error) {
	var at sim.Time
	if _, err := file.Each(func(row *trace.Row) bool {
		n--
		at = row.At
		return n <= 0
	}); err != nil {
		return 0, unread(err)
	}
	return max(at, 1), nil
}

// ownCase is the user's scenario with one workload to replace.
func (c *fitCommand) ownCase(cmd *cobra.Command) (*judgeCase, error) {
	src, ds := open(cmd, c.scenario)
	if src == nil {
		return nil, usage(ds)
	}
	src.options.Set = []scenarios.Override{{Key: "replications", Value: fmt.Sprint(c.runs), Source: "fit"}}
	scenario, ds := src.document.Scenario(src.options)
	if scenario == nil {
		return nil, usage(ds)
	}
	var names []string
	for i := range scenario.Model.Workloads {
		w := &scenario.Model.Workloads[i]
		names = append(names, w.Name)
		if w.Name == c.workload || c.workload == "" && len(scenario.Model.Workloads) == 1 {
			name := w.Function
			return &judgeCase{name: name, document: src.document, options: src.options, function: name,
				key: "workloads." + w.Name + ".arrivals", horizon: true}, nil
		}
	}
	if c.workload == "" {
		return nil, usagef("--workload: say which of the scenario's workloads the file stands for: %s",
			strings.Join(names, ", "))
	}
	if near := scenarios.Nearest(c.workload, names); near != "" {
		return nil, usagef("--workload: there is no workload %q; did you mean %q?", c.workload, near)
	}
	return nil, usagef("--workload: there is no workload %q; the scenario has %s", c.workload,
		strings.Join(names, ", "))
}

// traceArrivals is the file, read in this way, as the value of a scenario's key arrivals in YAML's flow
// style. take nil is nothing: only instants count.
func traceArrivals(path string, o trace.Options, take []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "{process: trace, file: %q", path)
	word := func(key, value string) {
		if value != "" && value != "auto" {
			fmt.Fprintf(&b, ", %s: %s", key, value)
		}
	}
	word("format", o.Format)
	word("time_unit", o.TimeUnit)
	word("ties", string(o.Ties))
	word("fold", string(o.Fold))
	for _, t := range []struct {
		key string
		at  sim.Time
	}{{"from", o.From}, {"to", o.To}, {"step", o.Step}} {
		if t.at > 0 {
			fmt.Fprintf(&b, ", %s: %d.%09d", t.key, t.at/sim.Second, t.at%sim.Second)
		}
	}
	if o.Truncated {
		b.WriteString(", truncated: true")
	}
	if len(o.Columns) > 0 {
		b.WriteString(", columns: {")
		separator := ""
		for _, role := range sortedKeys(o.Columns) {
			fmt.Fprintf(&b, "%s%s: %q", separator, role, o.Columns[role])
			separator = ", "
		}
		b.WriteString("}")
	}
	if len(o.Only) > 0 {
		texts := make([]string, len(o.Only))
		for i, c := range o.Only {
			texts[i] = fmt.Sprintf("%q", c.Field+c.Op+c.Value)
		}
		fmt.Fprintf(&b, ", only: [%s]", strings.Join(texts, ", "))
	}
	fmt.Fprintf(&b, ", take: [%s]}", strings.Join(take, ", "))
	return b.String()
}
