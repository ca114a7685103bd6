package journey

import "sync"

// Words of mails in the languages that the lists speak: English, German, French and Spanish, and the subjects under which common mail
// programs of other languages answer by themselves.

var footer = sync.OnceValue(func() (f struct {
	unsubscribe, paths             globs
	unsubscribeTexts, texts, words []phrase
}) {
	f.unsubscribe, f.paths = mustGlobs(unsubscribePaths), mustGlobs(footerPaths)
	f.unsubscribeTexts, f.texts, f.words = phrases(unsubscribeTexts), phrases(footerTexts), phrases(footerWords)
	return f
})

var replies = sync.OnceValue(func() (m struct{ bounces, automatic, receipts, absent, refusals []phrase }) {
	m.bounces = phrases([]string{"undeliverable", "undelivered", "undelivered mail", "delivery status notification", "delivery failure", "delivery failed", "delivery has failed", "mail delivery failed",
		"mail delivery subsystem", "failure notice", "returned mail", "message not delivered", "could not be delivered", "mail system error", "unzustellbar", "nicht zustellbar", "zustellung fehlgeschlagen",
		"fehler bei der zustellung", "non remis", "échec de remise", "non distribuable", "no se puede entregar", "no entregado", "consegna non riuscita", "onbestelbaar"})
	m.automatic = phrases([]string{"automatic reply", "auto reply", "autoreply", "auto response", "autoresponse", "automated reply", "automated response", "auto responder", "out of office", "out of the office",
		"ooo", "away from the office", "away from my desk", "annual leave", "parental leave", "maternity leave", "paternity leave", "i am on vacation", "i am on holiday", "on vacation until", "on holiday until",
		"abwesenheitsnotiz", "abwesenheit", "abwesenheits*", "automatische antwort", "automatische abwesenheit*", "nicht im büro", "außer haus", "im urlaub bis", "bin im urlaub", "in elternzeit",
		"réponse automatique", "absence du bureau", "absent du bureau", "en congé", "respuesta automática", "fuera de la oficina", "risposta automatica", "fuori ufficio", "automatisch antwoord", "afwezigheid*",
		"resposta automática", "autosvar", "automatisk svar", "automatiskt svar", "frånvaro", "automaattinen vastaus", "odpowiedź automatyczna", "automatická odpověď"})
	m.automatic = append(m.automatic, phrases([]string{"vacation reply", "vacation response", "vacation notice", "holiday notice", "urlaubsnotiz", "urlaubsmeldung", "urlaubsvertretung", "abwesend", "eingangsbestätigung", "lesebestätigung",
		"read receipt", "has been received", "we have received your", "no longer with", "left the company", "no longer employed", "nicht mehr im unternehmen", "ausgeschieden"})...)
	m.receipts = phrases([]string{"read", "gelesen", "lu", "leído", "tentative"}) // "Read: your offer"
	m.absent = phrases([]string{"i am out of office", "i am out of the office", "i am currently out of", "i m out of the office", "this is an automatic reply", "this is an automated", "ich bin derzeit nicht im büro",
		"ich bin nicht im büro", "ich bin außer haus", "bin ich nicht erreichbar", "dies ist eine automatische", "je suis absent", "estoy fuera de la oficina"})
	m.refusals = phrases([]string{"not interested", "no longer interested", "no interest", "please remove", "remove me", "remove us", "take me off", "take us off", "stop emailing", "stop contacting", "stop sending", "do not contact",
		"don t contact", "unsubscribe me", "chose another", "chosen another", "choose another", "chosen a different", "went with another", "gone with another", "going with another", "decided against", "decided to go with",
		"decided for another", "decided on another", "have no need", "no need for", "not a fit for us", "not looking for", "no thanks", "no thank you", "kein interesse", "keinen bedarf", "kein bedarf", "nicht interessiert",
		"anders entschieden", "für einen anderen", "für eine andere", "für ein anderes", "dagegen entschieden", "bitte keine weiteren", "keine weiteren mails", "nicht mehr kontaktieren", "aus dem verteiler",
		"pas intéressé", "pas intéressée", "pas intéressés", "ne sommes pas intéressés", "no estamos interesados", "no me interesa", "no nos interesa"})
	return m
})

func mustGlobs(patterns []string) globs {
	gs, err := compileGlobs(patterns)
	if err != nil {
		panic("journey: built-in patterns: " + err.Error())
	}
	return gs
}

func compileGlobs(patterns []string) (gs globs, err error) {
	for _, p := range patterns {
		g, err := compileGlob(p)
		if err != nil {
			return nil, err
		}
		gs = append(gs, g)
	}
	return gs, nil
}

func phrases(list []string) []phrase {
	out := make([]phrase, len(list))
	for i, s := range list {
		out[i] = newPhrase(s)
	}
	return out
}
