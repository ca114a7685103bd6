package connectors

import "strings"

// spellings are the names that trackers give the kinds, as words in base form (see kindKey), so that "Page Viewed", "viewed_page" and
// "pageView" are one entry. The names are those of the ecommerce and lifecycle specifications of Segment and RudderStack, GA4's
// recommended events, the automatic events of PostHog, Mixpanel, Amplitude and Snowplow, and HubSpot's e-mail events, without those that acts
// tells.
var spellings = map[string][]string{
	KindPageView: {
		"page view", "page", "screen", "product view", "product list view", "item view", "item list view", "category view", "content view", "article view", "post view",
		"price view", "promotion view", "change route", "home screen", "detail product view", "gtm js", "history change", "case study view", "blog post view", "blog view",
		"landing page", "page open", "screen open", "doc view", "document view", "hit view",
	},
	KindClick: {
		"click", "touch", "item select", "content select", "promotion select", "auto capture", "outlink", "link out", "content interact", "exit link", "ad click", "out link",
	},
	KindScroll: {"scroll", "scroll75", "scroll50", "scroll90", "scroll25"},
	KindDwell: {
		"dwell", "page ping", "page leave", "engagement user", "page stay", "page time", "heart beat", "session end", "heartbeat", "spend time", "dwell time", "timer",
		"end session", "exit page", "page unload", "engage time", "engage session", "engage", "engagement page", "visibility page", "close page", "leave", "session timeout",
		"stay",
	},
	KindSearch: {"search", "filter list product", "filter"},
	KindVideo:  {"video", "media play", "media start", "media complete", "media pause", "play event", "event pause", "end event", "progress"},
	KindVisit: {
		"visit", "first open", "new session", "open app", "application open", "active site", "ae session", "arrive", "app launch", "launch app", "session visit",
		"enter site", "first visit site", "first session",
	},
	KindFormStart: {
		"form start", "abandon application", "application start", "begin application", "form interact", "change input", "change element", "complete form step",
		"change field", "field focus", "input", "application progress", "form step", "interact form", "field form interact", "application abandon",
	},
	KindFormSubmit: {
		"form submit", "convert form", "form", "generate lead", "create lead", "lead", "lead submit", "capture lead", "conversion", "form lead", "application submit",
		"confirmation load gform", "wpcf7mailsent", "wpcf7submit", "submit wpforms", "submit typeform", "form gen lead", "lead qualify", "qualify lead",
		"gravityforms submit",
	},
	KindDownload:    {"download", "click download", "data download sheet", "file view"},
	KindDemoRequest: {"demo request", "demo", "demo form submit", "demo form send"},
	KindQuoteRequest: {
		"quote request", "quote", "get quote", "form quote submit", "offer request", "rfp submit", "rfp", "rfq submit", "rfq", "quote submit", "form quote send",
		"form price submit",
	},
	KindContactRequest: {
		"contact request", "contact us", "contact form", "contact", "back call request", "call request", "sales talk to", "request sales", "lead sales submit",
		"enquiry make", "inquiry make", "expert talk to", "sales speak with", "expert speak to", "talk us to", "callback", "back call", "inquiry sales", "enquiry sales",
	},
	KindTrial: {"trial", "free trial", "evaluation start", "trial order"},
	KindSignUp: {
		"sign up", "register", "account create", "create user", "complete register", "account register", "join", "complete registration", "registration",
		"registration submit", "open account", "account open",
	},
	KindLogIn: {
		"log in", "log success in", "user log in", "in user sign", "log out", "in log success", "in sign user", "out sign", "session log in", "log in session", "log fail in",
		"authenticate",
	},
	KindProductUse: {
		"product use", "feature use", "first use", "feature activate", "event product", "integration connect", "integration install", "onboarding complete",
		"complete onboarding step", "complete step tutorial", "begin tutorial", "complete tutorial", "create project", "create workspace", "create report",
		"create dashboard", "create workflow", "data import", "api create key", "activate", "activation", "first value", "add integration", "create first report",
		"create api token", "import data", "export data", "create team", "configure integration",
	},
	KindInvite: {"invite", "account add user", "invitation", "group join", "add member", "add member team", "add seat", "share workspace", "add user"},
	KindChat:   {"chat", "conversation", "dialogue engage", "chat conversation", "message user send"},
	KindCalculator: {
		"calculator", "calculator use", "calculator complete", "calculator submit", "calculator start", "price calculator use", "price calculator", "roi calculator use",
		"roi calculator", "savings calculator use", "loan calculator use", "calculate price", "calculate savings", "calculate roi", "configurator", "configurator use",
		"configurator complete", "product configure", "configuration complete", "configuration save",
	},
	KindCart: {
		"cart", "add product", "product remove", "cart share", "add item", "basket", "add list product", "add sc", "sc view", "open sc", "product wishlist add",
	},
	KindCheckout: {
		"checkout", "abandon book", "start book", "begin book", "abandon reservation", "reservation start", "checkout complete step", "add info payment",
		"enter info payment", "add info shipping", "coupon enter", "apply coupon", "order start", "add payment", "address enter", "begin payment", "payment start",
		"shipping enter", "enter info shipping", "method payment select", "enter shipping info address",
	},
	KindPurchase: {
		"purchase", "make purchase", "complete purchase", "complete payment", "paid", "buy", "order paid", "start subscription", "subscription start", "transaction",
		"payment succeed", "upgrade plan", "upgrade", "create order", "plan subscribe", "order submit", "order success", "contract sign", "sign contract",
		"complete transaction", "order create", "order receive", "convert trial", "trial convert", "complete sale",
	},
	KindWebinar: {
		"webinar", "event register", "event registration", "attend event", "view webinar", "form submit webinar", "event live register", "register workshop",
		"webinar registrant", "attend workshop", "event sign up", "join event", "event for register", "register seminar", "attend seminar", "conference register",
		"attendance webinar", "demand on webinar",
	},
	KindBooking: {
		"book", "book create", "book complete", "create meeting", "invitee create", "appointment", "schedule", "book confirm", "consultation request", "meeting request",
		"book request", "slot book", "calendar book", "appointment create", "appointment request", "book slot", "appointment agree", "reschedule book", "book reschedule",
		"event reschedule",
	},
	KindMeeting: {
		"meeting", "meeting hold", "attend meeting", "complete meeting", "call complete", "meeting take place", "end meeting", "meeting start", "end call meeting",
		"join meeting",
	},
	KindMeetingCancelled: {"cancel meeting", "cancel event", "cancel schedule", "invitee remove", "decline event", "delete meeting", "delete appointment", "delete book"},
	KindMeetingMissed:    {"meeting miss", "attend did not", "attend did meeting not", "attend did not webinar", "attend not", "miss webinar"},
	KindEmailDelivered: {
		"deliver email", "email receive", "email", "deliver", "defer email", "process", "defer", "send", "delay delivery", "delay email", "email schedule", "email request",
		"delivery",
	},
	KindEmailOpen:  {"email open", "email view", "open unique", "message open", "human open"},
	KindEmailClick: {"click email", "click message"},
	KindEmailReply: {"email reply", "reply", "answer email", "receive reply", "message reply", "email inbound"},
	KindAutoReply:  {"auto reply", "office of out", "ooo", "auto responder", "office out reply"},
	KindBounce: {
		"bounce", "drop", "fail", "failure rendering", "reject", "block", "clean", "fail permanent", "fail temporary", "email return", "invalid email", "delivery failure",
		"error email",
	},
	KindNewsletter: {
		"newsletter", "email subscribe", "subscribe", "update subscribe", "in newsletter opt", "form newsletter", "confirm newsletter", "confirm double in opt",
		"confirm subscription",
	},
	KindUnsubscribe: {"unsubscribe", "unsub", "spamreport", "list remove", "newsletter cancel", "cancel newsletter"},
	KindIdentify: {
		"identify", "alias", "group", "group identify", "alias create", "set", "dangerously merge", "set once", "update user", "link user", "capture email", "capture phone",
		"attribution capture", "capture attribution", "contact create", "contact new", "contact update", "create profile", "profile update", "update profile", "merge user",
		"contact merge", "contact enrol", "contact import", "contact add",
	},
	KindConsent: {
		"consent", "consent give", "consent update", "consent withdraw", "consent revoke", "in opt", "consent grant", "consent preferences", "allow consent", "consent deny",
		"consent cookie", "cmp visible", "accept banner cookie", "accept cookie", "accept cookies", "consent preference segment update", "banner cookie show",
		"banner cookie", "cookie decline", "cookie reject", "cookie setting", "banner view", "consent implicit", "cookie preference",
	},
	KindTracker: {
		"web vitals", "call feature flag", "exception", "error", "experiment start", "experiment view", "install application", "application update", "capture pageview web",
		"heatmap", "performance event", "recording session", "application background", "application foreground", "application ping", "experience impression", "ad impression",
		"timing", "snapshot", "survey show", "become active", "survey dismiss", "application error", "remove app", "app update", "exposure", "network request",
		"capture replay", "record session", "dom gtm", "gtm load", "ab test view", "content impression", "element visibility", "visibility", "auto capture copy",
		"notification receive", "error java script", "error js", "404", "found not page", "app exception", "os update", "impression", "send survey", "heartbeat ping",
		"performance timing", "test view", "variation view", "dom ready", "debug", "pixel", "push notification receive", "resource load", "consent default",
		"ad impression view", "crash", "application crash", "long task", "click rage error", "log", "survey view", "survey display", "flag", "attribute install",
		"notification show", "server error", "broken link", "email verify", "password reset", "cookie set", "init", "test",
		"viewport content updated", "thrashed cursor", "main thread blocked",
	},
	KindTeamActivity: {"team activity", "call outbound", "email outbound", "task"},
}

