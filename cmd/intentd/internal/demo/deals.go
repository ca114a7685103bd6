package demo

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
)

// Deal is a closed deal: HubSpot property names and values, and the keys of the contacts on it.
type Deal struct {
	Properties map[string]string
	Contacts   []string
}

// dealsOfAYear is how many deals were closed in the demo's last year: enough to tell something of a score.
const dealsOfAYear = 400

// ClosedDeals are the deals that the vendor closed in the year before now, with the people on them and what these did before. They are made up so that nothing is too smooth: most of
// the won had somebody with a real intent, some only looked around, some left no trace; most of the lost only read, some asked for a demo all the same. Like [People] they are a function of now alone.
func ClosedDeals(now time.Time) Population {
	rng := rand.New(rand.NewPCG(41, 0xdea1))
	now = now.UTC().Truncate(time.Second)
	y := year{rng: rng, trades: rand.New(rand.NewPCG(43, 0xdea1)), now: now, story: story()}
	for i := range dealsOfAYear {
		age := time.Duration(345-i*325/dealsOfAYear)*24*time.Hour + time.Duration(rng.IntN(20))*time.Hour
		y.deal(i, age)
	}
	slices.SortStableFunc(y.Events, func(a, b connectors.Event) int { return a.Time.Compare(b.Time) })
	return y.Population
}

// year makes deals up.
type year struct {
	Population
	rng    *rand.Rand
	trades *rand.Rand // of the companies' industries: they change nothing else
	now    time.Time
	story  *plot
}

// deal makes up the deal that was created so long before now.
func (y *year) deal(i int, age time.Duration) {
	won := y.rng.Float64() < 0.38
	chances := []float64{0.50, 0.20, 0.10, 0.20} // buyers, lookers, readers, nobody knows
	if !won {
		chances = []float64{0.08, 0.22, 0.50, 0.20}
	}
	company := pick(y.rng, dealPlaces) + " " + pick(y.rng, dealTrades)
	closed := instant(y.now.Add(-age + min(age-24*time.Hour, time.Duration(7+y.rng.IntN(60))*24*time.Hour)))
	d := Deal{Properties: map[string]string{
		"dealname": "Larkfield for " + company, "pipeline": "default", "dealstage": map[bool]string{true: "closedwon", false: "closedlost"}[won],
		"amount": strconv.Itoa(1000 * (3 + y.rng.IntN(40))), "createdate": instant(y.now.Add(-age)), "closedate": closed, "hs_lastmodifieddate": closed,
	}}
	industry := pick(y.trades, dealIndustries)
	if won && y.trades.IntN(2) == 0 {
		industry = "MACHINERY" // whom the vendor suits best
	}
	draw, kind := y.rng.Float64(), 0
	for ; kind < 3 && draw >= chances[kind]; kind++ {
		draw -= chances[kind]
	}
	if kind < 3 || y.rng.IntN(3) > 0 { // of a third of the others not even a contact is on it
		d.Contacts = append(d.Contacts, y.somebody(i, 0, company, industry, age, kind))
	}
	if len(d.Contacts) > 0 && y.rng.IntN(3) == 0 {
		d.Contacts = append(d.Contacts, y.somebody(i, 1, company, industry, age, 1+y.rng.IntN(3))) // a colleague
	}
	y.Deals = append(y.Deals, d)
}

