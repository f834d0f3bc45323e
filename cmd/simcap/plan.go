package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/experiment/plan"
	"github.com/simcap/simcap/report"
)

// planFile is the file by which a plan's folder is known.
const planFile = "plan.json"

// planFlags are what `simcap plan` can be told.
type planFlags struct {
	scenario      scenarioFlags
	search        []string
	budget        time.Duration
	out           string
	json          bool
	force         bool
	workers       int
	noSensitivity bool
	pictures      pictureFlags
}

func newPlanCommand() *cobra.Command {
	var flags planFlags
	cmd := &cobra.Command{
		Use:   "plan FILE|EXAMPLE|-",
		Short: "Find the cheapest settings that keep every slo",
		Long: "Plan searches the settings named in the scenario's `plan.search`, or by --search, for the\n" +
			"cheapest that keep every slo with 95 % confidence. It says how sure that is, what to paste\n" +
			"into the code, what it saves against today's settings, which slo binds, what one step to\n" +
			"either side would change, and how the answer moves when traffic or cold starts double.\n\n" +
			"--budget bounds how long it takes, and how much is simulated: the same budget gives the same\n" +
			"answer on any machine that is not too slow for it, and says so where the machine was.\n" +
			"It prints a summary, and writes plan.json, plan.csv, pictures and report.html to a folder.\n\n" +
			"Exit codes: those of `simcap run`; 3 says that no setting keeps the slo.",
		Example: "  simcap plan embeddings\n" +
			"  simcap plan my.yaml --search functions.embed.min_containers=0..8 \\\n" +
			"      --search functions.embed.scaledown_window=10s,60s,5m\n" +
			"  simcap plan my.yaml --budget 5m --json | jq .best.settings",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeScenario,
		RunE:              func(cmd *cobra.Command, args []string) error { return flags.run(cmd, args[0]) },
	}
	flags.scenario.add(cmd)
	cmd.Flags().MarkHidden("replications") // which is refused, with the reason
	f := cmd.Flags()
	f.StringArrayVar(&flags.search, "search", nil,
		"a key and its values, K=1,2,4 or K=0..8,step=2 (may be repeated; instead of the file's space)")
	f.DurationVar(&flags.budget, "budget", plan.DefaultBudget, "how long it may take")
	f.StringVarP(&flags.out, "out", "o", "", "folder for results (default simcap-out/SCENARIO-plan)")
	f.BoolVar(&flags.json, "json", false, "print the plan as JSON; writes a folder only with --out")
	f.BoolVar(&flags.force, "force", false,
		"plan with profiles that were not measured; overwrite a folder that is not a plan's")
	f.IntVar(&flags.workers, "workers", 0, "replications at one time (default: one per core)")
	f.BoolVar(&flags.noSensitivity, "no-sensitivity", false, "do not ask how the answer moves")
	flags.pictures.add(cmd)
	cmd.RegisterFlagCompletionFunc("search", completeSetting)
	return cmd
}

// run plans what the argument names and hands the answer out.
func (f *planFlags) run(cmd *cobra.Command, argument string) error {
	begun := time.Now()
	if f.workers < 0 {
		return usagef("--workers: must not be negative")
	}
	if f.budget < time.Second {
		return usagef("--budget: %v is too short; a second is the least", f.budget)
	}
	if f.scenario.replications != "" {
		return usagef("--replications: a plan gives every setting as many as it needs; --budget bounds " +
			"them all")
	}
	pictures, err := f.pictures.options()
	if err != nil {
		return err
	}
	space, err := axes("--search", "plan.search", f.search)
	if err != nil {
		return err
	}
	src, err := f.scenario.loadWith(cmd, argument, space)
	if err != nil {
		return err
	}
	if err := f.plannable(src.scenario); err != nil {
		return err
	}
	out := f.out
	if out == "" && !f.json {
		out = defaultFolder(src.scenario.Name, "plan")
	}
	claimed, err := claimFolder(out, f.force, "plan", planFile)
	if err != nil {
		return err
	}
	defer claimed.release()
	line := newProgress(cmd, f.scenario.quiet)
	result, err := plan.Find(cmd.Context(), src.scenario.PlanSearch, src.builder(), plan.Options{
		Budget: f.budget, Begun: begun, NoVariants: f.noSensitivity, Workers: f.workers, Version: version(),
		Progress: line.planCallback()})
	line.clear()
	if err != nil {
		return f.refused(cmd, err)
	}
	return f.deliver(cmd, result, out, pictures)
}

// plannable says why a scenario cannot be planned as it stands.
func (f *planFlags) plannable(s *experiment.Scenario) error {
	if len(s.PlanSearch) == 0 {
		return usagef("%s has no `plan.search`; name what may change, for example --search "+
			"functions.%s.min_containers=0..4 --search functions.%[2]s.scaledown_window=10s,60s,5m", s.Name,
			s.Model.Functions[0].Name)
	}
	if s.Synthetic && !f.force {
		return usagef("%s uses a profile that was not measured on hardware, and a plan on invented times is "+
			"worth nothing: measure one with `simcap calibrate`, or use --force to see a plan anyway", s.Name)
	}
	return nil
}

// refused is the error of a plan that gave no result.
func (f *planFlags) refused(cmd *cobra.Command, err error) error {
	var question *plan.QuestionError
	switch {
	case errors.As(err, &question):
		return usage(err)
	case cmd.Context().Err() != nil:
		return &exitError{exitInterrupted, errors.New("interrupted before anything was finished")}
	case errors.Is(err, context.DeadlineExceeded):
		return failed(fmt.Errorf("--budget: nothing could be simulated in %v", f.budget))
	}
	return failed(err)
}

// deliver writes the folder, and prints the summary or the JSON.
func (f *planFlags) deliver(cmd *cobra.Command, result *plan.Result, out string,
	pictures report.Options) error {
	if out != "" {
		if err := report.WritePlan(out, result, pictures); err != nil {
			return failed(err)
		}
	}
	w := cmd.OutOrStdout()
	var err error
	switch {
	case f.json:
		err = report.PlanJSON(w, result)
	case !f.scenario.quiet:
		err = report.PlanTerminal(w, result, report.TerminalOptions{
			Width: terminalWidth(w), Color: wantsColor(cmd, w), OutDir: out})
	}
	if err != nil {
		return failed(err)
	}
	if result.Stopped == plan.Interrupted {
		return &exitError{exitInterrupted, fmt.Errorf("interrupted after %s of %s; the best so far is kept",
			count(result.Space.Replications, "replication"), count(result.Space.Simulated, "setting"))}
	}
	if !result.Kept {
		return &exitError{code: exitSLO}
	}
	return nil
}

// planCallback is what a plan is told to call; nil where there is nothing to draw on.
func (p *progress) planCallback() func(plan.Progress) {
	if p.out == nil {
		return nil
	}
	return func(state plan.Progress) {
		p.drawText(func(spent time.Duration) string {
			return fmt.Sprintf("%s %3.0f %%  %s: %s, %s replications, %s", progressBar(state.Done),
				100*state.Done, state.Phase, count(state.Settings, "setting"),
				grouped(int64(state.Replications)), spent.Round(time.Second))
		})
	}
}
