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

// rendering reads which properties a call asks for in its query.
func (c call) rendering(o *hubObject) rendering {
	v := c.params()
	how := rendering{props: o.resolve(v["properties"], true)}
	if v.Has("propertiesWithHistory") {
		how.history = o.resolve(v["propertiesWithHistory"], false)
	}
	return how
}

// render appends a record as an answer shows it.
func (h *HubSpot) render(b []byte, r *record, how rendering) []byte {
	return h.renderView(b, r, view{cells: r.cells, modified: r.modified}, how)
}

// renderView appends a record in a state that search sees.
func (h *HubSpot) renderView(b []byte, r *record, v view, how rendering) []byte {
	var stamps [64]byte
	created := appendInstant(stamps[:0], r.created)
	updated := appendInstant(created[len(created):], v.modified)
	b = append(append(append(b, `{"id":"`...), r.id...), `","properties":{`...)
	for i, p := range how.props {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, p.jsonName...)
		switch p.meaning {
		case isID:
			b = append(append(append(b, '"'), r.id...), '"')
		case isCreated:
			b = append(append(append(b, '"'), created...), '"')
		case isModified:
			b = append(append(append(b, '"'), updated...), '"')
		default:
			if text := valueIn(v.cells, p.number); text != "" {
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
			all[p.Name] = h.versions(r, p)
		}
		b = append(append(b, `,"propertiesWithHistory":`...), marshal(all)...)
	}
	b = append(append(b, `,"createdAt":"`...), created...)
	b = append(append(b, `","updatedAt":"`...), updated...)
	if r.gone == 0 || r.into != nil {
		return append(b, `","archived":false}`...)
	}
	b = append(b, `","archived":true,"archivedAt":"`...)
	return append(appendInstant(b, r.gone), `"}`...)
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

func (h *HubSpot) versions(r *record, p *property) []versionJSON {
	original := author{source: r.origin}
	if p.readOnly() {
		original.source = p.source
	}
	list := r.versions(p.number, original)
	out := make([]versionJSON, 0, len(list))
	for _, v := range list {
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

// list answers the full scan by id.
func (h *HubSpot) list(c call, o *hubObject) reply {
	v := c.params()
	how := c.rendering(o)
	most := maxList
	if len(how.history) > 0 {
		most = maxBatchHistory
	}
	limit, after := page(v, 10, most) // after is the id of the first record
	bin, now := v.Get("archived") == "true", c.now.UnixMilli()
	b := append(make([]byte, 0, 1024), `{"results":[`...)
	given := 0
	for _, r := range o.recs[o.from(int64(after)):] {
		if bin && !r.inBin(now) || !bin && !r.live() {
			continue
		}
		if given == limit {
			b = append(append(b, `],"paging":`...), marshal(paging{&pageAfter{r.id, c.link(r.id)}})...)
			return reply{status: http.StatusOK, body: append(b, '}')}
		}
		if given++; given > 1 {
			b = append(b, ',')
		}
		b = h.render(b, r, how)
	}
	return reply{status: http.StatusOK, body: append(b, "]}"...)}
}

// byRecordID refuses to find records by another property than their id: the sandbox cannot, and batch updates take no address.
func byRecordID(idProperty string) *failure {
	if idProperty == "" || idProperty == "hs_object_id" {
		return nil
	}
	return invalid("idProperty %q cannot be used", idProperty)
}

// readOne answers GET of one record. Ids that were merged away lead to the record they live on in.
func (h *HubSpot) readOne(c call, o *hubObject) reply {
	r := o.lookup(c)
	if c.params().Get("archived") == "true" {
		if r = o.byID[c.rest[2]]; r != nil && !r.inBin(c.now.UnixMilli()) {
			r = nil
		}
	}
	refuseIf(missing(r))
	return reply{status: http.StatusOK, body: h.render(nil, r, c.rendering(o))}
}

// archiveOne answers DELETE of one record, which may have gone before.
func (h *HubSpot) archiveOne(c call, o *hubObject) reply {
	if r := o.lookup(c); r != nil {
		h.leave(o, r, c.now.UnixMilli())
	}
	return reply{status: http.StatusNoContent}
}

// lookup is the live record that a call's path names, nil if there is none.
func (o *hubObject) lookup(c call) *record {
	refuseIf(byRecordID(c.params().Get("idProperty")))
	return o.follow(c.rest[2])
}

func missing(r *record) *failure {
	if r != nil {
		return nil
	}
	return refuse(http.StatusNotFound, "OBJECT_NOT_FOUND", "Object not found.  objectId are usually numeric.")
}

// idList is the body of batch calls that name records.
type idList struct {
	Inputs                []idJSON  `json:"inputs"`
	Properties            []string  `json:"properties"`
	PropertiesWithHistory *[]string `json:"propertiesWithHistory"`
	IDProperty            string    `json:"idProperty"`
}

// batchRead answers with the records found, those not found in one error, and nothing at all for merged ids.
func (h *HubSpot) batchRead(c call, o *hubObject) reply {
	var in idList
	refuseIf(c.read(&in))
	refuseIf(byRecordID(in.IDProperty))
	most := maxBatch
	how := rendering{props: o.resolve(in.Properties, true)}
	if in.PropertiesWithHistory != nil && len(*in.PropertiesWithHistory) > 0 {
		how.history, most = o.resolve(*in.PropertiesWithHistory, false), maxBatchHistory
	}
	refuseIf(batchSize(len(in.Inputs), most))
	bin, now := c.params().Get("archived") == "true", c.now.UnixMilli()
	run := h.batch(c)
	var missing []string
	done := make(map[*record]bool, len(in.Inputs))
	for _, input := range in.Inputs {
		switch r := o.byID[input.ID]; {
		case r != nil && (r.into != nil || done[r]):
			// Merged ids are left out silently, as seen by others.
		case r == nil || bin && !r.inBin(now) || !bin && !r.live():
			if !slices.Contains(missing, input.ID) {
				missing = append(missing, input.ID)
			}
		default:
			done[r] = true
			run.next()
			run.body = h.render(run.body, r, how)
		}
	}
	run.missing(o, missing)
	return run.reply(http.StatusOK)
}

// batchSize checks the number of inputs.
func batchSize(n, most int) *failure {
	if n == 0 {
		return lacking("BatchInput", "inputs")
	}
	if n > most {
		return invalid("The maximum number of inputs supported in a batch request is %d, but %d were sent", most, n)
	}
	return nil
}

// batchRun is the answer to a batch call while it is being written.
type batchRun struct {
	h      *HubSpot
	c      call
	body   []byte
	count  int
	errors []batchError
}

// batchError is what failed of a batch.
type batchError struct {
	Status      string              `json:"status"`
	Category    string              `json:"category"`
	SubCategory string              `json:"subCategory,omitempty"`
	Message     string              `json:"message"`
	Context     map[string][]string `json:"context"`
	Errors      []detail            `json:"errors,omitempty"`
}

func (h *HubSpot) batch(c call) *batchRun {
	return &batchRun{h: h, c: c, body: append(make([]byte, 0, 4096), `{"status":"COMPLETE","results":[`...)}
}

// next readies the body for one more result.
func (r *batchRun) next() {
	if r.count++; r.count > 1 {
		r.body = append(r.body, ',')
	}
}

func (r *batchRun) add(result []byte) {
	r.next()
	r.body = append(r.body, result...)
}

func (r *batchRun) fail(e batchError) {
	e.Status = "error"
	r.errors = append(r.errors, e)
}

// missing adds the one entry that all ids not found share.
func (r *batchRun) missing(o *hubObject, ids []string) {
	if len(ids) > 0 {
		message := "Could not get some " + strings.ToUpper(o.singular) + " objects, they may be deleted or not exist. Check that ids are valid."
		r.fail(batchError{Category: "OBJECT_NOT_FOUND", Message: message, Context: map[string][]string{"ids": ids}})
	}
}

// reply closes the answer: with the given status if nothing failed, otherwise 207, which 2026-09 may fold into 200.
func (r *batchRun) reply(status int) reply {
	b := append(r.body, ']')
	if len(r.errors) > 0 {
		b = strconv.AppendInt(append(b, `,"numErrors":`...), int64(len(r.errors)), 10)
		b = append(append(b, `,"errors":`...), marshal(r.errors)...)
		status = http.StatusMultiStatus
		if r.h.o.FoldErrors && r.c.dated == "2026-09" {
			status = http.StatusOK
		}
	}
	now := r.c.now.UnixMilli()
	b = appendInstant(append(b, `,"startedAt":"`...), now)
	b = appendInstant(append(b, `","completedAt":"`...), now)
	return reply{status: status, body: append(b, `"}`...)}
}
