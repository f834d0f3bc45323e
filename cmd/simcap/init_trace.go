package main

import (
	"fmt"
	"io"
	"path/filepath"
	"sort"
	"strings"

	"github.com/spf13/cobra"

	"github.com/simcap/simcap/report/quantity"
	"github.com/simcap/simcap/scenarios"
	"github.com/simcap/simcap/trace"
	"github.com/simcap/simcap/trace/fit"
	"github.com/simcap/simcap/trace/shape"
)

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// guessed is one function of a scenario that is made of a traffic file, and its workload.
type guessed struct {
	key      string // name of the function and its workload
	name     string // as the file has it
	arrivals string
	share    float64
}

// guess makes a scenario of what a traffic file tells, and says what it does not tell.
type guess struct {
	shape   *shape.Shape
	columns map[string]string // distributions of what rows say, by name
	compact bool              // the workload is a fit: rows do not bring anything along
}

// write writes the scenario without its heading.
func (g *guess) write(b *strings.Builder, name string, horizonS float64, functions []guessed) {
	fmt.Fprintf(b, "simcap: 1\nname: %q\n", name)
	if g.compact {
		fmt.Fprintf(b, "horizon: %.0fs\n", max(1, horizonS))
	}
	b.WriteString("replications: 4\nplatform: modal\n\nfunctions:\n")
	for _, f := range functions {
		fmt.Fprintf(b, "  %s:", f.key)
		if f.name != "" && f.name != f.key {
			fmt.Fprintf(b, " # %s", oneLine(f.name))
		}
		if g.engine() {
			b.WriteString("\n    gpu: RTX-PRO-6000 # a guess: the file does not tell\n" +
				"    concurrent: {max_inputs: 128, target_inputs: 24} # a guess\n")
		} else {
			b.WriteString("\n    gpu: L4 # a guess: the file does not tell\n")
		}
		g.service(b)
		b.WriteString("    cold_start: 20s # a guess\n    scaledown_window: 60s\n")
	}
	b.WriteString("\nworkloads:\n")
	for _, f := range functions {
		fmt.Fprintf(b, "  - name: %s\n    function: %s\n", f.key, f.key)
		if g.engine() {
			fmt.Fprintf(b, "    prompt_tokens: %s # of the file\n    output_tokens: %s # of the file\n",
				g.columns["prompt_tokens"], g.columns["output_tokens"])
		} else if g.perToken() {
			fmt.Fprintf(b, "    size: %s # output tokens of the file\n", g.columns["output_tokens"])
		} else if g.compact && g.columns["size"] != "" {
			fmt.Fprintf(b, "    size: %s\n", g.columns["size"])
		}
		fmt.Fprintf(b, "    arrivals: %s\n", f.arrivals)
	}
	b.WriteString("\n# slo:\n#   - {metric: latency.p99, max: 5s}\n")
}

// perToken says whether the service is guessed from output tokens.
func (g *guess) perToken() bool {
	return g.columns["demand"] == "" && g.columns["output_tokens"] != ""
}

// engine says whether the service is guessed to be an LLM engine: the file tells prompts and outputs, and
// no times.
func (g *guess) engine() bool { return g.perToken() && g.columns["prompt_tokens"] != "" }

// service writes what is known of how long an input takes.
func (g *guess) service(b *strings.Builder) {
	switch {
	case g.columns["demand"] != "" && g.compact:
		fmt.Fprintf(b, "    service:\n      time: %s # durations of the file\n", g.columns["demand"])
	case g.columns["demand"] != "":
		fmt.Fprintf(b,
			"    service:\n      # Rows bring their own durations; this is their distribution, for "+
				"rows without one.\n"+
				"      time: %s\n", g.columns["demand"])
	case g.engine():
		b.WriteString("    service: # a guess: the file tells tokens, not the model; `simcap profiles` " +
			"lists others\n      profile: llama31-8b-vllm-rtx-pro-6000\n" +
			"      llm: {kv: {num_blocks: 30000}}\n")
	case g.perToken():
		b.WriteString("    service: # a guess: the file tells tokens, not times\n      time: 300ms\n " +
			"     per_unit: 20ms # per output token\n")
	default:
		b.WriteString("    service:\n      time: {dist: lognormal, mean: 500ms, cv: 0.5} # a guess: " +
			"the file does not tell\n")
	}
}

// oneLine is a text that fits a comment.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// mostGuessed is how many functions a scenario names one by one; the rest is one more.
const mostGuessed = 5

