package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/operate"
)

// PeopleArguments ask for a part of the ranked list.
type PeopleArguments struct {
	operate.PeopleQuery
	Lines operate.Lines `json:"lines,omitzero"`  // to count people by, in the place of those in force
	Every bool          `json:"every,omitempty"` // what every pair of lines would do is told, too
}

// RankedPeople is a part of the ranked list, and how many people there are of each score.
type RankedPeople struct {
	operate.PeoplePage
	Unnamed   string             `json:"unnamed,omitempty"` // why the CRM told no names
	Histogram *operate.Histogram `json:"histogram,omitempty"`
}

// Named asks for people by their names.
type Named struct {
	Name string `json:"name"`
}

// PeopleNamed are the people whom a CRM's own search finds by name, in its order: one call of each CRM, since intentd keeps no names.
var PeopleNamed = operation("people_named", (*App).named)

const (
	leastName = 2 // characters: what the CRMs search for
	mostName  = 100
)

func (a *App) named(ctx context.Context, arg Named) (*RankedPeople, error) {
	words := strings.Join(strings.Fields(arg.Name), " ")
	if n := utf8.RuneCountInString(words); n < leastName || n > mostName {
		return nil, fmt.Errorf("a name has %d to %d characters", leastName, mostName)
	}
	out := &RankedPeople{}
	var refs []connectors.Ref
	found := map[string]knownPerson{}
	asked, until := false, a.o.Now().Add(knownFor)
	for _, crm := range a.pipe.Setup().CRMs {
		searcher, ok := crm.CRM.(connectors.NameSearcher)
		if !ok {
			continue
		}
		asked = true
		contacts, err := searcher.Named(ctx, words, operate.PeopleAtATime)
		if err != nil {
			out.Unnamed = err.Error()
			continue
		}
		for i := range contacts {
			refs = append(refs, contacts[i].Ref)
			found[contacts[i].Ref.String()] = knownOf(&contacts[i], until)
		}
	}
	if !asked {
		return nil, errors.New("no CRM that is configured searches by name")
	}
	a.known.keep(found)
	var err error
	if out.People, err = operate.PeopleOf(a.pipe, refs[:min(len(refs), 2*operate.PeopleAtATime)]); err != nil {
		return nil, err
	}
	for i := range out.People {
		p := &out.People[i]
		is := found[p.Ref]
		p.Name, p.Title, p.Company, p.Owner = is.name, is.title, is.company, is.owner
	}
	a.nameOwners(ctx, out.People)
	return out, nil
}

// People is a part of the ranked list, with names.
var People = operation("people", (*App).people)

func (a *App) people(ctx context.Context, arg PeopleArguments) (*RankedPeople, error) {
	page, err := operate.People(ctx, a.pipe, arg.PeopleQuery)
	if err != nil {
		return nil, err
	}
	out := &RankedPeople{PeoplePage: *page}
	if out.Histogram, err = operate.HistogramOf(a.pipe, arg.Lines); err != nil {
		return nil, err
	}
	if !arg.Every {
		out.Histogram.HighAt, out.Histogram.BecomeAt, out.Histogram.UpAt = nil, nil, nil
	}
	var refs []connectors.Ref
	for _, p := range out.People {
		if ref, ok := connectors.ParseRef(p.Ref); ok {
			refs = append(refs, ref)
		}
	}
	known, err := a.known.of(ctx, a, refs)
	if err != nil {
		out.Unnamed = err.Error()
	}
	people := out.People[:0]
	for _, p := range out.People {
		if is, ok := known[p.Ref]; ok {
			if arg.Owner != "" && is.owner != arg.Owner {
				continue // their owner has the mark of the one asked for
			}
			p.Name, p.Title, p.Company, p.Owner = is.name, is.title, is.company, is.owner
		}
		people = append(people, p)
	}
	out.People = people
	a.nameOwners(ctx, out.People)
	return out, nil
}

// KnownPerson is what the CRM says of a person, by the first of their records of which it says anything.
type KnownPerson struct {
	Name      string `json:"name,omitempty"`
	Title     string `json:"title,omitempty"`
	Company   string `json:"company,omitempty"`
	Owner     string `json:"owner,omitempty"` // the CRM's id
	OwnerName string `json:"owner_name,omitempty"`
	Unnamed   string `json:"unnamed,omitempty"` // why the CRM told nothing
}

// Records are a person's.
type Records struct {
	Refs []connectors.Ref `json:"refs"`
}

// Known is what the CRM says of a person's records, as on the list: one call, or none where it was asked lately.
var Known = operation("known", (*App).knownOf)

func (a *App) knownOf(ctx context.Context, of Records) (*KnownPerson, error) {
	known, err := a.known.of(ctx, a, of.Refs)
	out := &KnownPerson{}
	if err != nil {
		out.Unnamed = err.Error()
	}
	for _, ref := range of.Refs {
		if is := known[ref.String()]; is.name != "" || is.owner != "" {
			out.Name, out.Title, out.Company, out.Owner = is.name, is.title, is.company, is.owner
			out.OwnerName = a.owners.of(ctx, a, ref.CRM, []string{is.owner})[is.owner]
			break
		}
	}
	return out, nil
}

// What a CRM says of the people on a page is kept in memory for a while, so that to go back and forth costs no calls, and nowhere else.
const (
	knownFor  = 5 * time.Minute
	mostKnown = 10_000
)

// knownPeople is what the CRMs said lately of who was looked at.
type knownPeople struct {
	mu sync.Mutex
	by map[string]knownPerson // by record
}

type knownPerson struct {
	name, title, company, owner string
	until                       time.Time
}

// forget lets go of everybody: of whoever is forgotten no name is to stay.
func (k *knownPeople) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.by = nil
}

// of is what is known of records. Those not known are read, in one call of each CRM; the error is of a CRM that did not answer, and goes with
// what the others said.
func (k *knownPeople) of(ctx context.Context, a *App, refs []connectors.Ref) (map[string]knownPerson, error) {
	now := a.o.Now()
	found := map[string]knownPerson{}
	ask := map[string][]connectors.Ref{} // by CRM
	k.mu.Lock()
	for ref, is := range k.by {
		if !now.Before(is.until) {
			delete(k.by, ref)
		}
	}
	for _, ref := range refs {
		if is, ok := k.by[ref.String()]; ok {
			found[ref.String()] = is
		} else {
			ask[ref.CRM] = append(ask[ref.CRM], ref)
		}
	}
	k.mu.Unlock()
	var failed error
	for _, crm := range a.pipe.Setup().CRMs {
		own := ask[crm.Name]
		if len(own) == 0 {
			continue
		}
		contacts, err := crm.CRM.Read(ctx, own)
		if err != nil {
			failed = err
			continue
		}
		for i := range contacts {
			found[own[i].String()] = knownOf(&contacts[i], now.Add(knownFor))
		}
	}
	k.keep(found)
	return found, failed
}

// keep notes what a CRM just said.
func (k *knownPeople) keep(found map[string]knownPerson) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.by == nil || len(k.by)+len(found) > mostKnown {
		k.by = map[string]knownPerson{}
	}
	maps.Copy(k.by, found)
}

func knownOf(c *connectors.Contact, until time.Time) knownPerson {
	is := knownPerson{strings.TrimSpace(c.Profile.FirstName + " " + c.Profile.LastName), c.Profile.JobTitle, c.Profile.Company, c.Owner, until}
	if is.name == "" && len(c.Emails) > 0 {
		is.name = c.Emails[0]
	}
	return is
}
