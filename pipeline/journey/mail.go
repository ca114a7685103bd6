package journey

import (
	"slices"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
)

// marked says whether the vendor marks a mail's open or click as made by a machine.
func marked(ev *connectors.Event) bool {
	return ev.Properties[connectors.PropMachine] == "true" || ownsUp(ev) || ev.Kind != connectors.KindEmailOpen && ev.Kind != connectors.KindEmailClick &&
		slices.ContainsFunc(strings.Split(connectors.Fold(ev.Kind), "_"), func(w string) bool { return machineWords[w] })
}

// machineWords name who did it where an event's name does: "Email Machine Opened", "unique_proxy_open".
var machineWords = map[string]bool{"machine": true, "proxy": true, "bot": true, "mpp": true, "prefetch": true, "prefetched": true}

// A mail's footer: links that nobody opens who wants something. Texts hold as a whole, or as a part of a short one where they name
// the act.
var (
	unsubscribePaths = anywhere("unsubscribe", "unsubscribe-*", "*-unsubscribe", "unsubscribed", "unsubscription", "unsub", "optout", "opt-out", "list-unsubscribe", "abmelden", "abmeldung", "*-abmelden", "*-abmeldung", "newsletterabmeldung", "abbestellen", "*-abbestellen", "austragen", "desabonner", "se-desabonner",
		"desinscription", "desabonnement", "darse-de-baja", "baja", "cancelar-suscripcion", "disiscriviti", "disiscrizione", "afmelden", "uitschrijven", "wypisz")
	footerPaths = append(anywhere("*preferences", "preference-center", "preference-centre", "manage-subscription", "manage-subscriptions", "subscription-center", "subscription-management", "email-settings", "email-einstellungen", "newsletter-einstellungen", "manage-preferences", "preferences-center", "update-profile",
		"webversion", "web-version", "view-in-browser", "viewinbrowser", "browser-view", "view-online", "view-email", "webview", "onlineversion", "online-version", "online-ansicht",
		"privacy-policy", "datenschutz", "datenschutzerklaerung", "imprint", "impressum", "mentions-legales", "forward-to-a-friend", "report-abuse", "honeypot", "mail-view", "emailview", "mailing-view", "view-as-webpage", "newsletter-archive", "online-lesen", "privacy-notice", "privacy-statement", "datenschutzhinweise", "datenschutzinformation", "email-in-browser"),
		first("privacy", "legal", "terms", "agb", "cookies")...)
	unsubscribeTexts = []string{"unsubscribe", "opt out", "abmelden", "abbestellen", "austragen", "se désabonner", "désinscription", "desinscribirse", "se désinscrire", "me désabonner", "darse de baja", "cancelar suscripción", "cancelar la suscripción", "stop receiving", "no longer want to receive", "do not want to receive", "remove me from this list", "vom newsletter abmelden", "keine weiteren e mails", "keine e mails mehr",
		"disiscriviti", "annulla iscrizione", "afmelden", "uitschrijven", "wypisz się", "zrezygnuj z subskrypcji", "avregistrera", "avmeld", "afmeld", "cancelar inscrição", "odhlásit", "leiratkozás"}
	footerTexts = []string{"view in browser", "view in your browser", "view it in your browser", "open in browser", "open in your browser", "view this email", "view email", "webversion", "onlineversion", "browserversion",
		"im browser ansehen", "im browser öffnen", "im browser anzeigen", "im browser lesen", "voir dans le navigateur", "ver en el navegador",
		"manage preferences", "email preferences", "update preferences", "your preferences", "preference center", "preference centre", "manage subscription", "einstellungen ändern", "einstellungen verwalten",
		"privacy policy", "privacy notice", "privacy statement", "datenschutzerklärung", "datenschutzhinweise", "legal notice", "terms of service", "terms of use", "terms and conditions", "forward to a friend"}
	footerWords = []string{"view online", "read online", "web version", "online version", "browser version", "im browser", "online ansehen", "online lesen", "version en ligne", "privacy", "datenschutz", "imprint", "impressum", "legal", "terms", "agb", "preferences", "einstellungen", "mentions légales", "confidentialité", "privacidad"}
)

