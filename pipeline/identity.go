package pipeline

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/identity"
	"github.com/intentd/intentd/pipeline/receipt"
	"github.com/intentd/intentd/state"
)

// Whose identifiers are is said by package identity; this file brings the state up to it. Records with one address are one person. Phone
// numbers, shared mailboxes, user and anonymous ids are one person's or nobody's. What a record had stays with its person until another
// record has it.

// IdentifyBy names a property of a CRM's records that holds a user or anonymous id.
type IdentifyBy struct {
	Property string
	Kind     identity.Kind
	Space    string
}

var linkKinds = [...]state.LinkKind{
	identity.Email: state.LinkEmail, identity.Phone: state.LinkPhone, identity.UserID: state.LinkUserID,
	identity.AnonymousID: state.LinkAnonymousID, identity.Record: state.LinkRecord,
}

func linkKind(id identity.ID) state.LinkKind { return linkKinds[id.Kind] }

// linkID is the identifier of a link. One from before there were spaces is of the space of the source it came from.
func (s *Setup) linkID(l state.Link) identity.ID {
	id := identity.ParseStored(identity.Kind(slices.Index(linkKinds[:], l.Kind)), l.Value)
	if id.Space == "" && id.Kind.Spaced() && l.Source != "" {
		id.Space = s.Identity.Space(l.Source)
	}
	return id
}

// linkLines are links as `explain` shows them.
func (s *Setup) linkLines(links []state.Link) (lines []receipt.LinkLine) {
	for _, l := range links {
		id := s.linkID(l)
		reason := l.Reason
		if !l.Nobodys && s.Identity.Blocks(id) {
			reason = "blocked by identity.block: nobody's"
		}
		lines = append(lines, receipt.Link(id, reason, l.At, l.Nobodys))
	}
	return lines
}

// nobodysOf names the identifiers that are nobody's, as the end of a sentence.
func nobodysOf(lines []receipt.LinkLine) string {
	out := ""
	for _, l := range lines {
		if l.Nobodys {
			out += "; " + l.Kind + " " + l.Value + " is " + l.Reason
		}
	}
	return out
}

