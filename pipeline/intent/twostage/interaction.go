package twostage

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/intent/act"
	"github.com/intentd/intentd/pipeline/intent/plain"
	"github.com/intentd/intentd/pipeline/intent/redact"
	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/pipeline/score"
)

// stageOne is a validated stage-1 summary: what stage 2 and the caches get to see.
type stageOne struct {
	Context []string `json:"c,omitempty"` // screen_context
	Action  string   `json:"a"`           // user_action

	Unproven bool `json:"u,omitempty"` // came by a job: it is held against what was asked when it is first used
}

// content is an interaction as stage 1 sees it, already stripped, redacted and cut. Its JSON is what is sent and what the cache key
// is made of: two interactions under one key are the same question. Neighbours are named by kind, page and element, which is what they are
// there for: to tell where somebody came from and went to.
type content struct {
	Kind       string   `json:"kind"`
	Page       string   `json:"page,omitempty"`
	Title      string   `json:"title,omitempty"`
	Element    string   `json:"element,omitempty"`
	Form       string   `json:"form,omitempty"`
	Campaign   string   `json:"campaign,omitempty"`
	Typed      []string `json:"typed,omitempty"`
	Screenshot string   `json:"screenshot,omitempty"` // which of the pictures sent along shows it
	Before     string   `json:"before,omitempty"`
	After      string   `json:"after,omitempty"`
}

// interaction is a step on its way through stage 1.
type interaction struct {
	step    *journey.Step
	session int // index into Journey.Sessions
	known   bool
	ruled   bool // known by rule: no model is asked
	result  stageOne
	err     error // why there is no result

	content content
	private bool
	image   *connectors.Image
	key     string // HMAC of the content
}

// Limits of what enters a prompt, in bytes.
const (
	maxTitle   = 90
	maxElement = 60
	maxPage    = 64
	maxTyped   = 200
	maxFields  = 6
)

// knownKinds are the kinds whose names are intentd's own words. A vendor's own name is a stranger's text and is told as "event".
var knownKinds = plain.Set(strings.Join([]string{
	connectors.KindPageView, connectors.KindClick, connectors.KindScroll, connectors.KindDwell, connectors.KindSearch, connectors.KindVideo,
	connectors.KindVisit, connectors.KindFormStart, connectors.KindFormSubmit, connectors.KindDownload, connectors.KindDemoRequest,
	connectors.KindQuoteRequest, connectors.KindContactRequest, connectors.KindTrial, connectors.KindSignUp, connectors.KindLogIn,
	connectors.KindProductUse, connectors.KindInvite, connectors.KindChat, connectors.KindCalculator, connectors.KindCart, connectors.KindCheckout, connectors.KindPurchase,
	connectors.KindWebinar, connectors.KindBooking, connectors.KindMeeting, connectors.KindMeetingCancelled, connectors.KindMeetingMissed,
	connectors.KindEmailOpen, connectors.KindEmailClick, connectors.KindEmailReply, connectors.KindNewsletter, connectors.KindUnsubscribe,
	connectors.KindTeamActivity,
	"hand_raise", "social_ask", "tech_change", "job_posting", "funding", "content_view", "email_engage", "web_visit", "social_mention",
}, " "))

func kindName(kind string) string {
	if knownKinds[kind] {
		return kind
	}
	return "event"
}

// known summarises by rule what no model needs to look at, because there is nothing on a screen to see.
func known(st *journey.Step) (stageOne, bool) {
	if n, counted := act.Counted(st); counted {
		return stageOne{Action: "the CRM counted " + strconv.Itoa(n) + " of these up to this day"}, true
	}
	switch st.Event.Kind {
	case connectors.KindEmailOpen:
		return stageOne{Action: "opened an e-mail"}, true
	case connectors.KindVisit:
		return stageOne{Action: "visited the site; pages not known"}, true
	case connectors.KindScroll:
		return stageOne{Action: "scrolled"}, true
	case connectors.KindDwell:
		return stageOne{Action: "stayed on the page"}, true
	case connectors.KindClick:
		if st.Event.ElementText == "" && st.Event.PageTitle == "" && st.Event.URL == "" {
			return stageOne{Action: "clicked something"}, true
		}
	}
	return stageOne{}, false
}

