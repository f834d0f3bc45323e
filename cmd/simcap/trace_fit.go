package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/report"
	"github.com/simcap/simcap/scenarios"
	"github.com/simcap/simcap/trace/fit"
	"github.com/simcap/simcap/trace/shape"
)

// fitCommand is what `simcap trace fit` can be told.
type fitCommand struct {
	read     traceFlags
	pictures pictureFlags
	folder   string
	out      string
	force    bool
	json     bool
	quiet    bool
	scenario string
	workload string
	most     int64
	runs     int
	points   int
}

func newTraceFitCommand() *cobra.Command {
	var c fitCommand
	cmd := &cobra.Command{
		Use:   "fit FILE",
		Short: "Find a compact workload that behaves like a traffic file",
		Long: "Fit makes workloads of a few numbers that may stand for a traffic file: a constant " +
			"rate, a rate in\n" +
			"steps or of a typical day or week, each with Poisson arrivals, bursty gaps or groups, " +
			"and processes\n" +
			"that switch between two rates. It simulates functions under each of them and under the " +
			"file itself,\n" +
			"and takes the one whose p50 latency, p99 latency and cost are nearest. The functions " +
			"are a short, a\n" +
			"medium and a long one, or the one that --scenario names. The scenario that --file writes " +
			"holds nothing\n" +
			"of the traffic file but rates and quantiles, and can be shared. The comparison becomes " +
			"report.html,\n" +
			"fit.json and pictures in a folder.",
		Example: "  simcap trace fit access.log --file web.yaml\n" +
			"  simcap trace fit requests.csv --scenario mine.yaml --workload web",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return c.run(cmd, args[0]) },
	}
	c.read.add(cmd)
	c.pictures.add(cmd)
	f := cmd.Flags()
	f.StringVarP(&c.folder, "out", "o", "", "folder for the report (default simcap-out/FILE-fit)")
	f.StringVarP(&c.out, "file", "f", "", "write a scenario with the best workload to this file")
	f.BoolVar(&c.force, "force", false, "overwrite files and folders that are not simcap's own")
	f.BoolVar(&c.json, "json", false, "print the comparison as JSON; writes a folder only with --out")
	f.BoolVarP(&c.quiet, "quiet", "q", false, "print no comparison and no progress")
	f.StringVar(&c.scenario, "scenario", "", "judge by this scenario instead of the three functions")
	f.StringVar(&c.workload, "workload", "",
		"with --scenario: the workload that the file stands for (default: the only one)")
	f.Int64Var(&c.most, "judge-arrivals", 200_000, "judge by the first so many arrivals of the file")
	f.IntVar(&c.points, "points", fit.UsualPoints,
		"points that a rate over time may have: more are nearer, fewer are shorter")
	f.IntVar(&c.runs, "judge-runs", 4, "simulations of each function under each workload")
	return cmd
}

func (c *fitCommand) run(cmd *cobra.Command, argument string) error {
	switch {
	case argument == "-":
		return usagef("trace fit reads a file many times: name it, instead of standard input")
	case c.runs < 1 || c.runs > 1000:
		return usagef("--judge-runs: a number from 1 to 1000 is expected")
	case c.points < 2 || c.points > 20_000:
		return usagef("--points: a number from 2 to 20000 is expected")
	case c.most < 100:
		return usagef("--judge-arrivals: at least 100 are expected")
	case c.workload != "" && c.scenario == "":
		return usagef("--workload is for --scenario")
	}
	if c.folder == "" && !c.json {
		c.folder = defaultFolder(filepath.Base(argument), "fit")
	}
	pictures, err := c.pictures.options()
	if err != nil {
		return err
	}
	claimed, err := claimFolder(c.folder, c.force, "comparison", report.FitFile)
	if err != nil {
		return err
	}
	defer claimed.release()
	result, s, err := c.judged(cmd, argument)
	if err != nil {
		return err
	}
	return c.hand(cmd, result, s, pictures)
}

// judged reads the file, makes workloads for it, and simulates the functions under all of them.
func (c *fitCommand) judged(cmd *cobra.Command, argument string) (*report.FitResult, *shape.Shape, error) {
	file, done, err := c.read.file(cmd, argument)
	if err != nil {
		return nil, nil, err
	}
	defer done()
	s, err := shape.Measure(file)
	if err != nil {
		return nil, nil, unread(err)
	}
	candidates, err := fit.Candidates(file, s, c.points)
	if err != nil {
		return nil, nil, unread(err)
	}
	j, err := c.judge(cmd, file, s)
	done()
	if err != nil {
		return nil, nil, err
	}
	result, err := c.compare(cmd, j, s, candidates)
	return result, s, err
}

// hand writes the scenario and the report, and prints the comparison.
func (c *fitCommand) hand(cmd *cobra.Command, result *report.FitResult, s *shape.Shape,
	pictures report.Options) error {
	if c.out != "" {
		text := c.fitted(result, s)
		if err := checkScenario(c.out, text); err != nil {
			return err
		}
		write := func(w io.Writer) error { _, err := io.WriteString(w, text); return err }
		if err := writeNew(c.out, c.force, write, cmd); err != nil {
			return err
		}
	}
	if c.folder != "" {
		if err := report.WriteTraceFit(c.folder, result, pictures); err != nil {
			return failed(err)
		}
	}
	switch {
	case c.json:
		return report.FitJSON(cmd.OutOrStdout(), result)
	case c.quiet:
		return nil
	}
	return report.TraceFitTerminal(cmd.OutOrStdout(), result.Table(c.out), report.TerminalOptions{
		Width: terminalWidth(cmd.OutOrStdout()), Color: wantsColor(cmd, cmd.OutOrStdout()),
		OutDir: c.folder})
}

