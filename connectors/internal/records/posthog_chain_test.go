package records

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestWhatWasPressedIsReadFromItsChain(t *testing.T) {
	for name, c := range map[string]struct{ chain, words, id, href, form string }{
		"a span within a link": {`span.label:nth-child="1"nth-of-type="1"text="See \"all\" plans; now";a.btn.primary:attr__href="/demo?x=1"attr__id="see"attr_id="see"href="/demo?x=1"text="See \"all\" plans; now";body:nth-child="2"`,
			`See "all" plans; now`, "see", "/demo?x=1", ""},
		"a drawing within a button that only a label names": {`svg:nth-child="1";button:attr__aria-label="Book a demo"attr__type="button"`, "Book a demo", "", "", ""},
		"a field of a form":             {`input:attr__name="email"nth-child="2";form:attr__name="contact-sales"attr_id="ask"`, "email", "", "", "contact-sales"},
		"classes with colons and dots":  {`a.md:hover.w-1.5.lg:w-[50%]:href="/x"text="Go"`, "Go", "", "/x", ""},
		"a tag alone":                   {`body`, "", "", "", ""},
		"no attributes":                 {`a.btn:;main`, "", "", "", ""},
		"nothing":                       {``, "", "", "", ""},
		"only separators":               {`;;;;`, "", "", "", ""},
		"cut within a value":            {`a:text="Get a quo`, "Get a quo", "", "", ""},
		"cut behind a name":             {`a:text=`, "", "", "", ""},
		"a value that ends in a slash":  {`a:text="C:\"href="/x";b:text="y"`, `C:"href=`, "", "", ""},
		"a quotation mark from nowhere": {`"`, "", "", "", ""},
		"the text of a page is no text": {`div:nth-child="1";main:text="everything on the page"`, "", "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got, want := pressed(parseChain(c.chain)), (press{c.words, c.id, c.href, c.form}); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestAChainOfAnySizeIsReadInItsBounds(t *testing.T) {
	chain := strings.Repeat(`a:text="`+strings.Repeat("ü", 1000)+`";`, 500) + strings.Repeat(`x="y"`, 10_000)
	elements := parseChain(chain)
	if len(elements) != mostElements {
		t.Errorf("read %d elements, want %d", len(elements), mostElements)
	}
	if got := elements[0].attrs["text"]; len(got) > longestValue || !utf8.ValidString(got) || !strings.HasPrefix(got, "üü") {
		t.Errorf("a text of %d bytes", len(got))
	}
	if e, _ := parseElement(strings.Repeat(`k="v"`, 3) + strings.Repeat(`y"z"`, 1000)); len(e.attrs) > mostAttrs {
		t.Errorf("%d attributes", len(e.attrs))
	}
}

func FuzzChain(f *testing.F) {
	for _, seed := range []string{
		`span.label:text="See \"all\" plans; now";a.btn:href="/demo?x=1"`, `a:text="C:\"href="/x"`, `;"="`, `a.md:hover:b=\"`, "\x00\"\\\"", `form:attr__name="x"`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, chain string) {
		elements := parseChain(chain)
		if len(elements) > mostElements {
			t.Fatalf("%d elements", len(elements))
		}
		for _, e := range elements {
			for k, v := range e.attrs {
				if len(k) > longestValue || len(v) > longestValue || len(e.tag) > longestValue || !utf8.ValidString(v) || !utf8.ValidString(e.tag) {
					t.Fatalf("out of bounds: %q=%q", k, v)
				}
			}
		}
		pressed(elements)
	})
}
