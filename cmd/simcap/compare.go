package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/report"
	"github.com/simcap/simcap/scenarios"
)

// compareFlags are what `simcap compare` can be told.
type compareFlags struct {
	scenario scenarioFlags
	out      string
	json     bool
	force    bool
	workers  int
	pictures pictureFlags
}

// usualReplications is how many replications a command makes that lives from intervals, where the file
// asks for one.
const usualReplications = 8

func newCompareCommand() *cobra.Command {
	var flags compareFlags
	cmd := &cobra.Command{
		Use:   "compare FILE|EXAMPLE [FILE|EXAMPLE...]",
		Short: "Compare scenarios, or variants of one, under the same arrivals",
		Long: "Compare simulates several scenarios and says in what they differ from the first: cost,\n" +
			"latency and what it is made of. With one file every --set is a variant that is compared\n" +
			"with the file as it is; settings that belong together are separated by semicolons. With\n" +
			"several files --set changes all of them.\n\n" +
			"Replication n of every system meets the same arrivals and demands, and differences are\n" +
			"taken pair by pair: that tells small differences from noise (~) with few replications.\n" +
			"Where the file asks for one replication, eight are made.\n\n" +
			"It writes compare.json, compare.csv, report.html and pictures to a folder.",
		Example: "  simcap compare embeddings --set functions.embed.min_containers=1 \\\n" +
			"      --set 'functions.embed.min_containers=2; functions.embed.cpu=1'\n" +
			"  simcap compare a.yaml b.yaml c.yaml --replications 16",
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: completeScenario,
		RunE:              func(cmd *cobra.Command, args []string) error { return flags.run(cmd, args) },
	}
	flags.scenario.add(cmd)
	flags.pictures.add(cmd)
	f := cmd.Flags()
	f.StringVarP(&flags.out, "out", "o", "", "folder for results (default simcap-out/SCENARIO-compare)")
	f.BoolVar(&flags.json, "json", false, "print the comparison as JSON; writes a folder only with --out")
	f.BoolVar(&flags.force, "force", false, "write into a folder that is not simcap's own")
	f.IntVar(&flags.workers, "workers", 0, "replications at one time (default: one per core)")
	return cmd
}

func (f *compareFlags) run(cmd *cobra.Command, args []string) error {
	if f.workers < 0 {
		return usagef("--workers: must not be negative")
	}
	pictures, err := f.pictures.options()
	if err != nil {
		return err
	}
	contenders, err := f.contenders(cmd, args)
	if err != nil {
		return err
	}
	if r := &contenders[0].Scenario.Replications; max(r.Min, r.Max) <= 1 && f.scenario.replications == "" {
		r.Min, r.Max = usualReplications, usualReplications
	}
	out := f.out
	if out == "" && !f.json {
		out = defaultFolder(contenders[0].Scenario.Name, "compare")
	}
	claimed, err := claimFolder(out, f.force, "comparison", "compare.json")
	if err != nil {
		return err
	}
	defer claimed.release()
	line := newProgress(cmd, f.scenario.quiet)
	c, err := experiment.Compare(cmd.Context(), contenders, experiment.Options{Workers: f.workers,
		Detail: out != "", Progress: line.callback(), Version: version()})
	line.clear()
	interrupted := err != nil && cmd.Context().Err() != nil
	switch {
	case interrupted && c == nil:
		return &exitError{exitInterrupted,
			errors.New("interrupted before any pair of replications was finished")}
	case err != nil && !interrupted:
		return failed(err)
	}
	if err := f.deliver(cmd, c, out, pictures); err != nil {
		return failed(err)
	}
	if interrupted {
		return &exitError{exitInterrupted, fmt.Errorf("interrupted after %s of every system, which are kept",
			count(c.Replications, "replication"))}
	}
	return nil
}

