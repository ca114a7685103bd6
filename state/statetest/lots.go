package statetest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/state"
)

var lots = []promise{
	{"a person whose settlement cannot be stored is set aside and costs nobody else theirs", func(s *suite) {
		bad, _ := s.person("1")
		good, _ := s.person("2")
		if err := errors.Join(s.db.Ask(bad, now), s.db.Ask(good, now)); err != nil {
			s.Fatal(err)
		}
		entries := s.claim(now, 9)
		verdict := state.VerdictAt{Verdict: "interested", At: now}
		done, err := s.db.StageLot(state.Lot{Now: now, Config: 7, Settlements: []state.Settlement{
			{Entry: entries[0], Outcome: state.Return, Lane: state.Lanes, Verdict: &verdict},
			{Entry: entries[1], Outcome: state.Commit, Next: &state.Person{Events: 5}, Verdict: &verdict},
		}})
		if err != nil || len(done.Failed) != 1 || done.Failed[0].Person != bad {
			s.Fatalf("%+v, %v", done, err)
		}
		if p, _, _ := s.db.Person(bad); p.Verdict != "" {
			s.Error("a part of the settlement that failed is kept")
		}
		if p, _, _ := s.db.Person(good); p.Events != 5 || p.Verdict != verdict.Verdict {
			s.Errorf("the other one: %+v", p)
		}
		if d := s.kept(bad).Letters; len(d) != 1 || d[0].Config != 7 {
			s.Errorf("letters %+v", d)
		}
		if e := s.queued(bad); e.Lane != state.Retry || e.Attempts != 1 {
			s.Errorf("queued: %+v", e)
		}
		if s.queued(good).Person != 0 {
			s.Error("the other one is still queued")
		}
		if got := s.claim(after(time.Hour), 9); len(got) != 1 || got[0].Person != bad {
			s.Errorf("claimed an hour later: %v, want the one set aside", got)
		}
		s.verify()
	}},
	{"a verdict is kept with its time, the last one stays the last, and of two people who are joined the later one counts", func(s *suite) {
		one, _ := s.person("1")
		two, _ := s.person("2")
		say := func(id state.PersonID, verdict string, at time.Time) {
			s.settle(state.Settlement{Entry: state.Entry{Person: id}, Verdict: &state.VerdictAt{Verdict: verdict, At: at, Judged: []byte("on " + verdict)}})
		}
		stands := func(id state.PersonID, verdict string, at time.Time) {
			s.Helper()
			lot, err := s.db.LoadLot([]state.Entry{{Person: id}})
			if err != nil || lot[0].Person.Verdict != verdict || !lot[0].VerdictAt.Equal(at) {
				s.Errorf("%q since %v (%v), want %q since %v", lot[0].Person.Verdict, lot[0].VerdictAt, err, verdict, at)
			}
		}
		stands(one, "", time.Time{})
		say(one, "not_now", after(time.Hour))
		say(one, "not_now", after(3*time.Hour)) // noticed again
		stands(one, "not_now", after(time.Hour))
		say(one, "interested", after(0)) // by a clock that is behind
		stands(one, "interested", after(time.Hour+time.Millisecond))
		say(one, "not_now", after(4*time.Hour))
		stands(one, "not_now", after(4*time.Hour))
		say(two, "wrong_person", after(2*time.Hour))
		say(two, "", after(5*time.Hour))
		stands(two, "", time.Time{})
		s.settle(state.Settlement{Entry: state.Entry{Person: two}, Outcome: state.Join, Other: one})
		stands(one, "not_now", after(4*time.Hour))
		three, _ := s.person("3")
		say(three, "interested", after(6*time.Hour))
		s.settle(state.Settlement{Entry: state.Entry{Person: three}, Outcome: state.Join, Other: one})
		stands(one, "interested", after(6*time.Hour))
		k := s.kept(one).Verdicts
		if len(k) != 6 {
			s.Errorf("kept: %v", k)
		}
		for _, v := range k {
			if string(v.Judged) != "on "+v.Verdict {
				s.Errorf("%q judged %q", v.Verdict, v.Judged)
			}
		}
	}},
	{"verdicts are listed by whole people, the newest 16 of each, and what was judged before a withdrawal of consent goes with it", func(s *suite) {
		one, _ := s.person("1")
		two, _ := s.person("2")
		say := func(id state.PersonID, hour int) {
			s.settle(state.Settlement{Entry: state.Entry{Person: id}, Verdict: &state.VerdictAt{Verdict: fmt.Sprint(hour), At: after(time.Duration(hour) * time.Hour), Judged: []byte{9, 0, 9}}})
		}
		for hour := range 20 {
			say(one, hour)
		}
		say(two, 1)
		say(two, 3)
		people, next, err := s.db.VerdictsFrom(0, 1)
		if err != nil || len(people) != 1 || people[0].Person != one || len(people[0].Verdicts) != 16 || people[0].Verdicts[0].Verdict != "4" || next != two {
			s.Errorf("%v, next %d, %v", people, next, err)
		}
		people, next, err = s.db.VerdictsFrom(next, 9)
		if err != nil || len(people) != 1 || len(people[0].Verdicts) != 2 || !slices.Equal(people[0].Verdicts[1].Judged, []byte{9, 0, 9}) || next != 0 {
			s.Errorf("%v, next %d, %v", people, next, err)
		}
		s.settle(state.Settlement{Entry: state.Entry{Person: two}, Withdrawn: after(2 * time.Hour)})
		if k := s.kept(two).Verdicts; len(k) != 1 || k[0].Verdict != "3" {
			s.Errorf("kept after the withdrawal: %v", k)
		}
		s.verify()
	}},
	{"who is held out stays so until they are let go, and of two people who are joined only if both are", func(s *suite) {
		held := state.Arm{Since: now, Held: true}
		drawn := func(record string, arm state.Arm) state.PersonID {
			id, ref := s.person(record)
			if next := (&state.Person{Contacts: []connectors.Ref{ref}, Shown: []byte("would"), Tier: 3}); arm.Held {
				s.settle(state.Settlement{Entry: state.Entry{Person: id}, Drawn: &arm, Outcome: state.Commit, Next: next, Score: 640})
			} else {
				s.settle(state.Settlement{Entry: state.Entry{Person: id}, Drawn: &arm})
				s.answer(ref, s.stage(id, ref, "shown").Seq, nil)
			}
			return id
		}
		is := func(when string, id state.PersonID, arm state.Arm, out bool) {
			s.Helper()
			if p, _, err := s.db.Person(id); err != nil || p.Arm != arm || p.HeldOut() != out {
				s.Errorf("%s: %+v, held out %v, %v; want %+v, %v", when, p.Arm, p.HeldOut(), err, arm, out)
			}
		}
		join := func(a, b state.PersonID) {
			s.settle(state.Settlement{Entry: state.Entry{Person: b}, Outcome: state.Join, Other: a})
		}
		one, two, three := drawn("1", held), drawn("2", held), drawn("3", state.Arm{Since: now})
		if n := s.db.Stats(); n.HeldOut != 2 || n.Tiers[3] != 0 {
			s.Errorf("%+v", n)
		}
		if h := s.kept(one).History; len(h) != 1 || h[0].Score != 640 || h[0].Tier != 2 {
			s.Errorf("history %+v: the comparison needs it", h)
		}
		if first, last, err := s.db.FirstShown(0, 2); err != nil || len(first) != 2 || !first[0].Equal(now) || last != two {
			s.Errorf("first shown %v up to %v, %v", first, last, err)
		}
		s.settle(state.Settlement{Entry: state.Entry{Person: one}, Drawn: &state.Arm{Since: after(time.Hour)}, Outcome: state.Commit, Next: &state.Person{Shown: []byte("would"), Tier: 3}, Score: -1})
		if c, last, err := s.db.ComparedFrom(one, 9); err != nil || len(c) != 2 || c[0].Person != two || !c[0].HeldOut || len(c[0].Contacts) != 1 || len(c[0].History) != 1 || c[1].Arm.Held || last != three {
			s.Errorf("compared %+v up to %v, %v", c, last, err)
		}
		is("a result worked out of before, and another draw", one, held, true)
		join(one, two)
		is("both held out", one, held, true)
		join(one, three)
		is("one of them shown", one, state.Arm{Since: now, Mixed: true}, false)
		if p, _, _ := s.db.Person(one); p.Tier != 4 {
			s.Errorf("tier %d: that of whom the CRM shows is known", p.Tier)
		}
		four, _ := s.person("4")
		five := drawn("5", held)
		join(four, five)
		for _, id := range []state.PersonID{four, five} { // whichever remains
			if p, ok, _ := s.db.Person(id); ok && (p.HeldOut() || p.Arm != held || len(p.Shown) > 0) {
				s.Errorf("one of them not held out: %+v", p)
			}
		}
		six := drawn("6", state.Arm{Since: now.Add(300 * time.Millisecond), Held: true})
		is("after a restart", six, held, true)
		if c, _, err := s.db.ComparedFrom(six-1, 1); err != nil || len(c) != 1 || len(c[0].History) != 1 {
			s.Errorf("%+v, %v: what came of the lot that drew is compared", c, err)
		}
		for _, c := range []struct {
			share float64
			want  int
		}{{1, 0}, {0, 1}} {
			if n, last, err := s.db.LetGo(c.share, 0, 100, now); err != nil || n != c.want || last != six {
				s.Errorf("a share of %v lets %d go up to %v, %v", c.share, n, last, err)
			}
		}
		if e := s.queued(six); e.Lane != state.Backfill {
			s.Errorf("queued: %+v", e)
		}
		s.settle(state.Settlement{Entry: s.queued(six), LetGo: true})
		is("let go", six, held, false)
		if d := s.db.DrawHoldout(six); d < 0 || d >= 1 || d == s.db.DrawHoldout(five) {
			s.Errorf("draws %v", d)
		}
		s.verify()
	}},
	{"what is staged is not the person's yet, and the lot loads it", func(s *suite) {
		id, ref := s.person("1")
		if err := s.db.Ask(id, now); err != nil {
			s.Fatal(err)
		}
		entries := s.claim(now, 9)
		next := &state.Person{Contacts: []connectors.Ref{ref}, Events: 5}
		if _, err := s.db.StageLot(state.Lot{Now: now, Settlements: []state.Settlement{{
			Entry: entries[0], Outcome: state.Stage, Next: next,
			Patches: []*state.Pending{{Person: id, Patch: connectors.Patch{Ref: ref}, Staged: now, Next: next, Score: -1}},
		}}}); err != nil {
			s.Fatal(err)
		}
		lot, err := s.db.LoadLot([]state.Entry{{Person: id}, {Person: id + 100}})
		if err != nil || !lot[0].Known || lot[1].Known || lot[0].Err != nil || lot[1].Err != nil {
			s.Fatalf("%+v, %v", lot, err)
		}
		if lot[0].Person.Events != 0 || len(lot[0].Records) != 1 || lot[0].Records[0].Pending == nil {
			s.Errorf("%+v", lot[0])
		}
	}},
	{"what a score rested on is kept change by change, as many as are kept, until it is purged, withdrawn or forgotten, and goes where the person goes", func(s *suite) {
		one, _ := s.person("1")
		two, _ := s.person("2")
		at := func(d time.Duration, id state.PersonID, body string) {
			s.Helper()
			done, err := s.db.StageLot(state.Lot{Rules: rules, Now: after(d), Settlements: []state.Settlement{
				{Entry: state.Entry{Person: id}, Outcome: state.Commit, Next: &state.Person{}, Snapshot: []byte(body)}}})
			if err != nil || len(done.Failed) > 0 {
				s.Fatalf("%+v, %v", done, err)
			}
		}
		are := func(id state.PersonID, want ...string) {
			s.Helper()
			var got []string
			for _, snap := range must[[]state.Snapshot](s)(s.db.SnapshotsOf(id)) {
				got = append(got, snap.At.Sub(now).String()+" "+string(snap.Body))
			}
			if !slices.Equal(got, want) {
				s.Errorf("kept of %d: %q, want %q", id, got, want)
			}
		}
		at(0, one, "a")
		at(time.Hour, one, "a") // says the same
		at(2*time.Hour, one, "b")
		at(time.Hour, one, "c") // by a clock that is behind
		at(90*time.Minute, two, "x")
		are(one, "0s a", "2h0m0s c")
		if people, next, err := s.db.SnapshotsFrom(one, 1); err != nil || len(people) != 1 || next != one+1 {
			s.Errorf("%v %d %v", people, next, err)
		}
		if people, next, err := s.db.SnapshotsFrom(one+1, 2); err != nil || len(people) != 1 || people[0].Person != two || next != 0 {
			s.Errorf("%v %d %v", people, next, err)
		}
		s.settle(state.Settlement{Entry: state.Entry{Person: two}, Outcome: state.Join, Other: one})
		are(one, "0s a", "1h30m0s x", "2h0m0s c")
		if n := len(s.kept(one).Snapshots); n != 3 {
			s.Errorf("%d told", n)
		}
		if n, next, err := s.db.PurgeSnapshots(after(100*time.Minute), 0, 9); n != 1 || next != 0 || err != nil { // a ceased to hold
			s.Errorf("%d purged, %d, %v", n, next, err)
		}
		are(one, "1h30m0s x", "2h0m0s c")
		s.settle(state.Settlement{Entry: state.Entry{Person: one}, Withdrawn: after(90 * time.Minute)})
		are(one, "2h0m0s c")
		for i := range 150 { // every hour
			at(time.Duration(3+i)*time.Hour, one, fmt.Sprint(i))
		}
		kept := s.kept(one).Snapshots
		if len(kept) != 100 || string(kept[99].Body) != "149" || string(kept[0].Body) != "c" {
			s.Errorf("%d are kept, %s to %s", len(kept), kept[0].Body, kept[len(kept)-1].Body)
		}
		for i := range kept[1:] {
			if gap := kept[i+1].At.Sub(kept[i].At); gap > 2*time.Hour {
				s.Errorf("a gap of %v is left after %s", gap, kept[i].Body)
			}
		}
		s.verify()
		if err := s.db.EraseState(&state.Erasure{Person: one}); err != nil {
			s.Fatal(err)
		}
		are(one)
	}},
	{"somebody forgotten while a lot was under way stays forgotten", func(s *suite) {
		id, ref := s.person("1")
		if err := s.db.Ask(id, now); err != nil {
			s.Fatal(err)
		}
		entries := s.claim(now, 9)
		job := &state.Erasure{Person: id, Started: now, Done: map[string]bool{}}
		if ok, err := s.db.BeginErasure(job, rules); !ok || err != nil {
			s.Fatal(ok, err)
		}
		if err := errors.Join(s.db.Bury(job, now), s.db.EraseState(job)); err != nil {
			s.Fatal(err)
		}
		next := &state.Person{Contacts: []connectors.Ref{ref}, Events: 5}
		if _, err := s.db.StageLot(state.Lot{Now: now, Settlements: []state.Settlement{{
			Entry: entries[0], Outcome: state.Stage, Next: next, Patches: []*state.Pending{{Person: id, Patch: connectors.Patch{Ref: ref}, Staged: now, Next: next}},
		}}}); err != nil {
			s.Fatal(err)
		}
		if _, ok, _ := s.db.Person(id); ok || s.db.JournalDepth() != 0 {
			s.Error("they are back")
		}
		taken, err := s.db.TakeRecords(state.RecordPage{Feed: "poll/hubspot", Records: []connectors.Contact{{Ref: ref}}, Rules: rules, Now: now})
		if err != nil || taken.Buried != 1 {
			s.Errorf("%+v, %v", taken, err)
		}
		s.verify()
	}},
	// Invariant 1.
	{"a page of records and its cursor are kept together or not at all", func(s *suite) {
		page := state.RecordPage{Feed: "poll/hubspot", Next: connectors.Cursor("2"), Rules: rules, Now: now, Lane: state.Lanes,
			Records: []connectors.Contact{{Ref: connectors.Ref{CRM: "hubspot", Object: "contacts", ID: "1"}, Emails: []string{"ann@x.example"}}}}
		if _, err := s.db.TakeRecords(page); err == nil {
			s.Fatal("a lane that is none is taken")
		}
		if at, _ := s.db.Cursor(page.Feed); at != nil || s.db.Stats().People != 0 {
			s.Errorf("the cursor is at %q with %d people", at, s.db.Stats().People)
		}
		page.Lane = state.Live
		if taken, err := s.db.TakeRecords(page); err != nil || taken.Queued != 1 {
			s.Fatalf("%+v, %v", taken, err)
		}
		s.reopen()
		if at, _ := s.db.Cursor(page.Feed); string(at) != "2" || s.db.Stats().People != 1 {
			s.Errorf("the cursor is at %q with %d people", at, s.db.Stats().People)
		}
		if taken, err := s.db.TakeRecords(page); err != nil || taken.Echoes != 1 {
			s.Errorf("the same page again: %+v, %v", taken, err)
		}
		s.verify()
	}},
	{"a sweep goes on where it stood and asks for what it did not meet", func(s *suite) {
		_, _ = s.person("1")
		met := record("1")
		missed, _ := s.person("2")
		sweep, err := s.db.BeginSweep("hubspot", now)
		if err != nil {
			s.Fatal(err)
		}
		if _, err := s.db.TakeSwept(sweep, state.RecordPage{Feed: sweep.Feed(), Records: []connectors.Contact{met}, Lane: state.Backfill, Rules: rules, Now: now}, true); err != nil {
			s.Fatal(err)
		}
		s.reopen()
		if sweep, err = s.db.BeginSweep("hubspot", after(time.Hour)); err != nil || sweep.Phase != state.Compare || !sweep.Started.Equal(now) {
			s.Fatalf("%+v, %v", sweep, err)
		}
		missing := 0
		for sweep.Phase == state.Compare {
			next, n, err := s.db.CompareSwept(sweep, []string{"contacts"}, 1, now)
			if err != nil {
				s.Fatal(err)
			}
			sweep, missing = next, missing+n
		}
		if e := s.queued(missed); missing != 1 || e.Reason&state.ReasonMerge == 0 {
			s.Errorf("%d missing, queued: %+v", missing, e)
		}
		if last, err := s.db.LastSweep("hubspot"); err != nil || !last.IsZero() {
			s.Errorf("ended at %v, %v", last, err)
		}
		for done := false; !done; {
			if done, err = s.db.EndSweep(sweep, 1, after(time.Hour)); err != nil {
				s.Fatal(err)
			}
		}
		if last, err := s.db.LastSweep("hubspot"); err != nil || !last.Equal(after(time.Hour)) {
			s.Errorf("ended at %v, %v", last, err)
		}
		s.verify()
	}},
	{"a value of a setting never overwrites a newer one", func(s *suite) {
		s.db.SetSettingLater("brake", []byte("old"))
		if err := s.db.SetSetting("brake", []byte("new")); err != nil {
			s.Fatal(err)
		}
		if err := s.db.Flush(); err != nil {
			s.Fatal(err)
		}
		if v, _ := s.db.Setting("brake"); string(v) != "new" {
			s.Errorf("%q", v)
		}
	}},
}

// rules are those of a config that says nothing of identities.
var rules = &state.IdentityRules{CRMs: []string{"hubspot"}}
