package intent

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/intentd/intentd/connectors"
)

// What people type is the best evidence there is, and a stranger's text. Of it only what a small grammar recognises is carried to
// a text: quantities with their noun, dates with what they are for, amounts of money, names of rivals. No other word of it is.

// ask is what somebody typed, as far as it may be shown.
type ask struct {
	quantities []quantity
	money      []money
	dates      []deadline
	rivals     []rival
	named      string // a rival of the config that the text names without saying what for
	leaves     string // what is to be replaced, if it is no rival's name: "spreadsheets"
	term       quantity
	place      string // a name that stands alone: "Madeira"
	searched   bool   // typed into a search
	extras     []string
	budget     bool   // money is a budget, not a price or a sum asked for
	study      bool   // says that it is for a thesis or coursework
	sells      string // what they offer to us
	interview  string // the words around "interview"
	item       string // the thing that a field of the form names: "Minibagger 2,5 t"
	company    string // how many work at their company
	link       string // what they ask an interface to
	later      bool   // not now
	cancels    bool   // wants out of their contract with us
	soon       bool   // as soon as possible
	discount   bool   // asks for a better price
	extends    bool   // asks for a longer trial
	approved   bool   // says that the budget is approved
	student    bool   // says that they study
	press      bool   // writes for readers
	seeks      bool   // looks for a job
	refuses    bool   // says no
	chose      bool   // … because they chose somebody else
	chosen     string // whom
	owns       bool   // the quantities are what they have, not what they ask for
	hostile    bool   // gives orders to software, or carries a link
	german     bool   // typed in German
	any        bool   // something was typed
}

// rival is a competitor that somebody named, and what they said of it.
type rival struct {
	name string
	as   rivalAs
}

type rivalAs byte

const (
	considered rivalAs = iota // beside us
	inUse                     // today
	leaving                   // to be replaced
)

// quantity is "40 users", "8 machines for 3 cafés": numbers and nouns as typed.
type quantity struct {
	dative bool // typed in the German dative
	number string
	noun   string
	rest   string // "for 3 cafés"
	second bool   // "second P4": one more
	more   bool   // "two more languages"
	item   bool   // noun is a thing's own name
}

func (q quantity) zero() bool { return q.number == "" }

func (q quantity) typed(german bool) string {
	s := q.number + " " + q.noun
	if q.more {
		s = q.number + moreOf[german] + " " + q.noun
	}
	if q.rest != "" {
		s += " " + q.rest
	}
	return s
}

// moreOf says, in German or not, that something is wanted beside what there is.
var moreOf = map[bool]string{false: " more", true: " weitere"}

// money is an amount as typed, its currency as a code or sign.
type money struct {
	currency, amount string
	unit             string // m, k: million, thousand
	each, most       bool
	person           bool // each is a person
	monthly          bool
}

// deadline is a date with what it is for.
type deadline struct {
	when
	what string // start, bids, delivery, opening, decide, ends, visit; "" if it does not say
	prep string // by, in, on, from
}

// read is what was typed with an event.
func (a *ask) read(e *connectors.Event, red *redactor) {
	fields := typedFields(e.Properties)
	for _, k := range fields {
		if w := keyWords(k); hasAny(w, itemWords...) && !hasAny(w, "number", "count", "anzahl", "id", "sku", "code", "size", "many", "quantity", "type") && a.item == "" {
			a.item = itemOf(e.Properties[k], red)
		}
	}
	for _, k := range fields {
		v := strings.TrimSpace(e.Properties[k])
		switch w := keyWords(k); {
		case structuralWords(k), v == a.item:
		case isNumber(v) && hasAny(w, "quantity", "qty", "menge", "anzahl", "pieces", "stückzahl") && nounOf(w) == "":
			a.any = true
			if a.item != "" {
				a.quantities = append(a.quantities, quantity{number: v, noun: a.item, item: true})
				continue
			}
			a.text(v+" pieces", red)
		default:
			a.field(k, v, red)
		}
	}
	a.span()
	if e.ElementText != "" && !labelled(e.Kind) {
		a.text(e.ElementText, red)
	}
}

// itemWords are words of a field's name by which its value names what somebody wants.
var itemWords = []string{"product", "produkt", "item", "article", "artikel", "model", "modell", "gerät", "geraet", "machine", "maschine", "device", "vehicle", "fahrzeug"}

// itemOf is the name of a thing that a field holds: up to six words, nothing that a sentence is made of. "" if it is something else.
func itemOf(v string, red *redactor) string {
	v, _ = red.clean(plain(strings.TrimSpace(v), 60))
	t := tokens(v)
	if len(t) == 0 || len(t) > 6 || isNumber(t[0]) || strings.ContainsAny(v, "[…:;!?@/") || orders.MatchString(v) || linkLike.MatchString(v) || strings.IndexFunc(v, unicode.IsLetter) < 0 {
		return ""
	}
	return v
}

// span makes one of a first and a last day that stand in fields of their own.
func (a *ask) span() {
	slices.SortStableFunc(a.dates, func(x, y deadline) int { return strings.Compare(x.order(), y.order()) })
	for i := 1; i < len(a.dates); i++ {
		first, last := a.dates[i-1], a.dates[i]
		if first.prep == "from" && last.prep == "to" && first.what == "" && first.month == last.month && first.day > 0 && first.day < last.day && first.year == last.year {
			first.until = last.day
			a.dates = slices.Replace(a.dates, i-1, i+1, first)
			return
		}
	}
}

// order puts the first day before the last.
func (d deadline) order() string {
	return map[string]string{"to": "2", "from": "1"}[d.prep]
}

