package trace

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/simcap/simcap/sim"
)

// parser reads the records of one format. next fills rec, which is cleared, and returns nil; a *badRow
// for a row that cannot be read, after which it may be called again; io.EOF at the end; any other
// error ends the reading.
type parser interface {
	next(rec *record) error
}

// Format is a layout of traffic files.
type Format struct {
	Name        string
	Description string

	own      bool // times are on the process's own clock, not since the first row
	fine     bool // ties are real, not a coarse clock's
	unsorted bool // written when requests end: arrivals out of order are no fault of the file
	whole    bool // rows are not in time order at all
	fixed    bool // has no columns or keys of its own to map
	tick     int64

	sniff func(h *head) bool // whether a file that begins so is of this format
	open  func(in *input, o *Options, r *Report) (parser, error)
}

// Formats lists the formats in the order in which a file is tried for them.
func Formats() []Format {
	return slices.Concat(llmFormats(), functionFormats(), logFormats(), seriesFormats(),
		loadTestFormats(), generalFormats())
}

// llmFormats are traces and test results of language models.
func llmFormats() []Format {
	return []Format{
		{Name: "seconds", fixed: true, own: true, fine: true, sniff: sniffSeconds, open: openSeconds,
			Description: "one number a line: seconds on the process's clock; a header line is allowed"},
		{Name: "instants", fixed: true, sniff: sniffInstants, open: openInstants,
			Description: "one instant a line: a date, or a number since 1970; a header line is allowed"},
		{Name: "azure_llm", fine: true, sniff: hasHeader("timestamp", "contexttokens",
			"generatedtokens"), open: openAzureLLM,
			Description: "Azure LLM inference 2023, 2024 and multimodal 2025 (CSV)"},
		{Name: "burstgpt", sniff: hasHeader("timestamp", "model", "request tokens",
			"response tokens"), open: openBurstGPT,
			Description: "BurstGPT, all versions (CSV)"},
		{Name: "vidur", sniff: hasHeader("arrived_at", "num_prefill_tokens", "num_decode_tokens"),
			open: openTable(column{name: "arrived_at", role: roleTime, unit: unitS},
				column{name: "num_prefill_tokens", role: rolePrompt},
				column{name: "num_decode_tokens", role: roleOutput}),
			Description: "vidur and Sarathi (CSV)"},
		{Name: "servegen", fixed: true, sniff: sniffServeGen, open: openServeGen,
			Description: "ServeGen client: rate, cv and fitted gaps per window of 600 s (CSV)"},
		{Name: "mooncake", sniff: sniffMooncake, open: openMooncake,
			Description: "Mooncake, also AIPerf, Dynamo, GuideLLM and LLMServingSim; AIPerf's " +
				"sessions and delays (JSON lines)"},
		{Name: "aiperf", unsorted: true, sniff: hasKeys("metadata", "metrics"), open: openAIPerf,
			Description: "AIPerf profile_export.jsonl (JSON lines)"},
		{Name: "weka", fixed: true, whole: true, sniff: hasKeys("requests", "t", "in"), open: openWeka,
			Description: "GuideLLM weka: conversations with relative times (JSON lines)"},
		{Name: "vllm_bench", fixed: true, sniff: sniffBench, open: openBench,
			Description: "vLLM bench serve result: arrivals are drawn from its request rate (JSON)"},
	}
}

// functionFormats are traces of serverless platforms.
func functionFormats() []Format {
	return []Format{
		{Name: "azure_functions_2019", whole: true, sniff: hasHeader("hashfunction", "trigger", "1"),
			open: openAzure2019, Description: "Azure Functions 2019: requests per minute of a day (CSV)"},
		{Name: "azure_functions_2021", unsorted: true, sniff: hasHeader("app", "func",
			"end_timestamp", "duration"), fine: true,
			open: openTable(column{name: "app", role: roleApp}, column{name: "func", role: roleFunction},
				column{name: "end_timestamp", role: roleEnd, unit: unitS},
				column{name: "duration", role: roleDuration, unit: unitS}),
			Description: "Azure Functions 2021: one row per invocation (CSV)"},
		{Name: "faasrail", whole: true, sniff: hasHeader("avg", "mapped_wreq"), open: openFaaSRail,
			Description: "FaaSRail specification: requests per minute and function (CSV)"},
	}
}

