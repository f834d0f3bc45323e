package plan

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/sim"
)

// mostSettings bounds the combinations of a space, so that each has a number.
const mostSettings = 1 << 62

// space is the lattice of settings: one coordinate for each axis, a number into its values.
type space struct {
	axes  []axis
	total int64
}

// axis is a key with its values, rising where they are quantities.
type axis struct {
	key     string
	values  []string
	numbers []float64 // the values as quantities, times in seconds; nil: they have no order
	role    role
}

// role is what the key is in the model: a setting of a function.
type role struct {
	function string // "": not a function's setting
	setting  string // dotted, below the function
}

// newSpace orders the axes. Values that are named twice count once.
func newSpace(axes []experiment.Axis) (*space, error) {
	s := &space{total: 1}
	for _, given := range axes {
		a := newAxis(given)
		if len(a.values) == 0 {
			return nil, questionf("%s has no values to search", a.key)
		}
		for i := range s.axes {
			if s.axes[i].key == a.key {
				return nil, questionf("%s is searched twice", a.key)
			}
		}
		if s.total > mostSettings/int64(len(a.values)) {
			return nil, questionf("the space has more than %.1e settings: take coarser steps",
				float64(mostSettings))
		}
		s.total *= int64(len(a.values))
		s.axes = append(s.axes, a)
	}
	return s, nil
}

func newAxis(given experiment.Axis) axis {
	a := axis{key: given.Key, role: roleOf(given.Key)}
	seen := make(map[string]bool, len(given.Values))
	for _, v := range given.Values {
		if !seen[v] {
			a.values = append(a.values, v)
		}
		seen[v] = true
	}
	numbers := make(map[string]float64, len(a.values))
	for _, v := range a.values {
		x, ok := quantity(v)
		if !ok {
			return a
		}
		numbers[v] = x
	}
	slices.SortStableFunc(a.values, func(x, y string) int {
		switch {
		case numbers[x] < numbers[y]:
			return -1
		case numbers[x] > numbers[y]:
			return 1
		}
		return 0
	})
	for _, v := range a.values {
		a.numbers = append(a.numbers, numbers[v])
	}
	return a
}

func roleOf(key string) role {
	rest, ok := strings.CutPrefix(key, "functions.")
	if !ok {
		return role{}
	}
	function, setting, ok := strings.Cut(rest, ".")
	if !ok {
		return role{}
	}
	return role{function, setting}
}

// units are the suffixes of quantities and what one of them is; times in seconds.
var units = []struct {
	suffix string
	size   float64
}{
	{"GiB", 1}, {"MiB", 1.0 / 1024}, {"KiB", 1.0 / 1024 / 1024}, {"TiB", 1024}, {"%", 0.01},
	{"/s", 1}, {"/min", 1.0 / 60}, {"/h", 1.0 / 3600}, {"/d", 1.0 / 86400}, {"d", 86400},
}

// quantity is the size of a value that is a number, with or without a unit; none is the largest.
func quantity(text string) (float64, bool) {
	text = strings.TrimSpace(text)
	switch text {
	case "none", "null", "~", "unlimited":
		return math.Inf(1), true
	}
	if x, err := strconv.ParseFloat(text, 64); err == nil {
		return x, !math.IsNaN(x)
	}
	if d, err := time.ParseDuration(text); err == nil {
		return d.Seconds(), true
	}
	for _, u := range units {
		if number, ok := strings.CutSuffix(text, u.suffix); ok {
			if x, err := strconv.ParseFloat(strings.TrimSpace(number), 64); err == nil {
				return x * u.size, true
			}
		}
	}
	return 0, false
}

// number is the place of a point in the order of the space, the last axis fastest.
func (s *space) number(at []int) int64 {
	n := int64(0)
	for i, a := range s.axes {
		n = n*int64(len(a.values)) + int64(at[i])
	}
	return n
}

// at is the point of a number.
func (s *space) at(number int64) []int {
	at := make([]int, len(s.axes))
	for i := len(s.axes) - 1; i >= 0; i-- {
		n := int64(len(s.axes[i].values))
		at[i] = int(number % n)
		number /= n
	}
	return at
}

// point is the point as settings.
func (s *space) point(at []int) experiment.Point {
	p := make(experiment.Point, len(at))
	for i, k := range at {
		p[i] = experiment.Setting{Key: s.axes[i].key, Value: s.axes[i].values[k]}
	}
	return p
}

