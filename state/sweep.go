package state

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
)

// Phase is how far a sweep is.
type Phase string

const (
	Walk    Phase = "walk"    // page by page through the CRM
	Compare Phase = "compare" // which known records it did not meet
	Clean   Phase = "clean"   // what it met is forgotten
)

// Sweep is where a slow full pass over a CRM stands.
type Sweep struct {
	CRM     string    `json:"-"`
	Started time.Time `json:"started"`
	Phase   Phase     `json:"phase"`
	After   string    `json:"after"` // object and key up to which it has compared
}

// Feed is the name of the sweep's cursor, and of what is kept of it.
func (s *Sweep) Feed() string { return sweepKey(s.CRM) }

func sweepKey(crm string) string { return "sweep/" + crm }
func sweptKey(crm string) string { return "swept/" + crm }

func (tx *txn) putSweep(s *Sweep) error {
	b, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return tx.SetSetting(s.Feed(), b)
}

// BeginSweep is the sweep of a CRM that is under way, or a new one from the start.
func (db *DB) BeginSweep(crm string, now time.Time) (s Sweep, err error) {
	running := false
	if err := db.view(func(tx *txn) error {
		b := tx.Setting(sweepKey(crm))
		if running = len(b) > 0; !running {
			return nil
		}
		return json.Unmarshal(b, &s)
	}); err != nil {
		return s, fmt.Errorf("state: sweep of %s: %w", crm, err)
	}
	s.CRM = crm
	if running {
		return s, nil
	}
	s.Started, s.Phase = now, Walk
	return s, db.update(func(tx *txn) error {
		if err := tx.SetCursor(s.Feed(), nil); err != nil {
			return err
		}
		return tx.putSweep(&s)
	})
}

// TakeSwept is TakeRecords for a page of a sweep, which also notes what was met. After the last page the sweep compares.
func (db *DB) TakeSwept(s Sweep, page RecordPage, last bool) (Taken, error) {
	return updateOf(db, func(tx *txn) (taken Taken, err error) {
		refs := make([]connectors.Ref, len(page.Records))
		for i := range page.Records {
			refs[i] = page.Records[i].Ref
		}
		if err := tx.MarkMet(s.Feed(), refs); err != nil {
			return taken, err
		}
		if last {
			s.Phase = Compare
			if err := tx.putSweep(&s); err != nil {
				return taken, err
			}
		}
		return tx.takeRecords(&page)
	})
}

// CompareSwept looks at up to n known records of the objects after those that the sweep has compared, and queues the people of those it did
// not meet. next is to be gone on with; it is in phase Clean when all were compared.
func (db *DB) CompareSwept(s Sweep, objects []string, n int, now time.Time) (next Sweep, missing int, err error) {
	err = db.update(func(tx *txn) error {
		next, missing = s, 0
		object, after, _ := strings.Cut(s.After, "\x00")
		i := 0
		for ; i < len(objects) && object != "" && objects[i] != object; i++ {
		}
		if i >= len(objects) {
			next.Phase, next.After = Clean, ""
			return tx.putSweep(&next)
		}
		refs, cont, err := tx.Contacts(s.CRM, objects[i], after, n)
		if err != nil {
			return err
		}
		for _, ref := range refs {
			if tx.Met(s.Feed(), ref) {
				continue
			}
			rec, ok, err := tx.Contact(ref)
			if err != nil {
				return err
			}
			if !ok || rec.Paused || rec.Modified.After(s.Started) {
				continue
			}
			missing++
			if err := tx.Enqueue(rec.Person, Backfill, ReasonSweep|ReasonMerge, now); err != nil {
				return err
			}
		}
		switch {
		case len(refs) > 0 && cont != "":
			next.After = objects[i] + "\x00" + cont
		case i+1 < len(objects):
			next.After = objects[i+1] + "\x00"
		default:
			next.Phase, next.After = Clean, ""
		}
		return tx.putSweep(&next)
	})
	return next, missing, err
}

// EndSweep forgets up to n records of what a sweep has met, and is done when none are left: the pass then counts as ended.
func (db *DB) EndSweep(s Sweep, n int, now time.Time) (done bool, err error) {
	err = db.update(func(tx *txn) error {
		more, err := tx.DropMet(s.Feed(), n)
		if done = !more; more || err != nil {
			return err
		}
		if err := tx.SetCursor(s.Feed(), nil); err != nil {
			return err
		}
		if err := tx.SetSetting(s.Feed(), nil); err != nil {
			return err
		}
		stamp, err := now.UTC().MarshalText()
		if err != nil {
			return err
		}
		return tx.SetSetting(sweptKey(s.CRM), stamp)
	})
	return done && err == nil, err
}

// LastSweep is when the last full pass over a CRM ended; zero if none ever did.
func (db *DB) LastSweep(crm string) (time.Time, error) {
	return viewOf(db, func(tx *txn) (t time.Time, err error) {
		if b := tx.Setting(sweptKey(crm)); len(b) > 0 {
			err = t.UnmarshalText(b)
		}
		return t, err
	})
}

// MarkMet notes which records a sweep has met.
func (tx *txn) MarkMet(sweep string, refs []connectors.Ref) error {
	name, _, err := tx.nameID("sweep\x00"+sweep, true)
	if err != nil {
		return err
	}
	var buf [64]byte
	for _, ref := range refs {
		key, _, err := tx.refKey(appendKind(buf[:0], name), ref, true)
		if err != nil {
			return err
		}
		if err := tx.put(bSeen, key, nil); err != nil {
			return err
		}
	}
	return nil
}

// Met says whether a sweep has met a record.
func (tx *txn) Met(sweep string, ref connectors.Ref) bool {
	name, ok, err := tx.nameID("sweep\x00"+sweep, false)
	if !ok || err != nil {
		return false
	}
	var buf [64]byte
	key, ok, err := tx.refKey(appendKind(buf[:0], name), ref, false)
	return ok && err == nil && tx.get(bSeen, key) != nil
}

// DropMet forgets up to n records of what a sweep has met; more says that some are left.
func (tx *txn) DropMet(sweep string, n int) (more bool, err error) {
	name, ok, err := tx.nameID("sweep\x00"+sweep, false)
	if !ok || err != nil {
		return false, err
	}
	var buf [8]byte
	dropped, err := tx.dropPrefix(bSeen, appendKind(buf[:0], name), n)
	return dropped == n && n > 0, err
}
