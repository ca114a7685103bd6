package sandbox

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// people is an org with a few records whose answers can be told by looking.
func people(t testing.TB) *org {
	g := newOrg(t, SalesforceOptions{})
	acme := g.Create("Account", map[string]string{"Name": "Acme"})
	zeta := g.Create("Account", map[string]string{"Name": "Zeta"})
	for _, m := range []map[string]string{
		lead("Ada", "FirstName", "X", "Email", "ada@a.example", "NumberOfEmployees", "5", "Rating", "Hot", "CreatedDate", "2026-11-18T23:59:59Z"),
		lead("Ben", "Email", "ben@b.example", "NumberOfEmployees", "50", "HasOptedOutOfEmail", "true", "CreatedDate", "2026-11-19T00:00:00Z"),
		lead("Cara", "NumberOfEmployees", "500", "Rating", "Cold", "EmailBouncedDate", "2026-11-20T08:00:00Z"),
		lead("Dora_50%", "Email", "DORA@d.example", "Description", "long"),
		lead("O'Neil", "Rating", "Hot"),
	} {
		g.Create("Lead", m)
	}
	g.Create("Contact", map[string]string{"LastName": "Eve", "AccountId": acme, "Birthdate": "1990-05-01"})
	g.Create("Contact", map[string]string{"LastName": "Fay", "AccountId": zeta})
	g.Create("Contact", map[string]string{"LastName": "Gus"})
	return g
}

func TestSOQLConditions(t *testing.T) {
	g := people(t)
	ids := g.IDs("Lead")
	acme := g.IDs("Account")[0]
	for q, want := range map[string]string{
		"SELECT LastName FROM Lead":                                                                                     "Ada Ben Cara Dora_50% O'Neil",
		"select lastname from lead where lastname = 'ADA'":                                                              "Ada",
		"SELECT LastName FROM Lead WHERE LastName != 'ada'":                                                             "Ben Cara Dora_50% O'Neil",
		"SELECT LastName FROM Lead WHERE Email = null":                                                                  "Cara O'Neil",
		"SELECT LastName FROM Lead WHERE Email != null":                                                                 "Ada Ben Dora_50%",
		"SELECT LastName FROM Lead WHERE Email = 'dora@D.example'":                                                      "Dora_50%",
		"SELECT LastName FROM Lead WHERE Email IN ('ada@a.example', 'BEN@b.example')":                                   "Ada Ben",
		"SELECT LastName FROM Lead WHERE Email IN ('ada@a.example', null)":                                              "Ada Cara O'Neil",
		"SELECT LastName FROM Lead WHERE LastName LIKE '%a'":                                                            "Ada Cara",
		"SELECT LastName FROM Lead WHERE LastName LIKE '_a%'":                                                           "Cara",
		`SELECT LastName FROM Lead WHERE LastName = 'O\'Neil'`:                                                          "O'Neil",
		"SELECT LastName FROM Lead WHERE HasOptedOutOfEmail = true":                                                     "Ben",
		"SELECT LastName FROM Lead WHERE HasOptedOutOfEmail != TRUE":                                                    "Ada Cara Dora_50% O'Neil",
		"SELECT LastName FROM Lead WHERE HasOptedOutOfEmail = false AND Rating = 'hot'":                                 "Ada O'Neil",
		"SELECT LastName FROM Lead WHERE Rating = 'Hot' OR Rating = 'Cold'":                                             "Ada Cara O'Neil",
		"SELECT LastName FROM Lead WHERE CreatedDate < 2026-11-19T00:00:00Z":                                            "Ada",
		"SELECT LastName FROM Lead WHERE CreatedDate <= 2026-11-19T01:00:00+01:00":                                      "Ada Ben",
		"SELECT LastName FROM Lead WHERE CreatedDate = 2026-11-19T00:00:00.000+0000":                                    "Ben",
		"SELECT LastName FROM Lead WHERE CreatedDate > 2026-11-18T23:59:59.500Z AND CreatedDate < 2026-11-20T00:00:00Z": "Ben",
		"SELECT LastName FROM Lead WHERE CreatedDate >= YESTERDAY AND CreatedDate < 2026-11-20T00:00:00Z":               "Ben",
		"SELECT LastName FROM Lead WHERE EmailBouncedDate > 2026-11-20T07:59:59Z":                                       "Cara",
		"SELECT LastName FROM Lead WHERE EmailBouncedDate = null AND Email = null":                                      "O'Neil",
		"SELECT LastName FROM Lead WHERE Id = '" + ids[1][:15] + "'":                                                    "Ben",
		"SELECT LastName FROM Lead WHERE Id > '" + ids[2] + "'":                                                         "Dora_50% O'Neil",
		"SELECT LastName FROM Lead WHERE Id IN ('" + ids[2] + "','" + ids[0] + "','" + ids[2] + "')":                    "Ada Cara",
		"SELECT LastName FROM Lead ORDER BY Rating, LastName DESC":                                                      "Dora_50% Ben Cara O'Neil Ada",
		"SELECT LastName FROM Lead ORDER BY LastName DESC":                                                              "O'Neil Dora_50% Cara Ben Ada",
		"SELECT LastName FROM Lead LIMIT 0":                                                                             "",
		"SELECT LastName FROM Contact WHERE AccountId = null":                                                           "Gus",
		"SELECT LastName FROM Contact WHERE AccountId = '" + acme + "'":                                                 "Eve",
		"SELECT LastName FROM Lead WHERE (SystemModstamp = 2026-11-20T08:17:30Z AND Id > '" + ids[3] + "') OR SystemModstamp > 2026-11-20T08:17:30Z ORDER BY SystemModstamp, Id LIMIT 9": "O'Neil",
	} {
		a := g.soql(q)
		if a.status != 200 {
			t.Errorf("%s\n%s", q, a.body)
			continue
		}
		if got := strings.Join(column(a, "LastName"), " "); got != want {
			t.Errorf("%s\n got %s\nwant %s", q, got, want)
		}
		count := g.want(200, g.soql(strings.Replace(strings.Replace(q, "SELECT LastName", "SELECT COUNT()", 1), "select lastname", "select count()", 1)))
		if n := len(strings.Fields(want)); int(count.json["totalSize"].(float64)) != n || len(count.json["records"].([]any)) != 0 {
			t.Errorf("%s: COUNT() tells %s, want %d", q, count.body, n)
		}
	}
}

