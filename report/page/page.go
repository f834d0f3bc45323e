// Package page makes one self-contained HTML file of a description: words, cards, tables and pictures. It
// opens without a network, runs no script but its own, and needs no third party.
package page

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the style and the script of every page
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"sort"
	"strings"

	"github.com/simcap/simcap/report/chart"
	"github.com/simcap/simcap/report/palette"
	"github.com/simcap/simcap/report/quantity"
)

//go:embed app.css
var styles string

//go:embed app.js
var script string

//go:embed page.html
var layout string

// Page is what one file shows, from the top down.
type Page struct {
	Kind       string   // what it reports: run, sweep, plan, comparison, capacity, calibration
	Title      string   // name of the scenario
	Provenance []string // what was simulated, how often, by which version
	Verdict    Verdict
	Cards      []Card
	Notes      []Note // warnings and advice
	Sections   []Section
	Footer     string
}

// Verdict is the answer in words.
type Verdict struct {
	State     string // kept, missed, undecided or none
	Word      string // for example "SLO missed"
	Headline  string
	Sentences []string
}

// Card is one number that matters.
type Card struct {
	Label    string
	Value    string
	Interval string // "" where there is none
	Note     string
	State    string // kept, missed, undecided or ""
}

// Note is a list of sentences under a heading.
type Note struct {
	Title string
	Kind  string // advice or warning
	Items []string
}

// Section is a heading with what belongs to it.
type Section struct {
	ID     string
	Title  string
	Note   string
	Blocks []Block
}

// Block is a picture, a table, text to copy, or alternatives to choose from; one of them is set.
type Block struct {
	Chart *chart.Chart
	Table *Table
	Code  *Code
	Tabs  *Tabs
	Facts []Fact
}

// Fact is a name with its value.
type Fact struct{ Name, Value string }

// Code is text as it stands, with a button that copies it.
type Code struct {
	Title string
	Text  string
}

// Tabs are alternatives, one of which is shown.
type Tabs struct {
	ID    string
	Label string
	Tabs  []Tab
}

// Tab is one alternative.
type Tab struct {
	Name   string
	Blocks []Block
}

// Table is a table that sorts by a click on a heading, and filters when it is long.
type Table struct {
	ID      string
	Caption string
	Columns []Column
	Rows    []Row
}

// Column is a heading; numbers stand on the right.
type Column struct {
	Name   string
	Number bool
	Title  string // what it means, shown on hover
}

// Row is a line of a table.
type Row struct {
	Cells []Cell
	Class string // total, chosen or ""
	Copy  string // put on the clipboard by its button; "": no button
}

// Cell is a value with its interval. Key is what it sorts by; nil: its text.
type Cell struct {
	Text     string
	Interval string
	Key      *float64
	State    string // kept, missed or undecided: colours and marks the text
}

// HasFilter says whether the table is long enough to be filtered.
func (t *Table) HasFilter() bool { return len(t.Rows) > 5 }

// Copies says whether any row has something to copy.
func (t *Table) Copies() bool {
	for i := range t.Rows {
		if t.Rows[i].Copy != "" {
			return true
		}
	}
	return false
}

// Write writes the page. Equal descriptions give equal bytes.
func Write(w io.Writer, p *Page) error {
	pictures := map[string]*chart.Chart{}
	linked := false
	for i := range p.Sections {
		gather(p.Sections[i].Blocks, pictures, &linked)
	}
	data, err := json.Marshal(map[string]any{"charts": pictures, "heat": palette.Heat()})
	if err != nil {
		return fmt.Errorf("page: %w", err)
	}
	css := styles + roleStyles()
	t, err := template.New("page").Funcs(template.FuncMap{"key": key, "glue": quantity.Glue}).Parse(layout)
	if err != nil {
		return fmt.Errorf("page: %w", err)
	}
	var b bytes.Buffer
	// The hashes name the only style and the only script that may run: what a scenario's text holds cannot.
	policy := fmt.Sprintf("default-src 'none'; script-src '%s'; style-src '%s'; img-src data:; "+
		"base-uri 'none'; "+
		"form-action 'none'", hash(script), hash(css))
	err = t.Execute(&b, map[string]any{"Page": p, "Policy": policy, "Style": template.CSS(css),
		"Script": template.JS(script), "Data": template.JS(data), "Linked": linked})
	if err != nil {
		return fmt.Errorf("page: %w", err)
	}
	_, err = w.Write(b.Bytes())
	return err
}

// gather collects the pictures of blocks by their IDs.
func gather(blocks []Block, into map[string]*chart.Chart, linked *bool) {
	for i := range blocks {
		b := &blocks[i]
		if c := b.Chart; c != nil {
			into[c.ID] = c
			*linked = *linked || c.XY != nil && c.XY.Link != "" || c.Lanes != nil && c.Lanes.Link != ""
		}
		if b.Tabs != nil {
			for k := range b.Tabs.Tabs {
				gather(b.Tabs.Tabs[k].Blocks, into, linked)
			}
		}
	}
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// key writes what a cell sorts by.
func key(v *float64) string {
	if v == nil {
		return ""
	}
	return fmt.Sprintf("%.9g", *v)
}

// roleStyles gives roles and surfaces their colours, light and dark. On paper everything is light.
func roleStyles() string {
	light, dark := variables(palette.Light()), variables(palette.Dark())
	return ":root{" + light + "}\n" +
		"@media (prefers-color-scheme:dark){:root:not([data-theme=light]){" + dark + "}}\n" +
		":root[data-theme=dark]{" + dark + "}\n" +
		"@media print{:root,:root[data-theme=dark],:root:not([data-theme=light]){" + light +
		"}}\n" + roleClasses()
}

func variables(t palette.Theme) string {
	var b strings.Builder
	fmt.Fprintf(&b, "--ground:%s;--page:%s;--ink:%s;--soft:%s;--grid:%s;--axis:%s;", t.Ground,
		t.Page, t.Ink, t.Soft,
		t.Grid, t.Axis)
	for _, role := range chart.Roles {
		fmt.Fprintf(&b, "--%s:%s;", role, t.Roles[role])
	}
	return b.String()
}

func roleClasses() string {
	names := make([]string, 0, len(chart.Roles))
	for _, role := range chart.Roles {
		names = append(names, string(role))
	}
	sort.Strings(names)
	var b strings.Builder
	for _, name := range names {
		fmt.Fprintf(&b, ".r-%s{--c:var(--%s)}", name, name)
	}
	return b.String()
}
