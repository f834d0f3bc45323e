package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/scenarios"
)

// scenarioFlags are the flags of all commands that read a scenario.
type scenarioFlags struct {
	set          []string
	seed         string
	replications string
	quiet        bool
	changed      func(flag string) bool
}

// add adds --set, --seed, --replications and --quiet to the command.
func (f *scenarioFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.set, "set", nil,
		"replace a setting, for example functions.embed.min_containers=2 (may be repeated)")
	cmd.Flags().StringVar(&f.seed, "seed", "",
		"seed of the random streams, instead of the scenario's")
	cmd.Flags().StringVar(&f.replications, "replications", "",
		"number of independent runs, instead of the scenario's")
	cmd.Flags().BoolVarP(&f.quiet, "quiet", "q", false, "print no summary, progress and warnings")
	f.changed = cmd.Flags().Changed
	cmd.RegisterFlagCompletionFunc("set", completeSetting)
}

// overrides are the settings that the flags replace.
func (f *scenarioFlags) overrides() ([]scenarios.Override, error) {
	var all []scenarios.Override
	for _, text := range f.set {
		o, err := scenarios.ParseOverride(text)
		if err != nil {
			return nil, usagef("--set: %w", err)
		}
		all = append(all, o)
	}
	if f.changed("seed") {
		all = append(all, scenarios.Override{Key: "seed", Value: f.seed, Source: "--seed"})
	}
	if f.changed("replications") {
		if _, err := strconv.Atoi(f.replications); err != nil {
			return nil, usagef("--replications: %q is not a whole number", f.replications)
		}
		all = append(all, scenarios.Override{Key: "replications", Value: f.replications,
			Source: "--replications"})
	}
	return all, nil
}

// source is a scenario that a command was asked to read: parsed, with what is needed to read it
// with other settings.
type source struct {
	document *scenarios.Document
	options  scenarios.Options
	scenario *experiment.Scenario
}

// load reads the scenario that the argument names: a file, the name of an example, or - for
// standard input. Warnings go to standard error unless the command is quiet; errors come back, ready
// to be printed, with exit code 2.
func (f *scenarioFlags) load(cmd *cobra.Command, argument string) (*source, error) {
	return f.loadWith(cmd, argument, nil)
}

// loadWith is load with settings of the command's own on top.
func (f *scenarioFlags) loadWith(cmd *cobra.Command, argument string,
	own []scenarios.Override) (*source, error) {
	overrides, err := f.overrides()
	if err != nil {
		return nil, err
	}
	overrides = append(overrides, own...)
	s, ds := open(cmd, argument)
	if s == nil {
		return nil, usage(ds)
	}
	s.options.Set = overrides
	scenario, ds := s.document.Scenario(s.options)
	if scenario == nil {
		return nil, usage(ds)
	}
	if !f.quiet {
		fmt.Fprint(cmd.ErrOrStderr(), ds.Text(wantsColor(cmd, cmd.ErrOrStderr())))
	}
	s.scenario = scenario
	return s, nil
}

// open parses what the argument names. A file goes before an example of the same name.
func open(cmd *cobra.Command, argument string) (*source, scenarios.Diagnostics) {
	if argument == "-" {
		document, ds := scenarios.ParseFile("-", cmd.InOrStdin())
		if document == nil {
			return nil, ds
		}
		return &source{document: document}, nil
	}
	if _, err := os.Stat(argument); err != nil && !looksLikePath(argument) {
		return openExample(argument)
	}
	document, ds := scenarios.ParseFile(argument, nil)
	if document == nil {
		if _, err := os.Stat(argument); errors.Is(err, fs.ErrNotExist) && len(ds) == 1 {
			ds[0].Help = fileHelp(argument)
		}
		return nil, ds
	}
	return &source{document: document, options: scenarios.Options{Folder: filepath.Dir(argument)}},
		nil
}

// fileHelp names the file that was meant, where one is near; else how to get one.
func fileHelp(argument string) string {
	var names []string
	for _, pattern := range []string{"*.yaml", "*.yml"} {
		found, _ := filepath.Glob(filepath.Join(filepath.Dir(argument), pattern))
		names = append(names, found...)
	}
	if near := scenarios.Nearest(argument, names); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return "`simcap examples` lists scenarios to start from"
}

// looksLikePath says whether the argument can only be meant as a file.
func looksLikePath(argument string) bool {
	return strings.ContainsAny(argument, `/\.`)
}

func openExample(name string) (*source, scenarios.Diagnostics) {
	example, ok := scenarios.FindExample(name)
	if !ok {
		return nil, scenarios.Diagnostics{{Severity: scenarios.Error, File: name,
			Message: "there is no such file, and no example of this name", Help: exampleHelp(name)}}
	}
	document, ds := scenarios.Parse(name, example.Text)
	if document == nil {
		return nil, ds
	}
	return &source{document: document, options: scenarios.ExampleOptions()}, nil
}

// exampleHelp names the example that was meant, or all.
func exampleHelp(name string) string {
	names := exampleNames()
	if near := scenarios.Nearest(name, names); near != "" {
		return fmt.Sprintf("did you mean the example %q?", near)
	}
	return "the examples are " + strings.Join(names, ", ")
}

func exampleNames() []string {
	var names []string
	for _, e := range scenarios.Examples() {
		names = append(names, e.Name)
	}
	return names
}

// completeScenario completes the argument of commands that read a scenario: examples, and files.
func completeScenario(_ *cobra.Command, args []string, _ string) ([]string,
	cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, e := range scenarios.Examples() {
		names = append(names, e.Name+"\t"+e.Question)
	}
	return names, cobra.ShellCompDirectiveDefault
}

// completeSetting completes the keys of the scenario that the command line names already, or those
// of the language.
func completeSetting(cmd *cobra.Command, args []string, _ string) ([]string,
	cobra.ShellCompDirective) {
	var keys []string
	if len(args) == 1 && args[0] != "-" {
		if s, _ := open(cmd, args[0]); s != nil {
			keys = s.document.Keys()
		}
	}
	if keys == nil {
		for _, w := range scenarios.Words() {
			keys = append(keys, w.Path)
		}
	}
	for i := range keys {
		keys[i] += "="
	}
	return keys, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
}
