package experiment

// Capacity is the highest arrival rate at which a scenario keeps its service level objectives.
type Capacity struct {
	Simcap    string           `json:"simcap"` // version of the program
	Scenario  string           `json:"scenario"`
	Seed      uint64           `json:"seed"`
	Workloads []string         `json:"workloads"` // those whose arrivals were scaled, all by one factor
	Searches  []CapacitySearch `json:"searches"`  // one, or one for each variant
}

// CapacitySearch is the search of one variant of the scenario.
type CapacitySearch struct {
	Variant Point  `json:"variant"` // what was set, for example a GPU type; empty: the file as it is
	Error   string `json:"error,omitempty"`
	// Interrupted says that the search was cut short: the answer is the best of the rates tried so far,
	// and the last of them may have fewer replications than the others.
	Interrupted bool `json:"interrupted,omitempty"`

	RatePerS   Estimate       `json:"rate_per_s"`            // inputs a second offered at the highest rate that keeps the SLO
	Factor     Estimate       `json:"factor"`                // the same over the scenario's own rate
	Bounded    bool           `json:"bounded"`               // a rate that misses the SLO was found
	Limit      string         `json:"limit"`                 // what is missed first beyond, or why the search ended
	AtCapacity *Result        `json:"at_capacity,omitempty"` // at the highest rate that keeps the SLO
	Steps      []CapacityStep `json:"steps"`                 // in the order in which they were tried
}

// CapacityStep is one rate that was tried.
type CapacityStep struct {
	RatePerS     float64   `json:"rate_per_s"`
	Factor       float64   `json:"factor"`
	Verdict      string    `json:"verdict"` // Kept, Missed or Undecided
	Replications int       `json:"replications"`
	SLO          []Verdict `json:"slo"`
}
