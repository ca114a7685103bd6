package journey

import (
	"slices"
	"strings"
	"unicode"

	"github.com/cespare/xxhash/v2"

	"github.com/intentd/intentd/pipeline/score"
)

// longestPage is how long page and title may be together to be remembered: longer ones are worked out anew, so that the memory stays bounded.
const longestPage = 1024

// bare is url without query and fragment, and whether that took something off.
func bare(url string) (string, bool) {
	short := url
	if i := strings.IndexByte(short, '?'); i >= 0 {
		short = short[:i]
	}
	if i := strings.IndexByte(short, '#'); i >= 0 {
		short = short[:i]
	}
	return short, len(short) < len(url)
}

func (b *Builder) page(url, title string) *page {
	url, _ = bare(url)
	if len(url)+len(title) > longestPage {
		return b.newPage(url, title)
	}
	k := pageKey{url, title}
	if p, ok := b.pages.Get(k); ok {
		return p
	}
	k = pageKey{strings.Clone(url), strings.Clone(title)} // not to hold a source's whole answer
	p := b.newPage(k.url, k.title)
	b.pages.Put(k, p)
	return p
}

func (b *Builder) newPage(url, title string) *page {
	p := &page{url: cleanURL(url, b.drop), title: clean(title, maxTitle), address: parseURL(url)}
	if p.path == "" {
		if p.title != "" { // all that is known: "Pricing" says as much as "/pricing"
			short := stripSite(p.title, "", b.c.siteNames)
			p.segs = []string{strings.Join(strings.FieldsFunc(plainPath(short), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }), "-")}
			b.typePage(p)
			p.sensitive = b.c.sensitive.about(p, words(short))
		}
		return p
	}
	p.segs = segments(p.path)
	p.words = words(unescape(p.path))
	p.footer = footerPage(p.segs)
	p.own = p.host == "" || withinAny(p.host, b.trusted)
	host := p.host
	if host == "" && len(b.own) > 0 {
		host = b.own[0] // a mere path is of the own site
	}
	p.key = xxhash.Sum64String(host + strings.ToLower(unescape(p.path)))
	p.typed = len(b.own) == 0 || p.own
	p.object = cut(p.path, maxText)
	if !p.own {
		p.object = cut(p.host+p.path, maxText)
	}
	p.internal = p.host != "" && matchHost(b.c.internalHosts, p.host)
	if !p.typed {
		return p
	}
	var titled []string
	if p.own {
		p.short = stripSite(p.title, p.host, b.c.siteNames)
		titled = words(p.short)
	}
	b.typePage(p)
	p.sensitive = b.c.sensitive.about(p, titled)
	p.product = b.productOf(p, titled)
	if !p.own {
		return p // topics can score: they come of the customer's own pages only
	}
	if p.product > 0 {
		p.topics = append(p.topics, b.config.Products[p.product-1].Name)
	}
	for i := range b.c.topics {
		if b.c.topics[i].about(p, titled) {
			p.topics = addTopic(p.topics, b.config.Topics[i].Topic)
		}
	}
	if t := titleTopic(p.short); t != "" && !p.excluded {
		p.topics = addTopic(p.topics, t)
	}
	return p
}

// typePage says by the path what kind of page it is.
func (b *Builder) typePage(p *page) {
	bare := afterLanguage(p.segs)
	p.excluded = b.c.exclude.match(p.segs) || b.c.exclude.match(bare) || p.host != "" && matchHost(b.c.excludeHosts, p.host)
	set := func(g globs, f score.Flag, content bool) {
		if g.match(p.segs) {
			p.flags |= f
			p.content = p.content || content
		}
	}
	if !below(bare, readingPlaces) {
		set(b.c.price, score.PricePage|score.Key, true)
		set(b.c.comparison, score.Comparison|score.Key, true)
		if !below(bare, accountPlaces) {
			set(b.c.contract, score.ContractPage|score.Key, true)
		}
	}
	set(b.c.caseStudy, 0, true)
	set(b.c.product, score.ProductPage, false)
}

// What lies below these is written about prices, contracts and comparisons, and is none.
var readingPlaces = places("blog", "blogs", "docs", "documentation", "doku", "news", "newsroom", "press", "presse", "aktuelles", "magazin", "magazine", "ratgeber", "wissen", "lexikon", "glossar", "glossary", "wiki", "encyclopedia",
	"knowledge", "insights", "articles", "article", "artikel", "posts", "guides", "tutorials", "forum", "community", "changelog", "release-notes", "podcast", "podcasts", "webinar", "webinars", "event", "events", "veranstaltungen", "help", "support", "hilfe", "faq")

// Below these contracts are managed or told of, and none is made: in an account, in the product's own pages about payment or shipping.
var accountPlaces = places("account", "my-account", "accounts", "user", "users", "profile", "settings", "app", "dashboard", "portal", "admin", "konto", "mein-konto", "kundenkonto", "benutzer", "einstellungen", "compte", "cuenta",
	"product", "products", "solutions", "features", "platform", "industries", "produkte", "loesungen", "branchen")

func places(names ...string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, n := range names {
		m[n] = true
	}
	return m
}

// below says whether a page lies below one of places.
func below(segs []string, places map[string]bool) bool {
	return len(segs) > 1 && slices.ContainsFunc(segs[:len(segs)-1], func(seg string) bool { return places[seg] })
}

// about says whether a page with these words in its title is one of m's.
func (m *matcher) about(p *page, titled []string) bool {
	return m.paths.match(p.segs) || anyIn(m.phrases, p.words) || anyIn(m.phrases, titled)
}

// productOf is the one product of the catalogue that a page is about, 0 if there is none or more than one.
func (b *Builder) productOf(p *page, titled []string) uint8 {
	best, length := uint8(0), -1
	for i := range b.c.products {
		for _, g := range b.c.products[i].paths {
			if !g.match(p.segs) {
				continue
			}
			switch n := g.literal(); {
			case n > length:
				best, length = uint8(i+1), n
			case n == length && best != uint8(i+1):
				best = 0
			}
		}
	}
	if length >= 0 {
		return best
	}
	return b.productNamed(p.words, titled)
}

// productNamed is the one product of the catalogue that texts name: 0 if there is none or more than one. Of two names where one
// holds the other the longer is meant.
func (b *Builder) productNamed(texts ...[]string) uint8 {
	var found []phrase
	var of []uint8
	for i := range b.c.products {
		for _, ph := range b.c.products[i].phrases {
			if slices.ContainsFunc(texts, ph.in) {
				found, of = append(found, ph), append(of, uint8(i+1))
			}
		}
	}
	product := uint8(0)
	for i, ph := range found {
		if slices.ContainsFunc(found, func(longer phrase) bool { return len(longer) > len(ph) && ph.in(longer) }) {
			continue
		}
		if product != 0 && product != of[i] {
			return 0
		}
		product = of[i]
	}
	return product
}

// addTopic adds t unless it is there. It never writes into the array of have beyond its length.
func addTopic(have []string, t string) []string {
	for _, h := range have {
		if strings.EqualFold(h, t) {
			return have
		}
	}
	return append(have[:len(have):len(have)], t)
}