func TestSOQLMistakes(t *testing.T) {
	g := people(t)
	if err := g.Define("Lead.Hidden__c", `{"label":"Hidden","type":"Text","length":20}`); err != nil {
		t.Fatal(err)
	}
	for q, want := range map[string]string{
		"":                                "MALFORMED_QUERY",
		"SELECT":                          "MALFORMED_QUERY unexpected token: <EOF>",
		"SELECT FROM Lead":                "MALFORMED_QUERY unexpected token: 'FROM'",
		"SELECT Id Lead":                  "MALFORMED_QUERY unexpected token: 'Lead'",
		"SELECT Id FROM Lead WHERE":       "MALFORMED_QUERY unexpected token: <EOF>",
		"SELECT Id FROM Lead WHERE Name":  "MALFORMED_QUERY",
		"SELECT Id FROM Lead WHERE Name=": "MALFORMED_QUERY",
		"SELECT Id FROM Lead WHERE Name = 'x' OR Name = 'y' AND Name = 'z'":   "MALFORMED_QUERY unexpected token: 'AND'",
		"SELECT Id FROM Lead WHERE (Name = 'x'":                               "MALFORMED_QUERY",
		"SELECT Id FROM Lead WHERE Name = 'x":                                 "MALFORMED_QUERY unexpected end of string",
		`SELECT Id FROM Lead WHERE Name = '\x'`:                               "MALFORMED_QUERY Invalid string literal",
		"SELECT Id FROM Lead LIMIT -1":                                        "MALFORMED_QUERY",
		"SELECT Id FROM Lead LIMIT 1 2":                                       "MALFORMED_QUERY unexpected token: '2'",
		"SELECT Id FROM Lead WHERE Name IN ()":                                "MALFORMED_QUERY",
		"SELECT Id FROM Lead WHERE Name = #":                                  "MALFORMED_QUERY",
		"SELECT Id, (SELECT Id FROM Tasks) FROM Lead":                         "MALFORMED_QUERY the sandbox does not support queries of children",
		"SELECT MAX(CreatedDate) FROM Lead":                                   "MALFORMED_QUERY the sandbox does not support functions",
		"SELECT Id FROM Lead WHERE Id IN (SELECT LeadId FROM CampaignMember)": "MALFORMED_QUERY the sandbox does not support queries within queries",
		"SELECT Id FROM Lead LIMIT 1 OFFSET 2":                                "MALFORMED_QUERY the sandbox does not support OFFSET",
		"SELECT Id FROM Lead WHERE CreatedDate = TODAY":                       "MALFORMED_QUERY the sandbox does not support = TODAY",
		"SELECT Id FROM Lead WHERE CreatedDate = LAST_N_DAYS:1":               "MALFORMED_QUERY",
		"SELECT Status FROM Lead GROUP BY Status":                             "MALFORMED_QUERY the sandbox does not support GROUP",
		"SELECT Id FROM Lead WHERE CreatedDate > 2026-11-19T00:00:00 01:00":   "MALFORMED_QUERY", // a plus that was not encoded
		"SELECT Id, Nothing FROM Lead":                                        "INVALID_FIELD No such column 'Nothing' on entity 'Lead'",
		"SELECT Id FROM Lead WHERE Nothing = 1":                               "INVALID_FIELD No such column 'Nothing' on entity 'Lead'",
		"SELECT Id FROM Lead ORDER BY Nothing":                                "INVALID_FIELD No such column 'Nothing' on entity 'Lead'",
		"SELECT Hidden__c FROM Lead":                                          "INVALID_FIELD No such column 'Hidden__c' on entity 'Lead'",
		"SELECT Id, id FROM Lead":                                             "INVALID_FIELD duplicate field selected: id",
		"SELECT Nobody.Name FROM Lead":                                        "INVALID_FIELD Didn't understand relationship 'Nobody' in field path",
		"SELECT Owner.Nothing FROM Lead":                                      "INVALID_FIELD No such column 'Nothing' on entity 'User'",
		"SELECT Id FROM Lead WHERE CreatedDate > '2026-11-19T00:00:00Z'":      "INVALID_FIELD must be of type datetime and should not be enclosed in quotes",
		"SELECT Id FROM Lead WHERE CreatedDate > 2026-11-19":                  "INVALID_FIELD must be of type datetime",
		"SELECT Id FROM Lead WHERE LastName = 5":                              "INVALID_FIELD must be of type string and should be enclosed in quotes",
		"SELECT Id FROM Lead WHERE IsConverted = 'true'":                      "INVALID_FIELD must be of type boolean",
		"SELECT Id FROM Lead WHERE NumberOfEmployees = 5":                     "MALFORMED_QUERY the sandbox does not support that fields of type int are filtered by",
		"SELECT Id FROM Lead WHERE Description = 'long'":                      "INVALID_FIELD field 'Description' can not be filtered in a query call",
		"SELECT Id FROM Lead ORDER BY Description":                            "INVALID_FIELD can not be sorted",
		"SELECT Id FROM Lead WHERE Id = 'abc'":                                "INVALID_QUERY_FILTER_OPERATOR invalid ID field: abc",
		"SELECT Id FROM Lead WHERE IsConverted > true":                        "INVALID_QUERY_FILTER_OPERATOR",
		"SELECT Id FROM Lead WHERE Id LIKE 'a%'":                              "INVALID_FIELD invalid operator on id field",
		"SELECT Id FROM Unicorn":                                              "INVALID_TYPE sObject type 'Unicorn' is not supported",
		"SELECT Id FROM CustomField":                                          "INVALID_TYPE",
	} {
		a := g.soql(q)
		code, text, _ := strings.Cut(want, " ")
		if a.status != 400 || a.code() != code || !strings.Contains(a.body, text) {
			t.Errorf("%.80s\n got %d %s\nwant %s", q, a.status, a.body, want)
		}
	}
	if a := g.soql("SELECT Id, Foo FROM Lead"); a.body != `[{"message":"\nSELECT Id, Foo FROM Lead\n           ^\nERROR at Row:1:Column:12\nNo such column 'Foo' on entity 'Lead'. If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate names.","errorCode":"INVALID_FIELD"}]` {
		t.Errorf("got %s", a.body)
	}
}

