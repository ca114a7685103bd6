package journey

import (
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/identity"
	"github.com/intentd/intentd/pipeline/score"
)

// Signal is a counted event with what a rep and the topic matcher want to know of it.
type Signal struct {
	score.Signal
	EventID string
	Object  string   // what it was about, normalised: "/pricing", "form: Contact us", "campaign: Spring"
	Title   string   // the trusted title: of the customer's own page, the form, the campaign; "" if untrusted
	Topics  []string // topics from trusted places only (config mappings, catalogue, own titles)
}

// Step is one event of the journey after cleaning. ID is unique within the journey and short ("s12"): it is what models cite.
type Step struct {
	ID      string
	Event   connectors.Event // cleaned: no IP, query parameters dropped, control characters stripped, texts cut
	Signal  int              // index into Journey.Signals, −1 if it does not count
	Why     string           // why it does not count, as the Why… constants tell
	Trusted bool             // URL and title are of the customer's own hosts
	Context bool             // what the own team did
	Named   string           // what the source calls the event, where that is not Event.Kind
}

// Session is a visit: steps without a pause longer than the configured gap, in order.
type Session struct {
	ID         string
	Source     string
	Start, End time.Time
	Campaign   string
	Steps      []Step
}

// UnknownForm is a form that was sent and whose name no list has a word for and no rule fits.
type UnknownForm struct{ Name, EventID string }

// Journey is one person's stitched past, oldest first. Sessions from Recent on form the recent window; those before are history.
type Journey struct {
	Key                   string
	Sessions              []Session
	Recent                int      // index of the first session that ends in the recent window; len(Sessions) if none
	Signals               []Signal // ordered by time; in and beyond the score window
	Products              []string // the configured catalogue, as score.Features.Products
	Filtered              Filtered
	LeftOut               []LeftOut      // what did not count and why, the newest first
	UnknownForms          []UnknownForm  // sent, and counted as form_submit for want of anything that knows them
	BySource              map[string]int // accepted events by source
	Hash                  uint64         // over the accepted events, independent of arrival order; 0 if none
	Newest                time.Time      // of the accepted events
	Withdrawn             time.Time      // when the person last withdrew their consent, by a CRM's record now; zero: never
	UserIDs, AnonymousIDs []string       // identifiers seen, within the identity guards
	Fates                 []Fate         // by Input.Events, if Input.Fates asked for it

	steps []Step // those of all sessions, where they can be used again
}

// Input is what one journey is built from.
type Input struct {
	// Person's user and anonymous ids are in the stored form of package identity: with their spaces, where those are known.
	Person connectors.Person
	// Nobodys are identifiers that more than one person holds: they say nothing for this one.
	Nobodys  []identity.ID
	Customer bool // by the CRM's lifecycle: visits do not count
	// Consent is what the CRM's records say: ConsentDenied ends the journey, ConsentGranted stands for events that say nothing of consent.
	Consent string
	// Events are the person's, Company those of the company's domain. Funding and job postings are of the company in
	// either list, and so are a tech change that names no person, and what names nobody but a company (connectors.PropCompany).
	Events, Company []connectors.Event
	Now             time.Time
	// Fates asks for Journey.Fates: what became of each of Events.
	Fates bool
}

// What is said of consent.
const (
	ConsentGranted = "granted"
	ConsentDenied  = "denied"
)

// LeftOut is how many events of a journey did not count for one reason, and when the last of them happened.
type LeftOut struct {
	Why  string    `json:"why"`
	N    int       `json:"n"`
	Last time.Time `json:"last"`
}

// Filtered counts the events that were left out, by reason. Those of Customer and Excluded stay in the journey as steps that
// do not count; all others are gone. Journey.LeftOut tells of further reasons, and when, but not of Duplicates and Outside, which
// depend on how often and how far back a source tells.
type Filtered struct {
	Duplicates int // told again under the same id
	Bots       int // crawlers and tools, and bursts of more events a minute than a person makes
	Machines   int // mail scanners with the pages they open, and monitoring
	Internal   int // own staff
	NoConsent  int
	Customer   int // visits of existing customers
	Excluded   int // pages and forms of careers, login, support, legal, press, suppliers
	Sensitive  int // pages that tell of health, belief, politics, union or sex life
	Outside    int // older than the history that is kept, not yet happened, or without a time
	Foreign    int // somebody else's, by the identity guards
}

// Fate is what became of one event.
type Fate struct {
	Signal int    // index into Journey.Signals + 1; 0: it does not count …
	Why    string // … for this reason; "": nothing that could have counted
	Gone   bool   // it is no step of the journey either
}
