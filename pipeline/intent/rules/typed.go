package rules

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/intent/plain"
	"github.com/intentd/intentd/pipeline/intent/redact"
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

// read is what was typed with an event.
func (a *ask) read(e *connectors.Event, red *redact.Redactor) {
	fields := redact.TypedFields(e.Properties)
	for _, k := range fields {
		if w := redact.KeyWords(k); plain.HasAny(w, itemWords...) && !plain.HasAny(w, "number", "count", "anzahl", "id", "sku", "code", "size", "many", "quantity", "type") && a.item == "" {
			a.item = itemOf(e.Properties[k], red)
		}
	}
	for _, k := range fields {
		v := strings.TrimSpace(e.Properties[k])
		switch w := redact.KeyWords(k); {
		case redact.Structural(k), v == a.item:
		case isNumber(v) && plain.HasAny(w, "quantity", "qty", "menge", "anzahl", "pieces", "stückzahl") && nounOf(w) == "":
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
	if e.ElementText != "" && !redact.Labelled(e.Kind) {
		a.text(e.ElementText, red)
	}
}

// itemWords are words of a field's name by which its value names what somebody wants.
var itemWords = []string{"product", "produkt", "item", "article", "artikel", "model", "modell", "gerät", "geraet", "machine", "maschine", "device", "vehicle", "fahrzeug"}

// itemOf is the name of a thing that a field holds: up to six words, nothing that a sentence is made of. "" if it is something else.
func itemOf(v string, red *redact.Redactor) string {
	v, _ = red.Clean(plain.Text(strings.TrimSpace(v), 60))
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

// field reads one property: a number takes its noun from the property's name, a date what it is for.
func (a *ask) field(name, value string, red *redact.Redactor) {
	words := redact.KeyWords(name)
	value = strings.TrimSpace(value)
	t := tokens(value)
	if len(t) == 0 {
		return
	}
	switch {
	case plain.HasAny(words, "deposit", "anzahlung", "downpayment"):
		return // what they have, not what it is to cost
	case plain.HasAny(words, "role", "occupation", "beruf", "status", "position", "function", "funktion") && len(t) <= 2 && plain.HasAny(redact.KeyWords(value), "student", "studentin", "studierende", "studierender", "pupil"):
		a.student, a.any = true, true
		return
	case plain.HasAny(words, "term", "duration", "laufzeit", "period", "months", "monate"):
		if len(t) == 1 && isNumber(t[0]) && plain.HasAny(words, "months", "monate") {
			t = append(t, "months")
		}
		if q, n := quantityAt(t, 0); n == len(t) && durations[strings.ToLower(q.noun)] != "" {
			a.term, a.any = q, true
			return
		}
	case plain.HasAny(words, "budget", "amount", "sum", "betrag", "value", "price", "total", "loan", "kredit"):
		if len(t) <= 3 {
			value = strings.TrimSpace(value)
			if !strings.ContainsAny(value, "€$£") && currencyOf(t[0]) == "" && currencyOf(t[len(t)-1]) == "" {
				return // an amount without a currency says too little
			}
		}
		if plain.HasAny(words, "budget") && !strings.Contains(strings.ToLower(value), "budget") {
			value = "budget " + value
		}
		if plain.HasAny(words, "person", "each", "kopf", "head", "teilnehmer") {
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
	case plain.HasAny(words, "destination", "ziel", "reiseziel", "wohin") && len(t) <= 3 && !isNumber(t[0]):
		if place := itemOf(value, red); place != "" {
			a.place, a.any = place, true
		}
		return
	case plain.HasAny(words, "company", "firm", "firma", "unternehmen", "organisation", "organization") && plain.HasAny(words, "size", "größe", "groesse", "employees", "mitarbeiter") || plain.HasAny(words, "unternehmensgröße", "firmengröße", "companysize"):
		if size := strings.NewReplacer("–", "-", " - ", "-", " to ", "-", " bis ", "-").Replace(value); isRange(size) || isNumber(strings.TrimSuffix(size, "+")) {
			a.company, a.any = strings.ReplaceAll(size, "-", "–"), true
		}
		return // what they are, not what they want
	case plain.HasAny(words, "competitor", "rival", "alternative", "wettbewerber", "vendor", "current", "tool", "system", "anbieter", "aktuell", "aktuelle", "bisher", "bisherige", "bisheriger") && len(t) <= 3 && !plain.HasAny(words, "message"):
		as := considered
		if plain.HasAny(words, "current", "tool", "system", "anbieter", "aktuell", "aktuelle", "bisher", "bisherige", "bisheriger") {
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
		case plain.HasAny([]string{w}, "from", "ab", "von", "anreise", "arrival", "begin", "beginn", "checkin", "pickup") || strings.HasSuffix(w, "beginn"):
			return "from"
		case plain.HasAny([]string{w}, "end", "ende", "to", "until", "till", "abreise", "departure", "return", "rückgabe") || strings.HasSuffix(w, "ende"):
			return "to"
		case plain.HasAny([]string{w}, "by", "bis", "due", "deadline", "latest", "frist", "before") || strings.HasSuffix(w, "frist"):
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

func (a *ask) rival(name string, as rivalAs, red *redact.Redactor) {
	name, _ = red.Clean(strings.TrimSpace(strings.Trim(name, " .,;!?")))
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
	return unicode.IsUpper(r) && !commonCapital[strings.ToLower(w[0])] && !plain.LooksLikeHost(strings.ToLower(s)) && monthNamed(strings.ToLower(w[0])) == 0
}

var commonCapital = plain.Set("we i our the a an this that please hello hi dear you it they excel yes no none other spreadsheets none nothing wir ich unser unsere der die das ein eine bitte hallo sie es excel keine keins other")

// leavable is what people replace that is no rival.
var leavable = plain.Set("spreadsheets spreadsheet excel paper tabellen papier excel-listen")

// orders are words by which free text speaks to software rather than to a salesperson.
var orders = regexp.MustCompile(`(?i)\b(ignore|disregard|forget)\b.{0,40}\b(previous|above|prior|instructions?|rules?|prompts?|anweisung\w*)|\b(system|assistant|developer)\s*:|\b(rate|score|rank|mark|classify|set|give)\b.{0,40}\b(me|us|this|lead|high|100|score|tier)\b|\bprompt\b|\bas an ai\b|\byou are now\b|\binstructions?\b|\bignorier\w*|\bbewerte\b|<\w+|javascript:|hyperlink\(`)

// linkLike finds a link or a bare address in free text.
var linkLike = regexp.MustCompile(`(?i)https?:|www\.|\b[a-z0-9-]+\.(?:com|net|org|io|de|ru|info|biz|shop|xyz|co|example)\b`)

// text reads free text.
func (a *ask) text(s string, red *redact.Redactor) {
	s = plain.Stripped(s, 1500)
	if s == "" {
		return
	}
	a.any = true
	if orders.MatchString(s) {
		a.hostile = true
		return
	}
	if red != nil {
		s, _ = red.Clean(s)
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

func (a *ask) rivalsIn(s string, red *redact.Redactor) {
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

func lastWord(s string) string {
	return strings.ToLower(s[strings.LastIndexByte(s, ' ')+1:])
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
var datives = plain.Set("mit bei von in an aus zu nach auf")

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

var interviewOn = regexp.MustCompile(`(?i)\binterview\b(?:[^.,;]{0,20}?\b(?:on|about|zu|über|zum)\s+((?:[\p{L}-]+ ?){1,3}))?`)

// noun says whether a rival is a thing rather than a name: "Spreadsheets", "factoring".
func noun(s string) bool {
	return leavable[strings.ToLower(s)] || strings.HasSuffix(strings.ToLower(s), "ing")
}

func extraGerman(en string) string {
	for _, e := range extraWords {
		if e.en == en {
			return e.de
		}
	}
	return en
}
