package sandbox

import (
	"net/http"
	"strconv"
	"strings"
)

// Limits of the object endpoints.
const (
	maxBatch        = 100
	maxBatchHistory = 50 // inputs or rows where the history is asked for
	maxList         = 100
)

// objects answers /crm/v3/objects/… and /crm/objects/{version}/….
func (h *HubSpot) objects(c call) reply {
	var t *objects
	if len(c.rest) > 0 {
		if t = h.table(c.rest[0]); t == nil {
			return h.failed(http.StatusBadRequest, failure{message: "Unable to infer object type from: " + c.rest[0], category: "VALIDATION_ERROR"})
		}
	}
	if t == nil || len(c.rest) > 3 {
		return h.failed(http.StatusNotFound, failure{message: "resource not found"})
	}
	post := func(f func(call, *objects) reply) reply {
		if c.method != http.MethodPost {
			return h.notAllowed()
		}
		return f(c, t)
	}
	switch strings.Join(c.rest[1:], "/") {
	case "":
		switch c.method {
		case http.MethodGet:
			return h.list(c, t)
		case http.MethodPost:
			return h.createOne(c, t)
		}
		return h.notAllowed()
	case "search":
		return post(h.search)
	case "batch/read":
		return post(h.batchRead)
	case "batch/update":
		return post(h.batchUpdate)
	case "batch/create":
		return post(h.batchCreate)
	case "batch/archive":
		return post(h.batchArchive)
	case "merge":
		return post(h.mergeCall)
	case "gdpr-delete":
		return post(h.eraseCall)
	}
	if len(c.rest) == 2 {
		return h.one(c, t)
	}
	return h.failed(http.StatusNotFound, failure{message: "resource not found"})
}

// rendering is which properties of records an answer shows.
type rendering struct {
	props, history []*property
}

// render appends a record as an answer shows it; search and history see different states of it.
func (h *HubSpot) render(b []byte, t *objects, ord uint32, values string, modified int64, how rendering) []byte {
	r := &t.recs[ord]
	var id [20]byte
	idText := strconv.AppendInt(id[:0], r.id, 10)
	var stamps [64]byte
	created := appendInstant(stamps[:0], r.created)
	updated := appendInstant(created[len(created):], modified)
	b = append(append(b, `{"id":"`...), idText...)
	b = append(b, `","properties":{`...)
	h.cells.fill(values, len(t.list))
	for i, p := range how.props {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, p.key...)
		switch p.meaning {
		case isID:
			b = append(append(append(b, '"'), idText...), '"')
		case isCreated:
			b = append(append(append(b, '"'), created...), '"')
		case isModified:
			b = append(append(append(b, '"'), updated...), '"')
		default:
			if v := h.cells.get(p.number); v != "" {
				b = appendQuoted(b, v)
			} else {
				b = append(b, "null"...)
			}
		}
	}
	b = append(b, '}')
	if len(how.history) > 0 {
		b = append(b, `,"propertiesWithHistory":{`...)
		for i, p := range how.history {
			if i > 0 {
				b = append(b, ',')
			}
			b = h.renderHistory(append(b, p.key...), t, r, p)
		}
		b = append(b, '}')
	}
	b = append(append(b, `,"createdAt":"`...), created...)
	b = append(append(b, `","updatedAt":"`...), updated...)
	if r.state != archived {
		return append(b, `","archived":false}`...)
	}
	b = append(b, `","archived":true,"archivedAt":"`...)
	return append(appendInstant(b, r.archivedAt), `"}`...)
}

func (h *HubSpot) renderHistory(b []byte, t *objects, r *record, p *property) []byte {
	var versions []version
	switch p.meaning {
	case isID:
		versions = []version{{at: r.created, by: author{source: byCalculation}, value: formatID(r.id)}}
	case isCreated:
		versions = []version{{at: r.created, by: author{source: byCalculation}, value: string(appendInstant(nil, r.created))}}
	case isModified:
		versions = []version{{at: r.modified, by: author{source: byCalculation}, value: string(appendInstant(nil, r.modified))}}
	default:
		versions = r.history(p.number, h.o.History)
		if len(versions) == 1 && versions[0].original && p.readOnly {
			versions[0].by.source = p.source
		}
	}
	b = append(b, '[')
	for i, v := range versions {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendQuoted(append(b, `{"value":`...), v.value)
		b = append(appendInstant(append(b, `,"timestamp":"`...), v.at), `","sourceType":"`...)
		b = append(append(b, sourceNames[v.by.source]...), '"')
		switch v.by.source {
		case byUser:
			b = strconv.AppendInt(append(b, `,"sourceId":"userId:`...), v.by.user, 10)
			b = strconv.AppendInt(append(b, `","updatedByUserId":`...), v.by.user, 10)
		case byIntegration:
			b = append(b, `,"sourceId":"1001","sourceLabel":"Sandbox app"`...)
		}
		b = append(b, '}')
	}
	return append(b, ']')
}

// rendering reads which properties a call asks for in its query.
func (c call) rendering(t *objects) rendering {
	v := c.params()
	how := rendering{props: t.resolve(v["properties"], true)}
	if v.Has("propertiesWithHistory") {
		how.history = t.resolve(v["propertiesWithHistory"], false)
	}
	return how
}
