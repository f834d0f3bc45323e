package report

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/sim"
)

func inputRow(i int) model.InputRow {
	t := sim.Time(i) * 12_345_678
	return model.InputRow{Replication: 1, Function: "embed", Workload: "web", Call: int64(i),
		Input: 1, Size: 12.5,
		Submitted: t, Admitted: t + 1, Assigned: t + 2, Started: t + 3, Completed: t + sim.Second,
		Latency: sim.Second, Parts: model.Parts{model.Queue: 3, model.Served: sim.Second - 3},
		Container: 7, BatchSize: 2, Attempts: 1}
}

func TestInputsCSV(t *testing.T) {
	rows := []model.InputRow{
		{Replication: 2, Function: "a,b", Workload: `w"x`, Call: 1, Input: 3, Size: 1234567.25,
			Submitted: 1_500_000_000, Admitted: 1_500_000_001, Assigned: 2 * sim.Second,
			Started:   2 * sim.Second,
			Completed: 3*sim.Hour + 1, Latency: 7, Parts: model.Parts{1, 2, 3, 4, 5, 6, 7},
			Container: 12, BatchSize: 32, Attempts: 2, Outcome: model.TimedOut},
		{Replication: 1, Function: "f", Workload: "w", Call: 2, Input: 1, Size: 1, Submitted: 0,
			Admitted: model.Unset, Assigned: model.Unset, Started: model.Unset, Completed: 0,
			Outcome: model.RateLimit},
	}
	var b strings.Builder
	w := NewInputsCSV(&b)
	for i := range rows {
		if err := w.Write(&rows[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	want := inputColumns + "\n" +
		`2,"a,b","w""x",1,3,1234567.25,1.500000000,1.500000001,2.000000000,2.000000000,10800.000000001,` +
		"0.000000007,0.000000001,0.000000002,0.000000003,0.000000004,0.000000005,0.000000006,0.000000007," +
		"12,32,2,timed_out\n" +
		"1,f,w,2,1,1,0.000000000,,,,0.000000000,0.000000000,0.000000000,0.000000000,0.000000000,0.000000000," +
		"0.000000000,0.000000000,0.000000000,,,0,rate_limit\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
	if _, err := csv.NewReader(strings.NewReader(b.String())).ReadAll(); err != nil {
		t.Error(err)
	}
}

func TestContainersCSV(t *testing.T) {
	rows := []model.ContainerRow{
		{Replication: 1, Function: "f", Container: 1, Created: 0, Ready: 8 * sim.Second,
			Stopped: 90 * sim.Second,
			Inputs:  4, Cold: 8 * sim.Second, Busy: 22 * sim.Second, Idle: 60 * sim.Second,
			CostUSD: 0.0488, Reason: "scaledown"},
		{Replication: 1, Function: "f", Container: 2, Created: 5, Ready: model.Unset, Stopped: 77,
			Reason: "end"},
	}
	var b strings.Builder
	w := NewContainersCSV(&b)
	for i := range rows {
		if err := w.Write(&rows[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	want := containerColumns +
		"1,f,1,0.000000000,8.000000000,90.000000000,4,8.000000000,22.000000000,60.000000000,0.048800000,scaledown\n" +
		"1,f,2,0.000000005,,,0,0.000000000,0.000000000,0.000000000,0.000000000,end\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

// The fast formatter writes what the plain one does.
func TestAppendSeconds(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	times := []sim.Time{0, 1, 9, 10, 999_999_999, sim.Second, 10 * sim.Second, sim.Never, -1, -5 * sim.Second}
	for range 10_000 {
		times = append(times, sim.Time(random.Int64()>>random.IntN(62)))
	}
	for _, at := range times {
		if got, want := string(appendSeconds(nil, at)), string(at.AppendSeconds(nil)); got != want {
			t.Fatalf("%d: got %s, want %s", at, got, want)
		}
	}
}

// The size is written as C's %.12g writes it.
func TestAppendSize(t *testing.T) {
	for x, want := range map[float64]string{1: "1", 0: "0", -3: "-3", 0.1: "0.1", 1e6: "1000000",
		999999999999: "999999999999", 1e12: "1e+12", 1.5e12: "1.5e+12", 123456.7890123456: "123456.789012",
		1e-5: "1e-05", 0.0001: "0.0001", 1.0 / 3: "0.333333333333", 1234567890123.5: "1.23456789012e+12"} {
		if got := string(appendSize(nil, x)); got != want {
			t.Errorf("%v: got %s, want %s", x, got, want)
		}
		if got := string(appendSize(nil, x)); got != fmt.Sprintf("%.12g", x) {
			t.Errorf("%v: got %s, Printf gives %.12g", x, got, x)
		}
		back, err := strconv.ParseFloat(string(appendSize(nil, x)), 64)
		if err != nil || back-x > 1e-11*max(x, -x) || x-back > 1e-11*max(x, -x) {
			t.Errorf("%v comes back as %v", x, back)
		}
	}
}

type full struct{}

var errFull = errors.New("disk full")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestWriteErrorsAreKept(t *testing.T) {
	w := NewInputsCSV(full{})
	row := inputRow(1)
	for range 2000 {
		_ = w.Write(&row)
	}
	if err := w.Close(); !errors.Is(err, errFull) {
		t.Errorf("got %v", err)
	}
}

func BenchmarkInputsCSV(b *testing.B) {
	w := NewInputsCSV(io.Discard)
	row := inputRow(123456)
	b.ReportAllocs()
	for b.Loop() {
		if err := w.Write(&row); err != nil {
			b.Fatal(err)
		}
	}
}

func TestInputsCSVManyRows(t *testing.T) {
	var out bytes.Buffer
	w := NewInputsCSV(&out)
	for i := range 5000 {
		row := inputRow(i)
		if err := w.Write(&row); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(&out).ReadAll()
	if err != nil || len(records) != 5001 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	if records[4321][3] != "4320" {
		t.Errorf("row 4320 is of call %s", records[4321][3])
	}
}
