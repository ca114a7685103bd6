package sandbox

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// sObject Collections: many records in one call, with one result each.
const (
	collectionRows   = 200  // of a write
	collectionChunks = 10   // runs of records of one object
	collectionReads  = 2000 // ids of a read
)

// orgRow is a record as a request gives it, before its names mean anything. A value is what JSON makes of it, or csvText.
type orgRow struct {
	typ, id string
	values  map[string]any
}

// csvText is a value of no JSON type: any text that its field can read.
type csvText string

// rowOf takes type and id out of a JSON object.
func rowOf(fields map[string]any) orgRow {
	row := orgRow{values: fields}
	about, _ := fields["attributes"].(map[string]any)
	row.typ, _ = about["type"].(string)
	delete(fields, "attributes")
	for name, v := range fields {
		if id, ok := v.(string); ok && strings.EqualFold(name, "id") {
			row.id = id
			delete(fields, name)
		}
	}
	return row
}

// read decodes a call's JSON body.
func (c *orgCall) read(into any) {
	if !c.isKind("application/json") {
		panic(&orgFault{status: http.StatusUnsupportedMediaType, code: "UNSUPPORTED_MEDIA_TYPE", message: "Content type of request is not supported"})
	}
	if err := decode(c.body, into); err != nil {
		panic(badRequest("JSON_PARSER_ERROR", "%s", err))
	}
}

// read is the canonical form of a value from a request.
func (f *orgField) read(value any) string {
	switch v := value.(type) {
	case nil:
		return f.canon("")
	case csvText:
		return f.canon(string(v))
	case string:
		if f.Type != orgBool {
			return f.canon(v)
		}
	case bool:
		if f.Type == orgBool || f.Type == orgString {
			return f.canon(strconv.FormatBool(v))
		}
	case float64:
		return f.canon(strconv.FormatFloat(v, 'f', -1, 64))
	}
	f.misreadIf(true, fmt.Sprint(value))
	return ""
}

// changesOf gives a row's names and values their meaning. A value that cannot be of its field's type is misread.
func (o *orgObject) changesOf(row orgRow, fresh bool) changes {
	var closed, missing []string
	values := make(changes, len(row.values)+2)
	for _, name := range slices.Sorted(maps.Keys(row.values)) {
		f, ok := o.field(name)
		switch {
		case !ok || !f.readable:
			panic(badRow("INVALID_FIELD", fmt.Sprintf("No such column '%s' on sobject of type %s", name, o.Name)))
		case f.ReadOnly || !f.editable || f.CreateOnly && !fresh:
			closed = append(closed, f.Name)
		default:
			values[strings.ToLower(name)] = f.read(row.values[name])
		}
	}
	for _, f := range o.fields {
		if f.Required && f.Default == "" && f.Type != orgBool && f.Name != "OwnerId" {
			if v, given := values[strings.ToLower(f.Name)]; v == "" && (fresh || given) {
				missing = append(missing, f.Name)
			}
		}
	}
	if len(closed) > 0 {
		panic(badRow("INVALID_FIELD_FOR_INSERT_UPDATE", "Unable to create/update fields: "+strings.Join(closed, ", ")+". Please check the security settings of this field and verify that it is read/write for your profile or permission set.", closed...))
	}
	if len(missing) > 0 {
		panic(badRow("REQUIRED_FIELD_MISSING", "Required fields are missing: ["+strings.Join(missing, ", ")+"]", missing...))
	}
	return values
}

// target is the live record that a row means.
func (s *Salesforce) target(o *orgObject, given string) *record {
	id, ok := longID(given)
	if !ok || id[:3] != o.Prefix {
		panic(badRow("MALFORMED_ID", o.fields[0].Label+": id value of incorrect type: "+given, "Id"))
	}
	r := o.byID[id]
	badRowIf(r == nil || s.isPurged(r), "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
	badRowIf(!r.live(), "ENTITY_IS_DELETED", "entity is deleted")
	return r
}

// planned checks a row and gives what writes it. assigns lets the org's assignment rule run.
func (s *Salesforce) planned(c *orgCall, o *orgObject, row orgRow, fresh, assigns bool) (write func() *record) {
	values := o.changesOf(row, fresh)
	var r *record
	switch {
	case fresh && row.id != "":
		panic(badRow("INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call", "Id"))
	case fresh:
		s.checkValues(c, o, nil, values)
	case row.id == "":
		panic(badRow("MISSING_ARGUMENT", "Id not specified in an update call"))
	default:
		r = s.target(o, row.id)
		s.checkUpdate(c, o, r, values)
	}
	if assigns && s.assignTo != "" && o.Name == "Lead" {
		values["ownerid"] = s.assignTo
	}
	return func() *record {
		if fresh {
			return s.create(o, values, s.me, s.nowMs())
		}
		s.tally.wrote(r)
		s.apply(o, r, values, s.me, s.nowMs())
		return r
	}
}

// mayAssign says whether a call of the REST API lets the org's assignment rule run: it does unless a header says no.
func (c *orgCall) mayAssign() bool {
	return !strings.EqualFold(strings.TrimSpace(c.header.Get("Sforce-Auto-Assign")), "false")
}

// orgResult is what became of one row.
type orgResult struct {
	write func() *record // of a row that can be written
	r     *record
	fault *orgFault
}

func (s *Salesforce) insertMany(c *orgCall, _ *orgObject) reply { return s.writeMany(c, true) }

func (s *Salesforce) updateMany(c *orgCall, _ *orgObject) reply { return s.writeMany(c, false) }

func (s *Salesforce) writeMany(c *orgCall, fresh bool) reply {
	var in struct {
		AllOrNone bool             `json:"allOrNone"`
		Records   []map[string]any `json:"records"`
	}
	c.read(&in)
	badRequestIf(len(in.Records) > collectionRows, "LIMIT_EXCEEDED", "Request cannot contain more than %d records", collectionRows)
	results := make([]orgResult, len(in.Records))
	chunks, before, failed := 0, "", false
	for i, fields := range in.Records {
		row := rowOf(fields)
		badRequestIf(row.typ == "", "INVALID_TYPE", "Must send type attribute for record at index %d", i)
		if !strings.EqualFold(row.typ, before) {
			chunks, before = chunks+1, row.typ
		}
		bad := caught[orgFault](func() {
			o, ok := s.object(row.typ)
			badRowIf(!ok || o.Tooling, "INVALID_TYPE", "sObject type '"+row.typ+"' is not supported.")
			results[i].write = s.planned(c, o, row, fresh, c.mayAssign())
		})
		if bad.misread() {
			panic(bad)
		}
		results[i].fault, failed = bad, failed || bad != nil
	}
	badRequestIf(chunks > collectionChunks, "LIMIT_EXCEEDED", "Cannot have more than %d chunks in a single operation. Please rearrange the data to reduce chunking.", collectionChunks)
	for i := range results {
		switch res := &results[i]; {
		case res.fault != nil:
		case in.AllOrNone && failed:
			res.fault = badRow("ALL_OR_NONE_OPERATION_ROLLED_BACK", "Record rolled back because not all records were valid and the request was using AllOrNone header")
		default:
			res.r = res.write()
		}
	}
	return jsonReply(http.StatusOK, told(results))
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
		if bad := res.fault; bad != nil {
			out = append(out, resultJSON{Errors: []faultJSON{{bad.code, bad.message, append([]string{}, bad.fields...)}}})
			continue
		}
		out = append(out, made(res.r.id))
	}
	return out
}

