package sandbox

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// written is the author of what comes through the API.
func written(int) author { return author{source: byIntegration} }

// conflicted is the 409 to an address that another contact has.
func (h *HubSpot) conflicted(c *conflict) reply {
	return h.failed(http.StatusConflict, failure{message: "Contact already exists. Existing ID: " + formatID(c.id), category: "CONFLICT"})
}

// batchUpdate writes up to 100 records. One bad value anywhere and nothing is written. Ids not found share one error, and
// merged ids are left out of the answer without a word.
func (h *HubSpot) batchUpdate(c call, t *objects) reply {
	in, err := h.inputs(c, t)
	if err != nil {
		return h.badJSON(err)
	}
	if rep, ok := h.batchSize(len(in), maxBatch); !ok {
		return rep
	}
	ids := make(map[string]bool, len(in))
	ords := make([]uint32, len(in))
	found := make([]bool, len(in))
	for i := range in {
		x := &in[i]
		if !x.hasID || !x.hasProps {
			return h.invalid("Invalid input JSON on line 1, column 1: Cannot build SimplePublicObjectBatchInput, some of required attributes are not set [id, properties]")
		}
		if x.idProperty != "" && x.idProperty != "hs_object_id" {
			return h.invalid("idProperty %q cannot be used to update a batch", x.idProperty)
		}
		if ids[x.id] {
			return h.invalid("Duplicate IDs found in batch input: [%s]. IDs must be unique", x.id)
		}
		ids[x.id] = true
	}
	for i := range in {
		x := &in[i]
		if len(x.bad) > 0 {
			return h.badValues(x.bad)
		}
		n, numeric := parseID(x.id)
		if !numeric {
			continue
		}
		ords[i], found[i] = t.find(n)
		if !found[i] || t.recs[ords[i]].state != alive {
			continue
		}
		if bad := h.broken(c, t, t.recs[ords[i]].values, x.changes); len(bad) > 0 {
			return h.badValues(bad)
		}
		if clash := h.clash(t, x.changes, int64(ords[i])); clash != nil {
			return h.conflicted(clash)
		}
	}
	run := h.batch(c, len(c.body)+len(in)*320)
	now := c.now.UnixMilli()
	var missing []string
	for i := range in {
		x := &in[i]
		if found[i] && t.recs[ords[i]].state == merged {
			continue // silently, as seen by others
		}
		if !found[i] || t.recs[ords[i]].state != alive {
			missing = append(missing, x.id)
			continue
		}
		h.write(t, ords[i], x.changes, now)
		run.body = h.renderWritten(run.next(), t, ords[i], x.changes, x.trace)
	}
	run.missing(t, missing)
	return run.reply(http.StatusOK)
}

// write applies changes that came through the API and counts them.
func (h *HubSpot) write(t *objects, ord uint32, changes []change, now int64) {
	r := &t.recs[ord]
	if t == h.contacts {
		if r.writes == 0 {
			h.tally.patched++
		}
		h.tally.patches++
		r.count(changes)
	}
	h.apply(t, ord, changes, written, now)
}

// renderWritten appends a record as the answer to a write shows it: what was written and what is always there.
func (h *HubSpot) renderWritten(b []byte, t *objects, ord uint32, changes []change, trace string) []byte {
	if trace != "" {
		b = append(appendQuoted(append(b, `{"objectWriteTraceId":`...), trace), ',')
	}
	h.shownProps = h.shownProps[:0]
	for _, c := range changes {
		h.shownProps = append(h.shownProps, t.list[c.prop])
	}
	for _, name := range t.fixed {
		h.shownProps = append(h.shownProps, t.byName[name])
	}
	slices.SortFunc(h.shownProps, func(a, b *property) int { return strings.Compare(a.name, b.name) })
	h.shownProps = slices.Compact(h.shownProps)
	r := &t.recs[ord]
	at := len(b)
	b = h.render(b, t, ord, r.values, r.modified, rendering{props: h.shownProps})
	if trace != "" {
		b = slices.Delete(b, at, at+1) // the trace has opened the object
	}
	return b
}

// updateOne answers PATCH of a live record.
func (h *HubSpot) updateOne(c call, t *objects, ord uint32) reply {
	x, rep, ok := h.single(c, t)
	if !ok {
		return rep
	}
	if bad := h.broken(c, t, t.recs[ord].values, x.changes); len(bad) > 0 {
		return h.badValues(bad)
	}
	if clash := h.clash(t, x.changes, int64(ord)); clash != nil {
		return h.conflicted(clash)
	}
	h.write(t, ord, x.changes, c.now.UnixMilli())
	return reply{status: http.StatusOK, body: h.renderWritten(nil, t, ord, x.changes, "")}
}

// createOne answers POST of a new record.
func (h *HubSpot) createOne(c call, t *objects) reply {
	x, rep, ok := h.single(c, t)
	if !ok {
		return rep
	}
	ord, rep, ok := h.createFrom(c, t, x)
	if !ok {
		return rep
	}
	return reply{status: http.StatusCreated, body: h.renderWritten(nil, t, ord, x.changes, "")}
}

