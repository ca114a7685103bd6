package pipeline

import (
	"context"
	"fmt"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/identity"
	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/state"
)

// Told is what a source was asked and answered, and what became of each row.
type Told struct {
	Source string             `json:"source"`
	Person *connectors.Person `json:"person,omitempty"` // as the source was asked about them; nil: who was active
	Names  string             `json:"names,omitempty"`  // the key of the person, or that they are in no CRM
	connectors.Explanation
	Signals int      `json:"signals"`          // that count among the shown rows
	Silent  []string `json:"silent,omitempty"` // other sources, which did not answer: what they tell could change what counts
}

// toldRows bounds the rows of one answer that are looked at; all are counted.
const toldRows = 5000

// ToldOf asks a source about a person as a lot would, and takes the answer through a lot of which nothing is kept. A person of no id is
// somebody whom no CRM knows, asked about by ids.
func (p *Pipeline) ToldOf(ctx context.Context, src *Source, id state.PersonID, ids []identity.ID) (*Told, error) {
	l := p.dryLot(p.Setup())
	if id == 0 {
		return l.told(ctx, stranger("stranger", ids), src)
	}
	if err := l.load(ctx, []state.Entry{{Person: id, Reason: state.ReasonAsked}}); err != nil {
		return nil, err
	}
	if err := l.gatherRecords(ctx); err != nil {
		return nil, err
	}
	l.checkRecordStates()
	if err := l.identify(ctx); err != nil {
		return nil, err
	}
	if open := l.open(); len(open) > 0 {
		return l.told(ctx, open[0], src)
	}
	links, err := p.db.Links(id)
	if err != nil {
		return nil, err
	}
	for _, link := range links {
		if of := l.s.rules.LinkID(link); !link.Nobodys && of.Kind != identity.Record {
			ids = append(ids, of)
		}
	}
	t, err := l.told(ctx, stranger(id.Key(), ids), src)
	if err == nil {
		t.Note("their records could not be read now: the source was asked by what the state knows of them")
	}
	return t, err
}

// stranger is somebody of whom nothing but ids is known.
func stranger(key string, ids []identity.ID) *subject {
	s := &subject{key: key, entry: state.Entry{Reason: state.ReasonAsked}}
	s.recs = []*record{{crm: &CRM{}, contact: connectors.Contact{State: connectors.Live}, read: true}}
	s.identifiers.ids = ids
	return s
}

// told asks src, then the other sources, and says what became of what src told.
func (l *lot) told(ctx context.Context, s *subject, src *Source) (*Told, error) {
	who := l.asPerson(s)
	as := l.s.AskAs(src.Name, who)
	w := connectors.Window{From: l.now.Add(-l.s.History), To: l.now.Add(24 * time.Hour)}
	x, err := explain(ctx, src.Source, connectors.ExplainQuery{Person: &as, Window: w, Rows: toldRows})
	if err != nil {
		return nil, err
	}
	t := &Told{Source: src.Name, Person: &as, Names: s.key, Explanation: x}
	var rows []*connectors.ToldRow
	for i := range t.Asked {
		for k := range t.Asked[i].Rows {
			row := &t.Asked[i].Rows[k]
			switch {
			case row.Became != "" || row.Event == nil:
			case row.Event.Person != s.key:
				row.Became = "left out: it names nobody who was asked about"
			default:
				if row.Event.Source == "" {
					row.Event.Source = src.Name
				}
				rows = append(rows, row)
				s.addEvent(*row.Event)
			}
		}
	}
	for i := range l.s.Sources {
		if o := &l.s.Sources[i]; o.Name != src.Name {
			l.ask(ctx, o, []connectors.Person{l.s.AskAs(o.Name, who)}, w, map[string]*subject{s.key: s})
		}
	}
	t.Silent, s.stale, s.fates = s.stale, nil, true
	l.subjects = []*subject{s}
	l.stitch(ctx)
	for i, row := range rows {
		row.Became = l.became(s.journey, s.journey.Fates[i])
		if s.journey.Fates[i].Signal > 0 {
			t.Signals++
		}
	}
	return t, ctx.Err()
}

// became writes what became of an event.
func (l *lot) became(j *journey.Journey, f journey.Fate) string {
	switch {
	case f.Signal > 0:
		g := &j.Signals[f.Signal-1]
		return fmt.Sprintf("counts as %s, %d", g.Type, g.Strength)
	case f.Gone:
		return "left out: " + f.Why
	case f.Why != "":
		return "does not count: " + f.Why
	}
	return "does not count: " + journey.WhyStep
}

// ToldActive asks a source who was active since it was last listened to. No cursor moves.
func (p *Pipeline) ToldActive(ctx context.Context, src *Source) (*Told, error) {
	from, err := p.db.Cursor("listen/" + src.Name)
	if err != nil {
		return nil, err
	}
	x, err := explain(ctx, src.Source, connectors.ExplainQuery{From: from, Rows: toldRows})
	if err != nil {
		return nil, err
	}
	t := &Told{Source: src.Name, Explanation: x}
	for i := range t.Asked {
		for k := range t.Asked[i].Rows {
			row := &t.Asked[i].Rows[k]
			if row.Person == nil || row.Became != "" {
				continue
			}
			if row.Became, err = p.whois(src.Name, row.Person); err != nil {
				return nil, err
			}
		}
	}
	return t, nil
}

// whois says who a person that a source saw is.
func (p *Pipeline) whois(source string, who *connectors.Person) (string, error) {
	s := p.Setup()
	what := state.Lookup{Refs: who.Refs, IDs: idsAsSeen(s.Identity, source, who)}
	if len(who.Refs)+len(what.IDs) == 0 {
		return "left out: " + connectors.LeftOutNobody, nil
	}
	id, err := p.db.Find(what, s.rules)
	switch {
	case err != nil:
		return "", err
	case id == 0:
		return "waits: nobody in a CRM goes by it", nil
	}
	person, _, err := p.db.Person(id)
	if err != nil || len(person.Contacts) == 0 {
		return "person " + id.Key(), err
	}
	return "joins the queue: " + person.Contacts[0].String(), nil
}

// idsAsSeen are the identifiers under which a source saw somebody, as far as they identify.
func idsAsSeen(rules *identity.Rules, source string, who *connectors.Person) (ids []identity.ID) {
	for _, of := range []struct {
		kind   identity.Kind
		values []string
	}{{identity.Email, who.Emails}, {identity.UserID, who.UserIDs}, {identity.AnonymousID, who.AnonymousIDs}, {identity.Phone, who.Phones}} {
		for _, v := range of.values {
			if id, ok := rules.ID(of.kind, rules.Space(source), v); ok {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// explain asks a source that explains itself, and of any other one shows what it answers.
func explain(ctx context.Context, src connectors.Source, q connectors.ExplainQuery) (x connectors.Explanation, err error) {
	if e, ok := src.(connectors.Explainer); ok {
		return e.Explain(ctx, q)
	}
	told := connectors.Question{What: "its own requests, which it does not show"}
	if q.Person != nil {
		told.TellEvents(src.Journeys(ctx, []connectors.Person{*q.Person}, q.Window), q.Rows)
	} else {
		page, err := src.Active(ctx, q.From)
		told.TellPeople(page, err, q.Rows)
	}
	x.Asked = []connectors.Question{told}
	return x, ctx.Err()
}
