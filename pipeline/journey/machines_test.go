package journey

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
)

// at is when so many seconds have gone by since nine o'clock of the day.
func at(seconds float64) func(*connectors.Event) {
	return func(e *connectors.Event) {
		e.Time = noon.Add(-3*time.Hour + time.Duration(seconds*float64(time.Second)))
		e.ID += fmt.Sprint(seconds)
	}
}

func from(session string) func(*connectors.Event) {
	return func(e *connectors.Event) { e.Session = session }
}

func text(s string) func(*connectors.Event) {
	return func(e *connectors.Event) { e.ElementText = s }
}

func by(agent string) func(*connectors.Event) {
	return func(e *connectors.Event) { e.UserAgent = agent }
}

// mailed is the opening of a link in the mail "nov", seconds after nine.
func mailed(seconds float64, path string, change ...func(*connectors.Event)) connectors.Event {
	e := ev(0, connectors.KindEmailClick, "https://example.com"+path, prop(connectors.PropCampaign, "nov"), at(seconds))
	e.AnonymousID = "" // the mail's sender knows no browser
	for _, f := range change {
		f(&e)
	}
	return e
}

func seen(seconds float64, path string, change ...func(*connectors.Event)) connectors.Event {
	return view(0, path, append([]func(*connectors.Event){at(seconds)}, change...)...)
}

