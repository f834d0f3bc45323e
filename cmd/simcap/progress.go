package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/simcap/simcap/experiment"
)

// progress is a line on a terminal that says how far a run is. It appears when the run has taken a
// second, and disappears at its end. On anything but a terminal there is none.
type progress struct {
	out   io.Writer // nil: silent
	begun time.Time
	drawn time.Time
	shown bool
}

// newProgress is the progress line of a command on its standard error.
func newProgress(cmd *cobra.Command, quiet bool) *progress {
	p := &progress{begun: time.Now()}
	if f := terminalFile(cmd.ErrOrStderr()); f != nil && !quiet && os.Getenv("TERM") != "dumb" {
		p.out = f
	}
	return p
}

// callback is what the run is told to call; nil where there is nothing to draw on.
func (p *progress) callback() func(experiment.Progress) {
	if p.out == nil {
		return nil
	}
	return p.draw
}

func (p *progress) draw(state experiment.Progress) {
	if p.due() {
		fmt.Fprintf(p.out, "\r\x1b[K%s", progressText(state, p.drawn.Sub(p.begun)))
	}
}

// note draws a text of its own, if there is a terminal and it is time.
func (p *progress) note(text string) {
	if p.out != nil && p.due() {
		fmt.Fprintf(p.out, "\r\x1b[K%s", text)
	}
}

// due says whether the line should be drawn anew; the caller then does.
func (p *progress) due() bool {
	now := time.Now()
	if now.Sub(p.begun) < time.Second || now.Sub(p.drawn) < 100*time.Millisecond {
		return false
	}
	p.drawn, p.shown = now, true
	return true
}

// progressText is the line: a bar, replications, inputs, and the time that is left.
func progressText(state experiment.Progress, spent time.Duration) string {
	const cells = 24
	share := 0.0
	if state.Total > 0 {
		share = min(1, max(0, state.Done/state.Total))
	}
	full := int(share * cells)
	text := fmt.Sprintf("%s%s %3.0f %%  %d of %.0f replications, %s inputs",
		strings.Repeat("█", full), strings.Repeat("░", cells-full), 100*share,
		state.Replications, state.Total, grouped(state.Inputs))
	if share > 0.02 {
		left := time.Duration(float64(spent) * (1 - share) / share)
		text += fmt.Sprintf(", %v left", left.Round(time.Second))
	}
	return text
}

// grouped writes a number with commas between thousands.
func grouped(n int64) string {
	digits := fmt.Sprint(n)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 && digits[i-1] != '-' {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

// clear takes the line away.
func (p *progress) clear() {
	if p.shown {
		fmt.Fprint(p.out, "\r\x1b[K")
		p.shown = false
	}
}
