package figure

import (
	"bytes"
	"fmt"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/simcap/simcap/report/chart"
	"github.com/simcap/simcap/report/quantity"
)

// gallery has a picture of every kind.
func gallery() map[string]Picture {
	random := rand.New(rand.NewPCG(1, 1))
	var cost, tail []float64
	scatter := &chart.XY{X: chart.Axis{Label: "cost per month", Kind: quantity.USD},
		Y: chart.Axis{Label: "p99 latency", Kind: quantity.Seconds}}
	for keep := range 6 {
		for least := range 4 {
			c := 900 + 620*float64(least) + 90*float64(keep) + 100*random.Float64()
			l := 48*math.Exp(-0.5*float64(least)-0.25*float64(keep)) + 2*random.Float64() + 1
			cost, tail = append(cost, c), append(tail, l)
			scatter.Points = append(scatter.Points, chart.Point{X: c, Y: l, YLow: chart.At(l * 0.93),
				YHigh: chart.At(l * 1.07), Role: chart.Dominated,
				Info: [][2]string{{"min_containers", fmt.Sprint(least)}},
				Copy: fmt.Sprintf("--set min_containers=%d", least)})
			scatter.Points[len(scatter.Points)-1].Label = ""
		}
	}
	step := chart.Series{Name: "Pareto frontier", Role: chart.Frontier, Mark: chart.Step}
	for n, i := range chart.Pareto(cost, tail) {
		step.X, step.Y = append(step.X, cost[i]), append(step.Y, tail[i])
		scatter.Points[i].Role, scatter.Points[i].Label = chart.Frontier,
			fmt.Sprintf("min %d · keep %d s", i%4, 60*(i/4))
		if n == 4 {
			scatter.Points[i].Role, scatter.Points[i].Bold = chart.Chosen, true
			scatter.Points[i].Label = "cheapest that keeps the SLO"
		}
	}
	scatter.Series = append(scatter.Series, step)
	scatter.Rules = []chart.Rule{{At: 8, Label: "SLO p99 ≤ 8 s", Role: chart.Good}}
	scatter.Regions = []chart.Region{{YTo: chart.At(8), Role: chart.Good, Label: "keeps the SLO"}}
	heat := &chart.Heat{XLabel: "scaledown_window", YLabel: "min_containers",
		Kind: quantity.Seconds, Log: true,
		Columns: []string{"0 s", "30 s", "1 min", "2 min", "5 min", "10 min"},
		Rows:    []string{"0", "1", "2", "3", "4"}}
	for y := range 5 {
		row, ok := chart.Values{}, []bool{}
		for x := range 6 {
			v := 46 * math.Exp(-0.5*float64(y)-0.3*float64(x))
			row, ok = append(row, v), append(ok, v <= 8)
		}
		heat.Values, heat.Meets = append(heat.Values, row), append(heat.Meets, ok)
	}
	heat.Values[0][0] = math.NaN()
	grid := &chart.Grid{Columns: 3}
	for i := range 6 {
		s := chart.Series{Name: "p99", Role: chart.Latency, Mark: chart.Line}
		for x := range 20 {
			s.X, s.Y = append(s.X, float64(x)), append(s.Y, math.Exp(-float64(x)/float64(3+i))+0.1)
		}
		grid.Charts = append(grid.Charts, chart.Chart{Title: fmt.Sprintf("max_batch_size %d", 1<<i),
			XY: &chart.XY{X: chart.Axis{Kind: quantity.Count},
				Y:      chart.Axis{Kind: quantity.Seconds, Max: chart.At(1.2)},
				Series: []chart.Series{s}}})
	}
	return map[string]Picture{
		"scatter": {Footer: "24 points · 20 replications", Charts: []chart.Chart{{ID: "scatter",
			Title:    "Two warm containers with a window of two minutes are the cheapest way to keep the SLO",
			Subtitle: "24 settings; each point is the mean of 20 replications, with its interval",
			XY:       scatter}}},
		"heat": {Charts: []chart.Chart{{ID: "heat", Title: "Three warm containers or a long window " +
			"are needed for 8 s",
			Subtitle: "p99 latency; cells inside the border keep the SLO (bold)", Heat: heat}}},
		"grid": {Charts: []chart.Chart{{ID: "grid", Title: "Batches beyond eight change little",
			Grid: grid}}},
		"lanes": {Charts: []chart.Chart{{ID: "lanes", Title: "Two containers", Lanes: &chart.Lanes{
			X:     chart.Axis{Scale: chart.Time, Label: "simulated time"},
			Parts: []chart.Part{{Name: "ready", Role: chart.Busy}},
			Rows: []chart.Lane{{Label: "#1", Spans: []chart.Span{{From: 0, To: 50, Role: chart.Busy}}},
				{Label: "#2", Spans: []chart.Span{{From: 20, To: 90, Role: chart.Busy}}}}}}}},
		"empty": {Charts: []chart.Chart{{Title: "Nothing", XY: &chart.XY{}}, {Bars: &chart.Bars{}},
			{Heat: &chart.Heat{}},
			{Lanes: &chart.Lanes{}}, {Grid: &chart.Grid{}}}},
	}
}

