package trace

import (
	"bytes"
	"strings"
)

// openTable opens a comma-separated format whose columns have these names.
func openTable(layout ...column) func(*input, *Options, *Report) (parser, error) {
	return func(in *input, o *Options, r *Report) (parser, error) {
		return newTable(in, ',', o, r, layout)
	}
}

// hasHeader recognises a comma-separated format by names in its header, in lower case.
func hasHeader(names ...string) func(*head) bool {
	return func(h *head) bool { return h.header(",", names...) }
}

func openAzureLLM(in *input, o *Options, r *Report) (parser, error) {
	return newTable(in, ',', o, r, []column{{name: "TIMESTAMP", role: roleTime, unit: unitS},
		{name: "NumImages", role: roleSize}, {name: "ContextTokens", role: rolePrompt},
		{name: "GeneratedTokens", role: roleOutput}})
}

func openBurstGPT(in *input, o *Options, r *Report) (parser, error) {
	t, err := newTable(in, ',', o, r, []column{
		{name: "Timestamp", role: roleTime, unit: o.unit(unitS)},
		{name: "Elapsed time", role: roleDuration, unit: unitS}, {name: "Model", role: roleFunction},
		{name: "Request tokens", role: rolePrompt}, {name: "Response tokens", role: roleOutput}})
	if err != nil {
		return nil, err
	}
	t.cells.outcome = true
	return t, nil
}

// openVegetaCSV: the columns of `vegeta encode -to=csv`, which has no header.
func openVegetaCSV(in *input, o *Options, r *Report) (parser, error) {
	return newBare(in, ',', o, r, []column{{name: "timestamp", role: roleTime, unit: unitNS},
		{name: "code", role: roleStatus}, {name: "latency", role: roleDuration, unit: unitNS},
		{name: "bytes_out"}, {name: "bytes_in"}, {name: "error", role: roleFailure}, {name: "body"},
		{name: "attack"}, {name: "seq"}, {name: "method"}, {name: "url", role: roleFunction},
		{name: "headers"}})
}

func sniffVegetaCSV(h *head) bool {
	cells := bytes.Split(h.first(), []byte{','})
	if len(cells) != 12 || len(cells[0]) < 18 {
		return false
	}
	for _, i := range []int{0, 1, 2, 3, 4, 8} {
		if _, ok := scaled(cells[i], 0); !ok {
			return false
		}
	}
	return true
}

// k6 writes one row per metric and request, dated when the request ends; http_req_duration has the
// time it took, http_reqs only counts.
func openK6CSV(in *input, o *Options, r *Report) (parser, error) {
	text, err := in.peek()
	if err != nil {
		return nil, err
	}
	layout := []column{{name: "metric_name", role: roleOnly, want: "http_reqs"},
		{name: "timestamp", role: roleEnd, unit: o.unit(unitUnknown)},
		{name: "metric_value"}, {name: "error", role: roleFailure},
		{name: "name", role: roleFunction}, {name: "status", role: roleStatus}}
	if bytes.Contains(text, []byte("\nhttp_req_duration,")) {
		layout[0].want = "http_req_duration"
		layout[2] = column{name: "metric_value", role: roleDuration, unit: unitMS}
	}
	return newTable(in, ',', o, r, layout)
}

// separators are tried in this order for a table without a name.
const separators = ",\t;|"

// separator is the one that splits a header into the most names; 0 if none does.
func separator(line []byte) byte {
	best, most := byte(0), 0
	for i := range len(separators) {
		if n := bytes.Count(line, []byte{separators[i]}); n > most {
			best, most = separators[i], n
		}
	}
	return best
}

// sniffCSV: a header with a column that tells the time.
func sniffCSV(h *head) bool {
	if h.json() || len(h.lines) < 2 {
		return false
	}
	columns := headerColumns(h.first())
	for i := range columns {
		if columns[i].role == roleTime || columns[i].role == roleEnd {
			return true
		}
	}
	return false
}

// headerColumns are the columns of a header by their names; a header of one column has no separator.
func headerColumns(line []byte) []column {
	names := []string{strings.Trim(string(line), `" `)}
	if sep := separator(line); sep != 0 {
		names = splitHeader(line, sep)
	}
	columns := make([]column, len(names))
	for i := range names {
		columns[i].name = names[i]
	}
	generic(columns)
	return columns
}

func openCSV(in *input, o *Options, r *Report) (parser, error) {
	text, err := in.peek()
	if err != nil {
		return nil, err
	}
	line := newHead(text).first()
	sep := separator(line)
	if sep == 0 {
		sep = ','
	}
	columns := headerColumns(line)
	r.describe(columns, o)
	return newTable(in, sep, o, r, columns)
}

// describe notes which columns are read as what.
func (r *Report) describe(columns []column, o *Options) {
	var parts []string
	for i := range columns {
		if columns[i].role == roleNone {
			continue
		}
		name := roleNames[columns[i].role]
		if _, mapped := o.Columns[name]; name != "" && !mapped {
			parts = append(parts, name+" = "+columns[i].name)
		}
	}
	if len(parts) > 0 {
		r.note("columns by their names: " + strings.Join(parts, ", "))
	}
}
