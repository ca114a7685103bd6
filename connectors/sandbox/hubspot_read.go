package sandbox

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Limits of the object endpoints.
const (
	maxBatch        = 100
	maxBatchHistory = 50 // inputs or rows where the history is asked for
	maxList         = 100
)

// rendering is which properties of records an answer shows.
type rendering struct {
	props, history []*property
}

// rendering reads which properties a call asks for in its query, and how many records it may have.
func (c call) rendering(o *hubObject) (how rendering, most int) {
	v := c.params()
	how = rendering{o.resolve(v["properties"], true), o.resolve(v["propertiesWithHistory"], false)}
	if len(how.history) > 0 {
		return how, maxBatchHistory
	}
	return how, maxList
}

// render is a record as an answer shows it.
func (how rendering) render(r *record) members {
	props := func(b []byte) []byte {
		return appendEach(b, "{}", how.props, func(b []byte, p *property) []byte {
			return appendValue(append(appendQuoted(b, p.Name), ':'), p.value(r))
		})
	}
	told := members{{"id", r.id}, {"properties", props}}
	if len(how.history) > 0 {
		var all members
		for _, p := range how.history {
			all = append(all, member{p.Name, p.versions(r)})
		}
		told = append(told, member{"propertiesWithHistory", all})
	}
	told = append(told, members{{"createdAt", instant(r.created)}, {"updatedAt", instant(r.modified)}}...)
	if r.gone != 0 && r.into == nil {
		return append(told, members{{"archived", true}, {"archivedAt", instant(r.gone)}}...)
	}
	return append(told, member{"archived", false})
}

// listed is a list as it is told: where the next page begins, "" for the last one, and what leads there.
func listed[T any](list []T, after, link string) members {
	return append(members{{"results", append([]T{}, list...)}}, paged(after, link)...)
}

// pageFrom is what stands at an offset of a list, each as it is told, and the offset of the next page, "" for the last one.
func pageFrom[T any](all []T, offset, limit int, told func(x T) members) (page []members, next string) {
	all = all[min(offset, len(all)):]
	if len(all) > limit {
		all, next = all[:limit], strconv.Itoa(offset+limit)
	}
	for _, x := range all {
		page = append(page, told(x))
	}
	return page, next
}

// paged tells where the next page begins, if there is one.
func paged(after, link string) members {
	if after == "" {
		return nil
	}
	return members{{"paging", members{{"next", members{{"after", after}, {"link", link}}}}}}
}

// versions are the values that a property of a record had, newest first. One that never changed is as old as the record.
func (p *property) versions(r *record) []members {
	list := slices.DeleteFunc(slices.Clone(r.history), func(v version) bool { return v.field != p.number })
	if v := r.value(p.number); len(list) == 0 && v != "" {
		original := author{source: r.origin}
		if p.readOnly() {
			original.source = p.source
		}
		list = []version{{p.number, r.created, original, v}}
	}
	out := []members{}
	for _, v := range slices.Backward(list) {
		told := members{{"value", v.text}, {"timestamp", instant(v.at)}, {"sourceType", v.by.source}}
		switch v.by.source {
		case byUser:
			told = append(told, members{{"sourceId", "userId:" + formatID(v.by.user)}, {"updatedByUserId", v.by.user}}...)
		case byIntegration:
			told = append(told, members{{"sourceId", "1001"}, {"sourceLabel", "Sandbox app"}}...)
		}
		out = append(out, told)
	}
	return out
}

// wantsArchived says that a call asks for what is archived in place of what is live.
func (c call) wantsArchived() bool { return c.params().Get("archived") == "true" }

// shows is whether a read sees a record.
func (c call) shows() func(r *record) bool {
	if c.wantsArchived() {
		return func(r *record) bool { return r.inBin(c.now.UnixMilli()) }
	}
	return (*record).live
}

// list answers the full scan by id.
func (h *HubSpot) list(c call, o *hubObject) reply {
	how, most := c.rendering(o)
	limit, after := page(c.params(), 10, most) // after is the id of the first record
	var found []members
	next := ""
	shows := c.shows()
	for _, r := range o.recs[o.from(int64(after)):] {
		if !shows(r) {
			continue
		}
		if len(found) == limit {
			next = r.id
			break
		}
		found = append(found, how.render(r))
	}
	return jsonReply(http.StatusOK, listed(found, next, c.link(next)))
}

