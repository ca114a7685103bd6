package sandbox

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The part of SOQL that is understood: SELECT with fields, fields of parents and COUNT(), FROM one object, WHERE with AND, OR,
// NOT, parentheses, comparisons, LIKE, IN and NOT IN with lists or another query, date literals, ORDER BY, LIMIT and OFFSET.
// Queries of children, aggregates beyond COUNT() and GROUP BY are refused as malformed, and the message says that it is the
// sandbox that lacks them.

// soqlQuery is a query as written. Names are not looked up yet.
type soqlQuery struct {
	text   string
	count  bool
	fields []soqlName
	object soqlName
	where  *soqlCond
	order  []soqlOrder
	limit  int // -1: none
	offset int
}

// soqlName is a name or a path with its position in the text.
type soqlName struct {
	name string
	at   int
}

type soqlOrder struct {
	field     soqlName
	down      bool
	nullsLast bool
}

// soqlCond is a node of a WHERE clause.
type soqlCond struct {
	op     string // AND, OR, NOT, or a comparison: = != < <= > >= LIKE IN NOT IN
	kids   []*soqlCond
	field  soqlName
	values []soqlValue
	query  *soqlQuery // of IN (SELECT …)
}

// soqlValue is a literal.
type soqlValue struct {
	kind soqlKind
	text string // of a string without quotes and escapes
	at   int
	n    int // of LAST_N_DAYS:n
}

type soqlKind uint8

const (
	soqlString soqlKind = iota
	soqlNumber
	soqlDate
	soqlDateTime
	soqlRelative // TODAY, LAST_N_DAYS:n
	soqlBool
	soqlNull
)

// soqlError is where and why a query is malformed. Positions count bytes from 0.
type soqlError struct {
	at   int
	what string
}

func (e *soqlError) Error() string { return e.what }

// longestSOQL is the longest statement taken, in characters.
const longestSOQL = 100_000

type soqlToken struct {
	kind byte // 'a' word, '"' string, '0' literal that begins with a digit, else the punctuation itself; 0 the end
	text string
	at   int
}

// soqlParser reads a query in one pass; the first mistake sticks.
type soqlParser struct {
	text  string
	i     int
	tok   soqlToken
	depth int
	// queries is how many queries the one being read lies in.
	queries int
	err     *soqlError
}

func parseSOQL(text string) (*soqlQuery, *soqlError) {
	if utf8.RuneCountInString(text) > longestSOQL {
		return nil, &soqlError{0, "SOQL statements cannot be longer than 100000 characters."}
	}
	p := &soqlParser{text: text}
	p.next()
	q := p.query()
	if p.err == nil && p.tok.kind != 0 {
		p.unexpected()
	}
	if p.err != nil {
		return nil, p.err
	}
	return q, nil
}

// fail notes a mistake; from then on every token is the end.
func (p *soqlParser) fail(at int, format string, args ...any) {
	if p.err == nil {
		p.err = &soqlError{at, fmt.Sprintf(format, args...)}
	}
	p.tok = soqlToken{at: at}
}

func (p *soqlParser) unexpected() {
	if p.tok.kind == 0 {
		p.fail(p.tok.at, "unexpected token: <EOF>")
		return
	}
	p.fail(p.tok.at, "unexpected token: '%s'", p.tok.text)
}

func (p *soqlParser) lacks(what string) {
	p.fail(p.tok.at, "the sandbox does not support %s", what)
}

func isWordByte(c byte) bool {
	return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// next reads a token.
func (p *soqlParser) next() {
	if p.err != nil {
		return
	}
	for p.i < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.i]) >= 0 {
		p.i++
	}
	at := p.i
	if at == len(p.text) {
		p.tok = soqlToken{at: at}
		return
	}
	take := func(kind byte, ok func(c byte) bool) {
		for p.i < len(p.text) && ok(p.text[p.i]) {
			p.i++
		}
		p.tok = soqlToken{kind, p.text[at:p.i], at}
	}
	switch c := p.text[at]; {
	case c == '\'':
		p.quoted()
	case '0' <= c && c <= '9' || (c == '-' || c == '+') && at+1 < len(p.text) && ('0' <= p.text[at+1] && p.text[at+1] <= '9' || p.text[at+1] == '.'):
		p.i++
		take('0', func(c byte) bool { return isWordByte(c) || strings.IndexByte(":.+-", c) >= 0 })
	case isWordByte(c):
		take('a', func(c byte) bool { return isWordByte(c) || c == '.' })
	case strings.IndexByte("<>!", c) >= 0 && at+1 < len(p.text) && (p.text[at+1] == '=' || c == '<' && p.text[at+1] == '>'):
		p.i += 2
		p.tok = soqlToken{c, p.text[at:p.i], at}
	case strings.IndexByte("(),=<>:", c) >= 0:
		p.i++
		p.tok = soqlToken{c, p.text[at:p.i], at}
	default:
		_, n := utf8.DecodeRuneInString(p.text[at:])
		p.fail(at, "line 1:%d no viable alternative at character '%s'", at, p.text[at:at+n])
	}
}

