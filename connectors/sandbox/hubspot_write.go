package sandbox

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// input is one row of a write.
type input struct {
	ID           *string            `json:"id"`
	IDProperty   string             `json:"idProperty"`
	Properties   map[string]*string `json:"properties"`
	Associations []struct {
		To idJSON `json:"to"`
	} `json:"associations"`

	changes []change
	bad     []*badValue
}

// understand gives a row's names and values their meaning.
func (in *input) understand(o *hubObject) {
	in.changes = make([]change, 0, len(in.Properties))
	for _, name := range slices.Sorted(maps.Keys(in.Properties)) {
		p, ok := o.property(name)
		switch value := in.Properties[name]; {
		case !ok:
			in.bad = append(in.bad, unknownProperty(name))
		case p.readOnly():
			in.bad = append(in.bad, &badValue{false, fmt.Sprintf("%q is a read only property; its value cannot be set.", name), "READ_ONLY_VALUE", name})
		case value == nil:
			in.bad = append(in.bad, &badValue{false, fmt.Sprintf("%q must be a string", name), "INVALID_VALUE", name})
		default:
			v, bad := p.check(*value)
			if bad != nil {
				in.bad = append(in.bad, bad)
				continue
			}
			in.changes = append(in.changes, change{p, v})
		}
	}
}

// inputs reads the body of a batch write.
func (c call) inputs(o *hubObject) []input {
	var in struct {
		Inputs []input `json:"inputs"`
	}
	refuseIf(c.read(&in))
	refuseIf(batchSize(len(in.Inputs), maxBatch))
	for i := range in.Inputs {
		in.Inputs[i].understand(o)
	}
	return in.Inputs
}

// single reads the body of a write of one record.
func (c call) single(o *hubObject) input {
	var in input
	refuseIf(c.read(&in))
	if in.Properties == nil {
		panic(lacking("SimplePublicObjectInput", "properties"))
	}
	in.understand(o)
	refuseIf(badValues(in.bad))
	return in
}

// badValues is the 400 to values that do not go, nil if there are none.
func badValues(bad []*badValue) *failure {
	if len(bad) == 0 {
		return nil
	}
	message, details := tellBad(bad)
	return &failure{status: http.StatusBadRequest, Message: message, Category: "VALIDATION_ERROR", Errors: details}
}

func tellBad(bad []*badValue) (message string, details []detail) {
	for _, v := range bad {
		details = append(details, detail{v.Message, v.Code, map[string][]string{"propertyName": {v.Name}}})
	}
	return "Property values were not valid: " + string(marshal(bad)), details
}

// conflict is the 409 to an address that another contact has.
func conflict(other *record) *failure {
	return refuse(http.StatusConflict, "CONFLICT", "Contact already exists. Existing ID: %s", other.id)
}

// broken are the validation rules a contact would not keep after changes; r is nil for a new one.
func (h *HubSpot) broken(c call, o *hubObject, r *record, changes []change) (bad []*badValue) {
	if o != h.contacts || c.dated != "2026-09" {
		return nil
	}
	after := func(name string) string {
		p, known := o.property(name)
		v, given := valueOf(changes, name)
		if !given && known && r != nil {
			v = r.value(p.number)
		}
		return v
	}
	for _, rule := range h.rules {
		if after(rule.When) == rule.Is && after(rule.Require) == "" {
			bad = append(bad, &badValue{false, fmt.Sprintf("Property %q is required when %q is %q", rule.Require, rule.When, rule.Is), "MISSING_CONDITIONAL_REQUIRED_PROPERTY", rule.Require})
		}
	}
	return bad
}

// refused says why a record does not take changes; r is nil for a new one.
func (h *HubSpot) refused(c call, o *hubObject, r *record, changes []change) *failure {
	if other := h.clash(o, changes, r); other != nil {
		return conflict(other)
	}
	return badValues(h.broken(c, o, r, changes))
}

// batchUpdate writes up to 100 records. One bad value anywhere and nothing is written. Ids not found share one error, and
// merged ids are left out of the answer without a word.
func (h *HubSpot) batchUpdate(c call, o *hubObject) reply {
	in := c.inputs(o)
	ids := make(map[string]bool, len(in))
	for _, x := range in {
		switch {
		case x.ID == nil || x.Properties == nil:
			panic(lacking("SimplePublicObjectBatchInput", "id", "properties"))
		case ids[*x.ID]:
			panic(invalid("Duplicate IDs found in batch input: [%s]. IDs must be unique", *x.ID))
		}
		refuseIf(byRecordID(x.IDProperty))
		ids[*x.ID] = true
	}
	for _, x := range in {
		refuseIf(badValues(x.bad))
		if r := o.live(*x.ID); r != nil {
			refuseIf(h.refused(c, o, r, x.changes))
		}
	}
	run := h.batch(c)
	var missing []string
	for _, x := range in {
		r := o.byID[*x.ID]
		switch {
		case r != nil && r.into != nil:
			// Left out silently, as seen by others.
		case r == nil || !r.live():
			missing = append(missing, *x.ID)
		default:
			h.write(c, o, r, x.changes)
			run.next()
			run.body = h.renderWritten(run.body, o, r, x)
		}
	}
	run.missing(o, missing)
	return run.reply(http.StatusOK)
}