func (h *HubSpot) createFrom(c call, t *objects, x input) (uint32, reply, bool) {
	if bad := h.broken(c, t, "", x.changes); len(bad) > 0 {
		return 0, h.badValues(bad), false
	}
	others := h.deals
	if t == h.deals {
		others = h.contacts
	}
	for _, id := range x.links {
		if _, ok := others.live(id); !ok {
			return 0, h.invalid("One or more associations are not valid: %s %s does not exist", others.singular, id), false
		}
	}
	ord, clash := h.create(t, x.changes, byIntegration, c.now.UnixMilli())
	if clash != nil {
		return 0, h.conflicted(clash), false
	}
	for _, id := range x.links {
		other, _ := others.live(id)
		if t == h.deals {
			h.associate(t.recs[ord].id, other)
		} else {
			h.associate(others.recs[other].id, ord)
		}
	}
	return ord, reply{}, true
}

// batchCreate adds up to 100 records. Where every input carries an objectWriteTraceId of its own, bad rows fail alone.
func (h *HubSpot) batchCreate(c call, t *objects) reply {
	in, err := h.inputs(c, t)
	if err != nil {
		return h.badJSON(err)
	}
	if rep, ok := h.batchSize(len(in), maxBatch); !ok {
		return rep
	}
	traces := map[string]bool{}
	for i := range in {
		if !in[i].hasProps {
			return h.invalid("Invalid input JSON on line 1, column 1: Cannot build SimplePublicObjectBatchInputForCreate, some of required attributes are not set [properties]")
		}
		if in[i].trace != "" {
			traces[in[i].trace] = true
		}
	}
	alone := len(traces) == len(in)
	addresses := map[string]bool{}
	email, _ := h.addresses()
	for i := range in {
		x := &in[i]
		x.bad = append(x.bad, h.broken(c, t, "", x.changes)...)
		if alone {
			continue
		}
		if len(x.bad) > 0 {
			return h.badValues(x.bad)
		}
		if clash := h.clash(t, x.changes, -1); clash != nil {
			return h.conflicted(clash)
		}
		for _, ch := range x.changes {
			if t == h.contacts && ch.prop == email && len(ch.value) > 0 {
				if addresses[string(ch.value)] {
					return h.invalid("Duplicate IDs found in batch input: [%s]. IDs must be unique", ch.value)
				}
				addresses[string(ch.value)] = true
			}
		}
	}
	run := h.batch(c, len(c.body)+len(in)*320)
	for i := range in {
		x := &in[i]
		trace := []contextValue{{"objectWriteTraceId", []string{x.trace}}}
		if len(x.bad) > 0 {
			run.fail("VALIDATION_ERROR", "", badMessage(x.bad), trace, badDetails(x.bad))
			continue
		}
		if clash := h.clash(t, x.changes, -1); clash != nil {
			run.fail("CONFLICT", "", "Contact already exists. Existing ID: "+formatID(clash.id), trace, nil)
			continue
		}
		ord, rep, ok := h.createFrom(c, t, *x)
		if !ok {
			return rep
		}
		run.body = h.renderWritten(run.next(), t, ord, x.changes, x.trace)
	}
	return run.reply(http.StatusCreated)
}

// batchArchive moves up to 100 records to the recycle bin; ids not found are ignored.
func (h *HubSpot) batchArchive(c call, t *objects) reply {
	var in idList
	if err := json.Unmarshal(c.body, &in); err != nil {
		return h.badJSON(err)
	}
	if rep, ok := h.batchSize(len(in.Inputs), maxBatch); !ok {
		return rep
	}
	for _, x := range in.Inputs {
		if ord, ok := t.follow(x.ID); ok {
			h.leave(t, ord, archived, c.now.UnixMilli())
		}
	}
	return reply{status: http.StatusNoContent}
}

// mergeCall answers the merge of two contacts with the record they became.
func (h *HubSpot) mergeCall(c call, t *objects) reply {
	var in struct {
		PrimaryObjectID string `json:"primaryObjectId"`
		ObjectIDToMerge string `json:"objectIdToMerge"`
	}
	if err := json.Unmarshal(c.body, &in); err != nil {
		return h.badJSON(err)
	}
	if t != h.contacts {
		return h.notAllowed()
	}
	id, err := h.merge(in.PrimaryObjectID, in.ObjectIDToMerge, true)
	if err != nil {
		return h.invalid("Objects %s and %s cannot be merged", in.PrimaryObjectID, in.ObjectIDToMerge)
	}
	ord, _ := t.find(id)
	return reply{status: http.StatusOK, body: h.render(nil, t, ord, t.recs[ord].values, t.recs[ord].modified, rendering{props: t.resolve(nil, true)})}
}

// eraseCall answers a deletion for privacy reasons.
func (h *HubSpot) eraseCall(c call, t *objects) reply {
	var in struct {
		ObjectID   string `json:"objectId"`
		IDProperty string `json:"idProperty"`
	}
	if err := json.Unmarshal(c.body, &in); err != nil {
		return h.badJSON(err)
	}
	if t != h.contacts {
		return h.notAllowed()
	}
	if in.IDProperty == "email" {
		if ord, ok := h.emails[strings.ToLower(in.ObjectID)]; ok {
			in.ObjectID = formatID(t.recs[ord].id)
		}
	}
	if err := h.erase(in.ObjectID); err != nil {
		return h.failed(http.StatusNotFound, failure{message: "resource not found", category: "OBJECT_NOT_FOUND"})
	}
	return reply{status: http.StatusNoContent}
}
