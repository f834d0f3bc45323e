package report

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/sim"
)

type traceFile struct {
	OtherData   map[string]string
	TraceEvents []struct {
		Name, Ph, Cat, ID string
		Ts, Dur           float64
		Pid               int
		Tid               int64
		Args              map[string]any
	}
}

func traced(t *testing.T, events *TraceEvents) traceFile {
	t.Helper()
	var b bytes.Buffer
	n, err := events.WriteTo(&b)
	if err != nil || n != int64(b.Len()) {
		t.Fatalf("%d of %d bytes: %v", n, b.Len(), err)
	}
	var file traceFile
	if err := json.Unmarshal(b.Bytes(), &file); err != nil {
		t.Fatal(err)
	}
	return file
}

// Spans of one thread never overlap partly, every begin has its end, and times are to the nanosecond.
func TestTraceEvents(t *testing.T) {
	var events TraceEvents
	second := sim.Second
	events.Container(&model.ContainerRow{Replication: 1, Function: "f", Container: 1, Created: 0,
		Ready: 2 * second, Stopped: 9 * second, Inputs: 3, Reason: "end"})
	events.Container(&model.ContainerRow{Replication: 2, Function: "f", Container: 1, Ready: model.Unset})
	for i, in := range []struct{ submitted, started, completed sim.Time }{{1, 2 * second, 4 * second},
		{2, 3 * second, 5*second + 1}, {4 * second, 4 * second, 6 * second}} {
		events.Input(&model.InputRow{Replication: 1, Function: "f", Workload: "w",
			Call: int64(i + 1), Input: 1,
			Submitted: in.submitted, Started: in.started, Completed: in.completed, Container: 1, BatchSize: 1,
			Attempts: 1})
	}
	events.Input(&model.InputRow{Replication: 1, Function: "f", Workload: "w", Call: 4, Submitted: 7,
		Started: model.Unset, Completed: 7, Outcome: model.RateLimit})
	file := traced(t, &events)
	ends := map[int64]float64{}
	open, spans, waits := map[string]int{}, 0, 0
	for _, e := range file.TraceEvents {
		switch {
		case e.Ph == "X" && e.Cat == "service":
			spans++
			if e.Ts < ends[e.Tid] {
				t.Errorf("%s begins at %v, before %v, on thread %d", e.Name, e.Ts, ends[e.Tid], e.Tid)
			}
			ends[e.Tid] = e.Ts + e.Dur
		case e.Ph == "b":
			waits++
			open[e.ID]++
		case e.Ph == "e":
			open[e.ID]--
		}
	}
	if spans != 3 || len(ends) != 2 || waits != 2 {
		t.Errorf("%d services on %d slots and %d waits, want 3 on 2 and 2", spans, len(ends), waits)
	}
	for id, n := range open {
		if n != 0 {
			t.Errorf("span %s does not end", id)
		}
	}
	if ends[slots+2] != 5_000_000.001 {
		t.Errorf("the second slot ends at %v µs", ends[slots+2])
	}
}

// A large run is sampled: bounded, evenly, and said so.
func TestTraceEventsSampled(t *testing.T) {
	var events TraceEvents
	for i := range int64(110_000) {
		events.Input(&model.InputRow{Replication: 1, Function: "f", Workload: "w", Call: i + 1,
			Submitted: sim.Time(i), Started: sim.Time(i), Completed: sim.Time(i + 1), Container: 1 + i%9000})
	}
	for i := range int64(9000) {
		events.Container(&model.ContainerRow{Replication: 1, Function: "f", Container: i + 1,
			Ready: 1, Stopped: 2})
	}
	if n := len(events.inputs); n > mostTraceInputs || n < mostTraceInputs/2 {
		t.Errorf("%d inputs are kept", n)
	}
	for i := 1; i < len(events.inputs); i++ {
		if step := events.inputs[i].Call - events.inputs[i-1].Call; step != events.everyInput {
			t.Fatalf("input %d is %d after its predecessor, want %d", i, step, events.everyInput)
		}
	}
	file := traced(t, &events)
	if got := file.OtherData["simcap"]; got != "replication 1, 1 of 4 inputs, 1 of 4 containers" {
		t.Errorf("the trace says %q", got)
	}
	for _, e := range file.TraceEvents {
		if e.Ph == "X" && (e.Tid/slots-1)%4 != 0 {
			t.Fatalf("container %d is shown", e.Tid/slots)
		}
	}
}
