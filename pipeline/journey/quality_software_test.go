package journey_test

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/jsonl"
)

// The world of software: a service that people try and order by themselves, told in native records of the Segment specification, which
// are written and read as they are. A state says what somebody does next. Who buys has tried it with colleagues, or talked to sales;
// many try it and do not. Machines, staff and customers use the same site.

// softwareMixes differ in how many try without a purpose, how many of them look at prices, and whether authors compare.
var softwareMixes = []mix{
	softwareMix("software, kind", 5, 0, 0, 0.85, 0.85),
	softwareMix("software, curious triers", 5, 0.25, 1, 0.6, 0.83),
	softwareMix("software, hard triers", 15, 0.25, 1, 0.4, 0.8),
}

func softwareMix(name string, triers, curious, authors, precision, recall float64) mix {
	return mix{name, map[string]float64{
		buyer: 5, "trier": triers, "reader": 45 - triers, "developer": 15, "customer": 12, "attendee": 8, "machine": 6, "staff": 2, "author": authors, "job seeker": 3, "scanned": 3,
	}, map[string]func(*lead){
		buyer: (*lead).team, "trier": func(l *lead) { l.trier(curious) }, "reader": (*lead).blogReader, "developer": (*lead).developer, "customer": (*lead).subscribed, "attendee": (*lead).attendee, "machine": (*lead).machine,
		"staff": (*lead).staff, "author": (*lead).author, "job seeker": (*lead).jobHunter, "scanned": (*lead).gateway,
	}, "cloud.example", 1, (*lead).segment, precision, recall}
}

// consent is what everybody gave before anything was counted.
var consent = map[string]any{"categoryPreferences": map[string]any{"Analytics": true}}

// segment writes what happened as Segment does, by an anonymous id until somebody signs up and by a user id from then on, and reads it.
func (l *lead) segment() {
	if len(l.events) == 0 {
		return
	}
	var b bytes.Buffer
	anon, user, agent := "anon-7", "user-7", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15"
	l.person = connectors.Person{Emails: []string{"someone@firm.example"}, UserIDs: []string{user}, AnonymousIDs: []string{anon}}
	if l.habit == "staff" {
		l.person.Emails[0] = "someone@" + l.host
	}
	for i, e := range l.events {
		if e.UserAgent != "" {
			agent = e.UserAgent
		}
		record := map[string]any{
			"messageId": "ajs-" + strconv.Itoa(i), "anonymousId": anon, "timestamp": e.Time.Format(time.RFC3339Nano), "receivedAt": e.Time.Add(time.Second).Format(time.RFC3339Nano),
			"context": map[string]any{"page": map[string]any{"url": e.URL}, "userAgent": agent, "consent": consent}, "properties": e.Properties,
		}
		if e.Kind == "page" {
			record["type"] = "page"
		} else {
			record["type"], record["event"], record["userId"] = "track", e.Kind, user
		}
		line, err := json.Marshal(record)
		if err != nil {
			panic(err)
		}
		b.Write(append(line, '\n'))
	}
	j, err := jsonl.ReadJourney(&b, l.start)
	if err != nil || len(j.Unreadable) > 0 {
		panic("the world's own records are not read")
	}
	l.events = j.Events
	for i := range l.events {
		l.events[i].Source = "segment"
	}
}

// session is pages one after the other, some read twice.
func (l *lead) session(day float64, pages ...string) {
	for _, page := range pages {
		for range 1 + l.r.IntN(2) {
			l.at(day, "page", page)
			day += l.between(8, 200) / 86400
		}
	}
}

// use is a day with the product.
func (l *lead) use(day float64) {
	l.at(day, "Signed In", "/login")
	for range 1 + l.r.IntN(4) {
		l.at(day, "Feature Used", "/app/board", "feature", l.entry("board", "report", "automation"))
		day += l.between(60, 900) / 86400
	}
}

// tries begins a trial and uses it on so many days; the first day out of it.
func (l *lead) tries(day float64, days int) float64 {
	l.session(day, l.entry("/", "/product", "/blog/boards"), "/signup")
	l.at(day+0.02, "Signed Up", "/signup")
	l.at(day+0.021, "Trial Started", "/app/welcome")
	for range days {
		l.use(day + 0.03)
		day += l.between(0.5, 3)
	}
	return day
}