// field reads one property: a number takes its noun from the property's name, a date what it is for.
func (a *ask) field(name, value string, red *redactor) {
	words := keyWords(name)
	value = strings.TrimSpace(value)
	t := tokens(value)
	if len(t) == 0 {
		return
	}
	switch {
	case hasAny(words, "deposit", "anzahlung", "downpayment"):
		return // what they have, not what it is to cost
	case hasAny(words, "role", "occupation", "beruf", "status", "position", "function", "funktion") && len(t) <= 2 && hasAny(keyWords(value), "student", "studentin", "studierende", "studierender", "pupil"):
		a.student, a.any = true, true
		return
	case hasAny(words, "term", "duration", "laufzeit", "period", "months", "monate"):
		if len(t) == 1 && isNumber(t[0]) && hasAny(words, "months", "monate") {
			t = append(t, "months")
		}
		if q, n := quantityAt(t, 0); n == len(t) && durations[strings.ToLower(q.noun)] != "" {
			a.term, a.any = q, true
			return
		}
	case hasAny(words, "budget", "amount", "sum", "betrag", "value", "price", "total", "loan", "kredit"):
		if len(t) <= 3 {
			value = strings.TrimSpace(value)
			if !strings.ContainsAny(value, "€$£") && currencyOf(t[0]) == "" && currencyOf(t[len(t)-1]) == "" {
				return // an amount without a currency says too little
			}
		}
		if hasAny(words, "budget") && !strings.Contains(strings.ToLower(value), "budget") {
			value = "budget " + value
		}
		if hasAny(words, "person", "each", "kopf", "head", "teilnehmer") {
			if amountOnly.MatchString(strings.TrimPrefix(value, "budget ")) {
				red = nil
			}
			value += " per person"
		}
		if amountOnly.MatchString(value) {
			red = nil // "10000-20000" is no telephone number
		}
	case len(t) == 1 && isNumber(t[0]) && !dated(t):
		if noun := nounOf(words); noun != "" {
			a.text(value+" "+noun, red)
		}
		return
	case hasAny(words, "destination", "ziel", "reiseziel", "wohin") && len(t) <= 3 && !isNumber(t[0]):
		if place := itemOf(value, red); place != "" {
			a.place, a.any = place, true
		}
		return
	case hasAny(words, "company", "firm", "firma", "unternehmen", "organisation", "organization") && hasAny(words, "size", "größe", "groesse", "employees", "mitarbeiter") || hasAny(words, "unternehmensgröße", "firmengröße", "companysize"):
		if size := strings.NewReplacer("–", "-", " - ", "-", " to ", "-", " bis ", "-").Replace(value); isRange(size) || isNumber(strings.TrimSuffix(size, "+")) {
			a.company, a.any = strings.ReplaceAll(size, "-", "–"), true
		}
		return // what they are, not what they want
	case hasAny(words, "competitor", "rival", "alternative", "wettbewerber", "vendor", "current", "tool", "system", "anbieter", "aktuell", "aktuelle", "bisher", "bisherige", "bisheriger") && len(t) <= 3 && !hasAny(words, "message"):
		as := considered
		if hasAny(words, "current", "tool", "system", "anbieter", "aktuell", "aktuelle", "bisher", "bisherige", "bisheriger") {
			as = inUse
		}
		a.rival(value, as, red)
		return
	}
	if w, n := dateAt(t, 0); n == len(t) && !w.zero() {
		a.any = true
		a.date(deadline{when: w, what: purpose(words), prep: prepOf(words)})
		return
	}
	if isRange(value) {
		if noun := nounOf(words); noun != "" {
			value += " " + noun
		}
	}
	a.text(value, red)
}

// prepOf says whether a field's name makes its date the first day, the last one, the latest, or just a day.
func prepOf(words []string) string {
	if purpose(words) != "" {
		return "by" // a start or a delivery as they wish it
	}
	for _, w := range words {
		switch {
		case hasAny([]string{w}, "from", "ab", "von", "anreise", "arrival", "begin", "beginn", "checkin", "pickup") || strings.HasSuffix(w, "beginn"):
			return "from"
		case hasAny([]string{w}, "end", "ende", "to", "until", "till", "abreise", "departure", "return", "rückgabe") || strings.HasSuffix(w, "ende"):
			return "to"
		case hasAny([]string{w}, "by", "bis", "due", "deadline", "latest", "frist", "before") || strings.HasSuffix(w, "frist"):
			return "by"
		}
	}
	return "on"
}

// dated says that t is one date and nothing else.
func dated(t []string) bool {
	w, n := dateAt(t, 0)
	return n == len(t) && !w.zero()
}

func isRange(s string) bool {
	lo, hi, ok := strings.Cut(strings.ReplaceAll(s, "–", "-"), "-")
	return ok && isNumber(strings.TrimSpace(lo)) && isNumber(strings.TrimSpace(hi))
}

// nounOf is what a property counts: number_of_users and user_count count users.
func nounOf(words []string) string {
	var noun []string
	for _, w := range words {
		switch w {
		case "number", "of", "no", "num", "count", "anzahl", "quantity", "qty", "how", "many", "total", "estimated", "expected", "approx", "size", "der", "your", "the":
			continue
		}
		noun = append(noun, w)
	}
	if len(noun) == 0 || len(noun) > 2 {
		return ""
	}
	switch last := noun[len(noun)-1]; {
	case last == "team" || last == "company" || last == "firm" || last == "crew" || last == "staff" || last == "group" || last == "unternehmen":
		return "people"
	case last == "fleet" || last == "fuhrpark":
		return "vehicles"
	case last == "budget" || last == "score" || last == "id" || last == "duration" || last == "percent" || last == "volume" || last == "step" || last == "page" || last == "year":
		return ""
	case !strings.HasSuffix(last, "s") && nouns[last+"s"] != "":
		noun[len(noun)-1] = last + "s"
	}
	return strings.Join(noun, " ")
}

