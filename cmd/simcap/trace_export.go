package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/simcap/simcap/trace"
)

// exportedColumn is a column of an exported trace; a cell without a value is "".
type exportedColumn struct {
	name string
	of   func(*trace.Row) string
}

// exported are the columns beside the instant, by names that the general format knows.
var exported = [...]exportedColumn{
	{"function", func(r *trace.Row) string { return quoted(r.Function) }},
	{"size", func(r *trace.Row) string { return given(r.Size) }},
	{"demand_s", func(r *trace.Row) string { return given(r.Demand / 1e9) }},
	{"prompt_tokens", func(r *trace.Row) string { return given(r.Prompt) }},
	{"output_tokens", func(r *trace.Row) string { return given(r.Output) }},
	{"status", func(r *trace.Row) string {
		if r.Status == 0 {
			return ""
		}
		return strconv.Itoa(r.Status)
	}},
}

func given(v float64) string {
	if math.IsNaN(v) {
		return ""
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// quoted is a text as a CSV cell.
func quoted(s string) string {
	if !strings.ContainsAny(s, ",\"\n\r") {
		return s
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}

// writeNew writes a file that has its name only when it is whole; - is standard output. A file that
// exists is only replaced by force.
func writeNew(name string, force bool, write func(io.Writer) error, cmd *cobra.Command) error {
	if name == "-" {
		b := bufio.NewWriter(cmd.OutOrStdout())
		if err := errors.Join(write(b), b.Flush()); err != nil {
			return failed(err)
		}
		return nil
	}
	if _, err := os.Lstat(name); err == nil && !force {
		return usagef("%s is there already; name another file, or use --force", name)
	}
	file, err := os.CreateTemp(filepath.Dir(name), ".simcap-*")
	if err != nil {
		return usage(err)
	}
	b := bufio.NewWriterSize(file, 1<<18)
	err = errors.Join(write(b), b.Flush(), file.Chmod(0o644), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), name)
	}
	if err != nil {
		os.Remove(file.Name())
		return failed(err)
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "wrote %s\n", name)
	return nil
}
