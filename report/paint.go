package report

import (
	"strings"
	"unicode/utf8"

	"github.com/simcap/simcap/report/quantity"
)

// paint colours text for a terminal, or leaves it plain.
type paint bool

// The ANSI codes in use. They are the sixteen colours that every terminal maps to its own theme.
const (
	bold    = "1"
	dim     = "2"
	red     = "31"
	green   = "32"
	yellow  = "33"
	blue    = "34"
	magenta = "35"
	cyan    = "36"
	grey    = "90"
)

func (p paint) in(code, s string) string {
	if !p || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// width is how many columns plain text takes.
func width(s string) int { return utf8.RuneCountInString(s) }

// left pads plain text on its right, right on its left.
func left(s string, columns int) string  { return s + strings.Repeat(" ", max(0, columns-width(s))) }
func right(s string, columns int) string { return strings.Repeat(" ", max(0, columns-width(s))) + s }

// wrap breaks plain text into lines of at most the given columns; a word that is longer is cut.
func wrap(s string, columns int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(s) {
		for width(word) > columns {
			if line != "" {
				lines, line = append(lines, line), ""
			}
			runes := []rune(word)
			lines, word = append(lines, string(runes[:columns])), string(runes[columns:])
		}
		switch {
		case line == "":
			line = word
		case width(line)+1+width(word) <= columns:
			line += " " + word
		default:
			lines, line = append(lines, line), word
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// flow joins short texts by dots into lines of at most the given columns. A text that alone is too wide
// is cut.
func flow(texts []string, columns int) []string {
	const dot = " · "
	var lines []string
	line := ""
	for _, t := range texts {
		t = quantity.Cut(t, columns)
		if line != "" && width(line)+width(dot)+width(t) > columns {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += dot
		}
		line += t
	}
	return append(lines, line)
}

// cells deals a number of character cells out to shares, so that the sum is exact and what is not
// nothing gets a cell where there is one to spare.
func cells(shares []float64, total int) []int {
	out := make([]int, len(shares))
	sum, used := 0.0, 0
	for _, s := range shares {
		sum += s
	}
	if !(sum > 0) {
		return out
	}
	rests := make([]float64, len(shares))
	for i, s := range shares {
		exact := s / sum * float64(total)
		out[i] = int(exact)
		rests[i] = exact - float64(out[i])
		used += out[i]
	}
	for ; used < total; used++ {
		best := 0
		for i := range rests {
			if rests[i] > rests[best] {
				best = i
			}
		}
		out[best]++
		rests[best] = -1
	}
	return out
}
