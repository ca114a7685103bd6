package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/identity"
	"github.com/intentd/intentd/pipeline/receipt"
	"github.com/intentd/intentd/state"
)

// erasure is a forgetting under way. It is kept in the state until it is done: it can be interrupted at any point and goes on.
// While it is kept it holds the identifiers that the sources must be told; it goes with the last step.
type erasure struct {
	Person  state.PersonID    `json:"person"`
	Who     connectors.Person `json:"who"`
	Refs    []connectors.Ref  `json:"refs"`
	KeepCRM bool              `json:"keep_crm"`
	Started time.Time         `json:"started"`
	Done    map[string]bool   `json:"done"`
	Events  int               `json:"events"`
	Records int               `json:"records"`
}

// Erased reports a forgetting.
type Erased struct {
	Person     string   `json:"person"`
	Records    []string `json:"records"`     // CRM records whose fields were emptied (or left, with --keep-crm)
	CRMEmptied int      `json:"crm_emptied"` // records whose fields were emptied
	Events     int      `json:"events"`      // events erased from stores of our own
	State      []string `json:"state"`       // kinds of data erased from the state
	Remote     []string `json:"remote"`      // sources that keep their own copy: to be asked there
	Backups    string   `json:"backups"`     // what cannot be reached
	Compacted  bool     `json:"compacted"`
}

// Forget erases a person: journal, receipts, history, caches, clickstream, dead letters, every linked id; empties our CRM fields
// unless keepCRM; compacts; and leaves salted hashes that keep them from coming back.
func (p *Pipeline) Forget(ctx context.Context, who string, keepCRM bool) (*Erased, error) {
	var job *erasure
	err := p.db.Update(func(tx *state.Tx) error {
		job = nil
		id, ok := p.find(tx, who)
		if !ok {
			// Somebody no CRM knows may still have left a journey in our own stores, and may still come.
			email := p.Setup().Identity.Email(who)
			if email == "" {
				return ErrUnknownPerson
			}
			job = &erasure{KeepCRM: keepCRM, Started: p.now(), Done: map[string]bool{}, Who: connectors.Person{Key: "forgotten", Emails: []string{email}}}
			return putErasure(tx, job)
		}
		person, ok, err := tx.Person(id)
		if err != nil {
			return err
		}
		if !ok {
			return ErrUnknownPerson
		}
		job = &erasure{Person: id, Refs: person.Contacts, KeepCRM: keepCRM, Started: p.now(), Done: map[string]bool{}}
		job.Who.Key = personKey(id)
		links, err := tx.Links(id)
		if err != nil {
			return err
		}
		p.Setup().addLinks(&job.Who, links)
		return putErasure(tx, job)
	})
	if err != nil {
		return nil, err
	}
	if email := p.Setup().Identity.Email(who); email != "" {
		job.Who.Emails = appendNew(job.Who.Emails, []string{email})
	}
	return p.erase(ctx, job)
}

// ResumeErasures goes on with forgettings that were interrupted.
func (p *Pipeline) ResumeErasures(ctx context.Context) (int, error) {
	var jobs map[string][]byte
	if err := p.db.View(func(tx *state.Tx) (err error) { jobs, err = tx.Jobs(); return err }); err != nil {
		return 0, err
	}
	n := 0
	var failed error
	for _, id := range sortedKeys(jobs) {
		var job erasure
		if err := json.Unmarshal(jobs[id], &job); err != nil {
			failed = errors.Join(failed, fmt.Errorf("erasure %s: %w", id, err))
			continue
		}
		if _, err := p.erase(ctx, &job); err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		n++
	}
	return n, failed
}

// erasuresADay is how many people may be forgotten in a day because their CRM no longer knows them: at least this, at most a
// hundredth of all. A token that lost sight of half the records must not bury them; the rest waits for the next day.
const erasuresADay = 20

// erasureCount is how many people were forgotten since the begin of a day's count.
type erasureCount struct {
	Since time.Time `json:"since"`
	N     int       `json:"n"`
}

// mayErase books one forgetting of the CRM's own making, and says whether it may be done today among so many people.
func (p *Pipeline) mayErase(tx *state.Tx, people int) (bool, error) {
	const key = "erased by crm"
	var c erasureCount
	if b := tx.Setting(key); len(b) > 0 {
		if err := json.Unmarshal(b, &c); err != nil {
			return false, err
		}
	}
	now := p.now()
	if now.Sub(c.Since) >= 24*time.Hour || now.Before(c.Since) {
		c = erasureCount{Since: now}
	}
	if c.N >= max(erasuresADay, people/100) {
		p.log.Warn("more people than usual are unknown to their CRM: no more are forgotten today; check the token's rights", "forgotten_today", c.N)
		return false, nil
	}
	c.N++
	b, err := json.Marshal(c)
	if err != nil {
		return false, err
	}
	return true, tx.SetSetting(key, b)
}