// compare simulates all functions under the file and under each candidate.
func (c *fitCommand) compare(cmd *cobra.Command, j *judge, s *shape.Shape,
	candidates []fit.Candidate) (*report.FitResult,
	error) {
	r := &report.FitResult{File: s.File, Arrivals: j.arrivals, SpanS: j.spanS, Runs: c.runs,
		Functions: j.names(), Columns: map[string]string{}}
	for i := range s.Columns {
		r.Columns[s.Columns[i].Name] = fit.Quantiles(&s.Columns[i])
	}
	line := newProgress(cmd, c.quiet)
	defer line.clear()
	var err error
	if r.Trace, err = j.run(cmd.Context(), j.trace); err != nil {
		return nil, err
	}
	for i, candidate := range candidates {
		line.note(fmt.Sprintf("simulated %d of %d workloads", i+1, len(candidates)+1))
		by, err := j.run(cmd.Context(), candidate.Arrivals)
		if err != nil {
			return nil, err
		}
		v := report.FitCandidate{Name: candidate.Name, What: candidate.What, Numbers: candidate.Numbers,
			Arrivals: candidate.Arrivals, By: by}
		v.Error, v.Worst = errorsOf(r.Trace, by, r.Functions)
		r.Candidates = append(r.Candidates, v)
	}
	slices.SortStableFunc(r.Candidates, func(a, b report.FitCandidate) int {
		return cmp.Compare(a.Error, b.Error)
	})
	return r, nil
}

// errorsOf is how far the figures under a workload are from those under the file: the mean and the
// largest |ln(a/b)|, which is the relative error where it is small and counts double and half alike.
// Latencies below a millisecond are taken for one.
func errorsOf(file, other map[string]report.FitServed, functions []string) (mean, worst float64) {
	n := 0.0
	for _, name := range functions {
		a, b := file[name].Parts(), other[name].Parts()
		for i := range a {
			e := math.Abs(math.Log(math.Max(b[i], 1e-3) / math.Max(a[i], 1e-3)))
			if i == 2 && a[i] == 0 && b[i] == 0 {
				continue // nothing is billed
			}
			mean, worst, n = mean+e, math.Max(worst, e), n+1
		}
	}
	return mean / math.Max(n, 1), worst
}

// fitted is a scenario with the best workload.
func (c *fitCommand) fitted(r *report.FitResult, s *shape.Shape) string {
	best := &r.Candidates[0]
	var b strings.Builder
	fmt.Fprintf(&b, "# Traffic like that of a file of format %s: %s.\n", s.Format, best.What)
	fmt.Fprintf(&b,
		"# Simulated under it, latency and cost of %s are %.1f%% from those under the file on average,\n"+
			"# %.1f%% at the most (p50, p99 and cost; %d arrivals).\n", strings.Join(r.Functions, ", "),
		100*best.Error,
		100*best.Worst, r.Arrivals)
	g := guess{shape: s, columns: r.Columns, compact: true}
	g.write(&b, "fitted traffic", s.SpanS, []guessed{{key: "main", arrivals: best.Arrivals}})
	return b.String()
}

// judge simulates functions under a workload.
type judge struct {
	cases    []judgeCase
	trace    string // the file as arrivals
	arrivals int64
	spanS    float64
}

// judgeCase is one function, or the user's scenario.
type judgeCase struct {
	name     string
	document *scenarios.Document
	options  scenarios.Options
	key      string // of the setting that holds the arrivals
	function string // whose outcome counts
	horizon  bool   // the scenario's horizon becomes the judged span
}

func (j *judge) names() []string {
	names := make([]string, len(j.cases))
	for i := range j.cases {
		names[i] = j.cases[i].name
	}
	return names
}

// run simulates every case under the arrivals.
func (j *judge) run(ctx context.Context, arrivals string) (map[string]report.FitServed, error) {
	out := map[string]report.FitServed{}
	for i := range j.cases {
		o, err := j.cases[i].run(ctx, arrivals, j.spanS)
		if err != nil {
			return nil, err
		}
		out[j.cases[i].name] = o
	}
	return out, nil
}

func (k *judgeCase) run(ctx context.Context, arrivals string, spanS float64) (report.FitServed, error) {
	options := k.options
	options.Set = append(options.Set[:len(options.Set):len(options.Set)],
		scenarios.Override{Key: k.key, Value: arrivals, Source: "fit"})
	if k.horizon {
		options.Set = append(options.Set, scenarios.Override{Key: "horizon", Value: fmt.Sprintf("%.9f",
			spanS),
			Source: "fit"})
	}
	scenario, ds := k.document.Scenario(options)
	if scenario == nil {
		return report.FitServed{}, usage(ds)
	}
	r, err := experiment.Run(ctx, scenario, experiment.Options{})
	if ctx.Err() != nil {
		return report.FitServed{}, &exitError{exitInterrupted,
			errors.New("interrupted before all workloads were simulated")}
	}
	if err != nil {
		return report.FitServed{}, failed(err)
	}
	m := r.Functions[k.function]
	value := func(e experiment.Estimate) float64 {
		if e.Value == nil {
			return 0
		}
		return *e.Value
	}
	o := report.FitServed{P50S: value(m.LatencyS.P50), P99S: value(m.LatencyS.P99)}
	if m.CostUSD != nil {
		o.CostUSD = value(m.CostUSD.Total)
	}
	return o, nil
}
