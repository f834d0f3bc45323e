package plan

import (
	"math"
	"slices"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/model/dist"
	"github.com/simcap/simcap/model/workload"
	"github.com/simcap/simcap/sim"
)

// world is a change of what the settings meet.
type world struct {
	name   string
	change func(*model.Config)
}

// worlds are the changes that a plan's sensitivity is about.
func worlds() []world {
	return []world{
		{"traffic ×2", func(c *model.Config) { scaleTraffic(c, 2) }},
		{"cold starts ×2", func(c *model.Config) { scaleColdStarts(c, 2) }},
	}
}

// in builds the scenarios of a world.
func (w world) in(build experiment.Builder) experiment.Builder {
	return func(p experiment.Point) (*experiment.Scenario, error) {
		s, err := build(p)
		if err != nil {
			return nil, err
		}
		changed := *s
		changed.Model.Functions = slices.Clone(s.Model.Functions)
		changed.Model.Workloads = slices.Clone(s.Model.Workloads)
		w.change(&changed.Model)
		return &changed, nil
	}
}

// scaleTraffic multiplies the calls of all workloads by a whole number, at the same times of day:
// rates and clients grow, and given instants come in groups.
func scaleTraffic(c *model.Config, by int) {
	f := float64(by)
	for i := range c.Workloads {
		p := &c.Workloads[i].Arrivals
		if p.Count > 0 {
			p.Count *= int64(by)
		}
		kind, ok := workload.Scale(p.Kind, f)
		p.Kind = kind
		if !ok { // given instants
			if p.Group == nil {
				p.Group = dist.Constant{Value: 1}
			}
			p.Group = dist.Times(p.Group, f)
		}
	}
}

// scaleColdStarts multiplies the times of all stages of cold starts. A limit on how long a start may
// take grows with them, so that the answer tells of slower starts and not of failed ones.
func scaleColdStarts(c *model.Config, by float64) {
	stages := func(in []model.Stage) []model.Stage {
		out := slices.Clone(in)
		for i := range out {
			out[i].Time = dist.Times(out[i].Time, by)
		}
		return out
	}
	for i := range c.Functions {
		f := &c.Functions[i]
		f.ColdStart.Stages = stages(f.ColdStart.Stages)
		f.ColdStart.Snapshot.Stages = stages(f.ColdStart.Snapshot.Stages)
		f.StartupTimeout = sim.Round(float64(f.StartupTimeout) * by)
	}
}

// screening is how settings are screened: over a shorter horizon, in which the day may pass faster.
type screening struct {
	horizon sim.Time // 0: the full horizon
	squeeze float64  // how much faster days pass; 1: as they do
}

// newScreening finds the shortest screening that still has what the full horizon has: whole cycles of
// the traffic and of updates, calls of every workload, and inputs enough for a quantile. Rates that
// change over the day may do so up to 8 times as fast, with the same levels, as long as the day remains
// long beside the longest scaledown window: pools follow the traffic within a few of these. It is the
// full horizon where that is not at least twice as long.
func newScreening(c *model.Config, window sim.Time) screening {
	const inputs, calls, cycles, windows, fastest = 20_000, 200, 12, 6, 8
	full := screening{squeeze: 1}
	need, rate := sim.Time(0), 0.0
	whole := sim.Time(0) // the longest cycle of those that repeat exactly
	for i := range c.Workloads {
		p := &c.Workloads[i].Arrivals
		if p.Start != 0 || p.Stop != 0 || p.Count != 0 {
			return full
		}
		switch k := p.Kind.(type) {
		case workload.Poisson, workload.Constant, workload.Renewal, workload.Closed:
		case workload.MMPP:
			stay := sim.Time(0)
			for j := range k.States {
				stay += k.States[j].MeanDuration
			}
			need = max(need, cycles*stay)
		case workload.Diurnal:
			whole = max(whole, k.Period)
		case workload.Piecewise:
			if whole = max(whole, k.Repeat); k.Repeat == 0 {
				whole = c.Horizon
			}
		default:
			return full
		}
		if r := p.Kind.RatePerS(); !math.IsNaN(r) {
			rate += r
			need = max(need, sim.Round(min(calls/max(r, tiny)*1e9, float64(c.Horizon))))
		}
	}
	for i := range c.Functions {
		f := &c.Functions[i]
		if len(f.Deploys) > 0 {
			return full
		}
		for j := range f.Updates {
			if whole = max(whole, f.Updates[j].Every); f.Updates[j].Every == 0 {
				whole = c.Horizon
			}
		}
		window = max(window, f.ScaledownWindow)
	}
	if rate > 0 {
		need = max(need, sim.Round(min(inputs/rate*1e9, float64(c.Horizon))))
	}
	out := screening{horizon: max(need, 20*window) + c.Warmup, squeeze: 1}
	if whole > 0 {
		out.horizon = (out.horizon + whole - 1) / whole * whole
		out.horizon = min(out.horizon, c.Horizon)
		shortest := max(need, windows*window, 1)
		out.squeeze = min(max(math.Floor(float64(out.horizon)/float64(shortest)), 1), fastest)
		out.horizon = sim.Round(float64(out.horizon) / out.squeeze)
	}
	if out.horizon <= 0 || out.horizon > c.Horizon/2 {
		return full
	}
	return out
}

// apply changes a configuration to what is screened. Slices are copied before they change.
func (s screening) apply(c *model.Config) {
	c.Horizon = s.horizon
	if s.squeeze <= 1 {
		return
	}
	faster := func(t sim.Time) sim.Time { return sim.Round(float64(t) / s.squeeze) }
	c.Warmup = faster(c.Warmup)
	c.Workloads = slices.Clone(c.Workloads)
	for i := range c.Workloads {
		p := &c.Workloads[i].Arrivals
		switch k := p.Kind.(type) {
		case workload.Diurnal:
			k.Period, k.PeakAt = faster(k.Period), faster(k.PeakAt)
			p.Kind = k
		case workload.Piecewise:
			k.Repeat, k.Points = faster(k.Repeat), slices.Clone(k.Points)
			for j := range k.Points {
				k.Points[j].At = faster(k.Points[j].At)
			}
			p.Kind = k
		}
	}
	c.Functions = slices.Clone(c.Functions)
	for i := range c.Functions {
		f := &c.Functions[i]
		f.Updates = slices.Clone(f.Updates)
		for j := range f.Updates {
			f.Updates[j].At, f.Updates[j].Every = faster(f.Updates[j].At), faster(f.Updates[j].Every)
		}
	}
}