// planErasure queues the forgetting of a person whom the CRM itself has erased.
func (p *Pipeline) planErasure(tx *state.Tx, id state.PersonID, recs []*record) error {
	job := &erasure{Person: id, KeepCRM: true, Started: p.now(), Done: map[string]bool{"crm": true}}
	job.Who.Key = personKey(id)
	for _, r := range recs {
		job.Refs = append(job.Refs, r.ref)
		job.Who.Emails = appendNew(job.Who.Emails, r.contact.Emails)
	}
	links, err := tx.Links(id)
	if err != nil {
		return err
	}
	p.Setup().addLinks(&job.Who, links)
	return putErasure(tx, job)
}

// addLinks adds what is linked to a person and theirs alone, in the stored form.
func (s *Setup) addLinks(who *connectors.Person, links []state.Link) {
	for _, l := range links {
		if l.Nobodys {
			continue
		}
		value := []string{s.linkID(l).Stored()}
		switch l.Kind {
		case state.LinkEmail:
			who.Emails = appendNew(who.Emails, value)
		case state.LinkPhone:
			who.Phones = appendNew(who.Phones, value)
		case state.LinkUserID:
			who.UserIDs = appendNew(who.UserIDs, value)
		case state.LinkAnonymousID:
			who.AnonymousIDs = appendNew(who.AnonymousIDs, value)
		}
	}
}

// addRecord adds the addresses and numbers of one of the person's records, but for what somebody else has, too.
func (p *Pipeline) addRecord(s *Setup, who *connectors.Person, person state.PersonID, c *connectors.Contact) error {
	who.Refs = append(who.Refs, c.Ref)
	return p.db.View(func(tx *state.Tx) error {
		for _, id := range s.recordIDs(c) {
			h, err := s.holder(tx, id)
			if err != nil {
				return err
			}
			if !id.JoinsRecords() && (h.Nobodys || h.Person != 0 && h.Person != person) {
				continue
			}
			if id.Kind == identity.Phone {
				who.Phones = appendNew(who.Phones, []string{id.Value})
			} else {
				who.Emails = appendNew(who.Emails, []string{id.Value})
			}
		}
		return nil
	})
}

func putErasure(tx *state.Tx, job *erasure) error {
	b, err := json.Marshal(job)
	if err != nil {
		return err
	}
	return tx.PutJob(job.id(), b)
}

// id names the job by the person, or by the moment where there is none.
func (job *erasure) id() string {
	if job.Person == 0 {
		return "forget/" + job.Started.UTC().Format(time.RFC3339Nano)
	}
	return "forget/" + personKey(job.Person)
}