// look makes the content of st between its neighbours, which may be nil.
func look(st, before, after *journey.Step, signal func(*journey.Step) *journey.Signal, red *redact.Redactor) (c content, private bool) {
	e := &st.Event
	sig := signal(st)
	personal := false
	text := func(s string, limit int) string {
		out, kept := red.Clean(plain.Stripped(s, 4*limit))
		personal = personal || kept
		return plain.Stripped(out, limit)
	}
	c.Kind = kindName(e.Kind)
	c.Title = text(e.PageTitle, maxTitle)
	c.Page = text(pagePath(st, c.Title != ""), maxPage)
	private = !st.Trusted && (c.Title != "" || c.Page != "")
	if e.ElementText != "" {
		switch {
		case redact.Labelled(e.Kind):
			c.Element = text(e.ElementText, maxElement)
			private = private || !st.Trusted
		case !red.DropTyped:
			c.Typed = append(c.Typed, text(e.ElementText, maxTyped))
			private = true
		}
	} else if redact.Labelled(e.Kind) && e.Kind != connectors.KindPageView {
		c.Element = text(e.ElementID, maxElement)
		private = private || c.Element != "" && !st.Trusted
	}
	if sig != nil && sig.Title != "" { // trusted by the journey
		switch {
		case redact.ViaForm(e.Kind):
			c.Form = text(sig.Title, maxElement)
		case e.Kind == connectors.KindEmailClick, e.Kind == connectors.KindEmailReply:
			c.Campaign = text(sig.Title, maxElement)
		}
	} else if f := e.Properties[connectors.PropForm]; f != "" {
		c.Form = text(f, maxElement)
		private = private || !st.Trusted
	}
	if redact.Typing(e.Kind) && !red.DropTyped {
		fields := redact.TypedFields(e.Properties)
		for _, k := range fields[:min(len(fields), maxFields)] {
			c.Typed = append(c.Typed, text(k, 32)+": "+text(e.Properties[k], maxTyped))
			private = true
		}
	}
	c.Before, c.After = identity(before, st, signal(before), red), identity(after, st, signal(after), red)
	return c, private || personal
}

// identity names a neighbour: its kind, where its page is another one the page, and what was clicked there. Pages that say much about where
// somebody comes from or goes to (prices, comparisons, forms: signals above a mere visit) are named by their title, the others by the section
// of the site they are in. That is enough to resolve an ambiguity, and it keeps the questions few: on the generated site of the cost
// benchmark, naming every neighbour in full makes them half as many again. A neighbour that is not the customer's own page, or of which
// nobody else has said the same, is named by its kind alone, so that no stranger's text rides along.
func identity(n, of *journey.Step, sig *journey.Signal, red *redact.Redactor) string {
	if n == nil {
		return ""
	}
	kind := kindName(n.Event.Kind)
	if !n.Trusted {
		return kind
	}
	text := func(s string) string {
		s, kept := red.Clean(plain.Stripped(s, maxElement))
		if kept {
			return ""
		}
		return s
	}
	page, element := "", ""
	if n.Event.URL != of.Event.URL || n.Event.PageTitle != of.Event.PageTitle {
		page = section(n)
		if sig != nil && sig.Type < score.EmailEngage && sig.Title != "" || page == "" {
			page = n.Event.PageTitle
		}
		page = text(page)
	}
	if n.Event.Kind == connectors.KindClick {
		element = text(n.Event.ElementText)
	}
	if element != "" {
		element = "“" + element + "”"
	}
	if n.Event.Kind == connectors.KindPageView && page != "" {
		kind = "" // goes without saying
	}
	return strings.Join(strings.Fields(kind+" "+element+" "+page), " ")
}

// section is the first part of the path of a step's page.
func section(st *journey.Step) string {
	p := pagePath(st, true)
	if p == "" {
		return ""
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(p, "/"), "/")
	return "/" + first
}

// calmWords bounds the words of a path beside a title. Anyone can make a page of the customer's host with a path of their own
// choosing: a path that is long enough to be a sentence stays out.
const calmWords = 6

// pagePath is the path of the step's page, with the host where that is not the customer's.
func pagePath(st *journey.Step, titled bool) string {
	raw := st.Event.URL
	if raw == "" {
		return ""
	}
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	p := u.Path
	if !st.Trusted {
		p = u.Host + p
	}
	n := 0
	in := false
	for _, r := range p {
		letter := unicode.IsLetter(r)
		if letter && !in {
			n++
		}
		in = letter
	}
	if n > calmWords {
		if titled {
			return ""
		}
		return "/…"
	}
	return p
}

// encode writes c without the escapes for HTML, which cost tokens.
func (c *content) encode() []byte { return encode(c) }

func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // strings, slices and structs of them cannot fail
	return bytes.TrimRight(b.Bytes(), "\n")
}

// keyer makes cache keys: an HMAC under the install's secret, so that nobody who reads the cache can test guesses of its content
// without it.
type keyer struct{ secret, prefix []byte }

func (k keyer) key(content []byte) string {
	m := hmac.New(sha256.New, k.secret)
	m.Write(k.prefix)
	m.Write(content)
	return string(m.Sum(nil))
}

// evidence says whether an answer has at least one word in common with what it should be about. Answers that were mixed up within a call
// do not; where the content has no words, nothing can be said.
func (c *content) evidence(s *stageOne) bool {
	have := map[string]bool{}
	any := false
	for _, t := range append([]string{c.Kind, c.Page, c.Title, c.Element, c.Form, c.Campaign}, c.Typed...) {
		for _, w := range plain.Words(t) {
			if len(w) >= 3 {
				have[plain.Stem(w)] = true
				any = true
			}
		}
	}
	if !any {
		return true
	}
	for _, t := range append([]string{s.Action}, s.Context...) {
		for _, w := range plain.Words(t) {
			if have[plain.Stem(w)] {
				return true
			}
		}
	}
	return false
}

// fits says whether a kept summary may be used for it: one that came by a job has not yet been held against what was asked.
func (s *stageOne) fits(it *interaction) bool {
	return s.Action != "" && (!s.Unproven || it.content.evidence(s))
}
