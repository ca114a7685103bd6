package app

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

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
	var dropped []string
	for _, name := range before {
		if !slices.Contains(now, name) {
			dropped = append(dropped, name)
		}
	}
	shown, err := a.shownOf(dropped)
	if err != nil {
		return fmt.Errorf("look whether %s are still filled: %w", strings.Join(dropped, ", "), err)
	}
	now = append(now, shown...)
	if slices.Equal(before, now) {
		return nil
	}
	v, err := json.Marshal(now)
	if err != nil {
		return err
	}
	return a.db.SetSetting(addedKey, v)
}

// shownOf are those of our fields in which the CRM shows a value of ours for anybody. Everybody is looked at, once for all fields.
func (a *App) shownOf(names []string) (shown []string, err error) {
	for from := state.PersonID(1); from > 0 && len(shown) < len(names); {
		ids, _, next, err := a.db.PeopleFrom(from, 1000)
		if err != nil {
			return nil, err
		}
		from = next
		entries := make([]state.Entry, len(ids))
		for i, id := range ids {
			entries[i].Person = id
		}
		loaded, err := a.db.LoadLot(entries)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if f, _ := connectors.AllPersonFields().Named(name); !slices.Contains(shown, name) && shows(loaded, f) {
				shown = append(shown, name)
			}
		}
	}
	return shown, nil
}

// shows says whether a record of somebody's shows a value of ours in a field.
func shows(loaded []state.Loaded, f connectors.Field) bool {
	empty := state.FieldHash(f.Number, "")
	for i := range loaded {
		for _, r := range loaded[i].Records {
			if own := r.Contact.Own.At(f.Number); !own.Held && own.Wrote != 0 && own.Wrote != empty {
				return true
			}
		}
	}
	return false
}
