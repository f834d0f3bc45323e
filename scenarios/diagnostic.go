package scenarios

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Severity says whether a scenario with the diagnostic can be run.
type Severity string

// An error stops the run; a warning says that something in the file has no effect or a surprising
// one.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Diagnostic is one thing that is wrong with a scenario, and where.
type Diagnostic struct {
	Severity Severity `json:"severity"`
	File     string   `json:"file"`
	Line     int      `json:"line"`   // from 1; 0: the file as a whole
	Column   int      `json:"column"` // from 1, in characters; 0: the file as a whole
	Path     string   `json:"path"`   // dotted key, for example functions.embed.min_containers
	Message  string   `json:"message"`
	Help     string   `json:"help,omitempty"`
	excerpt  excerpt
}

// excerpt is the text around a diagnostic.
type excerpt struct {
	before, line string // the line before it, "" if none; and its own
	width        int    // characters that the caret underlines
}

// Diagnostics are all that a scenario's reader found, in the order of the file.
type Diagnostics []Diagnostic

// Failed says whether an error is among them.
func (ds Diagnostics) Failed() bool {
	return slices.ContainsFunc(ds, func(d Diagnostic) bool { return d.Severity == Error })
}

// Err is the diagnostics as one error, nil where none is an error.
func (ds Diagnostics) Err() error {
	if !ds.Failed() {
		return nil
	}
	return ds
}

// Error is the full text, as a person reads it.
func (ds Diagnostics) Error() string { return strings.TrimSuffix(ds.Text(false), "\n") }

// Text writes the diagnostics for a person: place and message, the line with a caret below, help.
func (ds Diagnostics) Text(color bool) string {
	var b strings.Builder
	for i := range ds {
		ds[i].write(&b, color)
	}
	return b.String()
}

// The escapes of a terminal.
const (
	bold   = "\x1b[1m"
	red    = "\x1b[1;31m"
	yellow = "\x1b[1;33m"
	blue   = "\x1b[1;34m"
	plain  = "\x1b[0m"
)

func (d *Diagnostic) write(b *strings.Builder, color bool) {
	paint := func(code, text string) string {
		if !color {
			return text
		}
		return code + text + plain
	}
	tone := red
	if d.Severity == Warning {
		tone = yellow
	}
	fmt.Fprintf(b, "%s: %s: %s\n", paint(bold, d.Place()), paint(tone, string(d.Severity)),
		d.Message)
	if d.Line > 0 && d.excerpt.line != "" {
		number := fmt.Sprint(d.Line)
		if before := d.excerpt.before; strings.TrimSpace(before) != "" {
			fmt.Fprintf(b, "  %s %s\n", paint(blue, fmt.Sprintf("%*d |", len(number), d.Line-1)),
				clip(before))
		}
		fmt.Fprintf(b, "  %s %s\n", paint(blue, number+" |"), clip(d.excerpt.line))
		if d.Column <= longestExcerpt {
			carets := strings.Repeat("^", min(max(1, d.excerpt.width), longestExcerpt-d.Column+1))
			gap := strings.Repeat(" ", len(number)+1)
			fmt.Fprintf(b, "  %s%s %s%s\n", gap, paint(blue, "|"), indent(d.excerpt.line,
				d.Column-1),
				paint(tone, carets))
		}
	}
	if d.Help != "" {
		fmt.Fprintf(b, "  help: %s\n", d.Help)
	}
	if d.Path != "" {
		fmt.Fprintf(b, "  in:   %s\n", d.Path)
	}
}

// longestExcerpt is how much of a line is shown, in characters.
const longestExcerpt = 160

func clip(line string) string {
	if utf8.RuneCountInString(line) <= longestExcerpt {
		return line
	}
	return string([]rune(line)[:longestExcerpt]) + "…"
}

// indent is white space as wide as the first n characters of the line, tabs kept.
func indent(line string, n int) string {
	var b strings.Builder
	for i, r := range []rune(line) {
		if i == n {
			break
		}
		if r == '\t' {
			b.WriteByte('\t')
		} else {
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// Place is where the diagnostic is: file:line:column, as far as it is known.
func (d *Diagnostic) Place() string {
	if d.Line == 0 {
		return d.File
	}
	return fmt.Sprintf("%s:%d:%d", d.File, d.Line, d.Column)
}

// sortDiagnostics puts them in the order of the text and drops what is there twice.
func sortDiagnostics(ds Diagnostics) Diagnostics {
	slices.SortStableFunc(ds, func(a, b Diagnostic) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return slices.CompactFunc(ds, func(a, b Diagnostic) bool {
		return a.File == b.File && a.Line == b.Line && a.Column == b.Column &&
			a.Message == b.Message
	})
}
