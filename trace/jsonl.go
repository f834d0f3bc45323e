package trace

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// json says whether a file begins as JSON.
func (h *head) json() bool {
	first := h.first()
	return len(first) > 0 && (first[0] == '{' || first[0] == '[')
}

// lines reads JSON objects, one a line, or the elements of one array. Keys inside objects have paths
// such as metrics.request_latency.value.
type objects struct {
	in      *input
	array   *json.Decoder // the file is one array; nil: lines
	element json.RawMessage
	cells   *cells
	columns map[string]*column
	inner   map[string]bool // paths of objects that hold a column
	path    []byte
	text    []byte
	num     int64
	after   func(*record) string // finishes a record; nil: cells.record does
}

// newObjects reads objects whose keys have the roles of the layout.
func newObjects(in *input, o *Options, r *Report, layout []column) (*objects, error) {
	p := &objects{in: in, cells: newCells(o, r), columns: map[string]*column{},
		inner: map[string]bool{}}
	if err := o.mapColumns(layout); err != nil {
		return nil, err
	}
	for i := range layout {
		col := &layout[i]
		if col.role == roleNone {
			continue
		}
		p.columns[col.name] = col
		for at := 0; at < len(col.name); at++ {
			if col.name[at] == '.' {
				p.inner[col.name[:at]] = true
			}
		}
		p.cells.series = p.cells.series || col.role == roleCount || col.role == roleRate
	}
	text, err := in.peek()
	if err != nil {
		return nil, err
	}
	if text = bytes.TrimLeft(text, " \t\r\n"); len(text) > 0 && text[0] == '[' {
		p.array = json.NewDecoder(in.r)
		if _, err := p.array.Token(); err != nil {
			return nil, documentError(err)
		}
	}
	return p, nil
}

// next reads one object.
func (p *objects) next(rec *record) error {
	for {
		line, number, err := p.object()
		if err != nil {
			return err
		}
		p.cells.clear()
		rec.line = number
		what := p.read(line)
		if p.cells.skip {
			continue
		}
		if what == "" && p.after != nil {
			what = p.after(rec)
		} else if what == "" {
			what = p.cells.record(rec)
		}
		if what != "" {
			return newBad(number, line, "%s", what)
		}
		return nil
	}
}

// object is the text of the next object, and its line or number.
func (p *objects) object() ([]byte, int64, error) {
	if p.array == nil {
		line, err := p.in.next()
		return line, p.in.line, err
	}
	if !p.array.More() {
		return nil, 0, endOfDocument(p.array, 1)
	}
	p.num++
	p.element = p.element[:0]
	if err := p.array.Decode(&p.element); err != nil {
		return nil, 0, documentError(err)
	}
	return p.element, p.num, nil
}

// read sets the cells of one object.
func (p *objects) read(line []byte) string {
	p.path = p.path[:0]
	i, what := p.members(line, blanks(line, 0))
	if what == "" && blanks(line, i) != len(line) {
		return "more than one JSON object"
	}
	return what
}

// members reads the object that begins at i and returns where it ends.
func (p *objects) members(b []byte, i int) (int, string) {
	const broken = "not a JSON object"
	if i >= len(b) || b[i] != '{' {
		return i, broken
	}
	if i = blanks(b, i+1); i < len(b) && b[i] == '}' {
		return i + 1, ""
	}
	depth := len(p.path)
	for {
		end := stringEnd(b, i)
		if end < 0 {
			return i, broken
		}
		key := b[i+1 : end-1]
		if i = blanks(b, end); i >= len(b) || b[i] != ':' {
			return i, broken
		}
		i = blanks(b, i+1)
		var what string
		if i, what = p.member(b, i, key); what != "" {
			return i, what
		}
		p.path = p.path[:depth]
		if i = blanks(b, i); i >= len(b) {
			return i, broken
		}
		switch b[i] {
		case '}':
			return i + 1, ""
		case ',':
			i = blanks(b, i+1)
		default:
			return i, broken
		}
	}
}

// member reads the value of one key.
func (p *objects) member(b []byte, i int, key []byte) (int, string) {
	const broken = "not a JSON object"
	if i >= len(b) {
		return i, broken
	}
	if len(p.path) > 0 {
		p.path = append(p.path, '.')
		p.path = append(p.path, key...)
		key = p.path
	}
	if b[i] == '{' && p.inner[string(key)] {
		if len(p.path) == 0 {
			p.path = append(p.path, key...)
		}
		return p.members(b, i)
	}
	end := valueEnd(b, i)
	if end < 0 {
		return i, broken
	}
	col, ok := p.columns[string(key)]
	if !ok || b[i] == '{' || b[i] == '[' {
		return end, ""
	}
	cell := b[i:end]
	if b[i] == '"' {
		cell = p.unescape(cell)
	}
	return end, p.cells.set(col, cell)
}

// unescape is the text of a JSON string.
func (p *objects) unescape(quoted []byte) []byte {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	var s string
	if json.Unmarshal(quoted, &s) != nil {
		return quoted[1 : len(quoted)-1]
	}
	p.text = append(p.text[:0], s...)
	return p.text
}

