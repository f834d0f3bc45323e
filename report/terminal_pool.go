package report

import (
	"fmt"
	"math"
	"strings"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/report/chart"
	"github.com/simcap/simcap/report/quantity"
)

// pool writes what the containers did: counts, and a chart of them over time.
func (s *summary) pool() {
	c := s.r.Total.Containers
	if c == nil || !has(c.LiveMean) {
		return
	}
	s.block("CONTAINERS")
	words := fmt.Sprintf("%s live on average, %s at the peak", text(quantity.Count, c.LiveMean),
		text(quantity.Count, c.Peak))
	if s.r.Total.Utilization != nil && has(*s.r.Total.Utilization) {
		words += fmt.Sprintf(" · busy in %s of their ready time", percent(*s.r.Total.Utilization.Value))
	}
	if has(c.Started) {
		words += fmt.Sprintf(" · %s started", text(quantity.Count, c.Started))
	}
	s.wrapped("", words, "")
	if s.r.Detail != nil {
		series := total(s.r.Detail)
		s.chart(series, endOf(s.r, &series))
	}
}

// endOf is where pictures of a run over time end: at its horizon when what comes after it, the last inputs'
// way out, is short, else at its last bin; without a horizon at its last input.
func endOf(r *experiment.Result, s *experiment.Series) float64 {
	last := s.StartS + float64(max(len(s.Busy), len(s.ArrivalsPerS)))*s.BinS
	if r.HorizonS != nil {
		if *r.HorizonS > s.StartS && last <= *r.HorizonS+math.Max(0.02**r.HorizonS, s.BinS) {
			return math.Min(last, *r.HorizonS)
		}
		return last
	}
	if r.Detail != nil && r.Detail.WindowS[1] > s.StartS {
		return math.Min(last, r.Detail.WindowS[1])
	}
	return last
}

// total adds the series of all functions up; latencies, which do not add, are left out.
func total(d *experiment.Detail) experiment.Series {
	var sum experiment.Series
	for _, name := range detailNames(d) {
		s := d.Functions[name].Series
		if len(s.Busy) == 0 {
			continue
		}
		if sum.BinS == 0 {
			sum.StartS, sum.BinS = s.StartS, s.BinS
		}
		for _, pair := range []struct {
			to   *[]float64
			from []float64
		}{{&sum.ArrivalsPerS, s.ArrivalsPerS}, {&sum.RejectedPerS, s.RejectedPerS}, {&sum.Queue, s.Queue},
			{&sum.QueueMax, s.QueueMax}, {&sum.Starting, s.Starting}, {&sum.Idle, s.Idle},
			{&sum.Busy, s.Busy}, {&sum.Draining, s.Draining}, {&sum.LiveMax, s.LiveMax},
			{&sum.CostPerHour, s.CostPerHour}} {
			*pair.to = addTo(*pair.to, pair.from)
		}
	}
	return sum
}

// addTo adds b to a in place, making a as long as b.
func addTo(a, b []float64) []float64 {
	for len(a) < len(b) {
		a = append(a, 0)
	}
	for i, v := range b {
		a[i] += v
	}
	return a
}

// chart draws stacked containers by state over time, in whole character cells.
func (s *summary) chart(series experiment.Series, end float64) {
	if series.BinS <= 0 || end <= series.StartS {
		return
	}
	n := min(len(series.Busy), int(math.Ceil((end-series.StartS)/series.BinS-1e-9)))
	if n <= 0 {
		return
	}
	states := [][]float64{series.Busy, series.Idle, series.Starting, series.Draining}
	columns := min(s.room(), max(n, 20))
	heights := make([][4]float64, columns)
	top := 0.0
	for x := range heights {
		sum := 0.0
		for k, values := range states {
			heights[x][k] = meanBetween(values, x*n/columns, max(x*n/columns+1, (x+1)*n/columns))
			sum += heights[x][k]
		}
		top = math.Max(top, sum)
	}
	top = nice(top)
	for row := chartHeight - 1; row >= 0; row-- {
		label := ""
		switch row {
		case chartHeight - 1:
			label = quantity.Format(quantity.Count, top)
		case 0:
			label = "0"
		}
		s.labelled(label, s.chartRow(heights, top, row))
	}
	s.timeAxis(columns, series.StartS, end)
	key := ""
	for k, name := range []string{"busy", "idle", "starting", "draining"} {
		if k < 3 || peak(series.Draining) > top/chartHeight/2 {
			key += s.in(poolShades[k].code, poolShades[k].glyph) + " " + name + "   "
		}
	}
	s.line(key)
}

// chartRow is one row of the chart. A cell shows the state at its middle; the lowest shows whatever
// there is, so that nothing that runs is invisible.
func (s *summary) chartRow(heights [][4]float64, top float64, row int) string {
	middle := (float64(row) + 0.5) * top / chartHeight
	var out strings.Builder
	last, run := "", ""
	flush := func() { out.WriteString(s.in(last, run)); run = "" }
	for x := range heights {
		at, glyph, code := 0.0, " ", ""
		for k, h := range heights[x] {
			if at += h; middle < at {
				glyph, code = poolShades[k].glyph, poolShades[k].code
				break
			}
		}
		if glyph == " " && row == 0 && at > 0 {
			glyph, code = "▁", blue
		}
		if code != last {
			flush()
			last = code
		}
		run += glyph
	}
	flush()
	return out.String()
}

// meanBetween is the mean of values[from:to], as far as they reach.
func meanBetween(values []float64, from, to int) float64 {
	from, to = min(from, len(values)), min(to, len(values))
	if from >= to {
		return 0
	}
	return mean(values[from:to])
}

// nice is the next number of 1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10 × 10^n that is not below v; 1
// for nothing.
func nice(v float64) float64 {
	if !(v > 0) {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, step := range []float64{1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10} {
		if step*power >= v*(1-1e-9) {
			return math.Max(1, step*power)
		}
	}
	return 10 * power
}

// timeAxis draws the axis below the chart, with labels at round instants.
func (s *summary) timeAxis(columns int, from, to float64) {
	axis := []rune(strings.Repeat("─", columns))
	text := []rune(strings.Repeat(" ", columns))
	free := 0
	for _, t := range chart.Ticks(chart.Axis{Scale: chart.Time}, from, to, max(2, columns/16)) {
		x := int(float64(columns-1)*(t.At-from)/(to-from) + 0.5)
		label := []rune(clock(t.At, to))
		at := min(max(x-len(label)/2, 0), columns-len(label))
		if x < 0 || x >= columns || at < free {
			continue
		}
		axis[x] = '┬'
		copy(text[at:], label)
		free = at + len(label) + 1
	}
	s.b.WriteString(s.in(dim, strings.Repeat(" ", margins-1)+"└"+string(axis)) + "\n")
	s.line(s.in(dim, strings.TrimRight(string(text), " ")))
}

// clock writes an instant of a run whose pictures reach to the given end, in a unit that suits the whole
// axis: "6 h", "90 s", "2.5 d".
func clock(seconds, end float64) string {
	size, unit := 1.0, " s"
	switch {
	case end >= 3*86400:
		size, unit = 86400, " d"
	case end >= 2*3600:
		size, unit = 3600, " h"
	case end >= 2*60:
		size, unit = 60, " min"
	}
	number := quantity.Grouped(seconds/size, 2)
	number = strings.TrimRight(strings.TrimRight(number, "0"), ".")
	if number == "" || number == "0" {
		return "0"
	}
	return number + unit
}
