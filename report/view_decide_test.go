package report

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/experiment/plan"
	"github.com/simcap/simcap/internal/specimen"
	"github.com/simcap/simcap/report/chart"
)

// decisions are pages of comparisons, capacities and plans, full and empty, with the values they are of.
func decisions() map[string]struct {
	value   any
	drawing *drawing
} {
	out := map[string]struct {
		value   any
		drawing *drawing
	}{}
	for name, c := range map[string]*experiment.Comparison{"compare": specimen.Comparison(2, true, 8),
		"compare-four": specimen.Comparison(4, false, 8), "compare-once": specimen.Comparison(2, false, 1),
		"compare-empty": {}} {
		out[name] = struct {
			value   any
			drawing *drawing
		}{c, compareDrawing(c)}
	}
	for name, c := range map[string]*experiment.Capacity{"capacity": specimen.Capacity(),
		"capacity-gpus": specimen.Capacity("L4", "L40S", "H100"), "capacity-none": {Scenario: "x",
			Searches: []experiment.CapacitySearch{{Limit: "p99 latency is missed at every rate"}}}} {
		out[name] = struct {
			value   any
			drawing *drawing
		}{c, capacityDrawing(c)}
	}
	for name, r := range map[string]*plan.Result{"plan": specimen.Plan(6, 4, 3, true),
		"plan-missed": specimen.Plan(6, 4, 1, false), "plan-empty": {Scenario: "x", Goal: "cost.total"}} {
		out[name] = struct {
			value   any
			drawing *drawing
		}{r, planDrawing(r)}
	}
	return out
}

// Every kind of result is drawn, and drawn again from its JSON as it was. With FIGURES=folder pages and
// pictures are kept to be looked at.
func TestDecisionsAreDrawn(t *testing.T) {
	for name, d := range decisions() {
		dir := t.TempDir()
		if keep := os.Getenv("FIGURES"); keep != "" {
			dir = filepath.Join(keep, name)
		}
		if err := writeResult(dir, "results.json", d.drawing, func() error { return nil }, Options{}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		first, err := os.ReadFile(filepath.Join(dir, "report.html"))
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := writeJSON(&b, d.value); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "-empty") {
			continue // their lists are null, which no command writes
		}
		if _, err := Redraw(dir, &b, Options{NoPictures: true}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		second, err := os.ReadFile(filepath.Join(dir, "report.html"))
		if err != nil || !bytes.Equal(first, second) {
			t.Errorf("%s: drawn from its JSON the page differs: %v", name, err)
		}
	}
}

// A comparison says by how much, and does not say what is noise.
func TestCompareSentences(t *testing.T) {
	c := specimen.Comparison(2, false, 8)
	v := &compareView{c}
	got := v.sentence(1)
	for _, want := range []string{"window of 300 s against today", "cost 14% less (8–20%)",
		"p99 latency 50% longer (44–56%)"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in %q", want, got)
		}
	}
	c.Rows[0].Differences[1].Noise = true
	if got := v.sentence(1); !strings.Contains(got, "cost cannot be told apart (−20% to −7.9%)") {
		t.Errorf("noise: %q", got)
	}
	picture, ok := v.differences()
	if !ok {
		t.Fatal("no picture")
	}
	grey := 0
	for _, q := range picture.XY.Points {
		if q.Role == chart.Muted {
			grey++
		}
	}
	if grey != 2 || len(picture.XY.Points) != 5 {
		t.Errorf("%d of %d differences are grey, want the cost and the utilization of 5", grey, len(picture.XY.Points))
	}
}

// The picture of a capacity search has every rate that was tried, in order, as a share of its limit.
func TestCapacitySteps(t *testing.T) {
	c := specimen.Capacity()
	picture, ok := newCapacityView(c).steps(0)
	if !ok || len(picture.XY.Series) != 4 {
		t.Fatalf("%d series, want line and dots of two objectives", len(picture.XY.Series))
	}
	line := picture.XY.Series[0]
	if line.Len() != len(c.Searches[0].Steps) {
		t.Errorf("%d of %d rates", line.Len(), len(c.Searches[0].Steps))
	}
	for i := range line.Len() {
		share := line.X[i] / 60
		if want := 7.8 * share * share / 8; i > 0 && line.X[i] <= line.X[i-1] || line.Y[i] < want*0.999 || line.Y[i] > want*1.001 {
			t.Errorf("at %v/s the share is %v, want %v", line.X[i], line.Y[i], want)
		}
	}
}

// A plan's map has the cheapest setting that keeps the SLO in each cell.
func TestPlanMap(t *testing.T) {
	r := specimen.Plan(6, 4, 6, true)
	v := newPlanView(r)
	picture, ok := v.map2()
	if !ok {
		t.Fatal("the specimen has fewer than two cells that keep the SLO")
	}
	best := picture.Heat.Values[0][0]
	for _, row := range picture.Heat.Values {
		for _, x := range row {
			if !(best <= x) {
				best = x
			}
		}
	}
	if want := *r.Best.Cost.Value * hoursPerMonth; best < want*0.9999 || best > want*1.0001 {
		t.Errorf("the cheapest cell costs %v, the answer %v", best, want)
	}
	p := v.page()
	if p.Verdict.State != "kept" || !strings.Contains(p.Verdict.Headline, "min_containers 2") {
		t.Errorf("%+v", p.Verdict)
	}
}
