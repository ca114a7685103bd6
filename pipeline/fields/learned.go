package fields

import (
	"slices"
	"strings"

	"github.com/intentd/intentd/pipeline/receipt"
	"github.com/intentd/intentd/pipeline/score"
)

// LearnedPart is what one fact adds to a learned score: all features that are made of it together.
type LearnedPart struct {
	Name   string // in the language asked for, unclean: a form's or a page's name may be in it
	Tenths int
}

// LearnedParts are the parts of a receipt's score by a learned model, those that add most or take most away first. With Parts.Offset and Parts.Clamp they add up to the score.
func LearnedParts(r *receipt.Receipt, code string) (parts []LearnedPart) {
	if r.Settings.Additive == nil {
		return nil
	}
	l, terms := languageOf(code), r.Settings.Additive.Terms
	at := map[string]int{}
	for _, x := range r.Points {
		if x.Term < 0 || x.Term >= len(terms) {
			continue
		}
		f := &terms[x.Term].Feature
		i, is := at[f.Fact]
		if !is {
			i = len(parts)
			at[f.Fact] = i
			parts = append(parts, LearnedPart{Name: l.feature(f)})
		} else if f.Form == score.Zero || f.Form == score.Unknown { // that it is not there says more than the mean that stands for it
			parts[i].Name = l.feature(f)
		}
		parts[i].Tenths += x.Tenths
	}
	parts = slices.DeleteFunc(parts, func(p LearnedPart) bool { return p.Tenths == 0 })
	slices.SortStableFunc(parts, func(a, b LearnedPart) int { return max(b.Tenths, -b.Tenths) - max(a.Tenths, -a.Tenths) })
	return parts
}

// feature names what a feature says of somebody to whom it adds something: what they did, or that they did not.
func (l *language) feature(f *score.Feature) string {
	words, known := l.features[f.Fact]
	if !known {
		kind, name, _ := strings.Cut(f.Fact, ": ")
		quoted := string(fill(nil, l.quoted, "name", name))
		switch kind {
		case "pages":
			words = [2]string{string(fill(nil, l.pagesBelow, "name", name)), string(fill(nil, l.noPagesBelow, "name", name))}
		default:
			kind = strings.ReplaceAll(kind, "_", " ")
			words = [2]string{kind + " " + quoted, string(fill(nil, l.without, "what", kind+" "+quoted))}
		}
	}
	switch f.Form {
	case score.Zero, score.Unknown:
		return words[1]
	case score.Is:
		if f.Fact == score.FactStage {
			return string(fill(nil, words[0], "stage", l.stages[f.Level]))
		}
	}
	return words[0]
}

// signed writes tenths as a summand.
func (l *language) signed(n int) string {
	if n < 0 {
		return "− " + l.tenths(-n)
	}
	return "+ " + l.tenths(n)
}
