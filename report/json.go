// Package report turns results into what people and programs see of them: the summary in the
// terminal, JSON, tables of rows, pictures, the HTML page, and traces.
package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/simcap/simcap/experiment"
)

// JSON writes the result in its canonical form: two spaces of indent, keys of maps sorted, the
// shortest digits that give the same floats back. Equal values give equal bytes. Without detail it is
// the document of docs/semantics.md, with it what results.json holds. A number that is not finite is an
// error.
func JSON(w io.Writer, r *experiment.Result, detail bool) error {
	shown := *r
	if !detail {
		shown.Detail = nil
	}
	if shown.Functions == nil {
		shown.Functions = map[string]experiment.Measures{}
	}
	if shown.Workloads == nil {
		shown.Workloads = map[string]experiment.Measures{}
	}
	if shown.SLO == nil {
		shown.SLO = []experiment.Verdict{}
	}
	if shown.Warnings == nil {
		shown.Warnings = []string{}
	}
	return writeJSON(w, &shown)
}

// writeJSON writes any value in the canonical form.
func writeJSON(w io.Writer, v any) error {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(v); err != nil {
		return fmt.Errorf("report: the results cannot be written as JSON: %w", err)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// maxJSON bounds what ReadJSON reads, in bytes.
const maxJSON = 1 << 28

// ReadJSON reads what JSON wrote. Keys that it does not know are ignored, so that results of a later
// version can be drawn; what is no result at all is an error.
func ReadJSON(r io.Reader) (*experiment.Result, error) {
	data, err := readAll(r)
	if err != nil {
		return nil, err
	}
	var probe struct {
		Scenario     *string `json:"scenario"`
		Replications *int    `json:"replications"`
		Total        *struct{}
	}
	if err := json.Unmarshal(data, &probe); err != nil {
		return nil, fmt.Errorf("report: not JSON of simcap: %w", at(err, data))
	}
	if probe.Scenario == nil || probe.Replications == nil || probe.Total == nil {
		return nil, fmt.Errorf("report: no results of `simcap run`: scenario, replications or total is missing")
	}
	var result experiment.Result
	if err := json.Unmarshal(data, &result); err != nil {
		return nil, fmt.Errorf("report: results of simcap are damaged: %w", at(err, data))
	}
	return &result, nil
}

// readAll reads what can be results of simcap.
func readAll(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxJSON+1))
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	if len(data) > maxJSON {
		return nil, fmt.Errorf("report: more than %d MiB: these are not results of simcap", maxJSON>>20)
	}
	return data, nil
}

// at adds the line to a syntax error.
func at(err error, data []byte) error {
	var offset int64
	switch e := err.(type) {
	case *json.SyntaxError:
		offset = e.Offset
	case *json.UnmarshalTypeError:
		offset = e.Offset
	default:
		return err
	}
	offset = min(max(offset, 0), int64(len(data)))
	return fmt.Errorf("line %d: %w", 1+bytes.Count(data[:offset], []byte("\n")), err)
}