// somebody makes up a person on a deal, with what they did before it, by the kind of person they are. It returns their key.
func (y *year) somebody(deal, k int, company, industry string, age time.Duration, kind int) string {
	first, last := pick(y.rng, dealFirst), pick(y.rng, dealLast)
	key := fmt.Sprintf("deal-%03d-%d", deal+1, k+1)
	email := strings.ToLower(fmt.Sprintf("%s.%s.%d@%s.example", first, last, deal+1, strings.ReplaceAll(company, " ", "-")))
	who := person{Key: key, Name: first + " " + last, Email: email, Company: company, Visits: y.visits(age, kind)}
	t := teller{plot: y.story, who: &who, number: 1000 + 2*deal + k, now: y.now}
	for i := range who.Visits {
		t.visit(i)
	}
	for i := range t.events {
		t.events[i].ID = fmt.Sprintf("d%03d%d-%03d", deal+1, k+1, i+1)
		t.events[i].IP = "198.51.100.77"
	}
	y.Events = append(y.Events, t.events...)
	values := properties(&who, record{key, email}, y.now)
	values["industry"], values["createdate"] = industry, instant(y.now.Add(-age-90*24*time.Hour))
	y.Contacts = append(y.Contacts, Contact{Key: key, Role: "of a closed deal", Properties: values})
	return key
}

// visits are what somebody of a kind did before a deal that is so old, and, as people do, once it was under way.
func (y *year) visits(age time.Duration, kind int) (all []visit) {
	before := func(most int) span { return span(age + time.Duration(36+y.rng.IntN(24*most))*time.Hour) }
	buying := [][]string{
		{"view /products/crm", "view /pricing", "view /pricing/calculator", "click Work out your price"},
		{"view /compare/legacy-crm", "view /products/crm/integrations", "view /docs/api"},
		{"view /case-studies/hartmoor-pumps", "view /pricing", "view /security"},
	}
	looking := [][]string{{"view /", "view /products/crm"}, {"view /products/forecast", "view /pricing"}, {"view /products/enablement", "view /case-studies/valmera-foods"}}
	reading := [][]string{{"view /blog/first-crm", "view /blog/pipeline-review", "view /blog/cold-calls"}, {"view /templates/cold-mail", "view /templates/pipeline-sheet", "download Cold mails"}, {"view /blog/forecast-accuracy", "view /about"}}
	add := func(from [][]string, n, most int) {
		for range n {
			all = append(all, visit{Ago: before(most), Steps: pick(y.rng, from)})
		}
	}
	switch kind {
	case 0:
		add(buying, 2+y.rng.IntN(3), 28)
		if y.rng.IntN(3) > 0 {
			all = append(all, visit{Ago: before(12), Steps: []string{"view /pricing", "view /demo", "demo Book a demo | We need it by next quarter"}})
		}
	case 1:
		add(looking, 1+y.rng.IntN(2), 50)
		if y.rng.IntN(4) == 0 {
			add(buying, 1, 20)
		}
	case 2:
		add(reading, 2+y.rng.IntN(4), 60)
		if y.rng.IntN(6) == 0 {
			all = append(all, visit{Ago: before(20), Steps: []string{"view /demo", "demo Book a demo | For a study"}})
		}
	}
	if kind < 3 && age > 6*24*time.Hour {
		all = append(all, visit{Ago: span(age - time.Duration(12+y.rng.IntN(100))*time.Hour), Steps: []string{"view /docs/import", "view /security"}})
	}
	return all
}

func pick[T any](rng *rand.Rand, from []T) T { return from[rng.IntN(len(from))] }

var (
	dealFirst = strings.Fields("Ada Bruno Clara Dario Edda Femi Greta Hugo Ines Jalil Kaja Leon Mira Noel Orla Piet Runa Sami Tilda Viggo")
	dealLast  = strings.Fields("Albers Brandt Corelli Doyle Ekberg Farrow Gruber Halloran Iversen Jonker Kowal Lindner Marlow Nyberg Ortega Petrak Rademaker Sorrel Tamm Varga")
	// dealIndustries are as HubSpot spells them.
	dealIndustries = strings.Fields("MACHINERY FOOD_PRODUCTION CONSTRUCTION LOGISTICS_AND_SUPPLY_CHAIN PACKAGING_AND_CONTAINERS")
	dealPlaces     = strings.Fields("Aldermoor Birkholm Caldwater Dunraven Eskdale Fernhollow Glenmark Hazelwick Inverlea Juniperhill")
	dealTrades     = strings.Fields("Bearings Bottling Fixtures Freight Gauges Glass Housings Paper Sensors Tools")
)
