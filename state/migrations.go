package state

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/intentd/intentd/state/engine"
)

// migrations[i] leads from version i to i+1. Version 0 is a state that has no schema yet: a new one, or one whose making was
// cut short.
var migrations = []migration{
	{"make buckets and secret", func(tx engine.Tx, _ []byte) ([]byte, error) {
		for id := range bucketID(len(buckets)) {
			if err := tx.Make(id); err != nil {
				return nil, err
			}
		}
		if len(tx.Get(bMeta, secretKey)) == 32 {
			return nil, nil
		}
		secret := make([]byte, 32)
		if _, err := rand.Read(secret); err != nil {
			return nil, fmt.Errorf("make the install secret: %w", err)
		}
		return nil, tx.Put(bMeta, secretKey, secret)
	}},
	{"make room for snapshots", func(tx engine.Tx, _ []byte) ([]byte, error) { return nil, tx.Make(bSnapshots) }},
	{"make room for alerts", func(tx engine.Tx, _ []byte) ([]byte, error) { return nil, tx.Make(bAlerts) }},
	{"rank people by tier and score", rankPeople},
	{"make room for counts by hour", func(tx engine.Tx, _ []byte) ([]byte, error) { return nil, tx.Make(bHours) }},
}

// rankPart is how many people a part of the migration enters into the ranking.
const rankPart = 20_000

// rankPeople enters those into the ranking who were there before it.
func rankPeople(e engine.Tx, from []byte) (next []byte, err error) {
	for _, b := range []bucketID{bRank, bScores} {
		if err := e.Make(b); err != nil {
			return nil, err
		}
	}
	type place struct {
		id PersonID
		is ranked
	}
	var places []place
	n := 0
	c := e.Scan(engine.Range{Bucket: bPeople, From: from, Limit: rankPart})
	for k, v := c.Next(); k != nil; k, v = c.Next() {
		if n++; n == rankPart {
			next = append(slices.Clone(k), 0)
		}
		_, core, err := split(v)
		if err != nil || len(k) != 4 {
			continue // the lot that meets them tells
		}
		if r, err := rankedOf(core); err == nil && r.tier > 0 {
			places = append(places, place{PersonID(binary.BigEndian.Uint32(k)), r})
		}
	}
	slices.SortFunc(places, func(a, b place) int { return int(a.is.place()) - int(b.is.place()) }) // neighbours go into one cell
	tx := &txn{e: e, w: new(write)}
	for _, p := range places {
		if err := tx.setRank(p.id, ranked{}, p.is); err != nil {
			return nil, err
		}
	}
	return next, nil
}