// Machines that open the links of mails, and people who do something like it.
func TestMailScanners(t *testing.T) {
	bare := func(e *connectors.Event) { e.Properties = nil }
	of := func(campaign string) func(*connectors.Event) {
		return func(e *connectors.Event) {
			e.Properties = map[string]string{connectors.PropCampaign: campaign}
		}
	}
	for _, c := range []struct {
		name    string
		events  []connectors.Event
		signals int
		why     string // of all that is left out, unless something is a step
	}{
		{"three links in ten seconds, and their pages", []connectors.Event{mailed(0, "/pricing"), seen(1, "/pricing"), mailed(5, "/demo"), seen(5.5, "/demo"), mailed(10, "/a"), seen(11, "/a")}, 0, WhyScanner},
		{"three links in eleven seconds", []connectors.Event{mailed(0, "/pricing"), mailed(5, "/demo"), mailed(11, "/a")}, 3, ""},
		{"three links of three mails", []connectors.Event{mailed(0, "/pricing"), mailed(1, "/demo", of("oct")), mailed(2, "/a", of("sep"))}, 3, ""},
		{"one link, pressed three times", []connectors.Event{mailed(0, "/pricing"), mailed(1, "/pricing"), mailed(2, "/pricing")}, 1, ""},
		{"one link, fetched six times", []connectors.Event{mailed(0, "/a"), mailed(1, "/a"), mailed(2, "/a"), mailed(3, "/a"), mailed(4, "/a"), mailed(5, "/a")}, 0, WhyScanner},
		{"two links, one to unsubscribe", []connectors.Event{mailed(0, "/pricing"), mailed(1, "/unsubscribe?u=1")}, 0, WhyScanner},
		{"two links, one to the imprint", []connectors.Event{mailed(0, "/pricing"), seen(1, "/pricing"), mailed(8, "/impressum")}, 0, WhyScanner},
		{"prices, and a minute later unsubscribed", []connectors.Event{mailed(0, "/pricing"), mailed(60, "/unsubscribe")}, 1, WhyUnsubscribed},
		{"a burst with pauses", []connectors.Event{mailed(0, "/a"), mailed(3, "/b"), mailed(6, "/c"), mailed(15, "/d"), mailed(24, "/e")}, 0, WhyScanner},
		{"a redirect to another page", []connectors.Event{mailed(0, "/r/1"), mailed(0, "/r/2"), mailed(0, "/r/3"), seen(2, "/pricing", from("scan")), seen(3, "/compare", from("scan"))}, 0, WhyScanner},
		{"a burst, and a person two hours later", []connectors.Event{mailed(0, "/a"), mailed(1, "/b"), mailed(2, "/pricing"), seen(2, "/pricing"), seen(7200, "/pricing"), seen(7260, "/compare")}, 2, WhyScanner},
		{"a burst while somebody reads", []connectors.Event{seen(-60, "/docs", from("own")), mailed(0, "/a"), mailed(1, "/b"), mailed(2, "/c"), seen(3, "/guide", from("own"))}, 2, WhyScanner},
		{"a burst that opens the mail as well", []connectors.Event{ev(0, connectors.KindEmailOpen, "", prop(connectors.PropCampaign, "nov"), at(-1)), mailed(0, "/a"), mailed(1, "/b"), mailed(2, "/c")}, 0, WhyScanner},
		{"pages of a campaign, by whatever mark", []connectors.Event{seen(0, "/a", of("n")), seen(1, "/b", of("n")), seen(1, "/c", of("n")), seen(1, "/d", of("n")), seen(2, "/e", of("n")), seen(2, "/f", of("n"))}, 0, WhyScanner},
		{"a person who leafs through", []connectors.Event{mailed(0, "/a"), seen(1, "/a", of("nov")), seen(5, "/b", of("nov")), seen(9, "/c", of("nov"))}, 4, ""},
		{"landings alone, by their campaign", []connectors.Event{seen(0, "/a?utm_medium=email&utm_campaign=n"), seen(1, "/b?utm_medium=email&utm_campaign=n"), seen(2, "/c?utm_medium=email&utm_campaign=n")}, 0, WhyScanner},
		{"tabs opened from an advertisement", []connectors.Event{seen(0, "/a?utm_medium=cpc&utm_campaign=n"), seen(1, "/b?utm_medium=cpc&utm_campaign=n"), seen(2, "/c?utm_medium=cpc&utm_campaign=n")}, 3, ""},
		{"a click with its landing", []connectors.Event{mailed(0, "/a", bare), seen(1, "/a?utm_medium=email&utm_campaign=n"), seen(20, "/b")}, 3, ""},
		{"mails without a campaign", []connectors.Event{mailed(0, "/a", bare), mailed(1, "/b", bare), mailed(2, "/c", bare)}, 0, WhyScanner},
		{"a gateway that owns up, and the page it loads", []connectors.Event{mailed(0, "/pricing", by("Mozilla/5.0 (compatible; Barracuda Sentinel (EE))")), seen(1, "/pricing")}, 0, ""},
		{"a click that the vendor marks", []connectors.Event{mailed(0, "/pricing", prop("filteredEvent", "true"))}, 0, WhyMachine},
	} {
		j := build(builder(t), c.events...)
		if len(j.Signals) != c.signals {
			t.Errorf("%s: %q, want %d signals; left out %v", c.name, told(j), c.signals, j.LeftOut)
		}
		if c.why != "" && (len(j.LeftOut) != 1 || j.LeftOut[0].Why != c.why) {
			t.Errorf("%s: left out %v, want %s alone", c.name, j.LeftOut, c.why)
		}
		if left := len(j.LeftOut); c.why == "" && left > 0 && c.signals > 0 {
			t.Errorf("%s: left out %v", c.name, j.LeftOut)
		}
	}
}

// What is left out is told with its reason and the newest date, of machines as of all others.
func TestLeftOutTellsReasonAndDate(t *testing.T) {
	j := build(builder(t), mailed(0, "/a"), mailed(1, "/b"), mailed(2, "/c"), view(time.Hour, "/careers"), view(48*time.Hour, "/jobs"), ev(30*time.Minute, connectors.KindEmailReply, "", prop("subject", "Out of office")))
	want := []LeftOut{{WhyAutoReply, 1, noon.Add(-30 * time.Minute)}, {WhyExcluded, 2, noon.Add(-time.Hour)}, {WhyScanner, 3, noon.Add(-3*time.Hour + 2*time.Second)}}
	if fmt.Sprint(j.LeftOut) != fmt.Sprint(want) || j.Filtered.Machines != 3 || j.Filtered.Excluded != 2 {
		t.Errorf("%v, %+v; want %v", j.LeftOut, j.Filtered, want)
	}
}

