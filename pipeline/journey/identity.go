package journey

import (
	"slices"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/identity"
)

// claim is how much speaks for an identifier being the person's.
type claim struct {
	identity.ID
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
	return strings.Compare(a.Value, b.Value)
}

// whose says what an event tells about whose it is.
type whose int8

const (
	unsaid whose = iota
	theirs       // names the person
	others       // names somebody else, or nobody
)

// owner tells whose the events of one Build are.
type owner struct {
	in           *Input
	known        []identity.ID // user and anonymous ids that are linked to the person
	emails       []string
	users, anons []claim // of the events, the strongest first
}

// find adds what an event claims to a list.
func find(list *[]claim, id identity.ID, rank int, at time.Time) {
	for i := range *list {
		if c := &(*list)[i]; c.ID == id {
			c.rank = max(c.rank, rank)
			if at.After(c.newest) {
				c.newest = at
			}
			return
		}
	}
	if len(*list) < 1000 { // a flood of ids is no person; linear search stays cheap
		*list = append(*list, claim{id, rank, at})
	}
}

func (o *owner) linked(id identity.ID) bool { return slices.ContainsFunc(o.known, id.Matches) }

func (o *owner) nobodys(id identity.ID) bool {
	return id.Kind != 0 && slices.ContainsFunc(o.in.Nobodys, id.Matches)
}

// within says whether id is linked, or one of the strongest of its space, as many as one person is believed to have.
func (o *owner) within(claims []claim, id identity.ID) bool {
	n := 0
	for _, c := range claims {
		if c.Space != id.Space {
			continue
		}
		if n++; n > id.Kind.Limit() {
			break
		}
		if c.ID == id {
			return true
		}
	}
	return o.linked(id)
}

// says is what the event tells, by the rank of its identifiers. What nobody holds alone says nothing for the person: an event that is
// known by such an identifier only is nobody's.
func (o *owner) says(it *item) whose {
	switch {
	case it.user.Kind != 0 && o.within(o.users, it.user), it.email != "" && slices.Contains(o.emails, it.email):
		return theirs
	case it.user.Kind != 0, it.email != "" && len(o.emails) > 0, it.nobodys:
		return others
	case it.anon.Kind == 0 && it.ev.AnonymousID != "" && it.ev.Person == "":
		return others // known by nothing but an id that is nobody's
	}
	return unsaid
}

// identify brings the identifiers of an event into their one form.
func (b *Builder) identify(it *item, o *owner) {
	space := b.rules.Space(it.ev.Source)
	user, _ := b.rules.ID(identity.UserID, space, it.ev.UserID)
	anon, _ := b.rules.ID(identity.AnonymousID, space, it.ev.AnonymousID)
	it.email = b.rules.Email(it.ev.Email)
	for _, id := range [...]*identity.ID{&user, &anon} {
		if id.Kind == identity.Email { // an id that has the form of an address is that address
			if it.email == "" || slices.Contains(o.emails, id.Value) {
				it.email = id.Value
			}
			*id = identity.ID{}
		}
		if o.nobodys(*id) {
			it.nobodys, *id = true, identity.ID{}
		}
	}
	it.user, it.anon = user, anon
	if len(o.in.Nobodys) == 0 {
		return
	}
	if o.nobodys(identity.ID{Kind: identity.Email, Value: it.email}) {
		it.nobodys, it.email = true, ""
	}
	it.nobodys = it.nobodys || o.nobodys(identity.ID{Kind: identity.Phone, Value: b.rules.Phone(it.ev.Phone)})
}

// alike says that two events carry the same identifiers.
func alike(a, b *connectors.Event) bool {
	return a.Source == b.Source && a.UserID == b.UserID && a.AnonymousID == b.AnonymousID && a.Email == b.Email && a.Phone == b.Phone
}