// The same picture gives the same bytes, of the size that was asked for. With FIGURES=folder the pictures
// are kept to be looked at.
func TestDraw(t *testing.T) {
	for name, picture := range gallery() {
		for _, o := range []Options{{}, {Dark: true, Width: 640, Height: 400, Scale: 1}} {
			var first, second bytes.Buffer
			if err := Draw(&first, picture, o); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if err := Draw(&second, picture, o); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(first.Bytes(), second.Bytes()) {
				t.Errorf("%s: drawn twice, the bytes differ", name)
			}
			img, err := png.Decode(bytes.NewReader(first.Bytes()))
			if err != nil {
				t.Fatal(err)
			}
			want := [2]int{1600, 920}
			if o.Scale == 1 {
				want = [2]int{640, 400}
			}
			if size := img.Bounds().Size(); size.X != want[0] || size.Y != want[1] {
				t.Errorf("%s: %v pixels, want %v", name, size, want)
			}
			if dir := os.Getenv("FIGURES"); dir != "" {
				file := fmt.Sprintf("%s-%v.png", name, o.Dark)
				if err := os.WriteFile(filepath.Join(dir, file), first.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

func TestDrawSVG(t *testing.T) {
	for name, picture := range gallery() {
		var b bytes.Buffer
		if err := Draw(&b, picture, Options{SVG: true}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		text := b.String()
		if !strings.Contains(text, "</svg>") || strings.Contains(text, "NaN") ||
			strings.Contains(text, "#-") {
			t.Errorf("%s: not a clean SVG", name)
		}
	}
}

func TestOptions(t *testing.T) {
	for _, o := range []Options{{Width: 10}, {Height: 1e6}, {Scale: 100}, {Scale: -1}, {Width: math.NaN()}} {
		if _, err := o.Complete(); err == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
	if err := Draw(&bytes.Buffer{}, Picture{}, Options{}); err == nil {
		t.Error("a picture of nothing is drawn")
	}
}

// What the data says is what is painted: the left bar is all of one colour, the right all of the other.
func TestBarsAreTheirData(t *testing.T) {
	var b bytes.Buffer
	bars := &chart.Bars{Share: true, Parts: []chart.Part{{Name: "a", Role: chart.Busy},
		{Name: "b", Role: chart.Cold}},
		Rows: []chart.Bar{{Label: "first", Values: chart.Values{1, 0}},
			{Label: "second", Values: chart.Values{1, 3}}}}
	if err := Draw(&b, Picture{Charts: []chart.Chart{{Title: "t", Bars: bars}}},
		Options{Scale: 1}); err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	count := map[color.NRGBA]int{}
	for y := 90; y < img.Bounds().Dy(); y++ { // below the key
		for x := range img.Bounds().Dx() {
			count[color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)]++
		}
	}
	roles := themeOf(false).roles
	ratio := float64(count[roles[chart.Busy]]) / float64(count[roles[chart.Cold]])
	if want := 1.25 / 0.75; math.Abs(ratio/want-1) > 0.05 {
		t.Errorf("the colours cover areas of ratio %.3f, want %.3f", ratio, want)
	}
}

// Labels cover neither each other nor dots.
func TestSpot(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	room := box{0, 0, 600, 400}
	var taken []box
	var places []at
	for range 25 {
		a := at{random.Float64() * 600, random.Float64() * 400}
		places = append(places, a)
		taken = append(taken, box{a.x - 6, a.y - 6, 12, 12})
	}
	placed := 0
	for _, a := range places {
		b, ok := spot(a, 70, 12, room, taken)
		if !ok {
			continue
		}
		placed++
		for _, other := range taken {
			if b.overlaps(other) {
				t.Fatalf("%v covers %v", b, other)
			}
		}
		if b.x < 0 || b.y < 0 || b.x+b.w > 600 || b.y+b.h > 400 {
			t.Fatalf("%v is outside", b)
		}
		taken = append(taken, b)
	}
	if placed < 20 {
		t.Errorf("%d of 25 labels found a place", placed)
	}
}

// Text in every role's colour can be read on the ground: contrast of at least 3 for graphics and, for the
// ink and the soft ink, 4.5 (WCAG 2 AA).
func TestContrast(t *testing.T) {
	for _, dark := range []bool{false, true} {
		th := themeOf(dark)
		for name, c := range map[string]color.NRGBA{"ink": th.ink, "soft": th.soft,
			"slo": th.roles[chart.SLO]} {
			if got := contrast(c, th.ground); got < 4.5 {
				t.Errorf("dark %v: %s has contrast %.2f", dark, name, got)
			}
		}
		for _, role := range chart.Roles {
			if _, ok := th.roles[role]; !ok {
				t.Errorf("%s has no colour", role)
			}
		}
		for i := range 101 {
			c := heat(float64(i) / 100)
			if got := contrast(inkOn(c), c); got < 4.5 {
				t.Errorf("text on the colour of %d%% has contrast %.2f", i, got)
			}
		}
	}
}

func contrast(a, b color.NRGBA) float64 {
	x, y := luminance(a), luminance(b)
	return (math.Max(x, y) + 0.05) / (math.Min(x, y) + 0.05)
}
