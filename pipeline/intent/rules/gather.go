package rules

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/intent/act"
	"github.com/intentd/intentd/pipeline/intent/plain"
	"github.com/intentd/intentd/pipeline/intent/redact"
	"github.com/intentd/intentd/pipeline/journey"
)

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
	a := act.Of(st, sig)
	switch st.Why {
	case journey.WhyMachine, journey.WhyTold, journey.WhyRule, journey.WhyScanner, journey.WhyMonitor, journey.WhyBot, journey.WhyFlood, journey.WhySensitive, journey.WhyFooter,
		journey.WhyAutoReply, journey.WhyBounce, journey.WhyTracker:
		return
	case journey.WhyRefused:
		a = act.Refuse
	case journey.WhyUnsubscribed:
		a = act.Unsubscribe
	case journey.WhyCancelled:
		if a != act.Meeting {
			a = act.Cancel
		}
	case journey.WhyMissed:
		if a != act.Meeting { // when it was booked
			a = act.Miss
		}
	}
	if a == act.None {
		return
	}
	if st.Why == journey.WhyColleague && !a.Request() {
		return
	}
	e, kind := &st.Event, act.Fold(st.Event.Kind)
	f := fact{act: a, ask: &nothing, at: e.Time.Unix(), first: e.Time.Unix(), count: 1, counted: sig != nil, sent: e.Properties[connectors.PropForm] != "" || e.Kind == connectors.KindFormSubmit}
	if k, counted := act.Counted(st); counted {
		f.summary, f.count = k, k
	}
	if sig != nil {
		f.product = sig.Product
	}
	f.title, f.german = n.titleOf(a, st, sig)
	page := act.AddressOf(e.URL)
	if page.Home {
		f.title, f.german = "", false // a slogan
	}
	f.german = f.german || page.German
	switch {
	case st.Why == journey.WhyColleague:
		f.colleague = colleagueName(e.Properties)
	case redact.Typing(kind) || f.sent || a == act.Search || a == act.Calculate || a == act.Booking || a == act.Use || a == act.Refuse:
		f.ask = &ask{searched: a == act.Search || a == act.Booking}
		f.ask.read(e, &n.red)
		n.trimNames(f.ask)
		n.namesRival(f.ask, e)
	}
	if (a == act.Reply || a == act.Enquiry || a == act.Callback) && f.ask.refuses && len(f.ask.quantities) == 0 {
		f.act, f.form = act.Refuse, a != act.Reply
	}
	if page.Webinar || strings.Contains(kind, "webinar") {
		f.kind = "webinar"
	}
	n.details(&f, e)
	if sig == nil && a.Page() && (st.Why == journey.WhyExcluded || st.Why == journey.WhyRepeat) {
		return // a page that does not count tells nothing
	}
	if f.product == 0 && (a.Unfinished() || a.Request() || a == act.Sample || a == act.Calculate) {
		f.product = n.productIn(f.item + " " + f.title + " " + f.ask.item)
		if f.product == 0 && f.ask.any && !f.ask.hostile {
			f.product = n.productTyped(e)
		}
	}
	n.topicsOf(&f, st, sig)
	n.add(&f, act.EventID(st))
}

// titleOf is what the page, form or file of a step may be called, and whether that is German: trusted, without the site's name, and no link.
func (n *note) titleOf(a act.Act, st *journey.Step, sig *journey.Signal) (title string, german bool) {
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
	if left, right, ok := strings.Cut(t, ": "); ok && plain.HasAny(plain.Words(left), "linkedin", "facebook", "meta", "google", "instagram", "tiktok", "xing") {
		t = right // the form of an advertisement
	}
	switch a {
	case act.Download:
		t = cmp.Or(n.fileOf(e), t)
	case act.Register, act.Attend:
		t = n.eventOf(e, t)
	}
	c := n.site.captionOf(t)
	if c.machine {
		t = ""
		if st.Trusted {
			t = e.PageTitle
		}
		c = n.site.captionOf(t)
	}
	t, german, untellable := c.text, c.german, c.untellable
	if n.red.MayName(c.text, c.lower) {
		t = n.red.Names(t)
		german, untellable = germanTitle(t), strings.Contains(t, "[") || n.site.mayNotBeTold(t)
	}
	if untellable {
		return "", false
	}
	return t, german
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
		if v != "" && !act.MachineName(v) {
			return v
		}
	}
	return e.ElementText
}

