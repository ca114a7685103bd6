package warehouse

import (
	"slices"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
)

// Promise: a row about a company that names nobody is told of everybody asked about who is of it, and of nobody else; one that names
// somebody is theirs alone.
func TestRowsAboutACompany(t *testing.T) {
	url := postgresURL(t)
	execSQL(t, url, `CREATE TABLE news (id text, at timestamptz, kind text, email text, domain text);
		INSERT INTO news VALUES ('1', now(), 'funding', NULL, 'Acme.example'), ('2', now(), 'funding', NULL, 'rival.example'),
			('3', now(), 'tech_change', 'dana@acme.example', 'acme.example'), ('4', now(), 'funding', NULL, 'gmail.com')`)
	o := Type.Settings().(*Config)
	o.Dialect, o.URL = "postgres", connectors.NewSecret(url)
	o.Active = `SELECT at AS cursor_time, id AS cursor_id, email FROM news WHERE (at, id) > (:since, :since_id) ORDER BY at, id LIMIT :limit`
	o.Journeys = `SELECT id AS event_id, at AS time, kind, email, domain AS company_domain FROM news
		WHERE at >= :from AND at < :to AND (email = ANY(:emails) OR email IS NULL AND lower(domain) = ANY(:domains))`
	s := open(t, o)
	people := []connectors.Person{
		{Key: "dana", Emails: []string{"dana@acme.example"}, Domain: "acme.example"},
		{Key: "eli", Emails: []string{"eli@acme.example"}, Domain: "acme.example"},
		{Key: "lee", Emails: []string{"lee@gmail.com"}},
	}
	var told []string
	now := time.Now()
	for e, err := range s.Journeys(t.Context(), people, connectors.Window{From: now.Add(-time.Hour), To: now.Add(time.Hour)}) {
		if err != nil {
			t.Fatal(err)
		}
		told = append(told, e.Person+" "+e.ID)
	}
	slices.Sort(told)
	if want := []string{"dana 1", "dana 3", "eli 1"}; !slices.Equal(told, want) {
		t.Errorf("told %v, want %v", told, want)
	}
}