// deliver writes the folder, and prints the summary or the JSON.
func (f *compareFlags) deliver(cmd *cobra.Command, c *experiment.Comparison, out string,
	pictures report.Options) error {
	if out != "" {
		if err := report.WriteCompare(out, c, pictures); err != nil {
			return err
		}
	}
	w := cmd.OutOrStdout()
	switch {
	case f.json:
		return report.ComparisonJSON(w, c)
	case f.scenario.quiet:
		return nil
	}
	return report.ComparisonTerminal(w, c, report.TerminalOptions{Width: terminalWidth(w),
		Color: wantsColor(cmd, w), OutDir: out})
}

// contenders are the systems that the command line names.
func (f *compareFlags) contenders(cmd *cobra.Command, args []string) ([]experiment.Contender, error) {
	if len(args) == 1 {
		return f.variants(cmd, args[0])
	}
	if len(args) > 26 {
		return nil, usagef("at most 26 systems can be compared")
	}
	var out []experiment.Contender
	taken := map[string]int{}
	for i, name := range args {
		src, err := f.scenario.load(cmd, name)
		if err != nil {
			return nil, err
		}
		if i > 0 && name == "-" {
			return nil, usagef("standard input can be the first file only")
		}
		label := src.scenario.Name
		if taken[label]++; taken[label] > 1 {
			label = fmt.Sprintf("%s (%s)", label, name)
		}
		out = append(out, experiment.Contender{Name: label, Scenario: src.scenario})
	}
	return out, nil
}

// variants are the file as it is, and one system for each --set.
func (f *compareFlags) variants(cmd *cobra.Command, argument string) ([]experiment.Contender, error) {
	plain := f.scenario
	plain.set = nil
	src, err := plain.load(cmd, argument)
	if err != nil {
		return nil, err
	}
	if len(f.scenario.set) == 0 {
		return nil, usagef("one file is compared with variants of it: name some, for example --set " +
			"functions.embed.min_containers=2, or a second file")
	}
	if len(f.scenario.set) > 25 {
		return nil, usagef("at most 26 systems can be compared")
	}
	out := []experiment.Contender{{Name: src.scenario.Name, Scenario: src.scenario}}
	seen := map[string]bool{}
	for _, text := range f.scenario.set {
		point, err := parseVariant("--set", text)
		if err != nil {
			return nil, err
		}
		if seen[point.String()] {
			return nil, usagef("--set: %s is there twice", text)
		}
		seen[point.String()] = true
		s, err := src.with(point)
		if err != nil {
			return nil, err
		}
		out = append(out, experiment.Contender{Name: pointName(point), Point: point, Scenario: s})
	}
	return out, nil
}

// parseVariant reads settings separated by semicolons.
func parseVariant(flag, text string) (experiment.Point, error) {
	var point experiment.Point
	for _, part := range strings.Split(text, ";") {
		if strings.TrimSpace(part) == "" {
			continue
		}
		o, err := scenarios.ParseOverride(part)
		if err != nil {
			return nil, usagef("%s: %w", flag, err)
		}
		point = append(point, experiment.Setting{Key: o.Key, Value: strings.TrimSpace(o.Value)})
	}
	if len(point) == 0 {
		return nil, usagef("%s: %q sets nothing", flag, text)
	}
	return point, nil
}

// pointName is a variant's settings without the names of functions and sections before the keys.
func pointName(p experiment.Point) string {
	parts := make([]string, len(p))
	for i, s := range p {
		parts[i] = strings.TrimPrefix(s.Key, "functions.") + "=" + s.Value
	}
	return strings.Join(parts, "; ")
}

// with is the scenario with a variant's settings on top, and all diagnostics where it is none.
func (s *source) with(p experiment.Point) (*experiment.Scenario, error) {
	options := s.options
	options.Set = append([]scenarios.Override(nil), s.options.Set...)
	for _, setting := range p {
		options.Set = append(options.Set, scenarios.Override{Key: setting.Key, Value: setting.Value})
	}
	scenario, ds := s.document.Scenario(options)
	if scenario == nil {
		return nil, usage(ds)
	}
	return scenario, nil
}
