package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/simcap/simcap/scenarios"
)

func newExamplesCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "examples [EXAMPLE]",
		Short: "List the scenarios that come with simcap, or print one",
		Args:  cobra.MaximumNArgs(1),
		ValidArgsFunction: func(cmd *cobra.Command, args []string, to string) ([]string,
			cobra.ShellCompDirective) {
			names, _ := completeScenario(cmd, args, to)
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			out := cmd.OutOrStdout()
			if len(args) == 1 {
				e, err := findExample(args[0])
				if err != nil {
					return err
				}
				_, err = out.Write(e.Text)
				return err
			}
			widest := 0
			for _, e := range scenarios.Examples() {
				widest = max(widest, len(e.Name))
			}
			for _, e := range scenarios.Examples() {
				fmt.Fprintf(out, "%-*s  %s\n", widest, e.Name, e.Question)
			}
			fmt.Fprintf(out,
				"\n`simcap run %[1]s` runs one, `simcap init %[1]s` writes it to a file.\n",
				scenarios.Examples()[0].Name)
			return nil
		},
	}
}

// findExample is the example of the name; the error says which one was meant.
func findExample(name string) (scenarios.Example, error) {
	e, ok := scenarios.FindExample(name)
	if !ok {
		return e, usagef("there is no example %q; %s", name, exampleHelp(name))
	}
	return e, nil
}
