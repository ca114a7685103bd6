package connectors

import (
	"regexp"
	"time"
)

// Person says whom a Source is asked about, or whom it saw. Key is the host's key of the person: opaque to sources, which repeat
// it in Event.Person; it is empty in what Active returns.
type Person struct {
	Key                                   string
	Emails, Phones, UserIDs, AnonymousIDs []string
	Domain                                string // company domain, for company-level signals
	Refs                                  []Ref  // the person's CRM records, for sources that live in a CRM
	// Why says of AnonymousIDs, by value, why they are theirs, where the source knows more than that it saw them together.
	Why map[string]string
	// CanWait is the word of Active that all they did is of the kind that can wait a while for more of it: they asked for nothing, and
	// were known before.
	CanWait bool
}

// Event is one thing that happened, as a source tells it. Text fields are untrusted.
type Event struct {
	ID, Source string
	// Time is when it happened, Received when the source took it in (zero if the source does not tell).
	Time, Received time.Time
	// Kind is one of the Kind… constants, or a signal type of the score ("hand_raise" …), or the vendor's own name, which EventKind
	// reads.
	Kind string
	// Person is the key of the person asked about, where the source knows it.
	Person                                                    string
	Email, Phone, UserID, AnonymousID, Session, UserAgent, IP string
	URL, PageTitle, ElementText, ElementID, Referrer          string
	// Proposed says that UserID, Email and Phone are what a visitor says of themselves, which anybody can say: they identify nobody by
	// themselves. Who the event is of, its AnonymousID alone tells.
	Proposed bool
	// Screenshot is a file name below screenshots.dir; set by local sources only.
	Screenshot string
	// Consent is "", "granted" or "denied"; events that deny it are dropped, but for one of kind consent, which withdraws it: see Withdraws.
	Consent    string
	Properties map[string]string
}

// Nameless says that the event names nobody: it has a device at most.
func (e *Event) Nameless() bool { return e.UserID == "" && e.Email == "" && e.Phone == "" }

// OfNobody says that the event has not even a device.
func (e *Event) OfNobody() bool { return e.AnonymousID == "" && e.Nameless() }

// Withdraws says whether an event takes back the consent to all that was recorded until then.
func (e *Event) Withdraws() bool {
	if e.Consent != "denied" {
		return false
	}
	kind, _ := EventKind(e.Kind)
	return kind == KindConsent && (!asks.MatchString(e.Kind) || refuses.MatchString(e.Kind))
}

// WithdrawnThemselves is the PropWithdrawnBy of whoever withdrew their consent where they gave it.
const WithdrawnThemselves = "the person"

// WithdrawnByCRM says whether an event keeps that a CRM's property withdrew a consent.
func (e *Event) WithdrawnByCRM() bool {
	by := e.Properties[PropWithdrawnBy]
	return by != "" && by != WithdrawnThemselves
}

// Names of events that tell of a banner rather than of an answer.
var (
	asks    = regexp.MustCompile(`(?i)banner|visible|show|view|setting|implicit`)
	refuses = regexp.MustCompile(`(?i)reject|declin|deny|denied|withdr|revok`)
)

// Well-known Event.Properties keys.
const (
	PropCampaign = "campaign" // e-mail campaign or UTM campaign: opens count once per campaign; a new one cuts a session
	PropMachine  = "machine"  // "true": the vendor marks the open as made by a machine
	PropForm     = "form"     // name of the form
	PropCount    = "count"    // how many of this kind a summary property counted in one step (page views), decimal
	PropSummary  = "summary"  // "true": told by a CRM's counters and last dates, not seen as it happened; it yields to a source that saw it
	PropInternal = "internal" // "true": the source marks own staff
	PropBot      = "bot"      // "true": the source marks a crawler

	// PropWithdrawnBy stands on what a [Withdrawer] keeps of a withdrawal: the CRM's property that said so, or [WithdrawnThemselves].
	PropWithdrawnBy = "withdrawn_by"
	// PropCompany is the mail domain of the company that an event is of, such as a posted job. It is of nobody in particular, unless the
	// event names somebody, too.
	PropCompany = "company_domain"
)

// Window is a half-open span of event time: From ≤ t < To.
type Window struct{ From, To time.Time }

// Contains says whether t lies in w.
func (w Window) Contains(t time.Time) bool { return !t.Before(w.From) && t.Before(w.To) }
