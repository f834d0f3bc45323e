// Package browser drives a headless Chromium over its DevTools pipe, for the tests of pages: it opens a
// file, evaluates script, moves pointer and keys, and gathers what the page complained about.
package browser

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// ErrMissing says that no Chromium is installed.
var ErrMissing = errors.New("no chromium, chromium-browser or google-chrome is installed: pages " +
	"are not tested")

// patience bounds how long the browser may take for one answer.
const patience = 60 * time.Second

// Browser is a running Chromium.
type Browser struct {
	process *exec.Cmd
	folder  string
	to      io.WriteCloser
	from    *os.File

	mu      sync.Mutex
	next    int
	answers map[int]chan answer
	pages   map[string]*Page // by session
	closed  error
}

type answer struct {
	Result json.RawMessage
	Error  *struct{ Message string }
}

type message struct {
	ID        int
	SessionID string
	Method    string
	Params    json.RawMessage
	answer
}

// Start starts a Chromium with a profile of its own. Close ends it.
func Start() (*Browser, error) {
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		return nil, ErrMissing
	}
	folder, err := os.MkdirTemp("", "simcap-browser-*")
	if err != nil {
		return nil, err
	}
	inRead, inWrite, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	outRead, outWrite, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	b := &Browser{folder: folder, to: inWrite, from: outRead, answers: map[int]chan answer{},
		pages: map[string]*Page{}}
	b.process = exec.Command(path, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--hide-scrollbars", "--remote-debugging-pipe", "--user-data-dir="+folder, "about:blank")
	b.process.ExtraFiles = []*os.File{inRead, outWrite} // file descriptors 3 and 4
	err = b.process.Start()
	inRead.Close()
	outWrite.Close()
	if err != nil {
		os.RemoveAll(folder)
		return nil, fmt.Errorf("browser: %w", err)
	}
	go b.listen()
	return b, nil
}

// Close ends the browser and removes its profile.
func (b *Browser) Close() error {
	_, _ = b.call("", "Browser.close", nil)
	b.to.Close()
	done := make(chan error, 1)
	go func() { done <- b.process.Wait() }()
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		_ = b.process.Process.Kill()
		<-done
	}
	b.from.Close()
	return os.RemoveAll(b.folder)
}

// listen hands answers and events out until the pipe ends.
func (b *Browser) listen() {
	in := bufio.NewReaderSize(b.from, 1<<16)
	for {
		line, err := in.ReadBytes(0)
		if err != nil {
			b.mu.Lock()
			b.closed = fmt.Errorf("browser: it has ended: %w", err)
			for _, waiting := range b.answers {
				close(waiting)
			}
			b.answers = map[int]chan answer{}
			b.mu.Unlock()
			return
		}
		var m message
		if json.Unmarshal(line[:len(line)-1], &m) != nil {
			continue
		}
		b.mu.Lock()
		if waiting := b.answers[m.ID]; m.ID != 0 && waiting != nil {
			delete(b.answers, m.ID)
			waiting <- m.answer
		}
		page := b.pages[m.SessionID]
		b.mu.Unlock()
		if m.ID == 0 && page != nil {
			page.event(m.Method, m.Params)
		}
	}
}

// call sends a command and waits for its answer.
func (b *Browser) call(session, method string, params any) (json.RawMessage, error) {
	b.mu.Lock()
	if b.closed != nil {
		defer b.mu.Unlock()
		return nil, b.closed
	}
	b.next++
	id, waiting := b.next, make(chan answer, 1)
	b.answers[id] = waiting
	request := map[string]any{"id": id, "method": method}
	if session != "" {
		request["sessionId"] = session
	}
	if params != nil {
		request["params"] = params
	}
	data, err := json.Marshal(request)
	if err == nil {
		_, err = b.to.Write(append(data, 0))
	}
	b.mu.Unlock()
	if err != nil {
		return nil, fmt.Errorf("browser: %s: %w", method, err)
	}
	select {
	case a, ok := <-waiting:
		switch {
		case !ok:
			return nil, b.closed
		case a.Error != nil:
			return nil, fmt.Errorf("browser: %s: %s", method, a.Error.Message)
		}
		return a.Result, nil
	case <-time.After(patience):
		return nil, fmt.Errorf("browser: %s: no answer within %s", method, patience)
	}
}

