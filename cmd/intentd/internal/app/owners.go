package app

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/operate"
)

// ownerNames are the names of a CRM's owners. Those not known are asked for in one go; an owner whom the CRM does not name, or may not, is left out, and
// the id stands for them: doctor says what is missing. A CRM that refused is not asked again for a while.
func (a *App) ownerNames(ctx context.Context, crm string, owners []string) map[string]string {
	now := a.o.Now()
	const refused = "" // the key of a CRM that refused; no owner has that id
	key := func(id string) string { return crm + "/" + id }
	keys := []string{key(refused)}
	for _, id := range owners {
		if id != "" {
			keys = append(keys, key(id))
		}
	}
	known, unknown := a.owners.of(keys, now)
	if _, is := known[key(refused)]; !is && len(unknown) > 1 {
		said := map[string]string{}
		for _, c := range a.pipe.Setup().CRMs {
			namer, ok := c.CRM.(connectors.OwnerNamer)
			if c.Name != crm || !ok {
				continue
			}
			var ask []string
			for _, k := range unknown[1:] {
				if id := strings.TrimPrefix(k, crm+"/"); !slices.Contains(ask, id) {
					ask = append(ask, id)
				}
			}
			names, err := namer.OwnerNames(ctx, ask)
			if err != nil {
				said[key(refused)] = ""
				break
			}
			for _, id := range ask {
				said[key(id)] = names[id]
			}
		}
		a.owners.keep(said, now)
		maps.Copy(known, said)
	}
	names := map[string]string{}
	for _, id := range owners {
		if name := known[key(id)]; name != "" {
			names[id] = name
		}
	}
	return names
}

// nameOwners fills in what the owners of people on a list are called: one call of each CRM, or none where it was asked lately.
func (a *App) nameOwners(ctx context.Context, people []operate.RankedPerson) {
	ask := map[string][]string{}
	for i := range people {
		if p := &people[i]; p.Owner != "" {
			crm, _, _ := strings.Cut(p.Ref, "/")
			ask[crm] = append(ask[crm], p.Owner)
		}
	}
	names := map[string]map[string]string{}
	for crm, owners := range ask {
		names[crm] = a.ownerNames(ctx, crm, owners)
	}
	for i := range people {
		crm, _, _ := strings.Cut(people[i].Ref, "/")
		people[i].OwnerName = names[crm][people[i].Owner]
	}
}

// examineOwners are the doctor's words about whether owners can be read; unread says what follows where they cannot.
func examineOwners(ctx context.Context, made *built, unread Checked) (out []Checked) {
	for _, crm := range made.setup.CRMs {
		owners, ok := crm.CRM.(connectors.OwnerReader)
		if !ok {
			continue
		}
		if _, err := owners.OwnerAddress(ctx, ""); err != nil {
			message, fix := connectors.Told(err, "let the token read owners")
			out = append(out, Checked{crm.Name, unread.Code, unread.Severity, fmt.Sprintf("%s: owners cannot be read: %s", unread.Message, message), fix})
		} else {
			out = append(out, Checked{crm.Name, unread.Code, connectors.OK, "owners can be read", ""})
		}
	}
	return out
}
