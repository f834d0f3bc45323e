package trace

import (
	"bytes"
)

// access reads the access logs of web servers: the common and the combined form, with further fields
// as key=value (rt, urt, msec and the names of nginx's variables). The server writes a line when the
// request ends, with a clock of whole seconds.
type access struct {
	in    *input
	cells *cells
}

var accessEnd = column{name: "time", role: roleEnd, unit: unitUnknown}

func openAccess(in *input, o *Options, r *Report) (parser, error) {
	return &access{in: in, cells: newCells(o, r)}, nil
}

// sniffAccess: an address, two names, a date in brackets, a request in quotes.
func sniffAccess(h *head) bool {
	for _, line := range h.lines {
		if line[0] == '#' {
			continue
		}
		_, rest, ok := bytes.Cut(line, []byte(" ["))
		if !ok || len(rest) < 28 || rest[26] != ']' || rest[27] != ' ' || rest[28] != '"' {
			return false
		}
		_, _, ok = logInstant(rest[:26])
		return ok
	}
	return false
}

// sniffTimed: an access log with a request time.
func sniffTimed(h *head) bool {
	if !sniffAccess(h) {
		return false
	}
	for _, line := range h.lines {
		if line[0] != '#' {
			tail := line[bytes.LastIndexByte(line, '"')+1:]
			return bytes.Contains(tail, []byte("rt=")) || bytes.Contains(tail, []byte("msec=")) ||
				bytes.Contains(tail, []byte("request_time="))
		}
	}
	return false
}

func (a *access) next(rec *record) error {
	line, err := a.in.next()
	for err == nil && line[0] == '#' {
		line, err = a.in.next()
	}
	if err != nil {
		return err
	}
	rec.line = a.in.line
	a.cells.clear()
	what := a.line(line)
	if what == "" {
		what = a.cells.record(rec)
	}
	if what != "" {
		return newBad(a.in.line, line, "%s", what)
	}
	return nil
}

// line takes a line apart.
func (a *access) line(line []byte) string {
	open := bytes.Index(line, []byte(" ["))
	if open < 0 {
		return "no date in brackets"
	}
	rest := line[open+2:]
	date, rest, ok := bytes.Cut(rest, []byte("] \""))
	if !ok {
		return "no request after the date"
	}
	if what := a.cells.set(&accessEnd, date); what != "" {
		return what
	}
	end := quoteEnd(rest)
	if end < 0 {
		return "the request's quote is not closed"
	}
	a.cells.name = a.cells.intern(requestPath(rest[:end]))
	code, rest, _ := bytes.Cut(bytes.TrimLeft(rest[end+1:], " "), []byte{' '})
	if a.cells.status = status(code); a.cells.status == 0 {
		return "no status code after the request"
	}
	return a.further(rest)
}

