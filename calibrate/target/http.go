// Package target speaks to what is measured: HTTP servers with a body of one's own, the interfaces of
// OpenAI and of KServe, and a worker on standard input and output.
package target

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/simcap/simcap/calibrate/child"
	"github.com/simcap/simcap/calibrate/load"
)

// HTTP is a server that takes one request and answers it.
type HTTP struct {
	Method  string
	URL     string
	Headers http.Header
	Body    string // with {{batch}}, {{seq}} and {{repeat TEXT}}
	NullURL string // answers GET without work; "": there is none
	client  *http.Client
}

// NewHTTP makes a target; the timeout is of one request.
func NewHTTP(method, url, body string, headers http.Header, timeout time.Duration) (*HTTP, error) {
	if !strings.HasPrefix(url, "http://") && !strings.HasPrefix(url, "https://") {
		return nil, fmt.Errorf("%q is not an address: it begins with http:// or https://", url)
	}
	if method == "" {
		method = http.MethodPost
		if body == "" {
			method = http.MethodGet
		}
	}
	h := &HTTP{Method: method, URL: url, Headers: headers, Body: body, client: newClient(timeout)}
	if _, err := Expand(body, 1, 1); err != nil {
		return nil, err
	}
	return h, nil
}

// newClient keeps connections: what it costs to open one is no part of the service.
func newClient(timeout time.Duration) *http.Client {
	return &http.Client{Timeout: timeout, Transport: &http.Transport{Proxy: http.ProxyFromEnvironment,
		MaxIdleConns: 10_000, MaxIdleConnsPerHost: 10_000, IdleConnTimeout: time.Minute,
		DisableCompression: true}}
}

// Through has connections made by dial instead of by the network.
func (h *HTTP) Through(dial func(ctx context.Context, network, address string) (net.Conn, error)) {
	t := h.client.Transport.(*http.Transport).Clone()
	t.Proxy, t.DialContext = nil, dial
	h.client.Transport = t
}

// Batches says whether requests of the body can have several inputs.
func (h *HTTP) Batches() bool {
	return strings.Contains(h.Body, "{{batch}}") || strings.Contains(h.Body, "{{repeat ")
}

// Expand fills a body in: {{batch}} is the number of inputs, {{seq}} the number of the request, and
// {{repeat TEXT}} is TEXT once for each input, with commas between.
func Expand(body string, batch, seq int) (string, error) {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(body, "{{")
		b.WriteString(before)
		if !ok {
			return b.String(), nil
		}
		word, after, ok := strings.Cut(rest, "}}")
		if !ok {
			return "", errors.New("the body has a {{ without }}")
		}
		text, repeat := strings.CutPrefix(word, "repeat ")
		switch {
		case word == "batch":
			b.WriteString(strconv.Itoa(batch))
		case word == "seq":
			b.WriteString(strconv.Itoa(seq))
		case repeat:
			for i := range batch {
				if i > 0 {
					b.WriteString(", ")
				}
				b.WriteString(text)
			}
		default:
			return "", fmt.Errorf("the body has {{%s}}; {{batch}}, {{seq}} and {{repeat TEXT}} are "+
				"known", word)
		}
		body = after
	}
}

// Do sends one request and reads the whole answer.
func (h *HTTP) Do(ctx context.Context, r load.Request) load.Answer {
	if r.Null && h.NullURL != "" {
		return load.Answer{Err: child.Get(ctx, h.client, h.NullURL)}
	}
	body, err := Expand(h.Body, r.Batch, r.Seq)
	if err != nil {
		return load.Answer{Err: err}
	}
	answer, _, err := send(ctx, h.client, h.Method, h.URL, body, h.Headers)
	if err != nil {
		return load.Answer{Err: err}
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<30))
	return load.Answer{Err: err}
}

// send sends a request; a status that is no success is an error with the beginning of the answer.
func send(ctx context.Context, client *http.Client, method, url, body string,
	headers http.Header) (*http.Response,
	time.Time, error) {
	began := time.Now()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	request, err := http.NewRequestWithContext(ctx, method, url, reader)
	if err != nil {
		return nil, began, err
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for name, values := range headers {
		request.Header[name] = values
	}
	answer, err := client.Do(request)
	if err != nil {
		return nil, began, short(err)
	}
	if answer.StatusCode >= 400 {
		defer answer.Body.Close()
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 300))
		return nil, began, fmt.Errorf("%s: %s", answer.Status, bytes.TrimSpace(text))
	}
	return answer, began, nil
}

// short is an error of a request without its address, which stands elsewhere.
func short(err error) error {
	var wrapped interface{ Timeout() bool }
	if errors.As(err, &wrapped) && wrapped.Timeout() {
		return errors.New("no answer in time")
	}
	if inner := errors.Unwrap(err); inner != nil {
		return inner
	}
	return err
}

// OutOfMemory says whether an error tells that a batch did not fit.
func OutOfMemory(text string) bool {
	text = strings.ToLower(text)
	for _, sign := range []string{"out of memory", "outofmemory", "cuda_error_out_of_memory", "oom"} {
		if strings.Contains(text, sign) {
			return true
		}
	}
	return false
}
