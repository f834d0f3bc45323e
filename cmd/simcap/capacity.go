package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/report"
)

// capacityFlags are what `simcap capacity` can be told.
type capacityFlags struct {
	scenario  scenarioFlags
	gpus      []string
	function  string
	variants  []string
	workloads []string
	ignore    []string
	precision float64
	out       string
	json      bool
	force     bool
	workers   int
	pictures  pictureFlags
}

func newCapacityCommand() *cobra.Command {
	var flags capacityFlags
	cmd := &cobra.Command{
		Use:   "capacity FILE|EXAMPLE|-",
		Short: "Find the highest arrival rate that keeps the slo",
		Long: "Capacity scales the arrivals of a scenario, all workloads by one factor, until an slo is\n" +
			"missed: it doubles the rate, then bisects. The shape of the traffic stays. It prints the\n" +
			"highest rate that keeps every slo, with an interval from the highest rate that surely keeps\n" +
			"them to the lowest that surely misses one, and what is missed first beyond it.\n\n" +
			"--gpu L40S,H100 searches for each GPU type: prices follow, service times are those of the\n" +
			"file. Where they differ, say so in variants, whose settings are separated by semicolons:\n" +
			"--variant 'functions.f.gpu=H100; functions.f.service.profile=h100.yaml'.",
		Example: "  simcap capacity embeddings --ignore cost.per_hour\n" +
			"  simcap capacity my.yaml --workload web --precision 1%\n" +
			"  simcap capacity my.yaml --variant functions.embed.max_containers=10 \\\n" +
			"      --variant functions.embed.max_containers=20",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeScenario,
		RunE:              func(cmd *cobra.Command, args []string) error { return flags.run(cmd, args[0]) },
	}
	flags.scenario.add(cmd)
	flags.pictures.add(cmd)
	f := cmd.Flags()
	f.StringSliceVar(&flags.gpus, "gpu", nil, "search for each of these GPU types, for example L40S,H100")
	f.StringVar(&flags.function, "function", "", "function whose GPU --gpu sets (default: all that have one)")
	f.StringArrayVar(&flags.variants, "variant", nil,
		"search with these settings too, separated by semicolons (may be repeated)")
	f.StringArrayVar(&flags.workloads, "workload", nil,
		"scale this workload only (may be repeated; default: all)")
	f.StringArrayVar(&flags.ignore, "ignore", nil,
		"an slo metric that does not count, for example cost.per_hour (may be repeated)")
	f.Var(&percentage{&flags.precision}, "precision", "relative width at which the search ends")
	f.StringVarP(&flags.out, "out", "o", "", "folder for results (default simcap-out/SCENARIO-capacity)")
	f.BoolVar(&flags.json, "json", false, "print the result as JSON; writes a folder only with --out")
	f.BoolVar(&flags.force, "force", false, "write into a folder that is not simcap's own")
	f.IntVar(&flags.workers, "workers", 0, "replications at one time (default: one per core)")
	cmd.RegisterFlagCompletionFunc("variant", completeSetting)
	return cmd
}

// interruptedCapacity says what became of a search that was interrupted.
func interruptedCapacity(c *experiment.Capacity) error {
	if len(c.Searches) == 0 {
		return errors.New("interrupted before anything was finished")
	}
	rates := 0
	for i := range c.Searches {
		rates += len(c.Searches[i].Steps)
	}
	return fmt.Errorf("interrupted after %s; what was finished is kept", count(rates, "rate"))
}

// percentage is a flag like 2% or 0.02.
type percentage struct{ to *float64 }

func (p *percentage) String() string { return "2%" }

func (p *percentage) Type() string { return "share" }

func (p *percentage) Set(text string) error {
	number, percent := strings.CutSuffix(strings.TrimSpace(text), "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if percent {
		v /= 100
	}
	if err != nil || !(v >= 0.0001 && v <= 1) {
		return fmt.Errorf("%q is not a share from 0.01%% to 100%%", text)
	}
	*p.to = v
	return nil
}

