package journey

import (
	"sync"
	"time"

	"github.com/intentd/intentd/connectors"
)

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

var footer = sync.OnceValue(func() (f struct {
	unsubscribe, paths             globs
	unsubscribeTexts, texts, words []phrase
}) {
	f.unsubscribe, f.paths = mustGlobs(unsubscribePaths), mustGlobs(footerPaths)
	f.unsubscribeTexts, f.texts, f.words = phrases(unsubscribeTexts), phrases(footerTexts), phrases(footerWords)
	return f
})

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
