package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/report"
	"github.com/simcap/simcap/scenarios"
)

// Files of a sweep's folder.
const (
	journalFile = "results.jsonl"
	sweepFile   = "sweep.json"
)

// sweepFlags are what `simcap sweep` can be told.
type sweepFlags struct {
	scenario scenarioFlags
	vary     []string
	out      string
	resume   bool
	force    bool
	shard    string
	json     bool
	workers  int
	pictures pictureFlags
	cost     string
	latency  string
	function string
}

func newSweepCommand() *cobra.Command {
	var flags sweepFlags
	cmd := &cobra.Command{
		Use:   "sweep FILE|EXAMPLE|-",
		Short: "Simulate a scenario at every point of a grid of settings",
		Long: "Sweep simulates a scenario with every combination of the values of some keys: those of its\n" +
			"`sweep:` section, or of --vary. Any key can vary, the rate of a workload and the platform\n" +
			"included. All points meet the same arrivals and demands, so that they differ by their\n" +
			"settings alone.\n\n" +
			"It prints a table from the cheapest point to the dearest, and writes sweep.json, sweep.csv,\n" +
			"sweep.parquet, pictures and report.html to a folder. Every finished replication is kept\n" +
			"there at once: --resume goes on with a sweep that was interrupted, and repeats nothing.\n" +
			"--shard 3/16 simulates a share of the points, for the array jobs of a cluster; `simcap merge`\n" +
			"joins the shares.\n\n" +
			"Exit codes: those of `simcap run`; 3 says that no point keeps the slo.",
		Example: "  simcap sweep embeddings\n" +
			"  simcap sweep my.yaml --vary functions.embed.min_containers=0..8,step=2 \\\n" +
			"      --vary workloads.web.arrivals.rate=10/s,20/s,40/s\n" +
			"  simcap sweep my.yaml --shard 3/16 --resume --out shares/3",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeScenario,
		RunE:              func(cmd *cobra.Command, args []string) error { return flags.run(cmd, args[0]) },
	}
	flags.scenario.add(cmd)
	flags.pictures.add(cmd)
	f := cmd.Flags()
	f.StringArrayVar(&flags.vary, "vary", nil,
		"a key and its values, K=1,2,4 or K=0..8,step=2 (may be repeated; instead of the file's grid)")
	f.StringVarP(&flags.out, "out", "o", "", "folder for results (default simcap-out/SCENARIO-sweep)")
	f.BoolVar(&flags.resume, "resume", false, "go on with the sweep that the folder holds")
	f.BoolVar(&flags.force, "force", false, "throw away the sweep that the folder holds")
	f.StringVar(&flags.shard, "shard", "", "simulate one share of the points, for example 3/16")
	f.BoolVar(&flags.json, "json", false, "print the sweep as JSON; writes a folder only with --out")
	f.IntVar(&flags.workers, "workers", 0, "replications at one time (default: one per core)")
	f.StringVar(&flags.cost, "cost", "", "metric that is called cost (default cost.per_hour)")
	f.StringVar(&flags.latency, "latency", "", "metric that is called latency (default: that of the slo)")
	f.StringVar(&flags.function, "function", "",
		"function whose latency it is (default: that which the slo names, else all)")
	cmd.RegisterFlagCompletionFunc("vary", completeSetting)
	for _, name := range []string{"cost", "latency"} {
		cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(experiment.MetricNames(),
			cobra.ShellCompDirectiveNoFileComp))
	}
	return cmd
}

// parseShard reads 3/16.
func parseShard(text string) (experiment.Shard, error) {
	var s experiment.Shard
	if text == "" {
		return s, nil
	}
	index, of, ok := strings.Cut(text, "/")
	var err1, err2 error
	s.Index, err1 = strconv.Atoi(index)
	s.Count, err2 = strconv.Atoi(of)
	if !ok || err1 != nil || err2 != nil || s.Count < 1 || s.Index < 1 || s.Index > s.Count {
		return s, usagef("--shard: %q is not a share like 3/16, counted from 1", text)
	}
	return s, nil
}

