package main

import (
	"github.com/spf13/cobra"

	"github.com/simcap/simcap/scenarios"
)

func newSchemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of scenario files, for editors",
		Long: "Schema prints the JSON Schema (2020-12) of scenario files:\n\n" +
			"  simcap schema > simcap.schema.json\n\n" +
			"An editor with a YAML language server completes and checks a scenario that has the line\n\n  " +
			schemaLine,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := cmd.OutOrStdout().Write(scenarios.Schema())
			return err
		},
	}
}
