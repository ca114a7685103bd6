package sandbox

import (
	"maps"
	"net/http"
	"slices"
)

// input is one row of a write.
type input struct {
	ID           *string            `json:"id"`
	IDProperty   string             `json:"idProperty"`
	Properties   map[string]*string `json:"properties"`
	Associations []struct {
		To idJSON `json:"to"`
	} `json:"associations"`

	values changes
	bad    []*badValue
}

// understand gives names and values their meaning. Read-only properties can be set byHubSpot alone.
func (o *hubObject) understand(values map[string]*string, byHubSpot bool) (known changes, bad []*badValue) {
	known = make(changes, len(values))
	for _, name := range slices.Sorted(maps.Keys(values)) {
		wrong := caught[badValue](func() {
			p, ok := o.property(name)
			unfitIf(!ok, "PROPERTY_DOESNT_EXIST", name, "Property %q does not exist", name)
			unfitIf(!byHubSpot && p.readOnly(), "READ_ONLY_VALUE", name, "%q is a read only property; its value cannot be set.", name)
			unfitIf(values[name] == nil, "INVALID_VALUE", name, "%q must be a string", name)
			known[name] = p.check(*values[name])
		})
		if wrong != nil {
			bad = append(bad, wrong)
		}
	}
	return known, bad
}

// inputs reads the body of a batch write.
func (c call) inputs(o *hubObject) []input {
	var in struct {
		Inputs []input `json:"inputs"`
	}
	c.read(&in)
	batchSize(len(in.Inputs), maxBatch)
	for i := range in.Inputs {
		x := &in.Inputs[i]
		x.values, x.bad = o.understand(x.Properties, false)
	}
	return in.Inputs
}

// single reads the body of a write of one record.
func (c call) single(o *hubObject) input {
	var in input
	c.read(&in)
	lackingIf(in.Properties == nil, "SimplePublicObjectInput", "properties")
	in.values, in.bad = o.understand(in.Properties, false)
	refuseValues(in.bad)
	return in
}

// refuseValues answers values that do not go with a 400.
func refuseValues(bad []*badValue) {
	if len(bad) == 0 {
		return
	}
	f := refuse(http.StatusBadRequest, "VALIDATION_ERROR", "Property values were not valid: %s", marshal(bad))
	for _, v := range bad {
		f.Errors = append(f.Errors, detail{v.Message, v.Code, map[string][]string{"propertyName": {v.Name}}})
	}
	panic(f)
}

// broken are the validation rules a contact would not keep after changes; r is nil for a new one.
func (h *HubSpot) broken(c call, o *hubObject, r *record, values changes) (bad []*badValue) {
	if o != h.contacts || c.dated != "2026-09" {
		return nil
	}
	after := func(name string) string {
		v, given := values[name]
		if p, known := o.property(name); !given && known && r != nil {
			v = r.value(p.number)
		}
		return v
	}
	for _, rule := range h.rules {
		if after(rule.When) == rule.Is && after(rule.Require) == "" {
			bad = append(bad, unfit("MISSING_CONDITIONAL_REQUIRED_PROPERTY", rule.Require, "Property %q is required when %q is %q", rule.Require, rule.When, rule.Is))
		}
	}
	return bad
}

// check refuses changes that a record does not take; r is nil for a new one.
func (h *HubSpot) check(c call, o *hubObject, r *record, x input) {
	refuseValues(x.bad)
	if other := h.clash(o, x.values, r); other != nil {
		panic(refuse(http.StatusConflict, "CONFLICT", "Contact already exists. Existing ID: %s", other.id))
	}
	refuseValues(h.broken(c, o, r, x.values))
}

// once refuses a batch that names something twice.
func once(seen map[string]bool, name string) {
	invalidIf(seen[name], "Duplicate IDs found in batch input: [%s]. IDs must be unique", name)
	seen[name] = name != ""
}

