package privacy

import (
	"context"
	"fmt"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/pipeline/receipt"
	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/pipeline/verdicts"
	"github.com/intentd/intentd/state"
)

// PersonData is all that is kept of a person.
type PersonData struct {
	Person   string                `json:"person"`
	Core     state.Person          `json:"core"`
	Records  map[string]RecordData `json:"records"`
	Links    []state.Link          `json:"links"`
	Receipts []*receipt.Receipt    `json:"receipts"`
	History  []state.HistoryPoint  `json:"history"`
	// Snapshots are what their score rested on, from each time until the next.
	Snapshots []SnapshotAt       `json:"snapshots"`
	Verdicts  []VerdictData      `json:"verdicts"`
	Dead      []state.Dead       `json:"dead_letters"`
	Pending   []state.Pending    `json:"pending"`
	Events    []connectors.Event `json:"events"`
	Notes     []string           `json:"notes"`
}

// SnapshotAt is what somebody's score rested on from a moment on.
type SnapshotAt struct {
	At time.Time `json:"at"`
	score.Snapshot
}

// VerdictData is what a rep said of the person, and the score they said it of.
type VerdictData struct {
	Verdict string
	At      time.Time
	Judged  *verdicts.Judged `json:",omitempty"`
}

// RecordData is what is kept of one CRM record, and what the CRM says now.
type RecordData struct {
	Kept KeptRecord          `json:"kept"`
	Now  *connectors.Contact `json:"now,omitempty"`
	// Consent is what the record says of it now: granted, denied or nothing.
	Consent string `json:"consent,omitempty"`
}

// KeptRecord is what is kept of one CRM record, in the form that exports have always had: hashes by the number of a field, and the bits
// of those that a person holds, as far as 64 bits go.
type KeptRecord struct {
	state.Contact
	Own   state.OwnFields `json:",omitempty"` // empty: it takes the place of the Contact's
	Wrote []uint32
	Held  uint64
}

func keptRecord(c state.Contact) KeptRecord {
	k := KeptRecord{Contact: c, Wrote: make([]uint32, max(16, len(c.Own)))}
	for n, f := range c.Own {
		k.Wrote[n] = f.Wrote
		if f.Held {
			k.Held |= 1 << n
		}
	}
	return k
}

// Export returns all that is kept of a person, with the events that our own stores and the sources tell.
func Export(ctx context.Context, p *pipeline.Pipeline, who string) (*PersonData, error) {
	s := p.Setup()
	id, err := p.Find(who)
	if err != nil {
		return nil, err
	}
	out := &PersonData{Records: map[string]RecordData{}}
	var q connectors.Person
	stranger := id == 0
	if stranger {
		// Somebody no CRM knows may still have left a journey in our own stores.
		email := s.Identity.Email(who)
		if email == "" {
			return nil, pipeline.ErrUnknownPerson
		}
		q.Key, q.Emails = "stranger", []string{email}
	} else if err := exportState(p, out, id); err != nil {
		return nil, err
	} else {
		q.Key = out.Person
		s.IdentityRules().AddLinks(&q, out.Links)
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
			h.Now, h.Consent = &contacts[j], s.CRMs[i].Consent.Of(&contacts[j])
			out.Records[refs[j].String()] = h
			if err := addRecord(p, s, &q, id, &contacts[j]); err != nil {
				return nil, err
			}
		}
	}
	for i := range s.Sources {
		if _, own := s.Sources[i].Source.(connectors.Forgetter); stranger && !own {
			continue // a source that lives in a CRM is asked by record
		}
		for e, err := range s.Sources[i].Source.Journeys(ctx, []connectors.Person{s.AskAs(s.Sources[i].Name, q)}, connectors.Window{From: time.Unix(0, 0), To: p.Now().Add(24 * time.Hour)}) {
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
		return nil, pipeline.ErrUnknownPerson
	}
	return out, nil
}

// exportState adds what the state keeps of a person.
func exportState(p *pipeline.Pipeline, out *PersonData, id state.PersonID) error {
	kept, ok, err := p.DB().Kept(id)
	if err != nil {
		return err
	}
	if !ok {
		return pipeline.ErrUnknownPerson
	}
	out.Person, out.Core, out.Links = id.Key(), kept.Person, kept.Links
	out.History, out.Dead = kept.History, kept.Letters
	for _, v := range kept.Verdicts {
		said := VerdictData{Verdict: v.Verdict, At: v.At}
		if len(v.Judged) > 0 {
			if said.Judged, err = verdicts.Decode(v.Judged); err != nil {
				return err
			}
		}
		out.Verdicts = append(out.Verdicts, said)
	}
	for _, r := range kept.Records {
		out.Records[r.Ref.String()] = RecordData{Kept: keptRecord(r.Contact)}
		if r.Pending == nil {
			continue
		}
		if sealed := r.Pending.Receipt; sealed != nil { // of a patch under way: shown as the others are
			plain, err := p.DB().OpenReceipt(sealed)
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
	for _, s := range kept.Snapshots {
		snap, err := score.DecodeSnapshot(s.Body)
		if err != nil {
			return err
		}
		out.Snapshots = append(out.Snapshots, SnapshotAt{s.At, snap})
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
