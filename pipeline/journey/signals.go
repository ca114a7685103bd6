package journey

import (
	"math"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/score"
)

// Why a step does not count, as Step.Why tells it.
const (
	WhyExcluded = "excluded page" // careers, login, support, legal, unsubscribe
	WhyCustomer = "existing customer"
	WhyStep     = "step only" // clicks, scrolls, searches
	WhyRepeat   = "repeat"    // the same again in the session, or of the campaign
	WhyMachine  = "opened by a machine"
	WhyTeam     = "own team"
	WhyRule     = "ignored by a rule"
	WhyUnknown  = "no rule for this kind"
	WhyTold     = "told by another source"
	// WhyColleague is what somebody of the company did: known of the company, it is no news of it.
	WhyColleague = "somebody else of the company"
)

// scope is within what something counts once.
type scope uint8

const (
	perSession scope = iota
	perJourney
	perEvent
)

// decision is what an event is worth before repeats are known.
type decision struct {
	typ     score.Type // 0: it does not count
	flags   score.Flag
	scope   scope
	visit   bool // a visit of which only the fact is known: nothing beside page views
	open    bool // of equals the newest counts
	views   int  // page views beside it of which only the number is known
	product uint8
	key     uint64 // of the object
	object  string
	title   string
	topics  []string
	why     string
}

// count turns items into steps and names the signals among them.
func (b *Builder) count(s *scratch, j *Journey, in *Input) {
	if len(s.items) == 0 {
		return
	}
	viewed := make([]bool, len(j.Sessions)) // sessions with a page view that counts
	signals := 0
	for i := range s.items {
		it := &s.items[i]
		d := b.decide(it, in.Customer)
		signals += d.views
		if d.typ != 0 || d.views > 0 {
			signals++
			if it.ev.Kind == connectors.KindPageView {
				viewed[it.session] = true
			}
			if d.open {
				s.opens[d.key] = int32(i)
			}
		}
		s.decisions = append(s.decisions, d)
	}
	if signals > 0 {
		j.Signals = make([]Signal, 0, signals)
	}
	for i := range s.items {
		it, d := &s.items[i], &s.decisions[i]
		switch {
		case d.typ == 0:
		case d.visit && viewed[it.session]:
			d.typ, d.why = 0, WhyRepeat
		case d.open:
			if s.opens[d.key] != int32(i) {
				d.typ, d.why = 0, WhyRepeat
			}
		case d.scope != perEvent:
			key := d.key*31 + uint64(d.typ)
			if d.scope == perSession {
				key = key*0x9e3779b97f4a7c15 + uint64(it.session) + 1
			}
			if _, repeat := s.seen[key]; repeat {
				d.typ, d.why = 0, WhyRepeat
			} else {
				s.seen[key] = int32(i)
			}
		}
		switch d.why {
		case WhyExcluded:
			j.Filtered.Excluded++
		case WhyCustomer:
			j.Filtered.Customer++
		}
		session := &j.Sessions[it.session]
		session.Steps = session.Steps[:len(session.Steps)+1]
		step := &session.Steps[len(session.Steps)-1]
		b.clean(&step.Event, it)
		step.Signal, step.Why, step.Context = -1, d.why, it.class == team
		step.Trusted = it.page != nil && it.page.path != "" && it.page.own
		if d.typ != 0 || d.views > 0 {
			step.Signal, step.Why = len(j.Signals), ""
		}
		at, ordinal := it.at.Unix(), uint16(min(int(it.session), math.MaxUint16))
		if d.typ != 0 {
			j.Signals = append(j.Signals, Signal{
				Signal:  score.Signal{At: at, Session: ordinal, Type: d.typ, Strength: b.config.Strengths[d.typ], Product: d.product, Flags: d.flags},
				EventID: it.id, Object: d.object, Title: d.title, Topics: d.topics,
			})
		}
		for range d.views {
			j.Signals = append(j.Signals, Signal{
				Signal:  score.Signal{At: at, Session: ordinal, Type: score.WebVisit, Strength: b.config.Strengths[score.WebVisit]},
				EventID: it.id, Object: "page views " + it.at.UTC().Format("2006-01-02"),
			})
		}
	}
	n := 0
	for i := range j.Sessions {
		for k := range j.Sessions[i].Steps {
			j.Sessions[i].Steps[k].ID = stepID(n)
			n++
		}
	}
}

