package convert

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// sheet is a CSV file with a header.
type sheet struct {
	header []string // in lower case, without blanks at the ends
	rows   [][]string
}

func newSheet(data []byte) (*sheet, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	first, _, _ := bytes.Cut(data, []byte("\n"))
	r := csv.NewReader(bytes.NewReader(data))
	r.FieldsPerRecord, r.TrimLeadingSpace, r.Comment = -1, true, '#'
	for _, c := range []rune{'\t', ';'} {
		if bytes.ContainsRune(first, c) && !bytes.ContainsRune(first, ',') {
			r.Comma = c
		}
	}
	s := &sheet{}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return s, nil
		}
		if err != nil {
			return nil, err
		}
		if s.header == nil {
			for _, name := range row {
				s.header = append(s.header, strings.ToLower(strings.TrimSpace(name)))
			}
			continue
		}
		if len(row) == 1 && strings.TrimSpace(row[0]) == "" {
			continue
		}
		s.rows = append(s.rows, row)
	}
}

// column is the first of the named columns, -1 where there is none.
func (s *sheet) column(names ...string) int {
	for _, name := range names {
		if i := slices.Index(s.header, name); i >= 0 {
			return i
		}
	}
	return -1
}

// number is a field as a number; NaN where the column is not there or the field is empty.
func (s *sheet) number(row, column int) (float64, error) {
	if column < 0 || column >= len(s.rows[row]) || strings.TrimSpace(s.rows[row][column]) == "" {
		return math.NaN(), nil
	}
	text := strings.TrimSpace(s.rows[row][column])
	x, err := parseNumber(text)
	if err != nil {
		return 0, fmt.Errorf("row %d, column %s: %w", row+2, s.header[column], err)
	}
	return x, nil
}

// parseNumber reads a number that is finite.
func parseNumber(text string) (float64, error) {
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(x, 0) || math.IsNaN(x) {
		return 0, fmt.Errorf("%q is not a number", text)
	}
	return x, nil
}

// The names of a table's columns.
var (
	batchNames       = []string{"batch", "batch_size", "batchsize", "n", "n_samples", "size", "batch size"}
	concurrencyNames = []string{"concurrency", "concurrent", "clients", "k"}
	unitNames        = []struct {
		suffix  string
		seconds float64
	}{{"_us", 1e-6}, {"_ms", 1e-3}, {"_s", 1}, {" (ms)", 1e-3}, {" (s)", 1}, {"", 1}}
)

// timeColumn finds a column of a time by its name with a unit; without one it is seconds.
func (s *sheet) timeColumn(names ...string) (column int, unit float64) {
	for _, name := range names {
		for _, u := range unitNames {
			if i := s.column(name + u.suffix); i >= 0 {
				return i, u.seconds
			}
		}
	}
	return -1, 1
}

func isTable(s *source) bool {
	if s.sheet == nil || len(s.sheet.rows) == 0 {
		return false
	}
	l, _ := s.sheet.timeColumn(meanNames...)
	m, _ := s.sheet.timeColumn("p50", "median")
	return l >= 0 || m >= 0
}

var meanNames = []string{"latency", "time", "mean", "avg", "avg_latency", "mean_latency",
	"latency_avg", "duration"}

// readTable reads a table of batch and latency. Rows of the same batch and concurrency are averaged.
func readTable(f *source, r *Result) error {
	s := f.sheet
	batch, concurrency := s.column(batchNames...), s.column(concurrencyNames...)
	mean, meanUnit := s.timeColumn(meanNames...)
	p50, p50Unit := s.timeColumn("p50", "median")
	p95, p95Unit := s.timeColumn("p95")
	p99, p99Unit := s.timeColumn("p99")
	if mean < 0 && p50 < 0 {
		return fmt.Errorf("there is no column of latencies; the columns are %s, and one of latency_ms, "+
			"mean_ms, p50_ms, or with _s or _us, is expected", strings.Join(s.header, ", "))
	}
	if batch < 0 && concurrency < 0 {
		return fmt.Errorf("there is no column batch or concurrency; the columns are %s",
			strings.Join(s.header, ", "))
	}
	for i := range s.rows {
		var failed error
		get := func(column int, unit, otherwise float64) float64 {
			x, err := s.number(i, column)
			failed = errors.Join(failed, err)
			if math.IsNaN(x) {
				return otherwise
			}
			return x * unit
		}
		if get(mean, meanUnit, 0) < 0 || get(p50, p50Unit, 0) < 0 {
			continue // how benchmarks write that the GPU's memory was too small
		}
		row := Row{Batch: int(get(batch, 1, 1)), Concurrency: get(concurrency, 1, 1),
			Mean: get(mean, meanUnit, 0), P50: get(p50, p50Unit, 0), P95: get(p95, p95Unit, 0),
			P99: get(p99, p99Unit, 0)}
		switch {
		case failed != nil:
			return failed
		case row.Batch < 1:
			return fmt.Errorf("row %d: a batch of %d", i+2, row.Batch)
		}
		r.add(row)
	}
	return nil
}

// add joins a row with one of the same load: latencies become means over repeats.
func (r *Result) add(row Row) {
	for i := range r.Rows {
		o := &r.Rows[i]
		if o.Batch == row.Batch && o.Concurrency == row.Concurrency {
			o.repeats++
			w := 1 / float64(o.repeats+1)
			o.Mean += (row.Mean - o.Mean) * w
			o.P50 += (row.P50 - o.P50) * w
			o.P95 += (row.P95 - o.P95) * w
			o.P99 += (row.P99 - o.P99) * w
			return
		}
	}
	r.Rows = append(r.Rows, row)
}
