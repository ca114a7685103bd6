package clickstream

import (
	"cmp"
	"context"
	"encoding/binary"
	"time"

	"github.com/intentd/intentd/connectors"
	bolt "go.etcd.io/bbolt"
)

// Who withdraws their consent and is known is dealt with by whoever asks for their journey. Visitors whom nobody knows are noted, and what
// they did is erased with the next Prune, all of them in one pass.

// Withdraw erases what p did until a moment, on all devices that are theirs; links stay. What says that they withdrew their consent stays, too,
// and is kept under their name before the rest goes: of a device alone it could not be told any more whether there was a consent to
// withdraw. by is the CRM's property that says it, "" where they said it themselves. It can be repeated.
func (s *Store) Withdraw(ctx context.Context, source string, p connectors.Person, until time.Time, by string) (int, error) {
	var named []identifier
	err := s.view(func(tx *bolt.Tx) error {
		l := s.linksOf(tx)
		groups, err := l.groupsOf(p, l.rules.Space(source))
		if err == nil {
			named, err = l.stableOf(p, l.rules.Space(source), groups)
		}
		return err
	})
	if err == nil && len(named) > 0 {
		e := connectors.Event{Kind: connectors.KindConsent, Consent: "denied", Source: source, Time: until,
			Properties: map[string]string{connectors.PropWithdrawnBy: cmp.Or(by, connectors.WithdrawnThemselves)}}
		name(&e, named[0])
		_, err = s.Ingest(Batch{Source: source, Events: []connectors.Event{e}})
	}
	if err != nil {
		return 0, s.fail("note that consent was withdrawn", err)
	}
	s.intake.Lock()
	defer s.intake.Unlock()
	s.upkeep.Lock()
	defer s.upkeep.Unlock()
	var targets []target
	err = s.view(func(tx *bolt.Tx) (err error) {
		l := s.linksOf(tx)
		groups, err := l.groupsOf(p, "")
		if err == nil {
			targets, err = l.everything(p, groups)
		}
		return err
	})
	n := 0
	if err == nil && len(targets) > 0 {
		n, err = s.erase(ctx, targets, func(e *connectors.Event) bool { return e.Time.After(until) || e.Withdraws() }, func(*bolt.Tx) error { return nil })
	}
	if err != nil {
		return n, s.fail("erase what a person did", err)
	}
	return n, nil
}

// eraseWithdrawn erases what visitors did who withdrew their consent since the last call.
func (s *Store) eraseWithdrawn(ctx context.Context) error {
	s.intake.Lock()
	defer s.intake.Unlock()
	s.upkeep.Lock()
	defer s.upkeep.Unlock()
	var targets []target
	until := map[identifier]time.Time{}
	err := s.view(func(tx *bolt.Tx) error {
		l := s.linksOf(tx)
		return l.withdrawn.ForEach(func(k, v []byte) error {
			device := l.parse(k[0], string(k[1:]))
			at, _ := binary.Varint(v)
			if l.nodes.Get(k) == nil { // else somebody is known by it since
				targets = append(targets, l.target(device, 0, nil))
			}
			until[device] = time.Unix(at, 0)
			return nil
		})
	})
	if err != nil || len(until) == 0 {
		return err
	}
	rules := s.rules.Load()
	spared := func(e *connectors.Event) bool { return e.Withdraws() || e.Time.After(until[namedIn(rules, e)[3]]) }
	_, err = s.erase(ctx, targets, spared, func(tx *bolt.Tx) error {
		l := s.linksOf(tx)
		for device := range until {
			for _, id := range l.namedBy(device) {
				if err := l.dropProposal(id, device); err != nil {
					return err
				}
			}
			if err := l.withdrawn.Delete(l.key(device)); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}
