package experiment

// Sweep is a scenario simulated at every point of a grid. Its JSON is the canonical form of a sweep.
type Sweep struct {
	Simcap    string       `json:"simcap"` // version of the program
	Scenario  string       `json:"scenario"`
	Seed      uint64       `json:"seed"`
	Axes      []Axis       `json:"axes"`
	Cost      string       `json:"cost_metric"`    // what the frontier and the table call cost
	Latency   string       `json:"latency_metric"` // and latency
	Function  string       `json:"function,omitempty"`
	Workload  string       `json:"workload,omitempty"` // whose latency; both "": that of all inputs
	Shard     string       `json:"shard,omitempty"`    // "3/16" where only that share was run
	Points    []SweepPoint `json:"points"`             // in grid order, the last axis fastest; finished ones
	Planned   int          `json:"planned"`            // points of the grid, or of the share
	Synthetic bool         `json:"synthetic,omitempty"`
}

// SweepPoint is one point of a sweep with its result.
type SweepPoint struct {
	Index    int     `json:"index"` // in the grid, from 0
	Point    Point   `json:"point"`
	Verdict  string  `json:"verdict"`         // Kept, Missed, Undecided, NoSLO or Impossible
	Frontier bool    `json:"frontier"`        // no other point is at most as dear and as slow, and better in one
	Error    string  `json:"error,omitempty"` // why the point has no result: settings that contradict each other
	Result   *Result `json:"result,omitempty"`
}

// What a point says of the service level objectives as a whole.
const (
	Kept       = "kept"       // all are met
	Missed     = "missed"     // at least one is not met
	Undecided  = "undecided"  // none is missed, and an interval spans a bound
	NoSLO      = "no slo"     // there are none
	Impossible = "impossible" // the point's settings contradict each other
)

// SLOVerdict sums the verdicts of a result up: Kept, Missed, Undecided or NoSLO.
func (r *Result) SLOVerdict() string {
	kept, decided := r.KeepsSLO()
	switch {
	case len(r.SLO) == 0:
		return NoSLO
	case !kept:
		return Missed
	case !decided:
		return Undecided
	}
	return Kept
}
