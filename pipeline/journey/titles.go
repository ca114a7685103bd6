package journey

import (
	"strings"
)

// siteMarks separate a page's own title from the name of the site.
var siteMarks = []string{" | ", " - ", " – ", " — ", " · ", " :: ", " • "}

// stripSite takes the site's name off a title. Behind a bar the last part is taken to be it; behind a dash, which titles use
// for themselves, only a part that is one of names (as letters gives them) or resembles the host.
func stripSite(title, host string, names []string) string {
	for {
		at, mark := -1, ""
		for _, m := range siteMarks {
			if i := strings.LastIndex(title, m); i > at {
				at, mark = i, m
			}
		}
		if at <= 0 {
			return title
		}
		rest := strings.TrimSpace(title[:at])
		if rest == "" || mark != " | " && !isSite(title[at+len(mark):], host, names) {
			return title
		}
		title = rest
	}
}

// isSite says whether s is a name of the site: one of names, or made of the host's own label ("Acme Corp" on acme.com).
func isSite(s, host string, names []string) bool {
	k := letters(s)
	if k == "" {
		return false
	}
	for _, n := range names {
		if k == n {
			return true
		}
	}
	labels := strings.Split(host, ".")
	if len(labels) < 2 {
		return false
	}
	label := labels[len(labels)-2]
	if len(label) <= 3 && len(labels) > 2 { // co.uk, com.au
		label = labels[len(labels)-3]
	}
	label = letters(label)
	return len(label) > 2 && (strings.HasPrefix(k, label) || strings.HasPrefix(label, k) && len(k) > 2)
}

// plainTitles name pages, not topics.
var plainTitles = map[string]bool{}

func init() {
	for _, t := range []string{"home", "homepage", "start", "startseite", "welcome", "willkommen", "index", "pricing", "prices", "plans", "preise", "tarife",
		"contact", "contact us", "kontakt", "about", "about us", "über uns", "ueber uns", "blog", "news", "products", "product", "produkte", "solutions", "features",
		"overview", "resources", "customers", "case studies", "referenzen", "search", "search results", "suche", "demo", "request a demo", "book a demo",
		"thank you", "thanks", "danke", "page not found", "not found", "404", "untitled", "dashboard", "company", "team", "partners", "faq", "documentation", "docs",
		"checkout", "cart", "order", "download", "downloads", "whitepaper", "webinar", "webinars", "events", "press", "sign up", "register"} {
		plainTitles[strings.Join(words(t), " ")] = true
	}
}

// titleTopic is what a page with this trusted, stripped title is about: the part before a colon or bar, if it is a phrase of
// at most six words and says more than what sort of page it is. "" otherwise.
func titleTopic(title string) string {
	if i := strings.IndexAny(title, ":|?!"); i > 0 {
		title = title[:i]
	}
	title = strings.TrimSpace(title)
	w := words(title)
	if len(w) == 0 || len(w) > 6 || plainTitles[strings.Join(w, " ")] || len(letters(title)) < 2 {
		return ""
	}
	return cut(title, maxName)
}
