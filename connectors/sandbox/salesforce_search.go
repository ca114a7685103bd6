package sandbox

import (
	"net/http"
	"regexp"
	"strings"
)

var (
	soslForm   = regexp.MustCompile(`^FIND \{((?:[^{}\\]|\\.)+)\} IN NAME FIELDS RETURNING (.+)$`)
	soslObject = regexp.MustCompile(`^(\w+)\(([\w.,]+)( LIMIT \d+)?\)$`)
	soslEscape = regexp.MustCompile(`\\(.)`)
)

// search answers GET search: words in the names of records. Of SOSL the sandbox knows that form alone.
func (s *Salesforce) search(c *orgCall, _ *orgObject) reply {
	m := soslForm.FindStringSubmatch(c.params().Get("q"))
	badRequestIf(m == nil, "MALFORMED_SEARCH", "the sandbox searches by FIND {words} IN NAME FIELDS RETURNING Object(fields LIMIT n)")
	words := strings.Fields(strings.ToLower(soslEscape.ReplaceAllString(m[1], "$1")))
	badRequestIf(len(strings.Join(words, "")) < 2, "MALFORMED_SEARCH", "search term must be longer than one character")
	records := []byte("[")
	for _, part := range strings.Split(m[2], ", ") {
		of := soslObject.FindStringSubmatch(part)
		badRequestIf(of == nil, "MALFORMED_SEARCH", "the sandbox does not read %q", part)
		q := s.parseSOQL("SELECT "+of[2]+" FROM "+of[1], false)
		limit := s.parseSOQL("SELECT Id FROM "+of[1]+of[3], false).limit
		n := 0
		for _, r := range s.run(q, false) {
			if n == limit || !named(words, q.o.text(r, "FirstName")+" "+q.o.text(r, "LastName")) {
				continue
			}
			if n++; len(records) > 1 {
				records = append(records, ',')
			}
			records = s.render(records, c.prefix(), q.o, r, q.columns)
		}
	}
	records = append(records, ']')
	return jsonReply(http.StatusOK, members{{"searchRecords", func(b []byte) []byte { return append(b, records...) }}})
}

// text is a record's value of a field; "" where the object has none of that name.
func (o *orgObject) text(r *record, name string) string {
	f, ok := o.field(name)
	if !ok {
		return ""
	}
	return f.value(r)
}

// named says whether each word begins one of a text's.
func named(words []string, text string) bool {
	have := strings.Fields(strings.ToLower(text))
	for _, w := range words {
		begins := false
		for _, h := range have {
			begins = begins || strings.HasPrefix(h, w)
		}
		if !begins {
			return false
		}
	}
	return true
}
