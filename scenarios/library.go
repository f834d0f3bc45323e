package scenarios

import (
	"embed"
	"io"
	"io/fs"
	"strings"
)

//go:embed *.yaml *.txt
var library embed.FS

// Example is a scenario of the library.
type Example struct {
	Name     string
	Question string // what it answers: the first line of its text
	Text     []byte
}

// Examples are the scenarios of the library, in alphabetical order.
func Examples() []Example {
	files, err := fs.Glob(library, "*.yaml")
	if err != nil {
		panic("scenarios: " + err.Error())
	}
	var all []Example
	for _, file := range files {
		name := strings.TrimSuffix(file, ".yaml")
		if strings.Contains(name, ".") || file == "reference.yaml" {
			continue
		}
		e, _ := FindExample(name)
		all = append(all, e)
	}
	return all
}

// FindExample is the example of the name, or the reference; false where there is none.
func FindExample(name string) (Example, bool) {
	text, err := library.ReadFile(name + ".yaml")
	if err != nil || strings.Contains(name, ".") {
		return Example{}, false
	}
	first, _, _ := strings.Cut(string(text), "\n")
	return Example{Name: name, Question: strings.TrimSpace(strings.TrimPrefix(first, "#")),
		Text: text}, true
}

// Files are the files that the example names, by the names that it has for them.
func (e Example) Files() map[string][]byte {
	files := map[string][]byte{}
	names, err := fs.Glob(library, e.Name+".*.*")
	if err != nil {
		panic("scenarios: " + err.Error())
	}
	for _, name := range names {
		text, err := library.ReadFile(name)
		if err != nil {
			panic("scenarios: " + err.Error())
		}
		files[name] = text
	}
	return files
}

// openExample opens a file that stands beside the examples.
func openExample(name string) (io.ReadCloser, error) { return library.Open(name) }

// ExampleOptions are the options to load an example with: its files stand in the library.
func ExampleOptions() Options { return Options{Open: openExample} }
