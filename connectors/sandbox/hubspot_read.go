package sandbox

import (
	"bytes"
	"net/http"
	"slices"
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

// render is a record as an answer shows it. Texts are nearly all that a portal says: encoding/json would take several times as
// long for them.
func (how rendering) render(r *record) []byte {
	created, updated := instant(r.created), instant(r.modified)
	b := append(make([]byte, 0, 256+64*len(how.props)), `{"id":"`+r.id+`","properties":{`...)
	for i, p := range how.props {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendQuoted(b, p.Name), ':')
		switch p.meaning {
		case isID:
			b = appendQuoted(b, r.id)
		case isCreated:
			b = appendQuoted(b, created)
		case isModified:
			b = appendQuoted(b, updated)
		default:
			if text := r.value(p.number); text != "" {
				b = appendQuoted(b, text)
			} else {
				b = append(b, "null"...)
			}
		}
	}
	b = append(b, '}')
	if len(how.history) > 0 {
		all := make(map[string][]versionJSON, len(how.history))
		for _, p := range how.history {
			all[p.Name] = p.versions(r)
		}
		b = append(append(b, `,"propertiesWithHistory":`...), marshal(all)...)
	}
	archived := `false}`
	if r.gone != 0 && r.into == nil {
		archived = `true,"archivedAt":"` + instant(r.gone) + `"}`
	}
	return append(b, `,"createdAt":"`+created+`","updatedAt":"`+updated+`","archived":`+archived...)
}

// listed is an answer with results that are rendered already, and what stands before and after them.
func listed(before any, list [][]byte, after any) []byte {
	b := bytes.TrimSuffix(marshal(before), []byte("}"))
	if len(b) > 1 {
		b = append(b, ',')
	}
	b = append(append(append(b, `"results":[`...), bytes.Join(list, []byte(","))...), ']')
	if tail := marshal(after); len(tail) > 2 {
		return append(append(b, ','), tail[1:]...)
	}
	return append(b, '}')
}

// versionJSON is a value that a property had.
type versionJSON struct {
	Value       string `json:"value"`
	Timestamp   string `json:"timestamp"`
	SourceType  string `json:"sourceType"`
	SourceID    string `json:"sourceId,omitempty"`
	SourceLabel string `json:"sourceLabel,omitempty"`
	UserID      int64  `json:"updatedByUserId,omitempty"`
}

// versions are the values that a property of a record had, newest first. One that never changed is as old as the record.
func (p *property) versions(r *record) []versionJSON {
	list := slices.DeleteFunc(slices.Clone(r.history), func(v version) bool { return v.field != p.number })
	if v := r.value(p.number); len(list) == 0 && v != "" {
		original := author{source: r.origin}
		if p.readOnly() {
			original.source = p.source
		}
		list = []version{{p.number, r.created, original, v}}
	}
	out := make([]versionJSON, 0, len(list))
	for _, v := range slices.Backward(list) {
		j := versionJSON{Value: v.text, Timestamp: instant(v.at), SourceType: v.by.source}
		switch v.by.source {
		case byUser:
			j.SourceID, j.UserID = "userId:"+formatID(v.by.user), v.by.user
		case byIntegration:
			j.SourceID, j.SourceLabel = "1001", "Sandbox app"
		}
		out = append(out, j)
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
	var found [][]byte
	var next pages
	shows := c.shows()
	for _, r := range o.recs[o.from(int64(after)):] {
		if !shows(r) {
			continue
		}
		if len(found) == limit {
			next.Paging = nextPage(r.id, c.link(r.id))
			break
		}
		found = append(found, how.render(r))
	}
	return reply{status: http.StatusOK, body: listed(struct{}{}, found, next)}
}

// byRecordID refuses to find records by another property than their id: the sandbox cannot, and batch updates take no address.
func byRecordID(idProperty string) {
	if idProperty != "" && idProperty != "hs_object_id" {
		panic(invalid("idProperty %q cannot be used", idProperty))
	}
}

var missing = refuse(http.StatusNotFound, "OBJECT_NOT_FOUND", "Object not found.  objectId are usually numeric.")

// readOne answers GET of one record. Ids that were merged away lead to the record they live on in.
func (h *HubSpot) readOne(c call, o *hubObject) reply {
	r := o.lookup(c)
	if r == nil {
		r = o.byID[c.rest[2]]
	}
	if r == nil || !c.shows()(r) {
		panic(missing)
	}
	how, _ := c.rendering(o)
	return reply{status: http.StatusOK, body: how.render(r)}
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
	if n == 0 {
		panic(lacking("BatchInput", "inputs"))
	}
	if n > most {
		panic(invalid("The maximum number of inputs supported in a batch request is %d, but %d were sent", most, n))
	}
}

// batch is what comes of a batch call.
type batch struct {
	results [][]byte
	errors  []batchError
	missing []string // ids not found, which share one error
}

// batchError is what failed of a batch.
type batchError struct {
	Status      string              `json:"status"`
	Category    string              `json:"category"`
	SubCategory string              `json:"subCategory,omitempty"`
	Message     string              `json:"message"`
	Context     map[string][]string `json:"context"`
}

func (b *batch) add(result []byte) { b.results = append(b.results, result) }

func (b *batch) fail(e batchError) {
	e.Status = "error"
	b.errors = append(b.errors, e)
}

// batchReply answers a batch call: with the given status if nothing failed, otherwise 207, which 2026-09 may fold into 200.
func (h *HubSpot) batchReply(c call, status int, b batch) reply {
	if len(b.missing) > 0 {
		message := "Could not get some " + strings.ToUpper(h.object(c.rest[1]).singular) + " objects, they may be deleted or not exist. Check that ids are valid."
		b.fail(batchError{Category: "OBJECT_NOT_FOUND", Message: message, Context: map[string][]string{"ids": b.missing}})
	}
	if len(b.errors) > 0 {
		status = http.StatusMultiStatus
		if h.o.FoldErrors && c.dated == "2026-09" {
			status = http.StatusOK
		}
	}
	now := instant(c.now.UnixMilli())
	return reply{status: status, body: listed(map[string]string{"status": "COMPLETE"}, b.results, struct {
		NumErrors   int          `json:"numErrors,omitempty"`
		Errors      []batchError `json:"errors,omitempty"`
		StartedAt   string       `json:"startedAt"`
		CompletedAt string       `json:"completedAt"`
	}{len(b.errors), b.errors, now, now})}
}
