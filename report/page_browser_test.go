package report

import (
	"bytes"
	_ "embed" // the script of the layout
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/simcap/simcap/internal/browser"
	"github.com/simcap/simcap/internal/specimen"
	"github.com/simcap/simcap/report/chart"
	"github.com/simcap/simcap/report/quantity"
)

// theBrowser is the browser of all tests of this package.
var theBrowser struct {
	once sync.Once
	b    *browser.Browser
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if theBrowser.b != nil {
		theBrowser.b.Close()
	}
	os.Exit(code)
}

// chromium is the running browser; without one the test is skipped, and says so.
func chromium(t *testing.T) *browser.Browser {
	t.Helper()
	theBrowser.once.Do(func() { theBrowser.b, theBrowser.err = browser.Start() })
	if errors.Is(theBrowser.err, browser.ErrMissing) {
		t.Skip(theBrowser.err)
	}
	must(t, theBrowser.err)
	return theBrowser.b
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// show writes a page to a file and opens it.
func show(t *testing.T, html []byte, width int) *browser.Page {
	t.Helper()
	b := chromium(t)
	file := filepath.Join(t.TempDir(), "report.html")
	must(t, os.WriteFile(file, html, 0o644))
	p, err := b.Open("file://"+file, width, 900)
	must(t, err)
	t.Cleanup(func() { p.Close() })
	return p
}

// eval evaluates script in the page.
func eval[T any](t *testing.T, p *browser.Page, script string) T {
	t.Helper()
	var out T
	if err := p.Eval(script, &out); err != nil {
		t.Fatalf("%v in %s", err, script)
	}
	return out
}

// htmlPages are pages of every kind, by name.
func htmlPages(t *testing.T) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for name, r := range specimens() {
		var b bytes.Buffer
		must(t, HTML(&b, r, Options{}))
		out[name] = b.Bytes()
	}
	for name, s := range sweeps() {
		var b bytes.Buffer
		must(t, sweepDrawing(s).HTML(&b))
		out[name] = b.Bytes()
	}
	for name, c := range calibrations() {
		var b bytes.Buffer
		must(t, calibrationDrawing(c).HTML(&b))
		out[name] = b.Bytes()
	}
	for name, d := range decisions() {
		var b bytes.Buffer
		must(t, d.drawing.HTML(&b))
		out[name] = b.Bytes()
	}
	return out
}

// faults is a script that lists what is wrong with the layout of a page: text outside of the window or of
// its picture, text on text, text that is hard to read, elements without names.
//
//go:embed testdata/faults.js
var faults string

// Every page, at every width, light, dark and printed, has no error, asks for nothing, and shows all of
// its text, none on another and none hard to read.
func TestPagesLayout(t *testing.T) {
	for name, html := range htmlPages(t) {
		t.Run(name, func(t *testing.T) {
			if len(html) > 1<<20 {
				t.Errorf("%d bytes, more than 1 MiB", len(html))
			}
			p := show(t, html, 400)
			check := func(what string) {
				t.Helper()
				for _, fault := range eval[[]string](t, p, faults) {
					t.Errorf("%s: %s", what, fault)
				}
			}
			for _, scheme := range []string{"light", "dark"} {
				must(t, p.Media("screen", scheme))
				for _, width := range []int{400, 800, 1600} {
					if scheme == "dark" && width != 800 {
						continue // colours do not move text
					}
					must(t, p.Resize(width, 900))
					settle(t, p)
					check(fmt.Sprintf("%s at %d", scheme, width))
					for i := range eval[int](t, p, `document.querySelectorAll("[role=tab]").length`) {
						eval[any](t, p, fmt.Sprintf(`document.querySelectorAll("[role=tab]")[%d].click()`, i))
						settle(t, p)
						check(fmt.Sprintf("%s at %d, tab %d", scheme, width, i))
					}
				}
			}
			must(t, p.Media("print", "dark"))
			must(t, p.Resize(720, 1000))
			settle(t, p)
			check("printed")
			if ground := eval[string](t, p, `getComputedStyle(document.body).backgroundColor`); ground != "rgb(255, 255, 255)" {
				t.Errorf("printed on %s", ground)
			}
			for _, c := range p.Complaints() {
				t.Error(c)
			}
			if n := p.Requests(); len(n) != 1 {
				t.Errorf("asks for %v", n)
			}
		})
	}
}

// settle waits until the page has drawn what a change asks for.
func settle(t *testing.T, p *browser.Page) {
	t.Helper()
	eval[any](t, p, `new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(0))))`)
}

func dayPage(t *testing.T, width int) *browser.Page {
	t.Helper()
	var b bytes.Buffer
	must(t, HTML(&b, specimen.Make(specimen.Day()), Options{}))
	return show(t, b.Bytes(), width)
}

