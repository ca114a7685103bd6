package journey

import (
	"slices"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
)

// maxAnonymous is how many anonymous ids of one source are believed to be one person's.
const maxAnonymous = 5

// identifying is id unless it is a value that trackers send for nobody in particular.
func identifying(id string) string {
	id = strings.TrimSpace(id)
	if strings.Trim(id, "0-") == "" || id == "-1" {
		return ""
	}
	if len(id) <= 9 {
		switch strings.ToLower(id) {
		case "null", "undefined", "anonymous", "none", "nil", "nan", "guest", "unknown":
			return ""
		}
	}
	return id
}

// named is one identifier of one source.
type named struct{ source, id string }

// claim is how much speaks for an identifier being the person's.
type claim struct {
	named
	rank   int
	newest time.Time
}

// stronger orders claims: rank, then the newer, then by id so that no order of arrival decides.
func stronger(a, b claim) int {
	switch {
	case a.rank != b.rank:
		return b.rank - a.rank
	case !a.newest.Equal(b.newest):
		return b.newest.Compare(a.newest)
	}
	return strings.Compare(a.id, b.id)
}

// whose says what an event tells about whose it is.
type whose int8

const (
	unsaid whose = iota
	theirs       // names the person
	others       // names somebody else
)

// ownOnly marks events that are not the person's. A person has at most one user id and five anonymous ids in a source; a
// user id outranks an e-mail address. An event that names somebody else goes. What an anonymous id did without a name
// belongs to whom it was last seen with, and before that to whom it was first seen with: shared devices are the classic bad
// merge.
func (b *Builder) ownOnly(s *scratch, j *Journey, in *Input) {
	var users, anons []claim
	find := func(list *[]claim, n named, rank int, at time.Time) {
		for i := range *list {
			if c := &(*list)[i]; c.named == n {
				c.rank = max(c.rank, rank)
				if at.After(c.newest) {
					c.newest = at
				}
				return
			}
		}
		if len(*list) < 1000 { // a flood of ids is no person; linear search stays cheap
			*list = append(*list, claim{n, rank, at})
		}
	}
	ownMail := func(e string) bool {
		return e != "" && slices.ContainsFunc(in.Person.Emails, func(own string) bool { return strings.EqualFold(own, e) })
	}
	foreign := func(it *item) {
		it.drop = true
		j.Filtered.Foreign++
	}
	for i := range s.items {
		it := &s.items[i]
		if it.drop || !it.personal() {
			continue
		}
		if it.ev.Person != "" && it.ev.Person != in.Person.Key {
			foreign(it) // a mix-up of the source's: it says nothing about the ids
			continue
		}
		it.user, it.anon = identifying(it.ev.UserID), identifying(it.ev.AnonymousID)
		if it.user == "" {
			continue
		}
		rank := 0
		if slices.Contains(in.Person.UserIDs, it.user) {
			rank++
		}
		if ownMail(strings.TrimSpace(it.ev.Email)) {
			rank += 2
		}
		find(&users, named{it.ev.Source, it.user}, rank, it.at)
	}
	slices.SortFunc(users, stronger)
	ownUser := func(n named) bool {
		for _, c := range users { // the first of a source is the strongest
			if c.source == n.source {
				return c.id == n.id
			}
		}
		return false
	}
	says := func(it *item) whose {
		email := identifying(it.ev.Email)
		switch {
		case it.user != "" && ownUser(named{it.ev.Source, it.user}), ownMail(email):
			return theirs
		case it.user != "", email != "" && len(in.Person.Emails) > 0:
			return others
		case it.anon == "" && it.ev.AnonymousID != "" && it.ev.Person == "":
			return others // known by nothing but an id that is nobody's
		}
		return unsaid
	}
	conflict := false
	for i := range s.items {
		it := &s.items[i]
		if it.drop || !it.personal() {
			continue
		}
		w := says(it)
		if it.anon != "" {
			rank := 0
			switch {
			case w == theirs:
				rank = 2
			case slices.Contains(in.Person.AnonymousIDs, it.anon):
				rank = 1
			}
			if w != others {
				find(&anons, named{it.ev.Source, it.anon}, rank, it.at)
			}
		}
		conflict = conflict || w == others
	}
	slices.SortFunc(anons, stronger)
	ownAnon := func(n named) bool {
		k := 0
		for _, c := range anons {
			if c.source == n.source {
				if k++; k > maxAnonymous {
					return false
				}
				if c.id == n.id {
					return true
				}
			}
		}
		return false
	}
	few := len(anons) <= maxAnonymous
	var last map[named]whose // whom an anonymous id was last seen with
	if conflict {
		last = map[named]whose{}
		for i := len(s.items) - 1; i >= 0; i-- { // the first name of all is what remains
			it := &s.items[i]
			if w := says(it); !it.drop && it.personal() && w != unsaid && it.anon != "" {
				last[named{it.ev.Source, it.anon}] = w
			}
		}
	}
	for i := range s.items {
		it := &s.items[i]
		if it.drop || !it.personal() {
			continue
		}
		n := named{it.ev.Source, it.anon}
		switch w := says(it); {
		case w == others:
			if last != nil && it.anon != "" {
				last[n] = w
			}
			foreign(it)
		case w == theirs:
			if last != nil && it.anon != "" {
				last[n] = w
			}
		case it.anon == "":
		case last[n] == others || !few && !ownAnon(n):
			foreign(it)
		}
		if it.user != "" && !ownUser(named{it.ev.Source, it.user}) {
			it.user = ""
		}
		if it.anon != "" && !few && !ownAnon(n) {
			it.anon = ""
		}
	}
}

// identifiers lists what the person is known by in the accepted events.
func (b *Builder) identifiers(s *scratch, j *Journey) {
	for i := range s.items {
		it := &s.items[i]
		if !it.personal() {
			continue
		}
		if it.user != "" && !slices.Contains(j.UserIDs, it.user) {
			j.UserIDs = append(j.UserIDs, it.user)
		}
		if it.anon != "" && !slices.Contains(j.AnonymousIDs, it.anon) {
			j.AnonymousIDs = append(j.AnonymousIDs, it.anon)
		}
	}
	slices.Sort(j.UserIDs)
	slices.Sort(j.AnonymousIDs)
}

// campaign is what an event says it came by: the property, or the utm_campaign of its URL.
func campaign(ev *connectors.Event) string {
	if c := ev.Properties[connectors.PropCampaign]; c != "" {
		return clean(c, maxName)
	}
	return campaignOf(ev.URL)
}
