package scenarios

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/model/dist"
	"github.com/simcap/simcap/model/service"
	"github.com/simcap/simcap/model/workload"
)

// Version is the schema version of scenario files.
const Version = 1

// special is the form of fields that are not written as their type suggests; nil for all others.
func (l *language) special(in reflect.Type, f reflect.StructField) form {
	switch f.Type {
	case reflect.TypeFor[service.Config]():
		return l.service()
	case reflect.TypeFor[model.ColdStart]():
		return l.coldStart()
	case reflect.TypeFor[model.Retries]():
		if in == reflect.TypeFor[model.Client]() {
			return l.clientRetry()
		}
		return l.retries()
	case reflect.TypeFor[workload.Process]():
		return arrivals{l}
	case reflect.TypeFor[model.Limits]():
		return l.limits()
	case reflect.TypeFor[service.Curve]():
		if in == reflect.TypeFor[service.IterationTime]() {
			return curve{"a mapping of tokens to times"}
		}
		return curve{"a mapping of inputs to times"}
	case reflect.TypeFor[service.IterationTime]():
		return l.of(f.Type, "iteration", "an iteration's time")
	case reflect.TypeFor[service.RequestTime]():
		return l.of(f.Type, "request", "a request's time outside of the engine")
	case reflect.TypeFor[service.KV]():
		return l.of(f.Type, "kv", "a KV memory")
	case reflect.TypeFor[[]model.Update]():
		return list{l.of(reflect.TypeFor[model.Update](), "update", "an update"),
			"a list of updates"}
	case reflect.TypeFor[[]workload.Point]():
		return list{ratePoint{}, "a list of pairs [time, rate]"}
	case reflect.TypeFor[[]dist.Part]():
		return list{part{distribution{l, "number"}}, "a list of parts"}
	case reflect.TypeFor[[]model.Deploy]():
		return list{l.deploy(), "a list of deploys"}
	}
	if in == reflect.TypeFor[model.Client]() && f.Name == "Patience" {
		return orNone{distribution{lang: l, unit: "time"}}
	}
	return nil
}

// version is the form of the key `simcap`.
func version() form {
	return custom{
		from: func(r *reader, n *yaml.Node, path string, _ reflect.Value) {
			if text, ok := r.scalar(n, path, "the schema version, 1"); ok &&
				text != strconv.Itoa(Version) {
				r.fail(n, path, "write `simcap: 1`",
					"schema version %s is not known to this version of simcap", shorten(text))
			}
		},
		like: func(*schemas) schema { return schema{"const": Version} },
	}
}

// warmup is a time, or `auto`; its owner is the whole scenario.
func warmup() form {
	time, _ := quantity("time")
	return custom{
		from: func(r *reader, n *yaml.Node, path string, into reflect.Value) {
			s := into.Addr().Interface().(*experiment.Scenario)
			if v := r.resolve(n, path); v != nil && v.Kind == yaml.ScalarNode && v.Value == "auto" {
				s.WarmupAuto = true
				return
			}
			time.read(r, n, path, reflect.ValueOf(&s.Model.Warmup).Elem())
		},
		like: func(b *schemas) schema { return anyOf(time.schema(b), schema{"const": "auto"}) },
	}
}

// replications is a number, or a mapping of when to stop.
func (l *language) replications() form {
	rules := l.of(reflect.TypeFor[experiment.Replications](), "replications",
		"a rule for replications")
	*rules.field("metric") = field{name: "metric", form: word{"metric", experiment.MetricNames()},
		index: rules.field("metric").index}
	return custom{
		from: func(r *reader, n *yaml.Node, path string, into reflect.Value) {
			v := r.resolve(n, path)
			if v == nil {
				return
			}
			if v.Kind != yaml.MappingNode {
				n := 0
				wholeNumber().read(r, v, path, reflect.ValueOf(&n).Elem())
				into.Set(reflect.ValueOf(experiment.Replications{Min: n, Max: n,
					Metric: defaultMetric}))
				return
			}
			into.Set(reflect.ValueOf(adaptive()))
			rules.read(r, v, path, into)
		},
		like: func(b *schemas) schema {
			return anyOf(schema{"type": "integer", "minimum": 1},
				b.ref(rules))
		},
	}
}

const defaultMetric = "latency.p99"

