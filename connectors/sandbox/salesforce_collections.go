package sandbox

import (
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// sObject Collections: many records in one call, with one result each.
const (
	collectionRows   = 200  // of a write
	collectionChunks = 10   // runs of records of one object
	collectionReads  = 2000 // ids of a read
)

func (s *Salesforce) collections(c *orgCall, object string) (reply, *orgFailure) {
	if object != "" {
		return s.readCollection(c, object)
	}
	switch c.method {
	case http.MethodPatch, http.MethodPost:
		return s.writeCollection(c, c.method == http.MethodPost)
	case http.MethodDelete:
		return s.deleteCollection(c)
	}
	return reply{}, wrongMethod(c.method)
}

// wantsJSON says what is wrong with the form of a body.
func wantsJSON(c *orgCall) *orgFailure {
	if kind, _, _ := strings.Cut(c.header.Get("Content-Type"), ";"); strings.TrimSpace(kind) != "application/json" {
		return &orgFailure{status: http.StatusUnsupportedMediaType, code: "UNSUPPORTED_MEDIA_TYPE", message: "Content type of request is not supported"}
	}
	if !utf8.Valid(c.body) {
		return badRequest("JSON_PARSER_ERROR", "Invalid UTF-8 at [line:1, column:1]")
	}
	return nil
}

// orgResult is what became of one row.
type orgResult struct {
	object  *orgObject
	ord     uint32
	id      string
	changes []orgChange
	fault   *rowFault
}

func (s *Salesforce) writeCollection(c *orgCall, fresh bool) (reply, *orgFailure) {
	if err := wantsJSON(c); err != nil {
		return reply{}, err
	}
	var rows []orgRow
	allOrNone := false
	pairs := make([]orgPair, 0, 2048)
	r := &jsonReader{b: c.body}
	r.object(func(key []byte) {
		switch string(key) {
		case "allOrNone":
			allOrNone = r.peek() == 't'
			r.skip()
		case "records":
			r.array(func() {
				var row orgRow
				row, pairs = readRow(r, pairs)
				rows = append(rows, row)
			})
		default:
			r.skip()
		}
	})
	r.end()
	if r.err != nil {
		return reply{}, badBody(r.err)
	}
	if len(rows) > collectionRows {
		return reply{}, badRequest("LIMIT_EXCEEDED", "Request cannot contain more than %d records", collectionRows)
	}
	results := make([]orgResult, len(rows))
	arena := make([]orgChange, 0, len(pairs))
	chunks, before := 0, ""
	for i, row := range rows {
		if row.typ == "" {
			return reply{}, badRequest("INVALID_TYPE", "Must send type attribute for record at index %d", i)
		}
		if !strings.EqualFold(row.typ, before) {
			chunks, before = chunks+1, row.typ
		}
		res := &results[i]
		o, ok := s.object(row.typ)
		if !ok || o.tooling {
			res.fault = &rowFault{"INVALID_TYPE", "sObject type '" + row.typ + "' is not supported.", []string{}}
			continue
		}
		var failure *orgFailure
		res.object = o
		res.changes, arena, res.fault, failure = s.changesOf(o, row, fresh, arena)
		if failure != nil {
			return reply{}, failure
		}
	}
	if chunks > collectionChunks {
		return reply{}, badRequest("LIMIT_EXCEEDED", "Cannot have more than %d chunks in a single operation. Please rearrange the data to reduce chunking.", collectionChunks)
	}
	for i := range results {
		res, row := &results[i], &rows[i]
		if res.fault != nil {
			continue
		}
		switch {
		case !fresh && !row.hasID:
			res.fault = &rowFault{"MISSING_ARGUMENT", "Id not specified in an update call", []string{}}
		case fresh && row.hasID:
			res.fault = &rowFault{"INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call", []string{"Id"}}
		case fresh:
			res.fault = s.checkValues(c, res.object, -1, res.changes)
		default:
			if res.ord, res.fault = s.target(res.object, row.id); res.fault == nil {
				res.fault = s.checkUpdate(c, res.object, res.ord, res.changes)
			}
		}
		if res.fault == nil && !allOrNone {
			s.commit(c, res, fresh)
		}
	}
	if allOrNone {
		s.allOrNone(results, func(res *orgResult) { s.commit(c, res, fresh) })
	}
	return reply{status: http.StatusOK, body: appendResults(results)}, nil
}

// commit makes a checked row take effect.
func (s *Salesforce) commit(c *orgCall, res *orgResult, fresh bool) {
	if fresh {
		res.ord = s.create(res.object, s.assigned(mayAssign(c), res.object, res.changes), s.me, c.now.Unix())
	} else {
		s.update(c, res.object, res.ord, s.assigned(mayAssign(c), res.object, res.changes))
	}
	res.id = res.object.id(res.ord)
}

// allOrNone makes rows take effect if all can; otherwise those that could are told as rolled back.
func (s *Salesforce) allOrNone(results []orgResult, commit func(res *orgResult)) {
	bad := slices.ContainsFunc(results, func(r orgResult) bool { return r.fault != nil })
	for i := range results {
		switch {
		case !bad:
			commit(&results[i])
		case results[i].fault == nil:
			results[i].fault = &rowFault{"ALL_OR_NONE_OPERATION_ROLLED_BACK", "Record rolled back because not all records were valid and the request was using AllOrNone header", []string{}}
		}
	}
}

// appendResults renders results in request order. Those of failed rows tell no id.
func appendResults(results []orgResult) []byte {
	b := make([]byte, 0, 64*len(results)+2)
	b = append(b, '[')
	for i, r := range results {
		if i > 0 {
			b = append(b, ',')
		}
		if r.fault != nil {
			b = appendQuoted(append(b, `{"success":false,"errors":[{"statusCode":`...), r.fault.code)
			b = appendQuoted(append(b, `,"message":`...), r.fault.message)
			b = appendStrings(append(b, `,"fields":`...), r.fault.fields)
			b = append(b, `}]}`...)
			continue
		}
		b = append(append(append(b, `{"id":"`...), r.id...), `","success":true,"errors":[]}`...)
	}
	return append(b, ']')
}

// deleteCollection answers DELETE composite/sobjects?ids=…&allOrNone=….
func (s *Salesforce) deleteCollection(c *orgCall) (reply, *orgFailure) {
	params := c.params()
	ids := splitList(params.Get("ids"))
	if len(ids) == 0 || len(ids) > collectionRows {
		return reply{}, badRequest("LIMIT_EXCEEDED", "Request must name 1 to %d ids", collectionRows)
	}
	results := make([]orgResult, len(ids))
	for i, id := range ids {
		res := &results[i]
		full, ok := longID(id)
		if ok {
			res.object = s.prefixes[full[:3]]
		}
		if res.object == nil {
			res.fault = &rowFault{"MALFORMED_ID", "malformed id " + id, []string{}}
			continue
		}
		res.ord, res.fault = s.target(res.object, full)
	}
	erase := func(res *orgResult) {
		s.remove(res.object, res.ord, s.me, 0)
		res.id = res.object.id(res.ord)
	}
	if strings.EqualFold(params.Get("allOrNone"), "true") {
		s.allOrNone(results, erase)
	} else {
		for i := range results {
			if results[i].fault == nil {
				erase(&results[i])
			}
		}
	}
	return reply{status: http.StatusOK, body: appendResults(results)}, nil
}

func splitList(text string) []string {
	return strings.FieldsFunc(text, func(c rune) bool { return c == ',' || c == ' ' })
}

// readCollection answers composite/sobjects/{object}: records by id, in the order asked, null for those that are not there.
func (s *Salesforce) readCollection(c *orgCall, object string) (reply, *orgFailure) {
	o, ok := s.object(object)
	if !ok || o.tooling {
		return reply{}, notThere()
	}
	var ids, fields []string
	switch c.method {
	case http.MethodGet:
		p := c.params()
		ids, fields = splitList(p.Get("ids")), splitList(p.Get("fields"))
	case http.MethodPost:
		if err := wantsJSON(c); err != nil {
			return reply{}, err
		}
		r := &jsonReader{b: c.body}
		r.object(func(key []byte) {
			into := &ids
			switch string(key) {
			case "ids":
			case "fields":
				into = &fields
			default:
				r.skip()
				return
			}
			r.array(func() { *into = append(*into, string(r.str())) })
		})
		r.end()
		if r.err != nil {
			return reply{}, badBody(r.err)
		}
	default:
		return reply{}, wrongMethod(c.method)
	}
	if len(ids) == 0 || len(fields) == 0 {
		return reply{}, badRequest("MISSING_ARGUMENT", "The ids and fields of the records to retrieve are required")
	}
	if len(ids) > collectionReads {
		return reply{}, badRequest("LIMIT_EXCEEDED", "Request cannot name more than %d ids", collectionReads)
	}
	columns, err := s.columns(o, fields)
	if err != nil {
		return reply{}, err
	}
	b := make([]byte, 0, 256*len(ids))
	b = append(b, '[')
	for i, id := range ids {
		if i > 0 {
			b = append(b, ',')
		}
		full, ok := longID(id)
		if !ok || full[:3] != o.prefix {
			return reply{}, badRequest("MALFORMED_ID", "malformed id %s", id)
		}
		ord, ok := o.find(full)
		if !ok || o.recs[ord].deletedAt != 0 {
			b = append(b, "null"...)
			continue
		}
		b = s.appendRecord(b, c.prefix(), o, ord, columns)
	}
	return reply{status: http.StatusOK, body: append(b, ']')}, nil
}
