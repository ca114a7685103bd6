package intent

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/pipeline/memo"
	"github.com/intentd/intentd/pipeline/score"
)

// fact is one thing somebody did, or the same thing done several times.
type fact struct {
	act       Act
	is        traits   // of act
	at, first int64    // Unix seconds of the newest and the oldest
	days      []int64  // one moment of each day, oldest first
	cites     []string // event ids, oldest first
	product   uint8    // 1-based, 0 for none
	title     string   // its own trusted name: of the page, the form, the file; "" if there is none
	subjects  []string // what it was about
	ask       *ask     // what was typed with it
	sent      bool     // a form that was sent, not a page
	counted   bool     // a signal
	count     int
	summary   int    // how many a CRM's counter told, 0 if it was seen
	rival     string // whom a comparison compares with
	where     string // where something was left
	field     bool   // where is a field of a form
	item      string // what lies in the cart, what got stuck
	price     money
	date      when   // of the event somebody registered for, of the meeting
	colleague string // who of the company did it; "?" if the name is not known
	german    bool   // its title is German
	kind      string // of an event: webinar
	form      bool   // said no in a form, not in a reply
	slots     *slots // what there is to say of it, once that was asked for
	told      bool   // in the text being written
	said      string // the slots of it that the headline holds: "qb"
}

// nothing is what was typed with most.
var nothing ask

// citesKept bounds the citations of one sentence or topic: enough to check it by, few enough to read.
const citesKept = 8

// gather reads the journey from the time from on into facts, oldest first by their newest event.
func (n *note) gather(from int64) {
	n.empty()
	j := n.s.Journey
	for si := range j.Sessions {
		for i := range j.Sessions[si].Steps {
			st := &j.Sessions[si].Steps[i]
			if st.Event.Time.Unix() >= from {
				n.step(st)
			}
		}
	}
	n.sort()
	n.finish()
	n.acts = 0
	for i := range n.facts {
		n.acts |= 1 << reasonRank[n.facts[i].act]
	}
}

// sort brings the facts into the order of their newest events. They are large: each is moved once.
func (n *note) sort() {
	var room [64]int
	order := room[:0]
	for i := range n.facts {
		order = append(order, i)
	}
	slices.SortFunc(order, func(i, k int) int { return cmp.Or(cmp.Compare(n.facts[i].at, n.facts[k].at), i-k) })
	sorted := n.spare[:0]
	for _, i := range order {
		sorted = append(sorted, n.facts[i])
	}
	clear(n.facts) // what they hold is held by the sorted ones
	n.facts, n.spare = sorted, n.facts[:0]
}

func (n *note) step(st *journey.Step) {
	j := n.s.Journey
	var sig *journey.Signal
	if st.Signal >= 0 && st.Signal < len(j.Signals) {
		sig = &j.Signals[st.Signal]
	}
	a := ActOf(st, sig)
	switch st.Why {
	case journey.WhyMachine, journey.WhyTold, journey.WhyRule, journey.WhyScanner, journey.WhyMonitor, journey.WhyBot, journey.WhyFlood, journey.WhySensitive, journey.WhyFooter,
		journey.WhyAutoReply, journey.WhyBounce, journey.WhyTracker:
		return
	case journey.WhyRefused:
		a = ActRefuse
	case journey.WhyUnsubscribed:
		a = ActUnsubscribe
	case journey.WhyCancelled:
		if a != ActMeeting {
			a = ActCancel
		}
	case journey.WhyMissed:
		if a != ActMeeting { // when it was booked
			a = ActMiss
		}
	}
	if a == actNone {
		return
	}
	if st.Why == journey.WhyColleague && !a.request() {
		return
	}
	e, kind := &st.Event, fold(st.Event.Kind)
	f := fact{act: a, ask: &nothing, at: e.Time.Unix(), first: e.Time.Unix(), count: 1, counted: sig != nil, sent: e.Properties[connectors.PropForm] != "" || e.Kind == connectors.KindFormSubmit}
	if k, counted := count(st); counted {
		f.summary, f.count = k, k
	}
	if sig != nil {
		f.product = sig.Product
	}
	f.title, f.german = n.titleOf(a, st, sig)
	page := addressed(e.URL)
	if page.home {
		f.title, f.german = "", false // a slogan
	}
	f.german = f.german || page.german
	switch {
	case st.Why == journey.WhyColleague:
		f.colleague = colleagueName(e.Properties)
	case typing(kind) || f.sent || a == ActSearch || a == ActCalculate || a == ActBooking || a == ActUse || a == ActRefuse:
		f.ask = &ask{searched: a == ActSearch || a == ActBooking}
		f.ask.read(e, &n.red)
		n.trimNames(f.ask)
		n.namesRival(f.ask, e)
	}
	if (a == ActReply || a == ActEnquiry || a == ActCallback) && f.ask.refuses && len(f.ask.quantities) == 0 {
		f.act, f.form = ActRefuse, a != ActReply
	}
	if page.webinar || strings.Contains(kind, "webinar") {
		f.kind = "webinar"
	}
	n.details(&f, e)
	if sig == nil && a.Page() && (st.Why == journey.WhyExcluded || st.Why == journey.WhyRepeat) {
		return // a page that does not count tells nothing
	}
	if f.product == 0 && (a.unfinished() || a.request() || a == ActSample || a == ActCalculate) {
		f.product = n.productIn(f.item + " " + f.title + " " + f.ask.item)
		if f.product == 0 && f.ask.any && !f.ask.hostile {
			f.product = n.productTyped(e)
		}
	}
	n.topicsOf(&f, st, sig)
	n.add(&f, eventID(st))
}

