package connectors

import (
	"slices"
	"strings"
	"unicode"
)

// Kinds of event that intentd knows. Anything else is kept as context and becomes a signal only by a rule of the config.
const (
	KindPageView         = "page_view"
	KindClick            = "click"
	KindScroll           = "scroll"
	KindDwell            = "dwell" // time spent, a page left
	KindSearch           = "search"
	KindVideo            = "video"
	KindVisit            = "visit" // a session of which only the fact is known
	KindFormStart        = "form_start"
	KindFormSubmit       = "form_submit"
	KindDownload         = "download"
	KindDemoRequest      = "demo_request"
	KindQuoteRequest     = "quote_request"
	KindContactRequest   = "contact_request" // to sales, a call-back included
	KindTrial            = "trial"           // started
	KindSignUp           = "sign_up"         // an account was made
	KindLogIn            = "log_in"
	KindProductUse       = "product_use" // a feature of the product was used
	KindInvite           = "invite"      // a colleague was invited
	KindChat             = "chat"        // started
	KindCart             = "cart"        // looked into or filled
	KindCheckout         = "checkout"    // begun, up to the order
	KindPurchase         = "purchase"
	KindWebinar          = "webinar" // registered for or attended
	KindBooking          = "booking" // an appointment was booked by the prospect
	KindMeeting          = "meeting"
	KindMeetingCancelled = "meeting_cancelled"
	KindMeetingMissed    = "meeting_missed"
	KindEmailDelivered   = "email_delivered" // nothing the prospect did
	KindEmailOpen        = "email_open"
	KindEmailClick       = "email_click"
	KindEmailReply       = "email_reply"
	KindAutoReply        = "auto_reply"
	KindBounce           = "bounce"
	KindNewsletter       = "newsletter" // subscribed to
	KindUnsubscribe      = "unsubscribe"
	KindIdentify         = "identify"      // a tracker was told who somebody is
	KindConsent          = "consent"       // given or withdrawn
	KindTracker          = "tracker"       // what a tracker tells of itself: vitals, flags, errors; never a signal
	KindTeamActivity     = "team_activity" // calls, mails and tasks of the own team: context, never a signal
)

