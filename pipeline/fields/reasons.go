package fields

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/intent/act"
	"github.com/intentd/intentd/pipeline/score"
)

// How many reasons are told on either side.
const (
	raisesMax = 4
	lowersMax = 3
)

// reasons tells what raises and what lowers, in words; the arithmetic, which adds up; and the rule that decided the tier, if one did.
func (w *writer) reasons() string {
	r, l := w.r, w.lang
	limit := w.o.length(connectors.FieldReasons)
	b := make([]byte, 0, 768)
	if !r.Parts.Known {
		b = append(b, l.rules[score.ByNothing]...)
		return shorten(string(w.marks(b)), limit)
	}
	if r.Settings.Additive != nil {
		b = w.learnedReasons(b)
	} else {
		b = w.formulaReasons(b)
	}
	if r.Rule == score.ByHandRaise {
		b = fill(b, l.bySevenDays, "days", strconv.Itoa(r.Settings.HandRaiseDays))
	}
	b = append(b, '.')
	if rule := w.rule(); rule != "" {
		b = append(append(b, '\n'), rule...)
	}
	return shorten(string(w.marks(b)), limit)
}

// formulaReasons are those of a score by the formula: what raised and lowered it, in words, and the sum of its three parts.
func (w *writer) formulaReasons(b []byte) []byte {
	l, p := w.lang, &w.r.Parts
	var room [16]group // more than most have
	groups := w.groups(room[:0])
	b = fill(b, l.raises, "list", w.list(w.raises(groups)))
	b = fill(append(b, '\n'), l.lowers, "list", w.list(w.lowers(groups)))
	b = append(b, '\n')
	return fill(b, l.sum, "volume", l.tenths(p.Volume.Contribution), "wv", l.points(p.Volume.Weight), "recency", l.tenths(p.Recency.Contribution), "wr", l.points(p.Recency.Weight),
		"topics", l.tenths(p.Topics.Contribution), "wt", l.points(p.Topics.Weight), "score", l.tenths(p.Score), "tier", w.tier())
}

// learnedReasons are those of a score by a learned model: what raises and lowers with its points, and the sum of them.
func (w *writer) learnedReasons(b []byte) []byte {
	r, l := w.r, w.lang
	up, down := 0, 0
	var raises, lowers []string
	for _, p := range LearnedParts(r, w.o.Language) {
		told := w.clean.cut(p.Name, 60)
		if p.Tenths > 0 {
			up += p.Tenths
			raises = append(raises, told+" +"+l.tenths(p.Tenths))
		} else {
			down += p.Tenths
			lowers = append(lowers, told+" "+l.tenths(p.Tenths))
		}
	}
	list := func(items []string, most int) string {
		if n := len(items) - most; n > 1 {
			items = append(items[:most:most], string(fill(nil, l.more, "n", strconv.Itoa(n))))
		}
		return w.list(items)
	}
	b = fill(b, l.raises, "list", list(raises, learnedMax))
	for _, m := range r.Intent.Marks {
		lowers = append(lowers[:min(len(lowers), learnedMax)], string(fill(nil, l.marks[m.What], "date", w.day(time.Unix(m.At, 0)))))
	}
	b = fill(append(b, '\n'), l.lowers, "list", list(lowers, learnedMax))
	b = append(b, '\n')
	cutOff := ""
	if r.Parts.Clamp != 0 {
		cutOff = string(fill(nil, l.cutOff, "points", l.signed(r.Parts.Clamp)))
	}
	return fill(b, l.learnedSum, "start", l.tenths(r.Parts.Offset), "up", l.tenths(up), "down", l.tenths(-down), "cut", cutOff, "score", l.tenths(r.Parts.Score), "tier", w.tier())
}

// learnedMax is how many parts are named on each side.
const learnedMax = 5

func (w *writer) tier() string {
	if int(w.r.Tier) < len(w.lang.tiers) {
		return w.lang.tiers[w.r.Tier]
	}
	return w.r.Tier.String()
}

// rule tells why the tier is not simply what the score says.
func (w *writer) rule() string {
	r, l, s := w.r, w.lang, &w.r.Settings
	if int(r.Tier) >= len(l.Tiers) {
		return ""
	}
	from := s.Medium
	if r.Tier == score.High {
		from = s.HighFrom(&r.Features)
	}
	b := fill(nil, l.rules[r.Rule], "Tier", l.Tiers[r.Tier], "below", l.points(from-s.Margin), "date", w.day(time.Unix(r.Features.AsideUntil, 0)), "verdict", l.verdict(r.Verdict))
	// Where high begins is told to whom it decides for: those who are high, or would be elsewhere.
	if c := &r.Features.Capacity; c.Cut > s.High && r.Parts.Score >= s.High-s.Margin && r.Rule != score.ByVerdict {
		whose := l.owners
		if len(c.Owners) == 0 {
			whose = l.nobodys
		}
		if len(b) > 0 {
			b = append(b, ' ')
		}
		b = fill(b, l.highFrom, "from", l.points(c.Cut), "whose", whose, "date", w.day(time.Unix(c.Since, 0)))
	}
	return string(b)
}

func (w *writer) list(items []string) string {
	if len(items) == 0 {
		return w.lang.nothingElse
	}
	return strings.TrimSuffix(strings.Join(items, "; "), ".")
}

// group is all signals of the window that were the same act.
type group struct {
	act           act.Act
	n             int
	strength      uint8
	first, newest int64
	days          []int64 // one moment of each day
}

