package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/simcap/simcap/report/quantity"
	"github.com/simcap/simcap/scenarios"
)

func newProfilesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "profiles",
		Short: "List, show, compare and convert profiles: measured service times",
		Long: "A profile says how long a model takes on a GPU, by batch and by requests at a time, and " +
			"where\n" +
			"that was measured. A scenario uses one by `service: {profile: NAME or FILE}`. Those that come\n" +
			"with simcap are made from published measurements; `simcap calibrate` measures your own.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return listProfiles(cmd, false) },
	}
	var asJSON bool
	list := &cobra.Command{
		Use:   "list",
		Short: "List the profiles that come with simcap",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return listProfiles(cmd, asJSON) },
	}
	list.Flags().BoolVar(&asJSON, "json", false, "print the list as JSON")
	var schema bool
	format := &cobra.Command{
		Use:   "format",
		Short: "Print a profile that names every key, with its meaning",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			text := scenarios.ProfileReference()
			if schema {
				text = scenarios.ProfileSchema()
			}
			_, err := cmd.OutOrStdout().Write(text)
			return err
		},
	}
	format.Flags().BoolVar(&schema, "schema", false, "print the JSON Schema instead, for editors")
	cmd.AddCommand(list, newProfilesShowCommand(), newProfilesCompareCommand(),
		newProfilesConvertCommand(), format)
	return cmd
}

// listing is a line of the list.
type listing struct {
	Name    string `json:"name"`
	GPU     string `json:"gpu"`
	Model   string `json:"model"`
	Engine  string `json:"engine"`
	Kind    string `json:"kind"` // batch, concurrency or llm
	Largest int    `json:"largest"`
	Licence string `json:"licence"`
	Source  string `json:"source"`
}

func listProfiles(cmd *cobra.Command, asJSON bool) error {
	var all []listing
	widest := [3]int{}
	for _, name := range scenarios.LibraryProfiles() {
		p, err := loadProfile(name)
		if err != nil {
			return err
		}
		l := listing{Name: name, GPU: p.Provenance.GPU, Model: p.Provenance.Model,
			Engine:  p.Provenance.Engine,
			Licence: p.Provenance.Licence, Source: p.Provenance.Source}
		l.Kind, l.Largest = measuredUpTo(p)
		widest = [3]int{max(widest[0], len(name)), max(widest[1], len(l.GPU)), max(widest[2], len(l.Model))}
		all = append(all, l)
	}
	out := cmd.OutOrStdout()
	if asJSON {
		text, err := json.MarshalIndent(all, "", "  ")
		if err != nil {
			return failed(err)
		}
		fmt.Fprintf(out, "%s\n", text)
		return nil
	}
	fmt.Fprintf(out, "%-*s  %-*s  %-*s  measured up to\n", widest[0], "profile", widest[1], "GPU",
		widest[2], "model")
	for _, l := range all {
		upTo := fmt.Sprintf("batches of %d", l.Largest)
		if l.Kind == "concurrency" {
			upTo = fmt.Sprintf("%d at a time", l.Largest)
		}
		fmt.Fprintf(out, "%-*s  %-*s  %-*s  %s\n", widest[0], l.Name, widest[1], l.GPU, widest[2],
			l.Model, upTo)
	}
	fmt.Fprintf(out, "\n`simcap profiles show %s` shows one; a scenario uses it by service: {profile: %[1]s}.\n",
		all[0].Name)
	return nil
}

// measuredUpTo is what a profile was measured over, and up to where.
func measuredUpTo(p *scenarios.Profile) (kind string, largest int) {
	if n := len(p.Service.Concurrency); n > 1 {
		return "concurrency", p.Service.Concurrency[n-1].N
	}
	if v := p.Valid.BatchSize; len(v) == 2 {
		return "batch", v[1]
	}
	return "batch", 1
}

// loadProfile reads a profile: a file, else one of the library.
func loadProfile(name string) (*scenarios.Profile, error) {
	text, err := readProfile(name)
	if err != nil {
		return nil, err
	}
	p, ds := scenarios.ReadProfile(name, text)
	if p == nil {
		return nil, usage(ds)
	}
	return p, nil
}

