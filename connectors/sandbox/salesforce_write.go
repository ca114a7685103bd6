package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// sObject Collections: many records in one call, with one result each.
const (
	collectionRows   = 200  // of a write
	collectionChunks = 10   // runs of records of one object
	collectionReads  = 2000 // ids of a read
)

// orgRow is a record as a request gives it, before its names mean anything.
type orgRow struct {
	typ    string
	id     string
	hasID  bool
	values []orgValue // ordered by name
}

// orgValue is a value as a request gives it.
type orgValue struct {
	name, text string
	kind       byte // first byte of the JSON value: " t f n { [ or a digit
}

// rowOf reads a JSON object, whose type may stand behind its fields.
func rowOf(fields map[string]json.RawMessage) orgRow {
	var row orgRow
	row.values = make([]orgValue, 0, len(fields))
	for name, raw := range fields {
		v := orgValue{name, string(raw), raw[0]}
		if v.kind == '"' {
			_ = json.Unmarshal(raw, &v.text) // it was read before as a part of the body
		}
		switch {
		case name == "attributes":
			var a struct{ Type string }
			_ = json.Unmarshal(raw, &a) // without a type the row is refused
			row.typ = a.Type
		case strings.EqualFold(name, "id") && v.kind == '"':
			row.id, row.hasID = v.text, true
		default:
			row.values = append(row.values, v)
		}
	}
	slices.SortFunc(row.values, func(a, b orgValue) int { return strings.Compare(a.name, b.name) })
	return row
}

// read decodes a call's JSON body.
func (c *orgCall) read(into any) *orgFailure {
	if !c.isKind("application/json") {
		return &orgFailure{status: http.StatusUnsupportedMediaType, code: "UNSUPPORTED_MEDIA_TYPE", message: "Content type of request is not supported"}
	}
	if err := decode(c.body, into); err != nil {
		return badRequest("JSON_PARSER_ERROR", "%s", err)
	}
	return nil
}

// changesOf gives a row's names and values their meaning. A value that cannot be of its field's type is misread.
func (o *orgObject) changesOf(row orgRow, fresh bool) []orgChange {
	var closed, missing []string
	changes := make([]orgChange, 0, len(row.values)+2)
	for _, v := range row.values {
		f, ok := o.field(v.name)
		if !ok || !f.readable {
			panic(&rowFault{"INVALID_FIELD", fmt.Sprintf("No such column '%s' on sobject of type %s", v.name, o.name), []string{}})
		}
		if f.readOnly || !f.editable || f.createOnly && !fresh {
			closed = append(closed, f.name)
			continue
		}
		truth := v.kind == 't' || v.kind == 'f'
		if v.kind == '{' || v.kind == '[' || v.kind == '"' && f.typ == orgBool || truth && f.typ != orgBool && f.typ != orgString {
			panic(f.misread(v.text))
		}
		text := v.text
		if v.kind == 'n' {
			text = ""
		}
		canonical := f.canon(text)
		if canonical == "" && f.required && f.standardValue == "" && f.typ != orgBool {
			missing = append(missing, f.name)
		}
		changes = append(changes, orgChange{f, canonical})
	}
	if len(closed) > 0 {
		panic(&rowFault{"INVALID_FIELD_FOR_INSERT_UPDATE", fmt.Sprintf("Unable to create/update fields: %s. Please check the security settings of this field and verify that it is read/write for your profile or permission set.", strings.Join(closed, ", ")), closed})
	}
	for _, f := range o.fields {
		if _, given := changed(changes, f.name); fresh && !given && f.required && f.standardValue == "" && f.name != "OwnerId" {
			missing = append(missing, f.name)
		}
	}
	if len(missing) > 0 {
		panic(&rowFault{"REQUIRED_FIELD_MISSING", "Required fields are missing: [" + strings.Join(missing, ", ") + "]", missing})
	}
	return changes
}

// target is the live record that a row means.
func (s *Salesforce) target(o *orgObject, given string) *record {
	id, ok := longID(given)
	if !ok || id[:3] != o.prefix {
		panic(&rowFault{"MALFORMED_ID", fmt.Sprintf("%s: id value of incorrect type: %s", o.fields[0].label, given), []string{"Id"}})
	}
	r := o.byID[id]
	if r == nil || s.isPurged(r) {
		panic(&rowFault{"INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", []string{}})
	}
	if !r.live() {
		panic(&rowFault{"ENTITY_IS_DELETED", "entity is deleted", []string{}})
	}
	return r
}

// update applies checked changes of the API to a live record.
func (s *Salesforce) update(o *orgObject, r *record, changes []orgChange, assigns bool) {
	s.tally.wrote(r)
	s.apply(o, r, s.assigned(assigns, o, changes), s.me, s.nowMs())
}

// mayAssign says whether a call of the REST API lets the org's assignment rule run: it does unless a header says no.
func (c *orgCall) mayAssign() bool {
	return !strings.EqualFold(strings.TrimSpace(c.header.Get("Sforce-Auto-Assign")), "false")
}

