package journey

import (
	"cmp"
	"os"
	"strings"
	"testing"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/score"
)

// table reads testdata/name: "what it is: one | other", a line; "#" begins a remark.
func table(t *testing.T, name string) map[string][]string {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for line := range strings.Lines(string(raw)) {
		what, items, ok := strings.Cut(line, ":")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		for item := range strings.SplitSeq(items, " | ") {
			out[what] = append(out[what], strings.TrimSpace(item))
		}
	}
	return out
}

// worth is what the journey's only event is worth: its signal's type, behind "key" if it is one; "" for none.
func worth(j *Journey) string {
	if len(j.Signals) != 1 {
		return ""
	}
	s := j.Signals[0].Type.String()
	if j.Signals[0].Flags&score.Key != 0 {
		s = "key " + s
	}
	return s
}

// What trackers call an event is read as its kind.
func TestKindTable(t *testing.T) {
	for want, names := range table(t, "kinds.txt") {
		for _, name := range names {
			got, known := connectors.EventKind(name)
			if !known {
				got = "unknown"
			}
			if got != want {
				t.Errorf("%q is read as %s, want %s", name, got, want)
			}
		}
	}
}

// Forms by their names, whole words, in all languages that the lists speak.
func TestFormTable(t *testing.T) {
	b := builder(t)
	for want, names := range table(t, "forms.txt") {
		for _, name := range names {
			j := build(b, ev(0, connectors.KindFormSubmit, "https://example.com/x", prop(connectors.PropForm, name)))
			if got := cmp.Or(worth(j), "none"); got != want {
				t.Errorf("%q is %s, want %s", name, got, want)
			}
		}
	}
}

// Pages by their paths: what is about a thing counts, what serves somebody who has it already does not.
func TestPageTable(t *testing.T) {
	b := builder(t)
	for want, lines := range table(t, "pages.txt") {
		for _, path := range strings.Fields(strings.Join(lines, " ")) {
			if !strings.HasPrefix(path, "http") {
				path = "https://www.example.com" + path
			}
			if got := cmp.Or(worth(build(b, ev(0, connectors.KindPageView, path))), "none"); got != want {
				t.Errorf("%s is %s, want %s", path, got, want)
			}
		}
	}
}

// A page of which only the title is known is typed by it, where it is the name of such a page and not a sentence about one.
func TestPagesByTitle(t *testing.T) {
	b := builder(t)
	for title, want := range map[string]string{
		"Pricing": "key content_view", "Preise & Pakete | Example": "key content_view", "Compare plans": "key content_view", "Warenkorb": "key content_view", "Customer stories": "content_view", "Cards": "web_visit",
		"How pricing works: a guide": "web_visit", "Security and login": "web_visit", "Careers": "none", "Impressum": "none", "Support": "none", "Depression at work": "none",
	} {
		e := ev(0, connectors.KindPageView, "")
		e.PageTitle = title
		if got := cmp.Or(worth(build(b, e)), "none"); got != want {
			t.Errorf("%q is %s, want %s", title, got, want)
		}
	}
}