// ownOnly marks events that are not the person's, by the rules of package identity. An event that names somebody else goes, and so does
// one that only an identifier names which more than one person holds. What an anonymous id did without a name belongs to whom it was
// last seen with, and before that to whom it was first seen with: shared devices are the classic bad merge.
func (b *Builder) ownOnly(s *scratch, j *Journey, in *Input) {
	o := b.ownerOf(in)
	b.identifyAll(s, j, &o)
	conflict := o.findAnonymous(s)
	stranger := len(o.emails)+len(in.Person.UserIDs)+len(in.Person.Phones) == 0 // nothing is joined to who is an anonymous id themselves
	few := len(o.anons) <= identity.MaxOthers
	own := func(id identity.ID) bool { return few || o.within(o.anons, id) }
	var seenWith map[identity.ID]whose // whom an anonymous id was last seen with
	if conflict {
		seenWith = o.firstSeenWith(s)
	}
	for i := range s.items {
		it := &s.items[i]
		if it.drop || !it.personal() {
			continue
		}
		w := o.says(it)
		if seenWith != nil && w != unsaid && it.anon.Kind != 0 {
			seenWith[it.anon] = w
		}
		switch {
		case w == others:
			j.foreign(it)
		case w == theirs || it.anon.Kind == 0:
		case seenWith[it.anon] == others || !own(it.anon):
			j.foreign(it)
		case !stranger && !it.withdraws && it.ev.Nameless() && !b.rules.MayJoin(b.consent(in, it.ev)):
			j.drop(it, WhyAnonymous)
		}
		if it.user.Kind != 0 && !o.within(o.users, it.user) {
			it.user = identity.ID{}
		}
		if it.anon.Kind != 0 && !own(it.anon) {
			it.anon = identity.ID{}
		}
	}
}

// ownerOf is the person whose journey is built, by what the registry knows of them.
func (b *Builder) ownerOf(in *Input) owner {
	o := owner{in: in}
	for _, e := range in.Person.Emails {
		if e = b.rules.Email(e); e != "" {
			o.emails = append(o.emails, e)
		}
	}
	for _, v := range in.Person.UserIDs {
		o.known = append(o.known, identity.ParseStored(identity.UserID, v))
	}
	for _, v := range in.Person.AnonymousIDs {
		o.known = append(o.known, identity.ParseStored(identity.AnonymousID, v))
	}
	return o
}

// identifyAll reads the identifiers of all events, drops those that are another person's by the source's own word, and ranks the user ids.
func (b *Builder) identifyAll(s *scratch, j *Journey, o *owner) {
	var last *item // most events of a journey carry the identifiers of the one before
	for i := range s.items {
		it := &s.items[i]
		if it.drop || !it.personal() {
			continue
		}
		if it.ev.Person != "" && it.ev.Person != o.in.Person.Key {
			j.foreign(it) // a mix-up of the source's: it says nothing about the ids
			continue
		}
		if last != nil && alike(last.ev, it.ev) {
			it.user, it.anon, it.email, it.nobodys = last.user, last.anon, last.email, last.nobodys
		} else {
			b.identify(it, o)
		}
		last = it
		if it.user.Kind == 0 {
			continue
		}
		rank := 0
		if o.linked(it.user) {
			rank++
		}
		if it.email != "" && slices.Contains(o.emails, it.email) {
			rank += 2
		}
		find(&o.users, it.user, rank, it.at)
	}
	slices.SortFunc(o.users, stronger)
}

// findAnonymous ranks the anonymous ids, and says whether an event names somebody else.
func (o *owner) findAnonymous(s *scratch) (conflict bool) {
	for i := range s.items {
		it := &s.items[i]
		if it.drop || !it.personal() {
			continue
		}
		w := o.says(it)
		if it.anon.Kind != 0 && w != others {
			rank := 0
			switch {
			case w == theirs:
				rank = 2
			case o.linked(it.anon):
				rank = 1
			}
			find(&o.anons, it.anon, rank, it.at)
		}
		conflict = conflict || w == others
	}
	slices.SortFunc(o.anons, stronger)
	return conflict
}

// firstSeenWith is whom each anonymous id was first seen with.
func (o *owner) firstSeenWith(s *scratch) map[identity.ID]whose {
	seen := map[identity.ID]whose{}
	for i := len(s.items) - 1; i >= 0; i-- { // the first name of all is what remains
		it := &s.items[i]
		if w := o.says(it); !it.drop && it.personal() && w != unsaid && it.anon.Kind != 0 {
			seen[it.anon] = w
		}
	}
	return seen
}

// foreign drops an event that is another person's.
func (j *Journey) foreign(it *item) {
	it.drop = true
	j.Filtered.Foreign++
}

// identifiers lists what the person is known by in the accepted events.
func (b *Builder) identifiers(s *scratch, j *Journey) {
	for i := range s.items {
		it := &s.items[i]
		if !it.personal() {
			continue
		}
		if v := it.user.Value; v != "" && !slices.Contains(j.UserIDs, v) {
			j.UserIDs = append(j.UserIDs, v)
		}
		if v := it.anon.Value; v != "" && !slices.Contains(j.AnonymousIDs, v) {
			j.AnonymousIDs = append(j.AnonymousIDs, v)
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
