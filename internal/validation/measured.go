package validation

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/report/chart"
)

// AzureTrace is one of the public traces of LLM services at Azure (Patel et al., ISCA 2024;
// github.com/Azure/AzurePublicDataset, CC-BY-4.0).
type AzureTrace struct {
	File  string
	Rows  int     // as its publishers count them
	SpanS float64 // from the first row to the last
}

// AzureTraces are both of them.
var AzureTraces = [...]AzureTrace{
	{"AzureLLMInferenceTrace_code.csv", 8819, 3435.948056},
	{"AzureLLMInferenceTrace_conv.csv", 19366, 3501.721937},
}

const keepAliveS = 630 // 10.5 minutes

// The settings that the document compares.
var (
	windows  = []float64{570, 600, 630, 660, 690}
	policies = []string{"most_recent", "newest", "oldest", "random", "longest_idle"}
)

// replays are all predictions of one run.
type replays struct {
	run      *LambdaRun
	byWindow []float64 // cold starts per request
	byPolicy []float64
	recycled float64
	latency  float64 // at keepAliveS
}

func replay(ctx context.Context, run *LambdaRun) (replays, error) {
	out := replays{run: run}
	cold := func(m LambdaModel) (float64, float64, error) {
		c, latency, err := m.Replay(ctx, run)
		return value(c), value(latency), err
	}
	for _, w := range windows {
		c, _, err := cold(LambdaModel{WindowS: w, Routing: "most_recent"})
		if err != nil {
			return out, err
		}
		out.byWindow = append(out.byWindow, c)
	}
	for _, p := range policies {
		c, latency, err := cold(LambdaModel{WindowS: keepAliveS, Routing: p})
		if err != nil {
			return out, err
		}
		out.byPolicy = append(out.byPolicy, c)
		if p == "most_recent" {
			out.latency = latency
		}
	}
	var err error
	out.recycled, _, err = cold(LambdaModel{WindowS: keepAliveS, Routing: "most_recent",
		Recycled: true})
	return out, err
}

func value(e experiment.Estimate) float64 {
	if e.Value == nil {
		return 0
	}
	return *e.Value
}

// Measured writes the section about measurements and draws its pictures. The folder holds the runs of
// AWS Lambda.
func Measured(ctx context.Context, folder fs.FS) (string, []Drawing, error) {
	runs, err := ReadLambda(folder)
	if err != nil {
		return "", nil, err
	}
	var all []replays
	for i := range runs {
		r, err := replay(ctx, &runs[i])
		if err != nil {
			return "", nil, err
		}
		all = append(all, r)
	}
	azure := ""
	for _, trace := range AzureTraces {
		azure += fmt.Sprintf("| `%s` | %d | %d | %.6f s |\n", trace.File, trace.Rows, trace.Rows, trace.SpanS)
	}
	windowName := func(i int) string { return fmt.Sprintf("%g min", windows[i]/60) }
	policyName := func(i int) string {
		if i == len(policies) {
			return "most_recent, lives of 2 h"
		}
		return policies[i]
	}
	engines, err := vllmTable(ctx)
	if err != nil {
		return "", nil, err
	}
	text, err := fill("measured.md", map[string]string{
		"Engines": engines,
		"Runs":    lambdaRuns(all),
		"Windows": lambdaCounts(all, len(windows), windowName, func(r *replays, i int) float64 {
			return r.byWindow[i]
		}),
		"Policies": lambdaCounts(all, len(policies)+1, policyName, func(r *replays, i int) float64 {
			if i == len(policies) {
				return r.recycled
			}
			return r.byPolicy[i]
		}),
		"Azure": azure,
	})
	if err != nil {
		return "", nil, err
	}
	drawing, err := draw("lambda", lambdaChart(all), 440)
	return text, []Drawing{drawing}, err
}

func lambdaRuns(all []replays) string {
	var d strings.Builder
	d.WriteString("\n| run | requests | per hour | cold, measured | 95 % interval | cold, predicted | " +
		"mean latency, measured | predicted | longest idle, used again | greatest age |\n" +
		strings.Repeat("|---", 10) + "|\n")
	for i := range all {
		r := all[i].run
		o := r.ColdFraction()
		fmt.Fprintf(&d, "| %s | %d | %.1f | %.2f %% | %.2f to %.2f %% | %.2f %% | %.3f s | %.3f s |"+
			" %.0f s | %.0f s |\n", r.Name, r.Requests, r.RatePerS*3600, 100*o.Value, 100*o.Low, 100*o.High,
			100*all[i].byPolicy[0], r.LatencyS, all[i].latency, r.LongestS, r.OldestS)
	}
	return d.String()
}

// lambdaCounts is a table of cold starts by setting.
func lambdaCounts(all []replays, n int, name func(int) string, of func(*replays, int) float64) string {
	var d strings.Builder
	d.WriteString("\n| run | measured |")
	for i := range n {
		fmt.Fprintf(&d, " %s |", name(i))
	}
	d.WriteString("\n" + strings.Repeat("|---", n+2) + "|\n")
	for k := range all {
		r := &all[k]
		fmt.Fprintf(&d, "| %s | %d |", r.run.Name, r.run.Cold)
		for i := range n {
			fmt.Fprintf(&d, " %.0f |", of(r, i)*float64(r.run.Requests))
		}
		d.WriteString("\n")
	}
	return d.String()
}

// lambdaChart shows measured and predicted shares of cold requests by traffic.
func lambdaChart(all []replays) chart.Chart {
	line := func(name string, role chart.Role, of func(*replays) float64) chart.Series {
		s := chart.Series{Name: name, Role: role, Mark: chart.Line}
		order := slices.Clone(all)
		slices.SortFunc(order, func(x, y replays) int { return cmp.Compare(x.run.RatePerS, y.run.RatePerS) })
		for i := range order {
			s.X, s.Y = append(s.X, order[i].run.RatePerS*3600), append(s.Y, of(&order[i]))
		}
		return s
	}
	last := len(policies) - 1
	c := chart.Chart{Title: "Cold requests on AWS Lambda: measured and predicted",
		Subtitle: "share of cold requests by traffic; whiskers: 95 % interval; keep-alive of 10.5 minutes",
		XY: &chart.XY{
			X: chart.Axis{Label: "requests per hour", Scale: chart.Log},
			Y: chart.Axis{Label: "cold requests", Scale: chart.Log, Kind: "fraction"},
			Series: []chart.Series{
				line("simcap, most_recent", chart.C1,
					func(r *replays) float64 { return r.byPolicy[0] }),
				line("simcap, longest_idle", chart.C2,
					func(r *replays) float64 { return r.byPolicy[last] }),
				{Name: "measured", Role: chart.C3, Mark: chart.Dots},
			}}}
	for i := range all {
		r := all[i].run
		o := r.ColdFraction()
		c.XY.Points = append(c.XY.Points, chart.Point{X: r.RatePerS * 3600, Y: o.Value,
			YLow: &o.Low, YHigh: &o.High, Role: chart.C3, Label: r.Name})
	}
	return c
}
