package rules

import (
	"strconv"
	"strings"
	"time"

	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/intent/act"
	"github.com/intentd/intentd/pipeline/memo"
)

// tongue is one language of the rules' texts. Templates hold slots, "{d}", and optional parts in square brackets, which are left out where one of
// their slots is empty. Alternatives stand on both sides of a bar: the first whose slots outside brackets are all filled is used.
//
// Slots: {p} product, {P} product in one word (for German compounds), {q} quantity, {t} deadline, {b} budget or sum, {o} the thing's own name,
// {x} a rival, {w} where something was left, {d} a date or dates ("19 Nov", "24 and 25 Nov"), {on} the same with its preposition, {s} the day
// since when nothing came, {n} a number in words, {c} a colleague, {e} the date of an event to come, {D} what a demo is called, {L} what an interface is
// asked to, {C} whom they chose, {U} until when it is put off, {g} whom or where it is for, {S} the product where it is
// counted, {B} where it is not, {F} "first" of a request that takes back an earlier one.
type tongue struct {
	german      bool
	months      [12]string // abbreviated
	monthsFull  [12]string
	numbers     [13]string
	open, close string // quotation marks
	and         string

	heads   map[act.Act]head
	clauses map[act.Act]string // what was done, for the summary
	many    map[act.Act]string // the same done several times: {n}
	was     map[act.Act]string // the act as a noun: "webinar", for what went before
	next    map[act.Act]steps
	request steps // of a request without steps of its own

	classes   map[intent.Class]string // {o} evidence, {x} rival, {d}
	negative  string                  // the next step of a negative class
	deadlines map[string]string
	left      map[string]string // names of steps and fields of forms

	silent, nothingSince, since string // of an aged headline
	back, first, noRequest      string
	newSince                    string
	nothingElse, openProduct    string
	noReply, noAnswer           string
	formText                    string
	invites, andRival           string
	uses, leaves                string
	budget, scope               string
	lessThan, moreThan          string
	colleagueAsked              string
	together, both              string // of two products: on one page, each by itself
	link, approved              string
	cancels, later              string // headlines: a customer who wants out, a reply that puts off
	weighs                      string
	twoPrices                   string

	within memo.Memo[string, string] // subjects as they stand within a sentence
}

// head is how an act leads: while it is fresh, from 14 days on, from 30 days on, after 90.
type head struct{ fresh, aged, old, gone string }

// steps are the next steps for an act of that age; low is what a low tier is offered instead of fresh, "" if that is the same.
type steps struct{ fresh, aged, old, gone, low string }

// slots fill a template, by the letter that names them.
type slots [128]string

// Slots whose names have more than a letter.
const (
	slotOn          = 1 + iota // {on}
	slotDative                 // {qd}: {q} in the dative
	slotOnSubjects             // {l2}: "zum Thema …"
	slotOnlyPage               // {one}: the same, if nothing else was read
	slotNothingMore            // {only}: nothing more is known
	slotTail                   // {tail}: what came before
)

// slotOf is the slot of that name.
func slotOf(name string) byte {
	switch name {
	case "on":
		return slotOn
	case "qd":
		return slotDative
	case "l2":
		return slotOnSubjects
	case "one":
		return slotOnlyPage
	case "only":
		return slotNothingMore
	case "tail":
		return slotTail
	}
	return name[0]
}

// fill writes the first alternative of template that has what it needs and that, with optional parts dropped from the last on, has at most
// limit characters. "" if none has.
func fill(template string, v *slots, limit int) string {
	var room [256]byte
	for template != "" {
		alternative, rest, _ := strings.Cut(template, "|")
		template = rest
		text, parts, ok := write(room[:0], alternative, v, len(alternative))
		for last := parts - 1; ok; last-- {
			if s := contracted(string(text)); runes(s) <= limit {
				return s
			}
			if last < 0 {
				break
			}
			text, _, _ = write(room[:0], alternative, v, last)
		}
	}
	return ""
}

// contract joins German prepositions with the articles of what fills the slot behind them.
var contract = strings.NewReplacer(" bei dem ", " beim ", " zu der ", " zur ", " zu dem ", " zum ")

func contracted(s string) string {
	if !strings.Contains(s, " de") {
		return s
	}
	return contract.Replace(s)
}