// Page is one tab.
type Page struct {
	browser *Browser
	session string
	target  string
	loaded  chan struct{}

	mu         sync.Mutex
	complaints []string
	requests   []string
}

// Open opens a URL in a new tab of the given size in CSS pixels and waits until it is loaded.
func (b *Browser) Open(url string, width, height int) (*Page, error) {
	var target struct{ TargetID string }
	if err := b.into(&target, "", "Target.createTarget", map[string]any{"url": "about:blank"}); err != nil {
		return nil, err
	}
	var attached struct{ SessionID string }
	err := b.into(&attached, "", "Target.attachToTarget",
		map[string]any{"targetId": target.TargetID, "flatten": true})
	if err != nil {
		return nil, err
	}
	p := &Page{browser: b, session: attached.SessionID, target: target.TargetID,
		loaded: make(chan struct{}, 16)}
	b.mu.Lock()
	b.pages[p.session] = p
	b.mu.Unlock()
	for _, domain := range []string{"Page", "Runtime", "Log", "Network"} {
		if _, err := p.call(domain+".enable", nil); err != nil {
			return nil, err
		}
	}
	if err := p.Resize(width, height); err != nil {
		return nil, err
	}
	if _, err := p.call("Page.navigate", map[string]any{"url": url}); err != nil {
		return nil, err
	}
	for { // the empty page that was there before may be loaded first
		select {
		case <-p.loaded:
		case <-time.After(patience):
			return nil, fmt.Errorf("browser: %s is not loaded within %s", url, patience)
		}
		var at string
		if err := p.Eval("document.readyState + location.href", &at); err != nil {
			return nil, err
		}
		if at == "complete"+url {
			return p, nil
		}
	}
}

func (b *Browser) into(out any, session, method string, params any) error {
	raw, err := b.call(session, method, params)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, out)
}

func (p *Page) call(method string, params any) (json.RawMessage, error) {
	return p.browser.call(p.session, method, params)
}

// event keeps what the page complains about and asks for.
func (p *Page) event(method string, params json.RawMessage) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var e struct {
		Type             string
		Args             []struct{ Value, Description any }
		ExceptionDetails struct {
			Text      string
			Exception struct{ Description string }
		}
		Entry   struct{ Level, Text, URL string }
		Request struct{ URL string }
	}
	_ = json.Unmarshal(params, &e)
	switch method {
	case "Page.loadEventFired":
		p.loaded <- struct{}{}
	case "Runtime.exceptionThrown":
		p.complaints = append(p.complaints, e.ExceptionDetails.Text+" "+
			""+e.ExceptionDetails.Exception.Description)
	case "Runtime.consoleAPICalled":
		p.complaints = append(p.complaints, fmt.Sprint("console.", e.Type, e.Args))
	case "Log.entryAdded":
		p.complaints = append(p.complaints, e.Entry.Level+": "+e.Entry.Text+" "+e.Entry.URL)
	case "Network.requestWillBeSent":
		p.requests = append(p.requests, e.Request.URL)
	}
}

// Complaints are exceptions, messages on the console and in the browser's log so far.
func (p *Page) Complaints() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.complaints...)
}

// Requests are the URLs that the page has asked for so far; data: URLs are left out.
func (p *Page) Requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []string
	for _, url := range p.requests {
		if !strings.HasPrefix(url, "data:") {
			out = append(out, url)
		}
	}
	return out
}

// Resize gives the page another size in CSS pixels.
func (p *Page) Resize(width, height int) error {
	_, err := p.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height,
		"deviceScaleFactor": 1, "mobile": false})
	return err
}

// Media emulates "print" or "screen", and a preference for "dark" or "light".
func (p *Page) Media(media, scheme string) error {
	_, err := p.call("Emulation.setEmulatedMedia", map[string]any{"media": media,
		"features": []map[string]string{
			{"name": "prefers-color-scheme", "value": scheme}}})
	return err
}