// Monitors of one's own pages are punctual; people who come back often are not.
func TestMonitoring(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	every := func(n int, interval, jitter time.Duration) (out []connectors.Event) {
		for i := range n {
			d := time.Duration(i) * interval
			if jitter > 0 {
				d += time.Duration(r.Int64N(int64(jitter)))
			}
			out = append(out, view(d, "/pricing", prop("n", strconv.Itoa(i))))
		}
		return out
	}
	for _, c := range []struct {
		name   string
		events []connectors.Event
		left   int
	}{
		{"every five minutes for a day", every(288, 5*time.Minute, time.Second), 288},
		{"hourly for three days", every(72, time.Hour, 10*time.Second), 72},
		{"daily at six for ten days", every(10, 24*time.Hour, 30*time.Second), 10},
		{"every fifteen minutes for two days, with gaps", append(every(60, 15*time.Minute, 0), every(160, 15*time.Minute, 0)[80:]...), 140},
		{"a person who looks at it every morning", every(10, 24*time.Hour, 2*time.Hour), 0},
		{"a person in a hurry", every(12, 20*time.Second, 15*time.Second), 0},
		{"uneven, but day and night for three days", every(60, 72*time.Minute, 40*time.Minute), 60},
		{"six times", every(6, 24*time.Hour, 0), 0},
		{"within an hour", every(12, 5*time.Minute, 0), 0},
	} {
		if j := build(builder(t), c.events...); j.Filtered.Machines != c.left {
			t.Errorf("%s: %d left out, want %d", c.name, j.Filtered.Machines, c.left)
		}
	}
	mixed := append(every(72, time.Hour, 0), view(90*time.Minute+7*time.Second, "/pricing"), view(91*time.Minute, "/compare"))
	if j := build(builder(t), mixed...); j.Filtered.Machines != 72 || len(j.Signals) != 2 {
		t.Errorf("a person beside the monitor: %d left out, %q", j.Filtered.Machines, told(j))
	}
}

// Machines that own up: by user agent, by property.
func TestMachinesThatOwnUp(t *testing.T) {
	for _, agent := range []string{
		"Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", "facebookexternalhit/1.1", "WhatsApp/2.23.20.0 A", "LinkedInBot/1.0 (compatible; Mozilla/5.0; +http://www.linkedin.com)", "TelegramBot (like TwitterBot)",
		"Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5", "Mozilla/5.0 (compatible; Discordbot/2.0)", "Iframely/1.3.1 (+https://iframely.com)", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/126.0.0.0 Safari/537.36",
		"Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)", "Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)", "StatusCake", "NewRelicPinger/1.0 (12)", "Mozilla/5.0 (compatible; AhrefsBot/7.0)",
		"Screaming Frog SEO Spider/18.0", "kube-probe/1.27", "ELB-HealthChecker/2.0", "GoogleStackdriverMonitoring-UptimeChecks(https://cloud.google.com/monitoring)", "Mimecast", "Mozilla/5.0 (compatible; Proofpoint URL Defense)",
		"Microsoft Office Existence Discovery", "Mozilla/5.0 (compatible; SiteHealthCheck/2)", "curl/8.5.0", "Mozilla/5.0 (compatible; Acme Uptime Monitor)",
	} {
		if j := build(builder(t), view(time.Hour, "/pricing", by(agent))); len(j.Signals) != 0 || j.Filtered.Bots != 1 {
			t.Errorf("%s: %q, %+v", agent, told(j), j.Filtered)
		}
	}
	for _, p := range [][2]string{{"bot", "true"}, {"isBot", "true"}, {"$virt_is_bot", "1"}, {"webdriver", "true"}, {"navigator.webdriver", "true"}, {"Sec-Purpose", "prefetch;prerender"}, {"X-Purpose", "preview"}, {"purpose", "prefetch"},
		{"headless", "yes"}, {"automated", "true"}, {"security_scanner", "true"}, {"filtered_event", "true"}} {
		if j := build(builder(t), view(time.Hour, "/pricing", prop(p[0], p[1]))); len(j.Signals) != 0 || j.Filtered.Bots != 1 {
			t.Errorf("%v: %q, %+v", p, told(j), j.Filtered)
		}
	}
	for _, p := range [][2]string{{"bot", "false"}, {"isBot", "0"}, {"purpose", "pricing research"}, {"machine", "P4 press"}, {"bot", "Drift"}, {"gateway", "true"}} {
		if j := build(builder(t), view(time.Hour, "/pricing", prop(p[0], p[1]))); len(j.Signals) != 1 {
			t.Errorf("%v is no machine: %+v", p, j.Filtered)
		}
	}
}

