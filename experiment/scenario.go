// Package experiment runs scenarios: one replication, many of them on all cores, sweeps, plans; and
// holds the results, whose JSON is their canonical form.
package experiment

import (
	"github.com/simcap/simcap/model"
)

// Scenario is a question: a system, how often to simulate it, what must hold, and what may vary.
type Scenario struct {
	Name         string
	Seed         uint64
	WarmupAuto   bool // warm-up chosen by MSER-5; Model.Warmup is then 0 until it is found
	WarmupFound  bool // it is: Model.Warmup holds it
	Unsettled    bool // but MSER-5 saw no steady state
	Replications Replications
	Model        model.Config
	SLO          []Objective
	Sweep        []Axis // grid of `simcap sweep`
	PlanSearch   []Axis // space of `simcap plan`
	Synthetic    bool   // a profile that it uses was not measured on real hardware
	// Profiles are those that services come from, by function.
	Profiles map[string]*Profile
	// CarbonIntensity is grams of CO2 equivalent per kWh of electricity; 0: not given.
	CarbonIntensity float64
}

// HasLLM says whether a function of the scenario has an LLM engine.
func (s *Scenario) HasLLM() bool {
	for i := range s.Model.Functions {
		if s.Model.Functions[i].Service.LLM != nil {
			return true
		}
	}
	return false
}

// Replications says how many independent runs to make.
type Replications struct {
	Min       int     `yaml:"min"`
	Max       int     `yaml:"max"`
	Precision float64 `yaml:"precision" unit:"fraction"` // relative half-width of the interval to stop at; 0: always Max
	Metric    string  `yaml:"metric"`                    // default latency.p99
}

// Objective is one service level objective: a metric of a function, a workload or the total, and its bound.
type Objective struct {
	Metric   string  `yaml:"metric"`   // for example latency.p99, cold_start_fraction, cost.per_hour
	Function string  `yaml:"function"` // "": total, unless Workload is set
	Workload string  `yaml:"workload"`
	Max      float64 `yaml:"max"` // seconds, fractions or USD; NaN: no upper bound
	Min      float64 `yaml:"min"` // NaN: no lower bound
}

// Axis is one key that varies, with the values it takes as they would stand in the file.
type Axis struct {
	Key    string   `json:"key"`    // dotted path, for example functions.embed.min_containers
	Values []string `json:"values"` // YAML scalars or flow mappings
}
