package warehouse

import (
	"fmt"
	"slices"
	"strings"
)

// param is a named parameter of the admin's queries.
type param uint8

const (
	paramSince param = iota
	paramSinceID
	paramLimit
	paramEmails
	paramUserIDs
	paramAnonymousIDs
	paramDomains
	paramFrom
	paramTo
)

var paramNames = [...]string{"since", "since_id", "limit", "emails", "user_ids", "anonymous_ids", "domains", "from", "to"}

// statement is a query with its parameters marked.
type statement struct {
	text   []string // between the parameters: one more than params
	params []param
}

// parse finds :name in a query, wherever it is no part of a literal, a quoted name, a comment, a cast (::text) or a longer word. A final
// semicolon goes. Names that are no parameter of the query are an error; a colon before anything but a letter is left alone.
func parse(query string, allowed ...param) (statement, error) {
	query = strings.TrimRight(strings.TrimSpace(query), "; \t\r\n")
	var s statement
	from := 0
	for i := 0; i < len(query); {
		if n := opaque(query[i:]); n > 0 {
			i += n
			continue
		}
		if query[i] != ':' || i+1 == len(query) || !letter(query[i+1]) || i > 0 && (query[i-1] == ':' || word(query[i-1])) {
			i++
			continue
		}
		end := i + 1
		for end < len(query) && word(query[end]) {
			end++
		}
		name := query[i+1 : end]
		at := slices.Index(paramNames[:], name)
		if at < 0 || !slices.Contains(allowed, param(at)) {
			return statement{}, fmt.Errorf("knows no parameter :%s (known are %s)", name, named(allowed))
		}
		s.text, s.params = append(s.text, query[from:i]), append(s.params, param(at))
		from, i = end, end
	}
	s.text = append(s.text, query[from:])
	return s, nil
}

// uses says whether a query has a parameter.
func (s *statement) uses(p param) bool { return slices.Contains(s.params, p) }

// render is the query with each parameter as mark writes it.
func (s *statement) render(mark func(nth int, p param) string) string {
	var b strings.Builder
	for i, p := range s.params {
		b.WriteString(s.text[i])
		b.WriteString(mark(i, p))
	}
	b.WriteString(s.text[len(s.params)])
	return b.String()
}

// reads says whether a query is one that only reads: it begins with SELECT or WITH and is one statement.
func reads(query string) bool {
	query = strings.TrimRight(strings.TrimSpace(query), "; \t\r\n")
	first := ""
	for i := 0; i < len(query); {
		if n := opaque(query[i:]); n > 0 {
			i += n
			continue
		}
		if query[i] == ';' {
			return false
		}
		if first == "" && letter(query[i]) {
			end := i
			for end < len(query) && word(query[end]) {
				end++
			}
			first = strings.ToLower(query[i:end])
		}
		i++
	}
	return first == "select" || first == "with"
}

// opaque is the length of the literal, quoted name or comment that s begins with; 0 for none. An unclosed one reaches to the end.
func opaque(s string) int {
	switch {
	case s[0] == '\'' || s[0] == '"' || s[0] == '`':
		return quoted(s)
	case strings.HasPrefix(s, "--"), s[0] == '#' && !strings.HasPrefix(s, "#>") && !strings.HasPrefix(s, "#-"):
		// # begins a comment in BigQuery and ClickHouse, and an operator on JSON in Postgres.
		return through(s, "\n", 0)
	case strings.HasPrefix(s, "/*"):
		return through(s, "*/", 2)
	case s[0] == '$': // $tag$ … $tag$: Postgres and Snowflake
		tag := 1
		for tag < len(s) && word(s[tag]) {
			tag++
		}
		if tag < len(s) && s[tag] == '$' {
			return through(s, s[:tag+1], tag+1)
		}
	}
	return 0
}

// quoted is the length of the literal or name that s begins with. A doubled quote, or one behind a backslash, does not end it. (Standard
// Postgres reads a backslash as itself: a literal that ends in one is then closed by the next quote, and what lies between is not searched.)
func quoted(s string) int {
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && s[0] != '"':
			i++
		case s[i] == s[0]:
			if i+1 < len(s) && s[i+1] == s[0] {
				i++
				continue
			}
			return i + 1
		}
	}
	return len(s)
}

func through(s, end string, from int) int {
	if i := strings.Index(s[from:], end); i >= 0 {
		return from + i + len(end)
	}
	return len(s)
}

func letter(c byte) bool { return c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' }

func word(c byte) bool { return letter(c) || c >= '0' && c <= '9' }

func named(params []param) string {
	names := make([]string, len(params))
	for i, p := range params {
		names[i] = ":" + paramNames[p]
	}
	return strings.Join(names, ", ")
}