// Opens that nobody made, and those that a mail program made for a person.
func TestMailOpens(t *testing.T) {
	open := func(change ...func(*connectors.Event)) *Journey {
		return build(builder(t), ev(time.Hour, connectors.KindEmailOpen, "", append(change, prop(connectors.PropCampaign, "A"))...))
	}
	for name, change := range map[string]func(*connectors.Event){
		"marked": prop("machine", "true"), "SendGrid's mark": prop("sg_machine_open", "true"), "Mailgun's word": prop("bot", "apple"), "Apple's privacy protection": by("Mozilla/5.0"),
		"Klaviyo's mark": prop("Apple Privacy Open", "true"), "a gateway": by("Barracuda Sentinel (EE)"), "the source's word": prop("bot", "true"),
	} {
		if j := open(change); len(j.Signals) != 0 || len(j.LeftOut) != 1 {
			t.Errorf("%s: %q, %v", name, told(j), j.LeftOut)
		}
	}
	for name, agent := range map[string]string{
		"Gmail": "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)", "Yahoo": "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html",
		"Outlook": "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17126; Pro)", "Apple Mail without it": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)",
	} {
		if j := open(by(agent)); len(j.Signals) != 1 {
			t.Errorf("%s loaded the pictures for a person: %v", name, j.LeftOut)
		}
	}
}

// Links of a mail's footer are steps, whatever language it is in; so are the pages they lead to.
func TestMailFooters(t *testing.T) {
	for _, c := range []struct {
		path, text, why string
	}{
		{"/unsubscribe?c=1", "", WhyUnsubscribed}, {"/x", "Unsubscribe", WhyUnsubscribed}, {"/x", "Hier abmelden", WhyUnsubscribed}, {"/newsletter/abbestellen", "", WhyUnsubscribed}, {"/x", "Se désabonner", WhyUnsubscribed},
		{"/en/email/opt-out", "", WhyUnsubscribed}, {"/legal/privacy", "Privacy", WhyFooter}, {"/x", "Datenschutz", WhyFooter}, {"/de/impressum", "", WhyFooter}, {"/m/view/1", "View in browser", WhyFooter},
		{"/m/view/1", "View this email in your browser", WhyFooter}, {"/x", "Im Browser öffnen", WhyFooter}, {"/x", "Manage preferences", WhyFooter}, {"/email-preferences", "", WhyFooter}, {"/x", "Imprint", WhyFooter},
		{"/x", "Terms and conditions", WhyFooter}, {"/webversion", "", WhyFooter},
		{"/security/privacy", "Read how we keep your data private", ""}, {"/blog/unsubscribed-leads", "Why leads leave", ""}, {"/pricing", "See the prices", ""}, {"/x", "Try it in your browser", ""}, {"/products/preferences-engine", "", ""},
	} {
		j := build(builder(t), mailed(0, c.path, text(c.text)))
		if got := whys(j)[0]; got != c.why || (len(j.Signals) == 0) != (c.why != "") {
			t.Errorf("%s %q: %q, want %q", c.path, c.text, got, c.why)
		}
	}
	j := build(builder(t), mailed(0, "/m/view/1", text("View in browser")), seen(2, "/m/view/1"), seen(40, "/pricing"))
	if got := told(j); len(got) != 1 || got[0] != "content_view /pricing" {
		t.Errorf("%q, want the price page alone", got)
	}
}