// team is a firm that buys.
func (l *lead) team() {
	begin := l.between(30, 80)
	if l.chance(0.55) { // by itself
		day := l.tries(begin, 2+l.r.IntN(5))
		if l.chance(0.7) {
			l.at(day, "Invite Sent", "/app/people")
		}
		if l.chance(0.8) {
			l.session(day+0.1, "/Pricing/", l.entry("/compare/cards", "/security", "/pricing#faq"))
		}
		if l.chance(0.6) {
			l.at(day+1, "Checkout Started", "/app/upgrade")
		}
		l.decides = day + l.between(1, 6)
		return
	}
	l.session(begin, "/", "/enterprise")
	l.session(begin+l.between(1, 8), l.entry("/customers/bank", "/security/sso", "/integrations"), "/pricing?utm_source=google")
	asks := begin + l.between(8, 20)
	l.session(asks, "/enterprise", "/contact-sales")
	switch way := l.r.Float64(); {
	case way < 0.4:
		l.at(asks+0.01, "Demo Requested", "/contact-sales")
	case way < 0.6:
		l.at(asks+0.01, "Form Submitted", "/contact-sales", "form_name", "Talk to sales")
	case way < 0.75:
		l.at(asks+0.01, "calendly.event_scheduled", "/contact-sales")
	}
	l.decides = asks + l.between(2, 25)
}

func (l *lead) trier(curious float64) {
	day := l.tries(l.between(0, 90), l.r.IntN(3))
	if l.chance(curious) {
		l.session(day+0.1, "/pricing")
	}
}

func (l *lead) blogReader() {
	for range 1 + l.r.IntN(3) {
		l.session(l.between(0, simulated), l.entry("/blog/boards", "/blog/build-vs-buy", "/blog/pricing-your-service", "/", "/blog/okr"))
	}
	if l.chance(0.15) {
		l.at(l.between(0, simulated), l.entry("Newsletter Subscribed", "Form Submitted", "Subscribed to Blog"), "/blog/okr", "form_name", "Blog subscription")
	}
}

// developer lives in the documentation.
func (l *lead) developer() {
	for day := l.between(0, 30); day < simulated; day += l.between(10, 40) {
		l.session(day, "/docs/api/auth", l.entry("/docs/api/billing", "/docs/webhooks", "/docs/limits-and-pricing", "/changelog"), "/docs/sdk")
		if l.chance(0.2) {
			l.at(day, "API Key Created", "/app/settings/keys")
		}
	}
}

// subscribed pays already. The CRM does not know that of all.
func (l *lead) subscribed() {
	l.customer = l.chance(0.85)
	for day := l.between(0, 5); day < simulated; day += l.between(6, 20) {
		l.use(day)
		if l.chance(0.05) {
			l.session(day, "/app/settings/billing", "/account/plan")
		}
		if l.chance(0.05) {
			l.at(day, "Support Form Submitted", "/contact-support")
		}
	}
}

// attendee comes for talks.
func (l *lead) attendee() {
	day := l.between(0, simulated-30)
	l.session(day, "/webinars/boards-in-practice")
	l.at(day+0.01, "Webinar Registered", "/webinars/boards-in-practice", "webinar", "Boards in practice")
	if l.chance(0.5) {
		l.at(day+7, "Webinar Attended", "", "webinar", "Boards in practice")
		l.session(day+7.1, "/", "/product")
	} else {
		l.at(day+7, "Webinar No-Show", "")
	}
}

// machine is a crawler, a monitor, or an agency's check of every link.
func (l *lead) machine() {
	switch l.r.IntN(3) {
	case 0:
		for day := l.between(0, 10); day < simulated; day += l.between(5, 20) {
			l.session(day, "/pricing", "/compare/cards", "/customers/bank")
		}
		l.events[0].UserAgent = l.entry("Mozilla/5.0 (compatible; Linkwatch/1.0)", "RankingSpider 2", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/126.0.0.0 Safari/537.36")
	case 1:
		for day := l.between(0, 60); day < 64; day += 1.0 / 24 {
			l.at(day+l.r.Float64()/86400, "page", l.entry("/pricing"))
		}
	default:
		for day := l.between(0, 30); day < simulated; day += 30 {
			for i := range 30 {
				l.at(day+float64(i)*0.3/86400, "page", l.entry("/pricing", "/compare/cards", "/enterprise")+"/"+strconv.Itoa(i))
			}
		}
	}
}

func (l *lead) staff() {
	for range 20 {
		l.session(l.between(0, simulated), "/pricing", "/contact-sales", "/compare/cards")
	}
}

// author compares products for an article, and buys none.
func (l *lead) author() {
	day := l.between(0, simulated-10)
	l.session(day, "/pricing", "/compare/cards", "/compare/lists")
	l.session(day+2, "/customers/bank", "/pricing")
}

func (l *lead) jobHunter() {
	day := l.between(0, simulated-10)
	l.session(day, "/", "/careers", "/careers/engineer")
	l.at(day+0.05, "Form Submitted", "/careers/engineer", "form_name", "Apply for this job")
}

// gateway opens all links of each mail before its reader does.
func (l *lead) gateway() {
	for day := l.between(0, 20); day < simulated; day += l.between(10, 25) {
		for i, path := range []string{"/pricing", "/compare/cards", "/unsubscribe"}[:2+l.r.IntN(2)] {
			at := day + float64(i)*l.between(0.1, 0.9)/86400
			l.at(at, "Email Link Clicked", path, connectors.PropCampaign, "m"+strconv.Itoa(int(day)))
			l.at(at+0.5/86400, "page", path)
		}
	}
}
