package fields

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/receipt"
	"github.com/intentd/intentd/pipeline/score"
)

// writer writes the texts of one receipt.
type writer struct {
	r     *receipt.Receipt
	o     *Options
	lang  *language
	loc   *time.Location
	clean cleaner
}

// Lengths of the texts, in characters: what a rep reads at a glance.
const (
	headlineMax = 110
	summaryMax  = 400
)

// headline is the engine's line as of the receipt's moment. Without one it is what the person did last.
func (w *writer) headline() string {
	limit := min(w.o.length(connectors.FieldHeadline), headlineMax)
	if !w.r.Parts.Known {
		return shorten(w.lang.nothing, limit)
	}
	head, _, _ := w.r.Intent.At(w.r.At, w.r.Tier)
	text := w.shown(head)
	if text == "" {
		text = w.last()
	}
	return shorten(whole(text, limit), limit)
}

// whole leaves out what stands behind the last semicolon, comma or bracket that fits, rather than cutting a text in mid-sentence.
func whole(s string, limit int) string {
	for units(s) > limit {
		i := max(strings.LastIndex(s, "; "), strings.LastIndex(s, ", "), strings.LastIndex(s, " ("))
		if i <= 0 {
			break
		}
		s = s[:i]
	}
	return s
}

// last is what the person did last, in one short sentence.
func (w *writer) last() string {
	r := w.r
	best := -1
	for i := range r.Features.Signals {
		if s := &r.Features.Signals[i]; s.At <= r.At.Unix() && (best < 0 || s.At >= r.Features.Signals[best].At) {
			best = i
		}
	}
	if best < 0 {
		return w.lang.nothing
	}
	s := r.Features.Signals[best]
	var buf [96]byte
	return upperFirst(string(fill(buf[:0], w.lang.acts[w.lang.actOf(s, r.Line(best))].one, "date", w.day(time.Unix(s.At, 0)))))
}

func upperFirst(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

// shown is a sentence as a rep may see it, "" if it rests on nothing.
func (w *writer) shown(s intent.Sentence) string {
	if len(s.Cites) == 0 {
		return ""
	}
	return w.clean.line(s.Text)
}

// summary gives the reasons and the next step. Where they do not fit together, the last reasons give way whole.
func (w *writer) summary() string {
	limit := min(w.o.length(connectors.FieldSummary), summaryMax)
	if !w.r.Parts.Known {
		return shorten(w.lang.nothing, limit)
	}
	_, sentences, next := w.r.Intent.At(w.r.At, w.r.Tier)
	var b []byte
	if step := w.shown(next); step != "" && w.r.Rule != score.ByVerdict { // a rep said that nobody should call
		b = fill(append(b, '\n'), w.lang.nextStep, "text", shorten(step, max(limit/2, 40)))
	}
	b = w.marks(b)
	if w.r.Provisional && len(w.r.Degraded) == 0 {
		b = append(append(b, '\n'), w.lang.provisional...)
	}
	frame := string(b)
	var told strings.Builder
	for i := range sentences {
		s := w.shown(sentences[i])
		if s == "" || told.Len() > 0 && units(told.String())+1+units(s)+units(frame) > limit {
			continue
		}
		if told.Len() > 0 {
			told.WriteByte(' ')
		}
		told.WriteString(s)
	}
	return shorten(strings.TrimLeft(shorten(whole(told.String(), limit-units(frame)), limit-units(frame))+frame, "\n"), limit)
}

// marks appends a line for each reason why this is less than it could be.
func (w *writer) marks(b []byte) []byte {
	if len(w.r.Stale) > 0 {
		b = fill(append(b, '\n'), w.lang.stale, "sources", w.joined(w.r.Stale, w.lang.and))
	}
	if len(w.r.Degraded) > 0 {
		b = fill(append(b, '\n'), w.lang.degraded, "reasons", w.joined(w.r.Degraded, "; "))
	}
	return b
}

func (w *writer) joined(items []string, last string) string {
	var b strings.Builder
	for i, s := range items {
		switch {
		case i > 0 && i == len(items)-1:
			b.WriteString(last)
		case i > 0:
			b.WriteString(", ")
		}
		b.WriteString(strings.TrimRight(w.clean.cut(s, 120), "."))
	}
	return b.String()
}

// day is t as an absolute date, seen from the receipt's moment.
func (w *writer) day(t time.Time) string { return w.lang.day(t, w.r.At, w.loc) }
