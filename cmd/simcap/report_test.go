package main

import (
	"encoding/json"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What a run drew is drawn again as it was, elsewhere and in another size; nothing of other results is left.
func TestReport(t *testing.T) {
	folder(t)
	simcap(t, "", "run", "small.yaml", "-q", "--out", "out").expect(t, exitDone, "", "")
	page, err := os.ReadFile("out/report.html")
	if err != nil {
		t.Fatal(err)
	}
	results, _ := os.ReadFile("out/results.json")
	simcap(t, "", "report", "out").expect(t, exitDone, filepath.Join("out", "report.html")+"\n", "")
	if again, _ := os.ReadFile("out/report.html"); string(again) != string(page) {
		t.Error("drawn again, the page differs")
	}
	if again, _ := os.ReadFile("out/results.json"); string(again) != string(results) {
		t.Error("drawing has changed the results")
	}
	simcap(t, "", "report", "out/results.json", "-o", "slides", "--png-size", "600x300", "--png-scale", "1",
		"--svg", "--dark").expect(t, exitDone, "slides", "")
	file, err := os.Open("slides/why.png")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if size, err := png.DecodeConfig(file); err != nil || size.Width != 600 || size.Height != 300 {
		t.Errorf("a picture of %+v, want 600 × 300: %v", size, err)
	}
	if svg, err := os.ReadFile("slides/why.svg"); err != nil || !strings.Contains(string(svg), "</svg>") {
		t.Errorf("no SVG: %v", err)
	}
	// Without prices and cold starts some pictures are not drawn, and those of before are gone.
	simcap(t, "", "run", "small.yaml", "-q", "--out", "out", "--set", "functions.f.cold_start=0s").
		expect(t, exitDone, "", "")
	if _, err := os.Stat("out/cold-starts.png"); err == nil {
		t.Error("the picture of the cold starts of earlier results is left")
	}
	if _, err := os.Stat("out/why.png"); err != nil {
		t.Error(err)
	}
}

func TestReportMistakes(t *testing.T) {
	folder(t)
	simcap(t, "", "run", "small.yaml", "-q", "--out", "out").expect(t, exitDone, "", "")
	simcap(t, "", "report", ".").expect(t, exitUsage, "", "holds no results.json")
	simcap(t, "", "report", "nowhere").expect(t, exitUsage, "", "nowhere: no such file")
	simcap(t, "", "report", "small.yaml").expect(t, exitUsage, "", "small.yaml: not JSON of simcap: line 1")
	simcap(t, "", "report", "out", "--png-size", "large").expect(t, exitUsage, "", `"large" is not a size`)
	simcap(t, "", "report", "out", "--png-size", "10x10").expect(t, exitUsage, "", "from 200 to 8000")
	simcap(t, "", "report", "out", "--png-scale", "0").expect(t, exitUsage, "", "0 is not from 0.5 to 8")
	simcap(t, "", "run", "small.yaml", "--png-scale", "NaN").expect(t, exitUsage, "", "NaN is not from")
	if err := os.WriteFile("results.json", []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	simcap(t, "", "report", "results.json").expect(t, exitUsage, "", "no results of `simcap run`")
	if err := os.MkdirAll("mine", 0o755); err != nil {
		t.Fatal(err)
	}
	os.WriteFile("mine/thesis.txt", []byte("precious"), 0o644)
	simcap(t, "", "report", "out", "-o", "mine").expect(t, exitUsage, "", "holds no results or page of simcap")
	simcap(t, "", "report", "out", "-o", "mine", "--force").expect(t, exitDone, "mine", "")
}

// --open starts what BROWSER names with the page's path.
func TestReportOpens(t *testing.T) {
	dir := folder(t)
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no shell to stand in for a browser")
	}
	script := "#!" + shell + "\nprintf %s \"$1\" > '" + filepath.Join(dir, "opened") + "'\n"
	if err := os.WriteFile("browser", []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	simcap(t, "", "run", "small.yaml", "-q", "--out", "out").expect(t, exitDone, "", "")
	t.Setenv("BROWSER", filepath.Join(dir, "none"))
	simcap(t, "", "report", "out", "--open", "-q").expect(t, exitFailed, "", "no browser could be started")
	t.Setenv("BROWSER", filepath.Join(dir, "browser"))
	simcap(t, "", "report", "out", "--open", "-q").expect(t, exitDone, "", "")
	for range 100 {
		if path, _ := os.ReadFile("opened"); len(path) > 0 {
			if want := filepath.Join(dir, "out", "report.html"); string(path) != want {
				t.Errorf("opened %s, want %s", path, want)
			}
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Error("no browser was started")
}

// Every completed input of a small run is in the trace, and every container.
func TestRunTraceEvents(t *testing.T) {
	folder(t)
	simcap(t, "", "run", "small.yaml", "-q", "--trace-events", "t.json", "--inputs", "i.csv").
		expect(t, exitDone, "", "")
	data, err := os.ReadFile("t.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		TraceEvents []struct{ Name, Cat, Ph string }
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	served := 0
	for _, e := range file.TraceEvents {
		if e.Cat == "service" {
			served++
		}
	}
	rows, _ := os.ReadFile("i.csv")
	completed := 0
	for _, line := range strings.Split(string(rows), "\n") {
		if strings.HasPrefix(line, "1,") && strings.HasSuffix(line, ",completed") {
			completed++
		}
	}
	if served != completed || served < 1000 {
		t.Errorf("%d services in the trace, %d inputs completed", served, completed)
	}
	simcap(t, "", "run", "small.yaml", "--trace-events", "t.json").expect(t, exitUsage, "", "is there already")
	simcap(t, "", "run", "small.yaml", "--trace-events", "t.txt").expect(t, exitUsage, "", "must end in .json")
}