func (a *ask) rival(name string, as rivalAs, red *redactor) {
	name, _ = red.clean(strings.TrimSpace(strings.Trim(name, " .,;!?")))
	if properName(name) && !slices.ContainsFunc(a.rivals, func(r rival) bool { return strings.EqualFold(r.name, name) }) {
		a.rivals = append(a.rivals, rival{name, as})
		a.any = true
	} else if leavable[strings.ToLower(name)] {
		a.leaves, a.any = strings.ToLower(name), true
	}
}

// properName says whether s may be a company's name: one to three words, the first with a capital, nothing else in it.
func properName(s string) bool {
	w := strings.Fields(s)
	if len(w) == 0 || len(w) > 3 || len(s) > 40 || strings.ContainsAny(s, "[]@/:<>=") {
		return false
	}
	r, _ := utf8.DecodeRuneInString(s)
	return unicode.IsUpper(r) && !commonCapital[strings.ToLower(w[0])] && !looksLikeHost(strings.ToLower(s)) && monthNamed(strings.ToLower(w[0])) == 0
}

var commonCapital = set("we i our the a an this that please hello hi dear you it they excel yes no none other spreadsheets none nothing wir ich unser unsere der die das ein eine bitte hallo sie es excel keine keins other")

// leavable is what people replace that is no rival.
var leavable = set("spreadsheets spreadsheet excel paper tabellen papier excel-listen")

// orders are words by which free text speaks to software rather than to a salesperson.
var orders = regexp.MustCompile(`(?i)\b(ignore|disregard|forget)\b.{0,40}\b(previous|above|prior|instructions?|rules?|prompts?|anweisung\w*)|\b(system|assistant|developer)\s*:|\b(rate|score|rank|mark|classify|set|give)\b.{0,40}\b(me|us|this|lead|high|100|score|tier)\b|\bprompt\b|\bas an ai\b|\byou are now\b|\binstructions?\b|\bignorier\w*|\bbewerte\b|<\w+|javascript:|hyperlink\(`)

// linkLike finds a link or a bare address in free text.
var linkLike = regexp.MustCompile(`(?i)https?:|www\.|\b[a-z0-9-]+\.(?:com|net|org|io|de|ru|info|biz|shop|xyz|co|example)\b`)

// text reads free text.
func (a *ask) text(s string, red *redactor) {
	s = stripped(s, 1500)
	if s == "" {
		return
	}
	a.any = true
	if orders.MatchString(s) {
		a.hostile = true
		return
	}
	if red != nil {
		s, _ = red.clean(s)
	}
	if linkLike.MatchString(s) {
		a.hostile = true
		return
	}
	a.german = a.german || germanText(s)
	lower := strings.ToLower(s)
	a.study = a.study || studies.MatchString(lower)
	a.press = a.press || writes.MatchString(lower)
	a.seeks = a.seeks || seeks.MatchString(lower)
	a.later = a.later || laters.MatchString(lower)
	a.soon = a.soon || soon.MatchString(lower)
	a.discount = a.discount || discounts.MatchString(lower)
	a.extends = a.extends || extends.MatchString(lower)
	a.cancels = a.cancels || cancels.MatchString(lower)
	a.approved = a.approved || approved.MatchString(lower) && !unapproved.MatchString(lower)
	if m := linkTo.FindStringSubmatch(s); m != nil && properName(m[1]+m[2]) && a.link == "" {
		a.link = m[1] + m[2]
	}
	if m := refusals.FindString(lower); m != "" {
		a.refuses = true
		a.chose = a.chose || choices.MatchString(m)
	}
	if m := choice.FindStringSubmatch(s); m != nil && properName(m[1]) {
		a.chosen = m[1]
	}
	if a.sells == "" {
		if m := offers.FindStringSubmatch(s); m != nil {
			a.sells = m[1]
			if first, second, ok := strings.Cut(a.sells, " "); ok && (noNoun[strings.ToLower(second)] || a.german) {
				a.sells = first
			}
		}
	}
	if a.interview == "" {
		a.interview = interviewOn.FindString(s)
	}
	if owning.MatchString(s) {
		a.owns = true
	}
	a.rivalsIn(s, red)
	parts := clauses(s)
	for _, c := range parts {
		a.clause(c)
	}
	if len(parts) == 1 && !a.searched && a.place == strings.Join(tokens(s), " ") {
		a.place = "" // one word of a form: the dealer, the plan
	}
}