// decide says what an event is worth by itself. The first rule of the config that types or ignores it decides; otherwise its
// kind and its page do.
func (b *Builder) decide(it *item, customer bool) decision {
	ev := it.ev
	if it.class == team {
		return decision{why: WhyTeam}
	}
	if it.told {
		return decision{why: WhyTold}
	}
	p := it.page
	if p == nil || p.path == "" {
		p = &noPage
	}
	d := b.byKind(it, p)
	if ruled, topics, ignore := b.byRule(it, p, d.topics); ignore {
		return decision{why: WhyRule}
	} else {
		d.topics = topics
		if ruled != 0 {
			if d.typ == 0 {
				object := firstOf(p.object, clean(ev.Properties[connectors.PropForm], maxText), clean(ev.Kind, maxName))
				d = decision{object: object, title: p.short, topics: topics, product: p.product, flags: p.flags, key: sum(ev.Kind, object)}
			}
			d.typ, d.why = ruled, ""
			return b.ofCompany(it, d)
		}
	}
	if d.typ == 0 && d.views == 0 {
		return d
	}
	if it.class == company && !news(d.typ) {
		return decision{why: WhyColleague}
	}
	if customer && (ev.Kind == connectors.KindPageView || ev.Kind == connectors.KindVisit || d.typ == score.WebVisit || d.typ == score.ContentView) {
		return decision{why: WhyCustomer}
	}
	return b.ofCompany(it, d)
}

// noPage stands in for the page of an event that has none.
var noPage page

// ofCompany marks what is known of a company: it counts only beside a signal of the person's own.
func (b *Builder) ofCompany(it *item, d decision) decision {
	if it.class == company {
		d.flags = score.Company | score.NoRecency
	}
	return d
}

// news says whether t is what may be known of a company rather than of a person.
func news(t score.Type) bool {
	switch t {
	case score.SocialAsk, score.TechChange, score.JobPosting, score.Funding, score.SocialMention:
		return true
	}
	return false
}

func (b *Builder) byKind(it *item, p *page) decision {
	ev := it.ev
	d := decision{product: p.product, topics: p.topics, title: p.short}
	form := clean(ev.Properties[connectors.PropForm], maxText)
	switch ev.Kind {
	case connectors.KindClick, connectors.KindScroll, connectors.KindSearch:
		return decision{why: WhyStep}

	case connectors.KindPageView:
		if p.excluded {
			return decision{why: WhyExcluded}
		}
		n, counted := 0, false
		if text := ev.Properties[connectors.PropCount]; text != "" {
			var err error
			n, err = strconv.Atoi(text)
			counted = err == nil && n > 0
		}
		if counted {
			d.views = min(n, b.config.SummaryPages)
		}
		if p == &noPage {
			if title := clean(ev.PageTitle, maxText); !counted {
				d.typ, d.object, d.key = score.WebVisit, firstOf(title, "page"), sum("page", title)
			}
			return d
		}
		if counted {
			d.views-- // the page is one of them
		}
		d.typ, d.flags, d.key, d.object = score.WebVisit, p.flags, p.key, p.object
		if p.content {
			d.typ = score.ContentView
		}

	case connectors.KindVisit:
		if p.excluded {
			return decision{why: WhyExcluded}
		}
		d.typ, d.visit = score.WebVisit, true
		d.object = "visit " + it.at.UTC().Format("2006-01-02")
		d.key = sum("visit")

	case connectors.KindFormSubmit, connectors.KindDownload, connectors.KindTrial:
		text := words(form)
		if form == "" {
			text = p.words
		}
		if ev.Kind != connectors.KindTrial && (p.excluded || anyIn(b.c.excludeForms, text)) {
			return decision{why: WhyExcluded}
		}
		d.typ = score.FormSubmit
		what := "form: "
		switch {
		case ev.Kind == connectors.KindTrial:
			d.flags |= score.Key
			what = "trial: "
		case ev.Kind == connectors.KindDownload:
			what = "download: "
			form = firstOf(form, p.object, clean(ev.ElementText, maxText))
		case anyIn(b.c.application, text):
			d.flags |= score.Application | score.Key
		case anyIn(b.c.handRaise, text):
			d.typ = score.HandRaise
		}
		d = nameObject(d, it, p, what, form)

	case connectors.KindDemoRequest:
		d.typ = score.HandRaise
		d = nameObject(d, it, p, "demo request: ", form)

	case connectors.KindEmailReply:
		d.typ = score.HandRaise
		d = nameObject(d, it, &noPage, "reply: ", subject(ev))

	case connectors.KindMeeting:
		d.typ = score.HandRaise
		d = nameObject(d, it, &noPage, "meeting: ", subject(ev))

	case connectors.KindEmailClick:
		if ev.Properties[connectors.PropMachine] == "true" {
			return decision{why: WhyMachine}
		}
		d.typ = score.EmailEngage // the page it leads to is viewed for itself
		camp := clean(ev.Properties[connectors.PropCampaign], maxName)
		d.object = "mail click: " + firstOf(camp, p.object, subject(ev), "link")
		d.title = firstOf(camp, p.short)
		d.key = sum("click", camp, strconv.FormatUint(p.key, 36))

	case connectors.KindEmailOpen:
		if ev.Properties[connectors.PropMachine] == "true" {
			return decision{why: WhyMachine}
		}
		camp := firstOf(clean(ev.Properties[connectors.PropCampaign], maxName), subject(ev))
		d.typ, d.flags, d.open = score.EmailEngage, score.NoRecency, true
		d.object, d.title = "mail open: "+firstOf(camp, "campaign unknown"), camp
		d.key = sum("open", camp)
		d.product, d.topics = 0, nil

	default:
		typ, ok := score.ParseType(ev.Kind)
		if !ok {
			return decision{why: WhyUnknown, topics: p.topics}
		}
		if (typ == score.WebVisit || typ == score.ContentView || typ == score.FormSubmit) && p.excluded {
			return decision{why: WhyExcluded}
		}
		d.typ, d.flags = typ, p.flags
		d = nameObject(d, it, p, strings.ReplaceAll(ev.Kind, "_", " ")+": ", firstOf(form, p.object, clean(ev.PageTitle, maxText), clean(ev.ElementText, maxText)))
		if it.class == company && d.scope == perSession {
			d.scope = perJourney // news are told by many
		}
	}
	return d
}

