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
	if property, is := strings.CutPrefix(f.Fact, score.FactProfile); is {
		return l.profile(property, f)
	}
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

// profileKinds are the kinds of properties that have words of their own, by the names that CRMs give them.
var profileKinds = map[string]string{
	"industry": "industry", "jobtitle": "title", "title": "title", "job_title": "title", "leadsource": "source", "lead_source": "source", "source": "source", "hs_analytics_source": "source",
	"numemployees": "size", "numberofemployees": "size", "company_size": "size", "companysize": "size", "employees": "size", "size": "size", "annualrevenue": "revenue", "annual_revenue": "revenue",
}

// profile names what the CRM says of a property, or that it says nothing.
func (l *language) profile(property string, f *score.Feature) string {
	kind := profileKinds[property]
	name := strings.ReplaceAll(strings.TrimSuffix(strings.TrimPrefix(property, "hs_"), "__c"), "_", " ")
	if f.Form == score.Unknown {
		return string(fill(nil, l.profiles[kind][1], "name", name))
	}
	word := string(fill(nil, l.wordOfCRM, "name", f.Level))
	if band, is := l.bands[f.Level]; is {
		word = band
	}
	return string(fill(nil, l.profiles[kind][0], "name", name, "word", word))
}

// signed writes tenths as a summand.
func (l *language) signed(n int) string {
	if n < 0 {
		return "− " + l.tenths(-n)
	}
	return "+ " + l.tenths(n)
}