// adaptive is the defaults of `replications` as a mapping.
func adaptive() experiment.Replications {
	return experiment.Replications{Min: 5, Max: 50, Precision: 0.02, Metric: defaultMetric}
}

// platform is the name of a preset, or a mapping of what differs from one.
func (l *language) platform() form {
	s := l.of(reflect.TypeFor[model.Platform](), "platform", "a platform")
	s.field("preset").form = word{"preset", model.Presets}
	return custom{
		from: func(r *reader, n *yaml.Node, path string, into reflect.Value) {
			v := r.resolve(n, path)
			if v == nil {
				return
			}
			if v.Kind == yaml.ScalarNode {
				name := ""
				word{"preset", model.Presets}.read(r, v, path, reflect.ValueOf(&name).Elem())
				usePreset(name, into)
				return
			}
			if preset := entry(v, "preset"); preset != nil && preset.Kind == yaml.ScalarNode {
				usePreset(preset.Value, into)
			}
			s.read(r, v, path, into)
		},
		like: func(b *schemas) schema { return anyOf(choice(model.Presets), b.ref(s)) },
	}
}

func usePreset(name string, into reflect.Value) {
	if p, ok := model.NewPlatform(name); ok {
		into.Set(reflect.ValueOf(p))
	}
}

// entry is the value of a mapping's key; nil where there is none.
func entry(n *yaml.Node, key string) *yaml.Node {
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Kind == yaml.ScalarNode && n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// limits is `none`, or a mapping of what differs from the preset's.
func (l *language) limits() form {
	s := l.of(reflect.TypeFor[model.Limits](), "limits", "limits")
	return custom{
		from: func(r *reader, n *yaml.Node, path string, into reflect.Value) {
			switch v := r.resolve(n, path); {
			case v == nil:
			case v.Kind == yaml.ScalarNode && v.Value == "none":
				into.Set(reflect.ValueOf(model.NoLimits()))
			case v.Kind == yaml.MappingNode:
				s.read(r, n, path, into)
			default:
				r.expected(v, path, "none, or "+s.shape())
			}
		},
		like: func(b *schemas) schema { return anyOf(schema{"const": "none"}, b.ref(s)) },
	}
}

// workspace is a plan, its own caps, or both.
func (l *language) workspace() form {
	s := l.of(reflect.TypeFor[model.Workspace](), "workspace", "a workspace")
	s.field("plan").form = word{"plan", model.Plans}
	return custom{
		from: func(r *reader, n *yaml.Node, path string, into reflect.Value) {
			v := r.resolve(n, path)
			if v == nil {
				return
			}
			if plan := entry(v, "plan"); plan != nil {
				if w, ok := model.NewWorkspace(plan.Value); ok {
					into.Set(reflect.ValueOf(w))
				}
			}
			s.read(r, v, path, into)
		},
		like: func(b *schemas) schema { return b.ref(s) },
	}
}

// functions is a mapping of names to functions; its owner is the configuration.
func (l *language) functions() form {
	s := l.of(reflect.TypeFor[model.Function](), "function", "a function")
	s.fields = append([]field{{name: "gpu", form: gpu()}}, s.fields...)
	s.fields = append(s.fields, field{name: "calls",
		form: unsupported{"a function that calls another"}})
	return custom{
		from: func(r *reader, n *yaml.Node, path string, into reflect.Value) {
			pairs, ok := r.mapping(n, path, "a mapping of names to functions")
			if !ok {
				return
			}
			c := into.Addr().Interface().(*model.Config)
			for _, p := range pairs {
				at := join(path, p.key.Value)
				r.spots[at] = spot(p)
				r.name(p.key, at, p.key.Value)
				f := model.NewFunction(p.key.Value, &c.Platform)
				r.function(s, p.value, at, &f)
				c.Functions = append(c.Functions, f)
			}
		},
		like: func(b *schemas) schema {
			return schema{"type": "object", "minProperties": 1, "additionalProperties": b.ref(s),
				"propertyNames": schema{"pattern": namePattern}}
		},
	}
}

// function reads a function and fills in the defaults that depend on other settings of it.
func (r *reader) function(s *section, n *yaml.Node, at string, f *model.Function) {
	r.cold, r.facts, r.overhead = nil, nil, nil
	s.read(r, n, at, reflect.ValueOf(f).Elem())
	if r.facts != nil {
		r.profiles[f.Name] = r.facts
	}
	if size := at + ".batched.max_batch_size"; r.given(size) && f.Batched.MaxBatchSize == 0 &&
		!r.misread(size) {
		r.fail(r.spots[size].value, size, "leave batched out for a function without batches",
			"must be at least 1")
	}
	if !r.given(at+".service") && !r.meant[at+".service"] && !r.misread(at) {
		r.add(Warning, r.spots[at].key, at, "say how long: service: {time: 200ms}",
			"%s has no service: its inputs take no time", f.Name)
	}
	if f.Service.Batch != nil && f.Service.Batch.Units == "" {
		f.Service.Batch.Units = service.Sum
	}
	batch := at + ".service.batch"
	if r.given(batch) && !r.given(batch+".points") && !r.given(batch+".base") &&
		!r.given(batch+".per_input") &&
		!r.misread(batch) && f.Service.Profile == "" {
		r.fail(r.spots[batch].key, batch, "", "a batch curve needs points, or base and per_input")
	}
	if r.cold != nil && !r.given(at+".cold_start") {
		f.ColdStart = *r.cold
	}
	if r.overhead != nil && !r.given(at+".overhead") {
		f.Overhead = r.overhead
	}
	if !r.given(at + ".concurrent.target_inputs") {
		f.Concurrent.TargetInputs = f.Concurrent.MaxInputs
	}
	if !r.given(at + ".startup_timeout") {
		f.StartupTimeout = f.Timeout
	}
}

// namePattern is what names of functions and workloads look like: they are parts of dotted keys and
// of file names.
const namePattern = `^[A-Za-z0-9_][A-Za-z0-9_-]{0,99}$`

// name checks the name of a function or workload.
func (r *reader) name(n *yaml.Node, path, name string) {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"
	if name == "" || len(name) > 100 || strings.Trim(name, letters+"-") != "" || name[0] == '-' {
		r.fail(n, path, "use up to 100 letters, digits, - and _", "%s cannot be a name",
			shorten(name))
	}
}

// gpu is a name with an optional count; its owner is the function.
func gpu() form {
	return custom{
		from: func(r *reader, n *yaml.Node, path string, into reflect.Value) {
			text, ok := r.scalar(n, path, "a GPU")
			if !ok {
				return
			}
			f := into.Addr().Interface().(*model.Function)
			name, count, counted := strings.Cut(text, ":")
			f.GPU, f.GPUs = name, 1
			if !counted && name != "" {
				return
			}
			if k, err := strconv.Atoi(count); err == nil && name != "" {
				f.GPUs = k
				return
			}
			r.fail(n, path, `write a name, or a name and a number: L40S, "H100:2"`,
				"%s is not a GPU", shorten(text))
		},
		like: func(*schemas) schema {
			return schema{"type": "string",
				"pattern": `^[^:]+(:[1-8])?$`}
		},
	}
}

// retries is a number of retries after one second each, or a mapping.
func (l *language) retries() form {
	s := l.of(reflect.TypeFor[model.Retries](), "retries", "a retry policy")
	return custom{
		from: func(r *reader, n *yaml.Node, path string, into reflect.Value) {
			v := r.resolve(n, path)
			if v == nil {
				return
			}
			if v.Kind != yaml.MappingNode {
				n := 0
				wholeNumber().read(r, v, path, reflect.ValueOf(&n).Elem())
				into.Set(reflect.ValueOf(model.FixedRetries(n)))
				return
			}
			into.Set(reflect.ValueOf(model.BackoffRetries()))
			s.read(r, v, path, into)
		},
		like: func(b *schemas) schema {
			return anyOf(schema{"type": "integer", "minimum": 0},
				b.ref(s))
		},
	}
}

// clientRetry is `none`, or a mapping; max_attempts counts the first submission.
func (l *language) clientRetry() form {
	retries := l.of(reflect.TypeFor[model.Retries](), "retries", "a retry policy")
	s := l.add(&section{name: "client retry", what: "a client's retry policy",
		fields: slices.Clone(retries.fields)})
	s.fields[0] = field{name: "max_attempts", index: s.fields[0].index, form: custom{
		from: func(r *reader, n *yaml.Node, path string, into reflect.Value) {
			attempts := 1
			before := len(r.found)
			wholeNumber().read(r, n, path, reflect.ValueOf(&attempts).Elem())
			if len(r.found) == before && attempts < 1 {
				r.fail(n, path, "", "max_attempts counts the first one, so it is at least 1")
				return
			}
			into.SetInt(int64(attempts - 1))
		},
		like: func(*schemas) schema { return schema{"type": "integer"} },
	}}
	return orNone{custom{
		from: func(r *reader, n *yaml.Node, path string, into reflect.Value) {
			into.Set(reflect.ValueOf(model.BackoffRetries()))
			s.read(r, n, path, into)
		},
		like: func(b *schemas) schema { return b.ref(s) },
	}}
}

// orNone is a form that may be left out by the word none.
type orNone struct{ of form }

func (o orNone) read(r *reader, n *yaml.Node, path string, into reflect.Value) {
	if v := r.resolve(n, path); v != nil && v.Kind == yaml.ScalarNode && v.Value == "none" {
		return
	}
	o.of.read(r, n, path, into)
}

func (o orNone) schema(b *schemas) schema { return anyOf(schema{"const": "none"}, o.of.schema(b)) }

// deploy is a moment at which all containers are replaced; rolling unless it says otherwise.
func (l *language) deploy() form {
	s := l.of(reflect.TypeFor[model.Deploy](), "deploy", "a deploy")
	return custom{
		from: func(r *reader, n *yaml.Node, path string, into reflect.Value) {
			into.FieldByName("Strategy").SetString(model.Strategies[0])
			s.read(r, n, path, into)
		},
		like: func(b *schemas) schema { return b.ref(s) },
	}
}

// coldStart is a time or distribution, a list of stages, or a mapping with stages and a snapshot.
func (l *language) coldStart() form {
	stages := list{l.stage(), "a list of stages"}
	snapshot := l.of(reflect.TypeFor[model.Snapshot](), "snapshot", "a snapshot")
	snapshot.field("stages").form = stages
	s := l.of(reflect.TypeFor[model.ColdStart](), "cold_start", "a cold start")
	s.field("stages").form = stages
	time := distribution{lang: l, unit: "time"}
	return custom{
		from: func(r *reader, n *yaml.Node, path string, into reflect.Value) {
			v := r.resolve(n, path)
			switch {
			case v == nil:
			case v.Kind == yaml.SequenceNode:
				r.fail(v, path, "write cold_start: {stages: [...]}",
					"a list, where a time or a mapping is expected")
			case v.Kind == yaml.MappingNode && entry(v, "dist") == nil:
				s.read(r, v, path, into)
			default:
				into.Set(reflect.ValueOf(model.ColdStart{}))
				var d dist.Dist
				time.read(r, v, path, reflect.ValueOf(&d).Elem())
				r.spots[path+".stages[0].time"] = r.spots[path]
				if d != nil && d != (dist.Constant{}) {
					into.FieldByName("Stages").Set(reflect.ValueOf([]model.Stage{{Name: "boot",
						Time: d, Billed: true}}))
				}
			}
		},
		like: func(b *schemas) schema { return anyOf(time.schema(b), b.ref(s)) },
	}
}

// StageNames are the standard stages of a cold start, in their usual order.
var stageNames = []string{"schedule", "image", "boot", "init", "weights", "warmup"}

// stage is one step; billed unless it is the waiting for a machine or for the image.
func (l *language) stage() form {
	s := l.of(reflect.TypeFor[model.Stage](), "stage", "a stage")
	return custom{
		from: func(r *reader, n *yaml.Node, path string, into reflect.Value) {
			s.read(r, n, path, into)
			stage := into.Addr().Interface().(*model.Stage)
			if !r.given(path + ".billed") {
				stage.Billed = !slices.Contains(stageNames[:2], stage.Name)
				r.misspeltStage(path+".name", stage.Name)
			}
		},
		like: func(b *schemas) schema { return b.ref(s) },
	}
}

// misspeltStage warns of a name that is nearly one of those whose stages are not billed: as it stands the
// stage is.
func (r *reader) misspeltStage(path, name string) {
	near := Nearest(name, stageNames)
	if near == name || !slices.Contains(stageNames[:2], near) || !r.given(path) {
		return
	}
	help := fmt.Sprintf("did you mean %q? Or say billed: true or false", near)
	r.add(Warning, r.spots[path].value, path, help,
		"a stage named %q is billed, one named %q would not be", name, near)
}

// curve is a mapping of whole numbers to times.
type curve struct{ what string }

func (c curve) read(r *reader, n *yaml.Node, path string, into reflect.Value) {
	pairs, ok := r.mapping(n, path, c.what)
	if !ok {
		return
	}
	if len(pairs) == 0 {
		r.fail(r.resolve(n, path), path, "", "a curve needs at least one point")
		return
	}
	time, _ := quantity("time")
	points := make(service.Curve, 0, len(pairs))
	for _, p := range pairs {
		at := join(path, p.key.Value)
		r.spots[at] = spot(p)
		var point service.CurvePoint
		before := len(r.found)
		wholeNumber().read(r, p.key, at, reflect.ValueOf(&point.N).Elem())
		time.read(r, p.value, at, reflect.ValueOf(&point.NS).Elem())
		if len(r.found) == before {
			points = append(points, point)
		}
	}
	slices.SortStableFunc(points, func(a, b service.CurvePoint) int { return a.N - b.N })
	into.Set(reflect.ValueOf(points))
}

// service is how long work holds its slot. A profile's settings come first, and the others replace
// them one by one.
func (l *language) service() form {
	s := l.of(reflect.TypeFor[service.Config](), "service", "a service")
	if s.field("noise") == nil {
		l.completeService(s)
	}
	return s
}

// completeService adds the keys that are nested deeper in the file than in the struct.
func (l *language) completeService(s *section) {
	t := reflect.TypeFor[service.Config]()
	noise := l.add(&section{name: "noise", what: "a noise", fields: []field{
		{name: "cv", form: l.scalar(reflect.TypeFor[float64](), "fraction", false),
			index: []int{fieldIndex(t, "NoiseCV")}}}})
	shared := l.add(&section{name: "concurrency", what: "a concurrency curve", fields: []field{
		{name: "points", form: curve{"a mapping of inputs to times"}, index: []int{fieldIndex(t,
			"Concurrency")}}}})
	profile := field{name: "profile", form: profileForm{l}}
	s.fields = slices.DeleteFunc(s.fields, func(f field) bool {
		return f.name == "profile" ||
			f.name == "concurrency"
	})
	s.fields = append([]field{profile}, s.fields...)
	s.fields = append(s.fields, field{name: "noise", form: noise}, field{name: "concurrency",
		form: shared},
		field{name: "llm", form: l.engine(), index: []int{fieldIndex(t, "LLM")}})
}

// engine is an LLM engine: the profile's, where there is one, with the settings that stand here.
func (l *language) engine() form {
	t := reflect.TypeFor[service.LLM]()
	s := l.of(t, "llm", "an LLM engine")
	noise := l.add(&section{name: "llm noise", what: "a noise", fields: []field{
		{name: "cv", form: l.scalar(reflect.TypeFor[float64](), "fraction", false),
			index: []int{fieldIndex(t, "NoiseCV")}}}})
	s.fields = append(s.fields, field{name: "noise", form: noise})
	return custom{
		from: func(r *reader, n *yaml.Node, path string, into reflect.Value) {
			engine := service.NewLLM()
			if known := into.Interface().(*service.LLM); known != nil {
				engine = *known
			}
			s.read(r, n, path, reflect.ValueOf(&engine).Elem())
			into.Set(reflect.ValueOf(&engine))
		},
		like: func(b *schemas) schema { return b.ref(s) },
	}
}

// workloads is a list; each has a name, by default its place in the list.
func (l *language) workloads() form {
	s := l.of(reflect.TypeFor[model.Workload](), "workload", "a workload")
	one := custom{
		from: func(r *reader, n *yaml.Node, path string, into reflect.Value) {
			index := strings.TrimSuffix(strings.TrimPrefix(path, "workloads["), "]")
			i, _ := strconv.Atoi(index)
			into.Set(reflect.ValueOf(model.NewWorkload(fmt.Sprintf("workload%d", i+1), "")))
			s.read(r, n, path, into)
			if w, ok := r.spots[path+".name"]; ok && w.value.Kind == yaml.ScalarNode {
				r.name(w.value, path+".name", w.value.Value)
			}
		},
		like: func(b *schemas) schema { return b.ref(s) },
	}
	return list{one, "a list of workloads"}
}