// checkMetric says which metric was meant.
func checkMetric(flag, name string) error {
	if name == "" || slices.Contains(experiment.MetricNames(), name) {
		return nil
	}
	if near := scenarios.Nearest(name, experiment.MetricNames()); near != "" {
		return usagef("%s: there is no metric %q; did you mean %q?", flag, name, near)
	}
	return usagef("%s: there is no metric %q; there are %s", flag, name,
		strings.Join(experiment.MetricNames(), ", "))
}

// run simulates the grid and hands the results out.
func (f *sweepFlags) run(cmd *cobra.Command, argument string) error {
	shard, err := parseShard(f.shard)
	if err != nil {
		return err
	}
	if _, err := f.pictures.options(); err != nil {
		return err
	}
	if f.workers < 0 {
		return usagef("--workers: must not be negative")
	}
	if f.resume && f.force {
		return usagef("--resume keeps what the folder holds, and --force throws it away")
	}
	if err := errors.Join(checkMetric("--cost", f.cost), checkMetric("--latency", f.latency)); err != nil {
		return usage(err)
	}
	grid, err := axes("--vary", "sweep", f.vary)
	if err != nil {
		return err
	}
	src, err := f.scenario.loadWith(cmd, argument, grid)
	if err != nil {
		return err
	}
	if len(src.scenario.Sweep) == 0 {
		return usagef("%s has no `sweep:`; name what shall vary, for example --vary "+
			"functions.%s.min_containers=0..4", src.scenario.Name, src.scenario.Model.Functions[0].Name)
	}
	if f.function != "" && !hasFunction(src.scenario, f.function) {
		return usagef("--function: %s has no function %q", src.scenario.Name, f.function)
	}
	if err := experiment.CheckGrid(src.scenario.Sweep); err != nil {
		return usage(err)
	}
	out := f.out
	if out == "" && !f.json {
		out = defaultFolder(src.scenario.Name, "sweep")
		if shard.Count > 0 {
			out += fmt.Sprintf("-%d-of-%d", shard.Index, shard.Count)
		}
	}
	claimed, err := claimFolder(out, f.force || f.resume, "sweep", sweepFile, journalFile)
	if err != nil {
		return err
	}
	defer claimed.release()
	journal, err := f.openJournal(out)
	if err != nil {
		return err
	}
	line := newProgress(cmd, f.scenario.quiet)
	draw := line.sweepCallback()
	var state experiment.SweepProgress
	sweep, err := experiment.RunSweep(cmd.Context(), src.scenario.Sweep, src.builder(),
		experiment.SweepOptions{Workers: f.workers, Version: version(), Journal: journal, Shard: shard,
			Progress: func(p experiment.SweepProgress) {
				if state = p; draw != nil {
					draw(p)
				}
			}, Cost: f.cost, Latency: f.latency, Function: f.function})
	line.clear()
	if journal != nil && journal.Found() > 0 && !f.scenario.quiet {
		fmt.Fprintln(cmd.ErrOrStderr(), resumed(state, journal.Found(), out))
	}
	return f.finish(cmd, sweep, out, err, journal)
}

// resumed says what a journal was good for.
func resumed(state experiment.SweepProgress, found int, out string) string {
	if state.Kept == 0 {
		return fmt.Sprintf("simcap: none of the %s in %s is of this scenario, seed and version: all were "+
			"simulated", count(found, "replication"), out)
	}
	return fmt.Sprintf("simcap: %s in %s were used, %d more simulated", count(state.Kept, "replication"), out,
		state.Trials)
}

