package journey

import (
	"strings"
	"unicode/utf8"

	"github.com/cespare/xxhash/v2"

	"github.com/intentd/intentd/pipeline/score"
)

// pageKey is what a page is known by: as the source gave it, without query and fragment, which are often of one visit.
type pageKey struct{ url, title string }

// page is what is known of a URL and its title. It is shared between journeys and never changed.
type page struct {
	url, title string // cleaned; the URL is bare
	address
	segs     []string // of the path, lower case
	words    []string // of the path
	key      uint64   // of host and path
	object   string
	own      bool   // on the customer's own hosts: title and link are trusted
	typed    bool   // its path tells what kind of page it is
	short    string // the trusted title without the site's name, "" if untrusted
	internal bool
	excluded bool
	content  bool // price, contract, comparison or case study
	flags    score.Flag
	product  uint8
	topics   []string
}

const (
	pagesKept   = 8192 // of each generation
	longestPage = 1024 // longer ones are worked out anew: the memory of the cache stays bounded
)

// bare is url without query and fragment, and whether that took something off.
func bare(url string) (string, bool) {
	if i := strings.IndexAny(url, "?#"); i >= 0 {
		return url[:i], true
	}
	return url, false
}

func (b *Builder) page(url, title string) *page {
	url, _ = bare(url)
	if len(url)+len(title) > longestPage {
		return b.newPage(url, title)
	}
	k := pageKey{url, title}
	if p, ok := b.pages.get(k); ok {
		return p
	}
	k = pageKey{strings.Clone(url), strings.Clone(title)} // not to hold a source's whole answer
	p := b.newPage(k.url, k.title)
	b.pages.put(k, p)
	return p
}

func (b *Builder) newPage(url, title string) *page {
	p := &page{url: cleanURL(url, b.drop), title: clean(title, maxTitle), address: parseURL(url)}
	if p.path == "" {
		return p
	}
	p.segs = segments(p.path)
	p.words = words(p.path)
	p.key = xxhash.Sum64String(p.host + p.path)
	p.own = p.host == "" || withinAny(p.host, b.trusted)
	p.typed = len(b.own) == 0 || p.own
	p.object = cut(p.path, maxText)
	if !p.own {
		p.object = cut(p.host+p.path, maxText)
	}
	p.internal = p.host != "" && matchHost(b.c.internalHosts, p.host)
	if !p.typed {
		return p
	}
	p.excluded = b.c.exclude.match(p.segs) || p.host != "" && matchHost(b.c.excludeHosts, p.host)
	set := func(g globs, f score.Flag, content bool) {
		if g.match(p.segs) {
			p.flags |= f
			p.content = p.content || content
		}
	}
	set(b.c.price, score.PricePage|score.Key, true)
	set(b.c.contract, score.ContractPage|score.Key, true)
	set(b.c.comparison, score.Comparison|score.Key, true)
	set(b.c.caseStudy, 0, true)
	set(b.c.product, score.ProductPage, false)
	var titled []string
	if p.own {
		p.short = stripSite(p.title, p.host, b.c.siteNames)
		titled = words(p.short)
	}
	about := func(m *matcher) bool {
		return m.paths.match(p.segs) || anyIn(m.phrases, p.words) || anyIn(m.phrases, titled)
	}
	for i := range b.c.products {
		if about(&b.c.products[i]) {
			p.product = uint8(i + 1)
			break
		}
	}
	if !p.own {
		return p // topics can score: they come of the customer's own pages only
	}
	if p.product > 0 {
		p.topics = append(p.topics, b.config.Products[p.product-1].Name)
	}
	for i := range b.c.topics {
		if about(&b.c.topics[i]) {
			p.topics = addTopic(p.topics, b.config.Topics[i].Topic)
		}
	}
	if t := titleTopic(p.short); t != "" && !p.excluded {
		p.topics = addTopic(p.topics, t)
	}
	return p
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

// cut shortens s to at most limit bytes at a character's border.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}