// assigned adds what the org's assignment rule does to a lead, where it may run.
func (s *Salesforce) assigned(may bool, o *orgObject, changes []orgChange) []orgChange {
	if !may || s.assignTo == "" || o.name != "Lead" {
		return changes
	}
	return append(slices.Clip(changes), orgChange{o.byName["ownerid"], s.assignTo})
}

// orgResult is what became of one row.
type orgResult struct {
	object  *orgObject
	r       *record // nil: to be made
	changes []orgChange
	fault   *rowFault
}

func (s *Salesforce) insertMany(c *orgCall, _ *orgObject) reply { return s.writeMany(c, true) }

func (s *Salesforce) updateMany(c *orgCall, _ *orgObject) reply { return s.writeMany(c, false) }

func (s *Salesforce) writeMany(c *orgCall, fresh bool) reply {
	var in struct {
		AllOrNone bool                         `json:"allOrNone"`
		Records   []map[string]json.RawMessage `json:"records"`
	}
	refuseIf(c.read(&in))
	if len(in.Records) > collectionRows {
		panic(badRequest("LIMIT_EXCEEDED", "Request cannot contain more than %d records", collectionRows))
	}
	rows := make([]orgRow, len(in.Records))
	results := make([]orgResult, len(rows))
	chunks, before := 0, ""
	for i, fields := range in.Records {
		row := rowOf(fields)
		if row.typ == "" {
			panic(badRequest("INVALID_TYPE", "Must send type attribute for record at index %d", i))
		}
		if !strings.EqualFold(row.typ, before) {
			chunks, before = chunks+1, row.typ
		}
		rows[i] = row
		res := &results[i]
		o, ok := s.object(row.typ)
		if !ok || o.tooling {
			res.fault = &rowFault{"INVALID_TYPE", "sObject type '" + row.typ + "' is not supported.", []string{}}
			continue
		}
		res.object = o
		if res.fault = caught[rowFault](func() { res.changes = o.changesOf(row, fresh) }); res.fault.misread() {
			panic(res.fault)
		}
	}
	if chunks > collectionChunks {
		panic(badRequest("LIMIT_EXCEEDED", "Cannot have more than %d chunks in a single operation. Please rearrange the data to reduce chunking.", collectionChunks))
	}
	commit := func(res *orgResult) {
		if fresh {
			res.r = s.create(res.object, s.assigned(c.mayAssign(), res.object, res.changes), s.me, s.nowMs())
		} else {
			s.update(res.object, res.r, res.changes, c.mayAssign())
		}
	}
	for i := range results {
		if res := &results[i]; res.fault == nil {
			res.fault = caught[rowFault](func() { s.checkRow(c, rows[i], res, fresh) })
		}
		if results[i].fault == nil && !in.AllOrNone {
			commit(&results[i]) // the next row may refer to it
		}
	}
	if in.AllOrNone {
		allOrNone(results, commit)
	}
	return jsonReply(http.StatusOK, told(results))
}

// checkRow refuses a row that cannot be written, and finds the record of one that can.
func (s *Salesforce) checkRow(c *orgCall, row orgRow, res *orgResult, fresh bool) {
	switch {
	case !fresh && !row.hasID:
		panic(&rowFault{"MISSING_ARGUMENT", "Id not specified in an update call", []string{}})
	case fresh && row.hasID:
		panic(&rowFault{"INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call", []string{"Id"}})
	case fresh:
		s.checkValues(c, res.object, nil, res.changes)
	default:
		res.r = s.target(res.object, row.id)
		s.checkUpdate(c, res.object, res.r, res.changes)
	}
}