// Replies: by a person, by a machine, and those that say no.
func TestReplies(t *testing.T) {
	for _, c := range []struct {
		subject, text, why string
	}{
		{"Re: Your offer", "", ""}, {"Re: Urlaub auf Madeira", "Wir hätten gern ein Angebot", ""}, {"AW: Termin", "", ""}, {"", "", ""}, {"Re: holiday homes", "", ""},
		{"Automatic reply: Out of office", "", WhyAutoReply}, {"Automatische Antwort: Ihr Angebot", "", WhyAutoReply}, {"Abwesenheitsnotiz", "", WhyAutoReply}, {"Out of Office Re: Demo", "", WhyAutoReply},
		{"Autoreply", "", WhyAutoReply}, {"[Auto-Reply] Thanks", "", WhyAutoReply}, {"Réponse automatique : Absence", "", WhyAutoReply}, {"Respuesta automática: Oferta", "", WhyAutoReply}, {"Re: Demo", "I am currently out of the office until 3 December.", WhyAutoReply},
		{"Re: Demo", "Ich bin derzeit nicht im Büro.", WhyAutoReply}, {"Parental leave until March", "", WhyAutoReply}, {"Read: Your quote", "", WhyAutoReply}, {"Gelesen: Angebot", "", WhyAutoReply}, {"Jane is no longer with Acme", "", WhyAutoReply}, {"Read your quote with interest", "", ""},
		{"Undeliverable: Your quote", "", WhyBounce}, {"Delivery Status Notification (Failure)", "", WhyBounce}, {"Undelivered Mail Returned to Sender", "", WhyBounce}, {"Unzustellbar: Ihr Angebot", "", WhyBounce}, {"Mail delivery failed: returning message to sender", "", WhyBounce},
		{"Re: Your offer", "Thanks, but we are not interested.", WhyRefused}, {"Re: Angebot", "Wir haben uns für ein anderes System entschieden.", WhyRefused}, {"Re: Your mail", "Please remove me from your list", WhyRefused},
		{"Re: Your offer", "Not interested in the trial, but please send a quote for 40 users.", ""},
	} {
		j := build(builder(t), ev(time.Hour, connectors.KindEmailReply, "", prop("subject", c.subject), prop("text", c.text)))
		if got := whys(j)[0]; got != c.why {
			t.Errorf("%q %q: %q, want %q", c.subject, c.text, got, c.why)
		}
	}
	for _, p := range [][2]string{{"Auto-Submitted", "auto-replied"}, {"X-Autoreply", "yes"}, {"Precedence", "auto_reply"}, {"is_auto_reply", "true"}, {"from", "Mail Delivery Subsystem <MAILER-DAEMON@mx.test>"}} {
		if j := build(builder(t), ev(time.Hour, connectors.KindEmailReply, "", prop(p[0], p[1]))); len(j.Signals) != 0 {
			t.Errorf("%v counts as a reply", p)
		}
	}
	if j := build(builder(t), ev(time.Hour, connectors.KindEmailReply, "", prop("Auto-Submitted", "no"))); len(j.Signals) != 1 {
		t.Error("a reply that says it is none of a machine's does not count")
	}
}

