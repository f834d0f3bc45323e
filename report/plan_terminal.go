package report

import (
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strings"

	"github.com/simcap/simcap/experiment"
	"github.com/simcap/simcap/experiment/plan"
	"github.com/simcap/simcap/report/quantity"
)

// planSummary is a plan's summary while it is being written.
type planSummary struct {
	summary
	p *plan.Result
}

// PlanTerminal writes the summary of a plan: the answer and what it saves, what to paste, today against
// the answer, what binds, what a step to either side would change, the runners-up, and how the answer
// moves when the world does.
func PlanTerminal(w io.Writer, r *plan.Result, o TerminalOptions) error {
	t := &planSummary{p: r}
	t.paint, t.width = paint(o.Color), o.columns()
	t.planHead()
	t.answer()
	if r.Best != nil {
		t.paste()
		t.beforeAfter()
		t.binding()
		t.steps()
		t.runnersUp()
		t.sensitivity()
	}
	if len(r.Warnings) > 0 {
		t.block("WARNINGS")
		for _, text := range r.Warnings {
			t.wrapped("• ", text, yellow)
		}
	}
	if o.OutDir != "" {
		t.block("REPORT")
		t.line(filepath.Join(o.OutDir, pageFile))
	}
	_, err := io.WriteString(w, t.b.String())
	return err
}

func (t *planSummary) planHead() {
	p := t.p
	t.b.WriteString(t.in(bold, quantity.Cut(p.Scenario, t.width)) + "\n")
	size := quantity.Plural(float64(p.Space.Settings), "setting")
	if p.Space.Settings == math.MaxInt64 {
		size = "very many settings"
	}
	looked := fmt.Sprintf("%d simulated", p.Space.Simulated)
	if p.Space.Exhaustive {
		looked = "all simulated, or like one that was"
	}
	parts := []string{size, looked}
	if p.Space.Invalid > 0 {
		parts = append(parts, fmt.Sprintf("%d contradict themselves", p.Space.Invalid))
	}
	parts = append(parts, quantity.Plural(float64(p.Space.Replications), "replication"),
		fmt.Sprintf("seed %d", p.Seed))
	if p.Simcap != "" {
		parts = append(parts, "simcap "+strings.TrimPrefix(p.Simcap, "simcap "))
	}
	for _, l := range flow(parts, t.width) {
		t.b.WriteString(t.in(dim, l) + "\n")
	}
}

// bill writes what a setting costs: per month, or for the run where there is no horizon.
func bill(s *plan.Setting) string {
	if has(s.PerMonth) {
		return text(quantity.USD, s.PerMonth) + " per month"
	}
	return text(quantity.USD, s.Cost)
}

func (t *planSummary) answer() {
	p := t.p
	t.block("ANSWER")
	switch {
	case p.Best == nil:
		t.line(t.in(red+";"+bold, "nothing was simulated to its end"))
	case !p.Kept:
		word := "no setting keeps the SLO"
		switch {
		case p.Stopped != "":
			word = "no setting that is sure to keep the SLO was found yet"
		case p.Best.Keeps != plan.No:
			word = "no setting is sure to keep the SLO"
		}
		if !p.Space.Exhaustive && p.Stopped == "" {
			word += " among those that were simulated"
		}
		t.line(t.in(red+";"+bold, word))
		t.wrapped("", "the closest, at "+bill(p.Best)+", is this one:", "")
		for _, s := range p.Best.Settings {
			t.line("  " + s.Key + "=" + s.Value)
		}
	default:
		t.wrapped("", bill(p.Best)+" keeps every SLO"+t.saving(), green+";"+bold)
		t.wrapped("", t.sure(), dim)
	}
	if text := uneven(p); text != "" {
		t.wrapped("", text, dim)
	}
	switch p.Stopped {
	case plan.OverBudget:
		t.wrapped("", "the search was cut short by --budget: this is the best that it found in that time",
			yellow)
	case plan.Interrupted:
		t.wrapped("", "the search was interrupted: this is the best that it had found", yellow)
	}
}

