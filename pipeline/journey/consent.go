package journey

import (
	"slices"
	"strings"

	"github.com/intentd/intentd/connectors"
)

// withdraw drops what happened until the person withdrew their consent, and what happened since without another one. Whoever refuses it on
// a device where they never gave it, and names nobody, withdraws nothing. Where a CRM's record denies it nothing is left.
func withdraw(s *scratch, j *Journey, in *Input) {
	if in.Consent == ConsentDenied {
		j.Withdrawn = in.Now
		for i := range s.items {
			if it := &s.items[i]; !it.drop {
				j.drop(it, WhyDenied)
			}
		}
		if !slices.ContainsFunc(j.LeftOut, func(l LeftOut) bool { return l.Why == WhyDenied }) {
			j.LeftOut = append(j.LeftOut, LeftOut{Why: WhyDenied, Last: in.Now})
		}
		return
	}
	if !slices.ContainsFunc(s.items, func(it item) bool { return it.withdraws }) {
		return
	}
	var gave []string        // anonymous ids
	themselves := false      // they withdrew it, not a CRM's record alone
	for i := range s.items { // in order of time
		it := &s.items[i]
		given := slices.Contains(gave, it.ev.AnonymousID)
		switch {
		case !it.withdraws:
			if it.ev.AnonymousID != "" && !given && strings.EqualFold(it.ev.Consent, ConsentGranted) {
				gave = append(gave, it.ev.AnonymousID)
			}
		case it.drop:
		case given || !it.ev.Nameless() || it.ev.Properties[connectors.PropWithdrawnBy] != "":
			j.Withdrawn = it.at
			themselves = themselves || !it.ev.WithdrawnByCRM()
		default:
			j.drop(it, WhyNoConsent)
		}
	}
	if j.Withdrawn.IsZero() {
		return
	}
	for i := range s.items {
		it := &s.items[i]
		switch {
		case it.drop || it.class == company:
		case !it.at.After(j.Withdrawn):
			j.drop(it, WhyWithdrawn)
		case !strings.EqualFold(it.ev.Consent, ConsentGranted) && (themselves || in.Consent != ConsentGranted):
			j.drop(it, WhyNoConsent)
		}
	}
}

// consent is what is said of the consent to an event: by itself, else by its source or the CRM's record.
func (b *Builder) consent(in *Input, ev *connectors.Event) string {
	if ev.Consent == "" && (in.Consent == ConsentGranted || slices.Contains(b.config.Consented, ev.Source)) {
		return ConsentGranted
	}
	return ev.Consent
}