// titleOf is what the page, form or file of a step may be called, and whether that is German: trusted, without the site's name, and no link.
func (n *note) titleOf(a Act, st *journey.Step, sig *journey.Signal) (title string, german bool) {
	e := &st.Event
	t := ""
	if sig != nil {
		t = sig.Title
	} else if st.Trusted {
		t = e.PageTitle
	}
	form := e.Properties[connectors.PropForm]
	if form != "" && (st.Trusted || sig != nil && sig.Title != "") && e.Kind != connectors.KindPageView {
		t = form
	}
	if left, right, ok := strings.Cut(t, ": "); ok && hasAny(words(left), "linkedin", "facebook", "meta", "google", "instagram", "tiktok", "xing") {
		t = right // the form of an advertisement
	}
	switch a {
	case ActDownload:
		t = firstOf(n.fileOf(e), t)
	case ActRegister, ActAttend:
		t = n.eventOf(e, t)
	}
	c := n.r.captionOf(t)
	if c.machine {
		t = ""
		if st.Trusted {
			t = e.PageTitle
		}
		c = n.r.captionOf(t)
	}
	t, german, untellable := c.text, c.german, c.untellable
	if n.red.mayName(c) {
		t = n.red.redactNames(t)
		german, untellable = germanTitle(t), strings.Contains(t, "[") || n.r.mayNotBeTold(t)
	}
	if untellable {
		return "", false
	}
	return t, german
}

// caption is a title as it may be told of anybody: what is left to do for a person is to take out their names.
type caption struct {
	text, lower string
	machine     bool // its builder's, see machineName
	german      bool
	untellable  bool
}

func (r *Rules) captionOf(title string) *caption {
	return r.captions.Of(title, func() *caption {
		t := title
		if i := strings.Index(t, " | "); i > 0 {
			t = t[:i]
		}
		t, _ = (&redactor{}).clean(plain(t, 80))
		return &caption{t, strings.ToLower(t), machineName(title), germanTitle(t), strings.Contains(t, "[") || r.mayNotBeTold(t)}
	})
}

// mayName says that redactNames may change the text of c.
func (r *redactor) mayName(c *caption) bool {
	return len(r.names) > 0 && len(c.lower) != len(c.text) || slices.ContainsFunc(r.names, func(name string) bool { return strings.Contains(c.lower, name) })
}

// fileOf is what a download is called by the event: by its file's name in words, or by its page's title where that says the same.
func (n *note) fileOf(e *connectors.Event) string {
	keys := []string{"title", "document_title", "asset_name", "content_name", "resource", "file", "file_name", "filename", "document", "document_name", "asset", "datei", "dokument", connectors.PropForm}
	if e.Kind != connectors.KindDownload {
		keys = keys[:len(keys)-1] // the form's own name is known already
	}
	for _, k := range keys {
		v := strings.TrimSpace(e.Properties[k])
		slug := v[strings.LastIndexByte(v, '/')+1:]
		if dot := strings.LastIndexByte(slug, '.'); dot > 0 && len(slug)-dot <= 5 && !strings.Contains(slug, " ") {
			slug = strings.NewReplacer("-", " ", "_", " ", "%20", " ").Replace(slug[:dot])
			if key := foldSubject(slug); key != "" && strings.Contains(foldSubject(e.PageTitle), key) {
				return e.PageTitle
			}
			v = upperFirst(slug)
		}
		if v != "" && !machineName(v) {
			return v
		}
	}
	return e.ElementText
}

