package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/pipeline/topics"
)

// SettingsOf are the settings whose hash a snapshot or receipt names; false if the state does not have them.
func (p *Pipeline) SettingsOf(hash uint64) (s score.Settings, ok bool, err error) {
	b, err := p.db.Setting(settingsKey(hash))
	if err != nil || len(b) == 0 {
		return s, false, err
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return s, false, fmt.Errorf("scoring settings of then: %w", err)
	}
	return s, true, nil
}

// Restate is what the features of a snapshot are under the setup: its strengths, and its topics matched with what the person read about. No model is asked: where one
// matched a topic that is still configured, its word of then stands. was are the settings that the snapshot was taken under.
func (s *Setup) Restate(ctx context.Context, snap *score.Snapshot, was *score.Settings) score.Features {
	f := snap.Features
	f.Signals = slices.Clone(f.Signals)
	f.Restate(was, &s.Score)
	var names []string
	seen := map[string]topics.Span{}
	for _, t := range snap.Read {
		if _, twice := seen[t.Name]; t.Last != 0 && !twice {
			names, seen[t.Name] = append(names, t.Name), topics.Span{First: t.First, Last: t.Last}
		}
	}
	slices.Sort(names)
	matches, _, _ := s.Topics.Offline().Match(ctx, names)
	matched, _ := topics.Count(matches, seen)
	for _, t := range f.Topics {
		win, configured := s.Topics.Side(t.Name)
		if !configured || win != (t.Points > 0) || slices.ContainsFunc(matched, func(have score.Topic) bool { return have.Name == t.Name }) {
			continue
		}
		matched = append(matched, t)
	}
	f.Topics = matched
	return f
}
