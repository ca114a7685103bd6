package intent

import (
	"fmt"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/pipeline/score"
)

var (
	berlin   = mustZone("Europe/Berlin")
	testNow  = time.Date(2026, 11, 20, 9, 0, 0, 0, berlin)
	products = []string{"Credit cards", "Business accounts", "Travel insurance"}
)

func mustZone(name string) *time.Location {
	l, err := time.LoadLocation(name)
	if err != nil {
		return time.FixedZone("CET", 3600)
	}
	return l
}

// ev is one event of a test journey.
type ev struct {
	at      string // "19 Nov 14:03"
	kind    string
	url     string
	title   string
	element string
	typ     score.Type // 0: no signal
	flags   score.Flag
	product uint8
	topics  []string
	props   map[string]string
	name    string // trusted title of the signal; default: title
	foreign bool
	context bool
	shot    string
	source  string
}

// strengths as SCORING has them.
var strengths = map[score.Type]uint8{
	score.HandRaise: 95, score.SocialAsk: 90, score.TechChange: 85, score.JobPosting: 80, score.Funding: 75,
	score.FormSubmit: 70, score.ContentView: 60, score.EmailEngage: 50, score.WebVisit: 40, score.SocialMention: 30,
}

// makeJourney cuts events (in order) into sessions of 30 minutes.
func makeJourney(key string, events ...ev) *journey.Journey {
	j := &journey.Journey{Key: key, Products: products, BySource: map[string]int{}}
	h := xxhash.New()
	recent := testNow.AddDate(0, 0, -30)
	var last time.Time
	for i, e := range events {
		layout, at := "2 Jan 15:04 2006", e.at+" 2026"
		if strings.Count(e.at, " ") == 3 {
			at = e.at
			layout = "2 Jan 2006 15:04"
		}
		t, err := time.ParseInLocation(layout, at, berlin)
		if err != nil {
			panic(err)
		}
		if len(j.Sessions) == 0 || t.Sub(last) > 30*time.Minute {
			j.Sessions = append(j.Sessions, journey.Session{ID: fmt.Sprintf("v%d", len(j.Sessions)+1), Start: t})
		}
		last = t
		s := &j.Sessions[len(j.Sessions)-1]
		s.End = t
		source := e.source
		if source == "" {
			source = "site"
		}
		st := journey.Step{
			ID: fmt.Sprintf("s%d", i+1), Signal: -1, Trusted: !e.foreign, Context: e.context,
			Event: connectors.Event{
				ID: fmt.Sprintf("%s-e%d", key, i+1), Source: source, Time: t, Kind: e.kind, URL: e.url, PageTitle: e.title, ElementText: e.element, Properties: e.props, Screenshot: e.shot,
			},
		}
		_, _ = h.WriteString(fmt.Sprint(st.Event))
		if e.typ != 0 {
			sig := journey.Signal{EventID: st.Event.ID, Object: e.url, Title: e.name, Topics: e.topics}
			if sig.Title == "" && !e.foreign {
				sig.Title = e.title
			}
			if strings.HasPrefix(e.url, "https://example.com") {
				sig.Object = strings.TrimPrefix(e.url, "https://example.com")
			}
			sig.Signal = score.Signal{At: t.Unix(), Session: uint16(len(j.Sessions) - 1), Type: e.typ, Strength: strengths[e.typ], Product: e.product, Flags: e.flags}
			st.Signal = len(j.Signals)
			j.Signals = append(j.Signals, sig)
		}
		s.Steps = append(s.Steps, st)
		j.BySource[source]++
		j.Newest = t
	}
	j.Recent = len(j.Sessions)
	for i := len(j.Sessions) - 1; i >= 0 && !j.Sessions[i].End.Before(recent); i-- {
		j.Recent = i
	}
	if len(events) > 0 {
		j.Hash = h.Sum64()
	}
	return j
}

func view(at, path, title string, product uint8, flags score.Flag) ev {
	typ := score.WebVisit
	if flags&(score.PricePage|score.Comparison|score.ContractPage) != 0 {
		typ = score.ContentView
	}
	return ev{at: at, kind: "page_view", url: "https://example.com" + path, title: title, typ: typ, product: product, flags: flags}
}

