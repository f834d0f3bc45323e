package target

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/simcap/simcap/calibrate/load"
)

func TestExpand(t *testing.T) {
	for _, c := range []struct{ body, want, wrong string }{
		{`{"n": {{batch}}, "id": {{seq}}, "in": [{{repeat "a"}}]}`, `{"n": 3, "id": 7, "in": ["a", "a", "a"]}`, ""},
		{"plain", "plain", ""}, {"", "", ""}, {"{{batch", "", "without }}"}, {"{{size}}", "", "{{size}}"},
	} {
		got, err := Expand(c.body, 3, 7)
		if got != c.want || (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("%q: %q %v", c.body, got, err)
		}
	}
}

// chat is a server with OpenAI's interface: it streams so many tokens with pauses between.
func chat(tokens int, first, between time.Duration, usage bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var q struct {
			Model     string `json:"model"`
			MaxTokens int    `json:"max_tokens"`
			Stream    bool   `json:"stream"`
			Messages  []any  `json:"messages"`
			IgnoreEOS bool   `json:"ignore_eos"`
		}
		if json.NewDecoder(r.Body).Decode(&q) != nil || !q.Stream || q.Model != "m" || q.MaxTokens != tokens ||
			len(q.Messages) != 1 || !q.IgnoreEOS || r.URL.Path != "/v1/chat/completions" || r.Header.Get("Authorization") != "Bearer x" {
			http.Error(w, "bad request", http.StatusBadRequest)
			return
		}
		fmt.Fprintf(w, "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n")
		w.(http.Flusher).Flush()
		time.Sleep(first)
		for range tokens {
			fmt.Fprintf(w, "data: {\"choices\":[{\"delta\":{\"content\":\"word \"}}]}\n\n")
			w.(http.Flusher).Flush()
			time.Sleep(between)
		}
		if usage {
			fmt.Fprintf(w, "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":33,\"completion_tokens\":%d}}\n\n", tokens)
		}
		fmt.Fprintf(w, "data: [DONE]\n\n")
	}
}

func TestOpenAI(t *testing.T) {
	for _, usage := range []bool{true, false} {
		s := httptest.NewServer(chat(8, 60*time.Millisecond, 10*time.Millisecond, usage))
		o, err := NewOpenAI(s.URL, "m", 20, 8, http.Header{"Authorization": {"Bearer x"}}, 5*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		a := o.Do(context.Background(), load.Request{Batch: 1, Seq: 5})
		if a.Err != nil || a.OutputTokens != 8 || a.FirstByte < 0.055 || a.FirstByte > 0.3 || usage && a.PromptTokens != 33 {
			t.Errorf("%+v", a)
		}
		s.Close()
	}
	for text, want := range map[string]string{
		`{"choices":[]}`: "does not stream", "data: x\n": "not JSON", "data: [DONE]\n": "without text",
		"data: {\"error\":{\"message\":\"no memory\"}}\n": "no memory",
	} {
		if _, err := readStream(strings.NewReader(text), time.Now()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := NewOpenAI("localhost", "m", 1, 1, nil, time.Second); err == nil {
		t.Error("localhost is an address")
	}
	if _, err := NewOpenAI("http://x", "m", 0, 1, nil, time.Second); err == nil {
		t.Error("a prompt of nothing")
	}
}

func TestKServe(t *testing.T) {
	shape := `[-1, 4]`
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v2/models/m":
			fmt.Fprintf(w, `{"name":"m","inputs":[{"name":"x","datatype":"FP32","shape":%s}]}`, shape)
		case "/v2/health/live":
		case "/v2/models/m/infer":
			text, _ := io.ReadAll(r.Body)
			var q struct {
				Inputs []struct {
					Shape []int `json:"shape"`
					Data  []any `json:"data"`
				} `json:"inputs"`
			}
			if json.Unmarshal(text, &q) != nil || len(q.Inputs) != 1 || q.Inputs[0].Shape[0] != 3 || len(q.Inputs[0].Data) != 12 {
				http.Error(w, string(text), http.StatusBadRequest)
			}
		default:
			http.NotFound(w, r)
		}
	}))
	defer s.Close()
	k, err := NewKServe(context.Background(), s.URL+"/v2/", "m", nil, nil, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []load.Request{{Batch: 3}, {Null: true}} {
		if a := k.Do(context.Background(), r); a.Err != nil {
			t.Error(a.Err)
		}
	}
	shape = `[-1, -1]`
	if _, err := NewKServe(context.Background(), s.URL, "m", nil, nil, time.Second); err == nil || !strings.Contains(err.Error(), "--shape x=128") {
		t.Error(err)
	}
	if k, err = NewKServe(context.Background(), s.URL, "m", []string{"x=4"}, nil, time.Second); err != nil {
		t.Error(err)
	} else if a := k.Do(context.Background(), load.Request{Batch: 3}); a.Err != nil {
		t.Error(a.Err)
	}
	for _, bad := range [][2]string{{"y=4", "no input"}, {"x=a", "without the batch"}} {
		if _, err := NewKServe(context.Background(), s.URL, "m", []string{bad[0]}, nil, time.Second); err == nil || !strings.Contains(err.Error(), bad[1]) {
			t.Errorf("%s: %v", bad[0], err)
		}
	}
	if _, err := NewKServe(context.Background(), s.URL, "n", nil, nil, time.Second); err == nil || !strings.Contains(err.Error(), "404") {
		t.Error(err)
	}
	if _, err := NewKServe(context.Background(), s.URL, "", nil, nil, time.Second); err == nil {
		t.Error("a model without a name")
	}
}

// A server that does not answer in time, that refuses, or that is not there: each in words.
func TestHTTPErrors(t *testing.T) {
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(400 * time.Millisecond) }))
	defer slow.Close()
	refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "busy", http.StatusServiceUnavailable) }))
	defer refuses.Close()
	for url, want := range map[string]string{slow.URL: "no answer in time", refuses.URL: "503 Service Unavailable: busy", "http://127.0.0.1:1": "refused"} {
		h, err := NewHTTP("", url, "", nil, 100*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		if a := h.Do(context.Background(), load.Request{Batch: 1}); a.Err == nil || !strings.Contains(a.Err.Error(), want) {
			t.Errorf("%s: %v", url, a.Err)
		}
	}
	if !OutOfMemory("RuntimeError: CUDA out of memory. Tried") || OutOfMemory("500 Internal Server Error") {
		t.Error("out of memory is not told from other errors")
	}
}