var (
	studies    = regexp.MustCompile(`\b(thesis|dissertation|coursework|term paper|seminar paper|my studies|university project|class project|abschlussarbeit|bachelorarbeit|masterarbeit|seminararbeit|hausarbeit|diplomarbeit|facharbeit|mein studium|studienarbeit)\b`)
	refusals   = regexp.MustCompile(`\b(no longer (interested|needed|need|looking)|not interested|remove (me|us) from|take (me|us) off|stop (emailing|contacting)|chose (another|a different|someone else)|went with|gone with|decided against|decided (for|on) (another|a different)|have chosen another|please stop|kein interesse|nicht mehr interess\w+|kein bedarf|nicht mehr (benötigt|nötig|aktuell)|(haben|habe|hat) (uns|mich|sich) \w* ?(für (ein|eine|einen) andere\w*|anders|dagegen)|entschieden (uns|mich) (für (ein|eine|einen) andere\w*|anders|dagegen)|absage|no budget|not a (good )?fit|not moving forward|won't be moving)\b`)
	writes     = regexp.MustCompile(`\b(press (enquiry|inquiry|request)|presseanfrage|(writing|working on|preparing|researching) (an?|the|my|our) (article|story|feature|piece|podcast|documentary)|(schreibe|recherchiere|arbeite) .{0,30}\b(artikel|beitrag|reportage|bericht)|for our readers|für unsere leser\w*|journalist(in)?)\b`)
	seeks      = regexp.MustCompile(`\b(apply(ing)? for (a|the|your|an) \w* ?(job|position|role|internship|vacancy)|looking for (a job|work|an internship)|(any )?(open positions|vacancies)|job application|initiativbewerbung|bewerbe mich|(praktikums|ausbildungs)platz|stelle als)\b`)
	laters     = regexp.MustCompile(`\b(postpone[ds]?|put (it|this|everything|the project) on hold|on hold until|not before|(get|come) back to us|contact (us|me) again|try (us|me) again|verschoben|verschieben|vertagt|zurückgestellt|erst im nächsten|melden sie sich .{0,20}(wieder|nochmal|noch einmal|ab|im)|kommen sie .{0,20}wieder auf uns zu)\b`)
	cancels    = regexp.MustCompile(`\b(cancel|terminate|end) (our|my|the) (subscription|contract|account|plan|licen[cs]es?|membership)|\b(unseren|den|meinen) (vertrag|\w*vertrag|tarif) (zum .{0,30})?(kündigen|beenden)|\bkündigung (unseres|meines|des) \w*vertrag`)
	soon       = regexp.MustCompile(`\b(asap|as soon as possible|immediately|urgent(ly)?|right away|ab sofort|so (schnell|bald) wie möglich|schnellstmöglich|dringend|umgehend)\b`)
	discounts  = regexp.MustCompile(`\b(discount|better price|lower price|cheaper|better on (the )?price|price reduction|rabatt|nachlass|preisnachlass|günstiger|besseren preis)\b`)
	extends    = regexp.MustCompile(`\bextend (our|the|my) (trial|test)|\blonger trial|\b(testphase|test|testzugang|testzeitraum) verlängern`)
	approved   = regexp.MustCompile(`\bbudget\b[^.;,]{0,20}\b(approved|granted|signed off|freigegeben|genehmigt|bewilligt)\b|\bapproved budget\b`)
	unapproved = regexp.MustCompile(`\b(not|noch nicht|nicht|until|once|when|if|sobald|wenn|bis|unless)\b[^.;]{0,40}\b(budget|approved|granted|freigegeben|genehmigt|bewilligt)\b`)
	linkTo     = regexp.MustCompile(`\b(?i:schnittstelle|anbindung|integration|integrate|integrates|connector|interface|connect|connects|connection|sync|syncs|anbinden|angebunden)(?: \pL+)? (?i:zu|zum|zur|mit|an|to|with) ([A-Z][\pL\d.-]*[\pL\d](?: [A-Z][\pL\d-]*)?)|\b(?:an|mit) ([A-Z][\pL\d.-]*[\pL\d]) (?:anbinden|anschließen|koppeln|verbinden|integrieren)\b`)
	choices    = regexp.MustCompile(`another|different|someone else|went|gone|andere`)
	choice     = regexp.MustCompile(`\b(?:(?i:we|have|has) (?i:chose|chosen|went with|gone with|decided (?:for|on))|uns (?:nun |jetzt )?für) ([A-ZÄÖÜ][\pL\d&-]*(?: [A-ZÄÖÜ][\pL\d&-]*)?)(?:[ ,.]|$)`)
	offers     = regexp.MustCompile(`(?i)\b(?:we (?:offer|supply|sell|manufacture|produce)|wir (?:bieten|liefern|produzieren|verkaufen))\s+(?:you |our |ihnen |unsere? |high-quality |hochwertige )*([\p{L}-]+(?: [\p{L}-]+)?)`)
	owning     = regexp.MustCompile(`(?i)\b(?:we|wir) (?:currently |already |derzeit |zurzeit |bereits )?(?:manage|run|operate|own|employ|have|verwalten|betreiben|disponieren|beschäftigen|bewirtschaften|haben) (?:about |around |over |rund |etwa |über |ca\. )?\d`)
	rivalAt    = regexp.MustCompile(`(?:(?i:compare[ds]? (?:you |it |this |us |\p{L}+ )?(?:with|to|against)|comparing (?:you |it |this |\p{L}+ )?(?:with|to|against)|instead of|replac(?:e|ing)|switch(?:ing)? (?:away )?from|mov(?:e|ing) (?:away )?from|migrat(?:e|ing) (?:away )?from|alternative to|currently (?:using|use|with|on)|(?:we|now) use|today with|offer from|quote from|talking to|also (?:looking at|evaluating|considering|talking to|asked|invited?)|evaluating|considering|versus|vs\.?|against|ablös(?:en|ung von)|ersetzen|wechsel(?:n)? von|umstieg von|derzeit|aktuell|statt|neben|verglichen mit|vergleich(?:en)? (?:mit|zu)|angebot von|nutzen|im einsatz|auch))\s+(?:[a-z]+ )?((?:[A-ZÄÖÜ][\p{L}\d&.-]*)(?: (?:[A-ZÄÖÜ][\p{L}\d&.-]*)){0,2})`)
	rivalBy    = regexp.MustCompile(`((?:[A-ZÄÖÜ][\p{L}\d&-]*)(?: (?:[A-ZÄÖÜ][\p{L}\d&-]*)){0,1}),? (?:(?:is|are|was|were|has been|ist|sind|wird) )?(?:also|ebenfalls|auch) (?:invited|bidding|asked|quoting|offering|angefragt|eingeladen|im Rennen)`)
	rivalEnd   = regexp.MustCompile(`(?:möchten|wollen|würden gern|werden) ([A-ZÄÖÜ][\pL\d&-]+) (?:ablösen|ersetzen|kündigen)|\bvon ([A-ZÄÖÜ][\pL\d&-]+) weg\b|\b([A-ZÄÖÜ][\pL\d&-]+) (?:im Einsatz|in use)\b`)
	plainTool  = regexp.MustCompile(`(?i)(listen?|formulare?|tabellen?|software|lösung(en)?|systeme?|programme?|tools?|geräte?|maschinen?|fahrzeuge?)$`)
	rivalNext  = regexp.MustCompile(`^(?:,? (?:and|und|or|oder)|,) ([A-ZÄÖÜ][\p{L}\d&-]*)`)
	leaveAt    = regexp.MustCompile(`(?i)\b(?:leave|replac\w+|away from|instead of|off|ablös\w*|weg von|statt|ersetz\w*)\b[^.,;]{0,30}?\b(spreadsheets?|excel|paper|tabellen|papier|excel-listen)\b|\b(tabellen|excel-listen|spreadsheets)\b[^.,;]{0,20}\b(ablösen|ersetzen|behind|loswerden)\b`)
)

