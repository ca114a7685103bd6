package statetest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/intentd/intentd/connectors/identity"
	"github.com/intentd/intentd/state"
)

// What commands, pages and the daemon's own rounds ask for.
var asked = []promise{
	{"what was learned is applied, undone and bounded", func(s *suite) {
		if _, err := s.db.UndoLearned(now); !errors.Is(err, state.ErrNotApplied) {
			s.Error(err)
		}
		put := func(l state.Learned) uint64 { return must[uint64](s)(s.db.PutLearned(l)) }
		first := put(state.Learned{At: now, By: "learn", Engine: "weights", Weights: []byte(`{"volume":450}`), Strengths: "k: 1\n"})
		second := put(state.Learned{At: after(time.Hour), By: "schedule"})
		for i, id := range []uint64{first, second} {
			if l, err := s.db.ApplyLearned(id, "apply", after(time.Duration(i+2)*time.Hour)); err != nil || l.ID != id || !l.InForce() {
				s.Errorf("%+v %v", l, err)
			}
		}
		if _, err := s.db.ApplyLearned(99, "apply", now); !errors.Is(err, state.ErrNotLearned) {
			s.Error(err)
		}
		s.reopen()
		list := must[[]state.Learned](s)(s.db.Learned())
		if len(list) != 2 || list[0].ID != second || state.Applied(list).ID != second || string(list[1].Weights) != `{"volume":450}` || list[1].Strengths != "k: 1\n" {
			s.Fatalf("%+v", list)
		}
		if err := s.db.ExplainLearned(first, "it would move many"); err != nil || must[[]state.Learned](s)(s.db.Learned())[1].Why != "it would move many" {
			s.Error(err)
		}
		if l, err := s.db.UndoLearned(after(9 * time.Hour)); err != nil || l.ID != second || !l.Undone.Equal(after(9*time.Hour)) {
			s.Errorf("%+v %v", l, err)
		}
		if l := state.Applied(must[[]state.Learned](s)(s.db.Learned())); l == nil || l.ID != first {
			s.Errorf("what was applied before does not count again: %+v", l)
		}
		for range 60 {
			put(state.Learned{By: "schedule"})
		}
		list = must[[]state.Learned](s)(s.db.Learned())
		if len(list) != 51 || list[50].ID != first || state.Applied(list).ID != first || list[0].ID != 62 {
			s.Errorf("%d kept, the oldest %d, the newest %d", len(list), list[len(list)-1].ID, list[0].ID)
		}
	}},
	{"whoever something came due for is queued with those who are due, but for whoever is gone", func(s *suite) {
		id, _ := s.person("1")
		if err := s.db.EnqueuePeople([]state.PersonID{id, id + 7}, now); err != nil {
			s.Fatal(err)
		}
		if got := s.claim(now, 9); len(got) != 1 || got[0].Person != id || got[0].Lane != state.Due || got[0].Reason != state.ReasonDue {
			s.Errorf("%+v", got)
		}
		s.verify()
	}},
	{"everybody can be queued, lane by lane, and given back", func(s *suite) {
		for _, id := range []string{"1", "2", "3"} {
			s.person(id)
		}
		n, last, err := s.db.EnqueueEverybody(0, 2, state.ReasonConfig, now)
		if err != nil || n != 2 {
			s.Fatal(n, err)
		}
		if n, _, err := s.db.EnqueueEverybody(last, 2, state.ReasonConfig, now); err != nil || n != 1 {
			s.Fatal(n, err)
		}
		depth, oldest := s.db.QueueDepth()
		if depth[state.Backfill] != 3 || !oldest[state.Backfill].Equal(now) || s.db.LaneReady(state.Live, now) || !s.db.LaneReady(state.Backfill, now) {
			s.Errorf("%v %v", depth, oldest)
		}
		got := must[[]state.Entry](s)(s.db.ClaimLane(now, state.Backfill, 9))
		if _, ok := s.db.NextReady(now); ok || len(got) != 3 {
			s.Errorf("%d claimed, and more is ready: %v", len(got), ok)
		}
		s.db.Unclaim(got[1])
		if next, ok := s.db.NextReady(now); !ok || !next.Equal(now) || len(s.claim(now, 9)) != 1 {
			s.Errorf("given back: %v %v", next, ok)
		}
		s.verify()
	}},
	{"who waits for a time that was named can be let go at once", func(s *suite) {
		id, _ := s.person("1")
		if err := s.db.Ask(id, now); err != nil {
			s.Fatal(err)
		}
		e := s.claim(now, 1)[0]
		s.settle(state.Settlement{Entry: e, Outcome: state.Return, Lane: state.Retry, At: after(9 * time.Hour), Why: state.ReasonWaits})
		if next, ok := s.db.NextReady(now); !ok || !next.Equal(after(9*time.Hour)) {
			s.Errorf("next at %v, %v", next, ok)
		}
		if n, err := s.db.Hurry(state.ReasonWaits); n != 1 || err != nil || len(s.claim(now, 9)) != 1 {
			s.Errorf("%d hurried, %v", n, err)
		}
	}},
	{"dead letters are listed, retried, woken and given up", func(s *suite) {
		id, ref := s.person("1")
		other, _ := s.person("2")
		s.answer(ref, s.stage(id, ref, "x").Seq, refusedOnce)
		if err := errors.Join(s.db.WakeLetters(now), s.db.SetAside(state.Entry{Person: other}, errors.New("no luck"), 7, now)); err != nil {
			s.Fatal(err)
		}
		letters, next, err := s.db.DeadLetters("", 9)
		if err != nil || len(letters) != 2 || next != "" || !slices.ContainsFunc(letters, func(d state.Dead) bool { return d.Ref == ref && d.Code == "RULE" }) {
			s.Fatalf("%+v %q %v", letters, next, err)
		}
		if err := s.db.RetryLetters(letters, now); err != nil || len(s.claim(now, 9)) != 2 {
			s.Errorf("not claimable at once: %v", err)
		}
		if err := s.db.DropLetters(letters); err != nil || s.db.DeadCount() != 0 {
			s.Errorf("%d left, %v", s.db.DeadCount(), err)
		}
		s.verify()
	}},
	{"patches that are too old are discarded, and their people looked at", func(s *suite) {
		id, ref := s.person("1")
		s.stage(id, ref, "x")
		if err := s.db.Discard(s.rows(), now); err != nil || s.db.JournalDepth() != 0 || s.queued(id).Reason != state.ReasonAsked || s.kept(id).Records[0].Contact.Checked {
			s.Errorf("%+v, %v", s.kept(id), err)
		}
		s.verify()
	}},
	{"held fields are told and let go", func(s *suite) {
		id, ref := s.person("1")
		s.settle(state.Settlement{Entry: state.Entry{Person: id}, Records: []state.RecordChange{{Ref: ref, Is: state.Contact{Own: state.OwnFields{{Held: true}}, Checked: true}}}})
		held, err := s.db.HeldFields(id)
		if err != nil || len(held) != 1 || !slices.Equal(held[0].Names, []string{s.db.OwnFields().Fields[0].Name}) || s.db.Stats().Held != 1 {
			s.Fatalf("%+v %v", held, err)
		}
		if all, next, err := s.db.HeldFieldsFrom(0, 9); err != nil || next != 0 || len(all) != 1 {
			s.Errorf("%+v %d %v", all, next, err)
		}
		if records, fields, err := s.db.ReleaseFields([]state.LetGo{{HeldFields: held[0]}}, now); err != nil || records != 1 || fields != 1 || s.db.Stats().Held != 0 || s.queued(id).Person == 0 {
			s.Errorf("%d %d %v", records, fields, err)
		}
		s.verify()
	}},
	{"people are found and listed, with what is kept of them", func(s *suite) {
		id, _ := s.person("1")
		s.settle(state.Settlement{Entry: state.Entry{Person: id}, Outcome: state.Commit, Next: &state.Person{Events: 5}, Receipt: []byte(`{"a":1}`)})
		email := identity.ID{Kind: identity.Email, Value: "person1@x.example"}
		holders, err := s.db.Holders([]identity.ID{email, {Kind: identity.Phone, Value: "+1"}}, rules)
		if err != nil || len(holders) != 2 || holders[0].Person != id || !holders[0].Record || holders[1].Person != 0 {
			s.Errorf("%+v %v", holders, err)
		}
		if who, err := s.db.Find(state.Lookup{Email: email.Value}, rules); err != nil || who != id {
			s.Error(who, err)
		}
		if ids, err := s.db.People(0, 9); err != nil || !slices.Equal(ids, []state.PersonID{id}) {
			s.Error(ids, err)
		}
		if whose, people, next, err := s.db.PeopleFrom(0, 9); err != nil || !slices.Equal(whose, []state.PersonID{id}) || people[0].Events != 5 || next != id+1 {
			s.Error(whose, people, next, err)
		}
		if r, err := s.db.LastReceipt(id); err != nil || string(r) != `{"a":1}` {
			s.Errorf("%s %v", r, err)
		}
		if r, err := s.db.LastReceipts([]state.PersonID{id + 1, id}); err != nil || len(r) != 2 || r[0] != nil || string(r[1]) != `{"a":1}` {
			s.Errorf("%s %v", r, err)
		}
		if r, err := s.db.ReceiptAsOf(id, now); err != nil || string(r) != `{"a":1}` {
			s.Errorf("of then: %s %v", r, err)
		}
		if r, err := s.db.ReceiptAsOf(id, after(-time.Second)); err != nil || r != nil {
			s.Errorf("of before: %s %v", r, err)
		}
		if links, err := s.db.Links(id); err != nil || links != nil {
			s.Error(links, err)
		}
	}},
	{"counts by hour are there after a restart, and go after three days", func(s *suite) {
		before := s.db.Stats().Commits
		count := func(at time.Time, events int64) {
			s.db.CountHour("listen/site", at, state.HourCounts{Done: 1, People: 2})
			s.db.CountIntake("listen/site", at, events, events/10)
		}
		is := func(want ...string) {
			s.Helper()
			var got []string
			for _, h := range s.db.Hours() {
				c := h.Jobs["listen/site"]
				got = append(got, fmt.Sprintf("%s done %d people %d events %d unreadable %d", h.Hour.Format("2 15:04"), c.Done, c.People, c.Events, c.Unreadable))
			}
			if !slices.Equal(got, want) {
				s.Errorf("got %q, want %q", got, want)
			}
		}
		count(now, 100) // what there was before anybody counted is not this hour's
		count(now, 130)
		is("21 09:00 done 2 people 4 events 30 unreadable 3")
		if n := s.db.Stats().Commits; n != before {
			s.Errorf("counting cost %d commits", n-before)
		}
		s.db.NoteRun(state.Run{Name: "listen/site", Last: now})
		s.reopen()
		count(after(time.Hour), 150) // twenty more, of before the restart or after it
		count(after(time.Hour), 7)   // a counter that began anew
		s.db.NoteRun(state.Run{Name: "listen/site", Last: now})
		s.reopen()
		is("21 09:00 done 2 people 4 events 30 unreadable 3", "21 10:00 done 2 people 4 events 27 unreadable 2")
		count(after(1000*time.Hour), 7) // a clock that was wrong for a moment
		count(after(72*time.Hour), 8)
		is("21 10:00 done 2 people 4 events 27 unreadable 2", "24 09:00 done 1 people 2 events 1 unreadable 0")
		count(after(73*time.Hour), 8)
		s.db.NoteRun(state.Run{Name: "listen/site", Last: now})
		s.reopen()
		is("24 09:00 done 1 people 2 events 1 unreadable 0", "24 10:00 done 1 people 2 events 0 unreadable 0")
		s.verify()
	}},
	{"facts are there after a restart", func(s *suite) {
		s.db.SetSettingLater("brake", []byte("on"))
		for _, day := range []string{"2026-11-19", "2026-11-21", "2026-11-20"} {
			s.db.AddUsageLater(day, state.Usage{People: 1})
		}
		s.db.NoteRun(state.Run{Name: "sweep", Good: now})
		s.db.NoteRun(state.Run{Name: "sweep", Last: after(time.Hour), Error: "no"}) // does not wipe out when it last went well
		job := &state.Erasure{Started: now, Done: map[string]bool{}}
		if ok, err := s.db.BeginErasure(job, rules); !ok || err != nil {
			s.Fatal(ok, err)
		}
		job.Events = 7
		if err := errors.Join(s.db.KeepErasure(job), s.db.Bind("hubspot", "1")); err != nil {
			s.Fatal(err)
		}
		s.reopen()
		if v, err := s.db.Setting("brake"); err != nil || string(v) != "on" {
			s.Errorf("%s %v", v, err)
		}
		if days, err := s.db.UsageDays(2); err != nil || len(days) != 2 || days[0].Day != "2026-11-21" || days[1].Day != "2026-11-20" {
			s.Errorf("%+v %v", days, err)
		}
		if runs, err := s.db.Runs(); err != nil || len(runs) != 1 || runs[0].Error != "no" || !runs[0].Good.Equal(now) {
			s.Errorf("%+v %v", runs, err)
		}
		if jobs, bad, err := s.db.Erasures(); err != nil || len(bad) > 0 || len(jobs) != 1 || jobs[0].Events != 7 {
			s.Errorf("%+v %v %v", jobs, bad, err)
		}
		if account, err := s.db.Binding("hubspot"); err != nil || account != "1" {
			s.Error(account, err)
		}
		if heard, err := s.db.Listened("site"); err != nil || heard {
			s.Error(heard, err)
		}
		if len(s.db.Secret()) != 32 {
			s.Error("no secret")
		}
	}},
}
