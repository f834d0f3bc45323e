package report

import (
	"bytes"
	"io"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/sim"
)

// A Parquet file holds what the CSV holds, with nulls for what is empty there; an instant of 0 s is not
// null.
func TestInputsParquet(t *testing.T) {
	var b bytes.Buffer
	w := NewInputsParquet(&b)
	const rows = 3000 // more than a batch
	for i := range rows {
		row := inputRow(i)
		if i == 0 {
			row.Admitted = 0
		}
		if i%3 == 1 {
			row.Admitted, row.Assigned, row.Started = model.Unset, model.Unset, model.Unset
			row.Container, row.BatchSize, row.Outcome = 0, 0, model.PendingLimit
		}
		if err := w.Write(&row); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := parquet.Read[inputRecord](bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil || len(got) != rows {
		t.Fatalf("%d rows, %v", len(got), err)
	}
	if got[0].AdmittedS == nil || *got[0].AdmittedS != 0 {
		t.Errorf("an admission at 0 s reads %v", got[0].AdmittedS)
	}
	for i := range got {
		want := inputRow(i)
		g := &got[i]
		if g.Call != want.Call || g.SubmittedS != want.Submitted.Seconds() ||
			g.ServiceS != want.Parts[model.Served].Seconds() {
			t.Fatalf("row %d is %+v", i, *g)
		}
		refused := i%3 == 1
		if (g.AssignedS == nil) != refused || (g.Container == nil) != refused ||
			(g.BatchSize == nil) != refused {
			t.Fatalf("row %d: nulls are wrong: %+v", i, *g)
		}
		if !refused && (*g.AssignedS != want.Assigned.Seconds() || *g.Container != 7 || *g.BatchSize != 2) {
			t.Fatalf("row %d: %v %v %v", i, *g.AssignedS, *g.Container, *g.BatchSize)
		}
		if refused != (g.Outcome == "pending_limit") {
			t.Fatalf("row %d: outcome %s", i, g.Outcome)
		}
	}
}

func TestContainersParquet(t *testing.T) {
	var b bytes.Buffer
	w := NewContainersParquet(&b)
	for i := range 2000 {
		row := model.ContainerRow{Replication: 1, Function: "f", Container: int64(i + 1),
			Created: sim.Time(i),
			Ready:   model.Unset, Stopped: sim.Time(i + 5), Reason: "scaledown", CostUSD: 0.25}
		if i%2 == 0 {
			row.Reason = "end"
		}
		if err := w.Write(&row); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := parquet.Read[containerRecord](bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil || len(got) != 2000 {
		t.Fatalf("%d rows, %v", len(got), err)
	}
	for i := range got {
		if got[i].Container != int64(i+1) || got[i].ReadyS != nil || (got[i].StoppedS == nil) != (i%2 == 0) ||
			got[i].CostUSD != 0.25 {
			t.Fatalf("row %d is %+v", i, got[i])
		}
	}
}

func BenchmarkInputsParquet(b *testing.B) {
	w := NewInputsParquet(io.Discard)
	row := inputRow(123456)
	b.ReportAllocs()
	for b.Loop() {
		row.Submitted += sim.Millisecond
		row.Call++
		if err := w.Write(&row); err != nil {
			b.Fatal(err)
		}
	}
}
