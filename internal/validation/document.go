package validation

import (
	"embed"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/template"
)

// Compared is a family with what became of its cases.
type Compared struct {
	Name  string
	Cases []ComparedCase
}

// ComparedCase is a case with its findings.
type ComparedCase struct {
	Case     Case
	Findings []Finding
}

// templates are the prose: page.md of the document, measured.md of its section about measurements.
//
//go:embed page.md measured.md
var templates embed.FS

// fill writes a template.
func fill(name string, data any) (string, error) {
	t, err := template.ParseFS(templates, name)
	if err != nil {
		return "", fmt.Errorf("validation: %w", err)
	}
	var out strings.Builder
	err = t.Execute(&out, data)
	return out.String(), err
}

// The section about measurements stands between these marks: it comes from data that may not be at hand,
// and is kept then.
const (
	measuredFrom = "\n<!-- measurements: from here -->\n"
	measuredTo   = "\n<!-- measurements: to here -->\n"
)

// tables are the comparisons of one part of the document.
type tables struct {
	Agree, All int
	Tables     string
}

func newTables(families []Compared, answer string) tables {
	var t tables
	t.Agree, t.All = Agreement(families)
	var d strings.Builder
	for _, family := range families {
		writeFamily(&d, family, answer)
	}
	t.Tables = d.String()
	return t
}

// Document writes docs/validation.md. Covered is how many of coverageTimes intervals held, measured its
// section about measurements.
func Document(theory, peers []Compared, covered int, measured string) (string, error) {
	return fill("page.md", struct {
		Theory, Peers  tables
		Width          string
		Covered, Times int
		Measured       string
	}{newTables(theory, "exact"), newTables(peers, "theirs"), medianWidth(theory), covered, coverageTimes,
		measuredFrom + measured + measuredTo})
}

// medianWidth is the half-width of the middle comparison, relative to the answer.
func medianWidth(families []Compared) string {
	var widths []float64
	for _, family := range families {
		for _, c := range family.Cases {
			for i := range c.Findings {
				f := &c.Findings[i]
				widths = append(widths, (f.High-f.Low)/2/math.Abs(f.Answer()))
			}
		}
	}
	slices.Sort(widths)
	return fmt.Sprintf("%.1f %%", 100*widths[len(widths)/2])
}

// MeasuredSection cuts the section about measurements out of a document; "" where there is none.
func MeasuredSection(document string) string {
	_, rest, _ := strings.Cut(document, measuredFrom)
	section, _, found := strings.Cut(rest, measuredTo)
	if !found {
		return ""
	}
	return section
}

// Agreement counts findings whose interval holds the answer.
func Agreement(families []Compared) (inside, all int) {
	for _, family := range families {
		for _, c := range family.Cases {
			for i := range c.Findings {
				all++
				if c.Findings[i].Agrees() {
					inside++
				}
			}
		}
	}
	return inside, all
}

func writeFamily(d *strings.Builder, family Compared, answer string) {
	fmt.Fprintf(d, "\n### %s\n", family.Name)
	for _, c := range family.Cases {
		fmt.Fprintf(d, "\n**%s** (`%s`; %s)\n\n", c.Case.Title, c.Case.Name, c.Case.Source)
		fmt.Fprintf(d,
			"| measure | simcap | %s | off by | of the half-width | |\n|---|---|---|---|---|---|\n", answer)
		for i := range c.Findings {
			writeFinding(d, &c.Findings[i])
		}
	}
}

func writeFinding(d *strings.Builder, f *Finding) {
	unit := f.Check.Unit
	if unit != "" {
		unit = " " + unit
	}
	half := (f.High - f.Low) / 2
	theirs := significant(f.Answer(), 8)
	if p := f.Check.Peer; p != nil && p.RunS > 0 {
		theirs = significant(p.Value, 8) + ", one run"
	} else if p != nil {
		theirs = plusMinus(p.Value, p.Half)
	}
	off, share := "0 %", "0"
	if f.Value != f.Answer() && half > 0 {
		off = fmt.Sprintf("%+.2g %%", 100*(f.Value-f.Answer())/f.Answer())
		share = fmt.Sprintf("%.2f", math.Abs(f.Value-f.Answer())/half)
	}
	verdict := "agrees"
	if !f.Agrees() {
		verdict = "**differs**"
	}
	fmt.Fprintf(d, "| %s | %s%s | %s | %s | %s | %s |\n", f.Check.Name, plusMinus(f.Value, half),
		unit, theirs, off,
		share, verdict)
}

// plusMinus writes a value and its half-width to two significant digits of the latter: 2.327 ± 0.042.
func plusMinus(value, half float64) string {
	if half == 0 || math.Abs(half) < 1e-12*math.Abs(value) {
		return significant(value, 6)
	}
	digits := max(0, 1-int(math.Floor(math.Log10(half))))
	return strconv.FormatFloat(value, 'f', digits, 64) + " ± " + strconv.FormatFloat(half, 'f',
		digits, 64)
}

// significant writes at most so many significant digits.
func significant(v float64, digits int) string {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(v, 'e', digits-1, 64), 64)
	if err != nil {
		panic("validation: " + err.Error())
	}
	return strconv.FormatFloat(rounded, 'f', -1, 64)
}