// made is the result of a row that went well.
func made(id string) resultJSON { return resultJSON{id, true, []faultJSON{}} }

// deleteMany answers DELETE composite/sobjects?ids=…, row by row.
func (s *Salesforce) deleteMany(c *orgCall, _ *orgObject) reply {
	ids := splitList(c.params().Get("ids"))
	badRequestIf(len(ids) == 0 || len(ids) > collectionRows, "LIMIT_EXCEEDED", "Request must name 1 to %d ids", collectionRows)
	badRequestIf(strings.EqualFold(c.params().Get("allOrNone"), "true"), "INVALID_ARGUMENT", "the sandbox deletes without allOrNone alone")
	results := make([]orgResult, len(ids))
	for i, id := range ids {
		res := &results[i]
		res.fault = caught[orgFault](func() {
			o, _ := s.recordOf(id)
			badRowIf(o == nil, "MALFORMED_ID", "malformed id "+id)
			res.r = s.target(o, id)
			s.remove(o, res.r, s.me)
		})
	}
	return jsonReply(http.StatusOK, told(results))
}

func splitList(text string) []string {
	return strings.FieldsFunc(text, func(c rune) bool { return c == ',' || c == ' ' })
}

// readMany answers POST composite/sobjects/{object}: records by id, in the order asked, null for those that are not there.
func (s *Salesforce) readMany(c *orgCall, o *orgObject) reply {
	var in struct{ IDs, Fields []string }
	c.read(&in)
	badRequestIf(len(in.IDs) == 0 || len(in.Fields) == 0, "MISSING_ARGUMENT", "The ids and fields of the records to retrieve are required")
	badRequestIf(len(in.IDs) > collectionReads, "LIMIT_EXCEEDED", "Request cannot name more than %d ids", collectionReads)
	columns := s.columns(o, in.Fields)
	list := make([]any, len(in.IDs))
	for i, id := range in.IDs {
		full, ok := longID(id)
		badRequestIf(!ok || full[:3] != o.Prefix, "MALFORMED_ID", "malformed id %s", id)
		if r := o.byID[full]; r != nil && r.live() {
			list[i] = func(b []byte) []byte { return s.render(b, c.prefix(), o, r, columns) }
		}
	}
	return jsonReply(http.StatusOK, list)
}

// named is the live record that a path sobjects/{object}/{id} names.
func (s *Salesforce) named(c *orgCall, o *orgObject) *record {
	if id, ok := longID(c.rest[2]); !ok || id[:3] != o.Prefix {
		panic(notThere())
	}
	return s.target(o, c.rest[2])
}

// updateOne answers PATCH sobjects/{object}/{id}.
func (s *Salesforce) updateOne(c *orgCall, o *orgObject) reply {
	row := c.oneRow()
	row.id = s.named(c, o).id
	s.planned(c, o, row, false, c.mayAssign())()
	return reply{status: http.StatusNoContent}
}

// deleteOne answers DELETE sobjects/{object}/{id}.
func (s *Salesforce) deleteOne(c *orgCall, o *orgObject) reply {
	s.remove(o, s.named(c, o), s.me)
	return reply{status: http.StatusNoContent}
}

// oneRow reads a body that is one record.
func (c *orgCall) oneRow() orgRow {
	var fields map[string]any
	c.read(&fields)
	row := rowOf(fields)
	badRowIf(row.id != "", "INVALID_FIELD", "The Id field should not be specified in the sobject data.", "Id")
	return row
}

// createOne answers POST sobjects/{object}.
func (s *Salesforce) createOne(c *orgCall, o *orgObject) reply {
	r := s.planned(c, o, c.oneRow(), true, c.mayAssign())()
	rep := jsonReply(http.StatusCreated, made(r.id))
	rep.header = http.Header{"Location": {c.prefix() + "/sobjects/" + o.Name + "/" + r.id}}
	return rep
}
