package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/simcap/simcap/scenarios"
)

func newExplainCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "explain [KEY]",
		Short: "Say what a key of a scenario means, its default and range",
		Long: "Explain prints the meaning of a key: a dotted one (functions.embed.batched.wait_ms), the\n" +
			"end of one (wait_ms), a section (batched), or a kind of arrivals or distribution (mmpp,\n" +
			"lognormal). Without a key it prints the whole reference, itself a scenario file.",
		Example: "  simcap explain scaledown_window\n  simcap explain arrivals.rate\n" +
			"  simcap explain lognormal",
		Args: cobra.MaximumNArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string,
			cobra.ShellCompDirective) {
			var keys []string
			for _, w := range scenarios.Words() {
				keys = append(keys, w.Path)
			}
			return keys, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				_, err := cmd.OutOrStdout().Write(scenarios.Reference())
				return err
			}
			words, near := scenarios.Explain(args[0])
			if len(words) == 0 && near != "" {
				return usagef("there is no key %q; did you mean %q?", args[0], near)
			}
			if len(words) == 0 {
				return usagef("there is no key %q; `simcap explain` prints all keys", args[0])
			}
			for i, w := range words {
				if i > 0 {
					fmt.Fprintln(cmd.OutOrStdout())
				}
				fmt.Fprint(cmd.OutOrStdout(), w)
			}
			return nil
		},
	}
}