// saving says what the answer saves against today.
func (t *planSummary) saving() string {
	s := t.p.Saving
	if s == nil || !has(s.Cost) || t.p.Today == nil {
		return ""
	}
	e := s.Cost
	if has(s.PerMonth) {
		e = s.PerMonth
	}
	part := percent(math.Abs(s.Fraction))
	today := strings.TrimSuffix(bill(t.p.Today), " per month")
	noise, tilde := "", ""
	if e.Low != nil && *e.Low <= 0 && *e.High >= 0 {
		noise, tilde = ", which may be noise", "~ "
	}
	word := "less"
	switch {
	case *e.Value == 0:
		return ", the same as today's " + today
	case *e.Value < 0:
		word = "more"
	}
	saved := quantity.Format(quantity.USD, math.Abs(*e.Value))
	return fmt.Sprintf(", %s%s (%s) %s than today's %s%s", tilde, saved, part, word, today, noise)
}

// uneven says on how many replications the costs of today and of the answer rest where these differ;
// "" where they do not.
func uneven(p *plan.Result) string {
	if p.Saving == nil || !has(p.Saving.Cost) || p.Today == nil || p.Best == nil ||
		p.Today.Replications == p.Best.Replications {
		return ""
	}
	return fmt.Sprintf("today's cost is the mean of %s, the answer's that of %d; the difference is that of "+
		"the %d that both have", quantity.Plural(float64(p.Today.Replications), "replication"),
		p.Best.Replications, min(p.Today.Replications, p.Best.Replications))
}

// sure says how sure the answer is.
func (t *planSummary) sure() string {
	among := "setting of the space"
	if !t.p.Space.Exhaustive {
		among = "simulated setting"
	}
	if t.p.Confidence >= 0.5 {
		return sureness(t.p.Confidence) + " sure that no " + among + " that keeps the SLO costs over 1% less"
	}
	doubt := "not sure to be the cheapest"
	if r := t.likeliest(); r != nil {
		doubt += fmt.Sprintf(": %s, %s, may keep the SLO and be over 1%% cheaper, with a chance of %s",
			t.differs(r), difference(r, t.p.Goal == "cost.per_hour"), percent(r.Chance))
	}
	return doubt + "; a longer --budget would tell"
}

// likeliest is the runner-up that is most likely to be better than the answer.
func (t *planSummary) likeliest() *plan.Setting {
	var out *plan.Setting
	for i := range t.p.RunnersUp {
		if r := &t.p.RunnersUp[i]; r.Chance > 0 && (out == nil || r.Chance > out.Chance) {
			out = r
		}
	}
	return out
}

// differs names the settings in which one differs from the answer.
func (t *planSummary) differs(s *plan.Setting) string {
	var parts []string
	for k, set := range s.Settings {
		if set.Value != t.p.Best.Settings[k].Value {
			parts = append(parts, t.shortOf(set.Key)+"="+set.Value)
		}
	}
	return strings.Join(parts, " ")
}

// sureness is a confidence in per cent, never rounded up to certainty.
func sureness(c float64) string {
	if c > 0.995 {
		return "over 99%"
	}
	return fmt.Sprintf("%.0f%%", math.Floor(c*100))
}

func (t *planSummary) paste() {
	if !t.p.Kept || len(t.p.Apply) == 0 {
		return
	}
	t.block("PASTE")
	for _, s := range t.p.Apply {
		if s.Function != "" && len(s.Arguments)+len(s.Decorators)+len(s.Calls) > 0 {
			t.line(t.in(dim, "# "+s.Function))
		}
		if text := "@app.function(" + strings.Join(s.Arguments, ", ") + ")"; width(text) <= t.room() {
			if len(s.Arguments) > 0 {
				t.line(text)
			}
		} else { // Python may break a line in brackets
			t.line("@app.function(")
			for _, a := range s.Arguments {
				t.line("    " + a + ",")
			}
			t.line(")")
		}
		for _, d := range append(append([]string{}, s.Decorators...), s.Calls...) {
			t.line(d)
		}
		for _, o := range s.Other {
			t.line(t.in(dim, "# not in the code: ") + o.Key + "=" + o.Value)
		}
	}
}

