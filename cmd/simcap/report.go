package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/report"
)

// pictureFlags are the flags of all commands that draw.
type pictureFlags struct {
	scale float64
	size  string
	svg   bool
	dark  bool
}

// add adds --png-scale, --png-size, --svg and --dark to the command.
func (f *pictureFlags) add(cmd *cobra.Command) {
	cmd.Flags().Float64Var(&f.scale, "png-scale", 2, "device pixels per pixel in PNG files, 0.5 to 8")
	cmd.Flags().StringVar(&f.size, "png-size", "",
		"size of pictures in pixels, for example 1200x600 (default 800x460)")
	cmd.Flags().BoolVar(&f.svg, "svg", false, "an SVG file beside each PNG file")
	cmd.Flags().BoolVar(&f.dark, "dark", false, "pictures on dark ground (the page follows its reader)")
}

// options are what the flags ask for.
func (f *pictureFlags) options() (report.Options, error) {
	o := report.Options{Scale: f.scale, SVG: f.svg, Dark: f.dark}
	if !(f.scale >= report.LeastScale && f.scale <= report.MostScale) {
		return o, usagef("--png-scale: %g is not from %g to %d", f.scale, report.LeastScale,
			report.MostScale)
	}
	if f.size != "" {
		wide, high, ok := strings.Cut(strings.ToLower(f.size), "x")
		var errs [2]error
		o.Width, errs[0] = strconv.ParseFloat(wide, 64)
		o.Height, errs[1] = strconv.ParseFloat(high, 64)
		if !ok || errs[0] != nil || errs[1] != nil || o.Width == 0 || o.Height == 0 {
			return o, usagef("--png-size: %q is not a size; WIDTHxHEIGHT in pixels was expected, for "+
				"example 1200x600", f.size)
		}
	}
	if err := o.Validate(); err != nil {
		return o, usagef("--png-size: %s", strings.TrimPrefix(err.Error(), "figure: "))
	}
	return o, nil
}

// reportFlags are what `simcap report` can be told.
type reportFlags struct {
	pictures pictureFlags
	out      string
	open     bool
	quiet    bool
	force    bool
}

func newReportCommand() *cobra.Command {
	var flags reportFlags
	cmd := &cobra.Command{
		Use:   "report DIR|results.json",
		Short: "Draw the page and the pictures of earlier results again",
		Long: "Report reads the results that an earlier command wrote, and draws report.html and the\n" +
			"pictures again, in another size, on dark ground, as SVG, or elsewhere. Nothing is simulated.",
		Example: "  simcap report simcap-out/embeddings --open\n" +
			"  simcap report simcap-out/embeddings --png-size 1600x900 --svg --out slides",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return flags.run(cmd, args[0]) },
	}
	flags.pictures.add(cmd)
	f := cmd.Flags()
	f.StringVarP(&flags.out, "out", "o", "", "folder for page and pictures (default: that of the results)")
	f.BoolVar(&flags.open, "open", false, "show the page in the browser")
	f.BoolVarP(&flags.quiet, "quiet", "q", false, "do not say what was written")
	f.BoolVar(&flags.force, "force", false, "write to a folder that is not simcap's own")
	return cmd
}

// run draws what the argument holds.
func (f *reportFlags) run(cmd *cobra.Command, argument string) error {
	options, err := f.pictures.options()
	if err != nil {
		return err
	}
	file := argument
	if info, err := os.Stat(argument); err == nil && info.IsDir() {
		for i := len(report.ResultFiles) - 1; i >= 0; i-- { // the first that is there
			name := filepath.Join(argument, report.ResultFiles[i])
			if _, err := os.Stat(name); err == nil || i == 0 && file == argument {
				file = name
			}
		}
	}
	in, err := os.Open(file)
	if errors.Is(err, os.ErrNotExist) && file != argument {
		return usagef("%s holds no results.json; `simcap run` with --out %[1]s writes one", argument)
	}
	if err != nil {
		return usagef("cannot read %s: %w", file, bare(err))
	}
	defer in.Close()
	out := f.out
	if out == "" {
		out = filepath.Dir(file)
	} else {
		claimed, err := claimFolder(out, f.force, "results or page",
			append(report.ResultFiles[:], "report.html")...)
		if err != nil {
			return err
		}
		defer claimed.release()
	}
	page, err := report.Redraw(out, in, options)
	if err != nil {
		var unreadable *report.UnreadableError
		if errors.As(err, &unreadable) {
			return usagef("%s: %w", file, err)
		}
		return failed(err)
	}
	if !f.quiet {
		fmt.Fprintln(cmd.OutOrStdout(), page)
	}
	if f.open {
		if err := openBrowser(page); err != nil {
			return failed(fmt.Errorf("the page is written, but no browser could be started: %w", err))
		}
	}
	return nil
}

// openBrowser shows a file in the browser: the one that the environment variable BROWSER names, else
// the system's.
func openBrowser(page string) error {
	path, err := filepath.Abs(page)
	if err != nil {
		return err
	}
	var command []string
	switch browser := os.Getenv("BROWSER"); {
	case browser != "":
		command = []string{browser}
	case runtime.GOOS == "darwin":
		command = []string{"open"}
	case runtime.GOOS == "windows":
		command = []string{"rundll32", "url.dll,FileProtocolHandler"}
	default:
		command = []string{"xdg-open"}
	}
	run := exec.Command(command[0], append(command[1:], path)...)
	if err := run.Start(); err != nil {
		return err
	}
	return run.Process.Release()
}

// traceTable is the file of trace events that a run writes; nil where none is asked for.
type traceTable struct {
	table[model.InputRow] // its temporary file and its name
	events                report.TraceEvents
}

// openTrace opens the file of trace events.
func openTrace(name string, force bool) (*traceTable, error) {
	if name == "" {
		return nil, nil
	}
	if strings.ToLower(filepath.Ext(name)) != ".json" {
		return nil, usagef("--trace-events: %s must end in .json", name)
	}
	file, err := createTable("--trace-events", name, force)
	if err != nil {
		return nil, err
	}
	t := &traceTable{table: table[model.InputRow]{name: name, file: file}}
	t.writer = t
	return t, nil
}

// Write takes the row of an input.
func (t *traceTable) Write(row *model.InputRow) error { return t.events.Input(row) }

// Close writes the events to the file, which stays open.
func (t *traceTable) Close() error {
	_, err := t.events.WriteTo(t.file)
	return err
}

// both calls what of the two there is.
func both[Row any](a, b func(*Row) error) func(*Row) error {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return func(row *Row) error { return errors.Join(a(row), b(row)) }
}
