package fields

import (
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

func testCleaner() *cleaner {
	return &cleaner{hosts: []string{"larkfield.example", "www.own-shop.com"}}
}

func TestClean(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"plain", "Asked for a demo (12 people), see 64.4.", "Asked for a demo (12 people), see 64.4."},
		{"umlauts", "Größe: 25 Plätze – für Vertrieb…", "Größe: 25 Plätze – für Vertrieb…"},
		{"ampersand stays", "R&D, AT&T and Halden & Pike", "R&D, AT&T and Halden & Pike"},
		{"line breaks", "one\r\ntwo\tthree\u2028four", "one two three four"},
		{"formula", "=1+1", "1+1"},
		{"formula behind spaces", "  \t@SUM(A1)", "SUM(A1)"},
		{"formula in full width", "＝1+1", "1+1"},
		{"minus", "- a list", "a list"},
		{"tag", "a <b>bold</b> claim", "a bold claim"},
		{"script", "<script>alert(1)</script>x", "alert(1) x"},
		{"open tag", "a <img src=x onerror=alert(1)", "a img src=x onerror=alert(1)"},
		{"tag in a tag", "<<b>script>alert(1)", "script alert(1)"},
		{"entities", "&lt;b&gt;x&lt;/b&gt; &amp; y", "x & y"},
		{"entities twice", "&amp;lt;b&amp;gt;", "lt;b gt;"},
		{"entity behind an angle", "&<lt;b", "& lt;b"},
		{"entity behind an invisible one", "&&#8203;lt;b", "lt;b"},
		{"less than", "a < b > c", "a b c"},
		{"bidi", "abc\u202egnp.exe", "abcgnp.exe"},
		{"zero width", "pay\u200bpal", "paypal"},
		{"tags block", "hi\U000E0041\U000E0042", "hi"},
		{"control", "a\x00b\x1b[31mc\x7f", "ab[31mc"},
		{"bad UTF-8", "a\xffb", "ab"},
		{"foreign link", "see https://evil.com/pay?x=1 now", "see now"},
		{"foreign link in brackets", "(see https://evil.com/a).", "(see)."},
		{"link at the end", "read https://evil.com.", "read."},
		{"own link", "read https://www.larkfield.example/pricing.", "read https://www.larkfield.example/pricing."},
		{"own link without query", "read https://larkfield.example/p?mail=a@b.com#x now", "read https://larkfield.example/p now"},
		{"not own", "https://larkfield.example.evil.com/x", ""},
		{"not own either", "https://evillarkfield.example/x", ""},
		{"user info", "https://larkfield.example@evil.com/x", ""},
		{"backslash", `https://larkfield.example\.evil.com`, ""},
		{"scheme in capitals", "HTTPS://EVIL.COM x", "x"},
		{"script link", "click javascript:alert(1)", "click"},
		{"script link behind brackets", "java()script:alert(1)", "java script:alert(1)"},
		{"hidden behind another", "see:https://evil.com/a", "see:"},
		{"data link", "data:text/html;base64,xx", ""},
		{"full-width scheme", "ｈｔｔｐｓ：／／evil.com", ""},
		{"bare domain", "compared us with rival.com and others", "compared us with rival and others"},
		{"bare domain with path", "go to rival.com/login now", "go to now"},
		{"bare domain of two labels", "shop.rival.co.uk", "shop rival"},
		{"domain that others register under", "evil.github.io and eu.com/x", "evil and"},
		{"www", "www.rival.com, really", "really"},
		{"own bare domain", "www.own-shop.com is ours", "www.own-shop.com is ours"},
		{"ideographic stop", "evil。com/x", ""},
		{"no domain", "Node.js, v2.10 and e.g. this", "Node.js, v2.10 and e.g. this"},
		{"international domain", "bücher.de/x", ""},
		{"e-mail", "wrote to boss@evil.com, twice", "wrote to, twice"},
		{"e-mail in brackets", "Boss <boss@evil.com> wrote", "Boss wrote"},
		{"two e-mails", "a@b.com;c@d.org", ";"},
		{"e-mail without a dot", "root@localhost", ""},
		{"at alone", "meet @ noon", "meet @ noon"},
		{"mailto", "mailto:boss@evil.com", ""},
		{"decomposed", "Gru\u0308n", "Grün"},
		{"times", "at 10:30, ratio 3:1, note:this", "at 10:30, ratio 3:1, note:this"},
		{"spaces", "  a   b ,c  ", "a b ,c"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := testCleaner().line(c.in); got != c.want {
				t.Errorf("%q becomes %q, want %q", c.in, got, c.want)
			}
		})
	}
}