// allOrNone makes rows take effect if all can; otherwise those that could are told as rolled back.
func allOrNone(results []orgResult, commit func(res *orgResult)) {
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

// resultJSON is a result on the wire. Those of failed rows tell no id.
type resultJSON struct {
	ID      string      `json:"id,omitempty"`
	Success bool        `json:"success"`
	Errors  []faultJSON `json:"errors"`
}

type faultJSON struct {
	StatusCode string   `json:"statusCode"`
	Message    string   `json:"message"`
	Fields     []string `json:"fields"`
}

// told are results in request order.
func told(results []orgResult) []resultJSON {
	out := make([]resultJSON, 0, len(results))
	for _, res := range results {
		if res.fault != nil {
			out = append(out, resultJSON{Errors: []faultJSON{{res.fault.code, res.fault.message, res.fault.fields}}})
			continue
		}
		out = append(out, resultJSON{res.r.id, true, []faultJSON{}})
	}
	return out
}

// deleteMany answers DELETE composite/sobjects?ids=…&allOrNone=….
func (s *Salesforce) deleteMany(c *orgCall, _ *orgObject) reply {
	params := c.params()
	ids := splitList(params.Get("ids"))
	if len(ids) == 0 || len(ids) > collectionRows {
		panic(badRequest("LIMIT_EXCEEDED", "Request must name 1 to %d ids", collectionRows))
	}
	results := make([]orgResult, len(ids))
	for i, id := range ids {
		res := &results[i]
		if res.object, _ = s.recordOf(id); res.object == nil {
			res.fault = &rowFault{"MALFORMED_ID", "malformed id " + id, []string{}}
			continue
		}
		res.fault = caught[rowFault](func() { res.r = s.target(res.object, id) })
	}
	erase := func(res *orgResult) { s.remove(res.object, res.r, s.me) }
	if strings.EqualFold(params.Get("allOrNone"), "true") {
		allOrNone(results, erase)
	} else {
		for i := range results {
			if results[i].fault == nil {
				erase(&results[i])
			}
		}
	}
	return jsonReply(http.StatusOK, told(results))
}

func splitList(text string) []string {
	return strings.FieldsFunc(text, func(c rune) bool { return c == ',' || c == ' ' })
}

// readMany answers composite/sobjects/{object}: records by id, in the order asked, null for those that are not there.
func (s *Salesforce) readMany(c *orgCall, o *orgObject) reply {
	var in struct{ IDs, Fields []string }
	if c.method == http.MethodGet {
		in.IDs, in.Fields = splitList(c.params().Get("ids")), splitList(c.params().Get("fields"))
	} else {
		refuseIf(c.read(&in))
	}
	if len(in.IDs) == 0 || len(in.Fields) == 0 {
		panic(badRequest("MISSING_ARGUMENT", "The ids and fields of the records to retrieve are required"))
	}
	if len(in.IDs) > collectionReads {
		panic(badRequest("LIMIT_EXCEEDED", "Request cannot name more than %d ids", collectionReads))
	}
	columns := s.columns(o, in.Fields)
	b := append(make([]byte, 0, 256*len(in.IDs)), '[')
	for i, id := range in.IDs {
		if i > 0 {
			b = append(b, ',')
		}
		full, ok := longID(id)
		if !ok || full[:3] != o.prefix {
			panic(badRequest("MALFORMED_ID", "malformed id %s", id))
		}
		if r := o.byID[full]; r != nil && r.live() {
			b = s.appendRecord(b, c.prefix(), o, r, columns)
		} else {
			b = append(b, "null"...)
		}
	}
	return reply{status: http.StatusOK, body: append(b, ']')}
}

// named is the live record that a path sobjects/{object}/{id} names.
func (s *Salesforce) named(c *orgCall, o *orgObject) *record {
	if id, ok := longID(c.rest[2]); !ok || id[:3] != o.prefix {
		panic(notThere())
	}
	return s.target(o, c.rest[2])
}

// updateOne answers PATCH sobjects/{object}/{id}.
func (s *Salesforce) updateOne(c *orgCall, o *orgObject) reply {
	r := s.named(c, o)
	changes := c.oneRow(o, false)
	s.checkUpdate(c, o, r, changes)
	s.update(o, r, changes, c.mayAssign())
	return reply{status: http.StatusNoContent}
}

// deleteOne answers DELETE sobjects/{object}/{id}.
func (s *Salesforce) deleteOne(c *orgCall, o *orgObject) reply {
	s.remove(o, s.named(c, o), s.me)
	return reply{status: http.StatusNoContent}
}

// oneRow reads a body that is one record.
func (c *orgCall) oneRow(o *orgObject, fresh bool) []orgChange {
	var fields map[string]json.RawMessage
	refuseIf(c.read(&fields))
	row := rowOf(fields)
	if row.hasID {
		panic(&orgFailure{status: http.StatusBadRequest, code: "INVALID_FIELD", message: "The Id field should not be specified in the sobject data.", fields: []string{"Id"}})
	}
	return o.changesOf(row, fresh)
}

// createOne answers POST sobjects/{object}.
func (s *Salesforce) createOne(c *orgCall, o *orgObject) reply {
	changes := c.oneRow(o, true)
	s.checkValues(c, o, nil, changes)
	r := s.create(o, s.assigned(c.mayAssign(), o, changes), s.me, s.nowMs())
	rep := jsonReply(http.StatusCreated, resultJSON{r.id, true, []faultJSON{}})
	rep.header = http.Header{"Location": {c.prefix() + "/sobjects/" + o.name + "/" + r.id}}
	return rep
}

// lockedBy are the ids that a write to a record locks: itself and the account it hangs on.
func (o *orgObject) lockedBy(r *record) []string {
	ids := []string{r.id}
	if account := o.get(r, "accountid"); account != "" {
		ids = append(ids, account)
	}
	return ids
}

// lockRows takes the locks of a write of several records; those that another write holds it does not get.
func (s *Salesforce) lockRows(q *request, a *arrival) {
	a.denied = map[string]bool{}
	var in struct{ Records []map[string]json.RawMessage }
	if decode(q.body, &in) != nil {
		return
	}
	for _, fields := range in.Records {
		o, r := s.recordOf(rowOf(fields).id)
		if r == nil {
			continue
		}
		for _, id := range o.lockedBy(r) {
			switch holder := s.holds[id]; holder {
			case q:
			case nil:
				s.holds[id] = q
				a.locks = append(a.locks, id)
			default:
				a.denied[id] = true
			}
		}
	}
}

// changed is the value that changes give a field.
func changed(changes []orgChange, name string) (string, bool) {
	for i := len(changes) - 1; i >= 0; i-- {
		if changes[i].field.name == name {
			return changes[i].value, true
		}
	}
	return "", false
}