// footerLink says why a mail's link is no signal: WhyUnsubscribed, WhyFooter, or "" if it is one like others.
func (b *Builder) footerLink(it *item) string {
	switch {
	case it.page != nil && it.page.footer != "":
		return it.page.footer
	case it.ev.ElementText == "":
		return ""
	}
	text := words(cut(it.ev.ElementText, maxText))
	if len(text) > 9 {
		return ""
	}
	f := footer()
	switch {
	case anyIn(f.unsubscribeTexts, text):
		return WhyUnsubscribed
	case anyIn(f.texts, text), wholly(f.words, text):
		return WhyFooter
	}
	return ""
}

// footerPage is what footerLink says of a link to a page, by its path alone.
func footerPage(segs []string) string {
	f := footer()
	switch segs = afterLanguage(segs); {
	case f.unsubscribe.match(segs):
		return WhyUnsubscribed
	case f.paths.match(segs):
		return WhyFooter
	}
	return ""
}

// answer says why a mail's reply is no request: sent by a machine, or a plain no. "" if it is one.
func (b *Builder) answer(ev *connectors.Event) string {
	p := ev.Properties
	title := words(cut(subject(ev), maxText))
	m := replies()
	begins := func(ps []phrase) bool { // "Read: Your offer"
		head, _, marked := strings.Cut(subject(ev), ":")
		return marked && wholly(ps, words(head))
	}
	// A subject that is answered to may speak of anything; only how it goes on tells then.
	says := func(ps []phrase) bool {
		if len(title) == 0 || !m.answers[title[0]] {
			return anyIn(ps, title)
		}
		return slices.ContainsFunc(ps, func(p phrase) bool {
			return (len(p) > 1 || len(title) == 2 && !strings.Contains(p[0], "*")) && len(p) < len(title) && p.in(title[1:1+len(p)])
		})
	}
	from := strings.ToLower(firstOf(p["from"], p["sender"], p["from_email"]))
	text := words(cut(firstOf(p["text"], p["body"], p["message"], p["content"], p["reply"], p["snippet"]), maxValue))
	switch {
	case says(m.bounces), hasAny(from, "mailer-daemon", "postmaster@"), anyIn(m.failed, text):
		return WhyBounce
	case begins(m.declined):
		return WhyCancelled
	case says(m.automatic), begins(m.receipts), automaticHeader(p), hasAny(from, "noreply@", "no-reply@", "donotreply@", "do-not-reply@"),
		anyIn(m.notices, title) && !m.answers[title[0]], anyIn(m.absent, text):
		return WhyAutoReply
	case anyIn(m.refusals, text) && !anyIn(b.c.forms.request, text), len(text) == 1 && anyIn(footer().unsubscribeTexts, text):
		return WhyRefused
	}
	return ""
}

// automaticHeader looks for what RFC 3834 and the mail programs before it mark their answers with.
func automaticHeader(p map[string]string) bool {
	var buf [32]byte
	for k, v := range p {
		if len(k) > len(buf) {
			continue
		}
		v = strings.ToLower(v)
		switch string(mark(k, &buf)) {
		case "autosubmitted":
			if v != "" && v != "no" {
				return true
			}
		case "xautoreply", "xautorespond", "xautoresponse", "autoreply", "isautoreply", "autoreplied", "automatic", "isautomatic", "automated", "outofoffice", "isoutofoffice", "ooo", "isooo", "autoresponse", "isautoresponse", "vacation":
			if isYes(v) {
				return true
			}
		case "replytype", "responsetype", "messagetype", "emailtype", "classification", "category", "label", "intent", "sentiment", "disposition", "type":
			switch letters(v) {
			case "autoreply", "automaticreply", "automatic", "auto", "autoresponse", "outofoffice", "ooo", "vacation", "automated", "absence", "abwesenheit", "abwesend":
				return true
			}
		case "xautoresponsesuppress", "xmsexchangeinboxrulesloop":
			if v != "" && v != "none" {
				return true
			}
		case "precedence":
			if v == "bulk" || v == "junk" || v == "auto_reply" || v == "auto-reply" {
				return true
			}
		}
	}
	return false
}

