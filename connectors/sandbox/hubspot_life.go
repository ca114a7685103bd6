package sandbox

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Merge merges two contacts into a new one, as HubSpot usually does: both ids end and lead to the new one.
func (h *HubSpot) Merge(winner, loser string) (newID string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	id, err := h.merge(winner, loser, true)
	return formatID(id), err
}

// MergeInto merges loser into winner, which keeps its id, as HubSpot did in former years.
func (h *HubSpot) MergeInto(winner, loser string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := h.merge(winner, loser, false)
	return err
}

func (h *HubSpot) merge(winner, loser string, anew bool) (int64, error) {
	t := h.contacts
	a, okA := t.follow(winner)
	b, okB := t.follow(loser)
	if !okA || !okB || a == b {
		return 0, fmt.Errorf("%w: merge of %s and %s", ErrNotFound, winner, loser)
	}
	now := h.nowMs()
	h.cells.fill(t.recs[b].values, len(t.list))
	var fill []change
	win, lose := t.recs[a].values, t.recs[b].values
	winID, loseID := t.recs[a].id, t.recs[b].id
	email, more := h.addresses()
	merges, vids := t.byName["hs_merged_object_ids"].number, t.byName["hs_calculated_merged_vids"].number
	for cells := lose; cells != ""; {
		p, _, v, rest := nextCell(cells)
		cells = rest
		mine, _ := cell(win, p)
		switch {
		case p == email || p == more || p == merges || p == vids:
		case t.list[p].source == byAnalytics && t.list[p].typ == "number":
			x, _ := strconv.ParseFloat(mine, 64)
			y, _ := strconv.ParseFloat(v, 64)
			fill = append(fill, change{p, strconv.AppendFloat(nil, x+y, 'f', -1, 64)})
		case mine == "":
			fill = append(fill, change{p, []byte(v)})
		}
	}
	list := func(prop int, own ...string) change {
		x, _ := cell(win, prop)
		y, _ := cell(lose, prop)
		items := strings.FieldsFunc(x+";"+y, func(c rune) bool { return c == ';' })
		for _, o := range own {
			if o != "" && !slices.Contains(items, o) {
				items = append(items, o)
			}
		}
		return change{prop, []byte(strings.Join(items, ";"))}
	}
	winEmail, _ := cell(win, email)
	loseEmail, _ := cell(lose, email)
	if winEmail == "" {
		fill = append(fill, change{email, []byte(loseEmail)})
		loseEmail = ""
	}
	at := ":" + formatID(now)
	if anew {
		fill = append(fill, list(more, loseEmail), list(merges, formatID(winID), formatID(loseID)), list(vids, formatID(winID)+at, formatID(loseID)+at))
	} else {
		fill = append(fill, list(more, loseEmail), list(merges, formatID(loseID)), list(vids, formatID(loseID)+at))
	}

	target := a
	if anew {
		t.lastID = t.nextID(t.lastID)
		w := &t.recs[a]
		target = t.add(record{
			id: t.lastID, created: min(w.created, t.recs[b].created), modified: now, origin: w.origin,
			values: w.values, versions: slices.Clone(w.versions),
		}, now)
	}
	into := t.recs[target].id
	for _, old := range []uint32{a, b} {
		if old == target {
			continue
		}
		h.leave(t, old, merged, now)
		r := &t.recs[old]
		r.into = into
		h.relink(r.id, into)
	}
	by := func(int) author { return author{source: byMerge} }
	t.set(target, fill, by, now, len(t.list), h.o.History)
	h.readdress(target, "", t.recs[target].values)
	return into, nil
}

// relink moves deals and event occurrences from one contact to another.
func (h *HubSpot) relink(from, to int64) {
	for _, deal := range h.contacts.linked[from] {
		there := h.deals.linked[deal]
		there = slices.DeleteFunc(there, func(id int64) bool { return id == from })
		h.deals.linked[deal] = there
		if to != 0 {
			h.link(deal, to)
		}
	}
	delete(h.contacts.linked, from)
	if events := h.occurrences[from]; len(events) > 0 && to != 0 {
		all := append(h.occurrences[to], events...)
		slices.SortStableFunc(all, func(x, y Occurrence) int { return x.Time.Compare(y.Time) })
		h.occurrences[to] = all
	}
	delete(h.occurrences, from)
}

func (h *HubSpot) link(deal, contact int64) {
	add := func(list []int64, id int64) []int64 {
		i, there := slices.BinarySearch(list, id)
		if there {
			return list
		}
		return slices.Insert(list, i, id)
	}
	h.deals.linked[deal] = add(h.deals.linked[deal], contact)
	h.contacts.linked[contact] = add(h.contacts.linked[contact], deal)
}

// leave ends a record's live state.
func (h *HubSpot) leave(t *objects, ord uint32, state lifeState, now int64) {
	r := &t.recs[ord]
	was := shown{r.values, r.modified, r.state == alive}
	if t == h.contacts {
		h.readdress(ord, r.values, "")
	}
	r.state = state
	switch state {
	case archived:
		r.archivedAt = now
		t.deletes[r.id] = true
	case merged: // what it held lives on in the other record alone, so that it goes when that one is erased
		r.values, r.versions = "", nil
	case erased:
		r.values, r.versions = "", nil
		was.values = ""
		delete(t.deletes, r.id)
	}
	t.changed(ord, was, now)
}

// Archive moves a live contact to the recycle bin.
func (h *HubSpot) Archive(id string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.archive(h.contacts, id)
}

func (h *HubSpot) archive(t *objects, id string) error {
	ord, ok := t.follow(id)
	if !ok {
		return fmt.Errorf("%w: %s %s", ErrNotFound, t.singular, id)
	}
	h.leave(t, ord, archived, h.nowMs())
	return nil
}

// Restore takes a contact out of the recycle bin, where it stays for 90 days. The modification time moves.
func (h *HubSpot) Restore(id string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	t, now := h.contacts, h.nowMs()
	n, _ := parseID(id)
	ord, ok := t.find(n)
	if !ok || !t.inBin(ord, now) {
		return fmt.Errorf("%w: archived contact %s", ErrNotFound, id)
	}
	r := &t.recs[ord]
	was := shown{r.values, r.modified, false}
	r.state, r.archivedAt, r.modified = alive, 0, now
	delete(t.deletes, r.id)
	t.changed(ord, was, now)
	h.readdress(ord, "", r.values)
	return nil
}

// Erase deletes a live or archived contact for privacy reasons: nothing of it remains and nothing tells of it.
func (h *HubSpot) Erase(id string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.erase(id)
}

func (h *HubSpot) erase(id string) error {
	t := h.contacts
	ord, ok := t.follow(id)
	if !ok {
		n, _ := parseID(id)
		if ord, ok = t.find(n); !ok || t.recs[ord].state != archived {
			return fmt.Errorf("%w: contact %s", ErrNotFound, id)
		}
	}
	h.relink(t.recs[ord].id, 0)
	h.leave(t, ord, erased, h.nowMs())
	return nil
}
