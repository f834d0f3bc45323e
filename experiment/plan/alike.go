package plan

import (
	"math"
	"slices"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/model"
)

// alike knows which settings need no run of their own because they provably run like others, or
// provably cost more than others that run like them. Nothing else is taken for granted: a larger
// buffer nearly always shortens waits, but there are runs in which it does not.
type alike struct {
	space    *space
	cheapest []int // by axis: the value that is cheapest where the axis is nothing but a price; else -1
	pools    []pool
	caps     model.Workspace
	tops     []int // axes of max_containers whose function the rule of peaks holds for
	topOf    []int // and the function's index in the model
}

// pool is a function of which settings are searched: axes, -1 where they are not, and own values.
type pool struct {
	min, max, buffer, window, batch, wait int
	ownMin, ownMax, ownBatch              float64
	changes                               bool // updates change its settings
	shares                                bool // two axes may set the same thing
}

func newAlike(s *space, today *experiment.Scenario, build experiment.Builder) *alike {
	a := &alike{space: s, cheapest: make([]int, len(s.axes)), caps: today.Model.Workspace}
	for i := range a.cheapest {
		a.cheapest[i] = -1
	}
	covered := true // an axis that is no plain setting of a function may change anything
	for i := range s.axes {
		r := s.axes[i].role
		if r.function == "" && !harmless(s.axes[i].key) || r.setting == "updates" || r.setting == "deploys" {
			covered = false
		}
	}
	if !covered {
		return a
	}
	a.prices(today, build)
	deploys := false
	for i := range today.Model.Functions {
		deploys = deploys || len(today.Model.Functions[i].Deploys) > 0
	}
	for i := range today.Model.Functions {
		f := &today.Model.Functions[i]
		p := pool{min: s.find(f.Name, "min_containers"), max: s.find(f.Name, "max_containers"),
			buffer: s.find(f.Name, "buffer_containers"), window: s.find(f.Name, "scaledown_window"),
			batch: s.find(f.Name, "batched.max_batch_size"), wait: s.find(f.Name, "batched.wait_ms"),
			ownMin: float64(f.MinContainers), ownMax: float64(f.MaxContainers),
			ownBatch: float64(f.Batched.MaxBatchSize), changes: len(f.Updates) > 0}
		for j := range s.axes {
			if s.axes[j].role == (role{f.Name, "batched"}) {
				p.shares = true
			}
		}
		if f.MaxContainers == model.None {
			p.ownMax = math.Inf(1)
		}
		a.pools = append(a.pools, p)
		if p.max >= 0 && !deploys && !p.changes && s.axes[p.max].numbers != nil {
			a.tops, a.topOf = append(a.tops, p.max), append(a.topOf, i)
		}
	}
	return a
}

// harmless says whether a key outside functions leaves the rules below as they are: traffic does.
func harmless(key string) bool { return len(key) > 10 && key[:10] == "workloads." }

// prices finds the axes that are nothing but a price: cores, memory and region change no event of a
// run. The rule does not hold when an objective asks for a least cost.
func (a *alike) prices(today *experiment.Scenario, build experiment.Builder) {
	for i := range today.SLO {
		if o := &today.SLO[i]; len(o.Metric) > 5 && o.Metric[:5] == "cost." && !math.IsNaN(o.Min) {
			return
		}
	}
	for i := range a.space.axes {
		x := &a.space.axes[i]
		if x.role.setting != "cpu" && x.role.setting != "memory" && x.role.setting != "region" {
			continue
		}
		best, price := -1, math.Inf(1)
		for k, v := range x.values {
			built, err := build(experiment.Point{{Key: x.key, Value: v}})
			if err != nil {
				best = -1
				break
			}
			for j := range built.Model.Functions {
				f := &built.Model.Functions[j]
				if p := f.PricePerS(&built.Model.Platform.Prices); f.Name == x.role.function && p < price {
					best, price = k, p
				}
			}
		}
		a.cheapest[i] = best
	}
}

// canonical is the point that stands for all that run like it.
func (a *alike) canonical(at []int) []int {
	out := slices.Clone(at)
	for i, k := range a.cheapest {
		if k >= 0 {
			out[i] = k
		}
	}
	for i := range a.pools {
		p := &a.pools[i]
		// A pool of fixed size desires that size at any time (rule 7), so it never has a container
		// too many: nothing expires and no buffer is added.
		if !p.changes && a.number(p.min, out, p.ownMin) == a.number(p.max, out, p.ownMax) {
			zero(out, p.buffer)
			zero(out, p.window)
		}
		// A batch of one input is full at once (rule 5), so it waits for nobody.
		if !p.shares && p.batch >= 0 && a.number(p.batch, out, p.ownBatch) == 1 {
			zero(out, p.wait)
		}
	}
	return out
}

func zero(at []int, axis int) {
	if axis >= 0 {
		at[axis] = 0
	}
}

// number is the value of an axis at a point, or the own value without an axis; NaN: not a number.
func (a *alike) number(axis int, at []int, own float64) float64 {
	switch {
	case axis < 0:
		return own
	case a.space.axes[axis].numbers == nil:
		return math.NaN()
	}
	return a.space.axes[axis].numbers[at[axis]]
}

// count is how many canonical points there are, by counting when there are few enough; the rest of a
// larger space is bounded by the axes that are prices alone.
func (a *alike) count() int64 {
	const few = 200_000
	if a.space.total <= few {
		n := int64(0)
		for i := range a.space.total {
			if at := a.space.at(i); slices.Equal(a.canonical(at), at) {
				n++
			}
		}
		return n
	}
	n := a.space.total
	for i, k := range a.cheapest {
		if k >= 0 {
			n /= int64(len(a.space.axes[i].values))
		}
	}
	return n
}

// echo is a trial that also answers for other values of max_containers: a limit that a run never
// reached changes nothing by being higher, or lower as long as it is not below the peak (rule 7).
type echo struct {
	top   []float64 // by axis of tops: the value that was run
	peak  []float64 // and the most live containers at any time
	trial *trial
}

// room is the point without its max_containers, by which echoes are kept.
func (a *alike) room(at []int) int64 {
	free := slices.Clone(at)
	for _, i := range a.tops {
		free[i] = 0
	}
	return a.space.number(free)
}

// echoOf is the echo of a trial, nil where the workspace may have cut it short.
func (a *alike) echoOf(at []int, t *trial, gpus []int) *echo {
	if len(a.tops) == 0 {
		return nil
	}
	containers, all := 0.0, 0.0
	for i, peak := range t.peaks {
		containers += peak
		all += peak * float64(gpus[i])
	}
	if a.caps.MaxContainers != model.None && containers > float64(a.caps.MaxContainers) ||
		a.caps.MaxGPUs != model.None && all > float64(a.caps.MaxGPUs) {
		return nil
	}
	e := &echo{trial: t}
	for k, i := range a.tops {
		e.top = append(e.top, a.space.axes[i].numbers[at[i]])
		e.peak = append(e.peak, t.peaks[a.topOf[k]])
	}
	return e
}

// answers says whether the echo is what a run of the point would give.
func (a *alike) answers(e *echo, at []int) bool {
	for k, i := range a.tops {
		top := a.space.axes[i].numbers[at[i]]
		if top != e.top[k] && (e.peak[k] >= e.top[k] || top < e.peak[k]) {
			return false
		}
	}
	return true
}