// spellings are the names that trackers give the kinds, as words in base form (see kindKey), so that "Page Viewed", "viewed_page" and
// "pageView" are one entry. The names are those of the ecommerce and lifecycle specifications of Segment and RudderStack, GA4's
// recommended events, the automatic events of PostHog, Mixpanel, Amplitude and Snowplow, and HubSpot's e-mail events.
var spellings = map[string][]string{
	KindPageView: {
		"page view", "page view web", "page", "screen view", "screen", "page load", "page visit", "product view", "product list view", "item view", "item list view",
		"category view", "content view", "article view", "post view", "price view", "price page view", "promotion view", "virtual page view",
	},
	KindClick: {
		"click", "button click", "cta click", "link click", "element click", "rage click", "dead click", "outbound click", "outbound link click",
		"product click", "promotion click", "banner click", "tap", "button tap", "touch", "item select", "content select", "promotion select", "auto capture",
	},
	KindScroll: {"scroll", "page scroll", "depth scroll", "scroll depth reach"},
	KindDwell:  {"dwell", "page ping", "page leave", "engagement user", "page stay", "time on page", "page time", "engagement time", "heart beat", "session end"},
	KindSearch: {"search", "product search", "site search", "result search view", "result search", "query search", "search submit"},
	KindVideo: {
		"video", "video start", "video play", "play", "video progress", "video complete", "playback video", "playback start video", "playback complete video",
		"content start video", "content complete video", "video view", "video watch", "demo video watch", "complete video watch",
	},
	KindVisit:     {"visit", "session start", "first visit", "first open", "session", "new session", "site visit", "website visit", "open app", "application open"},
	KindFormStart: {"form start", "abandon application", "application start", "begin application", "begin form", "form view", "focus form", "form open", "change form", "form interact", "abandon form"},
	KindFormSubmit: {
		"form submit", "form complete", "form fill", "form send", "submit", "form success", "complete form submit", "form submit success", "convert form",
		"form", "generate lead", "create lead", "lead", "lead submit", "capture lead", "conversion", "form lead", "form submit web",
	},
	KindDownload: {
		"download", "file download", "document download", "ebook download", "whitepaper download", "paper download white", "guide download", "asset download",
		"brochure download", "case download study", "content download", "pdf download", "resource download", "download report", "book download e",
	},
	KindDemoRequest: {
		"demo request", "demo", "book demo", "demo schedule", "demo form submit", "demo form request submit", "demo request submit", "demo sign up",
		"demo product request", "demo live request", "demo get", "ask demo",
	},
	KindQuoteRequest: {
		"quote request", "quote", "quote request submit", "get quote", "form quote submit", "price request", "offer request", "rfp submit", "rfp", "rfq submit", "rfq",
		"proposal request", "estimate request", "quotation request",
	},
	KindContactRequest: {
		"contact sales", "contact request", "contact form submit", "contact submit", "contact us", "contact form", "contact", "contact form sales submit", "back call request",
		"call request", "callback request", "enquiry", "enquiry submit", "inquiry", "inquiry submit", "sales talk to", "request sales", "contact us submit",
		"contact form us submit", "lead sales submit", "enquiry make", "inquiry make", "contact request sales", "contact sales submit",
	},
	KindTrial: {
		"trial", "start trial", "trial request", "begin trial", "free start trial", "free trial", "sign trial up", "activate trial", "free sign trial up", "create trial",
	},
	KindSignUp: {
		"sign up", "register", "account create", "user register", "create user", "complete register", "user sign up", "complete sign up", "account sign up",
		"account register", "join", "sign submit up", "complete registration", "sign success up",
	},
	KindLogIn: {"log in", "in sign", "log success in", "user log in", "in user sign", "log out", "in log success", "in sign user", "out sign"},
	KindProductUse: {
		"product use", "feature use", "use", "first use", "feature activate", "event product", "activate user", "integration connect", "integration install", "onboarding complete",
		"complete onboarding step", "complete step tutorial", "begin tutorial", "complete tutorial", "create project", "create workspace",
	},
	KindInvite: {
		"invite", "invite user", "invite send", "invitation send", "invite team", "invite member team", "invite member", "colleague invite", "invite teammate", "invitation accept",
		"accept invite", "account add user", "invitation", "group join",
	},
	KindChat: {
		"chat", "chat start", "chat open", "conversation start", "live chat start", "chat live", "chat message send", "chat conversation start", "chat widget open", "chat engage",
		"chat message", "chat bot start", "conversation open",
	},
	KindCart: {
		"cart", "add cart to", "add product", "cart view", "add cart", "cart remove from", "product remove", "basket view", "add basket to", "add to wishlist", "add product to wishlist",
		"add cart product to", "cart update", "abandon cart", "cart share", "add item", "add cart item to", "basket",
	},
	KindCheckout: {
		"checkout", "abandon book", "start book", "begin book", "abandon reservation", "reservation start", "begin checkout", "checkout start", "checkout step view", "checkout complete step", "add info payment", "enter info payment", "add info shipping",
		"initiate checkout", "abandon checkout", "checkout view", "coupon enter", "apply coupon", "order start", "add payment", "checkout progress",
	},
	KindPurchase: {
		"purchase", "complete order", "order", "order place", "make purchase", "complete purchase", "complete payment", "paid", "buy", "order paid", "checkout complete",
		"start subscription", "subscription start", "create subscription", "transaction", "payment succeed", "upgrade plan", "upgrade", "create order",
	},
	KindWebinar: {
		"webinar", "register webinar", "registration webinar", "attend webinar", "join webinar", "sign up webinar", "watch webinar", "complete webinar", "event register",
		"event registration", "attend event", "view webinar", "form submit webinar", "complete registration webinar",
	},
	KindBooking: {
		"book", "book create", "book meeting", "meeting schedule", "call schedule", "book call", "appointment book", "appointment schedule", "book complete", "create meeting",
		"calendly event schedule", "event schedule", "invitee create", "appointment", "schedule", "book confirm", "book consultation", "consultation request", "meeting request",
	},
	KindMeeting:          {"meeting", "meeting hold", "attend meeting", "complete meeting", "call complete", "meeting take place", "event meeting"},
	KindMeetingCancelled: {"cancel meeting", "book cancel", "appointment cancel", "cancel event", "call cancel", "cancel invitee", "decline meeting"},
	KindMeetingMissed:    {"meeting miss", "meeting no show", "no show", "appointment miss", "call miss", "appointment no show", "invitee no show"},
	KindEmailDelivered:   {"deliver email", "email send", "email process", "email receive", "email", "deliver", "defer email"},
	KindEmailOpen:        {"email open", "email view", "open", "email read", "email campaign open", "email first open"},
	KindEmailClick:       {"click email", "click email link", "click email link marketing", "campaign click email", "click email first", "click email url"},
	KindEmailReply:       {"email reply", "reply", "email respond", "email reply receive", "answer email"},
	KindAutoReply:        {"auto reply", "automatic reply", "office of out", "auto email reply", "office of out reply", "ooo", "auto responder"},
	KindBounce:           {"bounce", "bounce email", "bounce email hard", "bounce email soft", "bounce hard", "bounce soft", "drop email", "email fail", "email undeliverable"},
	KindNewsletter: {
		"newsletter", "newsletter subscribe", "newsletter sign up", "email subscribe", "newsletter subscription", "subscribe", "list subscribe", "form newsletter submit", "blog subscribe",
	},
	KindUnsubscribe: {"unsubscribe", "email unsubscribe", "opt out", "complaint spam", "report spam", "email mark spam", "list unsubscribe", "group unsubscribe", "email opt out"},
	KindIdentify: {
		"identify", "alias", "group", "group identify", "alias create", "set", "dangerously merge", "merge", "identify user", "set once", "update user", "link user",
	},
	KindConsent: {"consent", "consent give", "consent update", "consent withdraw", "consent revoke", "in opt", "consent grant", "consent preferences", "consent preference update", "consent preference segment update", "allow consent", "consent deny"},
	KindTracker: {
		"web vitals", "call feature flag", "exception", "error", "experiment start", "experiment view", "install application", "application update", "capture pageview web", "heatmap", "timing user",
		"performance event", "recording session", "application background", "application foreground", "application ping", "experience impression", "ad impression", "timing",
		"snapshot", "survey show", "become active", "survey dismiss", "application error", "remove app", "app update",
	},
	KindTeamActivity: {"team activity", "call outbound", "email outbound", "sales task", "task"},
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
	"products": "product", "items": "item", "a": "", "the": "", "mp": "", "amplitude": "", "ajs": "", "my": "", "an": "", "new": "", "successfull": "success",
}

