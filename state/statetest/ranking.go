package statetest

import (
	"errors"
	"fmt"
	"slices"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/state"
)

// rank makes a tier and a standing somebody's, as a lot does.
func (s *suite) rank(id state.PersonID, tier state.Tier, is state.Standing) {
	s.Helper()
	p, _, err := s.db.Person(id)
	if err != nil {
		s.Fatal(err)
	}
	p.Tier, p.Standing = tier, is
	s.settle(state.Settlement{Entry: state.Entry{Person: id}, Outcome: state.Commit, Next: &p})
}

// ranking walks the ranking in parts of two.
func (s *suite) ranking(q state.RankQuery) (ids []state.PersonID) {
	s.Helper()
	for q.N = 2; ; {
		page := must[state.RankPage](s)(s.db.Ranked(q))
		for _, p := range page.People {
			if p.Tier != p.Person.Tier {
				s.Errorf("%d is ranked as %d and is %d", p.ID, p.Tier, p.Person.Tier)
			}
			ids = append(ids, p.ID)
		}
		if q.After = page.Next; q.After == nil {
			return ids
		}
	}
}

// The ranking and its counts follow from the people.
var ranking = []promise{
	{"people are ranked by tier and score and counted, whatever becomes of them", func(s *suite) {
		var id [6]state.PersonID
		for i := range id {
			id[i], _ = s.person(fmt.Sprint(i + 1))
		}
		rising := state.Standing{Score: 640, Evidence: 3, Trend: 3, Stage: 2, Product: state.Mark("Loans"), Owner: state.Mark("7")}
		s.rank(id[0], 3, state.Standing{Score: 900, Evidence: 2})
		s.rank(id[1], 4, rising)
		s.rank(id[2], 4, state.Standing{Score: 640, Evidence: 3, Trend: 1})
		s.rank(id[3], 4, state.Standing{Score: 1000, Evidence: 4, Stage: 3})
		s.rank(id[4], 2, state.Standing{Trend: 3})
		want := func(what string, got []state.PersonID, want ...state.PersonID) {
			s.Helper()
			if !slices.Equal(got, want) {
				s.Errorf("%s: %v, want %v", what, got, want)
			}
		}
		want("all", s.ranking(state.RankQuery{}), id[3], id[1], id[2], id[0], id[4])
		want("high", s.ranking(state.RankQuery{Tier: 4}), id[3], id[1], id[2])
		want("medium", s.ranking(state.RankQuery{Tier: 3}), id[0])
		want("of a trend", s.ranking(state.RankQuery{Trend: 3}), id[1], id[4])
		want("of a stage, product and owner", s.ranking(state.RankQuery{Stage: 2, Product: rising.Product, Owner: rising.Owner}), id[1])
		want("of an owner who has nobody", s.ranking(state.RankQuery{Owner: state.Mark("8")}))
		counts := must[[]state.ScoreCount](s)(s.db.ScoreCounts())
		if len(counts) != 4 || !slices.Contains(counts, state.ScoreCount{Tier: 4, Evidence: 3, Score: 640, People: 2}) {
			s.Errorf("counted: %+v", counts)
		}

		s.rank(id[3], 3, state.Standing{Score: 500, Evidence: 1})
		want("after one cooled", s.ranking(state.RankQuery{}), id[1], id[2], id[0], id[3], id[4])
		s.settle(state.Settlement{Entry: state.Entry{Person: id[5]}, Outcome: state.Join, Other: id[1]}) // nobody ranked takes in who is
		want("after two became one", s.ranking(state.RankQuery{Tier: 4}), id[1], id[2])
		s.settle(state.Settlement{Entry: state.Entry{Person: id[2]}, Outcome: state.Join, Other: id[1]})
		want("after two who were ranked did", s.ranking(state.RankQuery{Tier: 4}), id[1])
		refs := s.kept(id[1]).Person.Contacts
		s.settle(state.Settlement{Entry: state.Entry{Person: id[1]}, Outcome: state.Split, Refs: refs[1:]})
		want("after a split: nothing was written to those who left", s.ranking(state.RankQuery{Tier: 4}), id[1])
		s.reopen()
		want("after a restart", s.ranking(state.RankQuery{}), id[1], id[0], id[3], id[4])
		job := &state.Erasure{Person: id[1], Started: now, Done: map[string]bool{}}
		if _, err := s.db.BeginErasure(job, rules); err != nil {
			s.Fatal(err)
		}
		if err := errors.Join(s.db.Bury(job, now), s.db.EraseState(job)); err != nil {
			s.Fatal(err)
		}
		want("after one was forgotten", s.ranking(state.RankQuery{}), id[0], id[3], id[4])
		if counts := must[[]state.ScoreCount](s)(s.db.ScoreCounts()); len(counts) != 3 {
			s.Errorf("counted: %+v", counts)
		}
		s.verify()
	}},
	{"who is held out has no place: no CRM shows them", func(s *suite) {
		for i, held := range []bool{true, false} {
			id, ref := s.person(fmt.Sprint(i))
			s.settle(state.Settlement{Entry: state.Entry{Person: id}, Drawn: &state.Arm{Since: now, Held: held}})
			s.settle(state.Settlement{Entry: state.Entry{Person: id}, Outcome: state.Commit, Next: &state.Person{Contacts: []connectors.Ref{ref}, Tier: 4, Standing: state.Standing{Score: 640, Evidence: 3}}})
			counts := must[[]state.ScoreCount](s)(s.db.ScoreCounts())
			p := s.kept(id).Person
			if listed := slices.Contains(s.ranking(state.RankQuery{}), id); p.HeldOut() != held || listed == held || len(counts) != i {
				s.Errorf("held out %v: listed %v, counted %v", held, listed, counts)
			}
		}
		s.verify()
	}},
	{"evidence that time changes is kept, unless the person was worked out since", func(s *suite) {
		one, _ := s.person("1")
		two, ref := s.person("2")
		s.rank(one, 4, state.Standing{Score: 640, Evidence: 4})
		s.rank(two, 4, state.Standing{Score: 640, Evidence: 4})
		seen := must[state.RankPage](s)(s.db.Ranked(state.RankQuery{N: 9})).People
		s.rank(two, 3, state.Standing{Score: 600, Evidence: 2})
		var changes []state.EvidenceChange
		for _, p := range seen {
			changes = append(changes, state.EvidenceChange{ID: p.ID, Was: p.Person.Standing, Is: 3})
		}
		if err := s.db.NoteEvidence(changes); err != nil {
			s.Fatal(err)
		}
		if a, b := s.kept(one).Person.Standing, s.kept(two).Person; a.Evidence != 3 || b.Standing.Evidence != 2 || !slices.Equal(b.Contacts, []connectors.Ref{ref}) {
			s.Errorf("%+v %+v", a, b)
		}
		s.verify()
	}},
}
