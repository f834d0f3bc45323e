package gpu

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/simcap/simcap/calibrate/cuda"
)

// Hello is the first line of a worker.
type Hello struct {
	Simcap int        `json:"simcap"`
	Ready  bool       `json:"ready"`
	PID    int        `json:"pid"`
	Error  string     `json:"error,omitempty"`
	Stages []Stage    `json:"stages,omitempty"`
	GPU    *cuda.Info `json:"gpu,omitempty"`
}

// call and answer are the lines of the worker's protocol.
type call struct {
	ID int    `json:"id"`
	Op string `json:"op"`
	N  int    `json:"n"`
}

type answer struct {
	ID    int    `json:"id"`
	N     int    `json:"n"`
	FnNS  int64  `json:"fn_ns"`
	Error string `json:"error,omitempty"`
}

// server serves calls by lanes.
type server struct {
	model *Model
	jobs  chan call
	mu    sync.Mutex // of out, and of the numbers
	out   *json.Encoder
	lanes int // that there are
	most  int
	busy  int // calls that are not answered
	ended sync.WaitGroup
}

// Serve is the worker: it brings the workload onto GPU number index, says hello on out, and serves calls
// from in until it ends or one says exit; up to lanes calls at a time, each on a stream of its own. A
// failure before the hello is told in it, and returned.
func Serve(in io.Reader, out io.Writer, index int, spec Spec, lanes int) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	w := &server{jobs: make(chan call), out: json.NewEncoder(out), most: lanes}
	hello := Hello{Simcap: 1, PID: os.Getpid()}
	d, first, err := w.start(index, spec, &hello)
	if d != nil {
		defer d.Close()
	}
	if err != nil {
		hello.Error = err.Error()
	}
	hello.Ready = err == nil
	if failed := w.out.Encode(hello); failed != nil || err != nil {
		if err == nil {
			err = failed
		}
		return err
	}
	go w.read(in)
	// The first lane is of this thread; it serves until there are no more calls.
	w.serve(first)
	w.ended.Wait()
	return nil
}

// start gets everything ready and serves one input.
func (w *server) start(index int, spec Spec, hello *Hello) (*Device, *Lane, error) {
	d, err := Open(index)
	if err != nil {
		return nil, nil, err
	}
	info := d.Info()
	hello.GPU = &info
	if w.model, err = d.NewModel(spec); err != nil {
		return d, nil, err
	}
	began := d.Driver().Now()
	w.lanes = 1
	lane, err := w.model.NewLane()
	if err == nil {
		_, err = lane.Serve(1)
	}
	hello.Stages = append(d.Stages, Stage{"weights", w.model.seconds}, Stage{"warmup",
		d.Driver().Now() - began})
	return d, lane, err
}

// read hands out the calls until there are no more.
func (w *server) read(in io.Reader) {
	lines := bufio.NewScanner(in)
	var sent sync.WaitGroup
	for lines.Scan() {
		var c call
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			w.reply(answer{Error: fmt.Sprintf("not a call: %v", err)})
			continue
		}
		if c.Op == "exit" {
			break
		}
		if c.Op == "null" {
			w.reply(answer{ID: c.ID, N: c.N})
			continue
		}
		w.mu.Lock()
		w.busy++
		more := w.busy > w.lanes && w.lanes < w.most
		if more {
			w.lanes++
			w.ended.Add(1)
		}
		w.mu.Unlock()
		if more {
			go w.lane()
		}
		sent.Add(1)
		go func() {
			defer sent.Done()
			w.jobs <- c
		}()
	}
	sent.Wait()
	close(w.jobs)
}

// lane is one more lane, on a thread of its own.
func (w *server) lane() {
	defer w.ended.Done()
	runtime.LockOSThread() // and never given back: the thread ends with it
	l, err := (*Lane)(nil), w.model.d.Bind()
	if err == nil {
		l, err = w.model.NewLane()
	}
	if err != nil {
		for c := range w.jobs {
			w.finish(answer{ID: c.ID, N: c.N, Error: err.Error()})
		}
		return
	}
	w.serve(l)
}

func (w *server) serve(l *Lane) {
	defer l.Close()
	for c := range w.jobs {
		a := answer{ID: c.ID, N: c.N}
		seconds, err := l.Serve(c.N)
		if err != nil {
			a.Error = err.Error()
		}
		a.FnNS = time.Duration(seconds * float64(time.Second)).Nanoseconds()
		w.finish(a)
	}
}

// finish answers a call that a lane was busy with.
func (w *server) finish(a answer) {
	w.mu.Lock()
	w.busy--
	w.mu.Unlock()
	w.reply(a)
}

// reply writes a line. Where nobody reads any more, the input ends too.
func (w *server) reply(a answer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_ = w.out.Encode(a)
}