func TestSOQLRenderingIsAsDocumented(t *testing.T) {
	g := people(t)
	a := g.want(200, g.soql("SELECT Id, Name, Account.Name, Account.IsDeleted, Birthdate, HasOptedOutOfEmail, CreatedDate FROM Contact WHERE LastName IN ('Eve', 'Gus')"))
	ids := g.IDs("Contact")
	acc := g.IDs("Account")[0]
	want := fmt.Sprintf(`{"totalSize":2,"done":true,"records":[{"attributes":{"type":"Contact","url":"/services/data/v67.0/sobjects/Contact/%[1]s"},"Id":"%[1]s","Name":"Eve","Birthdate":"1990-05-01","HasOptedOutOfEmail":false,"CreatedDate":"2026-11-20T08:17:30.000+0000","Account":{"attributes":{"type":"Account","url":"/services/data/v67.0/sobjects/Account/%[2]s"},"Name":"Acme","IsDeleted":false}},`+
		`{"attributes":{"type":"Contact","url":"/services/data/v67.0/sobjects/Contact/%[3]s"},"Id":"%[3]s","Name":"Gus","Birthdate":null,"HasOptedOutOfEmail":false,"CreatedDate":"2026-11-20T08:17:30.000+0000","Account":null}]}`, ids[0], acc, ids[2])
	if a.body != want {
		t.Errorf("got  %s\nwant %s", a.body, want)
	}
	contact := g.IDs("Contact")[0]
	g.Create("Task", map[string]string{"WhoId": contact, "Subject": "s"})
	g.Create("Task", map[string]string{"WhoId": g.IDs("Lead")[0], "Subject": "s", "CallDurationInSeconds": "7"})
	a = g.want(200, g.soql("SELECT Who.Id, Who.Name, CallDurationInSeconds FROM Task WHERE WhoId = '"+contact+"'"))
	if at(a.json, "records", 0, "Who", "Id") != contact || at(a.json, "records", 0, "Who", "Name") != "Eve" || len(column(a, "Who")) != 1 {
		t.Errorf("got %s", a.body)
	}
	a = g.want(200, g.soql("SELECT Amount, Probability FROM Opportunity"))
	g.Create("Opportunity", map[string]string{"Name": "x", "StageName": "Closed Won", "CloseDate": "2026-11-01", "Amount": "1200.5"})
	a = g.want(200, g.soql("SELECT Amount, Probability, IsWon, IsClosed FROM Opportunity"))
	if !strings.Contains(a.body, `"Amount":1200.5,"Probability":100.0,"IsWon":true,"IsClosed":true`) {
		t.Errorf("got %s", a.body)
	}
}