// place is the middle of a part of an element, in the window, after scrolling there.
func place(t *testing.T, p *browser.Page, selector string, x, y float64) (float64, float64) {
	t.Helper()
	at := eval[[2]float64](t, p, fmt.Sprintf(`(() => { const e = document.querySelector(%q);
		e.scrollIntoView({block: "center", behavior: "instant"}); const r = e.getBoundingClientRect();
		return [r.left + r.width * %v, r.top + r.height * %v]; })()`, selector, x, y))
	return at[0], at[1]
}

const ranges = `simcap.views.filter((v) => v.link === "time" && v.frame).map((v) => [v.frame.e.xl, v.frame.e.xh])`

// Dragging over one time chart zooms all of them to that stretch; a double click shows everything again.
func TestBrushZoomsAll(t *testing.T) {
	p := dayPage(t, 1280)
	before := eval[[][2]float64](t, p, ranges)
	if len(before) < 5 {
		t.Fatalf("%d time charts", len(before))
	}
	x0, y := place(t, p, "#chart-arrivals-embed svg", 0.4, 0.4)
	x1, _ := place(t, p, "#chart-arrivals-embed svg", 0.6, 0.4)
	must(t, p.Drag(x0, y, x1, y))
	settle(t, p)
	after := eval[[][2]float64](t, p, ranges)
	for i, r := range after {
		if math.Abs(r[0]-after[0][0]) > 1 || math.Abs(r[1]-after[0][1]) > 1 {
			t.Errorf("chart %d shows %v, the first %v", i, r, after[0])
		}
	}
	whole := before[0][1] - before[0][0]
	if size := after[0][1] - after[0][0]; size > 0.3*whole || size < 0.1*whole {
		t.Errorf("a fifth of %v was dragged, %v is shown", before[0], after[0])
	}
	if text := eval[string](t, p, `document.getElementById("range-text").textContent`); !strings.Contains(text, " to ") {
		t.Errorf("the range says %q", text)
	}
	if !strings.Contains(eval[string](t, p, `document.getElementById("say").textContent`), "Time range") {
		t.Error("the zoom is not announced")
	}
	must(t, p.Click(x0, y, 2))
	settle(t, p)
	for i, r := range eval[[][2]float64](t, p, ranges) {
		if r != before[i] {
			t.Errorf("after a double click chart %d shows %v, not %v", i, r, before[i])
		}
	}
	for _, c := range p.Complaints() {
		t.Error(c)
	}
}

// Arrows read values aloud, + zooms all charts, Escape resets.
func TestKeyboard(t *testing.T) {
	p := dayPage(t, 1280)
	eval[any](t, p, `document.querySelector("#chart-latency-over-time-embed svg").focus()`)
	must(t, p.Key("ArrowRight"))
	said := eval[string](t, p, `document.getElementById("say").textContent`)
	if !strings.Contains(said, "p50") || !strings.Contains(said, "s") {
		t.Errorf("an arrow says %q", said)
	}
	must(t, p.Key("+"))
	settle(t, p)
	for _, r := range eval[[][2]float64](t, p, ranges) {
		if size := r[1] - r[0]; math.Abs(size-43200) > 500 {
			t.Errorf("+ shows %v s of a day, half was expected", size)
		}
	}
	if !eval[bool](t, p, `document.activeElement === document.querySelector("#chart-latency-over-time-embed svg")`) {
		t.Error("the focus is lost when the picture is drawn again")
	}
	must(t, p.Key("Escape"))
	settle(t, p)
	if r := eval[[][2]float64](t, p, ranges)[0]; r[1]-r[0] < 86000 {
		t.Errorf("Escape shows %v", r)
	}
}

// A press on an entry of the key hides its series, another shows it.
func TestTogglesHide(t *testing.T) {
	p := dayPage(t, 1280)
	count := func(role string) int {
		return eval[int](t, p, fmt.Sprintf(`document.querySelectorAll("#chart-containers-embed .plot .r-%s").length`, role))
	}
	button := `[...document.querySelectorAll("#chart-containers-embed .key button")].find((b) => b.textContent === "idle")`
	if count("idle") == 0 || count("busy") == 0 {
		t.Fatal("nothing is drawn")
	}
	eval[any](t, p, button+".click()")
	if count("idle") != 0 || count("busy") == 0 || eval[string](t, p, button+`.getAttribute("aria-pressed")`) != "false" {
		t.Error("idle containers are still shown, or the busy ones are gone")
	}
	eval[any](t, p, button+".click()")
	if count("idle") == 0 {
		t.Error("idle containers do not come back")
	}
}

