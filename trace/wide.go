package trace

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/simcap/simcap/sim"
)

// wide reads tables that have one row per function and one column per minute, whose cells count the
// function's requests in that minute.
type wide struct {
	t      *table
	first  int // the first minute's column
	minute []int64
	line   int64 // of the row whose minutes are being handed out; 0: none
	at     int   // the next of them
	begun  bool
}

// openAzure2019 reads the invocation files of Azure Functions 2019, one per day.
func openAzure2019(in *input, o *Options, r *Report) (parser, error) {
	return newWide(in, o, r, []column{{name: "HashApp", role: roleApp},
		{name: "HashFunction", role: roleFunction}})
}

// openFaaSRail reads the specifications of FaaSRail: the mean duration in ms, the workload that
// stands for the function, then a column per minute of the experiment.
func openFaaSRail(in *input, o *Options, r *Report) (parser, error) {
	return newWide(in, o, r, []column{{name: "avg", role: roleDuration, unit: unitMS},
		{name: "mapped_wreq", role: roleFunction}})
}

func newWide(in *input, o *Options, r *Report, layout []column) (parser, error) {
	layout = append(layout, column{name: "1", role: roleTime}, column{name: "1-288", role: roleTime})
	t, err := newTable(in, ',', o, r, layout)
	if err != nil {
		return nil, err
	}
	w := &wide{t: t, first: -1}
	for i := range t.columns {
		if c := t.columns[i].name; c != "" && c[0] >= '0' && c[0] <= '9' {
			t.columns[i].role = roleNone
			if w.first < 0 {
				w.first = i
			}
		}
	}
	if w.first < 0 {
		return nil, errors.New("no columns of minutes (1, 2, 3, ...)")
	}
	w.minute = make([]int64, len(t.columns)-w.first)
	r.Step = sim.Minute
	return w, nil
}

// next hands out the minutes of a row that have requests; of the first row also the first and the last
// minute, so that the file's span is known.
func (w *wide) next(rec *record) error {
	for {
		if w.line == 0 {
			if err := w.row(); err != nil {
				return err
			}
		}
		for w.at < len(w.minute) {
			i := w.at
			w.at++
			edge := !w.begun && (i == 0 || i == len(w.minute)-1)
			if w.minute[i] == 0 && !edge {
				continue
			}
			w.fill(rec, i)
			return nil
		}
		w.line, w.begun = 0, true
	}
}

func (w *wide) fill(rec *record, i int) {
	c := w.t.cells
	rec.at, rec.length = int64(i)*int64(sim.Minute), int64(sim.Minute)
	rec.count, rec.line, rec.function = float64(w.minute[i]), w.line, c.name
	if rec.function == "" {
		rec.function = c.app
	}
	if c.has[roleDuration] {
		rec.demand = c.duration
	}
}

// row reads one line.
func (w *wide) row() error {
	line, err := w.t.in.next()
	if err != nil {
		return err
	}
	if bytes.Equal(line, w.t.header) {
		return nil
	}
	w.t.cells.clear()
	rest, more := line, true
	for i := range w.t.columns {
		if !more {
			return newBad(w.t.in.line, line, "%d columns, expected %d", i, len(w.t.columns))
		}
		var cell []byte
		ok := false
		if cell, rest, more, ok = w.t.cell(rest); !ok {
			return newBad(w.t.in.line, line, "a quote is not closed")
		}
		if i >= w.first {
			n, ok := amount(bytes.TrimSpace(cell))
			if !ok || n != float64(int64(n)) {
				return newBad(w.t.in.line, line, "minute %s has no number of requests",
					w.t.columns[i].name)
			}
			w.minute[i-w.first] = int64(n)
		} else if what := w.meta(i, cell); what != "" {
			return newBad(w.t.in.line, line, "%s", what)
		}
	}
	w.line, w.at = w.t.in.line, 0
	return nil
}

// meta takes a cell before the minutes. The workload of FaaSRail is a JSON object whose "bench" names
// the function.
func (w *wide) meta(i int, cell []byte) string {
	if len(cell) > 0 && cell[0] == '{' {
		if _, after, ok := bytes.Cut(cell, []byte(`"bench": "`)); ok {
			cell, _, _ = bytes.Cut(after, []byte{'"'})
		}
	}
	return w.t.cells.set(&w.t.columns[i], cell)
}

