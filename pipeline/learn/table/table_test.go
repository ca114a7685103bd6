package table

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/pipeline/learn/backtest"
	"github.com/intentd/intentd/pipeline/score"
)

// file writes a table and opens it.
func file(t *testing.T, text string) *Table {
	t.Helper()
	name := filepath.Join(t.TempDir(), "leads.csv")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	table, err := Open(name)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func read(t *testing.T, text string, c Columns) (*backtest.Population, []backtest.Person) {
	t.Helper()
	p, err := People(file(t, text), c, score.Defaults())
	if err != nil {
		t.Fatal(err)
	}
	var all []backtest.Person
	for who := range p.People() {
		one := *who
		one.Facts = slices.Clone(one.Facts)
		all = append(all, one)
	}
	return p, all
}

// TestPeople: rows become facts, numbers as numbers and words as words; empty cells say nothing; names, ids, outcome, date and score are no facts.
func TestPeople(t *testing.T) {
	const text = "\ufeffEmail;Converted;Closed At;Industry;Employees;HubSpot Score\na@a.example;yes;2026-03-01;retail;120;44\nb@b.example;NO;2026-03-02 10:00:00;;n/a;\n"
	p, all := read(t, text, Columns{Outcome: "converted", Date: "closed_at", Score: "hubspot score"})
	if len(all) != 2 || !all[0].Won || all[1].Won || p.Given != "HubSpot Score" || all[0].Given != 44 || all[1].Given == all[1].Given {
		t.Errorf("%+v", all)
	}
	if got := fmt.Sprint(all[0].Facts); got != "[{Industry retail 0 false} {Employees  120 false}]" || len(all[1].Facts) != 0 {
		t.Errorf("facts %s and %v", got, all[1].Facts)
	}
	if want := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC); !all[1].At.Equal(want) {
		t.Errorf("at %v", all[1].At)
	}
	if want := []string{"HubSpot Score: 1 people have none and stand lowest"}; !slices.Equal(p.Remarks, want) {
		t.Errorf("remarks %q", p.Remarks)
	}
	// Chosen columns alone are learned from; the components are read all the same.
	const parts = "won,volume,recency,topics,source,other\n1,50,40,60,ads,x\n0,10,0,40,web,y\n"
	p, all = read(t, parts, Columns{Outcome: "won", Features: []string{"Source"}})
	if got := fmt.Sprint(all[0].Facts); got != "[{source ads 0 false} {volume  50 false} {recency  40 false} {topics  60 false}]" || !slices.Equal(p.Without, []string{"volume", "recency", "topics"}) {
		t.Errorf("facts %s, without %v", got, p.Without)
	}
}

// TestBaselines are read from columns that say what a team would sort by; what is later than the outcome is not known.
func TestBaselines(t *testing.T) {
	const text = "won,closed,Number of Pageviews,Last Activity Date\n1,2026-03-10,12,2026-03-01\n0,2026-03-10,3,2026-03-20\n"
	p, all := read(t, text, Columns{Outcome: "won", Date: "closed"})
	if p.Baseline != [3]bool{false, true, true} || all[0].PageViews != 12 || all[0].ActiveDays != 9 || all[1].ActiveDays == all[1].ActiveDays {
		t.Errorf("%v, %+v", p.Baseline, all)
	}
}

// TestLeftOut: rows that cannot be used are counted by their reason, and the rest is used.
func TestLeftOut(t *testing.T) {
	p, all := read(t, "won,at\n1,2026-01-01\n0,2026-01-02\n1,2026-01-03\n0,2026-01-03\n1,2026-01-04\n0,2026-01-04\n,2026-01-03\nopen,2026-01-03\n1,soon\n1\n", Columns{Outcome: "won", Date: "at"})
	if want := map[string]int{whyOutcome: 1, whyWord: 1, whyDate: 1, whyLength: 1}; fmt.Sprint(p.LeftOut) != fmt.Sprint(want) || len(all) != 6 {
		t.Errorf("left out %v of %d", p.LeftOut, len(all))
	}
}

// TestDates of every usual spelling are read; with slashes the column itself must tell whether day or month comes first.
func TestDates(t *testing.T) {
	want := time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)
	for _, cell := range []string{"2026-11-28", "2026-11-28T00:00:00Z", "2026-11-28T01:00:00+01:00", "2026-11-28 00:00:00", "2026-11-28 00:00", "28.11.2026", "28/11/2026", "11/28/2026", "2026/11/28", "1795824000", "1795824000000", "28 Nov 2026", "Nov 28, 2026"} {
		_, all := read(t, "won;at\n1;"+cell+"\n0;"+cell+"\n", Columns{Outcome: "won", Date: "at"})
		if !all[0].At.Equal(want) {
			t.Errorf("%s is read as %v", cell, all[0].At)
		}
	}
	_, all := read(t, "won,at\n1,03/04/2026\n0,28/04/2026\n", Columns{Outcome: "won", Date: "at"})
	if all[0].At.Month() != time.April || all[0].At.Day() != 3 {
		t.Errorf("03/04/2026 beside 28/04/2026 is read as %v", all[0].At)
	}
}