// quoteEnd is where a quoted text ends in which \" stands for a quote.
func quoteEnd(b []byte) int {
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

// requestPath is the path of "POST /v1/images?x=1 HTTP/1.1", without its query.
func requestPath(request []byte) []byte {
	if _, after, ok := bytes.Cut(request, []byte{' '}); ok {
		request, _, _ = bytes.Cut(after, []byte{' '})
	}
	return pathOf(request)
}

// pathOf is the path of a URL without host and query.
func pathOf(url []byte) []byte {
	if at := bytes.Index(url, []byte("://")); at >= 0 {
		url = url[at+3:]
		slash := bytes.IndexByte(url, '/')
		if slash < 0 {
			return []byte("/")
		}
		url = url[slash:]
	}
	if at := bytes.IndexAny(url, "?#"); at >= 0 {
		url = url[:at]
	}
	return url
}

// accessKeys are the further fields by their key.
var accessKeys = []column{
	{name: "rt", role: roleDuration, unit: unitS},
	{name: "request_time", role: roleDuration, unit: unitS},
	{name: "urt", role: roleDemand, unit: unitS},
	{name: "upstream_response_time", role: roleDemand, unit: unitS},
	{name: "msec", role: roleEnd, unit: unitS},
}

// further reads what follows the status: key=value fields, among bytes and quoted texts.
func (a *access) further(rest []byte) string {
	for len(rest) > 0 {
		equals := bytes.IndexByte(rest, '=')
		if equals < 0 {
			return ""
		}
		if quote := bytes.IndexByte(rest[:equals], '"'); quote >= 0 {
			end := quoteEnd(rest[quote+1:])
			if end < 0 {
				return "a quote is not closed"
			}
			rest = rest[quote+end+2:]
			continue
		}
		key := rest[bytes.LastIndexByte(rest[:equals], ' ')+1 : equals]
		value := rest[equals+1:]
		value, rest = fieldValue(value)
		for i := range accessKeys {
			if accessKeys[i].name == string(key) {
				if what := a.cells.set(&accessKeys[i], value); what != "" {
					return what
				}
			}
		}
	}
	return ""
}

// fieldValue is the value of a field, quoted or up to the next blank, and what follows. A list such as
// "0.1, 0.2" without quotes goes on after its comma.
func fieldValue(b []byte) (value, rest []byte) {
	if len(b) > 0 && b[0] == '"' {
		if end := quoteEnd(b[1:]); end >= 0 {
			return b[1 : end+1], b[end+2:]
		}
	}
	end := 0
	for end < len(b) && (b[end] != ' ' || end > 0 && (b[end-1] == ',' || b[end-1] == ':')) {
		end++
	}
	return b[:end], b[end:]
}

// alb reads the access logs of AWS application load balancers: fields separated by blanks, some in
// quotes. Field 22 is when the request came; it is missing in old logs, where it is the end (field 2)
// less the three processing times.
type alb struct {
	in     *input
	cells  *cells
	fields [][]byte
}

func openALB(in *input, o *Options, r *Report) (parser, error) {
	return &alb{in: in, cells: newCells(o, r)}, nil
}

func sniffALB(h *head) bool {
	fields := splitQuoted(nil, h.first())
	if len(fields) < 13 {
		return false
	}
	switch string(fields[0]) {
	case "http", "https", "h2", "grpcs", "ws", "wss":
	default:
		return false
	}
	_, _, ok := instant(fields[1])
	return ok
}

// splitQuoted splits at blanks outside quotes, and drops the quotes.
func splitQuoted(fields [][]byte, line []byte) [][]byte {
	for len(line) > 0 {
		if line[0] == '"' {
			end := quoteEnd(line[1:])
			if end < 0 {
				return append(fields, line[1:])
			}
			fields = append(fields, line[1:end+1])
			line = bytes.TrimPrefix(line[end+2:], []byte{' '})
			continue
		}
		var field []byte
		field, line, _ = bytes.Cut(line, []byte{' '})
		fields = append(fields, field)
	}
	return fields
}

var (
	albEnd    = column{name: "time", role: roleEnd, unit: unitUnknown}
	albStart  = column{name: "request_creation_time", role: roleTime, unit: unitUnknown}
	albTarget = column{name: "target_processing_time", role: roleDemand, unit: unitS}
)

func (a *alb) next(rec *record) error {
	line, err := a.in.next()
	if err != nil {
		return err
	}
	rec.line = a.in.line
	a.cells.clear()
	what := a.line(line)
	if what == "" {
		what = a.cells.record(rec)
	}
	if what != "" {
		return newBad(a.in.line, line, "%s", what)
	}
	return nil
}

func (a *alb) line(line []byte) string {
	a.fields = splitQuoted(a.fields[:0], line)
	f := a.fields
	if len(f) < 13 {
		return "fewer than 13 fields"
	}
	if what := a.cells.set(&albEnd, f[1]); what != "" {
		return what
	}
	if what := a.cells.set(&albTarget, f[6]); what != "" {
		return what
	}
	if len(f) >= 22 && len(f[21]) > 1 {
		if what := a.cells.set(&albStart, f[21]); what != "" {
			return what
		}
	} else {
		a.cells.duration, a.cells.has[roleDuration] = a.total(f), true
	}
	a.cells.status = status(f[8])
	a.cells.name = a.cells.intern(requestPath(f[12]))
	return ""
}

// total is the sum of the processing times that are given; -1 stands for none.
func (a *alb) total(f [][]byte) float64 {
	sum := 0.0
	for _, cell := range f[5:8] {
		if v, ok := duration(cell, unitS); ok && v > 0 {
			sum += v
		}
	}
	return sum
}