// A meeting counts where it was booked and neither cancelled nor missed; the booking of one that was does not.
func TestMeetings(t *testing.T) {
	d := 24 * time.Hour
	id := func(s string) func(*connectors.Event) { return prop("meeting_id", s) }
	for _, c := range []struct {
		name    string
		events  []connectors.Event
		signals int
		why     string
	}{
		{"booked", []connectors.Event{ev(d, connectors.KindMeeting, "")}, 1, ""},
		{"held", []connectors.Event{ev(d, connectors.KindMeeting, "", prop("outcome", "COMPLETED"))}, 1, ""},
		{"moved", []connectors.Event{ev(d, connectors.KindMeeting, "", prop("outcome", "RESCHEDULED"))}, 1, ""},
		{"cancelled", []connectors.Event{ev(d, connectors.KindMeeting, "", prop("status", "canceled"))}, 0, WhyCancelled},
		{"missed", []connectors.Event{ev(d, connectors.KindMeeting, "", prop("outcome", "NO_SHOW"))}, 0, WhyMissed},
		{"no show as a mark", []connectors.Event{ev(d, connectors.KindBooking, "", prop("no_show", "true"))}, 0, WhyMissed},
		{"cancelled by the host", []connectors.Event{ev(d, connectors.KindMeeting, "", prop("status", "Cancelled by host"))}, 0, WhyCancelled},
		{"cancelled at", []connectors.Event{ev(d, connectors.KindBooking, "", prop("canceled_at", "2026-11-18T09:00:00Z"))}, 0, WhyCancelled},
		{"not attended", []connectors.Event{ev(d, connectors.KindMeeting, "", prop("attended", "false"))}, 0, WhyMissed},
		{"abgesagt", []connectors.Event{ev(d, connectors.KindMeeting, "", prop("status", "Abgesagt"))}, 0, WhyCancelled},
		{"booked, then missed", []connectors.Event{ev(10*d, connectors.KindBooking, ""), ev(3*d, connectors.KindMeetingMissed, "")}, 0, WhyMissed},
		{"booked, then cancelled, then booked again", []connectors.Event{ev(10*d, connectors.KindBooking, ""), ev(9*d, connectors.KindMeetingCancelled, ""), ev(8*d, connectors.KindBooking, "")}, 1, WhyCancelled},
		{"two booked, the first cancelled", []connectors.Event{ev(10*d, connectors.KindBooking, "", id("1")), ev(9*d, connectors.KindBooking, "", id("2")), ev(8*d, connectors.KindMeetingCancelled, "", id("1"))}, 1, WhyCancelled},
	} {
		j := build(builder(t), c.events...)
		if len(j.Signals) != c.signals || (c.why != "") != (len(j.LeftOut) == 1 && j.LeftOut[0].Why == c.why) {
			t.Errorf("%s: %q, left out %v", c.name, told(j), j.LeftOut)
		}
	}
}

// Inputs that machines make, and such that people make who look like them, from what vendors document: each left out for its reason.
// testdata/machines.jsonl has a case a line; at is in seconds.
func TestMachineInputs(t *testing.T) {
	f, err := os.Open("testdata/machines.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := builder(t)
	start := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	n := 0
	for lines := json.NewDecoder(f); ; n++ {
		var c struct {
			Case, Why string
			Signals   int
			Events    []struct {
				At         float64
				Kind, URL  string
				UserAgent  *string `json:"user_agent"`
				Element    string  `json:"element_text"`
				Properties map[string]string
			}
		}
		if err := lines.Decode(&c); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		var events []connectors.Event
		for i, e := range c.Events {
			agent := chrome
			if e.UserAgent != nil {
				agent = *e.UserAgent
			}
			events = append(events, connectors.Event{ID: strconv.Itoa(i), Source: "site", Email: person.Emails[0], Time: start.Add(time.Duration(e.At * float64(time.Second))), Kind: e.Kind, URL: e.URL, UserAgent: agent, ElementText: e.Element, Properties: e.Properties})
		}
		j := build(b, events...)
		if len(j.Signals) != c.Signals {
			t.Errorf("%s: %q, want %d signals; left out %v", c.Case, told(j), c.Signals, j.LeftOut)
		}
		if c.Why == "" && len(j.LeftOut) > 0 || c.Why != "" && !slices.ContainsFunc(j.LeftOut, func(l LeftOut) bool { return l.Why == c.Why }) {
			t.Errorf("%s: left out %v, want %q", c.Case, j.LeftOut, c.Why)
		}
	}
	if n < 100 {
		t.Errorf("%d cases are too few to be the whole file", n)
	}
}
