package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// soqlPlan is a query whose names and literals have found their meaning in an org.
type soqlPlan struct {
	o             *orgObject
	count         bool
	columns       []orgColumn
	cond          *planCond
	order         []planOrder
	limit, offset int
}

// orgColumn is a selected field, or a parent with selected fields of its own.
type orgColumn struct {
	field   *orgField // the field, or the lookup that leads to the parent
	name    string    // of the way to the parent: Account
	columns []orgColumn
	kind    bool // the parent's Type
}

// planPath leads from a record over lookups to a field.
type planPath struct {
	steps []*orgField
	field *orgField
	kind  bool // Type of a lookup that may lead to several objects
}

type planOrder struct {
	path            planPath
	down, nullsLast bool
}

// planCond is a condition on a record.
type planCond struct {
	op   string
	kids []*planCond
	path planPath
	null bool
	text string          // canonical operand, in lower case for texts
	set  map[string]bool // of IN: canonical operands, in lower case for texts
	ids  []string        // of = and IN: the operands as they index
	num  float64
	sec  int64 // operand of system times, in seconds; the fraction of a second is in sub
	sub  bool
	from string // of relative dates: the first day or instant within …
	to   string // … and the first one after
	ord  int64  // operand of the object's own Id, as the number of a record
	self bool   // the field is the object's own Id and the operand one of its ids
}

func soqlFailure(q *soqlQuery, at int, code, format string, args ...any) *orgFailure {
	from, to := max(at-24, 0), min(at+24, len(q.text))
	around := strings.ToValidUTF8(strings.Map(func(c rune) rune {
		if c < ' ' {
			return ' '
		}
		return c
	}, q.text[from:to]), "")
	return &orgFailure{status: http.StatusBadRequest, code: code,
		message: fmt.Sprintf("\n%s\n%s^\nERROR at Row:1:Column:%d\n%s", around, strings.Repeat(" ", at-from), at+1, fmt.Sprintf(format, args...))}
}

// planSOQL reads a query for an object of the ordinary API or of the Tooling API.
func (s *Salesforce) planSOQL(text string, tooling bool) (*soqlPlan, *orgFailure) {
	q, bad := parseSOQL(text)
	if bad != nil {
		return nil, soqlFailure(&soqlQuery{text: text}, bad.at, "MALFORMED_QUERY", "%s", bad.what)
	}
	return s.plan(q, tooling)
}

func (s *Salesforce) plan(q *soqlQuery, tooling bool) (*soqlPlan, *orgFailure) {
	o, ok := s.object(q.object.name)
	if !ok || o.tooling != tooling {
		return nil, soqlFailure(q, q.object.at, "INVALID_TYPE", "sObject type '%s' is not supported. If you are attempting to use a custom object, be sure to append the '__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names.", q.object.name)
	}
	p := &soqlPlan{o: o, count: q.count, limit: q.limit, offset: q.offset}
	if q.offset > 2000 {
		return nil, badRequest("NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000")
	}
	seen := map[string]bool{}
	for _, f := range q.fields {
		path, err := s.path(q, o, f)
		if err != nil {
			return nil, err
		}
		if key := strings.ToLower(f.name); seen[key] {
			return nil, badRequest("INVALID_FIELD", "duplicate field selected: %s", f.name)
		} else {
			seen[key] = true
		}
		p.columns = addColumn(p.columns, path)
	}
	for _, x := range q.order {
		path, err := s.path(q, o, x.field)
		if err != nil {
			return nil, err
		}
		if path.field.long() {
			return nil, soqlFailure(q, x.field.at, "INVALID_FIELD", "field '%s' can not be sorted in a query call", path.field.name)
		}
		p.order = append(p.order, planOrder{path, x.down, x.nullsLast})
	}
	if q.where != nil {
		cond, err := s.condition(q, o, q.where, tooling)
		if err != nil {
			return nil, err
		}
		p.cond = cond
	}
	return p, nil
}

// columns are the columns of a list of names, for calls that take no SOQL.
func (s *Salesforce) columns(o *orgObject, names []string) ([]orgColumn, *orgFailure) {
	var columns []orgColumn
	for _, name := range names {
		path, err := s.path(&soqlQuery{}, o, soqlName{name: name})
		if err != nil {
			return nil, badRequest("INVALID_FIELD", "No such column '%s' on sobject of type %s", name, o.name)
		}
		columns = addColumn(columns, path)
	}
	return columns, nil
}

