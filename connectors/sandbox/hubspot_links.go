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
		h.associate(deal, found(h.contacts.named(id), "contact", id))
	}
	return deal.id
}

// associate puts a live contact on a deal.
func (h *HubSpot) associate(deal, contact *record) {
	if !slices.Contains(deal.links, contact) {
		deal.links = append(deal.links, contact)
	}
	n := strconv.Itoa(len(h.linked(h.contacts, contact)))
	h.apply(h.contacts, contact, changes{"num_associated_deals": n}, author{source: byIntegration}, h.nowMs())
}

// linked are the live records of the other object that a record is associated with, in order of id. A contact that was merged
// away stands for the one it lives on in.
func (h *HubSpot) linked(o *hubObject, r *record) (list []*record) {
	for _, deal := range h.deals.recs {
		if o == h.deals && deal != r {
			continue
		}
		for _, contact := range deal.links {
			switch contact = contact.heir(); {
			case o == h.deals && contact.live():
				list = append(list, contact)
			case contact == r && deal.live():
				list = append(list, deal)
			}
		}
	}
	slices.SortFunc(list, byNumber)
	return slices.Compact(list)
}

type idJSON struct {
	ID string `json:"id"`
}

// linkPageOf is a page of the associations of a record.
func (h *HubSpot) linkPageOf(o *hubObject, r *record, after string) (found []members, next string) {
	from, _ := strconv.ParseInt(after, 10, 64) // without one, from the first
	for _, to := range h.linked(o, r) {
		if len(found) == linkPage {
			return found, to.id
		}
		if to.number >= from {
			found = append(found, members{{"toObjectId", to.number}, {"associationTypes", []members{{{"category", "HUBSPOT_DEFINED"}, {"typeId", o.linkTo}, {"label", nil}}}}})
		}
	}
	return found, ""
}

// needOther refuses associations with anything but the one other object.
func (o *hubObject) needOther(h *HubSpot, name string) {
	stopIf(h.object(name) != o.other, noObject(name))
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
	c.read(&in)
	batchSize(len(in.Inputs), maxLinkBatch)
	run := batch{}
	for _, x := range in.Inputs {
		found, next := h.linkPageOf(from, from.named(x.ID), x.After)
		if len(found) == 0 {
			run.fail(members{
				{"category", "OBJECT_NOT_FOUND"}, {"subCategory", "crm.associations.NO_ASSOCIATIONS_FOUND"},
				{"message", fmt.Sprintf("No %s is associated with %s %s.", from.other.singular, from.singular, x.ID)},
				{"context", members{{"fromObjectId", []string{x.ID}}, {"fromObjectType", []string{from.singular}}, {"toObjectType", []string{from.other.singular}}}},
			})
			continue
		}
		run.add(append(members{{"from", idJSON{x.ID}}, {"to", found}}, paged(next, c.link(next))...))
	}
	return h.batchReply(c, http.StatusOK, run)
}

// recordAssociations answers the same of one record.
func (h *HubSpot) recordAssociations(c call, from *hubObject) reply {
	from.needOther(h, c.rest[4])
	r := from.follow(c.rest[2])
	stopIf(r == nil, missing)
	found, next := h.linkPageOf(from, r, c.params().Get("after"))
	return jsonReply(http.StatusOK, listed(found, next, c.link(next)))
}
