package journey

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/score"
)

// count turns items into steps and names the signals among them.
func (b *Builder) count(s *scratch, j *Journey, in *Input) {
	if len(s.items) == 0 {
		return
	}
	voidMeetings(s)
	b.voidFooters(s)
	viewed := make([]bool, len(j.Sessions)) // sessions with a page view that counts
	signals := 0
	for i := range s.items {
		it := &s.items[i]
		d := b.decide(it, in.Customer)
		signals += d.views
		if d.typ != 0 || d.views > 0 {
			signals++
			if it.kind == connectors.KindPageView || d.proof && it.page != nil {
				viewed[it.session] = true
			}
			if d.open {
				s.opens[d.key] = int32(i)
			}
		}
		if it.kind == connectors.KindPageView && d.key != 0 {
			s.seen[inSession(d.key, it.session)^seenView] = int32(i)
		}
		s.decisions = append(s.decisions, d)
	}
	if signals > 0 {
		j.Signals = make([]Signal, 0, signals)
	}
	for i := range s.items {
		it, d := &s.items[i], &s.decisions[i]
		b.once(s, it, d, int32(i), viewed)
		b.addStep(j, it, d)
	}
	n := 0
	for i := range j.Sessions {
		for k := range j.Sessions[i].Steps {
			j.Sessions[i].Steps[k].ID = stepID(n)
			n++
		}
	}
}

// seenView tells views of a page from what counts in scratch.seen.
const seenView = 0xa5a5a5a5a5a5a5a5

func inSession(key uint64, session int32) uint64 {
	return key*0x9e3779b97f4a7c15 + uint64(session) + 1
}

// once takes back what counts only once, or not beside something else.
func (b *Builder) once(s *scratch, it *item, d *decision, i int32, viewed []bool) {
	switch {
	case d.typ == 0:
	case d.visit && viewed[it.session]:
		d.typ, d.why = 0, WhyRepeat
	case d.open:
		if s.opens[d.key] != i {
			d.typ, d.why = 0, WhyRepeat
		}
	case d.scope != perEvent:
		key := d.key*31 + uint64(d.typ)
		if d.scope == perSession {
			key = inSession(key, it.session)
		}
		_, repeat := s.seen[key]
		if d.proof {
			_, view := s.seen[inSession(d.key, it.session)^seenView]
			if repeat || view || it.page == nil && it.ev.PageTitle == "" && viewed[it.session] {
				d.typ, d.why = 0, WhyStep
				return
			}
		}
		if repeat {
			d.typ, d.why = 0, WhyRepeat
		} else {
			s.seen[key] = i
		}
	}
}

