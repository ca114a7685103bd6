package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
)

// Limits of associations.
const (
	maxLinkBatch = 1000
	linkPage     = 500 // associations of one record in an answer; the rest is on its further pages
)

// CreateDeal adds a deal with contacts on it and returns its id. Where they are not given, hs_is_closed and hs_is_closed_won
// follow from dealstage. The contacts' num_associated_deals moves, as in HubSpot. It panics as CreateContact does.
func (h *HubSpot) CreateDeal(props map[string]string, contactIDs ...string) string {
	defer h.lock()()
	deal := h.seed(h.deals, props)
	for _, id := range contactIDs {
		contact := h.contacts.live(id)
		if contact == nil {
			panic(fmt.Errorf("%w: contact %s", ErrNotFound, id))
		}
		h.associate(deal, contact)
	}
	return deal.id
}

// associate puts a live contact on a deal.
func (h *HubSpot) associate(deal, contact *record) {
	link(deal, contact)
	n := change{h.contacts.byName["num_associated_deals"], strconv.Itoa(len(contact.links))}
	h.apply(h.contacts, contact, []change{n}, func(*property) author { return author{source: byCalculation} }, h.nowMs())
}

type idJSON struct {
	ID string `json:"id"`
}

// paging tells where the next page begins.
type paging struct {
	Next *pageAfter `json:"next,omitempty"`
}

type pageAfter struct {
	After string `json:"after"`
	Link  string `json:"link,omitempty"`
}

// linked is a page of the live records that a record is associated with.
func (o *hubObject) linked(r *record, after string) ([]any, paging) {
	list := slices.DeleteFunc(slices.Clone(r.links), func(r *record) bool { return !r.live() })
	if n, err := strconv.ParseInt(after, 10, 64); err == nil {
		list = slices.DeleteFunc(list, func(r *record) bool { return r.number < n })
	}
	var p paging
	if len(list) > linkPage {
		p.Next = &pageAfter{After: list[linkPage].id}
		list = list[:linkPage]
	}
	page := make([]any, 0, len(list))
	types := []any{map[string]any{"category": "HUBSPOT_DEFINED", "typeId": o.linkTo, "label": nil}}
	for _, r := range list {
		page = append(page, map[string]any{"toObjectId": r.number, "associationTypes": types})
	}
	return page, p
}

// needOther refuses associations with anything but the one other object.
func (o *hubObject) needOther(h *HubSpot, name string) {
	if h.object(name) != o.other {
		panic(noObject(name))
	}
}

// associations answers which records of the other object many records are associated with.
func (h *HubSpot) associations(c call, from *hubObject) reply {
	from.needOther(h, c.rest[2])
	var in struct {
		Inputs []struct {
			ID    string `json:"id"`
			After string `json:"after"`
		} `json:"inputs"`
	}
	refuseIf(c.read(&in))
	refuseIf(batchSize(len(in.Inputs), maxLinkBatch))
	run := h.batch(c)
	for _, x := range in.Inputs {
		var to []any
		var p paging
		if r := from.live(x.ID); r != nil {
			to, p = from.linked(r, x.After)
		}
		if len(to) == 0 {
			run.fail(batchError{
				Category: "OBJECT_NOT_FOUND", SubCategory: "crm.associations.NO_ASSOCIATIONS_FOUND",
				Message: fmt.Sprintf("No %s is associated with %s %s.", from.other.singular, from.singular, x.ID),
				Context: map[string][]string{"fromObjectId": {x.ID}, "fromObjectType": {from.singular}, "toObjectType": {from.other.singular}},
			})
			continue
		}
		run.add(marshal(map[string]any{"from": idJSON{x.ID}, "to": to, "paging": p}))
	}
	return run.reply(http.StatusOK)
}

// recordAssociations answers the same of one record.
func (h *HubSpot) recordAssociations(c call, from *hubObject) reply {
	from.needOther(h, c.rest[4])
	r := from.follow(c.rest[2])
	if r == nil {
		panic(refuse(http.StatusNotFound, "OBJECT_NOT_FOUND", "resource not found"))
	}
	list, p := from.linked(r, c.params().Get("after"))
	if p.Next != nil {
		p.Next.Link = c.link(p.Next.After)
	}
	return jsonReply(http.StatusOK, map[string]any{"results": list, "paging": p})
}