// eventOf is what somebody registered for, t being what its form or page is called: the field that names it, where t only says that it is
// a registration.
func (n *note) eventOf(e *connectors.Event, t string) string {
	kind, rest, _ := docKind(t)
	if kind == "" && formAct(t) == ActRegister || kind != "" && registering(rest) {
		for _, k := range eventKeys {
			if v := n.label(e.Properties[k]); v != "" {
				return v
			}
		}
		if p := e.PageTitle; p != "" && !registering(p) && len(words(p)) > len(words(t)) {
			return p
		}
	}
	return t
}

// eventKeys are the fields that name an event somebody registers for.
var eventKeys = []string{"webinar", "webinar_title", "event_title", "event_name", "session_title", "topic", "thema", "titel", "title", "subject", "veranstaltung", "kurs", "course", "workshop", "seminar"}

// registering says that a name has no more to it than that somebody registers: "Registration", "Anmeldung zum Webinar".
func registering(s string) bool {
	for _, w := range words(s) {
		if !strings.HasSuffix(w, "anmeldung") && !strings.HasSuffix(w, "formular") && !registerWords[w] {
			return false
		}
	}
	return true
}

var registerWords = set("registration register sign up signup form rsvp webinar webinars event events online live jetzt anmelden zum zur zu für for the our a seminar workshop veranstaltung teilnahme seat save your spot")

// mayNotBeTold says that a text of a page carries a foreign link or orders to software.
func (r *Rules) mayNotBeTold(t string) bool {
	return r.untellable.Of(t, func() bool { return hasLink(t, r.o.Hosts) || orders.MatchString(t) })
}

// tellable takes out of subjects those that may not be told.
func (r *Rules) tellable(subjects []string) []string {
	return slices.Clip(slices.DeleteFunc(subjects, r.mayNotBeTold))
}

// pageTopics are the subjects of a page, without what products and the vendor are called, and the topics that they make.
type pageTopics struct {
	subjects []string
	topics   []topicName
}

// topicsOfPage are those of a page. They are shared.
func (n *note) topicsOfPage(title, url string) *pageTopics {
	return n.r.pages.Of(page{title, url, n.products, n.l.german}, func() *pageTopics {
		of := n.r.tellable(subjects(title, url, slices.Concat(n.s.Journey.Products, n.vendor())))
		return &pageTopics{of, n.topicNames(of)}
	})
}

// topicName is a subject as a topic is called, and its name as topics are compared by, with a bit for each byte in it: what holds
// another has all its bytes.
type topicName struct {
	subject, name, key string
	bytes              uint64
}

// topicNames are those of subjects that may be told.
func (n *note) topicNames(subjects []string) (out []topicName) {
	for _, s := range subjects {
		if s = plain(s, 60); s != "" && !hasLink(s, n.r.o.Hosts) {
			out = append(out, n.topicName(s, translated(s, n.l.german)))
		}
	}
	return out
}

func (n *note) topicName(subject, name string) topicName {
	t := topicName{subject: subject, name: name, key: folded.Of(name, func() string { return " " + foldSubject(name) + " " })}
	for i := range len(t.key) {
		t.bytes |= 1 << (t.key[i] % 64)
	}
	return t
}

// holds says that the name of o is in that of t.
func (t *topicName) holds(o *topicName) bool {
	return o.bytes&^t.bytes == 0 && strings.Contains(t.key, o.key)
}

