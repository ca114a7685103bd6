package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/identity"
	"github.com/intentd/intentd/pipeline/receipt"
	"github.com/intentd/intentd/state"
)

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
	email := p.Setup().Identity.Email(who)
	id, err := p.Find(who)
	if err != nil {
		return nil, err
	}
	job := &state.Erasure{Person: id, KeepCRM: keepCRM, Started: p.now(), Done: map[string]bool{}}
	if id == 0 {
		// Somebody no CRM knows may still have left a journey in our own stores, and may still come.
		if email == "" {
			return nil, ErrUnknownPerson
		}
		job.Who.Key = "forgotten"
	}
	if email != "" {
		job.Who.Emails = []string{email}
	}
	if ok, err := p.db.BeginErasure(job, p.Setup().rules); err != nil {
		return nil, err
	} else if !ok {
		return nil, ErrUnknownPerson
	}
	return p.erase(ctx, job)
}

// ResumeErasures goes on with forgettings that were interrupted.
func (p *Pipeline) ResumeErasures(ctx context.Context) (int, error) {
	jobs, bad, err := p.db.Erasures()
	if err != nil {
		return 0, err
	}
	n, failed := 0, errors.Join(bad...)
	for _, job := range jobs {
		if _, err := p.erase(ctx, job); err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		n++
	}
	return n, failed
}

// addRecord adds the addresses and numbers of one of the person's records, but for what somebody else has, too.
func (p *Pipeline) addRecord(s *Setup, who *connectors.Person, person state.PersonID, c *connectors.Contact) error {
	who.Refs = append(who.Refs, c.Ref)
	ids := s.rules.RecordIDs(c)
	holders, err := p.db.Holders(ids, s.rules)
	if err != nil {
		return err
	}
	for i, id := range ids {
		h := holders[i]
		switch {
		case !id.JoinsRecords() && (h.Nobodys || h.Person != 0 && h.Person != person):
		case id.Kind == identity.Phone:
			who.Phones = appendNew(who.Phones, []string{id.Value})
		default:
			who.Emails = appendNew(who.Emails, []string{id.Value})
		}
	}
	return nil
}

// erase runs the steps of a forgetting that are not done yet, each one safe to repeat.
func (p *Pipeline) erase(ctx context.Context, job *state.Erasure) (*Erased, error) {
	s := p.Setup()
	out := &Erased{Person: job.Person.Key()}
	step := func(name string, do func() error) error {
		if job.Done[name] {
			return nil
		}
		if err := do(); err != nil {
			return fmt.Errorf("forget %s: %s: %w (it is kept and goes on later)", job.Person.Key(), name, err)
		}
		job.Done[name] = true
		return p.db.KeepErasure(job)
	}
	// Who they are is asked while their records can still be read: the tombstones and the sources need every address.
	if err := step("identify", func() error { return p.identifyForErasure(ctx, s, job) }); err != nil {
		return nil, err
	}
	if err := step("bury", func() error { return p.db.Bury(job, p.now()) }); err != nil {
		return nil, err
	}
	// From here on no lot takes the person up again: the record goes first, the rest needs only the job.
	if err := step("state", func() error { return p.db.EraseState(job) }); err != nil {
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
	if err := p.db.EndErasure(job); err != nil {
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
func (p *Pipeline) identifyForErasure(ctx context.Context, s *Setup, job *state.Erasure) error {
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
		contacts, err := p.Read(ctx, &s.CRMs[i], refs)
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
func (p *Pipeline) emptyFields(ctx context.Context, s *Setup, job *state.Erasure) error {
	job.Records = 0
	if err := p.Quiet(ctx, job.Refs); err != nil {
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
		if err := p.Writable(ctx, c); err != nil {
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
	id, err := p.Find(who)
	if err != nil {
		return nil, err
	}
	out := &Held{Records: map[string]HeldRecord{}}
	var q connectors.Person
	stranger := id == 0
	if stranger {
		// Somebody no CRM knows may still have left a journey in our own stores.
		if q.Emails = appendNew(nil, []string{s.Identity.Email(who)}); len(q.Emails) == 0 {
			return nil, ErrUnknownPerson
		}
		q.Key = "stranger"
	} else if err := p.exportState(out, id); err != nil {
		return nil, err
	} else {
		q.Key = out.Person
		s.rules.AddLinks(&q, out.Links)
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
		contacts, err := p.Read(ctx, &s.CRMs[i], refs)
		if err != nil {
			out.Notes = append(out.Notes, fmt.Sprintf("%s did not answer: %v", s.CRMs[i].Name, err))
			continue
		}
		for j := range contacts {
			h := out.Records[refs[j].String()]
			h.Now = &contacts[j]
			out.Records[refs[j].String()] = h
			if err := p.addRecord(s, &q, id, &contacts[j]); err != nil {
				return nil, err
			}
		}
	}
	for i := range s.Sources {
		if _, own := s.Sources[i].Source.(connectors.Forgetter); stranger && !own {
			continue // a source that lives in a CRM is asked by record
		}
		for e, err := range s.Sources[i].Source.Journeys(ctx, []connectors.Person{s.AskAs(s.Sources[i].Name, q)}, connectors.Window{From: time.Unix(0, 0), To: p.now().Add(24 * time.Hour)}) {
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

// exportState adds what the state keeps of a person.
func (p *Pipeline) exportState(out *Held, id state.PersonID) error {
	kept, ok, err := p.db.Kept(id)
	if err != nil {
		return err
	}
	if !ok {
		return ErrUnknownPerson
	}
	out.Person, out.Core, out.Links = id.Key(), kept.Person, kept.Links
	out.History, out.Verdicts, out.Dead = kept.History, kept.Verdicts, kept.Letters
	for _, r := range kept.Records {
		out.Records[r.Ref.String()] = HeldRecord{Kept: r.Contact}
		if r.Pending == nil {
			continue
		}
		if sealed := r.Pending.Receipt; sealed != nil { // of a patch under way: shown as the others are
			plain, err := p.db.OpenReceipt(sealed)
			if err != nil {
				return err
			}
			full, err := p.OpenReceipt(plain)
			if err != nil {
				return err
			}
			out.Receipts, r.Pending.Receipt = append(out.Receipts, full), nil
		}
		out.Pending = append(out.Pending, *r.Pending)
	}
	for _, r := range kept.Receipts {
		full, err := p.OpenReceipt(r.JSON)
		if err != nil {
			return err
		}
		out.Receipts = append(out.Receipts, full)
	}
	return nil
}
