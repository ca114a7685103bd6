package journey

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/score"
)

// thirty are people whose score, tier, stage and product were worked out by hand, from what they did until noon of 28 Nov 2026. An
// event is "day kind what", what being a path, or the name of a form, campaign, subject or product.
var thirty = []struct {
	name     string
	customer bool
	events   string
	score    string
	tier     score.Tier
	rule     score.Rule
	stage    score.Stage
	product  string
	interest score.Interest
}{
	{"demo after prices", false, "12 Nov page /compare/flow-or-spreadsheets; 24 Nov page /pricing; 25 Nov page /pricing; 26 Nov form Demo of Flow", "69.8", score.High, score.ByThreshold, score.Deciding, "Flow", score.InterestHigh},
	{"tender", false, "17 Nov page /security/sso; 17 Nov page /security/data-location; 19 Nov page /compare/quillstack; 27 Nov form RFP for Flow", "71.1", score.High, score.ByThreshold, score.Deciding, "Flow", score.InterestHigh},
	{"quote answered", false, "9 Nov form Shift Planner: request a quote; 12 Nov team_activity x; 25 Nov page /pricing; 25 Nov page /contract-terms", "66.5", score.High, score.ByThreshold, score.Deciding, "Shift Planner", score.InterestHigh},
	{"stale request, 22 days", false, "6 Nov form P4 quote; 8 Nov download P4 data sheet", "49.6", score.Low, score.ByThreshold, score.Deciding, "P4", score.InterestHigh},
	{"stale request, 87 days", false, "2 Sep form Quote for IV20; 4 Sep team_activity x; 3 Nov email_open Autumn", "25.0", score.Low, score.ByThreshold, score.Exploring, "IV20", score.InterestHigh},
	{"trial stuck", false, "16 Nov trial Flow; 16 Nov product_use import; 17 Nov page /help/import; 19 Nov page /help/import", "47.5", score.Low, score.ByThreshold, score.Exploring, "Flow", score.InterestHigh},
	{"trial in use", false, "18 Nov trial Flow; 20 Nov invite x; 20 Nov invite y; 24 Nov invite z; 27 Nov page /pricing; 27 Nov page /order", "65.1", score.High, score.ByThreshold, score.Deciding, "Flow", score.InterestHigh},
	{"price and comparison research", false, "10 Nov page /loans/working-capital-loan; 18 Nov page /working-capital-loan/rates; 24 Nov page /compare/working-capital-loan-or-factoring; 24 Nov page /working-capital-loan/calculator", "56.8", score.Medium, score.ByThreshold, score.Deciding, "Working-capital loan", score.InterestHigh},
	{"pilot after a quote", false, "3 Nov form Quote: Flow; 10 Nov team_activity x; 25 Nov form Pilot: Flow", "64.0", score.High, score.ByThreshold, score.Deciding, "Flow", score.InterestHigh},
	{"two products", false, "11 Nov page /payroll; 11 Nov page /payroll/prices; 24 Nov page /shift-planner; 24 Nov page /shift-planner/prices; 26 Nov page /payroll-and-shift-planner", "60.8", score.Medium, score.ByThreshold, score.Comparing, "Shift Planner", score.InterestMedium},
	{"one page", false, "25 Nov page /route-planning", "44.0", score.Low, score.ByThreshold, score.Exploring, "", score.InterestNone},
	{"newsletter", false, "14 Nov form Newsletter", "36.4", score.Low, score.ByThreshold, score.Exploring, "", score.InterestNone},
	{"opens", false, "10 Nov email_open A; 17 Nov email_open B; 24 Nov email_open C", "27.0", score.Low, score.ByThreshold, score.Exploring, "", score.InterestNone},
	{"customer", true, "20 Nov page /press-automation; 26 Nov form Quote: P4", "61.8", score.High, score.ByHandRaise, score.Deciding, "P4", score.InterestHigh},
	{"competitor", false, "12 Nov page /flow/prices; 12 Nov page /flow/compare/quillstack; 17 Nov page /case-studies/x", "47.8", score.Low, score.ByThreshold, score.Comparing, "Flow", score.InterestHigh},
	{"student", false, "18 Nov page /blog/1; 18 Nov page /blog/2; 19 Nov form Template: sales forecast", "52.5", score.Low, score.ByThreshold, score.Exploring, "", score.InterestNone},
	{"job seeker", false, "22 Nov page /blog/wages; 25 Nov page /careers; 25 Nov page /careers/1; 25 Nov form Job application", "40.5", score.Low, score.ByThreshold, score.Exploring, "", score.InterestNone},
	{"hostile text", false, "27 Nov form Guide: Export finance", "55.6", score.Medium, score.ByThreshold, score.Exploring, "", score.InterestNone},
	{"form abandoned", false, "21 Nov page /pricing; 26 Nov form_start Demo; 27 Nov page /pricing", "58.6", score.Medium, score.ByThreshold, score.Deciding, "", score.InterestNone},
	{"colleague asked", false, "20 Nov page /audit-trails; 25 Nov page /pricing", "53.5", score.Low, score.ByThreshold, score.Comparing, "", score.InterestNone},
	{"cart left", false, "22 Nov page /shop/barista-3; 22 Nov page /shop/barista-5; 26 Nov cart Barista 3", "57.3", score.Medium, score.ByThreshold, score.Deciding, "Barista 3", score.InterestHigh},
	{"typed quantities", false, "18 Nov page /cafes; 25 Nov form Business enquiry", "64.0", score.High, score.ByThreshold, score.Deciding, "", score.InterestNone},
	{"back after silence", false, "2 Sep form Samples of Slate; 26 Nov page /tiles/slate; 27 Nov page /slate/trade-prices", "58.6", score.Medium, score.ByThreshold, score.Deciding, "Slate", score.InterestHigh},
	{"application begun", false, "3 Nov webinar MBA: financing; 20 Nov page /mba/fees; 25 Nov form_start MBA application", "59.0", score.Medium, score.ByThreshold, score.Comparing, "MBA", score.InterestHigh},
	{"download and registration", false, "12 Nov form Brochure: MSc Data Science; 13 Nov form Open day", "45.2", score.Low, score.ByThreshold, score.Exploring, "MSc Data Science", score.InterestHigh},
	{"booking left at payment", false, "24 Nov search madeira; 25 Nov page /hotels/1; 25 Nov page /hotels/2; 26 Nov checkout Trip", "59.3", score.Medium, score.ByThreshold, score.Deciding, "", score.InterestNone},
	{"missed appointment", false, "10 Nov form Group enquiry; 18 Nov booking Call; 25 Nov meeting_missed Call", "47.2", score.Low, score.ByThreshold, score.Deciding, "", score.InterestNone},
	{"unsubscribed", false, "5 Nov form Size guide; 24 Nov unsubscribe x", "37.0", score.Low, score.ByThreshold, score.Exploring, "", score.InterestNone},
	{"press", false, "20 Nov page /rail-trips; 23 Nov form Press enquiry", "38.5", score.Low, score.ByThreshold, score.Exploring, "", score.InterestNone},
	{"mail scanner", false, "27 Nov email_click /1; 27 Nov email_click /2; 27 Nov email_click /3; 27 Nov email_click /4; 27 Nov page /1", "", score.TierUnknown, score.ByNothing, score.StageUnknown, "", score.InterestNone},
}

