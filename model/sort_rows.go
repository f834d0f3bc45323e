package model

import "github.com/simcap/simcap/sim"

// rowSorter hands out rows in their order: inputs by first submission, containers by function and
// number, though they end in any order. It holds back what has ended before its predecessors did.
type rowSorter struct {
	inputs     []heldInput // ring by serial number
	next       int64       // serial of the row to write next
	containers [][]heldContainer
	numbers    []int64 // by function: number of the row to write next
	function   int     // the function whose rows are being written
}

type heldInput struct {
	row  InputRow
	held bool
}

type heldContainer struct {
	row  ContainerRow
	held bool
}

func (r *rowSorter) init(m *machine) {
	r.containers = make([][]heldContainer, len(m.pools))
	r.numbers = make([]int64, len(m.pools))
	for i := range r.numbers {
		r.numbers[i] = 1
	}
	if m.hooks.Rows.Input != nil {
		r.inputs = make([]heldInput, 1024)
	}
}

// input takes the row of an input that leaves now.
func (r *rowSorter) input(m *machine, i int32, in *input, w *caller, outcome Outcome) {
	for in.serial-r.next >= int64(len(r.inputs)) {
		wider := make([]heldInput, 2*len(r.inputs))
		for i := range int64(len(r.inputs)) {
			wider[(r.next+i)%int64(len(wider))] = r.inputs[(r.next+i)%int64(len(r.inputs))]
		}
		r.inputs = wider
	}
	mask := int64(len(r.inputs)) - 1
	held := &r.inputs[in.serial&mask]
	held.held = true
	held.row = InputRow{
		Replication: m.trial.Replication, Function: m.pools[w.pool].set.Name, Workload: w.set.Name,
		Call: in.number, Input: int(in.place), Size: in.size, Submitted: in.submitted,
		Admitted: in.admitted, Assigned: in.assignedAt, Started: in.started, Completed: m.now,
		Latency: m.now - in.submitted + in.overhead, Container: in.container,
		BatchSize: int(in.batchSize), Attempts: int(in.attempts), Outcome: outcome,
	}
	copy(held.row.Parts[:], in.parts[:])
	held.row.Parts[Overhead] = in.overhead
	if w.llm != nil {
		held.row.LLM = w.llm.row(m, in, &m.tokens[i], outcome)
	}
	for r.inputs[r.next&mask].held {
		if m.failure == nil {
			m.fail(m.hooks.Rows.Input(&r.inputs[r.next&mask].row))
		}
		r.inputs[r.next&mask].held = false
		r.next++
	}
}

// containerEnds makes a row of a container that ends now, or at the end of the run, if someone wants it.
func (m *machine) containerEnds(p *pool, c *container, now sim.Time, reason string) {
	if drawn := p.book.livesOf(c).next(); drawn || m.hooks.Rows.Container != nil {
		m.rows.container(m, p, c, now, reason, drawn)
	}
}

// container makes the row of a container, which is drawn, or for someone who looks at all rows.
func (r *rowSorter) container(m *machine, p *pool, c *container, now sim.Time, reason string, drawn bool) {
	row := ContainerRow{
		Replication: m.trial.Replication, Function: p.set.Name, Container: c.number, Created: c.created,
		Ready: Unset, Stopped: now, Inputs: c.inputs, Busy: c.busy, Reason: reason,
	}
	if reason == "end" {
		row.Stopped = Unset
	}
	if c.readyAt != sim.Never {
		row.Ready = c.readyAt
		row.Idle = now - c.readyAt - c.busy
	}
	row.Cold = max(0, min(now, c.readyAt)-c.billedFrom)
	row.CostUSD = (row.Cold + row.Busy + row.Idle).Seconds() * p.price
	if drawn {
		p.book.livesOf(c).keep(&row)
	}
	if m.hooks.Rows.Container == nil {
		return
	}
	held := &r.containers[p.index]
	at := int(c.number - r.numbers[p.index])
	for len(*held) <= at {
		*held = append(*held, heldContainer{})
	}
	(*held)[at] = heldContainer{row, true}
	r.writeContainers(m, false)
}

// writeContainers writes the rows that are next; at the end those of all functions.
func (r *rowSorter) writeContainers(m *machine, end bool) {
	for ; r.function < len(r.containers); r.function++ {
		held := &r.containers[r.function]
		n := 0
		for n < len(*held) && (*held)[n].held {
			if m.failure == nil {
				m.fail(m.hooks.Rows.Container(&(*held)[n].row))
			}
			n++
		}
		*held = (*held)[n:]
		r.numbers[r.function] += int64(n)
		if !end {
			return
		}
	}
}