// A click on a heading sorts by it, numbers by their value, and the total stays last; the filter hides rows.
func TestTablesSortAndFilter(t *testing.T) {
	var b bytes.Buffer
	must(t, HTML(&b, specimen.Make(specimen.Five()), Options{}))
	p := show(t, b.Bytes(), 1280)
	for column := range eval[int](t, p, `document.querySelectorAll("#function-table th button").length`) {
		head := fmt.Sprintf(`document.querySelectorAll("#function-table th")[%d]`, column)
		for _, way := range []string{"ascending", "descending"} {
			eval[any](t, p, head+`.querySelector("button").click()`)
			if got := eval[string](t, p, head+`.getAttribute("aria-sort")`); got != way {
				t.Errorf("column %d says it is sorted %q, want %q", column, got, way)
			}
			rows := eval[[]struct {
				Text, Key string
				Total     bool
			}](t, p, fmt.Sprintf(`[...document.querySelector("#function-table").tBodies[0].rows].map((r) => ({
				text: r.cells[%d].textContent, key: r.cells[%[1]d].dataset.key || "", total: r.classList.contains("total")}))`, column))
			for i := 1; i < len(rows)-1; i++ {
				before, after := rows[i-1].Text, rows[i].Text
				wrong := before > after
				if rows[i].Key != "" && rows[i-1].Key != "" {
					var x, y float64
					fmt.Sscan(rows[i-1].Key, &x)
					fmt.Sscan(rows[i].Key, &y)
					wrong = x > y
					if x == y {
						continue
					}
				}
				if wrong == (way == "ascending") {
					t.Errorf("column %d %s: %s before %s", column, way, before, after)
				}
			}
			if !rows[len(rows)-1].Total {
				t.Errorf("column %d: the total is not last", column)
			}
		}
	}
	shown := eval[int](t, p, `(() => { const i = document.querySelector("[data-filter=function-table]");
		i.value = "rerank"; i.dispatchEvent(new Event("input"));
		return [...document.querySelector("#function-table").tBodies[0].rows].filter((r) => !r.hidden).length; })()`)
	if shown != 1 {
		t.Errorf("the filter leaves %d rows", shown)
	}
}

// The pointer shows a picture's values beside it.
func TestHover(t *testing.T) {
	p := dayPage(t, 1280)
	x, y := place(t, p, "#chart-containers-embed svg", 0.5, 0.5)
	must(t, p.Mouse("mouseMoved", x, y, 0))
	settle(t, p)
	tip := eval[string](t, p, `document.querySelector("#chart-containers-embed .tip:not([hidden])").textContent`)
	for _, want := range []string{"busy", "idle", "starting", ":"} {
		if !strings.Contains(tip, want) {
			t.Errorf("%q is not in the tip %q", want, tip)
		}
	}
}

// The switch changes the ground; the printed page holds together as PDF.
func TestThemeAndPDF(t *testing.T) {
	p := dayPage(t, 1280)
	must(t, p.Media("screen", "light"))
	light := eval[string](t, p, `getComputedStyle(document.body).backgroundColor`)
	eval[any](t, p, `document.getElementById("theme").click()`)
	if dark := eval[string](t, p, `getComputedStyle(document.body).backgroundColor`); dark == light {
		t.Errorf("both themes are on %s", dark)
	}
	pdf, err := p.PDF()
	must(t, err)
	if !bytes.HasPrefix(pdf, []byte("%PDF")) || len(pdf) < 20_000 {
		t.Errorf("a PDF of %d bytes", len(pdf))
	}
}

// Copy buttons put their text on the clipboard.
func TestCopy(t *testing.T) {
	p := dayPage(t, 1280)
	x, y := place(t, p, "#scenario [data-copy]", 0.5, 0.5)
	must(t, p.Click(x, y, 1))
	settle(t, p)
	if said := eval[string](t, p, `document.getElementById("say").textContent`); !strings.HasPrefix(said, "Copied: ") {
		t.Errorf("after a click on Copy: %q", said)
	}
}

