package intent

// phrases is one language of the rules engine. In templates {p} is a product, {t} a title in quotation marks, {d} a date, {f} the
// first date, {n} and {v} numbers in words.
type phrases struct {
	months      [12]string // with what stands between day and month
	numbers     [13]string
	open, close string // quotation marks
	and         string // between the last two of a list

	acts     [actKinds]actPhrases
	after    string // introduces what was read before an act that is no reading
	also     string // introduces what else was read
	visits   string // "; three visits since 3 Nov"
	views    string // "; 14 page views over 3 visits, last on 18 Nov"
	viewOnly string // the same without a number of visits

	leans     string // product, share of signals; numbers as digits
	read      string // introduces the list of pages
	times     string // "(3 times, last on 18 Nov)"
	once      string // "(18 Nov)"
	oneVisit  string
	manyVisit string // visits, first and last date
	sameDay   string // several visits, one day
	oneView   string // appended
	manyViews string
	summary   string // page views and visits of a CRM's summary, last date
	summary1  string // page views alone
	clicks    string // several e-mail clicks, last date
	back      string // came back after a pause: date, days
	topics    string
	only      string // nothing else is known
	company   [3]string
}

// actPhrases is how one kind of act is told: the headline with product, without, with title; within a list of acts; the next step
// with product or title, and without either.
type actPhrases struct{ product, bare, title, list, next, nextBare string }

func (p *phrases) number(n int) string {
	if n >= 0 && n < len(p.numbers) {
		return p.numbers[n]
	}
	return ""
}

func phrasesFor(language string) *phrases {
	if language == "de" {
		return &german
	}
	return &english
}

var english = phrases{
	months:  [12]string{" Jan", " Feb", " Mar", " Apr", " May", " Jun", " Jul", " Aug", " Sep", " Oct", " Nov", " Dec"},
	numbers: [13]string{"no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"},
	open:    "“", close: "”", and: " and ",
	acts: [actKinds]actPhrases{
		actDemo:        {"Asked for a demo of {p} on {d}", "Asked for a demo on {d}", "", "asked for a demo on {d}", "Offer a date for the demo of {p} they asked for on {d}.", "Offer a date for the demo they asked for on {d}."},
		actMeeting:     {"", "Booked a meeting on {d}", "", "booked a meeting on {d}", "Prepare the meeting booked on {d} around {p}.", "Prepare the meeting they booked on {d}."},
		actReply:       {"", "Replied to an e-mail on {d}", "", "replied to an e-mail on {d}", "", "Answer their e-mail of {d}."},
		actContact:     {"Sent a request about {p} on {d}", "Sent a request on {d}", "Sent {t} on {d}", "sent a request on {d}", "Answer their request about {p} of {d}.", "Answer their request of {d}."},
		actAsk:         {"", "Asked in public for a product on {d}", "", "asked in public for a product on {d}", "", "Answer what they asked in public on {d}."},
		actTrial:       {"Started a trial of {p} on {d}", "Started a trial on {d}", "", "started a trial on {d}", "Ask how the trial of {p} that began on {d} goes.", "Ask how the trial that began on {d} goes."},
		actApply:       {"Started an order of {p} on {d}", "Started an order on {d}", "Went to {t} on {d}", "started an order on {d}", "Help them finish the order of {p} begun on {d}.", "Help them finish what they began on {d}."},
		actForm:        {"Filled in a form about {p} on {d}", "Filled in a form on {d}", "Filled in {t} on {d}", "filled in a form on {d}", "Follow up on the form about {p} of {d}.", "Follow up on the form of {d}."},
		actDownload:    {"Downloaded material on {p} on {d}", "Downloaded material on {d}", "Downloaded {t} on {d}", "downloaded material on {d}", "Ask what they made of the material on {p} downloaded on {d}.", "Ask what they made of the download of {d}."},
		actContract:    {"Read the contract pages of {p} on {d}", "Read the contract pages on {d}", "Read {t} on {d}", "", "Offer help with the contract for {p}; they read its terms on {d}.", "Offer help with the contract; they read its terms on {d}."},
		actPrice:       {"Read the prices of {p} on {d}", "Read the prices on {d}", "Read {t} on {d}", "", "Offer a quote for {p}; they read the prices on {d}.", "Offer a quote; they read the prices on {d}."},
		actCompare:     {"Compared {p} with others on {d}", "Read a comparison on {d}", "Read {t} on {d}", "", "Show how {p} compares; they read a comparison on {d}.", "Show how you compare; they read a comparison on {d}."},
		actContent:     {"Read about {p} on {d}", "Read a key page on {d}", "Read {t} on {d}", "", "Send more on {p}; they read about it on {d}.", "Send more on what they read on {d}."},
		actProduct:     {"Looked at {p} on {d}", "Looked at product pages on {d}", "Read {t} on {d}", "", "Send more on {p}; they looked at it on {d}.", "Send more on what they looked at on {d}."},
		actClick:       {"", "Clicked an e-mail link on {d}", "Clicked a link in {t} on {d}", "clicked an e-mail link on {d}", "Follow up on the e-mail they clicked on {d}, with {p} in mind.", "Follow up on the e-mail they clicked on {d}."},
		actVisit:       {"Read about {p} on {d}", "Visited the site on {d}", "Read {t} on {d}", "", "Wait for a clearer sign of interest in {p}; the last visit was on {d}.", "Wait for a clearer sign; the last visit was on {d}."},
		actMention:     {"", "Mentioned the brand in public on {d}", "", "mentioned the brand in public on {d}", "", "Thank them for the mention of {d}."},
		actOpen:        {"", "Opened e-mails, last on {d}; nothing more yet", "", "opened e-mails, last on {d}", "", "Wait for a click or a visit; an opened e-mail (last on {d}) says little."},
		actCompanyNews: {"", "No act of their own; company news on {d}", "", "", "", "Watch for a first visit; all there is so far is company news of {d}."},
	},
	after: " after reading ", also: ", also ",
	visits: "; {v} visits since {f}", views: "; {n} page views over {v} visits, last on {d}", viewOnly: "; {n} page views, last on {d}",
	leans: "Leans to {p}, which {n} of {v} signals are about.",
	read:  "Read ", times: " ({n} times, last on {d})", once: " ({d})",
	oneVisit: "One visit on {d}", manyVisit: "{v} visits between {f} and {d}", sameDay: "{v} visits on {d}",
	oneView: " with one page view.", manyViews: " with {n} page views.",
	summary: "The CRM counts {n} page views over {v} visits, the last on {d}.", summary1: "The CRM counts {n} page views, the last on {d}.",
	clicks: "clicked {n} e-mail links, the last on {d}",
	back:   "Came back on {d} after {n} days without activity.",
	topics: "Topics read about: ", only: "That is all that is known so far; it dates from {d}.",
	company: [3]string{"Company news: funding on {d}.", "Company news: a job posting on {d}.", "Company news: a change of technology on {d}."},
}

