package sandbox

import (
	"encoding/gob"
	"fmt"
	"io"
	"slices"
)

// snapshotVersion is of the form that Snapshot writes; another one is refused.
const snapshotVersion = 1

// The snapshot is one head and then the records, so that a large portal is not held twice.
type snapshotHead struct {
	Version     int
	PortalID    int64
	Serial      uint64
	Patches     int64
	Patched     int
	Rules       []Rule
	Occurrences map[int64][]Occurrence
	Objects     [2]snapshotObject // contacts, deals
}

type snapshotObject struct {
	LastID     int64
	Records    int
	Linked     map[int64][]int64
	Properties []snapshotProperty
	Groups     []snapshotGroup
}

type snapshotProperty struct {
	Wire       propertyJSON
	Created    int64
	Updated    int64
	ArchivedAt int64
	Source     uint8
}

type snapshotGroup struct {
	Wire    groupJSON
	Defined bool
}

type snapshotRecord struct {
	ID, Created, Modified, Into, ArchivedAt int64
	Values                                  string
	Versions                                []byte
	Writes                                  uint32
	Wrote                                   []uint32 // property and count by turns
	State, Origin                           uint8
}

// Snapshot writes the whole portal: records, definitions, history, counts of patches. Faults, limits used and access tokens
// are not part of it, and what search has yet to see it will have seen.
func (h *HubSpot) Snapshot(w io.Writer) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	head := snapshotHead{
		Version: snapshotVersion, PortalID: h.o.PortalID, Serial: h.serial, Patches: h.tally.patches, Patched: h.tally.patched,
		Rules: h.rules, Occurrences: h.occurrences,
	}
	tables := [2]*objects{h.contacts, h.deals}
	for i, t := range tables {
		o := snapshotObject{LastID: t.lastID, Records: len(t.recs), Linked: t.linked}
		for _, p := range t.list {
			o.Properties = append(o.Properties, snapshotProperty{p.json(), p.created, p.updated, p.archivedAt, p.source})
		}
		for _, g := range t.groups {
			o.Groups = append(o.Groups, snapshotGroup{g.json(), g.defined})
		}
		head.Objects[i] = o
	}
	enc := gob.NewEncoder(w)
	if err := enc.Encode(head); err != nil {
		return fmt.Errorf("sandbox: write snapshot: %w", err)
	}
	for _, t := range tables {
		for i := range t.recs {
			r := &t.recs[i]
			s := snapshotRecord{
				ID: r.id, Created: r.created, Modified: r.modified, Into: r.into, ArchivedAt: r.archivedAt, Values: r.values,
				Versions: r.versions, Writes: r.writes, State: uint8(r.state), Origin: r.origin,
			}
			for _, w := range r.wrote {
				s.Wrote = append(s.Wrote, w.prop, w.n)
			}
			if err := enc.Encode(s); err != nil {
				return fmt.Errorf("sandbox: write snapshot: %w", err)
			}
		}
	}
	return nil
}

// LoadHubSpot makes the portal that Snapshot wrote. The options are as for NewHubSpot, but the portal's id is that of the
// snapshot.
func LoadHubSpot(r io.Reader, o HubSpotOptions) (*HubSpot, error) {
	dec := gob.NewDecoder(r)
	var head snapshotHead
	if err := dec.Decode(&head); err != nil {
		return nil, fmt.Errorf("sandbox: read snapshot: %w", err)
	}
	if head.Version != snapshotVersion {
		return nil, fmt.Errorf("sandbox: snapshot has version %d, this one reads %d", head.Version, snapshotVersion)
	}
	o.PortalID = head.PortalID
	h := NewHubSpot(o)
	h.serial, h.rules = head.Serial, head.Rules
	h.tally.patches, h.tally.patched = head.Patches, head.Patched
	if head.Occurrences != nil {
		h.occurrences = head.Occurrences
	}
	for i, t := range [2]*objects{h.contacts, h.deals} {
		s := head.Objects[i]
		t.lastID = s.LastID
		if s.Linked != nil {
			t.linked = s.Linked
		}
		t.restoreSchema(s)
		t.lag = 0
		for range s.Records {
			var x snapshotRecord
			if err := dec.Decode(&x); err != nil {
				return nil, fmt.Errorf("sandbox: read snapshot: %w", err)
			}
			r := record{
				id: x.ID, created: x.Created, modified: x.Modified, into: x.Into, archivedAt: x.ArchivedAt, values: x.Values,
				versions: x.Versions, trim: len(x.Versions) * 2, writes: x.Writes, state: lifeState(x.State), origin: x.Origin,
			}
			for pair := range slices.Chunk(x.Wrote, 2) {
				r.wrote = append(r.wrote, wroteCount{pair[0], pair[1]})
			}
			ord := t.table.add(r, 0)
			switch r.state {
			case alive:
				if t == h.contacts {
					h.readdress(ord, "", r.values)
				}
			case archived:
				t.deletes[r.id] = true
			}
		}
		t.lag = o.SearchLag
	}
	return h, nil
}

// restoreSchema puts the definitions of a snapshot in place of the standard ones, with their numbers.
func (t *objects) restoreSchema(s snapshotObject) {
	standard := t.byName
	t.list, t.byName, t.groups = nil, map[string]*property{}, nil
	for _, x := range s.Properties {
		w := x.Wire
		p := &property{
			name: w.Name, label: w.Label, description: w.Description, typ: w.Type, fieldType: w.FieldType, group: w.GroupName,
			options: w.Options, displayOrder: w.DisplayOrder, defined: w.HubspotDefined, readOnly: w.ModificationMetadata.ReadOnlyValue,
			calculated: w.Calculated, hidden: w.Hidden, form: w.FormField, uniq: w.HasUniqueValue, external: w.ExternalOptions,
			archived: w.Archived, created: x.Created, updated: x.Updated, archivedAt: x.ArchivedAt, source: x.Source,
		}
		if std, ok := standard[p.name]; ok {
			p.meaning = std.meaning
		}
		t.define(p)
	}
	for _, g := range s.Groups {
		t.groups = append(t.groups, &group{g.Wire.Name, g.Wire.Label, g.Wire.DisplayOrder, g.Defined, g.Wire.Archived})
	}
}
