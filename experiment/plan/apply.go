package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/sim"
)

// apply is what to write into the code so that it has the settings of a point: keys of functions
// become arguments and decorators, updates become calls, and the rest stays as it is.
func apply(p experiment.Point, c *model.Config) []Snippet {
	var out []Snippet
	var rest []experiment.Setting
	for i := range c.Functions {
		f := &c.Functions[i]
		s := Snippet{Function: f.Name, Arguments: []string{}, Decorators: []string{}, Calls: []string{},
			Other: []experiment.Setting{}}
		done := map[string]bool{}
		for _, set := range p {
			r := roleOf(set.Key)
			if r.function != f.Name {
				continue
			}
			group, _, _ := strings.Cut(r.setting, ".")
			text, kind := code(f, group)
			switch {
			case done[group]:
			case kind == argument:
				s.Arguments = append(s.Arguments, text...)
			case kind == decorator:
				s.Decorators = append(s.Decorators, text...)
			case kind == call:
				s.Calls = append(s.Calls, text...)
			default:
				s.Other = append(s.Other, set)
				continue
			}
			done[group] = true
		}
		if len(s.Arguments)+len(s.Decorators)+len(s.Calls)+len(s.Other) > 0 {
			out = append(out, s)
		}
	}
	for _, set := range p {
		r := roleOf(set.Key)
		if !slices.ContainsFunc(c.Functions, func(f model.Function) bool { return f.Name == r.function }) {
			rest = append(rest, set)
		}
	}
	if len(rest) > 0 {
		out = append(out, Snippet{Arguments: []string{}, Decorators: []string{}, Calls: []string{},
			Other: rest})
	}
	return out
}

// kind is where a setting stands in the code.
type kind int

const (
	elsewhere kind = iota
	argument       // of @app.function
	decorator      // of its own
	call           // of update_autoscaler
)

// code is a function's setting as Modal's client spells it (modal.com/docs/reference: modal.App.function,
// modal.concurrent, modal.batched, modal.Function.update_autoscaler). Times are whole seconds there, wait_ms
// milliseconds, memory MiB.
func code(f *model.Function, setting string) ([]string, kind) {
	one := func(name, value string) ([]string, kind) { return []string{name + "=" + value}, argument }
	switch setting {
	case "min_containers":
		return one(setting, strconv.Itoa(f.MinContainers))
	case "max_containers":
		return one(setting, limit(f.MaxContainers))
	case "buffer_containers":
		return one(setting, strconv.Itoa(f.BufferContainers))
	case "scaledown_window":
		return one(setting, seconds(f.ScaledownWindow))
	case "timeout":
		return one(setting, seconds(f.Timeout))
	case "startup_timeout":
		return one(setting, seconds(f.StartupTimeout))
	case "single_use_containers":
		return one(setting, map[bool]string{true: "True", false: "False"}[f.SingleUse])
	case "gpu":
		return one(setting, gpu(f))
	case "cpu":
		return one(setting, strconv.FormatFloat(f.CPU, 'g', -1, 64))
	case "memory":
		return one(setting, strconv.FormatFloat(f.MemoryGiB*1024, 'f', 0, 64))
	case "region":
		return one(setting, strconv.Quote(f.Region))
	case "retries":
		return one(setting, retries(&f.Retries))
	case "concurrent":
		return []string{concurrent(&f.Concurrent)}, decorator
	case "batched":
		if f.Batched.MaxBatchSize == 0 {
			return nil, elsewhere
		}
		return []string{fmt.Sprintf("@modal.batched(max_batch_size=%d, wait_ms=%s)", f.Batched.MaxBatchSize,
			strconv.FormatFloat(f.Batched.Wait.Seconds()*1000, 'f', -1, 64))}, decorator
	case "updates":
		return updates(f), call
	}
	return nil, elsewhere
}

func limit(n int) string {
	if n == model.None {
		return "None"
	}
	return strconv.Itoa(n)
}

func gpu(f *model.Function) string {
	switch {
	case f.GPUs == 0:
		return "None"
	case f.GPUs == 1:
		return strconv.Quote(f.GPU)
	}
	return strconv.Quote(fmt.Sprintf("%s:%d", f.GPU, f.GPUs))
}

// seconds writes a time as a number of seconds.
func seconds(t sim.Time) string { return strconv.FormatFloat(t.Seconds(), 'f', -1, 64) }

func retries(r *model.Retries) string {
	factor := strconv.FormatFloat(r.BackoffCoefficient, 'f', -1, 64)
	return fmt.Sprintf("modal.Retries(max_retries=%d, initial_delay=%s, backoff_coefficient=%s, "+
		"max_delay=%s)", r.Max, seconds(r.InitialDelay), factor, seconds(r.MaxDelay))
}

func concurrent(c *model.Concurrent) string {
	if c.TargetInputs != 0 && c.TargetInputs != c.MaxInputs {
		return fmt.Sprintf("@modal.concurrent(max_inputs=%d, target_inputs=%d)", c.MaxInputs, c.TargetInputs)
	}
	return fmt.Sprintf("@modal.concurrent(max_inputs=%d)", c.MaxInputs)
}

// updates are the calls of update_autoscaler with the time of each.
func updates(f *model.Function) []string {
	var out []string
	for i := range f.Updates {
		u := &f.Updates[i]
		var args []string
		for _, a := range []struct {
			name  string
			value *int
		}{{"min_containers", u.MinContainers}, {"max_containers", u.MaxContainers},
			{"buffer_containers", u.BufferContainers}} {
			if a.value != nil {
				args = append(args, a.name+"="+limit(*a.value))
			}
		}
		if u.ScaledownWindow != nil {
			args = append(args, "scaledown_window="+seconds(*u.ScaledownWindow))
		}
		when := "at " + clock(u.At)
		if u.Every > 0 {
			when += ", every " + clock(u.Every)
		}
		out = append(out, f.Name+".update_autoscaler("+strings.Join(args, ", ")+")  # "+when)
	}
	return out
}

// clock writes an instant in hours and minutes where it is whole in them.
func clock(t sim.Time) string {
	hours, minutes := t/sim.Hour, t%sim.Hour/sim.Minute
	switch {
	case t%sim.Minute != 0:
		return seconds(t) + "s"
	case minutes == 0:
		return fmt.Sprintf("%dh", hours)
	case hours == 0:
		return fmt.Sprintf("%dm", minutes)
	}
	return fmt.Sprintf("%dh%02dm", hours, minutes)
}