func TestQueryPagesAndTheirLocators(t *testing.T) {
	g := newOrg(t, SalesforceOptions{})
	ids := g.CreateMany("Lead", 2500, func(i int) map[string]string { return lead(fmt.Sprint(i)) })
	first := g.want(200, g.soql("SELECT Id FROM Lead"))
	if first.json["done"] != false || len(column(first, "Id")) != 2000 || first.json["totalSize"] != 2500.0 {
		t.Fatalf("got %.200s", first.body)
	}
	next := first.json["nextRecordsUrl"].(string)
	last := g.want(200, g.ask("GET", next, nil))
	if got := append(column(first, "Id"), column(last, "Id")...); !slices.Equal(got, ids) || last.json["done"] != true || last.json["nextRecordsUrl"] != nil {
		t.Errorf("%d records in two pages", len(got))
	}
	for header, want := range map[string]int{"batchSize=300": 300, "batchSize = 1": 200, "x=1, batchsize=5000": 2000, "nonsense": 2000} {
		a := g.soql("SELECT Id FROM Lead", "Sforce-Query-Options", header)
		if n := len(column(a, "Id")); n != want {
			t.Errorf("%s: %d a page, want %d", header, n, want)
		}
	}
	dead := func(why, locator string) {
		t.Helper()
		if a := g.ask("GET", locator, nil); a.status != 400 || a.code() != "INVALID_QUERY_LOCATOR" {
			t.Errorf("%s: %d %s", why, a.status, a.body)
		}
	}
	dead("an unknown one", v67+"/query/01g5g0000000001AAA-2000")
	dead("beyond the end", next[:len(next)-4]+"2500")
	next = g.soql("SELECT Id FROM Lead").json["nextRecordsUrl"].(string)
	for range cursorsAtATime {
		g.want(200, g.ask("GET", next, nil))
		g.soql("SELECT Name FROM Lead")
	}
	dead("after ten others", next)
	next = g.soql("SELECT Id FROM Lead").json["nextRecordsUrl"].(string)
	g.ExpireSessions()
	g.want(401, g.ask("GET", next, nil))
	g.signIn()
	dead("after its session", next)

	long := newOrg(t, SalesforceOptions{SessionTTL: 1000 * time.Hour})
	long.CreateMany("Lead", 2001, func(i int) map[string]string { return lead("x") })
	next = long.soql("SELECT Id FROM Lead").json["nextRecordsUrl"].(string)
	long.clock.advance(47 * time.Hour)
	long.want(200, long.ask("GET", next, nil))
	long.clock.advance(time.Hour)
	if a := long.ask("GET", next, nil); a.code() != "INVALID_QUERY_LOCATOR" {
		t.Errorf("after two days: %s", a.body)
	}
}

