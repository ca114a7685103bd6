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

// unknownTo are the forms sent, by name, that nothing in the config of then knew: all ever, and those that b does not know either.
func (u *unknownForms) unknownTo(b *journey.Builder) (ever int64, now map[string]int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	now = maps.Clone(u.by)
	maps.DeleteFunc(now, func(name string, _ int64) bool { return b.KnowsForm(name) })
	return connectors.Total(u.by), now
}
