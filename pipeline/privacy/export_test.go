package privacy

import (
	"encoding/json"
	"testing"

	"github.com/intentd/intentd/state"
)

// What a record's own fields are in an export stays as scripts know it: sixteen hashes and the bits of held fields.
func TestAnExportKeepsItsForm(t *testing.T) {
	b, err := json.Marshal(RecordData{Kept: keptRecord(state.Contact{Person: 4, Own: state.OwnFields{{Wrote: 7}, {Wrote: 8, Held: true}}})})
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Kept struct {
			Person int
			Wrote  []uint32
			Held   int
			Own    any
		} `json:"kept"`
	}
	if err := json.Unmarshal(b, &got); err != nil || got.Kept.Person != 4 || len(got.Kept.Wrote) != 16 || got.Kept.Wrote[1] != 8 || got.Kept.Held != 2 || got.Kept.Own != nil {
		t.Errorf("%s, %v", b, err)
	}
}
