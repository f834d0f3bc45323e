package target

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/simcap/simcap/calibrate/load"
)

// OpenAI is a server with the interface of OpenAI: chat/completions, or completions. Answers are
// streamed, so that the time to the first token is seen.
type OpenAI struct {
	URL          string // whole address of the endpoint
	Model        string
	PromptTokens int // words of the prompt, about as many tokens
	OutputTokens int
	Headers      http.Header
	Exact        bool // ask for exactly so many tokens (ignore_eos, an extension of vLLM and others)
	client       *http.Client
}

// NewOpenAI makes a target. An address that ends before the endpoint gets /v1/chat/completions.
func NewOpenAI(url, model string, prompt, output int, headers http.Header,
	timeout time.Duration) (*OpenAI, error) {
	if !strings.HasPrefix(url, "http://") && !strings.HasPrefix(url, "https://") {
		return nil, fmt.Errorf("%q is not an address: it begins with http:// or https://", url)
	}
	if !strings.HasSuffix(url, "/completions") {
		url = strings.TrimSuffix(strings.TrimRight(url, "/"), "/v1") + "/v1/chat/completions"
	}
	if prompt < 1 || output < 1 {
		return nil, errors.New("a request has at least one prompt token and one output token")
	}
	return &OpenAI{URL: url, Model: model, PromptTokens: prompt, OutputTokens: output,
		Headers: headers, Exact: true,
		client: newClient(timeout)}, nil
}

// body is the request. Its prompt begins with its number, so that no cache of prefixes answers it.
func (o *OpenAI) body(r load.Request) (string, error) {
	prompt, output := o.PromptTokens, o.OutputTokens
	if r.PromptTokens > 0 {
		prompt = r.PromptTokens
	}
	if r.OutputTokens > 0 {
		output = r.OutputTokens
	}
	text := fmt.Sprintf("%d", r.Seq) + strings.Repeat(" word", max(0, prompt-1))
	request := map[string]any{"model": o.Model, "max_tokens": output, "stream": true,
		"temperature":    0,
		"stream_options": map[string]any{"include_usage": true}}
	if o.Exact {
		request["ignore_eos"] = true
	}
	if strings.HasSuffix(o.URL, "/chat/completions") {
		request["messages"] = []map[string]string{{"role": "user", "content": text}}
	} else {
		request["prompt"] = text
	}
	b, err := json.Marshal(request)
	return string(b), err
}

// chunk is a part of a stream, or an answer that is not streamed.
type chunk struct {
	Choices []struct {
		Text  string `json:"text"`
		Delta struct {
			Content   string `json:"content"`
			Reasoning string `json:"reasoning_content"`
		} `json:"delta"`
	} `json:"choices"`
	Usage *struct {
		Prompt int `json:"prompt_tokens"`
		Output int `json:"completion_tokens"`
	} `json:"usage"`
	Error json.RawMessage `json:"error"`
}

// text is what the part adds to the answer.
func (c *chunk) text() string {
	if len(c.Choices) == 0 {
		return ""
	}
	first := &c.Choices[0]
	return first.Text + first.Delta.Content + first.Delta.Reasoning
}

// Do sends one request and reads its stream.
func (o *OpenAI) Do(ctx context.Context, r load.Request) load.Answer {
	body, err := o.body(r)
	if err != nil {
		return load.Answer{Err: err}
	}
	answer, began, err := send(ctx, o.client, http.MethodPost, o.URL, body, o.Headers)
	if err != nil {
		return load.Answer{Err: err}
	}
	defer answer.Body.Close()
	a, err := readStream(answer.Body, began)
	a.Err = err
	return a
}

// readStream reads server-sent events: the first that carries text is the first token. Tokens come from
// the usage; a server that does not tell it is counted by its events.
func readStream(body io.Reader, began time.Time) (load.Answer, error) {
	var a load.Answer
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, 4<<20)
	counted, told := 0, false
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data:")
		if !ok {
			if strings.HasPrefix(lines.Text(), "{") {
				return a, errors.New("the server does not stream")
			}
			continue
		}
		data = strings.TrimSpace(data)
		if data == "[DONE]" {
			break
		}
		var c chunk
		if err := json.Unmarshal([]byte(data), &c); err != nil {
			return a, fmt.Errorf("a part of the stream is not JSON: %w", err)
		}
		if len(c.Error) > 0 && string(c.Error) != "null" {
			return a, fmt.Errorf("the server says: %s", c.Error)
		}
		if c.text() != "" {
			if counted++; counted == 1 {
				a.FirstByte = time.Since(began).Seconds()
			}
		}
		if c.Usage != nil {
			a.PromptTokens, a.OutputTokens, told = c.Usage.Prompt, c.Usage.Output, true
		}
	}
	if err := lines.Err(); err != nil {
		return a, short(err)
	}
	if !told {
		a.OutputTokens = counted
	}
	if counted == 0 {
		return a, errors.New("an answer without text")
	}
	return a, nil
}
