package sandbox

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Merge merges two contacts into a new one, as HubSpot usually does: both ids end and lead to the new one.
func (h *HubSpot) Merge(winner, loser string) (newID string, err error) {
	err = h.try(func() { newID = h.merge(winner, loser).id })
	return newID, err
}

func (h *HubSpot) merge(winner, loser string) *record {
	o, now := h.contacts, h.nowMs()
	a, b := found(o.follow(winner), "contact", winner), found(o.follow(loser), "contact", loser)
	problemIf(a == b, "%s and %s are one contact", winner, loser)
	fill := o.mergedValues(a, b, now)
	target := h.add(o, &record{created: min(a.created, b.created), modified: now, origin: a.origin, cells: slices.Clone(a.cells), history: slices.Clone(a.history)}, now)
	for _, old := range []*record{a, b} {
		h.leave(old, now)
		old.into = target
		old.cells, old.history = nil, nil // they live on in the other record alone, so that they go when that one is erased
	}
	h.apply(o, target, fill, author{source: byMerge}, now)
	h.happened("MERGE", o, target, now, a, b)
	return target
}

// mergedValues are what the winner of a merge takes from the loser, and the lists that tell of the merge.
func (o *hubObject) mergedValues(win, lose *record, now int64) changes {
	fill := changes{}
	at := ":" + formatID(now)
	lists := map[string][]string{"hs_additional_emails": nil, "hs_merged_object_ids": {win.id, lose.id}, "hs_calculated_merged_vids": {win.id + at, lose.id + at}}
	for _, c := range lose.cells {
		p, mine := o.list[c.field], win.value(c.field)
		switch {
		case p.source == byAnalytics && p.Type == "number":
			x, _ := strconv.ParseFloat(mine, 64)
			y, _ := strconv.ParseFloat(c.text, 64)
			fill[p.Name] = strconv.FormatFloat(x+y, 'f', -1, 64)
		case mine == "":
			fill[p.Name] = c.text
		case p.meaning == isEmail:
			lists["hs_additional_emails"] = []string{c.text}
		}
	}
	for name, own := range lists {
		number := o.byName[name].number
		items := strings.FieldsFunc(win.value(number)+";"+lose.value(number), func(c rune) bool { return c == ';' })
		for _, x := range own {
			if !slices.Contains(items, x) {
				items = append(items, x)
			}
		}
		fill[name] = strings.Join(items, ";")
	}
	return fill
}

// leave ends a record's live state.
func (h *HubSpot) leave(r *record, now int64) {
	r.remember(now, h.o.SearchLag.Milliseconds())
	r.gone = now
}

// Archive moves a live contact to the recycle bin.
func (h *HubSpot) Archive(id string) error {
	return h.try(func() { h.archive(h.contacts, found(h.contacts.follow(id), "contact", id), h.nowMs()) })
}

func (h *HubSpot) archive(o *hubObject, r *record, now int64) {
	h.leave(r, now)
	h.happened("DELETE", o, r, now)
}

// Restore brings a contact back from the recycle bin.
func (h *HubSpot) Restore(id string) error {
	return h.try(func() {
		r, now := found(h.contacts.byID[id], "contact", id), h.nowMs()
		missingIf(!r.inBin(now), "contact in the bin", id)
		r.remember(now, h.o.SearchLag.Milliseconds())
		r.gone, r.modified = 0, now
		h.enlist(h.contacts, r)
		h.happened("RESTORE", h.contacts, r, now)
	})
}

// Erase deletes a live or archived contact for privacy reasons: nothing of it remains, and only an app's journal tells of it.
func (h *HubSpot) Erase(id string) error {
	return h.try(func() { h.erase(id) })
}

// erase takes with a contact those that were merged into it.
func (h *HubSpot) erase(id string) {
	r := found(h.contacts.byID[id].heir(), "contact", id)
	missingIf(r.purged, "contact", id)
	h.leave(r, h.nowMs())
	r.purged = true
	h.happened("GDPR_DELETE", h.contacts, r, h.nowMs())
	addresses := h.addresses(r)
	for _, x := range h.contacts.recs {
		if x.heir() == r {
			x.cells, x.history, x.before = nil, nil, nil
		}
	}
	maps.DeleteFunc(h.emails, func(_ string, x *record) bool { return x.heir() == r })
	h.submissions = slices.DeleteFunc(h.submissions, func(s sent) bool { return slices.Contains(addresses, strings.ToLower(s.Values["email"])) })
	h.mailings = slices.DeleteFunc(h.mailings, func(e EmailEvent) bool { return slices.Contains(addresses, strings.ToLower(e.Recipient)) })
	h.occurrences = slices.DeleteFunc(h.occurrences, func(f filed) bool { return f.contact.heir() == r })
}
