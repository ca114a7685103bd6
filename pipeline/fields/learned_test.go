package fields

import (
	"strings"
	"testing"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/profile"
	"github.com/intentd/intentd/pipeline/score"
)

// Promise: what the CRM says is told in words that a rep reads, in both languages, and the parts of the score add up to it.
func TestReasonsByTheCRM(t *testing.T) {
	is := func(property, word string, slope float64) score.Term {
		return score.Term{Feature: score.Feature{Fact: score.FactProfile + property, Form: score.Is, Level: word}, Slope: slope}
	}
	unknown := func(property string, slope float64) score.Term {
		return score.Term{Feature: score.Feature{Fact: score.FactProfile + property, Form: score.Unknown}, Slope: slope}
	}
	r := build(score.Shown{}, nil, intent.Intent{}, did{daysAgo: 2, typ: score.WebVisit})
	r.Settings.Additive = &score.Additive{Offset: 400, K: 10, B: 1, Terms: []score.Term{
		is("industry", "manufacturing", 9), is("industry", "retail", -20), unknown("industry", -30), is("numemployees", "1,000 to 9,999", 5), unknown("jobtitle", -4), is("hs_analytics_source", "organic search", -3),
		is("annualrevenue", "10 to 99 million", 2), is("company_type__c", "partner", 1), unknown("hs_region", -2),
	}}
	r.Features.Profile = []score.Word{{Name: "annualrevenue", Word: "10 to 99 million"}, {Name: "company_type__c", Word: "partner"}, {Name: "hs_analytics_source", Word: "organic search"}, {Name: "industry", Word: "manufacturing"},
		{Name: "numemployees", Word: "1,000 to 9,999"}}
	r.Parts = r.Settings.At(&r.Features, now)
	r.Points = r.Settings.PointsAt(&r.Features, now.Unix())
	for language, want := range map[string][]string{
		"en": {"works in manufacturing (CRM) +9.0; company size: 1,000 to 9,999 (CRM) +5.0; annual revenue: 10 to 99 million (CRM) +2.0; company type: partner (CRM) +1.0",
			"no job title in the CRM −4.0; source: organic search (CRM) −3.0; no region in the CRM −2.0"},
		"de": {"Branche „manufacturing“ (CRM) +9,0; Firmengröße 1.000 bis 9.999 (CRM) +5,0; Jahresumsatz 10 bis 99 Mio. (CRM) +2,0; „company type“ ist „partner“ (CRM) +1,0",
			"keine Position im CRM −4,0; Herkunft „organic search“ (CRM) −3,0; „region“ fehlt im CRM −2,0"},
	} {
		text := Render(r, Options{Language: language, Location: berlin})[connectors.FieldReasons]
		for _, line := range want {
			if !strings.Contains(text, line) {
				t.Errorf("%s: %q lacks %q", language, text, line)
			}
		}
		sum := r.Parts.Offset + r.Parts.Clamp
		for _, p := range LearnedParts(r, language) {
			sum += p.Tenths
		}
		if sum != r.Parts.Score || sum != 480 {
			t.Errorf("%s: the parts add up to %d, the score is %d", language, sum, r.Parts.Score)
		}
	}
}

// Promise: each band of numbers has words in each language.
func TestBandsHaveWords(t *testing.T) {
	for _, number := range []string{"0", "1", "10", "50", "200", "1e3", "1e4", "1e5", "1e6", "1e7", "1e8"} {
		for _, code := range []string{"en", "de"} {
			if band := profile.Word(number); languageOf(code).bands[band] == "" {
				t.Errorf("%s has no words for %s", code, band)
			}
		}
	}
}
