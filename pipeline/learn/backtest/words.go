package backtest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/intentd/intentd/pipeline/learn/measure"
	"github.com/intentd/intentd/pipeline/score"
)

// Title is what an engine is called to people.
func Title(name string) string {
	switch name {
	case NewestForm:
		return "newest form first"
	case NewestActivity:
		return "newest activity first"
	case MostPageViews:
		return "most page views"
	}
	return name
}

// Headline is what the backtest says before anything else, one line each. Where a baseline ranks better than the score, the first says so.
func Headline(r *Result) []string {
	lines, better := headline(r)
	return append(r.opening(better, &lines), lines...)
}

// opening is what is said of deals, or of a past date, before the rest of a headline. A first line that says that something ranks better than the score becomes part of the opening's.
func (r *Result) opening(better bool, rest *[]string) (lines []string) {
	switch {
	case r.Deals != nil:
		lines = r.Deals.lines()
	case r.AsOf != nil:
		lines = r.AsOf.lines()
	default:
		return nil
	}
	if better {
		lines[0] += " " + (*rest)[0]
		*rest = (*rest)[1:]
	}
	return lines
}

// headline is it but for the deals. better says that the first line is about something that ranks better than the score.
func headline(r *Result) (lines []string, better bool) {
	ours := r.Engine(r.Main)
	if ours == nil && (r.Deals != nil || r.AsOf != nil) {
		return []string{"Engines cannot be set beside each other: " + r.Unlearned + "."}, false
	}
	if ours == nil {
		return []string{"Nothing can be judged: there is no score, and " + r.Unlearned + "."}, false
	}
	if ours.TooFew {
		lines = append(lines, fmt.Sprintf("Too few to tell: of the %s judged on %s won, and at least %d won and %d lost are needed.",
			count(r.Split.Judged, "person", "people"), count(r.Split.JudgedWon, "was", "were"), measure.FewWon, measure.FewWon))
		return append(lines, r.ahead()...), false
	}
	var best *Report
	for i := range r.Engines {
		if e := &r.Engines[i]; e.Baseline && e.AUC.Value > ours.AUC.Value && (best == nil || e.AUC.Value > best.AUC.Value) {
			best = e
		}
	}
	if best != nil {
		sure := ""
		if !best.surely() {
			sure = "; the difference may be chance"
		}
		lines = append(lines, fmt.Sprintf("%s ranks these people better than %s: AUC %.3f against %.3f%s.", capital(Title(best.Name)), our(ours.Name), best.AUC.Value, ours.AUC.Value, sure))
	}
	lines = append(lines, r.ahead()...)
	lines = append(lines, fmt.Sprintf("%s puts somebody who was won above somebody who was lost in %.0f of 100 pairs (%.0f to %.0f; 50 is chance).",
		capital(our(ours.Name)), 100*ours.AUC.Value, 100*ours.AUC.Low, 100*ours.AUC.High))
	if learned := r.Engine(Propensity); learned != nil && learned != ours && !learned.TooFew {
		lines = append(lines, fmt.Sprintf("Learned strengths do so in %.0f of 100 (%.0f to %.0f), and the top tenth of their list was won %.1f times as often as the average.",
			100*learned.AUC.Value, 100*learned.AUC.Low, 100*learned.AUC.High, learned.Tops[1].Lift.Value))
	}
	return lines, best != nil
}

func (r *Result) ahead() []string {
	a := r.Ahead
	if a == nil || a.Won == 0 {
		return nil
	}
	worth := ""
	if a.Worth != nil {
		high, all := a.Worth[score.High.String()], 0.0
		for _, w := range a.Worth {
			all += w
		}
		worth = fmt.Sprintf(" Those who were high brought %s of the %.0f that all were worth.", percent(high/max(all, 1e-9)), all)
	}
	if a.High == 0 {
		return []string{fmt.Sprintf("Of %s, the score had none high in the %d days before.", count(a.Won, "person who was won", "people who were won"), lookBack)}
	}
	return []string{fmt.Sprintf("Of %s, the score had %d (%s) high before, half of them at least %s ahead; %s%s.%s",
		count(a.Won, "person who was won", "people who were won"), a.High, percent(float64(a.High)/float64(a.Won)), count(a.MedianDays, "day", "days"), count(a.Never, "never was", "never were"), a.atBest(), worth)}
}

// atBest says which tier those reached who never were high.
func (a *Ahead) atBest() string {
	var each []string
	for _, tier := range []score.Tier{score.Medium, score.Low, score.TierUnknown} {
		if n := a.Best[tier.String()]; n > 0 {
			each = append(each, fmt.Sprintf("%d %s", n, tier))
		}
	}
	if each == nil {
		return ""
	}
	return " (at best " + strings.Join(each, ", ") + ")"
}

