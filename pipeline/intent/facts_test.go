package intent_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/journey"
)

// The aims for texts by rules on the labelled journeys.
const (
	aimF1           = 0.65
	aimFaithfulness = 0.97
)

// Texts state the facts that a good text of each journey must hold, and nothing that the cited events do not show. The figures are printed.
func TestFacts(t *testing.T) { testFacts(t, "journeys.yaml", 60, aimF1) }

// The same holds for journeys whose labels were written before the rules had seen them.
func TestFactsUnseen(t *testing.T) { testFacts(t, "unseen.yaml", 38, aimF1) }

// And for journeys spelled as trackers, forms and chats spell them.
func TestFactsRaw(t *testing.T) { testFacts(t, "raw.yaml", 30, aimF1) }

// And for kinds that those brought up.
func TestFactsKinds(t *testing.T) { testFacts(t, "kinds.yaml", 38, aimF1) }

func testFacts(t *testing.T, file string, least int, aim float64) {
	var vendors map[string]*vendor
	load(t, "vendors.yaml", &vendors)
	var cases []labelled
	load(t, file, &cases)
	if len(cases) < least {
		t.Fatalf("only %d journeys", len(cases))
	}
	var wanted, stated, clauses, right, faithful int
	for i := range cases {
		c := &cases[i]
		lang := c.Lang
		if lang == "" {
			lang = "en"
		}
		in, j := c.infer(t, vendors, lang)
		text := everything(in)
		var missing []string
		for _, f := range c.Facts {
			wanted++
			if holds(text, f) {
				stated++
			} else {
				missing = append(missing, f)
			}
		}
		for _, bad := range c.Never {
			if strings.Contains(text, bad) {
				t.Errorf("%s: says %q: %s", c.Name, bad, text)
			}
		}
		for _, s := range statements(in) {
			clauses++
			if slices.ContainsFunc(c.Facts, func(f string) bool { return touches(s.Text, f) }) {
				right++
			}
			bad := unfaithful(s, j, c)
			if bad == "" {
				bad = undone(s, j)
			}
			if bad == "" {
				faithful++
			} else {
				t.Logf("%s: %q is not in the cited events: %s", c.Name, bad, s.Text)
			}
		}
		if len(missing) > 0 {
			t.Logf("%s: not stated: %s\n%s", c.Name, strings.Join(missing, "; "), shown(in))
		}
	}
	recall, precision := float64(stated)/float64(wanted), float64(right)/float64(clauses)
	f1 := 2 * precision * recall / (precision + recall)
	faith := float64(faithful) / float64(clauses)
	t.Logf("%d journeys: %d of %d facts stated (recall %.2f), %d of %d statements wanted (precision %.2f), F1 %.2f, faithfulness %.3f", len(cases), stated, wanted, recall, right, clauses, precision, f1, faith)
	if f1 < aim || faith < aimFaithfulness {
		t.Errorf("F1 %.2f, faithfulness %.3f", f1, faith)
	}
}

// A greeting on a line of its own is no subject.
func TestGreetingsAreNoTopics(t *testing.T) {
	var vendors map[string]*vendor
	load(t, "vendors.yaml", &vendors)
	for _, text := range []string{"Vielen Dank, wir brauchen bald Bescheid", "Guten Tag\n40 Stück", "Thank You, Kind Regards"} {
		c := labelled{Name: text, Vendor: "property", Events: []happening{{At: "26 Nov", Kind: "form_submit", URL: "/contact", Title: "Contact", Props: map[string]string{"form": "Enquiry", "message": text}}}}
		if in, _ := c.infer(t, vendors, "en"); len(in.Topics) > 0 {
			t.Errorf("%q: topics %v", text, in.Topics)
		}
	}
}

func everything(in intent.Intent) string {
	b := in.Headline.Text
	for _, s := range in.Sentences {
		b += " " + s.Text
	}
	return b + " " + in.NextStep.Text
}

// holds says whether text states the fact: all of its parts, each in one of its wordings.
func holds(text, fact string) bool {
	text = strings.ToLower(text)
	for _, part := range strings.Split(fact, " + ") {
		if !slices.ContainsFunc(strings.Split(part, " / "), func(w string) bool { return said(text, strings.ToLower(strings.TrimSpace(w))) }) {
			return false
		}
	}
	return true
}

// said finds w at the border of words.
func said(text, w string) bool {
	return regexp.MustCompile(`(?:^|[^\pL\pN])` + regexp.QuoteMeta(w) + `(?:$|[^\pN])`).MatchString(text)
}

func touches(text, fact string) bool {
	for _, part := range strings.Split(fact, " + ") {
		if holds(text, part) {
			return true
		}
	}
	return false
}

// statements are the clauses of a text, each with the citations of its sentence.
func statements(in intent.Intent) []intent.Sentence {
	var out []intent.Sentence
	for _, s := range append([]intent.Sentence{in.Headline}, in.Sentences...) {
		if s.Text == "" {
			continue
		}
		for _, clause := range strings.Split(s.Text, "; ") {
			out = append(out, intent.Sentence{Text: clause, Cites: s.Cites})
		}
	}
	return out
}

var (
	numbers  = regexp.MustCompile(`\d[\d.,]*\d|\d`)
	daysOf   = regexp.MustCompile(`(\d{1,2})\.? (Jan|Feb|Mar|März|Apr|May|Mai|June?|Juni?|July?|Juli?|Aug|Sept?|Oct|Okt|Nov|Dec|Dez)`)
	properly = regexp.MustCompile(`[a-zäöü,:(] ([A-Z][a-z]+(?: [A-Z][a-z]+)*)`)
)

// unfaithful is the first number, date or (in English) name of a statement that stands in no event it cites, as day or as text; "" if
// all do.
func unfaithful(s intent.Sentence, j *journey.Journey, c *labelled) string {
	var evidence strings.Builder
	for _, session := range j.Sessions {
		for _, st := range session.Steps {
			if !slices.Contains(s.Cites, st.Event.ID) {
				continue
			}
			e := st.Event
			fmt.Fprintln(&evidence, e.PageTitle, e.URL, e.ElementText, e.Properties, e.Time.Format("2 Jan"), e.Time.Day())
		}
	}
	fmt.Fprintln(&evidence, j.Products, c.Profile, c.Told, vendorRivals)
	have := strings.ToLower(evidence.String())
	for _, d := range daysOf.FindAllStringSubmatch(s.Text, -1) {
		if !strings.Contains(have, d[1]) {
			return d[0]
		}
	}
	for _, n := range numbers.FindAllString(s.Text, -1) {
		plain := strings.NewReplacer(".", "", ",", "")
		if !strings.Contains(plain.Replace(have), plain.Replace(n)) {
			return n
		}
	}
	if c.Lang == "de" {
		return "" // every noun has a capital
	}
	for _, name := range properly.FindAllStringSubmatch(s.Text, -1) {
		for _, w := range strings.Fields(name[1]) {
			if !ours[w] && !strings.Contains(have, strings.ToLower(w)) {
				return w
			}
		}
	}
	return ""
}

var vendorRivals = "Quillstack Swiftlane Teachly Forgeworks Tourmeister Medikant Veltspin Jobgrid Keystay"

// ours are words with a capital that are the engine's own.
var ours = map[string]bool{"Customer": true, "Student": true, "Journalist": true, "Supplier": true, "Competitor": true}

func init() {
	for m := time.January; m <= time.December; m++ {
		ours[m.String()], ours[m.String()[:3]] = true, true
	}
}
