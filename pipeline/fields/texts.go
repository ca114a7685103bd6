package fields

import (
	"strconv"
	"strings"
	"time"

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

// headline is the engine's line: engines see to it that its first 60 characters stand alone. Without one it is what the person did
// last, which is shorter than that.
func (w *writer) headline() string {
	limit := w.o.length(connectors.FieldHeadline)
	if !w.r.Parts.Known {
		return shorten(w.lang.nothing, limit)
	}
	text := w.shown(w.r.Intent.Headline)
	if text == "" {
		text = w.last()
	}
	return shorten(text, limit)
}

// last is what the person did last, in one short sentence.
func (w *writer) last() string {
	r := w.r
	best := -1
	for i := range r.Features.Signals {
		if s := &r.Features.Signals[i]; s.At <= r.At.Unix() && s.Flags&score.NoRecency == 0 && (best < 0 || s.At >= r.Features.Signals[best].At) {
			best = i
		}
	}
	if best < 0 {
		return w.lang.opensOnly
	}
	s := r.Features.Signals[best]
	what := w.lang.nameOf(s, r.Line(best).Kind).one
	var buf [96]byte
	return string(fill(buf[:0], w.lang.lead, "what", what, "date", w.day(time.Unix(s.At, 0))))
}

// shown is a sentence as a rep may see it, "" if it rests on nothing.
func (w *writer) shown(s intent.Sentence) string {
	if len(s.Cites) == 0 {
		return ""
	}
	return w.clean.line(s.Text)
}

// summary tells what they did and want, the next step, and when it cools. The frame's own lines are kept whole: where the field is too
// short, the engine's sentences give way.
func (w *writer) summary() string {
	limit := w.o.length(connectors.FieldSummary)
	if !w.r.Parts.Known {
		return shorten(w.lang.nothing, limit)
	}
	var told strings.Builder
	for i := range w.r.Intent.Sentences {
		if s := w.shown(w.r.Intent.Sentences[i]); s != "" {
			if told.Len() > 0 {
				told.WriteByte(' ')
			}
			told.WriteString(s)
		}
	}
	if told.Len() == 0 {
		told.WriteString(w.last())
	}
	b := make([]byte, 0, 512)
	if next := w.shown(w.r.Intent.NextStep); next != "" {
		b = fill(append(b, '\n'), w.lang.nextStep, "text", shorten(next, max(limit/4, 40)))
	}
	if s := w.outlook(); s != "" {
		b = append(append(b, '\n'), s...)
	}
	b = w.marks(b)
	frame := string(b)
	return shorten(strings.TrimLeft(shorten(told.String(), limit-units(frame))+frame, "\n"), limit)
}

// outlook says how long the tier lasts.
func (w *writer) outlook() string {
	var buf [128]byte
	switch r := w.r; {
	case !r.Forecast.CoolsOn.IsZero() && int(r.Tier) < len(w.lang.tiers):
		return string(fill(buf[:0], w.lang.stays, "tier", w.lang.tiers[r.Tier], "date", w.day(r.Forecast.CoolsOn)))
	case r.Parts.Signals == 0 && r.Parts.Newest != 0:
		return string(fill(buf[:0], w.lang.cold, "date", w.day(time.Unix(r.Parts.Newest, 0)), "days", strconv.Itoa(r.Settings.WindowDays)))
	}
	return ""
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

// reasons lists the parts that add up to the score, the rule of the tier, what was counted, and the marks.
func (w *writer) reasons() string {
	r, l := w.r, w.lang
	limit := w.o.length(connectors.FieldReasons)
	b := make([]byte, 0, 768)
	if !r.Parts.Known {
		b = append(b, l.rules[score.ByNothing]...)
		return shorten(string(w.marks(b)), limit)
	}
	b = w.part(b, l.volume, r.Parts.Volume, w.volumeWhy())
	b = w.part(b, l.recency, r.Parts.Recency, w.recencyWhy())
	b = w.part(b, l.topics, r.Parts.Topics, w.topicsWhy())
	b = fill(b, l.sum, "score", l.tenths(r.Parts.Score))
	b = append(b, '\n')
	b = w.rule(b)
	if list := w.counted(); list != "" {
		b = fill(append(b, '\n'), l.countedAre, "list", list)
	}
	return shorten(string(w.marks(b)), limit)
}

func (w *writer) part(b []byte, template string, p score.Part, why string) []byte {
	return fill(b, template, "points", w.lang.tenths(p.Contribution), "of", w.lang.points(p.Weight), "why", why)
}

func (w *writer) volumeWhy() string {
	days := strconv.Itoa(w.r.Settings.WindowDays)
	var buf, buf2 [64]byte
	if w.r.Parts.Signals == 0 {
		return string(fill(buf[:0], w.lang.noSignals, "days", days))
	}
	signals := string(fill(buf2[:0], w.lang.signals.of(w.r.Parts.Signals), "n", strconv.Itoa(w.r.Parts.Signals)))
	return string(fill(buf[:0], w.lang.inDays, "signals", signals, "days", days))
}

func (w *writer) recencyWhy() string {
	if w.r.Parts.Newest == 0 {
		return w.lang.neverRecent
	}
	var buf [64]byte
	return string(fill(buf[:0], w.lang.lastSignal, "date", w.day(time.Unix(w.r.Parts.Newest, 0))))
}

func (w *writer) topicsWhy() string {
	r := w.r
	i := r.Strongest()
	if r.Parts.Signals == 0 || i < 0 {
		var buf [64]byte
		return string(fill(buf[:0], w.lang.noSignals, "days", strconv.Itoa(r.Settings.WindowDays)))
	}
	b := make([]byte, 0, 160)
	b = append(b, w.lang.nameOf(r.Features.Signals[i], r.Line(i).Kind).one...)
	b = strconv.AppendInt(append(b, ' '), int64(r.Parts.Base), 10)
	sum := 0
	for _, t := range r.Scoring() {
		sum += int(t.Points)
		b = append(append(append(b, ", "...), w.clean.cut(t.Name, 60)...), ' ')
		b = signed(b, int(t.Points))
	}
	var buf [16]byte
	if sum != r.Parts.Bonus {
		b = fill(append(b, ", "...), w.lang.heldTo, "points", string(signed(buf[:0], r.Parts.Bonus)))
	}
	if r.Parts.Interest != 0 {
		b = fill(append(b, ", "...), w.lang.interest, "points", string(signed(buf[:0], r.Parts.Interest)))
	}
	return string(b)
}

// rule tells why the tier is what it is.
func (w *writer) rule(b []byte) []byte {
	r, l, s := w.r, w.lang, &w.r.Settings
	if int(r.Tier) >= len(l.tiers) {
		return b
	}
	from := s.Medium
	if r.Tier == score.High {
		from = s.High
	}
	template, date, raised := l.rules[r.Rule], "", l.raised[""]
	if r.Rule == score.ByHandRaise {
		i := r.Raised()
		if i < 0 {
			template = "" // the signal itself is lost: the thresholds remain true
		} else {
			date = w.day(time.Unix(r.Features.Signals[i].At, 0))
			if s, ok := l.raised[r.Line(i).Kind]; ok {
				raised = s
			}
		}
	}
	if template == "" {
		template = l.threshold[r.Tier]
	}
	return fill(b, template, "Tier", l.Tiers[r.Tier], "tier", l.tiers[r.Tier], "score", l.tenths(r.Parts.Score), "medium", l.points(s.Medium), "high", l.points(s.High),
		"below", l.points(from-s.Margin), "date", date, "raised", raised, "days", strconv.Itoa(s.HandRaiseDays))
}

// counted lists the signals of the window by what a rep calls them, strongest first: "2 demo requests, 5 page views".
func (w *writer) counted() string {
	type group struct {
		name     noun
		n        int
		strength uint8
	}
	var groups [24]group
	met := 0
	for i := range w.r.Features.Signals {
		if !w.r.Counts(i) {
			continue
		}
		s := w.r.Features.Signals[i]
		name := w.lang.nameOf(s, w.r.Line(i).Kind)
		k := 0
		for k < met && groups[k].name != name {
			k++
		}
		if k == len(groups) {
			continue
		}
		if k == met {
			met++
			groups[k].name = name
		}
		groups[k].n++
		groups[k].strength = max(groups[k].strength, s.Strength)
	}
	b := make([]byte, 0, 160)
	for range met {
		best := -1
		for k := range groups[:met] {
			if groups[k].n > 0 && (best < 0 || groups[k].strength > groups[best].strength ||
				groups[k].strength == groups[best].strength && groups[k].n > groups[best].n) {
				best = k
			}
		}
		if len(b) > 0 {
			b = append(b, ", "...)
		}
		b = strconv.AppendInt(b, int64(groups[best].n), 10)
		b = append(append(b, ' '), groups[best].name.of(groups[best].n)...)
		groups[best].n = 0
	}
	return string(b)
}

// day is t as an absolute date, seen from the receipt's moment.
func (w *writer) day(t time.Time) string { return w.lang.day(t, w.r.At, w.loc) }

func signed(b []byte, n int) []byte {
	if n < 0 {
		return strconv.AppendInt(append(b, "−"...), int64(-n), 10)
	}
	return strconv.AppendInt(append(b, '+'), int64(n), 10)
}