// recordIDs are the addresses and phone numbers of a record, each once.
func (s *Setup) recordIDs(c *connectors.Contact) (ids []identity.ID) {
	add := func(kind identity.Kind, values []string) {
		for _, v := range values {
			if id, ok := s.Identity.ID(kind, "", v); ok && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	add(identity.Email, c.Emails)
	add(identity.Phone, c.Phones)
	return ids
}

// propertyIDs are the ids in a record's properties, with the property of each.
func (s *Setup) propertyIDs(crm *CRM, c *connectors.Contact) (ids []identity.ID, properties []string) {
	for _, by := range crm.Identify {
		if id, ok := s.Identity.ID(by.Kind, by.Space, c.Fields[by.Property]); ok {
			ids, properties = append(ids, id), append(properties, by.Property)
		}
	}
	return ids, properties
}

// holder is whom an identifier leads to. It ends with the person, so that the holder is always somebody the state knows.
func (s *Setup) holder(tx *state.Tx, id identity.ID) (state.Holder, error) {
	h, ok := tx.Holder(linkKind(id), id.Stored())
	if !ok && id.Space != "" { // kept before there were spaces
		if h, ok = tx.Holder(linkKind(id), id.Value); ok && h.Person != 0 {
			links, err := tx.Links(h.Person)
			if err != nil || !slices.ContainsFunc(links, func(l state.Link) bool { return s.linkID(l) == id }) {
				return state.Holder{}, err
			}
		}
	}
	return h, nil
}

// personFor finds the person a new record belongs to, or makes one. Only addresses join records, and no shared mailboxes.
func (p *Pipeline) personFor(tx *state.Tx, c *connectors.Contact) (state.PersonID, error) {
	s := p.Setup()
	ids := s.recordIDs(c)
	var id state.PersonID
	for _, e := range ids {
		h, err := s.holder(tx, e)
		if err != nil {
			return 0, err
		}
		if h.Record && e.JoinsRecords() {
			id = h.Person
			break
		}
	}
	var person state.Person
	var err error
	if id == 0 {
		id, err = tx.NewPerson()
	} else {
		person, _, err = tx.Person(id)
	}
	if err != nil {
		return 0, err
	}
	if !slices.Contains(person.Contacts, c.Ref) {
		person.Contacts = append(person.Contacts, c.Ref)
	}
	if err := tx.PutPerson(id, &person); err != nil {
		return 0, err
	}
	for _, e := range ids {
		if err := p.claim(tx, id, e, c.CRM); err != nil {
			return 0, err
		}
	}
	return id, nil
}

// claim notes that a record of the person has an address or number. An address that another one's record has stays there: a lot finds
// out whether they are one person (see rivals). What else another one's record has is nobody's from now on.
func (p *Pipeline) claim(tx *state.Tx, id state.PersonID, what identity.ID, source string) error {
	h, err := p.Setup().holder(tx, what)
	switch {
	case err != nil:
		return err
	case h.Nobodys:
		return p.disown(tx, what, source, id)
	case h.Person == 0 || h.Person == id:
	case h.Record && what.JoinsRecords():
		return nil
	case h.Record:
		return p.disown(tx, what, source, id, h.Person)
	default:
		return p.take(tx, id, what, h.Person)
	}
	return tx.SetIdentity(linkKind(what), what.Stored(), id)
}

// take has an identifier that was another's lead to the person whose record has it now.
func (p *Pipeline) take(tx *state.Tx, id state.PersonID, what identity.ID, from state.PersonID) error {
	if err := tx.SetIdentity(linkKind(what), what.Stored(), id); err != nil {
		return err
	}
	links, err := tx.Links(from)
	if err != nil {
		return err
	}
	s := p.Setup()
	if kept := slices.DeleteFunc(slices.Clone(links), func(l state.Link) bool { return s.linkID(l).Matches(what) }); len(kept) != len(links) {
		return tx.PutLinks(from, kept)
	}
	return nil
}

// maxNobodys bounds what is remembered of a person's identifiers that are nobody's: a source gone wrong must not fill the state.
const maxNobodys = 64

func nobodysIn(links []state.Link) (n int) {
	for _, l := range links {
		if l.Nobodys {
			n++
		}
	}
	return n
}

// disown makes an identifier nobody's: more than one person holds it. Each of them is told why, and worked out again.
func (p *Pipeline) disown(tx *state.Tx, what identity.ID, source string, people ...state.PersonID) error {
	s, now := p.Setup(), p.now()
	for _, id := range people {
		links, err := tx.Links(id)
		if err != nil {
			return err
		}
		mine := func(l state.Link) bool { return s.linkID(l).Matches(what) }
		if slices.ContainsFunc(links, func(l state.Link) bool { return l.Nobodys && mine(l) }) {
			continue
		}
		kept := slices.DeleteFunc(slices.Clone(links), mine)
		kept = append(kept, state.Link{Kind: linkKind(what), Value: what.Stored(), Source: source, Reason: identity.HeldByTwo, At: now, Nobodys: true})
		for n := nobodysIn(kept); n > maxNobodys; n-- { // it stays nobody's; only the person is not told any more
			i := slices.IndexFunc(kept, func(l state.Link) bool { return l.Nobodys })
			kept = slices.Delete(kept, i, i+1)
		}
		if err := tx.PutLinks(id, kept); err != nil {
			return err
		}
		if err := tx.Enqueue(id, state.Live, state.ReasonMerge, now); err != nil {
			return err
		}
	}
	return nil
}

// resolve finds whom a source saw and keeps identifiers that are new. More than one person comes back where it saw the addresses of
// several together.
func (p *Pipeline) resolve(tx *state.Tx, source string, seen *connectors.Person, now time.Time) ([]state.PersonID, error) {
	s := p.Setup()
	var held []identity.Held[state.PersonID]
	for _, ref := range seen.Refs { // a source that lives in a CRM knows the very record
		who, err := p.ofRecord(tx, ref)
		if err != nil {
			return nil, err
		}
		held = append(held, identity.Held[state.PersonID]{ID: identity.ID{Kind: identity.Record, Value: ref.String()}, Holder: who, Theirs: true})
	}
	space := s.Identity.Space(source)
	for _, ids := range []struct {
		kind   identity.Kind
		values []string
	}{{identity.Email, seen.Emails}, {identity.UserID, seen.UserIDs}, {identity.Phone, seen.Phones}, {identity.AnonymousID, seen.AnonymousIDs}} {
		for _, v := range ids.values {
			id, ok := s.Identity.ID(ids.kind, space, v)
			if !ok || slices.ContainsFunc(held, func(h identity.Held[state.PersonID]) bool { return h.ID == id }) {
				continue
			}
			h, err := s.holder(tx, id)
			if err != nil {
				return nil, err
			}
			if h.Nobodys {
				continue
			}
			held = append(held, identity.Held[state.PersonID]{ID: id, Holder: h.Person, Theirs: h.Record})
		}
	}
	who, shared := identity.Decide(held)
	if len(who) == 0 {
		return nil, nil
	}
	for _, id := range shared {
		people := slices.Clone(who)
		for _, h := range held {
			if h.ID == id && h.Holder != 0 && !slices.Contains(people, h.Holder) {
				people = append(people, h.Holder)
			}
		}
		if err := p.disown(tx, id, source, people...); err != nil {
			return nil, err
		}
	}
	if len(who) > 1 {
		return who, nil // two people's addresses: what else was seen with them is nobody's
	}
	links, err := tx.Links(who[0])
	if err != nil {
		return nil, err
	}
	n := len(links)
	ids := make([]identity.ID, 0, n+len(held))
	for _, l := range links {
		// What a CRM says of addresses is no guess, and what is nobody's takes no one's place.
		if !l.Nobodys && (l.Kind != state.LinkEmail || s.crm(l.Source) == nil) {
			ids = append(ids, s.linkID(l))
		}
	}
	linked := func(id identity.ID) bool {
		return slices.ContainsFunc(links, func(l state.Link) bool { return s.linkID(l).Matches(id) })
	}
	for _, h := range held {
		if h.Kind == identity.Record || h.Holder != 0 && h.Holder != who[0] || slices.Contains(shared, h.ID) ||
			linked(h.ID) || !identity.Fits(ids, h.ID) || tx.Buried(linkKind(h.ID), h.Value) {
			continue
		}
		// Addresses are kept too: should the CRM erase the person, it is the only way left to tell the source whom to forget.
		ids = append(ids, h.ID)
		links = append(links, state.Link{Kind: linkKind(h.ID), Value: h.Stored(), Source: source, Reason: identity.SeenTogether(source), At: now})
	}
	if len(links) != n {
		if err := tx.PutLinks(who[0], links); err != nil {
			return nil, err
		}
	}
	return who, nil
}

// ofRecord is the person that a record, or the one it lives on in, belongs to; 0 if none.
func (p *Pipeline) ofRecord(tx *state.Tx, ref connectors.Ref) (state.PersonID, error) {
	rec, ok, err := tx.Contact(ref)
	if err != nil || ok {
		return rec.Person, err
	}
	id, _ := tx.Identify(state.LinkRecord, ref.String())
	return id, nil
}

// uniteLinks are the links of two people who turned out to be one: what a CRM says is no guess, so that no guard leaves any out. What was
// nobody's because these two held it is theirs now; should a third hold it, too, that shows when it is next seen.
func (p *Pipeline) uniteLinks(tx *state.Tx, mine, theirs []state.Link) ([]state.Link, error) {
	s := p.Setup()
	out := slices.Clone(mine)
	for _, l := range theirs {
		i := slices.IndexFunc(out, func(o state.Link) bool { return s.linkID(o).Matches(s.linkID(l)) })
		switch {
		case i < 0:
			out = append(out, l)
		case l.Nobodys && out[i].Nobodys:
			if err := tx.FreeIdentity(l.Kind, l.Value); err != nil {
				return nil, err
			}
			out[i].Nobodys, out[i].Reason = false, identity.SeenTogether(l.Source)
		case l.Nobodys:
			out[i] = l
		}
	}
	return out, nil
}

// keepAddresses has the addresses of a record that lives on in another one stay with its person: sources are asked for them, too.
func (l *lot) keepAddresses(tx *state.Tx, id state.PersonID, c *connectors.Contact) error {
	have, err := tx.Links(id)
	if err != nil {
		return err
	}
	out := slices.Clone(have)
	for _, e := range l.s.recordIDs(c) {
		link := state.Link{Kind: linkKind(e), Value: e.Stored(), Source: c.CRM, Reason: identity.FromRecord(c.Ref.String()), At: l.now}
		if e.JoinsRecords() && !sameLink(out, link) {
			out = append(out, link)
		}
	}
	if len(out) == len(have) {
		return nil
	}
	return tx.PutLinks(id, out)
}

// partIdentities gives what records have that leave a person to their new one; what staying records have, too, and joins none, is nobody's.
func (l *lot) partIdentities(tx *state.Tx, s *subject, moved []*record, id state.PersonID) error {
	var staying, leaving []identity.ID
	for _, r := range s.recs {
		if slices.Contains(moved, r) {
			leaving = append(leaving, l.s.recordIDs(&r.contact)...)
		} else {
			staying = append(staying, l.s.recordIDs(&r.contact)...)
		}
	}
	for _, what := range leaving {
		var err error
		if slices.Contains(staying, what) {
			err = l.p.disown(tx, what, moved[0].ref.CRM, s.id, id)
		} else {
			err = l.p.take(tx, id, what, s.id)
		}
		if err != nil {
			return err
		}
	}
	links, err := tx.Links(s.id)
	if err != nil {
		return err
	}
	of := func(o state.Link) bool { // said by a record that leaves
		return slices.ContainsFunc(moved, func(r *record) bool {
			return o.Reason == identity.FromRecord(r.ref.String()) || l.s.fromProperty(o) && strings.HasSuffix(o.Reason, " "+r.ref.String())
		})
	}
	if kept := slices.DeleteFunc(slices.Clone(links), of); len(kept) != len(links) {
		return tx.PutLinks(s.id, kept)
	}
	return nil
}

// uniqueRefs are refs, each once.
func uniqueRefs(refs []connectors.Ref) []connectors.Ref {
	out := refs[:0:0]
	for _, r := range refs {
		if !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	return out
}

// known is what identifies a subject of a lot.
type known struct {
	ids      []identity.ID // addresses and numbers of the live records
	refs     []connectors.Ref
	linked   []identity.ID // of links, as far as they are theirs
	nobodys  []identity.ID // what somebody else holds, too
	property []state.Link  // what properties of the records say
	unsaved  bool          // the state does not say so yet
}

// rival is an address of a subject that, as far as the state knows, a record of somebody else has, too.
type rival struct {
	s     *subject
	id    identity.ID
	other state.PersonID
}

// identify finds out what identifies the people of the lot, and settles those who turn out to be somebody else as well.
func (l *lot) identify(ctx context.Context) error {
	var rivals []rival
	err := l.p.db.View(func(tx *state.Tx) error {
		rivals = rivals[:0]
		for _, s := range l.open() {
			found, err := l.identifySubject(tx, s)
			if err != nil {
				return err
			}
			rivals = append(rivals, found...)
		}
		return nil
	})
	if err != nil || l.dry {
		return err
	}
	return l.settleRivals(ctx, rivals)
}

func (l *lot) identifySubject(tx *state.Tx, s *subject) (rivals []rival, err error) {
	k := &s.known
	*k = known{}
	for _, r := range s.recs {
		if !r.read || r.contact.State != connectors.Live {
			continue
		}
		k.unsaved = k.unsaved || r.state.Seen != r.inputs
		for _, id := range l.s.recordIDs(&r.contact) {
			if slices.Contains(k.ids, id) {
				continue
			}
			h, err := l.s.holder(tx, id)
			if err != nil {
				return nil, err
			}
			others := h.Person != 0 && h.Person != s.id && h.Record
			k.unsaved = k.unsaved || h.Person != s.id || !h.Record
			switch {
			case others && id.JoinsRecords():
				rivals = append(rivals, rival{s, id, h.Person})
			case others || h.Nobodys:
				k.nobodys = append(k.nobodys, id)
				continue
			}
			k.ids, k.refs = append(k.ids, id), append(k.refs, r.ref)
		}
		ids, properties := l.s.propertyIDs(r.crm, &r.contact)
		for i, id := range ids {
			k.property = append(k.property, state.Link{Kind: linkKind(id), Value: id.Stored(), Source: r.ref.CRM, Reason: identity.FromProperty(properties[i], r.ref.String()), At: l.now})
		}
	}
	for _, link := range slices.Concat(s.links, k.property) {
		id := l.s.linkID(link)
		if link.Nobodys {
			k.nobodys = append(k.nobodys, id)
			continue
		}
		if id.Kind == identity.Record || l.s.Identity.Blocks(id) || slices.Contains(k.linked, id) {
			continue
		}
		h, err := l.s.holder(tx, id)
		if err != nil {
			return nil, err
		}
		switch {
		case h.Person == s.id || h == state.Holder{}:
			k.linked = append(k.linked, id)
		case !id.JoinsRecords():
			k.nobodys = append(k.nobodys, id)
		}
	}
	k.unsaved = k.unsaved || !l.s.sameProperties(s.links, k.property)
	return rivals, nil
}

// fromProperty says whether a link is what a property says: a CRM tells user and anonymous ids in no other way.
func (s *Setup) fromProperty(l state.Link) bool {
	return !l.Nobodys && (l.Kind == state.LinkUserID || l.Kind == state.LinkAnonymousID) && s.crm(l.Source) != nil
}

// sameProperties says whether the links that come from properties are these.
func (s *Setup) sameProperties(links, property []state.Link) bool {
	n := 0
	for _, l := range links {
		if !s.fromProperty(l) {
			continue
		}
		n++
		if !slices.ContainsFunc(property, func(q state.Link) bool { return q.Kind == l.Kind && q.Value == l.Value && q.Reason == l.Reason }) {
			return false
		}
	}
	return n >= len(property)
}

// settleRivals asks the CRMs whether the records of others really have the addresses still. If so they are one person; if not the
// address has moved on with the record.
func (l *lot) settleRivals(ctx context.Context, rivals []rival) error {
	for _, r := range rivals {
		if r.s.settled != nil {
			continue
		}
		var refs []connectors.Ref
		if err := l.p.db.View(func(tx *state.Tx) error {
			person, _, err := tx.Person(r.other)
			refs = person.Contacts
			return err
		}); err != nil {
			return err
		}
		has, sure := l.anyHas(ctx, refs, r.id)
		switch {
		case has:
			r.s.settled = l.join(r.s, r.other)
		case sure:
			r.s.known.unsaved = true
			r.s.moved = append(r.s.moved, r)
		}
	}
	return ctx.Err()
}

// anyHas says whether one of the records has an address; sure that all of them answered.
func (l *lot) anyHas(ctx context.Context, refs []connectors.Ref, id identity.ID) (has, sure bool) {
	sure = true
	for i := range l.s.CRMs {
		crm := &l.s.CRMs[i]
		var mine []connectors.Ref
		for _, ref := range refs {
			if ref.CRM == crm.Name {
				mine = append(mine, ref)
			}
		}
		if len(mine) == 0 {
			continue
		}
		contacts, err := l.p.read(ctx, crm, mine)
		if err != nil {
			sure = false
			continue
		}
		for j := range contacts {
			if contacts[j].State == connectors.Live && slices.Contains(l.s.recordIDs(&contacts[j]), id) {
				return true, true
			}
		}
	}
	return false, sure
}

// join settles a subject who is the same person as another one: they have records with one address.
func (l *lot) join(s *subject, other state.PersonID) func(tx *state.Tx) error {
	return func(tx *state.Tx) error {
		winner, loser := s.id, other
		rival, ok, err := tx.Person(other)
		if err != nil {
			return err
		}
		if ok && (len(rival.Shown) > 0) != (len(s.person.Shown) > 0) {
			if len(rival.Shown) > 0 {
				winner, loser = other, s.id
			}
		} else if other < s.id {
			winner, loser = other, s.id
		}
		keep, err := l.p.joinPersons(tx, winner, loser)
		if err != nil {
			return err
		}
		if keep == s.id {
			return tx.Release(s.entry, s.entry.Lane, soonAgain(s.entry, l.now), state.ReasonMerge)
		}
		if _, err := tx.Done(s.entry); err != nil {
			return err
		}
		return tx.Enqueue(keep, s.entry.Lane, state.ReasonMerge, l.now)
	}
}

// saveIdentities brings the state up to what identifies the subject.
func (l *lot) saveIdentities(tx *state.Tx, s *subject) error {
	k := &s.known
	links := k.property
	if s.journey != nil && s.journey.Hash != 0 {
		// Of people with a journey every address is kept: after a merge or a change it is the only way to it.
		for i, id := range k.ids {
			if id.Kind == identity.Email && !slices.ContainsFunc(s.links, func(o state.Link) bool { return o.Kind == state.LinkEmail && o.Value == id.Value }) {
				links = append(links, state.Link{Kind: state.LinkEmail, Value: id.Value, Source: k.refs[i].CRM, Reason: identity.FromRecord(k.refs[i].String()), At: l.now})
			}
		}
	}
	if !k.unsaved && len(links) == len(k.property) {
		return nil
	}
	if _, alive, err := tx.Person(s.id); err != nil || !alive {
		return err
	}
	for _, r := range s.moved {
		if h, err := l.s.holder(tx, r.id); err != nil {
			return err
		} else if h.Person == r.other {
			if err := l.p.take(tx, s.id, r.id, r.other); err != nil {
				return err
			}
		}
	}
	values := make([]state.Value, 0, len(k.ids))
	for i, id := range k.ids {
		if err := l.p.claim(tx, s.id, id, k.refs[i].CRM); err != nil {
			return err
		}
		values = append(values, state.Value{Kind: linkKind(id), Value: id.Stored()})
	}
	for _, id := range k.nobodys {
		if err := l.p.disownFor(tx, s.id, id, s.recs[0].ref.CRM); err != nil {
			return err
		}
	}
	if l.allRead(s) {
		if err := tx.KeepIdentities(s.id, values); err != nil {
			return err
		}
	}
	have, err := tx.Links(s.id)
	if err != nil {
		return err
	}
	out := slices.DeleteFunc(slices.Clone(have), func(o state.Link) bool { return l.s.fromProperty(o) && !sameLink(k.property, o) })
	for _, n := range links {
		if sameLink(out, n) || slices.ContainsFunc(out, func(o state.Link) bool { return o.Nobodys && l.s.linkID(o).Matches(l.s.linkID(n)) }) {
			continue
		}
		out = append(out, n)
	}
	if slices.Equal(have, out) {
		return nil
	}
	return tx.PutLinks(s.id, out)
}

func sameLink(list []state.Link, l state.Link) bool {
	return slices.ContainsFunc(list, func(o state.Link) bool { return o.Kind == l.Kind && o.Value == l.Value && o.Nobodys == l.Nobodys })
}

// disownFor makes an identifier nobody's for the person and for whoever holds it.
func (p *Pipeline) disownFor(tx *state.Tx, id state.PersonID, what identity.ID, source string) error {
	h, err := p.Setup().holder(tx, what)
	if err != nil || h.Person == id {
		return err
	}
	people := []state.PersonID{id}
	if h.Person != 0 {
		people = append(people, h.Person)
	}
	return p.disown(tx, what, source, people...)
}

// allRead says whether every record of the person is live and answered.
func (l *lot) allRead(s *subject) bool {
	return len(s.recs) == len(s.person.Contacts) && !slices.ContainsFunc(s.recs, func(r *record) bool { return !r.read || r.contact.State != connectors.Live })
}

// asked is the person as sources are asked about them, with every address they ever had. User and anonymous ids are in the stored form,
// with their space (see askAs).
func (l *lot) asked(s *subject) connectors.Person {
	q := connectors.Person{Key: s.key}
	for _, r := range s.recs {
		if r.read && r.contact.State == connectors.Live {
			q.Refs = append(q.Refs, r.ref)
		}
	}
	for _, id := range slices.Concat(s.known.ids, s.known.linked) {
		list := &q.Emails
		switch id.Kind {
		case identity.Phone:
			list = &q.Phones
		case identity.UserID:
			list = &q.UserIDs
		case identity.AnonymousID:
			list = &q.AnonymousIDs
		}
		*list = appendNew(*list, []string{id.Stored()})
	}
	if len(q.Emails) > 0 {
		q.Domain = domainOf(q.Emails[0])
	}
	return q
}

// askAs is the person as a source knows them: with the ids of its own space, without the space.
func (s *Setup) askAs(source string, p connectors.Person) connectors.Person {
	space := s.Identity.Space(source)
	own := func(kind identity.Kind, values []string) (out []string) {
		for _, v := range values {
			if id := identity.ParseStored(kind, v); id.Space == "" || id.Space == space {
				out = append(out, id.Value)
			}
		}
		return out
	}
	p.UserIDs, p.AnonymousIDs = own(identity.UserID, p.UserIDs), own(identity.AnonymousID, p.AnonymousIDs)
	return p
}