// erase runs the steps of a forgetting that are not done yet, each one safe to repeat.
func (p *Pipeline) erase(ctx context.Context, job *erasure) (*Erased, error) {
	s := p.Setup()
	out := &Erased{Person: personKey(job.Person)}
	step := func(name string, do func() error) error {
		if job.Done[name] {
			return nil
		}
		if err := do(); err != nil {
			return fmt.Errorf("forget %s: %s: %w (it is kept and goes on later)", personKey(job.Person), name, err)
		}
		job.Done[name] = true
		return p.db.Update(func(tx *state.Tx) error { return putErasure(tx, job) })
	}
	// Who they are is asked while their records can still be read: the tombstones and the sources need every address.
	if err := step("identify", func() error { return p.identifyForErasure(ctx, s, job) }); err != nil {
		return nil, err
	}
	if err := step("bury", func() error {
		return p.db.Update(func(tx *state.Tx) error {
			now := p.now()
			for _, ref := range job.Refs {
				if err := tx.BuryRef(ref, now); err != nil {
					return err
				}
				if err := tx.DropPending(ref); err != nil {
					return err
				}
			}
			for _, e := range job.Who.Emails {
				if err := tx.Bury(state.LinkEmail, e, now); err != nil {
					return err
				}
			}
			return nil
		})
	}); err != nil {
		return nil, err
	}
	// From here on no lot takes the person up again: the record goes first, the rest needs only the job.
	if err := step("state", func() error {
		return p.db.Update(func(tx *state.Tx) error {
			for _, ref := range job.Refs {
				if err := tx.DeleteContact(ref); err != nil {
					return err
				}
			}
			return tx.DeletePerson(job.Person)
		})
	}); err != nil {
		return nil, err
	}
	// A CRM that refuses keeps no journey from being erased: its part is tried again.
	refused := step("crm", func() error {
		if job.KeepCRM {
			return nil
		}
		return p.emptyFields(ctx, s, job)
	})
	if err := step("sources", func() error {
		job.Events = 0
		for i := range s.Sources {
			f, ok := s.Sources[i].Source.(connectors.Forgetter)
			if !ok {
				continue
			}
			n, err := f.Forget(ctx, job.Who)
			if err != nil {
				return fmt.Errorf("%s: %w", s.Sources[i].Name, err)
			}
			job.Events += n
			if c, ok := f.(interface{ Compact(context.Context) error }); ok {
				// Erased identifiers stay in a store's free pages until it is written anew.
				if err := c.Compact(ctx); err != nil {
					return fmt.Errorf("%s: %w", s.Sources[i].Name, err)
				}
			}
		}
		return nil
	}); err != nil || refused != nil {
		return nil, errors.Join(refused, err)
	}
	for i := range s.Sources {
		if _, ok := s.Sources[i].Source.(connectors.Forgetter); !ok {
			out.Remote = append(out.Remote, s.Sources[i].Name)
		}
	}
	if err := p.db.Update(func(tx *state.Tx) error { return tx.DropJob(job.id()) }); err != nil {
		return nil, err
	}
	for _, ref := range job.Refs {
		out.Records = append(out.Records, ref.String())
	}
	out.CRMEmptied, out.Events = job.Records, job.Events
	out.State = []string{"core record", "CRM records", "identities and links", "queue and due entries", "journalled patches", "receipts", "history", "model answers", "verdicts", "dead letters"}
	out.Backups = "backups made before " + p.now().UTC().Format("2 Jan 2006 15:04 UTC") + " still hold this person: delete them, or forget again after restoring one"
	// Erased bytes stay in the file until it is written anew.
	if err := p.db.Compact(); err != nil {
		return out, fmt.Errorf("forgotten, but the file could not be compacted (run `intentd compact`): %w", err)
	}
	out.Compacted = true
	return out, nil
}

// identifyForErasure reads the person's records for addresses that only the CRM knows.
func (p *Pipeline) identifyForErasure(ctx context.Context, s *Setup, job *erasure) error {
	for i := range s.CRMs {
		var refs []connectors.Ref
		for _, r := range job.Refs {
			if r.CRM == s.CRMs[i].Name {
				refs = append(refs, r)
			}
		}
		if len(refs) == 0 {
			continue
		}
		contacts, err := p.read(ctx, &s.CRMs[i], refs)
		if err != nil {
			return err
		}
		for j := range contacts {
			contacts[j].Ref = refs[j]
			if err := p.addRecord(s, &job.Who, job.Person, &contacts[j]); err != nil {
				return err
			}
		}
	}
	return nil
}

// emptyFields clears our fields of the person's records. A record that is gone has nothing left to clear.
func (p *Pipeline) emptyFields(ctx context.Context, s *Setup, job *erasure) error {
	job.Records = 0
	if err := p.delivery.Quiet(ctx, job.Refs); err != nil {
		return err
	}
	for i := range s.CRMs {
		c := &s.CRMs[i]
		var patches []connectors.Patch
		for _, ref := range job.Refs {
			if ref.CRM != c.Name {
				continue
			}
			fields := map[string]string{}
			for _, f := range connectors.Fields {
				if !f.RepEdits && c.Fields[f.Name] != "" {
					fields[f.Name] = ""
				}
			}
			patches = append(patches, connectors.Patch{Ref: ref, Fields: fields})
		}
		if len(patches) == 0 {
			continue
		}
		if err := p.ensureBound(ctx, c); err != nil {
			return err
		}
		if err := p.ensureFit(ctx, c); err != nil {
			return err
		}
		results, err := c.CRM.Write(ctx, patches)
		if err != nil {
			return err
		}
		for _, r := range results {
			if r.Err == nil {
				job.Records++
				continue
			}
			if connectors.KindOf(r.Err) != connectors.Gone {
				return r.Err
			}
		}
	}
	return nil
}

