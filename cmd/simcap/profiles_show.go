package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/simcap/simcap/model/service"
	"github.com/simcap/simcap/report/chart"
	"github.com/simcap/simcap/report/figure"
	"github.com/simcap/simcap/report/page"
	"github.com/simcap/simcap/report/quantity"
	"github.com/simcap/simcap/scenarios"
)

func newProfilesShowCommand() *cobra.Command {
	var out string
	var asYAML, force bool
	cmd := &cobra.Command{
		Use:   "show PROFILE",
		Short: "Show a profile: its curves, where it holds and where it comes from",
		Example: "  simcap profiles show resnet50-trt-fp16-a100\n" +
			"  simcap profiles show mine.yaml --out pictures",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeProfile,
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := readProfile(args[0])
			if err != nil {
				return err
			}
			p, err := loadProfile(args[0])
			if err != nil {
				return err
			}
			if out != "" {
				if err := writeProfilePage(out, p, text, force); err != nil {
					return err
				}
			}
			if asYAML {
				_, err := cmd.OutOrStdout().Write(text)
				return err
			}
			showProfile(cmd.OutOrStdout(), p)
			if out != "" {
				fmt.Fprintf(cmd.OutOrStdout(), "\n%s  profile.html, pictures\n", out)
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&out, "out", "o", "", "write profile.html and pictures to a folder")
	cmd.Flags().BoolVar(&asYAML, "yaml", false, "print the file itself")
	cmd.Flags().BoolVar(&force, "force", false, "write into a folder that holds something else")
	return cmd
}

// curveView is a curve of a profile as it is shown.
type curveView struct {
	name  string // "batch", "at a time" or "tokens"
	of    string // what is served: inputs, or tokens of an engine
	sizes []int
	at    func(n int) float64 // s
}

// batchView is the time of a batch; without sizes where the profile has none.
func batchView(p *scenarios.Profile) curveView {
	v := curveView{name: "batch", of: "inputs"}
	b := p.Service.Batch
	if b == nil {
		return v
	}
	for _, point := range b.Points {
		v.sizes = append(v.sizes, point.N)
	}
	if len(b.Points) == 0 {
		least, most := 1, 32
		if len(p.Valid.BatchSize) == 2 {
			least, most = max(1, p.Valid.BatchSize[0]), p.Valid.BatchSize[1]
		}
		v.sizes = doublings(least, most)
	}
	v.at = func(n int) float64 { return b.At(n) / 1e9 }
	return v
}

func doublings(least, most int) []int {
	var out []int
	for n := least; n < most; n *= 2 {
		out = append(out, n)
	}
	return append(out, most)
}

// concurrencyView is the time of a request among several at a time.
func concurrencyView(p *scenarios.Profile) curveView {
	v := curveView{name: "at a time", of: "inputs"}
	c := p.Service.Concurrency
	if len(c) == 0 {
		return v
	}
	for _, point := range c {
		v.sizes = append(v.sizes, point.N)
	}
	scale := 1.0
	if p.Service.Time != nil { // only the shape of the curve counts for a run
		scale = p.Service.Time.Mean() / c.At(1)
	}
	v.at = func(n int) float64 { return service.Curve(c).At(n) * scale / 1e9 }
	return v
}

func mergeSizes(a, b []int) []int {
	all := append(slices.Clone(a), b...)
	slices.Sort(all)
	return slices.Compact(all)
}

// showProfile prints a profile for a person.
func showProfile(w io.Writer, p *scenarios.Profile) {
	fmt.Fprintf(w, "%s\n", p.Name)
	if p.Description != "" {
		fmt.Fprintf(w, "%s\n", p.Description)
	}
	if p.Synthetic {
		fmt.Fprintf(w, "SYNTHETIC: not measured on hardware; `simcap plan` refuses it\n")
	}
	for _, v := range []curveView{batchView(p), concurrencyView(p), engineView(p)} {
		showCurve(w, v)
	}
	fmt.Fprintln(w)
	for _, f := range profileFacts(p) {
		for i, line := range foldText(f.Value, 76) {
			name := f.Name
			if i > 0 {
				name = ""
			}
			fmt.Fprintf(w, "%-18s %s\n", name, line)
		}
	}
}

// showCurve prints a curve as a table with bars: the time, and what it makes per second.
func showCurve(w io.Writer, v curveView) {
	if len(v.sizes) == 0 {
		return
	}
	longest := 0.0
	for _, n := range v.sizes {
		longest = max(longest, v.at(n))
	}
	const room = 40
	fmt.Fprintf(w, "\n%10s  %9s  %-*s  %s per second\n", v.name, "time", room, "", v.of)
	for _, n := range v.sizes {
		t := v.at(n)
		fmt.Fprintf(w, "%10d  %9s  %-*s  %s\n", n, quantity.Format(quantity.Seconds, t), room,
			bar(t/longest, room), quantity.Format(quantity.Number, float64(n)/t))
	}
}

// bar is a bar of eighths of a column; a share above 0 shows at least one.
func bar(share float64, room int) string {
	eighths := max(1, int(share*float64(room)*8+0.5))
	if share <= 0 {
		return ""
	}
	text := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		text += string([]rune("▏▎▍▌▋▊▉")[rest-1])
	}
	return text
}

