package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/simcap/simcap/scenarios"
)

// Exit codes of docs/semantics.md.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitSLO         = 3
	exitInterrupted = 130
)

// Main runs the program with the arguments behind its name and returns its exit code. An interrupt
// ends what it does and keeps what was finished; a second one ends it at once.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // from now on a second interrupt is the system's affair
	return run(ctx, args, stdin, stdout, stderr)
}

// run is Main under a context whose end is an interrupt.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRootCommand()
	out := &output{to: stdout}
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(out)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if out.err != nil {
		err = failed(fmt.Errorf("writing to standard output: %w", bare(out.err)))
	}
	if err == nil {
		return exitDone
	}
	var e *exitError
	if !errors.As(err, &e) {
		e = usage(err) // what cobra itself objects to is the command line
	}
	if e.err != nil {
		fmt.Fprintln(stderr, e.text(wantsColor(root, stderr)))
	}
	return e.code
}

// output is standard output. It remembers the first error, so that no command can end well whose
// words did not arrive.
type output struct {
	to  io.Writer
	err error
}

func (o *output) Write(p []byte) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	n, err := o.to.Write(p)
	o.err = err
	return n, err
}

// bare is an error of the file system without the name of the file.
func bare(err error) error {
	var e *fs.PathError
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

// explainArguments makes every command say how it is called when its arguments are not what it takes.
func explainArguments(c *cobra.Command) {
	if check := c.Args; check != nil && c.HasParent() {
		c.Args = func(cmd *cobra.Command, args []string) error {
			err := check(cmd, args)
			var told *exitError
			if err == nil || errors.As(err, &told) {
				return err
			}
			return usagef("%s given; usage: %s", count(len(args), "argument"), cmd.UseLine())
		}
	}
	for _, sub := range c.Commands() {
		explainArguments(sub)
	}
}

// group adds commands under a heading of the help.
func group(root *cobra.Command, title string, commands ...*cobra.Command) {
	root.AddGroup(&cobra.Group{ID: title, Title: title})
	for _, c := range commands {
		c.GroupID = title
	}
	root.AddCommand(commands...)
}

// newRootCommand is the program with all its commands.
func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "simcap",
		Short: "What a serverless GPU platform will cost, how fast it will answer, and why",
		Long: "simcap simulates functions on a serverless GPU platform: what they will cost, how fast\n" +
			"they will answer, and why. A scenario file says what runs and who calls; `simcap examples`\n" +
			"lists some to start from.",
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.PersistentFlags().Bool("no-color", false,
		"no colours (also by the environment variable NO_COLOR)")
	root.SetFlagErrorFunc(flagError)
	root.SetHelpFunc(help)
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), "Flags.FlagUsages",
		fmt.Sprintf("Flags.FlagUsagesWrapped %d", helpWidth)))
	group(root, "Answers:", newRunCommand(), newSweepCommand(), newMergeCommand(), newPlanCommand(),
		newCompareCommand(), newCapacityCommand(), newReportCommand())
	group(root, "Scenarios:", newExamplesCommand(), newInitCommand(), newCheckCommand(),
		newExplainCommand(), newSchemaCommand())
	group(root, "Traffic and hardware:", newTraceCommand(), newCalibrateCommand(), newProfilesCommand())
	group(root, "The program:", newValidateCommand(), newVersionCommand())
	explainArguments(root)
	root.SetHelpCommandGroupID("The program:")
	root.SetCompletionCommandGroupID("The program:")
	return root
}

// helpWidth is the width of help in columns: that of the narrowest terminal that people use.
const helpWidth = 80

// help prints a command's help, with the kinds of values as people call them.
func help(cmd *cobra.Command, _ []string) {
	long := cmd.Long
	if long == "" {
		long = cmd.Short
	}
	text := cmd.UsageString()
	for _, kind := range [][2]string{
		{"[=true|false]", ""}, {" stringArray ", " text "}, {" string ", " text "}, {" strings ", " texts "},
		{" float64Slice ", " numbers "}, {" ints ", " nums "}, {" float ", " num "},
		{" int ", " num "}, {" uint ", " num "}, {" (default [])", ""},
	} {
		text = strings.ReplaceAll(text, kind[0], fmt.Sprintf("%-*s", len(kind[0]), kind[1]))
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s\n\n%s", fill(strings.TrimSpace(long), helpWidth), text)
}

// fill breaks the paragraphs of a text anew, at a width in columns. Lines that begin with a space stay
// as they are.
func fill(text string, width int) string {
	var b strings.Builder
	column := 0
	for _, line := range strings.Split(text, "\n") {
		if line == "" || line[0] == ' ' {
			if column > 0 {
				b.WriteByte('\n')
			}
			b.WriteString(line + "\n")
			column = 0
			continue
		}
		for _, word := range strings.Fields(line) {
			n := utf8.RuneCountInString(word)
			switch {
			case column == 0:
			case column+1+n > width:
				b.WriteByte('\n')
				column = 0
			default:
				b.WriteByte(' ')
				column++
			}
			b.WriteString(word)
			column += n
		}
	}
	return b.String()
}

// exitError is an error with the exit code that it asks for. Without an error the code says it all.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// text is the error as it is printed. Diagnostics have their own form.
func (e *exitError) text(color bool) string {
	var ds scenarios.Diagnostics
	if errors.As(e.err, &ds) {
		return ds.Text(color) + countErrors(ds)
	}
	return "simcap: " + e.err.Error()
}

func countErrors(ds scenarios.Diagnostics) string {
	n := 0
	for _, d := range ds {
		if d.Severity == scenarios.Error {
			n++
		}
	}
	if n == 1 {
		return "simcap: 1 error; nothing was run"
	}
	return fmt.Sprintf("simcap: %d errors; nothing was run", n)
}

// usage is an error of the command line or of a file.
func usage(err error) *exitError { return &exitError{exitUsage, err} }

// usagef is usage with a message.
func usagef(format string, args ...any) *exitError { return usage(fmt.Errorf(format, args...)) }

// failed is an error of the run itself.
func failed(err error) *exitError { return &exitError{exitFailed, err} }

// flagError adds the nearest flag to what is said about an unknown one.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) || len(unknown.GetSpecifiedName()) < 2 {
		return usage(err)
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	cmd.InheritedFlags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	if near := scenarios.Nearest(unknown.GetSpecifiedName(), names); near != "" {
		return usagef("%w; did you mean --%s?", err, near)
	}
	return usagef("%w; `%s --help` lists them", err, strings.TrimSpace(cmd.CommandPath()))
}