// finish hands out what there is of a sweep, whole or interrupted.
func (f *sweepFlags) finish(cmd *cobra.Command, sweep *experiment.Sweep, out string, err error,
	journal *experiment.Journal) error {
	interrupted := err != nil && cmd.Context().Err() != nil
	if journal != nil {
		if err != nil && journal.Empty() { // or the next try would have to ask for --force
			os.Remove(filepath.Join(out, journalFile))
		}
		if closing := journal.Close(); closing != nil && (err == nil || interrupted) {
			return failed(closing)
		}
	}
	if err != nil && !interrupted {
		if sweep == nil || len(sweep.Points) == 0 || noneRan(sweep) {
			return usage(err)
		}
		return failed(err)
	}
	if interrupted && (sweep == nil || len(sweep.Points) == 0) {
		return &exitError{exitInterrupted, errors.New(beforeAnyPoint(journal))}
	}
	if err := f.deliver(cmd, sweep, out); err != nil {
		return failed(err)
	}
	if interrupted {
		text := fmt.Sprintf("interrupted after %d of %s", len(sweep.Points), count(sweep.Planned, "point"))
		if out != "" {
			text += "; what was finished is kept, and --resume goes on with it"
		}
		return &exitError{exitInterrupted, errors.New(text)}
	}
	if !keepsSLO(sweep) {
		return &exitError{code: exitSLO}
	}
	return nil
}

// beforeAnyPoint says what there is of a sweep that was interrupted before a point was finished.
func beforeAnyPoint(journal *experiment.Journal) string {
	const text = "interrupted before any point was finished"
	if journal == nil || journal.Empty() {
		return text + "; there is nothing to show or to keep"
	}
	return text + "; the replications that were finished are kept, and --resume goes on with it"
}

func noneRan(s *experiment.Sweep) bool {
	return !slices.ContainsFunc(s.Points, func(p experiment.SweepPoint) bool { return p.Result != nil })
}

// keepsSLO says whether some point keeps the objectives, or may, or there are none.
func keepsSLO(s *experiment.Sweep) bool {
	return len(s.Points) == 0 || slices.ContainsFunc(s.Points, func(p experiment.SweepPoint) bool {
		return p.Verdict == experiment.Kept || p.Verdict == experiment.NoSLO ||
			p.Verdict == experiment.Undecided
	})
}

func hasFunction(s *experiment.Scenario, name string) bool {
	for i := range s.Model.Functions {
		if s.Model.Functions[i].Name == name {
			return true
		}
	}
	return false
}

// openJournal opens the folder's journal; nil without a folder.
func (f *sweepFlags) openJournal(out string) (*experiment.Journal, error) {
	if out == "" {
		return nil, nil
	}
	name := filepath.Join(out, journalFile)
	if f.force {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, failed(err)
		}
	}
	journal, err := experiment.OpenJournal(name, f.resume)
	if errors.Is(err, fs.ErrExist) {
		return nil, usagef("--out: %s holds a sweep already: --resume goes on with it, --force throws it "+
			"away, --out names another folder", out)
	}
	if err != nil {
		return nil, usagef("--out: %w", err)
	}
	return journal, nil
}

// deliver writes the folder, and prints the summary or the JSON.
func (f *sweepFlags) deliver(cmd *cobra.Command, sweep *experiment.Sweep, out string) error {
	if out != "" {
		pictures, err := f.pictures.options()
		if err != nil {
			return err
		}
		if err := report.WriteSweep(out, sweep, pictures); err != nil {
			return err
		}
	}
	w := cmd.OutOrStdout()
	switch {
	case f.json:
		return report.SweepJSON(w, sweep)
	case f.scenario.quiet:
		return nil
	}
	return report.SweepTerminal(w, sweep, report.TerminalOptions{
		Width: terminalWidth(w), Color: wantsColor(cmd, w), OutDir: out})
}

// builder makes the scenario of a point: the file with the point's settings on top of the command
// line's.
func (s *source) builder() experiment.Builder {
	return func(p experiment.Point) (*experiment.Scenario, error) {
		options := s.options
		options.Point = true
		options.Set = slices.Clone(s.options.Set)
		for _, setting := range p {
			options.Set = append(options.Set, scenarios.Override{Key: setting.Key, Value: setting.Value,
				Source: "point"})
		}
		scenario, ds := s.document.Scenario(options)
		if scenario != nil {
			return scenario, nil
		}
		for _, d := range ds {
			if d.Severity == scenarios.Error {
				if d.Path != "" {
					return nil, fmt.Errorf("%s: %s", d.Path, d.Message)
				}
				return nil, errors.New(d.Message)
			}
		}
		return nil, context.Canceled
	}
}
