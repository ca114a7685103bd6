package sandbox

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The part of SOQL that is understood is what connectors and jsforce send: SELECT with fields, fields of direct parents and COUNT(),
// FROM one object, WHERE with AND, OR, NOT, parentheses, comparisons, LIKE, IN and NOT IN with lists, TODAY and YESTERDAY,
// ORDER BY and LIMIT. Anything else is refused as malformed, and the message says that it is the sandbox that lacks it.
// Queries are answered by looking at one record after the other.

// soqlQuery is a query whose names and literals have found their meaning in an org.
type soqlQuery struct {
	o       *orgObject
	count   bool
	columns []orgPath
	where   soqlCond
	order   []soqlOrder
	limit   int // -1: none
}

// orgPath is a field of a record, or of the parent that one of its lookups leads to.
type orgPath struct {
	way   *orgField // the lookup; nil: the field is the record's own
	field *orgField
}

// name is how a path is written: Email, Account.Name.
func (p orgPath) name() string {
	if p.way == nil {
		return p.field.name
	}
	return p.way.relation + "." + p.field.name
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

// Bounds of a statement: characters, and conditions within conditions.
const (
	longestSOQL = 100_000
	maxDepth    = 64
)

// soqlToken is a word, a string without quotes and escapes, a literal that begins with a digit, or punctuation.
type soqlToken struct {
	kind byte // a word, ' string, 0 literal, ( punctuation; 0 the end
	text string
	at   int
}

// soqlTokens are the forms of tokens, in the order of soqlKinds.
var soqlTokens = regexp.MustCompile(`(?s)^[ \t\r\n]*(?:([A-Za-z_][\w.]*)|'((?:[^'\\]|\\.)*)'|([-+]?[0-9.][\w:.+-]*)|(<=|>=|!=|<>|[(),=<>]))`)

const soqlKinds = "a'0("

// soqlParser reads a query in one pass; the first mistake refuses the request.
type soqlParser struct {
	s     *Salesforce
	text  string
	i     int
	tok   soqlToken
	depth int
}

// parseSOQL reads a query for an object of the ordinary API or of the Tooling API.
func (s *Salesforce) parseSOQL(text string, tooling bool) *soqlQuery {
	p := &soqlParser{s: s, text: text}
	if utf8.RuneCountInString(text) > longestSOQL {
		p.fail(0, "MALFORMED_QUERY", "SOQL statements cannot be longer than 100000 characters.")
	}
	p.next()
	q := p.query(tooling)
	if p.tok.kind != 0 {
		p.unexpected()
	}
	return q
}

// fail notes a mistake at a place in the text, counted in bytes from 0.
func (p *soqlParser) fail(at int, code, format string, args ...any) {
	from, to := max(at-24, 0), min(at+24, len(p.text))
	around := strings.ToValidUTF8(strings.Map(func(c rune) rune { return max(c, ' ') }, p.text[from:to]), "")
	panic(badRequest(code, "\n%s\n%s^\nERROR at Row:1:Column:%d\n%s", around, strings.Repeat(" ", at-from), at+1, fmt.Sprintf(format, args...)))
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

// soqlEscapes are what stands behind a backslash. In LIKE patterns \% and \_ are the characters themselves: there the
// backslash is kept.
var (
	soqlEscape  = regexp.MustCompile(`(?s)\\.`)
	soqlEscapes = map[string]string{`\n`: "\n", `\r`: "\r", `\t`: "\t", `\b`: "\b", `\f`: "\f", `\'`: "'", `\"`: `"`, `\\`: `\`, `\%`: `\%`, `\_`: `\_`}
)

// next reads a token.
func (p *soqlParser) next() {
	rest := p.text[p.i:]
	m := soqlTokens.FindStringSubmatchIndex(rest)
	blank := len(rest) - len(strings.TrimLeft(rest, " \t\r\n"))
	switch p.tok = (soqlToken{at: p.i + blank}); {
	case m == nil && blank == len(rest):
		return
	case m == nil && rest[blank] == '\'':
		p.fail(p.tok.at, "MALFORMED_QUERY", "unexpected end of string literal")
		return
	case m == nil:
		p.fail(p.tok.at, "MALFORMED_QUERY", "no viable alternative at character '%s'", strings.ToValidUTF8(rest[blank:blank+1], "?"))
		return
	}
	p.i += m[1]
	for k := range soqlKinds {
		if from := m[2*k+2]; from >= 0 {
			p.tok.kind, p.tok.text = soqlKinds[k], rest[from:m[2*k+3]]
		}
	}
	if p.tok.kind == '\'' {
		p.tok.text = soqlEscape.ReplaceAllStringFunc(p.tok.text, func(e string) string {
			plain, ok := soqlEscapes[strings.ToLower(e)]
			if !ok {
				p.fail(p.tok.at, "MALFORMED_QUERY", "Invalid string literal: illegal character sequence '%s'", e)
			}
			return plain
		})
	}
}

// is says whether the token is a word, in any case.
func (p *soqlParser) is(word string) bool {
	return p.tok.kind == 'a' && strings.EqualFold(p.tok.text, word)
}

// eat takes a word or punctuation if it comes next, want complains if it does not.
func (p *soqlParser) eat(what string) bool {
	if !p.is(what) && !(p.tok.kind == '(' && p.tok.text == what) {
		return false
	}
	p.next()
	return true
}

func (p *soqlParser) want(what string) {
	if !p.eat(what) {
		p.unexpected()
	}
}

var soqlReserved = regexp.MustCompile(`(?i)^(select|from|where|order|limit|offset|and|or|not|in|like|null|group|having|with)$`)

// name reads a name or a path of names.
func (p *soqlParser) name() soqlToken {
	t := p.tok
	if t.kind != 'a' || soqlReserved.MatchString(t.text) || slices.Contains(strings.Split(t.text, "."), "") {
		p.unexpected()
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
	o, ok := p.s.object(of.text)
	if !ok || o.tooling != tooling {
		p.fail(of.at, "INVALID_TYPE", "sObject type '%s' is not supported. If you are attempting to use a custom object, be sure to append the '__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names.", of.text)
	}
	q.o = o
	for i, n := range names {
		if slices.ContainsFunc(names[:i], func(t soqlToken) bool { return strings.EqualFold(t.text, n.text) }) {
			p.fail(n.at, "INVALID_FIELD", "duplicate field selected: %s", n.text)
		}
		q.columns = append(q.columns, p.path(o, n))
	}
	if p.eat("WHERE") {
		q.where = p.or(o)
	}
	if p.eat("ORDER") {
		p.want("BY")
		for more := true; more; more = p.eat(",") {
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
	if p.is("COUNT") {
		p.next()
		p.want("(")
		p.want(")")
		q.count = true
		return nil
	}
	for more := true; more; more = p.eat(",") {
		if p.tok.text == "(" {
			p.lacks("queries of children")
		}
		if names = append(names, p.name()); p.tok.text == "(" {
			p.lacks("functions")
		}
	}
	return names
}

// or reads a condition. As in SOQL, AND and OR do not stand beside each other without parentheses.
func (p *soqlParser) or(o *orgObject) soqlCond {
	a := p.term(o)
	for op := strings.ToUpper(p.tok.text); (op == "AND" || op == "OR") && p.eat(op); {
		left, right := a, p.term(o)
		if op == "OR" {
			a = soqlCond{func(r *record) bool { return left.holds(r) || right.holds(r) }, append(slices.Clip(left.ids), right.ids...), left.byID && right.byID}
			continue
		}
		if !a.byID {
			a = right
		}
		a.holds = func(r *record) bool { return left.holds(r) && right.holds(r) }
	}
	if p.is("AND") || p.is("OR") {
		p.unexpected()
	}
	return a
}

func (p *soqlParser) term(o *orgObject) soqlCond {
	if p.depth++; p.depth > maxDepth {
		p.fail(p.tok.at, "MALFORMED_QUERY", "the condition is nested too deeply")
	}
	defer func() { p.depth-- }()
	switch {
	case p.eat("NOT"):
		c := p.term(o)
		return soqlCond{holds: func(r *record) bool { return !c.holds(r) }}
	case p.eat("("):
		c := p.or(o)
		p.want(")")
		return c
	}
	n := p.name()
	path := p.path(o, n)
	op, values := p.comparison()
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
	c := soqlCond{holds: p.compare(path, op, values)}
	if path.way == nil && f == o.fields[0] && (op == "=" || op == "IN") {
		c.byID = true
		for _, v := range values {
			id, _ := longID(v.text)
			c.ids = append(c.ids, id)
		}
	}
	return c
}

// comparison reads an operator and its operands.
func (p *soqlParser) comparison() (op string, values []soqlToken) {
	one := func() soqlToken { t := p.tok; p.next(); return t }
	switch op = strings.ToUpper(p.tok.text); {
	case p.tok.kind == '(' && strings.ContainsAny(op, "=<>"):
		p.next()
		return strings.Replace(op, "<>", "!=", 1), []soqlToken{one()}
	case p.eat("LIKE"):
		return op, []soqlToken{one()}
	case p.eat("NOT"):
		op = "NOT IN"
	case p.is("INCLUDES"), p.is("EXCLUDES"):
		p.lacks(op)
	}
	p.want("IN")
	p.want("(")
	if p.is("SELECT") {
		p.lacks("queries within queries")
	}
	for more := true; more; more = p.eat(",") {
		values = append(values, one())
	}
	p.want(")")
	return op, values
}

// path finds the field of a name such as Account.Name, or says why there is none.
func (s *Salesforce) path(o *orgObject, name string) (path orgPath, problem string) {
	parent, own, _ := strings.Cut(name, ".")
	switch path.way = o.relations[strings.ToLower(parent)]; {
	case own == "":
		path.way, own = nil, name
	case path.way != nil && path.way.readable:
		o = s.objects[strings.ToLower(path.way.refTo[0])]
	case !strings.EqualFold(parent, o.name):
		return path, fmt.Sprintf("Didn't understand relationship '%s' in field path. If you are attempting to use a custom relationship, be sure to append the '__r' after the custom relationship name. %s", parent, seeDescribe)
	}
	f, ok := o.field(own)
	if !ok || !f.readable {
		return path, fmt.Sprintf("No such column '%s' on entity '%s'. If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. %s", own, o.name, seeDescribe)
	}
	path.field = f
	return path, ""
}

// seeDescribe ends what Salesforce says of unknown names.
const seeDescribe = "Please reference your WSDL or the describe call for the appropriate names."

func (p *soqlParser) path(o *orgObject, n soqlToken) orgPath {
	path, problem := p.s.path(o, n.text)
	if problem != "" {
		p.fail(n.at, "INVALID_FIELD", "%s", problem)
	}
	return path
}

// columns are the columns of a list of names, for calls that take no SOQL.
func (s *Salesforce) columns(o *orgObject, names []string) (columns []orgPath) {
	for _, name := range names {
		path, problem := s.path(o, name)
		if problem != "" {
			panic(badRequest("INVALID_FIELD", "No such column '%s' on sobject of type %s", name, o.name))
		}
		if !slices.Contains(columns, path) {
			columns = append(columns, path)
		}
	}
	return columns
}

// parent is the record that a lookup leads to, nil where there is none.
func (s *Salesforce) parent(way *orgField, r *record) (*orgObject, *record) {
	o, up := s.recordOf(way.value(r))
	if up == nil || s.isPurged(up) {
		return nil, nil
	}
	return o, up
}

// follow is the value at the end of a path, "" where there is no parent.
func (s *Salesforce) follow(p orgPath, r *record) string {
	if p.way == nil {
		return p.field.value(r)
	}
	if o, up := s.parent(p.way, r); up != nil {
		return o.get(up, strings.ToLower(p.field.name)) // a lookup to several objects may lead to another one than the first
	}
	return ""
}

// keyAt is what a record is compared by.
func (s *Salesforce) keyAt(p orgPath, r *record) key {
	if p.field.time != nil && p.way == nil {
		return number(float64(p.field.time(r)))
	}
	return p.field.key(s.follow(p, r))
}

// key is a field's value in a form that can be compared.
func (f *orgField) key(v string) key {
	switch {
	case f.typ == orgBool:
		return text(f.plain(v))
	case v == "":
		return key{}
	case f.numeric():
		n, _ := strconv.ParseFloat(v, 64)
		return number(n)
	case f.typ == orgDate:
		ms, _ := parseTime(v)
		return number(float64(ms))
	case f.typ == orgDateTime:
		return number(float64(wireMs(v, 0)))
	case f.typ == orgIDType || f.typ == orgRef:
		return text(v)
	}
	return text(strings.ToLower(v))
}

// compare gives a comparison its meaning, by the field's type.
func (p *soqlParser) compare(path orgPath, op string, values []soqlToken) func(r *record) bool {
	f, s := path.field, p.s
	if op == "LIKE" {
		if values[0].kind != '\'' {
			p.mistyped(f, values[0])
		}
		pattern := likePattern(values[0].text)
		return func(r *record) bool { v := s.follow(path, r); return v != "" && pattern.MatchString(v) }
	}
	keys := make([]key, len(values))
	for i, v := range values {
		if keys[i] = p.literal(f, op, v); !keys[i].is && strings.ContainsAny(op[:1], "<>") {
			p.fail(v.at, "MALFORMED_QUERY", "invalid operator for null")
		}
	}
	holds := relation(op, keys)
	return func(r *record) bool { return holds(s.keyAt(path, r)) }
}

// mistyped tells of a literal that is not of the field's type.
func (p *soqlParser) mistyped(f *orgField, v soqlToken) {
	not := "not "
	if f.quoted() {
		not = ""
	}
	p.fail(v.at, "INVALID_FIELD", "value of filter criterion for field '%s' must be of type %s and should %sbe enclosed in quotes", f.name, f.typ, not)
}

// literal is what a literal means for a field. TODAY and YESTERDAY are the beginning of a day, so that they go with >= and < alone.
func (p *soqlParser) literal(f *orgField, op string, v soqlToken) key {
	word := strings.ToUpper(v.text)
	_, notNumber := strconv.ParseFloat(v.text, 64)
	_, isTime := parseWireTime(v.text)
	_, notDate := time.Parse(time.DateOnly, v.text)
	ok := false
	switch {
	case v.kind != 'a' && v.kind != '\'' && v.kind != '0', v.kind == '0' && notNumber != nil && notDate != nil && !isTime:
		p.tok = v
		p.unexpected()
	case v.kind == 'a' && word == "NULL":
		return key{}
	case v.kind == 'a' && (word == "TODAY" || word == "YESTERDAY") && (f.typ == orgDate || f.typ == orgDateTime):
		day := p.s.o.Now().UTC().Truncate(24 * time.Hour).UnixMilli()
		if word == "YESTERDAY" {
			day -= dayMs
		}
		if op != ">=" && op != "<" {
			p.fail(v.at, "MALFORMED_QUERY", "the sandbox does not support %s %s", op, word)
		}
		return number(float64(day))
	case f.typ == orgIDType || f.typ == orgRef:
		id, known := longID(v.text)
		if ok = v.kind == '\''; ok && !known && v.text != "" {
			p.fail(v.at, "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field: %s", v.text)
		}
		if v.text = id; id == "" {
			return text("")
		}
	case f.quoted():
		ok = v.kind == '\''
	case f.typ == orgBool:
		ok, v.text = v.kind == 'a' && (word == "TRUE" || word == "FALSE"), strings.TrimSuffix(strings.ToLower(v.text), "false")
	case f.typ == orgDate:
		ok = v.kind == '0' && notDate == nil
	case f.typ == orgDateTime:
		ok = v.kind == '0' && isTime
	default:
		ok = v.kind == '0' && notNumber == nil
	}
	if !ok {
		p.mistyped(f, v)
	}
	return f.key(v.text)
}

// likePattern is a pattern of % (any text), _ (one character) and escaped ones of both.
func likePattern(s string) *regexp.Regexp {
	quoted := regexp.QuoteMeta(strings.ToValidUTF8(s, "\uFFFD"))
	return regexp.MustCompile("(?is)^" + strings.NewReplacer(`\\%`, "%", `\\_`, "_", "%", ".*", "_", ".").Replace(quoted) + "$")
}

// shows says whether a query sees a record: all is queryAll's view with deleted and archived ones.
func (s *Salesforce) shows(o *orgObject, r *record, all bool) bool {
	if all {
		return !s.isPurged(r)
	}
	return r.live() && (o.name != "Task" && o.name != "Event" || !s.activityArchived(o, r))
}

// run finds the records of a query in its order.
func (s *Salesforce) run(q *soqlQuery, all bool) (found []*record) {
	candidates, sorted := q.o.recs, q.by() || q.by("Id")
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
	for _, r := range candidates {
		if sorted && len(found) == q.limit {
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
		return x.path.way == nil && !x.down && x.path.field.name == name
	})
}

// sort puts records into the query's order; those without a value come first.
func (s *Salesforce) sort(q *soqlQuery, list []*record) {
	slices.SortStableFunc(list, func(a, b *record) int {
		for _, x := range q.order {
			k, l := s.keyAt(x.path, a), s.keyAt(x.path, b)
			d := k.compare(l)
			switch {
			case k.is != l.is && l.is:
				return -1
			case k.is != l.is:
				return 1
			case d != 0 && x.down:
				return -d
			case d != 0:
				return d
			}
		}
		return 0
	})
}
