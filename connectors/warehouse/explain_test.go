package warehouse

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
)

// became is what a source says became of each row, "" where the host says it, and the values of the parameters.
func became(t *testing.T, x connectors.Explanation, err error) (rows []string, values map[string]string) {
	t.Helper()
	if err != nil || len(x.Asked) != 1 || x.Asked[0].Failed != "" {
		t.Fatalf("%+v, %v", x, err)
	}
	values = map[string]string{}
	for _, p := range x.Asked[0].Parameters {
		values[p.Name] = p.Value
	}
	for _, r := range x.Asked[0].Rows {
		rows = append(rows, r.Became)
		if len(r.Values) != len(x.Asked[0].Columns) {
			t.Errorf("a row of %d cells for %d columns", len(r.Values), len(x.Asked[0].Columns))
		}
	}
	return rows, values
}

// The query as it was sent, with the values of the person who is asked about alone, its rows, and why some of them are left out. Neither the
// cursor nor the counts of the intake move.
func TestExplainShowsTheQueriesAndTheirRows(t *testing.T) {
	url := postgresURL(t)
	execSQL(t, url, plainTable)
	execSQL(t, url, `INSERT INTO ev VALUES
		('e1', '2026-11-20T10:00Z', 'page_view', 'Ann@example.com', NULL, 'a1', 'https://www.example.com/demo', 'Demo', '2026-11-20T10:01Z'),
		('e2', NULL, 'page_view', 'ann@example.com', NULL, 'a1', NULL, NULL, '2026-11-20T10:02Z'),
		('e3', '2026-11-20T10:00Z', 'page_view', 'bob@example.com', NULL, 'b1', NULL, NULL, '2026-11-20T10:03Z'),
		('e4', '2026-11-20T10:00Z', 'page_view', NULL, NULL, NULL, NULL, NULL, '2026-11-20T10:04Z')`)
	s := plainSource(t, url)
	s.journeys, _ = parse(`SELECT id AS event_id, at AS time, kind, email, anon AS anonymous_id FROM ev WHERE coalesce(at, :from) >= :from AND coalesce(at, :from) < :to AND lower(email) = ANY(:emails) ORDER BY id`, journeyParams...)
	before, _ := s.Intake()
	ann := connectors.Person{Key: "p1", Emails: []string{"ann@example.com"}}
	x, err := s.Explain(t.Context(), connectors.ExplainQuery{Person: &ann, Window: connectors.Window{From: testNow.AddDate(0, 0, -30), To: testNow}, Rows: 10})
	rows, values := became(t, x, err)
	if want := []string{"", "left out: " + errNoTime.Error()}; !reflect.DeepEqual(rows, want) || x.Asked[0].Rows[0].Event.Person != "p1" {
		t.Errorf("rows became %q, want %q", rows, want)
	}
	if want := map[string]string{"from": "2026-10-21 12:00:00 UTC", "to": "2026-11-20 12:00:00 UTC", "emails": "ann@example.com"}; !reflect.DeepEqual(values, want) {
		t.Errorf("asked with %v, want %v", values, want)
	}
	if q := x.Asked[0].Query; !strings.Contains(q, "ANY(:emails)") || strings.Contains(q, "ann@") {
		t.Errorf("the query is %q", q)
	}

	active := func(from connectors.Cursor, most int) ([]string, connectors.Explanation) {
		x, err := s.Explain(t.Context(), connectors.ExplainQuery{From: from, Rows: most})
		rows, _ := became(t, x, err)
		return rows, x
	}
	if rows, _ := active(nil, 10); !reflect.DeepEqual(rows, []string{"", "", "", "left out: " + connectors.LeftOutNobody}) {
		t.Errorf("active rows became %q", rows)
	}
	if after, _ := s.Intake(); !reflect.DeepEqual(before, after) {
		t.Errorf("the intake moved: %+v", after)
	}
	page, err := s.Active(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	execSQL(t, url, `INSERT INTO ev VALUES ('e5', '2026-11-20T10:00Z', 'page_view', 'cy@example.com', NULL, NULL, NULL, NULL, '2026-11-20T10:05Z')`)
	rows, x = active(page.Next, 2)
	if told := "left out: " + connectors.LeftOutRepeated; !reflect.DeepEqual(rows, []string{told, told}) || x.Asked[0].Read != 5 {
		t.Errorf("two of the rows became %q, %d were read", rows, x.Asked[0].Read)
	}
}

// Whoever is known by nothing that the source knows is not asked about, and a query that the database refuses says why.
func TestExplainTellsWhyThereIsNoAnswer(t *testing.T) {
	url := postgresURL(t)
	execSQL(t, url, plainTable)
	s := plainSource(t, url)
	w := connectors.Window{From: testNow.Add(-time.Hour), To: testNow}
	x, err := s.Explain(t.Context(), connectors.ExplainQuery{Person: &connectors.Person{Phones: []string{"+49301234"}}, Window: w, Rows: 10})
	if err != nil || !strings.Contains(x.Asked[0].Failed, "nothing is asked") {
		t.Errorf("%+v, %v", x, err)
	}
	execSQL(t, url, "DROP TABLE ev")
	x, err = s.Explain(t.Context(), connectors.ExplainQuery{Person: &connectors.Person{Emails: []string{"ann@example.com"}}, Window: w, Rows: 10})
	if err != nil || !strings.Contains(x.Asked[0].Failed, `relation "ev" does not exist`) || x.Asked[0].Query == "" {
		t.Errorf("%+v, %v", x, err)
	}
}

// Where running the query is paid for it is shown and priced, and not run.
func TestExplainPaysForNothing(t *testing.T) {
	s := newStandIn(t)
	f := s.feed(t, s.settings(), connectors.Host{Now: func() time.Time { return testNow }})
	x, err := f.Explain(t.Context(), connectors.ExplainQuery{Rows: 10})
	if err != nil || len(x.Asked) != 1 || x.Asked[0].Failed != "" || !strings.Contains(x.Asked[0].Query, ":from") || !strings.Contains(strings.Join(x.Notes, " "), "7.5 GB") {
		t.Errorf("%+v, %v", x, err)
	}
	if s.billed != 0 {
		t.Errorf("%d bytes were billed", s.billed)
	}
}