// write applies changes that came through the API and counts them.
func (h *HubSpot) write(c call, o *hubObject, r *record, changes []change) {
	if o == h.contacts {
		h.tally.wrote(r)
	}
	h.apply(o, r, changes, func(*property) author { return author{source: byIntegration} }, c.now.UnixMilli())
}

// renderWritten appends a record as the answer to a write shows it: what was written and what is always there.
func (h *HubSpot) renderWritten(b []byte, o *hubObject, r *record, x input) []byte {
	props := make([]*property, 0, len(x.changes)+3)
	for _, c := range x.changes {
		props = append(props, c.p)
	}
	for _, name := range []string{"createdate", o.modified, "hs_object_id"} {
		props = append(props, o.byName[name])
	}
	slices.SortFunc(props, func(a, b *property) int { return strings.Compare(a.Name, b.Name) })
	return h.render(b, r, rendering{props: slices.Compact(props)})
}

// updateOne answers PATCH of a live record.
func (h *HubSpot) updateOne(c call, o *hubObject) reply {
	r := o.lookup(c)
	refuseIf(missing(r))
	x := c.single(o)
	refuseIf(h.refused(c, o, r, x.changes))
	h.write(c, o, r, x.changes)
	return reply{status: http.StatusOK, body: h.renderWritten(nil, o, r, x)}
}

// createOne answers POST of a new record.
func (h *HubSpot) createOne(c call, o *hubObject) reply {
	x := c.single(o)
	r := h.createFrom(c, o, x)
	return reply{status: http.StatusCreated, body: h.renderWritten(nil, o, r, x)}
}

func (h *HubSpot) createFrom(c call, o *hubObject, x input) *record {
	refuseIf(h.refused(c, o, nil, x.changes))
	for _, a := range x.Associations {
		if o.other.live(a.To.ID) == nil {
			panic(invalid("One or more associations are not valid: %s %s does not exist", o.other.singular, a.To.ID))
		}
	}
	r := h.create(o, x.changes, byIntegration, c.now.UnixMilli())
	for _, a := range x.Associations {
		deal, contact := r, o.other.live(a.To.ID)
		if o == h.contacts {
			deal, contact = contact, r
		}
		h.associate(deal, contact)
	}
	return r
}

// batchCreate adds up to 100 records. One bad row and nothing is made.
func (h *HubSpot) batchCreate(c call, o *hubObject) reply {
	in := c.inputs(o)
	addresses := map[string]bool{}
	for _, x := range in {
		if x.Properties == nil {
			panic(lacking("SimplePublicObjectBatchInputForCreate", "properties"))
		}
		refuseIf(cmp.Or(badValues(x.bad), h.refused(c, o, nil, x.changes)))
		if email, _ := valueOf(x.changes, "email"); email != "" {
			if addresses[email] {
				panic(invalid("Duplicate IDs found in batch input: [%s]. IDs must be unique", email))
			}
			addresses[email] = true
		}
	}
	run := h.batch(c)
	for _, x := range in {
		r := h.createFrom(c, o, x)
		run.next()
		run.body = h.renderWritten(run.body, o, r, x)
	}
	return run.reply(http.StatusCreated)
}

// mergeCall answers the merge of two contacts with the record they became.
func (h *HubSpot) mergeCall(c call, o *hubObject) reply {
	var in struct {
		PrimaryObjectID string `json:"primaryObjectId"`
		ObjectIDToMerge string `json:"objectIdToMerge"`
	}
	refuseIf(c.read(&in))
	if o != h.contacts {
		panic(notAllowed)
	}
	r, err := h.merge(in.PrimaryObjectID, in.ObjectIDToMerge)
	if err != nil {
		panic(invalid("Objects %s and %s cannot be merged", in.PrimaryObjectID, in.ObjectIDToMerge))
	}
	return reply{status: http.StatusOK, body: h.render(nil, r, rendering{props: o.resolve(nil, true)})}
}

// eraseCall answers a deletion for privacy reasons.
func (h *HubSpot) eraseCall(c call, o *hubObject) reply {
	var in struct {
		ObjectID   string `json:"objectId"`
		IDProperty string `json:"idProperty"`
	}
	refuseIf(c.read(&in))
	if o != h.contacts {
		panic(notAllowed)
	}
	if r := h.emails[strings.ToLower(in.ObjectID)]; r != nil && in.IDProperty == "email" {
		in.ObjectID = r.id
	}
	if h.erase(in.ObjectID) != nil {
		panic(refuse(http.StatusNotFound, "OBJECT_NOT_FOUND", "resource not found"))
	}
	return reply{status: http.StatusNoContent}
}
