package operate

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/pipeline/fields"
	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/state"
)

// PeopleQuery asks for a part of the ranked list. Empty words ask for everybody.
type PeopleQuery struct {
	Tier    string `json:"tier,omitempty"`
	Trend   string `json:"trend,omitempty"`
	Stage   string `json:"stage,omitempty"`
	Product string `json:"product,omitempty"`
	Owner   string `json:"owner,omitempty"` // the CRM's id
	After   string `json:"after,omitempty"` // PeoplePage.Next of the part before
	Limit   int    `json:"limit,omitempty"` // 0: PeopleAtATime
}

// PeopleAtATime is how many people a part of the ranked list holds: what one call of a CRM reads.
const (
	PeopleAtATime = 50
	mostPeople    = 1000
)

// PeoplePage is a part of the ranked list, the highest tier and score first.
type PeoplePage struct {
	People []RankedPerson `json:"people"`
	Next   string         `json:"next,omitempty"` // where the next part begins; "" at the end
}

// RankedPerson is a person as the ranked list has them: what the CRM shows, and why. Scores are in tenths.
type RankedPerson struct {
	Person   string    `json:"person"`
	Ref      string    `json:"ref,omitempty"` // their first record
	Score    int       `json:"score"`
	Tier     string    `json:"tier"`
	Since    time.Time `json:"tier_since,omitzero"`
	Trend    string    `json:"trend,omitempty"`
	Stage    string    `json:"stage,omitempty"`
	Product  string    `json:"product,omitempty"`
	CoolsOn  time.Time `json:"cools_on,omitzero"` // a calendar day, as midnight UTC
	Verdict  string    `json:"verdict,omitempty"`
	Headline string    `json:"headline,omitempty"` // of their last receipt, as is Why
	Why      []string  `json:"why,omitempty"`

	// As the CRM has them now; "" where it was not asked, or does not say.
	Name    string `json:"name,omitempty"`
	Title   string `json:"title,omitempty"`
	Company string `json:"company,omitempty"`
	Owner   string `json:"owner,omitempty"` // the CRM's id …
	// … and what it calls them, where the token may read owners.
	OwnerName string `json:"owner_name,omitempty"`
}

// People is a part of the ranked list. A filter that few fit is looked for through the whole ranking.
func People(ctx context.Context, p *pipeline.Pipeline, q PeopleQuery) (*PeoplePage, error) {
	rank, err := rankQuery(&q)
	if err != nil {
		return nil, err
	}
	out := &PeoplePage{People: []RankedPerson{}}
	for limit := rank.N; ; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		rank.N = limit - len(out.People)
		page, err := p.DB().Ranked(rank)
		if err != nil {
			return nil, err
		}
		for i := range page.People {
			who, ok := rankedPerson(&page.People[i], q.Product)
			if ok {
				out.People = append(out.People, who)
			}
		}
		if rank.After = page.Next; rank.After == nil || len(out.People) == limit {
			break
		}
	}
	if rank.After != nil {
		out.Next = base64.RawURLEncoding.EncodeToString(rank.After)
	}
	return out, tellWhy(p, out.People)
}

// PeopleOf are those whose records are named, each once, in their order; whom nothing is known of, or who are held out and thus shown nowhere, are
// left out. Who was never scored has no tier.
func PeopleOf(p *pipeline.Pipeline, refs []connectors.Ref) ([]RankedPerson, error) {
	out := []RankedPerson{}
	seen := map[state.PersonID]bool{}
	for _, ref := range refs {
		id, err := p.DB().Find(state.Lookup{Refs: []connectors.Ref{ref}}, p.Setup().IdentityRules())
		if err != nil || id == 0 || seen[id] {
			if err != nil {
				return nil, err
			}
			continue
		}
		seen[id] = true
		person, ok, err := p.DB().Person(id)
		if err != nil || !ok || person.HeldOut() {
			continue // the lot that meets one who cannot be read tells
		}
		who, ok := rankedPerson(&state.RankedPerson{ID: id, Tier: person.Tier, Person: person}, "")
		if !ok {
			who = RankedPerson{Person: id.Key(), Tier: score.TierUnknown.String()}
		}
		who.Ref = ref.String()
		out = append(out, who)
	}
	return out, tellWhy(p, out)
}

// rankQuery is a query in the state's numbers.
func rankQuery(q *PeopleQuery) (rank state.RankQuery, err error) {
	rank = state.RankQuery{Product: state.Mark(q.Product), Owner: state.Mark(q.Owner), N: q.Limit}
	if rank.N == 0 {
		rank.N = PeopleAtATime
	}
	if rank.N < 1 || rank.N > mostPeople {
		return rank, fmt.Errorf("limit: %d is not between 1 and %d", rank.N, mostPeople)
	}
	read := func(what, word string, set func() error) {
		if word != "" && err == nil && set() != nil {
			err = fmt.Errorf("%q is no %s", word, what)
		}
	}
	read("tier", q.Tier, func() error {
		var t score.Tier
		err := t.UnmarshalText([]byte(q.Tier))
		rank.Tier = state.Tier(t) + 1
		return err
	})
	read("trend", q.Trend, func() error { return (*score.Trend)(&rank.Trend).UnmarshalText([]byte(q.Trend)) })
	read("stage", q.Stage, func() error { return (*score.Stage)(&rank.Stage).UnmarshalText([]byte(q.Stage)) })
	if q.After != "" && err == nil {
		if rank.After, err = base64.RawURLEncoding.DecodeString(q.After); err != nil {
			err = fmt.Errorf("after: %q is not the end of a part", q.After)
		}
	}
	return rank, err
}

// rankedPerson is somebody as stored; false if they lean to another product than the one asked for, which has the same mark, or cannot be read.
func rankedPerson(in *state.RankedPerson, product string) (RankedPerson, bool) {
	shown, err := score.DecodeShown(in.Person.Shown)
	if err != nil || product != "" && shown.Product != product {
		return RankedPerson{}, false
	}
	out := RankedPerson{Person: in.ID.Key(), Score: shown.Score, Tier: shown.Tier.String(), Since: shown.Since, Trend: shown.Trend.String(), Stage: shown.Stage.String(), Product: shown.Product,
		Verdict: in.Person.Verdict}
	if len(in.Person.Contacts) > 0 {
		out.Ref = in.Person.Contacts[0].String()
	}
	return out, true
}

// tellWhy adds what their last receipts say, in the language of the fields. Whose receipt is gone goes without.
func tellWhy(p *pipeline.Pipeline, people []RankedPerson) error {
	ids := make([]state.PersonID, len(people))
	for i := range people {
		ids[i], _ = state.ParsePersonKey(people[i].Person)
	}
	raw, err := p.DB().LastReceipts(ids)
	if err != nil {
		return err
	}
	o := p.Setup().Fields
	for i := range people {
		if raw[i] == nil {
			continue
		}
		r, err := p.OpenReceipt(raw[i])
		if err != nil {
			continue // the page of the person tells
		}
		texts := fields.Render(r, o)
		people[i].Headline = texts[connectors.FieldHeadline]
		people[i].Why = slices.DeleteFunc(strings.Split(texts[connectors.FieldReasons], "\n"), func(line string) bool { return strings.TrimSpace(line) == "" })
		people[i].CoolsOn = r.Forecast.CoolsOn
	}
	return nil
}
