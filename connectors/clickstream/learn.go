package clickstream

import (
	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/identity"
)

// lookUp is the group of e, and whether the links need no change for e.
func (r *recent) lookUp(l links, e *connectors.Event) (uint64, bool, error) {
	ids := idsOf(l.rules, e)
	own := -1
	for i := range ids {
		if ids[i].Kind != 0 {
			own = i
			break
		}
	}
	first, ok := r.get(place(ids[own]))
	if own == len(ids)-1 { // only a device: nothing to link
		if !ok {
			if err := r.learnOne(l, ids[own]); err != nil {
				return nobody, true, err
			}
			first, _ = r.get(place(ids[own]))
		}
		if !first.mixed {
			return first.group, true, nil
		}
		runs, err := l.runsOf(ids[own])
		return ownerAt(runs, e.Time.UnixMilli()), true, err
	}
	for _, id := range ids[own+1:] {
		if id.Kind != 0 && ok {
			var k knownLink
			k, ok = r.get(place(id))
			ok = ok && !k.mixed && k.group == first.group && k.since <= e.Time.UnixMilli()
		}
	}
	return first.group, ok, nil
}

// learn remembers what the main file says of e's identifiers.
func (r *recent) learn(l links, e *connectors.Event) error {
	for _, id := range idsOf(l.rules, e) {
		if id.Kind == 0 {
			continue
		}
		if err := r.learnOne(l, id); err != nil {
			return err
		}
	}
	return nil
}

func (r *recent) learnOne(l links, id identifier) error {
	if id.Kind != identity.AnonymousID {
		r.put(place(id), knownLink{group: l.groupOf(id)})
		return nil
	}
	runs, err := l.runsOf(id)
	if err != nil {
		return err
	}
	k := knownLink{mixed: len(runs) > 1}
	if len(runs) == 1 {
		k.group, k.since = runs[0].owner, runs[0].start
	}
	r.put(place(id), k)
	return nil
}
