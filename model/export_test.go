package model

import (
	"reflect"

	"github.com/simcap/simcap/sim"
)

// View is the state of a run between two events, as transcripts tell it.
type View struct {
	Now        sim.Time
	Submitted  int64 // inputs so far
	Inputs     []InputView
	Containers []ContainerView
	Pools      []PoolView
}

// InputView is an input that has not left.
type InputView struct {
	Serial              int64  // order of first submission, from 0
	State               string // queued, batch, service, outside, delay
	Container           int64  // the one that holds it; 0: none
	Taken               uint64 // order in which it was last taken from the queue
	Admitted            bool
	Retries, Rejections int
}

// ContainerView is a container that has not stopped.
type ContainerView struct {
	Pool    int
	Number  int64
	State   string // starting, idle, expired, busy, draining
	Slots   int
	Version int
}

// PoolView is a function's settings in force; a cap of None is lifted.
type PoolView struct {
	Min, Max, Buffer int
	Window           sim.Time
	Version          int
}

// Watch makes hooks that show the state after every event, with the laws checked.
func Watch(rows Rows, see func(View)) Hooks {
	return Hooks{Rows: rows, Audit: true, watch: func(m *machine) { see(m.view()) }}
}

// free is the set of places of a slab that hold nothing.
func free(slab any) map[int32]bool {
	list := reflect.ValueOf(slab).Elem().FieldByName("free")
	places := map[int32]bool{}
	for i := range list.Len() {
		places[int32(list.Index(i).Int())] = true
	}
	return places
}

func (m *machine) view() View {
	v := View{Now: m.now, Submitted: m.submitted}
	gone := free(&m.inputs)
	for i := range int32(m.inputs.Len()) {
		if gone[i] {
			continue
		}
		in := m.inputs.At(i)
		w := InputView{Serial: in.serial, Taken: in.taken, Admitted: in.admitted != Unset,
			Retries: int(in.retries), Rejections: int(in.rejections),
			State: [...]string{waiting: "queued", assigned: "batch", running: "service", backedOff: "outside",
				retrying: "delay"}[in.state]}
		if in.state == assigned || in.state == running {
			w.Container = in.container
		}
		v.Inputs = append(v.Inputs, w)
	}
	gone = free(&m.containers)
	for i := range int32(m.containers.Len()) {
		if gone[i] {
			continue
		}
		c := m.containers.At(i)
		if i == m.pools[c.pool].end {
			continue
		}
		w := ContainerView{Pool: int(c.pool), Number: c.number, Slots: int(c.slots), Version: int(c.version)}
		switch {
		case c.state == starting:
			w.State = "starting"
		case c.state == draining:
			w.State = "draining"
		case c.items > 0:
			w.State = "busy"
		case c.expired:
			w.State = "expired"
		default:
			w.State = "idle"
		}
		v.Containers = append(v.Containers, w)
	}
	for i := range m.pools {
		p := &m.pools[i]
		w := PoolView{Min: p.minContainers, Max: p.maxContainers, Buffer: p.buffer, Window: p.window,
			Version: int(p.version)}
		if w.Max == unlimited(None) {
			w.Max = None
		}
		v.Pools = append(v.Pools, w)
	}
	return v
}
