package validation

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/validation.md and its pictures anew")

const (
	documentPath   = "../../docs/validation.md"
	picturesFolder = "../../docs/validation"
	largestPicture = 100_000 // bytes
)

// TestDocument holds docs/validation.md to what the program says now. Its section about measurements is
// made anew where the data are beside the checkout, and taken as it stands elsewhere.
func TestDocument(t *testing.T) {
	ctx := context.Background()
	theory, err := RunAll(ctx, Theory(), remembered.run)
	if err != nil {
		t.Fatal(err)
	}
	peers, err := RunAll(ctx, Peers(), remembered.run)
	if err != nil {
		t.Fatal(err)
	}
	covered, err := Coverage(ctx, coverageCase, coverageCheck, coverageHorizon, coverageTimes)
	if err != nil {
		t.Fatal(err)
	}
	if covered < 366 || covered > 394 { // 380 ± 3.29 √(400 · 0.95 · 0.05)
		t.Errorf("%d of %d intervals of 95 %% hold the exact value; 366 to 394 were expected", covered, coverageTimes)
	}
	old, err := os.ReadFile(documentPath)
	if err != nil && !*update {
		t.Fatal(err)
	}
	measured, drawings, err := Measured(ctx, os.DirFS(lambdaFolder))
	if err != nil {
		measured = MeasuredSection(string(old))
		t.Log("../shared/data/traces/aws-lambda-pacs is not beside the checkout: the section about " +
			"measurements is not made anew")
	}
	text, err := Document(theory, peers, covered, measured)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		more, err := Drawings(ctx, theory, peers)
		if err != nil {
			t.Fatal(err)
		}
		write(t, text, append(drawings, more...))
	} else if runtime.GOARCH != "amd64" {
		t.Log("the last digits of floating-point numbers may differ here: the text is not compared")
	} else if line, ok := firstDifference(string(old), text); !ok {
		t.Errorf("docs/validation.md is not current: line %d\n%s", line.number, line.text)
		t.Log("make it anew: go test ./internal/validation -run TestDocument -update")
	}
	checkPictures(t, text)
}

func write(t *testing.T, text string, drawings []Drawing) {
	t.Helper()
	if err := os.MkdirAll(picturesFolder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(documentPath, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, d := range drawings {
		if err := os.WriteFile(filepath.Join(picturesFolder, d.Name), d.PNG, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

type line struct {
	number int
	text   string
}

func firstDifference(old, now string) (line, bool) {
	a, b := strings.Split(old, "\n"), strings.Split(now, "\n")
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) || a[i] != b[i] {
			text := ""
			if i < len(a) {
				text += "is  " + a[i] + "\n"
			}
			if i < len(b) {
				text += "now " + b[i]
			}
			return line{i + 1, text}, false
		}
	}
	return line{}, true
}

// checkPictures: all pictures that the document shows are there, and no others, and they are small.
func checkPictures(t *testing.T, text string) {
	t.Helper()
	shown := map[string]bool{}
	for _, m := range regexp.MustCompile(`\]\(validation/([^)]+)\)`).FindAllStringSubmatch(text,
		-1) {
		shown[m[1]] = true
	}
	files, err := os.ReadDir(picturesFolder)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !shown[f.Name()] {
			t.Errorf("docs/validation/%s is not in the document", f.Name())
		}
		delete(shown, f.Name())
		data, err := os.ReadFile(filepath.Join(picturesFolder, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(data, []byte("\x89PNG")) || len(data) > largestPicture {
			t.Errorf("docs/validation/%s: %d bytes; a PNG of at most %d was expected", f.Name(),
				len(data),
				largestPicture)
		}
	}
	for name := range shown {
		t.Errorf("docs/validation/%s is missing", name)
	}
}
