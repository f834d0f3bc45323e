package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

func newInitCommand() *cobra.Command {
	var to, traffic string
	var read traceFlags
	cmd := &cobra.Command{
		Use:   "init EXAMPLE | init --from-trace FILE",
		Short: "Write a scenario to start from: an example, or your traffic",
		Long: "Init writes an example to EXAMPLE.yaml in this folder, or to the file that --file names\n" +
			"(- is standard output), with a line that lets editors complete and check it against\n" +
			"simcap.schema.json (`simcap schema` prints that). A file that exists stays as it is.\n\n" +
			"With --from-trace it writes a working scenario that replays a traffic file: the " +
			"functions that the\n" +
			"file names, its sizes and durations, and guesses, marked as such, for what the file " +
			"does not tell.",
		Args: func(cmd *cobra.Command, args []string) error {
			if traffic != "" {
				return cobra.NoArgs(cmd, args)
			}
			return cobra.ExactArgs(1)(cmd, args)
		},
		ValidArgsFunction: completeScenario,
		RunE: func(cmd *cobra.Command, args []string) error {
			if traffic != "" {
				return initFromTrace(cmd, &read, traffic, to)
			}
			e, err := findExample(args[0])
			if err != nil {
				return err
			}
			question, rest, _ := strings.Cut(string(e.Text), "\n")
			text := []byte(question + "\n" + schemaLine + rest)
			if to == "-" {
				_, err := cmd.OutOrStdout().Write(text)
				return err
			}
			if to == "" {
				to = e.Name + ".yaml"
			}
			if err := create(to, text); err != nil {
				return err
			}
			for name, companion := range e.Files() {
				if err := create(filepath.Join(filepath.Dir(to), name), companion); err != nil {
					return err
				}
			}
			fmt.Fprintf(cmd.OutOrStdout(), "wrote %s; `simcap run %s` runs it\n", to, to)
			return nil
		},
	}
	cmd.Flags().StringVarP(&to, "file", "f", "", "the file to write (default EXAMPLE.yaml)")
	cmd.Flags().StringVar(&traffic, "from-trace", "", "make the scenario of this traffic file")
	read.add(cmd)
	return cmd
}

// schemaLine tells editors with a YAML language server where the schema is.
const schemaLine = "# yaml-language-server: $schema=simcap.schema.json\n"

// create writes a new file; one that exists stays as it is.
func create(name string, text []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return usagef("%s is there already, and is not overwritten", name)
	}
	if err != nil {
		return failed(err)
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return failed(err)
	}
	return nil
}
