package trace

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

const parquetMagic = "PAR1"

// parquetFile reads the rows of a Parquet file: one row per request or per bucket, columns by name as
// in a CSV. Only the columns that matter are read, page by page.
type parquetFile struct {
	file    *parquet.File
	groups  []parquet.RowGroup
	group   int // the next one
	columns []parquetColumn
	cells   *cells
	row     int64
	text    []byte
	temp    *os.File // a copy of a file that cannot be read from any place; nil: none
}

// parquetColumn reads the values of one column.
type parquetColumn struct {
	column
	leaf   int // number of the column in the file
	pages  parquet.Pages
	values parquet.ValueReader // of the present page; nil: none
	buffer []parquet.Value
	at, n  int
}

func sniffParquet(h *head) bool { return bytes.HasPrefix(h.text, []byte(parquetMagic)) }

// openParquet opens the file. A Parquet file has its directory at its end: what cannot be read from
// any place, such as standard input, is copied to a temporary file first.
func openParquet(in *input, o *Options, r *Report) (parser, error) {
	p := &parquetFile{cells: newCells(o, r)}
	at, size, err := p.whole(in)
	if err == nil {
		p.file, err = openParquetFile(at, size)
	}
	if err == nil {
		err = p.choose(o, r)
	}
	if err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

// whole is the file as something that can be read from any place.
func (p *parquetFile) whole(in *input) (io.ReaderAt, int64, error) {
	if file, ok := in.raw.(interface {
		io.ReaderAt
		io.Seeker
	}); ok {
		if size, err := file.Seek(0, io.SeekEnd); err == nil {
			return file, size, nil
		}
	}
	file, err := os.CreateTemp("", "simcap-parquet-*")
	if err != nil {
		return nil, 0, err
	}
	p.temp = file
	size, err := io.Copy(file, in.r)
	if err != nil {
		return nil, 0, in.fault(err)
	}
	return file, size, nil
}

// errDirectory says what no library has words for that people know.
var errDirectory = errors.New("a broken Parquet file: the directory at its end, which says where the " +
	"columns are, is damaged; copy or write the file again")

// watchedReader keeps the error of a file that cannot be read, to tell it from one that is damaged.
type watchedReader struct {
	io.ReaderAt
	err error
}

// ReadAt implements io.ReaderAt.
func (w *watchedReader) ReadAt(b []byte, off int64) (int, error) {
	n, err := w.ReaderAt.ReadAt(b, off)
	var failed *os.PathError
	if errors.As(err, &failed) {
		w.err = err
	}
	return n, err
}

// openParquetFile opens a Parquet file; the library panics at some broken ones.
func openParquetFile(at io.ReaderAt, size int64) (f *parquet.File, err error) {
	defer func() {
		if p := recover(); p != nil {
			f, err = nil, errDirectory
		}
	}()
	end := make([]byte, 4+len(parquetMagic)) // the directory's length, and the mark
	if size < 12 {
		return nil, errors.New("a Parquet file without its end: it is truncated")
	}
	if _, err := at.ReadAt(end, size-int64(len(end))); err != nil {
		return nil, err
	}
	if string(end[4:]) != parquetMagic {
		return nil, errors.New("a Parquet file without its end: it is truncated, or still being written")
	}
	if length := int64(binary.LittleEndian.Uint32(end)); length > size-12 {
		return nil, fmt.Errorf("a broken Parquet file: its directory has %d bytes, more than the "+
			"file", length)
	}
	watched := &watchedReader{ReaderAt: at}
	f, err = parquet.OpenFile(watched, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	switch {
	case err != nil && watched.err != nil:
		return nil, watched.err
	case err != nil:
		return nil, errDirectory
	}
	return f, nil
}

// choose finds the columns that matter.
func (p *parquetFile) choose(o *Options, r *Report) error {
	var columns []column
	var leaves []*parquet.Column
	var walk func(c *parquet.Column, prefix string)
	walk = func(c *parquet.Column, prefix string) {
		for _, child := range c.Columns() {
			name := prefix + child.Name()
			switch {
			case child.Repeated():
			case child.Leaf():
				columns = append(columns, column{name: name})
				leaves = append(leaves, child)
			default:
				walk(child, name+".")
			}
		}
	}
	walk(p.file.Root(), "")
	generic(columns)
	r.describe(columns, o)
	if err := o.mapColumns(columns); err != nil {
		return err
	}
	timed := false
	for i := range columns {
		switch columns[i].role {
		case roleNone:
			continue
		case roleTime, roleEnd:
			timed = true
			if unit := timestampUnit(leaves[i]); unit != unitUnknown {
				columns[i].unit = unit
			} else if o.TimeUnit != "" {
				columns[i].unit = o.unit(unitS)
			}
		case roleCount, roleRate:
			p.cells.series = true
		}
		p.columns = append(p.columns, parquetColumn{column: columns[i], leaf: leaves[i].Index(),
			buffer: make([]parquet.Value, 256)})
	}
	if !timed {
		return noTime(columns)
	}
	p.groups = p.file.RowGroups()
	return nil
}

// timestampUnit is the unit of a column of instants, unitUnknown if it is not one.
func timestampUnit(c *parquet.Column) int {
	t := c.Type()
	if t.Kind() == parquet.Int96 {
		return unitNS // as text makes it
	}
	kind := t.LogicalType()
	if kind == nil {
		return unitUnknown
	}
	logical, ok := kind.Value.(*format.TimestampType)
	if !ok {
		return unitUnknown
	}
	switch logical.Unit.Value.(type) {
	case *format.MilliSeconds:
		return unitMS
	case *format.MicroSeconds:
		return unitUS
	}
	return unitNS
}

// next reads one row.
func (p *parquetFile) next(rec *record) (err error) {
	defer func() {
		if broken := recover(); broken != nil {
			err = p.fault(errors.New(damagedPage))
		}
	}()
	p.cells.clear()
	p.row++
	rec.line = p.row
	what := ""
	for i := range p.columns {
		v, err := p.value(i)
		if err != nil {
			return err
		}
		if v.IsNull() {
			continue
		}
		p.text = text(p.text[:0], v)
		if w := p.cells.set(&p.columns[i].column, p.text); what == "" {
			what = w
		}
	}
	if what == "" {
		what = p.cells.record(rec)
	}
	if what != "" {
		return newBad(p.row, p.text, "%s", what)
	}
	return nil
}

// value is the next value of the i-th column; io.EOF after the last row group.
func (p *parquetFile) value(i int) (parquet.Value, error) {
	c := &p.columns[i]
	for c.at == c.n {
		ok, err := c.fill()
		if err != nil {
			return parquet.Value{}, p.fault(err)
		}
		if ok {
			continue
		}
		if i > 0 && c.pages != nil {
			return parquet.Value{}, p.fault(errLengths)
		}
		if err := p.nextGroup(); err != nil {
			return parquet.Value{}, err
		}
	}
	c.at++
	return c.buffer[c.at-1], nil
}

// fill reads more values of the row group; false at its end.
func (c *parquetColumn) fill() (bool, error) {
	if c.pages == nil {
		return false, nil
	}
	for {
		if c.values == nil {
			page, err := c.pages.ReadPage()
			if err == io.EOF {
				return false, nil
			}
			if err != nil {
				return false, err
			}
			c.values = page.Values()
		}
		n, err := c.values.ReadValues(c.buffer)
		if err == io.EOF {
			c.values = nil
		} else if err != nil {
			return false, err
		}
		if c.at, c.n = 0, n; n > 0 {
			return true, nil
		}
	}
}

// nextGroup begins the next row group.
func (p *parquetFile) nextGroup() error {
	if p.group == len(p.groups) {
		p.row--
		if err := p.close(); err != nil {
			return err
		}
		return io.EOF
	}
	chunks := p.groups[p.group].ColumnChunks()
	p.group++
	for i := range p.columns {
		c := &p.columns[i]
		if c.pages != nil {
			c.pages.Close()
		}
		c.pages, c.values, c.at, c.n = chunks[c.leaf].Pages(), nil, 0, 0
	}
	return nil
}

// damagedPage says what is wrong where the library cannot read a page of values.
const damagedPage = "what follows is damaged; copy or write the file again"

// fault explains an error of the library, whose own words name its insides: a file that cannot be read,
// a compression that it does not know, or a damage.
func (p *parquetFile) fault(err error) error {
	var failed *os.PathError
	_, codec, found := strings.Cut(err.Error(), "unsupported compression codec: ")
	switch {
	case errors.As(err, &failed):
		return fmt.Errorf("after row %d: %w", p.row-1, err)
	case found:
		return fmt.Errorf("a Parquet file whose pages are compressed in a way that simcap does not "+
			"know (%s); write it with Snappy, Gzip, Brotli, Zstd or LZ4_RAW", codec)
	case errors.Is(err, errLengths):
		return fmt.Errorf("after row %d: a broken Parquet file: %w", p.row-1, err)
	}
	return fmt.Errorf("after row %d: a broken Parquet file: %s", p.row-1, damagedPage)
}

// errLengths says that the columns do not end together.
var errLengths = errors.New("its columns differ in length")

// text writes a value as a CSV would have it; the old Int96 instants (nanoseconds of the day, then
// the Julian day) as nanoseconds since 1970.
func text(b []byte, v parquet.Value) []byte {
	switch v.Kind() {
	case parquet.Boolean:
		return strconv.AppendBool(b, v.Boolean())
	case parquet.Int32:
		return strconv.AppendInt(b, int64(v.Int32()), 10)
	case parquet.Int64:
		return strconv.AppendInt(b, v.Int64(), 10)
	case parquet.Float:
		return strconv.AppendFloat(b, float64(v.Float()), 'f', -1, 32)
	case parquet.Double:
		return strconv.AppendFloat(b, v.Double(), 'f', -1, 64)
	case parquet.Int96:
		const julianDayOf1970 = 2440588
		raw := v.Int96()
		var bytes [12]byte
		for i, word := range raw {
			binary.LittleEndian.PutUint32(bytes[4*i:], word)
		}
		ns := int64(binary.LittleEndian.Uint64(bytes[:8]))
		day := int64(binary.LittleEndian.Uint32(bytes[8:])) - julianDayOf1970
		return strconv.AppendInt(b, day*nsPerDay+ns, 10)
	}
	return append(b, v.ByteArray()...)
}

// close gives back pages and removes the copy.
func (p *parquetFile) close() error {
	for i := range p.columns {
		if c := &p.columns[i]; c.pages != nil {
			c.pages.Close()
			c.pages = nil
		}
	}
	if p.temp == nil {
		return nil
	}
	name := p.temp.Name()
	err := errors.Join(p.temp.Close(), os.Remove(name))
	p.temp = nil
	return err
}
