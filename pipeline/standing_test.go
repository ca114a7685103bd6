package pipeline_test

import (
	"testing"

	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/state"
)

// Where a person stands is what the CRM shows of them, and their class ages without their being worked out.
func TestPeopleStandByWhatTheCRMShows(t *testing.T) {
	w := newWorld(t).start()
	w.crm.put("2", "reader@acme.example", nil)
	w.site.add("reader@acme.example", view("/blog", "Blog", w.clock.now().Add(-oneDay)))
	asked := w.buyer("1")
	w.once()
	page, err := w.db.Ranked(state.RankQuery{N: 9})
	if err != nil || len(page.People) != 2 || page.People[0].ID != w.idOf(asked) {
		t.Fatalf("%+v %v", page, err)
	}
	for _, p := range page.People {
		shown, err := score.DecodeShown(p.Person.Shown)
		if is := p.Person.Standing; err != nil || int(is.Score) != shown.Score || score.Tier(p.Tier-1) != shown.Tier || score.Trend(is.Trend) != shown.Trend || score.Stage(is.Stage) != shown.Stage || is.Product != state.Mark(shown.Product) {
			t.Errorf("%+v of %+v, %v", is, shown, err)
		}
	}
	class := func() score.Class { return score.Class(w.personOf(asked).Standing.Evidence) }
	if class() != score.ClassRaised {
		t.Errorf("class %d", class())
	}
	w.clock.advance(8 * oneDay)
	if n, err := w.p.RefreshStandings(t.Context()); n != 1 || err != nil || class() != score.ClassHigh {
		t.Errorf("%d changed to class %d, %v", n, class(), err)
	}
	if n, err := w.p.RefreshStandings(t.Context()); n != 0 || err != nil {
		t.Errorf("%d changed again, %v", n, err)
	}
	if err := w.db.Verify(); err != nil {
		t.Error(err)
	}
}
