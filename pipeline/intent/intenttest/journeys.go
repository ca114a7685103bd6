package intenttest

import (
	"fmt"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/pipeline/score"
)

// What all journeys have in common: a zone, a moment to read them at, a catalogue.
var (
	Berlin   = mustZone("Europe/Berlin")
	Now      = time.Date(2026, 11, 20, 9, 0, 0, 0, Berlin)
	Products = []string{"Credit cards", "Business accounts", "Travel insurance"}
)

func mustZone(name string) *time.Location {
	l, err := time.LoadLocation(name)
	if err != nil {
		return time.FixedZone("CET", 3600)
	}
	return l
}

// Event is one event of a test journey.
type Event struct {
	At      string // "19 Nov 14:03"
	Kind    string
	URL     string
	Title   string
	Element string
	Type    score.Type // 0: no signal
	Flags   score.Flag
	Product uint8
	Topics  []string
	Props   map[string]string
	Name    string // trusted title of the signal; default: title
	Foreign bool
	context bool
	Shot    string
	Source  string
}

// Strengths of the signals of a type.
var Strengths = map[score.Type]uint8{
	score.HandRaise: 95, score.SocialAsk: 90, score.TechChange: 85, score.JobPosting: 80, score.Funding: 75,
	score.FormSubmit: 70, score.ContentView: 60, score.EmailEngage: 50, score.WebVisit: 40, score.SocialMention: 30,
}

