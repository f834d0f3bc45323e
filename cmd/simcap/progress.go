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
	p.drawText(func(spent time.Duration) string { return progressText(state, spent) })
}

// note draws a text of its own, if there is a terminal.
func (p *progress) note(text string) {
	if p.out != nil {
		p.drawText(func(time.Duration) string { return text })
	}
}

// drawText draws the line, unless it is too early or was just drawn.
func (p *progress) drawText(text func(spent time.Duration) string) {
	now := time.Now()
	if now.Sub(p.begun) < time.Second || now.Sub(p.drawn) < 100*time.Millisecond {
		return
	}
	p.drawn, p.shown = now, true
	fmt.Fprintf(p.out, "\r\x1b[K%s", text(now.Sub(p.begun)))
}

// sweepCallback is what a sweep is told to call; nil where there is nothing to draw on.
func (p *progress) sweepCallback() func(experiment.SweepProgress) {
	if p.out == nil {
		return nil
	}
	return func(state experiment.SweepProgress) {
		p.drawText(func(spent time.Duration) string { return sweepText(state, spent) })
	}
}

// capacityCallback is what a capacity search is told to call; nil where there is nothing to draw on.
func (p *progress) capacityCallback(variant string) func(experiment.CapacityProgress) {
	if p.out == nil {
		return nil
	}
	return func(state experiment.CapacityProgress) {
		p.drawText(func(time.Duration) string {
			text := fmt.Sprintf("%s rate %d: %.4g times the scenario's  %s", variant, state.Steps+1,
				state.Factor, progressBar(state.Within.Done/max(1, state.Within.Total)))
			return strings.TrimSpace(text)
		})
	}
}

// sweepText is the line of a sweep.
func sweepText(state experiment.SweepProgress, spent time.Duration) string {
	share := 0.0
	if state.Of > 0 {
		share = float64(state.Points) / float64(state.Of)
	}
	text := fmt.Sprintf("%s %3.0f %%  %d of %d points, %s replications, %s inputs", progressBar(share),
		100*share, state.Points, state.Of, grouped(int64(state.Trials)), grouped(state.Inputs))
	if state.Kept > 0 {
		text += fmt.Sprintf(", %s kept from before", grouped(int64(state.Kept)))
	}
	return text + timeLeft(share, spent)
}

// progressBar is a bar that is full to the given share.
func progressBar(share float64) string {
	const cells = 24
	full := int(min(1, max(0, share)) * cells)
	return strings.Repeat("█", full) + strings.Repeat("░", cells-full)
}

// timeLeft guesses how long it still takes, "" at the beginning.
func timeLeft(share float64, spent time.Duration) string {
	if share <= 0.02 {
		return ""
	}
	left := time.Duration(float64(spent) * (1 - share) / share)
	return fmt.Sprintf(", %v left", left.Round(time.Second))
}

// progressText is the line: a bar, replications, inputs, and the time that is left.
func progressText(state experiment.Progress, spent time.Duration) string {
	share := 0.0
	if state.Total > 0 {
		share = min(1, max(0, state.Done/state.Total))
	}
	return fmt.Sprintf("%s %3.0f %%  %d of %.0f replications, %s inputs", progressBar(share), 100*share,
		state.Replications, state.Total, grouped(state.Inputs)) + timeLeft(share, spent)
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
