package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Queries and their pages.
const (
	cursorPrefix   = "01g"
	cursorLife     = 2 * 24 * time.Hour
	cursorsAtATime = 10 // of one user; the oldest ends with the next one
	leastPage      = 200
	mostPage       = 2000
)

// orgCursor is a query with pages to come.
type orgCursor struct {
	id      string
	session string // it dies with
	ends    time.Time
	size    int
	o       *orgObject
	columns []orgPath
	recs    []*record
}

// query answers GET query, queryAll and tooling/query.
func (s *Salesforce) query(c *orgCall, _ *orgObject) reply {
	all, tooling := strings.EqualFold(c.rest[0], "queryAll"), c.rest[0] == "tooling"
	text := c.params().Get("q")
	badRequestIf(text == "", "MALFORMED_QUERY", "A query is required in the parameter q")
	q := s.parseSOQL(text, tooling)
	if c.params().Get("columns") == "true" {
		return jsonReply(http.StatusOK, map[string]any{
			"columnMetadata": s.columnsJSON(q.columns), "entityName": q.o.Name, "groupBy": false, "idSelected": slices.ContainsFunc(q.columns, func(c orgPath) bool { return c.field.Type == orgIDType }), "keyPrefix": q.o.Prefix,
		})
	}
	recs := s.run(q, all)
	if q.count {
		return jsonReply(http.StatusOK, map[string]any{"totalSize": len(recs), "done": true, "records": []any{}})
	}
	whole := func(c orgPath) bool { return c.field.Name == "Metadata" || c.field.Name == "FullName" }
	badRequestIf(tooling && len(recs) > 1 && slices.ContainsFunc(q.columns, whole), "MALFORMED_QUERY", "When retrieving results with Metadata or FullName fields, the query qualifications must specify no more than one row for retrieval. Result size: %d", len(recs))
	cursor := &orgCursor{session: c.session, ends: c.now.Add(cursorLife), size: batchSizeOf(c), o: q.o, columns: q.columns, recs: recs}
	if len(recs) > cursor.size {
		s.serial++
		cursor.id = orgID(cursorPrefix, firstNumber+s.serial)
		if len(s.cursors) >= cursorsAtATime {
			s.cursors = slices.Delete(s.cursors, 0, 1)
		}
		s.cursors = append(s.cursors, cursor)
	}
	return s.page(c, cursor, 0)
}

// columnsJSON describes a query's columns, for those who ask for columns in place of records: Salesforce's own CLI does. A
// parent's columns stand below the lookup to it.
func (s *Salesforce) columnsJSON(columns []orgPath) []map[string]any {
	out := []map[string]any{}
	for i, c := range columns {
		f, name, joined := c.field, c.field.Name, []map[string]any{}
		if c.way != nil {
			if slices.ContainsFunc(columns[:i], func(p orgPath) bool { return p.way == c.way }) {
				continue
			}
			f, name, joined = c.way, c.way.Relation, s.columnsJSON(below(columns, c.way, s.objects[strings.ToLower(c.way.RefTo[0])]))
		}
		out = append(out, map[string]any{
			"columnName": name, "displayName": name, "apexType": f.Type, "aggregate": false, "custom": f.custom, "joinColumns": joined, "foreignKeyName": nil,
			"booleanType": f.Type == orgBool, "numberType": f.numeric(), "textType": f.quoted(), "insertable": f.editable && !f.ReadOnly, "updatable": f.editable && !f.ReadOnly && !f.CreateOnly,
		})
	}
	return out
}

// below are the fields selected of the parent that a lookup leads to, as fields of that parent. What the parent lacks, of a
// lookup to several objects, is left out.
func below(columns []orgPath, way *orgField, parent *orgObject) (own []orgPath) {
	for _, c := range columns {
		if f, ok := parent.field(c.field.Name); ok && c.way == way {
			own = append(own, orgPath{field: f})
		}
	}
	return own
}

// batchSizeOf is the page size a call asks for.
func batchSizeOf(c *orgCall) int {
	for part := range strings.SplitSeq(c.header.Get("Sforce-Query-Options"), ",") {
		if name, value, ok := strings.Cut(part, "="); ok && strings.EqualFold(strings.TrimSpace(name), "batchSize") {
			if n, err := strconv.Atoi(strings.TrimSpace(value)); err == nil {
				return min(max(n, leastPage), mostPage)
			}
		}
	}
	return mostPage
}

// nextPage answers the further pages of a query.
func (s *Salesforce) nextPage(c *orgCall, _ *orgObject) reply {
	id, at, _ := strings.Cut(c.rest[len(c.rest)-1], "-")
	from, err := strconv.Atoi(at)
	for _, cursor := range s.cursors {
		if cursor.id == id && cursor.session == c.session && c.now.Before(cursor.ends) && err == nil && from >= 0 && from < len(cursor.recs) {
			return s.page(c, cursor, from)
		}
	}
	panic(badRequest("INVALID_QUERY_LOCATOR", "invalid query locator"))
}

