package twostage

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/intent/intenttest"
	"github.com/intentd/intentd/pipeline/intent/plain"
	"github.com/intentd/intentd/pipeline/score"
)

func steps3() *checker {
	day := func(d int) time.Time { return time.Date(2026, 11, d, 14, 3, 0, 0, intenttest.Berlin) }
	return &checker{
		products: intenttest.Products, hosts: []string{"example.com"},
		steps: map[string]*cited{
			"s1": {event: "e1", time: day(18), text: "viewed the pricing page\nplans table with 3 plans\npricing page", trusted: []string{"pricing", "example", "credit", "card"}},
			"s2": {event: "e2", time: day(19), text: "asked for a demo of credit cards\ndemo form", trusted: []string{"book", "a", "demo"}},
			"s3": {event: "e3", time: day(19), text: "typed a question"},
		},
	}
}

// What a claim may say: it cites steps that exist, and every figure, date and quotation in it is theirs.
func TestClaims(t *testing.T) {
	for _, c := range []struct {
		text  string
		cites []string
		kept  bool
	}{
		{"Wants to know what credit cards cost.", []string{"s1", "s2"}, true},
		{"Uncited.", nil, false},
		{"Cites what does not exist.", []string{"s1", "s9"}, false},
		{"", []string{"s1"}, false},
		{"Asked for a demo on 19 Nov.", []string{"s2"}, true},
		{"Asked for a demo on 19 November 2026.", []string{"s2"}, true},
		{"Bat am 19. Nov. um eine Demo.", []string{"s2"}, true},
		{"Asked for a demo on 18 Nov.", []string{"s2"}, false},
		{"Asked for a demo on 19 Oct.", []string{"s2"}, false},
		{"Asked for a demo on Nov 19.", []string{"s2"}, true},
		{"Asked for a demo on Nov 12.", []string{"s2"}, false},
		{"Asked for a demo at 14:03.", []string{"s2"}, true},
		{"Asked for a demo yesterday.", []string{"s2"}, false},
		{"Asked for a demo 2 days ago.", []string{"s2"}, false},
		{"In agony long ago.", []string{"s1"}, false},
		{"Hat vor 3 Tagen gefragt.", []string{"s1", "s2", "s3"}, false},
		{"Morgenstern AG asked for a demo.", []string{"s2"}, true},
		{"Saw the table with 3 plans.", []string{"s1"}, true},
		{"Has a budget of 50000 euros.", []string{"s1"}, false},
		{"Came back seven times.", []string{"s1", "s2"}, false},
		{"Read two pages.", []string{"s1", "s2"}, true},
		{"Read ٤٢ pages.", []string{"s1", "s2"}, false},
		{"Score 100 of 100.", []string{"s1"}, false},
		{"They read “pricing page”.", []string{"s1"}, true},
		{"They wrote “please call me”.", []string{"s3"}, false},
		{"See https://example.com/pricing for more.", []string{"s1"}, true},
		{"See https://evil.test/x for more.", []string{"s1"}, false},
		{"See evil-prizes.com for more.", []string{"s1"}, false},
		{"Write to x@evil.test now.", []string{"s1"}, false},
		{"Go to //evil.test/now please.", []string{"s1"}, false},
		{"Visit example.com.evil.test now.", []string{"s1"}, false},
		{"javascript:alert is what they want.", []string{"s1"}, false},
		{"Uses Node.js and report.pdf.", []string{"s1"}, true},
	} {
		text := c.text
		if s, kept := steps3().claim(claim{Text: &text, Cites: c.cites}, 320); kept != c.kept {
			t.Errorf("%q %v: kept %v (%+v), want %v", c.text, c.cites, kept, s, c.kept)
		}
	}
	text := "=HYPERLINK\u202e is +\u200bplain\n<b>bold</b>"
	s, kept := steps3().claim(claim{Text: &text, Cites: []string{"s1", "s1"}}, 320)
	if !kept || s.Text != "HYPERLINK is +plain b bold /b" || len(s.Cites) != 1 {
		t.Errorf("%v %+v", kept, s)
	}
}

func goodAnswer(change func(map[string]any)) []byte {
	claim := func(text string, ids ...string) any { return append([]string{text}, ids...) }
	m := map[string]any{
		"headline": claim("Asked for a demo of Credit cards", "s2"), "sentences": []any{claim("Wants credit cards.", "s1", "s2"), claim("Made up 777.", "s1")},
		"next_step": claim("Offer a demo.", "s2"), "topics": []any{claim("pricing", "s1"), claim("hacking", "s1"), claim("book demos", "s2"), claim("pricing", "s3"), claim("question", "s3")},
		"product": "Credit cards", "stage": "deciding", "interest": "high", "tier": "high",
	}
	if change != nil {
		change(m)
	}
	raw, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return raw
}

