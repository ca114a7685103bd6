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

// The part of SOQL that is understood is what connectors, jsforce and Salesforce's CLI send: SELECT with fields, fields of direct
// parents and COUNT(), FROM one object, WHERE with AND, OR, parentheses, comparisons, LIKE, IN with lists and YESTERDAY, ORDER BY
// and LIMIT. Anything else is refused as malformed, and the message says that it is the sandbox that lacks it. Queries are
// answered by looking at one record after the other.

// soqlQuery is a query whose names and literals have found their meaning in an org.
type soqlQuery struct {
	o       *orgObject
	count   bool
	columns []orgPath
	where   soqlCond                 // nil: any record
	order   []func(a, b *record) int // of records: what is compared first
	limit   int                      // -1: none
}

// soqlCond says whether a record meets a condition.
type soqlCond func(r *record) bool

// orgPath is a field of a record, or of the parent that one of its lookups leads to.
type orgPath struct {
	way   *orgField // the lookup; nil: the field is the record's own
	field *orgField
}

// name is how a path is written: Email, Account.Name.
func (p orgPath) name() string {
	if p.way == nil {
		return p.field.Name
	}
	return p.way.Relation + "." + p.field.Name
}

// longestSOQL is the longest statement, in characters.
const longestSOQL = 100_000

// soqlToken is a word, a string without quotes and escapes, a literal that begins with a digit, or punctuation.
type soqlToken struct {
	kind byte // a word, ' string, 0 literal, ( punctuation, ? none of them; 0 the end
	text string
	at   int
}

// soqlTokens are the forms of tokens, in the order of soqlKinds.
var soqlTokens = regexp.MustCompile(`(?s)^[ \t\r\n]*(?:([A-Za-z_][\w.]*)|'((?:[^'\\]|\\.)*)'|([-+]?[0-9.][\w:.+-]*)|(<=|>=|!=|[(),=<>])|(.))?`)

const soqlKinds = "a'0(?"

// soqlParser reads a query in one pass; the first mistake refuses the request.
type soqlParser struct {
	s    *Salesforce
	o    *orgObject // the query's
	text string
	i    int
	tok  soqlToken
}

// parseSOQL reads a query for an object of the ordinary API or of the Tooling API.
func (s *Salesforce) parseSOQL(text string, tooling bool) *soqlQuery {
	p := &soqlParser{s: s, text: text}
	p.failIf(utf8.RuneCountInString(text) > longestSOQL, 0, "MALFORMED_QUERY", "SOQL statements cannot be longer than 100000 characters.")
	p.next()
	q := p.query(tooling)
	p.unexpectedIf(p.tok.kind != 0)
	return q
}

// failIf ends parsing with an error as Salesforce tells it: the text around the place, a mark below it.
func (p *soqlParser) failIf(when bool, at int, code, format string, args ...any) {
	if when {
		at = min(at, len(p.text))
		from, to := max(at-30, 0), min(at+20, len(p.text))
		around := strings.ToValidUTF8(strings.Map(func(c rune) rune { return max(c, ' ') }, p.text[from:to]), "")
		panic(badRequest(code, "\n%s\n%s^\nERROR at Row:1:Column:%d\n%s", around, strings.Repeat(" ", at-from), at+1, fmt.Sprintf(format, args...)))
	}
}

func (p *soqlParser) unexpectedIf(when bool) {
	if !when {
		return
	}
	what := "'" + strings.ToValidUTF8(p.tok.text, "?") + "'"
	if p.tok.kind == 0 {
		what = "<EOF>"
	}
	p.failIf(true, p.tok.at, "MALFORMED_QUERY", "unexpected token: %s", what)
}

func (p *soqlParser) lacksIf(when bool, what string) {
	p.failIf(when, p.tok.at, "MALFORMED_QUERY", "the sandbox does not support %s", what)
}