// page answers with the records of a cursor from a place on.
func (s *Salesforce) page(c *orgCall, cursor *orgCursor, from int) reply {
	end := min(from+cursor.size, len(cursor.recs))
	told := members{{"totalSize", len(cursor.recs)}, {"done", end == len(cursor.recs)}}
	if end < len(cursor.recs) {
		told = append(told, member{"nextRecordsUrl", fmt.Sprintf("%s/query/%s-%d", c.prefix(), cursor.id, end)})
	}
	records := func(b []byte) []byte {
		return appendEach(b, "[]", cursor.recs[from:end], func(b []byte, r *record) []byte { return s.render(b, c.prefix(), cursor.o, r, cursor.columns) })
	}
	return jsonReply(http.StatusOK, append(told, member{"records", records}))
}

// render appends a record as queries and reads tell it: its own fields before those of its parents.
func (s *Salesforce) render(b []byte, prefix string, o *orgObject, r *record, columns []orgPath) []byte {
	path := "/sobjects/"
	if o.Tooling {
		path = "/tooling/sobjects/"
	}
	b = append(b, `{"attributes":{"type":"`+o.Name+`","url":"`+prefix+path+o.Name+"/"+r.id+`"}`...)
	for _, c := range columns {
		if c.way == nil {
			b = c.field.appendTo(append(appendQuoted(append(b, ','), c.field.Name), ':'), c.field.value(r))
		}
	}
	for i, c := range columns {
		if c.way == nil || slices.ContainsFunc(columns[:i], func(p orgPath) bool { return p.way == c.way }) {
			continue
		}
		b = append(appendQuoted(append(b, ','), c.way.Relation), ':')
		if parent, up := s.parent(c.way, r); up != nil {
			b = s.render(b, prefix, parent, up, below(columns, c.way, parent))
		} else {
			b = append(b, "null"...)
		}
	}
	return append(b, '}')
}

// readOne answers GET sobjects/{object}/{id}.
func (s *Salesforce) readOne(c *orgCall, o *orgObject) reply { return s.tell(c, o, s.named(c, o)) }

// tell answers with a record and the fields asked for, else all of it.
func (s *Salesforce) tell(c *orgCall, o *orgObject, r *record) reply {
	names := splitList(c.params().Get("fields"))
	if len(names) == 0 {
		for _, f := range o.fields {
			if f.readable {
				names = append(names, f.Name)
			}
		}
	}
	return reply{status: http.StatusOK, body: s.render(nil, c.prefix(), o, r, s.columns(o, names))}
}

// changed are the records to which something happened, as at tells, from start up to end of a replication call, whose seconds are
// ignored. Covered is up to when that is the whole truth: not beyond the beginning of an open transaction.
func (s *Salesforce) changed(c *orgCall, o *orgObject, days int, what string, at func(r *record) int64) (found []*record, covered string) {
	when := func(name string) int64 {
		text := strings.ReplaceAll(c.params().Get(name), " ", "+") // a plus that nobody encoded
		t, ok := parseWireTime(text)
		badRequestIf(!ok, "INVALID_REPLICATION_DATE", "%s is not a valid value for the type xsd:dateTime", text)
		return wholeMinute(t.UnixMilli())
	}
	start, end, now := when("start"), when("end"), c.now.UnixMilli()
	badRequestIf(end-start < minuteMs, "INVALID_REPLICATION_DATE", "endDate must be at least one minute greater than startDate")
	badRequestIf(now-start > int64(days)*dayMs+minuteMs, "INVALID_REPLICATION_DATE", "startDate must be within the last %d days for %s records", days, what)
	for _, r := range o.recs {
		if ms := at(r); start <= ms && ms < end {
			found = append(found, r)
		}
	}
	end = min(end, now)
	for _, t := range s.open {
		if t.object == o {
			end = min(end, t.began)
		}
	}
	return found, formatWireTime(wholeMinute(end))
}

const minuteMs = int64(time.Minute / time.Millisecond)

func wholeMinute(ms int64) int64 { return ms - ms%minuteMs }

// updated answers which live records have changed from start up to end.
func (s *Salesforce) updated(c *orgCall, o *orgObject) reply {
	found, covered := s.changed(c, o, 30, "updated", func(r *record) int64 {
		if !r.live() {
			return 0
		}
		return r.stamp
	})
	ids := []string{}
	for _, r := range found {
		ids = append(ids, r.id)
	}
	return jsonReply(http.StatusOK, map[string]any{"ids": ids, "latestDateCovered": covered})
}

// deleted answers which records have gone from start up to end.
func (s *Salesforce) deleted(c *orgCall, o *orgObject) reply {
	found, covered := s.changed(c, o, binDaysOrg, "deleted", func(r *record) int64 { return r.gone })
	gone := []map[string]string{}
	for _, r := range found {
		gone = append(gone, map[string]string{"id": r.id, "deletedDate": formatWireTime(r.gone)})
	}
	earliest := formatWireTime(wholeMinute(c.now.UnixMilli()) - binDaysOrg*dayMs)
	return jsonReply(http.StatusOK, map[string]any{"deletedRecords": gone, "latestDateCovered": covered, "earliestDateAvailable": earliest})
}
