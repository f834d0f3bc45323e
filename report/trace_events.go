package report

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"sort"

	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/sim"
)

// Bounds of a trace: viewers become slow beyond them, so larger runs are sampled.
const (
	mostTraceInputs     = 50_000
	mostTraceContainers = 4_000
)

// TraceEvents gathers the first replication as trace events, which Perfetto (ui.perfetto.dev) and
// chrome://tracing show: each function is a process; each slot of a container is a thread with its start,
// its readiness, and the inputs or batches that it serves; waiting inputs are spans beside them.
// Memory is bounded: of large runs every n-th input and container is kept, n a power of two.
type TraceEvents struct {
	inputs     []model.InputRow
	containers []model.ContainerRow
	everyInput int64
	everyBox   int64
	seen       int64
}

// Input takes the row of an input.
func (t *TraceEvents) Input(row *model.InputRow) error {
	if row.Replication != 1 {
		return nil
	}
	t.everyInput = max(1, t.everyInput)
	t.seen++
	if (t.seen-1)%t.everyInput != 0 {
		return nil
	}
	t.inputs = append(t.inputs, *row)
	if len(t.inputs) > mostTraceInputs {
		t.everyInput *= 2
		t.inputs = everySecond(t.inputs)
	}
	return nil
}

// Container takes the row of a container.
func (t *TraceEvents) Container(row *model.ContainerRow) error {
	if row.Replication != 1 {
		return nil
	}
	t.everyBox = max(1, t.everyBox)
	if !t.shown(row.Container) {
		return nil
	}
	t.containers = append(t.containers, *row)
	for len(t.containers) > mostTraceContainers {
		t.everyBox *= 2
		kept := t.containers[:0]
		for i := range t.containers {
			if t.shown(t.containers[i].Container) {
				kept = append(kept, t.containers[i])
			}
		}
		t.containers = kept
	}
	return nil
}

// shown says whether the container of a number is one of those that are kept.
func (t *TraceEvents) shown(number int64) bool { return (number-1)%max(1, t.everyBox) == 0 }

func everySecond(rows []model.InputRow) []model.InputRow {
	kept := rows[:0]
	for i := 0; i < len(rows); i += 2 {
		kept = append(kept, rows[i])
	}
	return kept
}

// event is one trace event. Times are microseconds.
type event struct {
	Name     string         `json:"name"`
	Category string         `json:"cat,omitempty"`
	Phase    string         `json:"ph"` // X: a span; b, e: begin and end of a span beside others; M: a name
	At       json.Number    `json:"ts,omitempty"`
	Length   json.Number    `json:"dur,omitempty"`
	Process  int            `json:"pid"`
	Thread   int64          `json:"tid"`
	ID       string         `json:"id,omitempty"`
	Args     map[string]any `json:"args,omitempty"`
}

// microseconds writes an instant as trace events want it, to the nanosecond.
func microseconds(t sim.Time) json.Number {
	return json.Number(fmt.Sprintf("%d.%03d", int64(t)/1000, int64(t)%1000))
}

// slots is how many threads a container can have.
const slots = 1 << 12

// tracer writes events one a line, and remembers which threads have names.
type tracer struct {
	w         *bufio.Writer
	processes map[string]int
	named     map[[2]int64]bool
	first     bool
	err       error
}

// WriteTo writes the trace of what was gathered.
func (t *TraceEvents) WriteTo(w io.Writer) (int64, error) {
	counter := &counter{w: w}
	out := &tracer{w: bufio.NewWriter(counter), processes: map[string]int{}, named: map[[2]int64]bool{},
		first: true}
	fmt.Fprint(out.w, `{"displayTimeUnit":"ms","otherData":`)
	note, _ := json.Marshal(map[string]string{"simcap": t.sampled()})
	out.w.Write(note)
	fmt.Fprint(out.w, `,"traceEvents":[`)
	for i := range t.containers {
		out.container(&t.containers[i])
	}
	out.served(t.inputs, t.shown)
	for i := range t.inputs {
		out.waiting(&t.inputs[i], int64(i))
	}
	fmt.Fprint(out.w, "\n]}\n")
	if out.err == nil {
		out.err = out.w.Flush()
	}
	return counter.n, out.err
}

// sampled says what the trace holds.
func (t *TraceEvents) sampled() string {
	text := "replication 1"
	if t.everyInput > 1 {
		text += fmt.Sprintf(", 1 of %d inputs", t.everyInput)
	}
	if t.everyBox > 1 {
		text += fmt.Sprintf(", 1 of %d containers", t.everyBox)
	}
	return text
}

// counter counts the bytes that pass.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

func (o *tracer) put(e event) {
	b, err := json.Marshal(e)
	if err != nil && o.err == nil {
		o.err = fmt.Errorf("report: trace events: %w", err)
	}
	if !o.first {
		o.w.WriteByte(',')
	}
	o.first = false
	o.w.WriteByte('\n')
	o.w.Write(b)
}