// shortOf is the part of a key that tells it apart from the others that are searched.
func (t *planSummary) shortOf(key string) string {
	axes := make([]experiment.Axis, len(t.p.Space.Axes))
	for i, a := range t.p.Space.Axes {
		axes[i].Key = a.Key
	}
	for i, label := range axisLabels(axes) {
		if axes[i].Key == key {
			return label
		}
	}
	return key
}

// beforeAfter sets today's settings and the answer side by side: the keys that change, cost, latency,
// and every objective.
func (t *planSummary) beforeAfter() {
	t.block("COMPARED")
	rows := t.compared(estimated)
	if t.tooWide(rows) {
		rows = t.compared(text)
	}
	t.grid(rows)
}

// tooWide says whether rows do not fit with labels that can be told apart.
func (t *planSummary) tooWide(rows [][3]string) bool {
	var wide [3]int
	for _, r := range rows {
		for k, c := range r {
			wide[k] = max(wide[k], width(c))
		}
	}
	return wide[0]+wide[1]+wide[2]+4 > t.room()
}

// compared are the rows of today's settings and the answer, with estimates written as write does.
func (t *planSummary) compared(write func(quantity.Kind, experiment.Estimate) string) [][3]string {
	today, best := t.p.Today, t.p.Best
	rows := [][3]string{{"", "today", "answer"}}
	if !t.p.Kept {
		rows[0][2] = "closest"
	}
	add := func(label string, of func(*plan.Setting) string) {
		before := quantity.None
		if today != nil {
			before = of(today)
		}
		rows = append(rows, [3]string{label, before, of(best)})
	}
	if has(best.PerMonth) {
		add("cost per month", func(s *plan.Setting) string { return write(quantity.USD, s.PerMonth) })
	} else {
		add("cost of the run", func(s *plan.Setting) string { return write(quantity.USD, s.Cost) })
	}
	for _, q := range []struct {
		name string
		of   func(*experiment.Quantiles) experiment.Estimate
	}{{"p50", func(q *experiment.Quantiles) experiment.Estimate { return q.P50 }},
		{"p95", func(q *experiment.Quantiles) experiment.Estimate { return q.P95 }},
		{"p99", func(q *experiment.Quantiles) experiment.Estimate { return q.P99 }}} {
		if len(best.Functions) < 2 {
			add(q.name+" latency", func(s *plan.Setting) string {
				return write(quantity.Seconds, q.of(&s.LatencyS))
			})
		}
	}
	for i := range best.SLO {
		o := describe(&best.SLO[i])
		add(o.Label+" "+o.Limit, func(s *plan.Setting) string {
			if i >= len(s.SLO) {
				return quantity.None
			}
			d := describe(&s.SLO[i])
			word, _ := mark(d.State)
			return word + " " + d.Value
		})
	}
	add("replications", func(s *plan.Setting) string { return fmt.Sprint(s.Replications) })
	return rows
}

// estimated is an estimate with its interval where that says more than the value.
func estimated(kind quantity.Kind, e experiment.Estimate) string {
	if value := text(kind, e); interval(kind, e) == value {
		return value
	}
	return withInterval(kind, e)
}

// grid writes rows of a label and two values.
func (t *planSummary) grid(rows [][3]string) {
	var wide [3]int
	for _, r := range rows {
		for k, c := range r {
			wide[k] = max(wide[k], width(c))
		}
	}
	wide[0] = min(wide[0], max(12, t.room()-wide[1]-wide[2]-4))
	for i, r := range rows {
		values := left(r[1], wide[1]) + "  " + r[2]
		switch {
		case i == 0:
			values = t.in(dim, values)
		case strings.Contains(r[2], "MISSED"):
			values = t.in(red, values)
		}
		t.line(t.in(dim, left(quantity.Cut(r[0], wide[0]), wide[0])) + "  " + values)
	}
}

