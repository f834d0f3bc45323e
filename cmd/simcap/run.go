package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/report"
)

// runFlags are what `simcap run` can be told.
type runFlags struct {
	scenario   scenarioFlags
	out        string
	json       bool
	inputs     string
	containers string
	trace      string
	pictures   pictureFlags
	strict     bool
	force      bool
	workers    int
}

func newRunCommand() *cobra.Command {
	var flags runFlags
	cmd := &cobra.Command{
		Use:   "run FILE|EXAMPLE|-",
		Short: "Simulate a scenario: cost, latency, and the reason for both",
		Long: "Run simulates a scenario file, an example (`simcap examples` lists them) or standard input (-),\n" +
			"prints a summary, and writes results.json, report.html and pictures to a folder.\n\n" +
			"Exit codes: 0 done; 1 the run failed; 2 the command line or a file is wrong; 3 an slo is not\n" +
			"met; 130 interrupted, with what was finished kept.",
		Example: "  simcap run embeddings\n" +
			"  simcap run embeddings --set functions.embed.min_containers=1 --replications 8\n" +
			"  simcap run my.yaml --json | jq .total.cost_usd",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeScenario,
		RunE:              func(cmd *cobra.Command, args []string) error { return flags.run(cmd, args[0]) },
	}
	flags.scenario.add(cmd)
	f := cmd.Flags()
	f.StringVarP(&flags.out, "out", "o", "", "folder for results (default simcap-out/SCENARIO)")
	f.BoolVar(&flags.json, "json", false, "print the results as JSON; writes a folder only with --out")
	f.StringVar(&flags.inputs, "inputs", "", "write a row per input to a .csv or .parquet file")
	f.StringVar(&flags.containers, "containers", "", "write a row per container to such a file")
	f.StringVar(&flags.trace, "trace-events", "",
		"write containers and inputs of the first replication to a .json file for Perfetto")
	flags.pictures.add(cmd)
	f.BoolVar(&flags.strict, "strict", false, "an undecided slo counts as not met (exit code 3)")
	f.BoolVar(&flags.force, "force", false, "overwrite files and folders that are not simcap's own")
	f.IntVar(&flags.workers, "workers", 0, "replications at one time (default: one per core)")
	return cmd
}

// run simulates what the argument names and hands the results out.
func (f *runFlags) run(cmd *cobra.Command, argument string) error {
	if f.workers < 0 {
		return usagef("--workers: must not be negative")
	}
	pictures, err := f.pictures.options()
	if err != nil {
		return err
	}
	src, err := f.scenario.load(cmd, argument)
	if err != nil {
		return err
	}
	out := f.out
	if out == "" && !f.json {
		out = defaultFolder(src.scenario.Name, "")
	}
	claimed, err := claimFolder(out, f.force, "results", "results.json")
	if err != nil {
		return err
	}
	defer claimed.release()
	tables, err := openTables(f, src.scenario.HasLLM())
	if err != nil {
		return err
	}
	line := newProgress(cmd, f.scenario.quiet)
	result, err := experiment.Run(cmd.Context(), src.scenario, experiment.Options{
		Workers: f.workers, Progress: line.callback(), Rows: tables.rows(), Detail: out != "" || !f.json,
		YAML: src.document.Text(src.options.Set), Version: version(),
	})
	line.clear()
	interrupted := err != nil && cmd.Context().Err() != nil
	if err != nil && !interrupted {
		tables.discard()
		return failed(err)
	}
	if err := tables.commit(); err != nil {
		return failed(err)
	}
	if result == nil {
		return &exitError{exitInterrupted, errors.New("interrupted before anything was finished")}
	}
	if err := f.deliver(cmd, result, out, pictures); err != nil {
		return failed(err)
	}
	if interrupted {
		return &exitError{exitInterrupted, fmt.Errorf("interrupted after %s of %d; what was finished is kept",
			count(result.Replications, "replication"), src.scenario.Replications.Max)}
	}
	if kept, decided := result.KeepsSLO(); !kept || f.strict && !decided {
		return &exitError{code: exitSLO}
	}
	return nil
}

// deliver writes the folder, and prints the summary or the JSON.
func (f *runFlags) deliver(cmd *cobra.Command, result *experiment.Result, out string,
	pictures report.Options) error {
	if out != "" {
		if err := report.WriteRun(out, result, pictures); err != nil {
			return err
		}
	}
	w := cmd.OutOrStdout()
	switch {
	case f.json:
		return report.JSON(w, result, false)
	case f.scenario.quiet:
		return nil
	}
	return report.Terminal(w, result, report.TerminalOptions{
		Width: terminalWidth(w), Color: wantsColor(cmd, w), OutDir: out,
	})
}

// tables are the files of rows that a run writes besides its results.
type tables struct {
	inputs     *table[model.InputRow]
	containers *table[model.ContainerRow]
	trace      *traceTable
}

// openTables opens what the flags ask for.
func openTables(f *runFlags, llm bool) (*tables, error) {
	if f.inputs != "" && f.inputs == f.containers {
		return nil, usagef("--inputs and --containers name the same file")
	}
	var t tables
	var err error
	if t.inputs, err = openInputs(f.inputs, f.force, llm); err != nil {
		return nil, err
	}
	if t.containers, err = openContainers(f.containers, f.force); err != nil {
		t.discard()
		return nil, err
	}
	if t.trace, err = openTrace(f.trace, f.force); err != nil {
		t.discard()
		return nil, err
	}
	return &t, nil
}

// rows is where the run sends its rows; nil where nobody wants any.
func (t *tables) rows() *model.Rows {
	rows := &model.Rows{Input: t.inputs.write(), Container: t.containers.write()}
	if t.trace != nil {
		rows.Input = both(rows.Input, t.trace.events.Input)
		rows.Container = both(rows.Container, t.trace.events.Container)
	}
	if rows.Input == nil && rows.Container == nil {
		return nil
	}
	return rows
}

// commit gives the files their names.
func (t *tables) commit() error {
	err := errors.Join(t.inputs.commit(), t.containers.commit())
	if t.trace != nil {
		err = errors.Join(err, t.trace.commit())
	}
	return err
}

// discard removes them.
func (t *tables) discard() {
	t.inputs.discard()
	t.containers.discard()
	if t.trace != nil {
		t.trace.discard()
	}
}