// process is the number of a function, which is named when it is met first.
func (o *tracer) process(function string) int {
	if id, ok := o.processes[function]; ok {
		return id
	}
	id := len(o.processes) + 1
	o.processes[function] = id
	o.put(event{Name: "process_name", Phase: "M", Process: id, Args: map[string]any{"name": function}})
	return id
}

// thread is a slot of a container; slot 0 shows the container itself.
func (o *tracer) thread(process int, container int64, slot int64) int64 {
	id := container*slots + slot
	key := [2]int64{int64(process), id}
	if !o.named[key] {
		o.named[key] = true
		name := fmt.Sprintf("container %d", container)
		if slot > 0 {
			name += fmt.Sprintf(" slot %d", slot)
		}
		o.put(event{Name: "thread_name", Phase: "M", Process: process, Thread: id,
			Args: map[string]any{"name": name}})
		o.put(event{Name: "thread_sort_index", Phase: "M", Process: process, Thread: id,
			Args: map[string]any{"sort_index": id}})
	}
	return id
}

func (o *tracer) span(name, category string, process int, thread int64, from, to sim.Time,
	args map[string]any) {
	o.put(event{Name: name, Category: category, Phase: "X", At: microseconds(from),
		Length: microseconds(max(0, to-from)), Process: process, Thread: thread, Args: args})
}

func (o *tracer) container(c *model.ContainerRow) {
	process := o.process(c.Function)
	thread := o.thread(process, c.Container, 0)
	ready := c.Ready
	if ready == model.Unset {
		ready = c.Stopped
	}
	if ready > c.Created {
		o.span("starting", "container", process, thread, c.Created, ready, nil)
	}
	if c.Ready != model.Unset && c.Stopped > c.Ready {
		o.span("ready", "container", process, thread, c.Ready, c.Stopped, map[string]any{"inputs": c.Inputs,
			"busy_s": c.Busy.Seconds(), "idle_s": c.Idle.Seconds(), "cost_usd": c.CostUSD,
			"ended_by": c.Reason})
	}
}

// item is what a slot serves: an input, or the inputs of a batch.
type item struct {
	row   *model.InputRow
	count int
}

// served draws what containers did: items that overlap on a container take slots of their own.
func (o *tracer) served(rows []model.InputRow, shown func(int64) bool) {
	type batch struct {
		function           string
		container          int64
		started, completed sim.Time
	}
	index := map[batch]int{}
	var items []item
	for i := range rows {
		r := &rows[i]
		if r.Started == model.Unset || r.Container == 0 || !shown(r.Container) {
			continue
		}
		key := batch{r.Function, r.Container, r.Started, r.Completed}
		if at, ok := index[key]; ok && r.BatchSize > 1 {
			items[at].count++
			continue
		}
		index[key] = len(items)
		items = append(items, item{r, 1})
	}
	sort.SliceStable(items, func(i, j int) bool { return items[i].row.Started < items[j].row.Started })
	free := map[[2]int64][]sim.Time{} // by process and container: the end of each slot's last item
	for _, it := range items {
		process := o.process(it.row.Function)
		key := [2]int64{int64(process), it.row.Container}
		slot := 0
		for slot < len(free[key]) && free[key][slot] > it.row.Started {
			slot++
		}
		if slot == len(free[key]) {
			free[key] = append(free[key], 0)
		}
		free[key][slot] = it.row.Completed
		name := fmt.Sprintf("%s %d", it.row.Workload, it.row.Call)
		if it.row.BatchSize > 1 {
			name = fmt.Sprintf("batch of %d", it.row.BatchSize)
		}
		thread := o.thread(process, it.row.Container, min(int64(slot)+1, slots-1))
		o.span(name, "service", process, thread, it.row.Started, it.row.Completed, inputArgs(it.row))
	}
}

// waiting draws an input from its submission to the begin of its service.
func (o *tracer) waiting(r *model.InputRow, id int64) {
	until := r.Started
	if until == model.Unset {
		until = r.Completed
	}
	if until <= r.Submitted {
		return
	}
	process := o.process(r.Function)
	e := event{Name: fmt.Sprintf("%s %d waits", r.Workload, r.Call), Category: "waiting", Phase: "b",
		At: microseconds(r.Submitted), Process: process, ID: fmt.Sprint(id), Args: inputArgs(r)}
	o.put(e)
	e.Phase, e.At, e.Args = "e", microseconds(until), nil
	o.put(e)
}

// inputArgs are what a viewer shows of an input: its outcome and where its time went.
func inputArgs(r *model.InputRow) map[string]any {
	args := map[string]any{"workload": r.Workload, "call": r.Call, "input": r.Input,
		"outcome": r.Outcome.String(), "latency_s": r.Latency.Seconds(), "attempts": r.Attempts}
	for p, t := range r.Parts {
		if t > 0 {
			args[model.PartNames[p]+"_s"] = t.Seconds()
		}
	}
	if r.LLM.Prompt > 0 {
		args["prompt_tokens"], args["output_tokens"] = r.LLM.Prompt, r.LLM.Output
		if r.LLM.TTFT != model.Unset {
			args["ttft_s"] = r.LLM.TTFT.Seconds()
		}
	}
	return args
}
