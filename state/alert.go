package state

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/intentd/intentd/connectors"
)

// Alert is a change of tier that a channel is to tell somebody of. Person, At and Channel are its key: a change is told once by each
// channel, or again where nobody knows whether it was.
type Alert struct {
	Person   PersonID       `json:"person"`
	At       time.Time      `json:"at"` // when the CRM took the change, in whole milliseconds
	Channel  string         `json:"channel"`
	Ref      connectors.Ref `json:"ref"`   // the record that the change was first taken for
	Score    int32          `json:"score"` // tenths
	Tier     Tier           `json:"tier"`
	Attempts int            `json:"attempts,omitempty"` // that failed
	First    time.Time      `json:"first,omitzero"`     // the first of them
	Next     time.Time      `json:"next,omitzero"`      // when it is tried again
	Dead     bool           `json:"dead,omitempty"`     // a dead letter: it is not tried any more
	Message  string         `json:"message,omitempty"`  // why the last attempt failed
}

func (a *Alert) key(b []byte) []byte {
	return append(appendUint48(personKey(b, a.Person), millis(a.At)), a.Channel...)
}

func (tx *txn) putAlert(a *Alert) error {
	var key [64]byte
	b, err := tx.appendRef(nil, a.Ref)
	if err != nil {
		return err
	}
	var dead byte
	if a.Dead {
		dead = 1
	}
	b = append(binary.AppendVarint(b, int64(a.Score)), byte(a.Tier), dead)
	b = binary.AppendUvarint(b, uint64(max(a.Attempts, 0)))
	b = appendString(appendTime(appendTime(b, a.First), a.Next), a.Message)
	return tx.put(bAlerts, a.key(key[:0]), b)
}

func (tx *txn) decodeAlert(k, v []byte) (a Alert, err error) {
	if len(k) < 10 {
		return a, damaged("alert")
	}
	a = Alert{Person: PersonID(binary.BigEndian.Uint32(k)), At: time.UnixMilli(int64(uint48(k[4:]))).UTC(), Channel: string(k[10:])}
	r := reader{b: v}
	if a.Ref, err = tx.ref(r.view()); err != nil {
		return a, err
	}
	a.Score, a.Tier, a.Dead = int32(r.varint()), Tier(r.byte()), r.byte() != 0
	a.Attempts = int(r.uvarint())
	a.First, a.Next, a.Message = r.time(), r.time(), r.string()
	if r.bad {
		return a, damaged("alert")
	}
	return a, nil
}

// alertChange journals the alerts of a result that the CRM took, if the tier changed by it or the CRM shows it for the first time: another
// record of the person may have been first.
func (tx *txn) alertChange(p *Pending, before *Person, now time.Time) error {
	told := before.Tier == p.Next.Tier
	if p.Entered {
		told = string(before.Shown) == string(p.Next.Shown)
	}
	if len(p.Alerts) == 0 || told {
		return nil
	}
	for _, channel := range p.Alerts {
		if err := tx.putAlert(&Alert{Person: p.Person, At: now, Channel: channel, Ref: p.Patch.Ref, Score: p.Score, Tier: p.Next.Tier}); err != nil {
			return err
		}
	}
	return nil
}

// alertsOf are a person's alerts that were not told yet.
func (tx *txn) alertsOf(id PersonID) (out []Alert, err error) {
	var buf [4]byte
	c := tx.scan(bAlerts, personKey(buf[:0], id), nil, 0)
	for k, v := c.Next(); k != nil; k, v = c.Next() {
		a, err := tx.decodeAlert(k, v)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

// moveAlerts gives the alerts of one person to another: those of the given records, or, of none, all.
func (tx *txn) moveAlerts(from, to PersonID, of []connectors.Ref) error {
	alerts, err := tx.alertsOf(from)
	if err != nil {
		return err
	}
	for i := range alerts {
		a := &alerts[i]
		if len(of) > 0 && !slices.Contains(of, a.Ref) {
			continue
		}
		if err := tx.del(bAlerts, a.key(nil)); err != nil {
			return err
		}
		a.Person = to
		if err := tx.putAlert(a); err != nil {
			return err
		}
	}
	return nil
}

// dropAlerts erases a person's alerts of changes up to a moment; a zero one: all.
func (tx *txn) dropAlerts(id PersonID, until time.Time) error {
	var buf [4]byte
	for _, k := range tx.keysWith(bAlerts, personKey(buf[:0], id), -1) {
		if len(k) >= 10 && !until.IsZero() && uint48(k[4:]) > millis(until) {
			continue
		}
		if err := tx.del(bAlerts, k); err != nil {
			return err
		}
	}
	return nil
}

// Alerts is up to n alerts that were not told yet, dead letters among them, after a key, "" for the first. next is the key to go on after,
// "" at the end. One that cannot be read is left out.
func (db *DB) Alerts(after string, n int) (out []Alert, next string, err error) {
	err = db.view(func(tx *txn) error {
		out, next = nil, ""
		var from []byte
		if after != "" {
			from = append([]byte(after), 0)
		}
		c := tx.scan(bAlerts, nil, from, n+1)
		last, met := "", 0
		for k, v := c.Next(); k != nil; k, v = c.Next() {
			if met == n {
				next = last
				return nil
			}
			if a, err := tx.decodeAlert(k, v); err == nil {
				out = append(out, a)
			}
			last, met = string(k), met+1
		}
		return nil
	})
	return out, next, err
}

// SettleAlerts ends alerts, because they were told or given up, and keeps how others stand. Those that are gone, as of somebody forgotten
// meanwhile, stay gone.
func (db *DB) SettleAlerts(ended, changed []Alert) error {
	return db.update(func(tx *txn) error {
		for i := range ended {
			if err := tx.del(bAlerts, ended[i].key(nil)); err != nil {
				return err
			}
		}
		for i := range changed {
			if tx.get(bAlerts, changed[i].key(nil)) == nil {
				continue
			}
			if err := tx.putAlert(&changed[i]); err != nil {
				return err
			}
		}
		return nil
	})
}