// Eval evaluates an expression, waits when it is a promise, and decodes its value unless out is nil.
func (p *Page) Eval(expression string, out any) error {
	var result struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct {
			Text      string
			Exception struct{ Description string }
		}
	}
	err := p.browser.into(&result, p.session, "Runtime.evaluate", map[string]any{"expression": expression,
		"returnByValue": true, "awaitPromise": true})
	if err != nil {
		return err
	}
	if e := result.ExceptionDetails; e != nil {
		return fmt.Errorf("browser: %s %s", e.Text, e.Exception.Description)
	}
	if out == nil || len(result.Result.Value) == 0 {
		return nil
	}
	return json.Unmarshal(result.Result.Value, out)
}

// Mouse sends a mouse event at a place of the window: "mouseMoved", "mousePressed" or "mouseReleased"; clicks
// counts presses of a double click.
func (p *Page) Mouse(kind string, x, y float64, clicks int) error {
	params := map[string]any{"type": kind, "x": x, "y": y, "button": "none", "clickCount": clicks}
	if clicks > 0 {
		params["button"], params["buttons"] = "left", 1
	}
	_, err := p.call("Input.dispatchMouseEvent", params)
	return err
}

// Click presses and releases at a place, as often as given in quick succession.
func (p *Page) Click(x, y float64, times int) error {
	err := p.Mouse("mouseMoved", x, y, 0)
	for n := 1; n <= times && err == nil; n++ {
		err = errors.Join(p.Mouse("mousePressed", x, y, n), p.Mouse("mouseReleased", x, y, n))
	}
	return err
}

// Drag presses at one place, moves to another in steps, and releases there.
func (p *Page) Drag(x0, y0, x1, y1 float64) error {
	err := errors.Join(p.Mouse("mouseMoved", x0, y0, 0), p.Mouse("mousePressed", x0, y0, 1))
	const steps = 5
	for n := 1; n <= steps && err == nil; n++ {
		part := float64(n) / steps
		params := map[string]any{"type": "mouseMoved", "x": x0 + (x1-x0)*part, "y": y0 + (y1-y0)*part,
			"button": "left", "buttons": 1}
		_, err = p.call("Input.dispatchMouseEvent", params)
	}
	return errors.Join(err, p.Mouse("mouseReleased", x1, y1, 1))
}

// Key presses and releases a key, named as in KeyboardEvent.key.
func (p *Page) Key(key string) error {
	for _, kind := range []string{"keyDown", "keyUp"} {
		params := map[string]any{"type": kind, "key": key, "code": key}
		if codes := map[string]int{"Tab": 9, "Enter": 13, "Escape": 27, "ArrowLeft": 37, "ArrowRight": 39,
			"Home": 36, "End": 35}; codes[key] != 0 {
			params["windowsVirtualKeyCode"] = codes[key]
		}
		if len(key) == 1 {
			params["text"] = key
		}
		if _, err := p.call("Input.dispatchKeyEvent", params); err != nil {
			return err
		}
	}
	return nil
}

// Screenshot is the page as PNG; all of it, or what the window shows.
func (p *Page) Screenshot(all bool) ([]byte, error) {
	return p.picture("Page.captureScreenshot", map[string]any{"captureBeyondViewport": all})
}

// PDF is the page as it is printed on A4.
func (p *Page) PDF() ([]byte, error) {
	return p.picture("Page.printToPDF", map[string]any{"paperWidth": 8.27, "paperHeight": 11.69,
		"printBackground": true})
}

func (p *Page) picture(method string, params any) ([]byte, error) {
	var out struct{ Data string }
	if err := p.browser.into(&out, p.session, method, params); err != nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(out.Data)
}

// Close closes the tab.
func (p *Page) Close() error {
	_, err := p.browser.call("", "Target.closeTarget", map[string]any{"targetId": p.target})
	p.browser.mu.Lock()
	delete(p.browser.pages, p.session)
	p.browser.mu.Unlock()
	return err
}
