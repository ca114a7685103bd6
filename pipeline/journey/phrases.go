package journey

import "sync"

// Words of mails in the languages that the lists speak: English, German, French and Spanish, and the subjects under which common mail
// programs of other languages answer by themselves.

var replies = sync.OnceValue(func() (m struct {
	bounces, automatic, notices, receipts, declined, absent, failed, refusals []phrase
	answers                                                                   map[string]bool
}) {
	m.bounces = phrases([]string{"undeliverable", "unzustellbar*", "could not send message", "was not delivered", "wasn t delivered", "couldn t be delivered", "hasn t been delivered", "message rejected", "rejected as spam", "non recapitato", "undelivered", "undelivered mail", "delivery status notification", "delivery failure", "delivery failed", "delivery has failed", "mail delivery failed",
		"mail delivery subsystem", "failure notice", "returned mail", "message not delivered", "could not be delivered", "mail system error", "unzustellbar", "nicht zustellbar", "zustellung fehlgeschlagen",
		"fehler bei der zustellung", "non remis", "échec de remise", "échec de la remise", "échec de livraison", "remise impossible", "non distribuable", "non distribué", "no se puede entregar", "no entregado", "no se ha podido entregar", "error de entrega", "mensaje devuelto",
		"consegna non riuscita", "mancato recapito", "mancata consegna", "recapito non riuscito", "onbestelbaar", "niet bezorgd", "kan niet worden bezorgd", "niedostarczon*", "niedostarczalne", "não entregue", "falha na entrega", "olevererbart", "kunde inte levereras", "kunne ikke leveres", "leveringsfejl",
		"не доставлено", "недоставленное*", "teslim edilemedi", "nedoručitelné", "配信不能*", "無法傳遞*", "未送达*", "退信*", "returned to sender", "address not found", "recipient not found", "user unknown", "mailbox full", "mailbox unavailable", "mailbox not found", "quota exceeded", "delivery incomplete", "delivery delayed", "delivery problem",
		"delivery notification", "delivery has been delayed", "konnte nicht zugestellt", "kann nicht zugestellt", "zustellfehler", "zustellproblem", "zustellung verzögert", "rückläufer", "empfänger unbekannt", "postfach voll"})
	m.automatic = phrases([]string{"automatic reply", "auto reply", "autoreply", "auto response", "autoresponse", "automated reply", "automated response", "auto responder", "out of office", "out of the office",
		"ooo", "away from the office", "away from my desk", "annual leave", "parental leave", "maternity leave", "paternity leave", "i am on vacation", "i am on holiday", "on vacation until", "on holiday until",
		"abwesenheitsnotiz", "abwesenheit", "abwesenheits*", "automatische antwort", "automatische abwesenheit*", "nicht im büro", "außer haus", "im urlaub bis", "bin im urlaub", "in elternzeit",
		"réponse automatique", "absence du bureau", "absent du bureau", "en congé", "respuesta automática", "fuera de la oficina", "risposta automatica", "fuori ufficio", "automatisch antwoord", "afwezigheid*",
		"resposta automática", "autosvar", "automatisk svar", "automatiskt svar", "frånvaro", "frånvarande", "fravær*", "ikke på kontoret", "automaattinen vastaus", "poissaolo*", "odpowiedź automatyczna", "automatyczna odpowiedź", "poza biurem", "nieobecność",
		"automatická odpověď", "automatická odpoveď", "mimo kancelář", "automatikus válasz", "házon kívül", "răspuns automat", "otomatik yanıt", "otomatik cevap", "ofis dışında", "автоматический ответ", "автоответ*", "автоматична відповідь", "αυτόματη απάντηση", "自動応答*", "自動返信*", "不在*", "自动回复*", "自动答复*", "自動回覆*", "자동*", "부재*",
		"risposta automatica", "fuori sede", "fora do escritório", "hors du bureau", "automatische reactie", "buiten kantoor", "büroabwesenheit*", "krankheitsbedingt abwesend",
		"ooo re", "auto re", "auto antwort", "autom antwort", "automatische rückantwort", "nicht im hause", "nicht im haus", "message d absence", "fuera de oficina", "fuori dall ufficio", "sono in ferie", "we received your", "delivery receipt", "auto response", "autoresponder", "autoantwort", "automatische benachrichtigung", "automatische eingangsbestätigung", "empfangsbestätigung", "automatic acknowledgement", "automatic confirmation", "automatic message", "automated message", "automatic email", "away message", "away until", "on leave until", "sick leave",
		"limited access to email", "travelling with limited"})
	m.automatic = append(m.automatic, phrases([]string{"vacation reply", "vacation response", "vacation notice", "holiday notice", "urlaubsnotiz", "urlaubsmeldung", "urlaubsvertretung", "abwesend", "eingangsbestätigung", "lesebestätigung",
		"read receipt", "has been received", "we have received your", "no longer with", "left the company", "no longer employed", "nicht mehr im unternehmen", "ausgeschieden", "accusé de réception", "accusé de lecture", "acuse de recibo", "confirmación de lectura", "conferma di lettura", "leesbevestiging"})...)
	// Of a subject that is no answer's: what a person answers to may well say so.
	m.notices = phrases([]string{"absence", "thanks for reaching out", "thank you for reaching out", "has been created", "has been logged", "wurde erfasst", "wurde erstellt", "on leave", "away", "absent", "absente", "assente", "assenza", "ausente", "ausencia", "ausência", "afwezig", "poissa", "nieobecny", "de vacaciones", "en vacances", "im urlaub", "urlaub vom", "auf dienstreise", "met verlof", "elternzeit", "mutterschutz", "betriebsferien", "betriebsurlaub",
		"office closed", "out of town", "currently unavailable", "ticket created", "ticket received", "new ticket", "request received", "your ticket", "thank you for contacting", "thanks for contacting", "thank you for your email", "thank you for your message", "thanks for your email", "vielen dank für ihre nachricht",
		"vielen dank für ihre e mail", "vielen dank für ihre mail", "ihre anfrage ist eingegangen", "ihre nachricht ist eingegangen", "merci pour votre message", "gracias por su mensaje", "has left the", "has moved on from", "new email address", "change of email address", "neue e mail adresse"})
	m.answers = map[string]bool{"re": true, "aw": true, "antw": true, "antwort": true, "sv": true, "vs": true, "ref": true, "rif": true, "r": true, "odp": true, "ynt": true, "rv": true, "tr": true, "fw": true, "fwd": true, "wg": true}
	m.declined = phrases([]string{"declined", "canceled", "cancelled", "abgesagt", "abgelehnt", "annulé", "refusé", "cancelado", "rechazado", "rifiutato", "geweigerd"}) // "Declined: Demo"
	m.failed = phrases([]string{"recipient address rejected", "user unknown", "no such user", "mailbox full", "mailbox unavailable", "mailbox is full", "email account that you tried to reach", "address couldn t be found", "address not found", "message couldn t be delivered", "message could not be delivered",
		"wasn t delivered to", "delivery has failed", "konnte nicht zugestellt werden", "nicht zugestellt werden konnte"})
	m.receipts = phrases([]string{"read", "not read", "gelesen", "ungelesen", "lu", "leído", "letto", "gelezen", "przeczytano", "lido", "tentative"}) // "Read: your offer"
	m.absent = phrases([]string{"i am out of office", "i am out of the office", "i am currently out of", "i m currently out", "currently out of the office", "currently out of office", "out of office until", "out of the office until", "out of the office from", "on vacation until", "on holiday until", "on leave until", "on my return", "upon my return", "when i return", "automated response", "i m out of the office", "this is an automatic reply", "this is an automated", "ich bin derzeit nicht im büro", "im moment nicht im büro", "zurzeit nicht im büro", "in dringenden fällen", "im urlaub und habe", "je suis en congés", "je suis actuellement en congés", "estoy de vacaciones", "sono in ferie",
		"ich bin nicht im büro", "ich bin außer haus", "bin ich nicht erreichbar", "dies ist eine automatische", "je suis absent", "je suis actuellement absent", "estoy fuera de la oficina", "sono fuori ufficio", "ik ben afwezig", "jestem poza biurem", "i am currently on leave", "i am currently away", "i am currently travelling", "i am on annual leave", "i am on leave",
		"i am on parental leave", "i am on maternity leave", "limited access to my email", "limited access to email", "with limited access", "mailbox is not monitored", "inbox is not monitored", "address is not monitored", "do not reply to this", "this message was sent automatically", "this is an auto", "your message has been received", "we have received your",
		"ticket has been created", "will respond upon my return", "will reply upon my return", "ich bin zurzeit nicht", "ich bin bis", "derzeit nicht im haus", "nicht weitergeleitet", "keinen zugriff auf meine", "automatisch erstellt", "automatisch generiert", "bitte antworten sie nicht auf diese", "ihre nachricht ist eingegangen", "ihre anfrage ist eingegangen", "no longer with the company", "no longer works", "no longer work", "nicht mehr für das unternehmen", "nicht mehr im unternehmen"})
	m.refusals = phrases([]string{"not interested", "we re all set", "we are all set", "all set thanks", "nicht mehr schreiben", "schreiben sie mir nicht", "schreiben sie uns nicht", "gegen ihr angebot", "gegen sie entschieden", "löschen sie meine daten", "ne nous intéresse pas", "ne m intéresse pas", "no longer interested", "no interest", "please remove", "remove me", "remove us", "take me off", "take us off", "stop emailing", "stop contacting", "stop sending", "do not contact",
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
