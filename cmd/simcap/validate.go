package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/simcap/simcap/internal/validation"
	"github.com/simcap/simcap/scenarios"
)

func newValidateCommand() *cobra.Command {
	var scenario bool
	cmd := &cobra.Command{
		Use:   "validate [CASE...]",
		Short: "Compare simcap with queueing theory and other simulators",
		Long: "Validate runs the systems whose answers are known, exactly or from other simulators, and\n" +
			"says whether simcap's 99.9 % confidence intervals hold them: all systems, which takes about\n" +
			"half a minute, or the named ones in every detail. The exit code is 1 when one does not.",
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return caseNames(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			families, err := chooseCases(args)
			if err != nil {
				return err
			}
			if scenario {
				if len(args) == 0 {
					return usagef("--scenario: name a case; `simcap validate` lists them as it runs them")
				}
				return printScenarios(cmd.OutOrStdout(), families)
			}
			return validate(cmd, families, len(args) > 0)
		},
	}
	cmd.Flags().BoolVar(&scenario, "scenario", false, "print the scenarios of the named cases; run nothing")
	return cmd
}

// validate runs the families one after another and prints each when it is done.
func validate(cmd *cobra.Command, families []validation.Family, detail bool) error {
	out := cmd.OutOrStdout()
	agree, all := 0, 0
	for i := range families {
		done, err := validation.RunAll(cmd.Context(), families[i:i+1], validation.Run)
		if cmd.Context().Err() != nil {
			return &exitError{exitInterrupted, fmt.Errorf("interrupted after %s", count(all, "comparison"))}
		}
		if err != nil {
			return failed(err)
		}
		if i > 0 {
			fmt.Fprintln(out)
		}
		if err := validation.WriteText(out, &done[0], detail); err != nil {
			return failed(err)
		}
		inside, n := validation.Agreement(done)
		agree, all = agree+inside, all+n
	}
	fmt.Fprintf(out, "\n%d of %d comparisons agree\n", agree, all)
	if agree < all {
		return failed(fmt.Errorf("%d of %d comparisons differ: please report it, with what `simcap version` "+
			"says", all-agree, all))
	}
	return nil
}

func printScenarios(out io.Writer, families []validation.Family) error {
	first := true
	for _, family := range families {
		for i := range family.Cases {
			if !first {
				fmt.Fprintln(out, "---")
			}
			first = false
			c := &family.Cases[i]
			if _, err := fmt.Fprintf(out, "# %s\n%s", c.Title, c.Scenario()); err != nil {
				return failed(err)
			}
		}
	}
	return nil
}

func everyCase() []validation.Family { return append(validation.Theory(), validation.Peers()...) }

func caseNames() []string {
	var names []string
	for _, family := range everyCase() {
		for i := range family.Cases {
			names = append(names, family.Cases[i].Name)
		}
	}
	return names
}

// chooseCases are the families with the named cases only; all of them without names.
func chooseCases(names []string) ([]validation.Family, error) {
	if len(names) == 0 {
		return everyCase(), nil
	}
	wanted := map[string]bool{}
	for _, name := range names {
		wanted[name] = true
	}
	var out []validation.Family
	for _, family := range everyCase() {
		kept := validation.Family{Name: family.Name}
		for _, c := range family.Cases {
			if wanted[c.Name] {
				kept.Cases = append(kept.Cases, c)
				delete(wanted, c.Name)
			}
		}
		if len(kept.Cases) > 0 {
			out = append(out, kept)
		}
	}
	for _, name := range names {
		if !wanted[name] {
			continue
		}
		if near := scenarios.Nearest(name, caseNames()); near != "" {
			return nil, usagef("there is no case %q; did you mean %q?", name, near)
		}
		return nil, usagef("there is no case %q; `simcap validate` names all as it runs them", name)
	}
	return out, nil
}