// Journey cuts events (in order) into sessions of 30 minutes.
func Journey(key string, events ...Event) *journey.Journey {
	j := &journey.Journey{Key: key, Products: Products, BySource: map[string]int{}}
	h := xxhash.New()
	recent := Now.AddDate(0, 0, -30)
	var last time.Time
	for i, e := range events {
		layout, at := "2 Jan 15:04 2006", e.At+" 2026"
		if strings.Count(e.At, " ") == 3 {
			at = e.At
			layout = "2 Jan 2006 15:04"
		}
		t, err := time.ParseInLocation(layout, at, Berlin)
		if err != nil {
			panic(err)
		}
		if len(j.Sessions) == 0 || t.Sub(last) > 30*time.Minute {
			j.Sessions = append(j.Sessions, journey.Session{ID: fmt.Sprintf("v%d", len(j.Sessions)+1), Start: t})
		}
		last = t
		s := &j.Sessions[len(j.Sessions)-1]
		s.End = t
		source := e.Source
		if source == "" {
			source = "site"
		}
		st := journey.Step{
			ID: fmt.Sprintf("s%d", i+1), Signal: -1, Trusted: !e.Foreign, Context: e.context,
			Event: connectors.Event{
				ID: fmt.Sprintf("%s-e%d", key, i+1), Source: source, Time: t, Kind: e.Kind, URL: e.URL, PageTitle: e.Title, ElementText: e.Element, Properties: e.Props, Screenshot: e.Shot,
			},
		}
		_, _ = h.WriteString(fmt.Sprint(st.Event))
		if e.Type != 0 {
			sig := journey.Signal{EventID: st.Event.ID, Object: e.URL, Title: e.Name, Topics: e.Topics}
			if sig.Title == "" && !e.Foreign {
				sig.Title = e.Title
			}
			if strings.HasPrefix(e.URL, "https://example.com") {
				sig.Object = strings.TrimPrefix(e.URL, "https://example.com")
			}
			sig.Signal = score.Signal{At: t.Unix(), Session: uint16(len(j.Sessions) - 1), Type: e.Type, Strength: Strengths[e.Type], Product: e.Product, Flags: e.Flags}
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

func View(at, path, title string, product uint8, flags score.Flag) Event {
	typ := score.WebVisit
	if flags&(score.PricePage|score.Comparison|score.ContractPage) != 0 {
		typ = score.ContentView
	}
	return Event{At: at, Kind: "page_view", URL: "https://example.com" + path, Title: title, Type: typ, Product: product, Flags: flags}
}

// Typical are journeys as reps meet them.
var Typical = []struct {
	Name   string
	Events []Event
}{
	{"demo", []Event{
		View("3 Nov 10:00", "/", "Home | Example", 0, 0),
		View("3 Nov 10:02", "/cards", "Credit cards | Example", 1, score.ProductPage),
		View("12 Nov 16:00", "/compare/acme", "ACME comparison | Example", 1, score.Comparison),
		View("19 Nov 09:00", "/pricing", "Pricing | Example", 1, score.PricePage),
		{At: "19 Nov 09:04", Kind: "click", URL: "https://example.com/pricing", Title: "Pricing | Example", Element: "Book a demo"},
		{At: "19 Nov 09:06", Kind: "demo_request", URL: "https://example.com/demo", Title: "Book a demo | Example", Type: score.HandRaise, Product: 1, Name: "Book a demo", Props: map[string]string{"form": "Book a demo", "message": "We need 40 cards by March", "email": "ann@customer.example"}},
	}},
	{"one_page_view", []Event{View("18 Nov 10:00", "/blog/fees", "What fees cost you | Example", 0, 0)}},
	{"pricing_twice", []Event{
		View("10 Nov 10:00", "/pricing", "Pricing | Example", 1, score.PricePage),
		View("18 Nov 11:00", "/pricing", "Pricing | Example", 1, score.PricePage),
		View("18 Nov 11:05", "/cards/gold", "Gold card | Example", 1, score.ProductPage),
	}},
	{"email_opens_only", []Event{
		{At: "2 Nov 10:00", Kind: "email_open", Type: score.EmailEngage, Flags: score.NoRecency, Name: "Autumn news"},
		{At: "9 Nov 10:00", Kind: "email_open", Type: score.EmailEngage, Flags: score.NoRecency, Name: "Card offer"},
	}},
	{"crm_summary", []Event{
		{At: "12 Nov 10:00", Kind: "email_click", Type: score.EmailEngage, Foreign: true},
		{At: "18 Nov 10:00", Kind: "page_view", Type: score.WebVisit, Foreign: true, Props: map[string]string{"count": "14"}},
		{At: "18 Nov 10:00", Kind: "visit", Foreign: true, Props: map[string]string{"count": "3"}},
	}},
	{"contact_form", []Event{
		View("17 Nov 10:00", "/insurance", "Travel insurance | Example", 3, score.ProductPage),
		{At: "17 Nov 10:10", Kind: "form_submit", URL: "https://example.com/contact", Title: "Contact | Example", Type: score.HandRaise, Name: "Contact us"},
	}},
	{"download_and_click", []Event{
		{At: "5 Nov 08:00", Kind: "email_click", URL: "https://example.com/guide", Type: score.EmailEngage, Name: "Buyer's guide mail"},
		{At: "5 Nov 08:01", Kind: "download", URL: "https://example.com/guide.pdf", Title: "Buyer's guide", Type: score.FormSubmit, Product: 2, Topics: []string{"business banking", "fees"}},
		{At: "9 Nov 08:00", Kind: "email_click", URL: "https://example.com/accounts", Type: score.EmailEngage, Name: "Accounts mail"},
		View("9 Nov 08:02", "/accounts", "Business accounts | Example", 2, score.ProductPage),
	}},
	{"back_after_silence", []Event{
		View("1 Sep 08:00", "/insurance", "Travel insurance | Example", 3, score.ProductPage),
		View("15 Nov 08:00", "/insurance/terms", "Terms of insurance | Example", 3, score.ContractPage),
		View("15 Nov 08:20", "/compare/insurers", "Insurers compared | Example", 3, score.Comparison),
	}},
	{"long_ago", []Event{
		View("2 Mar 2026 08:00", "/cards", "Credit cards | Example", 1, score.ProductPage),
		View("4 Mar 2026 08:00", "/pricing", "Pricing | Example", 1, score.PricePage),
	}},
	{"company_news", []Event{
		{At: "6 Nov 08:00", Kind: "funding", Type: score.Funding, Flags: score.Company | score.NoRecency, Foreign: true},
		{At: "7 Nov 08:00", Kind: "job_posting", Type: score.JobPosting, Flags: score.Company | score.NoRecency, Foreign: true},
	}},
	{"meeting_and_reply", []Event{
		View("10 Nov 08:00", "/accounts", "Business accounts | Example", 2, score.ProductPage),
		{At: "11 Nov 09:00", Kind: "email_reply", Type: score.HandRaise, Foreign: true},
		{At: "12 Nov 09:00", Kind: "meeting", Type: score.HandRaise, Foreign: true},
		{At: "12 Nov 12:00", Kind: "team_activity", context: true, Foreign: true},
		{At: "13 Nov 08:00", Kind: "tech_change", Type: score.TechChange, Flags: score.Company | score.NoRecency, Foreign: true},
	}},
	{"trial_last_year", []Event{
		{At: "12 Dec 2025 09:00", Kind: "trial", URL: "https://example.com/trial", Title: "Start a trial", Type: score.HandRaise, Product: 2},
	}},
	{"long_titles", []Event{
		View("14 Nov 08:00", "/study", "How a manufacturer of extraordinarily long product names halved the time its travellers wait", 2, score.Comparison),
		View("14 Nov 08:05", "/evil", "Win at evil-prizes.com now", 0, 0),
	}},
}