// saidAs is what the words around a rival's name say of it.
func saidAs(words string) rivalAs {
	switch low := strings.ToLower(words); {
	case leaveWords.MatchString(low):
		return leaving
	case useWords.MatchString(low):
		return inUse
	}
	return considered
}

var (
	leaveWords = regexp.MustCompile(`replac|switch|mov(e|ing) |migrat|ablös|ersetz|kündigen|wechsel|umstieg| weg$`)
	useWords   = regexp.MustCompile(`current|we use|now use|today|derzeit|aktuell|nutzen|einsatz|in use`)
)

func (a *ask) rivalsIn(s string, red *redactor) {
	if m := rivalEnd.FindStringSubmatch(s); m != nil && !plainTool.MatchString(m[1]+m[2]+m[3]) {
		a.rival(m[1]+m[2]+m[3], saidAs(m[0]), red)
	}
	for _, re := range []*regexp.Regexp{rivalBy, rivalAt} {
		for _, m := range re.FindAllStringSubmatch(s, 4) {
			if a.german && !strings.Contains(m[0], "mit ") && !strings.Contains(m[0], "von ") && !strings.Contains(m[0], "statt ") && re == rivalAt {
				continue // every German noun has a capital
			}
			before, _, _ := strings.Cut(m[0], m[1])
			as := saidAs(before)
			a.rival(strings.TrimRight(m[1], ".-"), as, red)
			_, after, _ := strings.Cut(s, m[0])
			for next := rivalNext.FindStringSubmatch(after); next != nil && len(a.rivals) < 3; next = rivalNext.FindStringSubmatch(after) {
				a.rival(strings.TrimRight(next[1], ".-"), as, red)
				after = after[len(next[0]):]
			}
		}
	}
	if m := leaveAt.FindStringSubmatch(s); m != nil {
		a.leaves = strings.ToLower(m[1] + m[2])
	}
}

// clauses cuts a text at what ends one: not at the comma or point within a number or date.
func clauses(s string) []string {
	var out []string
	from := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case ',', ';', '\n', '!', '?', '|', '(', ')':
		case '.', ':':
			if i+1 < len(s) && s[i+1] != ' ' {
				continue
			}
			if s[i] == '.' && i > 0 && (s[i-1] >= '0' && s[i-1] <= '9' || monthNamed(lastWord(s[from:i])) > 0 || abbreviations[lastWord(s[from:i])]) {
				continue
			}
		default:
			continue
		}
		if s[i] == ',' && i > 0 && i+1 < len(s) && digitByte(s[i-1]) && digitByte(s[i+1]) {
			continue
		}
		out = append(out, s[from:i])
		from = i + 1
	}
	return append(out, s[from:])
}

var amountOnly = regexp.MustCompile(`^(?:budget )?[\d.,kKmM€$£ –-]+(?:EUR|USD|GBP|CHF|[eE]uro)?$`)

// moneyRange is "€10k – €20k", which is read as one amount.
var moneyRange = regexp.MustCompile(`([€$£]|EUR |USD |GBP |CHF )(\d[\d.,]*k?) ?[–-] ?(€|\$|£|EUR |USD |GBP |CHF )?(\d[\d.,]*k?)`)

// rangeOfMoney is "80.000 bis 100.000 EUR".
var rangeOfMoney = regexp.MustCompile(`(\d[\d.,]*k?) ?(?:–|-|to|bis) ?(\d[\d.,]*k?) ?(EUR|USD|GBP|CHF|Euro|€)`)

var abbreviations = set("approx ca max min no nr mio mrd st e.g i.e z.b bzw inkl incl")

func lastWord(s string) string {
	return strings.ToLower(s[strings.LastIndexByte(s, ' ')+1:])
}

func digitByte(b byte) bool { return b >= '0' && b <= '9' }

// tokens are the words of s with their inner hyphens, points and commas.
func tokens(s string) []string {
	s = moneyRange.ReplaceAllString(s, "$1$2-$4")
	s = rangeOfMoney.ReplaceAllString(s, "$1-$2 $3")
	for _, sign := range []string{"€", "$", "£"} {
		s = strings.ReplaceAll(s, sign, " "+sign+" ")
	}
	f := strings.Fields(s)
	out := f[:0]
	for _, w := range f {
		w = strings.Trim(w, "“”\"'’‘„()*!?:;,")
		if len(w) > 1 && strings.HasSuffix(w, ".") && !digitByte(w[len(w)-2]) && monthNamed(strings.ToLower(w)) == 0 && !abbreviations[strings.ToLower(strings.TrimSuffix(w, "."))] {
			w = strings.TrimSuffix(w, ".")
		}
		if w != "" {
			out = append(out, w)
		}
	}
	return out
}