// write appends one alternative of a template to b, its optional parts only as far as they are among the first keep parts. It says how many
// parts there are that have what they need; ok is false if one that is not optional lacks it.
func write(b []byte, template string, v *slots, keep int) (text []byte, parts int, ok bool) {
	for template != "" {
		part, optional := template, template[0] == '['
		if optional {
			end := strings.IndexByte(template, ']')
			part, template = template[1:end], template[end+1:]
		} else {
			i := strings.IndexByte(template, '[')
			if i < 0 {
				i = len(template)
			}
			part, template = template[:i], template[i:]
		}
		longer, ok := put(b, part, v)
		switch {
		case !ok && !optional:
			return nil, 0, false
		case !ok:
			continue
		case !optional || parts < keep:
			b = longer
		}
		parts++
	}
	return b, parts, true
}

// put appends a part with its slots filled, unless one is empty.
func put(b []byte, part string, v *slots) ([]byte, bool) {
	for {
		i := strings.IndexByte(part, '{')
		if i < 0 {
			return append(b, part...), true
		}
		end := i + strings.IndexByte(part[i:], '}')
		value := v[slotOf(part[i+1:end])]
		if value == "" {
			return b, false
		}
		b = append(append(b, part[:i]...), value...)
		part = part[end+1:]
	}
}

// day writes a date the way reps read it, "19 Nov" or "19. Nov.", with the year where it is not that of now.
func (l *tongue) day(t, now time.Time) string {
	b := strconv.AppendInt(make([]byte, 0, 24), int64(t.Day()), 10)
	if l.german {
		b = append(b, '.')
	}
	b = append(append(b, ' '), l.months[t.Month()-1]...)
	if t.Year() != now.Year() {
		b = strconv.AppendInt(append(b, ' '), int64(t.Year()), 10)
	}
	return string(b)
}

// date writes a date that somebody typed.
func (l *tongue) date(w when, now time.Time) string {
	s := ""
	year := func() {
		if w.year != 0 && w.year != now.Year() {
			s += " " + strconv.Itoa(w.year)
		}
	}
	if w.quarter > 0 {
		s = "Q" + strconv.Itoa(w.quarter)
		year()
		return s
	}
	month := l.months[w.month-1]
	if w.day == 0 || w.full && !l.german {
		month = l.monthsFull[w.month-1]
	}
	if w.day > 0 {
		s = strconv.Itoa(w.day)
		if l.german {
			s += "."
		}
		if w.until > 0 {
			if l.german {
				s += " bis "
			} else {
				s += " to "
			}
			s += strconv.Itoa(w.until)
			if l.german {
				s += "."
			}
		}
		s += " "
	}
	s += month
	year()
	switch w.part {
	case "end":
		if l.german {
			return "Ende " + s
		}
		return "end of " + s
	case "mid":
		if l.german {
			return "Mitte " + s
		}
		return "mid-" + s
	case "early":
		if l.german {
			return "Anfang " + s
		}
		return "early " + s
	}
	return s
}

// deadline writes what somebody said about time: "live by 1 March", "due 11 Dec", "in February".
func (l *tongue) deadline(d deadline, now time.Time) string {
	w := l.date(d.when, now)
	prep := d.prep
	if prep == "" || prep == "on" && d.day == 0 {
		prep = "on"
		if d.day == 0 {
			prep = "in"
		}
	}
	if d.until > 0 {
		prep = "span"
	}
	key := d.what + " " + prep
	t, ok := l.deadlines[key]
	if !ok {
		t, ok = l.deadlines[d.what+" *"]
	}
	if !ok {
		t = l.deadlines[" "+prep]
	}
	if l.german && prep == "in" && d.part != "" {
		t = strings.Replace(t, "im {w}", "{w}", 1)
	}
	return strings.Replace(t, "{w}", w, 1)
}

// list joins with commas and a word before the last.
func (l *tongue) list(items []string) string {
	switch len(items) {
	case 0:
		return ""
	case 1:
		return items[0]
	}
	return strings.Join(items[:len(items)-1], ", ") + l.and + items[len(items)-1]
}

func (l *tongue) quoted(s string) string { return l.open + s + l.close }

func (l *tongue) number(n int) string {
	if n >= 0 && n < len(l.numbers) {
		return l.numbers[n]
	}
	return strconv.Itoa(n)
}