func addColumn(columns []orgColumn, p planPath) []orgColumn {
	if len(p.steps) == 0 {
		if slices.ContainsFunc(columns, func(c orgColumn) bool { return c.columns == nil && c.field == p.field && c.kind == p.kind }) {
			return columns
		}
		return append(columns, orgColumn{field: p.field, kind: p.kind})
	}
	way := p.steps[0]
	i := slices.IndexFunc(columns, func(c orgColumn) bool { return c.columns != nil && c.field == way })
	if i < 0 {
		i = len(columns)
		columns = append(columns, orgColumn{field: way, name: way.relation})
	}
	p.steps = p.steps[1:]
	columns[i].columns = addColumn(columns[i].columns, p)
	return columns
}

// path finds the field of a name such as Account.Owner.Name.
func (s *Salesforce) path(q *soqlQuery, o *orgObject, n soqlName) (planPath, *orgFailure) {
	var p planPath
	parts := strings.Split(n.name, ".")
	at := o
	if len(parts) > 1 && strings.EqualFold(parts[0], o.name) && o.relations[strings.ToLower(parts[0])] == nil {
		parts = parts[1:]
	}
	for _, part := range parts[:len(parts)-1] {
		way := at.relations[strings.ToLower(part)]
		if way == nil || !way.readable || len(p.steps) == 5 {
			return p, soqlFailure(q, n.at, "INVALID_FIELD", "Didn't understand relationship '%s' in field path. If you are attempting to use a custom relationship, be sure to append the '__r' after the custom relationship name. Please reference your WSDL or the describe call for the appropriate names.", part)
		}
		p.steps = append(p.steps, way)
		at = s.objects[strings.ToLower(way.refTo[0])]
	}
	last := parts[len(parts)-1]
	if len(p.steps) > 0 && len(p.steps[len(p.steps)-1].refTo) > 1 && strings.EqualFold(last, "Type") {
		p.field, p.kind = kindField, true
		return p, nil
	}
	f, ok := at.field(last)
	if !ok || !f.readable {
		return p, soqlFailure(q, n.at, "INVALID_FIELD", "No such column '%s' on entity '%s'. If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate names.", last, at.name)
	}
	p.field = f
	return p, nil
}

// kindField stands for the Type of a lookup that may lead to several objects.
var kindField = &orgField{name: "Type", label: "Type", typ: orgString, readable: true}

