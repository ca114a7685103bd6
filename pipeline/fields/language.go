package fields

import (
	"strconv"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/score"
)

// language is the table of everything the frame says. "{name}" stands for what is filled in.
type language struct {
	months         [13]string // by time.Month
	date, dateYear string     // {d} {m} {y}
	decimal        byte
	and            string

	tiers  [score.High + 1]string // in the middle of a sentence
	Tiers  [score.High + 1]string // at its beginning
	kinds  map[string]noun        // of events whose kind says more than the signal's type
	types  [score.SocialMention + 1]noun
	pages  pages
	raised map[string]string // what a hand-raise was: "they …", by kind of event; "" for all others

	// Headline and summary.
	lead       string // {what} {date}: stands alone
	nothing    string
	nextStep   string // {text}
	stays      string // {tier} {date}
	cold       string // {date} {days}
	stale      string // {sources}
	degraded   string // {reasons}
	opensOnly  string
	countedAre string // {list}

	// Reasons.
	volume, recency, topics string // {points} {of} {why}
	sum                     string // {score}
	signals                 noun   // "signal", with {n}
	inDays                  string // {signals} {days}
	noSignals               string // {days}
	lastSignal              string // {date}
	neverRecent             string
	heldTo                  string // {points}: topic points beyond their bound
	interest                string // {points}
	rules                   map[score.Rule]string
	threshold               [score.High + 1]string // {medium} {high}
}

// noun is a word in singular and plural.
type noun struct{ one, many string }

func (n noun) of(count int) string {
	if count == 1 {
		return n.one
	}
	return n.many
}

// pages are views of pages whose role is known.
type pages struct{ price, contract, comparison, product noun }

var languages = map[string]*language{"en": &english, "de": &german}

func languageOf(name string) *language {
	if l, ok := languages[name]; ok {
		return l
	}
	return &english
}

// fill replaces each {key} of template by the value behind it in pairs and appends the result to b.
func fill(b []byte, template string, pairs ...string) []byte {
	for {
		open := strings.IndexByte(template, '{')
		if open < 0 {
			return append(b, template...)
		}
		end := open + strings.IndexByte(template[open:], '}')
		b = append(b, template[:open]...)
		for i := 0; i+1 < len(pairs); i += 2 {
			if pairs[i] == template[open+1:end] {
				b = append(b, pairs[i+1]...)
				break
			}
		}
		template = template[end+1:]
	}
}

// day writes t as a date in the language, with its year where that is not the year of ref.
func (l *language) day(t, ref time.Time, loc *time.Location) string {
	t, ref = t.In(loc), ref.In(loc)
	form := l.date
	year := ""
	if t.Year() != ref.Year() {
		form, year = l.dateYear, strconv.Itoa(t.Year())
	}
	var buf [40]byte
	return string(fill(buf[:0], form, "d", strconv.Itoa(t.Day()), "m", l.months[t.Month()], "y", year))
}

// tenths writes n tenths with one decimal.
func (l *language) tenths(n int) string {
	var buf [12]byte
	b := buf[:0]
	if n < 0 {
		b, n = append(b, "−"...), -n
	}
	b = strconv.AppendInt(b, int64(n/10), 10)
	return string(append(b, l.decimal, byte('0'+n%10)))
}

// points writes n tenths, without a decimal where it is 0.
func (l *language) points(n int) string {
	if n%10 == 0 {
		return strconv.Itoa(n / 10)
	}
	return l.tenths(n)
}

// nameOf is what a rep calls a signal.
func (l *language) nameOf(s score.Signal, kind string) noun {
	switch kind {
	case connectors.KindPageView, connectors.KindVisit, "":
		switch {
		case s.Flags&score.PricePage != 0:
			return l.pages.price
		case s.Flags&score.ContractPage != 0:
			return l.pages.contract
		case s.Flags&score.Comparison != 0:
			return l.pages.comparison
		case s.Flags&score.ProductPage != 0:
			return l.pages.product
		}
	}
	if n, ok := l.kinds[kind]; ok {
		return n
	}
	if int(s.Type) < len(l.types) {
		return l.types[s.Type]
	}
	return l.types[score.WebVisit]
}
