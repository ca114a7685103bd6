// Package asked is what sources share that are asked about people: whose an event is, where a poll goes on, and the counts of what was read.
package asked

import (
	"strings"

	"github.com/intentd/intentd/connectors"
)

// Whose tells whose an event is by the identifiers that people were asked about with.
type Whose map[string]string

// Prefixes keep identifiers of different kinds apart.
const (
	email     = "e"
	userID    = "u"
	anonymous = "a"
)

// Of is a Whose of people.
func Of(people []connectors.Person) Whose {
	w := Whose{}
	add := func(kind string, values []string, key string) {
		for _, v := range values {
			if kind == email {
				v = strings.ToLower(v)
			}
			if of, taken := w[kind+v]; taken && of != key {
				w[kind+v] = "" // of several people: the host decides
			} else {
				w[kind+v] = key
			}
		}
	}
	for _, p := range people {
		add(email, p.Emails, p.Key)
		add(userID, p.UserIDs, p.Key)
		add(anonymous, p.AnonymousIDs, p.Key)
	}
	return w
}

// Event is the key of the person whose event it is by the identifiers on it, the strongest first; "" where it is nobody's, or several
// people's.
func (w Whose) Event(e *connectors.Event) string {
	for _, key := range []string{w.Email(e.Email), w.UserID(e.UserID), w.AnonymousID(e.AnonymousID)} {
		if key != "" {
			return key
		}
	}
	return ""
}

// Email is the key of the person with an address, in whatever case.
func (w Whose) Email(v string) string { return w.of(email, strings.ToLower(v)) }

// UserID is the key of the person with a user id.
func (w Whose) UserID(v string) string { return w.of(userID, v) }

// AnonymousID is the key of the person with an anonymous id.
func (w Whose) AnonymousID(v string) string { return w.of(anonymous, v) }

func (w Whose) of(kind, v string) string {
	if v == "" {
		return ""
	}
	return w[kind+v]
}

// Values are the values of all people's identifiers of one kind, each once, in the order of people; empty ones are left out.
func Values(people []connectors.Person, of func(connectors.Person) []string) []string {
	var out []string
	seen := map[string]bool{"": true}
	for _, p := range people {
		for _, v := range of(p) {
			if !seen[v] {
				seen[v] = true
				out = append(out, v)
			}
		}
	}
	return out
}
