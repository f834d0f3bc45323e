// Package chart describes pictures as data: what is drawn, not how. The page draws a description in the
// browser, package figure draws it as PNG or SVG, and both show the same.
package chart

import (
	"math"
	"strconv"

	"github.com/simcap/simcap/report/quantity"
)

// Chart is one picture. Exactly one of its kinds is set.
type Chart struct {
	ID       string `json:"id"`                 // of small letters, digits and '-': name of its file and element
	Title    string `json:"title"`              // states the finding
	Subtitle string `json:"subtitle,omitempty"` // what is drawn, of what, in which unit
	Caption  string `json:"caption,omitempty"`  // one line: what to see
	Height   int    `json:"height,omitempty"`   // of the plot in the page, in pixels; 0: 220
	Wide     bool   `json:"wide,omitempty"`     // takes the page's whole width

	XY    *XY    `json:"xy,omitempty"`
	Bars  *Bars  `json:"bars,omitempty"`
	Heat  *Heat  `json:"heat,omitempty"`
	Lanes *Lanes `json:"lanes,omitempty"`
	Grid  *Grid  `json:"grid,omitempty"`
}

// Scale says how an axis maps values to places.
type Scale string

// The scales. Tail is −log10(1 − q) of a quantile q, which gives each further nine the same room.
const (
	Linear Scale = "linear"
	Log    Scale = "log"
	Time   Scale = "time" // linear, in seconds of the run, with ticks at whole minutes, hours, days
	Tail   Scale = "tail"
)

// Axis is one direction of a picture.
type Axis struct {
	Label string        `json:"label,omitempty"`
	Kind  quantity.Kind `json:"kind,omitempty"`
	Scale Scale         `json:"scale,omitempty"` // "": Linear
	Min   *float64      `json:"min,omitempty"`   // nil: from the data
	Max   *float64      `json:"max,omitempty"`
	Names []string      `json:"names,omitempty"` // of the places 0, 1, 2, ...: things rather than numbers
}

// At is a pointer to a bound of an axis.
func At(v float64) *float64 { return &v }

// Role says what a mark stands for; themes give it a colour.
type Role string

// The roles. States of containers, parts of latency, percentiles, flows, objectives, settings in a
// comparison of cost and latency, and anything else by number.
const (
	Busy         Role = "busy"
	Idle         Role = "idle"
	Starting     Role = "starting"
	Draining     Role = "draining"
	Backoff      Role = "backoff"
	Cold         Role = "cold"
	Queue        Role = "queue"
	BatchWait    Role = "batch_wait"
	Service      Role = "service"
	Interference Role = "interference"
	Overhead     Role = "overhead"
	Latency      Role = "latency"
	Arrivals     Role = "arrivals"
	Rejected     Role = "rejected"
	Cost         Role = "cost"
	SLO          Role = "slo"
	Good         Role = "good"
	Frontier     Role = "frontier"
	Dominated    Role = "dominated"
	Chosen       Role = "chosen"
	Muted        Role = "muted"
	C1           Role = "c1"
	C2           Role = "c2"
	C3           Role = "c3"
	C4           Role = "c4"
	C5           Role = "c5"
	C6           Role = "c6"
	C7           Role = "c7"
)

// Roles are all roles, in a fixed order.
var Roles = [...]Role{Busy, Idle, Starting, Draining, Backoff, Cold, Queue, BatchWait, Service, Interference,
	Overhead, Latency, Arrivals, Rejected, Cost, SLO, Good, Frontier, Dominated, Chosen, Muted, C1,
	C2, C3, C4,
	C5, C6, C7}

// Category is the i-th role for things that have no role of their own.
func Category(i int) Role {
	return [...]Role{C1, C2, C3, C4, C5, C6, C7}[((i%7)+7)%7]
}

// Mark is how a series is drawn.
type Mark string

// The marks. Areas are stacked on each other in their order; a band lies between Low and Y; columns are
// one unit of x wide.
const (
	Line   Mark = "line"
	Step   Mark = "step" // holds each value up to the next x
	Area   Mark = "area"
	Band   Mark = "band"
	Dots   Mark = "dots"
	Column Mark = "column"
)

// Values are numbers of a picture; NaN is a gap. In JSON they have four significant digits, and gaps
// are null.
type Values []float64

// MarshalJSON writes the numbers in short.
func (v Values) MarshalJSON() ([]byte, error) {
	b := append(make([]byte, 0, 8*len(v)+2), '[')
	for i, x := range v {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendShort(b, x)
	}
	return append(b, ']'), nil
}

// appendShort appends x with four significant digits in the shortest form that JSON knows.
func appendShort(b []byte, x float64) []byte {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return append(b, "null"...)
	}
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(x, 'e', 3, 64), 64)
	if err != nil {
		return append(b, "null"...)
	}
	if a := math.Abs(rounded); a != 0 && (a < 1e-5 || a >= 1e15) {
		return strconv.AppendFloat(b, rounded, 'e', -1, 64)
	}
	return strconv.AppendFloat(b, rounded, 'f', -1, 64)
}

