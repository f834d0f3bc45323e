package scenarios

import (
	"fmt"
	"math"
	"math/big"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/simcap/simcap/experiment"
)

// objectives is the list of service level objectives.
func (l *language) objectives() form {
	s := l.of(reflect.TypeFor[experiment.Objective](), "slo", "an objective")
	s.field("metric").form = word{"metric", experiment.MetricNames()}
	s.field("max").form, s.field("min").form = anyQuantity, anyQuantity
	one := custom{
		from: func(r *reader, n *yaml.Node, path string, into reflect.Value) {
			o := into.Addr().Interface().(*experiment.Objective)
			o.Max, o.Min = math.NaN(), math.NaN()
			s.read(r, n, path, into)
			r.bounds(path, o)
		},
		like: func(b *schemas) schema { return b.ref(s) },
	}
	return list{one, "a list of objectives"}
}

// anyQuantity is a bound, whose unit depends on the metric and which is read when that is known.
var anyQuantity = custom{
	from: func(*reader, *yaml.Node, string, reflect.Value) {},
	like: func(*schemas) schema { return schema{"type": []string{"number", "string"}} },
}

// MetricUnit is the unit of a metric: time, fraction, money, rate or number.
func MetricUnit(metric string) string {
	group, _, _ := strings.Cut(metric, ".")
	switch {
	case group == "latency" || group == "breakdown" || group == "makespan" || group == "ttft" ||
		group == "tpot":
		return "time"
	case strings.HasSuffix(group, "_fraction") || group == "utilization":
		return "fraction"
	case group == "cost":
		return "money"
	case group == "throughput" || group == "output_tokens":
		return "rate"
	}
	return "number"
}

// bounds reads the bounds of an objective in the unit of its metric: times become seconds.
func (r *reader) bounds(path string, o *experiment.Objective) {
	unit := MetricUnit(o.Metric)
	q, _ := quantity(unit)
	for _, bound := range []struct {
		key  string
		into *float64
	}{{"max", &o.Max}, {"min", &o.Min}} {
		s, ok := r.spots[join(path, bound.key)]
		if !ok || o.Metric == "" {
			continue
		}
		value := math.NaN()
		q.read(r, s.value, join(path, bound.key), reflect.ValueOf(&value).Elem())
		if unit == "time" {
			value /= 1e9
		}
		*bound.into = value
	}
	s, ok := r.spots[path]
	switch {
	case !ok || s.value.Kind != yaml.MappingNode:
	case !r.given(path+".max") && !r.given(path+".min"):
		r.fail(s.value, path, "", "an objective needs max, min or both")
	case o.Min > o.Max:
		r.fail(r.spots[path+".min"].value, path+".min", "", "min is more than max")
	case o.Function != "" && o.Workload != "":
		r.fail(r.spots[path+".workload"].value, path+".workload", "",
			"an objective is about a function or a workload, not both")
	}
}

// checkObjectives checks what objectives refer to.
func (r *reader) checkObjectives(s *experiment.Scenario) {
	functions, workloads := map[string]bool{}, map[string]bool{}
	var functionNames, workloadNames []string
	for i := range s.Model.Functions {
		name := s.Model.Functions[i].Name
		functions[name], functionNames = true, append(functionNames, name)
	}
	for i := range s.Model.Workloads {
		name := s.Model.Workloads[i].Name
		workloads[name], workloadNames = true, append(workloadNames, name)
	}
	for i := range s.SLO {
		o, at := &s.SLO[i], element("slo", i)
		if o.Function != "" && !functions[o.Function] {
			r.fail(r.spots[at+".function"].value, at+".function", choose(o.Function, functionNames),
				"there is no function %q", o.Function)
		}
		if o.Workload != "" && !workloads[o.Workload] {
			r.fail(r.spots[at+".workload"].value, at+".workload", choose(o.Workload, workloadNames),
				"there is no workload %q", o.Workload)
		}
		group, _, _ := strings.Cut(o.Metric, ".")
		if o.Workload != "" && (group == "cost" || group == "containers" ||
			group == "utilization") {
			r.fail(r.spots[at+".metric"].value, at+".metric", "say which function instead",
				"a workload has no %s of its own", group)
		}
		if at := at + ".metric"; r.given(at) {
			r.checkLLMMetric(r.spots[at].value, at, o.Metric, s, o.Function, o.Workload)
		}
	}
}

// checkLLMMetric refuses a metric of LLM inputs where the scope has none.
func (r *reader) checkLLMMetric(n *yaml.Node, path, metric string, s *experiment.Scenario, function,
	workload string) {
	if !experiment.OfLLM(metric) {
		return
	}
	engines := map[string]bool{}
	for i := range s.Model.Functions {
		f := &s.Model.Functions[i]
		switch {
		case function != "" && function != f.Name:
		case f.Service.LLM != nil:
			engines[f.Name] = true
		case r.misread("functions." + f.Name + ".service"):
			return // it may be meant to have an engine
		}
	}
	for i := range s.Model.Workloads {
		w := &s.Model.Workloads[i]
		if engines[w.Function] && (workload == "" || workload == w.Name) {
			return
		}
	}
	group, _, _ := strings.Cut(metric, ".")
	r.fail(n, path, "", "only functions with service.llm and their workloads have %s", group)
}

// axes is a mapping of dotted keys to the values that they take.
func axes() form {
	return custom{from: readAxes, like: func(*schemas) schema {
		bound := schema{"type": []string{"number", "string"}}
		return schema{"type": "object", "additionalProperties": anyOf(
			schema{"type": "array", "minItems": 1},
			schema{"type": "object", "required": []string{"from", "to"},
				"additionalProperties": false,
				"properties":           schema{"from": bound, "to": bound, "step": bound}},
		)}
	}}
}