var german = phrases{
	months:  [12]string{". Jan.", ". Feb.", ". März", ". Apr.", ". Mai", ". Juni", ". Juli", ". Aug.", ". Sept.", ". Okt.", ". Nov.", ". Dez."},
	numbers: [13]string{"kein", "ein", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn", "elf", "zwölf"},
	open:    "„", close: "“", and: " und ",
	acts: [actKinds]actPhrases{
		actDemo:        {"Wünscht eine Demo zu {p} (angefragt am {d})", "Wünscht eine Demo (angefragt am {d})", "", "Demo angefragt am {d}", "Einen Termin für die am {d} angefragte Demo zu {p} anbieten.", "Einen Termin für die am {d} angefragte Demo anbieten."},
		actMeeting:     {"", "Hat am {d} einen Termin gebucht", "", "Termin gebucht am {d}", "Den am {d} gebuchten Termin vorbereiten, Schwerpunkt {p}.", "Den am {d} gebuchten Termin vorbereiten."},
		actReply:       {"", "Hat am {d} auf eine E-Mail geantwortet", "", "auf eine E-Mail geantwortet am {d}", "", "Die E-Mail vom {d} beantworten."},
		actContact:     {"Hat am {d} zu {p} angefragt", "Hat am {d} eine Anfrage gesendet", "Hat am {d} {t} gesendet", "Anfrage gesendet am {d}", "Die Anfrage zu {p} vom {d} beantworten.", "Die Anfrage vom {d} beantworten."},
		actAsk:         {"", "Hat am {d} öffentlich nach einem Produkt gefragt", "", "öffentlich nach einem Produkt gefragt am {d}", "", "Auf die öffentliche Frage vom {d} antworten."},
		actTrial:       {"Testet {p} (seit dem {d})", "Hat am {d} einen Test begonnen", "", "Test begonnen am {d}", "Fragen, wie der am {d} begonnene Test von {p} läuft.", "Fragen, wie der am {d} begonnene Test läuft."},
		actApply:       {"Hat am {d} eine Bestellung von {p} begonnen", "Hat am {d} eine Bestellung begonnen", "War am {d} auf {t}", "Bestellung begonnen am {d}", "Helfen, die am {d} begonnene Bestellung von {p} abzuschließen.", "Helfen, das am {d} Begonnene abzuschließen."},
		actForm:        {"Hat am {d} ein Formular zu {p} ausgefüllt", "Hat am {d} ein Formular ausgefüllt", "Hat am {d} {t} ausgefüllt", "Formular ausgefüllt am {d}", "Auf das Formular zu {p} vom {d} eingehen.", "Auf das Formular vom {d} eingehen."},
		actDownload:    {"Hat am {d} Material zu {p} heruntergeladen", "Hat am {d} Material heruntergeladen", "Hat am {d} {t} heruntergeladen", "Material heruntergeladen am {d}", "Fragen, was das am {d} geladene Material zu {p} gebracht hat.", "Fragen, was das am {d} geladene Material gebracht hat."},
		actContract:    {"Las am {d} Vertragsseiten zu {p}", "Las am {d} die Vertragsseiten", "Las am {d} {t}", "", "Hilfe beim Vertrag zu {p} anbieten; die Bedingungen wurden am {d} gelesen.", "Hilfe beim Vertrag anbieten; die Bedingungen wurden am {d} gelesen."},
		actPrice:       {"Las am {d} die Preise von {p}", "Las am {d} die Preise", "Las am {d} {t}", "", "Ein Angebot zu {p} machen; die Preise wurden am {d} gelesen.", "Ein Angebot machen; die Preise wurden am {d} gelesen."},
		actCompare:     {"Verglich am {d} {p} mit anderen", "Las am {d} einen Vergleich", "Las am {d} {t}", "", "Zeigen, wie {p} im Vergleich steht; ein Vergleich wurde am {d} gelesen.", "Den eigenen Vergleich zeigen; einer wurde am {d} gelesen."},
		actContent:     {"Las am {d} über {p}", "Las am {d} eine wichtige Seite", "Las am {d} {t}", "", "Mehr zu {p} senden; gelesen wurde darüber am {d}.", "Mehr zu dem senden, was am {d} gelesen wurde."},
		actProduct:     {"Sah sich am {d} {p} an", "Sah sich am {d} Produktseiten an", "Las am {d} {t}", "", "Mehr zu {p} senden; angesehen am {d}.", "Mehr zu dem senden, was am {d} angesehen wurde."},
		actClick:       {"", "Klickte am {d} auf einen Link in einer E-Mail", "Klickte am {d} in {t}", "Link in einer E-Mail geklickt am {d}", "Bei der am {d} geklickten E-Mail anknüpfen, mit Blick auf {p}.", "Bei der am {d} geklickten E-Mail anknüpfen."},
		actVisit:       {"Las am {d} über {p}", "War am {d} auf der Website", "Las am {d} {t}", "", "Auf ein klareres Zeichen für {p} warten; letzter Besuch am {d}.", "Auf ein klareres Zeichen warten; letzter Besuch am {d}."},
		actMention:     {"", "Erwähnte am {d} öffentlich die Marke", "", "öffentlich die Marke erwähnt am {d}", "", "Für die Erwähnung vom {d} danken."},
		actOpen:        {"", "Öffnete E-Mails, zuletzt am {d}; sonst noch nichts", "", "E-Mails geöffnet, zuletzt am {d}", "", "Auf Klick oder Besuch warten; eine geöffnete E-Mail (zuletzt am {d}) sagt wenig."},
		actCompanyNews: {"", "Nichts Eigenes; Nachricht über die Firma am {d}", "", "", "", "Auf einen ersten Besuch achten; bisher gibt es nur die Firmennachricht vom {d}."},
	},
	after: ", las zuvor ", also: ", dazu ",
	visits: "; {v} Besuche seit dem {f}", views: "; {n} Seitenaufrufe bei {v} Besuchen, zuletzt am {d}", viewOnly: "; {n} Seitenaufrufe, zuletzt am {d}",
	leans: "Neigt zu {p}: {n} von {v} Signalen.",
	read:  "Gelesen: ", times: " ({n}-mal, zuletzt am {d})", once: " ({d})",
	oneVisit: "Ein Besuch am {d}", manyVisit: "{v} Besuche zwischen dem {f} und dem {d}", sameDay: "{v} Besuche am {d}",
	oneView: " mit einem Seitenaufruf.", manyViews: " mit {n} Seitenaufrufen.",
	summary: "Das CRM zählt {n} Seitenaufrufe bei {v} Besuchen, zuletzt am {d}.", summary1: "Das CRM zählt {n} Seitenaufrufe, zuletzt am {d}.",
	clicks: "{n} Links in E-Mails geklickt, zuletzt am {d}",
	back:   "Kam am {d} nach {n} Tagen ohne Aktivität zurück.",
	topics: "Gelesene Themen: ", only: "Mehr ist bisher nicht bekannt; es stammt vom {d}.",
	company: [3]string{"Firmennachricht: Finanzierung am {d}.", "Firmennachricht: eine Stellenanzeige am {d}.", "Firmennachricht: ein Technologiewechsel am {d}."},
}
