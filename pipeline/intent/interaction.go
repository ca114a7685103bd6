package intent

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/intentd/intentd/connectors"
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
var knownKinds = set(strings.Join([]string{
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

// labelled are the kinds whose element text is a label of the customer's page. Of any other kind it may be what was typed.
func labelled(kind string) bool {
	switch kind {
	case connectors.KindPageView, connectors.KindClick, connectors.KindScroll, connectors.KindDwell, connectors.KindVideo, connectors.KindDownload,
		connectors.KindCart, connectors.KindCheckout, connectors.KindPurchase, connectors.KindEmailClick:
		return true
	}
	return viaForm(kind)
}

// typing are the kinds whose further properties are what the visitor wrote.
func typing(kind string) bool {
	switch kind {
	case connectors.KindSearch, connectors.KindChat, connectors.KindEmailReply, connectors.KindMeeting, "hand_raise", "social_ask", "social_mention":
		return true
	}
	return viaForm(kind)
}

// viaForm are the kinds that a form brings about.
func viaForm(kind string) bool {
	switch kind {
	case connectors.KindFormStart, connectors.KindFormSubmit, connectors.KindDemoRequest, connectors.KindQuoteRequest, connectors.KindContactRequest,
		connectors.KindTrial, connectors.KindSignUp, connectors.KindWebinar, connectors.KindBooking:
		return true
	}
	return false
}

// personalWords are words of a property's name by which its value says who somebody is, not what they want.
var personalWords = set(`mail email phone phones telephone telefon tel mobile mobil handy cell fax name firstname lastname fullname surname forename vorname nachname nickname username login
address adresse street strasse straße city stadt ort zip zipcode postal postcode plz birth birthday birthdate dob geburtstag geburtsdatum password passwd passwort secret token iban bic ssn passport
cookie cookies session sessionid gclid fbclid msclkid ip user userid uuid guid utm hash signature unterschrift linkedin twitter gender geschlecht salutation anrede captcha recaptcha csrf nonce honeypot company firma
jobtitle`)

// thingWords beside "name" or "address" make it the name of a thing.
var thingWords = set("product project campaign event file form page plan programme program course model service feature item site machine produkt projekt kurs datei")

// personalField says whether a property's name says that its value tells who somebody is. Names are read by whole words, in whatever way they
// are put together: first_name, firstName, "First name".
func personalField(name string) bool {
	w := keyWords(name)
	for i, x := range w {
		switch {
		case !personalWords[x]:
			continue
		case hasAny(w, "number", "count", "anzahl", "how", "many", "qty", "quantity") && (x == "user" || x == "company" || x == "session" || x == "mobile" || x == "phones"):
			continue
		case (x == "name" || x == "address") && i > 0 && thingWords[w[i-1]]:
			continue
		case x == "company" && len(w) > 1 && !hasAny(w, "name"):
			continue // company_size
		case x == "session" && len(w) > 1 && !hasAny(w, "id", "key", "token"):
			continue
		}
		return true
	}
	return hasAny(w, "card", "karte") && hasAny(w, "number", "no", "nummer", "cvc", "holder") || hasAny(w, "account", "konto", "tax", "customer") && hasAny(w, "number", "no", "nummer", "id") ||
		hasAny(w, "job", "role") && hasAny(w, "title")
}

// keyWords are the words of a property's name in lower case: snake, kebab, camel and plain.
func keyWords(name string) []string {
	var b strings.Builder
	lower := false
	for _, r := range name {
		if unicode.IsUpper(r) && lower {
			b.WriteByte(' ')
		}
		lower = unicode.IsLower(r) || unicode.IsDigit(r)
		b.WriteRune(r)
	}
	return words(b.String())
}

// structuralWords are names of properties that trackers add by themselves.
func structuralWords(name string) bool {
	return structural[name] || trackerFields[strings.ToLower(name)]
}

var trackerFields = set(`status state step last_step left_at field last_field abandoned_at outcome subject title file url href path referrer device browser os screen language locale timezone currency value total revenue order_id id event event_name
name type category label source medium content variant version platform library button element action date starts_at start_time event_date page success result`)

// structural are properties that are no text of a visitor's.
var structural = map[string]bool{
	connectors.PropCampaign: true, connectors.PropMachine: true, connectors.PropForm: true, connectors.PropCount: true,
	connectors.PropInternal: true, connectors.PropBot: true,
}

// known summarises by rule what no model needs to look at, because there is nothing on a screen to see.
func known(st *journey.Step) (stageOne, bool) {
	if n, counted := count(st); counted {
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
func look(st, before, after *journey.Step, signal func(*journey.Step) *journey.Signal, red *redactor) (c content, private bool) {
	e := &st.Event
	sig := signal(st)
	personal := false
	text := func(s string, limit int) string {
		out, kept := red.clean(stripped(s, 4*limit))
		personal = personal || kept
		return stripped(out, limit)
	}
	c.Kind = kindName(e.Kind)
	c.Title = text(e.PageTitle, maxTitle)
	c.Page = text(pagePath(st, c.Title != ""), maxPage)
	private = !st.Trusted && (c.Title != "" || c.Page != "")
	if e.ElementText != "" {
		switch {
		case labelled(e.Kind):
			c.Element = text(e.ElementText, maxElement)
			private = private || !st.Trusted
		case !red.DropTyped:
			c.Typed = append(c.Typed, text(e.ElementText, maxTyped))
			private = true
		}
	} else if labelled(e.Kind) && e.Kind != connectors.KindPageView {
		c.Element = text(e.ElementID, maxElement)
		private = private || c.Element != "" && !st.Trusted
	}
	if sig != nil && sig.Title != "" { // trusted by the journey
		switch {
		case viaForm(e.Kind):
			c.Form = text(sig.Title, maxElement)
		case e.Kind == connectors.KindEmailClick, e.Kind == connectors.KindEmailReply:
			c.Campaign = text(sig.Title, maxElement)
		}
	} else if f := e.Properties[connectors.PropForm]; f != "" {
		c.Form = text(f, maxElement)
		private = private || !st.Trusted
	}
	if typing(e.Kind) && !red.DropTyped {
		fields := typedFields(e.Properties)
		for _, k := range fields[:min(len(fields), maxFields)] {
			c.Typed = append(c.Typed, text(k, 32)+": "+text(e.Properties[k], maxTyped))
			private = true
		}
	}
	c.Before, c.After = identity(before, st, signal(before), red), identity(after, st, signal(after), red)
	return c, private || personal
}

// typedFields are the names of the properties that hold what was written, in order, without those that say who wrote it.
func typedFields(props map[string]string) []string {
	var names []string
	for k, v := range props {
		if structural[k] || strings.TrimSpace(v) == "" {
			continue
		}
		if personalField(k) {
			continue
		}
		names = append(names, k)
	}
	slices.Sort(names)
	return names
}

// identity names a neighbour: its kind, where its page is another one the page, and what was clicked there. Pages that say much about where
// somebody comes from or goes to (prices, comparisons, forms: signals above a mere visit) are named by their title, the others by the section
// of the site they are in. That is enough to resolve an ambiguity, and it keeps the questions few: on the generated site of the cost
// benchmark, naming every neighbour in full makes them half as many again. A neighbour that is not the customer's own page, or of which
// nobody else has said the same, is named by its kind alone, so that no stranger's text rides along.
func identity(n, of *journey.Step, sig *journey.Signal, red *redactor) string {
	if n == nil {
		return ""
	}
	kind := kindName(n.Event.Kind)
	if !n.Trusted {
		return kind
	}
	text := func(s string) string {
		s, kept := red.clean(stripped(s, maxElement))
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
		for _, w := range words(t) {
			if len(w) >= 3 {
				have[stem(w)] = true
				any = true
			}
		}
	}
	if !any {
		return true
	}
	for _, t := range append([]string{s.Action}, s.Context...) {
		for _, w := range words(t) {
			if have[stem(w)] {
				return true
			}
		}
	}
	return false
}