// our is what an engine is called within a sentence.
func our(name string) string {
	switch name {
	case Formula:
		return "the score"
	case Propensity:
		return "what was learned"
	case Weights, NewestForm, NewestActivity, MostPageViews:
		return Title(name)
	}
	return "the score in column " + name
}

// Whom says on whom the engines were judged.
func Whom(r *Result) string {
	s := fmt.Sprintf("%s, %d won (%s)", count(r.People, "person", "people"), r.Won, percent(float64(r.Won)/float64(max(r.People, 1))))
	if len(r.Engines) == 0 {
		return s
	}
	s += "; judged on the "
	if r.Split.ByTime {
		return s + fmt.Sprintf("newest %d (from %s on, %d won), learned from the %d before", r.Split.Judged, r.Split.From.Format("2 Jan 2006"), r.Split.JudgedWon, r.Split.Learned)
	}
	return s + fmt.Sprintf("%d (%d won) that chance picked, learned from the other %d", r.Split.Judged, r.Split.JudgedWon, r.Split.Learned)
}

// Remarks are what a reader must know of the people before they believe a figure.
func Remarks(r *Result) (lines []string) {
	if out := told(r.LeftOut, "left out: ", ""); out != "" {
		lines = append(lines, out)
	}
	lines = append(lines, r.Remarks...)
	for _, k := range r.Profile {
		lines = append(lines, "at the date "+k.String())
	}
	if n := len(r.Unused); n > 0 {
		names := strings.Join(r.Unused[:min(n, 8)], ", ")
		if n > 8 {
			names += fmt.Sprintf(" and %d more", n-8)
		}
		lines = append(lines, "not learned from, because nearly all are alike or all differ: "+names)
	}
	if r.NobodyHigh && r.Strengths != nil {
		lines = append(lines, "nobody of the older people reaches high by the formula: the thresholds of what was learned let in the usual 10 and 30 %")
	}
	if !r.Split.ByTime && len(r.Engines) > 0 {
		mend := " (--date COLUMN)"
		if r.AsOf != nil {
			mend = ""
		}
		lines = append(lines, "without dates that differ nobody was judged on people later than those learned from: expect less of what is learned"+mend)
	}
	for _, s := range r.Suspects {
		did := "it was not learned from (--trust takes it in)"
		if s.Trusted {
			did = "it was learned from because --trust names it"
		}
		lines = append(lines, fmt.Sprintf("too good: %q: %s. Such a field is filled in after the outcome as a rule: %s", s.Name, s.Why, did))
	}
	if r.Unlearned != "" {
		lines = append(lines, "no strengths were learned: "+r.Unlearned)
	}
	if w := r.Weights; w != nil && w.Refused != "" {
		lines = append(lines, "no weights were learned: "+w.Refused)
	}
	for i := range r.Engines {
		e := &r.Engines[i]
		if higher, lower, sure := e.Inverted(); higher != nil && !e.TooFew {
			chance := ""
			if !sure {
				chance = "; the difference may be chance"
			}
			lines = append(lines, fmt.Sprintf("tiers of %s: %s was won less often than %s%s", Title(e.Name), higher.Tier, lower.Tier, chance))
		}
	}
	return lines
}

// Cell is a tier in words: what was won of how many, with limits.
func (t *Tier) Cell() string {
	if t.Rows == 0 {
		return "nobody"
	}
	return fmt.Sprintf("%s of %d (%.0f–%.0f)", percent(t.Precision.Value), t.Rows, 100*t.Precision.Low, 100*t.Precision.High)
}

// Tier is that of the report, nil if it has none.
func (r *Report) Tier(of score.Tier) *Tier {
	for i := range r.Tiers {
		if r.Tiers[i].Tier == of {
			return &r.Tiers[i]
		}
	}
	return nil
}

// told lists how many were left out for which reason, the most first; "" if none.
func told(leftOut map[string]int, before, after string) string {
	var each []string
	for _, why := range slices.SortedFunc(maps.Keys(leftOut), func(a, b string) int { return cmp.Or(cmp.Compare(leftOut[b], leftOut[a]), cmp.Compare(a, b)) }) {
		if n := leftOut[why]; n > 0 {
			each = append(each, fmt.Sprintf("%d, %s", n, why))
		}
	}
	if each == nil {
		return ""
	}
	return before + strings.Join(each, "; ") + after
}

func percent(share float64) string {
	if share < 0.1 && share > 0 {
		return fmt.Sprintf("%.1f %%", 100*share)
	}
	return fmt.Sprintf("%.0f %%", 100*share)
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
