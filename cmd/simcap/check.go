package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/simcap/simcap/scenarios"
)

func newCheckCommand() *cobra.Command {
	var flags scenarioFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check FILE|EXAMPLE|-",
		Short: "Check a scenario file and say all that is wrong with it",
		Long: "Check reads a scenario as a run would, with its traces and profiles, and says all that is\n" +
			"wrong, each with its line and a way out. Nothing is run. The exit code is 0 for a good\n" +
			"file and 2 for any other.",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeScenario,
		RunE: func(cmd *cobra.Command, args []string) error {
			if asJSON {
				return checkJSON(cmd, args[0], &flags)
			}
			s, err := flags.load(cmd, args[0])
			if err != nil {
				return err
			}
			m := &s.scenario.Model
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: good: %s, %s, %s\n", s.scenario.Name,
				count(len(m.Functions), "function"), count(len(m.Workloads), "workload"),
				count(len(s.scenario.SLO), "objective"))
			return err
		},
	}
	flags.add(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the diagnostics as a JSON list")
	return cmd
}

// checkJSON prints the diagnostics as JSON, for editors and CI.
func checkJSON(cmd *cobra.Command, argument string, flags *scenarioFlags) error {
	overrides, err := flags.overrides()
	if err != nil {
		return err
	}
	s, ds := open(cmd, argument)
	if s != nil {
		s.options.Set = overrides
		_, ds = s.document.Scenario(s.options)
	}
	if ds == nil {
		ds = scenarios.Diagnostics{}
	}
	text, err := json.MarshalIndent(ds, "", "  ")
	if err != nil {
		return failed(err)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s\n", text)
	if ds.Failed() {
		return &exitError{code: exitUsage}
	}
	return nil
}

// count writes a number of things.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
