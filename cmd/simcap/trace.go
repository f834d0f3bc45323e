package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/spf13/cobra"

	"github.com/simcap/simcap/report"
	"github.com/simcap/simcap/scenarios"
	"github.com/simcap/simcap/sim"
	"github.com/simcap/simcap/trace"
	"github.com/simcap/simcap/trace/shape"
)

// traceFlags say how a traffic file is read, for all commands that read one.
type traceFlags struct {
	format    string
	columns   []string
	timeUnit  string
	step      string
	ties      string
	only      []string
	from      string
	to        string
	fold      string
	strict    bool
	truncated bool
	sort      bool
}

func (f *traceFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.format, "format", "auto", "the file's format; simcap trace --formats lists them")
	flags.StringArrayVar(&f.columns, "column", nil,
		"which column has a role, for example time=created_at or duration=took:ms (may be repeated)")
	flags.StringVar(&f.timeUnit, "time-unit", "",
		"unit of times that are numbers: s, ms, us or ns (default: guessed)")
	flags.StringVar(&f.step, "step", "", "length of a bucket of a file of rates (default: found)")
	flags.StringVar(&f.ties, "ties", "auto",
		"rows that share an instant of a coarse clock: auto, keep or spread")
	flags.StringArrayVar(&f.only, "only", nil,
		"keep the rows that meet a condition, for example 'function!=/healthz' or 'status<500' (may "+
			"be repeated)")
	flags.StringVar(&f.from, "from", "", "leave out what comes before this time since the first row")
	flags.StringVar(&f.to, "to", "", "leave out what comes from this time on")
	flags.StringVar(&f.fold, "fold", "", "make all days or weeks one typical day or week: day or week")
	flags.BoolVar(&f.strict, "strict", false, "refuse bad rows and rows out of order")
	flags.BoolVar(&f.truncated, "truncated", false, "accept a file that ends in the middle of a line")
	flags.BoolVar(&f.sort, "sort", false, "sort the whole file first, on disk if it is large")
	complete := func(words ...string) func(*cobra.Command, []string, string) ([]string,
		cobra.ShellCompDirective) {
		return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return words, cobra.ShellCompDirectiveNoFileComp
		}
	}
	names := []string{"auto"}
	for _, format := range trace.Formats() {
		names = append(names, format.Name)
	}
	cmd.RegisterFlagCompletionFunc("format", complete(names...))
	cmd.RegisterFlagCompletionFunc("time-unit", complete("s", "ms", "us", "ns"))
	cmd.RegisterFlagCompletionFunc("ties", complete("auto", "keep", "spread"))
	cmd.RegisterFlagCompletionFunc("fold", complete("day", "week"))
}

// options are what the flags say.
func (f *traceFlags) options() (trace.Options, error) {
	o := trace.Options{Format: f.format, TimeUnit: f.timeUnit, Ties: trace.Ties(f.ties),
		Fold:   trace.Fold(f.fold),
		Strict: f.strict, Truncated: f.truncated, Sort: f.sort, Seed: 1}
	for _, text := range f.columns {
		role, column, ok := strings.Cut(text, "=")
		if !ok {
			return o, usagef("--column: %q, where ROLE=COLUMN is expected, for example time=created_at", text)
		}
		if o.Columns == nil {
			o.Columns = map[string]string{}
		}
		o.Columns[strings.TrimSpace(role)] = strings.TrimSpace(column)
	}
	for _, text := range f.only {
		c, err := trace.ParseCondition(text)
		if err != nil {
			return o, usagef("--only: %w", err)
		}
		o.Only = append(o.Only, c)
	}
	for _, t := range []struct {
		flag, text string
		into       *sim.Time
	}{{"--step", f.step, &o.Step}, {"--from", f.from, &o.From}, {"--to", f.to, &o.To}} {
		if t.text == "" {
			continue
		}
		v, err := scenarios.ParseTime(t.text)
		if err != nil {
			return o, usagef("%s: %w", t.flag, err)
		}
		*t.into = v
	}
	if err := o.Check(); err != nil {
		return o, usage(err)
	}
	return o, nil
}