// From events to number, tier, stage and product, for thirty people in ten trades.
func TestThirtyPeople(t *testing.T) {
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	b := builder(t, func(c *Config) {
		c.Topics = nil
		c.Products = []Product{{Name: "Flow"}, {Name: "Shift Planner"}, {Name: "Payroll"}, {Name: "P4"}, {Name: "IV20"}, {Name: "Working-capital loan"}, {Name: "Barista 3"}, {Name: "Barista 5"}, {Name: "Slate"}, {Name: "MBA"}, {Name: "MSc Data Science"}}
	})
	set := score.Defaults()
	for _, c := range thirty {
		var events []connectors.Event
		for i, line := range strings.Split(c.events, "; ") {
			events = append(events, thirtyEvent(t, now, i, line))
		}
		j := b.Build(Input{Person: person, Customer: c.customer, Events: events, Now: now})
		f := j.Features()
		shown, p, rule := set.Show(&f, score.Shown{}, now)
		got := ""
		if p.Known {
			got = score.FormatTenths(p.Score)
		}
		if got != c.score || shown.Tier != c.tier || rule != c.rule || shown.Stage != c.stage || shown.Product != c.product || shown.Interest != c.interest {
			t.Errorf("%s: %s %v by %s, %v, %q %v; want %s %v by %s, %v, %q %v\n\t%q %v", c.name, got, shown.Tier, rule, shown.Stage, shown.Product, shown.Interest,
				c.score, c.tier, c.rule, c.stage, c.product, c.interest, told(j), j.LeftOut)
		}
	}
}

func thirtyEvent(t *testing.T, now time.Time, i int, line string) connectors.Event {
	t.Helper()
	f := strings.SplitN(line, " ", 4)
	day, err := time.Parse("2 Jan 2006 15:04", f[0]+" "+f[1]+" 2026 09:00")
	if err != nil {
		t.Fatal(err)
	}
	e := connectors.Event{ID: strconv.Itoa(i), Source: "site", Time: day.Add(time.Duration(i) * time.Second), Kind: f[2], AnonymousID: "a1", Properties: map[string]string{}}
	switch what := f[3]; {
	case f[2] == "page":
		e.Kind, e.URL = connectors.KindPageView, "https://example.com"+what
	case f[2] == "form":
		e.Kind, e.Properties[connectors.PropForm] = connectors.KindFormSubmit, what
	case strings.HasPrefix(what, "/"):
		e.URL, e.Properties[connectors.PropCampaign] = "https://example.com"+what, "nov"
	case f[2] == connectors.KindEmailOpen:
		e.Properties[connectors.PropCampaign] = what
	case f[2] == connectors.KindCart || f[2] == connectors.KindCheckout:
		e.Properties["product"] = what
	case f[2] == connectors.KindProductUse:
		e.Properties["feature"] = what
	default:
		e.Properties[connectors.PropForm] = what
	}
	return e
}
