package main

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/model/dist"
	"github.com/simcap/simcap/scenarios"
)

var update = flag.Bool("update", false, "rewrite the output that README.md shows")

// block is a fenced part of a document.
type block struct {
	language   string
	text       string
	start, end int // of the text, in the document
}

// blocks finds the fenced parts.
func blocks(document string) []block {
	var all []block
	for _, m := range regexp.MustCompile("(?ms)^```([a-z]+)\n(.*?)^```$").FindAllStringSubmatchIndex(document, -1) {
		all = append(all, block{document[m[2]:m[3]], document[m[4]:m[5]], m[4], m[5]})
	}
	return all
}

// documentOf reads a document of the repository, seen from this package.
func documentOf(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What README.md tells a newcomer to type works, and prints what it shows.
func TestReadme(t *testing.T) {
	readme := documentOf(t, "README.md")
	path, err := filepath.Abs("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	all := blocks(readme)
	commands := 0
	updated := readme
	for i, b := range all {
		switch b.language {
		case "yaml":
			simcap(t, b.text, "check", "-").expect(t, exitDone, "good", "")
		case "sh":
			shown := ""
			for _, line := range strings.Split(strings.TrimSpace(b.text), "\n") {
				shown = readmeLine(t, line)
				commands++
			}
			if i+1 < len(all) && all[i+1].language == "text" {
				if *update {
					updated = strings.Replace(updated, readme[b.start:all[i+1].end],
						readme[b.start:all[i+1].start]+shown, 1)
				} else {
					compareShape(t, all[i+1], shown)
				}
			}
		}
	}
	if commands < 10 {
		t.Errorf("only %d commands found", commands)
	}
	if *update {
		if err := os.WriteFile(path, []byte(updated), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// readmeLine runs one line of a shell block in this process and returns what it prints. Lines for
// other programs are not run.
func readmeLine(t *testing.T, line string) string {
	t.Helper()
	command, comment, _ := strings.Cut(line, "#")
	command, lines, shortened := strings.Cut(command, " | head -n ")
	fields := strings.Fields(command)
	switch {
	case strings.HasPrefix(command, "go run ./cmd/simcap "):
		fields = fields[3:]
	case fields[0] == "simcap":
		fields = fields[1:]
	default:
		return ""
	}
	var to string
	if n := len(fields); n > 2 && fields[n-2] == ">" {
		fields, to = fields[:n-2], fields[n-1]
	}
	o := simcap(t, "", fields...)
	want := exitDone
	if strings.Contains(comment, "exit code 3") {
		want = exitSLO
	}
	if o.code != want || o.stderr != "" {
		t.Errorf("%s: exit code %d, want %d: %s", line, o.code, want, o.stderr)
	}
	if to != "" {
		if err := os.WriteFile(to, []byte(o.stdout), 0o644); err != nil {
			t.Error(err)
		}
	}
	if n, err := strconv.Atoi(strings.TrimSpace(lines)); err == nil && shortened {
		all := strings.SplitAfter(o.stdout, "\n")
		return strings.Join(all[:min(n, len(all))], "")
	}
	return o.stdout
}

// compareShape compares what a document shows with what was printed: the words and their order. The
// figures are the same as long as nobody changes the model or the example.
func compareShape(t *testing.T, b block, printed string) {
	t.Helper()
	if want, got := wording(b.text), wording(printed); want != got {
		t.Errorf("README.md shows\n%s\nand simcap prints\n%s\n(go test ./cmd/simcap -run Readme -update rewrites it)",
			b.text, printed)
	}
}

// wording is the words of a text, line by line, without figures, charts and the version.
func wording(text string) string {
	text = regexp.MustCompile(`simcap (devel|v)\S*`).ReplaceAllString(text, "")
	var b strings.Builder
	for _, line := range strings.Split(text, "\n") {
		if strings.ContainsAny(line, "┤└") {
			continue
		}
		words := strings.FieldsFunc(line, func(r rune) bool { return !unicode.IsLetter(r) })
		if len(words) > 0 {
			b.WriteString(strings.Join(words, " ") + "\n")
		}
	}
	return b.String()
}

// Every command is in the README's table.
func TestReadmeNamesEveryCommand(t *testing.T) {
	readme := documentOf(t, "README.md")
	root := newRootCommand()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.IsAvailableCommand() && !strings.Contains(readme, "`simcap "+c.Name()) {
			t.Errorf("README.md does not name `simcap %s`", c.Name())
		}
	}
}

// docs/semantics.md speaks of everything that a scenario can name.
func TestSemanticsAreComplete(t *testing.T) {
	text := documentOf(t, "docs/semantics.md")
	var names []string
	for _, r := range model.Routings {
		names = append(names, "`"+string(r)+"`")
	}
	for _, m := range model.Methods {
		names = append(names, "`"+string(m)+"`")
	}
	for _, k := range dist.Kinds() {
		names = append(names, "`"+k.Name+" {")
	}
	for _, w := range scenarios.Words() {
		if w.Key != "pNN" { // stands for p50, p99 and so on
			names = append(names, w.Key)
		}
	}
	for _, o := range model.OutcomeNames {
		names = append(names, "`"+o+"`")
	}
	for _, m := range experiment.MetricNames() {
		group, part, dotted := strings.Cut(m, ".")
		names = append(names, "`"+group)
		if dotted {
			names = append(names, "`"+part+"`")
		}
	}
	for _, name := range names {
		if !strings.Contains(text, name) {
			t.Errorf("docs/semantics.md does not speak of %s", name)
		}
	}
}

// NOTICE names every module that the program is built of, on every system.
func TestNotice(t *testing.T) {
	notice := documentOf(t, "NOTICE")
	for _, build := range [][]string{{"GOOS=linux", "CGO_ENABLED=1"}, {"GOOS=windows", "CGO_ENABLED=0"}} {
		list := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", ".")
		list.Env = append(os.Environ(), build...)
		out, err := list.Output()
		if err != nil {
			t.Fatal(err)
		}
		for _, module := range strings.Fields(string(out)) {
			name := strings.TrimPrefix(module, "golang.org/")
			if module != "github.com/simcap/simcap" && !strings.Contains(notice, name) {
				t.Errorf("NOTICE does not name %s", module)
			}
		}
	}
}