// Series is a line, an area, a band, dots or columns. Its x are X, or Start + i × Width when X is
// empty; then each value stands for the interval [x, x + Width).
type Series struct {
	Name   string  `json:"name"`
	Role   Role    `json:"role"`
	Mark   Mark    `json:"mark"`
	X      Values  `json:"x,omitempty"`
	Start  float64 `json:"start,omitempty"`
	Width  float64 `json:"width,omitempty"`
	Y      Values  `json:"y"`
	Low    Values  `json:"low,omitempty"`   // of a band
	Thin   bool    `json:"thin,omitempty"`  // a line that stays in the background
	Faint  bool    `json:"faint,omitempty"` // a band in the lighter shade
	Dashed bool    `json:"dashed,omitempty"`
}

// At is the x of the i-th value.
func (s *Series) At(i int) float64 {
	if len(s.X) > 0 {
		return s.X[i]
	}
	return s.Start + float64(i)*s.Width
}

// Len is how many values the series has.
func (s *Series) Len() int {
	if len(s.X) > 0 {
		return min(len(s.X), len(s.Y))
	}
	return len(s.Y)
}

// Rule is a straight line across the picture, for example a limit.
type Rule struct {
	At       float64 `json:"at"`
	Vertical bool    `json:"vertical,omitempty"` // at an x, else at a y
	Label    string  `json:"label"`
	Role     Role    `json:"role"`
}

// Region is a shaded part of the picture; nil bounds reach to its edge.
type Region struct {
	XFrom *float64 `json:"x_from,omitempty"`
	XTo   *float64 `json:"x_to,omitempty"`
	YFrom *float64 `json:"y_from,omitempty"`
	YTo   *float64 `json:"y_to,omitempty"`
	Label string   `json:"label,omitempty"`
	Role  Role     `json:"role"`
}

// Point is a dot that can be pointed at. Low and High are ends of intervals.
type Point struct {
	X     float64     `json:"x"`
	Y     float64     `json:"y"`
	XLow  *float64    `json:"x_low,omitempty"`
	XHigh *float64    `json:"x_high,omitempty"`
	YLow  *float64    `json:"y_low,omitempty"`
	YHigh *float64    `json:"y_high,omitempty"`
	Role  Role        `json:"role"`
	Label string      `json:"label,omitempty"` // drawn beside it where there is room
	Bold  bool        `json:"bold,omitempty"`
	Info  [][2]string `json:"info,omitempty"` // names and values to show on hover
	Copy  string      `json:"copy,omitempty"` // put on the clipboard by a click
}

// XY is a picture with two axes.
type XY struct {
	X       Axis     `json:"x"`
	Y       Axis     `json:"y"`
	Link    string   `json:"link,omitempty"` // pictures with the same link zoom together along x
	Series  []Series `json:"series,omitempty"`
	Points  []Point  `json:"points,omitempty"`
	Rules   []Rule   `json:"rules,omitempty"`
	Regions []Region `json:"regions,omitempty"`
}

// Part is one share of the bars of a picture.
type Part struct {
	Name string `json:"name"`
	Role Role   `json:"role"`
}

// Bar is a row of parts, one value for each.
type Bar struct {
	Label  string `json:"label"`
	Values Values `json:"values"`
	Note   string `json:"note,omitempty"` // written at its end
}

// Bars are horizontal stacked bars.
type Bars struct {
	Axis  Axis   `json:"axis"`
	Share bool   `json:"share,omitempty"` // each bar is 100 %
	Parts []Part `json:"parts"`
	Rows  []Bar  `json:"rows"`
}

// Heat is a table of colours: Values[y][x].
type Heat struct {
	XLabel  string        `json:"x_label"`
	YLabel  string        `json:"y_label"`
	Columns []string      `json:"columns"`
	Rows    []string      `json:"rows"` // from the bottom up
	Values  []Values      `json:"values"`
	Kind    quantity.Kind `json:"kind"`
	Log     bool          `json:"log,omitempty"`   // colours follow the logarithm
	Meets   [][]bool      `json:"meets,omitempty"` // cells that keep the SLO: bold, inside a border
	Copies  [][]string    `json:"copies,omitempty"`
}

// Span is a stretch of a lane.
type Span struct {
	From float64 `json:"from"`
	To   float64 `json:"to"`
	Role Role    `json:"role"`
	High float64 `json:"high,omitempty"` // share of the lane's height that it fills from below; 0: all
	Note string  `json:"note,omitempty"` // shown on hover
}

// Lane is a row of a time line.
type Lane struct {
	Label string `json:"label"`
	Spans []Span `json:"spans"`
}

// Lanes are rows of spans over time: a Gantt chart.
type Lanes struct {
	X     Axis   `json:"x"`
	Label string `json:"label,omitempty"` // what the rows are
	Link  string `json:"link,omitempty"`
	Parts []Part `json:"parts"`
	Rows  []Lane `json:"rows"`
}

// Grid are small multiples: pictures of one kind with the same axes.
type Grid struct {
	Columns int     `json:"columns"` // at most, on a wide page
	Charts  []Chart `json:"charts"`
}
