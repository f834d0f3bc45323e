// Package child runs the program that is measured: starts it in a process group of its own, waits
// until it is ready, and ends all of it.
package child

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"time"
)

// Spec is what to run.
type Spec struct {
	Args  []string  // the program and its arguments
	Env   []string  // added to the environment
	Pipes bool      // standard input and output are the caller's, by Process.In and Process.Out
	Log   io.Writer // gets what the program prints; nil: nobody
}

// Process is a program that runs.
type Process struct {
	In      io.WriteCloser // with Pipes
	Out     io.ReadCloser  // with Pipes
	Started time.Time      // just before it was started
	cmd     *exec.Cmd
	exited  chan struct{}
	err     error // of the exit, after exited
	tail    *tail
}

// Start starts the program. It does not end with a context: Stop ends it.
func Start(s Spec) (*Process, error) {
	if len(s.Args) == 0 {
		return nil, errors.New("no command to run")
	}
	cmd := exec.Command(s.Args[0], s.Args[1:]...)
	cmd.Env = append(os.Environ(), s.Env...)
	ownGroup(cmd)
	p := &Process{cmd: cmd, exited: make(chan struct{}), tail: &tail{log: s.Log}}
	cmd.Stderr = p.tail
	var err error
	if s.Pipes {
		if p.In, err = cmd.StdinPipe(); err != nil {
			return nil, err
		}
		var out *os.File
		if out, p.Out, err = pipe(); err != nil {
			return nil, err
		}
		cmd.Stdout = out
		defer out.Close()
	} else {
		cmd.Stdout = p.tail
	}
	cmd.WaitDelay = 2 * time.Second // grandchildren may hold the pipes of one that is gone
	p.Started = time.Now()
	if err := cmd.Start(); err != nil {
		if p.Out != nil {
			p.Out.Close()
		}
		return nil, fmt.Errorf("cannot start the command: %w", err)
	}
	go func() {
		p.err = cmd.Wait()
		close(p.exited)
	}()
	return p, nil
}

func pipe() (write *os.File, read io.ReadCloser, err error) {
	r, w, err := os.Pipe()
	return w, r, err
}

// PID is the number of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Exited is closed when the process has ended.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Exit is how the process ended, with the last lines that it printed; nil while it runs.
func (p *Process) Exit() error {
	select {
	case <-p.exited:
	default:
		return nil
	}
	how := "exit code 0"
	if p.err != nil {
		how = p.err.Error()
	}
	return fmt.Errorf("the command ended by itself (%s)%s", how, p.Said())
}

// Said is the last lines that the program printed, for an error message; "" for none.
func (p *Process) Said() string {
	lines := p.tail.lines()
	if len(lines) == 0 {
		return "; it printed nothing"
	}
	return "; it printed last:\n    " + strings.Join(lines, "\n    ")
}

// Stop ends the process and all of its group: asks first, and kills what is left after the grace. It
// returns when the process has ended.
func (p *Process) Stop(grace time.Duration) {
	if p.In != nil {
		p.In.Close()
	}
	interruptGroup(p.cmd)
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.exited:
	case <-timer.C:
	}
	killGroup(p.cmd) // also what the process has left behind
	<-p.exited
	if p.Out != nil {
		p.Out.Close()
	}
}

// Ready is when a program is ready: what is set must all hold.
type Ready struct {
	URL  string         // answers GET with a status of 200 to 299
	TCP  string         // takes connections at host:port
	File string         // is there
	Line *regexp.Regexp // was printed
}

// String says what is waited for.
func (r *Ready) String() string {
	var parts []string
	if r.URL != "" {
		parts = append(parts, "GET "+r.URL+" succeeds")
	}
	if r.TCP != "" {
		parts = append(parts, r.TCP+" takes connections")
	}
	if r.File != "" {
		parts = append(parts, "the file "+r.File+" is there")
	}
	if r.Line != nil {
		parts = append(parts, "it prints a line like "+r.Line.String())
	}
	return strings.Join(parts, " and ")
}

// Wait waits until the program is ready and returns the instant. It is an error when the program ends,
// or is not ready in time.
func (p *Process) Wait(ctx context.Context, r Ready, timeout time.Duration) (time.Time, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errNotReady)
	defer cancel()
	client := &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for {
		last := r.holds(ctx, client, p)
		if last == nil {
			return time.Now(), nil
		}
		select {
		case <-p.exited:
			return time.Time{}, fmt.Errorf("before it was ready, %w", p.Exit())
		case <-ctx.Done():
			if context.Cause(ctx) == errNotReady {
				return time.Time{}, fmt.Errorf("the command is not ready after %v: %s was waited for (%w)%s",
					timeout, r.String(), last, p.Said())
			}
			return time.Time{}, ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

var errNotReady = errors.New("not ready")

// holds says why it is not ready yet.
func (r *Ready) holds(ctx context.Context, client *http.Client, p *Process) error {
	if r.File != "" {
		if _, err := os.Stat(r.File); err != nil {
			return err
		}
	}
	if r.Line != nil && !p.tail.seen(r.Line) {
		return errors.New("no such line")
	}
	if r.TCP != "" {
		c, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", r.TCP)
		if err != nil {
			return err
		}
		c.Close()
	}
	if r.URL == "" {
		return nil
	}
	return Get(ctx, client, r.URL)
}

// Get says why a GET of the address does not succeed.
func Get(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<20))
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return fmt.Errorf("the answer is %s", answer.Status)
	}
	return nil
}

// tail keeps the last lines of what is written to it.
type tail struct {
	mu   sync.Mutex
	log  io.Writer
	kept []string
	part string
	all  []*regexp.Regexp // that were seen
	text []string         // lines since the last look
}

// mostLines is how much is kept for an error message.
const mostLines = 50

// Write takes what the program prints.
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.log != nil {
		_, _ = t.log.Write(b)
	}
	t.part += string(b)
	for {
		line, rest, ok := strings.Cut(t.part, "\n")
		if !ok {
			break
		}
		t.part = rest
		t.add(strings.TrimRight(line, "\r"))
	}
	if len(t.part) > 1<<16 { // a program that prints without ends of lines
		t.add(t.part)
		t.part = ""
	}
	return len(b), nil
}

func (t *tail) add(line string) {
	if len(line) > 400 {
		line = line[:400] + "…"
	}
	t.kept = append(t.kept, line)
	t.text = append(t.text, line)
	if len(t.kept) > mostLines {
		t.kept = t.kept[len(t.kept)-mostLines:]
	}
	if len(t.text) > 100_000 {
		t.text = t.text[len(t.text)-50_000:]
	}
}

func (t *tail) lines() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := append([]string(nil), t.kept...)
	if t.part != "" {
		out = append(out, t.part)
	}
	return out
}

// seen says whether a line like it was ever printed.
func (t *tail) seen(like *regexp.Regexp) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range t.all {
		if r == like {
			return true
		}
	}
	for _, line := range append(t.text, t.part) {
		if like.MatchString(line) {
			t.all = append(t.all, like)
			return true
		}
	}
	t.text = nil
	return false
}
