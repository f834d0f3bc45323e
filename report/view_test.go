package report

import (
	"math"
	"slices"
	"testing"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/internal/specimen"
	"github.com/simcap/simcap/report/chart"
	"github.com/simcap/simcap/report/page"
)

// Containers on one row never overlap, none is lost, and there are as many rows as containers at one time.
func TestContainerLanes(t *testing.T) {
	r := specimen.Make(specimen.Day())
	d := r.Detail.Functions["embed"]
	var rows []experiment.ContainerRow
	type change struct {
		at   float64
		more int
	}
	var changes []change
	for i := range 120 {
		created := float64(i*i%97)*600 + float64(i)
		stopped := created + 1200 + float64(i%7)*900
		ready := created + 8
		rows = append(rows, experiment.ContainerRow{Number: i + 1, CreatedS: created, ReadyS: &ready, StoppedS: &stopped,
			BusyS: (stopped - ready) / 4, Reason: "scaledown"})
		changes = append(changes, change{created, 1}, change{stopped, -1})
	}
	slices.SortFunc(rows, func(a, b experiment.ContainerRow) int { return int(math.Copysign(1, a.CreatedS-b.CreatedS)) })
	slices.SortFunc(changes, func(a, b change) int {
		if a.at != b.at {
			return int(math.Copysign(1, a.at-b.at))
		}
		return a.more - b.more
	})
	peak, now := 0, 0
	for _, c := range changes {
		now += c.more
		peak = max(peak, now)
	}
	d.Gantt = rows
	r.Detail.Functions["embed"] = d
	c, ok := containerLanes(r, "embed", newTimeline(r, d.Series))
	if !ok || len(c.Lanes.Rows) != peak {
		t.Fatalf("%d rows, and at most %d containers at one time", len(c.Lanes.Rows), peak)
	}
	seen := 0
	for _, lane := range c.Lanes.Rows {
		end := 0.0
		for _, s := range lane.Spans {
			switch s.Role {
			case chart.Starting:
				if s.From < end {
					t.Errorf("row %s: a container begins at %v, before %v", lane.Label, s.From, end)
				}
				seen++
			case chart.Idle:
				end = s.To
			case chart.Busy:
				if math.Abs(s.High-0.25) > 1e-9 {
					t.Errorf("a container that is busy in a quarter of its time is drawn busy in %v", s.High)
				}
			}
		}
	}
	if seen != len(rows) {
		t.Errorf("%d of %d containers are drawn", seen, len(rows))
	}
}

// Pictures over time end at the horizon, unless what comes after it matters.
func TestEndOf(t *testing.T) {
	hour := 3600.0
	for _, test := range []struct {
		horizon *float64
		bins    int
		want    float64
	}{{&hour, 60, 3600}, {&hour, 61, 3600}, {&hour, 90, 5400}, {&hour, 30, 1800}, {nil, 10, 590}} {
		r := &experiment.Result{HorizonS: test.horizon, Detail: &experiment.Detail{WindowS: [2]float64{0, 590}}}
		s := experiment.Series{BinS: 60, Busy: make([]float64, test.bins)}
		if got := endOf(r, &s); got != test.want {
			t.Errorf("%d bins of a minute: the picture ends at %v, want %v", test.bins, got, test.want)
		}
	}
}

// A run without a horizon has no cost per month.
func TestBillOf(t *testing.T) {
	total, perHour, horizon := 4.5, 20.0, 60.0
	c := &experiment.Cost{Total: experiment.Estimate{Value: &total}, PerHour: experiment.Estimate{Value: &perHour}}
	if bill, per := billOf(&experiment.Result{}, c); *bill.Value != total || per != "for the run" {
		t.Errorf("%v %s", *bill.Value, per)
	}
	if bill, per := billOf(&experiment.Result{HorizonS: &horizon}, c); *bill.Value != 20*hoursPerMonth || per != "per month" {
		t.Errorf("%v %s", *bill.Value, per)
	}
}

// A curve ends where its inputs do: at the first quantile that is the maximum.
func TestQuantileCurve(t *testing.T) {
	d := &experiment.Distribution{Q: []float64{0, 0.5, 0.9, 0.99, 0.999, 1}, AtS: []float64{1, 2, 3, 8, 8, 8.01}}
	s := quantileCurve("f", chart.C1, d)
	if s.Len() != 4 || s.X[3] != 8 || s.Y[3] != 0.99 {
		t.Errorf("%v at %v", s.Y, s.X)
	}
}

// No chart stands alone in a row of two.
func TestFillRows(t *testing.T) {
	block := func(wide bool) page.Block { return page.Block{Chart: &chart.Chart{Wide: wide}} }
	blocks := []page.Block{block(false), block(true), block(false), block(false), block(false),
		{Table: &page.Table{}}, block(false)}
	fillRows(blocks)
	for i, want := range []bool{true, true, false, false, true, false, true} {
		if c := blocks[i].Chart; c != nil && c.Wide != want {
			t.Errorf("chart %d: wide is %v", i, c.Wide)
		}
	}
}

// The function whose tail is explained is the one whose objective is in the greatest danger.
func TestFocus(t *testing.T) {
	r := specimen.Make(specimen.Five())
	r.SLO = nil
	if got, want := focus(r), slowest(r); got != want {
		t.Errorf("without objectives: %s, want the slowest, %s", got, want)
	}
	yes, no := true, false
	r.SLO = []experiment.Verdict{{Metric: "latency.p99", Function: "embed", Met: &yes},
		{Metric: "latency.p50", Function: "rerank"}, {Metric: "cost.per_hour", Met: &no}}
	if got := focus(r); got != "rerank" {
		t.Errorf("kept for embed, undecided for rerank: %s", got)
	}
	r.SLO[0].Met = &no
	if got := focus(r); got != "embed" {
		t.Errorf("missed for embed: %s", got)
	}
}

// A whole is as far from its lower bound as it can be; the objective with less to spare is named.
func TestTightest(t *testing.T) {
	whole, least, slow, limit, yes := 1.0, 0.999, 12.0, 20.0, true
	got := tightest([]experiment.Verdict{
		{Metric: "completed_fraction", Min: &least, Value: experiment.Estimate{Value: &whole}, Met: &yes},
		{Metric: "latency.p99", Max: &limit, Value: experiment.Estimate{Value: &slow}, Met: &yes}})
	if want := "p99 latency is 12 s, 40% below the limit of 20 s"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
