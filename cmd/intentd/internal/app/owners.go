package app

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/operate"
)

// knownOwners is what the CRMs said lately of who owns records, kept as long as what they say of people.
type knownOwners struct {
	mu     sync.Mutex
	by     map[string]knownOwner // by CRM and owner
	failed map[string]time.Time  // by CRM: asked again from then on
}

type knownOwner struct {
	name  string // "": the CRM knows none of that id
	until time.Time
}

// of are the names of a CRM's owners. Those not known are asked for in one go; an owner whom the CRM does not name, or may not, is left out, and the
// id stands for them: doctor says what is missing.
func (k *knownOwners) of(ctx context.Context, a *App, crm string, owners []string) map[string]string {
	now := a.o.Now()
	names := map[string]string{}
	var ask []string
	k.mu.Lock()
	for key, is := range k.by {
		if !now.Before(is.until) {
			delete(k.by, key)
		}
	}
	for _, id := range owners {
		if is, ok := k.by[crm+"/"+id]; ok && is.name != "" {
			names[id] = is.name
		} else if !ok && id != "" {
			ask = append(ask, id)
		}
	}
	waits := now.Before(k.failed[crm])
	k.mu.Unlock()
	if len(ask) == 0 || waits {
		return names
	}
	for _, c := range a.pipe.Setup().CRMs {
		namer, ok := c.CRM.(connectors.OwnerNamer)
		if c.Name != crm || !ok {
			continue
		}
		told, err := namer.OwnerNames(ctx, ask)
		k.mu.Lock()
		if k.by == nil || len(k.by)+len(ask) > mostKnown {
			k.by, k.failed = map[string]knownOwner{}, map[string]time.Time{}
		}
		if err != nil {
			k.failed[crm] = now.Add(knownFor)
		} else {
			for _, id := range ask {
				k.by[crm+"/"+id] = knownOwner{told[id], now.Add(knownFor)}
			}
		}
		k.mu.Unlock()
		for id, name := range told {
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
		names[crm] = a.owners.of(ctx, a, crm, owners)
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
