package identity

import (
	"slices"
	"strings"
	"testing"
)

func rules(t testing.TB, o Options) *Rules {
	t.Helper()
	r, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAddressesAsTheyArrive(t *testing.T) {
	const dana = "dana@x.example"
	for in, want := range map[string]string{
		"dana@x.example": dana, " Dana@X.Example ": dana, "mailto:dana@x.example": dana, "MAILTO:Dana@x.example?subject=Hi": dana,
		"<dana@x.example>": dana, "<mailto:dana@x.example>": dana, "mailto:<dana@x.example>": dana, `"Dana W" <dana@x.example>`: dana,
		"Dana W <dana@x.example>": dana, "W, Dana <dana@x.example>": dana, `"dana@x.example" <dana@x.example>`: dana,
		"dana@x.example <dana@x.example>": dana, "<mailto:dana@x.example|dana@x.example>": dana, "dana@x.example (Dana W)": dana,
		"dana@x.example,": dana, "dana@x.example;": dana, "dana@x.example.": dana, "dana@x.example>": dana, "(dana@x.example)": dana, "dana@x.example).": dana,
		"'dana@x.example'": dana, `"dana@x.example"`: dana, "“dana@x.example”": dana, "«dana@x.example»": dana, "`dana@x.example`": dana,
		"\u200bdana@x.example": dana, "dana\u200d@x.\u00adexample": dana, "\ufeffdana@x.example\u2060": dana, "\u202adana@x.example\u202c": dana, "\u00a0dana@x.example\u3000": dana,
		"dana%40x.example": dana, "dana%40X.example": dana, "mailto:dana%40x.example": dana, "mailto:%22dana%22@x.example": dana, `"dana"@x.example`: dana,
		"dana@x.example\r\n": dana, "dana@x.example.;": dana, "<Dana@X.EXAMPLE.>": dana, "[dana@x.example]": dana, "'Dana W' <'dana@x.example'>": dana,
		"dana+crm@x.example": "dana+crm@x.example", "o'brien@x.example": "o'brien@x.example", "dana%2Bcrm%40x.example": "dana+crm@x.example",
		"jose\u0301@x.example": "josé@x.example", "JOSÉ@x.example": "josé@x.example",
		"dana@bücher.example": "dana@xn--bcher-kva.example", "dana@BÜCHER.example": "dana@xn--bcher-kva.example", "dana@xn--bcher-kva.example": "dana@xn--bcher-kva.example",
		"dana@XN--BCHER-KVA.example": "dana@xn--bcher-kva.example", "dana@bu\u0308cher.example": "dana@xn--bcher-kva.example", "dana@x。example": dana,
		"nan@x.example": "nan@x.example", "na@x.example": "na@x.example", "info@x.example": "info@x.example",
	} {
		if got := rules(t, Options{}).Email(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	for _, in := range []string{"", "dana", "@x.example", "dana@", "dana w@x.example", "a@x.example, b@x.example", "a@x.example;b@x.example", "a@x.example b@x.example",
		"<a@x.example> <b@x.example>", "a@b@x.example", "dana@x..example", "dana@.example", "dana@x example", "anonymous@x.example", "NULL@x.example", "noreply@x.example",
		"no-reply@x.example", "undefined@x.example", "test@x.example", "test+7@x.example", "000@x.example", `x" OR "1"="1@x.example`, "dana@x.example' OR '1'='1",
		strings.Repeat("a", 250) + "@x.example", "dana@\x00", "[object Object]", "null"} {
		if got := rules(t, Options{}).Email(in); got != "" {
			t.Errorf("%q: got %q, want nobody", in, got)
		}
	}
}

func TestIDs(t *testing.T) {
	for in, want := range map[string]ID{
		" 42 ": {UserID, "app", "42"}, `"42"`: {UserID, "app", "42"}, "4\u200b2": {UserID, "app", "42"}, "Ab9": {UserID, "app", "Ab9"},
		"7E1B2C3D-0000-4000-8000-00000000000A": {UserID, "app", "7e1b2c3d-0000-4000-8000-00000000000a"},
		"Dana@X.example":                       {Email, "", "dana@x.example"}, "mailto:dana@x.example": {Email, "", "dana@x.example"}, "dana%40x.example": {Email, "", "dana@x.example"},
		"dana@tenant7": {UserID, "app", "dana@tenant7"}, "1@2.3": {UserID, "app", "1@2.3"}, "a/b": {UserID, "app", "a/b"}, "testa": {UserID, "app", "testa"},
	} {
		if got, ok := rules(t, Options{}).ID(UserID, "app", in); !ok || got != want {
			t.Errorf("%q: got %v %v, want %v", in, got, ok, want)
		}
	}
	for _, in := range []string{"", " ", "0", "000", "-1", "null", "NULL", "undefined", "Anonymous", "none", "nan", "n/a", "N/A", "(none)", "(not set)", "[object Object]", "<null>",
		"guest", "Guest", "guest_4711", "guest-12", "anon-9f", "unknown", "test", "TEST", "test user", "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
		"FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF", "{{user.id}}", "${uid}", "{{ user_id }}", "<%= id %>", "undefined ", "'null'", "\u200bnull", "-", "--", "...", "?", strings.Repeat("x", 300)} {
		if got, ok := rules(t, Options{}).ID(UserID, "app", in); ok {
			t.Errorf("%q: got %v, want nobody", in, got)
		}
	}
	if _, ok := rules(t, Options{}).ID(AnonymousID, "web", "anon-7f3a9c"); !ok {
		t.Error("a device that numbers itself is no guest of an app")
	}
}

func TestPhones(t *testing.T) {
	for _, c := range []struct{ region, in, want string }{
		{"", "+49 30 123456", "+4930123456"}, {"", "0049 (30) 12-34.56", "+4930123456"}, {"", "030/123456", "030123456"}, {"", "tel:+49-30-123456", "+4930123456"},
		{"", "+49 (0) 30 123456", "+4930123456"}, {"", "+49 (0)30/12 34 56", "+4930123456"}, {"", "＋４９ 30 123456", "+4930123456"}, {"", "%2B4930123456", "+4930123456"}, {"", "\u202a+49\u00a030\u2011123456\u202c", "+4930123456"},
		{"DE", "030 123456", "+4930123456"}, {"de", "(030) 12 34 56", "+4930123456"}, {"DE", "30 123456", "+4930123456"}, {"DE", "0043 1 234567", "+431234567"}, {"DE", "+1 415 555 2671", "+14155552671"},
		{"US", "(415) 555-2671", "+14155552671"}, {"US", "1-415-555-2671", "+14155552671"}, {"US", "011 49 30 123456", "+4930123456"}, {"GB", "020 7946 0958", "+442079460958"}, {"UK", "07700 900123", "+447700900123"},
		{"IT", "06 1234 5678", "+390612345678"}, {"ES", "912 345 678", "+34912345678"}, {"FR", "01 42 68 53 00", "+33142685300"}, {"HU", "06 1 234 5678", "+3612345678"}, {"AU", "02 9876 5432", "+61298765432"},
		{"AU", "0011 49 30 123456", "+4930123456"}, {"CH", "044 668 18 00", "+41446681800"}, {"AT", "01 5128900", "+4315128900"}, {"JP", "010 49 30 123456", "+4930123456"}, {"JP", "03-1234-5678", "+81312345678"},
		{"", "123", ""}, {"DE", "110", ""}, {"", "+000000", ""}, {"", "call me", ""}, {"", "+49 30 123456 ext. 7", ""}, {"", "0000000", ""}, {"", "1111111", ""}, {"", "123456789", ""}, {"", "+49 30 123456 / +49 30 99", ""},
		{"", "1234567890123456", ""}, {"", "", ""}, {"", "null", ""}, {"", "+", ""},
	} {
		if got := rules(t, Options{PhoneRegion: c.region}).Phone(c.in); got != c.want {
			t.Errorf("%s %q: got %q, want %q", c.region, c.in, got, c.want)
		}
	}
	if _, err := New(Options{PhoneRegion: "XX"}); err == nil {
		t.Error("a country that there is not was taken")
	}
}

func TestSharedMailboxes(t *testing.T) {
	for _, s := range []string{"info@x.example", "sales@x.example", "office@x.example", "sales-team@x.example", "info2@x.example", "info.de@x.example", "kontakt@x.example", "info+web@x.example"} {
		if !sharedMailbox(s) || (ID{Kind: Email, Value: s}).JoinsRecords() {
			t.Errorf("%s is read by several people", s)
		}
	}
	for _, s := range []string{"dana@x.example", "sales.miller@x.example", "infomercial@x.example", "d.info@x.example", "mark@x.example", "officer@x.example"} {
		if sharedMailbox(s) || !(ID{Kind: Email, Value: s}).JoinsRecords() {
			t.Errorf("%s is one person's", s)
		}
	}
}

func TestBlockedValuesIdentifyNobody(t *testing.T) {
	r := rules(t, Options{PhoneRegion: "DE", Block: []Block{{UserID, "admin"}, {Email, "Demo <ops@x.example>"}, {Phone, "030 99887766"}, {UserID, "root@x.example"}}})
	for _, c := range []struct {
		kind  Kind
		value string
	}{{UserID, " admin "}, {Email, "OPS@x.example"}, {Phone, "+49 30 99887766"}, {Email, "root@x.example"}, {UserID, "root@x.example"}} {
		if id, ok := r.ID(c.kind, "app", c.value); ok {
			t.Errorf("%s %q is blocked, got %v", c.kind, c.value, id)
		}
	}
	if _, ok := r.ID(AnonymousID, "app", "admin"); !ok {
		t.Error("a value is blocked in its kind only")
	}
	if _, err := New(Options{Block: []Block{{Record, "hubspot/contacts/1"}}}); err == nil {
		t.Error("a record cannot be blocked")
	}
}

func TestSpaces(t *testing.T) {
	r := rules(t, Options{Spaces: map[string]string{"web": "segment", "mobile": "segment"}})
	if r.Space("web") != r.Space("mobile") || r.Space("shop") != "shop" || (*Rules)(nil).Space("shop") != "shop" {
		t.Error("sources of one tracker share a space, the others have their own")
	}
	shop, _ := r.ID(UserID, r.Space("shop"), "42")
	app, _ := r.ID(UserID, r.Space("web"), "42")
	if shop.Matches(app) || shop.Stored() == app.Stored() {
		t.Error("user 42 of the shop is not user 42 of the product")
	}
	if before := (ID{Kind: UserID, Value: "42"}); !before.Matches(app) || !app.Matches(before) {
		t.Error("what was kept before there were spaces still names somebody")
	}
	a, _ := r.ID(Email, "shop", "a@x.example")
	b, _ := r.ID(Email, "app", "a@x.example")
	if a != b {
		t.Error("an address is the same everywhere")
	}
	for _, id := range []ID{shop, app, a} {
		if got := ParseStored(id.Kind, id.Stored()); got != id {
			t.Errorf("stored %v, read %v", id, got)
		}
	}
}

func TestShownWithoutTheAddress(t *testing.T) {
	for id, want := range map[ID]string{
		{Kind: Email, Value: "dana@x.example"}: "d…@x.example", {Kind: Email, Value: "é@x.example"}: "é…@x.example", {UserID, "app", "dana@x.example"}: "d…@x.example",
		{Kind: Phone, Value: "+4930123456"}: "…456", {UserID, "app", "42"}: "42",
	} {
		if got := id.Shortened(); got != want {
			t.Errorf("%v is shown as %q, want %q", id, got, want)
		}
	}
}

func TestRank(t *testing.T) {
	order := []Kind{Record, UserID, Email, Phone, AnonymousID}
	for i, a := range order {
		for j, b := range order {
			if (a.rank() < b.rank()) != (i < j) {
				t.Errorf("%s and %s are in the wrong order", a, b)
			}
		}
		if k, ok := ParseKind(a.String()); !ok || k != a {
			t.Errorf("%s is read as %v %v", a, k, ok)
		}
	}
}

func TestDecide(t *testing.T) {
	user, phone, device := ID{UserID, "app", "42"}, ID{Kind: Phone, Value: "+4930123456"}, ID{AnonymousID, "web", "x"}
	ann, bob, info := ID{Kind: Email, Value: "ann@x.example"}, ID{Kind: Email, Value: "bob@x.example"}, ID{Kind: Email, Value: "info@x.example"}
	lead := ID{Kind: Record, Value: "sf/Lead/1"}
	held := func(id ID, who int) Held[int] { return Held[int]{id, who, id.Kind == Email || id.Kind == Record} }
	for _, c := range []struct {
		name   string
		ids    []Held[int]
		who    []int
		shared []ID
	}{
		{"nobody known", []Held[int]{held(user, 0), held(ann, 0)}, nil, nil},
		{"the address of a record", []Held[int]{held(device, 0), held(user, 0), held(ann, 1)}, []int{1}, nil},
		{"all say the same", []Held[int]{held(device, 1), held(user, 1), held(ann, 1)}, []int{1}, nil},
		{"a user id that is another's by an address is nobody's", []Held[int]{held(user, 2), held(ann, 1)}, []int{1}, []ID{user}},
		{"so is a phone, and a device", []Held[int]{held(phone, 2), held(device, 3), held(ann, 1)}, []int{1}, []ID{phone, device}},
		{"two people's addresses on one account", []Held[int]{held(ann, 1), held(bob, 2), held(user, 0), held(device, 1)}, []int{1, 2}, []ID{user, device}},
		{"a record outranks an address", []Held[int]{held(ann, 2), held(lead, 1)}, []int{1, 2}, nil},
		{"without records the rank decides", []Held[int]{held(device, 2), held(user, 1)}, []int{1}, []ID{device}},
		{"a shared mailbox is no anchor", []Held[int]{held(info, 2), held(ann, 1)}, []int{1}, []ID{info}},
		{"an address that a source told is no record's", []Held[int]{{ann, 2, false}, held(bob, 1)}, []int{1}, nil},
	} {
		who, shared := Decide(c.ids)
		if !slices.Equal(who, c.who) || !slices.Equal(shared, c.shared) {
			t.Errorf("%s: %v, nobody's %v; want %v, %v", c.name, who, shared, c.who, c.shared)
		}
	}
}

func TestGuards(t *testing.T) {
	one := []ID{{UserID, "app", "1"}, {Kind: Email, Value: "a@x.example"}}
	if Fits(one, ID{UserID, "app", "2"}) || !Fits(one, ID{UserID, "shop", "2"}) || !Fits(one, ID{Kind: Email, Value: "b@x.example"}) {
		t.Error("one user id a space, and five addresses")
	}
	if MayMerge(one, []ID{{UserID, "app", "2"}}, Email) || !MayMerge(one, []ID{{UserID, "shop", "2"}}, Email) {
		t.Error("two accounts of one app are two people, an account of the app and one of the shop may be one")
	}
	if MayMerge(one, []ID{{Kind: Email, Value: "b@x.example"}}, Phone) || !MayMerge(one, []ID{{Kind: Phone, Value: "+4930123456"}}, Phone) {
		t.Error("a phone joins nobody who has something better to somebody who has, too")
	}
	if Kiosk(5, 32) || !Kiosk(6, 6) || !Kiosk(2, 33) {
		t.Error("a device with more than five claimants is a kiosk")
	}
}

// FuzzID: the one form is stable, bounded, valid, and an address wherever it has the form of one.
func FuzzID(f *testing.F) {
	for _, s := range []string{`"Dana W" <dana@x.example>`, "mailto:dana%40x.example?x", "\u200b42", "+49 (0) 30 123456", "＋49", "dana@bücher.example", "a@ẞ.example", "%40%40", "<<@>>", "İ@x.example", "\u1e9b\u0323@x.example"} {
		f.Add(uint8(UserID), s)
		f.Add(uint8(Email), s)
		f.Add(uint8(Phone), s)
	}
	r := rules(f, Options{PhoneRegion: "DE"})
	f.Fuzz(func(t *testing.T, k uint8, s string) {
		kind := Kind(k%4) + UserID
		id, ok := r.ID(kind, "app", s)
		if !ok {
			if id != (ID{}) {
				t.Fatalf("nobody is %v", id)
			}
			return
		}
		if id.Value == "" || len(id.Value) > maxLength || strings.ContainsAny(id.Value, "\x00\x1f\n") || !strings.Contains(id.Value, strings.TrimSpace(id.Value)) {
			t.Fatalf("%q becomes %q", s, id.Value)
		}
		again, ok := r.ID(id.Kind, id.Space, id.Value)
		if !ok || again != id {
			t.Fatalf("%q becomes %v, that %v %v", s, id, again, ok)
		}
		if kind.Spaced() && id.Kind != Email && Address(id.Value) != "" {
			t.Fatalf("%q has the form of an address and stays %v", s, id)
		}
		if got := ParseStored(id.Kind, id.Stored()); got != id {
			t.Fatalf("stored %v, read %v", id, got)
		}
	})
}

func BenchmarkID(b *testing.B) {
	r := rules(b, Options{})
	for b.Loop() {
		r.ID(Email, "", "dana.wagner@customer.example")
		r.ID(AnonymousID, "web", "7e1b2c3d-5f00-4000-8000-00000000000a")
	}
}