// signalTypes are the score's own words for what a signal is. An event may name one.
var signalTypes = []string{
	"hand_raise", "social_ask", "tech_change", "job_posting", "funding", "content_view", "email_engage", "web_visit", "social_mention",
}

// baseForms bring a word of an event's name to the form that spellings use; "" drops the word.
var baseForms = map[string]string{
	"viewed": "view", "views": "view", "viewing": "view", "pageview": "page view", "pageviews": "page view", "pages": "page", "pageleave": "page leave", "loaded": "load",
	"visited": "visit", "clicked": "click", "clicks": "click", "tapped": "tap", "touched": "touch", "selected": "select", "autocapture": "auto capture", "rageclick": "rage click",
	"scrolled": "scroll", "reached": "reach", "left": "leave", "searched": "search", "results": "result", "played": "play", "watched": "watch", "watching": "watch",
	"started": "start", "begun": "begin", "began": "begin", "opened": "open", "opens": "open", "initiated": "initiate", "completed": "complete", "finished": "complete", "finish": "complete",
	"submitted": "submit", "submission": "submit", "submissions": "submit", "submits": "submit", "sent": "send", "filled": "fill", "forms": "form", "converted": "convert", "interacted": "interact", "interaction": "interact",
	"abandoned": "abandon", "abandonment": "abandon", "focused": "focus", "changed": "change", "generated": "generate", "captured": "capture", "leads": "lead", "created": "create", "creation": "create",
	"requested": "request", "requests": "request", "requesting": "request", "demos": "demo", "demonstration": "demo", "scheduled": "schedule", "schedules": "schedule", "booked": "book", "booking": "book", "bookings": "book",
	"quotes": "quote", "pricing": "price", "prices": "price", "asked": "ask", "contacted": "contact", "downloaded": "download", "downloads": "download", "trials": "trial", "activated": "activate",
	"signup": "sign up", "signups": "sign up", "signed": "sign", "registered": "register", "registers": "register", "signin": "sign in", "login": "log in", "logged": "log", "signout": "sign out", "logout": "log out",
	"used": "use", "usage": "use", "invited": "invite", "invites": "invite", "accepted": "accept", "members": "member", "chats": "chat", "chatbot": "chat bot", "livechat": "live chat", "engaged": "engage", "messages": "message",
	"added": "add", "removed": "remove", "updated": "update", "shared": "share", "entered": "enter", "applied": "apply", "placed": "place", "purchased": "purchase", "bought": "buy", "ordered": "order", "orders": "order",
	"made": "make", "paid": "paid", "succeeded": "succeed", "successful": "success", "successfully": "success", "succeeds": "succeed", "subscribed": "subscribe", "upgraded": "upgrade", "checkouts": "checkout",
	"attended": "attend", "joined": "join", "webinars": "webinar", "held": "hold", "canceled": "cancel", "cancelled": "cancel", "canceling": "cancel", "cancellation": "cancel", "declined": "decline", "missed": "miss", "noshow": "no show",
	"confirmed": "confirm", "connected": "connect", "installed": "install", "emails": "email", "mail": "email", "mails": "email", "delivered": "deliver", "received": "receive", "processed": "process", "deferred": "defer", "links": "link",
	"replied": "reply", "replies": "reply", "responded": "respond", "answered": "answer", "autoreply": "auto reply", "autoresponse": "auto reply", "autoresponder": "auto reply", "bounced": "bounce", "bounces": "bounce", "dropped": "drop",
	"failed": "fail", "unsubscribed": "unsubscribe", "unsubscribes": "unsubscribe", "unsubscription": "unsubscribe", "subscribes": "subscribe", "optout": "opt out", "optin": "opt in", "opted": "opt", "marked": "mark", "reported": "report",
	"identified": "identify", "aliased": "alias", "merged": "merge", "grouped": "group", "linked": "link", "groupidentify": "group identify", "given": "give", "granted": "grant", "withdrawn": "withdraw", "revoked": "revoke", "denied": "deny",
	"called": "call", "dismissed": "dismiss", "shown": "show", "addtocart": "add to cart", "pageping": "page ping", "rsvp": "register", "screens": "screen", "enquired": "enquiry", "inquired": "inquiry",
	"products": "product", "items": "item", "a": "", "the": "", "mp": "", "amplitude": "", "ajs": "", "hs": "", "my": "", "an": "", "successfull": "success",

	// Further forms.
	"performed": "", "ended": "end", "ends": "end", "paused": "pause", "resumed": "resume", "playing": "play", "plays": "play", "spent": "spend", "exited": "exit", "unloaded": "unload", "unloading": "unload", "filtered": "filter",
	"proceeded": "proceed", "rejected": "reject", "rejects": "reject", "blocked": "block", "cleaned": "clean", "complained": "complain", "complaints": "complaint", "spammed": "spam", "imported": "import", "import": "import", "rescheduled": "reschedule",
	"launched": "launch", "closed": "close", "signs": "sign", "deleted": "delete", "renewed": "renew", "users": "user", "adds": "add", "purchases": "purchase", "webpage": "web page", "webpagedetails": "page", "webinteraction": "", "recorded": "record",
	"preferences": "preference", "cookies": "cookie", "exposed": "exposure", "qualified": "qualify", "catalog": "catalogue", "delayed": "delay", "queued": "queue", "verified": "verify", "interrupted": "interrupt", "seminars": "seminar",
	"enrolled": "enrol", "enrolment": "enrol", "enrollment": "enrol", "engagements": "engagement", "conversations": "conversation", "demoed": "demo", "brochures": "brochure", "scrolls": "scroll", "ebooks": "ebook", "whitepapers": "whitepaper", "mailing": "email",
	"visits": "visit", "responses": "response", "impressions": "impression", "unsubs": "unsub", "configured": "configure", "newsletters": "newsletter", "enters": "enter", "errors": "error", "videos": "video", "events": "event", "taps": "tap", "opting": "opt",

	"clickthrough": "click", "screenview": "screen view", "screenviews": "screen view", "delays": "delay", "suppressed": "suppress", "bounceback": "bounce", "prod": "product", "responds": "respond", "read": "read", "confirms": "confirm", "seats": "seat", "docs": "doc",

	// German, with and without umlauts.
	"preisseite": "price page", "produktseite": "product page", "startseite": "home page", "besuchte": "visit", "nicht": "no", "erschienen": "show", "automatische": "automatic", "beratungstermin": "appointment", "kostenlose": "free", "aufgegeben": "place", "gelegt": "add",
	"ausgeführt": "", "kollegen": "colleague", "kollege": "colleague", "datenblatt": "data sheet", "broschüre": "brochure", "broschuere": "brochure", "katalog": "catalogue", "leitfaden": "guide",
	"seite": "page", "seiten": "page", "seitenaufruf": "page view", "seitenansicht": "page view", "seitenaufrufe": "page view", "aufgerufen": "view", "angesehen": "view", "angeschaut": "view", "aufruf": "view", "ansicht": "view", "besucht": "visit", "besuch": "visit",
	"geklickt": "click", "klick": "click", "angeklickt": "click", "gescrollt": "scroll", "verweildauer": "dwell", "suche": "search", "gesucht": "search", "produkt": "product", "abgespielt": "play", "gestartet": "start", "begonnen": "begin", "beginn": "begin", "abgebrochen": "abandon",
	"formular": "form", "abgesendet": "submit", "gesendet": "send", "abgeschickt": "submit", "eingereicht": "submit", "ausgefüllt": "fill", "ausgefuellt": "fill", "heruntergeladen": "download", "angefragt": "request", "angefordert": "request", "anfordern": "request", "anfragen": "request",
	"anfrage": "enquiry", "angebot": "quote", "angebote": "quote", "angebotsanfrage": "quote request", "preisanfrage": "price request", "demoanfrage": "demo request", "vorführung": "demo", "kontakt": "contact", "kontaktanfrage": "contact request", "kontaktformular": "contact form", "kontaktiert": "contact",
	"rückruf": "callback", "rueckruf": "callback", "rückrufbitte": "callback request", "testphase": "trial", "testzugang": "trial", "probezugang": "trial", "registriert": "register", "registrierung": "registration", "angemeldet": "register", "anmeldung": "register", "eingeloggt": "log in", "ausgeloggt": "log out",
	"konto": "account", "erstellt": "create", "angelegt": "create", "eingeladen": "invite", "einladung": "invitation", "warenkorb": "cart", "hinzugefügt": "add", "hinzugefuegt": "add", "entfernt": "remove", "kasse": "checkout", "bestellung": "order", "bestellt": "order", "gekauft": "buy", "kauf": "purchase", "abgeschlossen": "complete",
	"termin": "appointment", "gebucht": "book", "buchen": "book", "buchung": "book", "terminbuchung": "appointment book", "vereinbart": "schedule", "abgesagt": "cancel", "storniert": "cancel", "verpasst": "miss", "teilgenommen": "attend", "geöffnet": "open", "geoeffnet": "open", "beantwortet": "reply", "antwort": "reply",
	"abgemeldet": "unsubscribe", "abmeldung": "unsubscribe", "abbestellt": "unsubscribe", "abonniert": "subscribe", "newsletteranmeldung": "newsletter register", "newsletterabmeldung": "newsletter unsubscribe", "abwesenheitsnotiz": "absence notice", "abwesend": "absence", "unzustellbar": "undeliverable", "chatverlauf": "chat",

	// French and Spanish.
	"formulaire": "form", "envoyé": "send", "envoye": "send", "envoyée": "send", "consultée": "view", "vue": "view", "vues": "view", "téléchargement": "download", "telechargement": "download", "téléchargé": "download", "demande": "request", "devis": "quote", "démo": "demo", "panier": "cart", "commande": "order", "inscription": "sign up", "essai": "trial",
	"página": "page", "pagina": "page", "vista": "view", "visitada": "visit", "formulario": "form", "enviado": "send", "descarga": "download", "descargado": "download", "solicitud": "request", "solicitada": "request", "presupuesto": "quote", "carrito": "cart", "pedido": "order", "prueba": "trial", "registro": "registration", "clic": "click",
}