// condition gives a node of WHERE its meaning.
func (s *Salesforce) condition(q *soqlQuery, o *orgObject, c *soqlCond, tooling bool) (*planCond, *orgFailure) {
	p := &planCond{op: c.op}
	if c.kids != nil {
		for _, k := range c.kids {
			kid, err := s.condition(q, o, k, tooling)
			if err != nil {
				return nil, err
			}
			p.kids = append(p.kids, kid)
		}
		return p, nil
	}
	path, err := s.path(q, o, c.field)
	if err != nil {
		return nil, err
	}
	p.path = path
	f := path.field
	switch {
	case f.long():
		return nil, soqlFailure(q, c.field.at, "INVALID_FIELD", "field '%s' can not be filtered in a query call", f.name)
	case c.op == "LIKE" && (f.typ == orgIDType || f.typ == orgRef):
		return nil, soqlFailure(q, c.field.at, "INVALID_FIELD", "invalid operator on id field")
	case c.op == "LIKE" && !f.quoted(), f.typ == orgBool && strings.ContainsAny(c.op[:1], "<>"):
		return nil, soqlFailure(q, c.field.at, "INVALID_QUERY_FILTER_OPERATOR", "invalid operator on %s field", f.typ)
	}
	if c.query != nil {
		return p, s.semiJoin(q, p, c, tooling)
	}
	p.set = map[string]bool{}
	for _, v := range c.values {
		if err := s.operand(q, p, f, v, len(path.steps) == 0 && f == o.fields[0], o); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// semiJoin fills IN with what another query selects.
func (s *Salesforce) semiJoin(q *soqlQuery, p *planCond, c *soqlCond, tooling bool) *orgFailure {
	inner, err := s.plan(c.query, tooling)
	if err != nil {
		return err
	}
	id := func(f *orgField) bool { return f != nil && (f.typ == orgRef || f.typ == orgIDType) }
	if inner.count || len(inner.columns) != 1 || !id(inner.columns[0].field) || inner.columns[0].columns != nil || !id(p.path.field) {
		return soqlFailure(q, c.field.at, "MALFORMED_QUERY", "Semi join sub-selects must select exactly one id field")
	}
	p.set = map[string]bool{}
	for _, ord := range s.run(inner, false) {
		if v := inner.o.value(s, ord, inner.columns[0].field); v != "" && !p.set[v] {
			p.set[v] = true
			p.ids = append(p.ids, v)
		}
	}
	return nil
}

// operand checks a literal against the field's type and adds it to the condition.
func (s *Salesforce) operand(q *soqlQuery, p *planCond, f *orgField, v soqlValue, self bool, o *orgObject) *orgFailure {
	wrong := func(should string) *orgFailure {
		return soqlFailure(q, v.at, "INVALID_FIELD", "value of filter criterion for field '%s' must be of type %s and should %sbe enclosed in quotes", f.name, f.typ, should)
	}
	text := ""
	switch {
	case v.kind == soqlNull:
		if p.op == "IN" || p.op == "NOT IN" {
			p.set[""] = true
			return nil
		}
		if p.op != "=" && p.op != "!=" {
			return soqlFailure(q, v.at, "MALFORMED_QUERY", "invalid operator for null")
		}
		p.null = true
		return nil
	case f.quoted():
		if v.kind != soqlString {
			return wrong("")
		}
		if f.typ == orgIDType || f.typ == orgRef {
			id, ok := longID(v.text)
			if !ok && v.text != "" {
				return soqlFailure(q, v.at, "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field: %s", v.text)
			}
			text = id
			if self && ok {
				if prefix, n, place := idParts(id); prefix == o.prefix && place {
					p.self, p.ord = true, int64(n)-firstNumber
				}
			}
		} else {
			text = strings.ToLower(v.text)
		}
		p.ids = append(p.ids, text)
	case f.typ == orgBool:
		if v.kind != soqlBool {
			return wrong("not ")
		}
		if v.text == "true" {
			text = "true"
		}
	case f.typ == orgDate:
		switch v.kind {
		case soqlRelative:
			p.from, p.to = s.days(v, time.DateOnly)
		case soqlDate:
			if _, err := time.Parse(time.DateOnly, v.text); err != nil {
				return soqlFailure(q, v.at, "MALFORMED_QUERY", "line 1:%d invalid date: %s", v.at, v.text)
			}
			text = v.text
		default:
			return wrong("not ")
		}
	case f.typ == orgDateTime:
		switch v.kind {
		case soqlRelative:
			p.from, p.to = s.days(v, wireTime)
		case soqlDateTime:
			t, ok := parseWireTime(v.text)
			if !ok {
				return wrong("not ")
			}
			t = t.Truncate(time.Millisecond)
			text, p.sec, p.sub = t.UTC().Format(wireTime), t.Unix(), t.Nanosecond() != 0
		default:
			return wrong("not ")
		}
	default:
		n, err := strconv.ParseFloat(v.text, 64)
		if v.kind != soqlNumber || err != nil {
			return wrong("not ")
		}
		p.num = n
		text = strconv.FormatFloat(n, 'f', -1, 64)
	}
	p.text = text
	p.set[text] = true
	return nil
}

// days are the first day of a relative date and the first day after it, in UTC.
func (s *Salesforce) days(v soqlValue, layout string) (from, to string) {
	today := s.o.Now().UTC().Truncate(24 * time.Hour)
	first, after := today, today.AddDate(0, 0, 1)
	switch v.text {
	case "YESTERDAY":
		first, after = today.AddDate(0, 0, -1), today
	case "TOMORROW":
		first, after = after, after.AddDate(0, 0, 1)
	case "LAST_N_DAYS":
		first = today.AddDate(0, 0, -v.n)
	case "NEXT_N_DAYS":
		first, after = after, today.AddDate(0, 0, v.n+1)
	}
	return first.Format(layout), after.Format(layout)
}