// eventOf is what somebody registered for, t being what its form or page is called: the field that names it, where t only says that it is
// a registration.
func (n *note) eventOf(e *connectors.Event, t string) string {
	kind, rest, _ := docKind(t)
	if kind == "" && act.OfForm(t) == act.Register || kind != "" && registering(rest) {
		for _, k := range eventKeys {
			if v := n.label(e.Properties[k]); v != "" {
				return v
			}
		}
		if p := e.PageTitle; p != "" && !registering(p) && len(plain.Words(p)) > len(plain.Words(t)) {
			return p
		}
	}
	return t
}

// eventKeys are the fields that name an event somebody registers for.
var eventKeys = []string{"webinar", "webinar_title", "event_title", "event_name", "session_title", "topic", "thema", "titel", "title", "subject", "veranstaltung", "kurs", "course", "workshop", "seminar"}

// registering says that a name has no more to it than that somebody registers: "Registration", "Anmeldung zum Webinar".
func registering(s string) bool {
	for _, w := range plain.Words(s) {
		if !strings.HasSuffix(w, "anmeldung") && !strings.HasSuffix(w, "formular") && !registerWords[w] {
			return false
		}
	}
	return true
}

var registerWords = plain.Set("registration register sign up signup form rsvp webinar webinars event events online live jetzt anmelden zum zur zu für for the our a seminar workshop veranstaltung teilnahme seat save your spot")

