// Package tidy holds the mechanical part of the house rules as a test.
package tidy

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

const (
	root       = "../.."
	module     = "github.com/simcap/simcap/"
	maxColumns = 110 // 100 is the rule; comments with tables may run a little over
	maxLines   = 75  // a function fits a screen
)

// mayImport is the import table: what each package may import of this module, by prefix. Packages
// that are not named may import nothing of it.
var mayImport = map[string][]string{
	"sim":             nil,
	"stats":           nil,
	"model/dist":      {"sim"},
	"model/workload":  {"sim", "model/dist"},
	"model/service":   {"sim", "model/dist"},
	"model":           {"sim", "stats", "model/"},
	"experiment":      {"sim", "stats", "model", "report/quantity"},
	"experiment/plan": {"sim", "stats", "model", "experiment"},
	"trace":           {"sim", "stats", "trace"},
	"scenarios":       {"sim", "model", "experiment", "trace"},
	"report":          {"experiment", "report", "stats", "sim", "model", "trace"},
	"calibrate":       {"calibrate", "sim", "stats", "report/quantity"},
	"cmd":             {""},
	"internal":        {""},
}

// pure packages have no files, logging, wall clock, global randomness or goroutines.
var pure = []string{"sim", "stats", "model"}

var impure = map[string]bool{"os": true, "log": true, "time": true, "math/rand": true,
	"math/rand/v2": true, "net": true, "net/http": true, "go.yaml.in/yaml/v4": true, "sync": true}

func TestHouseRules(t *testing.T) {
	walk(t, func(path string) {
		if !strings.HasSuffix(path, ".go") {
			return
		}
		source, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			t.Fatal(err)
		}
		checkLines(t, path, string(source))
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, source, parser.ParseComments)
		if err != nil {
			t.Error(err)
			return
		}
		checkImports(t, path, file)
		checkDeclarations(t, path, set, file)
	})
}

func walk(t *testing.T, visit func(path string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, _ := filepath.Rel(root, path)
		if d.IsDir() {
			if strings.HasPrefix(d.Name(), ".") && relative != "." {
				return filepath.SkipDir
			}
			return nil
		}
		visit(filepath.ToSlash(relative))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

var unfinished = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X)\b`)

func checkLines(t *testing.T, path, source string) {
	for n, line := range strings.Split(source, "\n") {
		columns := utf8.RuneCountInString(strings.ReplaceAll(line, "\t", "    "))
		if columns > maxColumns && !strings.Contains(line, "`") && !strings.HasSuffix(path, "_test.go") {
			t.Errorf("%s:%d: %d columns", path, n+1, columns)
		}
		if unfinished.MatchString(line) {
			t.Errorf("%s:%d: unfinished: %s", path, n+1, strings.TrimSpace(line))
		}
	}
}

// allowed is the entry of the import table for a package folder.
func allowed(folder string) ([]string, bool) {
	for at := folder; ; {
		if list, ok := mayImport[at]; ok {
			return list, true
		}
		cut := strings.LastIndex(at, "/")
		if cut < 0 {
			return nil, false
		}
		at = at[:cut]
	}
}

func checkImports(t *testing.T, path string, file *ast.File) {
	folder := filepath.ToSlash(filepath.Dir(path))
	test := strings.HasSuffix(path, "_test.go")
	list, known := allowed(folder)
	if !known && folder != "." {
		t.Errorf("%s: folder %s is not in the import table", path, folder)
	}
	for _, spec := range file.Imports {
		name := strings.Trim(spec.Path.Value, `"`)
		if own, ok := strings.CutPrefix(name, module); ok {
			if !test && !matches(own, list) {
				t.Errorf("%s: %s must not import %s", path, folder, own)
			}
			if strings.HasPrefix(own, "calibrate") && !strings.HasPrefix(folder, "cmd") &&
				!strings.HasPrefix(folder, "calibrate") && !test {
				t.Errorf("%s: only cmd imports calibrate", path)
			}
			continue
		}
		if !test && impure[name] && matches(folder, pure) {
			t.Errorf("%s: %s must not import %s", path, folder, name)
		}
	}
}

func matches(name string, list []string) bool {
	for _, entry := range list {
		if entry == "" || name == entry || strings.HasPrefix(name, strings.TrimSuffix(entry, "/")+"/") {
			return true
		}
	}
	return false
}

var banned = map[string]bool{"util": true, "utils": true, "common": true, "helper": true, "helpers": true,
	"manager": true, "impl": true}

func checkDeclarations(t *testing.T, path string, set *token.FileSet, file *ast.File) {
	if banned[file.Name.Name] {
		t.Errorf("%s: a package must not be named %s", path, file.Name.Name)
	}
	test := strings.HasSuffix(path, "_test.go")
	for _, decl := range file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok {
			continue
		}
		at := set.Position(f.Pos())
		if f.Name.Name == "init" && f.Recv == nil {
			t.Errorf("%s: init", at)
		}
		lines := set.Position(f.End()).Line - at.Line + 1
		if lines > maxLines && !test {
			t.Errorf("%s: %s has %d lines", at, f.Name.Name, lines)
		}
		if !test && f.Doc == nil && exported(f) && file.Name.Name != "main" {
			t.Errorf("%s: exported %s has no comment", at, f.Name.Name)
		}
	}
}

// exported says whether a function can be called from outside its package.
func exported(f *ast.FuncDecl) bool {
	if !f.Name.IsExported() {
		return false
	}
	if f.Recv == nil {
		return true
	}
	kind := f.Recv.List[0].Type
	if star, ok := kind.(*ast.StarExpr); ok {
		kind = star.X
	}
	if generic, ok := kind.(*ast.IndexExpr); ok {
		kind = generic.X
	}
	name, ok := kind.(*ast.Ident)
	return ok && name.IsExported() && !standard[f.Name.Name]
}

// standard methods of well-known interfaces need no comment.
var standard = map[string]bool{"Error": true, "String": true, "Len": true, "Less": true, "Swap": true,
	"Write": true, "Read": true, "Close": true, "Unwrap": true, "MarshalJSON": true,
	"UnmarshalJSON": true, "MarshalText": true, "UnmarshalText": true}
