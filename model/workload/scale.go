package workload

import (
	"math"
	"slices"

	"github.com/simcap/simcap/model/dist"
)

// Scale is the process with its rate of arrivals multiplied by a number above 0: its shape over time
// stays, and the number of clients of a closed one is rounded, to at least one. It is false, and the
// process as it was, where arrivals come at given instants. The rate may leave the range that Validate
// allows.
func Scale(kind Kind, by float64) (Kind, bool) {
	switch k := kind.(type) {
	case Poisson:
		k.RatePerSec *= by
		return k, true
	case Constant:
		k.RatePerSec *= by
		return k, true
	case Diurnal:
		k.BasePerSec *= by
		k.PeakPerSec *= by
		return k, true
	case MMPP:
		k.States = slices.Clone(k.States)
		for i := range k.States {
			k.States[i].RatePerSec *= by
		}
		return k, true
	case Piecewise:
		k.Points = slices.Clone(k.Points)
		for i := range k.Points {
			k.Points[i].RatePerSec *= by
		}
		return k, true
	case Renewal:
		k.Interarrival = dist.Times(k.Interarrival, 1/by)
		return k, true
	case Trace:
		k.RateScale *= by
		return k, true
	case Closed:
		k.Clients = max(1, int(math.Round(float64(k.Clients)*by)))
		return k, true
	}
	return kind, false
}
