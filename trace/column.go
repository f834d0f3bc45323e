package trace

import (
	"bytes"
	"fmt"
	"math"
	"strings"
)

// role is what a column means.
type role uint8

const (
	roleNone role = iota
	roleTime
	roleEnd
	roleDuration
	roleFunction
	roleSize
	roleDemand
	rolePrompt
	roleOutput
	roleStatus
	roleCount
	roleRate
	roleDelay // after the previous row of the session
	roleApp
	roleSession
	roleOnly // rows whose cell is not the wanted one are passed over
	roleFailure
	numRoles
)

// roleNames are the names of roles in Options.Columns.
var roleNames = [numRoles]string{"", "time", "end", "duration", "function", "size", "demand", "prompt",
	"output", "status", "count", "rate", "delay", "app", "session",
	"", ""}

// column is what a column of a file means and in which unit its numbers are, if they are times.
type column struct {
	name string
	role role
	unit int
	per  float64 // seconds that a rate counts requests for; 0: one
	want string  // what a cell of role only has to be
}

// cells collects one row's cells by role and makes a record of them.
type cells struct {
	report   *Report
	unit     int  // of instants that are numbers; unitUnknown until the first
	series   bool // rows are buckets
	outcome  bool // no output tokens mean a failed request
	comma    bool // numbers have a decimal comma, as where semicolons separate cells
	function map[string]string
	recent   string // the name that intern has returned last

	dated, relative bool // kinds of instants seen

	has      [numRoles]bool
	start    int64
	end      int64
	delay    int64
	duration float64 // ns
	demand   float64 // ns
	count    float64
	size     float64
	prompt   float64
	output   float64
	status   int32
	name     string
	app      string
	session  string
	skip     bool // the row is none of those wanted
	failure  bool
}

func newCells(o *Options, r *Report) *cells {
	return &cells{report: r, unit: o.unit(unitUnknown), function: map[string]string{}}
}

// clear forgets the row.
func (c *cells) clear() {
	c.has = [numRoles]bool{}
	c.name, c.app, c.session, c.status = "", "", "", 0
	c.skip, c.failure = false, false
}

// missing says whether a cell holds nothing.
func missing(cell []byte) bool {
	switch len(cell) {
	case 0:
		return true
	case 1:
		return cell[0] == '-'
	case 3, 4:
		if cell[0]|0x20 != 'n' {
			return false
		}
		switch strings.ToLower(string(cell)) {
		case "nan", "null", "none":
			return true
		}
	}
	return false
}

// set takes one cell; it returns what is wrong with it, or "".
func (c *cells) set(col *column, cell []byte) string {
	if n := len(cell); n > 0 && (cell[0] <= ' ' || cell[n-1] <= ' ') {
		cell = bytes.TrimSpace(cell)
	}
	if col.role == roleNone || missing(cell) {
		return ""
	}
	c.has[col.role] = true
	if c.comma && col.role != roleFunction && col.role != roleApp && col.role != roleSession {
		cell = withPoint(cell)
	}
	ok := true
	switch col.role {
	case roleTime:
		c.start, ok = c.instant(col, cell)
	case roleEnd:
		c.end, ok = c.instant(col, cell)
	case roleDuration:
		c.duration, ok = duration(cell, col.unit)
		if ok && c.duration < 0 {
			c.has[roleDuration] = false // how some logs write "not known"
		}
	case roleDemand:
		c.demand, ok = duration(cell, col.unit)
		if ok && c.demand < 0 {
			c.has[roleDemand] = false
		}
	case roleDelay:
		var v float64
		v, ok = duration(cell, col.unit)
		c.delay = int64(v)
	case roleFunction:
		c.name = c.intern(cell)
	case roleApp:
		c.app = c.intern(cell)
	case roleSize:
		c.size, ok = amount(cell)
	case rolePrompt:
		c.prompt, ok = amount(cell)
	case roleOutput:
		c.output, ok = amount(cell)
	case roleSession:
		c.session = c.intern(cell)
	case roleOnly:
		c.skip = c.skip || string(cell) != col.want
	case roleFailure:
		c.failure = failure(cell)
	case roleCount, roleRate:
		if c.count, ok = quantity(cell); ok && col.per > 0 {
			c.count /= col.per
		}
	case roleStatus:
		c.status = status(cell)
	}
	if !ok {
		return "column " + col.name + " is " + kinds[col.role]
	}
	return ""
}

// kinds says what a cell that cannot be read is not.
var kinds = [numRoles]string{
	roleTime: "not a time", roleEnd: "not a time", roleDuration: "not a length of time",
	roleDemand: "not a length of time", roleDelay: "not a length of time",
	roleSize: "not an amount", rolePrompt: "not a number of tokens",
	roleOutput: "not a number of tokens", roleCount: "not a number of requests",
	roleRate: "not a rate",
}

// instant reads a date or a number.
func (c *cells) instant(col *column, cell []byte) (int64, bool) {
	if len(cell) >= 10 && (cell[4] == '-' || cell[4] == '/' || cell[2] == '/') {
		ns, _, ok := instant(cell)
		if ok && !c.dated {
			c.dated, c.report.Dated = true, true
		}
		return ns, ok && !c.relative
	}
	unit := col.unit
	if unit == unitUnknown {
		if c.unit == unitUnknown && !c.guessUnit(col, cell) {
			return 0, false
		}
		unit = c.unit
	}
	ns, ok := scaled(cell, unit)
	if !ok {
		return 0, false
	}
	if !c.dated && !c.relative {
		if ns >= earliest {
			c.dated, c.report.Dated = true, true
		} else {
			c.relative = true
		}
	}
	return ns, !c.dated || ns >= earliest
}

