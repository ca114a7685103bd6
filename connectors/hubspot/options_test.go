package hubspot

import (
	"fmt"
	"strings"
	"testing"

	"github.com/intentd/intentd/connectors"
)

func TestBadOptionsAreRefusedWithoutASecret(t *testing.T) {
	const secret = "pat-na1-very-secret"
	for name, change := range map[string]func(*Options){
		"no token":                func(o *Options) { o.Token = "" },
		"a token of two lines":    func(o *Options) { o.Token = secret + "\nx" },
		"token and OAuth":         func(o *Options) { o.OAuth = &OAuth{"a", "b", "c"} },
		"OAuth without a secret":  func(o *Options) { o.Token, o.OAuth = "", &OAuth{ClientID: "a", RefreshToken: secret} },
		"http":                    func(o *Options) { o.BaseURL = "http://api.hubapi.com" },
		"no URL":                  func(o *Options) { o.BaseURL = "hubapi" },
		"a version":               func(o *Options) { o.APIVersion = "v4" },
		"a version of no month":   func(o *Options) { o.APIVersion = "2026-13" },
		"more searches than all":  func(o *Options) { o.SearchesPerSecond = 6 },
		"negative searches":       func(o *Options) { o.SearchesPerSecond = -1 },
		"a share over one":        func(o *Options) { o.RateShare = 1.1 },
		"all in reserve":          func(o *Options) { o.DailyReserve = 1 },
		"a negative lookback":     func(o *Options) { o.Lookback = -1 },
		"an unknown field":        func(o *Options) { o.Fields = map[string]string{"colour": "x"} },
		"a field of no name":      func(o *Options) { o.Fields = map[string]string{"score": "Intent Score"} },
		"an input of no name":     func(o *Options) { o.Inputs = []string{"a b"} },
		"a name with a slash":     func(o *Options) { o.Name = "a/b" },
		"credentials in the URL":  func(o *Options) { o.BaseURL = "https://u:" + secret + "@api.hubapi.com" },
		"a query in the base URL": func(o *Options) { o.BaseURL = "https://api.hubapi.com?hapikey=" + secret },
	} {
		o := Options{Token: secret}
		change(&o)
		c, err := New(o)
		e, _ := err.(*connectors.Error)
		if c != nil || e == nil || e.Kind != connectors.Config || e.Fix == "" || e.Message == "" {
			t.Errorf("%s: %+v", name, err)
		} else if strings.Contains(fmt.Sprintf("%+v %v", *e, e), secret) {
			t.Errorf("%s: the secret is told", name)
		}
	}
	for _, o := range []Options{{Token: secret}, {Token: " " + secret + "\n", BaseURL: "http://127.0.0.1:1/"}, {OAuth: &OAuth{"a", "b", "c"}}} {
		if _, err := New(o); err != nil {
			t.Error(err)
		}
	}
}

func TestPathsOfBothGenerations(t *testing.T) {
	for version, want := range map[string]string{
		"2026-09": "/crm/objects/2026-09/contacts/batch/read /crm/objects/2026-09/contacts/1%2F2 /crm/properties/2026-09/contacts /crm/associations/2026-03/deals/contacts/batch/read /events/event-occurrences/2026-03 /oauth/2026-03/token /account-info/2026-09/details",
		"v3":      "/crm/v3/objects/contacts/batch/read /crm/v3/objects/contacts/1%2F2 /crm/v3/properties/contacts /crm/v4/associations/deals/contacts/batch/read /events/v3/events /oauth/v1/token /account-info/v3/details",
	} {
		p, ok := pathsOf(version)
		got := strings.Join([]string{p.objects(Contacts, "/batch/read"), p.object(Contacts, "1/2"), p.properties(""), p.dealContacts(), p.occurrences(), p.token(), p.account()}, " ")
		if !ok || got != want {
			t.Errorf("%s: %s", version, got)
		}
	}
}