// blanks is the first position from i that is no white space.
func blanks(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\n' || b[i] == '\r') {
		i++
	}
	return i
}

// stringEnd is the position after the string that begins at i; -1 if none does.
func stringEnd(b []byte, i int) int {
	if i >= len(b) || b[i] != '"' {
		return -1
	}
	for i++; i < len(b); {
		quote := bytes.IndexByte(b[i:], '"')
		if quote < 0 {
			return -1
		}
		back := i + quote - 1
		for back >= i && b[back] == '\\' {
			back--
		}
		escaped := (i+quote-1-back)%2 == 1
		i += quote + 1
		if !escaped {
			return i
		}
	}
	return -1
}

// valueEnd is the position after the value that begins at i; -1 if it does not end.
func valueEnd(b []byte, i int) int {
	switch b[i] {
	case '"':
		return stringEnd(b, i)
	case '[':
		end := bytes.IndexByte(b[i:], ']')
		if end < 0 {
			return -1
		}
		if bytes.IndexByte(b[i+1:i+end], '[') < 0 && bytes.IndexByte(b[i:i+end], '"') < 0 &&
			bytes.IndexByte(b[i:i+end], '{') < 0 {
			return i + end + 1
		}
		return nestedEnd(b, i)
	case '{':
		return nestedEnd(b, i)
	}
	start := i
	for i < len(b) && b[i] != ',' && b[i] != '}' && b[i] != ']' && b[i] > ' ' {
		i++
	}
	if i == start {
		return -1
	}
	return i
}

// nestedEnd is the position after the array or object that begins at i; -1 if it does not end.
func nestedEnd(b []byte, i int) int {
	for depth := 0; i < len(b); {
		switch b[i] {
		case '"':
			if i = stringEnd(b, i); i < 0 {
				return -1
			}
			continue
		case '[', '{':
			depth++
		case ']', '}':
			if depth--; depth == 0 {
				return i + 1
			}
		}
		i++
	}
	return -1
}

// keys lists the paths of the scalar values in the first objects of a file, in the order in which they
// appear.
func keys(text []byte) []string {
	var found []string
	known := map[string]bool{}
	for n := 0; n < 64 && len(text) > 0; n++ {
		text = bytes.TrimLeft(text, " \t\r\n,[")
		if len(text) == 0 || text[0] != '{' {
			break
		}
		end := nestedEnd(text, 0)
		if end < 0 {
			break
		}
		var v map[string]json.RawMessage
		if json.Unmarshal(text[:end], &v) == nil {
			collect(text[:end], "", &found, known)
		}
		text = text[end:]
	}
	return found
}

// collect adds the paths of an object's scalar values.
func collect(object []byte, prefix string, found *[]string, known map[string]bool) {
	d := json.NewDecoder(bytes.NewReader(object))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return
	}
	for d.More() {
		t, err := d.Token()
		key, ok := t.(string)
		var value json.RawMessage
		if err != nil || !ok || d.Decode(&value) != nil || len(value) == 0 {
			return
		}
		path := prefix + key
		switch {
		case value[0] == '{' && len(*found) < 1000:
			collect(value, path+".", found, known)
		case value[0] != '[' && !known[path]:
			known[path] = true
			*found = append(*found, path)
		}
	}
}

// keyColumns gives the keys the roles that their names suggest, with or without their path.
func keyColumns(text []byte) []column {
	names := keys(text)
	columns := make([]column, len(names))
	for i, name := range names {
		columns[i].name = name
	}
	generic(columns)
	return columns
}

// sniffJSONL: objects with a key that tells the time.
func sniffJSONL(h *head) bool {
	if !h.json() {
		return false
	}
	columns := keyColumns(h.text)
	for i := range columns {
		if columns[i].role == roleTime || columns[i].role == roleEnd {
			return true
		}
	}
	return false
}

func openJSONL(in *input, o *Options, r *Report) (parser, error) {
	text, err := in.peek()
	if err != nil {
		return nil, err
	}
	columns := keyColumns(text)
	r.describe(columns, o)
	if err := o.mapColumns(columns); err != nil {
		return nil, err
	}
	timed := false
	for i := range columns {
		timed = timed || columns[i].role == roleTime || columns[i].role == roleEnd
	}
	if !timed {
		return nil, noTime(columns)
	}
	return newObjects(in, o, r, columns)
}

// hasKeys recognises JSON lines by keys of the first object.
func hasKeys(names ...string) func(*head) bool {
	return func(h *head) bool {
		first := h.first()
		if !h.json() || first[0] != '{' {
			return false
		}
		for _, name := range names {
			if !bytes.Contains(first, []byte(strconv.Quote(name)+":")) {
				return false
			}
		}
		return true
	}
}

// openObjects opens a format of JSON lines whose keys have these roles.
func openObjects(layout ...column) func(*input, *Options, *Report) (parser, error) {
	return func(in *input, o *Options, r *Report) (parser, error) {
		return newObjects(in, o, r, append([]column(nil), layout...))
	}
}
