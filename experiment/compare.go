package experiment

// Comparison sets systems side by side under common random numbers: replication n of each meets the
// same arrivals and demands, so that differences are taken pair by pair.
type Comparison struct {
	Simcap       string          `json:"simcap"` // version of the program
	Seed         uint64          `json:"seed"`
	Replications int             `json:"replications"` // pairs
	Systems      []System        `json:"systems"`      // the first is what others are compared with
	Rows         []ComparisonRow `json:"rows"`
	Warnings     []string        `json:"warnings"`
}

// System is one of the systems that are compared.
type System struct {
	Name   string  `json:"name"`   // unique in the comparison
	Point  Point   `json:"point"`  // what was set; empty: the file as it is
	Result *Result `json:"result"` // its own results
}

// ComparisonRow compares one measure of one scope.
type ComparisonRow struct {
	Metric      string       `json:"metric"`
	Function    string       `json:"function,omitempty"`
	Workload    string       `json:"workload,omitempty"` // both "": the total
	Values      []Estimate   `json:"values"`             // by system
	Differences []Difference `json:"differences"`        // by system; that of the first is empty
}

// Difference is a system's value minus the first system's, pair by pair.
type Difference struct {
	Absolute Estimate `json:"absolute"` // in the metric's unit
	Relative Estimate `json:"relative"` // divided by the first system's value; null where that is 0
	Noise    bool     `json:"noise"`    // the interval spans 0, or there is none: not told apart
}