// find is the axis of a function's setting, -1 without one.
func (s *space) find(function, setting string) int {
	for i := range s.axes {
		if s.axes[i].role == (role{function, setting}) {
			return i
		}
	}
	return -1
}

// where is the point of the space nearest to a scenario's own settings; where those cannot be told,
// the middle.
func (s *space) where(c *model.Config) []int {
	at := make([]int, len(s.axes))
	for i := range s.axes {
		a := &s.axes[i]
		at[i] = (len(a.values) - 1) / 2
		own, ok := a.role.value(c)
		if !ok || a.numbers == nil {
			continue
		}
		for k, x := range a.numbers {
			if math.Abs(x-own) < math.Abs(a.numbers[at[i]]-own) || x == own {
				at[i] = k
			}
		}
	}
	return at
}

// value is the present value of the setting, as quantity reads it.
func (r role) value(c *model.Config) (float64, bool) {
	for i := range c.Functions {
		f := &c.Functions[i]
		if f.Name != r.function {
			continue
		}
		switch r.setting {
		case "min_containers":
			return float64(f.MinContainers), true
		case "max_containers":
			return float64(f.MaxContainers), f.MaxContainers != model.None
		case "buffer_containers":
			return float64(f.BufferContainers), true
		case "scaledown_window":
			return f.ScaledownWindow.Seconds(), true
		case "batched.max_batch_size":
			return float64(f.Batched.MaxBatchSize), true
		case "batched.wait_ms":
			return f.Batched.Wait.Seconds() * 1000, true
		case "concurrent.max_inputs":
			return float64(f.Concurrent.MaxInputs), true
		case "concurrent.target_inputs":
			return float64(f.Concurrent.TargetInputs), true
		case "cpu":
			return f.CPU, true
		case "memory":
			return f.MemoryGiB, true
		}
	}
	return 0, false
}

// place is where a point lies in the cube in which settings are compared: an ordered axis is one
// coordinate from 0 to 1 that has more room at its lower end, where steps matter more; an axis
// without order has a coordinate for each value.
func (s *space) place(at []int) []float64 {
	var x []float64
	for i := range s.axes {
		n := len(s.axes[i].values)
		switch {
		case n == 1:
		case s.axes[i].numbers == nil:
			for k := range n {
				if k == at[i] {
					x = append(x, 0.7)
				} else {
					x = append(x, 0)
				}
			}
		default:
			linear := float64(at[i]) / float64(n-1)
			log := math.Log1p(float64(at[i])) / math.Log1p(float64(n-1))
			x = append(x, (linear+log)/2)
		}
	}
	return x
}

// neighbours are the points one step along one axis away; along an axis without order, all others.
func (s *space) neighbours(at []int) [][]int {
	var out [][]int
	for i := range s.axes {
		for _, k := range s.steps(i, at[i]) {
			next := slices.Clone(at)
			next[i] = k
			out = append(out, next)
		}
	}
	return out
}

// steps are the values next to a value of an axis.
func (s *space) steps(i, k int) []int {
	n := len(s.axes[i].values)
	var out []int
	if s.axes[i].numbers == nil {
		for j := range n {
			if j != k {
				out = append(out, j)
			}
		}
		return out
	}
	if k > 0 {
		out = append(out, k-1)
	}
	if k+1 < n {
		out = append(out, k+1)
	}
	return out
}

// exchanges are the points one step along each of two axes away: a saving here for an expense there.
func (s *space) exchanges(at []int) [][]int {
	var out [][]int
	for _, one := range s.neighbours(at) {
		changed := 0
		for one[changed] == at[changed] {
			changed++
		}
		for i := changed + 1; i < len(s.axes); i++ {
			for _, k := range s.steps(i, at[i]) {
				next := slices.Clone(one)
				next[i] = k
				out = append(out, next)
			}
		}
	}
	return out
}

// longestWindow is the longest scaledown window that is searched.
func (s *space) longestWindow() sim.Time {
	longest := 0.0
	for i := range s.axes {
		if a := &s.axes[i]; a.role.setting == "scaledown_window" && a.numbers != nil {
			longest = max(longest, a.numbers[len(a.numbers)-1])
		}
	}
	return sim.Round(longest * 1e9)
}