// byRecordID refuses to find records by another property than their id: the sandbox cannot, and batch updates take no address.
func byRecordID(idProperty string) {
	invalidIf(idProperty != "" && idProperty != "hs_object_id", "idProperty %q cannot be used", idProperty)
}

var missing = refuse(http.StatusNotFound, "OBJECT_NOT_FOUND", "Object not found.  objectId are usually numeric.")

// readOne answers GET of one record. Ids that were merged away lead to the record they live on in.
func (h *HubSpot) readOne(c call, o *hubObject) reply {
	r := o.lookup(c)
	if r == nil {
		r = o.byID[c.rest[2]]
	}
	stopIf(r == nil || !c.shows()(r), missing)
	how, _ := c.rendering(o)
	return jsonReply(http.StatusOK, how.render(r))
}

// archiveOne answers DELETE of one record, which may have gone before.
func (h *HubSpot) archiveOne(c call, o *hubObject) reply {
	if r := o.lookup(c); r != nil {
		h.archive(o, r, c.now.UnixMilli())
	}
	return reply{status: http.StatusNoContent}
}

// lookup is the live record that a call's path names, nil if there is none.
func (o *hubObject) lookup(c call) *record {
	byRecordID(c.params().Get("idProperty"))
	return o.follow(c.rest[2])
}

// batchRead answers with the records found, those not found in one error, and nothing at all for merged ids, as seen by others.
func (h *HubSpot) batchRead(c call, o *hubObject) reply {
	var in struct {
		Inputs                []idJSON `json:"inputs"`
		Properties            []string `json:"properties"`
		PropertiesWithHistory []string `json:"propertiesWithHistory"`
		IDProperty            string   `json:"idProperty"`
	}
	c.read(&in)
	byRecordID(in.IDProperty)
	how, most := rendering{o.resolve(in.Properties, true), o.resolve(in.PropertiesWithHistory, false)}, maxBatch
	if len(in.PropertiesWithHistory) > 0 {
		most = maxBatchHistory
	}
	batchSize(len(in.Inputs), most)
	var run batch
	shows, done := c.shows(), make(map[string]bool, len(in.Inputs))
	for _, x := range in.Inputs {
		r := o.byID[x.ID]
		switch {
		case done[x.ID] || r != nil && r.into != nil:
		case r == nil || !shows(r):
			run.missing = append(run.missing, x.ID)
		default:
			run.add(how.render(r))
		}
		done[x.ID] = true
	}
	return h.batchReply(c, http.StatusOK, run)
}

// batchSize checks the number of inputs.
func batchSize(n, most int) {
	lackingIf(n == 0, "BatchInput", "inputs")
	invalidIf(n > most, "The maximum number of inputs supported in a batch request is %d, but %d were sent", most, n)
}

// batch is what comes of a batch call.
type batch struct {
	results []any
	errors  []members
	missing []string // ids not found, which share one error
}

func (b *batch) add(result any) { b.results = append(b.results, result) }

// fail notes what failed: told is its category, its message and more.
func (b *batch) fail(told members) {
	b.errors = append(b.errors, append(members{{"status", "error"}}, told...))
}

// batchReply answers a batch call: with the given status if nothing failed, otherwise 207, which 2026-09 may fold into 200.
func (h *HubSpot) batchReply(c call, status int, b batch) reply {
	if len(b.missing) > 0 {
		message := "Could not get some " + strings.ToUpper(h.object(c.rest[1]).singular) + " objects, they may be deleted or not exist. Check that ids are valid."
		b.fail(members{{"category", "OBJECT_NOT_FOUND"}, {"message", message}, {"context", members{{"ids", b.missing}}}})
	}
	told := append(members{{"status", "COMPLETE"}}, listed(b.results, "", "")...)
	if len(b.errors) > 0 {
		told = append(told, members{{"numErrors", len(b.errors)}, {"errors", b.errors}}...)
		if status = http.StatusMultiStatus; h.o.FoldErrors && c.dated == "2026-09" {
			status = http.StatusOK
		}
	}
	now := instant(c.now.UnixMilli())
	return jsonReply(status, append(told, members{{"startedAt", now}, {"completedAt", now}}...))
}