// beside are words in base form that vendors and habits put beside what an event is called: their own name, versions, prepositions.
var beside = func() map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields("gtm hs hub spot hubspot e v2 v3 mta mtm matomo mautic marketo pardot drift intercom calendly wistia vimeo youtube typeform chili piper chilipiper klaviyo segment ga ga4 zendesk zoom snowplow heap adobe linkedin facebook fb google " +
		"track tracked event custom user visitor for to with from of on at in as via by per percent is was has been web site website www online commerce ecommerce type unique live personal sales marketing product commercial sequence sequences success new machine proxy bot mpp prefetch prefetched " +
		"de du des la le les una der die das den dem ein eine einen zum zur im am für fuer von auf wurde ist per el los") {
		m[w] = true
	}
	return m
}()

// act is a kind by words of a name in base form: one of each list that is there, and none of not.
type act struct {
	kind               string
	of, with, and, not []string
}

// acts in the order in which they are tried.
var acts = func() []act {
	const (
		mail    = "email newsletter campaign mailing"
		ended   = "fail error cancel decline delete end expire refund page click remind"
		service = " support press partner supplier vendor job career feedback survey view video watch"
	)
	table := [][5]string{ // kind; of; with; and; not
		{KindFormStart, "form", "fail error invalid validation attempt"},
		{KindUnsubscribe, "unsubscribe spam complaint complain"},
		{KindUnsubscribe, "un", "subscribe"},
		{KindUnsubscribe, "opt", "out"},
		{KindAutoReply, "auto automatic automated automatische ooo absence vacation", "reply response notice"},
		{KindBounce, "bounce bounceback undeliverable"},
		{KindBounce, "email delivery message", "fail reject drop block suppress delay", "", "form chat"},
		{KindEmailReply, "email mailing sequence prospect contact", "reply respond", "", "send"},
		{KindEmailOpen, mail, "open read", "", "form app chat page"},
		{KindEmailClick, mail, "click clickthrough"},
		{KindNewsletter, "newsletter mailing blog list", "subscribe subscription sign register join submit", "", "fail error cancel page view plan"},
		{KindEmailDelivered, mail, "send deliver delivery queue process accept", "", "form reply"},
		{KindClick, "click tap", "", "", mail + " ad push sms notification"},
		{KindPageView, "page screen", "view visit load"},
		{KindMeetingMissed, "show", "no"},
		{KindMeetingMissed, "meeting appointment call book demo invitee consultation", "miss"},
		{KindMeetingCancelled, "meeting appointment call book demo invitee consultation", "cancel decline reject"},
		{KindWebinar, "webinar registrant", "register registration attend join watch sign check complete", "", ended},
		{KindWebinar, "event", "check rsvp", "", ended},
		{KindBooking, "meeting appointment call consultation", "book schedule confirm reschedule", "", ended + service},
		{KindPurchase, "checkout order subscription", "complete confirm activate place", "", ended},
		{KindPurchase, "subscription", "create", "", ended},
		{KindCart, "cart basket", "add view open update remove abandon fill put place", "", "fail error"},
		{KindCheckout, "checkout", "", "", "fail error page click"},
		{KindTrial, "trial", "start begin activate sign register request create", "", ended + " extend convert email"},
		{KindVideo, "video", "", "", "email click upload create delete"},
		{KindScroll, "scroll"},
		{KindContactRequest, "contact sales enquiry inquiry", "form", "submit send complete fill", ended + service},
		{KindContactRequest, "contact callback enquiry inquiry", "request send submit", "", ended + service},
		{KindDemoRequest, "demo", "request book schedule sign ask get order", "", ended + service + " complete hold"},
		{KindQuoteRequest, "quote quotation rfq rfp proposal estimate price", "request ask", "", ended + service + " feature"},
		{KindDownload, "download", "", "", "invoice receipt statement app application update fail error log export data page email"},
		{KindFormSubmit, "form", "submit send complete fill success response"},
		{KindFormStart, "form", "start begin view visit focus change abandon open"},
		{KindChat, "chat conversation messenger", "start open initiate begin engage create message", "", "end close rate feedback fail error"},
		{KindInvite, "invite invitation", "send user team member colleague accept teammate workspace", "", "decline cancel email meeting webinar event expire"},
		{KindSearch, "search", "", "", "job email console engine"},
		{KindSignUp, "sign", "up", "", ended + " start view email"},
		{KindVisit, "session visit", "start begin site website web", "", "end"},
		{KindDwell, "engagement attention read reading session", "time duration"},
	}
	out := make([]act, len(table))
	for i, row := range table {
		out[i] = act{row[0], strings.Fields(row[1]), strings.Fields(row[2]), strings.Fields(row[3]), strings.Fields(row[4])}
	}
	return out
}()
