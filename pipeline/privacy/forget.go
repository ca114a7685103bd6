package privacy

import (
	"context"
	"errors"
	"fmt"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline"
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
func Forget(ctx context.Context, p *pipeline.Pipeline, who string, keepCRM bool) (*Erased, error) {
	email := p.Setup().Identity.Email(who)
	id, err := p.Find(who)
	if err != nil {
		return nil, err
	}
	job := &state.Erasure{Person: id, KeepCRM: keepCRM, Started: p.Now(), Done: map[string]bool{}}
	if id == 0 {
		// Somebody no CRM knows may still have left a journey in our own stores, and may still come.
		if email == "" {
			return nil, pipeline.ErrUnknownPerson
		}
		job.Who.Key = "forgotten"
	}
	if email != "" {
		job.Who.Emails = []string{email}
	}
	if ok, err := p.DB().BeginErasure(job, p.Setup().IdentityRules()); err != nil {
		return nil, err
	} else if !ok {
		return nil, pipeline.ErrUnknownPerson
	}
	return erase(ctx, p, job)
}

// ResumeErasures goes on with forgettings that were interrupted.
func ResumeErasures(ctx context.Context, p *pipeline.Pipeline) (int, error) {
	jobs, bad, err := p.DB().Erasures()
	if err != nil {
		return 0, err
	}
	n, failed := 0, errors.Join(bad...)
	for _, job := range jobs {
		if _, err := erase(ctx, p, job); err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		n++
	}
	return n, failed
}

// erase runs the steps of a forgetting that are not done yet, each one safe to repeat.
func erase(ctx context.Context, p *pipeline.Pipeline, job *state.Erasure) (*Erased, error) {
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
		return p.DB().KeepErasure(job)
	}
	// Who they are is asked while their records can still be read: the tombstones and the sources need every address.
	if err := step("identify", func() error { return identify(ctx, p, s, job) }); err != nil {
		return nil, err
	}
	if err := step("bury", func() error { return p.DB().Bury(job, p.Now()) }); err != nil {
		return nil, err
	}
	// Prompts that lie at a model's vendor go before the person does: their answers would find nobody.
	if err := step("batches", func() error { return p.Batches().Void(ctx, job.Person) }); err != nil {
		return nil, err
	}
	// From here on no lot takes the person up again: the record goes first, the rest needs only the job.
	if err := step("state", func() error { return p.DB().EraseState(job) }); err != nil {
		return nil, err
	}
	// A CRM that refuses keeps no journey from being erased: its part is tried again.
	refused := step("crm", func() error {
		if job.KeepCRM {
			return nil
		}
		return emptyFields(ctx, p, s, job)
	})
	err := step("sources", func() error { return eraseEvents(ctx, s, job) })
	if err != nil || refused != nil {
		return nil, errors.Join(refused, err)
	}
	for i := range s.Sources {
		if _, ok := s.Sources[i].Source.(connectors.Forgetter); !ok {
			out.Remote = append(out.Remote, s.Sources[i].Name)
		}
	}
	if err := p.DB().EndErasure(job); err != nil {
		return nil, err
	}
	for _, ref := range job.Refs {
		out.Records = append(out.Records, ref.String())
	}
	out.CRMEmptied, out.Events = job.Records, job.Events
	out.State = []string{"core record", "CRM records", "identities and links", "queue and due entries", "journalled patches", "receipts", "history", "snapshots", "model answers and jobs", "verdicts", "dead letters"}
	out.Backups = "backups made before " + p.Now().UTC().Format("2 Jan 2006 15:04 UTC") + " still hold this person: delete them, or forget again after restoring one"
	// Erased bytes stay in the file until it is written anew.
	if err := p.DB().Compact(); err != nil {
		return out, fmt.Errorf("forgotten, but the file could not be compacted (run `intentd compact`): %w", err)
	}
	out.Compacted = true
	return out, nil
}

// identify reads the person's records for addresses that only the CRM knows.
func identify(ctx context.Context, p *pipeline.Pipeline, s *pipeline.Setup, job *state.Erasure) error {
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
			if err := addRecord(p, s, &job.Who, job.Person, &contacts[j]); err != nil {
				return err
			}
		}
	}
	return nil
}

// eraseEvents erases what the person did from the sources that can.
func eraseEvents(ctx context.Context, s *pipeline.Setup, job *state.Erasure) error {
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
}

// emptyFields clears our fields of the person's records. A record that is gone has nothing left to clear.
func emptyFields(ctx context.Context, p *pipeline.Pipeline, s *pipeline.Setup, job *state.Erasure) error {
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
			for _, f := range c.OwnFields().Fields {
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