// clause takes out of one clause what the grammar knows, left to right.
func (a *ask) clause(c string) {
	t := tokens(c)
	what, whatAt := "", 0
	prep := ""
	capitals, matched := 0, false
	for i := 0; i < len(t); {
		lower := strings.ToLower(t[i])
		if m, n := moneyAt(t, i); n > 0 {
			for _, w := range t[:i] {
				switch strings.ToLower(w) {
				case "most", "max", "maximum", "höchstens", "maximal", "exceed", "to", "bis":
					m.most = true
				case "budget", "budgetrahmen", "kostenrahmen":
					a.budget = true
				}
			}
			for _, w := range t[i+n:] {
				switch strings.ToLower(w) {
				case "person", "head", "kopf", "guest", "pupil", "nase":
					m.each, m.person = true, true
				case "each", "je":
					m.each = true
				case "month", "monthly", "monat", "monatlich":
					m.monthly = true
				case "budget", "budgetrahmen", "kostenrahmen":
					a.budget = true
				}
			}
			a.money = append(a.money, m)
			matched = true
			i += n
			continue
		}
		if w, n := dateAt(t, i); n > 0 && (lower != "may" || i == 0 && len(t) <= 2 || prep != "" || w.day > 0) && (lower != "mar" && lower != "start") {
			if i-whatAt > 8 {
				what = "" // too far off to be about this date
			}
			if p := purposeAfter(t[i+n:]); what == "" {
				what = p
			}
			a.date(deadline{when: w, what: what, prep: prep})
			matched = true
			i += n
			prep = ""
			continue
		}
		if q, n := quantityAt(t, i); n > 0 {
			if unit := strings.ToLower(q.noun); durations[unit] != "" {
				if a.term.zero() && i > 0 && (strings.EqualFold(t[i-1], "over") || strings.EqualFold(t[i-1], "for") || strings.EqualFold(t[i-1], "über")) {
					a.term = q
				}
			} else if len(a.quantities) < 3 {
				if i > 0 {
					before := strings.ToLower(t[i-1])
					q.more = q.more || before == "add" || before == "additional" || before == "extra" || before == "zusätzlich"
					q.dative = datives[before]
				}
				a.quantities = append(a.quantities, q)
			}
			matched = true
			i += n
			continue
		}
		if p := purpose([]string{lower}); p != "" {
			what, whatAt = p, i
		}
		switch lower {
		case "by", "until", "before", "bis", "vor", "due", "spätestens":
			prep = "by"
		case "in", "im", "during":
			prep = "in"
		case "on", "am", "at":
			prep = "on"
		case "from", "ab", "vom", "von", "since", "seit":
			prep = "from"
		default:
			if lower != "the" && lower != "zum" && lower != "dem" && lower != "of" {
				prep = ""
			}
		}
		if r, _ := utf8.DecodeRuneInString(t[i]); unicode.IsUpper(r) {
			capitals++
		}
		i++
	}
	if !matched && a.place == "" && !greetings[strings.ToLower(strings.Join(t, " "))] && capitals == len(t) && len(t) <= 2 && len(t) > 0 && properName(strings.Join(t, " ")) && len(a.quantities) == 0 {
		a.place = strings.Join(t, " ")
	}
	if !matched && len(t) > 0 && len(t) <= 3 {
		a.extra(strings.Join(t, " "))
	}
	if matched {
		if _, after, ok := strings.Cut(c, " with "); ok && len(a.quantities) > 0 && len(tokens(after)) <= 2 {
			a.extra(strings.Join(tokens(after), " "))
		} else if _, after, ok := strings.Cut(c, " mit "); ok && len(a.quantities) > 0 && len(tokens(after)) <= 2 {
			a.extra(strings.Join(tokens(after), " "))
		}
	}
}

// datives are German prepositions that bend what is counted: "mit vier Zimmern".
var datives = set("mit bei von in an aus zu nach auf")

// greetings are words with capitals that stand alone and name nothing.
var greetings = map[string]bool{"vielen dank": true, "besten dank": true, "herzlichen dank": true, "danke": true, "thanks": true, "many thanks": true, "thank you": true, "hallo": true, "hello": true, "hi": true,
	"guten tag": true, "guten morgen": true, "good morning": true, "viele grüße": true, "freundliche grüße": true, "beste grüße": true, "best regards": true, "kind regards": true, "regards": true, "cheers": true}

// extra keeps a short addition that names one of the things a quote is usually extended by.
func (a *ask) extra(s string) {
	if k := extraOf(s); k != "" && !slices.Contains(a.extras, k) && len(a.extras) < 3 {
		a.extras = append(a.extras, k)
	}
}

func (a *ask) date(d deadline) {
	for _, have := range a.dates {
		if have == d {
			return
		}
	}
	if len(a.dates) < 3 {
		a.dates = append(a.dates, d)
	}
}

// purposes are words by which somebody says what a date is for.
var purposes = map[string]string{}

func init() {
	for what, words := range map[string]string{
		"start":    "live go-live golive start starts starting started starten startet gestartet launch kick-off kickoff rollout roll-out running ready place produktivstart einführung loslegen produktiv beginnen beginn inbetriebnahme begin beginning",
		"bids":     "bids bid tender tenders proposals proposal submission submit submissions deadline abgabe angebotsfrist gebote abgabefrist einreichung frist closing",
		"delivery": "delivery deliver delivered ship shipped lieferung geliefert liefern liefertermin installed installation",
		"opening":  "opening opens open eröffnung eröffnen eröffnet",
		"decide":   "decide decides decision deciding entscheidung entscheiden entscheid",
		"ends":     "ends end expires expire expires expired expiry expiring runs endet ausläuft läuft kündigung laufzeit vertragsende",
		"renews":   "renewal renew renews renewed verlängerung verlängert",
		"visit":    "visit tour besuch besichtigung",
		"move":     "move moving umzug einzug",
	} {
		for _, w := range strings.Fields(words) {
			purposes[w] = what
		}
	}
}

