package report

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/simcap/simcap/experiment/plan"
)

// PlanJSON writes a plan in its canonical form.
func PlanJSON(w io.Writer, r *plan.Result) error { return writeJSON(w, r) }

// ReadPlanJSON reads what PlanJSON wrote.
func ReadPlanJSON(r io.Reader) (*plan.Result, error) {
	var p plan.Result
	if err := json.NewDecoder(r).Decode(&p); err != nil {
		return nil, fmt.Errorf("report: not a plan of simcap: %w", err)
	}
	if len(p.Space.Axes) == 0 || p.Goal == "" {
		return nil, fmt.Errorf("report: not a plan of simcap: space.axes or goal is missing")
	}
	return &p, nil
}

// WritePlanData writes plan.json and plan.csv into a folder, which it makes if need be.
func WritePlanData(dir string, r *plan.Result) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	for _, file := range []struct {
		name  string
		write func(io.Writer, *plan.Result) error
	}{{"plan.json", PlanJSON}, {"plan.csv", PlanCSV}} {
		err := writeFile(filepath.Join(dir, file.name), func(w io.Writer) error { return file.write(w, r) })
		if err != nil {
			return err
		}
	}
	return nil
}

// PlanCSV writes a line for each setting that was simulated, with a header: the settings as they would
// stand in the file, what they cost (USD), the smallest distance to a bound as a fraction of the bound,
// and how sure that is. What is missing is empty.
func PlanCSV(w io.Writer, r *plan.Result) error {
	out := csv.NewWriter(w)
	var line []string
	for _, a := range r.Space.Axes {
		line = append(line, a.Key)
	}
	line = append(line, "slo_kept", r.Goal, "slack", "binding", "replications", "screened")
	if err := out.Write(line); err != nil {
		return err
	}
	for i := range r.Explored {
		s := &r.Explored[i]
		slack, binding := "", ""
		if s.Slack != nil {
			slack = strconv.FormatFloat(*s.Slack, 'g', -1, 64)
		}
		if r.Today != nil && s.Binding >= 0 && s.Binding < len(r.Today.SLO) {
			binding = r.Today.SLO[s.Binding].Metric
		}
		line = append(line[:0], s.Values...)
		line = append(line, string(s.Keeps), strconv.FormatFloat(s.Cost, 'g', -1, 64), slack, binding,
			strconv.Itoa(s.Replications), strconv.FormatBool(s.Screened))
		if err := out.Write(line); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}