// scenarioOfTrace is a working scenario for the traffic of a file, to be written to a folder.
func scenarioOfTrace(file *shape.File, s *shape.Shape, folder string) (string, error) {
	path, err := relativeTo(folder, file.Name)
	if err != nil {
		return "", err
	}
	g := guess{shape: s, columns: map[string]string{}}
	var take []string
	for i := range s.Columns {
		g.columns[s.Columns[i].Name] = fit.Quantiles(&s.Columns[i])
	}
	for _, name := range []string{"size", "demand", "prompt_tokens", "output_tokens"} {
		if g.columns[name] != "" {
			take = append(take, name)
		}
	}
	var functions []guessed
	used := map[string]bool{}
	rest := file.Options
	add := func(key, name string, o trace.Options, share float64) {
		functions = append(functions, guessed{key: unused(key, used), name: name,
			arrivals: traceArrivals(path, o, take),
			share:    share})
	}
	if len(s.Functions) < 2 {
		name := ""
		if len(s.Functions) == 1 {
			name = s.Functions[0].Name
		}
		add(functionKey(name), name, file.Options, 1)
	} else {
		left := s.Arrivals
		for i, f := range s.Functions {
			if i == mostGuessed || f.Name == shape.Others || i > 0 && f.Arrivals*50 < s.Arrivals {
				break
			}
			is := trace.Condition{Field: "function", Op: "=", Value: f.Name}
			not := trace.Condition{Field: "function", Op: "!=", Value: f.Name}
			o := file.Options
			o.Only = append(o.Only[:len(o.Only):len(o.Only)], is)
			add(functionKey(f.Name), f.Name, o, float64(f.Arrivals)/float64(s.Arrivals))
			rest.Only = append(rest.Only[:len(rest.Only):len(rest.Only)], not)
			left -= f.Arrivals
		}
		if left > 0 {
			add("others", "all others", rest, float64(left)/float64(s.Arrivals))
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# Traffic of %s (%s): %s in %s, %s on average.\n", filepath.Base(s.File), s.Format,
		quantity.Plural(float64(s.Arrivals), "arrival"), quantity.Format(quantity.Seconds, s.SpanS),
		quantity.Format(quantity.PerS, s.RatePerS))
	b.WriteString("# What the file does not tell is a guess, and marked as one: put your own values " +
		"there.\n" + schemaLine)
	g.write(&b, strings.TrimSuffix(filepath.Base(s.File), filepath.Ext(s.File)), s.SpanS, functions)
	return b.String(), nil
}

// relativeTo is a file as seen from a folder.
func relativeTo(folder, name string) (string, error) {
	from, err := filepath.Abs(folder)
	if err != nil {
		return "", failed(err)
	}
	to, err := filepath.Abs(name)
	if err != nil {
		return "", failed(err)
	}
	relative, err := filepath.Rel(from, to)
	if err != nil {
		return to, nil // on another drive
	}
	return filepath.ToSlash(relative), nil
}

// functionKey is a name of the file as a name of the scenario: letters, digits and '-'.
func functionKey(name string) string {
	key := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(strings.TrimPrefix(pathPart(name), "/")))
	for strings.Contains(key, "--") {
		key = strings.ReplaceAll(key, "--", "-")
	}
	key = strings.Trim(key, "-")
	switch {
	case key == "":
		return "main"
	case key[0] >= '0' && key[0] <= '9':
		key = "f-" + key
	}
	return key[:min(len(key), 24)]
}

// pathPart is a URL without its host.
func pathPart(name string) string {
	if _, after, ok := strings.Cut(name, "://"); ok {
		if _, path, ok := strings.Cut(after, "/"); ok {
			return path
		}
	}
	return name
}

// unused makes a key that is not taken yet.
func unused(key string, used map[string]bool) string {
	for i := 2; used[key]; i++ {
		key = fmt.Sprintf("%s-%d", strings.TrimRight(key, "0123456789-"), i)
	}
	used[key] = true
	return key
}

// checkScenario makes sure that a scenario that is about to be written can be read.
func checkScenario(name, text string) error {
	folder := filepath.Dir(name)
	if name == "-" {
		folder = "."
	}
	if s, ds := scenarios.Load(name, []byte(text), scenarios.Options{Folder: folder}); s == nil {
		return failed(ds)
	}
	return nil
}

// initFromTrace writes a working scenario for a traffic file.
func initFromTrace(cmd *cobra.Command, read *traceFlags, argument, to string) error {
	if argument == "-" {
		return usagef("--from-trace: the scenario replays the file, so it has to be one; name it")
	}
	file, done, err := read.file(cmd, argument)
	if err != nil {
		return err
	}
	defer done()
	s, err := shape.Measure(file)
	done()
	if err != nil {
		return unread(err)
	}
	if to == "" {
		base := filepath.Base(argument)
		for ext := filepath.Ext(base); ext != ""; ext = filepath.Ext(base) {
			base = strings.TrimSuffix(base, ext)
		}
		to = fileName(base) + ".yaml"
	}
	folder := filepath.Dir(to)
	if to == "-" {
		folder = "."
	}
	text, err := scenarioOfTrace(file, s, folder)
	if err != nil {
		return err
	}
	if err := checkScenario(to, text); err != nil {
		return err
	}
	if to == "-" {
		_, err := io.WriteString(cmd.OutOrStdout(), text)
		return err
	}
	if err := create(to, []byte(text)); err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "wrote %s; `simcap run %s` runs it\n", to, to)
	return nil
}