func purpose(words []string) string {
	for _, w := range words {
		if p := purposes[strings.ToLower(w)]; p != "" {
			return p
		}
	}
	return ""
}

// purposeAfter reads what a date is for where that follows it: "bis 1. März produktiv".
func purposeAfter(t []string) string {
	for i, w := range t {
		if i > 2 {
			break
		}
		if p := purposes[strings.ToLower(w)]; p != "" {
			return p
		}
	}
	return ""
}

// currencies by their code, sign or name.
func currencyOf(s string) string {
	switch strings.ToLower(strings.TrimSuffix(s, ".")) {
	case "eur", "€", "euro", "euros":
		return "EUR"
	case "usd", "$", "dollar", "dollars":
		return "USD"
	case "gbp", "£", "pounds":
		return "GBP"
	case "chf", "franken", "francs":
		return "CHF"
	case "sek", "nok", "dkk", "pln", "czk", "jpy", "cad", "aud":
		return strings.ToUpper(s)
	}
	return ""
}

// moneyAt reads an amount with its currency before or behind it.
func moneyAt(t []string, i int) (m money, n int) {
	k := i
	if c := currencyOf(t[k]); c != "" && k+1 < len(t) {
		m.currency = c
		k++
	}
	amount, unit := t[k], ""
	for _, u := range []string{"mio", "m", "k"} {
		if rest, ok := strings.CutSuffix(strings.ToLower(strings.TrimSuffix(amount, ".")), u); ok && isNumber(rest) {
			amount, unit = rest, u[:1]
			break
		}
	}
	if lo, hi, ok := strings.Cut(strings.ReplaceAll(strings.ReplaceAll(t[k], "–", "-"), "k", ""), "-"); ok && isNumber(lo) && isNumber(hi) {
		amount, unit = lo+"–"+hi, map[bool]string{true: "k"}[strings.Contains(t[k], "k")]
	} else if !isNumber(amount) || strings.Count(amount, ".") > 1 && !strings.Contains(amount, ",") && m.currency == "" {
		return money{}, 0
	}
	m.amount, m.unit = strings.TrimSuffix(amount, "."), unit
	k++
	if k < len(t) && m.unit == "" {
		switch strings.ToLower(strings.TrimSuffix(t[k], ".")) {
		case "million", "millions", "mio", "millionen", "m":
			m.unit = "m"
			k++
		case "thousand", "tausend", "k", "tsd":
			m.unit = "k"
			k++
		}
	}
	if m.currency == "" {
		if k >= len(t) || currencyOf(t[k]) == "" {
			return money{}, 0
		}
		m.currency = currencyOf(t[k])
		k++
	}
	return m, k - i
}

// isNumber says whether s is a number as written: digits with points and commas inside.
func isNumber(s string) bool {
	if s == "" || !digitByte(s[0]) || len(s) > 12 {
		return false
	}
	for i := 0; i < len(s); i++ {
		if !digitByte(s[i]) && (s[i] != '.' && s[i] != ',' || i == len(s)-1) {
			return false
		}
	}
	return true
}

// spelledNumbers are numbers that people spell out. Ordinals mean one more.
var spelledNumbers = set("two three four five six seven eight nine ten eleven twelve twenty thirty forty fifty hundred dozen zwei drei vier fünf sechs sieben acht neun zehn elf zwölf zwanzig dreißig hundert")
var ordinals = set("second third another zweite zweiter zweites zweiten dritte dritten weitere weiteren")

// quantityAt reads a number with its noun: at most four words, up to a word that cannot belong to it.
func quantityAt(t []string, i int) (q quantity, n int) {
	num := strings.ToLower(t[i])
	joined, spelled := "", false
	switch {
	case ordinals[num]:
		q.second = true
	case spelledNumbers[num]:
		spelled = true
	case isNumber(num):
		if len(num) == 4 && strings.HasPrefix(num, "20") && !strings.ContainsAny(num, ".,") {
			return q, 0 // a year
		}
	default:
		lo, hi, ok := strings.Cut(strings.ReplaceAll(num, "–", "-"), "-")
		switch {
		case ok && isNumber(lo) && isNumber(hi): // 20-30
		case ok && isNumber(lo) && hi != "" && letters(hi): // 45-seat
			joined = hi
		case strings.HasSuffix(num, "+") && isNumber(strings.TrimSuffix(num, "+")):
		default:
			return q, 0
		}
	}
	if joined != "" {
		return q, 0
	}
	if q.number = t[i]; spelled {
		q.number = num // at the start of a sentence
	}
	k := i + 1
	switch next := strings.ToLower(tokenAt(t, k)); next {
	case "x":
		k++
	case "more", "additional", "further", "weitere", "zusätzliche":
		q.more = true
		k++
	}
	var noun []string
	for k < len(t) && len(noun) < 4 && (nounWord(t[k]) || purposes[strings.ToLower(t[k])] != "" && nounWord(tokenAt(t, k+1))) {
		if _, n := dateAt(t, k); n > 0 && !strings.EqualFold(t[k], "mar") {
			break
		}
		noun = append(noun, t[k])
		k++
		if last := strings.ToLower(noun[len(noun)-1]); k < len(t) && (symbols[last] || nouns[last] != "" && !tailNoun(t[k])) {
			break // a known noun ends it, unless a model's name follows
		}
	}
	if len(noun) == 0 {
		return quantity{}, 0
	}
	if q.second && !slices.ContainsFunc(noun, func(w string) bool { r, _ := utf8.DecodeRuneInString(w); return unicode.IsUpper(r) }) {
		return quantity{}, 0 // "second thoughts"
	}
	q.noun = strings.Join(noun, " ")
	if streets[strings.ToLower(noun[len(noun)-1])] {
		return quantity{}, 0 // an address
	}
	if units[strings.ToLower(q.noun)] || i > 0 && measures[strings.ToLower(q.noun)] && (strings.EqualFold(t[i-1], "with") || strings.EqualFold(t[i-1], "mit") || nounWord(t[i-1])) {
		return quantity{}, 0 // of a thing that was named before: "Arbeitsbühne mit 16 m"
	}
	rest := k
	switch at := strings.ToLower(tokenAt(t, k)); at {
	case "for", "in", "across", "at", "on", "für", "auf", "an", "im", "per", "a", "pro", "je", "und", "and":
		if r, m := restAt(t, k, at); m > 0 {
			q.rest, rest = r, k+m
		}
	}
	return q, rest - i
}

