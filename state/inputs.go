package state

import (
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
