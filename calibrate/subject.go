package calibrate

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/simcap/simcap/calibrate/child"
	"github.com/simcap/simcap/calibrate/load"
	"github.com/simcap/simcap/calibrate/target"
)

// Server is a subject that is reached by requests: one that runs already, or a command that is started.
type Server struct {
	Command []string    // "": it runs already
	Ready   child.Ready // when the command is ready
	Timeout time.Duration
	Grace   time.Duration // for the command to end by itself
	Env     []string
	Log     func(p []byte)
	// Connect makes the target of a server that is ready.
	Connect  func(ctx context.Context) (load.Target, error)
	Batching bool // a request can have several inputs
	NullURL  bool // it knows requests that do no work
}

// Restarts says whether a start makes a fresh process.
func (s *Server) Restarts() bool { return len(s.Command) > 0 }

// Batches says whether a request can have several inputs.
func (s *Server) Batches() bool { return s.Batching }

// writer is a function as an io.Writer.
type writer func(p []byte)

// Write hands the bytes over.
func (w writer) Write(p []byte) (int, error) {
	w(p)
	return len(p), nil
}

// Start starts the command, waits until it is ready and connects.
func (s *Server) Start(ctx context.Context, cold bool, began func(pid int)) (*Session, error) {
	if len(s.Command) == 0 {
		t, err := s.Connect(ctx)
		if err != nil {
			return nil, err
		}
		now := time.Now()
		return &Session{Target: t, Began: now, Ready: now, Null: s.NullURL, Close: func() {}}, nil
	}
	if err := s.vacant(ctx); err != nil {
		return nil, err
	}
	p, clean, err := start(s.Command, s.Env, cold, false, s.Log)
	if err != nil {
		return nil, err
	}
	end := func() {
		p.Stop(s.Grace)
		clean()
	}
	began(p.PID())
	ready, err := p.Wait(ctx, s.Ready, s.Timeout)
	if err != nil {
		end()
		return nil, err
	}
	t, err := s.Connect(ctx)
	if err != nil {
		end()
		return nil, err
	}
	return &Session{Target: t, Process: p, Began: p.Started, Ready: ready, Null: s.NullURL, Close: end}, nil
}

// vacant says whether nobody else answers where the command is going to: that one would be measured
// instead of it.
func (s *Server) vacant(ctx context.Context) error {
	if s.Ready.URL == "" {
		return nil
	}
	client := &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	if child.Get(ctx, client, s.Ready.URL) == nil {
		return fmt.Errorf("%s answers before the command was started: something else runs there; stop "+
			"it, or "+
			"measure it by `simcap calibrate http`", s.Ready.URL)
	}
	return nil
}

// WorkerProgram is a subject that speaks the worker's protocol on standard input and output.
type WorkerProgram struct {
	Command []string
	Timeout time.Duration
	Grace   time.Duration
	Env     []string
	Log     func(p []byte)
}

// Restarts is true: each start makes a fresh process.
func (w *WorkerProgram) Restarts() bool { return true }

// Batches is true: a call has any number of inputs.
func (w *WorkerProgram) Batches() bool { return true }

// Start starts the worker and waits for its hello.
func (w *WorkerProgram) Start(ctx context.Context, cold bool, began func(pid int)) (*Session, error) {
	p, clean, err := start(w.Command, w.Env, cold, true, w.Log)
	if err != nil {
		return nil, err
	}
	end := func() {
		p.Stop(w.Grace)
		clean()
	}
	began(p.PID())
	t := target.NewWorker(p)
	ready, err := t.WaitReady(ctx, w.Timeout)
	if err != nil {
		end()
		if ctx.Err() == nil {
			err = fmt.Errorf("the worker is not ready: %w", err)
		}
		return nil, err
	}
	return &Session{Target: t, Process: p, Began: p.Started, Ready: ready, Null: true, Close: end}, nil
}

// coldCaches name folders of caches: compiled kernels, graphs and engines. Downloaded weights stay
// where they are.
func coldCaches() []string {
	return []string{"CUDA_CACHE_PATH", "XDG_CACHE_HOME", "TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR",
		"VLLM_CACHE_ROOT", "TORCH_EXTENSIONS_DIR", "NUMBA_CACHE_DIR"}
}

// start starts a command, cold with empty caches; clean removes them.
func start(command, env []string, cold, pipes bool, log func([]byte)) (p *child.Process,
	clean func(), err error) {
	spec := child.Spec{Args: command, Env: env, Pipes: pipes}
	if log != nil {
		spec.Log = writer(log)
	}
	clean = func() {}
	if cold {
		dir, err := os.MkdirTemp("", "simcap-cold-")
		if err != nil {
			return nil, nil, errors.Join(errors.New("no folder for empty caches"), err)
		}
		clean = func() { os.RemoveAll(dir) }
		for _, name := range coldCaches() {
			spec.Env = append(spec.Env, name+"="+dir+string(os.PathSeparator)+name)
		}
		if _, ok := os.LookupEnv("HF_HOME"); !ok { // it stands below XDG_CACHE_HOME unless it is named
			if home, err := os.UserCacheDir(); err == nil {
				spec.Env = append(spec.Env, "HF_HOME="+home+string(os.PathSeparator)+"huggingface")
			}
		}
	}
	if p, err = child.Start(spec); err != nil {
		clean()
		return nil, nil, err
	}
	return p, clean, nil
}
