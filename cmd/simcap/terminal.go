package main

import (
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// terminalFile is the terminal that the writer is; nil where it is a file, a pipe or a buffer.
func terminalFile(w io.Writer) *os.File {
	if o, ok := w.(*output); ok {
		w = o.to
	}
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	return f
}

// terminalWidth is how many columns the writer shows; 0 where it is no terminal.
func terminalWidth(w io.Writer) int {
	f := terminalFile(w)
	if f == nil {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// wantsColor says whether the writer gets colours: a terminal does, unless the user has said no by
// --no-color, NO_COLOR (no-color.org) or TERM=dumb; CLICOLOR_FORCE asks for them everywhere.
func wantsColor(cmd *cobra.Command, w io.Writer) bool {
	if off, err := cmd.Root().PersistentFlags().GetBool("no-color"); err == nil && off {
		return false
	}
	if os.Getenv("NO_COLOR") != "" {
		return false
	}
	if force := os.Getenv("CLICOLOR_FORCE"); force != "" && force != "0" {
		return true
	}
	return terminalFile(w) != nil && os.Getenv("TERM") != "dumb"
}