// typical are journeys as reps meet them.
var typical = []struct {
	name   string
	events []ev
}{
	{"demo", []ev{
		view("3 Nov 10:00", "/", "Home | Example", 0, 0),
		view("3 Nov 10:02", "/cards", "Credit cards | Example", 1, score.ProductPage),
		view("12 Nov 16:00", "/compare/acme", "ACME comparison | Example", 1, score.Comparison),
		view("19 Nov 09:00", "/pricing", "Pricing | Example", 1, score.PricePage),
		{at: "19 Nov 09:04", kind: "click", url: "https://example.com/pricing", title: "Pricing | Example", element: "Book a demo"},
		{at: "19 Nov 09:06", kind: "demo_request", url: "https://example.com/demo", title: "Book a demo | Example", typ: score.HandRaise, product: 1, name: "Book a demo", props: map[string]string{"form": "Book a demo", "message": "We need 40 cards by March", "email": "ann@customer.example"}},
	}},
	{"one_page_view", []ev{view("18 Nov 10:00", "/blog/fees", "What fees cost you | Example", 0, 0)}},
	{"pricing_twice", []ev{
		view("10 Nov 10:00", "/pricing", "Pricing | Example", 1, score.PricePage),
		view("18 Nov 11:00", "/pricing", "Pricing | Example", 1, score.PricePage),
		view("18 Nov 11:05", "/cards/gold", "Gold card | Example", 1, score.ProductPage),
	}},
	{"email_opens_only", []ev{
		{at: "2 Nov 10:00", kind: "email_open", typ: score.EmailEngage, flags: score.NoRecency, name: "Autumn news"},
		{at: "9 Nov 10:00", kind: "email_open", typ: score.EmailEngage, flags: score.NoRecency, name: "Card offer"},
	}},
	{"crm_summary", []ev{
		{at: "12 Nov 10:00", kind: "email_click", typ: score.EmailEngage, foreign: true},
		{at: "18 Nov 10:00", kind: "page_view", typ: score.WebVisit, foreign: true, props: map[string]string{"count": "14"}},
		{at: "18 Nov 10:00", kind: "visit", foreign: true, props: map[string]string{"count": "3"}},
	}},
	{"contact_form", []ev{
		view("17 Nov 10:00", "/insurance", "Travel insurance | Example", 3, score.ProductPage),
		{at: "17 Nov 10:10", kind: "form_submit", url: "https://example.com/contact", title: "Contact | Example", typ: score.HandRaise, name: "Contact us"},
	}},
	{"download_and_click", []ev{
		{at: "5 Nov 08:00", kind: "email_click", url: "https://example.com/guide", typ: score.EmailEngage, name: "Buyer's guide mail"},
		{at: "5 Nov 08:01", kind: "download", url: "https://example.com/guide.pdf", title: "Buyer's guide", typ: score.FormSubmit, product: 2, topics: []string{"business banking", "fees"}},
		{at: "9 Nov 08:00", kind: "email_click", url: "https://example.com/accounts", typ: score.EmailEngage, name: "Accounts mail"},
		view("9 Nov 08:02", "/accounts", "Business accounts | Example", 2, score.ProductPage),
	}},
	{"back_after_silence", []ev{
		view("1 Sep 08:00", "/insurance", "Travel insurance | Example", 3, score.ProductPage),
		view("15 Nov 08:00", "/insurance/terms", "Terms of insurance | Example", 3, score.ContractPage),
		view("15 Nov 08:20", "/compare/insurers", "Insurers compared | Example", 3, score.Comparison),
	}},
	{"long_ago", []ev{
		view("2 Mar 2026 08:00", "/cards", "Credit cards | Example", 1, score.ProductPage),
		view("4 Mar 2026 08:00", "/pricing", "Pricing | Example", 1, score.PricePage),
	}},
	{"company_news", []ev{
		{at: "6 Nov 08:00", kind: "funding", typ: score.Funding, flags: score.Company | score.NoRecency, foreign: true},
		{at: "7 Nov 08:00", kind: "job_posting", typ: score.JobPosting, flags: score.Company | score.NoRecency, foreign: true},
	}},
	{"meeting_and_reply", []ev{
		view("10 Nov 08:00", "/accounts", "Business accounts | Example", 2, score.ProductPage),
		{at: "11 Nov 09:00", kind: "email_reply", typ: score.HandRaise, foreign: true},
		{at: "12 Nov 09:00", kind: "meeting", typ: score.HandRaise, foreign: true},
		{at: "12 Nov 12:00", kind: "team_activity", context: true, foreign: true},
		{at: "13 Nov 08:00", kind: "tech_change", typ: score.TechChange, flags: score.Company | score.NoRecency, foreign: true},
	}},
	{"trial_last_year", []ev{
		{at: "12 Dec 2025 09:00", kind: "trial", url: "https://example.com/trial", title: "Start a trial", typ: score.HandRaise, product: 2},
	}},
	{"long_titles", []ev{
		view("14 Nov 08:00", "/study", "How a manufacturer of extraordinarily long product names halved the time its travellers wait", 2, score.Comparison),
		view("14 Nov 08:05", "/evil", "Win at evil-prizes.com now", 0, 0),
	}},
}