// logFormats are access logs.
func logFormats() []Format {
	return []Format{
		{Name: "nginx_timed", fixed: true, unsorted: true, sniff: sniffTimed, open: openAccess,
			Description: "nginx or Apache log with rt=, urt= or msec= fields"},
		{Name: "combined", fixed: true, unsorted: true, tick: nsPerSecond, sniff: sniffAccess,
			open:        openAccess,
			Description: "nginx or Apache log, common or combined"},
		{Name: "nginx_json", unsorted: true, sniff: sniffNginxJSON, open: openNginxJSON,
			Description: "nginx log as JSON lines with nginx's variables as keys"},
		{Name: "aws_alb", fixed: true, unsorted: true, sniff: sniffALB, open: openALB,
			Description: "AWS application load balancer access log"},
	}
}

// seriesFormats are exports of monitoring systems.
func seriesFormats() []Format {
	return []Format{
		{Name: "cloudwatch", fixed: true, whole: true, sniff: sniffCloudWatch, open: openCloudWatch,
			Description: "CloudWatch get-metric-data or get-metric-statistics: requests per period (JSON)"},
		{Name: "prometheus", fixed: true, whole: true, sniff: sniffPrometheus, open: openPrometheus,
			Description: "Prometheus range query: rates per second, or raw counters (JSON)"},
		{Name: "grafana", sniff: sniffGrafana, open: openGrafana,
			Description: "Grafana panel: a time and one rate per series (CSV)"},
	}
}

// loadTestFormats are results of load tests and of browsers.
func loadTestFormats() []Format {
	return []Format{
		{Name: "vegeta_csv", fine: true, unsorted: true, sniff: sniffVegetaCSV, open: openVegetaCSV,
			Description: "vegeta encode -to=csv"},
		{Name: "vegeta_json", fine: true, unsorted: true, sniff: hasKeys("attack", "seq", "timestamp",
			"latency"),
			open: openObjects(column{name: "timestamp", role: roleTime, unit: unitUnknown},
				column{name: "code", role: roleStatus},
				column{name: "latency", role: roleDuration, unit: unitNS},
				column{name: "error", role: roleFailure}, column{name: "url", role: roleFunction}),
			Description: "vegeta encode -to=json (JSON lines)"},
		{Name: "k6_csv", unsorted: true, sniff: hasHeader("metric_name", "timestamp", "metric_value"),
			open: openK6CSV, Description: "k6 --out csv"},
		{Name: "k6_json", unsorted: true, sniff: sniffK6JSON, open: openK6JSON,
			Description: "k6 --out json (JSON lines)"},
		{Name: "har", fixed: true, sniff: sniffHAR, open: openHAR,
			Description: "HTTP archive of a browser (JSON)"},
	}
}

// generalFormats have columns or keys of any name.
func generalFormats() []Format {
	return []Format{
		{Name: "parquet", sniff: sniffParquet, open: openParquet,
			Description: "any Parquet file, one row per request or per bucket; columns by name"},
		{Name: "csv", sniff: sniffCSV, open: openCSV,
			Description: "any CSV or TSV with a header, one row per request or per bucket; columns by name"},
		{Name: "jsonl", sniff: sniffJSONL, open: openJSONL,
			Description: "any JSON lines, or one array of objects; keys by name"},
	}
}

// head is the beginning of a file.
type head struct {
	text  []byte
	lines [][]byte // its complete lines that are not blank, at most 64; the first line in any case
}

func newHead(text []byte) *head {
	h := &head{text: text}
	for rest := text; len(rest) > 0 && len(h.lines) < 64; {
		line, after, whole := bytes.Cut(rest, []byte("\n"))
		if !whole && len(h.lines) > 0 && len(text) == headBytes {
			break
		}
		rest = after
		if line = bytes.TrimSpace(line); len(line) > 0 {
			h.lines = append(h.lines, line)
		}
	}
	return h
}

// first is the first line.
func (h *head) first() []byte {
	if len(h.lines) == 0 {
		return nil
	}
	return h.lines[0]
}

// header says whether the first line is a row of these names among others, whatever their case,
// separated by sep.
func (h *head) header(sep string, names ...string) bool {
	have := strings.Split(normalHeader(string(h.first())), sep)
	for _, name := range names {
		found := false
		for _, field := range have {
			found = found || field == name
		}
		if !found {
			return false
		}
	}
	return true
}

