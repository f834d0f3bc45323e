package telemetry

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
	"time"
)

// recording is a GPU as it was recorded: its first line is an Info, the others are samples, all JSON.
// A sample asked for after some time is the last one up to then.
type recording struct {
	info    Info
	samples []Sample
	now     func() float64
}

// NewRecording reads a recording and plays it from now on. After its end the last sample stays.
func NewRecording(r io.Reader) (Source, error) {
	began := time.Now()
	return newRecording(r, func() float64 { return time.Since(began).Seconds() })
}

func newRecording(r io.Reader, now func() float64) (*recording, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	rec := &recording{now: now}
	for n := 1; lines.Scan(); n++ {
		var err error
		if n == 1 {
			err = json.Unmarshal(lines.Bytes(), &rec.info)
		} else {
			var x Sample
			if err = json.Unmarshal(lines.Bytes(), &x); err == nil {
				rec.samples = append(rec.samples, x)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("line %d of the recording: %w", n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	rec.info.Source = recordingSource
	if len(rec.samples) == 0 {
		return nil, errors.New("a recording without samples")
	}
	return rec, nil
}

func openRecording(path string) (Source, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return NewRecording(f)
}

// Info is what does not change.
func (r *recording) Info() Info { return r.info }

// Sample is what was recorded last up to now.
func (r *recording) Sample() (Sample, error) {
	now := r.now()
	i := sort.Search(len(r.samples), func(i int) bool { return r.samples[i].At > now })
	return r.samples[max(0, i-1)], nil
}

// Close does nothing.
func (r *recording) Close() error { return nil }
