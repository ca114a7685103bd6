package pipeline

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/pipeline/receipt"
	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/state"
)

// lot is a group of people going through the pipeline together, under one setup and at one moment.
type lot struct {
	p        *Pipeline
	s        *Setup
	now      time.Time
	subjects []*subject
	dry      bool // a dry run: nothing is kept, staged or paid for
}

// subject is one person of a lot, from claim to patch.
type subject struct {
	entry  state.Entry
	id     state.PersonID
	key    string
	person state.Person
	shown  score.Shown // what the CRM shows
	links  []state.Link
	recs   []*record
	last   *receipt.Receipt // of the last result, nil if there is none or it was not needed (see lastReceipt)
	lastOK bool             // last was looked for

	events  *[]connectors.Event
	journey *journey.Journey
	basis   *basis
	result  *result

	// settled is what becomes of the subject without (further) work; nil while it goes on.
	settled func(tx *state.Tx) error
	verdict bool     // person.Verdict was read anew
	stale   []string // sources that did not answer, or are suddenly empty
}

// record is one CRM record of a subject.
type record struct {
	ref     connectors.Ref
	crm     *CRM
	state   state.Contact
	was     state.Contact // state as it was loaded
	pending *state.Pending
	contact connectors.Contact
	inputs  uint64 // hash of what the CRM says of it
	read    bool   // the CRM answered for it
	err     error  // why it did not
	dirty   bool   // state changed and is to be saved
	regain  uint16 // fields a human emptied: ours again, to be filled
}

// process takes a lot of claimed entries through. The error is for what concerns the whole lot; what concerns one person is
// settled with that person (invariant 9).
//
// A lot that fails as a whole is taken in halves until those who make it fail are found: they become dead letters and are tried
// again by and by. The error then concerns the state or the end of ctx.
func (p *Pipeline) process(ctx context.Context, entries []state.Entry) error {
	err := p.attempt(ctx, entries)
	if err == nil {
		p.o.Progress()
		return nil
	}
	// A damaged record is one person's matter; if it is the file that is damaged, setting them aside fails, too.
	if ctx.Err() != nil || stateFailed(err) && !errors.Is(err, state.ErrDamaged) {
		p.db.Unclaim(entries...)
		return err
	}
	if len(entries) > 1 {
		p.log.Warn("a lot failed and is tried in halves", "people", len(entries), "error", err)
		half := len(entries) / 2
		if err := p.process(ctx, entries[:half]); err != nil {
			p.db.Unclaim(entries[half:]...)
			return err
		}
		return p.process(ctx, entries[half:])
	}
	p.log.Error("a person cannot be worked on and is set aside", "person", personKey(entries[0].Person), "error", err)
	if err := p.setAside(entries[0], err); err != nil {
		p.db.Unclaim(entries...)
		return err
	}
	return nil
}