// readProfile is the text of a profile: a file, else one of the library.
func readProfile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		if text, ok := scenarios.LibraryProfile(name); ok {
			return text, nil
		}
		help := "`simcap profiles` lists those that come with simcap"
		if near := scenarios.Nearest(name, scenarios.LibraryProfiles()); near != "" {
			help = fmt.Sprintf("did you mean %q?", near)
		}
		return nil, usagef("%s: there is no such file, and no profile of this name; %s", name, help)
	}
	if err != nil {
		return nil, usage(err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, scenarios.LargestFile+1))
	if err != nil {
		return nil, usage(err)
	}
	return text, nil
}

// completeProfile completes names of the library, and files.
func completeProfile(_ *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	return scenarios.LibraryProfiles(), cobra.ShellCompDirectiveDefault
}

func newProfilesCompareCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "compare PROFILE PROFILE",
		Short:             "Compare the times of two profiles, size by size",
		Example:           "  simcap profiles compare resnet50-trt-fp16-t4 resnet50-trt-fp16-a100",
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: completeProfile,
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := loadProfile(args[0])
			if err != nil {
				return err
			}
			b, err := loadProfile(args[1])
			if err != nil {
				return err
			}
			return compareProfiles(cmd.OutOrStdout(), a, b)
		},
	}
}

// compareProfiles prints the curves of both side by side where both were measured.
func compareProfiles(w io.Writer, a, b *scenarios.Profile) error {
	fmt.Fprintf(w, "A  %s  (%s)\nB  %s  (%s)\n", a.Name, about(a), b.Name, about(b))
	any := false
	for _, of := range []func(*scenarios.Profile) curveView{batchView, concurrencyView, engineView} {
		left, right := of(a), of(b)
		if len(left.sizes) == 0 || len(right.sizes) == 0 {
			continue
		}
		any = true
		fmt.Fprintf(w, "\n%-12s %12s %12s %9s\n", left.name, "A", "B", "B / A")
		for _, n := range mergeSizes(left.sizes, right.sizes) {
			mark := ""
			for _, v := range []struct {
				name string
				view *curveView
			}{{"A", &left}, {"B", &right}} {
				if last := v.view.sizes[len(v.view.sizes)-1]; n > last {
					mark += fmt.Sprintf("  %s extrapolated", v.name)
				}
			}
			x, y := left.at(n), right.at(n)
			fmt.Fprintf(w, "%-12d %12s %12s %8.2f×%s\n", n, quantity.Format(quantity.Seconds, x),
				quantity.Format(quantity.Seconds, y), y/x, mark)
		}
	}
	if !any {
		fmt.Fprintln(w, "\nThey share no curve: one was measured by batch size, the other by requests "+
			"at a time.")
	}
	fmt.Fprintf(w, "\n%-24s %12s %12s\n", "", "A", "B")
	rows := []struct{ name, a, b string }{
		{"time of one input", timeOf(a), timeOf(b)},
		{"variation (cv)", fmt.Sprintf("%.3g", a.Service.NoiseCV), fmt.Sprintf("%.3g", b.Service.NoiseCV)},
		{"mean cold start", coldOf(a), coldOf(b)},
		{"energy of one input", energyOf(a), energyOf(b)},
	}
	for _, r := range rows {
		if r.a != "-" || r.b != "-" {
			fmt.Fprintf(w, "%-24s %12s %12s\n", r.name, r.a, r.b)
		}
	}
	return nil
}

func timeOf(p *scenarios.Profile) string {
	if p.Service.Time == nil {
		return "-"
	}
	return quantity.Format(quantity.Seconds, p.Service.Time.Mean()/1e9)
}

func coldOf(p *scenarios.Profile) string {
	sum := 0.0
	for _, s := range p.ColdStart.Stages {
		sum += s.Time.Mean() / 1e9
	}
	if sum == 0 {
		return "-"
	}
	return quantity.Format(quantity.Seconds, sum)
}

func energyOf(p *scenarios.Profile) string {
	if p.Energy == nil {
		return "-"
	}
	return fmt.Sprintf("%.3g J", p.Energy.JoulesPerBatch+p.Energy.JoulesPerInput)
}

// about is where a profile comes from, in few words.
func about(p *scenarios.Profile) string {
	var parts []string
	for _, s := range []string{p.Provenance.GPU, p.Provenance.Engine, p.Provenance.How} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	if p.Synthetic {
		parts = append(parts, "synthetic")
	}
	if len(parts) == 0 {
		return "of unknown origin"
	}
	return strings.Join(parts, ", ")
}

// profileFileName is the name of a profile as the name of a file beside others.
func profileFileName(name string) string { return filepath.Clean(fileName(name)) + ".yaml" }
