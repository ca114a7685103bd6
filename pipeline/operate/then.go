package operate

import (
	"context"
	"fmt"
	"time"

	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/state"
)

// Then is what somebody's score was at a moment, and what the same facts give under the settings in force now.
type Then struct {
	Person  string       `json:"person"`
	At      time.Time    `json:"at"`
	Since   time.Time    `json:"since"`           // since when it rested on what it rested on
	Signals int          `json:"signals"`         // it rested on, in and beyond the window
	Read    []score.Read `json:"read"`            // topics read about
	Shown   *ShownThen   `json:"shown,omitempty"` // what the CRM showed; nil: nothing that is kept
	Formula string       `json:"formula"`         // of then
	Was     *ScoreThen   `json:"was,omitempty"`   // worked out again under the settings of then; nil: see Note
	Now     ScoreThen    `json:"now"`             // worked out for the moment, under the settings of now
	Note    string       `json:"note,omitempty"`
}

// ShownThen is a score as a CRM took it. Score is in tenths.
type ShownThen struct {
	At    time.Time  `json:"at"`
	Score int        `json:"score"`
	Tier  score.Tier `json:"tier"`
}

// ScoreThen is a score as a formula gives it.
type ScoreThen struct {
	Formula  string         `json:"formula"`
	Parts    score.Parts    `json:"parts"`
	Tier     score.Tier     `json:"tier"`
	Rule     score.Rule     `json:"rule"`
	Stage    score.Stage    `json:"stage"`
	Trend    score.Trend    `json:"trend"`
	Product  string         `json:"product,omitempty"`
	Interest score.Interest `json:"interest,omitempty"`
}

// ExplainAt tells what a person's score was at a moment. The error for somebody of whom nothing is kept of then says since when something is.
func ExplainAt(ctx context.Context, p *pipeline.Pipeline, who string, at time.Time) (*Then, error) {
	id, err := mustFind(p, who)
	if err != nil {
		return nil, err
	}
	kept, ok, err := p.DB().Kept(id)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, pipeline.ErrUnknownPerson
	}
	k := state.SnapshotAt(kept.Snapshots, at)
	switch {
	case len(kept.Snapshots) == 0:
		return nil, fmt.Errorf("nothing is kept of what this person's score rested on: they were not worked out yet, nothing they did counts, or an earlier release did it")
	case k < 0:
		return nil, fmt.Errorf("what this person's score rested on is kept since %s only (privacy.retention.snapshots)", kept.Snapshots[0].At.UTC().Format("2 Jan 2006 15:04 UTC"))
	}
	snap, err := score.DecodeSnapshot(kept.Snapshots[k].Body)
	if err != nil {
		return nil, err
	}
	out := &Then{Person: id.Key(), At: at, Since: kept.Snapshots[k].At, Signals: len(snap.Features.Signals), Read: snap.Read, Formula: snap.Formula}
	prev := score.Shown{Tier: snap.Previous} // what hysteresis goes by
	for _, point := range kept.History {
		if !point.At.After(at) {
			out.Shown = &ShownThen{point.At, int(point.Score), score.Tier(point.Tier)}
		}
	}
	if out.Shown != nil && !out.Shown.At.Before(out.Since) {
		prev.Tier = out.Shown.Tier
	}
	setup := p.Setup()
	was, known, err := p.SettingsOf(snap.Settings)
	switch {
	case err != nil:
		return nil, err
	case snap.Formula != score.Version:
		out.Note = fmt.Sprintf("by formula %s, not recomputed: this release has formula %s", snap.Formula, score.Version)
	case !known:
		out.Note = "the settings of then are not kept any more"
	default:
		then := scoreThen(&was, &snap.Features, prev, at)
		out.Was = &then
	}
	if !known {
		was = setup.Score
	}
	restated := setup.Restate(ctx, &snap, &was)
	out.Now = scoreThen(&setup.Score, &restated, prev, at)
	return out, nil
}

func scoreThen(s *score.Settings, f *score.Features, prev score.Shown, at time.Time) ScoreThen {
	shown, parts, rule := s.Show(f, prev, at)
	return ScoreThen{score.Version, parts, shown.Tier, rule, shown.Stage, shown.Trend, shown.Product, shown.Interest}
}
