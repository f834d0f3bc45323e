package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/report"
)

// rowWriter writes rows of one kind.
type rowWriter[Row any] interface {
	Write(*Row) error
	Close() error
}

// table is a file of rows that has its name only when it is whole: until then it is a temporary file
// beside it.
type table[Row any] struct {
	name   string
	file   *os.File
	writer rowWriter[Row]
}

// openInputs opens the table of inputs that a flag asks for, with the columns of LLM inputs if it shall have
// them; nil where the flag asks for none.
func openInputs(name string, force, llm bool) (*table[model.InputRow], error) {
	t, err := openTable[model.InputRow]("--inputs", name, force)
	if t == nil || err != nil {
		return nil, err
	}
	switch parquet := isParquet(name); {
	case parquet && llm:
		t.writer = report.NewLLMInputsParquet(t.file)
	case parquet:
		t.writer = report.NewInputsParquet(t.file)
	case llm:
		t.writer = report.NewLLMInputsCSV(t.file)
	default:
		t.writer = report.NewInputsCSV(t.file)
	}
	return t, nil
}

// openContainers opens the table of containers that a flag asks for; nil where it asks for none.
func openContainers(name string, force bool) (*table[model.ContainerRow], error) {
	t, err := openTable[model.ContainerRow]("--containers", name, force)
	if t == nil || err != nil {
		return nil, err
	}
	if isParquet(name) {
		t.writer = report.NewContainersParquet(t.file)
	} else {
		t.writer = report.NewContainersCSV(t.file)
	}
	return t, nil
}

func isParquet(name string) bool { return strings.EqualFold(filepath.Ext(name), ".parquet") }

// ours says whether a file is a table of an earlier run, which the next one replaces.
func ours(name string) bool {
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	head := make([]byte, 32)
	n, _ := io.ReadFull(f, head)
	for _, begin := range []string{"replication,function,", "PAR1"} {
		if strings.HasPrefix(string(head[:n]), begin) {
			return true
		}
	}
	return n == 0
}

// openTable makes the temporary file. A file that exists and is no such table is only replaced by
// force.
func openTable[Row any](flag, name string, force bool) (*table[Row], error) {
	if name == "" {
		return nil, nil
	}
	if ext := strings.ToLower(filepath.Ext(name)); ext != ".csv" && ext != ".parquet" {
		return nil, usagef("%s: %s must end in .csv or .parquet", flag, name)
	}
	file, err := createTable(flag, name, force)
	if err != nil {
		return nil, err
	}
	return &table[Row]{name: name, file: file}, nil
}

// createTable makes the temporary file of a table.
func createTable(flag, name string, force bool) (*os.File, error) {
	if _, err := os.Lstat(name); err == nil && !force && !ours(name) {
		return nil, usagef("%s: %s is there already and is no table of simcap; name another file, "+
			"or use --force", flag, name)
	}
	file, err := os.CreateTemp(filepath.Dir(name), ".simcap-*")
	if err != nil {
		return nil, usagef("%s: cannot write into %s: %w", flag, filepath.Dir(name), bare(err))
	}
	return file, nil
}

// write is where rows go; nil where there is no table.
func (t *table[Row]) write() func(*Row) error {
	if t == nil {
		return nil
	}
	return t.writer.Write
}

// commit finishes the file and gives it its name.
func (t *table[Row]) commit() error {
	if t == nil {
		return nil
	}
	_ = t.file.Chmod(0o644) // a temporary file is private; where that cannot be changed, so be it
	err := errors.Join(t.writer.Close(), t.file.Close())
	if err == nil {
		err = os.Rename(t.file.Name(), t.name)
	}
	if err != nil {
		os.Remove(t.file.Name())
		return fmt.Errorf("writing %s: %w", t.name, err)
	}
	return nil
}

// discard removes what was written.
func (t *table[Row]) discard() {
	if t != nil {
		t.file.Close()
		os.Remove(t.file.Name())
	}
}