func TestShorten(t *testing.T) {
	for _, c := range []struct {
		in    string
		limit int
		want  string
	}{
		{"short", 10, "short"},
		{"exactly ten", 11, "exactly ten"},
		{"one two three", 9, "one two…"},
		{"one two three", 8, "one two…"},
		{"one two three", 7, "one…"},
		{"one, two", 6, "one…"},
		{"unbreakable", 5, "unbr…"},
		{"ä ö ü", 5, "ä ö ü"},
		{"äöüäöü", 4, "äöü…"},
		{"a😀😀😀", 5, "a😀…"}, // each counts as two
		{"xe\u0301\u0302yz", 4, "x…"},
		{"a https://www.larkfield.example/pricing", 30, "a…"},
		{"anything", 0, ""},
		{"anything", -3, ""},
		{"anything", 1, "…"},
	} {
		got := shorten(c.in, c.limit)
		if got != c.want {
			t.Errorf("shorten(%q, %d) = %q, want %q", c.in, c.limit, got, c.want)
		}
	}
}

var (
	link    = regexp.MustCompile(`(?i)[a-z][a-z0-9+.-]*:[/\\]{2}|\b(javascript|data|vbscript|file):\S|\bwww\.\pL`)
	domain  = regexp.MustCompile(`(?i)[\pL\d][\pL\d-]*\.(com|de|org|net|io|zip|co\.uk)([^\pL\d.-]|[.-]+([^\pL\d.-]|$)|$)`)
	mailbox = regexp.MustCompile(`[\pL\d._%+-]+@[\pL\d-]+`)
	markup  = regexp.MustCompile(`[<>]|&(lt|gt|#\w+);`)
	ownLink = regexp.MustCompile(`(?i)https?://([a-z0-9-]+\.)*larkfield\.example(/[^ ?#@\\]*)?|https?://([a-z0-9-]+\.)*www\.own-shop\.com(/[^ ?#@\\]*)?|([a-z0-9-]+\.)*www\.own-shop\.com`)
)

// unsafe says what in a text for a CRM should not be there; "" if nothing. It knows nothing of how texts are cleaned.
func unsafe(s string) string {
	if !utf8.ValidString(s) {
		return "invalid UTF-8"
	}
	for _, line := range strings.Split(s, "\n") {
		if strings.TrimSpace(line) != line {
			return "white space around a line"
		}
		if line != "" && strings.IndexByte("=+-@", line[0]) >= 0 {
			return "a formula"
		}
	}
	for _, r := range s {
		if r != '\n' && (unicode.Is(unicode.C, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r)) {
			return "an invisible character"
		}
	}
	rest := ownLink.ReplaceAllString(s, "")
	for what, re := range map[string]*regexp.Regexp{"a link": link, "a domain": domain, "an address": mailbox, "markup": markup} {
		if m := re.FindString(rest); m != "" {
			return what + " (" + m + ")"
		}
	}
	return ""
}

// Whatever comes in, what goes out is safe.
func FuzzClean(f *testing.F) {
	for _, s := range []string{
		"Asked for a demo", "=1+1 <b>x</b> https://evil.com", "a@b.com", "&amp;lt;x", "java()script:alert(1)", "https://larkfield.example/p?x#y",
		"ｅｖｉｌ。ｃｏｍ", "a.com.b.de/x", "x\u202ey\xff", "http:a@b//evil.com", "evil.c\u200bom", "(evil.com)(a@b.de)", "www.www.com", "a:b:https://x.de",
		"&#119;ww.evil.com", "e\u0301vil.com", "..com", "a..com", "-evil.com-", "data:", "1.2.3.4/x",
	} {
		f.Add(s)
	}
	c := testCleaner()
	f.Fuzz(func(t *testing.T, s string) {
		got := c.line(s)
		if bad := unsafe(got); bad != "" {
			t.Errorf("%q becomes %q: %s", s, got, bad)
		}
		for _, limit := range []int{1, 7, 60} {
			if short := shorten(got, limit); units(short) > limit || !utf8.ValidString(short) {
				t.Errorf("%q cut to %d is %q", got, limit, short)
			}
		}
	})
}

// However long and whatever it is made of, a text is cleaned in no time.
func TestLongTextsCostLittle(t *testing.T) {
	for _, piece := range []string{"@", "a@b", "a@b,", ":", "a:", "http://", "<a", "&amp;", "&#", "a.", ".com", "x.com,", "((", "() ", "\u202e", "\xff", "=", "www."} {
		start := time.Now()
		got := testCleaner().line(strings.Repeat(piece, 1<<20/len(piece)))
		if took := time.Since(start); took > 3*time.Second { // quadratic ones take minutes; a busy machine takes its time
			t.Errorf("%q over and over took %v", piece, took)
		}
		if bad := unsafe(shorten(got, 1000)); bad != "" {
			t.Errorf("%q over and over: %s", piece, bad)
		}
	}
}

// The fast path lets nothing pass that washing would change.
func FuzzPlain(f *testing.F) {
	for _, s := range []string{"a", "a. b", " a", "a  b", "(x)", "( x", "a ,b", "ä…", "64.4", "a:b", "=a", "x -y"} {
		f.Add(s)
	}
	c := testCleaner()
	f.Fuzz(func(t *testing.T, s string) {
		if plain(s) {
			if got := c.wash(s); got != s {
				t.Errorf("%q passes as plain and would be washed to %q", s, got)
			}
		}
	})
}
