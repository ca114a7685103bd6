package cli

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/pipeline/learn/backtest"
	"github.com/intentd/intentd/pipeline/receipt"
)

// lessonPage prints what was learned.
type lessonPage struct{ w io.Writer }

// line prints one line; names of pages and forms move no cursor.
func (p *lessonPage) line(format string, args ...any) {
	fmt.Fprintln(p.w, strings.TrimRight(receipt.Clean(fmt.Sprintf(format, args...)), " "))
}

func (p *lessonPage) print(l *app.Lesson) {
	p.line("%s closed since %s, %d of them won.", plural(l.Deals, "deal"), l.Since.Format("2 Jan 2006"), l.Won)
	for _, s := range l.Remarks {
		p.line("  %s", s)
	}
	p.line("")
	p.weights(l)
	p.topics(l)
	p.strengths(l)
	p.worth(l)
	for _, e := range l.Effects {
		p.line("With engine %s %d of %s would change tier now:", e.Engine, e.Changed, people(e.People))
		effectTable(p.w, e.Matrix)
	}
	switch {
	case l.Number > 0:
		p.line("Kept as number %d; nothing has changed. intentd learn apply puts it in force where scoring.engine is weights, propensity or auto.", l.Number)
	case l.Weights == nil && len(l.Strengths) == 0 || l.Weights != nil && l.Weights.Refused != "" && len(l.Strengths) == 0:
		p.line("There is nothing to apply.")
	default:
		p.line("Nothing is kept: there is no state yet. Where intentd has run, intentd learn apply puts it in force.")
	}
}

func (p *lessonPage) weights(l *app.Lesson) {
	w := l.Weights
	if w == nil {
		p.line("No weights were learned: nobody of the deals left a trace.\n")
		return
	}
	if w.Refused != "" {
		p.line("No weights were learned: %s.", w.Refused)
	} else {
		p.line("Weights, from %s of which %d won (confidence %s):", plural(w.Deals, "deal"), w.Won, w.Confidence)
	}
	if w.Confidence != "" {
		p.line("  %s  before → after   goes with winning by r (limits of 95 %%)", pad("", 8))
		for i, c := range []struct {
			name          string
			before, after float64
		}{{"volume", w.Before.Volume, w.After.Volume}, {"recency", w.Before.Recency, w.After.Recency}, {"topics", w.Before.Topics, w.After.Topics}} {
			p.line("  %s    %.2f → %.2f    %+.2f (%+.2f to %+.2f)", pad(c.name, 8), c.before, c.after, w.R[i].Value, w.R[i].Low, w.R[i].High)
		}
	}
	p.line("")
}

// topics prints lines for the configuration: who takes a line switches its topic on.
func (p *lessonPage) topics(l *app.Lesson) {
	if len(l.Win)+len(l.Loss) == 0 {
		p.line("No topic goes with winning or losing beyond chance.\n")
		return
	}
	p.line("Topics that go with winning or losing. Take those that make sense into the configuration; intentd plan shows whom it moves:")
	p.line("  topics:")
	for _, side := range []struct {
		name string
		list []app.TopicLesson
	}{{"win", l.Win}, {"loss", l.Loss}} {
		if len(side.list) == 0 {
			continue
		}
		p.line("    %s:", side.name)
		for _, t := range side.list {
			mark, has := "+", ""
			if t.Configured {
				mark, has = " ", "; is there already"
			}
			if len(t.Alike) > 0 {
				has += "; the same deals: " + strings.Join(t.Alike, ", ")
			}
			p.line("  %s   - %s # %d of %s won, %.0f %% (%.0f to %.0f)%s", mark, pad(yamlText(t.Topic), 30), t.Won, plural(t.Deals, "deal"), 100*t.Rate.Value, 100*t.Rate.Low, 100*t.Rate.High, has)
		}
	}
	p.line("")
}

// yamlText is a text as an item of a list in YAML.
func yamlText(s string) string {
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return strings.ContainsRune(`:#{}[]&*!|>'"%@,`+"`", r) }) < 0 && s == strings.TrimSpace(s) && s[0] != '-' && s[0] != '?' {
		return s
	}
	return fmt.Sprintf("%q", s)
}