// details reads what an event says beside its kind.
func (n *note) details(f *fact, e *connectors.Event) {
	p := e.Properties
	switch f.act {
	case ActPrice:
		f.item = addressed(e.URL).prices
	case ActCompare:
		f.rival = n.r.rivals.Of(page{f.title, e.URL, n.products, false}, func() string { return n.rivalOfPage(f.title, e.URL) })
		if f.rival == "" {
			f.rival = n.knownRival(f.title + " " + strings.ReplaceAll(pathOf(e.URL), "-", " "))
		}
	case ActTrial:
		f.date = dateOf(p, "trial_end", "trial_ends_at", "trial_end_date", "trial_ends", "expires_at", "expires", "end_date", "ends_at", "testende", "valid_until")
	case ActBegun, ActCart, ActCheckout, ActBooking, ActStuck, ActUse, ActOrder:
		for _, k := range []string{"left_at", "abandoned_at", "last_field", "field", "last_step", "step", "step_name", "checkout_step", "stage"} {
			if w := n.label(p[k]); w != "" {
				f.where, f.field = w, strings.Contains(k, "field")
				break
			}
		}
		keys := []string{"product", "product_name", "item", "item_name", "name", "trip", "destination", "feature", "object", "task", "title"}
		if f.act == ActStuck || f.act == ActUse {
			keys = []string{"feature", "task", "object", "name", "action", "title"}
		}
		for _, k := range keys {
			if w := n.label(p[k]); w != "" {
				f.item = w
				break
			}
		}
		if f.item == "" {
			if m := listedName.FindStringSubmatch(firstOf(p["products"], p["items"])); m != nil {
				f.item = n.label(m[1])
			}
		}
		if f.act != ActStuck && f.act != ActUse && f.act != ActBegun {
			amount, currency := firstOf(p["value"], p["total"], p["amount"], p["price"], p["revenue"]), firstOf(p["currency"], p["currency_code"])
			if t := tokens(amount + " " + currency); len(t) > 0 {
				if m, k := moneyAt(t, 0); k > 0 {
					f.price = m
				}
			}
		}
		if f.item == "" && f.act == ActBegun {
			f.item = f.title
		}
	case ActRegister, ActAttend, ActMeeting, ActCancel, ActMiss:
		f.date = dateOf(p, "date", "event_date", "starts_at", "start", "start_time", "scheduled_for", "on", "meeting_date", "webinar_date", "datum", "termin", "wann", "beginn", "session_date", "day", "tag", "invitee_start_time", "event_start_time", "scheduled_at", "slot")
		if f.title == "" {
			f.title = n.label(firstOf(p["title"], p["subject"], p["webinar"], p["event_name"], p["event_type_name"], p["meeting_type"], p["name"]))
			f.german = addressed(e.URL).german || germanTitle(f.title)
		}
	case ActInvite:
		if k, err := strconv.Atoi(firstOf(p["count"], p["invited"], p["invitations"], p["number"])); err == nil && k > 0 && k < 1000 {
			f.count = k
		}
	case ActJobApply:
		f.item = n.label(firstOf(p["role"], p["position"], p["job"], p["job_title"], p["vacancy"], p["stelle"], p["stellenbezeichnung"]))
	}
	if f.ask.any && !f.date.zero() { // told as what it is
		f.ask.dates = slices.DeleteFunc(f.ask.dates, func(d deadline) bool { return d.day == f.date.day && d.month == f.date.month })
	}
}

// listedName is the first name in a shop's list of products.
var listedName = regexp.MustCompile(`"(?:name|item_name|product_name|title)":\s*"([^"]{2,60})"`)

// dateOf is the date in the first of the fields that holds one.
func dateOf(p map[string]string, keys ...string) when {
	for _, k := range keys {
		if t := tokens(p[k]); len(t) > 0 {
			if w, n := dateAt(t, 0); n > 0 {
				return w
			}
		}
	}
	return when{}
}

// productIn is the product whose name stands in s.
func (n *note) productIn(s string) uint8 {
	key := " " + foldSubject(s) + " "
	for i, p := range n.s.Journey.Products {
		if strings.Contains(key, " "+foldSubject(p)+" ") {
			return uint8(min(i+1, 255))
		}
	}
	return 0
}

// productTyped is the one product that is named in what was typed; 0 if none or several are.
func (n *note) productTyped(e *connectors.Event) (one uint8) {
	typed := ""
	for _, k := range typedFields(e.Properties) {
		typed += " " + foldSubject(e.Properties[k]) + " "
	}
	for i, p := range n.s.Journey.Products {
		if key := foldSubject(p); key == "" || !strings.Contains(typed, " "+key+" ") {
			continue
		}
		if one != 0 {
			return 0
		}
		one = uint8(min(i+1, 255))
	}
	return one
}

// priceWord is what a page calls its prices, by its path: English, the key of the German word.
func priceWord(path string) string {
	w := words(path)
	switch {
	case hasAny(w, "rates", "zinsen"):
		return "rates"
	case hasAny(w, "fees", "tuition", "gebuehren", "gebühren", "studiengebuehren"):
		return "fees"
	case hasAny(w, "trade", "haendler", "händler") && hasAny(w, "price", "prices", "preise"):
		return "trade prices"
	}
	return "prices"
}

// label is a short name out of a property: one to five words and nothing else.
func (n *note) label(s string) string {
	s, _ = n.red.clean(plain(strings.TrimSpace(strings.ReplaceAll(s, "_", " ")), 60))
	if s == "" || len(strings.Fields(s)) > 6 || strings.Contains(s, "…") || strings.Contains(s, "[") || orders.MatchString(s) || hasLink(s, n.r.o.Hosts) {
		return ""
	}
	if strings.IndexFunc(s, unicode.IsLetter) < 0 {
		return ""
	}
	return s
}

