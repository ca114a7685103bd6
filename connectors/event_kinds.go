package connectors

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
	KindCalculator       = "calculator"  // a price worked out, a product configured
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

// asking are the kinds by which somebody asks for something, or takes something back: whoever did it is not made to wait.
var asking = map[string]bool{
	"hand_raise": true, KindFormSubmit: true, KindDownload: true, KindDemoRequest: true, KindQuoteRequest: true, KindContactRequest: true, KindTrial: true, KindSignUp: true,
	KindBooking: true, KindMeeting: true, KindMeetingCancelled: true, KindEmailReply: true, KindChat: true, KindPurchase: true, KindWebinar: true, KindConsent: true,
}

// Asks says whether who did something of a kind, one of the Kind… constants or a signal type, asked for something or took something back.
func Asks(kind string) bool { return asking[kind] }
