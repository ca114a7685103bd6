package sandbox

import (
	"cmp"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The part of SOQL that is understood is what connectors and jsforce send: SELECT with fields, fields of parents and COUNT(),
// FROM one object, WHERE with AND, OR, NOT, parentheses, comparisons, LIKE, IN and NOT IN with lists, TODAY and YESTERDAY,
// ORDER BY and LIMIT. Anything else is refused as malformed, and the message says that it is the sandbox that lacks it.
// Queries are answered by looking at one record after the other.

// soqlQuery is a query whose names and literals have found their meaning in an org.
type soqlQuery struct {
	o       *orgObject
	count   bool
	columns []orgColumn
	where   soqlCond
	order   []soqlOrder
	limit   int // -1: none
}

// orgColumn is a selected field, or a parent with selected fields of its own.
type orgColumn struct {
	field   *orgField // the field, or the lookup that leads to the parent
	name    string    // of the way to the parent: Account
	columns []orgColumn
	kind    bool // the parent's Type
}

// orgPath leads from a record over lookups to a field.
type orgPath struct {
	steps []*orgField
	field *orgField
	kind  bool // Type of a lookup that may lead to several objects
}

type soqlOrder struct {
	path orgPath
	down bool
}

// soqlCond is a condition on a record. Where byID is set, only records with one of ids can meet it.
type soqlCond struct {
	holds func(r *record) bool
	ids   []string
	byID  bool
}

// soqlValue is a literal.
type soqlValue struct {
	kind soqlKind
	text string // of a string without quotes and escapes
	at   int
}

type soqlKind uint8

const (
	soqlString soqlKind = iota
	soqlNumber
	soqlDate
	soqlDateTime
	soqlDay // TODAY, YESTERDAY
	soqlBool
	soqlNull
)

// Bounds of a statement: characters, and conditions within conditions.
const (
	longestSOQL = 100_000
	maxDepth    = 64
)

type soqlToken struct {
	kind byte // 'a' word, '"' string, '0' literal that begins with a digit, else the punctuation itself; 0 the end
	text string
	at   int
}

// soqlParser reads a query in one pass; the first mistake sticks, and nothing is expected any more then.
type soqlParser struct {
	s     *Salesforce
	text  string
	i     int
	tok   soqlToken
	depth int
	err   *orgFailure
}

// parseSOQL reads a query for an object of the ordinary API or of the Tooling API.
func (s *Salesforce) parseSOQL(text string, tooling bool) (*soqlQuery, *orgFailure) {
	p := &soqlParser{s: s, text: text}
	if utf8.RuneCountInString(text) > longestSOQL {
		p.fail(0, "MALFORMED_QUERY", "SOQL statements cannot be longer than 100000 characters.")
	}
	p.next()
	q := p.query(tooling)
	if p.tok.kind != 0 {
		p.unexpected()
	}
	return q, p.err
}

// fail notes a mistake at a place in the text, counted in bytes from 0.
func (p *soqlParser) fail(at int, code, format string, args ...any) {
	p.tok = soqlToken{at: at}
	if p.err != nil {
		return
	}
	from, to := max(at-24, 0), min(at+24, len(p.text))
	around := strings.ToValidUTF8(strings.Map(func(c rune) rune { return max(c, ' ') }, p.text[from:to]), "")
	p.err = &orgFailure{status: http.StatusBadRequest, code: code,
		message: fmt.Sprintf("\n%s\n%s^\nERROR at Row:1:Column:%d\n%s", around, strings.Repeat(" ", at-from), at+1, fmt.Sprintf(format, args...))}
}

func (p *soqlParser) unexpected() {
	what := "'" + p.tok.text + "'"
	if p.tok.kind == 0 {
		what = "<EOF>"
	}
	p.fail(p.tok.at, "MALFORMED_QUERY", "unexpected token: %s", what)
}

func (p *soqlParser) lacks(what string) {
	p.fail(p.tok.at, "MALFORMED_QUERY", "the sandbox does not support %s", what)
}

func isWordByte(c byte) bool {
	return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || isDigit(c)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// next reads a token.
func (p *soqlParser) next() {
	if p.err != nil {
		return
	}
	for p.i < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.i]) >= 0 {
		p.i++
	}
	at := p.i
	if p.tok = (soqlToken{at: at}); at == len(p.text) {
		return
	}
	c := p.text[at]
	behind := func(more string) bool { return at+1 < len(p.text) && strings.IndexByte(more, p.text[at+1]) >= 0 }
	p.i++
	take := func(kind byte, more string) {
		for kind != c && p.i < len(p.text) && (isWordByte(p.text[p.i]) || strings.IndexByte(more, p.text[p.i]) >= 0) {
			p.i++
		}
		p.tok = soqlToken{kind, p.text[at:p.i], at}
	}
	switch {
	case c == '\'':
		p.quoted(at)
	case isDigit(c), (c == '-' || c == '+') && behind("0123456789."):
		take('0', ":.+-")
	case isWordByte(c):
		take('a', ".")
	case c == '<' && behind(">="), c == '>' && behind("="), c == '!' && behind("="):
		p.i++
		p.tok = soqlToken{c, p.text[at:p.i], at}
	case strings.IndexByte("(),=<>:", c) >= 0:
		take(c, "")
	default:
		p.fail(at, "MALFORMED_QUERY", "line 1:%d no viable alternative at character '%s'", at, strings.ToValidUTF8(p.text[at:p.i], "?"))
	}
}