func (f *capacityFlags) run(cmd *cobra.Command, argument string) error {
	if f.workers < 0 {
		return usagef("--workers: must not be negative")
	}
	pictures, err := f.pictures.options()
	if err != nil {
		return err
	}
	for _, name := range f.ignore {
		if err := checkMetric("--ignore", name); err != nil {
			return err
		}
	}
	src, err := f.scenario.load(cmd, argument)
	if err != nil {
		return err
	}
	points, err := f.points(src.scenario)
	if err != nil {
		return err
	}
	out := f.out
	if out == "" && !f.json {
		out = defaultFolder(src.scenario.Name, "capacity")
	}
	claimed, err := claimFolder(out, f.force, "capacity search", "capacity.json")
	if err != nil {
		return err
	}
	defer claimed.release()
	c := &experiment.Capacity{Simcap: version(), Scenario: src.scenario.Name, Seed: src.scenario.Seed,
		Workloads: f.workloads, Searches: []experiment.CapacitySearch{}}
	if c.Workloads == nil {
		c.Workloads = experiment.Scalable(src.scenario)
	}
	interrupted := false
	for _, p := range points {
		search, err := f.search(cmd, src, p)
		if err != nil && cmd.Context().Err() != nil {
			interrupted = true
			if search.Interrupted && len(search.Steps) > 0 {
				c.Searches = append(c.Searches, search)
			}
			break
		}
		if err != nil {
			return err
		}
		c.Searches = append(c.Searches, search)
	}
	if interrupted && len(c.Searches) == 0 {
		return &exitError{exitInterrupted, interruptedCapacity(c)}
	}
	if err := f.deliver(cmd, c, out, pictures); err != nil {
		return failed(err)
	}
	if interrupted {
		return &exitError{exitInterrupted, interruptedCapacity(c)}
	}
	if !slices.ContainsFunc(c.Searches, func(s experiment.CapacitySearch) bool {
		return s.RatePerS.Value != nil
	}) {
		if c.Searches[0].Error != "" {
			return &exitError{code: exitFailed}
		}
		return &exitError{code: exitSLO}
	}
	return nil
}

// points are the variants that are searched.
func (f *capacityFlags) points(s *experiment.Scenario) ([]experiment.Point, error) {
	var points []experiment.Point
	for _, gpu := range f.gpus {
		var p experiment.Point
		for i := range s.Model.Functions {
			of := &s.Model.Functions[i]
			if f.function == of.Name || f.function == "" && of.GPUs > 0 {
				p = append(p, experiment.Setting{Key: "functions." + of.Name + ".gpu", Value: gpu})
			}
		}
		if len(p) == 0 && f.function != "" {
			return nil, usagef("--function: %s has no function %q", s.Name, f.function)
		}
		if len(p) == 0 {
			return nil, usagef("--gpu: no function of %s has a GPU", s.Name)
		}
		points = append(points, p)
	}
	for _, text := range f.variants {
		p, err := parseVariant("--variant", text)
		if err != nil {
			return nil, err
		}
		points = append(points, p)
	}
	if len(points) == 0 {
		points = []experiment.Point{nil}
	}
	return points, nil
}

// search searches one variant.
func (f *capacityFlags) search(cmd *cobra.Command, src *source, p experiment.Point) (
	experiment.CapacitySearch, error) {
	s, err := src.with(p)
	if err != nil {
		return experiment.CapacitySearch{}, err
	}
	if r := &s.Replications; max(r.Min, r.Max) <= 1 && f.scenario.replications == "" {
		r.Min, r.Max = usualReplications, usualReplications
	}
	line := newProgress(cmd, f.scenario.quiet)
	search, err := experiment.FindCapacity(cmd.Context(), s, experiment.CapacityOptions{Workers: f.workers,
		Version: version(), Workloads: f.workloads, Ignore: f.ignore, Precision: f.precision,
		Progress: line.capacityCallback(pointName(p))})
	line.clear()
	search.Variant = p
	if search.Variant == nil {
		search.Variant = experiment.Point{}
	}
	if err != nil {
		return search, usage(err)
	}
	return search, nil
}

// deliver writes the folder, and prints the summary or the JSON.
func (f *capacityFlags) deliver(cmd *cobra.Command, c *experiment.Capacity, out string,
	pictures report.Options) error {
	if out != "" {
		if err := report.WriteCapacity(out, c, pictures); err != nil {
			return err
		}
	}
	w := cmd.OutOrStdout()
	switch {
	case f.json:
		return report.CapacityJSON(w, c)
	case f.scenario.quiet:
		return nil
	}
	return report.CapacityTerminal(w, c, report.TerminalOptions{Width: terminalWidth(w),
		Color: wantsColor(cmd, w), OutDir: out})
}
