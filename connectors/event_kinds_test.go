package connectors

import "testing"

// What trackers call an event is read as its kind, however it is spelled.
func TestEventKind(t *testing.T) {
	for kind, names := range map[string][]string{
		KindPageView:         {"page_view", "pageview", "$pageview", "Page View", "Pageview", "Page", "page_viewed", "Product Viewed", "Viewed Page", "pageView", "[Amplitude] Page Viewed", "$mp_web_page_view", "view_item", "$screen", "Loaded a Page", "screen_view"},
		KindClick:            {"$autocapture", "$rageclick", "CTAClicked", "Button Clicked", "[Amplitude] Element Clicked", "$mp_click", "link-click"},
		KindDwell:            {"$pageleave", "page_ping", "user_engagement"},
		KindFormSubmit:       {"Form Submitted", "form_submission", "FORM-SUBMIT", "generate_lead", "hs-form-submission", "submitForm", "form_submit"},
		KindFormStart:        {"form_start", "Form Started"},
		KindDemoRequest:      {"Demo_Request", "demo-request", "Demo Request", "Demo Requested", "requestDemo", "book_a_demo", "Demo Booked", "Request a demo"},
		KindContactRequest:   {"contact_sales", "Contact Sales", "callback_requested", "Enquiry Submitted"},
		KindQuoteRequest:     {"Quote Requested", "request_a_quote", "get-quote"},
		KindTrial:            {"Trial Started", "start_free_trial", "trial"},
		KindSignUp:           {"signup", "Signed Up", "sign_up", "User Registered", "Account Created"},
		KindCart:             {"add_to_cart", "Product Added", "view_cart", "AddToCart"},
		KindCheckout:         {"begin_checkout", "Checkout Started", "InitiateCheckout"},
		KindPurchase:         {"Order Completed", "purchase"},
		KindWebinar:          {"Webinar Registered", "webinar_signup", "attended webinar"},
		KindInvite:           {"Invite Sent", "user_invited", "Team Member Invited"},
		KindChat:             {"Chat Started", "live_chat_started"},
		KindCalculator:       {"calculator", "Calculator Used", "roi_calculator_used", "Product Configured"},
		KindBooking:          {"Meeting Booked", "calendly.event_scheduled", "booking"},
		KindMeetingCancelled: {"meeting cancelled", "Meeting Canceled"},
		KindMeetingMissed:    {"meeting_no_show", "No-Show"},
		KindUnsubscribe:      {"Unsubscribed", "email_unsubscribed", "opt-out"},
		KindBounce:           {"Email Bounced"},
		KindAutoReply:        {"autoreply", "out of office"},
		KindEmailOpen:        {"Email Opened", "email_opens"},
		KindEmailClick:       {"Email Link Clicked", "email.clicked"},
		KindSearch:           {"view_search_results", "Products Searched", "site_search"},
		KindVideo:            {"Video Playback Started", "video_complete"},
		KindVisit:            {"session_start", "first_visit"},
		KindIdentify:         {"$identify", "$create_alias", "identify"},
		KindTracker:          {"$web_vitals", "$feature_flag_called"},
		"hand_raise":         {"hand_raise", "Hand Raise"},
	} {
		for _, name := range names {
			if got, known := EventKind(name); got != kind || !known {
				t.Errorf("%q is %q (known: %v), want %q", name, got, known, kind)
			}
		}
	}
	for name, want := range map[string]string{"Widget Frobnicated": "widget_frobnicated", "$": "", "größeGeändert": "größe_geändert"} {
		if got, known := EventKind(name); got != want || known {
			t.Errorf("%q is %q (known: %v), want %q, unknown", name, got, known, want)
		}
	}
}

// Every kind has one spelling of its own, and no spelling means two kinds.
func TestSpellings(t *testing.T) {
	of := map[string]string{}
	for kind, names := range spellings {
		for _, name := range append(names, kind) {
			if other, ok := of[kindKey(name)]; ok && other != kind {
				t.Errorf("%q means %s and %s", name, other, kind)
			}
			of[kindKey(name)] = kind
		}
	}
}