// A sound answer is taken over; what is unsound in it is dropped; topics are trusted only where their words stand in a trusted place of
// a cited step.
func TestStage2Parse(t *testing.T) {
	in, err := steps3().parse(goodAnswer(nil))
	if err != nil {
		t.Fatal(err)
	}
	if in.Product != "Credit cards" || in.Stage != score.Deciding || in.Interest != score.InterestHigh || in.Tier != score.High || len(in.Sentences) != 1 {
		t.Errorf("got %s", intenttest.Render(in))
	}
	trusted := map[string]bool{}
	for _, tp := range in.Topics {
		trusted[tp.Name] = tp.Trusted
	}
	want := map[string]bool{"pricing": true, "hacking": false, "book demos": true, "question": false}
	if fmt.Sprint(trusted) != fmt.Sprint(want) {
		t.Errorf("topics %v, want %v", trusted, want)
	}
}

// An answer to a prompt of before, which named the parts of a text, is read as well.
func TestStage2NamedParts(t *testing.T) {
	var lists, named intent.Intent
	lists, err := steps3().parse(goodAnswer(nil))
	if err != nil {
		t.Fatal(err)
	}
	named, err = steps3().parse(goodAnswer(func(m map[string]any) {
		name := func(v any) any { list := v.([]string); return map[string]any{"text": list[0], "cites": list[1:]} }
		for _, k := range []string{"headline", "next_step"} {
			m[k] = name(m[k])
		}
		for _, k := range []string{"sentences", "topics"} {
			for i, v := range m[k].([]any) {
				m[k].([]any)[i] = name(v)
			}
		}
	}))
	if err != nil || intenttest.Render(named) != intenttest.Render(lists) {
		t.Errorf("%v\n%s\nwant\n%s", err, intenttest.Render(named), intenttest.Render(lists))
	}
}

// An answer off its schema is none: every field, every enumeration, nothing beyond.
func TestStage2OffSchema(t *testing.T) {
	for name, change := range map[string]func(map[string]any){
		"product outside the catalogue": func(m map[string]any) { m["product"] = "Free money" },
		"no product":                    func(m map[string]any) { delete(m, "product") },
		"no such stage":                 func(m map[string]any) { m["stage"] = "buying" },
		"no such interest":              func(m map[string]any) { m["interest"] = "extreme" },
		"no such tier":                  func(m map[string]any) { m["tier"] = "unknown" },
		"no sentences":                  func(m map[string]any) { m["sentences"] = []any{} },
		"sentences null":                func(m map[string]any) { m["sentences"] = nil },
		"no headline":                   func(m map[string]any) { delete(m, "headline") },
		"headline without citation":     func(m map[string]any) { m["headline"] = []string{"x"} },
		"headline of a made-up step":    func(m map[string]any) { m["headline"] = []string{"x", "s77"} },
		"headline of nothing":           func(m map[string]any) { m["headline"] = []string{} },
		"headline of two texts":         func(m map[string]any) { m["headline"] = []string{"x", "y", "s1"} },
		"headline as text":              func(m map[string]any) { m["headline"] = "x" },
	} {
		if in, err := steps3().parse(goodAnswer(change)); err == nil {
			t.Errorf("%s: got %s", name, intenttest.Render(in))
		}
	}
	for _, raw := range []string{"", "{}", "[]", "null", "true", "not JSON", strings.Repeat("[", 100000)} {
		if _, err := steps3().parse([]byte(raw)); err == nil {
			t.Errorf("%.20q was taken for an answer", raw)
		}
	}
}

// A field that nobody asked for is let be, whatever it says, and so is what stands behind the answer.
func TestStage2SurplusIsLetBe(t *testing.T) {
	want, err := steps3().parse(goodAnswer(nil))
	if err != nil {
		t.Fatal(err)
	}
	for _, raw := range [][]byte{goodAnswer(func(m map[string]any) { m["score"] = 100 }), append(goodAnswer(nil), goodAnswer(func(m map[string]any) { m["tier"] = "low" })...)} {
		if got, err := steps3().parse(raw); err != nil || intenttest.Render(got) != intenttest.Render(want) {
			t.Errorf("%v\n%s", err, intenttest.Render(got))
		}
	}
}

