package main

import (
	"os"
	"strings"
	"testing"
)

// A file that tells prompts and outputs makes a scenario with an LLM engine, whose inputs have the tokens of the
// rows; it runs, and is compared, swept and searched by times of tokens.
func TestInitOfTokens(t *testing.T) {
	t.Chdir(t.TempDir())
	rows := "TIMESTAMP,ContextTokens,GeneratedTokens\n"
	for i := range 200 {
		second, tokens := i/2, []string{"374,44", "396,109", "879,55", "91,16"}[i%4]
		rows += "2023-11-16 18:" + twoDigits(10+second/60) + ":" + twoDigits(second%60) + []string{".100", ".600"}[i%2] + "," + tokens + "\n"
	}
	if err := os.WriteFile("conv.csv", []byte(rows), 0o644); err != nil {
		t.Fatal(err)
	}
	simcap(t, "", "init", "--from-trace", "conv.csv", "-f", "s.yaml").expect(t, exitDone, "wrote s.yaml", "")
	text, err := os.ReadFile("s.yaml")
	if err != nil || !strings.Contains(string(text), "profile: llama31-8b-vllm") || !strings.Contains(string(text), "prompt_tokens: {dist: quantiles") {
		t.Fatalf("%v\n%s", err, text)
	}
	simcap(t, "", "run", "s.yaml", "--replications", "1", "--inputs", "rows.csv").expect(t, exitDone, "TOKENS", "")
	lines, err := os.ReadFile("rows.csv")
	if err != nil || !strings.Contains(string(lines), "preemptions\n1,main,main,1,1,") || !strings.Contains(strings.Split(string(lines), "\n")[1], ",374,44,") {
		t.Errorf("%v\n%.600s", err, lines)
	}
	simcap(t, "", "compare", "s.yaml", "--set", "functions.main.service.llm.max_num_seqs=2").expect(t, exitDone, "p99 TTFT", "")
	simcap(t, "", "run", "s.yaml", "--replications", "1", "--json", "--set", "workloads.main.arrivals.take=[size]").expect(t, exitDone, "tpot_s", "")
}

func twoDigits(n int) string { return string([]byte{byte('0' + n/10), byte('0' + n%10)}) }
