package statetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/state"
)

var refusedOnce = &connectors.Error{Kind: connectors.Rejected, Op: "crm: write", Code: "RULE", Message: "a rule says no"}

// answer has the CRM answer for the patch with sequence number seq.
func (s *suite) answer(ref connectors.Ref, seq uint64, err error) state.Acknowledged {
	s.Helper()
	return must[state.Acknowledged](s)(s.db.Acknowledge([]state.Answer{{Ref: ref, Seq: seq, Err: err, Modified: after(time.Minute)}}, 1, "2026-11-21", now))
}

// rows are all patches of the CRM's contacts on their way.
func (s *suite) rows() []state.Row {
	s.Helper()
	rows, next, damaged, err := s.db.Rows("hubspot", "contacts", 0, 1000)
	if err != nil || next != 0 || damaged != 0 {
		s.Fatal(next, damaged, err)
	}
	return rows
}

var deliveries = []promise{
	// Invariants 2 and 3.
	{"what a CRM took becomes true with its answer, not before, and a restart sends the same again", func(s *suite) {
		id, ref := s.person("1")
		p := s.stage(id, ref, "x")
		check := func(written bool) {
			s.Helper()
			k := s.kept(id)
			rec := k.Records[0].Contact
			if got := len(k.Person.Shown) > 0; got != written || rec.WroteAt.IsZero() == written || (len(k.Receipts) == 1) != written || (len(k.History) == 1) != written || (rec.Scored == 9) != written {
				s.Errorf("written %v: %+v", written, k)
			}
			if n := s.db.Stats().Tiers[4]; (n == 1) != written {
				s.Errorf("written %v: %d people of the tier", written, n)
			}
		}
		check(false)
		s.reopen()
		check(false)
		rows := s.rows()
		patches, sendable, err := s.db.Patches(rows)
		if err != nil || len(rows) != 1 || !sendable[0] || patches[0].Fields[connectors.FieldHeadline] != "x" {
			s.Fatalf("%+v %v %v", patches, sendable, err)
		}
		s.answer(ref, p.Seq, nil)
		check(true)
		histories, next, err := s.db.HistoriesFrom(0, 1)
		if want := (state.HistoryPoint{At: now, Score: 640, Tier: 3, Trend: 4, Reason: "tier"}); err != nil || next != id+1 || len(histories) != 1 || len(histories[0].Points) != 1 || histories[0].Points[0] != want || !slices.Contains(histories[0].Contacts, ref) {
			s.Errorf("%+v, %d, %v", histories, next, err)
		}
		if s.db.JournalDepth() != 0 {
			s.Error("still in the journal")
		}
		s.verify()
	}},
	{"a refused patch leaves a letter, comes again at its time, and the letter goes when it is taken", func(s *suite) {
		id, ref := s.person("1")
		if sum := s.answer(ref, s.stage(id, ref, "x").Seq, refusedOnce); sum.Rejected != 1 {
			s.Fatalf("%+v", sum)
		}
		d := s.kept(id).Letters
		if len(d) != 1 || d[0].Attempts != 1 || d[0].Code != "RULE" {
			s.Fatalf("%+v", d)
		}
		if e := s.queued(id); e.Reason&state.ReasonLetter == 0 || len(s.claim(d[0].Next.Add(-time.Second), 9)) > 0 || len(s.claim(d[0].Next, 9)) != 1 {
			s.Errorf("it does not come again at its time: %+v", e)
		}
		s.answer(ref, s.stage(id, ref, "x").Seq, nil)
		if d := s.kept(id).Letters; len(d) != 0 || s.db.DeadCount() != 0 {
			s.Errorf("the letter outlives the patch that was taken: %+v", d)
		}
		s.verify()
	}},
	{"answers share a commit, and a row that fails costs that row", func(s *suite) {
		var answers []state.Answer
		for i := range 20 {
			id, ref := s.person(fmt.Sprint(i + 1))
			a := state.Answer{Ref: ref, Seq: s.stage(id, ref, "x").Seq}
			if i%5 == 0 {
				a.Err = refusedOnce
			}
			answers = append(answers, a)
		}
		answers = append(answers, state.Answer{Ref: connectors.Ref{CRM: "who", Object: "knows", ID: "1"}, Seq: 3})
		sum, err := s.db.Acknowledge(answers, 1, "2026-11-21", now)
		if err != nil || sum != (state.Acknowledged{Written: 16, Rejected: 4, Superseded: 1}) {
			s.Errorf("%+v %v", sum, err)
		}
		if u, err := s.db.Usage("2026-11-21"); err != nil || u.Written != 16 {
			s.Errorf("%+v %v", u, err)
		}
		s.verify()
	}},
	{"the newest patch of a record replaces the one before, and remembers what that may have left", func(s *suite) {
		id, ref := s.person("1")
		first, second := s.stage(id, ref, "one"), s.stage(id, ref, "two")
		if second.Seq <= first.Seq || s.db.JournalDepth() != 1 {
			s.Errorf("%d after %d, depth %d", second.Seq, first.Seq, s.db.JournalDepth())
		}
		if sum := s.answer(ref, first.Seq, nil); sum != (state.Acknowledged{Superseded: 1}) {
			s.Errorf("the answer for the old one: %+v", sum)
		}
		headline, _ := connectors.PersonFields().Named(connectors.FieldHeadline)
		if p := s.kept(id).Records[0].Pending; p == nil || !p.MayHaveLeft(headline, "one") || !p.MayHaveLeft(headline, "two") {
			s.Errorf("%+v", p)
		}
		if sum := s.answer(ref, second.Seq, nil); sum.Written != 1 {
			s.Errorf("%+v", sum)
		}
		s.verify()
	}},
	{"a job carries patches until it has told of them", func(s *suite) {
		called := map[connectors.Ref]bool{}
		for i := range 5 {
			id, ref := s.person(fmt.Sprint(i + 1))
			s.stage(id, ref, "x")
			called[ref] = i == 0
		}
		got, err := s.db.CarryByJob("hubspot", "contacts", "job-1", after(-time.Hour), 10, called)
		if err != nil || len(got) != 4 || called[got[0].Ref] {
			s.Fatal(len(got), err)
		}
		s.reopen()
		sum, err := s.db.Acknowledge([]state.Answer{{Ref: got[0].Ref, Token: "job-1"}, {Ref: got[1].Ref, Token: "another"}}, 1, "d", now)
		if err != nil || sum != (state.Acknowledged{Written: 1, Superseded: 1}) {
			s.Errorf("%+v %v", sum, err)
		}
		if n, err := s.db.ReleaseJob("hubspot", "contacts", "job-1"); err != nil || n != 3 {
			s.Errorf("%d released, %v", n, err)
		}
		if next, err := s.db.VoidWaiting("hubspot", "contacts", 0, 10, now); err != nil || next != 0 || len(s.rows()) != 0 || s.db.LaneDepth(state.Live) != 4 {
			s.Errorf("next %d, %v, %d rows, %d queued", next, err, len(s.rows()), s.db.LaneDepth(state.Live))
		}
		s.verify()
	}},
	{"work that joins while a patch is on its way is done after the answer", func(s *suite) {
		id, ref := s.person("1")
		p := s.stage(id, ref, "x")
		if err := s.db.Ask(id, now); err != nil {
			s.Fatal(err)
		}
		s.settle(state.Settlement{Entry: s.claim(now, 1)[0], Outcome: state.Await, Refs: []connectors.Ref{ref}})
		if s.queued(id).Person != 0 {
			s.Error("still queued")
		}
		s.reopen()
		s.answer(ref, p.Seq, nil)
		if got := s.claim(now, 9); len(got) != 1 || got[0].Reason != state.ReasonAsked {
			s.Errorf("%+v", got)
		}
	}},
	// Two records that turn out to be one person's, by every way.
	{"people who are joined keep everything, and those split off begin anew", func(s *suite) {
		one, first := s.person("1")
		two, second := s.person("2")
		s.answer(second, s.stage(two, second, "x").Seq, nil)
		s.settle(state.Settlement{Entry: state.Entry{Person: one}, Identities: &state.Identified{Source: "site", Links: []state.Link{{Kind: state.LinkUserID, Value: "u1", Source: "site", At: now}}}})
		verdict := state.VerdictAt{Verdict: "interested", At: now}
		s.settle(state.Settlement{Entry: state.Entry{Person: one}, Verdict: &verdict})
		s.settle(state.Settlement{Entry: state.Entry{Person: one}, Outcome: state.Join, Other: two})
		k := s.kept(two) // the one with a score stays
		if len(k.Person.Contacts) != 2 || len(k.Links) != 1 || k.Person.Verdict != verdict.Verdict || len(k.History) != 1 || len(k.Receipts) != 1 || s.kept(one).Person.Contacts != nil {
			s.Errorf("%+v", k)
		}
		s.verify()
		s.settle(state.Settlement{Entry: state.Entry{Person: two}, Outcome: state.Split, Refs: []connectors.Ref{first}, Contacts: []connectors.Contact{record("1"), record("2")}})
		if n := s.db.Stats().People; n != 2 {
			s.Errorf("%d people", n)
		}
		merged := record("3")
		merged.Absorbed = []connectors.Ref{first, second}
		s.take(state.Live, merged)
		if n := s.db.Stats(); n.People != 1 || n.Contacts != 1 {
			s.Errorf("%+v after the CRM merged both", n)
		}
		s.verify()
	}},
	{"who asked for nothing waits, behind whoever did", func(s *suite) {
		const people = 40
		var ids []state.PersonID
		for i := range people {
			id, _ := s.person(fmt.Sprint(i))
			ids = append(ids, id)
		}
		see := func(i int, canWait bool, at time.Time) {
			s.Helper()
			seen := connectors.Person{Emails: []string{fmt.Sprintf("person%d@x.example", i)}, CanWait: canWait}
			must[state.Taken](s)(s.db.TakeActive(state.ActivityPage{Source: "site", Feed: "listen/site", People: []connectors.Person{seen}, Lane: state.Live, Settle: 5 * time.Minute, Rules: rules, Now: at}))
		}
		see(0, true, now)
		see(0, true, after(4*time.Minute)) // more of the same visit puts nothing off
		see(1, true, now)
		see(1, false, after(time.Minute)) // then they ask
		see(2, false, now)
		see(2, true, now)
		if got := s.claim(after(4*time.Minute), 9); len(got) != 2 || got[0].Person != ids[1] || got[1].Person != ids[2] {
			s.Errorf("before it settled %+v are claimed, want the two who asked, in their order", got)
		}
		if got := s.claim(after(5*time.Minute), 9); len(got) != 1 || got[0].Person != ids[0] {
			s.Errorf("when it settled %+v", got)
		}
		// However many ask, one claim in 16 is of those who can wait.
		see(3, true, now)
		see(4, true, now)
		for i := 5; i < people; i++ {
			see(i, false, now)
		}
		order := s.claim(after(time.Hour), people)
		for k, e := range order {
			if waited := e.Person == ids[3] || e.Person == ids[4]; waited != (k == 15 || k == 31) {
				s.Errorf("claim %d is of person %d", k, e.Person)
			}
		}
		s.verify()
	}},
	{"activity finds its people, and an id held by two is nobody's", func(s *suite) {
		one, _ := s.person("1")
		two, _ := s.person("2")
		see := func(people ...connectors.Person) state.Taken {
			s.Helper()
			return must[state.Taken](s)(s.db.TakeActive(state.ActivityPage{Source: "site", Feed: "listen/site", Next: connectors.Cursor("n"), CaughtUp: true, People: people, Lane: state.Live, Rules: rules, Now: now}))
		}
		taken := see(connectors.Person{Emails: []string{"person1@x.example"}, UserIDs: []string{"u"}}, connectors.Person{Emails: []string{"nobody@x.example"}})
		if taken.Queued != 1 || taken.Unknown != 1 || len(s.kept(one).Links) != 2 || s.queued(one).Person == 0 {
			s.Errorf("%+v, links %+v", taken, s.kept(one).Links)
		}
		if taken := see(connectors.Person{UserIDs: []string{"u"}}); taken.Queued != 1 {
			s.Errorf("known by the id alone: %+v", taken)
		}
		see(connectors.Person{Emails: []string{"person1@x.example", "person2@x.example"}, UserIDs: []string{"u"}})
		for _, id := range []state.PersonID{one, two} {
			if l := s.kept(id).Links; !slices.ContainsFunc(l, func(l state.Link) bool { return l.Kind == state.LinkUserID && l.Nobodys }) {
				s.Errorf("%d: %+v", id, l)
			}
		}
		if r, err := s.db.Reached("site"); err != nil || r.People != 4 || r.Strangers != 1 {
			s.Errorf("%+v %v", r, err)
		}
		s.verify()
	}},
	{"whoever is due joins the queue, the longest overdue first", func(s *suite) {
		for i := range 5 {
			id, _ := s.person(fmt.Sprint(i + 1))
			s.settle(state.Settlement{Entry: state.Entry{Person: id}, Outcome: state.Commit, Next: &state.Person{Due: after(time.Duration(5-i) * time.Hour)}, Receipt: []byte("{}")})
		}
		if n, err := s.db.EnqueueDue(after(3*time.Hour), 2); err != nil || n != 2 {
			s.Fatal(n, err)
		}
		if got := s.claim(now, 9); len(got) != 2 || got[0].Person < got[1].Person || got[0].Lane != state.Due {
			s.Errorf("%+v", got)
		}
		if n, err := s.db.PurgeReceipts(after(time.Hour), 100); err != nil || n != 5 {
			s.Errorf("%d receipts purged, %v", n, err)
		}
		s.verify()
	}},
	{"an answer and a cache entry are there after a flush, and go with their time and person", func(s *suite) {
		id, ref := s.person("1")
		s.db.KeepAnswerLater(id, 7, []byte("answer"))
		s.db.CacheLater("stage1", []byte("k"), []byte("v"), after(time.Hour))
		s.db.AddUsageLater("2026-11-21", state.Usage{People: 2})
		s.db.NoteRun(state.Run{Name: "sweep", Last: now})
		if err := s.db.Flush(); err != nil {
			s.Fatal(err)
		}
		a, ok := s.db.Answer(id, 7)
		v, cached := s.db.Cached("stage1", []byte("k"), now)
		if !ok || string(a) != "answer" || !cached || string(v) != "v" {
			s.Errorf("%q %v, %q %v", a, ok, v, cached)
		}
		if n, err := s.db.PurgeCache("stage1", after(2*time.Hour), 10); err != nil || n != 1 {
			s.Error(n, err)
		}
		job := &state.Erasure{Person: id, Refs: []connectors.Ref{ref}, Started: now, Done: map[string]bool{}}
		ok = must[bool](s)(s.db.BeginErasure(job, rules))
		if err := errors.Join(s.db.Bury(job, now), s.db.EraseState(job), s.db.EndErasure(job)); err != nil || !ok {
			s.Fatal(ok, err)
		}
		if _, ok := s.db.Answer(id, 7); ok || s.db.Stats().Identities != 0 {
			s.Error("something of the person is left")
		}
		s.verify()
	}},
	{"a CRM is bound to one account", func(s *suite) {
		if err := errors.Join(s.db.Bind("hubspot", "1"), s.db.Bind("hubspot", "1")); err != nil {
			s.Fatal(err)
		}
		s.reopen()
		if err := s.db.Bind("hubspot", "2"); err == nil || !strings.Contains(err.Error(), "account 1") {
			s.Error(err)
		}
	}},
}

var upkeep = []promise{
	{"what is closed says so", func(s *suite) {
		if err := s.db.Close(); err != nil {
			s.Fatal(err)
		}
		_, claimErr := s.db.Claim(now, 1)
		for i, err := range []error{s.db.SetSetting("a", nil), s.db.Alive(), s.db.Flush(), claimErr} {
			if !errors.Is(err, state.ErrClosed) {
				s.Errorf("%d: %v", i, err)
			}
		}
	}},
}
