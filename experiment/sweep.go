package experiment

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
)

// Sweep is a scenario simulated at every point of a grid. Its JSON is the canonical form of a sweep.
type Sweep struct {
	Simcap    string       `json:"simcap"` // version of the program
	Scenario  string       `json:"scenario"`
	Seed      uint64       `json:"seed"`
	Content   string       `json:"content"` // hash of what was asked, at the first point of the grid
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
	Verdict  string  `json:"verdict"`         // Kept, Missed, Undecided, NoSLO, Impossible or Failed
	Frontier bool    `json:"frontier"`        // no other point is at most as dear and as slow, and better in one
	Error    string  `json:"error,omitempty"` // why the point has no result
	Result   *Result `json:"result,omitempty"`
	// Fractions are the measures that the JSON of a result leaves out, by scope and metric.
	Fractions map[string]map[string]Estimate `json:"fractions,omitempty"`
}

// hold gives the point its result.
func (p *SweepPoint) hold(r *Result) {
	p.Verdict, p.Result = r.SLOVerdict(), r
	p.Fractions = map[string]map[string]Estimate{}
	p.eachFraction(func(scope, metric string, e *Estimate) {
		if e.Value == nil {
			return
		}
		if p.Fractions[scope] == nil {
			p.Fractions[scope] = map[string]Estimate{}
		}
		p.Fractions[scope][metric] = *e
	})
}

// Restore gives results that were read from JSON the fractions that it has beside them.
func (s *Sweep) Restore() {
	for i := range s.Points {
		p := &s.Points[i]
		if p.Result == nil {
			continue
		}
		p.eachFraction(func(scope, metric string, e *Estimate) { *e = p.Fractions[scope][metric] })
	}
}

// eachFraction calls visit for every fraction of the result, in any order.
func (p *SweepPoint) eachFraction(visit func(scope, metric string, e *Estimate)) {
	of := func(scope string, m *Measures) {
		visit(scope, "cold_start_fraction", &m.ColdStartFraction)
		visit(scope, "completed_fraction", &m.CompletedFraction)
	}
	of("total", &p.Result.Total)
	for _, scopes := range []struct {
		kind string
		of   map[string]Measures
	}{{"functions.", p.Result.Functions}, {"workloads.", p.Result.Workloads}} {
		for name, m := range scopes.of {
			of(scopes.kind+name, &m)
			scopes.of[name] = m
		}
	}
}

// What a point says of the service level objectives as a whole.
const (
	Kept       = "kept"       // all are met
	Missed     = "missed"     // at least one is not met
	Undecided  = "undecided"  // none is missed, and an interval spans a bound
	NoSLO      = "no slo"     // there are none
	Impossible = "impossible" // the point's settings contradict each other
	Failed     = "failed"     // its simulation ended with an error
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

// Values are a point's cost and latency, as the sweep calls them; ok is false where it has no such
// value.
func (s *Sweep) Values(p *SweepPoint) (cost, latency Estimate, ok bool) {
	if p.Result == nil {
		return Estimate{}, Estimate{}, false
	}
	cost, _ = p.Result.Metric(s.Cost, "", "")
	latency, _ = p.Result.Metric(s.Latency, s.Function, s.Workload)
	return cost, latency, cost.Value != nil && latency.Value != nil
}

// Mark finds the Pareto frontier of cost and latency: the points that no other point beats, being at
// most as dear and as slow, and better in one.
func (s *Sweep) Mark() {
	type spot struct{ cost, latency float64 }
	var spots []spot
	var at []int
	for i := range s.Points {
		s.Points[i].Frontier = false
		if cost, latency, ok := s.Values(&s.Points[i]); ok {
			spots, at = append(spots, spot{*cost.Value, *latency.Value}), append(at, i)
		}
	}
	order := make([]int, len(spots))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(spots[a].cost, spots[b].cost),
			cmp.Compare(spots[a].latency, spots[b].latency))
	})
	best, cheapest := math.Inf(1), math.Inf(-1)
	for _, i := range order {
		equal := spots[i].latency == best && spots[i].cost == cheapest // a twin is as good
		if spots[i].latency < best || equal {
			s.Points[at[i]].Frontier = true
			best, cheapest = spots[i].latency, spots[i].cost
		}
	}
}

// ByCost are the points with results from the cheapest to the dearest, then by latency and index, and
// behind them those without.
func (s *Sweep) ByCost() []*SweepPoint {
	out := make([]*SweepPoint, len(s.Points))
	for i := range s.Points {
		out[i] = &s.Points[i]
	}
	key := func(p *SweepPoint) (cost, latency float64) {
		c, l, _ := s.Values(p)
		cost, latency = math.Inf(1), math.Inf(1)
		if c.Value != nil {
			cost = *c.Value
		}
		if l.Value != nil {
			latency = *l.Value
		}
		return cost, latency
	}
	slices.SortStableFunc(out, func(a, b *SweepPoint) int {
		ac, al := key(a)
		bc, bl := key(b)
		return cmp.Or(cmp.Compare(ac, bc), cmp.Compare(al, bl), cmp.Compare(a.Index, b.Index))
	})
	return out
}

// Merge joins the shares of one sweep into one. It is an error when they are not of the same sweep. A
// point that two shares have must be the same in both. missing are the points that no share has.
func Merge(shares []*Sweep) (merged *Sweep, missing []int, err error) {
	if len(shares) == 0 {
		return nil, nil, errors.New("there is nothing to merge")
	}
	first := shares[0]
	grid, err := Grid(first.Axes)
	if err != nil {
		return nil, nil, err
	}
	whole := *first
	whole.Shard, whole.Planned, whole.Points = "", len(grid), []SweepPoint{}
	byIndex := map[int]SweepPoint{}
	for n, s := range shares {
		if what := first.differs(s); what != "" {
			return nil, nil, fmt.Errorf("share %d is of another sweep than share 1: %s", n+1, what)
		}
		for _, p := range s.Points {
			if p.Index < 0 || p.Index >= len(grid) || !slices.Equal(p.Point, grid[p.Index]) {
				return nil, nil, fmt.Errorf("share %d has a point %d that is not of the grid", n+1, p.Index)
			}
			if other, twice := byIndex[p.Index]; twice && !reflect.DeepEqual(other.Result, p.Result) {
				return nil, nil, fmt.Errorf("share %d has other results for %s", n+1, p.Point)
			}
			byIndex[p.Index] = p
		}
	}
	for i := range grid {
		if p, ok := byIndex[i]; ok {
			whole.Points = append(whole.Points, p)
		} else {
			missing = append(missing, i)
		}
	}
	whole.Mark()
	return &whole, missing, nil
}

// differs says in what two sweeps are not the same one; "" where they are.
func (s *Sweep) differs(other *Sweep) string {
	switch {
	case s.Simcap != other.Simcap:
		return fmt.Sprintf("made by versions %s and %s", s.Simcap, other.Simcap)
	case s.Scenario != other.Scenario:
		return fmt.Sprintf("scenarios %q and %q", s.Scenario, other.Scenario)
	case s.Seed != other.Seed:
		return fmt.Sprintf("seeds %d and %d", s.Seed, other.Seed)
	case !reflect.DeepEqual(s.Axes, other.Axes):
		return "the grids differ"
	case s.Content != other.Content:
		return "the scenarios have one name, but other settings"
	case s.Cost != other.Cost || s.Latency != other.Latency || s.Function != other.Function ||
		s.Workload != other.Workload:
		return "cost and latency are not the same metrics"
	}
	return ""
}
