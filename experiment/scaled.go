package experiment

import (
	"fmt"
	"math"
	"slices"

	"github.com/simcap/simcap/model/workload"
)

// Scalable names the workloads whose rate of arrivals can be scaled: all but those that come at given
// instants.
func Scalable(s *Scenario) []string {
	var names []string
	for i := range s.Model.Workloads {
		if _, ok := workload.Scale(s.Model.Workloads[i].Arrivals.Kind, 1); ok {
			names = append(names, s.Model.Workloads[i].Name)
		}
	}
	return names
}

// ScaleArrivals is the scenario with the arrival rates of the named workloads multiplied: the shape over
// time stays, the number of clients of a closed workload is rounded, to at least one, and a bound on the
// number of calls grows with the rate. Other workloads stay as they are.
func ScaleArrivals(s *Scenario, names []string, factor float64) *Scenario {
	out := *s
	out.Model.Workloads = slices.Clone(s.Model.Workloads)
	for i := range out.Model.Workloads {
		w := &out.Model.Workloads[i]
		if !slices.Contains(names, w.Name) {
			continue
		}
		if kind, ok := workload.Scale(w.Arrivals.Kind, factor); ok {
			w.Arrivals.Kind = kind
			if w.Arrivals.Count > 0 {
				w.Arrivals.Count = max(1, int64(math.Round(float64(w.Arrivals.Count)*factor)))
			}
		}
	}
	return &out
}

// valid says what the model has against the scenario.
func valid(s *Scenario) error {
	for _, p := range s.Model.Validate() {
		if !p.Warning {
			return fmt.Errorf("%s: %s", p.Path, p.Text)
		}
	}
	return nil
}