// groups appends the counted signals by what they were, strongest and newest first.
func (w *writer) groups(groups []group) []group {
	for i := range w.r.Features.Signals {
		if !w.r.Counts(i) {
			continue
		}
		s := w.r.Features.Signals[i]
		act := w.lang.actOf(s, w.r.Line(i))
		k := slices.IndexFunc(groups, func(g group) bool { return g.act == act })
		if k < 0 {
			k = len(groups)
			groups = append(groups, group{act: act, first: s.At})
		}
		g := &groups[k]
		g.n++
		g.strength, g.newest = max(g.strength, s.Strength), max(g.newest, s.At)
		if n := len(g.days); n == 0 || !w.sameDay(g.days[n-1], s.At) {
			g.days = append(g.days, s.At)
		}
	}
	slices.SortStableFunc(groups, func(a, b group) int {
		if a.strength != b.strength {
			return int(b.strength) - int(a.strength)
		}
		return int(min(max(b.newest-a.newest, -1), 1))
	})
	return groups
}

func (w *writer) sameDay(a, b int64) bool {
	y1, m1, d1 := time.Unix(a, 0).In(w.loc).Date()
	y2, m2, d2 := time.Unix(b, 0).In(w.loc).Date()
	return d1 == d2 && m1 == m2 && y1 == y2
}

// raises are the strongest groups in words, and what they read that good customers read.
func (w *writer) raises(groups []group) []string {
	var out []string
	for i := range groups[:min(len(groups), raisesMax)] {
		out = append(out, w.told(&groups[i]))
	}
	for _, t := range w.r.Scoring() {
		if t.Points > 0 && len(out) < raisesMax {
			out = append(out, string(fill(nil, w.lang.reads, "topic", w.clean.cut(t.Name, 60))))
		}
	}
	return out
}

// told is one group: on one day, on several.
func (w *writer) told(g *group) string {
	t := w.lang.acts[g.act]
	template := t.one
	switch {
	case len(g.days) > 1:
		template = t.days
	case g.n > 1:
		template = t.many
	}
	return string(fill(nil, template, "date", w.day(time.Unix(g.newest, 0)), "on", w.on(g.days), "n", w.lang.number(g.n)))
}

// on are days with their preposition: "on 24 and 25 Nov", "on three days since 14 Nov".
func (w *writer) on(days []int64) string {
	if len(days) == 2 {
		a, b := time.Unix(days[0], 0).In(w.loc), time.Unix(days[1], 0).In(w.loc)
		first := w.day(a)
		if a.Month() == b.Month() && a.Year() == b.Year() {
			first = strconv.Itoa(a.Day()) + w.lang.dayEnd
		}
		return w.lang.onDay + " " + first + w.lang.and + w.day(b)
	}
	return string(fill(nil, w.lang.onDays, "n", w.lang.number(len(days)), "date", w.day(time.Unix(days[0], 0))))
}

// quietDays is from how many days on a silence is told.
const quietDays = 7

// lowers are what speaks against buying, what is missing, and the silence since the newest signal.
func (w *writer) lowers(groups []group) []string {
	r, l := w.r, w.lang
	var out []string
	add := func(template string, pairs ...string) {
		if template != "" && len(out) < lowersMax {
			out = append(out, string(fill(nil, template, pairs...)))
		}
	}
	if r.Parts.Signals == 0 {
		if r.Parts.Newest != 0 {
			add(l.sinceThen, "date", w.day(time.Unix(r.Parts.Newest, 0)))
		} else {
			add(l.cold, "days", strconv.Itoa(r.Settings.WindowDays))
		}
		return out
	}
	for _, m := range r.Intent.Marks {
		add(l.marks[m.What], "date", w.day(time.Unix(m.At, 0)))
	}
	if r.Parts.Newest != 0 && r.At.Unix()-r.Parts.Newest >= quietDays*86400 {
		add(l.sinceThen, "date", w.day(time.Unix(r.Parts.Newest, 0)))
	}
	for _, t := range r.Scoring() {
		if t.Points < 0 {
			add(l.reads, "topic", w.clean.cut(t.Name, 60))
		}
	}
	w.fewness(groups, add)
	return out
}

// fewness says how little there is: one page, mails only, no request.
func (w *writer) fewness(groups []group, add func(template string, pairs ...string)) {
	l := w.lang
	asked, clicked, read := false, false, 0
	for i := range groups {
		g := &groups[i]
		asked = asked || g.strength >= w.r.Settings.Strengths[score.HandRaise] && g.strength > 0
		switch g.act {
		case act.Click:
			clicked = true
		case act.Open, act.Newsletter, act.News:
		default:
			read += g.n
		}
	}
	switch {
	case read == 0 && len(groups) > 0 && groups[0].act == act.Open && !clicked:
		add(l.noClick)
	case read == 0:
		add(l.noVisit)
	case w.r.Intent.Class != "":
	case w.r.Parts.Signals == 1 && groups[0].act.Page():
		add(l.onePage)
	case w.r.Parts.Signals == 1:
		add(l.oneContact)
	case asked && w.r.Parts.Signals == 2:
		add(l.fewContacts)
	case !asked && len(w.r.Intent.Marks) == 0 && groups[0].strength >= w.r.Settings.Strengths[score.ContentView]:
		add(l.noRequest)
	}
}