// soqlEscapes are what stands behind a backslash in a string.
var (
	soqlEscape  = regexp.MustCompile(`(?s)\\.`)
	soqlEscapes = map[string]string{`\n`: "\n", `\r`: "\r", `\t`: "\t", `\b`: "\b", `\f`: "\f", `\'`: "'", `\"`: `"`, `\\`: `\`}
)

// next reads a token.
func (p *soqlParser) next() {
	m := soqlTokens.FindStringSubmatchIndex(p.text[p.i:])
	p.tok = soqlToken{at: p.i + m[1]}
	for k := range soqlKinds {
		if from, to := m[2*k+2], m[2*k+3]; from >= 0 {
			p.tok = soqlToken{soqlKinds[k], p.text[p.i+from : p.i+to], p.i + from}
		}
	}
	p.i += m[1]
	p.failIf(p.tok.kind == '?' && p.tok.text == "'", p.tok.at, "MALFORMED_QUERY", "unexpected end of string literal")
	if p.tok.kind == '\'' {
		p.tok.text = soqlEscape.ReplaceAllStringFunc(p.tok.text, func(e string) string {
			plain, ok := soqlEscapes[strings.ToLower(e)]
			p.failIf(!ok, p.tok.at, "MALFORMED_QUERY", "Invalid string literal: illegal character sequence '%s'", e)
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

func (p *soqlParser) want(what string) { p.unexpectedIf(!p.eat(what)) }

// token takes whatever comes next.
func (p *soqlParser) token() soqlToken {
	t := p.tok
	p.next()
	return t
}

// list reads what stands between commas.
func (p *soqlParser) list(one func()) {
	for one(); p.eat(","); {
		one()
	}
}

var soqlReserved = regexp.MustCompile(`(?i)^(select|from|where|order|limit|offset|and|or|not|in|like|null|group|having|with)$`)

// name reads a name or a path of names.
func (p *soqlParser) name() soqlToken {
	p.unexpectedIf(p.tok.kind != 'a' || soqlReserved.MatchString(p.tok.text) || slices.Contains(strings.Split(p.tok.text, "."), ""))
	return p.token()
}

// query reads from SELECT on.
func (p *soqlParser) query(tooling bool) *soqlQuery {
	q := &soqlQuery{limit: -1}
	p.want("SELECT")
	var names []soqlToken
	if q.count = p.eat("COUNT"); q.count {
		p.want("(")
		p.want(")")
	} else {
		p.list(func() {
			p.lacksIf(p.tok.text == "(", "queries of children")
			names = append(names, p.name())
			p.lacksIf(p.tok.text == "(", "functions")
		})
	}
	p.want("FROM")
	of := p.name()
	o, ok := p.s.object(of.text)
	p.failIf(!ok || o.Tooling != tooling, of.at, "INVALID_TYPE", "sObject type '%s' is not supported. If you are attempting to use a custom object, be sure to append the '__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names.", of.text)
	p.o, q.o = o, o
	for i, n := range names {
		twice := slices.ContainsFunc(names[:i], func(t soqlToken) bool { return strings.EqualFold(t.text, n.text) })
		p.failIf(twice, n.at, "INVALID_FIELD", "duplicate field selected: %s", n.text)
		q.columns = append(q.columns, p.path(n))
	}
	if p.eat("WHERE") {
		q.where = p.condition()
	}
	if p.eat("ORDER") {
		p.want("BY")
		p.list(func() { q.order = append(q.order, p.sorted()) })
	}
	if p.eat("LIMIT") {
		n, err := strconv.Atoi(p.tok.text)
		p.unexpectedIf(err != nil || n < 0)
		q.limit = n
		p.next()
	}
	p.lacksIf(p.tok.kind == 'a', strings.ToUpper(p.tok.text))
	return q
}

// sorted reads what records are sorted by: those without a value come first.
func (p *soqlParser) sorted() func(a, b *record) int {
	f := p.own("sorted")
	down := p.eat("DESC")
	if !down {
		p.eat("ASC")
	}
	return func(a, b *record) int {
		k, l := f.keyOf(a), f.keyOf(b)
		if down && k.is && l.is {
			k, l = l, k
		}
		return k.compare(l)
	}
}

// condition reads conditions joined by AND or by OR. As in SOQL, the two do not stand beside each other without parentheses.
func (p *soqlParser) condition() soqlCond {
	all := []soqlCond{p.term()}
	op := strings.ToUpper(p.tok.text)
	for (op == "AND" || op == "OR") && p.eat(op) {
		all = append(all, p.term())
	}
	p.unexpectedIf(p.is("AND") || p.is("OR"))
	enough := op == "OR" // one that holds decides, otherwise one that does not
	return func(r *record) bool {
		return slices.ContainsFunc(all, func(holds soqlCond) bool { return holds(r) == enough }) == enough
	}
}

func (p *soqlParser) term() soqlCond {
	if p.eat("(") {
		c := p.condition()
		p.want(")")
		return c
	}
	p.lacksIf(p.is("NOT"), "NOT")
	at, f, op := p.tok.at, p.own("filtered"), strings.ToUpper(p.tok.text)
	var values []soqlToken
	if p.tok.kind == '(' && strings.ContainsAny(op, "=<>") || p.is("LIKE") {
		p.next()
		values = []soqlToken{p.token()}
	} else {
		p.lacksIf(p.is("NOT") || p.is("INCLUDES") || p.is("EXCLUDES"), op)
		p.want("IN")
		p.want("(")
		p.lacksIf(p.is("SELECT"), "queries within queries")
		p.list(func() { values = append(values, p.token()) })
		p.want(")")
	}
	p.failIf(op == "LIKE" && f.isID(), at, "INVALID_FIELD", "invalid operator on id field")
	p.failIf(op == "LIKE" && !f.quoted() || f.Type == orgBool && strings.ContainsAny(op[:1], "<>"), at, "INVALID_QUERY_FILTER_OPERATOR", "invalid operator on %s field", f.Type)
	return p.compare(f, op, values)
}

// own reads the name of a field of the query's object that can be filtered or sorted by.
func (p *soqlParser) own(done string) *orgField {
	n := p.name()
	path := p.path(n)
	f := path.field
	p.failIf(path.way != nil, n.at, "MALFORMED_QUERY", "the sandbox does not support that fields of parents are %s by", done)
	p.failIf(f.long(), n.at, "INVALID_FIELD", "field '%s' can not be %s in a query call", f.Name, done)
	p.failIf(f.numeric() || f.Type == orgDate, n.at, "MALFORMED_QUERY", "the sandbox does not support that fields of type %s are %s by", f.Type, done)
	return f
}

// path finds the field of a name such as Account.Name, or says why there is none.
func (s *Salesforce) path(o *orgObject, name string) (path orgPath, problem string) {
	const seeDescribe = "Please reference your WSDL or the describe call for the appropriate names."
	parent, own, isPath := strings.Cut(name, ".")
	if !isPath {
		own = name
	} else if path.way = o.relations[strings.ToLower(parent)]; path.way == nil || !path.way.readable {
		return path, fmt.Sprintf("Didn't understand relationship '%s' in field path. If you are attempting to use a custom relationship, be sure to append the '__r' after the custom relationship name. %s", parent, seeDescribe)
	} else {
		o = s.objects[strings.ToLower(path.way.RefTo[0])]
	}
	f, ok := o.field(own)
	if !ok || !f.readable {
		return path, fmt.Sprintf("No such column '%s' on entity '%s'. If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. %s", own, o.Name, seeDescribe)
	}
	path.field = f
	return path, ""
}

func (p *soqlParser) path(n soqlToken) orgPath {
	path, problem := p.s.path(p.o, n.text)
	p.failIf(problem != "", n.at, "INVALID_FIELD", "%s", problem)
	return path
}

// columns are the columns of a list of names, for calls that take no SOQL.
func (s *Salesforce) columns(o *orgObject, names []string) (columns []orgPath) {
	for _, name := range names {
		path, problem := s.path(o, name)
		badRequestIf(problem != "", "INVALID_FIELD", "No such column '%s' on sobject of type %s", name, o.Name)
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
		return o.get(up, strings.ToLower(p.field.Name)) // a lookup to several objects may lead to another one than the first
	}
	return ""
}

// keyOf is what a record is compared by.
func (f *orgField) keyOf(r *record) key {
	if f.time != nil {
		return number(float64(f.time(r)))
	}
	return f.key(f.value(r))
}

// key is a field's value in a form that can be compared.
func (f *orgField) key(v string) key {
	switch {
	case f.Type == orgBool:
		return text(f.plain(v))
	case v == "":
		return key{}
	case f.Type == orgDateTime:
		return number(float64(wireMs(v, 0)))
	case f.isID():
		return text(v)
	}
	return text(strings.ToLower(v))
}

// compare gives a comparison its meaning, by the field's type.
func (p *soqlParser) compare(f *orgField, op string, values []soqlToken) soqlCond {
	if op == "LIKE" {
		p.mistypedIf(values[0].kind != '\'', f, values[0])
		pattern := likePattern(values[0].text)
		return func(r *record) bool { v := f.value(r); return v != "" && pattern.MatchString(v) }
	}
	keys := make([]key, len(values))
	for i, v := range values {
		keys[i] = p.literal(f, op, v)
		p.failIf(!keys[i].is && strings.ContainsAny(op[:1], "<>"), v.at, "MALFORMED_QUERY", "invalid operator for null")
	}
	holds := relation(op, keys)
	return func(r *record) bool { return holds(f.keyOf(r)) }
}

// mistypedIf tells of a literal that is not of the field's type.
func (p *soqlParser) mistypedIf(when bool, f *orgField, v soqlToken) {
	not := "not "
	if f.quoted() {
		not = ""
	}
	p.failIf(when, v.at, "INVALID_FIELD", "value of filter criterion for field '%s' must be of type %s and should %sbe enclosed in quotes", f.Name, f.Type, not)
}

// literal is what a literal means for a field. YESTERDAY is the beginning of a day, so that it goes with >= and < alone.
func (p *soqlParser) literal(f *orgField, op string, v soqlToken) key {
	word := strings.ToUpper(v.text)
	_, isTime := parseWireTime(v.text)
	if !strings.Contains("a'0", string(v.kind)) || v.kind == '0' && strings.Contains(v.text, "T") && !isTime { // such as a plus that nobody encoded
		p.tok = v
		p.unexpectedIf(true)
	}
	switch {
	case v.kind == 'a' && word == "NULL":
		return key{}
	case v.kind == 'a' && word == "YESTERDAY" && f.Type == orgDateTime && (op == ">=" || op == "<"):
		return number(float64(p.s.o.Now().UTC().Truncate(24*time.Hour).UnixMilli() - dayMs))
	case f.Type == orgDateTime:
		p.failIf(v.kind == 'a', v.at, "MALFORMED_QUERY", "the sandbox does not support %s %s", op, v.text)
		p.mistypedIf(v.kind != '0' || !isTime, f, v)
	case f.Type == orgBool:
		p.mistypedIf(v.kind != 'a' || word != "TRUE" && word != "FALSE", f, v)
		return text(strings.ToLower(word))
	case f.isID():
		p.mistypedIf(v.kind != '\'', f, v)
		id, known := longID(v.text)
		p.failIf(!known && v.text != "", v.at, "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field: %s", v.text)
		return text(id)
	default:
		p.mistypedIf(v.kind != '\'', f, v)
	}
	return f.key(v.text)
}

// likePattern is a pattern of % (any text) and _ (one character).
func likePattern(s string) *regexp.Regexp {
	quoted := regexp.QuoteMeta(strings.ToValidUTF8(s, "\uFFFD"))
	return regexp.MustCompile("(?is)^" + strings.NewReplacer("%", ".*", "_", ".").Replace(quoted) + "$")
}

// run finds the records of a query in its order. all is queryAll's view with deleted ones.
func (s *Salesforce) run(q *soqlQuery, all bool) (found []*record) {
	for _, r := range q.o.recs {
		if (q.where == nil || q.where(r)) && (r.live() || all && !s.isPurged(r)) {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(a, b *record) int {
		for _, compare := range q.order {
			if d := compare(a, b); d != 0 {
				return d
			}
		}
		return byNumber(a, b)
	})
	if q.limit >= 0 {
		found = found[:min(q.limit, len(found))]
	}
	return found
}