func (p *lessonPage) strengths(l *app.Lesson) {
	if len(l.Strengths) == 0 {
		p.line("No strengths were learned: %s.\n", l.Unlearned)
		return
	}
	p.line("Strengths, from %s of whom %d won, beginning with %s. What counts most, for one usual difference between people:", people(l.People), l.PeopleWon, l.Prior)
	for _, f := range l.Strengths {
		p.line("  %+6.1f points  %s (%+.1f to %+.1f)", f.Points.Value, pad(f.Feature, 44), f.Points.Low, f.Points.High)
	}
	p.verdicts(l.Verdicts)
	for _, k := range l.Profile {
		p.line("Of the CRM, a day before the deal: %s.", k)
	}
	for _, s := range l.Suspects {
		p.line("Left out, for it tells the outcome too well: %q: %s. As a rule such a field is filled in after the deal.", s.Fact, s.Why)
	}
	p.line("")
}

// verdicts says how reps' verdicts were weighed beside.
func (p *lessonPage) verdicts(v *app.VerdictsLesson) {
	if v == nil {
		return
	}
	text := "No verdict of a rep was weighed beside"
	if v.Used > 0 {
		text = fmt.Sprintf("Beside them %s of reps, %d of them interested, each weighing %.2f of somebody of a deal", plural(v.Used, "verdict"), v.Interested, v.Weight)
	}
	for i, why := range slices.Sorted(maps.Keys(v.LeftOut)) {
		sep := "; "
		if i == 0 {
			sep = ". Not weighed: "
		}
		text += fmt.Sprintf("%s%d %s", sep, v.LeftOut[why], why)
	}
	p.line("%s.", text)
}

// worth prints what engines were worth on later people.
func (p *lessonPage) worth(l *app.Lesson) {
	p.line("What it is worth: %s.", l.Judged)
	for _, e := range l.Engines {
		if e.AUC == nil {
			p.line("  %s  too few to tell", pad(backtest.Title(e.Name), 22))
			continue
		}
		against := ""
		if a := e.Against; a != nil {
			against = fmt.Sprintf("; %+.3f against the formula (%+.3f to %+.3f)", a.Value, a.Low, a.High)
		}
		p.line("  %s  AUC %.3f (%.3f to %.3f), Brier score %.3f%s", pad(backtest.Title(e.Name), 22), e.AUC.Value, e.AUC.Low, e.AUC.High, e.Brier.Value, against)
	}
	if l.Auto.Engine != "" {
		p.line("Engine auto would take %s: %s.", l.Auto.Engine, l.Auto.Why)
	}
	p.line("")
}

// learnedText says what one of those that are kept holds.
func learnedText(l *app.LearnedLine) string {
	var parts []string
	if l.Weights != "" {
		parts = append(parts, "weights "+l.Weights)
	}
	if l.Features > 0 {
		parts = append(parts, plural(l.Features, "strength"))
	}
	if l.Deals > 0 {
		parts = append(parts, fmt.Sprintf("from %s, %d won", plural(l.Deals, "deal"), l.Won))
	}
	if l.Engine != "" {
		parts = append(parts, "auto would take "+l.Engine)
	}
	return strings.Join(parts, "; ")
}

func historyText(w io.Writer, list []app.LearnedLine) {
	if len(list) == 0 {
		fmt.Fprintln(w, "nothing was learned yet: intentd learn")
		return
	}
	at := func(t time.Time) string { return t.UTC().Format("2 Jan 2006 15:04 UTC") }
	for i := range list {
		l := &list[i]
		what := learnedText(l)
		if l.By == "import" && l.Features == 0 {
			what = "learning begins with the built-in strengths again"
		}
		fmt.Fprintf(w, "%4d  %s  by %-8s  %s\n", l.Number, at(l.At), l.By, what)
		switch {
		case l.InForce:
			fmt.Fprintf(w, "      in force since %s, by %s\n", at(l.Applied), l.ByWhom)
		case !l.Undone.IsZero():
			fmt.Fprintf(w, "      applied %s by %s, undone %s\n", at(l.Applied), l.ByWhom, at(l.Undone))
		case !l.Applied.IsZero():
			fmt.Fprintf(w, "      applied %s by %s, followed by another\n", at(l.Applied), l.ByWhom)
		}
		if l.Why != "" {
			fmt.Fprintln(w, "      "+l.Why)
		}
	}
}