// TestErrors: each is one sentence that says what to do.
func TestErrors(t *testing.T) {
	for _, c := range []struct {
		name, text string
		c          Columns
		says       string
	}{
		{"wrong column", "won,at\n1,2026-01-01\n", Columns{Outcome: "win"}, `has no column "win": give --outcome one of won, at`},
		{"wrong date column", "won,at\n1,2026-01-01\n", Columns{Outcome: "won", Date: "when"}, "give --date one of"},
		{"wrong score", "won,at\n1,2026-01-01\n", Columns{Outcome: "won", Score: "s"}, "give --score one of"},
		{"wrong feature", "won,at\n1,2026-01-01\n", Columns{Outcome: "won", Features: []string{"x"}}, "give --features one of"},
		{"the outcome as feature", "won,at\n1,2026-01-01\n", Columns{Outcome: "won", Features: []string{"won"}}, "which is the outcome"},
		{"wrong trust", "won,at\n1,2026-01-01\n0,2026-01-01\n", Columns{Outcome: "won", Trusted: []string{"x"}}, "give --trust one of"},
		{"no score", "won,s\n1,high\n0,\n", Columns{Outcome: "won", Score: "s"}, "column s holds no number"},
		{"dates", "won,at\n1,soon\n0,later\n", Columns{Outcome: "won", Date: "at"}, `2 of 2 dates in column at cannot be read, "soon" for example: write them as 2026-11-28`},
		{"dates that say two things", "won,at\n1,03/04/2026\n0,05/06/2026\n", Columns{Outcome: "won", Date: "at"}, "may name the day or the month first"},
		{"all won", "won\n1\n1\n", Columns{Outcome: "won"}, "all 2 people were won by column won: a backtest needs lost ones, too"},
		{"all lost", "won\n0\n0\n", Columns{Outcome: "won"}, "all 2 people were lost by column won: a backtest needs won ones, too"},
		{"no outcome", "won,a\n,1\n,2\n", Columns{Outcome: "won"}, "is empty in all 2 rows"},
		{"words", "won\nmaybe\nperhaps\n", Columns{Outcome: "won"}, `says "maybe", "perhaps", which is neither won nor lost: write 1 for won`},
		{"header only", "won,at\n", Columns{Outcome: "won"}, "a header and no row"},
	} {
		_, err := People(file(t, c.text), c.c, score.Defaults())
		if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty.csv")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, says := range map[string]string{empty: "is empty: its first line must name the columns", dir: "is a directory", filepath.Join(dir, "none"): "there is no such file"} {
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// FuzzPeople: whatever a table holds, it is read or refused, the same each time, and nothing panics.
func FuzzPeople(f *testing.F) {
	f.Add("won,at,a\n1,2026-01-01,x\n0,1/2/2026,5\n")
	f.Add("won;\"at\n;\n")
	f.Add("\ufeffwon\t\n1\t\n0\t\n")
	f.Fuzz(func(t *testing.T, text string) {
		name := filepath.Join(t.TempDir(), "f.csv")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		table, err := Open(name)
		if err != nil || len(table.Header) == 0 {
			return
		}
		p, err := People(table, Columns{Outcome: table.Header[0], Date: table.Header[len(table.Header)-1]}, score.Defaults())
		if err != nil {
			return
		}
		count := func() (n int) {
			for range p.People() {
				n++
			}
			return n
		}
		if a, b := count(), count(); a != b || a < 2 {
			t.Fatalf("%d people, then %d", a, b)
		}
	})
}

// TestOutcomes: email, outcome and at under their usual names, what it was worth where the table says so, and the columns that were asked for.
func TestOutcomes(t *testing.T) {
	table := file(t, "Email,Result,Closed At,Amount,industry\nA@a.example ,won,2026-03-01,1200.50,retail\nb@a.example,lost,2026-03-02,n/a,\nc@a.example,open,2026-03-02,1,x\n")
	out, leftOut, err := Outcomes(table.Path, []string{"industry", "size"})
	if err != nil || len(out) != 2 || leftOut[whyWord] != 1 {
		t.Fatalf("%v, left out %v, %v", out, leftOut, err)
	}
	if a, b := out[0], out[1]; a.Who != "a@a.example" || !a.Won || a.Worth != 1200.5 || a.Profile["industry"] != "retail" || b.Won || b.Worth != 0 || b.Profile != nil {
		t.Errorf("%+v", out)
	}
}

// TestLines: JSON lines are a table whose columns are all their keys; a key that a line does not have is an empty cell, and what is no flat object is left out and counted.
func TestLines(t *testing.T) {
	const text = `{"email":"a@a.example","won":true,"industry":"retail","size":120}
{"email":"b@b.example","won":"no","size":null,"visits":3}

{"email":"c@c.example","won":"yes","nested":{"a":1}}
not json
`
	p, all := read(t, text, Columns{Outcome: "won"})
	if len(all) != 2 || !all[0].Won || all[1].Won || p.LeftOut[whyLength] != 2 {
		t.Errorf("%+v, left out %v", all, p.LeftOut)
	}
	if got := fmt.Sprint(all[0].Facts, all[1].Facts); got != "[{industry retail 0 false} {size  120 false}] [{visits  3 false}]" {
		t.Error(got)
	}
	name := filepath.Join(t.TempDir(), "x.jsonl")
	if err := os.WriteFile(name, []byte("{\"a\":[1]}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(name); err == nil || !strings.Contains(err.Error(), "flat JSON object") {
		t.Error(err)
	}
}