// nameObject gives something done its object: by its name, else by its page; what has neither counts by itself.
func nameObject(d decision, it *item, p *page, what, name string) decision {
	if name == "" {
		name = p.object
	}
	if name == "" {
		d.scope = perEvent
		d.object = strings.TrimSuffix(what, ": ")
		return d
	}
	d.object = cut(what+name, maxText)
	d.key = sum(what, strings.ToLower(name))
	if d.title == "" && (p.own || p == &noPage) && it.ev.Properties[connectors.PropForm] != "" {
		d.title = name
	}
	return d
}

// subject is what a mail or meeting is about.
func subject(ev *connectors.Event) string {
	return firstOf(clean(ev.Properties["subject"], maxText), clean(ev.Properties["title"], maxText), clean(ev.PageTitle, maxText))
}

func firstOf(s ...string) string {
	for _, v := range s {
		if v != "" {
			return v
		}
	}
	return ""
}

func sum(parts ...string) uint64 {
	var buf [256]byte
	return xxhash.Sum64(appendAll(buf[:0], parts...))
}

// byRule looks the event up in the rules of the config.
func (b *Builder) byRule(it *item, p *page, have []string) (typ score.Type, topics []string, ignore bool) {
	topics = have
	for i := range b.config.Rules {
		r := &b.config.Rules[i]
		if !b.applies(r, b.c.ruleURLs[i], it, p) {
			continue
		}
		if r.Topic != "" {
			topics = addTopic(topics, r.Topic)
		}
		if r.Ignore {
			return 0, nil, true
		}
		if r.Signal != 0 {
			return r.Signal, topics, false
		}
	}
	return 0, topics, false
}

func (b *Builder) applies(r *Rule, url globs, it *item, p *page) bool {
	ev := it.ev
	fits := func(pattern, s string) bool {
		return wildcard(strings.ToLower(pattern), strings.ToLower(s))
	}
	if r.Kind != "" && !fits(r.Kind, ev.Kind) || r.Source != "" && r.Source != ev.Source {
		return false
	}
	if r.Form != "" && !fits(r.Form, ev.Properties[connectors.PropForm]) {
		return false
	}
	if r.URL != "" && (!p.typed || p.path == "" || !url.match(p.segs)) {
		return false
	}
	if r.Event == "" {
		return true
	}
	for _, name := range []string{ev.Kind, ev.Properties["event"], ev.Properties["event_name"], ev.Properties["name"]} {
		if name != "" && fits(r.Event, name) {
			return true
		}
	}
	return false
}
