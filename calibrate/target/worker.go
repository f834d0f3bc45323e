package target

import (
	"bufio"
	"context"
	_ "embed" // the Python side
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/simcap/simcap/calibrate/child"
	"github.com/simcap/simcap/calibrate/load"
)

// WorkerPython is the Python side of the worker protocol: it imports a function and serves it.
//
//go:embed simcap_worker.py
var WorkerPython []byte

// Worker is a program that serves requests on standard input and output, a line of JSON each. It says
// {"simcap":1,"ready":true,"pid":N} when it is ready, gets {"id":1,"op":"call","n":8} (or op null, or
// exit), and answers {"id":1,"n":8,"fn_ns":T}, or with "error".
type Worker struct {
	process *child.Process
	mu      sync.Mutex // of writes and of pending
	pending map[int]chan reply
	seq     int
	dead    error
	hello   chan error
	first   []byte // the line of the hello, before hello
	encoder *json.Encoder
}

// reply is a line of the worker.
type reply struct {
	Simcap int     `json:"simcap"`
	Ready  bool    `json:"ready"`
	ID     int     `json:"id"`
	N      int     `json:"n"`
	FnNS   float64 `json:"fn_ns"`
	Error  string  `json:"error"`
}

// call is a line to the worker.
type call struct {
	ID int    `json:"id"`
	Op string `json:"op"`
	N  int    `json:"n,omitempty"`
}

// NewWorker speaks with a process that was started with pipes.
func NewWorker(p *child.Process) *Worker {
	w := &Worker{process: p, pending: map[int]chan reply{}, hello: make(chan error, 1),
		encoder: json.NewEncoder(p.In)}
	go w.read(p.Out)
	return w
}

// read hands out replies until the worker's output ends.
func (w *Worker) read(r io.Reader) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 16<<20)
	greeted := false
	for lines.Scan() {
		var m reply
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			w.end(fmt.Errorf("the worker wrote a line that is not of the protocol: %.80q; what a "+
				"program prints "+
				"belongs on standard error", lines.Text()))
			return
		}
		if m.Simcap != 0 {
			if !greeted {
				greeted = true
				w.first = slices.Clone(lines.Bytes())
				w.hello <- helloError(m)
			}
			continue
		}
		w.mu.Lock()
		c := w.pending[m.ID]
		delete(w.pending, m.ID)
		w.mu.Unlock()
		if c != nil {
			c <- m
		}
	}
	select { // the output ends a moment before the process is seen to have ended
	case <-w.process.Exited():
	case <-time.After(time.Second):
	}
	err := w.process.Exit()
	if err == nil {
		err = errors.New("the worker closed its output")
	}
	w.end(err)
}

func helloError(m reply) error {
	if m.Simcap != 1 {
		return fmt.Errorf("the worker speaks version %d of the protocol, and this simcap version 1", m.Simcap)
	}
	if !m.Ready {
		return fmt.Errorf("the worker is not ready: %s", m.Error)
	}
	return nil
}

// end fails all that is pending and to come.
func (w *Worker) end(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dead = err
	for id, c := range w.pending {
		delete(w.pending, id)
		c <- reply{Error: err.Error()}
	}
	select {
	case w.hello <- err:
	default:
	}
}

// WaitReady waits for the worker's hello and returns the instant.
func (w *Worker) WaitReady(ctx context.Context, timeout time.Duration) (time.Time, error) {
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case err := <-w.hello:
		return time.Now(), err
	case <-timer.C:
		return time.Time{}, fmt.Errorf("the worker has not said hello after %v%s", timeout, w.process.Said())
	case <-ctx.Done():
		return time.Time{}, ctx.Err()
	}
}

// Greeting is the line with which the worker said hello, once WaitReady has returned; nil if it has not.
func (w *Worker) Greeting() []byte { return w.first }

// Do sends one call and waits for its reply. The time that the function took by the worker's own clock
// is in the answer.
func (w *Worker) Do(ctx context.Context, r load.Request) load.Answer {
	op := "call"
	if r.Null {
		op = "null"
	}
	c := make(chan reply, 1)
	w.mu.Lock()
	if w.dead != nil {
		w.mu.Unlock()
		return load.Answer{Err: w.dead}
	}
	w.seq++
	id := w.seq
	w.pending[id] = c
	err := w.encoder.Encode(call{ID: id, Op: op, N: r.Batch})
	w.mu.Unlock()
	if err != nil {
		if exit := w.process.Exit(); exit != nil {
			err = exit
		}
		return load.Answer{Err: err}
	}
	select {
	case m := <-c:
		if m.Error != "" {
			return load.Answer{Err: errors.New(m.Error)}
		}
		return load.Answer{Server: m.FnNS / 1e9}
	case <-ctx.Done():
		return load.Answer{Err: ctx.Err()}
	}
}
