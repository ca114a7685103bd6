package sandbox

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// list answers the full scan by id.
func (h *HubSpot) list(c call, t *objects) reply {
	v := c.params()
	how := c.rendering(t)
	limit, after := 10, int64(0)
	if s := v.Get("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			return h.invalid("limit must be a positive number")
		}
		limit = n
	}
	most := maxList
	if len(how.history) > 0 {
		most = maxBatchHistory
	}
	if limit > most {
		return h.invalid("The limit of %d is larger than the maximum of %d", limit, most)
	}
	if s := v.Get("after"); s != "" {
		n, ok := parseID(s)
		if !ok {
			return h.invalid("after must be a record id that an earlier page gave")
		}
		after = n
	}
	bin := v.Get("archived") == "true"
	var found []uint32
	now := c.now.UnixMilli()
	if bin {
		var ids []int64
		for id := range t.deletes {
			if ord, _ := t.find(id); id >= after && t.inBin(ord, now) {
				ids = append(ids, id)
			}
		}
		slices.Sort(ids)
		for _, id := range ids[:min(len(ids), limit+1)] {
			ord, _ := t.find(id)
			found = append(found, ord)
		}
	} else {
		for i := t.ordFrom(after); i < len(t.recs) && len(found) <= limit; i++ {
			if t.recs[i].state == alive {
				found = append(found, uint32(i))
			}
		}
	}
	b := append(make([]byte, 0, 1024), `{"results":[`...)
	for i, ord := range found[:min(len(found), limit)] {
		if i > 0 {
			b = append(b, ',')
		}
		b = h.render(b, t, ord, t.recs[ord].values, t.recs[ord].modified, how)
	}
	b = append(b, ']')
	if len(found) > limit {
		after := formatID(t.recs[found[limit]].id)
		b = appendQuoted(append(b, `,"paging":{"next":{"after":`...), after)
		b = append(appendQuoted(append(b, `,"link":`...), c.link(after)), "}}"...)
	}
	return reply{status: http.StatusOK, body: append(b, '}')}
}

// one answers GET, PATCH and DELETE of one record. Ids that were merged away lead to the record they live on in.
func (h *HubSpot) one(c call, t *objects) reply {
	ord, ok := t.follow(c.rest[1])
	v := c.params()
	switch v.Get("idProperty") {
	case "", "hs_object_id":
	case "email":
		if t == h.contacts {
			ord, ok = h.emails[strings.ToLower(c.rest[1])]
			break
		}
		fallthrough
	default:
		return h.invalid("idProperty %q is not a unique property", v.Get("idProperty"))
	}
	missing := func() reply {
		return h.failed(http.StatusNotFound, failure{message: "Object not found.  objectId are usually numeric.", category: "OBJECT_NOT_FOUND"})
	}
	switch c.method {
	case http.MethodGet:
		if v.Get("archived") == "true" {
			n, _ := parseID(c.rest[1])
			if ord, ok = t.find(n); ok {
				ok = t.inBin(ord, c.now.UnixMilli())
			}
		}
		if !ok {
			return missing()
		}
		r := &t.recs[ord]
		return reply{status: http.StatusOK, body: h.render(nil, t, ord, r.values, r.modified, c.rendering(t))}
	case http.MethodPatch:
		if !ok {
			return missing()
		}
		return h.updateOne(c, t, ord)
	case http.MethodDelete:
		if ok {
			h.leave(t, ord, archived, c.now.UnixMilli())
		}
		return reply{status: http.StatusNoContent}
	}
	return h.notAllowed()
}

// idList is the body of batch calls that name records.
type idList struct {
	Inputs []struct {
		ID string `json:"id"`
	} `json:"inputs"`
	Properties            []string `json:"properties"`
	PropertiesWithHistory []string `json:"propertiesWithHistory"`
	IDProperty            string   `json:"idProperty"`
}

// batchRead answers with the records found, those not found in one error, and nothing at all for merged ids.
func (h *HubSpot) batchRead(c call, t *objects) reply {
	var in idList
	if err := json.Unmarshal(c.body, &in); err != nil {
		return h.badJSON(err)
	}
	most := maxBatch
	how := rendering{props: t.resolve(in.Properties, true)}
	if len(in.PropertiesWithHistory) > 0 {
		how.history, most = t.resolve(in.PropertiesWithHistory, false), maxBatchHistory
	}
	if rep, ok := h.batchSize(len(in.Inputs), most); !ok {
		return rep
	}
	byEmail := false
	switch in.IDProperty {
	case "", "hs_object_id":
	case "email":
		byEmail = t == h.contacts
		if byEmail {
			break
		}
		fallthrough
	default:
		return h.invalid("idProperty %q is not a unique property", in.IDProperty)
	}
	bin := c.params().Get("archived") == "true"
	now := c.now.UnixMilli()
	run := h.batch(c, len(in.Inputs)*512)
	var missing []string
	done := make(map[uint32]bool, len(in.Inputs))
	for _, input := range in.Inputs {
		var ord uint32
		ok := false
		if byEmail {
			ord, ok = h.emails[strings.ToLower(input.ID)]
		} else if n, numeric := parseID(input.ID); numeric {
			ord, ok = t.find(n)
		}
		if ok {
			r := &t.recs[ord]
			if r.state == merged {
				continue // silently, as seen by others
			}
			ok = !bin && r.state == alive || bin && t.inBin(ord, now)
		}
		if !ok {
			if !slices.Contains(missing, input.ID) {
				missing = append(missing, input.ID)
			}
			continue
		}
		if done[ord] {
			continue
		}
		done[ord] = true
		r := &t.recs[ord]
		run.body = h.render(run.next(), t, ord, r.values, r.modified, how)
	}
	run.missing(t, missing)
	return run.reply(http.StatusOK)
}