// meeting says why a meeting is no signal: cancelled or missed. "" if it is one.
func meeting(kind string, p map[string]string) string {
	switch kind {
	case connectors.KindMeetingCancelled:
		return WhyCancelled
	case connectors.KindMeetingMissed:
		return WhyMissed
	}
	var buf [32]byte
	why := ""
	for k, v := range p {
		if len(k) > len(buf) || v == "" {
			continue
		}
		switch string(mark(k, &buf)) {
		case "outcome", "status", "state", "result", "meetingoutcome", "meetingstatus", "hsmeetingoutcome", "inviteestatus", "attendance", "attendeestatus", "attendancestatus", "responsestatus", "response", "bookingstatus", "appointmentstatus", "eventstatus", "calloutcome", "callstatus", "partstat", "ergebnis":
			why = firstOf(why, outcome(letters(v)))
		case "cancelled", "canceled", "iscancelled", "iscanceled", "deleted", "isdeleted", "declined", "isdeclined", "rejected":
			if isYes(v) {
				return WhyCancelled
			}
		case "cancelledat", "canceledat", "cancelreason", "cancellationreason", "cancelledby", "canceledby", "cancelerror", "deletedat", "rejectionreason":
			return WhyCancelled
		case "noshow", "isnoshow", "missed", "inviteenoshow", "noshowhost", "absent":
			if isYes(v) {
				why = firstOf(why, WhyMissed)
			}
		case "attended", "didattend", "showedup", "showed", "joined", "present":
			if v = strings.ToLower(v); v == "false" || v == "0" || v == "no" || v == "nein" {
				why = firstOf(why, WhyMissed)
			}
		}
	}
	return why
}

// outcome reads the word for what came of a meeting.
func outcome(word string) string {
	for _, w := range []string{"cancel", "declin", "delet", "reject", "withdraw", "revoked", "void", "removed", "abgesagt", "storn", "abgelehnt", "abgebrochen", "zurückgezogen", "annul", "refus", "rechazad", "anulad", "geannuleerd", "odwołan"} {
		if strings.HasPrefix(word, w) {
			return WhyCancelled
		}
	}
	for _, w := range []string{"noshow", "missed", "notattended", "didnotattend", "didntattend", "notattending", "didnotshow", "unattended", "absent", "nichterschienen", "nichtteilgenommen", "verpasst", "versäumt", "nonpresent", "manqu", "noasist", "ausente"} {
		if strings.Contains(word, w) {
			return WhyMissed
		}
	}
	return ""
}

// voidMeetings takes back the bookings of meetings that were cancelled or missed: that of the same id where both have one, else the
// newest before.
func voidMeetings(s *scratch) {
	for i := range s.items {
		end := &s.items[i]
		if !isMeeting(end.kind) {
			continue
		}
		why := meeting(end.kind, end.ev.Properties)
		if why == "" {
			continue
		}
		id := meetingID(end.ev.Properties)
		for k := i - 1; k >= 0; k-- {
			o := &s.items[k]
			if !isMeeting(o.kind) || o.void != "" || meeting(o.kind, o.ev.Properties) != "" {
				continue
			}
			if other := meetingID(o.ev.Properties); id != "" && other != "" && id != other {
				continue
			}
			o.void = why
			break
		}
	}
}

// voidFooters takes back the views of pages that a footer's link led to.
func (b *Builder) voidFooters(s *scratch) {
	for i := range s.items {
		click := &s.items[i]
		if click.kind != connectors.KindEmailClick || click.page == nil || b.footerLink(click) == "" {
			continue
		}
		for k := i + 1; k < len(s.items) && s.items[k].at.Sub(click.at) < time.Minute; k++ {
			if o := &s.items[k]; o.kind == connectors.KindPageView && o.page != nil && o.page.key == click.page.key {
				o.void = WhyFooter
			}
		}
	}
}

func isMeeting(kind string) bool {
	switch kind {
	case connectors.KindMeeting, connectors.KindBooking, connectors.KindMeetingCancelled, connectors.KindMeetingMissed:
		return true
	}
	return false
}

func meetingID(p map[string]string) string {
	return firstOf(p["meeting_id"], p["booking_id"], p["event_id"], p["uid"], p["meeting"], p["start"], p["start_time"])
}
