package state

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/intentd/intentd/connectors"
)

// ActivityPage is a page of people whom a source saw.
type ActivityPage struct {
	Source   string
	Feed     string            // name of the cursor that the page moves
	Next     connectors.Cursor // where it moves to
	CaughtUp bool              // the source has told what there was before it was ever asked
	People   []connectors.Person
	Lane     Lane
	Settle   time.Duration // how long those wait who can (connectors.Person.CanWait), so that more of what they do goes together
	Rules    *IdentityRules
	Now      time.Time
}

// TakeActive links the identifiers a source saw to the people they belong to, queues those, and moves the cursor, all or nothing
// (invariant 1).
func (db *DB) TakeActive(page ActivityPage) (Taken, error) {
	return updateOf(db, func(tx *txn) (Taken, error) { return tx.takeActive(&page) })
}

func (tx *txn) takeActive(page *ActivityPage) (taken Taken, err error) {
	g := tx.registry(page.Rules, page.Now)
	for i := range page.People {
		taken.Seen++
		queued := 0
		err := tx.Attempt(func() error {
			who, err := g.resolve(page.Source, &page.People[i])
			if err != nil {
				return err
			}
			for _, id := range who {
				if err := tx.enqueueActive(page, id, page.People[i].CanWait); err != nil {
					return err
				}
			}
			queued = len(who)
			return nil
		})
		switch {
		case errors.Is(err, ErrRecord):
			taken.Damaged++
		case err != nil:
			return taken, err
		case queued == 0:
			taken.Unknown++
		default:
			taken.Queued += queued
		}
	}
	if err := tx.countReached(page.Source, &taken); err != nil {
		return taken, err
	}
	if page.CaughtUp {
		if err := tx.SetSetting(listenedKey(page.Source), []byte("1")); err != nil {
			return taken, err
		}
	}
	return taken, tx.moveCursor(page.Feed, page.Next)
}

// enqueueActive queues somebody who did something. In the live lane those who can wait are claimed behind those who cannot.
func (tx *txn) enqueueActive(page *ActivityPage, id PersonID, canWait bool) error {
	if page.Lane == Live && canWait {
		return tx.enqueue(id, Live, ReasonActivity, page.Now, page.Now.Add(page.Settle))
	}
	return tx.Enqueue(id, page.Lane, ReasonActivity, page.Now)
}

func listenedKey(source string) string { return "listened/" + source }

// Listened says whether a source has told what there was before it was ever asked.
func (db *DB) Listened(source string) (bool, error) {
	return viewOf(db, func(tx *txn) (bool, error) { return tx.Setting(listenedKey(source)) != nil, nil })
}

// Reached counts the people that a source told of, and those of them who are in no CRM.
type Reached struct {
	People    int64 `json:"people"`
	Strangers int64 `json:"strangers"`
}

func (tx *txn) reached(source string) (r Reached) {
	_ = json.Unmarshal(tx.Setting("reached/"+source), &r) // absent before the first page; it only informs
	return r
}

// Reached counts whom a source has told of so far.
func (db *DB) Reached(source string) (Reached, error) {
	return viewOf(db, func(tx *txn) (Reached, error) { return tx.reached(source), nil })
}

// countReached adds a page of people to the counts of a source.
func (tx *txn) countReached(source string, page *Taken) error {
	if page.Seen == 0 {
		return nil
	}
	r := tx.reached(source)
	r.People += int64(page.Seen)
	r.Strangers += int64(page.Unknown)
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return tx.SetSetting("reached/"+source, b)
}