func tokenAt(t []string, k int) string {
	if k < len(t) {
		return t[k]
	}
	return ""
}

// restAt reads what a quantity is spread over: "for 3 cafés", "per month", "im Außendienst".
func restAt(t []string, k int, prep string) (string, int) {
	next := tokenAt(t, k+1)
	if next == "" {
		return "", 0
	}
	switch prep {
	case "per", "a", "pro", "je":
		if durations[strings.ToLower(next)] != "" {
			return t[k] + " " + next, 2
		}
		return "", 0
	case "und", "and":
		return "", 0
	}
	lower := strings.ToLower(next)
	if isNumber(lower) || spelledNumbers[lower] {
		noun, second := tokenAt(t, k+2), tokenAt(t, k+3)
		if !nounWord(noun) || monthNamed(strings.ToLower(noun)) > 0 || durations[strings.ToLower(noun)] != "" {
			return "", 0
		}
		if nouns[strings.ToLower(noun)] == "" && nounsBack[strings.ToLower(noun)] == "" && nounWord(second) && strings.HasSuffix(second, "s") && k+4 >= len(t) {
			return t[k] + " " + next + " " + noun + " " + second, 4
		}
		return t[k] + " " + next + " " + noun, 3
	}
	after := strings.ToLower(tokenAt(t, k+2))
	if (prep == "in" || prep == "im") && nounWord(next) && monthNamed(lower) == 0 && purposes[lower] == "" && (after == "" || after == "and" || after == "und") {
		if q, _ := dateAt(t, k+1); q.zero() {
			return t[k] + " " + next, 2
		}
	}
	return "", 0
}

// tailNoun says whether w may follow a noun as a model's name: "Pressenlinien P4".
func tailNoun(w string) bool {
	r, _ := utf8.DecodeRuneInString(w)
	return unicode.IsUpper(r) && strings.ContainsFunc(w, unicode.IsDigit)
}

var streets = set("street st road rd avenue ave lane drive boulevard square straße strasse str weg allee gasse")

// measures tell how large one thing is.
var measures = set("m cm mm t kg kw kva zoll inch gb tb v")

var units = set("% percent prozent am pm uhr clock")

// nounWord says whether w may belong to what is counted.
func nounWord(w string) bool {
	if w == "" || len(w) > 30 || noNoun[strings.ToLower(w)] || purposes[strings.ToLower(w)] != "" {
		return false
	}
	letter := false
	for _, r := range w {
		switch {
		case unicode.IsLetter(r):
			letter = true
		case unicode.IsDigit(r), r == '-', r == '’', r == '\'', r == '&', r == '/':
		default:
			return false
		}
	}
	return letter && currencyOf(w) == ""
}

func letters(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return !unicode.IsLetter(r) }) < 0
}

// noNoun are words that end a noun phrase.
var noNoun = set(`for in on at by with of to from and or but the a an this that these those we i you they our your their is are was were be will would should can
could may want wants need needs use uses using have has who which where when how about as if so than then per each every more less max min until before after since because
please within without around over under both all also not no into via currently today soon later next last running working live across up
für in an auf am im bei bis mit von zu zum zur aus und oder aber der die das den dem des ein eine einen wir ich sie unser unsere ihr ist sind war waren wird werden soll sollen
kann können möchten möchte brauchen benötigen nutzen haben hat wer wie wo wenn als pro je mehr weniger seit vor nach über unter auch nicht kein keine derzeit aktuell heute bald ab
suchen wollen planen arbeiten verteilt insgesamt sowie gern gerne bitte
replied liked rate score ignore previous instructions`)

func set(s string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(s) {
		m[w] = true
	}
	return m
}

func hasAny(words []string, of ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return slices.Contains(of, w) })
}

// germanText says whether s was typed in German, by its small words.
func germanText(s string) bool {
	de, en := 0, 0
	for _, w := range words(s) {
		switch w {
		case "wir", "für", "bis", "und", "mit", "der", "die", "das", "ein", "eine", "möchten", "brauchen", "benötigen", "im", "zum", "ab", "suchen", "ist", "sind", "bitte", "unser", "unsere", "ablösen", "nutzer", "über", "ich", "wollen", "angebot", "zwei", "personen", "mitarbeiter":
			de++
		case "we", "the", "for", "by", "and", "with", "our", "want", "need", "are", "is", "to", "of", "please", "users", "people", "looking", "would", "like", "from":
			en++
		}
	}
	return de > en
}
