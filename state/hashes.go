package state

import (
	"maps"
	"slices"

	"github.com/cespare/xxhash/v2"

	"github.com/intentd/intentd/connectors"
)

// InputsHash is the first of the four hashes: what a CRM says of a record, without intentd's own fields, the verdict included. The
// order of map keys does not matter, and modification times do not enter. Never 0.
func InputsHash(c *connectors.Contact) uint64 {
	d := xxhash.New()
	w := func(s string) {
		_, _ = d.WriteString(s)
		_, _ = d.Write([]byte{0})
	}
	w(c.State.String())
	for _, e := range c.Emails {
		w(e)
	}
	w("\x01")
	for _, ph := range c.Phones {
		w(ph)
	}
	w("\x01")
	pr := &c.Profile
	for _, s := range [...]string{pr.FirstName, pr.LastName, pr.JobTitle, pr.Company, pr.Lifecycle, pr.LeadStatus, c.Owner, c.Group} {
		w(s)
	}
	var few [24]string
	keys := few[:0]
	for k, v := range c.Fields {
		if v != "" {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for _, k := range keys {
		w(k)
		w(c.Fields[k])
	}
	if h := d.Sum64(); h != 0 {
		return h
	}
	return 1
}

// PatchHash is that of what a patch is to write, the two fields left out that change with every look: 0 for nothing.
func PatchHash(fields map[string]string) (sum uint64) {
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if name == connectors.FieldScoredAt || name == connectors.FieldLastSignalAt {
			continue
		}
		sum = sum*0x100000001b3 ^ xxhash.Sum64String(name+"\x00"+fields[name])
	}
	return sum
}

// FieldHash is what OwnField.Wrote and Pending.Maybe hold of the canonical value of the own field with a number: never 0, and 24 bits, so
// that a record stays small; one changed value in 16 million goes unnoticed. It is part of the file format.
func FieldHash(number int, value string) uint32 { return fieldHash(number, xxhash.Sum64String(value)) }

func fieldHash(number int, sum uint64) uint32 {
	h := (sum + uint64(number)) * 0x9e3779b97f4a7c15 // 2^64 over the golden ratio: spreads neighbours
	if h >>= 40; h != 0 {
		return uint32(h)
	}
	return 1
}
