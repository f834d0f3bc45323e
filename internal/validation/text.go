package validation

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// WriteText writes a family for a terminal: a line for each case, or with detail one for each measure.
// A measure that differs is always shown.
func WriteText(out io.Writer, family *Compared, detail bool) error {
	fmt.Fprintln(out, family.Name)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for i := range family.Cases {
		c := &family.Cases[i]
		inside := 0
		for k := range c.Findings {
			if c.Findings[k].Agrees() {
				inside++
			}
		}
		fmt.Fprintf(table, "  %s\t%d of %d agree\t%s\n", c.Case.Name, inside, len(c.Findings), c.Case.Title)
		if !detail && inside == len(c.Findings) {
			continue
		}
		if err := table.Flush(); err != nil {
			return err
		}
		for k := range c.Findings {
			if f := &c.Findings[k]; detail || !f.Agrees() {
				writeLine(table, f)
			}
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	return table.Flush()
}

func writeLine(out io.Writer, f *Finding) {
	unit := ""
	if f.Check.Unit != "" {
		unit = " " + f.Check.Unit
	}
	kind := "exactly"
	if f.Check.Peer != nil {
		kind = "theirs"
	}
	verdict := "agrees"
	if !f.Agrees() {
		verdict = "DIFFERS"
	}
	fmt.Fprintf(out, "    %s\t%s%s\t%s %s\t%s\n", f.Check.Name,
		plusMinus(f.Value, (f.High-f.Low)/2), unit, kind, significant(f.Answer(), 8), verdict)
}