// The page writes numbers and marks axes exactly as the rest of simcap does.
func TestScriptAgreesWithGo(t *testing.T) {
	p := dayPage(t, 800)
	type written struct {
		Kind quantity.Kind
		V    float64
	}
	var values []written
	var want []string
	for _, kind := range []quantity.Kind{quantity.Seconds, quantity.USD, quantity.Fraction, quantity.PerS,
		quantity.Count, quantity.Number} {
		for v := 1.3e-10; v < 2e12; v *= 2.7 {
			for _, x := range []float64{v, -v, math.Round(v), math.Pow(10, math.Round(math.Log10(v))), 0} {
				values, want = append(values, written{kind, x}), append(want, quantity.Format(kind, x))
			}
		}
	}
	data, err := json.Marshal(values)
	must(t, err)
	got := eval[[]string](t, p, string(data)+`.map((w) => simcap.format(w.Kind, w.V))`)
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%s %v: the page writes %q, Go %q", values[i].Kind, values[i].V, got[i], want[i])
		}
	}
	type marked struct {
		Axis      chart.Axis
		Low, High float64
	}
	var axes []marked
	for _, scale := range []chart.Scale{chart.Linear, chart.Log, chart.Time, chart.Tail} {
		for low := 1e-4; low < 1e6; low *= 11 {
			for _, factor := range []float64{1.4, 17, 1e4} {
				a := marked{chart.Axis{Kind: quantity.Seconds, Scale: scale}, low, low * factor}
				if scale == chart.Tail {
					a.Low, a.High = 0, 1-1/(low*factor+2)
				}
				axes = append(axes, a)
			}
		}
	}
	data, err = json.Marshal(axes)
	must(t, err)
	marks := eval[[]string](t, p, string(data)+`.map((a) => simcap.ticks(a.Axis, a.Low, a.High, 6).map((t) => t.label).join("|"))`)
	for i, a := range axes {
		var labels []string
		for _, tick := range chart.Ticks(a.Axis, a.Low, a.High, 6) {
			labels = append(labels, tick.Label)
		}
		if text := strings.Join(labels, "|"); text != marks[i] {
			t.Errorf("%s axis from %v to %v: the page marks %s, Go %s", a.Axis.Scale, a.Low, a.High,
				marks[i], text)
		}
	}
}

// A dot shows its settings under the pointer and by the arrow keys; a click and Enter copy them.
func TestPointsAnswer(t *testing.T) {
	var b bytes.Buffer
	s := specimen.Sweep(6, 4, 3)
	v := newSweepView(s)
	must(t, sweepDrawing(s).HTML(&b))
	p := show(t, b.Bytes(), 1280)
	x, y := place(t, p, "#chart-frontier svg circle.dot.r-chosen", 0.5, 0.5)
	must(t, p.Mouse("mouseMoved", x, y, 0))
	settle(t, p)
	tip := eval[string](t, p, `document.querySelector("#chart-frontier .tip:not([hidden])").textContent`)
	for _, want := range []string{"scaledown_window", "960s", "min_containers", "SLO", "kept", "copy"} {
		if !strings.Contains(tip, want) {
			t.Errorf("%q is not in the tip %q", want, tip)
		}
	}
	must(t, p.Click(x, y, 1))
	settle(t, p)
	copied := "Copied: " + settingsFlags(s.Points[v.chosen].Point)
	if said := eval[string](t, p, `document.getElementById("say").textContent`); said != copied {
		t.Errorf("after a click %q, want %q", said, copied)
	}
	eval[any](t, p, `document.querySelector("#chart-map-latency-p99-max-batch-size-4 svg").focus()`)
	must(t, p.Key("Home"))
	must(t, p.Key("Enter"))
	settle(t, p)
	said := eval[string](t, p, `document.getElementById("say").textContent`)
	if !strings.HasPrefix(said, "Copied: --set functions.embed.scaledown_window=30s") {
		t.Errorf("Enter on the first cell of the map: %q", said)
	}
	for _, c := range p.Complaints() {
		t.Error(c)
	}
}

// The pictures of a tab that was hidden are drawn when it is chosen.
func TestTabs(t *testing.T) {
	var b bytes.Buffer
	must(t, HTML(&b, specimen.Make(specimen.Five()), Options{}))
	p := show(t, b.Bytes(), 1280)
	tabs := eval[int](t, p, `document.querySelectorAll("[role=tab]").length`)
	if tabs != 6 {
		t.Fatalf("%d tabs, want one for all and one for each of five functions", tabs)
	}
	for i := range tabs {
		eval[any](t, p, fmt.Sprintf(`document.querySelectorAll("[role=tab]")[%d].click()`, i))
		settle(t, p)
		empty := eval[[]string](t, p, `[...document.querySelectorAll("[role=tabpanel]:not([hidden]) figure")]
			.filter((f) => !f.querySelector("svg path, svg rect")).map((f) => f.id)`)
		if len(empty) > 0 || eval[int](t, p, `document.querySelectorAll("[role=tabpanel]:not([hidden])").length`) != 1 {
			t.Errorf("tab %d: %v are empty", i, empty)
		}
	}
}

// The table behind a picture opens with its numbers, and a long one says how much of it is shown.
func TestData(t *testing.T) {
	p := dayPage(t, 1280)
	rows := eval[int](t, p, `(() => { const d = document.querySelector("#chart-containers-embed details"); d.open = true;
		return new Promise((done) => setTimeout(() => done(d.querySelectorAll("tbody tr").length), 200)); })()`)
	if rows != 200 {
		t.Errorf("%d rows of 360 are shown, want the first 200", rows)
	}
	text := eval[string](t, p, `document.querySelector("#chart-containers-embed details").textContent`)
	if !strings.Contains(text, "The first 200 of 360 rows") || !strings.Contains(text, "busy") {
		t.Errorf("the table says %.200q", text)
	}
}
