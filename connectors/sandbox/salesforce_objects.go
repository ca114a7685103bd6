package sandbox

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// sobjects answers the paths under /sobjects: definitions, single records, and what changed.
func (s *Salesforce) sobjects(c *orgCall, rest []string) (reply, *orgFailure) {
	if len(rest) == 0 {
		if c.method != http.MethodGet {
			return reply{}, wrongMethod(c.method)
		}
		return s.describeAll(c), nil
	}
	o, ok := s.object(rest[0])
	if !ok || o.tooling {
		return reply{}, notThere()
	}
	switch {
	case len(rest) == 1:
		switch c.method {
		case http.MethodGet:
			return reply{status: http.StatusOK, body: append(s.appendObject([]byte(`{"objectDescribe":`), c, o), `,"recentItems":[]}`...)}, nil
		case http.MethodPost:
			return s.createOne(c, o)
		}
		return reply{}, wrongMethod(c.method)
	case len(rest) > 2:
		return reply{}, notThere()
	case rest[1] == "describe":
		if c.method != http.MethodGet {
			return reply{}, wrongMethod(c.method)
		}
		return reply{status: http.StatusOK, body: s.appendDescribe(nil, c, o)}, nil
	case rest[1] == "updated" || rest[1] == "deleted":
		if c.method != http.MethodGet {
			return reply{}, wrongMethod(c.method)
		}
		return s.replicate(c, o, rest[1] == "deleted")
	}
	ord, fault := s.target(o, rest[1])
	if fault != nil {
		if fault.code == "MALFORMED_ID" {
			return reply{}, notThere()
		}
		return reply{}, rowFailure(fault)
	}
	switch c.method {
	case http.MethodGet:
		return s.readOne(c, o, ord)
	case http.MethodPatch:
		return s.updateOne(c, o, ord)
	case http.MethodDelete:
		s.remove(o, ord, s.me, 0)
		return reply{status: http.StatusNoContent}, nil
	}
	return reply{}, wrongMethod(c.method)
}

// oneRow reads a body that is one record.
func (s *Salesforce) oneRow(c *orgCall, o *orgObject, fresh bool) ([]orgChange, *orgFailure) {
	if err := wantsJSON(c); err != nil {
		return nil, err
	}
	r := &jsonReader{b: c.body}
	row, _ := readRow(r, nil)
	r.end()
	if r.err != nil {
		return nil, badBody(r.err)
	}
	if row.hasID {
		return nil, &orgFailure{status: http.StatusBadRequest, code: "INVALID_FIELD", message: "The Id field should not be specified in the sobject data.", fields: []string{"Id"}}
	}
	changes, _, fault, failure := s.changesOf(o, row, fresh, nil)
	if fault != nil {
		failure = rowFailure(fault)
	}
	return changes, failure
}

func (s *Salesforce) createOne(c *orgCall, o *orgObject) (reply, *orgFailure) {
	changes, err := s.oneRow(c, o, true)
	if err != nil {
		return reply{}, err
	}
	if fault := s.checkValues(c, o, -1, changes); fault != nil {
		return reply{}, rowFailure(fault)
	}
	ord := s.create(o, s.assigned(mayAssign(c), o, changes), s.me, c.now.Unix())
	path := c.prefix() + "/sobjects/" + o.name + "/" + o.id(ord)
	return reply{status: http.StatusCreated, header: http.Header{"Location": {path}}, body: fmt.Appendf(nil, `{"id":%q,"success":true,"errors":[]}`, o.id(ord))}, nil
}

func (s *Salesforce) updateOne(c *orgCall, o *orgObject, ord uint32) (reply, *orgFailure) {
	changes, err := s.oneRow(c, o, false)
	if err != nil {
		return reply{}, err
	}
	if fault := s.checkUpdate(c, o, ord, changes); fault != nil {
		return reply{}, rowFailure(fault)
	}
	s.update(c, o, ord, s.assigned(mayAssign(c), o, changes))
	return reply{status: http.StatusNoContent}, nil
}

func (s *Salesforce) readOne(c *orgCall, o *orgObject, ord uint32) (reply, *orgFailure) {
	names := splitList(c.params().Get("fields"))
	if len(names) == 0 {
		for _, f := range o.fields {
			if f.readable {
				names = append(names, f.name)
			}
		}
	}
	columns, err := s.columns(o, names)
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusOK, body: s.appendRecord(nil, c.prefix(), o, ord, columns)}, nil
}

// Bounds of the replication calls.
const (
	updatedDays = 30
	mostUpdated = 600_000
)

// replicate answers updated and deleted: ids with changes from start up to end, and up to when that is the whole truth.
// Seconds of both are ignored.
func (s *Salesforce) replicate(c *orgCall, o *orgObject, deleted bool) (reply, *orgFailure) {
	params := c.params()
	when := func(name string) (time.Time, *orgFailure) {
		text := strings.ReplaceAll(params.Get(name), " ", "+") // a plus that nobody encoded
		t, ok := parseWireTime(text)
		if !ok {
			return t, badRequest("INVALID_REPLICATION_DATE", "%s is not a valid value for the type xsd:dateTime", text)
		}
		return t.UTC().Truncate(time.Minute), nil
	}
	start, err := when("start")
	if err != nil {
		return reply{}, err
	}
	end, err := when("end")
	if err != nil {
		return reply{}, err
	}
	days, what := updatedDays, "updated"
	if deleted {
		days, what = binDaysOrg, "deleted"
	}
	switch {
	case end.Sub(start) < time.Minute:
		return reply{}, badRequest("INVALID_REPLICATION_DATE", "endDate must be at least one minute greater than startDate")
	case c.now.Sub(start) > time.Duration(days)*24*time.Hour+time.Minute:
		return reply{}, badRequest("INVALID_REPLICATION_DATE", "startDate must be within the last %d days for %s records", days, what)
	}
	covered := c.now.UTC().Truncate(time.Minute)
	for _, t := range s.open {
		if t.object == o {
			if began := time.Unix(t.began, 0).UTC().Truncate(time.Minute); began.Before(covered) {
				covered = began
			}
		}
	}
	if end.Before(covered) {
		covered = end
	}
	from, to := orderKey{start.Unix(), 0}, orderKey{end.Unix() - 1, lastKey.ord}
	b := []byte{'{'}
	n := 0
	if deleted {
		b = append(b, `"deletedRecords":[`...)
		o.removed.ascendBetween(from, to, func(k orderKey) bool {
			if n++; n > 1 {
				b = append(b, ',')
			}
			b = append(append(append(b, `{"id":"`...), o.id(k.ord)...), `","deletedDate":"`...)
			b = append(appendWireTime(b, k.at), `"}`...)
			return n <= mostUpdated
		})
		earliest := c.now.UTC().AddDate(0, 0, -binDaysOrg).Truncate(time.Minute)
		b = append(appendWireTime(append(b, `],"earliestDateAvailable":"`...), earliest.Unix()), '"')
	} else {
		b = append(b, `"ids":[`...)
		o.live.ascendBetween(from, to, func(k orderKey) bool {
			if n++; n > 1 {
				b = append(b, ',')
			}
			b = append(append(append(b, '"'), o.id(k.ord)...), '"')
			return n <= mostUpdated
		})
		b = append(b, ']')
	}
	if n > mostUpdated {
		return reply{}, badRequest("EXCEEDED_ID_LIMIT", "The number of %s records exceeds the limit of %d", what, mostUpdated)
	}
	b = append(appendWireTime(append(b, `,"latestDateCovered":"`...), covered.Unix()), `"}`...)
	return reply{status: http.StatusOK, body: b}, nil
}