// TestKeysetWalkMeetsTiesOnce walks as connectors do, with far more ties than a page holds.
func TestKeysetWalkMeetsTiesOnce(t *testing.T) {
	g := newOrg(t, SalesforceOptions{})
	var ids []string
	for range 3 {
		ids = append(ids, g.CreateMany("Lead", 170, func(i int) map[string]string { return lead(fmt.Sprint(i)) })...)
		g.clock.advance(time.Second)
	}
	var got []string
	stamp, id := "2026-11-20T08:17:29Z", ""
	for range 100 {
		a := g.want(200, g.soql(fmt.Sprintf("SELECT Id, SystemModstamp FROM Lead WHERE (SystemModstamp = %s AND Id > '%s') OR SystemModstamp > %s ORDER BY SystemModstamp, Id LIMIT 50", stamp, id, stamp)))
		page := column(a, "Id")
		got = append(got, page...)
		if len(page) < 50 {
			break
		}
		id, stamp = page[49], strings.Replace(column(a, "SystemModstamp")[49], ".000+0000", "Z", 1)
	}
	if !slices.Equal(got, ids) {
		t.Errorf("met %d of %d", len(got), len(ids))
	}
}

func FuzzSOQL(f *testing.F) {
	for _, s := range []string{
		"SELECT Id FROM Lead WHERE (SystemModstamp = 2026-11-20T08:17:30Z AND Id > '00Q5g00000004JkAAI') OR SystemModstamp > 2026-11-20T08:17:30Z ORDER BY SystemModstamp, Id LIMIT 2000",
	} {
		f.Add(s)
	}
	g := people(f)
	f.Fuzz(func(t *testing.T, text string) {
		defer func() {
			switch bad := recover().(type) {
			case nil:
			case *orgFault:
				if bad.status != 0 || bad.code == "" || bad.message == "" {
					t.Errorf("%q: %+v", text, bad)
				}
			default:
				panic(bad)
			}
		}()
		q := g.parseSOQL(text, false)
		for _, r := range g.run(q, true) {
			g.render(nil, v67, q.o, r, q.columns)
		}
	})
}

func TestQueryParametersMayBeEncodedEitherWay(t *testing.T) {
	g := people(t)
	for _, q := range []string{"SELECT+Id+FROM+Lead+WHERE+LastName='Ada'", "SELECT%20Id%20FROM%20Lead%20WHERE%20LastName%3D%27Ada%27", url.QueryEscape("SELECT Id FROM Lead WHERE LastName='Ada'")} {
		if a := g.want(200, g.ask("GET", "/query?q="+q, nil)); a.json["totalSize"] != 1.0 {
			t.Errorf("%s: %s", q, a.body)
		}
	}
}

// TestColumnsOfAQuery asks as Salesforce's own CLI does after each query.
func TestColumnsOfAQuery(t *testing.T) {
	g := people(t)
	a := g.want(200, g.ask("GET", "/query?q="+url.QueryEscape("SELECT Id, Name, HasOptedOutOfEmail, NumberOfEmployees, Owner.Name, Owner.Email FROM Lead")+"&columns=true", nil))
	var got []string
	for _, c := range a.json["columnMetadata"].([]any) {
		name := at(c, "columnName").(string)
		for _, join := range at(c, "joinColumns").([]any) {
			name += "." + at(join, "columnName").(string)
		}
		got = append(got, name)
	}
	if want := []string{"Id", "Name", "HasOptedOutOfEmail", "NumberOfEmployees", "Owner.Name.Email"}; !slices.Equal(got, want) {
		t.Errorf("columns %q, want %q", got, want)
	}
	if at(a.json, "columnMetadata", 2, "booleanType") != true || at(a.json, "columnMetadata", 3, "numberType") != true || at(a.json, "columnMetadata", 1, "aggregate") != false || a.json["entityName"] != "Lead" || a.json["records"] != nil {
		t.Errorf("got %s", a.body)
	}
}