// normalHeader lower-cases a header line and drops quotes and blanks around its names.
func normalHeader(line string) string {
	line = strings.ReplaceAll(strings.ToLower(line), `"`, "")
	return strings.ReplaceAll(line, ", ", ",")
}

// recognise finds the format of a file that begins with text; nil if it is none.
func recognise(text []byte) *Format {
	h := newHead(text)
	binary := bytes.IndexByte(text, 0) >= 0
	formats := Formats()
	for i := range formats {
		if f := &formats[i]; binary == (f.Name == "parquet") && f.sniff(h) {
			return f
		}
	}
	return nil
}

// choose finds the format, forced or recognised, and opens its parser.
func choose(in *input, o *Options, r *Report) (parser, *Format, error) {
	text, err := in.peek()
	if err != nil {
		return nil, nil, err
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, nil, errors.New("the file is empty")
	}
	var f *Format
	if o.Format == "" || o.Format == "auto" {
		if err := refused(text); err != nil {
			return nil, nil, err
		}
		f = recognise(text)
		if f != nil && f.fixed && len(o.Columns) > 0 && (f.Name == "seconds" || f.Name == "instants") {
			f = nil // a table of one column
		}
		if f == nil && len(o.Columns) > 0 {
			o.Format = generalFor(text)
		} else if f == nil {
			return nil, nil, unrecognised(text)
		}
	}
	if f == nil {
		if f, err = named(o.Format); err != nil {
			return nil, nil, err
		}
	}
	if bytes.IndexByte(text, 0) >= 0 && f.Name != "parquet" {
		return nil, nil, fmt.Errorf("a binary file, expected text of format %s", f.Name)
	}
	if f.fixed && len(o.Columns) > 0 {
		return nil, nil, fmt.Errorf("format %s has no columns that could be mapped: leave the columns "+
			"out, or "+
			"force format csv or jsonl", f.Name)
	}
	r.Format = f.Name
	p, err := f.open(in, o, r)
	return p, f, err
}

// named finds a format by name, or says which name is nearest.
func named(name string) (*Format, error) {
	formats := Formats()
	names := make([]string, len(formats))
	for i := range formats {
		if names[i] = formats[i].Name; names[i] == name {
			return &formats[i], nil
		}
	}
	return nil, fmt.Errorf("unknown trace format %q%s; the formats are %s", name,
		suggestion(name, names), strings.Join(names, ", "))
}

// generalFor is the general format for a file whose columns are mapped.
func generalFor(text []byte) string {
	if newHead(text).json() {
		return "jsonl"
	}
	return "csv"
}

// refused names files that are known and hold no arrivals, and says what to give instead.
func refused(text []byte) error {
	h := newHead(text)
	switch {
	case h.header(",", "concurrency", "inferences/second"),
		h.header(",", "request rate", "inferences/second"):
		return errors.New("a result of perf_analyzer: a latency profile, not a trace of requests; " +
			"it can tell service times, not arrivals")
	case h.header(",", "hashfunction", "percentile_average_50"):
		return errors.New("durations of Azure Functions 2019: they hold no arrivals; give the file of " +
			"invocations")
	case h.header(",", "hashapp", "averageallocatedmb"):
		return errors.New("memory of Azure Functions 2019: it holds no arrivals; give the file of " +
			"invocations")
	case h.json() && bytes.Contains(text, []byte(`"interval_start"`)) &&
		bytes.Contains(text, []byte(`"cost"`)):
		return errors.New("a billing report: it holds costs, not arrivals; use it to check simulated " +
			"costs")
	case h.json() && bytes.Contains(text, []byte(`"load_summary"`)):
		return errors.New("a stage report of inference-perf: it holds percentiles, not arrivals")
	}
	return nil
}

// unrecognised says what a file that no format fits looks like.
func unrecognised(text []byte) error {
	if bytes.IndexByte(text, 0) >= 0 {
		return errors.New("a binary file of no known format; expected text, gzip, zstd or Parquet")
	}
	line := newHead(text).first()
	if len(line) > 80 {
		line = append(line[:80:80], "…"...)
	}
	return fmt.Errorf("format not recognised, the file begins with %q: name its format, or its columns "+
		"(simcap trace --formats lists what can be read)", line)
}

