package model

import (
	"fmt"
	"math"
	"slices"

	"github.com/simcap/simcap/model/dist"
	"github.com/simcap/simcap/model/workload"
	"github.com/simcap/simcap/sim"
)

// least is the smallest value that a valid distribution can draw.
func least(d dist.Dist) float64 {
	switch d := d.(type) {
	case dist.Constant:
		return d.Value
	case dist.Uniform:
		return d.Low
	case dist.Pareto:
		return d.Least
	case dist.Empirical:
		return slices.Min(d.Values)
	case dist.Quantiles:
		return d.Points[0].Value
	case dist.Mixture:
		smallest := math.Inf(1)
		for _, p := range d.Parts {
			smallest = min(smallest, least(p.Dist))
		}
		return smallest
	case dist.Truncated:
		if d.Min > 0 {
			return max(d.Min, least(d.Dist))
		}
		return least(d.Dist)
	}
	return 0
}

// survives refuses work that takes so much longer than containers live between crashes that it would be
// begun for ever: crashes and preemptions do not count as attempts. Where the demand has no least value the
// run finds out (mostLost).
func (v *validator) survives(at string, f *Function) {
	s := &f.Service
	perHour := f.Failures.CrashPerHour + f.Failures.PreemptPerHour
	if s.Batch != nil || s.Profile != "" || s.NoiseCV > 0 || s.Time == nil || s.Time.Validate() != nil ||
		s.FirstInput != nil && s.FirstInput.Validate() != nil || f.Timeout <= 0 || !(perHour > 0) {
		return
	}
	demand := least(s.Time)
	if s.FirstInput != nil {
		demand = min(demand, least(s.FirstInput))
	}
	demand = min(demand, float64(f.Timeout))
	if math.Exp(-perHour*demand/float64(sim.Hour)) < rarest {
		const text = "an input takes at least %.9g s, and a container crashes or is preempted after %.4g s " +
			"on average: fewer than one attempt in a million would end"
		v.wrong(at, text, demand/float64(sim.Second), 3600/perHour).Help =
			"crash_per_hour and preempt_per_hour are for each container"
	}
}

// endless says whether a process goes on for ever unless it is stopped.
func endless(k workload.Kind) bool {
	_, closed := any(k).(workload.Closed)
	return closed || k.RatePerS() != 0
}

// atOnce refuses closed clients who would call for ever at one instant: they do not think, and their
// calls take no time.
func (v *validator) atOnce(c *Config, w *Workload, at string) {
	closed, ok := w.Arrivals.Kind.(workload.Closed)
	if !ok || !isZero(closed.Think) {
		return
	}
	for i := range c.Functions {
		s := &c.Functions[i].Service
		if c.Functions[i].Name == w.Function && isZero(s.Time) && isZero(s.FirstInput) && s.PerUnit == 0 &&
			s.Batch == nil && s.Profile == "" {
			v.wrong(at+".think", "the clients do not think and the service of %s takes no time: "+
				"they would call for ever at one instant", w.Function)
		}
	}
}

// isZero says whether a distribution is left out or always 0.
func isZero(d dist.Dist) bool {
	if d == nil {
		return true
	}
	value, constant := dist.IsConstant(d)
	return constant && value == 0
}

// expected warns of arrivals that would take hours to simulate.
func (v *validator) expected(c *Config, p *workload.Process, at string) {
	const many = 1e10
	until := c.Horizon
	if p.Stop > 0 && (until == 0 || p.Stop < until) {
		until = p.Stop
	}
	calls := p.Kind.RatePerS() * (until - p.Start).Seconds()
	if p.Count > 0 {
		calls = min(calls, float64(p.Count))
	}
	if calls >= many {
		v.warn(at, "about %.0e calls will come, more than can be simulated in an hour", calls)
	}
}

// changes checks updates and deploys one by one, and then in the order in which they will happen.
func (v *validator) changes(c *Config, f *Function, at string) {
	for i := range f.Updates {
		u := &f.Updates[i]
		path := fmt.Sprintf("%supdates[%d]", at, i)
		v.time(path+".at", u.At)
		v.time(path+".every", u.Every)
		if u.MinContainers != nil {
			v.count(path+".min_containers", *u.MinContainers, 0, MostContainers)
			v.withinCap(path+".min_containers", *u.MinContainers, c)
		}
		if u.MaxContainers != nil {
			v.countOrNone(path+".max_containers", *u.MaxContainers, 1, MostContainers)
		}
		if u.BufferContainers != nil {
			v.count(path+".buffer_containers", *u.BufferContainers, 0, MostContainers)
		}
		if u.ScaledownWindow != nil {
			v.time(path+".scaledown_window", *u.ScaledownWindow)
		}
		if u.MinContainers == nil && u.MaxContainers == nil && u.BufferContainers == nil &&
			u.ScaledownWindow == nil {
			v.warn(path, "changes nothing")
		}
		if c.Horizon > 0 && u.At > c.Horizon {
			v.warn(path+".at", "lies after the horizon")
		}
	}
	for i := range f.Deploys {
		path := fmt.Sprintf("%sdeploys[%d]", at, i)
		v.time(path+".at", f.Deploys[i].At)
		v.oneOf(path+".strategy", "strategy", f.Deploys[i].Strategy, Strategies)
		if c.Horizon > 0 && f.Deploys[i].At > c.Horizon {
			v.warn(path+".at", "lies after the horizon")
		}
	}
	v.timeline(c, f, at)
}

// Strategies are the ways to deploy, in the order in which the documentation names them.
var Strategies = []string{"rolling", "recreate"}

// longestTimeline bounds how many updates are walked through.
const longestTimeline = 100_000

// timeline walks through updates and deploys in the order of rule 12 and finds the updates that
// make min_containers exceed max_containers.
func (v *validator) timeline(c *Config, f *Function, at string) {
	end := sim.Never
	if c.Horizon > 0 {
		end = c.Horizon
	}
	lows, highs := f.MinContainers, unlimitedMax(f.MaxContainers)
	if lows > highs {
		return // said already
	}
	next := make([]sim.Time, 0, len(f.Updates)+len(f.Deploys))
	for i := range f.Updates {
		next = append(next, f.Updates[i].At)
	}
	for i := range f.Deploys {
		next = append(next, f.Deploys[i].At)
	}
	for range longestTimeline {
		i := earliest(next)
		if i < 0 || next[i] > end {
			return
		}
		now := next[i]
		next[i] = sim.Never
		if i >= len(f.Updates) {
			lows, highs = f.MinContainers, unlimitedMax(f.MaxContainers)
			continue
		}
		u := &f.Updates[i]
		if u.Every > 0 {
			next[i] = now + u.Every
		}
		if u.MinContainers != nil {
			lows = *u.MinContainers
		}
		if u.MaxContainers != nil {
			highs = unlimitedMax(*u.MaxContainers)
		}
		if lows > highs {
			const text = "this update makes min_containers (%d) more than max_containers (%d), at %v s"
			problem := v.wrong(fmt.Sprintf("%supdates[%d]", at, i), text, lows, highs, now.Seconds())
			problem.Help = "change both in one update, or another one before it"
			return
		}
	}
}

func unlimitedMax(n int) int {
	if n == None {
		return math.MaxInt
	}
	return n
}

// earliest is the index of the earliest instant, the first of equals; -1 where none is left.
func earliest(times []sim.Time) int {
	best := -1
	for i, t := range times {
		if t >= 0 && t < sim.Never && (best < 0 || t < times[best]) {
			best = i
		}
	}
	return best
}
