// Package standin is a model server for tests: its service times, its way with several requests at a
// time, its start and its faults are known, and a virtual GPU (testdata/fakenvml.c) follows what it does. It
// sleeps instead of computing.
package standin

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"
)

// Variable is the environment variable with the Config of a stand-in that a test binary is to be.
const Variable = "SIMCAP_TEST_STANDIN"

// Config is a server whose truth is known. Times in seconds.
type Config struct {
	Addr       string  `json:"addr"`      // to listen at; ":0" is any port
	AddrFile   string  `json:"addr_file"` // where the address is written when it listens
	Base       float64 `json:"base"`
	PerInput   float64 `json:"per_input"`
	CV         float64 `json:"cv"`         // of a lognormal factor of mean 1
	Slots      int     `json:"slots"`      // requests at a time; 0: any number
	Share      float64 `json:"share"`      // each further request at a time makes all slower by so much
	Join       int     `json:"join"`       // requests that it joins into a batch; 0: none
	First      float64 `json:"first"`      // added to the first request
	Context    float64 `json:"context"`    // from the process to the GPU's context
	Load       float64 `json:"load"`       // from there until the weights are loaded
	Warm       float64 `json:"warm"`       // from there until it is ready
	MostBatch  int     `json:"most_batch"` // beyond it, memory is too small; 0: never
	FailBatch  int     `json:"fail_batch"` // it answers 500 to batches of more; 0: never
	FailAfter  int     `json:"fail_after"` // requests after which it answers 500; 0: never
	DieAfter   int     `json:"die_after"`  // requests after which it ends; 0: never
	DieAtStart bool    `json:"die_at_start"`
	Never      bool    `json:"never"`       // it never gets ready
	Stubborn   bool    `json:"stubborn"`    // it does not end when it is asked to
	GPU        string  `json:"gpu"`         // state file of the virtual GPU
	Joules     float64 `json:"joules"`      // of a batch, beyond what the idle GPU draws
	JoulesEach float64 `json:"joules_each"` // of each of its inputs
	Seed       uint64  `json:"seed"`
}

// Main is the stand-in that the environment asks for; false where it asks for none.
func Main() bool {
	text := os.Getenv(Variable)
	if text == "" {
		return false
	}
	var c Config
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		fmt.Fprintln(os.Stderr, "stand-in:", err)
		os.Exit(2)
	}
	c.run()
	return true
}

// Env is the entry of an environment that makes a test binary this stand-in.
func (c Config) Env() string {
	b, err := json.Marshal(c)
	if err != nil {
		panic("standin: " + err.Error())
	}
	return Variable + "=" + string(b)
}

func (c *Config) run() {
	fmt.Println("loading the model")
	if c.DieAtStart {
		fmt.Fprintln(os.Stderr, "cannot find the weights")
		os.Exit(3)
	}
	if c.Stubborn {
		ignoreTermination()
	}
	s := &Server{Config: *c, random: rand.New(rand.NewPCG(c.Seed, 1)),
		slots: make(chan struct{}, max(1, c.Slots)),
		took:  map[int][]float64{}}
	s.Start()
	if c.Never {
		time.Sleep(time.Hour)
	}
	l, err := net.Listen("tcp", c.Addr)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(4)
	}
	if c.AddrFile != "" {
		_ = os.WriteFile(c.AddrFile+".part", []byte(l.Addr().String()), 0o644)
		_ = os.Rename(c.AddrFile+".part", c.AddrFile)
	}
	fmt.Println("ready at", l.Addr())
	_ = http.Serve(l, s)
}

// Start goes through the stages of a start, seen on the GPU.
func (s *Server) Start() {
	gpu := openState(s.GPU)
	s.gpu = gpu
	sleep(s.Context)
	gpu.process(os.Getpid(), 300)
	const steps = 10
	for i := range steps {
		sleep(s.Load / steps)
		gpu.process(os.Getpid(), 300+2000*float64(i+1)/steps)
	}
	sleep(s.Warm)
}

// Hide takes the process off the GPU.
func (s *Server) Hide() { s.gpu.process(0, 0) }

func sleep(s float64) { time.Sleep(time.Duration(s * float64(time.Second))) }

// Server answers requests.
type Server struct {
	Config
	gpu    *state
	mu     sync.Mutex
	random *rand.Rand
	served int
	active int
	slots  chan struct{}
	batch  *joined
	took   map[int][]float64 // by inputs: what batches really took
	busy   sync.Mutex        // of the one batch that is served, with Join
}