// trimNames takes out of what was typed what is no news: the product's own name as a place, a rival that is the vendor.
func (n *note) trimNames(a *ask) {
	own := func(s string) bool {
		return slices.ContainsFunc(n.s.Journey.Products, func(p string) bool { return foldSubject(p) == foldSubject(s) }) || n.s.Profile.Company != "" && foldSubject(n.s.Profile.Company) == foldSubject(s)
	}
	if own(a.place) {
		a.place = ""
	}
	a.rivals = slices.DeleteFunc(a.rivals, func(r rival) bool { return own(r.name) })
}

func colleagueName(p map[string]string) string {
	name := firstOf(p["colleague"], p["name"], strings.TrimSpace(p["first_name"]+" "+p["last_name"]))
	if w := strings.Fields(name); len(w) < 1 || len(w) > 4 || strings.ContainsAny(name, "@/<>:=0123456789") || len(name) > 50 {
		return "?"
	}
	return name
}

// add merges f, which the event id tells of, with the same thing done before.
func (n *note) add(f *fact, id string) {
	f.is = traitsOf[f.act]
	for i := len(n.facts) - 1; i >= 0; i-- {
		g := &n.facts[i]
		if g.is.number != f.is.number || g.colleague != f.colleague || !n.same(g, f) {
			continue
		}
		g.at = max(g.at, f.at)
		g.count += f.count
		g.summary += f.summary
		g.counted = g.counted || f.counted
		g.cites = append(g.cites, id)
		if y := g.days[len(g.days)-1]; !n.sameDay(y, f.at) {
			g.days = append(g.days, f.at)
		}
		for _, s := range f.subjects {
			if !slices.Contains(g.subjects, s) {
				g.subjects = append(g.subjects, s)
			}
		}
		if f.where != "" {
			g.where, g.field = f.where, f.field
		}
		if f.item != "" {
			g.item = f.item
		}
		if f.price.amount != "" {
			g.price = f.price
		}
		if f.act == ActRead || f.act == ActClick || f.act == ActOpen {
			g.title = f.title
		}
		if f.ask.any {
			g.ask = f.ask
		}
		return
	}
	var room fact // of a note before
	if i := len(n.facts); i < cap(n.facts) {
		room = n.facts[:i+1][i]
	}
	f.cites, f.days = append(room.cites[:0], id), append(room.days[:0], f.at)
	n.facts = append(n.facts, *f)
}

// same says whether two facts of one act are told as one.
func (n *note) same(a, b *fact) bool {
	switch a.act {
	case ActPrice, ActTerms, ActOrderPage, ActCalculate:
		return a.product == b.product
	case ActCompare:
		return a.product == b.product && a.rival == b.rival
	case ActProduct:
		return a.product == b.product && (a.product > 0 || a.title == b.title)
	case ActRead:
		return a.title == b.title && slices.Equal(a.subjects, b.subjects)
	case ActCase, ActHelp, ActCareers, ActVisit, ActOpen, ActClick, ActSearch, ActChat, ActInvite, ActUse, ActNewsletter, ActUnsubscribe, ActMention, ActNews:
		return true
	case ActCart, ActCheckout, ActBooking, ActBegun, ActStuck:
		return b.at-a.at < 2*86400 || a.title == b.title
	case ActDownload, ActRegister, ActAttend:
		return a.title == b.title
	}
	return a.act.request() && b.at-a.at < 600 && a.act != ActReply
}

// finish settles what only the whole shows: a form that was sent in the end was not left, an order ends a cart.
func (n *note) finish() {
	for i := range n.facts {
		f := &n.facts[i]
		if !f.act.unfinished() {
			continue
		}
		for k := range n.facts {
			g := &n.facts[k]
			ends := g.at > f.first && g.colleague == "" && (g.act == ActOrder ||
				f.act == ActBegun && g.sent && g.act != ActNewsletter && g.act != ActBegun && (formAct(f.item) == g.act || formAct(f.item) == actNone && g.act.request()) || f.act == ActCart && (g.act == ActCheckout && g.at >= f.at))
			if ends {
				if f.act == ActCart && g.item == "" && g.product == 0 {
					g.item, g.product, g.title = f.item, f.product, f.title
				}
				f.act = actNone
			}
		}
	}
	if met := n.newest(ActMet); met != nil {
		for i := range n.facts {
			if f := &n.facts[i]; f.act == ActMeeting && f.colleague == "" && f.at <= met.at {
				f.act = actNone // it has taken place
			}
		}
	}
	stuck := n.newest(ActStuck)
	for i := range n.facts {
		if f := &n.facts[i]; f.act == ActTrial && stuck != nil && stuck.at >= f.first && stuck.product == 0 {
			stuck.product = f.product
		}
	}
	n.facts = slices.DeleteFunc(n.facts, func(f fact) bool { return f.act == actNone })
}

