package warehouse

import (
	"strings"
	"testing"
	"time"
)

func TestParametersAreFoundWhereTheyAreParameters(t *testing.T) {
	all := append(append([]param{}, activeParams...), journeyParams...)
	for query, want := range map[string]string{
		"a = ANY(:emails)":                           "a = ANY(<emails>)",
		"a > :since AND b > :since;  ":               "a > <since> AND b > <since>",
		"x::text = :since_id::text":                  "x::text = <since_id>::text",
		"'it''s :from' || :from":                     "'it''s :from' || <from>",
		`"col:to" < :to`:                             `"col:to" < <to>`,
		"`a:from`.b = :limit":                        "`a:from`.b = <limit>",
		"-- all :people\nx = :to":                    "-- all :people\nx = <to>",
		"/* :who */ :to":                             "/* :who */ <to>",
		"$$ :body $$ || :to":                         "$$ :body $$ || <to>",
		"$q$ it's :body $q$ || :to":                  "$q$ it's :body $q$ || <to>",
		`'back\'slash :from' = :from`:                `'back\'slash :from' = <from>`,
		"payload:from::string = :from":               "payload:from::string = <from>", // Snowflake's path into JSON
		"t[1:2], :to":                                "t[1:2], <to>",
		"'never closed :from":                        "'never closed :from",
		"x = '12:30' AND y IN (:user_ids,:emails)":   "x = '12:30' AND y IN (<user_ids>,<emails>)",
		"# a comment of BigQuery :nobody\n:to":       "# a comment of BigQuery :nobody\n<to>",
		"p #>> '{a}' = :from AND p #> '{b}' = :to":   "p #>> '{a}' = <from> AND p #> '{b}' = <to>", // Postgres's path into JSON
		"größe = :to AND 'ü:from' <> :anonymous_ids": "größe = <to> AND 'ü:from' <> <anonymous_ids>",
	} {
		s, err := parse(query, all...)
		if err != nil {
			t.Errorf("%s: %v", query, err)
			continue
		}
		if got := s.render(func(_ int, p param) string { return "<" + paramNames[p] + ">" }); got != want {
			t.Errorf("%q became %q, want %q", query, got, want)
		}
	}
	for _, query := range []string{"x = :email", "x = :since", "x > :from_date"} {
		if _, err := parse(query, journeyParams...); err == nil || !strings.Contains(err.Error(), ":emails") {
			t.Errorf("%q: got %v, want an error that lists the names", query, err)
		}
	}
}

func TestOnlyQueriesThatReadAreTakenForSuch(t *testing.T) {
	for query, want := range map[string]bool{
		"SELECT 1": true, "-- DELETE\nwith x AS (SELECT 1) SELECT * FROM x;\n": true, "(SELECT 1) UNION ALL (SELECT 2)": true, "SELECT ';' AS a, \"b;c\" FROM t": true,
		"DELETE FROM t": false, "SELECT 1; DELETE FROM t": false, "/* SELECT */ TRUNCATE t": false, "CALL wipe()": false, "": false,
	} {
		if got := reads(query); got != want {
			t.Errorf("%q only reads: %v, want %v", query, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("SELECT ':x' FROM t WHERE a = :emails -- :b")
	f.Fuzz(func(t *testing.T, query string) {
		s, err := parse(query, journeyParams...)
		if err != nil {
			return
		}
		back := s.render(func(_ int, p param) string { return ":" + paramNames[p] })
		if want := strings.TrimRight(strings.TrimSpace(query), "; \t\r\n"); back != want {
			t.Errorf("%q came back as %q", want, back)
		}
	})
}

func TestTimesAreReadAsEveryDialectWritesThem(t *testing.T) {
	want := time.Date(2026, 11, 20, 10, 30, 15, 250_000_000, time.UTC)
	for _, v := range []string{
		"2026-11-20 10:30:15.25+00", "2026-11-20T10:30:15.250Z", "2026-11-20 11:30:15.25+01:00", "2026-11-20 10:30:15.250000", "2026-11-20 10:30:15.250 UTC",
		"1795170615.250000000", "1795170615250", "1795170615250000", "1795170615250000000", "1.79517061525E9", "2026-11-20T10:30:15.25",
	} {
		if got, err := parseTime(v); err != nil || !got.Equal(want) {
			t.Errorf("%q is read as %v (%v), want %v", v, got, err, want)
		}
	}
	for _, v := range []string{"", "soon", "0", "-5", "2026-13-01"} {
		if got, err := parseTime(v); err == nil {
			t.Errorf("%q is read as %v", v, got)
		}
	}
}
