package telemetry

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Stats sum up the samples of a span.
type Stats struct {
	Samples     int     `json:"samples"`
	SpanS       float64 `json:"span_s,omitempty"`           // from the first sample to the last
	SMClockMHz  float64 `json:"sm_clock_mhz,omitempty"`     // median
	PowerWatts  float64 `json:"power_watts,omitempty"`      // mean
	EnergyJ     float64 `json:"energy_j,omitempty"`         // set by who knows the ends of the span
	MemoryMiB   float64 `json:"memory_mib,omitempty"`       // most
	Hard        float64 `json:"hard_throttle,omitempty"`    // share of samples with a hardware slowdown
	Thermal     float64 `json:"thermal_throttle,omitempty"` // share with the software's thermal slowdown
	PowerCapped float64 `json:"power_capped,omitempty"`     // share at the power limit
	Foreign     []int   `json:"foreign,omitempty"`          // processes that are not ours
	GPM         *GPM    `json:"gpm,omitempty"`              // means; nil: not told
	Have        Field   `json:"have"`
}

// NewStats sums samples up. Own says which processes belong to the measurement; nil: all.
func NewStats(samples []Sample, own func(pid int) bool) Stats {
	s := Stats{Samples: len(samples)}
	if len(samples) == 0 {
		return s
	}
	var clocks []float64
	power, powers, throttles := 0.0, 0, 0
	for _, x := range samples {
		s.Have |= x.Have
		if x.Have&HasSMClock != 0 {
			clocks = append(clocks, x.SMClockMHz)
		}
		if x.Have&HasPower != 0 {
			power, powers = power+x.PowerWatts, powers+1
		}
		s.MemoryMiB = math.Max(s.MemoryMiB, x.MemoryMiB)
		if x.Have&HasThrottle != 0 {
			throttles++
			s.Hard += share(x.Throttle, ThrottleHWSlowdown|ThrottleHWThermal|ThrottleHWPowerBrake)
			s.Thermal += share(x.Throttle, ThrottleSWThermal)
			s.PowerCapped += share(x.Throttle, ThrottlePowerCap)
		}
		for _, p := range x.Processes {
			if own != nil && !own(p.PID) && !slices.Contains(s.Foreign, p.PID) {
				s.Foreign = append(s.Foreign, p.PID)
			}
		}
	}
	s.GPM = meanGPM(samples)
	if len(clocks) > 0 {
		slices.Sort(clocks)
		s.SMClockMHz = clocks[len(clocks)/2]
	}
	if throttles > 0 {
		s.Hard, s.Thermal = s.Hard/float64(throttles), s.Thermal/float64(throttles)
		s.PowerCapped /= float64(throttles)
	}
	if powers > 0 {
		s.PowerWatts = power / float64(powers)
	}
	return s
}

// meanGPM is nil where no sample has the counters.
func meanGPM(samples []Sample) *GPM {
	var sum GPM
	n := 0.0
	for _, x := range samples {
		if g := x.GPM; g != nil {
			n++
			sum.SMActive, sum.SMOccupancy = sum.SMActive+g.SMActive, sum.SMOccupancy+g.SMOccupancy
			sum.TensorActive, sum.DRAMActive = sum.TensorActive+g.TensorActive, sum.DRAMActive+g.DRAMActive
		}
	}
	if n == 0 {
		return nil
	}
	return &GPM{sum.SMActive / n, sum.SMOccupancy / n, sum.TensorActive / n, sum.DRAMActive / n}
}

func share(bits, mask uint64) float64 {
	if bits&mask != 0 {
		return 1
	}
	return 0
}

// Energy is what the GPU drew from one instant to another, in joules: the rise of the counter, which
// moves in steps and is taken as linear between samples, or where there is none the mean power times
// the time. Samples should reach a little beyond both ends.
func Energy(samples []Sample, from, to float64) float64 {
	var counted []Sample
	watts, n := 0.0, 0.0
	for _, x := range samples {
		if x.Have&HasEnergy != 0 {
			counted = append(counted, x)
		}
		if x.Have&HasPower != 0 && x.At >= from && x.At <= to {
			watts, n = watts+x.PowerWatts, n+1
		}
	}
	if len(counted) >= 2 {
		return counterAt(counted, to) - counterAt(counted, from)
	}
	if n == 0 {
		return 0
	}
	return watts / n * (to - from)
}

// counterAt is the counter at an instant, on the line through the samples around it.
func counterAt(samples []Sample, at float64) float64 {
	i := 1
	for i < len(samples)-1 && samples[i].At < at {
		i++
	}
	a, b := samples[i-1], samples[i]
	if b.At <= a.At {
		return b.EnergyJ
	}
	return a.EnergyJ + (b.EnergyJ-a.EnergyJ)*(at-a.At)/(b.At-a.At)
}

// Gate says why a window does not count, "" where it does: the rules of docs/calibrate.md. The clock
// must be at least three quarters of the highest and within 5 % of that of the windows before; no
// hardware slowdown; the software's thermal slowdown in less than 5 % of the samples; nobody else on
// the GPU. The power limit is a property of the host, not a fault.
func (s *Stats) Gate(info *Info, usualClock float64, shared bool) string {
	const leastClock, sameClock, mostThermal = 0.75, 0.05, 0.05
	var why []string
	if s.Have&HasSMClock != 0 && s.SMClockMHz > 0 {
		if info.MaxSMClockMHz > 0 && s.SMClockMHz < leastClock*info.MaxSMClockMHz {
			why = append(why, fmt.Sprintf("the GPU's clock is %.0f of %.0f MHz", s.SMClockMHz,
				info.MaxSMClockMHz))
		}
		if usualClock > 0 && math.Abs(s.SMClockMHz/usualClock-1) > sameClock {
			why = append(why, fmt.Sprintf("the GPU's clock is %.0f MHz, and was %.0f", s.SMClockMHz,
				usualClock))
		}
	}
	if s.Hard > 0 {
		why = append(why, "the GPU throttles (hardware slowdown)")
	}
	if s.Thermal > mostThermal {
		why = append(why, "the GPU is too hot (thermal slowdown)")
	}
	if len(s.Foreign) > 0 && !shared {
		why = append(why, fmt.Sprintf("another process uses the GPU (PID %d)", s.Foreign[0]))
	}
	return strings.Join(why, "; ")
}