// joined is requests that are served together.
type joined struct {
	size int
	done chan struct{}
}

// Took is the median of what batches of so many inputs really took, alone, after the sleep's own delay: on
// a busy machine the truth is a little more than was asked for.
func (s *Server) Took(n int) float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.Sorted(slices.Values(s.took[n]))
	if len(all) == 0 {
		return math.NaN()
	}
	return all[len(all)/2]
}

func (s *Server) note(n int, t float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.took[n] = append(s.took[n], t)
}

// New makes a server that is ready, for use in the test's own process.
func New(c Config) *Server {
	return &Server{Config: c, random: rand.New(rand.NewPCG(c.Seed, 1)), gpu: openState(c.GPU),
		slots: make(chan struct{}, max(1, c.Slots)),
		took:  map[int][]float64{}}
}

// demand is how long a batch takes alone.
func (s *Server) demand(n int) float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := math.Log1p(s.CV * s.CV)
	t := (s.Base + s.PerInput*float64(n)) * math.Exp(math.Sqrt(v)*s.random.NormFloat64()-v/2)
	if s.served++; s.served == 1 {
		t += s.First
	}
	return t
}

// ServeHTTP answers /health, and on every other path a body {"inputs": [...]}.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/health" {
		fmt.Fprintln(w, "ok")
		return
	}
	var body struct {
		Inputs []json.RawMessage `json:"inputs"`
	}
	if err := json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	n := max(1, len(body.Inputs))
	s.mu.Lock()
	served := s.served
	s.mu.Unlock()
	switch {
	case s.DieAfter > 0 && served >= s.DieAfter:
		fmt.Fprintln(os.Stderr, "segmentation fault in the model")
		os.Exit(139)
	case s.FailAfter > 0 && served >= s.FailAfter, s.FailBatch > 0 && n > s.FailBatch:
		http.Error(w, "the model is confused", http.StatusInternalServerError)
		return
	case s.MostBatch > 0 && n > s.MostBatch:
		http.Error(w, "CUDA out of memory. Tried to allocate 2.00 GiB", http.StatusInternalServerError)
		return
	}
	s.serve(n)
	fmt.Fprintf(w, "{\"outputs\": %d}\n", n)
}

// serve takes the time of a batch, by the server's discipline.
func (s *Server) serve(n int) {
	switch {
	case s.Join > 0:
		s.join()
	case s.Slots > 0:
		s.slots <- struct{}{}
		t := s.demand(n)
		s.gpu.work(s.Joules+s.JoulesEach*float64(n), t)
		began := time.Now()
		sleep(t)
		s.note(n, time.Since(began).Seconds())
		<-s.slots
	default:
		s.shared(s.demand(n), n)
	}
}

// shared progresses at a speed that depends on how many are active, in small steps.
func (s *Server) shared(left float64, n int) {
	s.mu.Lock()
	s.active++
	s.mu.Unlock()
	s.gpu.work(s.Joules+s.JoulesEach*float64(n), left)
	last := time.Now()
	began, alone := last, true
	for left > 0 {
		s.mu.Lock()
		speed := 1 / (1 + s.Share*float64(s.active-1))
		alone = alone && s.active == 1
		s.mu.Unlock()
		sleep(math.Max(1e-9, math.Min(0.002, left/speed))) // a clock may stand still meanwhile
		now := time.Now()
		left -= now.Sub(last).Seconds() * speed
		last = now
	}
	s.mu.Lock()
	s.active--
	s.mu.Unlock()
	if alone {
		s.note(n, time.Since(began).Seconds())
	}
}

// join waits for the batch that the request comes into: the next that is served.
func (s *Server) join() {
	s.mu.Lock()
	b := s.batch
	lead := b == nil || b.size >= s.Join
	if lead {
		b = &joined{done: make(chan struct{})}
		s.batch = b
	}
	b.size++
	s.mu.Unlock()
	if !lead {
		<-b.done
		return
	}
	s.busy.Lock()
	time.Sleep(time.Millisecond) // for those that come at the same instant
	s.mu.Lock()
	if s.batch == b {
		s.batch = nil
	}
	n := b.size
	s.mu.Unlock()
	sleep(s.demand(n))
	s.busy.Unlock()
	close(b.done)
}
