package standin

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Engine is a server of language for tests, with the interface of OpenAI, whose engine batches
// continuously: at each boundary it takes a token of every sequence that generates, and waiting prompts,
// in pieces, up to a budget. It sleeps as long as its iterations take. Times in seconds.
type Engine struct {
	Base, PerToken          float64 // of an iteration, and of each of its tokens
	PerContext              float64 // of each token that a generating sequence has behind it
	Admit                   float64 // before a request comes to the engine
	MaxTokens, MaxSequences int     // of an iteration
	Template                int     // tokens that the server adds to each prompt

	mu      sync.Mutex
	wake    *sync.Cond
	waiting []*answer
	began   bool
	late    float64 // by which iterations took longer than they should
	count   int
}

// Late is the mean time by which iterations took longer than they should: sleeps end late.
func (e *Engine) Late() float64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.late / float64(max(1, e.count))
}

// pass sleeps as long as an iteration takes.
func (e *Engine) pass(tokens, context int) {
	t := e.Base + e.PerToken*float64(tokens) + e.PerContext*float64(context)
	began := time.Now()
	sleep(t)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.late += time.Since(began).Seconds() - t
	e.count++
}

// answer is a request in the engine.
type answer struct {
	prompt, computed, made, wanted int
	tokens                         chan bool
}

// ServeHTTP answers /health, and chat/completions with a stream of words.
func (e *Engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/health" {
		fmt.Fprintln(w, "ok")
		return
	}
	var body struct {
		Messages  []struct{ Content string } `json:"messages"`
		MaxTokens int                        `json:"max_tokens"`
		Stream    bool                       `json:"stream"`
	}
	err := json.NewDecoder(io.LimitReader(r.Body, 1<<24)).Decode(&body)
	if err != nil || len(body.Messages) == 0 || !body.Stream {
		http.Error(w, "a stream of one message is served", http.StatusBadRequest)
		return
	}
	sleep(e.Admit)
	wanted := max(1, body.MaxTokens)
	a := &answer{prompt: len(strings.Fields(body.Messages[0].Content)) + e.Template, wanted: wanted,
		tokens: make(chan bool, wanted)}
	e.enter(a)
	w.Header().Set("Content-Type", "text/event-stream")
	for range a.tokens {
		fmt.Fprint(w, "data: {\"choices\":[{\"delta\":{\"content\":\"word \"}}]}\n\n")
		if f, ok := w.(http.Flusher); ok {
			f.Flush()
		}
	}
	fmt.Fprintf(w, "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":%d,\"completion_tokens\":%d}}\n\n"+
		"data: [DONE]\n\n", a.prompt, a.wanted)
}

// enter puts a request into the waiting line; the first one starts the engine.
func (e *Engine) enter(a *answer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.began {
		e.began = true
		e.wake = sync.NewCond(&e.mu)
		go e.work()
	}
	e.waiting = append(e.waiting, a)
	e.wake.Signal()
}

// work goes from iteration to iteration for as long as the test runs.
func (e *Engine) work() {
	var running []*answer
	for {
		e.mu.Lock()
		for len(running) == 0 && len(e.waiting) == 0 {
			e.wake.Wait()
		}
		budget, context := e.MaxTokens, 0
		chunks := map[*answer]int{}
		take := func(a *answer) {
			n := 1
			if a.computed < a.prompt {
				n = a.prompt - a.computed
			} else {
				context += a.prompt + a.made
			}
			chunks[a] = min(n, budget)
			budget -= chunks[a]
		}
		for _, a := range running {
			take(a)
		}
		for len(e.waiting) > 0 && budget > 0 && len(running) < e.MaxSequences {
			running = append(running, e.waiting[0])
			take(e.waiting[0])
			e.waiting = e.waiting[1:]
		}
		e.mu.Unlock()
		e.pass(e.MaxTokens-budget, context)
		kept := running[:0]
		for _, a := range running {
			if a.advance(chunks[a]) {
				kept = append(kept, a)
			}
		}
		running = kept
	}
}

// advance follows an iteration that has computed so many tokens; false when the answer is complete.
func (a *answer) advance(tokens int) bool {
	if a.computed < a.prompt {
		if a.computed += tokens; a.computed < a.prompt {
			return true
		}
	} else if tokens == 0 {
		return true
	}
	a.made++
	a.tokens <- true
	if a.made == a.wanted {
		close(a.tokens)
		return false
	}
	return true
}