// Check looks at the options that do not depend on the file, and says which is wrong.
func (o *Options) Check() error {
	switch o.TimeUnit {
	case "", "s", "ms", "us", "ns":
	default:
		return fmt.Errorf("unknown time unit %q: expected s, ms, us or ns", o.TimeUnit)
	}
	switch o.Ties {
	case TiesAuto, TiesKeep, TiesSpread, "auto":
	default:
		return fmt.Errorf("unknown treatment of ties %q: expected auto, keep or spread", o.Ties)
	}
	if o.Ties == "auto" {
		o.Ties = TiesAuto
	}
	if o.From < 0 || o.To < 0 || o.To > 0 && o.To <= o.From {
		return fmt.Errorf("the window from %s to %s is empty", span(int64(o.From)), span(int64(o.To)))
	}
	if o.Step < 0 || o.Step > 400*sim.Day {
		return fmt.Errorf("a step of %s is not possible", span(int64(o.Step)))
	}
	for i := range o.Only {
		if err := o.Only[i].check(); err != nil {
			return err
		}
	}
	if err := o.checkColumns(); err != nil {
		return err
	}
	return o.Fold.check()
}

// suggestion is ` (did you mean "x"?)` for the candidate nearest to a misspelt name, or "".
func suggestion(name string, candidates []string) string {
	best, least := "", 1+len(name)/3
	for _, c := range candidates {
		if d := distance(strings.ToLower(name), c); d <= least {
			best, least = c, d-1
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", best)
}

// distance is the number of letters to insert, delete or change to make b of a (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost++
			}
			diagonal = row[j]
			row[j] = min(cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}

// sniffSeconds: every line but perhaps the first is one number.
func sniffSeconds(h *head) bool {
	numbers := 0
	for i, line := range h.lines {
		if at, ok := scaled(line, unitS); ok && (at < earliest || numbers > 0) {
			numbers++
		} else if i > 0 || bytes.ContainsAny(line, ",;\t{}[]\"") {
			return false
		}
	}
	return numbers > 0
}

// sniffInstants: every line but perhaps the first is one date, or one number since 1970.
func sniffInstants(h *head) bool {
	found := 0
	for i, line := range h.lines {
		line = bytes.Trim(line, `" `)
		_, _, ok := instant(line)
		if v, number := float(line); ok || number && epochUnit(v) != unitUnknown {
			found++
		} else if i > 0 || bytes.ContainsAny(line, ",;\t{}[]\"") {
			return false
		}
	}
	return found > 0
}

func openInstants(in *input, o *Options, r *Report) (parser, error) {
	return &instants{in: in, cells: newCells(o, r),
		column: column{name: "time", role: roleTime, unit: o.unit(unitUnknown)}}, nil
}

// instants reads one date or number since 1970 a line.
type instants struct {
	in     *input
	cells  *cells
	column column
}

func (s *instants) next(rec *record) error {
	for {
		line, err := s.in.next()
		if err != nil {
			return err
		}
		rec.line = s.in.line
		s.cells.clear()
		what := s.cells.set(&s.column, bytes.Trim(line, "\" "))
		if what == "" {
			what = s.cells.record(rec)
		}
		if what == "" {
			return nil
		}
		if s.in.line > 1 {
			return newBad(s.in.line, line, "not a date, nor a number since 1970")
		}
	}
}

// seconds reads one number a line.
type seconds struct {
	in   *input
	unit int
}

func openSeconds(in *input, o *Options, _ *Report) (parser, error) {
	return &seconds{in: in, unit: o.unit(unitS)}, nil
}

// unit is the power of ten of the forced time unit, or the given one.
func (o *Options) unit(otherwise int) int {
	switch o.TimeUnit {
	case "s":
		return unitS
	case "ms":
		return unitMS
	case "us":
		return unitUS
	case "ns":
		return unitNS
	}
	return otherwise
}

func (s *seconds) next(rec *record) error {
	for {
		line, err := s.in.next()
		if err != nil {
			return err
		}
		number := line
		if number[0] <= ' ' || number[len(number)-1] <= ' ' { // no line is empty
			number = bytes.TrimSpace(number)
		}
		at, ok := scaled(number, s.unit)
		rec.at, rec.line = at, s.in.line
		switch {
		case ok && at >= 0:
			return nil
		case !ok && s.in.line == 1:
			continue // a header
		case ok:
			return newBad(s.in.line, line, "a negative time")
		}
		return newBad(s.in.line, line, "not a number of seconds")
	}
}
