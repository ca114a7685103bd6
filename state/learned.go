package state

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Learned is what was learned once from people whose outcomes are known: the model, by what evidence, and what became of it. No person is in it: numbers
// by feature, and words that several people share.
type Learned struct {
	ID        uint64          `json:"id"` // grows
	At        time.Time       `json:"at"`
	By        string          `json:"by"`                  // who had it learned: learn (a command), schedule or import
	Engine    string          `json:"engine,omitempty"`    // the engine that does best by it out of time; "" of an import, which nothing judged
	Weights   json.RawMessage `json:"weights,omitempty"`   // of the components; none: nothing was learned of them
	Strengths string          `json:"strengths,omitempty"` // coefficients, as their file has them; none: nothing was learned
	Evidence  json.RawMessage `json:"evidence,omitempty"`
	Why       string          `json:"why,omitempty"`    // why it was not applied by itself, as a sentence
	Applied   time.Time       `json:"applied,omitzero"` // the last time
	AppliedBy string          `json:"applied_by,omitempty"`
	Undone    time.Time       `json:"undone,omitzero"` // after it was applied last; zero: it was not
	Turn      uint64          `json:"turn,omitempty"`  // grows with each that is applied, whatever the clock does
}

// InForce says that it was applied and not undone: of several the one that was applied last counts.
func (l *Learned) InForce() bool { return !l.Applied.IsZero() && l.Undone.IsZero() }

// Applied is the one of a list that counts; nil: none, so that the configuration's own settings do.
func Applied(list []Learned) (now *Learned) {
	for i := range list {
		if l := &list[i]; l.InForce() && (now == nil || l.Turn > now.Turn) {
			now = l
		}
	}
	return now
}

// keptLearned is how many are kept, the newest; those in force stay beyond it.
const keptLearned = 50

// What is wrong with a wish about something learned.
var (
	ErrNotLearned = errors.New("state: nothing was learned under that number")
	ErrNotApplied = errors.New("state: nothing that was learned is applied")
)

func learnedKey(id uint64) []byte { return binary.BigEndian.AppendUint64(nil, id) }

// learned are all that are kept, the oldest first.
func (tx *txn) learned() (list []Learned, err error) {
	c := tx.scan(bWeights, nil, nil, 0)
	for k, v := c.Next(); k != nil; k, v = c.Next() {
		var l Learned
		if json.Unmarshal(v, &l) != nil {
			return nil, damaged("learned model")
		}
		list = append(list, l)
	}
	return list, nil
}

func (tx *txn) putLearned(l *Learned) error {
	v, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("state: learned model %d: %w", l.ID, err)
	}
	return tx.put(bWeights, learnedKey(l.ID), v)
}

// PutLearned keeps something that was learned, under the number that it returns, and lets the oldest go that are more than are kept.
func (db *DB) PutLearned(l Learned) (id uint64, err error) {
	err = db.update(func(tx *txn) error {
		list, err := tx.learned()
		if err != nil {
			return err
		}
		id = 1
		if n := len(list); n > 0 {
			id = list[n-1].ID + 1
		}
		for i := 0; i <= len(list)-keptLearned; i++ {
			if list[i].InForce() {
				continue
			}
			if err := tx.del(bWeights, learnedKey(list[i].ID)); err != nil {
				return err
			}
		}
		l.ID = id
		return tx.putLearned(&l)
	})
	return id, err
}

// Learned are those that are kept, the newest first.
func (db *DB) Learned() ([]Learned, error) {
	return viewOf(db, func(tx *txn) ([]Learned, error) {
		list, err := tx.learned()
		for i, k := 0, len(list)-1; i < k; i, k = i+1, k-1 {
			list[i], list[k] = list[k], list[i]
		}
		return list, err
	})
}

// ApplyLearned puts one in force, and is that one as it is now.
func (db *DB) ApplyLearned(id uint64, by string, now time.Time) (Learned, error) {
	return db.changeLearned(func(list []Learned) (*Learned, error) {
		turn, found := uint64(0), (*Learned)(nil)
		for i := range list {
			turn = max(turn, list[i].Turn)
			if list[i].ID == id {
				found = &list[i]
			}
		}
		if found == nil {
			return nil, ErrNotLearned
		}
		found.Applied, found.AppliedBy, found.Undone, found.Turn = now, by, time.Time{}, turn+1
		return found, nil
	})
}

// UndoLearned takes back what is in force, and is that. What was applied before it counts again; without such a one, the configuration's own settings.
func (db *DB) UndoLearned(now time.Time) (Learned, error) {
	return db.changeLearned(func(list []Learned) (*Learned, error) {
		l := Applied(list)
		if l == nil {
			return nil, ErrNotApplied
		}
		l.Undone = now
		return l, nil
	})
}

// ExplainLearned notes why one was not applied by itself.
func (db *DB) ExplainLearned(id uint64, why string) error {
	_, err := db.changeLearned(func(list []Learned) (*Learned, error) {
		for i := range list {
			if list[i].ID == id {
				list[i].Why = why
				return &list[i], nil
			}
		}
		return nil, ErrNotLearned
	})
	return err
}

// changeLearned changes the one that choose picks.
func (db *DB) changeLearned(choose func([]Learned) (*Learned, error)) (changed Learned, err error) {
	err = db.update(func(tx *txn) error {
		list, err := tx.learned()
		if err != nil {
			return err
		}
		l, err := choose(list)
		if err != nil {
			return err
		}
		changed = *l
		return tx.putLearned(l)
	})
	return changed, err
}
