package report

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/internal/specimen"
	"github.com/simcap/simcap/report/chart"
)

func sweeps() map[string]*experiment.Sweep {
	none := specimen.Sweep(4, 1, 1)
	for i := range none.Points {
		none.Points[i].Result.SLO, none.Points[i].Verdict = nil, experiment.NoSLO
	}
	broken := specimen.Sweep(3, 3, 1)
	for i := range broken.Points {
		broken.Points[i].Result, broken.Points[i].Verdict = nil, experiment.Impossible
		broken.Points[i].Error = "min_containers is above max_containers"
	}
	return map[string]*experiment.Sweep{"sweep": specimen.Sweep(6, 4, 3), "sweep-line": none,
		"sweep-plane": specimen.Sweep(5, 5, 1), "sweep-broken": broken,
		"sweep-empty": {Scenario: "x", Cost: "cost.per_hour", Latency: "latency.p99",
			Axes: []experiment.Axis{{Key: "a.b", Values: []string{"1", "2"}}}, Planned: 2}}
}

// The chosen point is the cheapest that keeps the SLO, found here by looking at all.
func TestSweepChoice(t *testing.T) {
	s := specimen.Sweep(6, 4, 3)
	best, least := -1, math.Inf(1)
	for i, q := range s.Points {
		if q.Verdict == experiment.Kept && *q.Result.Total.CostUSD.PerHour.Value < least {
			best, least = i, *q.Result.Total.CostUSD.PerHour.Value
		}
	}
	v := newSweepView(s)
	if best < 0 || v.chosen != best || !v.sure {
		t.Fatalf("chosen %d, sure %v; want %d", v.chosen, v.sure, best)
	}
	c, ok := v.scatter()
	if !ok || len(c.XY.Points) != len(s.Points)-3 {
		t.Fatalf("%d dots of %d points, of which 3 have no result", len(c.XY.Points), len(s.Points))
	}
	bold := 0
	for _, q := range c.XY.Points {
		if q.Bold {
			bold++
			if q.X != least*hoursPerMonth || q.Copy != settingsFlags(s.Points[best].Point) {
				t.Errorf("the bold dot is %+v", q)
			}
		}
	}
	if bold != 1 || *c.XY.Regions[0].YTo != 8 || *c.XY.Regions[0].XTo != 4*hoursPerMonth {
		t.Errorf("%d bold dots, region %+v", bold, c.XY.Regions)
	}
	// Nothing beats a point of the frontier.
	for _, q := range c.XY.Points {
		for _, o := range c.XY.Points {
			if q.Role == chart.Frontier && (o.X < q.X && o.Y <= q.Y || o.X <= q.X && o.Y < q.Y) {
				t.Errorf("%v,%v is on the frontier, and %v,%v beats it", q.X, q.Y, o.X, o.Y)
			}
		}
	}
}

// Means and effects of an axis are those of the numbers.
func TestSweepEffects(t *testing.T) {
	s := specimen.Sweep(2, 2, 1)
	for i, x := range []float64{1, 2, 3, 10} { // windows 30s and 60s, each with 0 and 1 warm containers
		s.Points[i].Result = specimen.Result(x, x, 4, 0)
	}
	v := newSweepView(s)
	if m := v.means(0, &v.latency); m[0] != 1.5 || m[1] != 6.5 {
		t.Errorf("means by window %v", m)
	}
	if e := v.effect(1, &v.latency); e != 3 {
		t.Errorf("warm containers move latency by %v, want (2+10)/(1+3)", e)
	}
	h, _ := v.heat(&v.latency, &v.slices()[0])
	if h.Heat.XLabel != "scaledown_window" || h.Heat.Values[1][1] != 10 || h.Heat.Values[0][1] != 3 {
		t.Errorf("%+v", h.Heat)
	}
}

func TestShortKeys(t *testing.T) {
	short := shortKeys([]string{"functions.a.min_containers", "functions.b.min_containers",
		"platform.routing", "seed"})
	for key, want := range map[string]string{"functions.a.min_containers": "a.min_containers",
		"functions.b.min_containers": "b.min_containers", "platform.routing": "routing", "seed": "seed"} {
		if short[key] != want {
			t.Errorf("%s is %q, want %q", key, short[key], want)
		}
	}
	got := settingsFlags(experiment.Point{{Key: "a.b", Value: "1"}, {Key: "c", Value: "{dist: x, m: 'y'}"}})
	if want := `--set a.b=1 --set 'c={dist: x, m: '\''y'\''}'`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// Whatever a sweep holds, it is drawn. With FIGURES=folder pages and pictures are kept to be looked at.
func TestWriteSweep(t *testing.T) {
	all := sweeps()
	all["sweep-large"] = specimen.Sweep(10, 10, 20)
	for name, s := range all {
		dir := t.TempDir()
		if keep := os.Getenv("FIGURES"); keep != "" {
			dir = filepath.Join(keep, name)
		}
		if err := WriteSweep(dir, s, Options{}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		html, err := os.ReadFile(filepath.Join(dir, "report.html"))
		if err != nil || len(html) > 1<<20 {
			t.Errorf("%s: %d bytes, %v", name, len(html), err)
		}
		if bytes.Contains(html, []byte(">NaN")) || !strings.Contains(string(html), s.Scenario) {
			t.Errorf("%s: NaN in the page, or no name", name)
		}
	}
}
