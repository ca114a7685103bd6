package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Limits of associations.
const (
	maxLinkBatch = 1000
	linkPage     = 500 // associations of one record in an answer; the rest is on its further pages
)

// associations answers /crm/v4/associations/{from}/{to}/batch/read and its date-based form.
func (h *HubSpot) associations(c call) reply {
	if len(c.rest) != 4 || c.rest[2] != "batch" || c.rest[3] != "read" {
		return h.failed(http.StatusNotFound, failure{message: "resource not found"})
	}
	from, to := h.table(c.rest[0]), h.table(c.rest[1])
	if from == nil || to == nil || from == to {
		return h.failed(http.StatusBadRequest, failure{message: "Unable to infer object type from: " + c.rest[0] + " or " + c.rest[1], category: "VALIDATION_ERROR"})
	}
	if c.method != http.MethodPost {
		return h.notAllowed()
	}
	var in struct {
		Inputs []struct {
			ID    string `json:"id"`
			After string `json:"after"`
		} `json:"inputs"`
	}
	if err := json.Unmarshal(c.body, &in); err != nil {
		return h.badJSON(err)
	}
	if rep, ok := h.batchSize(len(in.Inputs), maxLinkBatch); !ok {
		return rep
	}
	run := h.batch(c, 256*len(in.Inputs))
	for _, x := range in.Inputs {
		var list []int64
		if ord, ok := from.live(x.ID); ok {
			list = from.linkedLive(to, from.recs[ord].id)
		}
		if len(list) == 0 {
			run.fail("OBJECT_NOT_FOUND", "crm.associations.NO_ASSOCIATIONS_FOUND",
				fmt.Sprintf("No %s is associated with %s %s.", to.singular, from.singular, x.ID),
				[]contextValue{{"fromObjectId", []string{x.ID}}, {"fromObjectType", []string{from.singular}}, {"toObjectType", []string{to.singular}}}, nil)
			continue
		}
		b := appendQuoted(append(run.next(), `{"from":{"id":`...), x.ID)
		b = append(b, `},`...)
		run.body = append(from.appendLinks(b, "to", list, x.After, ""), '}')
	}
	return run.reply(http.StatusOK)
}

// linkedLive are the live records of the other object that a record is associated with, by id.
func (t *objects) linkedLive(other *objects, id int64) []int64 {
	return slices.DeleteFunc(slices.Clone(t.linked[id]), func(id int64) bool {
		ord, ok := other.find(id)
		return !ok || other.recs[ord].state != alive
	})
}

// appendLinks appends a page of associations under a name and where the next one begins.
func (t *objects) appendLinks(b []byte, name string, list []int64, after, link string) []byte {
	start := 0
	if n, ok := parseID(after); ok {
		start, _ = slices.BinarySearch(list, n)
	}
	page := list[start:]
	b = append(append(append(b, '"'), name...), `":[`...)
	for i, id := range page[:min(len(page), linkPage)] {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(append(b, `{"toObjectId":`...), id, 10)
		b = strconv.AppendInt(append(b, `,"associationTypes":[{"category":"HUBSPOT_DEFINED","typeId":`...), int64(t.linkTo), 10)
		b = append(b, `,"label":null}]}`...)
	}
	b = append(b, `],"paging":{`...)
	if len(page) > linkPage {
		next := formatID(page[linkPage])
		b = appendQuoted(append(b, `"next":{"after":`...), next)
		if link != "" {
			b = appendQuoted(append(b, `,"link":`...), link+next)
		}
		b = append(b, '}')
	}
	return append(b, '}')
}

// recordAssociations answers GET …/objects/{object}/{id}/associations/{other}.
func (h *HubSpot) recordAssociations(c call) reply {
	if len(c.rest) != 4 {
		return h.failed(http.StatusNotFound, failure{message: "resource not found"})
	}
	from, to := h.table(c.rest[0]), h.table(c.rest[3])
	if from == nil || to == nil || from == to {
		return h.failed(http.StatusBadRequest, failure{message: "Unable to infer object type from: " + strings.Join(c.rest, "/"), category: "VALIDATION_ERROR"})
	}
	if c.method != http.MethodGet {
		return h.notAllowed()
	}
	ord, ok := from.follow(c.rest[1])
	if !ok {
		return h.failed(http.StatusNotFound, failure{message: "resource not found", category: "OBJECT_NOT_FOUND"})
	}
	list := from.linkedLive(to, from.recs[ord].id)
	b := from.appendLinks([]byte{'{'}, "results", list, c.params().Get("after"), "https://api.hubapi.com"+c.path+"?after=")
	return reply{status: http.StatusOK, body: append(b, '}')}
}