// details reads what an event says beside its kind.
func (n *note) details(f *fact, e *connectors.Event) {
	p := e.Properties
	switch f.act {
	case act.Price:
		f.item = act.AddressOf(e.URL).Prices
	case act.Compare:
		f.rival = n.site.rivals.Of(page{f.title, e.URL, n.products, false}, func() string { return n.rivalOfPage(f.title, e.URL) })
		if f.rival == "" {
			f.rival = n.site.knownRival(f.title + " " + strings.ReplaceAll(act.PathOf(e.URL), "-", " "))
		}
	case act.Trial:
		f.date = dateOf(p, "trial_end", "trial_ends_at", "trial_end_date", "trial_ends", "expires_at", "expires", "end_date", "ends_at", "testende", "valid_until")
	case act.Begun, act.Cart, act.Checkout, act.Booking, act.Stuck, act.Use, act.Order:
		for _, k := range []string{"left_at", "abandoned_at", "last_field", "field", "last_step", "step", "step_name", "checkout_step", "stage"} {
			if w := n.label(p[k]); w != "" {
				f.where, f.field = w, strings.Contains(k, "field")
				break
			}
		}
		keys := []string{"product", "product_name", "item", "item_name", "name", "trip", "destination", "feature", "object", "task", "title"}
		if f.act == act.Stuck || f.act == act.Use {
			keys = []string{"feature", "task", "object", "name", "action", "title"}
		}
		for _, k := range keys {
			if w := n.label(p[k]); w != "" {
				f.item = w
				break
			}
		}
		if f.item == "" {
			if m := listedName.FindStringSubmatch(cmp.Or(p["products"], p["items"])); m != nil {
				f.item = n.label(m[1])
			}
		}
		if f.act != act.Stuck && f.act != act.Use && f.act != act.Begun {
			amount, currency := cmp.Or(p["value"], p["total"], p["amount"], p["price"], p["revenue"]), cmp.Or(p["currency"], p["currency_code"])
			if t := tokens(amount + " " + currency); len(t) > 0 {
				if m, k := moneyAt(t, 0); k > 0 {
					f.price = m
				}
			}
		}
		if f.item == "" && f.act == act.Begun {
			f.item = f.title
		}
	case act.Register, act.Attend, act.Meeting, act.Cancel, act.Miss:
		f.date = dateOf(p, "date", "event_date", "starts_at", "start", "start_time", "scheduled_for", "on", "meeting_date", "webinar_date", "datum", "termin", "wann", "beginn", "session_date", "day", "tag", "invitee_start_time", "event_start_time", "scheduled_at", "slot")
		if f.title == "" {
			f.title = n.label(cmp.Or(p["title"], p["subject"], p["webinar"], p["event_name"], p["event_type_name"], p["meeting_type"], p["name"]))
			f.german = act.AddressOf(e.URL).German || germanTitle(f.title)
		}
	case act.Invite:
		if k, err := strconv.Atoi(cmp.Or(p["count"], p["invited"], p["invitations"], p["number"])); err == nil && k > 0 && k < 1000 {
			f.count = k
		}
	case act.JobApply:
		f.item = n.label(cmp.Or(p["role"], p["position"], p["job"], p["job_title"], p["vacancy"], p["stelle"], p["stellenbezeichnung"]))
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
	for _, k := range redact.TypedFields(e.Properties) {
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
	name := cmp.Or(p["colleague"], p["name"], strings.TrimSpace(p["first_name"]+" "+p["last_name"]))
	if w := strings.Fields(name); len(w) < 1 || len(w) > 4 || strings.ContainsAny(name, "@/<>:=0123456789") || len(name) > 50 {
		return "?"
	}
	return name
}

// add merges f, which the event id tells of, with the same thing done before.
func (n *note) add(f *fact, id string) {
	f.is = act.TraitsOf(f.act)
	for i := len(n.facts) - 1; i >= 0; i-- {
		g := &n.facts[i]
		if g.act != f.act || g.colleague != f.colleague || !n.same(g, f) {
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
		if f.act == act.Read || f.act == act.Click || f.act == act.Open {
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
	case act.Price, act.Terms, act.OrderPage, act.Calculate:
		return a.product == b.product
	case act.Compare:
		return a.product == b.product && a.rival == b.rival
	case act.Product:
		return a.product == b.product && (a.product > 0 || a.title == b.title)
	case act.Read:
		return a.title == b.title && slices.Equal(a.subjects, b.subjects)
	case act.Case, act.Help, act.Careers, act.Visit, act.Open, act.Click, act.Search, act.Chat, act.Invite, act.Use, act.Newsletter, act.Unsubscribe, act.Mention, act.News:
		return true
	case act.Cart, act.Checkout, act.Booking, act.Begun, act.Stuck:
		return b.at-a.at < 2*86400 || a.title == b.title
	case act.Download, act.Register, act.Attend:
		return a.title == b.title
	}
	return a.act.Request() && b.at-a.at < 600 && a.act != act.Reply
}

// finish settles what only the whole shows: a form that was sent in the end was not left, an order ends a cart.
func (n *note) finish() {
	for i := range n.facts {
		f := &n.facts[i]
		if !f.act.Unfinished() {
			continue
		}
		for k := range n.facts {
			g := &n.facts[k]
			ends := g.at > f.first && g.colleague == "" && (g.act == act.Order ||
				f.act == act.Begun && g.sent && g.act != act.Newsletter && g.act != act.Begun && (act.OfForm(f.item) == g.act || act.OfForm(f.item) == act.None && g.act.Request()) || f.act == act.Cart && (g.act == act.Checkout && g.at >= f.at))
			if ends {
				if f.act == act.Cart && g.item == "" && g.product == 0 {
					g.item, g.product, g.title = f.item, f.product, f.title
				}
				f.act = act.None
			}
		}
	}
	if met := n.newest(act.Met); met != nil {
		for i := range n.facts {
			if f := &n.facts[i]; f.act == act.Meeting && f.colleague == "" && f.at <= met.at {
				f.act = act.None // it has taken place
			}
		}
	}
	stuck := n.newest(act.Stuck)
	for i := range n.facts {
		if f := &n.facts[i]; f.act == act.Trial && stuck != nil && stuck.at >= f.first && stuck.product == 0 {
			stuck.product = f.product
		}
	}
	n.facts = slices.DeleteFunc(n.facts, func(f fact) bool { return f.act == act.None })
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
		if len(w) == 0 || len(w) > 3 || allIn(plain.Words(strings.Join(w, " ")), noSubject) || strings.EqualFold(w[0], "others") || strings.EqualFold(w[0], "insurers") {
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
	parts := strings.Split(strings.Trim(strings.ToLower(act.PathOf(raw)), "/"), "/")
	last := parts[len(parts)-1]
	if l, r, ok := strings.Cut(last, "-vs-"); ok {
		if x := clean(strings.ReplaceAll(r, "-", " ")); x != "" {
			return titled(x)
		}
		return titled(clean(strings.ReplaceAll(l, "-", " ")))
	}
	return ""
}

// namesRival notes a rival of the config that was typed without a word of comparison: "Jobgrid renewal is on 31 January".
func (n *note) namesRival(a *ask, e *connectors.Event) {
	if len(a.rivals) > 0 || a.hostile || !a.any {
		return
	}
	for key, v := range e.Properties {
		if r := n.site.knownRival(v); r != "" && key != connectors.PropForm && (a.named == "" || r < a.named) {
			a.named = r
		}
	}
}
