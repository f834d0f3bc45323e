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
	var to string
	cmd := &cobra.Command{
		Use:   "init EXAMPLE",
		Short: "Write an example to a file of your own, to start from",
		Long: "Init writes an example to EXAMPLE.yaml in this folder, or to the file that --file names\n" +
			"(- is standard output), with a line that lets editors complete and check it against\n" +
			"simcap.schema.json (`simcap schema` prints that). A file that exists stays as it is.",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeScenario,
		RunE: func(cmd *cobra.Command, args []string) error {
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
