package journey

import (
	"bufio"
	"os"
	"reflect"
	"strings"
	"testing"
	"unicode"

	"github.com/intentd/intentd/pipeline/score"
)

func TestParseURL(t *testing.T) {
	for in, want := range map[string]address{
		"https://Example.com/Pricing/?a=b#c":     {"example.com", "/Pricing"},
		"http://www.example.com":                 {"example.com", "/"},
		"https://example.com:8443/a/":            {"example.com", "/a"},
		"https://user:pw@example.com/a":          {"example.com", "/a"},
		"https://example.com//a///b/index.html":  {"example.com", "/a/b"},
		"https://example.com/a;jsessionid=1?x":   {"example.com", "/a"},
		"https://example.com./a":                 {"example.com", "/a"},
		"//example.com/a":                        {"example.com", "/a"},
		"/a/b/":                                  {"", "/a/b"},
		"/":                                      {"", "/"},
		"/a?next=https://other.test/":            {"", "/a"},
		"example.com/a":                          {"example.com", "/a"},
		"example.com:80/a":                       {"example.com", "/a"},
		"https://[2001:db8::1]:443/a":            {"[2001:db8::1]", "/a"},
		`https://other.test\@example.com/`:       {"other.test", `/\@example.com`},
		"mailto:a@example.com":                   {},
		"javascript:alert(1)":                    {},
		"data:text/html,x":                       {},
		"ftp://example.com/a":                    {},
		"android-app://com.example/":             {},
		"":                                       {},
		"https://":                               {},
		"not a url":                              {},
		"https://ex ample.com/":                  {},
		"HTTPS://EXAMPLE.COM/INDEX.PHP?page=one": {"example.com", "/"},
	} {
		if got := parseURL(in); got != want {
			t.Errorf("%q is %+v, want %+v", in, got, want)
		}
	}
}

func TestGlobs(t *testing.T) {
	for _, c := range []struct {
		glob, path string
		want       bool
	}{
		{"/cards/**", "/cards", true}, {"/cards/**", "/cards/gold/x", true}, {"/cards/**", "/my/cards", false}, {"/cards/**", "/cardsx", false},
		{"/**/login/**", "/login", true}, {"/**/login/**", "/en/login/x", true}, {"/**/login/**", "/loginx", false},
		{"/*/pricing", "/de/pricing", true}, {"/*/pricing", "/pricing", false}, {"/*/pricing", "/a/b/pricing", false},
		{"/pricing*", "/pricing-2026", true}, {"/Pricing", "/pRICING", true}, {"/", "/", true}, {"/", "/a", false}, {"**", "/a/b", true},
		{"*-vs-*", "/a-vs-b", true}, {"/a/**/b/**/c", "/a/x/b/y/z/c", true}, {"/a/**/b/**/c", "/a/x/b/y/z", false}, {"/**/b", "/b/a/b", true},
	} {
		g, err := compileGlob(c.glob)
		if err != nil {
			t.Fatal(err)
		}
		if got := g.match(segments(c.path)); got != c.want {
			t.Errorf("%s and %s: %v", c.glob, c.path, got)
		}
	}
}

func TestTitlesLoseTheSiteName(t *testing.T) {
	for in, want := range map[string]string{
		"Pricing | Anything":                 "Pricing",
		"Pricing - Acme":                     "Pricing",
		"Pricing – Acme Corp. GmbH":          "Pricing",
		"Pricing - Enterprise plan":          "Pricing - Enterprise plan",
		"CRM - the guide · Blog | Acme":      "CRM - the guide · Blog",
		"CRM - My Brand":                     "CRM",
		"Acme":                               "Acme",
		"| Acme":                             "| Acme",
		"Cards - Acme - Acme":                "Cards",
		"State-of-the-art cloud | News | AC": "State-of-the-art cloud",
	} {
		if got := stripSite(in, "shop.acme-corp.co.uk", []string{letters("My Brand")}); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{
		"CRM integration: a guide": "CRM integration", "Cloud migration": "Cloud migration", "Pricing": "", "Home": "", "Case Studies": "", "": "", "!": "",
		"A very long title that says a great many things at once": "", "Why CRM?": "Why CRM",
	} {
		if got := titleTopic(in); got != want {
			t.Errorf("topic of %q is %q, want %q", in, got, want)
		}
	}
}

// A person's browser, and the apps people open links in, are no crawlers.
func TestBrowsersAreNoCrawlers(t *testing.T) {
	b := builder(t)
	for _, agent := range []string{
		chrome,
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:132.0) Gecko/20100101 Firefox/132.0",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [LinkedInApp]/9.30.1234",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [FBAN/FBIOS;FBAV/480.0.0.38.109;FBBV/1]",
		"Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/26.0 Chrome/122.0.0.0 Mobile Safari/537.36",
		"Mozilla/5.0 (Linux; Android 14; Pixel 8 Build/UD1A; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/131.0.0.0 Mobile Safari/537.36",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36 OPR/115.0.0.0",
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36 Vivaldi/7.0",
		"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/131.0.6778.73 Mobile/15E148 Safari/604.1",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Slack/4.41.97 Chrome/130.0.0.0 Electron/33.0.1 Safari/537.36",
		"",
	} {
		if b.agent(agent).crawler {
			t.Errorf("taken for a crawler: %s", agent)
		}
	}
}

