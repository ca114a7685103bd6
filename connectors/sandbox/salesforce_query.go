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
	columns []orgColumn
	ords    []uint32
}

// query answers GET query, queryAll and tooling/query, and the further pages of each.
func (s *Salesforce) query(c *orgCall, all, tooling bool, locator string) (reply, *orgFailure) {
	if c.method != http.MethodGet {
		return reply{}, wrongMethod(c.method)
	}
	if locator != "" {
		return s.nextPage(c, locator)
	}
	text := c.params().Get("q")
	if text == "" {
		return reply{}, badRequest("MALFORMED_QUERY", "A query is required in the parameter q")
	}
	p, err := s.planSOQL(text, tooling)
	if err != nil {
		return reply{}, err
	}
	ords := s.run(p, all)
	if p.count {
		return reply{status: http.StatusOK, body: fmt.Appendf(nil, `{"totalSize":%d,"done":true,"records":[]}`, len(ords))}, nil
	}
	if tooling && len(ords) != 1 && slices.ContainsFunc(p.columns, func(c orgColumn) bool { return c.field.name == "Metadata" || c.field.name == "FullName" }) && len(ords) > 1 {
		return reply{}, badRequest("MALFORMED_QUERY", "When retrieving results with Metadata or FullName fields, the query qualifications must specify no more than one row for retrieval. Result size: %d", len(ords))
	}
	cursor := &orgCursor{session: c.session, ends: c.now.Add(cursorLife), size: batchSizeOf(c), o: p.o, columns: p.columns, ords: ords}
	if len(ords) > cursor.size {
		s.serial++
		cursor.id = orgID(cursorPrefix, firstNumber+s.serial)
		if len(s.cursors) >= cursorsAtATime {
			s.cursors = slices.Delete(s.cursors, 0, 1)
		}
		s.cursors = append(s.cursors, cursor)
	}
	return s.page(c, cursor, 0), nil
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

func (s *Salesforce) nextPage(c *orgCall, locator string) (reply, *orgFailure) {
	id, at, _ := strings.Cut(locator, "-")
	from, err := strconv.Atoi(at)
	for _, cursor := range s.cursors {
		if cursor.id == id && cursor.session == c.session && c.now.Before(cursor.ends) && err == nil && from >= 0 && from < len(cursor.ords) {
			return s.page(c, cursor, from), nil
		}
	}
	return reply{}, badRequest("INVALID_QUERY_LOCATOR", "invalid query locator")
}

// page renders the records of a cursor from a place on.
func (s *Salesforce) page(c *orgCall, cursor *orgCursor, from int) reply {
	end := min(from+cursor.size, len(cursor.ords))
	b := make([]byte, 0, 128+(end-from)*(96+24*len(cursor.columns)))
	b = fmt.Appendf(b, `{"totalSize":%d,"done":%t,`, len(cursor.ords), end == len(cursor.ords))
	if end < len(cursor.ords) {
		b = fmt.Appendf(b, `"nextRecordsUrl":"%s/query/%s-%d",`, c.prefix(), cursor.id, end)
	}
	b = append(b, `"records":[`...)
	for i, ord := range cursor.ords[from:end] {
		if i > 0 {
			b = append(b, ',')
		}
		b = s.appendRecord(b, c.prefix(), cursor.o, ord, cursor.columns)
	}
	return reply{status: http.StatusOK, body: append(b, "]}"...)}
}

// appendRecord renders a record as queries and reads tell it.
func (s *Salesforce) appendRecord(b []byte, prefix string, o *orgObject, ord uint32, columns []orgColumn) []byte {
	b = append(append(b, `{"attributes":{"type":"`...), o.name...)
	b = append(append(b, `","url":"`...), prefix...)
	if o.tooling {
		b = append(b, "/tooling"...)
	}
	b = append(append(b, "/sobjects/"...), o.name...)
	b = append(b, '/')
	b = append(append(b, o.id(ord)...), `"}`...)
	s.cells.fill(o.recs[ord].values, len(o.fields))
	for _, c := range columns { // before parents, whose values take the place of these
		if c.columns != nil || c.kind {
			continue
		}
		f := c.field
		b = append(append(append(b, `,"`...), f.name...), `":`...)
		switch {
		case f.num >= len(o.fields) || o.fields[f.num] != f: // reached over a lookup of several objects
			v := ""
			if own, ok := o.field(f.name); ok {
				v = o.value(s, ord, own)
			}
			b = f.appendValue(b, v)
		case f.time != nil:
			b = append(appendWireTime(append(b, '"'), f.time(&o.recs[ord])), '"')
		case f.calc != nil:
			b = f.appendValue(b, f.calc(s, o, ord))
		default:
			b = f.appendValue(b, s.cells.get(f.num))
		}
	}
	for _, c := range columns {
		if c.kind {
			b = append(append(b, `,"Type":"`...), o.name...)
			b = append(b, '"')
			continue
		}
		if c.columns == nil {
			continue
		}
		b = append(append(append(b, `,"`...), c.name...), `":`...)
		parent, n, ok := s.recordOf(o.value(s, ord, c.field))
		if !ok || s.isPurged(parent, n) {
			b = append(b, "null"...)
			continue
		}
		b = s.appendRecord(b, prefix, parent, n, c.columns)
	}
	return append(b, '}')
}
