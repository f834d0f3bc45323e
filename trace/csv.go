package trace

import (
	"bytes"
)

// table reads lines of separated cells, the first of which may be a header.
type table struct {
	in      *input
	sep     byte
	columns []column
	header  []byte // the header line, which may stand in the file again
	cells   *cells
	last    int // the last column that matters
	unquote []byte
}

// newTable reads the header of a table whose columns have these names. A name that the file lacks has
// no column; names are compared as normalName makes them.
func newTable(in *input, sep byte, o *Options, r *Report, layout []column) (*table, error) {
	line, err := in.next()
	if err != nil {
		return nil, err
	}
	t := &table{in: in, sep: sep, cells: newCells(o, r), header: bytes.Clone(line)}
	t.cells.comma = sep == ';'
	names := splitHeader(t.header, sep)
	t.columns = make([]column, len(names))
	for i, name := range names {
		t.columns[i].name = name
		for _, want := range layout {
			if normalName(name) == normalName(want.name) {
				t.columns[i] = want
				t.columns[i].name = name
			}
		}
	}
	if err := o.mapColumns(t.columns); err != nil {
		return nil, err
	}
	return t, t.finish()
}

// newBare is a table without a header.
func newBare(in *input, sep byte, o *Options, r *Report, columns []column) (*table, error) {
	t := &table{in: in, sep: sep, cells: newCells(o, r), columns: columns}
	t.cells.comma = sep == ';'
	if err := o.mapColumns(t.columns); err != nil {
		return nil, err
	}
	return t, t.finish()
}

// finish notes the last column that matters and whether rows are buckets.
func (t *table) finish() error {
	timed := false
	for i := range t.columns {
		switch t.columns[i].role {
		case roleNone:
			continue
		case roleCount, roleRate:
			t.cells.series = true
		case roleTime, roleEnd:
			timed = true
		}
		t.last = i
	}
	if !timed {
		return noTime(t.columns)
	}
	return nil
}

// next reads one row.
func (t *table) next(rec *record) error {
	for {
		line, err := t.in.next()
		if err != nil {
			return err
		}
		if t.header != nil && bytes.Equal(line, t.header) || line[0] == '#' {
			continue // of files that were put together, or a comment
		}
		t.cells.clear()
		rec.line = t.in.line
		what := ""
		if bytes.IndexByte(line, '"') < 0 {
			what = t.plain(line)
		} else {
			what = t.quoted(line)
		}
		if t.cells.skip {
			continue
		}
		if what == "" {
			what = t.cells.record(rec)
		}
		if what != "" {
			return newBad(t.in.line, line, "%s", what)
		}
		return nil
	}
}

// plain reads a line without quotes.
func (t *table) plain(line []byte) string {
	rest := line
	for i := 0; ; i++ {
		cell := rest
		end := bytes.IndexByte(rest, t.sep)
		if end >= 0 {
			cell, rest = rest[:end], rest[end+1:]
		}
		if col := &t.columns[i]; col.role != roleNone {
			if what := t.cells.set(col, cell); what != "" || t.cells.skip {
				return what
			}
		}
		switch {
		case i == t.last:
			return ""
		case end < 0:
			return "too few columns"
		}
	}
}

// quoted reads a line with quoted cells, in which a doubled quote stands for one.
func (t *table) quoted(line []byte) string {
	rest := line
	for i := 0; ; i++ {
		cell, after, more, ok := t.cell(rest)
		if !ok {
			return "a quote is not closed"
		}
		rest = after
		if col := &t.columns[i]; col.role != roleNone {
			if what := t.cells.set(col, cell); what != "" || t.cells.skip {
				return what
			}
		}
		switch {
		case i == t.last:
			return ""
		case !more:
			return "too few columns"
		}
	}
}

// cell takes the first cell off a line.
func (t *table) cell(line []byte) (cell, rest []byte, more, ok bool) {
	if len(line) == 0 || line[0] != '"' {
		cell, rest, more = bytes.Cut(line, []byte{t.sep})
		return cell, rest, more, true
	}
	t.unquote = t.unquote[:0]
	for i := 1; i < len(line); i++ {
		if line[i] != '"' {
			t.unquote = append(t.unquote, line[i])
			continue
		}
		if i+1 < len(line) && line[i+1] == '"' {
			t.unquote = append(t.unquote, '"')
			i++
			continue
		}
		_, rest, more = bytes.Cut(line[i+1:], []byte{t.sep})
		return t.unquote, rest, more, true
	}
	return nil, nil, false, false
}