// batchUpdate writes up to 100 records. One bad value anywhere and nothing is written. Ids not found share one error, and
// merged ids are left out of the answer without a word, as seen by others.
func (h *HubSpot) batchUpdate(c call, o *hubObject) reply {
	in := c.inputs(o)
	ids := make(map[string]bool, len(in))
	for _, x := range in {
		lackingIf(x.ID == nil || x.Properties == nil, "SimplePublicObjectBatchInput", "id", "properties")
		byRecordID(x.IDProperty)
		once(ids, *x.ID)
	}
	for _, x := range in {
		refuseValues(x.bad)
		if r := o.named(*x.ID); r != nil {
			h.check(c, o, r, x)
		}
	}
	var run batch
	for _, x := range in {
		r := o.byID[*x.ID]
		switch {
		case r != nil && r.into != nil:
		case r == nil || !r.live():
			run.missing = append(run.missing, *x.ID)
		default:
			run.add(h.write(c, o, r, x))
		}
	}
	return h.batchReply(c, http.StatusOK, run)
}

// write applies changes that came through the API, counts them and gives the answer.
func (h *HubSpot) write(c call, o *hubObject, r *record, x input) members {
	if o == h.contacts {
		h.tally.wrote(r)
	}
	h.apply(o, r, x.values, author{source: byIntegration}, c.now.UnixMilli())
	return o.written(r, x)
}

// written is a record as the answer to a write shows it: what was written and what is always there.
func (o *hubObject) written(r *record, x input) members {
	names := slices.AppendSeq([]string{"hs_object_id"}, maps.Keys(x.values))
	return rendering{props: o.resolve(names, true)}.render(r)
}

// updateOne answers PATCH of a live record.
func (h *HubSpot) updateOne(c call, o *hubObject) reply {
	r := o.lookup(c)
	stopIf(r == nil, missing)
	x := c.single(o)
	h.check(c, o, r, x)
	return jsonReply(http.StatusOK, h.write(c, o, r, x))
}

// createOne answers POST of a new record.
func (h *HubSpot) createOne(c call, o *hubObject) reply {
	return jsonReply(http.StatusCreated, h.createFrom(c, o, c.single(o)))
}

func (h *HubSpot) createFrom(c call, o *hubObject, x input) members {
	h.check(c, o, nil, x)
	for _, a := range x.Associations {
		invalidIf(o.other.named(a.To.ID) == nil, "One or more associations are not valid: %s %s does not exist", o.other.singular, a.To.ID)
	}
	r := h.create(o, x.values, byIntegration, c.now.UnixMilli())
	for _, a := range x.Associations {
		deal, contact := r, o.other.named(a.To.ID)
		if o == h.contacts {
			deal, contact = contact, r
		}
		h.associate(deal, contact)
	}
	return o.written(r, x)
}

// batchCreate adds up to 100 records. One bad row and nothing is made.
func (h *HubSpot) batchCreate(c call, o *hubObject) reply {
	in := c.inputs(o)
	addresses := map[string]bool{}
	for _, x := range in {
		lackingIf(x.Properties == nil, "SimplePublicObjectBatchInputForCreate", "properties")
		h.check(c, o, nil, x)
		once(addresses, x.values["email"])
	}
	var run batch
	for _, x := range in {
		run.add(h.createFrom(c, o, x))
	}
	return h.batchReply(c, http.StatusCreated, run)
}

// mergeCall answers the merge of two contacts with the record they became.
func (h *HubSpot) mergeCall(c call, o *hubObject) reply {
	var in struct {
		PrimaryObjectID string `json:"primaryObjectId"`
		ObjectIDToMerge string `json:"objectIdToMerge"`
	}
	c.read(&in)
	stopIf(o != h.contacts, notAllowed)
	var r *record
	bad := caught[problem](func() { r = h.merge(in.PrimaryObjectID, in.ObjectIDToMerge) })
	invalidIf(bad != nil, "Objects %s and %s cannot be merged", in.PrimaryObjectID, in.ObjectIDToMerge)
	return jsonReply(http.StatusOK, rendering{props: o.resolve(nil, true)}.render(r))
}

// eraseCall answers a deletion for privacy reasons.
func (h *HubSpot) eraseCall(c call, o *hubObject) reply {
	var in struct {
		ObjectID   string `json:"objectId"`
		IDProperty string `json:"idProperty"`
	}
	c.read(&in)
	byRecordID(in.IDProperty)
	stopIf(o != h.contacts, notAllowed)
	stopIf(caught[problem](func() { h.erase(in.ObjectID) }) != nil, missing)
	return reply{status: http.StatusNoContent}
}
