package app

import (
	"fmt"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
)

// Shares from which on the doctor finds something worth a look.
const (
	manyUnknownKinds = 0.05 // of the events kept
	manyStrangers    = 0.5  // of the people seen
	fewPeople        = 20   // nothing is said of fewer
)

// examineIntake says what is worth a look in what became of a source's events.
func examineIntake(name string, i *connectors.Intake) []Checked {
	var out []Checked
	add := func(about, code, fix, format string, args ...any) {
		out = append(out, Checked{about, code, connectors.Warning, fmt.Sprintf(format, args...), fix})
	}
	if n := i.Unread(); n > 0 {
		var where []string
		for _, reason := range connectors.Commonest(i.Unreadable, 3) {
			where = append(where, fmt.Sprintf("%d times %s%s", i.Unreadable[reason], reason, lastOf(i.Examples, reason)))
		}
		add(name, "feed.unreadable_lines", "see the lines and correct what writes them; other lines are not held up",
			"%d of %d lines could not be read: %s", n, i.Read, strings.Join(where, "; "))
	}
	unknown := connectors.Total(i.UnknownKinds)
	if unknown > 0 && float64(unknown) >= manyUnknownKinds*float64(i.Events) {
		add(name, "feed.unknown_kinds", "type those that matter by scoring.rules; the others stay context",
			"%d of %d events have kinds that are not known: %s", unknown, i.Events, commonest(i.UnknownKinds))
	}
	if i.ReusedIDs > 0 {
		add(name, "feed.reused_ids", "give every event an id of its own, or none", "%d ids came again for something else; both events are kept", i.ReusedIDs)
	}
	if i.People >= fewPeople && float64(i.Strangers) > manyStrangers*float64(i.People) {
		add(name, "feed.strangers", "compare the e-mail addresses and user ids of the source with those in the CRM; identify names a property that holds user ids",
			"%d of %d people seen are in no CRM", i.Strangers, i.People)
	}
	return out
}

// gapTold is for how long the doctor tells of a gap in a log of changes.
const gapTold = 7 * 24 * time.Hour

// examineChanges says how far a CRM's log of changes was read, and what of it is worth a look.
func examineChanges(name string, f *connectors.Followed, now time.Time) []Checked {
	add := Checked{name, "changes.followed", connectors.OK, fmt.Sprintf("the log of changes was read to its end at %s", f.CaughtUp.UTC().Format(time.RFC3339)), ""}
	if why := f.Trouble(now); why != "" {
		add = Checked{name, "changes.behind", connectors.Failure, name + " " + why, "see what intentd status and the log say of its polls: what the log loses before it is read, a search and the next sweep have to find"}
	}
	if n := connectors.Total(f.Skipped); n > 0 {
		add.Message += fmt.Sprintf("; %d entries told of nothing here: %s", n, commonest(f.Skipped))
	}
	out := []Checked{add}
	if f.Gaps > 0 && now.Sub(f.GapTo) < gapTold {
		out = append(out, Checked{name, "changes.gap", connectors.Warning,
			fmt.Sprintf("the log of changes did not reach back to where it was read last (%d times, the last from %s to %s); what it still held was read, and a search made for the rest", f.Gaps, f.GapFrom.UTC().Format(time.RFC3339), f.GapTo.UTC().Format(time.RFC3339)),
			"nothing to do, but that deletions of that time wait for the next sweep; find out why it was not polled"})
	}
	return out
}

// examineForms names the forms that nothing in the configuration knows.
func examineForms(forms map[string]int64) []Checked {
	n := connectors.Total(forms)
	if n == 0 {
		return nil
	}
	f := Checked{"forms", "forms.unknown", connectors.Warning, "", "say of those that matter what they are: scoring.rules, such as {form: NAME, signal: hand_raise}, or a word in scoring.forms"}
	f.Message = fmt.Sprintf("%s sent with names that no list and no rule knows, which count as form_submit: %s", connectors.Counted(int(n), "form"), commonest(forms))
	return []Checked{f}
}

// examineConsent tells that events were left out because nobody consented, which is right where people refuse and a mistake where a tracker
// does not tell.
func examineConsent(n int, join string) []Checked {
	if n == 0 {
		return nil
	}
	f := Checked{"journeys", "journeys.no_consent", connectors.OK, "", ""}
	f.Message = fmt.Sprintf("%s left out for want of consent, at each look since the start (identity.join_anonymous: %s); where your trackers do not tell of consent, have them, or set it to always if you may", connectors.Counted(n, "event"), join)
	return []Checked{f}
}

// commonest are the names counted most, with their counts.
func commonest(counts map[string]int64) string {
	names := connectors.Commonest(counts, 10)
	for i, name := range names {
		names[i] = fmt.Sprintf("%s (%d)", name, counts[name])
	}
	return strings.Join(names, ", ")
}

// lastOf is where a reason was met last.
func lastOf(examples []connectors.Unreadable, reason string) string {
	for k := len(examples) - 1; k >= 0; k-- {
		if u := examples[k]; u.Reason == reason {
			return fmt.Sprintf(" (last %s, line %d)", u.Where, u.Line)
		}
	}
	return ""
}
