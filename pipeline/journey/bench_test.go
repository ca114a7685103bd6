package journey

import (
	"strconv"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
)

// twenty is the journey of somebody who came four times.
func twenty() []connectors.Event {
	var out []connectors.Event
	for i := range 20 {
		e := view(time.Duration(i/5)*72*time.Hour+time.Duration(20-i)*time.Minute, []string{"/", "/pricing", "/cards/gold", "/blog/crm", "/guides/crm/intro"}[i%5],
			prop("utm_source", "newsletter"), prop("n", strconv.Itoa(i)))
		if i%5 == 0 { // each visit comes by a link of its own
			e.URL += "?utm_source=newsletter&utm_medium=email&gclid=" + strconv.Itoa(i)
		}
		e.PageTitle = "Sales automation for teams | Example"
		e.Person = "p1"
		out = append(out, e)
	}
	out[3].Kind = connectors.KindClick
	out[7].Email = "ada@customer.test"
	return out
}

func BenchmarkBuild20(b *testing.B) {
	bd := builder(b)
	events := twenty()
	b.ReportAllocs()
	for b.Loop() {
		bd.Build(Input{Person: person, Events: events, Now: noon})
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "people/s")
}

func BenchmarkBuild20Parallel(b *testing.B) {
	bd := builder(b)
	events := twenty()
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			bd.Build(Input{Person: person, Events: events, Now: noon})
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "people/s")
}

func BenchmarkCrawlerUnknownAgent(b *testing.B) {
	c := loadCrawlers()
	b.ReportAllocs()
	for b.Loop() {
		c.match(chrome)
	}
}