// file is the traffic file that the argument names; - is standard input, which is copied to a
// temporary file, because traffic is read more than once. done removes that.
func (f *traceFlags) file(cmd *cobra.Command, argument string) (file *shape.File, done func(), err error) {
	o, err := f.options()
	if err != nil {
		return nil, nil, err
	}
	line := newProgress(cmd, false)
	tell := func(n int64) error {
		line.note("read " + grouped(n) + " arrivals")
		return cmd.Context().Err()
	}
	if argument != "-" {
		return &shape.File{Name: argument, Options: o, Progress: tell}, line.clear, nil
	}
	copied, err := os.CreateTemp("", "simcap-stdin-*")
	if err != nil {
		return nil, nil, failed(err)
	}
	done = func() {
		line.clear()
		os.Remove(copied.Name())
	}
	_, err = io.Copy(copied, cmd.InOrStdin())
	if err = errors.Join(err, copied.Close()); err != nil {
		done()
		return nil, nil, failed(err)
	}
	open := func(o trace.Options) (*trace.Reader, error) {
		in, err := os.Open(copied.Name())
		if err != nil {
			return nil, err
		}
		r, err := trace.NewReader(in, "standard input", o)
		if err != nil {
			in.Close()
			return nil, err
		}
		r.CloseWith(in)
		return r, nil
	}
	return &shape.File{Name: "standard input", Options: o, Open: open, Progress: tell}, done, nil
}

// traceCommand is what `simcap trace` can be told.
type traceCommand struct {
	read      traceFlags
	pictures  pictureFlags
	formats   bool
	json      bool
	quiet     bool
	force     bool
	out       string
	export    string
	anonymize bool
}

