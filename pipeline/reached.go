package pipeline

import (
	"encoding/json"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/state"
)

// reached counts the people that a source told of, and those of them who are in no CRM.
type reached struct {
	People    int64 `json:"people"`
	Strangers int64 `json:"strangers"`
}

func reachedBy(tx *state.Tx, source string) (r reached) {
	_ = json.Unmarshal(tx.Setting("reached/"+source), &r) // absent before the first page; it only informs
	return r
}

// countReached adds a page of people to the counts of a source.
func countReached(tx *state.Tx, source string, page *Found) error {
	if page.Seen == 0 {
		return nil
	}
	r := reachedBy(tx, source)
	r.People += int64(page.Seen)
	r.Strangers += int64(page.Unknown)
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return tx.SetSetting("reached/"+source, b)
}

// intake are the counts of a source: its own, and whom it reached.
func (p *Pipeline) intake(source string, r connectors.IntakeReporter) *connectors.Intake {
	i, err := r.Intake()
	if err != nil {
		return nil // what ails the source shows in its own condition
	}
	_ = p.db.View(func(tx *state.Tx) error {
		by := reachedBy(tx, source)
		i.People, i.Strangers = by.People, by.Strangers
		return nil
	})
	return &i
}
