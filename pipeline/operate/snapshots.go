package operate

import (
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/state"
)

// AskedSnapshot asks what the score of a record's person rested on at a moment.
type AskedSnapshot struct {
	Ref connectors.Ref `json:"ref"`
	At  time.Time      `json:"at"`
}

// KeptSnapshots answer in order.
type KeptSnapshots struct {
	Snapshots []KeptSnapshot            `json:"snapshots"`
	Settings  map[uint64]score.Settings `json:"settings"` // that they name, by hash, as far as they are kept
}

// KeptSnapshot is what is kept of a moment. Body is for score.DecodeSnapshot; nil: nothing is kept of then.
type KeptSnapshot struct {
	Since time.Time `json:"since,omitzero"`
	Body  []byte    `json:"body,omitempty"`
}

// SnapshotsAt are the snapshots that held at the moments asked for. One that cannot be read counts as none.
func SnapshotsAt(p *pipeline.Pipeline, asked []AskedSnapshot) (*KeptSnapshots, error) {
	out := &KeptSnapshots{Snapshots: make([]KeptSnapshot, len(asked)), Settings: map[uint64]score.Settings{}}
	for i, a := range asked {
		id, err := p.DB().Find(state.Lookup{Refs: []connectors.Ref{a.Ref}}, p.Setup().IdentityRules())
		if err != nil {
			return nil, err
		}
		list, err := p.DB().SnapshotsOf(id)
		if err != nil {
			return nil, err
		}
		k := state.SnapshotAt(list, a.At)
		if k < 0 {
			continue
		}
		snap, err := score.DecodeSnapshot(list[k].Body)
		if err != nil {
			continue
		}
		out.Snapshots[i] = KeptSnapshot{list[k].At, list[k].Body}
		if _, have := out.Settings[snap.Settings]; !have {
			set, known, err := p.SettingsOf(snap.Settings)
			if err != nil {
				return nil, err
			}
			if known {
				out.Settings[snap.Settings] = set
			}
		}
	}
	return out, nil
}
