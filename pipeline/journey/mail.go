package journey

import (
	"slices"
	"strings"

	"github.com/intentd/intentd/connectors"
)

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