// kindsByKey and knownKinds are made of the tables above.
var kindsByKey, knownKinds = func() (map[string]string, map[string]bool) {
	byKey, known := map[string]string{}, map[string]bool{}
	for kind, names := range spellings {
		known[kind] = true
		byKey[kindKey(kind)] = kind
		for _, name := range names {
			byKey[kindKey(name)] = kind
		}
	}
	for _, t := range signalTypes {
		known[t] = true
		byKey[kindKey(t)] = t
	}
	return byKey, known
}()

// EventKind is the kind that a tracker's name for an event means: one of the Kind… constants or a signal type of the score. Case,
// spaces, hyphens, "$", the order of words and the forms of verbs make no difference. A name that means neither comes back as it is
// in the form of [Fold], and known is false.
func EventKind(name string) (kind string, known bool) {
	if knownKinds[name] {
		return name, true
	}
	if kind, known = kindsByKey[kindKey(name)]; known {
		return kind, true
	}
	return Fold(name), false
}

// Fold is a name without what spellings differ in: lower case, words joined by "_".
func Fold(name string) string { return strings.Join(words(name), "_") }

// kindKey is a name's words in base form, each once, in the order of the alphabet.
func kindKey(name string) string {
	var all []string
	for _, w := range words(name) {
		if base, ok := baseForms[w]; ok {
			all = append(all, strings.Fields(base)...)
		} else {
			all = append(all, w)
		}
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), " ")
}

// words are the words of a name in lower case: "CTAClicked", "$cta-clicked" and "CTA clicked" have the same two.
func words(name string) []string {
	var out []string
	var word []rune
	end := func() {
		if len(word) > 0 {
			out, word = append(out, string(word)), word[:0]
		}
	}
	runes := []rune(name)
	for i, r := range runes {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			end()
			continue
		}
		if unicode.IsUpper(r) && i > 0 {
			afterSmall := unicode.IsLower(runes[i-1]) || unicode.IsDigit(runes[i-1])
			beforeSmall := unicode.IsUpper(runes[i-1]) && i+1 < len(runes) && unicode.IsLower(runes[i+1])
			if afterSmall || beforeSmall {
				end()
			}
		}
		word = append(word, unicode.ToLower(r))
	}
	end()
	return out
}
