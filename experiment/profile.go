package experiment

import (
	"fmt"
	"strings"

	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/report/quantity"
)

// Profile is what a run has to know of a profile beyond the times that the model uses.
type Profile struct {
	Name      string
	Synthetic bool // it was not measured on real hardware
	Valid     Valid
	Energy    *Energy // nil: not measured
	Server    Server
}

// Valid is where a profile was measured. A run that leaves it warns. What is empty holds everywhere.
type Valid struct {
	BatchSize  []int     `yaml:"batch_size"` // smallest and largest
	Concurrent []int     `yaml:"concurrent"` // least and most inputs at a time
	Size       []float64 `yaml:"size"`       // smallest and largest size of an input, in its units
	GPUs       []string  `yaml:"gpus"`       // names as scenarios write them
	// Of an LLM engine: least and most tokens of a prompt and of an output.
	PromptTokens []float64 `yaml:"prompt_tokens"`
	OutputTokens []float64 `yaml:"output_tokens"`
}

// Energy is what the GPUs of one container draw: a batch of n inputs takes JoulesPerBatch +
// JoulesPerInput × n joules from its start to its end, and a container without work takes IdleWatts.
type Energy struct {
	JoulesPerBatch float64 `yaml:"joules_per_batch"`
	JoulesPerInput float64 `yaml:"joules_per_input"`
	IdleWatts      float64 `yaml:"idle_watts"`
}

// Server says how the measured server treats several requests at a time.
type Server struct {
	Discipline string `yaml:"discipline"` // one of Disciplines; "": not known
	Slots      int    `yaml:"slots"`      // requests that it serves at a time; 0: not known
}

// Disciplines are the ways of a server with more requests than it serves at a time: they wait in a
// line, they share its speed, they do not notice each other, or it puts them into one batch.
var Disciplines = []string{"queue", "sharing", "parallel", "batching"}

// profileWarnings say where the functions of a scenario leave what their profiles hold for.
func profileWarnings(s *Scenario) []string {
	var out []string
	for i := range s.Model.Functions {
		f := &s.Model.Functions[i]
		p := s.Profiles[f.Name]
		if p == nil {
			continue
		}
		warn := func(format string, args ...any) {
			out = append(out, fmt.Sprintf("%s: the profile %s %s", f.Name, p.Name,
				fmt.Sprintf(format, args...)))
		}
		if p.Synthetic {
			warn("is synthetic: it was not measured on hardware")
		}
		if v := p.Valid.BatchSize; len(v) == 2 && f.Batched.MaxBatchSize > v[1] {
			warn("was measured with batches of up to %d, and batches of up to %d are allowed here: "+
				"extrapolated", v[1], f.Batched.MaxBatchSize)
		}
		if v := p.Valid.Concurrent; len(v) == 2 && f.Concurrent.MaxInputs > v[1] {
			warn("was measured with up to %d inputs at a time, and max_inputs is %d: extrapolated",
				v[1], f.Concurrent.MaxInputs)
		}
		if v := p.Valid.GPUs; len(v) > 0 && !sameGPU(f.GPU, v) {
			warn("was measured on %s, and the function runs on %s", strings.Join(v, ", "),
				gpuName(f.GPU))
		}
		if p.Server.Discipline == Disciplines[0] && p.Server.Slots > 0 &&
			f.Concurrent.MaxInputs > p.Server.Slots {
			warn("says that its server serves %d at a time and lets others wait, and max_inputs is %d: "+
				"means hold, but quantiles are right with max_inputs: %[1]d", p.Server.Slots,
				f.Concurrent.MaxInputs)
		}
		out = append(out, sizeWarnings(s, f, p)...)
		out = append(out, tokenWarnings(s, f, p)...)
	}
	return out
}

// sizeWarnings name workloads whose sizes leave the profile of their function on average.
func sizeWarnings(s *Scenario, f *model.Function, p *Profile) []string {
	v := p.Valid.Size
	if len(v) != 2 {
		return nil
	}
	var out []string
	for i := range s.Model.Workloads {
		w := &s.Model.Workloads[i]
		if w.Function != f.Name {
			continue
		}
		mean := 1.0
		if w.Size != nil {
			mean = w.Size.Mean()
		}
		if mean < v[0] || mean > v[1] {
			out = append(out, fmt.Sprintf("%s: the sizes of %s have mean %s, and the profile %s was "+
				"measured with %s to %s: extrapolated", f.Name, w.Name, quantity.Plain(mean), p.Name,
				quantity.Plain(v[0]), quantity.Plain(v[1])))
		}
	}
	return out
}

func gpuName(name string) string {
	if name == "" {
		return "no GPU"
	}
	return name
}

// sameGPU says whether the name is one of the list; A100 stands for every A100.
func sameGPU(name string, list []string) bool {
	for _, g := range list {
		if strings.EqualFold(g, name) || name != "" && (strings.HasPrefix(g, name+"-") ||
			strings.HasPrefix(name, g+"-")) {
			return true
		}
	}
	return false
}
