package report

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"github.com/simcap/simcap/experiment"
)

// SweepJSON writes a sweep in its canonical form.
func SweepJSON(w io.Writer, s *experiment.Sweep) error { return writeJSON(w, s) }

// ReadSweepJSON reads what SweepJSON wrote.
func ReadSweepJSON(r io.Reader) (*experiment.Sweep, error) {
	var s experiment.Sweep
	if err := json.NewDecoder(r).Decode(&s); err != nil {
		return nil, fmt.Errorf("report: not a sweep of simcap: %w", err)
	}
	if len(s.Axes) == 0 || s.Points == nil || s.Cost == "" {
		return nil, fmt.Errorf("report: not a sweep of simcap: axes, points or cost_metric is missing")
	}
	s.Restore()
	return &s, nil
}

// WriteSweepData writes sweep.json, sweep.csv and sweep.parquet into a folder, which it makes if need be.
func WriteSweepData(dir string, s *experiment.Sweep) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	for _, file := range []struct {
		name  string
		write func(io.Writer, *experiment.Sweep) error
	}{{"sweep.json", SweepJSON}, {"sweep.csv", SweepCSV}, {"sweep.parquet", SweepParquet}} {
		err := writeFile(filepath.Join(dir, file.name),
			func(w io.Writer) error { return file.write(w, s) })
		if err != nil {
			return err
		}
	}
	return nil
}

// column is a column of the table of a sweep: a text, or a number that may be missing.
type column struct {
	name   string
	text   func(*experiment.SweepPoint) string
	number func(*experiment.SweepPoint) *float64
}

// sweepColumns are the columns of the table of a sweep: the settings as they would stand in the file,
// the verdict, and every metric of the total and of each function with its interval.
func sweepColumns(s *experiment.Sweep) []column {
	columns := []column{{name: "point", number: func(p *experiment.SweepPoint) *float64 {
		v := float64(p.Index)
		return &v
	}}}
	for i, a := range s.Axes {
		columns = append(columns, column{name: a.Key,
			text: func(p *experiment.SweepPoint) string { return p.Point[i].Value }})
	}
	columns = append(columns,
		column{name: "slo", text: func(p *experiment.SweepPoint) string { return p.Verdict }},
		column{name: "frontier", text: func(p *experiment.SweepPoint) string {
			return strconv.FormatBool(p.Frontier)
		}},
		column{name: "replications", number: func(p *experiment.SweepPoint) *float64 {
			if p.Result == nil {
				return nil
			}
			v := float64(p.Result.Replications)
			return &v
		}},
		column{name: "error", text: func(p *experiment.SweepPoint) string { return p.Error }})
	functions, llm := []string{""}, false
	for i := range s.Points {
		if r := s.Points[i].Result; r != nil {
			if len(r.Functions) > 1 {
				functions = append(functions, functionNames(r)...)
			}
			llm = r.Total.TTFTS != nil
			break
		}
	}
	for _, f := range functions {
		columns = append(columns, metricColumns(f, llm)...)
	}
	return columns
}

// metricColumns are the metrics of a function, or of the total; those of LLM inputs only where there are any.
func metricColumns(function string, llm bool) []column {
	var columns []column
	for _, metric := range experiment.MetricNames() {
		if experiment.OfLLM(metric) && !llm {
			continue
		}
		name := metric
		if function != "" {
			name = "functions." + function + "." + metric
		}
		at := func(get func(experiment.Estimate) *float64) func(*experiment.SweepPoint) *float64 {
			return func(p *experiment.SweepPoint) *float64 {
				if p.Result == nil {
					return nil
				}
				e, _ := p.Result.Metric(metric, function, "")
				return get(e)
			}
		}
		columns = append(columns,
			column{name: name, number: at(func(e experiment.Estimate) *float64 { return e.Value })},
			column{name: name + ".low", number: at(func(e experiment.Estimate) *float64 { return e.Low })},
			column{name: name + ".high", number: at(func(e experiment.Estimate) *float64 { return e.High })})
	}
	return columns
}

// SweepCSV writes a line for each point, with a header. What is missing is empty.
func SweepCSV(w io.Writer, s *experiment.Sweep) error {
	columns := sweepColumns(s)
	out := csv.NewWriter(w)
	line := make([]string, len(columns))
	for i := range columns {
		line[i] = columns[i].name
	}
	if err := out.Write(line); err != nil {
		return err
	}
	for i := range s.Points {
		for k := range columns {
			line[k] = ""
			if columns[k].text != nil {
				line[k] = columns[k].text(&s.Points[i])
			} else if v := columns[k].number(&s.Points[i]); v != nil {
				line[k] = strconv.FormatFloat(*v, 'g', -1, 64)
			}
		}
		if err := out.Write(line); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// SweepParquet writes the table of SweepCSV as Parquet: texts as strings, numbers as doubles, null where
// one is missing.
func SweepParquet(w io.Writer, s *experiment.Sweep) error {
	columns := sweepColumns(s)
	group := parquet.Group{}
	byName := map[string]*column{}
	for i := range columns {
		byName[columns[i].name] = &columns[i]
		if columns[i].text != nil {
			group[columns[i].name] = parquet.String()
		} else {
			group[columns[i].name] = parquet.Optional(parquet.Leaf(parquet.DoubleType))
		}
	}
	schema := parquet.NewSchema("sweep", group)
	out := parquet.NewGenericWriter[any](w, schema, parquet.Compression(&zstd.Codec{}),
		parquet.CreatedBy("simcap", "", ""))
	order := schema.Columns()
	for i := range s.Points {
		row := make(parquet.Row, len(order))
		for k, path := range order {
			c := byName[path[0]]
			switch {
			case c.text != nil:
				row[k] = parquet.ByteArrayValue([]byte(c.text(&s.Points[i]))).Level(0, 0, k)
			default:
				row[k] = parquet.NullValue().Level(0, 0, k)
				if v := c.number(&s.Points[i]); v != nil {
					row[k] = parquet.DoubleValue(*v).Level(0, 1, k)
				}
			}
		}
		if _, err := out.WriteRows([]parquet.Row{row}); err != nil {
			return fmt.Errorf("report: parquet: %w", err)
		}
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("report: parquet: %w", err)
	}
	return nil
}
