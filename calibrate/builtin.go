package calibrate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/simcap/simcap/calibrate/child"
	"github.com/simcap/simcap/calibrate/cuda"
	"github.com/simcap/simcap/calibrate/gpu"
	"github.com/simcap/simcap/calibrate/load"
	"github.com/simcap/simcap/calibrate/target"
	"github.com/simcap/simcap/calibrate/telemetry"
)

// KindGPU is the Kind of a Measurement of a BuiltIn.
const KindGPU = "gpu"

// BuiltIn is a workload of the built-in kernels. Each process of it is a program that speaks the worker's
// protocol as gpu.Serve does.
type BuiltIn struct {
	Command []string // that serves
	Env     []string
	Timeout time.Duration
	Grace   time.Duration // for a process to end by itself
	Log     func(p []byte)
	// Processes is how many there are at most, each serving one request at a time; 1: one that
	// serves all on
	// streams.
	Processes int
}

// Restarts is true: each start makes a fresh process.
func (b *BuiltIn) Restarts() bool { return true }

// Batches is true: the workload has a batch axis.
func (b *BuiltIn) Batches() bool { return true }

// member is one process.
type member struct {
	process *child.Process
	worker  *target.Worker
	hello   gpu.Hello
	ready   time.Time
	end     func()
}

// one starts a process and waits for its hello.
func (b *BuiltIn) one(ctx context.Context, cold bool, began func(pid int)) (*member, error) {
	p, clean, err := start(b.Command, b.Env, cold, true, b.Log)
	if err != nil {
		return nil, err
	}
	m := &member{process: p, worker: target.NewWorker(p)}
	m.end = func() {
		p.Stop(b.Grace)
		clean()
	}
	began(p.PID())
	m.ready, err = m.worker.WaitReady(ctx, b.Timeout)
	if line := m.worker.Greeting(); line != nil && ctx.Err() == nil {
		if bad := json.Unmarshal(line, &m.hello); bad != nil {
			err = errors.Join(err, bad)
		} else if m.hello.Error != "" {
			err = errors.New(m.hello.Error)
		}
	}
	if err != nil {
		m.end()
		return nil, err
	}
	return m, nil
}

// Start starts the first process; with several, the others start when they are needed.
func (b *BuiltIn) Start(ctx context.Context, cold bool, began func(pid int)) (*Session, error) {
	first, err := b.one(ctx, cold, began)
	if err != nil {
		return nil, err
	}
	s := &Session{Target: first.worker, Process: first.process, Began: first.process.Started,
		Ready: first.ready,
		Null:  true, Device: deviceInfo(first.hello.GPU), Close: first.end}
	// What is not told is the process itself, and the library of the driver.
	rest := first.ready.Sub(first.process.Started).Seconds()
	for _, one := range first.hello.Stages {
		rest -= one.Seconds
		s.Stages = append(s.Stages, StageTime{Name: one.Name, Seconds: one.Seconds})
	}
	s.Stages = append([]StageTime{{Name: "init", Seconds: max(0, rest)}}, s.Stages...)
	if b.Processes > 1 {
		f := &fleet{subject: b, began: began, idle: make(chan *member, b.Processes), count: 1,
			all: []*member{first}}
		f.idle <- first
		s.Target, s.Close = f, f.close
	}
	return s, nil
}

// deviceInfo is what a GPU's driver tells without NVML.
func deviceInfo(i *cuda.Info) *telemetry.Info {
	if i == nil {
		return nil
	}
	instance := ""
	if _, profile, ok := strings.Cut(i.Name, " MIG "); ok { // so the driver names an instance of MIG
		instance = fmt.Sprintf("%s, %d SMs, %d MiB", profile, i.SMs, i.MemoryBytes>>20)
	}
	return &telemetry.Info{Source: "cuda", MIG: instance != "", Instance: instance,
		Name: i.Name, UUID: i.UUID, CUDA: i.CUDA(),
		MemoryMiB: float64(i.MemoryBytes) / (1 << 20)}
}

// fleet is several processes that serve one request at a time each.
type fleet struct {
	subject *BuiltIn
	began   func(pid int)
	idle    chan *member
	mu      sync.Mutex // of what follows
	count   int        // that there are, or are being started
	all     []*member
	closed  bool
}

// Do has a process serve the request: one that is idle, or one more, or the first that becomes idle.
func (f *fleet) Do(ctx context.Context, r load.Request) load.Answer {
	m, err := f.take(ctx)
	if err != nil {
		return load.Answer{Err: err}
	}
	defer func() { f.idle <- m }()
	return m.worker.Do(ctx, r)
}

func (f *fleet) take(ctx context.Context) (*member, error) {
	select {
	case m := <-f.idle:
		return m, nil
	default:
	}
	f.mu.Lock()
	more := f.count < f.subject.Processes && !f.closed
	if more {
		f.count++
	}
	f.mu.Unlock()
	if !more {
		select {
		case m := <-f.idle:
			return m, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	m, err := f.subject.one(ctx, false, f.began)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		f.count--
		return nil, fmt.Errorf("process %d: %w", f.count+1, err)
	}
	f.all = append(f.all, m)
	return m, nil
}

// close ends all processes, side by side.
func (f *fleet) close() {
	f.mu.Lock()
	f.closed = true
	all := f.all
	f.mu.Unlock()
	var group sync.WaitGroup
	for _, m := range all {
		group.Add(1)
		go func() {
			defer group.Done()
			m.end()
		}()
	}
	group.Wait()
}

// Report is what a process that measures the GPU prints: one line of JSON.
type Report struct {
	Fingerprint *gpu.Fingerprint `json:"fingerprint,omitempty"`
	Checks      []gpu.Check      `json:"checks,omitempty"`
	Error       string           `json:"error,omitempty"`
}

// askTimeout is how long a process may measure the GPU: far more than any needs.
const askTimeout = 10 * time.Minute

// Ask runs a command that prints a Report, and that ends when its input does. When the context
// ends, so does
// the input, and what was finished is in the report all the same. No process is left when it returns.
func Ask(ctx context.Context, command, env []string, grace time.Duration) (*Report, error) {
	p, err := child.Start(child.Spec{Args: command, Env: env, Pipes: true})
	if err != nil {
		return nil, err
	}
	kill := time.AfterFunc(askTimeout, func() { p.Stop(0) })
	asked := context.AfterFunc(ctx, func() {
		kill.Reset(grace)
		p.In.Close()
	})
	text, readErr := io.ReadAll(p.Out)
	asked()
	kill.Stop()
	p.Stop(grace)
	r := &Report{}
	if err := json.Unmarshal(text, r); err != nil {
		if ctx.Err() != nil {
			return r, ctx.Err()
		}
		if readErr != nil && !errors.Is(readErr, os.ErrClosed) {
			err = readErr
		}
		return r, fmt.Errorf("the process that measures the GPU did not report (%w): %w", err, p.Exit())
	}
	if ctx.Err() != nil {
		return r, ctx.Err()
	}
	if r.Error != "" {
		return r, errors.New(r.Error)
	}
	return r, nil
}
