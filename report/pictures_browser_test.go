package report

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"codeberg.org/go-fonts/liberation/liberationsansbold"
	"codeberg.org/go-fonts/liberation/liberationsansregular"

	"github.com/simcap/simcap/report/figure"
)

// allPictures are the pictures of results of every kind, by the names of result and picture.
func allPictures() map[string]figure.Picture {
	out := map[string]figure.Picture{}
	add := func(name string, pictures map[string]figure.Picture) {
		for picture, p := range pictures {
			out[name+"/"+picture] = p
		}
	}
	for name, r := range specimens() {
		add(name, RunPictures(r))
	}
	for name, s := range sweeps() {
		add(name, newSweepView(s).pictures())
	}
	for name, d := range decisions() {
		add(name, d.drawing.Pictures)
	}
	for name, c := range calibrations() {
		add(name, (&calibrationView{c}).pictures())
	}
	return out
}

// textFaults lists texts of an SVG that lie outside of it or on each other.
const textFaults = `(() => {
  const out = [], frame = document.querySelector("svg").getBoundingClientRect();
  const texts = [...document.querySelectorAll("text")].filter((t) => t.textContent.trim());
  const boxes = texts.map((t) => t.getBoundingClientRect());
  boxes.forEach((b, i) => {
    if (b.left < frame.left - 1 || b.right > frame.right + 1 || b.top < frame.top - 1 || b.bottom > frame.bottom + 1)
      out.push("outside: " + texts[i].textContent);
    for (let k = 0; k < i; k++) {
      const o = boxes[k];
      if (Math.min(b.right, o.right) - Math.max(b.left, o.left) > 2 && Math.min(b.bottom, o.bottom) - Math.max(b.top, o.top) > 4)
        out.push("'" + texts[i].textContent + "' on '" + texts[k].textContent + "'");
    }
  });
  return out;
})()`

// typefacePage is a page that has the typeface of pictures and room for one of them.
const typefacePage = `<!doctype html><meta charset="utf-8"><title>pictures</title><style>
@font-face { font-family: "Liberation Sans"; src: url(regular.ttf); font-weight: 400; }
@font-face { font-family: "Liberation Sans"; src: url(bold.ttf); font-weight: 700; }
body { margin: 0; } </style><body></body>`

// No text of any picture lies on another or is cut off, at the usual size and at that of a slide.
func TestPicturesText(t *testing.T) {
	dir := t.TempDir()
	for name, data := range map[string][]byte{"regular.ttf": liberationsansregular.TTF,
		"bold.ttf": liberationsansbold.TTF, "page.html": []byte(typefacePage)} {
		must(t, os.WriteFile(filepath.Join(dir, name), data, 0o644))
	}
	p, err := chromium(t).Open("file://"+filepath.Join(dir, "page.html"), 1000, 800)
	must(t, err)
	defer p.Close()
	loaded := eval[int](t, p, `Promise.all(["400", "700"].map((w) => document.fonts.load(w + " 12px 'Liberation Sans'")))
		.then((all) => all.flat().length)`)
	if loaded != 2 {
		t.Fatalf("%d of 2 typefaces are loaded", loaded)
	}
	for name, picture := range allPictures() {
		for _, o := range []figure.Options{{SVG: true}, {SVG: true, Width: 560, Height: 340}} {
			var svg bytes.Buffer
			must(t, figure.Draw(&svg, picture, o))
			text := svg.String()
			markup, err := json.Marshal(text[strings.Index(text, "<svg"):])
			must(t, err)
			eval[any](t, p, "document.body.innerHTML = "+string(markup)+"; 0")
			if eval[int](t, p, `document.querySelectorAll("text").length`) == 0 {
				t.Errorf("%s: no text", name)
			}
			for _, fault := range eval[[]string](t, p, textFaults) {
				t.Errorf("%s, %g wide: %s", name, o.Width, fault)
			}
		}
	}
}