// quoted reads a string. In LIKE patterns \% and \_ stand for the characters themselves, so their backslash is kept.
func (p *soqlParser) quoted() {
	at := p.i
	var b strings.Builder
	for i := at + 1; i < len(p.text); i++ {
		c := p.text[i]
		switch c {
		case '\'':
			p.i = i + 1
			p.tok = soqlToken{'"', b.String(), at}
			return
		case '\\':
			i++
			if i == len(p.text) {
				break
			}
			switch e := p.text[i]; e {
			case 'n', 'N':
				b.WriteByte('\n')
			case 'r', 'R':
				b.WriteByte('\r')
			case 't', 'T':
				b.WriteByte('\t')
			case 'b', 'B':
				b.WriteByte('\b')
			case 'f', 'F':
				b.WriteByte('\f')
			case '\'', '"', '\\':
				b.WriteByte(e)
			case '%', '_':
				b.WriteByte('\\')
				b.WriteByte(e)
			case 'u':
				if i+4 < len(p.text) {
					if u, err := strconv.ParseUint(p.text[i+1:i+5], 16, 16); err == nil {
						b.WriteRune(rune(u))
						i += 4
						continue
					}
				}
				fallthrough
			default:
				p.fail(i-1, "Invalid string literal: illegal character sequence '\\%s'", string(rune(e)))
				return
			}
		default:
			b.WriteByte(c)
		}
	}
	p.fail(at, "unexpected end of string literal")
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

var soqlReserved = map[string]bool{"select": true, "from": true, "where": true, "order": true, "limit": true, "offset": true, "and": true, "or": true, "not": true, "in": true, "like": true, "null": true, "group": true, "having": true, "with": true}

func (p *soqlParser) path() soqlName {
	t := p.tok
	if t.kind != 'a' || soqlReserved[strings.ToLower(t.text)] || strings.HasSuffix(t.text, ".") || strings.Contains(t.text, "..") || strings.HasPrefix(t.text, ".") {
		p.unexpected()
		return soqlName{}
	}
	p.next()
	return soqlName{t.text, t.at}
}

// query reads from SELECT on. Loops end at the first mistake, because nothing is expected any more then.
func (p *soqlParser) query() *soqlQuery {
	q := &soqlQuery{text: p.text, limit: -1}
	p.want("SELECT")
	for {
		switch {
		case p.tok.kind == '(':
			p.lacks("queries of children")
		case p.is("TYPEOF"), p.is("FIELDS"):
			p.lacks(strings.ToUpper(p.tok.text))
		case p.is("COUNT") && len(q.fields) == 0:
			p.next()
			p.wantPunct('(')
			if p.tok.kind != ')' {
				p.lacks("aggregates but COUNT()")
			}
			p.wantPunct(')')
			q.count = true
		default:
			q.fields = append(q.fields, p.path())
			if p.tok.kind == '(' {
				p.lacks("functions")
			}
		}
		if p.err != nil || q.count || !p.punct(',') {
			break
		}
	}
	p.want("FROM")
	q.object = p.path()
	if p.tok.kind == 'a' && !soqlReserved[strings.ToLower(p.tok.text)] && !p.is("ALL") && !p.is("FOR") && !p.is("USING") {
		p.lacks("aliases")
	}
	if p.eat("WHERE") {
		q.where = p.or()
	}
	if p.is("GROUP") || p.is("HAVING") || p.is("WITH") || p.is("FOR") || p.is("USING") {
		p.lacks(strings.ToUpper(p.tok.text))
	}
	if p.eat("ORDER") {
		p.want("BY")
		for {
			o := soqlOrder{field: p.path()}
			if p.eat("DESC") {
				o.down = true
			} else {
				p.eat("ASC")
			}
			if p.eat("NULLS") {
				if o.nullsLast = p.eat("LAST"); !o.nullsLast {
					p.want("FIRST")
				}
			}
			q.order = append(q.order, o)
			if p.err != nil || !p.punct(',') {
				break
			}
		}
	}
	if p.eat("LIMIT") {
		q.limit = p.number()
	}
	if p.eat("OFFSET") {
		q.offset = p.number()
	}
	return q
}

func (p *soqlParser) number() int {
	n, err := strconv.Atoi(p.tok.text)
	if p.tok.kind != '0' || err != nil || n < 0 {
		p.unexpected()
		return 0
	}
	p.next()
	return n
}

// or reads a condition. As in SOQL, AND and OR do not stand beside each other without parentheses.
func (p *soqlParser) or() *soqlCond {
	if p.depth++; p.depth > maxDepth {
		p.fail(p.tok.at, "the condition is nested too deeply")
		return nil
	}
	defer func() { p.depth-- }()
	first := p.term()
	op := ""
	for _, o := range []string{"AND", "OR"} {
		if p.is(o) {
			op = o
		}
	}
	if op == "" {
		return first
	}
	c := &soqlCond{op: op, kids: []*soqlCond{first}}
	for p.err == nil && p.eat(op) {
		c.kids = append(c.kids, p.term())
	}
	if p.is("AND") || p.is("OR") {
		p.unexpected()
	}
	return c
}

func (p *soqlParser) term() *soqlCond {
	switch {
	case p.eat("NOT"):
		if p.depth++; p.depth > maxDepth {
			p.fail(p.tok.at, "the condition is nested too deeply")
			return nil
		}
		defer func() { p.depth-- }()
		return &soqlCond{op: "NOT", kids: []*soqlCond{p.term()}}
	case p.punct('('):
		c := p.or()
		p.wantPunct(')')
		return c
	}
	c := &soqlCond{field: p.path()}
	switch t := p.tok; {
	case t.kind == '=' || t.kind == '<' || t.kind == '>' || t.kind == '!' && t.text == "!=":
		if c.op = t.text; c.op == "<>" {
			c.op = "!="
		}
		p.next()
		c.values = []soqlValue{p.value()}
	case p.eat("LIKE"):
		c.op = "LIKE"
		c.values = []soqlValue{p.value()}
	case p.eat("IN"):
		c.op = "IN"
		p.list(c)
	case p.eat("NOT"):
		p.want("IN")
		c.op = "NOT IN"
		p.list(c)
	case p.is("INCLUDES") || p.is("EXCLUDES"):
		p.lacks(strings.ToUpper(t.text))
	default:
		p.unexpected()
	}
	return c
}

func (p *soqlParser) list(c *soqlCond) {
	p.wantPunct('(')
	if p.is("SELECT") {
		if p.queries++; p.queries > 1 {
			p.lacks("queries within queries within queries")
		}
		c.query = p.query()
		p.queries--
		p.wantPunct(')')
		return
	}
	for p.err == nil {
		c.values = append(c.values, p.value())
		if !p.punct(',') {
			break
		}
	}
	p.wantPunct(')')
}

// value reads a literal.
func (p *soqlParser) value() soqlValue {
	t := p.tok
	v := soqlValue{text: t.text, at: t.at}
	switch t.kind {
	case '"':
		v.kind = soqlString
	case '0':
		switch {
		case decimalLength(strings.TrimPrefix(t.text, "+"), true) == len(strings.TrimPrefix(t.text, "+")):
			v.kind = soqlNumber
		case strings.Contains(t.text, "T"):
			if _, ok := parseWireTime(t.text); !ok {
				p.unexpected()
				return v
			}
			v.kind = soqlDateTime
		case len(t.text) == len("2006-01-02") && t.text[4] == '-' && t.text[7] == '-':
			v.kind = soqlDate
		default:
			p.unexpected()
			return v
		}
	case 'a':
		switch word := strings.ToUpper(t.text); word {
		case "TRUE", "FALSE":
			v.kind, v.text = soqlBool, strings.ToLower(word)
		case "NULL":
			v.kind = soqlNull
		case "TODAY", "YESTERDAY", "TOMORROW":
			v.kind, v.text = soqlRelative, word
		case "LAST_N_DAYS", "NEXT_N_DAYS":
			p.next()
			if p.tok.kind != ':' {
				p.unexpected()
				return v
			}
			p.next()
			n, err := strconv.Atoi(p.tok.text)
			if p.tok.kind != '0' || err != nil || n < 0 || n > 10_000 {
				p.unexpected()
				return v
			}
			v.kind, v.text, v.n = soqlRelative, word, n
		default:
			p.unexpected()
			return v
		}
	default:
		p.unexpected()
		return v
	}
	p.next()
	return v
}