// guessUnit takes the unit from the size of the first number, and says so.
func (c *cells) guessUnit(col *column, cell []byte) bool {
	v, ok := float(cell)
	if !ok || math.IsNaN(v) {
		return false
	}
	c.unit = epochUnit(v)
	if c.unit != unitUnknown {
		c.report.note(fmt.Sprintf("column %s is read as %s since 1970 (its first value is %s)",
			col.name, unitName(c.unit), cell))
		return true
	}
	c.unit = unitS
	c.report.note(fmt.Sprintf("column %s is read as seconds (its first value is %s; set the time unit "+
		"to change it)", col.name, cell))
	return true
}

// withPoint is a number with its decimal comma, 12,5, as one with a point; other cells are as they are.
func withPoint(cell []byte) []byte {
	comma := bytes.IndexByte(cell, ',')
	if comma <= 0 || len(bytes.Trim(cell, "-0123456789,")) > 0 ||
		bytes.LastIndexByte(cell, ',') != comma {
		return cell
	}
	point := bytes.Clone(cell)
	point[comma] = '.'
	return point
}

// duration reads a length of time in ns; of a list such as "0.1, 0.2" the last that is given. A comma
// between digits alone, as in 12,5 and 1,234, may be a decimal one or one of thousands: that is no
// length.
func duration(cell []byte, unit int) (float64, bool) {
	if comma := bytes.LastIndexAny(cell, ",:"); comma >= 0 {
		if before := cell[:comma]; cell[comma] == ',' && comma+1 < len(cell) && cell[comma+1] != ' ' &&
			bytes.IndexByte(before, '.') < 0 && !bytes.HasSuffix(before, []byte("-")) {
			return 0, false
		}
		cell = bytes.TrimSpace(cell[comma+1:])
		if missing(cell) {
			return -1, true
		}
	}
	v, ok := float(cell)
	if unit == unitUnknown {
		unit = unitS
	}
	return math.Round(v * float64(pow10[unit])), ok && !math.IsNaN(v) && math.Abs(v) < 1e18
}

// amount reads a number that is not negative.
func amount(cell []byte) (float64, bool) {
	v, ok := float(cell)
	return v, ok && v >= 0 && !math.IsInf(v, 0)
}

// quantity reads a count or a rate to which a unit may be appended (1.70 req/s).
func quantity(cell []byte) (float64, bool) {
	if blank := bytes.IndexByte(cell, ' '); blank > 0 {
		cell = cell[:blank]
	}
	return amount(cell)
}

// status reads a status code; words such as "OK" are none.
func status(cell []byte) int32 {
	v, ok := scaled(cell, 0)
	if !ok || v < 0 || v > 999 {
		return 0
	}
	return int32(v)
}

// failure reads a word that says whether a request failed, or a message that only failures have.
func failure(cell []byte) bool {
	switch strings.ToLower(string(cell)) {
	case "", "0", "false", "no", "none", "ok", "null":
		return false
	}
	return true
}

const maxNames = 1 << 20 // names that are kept; a file with more of them makes new strings

// intern is the cell as a string, the same one for the same name.
func (c *cells) intern(cell []byte) string {
	if string(cell) == c.recent {
		return c.recent
	}
	s, ok := c.function[string(cell)]
	if !ok {
		s = string(cell)
		if len(c.function) < maxNames {
			c.function[s] = s
		}
	}
	c.recent = s
	return s
}

// record makes a record of the row's cells; it returns what is wrong with the row, or "".
func (c *cells) record(rec *record) string {
	rec.function = c.name
	if rec.function == "" {
		rec.function = c.app
	}
	if c.series {
		return c.bucket(rec)
	}
	switch {
	case c.has[roleTime]:
		rec.at = c.start
	case c.has[roleEnd]:
		rec.at, rec.clock = c.end, c.end
		if c.has[roleDuration] {
			rec.at -= int64(c.duration)
		}
	default:
		return "no time"
	}
	switch {
	case c.has[roleDemand]:
		rec.demand = c.demand
	case c.has[roleDuration]:
		rec.demand = c.duration
	case c.has[roleTime] && c.has[roleEnd] && c.end >= c.start:
		rec.demand = float64(c.end - c.start)
	}
	if c.has[roleSize] {
		rec.size = c.size
	}
	if c.has[rolePrompt] {
		rec.prompt = c.prompt
	}
	if c.has[roleOutput] {
		rec.output = c.output
		rec.failed = c.outcome && c.output == 0
	}
	rec.status = c.status
	rec.failed = rec.failed || c.failure || c.status >= 400
	return ""
}

// bucket makes a record that stands for the arrivals of one step; a gap stands for none.
func (c *cells) bucket(rec *record) string {
	if !c.has[roleTime] {
		return "no time"
	}
	rec.at, rec.length, rec.count = c.start, oneStep, 0
	if c.has[roleCount] || c.has[roleRate] {
		rec.count = c.count
		rec.poisson = c.has[roleRate] || c.count != math.Trunc(c.count)
	}
	return ""
}
