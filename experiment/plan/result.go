// Package plan finds the cheapest settings of a scenario that keep every service level objective:
// it screens a space of settings coarsely, spends replications where the comparison is unsure, and
// says how sure the answer is and how it moves.
package plan

import "github.com/simcap/simcap/experiment"

// Result is the answer of a plan; its JSON is the canonical form, plan.json. Money is in USD, times
// are in seconds. Equal scenarios give equal bytes unless Stopped says that the work was cut short.
type Result struct {
	Simcap   string   `json:"simcap"` // version of the program
	Scenario string   `json:"scenario"`
	Seed     uint64   `json:"seed"`
	Goal     string   `json:"goal"`    // the metric that is minimised: cost.per_hour, or cost.total without a horizon
	Stopped  string   `json:"stopped"` // "": finished; budget or interrupted: cut short, the best so far
	Kept     bool     `json:"kept"`    // Best keeps every objective with 95 % confidence; false: it is the closest
	Space    Space    `json:"space"`
	Best     *Setting `json:"best"`  // null only when nothing was simulated
	Today    *Setting `json:"today"` // the scenario's own settings
	// Confidence is the chance that no simulated setting both keeps every objective and costs less
	// than 99 % of Best: at least the product of the rivals' chances not to. 0 without an answer.
	Confidence  float64   `json:"confidence"`
	Saving      *Saving   `json:"saving"`  // of Best against Today, replication by replication; null without both
	Binding     *Binding  `json:"binding"` // the objective that keeps cheaper settings out
	Apply       []Snippet `json:"apply"`   // what to paste, function by function
	RunnersUp   []Setting `json:"runners_up"`
	Steps       []Step    `json:"steps"`       // the neighbours of Best, one step along one key
	Sensitivity []Variant `json:"sensitivity"` // how the answer moves when the world does
	Explored    []Sample  `json:"explored"`    // every setting that was simulated, in the order of the space
	Warnings    []string  `json:"warnings"`
}

// Why a plan was cut short.
const (
	OverBudget  = "budget"
	Interrupted = "interrupted"
)

// Space is what was searched and how thoroughly.
type Space struct {
	Axes         []Axis  `json:"axes"`
	Settings     int64   `json:"settings"`         // combinations; math.MaxInt64 when there are more
	Equivalent   int64   `json:"equivalent"`       // combinations left when those are joined that provably run alike
	Invalid      int     `json:"invalid"`          // tried, but they contradict themselves
	Simulated    int     `json:"simulated"`        // settings simulated at least once
	Replications int     `json:"replications"`     // in all, sensitivity included
	Exhaustive   bool    `json:"exhaustive"`       // every valid setting was simulated or provably runs like one that was
	ScreenS      float64 `json:"screen_horizon_s"` // simulated time of a run of the screening; 0: without a horizon
}

// Axis is one key that varies.
type Axis struct {
	Key    string   `json:"key"`
	Values []string `json:"values"`
}

// Keeps says whether a setting keeps every objective.
type Keeps string

// A setting keeps every objective when all intervals lie within their bounds, breaks one when an
// interval lies outside, and is unsure in between.
const (
	Yes    Keeps = "yes"
	No     Keeps = "no"
	Unsure Keeps = "unsure"
)

// Setting is one point of the space with what its replications say.
type Setting struct {
	Settings     experiment.Point                `json:"settings"`
	Replications int                             `json:"replications"`
	Keeps        Keeps                           `json:"keeps"`
	Cost         experiment.Estimate             `json:"cost_usd"`           // the goal
	PerMonth     experiment.Estimate             `json:"cost_per_month_usd"` // 730 hours; null without a horizon
	More         experiment.Estimate             `json:"more_usd"`           // goal above Best's, replication by replication
	Chance       float64                         `json:"chance"`             // that it keeps every objective and costs less than 99 % of Best
	SLO          []experiment.Verdict            `json:"slo"`
	LatencyS     experiment.Quantiles            `json:"latency_s"` // all inputs
	Functions    map[string]experiment.Quantiles `json:"functions"` // latency by function
}

// Saving is what Best costs less than Today; negative: it costs more.
type Saving struct {
	Cost     experiment.Estimate `json:"cost_usd"`           // of the goal
	PerMonth experiment.Estimate `json:"cost_per_month_usd"` // null without a horizon
	Fraction float64             `json:"fraction"`           // of Today's cost
}

// Binding is the objective that the answer runs into.
type Binding struct {
	Objective int     `json:"objective"` // index in SLO
	Slack     float64 `json:"slack"`     // distance of Best's value to the bound, as a fraction of the bound
	Breaks    int     `json:"breaks"`    // of the cheaper settings that were simulated, so many break it
	Cheaper   int     `json:"cheaper"`   // cheaper settings that were simulated
}

// Snippet is what to write into the code for one function, or elsewhere.
type Snippet struct {
	Function   string               `json:"function"`   // "": settings that are not a function's
	Arguments  []string             `json:"arguments"`  // of @app.function: min_containers=2
	Decorators []string             `json:"decorators"` // @modal.concurrent(max_inputs=8)
	Calls      []string             `json:"calls"`      // update_autoscaler(min_containers=4), with when in a comment
	Other      []experiment.Setting `json:"other"`      // keys without a counterpart in code
}

// Step is a neighbour of Best: one key, one value further.
type Step struct {
	Key     string  `json:"key"`
	From    string  `json:"from"`
	To      string  `json:"to"`
	Cheaper bool    `json:"cheaper"` // its mean cost is below Best's
	Breaks  []int   `json:"breaks"`  // objectives that are not met there, or undecided
	Setting Setting `json:"setting"`
}

// Variant is a changed world: the answer as it is there, and what would be the answer there.
type Variant struct {
	Name  string   `json:"name"`  // traffic ×2, cold starts ×2
	Same  *Setting `json:"same"`  // Best's settings in that world
	Best  *Setting `json:"best"`  // the cheapest settings found for that world
	Kept  bool     `json:"kept"`  // Best of that world keeps every objective
	Moved []string `json:"moved"` // keys whose values differ from the answer's
}

// Sample is a setting that was simulated.
type Sample struct {
	Values       []string `json:"values"` // in the order of the axes
	Replications int      `json:"replications"`
	Cost         float64  `json:"cost_usd"` // mean of the goal; screening runs may be shorter
	Slack        *float64 `json:"slack"`    // smallest distance to a bound as a fraction of it, negative: broken; null: no value
	Binding      int      `json:"binding"`  // the objective with that distance
	Keeps        Keeps    `json:"keeps"`
	Screened     bool     `json:"screened"` // only the screening saw it
}
