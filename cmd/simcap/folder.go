package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// defaultFolder is where a command writes without --out: simcap-out/NAME-WHAT, or simcap-out/NAME for
// a run.
func defaultFolder(name, what string) string {
	name = fileName(name)
	if what != "" {
		name += "-" + what
	}
	return filepath.Join("simcap-out", name)
}

// fileName is a scenario's name as the name of a folder: letters, digits, and what separates them.
func fileName(name string) string {
	clean := strings.Map(func(r rune) rune {
		if strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.", r) {
			return r
		}
		return '-'
	}, name)
	if clean = strings.Trim(clean, "-."); clean == "" {
		return "scenario"
	}
	return clean[:min(len(clean), 100)]
}

// claim is a folder that a command is going to write to, and that of its parents that it has made.
type claim struct{ made []string }

// claimFolder makes the folder for results before the work, so that a long run is not lost to a folder
// that cannot be written. It refuses one that holds things, but none of the files by which simcap
// knows what it wrote there earlier. An empty name claims nothing.
func claimFolder(dir string, force bool, what string, marks ...string) (*claim, error) {
	c := &claim{}
	if dir == "" {
		return c, nil
	}
	entries, err := os.ReadDir(dir)
	known := len(entries) == 0 || slices.ContainsFunc(entries, func(e os.DirEntry) bool {
		return slices.Contains(marks, e.Name())
	})
	switch {
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return nil, usagef("--out: %s is not a folder that can be written: %w", dir, bare(err))
	case !known && !force:
		return nil, usagef("--out: %s is there already and holds no %s of simcap; name another, or use "+
			"--force", dir, what)
	}
	for at := filepath.Clean(dir); ; at = filepath.Dir(at) {
		if _, err := os.Stat(at); err == nil || at == filepath.Dir(at) {
			break
		}
		c.made = append(c.made, at)
	}
	err = os.MkdirAll(dir, 0o755)
	if err == nil {
		var probe *os.File
		if probe, err = os.CreateTemp(dir, ".simcap-*"); err == nil {
			probe.Close()
			err = os.Remove(probe.Name())
		}
	}
	if err != nil {
		c.release()
		return nil, usagef("--out: cannot write into %s: %w", dir, bare(err))
	}
	return c, nil
}

// release removes the folders that were made and that nothing was written to.
func (c *claim) release() {
	for _, dir := range c.made {
		if os.Remove(dir) != nil {
			return
		}
	}
}