// attempt takes a lot through once. A panic is an error of that lot, not the end of the process.
func (p *Pipeline) attempt(ctx context.Context, entries []state.Entry) (err error) {
	defer func() {
		if v := recover(); v != nil {
			p.log.Error("a lot panicked", "panic", v, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	l := &lot{p: p, s: p.Setup(), now: p.now()}
	return l.run(ctx, entries)
}

// setAside makes a dead letter of somebody whom no lot gets through with; it goes when one does.
func (p *Pipeline) setAside(e state.Entry, why error) error {
	now := p.now()
	config := p.Setup().scoringHash
	return p.db.Update(func(tx *state.Tx) error {
		d := &state.Dead{Person: e.Person, Op: "work out", Message: why.Error(), At: now, First: now, Attempts: 1, Config: config}
		if err := tx.PutDead(d); err != nil {
			return err
		}
		return tx.Release(e, retryLane(e), now.Add(max(10*time.Minute, backoff(e.Attempts))), state.ReasonRetry)
	})
}

// retryLane is where an entry that must come again goes. Who came by the backfill stays there: a first sync's people must neither
// overtake others nor get the model's texts out of order.
func retryLane(e state.Entry) state.Lane {
	if e.Lane == state.Backfill {
		return state.Backfill
	}
	return state.Retry
}

func (l *lot) run(ctx context.Context, entries []state.Entry) error {
	if err := l.load(entries); err != nil {
		return err
	}
	if err := l.gatherRecords(ctx); err != nil {
		return err
	}
	l.followStates()
	l.gatherJourneys(ctx)
	if err := ctx.Err(); err != nil {
		return err
	}
	l.stitch()
	if err := l.infer(ctx); err != nil {
		return err
	}
	l.score(ctx)
	if err := ctx.Err(); err != nil {
		return err
	}
	return l.stage()
}

// open are the subjects that still go on.
func (l *lot) open() []*subject {
	out := make([]*subject, 0, len(l.subjects))
	for _, s := range l.subjects {
		if s.settled == nil {
			out = append(out, s)
		}
	}
	return out
}

// load reads what the state knows of the claimed people.
func (l *lot) load(entries []state.Entry) error {
	return l.p.db.View(func(tx *state.Tx) error {
		l.subjects = l.subjects[:0]
		for _, e := range entries {
			s := &subject{entry: e, id: e.Person, key: personKey(e.Person)}
			person, ok, err := tx.Person(e.Person)
			if err != nil {
				return fmt.Errorf("load person %s: %w", s.key, err)
			}
			l.subjects = append(l.subjects, s)
			if !ok {
				s.settled = done(e) // forgotten or joined to another since
				continue
			}
			s.person = person
			if len(person.Shown) > 0 {
				if s.shown, err = score.DecodeShown(person.Shown); err != nil {
					return fmt.Errorf("load person %s: %w", s.key, err)
				}
			}
			if s.links, err = tx.Links(e.Person); err != nil {
				return err
			}
			for _, ref := range person.Contacts {
				rec, ok, err := tx.Contact(ref)
				if err != nil {
					return err
				}
				crm := l.s.crm(ref.CRM)
				if !ok || crm == nil {
					continue // a CRM that the config no longer names keeps its records until it is back or forgotten
				}
				r := &record{ref: ref, crm: crm, state: rec, was: rec}
				if r.pending, err = tx.Pending(ref); err != nil {
					return err
				}
				s.recs = append(s.recs, r)
			}
			switch {
			case len(s.recs) == 0:
				s.settled = done(e)
			case !l.dry && l.p.writers.holdAny(s.recs):
				// A patch of an earlier run is being sent: what came since is worked out once that is acknowledged.
				at := l.now.Add(time.Second << min(e.Attempts, 9))
				s.settled = func(tx *state.Tx) error { return tx.Release(e, e.Lane, at, 0) }
			}
		}
		return nil
	})
}

// lastReceipt is the receipt of the last result, read when it is first asked for; nil if there is none, or none that this
// version can read: the person is then gathered anew.
func (l *lot) lastReceipt(s *subject) *receipt.Receipt {
	if s.lastOK || s.id == 0 {
		return s.last
	}
	s.lastOK = true
	_ = l.p.db.View(func(tx *state.Tx) error {
		raw, _, err := tx.Receipt(s.id)
		if err == nil && raw != nil {
			s.last, err = openReceipt(tx, raw)
		}
		return err
	})
	return s.last
}

// done is the settlement of an entry with nothing left to do.
func done(e state.Entry) func(tx *state.Tx) error {
	return func(tx *state.Tx) error {
		_, err := tx.Done(e)
		return err
	}
}

// gatherRecords reads all records of the lot, one call per CRM.
func (l *lot) gatherRecords(ctx context.Context) error {
	for i := range l.s.CRMs {
		crm := &l.s.CRMs[i]
		var recs []*record
		for _, s := range l.open() {
			for _, r := range s.recs {
				if r.crm == crm {
					recs = append(recs, r)
				}
			}
		}
		if len(recs) == 0 {
			continue
		}
		l.readRecords(ctx, crm, recs)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	for _, s := range l.open() {
		var failed error
		ok := 0
		for _, r := range s.recs {
			if r.read {
				ok++
			} else if r.err != nil {
				failed = r.err
			}
		}
		if ok == 0 {
			s.settled = l.later(s, failed)
		}
	}
	return nil
}

// readRecords reads records of one CRM in one call. A call that is refused because of one record is made again in halves, so
// that the others are read.
func (l *lot) readRecords(ctx context.Context, crm *CRM, recs []*record) {
	var contacts []connectors.Contact
	var err error
	if !l.dry && l.p.writers.full(crm.Name) {
		// What is read now could not be handed over. The other CRMs go on (invariant 9).
		err = &connectors.Error{Kind: connectors.Transient, Op: crm.Name + ": read", Message: "waits: its writer has too many patches that were not acknowledged"}
	} else {
		refs := make([]connectors.Ref, len(recs))
		for i, r := range recs {
			refs[i] = r.ref
		}
		contacts, err = l.p.read(ctx, crm, refs)
	}
	if connectors.KindOf(err) == connectors.Rejected && len(recs) > 1 && ctx.Err() == nil {
		half := len(recs) / 2
		l.readRecords(ctx, crm, recs[:half])
		l.readRecords(ctx, crm, recs[half:])
		return
	}
	if err == nil && len(contacts) != len(recs) {
		err = fmt.Errorf("%s: read %d records: %d answers", crm.Name, len(recs), len(contacts))
	}
	for i, r := range recs {
		if err != nil {
			r.err = err
			continue
		}
		r.contact, r.read, r.inputs = contacts[i], true, hashInputs(&contacts[i])
	}
	if err == nil {
		l.checkAuthorship(ctx, crm, recs)
	}
}

// checkAuthorship asks the history of records that hold values in our fields which this state never wrote: those a human set
// are theirs, the others count as ours (invariant 4).
func (l *lot) checkAuthorship(ctx context.Context, crm *CRM, recs []*record) {
	var ask []connectors.Ref
	var asked []*record
	for _, r := range recs {
		if r.state.Checked || r.contact.State != connectors.Live {
			continue
		}
		if len(r.unexplained()) == 0 {
			r.state.Checked, r.dirty = true, true
			continue
		}
		ask = append(ask, r.ref)
		asked = append(asked, r)
	}
	if len(ask) == 0 {
		return
	}
	by := map[connectors.Ref][]string{}
	if a, ok := crm.CRM.(connectors.Authorship); ok && !l.dry {
		var err error
		if by, err = a.HumanEdited(ctx, ask); err != nil {
			l.p.health.note(crm.Name, err)
			for _, r := range asked {
				r.read, r.err = false, err // not to be written before this is known
			}
			return
		}
	}
	for _, r := range asked {
		r.state.Checked, r.dirty = true, true
		for _, name := range by[r.ref] {
			if i := fieldIndex(name); i >= 0 {
				r.state.Held |= 1 << i
			}
		}
		r.adopt()
	}
}

// unexplained are the own fields that hold something else than what is known to have been written.
func (r *record) unexplained() (fields []int) {
	for i, f := range connectors.Fields {
		value := r.contact.Ours[f.Name]
		if !f.RepEdits && r.crm.Fields[f.Name] != "" && value != "" && r.state.Held&(1<<i) == 0 && state.FieldHash(i, value) != r.state.Wrote[i] {
			fields = append(fields, i)
		}
	}
	return fields
}

// adopt takes the values that nobody holds for our own.
func (r *record) adopt() {
	for _, i := range r.unexplained() {
		r.state.Wrote[i] = state.FieldHash(i, r.contact.Ours[connectors.Fields[i].Name])
	}
}

func fieldIndex(name string) int {
	for i, f := range connectors.Fields {
		if f.Name == name {
			return i
		}
	}
	return -1
}

// missingFor is how long a record must stay unknown to its CRM before it counts as erased: one strange answer must not
// forget anybody.
const missingFor = 24 * time.Hour

// followStates acts on records that are not simply live: merged ones are followed, archived ones paused, erased ones
// forgotten; and notices what humans did to our fields.
func (l *lot) followStates() {
	for _, s := range l.open() {
		live := 0
		var unread error
		for _, r := range s.recs {
			if !r.read {
				unread = r.err
				continue
			}
			c := &r.contact
			switch c.State {
			case connectors.Live:
				live++
				if r.state.Paused || !r.state.Missing.IsZero() {
					r.state.Paused, r.state.Missing, r.dirty = false, time.Time{}, true
				}
				l.noticeHands(s, r)
			case connectors.Merged:
				if !c.Into.IsZero() && c.Into != r.ref {
					s.settled = l.follow(s, r)
				} else if !r.state.Paused {
					r.state.Paused, r.dirty = true, true
				}
			case connectors.Archived, connectors.Deleted:
				if !r.state.Paused {
					r.state.Paused, r.dirty = true, true
				}
			case connectors.Erased:
				if r.state.Missing.IsZero() {
					r.state.Missing, r.state.Paused, r.dirty = l.now, true, true
				}
			}
			if s.settled != nil {
				break
			}
		}
		switch {
		case s.settled != nil:
		case live == 0 && unread != nil:
			s.settled = l.later(s, unread) // whether anybody is to be parked that record decides
		case live == 0:
			s.settled = l.park(s)
		default:
			if off := l.split(s); len(off) > 0 {
				s.settled = l.splitOff(s, off)
			}
		}
	}
}

// follow moves a merged or converted record to the one it lives on in, and asks for the person again.
func (l *lot) follow(s *subject, r *record) func(tx *state.Tx) error {
	old, into, e := r.ref, r.contact.Into, s.entry
	now := l.now
	return func(tx *state.Tx) error {
		oldRec, ok, err := tx.Contact(old)
		if err != nil {
			return err
		}
		if _, err := tx.Done(e); err != nil {
			return err
		}
		if !ok {
			return nil
		}
		rec, known, err := tx.Contact(into)
		if err != nil {
			return err
		}
		if known {
			rec, err = l.p.absorbRef(tx, old, oldRec, into, rec)
		} else {
			rec, err = l.p.replaceRef(tx, old, into, oldRec)
		}
		if err != nil {
			return err
		}
		return tx.Enqueue(rec.Person, state.Live, state.ReasonMerge, now)
	}
}

// park lays a person aside all of whose records are archived or gone. Gone for a day means erased: everything goes.
func (l *lot) park(s *subject) func(tx *state.Tx) error {
	erased := true
	var since time.Time
	for _, r := range s.recs {
		if !r.read || r.contact.State != connectors.Erased {
			erased = false
			continue
		}
		if r.state.Missing.After(since) {
			since = r.state.Missing
		}
	}
	for _, r := range s.recs {
		if r.pending != nil {
			r.state.Checked, r.dirty = false, true // its patch goes, but may have arrived
		}
	}
	return func(tx *state.Tx) error {
		if err := saveRecords(tx, s, l.now); err != nil {
			return err
		}
		switch {
		case erased && l.now.Sub(since) >= missingFor:
			if ok, err := l.p.mayErase(tx); err != nil {
				return err
			} else if !ok {
				return tx.Release(s.entry, state.Retry, l.now.Add(missingFor), state.ReasonMerge)
			}
			if _, err := tx.Done(s.entry); err != nil {
				return err
			}
			return l.p.planErasure(tx, s.id, s.recs)
		case erased:
			return tx.Release(s.entry, state.Retry, since.Add(missingFor), state.ReasonMerge)
		}
		person, ok, err := tx.Person(s.id)
		if err != nil {
			return err
		}
		if ok && !person.Due.IsZero() {
			person.Due = time.Time{}
			if err := tx.PutPerson(s.id, &person); err != nil {
				return err
			}
		}
		for _, r := range s.recs {
			if err := tx.DropPending(r.ref); err != nil {
				return err
			}
		}
		_, err = tx.Done(s.entry)
		return err
	}
}

// noticeHands compares our fields with what we know to have written: what differs a human changed, and holds until they
// empty it (invariant 4).
func (l *lot) noticeHands(s *subject, r *record) {
	for i, f := range connectors.Fields {
		if r.crm.Fields[f.Name] == "" {
			continue
		}
		value := r.contact.Ours[f.Name]
		bit := uint16(1) << i
		if f.RepEdits {
			h := uint32(0)
			if value != "" {
				h = state.FieldHash(i, value)
			}
			if r.state.Wrote[i] != h {
				r.state.Wrote[i], r.dirty = h, true
				if value != "" || len(s.recs) == 1 {
					s.person.Verdict, s.verdict = value, true
				}
			}
			continue
		}
		if value == "" {
			wroteSomething := r.state.Wrote[i] != 0 && r.state.Wrote[i] != state.FieldHash(i, "")
			if r.state.Held&bit != 0 || wroteSomething && !l.maybeOurs(r, i, "") {
				r.state.Held &^= bit
				r.state.Wrote[i] = 0
				r.regain |= bit
				r.dirty = true
			}
			continue
		}
		if r.state.Held&bit != 0 {
			continue
		}
		if state.FieldHash(i, value) != r.state.Wrote[i] && !l.maybeOurs(r, i, value) {
			r.state.Held |= bit
			r.dirty = true
		}
	}
}

// maybeOurs says whether a value may have been left by a patch of ours that was never acknowledged.
func (l *lot) maybeOurs(r *record, i int, value string) bool {
	if r.pending == nil {
		return false
	}
	if v, ok := r.pending.Patch.Fields[connectors.Fields[i].Name]; ok && v == value {
		return true
	}
	h := state.FieldHash(i, value)
	for _, m := range r.pending.Maybe {
		if m == h {
			return true
		}
	}
	return false
}

// saveRecords writes back what the lot noticed of the records, and the rep's verdict. It adds to what is stored now: a poll or an
// acknowledgement may have moved that meanwhile.
func saveRecords(tx *state.Tx, s *subject, now time.Time) error {
	for _, r := range s.recs {
		if !r.dirty {
			continue
		}
		have, ok, err := tx.Contact(r.ref)
		if err != nil {
			return err
		}
		if !ok || have.Person != s.id {
			continue
		}
		for i, h := range r.state.Wrote {
			if h != r.was.Wrote[i] {
				have.Wrote[i] = h
			}
		}
		have.Held = have.Held&^(r.was.Held&^r.state.Held) | r.state.Held&^r.was.Held
		have.Paused, have.Missing, have.Checked = r.state.Paused, r.state.Missing, r.state.Checked
		if err := tx.PutContact(r.ref, &have); err != nil {
			return err
		}
	}
	if !s.verdict {
		return nil
	}
	person, ok, err := tx.Person(s.id)
	if err != nil || !ok || person.Verdict == s.person.Verdict {
		return err
	}
	person.Verdict = s.person.Verdict
	if err := tx.PutVerdict(s.id, person.Verdict, now); err != nil {
		return err
	}
	return tx.PutPerson(s.id, &person)
}

// later puts a subject into the retry lane: after a failed read, a silent source, a degraded answer.
func (l *lot) later(s *subject, err error) func(tx *state.Tx) error {
	at := l.now.Add(backoff(s.entry.Attempts))
	if until := connectors.Until(err); until.After(at) {
		at = until
	}
	return func(tx *state.Tx) error {
		if err := saveRecords(tx, s, l.now); err != nil {
			return err
		}
		return tx.Release(s.entry, retryLane(s.entry), at, state.ReasonRetry)
	}
}

// backoff is the wait before attempt n+1: 30 s, doubling, at most 6 h.
func backoff(attempts uint8) time.Duration {
	d := 30 * time.Second << min(attempts, 10)
	return min(d, 6*time.Hour)
}

// gatherJourneys asks every source once for the whole lot. People for whom only time moved are not asked about: what they
// did is in their stored features.
func (l *lot) gatherJourneys(ctx context.Context) {
	var people []connectors.Person
	by := map[string]*subject{}
	for _, s := range l.open() {
		if l.byTimeAlone(s) {
			for _, c := range s.person.Sources {
				if l.p.health.down(c.Source) {
					s.stale = append(s.stale, c.Source)
				}
			}
			continue
		}
		people = append(people, l.asked(s))
		by[s.key] = s
	}
	if len(people) == 0 {
		return
	}
	w := connectors.Window{From: l.now.Add(-l.s.History), To: l.now.Add(24 * time.Hour)}
	for i := range l.s.Sources {
		src := &l.s.Sources[i]
		l.ask(ctx, src, people, w, by)
		if ctx.Err() != nil {
			return
		}
	}
}

// ask asks one source about people in one call. A call that is refused because of one of them is made again in halves; events
// told twice count once.
func (l *lot) ask(ctx context.Context, src *Source, people []connectors.Person, w connectors.Window, by map[string]*subject) {
	err := l.p.journeys(ctx, src, people, w, by)
	switch {
	case err == nil || ctx.Err() != nil:
	case connectors.KindOf(err) == connectors.Rejected && len(people) > 1:
		half := len(people) / 2
		l.ask(ctx, src, people[:half], w, by)
		l.ask(ctx, src, people[half:], w, by)
	default:
		// What came before the error is incomplete for everyone (the sequence says so).
		for i := range people {
			s := by[people[i].Key]
			s.stale = append(s.stale, src.Name)
		}
	}
}

// byTimeAlone says whether nothing but the passing of time brought the subject here. After a change of the config it is not so:
// the stored features are then those of other rules.
func (l *lot) byTimeAlone(s *subject) bool {
	return s.entry.Reason == state.ReasonDue && s.person.Events != 0 && s.person.Scoring == l.scoringHash() && l.lastReceipt(s) != nil
}

// scoredBefore says whether the last result is a score, written or not.
func (l *lot) scoredBefore(s *subject) bool {
	r := l.lastReceipt(s)
	return r != nil && r.Parts.Known
}

// asked is the person as sources are asked about them.
func (l *lot) asked(s *subject) connectors.Person {
	q := connectors.Person{Key: s.key}
	for _, r := range s.recs {
		if !r.read || r.contact.State != connectors.Live {
			continue
		}
		q.Refs = append(q.Refs, r.ref)
		q.Emails = appendNew(q.Emails, r.contact.Emails)
		q.Phones = appendNew(q.Phones, r.contact.Phones)
	}
	for _, k := range s.links {
		switch k.Kind {
		case state.LinkUserID:
			q.UserIDs = append(q.UserIDs, k.Value)
		case state.LinkAnonymousID:
			q.AnonymousIDs = append(q.AnonymousIDs, k.Value)
		}
	}
	if len(q.Emails) > 0 {
		q.Domain = domainOf(q.Emails[0])
	}
	return q
}

// stitch builds journeys and settles whoever brought nothing new.
func (l *lot) stitch() {
	for _, s := range l.open() {
		if l.byTimeAlone(s) {
			if len(s.stale) > 0 {
				s.settled = l.keepStale(s)
			}
			continue
		}
		var profile connectors.Profile
		customer := false
		for _, r := range s.recs {
			if r.read && r.contact.State == connectors.Live {
				if profile == (connectors.Profile{}) {
					profile = r.contact.Profile
				}
				customer = customer || l.s.isCustomer(&r.contact)
			}
		}
		s.journey = l.s.Journey.Build(journey.Input{Person: l.asked(s), Customer: customer, Events: s.takeEvents(), Now: l.now})
		s.dropEvents()
		if !l.dry {
			l.p.counts.filter(s.journey.Filtered)
		}
		l.suspectEmpty(s)
		if len(s.stale) > 0 && (s.shown.Known || s.entry.Attempts < newPersonPatience) {
			s.settled = l.keepStale(s)
			continue
		}
		if l.unchanged(s) {
			s.settled = l.commitUnchanged(s)
		}
	}
}

// newPersonPatience is how many attempts somebody without a score waits for a silent source before the others must do.
const newPersonPatience = 3

// suspectEmpty marks sources that gave events before and give none now, unless the source has given somebody events since
// this person joined the queue: then it is well, and they are really gone.
func (l *lot) suspectEmpty(s *subject) {
	for _, c := range s.person.Sources {
		if c.Events == 0 || s.journey.BySource[c.Source] > 0 || l.s.source(c.Source) == nil {
			continue
		}
		if !l.p.health.alive(c.Source, s.entry.Since) {
			s.stale = append(s.stale, c.Source)
		}
	}
}

// keepStale keeps the last score, marked, until the source is back (invariant 8).
func (l *lot) keepStale(s *subject) func(tx *state.Tx) error {
	at := l.now.Add(backoff(s.entry.Attempts))
	for _, r := range s.recs {
		if r.regain != 0 {
			r.dirty = false // what a human emptied is noticed again when there is something to fill it with
		}
	}
	return func(tx *state.Tx) error {
		if err := saveRecords(tx, s, l.now); err != nil {
			return err
		}
		person, ok, err := tx.Person(s.id)
		if err != nil {
			return err
		}
		if ok && person.Flags&state.FlagStale == 0 {
			person.Flags |= state.FlagStale
			if err := tx.PutPerson(s.id, &person); err != nil {
				return err
			}
		}
		return tx.Release(s.entry, retryLane(s.entry), at, state.ReasonRetry)
	}
}

// unchanged says whether the four hashes are those of the last result and nobody asked for anything else (invariant 6).
func (l *lot) unchanged(s *subject) bool {
	p := &s.person
	if s.entry.Reason&(state.ReasonDue|state.ReasonAsked|state.ReasonText|state.ReasonMerge) != 0 {
		return false
	}
	if p.Flags&(state.FlagDegraded|state.FlagStale) != 0 || p.Events != s.journey.Hash || p.Scoring != l.scoringHash() {
		return false
	}
	if v := l.engineFor(s).Version(); p.Extraction != v && s.journey.Hash != 0 {
		return false
	}
	for _, r := range s.recs {
		if r.regain != 0 || r.pending != nil || r.behind(s.shown) && l.inScope(r) {
			return false
		}
		if !r.read || r.contact.State != connectors.Live {
			continue
		}
		scored := s.shown.Known || len(s.person.Features) > 0 && r.state.WroteAt.IsZero() && l.scoredBefore(s)
		if r.state.Seen != r.inputs || scored && r.state.WroteAt.IsZero() && l.inScope(r) {
			return false
		}
	}
	return true
}

// behind says whether the record missed what the person's other records were last given: it could not be read then, or its CRM
// refused the patch.
func (r *record) behind(shown score.Shown) bool {
	return r.read && r.contact.State == connectors.Live && shown.Known && !r.state.WroteAt.IsZero() && r.state.WroteAt.Before(shown.Written)
}

// unread says whether one of the records could not be read: what it has to tell is still to be heard.
func (s *subject) unread() bool {
	return slices.ContainsFunc(s.recs, func(r *record) bool { return !r.read })
}

// commitUnchanged keeps what was learned of the records; there is nothing to infer, score or write.
func (l *lot) commitUnchanged(s *subject) func(tx *state.Tx) error {
	return func(tx *state.Tx) error {
		if err := saveRecords(tx, s, l.now); err != nil {
			return err
		}
		if err := l.saveSeen(tx, s); err != nil {
			return err
		}
		if s.unread() {
			return tx.Release(s.entry, retryLane(s.entry), l.now.Add(backoff(s.entry.Attempts)), state.ReasonRetry)
		}
		ok, err := tx.Done(s.entry)
		if err != nil || !ok || s.person.Flags&state.FlagRulesText == 0 || l.s.Engine == l.s.Rules {
			return err
		}
		// A crash between the acknowledgement and the end of the claim: the model's texts are still owed.
		return tx.EnqueueAt(s.id, state.Backfill, state.ReasonText, l.now.Add(time.Duration(1000-s.shown.Score)*textOrder))
	}
}

// saveSeen notes the inputs that the present result rests on, the addresses that are the person's now.
func (l *lot) saveSeen(tx *state.Tx, s *subject) error {
	for _, r := range s.recs {
		if !r.read || r.contact.State != connectors.Live {
			continue
		}
		seen := r.inputs
		if r.state.Seen == seen {
			continue
		}
		have, ok, err := tx.Contact(r.ref)
		if err != nil {
			return err
		}
		if !ok || have.Person != s.id {
			continue
		}
		have.Seen = seen
		if err := tx.PutContact(r.ref, &have); err != nil {
			return err
		}
		if err := identify(tx, s.id, r.contact.Emails); err != nil {
			return err
		}
	}
	return nil
}

// engineFor is whose texts the subject gets now: in a first sync the rules', model texts follow by score.
func (l *lot) engineFor(s *subject) intent.Engine {
	if l.dry || s.entry.Lane == state.Backfill && s.entry.Reason&(state.ReasonText|state.ReasonAsked|state.ReasonConfig) == 0 && s.person.Extraction == 0 {
		return l.s.Rules
	}
	if s.person.Flags&state.FlagRulesText != 0 && s.entry.Lane == state.Backfill && s.entry.Reason&state.ReasonText == 0 {
		return l.s.Rules
	}
	return l.s.Engine
}

// ErrBusy says that the same job is running already.
var ErrBusy = errors.New("this job is running already")