func (n *note) newest(a Act) *fact {
	for i := len(n.facts) - 1; i >= 0; i-- {
		if n.facts[i].act == a && n.facts[i].colleague == "" {
			return &n.facts[i]
		}
	}
	return nil
}

func (n *note) newestPage() *fact {
	for _, a := range []Act{ActPrice, ActCompare, ActTerms, ActCalculate, ActOrderPage} {
		if f := n.newest(a); f != nil {
			return f
		}
	}
	return n.newestOwn()
}

// newestOwn is the newest thing the person did, mails apart if there is anything else.
func (n *note) newestOwn() *fact {
	var mail *fact
	for i := len(n.facts) - 1; i >= 0; i-- {
		f := &n.facts[i]
		switch {
		case f.colleague != "" || f.act == ActOurQuote || f.act == ActOurTouch || f.act == ActNews || f.act == ActHelp || f.act == ActCareers:
		case f.act == ActOpen || f.act == ActClick:
			if mail == nil || mail.act == ActOpen {
				mail = f
			}
		default:
			return f
		}
	}
	return mail
}

func (n *note) sameDay(a, b int64) bool {
	if a-b > 25*3600 || b-a > 25*3600 {
		return false
	}
	return n.dayOf(a) == n.dayOf(b)
}

// dayOf is the number of the day of a moment in the note's zone.
func (n *note) dayOf(at int64) int64 {
	if at < n.from || at >= n.until {
		t := unix(at, n.loc)
		_, offset := t.Zone()
		from, until := t.ZoneBounds()
		if n.from, n.until, n.offset = -1<<62, 1<<62, int64(offset); !from.IsZero() {
			n.from = from.Unix()
		}
		if !until.IsZero() {
			n.until = until.Unix()
		}
	}
	at += n.offset
	if at < 0 {
		at -= 86400 - 1
	}
	return at / 86400
}

// rivalOfPage reads whom a comparison page compares with off its title or path.
func (n *note) rivalOfPage(title, raw string) string {
	drop := append(append([]string{}, n.s.Journey.Products...), n.vendor()...)
	if b := brandOf(raw); b != "" {
		drop = append(drop, b)
	}
	clean := func(s string) string {
		s = strings.Trim(dropped(s, drop), " :,.-–")
		w := strings.Fields(s)
		for len(w) > 0 && (articles[strings.ToLower(w[0])] || strings.EqualFold(w[0], "old") || strings.EqualFold(w[0], "with") || strings.EqualFold(w[0], "compare") || strings.EqualFold(w[0], "altes")) {
			if strings.EqualFold(w[0], "your") && len(w) > 1 && strings.EqualFold(w[1], "old") {
				return ""
			}
			w = w[1:]
		}
		if len(w) == 0 || len(w) > 3 || allIn(words(strings.Join(w, " ")), noSubject) || strings.EqualFold(w[0], "others") || strings.EqualFold(w[0], "insurers") {
			return ""
		}
		return strings.Join(w, " ")
	}
	t := title
	if left, right, ok := strings.Cut(t, ": "); ok {
		if l := strings.ToLower(right); strings.Contains(l, "comparison") || strings.Contains(l, "vergleich") || strings.Contains(l, "compared") {
			t = left
		} else {
			t = right
		}
	}
	for _, sep := range []string{" vs. ", " vs ", " versus ", " or ", " oder ", " compared with ", " compared to ", " im Vergleich mit ", " im Vergleich zu "} {
		if l, r, ok := strings.Cut(t, sep); ok {
			if x := clean(r); x != "" {
				return x
			}
			return clean(l)
		}
	}
	for _, lead := range []string{"comparison with ", "Comparison with ", "Vergleich mit ", "alternative to ", "Alternative to ", "Alternative zu ", "Alternativen zu ", "alternatives to "} {
		if _, r, ok := strings.Cut(t, lead); ok {
			return clean(r)
		}
	}
	for _, end := range []string{" alternatives", " alternative", "-Alternative", " comparison", "-Vergleich"} {
		if i := strings.Index(strings.ToLower(t), strings.ToLower(end)); i > 0 {
			return clean(t[:i])
		}
	}
	parts := strings.Split(strings.Trim(strings.ToLower(pathOf(raw)), "/"), "/")
	last := parts[len(parts)-1]
	if l, r, ok := strings.Cut(last, "-vs-"); ok {
		if x := clean(strings.ReplaceAll(r, "-", " ")); x != "" {
			return titled(x)
		}
		return titled(clean(strings.ReplaceAll(l, "-", " ")))
	}
	return ""
}