func newTraceCommand() *cobra.Command {
	var c traceCommand
	cmd := &cobra.Command{
		Use:   "trace FILE|-",
		Short: "Show what is in a traffic file, and what it does to a queue",
		Long: "Trace reads a traffic file — an access log, a table, a published trace, the result of a\n" +
			"load test, metrics of a monitoring system — and shows what arrives when, how far that is\n" +
			"from a Poisson process, and what it does to a queue. It prints a summary and writes\n" +
			"report.html, trace.json and pictures to a folder. The format is recognised; --formats\n" +
			"lists what can be read.",
		Example: "  simcap trace access.log --only 'function=/v1/*' --only 'status<500'\n" +
			"  simcap trace requests.csv --column time=created_at --column duration=took_ms\n" +
			"  simcap trace requests.csv --export shared.csv --anonymize",
		Args: func(cmd *cobra.Command, args []string) error {
			if c.formats {
				return cobra.NoArgs(cmd, args)
			}
			return cobra.ExactArgs(1)(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if c.formats {
				return listFormats(cmd.OutOrStdout())
			}
			return c.run(cmd, args[0])
		},
	}
	c.read.add(cmd)
	c.pictures.add(cmd)
	f := cmd.Flags()
	f.BoolVar(&c.formats, "formats", false, "list the formats that can be read")
	f.BoolVar(&c.json, "json", false, "print the findings as JSON; writes a folder only with --out")
	f.BoolVarP(&c.quiet, "quiet", "q", false, "print no summary")
	f.StringVarP(&c.out, "out", "o", "", "folder for the report (default simcap-out/FILE-trace)")
	f.BoolVar(&c.force, "force", false, "overwrite files and folders that are not simcap's own")
	f.StringVar(&c.export, "export", "", "write the rows to this CSV file instead, as they would be replayed")
	f.BoolVar(&c.anonymize, "anonymize", false, "with --export: functions become f1, f2, ..., by their share")
	cmd.AddCommand(newTraceFitCommand())
	return cmd
}

// listFormats prints the formats in the order in which they are tried.
func listFormats(w io.Writer) error {
	widest := 0
	for _, f := range trace.Formats() {
		widest = max(widest, len(f.Name))
	}
	for _, f := range trace.Formats() {
		if _, err := fmt.Fprintf(w, "%-*s  %s\n", widest, f.Name, f.Description); err != nil {
			return failed(err)
		}
	}
	_, err := fmt.Fprintln(w, "\nAll of them may be packed with gzip or zstd.")
	return err
}

func (c *traceCommand) run(cmd *cobra.Command, argument string) error {
	if c.anonymize && c.export == "" {
		return usagef("--anonymize is for --export")
	}
	file, done, err := c.read.file(cmd, argument)
	if err != nil {
		return err
	}
	defer done()
	if c.export != "" {
		return c.exportRows(cmd, file)
	}
	out := c.out
	if out == "" && !c.json {
		out = defaultFolder(filepath.Base(argument), "trace")
	}
	claimed, err := claimFolder(out, c.force, "findings", "trace.json")
	if err != nil {
		return err
	}
	defer claimed.release()
	pictures, err := c.pictures.options()
	if err != nil {
		return err
	}
	s, err := shape.Measure(file)
	done()
	if err != nil {
		return unread(err)
	}
	if out != "" {
		if err := report.WriteTrace(out, s, pictures); err != nil {
			return failed(err)
		}
	}
	w := cmd.OutOrStdout()
	switch {
	case c.json:
		return report.TraceJSON(w, s)
	case c.quiet:
		return nil
	}
	return report.TraceTerminal(w, s, report.TerminalOptions{Width: terminalWidth(w),
		Color: wantsColor(cmd, w), OutDir: out})
}

// unread is the error of a file that could not be read to its end: its own fault, or an interrupt.
func unread(err error) error {
	if errors.Is(err, context.Canceled) {
		return &exitError{exitInterrupted, errors.New("interrupted while the file was read")}
	}
	return usage(err)
}

// exportRows writes the rows as a CSV that simcap reads again: instants since the first row, and what
// the rows say of their inputs.
func (c *traceCommand) exportRows(cmd *cobra.Command, file *shape.File) error {
	columns, counts, err := survey(file)
	if errors.Is(err, trace.ErrUnsorted) {
		file.Options.Sort = true
		columns, counts, err = survey(file)
	}
	if err != nil {
		return unread(err)
	}
	names := map[string]string{}
	if c.anonymize {
		names = anonymous(counts)
	}
	return writeNew(c.export, c.force, func(w io.Writer) error {
		var used []exportedColumn
		header := []string{"arrival_s"}
		for _, cell := range exported {
			if columns[cell.name] {
				used = append(used, cell)
				header = append(header, cell.name)
			}
		}
		if _, err := io.WriteString(w, strings.Join(header, ",")+"\n"); err != nil {
			return err
		}
		var failure error
		_, err := file.Each(func(row *trace.Row) bool {
			if name, ok := names[row.Function]; ok {
				row.Function = name
			}
			line := fmt.Sprintf("%d.%09d", row.At/sim.Second, row.At%sim.Second)
			for _, cell := range used {
				line += "," + cell.of(row)
			}
			_, failure = io.WriteString(w, line+"\n")
			return failure != nil
		})
		return errors.Join(err, failure)
	}, cmd)
}

// survey finds which columns have values, and counts the arrivals of each function.
func survey(file *shape.File) (columns map[string]bool, counts map[string]int64, err error) {
	columns, counts = map[string]bool{}, map[string]int64{}
	_, err = file.Each(func(row *trace.Row) bool {
		for _, cell := range exported {
			if cell.of(row) != "" {
				columns[cell.name] = true
			}
		}
		counts[row.Function]++
		return false
	})
	return columns, counts, err
}

// anonymous gives functions names that tell no more than their rank.
func anonymous(counts map[string]int64) map[string]string {
	var all []string
	for name := range counts {
		if name != "" {
			all = append(all, name)
		}
	}
	sort.Slice(all, func(i, j int) bool {
		a, b := counts[all[i]], counts[all[j]]
		return a > b || a == b && all[i] < all[j]
	})
	names := map[string]string{}
	for i, name := range all {
		names[name] = fmt.Sprintf("f%d", i+1)
	}
	return names
}