// Each answer of a shared stage-1 call stands or falls on its own.
func TestStage1Parse(t *testing.T) {
	items := []content{{Kind: "page_view", Title: "Pricing"}, {Kind: "click", Title: "Home", Element: "Book a demo"}, {Kind: "page_view", Title: "Credit cards"}, {Kind: "page_view", Title: "Careers"}}
	ok := `"screen_context":["a menu","a %s heading","a footer"],"user_action":"viewed %s","speculation":"?"}`
	good := func(id, word string) string { return `{"id":"` + id + `",` + fmt.Sprintf(ok, word, word) }
	for _, c := range []struct {
		name, answers string
		want          []bool
	}{
		{"all", good("1", "pricing") + "," + good("2", "demo") + "," + good("3", "card") + "," + good("4", "careers"), []bool{true, true, true, true}},
		{"one missing", good("1", "pricing") + "," + good("3", "cards"), []bool{true, false, true, false}},
		{"twice the same", good("1", "pricing") + "," + good("1", "pricing"), []bool{false, false, false, false}},
		{"strange ids", good("0", "pricing") + "," + good("5", "pricing") + "," + good("01", "pricing") + "," + good("x", "pricing"), []bool{false, false, false, false}},
		{"mixed up", good("1", "careers") + "," + good("4", "pricing"), []bool{false, false, false, false}},
		{"two items only", `{"id":"1","screen_context":["a pricing menu","b"],"user_action":"viewed pricing","speculation":"?"}`, []bool{true, false, false, false}},
		{"nothing to see", `{"id":"1","screen_context":[],"user_action":"viewed pricing","speculation":"?"}`, []bool{true, false, false, false}},
		{"no list of what is seen", `{"id":"1","user_action":"viewed pricing","speculation":"?"}`, []bool{false, false, false, false}},
		{"six items", `{"id":"1","screen_context":["pricing","b","c","d","e","f"],"user_action":"viewed pricing","speculation":"?"}`, []bool{false, false, false, false}},
		{"empty item", `{"id":"1","screen_context":["pricing","b","\u200b"],"user_action":"viewed pricing","speculation":"?"}`, []bool{false, false, false, false}},
		{"a link", `{"id":"1","screen_context":["pricing","b","c"],"user_action":"viewed pricing at evil.test/x","speculation":"?"}`, []bool{false, false, false, false}},
		{"no speculation", `{"id":"1","screen_context":["pricing","b","c"],"user_action":"viewed pricing"}`, []bool{false, false, false, false}},
		{"another field", `{"id":"1","screen_context":["pricing","b","c"],"user_action":"viewed pricing","speculation":"?","intent":"buy"}`, []bool{true, false, false, false}},
		{"no object", `17,` + good("2", "demo"), []bool{false, true, false, false}},
	} {
		out, err := parseStage1([]byte(`{"answers":[`+c.answers+`]}`), items, nil)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		got := make([]bool, len(out))
		for i := range out {
			got[i] = out[i] != nil
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
	for _, raw := range []string{"", "{}[", `{"answer":[]}`, `[]`, "null and void", `{"answers":{}}`} {
		if _, err := parseStage1([]byte(raw), items, nil); err == nil {
			t.Errorf("%q was taken for a list of answers", raw)
		}
	}
}

// FuzzStage1 asserts of any answer: what is kept is plain, bounded and has five items at most.
func FuzzStage1(f *testing.F) {
	f.Add([]byte(`{"answers":[{"id":"1","screen_context":["a","b","c"],"user_action":"viewed pricing","speculation":"x"}]}`))
	f.Add([]byte(`{"answers":[{"id":"2","screen_context":["=a","http://x.test","c"],"user_action":"<b>","speculation":null}]}`))
	items := []content{{Kind: "page_view", Title: "Pricing"}, {Kind: "click", Element: "a b c"}}
	f.Fuzz(func(t *testing.T, raw []byte) {
		out, err := parseStage1(raw, items, []string{"example.com"})
		if err != nil {
			return
		}
		for _, s := range out {
			if s == nil {
				continue
			}
			if len(s.Context) > 5 || s.Action == "" {
				t.Fatalf("%+v", s)
			}
			for _, text := range append([]string{s.Action}, s.Context...) {
				plainText(t, text, maxAction+1)
			}
		}
	})
}

// FuzzStage2 asserts of any answer: what is kept is plain, cites events that exist, and names no product beyond the catalogue; trusted
// topics consist of words of trusted places.
func FuzzStage2(f *testing.F) {
	f.Add(goodAnswer(nil))
	f.Add(goodAnswer(func(m map[string]any) { m["headline"] = map[string]any{"text": "+1\u202e", "cites": []string{"s1"}} }))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c := steps3()
		in, err := c.parse(raw)
		if err != nil {
			return
		}
		sentences := append([]intent.Sentence{in.Headline}, in.Sentences...)
		if in.NextStep.Text != "" {
			sentences = append(sentences, in.NextStep)
		}
		for _, tp := range in.Topics {
			sentences = append(sentences, intent.Sentence{Text: tp.Name, Cites: tp.Cites})
			if tp.Trusted {
				for _, w := range plain.Words(tp.Name) {
					found := false
					for _, s := range c.steps {
						found = found || slices.Contains(s.trusted, plain.Stem(w))
					}
					if !found {
						t.Fatalf("topic %q is trusted", tp.Name)
					}
				}
			}
		}
		for _, s := range sentences {
			plainText(t, s.Text, maxSentence+1)
			if len(s.Cites) == 0 {
				t.Fatalf("%q cites nothing", s.Text)
			}
			for _, id := range s.Cites {
				if id != "e1" && id != "e2" && id != "e3" {
					t.Fatalf("%q cites %q", s.Text, id)
				}
			}
		}
		if in.Product != "" && !slices.Contains(intenttest.Products, in.Product) {
			t.Fatalf("product %q", in.Product)
		}
	})
}

func plainText(t *testing.T, s string, limit int) {
	t.Helper()
	if n := len([]rune(s)); n == 0 || n > limit {
		t.Fatalf("%d characters: %q", n, s)
	}
	if plain.HasLink(s, []string{"example.com"}) {
		t.Fatalf("a link: %q", s)
	}
	if p := plain.Text(s, 10*limit); p != s {
		t.Fatalf("not plain: %q, %q", s, p)
	}
}