// vendor are the names the vendor goes by: the labels of the own hosts.
func (n *note) vendor() []string { return n.r.vendors }

func vendorsOf(hosts []string) (names []string) {
	for _, h := range hosts {
		if b := brandOf("https://" + h); b != "" && !slices.Contains(names, b) {
			names = append(names, b)
		}
	}
	return names
}

// namesRival notes a rival of the config that was typed without a word of comparison: "Jobgrid renewal is on 31 January".
func (n *note) namesRival(a *ask, e *connectors.Event) {
	if len(a.rivals) > 0 || a.hostile || !a.any {
		return
	}
	for key, v := range e.Properties {
		if r := n.knownRival(v); r != "" && key != connectors.PropForm && (a.named == "" || r < a.named) {
			a.named = r
		}
	}
}

// knownRival is a rival of the config whose name stands in s.
func (n *note) knownRival(s string) string {
	for i := range n.r.o.Rivals {
		if name := n.r.o.Rivals[i].Name; name != "" && strings.Contains(" "+foldSubject(s)+" ", " "+foldSubject(name)+" ") {
			return name
		}
	}
	return ""
}

func titled(s string) string {
	w := strings.Fields(s)
	for i := range w {
		w[i] = upperFirst(w[i])
	}
	return strings.Join(w, " ")
}

// germanTitle says whether a title is German, by its letters or its words.
func germanTitle(title string) bool {
	return germanTitles.Of(title, func() bool { return readsGerman(title) })
}

var germanTitles memo.Memo[string, bool]

func readsGerman(title string) bool {
	if strings.ContainsAny(title, "äöüßÄÖÜ") {
		return true
	}
	for _, w := range words(title) {
		switch w {
		case "und", "für", "mit", "der", "die", "das", "von", "im", "leitfaden", "vergleich", "angebot", "kontakt", "preise", "anfrage", "anfordern", "ein", "eine", "termin", "tabellen", "ausschreibung", "muster", "katalog", "vorlage", "bewerbung", "anmeldung", "finanzierung", "beratung":
			return true
		}
		if strings.HasSuffix(w, "ung") || strings.HasSuffix(w, "ungen") || strings.HasSuffix(w, "maschinen") || strings.HasSuffix(w, "pumpen") || strings.HasSuffix(w, "keit") {
			return true
		}
	}
	return false
}

// topicsOf notes what a step was about: the config's topic, else the object's own name or the page's.
func (n *note) topicsOf(f *fact, st *journey.Step, sig *journey.Signal) {
	e := &st.Event
	var named []string // by config
	if sig != nil {
		for _, t := range sig.Topics {
			if !slices.Contains(n.s.Journey.Products, t) && n.configured(t, e.PageTitle, sig.Title) {
				named = append(named, upperFirst(t))
			}
		}
	}
	var topics []topicName
	switch {
	case len(named) > 0:
		f.subjects = n.r.tellable(named)
	case f.act == ActDownload || f.act == ActRegister || f.act == ActAttend:
		name := f.title
		if kind, rest, first := docKind(name); kind != "" && (!first || rest == "") {
			name = strings.TrimSuffix(strings.TrimSuffix(rest, " buyer"), " buyer's")
		}
		f.subjects, _ = titleSubjects(name, slices.Concat(n.s.Journey.Products, n.vendor()))
		f.subjects = n.r.tellable(f.subjects)
	case f.act == ActRead || f.act == ActProduct || f.act == ActCase || f.act == ActCompare:
		if st.Trusted {
			page := n.topicsOfPage(e.PageTitle, e.URL)
			f.subjects, topics = page.subjects, page.topics
		}
	case f.act == ActStuck:
		if f.item != "" && len(strings.Fields(f.item)) > 1 {
			f.subjects = n.r.tellable([]string{upperFirst(f.item)})
		}
	}
	if f.colleague != "" || f.act == ActHelp {
		return
	}
	if p := f.ask.place; p != "" && !f.ask.hostile {
		n.topic(n.topicName(p, p), eventID(st), f, false)
	}
	if f.act == ActCompare && noun(f.rival) && !leavable[strings.ToLower(f.rival)] && len(f.subjects) == 0 {
		n.topic(n.topicName(f.rival, upperFirst(f.rival)), eventID(st), f, false)
	}
	if topics == nil {
		topics = n.topicNames(f.subjects)
	}
	for _, t := range topics {
		trusted := sig != nil && slices.ContainsFunc(sig.Topics, func(named string) bool { return strings.EqualFold(named, t.subject) })
		n.topic(t, eventID(st), f, trusted)
	}
}

