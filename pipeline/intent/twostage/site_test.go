package twostage

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/intent/intenttest"
	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/pipeline/score"
)

// webSite is a generated web site: 200 pages of fixed titles, each with six links, of which the first are followed most.
type webSite struct {
	pages []sitePage
}

type sitePage struct {
	path, title string
	Type        score.Type
	flags       score.Flag
	product     uint8
	topics      []string
	links       []int
	labels      []string // of the links
}

// newSite makes the site of a seed.
func newSite(pages int, seed uint64) *webSite {
	r := rand.New(rand.NewPCG(seed, 1))
	subjects := strings.Fields("fees limits onboarding security reporting exports approvals budgets receipts travel fuel rewards teams integrations taxes audits insurance claims savings payments")
	s := &webSite{}
	for i := range pages {
		p := sitePage{Type: score.WebVisit}
		word := subjects[i%len(subjects)]
		other := subjects[(i*7+3)%len(subjects)]
		switch {
		case i == 0:
			p.path, p.title = "/", "Banking for teams"
		case i == 1:
			p.path, p.title, p.Type, p.flags = "/pricing", "Pricing", score.ContentView, score.PricePage
		case i == 2:
			p.path, p.title = "/demo", "Book a demo"
		case i == 3:
			p.path, p.title = "/contact", "Contact"
		case i < 12:
			p.path, p.title, p.Type, p.flags = fmt.Sprintf("/compare/rival-%c", 'a'+i), fmt.Sprintf("Compared with rival %c", 'A'+i), score.ContentView, score.Comparison
		case i < 60:
			p.product = uint8(1 + i%len(intenttest.Products))
			p.path, p.title, p.flags = fmt.Sprintf("/product/%s-%d", word, i), fmt.Sprintf("%s: %s and %s", intenttest.Products[i%len(intenttest.Products)], word, other), score.ProductPage
		case i < 130:
			p.path, p.title = fmt.Sprintf("/blog/%s-%d", word, i), fmt.Sprintf("How to get %s right without losing sight of %s", word, other)
		default:
			p.path, p.title = fmt.Sprintf("/help/%s-%d", word, i), fmt.Sprintf("Help: %s for %s", word, other)
		}
		p.title += " | Example Bank"
		p.topics = []string{word}
		s.pages = append(s.pages, p)
	}
	for i := range s.pages {
		p := &s.pages[i]
		for k := range 6 {
			to := r.IntN(pages)
			if k < 2 { // navigation: every page links to the well-known ones
				to = r.IntN(12)
			}
			if to == i {
				to = (to + 1) % pages
			}
			p.links = append(p.links, to)
			title, _, _ := strings.Cut(s.pages[to].title, " | ")
			p.labels = append(p.labels, title)
		}
	}
	return s
}

// follow picks a link: the first ones are followed most.
func (s *webSite) follow(r *rand.Rand, page int) int {
	x := r.Float64()
	for k, share := range []float64{0.40, 0.65, 0.80, 0.90, 0.96} {
		if x < share {
			return k
		}
	}
	return 5
}

// person walks somebody over the site: sessions of page views with clicks, scrolls, now and then a form.
func (s *webSite) person(n int, seed uint64) intent.Subject {
	r := rand.New(rand.NewPCG(seed, uint64(n)+100))
	geometric := func(mean float64) int {
		k := 1
		for r.Float64() > 1/mean && k < 40 {
			k++
		}
		return k
	}
	j := &journey.Journey{Key: fmt.Sprintf("p%d", n), Products: intenttest.Products, BySource: map[string]int{}}
	h := xxhash.New()
	id := 0
	sessions := geometric(2.5)
	start := intenttest.Now.Add(-time.Duration(r.IntN(80*24)) * time.Hour)
	for v := range sessions {
		at := start.Add(time.Duration(v*(20+r.IntN(90))) * time.Hour)
		if at.After(intenttest.Now) {
			break
		}
		ses := journey.Session{ID: fmt.Sprintf("v%d", v), Source: "site", Start: at}
		add := func(kind string, page int, label string, props map[string]string, typ score.Type) {
			id++
			p := &s.pages[page]
			st := journey.Step{ID: fmt.Sprintf("s%d", id), Signal: -1, Trusted: true, Event: connectors.Event{
				ID: fmt.Sprintf("%s-%d", j.Key, id), Source: "site", Time: at, Kind: kind, URL: "https://example.com" + p.path, PageTitle: p.title, ElementText: label, Properties: props,
			}}
			if typ != 0 {
				st.Signal = len(j.Signals)
				j.Signals = append(j.Signals, journey.Signal{
					Signal:  score.Signal{At: at.Unix(), Session: uint16(v), Type: typ, Strength: intenttest.Strengths[typ], Product: p.product, Flags: p.flags},
					EventID: st.Event.ID, Object: p.path, Title: p.title, Topics: p.topics,
				})
			}
			_, _ = h.WriteString(st.Event.ID + kind + p.path + label)
			ses.Steps = append(ses.Steps, st)
			at = at.Add(time.Duration(10+r.IntN(120)) * time.Second)
		}
		page := []int{0, 0, 0, 1, 12 + r.IntN(48), 60 + r.IntN(70), 60 + r.IntN(70)}[r.IntN(7)]
		if r.Float64() < 0.15 {
			add(connectors.KindEmailClick, page, "", nil, score.EmailEngage)
		}
		for range geometric(3.5) {
			add(connectors.KindPageView, page, "", nil, s.pages[page].Type)
			if r.Float64() < 0.4 {
				add(connectors.KindScroll, page, "", nil, 0)
			}
			if (page == 2 || page == 3) && r.Float64() < 0.3 {
				add(connectors.KindDemoRequest, page, "Send", map[string]string{"form": "demo", "message": fmt.Sprintf("we are %d people and would like to see it", 2+r.IntN(400))}, score.HandRaise)
			}
			k := s.follow(r, page)
			if r.Float64() < 0.35 {
				add(connectors.KindClick, page, s.pages[page].labels[k], nil, 0)
			}
			page = s.pages[page].links[k]
		}
		ses.End = at
		j.Sessions = append(j.Sessions, ses)
		j.Newest = at
	}
	j.Hash = h.Sum64()
	recent := intenttest.Now.AddDate(0, 0, -30)
	j.Recent = len(j.Sessions)
	for i := len(j.Sessions) - 1; i >= 0 && !j.Sessions[i].End.Before(recent); i-- {
		j.Recent = i
	}
	return intent.Subject{Journey: j, Now: intenttest.Now, Language: "en", Location: intenttest.Berlin}
}