// Held is all that is held about a person.
type Held struct {
	Person   string                `json:"person"`
	Core     state.Person          `json:"core"`
	Records  map[string]HeldRecord `json:"records"`
	Links    []state.Link          `json:"links"`
	Receipts []*receipt.Receipt    `json:"receipts"`
	History  []state.HistoryPoint  `json:"history"`
	Verdicts []state.VerdictAt     `json:"verdicts"`
	Dead     []state.Dead          `json:"dead_letters"`
	Pending  []state.Pending       `json:"pending"`
	Events   []connectors.Event    `json:"events"`
	Notes    []string              `json:"notes"`
}

// HeldRecord is what is kept of one CRM record, and what the CRM says now.
type HeldRecord struct {
	Kept state.Contact       `json:"kept"`
	Now  *connectors.Contact `json:"now,omitempty"`
}

// Export returns all that is held about a person, with the events that our own stores and the sources tell.
func (p *Pipeline) Export(ctx context.Context, who string) (*Held, error) {
	s := p.Setup()
	out := &Held{Records: map[string]HeldRecord{}}
	var q connectors.Person
	stranger := false
	err := p.db.View(func(tx *state.Tx) error {
		id, ok := p.find(tx, who)
		if !ok {
			// Somebody no CRM knows may still have left a journey in our own stores.
			if q.Emails = appendNew(nil, []string{p.Setup().Identity.Email(who)}); len(q.Emails) == 0 {
				return ErrUnknownPerson
			}
			q.Key, stranger = "stranger", true
			return nil
		}
		out.Person = personKey(id)
		var err error
		if out.Core, ok, err = tx.Person(id); err != nil {
			return err
		} else if !ok {
			return ErrUnknownPerson
		}
		for _, ref := range out.Core.Contacts {
			rec, ok, err := tx.Contact(ref)
			if err != nil {
				return err
			}
			if ok {
				out.Records[ref.String()] = HeldRecord{Kept: rec}
			}
			pd, err := tx.Pending(ref)
			if err != nil {
				return err
			}
			if pd != nil {
				if pd.Receipt != nil { // of a patch under way: shown as the others are
					plain, err := p.db.OpenReceipt(pd.Receipt)
					if err != nil {
						return err
					}
					full, err := openReceipt(tx, plain)
					if err != nil {
						return err
					}
					out.Receipts, pd.Receipt = append(out.Receipts, full), nil
				}
				out.Pending = append(out.Pending, *pd)
			}
		}
		if out.Links, err = tx.Links(id); err != nil {
			return err
		}
		receipts, err := tx.Receipts(id, 100)
		if err != nil {
			return err
		}
		for _, r := range receipts {
			full, err := openReceipt(tx, r.JSON)
			if err != nil {
				return err
			}
			out.Receipts = append(out.Receipts, full)
		}
		out.History, out.Verdicts = tx.History(id), tx.Verdicts(id)
		if out.Dead, err = tx.DeadOf(id); err != nil {
			return err
		}
		q.Key = out.Person
		s.addLinks(&q, out.Links)
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i := range s.CRMs {
		var refs []connectors.Ref
		for _, ref := range out.Core.Contacts {
			if ref.CRM == s.CRMs[i].Name {
				refs = append(refs, ref)
			}
		}
		if len(refs) == 0 {
			continue
		}
		contacts, err := p.read(ctx, &s.CRMs[i], refs)
		if err != nil {
			out.Notes = append(out.Notes, fmt.Sprintf("%s did not answer: %v", s.CRMs[i].Name, err))
			continue
		}
		for j := range contacts {
			h := out.Records[refs[j].String()]
			h.Now = &contacts[j]
			out.Records[refs[j].String()] = h
			person, _ := parseKey(out.Person)
			if err := p.addRecord(s, &q, person, &contacts[j]); err != nil {
				return nil, err
			}
		}
	}
	for i := range s.Sources {
		if _, own := s.Sources[i].Source.(connectors.Forgetter); stranger && !own {
			continue // a source that lives in a CRM is asked by record
		}
		for e, err := range s.Sources[i].Source.Journeys(ctx, []connectors.Person{s.askAs(s.Sources[i].Name, q)}, connectors.Window{From: time.Unix(0, 0), To: p.now().Add(24 * time.Hour)}) {
			if err != nil {
				out.Notes = append(out.Notes, fmt.Sprintf("%s did not answer: %v", s.Sources[i].Name, err))
				break
			}
			if e.Source == "" {
				e.Source = s.Sources[i].Name
			}
			out.Events = append(out.Events, e)
		}
	}
	if stranger && len(out.Events) == 0 {
		return nil, ErrUnknownPerson
	}
	return out, nil
}