// configured says that the config names the topic t, rather than that it was made of the page's title.
func (n *note) configured(t, title, short string) bool {
	if n.r.o.Topics != nil {
		return slices.ContainsFunc(n.r.o.Topics, func(c string) bool { return strings.EqualFold(c, t) })
	}
	title = strings.TrimSpace(title)
	return t != "" && !strings.EqualFold(title[:min(len(t), len(title))], t) && !strings.EqualFold(t, short)
}

// topicFact is one topic in the making.
type topicFact struct {
	topicName
	events  []string
	weight  int
	at      int64
	trusted bool
}

const (
	topicsKept = 5
	topicsMost = 32 // that are looked at
)

// folded are names of topics as foldSubject has them, between spaces.
var folded memo.Memo[string, string]

// topic notes one: of two where one holds the other, the longer is kept.
func (n *note) topic(of topicName, id string, f *fact, trusted bool) {
	weight := 1
	if f.act != ActRead && f.act != ActProduct {
		weight = 2
	}
	for i := range n.topics {
		t := &n.topics[i]
		if !t.holds(&of) && !of.holds(&t.topicName) {
			continue
		}
		if len(of.key) > len(t.key) {
			t.topicName, t.trusted = of, trusted
		}
		t.weight, t.at = max(t.weight, weight), max(t.at, f.at)
		if len(t.events) < citesKept {
			t.events = append(t.events, id)
		} else {
			t.events[citesKept-1] = id
		}
		return
	}
	if len(n.topics) == topicsMost {
		return
	}
	var events []string
	if i := len(n.topics); i < cap(n.topics) {
		events = n.topics[:i+1][i].events[:0] // of a note before
	}
	n.topics = append(n.topics, topicFact{topicName: of, events: append(events, id), weight: weight, at: f.at, trusted: trusted})
}

// topTopics are the topics to show: strongest and newest first.
func (n *note) topTopics() []Topic {
	var room [topicsMost]int
	top := room[:0] // places in n.topics
	for i := range n.topics {
		top = append(top, i)
	}
	slices.SortFunc(top, func(i, k int) int {
		a, b := &n.topics[i], &n.topics[k]
		return cmp.Or(b.weight-a.weight, cmp.Compare(b.at, a.at), i-k)
	})
	if top = top[:min(len(top), topicsKept)]; len(top) == 0 {
		return nil
	}
	cited := 0
	for _, i := range top {
		cited += len(n.topics[i].events)
	}
	out, cites := make([]Topic, len(top)), make([]string, 0, cited) // one room for the citations of all
	for i, at := range top {
		t := &n.topics[at]
		from := len(cites)
		cites = append(cites, t.events...)
		out[i] = Topic{Name: t.name, Cites: slices.Clip(cites[from:]), Trusted: t.trusted}
	}
	return out
}

// product is the product most signals concern, the newest on a tie; 0 if none does. A request settles it.
func (n *note) product() int {
	j := n.s.Journey
	count, newest := make([]int, len(j.Products)+1), make([]int64, len(j.Products)+1)
	for i := range j.Signals {
		s := &j.Signals[i]
		if p := int(s.Product); p > 0 && p <= len(j.Products) && s.Flags&score.Company == 0 {
			count[p]++
			if s.Type == score.HandRaise {
				count[p] += 1000
			}
			newest[p] = max(newest[p], s.At)
		}
	}
	for i := range n.facts {
		if f := &n.facts[i]; f.product > 0 && !f.counted && f.act.unfinished() {
			count[f.product]++
			newest[f.product] = max(newest[f.product], f.at)
		}
	}
	best := 0
	for p := 1; p <= len(j.Products); p++ {
		if count[p] > 0 && (best == 0 || count[p] > count[best] || count[p] == count[best] && newest[p] > newest[best]) {
			best = p
		}
	}
	return best
}

// count reads PropCount: how many a summary property counted in one step.
func count(st *journey.Step) (n int, counted bool) {
	if len(st.Event.Properties) == 0 || fold(st.Event.Kind) == "invite" {
		return 1, false
	}
	s, ok := st.Event.Properties[connectors.PropCount]
	if !ok {
		return 1, false
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > 1_000_000 {
		return 1, false
	}
	return n, true
}

func eventID(st *journey.Step) string {
	if st.Event.ID != "" {
		return st.Event.ID
	}
	return st.ID
}

func unix(at int64, loc *time.Location) time.Time { return time.Unix(at, 0).In(loc) }

func runes(s string) int { return utf8.RuneCountInString(s) }
