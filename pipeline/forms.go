package pipeline

import (
	"encoding/json"
	"maps"
	"sync"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/state"
)

// unknownForms counts the forms that were sent and that nothing in the config knew by name, each once: they count as form_submit, and a
// request may be among them. The counts outlive restarts.
type unknownForms struct {
	db *state.DB
	mu sync.Mutex
	by map[string]int64 // by name, as connectors.CountName has it
}

const formsKey = "forms"

func (u *unknownForms) load(db *state.DB) error {
	u.db = db
	v, err := db.Setting(formsKey)
	if err != nil || len(v) == 0 {
		return err
	}
	return json.Unmarshal(v, &u.by)
}

// count adds forms and keeps the counts with the next commit.
func (u *unknownForms) count(names []string) {
	if len(names) == 0 {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, name := range names {
		u.by = connectors.CountName(u.by, name)
	}
	if v, err := json.Marshal(u.by); err == nil {
		u.db.SetSettingLater(formsKey, v)
	}
}

// UnknownForms are the forms sent, by name, that nothing in the config of then knew: all ever, and those that b does not know either.
func (p *Pipeline) UnknownForms(b *journey.Builder) (ever int64, now map[string]int64) {
	p.forms.mu.Lock()
	defer p.forms.mu.Unlock()
	now = maps.Clone(p.forms.by)
	maps.DeleteFunc(now, func(name string, _ int64) bool { return b.KnowsForm(name) })
	return connectors.Total(p.forms.by), now
}

// newForms are the unknown forms among what is new of a subject: what the last receipt names was counted.
func (l *lot) newForms(s *subject) (names []string) {
	for _, form := range s.journey.UnknownForms {
		counted := false
		if last := l.lastReceipt(s); last != nil {
			for i := range last.Signals {
				counted = counted || last.Signals[i].EventID == form.EventID
			}
		}
		if !counted {
			names = append(names, form.Name)
		}
	}
	return names
}
