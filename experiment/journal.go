package experiment

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/simcap/simcap/sim"
)

// Journal keeps the finished trials of a sweep in a file, a line of JSON each, so that a sweep that was
// interrupted, even killed, goes on where it was. A line goes to the system when its trial ends, and to
// the disk at most a fifth of a second later. Trials are found again by content: by the hash of model,
// seed and version, and the number of the replication. A nil Journal keeps nothing.
type Journal struct {
	mutex  sync.Mutex
	file   *os.File
	size   int64
	lines  map[string]map[int]span // where trials stand, by key and replication
	found  int                     // trials that were there at the beginning
	warmup map[string]settling     // found by pilots, by key
	synced time.Time
	closed bool
}

// span is a part of the file.
type span struct{ from, length int64 }

// journalError says that a journal cannot be written: nothing more is worth simulating.
type journalError struct{ err error }

func (e *journalError) Error() string { return "keeping results: " + e.err.Error() }

func (e *journalError) Unwrap() error { return e.err }

// settling is a warm-up that pilots have found.
type settling struct {
	Warmup    sim.Time `json:"warmup_ns"`
	Unsettled bool     `json:"unsettled,omitempty"`
}

// entry is a line of the journal.
type entry struct {
	Key      string    `json:"key"`
	Trial    *trial    `json:"trial,omitempty"`
	Settling *settling `json:"settling,omitempty"`
}

const syncEvery = 200 * time.Millisecond

// OpenJournal opens the journal in the file and reads what it holds. With resume false it must not
// exist, and is made. A last line without an end is what a killed process left: it is cut off. Any other
// line that cannot be read is an error. Only one process may have a journal open.
func OpenJournal(name string, resume bool) (*Journal, error) {
	flags := os.O_RDWR | os.O_CREATE
	if !resume {
		flags |= os.O_EXCL
	}
	file, err := os.OpenFile(name, flags, 0o644)
	if err != nil {
		return nil, err
	}
	j := &Journal{file: file, lines: map[string]map[int]span{}, warmup: map[string]settling{}}
	if err := lock(file); err != nil {
		file.Close()
		return nil, fmt.Errorf("%s: another simcap is at work on it", name)
	}
	if err := j.read(); err != nil {
		file.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return j, nil
}

// read takes in all whole lines and cuts off what follows.
func (j *Journal) read() error {
	in := bufio.NewReaderSize(j.file, 1<<20)
	for number := 1; ; number++ {
		line, err := in.ReadBytes('\n')
		if err == io.EOF {
			j.found = j.count()
			return j.file.Truncate(j.size)
		}
		if err != nil {
			return err
		}
		at := span{j.size, int64(len(line))}
		j.size += at.length
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var e struct {
			Key      string
			Settling *settling
			Trial    *struct{ Replication int }
		}
		if err := json.Unmarshal(line, &e); err != nil || e.Key == "" {
			return fmt.Errorf("line %d was not written by simcap", number)
		}
		if e.Settling != nil {
			j.warmup[e.Key] = *e.Settling
		}
		if e.Trial != nil {
			j.remember(e.Key, e.Trial.Replication, at)
		}
	}
}

func (j *Journal) remember(key string, replication int, at span) {
	if j.lines[key] == nil {
		j.lines[key] = map[int]span{}
	}
	j.lines[key][replication] = at
}

func (j *Journal) count() int {
	n := 0
	for _, of := range j.lines {
		n += len(of)
	}
	return n
}

// Found is the number of trials that were in the file when it was opened.
func (j *Journal) Found() int { return j.found }

// Empty says whether the journal holds nothing.
func (j *Journal) Empty() bool {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	return j.size == 0
}

// find gives what the journal knows of a point. A line that does not fit the scenario counts as none.
func (j *Journal) find(key string, l *layout) (known map[int]*trial, warmup settling, settled bool) {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	known = map[int]*trial{}
	for replication, at := range j.lines[key] {
		line := make([]byte, at.length)
		var e entry
		if _, err := j.file.ReadAt(line, at.from); err != nil || json.Unmarshal(line, &e) != nil {
			continue
		}
		if e.Trial != nil && e.Trial.fits(l) {
			known[replication] = e.Trial
		}
	}
	warmup, settled = j.warmup[key]
	return known, warmup, settled
}

// keep adds a line.
func (j *Journal) keep(e *entry) error {
	if j == nil {
		return nil
	}
	line, err := json.Marshal(e)
	if err != nil {
		return &journalError{err}
	}
	line = append(line, '\n')
	j.mutex.Lock()
	defer j.mutex.Unlock()
	if j.closed {
		return &journalError{os.ErrClosed}
	}
	if _, err := j.file.WriteAt(line, j.size); err != nil {
		return &journalError{err}
	}
	if e.Trial != nil {
		j.remember(e.Key, e.Trial.Replication, span{j.size, int64(len(line))})
	} else {
		j.warmup[e.Key] = *e.Settling
	}
	j.size += int64(len(line))
	if now := time.Now(); now.Sub(j.synced) > syncEvery {
		j.synced = now
		if err := j.file.Sync(); err != nil {
			return &journalError{err}
		}
	}
	return nil
}

// Close brings everything to the disk and closes the file.
func (j *Journal) Close() error {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	if j.closed {
		return nil
	}
	j.closed = true
	return errors.Join(j.file.Sync(), j.file.Close())
}
