package evaluate

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// Headline is what is worth knowing, in a line.
func Headline(r *Result) string {
	industries := map[string]bool{}
	for i := range r.Cases {
		industries[r.Cases[i].Industry] = true
	}
	of := ""
	if len(industries) > 1 {
		of = fmt.Sprintf(" of %d industries", len(industries))
	}
	return fmt.Sprintf("Texts by %s have an F1 of %s on %s%s: they state %s of the labelled facts, and %s of their statements hold one.",
		r.Engine, r.All.Limits(), count(r.All.Journeys, "journey"), of, percent(r.All.Recall), percent(r.All.Precision))
}

// Limits are the F1 with its limits, where there are any.
func (f *Figures) Limits() string {
	if f.Low == nil {
		return fmt.Sprintf("%.2f", f.F1)
	}
	return fmt.Sprintf("%.2f (%.2f–%.2f)", f.F1, *f.Low, *f.High)
}

// Remarks say what makes the figures better or worse than they are; bundled says that they are of the bundled set.
func Remarks(r *Result, bundled bool) (lines []string) {
	say := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	if n := total(r.Degraded); n > 0 {
		say("%d of %s by rules in the place of %s: %s.", n, count(r.All.Journeys, "text"), r.Engine, told(r.Degraded))
	}
	switch {
	case r.Judge == "matcher" && r.Engine == "rules":
		say("Held against the labels by the bundled matcher.")
	case r.Judge == "matcher":
		say("Held against the labels by the bundled matcher, which finds wordings and no meanings: what a model says in words of its own counts as missing. --judge model finds it.")
	case r.Judge == r.Engine:
		say("Judged by %s, the model that wrote the texts, which is lenient. Figures and days are held against the steps without it.", r.Judge)
	default:
		say("Judged by %s. Figures and days are held against the steps without it.", r.Judge)
	}
	if n := total(r.Unjudged); n > 0 {
		say("%d of %s by the bundled matcher in the judge's place: %s.", n, count(r.All.Journeys, "verdict"), told(r.Unjudged))
	}
	if bundled && r.Engine == "rules" && r.Unseen != nil {
		say("The rules were written with the others at hand, which flatters them. On the %d journeys that are new to them: F1 %s. Label some of yours (--journeys FILE, docs/eval.md).", r.Unseen.Journeys, r.Unseen.Limits())
	}
	if r.Unshown > 0 {
		say("Figures, days or names that the cited steps do not show: in %s.", count(r.Unshown, "statement"))
	}
	if r.Never > 0 {
		say("Wordings that must not stand in a text, and do: %d.", r.Never)
	}
	return lines
}

// Meaning is what the figures say and what they do not.
var Meaning = []string{
	"Recall: facts stated of those labelled. Precision: statements that hold a labelled fact and no figure or day of their own. F1: both at once; limits of 95 %.",
	"It is about texts alone: what the score is worth, intentd backtest says.",
}

func total(of map[string]int) (n int) {
	for _, k := range of {
		n += k
	}
	return n
}

// told is what was counted, the commonest first.
func told(of map[string]int) string {
	var out []string
	for _, why := range slices.SortedFunc(maps.Keys(of), func(a, b string) int {
		if of[a] != of[b] {
			return of[b] - of[a]
		}
		return strings.Compare(a, b)
	}) {
		out = append(out, fmt.Sprintf("%s (%d)", why, of[why]))
	}
	return strings.Join(out, ", ")
}

// percent rounds no share to all that is not all.
func percent(share float64) string {
	p := math.Round(100 * share)
	if share < 1 {
		p = min(p, 99)
	}
	return fmt.Sprintf("%.0f %%", p)
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