func (t *planSummary) binding() {
	b := t.p.Binding
	if b == nil || b.Objective >= len(t.p.Best.SLO) {
		return
	}
	o := describe(&t.p.Best.SLO[b.Objective])
	t.block("BINDS")
	says := o.Label + " is " + o.Value + ", the limit " + strings.TrimLeft(o.Limit, "≤≥ ")
	switch {
	case b.Breaks > 0 && t.p.Kept:
		says += fmt.Sprintf("; %d of the %d cheaper settings that were simulated break it", b.Breaks,
			b.Cheaper)
	case t.p.Kept && b.Cheaper > 0:
		says += "; no cheaper setting that was simulated is known to break it"
	case t.p.Kept:
		says += "; no setting that was simulated is cheaper"
	}
	t.wrapped("", says, "")
}

// difference writes what a setting costs more or less than the answer.
func difference(s *plan.Setting, monthly bool) string {
	e := s.More
	if !has(e) {
		return quantity.None
	}
	v, unit := *e.Value, ""
	if monthly {
		v, unit = v*hoursPerMonth, "/month"
	}
	sign := "+"
	if v < 0 {
		sign = "−"
	}
	if v == 0 {
		return "the same"
	}
	tilde := ""
	if e.Low != nil && *e.Low <= 0 && *e.High >= 0 {
		tilde = "~ "
	}
	return tilde + sign + quantity.Format(quantity.USD, math.Abs(v)) + unit
}

func (t *planSummary) steps() {
	if len(t.p.Steps) == 0 {
		return
	}
	t.block("ONE STEP")
	var rows [][3]string
	for i := range t.p.Steps {
		s := &t.p.Steps[i]
		rows = append(rows, [3]string{fmt.Sprintf("%s %s → %s", t.shortOf(s.Key), s.From, s.To),
			difference(&s.Setting, t.p.Goal == "cost.per_hour"), t.effect(s)})
	}
	var wide [2]int
	for _, r := range rows {
		wide[0], wide[1] = max(wide[0], width(r[0])), max(wide[1], width(r[1]))
	}
	wide[0] = min(wide[0], t.room()/2)
	for i, r := range rows {
		code := ""
		if len(t.p.Steps[i].Breaks) > 0 {
			code = yellow
		}
		start := left(quantity.Cut(r[0], wide[0]), wide[0]) + "  " + left(r[1], wide[1]) + "  "
		if t.room()-width(start) < 24 { // the effect goes below
			t.line(start)
			start = "    "
		}
		for k, l := range wrap(r[2], t.room()-width(start)) {
			if k > 0 {
				start = strings.Repeat(" ", width(start))
			}
			t.line(start + t.in(code, l))
		}
	}
}

// effect says what a step does to the objectives.
func (t *planSummary) effect(s *plan.Step) string {
	if s.Setting.Replications < 2 {
		return "unsure: one replication alone"
	}
	if len(s.Breaks) == 0 {
		if number := s.Setting.More; has(number) && *number.Value == 0 {
			return "makes no difference"
		}
		return "keeps the SLO"
	}
	var missed, unsure []string
	for _, k := range s.Breaks {
		o := describe(&s.Setting.SLO[k])
		says := fmt.Sprintf("%s %s, limit %s", o.Label, o.Value, strings.TrimLeft(o.Limit, "≤≥ "))
		if s.Setting.SLO[k].Met == nil {
			unsure = append(unsure, says)
		} else {
			missed = append(missed, says)
		}
	}
	if len(missed) > 0 {
		return "breaks " + strings.Join(missed, "; ")
	}
	return "unsure: " + strings.Join(unsure, "; ")
}