func foldText(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

// profileFacts are the numbers beside the curves, and the provenance.
func profileFacts(p *scenarios.Profile) []page.Fact {
	var facts []page.Fact
	add := func(name, value string) {
		if value != "" && value != "-" && value != "0" {
			facts = append(facts, page.Fact{Name: name, Value: value})
		}
	}
	add("time of one input", timeOf(p))
	if p.Service.FirstInput != nil {
		add("first input", quantity.Format(quantity.Seconds, p.Service.FirstInput.Mean()/1e9))
	}
	if p.Overhead != nil {
		add("overhead", quantity.Format(quantity.Seconds, p.Overhead.Mean()/1e9))
	}
	if cv := p.Service.NoiseCV; cv > 0 {
		add("variation", fmt.Sprintf("%.1f %% (coefficient of variation)", 100*cv))
	}
	var stages []string
	for _, s := range p.ColdStart.Stages {
		stages = append(stages, s.Name+" "+quantity.Format(quantity.Seconds, s.Time.Mean()/1e9))
	}
	if len(stages) > 0 {
		add("cold start", coldOf(p)+": "+strings.Join(stages, ", "))
	}
	if e := p.Energy; e != nil {
		add("energy", fmt.Sprintf("%.3g J a batch + %.3g J an input, %.3g W idle", e.JoulesPerBatch,
			e.JoulesPerInput, e.IdleWatts))
	}
	if s := p.Server; s.Discipline != "" {
		text := map[string]string{"queue": "requests wait in a line", "sharing": "requests share its speed",
			"parallel": "requests do not notice each other", "batching": "the server joins requests " +
				"into batches"}
		slots := ""
		if s.Slots > 0 {
			slots = fmt.Sprintf(", %d at a time", s.Slots)
		}
		add("server", text[s.Discipline]+slots)
	}
	for _, f := range engineFacts(p) {
		add(f.Name, f.Value)
	}
	add("valid for", validFor(p))
	o := &p.Provenance
	gpu := o.GPU
	if o.GPUs > 1 {
		gpu = fmt.Sprintf("%d × %s", o.GPUs, o.GPU)
	}
	for _, f := range []page.Fact{{Name: "origin", Value: o.How}, {Name: "model", Value: o.Model},
		{Name: "engine", Value: o.Engine}, {Name: "GPU", Value: gpu}, {Name: "MIG", Value: o.MIG},
		{Name: "driver", Value: o.Driver}, {Name: "CUDA", Value: o.CUDA}, {Name: "host", Value: o.Host},
		{Name: "command", Value: o.Command}, {Name: "date", Value: o.Date}, {Name: "source", Value: o.Source},
		{Name: "licence", Value: o.Licence}, {Name: "cite", Value: o.Cite}, {Name: "notes", Value: o.Notes}} {
		add(f.Name, f.Value)
	}
	if o.SMClock > 0 {
		add("GPU clock", fmt.Sprintf("%.0f MHz", o.SMClock))
	}
	return append(facts, qualityFacts(&p.Quality)...)
}

func qualityFacts(q *scenarios.ProfileQuality) []page.Fact {
	var facts []page.Fact
	if q.Fit != "" {
		text := q.Fit
		if q.CVError > 0 {
			text += fmt.Sprintf(", %.1f %% off at sizes left out of it", 100*q.CVError)
		}
		if q.WorstError > 0 {
			text += fmt.Sprintf(", at most %.1f %% at a measured one", 100*q.WorstError)
		}
		facts = append(facts, page.Fact{Name: "fit", Value: text})
	}
	for _, i := range q.Intervals {
		text := fmt.Sprintf("%s to %s", quantity.Format(quantity.Seconds, i.Low/1e9),
			quantity.Format(quantity.Seconds, i.High/1e9))
		if i.HighShare > 0 {
			text = fmt.Sprintf("%.2f %% to %.2f %%", 100*i.LowShare, 100*i.HighShare)
		}
		facts = append(facts, page.Fact{Name: "95 % interval", Value: i.Parameter + ": " + text})
	}
	if q.Windows > 0 {
		facts = append(facts, page.Fact{Name: "windows", Value: fmt.Sprintf("%d kept, %d measured again",
			q.Windows, q.RejectedWindows)})
	}
	for _, h := range q.Holdout {
		facts = append(facts, page.Fact{Name: "held out",
			Value: fmt.Sprintf("at %s: p50 %s, predicted %s; p95 %s, predicted %s",
				quantity.Format(quantity.PerS, h.Rate), quantity.Format(quantity.Seconds, h.MeasuredP50/1e9),
				quantity.Format(quantity.Seconds, h.PredictedP50/1e9),
				quantity.Format(quantity.Seconds, h.MeasuredP95/1e9),
				quantity.Format(quantity.Seconds, h.PredictedP95/1e9)) + tokensHeldOut(&h)})
	}
	for _, w := range q.Warnings {
		facts = append(facts, page.Fact{Name: "warning", Value: w})
	}
	return facts
}

func validFor(p *scenarios.Profile) string {
	var parts []string
	if v := p.Valid.BatchSize; len(v) == 2 && v[1] > 1 {
		parts = append(parts, fmt.Sprintf("batches of %d to %d", v[0], v[1]))
	}
	if v := p.Valid.Concurrent; len(v) == 2 {
		parts = append(parts, fmt.Sprintf("%d to %d requests at a time", v[0], v[1]))
	}
	if v := p.Valid.Size; len(v) == 2 {
		parts = append(parts, fmt.Sprintf("sizes of %.4g to %.4g", v[0], v[1]))
	}
	if v := p.Valid.PromptTokens; len(v) == 2 {
		parts = append(parts, fmt.Sprintf("prompts of %.0f to %.0f tokens", v[0], v[1]))
	}
	if v := p.Valid.OutputTokens; len(v) == 2 {
		parts = append(parts, fmt.Sprintf("outputs of %.0f to %.0f tokens", v[0], v[1]))
	}
	if len(p.Valid.GPUs) > 0 {
		parts = append(parts, "on "+strings.Join(p.Valid.GPUs, ", "))
	}
	return strings.Join(parts, ", ")
}

// profileCharts are the pictures of a profile: times and throughput over each curve's size.
func profileCharts(p *scenarios.Profile) []chart.Chart {
	var out []chart.Chart
	for _, v := range []struct {
		id, label string
		view      curveView
	}{{"batch", "Inputs of a batch", batchView(p)}, {"concurrency", "Requests at a time",
		concurrencyView(p)}, {"iteration", "Tokens of an iteration", engineView(p)}} {
		if len(v.view.sizes) < 2 {
			continue
		}
		first, last := v.view.sizes[0], v.view.sizes[len(v.view.sizes)-1]
		var x, time, rate chart.Values
		for _, n := range v.view.sizes {
			t := v.view.at(n)
			x, time, rate = append(x, float64(n)), append(time, t), append(rate, float64(n)/t)
		}
		axis := chart.Axis{Label: v.label, Kind: quantity.Number, Scale: chart.Log}
		line := func(name string, y chart.Axis, role chart.Role, values chart.Values) *chart.XY {
			xy := &chart.XY{X: axis, Y: y,
				Series: []chart.Series{{Name: name, Role: role, Mark: chart.Line, X: x, Y: values}}}
			for i := range x {
				xy.Points = append(xy.Points, chart.Point{X: x[i], Y: values[i], Role: role})
			}
			return xy
		}
		out = append(out, chart.Chart{ID: v.id + "-time", Title: fmt.Sprintf("%s at %d, %s at %d",
			quantity.Format(quantity.Seconds, v.view.at(first)), first,
			quantity.Format(quantity.Seconds, v.view.at(last)), last),
			Subtitle: "Time over " + strings.ToLower(v.label) + "; both axes logarithmic",
			XY: line("Time", chart.Axis{Kind: quantity.Seconds, Scale: chart.Log},
				chart.Latency, time)},
			chart.Chart{ID: v.id + "-rate", Title: fmt.Sprintf("%s %s per second at %d, %s at %d",
				quantity.Format(quantity.Number, float64(first)/v.view.at(first)), v.view.of, first,
				quantity.Format(quantity.Number, float64(last)/v.view.at(last)), last),
				Subtitle: "Throughput of one container over " + strings.ToLower(v.label),
				XY: line("Throughput", chart.Axis{Kind: quantity.Number, Min: chart.At(0)},
					chart.Arrivals, rate)})
	}
	return out
}

// writeProfilePage writes profile.html and the pictures.
func writeProfilePage(dir string, p *scenarios.Profile, text []byte, force bool) error {
	claimed, err := claimFolder(dir, force, "profile's page", "profile.html")
	if err != nil {
		return err
	}
	defer claimed.release()
	charts := profileCharts(p)
	pg := &page.Page{Kind: "calibration", Title: p.Name, Provenance: []string{about(p)},
		Verdict: page.Verdict{State: "none", Word: "Profile", Headline: p.Description},
		Footer:  "A run that leaves the range in which a profile was measured warns."}
	if p.Synthetic {
		pg.Notes = append(pg.Notes, page.Note{Title: "Synthetic", Kind: "warning",
			Items: []string{"It was not measured on hardware."}})
	}
	if len(p.Quality.Warnings) > 0 {
		pg.Notes = append(pg.Notes, page.Note{Title: "Warnings", Kind: "warning", Items: p.Quality.Warnings})
	}
	curves := page.Section{ID: "curves", Title: "Curves"}
	for i := range charts {
		curves.Blocks = append(curves.Blocks, page.Block{Chart: &charts[i]})
	}
	if len(charts) > 0 {
		pg.Sections = append(pg.Sections, curves)
	}
	pg.Sections = append(pg.Sections,
		page.Section{ID: "facts", Title: "What was measured", Blocks: []page.Block{{Facts: profileFacts(p)}}},
		page.Section{ID: "file", Title: "The file",
			Blocks: []page.Block{{Code: &page.Code{Title: p.Name + ".yaml",
				Text: string(text)}}}})
	var b bytes.Buffer
	if err := page.Write(&b, pg); err != nil {
		return failed(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "profile.html"), b.Bytes(), 0o644); err != nil {
		return failed(err)
	}
	for i := range charts {
		var png bytes.Buffer
		picture := figure.Picture{Charts: charts[i : i+1], Footer: p.Name + " · " + about(p)}
		if err := figure.Draw(&png, picture, figure.Options{}); err != nil {
			return failed(err)
		}
		if err := os.WriteFile(filepath.Join(dir, charts[i].ID+".png"), png.Bytes(), 0o644); err != nil {
			return failed(err)
		}
	}
	return nil
}
