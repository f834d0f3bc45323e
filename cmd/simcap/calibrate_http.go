package main

import (
	"context"
	"net/http"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/simcap/simcap/calibrate"
	"github.com/simcap/simcap/calibrate/child"
	"github.com/simcap/simcap/calibrate/load"
	"github.com/simcap/simcap/calibrate/target"
)

// httpFlags say how to speak to a server.
type httpFlags struct {
	api, method, body, null string
	headers, shapes         []string
	timeout                 time.Duration
	prompt, output          int
	noExact                 bool
	text                    string      // the body, read
	header                  http.Header // the headers, read
}

func (h *httpFlags) add(cmd *cobra.Command) {
	s := cmd.Flags()
	s.StringVar(&h.api, "api", "json", "json: a request of your own; openai: chat/completions, "+
		"streamed; kserve: KServe v2")
	s.StringVar(&h.method, "method", "", "method of json requests (default POST with a body, else GET)")
	s.StringVar(&h.body, "body", "", "body of json requests, or @FILE; {{batch}}, {{repeat TEXT}} and "+
		"{{seq}} are filled in")
	s.StringArrayVar(&h.headers, "header", nil, `header of each request, "Name: value" (may be repeated)`)
	s.StringVar(&h.null, "null", "", "address that answers GET without work, for the floor of the interface")
	s.DurationVar(&h.timeout, "timeout", time.Minute, "how long one request may take")
	s.IntVar(&h.prompt, "prompt-tokens", 256, "words of a prompt (openai)")
	s.IntVar(&h.output, "output-tokens", 128, "tokens of an answer (openai)")
	s.BoolVar(&h.noExact, "no-ignore-eos", false, "let answers end early (openai)")
	s.StringArrayVar(&h.shapes, "shape", nil, "shape of an input without the batch, as in ids=128 (kserve)")
}

// errNoStream refuses to fit an engine to answers that come as a whole.
func errNoStream() error {
	return usagef("--as llm needs answers that come token by token: --api openai")
}

// read reads what the flags name.
func (h *httpFlags) read(f *calibrateFlags) error {
	if f.as == asLLM && h.api != "openai" {
		return errNoStream()
	}
	if h.api != "json" && h.api != "openai" && h.api != "kserve" {
		return usagef("--api: %q, where json, openai or kserve is expected", h.api)
	}
	h.text = h.body
	if name, ok := strings.CutPrefix(h.body, "@"); ok {
		data, err := os.ReadFile(name)
		if err != nil {
			return usagef("--body: %w", err)
		}
		h.text = string(data)
	}
	h.header = http.Header{}
	for _, line := range h.headers {
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return usagef(`--header: %q is not "Name: value"`, line)
		}
		h.header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	_, err := target.Expand(h.text, 1, 1)
	if err != nil {
		return usagef("--body: %w", err)
	}
	return nil
}

// server is the subject behind an address.
func (h *httpFlags) server(address, model string) *calibrate.Server {
	s := &calibrate.Server{NullURL: h.null != "" || h.api == "kserve"}
	s.Batching = h.api == "kserve" || h.api == "json" &&
		(strings.Contains(h.text, "{{batch}}") || strings.Contains(h.text, "{{repeat "))
	s.Connect = func(ctx context.Context) (load.Target, error) {
		switch h.api {
		case "openai":
			t, err := target.NewOpenAI(address, model, h.prompt, h.output, h.header, h.timeout)
			if err == nil {
				t.Exact = !h.noExact
			}
			return t, err
		case "kserve":
			return target.NewKServe(ctx, address, model, h.shapes, h.header, h.timeout)
		}
		t, err := target.NewHTTP(h.method, address, h.text, h.header, h.timeout)
		if err == nil {
			t.NullURL = h.null
		}
		return t, err
	}
	return s
}

// engines are measured longer before each load: their first requests compile.
func (h *httpFlags) adjust(cmd *cobra.Command, f *calibrateFlags) {
	if h.api == "openai" && !cmd.Flags().Changed("warmup") {
		f.plan.WarmupSeconds = 10
	}
}

func newCalibrateHTTPCommand(f *calibrateFlags) *cobra.Command {
	var h httpFlags
	cmd := &cobra.Command{
		Use:   "http URL",
		Short: "Measure a server that runs already, here or behind an address",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := h.read(f); err != nil {
				return err
			}
			if !strings.HasPrefix(args[0], "http://") && !strings.HasPrefix(args[0], "https://") {
				return usagef("%q is not an address: it begins with http:// or https://", args[0])
			}
			if !local(args[0]) && !cmd.Flags().Changed("watch") {
				f.watch = "none" // the GPU here is not the server's
			}
			h.adjust(cmd, f)
			return f.run(cmd, "http", args[0], h.server(args[0], f.model))
		},
	}
	h.add(cmd)
	return cmd
}

func newCalibrateExecCommand(f *calibrateFlags) *cobra.Command {
	var h httpFlags
	var address, ready string
	var startTimeout, grace time.Duration
	cmd := &cobra.Command{
		Use:   "exec [flags] -- COMMAND...",
		Short: "Start a server, measure its starts and its service, and stop it",
		Long: "Exec starts the command, waits until it is ready, and measures it: starts with empty and " +
			"with\n" +
			"full caches, then its service. The command and all that it started are ended again.\n\n" +
			"--ready says when it is ready: an address that answers GET (the default is that of --url " +
			"with the\n" +
			"path /health), tcp:HOST:PORT, file:PATH, or line:REGEXP for a line that it prints.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("no command: simcap calibrate exec --url http://127.0.0.1:8000/ -- python " +
					"serve.py")
			}
			if err := h.read(f); err != nil {
				return err
			}
			if !strings.HasPrefix(address, "http://") && !strings.HasPrefix(address, "https://") {
				return usagef("--url: %q is not an address: it begins with http:// or https://", address)
			}
			s := h.server(address, f.model)
			s.Command, s.Timeout, s.Grace, s.Log = args, startTimeout, grace, f.log(cmd)
			var err error
			if s.Ready, err = readyOf(ready, address); err != nil {
				return err
			}
			h.adjust(cmd, f)
			return f.run(cmd, "exec", strings.Join(args, " "), s)
		},
	}
	h.add(cmd)
	cmd.Flags().StringVar(&address, "url", "http://127.0.0.1:8000/", "address of the requests")
	cmd.Flags().StringVar(&ready, "ready", "", "when the command is ready")
	addStartFlags(cmd, &startTimeout, &grace)
	return cmd
}

// readyOf reads --ready; without it, /health at the server's address.
func readyOf(text, address string) (child.Ready, error) {
	if text == "" {
		base := address
		if i := strings.Index(address, "://"); i >= 0 {
			if j := strings.IndexByte(address[i+3:], '/'); j >= 0 {
				base = address[:i+3+j]
			}
		}
		return child.Ready{URL: base + "/health"}, nil
	}
	kind, rest, _ := strings.Cut(text, ":")
	switch kind {
	case "http", "https":
		return child.Ready{URL: text}, nil
	case "tcp":
		return child.Ready{TCP: rest}, nil
	case "file":
		return child.Ready{File: rest}, nil
	case "line":
		like, err := regexp.Compile(rest)
		if err != nil {
			return child.Ready{}, usagef("--ready: %w", err)
		}
		return child.Ready{Line: like}, nil
	}
	return child.Ready{}, usagef("--ready: %q, where an address, tcp:HOST:PORT, file:PATH or "+
		"line:REGEXP is expected", text)
}