func (t *planSummary) runnersUp() {
	if len(t.p.RunnersUp) == 0 {
		return
	}
	t.block("NEXT BEST")
	shown := t.changing()
	heads := []string{}
	for _, k := range shown {
		heads = append(heads, t.shortOf(t.p.Space.Axes[k].Key))
	}
	heads = append(heads, "cost", "more", "SLO")
	var cells [][]string
	for i := range t.p.RunnersUp {
		s := &t.p.RunnersUp[i]
		var line []string
		for _, k := range shown {
			line = append(line, quantity.Cut(s.Settings[k].Value, 18))
		}
		word := map[plan.Keeps]string{plan.Yes: "kept", plan.No: "MISSED", plan.Unsure: "unsure"}[s.Keeps]
		cells = append(cells, append(line, strings.TrimSuffix(bill(s), " per month"),
			difference(s, t.p.Goal == "cost.per_hour"), word))
	}
	widths := columnWidths(heads, cells)
	for over := func() int {
		sum := 0
		for _, w := range widths {
			sum += w + 2
		}
		return sum - 2 - t.room()
	}; over() > 0; {
		widest := 0
		for i := range shown {
			if widths[i] > widths[widest] {
				widest = i
			}
		}
		if len(shown) == 0 || widths[widest] <= 6 {
			break
		}
		widths[widest]--
	}
	line := func(texts []string, code string) {
		out := ""
		for i, c := range texts {
			out += left(quantity.Cut(c, widths[i]), widths[i]) + "  "
		}
		t.line(t.in(code, strings.TrimRight(out, " ")))
	}
	line(heads, dim)
	for _, c := range cells {
		line(c, "")
	}
}

// changing are the axes whose values differ between the answer and the runners-up.
func (t *planSummary) changing() []int {
	var out []int
	for k := range t.p.Space.Axes {
		for i := range t.p.RunnersUp {
			if t.p.RunnersUp[i].Settings[k].Value != t.p.Best.Settings[k].Value {
				out = append(out, k)
				break
			}
		}
	}
	return out
}

func (t *planSummary) sensitivity() {
	if len(t.p.Sensitivity) == 0 {
		return
	}
	t.block("WHAT IF")
	for i := range t.p.Sensitivity {
		v := &t.p.Sensitivity[i]
		bullet := v.Name + ": "
		same := "nothing is known"
		if v.Same != nil && v.Same.Replications > 0 {
			same = t.fate(v.Same, "these settings")
		}
		switch {
		case v.Best == nil:
		case !v.Kept:
			same += "; no other setting was found that keeps it"
		case len(v.Moved) == 0:
			same += "; they stay the cheapest"
		default:
			same += "; cheapest then: " + t.moved(v) + " at " + bill(v.Best)
		}
		t.wrapped(bullet, same, "")
	}
}

// fate says what becomes of settings in another world.
func (t *planSummary) fate(s *plan.Setting, who string) string {
	if s.Keeps == plan.Yes {
		return fmt.Sprintf("%s keep the SLO and cost %s", who, bill(s))
	}
	var what []string
	for k := range s.SLO {
		if met := s.SLO[k].Met; met == nil || !*met {
			o := describe(&s.SLO[k])
			what = append(what, fmt.Sprintf("%s %s, limit %s", o.Label, o.Value,
				strings.TrimLeft(o.Limit, "≤≥ ")))
		}
	}
	if len(what) == 0 { // the search is stricter than the verdicts
		return fmt.Sprintf("%s probably keep the SLO and cost %s", who, bill(s))
	}
	verb := "break the SLO"
	if s.Keeps == plan.Unsure {
		verb = "may break the SLO"
	}
	return fmt.Sprintf("%s %s (%s) and cost %s", who, verb, strings.Join(what, "; "), bill(s))
}

// moved names the settings of a variant's answer that differ from the plan's.
func (t *planSummary) moved(v *plan.Variant) string {
	var parts []string
	for _, s := range v.Best.Settings {
		for _, key := range v.Moved {
			if s.Key == key {
				parts = append(parts, t.shortOf(s.Key)+"="+s.Value)
			}
		}
	}
	return strings.Join(parts, ", ")
}
