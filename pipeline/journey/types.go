package journey

import (
	"time"

	"github.com/intentd/intentd/connectors"
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
