package experiment

import (
	"fmt"
	"math"
	"slices"

	"github.com/simcap/simcap/model/dist"
	"github.com/simcap/simcap/model/workload"
	"github.com/simcap/simcap/sim"
)

// Scalable names the workloads whose rate of arrivals can be scaled: all but those that come at given
// instants.
func Scalable(s *Scenario) []string {
	var names []string
	for i := range s.Model.Workloads {
		if _, ok := scaleKind(s.Model.Workloads[i].Arrivals.Kind, 1); ok {
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
		if kind, ok := scaleKind(w.Arrivals.Kind, factor); ok {
			w.Arrivals.Kind = kind
			if w.Arrivals.Count > 0 {
				w.Arrivals.Count = max(1, int64(math.Round(float64(w.Arrivals.Count)*factor)))
			}
		}
	}
	return &out
}

// scaleKind multiplies the rate of an arrival process; false where it has none.
func scaleKind(kind workload.Kind, factor float64) (workload.Kind, bool) {
	switch k := kind.(type) {
	case workload.Poisson:
		k.RatePerSec *= factor
		return k, true
	case workload.Constant:
		k.RatePerSec *= factor
		return k, true
	case workload.Diurnal:
		k.BasePerSec *= factor
		k.PeakPerSec *= factor
		return k, true
	case workload.MMPP:
		k.States = slices.Clone(k.States)
		for i := range k.States {
			k.States[i].RatePerSec *= factor
		}
		return k, true
	case workload.Piecewise:
		k.Points = slices.Clone(k.Points)
		for i := range k.Points {
			k.Points[i].RatePerSec *= factor
		}
		return k, true
	case workload.Renewal:
		k.Interarrival = stretched{k.Interarrival, 1 / factor}
		return k, true
	case workload.Trace:
		k.RateScale *= factor
		return k, true
	case workload.Closed:
		k.Clients = max(1, int(math.Round(float64(k.Clients)*factor)))
		return k, true
	}
	return kind, false
}

// stretched multiplies what a distribution draws.
type stretched struct {
	Of dist.Dist
	By float64
}

// Validate implements dist.Dist.
func (s stretched) Validate() error { return s.Of.Validate() }

// Mean implements dist.Dist.
func (s stretched) Mean() float64 { return s.Of.Mean() * s.By }

// Bounds implements dist.Dist.
func (s stretched) Bounds() (low, high float64) {
	low, high = s.Of.Bounds()
	return low * s.By, high * s.By
}

// Within implements dist.Dist.
func (s stretched) Within(low, high float64) (share, moment float64) {
	share, moment = s.Of.Within(low/s.By, high/s.By)
	return share, moment * s.By
}

// Sampler implements dist.Dist.
func (s stretched) Sampler() dist.Sampler { return stretchedSampler{s.Of.Sampler(), s.By} }

type stretchedSampler struct {
	of dist.Sampler
	by float64
}

// Sample implements dist.Sampler.
func (s stretchedSampler) Sample(luck *sim.Luck) float64 { return s.of.Sample(luck) * s.by }

// valid says what the model has against the scenario.
func valid(s *Scenario) error {
	for _, p := range s.Model.Validate() {
		if !p.Warning {
			return fmt.Errorf("%s: %s", p.Path, p.Text)
		}
	}
	return nil
}
