package validation

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/report/chart"
	"github.com/simcap/simcap/report/figure"
	"github.com/simcap/simcap/scenarios"
	"github.com/simcap/simcap/stats"
)

// Drawing is a picture of the document.
type Drawing struct {
	Name string // of its file
	PNG  []byte
}

func draw(name string, c chart.Chart, height float64) (Drawing, error) {
	c.ID = name
	var out bytes.Buffer
	err := figure.Draw(&out, figure.Picture{Charts: []chart.Chart{c}},
		figure.Options{Width: 760, Height: height, Scale: 1.4})
	return Drawing{name + ".png", out.Bytes()}, err
}

// Drawings are the pictures of the comparisons.
func Drawings(ctx context.Context, theory, peers []Compared) ([]Drawing, error) {
	wave, err := waveChart(ctx)
	if err != nil {
		return nil, err
	}
	var out []Drawing
	for _, d := range []struct {
		name   string
		chart  chart.Chart
		height float64
	}{
		{"deviations", deviations(theory, peers), 420},
		{"honesty", honesty(theory), 360},
		{"wave", wave, 380},
	} {
		drawing, err := draw(d.name, d.chart, d.height)
		if err != nil {
			return nil, err
		}
		out = append(out, drawing)
	}
	return out, nil
}

// deviations shows every comparison: how far off, and how sharp.
func deviations(theory, peers []Compared) chart.Chart {
	dots := func(name string, role chart.Role, families []Compared) chart.Series {
		s := chart.Series{Name: name, Role: role, Mark: chart.Dots}
		for _, family := range families {
			for _, c := range family.Cases {
				for i := range c.Findings {
					f := &c.Findings[i]
					half := (f.High - f.Low) / 2
					if half < 1e-9 {
						continue // all replications say exactly the same
					}
					s.X = append(s.X, half/math.Abs(f.Answer()))
					s.Y = append(s.Y, (f.Value-f.Answer())/half)
				}
			}
		}
		return s
	}
	inside, all := Agreement(theory)
	insidePeers, allPeers := Agreement(peers)
	title := fmt.Sprintf("All %d comparisons agree", all+allPeers)
	if missing := all + allPeers - inside - insidePeers; missing > 0 {
		title = fmt.Sprintf("%d of %d comparisons differ", missing, all+allPeers)
	}
	return chart.Chart{Title: title,
		Subtitle: "deviation in half-widths of the 99.9 % interval, by how wide the interval is",
		XY: &chart.XY{
			X: chart.Axis{Label: "half-width relative to the answer", Scale: chart.Log,
				Kind: "fraction"},
			Y: chart.Axis{Label: "deviation / half-width", Min: chart.At(-1.3),
				Max: chart.At(1.3)},
			Series: []chart.Series{dots("theory", chart.C1, theory), dots("peers", chart.C2,
				peers)},
			Rules: []chart.Rule{{At: 1, Label: "edge of the interval", Role: chart.SLO},
				{At: -1, Role: chart.SLO}},
		}}
}

// honesty compares the deviations from exact values with Student's t, which they should follow.
func honesty(theory []Compared) chart.Chart {
	const freedom = 19 // of 20 replications
	edge := stats.StudentQuantile((1+Level)/2, freedom)
	var found, expected chart.Series
	expected = chart.Series{Name: "expected of independent estimates", Role: chart.Muted,
		Mark: chart.Line}
	for p := 0.0; p < 0.9995; p += 0.0025 {
		expected.X = append(expected.X, stats.StudentQuantile((1+p)/2, freedom)/edge)
		expected.Y = append(expected.Y, p)
	}
	var shares []float64
	for _, family := range theory {
		for _, c := range family.Cases {
			for i := range c.Findings {
				f := &c.Findings[i]
				if half := (f.High - f.Low) / 2; half > 1e-9 && !f.Check.Measure.sketch {
					shares = append(shares, math.Abs(f.Value-f.Answer())/half)
				}
			}
		}
	}
	slices.Sort(shares)
	found = chart.Series{Name: "simcap against theory", Role: chart.C1, Mark: chart.Step}
	for i, share := range shares {
		found.X = append(found.X, share)
		found.Y = append(found.Y, float64(i+1)/float64(len(shares)))
	}
	return chart.Chart{Title: "The intervals are as wide as they should be",
		Subtitle: "share of comparisons within a distance of the exact value",
		XY: &chart.XY{
			X: chart.Axis{Label: "deviation / half-width of the 99.9 % interval",
				Min: chart.At(0), Max: chart.At(1.05)},
			Y: chart.Axis{Label: "share of comparisons", Kind: "fraction", Min: chart.At(0),
				Max: chart.At(1)},
			Series: []chart.Series{expected, found},
		}}
}

// waveChart shows one run of a case whose traffic swings over an hour.
func waveChart(ctx context.Context) (chart.Chart, error) {
	c := findCase("mt_d_inf")
	s, found := scenarios.Load(c.Name, []byte(c.Scenario()), scenarios.Options{})
	if found.Failed() {
		return chart.Chart{}, fmt.Errorf("validation: %s: %s", c.Name, found[0].Message)
	}
	s.Replications.Min, s.Replications.Max = 1, 1
	s.Model.Horizon = 3 * 3600 * 1e9
	r, err := experiment.Run(ctx, s, experiment.Options{Detail: true})
	if err != nil {
		return chart.Chart{}, err
	}
	series := r.Detail.Functions["f"].Series
	simulated := chart.Series{Name: "simcap, one run", Role: chart.Busy, Mark: chart.Dots}
	arrivals := chart.Series{Name: "arrivals × mean service", Role: chart.Muted, Mark: chart.Line}
	theory := chart.Series{Name: "theory", Role: chart.C2, Mark: chart.Line}
	w := constantService(10, 0.8, wavePeriod, 600)
	for i, busy := range series.Busy {
		at := series.StartS + (float64(i)+0.5)*series.BinS
		if at > 3*3600 {
			break
		}
		if i%4 == 0 {
			simulated.X, simulated.Y = append(simulated.X, at), append(simulated.Y, busy)
		}
		angle := 2 * math.Pi / wavePeriod
		arrivals.X, arrivals.Y = append(arrivals.X, at), append(arrivals.Y,
			6000*(1+0.8*math.Sin(angle*at)))
		if at > 600 {
			theory.X = append(theory.X, at)
			theory.Y = append(theory.Y, w.mean+w.swing*math.Sin(angle*(at-w.lag)))
		}
	}
	return chart.Chart{Title: "Busy containers lag behind the traffic as theory says",
		Subtitle: "Mt/G/∞: 10/s ± 80 % over an hour, service of 600 s; busy containers over time",
		XY: &chart.XY{X: chart.Axis{Scale: chart.Time}, Y: chart.Axis{Label: "busy containers",
			Min: chart.At(0)},
			Series: []chart.Series{arrivals, theory, simulated}}}, nil
}

// findCase is the case of theory or of a peer of the given name.
func findCase(name string) *Case {
	for _, family := range append(Theory(), Peers()...) {
		for i := range family.Cases {
			if family.Cases[i].Name == name {
				return &family.Cases[i]
			}
		}
	}
	panic("validation: no case " + name)
}
