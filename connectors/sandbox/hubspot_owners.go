package sandbox

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strconv"
)

// hubOwner is somebody who may own records.
type hubOwner struct{ email, first, last string }

// SetOwner enters an owner of records, or changes their address.
func (h *HubSpot) SetOwner(id, email string) { h.SetOwnerNamed(id, email, "", "") }

// SetOwnerNamed is SetOwner with a name.
func (h *HubSpot) SetOwnerNamed(id, email, first, last string) {
	defer h.lock()()
	if h.owners == nil {
		h.owners = map[string]hubOwner{}
	}
	h.owners[id] = hubOwner{email, first, last}
}

func (h *HubSpot) owner(id string) map[string]any {
	o := h.owners[id]
	return map[string]any{"id": id, "email": o.email, "type": "PERSON", "firstName": o.first, "lastName": o.last, "archived": false}
}

// listOwners answers 100 at a time unless it is asked for others, at most 500.
func (h *HubSpot) listOwners(c call, _ *hubObject) reply {
	ids := slices.Sorted(maps.Keys(h.owners))
	limit, _ := strconv.Atoi(cmp.Or(c.params().Get("limit"), "100"))
	refuseIf(limit < 1 || limit > 500, http.StatusBadRequest, "VALIDATION_ERROR", "limit must be between 1 and 500")
	from, _ := strconv.Atoi(c.params().Get("after"))
	from = min(max(from, 0), len(ids))
	list := []map[string]any{}
	for _, id := range ids[from:min(from+limit, len(ids))] {
		list = append(list, h.owner(id))
	}
	answer := map[string]any{"results": list}
	if next := from + limit; next < len(ids) {
		answer["paging"] = map[string]any{"next": map[string]any{"after": strconv.Itoa(next)}}
	}
	return jsonReply(http.StatusOK, answer)
}

func (h *HubSpot) readOwner(c call, _ *hubObject) reply {
	id := c.rest.at(1)
	refuseIf(h.owners[id].email == "", http.StatusNotFound, "OBJECT_NOT_FOUND", "Object not found. objectId=%s", id)
	return jsonReply(http.StatusOK, h.owner(id))
}
