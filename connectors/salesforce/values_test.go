package salesforce

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// Ids of 15 characters become those of 18, ids that lost their case get it back, and what is no id is none.
func TestIDs(t *testing.T) {
	for in, want := range map[string]string{
		"0015000000Gv7qJ":    "0015000000Gv7qJAAR",
		"0015000000Gv7qJAAR": "0015000000Gv7qJAAR",
		"0015000000gv7qjaar": "0015000000Gv7qJAAR",
		"0015000000GV7QJAAR": "0015000000Gv7qJAAR",
		"00Q5g0000000001":    "00Q5g0000000001EAA",
		"0015000000Gv7qJAAX": "",
		"0015000000Gv7q'":    "",
		"0015000000Gv7qJA":   "",
		"":                   "",
	} {
		got, ok := normalID(in)
		if got != want || ok != (want != "") {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func FuzzIDs(f *testing.F) {
	f.Add("0015000000Gv7qJ")
	f.Add("0015000000gv7qjaar")
	f.Fuzz(func(t *testing.T, s string) {
		id, ok := normalID(s)
		if !ok {
			return
		}
		if again, ok := normalID(id); !ok || again != id || len(id) != 18 {
			t.Errorf("%q: %q, %q", s, id, again)
		}
		if short, ok := normalID(id[:15]); !ok || short != id {
			t.Errorf("%q: %q from its short form", s, short)
		}
	})
}

// Canonical values survive the way there and back.
func TestValues(t *testing.T) {
	for _, c := range []struct {
		typ        connectors.FieldType
		v, wire    string
		back, fail bool
	}{
		{connectors.TypeNumber, "64.4", "64.4", true, false},
		{connectors.TypeNumber, "0.00000001", "0.00000001", false, false},
		{connectors.TypeNumber, "1e3", "1000", false, false},
		{connectors.TypeNumber, "", "null", true, false},
		{connectors.TypeNumber, "NaN", "", false, true},
		{connectors.TypeNumber, "high", "", false, true},
		{connectors.TypeDate, "2026-12-01", `"2026-12-01"`, true, false},
		{connectors.TypeDate, "tomorrow", "", false, true},
		{connectors.TypeDateTime, "2026-11-19T08:17:00Z", `"2026-11-19T08:17:00Z"`, true, false},
		{connectors.TypeDateTime, "2026-11-19T09:17:00+01:00", `"2026-11-19T08:17:00Z"`, false, false},
		{connectors.TypeDateTime, "2026-11-19", "", false, true},
		{connectors.TypeText, "a\nb", `"a\nb"`, true, false},
	} {
		wire, err := toWire(c.typ, c.v)
		if (err != nil) != c.fail {
			t.Errorf("%s %q: %v", c.typ, c.v, err)
		}
		if c.fail {
			continue
		}
		b, err := json.Marshal(wire)
		if err != nil || string(b) != c.wire {
			t.Errorf("%s %q goes as %s, want %s", c.typ, c.v, b, c.wire)
		}
		if got := values.FromWire(c.typ, c.v); c.back && got != c.v {
			t.Errorf("%s %q comes back as %q", c.typ, c.v, got)
		}
	}
	for in, want := range map[string]string{"2026-11-19T08:17:00.000+0000": "2026-11-19T08:17:00Z", "2026-11-19T08:17:00+01:00": "2026-11-19T07:17:00Z", "rubbish": "rubbish"} {
		if got := values.FromWire(connectors.TypeDateTime, in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
	if got := values.FromWire(connectors.TypeNumber, "-0.0"); got != "0.0" {
		t.Errorf("%q", got)
	}
	if got := values.FromWire(connectors.TypeLongText, "a\r\nb"); got != "a\nb" {
		t.Errorf("%q", got)
	}
}

// Nothing that Salesforce, or a proxy before it, may answer brings a reader down.
func FuzzAnswers(f *testing.F) {
	f.Add(`{"totalSize":1,"done":true,"records":[{"attributes":{"type":"Lead"},"Id":"00Q5g0000000001EAA","Owner":{"Name":"x"},"A":null}]}`)
	f.Add(`[{"message":"x","errorCode":"Y","fields":["Z"]}]`)
	f.Add(`{"error":"invalid_grant","error_description":7}`)
	f.Add("sf__Id,sf__Error\n\"00Q\",\"A:b:c --\"\n")
	c, err := New(Options{InstanceURL: orgHost, Auth: Auth{Flow: ClientCredentials, ClientID: "x", ClientSecret: "secret"}})
	if err != nil {
		f.Fatal(err)
	}
	o := c.objects[Lead]
	d := &description{roles: o.Roles}
	f.Fuzz(func(t *testing.T, s string) {
		if p, err := decodePage([]byte(s)); err == nil {
			for _, r := range p.records {
				r.values()
				r.position()
				c.contact(o, d, r)
			}
		}
		parseFailure([]byte(s))
		bulkFailure(s)
		parseIdentity(s)
		_, _ = parseTime(s)
		_ = rowsOfTable(strings.NewReader(s), []string{"sf__Id"}, func([]string) {})
		var w feed
		if err := c.readCursor(changesFeed, connectors.Cursor(s), &w); err != nil && connectors.KindOf(err) != connectors.Config {
			t.Errorf("%v", err)
		}
	})
}

// A query's address says the query, whatever is in it.
func FuzzEscapeQuery(f *testing.F) {
	f.Add("SELECT Id FROM Lead WHERE Name = 'O\\'Hara & Söhne' AND Id IN ('a','b')")
	f.Fuzz(func(t *testing.T, s string) {
		r := transport.Get("x", "/query?q="+escapeQuery(s))
		_, query, _ := strings.Cut(r.Path, "?q=")
		back := strings.ReplaceAll(query, "+", " ")
		var b strings.Builder
		for i := 0; i < len(back); i++ {
			if back[i] != '%' {
				b.WriteByte(back[i])
				continue
			}
			var c byte
			if _, err := fmt.Sscanf(back[i+1:i+3], "%02X", &c); err != nil {
				t.Fatal(err)
			}
			b.WriteByte(c)
			i += 2
		}
		if b.String() != s {
			t.Errorf("%q becomes %q", s, b.String())
		}
	})
}

// Names follow the fields' canonical ones.
func TestDefaultNames(t *testing.T) {
	for in, want := range map[string]string{"score": "Intent_Score__c", "tier_since": "Intent_Tier_Since__c", "product_interest": "Intent_Product_Interest__c", "last_signal_at": "Intent_Last_Signal_At__c"} {
		if got := defaultName(in); got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
}
