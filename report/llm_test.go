package report

import (
	"bytes"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/internal/specimen"
	"github.com/simcap/simcap/model"
	"github.com/simcap/simcap/sim"
)

// llmRows are inputs of an LLM function: one that completed, one that was rejected; and one of another function.
func llmRows() []model.InputRow {
	done, lost, other := inputRow(1), inputRow(2), inputRow(3)
	done.LLM = model.LLMRow{Prompt: 374, Output: 44, TTFT: 250 * sim.Millisecond, TPOT: 7_500_001, Preemptions: 2}
	lost.LLM = model.LLMRow{Prompt: 9, Output: 1, TTFT: model.Unset, TPOT: model.Unset}
	return []model.InputRow{done, lost, other}
}

// The columns of tokens stand behind all others, empty where there is nothing to say.
func TestLLMInputsCSV(t *testing.T) {
	var b strings.Builder
	w := NewLLMInputsCSV(&b)
	for _, r := range llmRows() {
		if err := w.Write(&r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(b.String(), "\n")
	for i, want := range []string{"outcome,prompt_tokens,output_tokens,ttft_s,tpot_s,preemptions",
		"completed,374,44,0.250000000,0.007500001,2", "completed,9,1,,,0", "completed,,,,,"} {
		if !strings.HasSuffix(lines[i], want) {
			t.Errorf("line %d is %q, and should end in %q", i, lines[i], want)
		}
		if n := strings.Count(lines[i], ","); n != strings.Count(inputColumns, ",")+5 {
			t.Errorf("line %d has %d commas", i, n)
		}
	}
}

func TestLLMInputsParquet(t *testing.T) {
	var b bytes.Buffer
	w := NewLLMInputsParquet(&b)
	const rounds = 800 // more than a batch
	for range rounds {
		for _, r := range llmRows() {
			if err := w.Write(&r); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := parquet.OpenFile(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range file.Schema().Columns() {
		names = append(names, strings.Join(c, "."))
	}
	if got := strings.Join(names, ","); got != inputColumns+llmColumns {
		t.Errorf("columns %s", got)
	}
	got, err := parquet.Read[llmRecord](bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil || len(got) != 3*rounds {
		t.Fatalf("%d rows, %v", len(got), err)
	}
	for i := range rounds {
		done, lost, other := &got[3*i], &got[3*i+1], &got[3*i+2]
		if *done.PromptTokens != 374 || *done.OutputTokens != 44 || *done.TTFTS != 0.25 ||
			*done.TPOTS != sim.Time(7_500_001).Seconds() || *done.Preemptions != 2 || done.Call != 1 {
			t.Fatalf("row %d: %+v", i, done)
		}
		if *lost.PromptTokens != 9 || lost.TTFTS != nil || lost.TPOTS != nil || other.PromptTokens != nil ||
			other.Preemptions != nil || other.Call != 3 {
			t.Fatalf("row %d: %+v, %+v", i, lost, other)
		}
	}
}

// The summary and the page tell how fast tokens come where there are LLM functions, and nothing elsewhere.
func TestTokensAreTold(t *testing.T) {
	var chat, day strings.Builder
	for _, one := range []struct {
		kind specimen.Kind
		into *strings.Builder
	}{{specimen.Chat(), &chat}, {specimen.Day(), &day}} {
		r := specimen.Make(one.kind)
		if err := Terminal(one.into, r, TerminalOptions{Width: 100}); err != nil {
			t.Fatal(err)
		}
		if err := HTML(one.into, r, Options{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, what := range []string{"\nTOKENS ", "TTFT ", "TPOT ", "1,800/s", "1,234 inputs preempted", "ttft-cdf", "tpot-cdf",
		"token-table", "p99 time to first token"} {
		if !strings.Contains(chat.String(), what) {
			t.Errorf("%q is not told of LLM functions", what)
		}
		if strings.Contains(day.String(), what) {
			t.Errorf("%q is told of others", what)
		}
	}
	if _, ok := RunPictures(specimen.Make(specimen.Chat()))["ttft-cdf"]; !ok {
		t.Error("no picture of the time to the first token")
	}
}

// An engine that is short of memory is said to be so, and only where sharing is what makes inputs slow.
func TestPreemptedHint(t *testing.T) {
	r := specimen.Make(specimen.Chat())
	preempted := *r.Functions["chat"].Inputs.Completed.Value * 0.48
	m := r.Functions["chat"]
	m.Preempted = &experiment.Estimate{Value: &preempted}
	r.Functions["chat"] = m
	if h := preemptedHint(r, "chat", &experiment.PoolSettings{MaxInputs: 128}); !strings.Contains(h.text, "preempts 48% of the inputs") ||
		!strings.Contains(h.text, "max_inputs is 128") {
		t.Error(h.text)
	}
	preempted /= 20
	if h := preemptedHint(r, "chat", &experiment.PoolSettings{}); h.text != "" {
		t.Error(h.text)
	}
	if h := preemptedHint(specimen.Make(specimen.Day()), "embed", &experiment.PoolSettings{}); h.text != "" {
		t.Error(h.text)
	}
}
