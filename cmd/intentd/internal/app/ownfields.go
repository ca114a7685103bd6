package app

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/state"
)

// A field that a configuration adds is kept in mind when a later one does without it, until no record shows a value of ours in it: such a value is to be
// emptied, for it would age.

const addedKey = "added_fields"

// added are the fields that configurations added, as far as one of them is in force or a record still shows it.
func (a *App) added() (names []string) {
	if b, err := a.db.Setting(addedKey); err == nil && b != nil {
		_ = json.Unmarshal(b, &names) // else they are noted again
	}
	return names
}

// ownFields are intentd's fields under the configuration, and those of earlier ones that are to be emptied.
func (b *builder) ownFields() connectors.FieldSet {
	return connectors.PersonFieldsWith(append(b.cfg.AddedFields(), b.a.added()...)...)
}

// noteFields keeps in mind which fields there are beside everybody's.
func (a *App) noteFields() error {
	before, now := a.added(), a.Config().AddedFields()
	for _, name := range before {
		if slices.Contains(now, name) {
			continue
		}
		shown, err := a.showsField(name)
		if err != nil {
			return fmt.Errorf("look whether %s is still filled: %w", name, err)
		}
		if shown {
			now = append(now, name)
		}
	}
	if slices.Equal(before, now) {
		return nil
	}
	v, err := json.Marshal(now)
	if err != nil {
		return err
	}
	return a.db.SetSetting(addedKey, v)
}

// showsField says whether the CRM shows a value of ours in a field of anybody.
func (a *App) showsField(name string) (bool, error) {
	f, _ := connectors.AllPersonFields().Named(name)
	empty := state.FieldHash(f.Number, "")
	for from := state.PersonID(1); from > 0; {
		ids, _, next, err := a.db.PeopleFrom(from, 1000)
		if err != nil {
			return false, err
		}
		from = next
		entries := make([]state.Entry, len(ids))
		for i, id := range ids {
			entries[i].Person = id
		}
		loaded, err := a.db.LoadLot(entries)
		if err != nil {
			return false, err
		}
		for i := range loaded {
			for _, r := range loaded[i].Records {
				if own := r.Contact.Own.At(f.Number); !own.Held && own.Wrote != 0 && own.Wrote != empty {
					return true, nil
				}
			}
		}
	}
	return false, nil
}