// soqlEscapes are what stands behind a backslash. In LIKE patterns \% and \_ are the characters themselves: there the
// backslash is kept.
var soqlEscapes = map[byte]string{'n': "\n", 'N': "\n", 'r': "\r", 'R': "\r", 't': "\t", 'T': "\t", 'b': "\b", 'B': "\b", 'f': "\f", 'F': "\f", '\'': "'", '"': `"`, '\\': `\`, '%': `\%`, '_': `\_`}

// quoted reads a string that begins at a place.
func (p *soqlParser) quoted(at int) {
	var b strings.Builder
	for i := at + 1; i < len(p.text); i++ {
		switch c := p.text[i]; {
		case c == '\'':
			p.i = i + 1
			p.tok = soqlToken{'"', b.String(), at}
			return
		case c == '\\' && i+1 < len(p.text):
			i++
			plain, ok := soqlEscapes[p.text[i]]
			if !ok {
				p.fail(i-1, "MALFORMED_QUERY", "Invalid string literal: illegal character sequence '\\%s'", string(rune(p.text[i])))
				return
			}
			b.WriteString(plain)
		default:
			b.WriteByte(c)
		}
	}
	p.fail(at, "MALFORMED_QUERY", "unexpected end of string literal")
}

// is says whether the token is a word, in any case.
func (p *soqlParser) is(word string) bool {
	return p.tok.kind == 'a' && strings.EqualFold(p.tok.text, word)
}

func (p *soqlParser) eat(word string) bool {
	if !p.is(word) {
		return false
	}
	p.next()
	return true
}

func (p *soqlParser) want(word string) {
	if !p.eat(word) {
		p.unexpected()
	}
}

func (p *soqlParser) punct(c byte) bool {
	if p.tok.kind != c || len(p.tok.text) != 1 {
		return false
	}
	p.next()
	return true
}

func (p *soqlParser) wantPunct(c byte) {
	if !p.punct(c) {
		p.unexpected()
	}
}

var soqlReserved = regexp.MustCompile(`(?i)^(select|from|where|order|limit|offset|and|or|not|in|like|null|group|having|with)$`)

// name reads a name or a path of names.
func (p *soqlParser) name() soqlToken {
	t := p.tok
	if t.kind != 'a' || soqlReserved.MatchString(t.text) || slices.Contains(strings.Split(t.text, "."), "") {
		p.unexpected()
		return soqlToken{}
	}
	p.next()
	return t
}

// query reads from SELECT on.
func (p *soqlParser) query(tooling bool) *soqlQuery {
	q := &soqlQuery{limit: -1}
	p.want("SELECT")
	names := p.selected(q)
	p.want("FROM")
	of := p.name()
	if p.err != nil {
		return nil
	}
	o, ok := p.s.object(of.text)
	if !ok || o.tooling != tooling {
		p.fail(of.at, "INVALID_TYPE", "sObject type '%s' is not supported. If you are attempting to use a custom object, be sure to append the '__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names.", of.text)
		return nil
	}
	q.o = o
	seen := map[string]bool{}
	for _, n := range names {
		if key := strings.ToLower(n.text); seen[key] {
			p.err = cmp.Or(p.err, badRequest("INVALID_FIELD", "duplicate field selected: %s", n.text))
		} else {
			seen[key] = true
		}
		q.columns = addColumn(q.columns, p.path(o, n))
	}
	if p.eat("WHERE") {
		q.where = p.or(o)
	}
	if p.eat("ORDER") {
		p.want("BY")
		for more := true; more && p.err == nil; more = p.punct(',') {
			n := p.name()
			x := soqlOrder{path: p.path(o, n)}
			if x.path.field.long() {
				p.fail(n.at, "INVALID_FIELD", "field '%s' can not be sorted in a query call", n.text)
			}
			if x.down = p.eat("DESC"); !x.down {
				p.eat("ASC")
			}
			q.order = append(q.order, x)
		}
	}
	if p.eat("LIMIT") {
		n, err := strconv.Atoi(p.tok.text)
		if err != nil || n < 0 {
			p.unexpected()
		}
		q.limit = n
		p.next()
	}
	if p.tok.kind == 'a' {
		p.lacks(strings.ToUpper(p.tok.text))
	}
	return q
}

// selected reads what is selected.
func (p *soqlParser) selected(q *soqlQuery) (names []soqlToken) {
	for {
		switch {
		case p.tok.kind == '(':
			p.lacks("queries of children")
		case p.is("COUNT") && len(names) == 0:
			p.next()
			p.wantPunct('(')
			p.wantPunct(')')
			q.count = true
		default:
			if names = append(names, p.name()); p.tok.kind == '(' {
				p.lacks("functions")
			}
		}
		if p.err != nil || q.count || !p.punct(',') {
			return names
		}
	}
}

// or reads a condition. As in SOQL, AND and OR do not stand beside each other without parentheses.
func (p *soqlParser) or(o *orgObject) soqlCond {
	c := p.term(o)
	for op := strings.ToUpper(p.tok.text); (op == "AND" || op == "OR") && p.eat(op); {
		c = joined(op, c, p.term(o))
	}
	if p.is("AND") || p.is("OR") {
		p.unexpected()
	}
	return c
}

// joined is both conditions, or either.
func joined(op string, a, b soqlCond) soqlCond {
	if op == "OR" {
		return soqlCond{holds: func(r *record) bool { return a.holds(r) || b.holds(r) }, ids: append(slices.Clip(a.ids), b.ids...), byID: a.byID && b.byID}
	}
	c := soqlCond{holds: func(r *record) bool { return a.holds(r) && b.holds(r) }, ids: a.ids, byID: a.byID || b.byID}
	if !a.byID {
		c.ids = b.ids
	}
	return c
}

func (p *soqlParser) term(o *orgObject) soqlCond {
	if p.depth++; p.depth > maxDepth {
		p.fail(p.tok.at, "MALFORMED_QUERY", "the condition is nested too deeply")
	}
	defer func() { p.depth-- }()
	switch {
	case p.err != nil:
		return soqlCond{}
	case p.eat("NOT"):
		c := p.term(o)
		return soqlCond{holds: func(r *record) bool { return !c.holds(r) }}
	case p.punct('('):
		c := p.or(o)
		p.wantPunct(')')
		return c
	}
	n := p.name()
	path := p.path(o, n)
	op, values := p.comparison()
	if p.err != nil {
		return soqlCond{}
	}
	f := path.field
	isID := f.typ == orgIDType || f.typ == orgRef
	switch {
	case f.long():
		p.fail(n.at, "INVALID_FIELD", "field '%s' can not be filtered in a query call", f.name)
	case op == "LIKE" && isID:
		p.fail(n.at, "INVALID_FIELD", "invalid operator on id field")
	case op == "LIKE" && !f.quoted(), f.typ == orgBool && strings.ContainsAny(op[:1], "<>"):
		p.fail(n.at, "INVALID_QUERY_FILTER_OPERATOR", "invalid operator on %s field", f.typ)
	}
	c := p.compare(path, op, values)
	if len(path.steps) == 0 && f == o.fields[0] && (op == "=" || op == "IN") {
		c.byID = true
		for _, v := range values {
			id, _ := longID(v.text)
			c.ids = append(c.ids, id)
		}
	}
	return c
}

// comparison reads an operator and its operands.
func (p *soqlParser) comparison() (op string, values []soqlValue) {
	list := func() {
		p.wantPunct('(')
		if p.is("SELECT") {
			p.lacks("queries within queries")
		}
		for more := true; more && p.err == nil; more = p.punct(',') {
			values = append(values, p.value())
		}
		p.wantPunct(')')
	}
	switch t := p.tok; {
	case strings.IndexByte("=<>!", t.kind) >= 0 && t.kind != 0:
		p.next()
		return strings.Replace(t.text, "<>", "!=", 1), []soqlValue{p.value()}
	case p.eat("LIKE"):
		return "LIKE", []soqlValue{p.value()}
	case p.eat("IN"):
		list()
		return "IN", values
	case p.eat("NOT"):
		p.want("IN")
		list()
		return "NOT IN", values
	case p.is("INCLUDES"), p.is("EXCLUDES"):
		p.lacks(strings.ToUpper(t.text))
	default:
		p.unexpected()
	}
	return "", nil
}

// value reads a literal.
func (p *soqlParser) value() soqlValue {
	v := soqlValue{text: p.tok.text, at: p.tok.at}
	_, notNumber := strconv.ParseFloat(v.text, 64)
	_, isTime := parseWireTime(v.text)
	_, notDate := time.Parse(time.DateOnly, v.text)
	switch word := strings.ToUpper(v.text); {
	case p.tok.kind == '"':
		v.kind = soqlString
	case p.tok.kind == '0' && notNumber == nil:
		v.kind = soqlNumber
	case p.tok.kind == '0' && isTime:
		v.kind = soqlDateTime
	case p.tok.kind == '0' && notDate == nil:
		v.kind = soqlDate
	case p.tok.kind == 'a' && (word == "TRUE" || word == "FALSE"):
		v.kind, v.text = soqlBool, strings.ToLower(word)
	case p.tok.kind == 'a' && word == "NULL":
		v.kind, v.text = soqlNull, ""
	case p.tok.kind == 'a' && (word == "TODAY" || word == "YESTERDAY"):
		v.kind, v.text = soqlDay, word
	default:
		p.unexpected()
	}
	p.next()
	return v
}

// path finds the field of a name such as Account.Owner.Name.
func (p *soqlParser) path(o *orgObject, n soqlToken) orgPath {
	path := orgPath{field: kindField}
	if p.err != nil {
		return path
	}
	parts := strings.Split(n.text, ".")
	at := o
	if len(parts) > 1 && strings.EqualFold(parts[0], o.name) && o.relations[strings.ToLower(parts[0])] == nil {
		parts = parts[1:]
	}
	for _, part := range parts[:len(parts)-1] {
		way := at.relations[strings.ToLower(part)]
		if way == nil || !way.readable || len(path.steps) == 5 {
			p.fail(n.at, "INVALID_FIELD", "Didn't understand relationship '%s' in field path. If you are attempting to use a custom relationship, be sure to append the '__r' after the custom relationship name. Please reference your WSDL or the describe call for the appropriate names.", part)
			return path
		}
		path.steps = append(path.steps, way)
		at = p.s.objects[strings.ToLower(way.refTo[0])]
	}
	last := parts[len(parts)-1]
	if len(path.steps) > 0 && len(path.steps[len(path.steps)-1].refTo) > 1 && strings.EqualFold(last, "Type") {
		path.kind = true
		return path
	}
	f, ok := at.field(last)
	if !ok || !f.readable {
		p.fail(n.at, "INVALID_FIELD", "No such column '%s' on entity '%s'. If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate names.", last, at.name)
		return path
	}
	path.field = f
	return path
}

// kindField stands for the Type of a lookup that may lead to several objects.
var kindField = &orgField{name: "Type", label: "Type", typ: orgString, readable: true}

func addColumn(columns []orgColumn, p orgPath) []orgColumn {
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

// columns are the columns of a list of names, for calls that take no SOQL.
func (s *Salesforce) columns(o *orgObject, names []string) (columns []orgColumn, bad *orgFailure) {
	for _, name := range names {
		p := &soqlParser{s: s}
		path := p.path(o, soqlToken{text: name})
		if p.err != nil {
			return nil, badRequest("INVALID_FIELD", "No such column '%s' on sobject of type %s", name, o.name)
		}
		columns = addColumn(columns, path)
	}
	return columns, nil
}

// follow is the value at the end of a path, "" where a record on the way is missing.
func (s *Salesforce) follow(p *orgPath, r *record) string {
	f := p.field
	for i, way := range p.steps {
		parent, up := s.recordOf(way.value(r))
		if up == nil || s.isPurged(up) {
			return ""
		}
		if p.kind && i == len(p.steps)-1 {
			return parent.name
		}
		if r = up; i == len(p.steps)-1 {
			if f = parent.byName[strings.ToLower(f.name)]; f == nil { // the lookup led to another object than its first
				return ""
			}
		}
	}
	return f.value(r)
}

// compare gives a comparison its meaning, by the field's type.
func (p *soqlParser) compare(path orgPath, op string, values []soqlValue) soqlCond {
	f := path.field
	value := func(r *record) string { return p.s.follow(&path, r) }
	if len(path.steps) == 0 {
		value = f.value
	}
	if op != "IN" && op != "NOT IN" && values[0].kind == soqlNull {
		if op != "=" && op != "!=" {
			p.fail(values[0].at, "MALFORMED_QUERY", "invalid operator for null")
		}
		return soqlCond{holds: func(r *record) bool { return (value(r) == "" && f.typ != orgBool) == (op == "=") }}
	}
	switch {
	case f.quoted():
		return p.compareText(f, value, op, values)
	case f.typ == orgBool:
		return p.compareSet(f, value, op, values, soqlBool, "not ", func(s string) string { return strings.TrimSuffix(s, "false") })
	case f.typ == orgDate || f.typ == orgDateTime:
		return p.compareTime(path, value, op, values)
	}
	for _, v := range values {
		if v.kind != soqlNumber && v.kind != soqlNull {
			p.mistyped(f, v, "not ")
		}
	}
	number := func(text string) (float64, bool) {
		n, err := strconv.ParseFloat(text, 64)
		return n, err == nil
	}
	return compareOrder(op, values, func(v soqlValue) (from, to float64) {
		n, _ := number(v.text)
		return n, n
	}, func(r *record) (float64, bool) { return number(value(r)) })
}

// mistyped tells of a literal that is not of the field's type.
func (p *soqlParser) mistyped(f *orgField, v soqlValue, not string) {
	p.fail(v.at, "INVALID_FIELD", "value of filter criterion for field '%s' must be of type %s and should %sbe enclosed in quotes", f.name, f.typ, not)
}

func (p *soqlParser) compareText(f *orgField, value func(*record) string, op string, values []soqlValue) soqlCond {
	canon := strings.ToLower
	if f.typ == orgIDType || f.typ == orgRef {
		canon = func(s string) string { id, _ := longID(s); return id }
		for _, v := range values {
			if v.kind == soqlString && v.text != "" && canon(v.text) == "" {
				p.fail(v.at, "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field: %s", v.text)
			}
		}
	}
	if op != "LIKE" {
		return p.compareSet(f, value, op, values, soqlString, "", canon)
	}
	if values[0].kind != soqlString {
		p.mistyped(f, values[0], "")
	}
	pattern := likePattern(values[0].text)
	return soqlCond{holds: func(r *record) bool { v := value(r); return v != "" && pattern.MatchString(v) }}
}

// likePattern is a pattern of % (any text), _ (one character) and escaped ones of both.
func likePattern(s string) *regexp.Regexp {
	quoted := regexp.QuoteMeta(s)
	quoted = strings.NewReplacer(`\\%`, "%", `\\_`, "_", "%", ".*", "_", ".").Replace(quoted)
	return regexp.MustCompile("(?is)^" + strings.ToValidUTF8(quoted, "\uFFFD") + "$")
}

// compareSet compares texts in their canonical form.
func (p *soqlParser) compareSet(f *orgField, value func(*record) string, op string, values []soqlValue, kind soqlKind, not string, canon func(string) string) soqlCond {
	set := make(map[string]bool, len(values))
	for _, v := range values {
		if v.kind != kind && v.kind != soqlNull {
			p.mistyped(f, v, not)
			return soqlCond{}
		}
		set[canon(v.text)] = true
	}
	if f.typ == orgRef || f.typ == orgIDType || f.typ == orgBool {
		canon = func(s string) string { return s } // as they are kept
	}
	operand := canon(values[0].text)
	if f.typ == orgRef || f.typ == orgIDType {
		operand, _ = longID(operand)
	}
	switch op {
	case "=", "IN":
		return soqlCond{holds: func(r *record) bool { return set[canon(value(r))] }}
	case "!=", "NOT IN":
		return soqlCond{holds: func(r *record) bool { return !set[canon(value(r))] }}
	}
	return soqlCond{holds: func(r *record) bool { v := canon(value(r)); return v != "" && ordered(op, v, operand, operand) }}
}

// compareTime compares dates and date-times, which TODAY and YESTERDAY are spans of.
func (p *soqlParser) compareTime(path orgPath, value func(*record) string, op string, values []soqlValue) soqlCond {
	f := path.field
	today := p.s.o.Now().UTC().Truncate(24 * time.Hour).UnixMilli()
	at := func(text string) (int64, bool) {
		if f.typ == orgDate {
			return parseTime(text)
		}
		t, ok := parseWireTime(text)
		return t.UnixMilli(), ok
	}
	span := func(v soqlValue) (from, to int64) {
		switch {
		case v.text == "TODAY":
			return today, today + dayMs - 1
		case v.kind == soqlDay:
			return today - dayMs, today - 1
		}
		ms, _ := at(v.text)
		return ms, ms
	}
	literal := map[string]soqlKind{orgDate: soqlDate, orgDateTime: soqlDateTime}[f.typ]
	for _, v := range values {
		if v.kind != literal && v.kind != soqlDay && v.kind != soqlNull {
			p.mistyped(f, v, "not ")
		}
	}
	when := func(r *record) (int64, bool) { return at(value(r)) }
	if f.time != nil && len(path.steps) == 0 {
		when = func(r *record) (int64, bool) { return f.time(r), true }
	}
	return compareOrder(op, values, span, when)
}

// compareOrder compares what has an order; span is the first and the last of what a literal means.
func compareOrder[T cmp.Ordered](op string, values []soqlValue, span func(v soqlValue) (from, to T), of func(r *record) (T, bool)) soqlCond {
	from, to := span(values[0])
	switch op {
	case "IN", "NOT IN":
		among := func(r *record) bool {
			n, ok := of(r)
			return slices.ContainsFunc(values, func(v soqlValue) bool {
				from, to := span(v)
				return v.kind == soqlNull && !ok || v.kind != soqlNull && ok && ordered("=", n, from, to)
			})
		}
		return soqlCond{holds: func(r *record) bool { return among(r) == (op == "IN") }}
	case "!=":
		return soqlCond{holds: func(r *record) bool { n, ok := of(r); return !ok || !ordered("=", n, from, to) }}
	}
	return soqlCond{holds: func(r *record) bool { n, ok := of(r); return ok && ordered(op, n, from, to) }}
}

// ordered compares a value with a span.
func ordered[T cmp.Ordered](op string, v, from, to T) bool {
	switch op {
	case "<":
		return v < from
	case "<=":
		return v <= to
	case ">":
		return v > to
	case ">=":
		return v >= from
	}
	return v >= from && v <= to
}

// shows says whether a query sees a record: all is queryAll's view with deleted and archived ones.
func (s *Salesforce) shows(o *orgObject, r *record, all bool) bool {
	if all {
		return !s.isPurged(r)
	}
	return r.live() && (o.name != "Task" && o.name != "Event" || !s.activityArchived(o, r))
}

// run finds the records of a query in its order.
func (s *Salesforce) run(q *soqlQuery, all bool) []*record {
	most := q.limit
	candidates, sorted := q.o.recs, len(q.order) == 0 || q.by("Id")
	switch {
	case q.where.byID:
		candidates = nil
		for _, id := range q.where.ids {
			if r := q.o.byID[id]; r != nil {
				candidates = append(candidates, r)
			}
		}
		slices.SortFunc(candidates, byNumber)
		candidates = slices.Compact(candidates)
	case q.by("SystemModstamp"), q.by("SystemModstamp", "Id"):
		candidates, sorted = q.o.inOrder(), true
	}
	if !sorted {
		most = -1
	}
	var found []*record
	for _, r := range candidates {
		if len(found) == most {
			break
		}
		if (q.where.holds == nil || q.where.holds(r)) && s.shows(q.o, r, all) {
			found = append(found, r)
		}
	}
	if !sorted {
		s.sort(q, found)
	}
	if q.limit >= 0 {
		found = found[:min(q.limit, len(found))]
	}
	return found
}

// by says whether a query's order is upwards by the record's own fields of these names.
func (q *soqlQuery) by(names ...string) bool {
	return slices.EqualFunc(q.order, names, func(x soqlOrder, name string) bool {
		return len(x.path.steps) == 0 && !x.down && x.path.field.name == name
	})
}

// sort puts records into the query's order; those without a value come first.
func (s *Salesforce) sort(q *soqlQuery, list []*record) {
	compare := func(x soqlOrder, a, b *record) int {
		v, w := s.follow(&x.path, a), s.follow(&x.path, b)
		if f := x.path.field; f.numeric() {
			n, _ := strconv.ParseFloat(v, 64)
			m, _ := strconv.ParseFloat(w, 64)
			if v != "" && w != "" {
				return cmp.Compare(n, m)
			}
		} else if f.typ != orgIDType && f.typ != orgRef {
			v, w = strings.ToLower(v), strings.ToLower(w)
		}
		return strings.Compare(v, w)
	}
	slices.SortStableFunc(list, func(a, b *record) int {
		for _, x := range q.order {
			d := compare(x, a, b)
			if x.down && s.follow(&x.path, a) != "" && s.follow(&x.path, b) != "" {
				d = -d
			}
			if d != 0 {
				return d
			}
		}
		return 0
	})
}
