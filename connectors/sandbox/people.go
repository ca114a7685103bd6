package sandbox

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// What the people of populated sandboxes are called and what they do.
var (
	firstNames = strings.Fields("Ada Ben Carla Dmitri Elena Farid Grace Henrik Ines Jonas Keiko Lars Maya Nils Olga Pavel Quinn Rosa Samir Tara Uwe Vera Wei Xenia Yusuf Zoe")
	lastNames  = strings.Fields("Adler Bianchi Costa Dubois Eriksen Fischer Garcia Hansen Ivanova Jansen Keller Lindqvist Moreau Novak Okafor Petrov Quist Rossi Sato Tanaka Urban Vogel Weber Yilmaz Zhang")
	titles     = []string{"Head of Sales", "VP Marketing", "Sales Operations Manager", "Chief Technology Officer", "Account Executive", "Revenue Operations Lead", "Managing Director", "Marketing Manager", "IT Director", "Purchasing Manager", "Product Manager", "Consultant"}
	trades     = strings.Fields("Logistics Software Analytics Foods Energy Robotics Textiles Medical Print Finance Optics Packaging")
	places     = strings.Fields("Northwind Harbor Alder Juniper Summit Cobalt Meridian Larch Granite Heron Beacon Falcon Willow Cedar Orbit Delta")
	pagesSeen  = []string{"/", "/pricing", "/product", "/product/automation", "/blog/lead-scoring", "/case-studies/retail", "/compare", "/docs/api", "/webinar", "/careers", "/contact"}
	sourcesOf  = []string{"ORGANIC_SEARCH", "PAID_SEARCH", "EMAIL_MARKETING", "SOCIAL_MEDIA", "REFERRALS", "DIRECT_TRAFFIC", "OFFLINE"}
	stagesOf   = []string{"subscriber", "subscriber", "lead", "lead", "lead", "lead", "marketingqualifiedlead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity", "customer"}
	leadStatus = []string{"NEW", "NEW", "OPEN", "IN_PROGRESS", "ATTEMPTED_TO_CONTACT", "CONNECTED", "BAD_TIMING"}
	formsSent  = []string{"Newsletter", "Whitepaper: scoring leads", "Webinar registration", "Contact us", "Request a demo"}
)

// someone is what portals and orgs tell of a person made up.
type someone struct {
	first, last, company, email, title string
	phone                              string // of every second one
	created                            time.Time
}

// newSomeone makes the i-th person of a company up.
func newSomeone(rng *rand.Rand, now time.Time, i int, company string) someone {
	p := someone{first: pick(rng, firstNames), last: pick(rng, lastNames), company: company, title: pick(rng, titles), created: ago(rng, now, 2*365*24*time.Hour)}
	p.email = strings.ToLower(fmt.Sprintf("%s.%s.%d@%s.example", p.first, p.last, i, strings.ReplaceAll(company, " ", "-")))
	if rng.IntN(2) == 0 {
		p.phone = fmt.Sprintf("+49 30 5550%04d", rng.IntN(10000))
	}
	return p
}

func newCompany(rng *rand.Rand) string { return pick(rng, places) + " " + pick(rng, trades) }

func pick[T any](rng *rand.Rand, from []T) T { return from[rng.IntN(len(from))] }

// ago is a time within span before now, to the second.
func ago(rng *rand.Rand, now time.Time, span time.Duration) time.Time {
	return now.Add(-time.Duration(rng.Int64N(int64(span/time.Second))+1) * time.Second)
}

// between is a time from a to b, the later half of the span likelier.
func between(rng *rand.Rand, a, b time.Time) time.Time {
	span := int64(b.Sub(a) / time.Second)
	if span <= 0 {
		return a
	}
	return a.Add(time.Duration(max(rng.Int64N(span), rng.Int64N(span))) * time.Second)
}