// Every sample agent of the list is known as a crawler: the split into plain strings and expressions loses none.
func TestCrawlersAreKnown(t *testing.T) {
	file, err := os.Open("testdata/crawlers.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	b := builder(t)
	n := 0
	for s := bufio.NewScanner(file); s.Scan(); {
		if line := s.Text(); !strings.HasPrefix(line, "#") {
			n++
			if !b.agent(line).crawler {
				t.Errorf("not known as a crawler: %s", line)
			}
		}
	}
	if n < 400 {
		t.Errorf("only %d samples", n)
	}
}

func TestNewBuilderNamesAllThatIsWrong(t *testing.T) {
	c := testConfig()
	c.SessionGap = 0
	c.KeepHistory = 1
	c.InternalIPs = []string{"192.0.2.0/33", "10.0.0.1"}
	c.Products = append(c.Products, Product{Name: "credit cards"}, Product{}, Product{Name: "x", Match: []string{"!!"}})
	c.Topics = append(c.Topics, TopicRule{Topic: "x"})
	c.Rules = []Rule{{Ignore: true}, {Kind: "x"}, {Kind: "x", Ignore: true, Signal: score.WebVisit}}
	c.ExcludePaths = []string{""}
	_, err := NewBuilder(c)
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"session_gap: ", "keep_history: ", "internal_ips[0]: ", "products[2]: ", "products[3]: ", "products[4].match: ", "topics[2]: ", "rules[0]: ", "rules[1]: ", "rules[2]: ", "exclude_paths[0]: "} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("nothing is said about %s in:\n%v", want, err)
		}
	}
	if _, err := NewBuilder(Config{}); err == nil {
		t.Error("an empty config was accepted")
	}
}

func TestVersionFollowsTheConfig(t *testing.T) {
	if one, two := builder(t), builder(t); one.Version() != two.Version() {
		t.Error("the same config has two versions")
	}
	if builder(t).Version() == builder(t, func(c *Config) { c.PricePaths = nil }).Version() {
		t.Error("another config has the same version")
	}
}

func TestParametersWithinParametersAreDroppedToo(t *testing.T) {
	drop := map[string]bool{"token": true}
	for raw, want := range map[string]string{
		"https://www.x.example/login?next=/a?token=1&b=2":               "https://www.x.example/login?next&b=2",
		"https://www.x.example/login?next=%2Fa%3Fb%3D1%26Token%3D1&b=2": "https://www.x.example/login?next&b=2",
		"https://www.x.example/login?next=/a?page=1":                    "https://www.x.example/login?next=/a?page=1",
		"https://www.x.example/login?token=a?b=1":                       "https://www.x.example/login",
	} {
		if got := cleanURL(raw, drop); got != want {
			t.Errorf("%s is cleaned to %s, want %s", raw, got, want)
		}
	}
}

func FuzzURL(f *testing.F) {
	for _, s := range []string{"https://example.com/a?token=1#b", "//x", "/a;b", "%%", "a:b@c", "https://[::1]/", "?utm_campaign=%", "\x00", "https://a\\b@c/d", "/a&token=1&b", "/.. /\x92", "a.b\\" + strings.Repeat("k", maxURL)} {
		f.Add(s)
	}
	drop := map[string]bool{"token": true}
	f.Fuzz(func(t *testing.T, raw string) {
		a := parseURL(raw)
		if a.path != "" {
			if a.path[0] != '/' || strings.ContainsAny(a.path, "?#") || strings.ContainsFunc(a.path, unicode.IsControl) {
				t.Errorf("path %q of %q", a.path, raw)
			}
			if again := parseURL(a.path); !strings.HasPrefix(a.path, "//") && again.path != a.path {
				t.Errorf("path %q of %q becomes %q", a.path, raw, again.path)
			}
		}
		if strings.ContainsAny(a.host, "/?#@ ") || a.host != strings.ToLower(a.host) {
			t.Errorf("host %q of %q", a.host, raw)
		}
		c := cleanURL(raw, drop)
		if strings.Contains(c, "#") || strings.Contains(c, "?token=") || strings.Contains(c, "&token=") || strings.ContainsFunc(c, unicode.IsControl) || len(c) > maxURL {
			t.Errorf("%q is cleaned to %q", raw, c)
		}
		campaignOf(raw)
	})
}

func FuzzClean(f *testing.F) {
	f.Add("a  b\u202e", 3)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		limit = max(0, min(limit, 1000))
		c := clean(s, limit)
		if len(c) > limit || strings.ContainsFunc(c, func(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf) }) || strings.TrimSpace(c) != c {
			t.Errorf("%q is cleaned to %q", s, c)
		}
		if !reflect.DeepEqual(clean(c, limit), c) {
			t.Errorf("%q is not clean", c)
		}
	})
}