// grafana reads the CSV export of a panel: a time and one column per series, whose cells are rates.
type grafana struct {
	t      *table
	series []column
	values []record
	at     int
}

// sniffGrafana: a first column called Time, in quotes or with a capital, before the series.
func sniffGrafana(h *head) bool {
	line := h.first()
	return (bytes.HasPrefix(line, []byte(`"Time",`)) || bytes.HasPrefix(line, []byte("Time,"))) &&
		len(h.lines) > 1 && !h.header(",", "function") && !h.header(",", "status")
}

func openGrafana(in *input, o *Options, r *Report) (parser, error) {
	mapped := *o
	counts := mapped.Columns["count"] == "*"
	if counts {
		mapped.Columns = maps.Clone(mapped.Columns)
		delete(mapped.Columns, "count")
	}
	t, err := newTable(in, ',', &mapped, r, []column{{name: "Time", role: roleTime}})
	if err != nil {
		return nil, err
	}
	g := &grafana{t: t, series: make([]column, len(t.columns))}
	for i := range t.columns {
		if t.columns[i].role == roleTime {
			continue
		}
		g.series[i] = column{name: t.columns[i].name, role: roleRate}
		if counts {
			g.series[i].role = roleCount
		}
	}
	if counts {
		r.note("series are read as requests per step, times as UTC")
		return g, nil
	}
	r.note("series are read as requests per second (map count to * if they are counts per step), " +
		"times as UTC")
	return g, nil
}

// next hands out the series of one line after the other.
func (g *grafana) next(rec *record) error {
	for g.at == len(g.values) {
		if err := g.row(); err != nil {
			return err
		}
	}
	*rec = g.values[g.at]
	g.at++
	return nil
}

func (g *grafana) row() error {
	line, err := g.t.in.next()
	if err != nil {
		return err
	}
	if bytes.Equal(line, g.t.header) {
		return nil
	}
	g.values, g.at = g.values[:0], 0
	c := g.t.cells
	c.clear()
	rest, more := line, true
	for i := 0; i < len(g.series) && more; i++ {
		var cell []byte
		ok := false
		if cell, rest, more, ok = g.t.cell(rest); !ok {
			return newBad(g.t.in.line, line, "a quote is not closed")
		}
		if g.series[i].role == roleNone {
			if what := c.set(&g.t.columns[i], cell); what != "" {
				return newBad(g.t.in.line, line, "%s", what)
			}
			continue
		}
		if what := g.cell(&g.series[i], cell); what != "" {
			g.values = g.values[:0]
			return newBad(g.t.in.line, line, "%s", what)
		}
	}
	if !c.has[roleTime] {
		g.values = g.values[:0]
		return newBad(g.t.in.line, line, "no time")
	}
	for i := range g.values {
		g.values[i].at = c.start
	}
	return nil
}

// cell takes one series' cell; an empty one is a gap.
func (g *grafana) cell(col *column, cell []byte) string {
	var rec record
	rec.clear()
	rec.count = 0
	rec.function, rec.length, rec.line = col.name, oneStep, g.t.in.line
	rec.poisson = col.role == roleRate
	cell = bytes.TrimSpace(cell)
	if !missing(cell) {
		v, ok := rateWithUnit(cell)
		if !ok {
			return fmt.Sprintf("series %s is not a rate", col.name)
		}
		rec.count = v
	}
	g.values = append(g.values, rec)
	return ""
}

// rateWithUnit reads 1.70, 1.70 req/s, 102 rpm or 1.2 K req/s.
func rateWithUnit(cell []byte) (float64, bool) {
	number, unit := cell, ""
	if blank := bytes.IndexByte(cell, ' '); blank > 0 {
		number, unit = cell[:blank], strings.TrimSpace(string(cell[blank+1:]))
	}
	v, ok := amount(number)
	if strings.HasPrefix(unit, "K ") || unit == "K" {
		v *= 1000
	}
	switch {
	case strings.HasSuffix(unit, "/min"), strings.HasSuffix(unit, "pm"):
		v /= 60
	case strings.HasSuffix(unit, "/h"):
		v /= 3600
	}
	return v, ok
}