// mostValues bounds the values of one axis.
const mostValues = 100_000

func readAxes(r *reader, n *yaml.Node, path string, into reflect.Value) {
	pairs, ok := r.mapping(n, path, "a mapping of keys to the values that they take")
	if !ok {
		return
	}
	var all []experiment.Axis
	for _, p := range pairs {
		at := join(path, p.key.Value)
		r.spots[at] = spot(p)
		v := r.resolve(p.value, at)
		if v == nil {
			continue
		}
		axis := experiment.Axis{Key: p.key.Value}
		switch {
		case v.Kind == yaml.SequenceNode && len(v.Content) > 0:
			axis.Values = r.axisList(v, at)
		case v.Kind == yaml.MappingNode:
			axis.Values = r.axisRange(v, at)
		default:
			r.expected(v, at, "a list of values, or a mapping with from, to and step")
			continue
		}
		if len(axis.Values) > 0 {
			all = append(all, axis)
		}
	}
	into.Set(reflect.ValueOf(all))
}

// axisList is the values of a list, as YAML.
func (r *reader) axisList(n *yaml.Node, path string) []string {
	values := make([]string, 0, len(n.Content))
	for i, e := range n.Content {
		at := element(path, i)
		r.spots[at] = spot{e, e}
		text, err := flowText(e)
		if err != nil {
			r.fail(e, at, "", "this value cannot be written on one line: %v", err)
			continue
		}
		values = append(values, text)
	}
	return values
}

// axisRange is the values from, from + step, ... up to and including to. Numbers are exact; with
// units, all three have the same kind of unit.
func (r *reader) axisRange(n *yaml.Node, path string) []string {
	values, err := rangeValues(func(key string) string {
		if v := entry(n, key); v != nil && v.Kind == yaml.ScalarNode {
			return v.Value
		}
		return ""
	})
	pairs, _ := r.mapping(n, path, "a mapping")
	for _, p := range pairs {
		if key := p.key.Value; key != "from" && key != "to" && key != "step" {
			r.fail(p.key, join(path, key), choose(key, []string{"from", "to", "step"}),
				"unknown key %q", key)
		}
	}
	if err != nil {
		r.failed(n, path, err)
	}
	return values
}

// Range is the values of a range as they would stand in a file: from, from + step, ... up to and
// including to; an empty step is 1. Times, rates, amounts and percentages keep exact values.
func Range(from, to, step string) ([]string, error) {
	return rangeValues(func(key string) string {
		return map[string]string{"from": from, "to": to, "step": step}[key]
	})
}

func rangeValues(get func(key string) string) ([]string, error) {
	const help = "write {from: 0, to: 8, step: 2}"
	from, to, step := get("from"), get("to"), get("step")
	if from == "" || to == "" {
		return nil, wrong(help, "a range needs from and to")
	}
	if step == "" {
		step = "1"
	}
	for _, k := range rangeKinds {
		a, errA := k.parse(from)
		b, errB := k.parse(to)
		c, errC := k.parse(step)
		if errA != nil || errB != nil || errC != nil {
			continue
		}
		switch {
		case c.Sign() <= 0:
			return nil, wrong(help, "the step of a range must be more than 0")
		case a.Cmp(b) > 0:
			return nil, wrong(help, "the range begins behind its end: from %s to %s", from, to)
		}
		steps := new(big.Rat).Sub(b, a)
		steps.Quo(steps, c)
		if steps.Cmp(whole(mostValues)) >= 0 {
			return nil, wrong(help, "the range has more than %d values", mostValues)
		}
		var values []string
		for x := a; x.Cmp(b) <= 0; x = new(big.Rat).Add(x, c) {
			values = append(values, k.write(x))
		}
		return values, nil
	}
	return nil, wrong(help, "from %s, to %s and step %s are not quantities of one kind",
		shorten(from), shorten(to),
		shorten(step))
}

// rangeKind is a kind of quantity that a range can run over: how it is read and written again.
type rangeKind struct {
	parse func(string) (*big.Rat, error)
	write func(*big.Rat) string
}

var rangeKinds = []rangeKind{
	{number, exact},
	{duration, func(ns *big.Rat) string { return exact(new(big.Rat).Quo(ns, whole(1e9))) + "s" }},
	{rate, func(x *big.Rat) string { return exact(x) + "/s" }},
	{fraction, exact},
	{memory, func(x *big.Rat) string { return exact(x) + "GiB" }},
}

// exact writes a number with as many decimals as it has, at most 12.
func exact(x *big.Rat) string {
	text := x.FloatString(12)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

// flowText is a node on one line of YAML.
func flowText(n *yaml.Node) (string, error) {
	if n.Kind == yaml.ScalarNode && n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) == 0 {
		return n.Value, nil
	}
	flow := *n
	flow.Style |= yaml.FlowStyle
	text, err := yaml.Dump(&flow)
	if err != nil {
		return "", fmt.Errorf("%w", err)
	}
	return strings.Join(strings.Fields(string(text)), " "), nil
}

// plan is the space that `simcap plan` searches; its owner is the scenario.
func (l *language) plan() form {
	s := l.add(&section{name: "plan", what: "a plan", fields: []field{{name: "search", form: axes(),
		index: []int{fieldIndex(reflect.TypeFor[experiment.Scenario](), "PlanSearch")}}}})
	return s
}
