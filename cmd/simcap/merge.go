package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/report"
)

// mergeFlags are what `simcap merge` can be told.
type mergeFlags struct {
	out     string
	partial bool
	force   bool
	json    bool
	quiet   bool
}

func newMergeCommand() *cobra.Command {
	var flags mergeFlags
	cmd := &cobra.Command{
		Use:   "merge FOLDER...",
		Short: "Join the shares of a sweep that ran on several machines",
		Long: "Merge joins what `simcap sweep --shard` wrote into the folders to one sweep, finds its\n" +
			"frontier, and writes and prints what `simcap sweep` would have. The shares must be of one\n" +
			"sweep: the same scenario, grid, seed and version of simcap. Where points are missing it says\n" +
			"which, and joins what there is only with --partial; the joined folder can be gone on with:\n" +
			"`simcap sweep FILE --resume --out FOLDER` simulates the rest.",
		Example: "  simcap merge shares/* --out whole",
		Args:    cobra.MinimumNArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return flags.run(cmd, args) },
	}
	f := cmd.Flags()
	f.StringVarP(&flags.out, "out", "o", "", "folder for the joined sweep (required, but for --json)")
	f.BoolVar(&flags.partial, "partial", false, "join what there is, where points are missing")
	f.BoolVar(&flags.force, "force", false, "throw away the sweep that the folder holds")
	f.BoolVar(&flags.json, "json", false, "print the sweep as JSON; writes a folder only with --out")
	f.BoolVarP(&flags.quiet, "quiet", "q", false, "print no summary")
	return cmd
}

func (f *mergeFlags) run(cmd *cobra.Command, folders []string) error {
	if f.out == "" && !f.json {
		return usagef("merge needs --out FOLDER for the joined sweep")
	}
	var shares []*experiment.Sweep
	for _, folder := range folders {
		if f.out != "" && filepath.Clean(folder) == filepath.Clean(f.out) {
			return usagef("--out: %s is one of the folders to join", f.out)
		}
		s, err := readSweep(folder)
		if err != nil {
			return usage(err)
		}
		shares = append(shares, s)
	}
	merged, missing, err := experiment.Merge(shares)
	if err != nil {
		return usagef("%s: %w", folders[0], err)
	}
	if len(missing) > 0 && !f.partial {
		return failed(fmt.Errorf("%s of %d %s: no share has %s; --partial joins what there is",
			count(len(missing), "point"), merged.Planned, verb(len(missing), "is missing", "are missing"),
			pointAt(merged, missing[0])))
	}
	if f.out != "" {
		claimed, err := claimFolder(f.out, f.force, "sweep", sweepFile, journalFile)
		if err != nil {
			return err
		}
		defer claimed.release()
		if err := joinJournals(folders, f.out, f.force); err != nil {
			return err
		}
	}
	sweep := sweepFlags{json: f.json, pictures: pictureFlags{scale: 2}}
	sweep.scenario.quiet = f.quiet
	if err := sweep.deliver(cmd, merged, f.out); err != nil {
		return failed(err)
	}
	if !keepsSLO(merged) {
		return &exitError{code: exitSLO}
	}
	return nil
}

func verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// pointAt writes a point of the grid.
func pointAt(s *experiment.Sweep, index int) string {
	grid, err := experiment.Grid(s.Axes)
	if err != nil || index >= len(grid) {
		return fmt.Sprintf("point %d", index)
	}
	return grid[index].String()
}

// readSweep reads a folder of a sweep, or its sweep.json.
func readSweep(path string) (*experiment.Sweep, error) {
	name := path
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		name = filepath.Join(path, sweepFile)
	}
	file, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: there is no %s: nothing that `simcap sweep` has written", path, sweepFile)
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	s, err := report.ReadSweepJSON(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

// joinJournals puts the finished replications of all shares into one journal, so that the joined sweep
// can be gone on with.
func joinJournals(folders []string, out string, force bool) error {
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if force {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	to, err := os.OpenFile(filepath.Join(out, journalFile), flags, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return usagef("--out: %s holds a sweep already; --force throws it away", out)
	}
	if err != nil {
		return failed(err)
	}
	for _, folder := range folders {
		if err := appendJournal(to, filepath.Join(folder, journalFile)); err != nil {
			to.Close()
			return failed(err)
		}
	}
	return wrapFailed(errors.Join(to.Sync(), to.Close()))
}

func wrapFailed(err error) error {
	if err != nil {
		return failed(err)
	}
	return nil
}

// appendJournal copies the whole lines of a journal; a share without one has none.
func appendJournal(to io.Writer, name string) error {
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = to.Write(wholeLines(text))
	return err
}

func wholeLines(text []byte) []byte {
	for end := len(text); end > 0; end-- {
		if text[end-1] == '\n' {
			return text[:end]
		}
	}
	return nil
}