// addStep adds it to its session, and to the signals if it counts.
func (b *Builder) addStep(j *Journey, it *item, d *decision) {
	switch d.why {
	case "", WhyStep, WhyRepeat, WhyTeam, WhyTracker:
	default:
		j.leave(d.why, it.at)
	}
	session := &j.Sessions[it.session]
	session.Steps = session.Steps[:len(session.Steps)+1]
	step := &session.Steps[len(session.Steps)-1]
	b.clean(&step.Event, it)
	if step.Named = ""; it.kind != it.ev.Kind {
		step.Named = clean(it.ev.Kind, maxName)
	}
	step.Signal, step.Why, step.Context = -1, d.why, it.class == team
	step.Trusted = it.page != nil && it.page.path != "" && it.page.own
	if d.typ != 0 || d.views > 0 {
		step.Signal, step.Why = len(j.Signals), ""
	}
	j.fate(it, Fate{Signal: step.Signal + 1, Why: step.Why})
	at, ordinal := it.at.Unix(), uint16(min(int(it.session), math.MaxUint16))
	if d.typ != 0 {
		if d.unknown != "" {
			j.UnknownForms = append(j.UnknownForms, UnknownForm{d.unknown, it.id})
		}
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
	rule, topics := b.byRule(it, p, d.topics)
	switch {
	case rule == nil:
		d.topics = topics
	case rule.Ignore:
		return decision{why: WhyRule}
	default:
		if d.typ == 0 || d.proof {
			object := firstOf(p.object, clean(ev.Properties[connectors.PropForm], maxText), clean(it.kind, maxName))
			d = decision{object: object, title: p.short, product: p.product, flags: p.flags, key: sum(it.kind, object)}
		}
		d.typ, d.why, d.unknown, d.topics = rule.Signal, "", "", topics
		d.flags &^= score.Key // a page that a rule types is key only if the rule says so
		if rule.Key {
			d.flags |= score.Key
		}
		return b.ofCompany(it, d)
	}
	if d.typ == 0 && d.views == 0 {
		return d
	}
	if it.class == company && !news(d.typ) {
		return decision{why: WhyColleague}
	}
	if customer && d.proof {
		return decision{why: WhyStep}
	}
	if customer && (it.kind == connectors.KindPageView || it.kind == connectors.KindVisit || d.typ == score.WebVisit || d.typ == score.ContentView) {
		return decision{why: WhyCustomer}
	}
	return b.ofCompany(it, d)
}

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

// byKind says what an event is worth by its kind and its page.
func (b *Builder) byKind(it *item, p *page) decision {
	ev := it.ev
	d := decision{product: p.product, topics: p.topics, title: p.short}
	name := clean(ev.Properties[connectors.PropForm], maxText)
	switch it.kind {
	case connectors.KindPageView:
		return b.pageView(d, it, p)
	case connectors.KindClick, connectors.KindScroll, connectors.KindDwell, connectors.KindVideo, connectors.KindSearch:
		return b.proof(d, it, p)
	case connectors.KindVisit:
		if p.excluded {
			return decision{why: WhyExcluded}
		}
		d.typ, d.visit = score.WebVisit, true
		d.object = "visit " + it.at.UTC().Format("2006-01-02")
		d.key = sum("visit")
		return d

	case connectors.KindFormSubmit:
		return b.form(d, it, p)
	case connectors.KindDownload:
		file := clean(firstOf(ev.Properties["file"], ev.Properties["file_name"], ev.Properties["filename"], ev.Properties["asset"], ev.Properties["document"]), maxText)
		switch {
		case p.excluded:
			return decision{why: WhyExcluded}
		case b.c.forms.kind(formName(name)) == formExcluded:
			return decision{why: WhyForm}
		}
		d.typ = score.FormSubmit
		d = b.named(d, it, p, "download: ", firstOf(name, file, p.object, clean(ev.ElementText, maxText)))
		if name == "" && file == "" {
			d.title = p.short // nothing else says what it was
		}
		return d
	case connectors.KindTrial, connectors.KindSignUp:
		return b.trial(b.named(d, it, p, "trial: ", name), it)
	case connectors.KindPurchase:
		d.typ, d.flags = score.FormSubmit, d.flags|score.Key|score.Application
		return b.named(d, it, p, "order: ", firstOf(name, item0(ev)))
	case connectors.KindWebinar:
		d.typ = score.FormSubmit
		if name = firstOf(name, clean(firstOf(ev.Properties["webinar"], ev.Properties["title"], ev.Properties["name"]), maxText)); name == "" {
			name = p.short
		}
		return b.named(d, it, p, "webinar: ", name)
	case connectors.KindNewsletter:
		d.typ = score.EmailEngage
		return b.named(d, it, p, "newsletter: ", name)
	case connectors.KindDemoRequest, connectors.KindQuoteRequest, connectors.KindContactRequest:
		d.typ = score.HandRaise
		return b.named(d, it, p, strings.ReplaceAll(it.kind, "_", " ")+": ", name)

	case connectors.KindFormStart:
		switch {
		case p.excluded:
			return decision{why: WhyExcluded}
		case b.c.forms.kind(formName(name)) == formExcluded:
			return decision{why: WhyForm}
		}
		d.typ = score.WebVisit
		return b.named(d, it, p, "form begun: ", name)
	case connectors.KindCart, connectors.KindCheckout:
		d.typ, d.flags = score.ContentView, d.flags|score.ContractPage|score.Key
		return b.named(d, it, &noPage, it.kind+": ", firstOf(item0(ev), p.object))
	case connectors.KindCalculator:
		if p.excluded {
			return decision{why: WhyExcluded}
		}
		d.typ, d.flags = score.ContentView, d.flags|score.ContractPage|score.Key
		return b.named(d, it, p, "calculator: ", firstOf(p.object, item0(ev)))
	case connectors.KindChat, connectors.KindInvite:
		d.typ = score.WebVisit
		d.object, d.key = it.kind, sum(it.kind)
		return d
	case connectors.KindProductUse:
		d.typ = score.WebVisit
		return b.named(d, it, &noPage, "product: ", clean(firstOf(ev.Properties["feature"], ev.Properties["event"], ev.Properties["event_name"], ev.Properties["name"], ev.ElementText), maxText))
	case connectors.KindLogIn, connectors.KindIdentify, connectors.KindConsent, connectors.KindTracker:
		return decision{why: WhyTracker}
	}
	return b.byContact(d, it, p, name)
}

// byContact goes on with mails and meetings, and with signal types that events name.
func (b *Builder) byContact(d decision, it *item, p *page, name string) decision {
	ev := it.ev
	switch it.kind {
	case connectors.KindMeeting, connectors.KindBooking, connectors.KindMeetingCancelled, connectors.KindMeetingMissed:
		if why := firstOf(meeting(it.kind, ev.Properties), it.void); why != "" {
			return decision{why: why}
		}
		d.typ = score.HandRaise
		return b.named(d, it, &noPage, it.kind+": ", subject(ev))

	case connectors.KindEmailReply:
		if why := b.answer(ev); why != "" {
			return decision{why: why}
		}
		d.typ = score.HandRaise
		return b.named(d, it, &noPage, "reply: ", subject(ev))
	case connectors.KindAutoReply:
		return decision{why: WhyAutoReply}
	case connectors.KindBounce:
		return decision{why: WhyBounce}
	case connectors.KindUnsubscribe:
		return decision{why: WhyUnsubscribed}

	case connectors.KindEmailClick:
		if marked(ev) {
			return decision{why: WhyMachine}
		}
		if why := b.footerLink(it); why != "" {
			return decision{why: why}
		}
		d.typ = score.EmailEngage // the page it leads to is viewed for itself
		camp := clean(ev.Properties[connectors.PropCampaign], maxName)
		d.object = "mail click: " + firstOf(camp, p.object, subject(ev), "link")
		d.title = firstOf(camp, p.short)
		d.key = sum("click", camp, strconv.FormatUint(p.key, 36))
		return d

	case connectors.KindEmailOpen:
		if marked(ev) || it.agent.text == appleMail {
			return decision{why: WhyMachine}
		}
		camp := firstOf(clean(ev.Properties[connectors.PropCampaign], maxName), subject(ev))
		d.typ, d.flags, d.open = score.EmailEngage, score.NoRecency, true
		d.object, d.title = "mail open: "+firstOf(camp, "campaign unknown"), camp
		d.key = sum("open", camp)
		d.product, d.topics = 0, nil
		return d
	}
	typ, ok := score.ParseType(it.kind)
	if !ok {
		return decision{why: WhyUnknown, topics: p.topics}
	}
	if (typ == score.WebVisit || typ == score.ContentView || typ == score.FormSubmit) && p.excluded {
		return decision{why: WhyExcluded}
	}
	d.typ, d.flags = typ, p.flags
	d = b.named(d, it, p, strings.ReplaceAll(it.kind, "_", " ")+": ", firstOf(name, p.object, clean(ev.PageTitle, maxText), clean(ev.ElementText, maxText)))
	if it.class == company && d.scope == perSession {
		d.scope = perJourney // news are told by many
	}
	return d
}

// pageView says what the view of a page is worth; a counter's step stands for several.
func (b *Builder) pageView(d decision, it *item, p *page) decision {
	switch {
	case p.excluded, it.page != nil && it.page.excluded:
		return decision{why: WhyExcluded}
	case it.void != "":
		return decision{why: it.void}
	}
	n, counted := 0, false
	if text := it.ev.Properties[connectors.PropCount]; text != "" {
		var err error
		n, err = strconv.Atoi(text)
		counted = err == nil && n > 0
	}
	if counted {
		d.views = min(n, b.config.SummaryPages)
	}
	if p == &noPage {
		title := clean(it.ev.PageTitle, maxText)
		if counted {
			return d
		}
		d.typ, d.object, d.key = score.WebVisit, firstOf(title, "page"), sum("page", title)
		if it.page != nil && it.page.path == "" {
			d.flags = it.page.flags
			if it.page.content {
				d.typ = score.ContentView
			}
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
	return d
}

// proof says what a step on a page is worth where nothing else tells that the page was seen: a view of it.
func (b *Builder) proof(d decision, it *item, p *page) decision {
	if p.excluded || it.ev.Properties[connectors.PropSummary] == "true" || it.ev.Properties[connectors.PropCount] != "" {
		return decision{why: WhyStep}
	}
	d = b.pageView(d, it, p)
	d.proof = true
	if p == &noPage && it.kind == connectors.KindSearch && it.ev.PageTitle == "" {
		d.object, d.key = "search", sum("search") // something they did, wherever it was
	}
	return d
}

// byRule is the first rule of the config that types the event or ignores it, nil if none does; topics are have and those of all rules
// up to it.
func (b *Builder) byRule(it *item, p *page, have []string) (rule *Rule, topics []string) {
	topics = have
	for i := range b.config.Rules {
		r := &b.config.Rules[i]
		if !b.applies(r, b.c.ruleURLs[i], it, p) {
			continue
		}
		if r.Topic != "" {
			topics = addTopic(topics, r.Topic)
		}
		if r.Ignore || r.Signal != 0 {
			return r, topics
		}
	}
	return nil, topics
}

// RulesKind says whether a rule names events of a source by this kind or name.
func (b *Builder) RulesKind(kind, source string) bool {
	return slices.ContainsFunc(b.config.Rules, func(r Rule) bool {
		return (r.Source == "" || r.Source == source) && (r.Kind != "" && fits(r.Kind, kind) || r.Event != "" && fits(r.Event, kind))
	})
}

func (b *Builder) applies(r *Rule, url globs, it *item, p *page) bool {
	ev := it.ev
	if r.Kind != "" && !fits(r.Kind, ev.Kind) && !fits(r.Kind, it.kind) || r.Source != "" && r.Source != ev.Source {
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
