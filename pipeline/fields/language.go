package fields

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/intent/act"
	"github.com/intentd/intentd/pipeline/receipt"
	"github.com/intentd/intentd/pipeline/score"
)

// language is the table of everything the frame says. "{name}" stands for what is filled in.
type language struct {
	months         [13]string // by time.Month
	date, dateYear string     // {d} {m} {y}
	decimal        byte
	and            string

	tiers [score.High + 1]string           // in the middle of a sentence
	Tiers [score.High + 1]string           // at its beginning
	acts  map[act.Act]naming               // what signals were
	types [score.SocialMention + 1]act.Act // what a signal was, by its type alone
	marks map[intent.MarkKind]string       // {date}

	// Headline and summary.
	nothing     string
	nextStep    string // {text}
	stale       string // {sources}
	degraded    string // {reasons}
	provisional string

	// Reasons.
	raises, lowers string               // {list}
	nothingElse    string               // nothing raises, or lowers
	reads          string               // {topic}: a topic of the config that is for or against buying
	sum            string               // {volume} {recency} {topics} with {wv} {wr} {wt}, {score}, {tier}
	learnedSum     string               // of a learned score: {start} {up} {down} {cut} {score} {tier}
	cutOff         string               // {points}: what keeps it within 0 and 100
	more           string               // {n} further ones
	features       map[string][2]string // by fact: what they did, and that they did not; of the stage {stage}
	profiles       map[string][2]string // what the CRM says, by kind of property: {word}; and that it says nothing; "" any other, {name}
	wordOfCRM      string               // {name}: a word of the CRM that is no number
	bands          map[string]string    // words of numbers, as package profile has them
	stages         map[string]string
	pagesBelow     string // {name}
	noPagesBelow   string // {name}
	quoted         string // {name}
	without        string // {what}
	bySevenDays    string // behind the tier: {days}
	sinceThen      string // {date}: nothing since
	neverCame      string
	onePage        string
	oneContact     string
	fewContacts    string
	noRequest      string
	noClick        string
	noVisit        string
	cold           string                // {days}
	rules          map[score.Rule]string // {Tier} {below}; ByVerdict: {date} {verdict}
	highFrom       string                // {from} {whose} {date}
	owners         string                // whose: those of an owner …
	nobodys        string                // … and of nobody
	verdicts       map[string]string
	numbers        [13]string
	dayEnd         string // behind a day without its month
	onDay          string // before dates
	onDays         string // {n} {date}
}

// naming is how an act stands in a list of reasons: once; on several days, of which {on} tells; several times on one day.
type naming struct{ one, days, many string }

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

// actOf is what a signal was: as its line says, or in receipts of earlier releases by kind, page and type.
func (l *language) actOf(s score.Signal, line receipt.SignalLine) act.Act {
	if line.Act != "" {
		return line.Act
	}
	switch line.Kind {
	case connectors.KindPageView, connectors.KindVisit, "":
		switch {
		case s.Flags&score.PricePage != 0:
			return act.Price
		case s.Flags&score.ContractPage != 0:
			return act.Terms
		case s.Flags&score.Comparison != 0:
			return act.Compare
		case s.Flags&score.ProductPage != 0:
			return act.Product
		}
	case connectors.KindDemoRequest:
		return act.Demo
	case connectors.KindMeeting:
		return act.Meeting
	case connectors.KindEmailReply:
		return act.Reply
	case connectors.KindEmailOpen:
		return act.Open
	case connectors.KindDownload:
		return act.Download
	case connectors.KindTrial:
		return act.Trial
	}
	if int(s.Type) < len(l.types) {
		return l.types[s.Type]
	}
	return act.Read
}

// verdict is a rep's verdict in words.
func (l *language) verdict(v string) string {
	return cmp.Or(l.verdicts[v], strings.ReplaceAll(v, "_", " "))
}

// number writes small numbers in words.
func (l *language) number(n int) string {
	if n > 0 && n < len(l.numbers) {
		return l.numbers[n]
	}
	return strconv.Itoa(n)
}
