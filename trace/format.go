package trace

import (
	"bytes"
	"errors"
	"fmt"
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
	tick     int64

	sniff func(h *head) bool // whether a file that begins so is of this format
	open  func(in *input, o *Options, r *Report) (parser, error)
}

// Formats lists the formats in the order in which a file is tried for them.
func Formats() []Format {
	return []Format{
		{Name: "seconds", own: true, fine: true, sniff: sniffSeconds, open: openSeconds,
			Description: "one number a line: seconds on the process's clock; a header line is allowed"},
		{Name: "azure_llm", fine: true, sniff: sniffAzureLLM, open: openAzureLLM,
			Description: "Azure LLM inference 2023, 2024 and multimodal 2025: TIMESTAMP, " +
				"[NumImages,] ContextTokens, GeneratedTokens"},
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
	formats := Formats()
	for i := range formats {
		if f := &formats[i]; f.sniff(h) {
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
		if f = recognise(text); f == nil {
			return nil, nil, unrecognised(text)
		}
	} else if f, err = named(o.Format); err != nil {
		return nil, nil, err
	}
	if bytes.IndexByte(text, 0) >= 0 && f.Name != "parquet" {
		return nil, nil, fmt.Errorf("a binary file, expected text of format %s", f.Name)
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

// check looks at options that do not depend on the file.
func (o *Options) check() error {
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
		if _, ok := scaled(line, unitS); ok {
			numbers++
		} else if i > 0 || bytes.ContainsAny(line, ",;\t{}[]\"") {
			return false
		}
	}
	return numbers > 0
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
		at, ok := scaled(bytes.TrimSpace(line), s.unit)
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
