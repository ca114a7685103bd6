package sandbox

import (
	"maps"
	"net/http"
	"slices"
)

// SetOwner enters an owner of records, or changes their address.
func (h *HubSpot) SetOwner(id, email string) {
	defer h.lock()()
	if h.owners == nil {
		h.owners = map[string]string{}
	}
	h.owners[id] = email
}

func (h *HubSpot) owner(id string) map[string]any {
	return map[string]any{"id": id, "email": h.owners[id], "type": "PERSON", "firstName": "", "lastName": "", "archived": false}
}

func (h *HubSpot) listOwners(call, *hubObject) reply {
	list := []map[string]any{}
	for _, id := range slices.Sorted(maps.Keys(h.owners)) {
		list = append(list, h.owner(id))
	}
	return jsonReply(http.StatusOK, map[string]any{"results": list})
}

func (h *HubSpot) readOwner(c call, _ *hubObject) reply {
	id := c.rest.at(1)
	refuseIf(h.owners[id] == "", http.StatusNotFound, "OBJECT_NOT_FOUND", "Object not found. objectId=%s", id)
	return jsonReply(http.StatusOK, h.owner(id))
}
