package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
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
	asked := false
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
			found[contacts[i].Ref.String()] = knownOf(&contacts[i])
		}
	}
	if !asked {
		return nil, errors.New("no CRM that is configured searches by name")
	}
	a.known.keep(found, a.o.Now())
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
	known, err := a.readPeople(ctx, refs)
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
	known, err := a.readPeople(ctx, of.Refs)
	out := &KnownPerson{}
	if err != nil {
		out.Unnamed = err.Error()
	}
	for _, ref := range of.Refs {
		if is := known[ref.String()]; is.name != "" || is.owner != "" {
			out.Name, out.Title, out.Company, out.Owner = is.name, is.title, is.company, is.owner
			out.OwnerName = a.ownerNames(ctx, ref.CRM, []string{is.owner})[is.owner]
			break
		}
	}
	return out, nil
}

// knownPerson is what a CRM says of a person.
type knownPerson struct{ name, title, company, owner string }

// readPeople is what is known of records. Those not known are read, in one call of each CRM; the error is of a CRM that did not answer, and goes with
// what the others said.
func (a *App) readPeople(ctx context.Context, refs []connectors.Ref) (map[string]knownPerson, error) {
	now := a.o.Now()
	keys := make([]string, len(refs))
	for i, ref := range refs {
		keys[i] = ref.String()
	}
	found, unknown := a.known.of(keys, now)
	var failed error
	for _, crm := range a.pipe.Setup().CRMs {
		var ask []connectors.Ref
		for _, ref := range refs {
			if ref.CRM == crm.Name && slices.Contains(unknown, ref.String()) {
				ask = append(ask, ref)
			}
		}
		if len(ask) == 0 {
			continue
		}
		contacts, err := crm.CRM.Read(ctx, ask)
		if err != nil {
			failed = err
			continue
		}
		said := map[string]knownPerson{}
		for i := range contacts {
			said[ask[i].String()] = knownOf(&contacts[i])
		}
		a.known.keep(said, now)
		maps.Copy(found, said)
	}
	return found, failed
}

func knownOf(c *connectors.Contact) knownPerson {
	is := knownPerson{strings.TrimSpace(c.Profile.FirstName + " " + c.Profile.LastName), c.Profile.JobTitle, c.Profile.Company, c.Owner}
	if is.name == "" && len(c.Emails) > 0 {
		is.name = c.Emails[0]
	}
	return is
}
